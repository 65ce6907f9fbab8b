//! Direct messages: to one peer, hop by hop towards its address, acknowledged by it.
//!
//! Each hop takes, of all paths in its three-link view, the one that looks shortest in time: the round trips
//! it knows plus an estimate of what lies beyond, which grows with the number of peers between the path's end
//! and the recipient. A hop that does not confirm in time is left out and the next best takes over
//! ([`Packet::Taken`]); one that knows no further path gives the message back ([`Packet::Stuck`]). The
//! recipient signs an acknowledgement that returns along the path. Without one the sender tries other first
//! hops, remembers which neighbors keep their promises, and at last asks the whole swarm.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::message::{Header, Kind, Message, Payload, Verified};
use crate::proto::id::{Address, MessageId};
use crate::proto::identity::{Claim, Identity, PublicKey, Signature};
use crate::proto::map::{Map, Set};
use crate::proto::neighborhood::patient;
use crate::proto::ring::{self, Known};
use crate::proto::secret::SwarmTag;
use crate::proto::time::Instant;

mod waits;

use waits::Waits;

/// A neighbor that has not confirmed a message for this long is passed over, unless its link is slower, or it [took
/// longer](Waits) of late: a page that is busy must not be busier by the copies that go round it.
const TAKEN: Duration = Duration::from_millis(250);
/// ... but so many times as long at most. Who confirms late on purpose delays by that, less than by confirming and dropping.
const TAKEN_MOST: u32 = 16;
/// Nor longer than that, with what this page is late itself.
const TAKEN_LONGEST: Duration = Duration::from_secs(5);
/// A page whose timers ring late is busy, and so are others on its machine: it waits for so many times as long in addition.
/// Without that, each of its messages went round each of its neighbors, and theirs, and all were busier.
const LATENESS: u32 = 4;
/// ... as long as that was seen within this time.
const LATELY: Duration = Duration::from_secs(10);
/// First wait for the recipient's acknowledgement, unless it [took longer](Waits) of late, and some more for a large message;
/// twice that from the third try on.
const ACKNOWLEDGED: Duration = Duration::from_millis(1500);
const ACKNOWLEDGED_MOST: u32 = 4;
/// Tries along paths; after them the message is broadcast.
const TRIES: u8 = 4;
/// ... and the broadcast gets this long.
const LAST_RESORT: Duration = Duration::from_secs(5);
/// A direct message that crossed so many links is passed on no more.
const MAX_HOPS: usize = 64;
/// ... or so many, by a peer with two links, in a ring. A swarm may have peers of both kinds.
pub(crate) const MAX_RING_HOPS: usize = 512;
/// Messages of others under way through this peer, at most, and the bytes of their payloads.
const MAX_RELAYED: usize = 1024;
const MAX_RELAYED_BYTES: usize = 32 << 20;
/// Messages of our own of which a second acknowledgement is worth a look. A guess: what a page sends while one comes back.
const MAX_RETRIED: usize = 64;
/// A relayed message is forgotten after this time.
const RELAY: Duration = Duration::from_secs(30);
/// Reputation of a neighbor that nothing is known of, and how much its lack costs.
const REPUTATION: (f64, f64) = (0.9, 12.0);
/// What an acknowledgement's proof is for.
const DOMAIN: &str = "easypeers acknowledgement 3";

/// What travels between neighbors for direct messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// Onwards to the recipient.
    Message {
        header: Box<Header>,
        payload: Payload,
        /// The peers it visited, the sender first.
        path: Vec<Address>,
        /// Which of the sender's tries this is.
        attempt: u8,
    },
    /// I have it and pass it on.
    Taken { id: MessageId, attempt: u8 },
    /// I know no further path; it is yours again.
    Stuck { id: MessageId, attempt: u8 },
    /// Back to the sender: the recipient has it.
    Acknowledgement(Box<Acknowledgement>),
}

