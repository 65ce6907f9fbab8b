//! What travels between neighbors for broadcasts.

use serde::{Deserialize, Serialize};

use crate::proto::id::{Address, MessageId};
use crate::proto::messaging::message::{Header, Payload};

/// Names in one packet.
pub(super) const MAX_HAVE: usize = 512;

/// What travels between neighbors for broadcasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// A message.
    Data {
        /// Links it crossed, this one included.
        hops: u8,
        header: Box<Header>,
        payload: Payload,
    },
    /// A large message, to be pulled.
    Header {
        /// Links it crossed, this one included.
        hops: u8,
        header: Box<Header>,
    },
    /// Messages that the sender has.
    Have(Vec<MessageId>),
    /// Send me this one, and more of its source.
    Graft(MessageId),
    /// Send me nothing more of this source.
    Prune(Address),
    /// All the names in one bucket of time, folded into a number.
    Digest { bucket: u64, sum: u64 },
    /// Send me the messages of this source again: who brought them is gone.
    Resume(Address),
}

impl Packet {
    pub(super) fn data(hops: u8, header: &Header, payload: &Payload) -> Self {
        Self::Data { hops, header: Box::new(header.clone()), payload: payload.clone() }
    }

    pub(super) fn header(hops: u8, header: &Header) -> Self {
        Self::Header { hops, header: Box::new(header.clone()) }
    }
}

/// What must go out to whom.
pub(super) type Packets = Vec<(Address, Packet)>;
