//! Presence: a little that each peer says of itself, known to everybody while the swarm is small.
//!
//! A *record* is a broadcast of a [`Kind`] of its own: signed by its maker, stamped, of no worth to another swarm. Everybody
//! keeps the latest record of each peer.
//!
//! **Newcomers** get the records of others from a neighbor. Both ends of a new link tell the sum of what they hold; where
//! the sums differ they tell what that is, and each sends what the other lacks. A record from a third hand is checked as
//! if its maker had just said it.
//!
//! **Ends.** Who leaves says so, by an empty record. Who dies is missed by its neighbors; they tell the swarm whom they
//! suspect, and a peer that hears this of itself says its record again (SWIM: Das, Gupta and Motivala 2002). Who has not within
//! [`REFUTE`] is gone. Where no neighbor is left to miss it, its record is worth nothing after [`CLOCK_WINDOW`]; so each peer
//! repeats its own within that.
//!
//! **Large swarms.** A record of everybody at everybody costs each peer in proportion to their number. Where there are more
//! than [`MOST_OF_ALL`] peers one goes to the neighbors of its maker alone, and is gone with the link.
//!
//! **What remotes can do.** Nobody makes another's record, holds one back but by cutting a peer off, or ends it: a suspicion
//! costs its subject one broadcast every [`REFUTE`]` / 2`, however many suspect it. Free keys may fill the table, [`MAX_KNOWN`]
//! records of at most [`MAX_STATE`] bytes; neighbors, and then those that are in sight, are let in before others.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::codec;
use super::context::{Context, Effect};
use super::id::Address;
use super::io::{Bytes, Event};
use super::limits::Fault;
use super::links::link;
use super::map::Map;
use super::messaging;
use super::messaging::message::{Header, Kind, Message, Payload, Verified};
use super::messaging::replay::CLOCK_WINDOW;
use super::report::Estimate;
use super::time::{Instant, soonest};

/// Most bytes of a state.
pub const MAX_STATE: usize = 1024;
/// Where there are certainly more peers than this, the record of each goes to its neighbors alone. Estimates err by a tenth, seldom
/// by a quarter: in a swarm of 200 this is certain to hardly anybody.
const MOST_OF_ALL: f64 = 240.0;
/// Records held: of as many peers as may be taken for [`MOST_OF_ALL`] at least.
const MAX_KNOWN: usize = 512;
/// How long a peer that is suspected has to say that it lives. A guess: a broadcast there and one back, on a page that is busy.
const REFUTE: Duration = Duration::from_secs(5);
/// Neighbors that miss one peer do not all say so: the first one does, within this time.
const MISSED: Duration = Duration::from_secs(1);
/// Peers that one suspicion names. A guess: who loses more at once has lost the swarm, and others miss them, too.
const MAX_SUSPECTS: usize = 16;
/// A state is not said more often than this; of those in between the last one counts.
const PACE: Duration = Duration::from_millis(100);
/// When a record is said again: the first time, for those who just came; and from then on, twice within its life.
const AGAIN: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(240));
/// One neighbor is told in full what is held, and sent what it lacks, once in this time.
const COMPARE: Duration = Duration::from_secs(30);
/// Neighbors, former ones included, of which it is remembered when that was.
const MAX_COMPARED: usize = 64;
/// Records in one packet: a newcomer's page checks as many proofs in one task.
const RECORDS: usize = 8;

/// What travels between neighbors for presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// The names of all records that the sender holds, folded into a number.
    Sum(u64),
    /// Of each record that the sender holds, the first eight bytes of its maker's address and its stamp.
    Held(Vec<(u64, u64)>),
    /// Records that the recipient lacks.
    Records(Vec<(Header, Payload)>),
    /// The sender's own, for its neighbors alone.
    Near(Box<Header>, Payload),
}

/// What this peer and others say of themselves.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    own: Own,
    /// By who made it.
    known: Map<Address, Known>,
    /// When some of those are to be looked at.
    look_at: Option<Instant>,
    /// When the swarm is told who is missed.
    tell_at: Option<Instant>,
    /// When everybody is gone, for there is no link.
    alone_at: Option<Instant>,
    /// When neighbors were told what is held, and sent what they lacked.
    compared: Map<(Address, Compared), Instant>,
}

