//! The peer as a pure state machine: no clock, no dice, no sockets, no async.
//!
//! Whoever owns a [`Peer`] gives it an [`Input`] and the time, pulls [`Output`]s until there are none, and asks
//! when to wake it. A browser does that in `web`, a simulated network in `sim`; the same seed and the same
//! inputs give the same run.
//!
//! # How a swarm works
//!
//! **Swarm.** All peers of one topic. Each has a key pair, and an address that is the hash of its key, a point
//! on a ring of 2^160 addresses. A peer keeps at most `max_peers` links, whatever the size of the swarm.
//!
//! **Tracker** (`introducers`, `envelope`). A WebTorrent tracker hands a newcomer's offers to random members. That is
//! all it is needed for: a member passes an offer on through the mesh to the peer that should take it up.
//!
//! **Link** (`links`: `link`, `admission`, `slots`; `sdp`). One WebRTC data channel. Before it carries anything,
//! both sides prove in zero knowledge that they know the swarm (CPace) and own their keys (Schnorr), bound to the
//! channel's own certificates.
//!
//! **Mesh** (`topology`, `signalling`, `neighborhood`, `ring`). Every peer is linked to its two neighbors on the
//! ring and spends its other slots on long links, evenly over all scales of distance (Kleinberg 2000; Symphony,
//! Manku et al. 2003). It sees three links far. Requests for links travel hop by hop, and replies come
//! back, so the mesh builds, heals and balances itself without anybody's help. A full peer lets a newcomer in by
//! handing one of its links over.
//!
//! **Broadcast** (`messaging::broadcast`). The first message of a source floods and carves a tree of first
//! arrivals; later ones follow it, one copy for each peer, and names of messages on the other links repair what
//! breaks (reverse path forwarding, Dalal and Metcalfe 1978; Plumtree, Leitão et al. 2007).
//!
//! **Direct** (`messaging::direct`). Greedy routing towards the recipient's address over the three-link view,
//! confirmed by every hop, acknowledged by the recipient, tried again on other paths, and at last asked of the
//! whole swarm.
//!
//! **Message** (`messaging::message`, `identity`, `keys`). Signed by its sender with a proof that every peer
//! checks before it passes the message on; a direct one is sealed to its recipient.
//!
//! **Limits** (`limits`, `messaging::replay`). What is said once is not said again, nobody asks for more than a
//! peer can give, and who passes on what no honest peer does loses its links.
//!
//! [`Peer`] introduces these parts to each other; none of them knows another. `docs/architecture.md` follows a
//! message and a newcomer through all of them, file by file.

mod acceptance;
mod clock;
mod codec;
mod config;
mod context;
mod envelope;
#[cfg(feature = "sim")]
pub mod fuzz;
pub(crate) mod hex;
mod holding;
mod id;
mod identity;
mod introducers;
mod io;
mod journal;
mod keys;
mod limits;
mod links;
mod map;
mod me;
mod messaging;
mod neighborhood;
mod offer;
mod peer;
mod place;
mod presence;
mod random;
mod report;
mod request;
mod restart;
mod ring;
mod sdp;
mod sealed;
mod secret;
mod shelves;
mod signalling;
mod standby;
mod time;
mod topology;

pub use config::{Config, ConfigError, MAX_MAX_PEERS, MAX_TRACKERS, PUBLIC_TRACKERS, RESERVE_TRACKERS};
#[cfg(any(test, feature = "sim"))]
pub(crate) use envelope::Half;
pub use id::{Address, IdError, InfoHash, MessageId, OfferId, SwarmId, TrackerPeerId};
pub use identity::{Identity, Proof, PublicKey, verify_batch};
pub use io::{
    Bytes, ConnId, DeliveryFailure, Event, Input, MAX_TRACKER_TEXT, Output, Receipt, Received, SendError,
    TrackerId, TrackerState, TrackerStatus, Waiting, Warning,
};
pub use journal::{Attempts, Candidates, Cause, Failure, Trouble};
pub use links::admission::{Abilities, Admission, AdmissionError, Admitted, Binding, Confirm, Hello};
#[cfg(feature = "sim")]
pub(crate) use links::link::SILENCE;
pub use map::Map;
pub use peer::Peer;
pub use presence::MAX_STATE;
pub use random::Random;
pub use report::{Edge, Estimate, LinkInfo, Stats, Topology};
pub use secret::{Stretch, SwarmSecret};
pub use time::Instant;
