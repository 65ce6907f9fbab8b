//! Token buckets.

use crate::proto::time::Instant;

/// How fast a bucket fills, per second, and how much it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate(pub(crate) f64, pub(crate) f64);

impl Rate {
    /// The part of one among so many.
    pub(super) fn share(self, of: usize) -> Self {
        let of = of.max(1) as f64;
        Self(self.0 / of, self.1 / of)
    }
}

/// Tokens that fill up with time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.1, at: now }
    }

    pub(super) fn level(&self, rate: Rate, now: Instant) -> f64 {
        (self.tokens + rate.0 * (now - self.at).as_secs_f64()).min(rate.1)
    }

    /// Whether there is a token. The last one may pay for more than it is worth, or what costs more than the
    /// bucket holds would never pass.
    pub(super) fn has(&self, rate: Rate, now: Instant) -> bool {
        self.level(rate, now) >= 1.0
    }

    /// Takes tokens, be there enough or not.
    pub(crate) fn charge(&mut self, cost: f64, rate: Rate, now: Instant) {
        (self.tokens, self.at) = (self.level(rate, now) - cost, now);
    }

    /// Takes a token, be it there or not; whether it was.
    pub(crate) fn spend(&mut self, rate: Rate, now: Instant) -> bool {
        let has = self.has(rate, now);
        self.charge(1.0, rate, now);
        has
    }

    /// Takes tokens if there are any.
    pub(crate) fn take(&mut self, cost: f64, rate: Rate, now: Instant) -> bool {
        let has = self.has(rate, now);
        if has {
            self.charge(cost, rate, now);
        }
        has
    }
}
