//! Structures in a payload: CBOR (RFC 8949), item by item.
//!
//! Nobody builds a tree here. Whoever sends walks a value of their own and hands its items to a [`Writer`], in the order
//! of the bytes; whoever receives takes [`Item`]s from a [`Reader`] and builds a value of theirs. Neither recurses, so no
//! depth overflows a stack; there is a limit all the same, [`MAX_DEPTH`], for those who go through the value later.
//!
//! ```text
//! { at: new Date(5), in: new Set([1n]) }
//! Open(Object, 2)  Text("at")  Date(5.0)  Text("in")  Open(Set, 1)  BigInt(1)  Close(Set)  Close(Object)
//! ```
//!
//! The reader takes what the writer writes, and little more: lengths are given, and numbers are integers or 64 bits of
//! floating point. What is not so is [`Malformed`]. docs/wire.md has the tags.

use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder, decode, encode};

/// How deep structures may be within each other: as deep as `JSON.stringify` goes, with the stack of a browser's page.
pub const MAX_DEPTH: usize = 5000;

/// What is raw bytes, by the names of their classes, and their tags: RFC 8746, in the byte order of every machine that
/// has a browser. An `ArrayBuffer` is a byte string without any.
const CLASSES: [(&str, u64); 13] = [
    ("Uint8Array", 64),
    ("Uint8ClampedArray", 68),
    ("Uint16Array", 69),
    ("Uint32Array", 70),
    ("BigUint64Array", 71),
    ("Int8Array", 72),
    ("Int16Array", 77),
    ("Int32Array", 78),
    ("BigInt64Array", 79),
    ("Float16Array", 84),
    ("Float32Array", 85),
    ("Float64Array", 86),
    ("DataView", DATA_VIEW),
];
/// The class of bytes without a tag.
pub const BUFFER: &str = "ArrayBuffer";

/// Seconds since 1970; not a number for a date that is none.
const DATE: u64 = 1;
const BIG: u64 = 2;
/// -1 minus the number.
const BIG_NEGATIVE: u64 = 3;
const SET: u64 = 258;
/// A map whose keys may be anything; without the tag it is an object.
const MAP: u64 = 259;
/// Text that is not Unicode, for surrogates in it have no other half.
const WTF8: u64 = 273;
/// An array of an error's name and message. Not registered: "EP", and a number.
const ERROR: u64 = 0x4550_0000;
/// Not registered either: the bytes of a `DataView`.
const DATA_VIEW: u64 = 0x4550_0001;

/// Integers that are written as such: those that a 64-bit floating point number tells apart.
const MAX_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The last millisecond that is a date, in the year 275760; the first is as far away.
const LAST_DATE: f64 = 8.64e15;

/// What holds items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Values.
    Array,
    /// Values, none of them twice.
    Set,
    /// Texts and values in turn.
    Object,
    /// Values that are keys, and values, in turn.
    Map,
    /// Two texts: its name and its message.
    Error,
}

impl Shape {
    /// Items for each of what the length counts.
    pub fn arity(self) -> u64 {
        match self {
            Self::Array | Self::Set | Self::Error => 1,
            Self::Object | Self::Map => 2,
        }
    }
}

/// A value, or the beginning or the end of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'a> {
    /// `undefined`.
    Undefined,
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number: infinities, -0 and what is not a number, too.
    Number(f64),
    /// An integer of any size, in big-endian bytes.
    BigInt {
        /// Then it is -1 minus the magnitude.
        negative: bool,
        /// Its bytes.
        magnitude: &'a [u8],
    },
    /// Text.
    Text(&'a str),
    /// Text as UTF-16, where it cannot be otherwise.
    Units(Vec<u16>),
    /// A point in time: milliseconds since 1970.
    Date(f64),
    /// Bytes, and the class of the object that they are in.
    Bytes(&'static str, &'a [u8]),
    /// So many things follow, of an object or a map each with its key; then the end.
    Open(Shape, u64),
    /// The end of what was opened last.
    Close(Shape),
}

/// Writes items, one after another. Whether they make sense is up to the caller.
#[derive(Debug)]
pub struct Writer(Encoder<Payload>);

#[derive(Debug)]
struct Payload(Vec<u8>);

