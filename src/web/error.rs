//! Errors as the page sees them: each has a stable `code` and a sentence that says what was expected.
//!
//! A wrong argument is a `TypeError` or a `RangeError` with Node's codes for these; everything else is an
//! `EasypeersError` or one of its subclasses.

use js_sys::{RangeError, Reflect, TypeError};
use wasm_bindgen::prelude::*;

use crate::proto::{ConfigError, DeliveryFailure, SendError};

use super::convert::TAG_BYTES;

#[wasm_bindgen(module = "/src/web/easypeers.js")]
extern "C" {
    /// What was given instead of what was expected, at the end of an error's message.
    pub(super) fn given(value: &JsValue) -> String;

    /// What something that was thrown says.
    pub(super) fn reason(thrown: &JsValue) -> String;

    #[wasm_bindgen(reexport)]
    type EasypeersError;
    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> EasypeersError;

    #[wasm_bindgen(reexport)]
    type DeliveryError;
    #[wasm_bindgen(constructor)]
    fn new(code: &str, message: &str) -> DeliveryError;

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
    /// There is no WebRTC here: `EasypeersError`, `ERR_NO_WEBRTC`.
    NoWebRtc,
    /// A feature that this version does not have: `EasypeersError`, `ERR_UNSUPPORTED`.
    Unsupported(&'static str),
    /// The instance is closed: `ClosedError`, `ERR_CLOSED`.
    Closed,
    /// What a `Delivery` rejects with: `DeliveryError`.
    Delivery(DeliveryFailure),
}

const CLOSED: &str = "this Easypeers is closed: make a new one to join again";

impl From<Error> for JsValue {
    fn from(error: Error) -> Self {
        match error {
            Error::Type(text) => coded(TypeError::new(&text).into(), "ERR_INVALID_ARG_TYPE"),
            Error::Value(text) => coded(TypeError::new(&text).into(), "ERR_INVALID_ARG_VALUE"),
            Error::Range(text) => coded(RangeError::new(&text).into(), "ERR_OUT_OF_RANGE"),
            Error::TooLarge(text) => coded(RangeError::new(&text).into(), "ERR_MESSAGE_TOO_LARGE"),
            Error::HeldFull(text) => coded(RangeError::new(&text).into(), "ERR_HELD_FULL"),
            Error::NoWebRtc => EasypeersError::new(
                "ERR_NO_WEBRTC",
                "there is no RTCPeerConnection here: Easypeers runs in a page, or in Node with a WebRTC \
                 polyfill on globalThis (not in a worker)",
            )
            .into(),
            Error::Unsupported(text) => EasypeersError::new("ERR_UNSUPPORTED", text).into(),
            Error::Closed => ClosedError::new("ERR_CLOSED", CLOSED).into(),
            Error::Delivery(failure) => {
                let code = match failure {
                    DeliveryFailure::Unreachable => "ERR_UNREACHABLE",
                    DeliveryFailure::Timeout => "ERR_TIMEOUT",
                    DeliveryFailure::Closed => "ERR_CLOSED",
                };
                DeliveryError::new(code, &failure.to_string()).into()
            }
        }
    }
}

impl From<SendError> for Error {
    /// In words of its own: `Display` of what holds a number would bring the whole formatter into the module.
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLarge { size, limit } => Self::TooLarge(
                [
                    "the message is ",
                    &(size - TAG_BYTES).to_string(),
                    " bytes and maxMessageSize is ",
                    &(limit - TAG_BYTES).to_string(),
                    ": send it in parts, or raise maxMessageSize on every peer",
                ]
                .concat(),
            ),
            SendError::Full { held } => Self::HeldFull(
                [
                    &held.to_string(),
                    " bytes of messages already wait to be sent: await `ready`, or what was sent, before sending more",
                ]
                .concat(),
            ),
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
