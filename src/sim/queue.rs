//! What is still to happen, in the order of time; what was queued first comes first at the same moment.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A queue of happenings, each at a time in microseconds since the world began.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    sequence: u64,
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
        Self { heap: BinaryHeap::new(), sequence: 0 }
    }

    /// Lets something happen at a time.
    pub fn push(&mut self, time: u64, what: T) {
        self.sequence += 1;
        self.heap.push(Reverse(Entry { time, sequence: self.sequence, what }));
    }

    /// The next thing to happen, if it does not happen after `limit`.
    pub fn pop_until(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.heap.peek()?.0.time > limit {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.time, entry.what))
    }

    /// How many things are queued.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
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
}
