//! How packets become bytes and bytes become packets, in the format of postcard (its wire specification,
//! version 1): numbers of more than one byte as LEB128, sequences after their length, variants after their
//! number, nothing in between. Each type says in one line, by `codec!`, what of it travels in which order.
//!
//! The tests hold it against the postcard crate. Serde's own derived code is a third more generic than what we
//! need, and was 6 kB of a visitor's download; this is two.

use std::sync::Arc;

/// What is left to read.
pub(crate) type Reader<'a> = &'a [u8];

/// What can travel.
pub(crate) trait Codec: Sized {
    /// Appends its bytes.
    fn write(&self, to: &mut Vec<u8>);

    /// Takes its bytes off the front; `None` when these are not what [`write`](Self::write) would have written.
    fn read(from: &mut Reader<'_>) -> Option<Self>;
}

/// The bytes of a value.
pub(crate) fn to_bytes(value: &impl Codec) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.write(&mut bytes);
    bytes
}

/// The value that all of the bytes make.
pub(crate) fn from_bytes<T: Codec>(mut bytes: &[u8]) -> Option<T> {
    T::read(&mut bytes).filter(|_| bytes.is_empty())
}

/// Takes so many bytes off the front.
fn take<'a>(from: &mut Reader<'a>, count: usize) -> Option<&'a [u8]> {
    let (bytes, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(bytes)
}

fn write_number(mut number: u64, to: &mut Vec<u8>) {
    while number > 0x7f {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn read_number(from: &mut Reader<'_>) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = u8::read(from)?;
        let part = u64::from(byte & 0x7f);
        number |= part << shift;
        if byte <= 0x7f {
            return (number >> shift == part).then_some(number);
        }
    }
    None
}

/// Appends the length of a sequence and its bytes.
pub(crate) fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    write_number(bytes.len() as u64, to);
    to.extend_from_slice(bytes);
}

/// Takes a sequence of bytes off the front, after its length.
pub(crate) fn read_bytes<'a>(from: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = read_number(from)?;
    take(from, length.try_into().ok()?)
}

impl Codec for u8 {
    fn write(&self, to: &mut Vec<u8>) {
        to.push(*self);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        take(from, 1)?.first().copied()
    }
}

impl Codec for bool {
    fn write(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        match u8::read(from)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Codec for $number {
            fn write(&self, to: &mut Vec<u8>) {
                write_number(u64::from(*self), to);
            }

            fn read(from: &mut Reader<'_>) -> Option<Self> {
                read_number(from)?.try_into().ok()
            }
        }
    )*};
}

numbers!(u16, u32, u64);

impl<const N: usize> Codec for [u8; N] {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(self);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        take(from, N)?.try_into().ok()
    }
}

impl Codec for String {
    fn write(&self, to: &mut Vec<u8>) {
        write_bytes(self.as_bytes(), to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        std::str::from_utf8(read_bytes(from)?).ok().map(Self::from)
    }
}

impl Codec for Arc<[u8]> {
    fn write(&self, to: &mut Vec<u8>) {
        write_bytes(self, to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        read_bytes(from).map(Self::from)
    }
}

impl<T: Codec> Codec for Vec<T> {
    fn write(&self, to: &mut Vec<u8>) {
        write_number(self.len() as u64, to);
        for item in self {
            item.write(to);
        }
    }

    /// Grows with what is there, not with what is announced.
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut items = Vec::new();
        for _ in 0..read_number(from)? {
            items.push(T::read(from)?);
        }
        Some(items)
    }
}

impl<T: Codec> Codec for Option<T> {
    fn write(&self, to: &mut Vec<u8>) {
        self.is_some().write(to);
        if let Some(value) = self {
            value.write(to);
        }
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        if bool::read(from)? { T::read(from).map(Some) } else { Some(None) }
    }
}

impl<T: Codec> Codec for Box<T> {
    fn write(&self, to: &mut Vec<u8>) {
        (**self).write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        T::read(from).map(Self::new)
    }
}

impl<A: Codec, B: Codec> Codec for (A, B) {
    fn write(&self, to: &mut Vec<u8>) {
        self.0.write(to);
        self.1.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?))
    }
}

