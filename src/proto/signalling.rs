//! How links are arranged inside the mesh: a [`Request`] carries an offer hop by hop to the peer that should take it up,
//! and the answer returns along the same way. A tracker's offers enter at whatever member they reached and travel to the
//! right one in the same manner.
//!
//! This file: our own requests. [`routing`]: those of others, on their way through or at their end. [`replies`]: what
//! goes back to an origin. [`waiting`]: requests that wait for a slot. [`introductions`]: strangers' offers.

use std::time::Duration;

use super::context::{Accepted, Context, Effect, GivenUp, Offered, Purpose};
use super::id::Address;
use super::io::ConnId;
use super::links::admission::{Confirm, Hello};
use super::links::link;
use super::map::{Map, Set};
use super::neighborhood::{Neighborhood, patient};
use super::offer::{Name, Offer, Offering};
use super::request::{Goal, Plan, Reason, Request, RequestId};
use super::ring::Side;
use super::sdp::{AnswerMark, Candidate, Description};
use super::time::{Instant, soonest};

mod copies;
mod introductions;
mod replies;
mod routing;
mod waiting;
mod wire;

use copies::Copies;
use introductions::Introduction;
#[cfg(any(test, feature = "sim"))]
pub(crate) use introductions::MAX_INTRODUCTIONS;
#[cfg(any(test, feature = "sim"))]
pub(crate) use replies::MAX_UNDER_WAY;
use replies::UnderWay;
use routing::Routes;
pub(crate) use routing::{Arrival, ReplyPath};
#[cfg(any(test, feature = "sim"))]
pub(crate) use waiting::MAX_WAITING;
use waiting::Waiting;
pub(crate) use wire::{Packet, Reply, Signal};

/// A request that nobody answered for this long has failed. Routing takes below 1 s at 100,000 peers; the
/// acceptor's browser needs the rest.
const REQUEST: Duration = Duration::from_millis(2500);
/// With two links each, a request goes round the ring peer by peer, in 45 s at 1,000.
const ROUND: Duration = Duration::from_secs(60);
/// A request whose offer is not made by then is forgotten; its connection fails before.
const UNSENT: Duration = Duration::from_secs(10);
/// Most links a request may cross: a ring of 1,000 peers with two links each, from end to end, and some.
pub(crate) const MAX_HOPS: u16 = 1200;
/// Links that a reply may cross that lost its way.
pub(crate) const MAX_REROUTES: u16 = 32;
/// Peers that a request names as its way, the last ones: twice a path through 100,000 peers, near enough.
pub(crate) const MAX_PATH: usize = 16;

/// A request of this peer's own that is not answered yet.
#[derive(Debug)]
struct OwnRequest {
    conn: Option<ConnId>,
    goal: Goal,
    via: Address,
    aim: Option<Address>,
    /// When it went out; its offer may have to be made first.
    sent: Option<Instant>,
    until: Instant,
}

/// All requests of one peer, and of others through it.
#[derive(Debug, Default)]
pub(crate) struct Signalling {
    own: Map<RequestId, OwnRequest>,
    routes: Routes,
    /// Answers on their way to neighbors; the oldest first.
    under_way: Vec<UnderWay>,
    /// Requests for ring links that wait for a slot; the oldest first.
    waiting: Vec<Waiting>,
    introductions: Map<RequestId, Introduction>,
    copies: Copies,
}

impl Signalling {
    /// Adds to a neighborhood what this part knows: which sides of the ring are being asked for.
    pub(crate) fn survey(&self, around: &mut Neighborhood, now: Instant) {
        // An answer that is not back by now has lost its way, most likely.
        let lost = around.lost();
        let recent = |own: &OwnRequest| own.sent.is_none_or(|at| now - at < lost);
        around.asked = Side::BOTH.map(|side| {
            self.own.values().any(|own| own.conn.is_some() && own.goal == side.goal() && recent(own))
        });
    }

    // Our own requests.

    /// Remembers a request that we make; a probe goes out now, any other when its offer is there.
    pub(crate) fn begin(&mut self, id: RequestId, plan: Plan, conn: Option<ConnId>, cx: &mut Context<'_>) {
        let Plan { goal, via, aim, .. } = plan;
        self.own.insert(id, OwnRequest { conn, goal, via, aim, sent: None, until: cx.now + UNSENT });
        if conn.is_none() {
            self.send_request(id, via, None, cx);
        }
    }

    /// Sends a request whose offer is made.
    pub(crate) fn handle_ready(&mut self, id: RequestId, offered: Offered, cx: &mut Context<'_>) {
        let Offered { via, description, replaces } = offered;
        self.send_request(id, via, Some((description, replaces)), cx);
    }

