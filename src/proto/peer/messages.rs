//! The peer and messages: the page's on their way out, everybody's on their way through and in.

use std::collections::VecDeque;
use std::time::Duration;

use super::Peer;
use super::closing::Stage;
use crate::proto::broadcast::{self, Outcome};
use crate::proto::direct::{self, Acknowledgement, Direct, Due};
use crate::proto::id::{Address, MessageId};
use crate::proto::io::{Bytes, DeliveryFailure, Event, Receipt, Received, SendError};
use crate::proto::limits::{self, Bucket, Fault, Work};
use crate::proto::link::Packet;
use crate::proto::map::{Map, Set};
use crate::proto::message::{Draft, Header, Kind, Message, Payload};
use crate::proto::replay;
use crate::proto::sealed::SEALED;
use crate::proto::time::Instant;

/// Messages held, at most, however small they are.
const MAX_HELD: usize = 1 << 16;
/// Held messages that go at once, and the pause before more: proving them must not block a page's thread for
/// longer than a frame of its animation.
const RELEASE: (usize, Duration) = (64, Duration::from_millis(20));
/// Messages that wait for the key of one recipient, in bytes with all others.
const MAX_AWAITING: usize = 16 << 20;

/// The page's messages on their way.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Those that wait for the first neighbor, or because much was sent before them.
    held: VecDeque<Draft>,
    held_bytes: usize,
    /// When some of them may go.
    release_at: Option<Instant>,
    /// How much may be sent now.
    pace: Bucket,
    /// Broadcasts that some neighbors have not taken yet.
    broadcasts: Map<MessageId, Handed>,
    /// Direct messages that wait for their recipient's key.
    awaiting: Map<Address, Awaiting>,
    awaiting_bytes: usize,
}

#[derive(Debug)]
struct Handed {
    sent_at: Instant,
    to: Set<Address>,
}

#[derive(Debug)]
struct Awaiting {
    /// The question for the key.
    query: MessageId,
    drafts: Vec<Draft>,
}

impl Outgoing {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            held: VecDeque::new(),
            held_bytes: 0,
            release_at: None,
            pace: Bucket::new(limits::OWN, now),
            broadcasts: Map::new(),
            awaiting: Map::new(),
            awaiting_bytes: 0,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.release_at
    }

    /// Whether something is not where it should go yet.
    pub(super) fn is_pending(&self) -> bool {
        !(self.held.is_empty() && self.broadcasts.is_empty() && self.awaiting.is_empty())
    }

    /// How much it holds: messages held and their bytes, bytes that wait for keys.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn sizes(&self) -> [usize; 3] {
        [self.held.len(), self.held_bytes, self.awaiting_bytes]
    }
}

/// Whether a packet carries what is not this peer's own.
#[cfg(any(test, feature = "sim"))]
pub(super) fn is_others(packet: &Packet, me: &Address) -> bool {
    match packet {
        Packet::Broadcast(
            broadcast::Packet::Data { header, .. } | broadcast::Packet::Header { header, .. },
        ) => header.from() != *me,
        Packet::Broadcast(broadcast::Packet::Have(_)) => true,
        Packet::Direct(direct::Packet::Message { header, .. }) => header.from() != *me,
        Packet::Direct(direct::Packet::Acknowledgement(word)) => word.from() != *me,
        _ => false,
    }
}

impl Peer {
    // Out.

    /// Sends a payload to every peer of the swarm, or to one. `Event::Delivery` tells how it ended.
    ///
    /// Without a neighbor the message is held, in order, up to `Config::max_held` bytes.
    pub fn send(
        &mut self,
        to: Option<Address>,
        payload: Bytes,
        now: Instant,
    ) -> Result<MessageId, SendError> {
        let (size, limit) = (payload.0.len(), self.config.max_message_size);
        if self.stage != Stage::Open {
            return Err(SendError::Closed);
        }
        if size > limit {
            return Err(SendError::TooLarge { size, limit });
        }
        if to == Some(self.address) {
            return Err(SendError::ToSelf);
        }
        let draft = self.draft(to, Kind::Page, payload.0);
        let id = draft.id(&self.identity);
        let waits = self.neighbors.is_empty() || !self.outgoing.held.is_empty();
        if waits || !self.outgoing.pace.take(limits::message_cost(size), limits::OWN, now) {
            let held = self.outgoing.held_bytes;
            if held + size > self.config.max_held || self.outgoing.held.len() >= MAX_HELD {
                return Err(SendError::Full { held });
            }
            self.outgoing.held_bytes += size;
            self.outgoing.held.push_back(draft);
            self.release_later(now);
        } else {
            self.dispatch(draft, now);
        }
        self.stats.sent += 1;
        self.settle(now);
        Ok(id)
    }

