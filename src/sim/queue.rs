//! What is still to happen, in the order of time; what was queued first comes first at the same moment.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

/// What happens in one span of so many microseconds is put in order when that span comes: among the millions of things
/// that are queued in a large swarm, a heap of all would look for each at twenty places far apart in memory.
const SPAN: u64 = 1000;

/// A queue of happenings, each at a time in microseconds since the world began.
#[derive(Debug)]
pub struct Queue<T> {
    /// Up to the end of the present span, in order.
    soon: BinaryHeap<Reverse<Entry<T>>>,
    /// The present span.
    span: u64,
    /// By span, as it was queued.
    later: BTreeMap<u64, Vec<Reverse<Entry<T>>>>,
    sequence: u64,
    len: usize,
}

#[derive(Debug)]
struct Entry<T> {
    time: u64,
    sequence: u64,
    what: T,
}

impl<T> Queue<T> {
    /// Nothing will happen.
    pub fn new() -> Self {
        Self { soon: BinaryHeap::new(), span: 0, later: BTreeMap::new(), sequence: 0, len: 0 }
    }

    /// Lets something happen at a time.
    pub fn push(&mut self, time: u64, what: T) {
        self.sequence += 1;
        self.len += 1;
        let entry = Reverse(Entry { time, sequence: self.sequence, what });
        let span = time / SPAN;
        if span <= self.span {
            self.soon.push(entry);
        } else {
            self.later.entry(span).or_default().push(entry);
        }
    }

    /// The next thing to happen, if it does not happen after `limit`.
    pub fn pop_until(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.soon.is_empty() {
            let next = self.later.first_entry().filter(|next| next.key() * SPAN <= limit)?;
            self.span = *next.key();
            self.soon = next.remove().into();
        }
        if self.soon.peek()?.0.time > limit {
            return None;
        }
        let Reverse(entry) = self.soon.pop()?;
        self.len -= 1;
        Some((entry.time, entry.what))
    }

    /// How many things are queued.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Entry<T> {
    fn key(&self) -> (u64, u64) {
        (self.time, self.sequence)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_comes_first_and_then_the_order_of_asking() {
        let mut queue = Queue::new();
        for (time, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b'), (9, 'e')] {
            queue.push(time, what);
        }
        let mut seen = String::new();
        while let Some((_, what)) = queue.pop_until(5) {
            seen.push(what);
        }
        assert_eq!(seen, "abcd");
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn it_does_not_matter_how_far_apart_things_are_and_when_they_are_queued() {
        let mut queue = Queue::new();
        let mut random = crate::proto::Random::new([7; 32]);
        let mut random = move || u64::from_le_bytes(random.bytes());
        let (mut waiting, mut now) = (std::collections::BTreeSet::new(), 0);
        for n in 0..5000_u64 {
            let time = now + random() % [3, SPAN, 9 * SPAN][n as usize % 3];
            queue.push(time, n);
            waiting.insert((time, n));
            let limit = now + random() % (2 * SPAN);
            if random() % 2 == 0 {
                let next = waiting.first().copied().filter(|(time, _)| *time <= limit);
                assert_eq!(queue.pop_until(limit), next);
                next.map(|next| waiting.remove(&next));
                now = next.map_or(limit, |(time, _)| time);
            }
            assert_eq!(queue.len(), waiting.len());
        }
    }
}
