//! One WebSocket to a tracker.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{CloseEvent, MessageEvent, Url};

use crate::proto::{Input, TrackerId};

use super::error::reason;
use super::peer_connection::Report;
use super::rtc::Rtc;

#[wasm_bindgen]
extern "C" {
    /// A function that does nothing, and takes no memory of ours.
    #[wasm_bindgen(js_namespace = Function, js_name = prototype, thread_local_v2)]
    static NOTHING: Function;
}

/// What the browser calls when something happens.
type Handler = Closure<dyn Fn(JsValue)>;

/// A socket and the closures that the browser calls. Dropping it takes these off and closes it, and nothing is
/// reported after.
pub(super) struct WebSocket {
    id: TrackerId,
    report: Report,
    socket: web_sys::WebSocket,
    /// The end was reported, and nothing is after it.
    over: Cell<bool>,
    _handlers: [Handler; 3],
}

impl WebSocket {
    /// Begins to open a socket; `Err` says why that is hopeless.
    pub(super) fn open(id: TrackerId, url: &str, rtc: &Rtc, report: Report) -> Result<Rc<Self>, String> {
        refuse_mixed_content(url)?;
        let socket = rtc.web_socket(url).map_err(|thrown| reason(&thrown))?;
        Ok(Rc::new_cyclic(|this| {
            let handlers = [
                handler(this, |this, _| this.tell(Input::TrackerOpened(this.id))),
                handler(this, Self::on_message),
                handler(this, Self::on_close),
            ];
            let [open, message, close] =
                handlers.each_ref().map(|handler| Some(handler.as_ref().unchecked_ref()));
            socket.set_onopen(open);
            socket.set_onmessage(message);
            socket.set_onclose(close);
            // Stays on a socket closed before it opened: Node's `ws` reports that as an error, and an error that
            // nobody handles ends the process.
            NOTHING.with(|nothing| socket.set_onerror(Some(nothing)));
            Self { id, report, socket, over: Cell::default(), _handlers: handlers }
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
            self.tell(Input::TrackerMessage(self.id, text));
        }
    }

    fn on_close(&self, event: JsValue) {
        let event = event.unchecked_ref::<CloseEvent>();
        self.end(match event.code() {
            1006 => "the connection failed or was cut: no such server, no network, or a blocker".into(),
            code => format!("closed by the tracker with code {code} {}", event.reason()),
        });
    }

    fn end(&self, why: String) {
        if !self.over.replace(true) {
            (self.report)(Input::TrackerClosed(self.id, why));
        }
    }

    fn tell(&self, input: Input) {
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
        // A socket that cannot close is as good as closed.
        let _ = self.socket.close();
    }
}

fn handler(socket: &Weak<WebSocket>, call: fn(&WebSocket, JsValue)) -> Handler {
    let socket = socket.clone();
    Closure::new(move |event| {
        if let Some(socket) = socket.upgrade() {
            call(&socket, event);
        }
    })
}

/// Browsers refuse `ws://` on a page of https, but for the machine itself, with an error that says nothing.
fn refuse_mixed_content(url: &str) -> Result<(), String> {
    let url = Url::new(url).map_err(|_| "not a URL: expected one like wss://tracker.example")?;
    match url.protocol().as_str() {
        "wss:" => Ok(()),
        "ws:" if !is_this_machine(&url.hostname()) && page_protocol().as_deref() == Some("https:") => {
            Err("a page of https may not open ws://: use the tracker's wss:// address".into())
        }
        "ws:" => Ok(()),
        _ => Err("not a tracker's URL: expected one that begins wss:// or ws://".into()),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host.starts_with("127.")
}

/// The protocol of the page's own address, where there is a page.
fn page_protocol() -> Option<String> {
    let location = Reflect::get(&js_sys::global(), &"location".into()).ok()?;
    Reflect::get(&location, &"protocol".into()).ok()?.as_string()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn hopeless_urls_are_refused_with_a_sentence() {
        let rtc = Rtc::find(None).expect("a page has WebRTC");
        for url in ["", "tracker", "http://tracker.example", "wss://"] {
            assert!(WebSocket::open(TrackerId(0), url, &rtc, Rc::new(|_| ())).is_err(), "{url}");
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
        let rtc = Rtc::find(None).expect("a page has WebRTC");
        let _socket = WebSocket::open(TrackerId(7), "ws://127.0.0.1:1", &rtc, report).expect("a good URL");
        assert_eq!(ended.promise().await, Ok(JsValue::TRUE));
    }
}
