//! One WebSocket to a tracker.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{CloseEvent, MessageEvent};

use crate::proto::{Input, TrackerId};

use super::error::reason;
use super::peer_connection::Report;

#[wasm_bindgen]
extern "C" {
    type URL;
    #[wasm_bindgen(constructor, catch)]
    fn new(url: &str) -> Result<URL, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn protocol(this: &URL) -> String;
    #[wasm_bindgen(method, getter)]
    fn hostname(this: &URL) -> String;
}

type Handler = Closure<dyn Fn(JsValue)>;

/// A socket and the closures that the browser calls. Dropping it takes these off and closes it, and nothing
/// is reported after.
pub(super) struct WebSocket {
    id: TrackerId,
    report: Report,
    socket: web_sys::WebSocket,
    over: Cell<bool>,
    _on_open: Handler,
    _on_message: Handler,
    _on_close: Handler,
}

impl WebSocket {
    /// Begins to open a socket; `Err` says why that is hopeless.
    pub(super) fn open(id: TrackerId, url: &str, report: Report) -> Result<Rc<Self>, String> {
        refuse_mixed_content(url)?;
        let socket = web_sys::WebSocket::new(url).map_err(|thrown| reason(&thrown))?;
        Ok(Rc::new_cyclic(|this| {
            let on_open = handler(this, |this, _| this.report(Input::TrackerOpened(this.id)));
            let on_message = handler(this, Self::on_message);
            let on_close = handler(this, Self::on_close);
            socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
            socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
            socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
            socket.set_onerror(Some(&nothing()));
            let over = Cell::new(false);
            Self { id, report, socket, over, _on_open: on_open, _on_message: on_message, _on_close: on_close }
        }))
    }

    /// Sends a text message; a socket that cannot is reported as closed.
    pub(super) fn send(&self, text: &str) {
        if let Err(thrown) = self.socket.send_with_str(text) {
            self.end(reason(&thrown));
        }
    }

    fn on_message(&self, event: JsValue) {
        // Trackers speak text; anything else is no announce.
        if let Some(text) = event.unchecked_ref::<MessageEvent>().data().as_string() {
            self.report(Input::TrackerMessage(self.id, text));
        }
    }

    fn on_close(&self, event: JsValue) {
        let event = event.unchecked_ref::<CloseEvent>();
        let why = match event.code() {
            1006 => "the connection failed or was cut: no such server, no network, or a blocker".into(),
            code => ["closed by the tracker with code ", &code.to_string(), " ", &event.reason()].concat(),
        };
        self.end(why);
    }

    fn end(&self, why: String) {
        if !self.over.replace(true) {
            (self.report)(Input::TrackerClosed(self.id, why));
        }
    }

    fn report(&self, input: Input) {
        if !self.over.get() {
            (self.report)(input);
        }
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

fn handler(this: &Weak<WebSocket>, call: fn(&WebSocket, JsValue)) -> Handler {
    let this = this.clone();
    Closure::new(move |event| {
        if let Some(this) = this.upgrade() {
            call(&this, event);
        }
    })
}

/// A handler that stays on a socket closed before it opened: Node's `ws` reports that as an error, and an
/// error that nobody handles ends the process. `Function.prototype` is a function that does nothing.
fn nothing() -> Function {
    Object::get_prototype_of(Closure::<dyn Fn()>::new(|| ()).as_ref()).unchecked_into()
}

/// Browsers refuse `ws://` on a page of https, but for the machine itself, with an error that says nothing.
fn refuse_mixed_content(url: &str) -> Result<(), String> {
    let url = URL::new(url).map_err(|_| "not a URL: expected one like wss://tracker.example".to_string())?;
    let host = url.hostname();
    let here =
        host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host.starts_with("127.");
    match url.protocol().as_str() {
        "wss:" => Ok(()),
        "ws:" if here || !page_is_secure() => Ok(()),
        "ws:" => Err("a page of https may not open ws://: use the tracker's wss:// address".into()),
        _ => Err("not a tracker's URL: expected one that begins wss:// or ws://".into()),
    }
}

fn page_is_secure() -> bool {
    let get = |of: &JsValue, key: &str| Reflect::get(of, &key.into()).unwrap_or_default();
    let location = get(&js_sys::global(), "location");
    location.is_object() && get(&location, "protocol").as_string().as_deref() == Some("https:")
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn hopeless_urls_are_refused_with_a_sentence() {
        for url in ["", "tracker", "http://tracker.example", "wss://"] {
            assert!(WebSocket::open(TrackerId(0), url, Rc::new(|_| ())).is_err(), "{url}");
        }
    }

    #[wasm_bindgen_test]
    async fn a_socket_that_finds_nobody_is_reported_as_closed() {
        let ended = Rc::new(super::super::outcome::Outcome::default());
        let report: Report = {
            let ended = ended.clone();
            Rc::new(move |input| {
                assert!(matches!(input, Input::TrackerClosed(TrackerId(7), _)), "{input:?}");
                ended.end(Ok(JsValue::TRUE));
            })
        };
        let _socket = WebSocket::open(TrackerId(7), "ws://127.0.0.1:1", report).expect("a good URL");
        assert_eq!(ended.promise().await, Ok(JsValue::TRUE));
    }
}
