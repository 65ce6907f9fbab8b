//! What comes of an offer: made, kept ready, taken out by trackers or by a request, answered, given up.

use std::time::Duration;

use super::admission::{Confirm, Hello};
use super::conn::{Asked, Conn};
use super::link::{Ahead, Link};
use super::slots::tried_against;
use super::{Links, Pace};
use crate::proto::acceptance::Acceptance;
use crate::proto::context::{Accepted, Answered, Context, Effect, GivenUp, Offered, Purpose};
use crate::proto::id::{Address, OfferId};
use crate::proto::io::ConnId;
use crate::proto::place::Endpoint;
use crate::proto::request::{Goal, Plan, Request, RequestId};
use crate::proto::sdp::{Candidate, Description};
use crate::proto::time::Instant;

/// An offer is taken back when nobody took it up for this long: NAT bindings of its candidates fade.
const OFFER_LIFE: Duration = Duration::from_secs(50);
/// A tracker that takes longer than this to bring an answer is not waited for.
const SLOWEST: Duration = Duration::from_secs(10);
/// An answer to an offer that went out through trackers is here by then, or never comes.
const ANSWERED: Duration = Duration::from_millis(2000);

impl Links {
    // Offers.

    fn next_conn_id(&mut self) -> ConnId {
        self.next_conn += 1;
        ConnId(self.next_conn)
    }

    fn begin_offer(&mut self, cx: &mut Context<'_>) -> ConnId {
        let id = self.next_conn_id();
        let purpose = Purpose::Offer(OfferId(cx.random.bytes()));
        let link = Link::offer(id, cx.now, cx.out);
        cx.stats.attempts += 1;
        self.conns.insert(id, Conn::new(link, purpose, cx.now));
        id
    }

    /// Begins offers if there are fewer than wanted.
    pub(crate) fn begin_offers(&mut self, wanted: usize, cx: &mut Context<'_>) {
        let open = self.conns.values().filter(|conn| conn.is_spare()).count();
        for _ in open..wanted {
            self.begin_offer(cx);
        }
    }

    /// Whether no offer is still being made.
    pub(crate) fn are_offers_ready(&self) -> bool {
        self.conns.values().filter(|conn| conn.is_spare()).all(|conn| conn.link.is_offered())
    }

    /// Some of the offers that are ready go out through a tracker.
    pub(crate) fn hand_out_offers(&mut self, most: usize, now: Instant) -> Vec<(OfferId, Description)> {
        let ready = self.conns.values_mut().filter(|conn| conn.is_spare() && conn.link.is_offered());
        let offer = |conn: &mut Conn| {
            conn.announced = Some(now);
            let Purpose::Offer(id) = conn.purpose else { return None };
            Some((id, conn.link.description()?.clone()))
        };
        ready.take(most).filter_map(offer).collect()
    }

    /// An offer that is ready saves the time to make one. To one that trackers just brought somebody, the answer may be
    /// on its way.
    pub(crate) fn ready_offer(&self, now: Instant) -> Option<ConnId> {
        let idle = |conn: &Conn| conn.announced.is_none_or(|at| now - at >= ANSWERED);
        let ready = |conn: &Conn| conn.is_spare() && conn.link.is_offered() && idle(conn);
        self.conns.iter().find(|(_, conn)| ready(conn)).map(|(&id, _)| id)
    }

    /// Gives a request of ours an offer. [`Effect::RequestReady`] says when it is made.
    pub(crate) fn begin_request(&mut self, id: RequestId, plan: &Plan, cx: &mut Context<'_>) -> ConnId {
        let offer = self.ready_offer(cx.now).unwrap_or_else(|| self.begin_offer(cx));
        if let Some(conn) = self.conns.get_mut(&offer) {
            (conn.purpose, conn.since) = (Purpose::Request(id, plan.via), cx.now);
            conn.chosen = matches!(plan.goal, Goal::Point(_));
            (conn.replaces, conn.trial) = (plan.replaces, plan.replaces.is_some());
            if let Goal::Exact(to) = plan.goal {
                conn.peer = Some(to);
            }
        }
        self.handle_ready(offer, cx);
        offer
    }

