//! What waits to go out on one link: small packets first, as many in a frame as fit, large ones in turn, no more than the
//! browser can swallow. Nothing goes before it is told to, so that what is said at once goes together.

use std::collections::VecDeque;

use crate::proto::id::MessageId;
use crate::proto::io::{Bytes, ConnId, Output};

use super::wire::{Bundle, FRAME, Frame, MAX_FRAME, Packet, encode, frame, part, small};

/// Bytes handed to the browser before we ask whether it keeps up. A guess: two round trips at 10 MB/s.
const WINDOW: usize = 256 << 10;
/// Bytes that may wait before nothing is added that is not this peer's own. A guess: two of the largest
/// messages. A neighbor that does not read must not fill our memory with what it asks for.
const CONGESTED: usize = 32 << 20;
/// A packet of the page's own that is larger counts as taken once the neighbor has answered a question behind it: when
/// the connection is closed, the browser may still hold of it what a fresh channel does not send at once
/// (RFC 9260, 7.2.1).
const AT_ONCE: usize = 4380;
/// What the numbers of these questions have that those of the heartbeat have not.
const QUESTION: u32 = 1 << 31;

/// A packet that fits a frame.
#[derive(Debug)]
struct Small {
    bytes: Vec<u8>,
    /// The message to report as taken.
    of: Option<MessageId>,
}

/// A large packet on its way.
#[derive(Debug)]
struct Stream {
    id: u32,
    bytes: Vec<u8>,
    sent: usize,
    /// The message in it.
    message: Option<MessageId>,
    /// The message to report as taken.
    of: Option<MessageId>,
}

/// The queue of one link.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    small: VecDeque<Small>,
    large: VecDeque<Stream>,
    /// Bytes of packets in both queues.
    queued: usize,
    /// Questions that the neighbor has not answered, the oldest first, and the message that each is about.
    questions: VecDeque<(u32, Option<MessageId>)>,
    next_question: u32,
    /// Bytes of the page's own handed over since the last question.
    unproven: usize,
    /// Bytes handed over since the browser last said that it keeps up.
    unsaid: usize,
    /// Whether we wait for the browser.
    waiting: bool,
    next_stream: u32,
    /// How far large messages of the page's own have come since the peer last asked.
    moved: Vec<(MessageId, usize)>,
    /// Whether the neighbor takes frames of [`MAX_FRAME`].
    large_frames: bool,
}

impl Outbox {
    /// Queues a packet; says how many bytes it has.
    pub(crate) fn push(&mut self, packet: &Packet, of: Option<MessageId>) -> usize {
        let bytes = encode(packet);
        let size = bytes.len();
        self.queued += size;
        if size <= small(self.max_frame()) {
            self.small.push_back(Small { bytes, of });
        } else {
            self.next_stream = self.next_stream.wrapping_add(1);
            self.large.push_back(Stream {
                id: self.next_stream,
                bytes,
                sent: 0,
                message: packet.message(),
                of,
            });
        }
        size
    }

    /// The neighbor takes larger frames than everybody.
    pub(crate) fn use_large_frames(&mut self) {
        self.large_frames = true;
    }

    fn max_frame(&self) -> usize {
        if self.large_frames { MAX_FRAME } else { FRAME }
    }

    /// The browser keeps up again.
    pub(crate) fn handle_writable(&mut self) {
        self.waiting = false;
        self.unsaid = 0;
    }

    /// An answer of the neighbor: it has all that went before the question.
    pub(crate) fn handle_pong(&mut self, number: u32, taken: &mut Vec<MessageId>) {
        if let Some(place) = self.questions.iter().position(|(asked, _)| *asked == number) {
            taken.extend(self.questions.drain(..=place).filter_map(|(_, of)| of));
        }
    }

    /// Asks whether all is there, if more of the page's own went out lately than a channel sends at once.
    pub(crate) fn ask_if_taken(&mut self) {
        if self.unproven > AT_ONCE {
            self.ask(None);
        }
    }

    /// Whether anything of the page's own is not taken yet.
    pub(crate) fn owes(&self) -> bool {
        !self.questions.is_empty()
            || self.small.iter().any(|small| small.of.is_some())
            || self.large.iter().any(|stream| stream.of.is_some())
    }

