//! Who should be linked with whom: ring upkeep, long links, and the requests that arrange them.
//!
//! Every peer is linked to its successor and predecessor on the address ring, which makes routing certain,
//! and fills its other slots with *long links* whose distances it spreads evenly over all scales, which makes
//! routing and broadcasts fast (Kleinberg 2000; Symphony, Manku et al. 2003). Connections are arranged inside
//! the mesh itself: a [`Request`] carries an offer hop by hop to the peer that should accept it, and the
//! answer returns along the same way. A tracker's offers enter at whatever member they reached and travel to
//! the right one in the same manner.
//!
//! A newcomer is never turned away because everybody is full: the peer next to it on the ring, or one that it
//! asks in need, hands one of its links over ([`Mesh::victim`]), and the evicted peer is told of the newcomer,
//! so that an edge is split and every degree is conserved.
//!
//! This machine decides; it owns no links. It is shown the [`Scene`] and says what to ask for, where a
//! request goes next, whether to accept it and whom to evict for it.

use std::time::Duration;

use super::id::{Address, OfferId, TrackerPeerId};
use super::io::{ConnId, TrackerId};
use super::map::{Map, Set};
use super::random::Random;
use super::ring::{self, Distance, Known, Side};
use super::time::{Instant, soonest};

mod plan;
mod wire;

pub(crate) use wire::{Answer, Carried, Goal, Packet, Reason, Request, RequestId, Word};

/// A request that nobody answered for this long has failed. Routing takes below 1 s at 100,000 peers; the
/// acceptor's browser needs the rest.
const REQUEST: Duration = Duration::from_millis(2500);
/// ... and one for a ring link is made again after this time already: answers get lost while links change hands.
pub(crate) const LOST: Duration = Duration::from_millis(1000);
/// A request whose offer is not made by then is forgotten; its connection fails before.
const UNSENT: Duration = Duration::from_secs(10);
/// How long a peer remembers where a request came from, for the answer and late candidates.
const ROUTE: Duration = Duration::from_secs(12);
/// Requests remembered at once. A guess: far above what 64 neighbors ask in the time of ROUTE.
const MAX_ROUTES: usize = 1024;
/// Most links a request may cross: a ring of 1,000 peers with two links each, from end to end, and some.
pub(crate) const MAX_HOPS: u16 = 1200;
/// One request per side of the ring in this time.
const SIDE_PAUSE: Duration = Duration::from_millis(800);
/// The peer that wants a predecessor lets the other one, which wants a successor, go first.
const POLITE: Duration = Duration::from_millis(250);
/// A peer that did not accept is left alone for this long.
const COOL: Duration = Duration::from_millis(1500);
/// ... and one that was just handing a link over for this long.
const COOL_BUSY: Duration = Duration::from_millis(400);
/// While the ring links of a peer are younger than this they may still change, and slots are kept for them.
const UNSETTLED: Duration = Duration::from_millis(1500);
/// A peer that could not be connected (NAT, most likely) is left alone for this long.
const COOL_FAILED: Duration = Duration::from_secs(20);
/// A peer to which a connection was late has more time for the next one, for this long.
const SLOW: Duration = Duration::from_secs(20);
/// A peer known to be gone is not believed alive for this long, whoever says so.
const DEAD: Duration = Duration::from_secs(10);
/// Pauses between probes of the ring: first after a change, then doubling up to the last.
const STABILIZE: (Duration, Duration) = (Duration::from_millis(1500), Duration::from_secs(60));
/// Pauses between attempts at long links: first, longest with two or more free slots, longest with one.
const LONG: (Duration, Duration, Duration) =
    (Duration::from_millis(350), Duration::from_secs(4), Duration::from_secs(30));
