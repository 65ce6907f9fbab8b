//! Requests of others: where each goes from here, and the way back that is remembered for it.

use std::time::Duration;

use super::waiting::Waiting;
use super::{MAX_HOPS, MAX_PATH, MAX_REROUTES, Packet, Reply, Signal, Signalling};
use crate::proto::context::{Context, Effect};
use crate::proto::id::{Address, OfferId, TrackerPeerId};
use crate::proto::io::TrackerId;
use crate::proto::links::link;
use crate::proto::map::Map;
use crate::proto::neighborhood::{Neighborhood, closest, patient};
use crate::proto::offer::Offer;
use crate::proto::request::{Goal, OfferOrigin, Reason, Request, RequestId};
use crate::proto::ring::{self, Distance, Known};
use crate::proto::sdp::{Description, DescriptionHash};
use crate::proto::time::Instant;

/// How long a peer remembers where a request came from, for the answer and late candidates.
const ROUTE: Duration = Duration::from_secs(12);
/// Requests remembered at once. A guess: far above what 64 neighbors ask in the time of ROUTE.
const MAX_ROUTES: usize = 1024;

/// Where a request came from, and so where its answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplyPath {
    /// A neighbor.
    Neighbor(Address),
    /// An offer that a tracker brought.
    Tracker(TrackerId, TrackerPeerId, OfferId),
}

