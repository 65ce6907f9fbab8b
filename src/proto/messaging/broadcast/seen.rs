//! What this peer holds of each message: its header while the payload is awaited, all of it for those who pull it,
//! then its name, and at last a floor in place of the name.

use std::collections::VecDeque;
use std::time::Duration;

use super::wire::Packet;
use crate::proto::clock::Shift;
use crate::proto::id::{Address, MessageId};
use crate::proto::map::Set;
use crate::proto::messaging::message::{Header, Message, Payload, Verified};
use crate::proto::messaging::replay::{CLOCK_WINDOW, Floors, MAX_NAMES};
use crate::proto::shelves::Shelves;
use crate::proto::time::Instant;

/// Messages remembered, so that none is delivered twice.
pub(super) const MAX_SEEN: usize = MAX_NAMES;
/// How long they are remembered, unless there are more than MAX_SEEN; the floors stand for those that are not.
pub(super) const SEEN_FOR: Duration = CLOCK_WINDOW;
/// Payloads kept for those who pull, in bytes and time.
pub(super) const KEEP: (usize, Duration) = (4 << 20, Duration::from_secs(30));

/// What this peer holds of one message.
#[derive(Debug)]
struct Entry {
    source: Address,
    /// The hash of its maker's key, and when it says it was made: what its floor needs when it is forgotten.
    made: (Address, u64),
    seen_at: Instant,
    hops: u8,
    /// Copies that arrived, of the message or of its header.
    copies: u16,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// The header is here, by a neighbor, and the payload is being pulled; these want it too.
    Header(Box<Verified<Header>>, Address, Set<Address>),
    /// All of it; these have pulled it.
    Message(Box<Header>, Payload, Set<Address>),
    /// Delivered, and no longer kept.
    Name,
}

impl Held {
    fn message(message: &Message) -> Self {
        Self::Message(Box::new(message.header.clone()), message.payload.clone(), Set::new())
    }

    /// Bytes of the payload that is kept.
    fn bytes(&self) -> usize {
        match self {
            Self::Message(_, payload, _) => payload.0.len(),
            Self::Header(..) | Self::Name => 0,
        }
    }
}

/// A message that is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) source: Address,
    /// Links it crossed on the way here.
    pub(super) hops: u8,
    pub(super) header: &'a Header,
    pub(super) payload: &'a Payload,
}

/// The messages that were here.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Boxed, for thousands may have to move over for a new one.
    entries: Shelves<Box<Entry>>,
    order: VecDeque<MessageId>,
    floors: Floors,
    /// Messages whose payload is kept, oldest first, and its bytes.
    kept: VecDeque<MessageId>,
    kept_bytes: usize,
    /// The time by which messages are stamped.
    pub(super) shift: Shift,
}

impl Seen {
    /// Whether the message was here, or its header.
    pub(super) fn contains(&self, id: &MessageId) -> bool {
        self.entries.contains_key(id)
    }

    /// Whether the whole message was here.
    pub(super) fn has(&self, id: &MessageId) -> bool {
        self.entries.get(id).is_some_and(|entry| !matches!(entry.held, Held::Header(..)))
    }

