//! The peer: owns the parts, and is the only place where they meet.
//!
//! ```text
//!        page               trackers            data channels
//!         │ send               │                      │
//!         ▼                    ▼                      ▼
//!     messaging           introducers               links ──▶ every packet of a neighbor
//!         │                    │                      │
//!         │                    └───▶ signalling ◀─────┤
//!         │                              ▲            │
//!         └──────────────────────── topology ◀────────┘
//! ```
//!
//! [`Peer::handle`] gives an input to the part that it concerns. What a part wants of the world it puts into `out`; what
//! it wants of another part is an [`Effect`], and [`Peer::apply`] hands each to whom it concerns, in order. Before each
//! of both the neighborhood is looked at anew, as far as it may have changed, so no part decides on what is no longer so.

use std::collections::VecDeque;
use std::time::Duration;

use super::clock::SwarmClock;
use super::config::{Config, ConfigError, MAX_TRACKERS};
use super::context::{Answered, Context, Effect, Purpose};
use super::id::{Address, MessageId};
use super::identity::Identity;
use super::introducers::{self, Introducers};
use super::io::{Bytes, ConnId, DeliveryFailure, Event, Input, Output, SendError, Waiting};
use super::keys::Keys;
use super::limits::{Fault, Limits};
use super::links::Links;
use super::links::link::{Farewell, Packet};
use super::me::Me;
use super::messaging::Messaging;
use super::messaging::broadcast;
use super::messaging::message::Kind;
use super::neighborhood::{Neighborhood, Shown};
use super::presence::Presence;
use super::random::Random;
use super::report::Stats;
use super::request::{Reason, RequestId};
use super::secret::SwarmSecret;
use super::signalling::{Signal, Signalling};
use super::standby::Standby;
use super::time::Instant;
use super::topology::Topology;

#[cfg(any(test, feature = "sim"))]
mod bounds;
mod closing;
mod queries;

use closing::Stage;

/// Names of messages that cost as much to look at as another packet.
const NAMES_PER_PACKET: f64 = 64.0;
/// What a packet about the mesh costs: all paths are worked out anew for it. So a neighbor may send 50 a second, and an
/// honest one, which gathers changes for 50 ms, sends no more than 30.
const VIEW: f64 = 400.0;

/// One peer of one swarm.
#[derive(Debug)]
pub struct Peer {
    parts: Parts,
    commons: Commons,
    stage: Stage,
    /// Forwards nothing, for simulations of peers that do not play along.
    #[cfg(any(test, feature = "sim"))]
    silent: bool,
}

/// The parts of a peer; none knows another. All are shown the neighborhood, which these make: the links, what the topology
/// makes of them, and what signalling asks for.
#[derive(Debug)]
struct Parts {
    links: Shown<Links>,
    signalling: Signalling,
    topology: Shown<Topology>,
    messaging: Messaging,
    introducers: Introducers,
    standby: Standby,
    presence: Presence,
}

/// What the parts share: see [`Context`].
#[derive(Debug)]
struct Commons {
    me: Me,
    around: Neighborhood,
    clock: SwarmClock,
    random: Random,
    keys: Keys,
    limits: Limits,
    stats: Stats,
    out: VecDeque<Output>,
    effects: VecDeque<Effect>,
}

impl Peer {
    /// A peer that begins to join its swarm at once: call [`poll_output`](Self::poll_output).
    pub fn new(
        config: Config,
        identity: Identity,
        mut random: Random,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let me = Me::new(config, identity, &mut random, now);
        let parts = Parts {
            links: Shown::new(Links::new()),
            signalling: Signalling::default(),
            topology: Shown::new(Topology::new(me.address)),
            messaging: Messaging::new(now),
            introducers: Introducers::default(),
            standby: Standby::default(),
            presence: Presence::default(),
        };
        let commons = Commons {
            around: Neighborhood::new(me.address, me.config.max_peers),
            me,
            clock: SwarmClock::default(),
            random,
            keys: Keys::default(),
            limits: Limits::new(now),
            stats: Stats::default(),
            out: VecDeque::new(),
            effects: VecDeque::new(),
        };
        let mut peer = Self {
            parts,
            commons,
            stage: Stage::Open,
            #[cfg(any(test, feature = "sim"))]
            silent: false,
        };
        peer.open_trackers(now);
        Ok(peer)
    }

