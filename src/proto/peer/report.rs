//! What a peer tells of itself: links, map, counters.

use super::Peer;
use crate::proto::broadcast;
use crate::proto::direct;
use crate::proto::id::Address;
use crate::proto::link::Packet;
use crate::proto::map::{Map, Set};

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
    /// What remotes sent that was dropped, by cause.
    pub dropped: Map<&'static str, u64>,
}

impl Stats {
    pub(super) fn count_out(&mut self, packet: &Packet, bytes: usize) {
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

impl Peer {
    /// Active links; never more than `max_peers`.
    pub fn link_count(&self) -> usize {
        self.neighbors.len()
    }

    /// Addresses of the active links, in their order.
    pub fn neighbors(&self) -> impl Iterator<Item = Address> + '_ {
        self.neighbors.keys().copied()
    }

    /// The active links, by address.
    pub fn links(&mut self) -> Vec<LinkInfo> {
        let around = self.surroundings();
        let scene = around.scene();
        let describe = |link: &crate::proto::mesh::Neighbor| LinkInfo {
            address: link.address,
            rtt: self.rtt_of(&link.address),
            since: link.since.as_millis(),
            role: self.mesh.role(&link.address, &scene),
        };
        scene.links.iter().map(describe).collect()
    }

    fn rtt_of(&self, neighbor: &Address) -> Option<f64> {
        let conn = self.conns.get(self.neighbors.get(neighbor)?)?;
        conn.link.rtt().map(|rtt| (rtt.as_secs_f64() * 10_000.0).round() / 10.0)
    }

    /// Addresses known in the swarm now: neighbors and those within three links, this peer left out.
    pub fn known_peers(&mut self) -> Vec<Address> {
        self.known().iter().map(|known| known.address).collect()
    }

    /// What this peer knows of the mesh.
    pub fn topology(&mut self) -> Topology {
        let me = self.address;
        let edges = self.view.edges();
        let others: Set<_> =
            edges.iter().flat_map(|&(a, b)| [a, b]).filter(|address| *address != me).collect();
        let links = edges.into_iter().map(|(a, b)| {
            let other = if a == me { b } else { a };
            Edge { a, b, rtt: if a == me || b == me { self.rtt_of(&other) } else { None } }
        });
        let links = links.collect();
        Topology { nodes: std::iter::once(me).chain(others).collect(), links }
    }

    /// Counters since the start.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }
}
