//! What a peer may hold at most, whatever others send: for tests and fuzz targets, which ask after every input.

use super::Peer;
use crate::proto::config::MAX_MAX_PEERS;
use crate::proto::link::wire::FRAME;

/// Connections beyond the slots: offers kept ready, and what a smaller `maxPeers` found under way.
const SPARE_CONNS: usize = 16;
/// Bytes that wait for one neighbor: above 32 MiB there is nothing more of others, and little is this peer's own.
const MAX_QUEUED: usize = 64 << 20;

impl Peer {
    /// Panics if any table is above its bound, or there are more links than slots.
    pub(crate) fn assert_bounded(&self) {
        let max = self.config.max_peers;
        let largest = self.config.max_message_size + super::linking::PACKET_OVERHEAD;
        assert!(self.neighbors.len() <= max, "{} links in {max} slots", self.neighbors.len());
        // What a smaller maxPeers finds under way may still end by itself.
        assert!(self.conns.len() <= MAX_MAX_PEERS + SPARE_CONNS, "{} connections", self.conns.len());
        for conn in self.conns.values() {
            let [streams, bytes, queued] = conn.link.sizes();
            let most = if conn.link.is_active() { 2 * largest } else { 2 * FRAME };
            assert!(streams <= 8 && bytes <= most && queued <= MAX_QUEUED, "{:?}", conn.link.sizes());
        }
        let taken = self.conns.values().filter(|conn| conn.link.is_taken()).count();
        let partings = self.partings.len();
        assert!(partings == 0 || taken + partings <= max + 1, "{taken} connections, {partings} partings");

        assert!(self.waiting.len() <= super::waiting::MAX_WAITING, "{} requests wait", self.waiting.len());

        let under_way = self.handed_back.len();
        assert!(under_way <= super::answering::MAX_HANDED_BACK, "{under_way} answers under way");

        let [seen, kept, sources, missing, names, counted] = self.broadcast.sizes();
        let sizes = self.broadcast.sizes();
        assert!(seen <= 16_384 && kept <= 16_384 && sources <= 256 && missing <= 4096, "{sizes:?}");
        assert!(names <= 512 * max && counted <= 9 * 4096, "{sizes:?}");
        let [routes, mine, cool, dead, slow, hints, deaths] = self.mesh.sizes();
        assert!(routes <= 1024 && mine <= 64 && hints <= 8, "{:?}", self.mesh.sizes());
        assert!(cool <= 4096 && dead <= 256 && slow <= 1024 && deaths <= 256, "{:?}", self.mesh.sizes());
        let [_, relays, reputation] = self.direct.sizes();
        assert!(relays <= 1024 && reputation <= 64, "{:?}", self.direct.sizes());
        let [proven, order, pins] = self.keys.sizes();
        assert!(proven == order && proven <= 2048 && pins <= 1024, "{:?}", self.keys.sizes());
        let [standings, origins] = self.limits.sizes();
        assert!(standings <= 256 && origins <= 1024, "{:?}", self.limits.sizes());
        let [held, held_bytes, awaiting] = self.outgoing.sizes();
        assert!(held <= 1 << 16 && held_bytes <= self.config.max_held, "{:?}", self.outgoing.sizes());
        assert!(awaiting <= 16 << 20, "{awaiting} bytes wait for keys");
        assert!(self.recent.len() <= 8192, "{} direct messages remembered", self.recent.len());
        assert!(self.errands.len() <= 64, "{} offers of strangers on their way", self.errands.len());
        // Causes are words of this program, not of others.
        assert!(self.stats.dropped.len() <= 64, "{:?}", self.stats.dropped);
    }
}
