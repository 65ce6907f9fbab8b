//! Requests for links: this peer's own, and those of others that pass through or end here.

use std::time::Duration;

use super::closing::Stage;
use super::joining::OFFER_LIFE;
use super::waiting::{MAX_WAITING, Waiting};
use super::{Asked, Conn, Peer, Purpose};
use crate::proto::admission::Hello;
use crate::proto::id::{Address, OfferId};
use crate::proto::io::ConnId;
use crate::proto::limits::Work;
use crate::proto::link::{Farewell, HOPEFUL, HOPEFUL_SLOW, Link, Member, Packet};
use crate::proto::mesh::{self, Answer, Back, Goal, Plan, Reason, Request, RequestId, Step, Word};
use crate::proto::sdp::Description;
use crate::proto::time::Instant;

/// An answer to an offer that went out through trackers is here by then, or never comes.
const ANSWERED: Duration = Duration::from_millis(2000);

/// Requests that one offer stands for; older ones are no longer answered by then.
const MAX_ASKED: usize = 8;

impl Peer {
    /// Lets the mesh say what to ask for, and asks.
    pub(super) fn plan(&mut self, now: Instant) {
        let around = self.surroundings();
        let plans = self.mesh.plan(&around.scene(), &mut self.random, now);
        for plan in plans {
            self.begin_request(plan, now);
        }
    }

    pub(super) fn begin_request(&mut self, plan: Plan, now: Instant) {
        if !self.reaches(&plan.via) {
            return;
        }
        let id = RequestId(self.random.bytes());
        if plan.probe {
            self.mesh.begin(id, None, plan, now);
            return self.send_request(id, plan.via, None, now);
        }
        let conn = self.ready_offer(now).unwrap_or_else(|| self.begin_offer(now));
        self.mesh.begin(id, Some(conn), plan, now);
        let Some(conn) = self.conns.get_mut(&conn) else { return };
        (conn.purpose, conn.since) = (Purpose::Request(id, plan.via), now);
        conn.chosen = matches!(plan.goal, Goal::Point(_));
        (conn.replaces, conn.trial) = (plan.replaces, plan.replaces.is_some());
        if let Goal::Exact(to) = plan.goal {
            conn.peer = Some(to);
        }
        if let Some(description) = conn.link.description().cloned() {
            self.send_request(id, plan.via, Some(description), now);
        }
    }

    /// An offer that is ready saves the time to make one. To one that trackers just brought somebody, the answer may be
    /// on its way.
    pub(super) fn ready_offer(&self, now: Instant) -> Option<ConnId> {
        let idle = |conn: &Conn| conn.announced.is_none_or(|at| now - at >= ANSWERED);
        let ready = |conn: &Conn| conn.is_spare() && conn.link.is_offered() && idle(conn);
        self.conns.iter().find(|(_, conn)| ready(conn)).map(|(&id, _)| id)
    }

    pub(super) fn send_request(
        &mut self,
        id: RequestId,
        via: Address,
        offer: Option<Description>,
        now: Instant,
    ) {
        self.mesh.handle_sent(&id, self.config.max_peers, self.lost(), now);
        let Some(mine) = self.mesh.mine(&id) else { return };
        if let Some(conn) = mine.conn.and_then(|conn| self.conns.get_mut(&conn)) {
            // The request ends first.
            conn.link.expire_offer((conn.made + OFFER_LIFE).max(mine.until + Duration::from_secs(1)));
            if conn.asked.len() >= MAX_ASKED {
                conn.asked.remove(0);
            }
            conn.asked.push(Asked { id, via, at: now });
        }
        let goal = mine.goal;
        let replaces = mine.conn.and_then(|conn| self.conns.get(&conn)?.replaces);
        let request = Request {
            id,
            origin: self.address,
            instance: self.instance,
            goal,
            need: self.neighbors.len() < 2 || self.free_slots() >= 2 && self.mesh.finds_no_slots(),
            instead_of: goal.side().and_then(|side| self.bound(side)).or(replaces),
            offer,
            carried: None,
            path: Vec::new(),
            hops_left: mesh::MAX_HOPS,
        };
        self.send_packet(&via, Packet::Mesh(mesh::Packet::Request(Box::new(request))), None);
    }

