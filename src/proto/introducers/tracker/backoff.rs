//! When a socket that failed is opened again: ever more slowly, and at any moment of each pause (full jitter), so that a
//! tracker that comes back does not meet everybody in the same second.

use std::time::Duration;

use crate::proto::random::Random;

/// How much depends on one tracker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Urgency {
    /// This peer has neighbors, and another tracker brings it strangers.
    Spare,
    /// It has neighbors, and no stranger finds it.
    Hidden,
    /// It has nobody.
    #[default]
    Alone,
}

impl Urgency {
    /// First and longest pause. Each attempt at a tracker that is dead is a red line in a page's console. A swarm whose
    /// trackers are all gone must be there again soon after one is back: newcomers wait for that.
    fn pauses(self) -> (Duration, Duration) {
        let seconds = Duration::from_secs;
        match self {
            Self::Alone => (seconds(1), seconds(60)),
            Self::Hidden => (seconds(4), seconds(60)),
            Self::Spare => (seconds(30), seconds(600)),
        }
    }
}

/// The sockets in a row on which one tracker did not answer.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    pub(super) urgency: Urgency,
    /// The exponent of the pause.
    pub(super) failures: u32,
}

impl Backoff {
    pub(super) fn is_alone(&self) -> bool {
        self.urgency == Urgency::Alone
    }

    /// How long to wait before the next attempt. That a tracker which answered closes the socket is no failure yet: some do so
    /// on an answer to who is gone.
    pub(super) fn pause(&self, random: &mut Random) -> Duration {
        let urgency = if self.failures == 0 { Urgency::Alone } else { self.urgency };
        let (first, longest) = urgency.pauses();
        let doubled = self.failures.saturating_sub(1).min(8);
        longest.min(first.saturating_mul(1 << doubled)).mul_f64(random.unit())
    }
}