impl encode::Write for Payload {
    type Error = std::convert::Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

impl Writer {
    /// Writes behind what is there already.
    pub fn new(begun: Vec<u8>) -> Self {
        Self(Encoder::new(Payload(begun)))
    }

    /// Writes an item.
    pub fn item(&mut self, item: &Item<'_>) {
        if let Item::Bytes(class, bytes) = item {
            self.bytes(class, bytes.len()).copy_from_slice(bytes);
        } else {
            put(&mut self.0, item).expect("memory takes what comes");
        }
    }

    /// Writes bytes that are yet to be put in their place. The class is one of those that [`class`] knows.
    pub fn bytes(&mut self, class: &str, length: usize) -> &mut [u8] {
        if let Some((_, tag)) = CLASSES.iter().find(|(name, _)| *name == class) {
            self.0.tag(Tag::new(*tag)).expect("memory takes what comes");
        }
        self.0.bytes_len(length as u64).expect("memory takes what comes");
        let all = &mut self.0.writer_mut().0;
        let begin = all.len();
        all.resize(begin + length, 0);
        &mut all[begin..]
    }

    /// How many bytes there are by now.
    pub fn size(&self) -> usize {
        self.0.writer().0.len()
    }

    /// All that was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_writer().0
    }
}

/// The class of this name, if it is one of bytes.
pub fn class(name: &str) -> Option<&'static str> {
    let mut names = CLASSES.iter().map(|(known, _)| *known).chain([BUFFER]);
    names.find(|known| *known == name)
}

fn put(to: &mut Encoder<Payload>, item: &Item<'_>) -> Result<(), encode::Error<std::convert::Infallible>> {
    let tag = Tag::new;
    match item {
        Item::Undefined => to.undefined()?,
        Item::Null => to.null()?,
        Item::Bool(truth) => to.bool(*truth)?,
        Item::Number(number) => put_number(to, *number)?,
        Item::BigInt { negative, magnitude } => {
            to.tag(tag(if *negative { BIG_NEGATIVE } else { BIG }))?.bytes(magnitude)?
        }
        Item::Text(text) => to.str(text)?,
        Item::Units(units) => to.tag(tag(WTF8))?.bytes(&to_wtf8(units))?,
        Item::Date(milliseconds) => put_number(to.tag(tag(DATE))?, milliseconds / 1000.0)?,
        Item::Bytes(..) => unreachable!("`Writer::item` writes bytes itself"),
        Item::Open(Shape::Array, length) => to.array(*length)?,
        Item::Open(Shape::Set, length) => to.tag(tag(SET))?.array(*length)?,
        Item::Open(Shape::Error, length) => to.tag(tag(ERROR))?.array(*length)?,
        Item::Open(Shape::Object, length) => to.map(*length)?,
        Item::Open(Shape::Map, length) => to.tag(tag(MAP))?.map(*length)?,
        Item::Close(_) => to,
    };
    Ok(())
}

fn put_number(
    to: &mut Encoder<Payload>,
    number: f64,
) -> Result<&mut Encoder<Payload>, encode::Error<std::convert::Infallible>> {
    let integer = number as i64;
    let is_integer = integer as f64 == number
        && number.abs() <= MAX_INTEGER
        && (integer != 0 || number.is_sign_positive());
    if is_integer { to.i64(integer) } else { to.f64(number) }
}

/// What a remote sent is not what anybody writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl From<decode::Error> for Malformed {
    fn from(_: decode::Error) -> Self {
        Self
    }
}

/// The items of one value, whatever the bytes. What it has yielded before it is [`Malformed`] is void.
///
/// Each item took one byte at least, and each end its beginning: there are no more than two for each byte.
#[derive(Debug)]
pub struct Reader<'a> {
    from: Decoder<'a>,
    /// What is open, the innermost last, and how many items it still wants.
    open: Vec<(Shape, u64)>,
    begun: bool,
}