/// Pauses between attempts to replace a slow long link: the first, the longest, and how much longer each is than the
/// one before. An attempt costs its neighborhood some 27 kB: 0.07 kB/s.
const TRIAL: (Duration, Duration) = (Duration::from_secs(400), Duration::from_secs(3600));
const TRIAL_GROWTH: f64 = 1.5;
/// Draws for one long link; the one that fills the widest gap wins (overlay study, section 2).
const DRAWS: usize = 8;
/// Two deaths within this time and half the links gone are a catastrophe: see [`Mesh::is_catastrophe`].
const CATASTROPHE: Duration = Duration::from_secs(10);
/// A peer splits an edge for a newcomer in need at most once in this time.
const SPLIT_PAUSE: Duration = Duration::from_secs(1);
/// ... and ends a link for a second one that is still being made.
const BREAK_PAUSE: Duration = Duration::from_secs(1);
/// A neighbor that says it has few links is believed for this long: an honest one has filled its slots by then.
const FILLING: Duration = Duration::from_secs(5);

/// With two links each there are no shortcuts, and a request goes round the ring peer by peer, in 45 s at
/// 1,000.
const ROUND: Duration = Duration::from_secs(60);
/// ... so everything else takes longer, too.
const PATIENCE: u32 = 8;

/// How long to wait for what takes this long where peers have more than two links.
pub(crate) fn patient(time: Duration, max_peers: usize) -> Duration {
    if max_peers > 2 { time } else { time * PATIENCE }
}

/// Links that an answer may cross that lost its way.
pub(crate) const MAX_STRAY: u16 = 32;
/// Peers that a request names as its way, the last ones: twice a path through 100,000 peers, near enough.
pub(crate) const MAX_PATH: usize = 16;

/// Where a request came from, and so where its answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    /// A neighbor.
    Neighbor(Address),
    /// An offer that a tracker brought.
    Tracker(TrackerId, TrackerPeerId, OfferId),
}

impl Back {
    /// Whether both are the same neighbor, or both trackers.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Neighbor(a), Self::Neighbor(b)) => a == b,
            (Self::Tracker(..), Self::Tracker(..)) => true,
            (Self::Neighbor(_), Self::Tracker(..)) | (Self::Tracker(..), Self::Neighbor(_)) => false,
        }
    }
}

/// A request that passed through here, or ended here.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) origin: Address,
    pub(crate) back: Back,
    /// The next peer; `None` when the request ended here.
    pub(crate) forth: Option<Address>,
    /// The way it came, when it ended here.
    pub(crate) path: Vec<Address>,
    /// How else its answer may get there, if that is another way than back.
    pub(crate) carried: Option<Carried>,
    until: Instant,
}

/// Where a request goes from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// To this neighbor.
    Forward(Address),
    /// It ends here.
    Here,
    /// Nowhere.
    Refuse(Reason),
}

/// A request to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) goal: Goal,
    /// The neighbor to hand it to.
    pub(crate) via: Address,
    /// Only ask who it is; costs no connection.
    pub(crate) probe: bool,
    /// The peer that is meant, if one is in sight; a better one may turn up on the way.
    pub(crate) aim: Option<Address>,
    /// The long link that ends if both ends find the new one faster than theirs; else the new one does.
    pub(crate) replaces: Option<Address>,
}

/// One active link, as the mesh judges it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbor {
    pub(crate) address: Address,
    /// Links that it has by its own word.
    pub(crate) degree: usize,
    /// Whether this peer chose it as a long link.
    pub(crate) chosen: bool,
    pub(crate) since: Instant,
    pub(crate) rtt: Option<Duration>,
}

/// What the mesh is shown when it must decide.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) links: &'a [Neighbor],
    pub(crate) known: &'a [Known],
    /// Peers to which a connection is just being made.
    pub(crate) pending: &'a [Address],
    pub(crate) max_peers: usize,
    /// Slots that hold neither a link nor a connection being made; below zero during a hand-over.
    pub(crate) free: isize,
    /// Requests of this peer that nobody has answered yet.
    pub(crate) asking: isize,
    /// After this time an answer is lost, most likely.
    pub(crate) lost: Duration,
}

impl Side {
    /// To look for the first peer on this side.
    pub(crate) fn goal(self) -> Goal {
        match self {
            Self::Successor => Goal::Successor,
            Self::Predecessor => Goal::Predecessor,
        }
    }
}

