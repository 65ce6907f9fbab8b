//! Many peers, the very code that runs in the browser, in virtual time.
//!
//! A [`World`] plays the browser for each of its [`Peer`](crate::proto::Peer)s: it carries out every
//! [`Output`](crate::proto::Output) on a simulated network with simulated trackers, and brings back the
//! [`Input`](crate::proto::Input)s. Nothing in it knows how the mesh works; it knows what a data channel, a
//! tracker and a clock do. Since it sees everybody's links, it can also judge: which ring would be right,
//! how fast a flood could have been, who was told twice. Same parameters and same seed, same run, bit for bit.
//!
//! - [`world`]: the peers, the clock, the event loop; what tests program against.
//! - [`network`]: latency, loss, bandwidth, and which pairs can never connect.
//! - [`connection`]: both ends of every `RTCPeerConnection`, from description to close.
//! - [`tracker`]: a WebTorrent tracker, on the real JSON.
//! - [`graph`]: the true mesh, its ring, its components and shortest paths.
//! - [`ledger`]: every message sent and where it went.
//! - [`scenario`], [`run`], [`report`]: experiments as TOML, their execution, and numbers to compare.

pub mod connection;
pub mod graph;
pub mod ledger;
pub mod network;
pub mod queue;
pub mod report;
pub mod run;
pub mod scenario;
pub mod tracker;
pub mod world;

pub use world::{NodeId, Params, World};
