//! What holds of a peer after every input, and what it may hold at most, whatever others send: for tests, fuzz targets and
//! the simulator.

use super::Peer;
use super::closing::Stage;
use crate::proto::id::Address;
use crate::proto::links::link::Packet;
use crate::proto::messaging::{broadcast, direct};
use crate::proto::signalling::{MAX_INTRODUCTIONS, MAX_UNDER_WAY, MAX_WAITING};
use crate::proto::time::Instant;

impl Peer {
    /// Panics if what the parts hold does not fit together.
    pub(crate) fn assert_consistent(&mut self, now: Instant) {
        if self.stage != Stage::Open {
            return;
        }
        let (parts, cx) = self.look(now);
        parts.links.assert_consistent(cx.around, |id| parts.signalling.asks(id));
        assert!(cx.effects.is_empty(), "{:?} is left to do", cx.effects);
    }

    /// Panics if any table is above its bound.
    pub(crate) fn assert_bounded(&self) {
        let (config, parts) = (self.config(), &self.parts);
        let max = config.max_peers;
        parts.links.assert_bounded(max, config.max_message_size);

        let [own, routes, waiting, under_way, introductions, copies] = parts.signalling.sizes();
        assert!(own <= 64 && routes <= 1024, "{own} requests, {routes} routes");
        assert!(
            waiting <= MAX_WAITING && under_way <= MAX_UNDER_WAY,
            "{waiting} wait, {under_way} under way"
        );
        assert!(introductions <= MAX_INTRODUCTIONS, "{introductions} offers of strangers on their way");
        assert!(copies <= 1024, "{copies} offers taken up");
        let [cool, dead, hints, deaths] = parts.topology.sizes();
        assert!(cool <= 4096 && dead <= 256 && hints <= 8 && deaths <= 256, "{:?}", parts.topology.sizes());

        let (sizes, direct, outgoing, recent) = parts.messaging.sizes();
        let [seen, kept, sources, missing, names, counted] = sizes;
        assert!(seen <= 32_768 && kept <= 32_768 && sources <= 256 && missing <= 2 * 4096, "{sizes:?}");
        assert!(names <= 512 * max && counted <= 9 * 4096, "{sizes:?}");
        let [_, relays, reputation] = direct;
        assert!(relays <= 1024 && reputation <= 64, "{direct:?}");
        let [held, held_bytes, awaiting] = outgoing;
        assert!(held <= 1 << 16 && held_bytes <= config.max_held, "{outgoing:?}");
        assert!(awaiting <= 16 << 20, "{awaiting} bytes wait for keys");
        assert!(recent <= 32_768, "{recent} direct messages remembered");

        let [present, compared] = parts.presence.sizes();
        assert!(present <= 512 && compared <= 64, "{present} present, {compared} compared");

        let [answered, heard, names] = self.commons.keys.sizes();
        let [written_to, wrote] = self.commons.keys.pairs.sizes();
        assert!(written_to <= 64 && wrote <= 64, "{written_to}, {wrote} pairs");
        assert!(
            answered <= 1024 && heard <= 2048 && names <= 1024,
            "{answered}, {heard} keys, {names} names"
        );
        let [standings, origins] = self.commons.limits.sizes();
        assert!(standings <= 256 && origins <= 1536, "{standings} standings, {origins} origins");
        // Causes are words of this program, not of others.
        assert!(self.stats().dropped.len() <= 64, "{:?}", self.stats().dropped);
    }
}

/// Whether a packet carries what is not this peer's own.
pub(super) fn is_others(packet: &Packet, me: &Address) -> bool {
    match packet {
        Packet::Broadcast(
            broadcast::Packet::Data { header, .. } | broadcast::Packet::Header { header, .. },
        ) => header.maker() != *me,
        Packet::Broadcast(broadcast::Packet::Have(_)) => true,
        Packet::Direct(direct::Packet::Message { header, .. }) => header.maker() != *me,
        Packet::Direct(direct::Packet::Acknowledgement(word)) => word.from() != *me,
        _ => false,
    }
}
