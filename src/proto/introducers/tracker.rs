//! One WebTorrent tracker: when to open its socket, when to announce, what it said.
//!
//! Trackers only introduce. A peer without neighbors announces hard, one with a full set of links almost
//! never; the cadence follows [`Need`]. The rules are those of the strictest real tracker: a fresh peer id
//! for each socket, `started` once per socket, a silent tracker is told from a dead socket, and a socket that
//! closes is opened again with full jitter.

use std::collections::VecDeque;
use std::time::Duration;

use crate::proto::id::{InfoHash, OfferId, TrackerPeerId};
use crate::proto::io::{Output, TrackerId, TrackerState, TrackerStatus};
use crate::proto::random::Random;
use crate::proto::time::{Instant, soonest};

mod cadence;
pub(crate) mod json;
mod wire;

use cadence::Cadence;
pub(crate) use cadence::Need;
pub(crate) use wire::Heard;
use wire::Moment;

/// A tracker that does not answer an announce for this long has a dead socket or ignores us.
const RESPONSE: Duration = Duration::from_secs(15);
/// First and longest pause before a socket is opened again.
const RECONNECT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A socket that does not open for this long is given up.
const CONNECT: Duration = Duration::from_secs(15);
/// A refusal, or the end of the socket, this soon after an answer to somebody else's offer is about that answer.
const REFUSED: Duration = Duration::from_secs(2);
/// Largest announce in bytes: aquatic takes no larger WebSocket frame.
const MAX_ANNOUNCE: usize = 16_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No socket until the time comes.
    Waiting,
    /// The socket is being opened.
    Connecting,
    /// The socket is open.
    Open,
}

/// One tracker.
#[derive(Debug)]
pub(crate) struct Tracker {
    id: TrackerId,
    url: String,
    info_hash: InfoHash,
    /// Our name here, fresh for each socket.
    peer_id: TrackerPeerId,
    state: State,
    /// Whether `started` was said on this socket.
    started: bool,
    /// Whether it ever responded on this socket.
    answered: bool,
    /// When the socket is opened, or given up while it opens.
    socket_at: Option<Instant>,
    /// When to announce.
    cadence: Cadence,
    /// When an unanswered announce becomes a failure.
    response_by: Option<Instant>,
    /// Failures in a row: the exponent of the reconnect pause.
    failures: u32,
    tracker_id: Option<String>,
    peers: u32,
    last_error: Option<String>,
    /// When it was last given an answer to an offer that it brought to somebody else.
    ventured_at: Option<Instant>,
    /// It takes such answers from nobody but whom it brought the offer (aquatic).
    strict: bool,
    random: Random,
}