    /// A request of ours went out with this offer, to be answered until then.
    pub(crate) fn handle_asked(
        &mut self,
        offer: ConnId,
        id: RequestId,
        via: Address,
        until: Instant,
        now: Instant,
    ) {
        if let Some(conn) = self.conns.get_mut(&offer) {
            // The request ends first.
            conn.link.expire_offer((conn.made + OFFER_LIFE).max(until + Duration::from_secs(1)));
            conn.handle_asked(id, via, now);
        }
    }

    /// Keeps an offer that was turned away for the next request.
    pub(crate) fn recycle(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.link.is_offered() && cx.now < conn.made + OFFER_LIFE {
            conn.purpose = Purpose::Offer(OfferId(cx.random.bytes()));
            (conn.peer, conn.chosen, conn.announced) = (None, false, None);
            (conn.replaces, conn.trial) = (None, false);
            conn.link.expire_offer(conn.made + OFFER_LIFE);
        } else {
            self.drop_conn(id, cx);
        }
    }

    /// Our description is ready to be sent.
    pub(super) fn handle_ready(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.link.is_active() {
            return self.handle_redescribed(id, cx);
        }
        let Some(description) = conn.link.description().cloned() else { return };
        match conn.purpose {
            Purpose::Offer(_) => {
                conn.link.expire_offer(cx.now + OFFER_LIFE);
                cx.effects.push_back(Effect::OfferReady);
            }
            Purpose::Request(request, via) => {
                let offered = Offered { via, description, replaces: conn.replaces };
                cx.effects.push_back(Effect::RequestReady(request, offered));
            }
            Purpose::Answer(request) => {
                // Who has a link here, and asks for one, is another run of it: that is for the greeting to show.
                let waits = conn.trial || conn.peer.is_some_and(|peer| self.neighbors.contains_key(&peer));
                let hello = if waits { None } else { conn.link.greet(cx.me.member(cx.now), cx.random) };
                cx.effects.push_back(Effect::AnswerReady(request, description, hello));
            }
        }
    }

    // Answers.

    /// Answers a request for a link with this peer; the answer is so long on its way.
    pub(crate) fn take_up(
        &mut self,
        request: &Request,
        mut offer: Description,
        delay: Duration,
        cx: &mut Context<'_>,
    ) {
        let replaces = tried_against(request, cx.around);
        let successor_hint = request.instead_of.filter(|_| request.goal.side().is_none());
        self.make_room(cx);
        let tried = self.sift(&mut offer, cx);
        let id = self.next_conn_id();
        let mut link = Link::answer(id, offer, cx.now, cx.out);
        link.patience = self.pace.patience(&request.origin) + delay.min(SLOWEST).mul_f64(1.5);
        cx.stats.attempts += 1;
        let fresh = Conn::new(link, Purpose::Answer(request.id), cx.now);
        let (peer, trial) = (Some(request.origin), successor_hint.is_some());
        self.conns.insert(id, Conn { peer, replaces, successor_hint, trial, tried, ..fresh });
    }

    /// Somebody answered a request of ours.
    pub(crate) fn handle_accepted(&mut self, accepted: Accepted, cx: &mut Context<'_>) -> Answered {
        let Accepted { id, key, answer, proof, hello, .. } = accepted;
        let from = key.address();
        let before = |conn: &Conn| conn.is_for(id) && conn.peer == Some(from) && conn.link.is_taken_up();
        if self.conns.values().any(before) {
            // It came on two ways.
            return Answered::Taken;
        }
        let open = |conn: &Conn| conn.is_for(id) && conn.link.is_offered();
        let Some((&conn, offer)) = self.conns.iter().find(|(_, conn)| open(conn)) else {
            return Answered::OfNoUse;
        };
        let proven = match offer.asked.iter().find(|asked| asked.id == id) {
            Some(&Asked { offer: Some(offer), of, .. }) => {
                let said = Acceptance { request: id, offer, answer: &answer, hello: hello.as_deref() };
                of.is_none_or(|of| of == from) && said.is_of(&key, &proof, &cx.me.secret.tag())
            }
            // Trackers took it out: who answers there proves nothing either.
            _ => matches!(offer.purpose, Purpose::Offer(_)),
        };
        if !proven {
            cx.drop_because("forged answer");
            return Answered::Forged;
        }
        if !self.take_answer(conn, Some(id), from, *answer, cx) {
            return Answered::OfNoUse;
        }
        if let Some(hello) = hello {
            self.greet_back(id, conn, from, *hello, cx);
        }
        Answered::Taken
    }

