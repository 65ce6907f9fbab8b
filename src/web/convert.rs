//! Payloads: what the page gives `send` becomes bytes, and the same value again on the other side.
//!
//! The first byte says what kind it is. Text travels as UTF-8, bytes as they are; all else is a structure, and
//! [`payload`](crate::payload) knows how these are written.
//!
//! Encoding runs code of the page: getters, `toJSON`, traps of proxies. What that throws, `send` throws. What an object
//! holds is taken all at once when it is come to: what changes later changes nothing. Decoding runs none, and makes every
//! object of a map of its entries: so no key reaches a prototype or a setter.

use js_sys::{Array, ArrayBuffer, BigInt, Date, Function, JsString, Map, Object, Reflect, Set, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::payload::{Item, MAX_DEPTH, Reader, Shape, Writer};
use crate::proto::{SendError, hex};

use super::error::{Error, quoted};
use super::parcel;

#[wasm_bindgen]
extern "C" {
    /// `[object Map]` and the like, whatever the value's own `toString` says. A revoked proxy throws.
    #[wasm_bindgen(js_namespace = ["Object", "prototype", "toString"], js_name = call, catch)]
    fn to_string(value: &JsValue) -> Result<String, JsValue>;
    /// What an object holds, as pairs.
    #[wasm_bindgen(js_namespace = Object, js_name = entries, catch)]
    fn entries(value: &JsValue) -> Result<Array, JsValue>;
    /// What an array, a `Set` or, as pairs, a `Map` holds.
    #[wasm_bindgen(js_namespace = Array, js_name = from, catch)]
    fn elements(value: &JsValue) -> Result<Array, JsValue>;

    /// A value of the page, whose every property may be a getter that throws.
    type Value;
    #[wasm_bindgen(method, structural, getter, catch)]
    fn length(this: &Value) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, getter, catch, js_name = toJSON)]
    fn to_json(this: &Value) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = valueOf)]
    fn value_of(this: &Value) -> Result<JsValue, JsValue>;

    /// As js-sys has it, but it throws where a buffer was transferred.
    #[wasm_bindgen(js_name = Uint8Array, extends = Uint8Array)]
    type View;
    #[wasm_bindgen(constructor, js_class = "Uint8Array", catch)]
    fn new(buffer: &JsValue, offset: &JsValue, length: &JsValue) -> Result<View, JsValue>;
}

/// Most bytes that there are in a payload beside the value.
pub(super) const BESIDE: usize = 1 + parcel::MOST;

const TEXT: u8 = 1;
const BINARY: u8 = 2;
// 3 was a number, and 4 was JSON.
const STRUCTURE: u8 = 5;

/// The payload of a message behind its head, or what `send` throws. A structure is given up as soon as it has more than
/// `limit` bytes: one that holds another twice, which holds another twice, ..., has no end.
pub(super) fn encode(value: &JsValue, limit: usize, head: Vec<u8>) -> Result<Vec<u8>, JsValue> {
    let fits =
        |size| if size <= limit { Ok(()) } else { Err(Error::from(SendError::TooLarge { size, limit })) };
    let mut payload = head;
    if let Some(text) = text(value) {
        fits(text.len())?;
        payload.push(TEXT);
        payload.extend_from_slice(text.as_bytes());
        return Ok(payload);
    }
    if let Some(bytes) = bytes(value)? {
        fits(bytes.length() as usize)?;
        payload.push(BINARY);
        append(&bytes, &mut payload);
        return Ok(payload);
    }
    payload.push(STRUCTURE);
    let most = payload.len() + limit;
    let mut walk = Walk { to: Writer::new(payload), limit, most, open: Vec::new(), above: Set::default() };
    walk.all(value)?;
    Ok(walk.to.into_bytes())
}

/// The value that a payload stands for; `None` when a remote sent nonsense.
pub(super) fn decode(payload: &[u8]) -> Option<JsValue> {
    let (&kind, body) = payload.split_first()?;
    match kind {
        TEXT => std::str::from_utf8(body).ok().map(JsValue::from_str),
        BINARY => Some(Uint8Array::from(body).into()),
        STRUCTURE => build(body),
        _ => None,
    }
}

/// The bytes of an `ArrayBuffer` or of any view of one. One that was transferred has none, and throws.
pub(super) fn bytes(value: &JsValue) -> Result<Option<Uint8Array>, JsValue> {
    let view = if ArrayBuffer::is_view(value) {
        View::new(&get(value, "buffer")?, &get(value, "byteOffset")?, &get(value, "byteLength")?)?
    } else if value.is_object() && matches!(class(value)?.as_str(), "ArrayBuffer" | "SharedArrayBuffer") {
        View::new(value, &JsValue::UNDEFINED, &JsValue::UNDEFINED)?
    } else {
        return Ok(None);
    };
    Ok(Some(view.into()))
}