/// The recipient's word that a message arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Acknowledgement {
    pub(crate) id: MessageId,
    /// The sender of the message.
    pub(crate) to: Address,
    /// The recipient's key.
    pub(crate) key: PublicKey,
    /// Links that the message crossed.
    pub(crate) hops: u8,
    signature: Signature,
    /// The way back that is left, the sender first.
    pub(crate) path: Vec<Address>,
    /// Links it may still cross.
    pub(crate) hops_left: u16,
}

/// Links after which a peer with so many of its own passes a direct message on no more.
fn max_hops(max_peers: usize) -> usize {
    if max_peers > 2 { MAX_HOPS } else { MAX_RING_HOPS }
}

/// Whether the path that a neighbor says a message took can be true: from its sender, over that neighbor, and
/// not too long. What lies between is hearsay.
pub(crate) fn is_possible(path: &[Address], sender: &Address, neighbor: &Address) -> bool {
    path.len() <= MAX_RING_HOPS && path.first() == Some(sender) && path.last() == Some(neighbor)
}

impl Acknowledgement {
    /// Says that this very message arrived: its header, and with it the box that it speaks of. It lacks its proof.
    pub(crate) fn of(message: &Message, path: Vec<Address>, hops: u8, key: PublicKey) -> Self {
        let (signature, hops_left) = (Signature::default(), MAX_RING_HOPS as u16);
        Self { id: message.id, to: message.maker, key, hops, signature, path, hops_left }
    }

    /// Signs what is said at once, each with the hash of the header that it is about.
    pub(crate) fn sign_all(words: &mut [(Self, [u8; 32])], identity: &Identity) {
        let statements: Vec<_> = words.iter().map(|(word, header)| word.statement(header)).collect();
        let signatures = identity.sign_all(DOMAIN, &statements);
        words.iter_mut().zip(signatures).for_each(|((word, _), signature)| word.signature = signature);
    }

    /// Signs one alone.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sign(
        message: &Message,
        path: Vec<Address>,
        hops: u8,
        identity: &Identity,
        swarm: &SwarmTag,
    ) -> Self {
        let mut word = Self::of(message, path, hops, identity.public_key());
        word.signature = identity.sign(DOMAIN, &word.statement(&message.header.hash(swarm)));
        word
    }

    /// What its proof is about.
    fn statement(&self, header: &[u8; 32]) -> Vec<u8> {
        [&header[..], &self.from().0, &[self.hops]].concat()
    }

    /// Who says so.
    pub(crate) fn from(&self) -> Address {
        self.key.address()
    }

    /// What is left to check: whether the recipient of a message says that it arrived. `None`: it does not.
    pub(crate) fn claim(&self, of: &Header, swarm: &SwarmTag) -> Option<Claim> {
        let statement = || self.statement(&of.hash(swarm));
        if of.to == Some(self.from()) { self.signature.claim(&self.key, DOMAIN, &statement()) } else { None }
    }

    /// Whether the recipient of a message says that it arrived.
    #[cfg(test)]
    pub(crate) fn verify(&self, of: &Message, swarm: &SwarmTag) -> bool {
        self.claim(&of.header, swarm).is_some_and(|claim| claim.holds())
    }
}

/// A message of our own that is not acknowledged yet.
#[derive(Debug)]
struct Mine {
    message: Verified<Message>,
    sent_at: Instant,
    tries: u8,
    next_at: Instant,
    /// First hops that did not lead to an acknowledgement.
    tried: Set<Address>,
    last: Option<Address>,
    /// The recipient, a neighbor, has it: its acknowledgement comes, or the link ends.
    is_there: bool,
    /// ... and is given what is left of the time.
    is_awaited: bool,
    /// The last try found no path at all.
    stuck: bool,
    resorted: bool,
}