impl Scene<'_> {
    /// The link on one side of the ring: the closest one.
    fn ring_link(&self, me: &Address, side: Side) -> Option<Address> {
        side.next(me, self.links.iter().map(|link| &link.address)).copied()
    }

    fn is_link(&self, address: &Address) -> bool {
        self.links.iter().any(|link| link.address == *address)
    }

    fn is_pending(&self, address: &Address) -> bool {
        self.pending.contains(address)
    }
}

/// One of our own requests that is not answered yet.
#[derive(Debug)]
pub(crate) struct Mine {
    pub(crate) conn: Option<ConnId>,
    pub(crate) goal: Goal,
    pub(crate) via: Address,
    aim: Option<Address>,
    /// When it went out; its offer may have to be made first.
    sent: Option<Instant>,
    pub(crate) until: Instant,
}

/// The deciding part of the mesh.
#[derive(Debug)]
pub(crate) struct Mesh {
    me: Address,
    routes: Map<RequestId, Route>,
    mine: Map<RequestId, Mine>,
    /// Peers not to ask again before the time.
    cool: Map<Address, Instant>,
    /// Peers known to be gone.
    dead: Map<Address, Instant>,
    /// Peers to which connections take longer than to others: the next one has more time.
    slow: Map<Address, Instant>,
    /// When each side of the ring may be asked for again.
    side_at: [Option<Instant>; 2],
    /// Since when a predecessor better than the linked one is known.
    better_since: Option<(Address, Instant)>,
    /// The ring links, and since when they are.
    ring: [Option<Address>; 2],
    ring_since: Option<Instant>,
    stabilize_at: Option<Instant>,
    stabilize_pause: Duration,
    long_at: Option<Instant>,
    long_pause: Duration,
    trial_at: Option<Instant>,
    trial_pause: Duration,
    /// Peers to link with as soon as a slot is free: those an eviction told us of, and who told.
    hints: Vec<(Address, Option<Address>)>,
    /// When the scene changed such that the ring may be better.
    look_at: Option<Instant>,
    deaths: Vec<Instant>,
    split_at: Option<Instant>,
    break_at: Option<Instant>,
}

impl Mesh {
    pub(crate) fn new(me: Address) -> Self {
        Self {
            me,
            routes: Map::new(),
            mine: Map::new(),
            cool: Map::new(),
            dead: Map::new(),
            slow: Map::new(),
            side_at: [None; 2],
            better_since: None,
            ring: [None; 2],
            ring_since: None,
            stabilize_at: None,
            stabilize_pause: STABILIZE.0,
            long_at: None,
            long_pause: LONG.0,
            trial_at: None,
            trial_pause: TRIAL.0,
            hints: Vec::new(),
            look_at: None,
            deaths: Vec::new(),
            split_at: None,
            break_at: None,
        }
    }

    // What happened.

    /// A link became active.
    pub(crate) fn handle_linked(&mut self, neighbor: Address, now: Instant) {
        self.dead.remove(&neighbor);
        self.cool.remove(&neighbor);
        self.hints.retain(|(hint, _)| *hint != neighbor);
        self.side_at = [None; 2];
        self.handle_change(now);
        self.long_pause = LONG.0;
        self.long_at = soonest(self.long_at, Some(now + LONG.0));
        self.restabilize(now);
    }

    /// A link is gone. `dead`: so is its peer.
    pub(crate) fn handle_unlinked(&mut self, neighbor: Address, dead: bool, now: Instant) {
        if dead {
            self.dead.insert(neighbor, now + DEAD);
            self.deaths.push(now);
            // What was asked through it will not be answered.
            for mine in self.mine.values_mut().filter(|mine| mine.via == neighbor) {
                mine.until = now;
            }
        }
        self.side_at = [None; 2];
        self.handle_change(now);
        self.long_pause = LONG.0;
        self.long_at = soonest(self.long_at, Some(now + LONG.0));
        self.restabilize(now);
    }

    /// The neighborhood changed: look for better ring links soon.
    pub(crate) fn handle_change(&mut self, now: Instant) {
        self.look_at = soonest(self.look_at, Some(now));
    }

