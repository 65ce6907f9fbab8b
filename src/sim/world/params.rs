//! What a world is like.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::Machines;
use crate::sim::network::Network;
use crate::sim::tracker::TrackerParams;

/// Names a peer of a world, in the order of joining; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

/// Whether proofs are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proofs {
    /// Cheap stand-ins of the same size: for what the mesh does, not for what it withstands.
    #[default]
    StandIn,
    /// The real ones.
    Real,
}

/// What a world is like.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Most links a peer keeps.
    pub max_peers: usize,
    /// Share of its links on which a peer forwards a broadcast.
    pub coverage: f64,
    /// Whether proofs are computed.
    pub proofs: Proofs,
    /// The network between peers.
    pub network: Network,
    /// The machines that pages run on.
    pub machines: Machines,
    /// The trackers.
    pub trackers: TrackerParams,
    /// Each peer's clock is wrong by up to this much, either way.
    #[serde(with = "crate::sim::scenario::span")]
    pub clock_error: Duration,
    /// Whether to keep every event of every peer for [`World::take_events`](super::World::take_events).
    #[serde(skip)]
    pub keep_events: bool,
    /// A peer whose every input and output is printed.
    #[serde(skip)]
    pub trace: Option<u32>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            max_peers: 6,
            coverage: 0.33,
            proofs: Proofs::default(),
            network: Network::default(),
            machines: Machines::default(),
            trackers: TrackerParams::default(),
            clock_error: Duration::ZERO,
            keep_events: false,
            trace: None,
        }
    }
}
