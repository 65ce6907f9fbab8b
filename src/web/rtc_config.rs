//! The `rtcConfig` option: an `RTCConfiguration`, a promise of one, or an async function that gives one.
//!
//! `new RTCPeerConnection` throws when a single ICE URL is wrong, and then nothing connects at all. So each URL is
//! checked here first, and a bad one is left out with a warning.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use web_sys::{RtcConfiguration, RtcIceServer};

use crate::proto::Instant;

use super::error::{Error, given, reason};
use super::notice::{Notice, Tell};

/// How long one answer of the page's function serves: five offers at once should ask its server once, and credentials
/// live for minutes at least.
const ANSWER_SERVES: Duration = Duration::from_secs(60);

/// STUN servers that answer anyone, of two operators. More only slow gathering down.
const PUBLIC_SERVERS: [&str; 2] = ["stun:stun.l.google.com:19302", "stun:stun.cloudflare.com:3478"];

/// The latest answer of the page's function, and when it was asked for; nothing after a failure.
type Latest = Rc<RefCell<Option<(Instant, Promise)>>>;

/// Gives each new connection its configuration.
pub(super) struct RtcConfig {
    source: Source,
    facts: Rc<Facts>,
    tell: Tell,
}

enum Source {
    /// The same for all, checked.
    Fixed(JsValue),
    /// Asked of the page: a function, or a promise.
    Asked { page: JsValue, latest: Latest },
}

/// What the page may have to know of its configuration when nothing connects.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The page was asked for it, and has not answered yet.
    pub(super) pending: Cell<bool>,
    /// Why the last answer was of no use.
    pub(super) failure: RefCell<Option<String>>,
    /// Connections by relays only.
    pub(super) relay_only: Cell<bool>,
    /// There is a TURN server.
    pub(super) has_turn: Cell<bool>,
}

/// The option as the constructor was given it: an error where it can be seen at once that it is of no use.
pub(super) fn read(option: &JsValue) -> Result<JsValue, Error> {
    let later = option.is_undefined() || option.is_null() || option.is_function() || is_thenable(option);
    match fault_of(option).filter(|_| !later) {
        Some(fault) => Err(Error::Type(format!("{fault}{}", given(option)))),
        None => Ok(option.clone()),
    }
}

impl RtcConfig {
    /// From the option, after [`read`].
    pub(super) fn new(option: &JsValue, tell: &Tell) -> Self {
        let facts = Rc::<Facts>::default();
        let source = if option.is_function() || is_thenable(option) {
            Source::Asked { page: option.clone(), latest: Latest::default() }
        } else if option.is_object() {
            Source::Fixed(checked(option, &facts, tell))
        } else {
            Source::Fixed(public_servers().into())
        };
        Self { source, facts, tell: tell.clone() }
    }

    /// What is known of it.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// A promise of the configuration.
    pub(super) fn get(&self, now: Instant) -> Promise {
        let (page, latest) = match &self.source {
            Source::Fixed(config) => return Promise::resolve(config),
            Source::Asked { page, latest } => (page, latest),
        };
        let fresh = latest.borrow().as_ref().filter(|(asked, _)| now - *asked < ANSWER_SERVES).cloned();
        if let Some((_, answer)) = fresh {
            return answer;
        }
        let answer = ask(page, latest.clone(), self.facts.clone(), self.tell.clone());
        latest.replace(Some((now, answer.clone())));
        answer
    }
}

/// Asks the page. No fall-back to the public servers: who asks for relays only would show its addresses to strangers.
fn ask(page: &JsValue, latest: Latest, facts: Rc<Facts>, tell: Tell) -> Promise {
    let called = match page.dyn_ref::<Function>() {
        Some(page) => page.call0(&JsValue::UNDEFINED),
        None => Ok(page.clone()),
    };
    let called = called.map(|given| Promise::resolve(&given));
    facts.pending.set(true);
    future_to_promise(async move {
        let given = match called {
            Ok(promise) => promise.await,
            Err(thrown) => Err(thrown),
        };
        facts.pending.set(false);
        let why = match given {
            Ok(config) => match fault_of(&config) {
                None => {
                    facts.failure.take();
                    return Ok(checked(&config, &facts, &tell));
                }
                Some(fault) => format!("{fault}{}", super::error::given(&config)),
            },
            Err(thrown) => reason(&thrown),
        };
        // The next connection asks again.
        latest.take();
        facts.failure.replace(Some(why.clone()));
        let text = format!("rtcConfig gave no RTCConfiguration, and nothing connects without: {why}");
        tell(Notice::error("ERR_RTC_CONFIG", text.clone()));
        Err(text.into())
    })
}