    /// The secret of a private swarm is ready: joins it. What the page said meanwhile was held.
    pub fn unlock(&mut self, secret: SwarmSecret, now: Instant) {
        let me = &mut self.commons.me;
        (me.config.secret, me.config.locked) = (Some(secret.clone()), false);
        me.secret = secret;
        self.open_trackers(now);
    }

    /// A peer that was made locked, and whose secret is ready or that needs none, joins.
    pub fn open(&mut self, now: Instant) {
        self.commons.me.config.locked = false;
        self.open_trackers(now);
    }

    fn open_trackers(&mut self, now: Instant) {
        if self.commons.me.config.tabs && !self.commons.me.config.locked {
            let (parts, mut cx) = self.look(now);
            parts.introducers.open_tabs(&mut cx);
            self.settle(now);
        }
        for url in std::mem::take(&mut self.commons.me.config.trackers) {
            self.add_tracker(&url, now);
        }
    }

    // The world.

    /// Takes in what the world did.
    pub fn handle(&mut self, input: Input, now: Instant) {
        if self.stage == Stage::Closed || self.stage != Stage::Open && input.is_of_tracker() {
            return;
        }
        let (parts, mut cx) = self.look(now);
        let (links, introducers, cx) = (&mut parts.links, &mut parts.introducers, &mut cx);
        match input {
            Input::Timeout => self.handle_timeout(now),
            Input::Woke => self.handle_woke(now),
            Input::TrackerOpened(id) => introducers.handle_opened(id, now),
            Input::TrackerMessage(id, text) => introducers.handle_message(id, &text, cx),
            Input::TabsMessage(Bytes(word)) => introducers.handle_tab(&word, cx),
            Input::TrackerClosed(id, reason) => introducers.handle_closed(id, reason, now),
            Input::ConnDescribed(conn, sdp) => links.handle_described(conn, &sdp, cx),
            Input::ConnServerless(conn) => links.handle_serverless(conn),
            Input::ConnCandidate(conn, text) => links.handle_candidate(conn, &text, cx),
            Input::ConnGathered(conn) => links.handle_gathered(conn, cx),
            Input::ConnOpened(conn) => links.handle_opened(conn, cx),
            Input::ConnFrame(conn, Bytes(frame)) => {
                cx.stats.bytes_in += frame.len() as u64;
                links.handle_frame(conn, &frame, cx);
            }
            Input::ConnWritable(conn) => links.handle_writable(conn),
            Input::ConnTransport(conn, heard) => links.handle_transport(conn, heard, cx),
            Input::ConnInterrupted(conn) => links.handle_contact(conn, false, cx),
            Input::ConnResumed(conn) => links.handle_contact(conn, true, cx),
            Input::ConnLost(conn, reason) => links.handle_lost(conn, &reason, cx),
            Input::ConnClosed(conn, reason) => links.handle_closed(conn, &reason, cx),
        }
        self.settle(now);
    }

