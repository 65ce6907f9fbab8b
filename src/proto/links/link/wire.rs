//! What travels on a data channel: packets (see [`codec`](mod@crate::proto::codec)), cut into frames or gathered in them.

mod frame;
mod packet;

pub(crate) use frame::{Bundle, FRAME, Frame, Inbox, MAX_FRAME, Piece, TAKES_MORE, frame, open, part, small};
pub(crate) use packet::{Farewell, Packet, decode, encode, header};

use crate::proto::links::admission::VERSION;
use crate::proto::messaging::message::Header;

/// What came with a frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Read {
    /// A part of a packet.
    Part,
    /// ... and so much is there of one that carries a large message with this header.
    Coming(Box<Header>, usize),
    /// A packet; `more`: with fields at its end that are not known here.
    Packet { packet: Packet, more: bool },
    /// A packet that is not known here: a later version has more of them.
    Later,
    /// A packet that is larger than what this peer takes: what is still to come of it is left out.
    TooLarge,
}

/// Why bytes are not a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("it speaks version {0} of the protocol, and this one is {VERSION}: reload the older page")]
    Version(u8),
    #[error("not a frame")]
    Frame,
    #[error("not a packet")]
    Packet,
    #[error("more streams at once than allowed")]
    Streams,
    #[error("a packet larger than allowed")]
    Size,
}

#[cfg(test)]
mod vectors;
