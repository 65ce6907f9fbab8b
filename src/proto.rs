//! The peer as a pure state machine.

mod config;
mod id;
mod identity;
mod io;
mod peer;
mod random;
mod time;

pub use config::{Config, ConfigError, MAX_MAX_PEERS, PUBLIC_TRACKERS};
pub use id::{Address, IdError, InfoHash, MessageId, OfferId, SwarmId, TrackerPeerId};
pub use identity::Identity;
pub use io::{
    Bytes, ConnId, DeliveryFailure, Event, Input, Output, Receipt, Received, SendError, TrackerId, TrackerState,
    TrackerStatus, Warning,
};
pub use peer::{LinkInfo, Peer, Stats, Topology};
pub use random::Random;
pub use time::Instant;
