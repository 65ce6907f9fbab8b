//! The peer as a pure state machine.

mod admission;
mod config;
#[cfg(test)]
mod hex;
mod id;
mod identity;
mod io;
mod peer;
mod random;
mod sealed;
mod secret;
mod time;

pub use admission::{Admission, AdmissionError, Admitted, Binding, Confirm, Hello};
pub use config::{Config, ConfigError, MAX_MAX_PEERS, PUBLIC_TRACKERS};
pub use id::{Address, IdError, InfoHash, MessageId, OfferId, SwarmId, TrackerPeerId};
pub use identity::{Identity, Proof, PublicKey, verify_batch};
pub use io::{
    Bytes, ConnId, DeliveryFailure, Event, Input, Output, Receipt, Received, SendError, TrackerId, TrackerState,
    TrackerStatus, Warning,
};
pub use peer::{LinkInfo, Peer, Stats, Topology};
pub use random::Random;
pub use secret::{Stretch, SwarmSecret};
pub use time::Instant;
