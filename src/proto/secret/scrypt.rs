//! scrypt (RFC 7914), in slices.
//!
//! The crate of that name runs from start to end, which is a second of a page's thread. ROMix is a plain loop,
//! so here it is with its counters in a struct. The core of the crate salsa20 would do for [`salsa20_8`], and doubles the
//! time: 1.0 s in place of 0.46 for a stretch in Node. Names follow the RFC.

use std::fmt;

use hmac::Hmac;
use pbkdf2::pbkdf2;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// 64 bytes, as Salsa20/8 works on them: sixteen little-endian words.
type Block = [u32; 16];

/// A run of scrypt.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Scrypt {
    /// The password, for the last step.
    password: Vec<u8>,
    /// N.
    cost: usize,
    /// B: p lanes of 2 r blocks each.
    lanes: Vec<Vec<Block>>,
    /// V of the lane at work: N times 2 r blocks. In pieces, for to clear or to erase all of it takes longer than a
    /// page's thread may be kept.
    memory: Vec<Vec<Block>>,
    /// Room for the output of BlockMix.
    spare: Vec<Block>,
    /// Steps so far.
    done: usize,
}

impl Scrypt {
    /// Begins, with the cost as (N, r, p); N is a power of two.
    pub(super) fn new(password: &[u8], salt: &[u8], (cost, size, lanes): (usize, usize, usize)) -> Self {
        let blocks = 2 * size;
        let mut bytes = Zeroizing::new(vec![0; 64 * blocks * lanes]);
        pbkdf2_once(password, salt, &mut bytes);
        let (blocks_of_all, _) = bytes.as_chunks::<64>();
        Self {
            password: password.to_vec(),
            cost,
            lanes: blocks_of_all.chunks(blocks).map(|lane| lane.iter().map(words).collect()).collect(),
            memory: Vec::with_capacity(cost),
            spare: vec![[0; 16]; blocks],
            done: 0,
        }
    }

    /// Does up to so many steps; true when nothing is left to do. 2 N p of them are calls of BlockMix, and N more
    /// erase the memory.
    pub(super) fn step(&mut self, steps: usize) -> bool {
        let all = self.steps();
        let end = self.done.saturating_add(steps).min(all);
        for step in self.done..end {
            let round = step % (2 * self.cost);
            let Some(lane) = self.lanes.get_mut(step / (2 * self.cost)) else {
                self.memory.pop().zeroize();
                continue;
            };
            if round < self.cost {
                // ROMix, step 2: V[i] = X; X = BlockMix(X).
                match self.memory.get_mut(round) {
                    Some(stored) => stored.copy_from_slice(lane),
                    None => self.memory.push(lane.clone()),
                }
            } else {
                // ROMix, step 3: j = Integerify(X) mod N; X = BlockMix(X xor V[j]).
                let j = lane[lane.len() - 1][0] as usize & (self.cost - 1);
                for (block, stored) in lane.iter_mut().zip(&self.memory[j]) {
                    xor(block, stored);
                }
            }
            block_mix(lane, &mut self.spare);
            std::mem::swap(lane, &mut self.spare);
        }
        self.done = end;
        end == all
    }

    fn steps(&self) -> usize {
        self.cost * (2 * self.lanes.len() + 1)
    }

    /// The result, once [`step`](Self::step) said that all is done.
    pub(super) fn output<const N: usize>(&self) -> Zeroizing<[u8; N]> {
        let words = self.lanes.iter().flatten().flatten();
        let salt = Zeroizing::new(words.flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>());
        let mut output = Zeroizing::new([0; N]);
        pbkdf2_once(&self.password, &salt, &mut *output);
        output
    }
}

impl fmt::Debug for Scrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrypt({} of {})", self.done, self.steps())
    }
}

/// PBKDF2-HMAC-SHA256 with one iteration, the only count that scrypt uses.
fn pbkdf2_once(password: &[u8], salt: &[u8], output: &mut [u8]) {
    pbkdf2::<Hmac<Sha256>>(password, salt, 1, output).expect("HMAC takes keys of any length");
}

/// scryptBlockMix: even blocks of the output first, then the odd ones.
fn block_mix(input: &[Block], output: &mut [Block]) {
    let mut x = input[input.len() - 1];
    for (i, block) in input.iter().enumerate() {
        xor(&mut x, block);
        salsa20_8(&mut x);
        output[i / 2 + (i % 2) * (input.len() / 2)] = x;
    }
}

