//! Messages that were named and have not come: who has them, and who is asked next.

use std::time::Duration;

use super::wire::{Packet, Packets};
use crate::proto::id::{Address, MessageId};
use crate::proto::map::Map;
use crate::proto::time::Instant;

/// A message whose name was heard is pulled after this time. In a tree of first arrivals the message beats
/// its name, so 30 to 250 ms all cost the same copies (docs/mesh.md, Broadcast), and 60 heals soon.
pub(super) const GRAFT: Duration = Duration::from_millis(60);
/// The next one that has it is asked after this time, and some more for each 100 kB.
pub(super) const GRAFT_AGAIN: Duration = Duration::from_millis(250);
/// Messages that were named and have not come, at most, and those that one neighbor named first: nobody fills
/// the table with names of nothing. As many again whose headers are here: neither kind takes the room of the other.
pub(super) const MAX_MISSING: usize = 4096;
pub(super) const MAX_NAMED: usize = 512;
/// Neighbors remembered to have one message; a few are enough.
const MAX_AT: usize = 8;

/// A message that was named and has not come.
#[derive(Debug)]
struct Missing {
    /// Who named it first; none where its header is here.
    by: Option<Address>,
    /// Who has it, the next to be asked first.
    at: Vec<Address>,
    /// Who was asked last.
    asked: Option<Address>,
    ask_at: Instant,
    since: Instant,
}

/// What is missing.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    missing: Map<MessageId, Missing>,
}

impl Pulls {
    pub(super) fn contains(&self, id: &MessageId) -> bool {
        self.missing.contains_key(id)
    }

    /// Where there is no room for a header, the one whose payload is missing for longest gives way: payloads that never
    /// come cannot keep out those that do.
    pub(super) fn make_room(&mut self) -> Option<MessageId> {
        let headers = || self.missing.iter().filter(|(_, missing)| missing.by.is_none());
        let full = headers().count() >= MAX_MISSING;
        let oldest = headers().filter(|_| full).min_by_key(|(_, missing)| missing.since);
        let oldest = oldest.map(|(&id, _)| id)?;
        self.missing.remove(&oldest);
        Some(oldest)
    }

    /// How many more messages a neighbor may name first.
    pub(super) fn room(&self, from: &Address) -> usize {
        let named = || self.missing.values().filter_map(|missing| missing.by);
        let theirs = named().filter(|by| by == from).count();
        MAX_NAMED.saturating_sub(theirs).min(MAX_MISSING.saturating_sub(named().count()))
    }

    /// Another neighbor has a message; whether it is missing.
    pub(super) fn add(&mut self, id: &MessageId, at: Address) -> bool {
        let Some(missing) = self.missing.get_mut(id) else { return false };
        if missing.at.len() < MAX_AT && !missing.at.contains(&at) {
            missing.at.push(at);
        }
        true
    }

    /// A message is named, and will most likely come by itself.
    pub(super) fn begin(&mut self, id: MessageId, at: Address, now: Instant) {
        let ask_at = now + GRAFT;
        self.missing.insert(id, Missing { by: Some(at), at: vec![at], asked: None, ask_at, since: now });
    }

    /// The header of a message is here: its payload is asked for at once, and of these when it takes too long.
    pub(super) fn begin_with_header(
        &mut self,
        id: MessageId,
        at: impl Iterator<Item = Address>,
        size: u32,
        now: Instant,
    ) {
        let ask_at = now + GRAFT_AGAIN * 4 + transfer_time(size);
        let at = at.take(MAX_AT).collect();
        self.missing.insert(id, Missing { by: None, at, asked: None, ask_at, since: now });
    }

    /// A message is here, from whomever; who named it.
    pub(super) fn end(&mut self, id: &MessageId) -> Vec<Address> {
        let missing = self.missing.remove(id);
        missing.map_or(Vec::new(), |Missing { at, asked, .. }| at.into_iter().chain(asked).collect())
    }

    /// What was on its way on the link that gave way to another is lost: it is asked for again.
    pub(super) fn handle_relinked(&mut self, neighbor: Address, now: Instant) {
        for missing in self.missing.values_mut() {
            // The first to be asked is still the next one.
            if missing.asked.or(missing.at.first().copied()) != Some(neighbor) {
                continue;
            }
            missing.at.retain(|at| *at != neighbor);
            missing.at.insert(0, neighbor);
            (missing.asked, missing.ask_at) = (None, now);
        }
    }

    /// What a link was to bring that is gone, another must.
    pub(super) fn handle_unlinked(&mut self, neighbor: &Address, now: Instant) {
        for missing in self.missing.values_mut() {
            if missing.asked == Some(*neighbor) || missing.at.contains(neighbor) {
                missing.at.retain(|at| at != neighbor);
                (missing.asked, missing.ask_at) = (None, now);
            }
        }
    }

    /// Asks for what is due, of those who are still linked; what nobody has is given up. `size`: bytes of a message, as
    /// far as they are known.
    pub(super) fn handle_timeout(
        &mut self,
        links: &[Address],
        size: impl Fn(&MessageId) -> u32,
        now: Instant,
        out: &mut Packets,
    ) -> Vec<MessageId> {
        let mut given_up = Vec::new();
        for (&id, missing) in self.missing.iter_mut().filter(|(_, missing)| missing.ask_at <= now) {
            missing.at.retain(|at| links.contains(at));
            let Some(next) = (!missing.at.is_empty()).then(|| missing.at.remove(0)) else {
                given_up.push(id);
                continue;
            };
            (missing.asked, missing.ask_at) = (Some(next), now + GRAFT_AGAIN + transfer_time(size(&id)));
            out.push((next, Packet::Graft(id)));
        }
        for id in &given_up {
            self.missing.remove(id);
        }
        given_up
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.missing.values().map(|missing| missing.ask_at).min()
    }

    /// How many it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.missing.len()
    }

    /// How many neighbors are remembered to have a message.
    #[cfg(test)]
    pub(super) fn holders(&self) -> impl Iterator<Item = usize> {
        self.missing.values().map(|missing| missing.at.len())
    }
}

/// A generous time for a payload to come over one link.
fn transfer_time(bytes: u32) -> Duration {
    Duration::from_micros(u64::from(bytes) * 10)
}
