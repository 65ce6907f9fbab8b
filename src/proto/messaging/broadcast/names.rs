//! Names of messages on their way to each neighbor: at once when it is quiet, otherwise together.

use std::time::Duration;

use super::wire::{MAX_HAVE, Packet, Packets};
use crate::proto::id::{Address, MessageId};
use crate::proto::map::Map;
use crate::proto::time::Instant;

/// Names are sent at once when none was sent for this time ...
pub(super) const HAVE_QUIET: Duration = Duration::from_millis(300);
/// ... and otherwise gathered until the last are this old: at ten messages a second 0.45 packets a message, not 4.
pub(super) const HAVE_BATCH: Duration = Duration::from_millis(1800);
/// ... and this long where broadcasts go round the ring: a net beneath for a ring with gaps.
pub(super) const HAVE_TOKEN: Duration = Duration::from_millis(1500);

/// Names on their way to one neighbor.
#[derive(Debug, Default)]
struct Batch {
    ids: Vec<MessageId>,
    sent_at: Option<Instant>,
    due_at: Option<Instant>,
}

/// Names on their way, by neighbor.
#[derive(Debug, Default)]
pub(super) struct Names {
    batches: Map<Address, Batch>,
}

impl Names {
    /// Tells a neighbor a name: after `wait`, or as soon as it is quiet.
    pub(super) fn add(
        &mut self,
        to: Address,
        id: MessageId,
        wait: Option<Duration>,
        now: Instant,
        out: &mut Packets,
    ) {
        let batch = self.batches.entry(to).or_default();
        batch.ids.push(id);
        let quiet = wait.is_none() && batch.sent_at.is_none_or(|at| now - at >= HAVE_QUIET);
        if quiet && batch.due_at.is_none() || batch.ids.len() >= MAX_HAVE {
            batch.due_at = None;
            batch.send(to, now, out);
        } else if batch.due_at.is_none() {
            let together = batch.sent_at.map_or(now, |at| at + HAVE_BATCH);
            batch.due_at = Some(wait.map_or(together, |wait| now + wait));
        }
    }

    pub(super) fn handle_unlinked(&mut self, neighbor: &Address) {
        self.batches.remove(neighbor);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, out: &mut Packets) {
        for (&to, batch) in self.batches.iter_mut() {
            if batch.due_at.take_if(|at| *at <= now).is_some() {
                batch.send(to, now, out);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.batches.values().filter_map(|batch| batch.due_at).min()
    }

    /// How many names it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.batches.values().map(|batch| batch.ids.len()).sum()
    }
}

impl Batch {
    fn send(&mut self, to: Address, now: Instant, out: &mut Packets) {
        self.sent_at = Some(now);
        out.push((to, Packet::Have(std::mem::take(&mut self.ids))));
    }
}