/// The Salsa20/8 core: four double rounds.
fn salsa20_8(block: &mut Block) {
    /// The diagonal, column by column, and the same with rows for columns.
    const QUARTERS: [[usize; 4]; 8] = [
        [0, 4, 8, 12],
        [5, 9, 13, 1],
        [10, 14, 2, 6],
        [15, 3, 7, 11],
        [0, 1, 2, 3],
        [5, 6, 7, 4],
        [10, 11, 8, 9],
        [15, 12, 13, 14],
    ];
    let mut x = *block;
    for _ in 0..4 {
        for [a, b, c, d] in QUARTERS {
            x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
            x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
            x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
            x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
        }
    }
    for (word, mixed) in block.iter_mut().zip(x) {
        *word = word.wrapping_add(mixed);
    }
}

fn xor(block: &mut Block, other: &Block) {
    for (word, other) in block.iter_mut().zip(other) {
        *word ^= other;
    }
}

fn words(bytes: &[u8; 64]) -> Block {
    std::array::from_fn(|i| {
        u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::hex::{bytes, text};

    fn run<const N: usize>(password: &[u8], salt: &[u8], cost: (usize, usize, usize)) -> String {
        let mut scrypt = Scrypt::new(password, salt, cost);
        assert!(scrypt.step(usize::MAX));
        text(&*scrypt.output::<N>())
    }

    #[test]
    fn pbkdf2_salsa_and_block_mix_are_those_of_rfc_7914() {
        // Sections 11, 8 and 9.
        let mut output = [0; 64];
        pbkdf2_once(b"passwd", b"salt", &mut output);
        assert_eq!(
            text(&output),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
             49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
        );
        let mut block = words(&bytes(
            "7e879a214f3ec9867ca940e641718f26baee555b8c61c1b50df846116dcd3b1d\
             ee24f319df9b3d8514121e4b5ac5aa3276021d2909c74829edebc68db8b8c25e",
        ));
        salsa20_8(&mut block);
        let mixed = words(&bytes(
            "a41f859c6608cc993b81cacb020cef05044b2181a2fd337dfd7b1c6396682f29\
             b4393168e3c9e6bcfe6bc5b7a06d96bae424cc102c91745c24ad673dc7618f81",
        ));
        assert_eq!(block, mixed);
        let input = [
            words(&bytes(
                "f7ce0b653d2d72a4108cf5abe912ffdd777616dbbb27a70e8204f3ae2d0f6fad\
                 89f68f4811d1e87bcc3bd7400a9ffd29094f0184639574f39ae5a1315217bcd7",
            )),
            words(&bytes(
                "894991447213bb226c25b54da86370fbcd984380374666bb8ffcb5bf40c254b0\
                 67d27c51ce4ad5fed829c90b505a571b7f4d1cad6a523cda770e67bceaaf7e89",
            )),
        ];
        let mut output = [[0; 16]; 2];
        block_mix(&input, &mut output);
        assert_eq!(output[0], mixed);
        assert_eq!(
            output[1],
            words(&bytes(
                "20edc975323881a80540f64c162dcd3c21077cfe5f8d5fe2b1a4168f953678b7\
                 7d3b3d803b60e4ab920996e59b4d53b65d2a225877d5edf5842cb9f14eefe425",
            ))
        );
    }

    // Section 12; its fourth vector takes a gibibyte.
    #[test]
    fn scrypt_is_that_of_rfc_7914_in_many_lanes() {
        assert_eq!(
            run::<64>(b"", b"", (16, 1, 1)),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442\
             fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        );
        assert_eq!(
            run::<64>(b"password", b"NaCl", (1024, 8, 16)),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
             2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        );
    }

    #[test]
    fn scrypt_is_that_of_rfc_7914_in_much_memory() {
        assert_eq!(
            run::<64>(b"pleaseletmein", b"SodiumChloride", (16384, 8, 1)),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
             d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        );
    }

    #[test]
    fn slices_of_any_length_give_the_same_and_end_when_all_is_done() {
        let whole = run::<32>(b"password", b"salt", (16, 2, 3));
        for slice in [1, 5, 31, 32, 96, 111, 112, 113] {
            let mut scrypt = Scrypt::new(b"password", b"salt", (16, 2, 3));
            let mut slices = 1;
            while !scrypt.step(slice) {
                slices += 1;
            }
            assert_eq!(slices, 112usize.div_ceil(slice), "{slice}");
            assert_eq!(text(&*scrypt.output::<32>()), whole, "{slice}");
            assert!(scrypt.memory.is_empty(), "it is erased already");
        }
    }
}
