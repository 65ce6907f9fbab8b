//! When to announce on an open socket: how soon, and how often, follows from how much a peer needs trackers.

use std::time::Duration;

use crate::proto::random::Random;
use crate::proto::time::{Instant, soonest};

/// Pause before an announce of a peer that lost its way into the mesh, and of one that has a slot to spare: the mesh
/// itself finds a peer for that within a second or two.
const SOON: Duration = Duration::from_millis(500);
const SPARE: Duration = Duration::from_secs(4);
/// A healthy peer announces no less often than this: proxies and trackers close idle sockets.
const HEALTHY: (u64, u64) = (60, 100);
/// The shortest pause between two announces, whatever the user wants: none would be due for ever.
const SHORTEST: Duration = Duration::from_millis(1);
/// What it takes to make an answer, beside the tracker's own time.
const ANSWERING: Duration = Duration::from_millis(500);
/// Offers that are ready within this time go together.
const GATHER_MORE: Duration = Duration::from_millis(50);

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

/// When to announce on one tracker.
#[derive(Debug)]
pub(super) struct Cadence {
    need: Need,
    /// When the next announce is due, while the socket is open.
    due_at: Option<Instant>,
    /// Whether it waits for offers.
    waits: bool,
    /// Announces since the need last changed: the exponent of the pause.
    announces: u32,
    /// Whether an announce was brought forward since the need last changed.
    retried: bool,
    /// The user's cap on the pause between announces, unless all is well.
    every: Duration,
    /// What the tracker asks for.
    interval: Duration,
    /// How long the tracker takes to answer.
    delay: Duration,
}

impl Cadence {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            need: Need::Lonely,
            due_at: None,
            waits: false,
            announces: 0,
            retried: false,
            every,
            interval: Duration::from_secs(HEALTHY.1),
            delay: Duration::ZERO,
        }
    }

    /// The socket is open. At once, even before offers are gathered: others' offers can reach us from here on.
    pub(super) fn start(&mut self, now: Instant) {
        (self.due_at, self.waits, self.announces) = (Some(now), false, 0);
    }

    /// The socket is closed.
    pub(super) fn stop(&mut self) {
        (self.due_at, self.waits) = (None, false);
    }

    /// When the next announce is due.
    pub(super) fn due_at(&self) -> Option<Instant> {
        self.due_at
    }

    /// Whether the next announce waits for offers.
    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    /// A greater need than before is answered soon, a smaller one later.
    pub(super) fn set_need(&mut self, need: Need, now: Instant, random: &mut Random) {
        if need != self.need {
            let grew = need > self.need;
            self.need = need;
            self.retried = false;
            self.announces = 0;
            if self.due_at.is_some() {
                self.plan(now, random);
                if grew {
                    self.hasten(now + if need == Need::Growing { SPARE } else { SOON });
                }
            }
        }
    }

    /// A connection came to nothing; whether to ask for another at once, as who has no neighbor does. The next
    /// time it waits, for whoever answers may be the cause.
    pub(super) fn retry(&mut self) -> bool {
        self.need == Need::Lonely && !std::mem::replace(&mut self.retried, true)
    }

    /// Begins the pauses anew, if this peer still looks for others.
    pub(super) fn reconsider(&mut self, now: Instant, random: &mut Random) {
        if self.need == Need::Growing && self.announces > 1 && self.due_at.is_some() {
            self.announces = 0;
            let later = self.due_at;
            self.plan(now, random);
            self.due_at = soonest(self.due_at, later);
        }
    }

    /// The user's cap on the pause between announces.
    pub(super) fn set_every(&mut self, every: Duration, now: Instant, random: &mut Random) {
        self.every = every;
        if self.due_at.is_some() {
            self.plan(now, random);
        }
    }

    /// What the tracker asks for.
    pub(super) fn set_interval(&mut self, seconds: u64) {
        self.interval = Duration::from_secs(seconds.clamp(HEALTHY.0, HEALTHY.1));
    }

    /// How long the tracker takes to answer. An offer is answered after twice that, and until then is not for others.
    pub(super) fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }

    /// Brings the next announce forward.
    pub(super) fn hasten(&mut self, at: Instant) {
        self.due_at = soonest(self.due_at, Some(at));
    }

    /// Puts the next announce off until offers are ready, but no longer than `at`.
    pub(super) fn postpone(&mut self, at: Instant) {
        (self.due_at, self.waits) = (Some(at), true);
    }

    /// An offer is ready. An announce that waits for them goes when `all` are, or soon: when.
    pub(super) fn offers_ready(&self, now: Instant, all: bool) -> Option<Instant> {
        self.waits.then(|| if all { now } else { now + GATHER_MORE })
    }

    /// An announce is out. `waits`: the next one follows as soon as there are offers.
    pub(super) fn announced(&mut self, waits: bool, now: Instant, random: &mut Random) {
        self.waits = waits;
        self.plan(now, random);
        self.announces += u32::from(!waits);
    }

    /// The tracker refused. It may refuse this announce only: try again, more and more slowly.
    pub(super) fn refused(&mut self, now: Instant, random: &mut Random) {
        self.announces = self.announces.max(2) + 1;
        self.plan(now, random);
    }

    fn plan(&mut self, now: Instant, random: &mut Random) {
        let (first, longest) = self.need.pauses();
        let pause = match self.need {
            Need::Healthy => self.interval,
            Need::Lonely | Need::Hungry | Need::Growing => {
                let doubled = first.saturating_mul(1 << self.announces.min(8));
                longest.min(self.every).min(doubled.max(self.delay * 2 + ANSWERING))
            }
        };
        self.due_at = Some(now + random.jitter(pause, 0.2).max(SHORTEST));
    }
}
