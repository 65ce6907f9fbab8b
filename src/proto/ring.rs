//! The address ring: all 2^160 addresses on a circle, clockwise upwards.
//!
//! The metric of Chord (Stoica et al., 2001) and Symphony (Manku et al., 2003): every peer owns the arc up
//! to its successor, and greedy steps towards a point always arrive.

use std::cmp::Ordering;

use super::id::{Address, number};
use super::random::Random;

/// A distance on the ring: 160 bits as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Distance(u128, u32);

impl Distance {
    /// As a share of the whole ring, in `[0, 1)`.
    pub(crate) fn share(self) -> f64 {
        self.0 as f64 / 2f64.powi(128)
    }
}

/// How far it is from `a` clockwise to `b`.
pub(crate) fn clockwise(a: &Address, b: &Address) -> Distance {
    let ((a_high, a_low), (b_high, b_low)) = (number(&a.0), number(&b.0));
    let (low, borrow) = b_low.overflowing_sub(a_low);
    Distance(b_high.wrapping_sub(a_high).wrapping_sub(u128::from(borrow)), low)
}

/// How far it is between `a` and `b`, the shorter way round.
pub(crate) fn distance(a: &Address, b: &Address) -> Distance {
    clockwise(a, b).min(clockwise(b, a))
}

/// The address that lies this share of the ring clockwise of `from`; negative shares go the other way.
pub(crate) fn offset(from: &Address, share: f64) -> Address {
    let (high, low) = number(&from.0);
    let step = (share.abs().fract() * 2f64.powi(128)) as u128;
    let high = if share < 0.0 { high.wrapping_sub(step) } else { high.wrapping_add(step) };
    let mut bytes = [0; 20];
    bytes[..16].copy_from_slice(&high.to_be_bytes());
    bytes[16..].copy_from_slice(&low.to_be_bytes());
    Address(bytes)
}

/// An address on either side of `from`, as far away as this logarithm of a share of the ring says.
pub(crate) fn around(from: &Address, scale: f64, random: &mut Random) -> Address {
    let side = if random.below(2) == 0 { 1.0 } else { -1.0 };
    offset(from, side * libm::exp(scale))
}

/// A side of the ring as a peer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// Clockwise: the successor's.
    Successor,
    /// Counter-clockwise: the predecessor's.
    Predecessor,
}

impl Side {
    /// Both, in a fixed order.
    pub(crate) const BOTH: [Self; 2] = [Self::Successor, Self::Predecessor];

    /// How far it is from `a` to `b` going this way.
    pub(crate) fn reach(self, a: &Address, b: &Address) -> Distance {
        match self {
            Self::Successor => clockwise(a, b),
            Self::Predecessor => clockwise(b, a),
        }
    }

    /// The first of the addresses that one meets going this way from `origin`, `origin` itself left out.
    pub(crate) fn next<'a>(
        self,
        origin: &Address,
        among: impl IntoIterator<Item = &'a Address>,
    ) -> Option<&'a Address> {
        self.first(origin, &mut among.into_iter())
    }

    // One for all kinds of iterators keeps the module small.
    fn first<'a>(
        self,
        origin: &Address,
        among: &mut dyn Iterator<Item = &'a Address>,
    ) -> Option<&'a Address> {
        among.filter(|&a| a != origin).min_by_key(|a| self.reach(origin, a))
    }
}

/// Orders addresses by their distance to a point; equal distances by the address itself.
pub(crate) fn nearer(to: &Address, a: &Address, b: &Address) -> Ordering {
    distance(to, a).cmp(&distance(to, b)).then_with(|| a.cmp(b))
}

/// A peer that this peer knows a path to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Known {
    /// The peer.
    pub(crate) address: Address,
    /// The neighbor through which the path leads; the peer itself when it is one.
    pub(crate) via: Address,
    /// Links on the path, 1 to 4.
    pub(crate) hops: u8,
    /// Sum of the path's round trips in milliseconds.
    pub(crate) rtt: f32,
    /// Free slots by its last word.
    pub(crate) free: u8,
}