/// This peer's own.
#[derive(Debug, Default)]
struct Own {
    /// What the page wants to be known; nothing when empty.
    state: Vec<u8>,
    /// As it was said last.
    record: Option<Verified<Message>>,
    /// Whether that went to all.
    to_all: bool,
    said_at: Option<Instant>,
    /// When it is said, or said again.
    due: Option<Instant>,
}

/// The record of another peer.
#[derive(Debug)]
struct Known {
    record: Verified<Message>,
    /// Whether it is for its maker's neighbors alone.
    near: bool,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Alive,
    /// It was a neighbor, and the swarm is not told yet that it is missed.
    Missed,
    /// Somebody misses it; gone then.
    Suspected(Instant),
    /// It is gone, which is remembered for as long as its record could be shown again.
    Gone,
}

/// What is done once in [`COMPARE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Compared {
    Told,
    Sent,
}

impl Known {
    fn is_gone(&self) -> bool {
        self.standing == Standing::Gone
    }

    /// When this is to be looked at: when its time is over, or that of its record.
    fn deadline(&self, cx: &Context<'_>) -> Option<Instant> {
        let made_at = Instant::from_millis(cx.clock.shift().ours(self.record.header.sent_at));
        match self.standing {
            Standing::Alive | Standing::Gone => Some(made_at + CLOCK_WINDOW + Duration::from_millis(1)),
            Standing::Missed => None,
            Standing::Suspected(until) => Some(until),
        }
    }

    fn is_over(&self, cx: &Context<'_>) -> bool {
        self.deadline(cx).is_some_and(|at| at <= cx.now)
    }
}

impl Presence {
    // The page.

    /// What the page wants to be known of it; nothing when empty. `false`: that is too much.
    pub(crate) fn set(&mut self, state: Vec<u8>, now: Instant) -> bool {
        if state.len() > MAX_STATE {
            return false;
        }
        if state != self.own.state {
            self.own.state = state;
            self.say_after(PACE, now);
        }
        true
    }

