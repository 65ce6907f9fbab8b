//! What is counted while a world runs.

use crate::proto::Peer;

/// What is counted beside the peers' own [`Stats`](crate::proto::Stats).
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Things that happened.
    pub steps: u64,
    /// Those of them that the peers of a large swarm handled ahead, on all cores.
    pub ahead: u64,
    /// Connections begun, each end counted.
    pub connections: u64,
    /// Microseconds of processor time that pages took.
    pub processor: u64,
    /// Connections whose channel opened, each end counted.
    pub opened: u64,
    /// Frames handed to open channels, and their bytes.
    pub frames: u64,
    /// Bytes handed to open channels.
    pub frame_bytes: u64,
    /// Messages to trackers, and their bytes.
    pub tracker_messages: u64,
    /// Bytes sent to trackers.
    pub tracker_bytes: u64,
    /// The most channels that one peer had open beyond its `max_peers`.
    pub most_over_cap: usize,
    /// The longest that a peer had any beyond it, in microseconds, of the times that are over.
    pub longest_over_cap: u64,
    /// How long the living took to notice each death, in microseconds.
    pub noticed: Vec<u32>,
}

/// Sums over all peers of what they count themselves, the gone included.
#[derive(Debug, Default, Clone, Copy)]
pub struct Totals {
    /// Payload copies received: first ones and others.
    pub copies: u64,
    /// Payloads handed to neighbors.
    pub payloads: u64,
    /// Packets sent.
    pub packets: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Packets sent that are neither payloads nor signs of life.
    pub control_packets: u64,
    /// Bytes of those.
    pub control_bytes: u64,
    /// Packets sent that only name messages.
    pub haves: u64,
}

impl Totals {
    pub(super) fn add(&mut self, peer: &Peer) {
        let stats = peer.stats();
        self.copies += stats.delivered + stats.duplicates;
        self.payloads += stats.forwarded;
        self.packets += stats.packets_out;
        self.bytes += stats.bytes_out;
        self.control_packets += stats.control_packets_out;
        self.control_bytes += stats.control_bytes_out;
        self.haves += stats.haves_out;
    }
}

impl std::ops::Sub for Totals {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            copies: self.copies - before.copies,
            payloads: self.payloads - before.payloads,
            packets: self.packets - before.packets,
            bytes: self.bytes - before.bytes,
            control_packets: self.control_packets - before.control_packets,
            control_bytes: self.control_bytes - before.control_bytes,
            haves: self.haves - before.haves,
        }
    }
}
