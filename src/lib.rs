//! Easypeers: easy serverless swarms of WebRTC peers over WebTorrent trackers.
//!
//! The crate has two halves and a page between, and the compiler keeps the walls:
//!
//! - [`proto`] is the peer as a pure state machine: no clock, no dice, no sockets, no async. It holds all
//!   that is ours: tracker protocol, links, mesh, gossip, routing, proofs.
//! - [`payload`] is how structures look in what the peer carries for the page.
//! - `web` (wasm32 only) is the browser around it: `RTCPeerConnection`, `WebSocket`, one timer, and the
//!   exported JavaScript class `Easypeers`.
//!
//! `sim` (feature `sim`) runs thousands of peers in virtual time over a simulated network. `testkit` is what it shares
//! with the tests and the fuzz targets.

pub mod payload;
pub mod proto;

#[cfg(feature = "sim")]
pub mod sim;

#[cfg(any(test, feature = "sim"))]
mod testkit;

#[cfg(target_arch = "wasm32")]
mod web;
