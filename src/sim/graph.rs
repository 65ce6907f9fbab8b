//! The true mesh, as no peer can see it: who has which links, what the ring should be, and how fast a
//! message could go.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use crate::proto::Address;

/// No path.
pub const UNREACHED: u32 = u32::MAX;

/// Who is alive, and every link that a living peer believes in.
#[derive(Debug, Default)]
pub struct Graph {
    links: Vec<Vec<Link>>,
    ring: BTreeMap<Address, u32>,
    /// Links that only the first of the two believes in, and since when, in microseconds.
    one_sided: BTreeMap<(u32, u32), u64>,
}

/// One direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The other end.
    pub to: u32,
    /// One-way latency in microseconds, without jitter.
    pub latency: u32,
}

impl Graph {
    /// A new living peer; they are numbered in the order of coming.
    pub fn add(&mut self, node: u32, address: Address) {
        debug_assert_eq!(node as usize, self.links.len());
        self.links.push(Vec::new());
        self.ring.insert(address, node);
    }

    /// A peer is gone, and what it believed with it.
    pub fn remove(&mut self, node: u32, address: Address, now: u64) {
        self.ring.remove(&address);
        for link in std::mem::take(&mut self.links[node as usize]) {
            self.one_sided.remove(&(node, link.to));
            if self.linked(link.to, node) {
                self.one_sided.insert((link.to, node), now);
            }
        }
    }

    /// A peer says that it has a link. False when it said so already.
    pub fn connect(&mut self, from: u32, link: Link, now: u64) -> bool {
        if self.linked(from, link.to) {
            return false;
        }
        self.links[from as usize].push(link);
        if self.one_sided.remove(&(link.to, from)).is_none() {
            self.one_sided.insert((from, link.to), now);
        }
        true
    }

    /// A peer says that a link is gone. False when it never had it.
    pub fn disconnect(&mut self, from: u32, to: u32, now: u64) -> bool {
        let links = &mut self.links[from as usize];
        let Some(at) = links.iter().position(|link| link.to == to) else { return false };
        links.remove(at);
        if self.one_sided.remove(&(from, to)).is_none() {
            self.one_sided.insert((to, from), now);
        }
        true
    }

    /// Whether the first believes in a link to the second.
    pub fn linked(&self, from: u32, to: u32) -> bool {
        self.links[from as usize].iter().any(|link| link.to == to)
    }

    /// The links a peer believes in.
    pub fn links(&self, node: u32) -> &[Link] {
        &self.links[node as usize]
    }

    /// Links that only their first end has believed in since before a time.
    pub fn one_sided_since(&self, before: u64) -> impl Iterator<Item = (u32, u32, u64)> {
        self.one_sided
            .iter()
            .filter(move |&(_, &since)| since < before)
            .map(|(&(a, b), &since)| (a, b, since))
    }

    /// How many peers live.
    pub fn living(&self) -> usize {
        self.ring.len()
    }

    /// The living, in the order of their addresses.
    pub fn ring(&self) -> impl Iterator<Item = u32> {
        self.ring.values().copied()
    }

    /// Who has an address, among the living.
    pub fn at(&self, address: &Address) -> Option<u32> {
        self.ring.get(address).copied()
    }

    /// The true neighbors of an address on the ring of the living: predecessor and successor.
    pub fn ring_neighbors(&self, address: Address) -> (Option<u32>, Option<u32>) {
        let others =
            |range: Option<(&Address, &u32)>| range.filter(|(a, _)| **a != address).map(|(_, &node)| node);
        let before = self.ring.range(..address).next_back().or_else(|| self.ring.iter().next_back());
        let after = self
            .ring
            .range((std::ops::Bound::Excluded(address), std::ops::Bound::Unbounded))
            .next()
            .or_else(|| self.ring.iter().next());
        (others(before), others(after))
    }

    /// The share of the living whose true successor is linked to them; 1 for a single peer.
    pub fn ring_share(&self) -> f64 {
        if self.ring.len() < 2 {
            return 1.0;
        }
        1.0 - self.gaps().count() as f64 / self.ring.len() as f64
    }

    /// Peers that are not linked to their true successors, and those.
    pub fn gaps(&self) -> impl Iterator<Item = (u32, u32)> {
        let next = self.ring().skip(1).chain(self.ring().take(1));
        self.ring().zip(next).filter(|&(node, next)| node != next && !self.linked(node, next))
    }