    pub(super) fn handle_mesh(&mut self, from: Address, packet: mesh::Packet, now: Instant) {
        if !self.allows_work(from, Work::Errand, now) {
            return;
        }
        match packet {
            mesh::Packet::Request(request) => self.handle_request(Back::Neighbor(from), *request, now),
            mesh::Packet::Back(answer) if answer.to == self.address => {
                self.handle_word(answer.id, from, answer.word, now)
            }
            mesh::Packet::Back(answer) => self.pass_back(&from, answer),
            mesh::Packet::Forth { id, word } => match self.mesh.route(&id).map(|route| route.forth) {
                Some(Some(next)) => {
                    self.send_packet(&next, Packet::Mesh(mesh::Packet::Forth { id, word }), None);
                }
                Some(None) => self.handle_forth(id, word, now),
                None => self.drop_because("mesh packet off its route"),
            },
        }
    }

    /// What the other end of a request has to add.
    pub(super) fn handle_forth(&mut self, id: RequestId, word: Word, now: Instant) {
        match word {
            Word::Candidate(candidate) => {
                let conn = self.conns.values_mut().find(|conn| conn.is_for(id));
                if let Some(conn) = conn.filter(|_| candidate.is_sound()) {
                    conn.link.add_remote(candidate, &mut self.out);
                }
            }
            Word::Cancel => self.give_up(&|conn| conn.is_for(id), now),
            Word::Accept { .. }
            | Word::Found(_)
            | Word::Reject(_)
            | Word::Decline { .. }
            | Word::Greet { .. } => {
                self.drop_because("mesh packet");
            }
        }
    }

    /// What the goal of one of our requests says.
    fn handle_word(&mut self, id: RequestId, from: Address, word: Word, now: Instant) {
        match word {
            Word::Candidate(_) | Word::Cancel => self.handle_forth(id, word, now),
            Word::Accept { from: acceptor, answer, hello } => {
                if self.accepted(id, acceptor) {
                    // It came on two ways.
                    return;
                }
                let via = self.mesh.finish(&id).map_or(from, |mine| mine.via);
                let open = |conn: &Conn| conn.is_for(id) && conn.link.is_offered();
                let offer = self.conns.iter().find(|(_, conn)| open(conn)).map(|(&conn, _)| conn);
                let Some(conn) =
                    offer.filter(|&conn| self.take_answer(conn, Some(id), acceptor, *answer, now))
                else {
                    return self.turn_down(id, acceptor, via);
                };
                if self.conns.get(&conn).is_some_and(|conn| matches!(conn.purpose, Purpose::Offer(_))) {
                    // Trackers took it out.
                    return;
                }
                if let Some(hello) = hello {
                    self.greet_back(id, conn, acceptor, *hello);
                }
            }
            Word::Found(found) => {
                let Some(mine) = self.mesh.finish(&id) else { return };
                let around = self.surroundings();
                if let Some(plan) = self.mesh.handle_found(&mine, found, &around.scene(), now) {
                    self.begin_request(plan, now);
                }
            }
            Word::Reject(reason) => {
                let Some(mine) = self.mesh.finish(&id) else { return };
                self.mesh.handle_reject(&mine, reason, now);
                if let Some(conn) = mine.conn {
                    self.recycle(conn, now);
                }
            }
            Word::Decline { origin, request } => {
                let declined = |conn: &Conn| match request {
                    Some(request) => conn.is_for(request),
                    None => matches!(conn.purpose, Purpose::Reply(_)),
                };
                self.give_up(&|conn| conn.peer == Some(origin) && declined(conn), now);
            }
            Word::Greet { request, hello, confirm } => {
                let Some(conn) = self.conns.values_mut().find(|conn| conn.is_for(request)) else {
                    // The acceptance took so long that this peer gave it up.
                    return self.reply(request, Word::Cancel);
                };
                conn.link.handle_greeted(*hello, confirm);
            }
        }
    }

