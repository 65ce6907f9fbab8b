//! The page's messages on their way: held for the first neighbor, sealed for their recipient, handed over, delivered.
//!
//! What a page says goes when its turn is over, all of it at once: see [`Messaging::release_due`].

use std::collections::VecDeque;
use std::time::Duration;

use super::boxes::Sealing;
use super::message::{Draft, Kind, Message, Named, Unsigned, Verified};
use super::{Messaging, addresses, spread};
use crate::proto::config::Config;
use crate::proto::context::{Context, Effect};
use crate::proto::id::{Address, MessageId};
use crate::proto::identity::signature::MAX_LEAVES;
use crate::proto::io::{Bytes, DeliveryFailure, Event, Receipt, SendError, Waiting};
use crate::proto::limits::{self, Bucket, Rate};
use crate::proto::links::link::wire::MAX_FRAME;
use crate::proto::map::{Map, Set};
use crate::proto::time::{Instant, soonest};

/// Messages held, at most, however small they are.
const MAX_HELD: usize = 1 << 16;
/// Held messages that go at once, with one proof, and the pause before more: to hash and to seal them must not block a page's
/// thread for longer than a frame of its animation.
const RELEASE: (usize, Duration) = (MAX_LEAVES / 2, Duration::from_millis(5));
/// While direct messages are under way, so many proofs may be made for the next; above that, what is said gathers for so long.
/// Who waits for each before the next waits for nothing (as with TCP: J. Nagle, RFC 896).
const PROOFS: Rate = Rate(200.0, 32.0);
const GATHER: Duration = Duration::from_millis(5);
/// Messages that wait for the key of one recipient, in bytes with all others.
const MAX_AWAITING: usize = 16 << 20;

/// The page's messages on their way.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Those that wait for the end of the page's turn, for the first neighbor, or because much was sent before them.
    held: VecDeque<Named>,
    held_bytes: usize,
    /// When some of them may go.
    release_at: Option<Instant>,
    /// How many proofs may be made while others are under way.
    proofs: Bucket,
    /// How much may be sent now.
    pub(super) pace: Bucket,
    /// ... of what goes along with the proof of another one.
    pace_along: Bucket,
    /// Broadcasts that some neighbors have not taken yet.
    broadcasts: Map<MessageId, Handed>,
    /// Direct messages that wait for their recipient's key.
    awaiting: Map<Address, Awaiting>,
    awaiting_bytes: usize,
    /// Direct messages under way to whoever claims a name.
    to_claimed: Set<MessageId>,
    /// Those that the page gives no longer than this, the soonest first: no more than are under way.
    expire: Vec<(Instant, MessageId)>,
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
    drafts: Vec<Named>,
}