    /// What was held goes, some of it now.
    pub(super) fn release_held(&mut self, now: Instant) {
        for _ in 0..RELEASE.0 {
            let Some(draft) = self.outgoing.held.front().filter(|_| !self.neighbors.is_empty()) else {
                break;
            };
            let size = draft.payload.0.len();
            if !self.outgoing.pace.take(limits::message_cost(size), limits::OWN, now) {
                break;
            }
            self.outgoing.held_bytes -= size;
            if let Some(draft) = self.outgoing.held.pop_front() {
                self.dispatch(draft, now);
            }
        }
        self.outgoing.release_at = None;
        self.release_later(now);
    }

    fn release_later(&mut self, now: Instant) {
        if !self.outgoing.held.is_empty() && !self.neighbors.is_empty() {
            self.outgoing.release_at = self.outgoing.release_at.or(Some(now + RELEASE.1));
        }
    }

    fn dispatch(&mut self, draft: Draft, now: Instant) {
        match draft.to {
            None => self.publish(draft, now),
            Some(to) => self.address_to(draft, to, now),
        }
    }

    fn publish(&mut self, draft: Draft, now: Instant) {
        let message = draft.sign(&self.identity, &self.config.swarm, now);
        let to = self.with_spread(|broadcast, spread, _| broadcast.publish(&message, spread, now));
        if to.is_empty() {
            self.deliver_receipt(message.id, Receipt { hops: 0, rtt: Duration::ZERO });
        } else {
            let handed = Handed { sent_at: now, to: to.into_iter().collect() };
            self.outgoing.broadcasts.insert(message.id, handed);
        }
    }

    /// Seals and sends a direct message, or asks for the recipient's key first.
    fn address_to(&mut self, draft: Draft, to: Address, now: Instant) {
        let id = draft.id(&self.identity);
        let Some(key) = self.keys.get(&to) else { return self.await_key(draft, to, now) };
        let Some(sealed) = self.identity.seal(&key, &id.0, &draft.payload.0, &mut self.random) else {
            return self.emit(Event::Delivery(id, Err(DeliveryFailure::Unreachable)));
        };
        let draft = Draft { payload: Payload(sealed.into()), ..draft };
        self.send_direct(draft.sign(&self.identity, &self.config.swarm, now), to, now);
    }

    fn send_direct(&mut self, message: Message, to: Address, now: Instant) {
        let known = self.known();
        let paths = self.paths(&known, Some(&to));
        self.direct.send(message, paths, now);
    }

    fn await_key(&mut self, draft: Draft, to: Address, now: Instant) {
        let size = draft.payload.0.len();
        let id = draft.id(&self.identity);
        if self.outgoing.awaiting_bytes + size > MAX_AWAITING {
            return self.emit(Event::Delivery(id, Err(DeliveryFailure::Unreachable)));
        }
        self.outgoing.awaiting_bytes += size;
        if let Some(awaiting) = self.outgoing.awaiting.get_mut(&to) {
            awaiting.drafts.push(draft);
            return;
        }
        let query = self.draft(Some(to), Kind::KeyQuery, Vec::new());
        let query = query.sign(&self.identity, &self.config.swarm, now);
        self.outgoing.awaiting.insert(to, Awaiting { query: query.id, drafts: vec![draft] });
        self.send_direct(query, to, now);
    }

    fn take_awaiting(&mut self, to: &Address, query: &MessageId) -> Option<Vec<Draft>> {
        if self.outgoing.awaiting.get(to)?.query != *query {
            return None;
        }
        let drafts = self.outgoing.awaiting.remove(to)?.drafts;
        let bytes: usize = drafts.iter().map(|draft| draft.payload.0.len()).sum();
        self.outgoing.awaiting_bytes = self.outgoing.awaiting_bytes.saturating_sub(bytes);
        Some(drafts)
    }

    fn deliver_receipt(&mut self, id: MessageId, receipt: Receipt) {
        self.emit(Event::Delivery(id, Ok(receipt)));
    }

    /// A link is gone, and with it what it had not taken.
    pub(super) fn handle_link_lost(&mut self, neighbor: &Address) {
        for handed in self.outgoing.broadcasts.values_mut() {
            handed.to.remove(neighbor);
        }
    }

