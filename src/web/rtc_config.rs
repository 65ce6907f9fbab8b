//! The `rtcConfig` option: an `RTCConfiguration`, or an async function that gives one.
//!
//! `new RTCPeerConnection` throws when a single ICE URL is wrong, and then nothing connects at all. So each URL is
//! checked here first, and a bad one is left out with a warning.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use web_sys::{RtcConfiguration, RtcIceServer};

use crate::proto::{Instant, Warning};

use super::error::reason;

/// How long one answer of the page's function serves: five offers at once should ask its server once, and credentials
/// live for minutes at least.
const ANSWER_SERVES: Duration = Duration::from_secs(60);

/// STUN servers that answer anyone, of two operators. More only slow gathering down.
const PUBLIC_SERVERS: [&str; 2] = ["stun:stun.l.google.com:19302", "stun:stun.cloudflare.com:3478"];

/// Where a warning goes.
pub(super) type Warn = Rc<dyn Fn(Warning)>;

/// The latest answer of the page's function, and when it was asked for; nothing after a failure.
type Latest = Rc<RefCell<Option<(Instant, Promise)>>>;

/// Gives each new connection its configuration.
pub(super) enum RtcConfig {
    /// The same for all, checked.
    Fixed(JsValue),
    /// Asked of the page.
    Asked { page: Function, latest: Latest, warn: Warn },
}

impl RtcConfig {
    /// From the option: nothing, an object or a function.
    pub(super) fn new(option: &JsValue, warn: &Warn) -> Self {
        match option.dyn_ref::<Function>() {
            Some(page) => Self::Asked { page: page.clone(), latest: Latest::default(), warn: warn.clone() },
            None if option.is_object() => Self::Fixed(checked(option, warn)),
            None => Self::Fixed(public_servers().into()),
        }
    }

    /// A promise of the configuration.
    pub(super) fn get(&self, now: Instant) -> Promise {
        let (page, latest, warn) = match self {
            Self::Fixed(config) => return Promise::resolve(config),
            Self::Asked { page, latest, warn } => (page, latest, warn),
        };
        let fresh = latest.borrow().as_ref().filter(|(asked, _)| now - *asked < ANSWER_SERVES).cloned();
        if let Some((_, answer)) = fresh {
            return answer;
        }
        let answer = ask(page, latest.clone(), warn.clone());
        latest.replace(Some((now, answer.clone())));
        answer
    }
}

/// Asks the page. No fall-back to the public servers: who asks for relays only would show its addresses to strangers.
fn ask(page: &Function, latest: Latest, warn: Warn) -> Promise {
    let called = page.call0(&JsValue::UNDEFINED).map(|given| Promise::resolve(&given));
    future_to_promise(async move {
        let given = match called {
            Ok(promise) => promise.await,
            Err(thrown) => Err(thrown),
        };
        let why = match given {
            Ok(config) if config.is_object() => return Ok(checked(&config, &warn)),
            Ok(_) => "not an object".into(),
            Err(thrown) => reason(&thrown),
        };
        // The next connection asks again.
        latest.take();
        let text = format!("rtcConfig gave no RTCConfiguration: {why}");
        warn(Warning { code: "ERR_RTC_CONFIG", text: text.clone() });
        Err(text.into())
    })
}

fn public_servers() -> RtcConfiguration {
    let server = RtcIceServer::new();
    server.set_urls(&PUBLIC_SERVERS.map(JsValue::from).into_iter().collect::<Array>());
    let config = RtcConfiguration::new();
    config.set_ice_servers(&Array::of1(&server));
    config
}

/// A copy of the configuration without the ICE URLs that would make the constructor throw.
fn checked(config: &JsValue, warn: &Warn) -> JsValue {
    // Where a getter of the page throws, the browser says what it thinks of the configuration.
    usable(config, warn).unwrap_or_else(|_| config.clone())
}

fn usable(config: &JsValue, warn: &Warn) -> Result<JsValue, JsValue> {
    let copy = copy(config)?;
    let servers = Reflect::get(&copy, &"iceServers".into())?;
    if Array::is_array(&servers) {
        let usable = Array::new();
        for server in Array::from(&servers).iter() {
            let urls = usable_urls(&server, warn)?;
            if urls.length() > 0 {
                let server = self::copy(&server)?;
                Reflect::set(&server, &"urls".into(), &urls)?;
                usable.push(&server);
            }
        }
        Reflect::set(&copy, &"iceServers".into(), &usable)?;
    }
    Ok(copy.into())
}

fn usable_urls(server: &JsValue, warn: &Warn) -> Result<Array, JsValue> {
    let get = |key: &str| match server.is_object() {
        true => Reflect::get(server, &key.into()),
        false => Ok(JsValue::UNDEFINED),
    };
    let has_login = get("username")?.is_string() && get("credential")?.is_string();
    // `url` is the name of old, and still what some TURN services hand out.
    let urls = match get("urls")? {
        urls if urls.is_undefined() || urls.is_null() => get("url")?,
        urls => urls,
    };
    let urls = if Array::is_array(&urls) { Array::from(&urls) } else { Array::of1(&urls) };
    Ok(urls.iter().filter(|url| is_usable(&url.as_string().unwrap_or_default(), has_login, warn)).collect())
}

fn is_usable(url: &str, has_login: bool, warn: &Warn) -> bool {
    let fault = fault(url, has_login);
    if let Some(why) = fault {
        let text = format!("ICE server '{url}' is left out: {why}");
        warn(Warning { code: "ERR_ICE_URL", text });
    }
    fault.is_none()
}

/// What is wrong with an ICE URL: RFC 7064 for STUN, RFC 7065 for TURN.
fn fault(url: &str, has_login: bool) -> Option<&'static str> {
    let (place, query) = match url.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (url, None),
    };
    let Some((scheme, place)) = place.split_once(':') else {
        return Some("expected stun:host or turn:host");
    };
    let (host, port) = host_and_port(place);
    if host.is_empty() || host.contains(['/', '@', ' ']) {
        return Some("expected a host name or address after the colon, without slashes");
    }
    if port.is_some_and(|port| !is_port(port)) {
        return Some("its port is not a number below 65536");
    }
    match scheme.to_ascii_lowercase().as_str() {
        "stun" | "stuns" => query.map(|_| "a stun: URL has no '?transport='"),
        "turn" | "turns" if !has_login => Some("a turn: URL needs username and credential"),
        "turn" | "turns" => match query {
            None | Some("transport=udp" | "transport=tcp") => None,
            Some(_) => Some("expected '?transport=udp' or '?transport=tcp'"),
        },
        _ => Some("expected stun:, stuns:, turn: or turns:"),
    }
}

/// An IPv6 address stands in brackets, because of its colons; what follows them and is no port is a bad one.
fn host_and_port(place: &str) -> (&str, Option<&str>) {
    match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or_default())),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = Object, js_name = assign, catch)]
    fn assign(to: &Object, from: &JsValue) -> Result<Object, JsValue>;
}

fn copy(of: &JsValue) -> Result<Object, JsValue> {
    assign(&Object::new(), of)
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
            "stun:[]",
            "stun:[::1]1",
            "stun:[::1]:",
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