/// Puts them behind what is there, in pieces that a processor keeps at hand: room for all of them would be filled with zeros first,
/// and of a large message that takes longer than the rest.
fn append(bytes: &Uint8Array, to: &mut Vec<u8>) {
    const PIECE: u32 = 64 << 10;
    let length = bytes.length();
    to.reserve(length as usize);
    for at in (0..length).step_by(PIECE as usize) {
        to.extend_from_slice(&bytes.subarray(at, length.min(at.saturating_add(PIECE))).to_vec());
    }
}

/// Whether it is an error, of any realm. A revoked proxy is none.
pub(super) fn is_error(value: &JsValue) -> bool {
    value.is_object() && class(value).is_ok_and(|class| matches!(class.as_str(), "Error" | "DOMException"))
}

/// Text that UTF-8 can hold. Lone surrogates become U+FFFD on the way into Rust, so only text with that character needs a
/// closer look.
fn text(value: &JsValue) -> Option<String> {
    value
        .as_string()
        .filter(|text| !text.contains(char::REPLACEMENT_CHARACTER) || JsValue::from_str(text) == *value)
}

/// What the language calls it, by name and not by class: a value of another realm (a frame, a test runner) is one too.
fn class(value: &JsValue) -> Result<String, JsValue> {
    const BEFORE: usize = "[object ".len();
    to_string(value).map(|text| text[BEFORE..text.len() - 1].to_owned())
}

fn get(value: &JsValue, key: &str) -> Result<JsValue, JsValue> {
    Reflect::get(value, &key.into())
}

// From a value to its items.

/// A value on its way into a payload, and where in it we are.
struct Walk {
    to: Writer,
    limit: usize,
    /// The limit, and what stands before the value.
    most: usize,
    /// From the whole to its part, each within the one before.
    open: Vec<Opened>,
    /// The same, to be found: what is within itself has no end.
    above: Set,
}

struct Opened {
    shape: Shape,
    value: JsValue,
    /// Of an object or a map keys and values in turn.
    items: Array,
    /// How many of them were written, or are about to be.
    taken: u32,
    count: u32,
}

impl Walk {
    fn all(&mut self, value: &JsValue) -> Result<(), JsValue> {
        self.put(value, true)?;
        while let Some(top) = self.open.last_mut() {
            if top.taken < top.count {
                let next = top.items.get(top.taken);
                top.taken += 1;
                self.put(&next, true)?;
            } else {
                self.above.delete(&top.value);
                self.to.item(&Item::Close(top.shape));
                self.open.pop();
            }
        }
        Ok(())
    }

    /// Writes a value, or the beginning of one.
    fn put(&mut self, value: &JsValue, heeds_to_json: bool) -> Result<(), JsValue> {
        if let Some(text) = text(value) {
            self.to.item(&Item::Text(&text));
        } else if let Some(number) = value.as_f64() {
            self.to.item(&Item::Number(number));
        } else if value.is_object() {
            self.put_object(value, heeds_to_json)?;
        } else if let Some(truth) = value.as_bool() {
            self.to.item(&Item::Bool(truth));
        } else if value.is_null() {
            self.to.item(&Item::Null);
        } else if value.is_undefined() {
            if self.open.is_empty() {
                return Err(self.refused("undefined by itself", "send null, or an object that holds it"));
            }
            self.to.item(&Item::Undefined);
        } else if let Some(number) = value.dyn_ref::<BigInt>() {
            self.put_big(number)?;
        } else if let Some(text) = value.dyn_ref::<JsString>() {
            self.to.item(&Item::Units(text.iter().collect()));
        } else {
            let what = ["a ", &value.js_typeof().as_string().unwrap_or_default()].concat();
            return Err(self.refused(&what, "it has no meaning elsewhere"));
        }
        self.fits(0)
    }

    fn put_big(&mut self, number: &BigInt) -> Result<(), JsValue> {
        let in_hex =
            |number: &BigInt| number.to_string(16).map(|digits| digits.as_string().unwrap_or_default());
        let digits = in_hex(number)?;
        let negative = digits.starts_with('-');
        // That of a negative one is -1 minus the number, which is what the language calls its complement.
        let digits = if negative { in_hex(number.bit_not().unchecked_ref())? } else { digits };
        let digits = if digits.len() % 2 == 1 { ["0", &digits].concat() } else { digits };
        // A page may have another `toString` in the place of the language's.
        let Some(magnitude) = hex::read(&digits).filter(|bytes| !bytes.is_empty()) else {
            return Err(self.refused("a bigint", "its toString(16) gives no hexadecimal digits"));
        };
        self.to.item(&Item::BigInt { negative, magnitude: &magnitude });
        Ok(())
    }

