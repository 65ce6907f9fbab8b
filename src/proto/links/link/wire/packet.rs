//! Everything that neighbors say to each other.

use serde::{Deserialize, Serialize};

use super::{FrameError, Read};
use crate::proto::codec::{self, Unreadable};
use crate::proto::holding::Holding;
use crate::proto::id::{Address, MessageId};
use crate::proto::links::admission::{Confirm, Hello, VERSION};
use crate::proto::messaging::message::Header;
use crate::proto::messaging::{broadcast, direct};
use crate::proto::{presence, signalling, topology};

/// Everything one neighbor may say to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// The first word on a link: who am I, and my half of the membership proof.
    Hello(Hello),
    /// The other half of the proof.
    Confirm {
        /// The proof.
        confirm: Confirm,
        /// Whether the sender has another link with this peer, so that both agree which one stays.
        linked: bool,
    },
    /// The last word on a link.
    Close(Farewell),
    /// Are you there? The number comes back.
    Ping(u32),
    /// I am here.
    Pong(u32),
    /// What the neighborhood looks like.
    View(topology::Packet),
    /// Links being arranged.
    Signalling(signalling::Packet),
    /// Broadcasts.
    Broadcast(broadcast::Packet),
    /// Direct messages.
    Direct(direct::Packet),
    /// What the sender's clock shows, in milliseconds since the UNIX epoch, where it jumped since the greeting.
    Clock {
        /// That.
        millis: u64,
        /// Whether it wants to know the same of the other.
        asks: bool,
    },
    /// Another run of the recipient's identity greets here, and is this instance: is the recipient there?
    Rival([u8; 16]),
    /// It is.
    Holds(Holding),
    /// The trackers that answer the sender, by their marks: nobody is told of one that it does not know.
    Trackers {
        /// Those.
        marks: Vec<u32>,
        /// Whether it wants to know the same of the other.
        asks: bool,
    },
    /// What peers say of themselves.
    Presence(presence::Packet),
    /// The rest of a stream does not come: its message was taken back.
    Dropped(u32),
}

impl Packet {
    /// The message that it carries.
    pub(in crate::proto::links::link) fn message(&self) -> Option<MessageId> {
        match self {
            Self::Broadcast(broadcast::Packet::Data { header, .. })
            | Self::Direct(direct::Packet::Message { header, .. }) => Some(header.id()),
            _ => None,
        }
    }

    /// Whether it carries what pages or those who arrange links wait for; what else is said is said again.
    pub(in crate::proto::links::link) fn matters(&self) -> bool {
        match self {
            Self::Broadcast(packet) => {
                !matches!(packet, broadcast::Packet::Digest { .. } | broadcast::Packet::Have(_))
            }
            Self::Direct(_) | Self::Signalling(_) => true,
            _ => false,
        }
    }

    /// What a page said, if it carries that: it may be large.
    pub(super) fn payload(&self) -> Option<&[u8]> {
        match self {
            Self::Broadcast(broadcast::Packet::Data { payload, .. })
            | Self::Direct(direct::Packet::Message { payload, .. }) => Some(&payload.0),
            _ => None,
        }
    }
}

/// Why a link ends, told to the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Farewell {
    /// The peer leaves the swarm.
    Leaving,
    /// The link gives its slot to another; `hint` would like one.
    Evicted {
        /// The peer that took the slot.
        hint: Option<Address>,
    },
    /// Both have a better link with each other.
    Duplicate,
    /// No slot is free.
    Full,
    /// The admission proof failed, or something was said that no honest peer says.
    Refused,
}

/// The number of [`Packet::Hello`].
const HELLO: u8 = 0;
/// Of [`Packet::Broadcast`], and within it of [`broadcast::Packet::Data`].
const BROADCAST: u8 = 7;
const DATA: u8 = 0;
/// Of [`Packet::Direct`], and within it of [`direct::Packet::Message`].
const DIRECT: u8 = 8;
const MESSAGE: u8 = 0;

/// Reads a packet. Of a Hello in another version nothing but that can be read.
pub(crate) fn decode(bytes: &[u8]) -> Result<Read, FrameError> {
    if let [HELLO, version, ..] = bytes
        && *version != VERSION
    {
        return Err(FrameError::Version(*version));
    }
    match codec::read(bytes) {
        // Its number may be written in more bytes than it needs.
        Ok((Packet::Hello(hello), _)) if hello.version != VERSION => Err(FrameError::Version(hello.version)),
        Ok((packet, rest)) => Ok(Read::Packet { packet, more: !rest.is_empty() }),
        Err(Unreadable::Later) => Ok(Read::Later),
        Err(Unreadable::Malformed) => Err(FrameError::Packet),
    }
}

/// The header of a message, of a packet that carries one and of which at least that is there.
pub(crate) fn header(bytes: &[u8]) -> Option<Header> {
    let header = match bytes {
        [BROADCAST, DATA, _, header @ ..] | [DIRECT, MESSAGE, header @ ..] => header,
        _ => return None,
    };
    codec::read(header).ok().map(|(header, _)| header)
}

/// Writes a packet.
pub(crate) fn encode(packet: &Packet) -> Vec<u8> {
    // Mostly that is enough for a payload, and what is large is not moved as it grows.
    codec::append(Vec::with_capacity(packet.payload().map_or(0, |payload| payload.len() + 512)), packet)
}
