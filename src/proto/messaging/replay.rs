//! What was said once is not said again.
//!
//! A message carries the time at which its sender made it. One that is far from our clock is refused, and one
//! whose name is remembered is a copy. Names cannot all be remembered for as long as the clock window is wide:
//! where one has to go, its sender's *floor* rises to its time, and an unknown message of this sender from
//! before is refused. A sender's times only grow, so nothing new falls below its floor, however wrong its clock.
//!
//! Floors are bounded too. The lowest gives way and becomes the floor of everybody: the more is said, the
//! better must clocks agree.

use std::collections::VecDeque;
use std::time::Duration;

use crate::proto::id::{Address, MessageId};
use crate::proto::map::{Map, Set};
use crate::proto::time::Instant;

/// A message stamped further from our clock than this is refused. Clocks of browsers are minutes off, seldom
/// more.
pub(crate) const CLOCK_WINDOW: Duration = Duration::from_secs(600);
/// Senders with a floor of their own. A guess: 120 kB.
const MAX_FLOORS: usize = 4096;

/// Whether a stamp, in milliseconds, is within the clock window.
pub(crate) fn is_recent(sent_at: u64, now: Instant) -> bool {
    let sent_at = Instant::from_millis(sent_at);
    now - sent_at <= CLOCK_WINDOW && sent_at - now <= CLOCK_WINDOW
}

/// Up to when messages of each sender were forgotten.
#[derive(Debug, Default)]
pub(crate) struct Floors {
    floors: Map<Address, u64>,
    /// Of everybody.
    common: u64,
}

impl Floors {
    /// Whether a message that is not remembered cannot be one that was forgotten.
    pub(crate) fn admits(&self, sender: &Address, sent_at: u64) -> bool {
        sent_at > self.common && self.floors.get(sender).is_none_or(|floor| sent_at > *floor)
    }

    /// A message is forgotten.
    pub(crate) fn raise(&mut self, sender: Address, sent_at: u64, now: Instant) {
        if !is_recent(sent_at, now) {
            return; // Its time alone refuses it from now on.
        }
        let floor = self.floors.entry(sender).or_default();
        *floor = sent_at.max(*floor);
        if self.floors.len() > MAX_FLOORS {
            self.floors.retain(|_, floor| is_recent(*floor, now));
        }
        if self.floors.len() > MAX_FLOORS
            && let Some((&lowest, &floor)) = self.floors.iter().min_by_key(|(_, floor)| **floor)
        {
            self.floors.remove(&lowest);
            // Never above our clock: whoever stamps ahead of time must not shut the others out.
            self.common = self.common.max(floor.min(now.as_millis()));
        }
    }

    /// How many it holds.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.floors.len()
    }
}

/// Names of messages that were taken, a bounded number of them.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    ids: Set<MessageId>,
    order: VecDeque<(MessageId, Address, u64)>,
    floors: Floors,
}

impl Recent {
    /// Names remembered.
    const MAX: usize = 8192;

    /// Takes a message; `false`: it was taken before, or may have been.
    pub(crate) fn take(&mut self, id: MessageId, sender: Address, sent_at: u64, now: Instant) -> bool {
        if self.ids.contains(&id) || !self.floors.admits(&sender, sent_at) {
            return false;
        }
        if self.order.len() >= Self::MAX
            && let Some((oldest, sender, sent_at)) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
            self.floors.raise(sender, sent_at, now);
        }
        self.ids.insert(id);
        self.order.push_back((id, sender, sent_at));
        true
    }

    /// How many names it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_millis(1_800_000_000_000);

    fn numbered(n: u64) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        bytes
    }

    #[test]
    fn a_message_is_never_taken_twice_however_many_come_between() {
        let mut recent = Recent::default();
        let at = |n: u64| START.as_millis() + n / 100;
        let sender = |n: u64| Address(numbered(n % 7));
        for n in 0..20_000 {
            assert!(recent.take(MessageId(numbered(n)), sender(n), at(n), START), "{n}");
        }
        for n in 0..20_000 {
            assert!(!recent.take(MessageId(numbered(n)), sender(n), at(n), START), "{n}");
        }
        assert_eq!((recent.ids.iter().count(), recent.order.len()), (Recent::MAX, Recent::MAX));
    }

    #[test]
    fn a_sender_with_a_slow_clock_is_not_shut_out_by_the_talk_of_others() {
        let mut recent = Recent::default();
        let (fast, slow) = (Address([1; 20]), Address([2; 20]));
        for n in 0..50_000 {
            let at = START.as_millis() + n;
            assert!(recent.take(MessageId(numbered(n)), fast, at, START));
            if n % 100 == 0 {
                let id = MessageId(numbered(n | 1 << 32));
                assert!(recent.take(id, slow, at - 300_000, START), "{n}");
            }
        }
    }

    #[test]
    fn many_senders_narrow_the_window_and_never_close_it() {
        let mut floors = Floors::default();
        let ahead = START.as_millis() + 590_000;
        for n in 0..20_000 {
            floors.raise(Address(numbered(n)), ahead, START);
        }
        assert_eq!(floors.len(), MAX_FLOORS);
        let later = START + Duration::from_millis(1);
        assert!(floors.admits(&Address([9; 20]), later.as_millis()), "stamped ahead of time by thousands");
        assert!(!floors.admits(&Address([9; 20]), START.as_millis()), "but no old message passes");
        floors.raise(Address([8; 20]), START.as_millis() - 700_000, START);
        assert!(floors.admits(&Address([8; 20]), later.as_millis()));
    }
}
