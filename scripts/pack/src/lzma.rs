//! LZMA, the reading half, in the raw form of the LZMA specification (Pavlov, 2015): no header, its length known.
//! Its [bits](Bits) are coded in another way, in [`range`](crate::range).

/// Literal context bits, literal position bits and position bits: the best for a module in [`streams`](crate::streams).
pub const PROPERTIES: (u32, u32, u32) = (LITERAL_CONTEXT, 0, 0);
const LITERAL_CONTEXT: u32 = 1;

/// Where which contexts begin.
const IS_MATCH: usize = 0;
const IS_REPEAT: usize = IS_MATCH + 12;
const IS_FIRST: usize = IS_REPEAT + 12;
const IS_SECOND: usize = IS_FIRST + 12;
const IS_THIRD: usize = IS_SECOND + 12;
const IS_LONG: usize = IS_THIRD + 12;
const SLOT: usize = IS_LONG + 12;
const SPECIAL: usize = SLOT + (4 << 6);
const ALIGN: usize = SPECIAL + 128;
const LENGTH: usize = ALIGN + (1 << ALIGN_BITS);
const REPEAT_LENGTH: usize = LENGTH + LENGTHS;
const LITERAL: usize = REPEAT_LENGTH + LENGTHS;
/// How many contexts there are.
pub const CONTEXTS: usize = LITERAL + (0x300 << LITERAL_CONTEXT);
/// A length: two choices, two trees of 3 bits and one of 8.
const LENGTHS: usize = 2 + 8 + 8 + 256;
/// Low bits of a long distance, coded apart.
const ALIGN_BITS: u32 = 4;

/// Where the bits come from.
pub trait Bits {
    /// The next bit, of which a context tells how likely it is.
    fn bit(&mut self, context: usize) -> usize;
    /// One that is as likely to be set as not.
    fn even(&mut self) -> usize;

    fn tree(&mut self, base: usize, bits: u32) -> usize {
        let mut node = 1;
        while node < 1 << bits {
            node = node << 1 | self.bit(base + node);
        }
        node - (1 << bits)
    }

    fn reverse(&mut self, base: usize, bits: u32) -> usize {
        let (mut node, mut value) = (1, 0);
        for i in 0..bits {
            let bit = self.bit(base + node);
            node = node << 1 | bit;
            value |= bit << i;
        }
        value
    }

    fn direct(&mut self, bits: u32) -> usize {
        let mut value = 0;
        for _ in 0..bits {
            value = value << 1 | self.even();
        }
        value
    }

    fn length(&mut self, base: usize) -> usize {
        if self.bit(base) == 0 {
            2 + self.tree(base + 2, 3)
        } else if self.bit(base + 1) == 0 {
            10 + self.tree(base + 10, 3)
        } else {
            18 + self.tree(base + 18, 8)
        }
    }

    fn distance(&mut self, length: usize) -> usize {
        let slot = self.tree(SLOT + ((length - 2).min(3) << 6), 6);
        if slot < 4 {
            return slot;
        }
        let bits = (slot >> 1) as u32 - 1;
        let far = (2 | slot & 1) << bits;
        far + if slot < 14 {
            self.reverse(SPECIAL + far - slot, bits)
        } else {
            (self.direct(bits - ALIGN_BITS) << ALIGN_BITS) + self.reverse(ALIGN, ALIGN_BITS)
        }
    }

    /// A byte after `before`; after a match, `expected` is what went on behind it.
    fn literal(&mut self, before: u8, expected: Option<u8>) -> u8 {
        let base = LITERAL + 0x300 * usize::from(before >> (8 - LITERAL_CONTEXT));
        let mut node = 1;
        if let Some(expected) = expected {
            for i in (0..8).rev() {
                let expected = usize::from(expected >> i & 1);
                let bit = self.bit(base + ((1 + expected) << 8) + node);
                node = node << 1 | bit;
                if bit != expected {
                    break;
                }
            }
        }
        while node < 0x100 {
            node = node << 1 | self.bit(base + node);
        }
        node as u8
    }
}

/// Fills `out`.
pub fn decompress(reader: &mut impl Bits, out: &mut [u8]) {
    let mut state = 0;
    // The latest distances, less one.
    let mut distances = [0; 4];
    let mut end = 0;
    while end < out.len() {
        if reader.bit(IS_MATCH + state) == 0 {
            let before = end.checked_sub(1).map_or(0, |last| out[last]);
            out[end] = reader.literal(before, (state > 6).then(|| out[end - distances[0] - 1]));
            end += 1;
            state = if state < 4 {
                0
            } else if state < 10 {
                state - 3
            } else {
                state - 6
            };
            continue;
        }
        let (state_after_literal, state_after_match);
        let mut length = 1;
        if reader.bit(IS_REPEAT + state) == 0 {
            length = reader.length(LENGTH);
            distances.rotate_right(1);
            distances[0] = reader.distance(length);
            (state_after_literal, state_after_match) = (7, 10);
        } else {
            let which = if reader.bit(IS_FIRST + state) == 0 {
                0
            } else if reader.bit(IS_SECOND + state) == 0 {
                1
            } else {
                2 + reader.bit(IS_THIRD + state)
            };
            if which == 0 && reader.bit(IS_LONG + state) == 0 {
                (state_after_literal, state_after_match) = (9, 11);
            } else {
                distances[..=which].rotate_right(1);
                length = reader.length(REPEAT_LENGTH);
                (state_after_literal, state_after_match) = (8, 11);
            }
        }
        state = if state < 7 { state_after_literal } else { state_after_match };
        for _ in 0..length {
            out[end] = out[end - distances[0] - 1];
            end += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reader, compress};

    /// Bytes that look like chance and are the same every time.
    fn noise(length: usize) -> Vec<u8> {
        let step = |seed: &u32| Some(seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(Some(1), step).map(|seed| (seed >> 24) as u8).take(length).collect()
    }

    fn is_read_as_the_library_wrote_it(bytes: &[u8]) {
        let mut again = vec![0; bytes.len()];
        decompress(&mut Reader::new(&compress(bytes).expect("it is in memory")), &mut again);
        assert!(again == bytes);
    }

    #[test]
    fn one_byte() {
        is_read_as_the_library_wrote_it(&[7]);
    }

    #[test]
    fn one_byte_many_times() {
        is_read_as_the_library_wrote_it(&[1; 100_000]);
    }

    #[test]
    fn chance() {
        is_read_as_the_library_wrote_it(&noise(20_000));
    }

    #[test]
    fn text_that_repeats_near_and_far_with_gaps() {
        let words = "peer swarm tracker announce offer answer graft prune ".repeat(400).into_bytes();
        is_read_as_the_library_wrote_it(&words);
        let gaps = words.iter().enumerate().map(|(i, byte)| if i % 97 == 0 { 0 } else { *byte }).collect();
        is_read_as_the_library_wrote_it(&[noise(40_000), words, noise(40_000), gaps].concat());
    }
}
