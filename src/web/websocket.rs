//! One WebSocket to a tracker.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use js_sys::{Function, JsString, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, EventTarget, MessageEvent, Url};

use crate::proto::{Input, MAX_TRACKER_TEXT, TrackerId};

use super::convert;
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

/// The event by which a browser tells the page what its Content-Security-Policy forbids. The socket it tells nothing, or
/// only that it failed.
const FORBIDDEN: &str = "securitypolicyviolation";
/// What the constructor throws in Firefox, with an empty message; the event comes after.
const FORBIDDEN_IN_FIREFOX: &str = "NS_ERROR_CONTENT_BLOCKED";
const BY_POLICY: &str = "the page's Content-Security-Policy forbids it: name it in connect-src";

/// A socket and the closures that the browser calls. Dropping it takes these off and closes it, and nothing is
/// reported after.
pub(super) struct WebSocket {
    id: TrackerId,
    report: Report,
    socket: web_sys::WebSocket,
    /// The host and port, to know it in what is said of the page's policy.
    host: String,
    /// The end was reported, and nothing is after it.
    over: Cell<bool>,
    /// Of the socket, and of the page.
    handlers: [Handler; 4],
}

impl WebSocket {
    /// Begins to open a socket; `Err` says why that is hopeless.
    pub(super) fn open(id: TrackerId, url: &str, rtc: &Rtc, report: Report) -> Result<Rc<Self>, String> {
        let host = host_of(url)?;
        let socket = rtc.web_socket(url).map_err(|thrown| refusal(&thrown))?;
        Ok(Rc::new_cyclic(|this| {
            let handlers = [
                handler(this, |this, _| this.tell(Input::TrackerOpened(this.id))),
                handler(this, Self::on_message),
                handler(this, Self::on_close),
                handler(this, Self::on_forbidden),
            ];
            let [open, message, close, forbidden] =
                handlers.each_ref().map(|handler| Some(handler.as_ref().unchecked_ref()));
            socket.set_onopen(open);
            socket.set_onmessage(message);
            socket.set_onclose(close);
            socket.set_binary_type(BinaryType::Arraybuffer);
            if let Some(forbidden) = forbidden {
                // Where there is no page, there is no such method either.
                let _ = page().add_event_listener_with_callback_and_bool(FORBIDDEN, forbidden, true);
            }
            // Stays on a socket closed before it opened: Node's `ws` reports that as an error, and an error that
            // nobody handles ends the process.
            NOTHING.with(|nothing| socket.set_onerror(Some(nothing)));
            Self { id, report, socket, host, over: Cell::default(), handlers }
        }))
    }

    /// Sends a text message; a socket that cannot is reported as closed.
    pub(super) fn send(&self, text: &str) {
        if let Err(thrown) = self.socket.send_with_str(text) {
            self.end(reason(&thrown));
        }
    }

    /// Some trackers answer in binary frames. What is too long, or no UTF-8, goes on as nothing, and is counted as that.
    fn on_message(&self, event: JsValue) {
        let data = event.unchecked_ref::<MessageEvent>().data();
        let fits = |length| length as usize <= MAX_TRACKER_TEXT;
        let text = match data.dyn_ref::<JsString>() {
            Some(text) => fits(text.length()).then(|| text.into()),
            None => {
                let bytes = convert::bytes(&data).ok().flatten().filter(|bytes| fits(bytes.length()));
                bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
            }
        };
        self.tell(Input::TrackerMessage(self.id, text.unwrap_or_default()));
    }

    fn on_close(&self, event: JsValue) {
        let event = event.unchecked_ref::<CloseEvent>();
        self.end(match event.code() {
            1006 if is_offline() => "this device is offline".into(),
            1006 => "the connection failed or was cut: no such server, no network, or a blocker".into(),
            code => format!("closed by the tracker with code {code} {}", event.reason()),
        });
    }

