//! One WebSocket to a tracker. The class `TrackerSocket` in websocket.js holds it.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use crate::proto::{Input, TrackerId};

use super::error::reason;
use super::peer_connection::Report;

#[wasm_bindgen(module = "/src/web/websocket.js")]
extern "C" {
    type TrackerSocket;

    #[wasm_bindgen(constructor, catch)]
    fn new(url: &str, report: &JsValue) -> Result<TrackerSocket, JsValue>;

    #[wasm_bindgen(method)]
    fn send(this: &TrackerSocket, text: &str);

    #[wasm_bindgen(method)]
    fn close(this: &TrackerSocket);
}

/// A socket. Dropping it takes the handlers off and closes it, and nothing is reported after.
pub(super) struct WebSocket {
    socket: TrackerSocket,
    _report: Closure<dyn Fn(String, JsValue)>,
}

impl WebSocket {
    /// Begins to open a socket; `Err` says why that is hopeless.
    pub(super) fn open(id: TrackerId, url: &str, report: Report) -> Result<Rc<Self>, String> {
        let report = Closure::new(move |what: String, value: JsValue| {
            let text = || value.as_string().unwrap_or_default();
            report(match what.as_str() {
                "opened" => Input::TrackerOpened(id),
                "message" => Input::TrackerMessage(id, text()),
                _ => Input::TrackerClosed(id, text()),
            });
        });
        let socket = TrackerSocket::new(url, report.as_ref()).map_err(|thrown| reason(&thrown))?;
        Ok(Rc::new(Self { socket, _report: report }))
    }

    /// Sends a text message; a socket that cannot is reported as closed.
    pub(super) fn send(&self, text: &str) {
        self.socket.send(text);
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        self.socket.close();
    }
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
