//! Links that gave their slot away and still carry answers for a moment.
//!
//! An evicted link is no neighbor any more: it counts for nothing, sees nothing and carries no message. But
//! requests for links went out through it, and their answers are on their way back. While a crowd joins, every
//! link is handed over every second, and one answer in five met a link that had just been cut.

use std::time::Duration;

use super::link::wire::Piece;
use super::link::{Happened, Link, Packet};
use super::{Conn, Links};
use crate::proto::context::{Context, Effect};
use crate::proto::id::Address;
use crate::proto::io::ConnId;
use crate::proto::time::Instant;

/// How long it stays up: an answer takes below 1 s at 100,000 peers.
const PARTING: Duration = Duration::from_secs(1);

/// One such link.
#[derive(Debug)]
pub(super) struct Parting {
    pub(super) peer: Address,
    pub(super) link: Link,
    pub(super) until: Instant,
}

impl Links {
    /// Keeps a link that is no neighbor's any more. Connections exceed the cap by one at most.
    pub(super) fn part(&mut self, peer: Address, conn: Conn, cx: &mut Context<'_>) {
        self.partings.push(Parting { peer, link: conn.link, until: cx.now + PARTING });
        self.limit_hand_overs(cx);
    }

    /// Ends those whose time is over.
    pub(super) fn expire_partings(&mut self, cx: &mut Context<'_>) {
        while self.partings.first().is_some_and(|parting| parting.until <= cx.now) {
            self.end_parting(0, cx);
        }
    }

    /// Ends all: this peer leaves.
    pub(super) fn end_partings(&mut self, cx: &mut Context<'_>) {
        while !self.partings.is_empty() {
            self.end_parting(0, cx);
        }
    }

    pub(super) fn end_parting(&mut self, place: usize, cx: &mut Context<'_>) {
        self.partings.remove(place).link.close(None, cx.out);
    }

    pub(super) fn is_parting(&self, peer: &Address) -> bool {
        self.partings.iter().any(|parting| parting.peer == *peer)
    }

    fn parting(&self, id: ConnId) -> Option<usize> {
        self.partings.iter().position(|parting| parting.link.conn == id)
    }

    /// A packet on a connection that is no link any more.
    pub(super) fn handle_late_piece(
        &mut self,
        id: ConnId,
        piece: Piece<'_>,
        max_packet: usize,
        cx: &mut Context<'_>,
    ) {
        let Some(place) = self.parting(id) else { return };
        let Some(parting) = self.partings.get_mut(place) else { return };
        let from = parting.peer;
        match parting.link.handle_piece(piece, max_packet, cx.now) {
            Happened::Packet(Packet::Signalling(packet)) => {
                cx.effects.push_back(Effect::PartingPacket(from, packet))
            }
            Happened::Violation(_) => self.end_parting(place, cx),
            _ => {}
        }
    }

    /// A connection is gone that was no link any more.
    pub(super) fn handle_late_close(&mut self, id: ConnId, cx: &mut Context<'_>) {
        if let Some(place) = self.parting(id) {
            let peer = self.partings[place].peer;
            self.end_parting(place, cx);
            cx.effects.push_back(Effect::Cut(peer));
        }
    }
}