    fn restabilize(&mut self, now: Instant) {
        self.stabilize_pause = STABILIZE.0;
        self.stabilize_at = soonest(self.stabilize_at, Some(now + STABILIZE.0));
    }

    /// A neighbor gave our slot away and named who took it. `via`: the neighbor itself, if it still passes on
    /// what arranges links.
    pub(crate) fn handle_hint(&mut self, hint: Address, via: Option<Address>, now: Instant) {
        let known = self.hints.iter().any(|(known, _)| *known == hint);
        if hint != self.me && !known && self.hints.len() < 8 {
            self.hints.push((hint, via));
            self.handle_change(now);
        }
    }

    /// A connection to a peer could not be made.
    pub(crate) fn handle_failed(&mut self, peer: Address, now: Instant) {
        self.cool.insert(peer, now + COOL_FAILED);
        self.look_at = soonest(self.look_at, Some(now + COOL_FAILED));
        self.handle_change(now);
    }

    /// A connection takes longer than most. `peer`: with whom, if that one is known to make it, too.
    pub(crate) fn handle_late(&mut self, peer: Option<Address>, now: Instant) {
        if let Some(peer) = peer {
            self.slow.insert(peer, now + SLOW);
        }
        self.handle_change(now);
    }

    /// Whether a connection with this peer was late a while ago.
    pub(crate) fn is_slow(&self, peer: &Address) -> bool {
        self.slow.contains_key(peer)
    }

    /// A connection with a peer, that was being made, is given up by its other end.
    pub(crate) fn handle_given_up(&mut self, peer: &Address, now: Instant) {
        self.cool.remove(peer);
        self.side_at = [None; 2];
        self.handle_change(now);
    }

    /// Two neighbors died within seconds and at most half the slots are filled: the mesh may have fallen
    /// apart, and only the trackers can mend that.
    pub(crate) fn is_catastrophe(&mut self, links: usize, max_peers: usize, now: Instant) -> bool {
        self.deaths.retain(|&at| now - at <= CATASTROPHE);
        self.deaths.len() >= 2 && links <= max_peers.div_ceil(2)
    }

    // Our own requests.

    /// Remembers a request that we make.
    pub(crate) fn begin(&mut self, id: RequestId, conn: Option<ConnId>, plan: Plan, now: Instant) {
        let Plan { goal, via, aim, .. } = plan;
        self.mine.insert(id, Mine { conn, goal, via, aim, sent: None, until: now + UNSENT });
    }

    /// A request of ours went out.
    pub(crate) fn handle_sent(&mut self, id: &RequestId, max_peers: usize, lost: Duration, now: Instant) {
        if let Some(mine) = self.mine.get_mut(id) {
            let patience =
                if max_peers > 2 || mine.conn.is_none() { patient(REQUEST, max_peers) } else { ROUND };
            (mine.sent, mine.until) = (Some(now), now + patience.max(lost));
        }
    }

    /// An answer to one of our requests: it is no longer open.
    pub(crate) fn finish(&mut self, id: &RequestId) -> Option<Mine> {
        self.mine.remove(id)
    }

    /// One of our requests, while it is open.
    pub(crate) fn mine(&self, id: &RequestId) -> Option<&Mine> {
        self.mine.get(id)
    }

    /// One of our requests was turned away.
    pub(crate) fn handle_reject(&mut self, mine: &Mine, reason: Reason, now: Instant) {
        if let Some(aim) = mine.aim {
            let pause = match reason {
                Reason::Failed => COOL_FAILED,
                Reason::Busy | Reason::Duplicate => COOL_BUSY,
                Reason::Full | Reason::NotFound => COOL,
            };
            self.cool.insert(aim, now + pause);
            self.look_at = soonest(self.look_at, Some(now + pause));
        }
    }

