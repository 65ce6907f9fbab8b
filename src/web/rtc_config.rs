//! The `rtcConfig` option: an `RTCConfiguration`, or an async function that gives one. The class `RtcConfig` in
//! peer_connection.js reads it.
//!
//! `new RTCPeerConnection` throws when a single ICE URL is wrong, and then nothing connects at all. So each
//! URL is checked there first, and a bad one is left out with a warning.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use crate::proto::{Instant, Warning};

#[wasm_bindgen(module = "/src/web/peer_connection.js")]
extern "C" {
    #[wasm_bindgen(js_name = RtcConfig)]
    type Source;

    #[wasm_bindgen(constructor, js_class = RtcConfig)]
    fn new(option: &JsValue, report: &JsValue) -> Source;

    #[wasm_bindgen(method)]
    fn get(this: &Source, now: f64) -> Promise;

    #[wasm_bindgen(method)]
    fn close(this: &Source);

    /// What is wrong with an ICE URL.
    #[cfg(test)]
    fn fault(url: &str, has_login: bool) -> Option<String>;
}

/// Where a warning goes.
pub(super) type Warn = Rc<dyn Fn(Warning)>;

/// Gives each new connection its configuration.
pub(super) struct RtcConfig {
    source: Source,
    _report: Closure<dyn Fn(String, JsValue)>,
}

impl RtcConfig {
    /// From the option: nothing, an object or a function.
    pub(super) fn new(option: &JsValue, warn: &Warn) -> Self {
        let warn = warn.clone();
        let report = Closure::new(move |what: String, text: JsValue| {
            let code = if what == "fault" { "ERR_ICE_URL" } else { "ERR_RTC_CONFIG" };
            warn(Warning { code, text: text.as_string().unwrap_or_default() });
        });
        Self { source: Source::new(option, report.as_ref()), _report: report }
    }

    /// A promise of the configuration.
    pub(super) fn get(&self, now: Instant) -> Promise {
        self.source.get(now.as_millis() as f64)
    }
}

impl Drop for RtcConfig {
    fn drop(&mut self) {
        self.source.close();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::time::Duration;

    use js_sys::JSON;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn ice_urls_are_told_apart() {
        for url in
            ["stun:a", "stun:a.b:3478", "stuns:1.2.3.4:5349", "STUN:a", "stun:[::1]", "stun:[::1]:3478"]
        {
            assert_eq!(fault(url, false), None, "{url}");
        }
        for url in ["turn:a", "turns:a:443?transport=tcp", "turn:a?transport=udp"] {
            assert_eq!(fault(url, true), None, "{url}");
            assert!(fault(url, false).is_some(), "{url}");
        }
        let bad = [
            "",
            "a",
            "stun:",
            "stun://a",
            "stun:a:x",
            "stun:a:70000",
            "stun:a?transport=udp",
            "http:a",
            "turn:a?x",
            "stun:::1",
        ];
        for url in bad {
            assert!(fault(url, true).is_some(), "{url}");
        }
    }

    #[wasm_bindgen_test]
    async fn what_throws_when_it_is_read_is_left_to_the_browser() {
        let warn: Warn = Rc::new(|_| ());
        for odd in [
            "({ get iceServers () { throw 1 } })",
            "({ iceServers: [{ get urls () { throw 1 } }] })",
            "({ iceServers: [{ urls: [{ toString () { throw 1 } }, Symbol(), Object.create(null)] }, 5, null] })",
        ] {
            let config = js_sys::eval(odd).expect("JavaScript");
            let checked = RtcConfig::new(&config, &warn).get(Instant::default()).await.expect("an object");
            assert!(checked.is_object(), "{odd}");
        }
    }

    #[wasm_bindgen_test]
    async fn one_bad_entry_does_not_kill_the_others() {
        let warned = Rc::new(Cell::new(0));
        let warn: Warn = {
            let warned = warned.clone();
            Rc::new(move |warning| {
                assert_eq!(warning.code, "ERR_ICE_URL");
                warned.set(warned.get() + 1);
            })
        };
        let config = r#"{"iceServers":[{"urls":["stun:a","stun:b?transport=udp"]},{"urls":"turn:c"},null],"iceTransportPolicy":"relay"}"#;
        let config = JSON::parse(config).expect("JSON");
        let checked = RtcConfig::new(&config, &warn).get(Instant::default()).await.expect("an object");
        let expected = r#"{"iceServers":[{"urls":["stun:a"]}],"iceTransportPolicy":"relay"}"#;
        assert_eq!(JSON::stringify(&checked).expect("JSON"), expected);
        assert_eq!(warned.get(), 3);
        web_sys::RtcPeerConnection::new_with_configuration(checked.unchecked_ref())
            .expect("accepted")
            .close();
    }

    #[wasm_bindgen_test]
    async fn a_function_is_asked_once_a_minute_and_again_after_a_failure() {
        let warned = Rc::new(RefCell::new(Vec::new()));
        let warn: Warn = {
            let warned = warned.clone();
            Rc::new(move |warning| warned.borrow_mut().push((warning.code, warning.text)))
        };
        let option = "let asked = 0; () => { asked += 1; if (asked === 1) throw new Error('no'); \
            return asked === 2 ? 5 : Promise.resolve({ asked }) }";
        let config = RtcConfig::new(&js_sys::eval(option).expect("JavaScript"), &warn);
        let at = |seconds| Instant::default() + Duration::from_secs(seconds);
        let asked = |config: JsValue| js_sys::Reflect::get(&config, &"asked".into()).expect("an object");
        for why in ["no", "not an object"] {
            let text = ["rtcConfig gave no RTCConfiguration: ", why].concat();
            assert_eq!(config.get(at(0)).await, Err(text.as_str().into()));
            assert_eq!(warned.borrow_mut().pop(), Some(("ERR_RTC_CONFIG", text)));
        }
        assert_eq!(asked(config.get(at(1)).await.expect("given")), 3);
        assert_eq!(asked(config.get(at(60)).await.expect("given")), 3);
        assert_eq!(asked(config.get(at(61)).await.expect("given")), 4);
        assert!(warned.borrow().is_empty());
    }
}
