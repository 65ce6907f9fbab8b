//! What happens to the page: it goes, comes back from the back/forward cache, wakes, or is online again.

use wasm_bindgen::prelude::*;
use web_sys::{Document, Event, EventTarget, PageTransitionEvent, VisibilityState};

/// A moment in a page's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The page goes; it may be frozen and come back, or may be gone for good.
    Leaving,
    /// The page is back from the back/forward cache.
    Restored,
    /// The page is seen, thawed or online again.
    Woke,
}

const EVENTS: [&str; 5] = ["pagehide", "pageshow", "online", "visibilitychange", "resume"];

/// While capturing, the global object also sees what is fired at the document and does not bubble.
const CAPTURE: bool = true;

/// Listens until it is dropped; where there is no page (Node), it hears nothing.
#[must_use = "a lifecycle that is dropped hears nothing"]
pub(super) struct Lifecycle {
    page: EventTarget,
    listener: Closure<dyn Fn(Event)>,
}

impl Lifecycle {
    /// Calls `tell` at each moment.
    pub(super) fn watch(tell: impl Fn(Moment) + 'static) -> Self {
        let page: EventTarget = js_sys::global().unchecked_into();
        let listener = Closure::new(move |event: Event| moment(&event).into_iter().for_each(&tell));
        let call = listener.as_ref().unchecked_ref();
        // Where there is no page, there is no such method either.
        for event in EVENTS {
            let _ = page.add_event_listener_with_callback_and_bool(event, call, CAPTURE);
        }
        Self { page, listener }
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        let call = self.listener.as_ref().unchecked_ref();
        for event in EVENTS {
            let _ = self.page.remove_event_listener_with_callback_and_bool(event, call, CAPTURE);
        }
    }
}

fn moment(event: &Event) -> Option<Moment> {
    match event.type_().as_str() {
        "pagehide" => Some(Moment::Leaving),
        "pageshow" => event.unchecked_ref::<PageTransitionEvent>().persisted().then_some(Moment::Restored),
        "visibilitychange" => {
            let document = event.target()?.unchecked_into::<Document>();
            (document.visibility_state() == VisibilityState::Visible).then_some(Moment::Woke)
        }
        _ => Some(Moment::Woke),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::PageTransitionEventInit;

    use super::*;

    fn fire(name: &str, persisted: bool) {
        let init = PageTransitionEventInit::new();
        init.set_persisted(persisted);
        let event = PageTransitionEvent::new_with_event_init_dict(name, &init).expect("an event");
        let page: EventTarget = js_sys::global().unchecked_into();
        page.dispatch_event(&event).expect("dispatched");
    }

    #[wasm_bindgen_test]
    fn moments_are_told_until_it_is_dropped() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let lifecycle = Lifecycle::watch({
            let heard = heard.clone();
            move |moment| heard.borrow_mut().push(moment)
        });
        fire("pagehide", true);
        fire("pageshow", false);
        fire("pageshow", true);
        fire("online", false);
        drop(lifecycle);
        fire("online", false);
        assert_eq!(*heard.borrow(), [Moment::Leaving, Moment::Restored, Moment::Woke]);
    }
}