impl<'a> Reader<'a> {
    /// Reads all of the bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { from: Decoder::new(bytes), open: Vec::new(), begun: false }
    }

    fn rest(&self) -> u64 {
        (self.from.input().len() - self.from.position()) as u64
    }

    fn item(&mut self) -> Result<Item<'a>, Malformed> {
        let wants_text = match self.open.last_mut() {
            Some((shape, 0)) => {
                let shape = *shape;
                self.open.pop();
                return Ok(Item::Close(shape));
            }
            Some((shape, left)) => {
                *left -= 1;
                *shape == Shape::Error || (*shape == Shape::Object && *left % 2 == 1)
            }
            None => false,
        };
        let item = self.value()?;
        if wants_text && !matches!(item, Item::Text(_) | Item::Units(_)) {
            return Err(Malformed);
        }
        if let Item::Open(shape, length) = item {
            let items = length.checked_mul(shape.arity()).filter(|items| *items <= self.rest());
            if self.open.len() == MAX_DEPTH || (shape == Shape::Error && length != 2) {
                return Err(Malformed);
            }
            self.open.push((shape, items.ok_or(Malformed)?));
        }
        Ok(item)
    }

    fn value(&mut self) -> Result<Item<'a>, Malformed> {
        let from = &mut self.from;
        Ok(match from.datatype()? {
            Type::Undefined => from.undefined().map(|()| Item::Undefined)?,
            Type::Null => from.null().map(|()| Item::Null)?,
            Type::Bool => Item::Bool(from.bool()?),
            Type::String => Item::Text(from.str()?),
            Type::Bytes => Item::Bytes(BUFFER, from.bytes()?),
            Type::Array => self.open_array(Shape::Array)?,
            Type::Map => self.open_map(Shape::Object)?,
            Type::Tag => {
                let tag = from.tag()?.as_u64();
                self.tagged(tag)?
            }
            _ => Item::Number(self.number()?),
        })
    }

    fn tagged(&mut self, tag: u64) -> Result<Item<'a>, Malformed> {
        match tag {
            DATE => self.number().map(|seconds| Item::Date(milliseconds(seconds))),
            BIG | BIG_NEGATIVE => {
                Ok(Item::BigInt { negative: tag == BIG_NEGATIVE, magnitude: self.from.bytes()? })
            }
            SET => self.open_array(Shape::Set),
            MAP => self.open_map(Shape::Map),
            ERROR => self.open_array(Shape::Error),
            WTF8 => from_wtf8(self.from.bytes()?).map(Item::Units),
            _ => {
                let (class, _) = CLASSES.iter().find(|(_, known)| *known == tag).ok_or(Malformed)?;
                Ok(Item::Bytes(class, self.from.bytes()?))
            }
        }
    }

    fn number(&mut self) -> Result<f64, Malformed> {
        Ok(match self.from.datatype()? {
            Type::F64 => self.from.f64()?,
            _ => i64::try_from(self.from.int()?).map_err(|_| Malformed)? as f64,
        })
    }

    fn open_array(&mut self, shape: Shape) -> Result<Item<'a>, Malformed> {
        self.from.array()?.map(|length| Item::Open(shape, length)).ok_or(Malformed)
    }

    fn open_map(&mut self, shape: Shape) -> Result<Item<'a>, Malformed> {
        self.from.map()?.map(|length| Item::Open(shape, length)).ok_or(Malformed)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Item<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.begun && self.open.is_empty() {
            return (self.rest() > 0).then_some(Err(Malformed));
        }
        self.begun = true;
        Some(self.item())
    }
}

/// Exact for every date that there is, which a product of seconds and 1000 is not.
fn milliseconds(seconds: f64) -> f64 {
    let whole = seconds.trunc();
    let milliseconds = whole * 1000.0 + ((seconds - whole) * 1000.0 + 0.5).floor();
    if milliseconds.abs() <= LAST_DATE { milliseconds } else { f64::NAN }
}

