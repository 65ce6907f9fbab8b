//! What waits to go out on one link: small packets first, large ones in turn, no more than the browser can
//! swallow.

use std::collections::VecDeque;

use crate::proto::id::MessageId;
use crate::proto::io::{Bytes, ConnId, Output};

use super::wire::{FRAME, Frame, PART, Packet, encode, frame};

/// Bytes handed to the browser before we ask whether it keeps up. A guess: two round trips at 10 MB/s.
const WINDOW: usize = 256 << 10;
/// Bytes that may wait before nothing is added that is not this peer's own. A guess: two of the largest
/// messages. A neighbor that does not read must not fill our memory with what it asks for.
const CONGESTED: usize = 32 << 20;

/// A large packet on its way.
#[derive(Debug)]
struct Stream {
    id: u32,
    bytes: Vec<u8>,
    sent: usize,
    /// The message to report as taken when the last part is out.
    of: Option<MessageId>,
}

/// The queue of one link.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    small: VecDeque<Vec<u8>>,
    large: VecDeque<Stream>,
    /// Bytes in both queues: of the frames of small packets, and of the parts of large ones.
    queued: usize,
    /// Bytes handed over since the browser last said that it keeps up.
    unsaid: usize,
    /// Whether we wait for the browser.
    waiting: bool,
    next_stream: u32,
}

impl Outbox {
    /// Queues a packet and sends what may go; says how many bytes the packet has.
    pub(crate) fn push(
        &mut self,
        conn: ConnId,
        packet: &Packet,
        of: Option<MessageId>,
        taken: &mut Vec<MessageId>,
        out: &mut VecDeque<Output>,
    ) -> usize {
        let bytes = encode(packet);
        let size = bytes.len();
        if size <= FRAME - 4 {
            let frame = frame(&Frame::Whole(&bytes));
            self.queued += frame.len();
            self.small.push_back(frame);
            taken.extend(of);
        } else {
            self.queued += size;
            self.next_stream = self.next_stream.wrapping_add(1);
            self.large.push_back(Stream { id: self.next_stream, bytes, sent: 0, of });
        }
        self.flush(conn, taken, out);
        size
    }

    /// The browser keeps up again.
    pub(crate) fn handle_writable(
        &mut self,
        conn: ConnId,
        taken: &mut Vec<MessageId>,
        out: &mut VecDeque<Output>,
    ) {
        self.waiting = false;
        self.unsaid = 0;
        self.flush(conn, taken, out);
    }

    /// Whether more waits than the neighbor should make us keep.
    pub(crate) fn is_congested(&self) -> bool {
        self.queued > CONGESTED
    }

