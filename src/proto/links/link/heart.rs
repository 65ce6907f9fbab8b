//! The heartbeat of an active link: each end says something every few seconds, who is silent is asked for a sign of life,
//! and who gives none is dead.
//!
//! A page that is busy is silent, too, and one that is not there any more looks the same from a page. The browser below
//! tells them apart: its transport acknowledges what it gets, however busy the page is. So before a link is doubted, or
//! its peer is taken for dead, the heart has the browser looked at ([`Beat::Look`]). Whose transport alone lives is borne
//! with for [`BUSY`], and holds no more by that than by an answer.

use std::time::Duration;

use crate::proto::time::{Instant, soonest};

/// An end that said nothing for this long gives a sign of life. With six links a peer that is two messages a second.
pub(super) const BEAT: Duration = Duration::from_millis(3100);
/// ... or this long, when it heard something that matters.
pub(super) const OWED: Duration = Duration::from_millis(1200);
/// A page's timers are late by so much, and the network is.
const LATE: Duration = Duration::from_millis(300);
/// A link that was silent for this long is asked for a sign of life ...
pub(super) const IDLE: Duration = BEAT.saturating_add(LATE);
/// ... or for this long, when something was said to it that matters.
pub(super) const EXPECT: Duration = OWED.saturating_add(LATE);
/// A neighbor that is silent for longer than this is believed dead, or its browser is looked at: a death is noticed
/// within 5 s.
pub(crate) const SILENCE: Duration = Duration::from_millis(4800);
/// ... or for so much longer, if it said something on another way meanwhile.
pub(super) const ALIVE: Duration = Duration::from_secs(2);
/// ... and not before it had this long for an answer.
pub(super) const PONG: Duration = Duration::from_millis(1200);
/// ... or this long, when this peer slept for longer than its neighbors wait: most likely it is gone, and the next one is
/// looked for at once.
const PONG_AWOKEN: Duration = Duration::from_secs(1);
/// A page whose browser lives may be busy for this long.
pub(super) const BUSY: Duration = Duration::from_secs(10);
/// The browser tells at once what it knows of a transport; one that does not knows nothing.
pub(super) const LOOK: Duration = Duration::from_millis(500);
/// A question that has had no answer for three times what the link takes puts it in doubt, within these bounds, if the
/// browser heard nothing either: SCTP sends again what is under way 2.8 s after it was lost, and then only after 6.
const DOUBT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(1000));
/// A timer that comes this late means that this peer slept, not the neighbor.
pub(super) const SLEPT: Duration = Duration::from_secs(1);
/// The round trip of a new link is measured with so many of its first signs of life, for a page that joins is busy ...
const MEASURED_OFTEN: u32 = 3;
/// ... and then with one of so many.
const MEASURED_SELDOM: u32 = 10;

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    Nothing,
    /// Give a sign of life.
    Show,
    /// Ask for a sign of life, with [`Heart::ask`].
    Ask,
    /// Ask the browser when the transport last heard anything, for [`Heart::handle_transport`].
    Look,
    /// No answer came: the path may be broken.
    Doubt,
    /// No sign of life came.
    Dead,
}

/// What hangs on the answer of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Doubt,
    Death,
}

