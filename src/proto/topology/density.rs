//! How large the swarm is, by how close its peers are to each other on the ring.
//!
//! Addresses are hashes, so peers lie on the ring at random: in a swarm of N, the gaps between one and the next are 1/N of
//! the ring in the mean. Whose list of links a peer sees, it sees both gaps of: with six links some sixty of them, spread
//! over the ring by the long links. N is their number over their sum; the sum of that many gaps has a gamma distribution,
//! which says how sure that is: it depends on how many gaps are seen, and not on N. Where all are, N is counted.
//!
//! Nothing is decided by it: neighbors may say of theirs what they like.

use crate::proto::id::Address;
use crate::proto::map::Set;
use crate::proto::report::Estimate;
use crate::proto::ring::clockwise;

/// 19 of 20 are between, in standard deviations.
const SURE: f64 = 1.96;
/// The smallest share of the ring that is told from nothing.
const LEAST: f64 = 1e-30;

/// The estimate of one who sees these links, and of these peers all of them.
pub(super) fn estimate(me: Address, edges: &Set<(Address, Address)>, whole: &Set<Address>) -> Estimate {
    let seen: Set<_> = edges.iter().flat_map(|&(a, b)| [a, b]).chain([me]).collect();
    let seen: Vec<_> = seen.into_iter().collect();
    // The gap after each.
    let mut known = vec![false; seen.len()];
    for (at, _) in seen.iter().enumerate().filter(|(_, peer)| whole.contains(peer)) {
        known[at] = true;
        known[(at + seen.len() - 1) % seen.len()] = true;
    }
    let after = |at: usize| clockwise(&seen[at], &seen[(at + 1) % seen.len()]).share();
    let gaps: Vec<_> = (0..seen.len()).filter(|&at| known[at]).map(after).collect();
    let count = seen.len() as f64;
    if gaps.len() == seen.len() {
        return Estimate { peers: count, low: count, high: count };
    }
    let (number, sum) = (gaps.len() as f64, gaps.iter().sum::<f64>().max(LEAST));
    // After Wilson and Hilferty (1931).
    let gamma = |deviations: f64| {
        let part = 1.0 / (9.0 * number);
        let root = 1.0 - part + deviations * libm::sqrt(part);
        number * root * root * root
    };
    let of = |gaps: f64| (gaps / sum).max(count);
    Estimate { peers: of(number - 1.0), low: of(gamma(-SURE)), high: of(gamma(SURE)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::random::Random;
    use crate::proto::ring;

    /// A ring of so many peers at random places, each linked to the next.
    fn ring_of(count: usize, seed: u8) -> Vec<Address> {
        let mut random = Random::new([seed; 32]);
        let peers: Set<_> = (0..count).map(|_| Address(random.bytes())).collect();
        peers.into_iter().collect()
    }

    /// What the first one estimates that sees both links of so many of them, spread over the ring.
    fn seen_by(peers: &[Address], whole: usize) -> Estimate {
        let at = |n: usize| peers[n % peers.len()];
        let of = |n: usize| n * peers.len() / whole;
        let edges = (0..whole).flat_map(|n| {
            let last = peers.len() - 1;
            [(at(of(n)), at(of(n) + 1)), (at(of(n) + last), at(of(n)))]
        });
        estimate(peers[0], &edges.collect(), &(0..whole).map(|n| at(of(n))).collect())
    }

    #[test]
    fn who_sees_all_counts() {
        for count in [1, 2, 3, 30] {
            let peers = ring_of(count, 1);
            let Estimate { peers: number, low, high } = if count == 1 {
                estimate(peers[0], &Set::new(), &peers.iter().copied().collect())
            } else {
                seen_by(&peers, count)
            };
            assert_eq!((number, low, high), (count as f64, count as f64, count as f64));
        }
    }

    #[test]
    fn nineteen_of_twenty_estimates_hold_the_true_number_and_their_mean_is_right() {
        for count in [300, 3_000] {
            let estimates: Vec<_> = (0..200).map(|seed| seen_by(&ring_of(count, seed), 30)).collect();
            let true_ones =
                estimates.iter().filter(|it| (it.low..=it.high).contains(&(count as f64))).count();
            assert!(true_ones >= 184, "{true_ones} of 200, at {count}");
            let mean = estimates.iter().map(|it| it.peers).sum::<f64>() / 200.0;
            assert!((mean / count as f64 - 1.0).abs() < 0.05, "{mean} of {count}");
        }
    }

    #[test]
    fn no_estimate_is_below_what_is_seen() {
        let me = Address([1; 20]);
        let far = |n: usize| ring::offset(&me, n as f64 / 10.0);
        // Its neighbors lie as far as they can.
        let edges = (1..10).map(|n| (me.min(far(n)), me.max(far(n)))).collect();
        let Estimate { peers, low, high } = estimate(me, &edges, &Set::from_iter([me]));
        assert!(peers >= 10.0 && low >= 10.0 && high >= peers);
    }

    #[test]
    fn neighbors_that_make_up_peers_next_to_each_other_make_no_infinity() {
        let me = Address([1; 20]);
        let close = |n: u8| Address(std::array::from_fn(|at| if at == 19 { n } else { 1 }));
        let edges = [(close(0), me), (me, close(2)), (close(2), Address([9; 20]))].into_iter().collect();
        let Estimate { peers, low, high } = estimate(me, &edges, &Set::from_iter([me]));
        assert!(peers.is_finite() && low.is_finite() && high.is_finite());
    }
}