/// A message on its way through this peer (or from it).
#[derive(Debug)]
struct Relay {
    message: Verified<Message>,
    /// The peers before this one, the sender first.
    path: Vec<Address>,
    /// Neighbors that it was handed to, and those that it should not be.
    tried: Set<Address>,
    /// To whom, and when.
    handed: Vec<(Address, Instant)>,
    /// The neighbor that must confirm it, and until when.
    waiting: Option<(Address, Instant)>,
    until: Instant,
}

/// What the world looks like when a path is chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paths<'a> {
    pub(crate) me: Address,
    pub(crate) known: &'a [Known],
    pub(crate) max_peers: usize,
    /// The neighbor that brings the recipient's broadcasts.
    pub(crate) learned: Option<Address>,
}

/// What a timer of this machine asks of its peer.
#[derive(Debug, PartialEq)]
pub(crate) enum Due {
    /// Send this message again: a new try.
    Retry(MessageId),
    /// Ask the whole swarm, by the header.
    LastResort(Box<Verified<Message>>),
    /// Nobody acknowledged it; `stuck`: no path was found in the end.
    Failed { message: Box<Verified<Message>>, stuck: bool },
    /// Hand this relayed message to another neighbor.
    Reroute(MessageId, u8),
}

/// Direct messages of one peer.
#[derive(Debug)]
pub(crate) struct Direct {
    mine: Map<MessageId, Box<Mine>>,
    relays: Map<(MessageId, u8), Box<Relay>>,
    /// How often a neighbor's paths led to an acknowledgement: an average that forgets.
    reputation: Map<Address, f64>,
    /// How long recipients take to acknowledge.
    waits: Waits,
    /// How long neighbors take to confirm.
    hops: Waits,
    /// How late this page looked at a timer, and when.
    late: (Duration, Instant),
    /// The last of our messages that were acknowledged when they had been tried more than once.
    retried: VecDeque<Header>,
    out: Vec<(Address, Packet)>,
}

impl Default for Direct {
    fn default() -> Self {
        Self {
            mine: Map::new(),
            relays: Map::new(),
            reputation: Map::new(),
            waits: Waits::new(ACKNOWLEDGED_MOST),
            hops: Waits::new(TAKEN_MOST),
            late: (Duration::ZERO, Instant::default()),
            retried: VecDeque::new(),
            out: Vec::new(),
        }
    }
}

impl Direct {
    /// What must go out to whom.
    pub(crate) fn drain(&mut self) -> Vec<(Address, Packet)> {
        std::mem::take(&mut self.out)
    }

    /// Sends a message of this peer's own.
    pub(crate) fn send(&mut self, message: Verified<Message>, paths: Paths<'_>, now: Instant) {
        let id = message.id;
        let mine = Mine {
            message,
            sent_at: now,
            tries: 0,
            next_at: now,
            tried: Set::new(),
            last: None,
            is_there: false,
            is_awaited: false,
            stuck: false,
            resorted: false,
        };
        self.mine.insert(id, Box::new(mine));
        self.attempt(id, paths, now);
    }

    /// Whether any of our messages is not acknowledged yet.
    pub(crate) fn is_busy(&self) -> bool {
        !self.mine.is_empty()
    }

    /// One of our messages that is not acknowledged yet.
    pub(crate) fn pending(&self, id: &MessageId) -> Option<&Message> {
        self.mine.get(id).map(|mine| &*mine.message)
    }

    /// One that was acknowledged when it had been tried more than once.
    pub(crate) fn retried(&self, id: &MessageId) -> Option<&Header> {
        self.retried.iter().find(|header| header.id() == *id)
    }

    /// The recipient of such a one acknowledges another copy of it.
    pub(crate) fn handle_acknowledged_again(&mut self, id: &MessageId) {
        let place = self.retried.iter().position(|header| header.id() == *id);
        if let Some(to) = place.and_then(|place| self.retried.remove(place)).and_then(|header| header.to) {
            self.waits.double(to);
        }
    }

