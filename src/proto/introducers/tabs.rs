//! Other tabs of this browser, over a channel that all of one origin hear (`BroadcastChannel`): no tracker, no network.
//!
//! ```text
//! newcomer ── Hello ──▶ all       who is here?
//! newcomer ◀── Here ── each       I am, under this address
//! newcomer ── Offer ──▶ some      as a tracker would hand them out
//! newcomer ◀── Answer ─ one       from whoever took it up, or for whom it was taken up in the mesh
//! ```
//!
//! Who hears it is of one origin, and could read this page's memory as well; what it says is bounded all the same, and
//! proves itself like everything that a tracker brings.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tracker::{Heard, Need, mark};
use crate::proto::codec;
use crate::proto::context::Context;
use crate::proto::id::{Address, InfoHash, OfferId, TrackerPeerId};
use crate::proto::io::{Bytes, Output, TrackerId};
use crate::proto::time::Instant;

/// What the channel is called among the trackers.
pub(crate) const TABS: TrackerId = TrackerId(u32::MAX);

/// Pauses between two Hellos while there is room: the first, and the longest.
const HELLO: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// Tabs that are remembered until offers are ready.
const MAX_HERE: usize = 8;
/// Longest word: an SDP and what is around it.
const MAX_WORD: usize = 20 << 10;

/// What tabs say to each other.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    Hello { from: TrackerPeerId },
    Here { from: TrackerPeerId, to: TrackerPeerId, address: Address },
    Offer { from: TrackerPeerId, to: TrackerPeerId, id: OfferId, sdp: String },
    Answer { to: TrackerPeerId, id: OfferId, sdp: String },
}

/// The channel of one swarm.
#[derive(Debug)]
pub(super) struct Tabs {
    /// What this peer is called on it.
    me: TrackerPeerId,
    /// Tabs that are worth an offer.
    here: Vec<TrackerPeerId>,
    need: Need,
    hello_at: Option<Instant>,
    pause: Duration,
}

impl Tabs {
    pub(super) fn open(info_hash: InfoHash, cx: &mut Context<'_>) -> Self {
        cx.out.push_back(Output::TabsOpen(format!("easypeers 2 {info_hash}")));
        let me = TrackerPeerId(cx.random.bytes());
        Self { me, here: Vec::new(), need: Need::Lonely, hello_at: Some(cx.now), pause: HELLO.0 }
    }

    /// Its checksum, where a tracker has that of its URL.
    pub(super) fn mark() -> u32 {
        mark("tabs")
    }

    // What they say.

    /// Takes in a word; what concerns offers is handed back. `Err`: it is none.
    pub(super) fn handle(&mut self, word: &[u8], cx: &mut Context<'_>) -> Result<Option<Heard>, ()> {
        let word = Some(word).filter(|word| word.len() <= MAX_WORD).and_then(codec::from_bytes).ok_or(())?;
        let mine = |to| to == self.me;
        Ok(match word {
            Word::Hello { from } => {
                let here = Word::Here { from: self.me, to: from, address: cx.me.address };
                say(&here, cx.out);
                None
            }
            // Who is in sight is in this part of the mesh already.
            Word::Here { from, to, address } if mine(to) => {
                if !cx.around.sees(&address) && self.here.len() < MAX_HERE && !self.here.contains(&from) {
                    self.here.push(from);
                }
                None
            }
            Word::Offer { from, to, id, sdp } if mine(to) => Some(Heard::Offer { from, id, sdp }),
            Word::Answer { to, id, sdp } if mine(to) => Some(Heard::Answer { id, sdp }),
            Word::Here { .. } | Word::Offer { .. } | Word::Answer { .. } => None,
        })
    }

    // What they are told.

    /// How many offers are wanted now.
    pub(super) fn wanted(&self) -> usize {
        self.here.len()
    }

    /// Hands out offers, one to each tab.
    pub(super) fn offer(&mut self, offers: Vec<(OfferId, String)>, out: &mut VecDeque<Output>) {
        for (id, sdp) in offers {
            let Some(to) = self.here.pop() else { return };
            say(&Word::Offer { from: self.me, to, id, sdp }, out);
        }
        self.here.clear();
    }

    pub(super) fn answer(to: TrackerPeerId, id: OfferId, sdp: &str, out: &mut VecDeque<Output>) {
        say(&Word::Answer { to, id, sdp: sdp.into() }, out);
    }

    // Time.

    /// Says Hello while there is room, ever more slowly; at once when links are lost.
    pub(super) fn set_need(&mut self, need: Need, now: Instant) {
        if need > self.need || need != Need::Healthy && self.hello_at.is_none() {
            (self.pause, self.hello_at) = (HELLO.0, Some(now));
        }
        if need == Need::Healthy {
            self.hello_at = None;
        }
        self.need = need;
    }

    /// The page is awake, or the mesh fell apart.
    pub(super) fn hasten(&mut self, now: Instant) {
        self.hello_at = self.hello_at.map(|_| now);
    }

    pub(super) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        if self.hello_at.is_some_and(|at| at <= cx.now) {
            self.here.clear();
            self.hello_at = Some(cx.now + cx.random.jitter(self.pause, 0.2));
            self.pause = HELLO.1.min(self.pause * 2);
            say(&Word::Hello { from: self.me }, cx.out);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.hello_at
    }
}

fn say(word: &Word, out: &mut VecDeque<Output>) {
    out.push_back(Output::TabsSend(Bytes(codec::to_bytes(word))));
}