    /// Somebody answered an offer that trackers took out. `false`: of no use, and it should know.
    pub(crate) fn handle_answered(
        &mut self,
        offer: OfferId,
        from: Address,
        answer: Description,
        cx: &mut Context<'_>,
    ) -> bool {
        let for_it = |conn: &Conn| conn.purpose == Purpose::Offer(offer);
        if self.conns.values().any(|conn| for_it(conn) && conn.peer == Some(from)) {
            // It came on two ways.
            return true;
        }
        let open = self.conns.iter().find(|(_, conn)| for_it(conn) && conn.link.is_offered());
        let Some((&conn, _)) = open else {
            cx.drop_because("late answer");
            return false;
        };
        self.take_answer(conn, None, from, answer, cx)
    }

    /// Somebody answered one of our offers, for this request if it did not go out through trackers; `false`: too late, or
    /// there is no use for it.
    fn take_answer(
        &mut self,
        id: ConnId,
        request: Option<RequestId>,
        from: Address,
        mut answer: Description,
        cx: &mut Context<'_>,
    ) -> bool {
        let Some(conn) = self.conns.get(&id) else { return false };
        // Then what the offer is out for now is not what was answered.
        let late = request.and_then(|request| conn.asked_before(request));
        let (me, since) = (cx.me.address, late.map_or(conn.since, |late| late.at));
        let falls = |conn: &Conn| match conn.purpose {
            // Two answers crossed: the offer of the higher address stands, and the answer to the other one falls.
            Purpose::Answer(_) => me > from,
            // It answers a second request only when it gave the first one up, and its answers may overtake each other.
            _ => conn.since < since,
        };
        while let Some(fallen) = self.attempt(&|conn| conn.peer == Some(from) && falls(conn)) {
            self.drop_conn(fallen, cx);
        }
        let with_it =
            |(&other, conn): (&ConnId, &Conn)| other != id && conn.peer == Some(from) && conn.holds_slot();
        // Only what trackers take out reaches another run of this peer's own identity.
        let own = from == me && request.is_some();
        let duplicate = own || self.neighbors.contains_key(&from) || self.conns.iter().any(with_it);
        let room = self.has_slot_for_answer(id, &from, late.is_some(), cx);
        let welcome = room && !duplicate && answer.is_sound();
        if !welcome && late.is_some() {
            // The offer stays open for what it is out for now.
            cx.drop_because("answer of no use");
            return false;
        }
        let tried = if welcome {
            self.make_room(cx);
            self.sift(&mut answer, cx)
        } else {
            Vec::new()
        };
        let patience = self.pace.patience(&from);
        let Some(conn) = self.conns.get_mut(&id) else { return false };
        conn.link.patience = patience;
        if !welcome || !conn.link.accept(answer, cx.now, cx.out) {
            self.drop_conn(id, cx);
            cx.drop_because("answer of no use");
            return false;
        }
        (conn.peer, conn.tried) = (Some(from), tried);
        conn.asked.clear();
        if let Some(Asked { id, via, at, .. }) = late {
            (conn.chosen, conn.replaces, conn.trial, conn.since) = (false, None, false, at);
            let newer = std::mem::replace(&mut conn.purpose, Purpose::Request(id, via));
            if let Purpose::Request(newer, _) = newer {
                cx.effects.push_back(Effect::Superseded(newer));
            }
        }
        true
    }

