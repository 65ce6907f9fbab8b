//! Hexadecimal digits. Without `format!`, whose machinery is a kilobyte of a visitor's download.

/// The digits of some bytes, in lower case.
pub(super) fn text(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).collect()
}

/// The two digits of a byte, in lower case.
pub(super) fn digits(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default())
}

/// The bytes of any number of pairs of digits.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// The bytes of exactly `2 N` digits, as test vectors are written.
#[cfg(test)]
pub(super) fn bytes<const N: usize>(text: &str) -> [u8; N] {
    read(text).and_then(|bytes| bytes.try_into().ok()).expect(text)
}