/// Why this is no `RTCConfiguration`, if that is clear. What throws when it is read is left to the browser.
fn fault_of(config: &JsValue) -> Option<&'static str> {
    let get = |key: &str| Reflect::get(config, &key.into()).unwrap_or_default();
    let servers = |servers: JsValue| {
        let one = servers.is_object() && !is_thenable(&servers) && is_server(&servers);
        one || servers.is_undefined() || servers.is_null() || Array::is_array(&servers)
    };
    if Array::is_array(config) {
        return Some("rtcConfig must be an RTCConfiguration; servers go into it: { iceServers: [...] }");
    }
    // A `Response`, a `Map`, ... have a name of their own.
    if !config.is_object() || tag(config).is_ok_and(|tag| tag != "[object Object]") {
        return Some(
            "rtcConfig must be an RTCConfiguration such as { iceServers: [...] }, a promise of one, or a function \
             that returns one",
        );
    }
    if is_server(config) {
        return Some(
            "rtcConfig must be an RTCConfiguration; a server goes into it: { iceServers: [server] }",
        );
    }
    (!servers(get("iceServers")))
        .then_some("rtcConfig.iceServers must be an array of servers such as { urls: 'stun:...' }")
}

fn is_server(value: &JsValue) -> bool {
    let has = |key: &str| Reflect::get(value, &key.into()).is_ok_and(|urls| !urls.is_undefined());
    has("urls") || has("url")
}

fn is_thenable(value: &JsValue) -> bool {
    value.is_object() && Reflect::get(value, &"then".into()).is_ok_and(|then| then.is_function())
}

fn public_servers() -> RtcConfiguration {
    let server = RtcIceServer::new();
    server.set_urls(&PUBLIC_SERVERS.map(JsValue::from).into_iter().collect::<Array>());
    let config = RtcConfiguration::new();
    config.set_ice_servers(&Array::of1(&server));
    config
}

/// A copy of the configuration without the ICE URLs that would make the constructor throw.
fn checked(config: &JsValue, facts: &Facts, tell: &Tell) -> JsValue {
    // Where a getter of the page throws, the browser says what it thinks of the configuration.
    usable(config, facts, tell).unwrap_or_else(|_| config.clone())
}

fn usable(config: &JsValue, facts: &Facts, tell: &Tell) -> Result<JsValue, JsValue> {
    let copy = copy(config)?;
    let key = JsValue::from("iceServers");
    let servers = match Reflect::get(&copy, &key)? {
        servers if Array::is_array(&servers) => Array::from(&servers),
        // A browser takes a list and nothing else.
        server if server.is_object() => Array::of1(&server),
        _ => Array::new(),
    };
    let usable = Array::new();
    let mut has_turn = false;
    for server in servers.iter() {
        let urls = usable_urls(&server, tell)?;
        if urls.length() > 0 {
            let server = self::copy(&server)?;
            Reflect::set(&server, &"urls".into(), &urls)?;
            usable.push(&server);
            has_turn |= urls.iter().any(|url| url.as_string().is_some_and(|url| is_turn(&url)));
        }
    }
    Reflect::set(&copy, &key, &usable)?;
    let relay_only = Reflect::get(&copy, &"iceTransportPolicy".into())? == "relay";
    facts.has_turn.set(has_turn);
    facts.relay_only.set(relay_only);
    if relay_only && !has_turn {
        let text =
            "iceTransportPolicy is 'relay', and iceServers holds no usable turn: URL: nothing can connect";
        tell(Notice::error("ERR_ICE", text.into()));
    }
    Ok(copy.into())
}

fn is_turn(url: &str) -> bool {
    url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("turn"))
}

fn usable_urls(server: &JsValue, tell: &Tell) -> Result<Array, JsValue> {
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
    Ok(urls.iter().filter(|url| is_usable(&url.as_string().unwrap_or_default(), has_login, tell)).collect())
}

