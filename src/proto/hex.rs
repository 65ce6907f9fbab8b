//! Hexadecimal digits, as test vectors are written.

/// The bytes of exactly `2 N` digits.
pub(super) fn bytes<const N: usize>(text: &str) -> [u8; N] {
    assert_eq!(text.len(), 2 * N, "{text}");
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("a vector is hexadecimal"))
}

/// The digits of some bytes.
pub(super) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
