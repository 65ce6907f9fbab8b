//! What stands before the value in a payload: the channel that it is for, if it is for one, and whether it is a request or
//! what came of one. A plain message has nothing there.
//!
//! ```text
//! [ 6, length u8, name in UTF-8 ]  [ 7 request | 8 answer | 9 refusal, number u64 ]  value
//! ```

/// Longest name of a channel, in bytes of UTF-8.
pub(super) const LONGEST_NAME: usize = 255;
/// Most bytes before a value.
pub(super) const MOST: usize = 2 + LONGEST_NAME + 9;

const CHANNEL: u8 = 6;
const REQUEST: u8 = 7;
const ANSWER: u8 = 8;
const REFUSAL: u8 = 9;

/// What a payload is for. The number of a request is its maker's, and no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Message,
    Request(u64),
    Answer(u64),
    /// With an error in place of the value, or nothing where nobody listens.
    Refusal(u64),
}

/// A payload, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parcel<'a> {
    pub(super) channel: Option<&'a str>,
    pub(super) purpose: Purpose,
    pub(super) value: &'a [u8],
}

impl<'a> Parcel<'a> {
    /// Takes a payload apart; `None` when a remote sent nonsense.
    pub(super) fn read(payload: &'a [u8]) -> Option<Self> {
        let (channel, rest) = match payload.split_first()? {
            (&CHANNEL, rest) => {
                let (&length, rest) = rest.split_first()?;
                let (name, rest) = rest.split_at_checked(length.into())?;
                (Some(std::str::from_utf8(name).ok().filter(|name| !name.is_empty())?), rest)
            }
            _ => (None, payload),
        };
        let purpose = match *rest.first()? {
            REQUEST => Purpose::Request,
            ANSWER => Purpose::Answer,
            REFUSAL => Purpose::Refusal,
            _ => return Some(Self { channel, purpose: Purpose::Message, value: rest }),
        };
        let (number, value) = rest[1..].split_first_chunk()?;
        Some(Self { channel, purpose: purpose(u64::from_le_bytes(*number)), value })
    }

    /// What stands before a value for this.
    pub(super) fn head(channel: Option<&str>, purpose: Purpose) -> Vec<u8> {
        let mut head = Vec::new();
        if let Some(name) = channel {
            head.extend([CHANNEL, u8::try_from(name.len()).expect("names are checked where they are given")]);
            head.extend_from_slice(name.as_bytes());
        }
        let (kind, number) = match purpose {
            Purpose::Message => return head,
            Purpose::Request(number) => (REQUEST, number),
            Purpose::Answer(number) => (ANSWER, number),
            Purpose::Refusal(number) => (REFUSAL, number),
        };
        head.push(kind);
        head.extend_from_slice(&number.to_le_bytes());
        head
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn what_is_put_before_a_value_is_read_again() {
        let longest = "n".repeat(LONGEST_NAME);
        for channel in [None, Some("ä room"), Some(longest.as_str())] {
            for purpose in
                [Purpose::Message, Purpose::Request(7), Purpose::Answer(u64::MAX), Purpose::Refusal(0)]
            {
                let head = Parcel::head(channel, purpose);
                assert!(head.len() <= MOST);
                let payload = [&head[..], &[1, b'x']].concat();
                assert_eq!(Parcel::read(&payload), Some(Parcel { channel, purpose, value: &[1, b'x'] }));
            }
        }
        assert_eq!(Parcel::head(None, Purpose::Message), [0; 0], "a plain message has nothing there");
    }

    #[wasm_bindgen_test]
    fn nonsense_is_nothing() {
        let request = Parcel::head(Some("room"), Purpose::Request(1));
        for short in 0..request.len() {
            assert_eq!(Parcel::read(&request[..short]), None, "{short} bytes of it");
        }
        for odd in [&[CHANNEL, 0, 1, b'x'][..], &[CHANNEL, 1, 0xff, 1, b'x']] {
            assert_eq!(Parcel::read(odd), None, "{odd:?}: no name");
        }
    }
}
