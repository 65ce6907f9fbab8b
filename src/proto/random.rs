//! The dice, passed in and seeded: the same seed gives the same run.

use std::fmt;
use std::time::Duration;

use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng as _, SeedableRng};

/// A cryptographic generator (ChaCha12), seeded once by whoever makes the peer.
pub struct Random(ChaCha12Rng);

impl Random {
    /// A generator from 32 bytes of entropy, or of a test's choice.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha12Rng::from_seed(seed))
    }

    /// An independent generator for a child.
    pub fn split(&mut self) -> Self {
        Self::new(self.bytes())
    }

    /// `N` random bytes, fit for nonces and keys.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Uniform in `0..bound`; zero when `bound` is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        // Multiply-shift: the bias is below 2^-32 for any bound used here.
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of the items, or `None` when there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// The duration, longer or shorter by up to `share` of itself.
    pub fn jitter(&mut self, duration: Duration, share: f64) -> Duration {
        duration.mul_f64(1.0 + share * (2.0 * self.unit() - 1.0))
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
