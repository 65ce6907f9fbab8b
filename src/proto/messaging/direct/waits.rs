//! How long recipients take to acknowledge: who waits less than that sends everything twice, which makes it take longer.
//!
//! After RFC 6298, but that a message which was tried again counts from its first try. That is too much rather than too
//! little, and of a slow recipient there would be no other (Karn's rule). What it costs an attacker: nothing is kept but of
//! those whom the page writes to and who proved to have the message, and who is slow to say so is waited for, by itself, up to
//! [`MOST`] times as long.

use std::collections::VecDeque;
use std::time::Duration;

use crate::proto::id::Address;
use crate::proto::map::Map;

/// Recipients remembered, the last ones.
const MAX: usize = 256;
/// No wait becomes longer than so many times what it is without this.
const MOST: u32 = 4;

/// What is known of the recipients of late.
#[derive(Debug, Default)]
pub(super) struct Waits {
    known: Map<Address, Wait>,
    /// In the order in which they were first written to.
    order: VecDeque<Address>,
}

#[derive(Debug, Clone, Copy)]
struct Wait {
    smoothed: Duration,
    varies: Duration,
}

impl Waits {
    /// A recipient acknowledged a message after so long.
    pub(super) fn note(&mut self, who: Address, took: Duration) {
        let Some(wait) = self.known.get_mut(&who) else {
            if self.order.len() >= MAX {
                self.order.pop_front().map(|oldest| self.known.remove(&oldest));
            }
            self.order.push_back(who);
            self.known.insert(who, Wait { smoothed: took, varies: took / 2 });
            return;
        };
        wait.varies = (wait.varies * 3 + wait.smoothed.abs_diff(took)) / 4;
        wait.smoothed = (wait.smoothed * 7 + took) / 8;
    }

    /// How long to wait for a recipient who would be given `base`.
    pub(super) fn of(&self, who: &Address, base: Duration) -> Duration {
        let takes = self.known.get(who).map_or(Duration::ZERO, |wait| wait.smoothed + wait.varies * 4);
        takes.clamp(base, base * MOST)
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
    const A: Address = Address([1; 20]);

    #[test]
    fn who_is_slow_is_waited_for_and_nobody_else() {
        let mut waits = Waits::default();
        assert_eq!(waits.of(&A, BASE), BASE);
        waits.note(A, Duration::from_millis(100));
        assert_eq!(waits.of(&A, BASE), BASE, "who is fast is waited for as ever");
        for _ in 0..50 {
            waits.note(A, Duration::from_secs(3));
        }
        let wait = waits.of(&A, BASE);
        assert!(wait > Duration::from_secs(3) && wait < Duration::from_secs(4), "{wait:?}");
        assert_eq!(waits.of(&Address([2; 20]), BASE), BASE);
        for _ in 0..50 {
            waits.note(A, Duration::from_secs(60));
        }
        assert_eq!(waits.of(&A, BASE), BASE * MOST, "and not for ever");
        for _ in 0..50 {
            waits.note(A, Duration::from_millis(50));
        }
        assert_eq!(waits.of(&A, BASE), BASE, "nor for what was once");
    }

    #[test]
    fn no_more_are_remembered_than_allowed() {
        let mut waits = Waits::default();
        for n in 0..MAX as u32 + 10 {
            let mut who = [0; 20];
            who[..4].copy_from_slice(&n.to_le_bytes());
            waits.note(Address(who), Duration::from_secs(3));
        }
        assert_eq!((waits.known.len(), waits.order.len()), (MAX, MAX));
    }
}
