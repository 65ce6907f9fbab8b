//! Errors as the page sees them: each has a stable `code` and a sentence that says what was expected.
//!
//! A wrong argument is a `TypeError` or a `RangeError` with Node's codes for these; everything else is an
//! `EasypeersError` or one of its subclasses.

use js_sys::{Array, Function, JSON, RangeError, Reflect, TypeError};
use wasm_bindgen::prelude::*;

use crate::proto::{ConfigError, DeliveryFailure, SendError};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = reportError, catch)]
    fn report_error(thrown: &JsValue) -> Result<(), JsValue>;
}

#[wasm_bindgen(module = "/src/web/easypeers.js")]
extern "C" {
    #[wasm_bindgen(reexport)]
    type EasypeersError;
    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> EasypeersError;

    #[wasm_bindgen(reexport)]
    type DeliveryError;
    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> DeliveryError;

    #[wasm_bindgen(reexport)]
    type RequestError;
    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str, cause: &JsValue) -> RequestError;

    #[wasm_bindgen(reexport)]
    type ClosedError;
    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> ClosedError;
}

/// What a call of the page throws.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An argument of the wrong type: `TypeError`, `ERR_INVALID_ARG_TYPE`.
    Type(String),
    /// An argument of the right type that means nothing: `TypeError`, `ERR_INVALID_ARG_VALUE`.
    Value(String),
    /// A number or size out of its range: `RangeError`, `ERR_OUT_OF_RANGE`.
    Range(String),
    /// A payload above the limit: `RangeError`, `ERR_MESSAGE_TOO_LARGE`.
    TooLarge(String),
    /// More is held for the first neighbor than allowed: `RangeError`, `ERR_HELD_FULL`.
    HeldFull(String),
    /// There is no WebRTC here, or none that works: `EasypeersError`, `ERR_NO_WEBRTC`.
    NoWebRtc(String),
    /// What an `error` event tells: `EasypeersError`, with the code given.
    Told(&'static str, String),
    /// A feature that this version does not have: `EasypeersError`, `ERR_UNSUPPORTED`.
    Unsupported(&'static str),
    /// The instance is closed: `ClosedError`, `ERR_CLOSED`.
    Closed,
    /// The channel is: the same.
    ChannelClosed,
    /// What a request rejects with that arrived: `RequestError`.
    Request(Unanswered),
    /// What a `Delivery` rejects with: `DeliveryError`.
    Delivery(DeliveryFailure),
}

const CLOSED: &str = "this Easypeers is closed: make a new one to join again";
const CHANNEL_CLOSED: &str = "this channel is closed: open it again by channel(name)";

/// Why there is no answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// None came in time: `ERR_TIMEOUT`.
    Late,
    /// The page that was asked has no listener for `request`: `ERR_NO_LISTENER`.
    NoListener,
    /// It answered by an error: `ERR_REFUSED`.
    Refused {
        /// What the error is called.
        name: String,
        /// What it says.
        message: String,
    },
}

