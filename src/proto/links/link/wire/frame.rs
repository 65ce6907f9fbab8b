//! Packets in parts.
//!
//! A data channel message larger than 16 KiB is not safe between all browsers (RFC 8831 section 6.6), and a
//! large one holds up everything behind it. So a packet that does not fit one frame travels in parts, each
//! marked with its stream, and small packets pass between them.

use serde::{Deserialize, Serialize};

#[cfg(any(test, feature = "sim"))]
use super::Packet;
use super::{FrameError, Read, decode};
use crate::proto::codec;

/// Largest frame in bytes.
pub(crate) const FRAME: usize = 16 << 10;
/// Bytes of a frame that are not its part's.
const OVERHEAD: usize = 12;
/// Parts carry at most this.
pub(crate) const PART: usize = FRAME - OVERHEAD;
/// Streams that a neighbor may have under way; an honest one interleaves no more.
const MAX_STREAMS: usize = 8;

/// One frame.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Frame<'a> {
    /// A whole packet.
    Whole(#[serde(borrow, serialize_with = "codec::write_bytes")] &'a [u8]),
    /// A part of a packet.
    Part {
        /// Which packet.
        stream: u32,
        /// Whether the packet ends here.
        last: bool,
        /// The part.
        #[serde(serialize_with = "codec::write_bytes")]
        bytes: &'a [u8],
    },
}

/// Puts packets together from frames.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Parts so far, by stream; nothing of a packet that is too large here.
    streams: Vec<(u32, Option<Vec<u8>>)>,
}

impl Inbox {
    /// Takes one frame.
    pub(crate) fn push(&mut self, frame: &[u8], max_packet: usize) -> Result<Read, FrameError> {
        if frame.len() > FRAME {
            return Err(FrameError::Size);
        }
        match codec::from_bytes(frame).ok_or(FrameError::Frame)? {
            Frame::Whole(bytes) => decode(bytes),
            Frame::Part { stream, last, bytes } => {
                let index = match self.streams.iter().position(|(id, _)| *id == stream) {
                    Some(index) => index,
                    None if self.streams.len() < MAX_STREAMS => {
                        self.streams.push((stream, Some(Vec::new())));
                        self.streams.len() - 1
                    }
                    None => return Err(FrameError::Streams),
                };
                let held: usize =
                    self.streams.iter().filter_map(|(_, parts)| parts.as_ref()).map(Vec::len).sum();
                let fits = |parts: &Vec<u8>| {
                    held + bytes.len() <= max_packet * 2 && parts.len() + bytes.len() <= max_packet
                };
                // The other end may take larger messages than this one: that is no reason to part.
                let parts = &mut self.streams[index].1;
                let too_large = parts.take_if(|parts| !fits(parts)).is_some();
                if let Some(parts) = parts {
                    parts.extend_from_slice(bytes);
                }
                let whole = if last { self.streams.swap_remove(index).1 } else { None };
                match whole {
                    _ if too_large => Ok(Read::TooLarge),
                    Some(parts) => decode_large(&parts),
                    None => Ok(Read::Part),
                }
            }
        }
    }

    /// Takes one frame; the packet that it completes, if that is one that is known here.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn packet(&mut self, frame: &[u8], max_packet: usize) -> Result<Option<Packet>, FrameError> {
        Ok(match self.push(frame, max_packet)? {
            Read::Packet { packet, .. } => Some(packet),
            Read::Part | Read::Later | Read::TooLarge => None,
        })
    }

    /// Streams under way, and their bytes.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 2] {
        [self.streams.len(), self.streams.iter().filter_map(|(_, parts)| parts.as_ref()).map(Vec::len).sum()]
    }
}

/// Reads a packet of several frames. Nothing needs them that carries no payload.
fn decode_large(bytes: &[u8]) -> Result<Read, FrameError> {
    match decode(bytes)? {
        Read::Packet { packet, .. } if bytes.len() > FRAME && !packet.has_payload() => Err(FrameError::Size),
        read => Ok(read),
    }
}

/// Writes a frame.
pub(crate) fn frame(frame: &Frame<'_>) -> Vec<u8> {
    codec::to_bytes(frame)
}