/// The heartbeat of one link; it beats between [`Heart::start`] and [`Heart::stop`].
#[derive(Debug, Default)]
pub(super) struct Heart {
    /// When anything came in last.
    heard_at: Instant,
    /// When we next act: ask, or give up.
    beat_at: Option<Instant>,
    /// When the neighbor needs a sign of life.
    show_at: Option<Instant>,
    /// Signs of life so far.
    shown: u32,
    /// The question under way: its number and when it was asked.
    asked: Option<(u32, Instant)>,
    /// When that puts the link in doubt.
    doubt_at: Option<Instant>,
    in_doubt: bool,
    /// The browser is being asked.
    look: Option<Look>,
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
        self.show_at = Some(now + BEAT);
    }

    pub(super) fn stop(&mut self) {
        (self.beat_at, self.show_at, self.doubt_at, self.look) = (None, None, None, None);
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

    /// The neighbor lives, and that is all that is known: there is a little more time to find another path.
    pub(super) fn handle_alive(&mut self) {
        self.spared_until = self.spared_until.max(self.heard_at + SILENCE + ALIVE);
        if self.asked.is_some() {
            self.beat_at = self.beat_at.map(|at| at.max(self.spared_until));
        }
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

    /// What came in matters: who said it wants to know soon that it arrived.
    pub(super) fn handle_matter(&mut self, now: Instant) {
        self.show_at = self.show_at.map(|at| at.min(now + OWED));
    }

    /// Something went out. `matters`: and nobody should wait for long to learn that it does not arrive.
    pub(super) fn handle_said(&mut self, matters: bool, now: Instant) {
        self.show_at = self.show_at.map(|_| now + BEAT);
        if matters && self.asked.is_none() && self.rtt.is_some() {
            self.beat_at = self.beat_at.map(|at| at.min(now + EXPECT));
        }
    }

    /// An answer to the question of this number.
    pub(super) fn handle_pong(&mut self, number: u32, now: Instant) {
        if let Some((_, at)) = self.asked.take_if(|(asked, _)| *asked == number) {
            let sample = now - at;
            // What waited for another path tells nothing of either.
            if self.rtt.is_none() || !self.in_doubt {
                self.rtt = Some(self.rtt.map_or(sample, |rtt| rtt.mul_f64(0.8) + sample.mul_f64(0.2)));
            }
            self.beat_at = Some(now + IDLE);
            (self.doubt_at, self.in_doubt, self.look) = (None, false, None);
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

    /// How long it takes until a question that has no answer puts the link in doubt.
    fn patience(&self) -> Duration {
        self.rtt.map_or(DOUBT.1, |rtt| (rtt * 3).clamp(DOUBT.0, DOUBT.1))
    }

    /// The number of a new question.
    pub(super) fn ask(&mut self, now: Instant) -> u32 {
        self.next = self.next.wrapping_add(1);
        (self.asked, self.look) = (Some((self.next, now)), None);
        self.beat_at = Some(self.spared_until.max(now + PONG).max(self.heard_at + SILENCE));
        self.doubt_at = soonest(self.doubt_at, Some(now + self.patience()));
        self.next
    }

    /// ... where the other end says that it has no answer; none if a question is under way, so that who says it again and
    /// again puts nothing off.
    pub(super) fn ask_warned(&mut self, now: Instant) -> Option<u32> {
        if self.look.is_none() {
            self.doubt_at = soonest(self.doubt_at, Some(now + self.patience()));
        }
        self.asked.is_none().then(|| self.ask(now))
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Beat {
        if self.beat_at.is_some_and(|at| at <= now) {
            self.look_for_death(now)
        } else if self.doubt_at.is_some_and(|at| at <= now) {
            self.look_for_doubt()
        } else if self.show_at.is_some_and(|at| at <= now) {
            self.show(now)
        } else {
            Beat::Nothing
        }
    }

    fn look_for_death(&mut self, now: Instant) -> Beat {
        match (self.asked, self.beat_at) {
            // The timer itself came late: we slept, and their answer may be waiting behind it.
            (Some((_, asked)), Some(at)) if self.heard_at <= asked && now - at < SLEPT => {
                if self.look == Some(Look::Death) {
                    return Beat::Dead;
                }
                self.beat_at = Some(now + LOOK);
                self.look = Some(Look::Death);
                Beat::Look
            }
            _ => Beat::Ask,
        }
    }

    fn look_for_doubt(&mut self) -> Beat {
        // If this timer is late, their answer waits behind it, and is here before that of the browser.
        (self.doubt_at, self.look) = (None, Some(Look::Doubt));
        Beat::Look
    }

    fn show(&mut self, now: Instant) -> Beat {
        self.show_at = Some(now + BEAT);
        self.shown = self.shown.saturating_add(1);
        let measures = self.shown <= MEASURED_OFTEN || self.shown.is_multiple_of(MEASURED_SELDOM);
        if measures && self.asked.is_none() { Beat::Ask } else { Beat::Show }
    }

    /// What the browser says of the transport: how long ago it heard anything, if it knows.
    pub(super) fn handle_transport(&mut self, heard: Option<Duration>, now: Instant) -> Beat {
        let (Some(look), Some((_, asked))) = (self.look.take(), self.asked) else { return Beat::Nothing };
        let lives = heard.is_some_and(|ago| ago < now - asked);
        match look {
            Look::Doubt if lives => Beat::Nothing,
            Look::Doubt => {
                self.in_doubt = true;
                Beat::Doubt
            }
            // Its word came while the browser was asked.
            Look::Death if self.heard_at > asked => Beat::Nothing,
            Look::Death if lives && now - self.heard_at < BUSY => Beat::Ask,
            Look::Death => Beat::Dead,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        soonest(soonest(self.beat_at, self.doubt_at), self.show_at)
    }
}