    /// A connection that is being made.
    fn attempt(&self, of: &dyn Fn(&Conn) -> bool) -> Option<ConnId> {
        let still = |conn: &Conn| conn.link.is_taken() && !conn.link.is_greeting() && !conn.link.is_active();
        self.conns.iter().find(|(_, conn)| still(conn) && of(conn)).map(|(&id, _)| id)
    }

    /// Our answer to a request cannot get there.
    pub(super) fn take_back(&mut self, id: RequestId) {
        if let Some(conn) = self.attempt(&|conn| conn.is_for(id)) {
            self.drop_conn(conn);
        }
    }

    /// The other end makes a connection no more: its peer may be asked again.
    fn give_up(&mut self, of: &dyn Fn(&Conn) -> bool, now: Instant) {
        let Some(id) = self.attempt(of) else { return };
        if let Some(peer) = self.conns.get(&id).and_then(|conn| conn.peer) {
            self.mesh.handle_given_up(&peer, now);
        }
        self.drop_conn(id);
    }

    /// Tells a peer, wherever it is, that its answer to an offer of ours is of no use.
    pub(super) fn decline(&mut self, to: Address, request: Option<RequestId>) {
        if to != self.address && !self.neighbors.contains_key(&to) {
            self.tell(to, Word::Decline { origin: self.address, request });
        }
    }

    /// Says something to a peer, wherever it is.
    fn tell(&mut self, to: Address, word: Word) {
        let id = RequestId(self.random.bytes());
        self.stray(None, Answer { id, to, path: Vec::new(), hops_left: mesh::MAX_STRAY, word });
    }

    /// Sends our words on a new link through the mesh; while the channel opens, they arrive.
    fn greet_back(&mut self, request: RequestId, conn: ConnId, to: Address, hello: Hello) {
        let (secret, identity, instance) = (&self.secret, &self.identity, self.instance);
        let me = Member { secret, identity, instance, address: self.address };
        let Some(conn) = self.conns.get_mut(&conn) else { return };
        if let Some((hello, confirm)) = conn.link.greet_back(hello, me, &mut self.random) {
            self.tell(to, Word::Greet { request, hello: Box::new(hello), confirm });
        }
    }

    /// Whether an answer to a request of ours is here already.
    fn accepted(&self, id: RequestId, by: Address) -> bool {
        self.conns.values().any(|conn| conn.is_for(id) && conn.peer == Some(by) && conn.link.is_taken())
    }

    /// Tells an acceptor that its answer is of no use, on the way of the request and on the way that is in sight: while
    /// it does not know, it keeps a slot, and makes no other connection with this peer.
    fn turn_down(&mut self, id: RequestId, acceptor: Address, via: Address) {
        self.cancel(id, via);
        self.decline(acceptor, Some(id));
    }

    /// Tells the acceptor of a request that nothing will come of it.
    pub(super) fn cancel(&mut self, id: RequestId, via: Address) {
        self.send_packet(&via, Packet::Mesh(mesh::Packet::Forth { id, word: Word::Cancel }), None);
    }

    /// Keeps an offer that was turned away for the next request.
    fn recycle(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.link.is_offered() && now < conn.made + OFFER_LIFE {
            conn.purpose = Purpose::Offer(OfferId(self.random.bytes()));
            (conn.peer, conn.chosen, conn.announced) = (None, false, None);
            (conn.replaces, conn.trial) = (None, false);
            conn.link.expire_offer(conn.made + OFFER_LIFE);
        } else {
            self.drop_conn(id);
        }
    }