    /// What travels as itself does so whatever its `toJSON` is: an old library may have given one to every array.
    fn put_object(&mut self, value: &JsValue, heeds_to_json: bool) -> Result<(), JsValue> {
        let known: &Value = value.unchecked_ref();
        let class = class(value)?;
        match class.as_str() {
            "Array" => {
                // Its length may be far more than it holds.
                self.fits(known.length()?.as_f64().unwrap_or_default() as usize)?;
                return self.open(Shape::Array, value, elements(value)?);
            }
            "Set" => return self.open(Shape::Set, value, elements(value)?),
            "Map" => return self.open(Shape::Map, value, elements(value)?.flat(1)),
            "Date" => {
                self.to.item(&Item::Date(known.value_of()?.as_f64().unwrap_or(f64::NAN)));
                return Ok(());
            }
            "Object" => {}
            _ => {
                if let Some(bytes) = bytes(value)? {
                    return self.put_bytes(&bytes);
                }
            }
        }
        if heeds_to_json && let Ok(to_json) = known.to_json()?.dyn_into::<Function>() {
            return self.put(&to_json.call0(value)?, false);
        }
        match class.as_str() {
            "Object" => self.open(Shape::Object, value, entries(value)?.flat(1)),
            "Error" | "DOMException" => {
                let text = |key| get(value, key).map(|text| if text.is_string() { text } else { "".into() });
                self.open(Shape::Error, value, Array::of2(&text("name")?, &text("message")?))
            }
            _ => {
                let instead = match class.as_str() {
                    "Blob" | "File" => "await its arrayBuffer()",
                    "Promise" => "await it",
                    _ => "send what it is made of, or give it a toJSON()",
                };
                Err(self.refused(&["a ", &class].concat(), instead))
            }
        }
    }

    fn put_bytes(&mut self, bytes: &Uint8Array) -> Result<(), JsValue> {
        let length = bytes.length() as usize;
        self.fits(length)?;
        append(bytes, self.to.bytes(length));
        Ok(())
    }

    fn open(&mut self, shape: Shape, value: &JsValue, items: Array) -> Result<(), JsValue> {
        if self.above.has(value) {
            let depth = self.open.iter().position(|above| above.value == *value).unwrap_or_default();
            return Err(self.refused("a cycle", &["it is ", &self.path(depth), " again"].concat()));
        }
        if self.open.len() == MAX_DEPTH {
            let path = self.path(MAX_DEPTH);
            let why = format!("{path}: nothing is sent that is nested more than {MAX_DEPTH} deep");
            return Err(Error::Range(why).into());
        }
        let length = items.length() / shape.arity();
        self.to.item(&Item::Open(shape, length.into()));
        self.above.add(value);
        let count = length * shape.arity();
        self.open.push(Opened { shape, value: value.clone(), items, taken: 0, count });
        Ok(())
    }

    /// Whether there is room for so many bytes more.
    fn fits(&self, more: usize) -> Result<(), JsValue> {
        if self.most.checked_sub(self.to.size()).is_some_and(|room| more <= room) {
            return Ok(());
        }
        let limit = self.limit;
        let why = format!(
            "the message is more than {limit} bytes, which is maxMessageSize: send it in parts, or raise \
             maxMessageSize on every peer",
        );
        Err(Error::TooLarge(why).into())
    }

    fn refused(&self, what: &str, instead: &str) -> JsValue {
        Error::Type([&self.path(self.open.len()), ": ", what, " cannot be sent; ", instead].concat()).into()
    }

    /// Where the value is that is so deep in what is open, as the page would write it: `message.files[2]`. Of a long path
    /// the middle is left out.
    fn path(&self, depth: usize) -> String {
        const SHOWN: usize = 10;
        let within = |opened: &[Opened]| opened.iter().map(Opened::place).collect::<String>();
        let open = &self.open[..depth];
        if depth <= 2 * SHOWN {
            ["message", &within(open)].concat()
        } else {
            ["message", &within(&open[..SHOWN]), " … ", &within(&open[depth - SHOWN..])].concat()
        }
    }
}

impl Opened {
    /// Where within it the item is that was taken last.
    fn place(&self) -> String {
        let at = self.taken - 1;
        let (of, at) = match self.shape {
            Shape::Object => return property(&self.items.get(at & !1)),
            Shape::Map if at.is_multiple_of(2) => (".keys()", at / 2),
            Shape::Map => (".values()", at / 2),
            Shape::Set => (".values()", at),
            Shape::Array | Shape::Error => ("", at),
        };
        [of, "[", &at.to_string(), "]"].concat()
    }
}

/// `.name`, or `["a name"]`.
fn property(key: &JsValue) -> String {
    const LONGEST: usize = 60;
    let is_plain = |name: &String| {
        let letters = name.trim_start_matches(|char: char| char.is_ascii_digit());
        letters == name
            && name.len() < LONGEST
            && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
    };
    match key.as_string().filter(is_plain) {
        Some(name) => [".", &name].concat(),
        None => ["[", &quoted(key), "]"].concat(),
    }
}

// From items to their value.

/// What is being filled.
enum Filling {
    List(Array),
    /// The key waits for its value.
    Pairs(Map, Option<JsValue>),
}

impl Filling {
    fn new(shape: Shape) -> Self {
        match shape {
            Shape::Array | Shape::Set | Shape::Error => Self::List(Array::new()),
            Shape::Object | Shape::Map => Self::Pairs(Map::new(), None),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self, Self::Pairs(_, None))
    }