impl Outgoing {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            held: VecDeque::new(),
            held_bytes: 0,
            release_at: None,
            proofs: Bucket::new(PROOFS, now),
            pace: Bucket::new(limits::OWN, now),
            pace_along: Bucket::new(limits::OWN_ALONG, now),
            broadcasts: Map::new(),
            awaiting: Map::new(),
            awaiting_bytes: 0,
            to_claimed: Set::new(),
            expire: Vec::new(),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        soonest(self.release_at, self.expire.first().map(|&(at, _)| at))
    }

    /// Takes out all that has not gone yet, in the order in which it was said.
    fn take_waiting(&mut self, sealing: impl Iterator<Item = Named>) -> Vec<Waiting> {
        let asked = std::mem::take(&mut self.awaiting).into_iter().flat_map(|(_, awaiting)| awaiting.drafts);
        let asked = asked.collect::<Vec<_>>();
        (self.awaiting_bytes, self.held_bytes) = (0, 0);
        let waiting = sealing.chain(asked).chain(std::mem::take(&mut self.held));
        let expire = std::mem::take(&mut self.expire);
        let wait = |Named { id, draft, .. }: Named| {
            let until = expire.iter().find(|(_, of)| *of == id).map(|&(at, _)| at);
            let Draft { to, to_claimed: claimed, payload, .. } = draft;
            Waiting { id, to, claimed, payload: Bytes(payload.0.to_vec()), until }
        };
        waiting.map(wait).collect()
    }

    /// Takes a message that has not gone yet out of where it waits.
    fn withdraw(&mut self, id: &MessageId) -> bool {
        if let Some(at) = self.held.iter().position(|held| held.id == *id) {
            self.held_bytes -= self.held.remove(at).map_or(0, |held| held.size());
            return true;
        }
        // Whoever waits for the same key stays, and so does the question for it.
        let waiting = self.awaiting.values_mut().find_map(|awaiting| {
            let at = awaiting.drafts.iter().position(|draft| draft.id == *id)?;
            Some(awaiting.drafts.remove(at))
        });
        self.awaiting_bytes -= waiting.as_ref().map_or(0, Named::size);
        waiting.is_some()
    }

    /// A link is gone, and with it what it had not taken.
    pub(super) fn handle_unlinked(&mut self, neighbor: &Address) {
        for handed in self.broadcasts.values_mut() {
            handed.to.remove(neighbor);
        }
    }

    /// Whether a broadcast is not with all neighbors yet.
    pub(super) fn is_under_way(&self, id: &MessageId) -> bool {
        self.broadcasts.contains_key(id)
    }

    /// Broadcasts that a neighbor has not taken.
    pub(super) fn owed_to(&self, neighbor: &Address) -> Vec<MessageId> {
        self.broadcasts.iter().filter(|(_, handed)| handed.to.contains(neighbor)).map(|(&id, _)| id).collect()
    }

    /// A neighbor has a broadcast, or does not want it.
    fn handle_taken(&mut self, id: &MessageId, neighbor: &Address) {
        if let Some(handed) = self.broadcasts.get_mut(id) {
            handed.to.remove(neighbor);
        }
    }

    /// What waited for a key, if this was the question for it.
    fn take_awaiting(&mut self, to: &Address, query: &MessageId) -> Option<Vec<Named>> {
        if self.awaiting.get(to)?.query != *query {
            return None;
        }
        let drafts = self.awaiting.remove(to)?.drafts;
        let bytes: usize = drafts.iter().map(Named::size).sum();
        self.awaiting_bytes = self.awaiting_bytes.saturating_sub(bytes);
        Some(drafts)
    }

    /// Whether a message of this size may be held; one that need not wait for others always.
    fn has_room(&self, size: usize, linked: bool, config: &Config) -> bool {
        linked && self.held.is_empty()
            || self.held_bytes + size <= config.max_held && self.held.len() < MAX_HELD
    }

    fn release_later(&mut self, linked: bool, now: Instant) {
        if !self.held.is_empty() && linked {
            self.release_at = self.release_at.or(Some(now + RELEASE.1));
        }
    }

    /// How much it holds: messages held and their bytes, bytes that wait for keys.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn sizes(&self) -> [usize; 3] {
        [self.held.len(), self.held_bytes, self.awaiting_bytes]
    }
}

impl Messaging {
    /// Takes back what has not gone yet: somebody else is to say it.
    pub(crate) fn take_waiting(&mut self) -> Vec<Waiting> {
        let sealing = self.toil.take_sealing().map(Sealing::into_named);
        self.outgoing.take_waiting(sealing)
    }

    /// Whether something of the page's is not where it should go yet.
    pub(crate) fn has_to_send(&self) -> bool {
        let outgoing = &self.outgoing;
        let awaits = outgoing.awaiting.values().any(|awaiting| !awaiting.drafts.is_empty());
        awaits || self.toil.is_sealing() || !(outgoing.held.is_empty() && outgoing.broadcasts.is_empty())
    }

