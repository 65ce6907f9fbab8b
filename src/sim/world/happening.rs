//! What happens in a world, and what a peer is told of it.

use std::time::Duration;

use super::sockets::{Socket, SocketState};
use crate::proto::{Bytes, ConnId, Input, MessageId};
use crate::sim::connection::{self, EndId, Ends};
use crate::testkit::mix;

#[derive(Debug)]
pub(super) enum Happening {
    Alarm(u32),
    Described(EndId),
    Candidate(EndId, bool),
    Gathered(EndId),
    Opened(EndId),
    Frame(EndId, Vec<u8>),
    Writable(EndId),
    /// Whether its transport hears from the other end.
    Transport(EndId, bool),
    Failed(EndId),
    RemoteClosed(EndId),
    /// A connection could not even be made.
    Refused(u32, ConnId, &'static str),
    SocketOpen(u32),
    ToTracker(u32, String),
    FromTracker(u32, String),
    SocketClosed(u32),
    TrackerSees(u32),
    /// The page of a peer answers a request.
    Answer(u32, MessageId),
    /// A page is done with what reached it.
    Done(Box<Happening>),
}

impl Happening {
    /// The end at which it happens.
    pub(super) fn end(&self) -> Option<EndId> {
        match self {
            Self::Described(id)
            | Self::Candidate(id, _)
            | Self::Gathered(id)
            | Self::Opened(id)
            | Self::Frame(id, _)
            | Self::Writable(id)
            | Self::Transport(id, _)
            | Self::Failed(id)
            | Self::RemoteClosed(id) => Some(*id),
            _ => None,
        }
    }

    /// The peer at which it happens, if not at an end.
    pub(super) fn node(&self, sockets: &[Socket]) -> Option<u32> {
        match self {
            Self::Alarm(node) | Self::Refused(node, ..) | Self::Answer(node, _) => Some(*node),
            Self::SocketOpen(socket) | Self::FromTracker(socket, _) | Self::SocketClosed(socket) => {
                Some(sockets[*socket as usize].node)
            }
            _ => None,
        }
    }
}

/// What a peer is told of a happening.
pub(super) fn read(what: Happening, ends: &Ends, sockets: &[Socket]) -> Option<(u32, Input)> {
    if let Some(id) = what.end() {
        let end = ends.get(id)?;
        let input = match what {
            Happening::Described(_) => Input::ConnDescribed(end.conn, connection::describe(id, end)),
            Happening::Candidate(_, reflexive) => {
                Input::ConnCandidate(end.conn, connection::candidate(id, end.node, reflexive))
            }
            Happening::Gathered(_) => Input::ConnGathered(end.conn),
            Happening::Opened(_) => Input::ConnOpened(end.conn),
            Happening::Frame(_, frame) if end.hears() => Input::ConnFrame(end.conn, Bytes(frame)),
            Happening::Writable(_) => Input::ConnWritable(end.conn),
            Happening::Transport(_, lives) => Input::ConnTransport(end.conn, lives.then_some(Duration::ZERO)),
            Happening::Failed(_) => Input::ConnClosed(end.conn, "ICE failed".to_owned()),
            Happening::RemoteClosed(_) => Input::ConnClosed(end.conn, "closed by the other side".to_owned()),
            _ => return None,
        };
        return Some((end.node, input));
    }
    match what {
        Happening::Alarm(node) => Some((node, Input::Timeout)),
        Happening::Refused(node, conn, why) => Some((node, Input::ConnClosed(conn, why.to_owned()))),
        Happening::FromTracker(socket, text) => {
            let Socket { node, id, state, .. } = sockets[socket as usize];
            (state == SocketState::Open).then_some((node, Input::TrackerMessage(id, text)))
        }
        _ => None,
    }
}

/// The kind of an input and a digest of what it carries, for the trace hash.
pub(super) type Weight = (u64, u64);

pub(super) fn weigh(input: &Input) -> Weight {
    let digest = |bytes: &[u8]| {
        let word = |chunk: &[u8]| chunk.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
        bytes.chunks(8).fold(bytes.len() as u64, |hash, chunk| mix(hash ^ word(chunk)))
    };
    match input {
        Input::Timeout => (0, 0),
        Input::TrackerOpened(id) => (1, u64::from(id.0)),
        Input::TrackerMessage(_, text) => (2, digest(text.as_bytes())),
        Input::TrackerClosed(id, _) => (3, u64::from(id.0)),
        Input::ConnDescribed(id, _) => (4, id.0),
        Input::ConnCandidate(id, _) => (5, id.0),
        Input::ConnGathered(id) => (6, id.0),
        Input::ConnOpened(id) => (7, id.0),
        Input::ConnFrame(_, frame) => (8, digest(&frame.0)),
        Input::ConnWritable(id) => (9, id.0),
        Input::ConnInterrupted(id) => (10, id.0),
        Input::ConnResumed(id) => (11, id.0),
        Input::ConnClosed(id, _) => (12, id.0),
        Input::Woke => (13, 0),
        Input::TabsMessage(word) => (14, digest(&word.0)),
        Input::ConnLost(id, _) => (15, id.0),
        Input::ConnServerless(id) => (16, id.0),
        Input::ConnTransport(id, _) => (17, id.0),
    }
}