    /// Browsers differ in how much of what was blocked they tell: the whole URL, or its scheme alone.
    fn on_forbidden(&self, event: JsValue) {
        let says = |member: &str| text(&event, member).unwrap_or_default();
        let uri = says("blockedURI");
        let is_this = says("effectiveDirective") == "connect-src"
            && (uri.contains(&self.host) || uri == "ws" || uri == "wss");
        if is_this && self.socket.ready_state() != web_sys::WebSocket::OPEN {
            self.end(BY_POLICY.into());
        }
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
        let [.., forbidden] = &self.handlers;
        let forbidden = forbidden.as_ref().unchecked_ref();
        let _ = page().remove_event_listener_with_callback_and_bool(FORBIDDEN, forbidden, true);
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

/// Why there is no socket at all.
fn refusal(thrown: &JsValue) -> String {
    match text(thrown, "name").as_deref() {
        Some(FORBIDDEN_IN_FIREFOX) => BY_POLICY.into(),
        _ => reason(thrown),
    }
}

/// The host of a tracker that this page may use. Browsers refuse `ws://` on a page of https, but for the machine itself,
/// with an error that says nothing.
fn host_of(url: &str) -> Result<String, String> {
    let url = Url::new(url).map_err(|_| "not a URL: expected one like wss://tracker.example")?;
    match url.protocol().as_str() {
        "ws:" if !is_this_machine(&url.hostname()) && page_protocol().as_deref() == Some("https:") => {
            Err("a page of https may not open ws://: use the tracker's wss:// address".into())
        }
        "wss:" | "ws:" => Ok(url.host()),
        _ => Err("not a tracker's URL: expected one that begins wss:// or ws://".into()),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host == "[::1]" || host.starts_with("127.")
}

fn page() -> EventTarget {
    js_sys::global().unchecked_into()
}

/// One of the page's own objects, where there is a page.
fn of_page(name: &str) -> JsValue {
    Reflect::get(&js_sys::global(), &name.into()).unwrap_or_default()
}

fn text(object: &JsValue, member: &str) -> Option<String> {
    Reflect::get(object, &member.into()).ok()?.as_string()
}

fn page_protocol() -> Option<String> {
    text(&of_page("location"), "protocol")
}

fn is_offline() -> bool {
    Reflect::get(&of_page("navigator"), &"onLine".into()).is_ok_and(|online| online == false)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use js_sys::Uint8Array;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn hopeless_urls_are_refused_with_a_sentence() {
        let rtc = Rtc::find(None).expect("a page has WebRTC");
        for url in ["", "tracker", "http://tracker.example", "wss://"] {
            assert!(WebSocket::open(TrackerId(0), url, &rtc, Rc::new(|_| ())).is_err(), "{url}");
        }
    }

    /// A socket of a class of the page's own; what it reports of its messages, and the object of that class.
    fn fake() -> (Rc<WebSocket>, Rc<RefCell<Vec<String>>>, JsValue) {
        let class = Function::new_with_args("url", "this.close = () => {}; globalThis.lastFake = this");
        let rtc = js_sys::Object::new();
        let connection = Reflect::get(&js_sys::global(), &"RTCPeerConnection".into()).expect("a page has it");
        for (name, class) in [("RTCPeerConnection", &connection), ("WebSocket", &class)] {
            Reflect::set(&rtc, &name.into(), class).expect("an object takes it");
        }
        let rtc = Rtc::find(Some(&rtc)).expect("two classes are enough");
        let heard = Rc::new(RefCell::new(Vec::new()));
        let report: Report = {
            let heard = heard.clone();
            Rc::new(move |input| match input {
                Input::TrackerMessage(_, text) => heard.borrow_mut().push(text),
                other => panic!("{other:?}"),
            })
        };
        let socket = WebSocket::open(TrackerId(0), "ws://127.0.0.1", &rtc, report).expect("a good URL");
        (socket, heard, Reflect::get(&js_sys::global(), &"lastFake".into()).expect("it was made"))
    }

    #[wasm_bindgen_test]
    fn text_is_heard_in_frames_of_every_kind_and_what_is_none_is_heard_as_nothing() {
        let (_socket, heard, fake) = fake();
        let bytes = |bytes: &[u8]| Uint8Array::from(bytes);
        let long = JsString::from("x").repeat(MAX_TRACKER_TEXT as i32 + 1);
        let told: [(JsValue, &str); 8] = [
            ("{}".into(), "{}"),
            (bytes(b"{}").buffer().into(), "{}"),
            (bytes(b"[{}]").subarray(1, 3).into(), "{}"),
            (bytes(&[0xff, 0xfe]).buffer().into(), ""),
            (bytes(&vec![b'x'; MAX_TRACKER_TEXT + 1]).buffer().into(), ""),
            (long.into(), ""),
            (5.into(), ""),
            (JsValue::NULL, ""),
        ];
        assert_eq!(Reflect::get(&fake, &"binaryType".into()), Ok("arraybuffer".into()));
        for (data, text) in told {
            let event = js_sys::Object::new();
            Reflect::set(&event, &"data".into(), &data).expect("an object takes it");
            let onmessage: Function = Reflect::get(&fake, &"onmessage".into()).expect("it was set").into();
            onmessage.call1(&fake, &event).expect("it throws nothing");
            assert_eq!(heard.borrow_mut().pop().as_deref(), Some(text), "{data:?}");
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
