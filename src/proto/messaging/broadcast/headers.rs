//! Messages of this peer's own whose headers are out: who has not asked for the payload yet, and who will not.

use std::time::Duration;

use crate::proto::id::{Address, MessageId};
use crate::proto::map::{Map, Set};
use crate::proto::time::Instant;

/// Who is told of a message of ours and neither asks for the payload nor says that it heard of it for this long has it
/// from another, or refuses it. Names of messages are gathered for 1.8 s at most.
pub(super) const UNASKED: Duration = Duration::from_millis(2000);

/// A message of this peer's own whose header is out.
#[derive(Debug)]
struct Unasked {
    /// Who has not asked for the payload yet.
    to: Set<Address>,
    until: Instant,
}

/// What is offered to whom.
#[derive(Debug, Default)]
pub(super) struct Headers {
    offered: Map<MessageId, Unasked>,
    /// Neighbors that will not ask for what they were offered.
    declined: Vec<(MessageId, Address)>,
}

impl Headers {
    /// The header of a new message is out to these.
    pub(super) fn insert(&mut self, id: MessageId, to: Set<Address>, now: Instant) {
        if !to.is_empty() {
            self.offered.insert(id, Unasked { to, until: now + UNASKED });
        }
    }

    /// The header of a message is out once more.
    pub(super) fn add(&mut self, id: MessageId, to: Address, now: Instant) {
        let offered = self.offered.entry(id).or_insert(Unasked { to: Set::new(), until: now });
        offered.to.insert(to);
        offered.until = now + UNASKED;
    }

    /// Whether somebody may still ask for a message.
    pub(super) fn contains(&self, id: &MessageId) -> bool {
        self.offered.contains_key(id)
    }

    /// Takes an offer back; whether there was one.
    pub(super) fn take(&mut self, id: &MessageId, to: &Address) -> bool {
        let Some(offered) = self.offered.get_mut(id) else { return false };
        let had = offered.to.remove(to);
        if offered.to.is_empty() {
            self.offered.remove(id);
        }
        had
    }

    /// A neighbor will not ask for a message, or not get it.
    pub(super) fn decline(&mut self, id: MessageId, neighbor: Address) {
        self.declined.push((id, neighbor));
    }

    /// A neighbor has heard of a message from another: if it was offered ours, it asks there.
    pub(super) fn handle_heard(&mut self, from: Address, id: &MessageId) {
        if self.take(id, &from) {
            self.decline(*id, from);
        }
    }

    pub(super) fn handle_unlinked(&mut self, neighbor: &Address) {
        self.offered.retain(|_, offered| {
            offered.to.remove(neighbor);
            !offered.to.is_empty()
        });
    }

    /// Who declined since it was asked last.
    pub(super) fn take_declined(&mut self) -> Vec<(MessageId, Address)> {
        std::mem::take(&mut self.declined)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for (id, offered) in self.offered.extract_if(|_, offered| offered.until <= now) {
            self.declined.extend(offered.to.into_iter().map(|to| (id, to)));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.offered.values().map(|offered| offered.until).min()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.offered.is_empty()
    }
}
