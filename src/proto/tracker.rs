//! One WebTorrent tracker: when to open its socket, when to announce, what it said.
//!
//! Trackers only introduce. A peer without neighbors announces hard, one with a full set of links almost
//! never; the cadence follows [`Need`]. The rules are those of the strictest real tracker: a fresh peer id
//! for each socket, `started` once per socket, a silent tracker is told from a dead socket, and a socket that
//! closes is opened again with full jitter.

use std::collections::VecDeque;
use std::time::Duration;

use super::id::{InfoHash, OfferId, TrackerPeerId};
use super::io::{Output, TrackerId, TrackerState, TrackerStatus};
use super::random::Random;
use super::time::{Instant, soonest};

pub(crate) mod json;
mod wire;
pub(crate) use wire::Heard;
use wire::Moment;

/// A tracker that does not answer an announce for this long has a dead socket or ignores us.
const RESPONSE: Duration = Duration::from_secs(15);
/// First and longest pause before a socket is opened again.
const RECONNECT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A socket that does not open for this long is given up.
const CONNECT: Duration = Duration::from_secs(15);
/// Pause before an announce of a peer that lost its way into the mesh, and of one that has a slot to spare: the mesh
/// itself finds a peer for that within a second or two.
const SOON: Duration = Duration::from_millis(500);
const SPARE: Duration = Duration::from_secs(4);
/// A healthy peer announces no less often than this: proxies and trackers close idle sockets.
const HEALTHY: (u64, u64) = (60, 100);
/// The shortest pause between two announces, whatever the user wants: none would be due for ever.
const SHORTEST: Duration = Duration::from_millis(1);
/// Offers that are ready within this time go together.
const GATHER_MORE: Duration = Duration::from_millis(50);
/// A refusal, or the end of the socket, this soon after an answer to somebody else's offer is about that answer.
const REFUSED: Duration = Duration::from_secs(2);
/// Largest announce in bytes: aquatic takes no larger WebSocket frame.
const MAX_ANNOUNCE: usize = 16_000;

/// How much a peer needs its trackers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// Room for nothing more.
    Healthy,
    /// Some room is left, or the ring may have another part elsewhere.
    Growing,
    /// A single link.
    Hungry,
    /// No link at all.
    Lonely,
}