fn is_usable(url: &str, has_login: bool, tell: &Tell) -> bool {
    let fault = fault(url, has_login);
    if let Some(why) = fault {
        let text = format!("ICE server '{url}' is left out: {why}");
        tell(Notice::warning("ERR_ICE_URL", text));
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
    #[wasm_bindgen(js_namespace = ["Object", "prototype", "toString"], js_name = call, catch)]
    fn tag(of: &JsValue) -> Result<String, JsValue>;
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
        let warn: Tell = Rc::new(|_| ());
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
        let warn: Tell = {
            let warned = warned.clone();
            Rc::new(move |warning: Notice| {
                assert_eq!(warning.code, "ERR_ICE_URL");
                warned.set(warned.get() + 1);
            })
        };
        let config = r#"{"iceServers":[{"urls":["stun:a","stun:b?transport=udp"]},{"urls":"turn:c"},null],"iceTransportPolicy":"all"}"#;
        let config = JSON::parse(config).expect("JSON");
        let checked = RtcConfig::new(&config, &warn).get(Instant::default()).await.expect("an object");
        let expected = r#"{"iceServers":[{"urls":["stun:a"]}],"iceTransportPolicy":"all"}"#;
        assert_eq!(JSON::stringify(&checked).expect("JSON"), expected);
        assert_eq!(warned.get(), 3);
        web_sys::RtcPeerConnection::new_with_configuration(checked.unchecked_ref())
            .expect("accepted")
            .close();
    }

    #[wasm_bindgen_test]
    async fn a_function_is_asked_once_a_minute_and_again_after_a_failure() {
        let warned = Rc::new(RefCell::new(Vec::new()));
        let warn: Tell = {
            let warned = warned.clone();
            Rc::new(move |notice: Notice| warned.borrow_mut().push((notice.code, notice.text)))
        };
        let option = "let asked = 0; () => { asked += 1; if (asked === 1) throw new Error('no'); \
            return asked === 2 ? 5 : Promise.resolve({ asked }) }";
        let config = RtcConfig::new(&js_sys::eval(option).expect("JavaScript"), &warn);
        let at = |seconds| Instant::default() + Duration::from_secs(seconds);
        let asked = |config: JsValue| js_sys::Reflect::get(&config, &"asked".into()).expect("an object");
        for why in ["no", ". Given: 5"] {
            let text = config.get(at(0)).await.expect_err("of no use").as_string().expect("a sentence");
            assert!(text.ends_with(why), "{text}");
            assert!(config.facts().failure.borrow().is_some());
            assert_eq!(warned.borrow_mut().pop(), Some(("ERR_RTC_CONFIG", text)));
        }
        assert_eq!(asked(config.get(at(1)).await.expect("given")), 3);
        assert_eq!(asked(config.get(at(60)).await.expect("given")), 3);
        assert_eq!(asked(config.get(at(61)).await.expect("given")), 4);
        assert!(warned.borrow().is_empty());
    }

    fn value(source: &str) -> JsValue {
        js_sys::eval(source).unwrap_or_else(|_| panic!("{source}"))
    }

    #[wasm_bindgen_test]
    async fn what_is_meant_is_taken_in_every_way_to_write_it() {
        let one = r#""urls":["stun:a"]"#;
        for (source, expected) in [
            ("({ iceServers: [{ urls: 'stun:a' }] })", one),
            ("({ iceServers: { urls: 'stun:a' } })", one),
            ("({ iceServers: { url: 'stun:a' } })", one),
            ("Promise.resolve({ iceServers: [{ urls: ['stun:a'] }] })", one),
            ("({ then (resolve) { resolve({ iceServers: { urls: 'stun:a' } }) } })", one),
            ("async () => ({ iceServers: [{ urls: 'stun:a' }] })", one),
            ("({ iceServers: null })", r#"{"iceServers":[]}"#),
            ("({})", r#"{"iceServers":[]}"#),
        ] {
            let option = read(&value(source)).unwrap_or_else(|error| panic!("{source}: {error:?}"));
            let config = RtcConfig::new(&option, &(Rc::new(|_| ()) as Tell));
            let given =
                config.get(Instant::default()).await.unwrap_or_else(|error| panic!("{source}: {error:?}"));
            let given = String::from(JSON::stringify(&given).expect("JSON"));
            assert!(given.contains(expected), "{source}: {given}");
        }
    }

    #[wasm_bindgen_test]
    fn what_is_no_configuration_is_refused_with_a_sentence_that_says_where_it_goes() {
        for (source, part) in [
            ("[{ urls: 'stun:a' }]", "iceServers: [...]"),
            ("[]", "iceServers: [...]"),
            ("({ urls: 'stun:a' })", "iceServers: [server]"),
            ("new Response('{}')", "a promise of one"),
            ("new Map()", "a promise of one"),
            ("5", "a promise of one"),
            ("'stun:a'", "a promise of one"),
            ("({ iceServers: 'stun:a' })", "array of servers"),
            ("({ iceServers: Promise.resolve([]) })", "array of servers"),
            ("({ iceServers: {} })", "array of servers"),
        ] {
            let refused = read(&value(source));
            assert!(
                matches!(&refused, Err(Error::Type(text)) if text.contains(part)),
                "{source}: {refused:?}"
            );
        }
    }

    #[wasm_bindgen_test]
    async fn relays_only_without_a_relay_is_an_error() {
        for (servers, grave) in [
            ("[]", 1),
            ("[{ urls: 'stun:a' }]", 1),
            ("[{ urls: 'turn:a', username: 'u', credential: 'c' }]", 0),
        ] {
            let told = Rc::new(Cell::new(0));
            let tell: Tell = {
                let told = told.clone();
                Rc::new(move |notice: Notice| {
                    told.set(told.get() + u32::from(notice.grave && notice.code == "ERR_ICE"))
                })
            };
            let option = value(&format!("({{ iceServers: {servers}, iceTransportPolicy: 'relay' }})"));
            let config = RtcConfig::new(&option, &tell);
            assert_eq!(
                (told.get(), config.facts().relay_only.get(), config.facts().has_turn.get()),
                (grave, true, grave == 0)
            );
        }
    }
}