    /// Bytes that wait.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    fn flush(&mut self, conn: ConnId, taken: &mut Vec<MessageId>, out: &mut VecDeque<Output>) {
        while !self.waiting {
            let Some(bytes) = self.next_frame(taken) else { return };
            self.unsaid += bytes.len();
            out.push_back(Output::ConnSend(conn, Bytes(bytes)));
            if self.unsaid >= WINDOW {
                self.waiting = true;
                out.push_back(Output::ConnAwaitWritable(conn));
            }
        }
    }

    fn next_frame(&mut self, taken: &mut Vec<MessageId>) -> Option<Vec<u8>> {
        if let Some(bytes) = self.small.pop_front() {
            self.queued -= bytes.len();
            return Some(bytes);
        }
        let mut stream = self.large.pop_front()?;
        let end = stream.bytes.len().min(stream.sent + PART);
        let last = end == stream.bytes.len();
        let part = frame(&Frame::Part { stream: stream.id, last, bytes: &stream.bytes[stream.sent..end] });
        self.queued -= end - stream.sent;
        stream.sent = end;
        if last {
            taken.extend(stream.of);
        } else {
            // Two large packets take turns: the receiver holds the parts of no more than two of the largest.
            self.large.insert(self.large.len().min(1), stream);
        }
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::broadcast;
    use crate::proto::link::wire::Inbox;

    const CONN: ConnId = ConnId(1);

    fn large(bytes: usize, mark: u8) -> Packet {
        let ids = (0..bytes / 20).map(|_| MessageId([mark; 20])).collect();
        Packet::Broadcast(broadcast::Packet::Have(ids))
    }

    fn deliver(out: &mut VecDeque<Output>, inbox: &mut Inbox) -> Vec<Packet> {
        let mut packets = Vec::new();
        while let Some(output) = out.pop_front() {
            if let Output::ConnSend(_, Bytes(bytes)) = output {
                packets.extend(inbox.push(&bytes, 1 << 20).unwrap());
            }
        }
        packets
    }

    #[test]
    fn a_small_packet_overtakes_a_large_one() {
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        let big = large(600_000, 1);
        outbox.push(CONN, &big, Some(MessageId([1; 20])), &mut taken, &mut out);
        assert!(taken.is_empty(), "only a window of it is out");
        outbox.push(CONN, &Packet::Ping(7), None, &mut taken, &mut out);
        let mut packets = deliver(&mut out, &mut inbox);
        while outbox.queued() > 0 {
            outbox.handle_writable(CONN, &mut taken, &mut out);
            packets.extend(deliver(&mut out, &mut inbox));
        }
        assert_eq!(packets, [Packet::Ping(7), big]);
        assert_eq!(taken, [MessageId([1; 20])]);
    }

    #[test]
    fn no_more_than_a_window_is_handed_to_a_slow_browser() {
        let mut outbox = Outbox::default();
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        for mark in 0..4 {
            outbox.push(CONN, &large(300_000, mark), None, &mut taken, &mut out);
        }
        let handed: usize =
            out.iter().map(|o| if let Output::ConnSend(_, bytes) = o { bytes.0.len() } else { 0 }).sum();
        assert!(handed <= WINDOW + FRAME, "{handed}");
        assert_eq!(out.back(), Some(&Output::ConnAwaitWritable(CONN)));
    }

    /// A receiver holds no more than twice the largest packet of what is not whole yet.
    #[test]
    fn the_largest_packets_all_at_once_are_within_what_the_receiver_holds() {
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        for mark in 0..8 {
            outbox.push(CONN, &large(1 << 20, mark), None, &mut taken, &mut out);
        }
        let mut arrived = deliver(&mut out, &mut inbox).len();
        while outbox.queued() > 0 {
            outbox.handle_writable(CONN, &mut taken, &mut out);
            arrived += deliver(&mut out, &mut inbox).len();
        }
        assert_eq!(arrived, 8);
    }

    #[test]
    fn large_packets_take_turns_and_arrive_whole() {
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        let packets: Vec<_> = (0..6).map(|mark| large(100_000, mark)).collect();
        for packet in &packets {
            outbox.push(CONN, packet, None, &mut taken, &mut out);
        }
        let mut arrived = deliver(&mut out, &mut inbox);
        while outbox.queued() > 0 {
            outbox.handle_writable(CONN, &mut taken, &mut out);
            arrived.extend(deliver(&mut out, &mut inbox));
        }
        assert_eq!(arrived.len(), 6);
        assert!(packets.iter().all(|packet| arrived.contains(packet)));
    }

    /// Otherwise a neighbor that does not read would never count as congested.
    #[test]
    fn the_count_of_what_waits_is_what_waits() {
        let mut outbox = Outbox::default();
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        let waits = |outbox: &Outbox| {
            let large: usize = outbox.large.iter().map(|stream| stream.bytes.len() - stream.sent).sum();
            large + outbox.small.iter().map(Vec::len).sum::<usize>()
        };
        for mark in 0..8 {
            outbox.push(CONN, &large(600_000, mark), Some(MessageId([mark; 20])), &mut taken, &mut out);
            for number in 0..1000 {
                outbox.push(CONN, &Packet::Pong(number), None, &mut taken, &mut out);
                assert_eq!(outbox.queued(), waits(&outbox));
            }
            outbox.handle_writable(CONN, &mut taken, &mut out);
            assert_eq!(outbox.queued(), waits(&outbox));
        }
        assert!(outbox.queued() > 0);
    }
}