impl From<Unanswered> for JsValue {
    fn from(why: Unanswered) -> Self {
        let (code, text, cause) = match why {
            Unanswered::Late => {
                let text = "no answer came in time: the page that was asked may be busy, or gone";
                ("ERR_TIMEOUT", text.to_owned(), Self::UNDEFINED)
            }
            Unanswered::NoListener => {
                let text = "the page that was asked has no listener for 'request' there";
                ("ERR_NO_LISTENER", text.to_owned(), Self::UNDEFINED)
            }
            Unanswered::Refused { name, message } => {
                let cause = js_sys::Error::new(&message);
                cause.set_name(&name);
                ("ERR_REFUSED", message, cause.into())
            }
        };
        RequestError::new(code, &text, &cause).into()
    }
}

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        match error {
            Error::Type(text) => coded(TypeError::new(&text).into(), "ERR_INVALID_ARG_TYPE"),
            Error::Value(text) => coded(TypeError::new(&text).into(), "ERR_INVALID_ARG_VALUE"),
            Error::Range(text) => coded(RangeError::new(&text).into(), "ERR_OUT_OF_RANGE"),
            Error::TooLarge(text) => coded(RangeError::new(&text).into(), "ERR_MESSAGE_TOO_LARGE"),
            Error::HeldFull(text) => coded(RangeError::new(&text).into(), "ERR_HELD_FULL"),
            Error::NoWebRtc(text) => EasypeersError::new("ERR_NO_WEBRTC", &text).into(),
            Error::Told(code, text) => EasypeersError::new(code, &text).into(),
            Error::Unsupported(text) => EasypeersError::new("ERR_UNSUPPORTED", text).into(),
            Error::Closed => ClosedError::new("ERR_CLOSED", CLOSED).into(),
            Error::ChannelClosed => ClosedError::new("ERR_CLOSED", CHANNEL_CLOSED).into(),
            Error::Request(why) => why.into(),
            Error::Delivery(failure) => {
                let code = match failure {
                    DeliveryFailure::Unreachable => "ERR_UNREACHABLE",
                    DeliveryFailure::Timeout => "ERR_TIMEOUT",
                    DeliveryFailure::Aborted => "ERR_ABORTED",
                    DeliveryFailure::Closed => "ERR_CLOSED",
                };
                DeliveryError::new(code, &failure.to_string()).into()
            }
        }
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLarge { size, limit } => Self::TooLarge(format!(
                "the message is {size} bytes and maxMessageSize is {limit}: send it in parts, or raise \
                 maxMessageSize on every peer",
            )),
            SendError::Full { held } => Self::HeldFull(format!(
                "{held} bytes of messages already wait to be sent: await `ready`, or what was sent, before sending \
                 more"
            )),
            SendError::ToSelf => Self::Value("the recipient is this peer itself".into()),
            SendError::Closed => Self::Closed,
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Range(error.to_string())
    }
}

impl From<DeliveryFailure> for Error {
    fn from(failure: DeliveryFailure) -> Self {
        Self::Delivery(failure)
    }
}

fn coded(error: JsValue, code: &str) -> JsValue {
    // An error object just made takes any property.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error
}

/// What was given instead of what was expected, at the end of an error's message.
pub(super) fn given(value: &JsValue) -> String {
    let shown = if value.is_string() {
        quoted(value)
    } else if let Some(number) = value.as_f64() {
        js_sys::Number::from(number).to_string_with_radix(10).map(String::from).unwrap_or_default()
    } else if let Some(truth) = value.as_bool() {
        truth.to_string()
    } else if value.is_null() {
        "null".into()
    } else if Array::is_array(value) {
        "an array".into()
    } else if value.is_object() {
        "an object".into()
    } else {
        value.js_typeof().as_string().unwrap_or_default()
    };
    format!(". Given: {shown}")
}

/// Text in quotation marks, and not too much of it.
pub(super) fn quoted(text: &JsValue) -> String {
    const LONGEST: u32 = 60;
    JSON::stringify(text).map(|text| text.slice(0, LONGEST).into()).unwrap_or_default()
}

/// What something that was thrown says. Its own properties may throw too.
pub(super) fn reason(thrown: &JsValue) -> String {
    let message = || property(thrown, "message");
    thrown.as_string().or_else(message).unwrap_or_else(|| "no reason was given".into())
}

/// What it is called.
pub(super) fn name(thrown: &JsValue) -> String {
    property(thrown, "name").unwrap_or_else(|| "Error".into())
}

fn property(of: &JsValue, key: &str) -> Option<String> {
    Reflect::get(of, &key.into()).ok()?.as_string()
}

/// Hands something thrown to the page's error reporting; Node and old browsers have the console only.
pub(super) fn report(thrown: &JsValue) {
    if report_error(thrown).is_err() {
        web_sys::console::error_1(thrown);
    }
}

/// Calls what may throw where the bindings do not expect it: without this, the exception would pass through the
/// module and leave it half-way.
pub(super) fn caught(call: impl FnOnce() -> Result<(), JsValue> + 'static) -> Result<(), JsValue> {
    let call: Function = Closure::once_into_js(call).unchecked_into();
    call.call0(&JsValue::UNDEFINED).map(drop)
}
