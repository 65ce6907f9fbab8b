//! Broadcast: every peer of the swarm once, along a tree that each source's first message carves.
//!
//! The first message of a source floods. Who receives a second copy from a neighbor asks it to stop
//! ([`Packet::Prune`]); what is left is the tree of first arrivals, the fastest there is on this mesh
//! (reverse path forwarding, Dalal and Metcalfe 1978; PRUNE and GRAFT as in Plumtree, Leitão et al. 2007, but
//! per source). On the links that were pruned only the message's name travels ([`Packet::Have`]); a peer that
//! heard the name and not the message pulls it ([`Packet::Graft`]), which heals the tree too. Beneath lies a
//! digest of the last seconds, exchanged between neighbors, that finds whatever else was lost.
//!
//! A large message of a source whose tree is not known goes as its header first. The header floods, and
//! each peer pulls the payload from whoever brought it first, so the payload travels once per peer.

use std::time::Duration;

use super::message::{Header, Message, Verified};
use crate::proto::clock::Shift;
use crate::proto::id::{Address, MessageId};
use crate::proto::map::Set;
use crate::proto::random::Random;
use crate::proto::time::{Instant, soonest};

mod digests;
mod headers;
mod names;
mod pulls;
mod seen;
mod trees;
mod wire;

use digests::{BUCKET, Digests};
use headers::Headers;
use names::{HAVE_TOKEN, Names};
use pulls::Pulls;
use seen::Seen;
use trees::{Trees, Wish};
pub(crate) use wire::Packet;
use wire::{MAX_HAVE, Packets};

/// Payloads larger than this go header first where no tree is known. A guess: about what the header costs.
const LARGE: usize = 1024;
/// Of the latest messages a new neighbor is told the names: so many (docs/mesh.md, Constants) and no older than this, a
/// digest says nothing of the bucket in which a peer joined. So a newcomer hears what was said just before it came.
const RECENT: (usize, Duration) = (30, Duration::from_millis(2 * BUCKET));

/// How a broadcast spreads from this peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread<'a> {
    /// This peer's address.
    pub(crate) own: Address,
    /// The active links.
    pub(crate) links: &'a [Address],
    /// The ring neighbors, successor first.
    pub(crate) ring: [Option<Address>; 2],
    /// k in docs/mesh.md, Coverage: `max(1, round(coverage * maxPeers))`.
    pub(crate) fanout: usize,
    pub(crate) max_peers: usize,
}

impl Spread<'_> {
    /// Copies beyond this number prune their sender; `None`: every link is used, always.
    fn copies(&self) -> Option<u16> {
        (self.fanout < self.max_peers).then_some(self.fanout.saturating_sub(1).max(1) as u16)
    }

    /// Whether a broadcast goes round the ring like a token.
    fn is_token(&self) -> bool {
        self.fanout == 1
    }
}

/// What came of a packet.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// A message that is new here.
    Deliver(Box<Verified<Message>>, u8),
    /// A copy of one that is not.
    Duplicate,
}

/// Broadcasts of one peer.
#[derive(Debug)]
pub(crate) struct Broadcast {
    seen: Seen,
    trees: Trees,
    pulls: Pulls,
    headers: Headers,
    names: Names,
    digests: Digests,
    /// What must go out.
    out: Packets,
}

