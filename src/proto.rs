//! The peer as a pure state machine.

mod admission;
mod array;
mod broadcast;
mod config;
mod direct;
mod envelope;
#[cfg(test)]
mod hex;
mod id;
mod identity;
mod io;
mod keys;
mod link;
mod map;
mod mesh;
mod message;
mod peer;
mod random;
mod ring;
mod sdp;
mod sealed;
mod secret;
mod time;
mod tracker;
mod view;

pub use admission::{Admission, AdmissionError, Admitted, Binding, Confirm, Hello};
pub use config::{Config, ConfigError, MAX_MAX_PEERS, PUBLIC_TRACKERS};
pub use id::{Address, IdError, InfoHash, MessageId, OfferId, SwarmId, TrackerPeerId};
pub use identity::{Identity, Proof, PublicKey, verify_batch};
pub use io::{
    Bytes, ConnId, DeliveryFailure, Event, Input, Output, Receipt, Received, SendError, TrackerId,
    TrackerState, TrackerStatus, Warning,
};
pub use map::Map;
pub use peer::{Edge, LinkInfo, Peer, Stats, Topology};
pub use random::Random;
pub use secret::{Stretch, SwarmSecret};
pub use time::Instant;
