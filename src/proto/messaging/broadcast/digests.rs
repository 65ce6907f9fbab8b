//! Digests of the last seconds: neighbors compare what they have by numbers, and where these differ, by names.

use std::collections::VecDeque;
use std::time::Duration;

use super::pulls::MAX_MISSING;
use super::wire::{MAX_HAVE, Packet, Packets};
use crate::proto::clock::Shift;
use crate::proto::id::{Address, MessageId};
use crate::proto::map::Map;
use crate::proto::random::Random;
use crate::proto::time::Instant;

/// Digests cover messages by their time stamps, in buckets of this many milliseconds.
pub(super) const BUCKET: u64 = 4000;
/// Digests are sent this often while there is anything to compare.
pub(super) const DIGEST_EVERY: Duration = Duration::from_secs(4);
/// A neighbor's digests are answered no more often than this: the answer is thousands of times larger.
const DIGEST_PAUSE: Duration = Duration::from_secs(1);
/// Buckets remembered.
pub(super) const MAX_BUCKETS: usize = 8;

/// What is compared with neighbors.
#[derive(Debug)]
pub(super) struct Digests {
    /// Names by the time their senders stamped on them, and their digest.
    buckets: Map<u64, (u64, VecDeque<MessageId>)>,
    /// When the next digest goes out.
    due_at: Option<Instant>,
    /// When a neighbor's digest may be answered again.
    answer_at: Map<Address, Instant>,
    /// The last digest that was exchanged with each neighbor and, as far as is known, is the same at both ends.
    same: Map<Address, (u64, u64)>,
    joined_at: Instant,
    /// The time by which messages are stamped.
    pub(super) shift: Shift,
}

impl Digests {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            buckets: Map::new(),
            due_at: None,
            answer_at: Map::new(),
            same: Map::new(),
            joined_at: now,
            shift: Shift::default(),
        }
    }

    /// A message is here, or its header. Of this peer's `own` others are told first: it may be the only one that has it, and
    /// there may be more names than are looked at.
    pub(super) fn add(&mut self, id: &MessageId, sent_at: u64, own: bool, now: Instant) {
        let bucket = sent_at / BUCKET;
        if self.is_near(bucket, now) {
            let (sum, ids) = self.buckets.entry(bucket).or_default();
            *sum ^= fold(id);
            // The other side pulls no more than this at once.
            if own {
                ids.push_front(*id);
                ids.truncate(MAX_MISSING);
            } else if ids.len() < MAX_MISSING {
                ids.push_back(*id);
            }
        }
        self.due_at = self.due_at.or(Some(now + DIGEST_EVERY));
    }

    /// A message is not here after all.
    pub(super) fn remove(&mut self, id: &MessageId, sent_at: u64) {
        if let Some((sum, ids)) = self.buckets.get_mut(&(sent_at / BUCKET))
            && let Some(place) = ids.iter().position(|other| other == id)
        {
            *sum ^= fold(id);
            ids.remove(place);
        }
    }

    /// A neighbor's digest; where it differs from ours, it learns what we have.
    pub(super) fn handle_digest(
        &mut self,
        from: Address,
        bucket: u64,
        sum: u64,
        now: Instant,
        out: &mut Packets,
    ) {
        let compared = self.is_compared(bucket, now);
        self.same.remove(&from);
        match self.buckets.get_mut(&bucket) {
            Some((own, _)) if *own == sum => drop(self.same.insert(from, (bucket, sum))),
            _ if self.answer_at.get(&from).is_some_and(|at| *at > now) => {}
            Some((_, ids)) => {
                self.answer_at.insert(from, now + DIGEST_PAUSE);
                out.extend(
                    ids.make_contiguous().chunks(MAX_HAVE).map(|ids| (from, Packet::Have(ids.to_vec()))),
                );
            }
            // All of it was lost on the way here, and only our digest can tell.
            None if compared => out.push((from, Packet::Digest { bucket, sum: 0 })),
            None => {}
        }
    }

    /// Whether digests speak of a bucket: what was sent before this peer joined it need not have.
    fn is_compared(&self, bucket: u64, now: Instant) -> bool {
        self.is_near(bucket, now)
            && self.shift.ours(bucket.saturating_mul(BUCKET)) > self.joined_at.as_millis()
    }

    /// Whether a bucket of time is remembered: the present, the last few, and the next, for clocks a little ahead.
    fn is_near(&self, bucket: u64, now: Instant) -> bool {
        let next = self.current(now) + 1;
        bucket <= next && next - bucket <= MAX_BUCKETS as u64
    }

    fn current(&self, now: Instant) -> u64 {
        self.shift.theirs(now).as_millis() / BUCKET
    }

    pub(super) fn handle_unlinked(&mut self, neighbor: &Address) {
        self.answer_at.remove(neighbor);
        self.same.remove(neighbor);
    }

    /// Sends the digest that is due; whether one was.
    pub(super) fn handle_timeout(
        &mut self,
        links: &[Address],
        random: &mut Random,
        now: Instant,
        out: &mut Packets,
    ) -> bool {
        let due = self.due_at.take_if(|at| *at <= now).is_some();
        if due {
            self.send(links, now, out);
            if !self.buckets.is_empty() {
                self.due_at = Some(now + random.jitter(DIGEST_EVERY, 0.1));
            }
        }
        due
    }

    fn send(&mut self, links: &[Address], now: Instant, out: &mut Packets) {
        let current = self.current(now);
        let far: Vec<u64> =
            self.buckets.keys().copied().filter(|&bucket| !self.is_near(bucket, now)).collect();
        far.iter().for_each(|bucket| drop(self.buckets.remove(bucket)));
        // Not the bucket that is filling, nor the last: its messages may still be on their way.
        let settled = self.buckets.iter().rfind(|(bucket, _)| **bucket < current.saturating_sub(1));
        if let Some((&bucket, &(sum, _))) = settled
            && self.is_compared(bucket, now)
        {
            // Channels lose nothing: who has the same says nothing, who has not answers with names, and both compare again.
            let told = |to: &&Address| self.same.insert(**to, (bucket, sum)) != Some((bucket, sum));
            out.extend(links.iter().filter(told).map(|&to| (to, Packet::Digest { bucket, sum })));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due_at
    }

    /// How many names it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.buckets.values().map(|(_, ids)| ids.len()).sum()
    }

    /// How many names each bucket holds.
    #[cfg(test)]
    pub(super) fn buckets(&self) -> impl Iterator<Item = usize> {
        self.buckets.values().map(|(_, ids)| ids.len())
    }
}

fn fold(id: &MessageId) -> u64 {
    id.0.iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}
