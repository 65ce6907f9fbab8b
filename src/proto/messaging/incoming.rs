//! Messages of others: checked, passed on, delivered, acknowledged.

use std::time::Duration;

use super::acknowledged::Known;
use super::boxes::{self, Opening};
use super::broadcast::{self, Outcome};
use super::direct::{self, Acknowledgement, Direct};
use super::message::{Header, Kind, Message, Payload, Verified};
use super::replay;
use super::toil::Arriving;
use super::{Messaging, addresses, spread};
use crate::proto::context::{Context, Effect};
use crate::proto::id::{Address, MessageId};
use crate::proto::io::{Bytes, Event, Received};
use crate::proto::limits::{Fault, Rate};
use crate::proto::links::link::Packet;

/// Proofs that things arrived. Above that, what arrives within so long is acknowledged together. A guess: 400 proofs a second
/// take a sixteenth of a page's thread.
pub(super) const PROOFS: Rate = Rate(400.0, 64.0);
const GATHER: Duration = Duration::from_micros(2500);

impl Messaging {
    // Broadcasts.

    pub(crate) fn handle_broadcast(
        &mut self,
        from: Address,
        packet: broadcast::Packet,
        cx: &mut Context<'_>,
    ) {
        match packet {
            broadcast::Packet::Data { header, .. } | broadcast::Packet::Header { header, .. }
                if header.to.is_some() && !header.wanted =>
            {
                cx.drop_because("direct message as a broadcast");
                cx.blame(&from, Fault::Lied, "made a broadcast of a direct message");
            }
            broadcast::Packet::Data { hops, header, payload } => {
                self.handle_data(from, hops, *header, payload, cx);
            }
            broadcast::Packet::Header { hops, header } => {
                let (id, links) = (header.id(), addresses(cx.around));
                if self.broadcast.has_header(&id) {
                    self.broadcast.handle_header_again(from, &id, spread(&links, cx));
                } else if !self.is_withdrawn(&header)
                    && self.is_new(&header, cx)
                    && let Some(header) = check_said(&from, &header, cx)
                {
                    let wants = self.wants(&header, cx);
                    self.broadcast.handle_header(from, hops, header, wants, spread(&links, cx), cx.now);
                }
            }
            broadcast::Packet::Have(ids) => self.broadcast.handle_have(from, ids, cx.now),
            broadcast::Packet::Graft(id) => {
                let links = addresses(cx.around);
                self.broadcast.handle_graft(from, id, spread(&links, cx), cx.now);
            }
            broadcast::Packet::Prune(source) => self.broadcast.handle_prune(from, source),
            broadcast::Packet::Resume(source) => self.broadcast.handle_resume(&from, &source),
            broadcast::Packet::Digest { bucket, sum } => {
                self.broadcast.handle_digest(from, bucket, sum, cx.now);
            }
        }
    }

    fn handle_data(
        &mut self,
        from: Address,
        hops: u8,
        header: Header,
        payload: Payload,
        cx: &mut Context<'_>,
    ) {
        let id = header.id();
        let links = addresses(cx.around);
        if self.broadcast.has(&id) {
            cx.stats.duplicates += 1;
            return self.broadcast.handle_duplicate(from, &id, spread(&links, cx));
        }
        if self.is_withdrawn(&header) {
            return cx.drop_because("withdrawn");
        }
        let header = match self.broadcast.vouch(&header) {
            None if self.is_new(&header, cx) => check_said(&from, &header, cx),
            vouched => vouched,
        };
        let Some(message) = header.and_then(|header| assemble(&from, &header, payload, cx)) else { return };
        match self.broadcast.handle_data(from, hops, message, spread(&links, cx), cx.now) {
            Outcome::Duplicate => cx.stats.duplicates += 1,
            Outcome::Deliver(message, hops) => match message.header.to {
                None => match message.header.kind {
                    Kind::Page => {
                        self.handle_come(&message.id, cx);
                        let mut has = vec![message.maker];
                        has.extend((from != message.maker).then_some(from));
                        has.push(cx.me.name());
                        deliver(&message, message.payload.0.to_vec(), has, hops, cx);
                    }
                    Kind::Presence | Kind::Suspicion => cx.effects.push_back(Effect::Proclaimed(message)),
                    Kind::Withdrawal => self.handle_withdrawal(&message, cx),
                    Kind::KeyQuery => cx.drop_because("kind"),
                },
                // The last resort of a direct message.
                Some(to) if to == cx.me.address => self.arrive(*message, Vec::new(), hops, cx),
                Some(_) => {}
            },
        }
    }