    /// A probe found out who is next to us on the ring; a plan when that is better than what we have.
    pub(crate) fn handle_found(
        &mut self,
        mine: &Mine,
        from: Address,
        scene: &Scene<'_>,
        now: Instant,
    ) -> Option<Plan> {
        let side = mine.goal.side()?;
        let room = scene.free > 0 || self.victim(&from, scene, now).is_some();
        let better = room
            && from != self.me
            && !scene.is_pending(&from)
            && !self.cool.contains_key(&from)
            && scene
                .ring_link(&self.me, side)
                .is_none_or(|old| side.reach(&self.me, &from) < side.reach(&self.me, &old));
        let via = if scene.is_link(&mine.via) { mine.via } else { closest(scene.known.iter(), &from)?.via };
        better.then_some(Plan { goal: mine.goal, via, probe: false, aim: Some(from), replaces: None })
    }

    // Others' requests.

    /// Remembers the way of a request. `false`: it has been here before.
    pub(crate) fn remember(
        &mut self,
        request: &Request,
        back: Back,
        forth: Option<Address>,
        max_peers: usize,
        now: Instant,
    ) -> bool {
        let (id, origin) = (request.id, request.origin);
        if self.routes.contains_key(&id) || self.mine.contains_key(&id) {
            return false;
        }
        if self.routes.len() >= MAX_ROUTES {
            // Whoever fills the table pushes out its own.
            let same = self.routes.values().filter(|route| route.back.is_like(&back)).count();
            let own = |route: &Route| same < MAX_ROUTES / 8 || route.back.is_like(&back);
            let routes = self.routes.iter().filter(|(_, route)| own(route));
            let oldest = routes.min_by_key(|(_, route)| route.until).map(|(&id, _)| id);
            oldest.map(|id| self.routes.remove(&id));
        }
        let path = if forth.is_none() { request.path.clone() } else { Vec::new() };
        let carried = request.carried.filter(|_| matches!(back, Back::Neighbor(_)));
        let until = now + patient(ROUTE, max_peers);
        self.routes.insert(id, Route { origin, back, forth, path, carried, until });
        true
    }

    /// The way that a request took through here.
    pub(crate) fn route(&self, id: &RequestId) -> Option<&Route> {
        self.routes.get(id)
    }

    /// Where a request goes from here. May rewrite its goal: the owner of a point names the peer with the
    /// free slot.
    pub(crate) fn step(&self, request: &mut Request, from: Option<&Address>, scene: &Scene<'_>) -> Step {
        if request.hops_left == 0 {
            return Step::Refuse(Reason::NotFound);
        }
        let origin = request.origin;
        let eligible = |k: &&Known| {
            k.address != origin
                && Some(&k.via) != from
                && k.via != origin
                && !self.dead.contains_key(&k.address)
                && !self.dead.contains_key(&k.via)
                && !request.path.contains(&k.address)
                && !request.path.contains(&k.via)
        };
        let size = ring::estimate_size(&self.me, scene.known);
        let ahead = |left: &dyn Fn(&Address) -> Distance| {
            let here = left(&self.me);
            let time = |k: &Known| ring::estimate_time(k, left(&k.address), size, scene.max_peers);
            let nearer = scene.known.iter().filter(|k| left(&k.address) < here && eligible(k));
            Some(Step::Forward(nearer.min_by(|a, b| time(a).total_cmp(&time(b)))?.via))
        };
        match request.goal {
            Goal::Successor | Goal::Predecessor => {
                let side = if request.goal == Goal::Successor { Side::Successor } else { Side::Predecessor };
                ahead(&|at| side.reach(&origin, at)).unwrap_or(Step::Here)
            }
            Goal::Exact(to) if to == self.me => Step::Here,
            Goal::Exact(to) => ahead(&|at| ring::distance(at, &to)).unwrap_or(Step::Refuse(Reason::NotFound)),
            Goal::Point(to) => {
                let here = ring::distance(&self.me, &to);
                let close_enough = here.share() <= ring::distance(&origin, &to).share() / 3.0;
                let taken = scene.is_link(&origin) || scene.is_pending(&origin);
                if scene.free > 0 && close_enough && !taken {
                    return Step::Here;
                }
                if let Some(step) = ahead(&|at| ring::distance(at, &to)) {
                    return step;
                }
                if scene.free > 0 && !taken {
                    return Step::Here;
                }
                let with_slot = scene.known.iter().filter(eligible).filter(|k| k.free > 0);
                match closest(with_slot, &to) {
                    Some(k) => {
                        request.goal = Goal::Exact(k.address);
                        Step::Forward(k.via)
                    }
                    None => Step::Here,
                }
            }
        }
    }

