//! What travels on a data channel: packets (see [`codec`](mod@crate::proto::codec)), cut into frames.

mod frame;
mod packet;

pub(crate) use frame::{FRAME, Frame, Inbox, PART, frame};
pub(crate) use packet::{Farewell, Packet, decode, encode};

/// Why bytes are not a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("not a frame")]
    Frame,
    #[error("not a packet")]
    Packet,
    #[error("more streams at once than allowed")]
    Streams,
    #[error("a packet larger than allowed")]
    Size,
}
