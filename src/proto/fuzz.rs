//! One function for each way that bytes of others come in, for the fuzz targets in `fuzz/` and the test that
//! replays their corpora. Each must return, whatever the bytes.

use std::time::Duration;

use super::codec::Codec as _;
use super::envelope::Envelope;
use super::link::wire::{Frame, Inbox, Packet, encode, frame};
use super::message::Header;
use super::sdp::{Candidate, Description};
use super::tracker::Tracker;
use super::{
    Address, Bytes, Config, ConnId, Identity, Input, Instant, OfferId, Output, Peer, Random, SwarmId,
    SwarmSecret, TrackerId,
};

const START: Instant = Instant::from_millis(1_800_000_000_000);
/// What one input may cause, at most: far below this, but for what is queued at a first link.
const MAX_OUTPUTS: usize = 2000;

/// Takes what others sent.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 6] = [
    ("tracker", tracker),
    ("sdp", sdp),
    ("frames", frames),
    ("message", message),
    ("envelope", envelope),
    ("peer", peer),
];

/// A tracker's JSON.
pub fn tracker(bytes: &[u8]) {
    let swarm = SwarmId::of_topic("t").info_hash();
    let mut out = std::collections::VecDeque::new();
    let mut tracker =
        Tracker::new(TrackerId(0), "ws://t".into(), swarm, Duration::from_secs(30), Random::new([1; 32]));
    tracker.open(START, &mut out);
    tracker.handle_opened(START);
    for text in String::from_utf8_lossy(bytes).split('\u{1e}') {
        let _ = tracker.handle_message(text, START);
    }
    assert!(out.len() <= MAX_OUTPUTS);
}

/// A browser's or a tracker's session description, and the candidates in it.
pub fn sdp(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(description) = Description::parse(&text) {
        let again = Description::parse(&description.to_sdp(None)).expect("what we write we can read");
        assert_eq!(again, description, "and it says the same");
    }
    for line in text.lines() {
        if let Some(candidate) = Candidate::parse(line) {
            assert_eq!(Candidate::parse(&candidate.to_text()), Some(candidate));
        }
    }
}

/// Frames of a data channel, each after its length in two bytes, and the packets in them.
pub fn frames(bytes: &[u8]) {
    let mut inbox = Inbox::default();
    for chunk in chunks(bytes) {
        if let Ok(Some(packet)) = inbox.push(chunk, 1 << 16) {
            let again = Inbox::default().push(&frame(&Frame::Whole(&encode(&packet))), 1 << 16);
            if encode(&packet).len() < 16_000 {
                assert_eq!(again, Ok(Some(packet)), "what we write we can read");
            }
        }
    }
}

/// A message's header, which was not made with its key.
pub fn message(bytes: &[u8]) {
    let mut payload = bytes;
    let Some(header) = Header::read(&mut payload) else { return };
    let _ = (header.id(), header.from(), header.is_self_proving(), header.matches(payload));
    assert!(!header.verify(&SwarmId::of_topic("fuzz")), "a proof out of nothing");
}

/// What a tracker passes on of a member, in a public and in a private swarm.
pub fn envelope(bytes: &[u8]) {
    let swarm = SwarmId::of_topic("t");
    let text = String::from_utf8_lossy(bytes);
    let offer = OfferId([5; 20]);
    for secret in [SwarmSecret::public(swarm), SwarmSecret::private(swarm, &[1; 32])] {
        if let Some(envelope) = Envelope::read(&text, &offer, &secret) {
            let written = envelope.write(&offer, &secret, &mut Random::new([1; 32]));
            assert_eq!(Envelope::read(&written, &offer, &secret), Some(envelope));
        }
    }
}

/// A whole peer: arbitrary inputs in arbitrary order, each after a byte for its kind and one for the time.
pub fn peer(bytes: &[u8]) {
    let config = Config { trackers: vec!["ws://t".into()], ..Config::new(SwarmId::of_topic("t")) };
    let identity = Identity::from_secret([1; 32]);
    let mut peer = Peer::new(config, identity, Random::new([1; 32]), START).expect("the settings are good");
    let mut now = START;
    for chunk in chunks(bytes).take(200) {
        let [kind, after, rest @ ..] = chunk else { continue };
        now = now + Duration::from_millis(u64::from(*after) * u64::from(*after));
        let id = rest.first().copied().unwrap_or_default();
        let (conn, tracker) = (ConnId(u64::from(id % 8)), TrackerId(u32::from(id % 2)));
        let rest = rest.get(1..).unwrap_or_default();
        let text = || String::from_utf8_lossy(rest).into_owned();
        match kind % 16 {
            0 => peer.handle(Input::Timeout, now),
            1 => peer.handle(Input::Woke, now),
            2 => peer.handle(Input::TrackerOpened(tracker), now),
            3 => peer.handle(Input::TrackerMessage(tracker, text()), now),
            4 => peer.handle(Input::TrackerClosed(tracker, text()), now),
            5 => peer.handle(Input::ConnDescribed(conn, text()), now),
            6 => peer.handle(Input::ConnCandidate(conn, text()), now),
            7 => peer.handle(Input::ConnGathered(conn), now),
            8 => peer.handle(Input::ConnOpened(conn), now),
            9 => peer.handle(Input::ConnFrame(conn, Bytes(rest.to_vec())), now),
            10 => peer.handle(Input::ConnWritable(conn), now),
            11 => peer.handle(Input::ConnClosed(conn, text()), now),
            12 => {
                let _ =
                    peer.send(id.is_multiple_of(2).then_some(Address([id; 20])), Bytes(rest.to_vec()), now);
            }
            13 => {
                let _ = peer.set_max_peers(usize::from(id), now);
            }
            14 => link(&mut peer, conn, id, rest, now),
            _ => peer.add_tracker(&text(), now),
        }
        let outputs = std::iter::from_fn(|| peer.poll_output()).take(MAX_OUTPUTS).count();
        assert!(outputs < MAX_OUTPUTS, "an input caused {outputs} outputs");
        // A timer that is due comes to rest.
        let mut fired = 0;
        while peer.poll_timeout().is_some_and(|at| at <= now) {
            peer.handle(Input::Timeout, now);
            while peer.poll_output().is_some() {}
            fired += 1;
            assert!(fired < 50, "a timer is due again and again");
        }
    }
}

/// Brings a connection as far as somebody can who knows the swarm, and then says what the bytes say.
fn link(peer: &mut Peer, conn: ConnId, id: u8, rest: &[u8], now: Instant) {
    peer.handle(Input::ConnOpened(conn), now);
    let mut said = std::iter::from_fn(|| peer.poll_output());
    let opened = said.any(|output| matches!(output, Output::ConnSend(at, _) if at == conn));
    if opened {
        while peer.poll_output().is_some() {}
        if id.is_multiple_of(2) {
            let hello = super::Hello {
                version: 1,
                nonce: [id; 16],
                key: Identity::from_secret([id; 32]).public_key(),
                claimed: None,
                share: Identity::from_secret([id ^ 1; 32]).public_key().0,
            };
            let hello = frame(&Frame::Whole(&encode(&Packet::Hello(hello))));
            peer.handle(Input::ConnFrame(conn, Bytes(hello)), now);
        }
    }
    peer.handle(Input::ConnFrame(conn, Bytes(frame(&Frame::Whole(rest)))), now);
}

/// Pieces of the bytes, each after its length in two bytes.
fn chunks(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (chunk, rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes(*length))));
        bytes = rest;
        Some(chunk)
    })
}