    /// Sends a payload to every peer of the swarm, or to one: by its address, or by what it is `claimed` to be.
    pub(crate) fn send(
        &mut self,
        to: Option<Address>,
        claimed: bool,
        payload: Bytes,
        cx: &mut Context<'_>,
    ) -> Result<MessageId, SendError> {
        let (size, limit) = (payload.0.len(), cx.me.config.max_message_size);
        if size > limit {
            return Err(SendError::TooLarge { size, limit });
        }
        if to == Some(if claimed { cx.me.name() } else { cx.me.address }) {
            return Err(SendError::ToSelf);
        }
        let draft = Draft { to_claimed: claimed, ..cx.me.draft(to, Kind::Page, payload.0, cx.random) };
        let draft = draft.named(&cx.me.identity);
        let id = draft.id;
        let linked = !cx.around.links.is_empty();
        if !self.outgoing.has_room(size, linked, &cx.me.config) {
            // As much in one turn as waits while there is nobody is no reason to refuse more, if it may go.
            self.release_due(cx);
        }
        let outgoing = &mut self.outgoing;
        if !outgoing.has_room(size, linked, &cx.me.config) {
            return Err(SendError::Full { held: outgoing.held_bytes });
        }
        outgoing.held_bytes += size;
        outgoing.held.push_back(draft);
        if linked {
            let mut gathers = || self.direct.is_busy() && !outgoing.proofs.spend(PROOFS, cx.now);
            outgoing.release_at.get_or_insert_with(|| if gathers() { cx.now + GATHER } else { cx.now });
        }
        cx.stats.sent += 1;
        Ok(id)
    }

    /// What was said since goes, if it may.
    pub(crate) fn release_due(&mut self, cx: &mut Context<'_>) {
        if self.outgoing.release_at.is_some_and(|at| at <= cx.now) {
            self.release_held(cx);
        }
    }

    /// What was held goes, some of it now.
    pub(crate) fn release_held(&mut self, cx: &mut Context<'_>) {
        let linked = !cx.around.links.is_empty();
        let mut ready = Vec::new();
        for _ in 0..RELEASE.0 {
            let Some(size) = self.outgoing.held.front().filter(|_| linked).map(Named::size) else { break };
            let along = !ready.is_empty();
            if along && !self.outgoing.pace_along.take(1.0, limits::OWN_ALONG, cx.now)
                || !self.outgoing.pace.take(limits::message_cost(size, along), limits::OWN, cx.now)
            {
                break;
            }
            self.outgoing.held_bytes -= size;
            if let Some(draft) = self.outgoing.held.pop_front() {
                ready.extend(self.prepare(draft, cx));
            }
        }
        self.outgoing.release_at = None;
        self.outgoing.release_later(linked, cx.now);
        self.say(ready, cx);
    }

    /// Signs what is said at once, and hands it on.
    pub(super) fn say(&mut self, ready: Vec<Unsigned>, cx: &mut Context<'_>) {
        for message in Unsigned::sign_all(ready, &cx.me.identity, &cx.me.secret.tag()) {
            match message.header.to {
                None => self.publish(message, cx),
                Some(to) => self.direct.send(message, self.paths(Some(&to), cx.around), cx.now),
            }
        }
    }

    /// All of a message but its proof, unless something is missing yet, or it cannot go at all.
    fn prepare(&mut self, draft: Named, cx: &mut Context<'_>) -> Option<Unsigned> {
        match draft.draft.to {
            None => Some(draft.ready(&cx.me.identity, cx.swarm_now())),
            Some(to) => self.address_to(draft, to, cx),
        }
    }

    fn publish(&mut self, message: Verified<Message>, cx: &mut Context<'_>) {
        let links = addresses(cx.around);
        let to = self.broadcast.publish(&message, spread(&links, cx), cx.now);
        if to.is_empty() {
            self.end(message.id, Ok(Receipt { hops: 0, rtt: Duration::ZERO, verified: None }), cx);
        } else {
            let handed = Handed { sent_at: cx.now, to: to.into_iter().collect() };
            self.outgoing.broadcasts.insert(message.id, handed);
        }
    }