/// Implements [`Codec`]: the fields of a struct, or the variants of an enum by number, in the order they travel.
///
/// ```text
/// codec!(struct Entry { address, rtt });
/// codec!(enum Packet { 0 Own(list), 1 Graft { id } });
/// ```
macro_rules! codec {
    (struct $name:ident { $($field:tt),* }) => {
        impl $crate::proto::codec::Codec for $name {
            fn write(&self, to: &mut Vec<u8>) {
                $($crate::proto::codec::Codec::write(&self.$field, to);)*
            }

            fn read(from: &mut $crate::proto::codec::Reader<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::proto::codec::Codec::read(from)?),* })
            }
        }
    };
    (enum $name:ident { $($number:literal $variant:ident $(($item:ident))? $({ $($field:ident),* })?),* }) => {
        impl $crate::proto::codec::Codec for $name {
            fn write(&self, to: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($item))? $({ $($field),* })? => {
                        to.push($number);
                        $($crate::proto::codec::Codec::write($item, to);)?
                        $($($crate::proto::codec::Codec::write($field, to);)*)?
                    })*
                }
            }

            fn read(from: &mut $crate::proto::codec::Reader<'_>) -> Option<Self> {
                Some(match <u8 as $crate::proto::codec::Codec>::read(from)? {
                    $($number => {
                        $(let $item = $crate::proto::codec::Codec::read(from)?;)?
                        $($(let $field = $crate::proto::codec::Codec::read(from)?;)*)?
                        Self::$variant $(($item))? $({ $($field),* })?
                    })*
                    _ => return None,
                })
            }
        }
    };
}

pub(crate) use codec;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::*;

    /// One of everything.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Sample {
        byte: u8,
        flag: bool,
        port: u16,
        stream: u32,
        time: u64,
        key: [u8; 8],
        text: String,
        list: Vec<(u16, Choice)>,
        maybe: Option<Box<Choice>>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Choice {
        Nothing,
        One(u32),
        Named { a: u64, b: Vec<u8> },
    }

    codec!(struct Sample { byte, flag, port, stream, time, key, text, list, maybe });
    codec!(enum Choice { 0 Nothing, 1 One(number), 2 Named { a, b } });

    fn choice() -> impl Strategy<Value = Choice> {
        prop_oneof![
            Just(Choice::Nothing),
            any::<u32>().prop_map(Choice::One),
            any::<(u64, Vec<u8>)>().prop_map(|(a, b)| Choice::Named { a, b }),
        ]
    }

    prop_compose! {
        fn sample()(
            (byte, flag, port, stream, time, key, text) in any::<(u8, bool, u16, u32, u64, [u8; 8], String)>(),
            list in prop::collection::vec((any::<u16>(), choice()), 0..200),
            maybe in prop::option::of(choice()),
        ) -> Sample {
            Sample { byte, flag, port, stream, time, key, text, list, maybe: maybe.map(Box::new) }
        }
    }

    proptest! {
        #[test]
        fn writes_and_reads_what_postcard_does(sample in sample()) {
            let bytes = to_bytes(&sample);
            prop_assert_eq!(Ok(bytes.clone()), postcard::to_allocvec(&sample));
            prop_assert_eq!(from_bytes(&bytes), Some(sample));
        }

        #[test]
        fn takes_no_bytes_that_postcard_refuses(bytes: Vec<u8>) {
            if let Some(sample) = from_bytes::<Sample>(&bytes) {
                prop_assert_eq!(Ok(sample), postcard::from_bytes(&bytes));
            }
        }

        #[test]
        fn refuses_whatever_is_cut_short_or_too_long(sample in sample(), at: prop::sample::Index, more: u8) {
            let mut bytes = to_bytes(&sample);
            prop_assert_eq!(from_bytes::<Sample>(&bytes[..at.index(bytes.len())]), None);
            bytes.push(more);
            prop_assert_eq!(from_bytes::<Sample>(&bytes), None);
        }
    }

    #[test]
    fn refuses_numbers_that_do_not_fit() {
        assert_eq!(from_bytes::<u16>(&[0xff, 0xff, 0x03]), Some(u16::MAX));
        assert_eq!(from_bytes::<u16>(&[0x80, 0x80, 0x04]), None);
        assert_eq!(from_bytes::<u64>(&[[0xff; 9].as_slice(), &[0x01]].concat()), Some(u64::MAX));
        assert_eq!(from_bytes::<u64>(&[[0xff; 9].as_slice(), &[0x02]].concat()), None);
        assert_eq!(from_bytes::<u64>(&[0x80; 11]), None);
        assert_eq!(from_bytes::<bool>(&[2]), None);
        assert_eq!(from_bytes::<Choice>(&[3]), None);
    }

    #[test]
    fn a_length_that_is_a_lie_reserves_nothing() {
        let mut lie = vec![0xff; 9];
        lie.push(0x01);
        assert_eq!(from_bytes::<Vec<u64>>(&lie), None);
        assert_eq!(from_bytes::<String>(&lie), None);
    }
}