impl ReplyPath {
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
pub(super) struct Route {
    pub(super) origin: Address,
    pub(super) back: ReplyPath,
    /// The next peer; `None` when the request ended here.
    pub(super) next: Option<Address>,
    /// The way it came, when it ended here.
    pub(super) path: Vec<Address>,
    /// ... and what it offered.
    pub(super) offer: Option<DescriptionHash>,
    /// How else its answer may get there, if that is another way than back.
    pub(super) brought: Option<OfferOrigin>,
    until: Instant,
}

/// The ways of the requests that passed through here of late, in bounded room.
#[derive(Debug, Default)]
pub(super) struct Routes(Map<RequestId, Route>);

impl Routes {
    /// The way that a request took through here.
    pub(super) fn get(&self, id: &RequestId) -> Option<&Route> {
        self.0.get(id)
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Remembers the way of a request. `false`: it has been here before.
    pub(super) fn remember(
        &mut self,
        request: &Request,
        back: ReplyPath,
        next: Option<Address>,
        max_peers: usize,
        now: Instant,
    ) -> bool {
        let (id, origin) = (request.id, request.origin);
        if self.0.contains_key(&id) {
            return false;
        }
        if self.0.len() >= MAX_ROUTES {
            // Whoever fills the table pushes out its own.
            let same = self.0.values().filter(|route| route.back.is_like(&back)).count();
            let own = |route: &Route| same < MAX_ROUTES / 8 || route.back.is_like(&back);
            let routes = self.0.iter().filter(|(_, route)| own(route));
            let oldest = routes.min_by_key(|(_, route)| route.until).map(|(&id, _)| id);
            oldest.map(|id| self.0.remove(&id));
        }
        let path = if next.is_none() { request.path.clone() } else { Vec::new() };
        let offer = request.offer.as_ref().filter(|_| next.is_none()).map(|offer| offer.description.hash());
        let brought = request.brought.filter(|_| matches!(back, ReplyPath::Neighbor(_)));
        let until = now + patient(ROUTE, max_peers);
        self.0.insert(id, Route { origin, back, next, path, offer, brought, until });
        true
    }

    pub(super) fn expire(&mut self, now: Instant) {
        self.0.retain(|_, route| route.until > now);
    }
}

/// Where a request goes from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// To this neighbor.
    Forward(Address),
    /// It ends here.
    Here,
    /// Nowhere.
    Refuse(Reason),
}

/// Where a request goes from here. May rewrite its goal: the owner of a point names the peer with the
/// free slot.
pub(super) fn step(request: &mut Request, from: Option<&Address>, around: &Neighborhood) -> Step {
    if request.hops_left == 0 {
        return Step::Refuse(Reason::NotFound);
    }
    let (me, origin) = (around.me, request.origin);
    let eligible = |k: &&Known| {
        k.address != origin
            && Some(&k.via) != from
            && k.via != origin
            && !around.dead.contains(&k.address)
            && !around.dead.contains(&k.via)
            && !request.path.contains(&k.address)
            && !request.path.contains(&k.via)
    };
    let size = ring::estimate_size(&me, &around.known);
    let ahead = |left: &dyn Fn(&Address) -> Distance| {
        let here = left(&me);
        let time = |k: &Known| ring::estimate_time(k, left(&k.address), size, around.max_peers);
        let nearer = around.known.iter().filter(|k| left(&k.address) < here && eligible(k));
        Some(Step::Forward(nearer.min_by(|a, b| time(a).total_cmp(&time(b)))?.via))
    };
    match request.goal {
        Goal::Exact(to) if to == me => Step::Here,
        Goal::Exact(to) => ahead(&|at| ring::distance(at, &to)).unwrap_or(Step::Refuse(Reason::NotFound)),
        Goal::Point(to) => {
            let here = ring::distance(&me, &to);
            let close_enough = here.share() <= ring::distance(&origin, &to).share() / 3.0;
            // Of a page that was reloaded a link may be left.
            let linked = around.link(&origin).is_some_and(|link| link.instance == request.instance);
            let taken = linked || around.is_pending(&origin);
            if around.free > 0 && close_enough && !taken {
                return Step::Here;
            }
            if let Some(step) = ahead(&|at| ring::distance(at, &to)) {
                return step;
            }
            if around.free > 0 && !taken {
                return Step::Here;
            }
            let with_slot = around.known.iter().filter(eligible).filter(|k| k.free > 0);
            match closest(with_slot, &to) {
                Some(k) => {
                    request.goal = Goal::Exact(k.address);
                    Step::Forward(k.via)
                }
                None => Step::Here,
            }
        }
        Goal::Successor | Goal::Predecessor => match request.goal.side() {
            Some(side) => ahead(&|at| side.reach(&origin, at)).unwrap_or(Step::Here),
            None => Step::Here,
        },
    }
}

/// A request that ended here, and is to be judged.
#[derive(Debug)]
pub(crate) struct Arrival(Box<Waiting>);

impl Arrival {
    pub(crate) fn request(&self) -> &Request {
        &self.0.request
    }
}

impl Signalling {
    /// A request for a link: pass it on, turn it away, or see whether there is a slot for it.
    pub(super) fn route(&mut self, mut waiting: Waiting, cx: &mut Context<'_>) {
        let request = &mut waiting.request;
        let sound = request.offer.as_ref().is_none_or(|offer| offer.description.is_sound())
            && request.path.len() <= MAX_PATH;
        let own = request.origin == cx.me.address;
        // Where a tracker knows nobody else, another run of this peer's identity may learn of this one here only.
        let rival =
            own && request.instance != cx.me.instance && matches!(waiting.from, ReplyPath::Tracker(..));
        if !sound || own && !rival || cx.limits.is_banned(&request.origin, cx.now) {
            return cx.drop_because("request");
        }
        let from = match waiting.from {
            ReplyPath::Neighbor(address) => Some(address),
            ReplyPath::Tracker(..) => None,
        };
        let step = if rival { Step::Here } else { step(request, from.as_ref(), cx.around) };
        match step {
            Step::Here if request.offer.is_some() => self.arrive(waiting, cx),
            Step::Here => {
                let (id, from) = (request.id, waiting.from);
                if self.remember(&waiting.request, from, None, cx) {
                    self.reply(id, Signal::Found(cx.me.address), cx);
                }
            }
            Step::Refuse(reason) => self.refuse(waiting, reason, cx),
            Step::Forward(next) => {
                if self.remember(&waiting.request, waiting.from, Some(next), cx) {
                    self.forward(waiting.request, next, cx);
                }
            }
        }
    }