impl Broadcast {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            seen: Seen::default(),
            trees: Trees::default(),
            pulls: Pulls::default(),
            headers: Headers::default(),
            names: Names::default(),
            digests: Digests::new(now),
            out: Packets::new(),
        }
    }

    pub(crate) fn set_shift(&mut self, shift: Shift) {
        self.seen.shift = shift;
        self.digests.shift = shift;
    }

    /// What must go out to whom.
    pub(crate) fn drain(&mut self) -> Vec<(Address, Packet)> {
        std::mem::take(&mut self.out)
    }

    /// Who needs to be handed which message of this peer's own no more.
    pub(crate) fn take_declined(&mut self) -> Vec<(MessageId, Address)> {
        self.headers.take_declined()
    }

    /// Whether the whole message was here before: a copy need not be verified.
    pub(crate) fn has(&self, id: &MessageId) -> bool {
        self.seen.has(id)
    }

    /// Who made a message that is remembered.
    pub(crate) fn source(&self, id: &MessageId) -> Option<Address> {
        self.seen.source(id)
    }

    /// Lets go of a message that its maker takes back: nobody gets it from here, and this peer pulls it no more. `false`: it was
    /// let go before.
    pub(crate) fn withdraw(&mut self, id: &MessageId) -> bool {
        self.pulls.end(id);
        self.seen.withdraw(id)
    }

    /// The header of a message that is here.
    pub(crate) fn header(&self, id: &MessageId) -> Option<&Header> {
        self.seen.kept(id).map(|kept| kept.header)
    }

    /// Whether the header was here before, verified.
    pub(crate) fn has_header(&self, id: &MessageId) -> bool {
        self.seen.contains(id)
    }

    /// Spares the check of a header if this very one was here before, verified. Its maker may make another one of the
    /// same name, which binds neither time nor kind nor box.
    pub(crate) fn vouch(&self, header: &Header) -> Option<Verified<Header>> {
        self.seen.awaited(&header.id()).filter(|known| ***known == *header).cloned()
    }

    /// Whether a message that is not here cannot be one that was forgotten.
    pub(crate) fn admits(&self, header: &Header, now: Instant) -> bool {
        self.seen.admits(header, now)
    }

    /// The neighbor that brings a source's messages: the first step of a path to it.
    pub(crate) fn parent(&self, source: &Address) -> Option<Address> {
        self.trees.parent(source)
    }

    /// Sends a message of this peer's own; the neighbors that it is handed to, or offered.
    pub(crate) fn publish(
        &mut self,
        message: &Verified<Message>,
        spread: Spread<'_>,
        now: Instant,
    ) -> Vec<Address> {
        self.insert(message, 0, true, now);
        let before = self.out.len();
        self.forward(message.id, None, &[], spread, now);
        let (mut handed, mut offered) = (Vec::new(), Set::new());
        for (to, packet) in &self.out[before..] {
            match packet {
                Packet::Data { .. } => handed.push(*to),
                Packet::Header { .. } => {
                    handed.push(*to);
                    offered.insert(*to);
                }
                _ => {}
            }
        }
        self.headers.insert(message.id, offered, now);
        handed
    }

    /// Offers a message of this peer's own to a neighbor once more.
    pub(crate) fn send_header_again(&mut self, id: MessageId, to: Address, now: Instant) {
        let Some(kept) = self.seen.kept(&id) else { return self.headers.decline(id, to) };
        self.out.push((to, Packet::header(1, kept.header)));
        self.headers.add(id, to, now);
    }

    /// A message from a neighbor.
    pub(crate) fn handle_data(
        &mut self,
        from: Address,
        hops: u8,
        message: Verified<Message>,
        spread: Spread<'_>,
        now: Instant,
    ) -> Outcome {
        let named_by = self.pulls.end(&message.id);
        if self.seen.has(&message.id) {
            self.handle_duplicate(from, &message.id, spread);
            return Outcome::Duplicate;
        }
        self.trees.set_parent(message.maker, from, now);
        if let Some(mut wanted) = self.seen.complete(&message, now) {
            // The payload that was being pulled.
            self.release(now);
            wanted.remove(&from);
            let hops = hops.saturating_add(1);
            for to in wanted {
                self.out.push((to, Packet::data(hops, &message.header, &message.payload)));
            }
        } else {
            self.insert(&message, hops, false, now);
            self.forward(message.id, Some(from), &named_by, spread, now);
        }
        Outcome::Deliver(Box::new(message), hops)
    }

    /// A header from a neighbor that is new here. `wants`: this peer wants the payload. What is for another is pulled when
    /// somebody asks for it: then this peer is on the way to its recipient.
    pub(crate) fn handle_header(
        &mut self,
        from: Address,
        hops: u8,
        header: Verified<Header>,
        wants: bool,
        spread: Spread<'_>,
        now: Instant,
    ) {
        let (id, source) = (header.id(), header.maker());
        self.trees.set_parent(source, from, now);
        self.seen.insert_header(id, from, &header, hops, now);
        if header.to.is_none() {
            self.digests.add(&id, header.sent_at, false, now);
        }
        if wants {
            let others = if header.to.is_some() { spread.links } else { &[] };
            self.pull_payload(id, from, others, header.size, now);
        }
        for &to in spread.links.iter().filter(|&&to| to != from) {
            self.out.push((to, Packet::header(hops.saturating_add(1), &header)));
        }
    }

    /// A header from a neighbor that was here before.
    pub(crate) fn handle_header_again(&mut self, from: Address, id: &MessageId, spread: Spread<'_>) {
        self.pulls.add(id, from);
        self.handle_duplicate(from, id, spread);
    }

    /// A copy of a message, or of a header, that was here before.
    pub(crate) fn handle_duplicate(&mut self, from: Address, id: &MessageId, spread: Spread<'_>) {
        self.headers.handle_heard(from, id);
        let Some((source, copies)) = self.seen.count_copy(id) else { return };
        if spread.copies().is_some_and(|limit| copies > limit) && self.trees.cut(&source, from) {
            self.out.push((from, Packet::Prune(source)));
        }
    }

    /// Names from a neighbor.
    pub(crate) fn handle_have(&mut self, from: Address, ids: Vec<MessageId>, now: Instant) {
        let mut room = self.pulls.room(&from);
        self.names.handle_heard(from, &ids, now);
        for id in ids.into_iter().take(MAX_HAVE) {
            self.headers.handle_heard(from, &id);
            if !self.pulls.add(&id, from) && room > 0 && !self.seen.contains(&id) {
                room -= 1;
                self.pulls.begin(id, from, now);
            }
        }
    }

    /// A neighbor pulls a message, and wants more of its source.
    pub(crate) fn handle_graft(&mut self, from: Address, id: MessageId, spread: Spread<'_>, now: Instant) {
        let was_offered = self.headers.take(&id, &from);
        if let Some(source) = self.seen.source(&id) {
            self.trees.handle_graft(from, &source, now);
        }
        let first = !self.seen.is_wanted(&id);
        match self.seen.pull(&id, from) {
            Some(packet) => self.out.push((from, packet)),
            None if was_offered => self.headers.decline(id, from),
            None if first => self.pull_for_another(id, spread, now),
            None => {}
        }
    }

    /// The payload of a direct message that looks for its recipient goes the way that its header came, backwards. Once: those
    /// who have no more than the header would ask each other for ever.
    fn pull_for_another(&mut self, id: MessageId, spread: Spread<'_>, now: Instant) {
        let Some((header, from)) = self.seen.header(&id) else { return };
        if header.to.is_some() && !self.pulls.contains(&id) {
            self.pull_payload(id, from, spread.links, header.size, now);
        }
    }

    /// Asks who brought the header, and when it takes too long the `others`: whoever is asked for what looks for its
    /// recipient asks on, and who is the fastest to bring headers may have nothing else.
    fn pull_payload(&mut self, id: MessageId, from: Address, others: &[Address], size: u32, now: Instant) {
        let given_up = self.pulls.make_room();
        self.give_up(given_up.into_iter().collect());
        let others = others.iter().copied().filter(|other| *other != from);
        self.pulls.begin_with_header(id, others.chain([from]), size, now);
        self.out.push((from, Packet::Graft(id)));
    }

    /// A neighbor wants only the names of a source's messages.
    pub(crate) fn handle_prune(&mut self, from: Address, source: Address) {
        self.trees.handle_prune(from, &source);
    }

    /// A neighbor wants the messages of a source again.
    pub(crate) fn handle_resume(&mut self, from: &Address, source: &Address) {
        self.trees.handle_resume(from, source);
    }

    /// A neighbor's digest; where it differs from ours, it learns what we have.
    pub(crate) fn handle_digest(&mut self, from: Address, bucket: u64, sum: u64, now: Instant) {
        self.digests.handle_digest(from, bucket, sum, now, &mut self.out);
    }

    /// A link is there: what went by just before may have missed the peer behind it, whose links change, too.
    pub(crate) fn handle_linked(&mut self, neighbor: Address, now: Instant) {
        let ids = self.seen.latest(RECENT, now);
        if !ids.is_empty() {
            self.out.push((neighbor, Packet::Have(ids)));
        }
    }

    /// The link to a neighbor gave way to another, and what was on its way on it is lost: whoever wants it asks again.
    pub(crate) fn handle_relinked(&mut self, neighbor: Address, now: Instant) {
        self.pulls.handle_relinked(neighbor, now);
        self.seen.handle_relinked(&neighbor);
    }

    /// A link is gone: what it was to bring, another must.
    pub(crate) fn handle_unlinked(&mut self, neighbor: &Address, now: Instant) {
        self.names.handle_unlinked(neighbor);
        self.digests.handle_unlinked(neighbor);
        self.headers.handle_unlinked(neighbor);
        self.trees.handle_unlinked(neighbor, now, &mut self.out);
        self.pulls.handle_unlinked(neighbor, now);
        self.seen.handle_unlinked(neighbor);
    }

    // Within.

    fn insert(&mut self, message: &Message, hops: u8, own: bool, now: Instant) {
        self.trees.heard(message.maker, now);
        self.seen.insert(message, hops, now);
        if message.header.to.is_none() {
            self.digests.add(&message.id, message.header.sent_at, own, now);
        }
        self.release(now);
    }

    fn release(&mut self, now: Instant) {
        // What was offered is about to be asked for.
        self.seen.release(|id| self.headers.contains(id), now);
    }

    /// Passes a message on: whole to some links, its header or its name to others, but to those who named it.
    fn forward(
        &mut self,
        id: MessageId,
        from: Option<Address>,
        named_by: &[Address],
        spread: Spread<'_>,
        now: Instant,
    ) {
        let Some(kept) = self.seen.kept(&id) else { return };
        let hops = kept.hops.saturating_add(1);
        let large = kept.payload.0.len() > LARGE;
        let direct = kept.header.to.is_some();
        let mut named = Vec::new();
        for &to in spread.links.iter().filter(|&&to| Some(to) != from) {
            let off_ring = spread.is_token() && !spread.ring.contains(&Some(to));
            let packet = match self.trees.wish(&kept.source, &to) {
                _ if direct && !kept.payload.0.is_empty() => Some(Packet::header(hops, kept.header)),
                _ if direct => Some(Packet::data(hops, kept.header, kept.payload)),
                Wish::Names => None,
                Wish::Unsaid if off_ring => None,
                Wish::Unsaid if large && !spread.is_token() => Some(Packet::header(hops, kept.header)),
                Wish::Unsaid | Wish::Messages => Some(Packet::data(hops, kept.header, kept.payload)),
            };
            match packet {
                Some(packet) => self.out.push((to, packet)),
                None => named.push(to),
            }
        }
        // The token takes its time; names heard earlier than it would only pull copies.
        let wait = spread.is_token().then_some(HAVE_TOKEN);
        for to in named.into_iter().filter(|to| !named_by.contains(to)) {
            self.names.add(to, id, spread.own < to, wait, now, &mut self.out);
        }
    }

    // Time.

    pub(crate) fn handle_timeout(&mut self, spread: Spread<'_>, random: &mut Random, now: Instant) {
        self.names.handle_timeout(now, &mut self.out);
        self.pull(spread, now);
        self.headers.handle_timeout(now);
        if self.digests.handle_timeout(spread.links, random, now, &mut self.out) {
            self.release(now);
        }
    }

    fn pull(&mut self, spread: Spread<'_>, now: Instant) {
        let size = |id: &MessageId| self.seen.awaited(id).map_or(0, |header| header.size);
        let given_up = self.pulls.handle_timeout(spread.links, size, now, &mut self.out);
        self.give_up(given_up);
    }

    /// The payloads of these headers do not come: a name heard later begins anew. What looks for its recipient has no name;
    /// whoever asked for it has it if it comes yet.
    fn give_up(&mut self, ids: Vec<MessageId>) {
        let mut gone = Set::new();
        for id in ids {
            if let Some(header) = self.seen.awaited(&id).filter(|header| header.to.is_none()) {
                self.digests.remove(&id, header.sent_at);
                gone.insert(id);
            }
        }
        self.seen.forget(&gone);
    }

    /// How many floors it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn count_floors(&self) -> usize {
        self.seen.count_floors()
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 6] {
        let [seen, kept] = self.seen.sizes();
        [seen, kept, self.trees.len(), self.pulls.len(), self.names.len(), self.digests.len()]
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let own = soonest(self.digests.poll_timeout(), self.headers.poll_timeout());
        soonest(own, soonest(self.names.poll_timeout(), self.pulls.poll_timeout()))
    }
}

#[cfg(test)]
mod tests;