    /// Whether to accept a request that ended here: a slot is free, or the link is worth a hand-over.
    pub(crate) fn judge(&mut self, request: &Request, scene: &Scene<'_>, now: Instant) -> Result<(), Reason> {
        let origin = &request.origin;
        if scene.is_link(origin) || scene.is_pending(origin) {
            return Err(Reason::Duplicate);
        }
        if let (Some(side), Some(bound)) = (request.goal.side(), &request.instead_of)
            && side.reach(origin, &self.me) >= side.reach(origin, bound)
        {
            return Err(Reason::Duplicate);
        }
        let ring = self.improves_ring(origin, scene);
        // Who asks for this very peer lost a link for it.
        let sent_here = matches!(request.goal, Goal::Exact(_));
        // Half of the slots of a lonely peer are for the answers to its own offers: when all of a crowd promise
        // all their slots to each other's offers, nobody can take an answer.
        let reserve = match scene.links.is_empty() {
            true => scene.max_peers as isize / 2,
            false if ring || request.need || sent_here => 0,
            false => self.reserve(scene, now),
        };
        if scene.free > reserve {
            return Ok(());
        }
        if self.victim(origin, scene, now).is_none() {
            return Err(if scene.free < 0 { Reason::Busy } else { Reason::Full });
        }
        if ring {
            // While one hand-over is under way, another ends a link for one that is not there yet.
            if scene.free < 0 {
                if self.break_at.is_some_and(|at| at > now) {
                    return Err(Reason::Busy);
                }
                self.break_at = Some(now + BREAK_PAUSE);
            }
            return Ok(());
        }
        // One of these hand-overs at a time.
        if scene.free < 0 {
            return Err(Reason::Busy);
        }
        if (request.need || self.tried_against(request, scene).is_some())
            && self.split_at.is_none_or(|at| at <= now)
        {
            self.split_at = Some(now + SPLIT_PAUSE);
            return Ok(());
        }
        Err(Reason::Full)
    }

    /// The link that gives way here if one that its origin tries is faster. Never one that this peer chose: whoever
    /// is fast cannot surround it.
    pub(crate) fn tried_against(&self, request: &Request, scene: &Scene<'_>) -> Option<Address> {
        let trial = matches!(request.goal, Goal::Point(_)) && request.instead_of.is_some();
        trial.then(|| self.slowest(scene, |link| !link.chosen)).flatten()
    }

    /// Whether a link with this peer would be a better ring link on either side.
    pub(crate) fn improves_ring(&self, peer: &Address, scene: &Scene<'_>) -> bool {
        Side::BOTH.into_iter().any(|side| {
            scene
                .ring_link(&self.me, side)
                .is_none_or(|old| side.reach(&self.me, peer) < side.reach(&self.me, &old))
        })
    }

    /// The two long links that this peer chose first: neither a newcomer nor a faster peer takes their place.
    fn protected(scene: &Scene<'_>) -> Vec<Address> {
        let chosen = scene.links.iter().filter(|link| link.chosen);
        let chosen: Set<_> = chosen.map(|link| (link.since, link.address)).collect();
        let most = scene.max_peers.saturating_sub(2).min(2);
        chosen.into_iter().take(most).map(|(_, address)| address).collect()
    }

