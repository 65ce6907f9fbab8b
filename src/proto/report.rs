//! What a peer tells of itself: links, map, counters.

use super::id::Address;
use super::links::link::Packet;
use super::map::Map;
use super::messaging::broadcast;
use super::messaging::direct;

/// One active link.
#[derive(Debug, Clone, PartialEq)]
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

/// How many peers there are in the swarm, this one among them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Most likely so many.
    pub peers: f64,
    /// In 39 of 40 cases not less, ...
    pub low: f64,
    /// ... and not more.
    pub high: f64,
}

/// A snapshot of the mesh as one peer knows it, for a map.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topology {
    /// Addresses, this peer first.
    pub nodes: Vec<Address>,
    /// Links between them.
    pub links: Vec<Edge>,
}

/// One link of the map.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// One end.
    pub a: Address,
    /// The other end.
    pub b: Address,
    /// Round trip in milliseconds, when one end is this peer and it is measured.
    pub rtt: Option<f64>,
}

/// Counters since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Messages handed to the page.
    pub delivered: u64,
    /// Messages the page sent.
    pub sent: u64,
    /// Payloads passed on for others.
    pub forwarded: u64,
    /// Payloads that were here already.
    pub duplicates: u64,
    /// Packets received over all links.
    pub packets_in: u64,
    /// Bytes received over all links.
    pub bytes_in: u64,
    /// Packets sent over all links.
    pub packets_out: u64,
    /// Bytes sent over all links.
    pub bytes_out: u64,
    /// Packets sent that carry no payload and are no sign of life.
    pub control_packets_out: u64,
    /// Bytes of those.
    pub control_bytes_out: u64,
    /// Packets sent that only name messages.
    pub haves_out: u64,
    /// Connections begun.
    pub attempts: u64,
    /// Links that became active.
    pub links: u64,
    /// How often a link was given another path, because the one that it had was broken.
    pub restarts: u64,
    /// What remotes sent that was dropped, by cause.
    pub dropped: Map<&'static str, u64>,
}

impl Stats {
    /// Something of a remote was dropped.
    pub(crate) fn drop_because(&mut self, cause: &'static str) {
        *self.dropped.entry(cause).or_default() += 1;
    }

    pub(crate) fn count_out(&mut self, packet: &Packet, bytes: usize) {
        let bytes = bytes as u64;
        self.packets_out += 1;
        self.bytes_out += bytes;
        match packet {
            Packet::Broadcast(broadcast::Packet::Data { .. })
            | Packet::Direct(direct::Packet::Message { .. }) => {
                self.forwarded += 1;
            }
            Packet::Ping(_) | Packet::Pong(_) => {}
            _ => {
                self.control_packets_out += 1;
                self.control_bytes_out += bytes;
                self.haves_out += u64::from(matches!(packet, Packet::Broadcast(broadcast::Packet::Have(_))));
            }
        }
    }
}
