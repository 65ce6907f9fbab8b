//! Whose WebRTC and WebSocket a peer uses: what it was given, the page's own, or what Node's entry brings.

use std::cell::{Cell, RefCell};

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{RtcConfiguration, RtcPeerConnection, WebSocket};

use super::error::{Error, given, reason};

thread_local! {
    /// Called for an object like the option `rtc` where there is none and the page has none.
    static BROUGHT: RefCell<Option<Function>> = const { RefCell::new(None) };
}

/// For Node's entry: `load` is called when a peer needs it, and throws when it has nothing.
#[wasm_bindgen(js_name = bringRtc)]
#[expect(unreachable_pub, reason = "it is exported to JavaScript")]
pub fn bring_rtc(load: Function) {
    BROUGHT.replace(Some(load));
}

/// Two constructors.
#[derive(Debug)]
pub(super) struct Rtc {
    peer_connection: Function,
    web_socket: Option<Function>,
    /// By Node's entry: it is as it should be.
    brought: bool,
    /// What STUN and TURN servers did not do, by their URL: the latest of each, and not many.
    pub(super) refusals: RefCell<Vec<(String, String)>>,
    /// Whether a connection can be given another path.
    pub(super) restarts: Cell<bool>,
    /// Whether the constructor threw the last time that it was given a configuration.
    pub(super) refuses_config: Cell<bool>,
}

/// URLs whose refusals are kept.
const MAX_REFUSALS: usize = 8;
/// What a peer does with a connection.
const METHODS: [&str; 6] = [
    "createDataChannel",
    "createOffer",
    "createAnswer",
    "setLocalDescription",
    "setRemoteDescription",
    "addIceCandidate",
];

impl Rtc {
    /// Of the option `rtc`, or of whatever there is.
    pub(super) fn find(option: Option<&JsValue>) -> Result<Self, Error> {
        let page = js_sys::global();
        if let Some(option) = option {
            let peer_connection = constructor(option, RTC_PEER_CONNECTION);
            let peer_connection = peer_connection.ok_or_else(|| Error::Type(wrong(option)))?;
            let web_socket = constructor(option, WEB_SOCKET).or_else(|| constructor(&page, WEB_SOCKET));
            return Ok(Self::of(peer_connection, web_socket));
        }
        if let Some(peer_connection) = constructor(&page, RTC_PEER_CONNECTION) {
            return Ok(Self::of(peer_connection, constructor(&page, WEB_SOCKET)));
        }
        let Some(load) = BROUGHT.with_borrow(Option::clone) else {
            return Err(Error::NoWebRtc(NONE.into()));
        };
        let brought = load.call0(&JsValue::UNDEFINED).map_err(|thrown| Error::NoWebRtc(reason(&thrown)))?;
        Ok(Self { brought: true, ..Self::find(Some(&brought))? })
    }

    fn of(peer_connection: Function, web_socket: Option<Function>) -> Self {
        Self {
            peer_connection,
            web_socket,
            brought: false,
            refusals: RefCell::default(),
            restarts: Cell::default(),
            refuses_config: Cell::default(),
        }
    }

    /// Makes one connection and ends it: what privacy extensions put in its place throws, or does nothing, and nobody would
    /// ever know why there are no peers.
    pub(super) fn try_out(&self) -> Result<(), Error> {
        let trial = if self.brought { Ok(()) } else { self.trial() };
        trial.map_err(|why| {
            Error::NoWebRtc(format!(
                "WebRTC does not work here: {why}. A privacy extension or a setting of the browser may block it"
            ))
        })
    }

    fn trial(&self) -> Result<(), String> {
        let thrown = |thrown: JsValue| reason(&thrown);
        let made = Reflect::construct(&self.peer_connection, &Array::new()).map_err(thrown)?;
        let method = |name: &str| {
            let method = Reflect::get(&made, &name.into()).ok()?;
            method.dyn_into::<Function>().ok()
        };
        if let Some(missing) = METHODS.iter().find(|name| method(name).is_none()) {
            return Err(format!("its RTCPeerConnection has no {missing}"));
        }
        // What Node has in its place has this, too, and it throws.
        self.restarts.set(method("restartIce").is_some_and(|restart| restart.call0(&made).is_ok()));
        let channel = method(METHODS[0]).map(|create| create.call1(&made, &"easypeers".into()));
        let channel = channel.unwrap_or(Ok(JsValue::UNDEFINED)).map_err(thrown);
        if let Some(close) = method("close") {
            // It was only tried out.
            let _ = close.call0(&made);
        }
        channel?.is_object().then_some(()).ok_or_else(|| "its createDataChannel makes no channel".into())
    }

    /// A STUN or TURN server did not do what it is for.
    pub(super) fn refused(&self, url: String, why: String) {
        let mut refusals = self.refusals.borrow_mut();
        refusals.retain(|(known, _)| *known != url);
        if refusals.len() >= MAX_REFUSALS {
            refusals.remove(0);
        }
        refusals.push((url, why));
    }

