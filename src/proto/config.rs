//! What a user may set, with the origin of each default.

use std::time::Duration;

use super::id::{Address, SwarmId};
use super::secret::SwarmSecret;

/// The trackers every peer uses unless told otherwise. All peers need the same set: two peers with
/// disjoint sets never meet. Three kept by different people, as trystero lists them in 2026.
pub const PUBLIC_TRACKERS: [&str; 3] =
    ["wss://tracker.webtorrent.dev", "wss://tracker.openwebtorrent.com", "wss://open.ftorrent.com"];

/// Trackers for when none of [`PUBLIC_TRACKERS`] answers. They are known to be overloaded, or blocked, more often.
pub const RESERVE_TRACKERS: [&str; 3] =
    ["wss://tracker.btorrent.xyz", "wss://tracker.files.fm:7073/announce", "wss://tracker.novage.com.ua"];

/// Most trackers that are used as long as one of them answers; those named after them are reserves. A guess: each is a
/// socket, and an announce each minute.
pub const MAX_TRACKERS: usize = 8;

/// The settings of a [`Peer`](super::Peer).
#[derive(Debug, Clone)]
pub struct Config {
    /// The swarm to join.
    pub swarm: SwarmId,
    /// What its members prove to know, in a private swarm; of a public one it is the identifier.
    pub secret: Option<SwarmSecret>,
    /// The secret is still being made out of what its user typed: nothing goes out before
    /// [`Peer::unlock`](super::Peer::unlock).
    pub locked: bool,
    /// An address claimed by the user in place of the one that the identity proves.
    pub address: Option<Address>,
    /// Most links this peer keeps, at least 2. The original's default.
    pub max_peers: usize,
    /// Share of its links that a peer uses when it forwards a broadcast, in (0, 1]. The original's default.
    pub coverage: f64,
    /// Longest time between two announces while this peer has room for more links. The original's default.
    pub announce_every: Duration,
    /// The trackers' WebSocket URLs. Two peers meet where they have one in common, so all of them are used.
    pub trackers: Vec<String>,
    /// Whether it looks for other tabs of the same browser.
    pub tabs: bool,
    /// Whether its connections can be given another path: an ICE restart, which not all that is like WebRTC can do.
    pub restarts: bool,
    /// Those to turn to as long as none of the others answers.
    pub reserves: Vec<String>,
    /// Largest payload this peer sends or accepts, in bytes. A guess: what a browser holds with ease.
    pub max_message_size: usize,
    /// Most bytes held while there is no neighbor to hand them to. A guess: one largest message.
    pub max_held: usize,
}

impl Config {
    /// The defaults, for one swarm.
    pub fn new(swarm: SwarmId) -> Self {
        Self {
            swarm,
            secret: None,
            locked: false,
            address: None,
            max_peers: 6,
            coverage: 0.33,
            announce_every: Duration::from_secs(30),
            trackers: PUBLIC_TRACKERS.iter().map(ToString::to_string).collect(),
            tabs: false,
            restarts: true,
            reserves: RESERVE_TRACKERS.iter().map(ToString::to_string).collect(),
            max_message_size: 16 << 20,
            max_held: 16 << 20,
        }
    }

    /// Checks every setting. The shell refuses wrong values with the page's own words before this.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !(2..=MAX_MAX_PEERS).contains(&self.max_peers) {
            return Err(ConfigError::MaxPeers);
        }
        if !(self.coverage > 0.0 && self.coverage <= 1.0) {
            return Err(ConfigError::Coverage);
        }
        if self.max_message_size == 0 {
            return Err(ConfigError::MaxMessageSize);
        }
        Ok(())
    }

    /// Whether this tracker, by its URL in normal form, is used whatever the others do.
    pub(crate) fn uses(&self, url: &str) -> bool {
        self.trackers.iter().any(|known| known == url)
    }

    /// How many links carry a broadcast onwards: k in docs/mesh.md, Coverage.
    pub fn fanout(&self) -> usize {
        ((self.coverage * self.max_peers as f64).round() as usize).max(1)
    }
}

/// More links than this no browser keeps well; the view grows with its cube.
pub const MAX_MAX_PEERS: usize = 64;

/// Which setting is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `max_peers` is below 2 or above 64.
    #[error("maxPeers must be an integer from 2 to 64")]
    MaxPeers,
    /// `coverage` is not in (0, 1].
    #[error("coverage must be a number above 0 and at most 1")]
    Coverage,
    /// `max_message_size` is zero.
    #[error("maxMessageSize must be at least 1 byte")]
    MaxMessageSize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_the_bound() {
        assert!(ConfigError::MaxPeers.to_string().ends_with(&format!("from 2 to {MAX_MAX_PEERS}")));
    }

    #[test]
    fn the_fanout_follows_the_overlay_study() {
        let mut config = Config::new(SwarmId::of_topic("t"));
        for (coverage, fanout) in [(1.0 / 6.0, 1), (0.01, 1), (0.33, 2), (0.5, 3), (0.67, 4), (1.0, 6)] {
            config.coverage = coverage;
            assert_eq!(config.fanout(), fanout, "{coverage}");
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let good = Config::new(SwarmId::of_topic("t"));
        assert_eq!(good.validate(), Ok(()));
        let coverage = [0.0, -0.5, 1.01, f64::NAN, f64::INFINITY];
        for coverage in coverage {
            assert_eq!(Config { coverage, ..good.clone() }.validate(), Err(ConfigError::Coverage));
        }
        assert_eq!(Config { max_peers: 1, ..good.clone() }.validate(), Err(ConfigError::MaxPeers));
        assert_eq!(Config { max_peers: 65, ..good.clone() }.validate(), Err(ConfigError::MaxPeers));
        assert_eq!(Config { max_message_size: 0, ..good }.validate(), Err(ConfigError::MaxMessageSize));
    }
}
