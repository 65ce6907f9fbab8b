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

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{Address, MessageId};
use super::map::{Map, Set};
use super::message::{Header, Message, Payload};
use super::random::Random;
use super::replay::{CLOCK_WINDOW, Floors};
use super::time::{Instant, soonest};

/// A message whose name was heard is pulled after this time. In a tree of first arrivals the message beats
/// its name, so 30 to 250 ms all cost the same copies (overlay study, 3.2), and the smallest heals fastest.
const GRAFT: Duration = Duration::from_millis(60);
/// The next one that has it is asked after this time, and some more for each 100 kB.
const GRAFT_AGAIN: Duration = Duration::from_millis(250);
/// Names are sent at once when none was sent for this time ...
const HAVE_QUIET: Duration = Duration::from_millis(300);
/// ... and otherwise gathered until the last are this old: at ten messages a second 0.45 packets a message, not 4.
const HAVE_BATCH: Duration = Duration::from_millis(1800);
/// ... and this long where broadcasts go round the ring: a net beneath for a ring with gaps.
const HAVE_TOKEN: Duration = Duration::from_millis(1500);
/// Names in one packet.
const MAX_HAVE: usize = 512;
/// Messages that were named and have not come, at most, and those that one neighbor named first: nobody fills
/// the table with names of nothing.
const MAX_MISSING: usize = 4096;
const MAX_NAMED: usize = 512;
/// Payloads larger than this go header first where no tree is known. A guess: about what the header costs.
const LARGE: usize = 1024;
/// Who is told of a message of ours and neither asks for the payload nor says that it heard of it for this long has it
/// from another, or refuses it. Names of messages are gathered for 1.8 s at most.
const UNASKED: Duration = Duration::from_millis(2000);
/// Sources whose trees are remembered; the least recently heard is forgotten and floods once more.
const MAX_SOURCES: usize = 256;
/// Messages remembered, so that none is delivered twice.
const MAX_SEEN: usize = 16_384;
/// How long they are remembered, unless there are more than MAX_SEEN; the floors stand for those that are not.
const SEEN_FOR: Duration = CLOCK_WINDOW;
/// Payloads kept for those who pull, in bytes and time.
const KEEP: (usize, Duration) = (4 << 20, Duration::from_secs(30));
/// Who lost the neighbor that brings a source's messages asks so many others for them: all of them cost 2.1 copies at
/// 10 % churn a minute, two cost 1.8, and the last peer hears as soon.
const RESUMED: usize = 2;
/// Of the latest messages a new neighbor is told the names: so many (overlay study, 4.9) and no older than this, a
/// digest says nothing of the bucket in which a peer joined. So a newcomer hears what was said just before it came.
const RECENT: (usize, Duration) = (30, Duration::from_millis(2 * BUCKET));
/// Digests cover messages by their time stamps, in buckets of this many milliseconds.
const BUCKET: u64 = 4000;
/// Digests are sent this often while there is anything to compare.
const DIGEST_EVERY: Duration = Duration::from_secs(4);
/// A neighbor's digests are answered no more often than this: the answer is thousands of times larger.
const DIGEST_PAUSE: Duration = Duration::from_secs(1);
/// Buckets remembered.
const MAX_BUCKETS: usize = 8;

/// What travels between neighbors for broadcasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// A message.
    Data {
        /// Links it crossed, this one included.
        hops: u8,
        header: Box<Header>,
        payload: Payload,
    },
    /// A large message, to be pulled.
    Header {
        /// Links it crossed, this one included.
        hops: u8,
        header: Box<Header>,
    },
    /// Messages that the sender has.
    Have(Vec<MessageId>),
    /// Send me this one, and more of its source.
    Graft(MessageId),
    /// Send me nothing more of this source.
    Prune(Address),
    /// All the names in one bucket of time, folded into a number.
    Digest { bucket: u64, sum: u64 },
    /// Send me the messages of this source again: who brought them is gone.
    Resume(Address),
}

/// How a broadcast spreads from this peer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread<'a> {
    /// The active links.
    pub(crate) links: &'a [Address],
    /// The ring neighbors, successor first.
    pub(crate) ring: [Option<Address>; 2],
    /// k of the overlay study: `max(1, round(coverage * maxPeers))`.
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

