//! Packets in parts, and several at once.
//!
//! A large message of a data channel holds up everything behind it. So a packet that does not fit one frame travels in
//! parts, each marked with its stream, and small packets pass between them.
//!
//! A message of a data channel costs a browser a third of a millisecond, however small it is. So what is said to one
//! neighbor at once travels in one frame, as far as it fits, and frames are larger where both ends say that they take that.

use serde::{Deserialize, Serialize};

#[cfg(any(test, feature = "sim"))]
use super::Packet;
use super::{FrameError, Read, decode, header};
use crate::proto::codec;

/// Largest frame in bytes that everybody takes: as much as is safe between all browsers (RFC 8831, section 6.6).
pub(crate) const FRAME: usize = 16 << 10;
/// ... and that whoever says so takes: what a browser takes whose description says nothing (RFC 8841, section 6.1).
pub(crate) const MAX_FRAME: usize = 64 << 10;
/// The bit of [`Hello::capabilities`](crate::proto::Hello::capabilities) that says so.
pub(crate) const TAKES_MORE: u32 = 2;
/// Bytes of a frame that are not its part's.
const OVERHEAD: usize = 12;
/// ... and the length of a packet among others.
const LENGTH: usize = 3;

/// What parts carry at most.
pub(crate) const fn part(frame: usize) -> usize {
    frame - OVERHEAD
}

/// The largest packet that travels whole.
pub(crate) const fn small(frame: usize) -> usize {
    frame - OVERHEAD - LENGTH
}

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
    /// Several packets, each as [`Bytes`].
    Several(#[serde(borrow, serialize_with = "codec::write_bytes")] &'a [u8]),
}

/// Bytes with their length before them.
#[derive(Serialize, Deserialize)]
struct Bytes<'a>(#[serde(borrow, serialize_with = "codec::write_bytes")] &'a [u8]);

/// What a frame carries.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    /// A whole packet.
    Whole(&'a [u8]),
    /// A part of one: see [`Frame::Part`].
    Part { stream: u32, last: bool, bytes: &'a [u8] },
}

/// Opens a frame.
pub(crate) fn open(frame: &[u8]) -> Result<Vec<Piece<'_>>, FrameError> {
    if frame.len() > MAX_FRAME {
        return Err(FrameError::Size);
    }
    let mut rest = match codec::from_bytes(frame).ok_or(FrameError::Frame)? {
        Frame::Whole(bytes) => return Ok(vec![Piece::Whole(bytes)]),
        Frame::Part { stream, last, bytes } => return Ok(vec![Piece::Part { stream, last, bytes }]),
        Frame::Several(packets) => packets,
    };
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let Bytes(packet);
        (Bytes(packet), rest) = codec::read(rest).map_err(|_| FrameError::Frame)?;
        pieces.push(Piece::Whole(packet));
    }
    Ok(pieces)
}

/// Packets that go out in one frame.
#[derive(Debug, Default)]
pub(crate) struct Bundle {
    packets: Vec<Vec<u8>>,
    bytes: usize,
}

impl Bundle {
    /// Whether one more fits a frame of so many bytes.
    pub(crate) fn fits(&self, packet: &[u8], frame: usize) -> bool {
        self.bytes + packet.len() <= small(frame)
    }

    pub(crate) fn push(&mut self, packet: Vec<u8>) {
        self.bytes += packet.len() + LENGTH;
        self.packets.push(packet);
    }

    /// The frame, if there is any packet.
    pub(crate) fn into_frame(self) -> Option<Vec<u8>> {
        match &self.packets[..] {
            [] => None,
            [packet] => Some(frame(&Frame::Whole(packet))),
            packets => {
                let room = Vec::with_capacity(self.bytes);
                let several = packets.iter().fold(room, |bytes, packet| codec::append(bytes, &Bytes(packet)));
                Some(frame(&Frame::Several(&several)))
            }
        }
    }
}

/// Puts packets together from frames.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Parts so far, by stream; nothing of a packet that is too large here.
    streams: Vec<(u32, Option<Vec<u8>>)>,
}

impl Inbox {
    /// Takes a packet, or a part of one.
    pub(crate) fn push(&mut self, piece: Piece<'_>, max_packet: usize) -> Result<Read, FrameError> {
        match piece {
            Piece::Whole(bytes) => decode_bounded(bytes),
            Piece::Part { stream, last, bytes } => {
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
                let before = parts.as_ref().map_or(0, Vec::len);
                if let Some(parts) = parts {
                    parts.extend_from_slice(bytes);
                }
                let grown = parts.as_ref().filter(|parts| parts.len() / FRAME > before / FRAME && !last);
                if let Some(coming) =
                    grown.and_then(|parts| Some(Read::Coming(Box::new(header(parts)?), parts.len())))
                {
                    return Ok(coming);
                }
                let whole = if last { self.streams.swap_remove(index).1 } else { None };
                match whole {
                    _ if too_large => Ok(Read::TooLarge),
                    Some(parts) => decode_bounded(&parts),
                    None => Ok(Read::Part),
                }
            }
        }
    }

    /// The rest of a stream does not come.
    pub(crate) fn drop_stream(&mut self, stream: u32) {
        self.streams.retain(|(id, _)| *id != stream);
    }

    /// Takes one frame; the packets that it carries or completes, as far as they are known here.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn packets(&mut self, frame: &[u8], max_packet: usize) -> Result<Vec<Packet>, FrameError> {
        let mut packets = Vec::new();
        for piece in open(frame)? {
            if let Read::Packet { packet, .. } = self.push(piece, max_packet)? {
                packets.push(packet);
            }
        }
        Ok(packets)
    }

    /// Streams under way, and their bytes.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 2] {
        [self.streams.len(), self.streams.iter().filter_map(|(_, parts)| parts.as_ref()).map(Vec::len).sum()]
    }
}

/// Reads a packet. None is large that carries no payload.
fn decode_bounded(bytes: &[u8]) -> Result<Read, FrameError> {
    match decode(bytes)? {
        Read::Packet { packet, .. } if bytes.len() > FRAME && packet.payload().is_none() => {
            Err(FrameError::Size)
        }
        read => Ok(read),
    }
}

/// Writes a frame.
pub(crate) fn frame(frame: &Frame<'_>) -> Vec<u8> {
    codec::to_bytes(frame)
}
