//! Admission: how a connection becomes a link, with one slot and one neighbor each.

use super::Links;
use super::admission::Hello;
use super::link::wire::TAKES_MORE;
use super::link::{Farewell, Linked, Packet};
use crate::proto::context::{Context, Effect};
use crate::proto::id::Address;
use crate::proto::io::ConnId;
use crate::proto::journal::Cause;
use crate::proto::time::Instant;

impl Links {
    /// Who they say they are: whether a link with them may come of it.
    pub(super) fn handle_hello(&mut self, id: ConnId, hello: &Hello, cx: &mut Context<'_>) {
        let address = hello.key.address();
        // Who it is with was proven by who asked, or who answered, and nobody else is kept out meanwhile.
        if self.conns.get(&id).and_then(|conn| conn.peer).is_some_and(|peer| peer != address) {
            return self.refuse_quietly(id, "hello of another", cx);
        }
        let elsewhere = self.has_another(id, hello);
        let room = self.has_room_for(id, &address, cx);
        if !self.may_be_linked(id, address, hello.nonce, cx) {
            return;
        }
        let waits = self.is_another_run(&address, &hello.nonce);
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.peer = Some(address);
        if !room {
            return self.refuse_full(id, cx);
        }
        if let Err(violation) = conn.link.confirm(hello, &cx.me.identity, elsewhere) {
            return self.refuse(id, violation, cx);
        }
        // Another run of a neighbor's identity is not admitted before that neighbor was asked.
        if !waits {
            conn.link.send_confirm();
        }
    }

    /// Whether there is a link with another run of a peer.
    fn is_another_run(&self, address: &Address, instance: &[u8; 16]) -> bool {
        let link = self.neighbors.get(address).and_then(|id| self.conns.get(id)?.admitted);
        link.is_some_and(|link| link.instance != *instance)
    }

    /// Whether the owner of a key may prove itself; its connection ends if not.
    fn may_be_linked(
        &mut self,
        id: ConnId,
        address: Address,
        instance: [u8; 16],
        cx: &mut Context<'_>,
    ) -> bool {
        let cause = if cx.limits.is_banned(&address, cx.now) {
            "banned"
        } else if address == cx.me.address && instance == cx.me.instance {
            "own key"
        } else {
            return true;
        };
        self.note(id, Some(Cause::Banned), cause, cx);
        self.refuse_quietly(id, cause, cx);
        false
    }

    /// Whether there is another open connection with whom this one greets.
    pub(super) fn has_another(&self, id: ConnId, hello: &Hello) -> bool {
        let address = hello.key.address();
        self.conns.iter().any(|(&other, conn)| other != id && conn.peer == Some(address) && conn.is_open())
    }

    /// The other side is a member and who it says it is: make room, and make it a neighbor.
    pub(super) fn admit(&mut self, id: ConnId, linked: Linked, cx: &mut Context<'_>) {
        let Some(admitted) = self.conns.get(&id).and_then(|conn| conn.admitted) else { return };
        let address = admitted.address;
        // What came ahead of the channel may have named another key than the Hello on it.
        if !self.may_be_linked(id, address, admitted.instance, cx) {
            return;
        }
        if address == cx.me.address {
            return self.meet(id, &admitted, cx);
        }
        cx.keys.heard(admitted.key, admitted.name());
        let mut around = cx.around;
        let rest;
        if let Some(&old) = self.neighbors.get(&address) {
            let other = self.conns.get(&old).and_then(|conn| conn.admitted);
            if let Some(other) = other.filter(|other| other.instance == admitted.instance) {
                // They lost the old link, or both see both: then both keep the one with the lower session.
                let lost = linked.ours && !linked.theirs;
                let stays = if !lost && other.session < admitted.session { old } else { id };
                return self.keep_one(address, [old, id], stays, cx);
            }
            if self.waits_for_holder(id, old, &admitted, cx) {
                return;
            }
            self.unlink(address, None, false, cx);
            rest = around.without(&address);
            around = &rest;
        }
        if self.conns.get(&id).is_some_and(|conn| conn.trial) {
            let keep = self.passes_trial(id, &address, around, cx.now);
            return if keep { self.keep(id) } else { self.refuse_full(id, cx) };
        }
        if !self.give_slot(id, &address, around, cx) {
            return self.refuse_full(id, cx);
        }
        // What is left of the time for which connections may exceed the cap.
        if let Some(until) = self.conns.get(&id).and_then(|conn| conn.link.greets_until()) {
            self.partings.iter_mut().for_each(|parting| parting.until = parting.until.min(until));
        }
        self.activate(id, address, cx.now);
        cx.effects.push_back(Effect::Linked(address, Instant::from_millis(admitted.clock)));
    }

    /// Of two connections with one run of a peer one stays, the same one on both sides.
    fn keep_one(&mut self, peer: Address, both: [ConnId; 2], stays: ConnId, cx: &mut Context<'_>) {
        let [old, new] = both;
        let ends = if stays == old { new } else { old };
        if let Some(mut conn) = self.conns.remove(&ends) {
            conn.link.close(Some(Farewell::Duplicate), cx.out);
        }
        if stays == new {
            self.activate(new, peer, cx.now);
            cx.effects.push_back(Effect::Relinked(peer));
        }
    }

    fn activate(&mut self, id: ConnId, peer: Address, now: Instant) {
        self.neighbors.insert(peer, id);
        self.journal.linked();
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.send_confirm();
            let large_frames = conn.can(TAKES_MORE);
            conn.link.activate(large_frames, now);
            conn.since = now;
        }
    }

    /// Says that a link on trial may stay. Nothing ends for it before the other end says so, too, by any packet.
    fn keep(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.send(&Packet::Ping(0), None);
        }
    }

    /// A packet on a link on trial: the other end keeps it as well.
    pub(super) fn handle_first_packet(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| !conn.link.is_active()) else { return };
        conn.trial = false;
        self.admit(id, Linked { ours: false, theirs: false }, cx);
    }

    fn refuse_full(&mut self, id: ConnId, cx: &mut Context<'_>) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.close(Some(Farewell::Full), cx.out);
            self.fail(id, cx);
        }
    }
}
