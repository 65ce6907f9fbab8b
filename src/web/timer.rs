//! One armed alarm.

use gloo_timers::callback::Timeout;

use crate::proto::Instant;

/// `setTimeout` takes milliseconds in 31 bits and fires at once above. An hour is as good as never: the
/// alarm is set again when it rings early.
const LONGEST_MS: u64 = 3_600_000;

/// A call at a moment; dropping it takes it back.
#[derive(Debug)]
#[must_use = "an alarm that is dropped never rings"]
pub(super) struct Alarm {
    at: Instant,
    _timeout: Timeout,
}

impl Alarm {
    /// Calls `ring` at the given moment, never before it but for the longest time that can be set.
    pub(super) fn set(at: Instant, now: Instant, ring: impl FnOnce() + 'static) -> Self {
        let millis = at.since(now).as_micros().div_ceil(1000).min(u128::from(LONGEST_MS));
        Self { at, _timeout: Timeout::new(millis as u32, ring) }
    }

    /// When it rings.
    pub(super) fn at(&self) -> Instant {
        self.at
    }
}