/// What this peer holds of one message.
#[derive(Debug)]
struct Seen {
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
    /// The header is here, the payload is being pulled; these want it too.
    Header(Box<Header>, Set<Address>),
    /// All of it; these have pulled it.
    Message(Box<Header>, Payload, Set<Address>),
    /// Delivered, and no longer kept.
    Name,
}

/// The tree of one source, as this peer sees it.
#[derive(Debug, Default)]
struct Source {
    /// The neighbor that brings its messages.
    parent: Option<Address>,
    /// Neighbors that want only names.
    lazy: Set<Address>,
    /// Neighbors that asked for messages.
    eager: Set<Address>,
    used_at: Instant,
}

/// A message that was named and has not come.
#[derive(Debug)]
struct Missing {
    /// Who named it first.
    by: Address,
    /// Who has it, the next to be asked first.
    at: Vec<Address>,
    /// Who was asked last.
    asked: Option<Address>,
    ask_at: Instant,
}

impl Missing {
    fn new(at: Address, ask_at: Instant) -> Self {
        Self { by: at, at: vec![at], asked: None, ask_at }
    }

    /// Another one that has it; a few are enough.
    fn add(&mut self, at: Address) {
        if self.at.len() < 8 && !self.at.contains(&at) {
            self.at.push(at);
        }
    }
}

/// A message of this peer's own whose header is out.
#[derive(Debug)]
struct Offered {
    /// Who has not asked for the payload yet.
    to: Set<Address>,
    until: Instant,
}

/// Names on their way to one neighbor.
#[derive(Debug, Default)]
struct Names {
    ids: Vec<MessageId>,
    sent_at: Option<Instant>,
    due_at: Option<Instant>,
    /// When its digest may be answered again.
    answer_at: Option<Instant>,
}

/// What came of a packet.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// A message that is new here.
    Deliver(Box<Message>, u8),
    /// A copy of one that is not.
    Duplicate,
}

/// Broadcasts of one peer.
#[derive(Debug)]
pub(crate) struct Broadcast {
    /// Boxed, for thousands may have to move over for a new one.
    seen: Map<MessageId, Box<Seen>>,
    order: VecDeque<MessageId>,
    floors: Floors,
    /// Messages whose payload is kept, oldest first, and its bytes.
    kept: VecDeque<MessageId>,
    kept_bytes: usize,
    sources: Map<Address, Source>,
    missing: Map<MessageId, Missing>,
    offered: Map<MessageId, Offered>,
    /// Neighbors that will not ask for what they were offered.
    declined: Vec<(MessageId, Address)>,
    names: Map<Address, Names>,
    /// Names by the time their senders stamped on them.
    buckets: Map<u64, (u64, Vec<MessageId>)>,
    digest_at: Option<Instant>,
    joined_at: Instant,
    /// What must go out.
    out: Vec<(Address, Packet)>,
}

