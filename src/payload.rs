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

/// How deep structures may be within each other: as deep as `JSON.stringify` goes, with the stack of a browser's page.
pub const MAX_DEPTH: usize = 5000;

// What the upper three bits of an item's first byte say.
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;

// What all of it says, where that is all there is, or 64 bits of floating point follow.
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const UNDEFINED: u8 = 0xf7;
const FLOAT: u8 = 0xfb;

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
pub struct Writer(Vec<u8>);

impl Writer {
    /// Writes behind what is there already.
    pub fn new(begun: Vec<u8>) -> Self {
        Self(begun)
    }

    /// Writes an item.
    pub fn item(&mut self, item: &Item<'_>) {
        match item {
            Item::Undefined => self.0.push(UNDEFINED),
            Item::Null => self.0.push(NULL),
            Item::Bool(truth) => self.0.push(if *truth { TRUE } else { FALSE }),
            Item::Number(number) => self.number(*number),
            Item::BigInt { negative, magnitude } => {
                self.head(TAG, if *negative { TAG_BIG_NEGATIVE } else { TAG_BIG });
                self.string(BYTES, magnitude);
            }
            Item::Text(text) => self.string(TEXT, text.as_bytes()),
            Item::Units(units) => {
                self.head(TAG, TAG_UNITS);
                self.string(BYTES, &units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>());
            }
            Item::Date(milliseconds) => {
                self.head(TAG, TAG_DATE);
                self.number(*milliseconds);
            }
            Item::Bytes(bytes) => self.string(BYTES, bytes),
            Item::Open(shape, length) => self.open(*shape, *length),
            Item::Close(_) => {}
        }
    }

    /// Writes bytes that are yet to be put in their place.
    pub fn bytes(&mut self, length: usize) -> &mut [u8] {
        self.head(BYTES, length as u64);
        let begin = self.0.len();
        self.0.resize(begin + length, 0);
        &mut self.0[begin..]
    }

    /// How many bytes there are by now.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// All that was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The kind of an item and a number, in as few bytes as can be.
    fn head(&mut self, kind: u8, number: u64) {
        let (low, size) = match number {
            0..24 => (number as u8, 0),
            24..0x100 => (24, 1),
            0x100..0x1_0000 => (25, 2),
            0x1_0000..0x1_0000_0000 => (26, 4),
            _ => (27, 8),
        };
        self.0.push(kind << 5 | low);
        self.0.extend_from_slice(&number.to_be_bytes()[8 - size..]);
    }

    fn string(&mut self, kind: u8, bytes: &[u8]) {
        self.head(kind, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, number: f64) {
        let integer = number as i64;
        if integer as f64 != number
            || number.abs() > MAX_INTEGER
            || (integer == 0 && number.is_sign_negative())
        {
            self.0.push(FLOAT);
            self.0.extend_from_slice(&number.to_be_bytes());
        } else if integer < 0 {
            self.head(NEGATIVE, !integer as u64);
        } else {
            self.head(UNSIGNED, integer as u64);
        }
    }

    fn open(&mut self, shape: Shape, length: u64) {
        let (tag, kind) = match shape {
            Shape::Array => (None, ARRAY),
            Shape::Object => (None, MAP),
            Shape::Set => (Some(TAG_SET), ARRAY),
            Shape::Map => (Some(TAG_MAP), MAP),
            Shape::Error => (Some(TAG_ERROR), ARRAY),
        };
        if let Some(tag) = tag {
            self.head(TAG, tag);
        }
        self.head(kind, length);
    }
}

/// What a remote sent is not what anybody writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The items of one value, whatever the bytes. What it has yielded before it is [`Malformed`] is void.
///
/// Each item took one byte at least, and each end its beginning: there are no more than two for each byte.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// What is open, the innermost last, and how many items it still wants.
    open: Vec<(Shape, u64)>,
    begun: bool,
}

impl<'a> Reader<'a> {
    /// Reads all of the bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, open: Vec::new(), begun: false }
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
            let items = items.filter(|items| *items <= self.rest.len() as u64).ok_or(Malformed)?;
            if self.open.len() == MAX_DEPTH || (shape == Shape::Error && length != 2) {
                return Err(Malformed);
            }
            self.open.push((shape, items));
        }
        Ok(item)
    }

    fn value(&mut self) -> Result<Item<'a>, Malformed> {
        let (first, number) = self.head()?;
        match (first, first >> 5) {
            (FALSE, _) => Ok(Item::Bool(false)),
            (TRUE, _) => Ok(Item::Bool(true)),
            (NULL, _) => Ok(Item::Null),
            (UNDEFINED, _) => Ok(Item::Undefined),
            (_, BYTES) => self.take(number).map(Item::Bytes),
            (_, TEXT) => std::str::from_utf8(self.take(number)?).map(Item::Text).map_err(|_| Malformed),
            (_, ARRAY) => Ok(Item::Open(Shape::Array, number)),
            (_, MAP) => Ok(Item::Open(Shape::Object, number)),
            (_, TAG) => self.tagged(number),
            _ => as_number(first, number).map(Item::Number),
        }
    }

    fn tagged(&mut self, tag: u64) -> Result<Item<'a>, Malformed> {
        let (first, number) = self.head()?;
        match (tag, first >> 5) {
            (TAG_BIG | TAG_BIG_NEGATIVE, BYTES) => {
                Ok(Item::BigInt { negative: tag == TAG_BIG_NEGATIVE, magnitude: self.take(number)? })
            }
            (TAG_SET, ARRAY) => Ok(Item::Open(Shape::Set, number)),
            (TAG_MAP, MAP) => Ok(Item::Open(Shape::Map, number)),
            (TAG_ERROR, ARRAY) => Ok(Item::Open(Shape::Error, number)),
            (TAG_DATE, _) => as_number(first, number).map(Item::Date),
            (TAG_UNITS, BYTES) => {
                let (units, []) = self.take(number)?.as_chunks() else { return Err(Malformed) };
                Ok(Item::Units(units.iter().map(|unit| u16::from_le_bytes(*unit)).collect()))
            }
            _ => Err(Malformed),
        }
    }

    /// The first byte of an item, and the number in it or behind it.
    fn head(&mut self) -> Result<(u8, u64), Malformed> {
        let first = self.take(1)?[0];
        let size = match first & 31 {
            low @ 0..24 => return Ok((first, low.into())),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return Err(Malformed),
        };
        Ok((first, self.take(size)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Item<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.begun && self.open.is_empty() {
            return (!self.rest.is_empty()).then_some(Err(Malformed));
        }
        self.begun = true;
        Some(self.item())
    }
}

fn as_number(first: u8, number: u64) -> Result<f64, Malformed> {
    let integer = || i64::try_from(number).map_err(|_| Malformed);
    match (first, first >> 5) {
        (FLOAT, _) => Ok(f64::from_bits(number)),
        (_, UNSIGNED) => Ok(integer()? as f64),
        (_, NEGATIVE) => Ok(!integer()? as f64),
        _ => Err(Malformed),
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
