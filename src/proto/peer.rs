//! The peer: owns the machines, and is the only place where they meet.

use std::time::Duration;

use serde::Serialize;

use super::config::{Config, ConfigError};
use super::id::{Address, MessageId, SwarmId};
use super::identity::Identity;
use super::io::{Bytes, Input, Output, SendError, TrackerStatus};
use super::random::Random;
use super::time::Instant;

/// One peer of one swarm.
#[derive(Debug)]
pub struct Peer {
    config: Config,
    address: Address,
}

impl Peer {
    /// A peer that joins its swarm with the first `poll_output`.
    pub fn new(config: Config, identity: Identity, random: Random, now: Instant) -> Result<Self, ConfigError> {
        let _ = (random, now);
        config.validate()?;
        let address = config.address.unwrap_or(identity.address());
        Ok(Self { config, address })
    }

    /// Takes in what the world did.
    pub fn handle(&mut self, input: Input, now: Instant) {
        let _ = (input, now);
    }

    /// The next thing that the world must do; `None` when all is said.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// When [`Input::Timeout`] is due; `None` means never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Sends a payload to every peer of the swarm, or to one. `Event::Delivery` tells how it ended.
    pub fn send(&mut self, to: Option<Address>, payload: Bytes, now: Instant) -> Result<MessageId, SendError> {
        let _ = (to, payload, now);
        Err(SendError::Closed)
    }

    /// Leaves the swarm: says goodbye on every link and to every tracker, and closes all. Idempotent.
    pub fn close(&mut self, now: Instant) {
        let _ = now;
    }

    /// Changes how many links this peer keeps; surplus links are handed over.
    pub fn set_max_peers(&mut self, max_peers: usize, now: Instant) -> Result<(), ConfigError> {
        let _ = (max_peers, now);
        Ok(())
    }

    /// Changes the share of links that carry a broadcast onwards.
    pub fn set_coverage(&mut self, coverage: f64) -> Result<(), ConfigError> {
        let _ = coverage;
        Ok(())
    }

    /// Changes the longest time between two announces.
    pub fn set_announce_every(&mut self, every: Duration, now: Instant) {
        let _ = (every, now);
    }

    /// Adds a tracker by its WebSocket URL; one that is already there stays as it is.
    pub fn add_tracker(&mut self, url: &str, now: Instant) {
        let _ = (url, now);
    }

    /// Takes leave of a tracker.
    pub fn remove_tracker(&mut self, url: &str, now: Instant) {
        let _ = (url, now);
    }

    /// The settings in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The swarm's identifier.
    pub fn swarm(&self) -> SwarmId {
        self.config.swarm
    }

    /// This peer's address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Active links; never more than `max_peers`.
    pub fn link_count(&self) -> usize {
        0
    }

    /// The active links, by address.
    pub fn links(&self) -> Vec<LinkInfo> {
        Vec::new()
    }

    /// Addresses known in the swarm now: neighbors and those heard of lately, this peer left out.
    pub fn known_peers(&self) -> Vec<Address> {
        Vec::new()
    }

    /// Every tracker and how it does.
    pub fn trackers(&self) -> Vec<TrackerStatus> {
        Vec::new()
    }

    /// What this peer knows of the mesh.
    pub fn topology(&self) -> Topology {
        Topology::default()
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        unimplemented!()
    }
}

/// One active link.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkInfo {
    /// The neighbor.
    pub address: Address,
    /// Smoothed round trip in milliseconds; `None` until measured.
    pub rtt: Option<f64>,
    /// When the link became active, in milliseconds since the UNIX epoch.
    pub since: u64,
    /// What the link is for: `successor`, `predecessor` or `long`.
    pub role: &'static str,
}

/// A snapshot of the mesh as one peer knows it, for a map.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Topology {
    /// Addresses, this peer first.
    pub nodes: Vec<Address>,
    /// Links between them.
    pub links: Vec<Edge>,
}

/// One link of the map.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Edge {
    /// One end.
    pub a: Address,
    /// The other end.
    pub b: Address,
    /// Round trip in milliseconds, when known.
    pub rtt: Option<f64>,
}

/// Counters since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Messages handed to the page.
    pub delivered: u64,
    /// Messages the page sent.
    pub sent: u64,
    /// Messages passed on for others.
    pub forwarded: u64,
    /// Copies of messages already seen.
    pub duplicates: u64,
    /// Packets and bytes in, over all links.
    pub packets_in: u64,
    /// Bytes received over all links.
    pub bytes_in: u64,
    /// Packets sent over all links.
    pub packets_out: u64,
    /// Bytes sent over all links.
    pub bytes_out: u64,
    /// What remotes sent that was dropped, by cause.
    pub dropped: std::collections::BTreeMap<&'static str, u64>,
}
