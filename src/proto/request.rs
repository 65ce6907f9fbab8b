//! Requests for links: whom they look for, what they carry, why they are turned away.

use serde::{Deserialize, Serialize};

use super::id::{Address, OfferId, TrackerPeerId};
use super::offer::{Name, Offer, Offering};
use super::ring::Side;
use super::secret::SwarmTag;
use super::time::Instant;

/// Names one request for a link on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct RequestId(pub(crate) [u8; 8]);

impl RequestId {
    /// For an offer that a tracker brought: its origin knows the answer by this, should it come through the mesh.
    /// The rest is random, and tells apart the requests that are made of one offer.
    pub(crate) fn of_offer(offer: &OfferId, random: [u8; 8]) -> Self {
        let mut id = random;
        id[3..].copy_from_slice(&offer.0[..5]);
        Self(id)
    }

    /// Whether it was made of this offer.
    pub(crate) fn is_of(&self, offer: &OfferId) -> bool {
        self.0[3..] == offer.0[..5]
    }
}

/// Whom a request is looking for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// The first peer clockwise of the origin.
    Successor,
    /// The first peer counter-clockwise of the origin.
    Predecessor,
    /// A peer with a free slot near this point of the ring.
    Point(Address),
    /// This peer.
    Exact(Address),
}

impl Goal {
    /// The side of the ring that it is about.
    pub(crate) fn side(self) -> Option<Side> {
        match self {
            Self::Successor => Some(Side::Successor),
            Self::Predecessor => Some(Side::Predecessor),
            Self::Point(_) | Self::Exact(_) => None,
        }
    }
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

/// A request for a link, routed through the mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    /// Who wants the link.
    pub(crate) origin: Address,
    /// Tells a reloaded page from its former self.
    pub(crate) instance: [u8; 16],
    pub(crate) goal: Goal,
    /// The origin has fewer than two links, or two slots that nobody fills: split an edge rather than turn it away.
    pub(crate) need: bool,
    /// The link of the origin that the new one is to take the place of. On the ring only a peer that is nearer takes
    /// the request up. At a point a full peer does too, and the new link stays if both ends find it faster than one of
    /// theirs.
    pub(crate) instead_of: Option<Address>,
    /// The origin's half of the connection; `None` only asks who is there.
    pub(crate) offer: Option<Offer>,
    /// If a tracker brought the offer: who takes it up answers there, too.
    pub(crate) brought: Option<OfferOrigin>,
    /// The peers that passed it on, the last of them if they are many.
    pub(crate) path: Vec<Address>,
    /// Links it may still cross.
    pub(crate) hops_left: u16,
}

impl Request {
    /// Whether the link it asks for stays only if both ends find it faster than one of theirs.
    pub(crate) fn is_trial(&self) -> bool {
        matches!(self.goal, Goal::Point(_)) && self.instead_of.is_some()
    }

    /// Whether its origin makes the offer that is in it, for this and nothing else. `now` is the swarm's time.
    pub(crate) fn is_signed(&self, swarm: &SwarmTag, now: Instant) -> bool {
        let Some(Offer { description, signature }) = &self.offer else { return false };
        let name = match &self.brought {
            Some(brought) if !self.id.is_of(&brought.offer) => return false,
            Some(brought) => Name::Offer(brought.offer),
            None => Name::Request(self.id),
        };
        let said = Offering { name, instance: &self.instance, description };
        said.is_of(&self.origin, signature, swarm, now)
    }
}

/// Where the answer to an offer that a tracker brought is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfferOrigin {
    /// Of the tracker: [`Tracker::mark`](super::introducers::tracker::Tracker::mark).
    pub(crate) mark: u32,
    pub(crate) to: TrackerPeerId,
    pub(crate) offer: OfferId,
}

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// No free slot, and nothing to gain from a hand-over.
    Full,
    /// A hand-over is under way; ask again.
    Busy,
    /// Already linked, or just being linked, or linked with one that is nearer.
    Duplicate,
    /// The way ended before the goal.
    NotFound,
    /// The acceptor could not make a connection.
    Failed,
}

/// A request that this peer is to make.
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
