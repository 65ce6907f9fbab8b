//! The one place that reads the clock.

use std::cell::Cell;

use wasm_bindgen::prelude::*;

use crate::proto::Instant;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn since_origin() -> f64;
    #[wasm_bindgen(js_namespace = performance, js_name = timeOrigin, thread_local_v2)]
    static ORIGIN: f64;
}

/// The wall clock may be this far ahead before it means that the machine slept: more than clock
/// corrections make, less than any timeout of the protocol.
const SLEPT_MS: f64 = 1000.0;

/// Microseconds since the UNIX epoch that never go back.
///
/// `performance.now()` is monotonic, but stands still while some machines sleep, so that every deadline
/// would be late by the night. `Date` shows the sleep, and the clock jumps forward by it.
#[derive(Debug)]
pub(super) struct Clock {
    /// Milliseconds to add to the monotonic clock.
    ahead: Cell<f64>,
    last: Cell<Instant>,
}

/// The time, and whether the machine slept since the last reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) now: Instant,
    pub(super) slept: bool,
}

impl Clock {
    /// A clock that agrees with the wall clock now.
    pub(super) fn new() -> Self {
        Self { ahead: Cell::new(wall() - monotonic()), last: Cell::default() }
    }

    /// What time it is.
    pub(super) fn read(&self) -> Reading {
        self.advance(monotonic(), wall())
    }

    fn advance(&self, monotonic: f64, wall: f64) -> Reading {
        let behind = wall - (monotonic + self.ahead.get());
        let slept = behind > SLEPT_MS;
        if slept {
            self.ahead.set(self.ahead.get() + behind);
        }
        let now = Instant::from_micros(((monotonic + self.ahead.get()) * 1000.0) as u64).max(self.last.get());
        self.last.set(now);
        Reading { now, slept }
    }
}

fn monotonic() -> f64 {
    ORIGIN.with(|origin| *origin) + since_origin()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
fn wall() -> f64 {
    js_sys::Date::now()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn clock() -> Clock {
        Clock { ahead: Cell::new(0.0), last: Cell::default() }
    }

    #[wasm_bindgen_test]
    fn the_clock_agrees_with_the_wall_clock() {
        let now = Clock::new().read().now.as_millis() as f64;
        assert!((now - wall()).abs() < 50.0, "{now}");
    }

    #[wasm_bindgen_test]
    fn a_sleeping_machine_shows_as_a_jump() {
        let clock = clock();
        assert_eq!(clock.advance(100.0, 100.0), Reading { now: Instant::from_millis(100), slept: false });
        assert_eq!(clock.advance(101.0, 9000.0), Reading { now: Instant::from_millis(9000), slept: true });
        assert_eq!(clock.advance(102.0, 9001.0), Reading { now: Instant::from_millis(9001), slept: false });
    }

    #[wasm_bindgen_test]
    fn time_never_goes_back() {
        let clock = clock();
        assert_eq!(clock.advance(500.0, 500.0).now, Instant::from_millis(500));
        assert_eq!(clock.advance(400.0, 100.0).now, Instant::from_millis(500));
    }
}
