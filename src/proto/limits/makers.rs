//! What each key may say, whoever passes it on.
//!
//! Keys that were heard are remembered. The first [`MAX_RESERVES`] have a reserve each, little and their own, that no flood
//! of others can use up, and keep it until they are silent for [`SILENT`]. Of those that have none, whoever said the
//! least of late is forgotten first, and is a newcomer again.

use std::time::Duration;

use super::bucket::{Bucket, Rate};
use crate::proto::id::Address;
use crate::proto::map::Map;
use crate::proto::time::Instant;

/// What one key may say: sixteen times what a game says that updates 60 times a second, and some seconds of it
/// at once. Verifying that much takes a sixth of a page's thread. See [`message_cost`] for the unit.
pub(super) const MAKER: Rate = Rate(1000.0, 4000.0);
/// What a message costs whose proof was checked for another one of its tree: its hashes and its way. A guess, in proofs of
/// 155 µs each in Chromium. To open a message and hand it to the page costs more, which is what the page came for.
const ALONG: f64 = 0.125;
/// What a key that was here early may say whatever others do: all of them together a thousand a second, as all that is
/// common. And at once little enough that all which is taken within two seconds is remembered, by its name, for as long
/// (`replay`), and that an honest neighbor that passes all of it on stays below its ceiling.
pub(super) const RESERVE: Rate = Rate(2.0, 6.0);
/// Keys with a reserve.
pub(super) const MAX_RESERVES: usize = 512;
/// ... and others that are remembered.
const MAX_OTHERS: usize = 1024;
/// A key that is silent for as long has its place no more.
const SILENT: Duration = Duration::from_secs(600);

/// What the check of a message costs: one, which is the time of a proof, unless that was checked for another one.
pub(crate) fn check_cost(along: bool) -> f64 {
    if along { ALONG } else { 1.0 }
}

/// What a message costs its origin: its check, and one more for each 64 KiB.
pub(crate) fn message_cost(bytes: usize, along: bool) -> f64 {
    check_cost(along) + bytes as f64 / 65_536.0
}

/// A key with a reserve.
#[derive(Debug)]
struct Early {
    said: Bucket,
    reserve: Bucket,
    heard_at: Instant,
}

/// The keys that were heard.
#[derive(Debug, Default)]
pub(super) struct Makers {
    early: Map<Address, Early>,
    others: Map<Address, Bucket>,
}

impl Makers {
    pub(super) fn knows(&self, key: &Address) -> bool {
        self.early.contains_key(key) || self.others.contains_key(key)
    }

    /// Whether a key may say more at present.
    pub(super) fn allows(&self, key: &Address, now: Instant) -> bool {
        let said = self.early.get(key).map(|early| &early.said).or_else(|| self.others.get(key));
        said.is_none_or(|said| said.has(MAKER, now))
    }

    /// Takes what a key has in reserve. Whoever forges its messages spends it, too, three times with each link.
    pub(super) fn takes_reserve(&mut self, key: &Address, now: Instant) -> bool {
        self.early.get_mut(key).is_some_and(|early| early.reserve.take(1.0, RESERVE, now))
    }

    /// A key said something of this cost, which is proven.
    pub(super) fn charge(&mut self, key: Address, cost: f64, now: Instant) {
        if let Some(early) = self.early.get_mut(&key) {
            early.heard_at = now;
            return early.said.charge(cost, MAKER, now);
        }
        let mut said = self.others.remove(&key).unwrap_or(Bucket::new(MAKER, now));
        said.charge(cost, MAKER, now);
        if self.has_place(now) {
            self.early.insert(key, Early { said, reserve: Bucket::new(RESERVE, now), heard_at: now });
            return;
        }
        if self.others.len() >= MAX_OTHERS {
            let level = |said: &Bucket| said.level(MAKER, now);
            let fullest = self.others.iter().max_by(|(_, a), (_, b)| level(a).total_cmp(&level(b)));
            fullest.map(|(&key, _)| key).map(|key| self.others.remove(&key));
        }
        self.others.insert(key, said);
    }

    /// Whether there is place for one more reserve; who was silent for too long makes it.
    fn has_place(&mut self, now: Instant) -> bool {
        if self.early.len() >= MAX_RESERVES {
            let silent = self.early.iter().find(|(_, early)| now - early.heard_at > SILENT);
            silent.map(|(&key, _)| key).map(|key| self.early.remove(&key));
        }
        self.early.len() < MAX_RESERVES
    }

    /// How many it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.early.len() + self.others.len()
    }
}