impl Tracker {
    pub(crate) fn new(
        id: TrackerId,
        url: String,
        info_hash: InfoHash,
        every: Duration,
        mut random: Random,
    ) -> Self {
        Self {
            id,
            url,
            info_hash,
            peer_id: fresh_peer_id(&mut random),
            state: State::Waiting,
            started: false,
            answered: false,
            socket_at: None,
            cadence: Cadence::new(every),
            response_by: None,
            failures: 0,
            tracker_id: None,
            peers: 0,
            last_error: None,
            ventured_at: None,
            strict: false,
            random,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Members of the swarm by its count, this peer included.
    pub(crate) fn peers(&self) -> usize {
        self.peers as usize
    }

    /// How it does, for the page.
    pub(crate) fn status(&self) -> TrackerStatus {
        TrackerStatus {
            url: self.url.clone(),
            state: match self.state {
                State::Waiting => TrackerState::Waiting,
                State::Connecting => TrackerState::Connecting,
                State::Open if self.answered => TrackerState::Ready,
                State::Open => TrackerState::Open,
            },
            peers: self.peers,
            last_error: self.last_error.clone(),
            next_attempt: match self.state {
                State::Waiting => self.socket_at,
                State::Connecting | State::Open => self.cadence.due_at(),
            }
            .map(Instant::as_millis),
        }
    }

    /// Whether it can carry offers and answers now.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Opens the socket now, whatever the back-off says.
    pub(crate) fn open(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        if self.state == State::Waiting {
            self.peer_id = fresh_peer_id(&mut self.random);
            self.state = State::Connecting;
            self.socket_at = Some(now + CONNECT);
            out.push_back(Output::TrackerOpen(self.id, self.url.clone()));
        }
    }

    pub(crate) fn handle_opened(&mut self, now: Instant) {
        if self.state == State::Connecting {
            self.state = State::Open;
            (self.started, self.answered) = (false, false);
            self.socket_at = None;
            self.cadence.start(now);
        }
    }

    pub(crate) fn handle_closed(&mut self, reason: String, now: Instant) {
        if self.state != State::Waiting {
            self.refused_anothers(now);
            self.last_error = Some(reason);
            self.back_off(now);
        }
    }

    fn back_off(&mut self, now: Instant) {
        let (first, longest) = RECONNECT;
        let pause = longest.min(first.saturating_mul(1 << self.failures.min(6)));
        self.failures += 1;
        self.state = State::Waiting;
        self.response_by = None;
        self.cadence.stop();
        // Full jitter: a tracker that comes back must not meet everybody in the same second.
        self.socket_at = Some(now + pause.mul_f64(0.5 + 0.5 * self.random.unit()));
    }

    /// Takes in a text from the socket; what concerns offers is handed back.
    pub(crate) fn handle_message(&mut self, text: &str, now: Instant) -> Option<Heard> {
        // A deadline of an announce that cannot go would be due for ever.
        if !self.is_open() {
            return None;
        }
        let heard = wire::read(text, self.info_hash, self.peer_id)?;
        match &heard {
            Heard::Response { interval, peers, tracker_id, warning } => {
                self.response_by = None;
                self.answered = true;
                self.failures = 0;
                self.peers = *peers;
                self.last_error.clone_from(warning);
                if let Some(seconds) = interval {
                    self.cadence.set_interval(*seconds);
                }
                if tracker_id.is_some() {
                    self.tracker_id.clone_from(tracker_id);
                }
            }
            Heard::Failure(reason) => {
                if !self.refused_anothers(now) {
                    self.last_error = Some(format!("the tracker refused: {reason}"));
                    self.response_by = None;
                    self.cadence.refused(now, &mut self.random);
                }
            }
            Heard::Offer { .. } | Heard::Answer { .. } => {}
        }
        Some(heard)
    }

    /// Adapts the cadence. A greater need than before is answered soon, a smaller one later.
    pub(crate) fn set_need(&mut self, need: Need, now: Instant) {
        self.cadence.set_need(need, now, &mut self.random);
    }

    /// A connection came to nothing. Who has no neighbor asks for another at once; the next time it waits, for whoever
    /// answers may be the cause.
    pub(crate) fn retry(&mut self, now: Instant) {
        if self.cadence.retry() {
            self.hasten(now);
        }
    }

    /// Begins the pauses anew, if this peer still looks for others.
    pub(crate) fn reconsider(&mut self, now: Instant) {
        self.cadence.reconsider(now, &mut self.random);
    }

    /// The user's cap on the pause between announces.
    pub(crate) fn set_every(&mut self, every: Duration, now: Instant) {
        self.cadence.set_every(every, now, &mut self.random);
    }

    /// Brings the next announce, or the next attempt to open the socket, forward.
    pub(crate) fn hasten(&mut self, at: Instant) {
        match self.state {
            State::Waiting => self.socket_at = soonest(self.socket_at, Some(at)),
            State::Open => self.cadence.hasten(at),
            State::Connecting => {}
        }
    }

    /// Whether an announce is due; the caller gathers offers and calls [`Tracker::announce`].
    pub(crate) fn wants_announce(&self, now: Instant) -> bool {
        self.is_open() && self.cadence.due_at().is_some_and(|at| at <= now)
    }

    /// Whether this socket has announced, so that others' offers reach us.
    pub(crate) fn is_started(&self) -> bool {
        self.started
    }

    /// Whether an announce without offers is worth less than one with some a moment later: this socket has
    /// announced, so others' offers reach us already.
    pub(crate) fn can_wait(&self) -> bool {
        self.started && !self.cadence.waits()
    }

    /// Puts the announce off until offers are ready, but no longer than `at`.
    pub(crate) fn postpone(&mut self, at: Instant) {
        self.cadence.postpone(at);
    }

    /// An offer is ready. An announce that waits for them goes when `all` are, or soon.
    pub(crate) fn offers_ready(&mut self, now: Instant, all: bool) {
        if let Some(at) = self.cadence.offers_ready(now, all) {
            self.hasten(at);
        }
    }

    /// Announces, with as many of the offers as fit into the strictest tracker's frame; says how many.
    pub(crate) fn announce(
        &mut self,
        offers: &mut Vec<(OfferId, String)>,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) {
        let moment = if self.started { Moment::Regular } else { Moment::Started };
        let text = loop {
            let text =
                wire::announce(self.info_hash, self.peer_id, moment, offers, self.tracker_id.as_deref());
            if text.len() <= MAX_ANNOUNCE || offers.pop().is_none() {
                break text;
            }
        };
        self.started = true;
        // Of the first that is not answered: who announces often would put off for ever what shows that the socket is dead.
        self.response_by = self.response_by.or(Some(now + RESPONSE));
        // One without offers is followed by one with them.
        let waits = offers.is_empty() && moment == Moment::Started;
        self.cadence.announced(waits, now, &mut self.random);
        out.push_back(Output::TrackerSend(self.id, text));
    }

    /// Answers an offer that came over this tracker.
    pub(crate) fn answer(&self, to: TrackerPeerId, offer: OfferId, sdp: &str, out: &mut VecDeque<Output>) {
        if self.is_open() {
            let text = wire::answer(self.info_hash, self.peer_id, to, offer, sdp);
            out.push_back(Output::TrackerSend(self.id, text));
        }
    }

    /// Answers an offer that this tracker brought to somebody else, if it takes that.
    pub(crate) fn answer_anothers(
        &mut self,
        to: TrackerPeerId,
        offer: OfferId,
        sdp: &str,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) {
        if !self.strict {
            self.ventured_at = Some(now);
            self.answer(to, offer, sdp, out);
        }
    }

    /// Whether a refusal, or the end of the socket, is about such an answer; then it was the last one.
    fn refused_anothers(&mut self, now: Instant) -> bool {
        let refused = self.ventured_at.is_some_and(|at| now - at <= REFUSED);
        self.strict |= refused;
        refused
    }

    /// What members call this tracker among each other: few bytes, and no words of a URL that may hold a key.
    pub(crate) fn mark(&self) -> u32 {
        mark(&self.url)
    }

    /// Leaves the swarm here and closes the socket.
    pub(crate) fn close(&mut self, out: &mut VecDeque<Output>) {
        if self.is_open() && self.started {
            let text = wire::announce(self.info_hash, self.peer_id, Moment::Stopped, &[], None);
            out.push_back(Output::TrackerSend(self.id, text));
        }
        if self.state != State::Waiting {
            out.push_back(Output::TrackerClose(self.id));
        }
        self.state = State::Waiting;
        (self.socket_at, self.response_by) = (None, None);
        self.cadence.stop();
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        match self.state {
            State::Waiting if due(self.socket_at) => self.open(now, out),
            State::Connecting if due(self.socket_at) => {
                out.push_back(Output::TrackerClose(self.id));
                self.handle_closed("the tracker did not open a connection in time".into(), now);
            }
            // Silent although the socket is open: it ignores this peer id, or the socket is dead. Both are
            // mended by a new socket with a new id.
            State::Open if due(self.response_by) => {
                out.push_back(Output::TrackerClose(self.id));
                self.handle_closed("the tracker did not answer an announce in time".into(), now);
            }
            State::Waiting | State::Connecting | State::Open => {}
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        soonest(self.socket_at, soonest(self.cadence.due_at(), self.response_by))
    }
}

/// A checksum of a tracker's URL.
pub(crate) fn mark(url: &str) -> u32 {
    url.bytes().fold(0, |mark, byte| mark.wrapping_mul(31).wrapping_add(byte.into()))
}

/// A name in the manner of BitTorrent clients: client and version, then chance.
fn fresh_peer_id(random: &mut Random) -> TrackerPeerId {
    let mut id: [u8; 20] = random.bytes();
    id[..8].copy_from_slice(b"-EP0100-");
    TrackerPeerId(id)
}

#[cfg(test)]
mod tests;