    /// Of each peer that is there and says something of itself: what it goes by, whether that is proven, what it says.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Address, bool, &[u8])> {
        let present = self.known.values().filter(|known| !known.is_gone());
        present.map(|Known { record, .. }| {
            (record.from(), record.header.is_self_proving(), &record.payload.0[..])
        })
    }

    /// This peer leaves the swarm: who heard of it hears of that.
    pub(crate) fn leave(&mut self, cx: &mut Context<'_>) {
        if self.own.record.take().is_some() {
            cx.effects.push_back(Effect::Proclaim(Kind::Presence, Vec::new()));
        }
        self.own.due = None;
    }

    /// Nobody is known to be here any more.
    pub(crate) fn end_all(&mut self, cx: &mut Context<'_>) {
        let all: Vec<_> = self.known.keys().copied().collect();
        all.iter().for_each(|peer| self.end(peer, cx));
    }

    /// The record is due when so much time is over since it was said last.
    fn say_after(&mut self, pause: Duration, now: Instant) {
        let at = self.own.said_at.map_or(now, |said_at| now.max(said_at + pause));
        self.own.due = soonest(self.own.due, Some(at));
    }

    /// Whether this peer's record goes to all of a swarm that is so large; that it says nothing any more goes to whom it said something.
    pub(crate) fn is_for_all(&self, state: &[u8], size: &Estimate) -> bool {
        if state.is_empty() { self.own.to_all } else { size.low <= MOST_OF_ALL }
    }

    /// This peer's record, as messaging signed it, and whether it went to all.
    pub(crate) fn handle_said(&mut self, record: Verified<Message>, to_all: bool, cx: &mut Context<'_>) {
        if !to_all {
            for link in &cx.around.links {
                let near = near(&record);
                cx.effects.push_back(Effect::Send(link.address, near, None));
            }
        }
        self.own.to_all = to_all;
        self.own.record = (record.header.size > 0).then_some(record);
    }

    // Neighbors come and go.

    pub(crate) fn handle_linked(&mut self, neighbor: Address, cx: &mut Context<'_>) {
        if let Some(known) = self.known.get_mut(&neighbor).filter(|known| !known.is_gone()) {
            known.standing = Standing::Alive;
        }
        if cx.around.links.len() == 1 {
            // Whoever was told before may have been told since that this peer is gone.
            self.own.said_at = None;
            if !self.own.state.is_empty() {
                self.own.due = Some(cx.now);
            }
        }
        self.alone_at = None;
        match &self.own.record {
            Some(record) if !self.own.to_all => cx.send(neighbor, near(record)),
            _ => cx.send(neighbor, link::Packet::Presence(Packet::Sum(self.sum()))),
        }
    }

    /// A link is gone, and so is its peer if it is `dead`.
    pub(crate) fn handle_unlinked(&mut self, neighbor: &Address, dead: bool, cx: &mut Context<'_>) {
        if cx.around.links.is_empty() {
            self.alone_at = Some(cx.now + REFUTE);
        }
        match self.known.get_mut(neighbor).filter(|known| !known.is_gone()) {
            Some(Known { near: true, .. }) => self.end(neighbor, cx),
            Some(known) if dead && known.standing == Standing::Alive => {
                known.standing = Standing::Missed;
                let at = cx.now + MISSED.mul_f64(cx.random.unit());
                self.tell_at = soonest(self.tell_at, Some(at));
            }
            _ => {}
        }
    }

    // What others say.

    /// A record or a suspicion that went to all.
    pub(crate) fn handle_message(&mut self, message: Verified<Message>, cx: &mut Context<'_>) {
        match message.header.kind {
            Kind::Presence => self.take(message, false, cx),
            Kind::Suspicion => self.handle_suspicion(&message, cx),
            Kind::Page | Kind::KeyQuery | Kind::Withdrawal => {}
        }
    }

    fn handle_suspicion(&mut self, message: &Message, cx: &mut Context<'_>) {
        let suspects = codec::from_bytes::<Vec<(Address, u64)>>(&message.payload.0);
        let Some(suspects) = suspects.filter(|suspects| suspects.len() <= MAX_SUSPECTS) else {
            return cx.drop_because("presence");
        };
        for (suspect, stamp) in suspects {
            if suspect == cx.me.address {
                if self.own.record.as_ref().is_some_and(|record| record.header.sent_at <= stamp) {
                    self.say_after(REFUTE / 2, cx.now);
                }
            } else if let Some(known) = self.known.get_mut(&suspect)
                && matches!(known.standing, Standing::Alive | Standing::Missed)
                && known.record.header.sent_at <= stamp
                && !cx.around.is_link(&suspect)
            {
                known.standing = Standing::Suspected(cx.now + REFUTE);
                self.look_at = soonest(self.look_at, Some(cx.now + REFUTE));
            }
        }
    }

    pub(crate) fn handle_packet(&mut self, from: Address, packet: Packet, cx: &mut Context<'_>) {
        match packet {
            Packet::Sum(sum) => {
                if sum != self.sum() && self.may(from, Compared::Told, cx.now) {
                    let held: Vec<_> =
                        self.to_tell().map(|record| (prefix(&record.maker), record.header.sent_at)).collect();
                    let held = Packet::Held(held);
                    cx.send(from, link::Packet::Presence(held));
                }
            }
            Packet::Held(held) if held.len() <= MAX_KNOWN + 1 => {
                if self.may(from, Compared::Sent, cx.now) {
                    let mut known = Map::new();
                    known.extend(held);
                    self.send_missing(from, &known, cx);
                }
            }
            Packet::Records(records) if records.len() <= RECORDS => {
                for (header, payload) in records {
                    self.handle_record(from, header, payload, false, cx);
                }
            }
            Packet::Near(header, payload) if header.maker() == from => {
                self.handle_record(from, *header, payload, true, cx);
            }
            Packet::Held(_) | Packet::Records(_) | Packet::Near(..) => {
                cx.drop_because("presence");
                cx.blame(&from, Fault::Lied, "lied about who is present");
            }
        }
    }

    /// Whether this may be done for a neighbor again.
    fn may(&mut self, neighbor: Address, what: Compared, now: Instant) -> bool {
        self.compared.retain(|_, at| now - *at < COMPARE);
        let may = !self.compared.contains_key(&(neighbor, what)) && self.compared.len() < MAX_COMPARED;
        if may {
            self.compared.insert((neighbor, what), now);
        }
        may
    }

    /// The records that are handed on.
    fn to_tell(&self) -> impl Iterator<Item = &Message> {
        let own = self.own.record.iter().filter(|_| self.own.to_all).map(|record| &**record);
        let handed_on = |known: &&Known| known.standing == Standing::Alive && !known.near;
        own.chain(self.known.values().filter(handed_on).map(|known| &*known.record))
    }

    fn sum(&self) -> u64 {
        self.to_tell().fold(0, |sum, record| sum ^ prefix(&Address(record.id.0)))
    }

    fn send_missing(&self, to: Address, held: &Map<u64, u64>, cx: &mut Context<'_>) {
        let lacks = |record: &&Message| {
            record.maker != to
                && held.get(&prefix(&record.maker)).is_none_or(|stamp| *stamp < record.header.sent_at)
        };
        let missing: Vec<_> = self
            .to_tell()
            .filter(lacks)
            .map(|record| (record.header.clone(), record.payload.clone()))
            .collect();
        for records in missing.chunks(RECORDS) {
            cx.send(to, link::Packet::Presence(Packet::Records(records.to_vec())));
        }
    }

    /// A record from a third hand, or one that did not go to all.
    fn handle_record(
        &mut self,
        from: Address,
        header: Header,
        payload: Payload,
        near: bool,
        cx: &mut Context<'_>,
    ) {
        if header.kind != Kind::Presence || header.to.is_some() || header.size == 0 && !near {
            cx.drop_because("presence");
            return cx.blame(&from, Fault::Lied, "lied about who is present");
        }
        if self.is_news(&header, cx)
            && let Some(header) = messaging::check(&from, &header, cx)
            && let Some(record) = messaging::assemble(&from, &header, payload, cx)
        {
            self.take(record, near, cx);
        }
    }

    /// Whether a record is later than what is known of its maker.
    fn is_news(&self, header: &Header, cx: &Context<'_>) -> bool {
        let known = self.known.get(&header.maker());
        header.maker() != cx.me.address
            && known.is_none_or(|known| known.record.header.sent_at < header.sent_at)
    }

    /// Takes a record that is checked, if it is the latest of its maker.
    fn take(&mut self, record: Verified<Message>, near: bool, cx: &mut Context<'_>) {
        let (maker, size) = (record.maker, record.payload.0.len());
        if !self.is_news(&record.header, cx) {
            return;
        }
        if size > MAX_STATE {
            return cx.drop_because("presence");
        }
        if size == 0 {
            if let Some(known) = self.known.get_mut(&maker).filter(|known| !known.is_gone()) {
                known.record = record;
                self.end(&maker, cx);
            }
            return;
        }
        if !self.known.contains_key(&maker) && !self.make_room(&maker, cx) {
            return cx.drop_because("presence above its room");
        }
        let new = known_state(self.known.get(&maker)) != Some(&record.payload);
        if new {
            tell(&record, true, cx);
        }
        let known = Known { record, near, standing: Standing::Alive };
        self.look_at = soonest(self.look_at, known.deadline(cx));
        self.known.insert(maker, known);
    }

    /// Makes room for a record of this peer, if it comes before another one.
    fn make_room(&mut self, maker: &Address, cx: &mut Context<'_>) -> bool {
        if self.known.len() < MAX_KNOWN {
            return true;
        }
        let around = cx.around;
        let rank = |peer: &Address| 1 + u8::from(around.sees(peer)) + u8::from(around.is_link(peer));
        let rank_of = |peer: &Address, known: &Known| if known.is_gone() { 0 } else { rank(peer) };
        let last = self.known.iter().map(|(peer, known)| (rank_of(peer, known), *peer)).min();
        let Some((_, last)) = last.filter(|(last, _)| *last < rank(maker)) else { return false };
        self.end(&last, cx);
        self.known.remove(&last);
        true
    }

    /// A peer is gone.
    fn end(&mut self, peer: &Address, cx: &mut Context<'_>) {
        if let Some(known) = self.known.get_mut(peer).filter(|known| !known.is_gone()) {
            known.standing = Standing::Gone;
            self.look_at = soonest(self.look_at, known.deadline(cx));
            tell(&known.record, false, cx);
        }
    }

    // Time.

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        soonest(soonest(self.own.due, self.tell_at), soonest(self.look_at, self.alone_at))
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let (own, missed, alone) = (is_due(self.own.due), is_due(self.tell_at), is_due(self.alone_at));
        if alone {
            self.alone_at = None;
            self.end_all(cx);
        }
        if missed {
            self.tell_missed(cx);
        }
        if is_due(self.look_at) {
            self.look(cx);
        }
        if own {
            self.say(cx);
        }
    }

    /// Says this peer's record, unless nobody is there to hear it: then with the first link.
    fn say(&mut self, cx: &mut Context<'_>) {
        self.own.due = None;
        if cx.around.links.is_empty() || !cx.around.open {
            return;
        }
        if self.own.state.is_empty() {
            return self.leave(cx);
        }
        let pause = if self.own.said_at.is_some() { AGAIN.1 } else { AGAIN.0 };
        self.own.said_at = Some(cx.now);
        self.own.due = Some(cx.now + cx.random.jitter(pause, 0.2));
        cx.effects.push_back(Effect::Proclaim(Kind::Presence, self.own.state.clone()));
    }

    /// Tells the swarm whom this peer misses, and nobody else did.
    fn tell_missed(&mut self, cx: &mut Context<'_>) {
        self.tell_at = None;
        let missed =
            self.known.iter_mut().filter(|(_, known)| known.standing == Standing::Missed).take(MAX_SUSPECTS);
        let suspects: Vec<_> = missed
            .map(|(&peer, known)| {
                known.standing = Standing::Suspected(cx.now + REFUTE);
                (peer, known.record.header.sent_at)
            })
            .collect();
        if suspects.is_empty() {
            return;
        }
        if suspects.len() == MAX_SUSPECTS {
            self.tell_at = Some(cx.now + MISSED);
        }
        self.look_at = soonest(self.look_at, Some(cx.now + REFUTE));
        if !cx.around.links.is_empty() {
            cx.effects.push_back(Effect::Proclaim(Kind::Suspicion, codec::to_bytes(&suspects)));
        }
    }

    /// Looks who is gone, and who has been for long.
    fn look(&mut self, cx: &mut Context<'_>) {
        let over: Vec<_> =
            self.known.iter().filter(|(_, known)| known.is_over(cx)).map(|(&peer, _)| peer).collect();
        over.iter().for_each(|peer| self.end(peer, cx));
        // Who is gone is remembered while its record is good.
        self.known.retain(|_, known| !(known.is_gone() && known.is_over(cx)));
        let deadlines = self.known.values().map(|known| known.deadline(cx));
        self.look_at = deadlines.fold(None, soonest);
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 2] {
        [self.known.len(), self.compared.len()]
    }
}

fn near(record: &Message) -> link::Packet {
    link::Packet::Presence(Packet::Near(Box::new(record.header.clone()), record.payload.clone()))
}

fn known_state(known: Option<&Known>) -> Option<&Payload> {
    known.filter(|known| !known.is_gone()).map(|known| &known.record.payload)
}

/// Eight bytes are enough to tell some hundred apart.
fn prefix(address: &Address) -> u64 {
    let (first, _) = address.0.split_first_chunk().expect("an address has twenty bytes");
    u64::from_be_bytes(*first)
}

/// Tells the page what a peer says of itself, or that it is gone.
fn tell(record: &Message, present: bool, cx: &mut Context<'_>) {
    cx.emit(Event::Presence {
        address: record.from(),
        verified: record.header.is_self_proving(),
        state: present.then(|| Bytes(record.payload.0.to_vec())),
    });
}
