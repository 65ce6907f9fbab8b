//! A connection and what it is for.

use super::admission::Admitted;
use super::link::Link;
use crate::proto::context::Purpose;
use crate::proto::id::Address;
use crate::proto::place::Endpoint;
use crate::proto::request::RequestId;
use crate::proto::sdp::{Description, DescriptionHash};
use crate::proto::time::Instant;

/// Requests that one offer stands for; older ones are no longer answered by then.
const MAX_ASKED: usize = 8;

/// One connection, from its first description to its end.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) link: Link,
    pub(crate) purpose: Purpose,
    /// The peer at the other end, as soon as it is known.
    pub(crate) peer: Option<Address>,
    pub(crate) admitted: Option<Admitted>,
    /// Whether this peer chose the other one as a long link.
    pub(crate) chosen: bool,
    /// The slower link that is to end for this one.
    pub(super) replaces: Option<Address>,
    /// Who loses a link at the other end by that, and may have the peer that loses one here.
    pub(super) successor_hint: Option<Address>,
    /// Whether the other end has yet to say that it keeps it: one on trial stays if both find it faster.
    pub(super) trial: bool,
    /// When trackers last took the offer out.
    pub(crate) announced: Option<Instant>,
    /// Requests that took the offer out and may be answered yet, the newest last: on a busy machine an answer
    /// takes longer than anybody waits for it, and it is as good as a new one.
    pub(super) asked: Vec<Asked>,
    /// Where the browser may look for the other end.
    pub(super) tried: Vec<Endpoint>,
    pub(super) since: Instant,
    pub(super) made: Instant,
}

/// A request that took an offer out: to which neighbor, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) id: RequestId,
    pub(super) via: Address,
    /// The one peer that it asked for, if it did.
    pub(super) of: Option<Address>,
    pub(super) at: Instant,
    /// The offer as it was by then; more candidates may have come since.
    pub(super) offer: Option<DescriptionHash>,
}

impl Conn {
    pub(super) fn new(link: Link, purpose: Purpose, now: Instant) -> Self {
        Self {
            link,
            purpose,
            peer: None,
            admitted: None,
            chosen: false,
            replaces: None,
            successor_hint: None,
            trial: false,
            announced: None,
            asked: Vec::new(),
            tried: Vec::new(),
            since: now,
            made: now,
        }
    }

    /// Whether both ends can do this beyond the version.
    pub(super) fn can(&self, capability: u32) -> bool {
        self.admitted.is_some_and(|admitted| admitted.capabilities & capability != 0)
    }

    /// What both ends can do beyond the version.
    #[cfg(test)]
    pub(crate) fn capabilities(&self) -> Option<u32> {
        self.admitted.map(|admitted| admitted.capabilities)
    }

    /// Whether it takes a slot: everything but an offer that nobody has taken up. Our own requests take none
    /// until they are answered, or two full peers that ask for each other would both be busy for ever.
    pub(crate) fn holds_slot(&self) -> bool {
        self.link.is_taken_up() && self.link.is_hopeful()
    }

    /// Whether it is a connection that is being made, and no further.
    pub(super) fn is_attempt(&self) -> bool {
        self.link.is_taken_up() && !self.link.is_greeting() && !self.link.is_active()
    }

    /// Whether its channel is open.
    pub(crate) fn is_open(&self) -> bool {
        self.link.is_greeting() || self.link.is_active()
    }

    /// Whether it is our answer to somebody's offer.
    pub(super) fn is_answer(&self) -> bool {
        matches!(self.purpose, Purpose::Answer(_))
    }

    /// Whether it stands for this request, or for our answer to it.
    pub(crate) fn is_for(&self, request: RequestId) -> bool {
        let present = match self.purpose {
            Purpose::Offer(offer) => request.is_of(&offer),
            Purpose::Request(id, _) | Purpose::Answer(id) => id == request,
        };
        present || self.asked.iter().any(|asked| asked.id == request)
    }

    /// This request, if it took the offer out before what the offer is out for now.
    pub(super) fn asked_before(&self, request: RequestId) -> Option<Asked> {
        let present = matches!(self.purpose, Purpose::Request(id, _) if id == request);
        self.asked.iter().find(|asked| asked.id == request && !present).copied()
    }

    /// A request took the offer out.
    pub(super) fn handle_asked(&mut self, id: RequestId, via: Address, now: Instant) {
        if self.asked.len() >= MAX_ASKED {
            self.asked.remove(0);
        }
        let offer = self.link.description().map(Description::hash);
        self.asked.push(Asked { id, via, of: self.peer, at: now, offer });
    }

    /// Whether it is an offer that stands for no request.
    pub(crate) fn is_spare(&self) -> bool {
        matches!(self.purpose, Purpose::Offer(_)) && !self.link.is_taken_up()
    }
}