    /// Whom a message under way is for.
    pub(crate) fn destination(&self, id: &MessageId, attempt: u8) -> Option<Address> {
        self.relays.get(&(*id, attempt))?.message.header.to
    }

    /// Gives up everything of our own that is not acknowledged.
    pub(crate) fn take_pending(&mut self) -> Vec<MessageId> {
        let page =
            |(id, mine): (MessageId, Box<Mine>)| (mine.message.header.kind == Kind::Page).then_some(id);
        std::mem::take(&mut self.mine).into_iter().filter_map(page).collect()
    }

    /// Gives up one of our own, and every try of it that is still here.
    pub(crate) fn give_up(&mut self, id: &MessageId) -> bool {
        let ours = self.mine.remove(id).is_some();
        self.relays.retain(|(relayed, _), _| !ours || relayed != id);
        ours
    }

    /// Lets go of a message on its way through this peer that its maker takes back; `true`: there was one.
    pub(crate) fn withdraw(&mut self, id: &MessageId, maker: &Address) -> bool {
        let before = self.relays.len();
        self.relays.retain(|(relayed, _), relay| relayed != id || relay.message.maker != *maker);
        self.relays.len() < before
    }

    /// Starts a try along a path that was not tried yet, as far as there is one.
    pub(crate) fn attempt(&mut self, id: MessageId, paths: Paths<'_>, now: Instant) {
        let Some(mine) = self.mine.get_mut(&id) else { return };
        mine.tries += 1;
        let late = lateness(self.late, now);
        mine.next_at = now + late + patience(&mine.message, mine.tries - 1, paths.max_peers, &self.waits);
        if let Some(last) = mine.last.take() {
            mine.tried.insert(last);
        }
        let links = paths.known.iter().filter(|k| k.hops == 1);
        if links.clone().all(|k| mine.tried.contains(&k.address)) {
            mine.tried.clear();
        }
        let relay = Relay {
            message: mine.message.clone(),
            path: Vec::new(),
            tried: mine.tried.clone(),
            handed: Vec::new(),
            waiting: None,
            until: now + RELAY,
        };
        let attempt = mine.tries;
        self.relays.insert((id, attempt), Box::new(relay));
        let first = self.pass_on(id, attempt, paths, now);
        if let Some(mine) = self.mine.get_mut(&id) {
            mine.last = first;
            mine.stuck = first.is_none();
            if first.is_none() {
                // Nobody to give it to right now: try again soon rather than wait for nothing.
                mine.next_at = now + TAKEN;
            }
        }
    }

    /// A message for somebody else came from a neighbor.
    pub(crate) fn relay(
        &mut self,
        from: Address,
        message: Verified<Message>,
        path: Vec<Address>,
        attempt: u8,
        paths: Paths<'_>,
        now: Instant,
    ) {
        let (id, key) = (message.id, (message.id, attempt));
        if path.len() >= max_hops(paths.max_peers) || self.relays.contains_key(&key) {
            self.out.push((from, Packet::Stuck { id, attempt }));
            return;
        }
        let size = |relay: &Relay| relay.message.payload.0.len();
        let is_others = |relay: &Relay| !relay.path.is_empty();
        let others = self.relays.values().filter(|relay| is_others(relay));
        let mut bytes: usize = others.map(|relay| size(relay)).sum();
        while self.relays.len() >= MAX_RELAYED || bytes > MAX_RELAYED_BYTES {
            let oldest = self.relays.iter().filter(|(_, relay)| is_others(relay));
            let oldest = oldest.min_by_key(|(_, relay)| relay.until).map(|(&key, _)| key);
            let Some(relay) = oldest.and_then(|key| self.relays.remove(&key)) else { break };
            bytes -= size(&relay);
        }
        let tried = Set::from_iter([from]);
        let relay = Relay { message, path, tried, handed: Vec::new(), waiting: None, until: now + RELAY };
        self.relays.insert(key, Box::new(relay));
        match self.pass_on(id, attempt, paths, now) {
            Some(_) => self.out.push((from, Packet::Taken { id, attempt })),
            None => {
                self.relays.remove(&key);
                self.out.push((from, Packet::Stuck { id, attempt }));
            }
        }
    }