    /// The link to a neighbor gave way to another: what the old one had not brought is offered on the new one.
    pub(super) fn handle_link_replaced(&mut self, neighbor: Address, now: Instant) {
        self.broadcast.handle_relinked(neighbor, now);
        for (&id, handed) in self.outgoing.broadcasts.iter() {
            if handed.to.contains(&neighbor) {
                self.broadcast.offer_again(id, neighbor, now);
            }
        }
    }

    /// Everything unacknowledged fails: this peer leaves.
    pub(super) fn fail_outgoing(&mut self) {
        let held = std::mem::take(&mut self.outgoing.held).into_iter().map(|draft| draft.id(&self.identity));
        let mut ids: Vec<_> = held.collect();
        ids.extend(std::mem::take(&mut self.outgoing.broadcasts).into_iter().map(|(id, _)| id));
        for (_, awaiting) in std::mem::take(&mut self.outgoing.awaiting) {
            ids.extend(awaiting.drafts.iter().map(|draft| draft.id(&self.identity)));
        }
        ids.extend(self.direct.take_pending());
        for id in ids {
            self.emit(Event::Delivery(id, Err(DeliveryFailure::Closed)));
        }
    }

    /// Hands the machines' packets to the links, and tells what the links have taken.
    pub(super) fn flush_messages(&mut self, now: Instant) {
        for (to, packet) in self.broadcast.drain() {
            let own = match &packet {
                broadcast::Packet::Data { header, .. } if header.from() == self.address => Some(header.id()),
                _ => None,
            };
            self.send_packet(&to, Packet::Broadcast(packet), own);
        }
        for (to, packet) in self.direct.drain() {
            let own = match &packet {
                direct::Packet::Message { header, .. } if header.from() == self.address => Some(header.id()),
                _ => None,
            };
            self.send_packet(&to, Packet::Direct(packet), own);
        }
        for conn in self.conns.values_mut() {
            for id in conn.link.taken.drain(..) {
                if let (Some(handed), Some(peer)) = (self.outgoing.broadcasts.get_mut(&id), conn.peer) {
                    handed.to.remove(&peer);
                }
            }
        }
        for (id, neighbor) in self.broadcast.take_declined() {
            if let Some(handed) = self.outgoing.broadcasts.get_mut(&id) {
                handed.to.remove(&neighbor);
            }
        }
        let done = self.outgoing.broadcasts.extract_if(|_, handed| handed.to.is_empty());
        for (id, handed) in done.collect::<Vec<_>>() {
            self.deliver_receipt(id, Receipt { hops: 0, rtt: now - handed.sent_at });
        }
    }

    // In.

    pub(super) fn handle_broadcast(&mut self, from: Address, packet: broadcast::Packet, now: Instant) {
        match packet {
            broadcast::Packet::Data { hops, header, payload } => {
                self.handle_data(from, hops, *header, payload, now);
            }
            broadcast::Packet::Header { hops, header } => {
                let id = header.id();
                let known = self.broadcast.has_header(&id);
                if known || self.is_new(&header) && self.is_acceptable(from, &header, now) {
                    self.with_spread(|broadcast, spread, _| {
                        broadcast.handle_header(from, hops, *header, spread, now);
                    });
                }
            }
            broadcast::Packet::Have(ids) => self.broadcast.handle_have(from, ids, now),
            broadcast::Packet::Graft(id) => self.broadcast.handle_graft(from, id, now),
            broadcast::Packet::Prune(source) => self.broadcast.handle_prune(from, source),
            broadcast::Packet::Resume(source) => self.broadcast.handle_resume(&from, &source),
            broadcast::Packet::Digest { bucket, sum } => {
                self.broadcast.handle_digest(from, bucket, sum, now);
            }
        }
    }

    fn handle_data(&mut self, from: Address, hops: u8, header: Header, payload: Payload, now: Instant) {
        let id = header.id();
        if self.broadcast.has(&id) {
            self.stats.duplicates += 1;
            return self.with_spread(|broadcast, spread, _| broadcast.handle_duplicate(from, &id, spread));
        }
        let known = self.broadcast.vouches_for(&header);
        let good = known || self.is_new(&header) && self.is_acceptable(from, &header, now);
        if !good {
            return;
        }
        let Some(message) = self.assemble(from, header, payload, now) else { return };
        let outcome =
            self.with_spread(|broadcast, spread, _| broadcast.handle_data(from, hops, message, spread, now));
        match outcome {
            Outcome::Duplicate => self.stats.duplicates += 1,
            Outcome::Deliver(message, hops) => match message.header.to {
                None => {
                    let mut has = vec![message.from];
                    has.extend((from != message.from).then_some(from));
                    has.push(self.address);
                    self.deliver(&message, message.payload.0.to_vec(), has, hops);
                }
                // The last resort of a direct message.
                Some(to) if to == self.address => self.arrive(*message, Vec::new(), hops, now),
                Some(_) => {}
            },
        }
    }

