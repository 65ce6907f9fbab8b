//! Payloads: what the page gives `send` becomes bytes, and the same value again on the other side.
//!
//! The first byte says what kind it is. Text travels as UTF-8; text that UTF-8 cannot hold (lone surrogates)
//! as JSON, which escapes them; a number as its eight bytes, because JSON has no NaN, no infinity and no -0.

use js_sys::{ArrayBuffer, JSON, JsString, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::proto::SendError;

use super::error::{Error, given, reason};

#[wasm_bindgen]
extern "C" {
    /// `[object Map]` and the like, whatever the value's own `toString` says.
    #[wasm_bindgen(js_namespace = ["Object", "prototype", "toString"], js_name = call)]
    fn class(value: &JsValue) -> String;
}

/// Bytes that the kind adds to a payload.
pub(super) const TAG_BYTES: usize = 1;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const NUMBER: u8 = 3;
const JSON_TEXT: u8 = 4;

/// The payload of a message, or the `TypeError` that `send` throws.
pub(super) fn encode(value: &JsValue) -> Result<Vec<u8>, Error> {
    if let Some(text) = value.as_string() {
        return if survives_utf8(value, &text) {
            Ok(tagged(TEXT, text.as_bytes()))
        } else {
            encode_json(value)
        };
    }
    if let Some(number) = value.as_f64() {
        return Ok(tagged(NUMBER, &number.to_le_bytes()));
    }
    if let Some(bytes) = bytes(value) {
        return Ok(tagged(BINARY, &bytes.to_vec()));
    }
    if value.is_null() || value.as_bool().is_some() || is_structured(value) {
        return encode_json(value);
    }
    Err(unsendable(value, ""))
}

/// The value that a payload stands for; `None` when a remote sent nonsense.
pub(super) fn decode(payload: &[u8]) -> Option<JsValue> {
    let (&kind, body) = payload.split_first()?;
    match kind {
        TEXT => std::str::from_utf8(body).ok().map(JsValue::from_str),
        BINARY => Some(Uint8Array::from(body).into()),
        NUMBER => body.try_into().ok().map(f64::from_le_bytes).map(JsValue::from_f64),
        JSON_TEXT => std::str::from_utf8(body).ok().and_then(|text| JSON::parse(text).ok()),
        _ => None,
    }
}

/// The bytes of an `ArrayBuffer` or of any view of one.
pub(super) fn bytes(value: &JsValue) -> Option<Uint8Array> {
    if ArrayBuffer::is_view(value) {
        let get = |key: &str| Reflect::get(value, &key.into()).ok();
        let (offset, length) = (get("byteOffset")?.as_f64()?, get("byteLength")?.as_f64()?);
        return Some(Uint8Array::new_with_byte_offset_and_length(
            &get("buffer")?,
            offset as u32,
            length as u32,
        ));
    }
    // By name and not by class: a buffer of another realm (a frame, a test runner) is one too.
    matches!(class(value).as_str(), "[object ArrayBuffer]" | "[object SharedArrayBuffer]")
        .then(|| Uint8Array::new(value))
}

/// Why the peer refused a payload, in sizes as the page counts them: without the tag.
pub(super) fn refused(error: SendError) -> Error {
    match error {
        SendError::TooLarge { size, limit } => {
            SendError::TooLarge { size: size - TAG_BYTES, limit: limit - TAG_BYTES }.into()
        }
        error => error.into(),
    }
}

fn tagged(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(TAG_BYTES + body.len());
    payload.push(kind);
    payload.extend_from_slice(body);
    payload
}

/// Lone surrogates become U+FFFD on the way into Rust, so only text with that character needs a closer look.
fn survives_utf8(value: &JsValue, text: &str) -> bool {
    text.chars().all(|char| char != char::REPLACEMENT_CHARACTER) || JsValue::from_str(text) == *value
}

/// Whether JSON is a faithful form of it: arrays, objects, and what says itself how it looks in JSON (`Date`).
/// A `Map`, a `Blob` or a `Promise` would arrive as `{}`.
fn is_structured(value: &JsValue) -> bool {
    let speaks_json = || Reflect::get(value, &"toJSON".into()).is_ok_and(|method| method.is_function());
    value.is_object()
        && (matches!(class(value).as_str(), "[object Object]" | "[object Array]") || speaks_json())
}

fn encode_json(value: &JsValue) -> Result<Vec<u8>, Error> {
    let text =
        JSON::stringify(value).map_err(|thrown| unsendable(value, &[": ", &reason(&thrown)].concat()))?;
    // `toJSON` may return undefined, and so does `stringify` then.
    let text = text.dyn_into::<JsString>().map_err(|_| unsendable(value, ": toJSON gave nothing"))?;
    Ok(tagged(JSON_TEXT, String::from(text).as_bytes()))
}

fn unsendable(value: &JsValue, why: &str) -> Error {
    let expected = "a message is a string, bytes (Uint8Array, ArrayBuffer), a number, a boolean, null, an array or \
                    a plain object without cycles";
    Error::Type([expected, why, &given(value)].concat())
}

#[cfg(test)]
mod tests {
    use js_sys::{Array, Map, Object, Symbol};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn there_and_back(value: &JsValue) -> JsValue {
        decode(&encode(value).expect("sendable")).expect("its own encoding")
    }

    #[wasm_bindgen_test]
    fn text_arrives_unchanged() {
        let texts = ["", "hello", "`ticks`", "a\0b", "é, 漢, 🦀", "\u{fffd}", &"x".repeat(100_000)];
        for text in texts {
            assert_eq!(there_and_back(&text.into()), JsValue::from_str(text));
        }
    }

    #[wasm_bindgen_test]
    fn lone_surrogates_arrive_unchanged() {
        let lone: JsValue = JsString::from_char_code(&[0x61, 0xd800, 0x62]).into();
        assert_eq!(there_and_back(&lone), lone);
    }

    #[wasm_bindgen_test]
    fn numbers_arrive_bit_by_bit() {
        for number in [0.0, -0.0, 1.5, -1e300, f64::INFINITY, f64::NEG_INFINITY] {
            let back = there_and_back(&number.into()).as_f64().expect("a number");
            assert_eq!(back.to_bits(), number.to_bits());
        }
        assert!(there_and_back(&f64::NAN.into()).as_f64().is_some_and(f64::is_nan));
    }

    #[wasm_bindgen_test]
    fn bytes_of_every_kind_arrive_as_a_uint8_array() {
        let bytes = Uint8Array::from(&[0, 1, 2, 255][..]);
        let view = Uint8Array::new_with_byte_offset_and_length(&bytes.buffer(), 1, 2);
        let words = js_sys::Uint16Array::new(&bytes.buffer());
        let cases: [(JsValue, &[u8]); 4] = [
            (bytes.clone().into(), &[0, 1, 2, 255]),
            (bytes.buffer().into(), &[0, 1, 2, 255]),
            (view.into(), &[1, 2]),
            (words.into(), &[0, 1, 2, 255]),
        ];
        for (value, expected) in cases {
            let back = there_and_back(&value).dyn_into::<Uint8Array>().expect("a Uint8Array");
            assert_eq!(back.to_vec(), expected);
        }
    }

    #[wasm_bindgen_test]
    fn structures_arrive_as_json() {
        for text in [r#"{"a":[1,"x",null,true],"b":{}}"#, "[]", "null", "true", "false"] {
            let value = JSON::parse(text).expect("JSON");
            assert_eq!(JSON::stringify(&there_and_back(&value)).expect("JSON"), text);
        }
    }

    #[wasm_bindgen_test]
    fn what_cannot_be_sent_is_a_type_error() {
        let cyclic = Object::new();
        Reflect::set(&cyclic, &"self".into(), &cyclic).expect("an object takes a property");
        let values: [JsValue; 6] = [
            JsValue::UNDEFINED,
            Symbol::iterator().into(),
            js_sys::BigInt::from(1).into(),
            Array::of1(&js_sys::BigInt::from(1).into()).into(),
            Map::new().into(),
            cyclic.into(),
        ];
        for value in values {
            assert!(matches!(encode(&value), Err(Error::Type(_))), "{value:?}");
        }
    }

    #[wasm_bindgen_test]
    fn nonsense_of_a_remote_is_nothing() {
        for payload in [&[][..], &[0], &[TEXT, 0xff], &[NUMBER, 1], &[JSON_TEXT, b'{'], &[JSON_TEXT], &[9, 9]]
        {
            assert_eq!(decode(payload), None, "{payload:?}");
        }
    }
}
