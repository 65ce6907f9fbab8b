//! The one place that reads the clock.
//!
//! Its functions are taken when the module is loaded: what a page, its tests or a framework put in their place afterwards may
//! stand still, or jump.

use std::cell::Cell;
use std::time::Duration;

use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::proto::Instant;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = performance, thread_local_v2)]
    static PERFORMANCE: JsValue;
    #[wasm_bindgen(js_namespace = performance, js_name = now, thread_local_v2)]
    static SINCE_ORIGIN: Function;
    #[wasm_bindgen(js_namespace = performance, js_name = timeOrigin, thread_local_v2)]
    static ORIGIN: f64;
    #[wasm_bindgen(js_namespace = Date, js_name = now, thread_local_v2)]
    static WALL: Function;
}

#[wasm_bindgen(start)]
fn take() {
    wall();
    monotonic();
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

/// The time, and how long the machine slept since the last reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) now: Instant,
    pub(super) slept: Duration,
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
        let slept = Duration::from_millis(if slept { behind as u64 } else { 0 });
        let now = Instant::from_micros(((monotonic + self.ahead.get()) * 1000.0) as u64).max(self.last.get());
        self.last.set(now);
        Reading { now, slept }
    }
}

/// What is done in one task of a page's thread, in milliseconds: a third of a frame of its animation ...
const BRIEF_MS: f64 = 5.0;
/// ... and in steps, for clocks that show a page coarse time only.
const BRIEF_STEPS: usize = 16;

/// The moment that a task may take.
#[derive(Debug)]
pub(super) struct Brief(f64);

impl Brief {
    pub(super) fn begin() -> Self {
        Self(since_origin())
    }

    pub(super) fn is_over(&self) -> bool {
        since_origin() - self.0 >= BRIEF_MS
    }
}

/// Goes on step by step with what takes long, for a moment: however slow the machine is, a task takes no longer
/// than that and one step. The result, once there is one.
pub(super) fn briefly<T>(step: impl FnMut() -> Option<T>) -> Option<T> {
    briefly_by(since_origin, step)
}

fn briefly_by<T>(clock: impl Fn() -> f64, mut step: impl FnMut() -> Option<T>) -> Option<T> {
    let began = clock();
    for _ in 0..BRIEF_STEPS {
        let result = step();
        if result.is_some() || clock() - began >= BRIEF_MS {
            return result;
        }
    }
    None
}

fn monotonic() -> f64 {
    ORIGIN.with(|origin| *origin) + since_origin()
}

fn since_origin() -> f64 {
    PERFORMANCE.with(|performance| SINCE_ORIGIN.with(|now| read(now, performance)))
}

fn wall() -> f64 {
    WALL.with(|now| read(now, &JsValue::UNDEFINED))
}

/// A clock that throws, or shows no number, was made by somebody before this module was loaded.
fn read(now: &Function, of: &JsValue) -> f64 {
    now.call0(of).ok().and_then(|time| time.as_f64()).unwrap_or_default()
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
    fn what_a_page_does_to_the_clocks_later_changes_nothing() {
        // The module of the tests has no start.
        take();
        let freeze = "const kept = [Date.now, performance.now]; Date.now = performance.now = () => 5; \
                      () => [Date.now, performance.now] = kept";
        let thaw: Function =
            js_sys::eval(&format!("(() => {{ {} }})()", freeze.replace("() => [", "return () => [")))
                .expect("it is good")
                .into();
        let now = Clock::new().read().now.as_millis();
        let page = js_sys::eval("Date.now()").ok().and_then(|time| time.as_f64());
        thaw.call0(&JsValue::UNDEFINED).expect("it gives back what it took");
        assert_eq!(page, Some(5.0));
        assert!(now > 1_700_000_000_000, "{now}");
    }

    #[wasm_bindgen_test]
    fn a_sleeping_machine_shows_as_a_jump() {
        let clock = clock();
        assert_eq!(
            clock.advance(100.0, 100.0),
            Reading { now: Instant::from_millis(100), slept: Duration::ZERO }
        );
        assert_eq!(
            clock.advance(101.0, 9000.0),
            Reading { now: Instant::from_millis(9000), slept: Duration::from_millis(8899) }
        );
        assert_eq!(
            clock.advance(102.0, 9001.0),
            Reading { now: Instant::from_millis(9001), slept: Duration::ZERO }
        );
    }

    #[wasm_bindgen_test]
    fn time_never_goes_back() {
        let clock = clock();
        assert_eq!(clock.advance(500.0, 500.0).now, Instant::from_millis(500));
        assert_eq!(clock.advance(400.0, 100.0).now, Instant::from_millis(500));
    }

    /// Steps done in one go by a machine on which each takes so long.
    fn steps_done(each_ms: f64) -> usize {
        let steps = Cell::new(0);
        let result = briefly_by(
            || steps.get() as f64 * each_ms,
            || {
                steps.set(steps.get() + 1);
                None::<()>
            },
        );
        assert_eq!(result, None);
        steps.get()
    }

    #[wasm_bindgen_test]
    fn what_is_done_briefly_takes_as_long_on_a_slow_machine() {
        assert_eq!([0.0, 0.3, 1.0, 4.0, 40.0].map(steps_done), [16, 16, 5, 2, 1]);
        assert_eq!(briefly(|| Some(7)), Some(7));
    }
}