    /// A request for a link ended here. Nothing is done for it before its origin has proven that it asks.
    fn arrive(&mut self, mut waiting: Waiting, cx: &mut Context<'_>) {
        if !waiting.proven {
            if !cx.allows_offer(&waiting.from) {
                return self.refuse(waiting, Reason::Busy, cx);
            }
            if !waiting.request.is_signed(&cx.me.secret.tag(), cx.swarm_now()) {
                return cx.drop_because("forged request");
            }
            waiting.proven = true;
        }
        // Whoever tells an old request again does not ask for anything.
        if waiting.request.offer.as_ref().is_some_and(|offer| self.copies.has(&offer.signature.proof)) {
            cx.drop_because("copy of an offer");
            return self.refuse(waiting, Reason::Duplicate, cx);
        }
        self.settle_glare(&waiting.request, cx);
        cx.effects.push_back(Effect::Arrived(Arrival(Box::new(waiting))));
    }

    /// What was decided of a request that ended here; the request and its offer, if it is to be answered.
    pub(crate) fn handle_judged(
        &mut self,
        arrival: Arrival,
        verdict: Result<(), Reason>,
        cx: &mut Context<'_>,
    ) -> Option<(Request, Description)> {
        let Arrival(mut waiting) = arrival;
        if let Err(reason) = verdict {
            if self.may_wait(&waiting, reason, cx) {
                self.wait(*waiting, cx);
            } else {
                self.refuse(*waiting, reason, cx);
            }
            return None;
        }
        let new = self.remember(&waiting.request, waiting.from, None, cx);
        let Offer { description, signature } = waiting.request.offer.take().filter(|_| new)?;
        self.copies.remember(signature.proof);
        Some((waiting.request, description))
    }

    fn refuse(&mut self, waiting: Waiting, reason: Reason, cx: &mut Context<'_>) {
        if self.remember(&waiting.request, waiting.from, None, cx) {
            self.reply(waiting.request.id, Signal::Reject(reason), cx);
        }
    }

    /// Remembers the way of a request; one that goes in a circle is turned away.
    fn remember(
        &mut self,
        request: &Request,
        from: ReplyPath,
        next: Option<Address>,
        cx: &mut Context<'_>,
    ) -> bool {
        let new = !self.own.contains_key(&request.id)
            && self.routes.remember(request, from, next, cx.around.max_peers, cx.now);
        if !new {
            let signal = Signal::Reject(Reason::NotFound);
            let (id, to, path) = (request.id, request.origin, request.path.clone());
            self.send_back(None, from, Reply { id, to, path, hops_left: MAX_REROUTES, signal }, cx);
        }
        new
    }

    fn forward(&mut self, mut request: Request, next: Address, cx: &mut Context<'_>) {
        if request.path.len() >= MAX_PATH {
            request.path.remove(0);
        }
        request.path.push(cx.me.address);
        request.hops_left = request.hops_left.min(MAX_HOPS).saturating_sub(1);
        cx.send(next, link::Packet::Signalling(Packet::Request(Box::new(request))));
    }

    /// Two peers that ask for each other at once: the request of the lower address yields.
    fn settle_glare(&mut self, request: &Request, cx: &mut Context<'_>) {
        if request.goal != Goal::Exact(cx.me.address) || cx.me.address > request.origin {
            return;
        }
        let to_them = Goal::Exact(request.origin);
        let ours = self.own.iter().find(|(_, own)| own.goal == to_them && own.conn.is_some());
        if let Some((&id, _)) = ours
            && let Some(conn) = self.own.remove(&id).and_then(|own| own.conn)
        {
            cx.effects.push_back(Effect::Recycle(conn));
        }
    }

    /// Forgets the ways of requests that are over.
    pub(crate) fn expire_routes(&mut self, now: Instant) {
        self.routes.expire(now);
    }
}

#[cfg(test)]
mod tests;
