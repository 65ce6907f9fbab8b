//! The heartbeat of an active link: who is silent is asked for a sign of life, and who gives none is dead.

use std::time::Duration;

use crate::proto::time::Instant;

/// A link that was silent this long is asked for a sign of life.
pub(super) const IDLE: Duration = Duration::from_millis(1500);
/// ... and has this long to give one: a death is noticed within IDLE + PONG < 5 s.
pub(super) const PONG: Duration = Duration::from_millis(3000);
/// ... or this long, when this peer slept for longer than its neighbors wait: most likely it is gone, and the next one is
/// looked for at once.
const PONG_AWOKEN: Duration = Duration::from_secs(1);
/// A neighbor is silent no longer than this, or believed dead.
pub(crate) const SILENCE: Duration = IDLE.saturating_add(PONG);
/// A timer that comes this late means that this peer slept, not the neighbor.
pub(super) const SLEPT: Duration = Duration::from_secs(1);

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    /// Ask for a sign of life, with [`Heart::ask`].
    Ask,
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
        self.beat_at = None;
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
        }
    }

    /// The number of a new question of a peer that was asleep, maybe.
    pub(super) fn ask_awoken(&mut self, now: Instant) -> u32 {
        let gone = self.beat_at.is_some() && now - self.heard_at > SILENCE;
        let number = self.ask(now);
        if gone {
            self.beat_at = Some(now + PONG_AWOKEN);
        }
        number
    }

    /// The number of a new question.
    pub(super) fn ask(&mut self, now: Instant) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.asked = Some((self.next, now));
        self.beat_at = Some(now + PONG);
        self.next
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Beat {
        let Some(at) = self.beat_at.filter(|at| *at <= now) else { return Beat::Nothing };
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

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.beat_at
    }
}