    /// A request for a link: pass it on, take it up, let it wait or turn it away.
    pub(super) fn consider(&mut self, Waiting { back, mut request, until }: Waiting, now: Instant) {
        let sound =
            request.offer.as_ref().is_none_or(Description::is_sound) && request.path.len() <= mesh::MAX_PATH;
        if !sound || request.origin == self.address || self.limits.is_banned(&request.origin, now) {
            return self.drop_because("request");
        }
        let from = match back {
            Back::Neighbor(address) => Some(address),
            Back::Tracker(..) => None,
        };
        self.settle_glare(&request, now);
        let mut around = self.surroundings();
        if self.is_of_another_run(&request) {
            // What is left of a page that was reloaded must not keep it out. Admission shows who is who.
            around.links.retain(|link| link.address != request.origin);
        }
        let (id, origin) = (request.id, request.origin);
        let scene = around.scene();
        let step = self.mesh.step(&mut request, from.as_ref(), &scene);
        let verdict = match step {
            Step::Refuse(reason) => Err(reason),
            // It would lose its link at once.
            Step::Here if self.stage != Stage::Open => Err(Reason::NotFound),
            Step::Here if request.offer.is_some() => self.mesh.judge(&request, &scene, now),
            Step::Here | Step::Forward(_) => Ok(()),
        };
        // What trackers brought is tried again anyway.
        if let (Some(_), Err(Reason::Busy | Reason::Full)) = (from, verdict)
            && until > now
            && self.waiting.len() < MAX_WAITING
            && request.goal.side().is_some()
            && self.mesh.improves_ring(&origin, &scene)
        {
            self.waiting.push(Waiting { back, request, until });
            return self.await_waiting();
        }
        let forth = if let Step::Forward(next) = step { Some(next) } else { None };
        if !self.mesh.remember(&request, back, forth, self.config.max_peers, now) {
            let word = Word::Reject(Reason::NotFound);
            let answer = Answer { id, to: origin, path: request.path, hops_left: mesh::MAX_STRAY, word };
            return self.answer(None, back, answer);
        }
        if let Err(reason) = verdict {
            return self.reply(id, Word::Reject(reason));
        }
        match (forth, request.offer.take()) {
            (Some(next), offer) => {
                if request.path.len() >= mesh::MAX_PATH {
                    request.path.remove(0);
                }
                request.path.push(self.address);
                request.hops_left = request.hops_left.min(mesh::MAX_HOPS).saturating_sub(1);
                request.offer = offer;
                self.send_packet(&next, Packet::Mesh(mesh::Packet::Request(Box::new(request))), None);
            }
            (None, None) => self.reply(id, Word::Found(self.address)),
            (None, Some(offer)) => {
                let replaces = self.mesh.tried_against(&request, &scene);
                self.take_up(&request, offer, replaces, now);
            }
        }
    }

    /// Answers a request for a link with this peer.
    fn take_up(&mut self, request: &Request, offer: Description, replaces: Option<Address>, now: Instant) {
        let heir = request.instead_of.filter(|_| request.goal.side().is_none());
        self.make_room(&request.origin, now);
        let id = self.next_conn_id();
        let mut link = Link::answer(id, offer, now, &mut self.out);
        link.patience = self.patience(&request.origin);
        self.stats.attempts += 1;
        let fresh = Conn::new(link, Purpose::Reply(request.id), now);
        let peer = Some(request.origin);
        self.conns.insert(id, Conn { peer, replaces, heir, trial: heir.is_some(), ..fresh });
    }

    /// A slot is about to be taken, or handed over. Connections exceed the cap by one at most: late ones that gave their
    /// slots back may come yet, and a second hand-over breaks before it makes.
    fn make_room(&mut self, newcomer: &Address, now: Instant) {
        let taken = self.conns.values().filter(|conn| conn.link.is_taken()).count();
        let late = self.conns.iter().filter(|(_, conn)| !conn.link.is_hopeful()).map(|(&id, _)| id);
        let late: Vec<_> = late.take(taken.saturating_sub(self.config.max_peers)).collect();
        for id in late {
            self.drop_conn(id);
        }
        while self.free_slots() < 0 {
            let around = self.surroundings();
            let Some(victim) = self.mesh.victim(newcomer, &around.scene(), now) else { return };
            self.unlink(victim, Some(Farewell::Evicted { hint: None }), false, now);
        }
    }

    /// How long a connection with a peer may take before it is late: half as long again as others took of late.
    fn patience(&self, peer: &Address) -> Duration {
        let known = if self.mesh.is_slow(peer) { HOPEFUL_SLOW } else { HOPEFUL };
        known.max(self.connecting.mul_f64(1.5)).max(self.pace())
    }

