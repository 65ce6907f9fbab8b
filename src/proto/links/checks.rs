//! What holds of the connections of a peer after every input, whatever others send: for tests, fuzz targets and the
//! simulator.

use super::Links;
use super::link::wire::FRAME;
use crate::proto::config::MAX_MAX_PEERS;
use crate::proto::context::Purpose;
use crate::proto::neighborhood::Neighborhood;
use crate::proto::request::RequestId;
use crate::proto::sdp::MAX_CANDIDATES;

/// Connections beyond the slots: offers kept ready, and what a smaller `maxPeers` found under way.
const SPARE_CONNS: usize = 16;
/// Bytes that wait for one neighbor: above 32 MiB there is nothing more of others, and little is this peer's own.
const MAX_QUEUED: usize = 64 << 20;

impl Links {
    /// Panics if slots do not add up, if links and connections do not agree, or if something half-open waits for ever.
    /// `asks`: whether a request of this peer's own is still open.
    pub(crate) fn assert_consistent(&self, around: &Neighborhood, asks: impl Fn(&RequestId) -> bool) {
        let max_peers = around.max_peers;
        assert!(self.neighbors.len() <= max_peers, "{} links in {max_peers} slots", self.neighbors.len());
        for (peer, id) in self.neighbors.iter() {
            let conn = self.conns.get(id).expect("a link has a connection");
            assert!(conn.link.is_active() && conn.peer == Some(*peer) && conn.admitted.is_some(), "{conn:?}");
        }
        let active = self.conns.values().filter(|conn| conn.link.is_active()).count();
        assert_eq!(active, self.neighbors.len(), "every active connection is a link, and one of its own");
        let attempts = self.conns.values().filter(|conn| conn.holds_slot() && !conn.link.is_active()).count();
        assert_eq!(around.free, max_peers as isize - (active + attempts) as isize, "slots add up");
        for conn in self.conns.values().filter(|conn| !conn.link.is_active()) {
            assert!(conn.link.poll_timeout().is_some(), "it waits for ever: {conn:?}");
            if let Purpose::Request(id, _) = conn.purpose {
                assert!(conn.link.is_taken_up() || asks(&id), "nobody asks with it any more: {conn:?}");
            }
        }
    }

    /// Panics if it holds more than it may.
    pub(crate) fn assert_bounded(&self, max_peers: usize, max_message_size: usize) {
        let largest = super::largest_packet(max_message_size);
        // What a smaller maxPeers finds under way may still end by itself.
        assert!(self.conns.len() <= MAX_MAX_PEERS + SPARE_CONNS, "{} connections", self.conns.len());
        for conn in self.conns.values() {
            let [streams, bytes, queued] = conn.link.sizes();
            let most = if conn.link.is_active() { 2 * largest } else { 2 * FRAME };
            assert!(streams <= 8 && bytes <= most && queued <= MAX_QUEUED, "{:?}", conn.link.sizes());
            assert!(conn.tried.len() <= MAX_CANDIDATES, "{} endpoints", conn.tried.len());
        }
        let taken = self.conns.values().filter(|conn| conn.link.is_taken_up()).count();
        let partings = self.partings.len();
        assert!(partings == 0 || taken + partings <= max_peers + 1, "{taken} taken, {partings} partings");
        let rivals = self.rivals.len();
        assert!(rivals <= self.conns.len(), "{rivals} wait for holders");
        assert!(self.pace.slow.len() <= 1024, "{} slow peers", self.pace.slow.len());
        assert!(self.targets.len() <= 4096, "{} targets", self.targets.len());
    }
}

/// What tests look at, and where they lay hands on.
#[cfg(test)]
impl Links {
    pub(crate) fn conns(&self) -> &super::Map<super::ConnId, super::Conn> {
        &self.conns
    }

    pub(crate) fn conns_mut(&mut self) -> &mut super::Map<super::ConnId, super::Conn> {
        &mut self.conns
    }

    pub(crate) fn conn_of(&self, neighbor: &super::Address) -> Option<super::ConnId> {
        self.neighbors.get(neighbor).copied()
    }

    /// Connections that may be up: open ones, and those that part.
    pub(crate) fn count_open(&self) -> usize {
        self.conns.values().filter(|conn| conn.is_open()).count() + self.partings.len()
    }
}