    fn send_request(
        &mut self,
        id: RequestId,
        via: Address,
        offer: Option<(Description, Option<Address>)>,
        cx: &mut Context<'_>,
    ) {
        let Some(own) = self.own.get_mut(&id) else { return };
        let around = cx.around;
        let patience = if around.max_peers > 2 || own.conn.is_none() {
            patient(REQUEST, around.max_peers)
        } else {
            ROUND
        };
        (own.sent, own.until) = (Some(cx.now), cx.now + patience.max(around.lost()));
        if let Some(conn) = own.conn {
            cx.effects.push_back(Effect::Asked { conn, id, via, until: own.until });
        }
        let (description, replaces) = offer.unzip();
        let offer = description.map(|description| {
            let (me, name) = (&cx.me, Name::Request(id));
            let said = Offering { name, instance: &me.instance, description: &description };
            let signature = said.sign(&me.identity, &me.secret.tag(), cx.swarm_now());
            Offer { description, signature }
        });
        let bound = own.goal.side().and_then(|side| around.bound(side));
        let request = Request {
            id,
            origin: cx.me.address,
            instance: cx.me.instance,
            goal: own.goal,
            need: around.links.len() < 2 || around.free >= 2 && around.finds_no_slots,
            instead_of: bound.or(replaces.flatten()),
            offer,
            brought: None,
            path: Vec::new(),
            hops_left: MAX_HOPS,
        };
        cx.send(via, link::Packet::Signalling(Packet::Request(Box::new(request))));
    }

    /// A request of ours is no longer open.
    pub(crate) fn finish(&mut self, id: &RequestId) {
        self.own.remove(id);
    }

    /// Requests of ours that nobody answered. Whoever does so yet is welcome while the offer is open.
    pub(crate) fn expire(&mut self, cx: &mut Context<'_>) {
        let late = self.own.iter().filter(|(_, own)| own.until <= cx.now).map(|(&id, _)| id);
        for id in late.collect::<Set<_>>() {
            if let Some(OwnRequest { aim, conn, .. }) = self.own.remove(&id) {
                cx.effects.push_back(Effect::Rejected { aim, reason: Reason::NotFound, conn });
            }
        }
    }

    /// A neighbor is gone for good: what was asked through it will not be answered.
    pub(crate) fn handle_dead(&mut self, neighbor: &Address, now: Instant) {
        for own in self.own.values_mut().filter(|own| own.via == *neighbor) {
            own.until = now;
        }
    }

    // What neighbors say.

    pub(crate) fn handle_packet(&mut self, from: Address, packet: Packet, cx: &mut Context<'_>) {
        if !cx.allows_relay(&from) {
            return;
        }
        match packet {
            Packet::Request(request) => self.handle_request(ReplyPath::Neighbor(from), *request, cx),
            Packet::Reply(reply) if reply.to == cx.me.address => {
                self.handle_signal(reply.id, from, reply.signal, cx);
            }
            Packet::Reply(reply) => self.pass_back(&from, reply, cx),
            Packet::Forward { id, signal } => match self.routes.get(&id).map(|route| route.next) {
                Some(Some(next)) => {
                    cx.send(next, link::Packet::Signalling(Packet::Forward { id, signal }));
                }
                Some(None) => self.handle_forwarded(id, signal, cx),
                None => cx.drop_because("signal off its route"),
            },
        }
    }

    /// What the other end of a request has to add.
    fn handle_forwarded(&mut self, id: RequestId, signal: Signal, cx: &mut Context<'_>) {
        match signal {
            Signal::Candidate(candidate) => cx.effects.push_back(Effect::TheirCandidate(id, candidate)),
            Signal::Cancel => cx.effects.push_back(Effect::GivenUp(GivenUp::Of(id))),
            Signal::Accept { .. }
            | Signal::Found(_)
            | Signal::Reject(_)
            | Signal::Decline { .. }
            | Signal::Greet { .. }
            | Signal::Restart { .. } => cx.drop_because("signal"),
            Signal::Later(_) => cx.drop_because("of a later version"),
        }
    }