    /// Whether more waits than the neighbor should make us keep.
    pub(crate) fn is_congested(&self) -> bool {
        self.queued > CONGESTED
    }

    /// A message is taken back: what waits of it does not go, and the neighbor does not wait for that.
    pub(crate) fn withdraw(&mut self, message: &MessageId) {
        let streams = std::mem::take(&mut self.large);
        let (gone, left): (VecDeque<_>, _) =
            streams.into_iter().partition(|stream| stream.message == Some(*message));
        self.large = left;
        for stream in gone {
            self.queued -= stream.bytes.len() - stream.sent;
            if stream.sent > 0 {
                self.push(&Packet::Dropped(stream.id), None);
            }
        }
    }

    /// How far large messages of the page's own have come since this was asked.
    pub(crate) fn take_moved(&mut self) -> Vec<(MessageId, usize)> {
        std::mem::take(&mut self.moved)
    }

    /// Bytes that wait.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Hands to the browser what may go; whether that was anything.
    pub(crate) fn flush(
        &mut self,
        conn: ConnId,
        taken: &mut Vec<MessageId>,
        out: &mut VecDeque<Output>,
    ) -> bool {
        let mut said = false;
        while !self.waiting {
            let Some(bytes) = self.next_frame(taken) else { break };
            said = true;
            self.unsaid += bytes.len();
            out.push_back(Output::ConnSend(conn, Bytes(bytes)));
            if self.unsaid >= WINDOW {
                self.waiting = true;
                out.push_back(Output::ConnAwaitWritable(conn));
            }
        }
        said
    }

    fn next_frame(&mut self, taken: &mut Vec<MessageId>) -> Option<Vec<u8>> {
        let (mut bundle, most) = (Bundle::default(), self.max_frame());
        while let Some(Small { bytes, of }) = self.small.pop_front_if(|small| bundle.fits(&small.bytes, most))
        {
            self.queued -= bytes.len();
            self.note_out(bytes.len(), of, taken);
            bundle.push(bytes);
        }
        if let Some(frame) = bundle.into_frame() {
            return Some(frame);
        }
        let mut stream = self.large.pop_front()?;
        let end = stream.bytes.len().min(stream.sent + part(most));
        let last = end == stream.bytes.len();
        let bytes = frame(&Frame::Part { stream: stream.id, last, bytes: &stream.bytes[stream.sent..end] });
        self.queued -= end - stream.sent;
        stream.sent = end;
        self.moved.extend(stream.of.map(|id| (id, end)));
        if last {
            self.note_out(end, stream.of, taken);
        } else {
            // Two large packets take turns: the receiver holds the parts of no more than two of the largest.
            self.large.insert(self.large.len().min(1), stream);
        }
        Some(bytes)
    }

    /// The browser has all of a packet.
    fn note_out(&mut self, size: usize, of: Option<MessageId>, taken: &mut Vec<MessageId>) {
        if of.is_none() {
            return;
        }
        self.unproven += size;
        if size > AT_ONCE {
            self.ask(of);
        } else {
            taken.extend(of);
        }
    }

