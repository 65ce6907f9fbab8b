//! What a part of a peer is given while it handles one thing, and what it may ask of the others.
//!
//! A part changes nothing but itself. What concerns others it says as an [`Effect`]; the peer hands each on, in order, when
//! the part is done, with a neighborhood that is up to date.

use std::collections::VecDeque;

use super::clock::SwarmClock;
use super::envelope::Envelope;
use super::id::{Address, MessageId, OfferId, TrackerPeerId};
use super::identity::{Proof, PublicKey};
use super::io::{ConnId, Event, Output, TrackerId, Warning};
use super::keys::Keys;
use super::limits::{self, Allowed, Asked, Fault, Limits};
use super::links::admission::{Confirm, Hello};
use super::links::link::Packet;
use super::me::Me;
use super::messaging::message::{Header, Kind, Message, Verified};
use super::neighborhood::Neighborhood;
use super::random::Random;
use super::report::Stats;
use super::request::{Goal, Plan, Reason, RequestId};
use super::sdp::{AnswerMark, Candidate, Description};
use super::signalling::{self, Arrival, ReplyPath};
use super::time::Instant;

/// What all parts of a peer share.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) me: &'a Me,
    /// The neighborhood when this part was called.
    pub(crate) around: &'a Neighborhood,
    /// What time it is in the swarm.
    pub(crate) clock: &'a SwarmClock,
    pub(crate) random: &'a mut Random,
    pub(crate) keys: &'a mut Keys,
    pub(crate) limits: &'a mut Limits,
    pub(crate) stats: &'a mut Stats,
    /// What the world must do.
    pub(crate) out: &'a mut VecDeque<Output>,
    /// What the other parts must do.
    pub(crate) effects: &'a mut VecDeque<Effect>,
}

/// What one part asks of another.
#[derive(Debug)]
pub(crate) enum Effect {
    /// A packet for a neighbor; the message of this peer's own that it carries, if it carries one.
    Send(Address, Packet, Option<MessageId>),
    /// A neighbor did too much of what no honest one does.
    Ban(Address),

    // From presence and messaging.
    /// This peer says something of its own accord, to everybody if that is not too many.
    Proclaim(Kind, Vec<u8>),
    /// Another one said something of who is present.
    Proclaimed(Box<Verified<Message>>),
    /// A large message is taken back: what waits of it on links does not go.
    Withdrawn(MessageId),

    // From the links.
    /// A packet of a neighbor.
    Packet(ConnId, Address, Packet),
    /// A part of a packet of a neighbor: so much is here of one that carries a large message with this header.
    Coming(Address, Box<Header>, usize),
    /// A frame of a neighbor that is no packet, or none that is known here: it costs what a packet does.
    Unknown(Address),
    /// ... that arranges links, on one that parts.
    PartingPacket(Address, signalling::Packet),
    /// A link is there; what the neighbor's clock shows.
    Linked(Address, Instant),
    /// The connection of a link gave way to another.
    Relinked(Address),
    /// A link is gone, and so is its peer if it is `dead`; what it went by for the page.
    Unlinked { peer: Address, name: Address, dead: bool },
    /// The connection of a link, or of one that parts, is closed: what was just handed to it is lost.
    Cut(Address),
    /// Who evicted this peer named who took the place; the one to ask, if it still passes on what arranges links.
    Successor { hint: Address, via: Option<Address> },
    /// An attempt takes longer than most.
    Slow,
    /// An attempt came to nothing. `taken`: somebody had taken the offer up.
    Failed { purpose: Purpose, taken: bool },
    /// A peer is to be left alone for a while.
    Avoid(Address),
    /// An offer for trackers is made.
    OfferReady,
    /// The offer of a request is made, or was already.
    RequestReady(RequestId, Offered),
    /// The answer to a request is made; our first word on the link goes with it.
    AnswerReady(RequestId, Description, Option<Hello>),
    /// Another candidate of an attempt.
    Candidate(Purpose, Candidate),
    /// Our first two words on a link, for a peer that sent its own with its answer.
    Greet { request: RequestId, to: Address, hello: Hello, confirm: Confirm },
    /// A sealed word for the other end of a link, to go round it.
    TellRound { to: Address, sealed: Vec<u8> },

    // From signalling.
    /// A request is to be made.
    Ask(Plan),
    /// A request of ours is no longer open: an older one with the same offer was answered.
    Superseded(RequestId),
    /// A request of ours went out with the offer of a connection, to be answered until then.
    Asked { conn: ConnId, id: RequestId, via: Address, until: Instant },
    /// A request ended here: is there a slot for it?
    Arrived(Arrival),
    /// A request of ours was answered.
    Accepted(Accepted),
    /// A request of ours was turned away.
    Rejected { aim: Option<Address>, reason: Reason, conn: Option<ConnId> },
    /// A probe of ours found somebody.
    Found { goal: Goal, via: Address, found: Address },
    /// The offer of a request goes back to those that are ready.
    Recycle(ConnId),
    /// The other end makes a connection no more.
    GivenUp(GivenUp),
    /// Our answer to a request cannot get there.
    TakeBack(RequestId),
    /// The first words of a peer that answers our Hello.
    Greeted { request: RequestId, hello: Hello, confirm: Confirm },
    /// A sealed word that came round a link, of its other end as it says.
    ToldRound { from: Address, sealed: Vec<u8> },
    /// Another candidate of the peer at the other end of an attempt.
    TheirCandidate(RequestId, Candidate),
    /// Requests that wait are looked at again then.
    LookAgain(Instant),
    /// An answer to an offer that a tracker brought.
    AnswerTracker { tracker: TrackerId, to: TrackerPeerId, offer: OfferId, text: String },
    /// ... that it brought to somebody else.
    AnswerAnothers { mark: u32, to: TrackerPeerId, offer: OfferId, text: String },