    /// Confirms to a neighbor that a message for this peer is here.
    pub(crate) fn take(&mut self, from: Address, id: MessageId, attempt: u8) {
        self.out.push((from, Packet::Taken { id, attempt }));
    }

    /// A neighbor has a message: it passes it on, or is its recipient.
    pub(crate) fn handle_taken(&mut self, from: &Address, id: MessageId, attempt: u8, now: Instant) {
        let Some(relay) = self.relays.get_mut(&(id, attempt)) else { return };
        relay.waiting.take_if(|(next, _)| next == from);
        let Some(place) = relay.handed.iter().position(|(to, _)| to == from) else { return };
        let (_, since) = relay.handed.remove(place);
        // What a large one takes beyond the time that is allowed for it.
        let took = (now - since).saturating_sub(transfer_time(relay.message.header.size));
        self.hops.note(*from, took);
        if let Some(mine) = self.mine.get_mut(&id).filter(|mine| mine.message.header.to == Some(*from)) {
            mine.is_there = true;
        }
    }

    /// A neighbor knows no further path; `true`: try another.
    pub(crate) fn handle_stuck(&mut self, from: &Address, id: MessageId, attempt: u8) -> bool {
        let relay = self.relays.get_mut(&(id, attempt));
        relay.is_some_and(|relay| relay.waiting.take_if(|(next, _)| next == from).is_some())
    }

    /// Hands a relayed message to the next best neighbor; with none left it goes back to where it came from.
    pub(crate) fn reroute(&mut self, id: MessageId, attempt: u8, paths: Paths<'_>, now: Instant) {
        if let Some(next) = self.pass_on(id, attempt, paths, now) {
            // Our own: what comes of this try is to the credit of the neighbor that has it now.
            let mine = self.mine.get_mut(&id).filter(|mine| mine.tries == attempt && !mine.resorted);
            if let Some(mine) = mine
                && let Some(before) = mine.last.replace(next)
            {
                mine.tried.insert(before);
                self.rate(before, false);
            }
            return;
        }
        if let Some(relay) = self.relays.remove(&(id, attempt)) {
            match relay.path.last() {
                Some(&before) => self.out.push((before, Packet::Stuck { id, attempt })),
                // Our own: the next try need not wait.
                None => {
                    if let Some(mine) = self.mine.get_mut(&id) {
                        mine.next_at = mine.next_at.min(now + TAKEN);
                        mine.stuck = true;
                    }
                }
            }
        }
    }

    /// The recipient has one of our messages: how long it took. Its proof is verified.
    pub(crate) fn handle_acknowledged(&mut self, id: &MessageId, now: Instant) -> Option<Duration> {
        let mine = self.mine.remove(id)?;
        // When it took the whole swarm, no neighbor's paths led there.
        if let Some(last) = mine.last.filter(|_| !mine.resorted) {
            self.rate(last, true);
        }
        for attempt in 0..=mine.tries {
            self.relays.remove(&(*id, attempt));
        }
        let took = now - mine.sent_at;
        match mine.message.header.to.filter(|_| mine.tries == 1) {
            Some(to) => self.waits.note(to, took),
            None => {
                self.retried.push_back(mine.message.header.clone());
                if self.retried.len() > MAX_RETRIED {
                    self.retried.pop_front();
                }
            }
        }
        Some(took)
    }

