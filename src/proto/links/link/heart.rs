//! The heartbeat of an active link: who is silent is asked for a sign of life, and who gives none is dead.
//!
//! Before that the link is in doubt for a while: its peer may live, and only the path to it be broken.

use std::time::Duration;

use crate::proto::time::{Instant, soonest};

/// A link that was silent this long is asked for a sign of life.
pub(super) const IDLE: Duration = Duration::from_millis(1500);
/// ... and has this long to give one: a death is noticed within IDLE + PONG < 5 s.
pub(super) const PONG: Duration = Duration::from_millis(3000);
/// ... or this long, when this peer slept for longer than its neighbors wait: most likely it is gone, and the next one is
/// looked for at once.
const PONG_AWOKEN: Duration = Duration::from_secs(1);
/// A neighbor is silent no longer than this, or believed dead.
pub(crate) const SILENCE: Duration = IDLE.saturating_add(PONG);
/// A question that has had no answer for three times what the link takes puts it in doubt, within these bounds: a page that
/// is busy answers within them, and SCTP sends again what is under way 2.8 s after it was lost, and then only after 6.
const DOUBT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(1000));
/// ... where something tells that its path may be broken.
const DOUBT_SOON: (Duration, Duration) = (Duration::from_millis(250), DOUBT.1);
/// A timer that comes this late means that this peer slept, not the neighbor.
pub(super) const SLEPT: Duration = Duration::from_secs(1);

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    /// Ask for a sign of life, with [`Heart::ask`].
    Ask,
    /// No answer came: the path may be broken.
    Doubt,
    /// No sign of life came.
    Dead,
}

/// The heartbeat of one link; it beats between [`Heart::start`] and [`Heart::stop`].
#[derive(Debug, Default)]
pub(super) struct Heart {
    /// When anything came in last.
    heard_at: Instant,
    /// When we next act: ask, or give up.
    beat_at: Option<Instant>,
    /// The question under way: its number and when it was asked.
    asked: Option<(u32, Instant)>,
    /// When that puts the link in doubt.
    doubt_at: Option<Instant>,
    in_doubt: bool,
    /// Not taken for dead before.
    spared_until: Instant,
    next: u32,
    /// Smoothed round trip.
    rtt: Option<Duration>,
}

impl Heart {
    /// The link is active. The first question at once: the mesh wants to know the round trip.
    pub(super) fn start(&mut self, now: Instant) {
        self.beat_at = Some(now);
    }

    pub(super) fn stop(&mut self) {
        (self.beat_at, self.doubt_at) = (None, None);
    }

    /// Whether a question had no answer when it should have.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// It is, as others say.
    pub(super) fn doubt(&mut self) {
        self.in_doubt = true;
    }

    /// The neighbor lives, as it said on another way: it is not taken for dead for so long.
    pub(super) fn spare(&mut self, time: Duration, now: Instant) {
        self.spared_until = now + time;
        self.beat_at = self.beat_at.map(|at| at.max(self.spared_until));
    }

    /// Smoothed round trip.
    pub(super) fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// Something came in. Whatever they say is a sign of life, an answer or not.
    pub(super) fn handle_heard(&mut self, now: Instant) {
        self.heard_at = now;
        if self.beat_at.is_some() && self.rtt.is_some() {
            self.beat_at = Some(now + IDLE);
        }
    }

    /// An answer to the question of this number.
    pub(super) fn handle_pong(&mut self, number: u32, now: Instant) {
        if let Some((_, at)) = self.asked.take_if(|(asked, _)| *asked == number) {
            let sample = now - at;
            self.rtt = Some(self.rtt.map_or(sample, |rtt| rtt.mul_f64(0.8) + sample.mul_f64(0.2)));
            self.beat_at = Some(now + IDLE);
            (self.doubt_at, self.in_doubt) = (None, false);
        }
    }

    /// The number of a new question of a peer that was asleep, maybe.
    pub(super) fn ask_awoken(&mut self, now: Instant) -> u32 {
        let gone = self.beat_at.is_some() && now - self.heard_at > SILENCE;
        let number = self.ask_soon(now);
        if gone {
            self.beat_at = Some(now + PONG_AWOKEN);
        }
        number
    }

    /// The number of a new question.
    pub(super) fn ask(&mut self, now: Instant) -> u32 {
        self.question(DOUBT, now)
    }

    /// ... where something tells that the path may be broken.
    pub(super) fn ask_soon(&mut self, now: Instant) -> u32 {
        self.question(DOUBT_SOON, now)
    }

    fn question(&mut self, (least, most): (Duration, Duration), now: Instant) -> u32 {
        let doubt = self.rtt.map_or(most, |rtt| (rtt * 3).clamp(least, most));
        self.next = self.next.wrapping_add(1);
        self.asked = Some((self.next, now));
        self.beat_at = Some(self.spared_until.max(now + PONG));
        self.doubt_at = soonest(self.doubt_at, Some(now + doubt));
        self.next
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Beat {
        let Some(at) = self.beat_at.filter(|at| *at <= now) else { return self.look_for_doubt(now) };
        match self.asked {
            // The timer itself came late: we slept, and their answer may be waiting behind it.
            Some((_, asked)) if self.heard_at <= asked && now - at < SLEPT => Beat::Dead,
            Some(_) => Beat::Ask,
            None => {
                let idle_until = self.heard_at + IDLE;
                if idle_until <= now || self.rtt.is_none() {
                    return Beat::Ask;
                }
                self.beat_at = Some(idle_until);
                Beat::Nothing
            }
        }
    }

    fn look_for_doubt(&mut self, now: Instant) -> Beat {
        match self.doubt_at.take_if(|at| *at <= now) {
            None => Beat::Nothing,
            // Their answer may be waiting behind this timer.
            Some(at) if now - at >= SLEPT => {
                self.doubt_at = Some(now + DOUBT_SOON.0);
                Beat::Nothing
            }
            Some(_) => {
                self.in_doubt = true;
                Beat::Doubt
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        soonest(self.beat_at, self.doubt_at)
    }
}
