//! Links that gave their slot away and still carry answers for a moment.
//!
//! An evicted link is no neighbor any more: it counts for nothing, sees nothing and carries no message. But
//! requests for links went out through it, and their answers are on their way back. While a crowd joins, every
//! link is handed over every second, and one answer in five met a link that had just been cut.

use super::{Conn, Peer};
use crate::proto::id::Address;
use crate::proto::io::ConnId;
use crate::proto::link::{Happened, Link, Packet};
use crate::proto::time::Instant;

use std::time::Duration;

/// How long it stays up: an answer takes below 1 s at 100,000 peers.
const PARTING: Duration = Duration::from_secs(1);
/// A hand-over, from the channel that opens to the one that ends. Connections may exceed the cap for 2 s: what is left is
/// for pages that are slow to tell and to be told. Whose greeting takes longer is too far away for a link that another
/// one has to end for.
const HAND_OVER: Duration = Duration::from_millis(1200);

/// One such link.
#[derive(Debug)]
pub(super) struct Parting {
    pub(super) peer: Address,
    /// The hash of its proven key: what it is judged by.
    pub(super) key: Option<Address>,
    link: Link,
    pub(super) until: Instant,
}

impl Peer {
    /// Keeps a link that is no neighbor's any more. Connections exceed the cap by one at most.
    pub(super) fn part(&mut self, peer: Address, conn: Conn, now: Instant) {
        let key = conn.key();
        self.partings.push(Parting { peer, key, link: conn.link, until: now + PARTING });
        self.limit_hand_overs(now);
    }

    /// Ends partings until there are no more connections than the cap and one, those being made among them: any of
    /// them may be connected before this peer hears of it. With one above the cap, greetings have to be short.
    pub(super) fn limit_hand_overs(&mut self, now: Instant) {
        let taken = self.conns.values().filter(|conn| conn.link.is_taken()).count();
        while !self.partings.is_empty() && taken + self.partings.len() > self.config.max_peers + 1 {
            self.end_parting(0);
        }
        let open = |conn: &&Conn| conn.link.is_greeting() || conn.link.is_active();
        if self.conns.values().filter(open).count() + self.partings.len() > self.config.max_peers {
            self.conns.values_mut().for_each(|conn| conn.link.limit_greeting(now + HAND_OVER));
        }
    }

    /// Ends those whose time is over.
    pub(super) fn expire_partings(&mut self, now: Instant) {
        while self.partings.first().is_some_and(|parting| parting.until <= now) {
            self.end_parting(0);
        }
    }

    /// Ends all: this peer leaves.
    pub(super) fn end_partings(&mut self) {
        while !self.partings.is_empty() {
            self.end_parting(0);
        }
    }

    fn end_parting(&mut self, place: usize) {
        self.partings.remove(place).link.close(None, &mut self.out);
    }

    fn parting(&self, id: ConnId) -> Option<usize> {
        self.partings.iter().position(|parting| parting.link.conn == id)
    }

    /// A frame on a connection that is no link any more.
    pub(super) fn handle_late_frame(&mut self, id: ConnId, frame: &[u8], max_packet: usize, now: Instant) {
        let Some(place) = self.parting(id) else { return };
        let Some(parting) = self.partings.get_mut(place) else { return };
        let from = parting.peer;
        match parting.link.handle_frame(frame, max_packet, now) {
            Happened::Packet(Packet::Mesh(packet)) => self.handle_mesh(from, packet, now),
            Happened::Violation(_) => self.end_parting(place),
            _ => {}
        }
    }

    /// A connection is gone that was no link any more.
    pub(super) fn handle_late_close(&mut self, id: ConnId, now: Instant) {
        if let Some(place) = self.parting(id) {
            let peer = self.partings[place].peer;
            self.end_parting(place);
            self.hand_back_again(&peer, now);
        }
    }

    /// Whether a packet that arranges links can be handed to this peer.
    pub(super) fn reaches(&self, peer: &Address) -> bool {
        self.neighbors.contains_key(peer) || self.partings.iter().any(|parting| parting.peer == *peer)
    }

    /// The link on which packets to a peer go: the neighbor's, or one that is parting.
    pub(super) fn link_to(&mut self, peer: &Address, arranges: bool) -> Option<&mut Link> {
        if let Some(id) = self.neighbors.get(peer) {
            return self.conns.get_mut(id).map(|conn| &mut conn.link);
        }
        let parting = self.partings.iter_mut().find(|parting| arranges && parting.peer == *peer);
        parting.map(|parting| &mut parting.link)
    }
}