fn to_wtf8(units: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for char in char::decode_utf16(units.iter().copied()) {
        match char {
            Ok(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(lone) => {
                let [high, low] = lone.unpaired_surrogate().to_be_bytes();
                bytes.extend([0xed, 0x80 | (high & 0x0f) << 2 | low >> 6, 0x80 | low & 0x3f]);
            }
        }
    }
    bytes
}

fn from_wtf8(mut bytes: &[u8]) -> Result<Vec<u16>, Malformed> {
    let mut units = Vec::new();
    loop {
        let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        let (text, rest) = bytes.split_at(valid);
        units.extend(std::str::from_utf8(text).map_err(|_| Malformed)?.encode_utf16());
        match rest {
            [] => return Ok(units),
            [0xed, high @ 0xa0..=0xbf, low @ 0x80..=0xbf, rest @ ..] => {
                units.push(0xd000 | u16::from(high & 0x3f) << 6 | u16::from(low & 0x3f));
                bytes = rest;
            }
            _ => return Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::hex;

    fn written(items: &[Item<'_>]) -> Vec<u8> {
        let mut writer = Writer::new(Vec::new());
        items.iter().for_each(|item| writer.item(item));
        writer.into_bytes()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Item<'_>>, Malformed> {
        Reader::new(bytes).collect()
    }

    /// As others write these, too: the samples of docs/wire.md.
    #[test]
    fn items_are_the_cbor_that_the_registered_tags_say() {
        use Item::*;
        let samples: [(&[Item<'_>], &str); 24] = [
            (&[Undefined], "f7"),
            (&[Null], "f6"),
            (&[Bool(true)], "f5"),
            (&[Number(0.0)], "00"),
            (&[Number(-0.0)], "fb8000000000000000"),
            (&[Number(-25.0)], "3818"),
            (&[Number(9_007_199_254_740_991.0)], "1b001fffffffffffff"),
            (&[Number(9_007_199_254_740_992.0)], "fb4340000000000000"),
            (&[Number(1.5)], "fb3ff8000000000000"),
            (&[Number(f64::INFINITY)], "fb7ff0000000000000"),
            (&[BigInt { negative: false, magnitude: &[1, 0] }], "c2420100"),
            (&[BigInt { negative: true, magnitude: &[] }], "c340"),
            (&[Text("é")], "62c3a9"),
            (&[Units(vec![0x61, 0xd800])], "d901114461eda080"),
            (&[Date(1_500.0)], "c1fb3ff8000000000000"),
            (&[Date(-2_000.0)], "c121"),
            (&[Bytes(BUFFER, &[7])], "4107"),
            (&[Bytes("Uint8Array", &[7])], "d8404107"),
            (&[Bytes("Int16Array", &[7, 0])], "d84d420700"),
            (&[Bytes("DataView", &[7])], "da455000014107"),
            (&[Open(Shape::Array, 1), Null, Close(Shape::Array)], "81f6"),
            (&[Open(Shape::Set, 0), Close(Shape::Set)], "d9010280"),
            (&[Open(Shape::Map, 1), Null, Null, Close(Shape::Map)], "d90103a1f6f6"),
            (&[Open(Shape::Error, 2), Text("E"), Text(""), Close(Shape::Error)], "da4550000082614560"),
        ];
        for (items, digits) in samples {
            let bytes = written(items);
            assert_eq!(hex::text(&bytes), digits, "{items:?}");
            assert_eq!(read(&bytes), Ok(items.to_vec()));
        }
    }

    #[test]
    fn what_nobody_writes_is_malformed() {
        for digits in [
            "",     // nothing
            "f6f6", // and more
            "81",
            "8201",
            "a101",
            "a20101", // ends too soon
            "9bffffffffffffffff",
            "bb8000000000000000",
            "5bffffffffffffffff",
            "7b00000000ffffffff", // endless
            "9fff",
            "bfff",
            "5fff",
            "7fff",
            "ff", // of no length
            "a10101",
            "a1f6f6", // a key of an object that is no text
            "d90102a0",
            "d9010380",
            "c280",
            "c16161",
            "c1c100", // tags of something else
            "c4820102",
            "d9d9f7f6",
            "da4550000241ff", // tags of nothing
            "da45500000816161",
            "da4550000082616101", // an error of one text, of a number
            "61ff",
            "d9011141ff",
            "d9011142eda0",
            "d9011143edc080", // not text
            "f90000",
            "fa00000000",
            "e0",
            "f8ff", // other numbers, and what is simple
            "1bffffffffffffffff",
        ] {
            let bytes = hex::read(digits).expect(digits);
            assert_eq!(read(&bytes), Err(Malformed), "{digits}");
        }
    }

    #[test]
    fn depth_has_a_limit_and_takes_no_stack() {
        let nested = |depth: usize| [vec![0x81; depth - 1], vec![0x80]].concat();
        assert_eq!(read(&nested(MAX_DEPTH)).map(|items| items.len()), Ok(2 * MAX_DEPTH));
        assert_eq!(read(&nested(MAX_DEPTH + 1)), Err(Malformed));
        assert_eq!(read(&nested(1 << 24)), Err(Malformed));
        assert_eq!(read(&[0xc2; 1 << 20]), Err(Malformed));
    }

    #[test]
    fn every_class_of_bytes_is_known_by_its_name() {
        for (name, _) in CLASSES {
            assert_eq!(class(name), Some(name));
        }
        assert_eq!((class(BUFFER), class("Blob")), (Some(BUFFER), None));
    }

    /// A value, as items that own what they hold.
    #[derive(Debug, Clone)]
    enum Value {
        Plain(Item<'static>),
        Text(String),
        Big(bool, Vec<u8>),
        Bytes(&'static str, Vec<u8>),
        Holds(Shape, Vec<Value>),
        Object(Vec<(String, Value)>),
    }

    impl Value {
        fn items<'a>(&'a self, to: &mut Vec<Item<'a>>) {
            match self {
                Self::Plain(item) => to.push(item.clone()),
                Self::Text(text) => to.push(Item::Text(text)),
                Self::Big(negative, magnitude) => to.push(Item::BigInt { negative: *negative, magnitude }),
                Self::Bytes(class, bytes) => to.push(Item::Bytes(class, bytes)),
                Self::Holds(shape, values) => {
                    to.push(Item::Open(*shape, values.len() as u64 / shape.arity()));
                    values.iter().for_each(|value| value.items(to));
                    to.push(Item::Close(*shape));
                }
                Self::Object(fields) => {
                    to.push(Item::Open(Shape::Object, fields.len() as u64));
                    for (key, value) in fields {
                        to.push(Item::Text(key));
                        value.items(to);
                    }
                    to.push(Item::Close(Shape::Object));
                }
            }
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let numbers = prop_oneof![any::<f64>(), any::<i64>().prop_map(|integer| integer as f64)];
        let plain = prop_oneof![
            Just(Item::Undefined),
            Just(Item::Null),
            any::<bool>().prop_map(Item::Bool),
            numbers.prop_map(Item::Number),
            (-8_640_000_000_000_000..=8_640_000_000_000_000_i64).prop_map(|date| Item::Date(date as f64)),
            prop::collection::vec(any::<u16>(), 0..8).prop_map(Item::Units),
        ];
        let bytes = || prop::collection::vec(any::<u8>(), 0..300);
        let leaf = prop_oneof![
            plain.prop_map(Value::Plain),
            ".{0,40}".prop_map(Value::Text),
            (any::<bool>(), bytes()).prop_map(|(negative, magnitude)| Value::Big(negative, magnitude)),
            (prop::sample::select(&CLASSES[..]), bytes())
                .prop_map(|((class, _), bytes)| Value::Bytes(class, bytes)),
            bytes().prop_map(|bytes| Value::Bytes(BUFFER, bytes)),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            let several = || prop::collection::vec(inner.clone(), 0..8);
            prop_oneof![
                several().prop_map(|values| Value::Holds(Shape::Array, values)),
                several().prop_map(|values| Value::Holds(Shape::Set, values)),
                prop::collection::vec((inner.clone(), inner.clone()), 0..4).prop_map(|pairs| Value::Holds(
                    Shape::Map,
                    pairs.into_iter().flat_map(|(k, v)| [k, v]).collect()
                )),
                prop::collection::vec((".{0,10}", inner.clone()), 0..8).prop_map(Value::Object),
                ("[A-Z][a-z]*", ".{0,9}").prop_map(|(name, text)| Value::Holds(
                    Shape::Error,
                    vec![Value::Text(name), Value::Text(text)]
                )),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in value()) {
            let mut items = Vec::new();
            value.items(&mut items);
            let bytes = written(&items);
            // As text, for what is not a number equals nothing.
            prop_assert_eq!(format!("{:?}", read(&bytes)), format!("{:?}", Ok::<_, Malformed>(items)));
            for end in 0..bytes.len() {
                prop_assert_eq!(read(&bytes[..end]), Err(Malformed));
            }
        }

        #[test]
        fn every_date_is_exact(date in -8_640_000_000_000_000..=8_640_000_000_000_000_i64) {
            let bytes = written(&[Item::Date(date as f64)]);
            prop_assert_eq!(read(&bytes), Ok(vec![Item::Date(date as f64)]));
        }
    }
}