    /// Whether a broadcast that is not remembered is none that was forgotten.
    fn is_new(&mut self, header: &Header) -> bool {
        let new = self.broadcast.admits(header);
        if !new {
            self.drop_because("replay");
        }
        new
    }

    /// Whether a header that is new here is worth more work: recent, within the limits, and made by the key it
    /// names, which is the one we know of its address. What is cheap to check comes first; what is not the
    /// neighbor's fault (clocks, settings and pins differ between honest peers) is only counted.
    fn is_acceptable(&mut self, from: Address, header: &Header, now: Instant) -> bool {
        let maker = header.key.address();
        let cause = if !replay::is_recent(header.sent_at, now) {
            "clock"
        } else if header.size as usize > self.config.max_message_size + SEALED {
            "size"
        } else if !self.limits.allows_origin(&maker, now) {
            "origin above its rate"
        } else if !self.allows_work(from, Work::Proof, now) {
            return false;
        } else if !header.verify(&self.config.swarm) {
            self.blame_forgery(from, header, now);
            "forged"
        } else if !self.keys.learn(header.from(), header.key, now) {
            "claimed address"
        } else {
            self.limits.charge_origin(maker, header.size as usize, now);
            return true;
        };
        self.drop_because(cause);
        false
    }

    /// Puts a message together whose header is good; its neighbor was to check that the payload is, too.
    fn assemble(&mut self, from: Address, header: Header, payload: Payload, now: Instant) -> Option<Message> {
        if !header.matches(&payload.0) {
            self.blame_forgery(from, &header, now);
            self.drop_because("payload");
            return None;
        }
        Some(Message::new(header, payload))
    }

    fn blame_forgery(&mut self, from: Address, header: &Header, now: Instant) {
        let evidence = format!("passed on message {} that {} did not make", header.id(), header.from());
        self.blame(from, Fault::Forged, &evidence, now);
    }

    fn deliver(&mut self, message: &Message, payload: Vec<u8>, has: Vec<Address>, hops: u8) {
        self.stats.delivered += 1;
        self.emit(Event::Message(Received {
            payload: Bytes(payload),
            from: message.from,
            id: message.id,
            to: message.header.to,
            has,
            verified: message.header.is_self_proving(),
            hops,
        }));
    }

    pub(super) fn handle_direct(&mut self, from: Address, packet: direct::Packet, now: Instant) {
        match packet {
            direct::Packet::Message { header, payload, path, attempt } => {
                self.handle_direct_message(from, *header, payload, path, attempt, now);
            }
            direct::Packet::Taken { id, attempt } => self.direct.handle_taken(&from, id, attempt),
            direct::Packet::Stuck { id, attempt } => {
                if self.direct.handle_stuck(&from, id, attempt) {
                    self.reroute(id, attempt, now);
                }
            }
            direct::Packet::Acknowledgement(word) => {
                if self.allows_work(from, Work::Errand, now) {
                    self.handle_acknowledgement(*word, now);
                }
            }
        }
    }

    fn handle_direct_message(
        &mut self,
        from: Address,
        header: Header,
        payload: Payload,
        path: Vec<Address>,
        attempt: u8,
        now: Instant,
    ) {
        let Some(to) = header.to else { return self.drop_because("direct without recipient") };
        let sender = header.from();
        if sender == self.address {
            return self.drop_because("direct in a circle");
        }
        if !direct::is_possible(&path, &sender, &from) {
            self.drop_because("path");
            return self.blame(from, Fault::Lied, "lied about the path of a message", now);
        }
        if !self.is_acceptable(from, &header, now) {
            return;
        }
        let Some(message) = self.assemble(from, header, payload, now) else { return };
        if to == self.address {
            self.direct.take(from, message.id, attempt);
            let hops = u8::try_from(path.len()).unwrap_or(u8::MAX);
            return self.arrive(message, path, hops, now);
        }
        let known = self.known();
        let paths = self.paths(&known, Some(&to));
        self.direct.relay(from, message, path, attempt, paths, now);
    }

