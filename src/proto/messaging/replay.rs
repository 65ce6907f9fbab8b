//! What was said once is not said again.
//!
//! A message carries the time at which its sender made it. One that is far from our clock is refused, and one
//! whose name is remembered is a copy. Names cannot all be remembered for as long as the clock window is wide: the
//! oldest are forgotten, in the order in which they came, and nothing is taken that may be one of them.
//!
//! A message is made before it comes. So what is stamped later than the last forgotten one *came* is none of them: that
//! is the floor of everybody. It is as old as what is remembered reaches back, whatever was said by however many keys, so
//! what is said now and stamped right always passes. Whose clock is slow would fall below it when much is said; so
//! senders have floors of their own, the stamps of their last forgotten messages. Stamps of a sender only grow, and
//! nothing new of it falls below that. A sender whose floor had to go is judged by everybody's.
//!
//! What is stamped ahead of our clock may be above everybody's floor when it is forgotten. Its sender's floor stays until
//! that has risen above the stamp, or the stamp is too old by itself; and only so many senders may be that fast.

use std::collections::VecDeque;
use std::time::Duration;

use crate::proto::id::{Address, MessageId};
use crate::proto::map::Map;
use crate::proto::shelves::Shelves;
use crate::proto::time::Instant;

/// A message stamped further from the swarm's time than this is refused. Clocks of browsers are minutes off, seldom
/// more.
pub(crate) const CLOCK_WINDOW: Duration = Duration::from_secs(600);
/// A stamp is ahead of our clock when it is by more than this. A guess: clocks that are set by a network are closer.
const AHEAD: Duration = Duration::from_secs(2);
/// Names remembered, of broadcasts and of direct messages: as many as are ever taken within two seconds, and more (`limits`).
pub(crate) const MAX_NAMES: usize = 32_768;
/// Senders with a floor of their own. A guess: 400 kB.
const MAX_FLOORS: usize = 8192;
/// ... of these, such whose stamps were ahead of our clock.
const MAX_AHEAD: usize = 4096;

/// Whether a stamp, in milliseconds, is within the clock window.
pub(crate) fn is_recent(sent_at: u64, now: Instant) -> bool {
    let sent_at = Instant::from_millis(sent_at);
    now - sent_at <= CLOCK_WINDOW && sent_at - now <= CLOCK_WINDOW
}

/// What is known of messages that were forgotten.
#[derive(Debug, Default)]
pub(crate) struct Floors {
    own: Map<Address, Floor>,
    /// When the last one that was forgotten came, and some more: in milliseconds, as stamps are.
    common: u64,
}

#[derive(Debug)]
struct Floor {
    /// The latest stamp that was forgotten.
    stamp: u64,
    /// The latest stamp that was ahead of our clock.
    ahead: u64,
    /// When this sender was heard last.
    heard_at: Instant,
}

impl Floors {
    /// Whether a message that is not remembered cannot be one that was forgotten.
    pub(crate) fn admits(&self, sender: &Address, sent_at: u64, now: Instant) -> bool {
        let own = self.own.get(sender);
        let floor = own.map_or(self.common, |floor| floor.stamp);
        let fast = || own.is_some_and(|own| self.is_needed(own, now)) || self.count_needed(now) < MAX_AHEAD;
        sent_at > floor && (!is_ahead(sent_at, now) || fast())
    }

    /// A message is taken, and remembered.
    pub(crate) fn note(&mut self, sender: Address, sent_at: u64, now: Instant) {
        if let Some(floor) = self.own.get_mut(&sender) {
            floor.heard_at = now;
            if is_ahead(sent_at, now) {
                floor.ahead = floor.ahead.max(sent_at);
            }
        } else if is_ahead(sent_at, now) {
            self.insert(sender, Floor { stamp: self.common, ahead: sent_at, heard_at: now }, now);
        }
    }

    /// A message is forgotten that came then.
    pub(crate) fn forget(&mut self, sender: Address, sent_at: u64, came_at: Instant, now: Instant) {
        self.common = self.common.max((came_at + AHEAD).as_millis());
        match self.own.get_mut(&sender) {
            Some(floor) => floor.stamp = floor.stamp.max(sent_at),
            // Its time alone refuses it from now on.
            None if !is_recent(sent_at, now) => {}
            None => self.insert(sender, Floor { stamp: sent_at, ahead: 0, heard_at: now }, now),
        }
    }

    fn insert(&mut self, sender: Address, floor: Floor, now: Instant) {
        if self.own.len() >= MAX_FLOORS {
            // Who was silent for longest. Where none can go there is room enough: see `MAX_AHEAD`.
            let spare = self.own.iter().filter(|(_, floor)| !self.is_needed(floor, now));
            let oldest = spare.min_by_key(|(_, floor)| floor.heard_at).map(|(&sender, _)| sender);
            let Some(oldest) = oldest else { return };
            self.own.remove(&oldest);
        }
        self.own.insert(sender, floor);
    }

    /// Whether everybody's floor is no substitute for one: a stamp that was ahead is above it, and not too old by itself.
    fn is_needed(&self, floor: &Floor, now: Instant) -> bool {
        floor.ahead > self.common && is_recent(floor.ahead, now)
    }

    fn count_needed(&self, now: Instant) -> usize {
        self.own.values().filter(|floor| self.is_needed(floor, now)).count()
    }