    /// The next peer for an acknowledgement on its way back; shortens the path where a link allows it. Without a
    /// path, as after the last resort, it goes where the sender's broadcasts come from: they did get through there.
    pub(crate) fn return_hop(path: &mut Vec<Address>, to: &Address, paths: Paths<'_>) -> Option<Address> {
        let links: Vec<_> = paths.known.iter().filter(|k| k.hops == 1).map(|k| k.address).collect();
        let is_link = |address: &Address| links.contains(address);
        if let Some(index) = path.iter().position(is_link) {
            let next = path[index];
            path.truncate(index);
            return Some(next);
        }
        path.clear();
        if let Some(learned) = paths.learned.filter(is_link) {
            return Some(learned);
        }
        let known = paths.known.iter().find(|k| k.address == *to);
        let own = ring::distance(&paths.me, to);
        known
            .or_else(|| paths.known.iter().min_by(|a, b| ring::nearer(to, &a.address, &b.address)))
            .filter(|k| k.address == *to || ring::distance(&k.address, to) < own)
            .map(|k| k.via)
    }

    /// A link is gone: whoever waited for it waits no longer.
    pub(crate) fn handle_unlinked(&mut self, neighbor: &Address, now: Instant) {
        self.reputation.remove(neighbor);
        self.hops.forget(neighbor);
        for relay in self.relays.values_mut() {
            if let Some((next, by)) = &mut relay.waiting
                && next == neighbor
            {
                *by = now;
            }
        }
        for mine in self.mine.values_mut() {
            mine.tried.remove(neighbor);
            mine.last.take_if(|last| last == neighbor);
            if mine.message.header.to == Some(*neighbor) && std::mem::take(&mut mine.is_there) {
                (mine.is_awaited, mine.next_at) = (false, now);
            }
        }
    }

    fn rate(&mut self, neighbor: Address, kept: bool) {
        let reputation = self.reputation.entry(neighbor).or_insert(REPUTATION.0);
        *reputation = *reputation * 0.8 + if kept { 0.2 } else { 0.0 };
    }

    fn pass_on(&mut self, id: MessageId, attempt: u8, paths: Paths<'_>, now: Instant) -> Option<Address> {
        let relay = self.relays.get_mut(&(id, attempt))?;
        let to = relay.message.header.to?;
        let next = next_hop(&to, relay, paths, &self.reputation)?;
        relay.tried.insert(next.via);
        let wait = TAKEN.max(Duration::from_secs_f32(next.rtt.max(0.0) * 2.0 / 1000.0));
        let wait = (self.hops.of(&next.via, wait) + lateness(self.late, now)).min(TAKEN_LONGEST);
        let wait = wait + transfer_time(relay.message.header.size);
        relay.waiting = Some((next.via, now + wait));
        relay.handed.push((next.via, now));
        let mut path = relay.path.clone();
        path.push(paths.me);
        let header = Box::new(relay.message.header.clone());
        let payload = relay.message.payload.clone();
        self.out.push((next.via, Packet::Message { header, payload, path, attempt }));
        Some(next.via)
    }

