//! Hexadecimal digits, by base16ct: a secret may be among what is written so.

use base16ct::{lower, mixed};

/// The digits of some bytes, in lower case.
pub(crate) fn text(bytes: &[u8]) -> String {
    lower::encode_string(bytes)
}

/// The bytes of any number of pairs of digits, upper or lower case.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    mixed::decode_vec(text).ok()
}

/// The bytes of exactly `2 N` digits.
pub(crate) fn array<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let read = mixed::decode(text, &mut bytes).ok()?;
    (read.len() == N).then_some(bytes)
}

/// The bytes of digits as test vectors are written.
#[cfg(test)]
pub(crate) fn bytes<const N: usize>(text: &str) -> [u8; N] {
    array(text).expect(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_digits_are_bytes_and_nothing_else_is() {
        assert_eq!(text(&[0x00, 0x9a, 0xff]), "009aff");
        assert_eq!(read("009aFf"), Some(vec![0x00, 0x9a, 0xff]));
        assert_eq!((read(""), array("")), (Some(vec![]), Some([])));
        for bad in ["0", "000", "0g", "+1", " 1", "0x", "é", "é0"] {
            assert_eq!(read(bad), None, "{bad}");
            assert_eq!(array::<1>(bad), None, "{bad}");
        }
        assert_eq!((array::<1>("0001"), array::<2>("00")), (None, None));
    }
}