    /// Channels keep the order: who answers this has all that went before.
    fn ask(&mut self, of: Option<MessageId>) {
        self.next_question = self.next_question.wrapping_add(1) | QUESTION;
        self.questions.push_back((self.next_question, of));
        self.unproven = 0;
        self.push(&Packet::Ping(self.next_question), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::identity::Identity;
    use crate::proto::links::link::wire::Inbox;
    use crate::proto::messaging::broadcast;
    use crate::proto::messaging::message::{Draft, Kind, Payload};
    use crate::proto::secret::SwarmTag;
    use crate::proto::time::Instant;

    const CONN: ConnId = ConnId(1);

    /// A packet of so many bytes, or a few less.
    fn large(bytes: usize, mark: u8) -> Packet {
        let rest = encode(&carrying(0, mark)).len();
        carrying(bytes - rest - 4, mark)
    }

    fn carrying(bytes: usize, mark: u8) -> Packet {
        let draft = Draft {
            claimed: None,
            to: None,
            to_claimed: false,
            kind: Kind::Page,
            nonce: [mark; 16],
            blinding: [0; 32],
            payload: Payload::from(vec![mark; bytes]),
        };
        let (maker, swarm) = (Identity::from_secret([1; 32]), SwarmTag::of_topic("t"));
        let message = draft.sign(&maker, &swarm, Instant::from_millis(5)).into_inner();
        let (header, payload) = (Box::new(message.header), message.payload);
        Packet::Broadcast(broadcast::Packet::Data { hops: 1, header, payload })
    }

    fn deliver(out: &mut VecDeque<Output>, inbox: &mut Inbox) -> Vec<Packet> {
        let mut packets = Vec::new();
        while let Some(output) = out.pop_front() {
            if let Output::ConnSend(_, Bytes(bytes)) = output {
                packets.extend(inbox.packets(&bytes, 1 << 20).unwrap());
            }
        }
        packets
    }

    #[test]
    fn a_small_packet_overtakes_a_large_one() {
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        let big = large(600_000, 1);
        outbox.push(&big, Some(MessageId([1; 20])));
        outbox.flush(CONN, &mut taken, &mut out);
        assert!(taken.is_empty(), "only a window of it is out");
        outbox.push(&Packet::Ping(7), None);
        outbox.flush(CONN, &mut taken, &mut out);
        let mut packets = deliver(&mut out, &mut inbox);
        while outbox.queued() > 0 {
            outbox.handle_writable();
            outbox.flush(CONN, &mut taken, &mut out);
            packets.extend(deliver(&mut out, &mut inbox));
        }
        let question = Packet::Ping(QUESTION + 1);
        assert_eq!(packets, [Packet::Ping(7), big, question]);
        assert!(taken.is_empty() && outbox.owes(), "the browser may still hold some of it");
        outbox.handle_pong(QUESTION + 1, &mut taken);
        assert_eq!((taken, outbox.owes()), (vec![MessageId([1; 20])], false));
    }

    #[test]
    fn what_is_said_at_once_goes_in_one_frame_as_far_as_it_fits() {
        let (mut outbox, mut inbox) = (Outbox::default(), Inbox::default());
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        let said: Vec<_> = (0..40).map(|mark| large(900, mark)).collect();
        for packet in &said {
            outbox.push(packet, None);
        }
        assert!(out.is_empty(), "nothing goes before it is told to");
        outbox.flush(CONN, &mut taken, &mut out);
        let sizes = out.iter().map(|output| match output {
            Output::ConnSend(_, bytes) => bytes.0.len(),
            other => panic!("{other:?}"),
        });
        let sizes = sizes.collect::<Vec<_>>();
        assert_eq!(sizes.len(), 3, "{sizes:?}");
        assert!(sizes.iter().all(|size| *size <= FRAME) && sizes[0] > FRAME - 900, "{sizes:?}");
        assert_eq!(deliver(&mut out, &mut inbox), said, "all of it, in order");
        outbox.push(&Packet::Ping(7), None);
        outbox.flush(CONN, &mut taken, &mut out);
        let alone = frame(&Frame::Whole(&encode(&Packet::Ping(7))));
        assert_eq!(out, [Output::ConnSend(CONN, Bytes(alone))], "what is alone is as it ever was");
    }

    #[test]
    fn frames_are_large_where_the_neighbor_takes_them_and_are_read_as_they_are() {
        for (large_frames, frames) in [(false, [2, 5]), (true, [1, 2])] {
            let (mut outbox, mut inbox) = (Outbox { large_frames, ..Outbox::default() }, Inbox::default());
            let (mut out, mut taken) = (VecDeque::new(), Vec::new());
            for (size, frames) in [17_000, 66_000].into_iter().zip(frames) {
                let packet = large(size, 1);
                outbox.push(&packet, None);
                outbox.flush(CONN, &mut taken, &mut out);
                assert_eq!(out.len(), frames, "{size} bytes");
                assert_eq!(deliver(&mut out, &mut inbox), [packet]);
            }
        }
    }

    #[test]
    fn an_answer_is_for_all_that_was_asked_before_it_and_for_nothing_else() {
        let mut outbox = Outbox::default();
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        let ids = [1, 2, 3].map(|mark| MessageId([mark; 20]));
        for id in ids {
            outbox.push(&large(AT_ONCE + 20, id.0[0]), Some(id));
            outbox.flush(CONN, &mut taken, &mut out);
        }
        outbox.handle_pong(QUESTION + 9, &mut taken);
        outbox.handle_pong(1, &mut taken);
        assert_eq!(taken, []);
        outbox.handle_pong(QUESTION + 2, &mut taken);
        assert_eq!(taken, ids[..2]);
        outbox.handle_pong(QUESTION + 2, &mut taken);
        assert_eq!(taken, ids[..2]);
    }

    #[test]
    fn a_small_packet_is_taken_when_the_browser_has_it() {
        let mut outbox = Outbox::default();
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        let id = MessageId([1; 20]);
        outbox.push(&Packet::Pong(1), Some(id));
        outbox.flush(CONN, &mut taken, &mut out);
        assert_eq!((std::mem::take(&mut taken), outbox.owes()), (vec![id], false));
        outbox.push(&large(600_000, 1), None);
        outbox.flush(CONN, &mut taken, &mut out);
        outbox.push(&Packet::Pong(2), Some(id));
        outbox.flush(CONN, &mut taken, &mut out);
        assert!(taken.is_empty() && outbox.owes(), "it waits for the browser");
        outbox.handle_writable();
        outbox.flush(CONN, &mut taken, &mut out);
        assert_eq!((taken, outbox.owes()), (vec![id], false));
    }

    #[test]
    fn many_small_packets_are_asked_about_when_it_matters() {
        let mut outbox = Outbox::default();
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        let few = large(1000, 1);
        for _ in 0..4 {
            outbox.push(&few, Some(MessageId([1; 20])));
            outbox.flush(CONN, &mut taken, &mut out);
        }
        outbox.ask_if_taken();
        outbox.flush(CONN, &mut taken, &mut out);
        assert!(!outbox.owes(), "so much is sent at once");
        outbox.push(&few, Some(MessageId([1; 20])));
        outbox.flush(CONN, &mut taken, &mut out);
        outbox.ask_if_taken();
        outbox.flush(CONN, &mut taken, &mut out);
        assert!(outbox.owes());
        outbox.handle_pong(QUESTION + 1, &mut taken);
        outbox.ask_if_taken();
        outbox.flush(CONN, &mut taken, &mut out);
        assert!(!outbox.owes(), "once is enough");
    }

    #[test]
    fn no_more_than_a_window_is_handed_to_a_slow_browser() {
        let mut outbox = Outbox::default();
        let (mut out, mut taken) = (VecDeque::new(), Vec::new());
        for mark in 0..4 {
            outbox.push(&large(300_000, mark), None);
            outbox.flush(CONN, &mut taken, &mut out);
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
            outbox.push(&large(1 << 20, mark), None);
            outbox.flush(CONN, &mut taken, &mut out);
        }
        let mut arrived = deliver(&mut out, &mut inbox).len();
        while outbox.queued() > 0 {
            outbox.handle_writable();
            outbox.flush(CONN, &mut taken, &mut out);
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
            outbox.push(packet, None);
            outbox.flush(CONN, &mut taken, &mut out);
        }
        let mut arrived = deliver(&mut out, &mut inbox);
        while outbox.queued() > 0 {
            outbox.handle_writable();
            outbox.flush(CONN, &mut taken, &mut out);
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
            large + outbox.small.iter().map(|small| small.bytes.len()).sum::<usize>()
        };
        for mark in 0..8 {
            outbox.push(&large(600_000, mark), Some(MessageId([mark; 20])));
            outbox.flush(CONN, &mut taken, &mut out);
            for number in 0..1000 {
                outbox.push(&Packet::Pong(number), None);
                outbox.flush(CONN, &mut taken, &mut out);
                assert_eq!(outbox.queued(), waits(&outbox));
            }
            outbox.handle_writable();
            outbox.flush(CONN, &mut taken, &mut out);
            assert_eq!(outbox.queued(), waits(&outbox));
        }
        assert!(outbox.queued() > 0);
    }
}