    /// How many floors it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn count_floors(&self) -> usize {
        self.floors.len()
    }

    /// Whether a message that is not here cannot be one that was forgotten.
    pub(super) fn admits(&self, header: &Header, now: Instant) -> bool {
        self.floors.admits(&header.maker(), self.shift.ours(header.sent_at), now)
    }

    /// The header of a message whose payload is awaited.
    pub(super) fn awaited(&self, id: &MessageId) -> Option<&Verified<Header>> {
        self.header(id).map(|(header, _)| header)
    }

    /// ... and the neighbor that brought it.
    pub(super) fn header(&self, id: &MessageId) -> Option<(&Verified<Header>, Address)> {
        match &self.entries.get(id)?.held {
            Held::Header(header, from, _) => Some((header, *from)),
            Held::Message(..) | Held::Name => None,
        }
    }

    /// A message that is kept.
    pub(super) fn kept(&self, id: &MessageId) -> Option<Kept<'_>> {
        let entry = self.entries.get(id)?;
        match &entry.held {
            Held::Message(header, payload, _) => {
                Some(Kept { source: entry.source, hops: entry.hops, header, payload })
            }
            Held::Header(..) | Held::Name => None,
        }
    }

    pub(super) fn source(&self, id: &MessageId) -> Option<Address> {
        self.entries.get(id).map(|entry| entry.source)
    }

    /// The latest messages: so many at most, and no older than this.
    pub(super) fn latest(&self, (count, age): (usize, Duration), now: Instant) -> Vec<MessageId> {
        let recent = |id: &&MessageId| self.entries.get(id).is_some_and(|entry| now - entry.seen_at <= age);
        self.order.iter().rev().take(count).take_while(recent).copied().collect()
    }

    /// Takes in a message, and keeps it for those who pull it.
    pub(super) fn insert(&mut self, message: &Message, hops: u8, now: Instant) {
        let held = Held::message(message);
        self.remember(message.id, message.maker, &message.header, hops, held, now);
        self.keep(message);
    }

    /// Takes in a header whose payload is awaited.
    pub(super) fn insert_header(
        &mut self,
        id: MessageId,
        from: Address,
        header: &Verified<Header>,
        hops: u8,
        now: Instant,
    ) {
        let held = Held::Header(Box::new(header.clone()), from, Set::new());
        self.remember(id, header.maker(), header, hops, held, now);
    }

    /// Takes in the message whose payload was awaited; who wants it, too.
    pub(super) fn complete(&mut self, message: &Message, now: Instant) -> Option<Set<Address>> {
        let entry = self.entries.get_mut(&message.id)?;
        let Held::Header(_, _, wanting) = &mut entry.held else { return None };
        let wanting = std::mem::take(wanting);
        entry.held = Held::message(message);
        // Its maker may have made more than one header of this name.
        entry.made.1 = entry.made.1.max(self.shift.ours(message.header.sent_at));
        let (maker, sent_at) = entry.made;
        self.floors.note(maker, sent_at, now);
        self.keep(message);
        Some(wanting)
    }

    fn keep(&mut self, message: &Message) {
        self.kept.push_back(message.id);
        self.kept_bytes += message.payload.0.len();
    }

    fn remember(
        &mut self,
        id: MessageId,
        source: Address,
        header: &Header,
        hops: u8,
        held: Held,
        now: Instant,
    ) {
        let made = (header.key.address(), self.shift.ours(header.sent_at));
        while self.order.len() >= MAX_SEEN || self.oldest_is_over(now) {
            let Some(oldest) = self.order.pop_front() else { break };
            let Some(forgotten) = self.entries.remove(&oldest) else { continue };
            self.kept_bytes = self.kept_bytes.saturating_sub(forgotten.held.bytes());
            let (maker, sent_at) = forgotten.made;
            self.floors.forget(maker, sent_at, forgotten.seen_at, now);
        }
        self.floors.note(made.0, made.1, now);
        self.order.push_back(id);
        self.entries.insert(id, Box::new(Entry { source, made, seen_at: now, hops, copies: 1, held }));
    }

    fn oldest_is_over(&self, now: Instant) -> bool {
        let oldest = self.order.front().and_then(|id| self.entries.get(id));
        oldest.is_some_and(|oldest| now - oldest.seen_at > SEEN_FOR)
    }

    /// Keeps no more of a message than its name. `false`: that was so.
    pub(super) fn withdraw(&mut self, id: &MessageId) -> bool {
        let Some(entry) = self.entries.get_mut(id) else { return false };
        let held = std::mem::replace(&mut entry.held, Held::Name);
        self.kept_bytes = self.kept_bytes.saturating_sub(held.bytes());
        self.kept.retain(|kept| kept != id);
        !matches!(held, Held::Name)
    }

    /// Forgets messages, which may come again.
    pub(super) fn forget(&mut self, gone: &Set<MessageId>) {
        if !gone.is_empty() {
            self.entries.retain(|id, _| !gone.contains(id));
            self.order.retain(|id| !gone.contains(id));
        }
    }

    /// Whether somebody wants the payload that is awaited.
    pub(super) fn is_wanted(&self, id: &MessageId) -> bool {
        let held = self.entries.get(id).map(|entry| &entry.held);
        matches!(held, Some(Held::Header(_, _, wanting)) if !wanting.is_empty())
    }

    /// Another copy of a message, or of its header; its source, and how many there were.
    pub(super) fn count_copy(&mut self, id: &MessageId) -> Option<(Address, u16)> {
        let entry = self.entries.get_mut(id)?;
        entry.copies = entry.copies.saturating_add(1);
        Some((entry.source, entry.copies))
    }

    /// A neighbor wants a message: here it is, or it is told of it when the payload comes.
    pub(super) fn pull(&mut self, id: &MessageId, to: Address) -> Option<Packet> {
        let entry = self.entries.get_mut(id)?;
        match &mut entry.held {
            Held::Header(_, _, wanting) => {
                wanting.insert(to);
                None
            }
            // Once on each link, which is reliable: a name of 20 bytes must not pull megabytes again and again.
            Held::Message(header, payload, pulled) => {
                let hops = entry.hops.saturating_add(1);
                pulled.insert(to).then(|| Packet::data(hops, header, payload))
            }
            Held::Name => None,
        }
    }

    /// A link gave way to another: what was pulled on it may be pulled again.
    pub(super) fn handle_relinked(&mut self, neighbor: &Address) {
        for entry in self.entries.values_mut() {
            if let Held::Message(_, _, pulled) = &mut entry.held {
                pulled.remove(neighbor);
            }
        }
    }

    pub(super) fn handle_unlinked(&mut self, neighbor: &Address) {
        for entry in self.entries.values_mut() {
            if let Held::Header(_, _, of) | Held::Message(_, _, of) = &mut entry.held {
                of.remove(neighbor);
            }
        }
    }

    /// Lets payloads go whose time or room is over, but none that is still `offered`.
    pub(super) fn release(&mut self, offered: impl Fn(&MessageId) -> bool, now: Instant) {
        while let Some(place) = self.kept.iter().position(|id| !offered(id)) {
            let over = self.kept_bytes > KEEP.0 && place + 1 < self.kept.len();
            match self.entries.get_mut(&self.kept[place]) {
                Some(entry) if over || now - entry.seen_at > KEEP.1 => {
                    self.kept_bytes = self.kept_bytes.saturating_sub(entry.held.bytes());
                    entry.held = Held::Name;
                }
                Some(_) => return,
                None => {}
            }
            self.kept.remove(place);
        }
    }

    /// How many messages it remembers, and how many payloads it keeps.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn sizes(&self) -> [usize; 2] {
        [self.entries.len(), self.kept.len()]
    }

    /// How many messages it remembers, and how many it will forget in their order.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> [usize; 2] {
        [self.entries.len(), self.order.len()]
    }

    /// Bytes that it believes to keep, and those that it keeps.
    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> [usize; 2] {
        [self.kept_bytes, self.entries.values().map(|entry| entry.held.bytes()).sum()]
    }
}