    /// How many it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn len(&self) -> usize {
        self.own.len()
    }
}

fn is_ahead(sent_at: u64, now: Instant) -> bool {
    sent_at > (now + AHEAD).as_millis()
}

/// Names of messages that were taken, a bounded number of them.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    ids: Shelves<()>,
    order: VecDeque<Taken>,
    floors: Floors,
}

#[derive(Debug)]
struct Taken {
    id: MessageId,
    sender: Address,
    sent_at: u64,
    at: Instant,
}

impl Recent {
    /// Takes a message; `false`: it was taken before, or may have been.
    pub(crate) fn take(&mut self, id: MessageId, sender: Address, sent_at: u64, now: Instant) -> bool {
        if self.ids.contains_key(&id) || !self.floors.admits(&sender, sent_at, now) {
            return false;
        }
        if self.order.len() >= MAX_NAMES
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest.id);
            self.floors.forget(oldest.sender, oldest.sent_at, oldest.at, now);
        }
        self.floors.note(sender, sent_at, now);
        self.ids.insert(id, ());
        self.order.push_back(Taken { id, sender, sent_at, at: now });
        true
    }

    /// How many floors it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn count_floors(&self) -> usize {
        self.floors.len()
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

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_message_is_never_taken_twice_however_many_come_between() {
        for ahead in [0, 500_000] {
            let mut recent = Recent::default();
            let at = |n: u64| START + millis(n);
            let sender = |n: u64| Address(numbered(n % 700));
            let stamp = |n: u64| at(n).as_millis() + if n.is_multiple_of(7) { ahead } else { 0 };
            for n in 0..40_000 {
                assert!(recent.take(MessageId(numbered(n)), sender(n), stamp(n), at(n)), "{n}");
            }
            for n in 0..40_000 {
                assert!(!recent.take(MessageId(numbered(n)), sender(n), stamp(n), at(40_000)), "{n}");
            }
            assert_eq!((recent.ids.len(), recent.order.len()), (MAX_NAMES, MAX_NAMES));
        }
    }

    #[test]
    fn a_sender_with_a_slow_clock_is_not_shut_out_by_the_talk_of_others() {
        let mut recent = Recent::default();
        let (fast, slow) = (Address([1; 20]), Address([2; 20]));
        for n in 0..50_000 {
            let now = START + millis(n);
            assert!(recent.take(MessageId(numbered(n)), fast, now.as_millis(), now));
            if n % 100 == 0 {
                let id = MessageId(numbered(n | 1 << 32));
                assert!(recent.take(id, slow, now.as_millis() - 300_000, now), "{n}");
            }
        }
    }

    /// With free keys whose stamps lie ahead a swarm was silenced for good.
    #[test]
    fn free_keys_whose_stamps_lie_ahead_silence_nobody() {
        for ahead in [0, 590_000] {
            let mut recent = Recent::default();
            let (old, mut now, mut taken) = (Address([1; 20]), START, 0);
            let late = 1500;
            for n in 0..60_000u64 {
                now = now + millis(1);
                let stamp = now.as_millis() + ahead;
                taken += u64::from(recent.take(MessageId(numbered(n)), Address(numbered(n)), stamp, now));
                if n % 100 == 0 {
                    // Known before or heard for the first time, and a while under way.
                    for (who, sender) in [(2, old), (3, Address(numbered(n | 1 << 40)))] {
                        let id = MessageId(numbered(n | who << 32));
                        assert!(recent.take(id, sender, now.as_millis() - late, now), "{n} {ahead}");
                    }
                }
            }
            assert_eq!(taken, if ahead == 0 { 60_000 } else { MAX_AHEAD as u64 });
            assert!(recent.floors.len() <= MAX_FLOORS);
        }
    }

    #[test]
    fn a_message_from_a_fast_clock_is_not_taken_again_after_a_flood() {
        let mut recent = Recent::default();
        let (fast, ahead) = (Address([1; 20]), START.as_millis() + 300_000);
        let id = MessageId([1; 20]);
        assert!(recent.take(id, fast, ahead, START));
        // More senders than there is room for, before its time comes and after.
        for n in 0..110_000u64 {
            let now = START + millis(n * 4);
            recent.take(MessageId(numbered(n)), Address(numbered(n)), now.as_millis(), now);
            if n % 1000 == 0 {
                assert!(!recent.take(id, fast, ahead, now), "its name is forgotten long since, {now:?}");
            }
        }
        let later = START + millis(440_000);
        assert!(recent.take(MessageId([2; 20]), fast, ahead + 440_000, later), "and it may go on");
    }

    #[test]
    fn no_more_senders_have_a_floor_than_there_is_room_for() {
        let mut recent = Recent::default();
        let mut n = 0;
        // Each key is forgotten once, and then says something that is stamped ahead.
        for round in 0..30_000u64 {
            let now = START + millis(round);
            for (sender, ahead) in [(round, 0), (round.saturating_sub(9000), 590_000)] {
                n += 1;
                let stamp = now.as_millis() + ahead;
                recent.take(MessageId(numbered(n)), Address(numbered(sender)), stamp, now);
            }
            assert!(recent.floors.len() <= MAX_FLOORS);
        }
        assert!(recent.floors.count_needed(START + millis(30_000)) <= MAX_AHEAD);
    }
}
