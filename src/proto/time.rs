//! Time as a number that someone gives us. The core never asks what time it is.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment: microseconds since the UNIX epoch, on a clock that never goes back.
///
/// One clock serves for deadlines and, moved by `clock::Shift`, for the stamps of messages; the shell builds it from a monotonic
/// clock anchored to the wall clock once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Instant(u64);

impl Instant {
    /// From microseconds since the UNIX epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the UNIX epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// From milliseconds since the UNIX epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// Milliseconds since the UNIX epoch.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1000
    }

    /// How long ago `earlier` was; zero when it is not in the past.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// The earlier of two deadlines; `None` means never.
pub(crate) fn soonest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_saturates_at_both_ends() {
        let epoch = Instant::default();
        assert_eq!(epoch - Instant::from_millis(5), Duration::ZERO);
        assert_eq!((epoch + Duration::MAX).as_micros(), u64::MAX);
    }

    #[test]
    fn the_soonest_deadline_wins_and_never_loses_to_none() {
        let (a, b) = (Instant::from_millis(1), Instant::from_millis(2));
        assert_eq!(soonest(Some(b), Some(a)), Some(a));
        assert_eq!(soonest(None, Some(b)), Some(b));
        assert_eq!(soonest(None, None), None);
    }
}
