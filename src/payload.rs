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

const TAG_BIG: u64 = 2;
/// -1 minus the number.
const TAG_BIG_NEGATIVE: u64 = 3;
const TAG_SET: u64 = 258;
/// A map whose keys may be anything; without the tag it is an object.
const TAG_MAP: u64 = 259;
// Not registered: "EP", and a number.
/// An array of an error's name and message.
const TAG_ERROR: u64 = 0x4550_0000;
/// Milliseconds since 1970.
const TAG_DATE: u64 = 0x4550_0001;
/// Text that is not Unicode, for surrogates in it have no other half: UTF-16, little-endian.
const TAG_UNITS: u64 = 0x4550_0002;

/// Integers that are written as such: those that a 64-bit floating point number tells apart.
const MAX_INTEGER: f64 = 9_007_199_254_740_991.0;

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
    pub fn arity(self) -> u32 {
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
    /// Bytes.
    Bytes(&'a [u8]),
    /// So many things follow, of an object or a map each with its key; then the end.
    Open(Shape, u64),
    /// The end of what was opened last.
    Close(Shape),
}

/// Writes items, one after another. Whether they make sense is up to the caller.
#[derive(Debug)]
pub struct Writer(Encoder<Vec<u8>>);

/// Memory takes what comes.
type Written = Result<(), encode::Error<std::convert::Infallible>>;

impl Writer {
    /// Writes behind what is there already.
    pub fn new(begun: Vec<u8>) -> Self {
        Self(Encoder::new(begun))
    }

    /// Writes an item.
    pub fn item(&mut self, item: &Item<'_>) {
        put(&mut self.0, item).expect("memory takes what comes");
    }

    /// Writes that so many bytes come, which are yet to be put behind that.
    pub fn bytes(&mut self, length: usize) -> &mut Vec<u8> {
        self.0.bytes_len(length as u64).expect("memory takes what comes");
        self.0.writer_mut()
    }

    /// How many bytes there are by now.
    pub fn size(&self) -> usize {
        self.0.writer().len()
    }

    /// All that was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.into_writer()
    }
}

fn put(to: &mut Encoder<Vec<u8>>, item: &Item<'_>) -> Written {
    match item {
        Item::Undefined => to.undefined()?,
        Item::Null => to.null()?,
        Item::Bool(truth) => to.bool(*truth)?,
        Item::Number(number) => return put_number(to, *number),
        Item::BigInt { negative, magnitude } => {
            to.tag(Tag::new(if *negative { TAG_BIG_NEGATIVE } else { TAG_BIG }))?.bytes(magnitude)?
        }
        Item::Text(text) => to.str(text)?,
        Item::Units(units) => {
            let units: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            to.tag(Tag::new(TAG_UNITS))?.bytes(&units)?
        }
        Item::Date(milliseconds) => return put_number(to.tag(Tag::new(TAG_DATE))?, *milliseconds),
        Item::Bytes(bytes) => to.bytes(bytes)?,
        Item::Open(Shape::Array, length) => to.array(*length)?,
        Item::Open(Shape::Set, length) => to.tag(Tag::new(TAG_SET))?.array(*length)?,
        Item::Open(Shape::Error, length) => to.tag(Tag::new(TAG_ERROR))?.array(*length)?,
        Item::Open(Shape::Object, length) => to.map(*length)?,
        Item::Open(Shape::Map, length) => to.tag(Tag::new(TAG_MAP))?.map(*length)?,
        Item::Close(_) => to,
    };
    Ok(())
}

fn put_number(to: &mut Encoder<Vec<u8>>, number: f64) -> Written {
    let integer = number as i64;
    let is_integer = integer as f64 == number
        && number.abs() <= MAX_INTEGER
        && (integer != 0 || number.is_sign_positive());
    if is_integer {
        to.i64(integer)?
    } else {
        to.f64(number)?
    };
    Ok(())
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

    /// How many bytes are left.
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
            let items = length.checked_mul(shape.arity().into());
            let items = items.filter(|items| *items <= self.rest()).ok_or(Malformed)?;
            if self.open.len() == MAX_DEPTH || (shape == Shape::Error && length != 2) {
                return Err(Malformed);
            }
            self.open.push((shape, items));
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
            Type::Bytes => Item::Bytes(from.bytes()?),
            Type::Array => self.open_array(Shape::Array)?,
            Type::Map => self.open_map(Shape::Object)?,
            Type::Tag => self.tagged()?,
            _ => Item::Number(self.number()?),
        })
    }

    fn tagged(&mut self) -> Result<Item<'a>, Malformed> {
        match self.from.tag()?.as_u64() {
            TAG_BIG => Ok(Item::BigInt { negative: false, magnitude: self.from.bytes()? }),
            TAG_BIG_NEGATIVE => Ok(Item::BigInt { negative: true, magnitude: self.from.bytes()? }),
            TAG_SET => self.open_array(Shape::Set),
            TAG_MAP => self.open_map(Shape::Map),
            TAG_ERROR => self.open_array(Shape::Error),
            TAG_DATE => self.number().map(Item::Date),
            TAG_UNITS => {
                let (units, []) = self.from.bytes()?.as_chunks() else { return Err(Malformed) };
                Ok(Item::Units(units.iter().map(|unit| u16::from_le_bytes(*unit)).collect()))
            }
            _ => Err(Malformed),
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
        let samples: [(&[Item<'_>], &str); 21] = [
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
            (&[Units(vec![0x61, 0xd800])], "da4550000244610000d8"),
            (&[Date(1_500.0)], "da455000011905dc"),
            (&[Date(-2_000.0)], "da455000013907cf"),
            (&[Bytes(&[7])], "4107"),
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
            "da45500001da4550000100",
            "da455000014100", // tags of something else
            "c4820102",
            "c100",
            "d8404107",
            "d9d9f7f6",
            "da4550000241ff", // tags of nothing
            "da45500000816161",
            "da4550000082616101", // an error of one text, of a number
            "61ff",
            "da455000024161", // not text
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

    /// A value, as items that own what they hold.
    #[derive(Debug, Clone)]
    enum Value {
        Plain(Item<'static>),
        Text(String),
        Big(bool, Vec<u8>),
        Bytes(Vec<u8>),
        Holds(Shape, Vec<Value>),
        Object(Vec<(String, Value)>),
    }

    impl Value {
        fn items<'a>(&'a self, to: &mut Vec<Item<'a>>) {
            match self {
                Self::Plain(item) => to.push(item.clone()),
                Self::Text(text) => to.push(Item::Text(text)),
                Self::Big(negative, magnitude) => to.push(Item::BigInt { negative: *negative, magnitude }),
                Self::Bytes(bytes) => to.push(Item::Bytes(bytes)),
                Self::Holds(shape, values) => {
                    to.push(Item::Open(*shape, values.len() as u64 / u64::from(shape.arity())));
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
            any::<f64>().prop_map(Item::Date),
            prop::collection::vec(any::<u16>(), 0..8).prop_map(Item::Units),
        ];
        let bytes = || prop::collection::vec(any::<u8>(), 0..300);
        let leaf = prop_oneof![
            plain.prop_map(Value::Plain),
            ".{0,40}".prop_map(Value::Text),
            (any::<bool>(), bytes()).prop_map(|(negative, magnitude)| Value::Big(negative, magnitude)),
            bytes().prop_map(Value::Bytes),
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
    }
}