    /// Sends our words on a new link through the mesh; while the channel opens, they arrive. An offer that trackers took
    /// out brought no word.
    fn greet_back(
        &mut self,
        request: RequestId,
        id: ConnId,
        to: Address,
        hello: Hello,
        cx: &mut Context<'_>,
    ) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if matches!(conn.purpose, Purpose::Offer(_)) {
            return;
        }
        if let Some((hello, confirm)) = conn.link.greet_back(hello, cx.me.member(cx.now), cx.random) {
            cx.effects.push_back(Effect::Greet { request, to, hello, confirm });
        }
    }

    /// The first words of a peer that we sent ours with our answer; `false`: that attempt is given up.
    pub(crate) fn handle_greeted(&mut self, request: RequestId, hello: Hello, confirm: Confirm) -> bool {
        let conn = self.conns.values_mut().find(|conn| conn.is_for(request));
        conn.map(|conn| conn.link.handle_greeted(hello, confirm)).is_some()
    }

    /// Another candidate of the peer at the other end.
    pub(crate) fn add_remote(&mut self, request: RequestId, candidate: Candidate, cx: &mut Context<'_>) {
        let conn = self.conns.iter().find(|(_, conn)| conn.is_for(request) && !conn.link.is_active());
        if let Some((&id, _)) = conn {
            self.try_candidate(id, candidate, cx);
        }
    }

    /// ... and of a link that is given another path.
    pub(super) fn try_candidate(&mut self, id: ConnId, candidate: Candidate, cx: &mut Context<'_>) {
        let conn = self.conns.get_mut(&id).filter(|conn| conn.link.takes(&candidate));
        let Some(conn) = conn else { return };
        if self.targets.try_at(&candidate, &mut conn.tried, cx.now) {
            conn.link.add_remote(candidate, cx.out);
        } else {
            cx.drop_because("candidate");
        }
    }

    /// Leaves in a description of theirs only where our browser may look for them.
    pub(super) fn sift(&mut self, theirs: &mut Description, cx: &mut Context<'_>) -> Vec<Endpoint> {
        let mut tried = Vec::new();
        theirs.candidates.retain(|candidate| {
            let may = self.targets.try_at(candidate, &mut tried, cx.now);
            if !may {
                cx.drop_because("candidate");
            }
            may
        });
        tried
    }

    /// The channel is open: both say who they are.
    pub(crate) fn handle_opened(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        Pace::note(&mut self.pace.connecting, conn.link.attempt_age(cx.now).unwrap_or_default());
        for at in std::mem::take(&mut conn.tried) {
            self.targets.refund(at);
        }
        let ahead = conn.link.handle_opened(cx.me.member(cx.now), cx.random, cx.now);
        let Some(Ahead { hello, confirm }) = ahead else { return };
        // With two links, which one stays depends on what both ends say of them now.
        if confirm.is_some() && self.has_another(id, &hello) {
            return;
        }
        self.handle_hello(id, &hello, cx);
        if let (Some(confirm), Some(conn)) = (confirm, self.conns.get_mut(&id)) {
            let happened = conn.link.handle_confirm(&confirm, false);
            self.act(id, happened, cx);
        }
    }

    // Their end.

    /// A connection that is being made.
    pub(super) fn attempt(&self, of: &dyn Fn(&Conn) -> bool) -> Option<ConnId> {
        self.conns.iter().find(|(_, conn)| conn.is_attempt() && of(conn)).map(|(&id, _)| id)
    }

    /// The other end makes a connection no more: its peer, if there was such an attempt.
    pub(crate) fn give_up(&mut self, which: GivenUp, cx: &mut Context<'_>) -> Option<Address> {
        let id = self.attempt(&|conn| match which {
            GivenUp::Of(request) => conn.is_for(request),
            GivenUp::Declined(peer, answer) => {
                let ours = conn.link.description().filter(|_| conn.is_answer());
                conn.peer == Some(peer) && ours.is_some_and(|ours| ours.mark() == answer)
            }
        })?;
        let peer = self.conns.get(&id).and_then(|conn| conn.peer);
        self.drop_conn(id, cx);
        peer
    }

    /// Our answer to a request cannot get there.
    pub(crate) fn take_back(&mut self, request: RequestId, cx: &mut Context<'_>) {
        if let Some(conn) = self.attempt(&|conn| conn.is_for(request)) {
            self.drop_conn(conn, cx);
        }
    }

    /// The peer that we meant to reach is left alone for a while. Only one that proved that it answered us, or who it
    /// is: whoever comes to us, or answers an offer that a tracker carried, may go by any name.
    pub(super) fn leave_alone(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get(&id) else { return };
        let answered = matches!(conn.purpose, Purpose::Request(..)) && conn.link.is_taken_up();
        let known = conn.link.is_active() || answered;
        if let Some(peer) = conn.peer.filter(|_| known) {
            cx.effects.push_back(Effect::Avoid(peer));
        }
    }

    /// A connection that came to nothing.
    pub(super) fn fail(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get(&id) else { return };
        let (purpose, taken) = (conn.purpose, conn.link.is_taken_up());
        self.drop_conn(id, cx);
        cx.effects.push_back(Effect::Failed { purpose, taken });
    }
}