impl Need {
    /// First and longest pause between two announces.
    fn pauses(self) -> (Duration, Duration) {
        let seconds = Duration::from_secs;
        match self {
            Self::Lonely => (seconds(2), seconds(30)),
            Self::Hungry => (seconds(4), seconds(60)),
            Self::Growing => (seconds(6), seconds(60)),
            Self::Healthy => (seconds(HEALTHY.0), seconds(HEALTHY.1)),
        }
    }
}

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
    /// Whether the next announce waits for offers.
    waits: bool,
    /// Whether it ever responded on this socket.
    answered: bool,
    /// When the socket is opened, or given up while it opens.
    socket_at: Option<Instant>,
    /// When the next announce is due.
    announce_at: Option<Instant>,
    /// When an unanswered announce becomes a failure.
    response_by: Option<Instant>,
    /// Failures in a row: the exponent of the reconnect pause.
    failures: u32,
    /// Announces since the need last changed: the exponent of the announce pause.
    announces: u32,
    need: Need,
    /// Whether an announce was brought forward since the need last changed.
    retried: bool,
    /// The user's cap on the pause between announces, unless all is well.
    every: Duration,
    /// What the tracker asks for.
    interval: Duration,
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
            waits: false,
            answered: false,
            socket_at: None,
            announce_at: None,
            response_by: None,
            failures: 0,
            announces: 0,
            need: Need::Lonely,
            retried: false,
            every,
            interval: Duration::from_secs(HEALTHY.1),
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
                State::Connecting | State::Open => self.announce_at,
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
            (self.started, self.waits, self.answered) = (false, false, false);
            self.socket_at = None;
            self.announces = 0;
            // At once, even before offers are gathered: others' offers can reach us from here on.
            self.announce_at = Some(now);
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
        (self.announce_at, self.response_by) = (None, None);
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
                    self.interval = Duration::from_secs((*seconds).clamp(HEALTHY.0, HEALTHY.1));
                }
                if tracker_id.is_some() {
                    self.tracker_id.clone_from(tracker_id);
                }
            }
            Heard::Failure(reason) => {
                if !self.refused_anothers(now) {
                    self.last_error = Some(format!("the tracker refused: {reason}"));
                    self.response_by = None;
                    // It may refuse this announce only: try again, more and more slowly.
                    self.announces = self.announces.max(2) + 1;
                    self.plan(now);
                }
            }
            Heard::Offer { .. } | Heard::Answer { .. } => {}
        }
        Some(heard)
    }

    /// Adapts the cadence. A greater need than before is answered soon, a smaller one later.
    pub(crate) fn set_need(&mut self, need: Need, now: Instant) {
        if need != self.need {
            let grew = need > self.need;
            self.need = need;
            self.retried = false;
            self.announces = 0;
            if self.announce_at.is_some() {
                self.plan(now);
                if grew {
                    self.hasten(now + if need == Need::Growing { SPARE } else { SOON });
                }
            }
        }
    }

    /// A connection came to nothing. Who has no neighbor asks for another at once; the next time it waits, for whoever
    /// answers may be the cause.
    pub(crate) fn retry(&mut self, now: Instant) {
        if self.need == Need::Lonely && !std::mem::replace(&mut self.retried, true) {
            self.hasten(now);
        }
    }

    /// Begins the pauses anew, if this peer still looks for others.
    pub(crate) fn reconsider(&mut self, now: Instant) {
        if self.need == Need::Growing && self.announces > 1 && self.announce_at.is_some() {
            self.announces = 0;
            let later = self.announce_at;
            self.plan(now);
            self.announce_at = soonest(self.announce_at, later);
        }
    }

    /// The user's cap on the pause between announces.
    pub(crate) fn set_every(&mut self, every: Duration, now: Instant) {
        self.every = every;
        if self.announce_at.is_some() {
            self.plan(now);
        }
    }

    /// Brings the next announce, or the next attempt to open the socket, forward.
    pub(crate) fn hasten(&mut self, at: Instant) {
        match self.state {
            State::Waiting => self.socket_at = soonest(self.socket_at, Some(at)),
            State::Open => self.announce_at = soonest(self.announce_at, Some(at)),
            State::Connecting => {}
        }
    }

    fn plan(&mut self, now: Instant) {
        let (first, longest) = self.need.pauses();
        let pause = match self.need {
            Need::Healthy => self.interval,
            Need::Lonely | Need::Hungry | Need::Growing => {
                longest.min(self.every).min(first.saturating_mul(1 << self.announces.min(8)))
            }
        };
        self.announce_at = Some(now + self.random.jitter(pause, 0.2).max(SHORTEST));
    }

    /// Whether an announce is due; the caller gathers offers and calls [`Tracker::announce`].
    pub(crate) fn wants_announce(&self, now: Instant) -> bool {
        self.state == State::Open && self.announce_at.is_some_and(|at| at <= now)
    }

    /// Whether this socket has announced, so that others' offers reach us.
    pub(crate) fn is_started(&self) -> bool {
        self.started
    }

    /// Whether an announce without offers is worth less than one with some a moment later: this socket has
    /// announced, so others' offers reach us already.
    pub(crate) fn can_wait(&self) -> bool {
        self.started && !self.waits
    }

    /// Puts the announce off until offers are ready, but no longer than `at`.
    pub(crate) fn postpone(&mut self, at: Instant) {
        self.waits = true;
        self.announce_at = Some(at);
    }

    /// An offer is ready. An announce that waits for them goes when `all` are, or soon.
    pub(crate) fn offers_ready(&mut self, now: Instant, all: bool) {
        if self.waits {
            self.hasten(if all { now } else { now + GATHER_MORE });
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
        // One without offers is followed by one with them.
        self.waits = offers.is_empty() && moment == Moment::Started;
        self.response_by = Some(now + RESPONSE);
        self.plan(now);
        self.announces += u32::from(!self.waits);
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
        (self.socket_at, self.announce_at, self.response_by) = (None, None, None);
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
        soonest(self.socket_at, soonest(self.announce_at, self.response_by))
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
mod tests {
    use super::*;

    const T0: Instant = Instant::from_millis(1_000_000);
    const HASH: InfoHash = InfoHash([9; 20]);

    fn tracker() -> Tracker {
        let every = Duration::from_secs(30);
        Tracker::new(TrackerId(1), "ws://t".into(), HASH, every, Random::new([1; 32]))
    }

    fn open(tracker: &mut Tracker) -> VecDeque<Output> {
        let mut out = VecDeque::new();
        tracker.open(T0, &mut out);
        assert_eq!(out.pop_front(), Some(Output::TrackerOpen(TrackerId(1), "ws://t".into())));
        tracker.handle_opened(T0);
        out
    }

    fn respond(tracker: &mut Tracker, now: Instant) {
        let json = serde_json::json!({"action": "announce", "info_hash": HASH.to_binary(), "interval": 120});
        tracker.handle_message(&json.to_string(), now);
    }

    #[test]
    fn announces_without_a_pause_are_not_due_for_ever() {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        tracker.set_every(Duration::ZERO, T0);
        tracker.announce(&mut Vec::new(), T0, &mut out);
        assert!(tracker.poll_timeout() > Some(T0));
    }

    #[test]
    fn an_open_socket_announces_at_once_even_without_offers() {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        assert!(tracker.wants_announce(T0));
        tracker.announce(&mut Vec::new(), T0, &mut out);
        assert!(matches!(&out[0], Output::TrackerSend(_, text) if text.contains(r#""event":"started""#)));
        assert!(!tracker.wants_announce(T0));
        tracker.announce(&mut Vec::new(), T0, &mut out);
        assert!(matches!(&out[1], Output::TrackerSend(_, text) if !text.contains("event")));
    }

    #[test]
    fn announces_of_a_lonely_peer_slow_down_to_the_users_cap() {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        let mut now = T0;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            tracker.announce(&mut Vec::new(), now, &mut out);
            respond(&mut tracker, now);
            let next = tracker.poll_timeout().unwrap();
            pauses.push((next - now).as_secs_f64());
            now = next;
        }
        assert!((1.6..=2.4).contains(&pauses[0]), "{pauses:?}");
        assert!(pauses[1..].iter().zip(&pauses).take(3).all(|(b, a)| b > a), "{pauses:?}");
        assert!(pauses.iter().all(|&p| p <= 36.0) && pauses[7] >= 24.0, "{pauses:?}");
    }

    #[test]
    fn a_shorter_cap_brings_the_next_announce_forward_and_those_after_it() {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        let mut now = T0;
        for _ in 0..8 {
            tracker.announce(&mut Vec::new(), now, &mut out);
            respond(&mut tracker, now);
            now = tracker.poll_timeout().expect("it announces again");
        }
        tracker.announce(&mut Vec::new(), now, &mut out);
        respond(&mut tracker, now);
        tracker.set_every(Duration::from_secs(5), now);
        for _ in 0..3 {
            let next = tracker.poll_timeout().expect("it announces again");
            assert!((4.0..=6.0).contains(&(next - now).as_secs_f64()), "{:?}", next - now);
            now = next;
            assert!(tracker.wants_announce(now));
            tracker.announce(&mut Vec::new(), now, &mut out);
            respond(&mut tracker, now);
        }
    }

    #[test]
    fn sudden_need_is_announced_within_half_a_second() {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        tracker.announce(&mut Vec::new(), T0, &mut out);
        respond(&mut tracker, T0);
        tracker.set_need(Need::Healthy, T0);
        assert!(tracker.poll_timeout().unwrap() >= T0 + Duration::from_secs(48));
        tracker.set_need(Need::Lonely, T0);
        assert!(tracker.poll_timeout().unwrap() <= T0 + Duration::from_millis(500));
    }

    #[test]
    fn a_silent_tracker_is_left_and_tried_again_under_another_name() {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        let before = tracker.peer_id;
        tracker.announce(&mut Vec::new(), T0, &mut out);
        out.clear();
        let late = T0 + RESPONSE;
        tracker.handle_timeout(late, &mut out);
        assert_eq!(out, [Output::TrackerClose(TrackerId(1))]);
        let again = tracker.poll_timeout().unwrap();
        assert!(again > late && again <= late + Duration::from_secs(1));
        tracker.handle_timeout(again, &mut out);
        assert_eq!(out[1], Output::TrackerOpen(TrackerId(1), "ws://t".into()));
        assert_ne!(tracker.peer_id, before);
    }

    #[test]
    fn sockets_that_close_again_and_again_are_opened_ever_more_slowly() {
        let mut tracker = tracker();
        let mut out = VecDeque::new();
        let (mut now, mut pauses) = (T0, Vec::new());
        for _ in 0..9 {
            tracker.open(now, &mut out);
            tracker.handle_opened(now);
            tracker.handle_closed("gone".into(), now);
            let next = tracker.poll_timeout().unwrap();
            pauses.push(next - now);
            now = next;
        }
        assert!(pauses[8] >= Duration::from_secs(30) && pauses[8] <= Duration::from_secs(60), "{pauses:?}");
        assert_eq!(tracker.status().last_error.as_deref(), Some("gone"));
    }

    #[test]
    fn a_tracker_that_refuses_an_answer_to_anothers_offer_gets_no_more_of_them() {
        let venture = |tracker: &mut Tracker, now| {
            let mut out = VecDeque::new();
            tracker.answer_anothers(TrackerPeerId([1; 20]), OfferId([2; 20]), "sdp", now, &mut out);
            out.len()
        };
        let refusal = r#"{"failure reason":"Could not find the offer"}"#;
        for (closes, after, learns) in [(false, 2000, true), (true, 2000, true), (false, 2001, false)] {
            let mut tracker = tracker();
            let mut out = open(&mut tracker);
            tracker.announce(&mut Vec::new(), T0, &mut out);
            assert_eq!(venture(&mut tracker, T0), 1);
            let (now, planned) = (T0 + Duration::from_millis(after), tracker.announce_at);
            if closes {
                tracker.handle_closed("late answer".into(), now);
                tracker.open(now, &mut out);
                tracker.handle_opened(now);
            } else {
                // Several answers may be under way before the first is refused.
                tracker.handle_message(refusal, now);
                tracker.handle_message(refusal, now);
                assert_eq!(tracker.announce_at == planned, learns, "the announce was not refused");
                assert_eq!(tracker.status().last_error.is_none(), learns);
            }
            assert_eq!(venture(&mut tracker, now), usize::from(!learns), "closes: {closes}, after {after}");
        }
    }

    #[test]
    fn what_comes_while_the_socket_is_not_open_is_ignored() {
        let mut tracker = tracker();
        let mut out = VecDeque::new();
        tracker.open(T0, &mut out);
        let before = tracker.poll_timeout();
        assert_eq!(tracker.handle_message(r#"{"failure reason":"no"}"#, T0), None);
        assert_eq!((tracker.poll_timeout(), tracker.status().last_error), (before, None));
    }

    #[test]
    fn an_announce_never_exceeds_the_strictest_trackers_frame() {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        let mut offers: Vec<_> = (0..10).map(|i| (OfferId([b'a' + i; 20]), "x".repeat(3000))).collect();
        tracker.announce(&mut offers, T0, &mut out);
        assert_eq!(offers.len(), 5);
        assert!(matches!(&out[0], Output::TrackerSend(_, text) if text.len() <= MAX_ANNOUNCE));
    }

    #[test]
    fn closing_says_stopped_and_leaves_no_deadline() {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        tracker.announce(&mut Vec::new(), T0, &mut out);
        out.clear();
        tracker.close(&mut out);
        assert!(matches!(&out[0], Output::TrackerSend(_, text) if text.contains("stopped")));
        assert_eq!(out[1], Output::TrackerClose(TrackerId(1)));
        assert_eq!(tracker.poll_timeout(), None);
    }
}