impl Broadcast {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            seen: Map::new(),
            order: VecDeque::new(),
            floors: Floors::default(),
            kept: VecDeque::new(),
            kept_bytes: 0,
            sources: Map::new(),
            missing: Map::new(),
            offered: Map::new(),
            declined: Vec::new(),
            names: Map::new(),
            buckets: Map::new(),
            digest_at: None,
            joined_at: now,
            out: Vec::new(),
        }
    }

    /// What must go out to whom.
    pub(crate) fn drain(&mut self) -> Vec<(Address, Packet)> {
        std::mem::take(&mut self.out)
    }

    /// Who needs to be handed which message of this peer's own no more.
    pub(crate) fn take_declined(&mut self) -> Vec<(MessageId, Address)> {
        std::mem::take(&mut self.declined)
    }

    /// Whether the whole message was here before: a copy need not be verified.
    pub(crate) fn has(&self, id: &MessageId) -> bool {
        self.seen.get(id).is_some_and(|seen| !matches!(seen.held, Held::Header(..)))
    }

    /// Whether the header was here before, verified.
    pub(crate) fn has_header(&self, id: &MessageId) -> bool {
        self.seen.contains_key(id)
    }

    /// Whether this very header was here before, verified. Another one may have the same name: a name binds
    /// neither time nor kind, and of a direct message not even the payload.
    pub(crate) fn vouches_for(&self, header: &Header) -> bool {
        let held = self.seen.get(&header.id()).map(|seen| &seen.held);
        matches!(held, Some(Held::Header(known, _)) if **known == *header)
    }

    /// Whether a message that is not here cannot be one that was forgotten.
    pub(crate) fn admits(&self, header: &Header) -> bool {
        self.floors.admits(&header.key.address(), header.sent_at)
    }

    /// The neighbor that brings a source's messages: the first step of a path to it.
    pub(crate) fn parent(&self, source: &Address) -> Option<Address> {
        self.sources.get(source)?.parent
    }

    /// Sends a message of this peer's own; the neighbors that it is handed to, or offered.
    pub(crate) fn publish(&mut self, message: &Message, spread: Spread<'_>, now: Instant) -> Vec<Address> {
        self.insert(message, 0, now);
        self.forward(message.id, None, spread, now);
        let (mut handed, mut offered) = (Vec::new(), Set::new());
        for (to, packet) in &self.out {
            let header = match packet {
                Packet::Data { header, .. } => header,
                Packet::Header { header, .. } => header,
                _ => continue,
            };
            if header.id() == message.id {
                handed.push(*to);
                if matches!(packet, Packet::Header { .. }) {
                    offered.insert(*to);
                }
            }
        }
        if !offered.is_empty() {
            self.offered.insert(message.id, Offered { to: offered, until: now + UNASKED });
        }
        handed
    }

    /// Offers a message of this peer's own to a neighbor once more.
    pub(crate) fn offer_again(&mut self, id: MessageId, to: Address, now: Instant) {
        let Some(Held::Message(header, ..)) = self.seen.get(&id).map(|seen| &seen.held) else {
            return self.declined.push((id, to));
        };
        self.out.push((to, Packet::Header { hops: 1, header: header.clone() }));
        let offered = self.offered.entry(id).or_insert(Offered { to: Set::new(), until: now });
        offered.to.insert(to);
        offered.until = now + UNASKED;
    }

    /// A message from a neighbor; its proof and payload are verified, or it was here before.
    pub(crate) fn handle_data(
        &mut self,
        from: Address,
        hops: u8,
        message: Message,
        spread: Spread<'_>,
        now: Instant,
    ) -> Outcome {
        self.missing.remove(&message.id);
        let mut wanted = Set::new();
        match self.seen.get_mut(&message.id).map(|seen| &mut seen.held) {
            Some(Held::Message(..) | Held::Name) => {
                self.handle_duplicate(from, &message.id, spread);
                return Outcome::Duplicate;
            }
            // The payload that was being pulled.
            Some(Held::Header(_, wanting)) => {
                wanted = std::mem::take(wanting);
                self.set_parent(message.from, from, now);
                self.hold(&message, now);
            }
            None => {
                self.set_parent(message.from, from, now);
                self.insert(&message, hops, now);
                self.forward(message.id, Some(from), spread, now);
            }
        }
        wanted.remove(&from);
        for to in wanted {
            self.out.push((to, data(hops, &message)));
        }
        Outcome::Deliver(Box::new(message), hops)
    }

    /// A header from a neighbor; its proof is verified, or it was here before.
    pub(crate) fn handle_header(
        &mut self,
        from: Address,
        hops: u8,
        header: Header,
        spread: Spread<'_>,
        now: Instant,
    ) {
        let (id, source) = (header.id(), header.from());
        if self.seen.contains_key(&id) {
            if let Some(missing) = self.missing.get_mut(&id) {
                missing.add(from);
            }
            self.handle_duplicate(from, &id, spread);
            return;
        }
        if self.missing.len() >= MAX_MISSING {
            return;
        }
        self.set_parent(source, from, now);
        let ask_at = now + GRAFT_AGAIN * 4 + transfer_time(header.size);
        self.remember(id, source, &header, hops, Held::Header(Box::new(header.clone()), Set::new()), now);
        self.missing.insert(id, Missing::new(from, ask_at));
        self.out.push((from, Packet::Graft(id)));
        for &to in spread.links.iter().filter(|&&to| to != from) {
            let header = Box::new(header.clone());
            self.out.push((to, Packet::Header { hops: hops.saturating_add(1), header }));
        }
    }

    /// A copy of a message, or of a header, that was here before.
    pub(crate) fn handle_duplicate(&mut self, from: Address, id: &MessageId, spread: Spread<'_>) {
        self.handle_heard(from, id);
        let Some(seen) = self.seen.get_mut(id) else { return };
        seen.copies = seen.copies.saturating_add(1);
        let Some(source) = self.sources.get_mut(&seen.source) else { return };
        let surplus = spread.copies().is_some_and(|limit| seen.copies > limit);
        // Never the one that the tree hangs on: both sides would let go at once.
        if surplus && source.parent != Some(from) && source.lazy.insert(from) {
            source.eager.remove(&from);
            self.out.push((from, Packet::Prune(seen.source)));
        }
    }

    /// Names from a neighbor.
    pub(crate) fn handle_have(&mut self, from: Address, ids: Vec<MessageId>, now: Instant) {
        let named = self.missing.values().filter(|missing| missing.by == from).count();
        let free = MAX_MISSING.saturating_sub(self.missing.len());
        let mut room = MAX_NAMED.saturating_sub(named).min(free);
        for id in ids.into_iter().take(MAX_HAVE) {
            self.handle_heard(from, &id);
            if let Some(missing) = self.missing.get_mut(&id) {
                missing.add(from);
            } else if room > 0 && !self.seen.contains_key(&id) {
                room -= 1;
                self.missing.insert(id, Missing::new(from, now + GRAFT));
            }
        }
    }

    /// A neighbor has heard of a message from another: if it was offered ours, it asks there.
    fn handle_heard(&mut self, from: Address, id: &MessageId) {
        if self.take_offer(&from, id) {
            self.declined.push((*id, from));
        }
    }

    /// Takes an offer back; whether there was one.
    fn take_offer(&mut self, to: &Address, id: &MessageId) -> bool {
        let Some(offered) = self.offered.get_mut(id) else { return false };
        let had = offered.to.remove(to);
        if offered.to.is_empty() {
            self.offered.remove(id);
        }
        had
    }

    /// A neighbor pulls a message, and wants more of its source.
    pub(crate) fn handle_graft(&mut self, from: Address, id: MessageId, now: Instant) {
        let was_offered = self.take_offer(&from, &id);
        let sent = self.out.len();
        self.serve(from, id, now);
        if was_offered && self.out.len() == sent {
            self.declined.push((id, from));
        }
    }

    fn serve(&mut self, from: Address, id: MessageId, now: Instant) {
        let Some(seen) = self.seen.get_mut(&id) else { return };
        if let Some(source) = self.sources.get_mut(&seen.source) {
            source.lazy.remove(&from);
            source.eager.insert(from);
            source.used_at = now;
        }
        match &mut seen.held {
            Held::Header(_, wanting) => {
                wanting.insert(from);
            }
            // Once on each link, which is reliable: a name of 20 bytes must not pull megabytes again and again.
            Held::Message(header, payload, pulled) => {
                if pulled.insert(from) {
                    let hops = seen.hops.saturating_add(1);
                    let (header, payload) = (header.clone(), payload.clone());
                    self.out.push((from, Packet::Data { hops, header, payload }));
                }
            }
            Held::Name => {}
        }
    }

    /// A neighbor wants only the names of a source's messages.
    pub(crate) fn handle_prune(&mut self, from: Address, source: Address) {
        if let Some(source) = self.sources.get_mut(&source) {
            source.eager.remove(&from);
            source.lazy.insert(from);
        }
    }

    /// A neighbor wants the messages of a source again.
    pub(crate) fn handle_resume(&mut self, from: &Address, source: &Address) {
        if let Some(source) = self.sources.get_mut(source) {
            source.lazy.remove(from);
        }
    }

    /// A neighbor's digest; where it differs from ours, it learns what we have.
    pub(crate) fn handle_digest(&mut self, from: Address, bucket: u64, sum: u64, now: Instant) {
        let names = self.names.entry(from).or_default();
        match self.buckets.get(&bucket) {
            Some((own, _)) if *own == sum => {}
            _ if names.answer_at.is_some_and(|at| at > now) => {}
            Some((_, ids)) => {
                names.answer_at = Some(now + DIGEST_PAUSE);
                for ids in ids.chunks(MAX_HAVE) {
                    self.out.push((from, Packet::Have(ids.to_vec())));
                }
            }
            // All of it was lost on the way here, and only our digest can tell.
            None if self.is_compared(bucket, now) => {
                self.out.push((from, Packet::Digest { bucket, sum: 0 }));
            }
            None => {}
        }
    }

    /// Whether digests speak of a bucket: what was sent before this peer joined it need not have.
    fn is_compared(&self, bucket: u64, now: Instant) -> bool {
        is_near(bucket, now) && bucket.saturating_mul(BUCKET) > self.joined_at.as_millis()
    }

    /// A link is there: what went by just before may have missed the peer behind it, whose links change, too.
    pub(crate) fn handle_linked(&mut self, neighbor: Address, now: Instant) {
        let recent = |id: &&MessageId| self.seen.get(id).is_some_and(|seen| now - seen.seen_at <= RECENT.1);
        let ids: Vec<_> = self.order.iter().rev().take(RECENT.0).take_while(recent).copied().collect();
        if !ids.is_empty() {
            self.out.push((neighbor, Packet::Have(ids)));
        }
    }

    /// The link to a neighbor gave way to another, and what was on its way on it is lost: whoever wants it asks again.
    pub(crate) fn handle_relinked(&mut self, neighbor: Address, now: Instant) {
        for missing in self.missing.values_mut() {
            // The first to be asked is still the next one.
            if missing.asked.or(missing.at.first().copied()) != Some(neighbor) {
                continue;
            }
            missing.at.retain(|at| *at != neighbor);
            missing.at.insert(0, neighbor);
            (missing.asked, missing.ask_at) = (None, now);
        }
        for seen in self.seen.values_mut() {
            if let Held::Message(_, _, pulled) = &mut seen.held {
                pulled.remove(&neighbor);
            }
        }
    }

    /// A link is gone: what it was to bring, another must.
    pub(crate) fn handle_unlinked(&mut self, neighbor: &Address, now: Instant) {
        self.names.remove(neighbor);
        self.offered.retain(|_, offered| {
            offered.to.remove(neighbor);
            !offered.to.is_empty()
        });
        for (&address, source) in self.sources.iter_mut() {
            source.lazy.remove(neighbor);
            source.eager.remove(neighbor);
            // The next message need not wait until it is missed: whoever brings it first takes the place.
            if source.parent.take_if(|parent| parent == neighbor).is_some() && now - source.used_at < KEEP.1 {
                let asked: Vec<_> = source.lazy.iter().take(RESUMED).copied().collect();
                for to in asked {
                    // No longer told not to send: of those asked, all but the first can be pruned again.
                    source.lazy.remove(&to);
                    self.out.push((to, Packet::Resume(address)));
                }
            }
        }
        for missing in self.missing.values_mut() {
            if missing.asked == Some(*neighbor) || missing.at.contains(neighbor) {
                missing.at.retain(|at| at != neighbor);
                (missing.asked, missing.ask_at) = (None, now);
            }
        }
        for seen in self.seen.values_mut() {
            if let Held::Header(_, of) | Held::Message(_, _, of) = &mut seen.held {
                of.remove(neighbor);
            }
        }
    }

    // Within.

    fn set_parent(&mut self, source: Address, parent: Address, now: Instant) {
        let entry = self.source(source, now);
        entry.parent = Some(parent);
        entry.lazy.remove(&parent);
    }

    fn source(&mut self, address: Address, now: Instant) -> &mut Source {
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&address) {
            let oldest = self.sources.iter().min_by_key(|(_, source)| source.used_at).map(|(&a, _)| a);
            oldest.map(|address| self.sources.remove(&address));
        }
        let source = self.sources.entry(address).or_default();
        source.used_at = now;
        source
    }

    fn insert(&mut self, message: &Message, hops: u8, now: Instant) {
        self.remember(message.id, message.from, &message.header, hops, Held::Name, now);
        self.hold(message, now);
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
        let made = (header.key.address(), header.sent_at);
        self.source(source, now);
        while self.order.len() >= MAX_SEEN || self.oldest_is_over(now) {
            let Some(oldest) = self.order.pop_front() else { break };
            let Some(forgotten) = self.seen.remove(&oldest) else { continue };
            if let Held::Message(_, payload, _) = &forgotten.held {
                self.kept_bytes = self.kept_bytes.saturating_sub(payload.0.len());
            }
            self.floors.raise(forgotten.made.0, forgotten.made.1, now);
        }
        self.order.push_back(id);
        self.seen.insert(id, Box::new(Seen { source, made, seen_at: now, hops, copies: 1, held }));
        let bucket = header.sent_at / BUCKET;
        if is_near(bucket, now) {
            let (sum, ids) = self.buckets.entry(bucket).or_default();
            *sum ^= fold(&id);
            // The other side pulls no more than this at once.
            if ids.len() < MAX_MISSING {
                ids.push(id);
            }
        }
        self.digest_at = self.digest_at.or(Some(now + DIGEST_EVERY));
    }

    fn oldest_is_over(&self, now: Instant) -> bool {
        self.order.front().and_then(|id| self.seen.get(id)).is_some_and(|seen| now - seen.seen_at > SEEN_FOR)
    }

    /// Keeps a message for those who pull it.
    fn hold(&mut self, message: &Message, now: Instant) {
        let Some(seen) = self.seen.get_mut(&message.id) else { return };
        seen.held = Held::Message(Box::new(message.header.clone()), message.payload.clone(), Set::new());
        self.kept.push_back(message.id);
        self.kept_bytes += message.payload.0.len();
        self.release(now);
    }

    fn release(&mut self, now: Instant) {
        // What was offered is about to be asked for.
        while let Some(place) = self.kept.iter().position(|id| !self.offered.contains_key(id)) {
            let over = self.kept_bytes > KEEP.0 && place + 1 < self.kept.len();
            match self.seen.get_mut(&self.kept[place]) {
                Some(seen) if over || now - seen.seen_at > KEEP.1 => {
                    if let Held::Message(_, payload, _) = &seen.held {
                        self.kept_bytes = self.kept_bytes.saturating_sub(payload.0.len());
                    }
                    seen.held = Held::Name;
                }
                Some(_) => return,
                None => {}
            }
            self.kept.remove(place);
        }
    }

    /// Passes a message on: whole to some links, its header or its name to others.
    fn forward(&mut self, id: MessageId, from: Option<Address>, spread: Spread<'_>, now: Instant) {
        let Some(seen) = self.seen.get(&id) else { return };
        let Held::Message(header, payload, _) = &seen.held else { return };
        let (source, hops) = (seen.source, seen.hops.saturating_add(1));
        let (header, payload) = (header.clone(), payload.clone());
        let large = payload.0.len() > LARGE;
        let mut named = Vec::new();
        for &to in spread.links.iter().filter(|&&to| Some(to) != from) {
            let tree = self.sources.get(&source);
            let lazy = tree.is_some_and(|tree| tree.lazy.contains(&to));
            let eager = tree.is_some_and(|tree| tree.eager.contains(&to));
            if lazy || spread.is_token() && !eager && !spread.ring.contains(&Some(to)) {
                named.push(to);
            } else if large && !eager && !spread.is_token() {
                self.out.push((to, Packet::Header { hops, header: header.clone() }));
            } else {
                self.out.push((to, Packet::Data { hops, header: header.clone(), payload: payload.clone() }));
            }
        }
        for to in named {
            // The token takes its time; names heard earlier than it would only pull copies.
            let quiet = if spread.is_token() { Some(HAVE_TOKEN) } else { None };
            self.name(to, id, quiet, now);
        }
    }

    fn name(&mut self, to: Address, id: MessageId, wait: Option<Duration>, now: Instant) {
        let names = self.names.entry(to).or_default();
        names.ids.push(id);
        let quiet = wait.is_none() && names.sent_at.is_none_or(|at| now - at >= HAVE_QUIET);
        if quiet && names.due_at.is_none() || names.ids.len() >= MAX_HAVE {
            (names.sent_at, names.due_at) = (Some(now), None);
            let ids = std::mem::take(&mut names.ids);
            self.out.push((to, Packet::Have(ids)));
        } else if names.due_at.is_none() {
            let batch = names.sent_at.map_or(now, |at| at + HAVE_BATCH);
            names.due_at = Some(wait.map_or(batch, |wait| now + wait));
        }
    }

    // Time.

    pub(crate) fn handle_timeout(&mut self, spread: Spread<'_>, random: &mut Random, now: Instant) {
        for (&to, names) in self.names.iter_mut() {
            if names.due_at.take_if(|at| *at <= now).is_some() {
                names.sent_at = Some(now);
                self.out.push((to, Packet::Have(std::mem::take(&mut names.ids))));
            }
        }
        self.pull(spread, now);
        for (id, offered) in self.offered.extract_if(|_, offered| offered.until <= now) {
            self.declined.extend(offered.to.into_iter().map(|to| (id, to)));
        }
        if self.digest_at.take_if(|at| *at <= now).is_some() {
            self.send_digests(spread, now);
            self.release(now);
            if !self.buckets.is_empty() {
                self.digest_at = Some(now + random.jitter(DIGEST_EVERY, 0.1));
            }
        }
    }

    fn pull(&mut self, spread: Spread<'_>, now: Instant) {
        let mut given_up = Vec::new();
        for (&id, missing) in self.missing.iter_mut().filter(|(_, missing)| missing.ask_at <= now) {
            missing.at.retain(|at| spread.links.contains(at));
            let Some(next) = (!missing.at.is_empty()).then(|| missing.at.remove(0)) else {
                given_up.push(id);
                continue;
            };
            let held = self.seen.get(&id).map(|seen| &seen.held);
            let size = if let Some(Held::Header(header, _)) = held { header.size } else { 0 };
            (missing.asked, missing.ask_at) = (Some(next), now + GRAFT_AGAIN + transfer_time(size));
            self.out.push((next, Packet::Graft(id)));
        }
        for id in given_up {
            self.missing.remove(&id);
            // Nobody has the payload of this header: let a name heard later begin anew.
            let Some(Held::Header(header, _)) = self.seen.get(&id).map(|seen| &seen.held) else { continue };
            if let Some((sum, ids)) = self.buckets.get_mut(&(header.sent_at / BUCKET)) {
                *sum ^= fold(&id);
                ids.retain(|other| *other != id);
            }
            self.seen.remove(&id);
            self.order.retain(|other| *other != id);
        }
    }

    fn send_digests(&mut self, spread: Spread<'_>, now: Instant) {
        let current = now.as_millis() / BUCKET;
        self.buckets.retain(|bucket, _| is_near(*bucket, now));
        // Not the bucket that is filling, nor the last: its messages may still be on their way.
        let settled = self.buckets.iter().rfind(|(bucket, _)| **bucket < current.saturating_sub(1));
        if let Some((&bucket, &(sum, _))) = settled
            && self.is_compared(bucket, now)
        {
            self.out.extend(spread.links.iter().map(|&to| (to, Packet::Digest { bucket, sum })));
        }
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 6] {
        let names = self.names.values().map(|names| names.ids.len()).sum();
        let counted = self.buckets.values().map(|(_, ids)| ids.len()).sum();
        [self.seen.len(), self.kept.len(), self.sources.len(), self.missing.len(), names, counted]
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let names = self.names.values().filter_map(|names| names.due_at).min();
        let missing = self.missing.values().map(|missing| missing.ask_at).min();
        let offered = self.offered.values().map(|offered| offered.until).min();
        soonest(soonest(self.digest_at, offered), soonest(names, missing))
    }
}

/// Whether a bucket of time is remembered: the present, the last few, and the next, for clocks a little ahead.
fn is_near(bucket: u64, now: Instant) -> bool {
    let next = now.as_millis() / BUCKET + 1;
    bucket <= next && next - bucket <= MAX_BUCKETS as u64
}

fn data(hops: u8, message: &Message) -> Packet {
    let hops = hops.saturating_add(1);
    Packet::Data { hops, header: Box::new(message.header.clone()), payload: message.payload.clone() }
}

/// A generous time for a payload to come over one link.
fn transfer_time(bytes: u32) -> Duration {
    Duration::from_micros(u64::from(bytes) * 10)
}

fn fold(id: &MessageId) -> u64 {
    id.0.iter().take(8).fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests;