/// Weight of the estimate beyond the view; tuned at 1,000 peers. With half of it messages take more links in the same
/// time, and requests of a crowd take longer.
const BEYOND: f64 = 3.0;
/// Half a round trip over the median link with jitter, in milliseconds.
const MEDIAN: f64 = 48.0;

/// How long it probably takes to a goal along a path, in latencies of a median link: the time to the path's end, and an
/// estimate of what lies beyond, which grows with the number of peers between that end and the goal. `left`: how far that
/// is; `size`: how many peers the swarm has.
pub(crate) fn estimate_time(path: &Known, left: Distance, size: f64, max_peers: usize) -> f64 {
    let rank = 2.0 * size * left.share();
    // With few links every step must bring us nearer: hops count, not time (docs/mesh.md, Direct messages).
    let beyond = if max_peers <= 4 { rank * 100.0 } else { BEYOND * libm::log(1.0 + rank) };
    f64::from(path.rtt) / 2.0 / MEDIAN + beyond
}

/// The logarithm of the distance to some other peer: at random, all scales alike, from the nearest peer to the far side.
pub(crate) fn any_scale(me: &Address, known: &[Known], random: &mut Random) -> f64 {
    let nearest = libm::log((1.0 / estimate_size(me, known)).min(0.25));
    nearest + (libm::log(0.5) - nearest) * random.unit()
}

/// How many peers the swarm has, by the density of the addresses known around `me`; at least 1 + those known.
pub(crate) fn estimate_size(me: &Address, known: &[Known]) -> f64 {
    // The closest six: farther ones are a sample of the whole ring and say nothing of density.
    let mut near = Vec::with_capacity(7);
    for k in known {
        let found = (distance(me, &k.address), k.address);
        if let Err(at) = near.binary_search(&found)
            && at < 6
        {
            near.insert(at, found);
            near.truncate(6);
        }
    }
    let Some(span) = near.last().map(|(farthest, _)| 2.0 * farthest.share()) else { return 1.0 };
    (near.len() as f64 / span.max(1e-30)).max(known.len() as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(first: u8, last: u8) -> Address {
        let mut bytes = [0; 20];
        (bytes[0], bytes[19]) = (first, last);
        Address(bytes)
    }

    #[test]
    fn clockwise_wraps_round_and_borrows_over_the_word_border() {
        assert_eq!(clockwise(&at(0, 1), &at(0, 3)), Distance(0, 2));
        assert_eq!(clockwise(&at(0, 3), &at(0, 1)), Distance(u128::MAX, u32::MAX - 1));
        assert_eq!(clockwise(&at(0, 1), &at(0, 1)), Distance::default());
        assert_eq!(clockwise(&at(0, 3), &at(1, 1)), Distance((1 << 120) - 1, u32::MAX - 1));
    }

    #[test]
    fn distance_takes_the_shorter_way_and_is_symmetric() {
        assert_eq!(distance(&at(250, 0), &at(5, 0)), distance(&at(5, 0), &at(250, 0)));
        assert_eq!(distance(&at(250, 0), &at(5, 0)), Distance(11 << 120, 0));
    }

    #[test]
    fn the_next_on_each_side_is_found_across_zero() {
        let all = [at(10, 0), at(200, 0), at(90, 0)];
        assert_eq!(Side::Successor.next(&at(201, 0), &all), Some(&at(10, 0)));
        assert_eq!(Side::Predecessor.next(&at(10, 0), &all), Some(&at(200, 0)));
        assert_eq!(Side::Predecessor.next(&at(10, 0), &[at(10, 0)]), None);
    }

    #[test]
    fn an_offset_lies_where_it_says() {
        let from = at(200, 7);
        assert!((clockwise(&from, &offset(&from, 0.25)).share() - 0.25).abs() < 1e-12);
        assert!((clockwise(&offset(&from, -0.25), &from).share() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn the_size_is_estimated_from_the_closest_addresses() {
        let known: Vec<_> = (1..=64u8)
            .map(|i| Known { address: at(i * 2, 0), via: at(0, 0), hops: 1, rtt: 0.0, free: 0 })
            .collect();
        let size = estimate_size(&at(64, 0), &known);
        assert!((90.0..200.0).contains(&size), "{size}");
        assert_eq!(estimate_size(&at(0, 0), &[]), 1.0);
    }
}