    /// A direct message reached its recipient: deliver it once, acknowledge it every time.
    fn arrive(&mut self, message: Message, path: Vec<Address>, hops: u8, now: Instant) {
        let plain = match message.header.kind {
            Kind::KeyQuery => None,
            Kind::Page => match self.identity.open(&message.header.key, &message.id.0, &message.payload.0) {
                Some(plain) => Some(plain),
                None => return self.drop_because("sealed box"),
            },
        };
        let claimed = self.config.address.filter(|claimed| *claimed != self.identity.address());
        let (identity, swarm) = (&self.identity, &self.config.swarm);
        let word = Acknowledgement::sign(&message, claimed, path.clone(), hops, identity, swarm);
        self.send_acknowledgement(word);
        let maker = message.header.key.address();
        if self.recent.take(message.id, maker, message.header.sent_at, now)
            && let Some(plain) = plain
        {
            let mut has = path;
            if has.is_empty() {
                has.push(message.from);
            }
            has.push(self.address);
            self.deliver(&message, plain, has, hops);
        }
    }

    fn send_acknowledgement(&mut self, mut word: Acknowledgement) {
        let known = self.known();
        let next = Direct::return_hop(&mut word.path, &word.to, self.paths(&known, Some(&word.to)));
        match next.filter(|_| word.hops_left > 0) {
            Some(next) => {
                word.hops_left -= 1;
                let packet = Packet::Direct(direct::Packet::Acknowledgement(Box::new(word)));
                self.send_packet(&next, packet, None);
            }
            None => self.drop_because("acknowledgement without a way"),
        }
    }

    fn handle_acknowledgement(&mut self, mut word: Acknowledgement, now: Instant) {
        if word.path.len() > direct::MAX_RING_HOPS {
            return self.drop_because("acknowledgement");
        }
        word.hops_left = word.hops_left.min(direct::MAX_RING_HOPS as u16);
        if word.to != self.address {
            return self.send_acknowledgement(word);
        }
        let from = word.from();
        let Some(to) = self.direct.recipient(&word.id) else { return };
        if to != from || !self.keys.knows(&from, &word.key) || !word.verify(&self.config.swarm) {
            return self.drop_because("acknowledgement");
        }
        self.keys.learn(from, word.key, now);
        let Some(rtt) = self.direct.handle_acknowledged(&word.id, now) else { return };
        match self.take_awaiting(&to, &word.id) {
            Some(drafts) => {
                for draft in drafts {
                    self.address_to(draft, to, now);
                }
            }
            None => self.deliver_receipt(word.id, Receipt { hops: word.hops, rtt }),
        }
    }

    // Time.

    fn reroute(&mut self, id: MessageId, attempt: u8, now: Instant) {
        let known = self.known();
        let to = self.direct.destination(&id, attempt);
        let paths = self.paths(&known, to.as_ref());
        self.direct.reroute(id, attempt, paths, now);
    }

    pub(super) fn tick_messages(&mut self, now: Instant) {
        if self.outgoing.release_at.is_some_and(|at| at <= now) {
            self.release_held(now);
        }
        self.with_spread(|broadcast, spread, random| broadcast.handle_timeout(spread, random, now));
        for due in self.direct.handle_timeout(self.config.max_peers, now) {
            match due {
                Due::Reroute(id, attempt) => self.reroute(id, attempt, now),
                Due::Retry(id) => {
                    // A try more is a message more to those on its way.
                    self.outgoing.pace.charge(1.0, limits::OWN, now);
                    let known = self.known();
                    let paths = self.paths(&known, None);
                    self.direct.attempt(id, paths, now);
                }
                Due::LastResort(message) => {
                    self.with_spread(|broadcast, spread, _| broadcast.publish(&message, spread, now));
                }
                Due::Failed { message, stuck } => {
                    let failure = if stuck { DeliveryFailure::Unreachable } else { DeliveryFailure::Timeout };
                    let to = message.header.to;
                    match to.and_then(|to| self.take_awaiting(&to, &message.id)) {
                        Some(drafts) => {
                            for draft in drafts {
                                self.emit(Event::Delivery(draft.id(&self.identity), Err(failure)));
                            }
                        }
                        None => self.emit(Event::Delivery(message.id, Err(failure))),
                    }
                }
            }
        }
    }
}