    /// What is due; the caller acts on it with the paths of the moment.
    pub(crate) fn handle_timeout(&mut self, max_peers: usize, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        let waiting = self.relays.values().filter_map(|relay| relay.waiting.map(|(_, by)| by));
        let first = waiting.chain(self.mine.values().map(|mine| mine.next_at)).min();
        if let Some(at) = first.filter(|at| *at <= now) {
            let (before, _) = self.late;
            self.late = ((now - at).max(before.mul_f64(0.8)), now);
        }
        self.relays.retain(|_, relay| relay.until > now);
        for (&(id, attempt), relay) in self.relays.iter_mut() {
            if relay.waiting.take_if(|(_, by)| *by <= now).is_some() {
                due.push(Due::Reroute(id, attempt));
            }
        }
        let mut broken = Vec::new();
        for (&id, mine) in self.mine.iter_mut().filter(|(_, mine)| mine.next_at <= now) {
            if mine.is_there {
                if std::mem::replace(&mut mine.is_awaited, true) {
                    due.push(Due::Failed { message: Box::new(mine.message.clone()), stuck: false });
                }
                let left =
                    (mine.tries..TRIES).map(|tries| patience(&mine.message, tries, max_peers, &self.waits));
                mine.next_at = now + left.sum::<Duration>() + patient(LAST_RESORT, max_peers);
                continue;
            }
            broken.extend(mine.last);
            if mine.tries < TRIES {
                due.push(Due::Retry(id));
            } else if !mine.resorted {
                mine.resorted = true;
                mine.next_at = now + patient(LAST_RESORT, max_peers);
                due.push(Due::LastResort(Box::new(mine.message.clone())));
            } else {
                due.push(Due::Failed { message: Box::new(mine.message.clone()), stuck: mine.stuck });
            }
        }
        for neighbor in broken {
            self.rate(neighbor, false);
        }
        for event in &due {
            if let Due::Failed { message, .. } = event {
                self.mine.remove(&message.id);
            }
        }
        due
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 3] {
        assert!(self.retried.len() <= 64, "{} tried again", self.retried.len());
        assert!(self.waits.len() <= 256, "{} recipients", self.waits.len());
        [self.mine.len(), self.relays.len(), self.reputation.len()]
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let relays = self.relays.values().map(|relay| relay.waiting.map_or(relay.until, |(_, by)| by));
        relays.chain(self.mine.values().map(|mine| mine.next_at)).min()
    }
}

/// What is waited for in addition, where timers were so late at that time.
fn lateness((late, seen): (Duration, Instant), now: Instant) -> Duration {
    if now - seen < LATELY { (late * LATENESS).min(TAKEN_LONGEST) } else { Duration::ZERO }
}

fn transfer_time(bytes: u32) -> Duration {
    Duration::from_micros(u64::from(bytes) * 10)
}

/// How long the acknowledgement of a message may take that was tried so often before.
fn patience(message: &Message, tries: u8, max_peers: usize, waits: &Waits) -> Duration {
    let base = patient(ACKNOWLEDGED * (1 << (tries / 2).min(1)), max_peers);
    let base = base + transfer_time(message.header.size) * 3;
    message.header.to.map_or(base, |to| waits.of(&to, base))
}

struct Hop {
    via: Address,
    rtt: f32,
}

/// The neighbor through which the recipient looks nearest.
fn next_hop(to: &Address, relay: &Relay, paths: Paths<'_>, reputation: &Map<Address, f64>) -> Option<Hop> {
    let open = |via: &Address| !relay.tried.contains(via) && !relay.path.contains(via);
    let link = |via: &Address| paths.known.iter().find(|k| k.hops == 1 && k.address == *via);
    let hop = |via: Address| Some(Hop { via, rtt: link(&via)?.rtt });
    if link(to).is_some() && open(to) {
        return hop(*to);
    }
    if let Some(via) = paths.learned.filter(|via| open(via) && link(via).is_some()) {
        return hop(via);
    }
    let size = ring::estimate_size(&paths.me, paths.known);
    let own = ring::distance(&paths.me, to);
    let lack = |via: &Address| (REPUTATION.0 - reputation.get(via).copied().unwrap_or(REPUTATION.0)).max(0.0);
    let cost = |k: &Known| {
        ring::estimate_time(k, ring::distance(&k.address, to), size, paths.max_peers)
            + REPUTATION.1 * lack(&k.via)
    };
    let candidates = || paths.known.iter().filter(|k| open(&k.via) && !relay.path.contains(&k.address));
    let nearer = candidates().filter(|k| k.address == *to || ring::distance(&k.address, to) < own);
    let best = nearer.min_by(|a, b| cost(a).total_cmp(&cost(b)));
    // At a gap of the ring nobody known is nearer: the best of the rest leads round it.
    let best = best.or_else(|| candidates().min_by(|a, b| ring::nearer(to, &a.address, &b.address)))?;
    hop(best.via)
}

#[cfg(test)]
mod tests;