    /// Signs what this peer says of its own accord, and sends it if it is for everybody.
    pub(crate) fn proclaim(
        &mut self,
        kind: Kind,
        payload: Vec<u8>,
        to_all: bool,
        cx: &mut Context<'_>,
    ) -> Verified<Message> {
        let draft = cx.me.draft(None, kind, payload, cx.random);
        let message = draft.sign(&cx.me.identity, &cx.me.secret.tag(), cx.swarm_now());
        if to_all {
            self.outgoing.pace.charge(1.0, limits::OWN, cx.now);
            let links = addresses(cx.around);
            self.broadcast.publish(&message, spread(&links, cx), cx.now);
        }
        message
    }

    /// Seals a direct message, begins with a large one, or asks for the recipient's key first.
    fn address_to(&mut self, draft: Named, to: Address, cx: &mut Context<'_>) -> Option<Unsigned> {
        let (id, claimed) = (draft.id, draft.draft.to_claimed);
        let linked = cx.around.link(&to).filter(|_| !claimed).map(|link| link.key);
        let key = match claimed {
            true => cx.keys.named(&to),
            false => linked.or_else(|| cx.keys.get(&to)),
        };
        let Some(key) = key else {
            // Whoever claims a name cannot be asked for it: anybody could answer.
            match claimed {
                true => self.end(id, Err(DeliveryFailure::Unreachable), cx),
                false => self.await_key(draft, to, cx),
            }
            return None;
        };
        if claimed {
            self.outgoing.to_claimed.insert(id);
        }
        // From here on it goes where the key proves its owner to be.
        let mut sealing = Sealing::new(draft, key);
        match sealing.step(&mut cx.keys.pairs, &cx.me.identity, cx.random) {
            Some(true) => return Some(sealing.ready(&cx.me.identity, cx.swarm_now())),
            Some(false) => self.toil.seal(sealing, cx.now),
            None => self.end(id, Err(DeliveryFailure::Unreachable), cx),
        }
        None
    }

    fn await_key(&mut self, draft: Named, to: Address, cx: &mut Context<'_>) {
        let (id, size) = (draft.id, draft.size());
        if self.outgoing.awaiting_bytes + size > MAX_AWAITING {
            return self.end(id, Err(DeliveryFailure::Unreachable), cx);
        }
        self.outgoing.awaiting_bytes += size;
        if let Some(awaiting) = self.outgoing.awaiting.get_mut(&to) {
            awaiting.drafts.push(draft);
            return;
        }
        let query = cx.me.draft(Some(to), Kind::KeyQuery, Vec::new(), cx.random);
        let query = query.sign(&cx.me.identity, &cx.me.secret.tag(), cx.swarm_now());
        self.outgoing.awaiting.insert(to, Awaiting { query: query.id, drafts: vec![draft] });
        self.direct.send(query, self.paths(Some(&to), cx.around), cx.now);
    }

    /// Gives a message that was just sent no longer than this.
    pub(crate) fn expire_at(&mut self, id: MessageId, at: Instant) {
        let expire = &mut self.outgoing.expire;
        let place = expire.partition_point(|&(other, _)| other <= at);
        expire.insert(place, (at, id));
    }

    /// The time that the page gave some messages is over.
    pub(super) fn expire(&mut self, cx: &mut Context<'_>) {
        while let Some(&(_, id)) = self.outgoing.expire.first().filter(|&&(at, _)| at <= cx.now) {
            self.withdraw(id, DeliveryFailure::Timeout, cx);
        }
    }

    /// The page wants a message no more. What is held does not go; what went may arrive all the same, but for a large one: of that
    /// no more goes, and who has it or some of it lets go of it.
    pub(crate) fn withdraw(&mut self, id: MessageId, why: DeliveryFailure, cx: &mut Context<'_>) {
        self.withdraw_large(id, cx);
        let outgoing = &mut self.outgoing;
        let waited = outgoing.withdraw(&id) || self.toil.withdraw(&id);
        let handed = outgoing.broadcasts.remove(&id).is_some();
        if waited || handed || self.direct.give_up(&id) {
            self.outgoing.to_claimed.remove(&id);
            self.end(id, Err(why), cx);
        }
        self.outgoing.expire.retain(|&(_, of)| of != id);
    }

