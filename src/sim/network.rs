//! The link model of docs/mesh.md, Model, with what the first study left out as parameters.
//!
//! Latency is lognormal and fixed for each pair of peers; it is computed from a hash of the pair, so that a
//! pair is equally far apart in every design, at every time, and nothing is stored. Channels are reliable:
//! a lost packet shows as delay.

use std::time::Duration;

use serde::Deserialize;

use super::scenario::span;
use crate::proto::Random;
use crate::testkit::mix;

/// No way between two peers is shorter.
pub(super) const SHORTEST: Duration = Duration::from_millis(1);

/// What the network is like.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Median one-way latency between two peers.
    #[serde(with = "span")]
    pub median: Duration,
    /// Standard deviation of the logarithm of the latency.
    pub sigma: f64,
    /// Each message takes up to this share longer.
    pub jitter: f64,
    /// Share of messages whose packet is lost once; of those, again.
    pub loss: f64,
    /// What a loss costs beyond one round trip. A guess between fast retransmit and SCTP's timer.
    #[serde(with = "span")]
    pub retransmit: Duration,
    /// Bytes per second in each direction of a link; zero means without limit.
    pub bandwidth: u64,
    /// ICE and DTLS beyond four link latencies.
    #[serde(with = "span")]
    pub ice: Duration,
    /// When a connection that cannot be made is reported as failed.
    #[serde(with = "span")]
    pub ice_timeout: Duration,
    /// From the local description to the last candidate.
    #[serde(with = "span")]
    pub gathering: Duration,
    /// Share of pairs that can never connect.
    pub nat: f64,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            median: Duration::from_millis(40),
            sigma: 0.5,
            jitter: 0.1,
            loss: 0.0,
            retransmit: Duration::from_millis(200),
            bandwidth: 0,
            ice: Duration::ZERO,
            ice_timeout: Duration::from_secs(15),
            gathering: Duration::ZERO,
            nat: 0.0,
        }
    }
}

impl Network {
    /// One-way latency between two peers without jitter, in microseconds.
    pub fn latency(&self, seed: u64, a: u32, b: u32) -> u32 {
        let hash = pair_hash(seed, a, b);
        let (u, v) = (unit(mix(hash ^ 1)), unit(mix(hash ^ 2)));
        // Box-Muller; `1 - u` keeps the logarithm finite.
        let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        let micros = self.median.as_micros() as f64 * (self.sigma * normal).exp();
        micros.clamp(SHORTEST.as_micros() as f64, 5e6) as u32
    }

    /// Whether two peers can ever connect.
    pub fn connectable(&self, seed: u64, a: u32, b: u32) -> bool {
        unit(mix(pair_hash(seed, a, b) ^ 3)) >= self.nat
    }

    /// How long one message takes over a link of this latency, in microseconds.
    pub fn transit(&self, latency: u32, random: &mut Random) -> u64 {
        let mut micros = f64::from(latency) * (1.0 + self.jitter * random.unit());
        if self.loss > 0.0 {
            while random.unit() < self.loss {
                micros += f64::from(latency) * 2.0 + self.retransmit.as_micros() as f64;
            }
        }
        micros as u64
    }
}

fn pair_hash(seed: u64, a: u32, b: u32) -> u64 {
    mix(mix(seed) ^ (u64::from(a.min(b)) << 32 | u64::from(a.max(b))))
}

fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_is_lognormal_symmetric_and_fixed() {
        let network = Network::default();
        assert_eq!(network.latency(1, 3, 9), network.latency(1, 9, 3));
        let mut all: Vec<f64> = (0..10_000).map(|b| f64::from(network.latency(1, b, b + 77_777))).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| all[(share * 10_000.0) as usize] / 1000.0;
        assert!((at(0.5) - 40.0).abs() < 1.5, "median {}", at(0.5));
        assert!((at(0.8413) - 40.0 * 0.5f64.exp()).abs() < 3.0, "one sigma {}", at(0.8413));
    }

    #[test]
    fn the_share_of_pairs_that_cannot_connect_is_as_asked() {
        let network = Network { nat: 0.15, ..Network::default() };
        let blocked = (0..10_000).filter(|&b| !network.connectable(5, b, b + 99_999)).count();
        assert!((1300..1700).contains(&blocked), "{blocked}");
    }

    #[test]
    fn a_loss_is_a_delay() {
        let mut random = Random::new([1; 32]);
        let network = Network { loss: 0.5, ..Network::default() };
        let slow = (0..1000).filter(|_| network.transit(40_000, &mut random) > 44_000).count();
        assert!((400..600).contains(&slow), "{slow}");
    }
}
