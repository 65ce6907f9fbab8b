//! How packets become bytes and bytes become packets: by postcard (its wire specification, version 1), with what each
//! type derives for serde. Fields travel in the order in which they are declared, and variants by their place.
//!
//! Of what postcard reads, nothing is reserved by what a length says but a megabyte at most, and a number may be longer
//! than it must be: nothing that is signed, named or counted depends on that.

use std::sync::Arc;

use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes of a value.
pub(crate) fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    append(Vec::new(), value)
}

/// Some bytes, and those of a value after them.
pub(crate) fn append(bytes: Vec<u8>, value: &impl Serialize) -> Vec<u8> {
    postcard::serialize_with_flavor(value, Behind(bytes)).expect("the length of every sequence is known")
}

/// Writes behind what is there. That of postcard which does this moves one byte after another.
struct Behind(Vec<u8>);

impl Flavor for Behind {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.try_extend(&[byte])
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// The value that all of the bytes make.
pub(crate) fn from_bytes<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

/// Why bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// They name a variant that is not known here: a later version has more of them.
    Later,
    /// They are nothing.
    Malformed,
}

/// The value at the beginning of the bytes, and what follows it: a later version may add fields at the end.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Unreadable> {
    postcard::take_from_bytes(bytes).map_err(|error| match error {
        // What serde itself finds wrong, and that is a variant: see the test.
        postcard::Error::SerdeDeCustom => Unreadable::Later,
        _ => Unreadable::Malformed,
    })
}

/// Writes bytes at once; serde would write one after the other.
pub(crate) fn write_bytes<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
}

/// Reads what [`write_bytes`] wrote.
pub(crate) fn read_bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Vec<u8>>, D::Error> {
    <&[u8]>::deserialize(from).map(|bytes| Arc::new(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::id::{Address, MessageId};
    use crate::proto::links::link::Farewell;
    use crate::proto::links::link::wire::{Frame, Packet, frame};
    use crate::proto::messaging::broadcast;
    use crate::proto::messaging::message::Payload;

    #[test]
    fn what_only_a_later_version_knows_is_told_from_what_is_nothing() {
        assert_eq!(read::<Choice>(&[200, 1]), Err(Unreadable::Later));
        assert_eq!(read::<Vec<(u16, Choice)>>(&[1, 7, 77]), Err(Unreadable::Later), "within others, too");
        for nothing in [&[][..], &[1], &[0xff; 12]] {
            assert_eq!(read::<Choice>(nothing), Err(Unreadable::Malformed), "{nothing:?}");
        }
        assert_eq!(read::<Option<u8>>(&[7]), Err(Unreadable::Malformed), "neither there nor not");
        assert_eq!(read::<bool>(&[2]), Err(Unreadable::Malformed));
        assert_eq!(read::<String>(&[1, 0xff]), Err(Unreadable::Malformed), "no text");
        assert_eq!(read::<u8>(&[5, 6, 7]), Ok((5, &[6, 7][..])), "more may follow");
    }

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
        Named { a: u64, b: Payload },
    }

    fn choice() -> impl Strategy<Value = Choice> {
        prop_oneof![
            Just(Choice::Nothing),
            any::<u32>().prop_map(Choice::One),
            any::<(u64, Vec<u8>)>().prop_map(|(a, b)| Choice::Named { a, b: Payload::from(b) }),
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
        fn reads_what_it_writes(sample in sample()) {
            prop_assert_eq!(from_bytes(&to_bytes(&sample)), Some(sample));
        }

        #[test]
        fn refuses_whatever_is_cut_short_or_too_long(sample in sample(), at: prop::sample::Index, more: u8) {
            let mut bytes = to_bytes(&sample);
            prop_assert_eq!(from_bytes::<Sample>(&bytes[..at.index(bytes.len())]), None);
            bytes.push(more);
            prop_assert_eq!(from_bytes::<Sample>(&bytes), None);
        }
    }

    /// Peers of other versions read them.
    #[test]
    fn the_bytes_on_the_wire_are_what_they_always_were() {
        let (address, id) = (Address([7; 20]), MessageId([9; 20]));
        let broadcast = |packet| to_bytes(&Packet::Broadcast(packet));
        let [address_bytes, id_bytes] = [address.0, id.0];
        assert_eq!(to_bytes(&Packet::Ping(300)), [3, 0xac, 0x02]);
        assert_eq!(to_bytes(&Packet::Close(Farewell::Evicted { hint: None })), [2, 1, 0]);
        assert_eq!(broadcast(broadcast::Packet::Have(vec![id])), [&[7, 2, 1][..], &id_bytes].concat());
        assert_eq!(broadcast(broadcast::Packet::Graft(id)), [&[7, 3][..], &id_bytes].concat());
        assert_eq!(broadcast(broadcast::Packet::Prune(address)), [&[7, 4][..], &address_bytes].concat());
        assert_eq!(broadcast(broadcast::Packet::Digest { bucket: 1, sum: 128 }), [7, 5, 1, 0x80, 1]);
        assert_eq!(broadcast(broadcast::Packet::Resume(address)), [&[7, 6][..], &address_bytes].concat());
        assert_eq!(frame(&Frame::Whole(&[1, 2])), [0, 2, 1, 2]);
        assert_eq!(frame(&Frame::Part { stream: 200, last: true, bytes: &[5] }), [1, 0xc8, 1, 1, 1, 5]);
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
    fn a_length_that_is_a_lie_is_refused() {
        let mut lie = vec![0xff; 9];
        lie.push(0x01);
        assert_eq!(from_bytes::<Vec<u64>>(&lie), None);
        assert_eq!(from_bytes::<String>(&lie), None);
        assert_eq!(from_bytes::<Payload>(&lie), None);
    }
}
