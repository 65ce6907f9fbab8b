//! What time it is in the swarm.
//!
//! What is said carries the time, so that nothing is taken for new that is old, and not every page has a clock that is
//! right. Each peer tells its neighbors what its own clock shows, in the greeting and whenever that jumps, and takes for
//! the time of the swarm the median of theirs and its own; of two in the middle the later one, as both sides must choose
//! alike, and who is led ahead takes nothing old for new. A clock that is not far off is good enough as it is, so that
//! right clocks are what all others are drawn to, and nobody is led away from one step by step.
//!
//! To move a peer's time an attacker needs half of its links and itself (ahead), or more than half (back): of those that
//! are left the median is a clock of an honest peer, or lies between two.

use std::time::Duration;

use super::id::Address;
use super::map::Map;
use super::time::Instant;

/// Clocks that differ by less are taken as they are: half of what a stamp may be off.
const TOLERANCE: i64 = 300_000;
/// The page is told no more often than this that its clock is wrong.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How far the swarm's clock is ahead of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shift {
    millis: i64,
}

impl Shift {
    /// What the swarm's clock shows at a moment of ours.
    pub(crate) fn theirs(self, ours: Instant) -> Instant {
        Instant::from_millis(ours.as_millis().saturating_add_signed(self.millis))
    }

    /// What ours shows when the swarm's shows this, in milliseconds, as messages are stamped.
    pub(crate) fn ours(self, stamp: u64) -> u64 {
        stamp.saturating_add_signed(self.millis.saturating_neg())
    }

    pub(crate) fn in_millis(self) -> i64 {
        self.millis
    }

    fn describe(self) -> String {
        let minutes = self.millis.unsigned_abs().saturating_add(30_000) / 60_000;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let which = if self.millis < 0 { "ahead of" } else { "behind" };
        format!(
            "this clock is {hours} h {minutes} min {which} those of the neighbors, which are followed in place of it"
        )
    }
}

/// The clocks of the neighbors.
#[derive(Debug, Default)]
pub(crate) struct SwarmClock {
    /// How far each is ahead of ours, in milliseconds.
    ahead: Map<Address, i64>,
    shift: Shift,
    /// What the page was last told of its own, and when.
    told: Option<(Shift, Instant)>,
}

impl SwarmClock {
    pub(crate) fn shift(&self) -> Shift {
        self.shift
    }

    /// A neighbor says what its clock shows; whether the swarm's time is another for it.
    pub(crate) fn handle_clock(&mut self, neighbor: Address, theirs: Instant, ours: Instant) -> bool {
        self.ahead.insert(neighbor, difference(theirs, ours));
        let mut clocks: Vec<i64> = self.ahead.values().copied().chain([0]).collect();
        clocks.sort_unstable();
        let median = clocks[clocks.len() / 2];
        let is_near = |other: i64| median.abs_diff(other) <= TOLERANCE.unsigned_abs();
        if is_near(self.shift.millis) {
            return false;
        }
        self.shift.millis = if is_near(0) { 0 } else { median };
        true
    }

    /// What the page should know and was not told, if its clock is wrong. Of two clocks nobody knows which one is.
    pub(crate) fn complain(&mut self, now: Instant) -> Option<String> {
        let told = self.told.is_some_and(|(shift, at)| shift == self.shift || now - at < TOLD_EVERY);
        (self.shift != Shift::default() && self.ahead.len() > 1 && !told).then(|| {
            self.told = Some((self.shift, now));
            self.shift.describe()
        })
    }

    pub(crate) fn handle_unlinked(&mut self, neighbor: &Address) {
        self.ahead.remove(neighbor);
    }
}

fn difference(a: Instant, b: Instant) -> i64 {
    // Clocks are of strangers: what is out of all bounds is so far ahead or behind as can be said.
    let [a, b] = [a, b].map(|at| i64::try_from(at.as_millis()).unwrap_or(i64::MAX));
    a.saturating_sub(b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Instant = Instant::from_millis(1_800_000_000_000);
    const HOUR: i64 = 3_600_000;

    fn ahead(millis: i64) -> Instant {
        Instant::from_millis(NOW.as_millis().saturating_add_signed(millis))
    }

    fn told(clocks: &[i64]) -> SwarmClock {
        let mut clock = SwarmClock::default();
        for (n, &millis) in clocks.iter().enumerate() {
            clock.handle_clock(Address([n as u8; 20]), ahead(millis), NOW);
        }
        clock
    }

    #[test]
    fn a_clock_that_is_nearly_right_is_good_enough() {
        assert_eq!(told(&[200_000, 290_000, -10, 250_000]).shift(), Shift::default());
    }

    #[test]
    fn a_wrong_clock_is_not_followed_and_the_one_who_has_it_follows() {
        assert_eq!(told(&[23 * HOUR, 0, 5]).shift(), Shift::default());
        let shift = told(&[23 * HOUR, 23 * HOUR + 5]).shift();
        assert_eq!(shift.theirs(NOW), ahead(23 * HOUR));
        assert_eq!(shift.ours(ahead(23 * HOUR).as_millis()), NOW.as_millis());
    }

    #[test]
    fn of_two_clocks_both_sides_choose_the_later() {
        assert_eq!(told(&[HOUR]).shift().theirs(NOW), ahead(HOUR));
        assert_eq!(told(&[-HOUR]).shift(), Shift::default());
    }

    #[test]
    fn who_comes_back_to_the_right_time_has_no_shift_left() {
        let mut clock = told(&[HOUR]);
        assert!(clock.handle_clock(Address([0; 20]), ahead(30), NOW));
        assert_eq!(clock.shift(), Shift::default());
    }

    #[test]
    fn it_says_by_how_much_a_clock_is_off() {
        let said = told(&[25 * HOUR + 80_000]).shift().describe();
        assert!(said.starts_with("this clock is 25 h 1 min behind"), "{said}");
    }

    proptest! {
        /// Whatever fewer than half say, the time is within what the others and this peer's own clock show.
        #[test]
        fn a_minority_moves_nothing(
            honest in prop::collection::vec(-1000i64..1000, 1..8),
            lies in prop::collection::vec(any::<u64>(), 0..7),
            order in any::<u64>(),
        ) {
            let lies = &lies[..lies.len().min(honest.len())];
            let mut clocks: Vec<_> = honest.iter().map(|&millis| ahead(millis)).collect();
            clocks.extend(lies.iter().map(|&lie| Instant::from_millis(lie)));
            clocks.rotate_left(order as usize % honest.len().max(1));
            let mut clock = SwarmClock::default();
            for (n, theirs) in clocks.into_iter().enumerate() {
                clock.handle_clock(Address([n as u8; 20]), theirs, NOW);
            }
            prop_assert_eq!(clock.shift(), Shift::default());
        }

        #[test]
        fn no_clock_is_too_wrong(theirs in any::<u64>(), ours in any::<u64>(), at in any::<u64>()) {
            let mut clock = SwarmClock::default();
            clock.handle_clock(Address([1; 20]), Instant::from_micros(theirs), Instant::from_micros(ours));
            let shift = clock.shift();
            let _ = (shift.theirs(Instant::from_micros(at)), shift.ours(at), shift.describe());
        }
    }
}
