//! Names of messages on their way to each neighbor: at once when it is quiet, otherwise together, and each from one end.
//!
//! Both ends of a link that is in no tree have what they would tell each other. So who hears a name does not tell it back; and
//! where names are gathered, the end with the lesser address speaks first, and the other tells what that should have said by
//! then. Who says that it has what it has not is told less; nobody else is.

use std::time::Duration;

use super::wire::{MAX_HAVE, Packet, Packets};
use crate::proto::id::{Address, MessageId};
use crate::proto::map::{Map, Set};
use crate::proto::time::Instant;

/// Names are sent at once when none was sent for this time ...
pub(super) const HAVE_QUIET: Duration = Duration::from_millis(300);
/// ... and otherwise gathered until the last are this old: at ten messages a second 0.27 packets a message, not 4.
pub(super) const HAVE_BATCH: Duration = Duration::from_millis(1800);
/// ... and this long where broadcasts go round the ring: a net beneath for a ring with gaps.
pub(super) const HAVE_TOKEN: Duration = Duration::from_millis(1500);
/// The end with the greater address waits for so much longer with each.
pub(super) const HAVE_SECOND: Duration = Duration::from_millis(300);

/// Names on their way to one neighbor.
#[derive(Debug, Default)]
struct Batch {
    /// Each with the time when all go: that of the first.
    names: Vec<(MessageId, Instant)>,
    /// When names were told last, by either end.
    told_at: Option<Instant>,
}

/// Names on their way, by neighbor.
#[derive(Debug, Default)]
pub(super) struct Names {
    batches: Map<Address, Batch>,
}

impl Names {
    /// Tells a neighbor a name: after `wait`, or as soon as it is quiet. `first`: this end speaks first.
    pub(super) fn add(
        &mut self,
        to: Address,
        id: MessageId,
        first: bool,
        wait: Option<Duration>,
        now: Instant,
        out: &mut Packets,
    ) {
        let batch = self.batches.entry(to).or_default();
        let due_at = wait.map_or_else(|| batch.due_at(first, now), |wait| now + wait);
        batch.names.push((id, due_at));
        if due_at <= now || batch.names.len() >= MAX_HAVE {
            batch.send(to, now, out);
        }
    }

    /// A neighbor has these.
    pub(super) fn handle_heard(&mut self, from: Address, ids: &[MessageId], now: Instant) {
        let batch = self.batches.entry(from).or_default();
        batch.told_at = Some(now);
        if !batch.names.is_empty() {
            let told: Set<_> = ids.iter().take(MAX_HAVE).collect();
            batch.names.retain(|(id, _)| !told.contains(&id));
        }
    }

    pub(super) fn handle_unlinked(&mut self, neighbor: &Address) {
        self.batches.remove(neighbor);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Packets) {
        for (&to, batch) in self.batches.iter_mut() {
            if batch.poll_timeout().is_some_and(|at| at <= now) {
                batch.send(to, now, out);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.batches.values().filter_map(Batch::poll_timeout).min()
    }

    /// How many names it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.batches.values().map(|batch| batch.names.len()).sum()
    }
}

impl Batch {
    /// When a name that comes now goes, if it is not heard before.
    fn due_at(&self, first: bool, now: Instant) -> Instant {
        if self.names.is_empty() && self.told_at.is_none_or(|at| now - at >= HAVE_QUIET) {
            now
        } else if first {
            self.told_at.map_or(now, |at| at + HAVE_BATCH)
        } else {
            now + HAVE_BATCH + HAVE_SECOND
        }
    }

    fn send(&mut self, to: Address, now: Instant, out: &mut Packets) {
        self.told_at = Some(now);
        let ids = std::mem::take(&mut self.names).into_iter().map(|(id, _)| id);
        out.push((to, Packet::Have(ids.collect())));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.names.first().map(|&(_, due_at)| due_at)
    }
}