    /// Whether its origin is a neighbor by another run, or another peer of that address.
    fn is_of_another_run(&self, request: &Request) -> bool {
        let conn = self.neighbors.get(&request.origin).and_then(|conn| self.conns.get(conn));
        conn.and_then(|conn| conn.admitted).is_some_and(|admitted| admitted.instance != request.instance)
    }

    /// Two peers that ask for each other at once: the request of the lower address yields.
    fn settle_glare(&mut self, request: &Request, now: Instant) {
        if request.goal != Goal::Exact(self.address) || self.address > request.origin {
            return;
        }
        let ours = self.conns.iter().find(|(_, conn)| {
            conn.peer == Some(request.origin)
                && !conn.link.is_taken()
                && matches!(conn.purpose, Purpose::Request(..))
        });
        if let Some((&conn, &Conn { purpose: Purpose::Request(id, _), .. })) = ours {
            self.mesh.finish(&id);
            self.recycle(conn, now);
        }
    }

    /// Somebody answered one of our offers, for this request if it did not go out through trackers; `false`: too late, or
    /// there is no use for it.
    pub(super) fn take_answer(
        &mut self,
        id: ConnId,
        request: Option<RequestId>,
        from: Address,
        answer: Description,
        now: Instant,
    ) -> bool {
        let Some(conn) = self.conns.get(&id) else { return false };
        // Then what the offer is out for now is not what was answered.
        let late = request.and_then(|request| conn.asked_before(request));
        let (me, since) = (self.address, late.map_or(conn.since, |late| late.at));
        let falls = |conn: &Conn| match conn.purpose {
            // Two answers crossed: the offer of the higher address stands, and the answer to the other one falls.
            Purpose::Reply(_) => me > from,
            // It answers a second request only when it gave the first one up, and its answers may overtake each other.
            _ => conn.since < since,
        };
        while let Some(fallen) = self.attempt(&|conn| conn.peer == Some(from) && falls(conn)) {
            self.drop_conn(fallen);
        }
        let duplicate = from == self.address
            || self.neighbors.contains_key(&from)
            || self
                .conns
                .iter()
                .any(|(&other, conn)| other != id && conn.peer == Some(from) && conn.holds_slot());
        // An offer holds no slot until now.
        let around = self.surroundings();
        let scene = around.scene();
        let hand_over =
            || self.mesh.improves_ring(&from, &scene) && self.mesh.victim(&from, &scene, now).is_some();
        let trial = late.is_none() && self.replaced_by(id).is_some() && around.free == 0;
        let room = around.free > 0 || trial || hand_over();
        let welcome = room && !duplicate && answer.is_sound();
        if !welcome && late.is_some() {
            // The offer stays open for what it is out for now.
            self.drop_because("answer of no use");
            return false;
        }
        if welcome {
            self.make_room(&from, now);
        }
        let patience = self.patience(&from);
        let Some(conn) = self.conns.get_mut(&id) else { return false };
        conn.link.patience = patience;
        if !welcome || !conn.link.accept(answer, now, &mut self.out) {
            self.drop_conn(id);
            self.drop_because("answer of no use");
            return false;
        }
        conn.peer = Some(from);
        conn.asked.clear();
        if let Some(Asked { id, via, at }) = late {
            (conn.chosen, conn.replaces, conn.trial, conn.since) = (false, None, false, at);
            let newer = std::mem::replace(&mut conn.purpose, Purpose::Request(id, via));
            if let Purpose::Request(newer, _) = newer {
                self.mesh.finish(&newer);
            }
        }
        true
    }

    /// Requests of ours that nobody answered. Whoever does so yet is welcome while the offer is open.
    pub(super) fn expire_requests(&mut self, now: Instant) {
        for mine in self.mesh.take_expired(now) {
            self.mesh.handle_reject(&mine, Reason::NotFound, now);
            if let Some(conn) = mine.conn {
                self.recycle(conn, now);
            }
        }
    }
}
