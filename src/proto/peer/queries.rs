//! What a peer tells of itself.

use super::{Parts, Peer};
use crate::proto::config::Config;
use crate::proto::id::{Address, SwarmId};
use crate::proto::io::{TrackerState, TrackerStatus};
use crate::proto::journal::Attempts;
use crate::proto::map::Set;
use crate::proto::report::{Edge, Estimate, LinkInfo, Stats, Topology};
use crate::proto::time::Instant;

impl Peer {
    /// The settings in force.
    pub fn config(&self) -> &Config {
        &self.commons.me.config
    }

    /// The swarm's identifier.
    pub fn swarm(&self) -> SwarmId {
        self.config().swarm
    }

    /// This peer's address, or what it claims in place of it.
    pub fn address(&self) -> Address {
        self.commons.me.name()
    }

    /// Every tracker and how it does.
    pub fn trackers(&self) -> Vec<TrackerStatus> {
        let config = self.config();
        if config.locked {
            return config.trackers.iter().map(|url| TrackerStatus::waiting(url.clone())).collect();
        }
        self.parts.introducers.statuses()
    }

    /// What became of the attempts at connections.
    pub fn attempts(&self) -> Attempts {
        self.parts.links.attempts()
    }

    /// By how many milliseconds this clock is behind those of the neighbors, as far as they are followed.
    pub fn clock_shift(&self) -> i64 {
        self.commons.clock.shift().in_millis()
    }

    /// Whether this peer has nobody, and may soon know more of why.
    pub fn is_searching(&self) -> bool {
        let Parts { links, .. } = &self.parts;
        let asking = |tracker: &TrackerStatus| {
            let hopeful = tracker.peers > 1 && links.attempts().failures.is_empty();
            match tracker.state {
                TrackerState::Connecting | TrackerState::Open => tracker.last_error.is_none(),
                TrackerState::Ready => hopeful,
                TrackerState::Waiting => false,
            }
        };
        let locked = self.config().locked;
        links.is_empty() && (locked || links.is_attempting() || self.trackers().iter().any(asking))
    }

    /// Active links; never more than `max_peers`.
    pub fn link_count(&self) -> usize {
        self.parts.links.count()
    }

    /// Addresses of the active links, in their order.
    pub fn neighbors(&self) -> impl Iterator<Item = Address> + '_ {
        self.parts.links.neighbors()
    }

    /// The active links, by address.
    pub fn links(&mut self) -> Vec<LinkInfo> {
        let (_, cx) = self.look(NOW);
        let describe = |link: &crate::proto::neighborhood::Neighbor| LinkInfo {
            address: link.name,
            rtt: in_milliseconds(link.rtt),
            since: link.since.as_millis(),
            role: cx.around.role(&link.address),
        };
        cx.around.links.iter().map(describe).collect()
    }

    /// Addresses known in the swarm now: neighbors and those within three links, this peer left out.
    pub fn known_peers(&mut self) -> Vec<Address> {
        let (_, cx) = self.look(NOW);
        cx.around.known.iter().map(|known| known.address).collect()
    }

    /// How many peers there are in the swarm, this one among them.
    pub fn estimate(&self) -> Estimate {
        self.parts.topology.estimate()
    }

    /// Of each other peer that says something of itself: what it goes by, whether that is proven, what it says.
    pub fn presences(&self) -> impl Iterator<Item = (Address, bool, &[u8])> {
        self.parts.presence.all()
    }

    /// What this peer knows of the mesh.
    pub fn topology(&mut self) -> Topology {
        let (parts, cx) = self.look(NOW);
        let me = cx.me.address;
        let edges = parts.topology.edges();
        let others: Set<_> =
            edges.iter().flat_map(|&(a, b)| [a, b]).filter(|address| *address != me).collect();
        let rtt = |other: &Address| in_milliseconds(cx.around.link(other)?.rtt);
        let links = edges.into_iter().map(|(a, b)| {
            let other = if a == me { b } else { a };
            Edge { a, b, rtt: if a == me || b == me { rtt(&other) } else { None } }
        });
        let links = links.collect();
        Topology { nodes: std::iter::once(me).chain(others).collect(), links }
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        &self.commons.stats
    }

    /// Makes this peer forward nothing that is not its own.
    #[cfg(any(test, feature = "sim"))]
    pub fn set_silent(&mut self, silent: bool) {
        self.silent = silent;
    }
}

/// Nothing that a peer tells of itself depends on the time.
const NOW: Instant = Instant::from_millis(0);

fn in_milliseconds(rtt: Option<std::time::Duration>) -> Option<f64> {
    rtt.map(|rtt| (rtt.as_secs_f64() * 10_000.0).round() / 10.0)
}
