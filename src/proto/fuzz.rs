//! One function for each way that bytes of others come in, for the fuzz targets in `fuzz/` and the test that
//! replays their corpora. Each must return, whatever the bytes.

use std::time::Duration;

use crate::payload::{Malformed, Reader, Writer};

use super::envelope::{Envelope, Half};
use super::introducers::tracker::Tracker;
use super::links::link::wire::{Frame, Inbox, encode, frame};
use super::messaging::message::Header;
use super::sdp::{Candidate, Description};
use super::secret::SwarmTag;
use super::{Instant, OfferId, Random, SwarmId, SwarmSecret, TrackerId};

mod admission;
mod peer;
mod station;

pub use admission::admission;
pub use peer::{peer, peer_reaches};

const START: Instant = Instant::from_millis(1_800_000_000_000);
/// What one input may cause, at most: far below this, but for what is queued at a first link.
const MAX_OUTPUTS: usize = 2000;

/// Takes what others sent.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 8] = [
    ("tracker", tracker),
    ("sdp", sdp),
    ("frames", frames),
    ("message", message),
    ("envelope", envelope),
    ("payload", payload),
    ("admission", admission),
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
            let again = Candidate::parse(&candidate.to_text());
            assert_eq!(again.as_ref().map(Candidate::endpoint), Some(candidate.endpoint()));
            assert_eq!(again, Some(candidate));
        }
    }
}

/// Frames of a data channel, each after its length in two bytes, and the packets in them.
pub fn frames(bytes: &[u8]) {
    let mut inbox = Inbox::default();
    for chunk in chunks(bytes) {
        for packet in inbox.packets(chunk, 1 << 16).unwrap_or_default() {
            let again = Inbox::default().packets(&frame(&Frame::Whole(&encode(&packet))), 1 << 16);
            if encode(&packet).len() < 16_000 {
                assert_eq!(again, Ok(vec![packet]), "what we write we can read");
            }
        }
    }
}

/// A message's header, which was not made with its key.
pub fn message(bytes: &[u8]) {
    let Ok((header, _)) = postcard::take_from_bytes::<Header>(bytes) else { return };
    let _ = (header.id(), header.from(), header.is_self_proving());
    assert!(header.verify(&SwarmTag::of_topic("fuzz")).is_none(), "a proof out of nothing");
}

/// What a tracker passes on of a member, in a public and in a private swarm.
pub fn envelope(bytes: &[u8]) {
    let swarm = SwarmId::of_topic("t");
    let text = String::from_utf8_lossy(bytes);
    let offer = OfferId([5; 20]);
    for secret in [SwarmSecret::public(swarm), SwarmSecret::private(swarm, &[1; 32])] {
        for half in [Half::Offer, Half::Answer] {
            let now = Instant::from_millis(0);
            let Some(envelope) = Envelope::read(&text, half, &offer, &secret, now) else { continue };
            let written = envelope.write(half, &offer, &secret, &mut Random::new([1; 32]), now);
            let again = Envelope::read(&written, half, &offer, &secret, now);
            assert_eq!(again, Some(envelope));
        }
    }
}

/// A structure in a payload, which a page would be told of.
pub fn payload(bytes: &[u8]) {
    let Ok(items) = Reader::new(bytes).collect::<Result<Vec<_>, _>>() else { return };
    assert!(items.len() <= 2 * bytes.len());
    let mut writer = Writer::new(Vec::new());
    items.iter().for_each(|item| writer.item(item));
    let written = writer.into_bytes();
    // As text, for what is not a number equals nothing.
    let again = Reader::new(&written).collect::<Result<Vec<_>, _>>();
    assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, Malformed>(items)), "what we write we can read");
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
