//! scrypt (RFC 7914), in slices.
//!
//! The crate of that name runs from start to end, which is a second of a page's thread. ROMix is a plain loop,
//! so here it is with its counters in a struct. Names follow the RFC.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
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
    /// V of the lane at work: N times 2 r blocks, one after the other.
    memory: Vec<Block>,
    /// Room for the output of BlockMix.
    spare: Vec<Block>,
    /// Calls of BlockMix so far, of 2 N p.
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
            memory: vec![[0; 16]; cost * blocks],
            spare: vec![[0; 16]; blocks],
            done: 0,
        }
    }

    /// Calls BlockMix up to so many times; true when nothing is left to do.
    pub(super) fn step(&mut self, calls: usize) -> bool {
        let blocks = self.spare.len();
        let end = self.done.saturating_add(calls).min(2 * self.cost * self.lanes.len());
        for call in self.done..end {
            let lane = &mut self.lanes[call / (2 * self.cost)];
            let round = call % (2 * self.cost);
            if round < self.cost {
                // ROMix, step 2: V[i] = X; X = BlockMix(X).
                self.memory[round * blocks..][..blocks].copy_from_slice(lane);
            } else {
                // ROMix, step 3: j = Integerify(X) mod N; X = BlockMix(X xor V[j]).
                let j = lane[blocks - 1][0] as usize & (self.cost - 1);
                for (block, stored) in lane.iter_mut().zip(&self.memory[j * blocks..]) {
                    xor(block, stored);
                }
            }
            block_mix(lane, &mut self.spare);
            std::mem::swap(lane, &mut self.spare);
        }
        self.done = end;
        end == 2 * self.cost * self.lanes.len()
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
        write!(f, "Scrypt({} of {})", self.done, 2 * self.cost * self.lanes.len())
    }
}

/// PBKDF2-HMAC-SHA256 with one iteration, the only count that scrypt uses.
fn pbkdf2_once(password: &[u8], salt: &[u8], output: &mut [u8]) {
    let keyed =
        Hmac::<Sha256>::new_from_slice(password).expect("HMAC takes keys of any length").chain_update(salt);
    for (index, chunk) in (1u32..).zip(output.chunks_mut(32)) {
        let block = Zeroizing::new(<[u8; 32]>::from(
            keyed.clone().chain_update(index.to_be_bytes()).finalize().into_bytes(),
        ));
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
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
