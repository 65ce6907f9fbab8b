//! What the page's Content-Security-Policy refused of what this peer asked for: a browser tells the document, and not whoever
//! asked.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

/// URLs that are kept.
const MAX_REFUSED: usize = 16;
const VIOLATION: &str = "securitypolicyviolation";

/// Listens until it is dropped; where there is no page, it hears nothing.
#[must_use = "what is dropped hears nothing"]
pub(super) struct Policy {
    page: EventTarget,
    listener: Closure<dyn Fn(JsValue)>,
    refused: Rc<RefCell<Vec<String>>>,
}

impl Policy {
    pub(super) fn watch() -> Self {
        let page: EventTarget = js_sys::global().unchecked_into();
        let refused = Rc::<RefCell<Vec<String>>>::default();
        let listener = Closure::new({
            let refused = refused.clone();
            move |event: JsValue| note(&refused, &event)
        });
        // Where there is no page, there is no such method either.
        let _ = page.add_event_listener_with_callback(VIOLATION, listener.as_ref().unchecked_ref());
        Self { page, listener, refused }
    }

    /// Whether it refused to open this address.
    pub(super) fn refuses(&self, url: &str) -> bool {
        let url = url.trim_end_matches('/');
        // Of another origin a browser tells no more than that, in some cases.
        self.refused.borrow().iter().any(|refused| url.starts_with(refused.as_str()))
    }

    /// Whether it refuses WebRTC as such.
    pub(super) fn refuses_webrtc(&self) -> bool {
        self.refused.borrow().iter().any(|refused| refused == WEBRTC)
    }
}

const WEBRTC: &str = "webrtc";

impl Drop for Policy {
    fn drop(&mut self) {
        let call = self.listener.as_ref().unchecked_ref();
        let _ = self.page.remove_event_listener_with_callback(VIOLATION, call);
    }
}

fn note(refused: &RefCell<Vec<String>>, event: &JsValue) {
    let get = |name: &str| Reflect::get(event, &name.into()).ok().and_then(|value| value.as_string());
    let what = match get("effectiveDirective").as_deref() {
        Some("connect-src" | "default-src") => get("blockedURI").unwrap_or_default(),
        Some(WEBRTC) => WEBRTC.into(),
        _ => return,
    };
    let (what, mut refused) = (what.trim_end_matches('/').to_owned(), refused.borrow_mut());
    if !what.is_empty() && !refused.contains(&what) && refused.len() < MAX_REFUSED {
        refused.push(what);
    }
}