    fn take(&mut self, value: JsValue) {
        match self {
            Self::List(items) => drop(items.push(&value)),
            Self::Pairs(pairs, key) => match key.take() {
                Some(key) => drop(pairs.set(&key, &value)),
                None => *key = Some(value),
            },
        }
    }

    fn into_value(self, shape: Shape) -> Result<JsValue, JsValue> {
        match self {
            Self::List(items) => match shape {
                Shape::Set => Ok(Set::new(&items).into()),
                Shape::Error => error(&items.get(0), &items.get(1)),
                _ => Ok(items.into()),
            },
            Self::Pairs(pairs, _) => match shape {
                // It defines properties, and sets none: `__proto__` is a key like any other.
                Shape::Object => Object::from_entries(&pairs).map(JsValue::from),
                _ => Ok(pairs.into()),
            },
        }
    }
}

/// Keys of before: each has one place, which the next that belongs there takes over. The records of a list have the same keys,
/// and to make text of bytes is what takes longest.
#[derive(Default)]
struct Keys<'a>(Vec<Option<(&'a str, JsValue)>>);

impl<'a> Keys<'a> {
    fn get(&mut self, key: &'a str) -> JsValue {
        const PLACES: usize = 256;
        self.0.resize(PLACES, None);
        let sum = key.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let place = &mut self.0[sum % PLACES];
        let (_, value) = match place.take() {
            Some(same) if same.0 == key => place.insert(same),
            _ => place.insert((key, key.into())),
        };
        value.clone()
    }
}

fn build(body: &[u8]) -> Option<JsValue> {
    let mut keys = Keys::default();
    let mut open = Vec::<Filling>::new();
    let mut whole = None;
    for item in Reader::new(body) {
        let value = match item.ok()? {
            Item::Open(shape, _) => {
                open.push(Filling::new(shape));
                continue;
            }
            Item::Close(shape) => open.pop()?.into_value(shape),
            Item::Text(key) if open.last().is_some_and(Filling::wants_key) => Ok(keys.get(key)),
            item => leaf(item),
        };
        // Where there is no room.
        let value = value.ok()?;
        match open.last_mut() {
            Some(around) => around.take(value),
            None => whole = Some(value),
        }
    }
    whole
}

/// Of no class that its name may say: who sends may say any.
fn error(name: &JsValue, message: &JsValue) -> Result<JsValue, JsValue> {
    let error: JsValue = js_sys::Error::new("").into();
    Reflect::set(&error, &"message".into(), message)?;
    if *name != "Error" {
        Reflect::set(&error, &"name".into(), name)?;
    }
    Ok(error)
}

fn leaf(item: Item<'_>) -> Result<JsValue, JsValue> {
    Ok(match item {
        Item::Undefined | Item::Open(..) | Item::Close(_) => JsValue::UNDEFINED,
        Item::Null => JsValue::NULL,
        Item::Bool(truth) => truth.into(),
        Item::Number(number) => number.into(),
        Item::Text(text) => text.into(),
        Item::Units(units) => {
            // As many as a call takes arguments, anywhere.
            let chunks = units.chunks(8192).map(JsString::from_char_code);
            chunks.fold(JsString::from(""), |text, chunk| text.concat(&chunk)).into()
        }
        Item::BigInt { negative, magnitude } => {
            let number = BigInt::new(&["0x0", &hex::text(magnitude)].concat().into())?;
            if negative { number.bit_not() } else { number.into() }
        }
        Item::Date(milliseconds) => Date::new(&milliseconds.into()).into(),
        Item::Bytes(bytes) => Uint8Array::from(bytes).into(),
    })
}

#[cfg(test)]
mod tests {
    use js_sys::{JSON, JsString};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    const LIMIT: usize = 1 << 24;