    /// What the goal of one of our requests says.
    fn handle_signal(&mut self, id: RequestId, from: Address, signal: Signal, cx: &mut Context<'_>) {
        match signal {
            Signal::Candidate(_) | Signal::Cancel | Signal::Later(_) => {
                self.handle_forwarded(id, signal, cx);
            }
            Signal::Accept { key, answer, proof, hello } => {
                let via = self.own.get(&id).map_or(from, |own| own.via);
                cx.effects.push_back(Effect::Accepted(Accepted { id, via, key, answer, proof, hello }));
            }
            Signal::Found(found) => match self.own.get(&id) {
                Some(&OwnRequest { conn: None, goal, via, .. }) => {
                    self.own.remove(&id);
                    cx.effects.push_back(Effect::Found { goal, via, found });
                }
                // Whoever took the offer out of a request for a link does not end it.
                _ => cx.drop_because("signal"),
            },
            Signal::Reject(reason) => {
                if let Some(OwnRequest { aim, conn, .. }) = self.own.remove(&id) {
                    cx.effects.push_back(Effect::Rejected { aim, reason, conn });
                }
            }
            Signal::Decline { origin, answer } => {
                cx.effects.push_back(Effect::GivenUp(GivenUp::Declined(origin, answer)));
            }
            Signal::Greet { request, hello, confirm } => {
                cx.effects.push_back(Effect::Greeted { request, hello: *hello, confirm });
            }
            Signal::Restart { origin, sealed } => {
                cx.effects.push_back(Effect::ToldRound { from: origin, sealed });
            }
        }
    }

    // What we say.

    /// Another candidate of an attempt.
    pub(crate) fn handle_candidate(&mut self, purpose: Purpose, candidate: Candidate, cx: &mut Context<'_>) {
        let signal = Signal::Candidate(candidate);
        match purpose {
            Purpose::Request(id, via) => {
                cx.send(via, link::Packet::Signalling(Packet::Forward { id, signal }));
            }
            Purpose::Answer(request) => self.reply(request, signal, cx),
            Purpose::Offer(_) => {}
        }
    }

    /// Our first words on a link, to whoever answered with its own; while the channel opens, they arrive.
    pub(crate) fn greet(
        &mut self,
        request: RequestId,
        to: Address,
        hello: Hello,
        confirm: Confirm,
        cx: &mut Context<'_>,
    ) {
        self.tell(to, Signal::Greet { request, hello: Box::new(hello), confirm }, cx);
    }

    /// Somebody greets for an attempt that is given up: the acceptance took too long.
    pub(crate) fn handle_greeted_late(&mut self, request: RequestId, cx: &mut Context<'_>) {
        self.reply(request, Signal::Cancel, cx);
    }

    /// Tells an acceptor that its answer is of no use, on the way of the request and on the way that is in sight: while
    /// it does not know, it keeps a slot, and makes no other connection with this peer.
    pub(crate) fn turn_down(
        &mut self,
        id: RequestId,
        acceptor: Address,
        via: Address,
        answer: AnswerMark,
        cx: &mut Context<'_>,
    ) {
        self.cancel(id, via, cx);
        self.decline(acceptor, answer, cx);
    }

    /// Tells a peer, wherever it is, that its answer to an offer of ours is of no use.
    pub(crate) fn decline(&mut self, to: Address, answer: AnswerMark, cx: &mut Context<'_>) {
        if to != cx.me.address && !cx.around.is_link(&to) {
            self.tell(to, Signal::Decline { origin: cx.me.address, answer }, cx);
        }
    }

    /// Tells the acceptor of a request that nothing will come of it.
    fn cancel(&mut self, id: RequestId, via: Address, cx: &mut Context<'_>) {
        cx.send(via, link::Packet::Signalling(Packet::Forward { id, signal: Signal::Cancel }));
    }

    /// Says something to a peer, wherever it is.
    fn tell(&mut self, to: Address, signal: Signal, cx: &mut Context<'_>) {
        let id = RequestId(cx.random.bytes());
        self.reroute(None, Reply { id, to, path: Vec::new(), hops_left: MAX_REROUTES, signal }, cx);
    }

    // Time.

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let own = self.own.values().map(|own| own.until).min();
        soonest(own, self.introductions.values().map(|introduction| introduction.again_at).min())
    }

    /// Whether a request of this peer's own is still open.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn asks(&self, id: &RequestId) -> bool {
        self.own.contains_key(id)
    }

    /// Whether a stranger's offer is on its way.
    #[cfg(test)]
    pub(crate) fn introduces(&self, origin: &Address) -> bool {
        self.introductions.values().any(|introduction| introduction.request.origin == *origin)
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 6] {
        let (routes, waiting, copies) = (self.routes.len(), self.waiting.len(), self.copies.len());
        [self.own.len(), routes, waiting, self.under_way.len(), self.introductions.len(), copies]
    }
}

#[cfg(test)]
mod tests;