    // From the introducers.
    /// A stranger's offer.
    Introduced(Stranger),
    /// A stranger's answer to an offer of ours.
    Answered { offer: OfferId, from: Address, answer: Description },
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Offered through trackers, or kept ready to be.
    Offer(OfferId),
    /// Offered through the mesh, handed to this neighbor.
    Request(RequestId, Address),
    /// Our answer to somebody's offer.
    Answer(RequestId),
}

/// A stranger's offer that a tracker brought.
#[derive(Debug)]
pub(crate) struct Stranger {
    pub(crate) tracker: TrackerId,
    pub(crate) mark: u32,
    pub(crate) from: TrackerPeerId,
    pub(crate) offer: OfferId,
    pub(crate) envelope: Envelope,
}

/// An offer that a request takes out.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) via: Address,
    pub(crate) description: Description,
    pub(crate) replaces: Option<Address>,
}

/// An answer to a request of ours, by whoever says so.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) id: RequestId,
    /// The neighbor through which the request went.
    pub(crate) via: Address,
    pub(crate) key: PublicKey,
    pub(crate) answer: Box<Description>,
    pub(crate) proof: Proof,
    pub(crate) hello: Option<Box<Hello>>,
}

/// What becomes of an answer to a request of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answered {
    /// A connection.
    Taken,
    /// Nothing, and who gave it should know.
    OfNoUse,
    /// Nothing: whoever gave it is not who it says.
    Forged,
}

/// Which attempt is given up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum GivenUp {
    /// The one of this request.
    Of(RequestId),
    /// Our answer with this mark to this peer.
    Declined(Address, AnswerMark),
}

impl Context<'_> {
    /// Hands a packet to a neighbor.
    pub(crate) fn send(&mut self, to: Address, packet: Packet) {
        self.effects.push_back(Effect::Send(to, packet, None));
    }

    /// What the clock of the swarm shows.
    pub(crate) fn swarm_now(&self) -> Instant {
        self.clock.shift().theirs(self.now)
    }

    /// Tells the page.
    pub(crate) fn emit(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    pub(crate) fn warn(&mut self, code: &'static str, text: String) {
        self.emit(Event::Warning(Warning { code, text }));
    }

    /// Counts something of a remote that was dropped.
    pub(crate) fn drop_because(&mut self, cause: &'static str) {
        self.stats.drop_because(cause);
    }

    /// Whether a neighbor may have this peer pass something on, or take up what cannot be checked.
    pub(crate) fn allows_relay(&mut self, from: &Address) -> bool {
        self.allows_relay_of(from, 1.0)
    }

    /// ... or, if it is no more than a direct message or the word that it arrived, which is not checked here or whose proof was.
    pub(crate) fn allows_word(&mut self, from: &Address) -> bool {
        self.allows_relay_of(from, limits::check_cost(true))
    }

    fn allows_relay_of(&mut self, from: &Address, cost: f64) -> bool {
        let links = self.around.links.len();
        self.around.reaches(from) && {
            let allowed = self.limits.allows_relay(*from, cost, links, self.now);
            self.judge(from, allowed)
        }
    }

    /// Whether a neighbor may have this peer check a message of a key. `along`: its proof was checked for another one.
    pub(crate) fn allows_proof(&mut self, from: &Address, maker: &Address, along: bool) -> bool {
        let (links, near) = (self.around.links.len(), self.around.sees(maker));
        self.around.reaches(from) && {
            let asked = Asked { from: *from, maker, near, along };
            let allowed = self.limits.allows_proof(asked, links, self.now);
            self.judge(from, allowed)
        }
    }

    /// Whether the signature of an offer that came this way may be checked.
    pub(crate) fn allows_offer(&mut self, from: &ReplyPath) -> bool {
        let allowed = match from {
            ReplyPath::Neighbor(from) => self.limits.allows_offer(*from, self.around.links.len(), self.now),
            ReplyPath::Tracker(tracker, ..) => self.limits.allows_offer_of_stranger(*tracker, self.now),
        };
        if !allowed {
            self.drop_because("offers above their rate");
        }
        allowed
    }

    /// What a neighbor may not is counted, and scored if no honest one would ask for it.
    fn judge(&mut self, from: &Address, allowed: Allowed) -> bool {
        if allowed == Allowed::Abuse {
            self.blame(from, Fault::Flooded, "sent more than any honest peer would");
        }
        if allowed != Allowed::Yes {
            self.drop_because("neighbor above its rate");
        }
        allowed == Allowed::Yes
    }

    /// Whether somebody who is no neighbor may ask for work, by a tracker.
    pub(crate) fn allows_stranger(&mut self, tracker: TrackerId) -> bool {
        let allowed = self.limits.allows_stranger(tracker, self.now);
        if !allowed {
            self.drop_because("trackers above their rate");
        }
        allowed
    }

    /// Scores a neighbor for what no honest one does; too much of it ends the link. `evidence` goes on from
    /// "the neighbor so-and-so".
    pub(crate) fn blame(&mut self, neighbor: &Address, fault: Fault, evidence: &str) {
        if !self.around.reaches(neighbor) {
            return;
        }
        let banned = self.limits.blame(*neighbor, fault, self.now);
        if banned || fault != Fault::Flooded {
            let end = if banned { ": its link is closed, and refused for a while" } else { "" };
            let text = format!("the neighbor {neighbor} {evidence}{end}");
            self.warn(if banned { "ERR_NEIGHBOR_BANNED" } else { "ERR_NEIGHBOR" }, text);
        }
        if banned {
            self.drop_because("neighbor banned");
            self.effects.push_back(Effect::Ban(*neighbor));
        }
    }
}