    /// Says of a value all that should arrive: classes, the sign of zero, what is there and `undefined`.
    const SHOW: &str = r#"(function show (value) {
        const all = values => Array.from(values, show).join(' ')
        if (Object.is(value, -0)) return '-0'
        if (typeof value === 'bigint') return `${value}n`
        if (typeof value === 'string') return JSON.stringify(value)
        if (typeof value !== 'object' || value === null) return String(value)
        if (ArrayBuffer.isView(value)) return `${value.constructor.name}<${value}>`
        if (value instanceof Date) return `Date(${value.getTime()})`
        if (value instanceof Error) return `Error(${value.name}: ${value.message})`
        if (value instanceof Map) return `Map{${all(value)}}`
        if (value instanceof Set) return `Set{${all(value)}}`
        if (Array.isArray(value)) return `[${all(value)}]`
        if (Object.getPrototypeOf(value) !== Object.prototype) return 'an object of another class'
        return `{${Object.keys(value).map(key => `${/^\w*$/.test(key) ? key : show(key)}: ${show(value[key])}`).join(', ')}}`
    })"#;

    fn js(source: &str) -> JsValue {
        js_sys::eval(&["(", source, ")"].concat()).expect(source)
    }

    fn show(value: &JsValue) -> String {
        let show: Function = js(SHOW).unchecked_into();
        show.call1(&JsValue::UNDEFINED, value).expect("it can be shown").as_string().expect("a text")
    }

    fn there_and_back(value: &JsValue) -> JsValue {
        decode(&encode(value, LIMIT, Vec::new()).expect("sendable")).expect("its own encoding")
    }

    /// Each arrives as what is shown behind it.
    fn arrive(cases: &[(&str, &str)]) {
        for (source, shown) in cases {
            assert_eq!(show(&there_and_back(&js(source))), *shown, "{source}");
        }
    }

    fn refusal(source: &str, limit: usize) -> (String, String) {
        let thrown = encode(&js(source), limit, Vec::new()).expect_err(source);
        let get = |key: &str| Reflect::get(&thrown, &key.into()).expect("an error").as_string().expect(key);
        (get("name"), get("message"))
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
        let lone: JsValue = JsString::from_char_code(&[0x61, 0xd800, 0x62, 0xdfff, 0xd83e, 0xdd80]).into();
        assert_eq!(there_and_back(&lone), lone);
        arrive(&[(
            r"{ '\ud800': ['\udfff', '\ud800'.repeat(3)] }",
            r#"{"\ud800": ["\udfff" "\ud800\ud800\ud800"]}"#,
        )]);
        let long = js(r"'\ud800x'.repeat(10000)");
        assert_eq!(there_and_back(&long), long);
    }

    #[wasm_bindgen_test]
    fn numbers_arrive_bit_by_bit() {
        for number in [0.0, -0.0, 1.5, -1e300, f64::INFINITY, f64::NEG_INFINITY] {
            let back = there_and_back(&number.into()).as_f64().expect("a number");
            assert_eq!(back.to_bits(), number.to_bits());
        }
        assert!(there_and_back(&f64::NAN.into()).as_f64().is_some_and(f64::is_nan));
        arrive(&[
            ("[0, -0, 1.5, -1, 2 ** 53, -(2 ** 53)]", "[0 -0 1.5 -1 9007199254740992 -9007199254740992]"),
            ("[NaN, Infinity, -Infinity, 5e-324, 1e300]", "[NaN Infinity -Infinity 5e-324 1e+300]"),
        ]);
    }

    #[wasm_bindgen_test]
    fn bytes_arrive_as_a_uint8_array_at_any_depth() {
        let cases = [
            ("Uint8Array.of(0, 1, 2, 255)", "Uint8Array<0,1,2,255>"),
            ("Uint8Array.of(0, 1, 2, 255).buffer", "Uint8Array<0,1,2,255>"),
            ("Uint8Array.of(0, 1, 2, 255).subarray(1, 3)", "Uint8Array<1,2>"),
            ("Uint16Array.of(256, 2)", "Uint8Array<0,1,2,0>"),
            ("Float32Array.of(1)", "Uint8Array<0,0,128,63>"),
            ("BigInt64Array.of(-1n)", "Uint8Array<255,255,255,255,255,255,255,255>"),
            ("new DataView(Uint8Array.of(7, 8, 9).buffer, 1, 1)", "Uint8Array<8>"),
            ("new ArrayBuffer", "Uint8Array<>"),
            ("new (class Buffer extends Uint8Array { toJSON () { return 1 } })(2)", "Uint8Array<0,0>"),
        ];
        for (source, shown) in cases {
            let within = format!("{{ a: [{source}], b: new Map([[{source}, new Set([{source}])]]) }}");
            let shown_within = format!("{{a: [{shown}], b: Map{{[{shown} Set{{{shown}}}]}}}}");
            arrive(&[(source, shown), (&within, &shown_within)]);
        }
    }

    #[wasm_bindgen_test]
    fn structures_arrive_as_they_are() {
        for text in [r#"{"a":[1,"x",null,true],"b":{}}"#, "[]", "null", "true", "false"] {
            let value = JSON::parse(text).expect("JSON");
            assert_eq!(JSON::stringify(&there_and_back(&value)).expect("JSON"), text);
        }
        arrive(&[
            ("{ a: undefined, b: [undefined, null] }", "{a: undefined, b: [undefined null]}"),
            ("[1, , 3]", "[1 undefined 3]"),
            (
                "new Map([[1, 'a'], ['1', new Map], [{ k: 1 }, undefined]])",
                r#"Map{[1 "a"] ["1" Map{}] [{k: 1} undefined]}"#,
            ),
            ("new Set([NaN, -0, [1], new Set])", "Set{NaN 0 [1] Set{}}"),
            ("new Date(-1.5e12 - 1)", "Date(-1500000000001)"),
            (
                "[new Date(NaN), new Date(8.64e15), new Date(8.64e15 - 1)]",
                "[Date(NaN) Date(8640000000000000) Date(8639999999999999)]",
            ),
            (
                "[0n, 255n, -1n, -256n, 2n ** 64n, -(2n ** 64n) - 1n]",
                "[0n 255n -1n -256n 18446744073709551616n -18446744073709551617n]",
            ),
            ("1n", "1n"),
            ("new Error('no')", "Error(Error: no)"),
            (
                "[new TypeError('no'), new DOMException('off', 'AbortError')]",
                "[Error(TypeError: no) Error(AbortError: off)]",
            ),
            ("Object.assign(Object.create(null), { a: 1 })", "{a: 1}"),
            ("[Symbol.iterator].slice(1)", "[]"),
        ]);
    }

    #[wasm_bindgen_test]
    fn an_object_that_is_there_twice_arrives_twice() {
        let back = there_and_back(&js("(one => ({ a: one, b: [one], c: new Map([[one, one]]) }))({ x: 1 })"));
        assert_eq!(show(&back), "{a: {x: 1}, b: [{x: 1}], c: Map{[{x: 1} {x: 1}]}}");
        let get = |key: &str| Reflect::get(&back, &key.into()).expect("an object");
        assert_ne!(get("a"), Reflect::get_u32(&get("b"), 0).expect("an array"));
    }

    #[wasm_bindgen_test]
    fn instances_of_a_class_arrive_as_their_own_properties_or_as_what_to_json_gives() {
        arrive(&[
            ("new (class { a = 1; get b () { return 2 } method () {} })", "{a: 1}"),
            ("{ get a () { return 1 }, [Symbol('s')]: 2 }", "{a: 1}"),
            ("[new (class { toJSON () { return new Date(1) } })]", "[Date(1)]"),
            ("{ k: { toJSON: () => 1 }, l: [5, { toJSON: () => [2] }] }", "{k: 1, l: [5 [2]]}"),
            ("{ toJSON () { return this }, a: 1 }.toJSON.call({ a: 1 })", "{a: 1}"),
            ("[{ toJSON () { return undefined } }]", "[undefined]"),
            ("new URL('http://a.example/b')", r#""http://a.example/b""#),
            ("[new (class extends Error { toJSON () { return 'own' } })]", r#"["own"]"#),
            ("new (class extends Array { toJSON () { return 1 } })(2)", "[undefined undefined]"),
        ]);
        // It may give what it is of itself: then it is not asked again.
        let own = js("(own => Object.defineProperty(own, 'toJSON', { value () { return own } }))({ a: 1 })");
        assert_eq!(show(&there_and_back(&own)), "{a: 1}");
    }

    #[wasm_bindgen_test]
    fn a_to_json_that_an_old_library_gave_to_every_array_changes_nothing() {
        let classes = "[Array, Map, Set, Date, BigInt, String, Number, Uint8Array]";
        js(&format!(
            "{classes}.forEach(({{ prototype }}) => {{ prototype.kept = prototype.toJSON; prototype.toJSON = () => 'old' }})"
        ));
        let arrived =
            there_and_back(&js("[[1], new Map, new Set, new Date(1), 1n, 's', 1, Uint8Array.of(1)]"));
        js(&format!(
            "{classes}.forEach(({{ prototype }}) => {{ prototype.toJSON = prototype.kept; delete prototype.kept }})"
        ));
        js(
            "[Array, Map, Set, BigInt, String, Number, Uint8Array].forEach(({ prototype }) => delete prototype.toJSON)",
        );
        assert_eq!(show(&arrived), r#"[[1] Map{} Set{} Date(1) 1n "s" 1 Uint8Array<1>]"#);
    }

    #[wasm_bindgen_test]
    fn a_bigint_whose_digits_the_page_writes_itself_is_refused() {
        for digits in ["'zz'", "''", "5", "undefined"] {
            js(&format!(
                "(() => {{ const own = BigInt.prototype; own.kept = own.toString; own.toString = () => {digits} }})()"
            ));
            let refused = encode(&js("[1n]"), LIMIT, Vec::new()).is_err();
            js(
                "(() => { BigInt.prototype.toString = BigInt.prototype.kept; delete BigInt.prototype.kept })()",
            );
            assert!(refused, "{digits}");
        }
    }

    #[wasm_bindgen_test]
    fn a_key_is_never_a_prototype_or_a_setter() {
        let sent = js(r#"JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3}')"#);
        let back = there_and_back(&sent);
        assert_eq!(Object::get_prototype_of(&back), Object::get_prototype_of(&Object::new()));
        assert_eq!(show(&back), "{__proto__: {polluted: 1}, constructor: 2, toString: 3}");
        assert_eq!(show(&js("({}).polluted")), "undefined");
        // The same key twice, which nobody writes: the last holds.
        assert_eq!(show(&decode(b"\x05\xa2\x61a\x01\x61a\x02").expect("an object")), "{a: 2}");
    }

    #[wasm_bindgen_test]
    fn what_changes_while_it_is_read_arrives_as_it_was_taken() {
        arrive(&[
            ("(o => o)({ get a () { delete this.b; this.c = 1; return 0 }, b: 1 })", "{a: 0}"),
            ("{ list: [{ get a () { this.later = 1; return 0 } }] }", "{list: [{a: 0}]}"),
            (
                "(m => m.set('a', { get x () { m.clear(); return 0 } }).set('b', 2))(new Map)",
                r#"Map{["a" {x: 0}] ["b" 2]}"#,
            ),
            ("(a => (a.push({ get x () { a.length = 0; return 0 } }, 1), a))([])", "[{x: 0} 1]"),
            ("new Proxy({ a: [1] }, {})", "{a: [1]}"),
            ("new Proxy([1, { b: 2 }], {})", "[1 {b: 2}]"),
            (
                "new Proxy({}, { ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: () => 3 })",
                "{a: 3}",
            ),
        ]);
    }

    #[wasm_bindgen_test]
    fn what_the_page_throws_meanwhile_is_what_send_throws() {
        let thrown = |source: &str| encode(&js(source), LIMIT, Vec::new()).expect_err(source);
        for source in [
            "{ get a () { throw 'mine' } }",
            "[[{ toJSON () { throw 'mine' } }]]",
            "{ get toJSON () { throw 'mine' } }",
            "{ get [Symbol.toStringTag] () { throw 'mine' } }",
            "new Proxy({}, { ownKeys () { throw 'mine' } })",
            "new Proxy([1], { get () { throw 'mine' } })",
            "{ get [Symbol.toStringTag] () { return 'Map' }, get [Symbol.iterator] () { throw 'mine' } }",
            "Object.assign(new Date, { valueOf () { throw 'mine' } })",
            "Object.defineProperty(new Error, 'message', { get () { throw 'mine' } })",
        ] {
            assert_eq!(thrown(source), "mine", "{source}");
        }
        for source in [
            "(({ proxy, revoke }) => (revoke(), proxy))(Proxy.revocable({}, {}))",
            "(buffer => (structuredClone(buffer, { transfer: [buffer] }), buffer))(new ArrayBuffer(8))",
            "(view => (structuredClone(view, { transfer: [view.buffer] }), [view]))(new DataView(new ArrayBuffer(8)))",
            // It is not what it says.
            "new Proxy(new Map([[1, 2]]), {})",
        ] {
            assert!(thrown(source).is_instance_of::<js_sys::TypeError>(), "{source}");
        }
    }

    #[wasm_bindgen_test]
    fn what_says_that_it_is_something_else_is_harmless() {
        arrive(&[
            ("[{ [Symbol.toStringTag]: 'Date' }].map(o => (o.valueOf = () => 5, o))", "[Date(5)]"),
            ("{ [Symbol.toStringTag]: 'Date' }", "Date(NaN)"),
            ("{ [Symbol.toStringTag]: 'Error', name: 1 }", "Error(: )"),
            ("{ [Symbol.toStringTag]: 'Map', *[Symbol.iterator] () { yield 1 } }", "Map{}"),
            ("{ a: { [Symbol.toStringTag]: 'Array' } }", "{a: []}"),
            ("{ a: { [Symbol.toStringTag]: 'ArrayBuffer' } }", "{a: Uint8Array<>}"),
        ]);
        for tag in ["Uint8Array", "Number", "BigInt", "Nothing"] {
            let (name, message) = refusal(&format!("{{ a: {{ [Symbol.toStringTag]: '{tag}' }} }}"), LIMIT);
            assert_eq!(name, "TypeError");
            assert!(message.starts_with(&format!("message.a: a {tag} cannot be sent; ")), "{message}");
        }
    }

    #[wasm_bindgen_test]
    fn what_cannot_be_sent_is_a_type_error_that_says_where_it_is() {
        let cases = [
            (
                "undefined",
                "message: undefined by itself cannot be sent; send null, or an object that holds it",
            ),
            ("() => {}", "message: a function cannot be sent; it has no meaning elsewhere"),
            (
                "{ on: { click () {} } }",
                "message.on.click: a function cannot be sent; it has no meaning elsewhere",
            ),
            ("[class A {}]", "message[0]: a function cannot be sent; it has no meaning elsewhere"),
            ("[[Symbol('s')]]", "message[0][0]: a symbol cannot be sent; it has no meaning elsewhere"),
            (
                "{ files: [1, 2, { data: new Blob }] }",
                "message.files[2].data: a Blob cannot be sent; await its arrayBuffer()",
            ),
            ("[new File([], 'f')]", "message[0]: a File cannot be sent; await its arrayBuffer()"),
            ("{ 'a b': Promise.resolve() }", r#"message["a b"]: a Promise cannot be sent; await it"#),
            (
                "{ 2: document.body }",
                r#"message["2"]: a HTMLBodyElement cannot be sent; send what it is made of, or give it a toJSON()"#,
            ),
            (
                "[new Number(1)]",
                "message[0]: a Number cannot be sent; send what it is made of, or give it a toJSON()",
            ),
            ("/x/", "message: a RegExp cannot be sent; send what it is made of, or give it a toJSON()"),
            (
                "new WeakMap",
                "message: a WeakMap cannot be sent; send what it is made of, or give it a toJSON()",
            ),
            (
                "new Map([[1, 2], [() => {}, 3]])",
                "message.keys()[1]: a function cannot be sent; it has no meaning elsewhere",
            ),
            (
                "new Map([[1, new Set([1, () => {}])]])",
                "message.values()[0].values()[1]: a function cannot be sent; it has no meaning elsewhere",
            ),
            (
                "{ toJSON () {} }",
                "message: undefined by itself cannot be sent; send null, or an object that holds it",
            ),
            ("(o => o.self = o)({})", "message.self: a cycle cannot be sent; it is message again"),
            (
                "(o => ({ a: [o.b = { c: new Map([[1, o]]) }, 0].reverse() }))({}).a.reverse().slice(0, 1)",
                "message[0].c.values()[0].b: a cycle cannot be sent; it is message[0] again",
            ),
            ("(a => (a.push(a), a))([])", "message[0]: a cycle cannot be sent; it is message again"),
            ("(s => s.add(s))(new Set)", "message.values()[0]: a cycle cannot be sent; it is message again"),
        ];
        for (source, message) in cases {
            assert_eq!(refusal(source, LIMIT), ("TypeError".into(), message.into()), "{source}");
        }
    }

    #[wasm_bindgen_test]
    fn what_is_too_deep_is_a_range_error_and_what_is_not_arrives() {
        let nested = |depth: usize| {
            format!("(v => {{ for (let i = 1; i < {depth}; i++) v = i % 2 ? [v] : {{ v }}; return v }})([])")
        };
        let depth_of = "(function (v) { let depth = 0; for (; v; depth++) v = v[0] ?? v.v; return depth })";
        let back = there_and_back(&js(&nested(MAX_DEPTH)));
        let depth = js(depth_of).unchecked_into::<Function>().call1(&JsValue::UNDEFINED, &back);
        assert_eq!(depth.expect("it returns"), MAX_DEPTH as f64);
        // What a page makes of it does not overflow either.
        assert!(JSON::stringify(&back).is_ok());

        let (name, message) = refusal(&nested(MAX_DEPTH + 1), LIMIT);
        assert_eq!(name, "RangeError");
        assert!(message.ends_with(": nothing is sent that is nested more than 5000 deep"), "{message}");
        assert!(message.starts_with("message.v[0].v[0].v[0].v[0].v[0] … .v[0].v"), "{message}");
        // `toJSON` without an end.
        assert_eq!(refusal("(function f () { return { toJSON: () => [f()] } })()", LIMIT).0, "RangeError");
    }

    #[wasm_bindgen_test]
    fn what_is_too_large_is_given_up_in_time() {
        let shared = "(v => { for (let i = 0; i < 60; i++) v = [v, v]; return v })([])";
        for source in [
            shared,
            "(a => (a.length = 2 ** 32 - 1, a))([])",
            "{ a: new Uint8Array(1001) }",
            "{ a: 'x'.repeat(1001) }",
        ] {
            let (name, message) = refusal(source, 1000);
            assert_eq!(name, "RangeError");
            assert!(
                message.starts_with("the message is more than 1000 bytes, which is maxMessageSize"),
                "{message}"
            );
        }
        // Four bytes are around it.
        let size = |length: usize| {
            encode(&js(&format!("[new ArrayBuffer({length})]")), 1000, Vec::new()).map(|all| all.len())
        };
        assert_eq!((size(996), size(997).is_err()), (Ok(1001), true));
    }

    #[wasm_bindgen_test]
    fn nonsense_of_a_remote_is_nothing() {
        for payload in [
            &[][..],
            &[0],
            &[TEXT, 0xff],
            &[3, 0, 0, 0, 0, 0, 0, 0, 0],
            &[4, b'{', b'}'],
            &[STRUCTURE],
            &[STRUCTURE, 0x81],
            &[STRUCTURE, 0x80, 0x80],
            &[STRUCTURE, 0xa1, 0x01, 0x01],
            &[9, 9],
        ] {
            assert_eq!(decode(payload), None, "{payload:?}");
        }
    }

    #[wasm_bindgen_test]
    fn keys_that_are_there_again_and_again_stay_apart() {
        let records = js(
            "Array.from({ length: 40 }, (_, i) => Object.fromEntries([...Array(50 + i).keys()].map(j => ['k' + j * i, j])))",
        );
        let back = there_and_back(&records);
        assert_eq!(JSON::stringify(&back).expect("JSON"), JSON::stringify(&records).expect("JSON"));
        arrive(&[("[{ '': 1, a: 2 }, { a: 3, '': 4 }]", "[{: 1, a: 2} {a: 3, : 4}]")]);
    }

    #[wasm_bindgen_test]
    fn an_error_is_of_no_class_that_its_name_says() {
        let payload = |name: &str| {
            [&[STRUCTURE, 0xda, 0x45, 0x50, 0, 0, 0x82, 0x60 + name.len() as u8], name.as_bytes(), b"\x61m"]
                .concat()
        };
        let back = decode(&payload("Function")).expect("an error");
        assert_eq!(show(&back), "Error(Function: m)");
        assert_eq!(show(&decode(&payload("Error")).expect("an error")), "Error(Error: m)");
    }
}