    /// The next thing that the world must do; `None` when all is said.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.commons.out.pop_front()
    }

    /// When [`Input::Timeout`] is due; `None` means never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_timeout().map(|(at, _)| at)
    }

    /// ... and what for.
    pub(crate) fn next_timeout(&self) -> Option<(Instant, &'static str)> {
        let Parts { links, signalling, topology, messaging, introducers, standby, presence } = &self.parts;
        let open = |at: Option<Instant>| at.filter(|_| self.stage == Stage::Open);
        let end = match self.stage {
            Stage::Open => None,
            Stage::Closing { until } => Some(until),
            Stage::Closed => return None,
        };
        let all = [
            (links.poll_timeout(), "links"),
            (messaging.poll_timeout(), "messages"),
            (topology.poll_publish(), "view"),
            (open(topology.poll_plan()), "plan"),
            (open(signalling.poll_timeout()), "requests"),
            (open(introducers.poll_timeout()), "trackers"),
            (open(standby.poll_timeout()), "address"),
            (open(presence.poll_timeout()), "presence"),
            (end, "end"),
        ];
        all.into_iter().filter_map(|(at, what)| Some((at?, what))).min()
    }

    /// The parts, and what they share, with the neighborhood as it is now.
    fn look(&mut self, now: Instant) -> (&mut Parts, Context<'_>) {
        let Self { parts, commons, stage, .. } = self;
        let Commons { me, around, clock, random, keys, limits, stats, out, effects, .. } = commons;
        let resized = std::mem::replace(&mut around.max_peers, me.config.max_peers) != me.config.max_peers;
        around.open = *stage == Stage::Open;
        let changed = resized || parts.links.is_touched();
        if changed {
            parts.links.show().survey(around);
        }
        if changed || parts.topology.is_touched() {
            parts.topology.show().survey(around);
        }
        parts.signalling.survey(around, now);
        (parts, Context { now, me, around, clock, random, keys, limits, stats, out, effects })
    }

    // What the parts ask of each other.

    /// Hands on everything that they have asked for.
    fn run(&mut self, now: Instant) {
        while let Some(effect) = self.commons.effects.pop_front() {
            self.apply(effect, now);
        }
    }

    /// The one place where a part's wish reaches another.
    fn apply(&mut self, effect: Effect, now: Instant) {
        let effect = match effect {
            Effect::Send(to, packet, own) => return self.send_packet(&to, &packet, own),
            effect => effect,
        };
        match &effect {
            Effect::Linked(peer, clock) => self.handle_clock(*peer, *clock, now),
            Effect::Unlinked { peer, .. } => self.commons.clock.handle_unlinked(peer),
            _ => {}
        }
        let (parts, mut cx) = self.look(now);
        let Parts { links, signalling, topology, messaging, introducers, standby, presence } = parts;
        let cx = &mut cx;
        match effect {
            Effect::Send(..) => {}
            Effect::Ban(neighbor) => links.unlink(neighbor, Some(Farewell::Refused), false, cx),

            // From the links.
            Effect::Packet(conn, from, packet) => self.handle_packet(conn, from, packet, now),
            Effect::Coming(from, header, bytes) => {
                if allows_packet(&from, 1.0, cx) {
                    messaging.handle_coming(&from, &header, bytes, cx);
                }
            }
            Effect::Unknown(from) => drop(allows_packet(&from, 1.0, cx)),
            Effect::PartingPacket(from, packet) => signalling.handle_packet(from, packet, cx),
            Effect::Linked(peer, _) => {
                cx.stats.links += 1;
                let name = cx.around.link(&peer).map_or(peer, |link| link.name);
                cx.emit(Event::Connect(name));
                topology.handle_linked(peer, now);
                topology.introduce(&peer, cx.around).for_each(|packet| cx.send(peer, Packet::View(packet)));
                messaging.handle_linked(peer, cx);
                introducers.reconsider(now);
                messaging.release_held(cx);
                presence.handle_linked(peer, cx);
            }
            Effect::Relinked(peer) => {
                topology.handle_relinked(peer, now);
                topology.introduce(&peer, cx.around).for_each(|packet| cx.send(peer, Packet::View(packet)));
                messaging.handle_relinked(peer, cx);
            }
            Effect::Unlinked { peer, name, dead } => {
                topology.handle_unlinked(peer, dead, now);
                if dead {
                    signalling.handle_dead(&peer, now);
                }
                messaging.handle_unlinked(&peer, cx);
                standby.handle_unlinked(&peer, now);
                presence.handle_unlinked(&peer, dead, cx);
                cx.emit(Event::Disconnect(name));
                if topology.is_catastrophe(cx.around, now) && cx.around.open {
                    introducers.call_for_help(now);
                }
            }
            Effect::Cut(peer) => signalling.handle_cut(&peer, cx),
            Effect::Successor { hint, via } => topology.handle_hint(hint, via, now),
            Effect::Slow => topology.handle_change(now),
            Effect::Failed { purpose, taken } => {
                if taken {
                    introducers.retry(now);
                }
                match purpose {
                    Purpose::Answer(request) => signalling.reply(request, Signal::Reject(Reason::Failed), cx),
                    Purpose::Request(request, _) => signalling.finish(&request),
                    Purpose::Offer(_) => {}
                }
                topology.handle_change(now);
            }
            Effect::Avoid(peer) => topology.handle_failed(peer, now),
            Effect::OfferReady => introducers.offers_ready(links.are_offers_ready(), now),
            Effect::RequestReady(id, offered) => signalling.handle_ready(id, offered, cx),
            Effect::AnswerReady(id, answer, hello) => signalling.send_answer(id, answer, hello, cx),
            Effect::Candidate(purpose, candidate) => signalling.handle_candidate(purpose, candidate, cx),
            Effect::Greet { request, to, hello, confirm } => {
                signalling.greet(request, to, hello, confirm, cx)
            }
            Effect::TellRound { to, sealed } => signalling.tell_round(to, sealed, cx),

            // From presence and messaging.
            Effect::Proclaim(kind, payload) => {
                let to_all = kind != Kind::Presence || presence.is_for_all(&payload, &topology.estimate());
                let message = messaging.proclaim(kind, payload, to_all, cx);
                if kind == Kind::Presence {
                    presence.handle_said(message, to_all, cx);
                }
            }
            Effect::Withdrawn(id) => links.withdraw(&id),
            Effect::Proclaimed(message) => presence.handle_message(*message, cx),

            // From signalling.
            Effect::Ask(plan) if cx.around.open && cx.around.reaches(&plan.via) => {
                let id = RequestId(cx.random.bytes());
                let conn = (!plan.probe).then(|| links.begin_request(id, &plan, cx));
                signalling.begin(id, plan, conn, cx);
            }
            Effect::Ask(_) => {}
            Effect::Asked { conn, id, via, until } => links.handle_asked(conn, id, via, until, now),
            Effect::Superseded(id) => signalling.finish(&id),
            Effect::Arrived(arrival) => {
                let verdict = links.judge(arrival.request(), cx);
                if let Some((request, offer)) = signalling.handle_judged(arrival, verdict, cx) {
                    let brought = request.brought.as_ref();
                    let delay = brought.map_or(Duration::ZERO, |brought| introducers.delay_of(brought.mark));
                    links.take_up(&request, offer, delay, cx);
                }
            }
            Effect::Accepted(accepted) => {
                let (id, from, via) = (accepted.id, accepted.key.address(), accepted.via);
                let answer = accepted.answer.mark();
                match links.handle_accepted(accepted, cx) {
                    Answered::Taken => signalling.finish(&id),
                    Answered::OfNoUse => {
                        signalling.finish(&id);
                        signalling.turn_down(id, from, via, answer, cx);
                    }
                    // The true answer may be on its way.
                    Answered::Forged => {}
                }
            }
            Effect::Rejected { aim, reason, conn } => {
                if let Some(aim) = aim {
                    topology.handle_rejected(aim, reason, now);
                    // A probe, that is: who has no slot is there.
                    if conn.is_none() && reason == Reason::NotFound {
                        standby.handle_missed(&aim, cx);
                    }
                }
                if let Some(conn) = conn {
                    links.recycle(conn, cx);
                }
            }
            Effect::Found { goal, via, found } => {
                standby.handle_found(goal, now);
                let plan = topology.handle_found(goal, via, found, cx.around, now);
                cx.effects.extend(plan.map(Effect::Ask));
            }
            Effect::Recycle(conn) => links.recycle(conn, cx),
            Effect::GivenUp(which) => {
                if let Some(peer) = links.give_up(which, cx) {
                    topology.handle_given_up(&peer, now);
                }
            }
            Effect::TakeBack(request) => links.take_back(request, cx),
            Effect::Greeted { request, hello, confirm } => {
                if !links.handle_greeted(request, hello, confirm) {
                    signalling.handle_greeted_late(request, cx);
                }
            }
            Effect::ToldRound { from, sealed } => links.handle_restart(from, &sealed, cx),
            Effect::TheirCandidate(request, candidate) => links.add_remote(request, candidate, cx),
            Effect::LookAgain(at) => topology.handle_change(at),
            Effect::AnswerTracker { tracker, to, offer, text } => {
                introducers.answer(tracker, to, offer, &text, cx);
            }
            Effect::AnswerAnothers { mark, to, offer, text } => {
                introducers.answer_anothers(mark, to, offer, &text, cx);
            }

            // From the introducers.
            Effect::Introduced(stranger) => signalling.introduce(stranger, cx),
            Effect::Answered { offer, from, answer } => {
                let mark = answer.mark();
                if !links.handle_answered(offer, from, answer, cx) {
                    signalling.decline(from, mark, cx);
                }
            }
        }
    }

    /// Everything that a neighbor says, as far as it may.
    fn handle_packet(&mut self, conn: ConnId, from: Address, packet: Packet, now: Instant) {
        let (Parts { links, signalling, topology, messaging, introducers, presence, .. }, mut cx) =
            self.look(now);
        let cx = &mut cx;
        let cost = match &packet {
            Packet::Broadcast(broadcast::Packet::Have(ids)) => 1.0 + ids.len() as f64 / NAMES_PER_PACKET,
            // The latter two cost a proof, or the look at one.
            Packet::View(_) | Packet::Rival(_) | Packet::Holds(_) => VIEW,
            _ => 1.0,
        };
        if !allows_packet(&from, cost, cx) {
            return;
        }
        match packet {
            Packet::Ping(number) => cx.send(from, Packet::Pong(number)),
            Packet::Pong(number) => {
                if links.handle_pong(conn, number, now) {
                    topology.handle_measured(now);
                }
            }
            Packet::View(packet) => {
                if !topology.handle_view(&from, packet, now) {
                    links.refuse_quietly(conn, "view", cx);
                }
            }
            Packet::Signalling(packet) => signalling.handle_packet(from, packet, cx),
            Packet::Broadcast(packet) => messaging.handle_broadcast(from, packet, cx),
            Packet::Direct(packet) => messaging.handle_direct(from, packet, cx),
            Packet::Clock { millis, asks } => {
                if asks {
                    cx.send(from, Packet::Clock { millis: now.as_millis(), asks: false });
                }
                self.handle_clock(from, Instant::from_millis(millis), now);
            }
            Packet::Rival(instance) => links.say_holding(conn, instance, cx),
            Packet::Holds(holding) => links.handle_holds(conn, holding, cx),
            Packet::Trackers { marks, asks } => introducers.handle_trackers(from, &marks, asks, cx),
            Packet::Presence(packet) => presence.handle_packet(from, packet, cx),
            Packet::Hello(_) | Packet::Confirm { .. } | Packet::Close(_) | Packet::Dropped(_) => {}
        }
    }

    /// A neighbor says what its clock shows.
    fn handle_clock(&mut self, neighbor: Address, theirs: Instant, now: Instant) {
        let Self { parts, commons, .. } = self;
        if commons.clock.handle_clock(neighbor, theirs, now) {
            parts.messaging.set_shift(commons.clock.shift());
        }
        if let Some(complaint) = commons.clock.complain(now) {
            self.look(now).1.warn("ERR_CLOCK", complaint);
        }
    }

    fn send_packet(&mut self, to: &Address, packet: &Packet, own: Option<MessageId>) {
        #[cfg(any(test, feature = "sim"))]
        if self.silent && bounds::is_others(packet, &self.commons.me.address) {
            return;
        }
        let Self { parts, commons, .. } = self;
        let sent = parts.links.send(to, packet, own, &mut commons.stats);
        if let Some(size) = sent {
            commons.stats.count_out(packet, size);
        }
    }

    // Time.

    fn handle_timeout(&mut self, now: Instant) {
        let (parts, mut cx) = self.look(now);
        parts.links.handle_timeout(&mut cx);
        self.run(now);
        if self.stage == Stage::Open {
            let (parts, mut cx) = self.look(now);
            parts.introducers.handle_timeout(&mut cx);
            parts.signalling.expire(&mut cx);
            parts.signalling.introduce_again(&mut cx);
            parts.standby.handle_timeout(&mut cx);
            parts.presence.handle_timeout(&mut cx);
            self.run(now);
        }
        let (parts, mut cx) = self.look(now);
        for (to, packet) in parts.topology.publish(cx.around, now) {
            cx.send(to, Packet::View(packet));
        }
        parts.messaging.handle_timeout(&mut cx);
    }

    fn handle_woke(&mut self, now: Instant) {
        let (parts, mut cx) = self.look(now);
        parts.links.handle_woke(&mut cx);
        // The machine slept, or its clock was set: its neighbors know which.
        for link in &cx.around.links {
            cx.effects.push_back(Effect::Send(
                link.address,
                Packet::Clock { millis: now.as_millis(), asks: true },
                None,
            ));
        }
        if cx.around.open {
            parts.introducers.handle_woke(&mut cx);
            parts.topology.handle_change(now);
        }
    }

    /// After every input: what the parts asked of each other, messages, plans, announces.
    fn settle(&mut self, now: Instant) {
        if self.stage == Stage::Closed {
            return;
        }
        self.run(now);
        let (parts, mut cx) = self.look(now);
        parts.signalling.forget_arrived(now);
        parts.messaging.release_due(&mut cx);
        parts.messaging.flush(&mut cx);
        self.run(now);
        if self.stage == Stage::Open {
            self.seek(now);
        }
        self.flush(now);
        if self.stage != Stage::Open {
            self.end_when_out(now);
        }
    }

    /// Looks for links, through the mesh and by the introducers.
    fn seek(&mut self, now: Instant) {
        if self.parts.topology.poll_plan().is_some_and(|at| at <= now) {
            self.plan(now);
        }
        let (parts, mut cx) = self.look(now);
        if parts.links.may_exceed(cx.around.max_peers) {
            parts.links.limit_hand_overs(&mut cx);
        }
        self.announce(now);
        self.run(now);
    }

    /// Hands to the browser what all of this said, neighbor by neighbor, and tells what they have taken.
    fn flush(&mut self, now: Instant) {
        let closing = self.stage != Stage::Open;
        let (parts, mut cx) = self.look(now);
        let links = parts.links.aside();
        let mut taken = links.flush(now, cx.out);
        if closing {
            links.ask_if_taken();
            taken.extend(links.flush(now, cx.out));
        }
        let moved = links.take_moved();
        parts.messaging.handle_moved(moved, &mut cx);
        parts.messaging.handle_taken(taken, &mut cx);
    }

    /// Lets the topology say what to ask for, and asks.
    fn plan(&mut self, now: Instant) {
        let (parts, mut cx) = self.look(now);
        parts.signalling.expire_routes(now);
        parts.signalling.reconsider_waiting(&mut cx);
        self.run(now);
        let (parts, cx) = self.look(now);
        let plans = parts.topology.plan(cx.around, cx.random, now);
        cx.effects.extend(plans.into_iter().map(Effect::Ask));
        self.run(now);
        let (parts, mut cx) = self.look(now);
        parts.signalling.await_waiting(&mut cx);
        self.run(now);
    }

    /// Announces wherever it is due.
    fn announce(&mut self, now: Instant) {
        let (parts, mut cx) = self.look(now);
        for id in parts.introducers.due(&mut cx) {
            let (Parts { links, introducers, .. }, mut cx) = self.look(now);
            let wanted = introducers.wanted(id, links.are_offers_ready(), cx.around);
            let mut offers = Vec::new();
            if wanted > 0 {
                links.begin_offers(wanted, &mut cx);
                offers = links.hand_out_offers(wanted, now);
            }
            introducers.announce(id, wanted, offers, &mut cx);
        }
    }

    // The page.

    /// Sends a payload to every peer of the swarm, or to one, by the address that its key proves. `Event::Delivery` tells
    /// how it ended.
    ///
    /// It goes with the next [`Input::Timeout`], which is due at once, or with any other input: all that a page says in one
    /// turn goes together. Without a neighbor the message is held, in order, up to `Config::max_held` bytes.
    pub fn send(
        &mut self,
        to: Option<Address>,
        payload: Bytes,
        now: Instant,
    ) -> Result<MessageId, SendError> {
        if self.stage != Stage::Open {
            return Err(SendError::Closed);
        }
        let (parts, mut cx) = self.look(now);
        parts.messaging.send(to, false, payload, &mut cx)
    }

    /// Sends a payload to whoever claimed this name last, as far as was heard. Anybody can claim any name.
    pub fn send_to_claimed(
        &mut self,
        name: Address,
        payload: Bytes,
        now: Instant,
    ) -> Result<MessageId, SendError> {
        if self.stage != Stage::Open {
            return Err(SendError::Closed);
        }
        let (parts, mut cx) = self.look(now);
        parts.messaging.send(Some(name), true, payload, &mut cx)
    }

    /// Takes back what has not gone yet, in its order, for another peer to say: this one leaves.
    pub fn take_waiting(&mut self) -> Vec<Waiting> {
        self.parts.messaging.take_waiting()
    }

    /// Says what another peer took back; its name is another one now.
    pub fn say(&mut self, waiting: Waiting, now: Instant) -> Result<MessageId, SendError> {
        let Waiting { to, claimed, payload, until, .. } = waiting;
        let id = match to.filter(|_| claimed) {
            Some(name) => self.send_to_claimed(name, payload, now)?,
            None => self.send(to, payload, now)?,
        };
        until.into_iter().for_each(|until| self.expire(id, until));
        Ok(id)
    }

    /// Gives a message that was just sent no longer than this: then it is as if the page had withdrawn it, but for the
    /// [`DeliveryFailure::Timeout`].
    pub fn expire(&mut self, id: MessageId, at: Instant) {
        self.parts.messaging.expire_at(id, at);
    }

    /// Takes a message back whose delivery has not ended: what is held does not go, what went is no longer followed.
    pub fn withdraw(&mut self, id: MessageId, now: Instant) {
        let (parts, mut cx) = self.look(now);
        parts.messaging.withdraw(id, DeliveryFailure::Aborted, &mut cx);
        self.settle(now);
    }

    /// Says so much of this peer to everybody in its swarm, or in a large one to its neighbors, from now on; nothing when
    /// empty. `false`: it is longer than [`MAX_STATE`](super::MAX_STATE).
    pub fn set_presence(&mut self, state: Bytes, now: Instant) -> bool {
        self.parts.presence.set(state.0, now)
    }

    /// Tells, by [`Event::AddressFree`], when nobody is at an address any more; asks after this pause, and again and again.
    pub fn stand_by(&mut self, address: Address, pause: Duration, now: Instant) {
        self.parts.standby.begin(address, pause, now);
    }

    /// Changes how many links this peer keeps; surplus links are handed over.
    pub fn set_max_peers(&mut self, max_peers: usize, now: Instant) -> Result<(), ConfigError> {
        self.configure(|config| config.max_peers = max_peers)?;
        let (parts, mut cx) = self.look(now);
        parts.links.shed(&mut cx);
        self.run(now);
        self.parts.topology.handle_resized(now);
        self.settle(now);
        Ok(())
    }

    /// Changes the share of links that carry a broadcast onwards.
    pub fn set_coverage(&mut self, coverage: f64) -> Result<(), ConfigError> {
        self.configure(|config| config.coverage = coverage)
    }

    fn configure(&mut self, change: impl FnOnce(&mut Config)) -> Result<(), ConfigError> {
        let config = &mut self.commons.me.config;
        let before = config.clone();
        change(config);
        config.validate().inspect_err(|_| *config = before)
    }

    /// Changes the longest time between two announces.
    pub fn set_announce_every(&mut self, every: Duration, now: Instant) {
        self.commons.me.config.announce_every = every;
        self.parts.introducers.set_every(every, now);
    }

    /// Adds a tracker by its WebSocket URL, however it is spelled; one that is already there stays as it is. Above
    /// [`MAX_TRACKERS`] it is a reserve.
    pub fn add_tracker(&mut self, url: &str, now: Instant) {
        let url = introducers::normal_form(url);
        let config = &mut self.commons.me.config;
        if self.stage != Stage::Open || config.uses(&url) {
            return;
        }
        config.reserves.retain(|known| *known != url);
        if config.trackers.len() >= MAX_TRACKERS {
            return config.reserves.push(url);
        }
        config.trackers.push(url.clone());
        if config.locked {
            return;
        }
        let (parts, mut cx) = self.look(now);
        parts.introducers.add(&url, &mut cx);
        if parts.links.is_empty() {
            // Offers are made while the socket opens: both take a tenth of a second or more.
            parts.links.begin_offers(introducers::most_offers(cx.around.max_peers), &mut cx);
        }
        self.settle(now);
    }

    /// Takes leave of a tracker, however its URL is spelled.
    pub fn remove_tracker(&mut self, url: &str, now: Instant) {
        let url = introducers::normal_form(url);
        let Commons { me, out, .. } = &mut self.commons;
        for list in [&mut me.config.trackers, &mut me.config.reserves] {
            list.retain(|known| *known != url);
        }
        self.parts.introducers.remove(&url, out);
        self.settle(now);
    }
}

/// Whether a neighbor may send this, too; it is blamed if not.
fn allows_packet(from: &Address, cost: f64, cx: &mut Context<'_>) -> bool {
    if !cx.around.reaches(from) {
        return false;
    }
    let allowed = cx.limits.allows_packet(*from, cost, cx.now);
    if !allowed {
        cx.drop_because("neighbor above its rate");
        cx.blame(from, Fault::Flooded, "sent more packets than any honest peer would");
    }
    allowed
}

#[cfg(test)]
mod tests;
