//! The `rtcConfig` option: an `RTCConfiguration`, or an async function that gives one.
//!
//! `new RTCPeerConnection` throws when a single ICE URL is wrong, and then nothing connects at all. So each
//! URL is checked here first, and a bad one is left out with a warning.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use crate::proto::{Instant, Warning};

use super::error::reason;

/// STUN servers that answer anyone, of two operators. More only slow gathering down.
const STUN_SERVERS: [&str; 2] = ["stun:stun.l.google.com:19302", "stun:stun.cloudflare.com:3478"];

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
            None => Self::Fixed(public()),
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

fn public() -> JsValue {
    let urls: Array = STUN_SERVERS.iter().map(|url| JsValue::from_str(url)).collect();
    let (config, server) = (Object::new(), Object::new());
    set(&server, "urls", &urls);
    set(&config, "iceServers", &Array::of1(&server));
    config.into()
}

/// A copy of the configuration without the ICE URLs that would make the constructor throw.
fn checked(config: &JsValue, warn: &Warn) -> JsValue {
    let copy = Object::assign(&Object::new(), config.unchecked_ref());
    let servers = get(config, "iceServers");
    if Array::is_array(&servers) {
        let good: Array =
            Array::from(&servers).iter().filter_map(|server| checked_server(&server, warn)).collect();
        set(&copy, "iceServers", &good);
    }
    copy.into()
}

fn checked_server(server: &JsValue, warn: &Warn) -> Option<JsValue> {
    // `url` is the name of old, and still what some TURN services hand out.
    let urls =
        Some(get(server, "urls")).filter(|urls| !urls.is_undefined()).unwrap_or_else(|| get(server, "url"));
    let urls = if Array::is_array(&urls) { Array::from(&urls) } else { Array::of1(&urls) };
    let has_login = ["username", "credential"].iter().all(|key| get(server, key).is_string());
    let good: Array = urls
        .iter()
        .filter(|url| {
            let text = url.as_string().unwrap_or_default();
            let fault = fault(&text, has_login);
            if let Some(fault) = fault {
                let text = ["ICE server '", &text, "' is left out: ", fault].concat();
                warn(Warning { code: "ERR_ICE_URL", text });
            }
            fault.is_none()
        })
        .collect();
    if good.length() == 0 {
        return None;
    }
    let copy = Object::assign(&Object::new(), server.unchecked_ref());
    set(&copy, "urls", &good);
    Some(copy.into())
}

/// Why a browser would refuse an ICE URL: RFC 7064 for STUN, RFC 7065 for TURN.
fn fault(url: &str, has_login: bool) -> Option<&'static str> {
    let Some((scheme, rest)) = url.split_once(':') else { return Some("expected stun:host or turn:host") };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || host.contains(['/', '@', ' ']) || (host.contains(':') && !bracketed) {
        return Some("expected a host name or address after the colon, without slashes");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Some("its port is not a number below 65536");
    }
    match scheme.to_ascii_lowercase().as_str() {
        "stun" | "stuns" if query.is_some() => Some("a stun: URL has no '?transport='"),
        "stun" | "stuns" => None,
        "turn" | "turns" if !has_login => Some("a turn: URL needs username and credential"),
        "turn" | "turns" => match query {
            None | Some("transport=udp" | "transport=tcp") => None,
            _ => Some("expected '?transport=udp' or '?transport=tcp'"),
        },
        _ => Some("expected stun:, stuns:, turn: or turns:"),
    }
}

fn get(object: &JsValue, key: &str) -> JsValue {
    if object.is_object() {
        Reflect::get(object, &key.into()).unwrap_or_default()
    } else {
        JsValue::UNDEFINED
    }
}

fn set(object: &Object, key: &str, value: &JsValue) {
    // A plain object just made takes any property.
    let _ = Reflect::set(object, &key.into(), value);
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