    fn withdraw_large(&mut self, id: MessageId, cx: &mut Context<'_>) {
        let direct = self.direct.pending(&id).map(|message| &message.header);
        let header =
            direct.or_else(|| self.broadcast.header(&id).filter(|_| self.outgoing.is_under_way(&id)));
        if header.is_some_and(|header| header.size as usize > MAX_FRAME) {
            self.broadcast.withdraw(&id);
            cx.effects.push_back(Effect::Withdrawn(id));
            cx.effects.push_back(Effect::Proclaim(Kind::Withdrawal, id.0.to_vec()));
        }
    }

    // How it ends.

    /// The one place where the page hears of it.
    pub(super) fn end(&mut self, id: MessageId, how: Result<Receipt, DeliveryFailure>, cx: &mut Context<'_>) {
        self.outgoing.expire.retain(|&(_, of)| of != id);
        self.progress.end_out(&id);
        cx.emit(Event::Delivery(id, how));
    }

    /// Tells the page which broadcasts are with all neighbors that they concern. `taken`: what those took of late.
    pub(crate) fn handle_taken(&mut self, taken: Vec<(MessageId, Address)>, cx: &mut Context<'_>) {
        for (id, neighbor) in taken.into_iter().chain(self.broadcast.take_declined()) {
            self.outgoing.handle_taken(&id, &neighbor);
        }
        let done = self.outgoing.broadcasts.extract_if(|_, handed| handed.to.is_empty());
        for (id, handed) in done.collect::<Vec<_>>() {
            self.end(id, Ok(Receipt { hops: 0, rtt: cx.now - handed.sent_at, verified: None }), cx);
        }
    }

    /// The recipient has a direct message, or answered a question for its key.
    pub(super) fn handle_acknowledged(
        &mut self,
        id: MessageId,
        to: Address,
        hops: u8,
        rtt: Duration,
        cx: &mut Context<'_>,
    ) {
        match self.outgoing.take_awaiting(&to, &id) {
            Some(drafts) => {
                let ready = drafts.into_iter().filter_map(|draft| self.address_to(draft, to, cx)).collect();
                self.say(ready, cx);
            }
            None => {
                let verified = Some(!self.outgoing.to_claimed.remove(&id));
                self.end(id, Ok(Receipt { hops, rtt, verified }), cx);
            }
        }
    }

    /// Nobody acknowledged a direct message, or a question for a key.
    pub(super) fn handle_failed(
        &mut self,
        message: &Message,
        failure: DeliveryFailure,
        cx: &mut Context<'_>,
    ) {
        let failed = message.header.to.and_then(|to| self.outgoing.take_awaiting(&to, &message.id));
        let ids = match failed {
            Some(drafts) => drafts.iter().map(|draft| draft.id).collect(),
            None => vec![message.id],
        };
        for id in ids {
            self.outgoing.to_claimed.remove(&id);
            self.end(id, Err(failure), cx);
        }
    }

    /// Everything unacknowledged fails: this peer leaves.
    pub(crate) fn fail_all(&mut self, cx: &mut Context<'_>) {
        let outgoing = &mut self.outgoing;
        let mut ids: Vec<_> = std::mem::take(&mut outgoing.held).into_iter().map(|held| held.id).collect();
        ids.extend(std::mem::take(&mut outgoing.broadcasts).into_iter().map(|(id, _)| id));
        for (_, awaiting) in std::mem::take(&mut outgoing.awaiting) {
            ids.extend(awaiting.drafts.iter().map(|draft| draft.id));
        }
        ids.extend(self.toil.take_sealing().map(|sealing| sealing.id()));
        ids.extend(self.direct.take_pending());
        for id in ids {
            self.end(id, Err(DeliveryFailure::Closed), cx);
        }
    }
}
