//! What travels between neighbors to arrange links.

use serde::{Deserialize, Serialize};

use crate::proto::admission::{Confirm, Hello};
use crate::proto::id::{Address, OfferId, TrackerPeerId};
use crate::proto::ring::Side;
use crate::proto::sdp::{Candidate, Description};

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
    pub(crate) offer: Option<Description>,
    /// If a tracker brought the offer: who takes it up answers there, too.
    pub(crate) carried: Option<Carried>,
    /// The peers that passed it on, the last of them if they are many.
    pub(crate) path: Vec<Address>,
    /// Links it may still cross.
    pub(crate) hops_left: u16,
}

/// Where the answer to an offer that a tracker brought is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Carried {
    /// Of the tracker: [`Tracker::mark`](crate::proto::tracker::Tracker::mark).
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

/// What travels between neighbors to arrange links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// Onwards to the goal.
    Request(Box<Request>),
    /// Back to the origin, the way the request came; where that is cut, to whom of those on it a way is known.
    Back(Answer),
    /// After the request, to the peer where it ended.
    Forth {
        /// Which request.
        id: RequestId,
        word: Word,
    },
}

/// A word on its way to the origin of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Which request.
    pub(crate) id: RequestId,
    /// Its origin.
    pub(crate) to: Address,
    /// The peers that passed the request on.
    pub(crate) path: Vec<Address>,
    /// Links it may still cross.
    pub(crate) hops_left: u16,
    pub(crate) word: Word,
}

/// What origin and goal of a request say to each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    /// The goal accepts.
    Accept {
        /// Who it is.
        from: Address,
        /// Its half of the connection.
        answer: Box<Description>,
        /// Its first word on the link, ahead of the channel; not on links that are measured by their greeting.
        hello: Option<Box<Hello>>,
    },
    /// Who the goal is, to a request without an offer.
    Found(Address),
    /// No.
    Reject(Reason),
    /// Another candidate.
    Candidate(Candidate),
    /// The origin takes its request back.
    Cancel,
    /// To a peer that answered an offer of this one: the answer is of no use.
    Decline {
        /// The origin of the offer.
        origin: Address,
        /// Its request; `None` if a tracker brought the offer.
        request: Option<RequestId>,
    },
    /// The origin's first two words on the link, to a goal that sent its own.
    Greet {
        /// Which request; the word takes the way in sight.
        request: RequestId,
        hello: Box<Hello>,
        confirm: Confirm,
    },
}
