//! The `rtcConfig` option: an `RTCConfiguration`, or an async function that gives one.
//!
//! `new RTCPeerConnection` throws when a single ICE URL is wrong, and then nothing connects at all. So each
//! URL is checked here first, and a bad one is left out with a warning.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::proto::{Instant, Warning};

use super::error::reason;

#[wasm_bindgen(module = "/src/web/easypeers.js")]
extern "C" {
    /// The configuration when the page gives none.
    #[wasm_bindgen(js_name = publicServers)]
    fn public_servers() -> JsValue;

    /// A copy without the ICE URLs that a browser would refuse; what is wrong with each is appended to `faults`.
    #[wasm_bindgen(catch)]
    fn usable(config: &JsValue, faults: &Array) -> Result<JsValue, JsValue>;

    /// What is wrong with an ICE URL.
    #[cfg(test)]
    fn fault(url: &str, has_login: bool) -> Option<String>;
}

/// How long one answer of the page's function serves: five offers at once should ask its server once, and
/// credentials live for minutes at least.
const ANSWER_SERVES: Duration = Duration::from_secs(60);

/// The latest answer, and when it was asked for.
type Latest = Rc<RefCell<Option<(Instant, Promise)>>>;

/// Where a warning goes.
pub(super) type Warn = Rc<dyn Fn(Warning)>;

/// Gives each new connection its configuration.
pub(super) enum RtcConfig {
    /// The same for all, checked.
    Fixed(JsValue),
    /// Asked of the page, with the latest answer.
    Asked(Function, Latest),
}

impl RtcConfig {
    /// From the option: nothing, an object or a function.
    pub(super) fn new(option: &JsValue, warn: &Warn) -> Self {
        match option.dyn_ref::<Function>() {
            Some(function) => Self::Asked(function.clone(), Rc::default()),
            None if option.is_object() => Self::Fixed(checked(option, warn)),
            None => Self::Fixed(public_servers()),
        }
    }

    /// A promise of the configuration.
    pub(super) fn get(&self, now: Instant, warn: &Warn) -> Promise {
        let (function, latest) = match self {
            Self::Fixed(config) => return Promise::resolve(config),
            Self::Asked(function, latest) => (function, latest),
        };
        let fresh = latest.borrow().as_ref().filter(|(asked, _)| now - *asked < ANSWER_SERVES).cloned();
        if let Some((_, promise)) = fresh {
            return promise;
        }
        let promise = ask(function, warn.clone(), latest.clone());
        latest.replace(Some((now, promise.clone())));
        promise
    }
}

/// No fall-back to the public servers: who asks for relays only would show its addresses to strangers.
fn ask(function: &Function, warn: Warn, latest: Latest) -> Promise {
    let called = function.call0(&JsValue::UNDEFINED).map(|given| Promise::resolve(&given));
    future_to_promise(async move {
        let given = match called {
            Ok(promise) => promise.await,
            Err(thrown) => Err(thrown),
        };
        let given = given.map_err(|thrown| reason(&thrown));
        let given = given
            .and_then(|config| if config.is_object() { Ok(config) } else { Err("not an object".into()) });
        match given {
            Ok(config) => Ok(checked(&config, &warn)),
            Err(why) => {
                let text = ["rtcConfig gave no RTCConfiguration: ", &why].concat();
                // The next connection asks again.
                latest.take();
                warn(Warning { code: "ERR_RTC_CONFIG", text: text.clone() });
                Err(text.into())
            }
        }
    })
}

/// A copy of the configuration without the ICE URLs that would make the constructor throw.
fn checked(config: &JsValue, warn: &Warn) -> JsValue {
    let faults = Array::new();
    // A getter of the page may throw; then the browser says what it thinks of the configuration.
    let copy = usable(config, &faults).unwrap_or_else(|_| config.clone());
    for fault in faults.iter().filter_map(|fault| fault.as_string()) {
        warn(Warning { code: "ERR_ICE_URL", text: fault });
    }
    copy
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

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
    fn what_throws_when_it_is_read_is_left_to_the_browser() {
        let warn: Warn = Rc::new(|_| ());
        for odd in [
            "({ get iceServers () { throw 1 } })",
            "({ iceServers: [{ get urls () { throw 1 } }] })",
            "({ iceServers: [{ urls: [{ toString () { throw 1 } }, Symbol(), Object.create(null)] }, 5, null] })",
        ] {
            let config = js_sys::eval(odd).expect("JavaScript");
            assert!(checked(&config, &warn).is_object(), "{odd}");
        }
    }

    #[wasm_bindgen_test]
    fn one_bad_entry_does_not_kill_the_others() {
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
        let checked = checked(&config, &warn);
        let expected = r#"{"iceServers":[{"urls":["stun:a"]}],"iceTransportPolicy":"relay"}"#;
        assert_eq!(JSON::stringify(&checked).expect("JSON"), expected);
        assert_eq!(warned.get(), 3);
        web_sys::RtcPeerConnection::new_with_configuration(checked.unchecked_ref())
            .expect("accepted")
            .close();
    }
}