    pub(super) fn peer_connection(&self, config: &RtcConfiguration) -> Result<RtcPeerConnection, JsValue> {
        let made = Reflect::construct(&self.peer_connection, &Array::of1(config));
        // It was tried out without one.
        self.refuses_config.set(made.is_err());
        let made = made?;
        // Not checked: what frameworks and Node put in its place is of another class.
        Ok(made.unchecked_into())
    }

    /// The error is a sentence, or says one.
    pub(super) fn web_socket(&self, url: &str) -> Result<WebSocket, JsValue> {
        let constructor = self.web_socket.as_ref().ok_or("there is no WebSocket here")?;
        Ok(Reflect::construct(constructor, &Array::of1(&url.into()))?.unchecked_into())
    }
}

const RTC_PEER_CONNECTION: &str = "RTCPeerConnection";
const WEB_SOCKET: &str = "WebSocket";
const NONE: &str = "there is no RTCPeerConnection here: Easypeers runs in a page (not in a worker), in Node by \
     `import 'easypeers'`, or with what the option rtc gives it";

fn constructor(of: &JsValue, name: &str) -> Option<Function> {
    Reflect::get(of, &name.into()).ok()?.dyn_into().ok()
}

fn wrong(option: &JsValue) -> String {
    format!("rtc must be an object with the constructors RTCPeerConnection and WebSocket{}", given(option))
}

#[cfg(test)]
mod tests {
    use js_sys::Object;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn object(entries: &[(&str, &JsValue)]) -> JsValue {
        let object = Object::new();
        for (name, value) in entries {
            Reflect::set(&object, &(*name).into(), value).expect("a plain object");
        }
        object.into()
    }

    #[wasm_bindgen_test]
    fn the_page_s_own_is_used_unless_another_is_given() {
        let page = Rtc::find(None).expect("a page has WebRTC");
        let socket: JsValue = page.web_socket.clone().expect("and WebSocket").into();
        let other: JsValue = Function::new_no_args("this.other = true").into();
        let rtc = Rtc::find(Some(&object(&[(RTC_PEER_CONNECTION, &other)]))).expect("complete enough");
        assert_eq!(
            rtc.web_socket.as_ref().map(JsValue::from),
            Some(socket),
            "what is not given is the page's"
        );
        let made = rtc.peer_connection(&RtcConfiguration::new()).expect("constructed");
        assert_eq!(Reflect::get(&made, &"other".into()), Ok(JsValue::TRUE));
    }

    #[wasm_bindgen_test]
    fn what_is_no_constructor_is_refused_with_a_sentence() {
        for wrong in
            [5.into(), "x".into(), Object::new().into(), object(&[(RTC_PEER_CONNECTION, &JsValue::NULL)])]
        {
            assert!(matches!(Rtc::find(Some(&wrong)), Err(Error::Type(_))), "{wrong:?}");
        }
    }

    #[wasm_bindgen_test]
    fn a_constructor_that_throws_is_an_error_and_not_a_trap() {
        let throws: JsValue = Function::new_no_args("throw new Error('no')").into();
        let rtc = Rtc::find(Some(&object(&[(RTC_PEER_CONNECTION, &throws), (WEB_SOCKET, &throws)])));
        let rtc = rtc.expect("two constructors");
        assert!(rtc.peer_connection(&RtcConfiguration::new()).is_err());
        assert_eq!(
            rtc.web_socket("ws://localhost").map_err(|thrown| reason(&thrown)).err(),
            Some("no".into())
        );
    }

    #[wasm_bindgen_test]
    fn what_is_no_webrtc_is_told_from_it_at_once() {
        let page = Rtc::find(None).expect("a page has WebRTC");
        assert_eq!(page.try_out(), Ok(()));
        for (stub, part) in [
            ("(function () {})", "has no createDataChannel"),
            ("(class {})", "has no createDataChannel"),
            ("(class { constructor () { throw new Error('blocked') } })", "blocked"),
            (
                "(class extends RTCPeerConnection { createDataChannel () { throw new Error('blocked') } })",
                "blocked",
            ),
            ("(class extends RTCPeerConnection { createDataChannel () {} })", "makes no channel"),
            ("(() => {})", "not a constructor"),
        ] {
            let stub = js_sys::eval(stub).expect("JavaScript");
            let rtc = Rtc::find(Some(&object(&[(RTC_PEER_CONNECTION, &stub)]))).expect("a function");
            let refused = rtc.try_out();
            assert!(
                matches!(&refused, Err(Error::NoWebRtc(text)) if text.contains(part)),
                "{part}: {refused:?}"
            );
        }
    }

    #[wasm_bindgen_test]
    fn refusals_of_servers_are_kept_one_for_each_and_not_many() {
        let page = Rtc::find(None).expect("a page has WebRTC");
        for n in 0..100 {
            page.refused(format!("turn:{}", n % 50), format!("{n}"));
        }
        let refusals = page.refusals.borrow();
        assert_eq!((refusals.len(), refusals.last()), (MAX_REFUSALS, Some(&("turn:49".into(), "99".into()))));
    }
}
