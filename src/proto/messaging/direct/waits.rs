//! How long recipients take to acknowledge, and neighbors to confirm: who waits less than that sends everything twice, which
//! makes it take longer.
//!
//! After RFC 6298 and Karn's rule: an acknowledgement is a measure if its message was tried once; of one that was tried again nobody
//! knows which try it is of. If a second acknowledgement comes, the message was there all along, and the wait was too short: it doubles
//! until there is a measure (as RFC 3708 tells what was sent twice for nothing from what was lost). Where only one comes, a relay
//! swallowed the others, and waiting longer would help nobody. What it costs an attacker: nothing is kept but of those whom the page
//! writes to and who proved to have the message. Who is slow to say so, or is behind a relay that is, is waited for up to
//! `most` times as long, and nobody else.

use std::collections::VecDeque;
use std::time::Duration;

use crate::proto::id::Address;
use crate::proto::map::Map;

/// Recipients remembered, the last ones.
const MAX: usize = 256;
/// What is known of the recipients of late, or of the neighbors.
#[derive(Debug)]
pub(super) struct Waits {
    /// No wait becomes longer than so many times what it is without this.
    most: u32,
    known: Map<Address, Wait>,
    /// In the order in which they were first written to.
    order: VecDeque<Address>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Wait {
    /// Round trip, smoothed, and how much it varies.
    measured: Option<(Duration, Duration)>,
    /// How often the wait was too short since the last measure.
    doubled: u32,
}

impl Waits {
    pub(super) fn new(most: u32) -> Self {
        Self { most, known: Map::new(), order: VecDeque::new() }
    }

    /// A recipient acknowledged a message after so long that was tried once.
    pub(super) fn note(&mut self, who: Address, took: Duration) {
        let wait = self.entry(who);
        let (smoothed, varies) = wait.measured.unwrap_or((took, took * 2 / 3));
        wait.measured = Some(((smoothed * 7 + took) / 8, (varies * 3 + smoothed.abs_diff(took)) / 4));
        wait.doubled = 0;
    }

    /// A recipient acknowledged a message twice that was tried more often.
    pub(super) fn double(&mut self, who: Address) {
        let most = self.most.ilog2();
        let wait = self.entry(who);
        wait.doubled = (wait.doubled + 1).min(most);
    }

    fn entry(&mut self, who: Address) -> &mut Wait {
        if !self.known.contains_key(&who) {
            if self.order.len() >= MAX {
                self.order.pop_front().map(|oldest| self.known.remove(&oldest));
            }
            self.order.push_back(who);
        }
        self.known.entry(who).or_default()
    }

    /// How long to wait for a recipient who would be given `base`.
    pub(super) fn of(&self, who: &Address, base: Duration) -> Duration {
        let Wait { measured, doubled } = self.known.get(who).copied().unwrap_or_default();
        let takes = measured.map_or(Duration::ZERO, |(smoothed, varies)| smoothed + varies * 4);
        (takes.max(base) * (1 << doubled)).min(base * self.most)
    }

    /// A neighbor is none any more.
    pub(super) fn forget(&mut self, who: &Address) {
        self.known.remove(who);
        self.order.retain(|known| known != who);
    }

    /// How many it remembers.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_millis(1500);
    const MOST: u32 = 4;
    const A: Address = Address([1; 20]);

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn who_is_slow_is_waited_for_and_nobody_else() {
        let mut waits = Waits::new(MOST);
        assert_eq!(waits.of(&A, BASE), BASE);
        waits.note(A, millis(100));
        assert_eq!(waits.of(&A, BASE), BASE, "who is fast is waited for as ever");
        for _ in 0..50 {
            waits.note(A, millis(3000));
        }
        let wait = waits.of(&A, BASE);
        assert!(wait > millis(3000) && wait < millis(4000), "{wait:?}");
        assert_eq!(waits.of(&Address([2; 20]), BASE), BASE);
        for _ in 0..50 {
            waits.note(A, millis(60_000));
        }
        assert_eq!(waits.of(&A, BASE), BASE * MOST, "and not for ever");
        for _ in 0..50 {
            waits.note(A, millis(50));
        }
        assert_eq!(waits.of(&A, BASE), BASE, "nor for what was once");
    }

    #[test]
    fn what_was_there_all_along_doubles_the_wait_until_there_is_a_measure() {
        let mut waits = Waits::new(MOST);
        for doubled in [2, 4, 4] {
            waits.double(A);
            assert_eq!(waits.of(&A, BASE), BASE * doubled);
        }
        waits.note(A, millis(80));
        assert_eq!(waits.of(&A, BASE), BASE);
    }

    #[test]
    fn no_more_are_remembered_than_allowed() {
        let mut waits = Waits::new(MOST);
        for n in 0..MAX as u32 + 10 {
            let mut who = [0; 20];
            who[..4].copy_from_slice(&n.to_le_bytes());
            waits.note(Address(who), millis(3000));
        }
        assert_eq!((waits.known.len(), waits.order.len()), (MAX, MAX));
    }
}
