//! The peer and its links: connections, admission, and what comes over them.

use super::{Conn, Peer, Purpose};
use crate::proto::admission::Hello;
use crate::proto::broadcast;
use crate::proto::id::Address;
use crate::proto::io::{ConnId, Event};
use crate::proto::limits::Fault;
use crate::proto::link::{
    Ahead, Expired, Farewell, HOPEFUL_SLOW, Happened, Linked, Member, Packet, Violation,
};
use crate::proto::mesh::{self, Reason, Word};
use crate::proto::ring::Side;
use crate::proto::time::Instant;
use crate::proto::view::View;

/// Bytes of a packet beyond its payload: header, path, proofs.
pub(super) const PACKET_OVERHEAD: usize = 4096;
/// Names of messages that cost as much to look at as another packet.
const NAMES_PER_PACKET: f64 = 64.0;
/// A new link is worth the change when its round trip is below this share of the old one's: links jitter by a tenth.
const FASTER: f64 = 0.8;

impl Peer {
    // Connections.

    pub(super) fn handle_described(&mut self, id: ConnId, sdp: &str, now: Instant) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let took = HOPEFUL_SLOW.min(now - conn.made);
        self.describing = self.describing.mul_f64(0.8).max(took);
        match conn.link.handle_described(sdp, now) {
            Ok(happened) => self.act(id, happened, now),
            Err(error) => {
                self.warn("ERR_SDP", format!("this browser made a {error}"));
                self.fail(id, now);
            }
        }
    }

    pub(super) fn handle_candidate(&mut self, id: ConnId, text: &str, now: Instant) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let happened = conn.link.handle_candidate(text);
        self.act(id, happened, now);
    }

    pub(super) fn handle_gathered(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let happened = conn.link.handle_gathered(now);
        self.act(id, happened, now);
    }

    pub(super) fn handle_opened(&mut self, id: ConnId, now: Instant) {
        let (secret, identity, instance) = (&self.secret, &self.identity, self.instance);
        let me = Member { secret, identity, instance, address: self.address };
        let Some(conn) = self.conns.get_mut(&id) else { return };
        // The slowest counts for a while.
        self.connecting = self.connecting.mul_f64(0.8).max(conn.link.attempt_age(now).unwrap_or_default());
        let ahead = conn.link.handle_opened(me, &mut self.random, now, &mut self.out);
        let Some(Ahead { hello, confirm }) = ahead else { return };
        // With two links, which one stays depends on what both ends say of them now.
        if confirm.is_some() && self.has_another(id, &hello) {
            return;
        }
        self.handle_hello(id, &hello, now);
        if let (Some(confirm), Some(conn)) = (confirm, self.conns.get_mut(&id)) {
            let happened = conn.link.handle_confirm(&confirm, false);
            self.act(id, happened, now);
        }
    }

    pub(super) fn handle_frame(&mut self, id: ConnId, frame: &[u8], now: Instant) {
        self.stats.packets_in += 1;
        self.stats.bytes_in += frame.len() as u64;
        let max_packet = self.config.max_message_size + PACKET_OVERHEAD;
        let Some(conn) = self.conns.get_mut(&id) else {
            return self.handle_late_frame(id, frame, max_packet, now);
        };
        let happened = conn.link.handle_frame(frame, max_packet, now);
        self.act(id, happened, now);
    }

    pub(super) fn handle_writable(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.handle_writable(&mut self.out);
        }
    }

    pub(super) fn handle_contact(&mut self, id: ConnId, now: Instant) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.probe(now, &mut self.out);
        }
    }

    pub(super) fn handle_conn_closed(&mut self, id: ConnId, reason: &str, now: Instant) {
        let Some(conn) = self.conns.get(&id) else { return self.handle_late_close(id, now) };
        let active = conn.link.is_active();
        match conn.peer.filter(|_| active) {
            Some(address) => {
                self.unlink(address, None, true, now);
                self.hand_back_again(&address, now);
            }
            None => {
                if conn.holds_slot() {
                    self.warn("ERR_CONNECTION", format!("a connection attempt failed: {reason}"));
                }
                self.fail(id, now);
            }
        }
    }

    /// Deadlines and heartbeats of all connections.
    pub(super) fn beat(&mut self, now: Instant) {
        let due: Vec<_> = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.link.poll_timeout().is_some_and(|at| at <= now))
            .map(|(&id, _)| id)
            .collect();
        for id in due {
            let Some(conn) = self.conns.get_mut(&id) else { continue };
            match conn.link.handle_timeout(now, &mut self.out) {
                Ok(happened) => self.act(id, happened, now),
                Err(Expired::Dead) => {
                    if let Some(address) = conn.peer {
                        self.unlink(address, None, true, now);
                    }
                }
                Err(Expired::TooSlow) => {
                    self.leave_alone(id, now);
                    self.fail(id, now);
                }
            }
        }
    }

    /// The peer that we meant to reach is left alone for a while. Only one that we asked for, or that proved
    /// who it is: whoever comes to us, or answers an offer that a tracker carried, may go by any name.
    fn leave_alone(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get(&id) else { return };
        let known = conn.link.is_active() || matches!(conn.purpose, Purpose::Request(..));
        if let Some(peer) = conn.peer.filter(|_| known) {
            self.mesh.handle_failed(peer, now);
        }
    }

    /// A connection that came to nothing.
    fn fail(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get(&id) else { return };
        let (purpose, taken) = (conn.purpose, conn.link.is_taken());
        self.drop_conn(id);
        if taken {
            self.trackers.values_mut().for_each(|tracker| tracker.retry(now));
        }
        match purpose {
            Purpose::Reply(request) => self.reply(request, Word::Reject(Reason::Failed)),
            Purpose::Request(request, _) => {
                self.mesh.finish(&request);
            }
            Purpose::Offer(_) => {}
        }
        self.mesh.handle_change(now);
    }

    /// The one place where a link's happenings become deeds.
    fn act(&mut self, id: ConnId, happened: Happened, now: Instant) {
        match happened {
            Happened::Nothing => {}
            Happened::Described => self.handle_ready(id, now),
            Happened::Late => {
                // An answer may just be lost.
                let both =
                    |conn: &&Conn| !matches!(conn.purpose, Purpose::Reply(_)) || conn.link.is_greeted();
                let peer = self.conns.get(&id).filter(both).and_then(|conn| conn.peer);
                self.mesh.handle_late(peer, now);
            }
            Happened::Candidate(candidate) => {
                let Some(conn) = self.conns.get(&id) else { return };
                match conn.purpose {
                    Purpose::Request(id, via) => {
                        let packet = mesh::Packet::Forth { id, word: Word::Candidate(candidate) };
                        self.send_packet(&via, Packet::Mesh(packet), None);
                    }
                    Purpose::Reply(request) => self.reply(request, Word::Candidate(candidate)),
                    Purpose::Offer(_) => {}
                }
            }
            Happened::Hello(hello) => self.handle_hello(id, &hello, now),
            Happened::Proven(admitted, linked) => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    conn.peer = Some(admitted.address);
                    conn.admitted = Some(admitted);
                    self.admit(id, linked, now);
                }
            }
            Happened::Packet(packet) => {
                self.handle_first_packet(id, now);
                if let Some(from) = self.conns.get(&id).and_then(|conn| conn.peer) {
                    self.handle_packet(id, from, packet, now);
                }
            }
            Happened::Farewell(farewell) => self.handle_farewell(id, farewell, now),
            Happened::Violation(violation) => self.refuse(id, violation, now),
        }
    }

    /// Our description is ready to be sent.
    fn handle_ready(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get(&id) else { return };
        let Some(description) = conn.link.description().cloned() else { return };
        match conn.purpose {
            Purpose::Offer(_) => self.offers_ready(id, now),
            Purpose::Request(request, via) => {
                self.send_request(request, via, Some(description), now);
            }
            Purpose::Reply(request) => {
                let (secret, identity, instance) = (&self.secret, &self.identity, self.instance);
                let me = Member { secret, identity, instance, address: self.address };
                let conn = self.conns.get_mut(&id).filter(|conn| !conn.trial);
                let hello = conn.and_then(|conn| conn.link.greet(me, &mut self.random)).map(Box::new);
                let answer = Box::new(description);
                self.answer_carried(request, &answer, now);
                self.reply(request, Word::Accept { from: self.address, answer, hello });
            }
        }
    }

    // Admission.

    fn handle_hello(&mut self, id: ConnId, hello: &Hello, now: Instant) {
        let address = hello.claimed.unwrap_or(hello.key.address());
        let around = self.surroundings();
        let elsewhere = self.has_another(id, hello);
        let known = self.neighbors.contains_key(&address);
        let room = known
            || self.neighbors.len() < self.config.max_peers
            || self.replaced_by(id).is_some()
            || self.mesh.victim(&address, &around.scene(), now).is_some();
        // Two that claim one address: the second is told before either takes the other for a neighbor.
        let holder = self.neighbors.get(&address).and_then(|conn| self.conns.get(conn)?.admitted);
        let proven = hello.key.address();
        let taken = address == self.address
            || !self.keys.allows(&address, &hello.key)
            || holder.is_some_and(|holder| holder.key != hello.key && proven != address);
        if self.limits.is_banned(&proven, now) {
            return self.refuse_quietly(id, "banned", now);
        }
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.peer = Some(address);
        if taken || !room {
            let farewell = if taken { Farewell::Refused } else { Farewell::Full };
            conn.link.close(Some(farewell), &mut self.out);
            return self.fail(id, now);
        }
        if let Err(violation) = conn.link.confirm(hello, &self.identity, elsewhere, &mut self.out) {
            self.refuse(id, violation, now);
        }
    }

    /// Whether there is another open connection with whom this one greets.
    fn has_another(&self, id: ConnId, hello: &Hello) -> bool {
        let address = hello.claimed.unwrap_or(hello.key.address());
        self.conns.iter().any(|(&other, conn)| {
            other != id && conn.peer == Some(address) && (conn.link.is_active() || conn.link.is_greeting())
        })
    }

    /// The other side is a member and who it says it is: make room, and make it a neighbor.
    fn admit(&mut self, id: ConnId, linked: Linked, now: Instant) {
        let Some(Conn { admitted: Some(admitted), .. }) = self.conns.get(&id) else { return };
        let (address, session) = (admitted.address, admitted.session);
        if !self.keys.learn(address, admitted.key, now) {
            return self.refuse_quietly(id, "address of another key", now);
        }
        if let Some(&old) = self.neighbors.get(&address) {
            let other = self.conns.get(&old).and_then(|conn| conn.admitted.as_ref());
            let same_run = other.is_some_and(|other| other.instance == admitted.instance);
            // They lost the old link, or both see both: then both keep the one with the lower session.
            let lost = linked.ours && !linked.theirs;
            if same_run && !lost && other.is_some_and(|other| other.session < session) {
                if let Some(mut conn) = self.conns.remove(&id) {
                    conn.link.close(Some(Farewell::Duplicate), &mut self.out);
                }
                return;
            }
            if same_run {
                if let Some(mut conn) = self.conns.remove(&old) {
                    conn.link.close(Some(Farewell::Duplicate), &mut self.out);
                }
                self.neighbors.insert(address, id);
                self.activate(id, address, now);
                return self.handle_link_replaced(address, now);
            }
            self.unlink(address, None, false, now);
        }
        let full = self.neighbors.len() >= self.config.max_peers;
        let slow = self.replaced_by(id).filter(|_| full);
        if self.conns.get(&id).is_some_and(|conn| conn.trial) {
            let around = self.surroundings();
            let keep = !full
                || slow.is_some_and(|slow| self.is_faster(id, &slow, now))
                || self.mesh.improves_ring(&address, &around.scene());
            return if keep { self.keep(id) } else { self.refuse_full(id, now) };
        }
        if let Some(slow) = slow {
            // The two that lose a link by this become neighbors, and every peer has as many links as before.
            let hint = self.conns.get(&id).and_then(|conn| conn.heir);
            self.unlink(slow, Some(Farewell::Evicted { hint }), false, now);
        }
        while self.neighbors.len() >= self.config.max_peers {
            let around = self.surroundings();
            match self.mesh.victim(&address, &around.scene(), now) {
                Some(victim) => {
                    self.unlink(victim, Some(Farewell::Evicted { hint: Some(address) }), false, now)
                }
                None => return self.refuse_full(id, now),
            }
        }
        // What is left of the time for which connections may exceed the cap.
        if let Some(until) = self.conns.get(&id).and_then(|conn| conn.link.greets_until()) {
            self.partings.iter_mut().for_each(|parting| parting.until = parting.until.min(until));
        }
        self.neighbors.insert(address, id);
        self.stats.links += 1;
        self.emit(Event::Connect(address));
        self.activate(id, address, now);
        self.mesh.handle_linked(address, now);
        self.reconsider_trackers(now);
        self.release_held(now);
    }

    /// Says that a link on trial may stay. Nothing ends for it before the other end says so, too, by any packet.
    fn keep(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.send(&Packet::Ping(0), None, &mut self.out);
        }
    }

    /// A packet on a link on trial: the other end keeps it as well.
    fn handle_first_packet(&mut self, id: ConnId, now: Instant) {
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| !conn.link.is_active()) else { return };
        conn.trial = false;
        self.admit(id, Linked { ours: false, theirs: false }, now);
    }

    /// The link that is to end for a new one, if it still is a long one.
    pub(super) fn replaced_by(&self, id: ConnId) -> Option<Address> {
        let ring = Side::BOTH.map(|side| self.ring_link(side));
        let slow = self.conns.get(&id)?.replaces?;
        (self.neighbors.contains_key(&slow) && !ring.contains(&Some(slow))).then_some(slow)
    }

    /// Whether a new connection is faster than a link by more than chance.
    fn is_faster(&self, id: ConnId, than: &Address, now: Instant) -> bool {
        let rtt = self.neighbors.get(than).and_then(|conn| self.conns.get(conn)?.link.rtt());
        let new = self.conns.get(&id).and_then(|conn| conn.link.attempt_age(now));
        new.zip(rtt).is_some_and(|(new, old)| new < old.mul_f64(FASTER))
    }

    fn activate(&mut self, id: ConnId, address: Address, now: Instant) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.link.activate(now);
        conn.since = now;
        self.view.add(address, now);
        let own = View::own(&self.measured(), self.advertised_slots());
        self.send_packet(&address, Packet::View(own), None);
        if let Some(relayed) = self.view.relayed(&address) {
            self.send_packet(&address, Packet::View(relayed), None);
        }
        self.broadcast.handle_linked(address, now);
    }

    /// Takes a link down. `dead`: its peer is gone; otherwise only the link is.
    pub(super) fn unlink(&mut self, address: Address, farewell: Option<Farewell>, dead: bool, now: Instant) {
        let Some(id) = self.neighbors.remove(&address) else { return };
        if let Some(mut conn) = self.conns.remove(&id) {
            if let Some(evicted @ Farewell::Evicted { .. }) = farewell {
                conn.link.send(&Packet::Close(evicted), None, &mut self.out);
                self.part(address, conn, now);
            } else {
                conn.link.close(farewell, &mut self.out);
            }
        }
        self.view.remove(&address, now);
        self.mesh.handle_unlinked(address, dead, now);
        self.broadcast.handle_unlinked(&address, now);
        self.direct.handle_unlinked(&address, now);
        self.handle_link_lost(&address);
        self.emit(Event::Disconnect(address));
        if self.mesh.is_catastrophe(self.neighbors.len(), self.config.max_peers, now) {
            self.call_for_help(now);
        }
    }

    fn handle_farewell(&mut self, id: ConnId, farewell: Farewell, now: Instant) {
        let Some(conn) = self.conns.get(&id) else { return };
        let peer = conn.peer;
        if !conn.link.is_active() {
            if farewell == Farewell::Refused {
                self.leave_alone(id, now);
            }
            return self.fail(id, now);
        }
        let Some(address) = peer else { return };
        if let Farewell::Evicted { .. } = farewell
            && let Some(conn) = self.conns.remove(&id)
        {
            self.part(address, conn, now);
        }
        self.unlink(address, None, farewell == Farewell::Leaving, now);
        if let Farewell::Evicted { hint: Some(hint) } = farewell {
            let via = Some(address).filter(|address| self.reaches(address));
            self.mesh.handle_hint(hint, via, now);
        }
    }

    /// Ends a link whose other side broke the rules.
    pub(super) fn refuse(&mut self, id: ConnId, violation: Violation, now: Instant) {
        let cause = match violation {
            Violation::Frame(_) => "frame",
            Violation::TooEarly => "packet before admission",
            Violation::Admission(_) => "admission",
        };
        self.warn("ERR_NEIGHBOR", format!("a link was closed: {violation}"));
        self.refuse_quietly(id, cause, now);
    }

    pub(super) fn refuse_quietly(&mut self, id: ConnId, cause: &'static str, now: Instant) {
        self.drop_because(cause);
        self.leave_alone(id, now);
        let Some(conn) = self.conns.get_mut(&id) else { return };
        match conn.peer.filter(|_| conn.link.is_active()) {
            Some(address) => self.unlink(address, Some(Farewell::Refused), false, now),
            None => {
                conn.link.close(Some(Farewell::Refused), &mut self.out);
                self.fail(id, now);
            }
        }
    }

    fn refuse_full(&mut self, id: ConnId, now: Instant) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.close(Some(Farewell::Full), &mut self.out);
            self.fail(id, now);
        }
    }

    /// Hands links over until no more are left than `maxPeers` allows.
    pub(super) fn shed(&mut self, now: Instant) {
        let mut hint = None;
        while self.neighbors.len() > self.config.max_peers {
            let around = self.surroundings();
            let victim = self.mesh.victim(&self.address, &around.scene(), now);
            let Some(victim) = victim.or_else(|| self.neighbors.keys().next_back().copied()) else { return };
            // Those who lose a link here are told of each other.
            self.unlink(victim, Some(Farewell::Evicted { hint }), false, now);
            hint = Some(victim);
        }
    }

    // Packets.

    fn handle_packet(&mut self, id: ConnId, from: Address, packet: Packet, now: Instant) {
        let Some(key) = self.key_of(&from) else { return };
        let names = if let Packet::Broadcast(broadcast::Packet::Have(ids)) = &packet { ids.len() } else { 0 };
        if !self.limits.allows_packet(key, 1.0 + names as f64 / NAMES_PER_PACKET, now) {
            self.drop_because("neighbor above its rate");
            return self.blame(from, Fault::Flooded, "sent more packets than any honest peer would", now);
        }
        match packet {
            Packet::Ping(number) => self.send_packet(&from, Packet::Pong(number), None),
            Packet::Pong(number) => {
                if let Some(conn) = self.conns.get_mut(&id) {
                    let first = conn.link.rtt().is_none();
                    conn.link.handle_pong(number, now);
                    if first {
                        self.view.touch(now);
                    }
                }
            }
            Packet::View(packet) => {
                if self.view.handle(&from, packet, now) {
                    self.mesh.handle_change(now);
                } else {
                    self.refuse_quietly(id, "view", now);
                }
            }
            Packet::Mesh(packet) => self.handle_mesh(from, packet, now),
            Packet::Broadcast(packet) => self.handle_broadcast(from, packet, now),
            Packet::Direct(packet) => self.handle_direct(from, packet, now),
            Packet::Hello(_) | Packet::Confirm { .. } | Packet::Close(_) => {}
        }
    }

    /// Neighbor lists that are due.
    pub(super) fn publish_view(&mut self, now: Instant) {
        let (publish, relays) = self.view.handle_timeout(now);
        if publish {
            let own = View::own(&self.measured(), self.advertised_slots());
            for to in self.neighbors.keys().copied().collect::<Vec<_>>() {
                self.send_packet(&to, Packet::View(own.clone()), None);
            }
        }
        for (to, packet) in relays {
            self.send_packet(&to, Packet::View(packet), None);
        }
        if self.view.is_to_tell(now) {
            self.known();
            for (to, packet) in self.view.tell() {
                self.send_packet(&to, Packet::View(packet), None);
            }
        }
    }

    fn advertised_slots(&self) -> usize {
        self.config.max_peers.saturating_sub(self.neighbors.len())
    }
}