    /// Whether this peer wants the payload: of a broadcast, and of a direct message to itself that was not delivered.
    fn wants(&mut self, header: &Header, cx: &mut Context<'_>) -> bool {
        header.to.is_none_or(|to| to == cx.me.address && !self.was_here(header, Vec::new(), cx))
    }

    /// Whether a broadcast that is not remembered is none that was forgotten.
    fn is_new(&self, header: &Header, cx: &mut Context<'_>) -> bool {
        let new = self.broadcast.admits(header, cx.now);
        if !new {
            cx.drop_because("replay");
        }
        new
    }

    /// The maker of a message takes it back: what is not delivered yet goes no further.
    fn handle_withdrawal(&mut self, word: &Message, cx: &mut Context<'_>) {
        let Ok(id) = word.payload.0[..].try_into().map(MessageId) else {
            return cx.drop_because("withdrawal");
        };
        let theirs = self.broadcast.source(&id) == Some(word.maker) && self.broadcast.withdraw(&id);
        if theirs | self.direct.withdraw(&id, &word.maker) | self.handle_never(&id, &word.maker, cx) {
            cx.effects.push_back(Effect::Withdrawn(id));
        }
    }

    // Direct messages.

    pub(crate) fn handle_direct(&mut self, from: Address, packet: direct::Packet, cx: &mut Context<'_>) {
        match packet {
            direct::Packet::Message { header, payload, path, attempt } => {
                self.handle_direct_message(from, *header, payload, path, attempt, cx);
            }
            direct::Packet::Taken { id, attempt } => self.direct.handle_taken(&from, id, attempt, cx.now),
            direct::Packet::Stuck { id, attempt } => {
                if self.direct.handle_stuck(&from, id, attempt) {
                    self.reroute(id, attempt, cx);
                }
            }
            direct::Packet::Acknowledgement(word) => {
                if cx.allows_word(&from) {
                    self.handle_acknowledgement(&from, *word, cx);
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
        cx: &mut Context<'_>,
    ) {
        let Some(to) = header.to else { return cx.drop_because("direct without recipient") };
        let sender = header.maker();
        if sender == cx.me.address {
            return cx.drop_because("direct in a circle");
        }
        if !direct::is_possible(&path, &sender, &from) {
            cx.drop_because("path");
            return cx.blame(&from, Fault::Lied, "lied about the path of a message");
        }
        if to == cx.me.address && cx.allows_word(&from) {
            // A copy costs its maker nothing: whoever repeats it is no reason to hear less of that one.
            if let Known::Delivered(mut said) = self.acknowledged.of(&header, &cx.me.secret.tag()) {
                self.direct.take(from, said.id, attempt);
                said.path = path;
                return self.send_acknowledgement(*said, cx);
            }
        }
        if self.is_withdrawn(&header) {
            return cx.drop_because("withdrawn");
        }
        let header = check(&from, &header, cx);
        let Some(message) = header.and_then(|header| assemble(&from, &header, payload, cx)) else { return };
        if to == cx.me.address {
            self.direct.take(from, message.id, attempt);
            let hops = u8::try_from(path.len()).unwrap_or(u8::MAX);
            return self.arrive(message, path, hops, cx);
        }
        let paths = self.paths(Some(&to), cx.around);
        self.direct.relay(from, message, path, attempt, paths, cx.now);
    }

    /// A direct message reached its recipient: it is delivered once, and acknowledged as often as a true copy comes. What
    /// was not delivered is not acknowledged.
    fn arrive(&mut self, message: Verified<Message>, path: Vec<Address>, hops: u8, cx: &mut Context<'_>) {
        if self.was_here(&message.header, path.clone(), cx) {
            return;
        }
        match message.header.kind {
            Kind::KeyQuery => self.take(message, None, path, hops, cx),
            Kind::Presence | Kind::Suspicion | Kind::Withdrawal => cx.drop_because("kind"),
            Kind::Page => {
                let mut arriving = Arriving { opening: Opening::new(message), path, hops };
                match arriving.opening.step(&mut cx.keys.pairs, &cx.me.identity) {
                    Some(true) => self.handle_opened(arriving, cx),
                    Some(false) => self.open_later(arriving, cx),
                    None => cx.drop_because("sealed box"),
                }
            }
        }
    }

    /// All of a message is opened.
    pub(super) fn handle_opened(&mut self, Arriving { opening, path, hops }: Arriving, cx: &mut Context<'_>) {
        match opening.opened() {
            Some((message, plain)) => self.take(message, Some(plain), path, hops, cx),
            None => cx.drop_because("sealed box"),
        }
    }

    /// Takes a message that is opened, or a question, unless it was forgotten that it was here.
    fn take(
        &mut self,
        message: Verified<Message>,
        plain: Option<Vec<u8>>,
        path: Vec<Address>,
        hops: u8,
        cx: &mut Context<'_>,
    ) {
        let made = cx.clock.shift().ours(message.header.sent_at);
        if !self.recent.take(message.id, message.maker, made, cx.now) {
            return cx.drop_because("replay");
        }
        cx.limits.charge_maker(message.maker, message.payload.0.len(), message.along, cx.now);
        let word = Acknowledgement::of(&message, path.clone(), hops, cx.me.identity.public_key());
        self.to_acknowledge.push((word, message.header.hash(&cx.me.secret.tag())));
        if let Some(plain) = plain {
            self.handle_come(&message.id, cx);
            let mut has = path;
            if has.is_empty() {
                has.push(message.maker);
            }
            has.push(cx.me.name());
            deliver(&message, plain, has, hops, cx);
        }
    }

    /// Whether a direct message to this peer, or another one of its name, was delivered, or is opened: in the first case it is
    /// acknowledged again.
    fn was_here(&mut self, header: &Header, path: Vec<Address>, cx: &mut Context<'_>) -> bool {
        match self.acknowledged.of(header, &cx.me.secret.tag()) {
            Known::New => return self.toil.opens(&header.id()),
            Known::Other => cx.drop_because("another message of one name"),
            Known::Delivered(mut said) => {
                said.path = path;
                self.send_acknowledgement(*said, cx);
            }
        }
        true
    }

    /// Acknowledges all that arrived at once, with one proof: now, or a little later if that was done often of late.
    pub(super) fn acknowledge(&mut self, cx: &mut Context<'_>) {
        if self.to_acknowledge.is_empty() {
            return;
        }
        let proofs = &mut self.proofs;
        let mut gathers = || !proofs.spend(PROOFS, cx.now);
        let at = *self.acknowledge_at.get_or_insert_with(|| if gathers() { cx.now + GATHER } else { cx.now });
        if at <= cx.now {
            self.acknowledge_now(cx);
        }
    }

    pub(crate) fn acknowledge_now(&mut self, cx: &mut Context<'_>) {
        self.acknowledge_at = None;
        let mut words = std::mem::take(&mut self.to_acknowledge);
        Acknowledgement::sign_all(&mut words, &cx.me.identity);
        for (word, header) in words {
            self.acknowledged.remember(header, word.clone());
            self.send_acknowledgement(word, cx);
        }
    }

    fn send_acknowledgement(&mut self, mut word: Acknowledgement, cx: &mut Context<'_>) {
        let next = Direct::return_hop(&mut word.path, &word.to, self.paths(Some(&word.to), cx.around));
        match next.filter(|_| word.hops_left > 0) {
            Some(next) => {
                word.hops_left -= 1;
                cx.send(next, Packet::Direct(direct::Packet::Acknowledgement(Box::new(word))));
            }
            None => cx.drop_because("acknowledgement without a way"),
        }
    }

    fn handle_acknowledgement(&mut self, from: &Address, mut word: Acknowledgement, cx: &mut Context<'_>) {
        if word.path.len() > direct::MAX_RING_HOPS {
            return cx.drop_because("acknowledgement");
        }
        word.hops_left = word.hops_left.min(direct::MAX_RING_HOPS as u16);
        if word.to != cx.me.address {
            return self.send_acknowledgement(word, cx);
        }
        let pending = self.direct.pending(&word.id).map(|message| &message.header);
        let Some(header) = pending.or_else(|| self.direct.retried(&word.id)) else { return };
        let claim = word.claim(header, &cx.me.secret.tag());
        let along = claim.is_some_and(|claim| cx.keys.roots.know(&claim));
        if !along && !cx.allows_relay(from) {
            return;
        }
        if !claim.is_some_and(|claim| cx.keys.roots.check(&claim)) {
            return cx.drop_because("acknowledgement");
        }
        cx.keys.answered(word.key);
        match self.direct.handle_acknowledged(&word.id, cx.now) {
            Some(rtt) => self.handle_acknowledged(word.id, word.from(), word.hops, rtt, cx),
            None => self.direct.handle_acknowledged_again(&word.id),
        }
    }
}

/// Checks a header that is new here, if it is worth the work: recent, within the limits, and made by the key it
/// names. What is cheap to check comes first; what is not the neighbor's fault (clocks and settings differ between
/// honest peers) is only counted.
pub(crate) fn check(from: &Address, header: &Header, cx: &mut Context<'_>) -> Option<Verified<Header>> {
    let maker = header.maker();
    let cause = if !replay::is_recent(cx.clock.shift().ours(header.sent_at), cx.now) {
        "clock"
    } else if header.size as usize > boxes::sealed_size(cx.me.config.max_message_size) {
        "size"
    } else if !cx.limits.allows_maker(&maker, cx.now) {
        "maker above its rate"
    } else {
        let claim = header.claim(&cx.me.secret.tag());
        let along = claim.is_some_and(|claim| cx.keys.roots.know(&claim));
        if !cx.allows_proof(from, &maker, along) {
            return None;
        }
        let checked = claim.and_then(|claim| header.check(&claim, &mut cx.keys.roots));
        if let Some(header) = checked {
            cx.keys.heard(header.key, header.from());
            cx.limits.note_maker(maker, cx.now);
            return Some(header);
        }
        blame_forgery(from, header, cx);
        "forged"
    };
    cx.drop_because(cause);
    None
}

/// The same of a broadcast, which its maker pays for: it is new, as a direct message on its way to another need not be.
fn check_said(from: &Address, header: &Header, cx: &mut Context<'_>) -> Option<Verified<Header>> {
    let header = check(from, header, cx)?;
    cx.limits.charge_maker(header.maker(), header.size as usize, header.along, cx.now);
    Some(header)
}

/// Puts a message together whose header is good; its neighbor was to check that the payload is, too.
pub(crate) fn assemble(
    from: &Address,
    header: &Verified<Header>,
    payload: Payload,
    cx: &mut Context<'_>,
) -> Option<Verified<Message>> {
    let message = header.with(payload);
    if message.is_none() {
        blame_forgery(from, header, cx);
        cx.drop_because("payload");
    }
    message
}

fn blame_forgery(from: &Address, header: &Header, cx: &mut Context<'_>) {
    let evidence = format!("passed on message {} that {} did not make", header.id(), header.from());
    cx.blame(from, Fault::Forged, &evidence);
}

fn deliver(message: &Message, payload: Vec<u8>, has: Vec<Address>, hops: u8, cx: &mut Context<'_>) {
    cx.stats.delivered += 1;
    cx.emit(Event::Message(Received {
        payload: Bytes(payload),
        from: message.from(),
        id: message.id,
        to: message.header.to.map(|_| cx.me.name()),
        has,
        verified: message.header.is_self_proving(),
        hops,
    }));
}