    /// Which link gives way to a newcomer (or to a smaller `maxPeers`, when there is none).
    ///
    /// Never a link that is on the ring once the newcomer is in, and never the two long links that this peer
    /// chose first: they cannot be pushed out from outside, so nobody can surround a peer (eclipse). Of the
    /// others the peer with the most links, then the one whose distance is best covered by another link.
    ///
    /// How many links a peer has, only it can say, and whoever says none is spared. So that is believed while its
    /// link is new: it keeps a crowd together, where many have few, and nobody stays for a lie.
    pub(crate) fn victim(&self, newcomer: &Address, scene: &Scene<'_>, now: Instant) -> Option<Address> {
        let degree = |link: &Neighbor| if now - link.since < FILLING { link.degree } else { scene.max_peers };
        let with =
            || scene.links.iter().map(|link| &link.address).chain([newcomer]).filter(|&a| *a != self.me);
        let ring: Vec<_> = Side::BOTH.into_iter().filter_map(|side| side.next(&self.me, with())).collect();
        let protected = Self::protected(scene);
        let scales: Vec<f64> = scene.links.iter().map(|link| self.scale(&link.address)).collect();
        scene
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| !ring.contains(&&link.address))
            .filter(|(_, link)| !protected.contains(&link.address))
            .map(|(i, link)| {
                let others = scales.iter().enumerate().filter(|&(j, _)| j != i);
                let gap = others.map(|(_, other)| (other - scales[i]).abs()).fold(f64::INFINITY, f64::min);
                (link, gap)
            })
            .min_by(|(a, a_gap), (b, b_gap)| {
                degree(b).cmp(&degree(a)).then(a_gap.total_cmp(b_gap)).then(a.address.cmp(&b.address))
            })
            .map(|(link, _)| link.address)
    }

    /// The logarithm of a peer's distance: long links are spread evenly on this scale.
    fn scale(&self, address: &Address) -> f64 {
        libm::log(ring::distance(&self.me, address).share().max(1e-30))
    }

    /// The neighbor that a packet goes to when its way is cut: towards its goal, or towards the one of those on
    /// its way that is nearest to the goal; at last to whoever is nearest on the ring.
    pub(crate) fn towards(
        &self,
        to: &Address,
        path: &[Address],
        not: &[Address],
        known: &[Known],
    ) -> Option<Address> {
        shortcut(to, path, not, known).or_else(|| {
            let own = ring::distance(&self.me, to);
            let nearest = closest(known.iter().filter(|k| !not.contains(&k.via)), to);
            nearest.filter(|k| ring::distance(&k.address, to) < own).map(|k| k.via)
        })
    }

    // Time.

    fn expire(&mut self, now: Instant) {
        self.routes.retain(|_, route| route.until > now);
        for peers in [&mut self.cool, &mut self.dead, &mut self.slow] {
            peers.retain(|_, until| *until > now);
        }
    }

    /// Requests of ours that nobody answered in time.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Vec<Mine> {
        let late: Set<_> = self.mine.iter().filter(|(_, m)| m.until <= now).map(|(&id, _)| id).collect();
        late.into_iter().filter_map(|id| self.mine.remove(&id)).collect()
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 7] {
        let (routes, mine, slow) = (self.routes.len(), self.mine.len(), self.slow.len());
        [routes, mine, self.cool.len(), self.dead.len(), slow, self.hints.len(), self.deaths.len()]
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let request = self.mine.values().map(|mine| mine.until).min();
        let long = soonest(self.long_at, self.trial_at);
        soonest(soonest(self.look_at, self.stabilize_at), soonest(long, request))
    }
}

/// The neighbor on a way that is in sight, to a goal or to the first in sight of those on a path from it; `not` by
/// these.
pub(crate) fn shortcut(to: &Address, path: &[Address], not: &[Address], known: &[Known]) -> Option<Address> {
    let open = known.iter().filter(|k| !not.contains(&k.via));
    let via = |address: &Address| open.clone().find(|k| k.address == *address).map(|k| k.via);
    via(to).or_else(|| path.iter().find_map(via))
}

fn closest<'a>(mut among: impl Iterator<Item = &'a Known>, to: &Address) -> Option<&'a Known> {
    let among: &mut dyn Iterator<Item = &'a Known> = &mut among;
    among.min_by(|a, b| ring::nearer(to, &a.address, &b.address))
}

#[cfg(test)]
mod tests;
