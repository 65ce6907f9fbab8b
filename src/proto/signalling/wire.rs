//! What travels between neighbors to arrange links.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::proto::codec::{self, Unreadable};
use crate::proto::id::Address;
use crate::proto::identity::{Proof, PublicKey};
use crate::proto::links::admission::{Confirm, Hello};
use crate::proto::request::{Reason, Request, RequestId};
use crate::proto::sdp::{AnswerMark, Candidate, Description};

/// What travels between neighbors to arrange links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// Onwards to the goal.
    Request(Box<Request>),
    /// Back to the origin, the way the request came; where that is cut, to whom of those on it a way is known.
    Reply(Reply),
    /// After the request, to the peer where it ended.
    Forward {
        /// Which request.
        id: RequestId,
        #[serde(serialize_with = "write_signal", deserialize_with = "read_signal")]
        signal: Signal,
    },
}

/// A signal on its way to the origin of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// Which request.
    pub(crate) id: RequestId,
    /// Its origin.
    pub(crate) to: Address,
    /// The peers that passed the request on.
    pub(crate) path: Vec<Address>,
    /// Links it may still cross.
    pub(crate) hops_left: u16,
    #[serde(serialize_with = "write_signal", deserialize_with = "read_signal")]
    pub(crate) signal: Signal,
}

/// What origin and goal of a request say to each other. Those between them pass it on as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Signal {
    /// The goal accepts.
    Accept {
        /// Who it is.
        key: PublicKey,
        /// Its half of the connection.
        answer: Box<Description>,
        /// That it says so: see [`Acceptance`](crate::proto::acceptance::Acceptance).
        proof: Proof,
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
        /// Which answer: whoever names it has seen it.
        answer: AnswerMark,
    },
    /// The origin's first two words on the link, to a goal that sent its own.
    Greet {
        /// Which request; this takes the way in sight.
        request: RequestId,
        hello: Box<Hello>,
        confirm: Confirm,
    },
    /// A word of one end of a link to the other one, about another path for it. This takes a way round the link.
    Restart {
        /// Who says it.
        origin: Address,
        /// A [`Word`](crate::proto::restart::Word), sealed.
        #[serde(serialize_with = "codec::write_bytes")]
        sealed: Vec<u8>,
    },
    /// What only a later version knows, in its bytes.
    #[serde(skip)]
    Later(Vec<u8>),
}

/// Writes a signal as bytes.
fn write_signal<S: Serializer>(signal: &Signal, to: S) -> Result<S::Ok, S::Error> {
    match signal {
        Signal::Later(bytes) => codec::write_bytes(bytes, to),
        signal => codec::write_bytes(&codec::to_bytes(signal), to),
    }
}

/// Reads what [`write_signal`] wrote, as far as this version knows it.
fn read_signal<'de, D: Deserializer<'de>>(from: D) -> Result<Signal, D::Error> {
    let bytes = <&[u8]>::deserialize(from)?;
    match codec::read(bytes) {
        Ok((signal, [])) => Ok(signal),
        // Not known here, or with more than is known here: it still has to pass.
        Ok(_) | Err(Unreadable::Later) => Ok(Signal::Later(bytes.to_vec())),
        // Serde's word for it is that for a variant that is not known: see `codec::read`. So its packet counts as one
        // of a later version.
        Err(Unreadable::Malformed) => Err(D::Error::custom("a signal that is none")),
    }
}