    /// Sizes of the connected parts, the largest first, by links that both ends believe in.
    pub fn components(&self) -> Vec<usize> {
        let mut seen = vec![false; self.links.len()];
        let mut sizes = Vec::new();
        for start in self.ring() {
            if std::mem::replace(&mut seen[start as usize], true) {
                continue;
            }
            let (mut size, mut stack) = (0, vec![start]);
            while let Some(node) = stack.pop() {
                size += 1;
                for link in self.links(node) {
                    if !seen[link.to as usize] && self.linked(link.to, node) {
                        seen[link.to as usize] = true;
                        stack.push(link.to);
                    }
                }
            }
            sizes.push(size);
        }
        sizes.sort_unstable_by_key(|&size| Reverse(size));
        sizes
    }

    /// Fewest, mean and most links of a living peer.
    pub fn degrees(&self) -> (usize, f64, usize) {
        let (mut least, mut sum, mut most) = (usize::MAX, 0, 0);
        for node in self.ring() {
            let degree = self.links(node).len();
            (least, sum, most) = (least.min(degree), sum + degree, most.max(degree));
        }
        if self.ring.is_empty() { (0, 0.0, 0) } else { (least, sum as f64 / self.ring.len() as f64, most) }
    }

    /// When a flood from a peer would reach each other, in microseconds: every link times `factor`.
    pub fn fastest(&self, from: u32, factor: f64) -> Vec<u32> {
        let mut best = vec![UNREACHED; self.links.len()];
        let mut queue = BinaryHeap::from([Reverse((0u32, from))]);
        best[from as usize] = 0;
        while let Some(Reverse((time, node))) = queue.pop() {
            if time > best[node as usize] {
                continue;
            }
            for link in self.links(node) {
                let then = time.saturating_add((f64::from(link.latency) * factor) as u32);
                // The dead keep no links, so that a path through them is found to end there.
                if then < best[link.to as usize] {
                    best[link.to as usize] = then;
                    queue.push(Reverse((then, link.to)));
                }
            }
        }
        best
    }

    /// The fewest links between two peers.
    pub fn hops(&self, from: u32, to: u32) -> Option<u32> {
        let mut hops = vec![UNREACHED; self.links.len()];
        let mut queue = VecDeque::from([from]);
        hops[from as usize] = 0;
        while let Some(node) = queue.pop_front() {
            if node == to {
                return Some(hops[node as usize]);
            }
            for link in self.links(node) {
                if hops[link.to as usize] == UNREACHED {
                    hops[link.to as usize] = hops[node as usize] + 1;
                    queue.push_back(link.to);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> Address {
        Address([n; 20])
    }

    /// 0 - 1 - 2 - 3 in a row, one millisecond each, and a slow link 0 - 3.
    fn row() -> Graph {
        let mut graph = Graph::default();
        (0..5).for_each(|node| graph.add(node, address(node as u8 * 10)));
        for (a, b, latency) in [(0, 1, 1000), (1, 2, 1000), (2, 3, 1000), (0, 3, 9000)] {
            graph.connect(a, Link { to: b, latency }, 0);
            graph.connect(b, Link { to: a, latency }, 0);
        }
        graph
    }

    #[test]
    fn the_fastest_way_need_not_be_the_shortest() {
        let graph = row();
        assert_eq!(graph.fastest(0, 1.0), [0, 1000, 2000, 3000, UNREACHED]);
        assert_eq!(graph.hops(0, 3), Some(1));
        assert_eq!(graph.hops(0, 2), Some(2));
        assert_eq!(graph.hops(0, 4), None);
    }

    #[test]
    fn parts_ring_and_degrees_are_counted() {
        let mut graph = row();
        assert_eq!(graph.components(), [4, 1]);
        assert_eq!(graph.ring_share(), 0.6);
        assert_eq!(graph.degrees(), (0, 1.6, 2));
        graph.remove(4, address(40), 0);
        assert_eq!(graph.ring_share(), 1.0);
        assert_eq!(graph.ring_neighbors(address(0)), (Some(3), Some(1)));
    }

    #[test]
    fn a_link_is_one_sided_until_both_say_so_or_neither() {
        let mut graph = row();
        assert_eq!(graph.one_sided_since(100).count(), 0);
        graph.disconnect(1, 0, 50);
        assert_eq!(graph.one_sided_since(100).collect::<Vec<_>>(), [(0, 1, 50)]);
        assert_eq!(graph.one_sided_since(50).count(), 0);
        graph.disconnect(0, 1, 60);
        assert_eq!(graph.one_sided_since(100).count(), 0);
        graph.remove(2, address(20), 70);
        assert_eq!(graph.one_sided_since(100).map(|(a, ..)| a).collect::<Vec<_>>(), [1, 3]);
    }
}
