//! The connections of a peer: offers kept ready, attempts, links, and links that part.
//!
//! [`slots`] decides who gets one, [`neighbors`] who becomes a neighbor, [`attempts`] what comes of an offer,
//! [`restarts`] what is done for a link whose path broke.

use std::collections::VecDeque;
use std::time::Duration;

use super::context::{Context, Effect, Purpose};
use super::id::{Address, MessageId};
use super::io::{ConnId, Event, Output};
use super::journal::{Attempts, Cause, Journal, Trouble};
use super::map::Map;
use super::messaging::boxes::sealed_size;
use super::messaging::direct::MAX_RING_HOPS;
use super::neighborhood::{Neighbor, Neighborhood};
use super::report::Stats;
use super::restart::Say;
use super::time::{Instant, soonest};

pub(crate) mod admission;
mod attempts;
mod conn;
pub(crate) mod link;
mod neighbors;
mod parting;
mod restarts;
mod rivals;
mod slots;
mod targets;

use admission::AdmissionError;
#[cfg(test)]
pub(crate) use conn::Conn;
#[cfg(not(test))]
use conn::Conn;
use link::wire::{self, FrameError, Piece};
use link::{Expired, Farewell, HOPEFUL, HOPEFUL_SLOW, Happened, Link, Packet, Violation};
use parting::Parting;
use rivals::Rivals;
use slots::Slots;
use targets::Targets;

/// A peer to which a connection was late has more time for the next one, for this long.
const SLOW: Duration = Duration::from_secs(20);
/// Bytes of a packet beyond its payload: a header, its proof, and the longest path. A relay adds itself to the path: what it
/// takes is never more than the next one takes.
const PACKET_OVERHEAD: usize = 1024 + MAX_RING_HOPS * size_of::<Address>();

/// Bytes of the largest packet, where messages may have so many.
fn largest_packet(max_message_size: usize) -> usize {
    sealed_size(max_message_size) + PACKET_OVERHEAD
}

/// All connections of one peer.
#[derive(Debug)]
pub(crate) struct Links {
    conns: Map<ConnId, Conn>,
    /// The active links, by address.
    neighbors: Map<Address, ConnId>,
    /// Links that were evicted, for a moment more; the oldest first.
    partings: Vec<Parting>,
    rivals: Rivals,
    slots: Slots,
    pace: Pace,
    targets: Targets,
    journal: Journal,
    next_conn: u64,
}

/// How long things take of late, on this machine and with the others.
#[derive(Debug, Default)]
struct Pace {
    /// Connections, the slowest of them.
    connecting: Duration,
    /// Descriptions, the slowest of them: on a busy machine, everything takes as long.
    describing: Duration,
    /// Peers to which connections take longer than to others: the next one has more time.
    slow: Map<Address, Instant>,
}

impl Pace {
    /// The slowest counts for a while.
    fn note(average: &mut Duration, took: Duration) {
        *average = average.mul_f64(0.8).max(took);
    }

    /// How long a connection with a peer may take before it is late: half as long again as others took of late.
    fn patience(&self, peer: &Address) -> Duration {
        let known = if self.slow.contains_key(peer) { HOPEFUL_SLOW } else { HOPEFUL };
        known.max(self.connecting.mul_f64(1.5)).max(self.of_others())
    }

    /// How long the other end of an attempt may well need, if it is as busy as this one: an answer is a description, too,
    /// and more work than that.
    fn of_others(&self) -> Duration {
        HOPEFUL_SLOW.min(self.describing * 3)
    }
}

impl Links {
    pub(crate) fn new() -> Self {
        Self {
            conns: Map::new(),
            neighbors: Map::new(),
            partings: Vec::new(),
            rivals: Rivals::default(),
            slots: Slots::default(),
            pace: Pace::default(),
            targets: Targets::default(),
            journal: Journal::default(),
            next_conn: 0,
        }
    }

    // What there is.

    /// How many links there are.
    pub(crate) fn count(&self) -> usize {
        self.neighbors.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.neighbors.is_empty()
    }

    /// Addresses of the active links, in their order.
    pub(crate) fn neighbors(&self) -> impl Iterator<Item = Address> + '_ {
        self.neighbors.keys().copied()
    }

    /// Begins a neighborhood: what this part knows of it.
    pub(crate) fn survey(&self, around: &mut Neighborhood) {
        around.links.clear();
        around.links.extend(self.neighbors.iter().filter_map(|(&address, conn)| {
            let conn = self.conns.get(conn)?;
            let admitted = conn.admitted.as_ref()?;
            Some(Neighbor {
                address,
                key: admitted.key,
                name: admitted.name(),
                instance: admitted.instance,
                degree: 0,
                chosen: conn.chosen,
                since: conn.since,
                rtt: conn.link.rtt(),
            })
        }));
        around.in_doubt.clear();
        let in_doubt = self.conns.values().filter(|conn| conn.link.is_in_doubt());
        around.in_doubt.extend(in_doubt.filter_map(|conn| conn.peer));
        around.parting.clear();
        around.parting.extend(self.partings.iter().map(|parting| parting.peer));
        let pending = self.conns.values().filter(|conn| !conn.link.is_active() && conn.holds_slot());
        around.pending.clear();
        around.pending.extend(pending.filter_map(|conn| conn.peer));
        around.free = self.free_slots(around.max_peers);
        let asking = self.conns.values().filter(|conn| !conn.link.is_taken_up() && !conn.is_spare());
        around.asking = asking.count() as isize;
        around.pace = self.pace.of_others();
    }

    // What the browser says.

    pub(crate) fn handle_described(&mut self, id: ConnId, sdp: &str, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        Pace::note(&mut self.pace.describing, HOPEFUL_SLOW.min(cx.now - conn.made));
        match conn.link.handle_described(sdp, cx.now) {
            Ok(happened) => self.act(id, happened, cx),
            // The link is as good as it was.
            Err(_) if conn.link.is_active() => conn.link.end_round(),
            Err(error) => {
                let text = format!("this browser made a {error}");
                self.note(id, Some(Cause::Description), &text, cx);
                cx.warn("ERR_SDP", text);
                self.fail(id, cx);
            }
        }
    }

    pub(crate) fn handle_serverless(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.handle_serverless();
        }
    }

    pub(crate) fn handle_candidate(&mut self, id: ConnId, text: &str, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let happened = conn.link.handle_candidate(text, cx.now);
        self.act(id, happened, cx);
    }

    pub(crate) fn handle_gathered(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let happened = conn.link.handle_gathered(cx.now);
        self.note_gathered(id, cx);
        self.act(id, happened, cx);
    }

    pub(crate) fn handle_frame(&mut self, id: ConnId, frame: &[u8], cx: &mut Context<'_>) {
        match wire::open(frame) {
            Ok(pieces) => pieces.into_iter().for_each(|piece| self.handle_piece(id, piece, cx)),
            Err(error) => self.act(id, Happened::Violation(error.into()), cx),
        }
    }

    fn handle_piece(&mut self, id: ConnId, piece: Piece<'_>, cx: &mut Context<'_>) {
        cx.stats.packets_in += 1;
        let max_packet = largest_packet(cx.me.config.max_message_size);
        let Some(conn) = self.conns.get_mut(&id) else {
            return self.handle_late_piece(id, piece, max_packet, cx);
        };
        let happened = conn.link.handle_piece(piece, max_packet, cx.now);
        for _ in 0..std::mem::take(&mut conn.link.later) {
            cx.drop_because("of a later version");
        }
        for _ in 0..std::mem::take(&mut conn.link.too_large) {
            cx.drop_because("size");
        }
        self.act(id, happened, cx);
    }

    pub(crate) fn handle_writable(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.handle_writable();
        }
    }

    /// ICE lost contact, or found it, for the first time or again.
    pub(crate) fn handle_contact(&mut self, id: ConnId, found: bool, cx: &mut Context<'_>) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.reached |= found;
            conn.link.ask_now(cx.now);
        }
    }

    /// ICE gave up: only another path can bring the connection back.
    pub(crate) fn handle_lost(&mut self, id: ConnId, reason: &str, cx: &mut Context<'_>) {
        self.handle_contact(id, false, cx);
        if !self.revives(id, cx) {
            self.handle_closed(id, reason, cx);
        }
    }

    /// The page was asleep: who is still there?
    pub(crate) fn handle_woke(&mut self, cx: &mut Context<'_>) {
        for conn in self.conns.values_mut() {
            conn.link.ask_awoken(cx.now);
        }
    }

    pub(crate) fn handle_closed(&mut self, id: ConnId, reason: &str, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get(&id) else { return self.handle_late_close(id, cx) };
        let active = conn.link.is_active();
        match conn.peer.filter(|_| active) {
            Some(address) => {
                self.unlink(address, None, true, cx);
                cx.effects.push_back(Effect::Cut(address));
            }
            None => {
                if conn.holds_slot() {
                    cx.warn("ERR_CONNECTION", format!("a connection attempt failed: {reason}"));
                }
                self.note(id, conn.link.cause(), reason, cx);
                self.fail(id, cx);
            }
        }
    }

    /// Deadlines and heartbeats of all connections.
    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        self.expire_rivals(cx);
        self.pace.slow.retain(|_, until| *until > now);
        let is_due = |conn: &Conn| conn.link.poll_timeout().is_some_and(|at| at <= now);
        let due = self.conns.iter().filter(|(_, conn)| is_due(conn)).map(|(&id, _)| id);
        // Of a link that is being given another path three timers may be due.
        for id in due.flat_map(|id| [id; 3]).collect::<Vec<_>>() {
            let Some(conn) = self.conns.get_mut(&id).filter(|conn| is_due(conn)) else { continue };
            let happened = conn.link.handle_timeout(now, cx.out);
            self.act_or_end(id, happened, cx);
        }
        self.expire_partings(cx);
    }

    /// The browser was asked when the transport of a link last heard anything.
    pub(crate) fn handle_transport(&mut self, id: ConnId, heard: Option<Duration>, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let happened = conn.link.handle_transport(heard, cx.now, cx.out);
        self.act_or_end(id, happened, cx);
    }

    fn act_or_end(&mut self, id: ConnId, happened: Result<Happened, Expired>, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get(&id) else { return };
        match happened {
            Ok(happened) => self.act(id, happened, cx),
            Err(Expired::Dead) => {
                if let Some(address) = conn.peer {
                    self.unlink(address, None, true, cx);
                }
            }
            Err(Expired::TooSlow) => {
                let cause = conn.link.cause();
                self.note(id, cause, "nothing came of it in time", cx);
                self.leave_alone(id, cx);
                self.fail(id, cx);
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let links = self.conns.values().filter_map(|conn| conn.link.poll_timeout()).min();
        let partings = self.partings.first().map(|parting| parting.until);
        soonest(links, soonest(partings, self.rivals.poll_timeout()))
    }

    /// The one place where a link's happenings become deeds.
    fn act(&mut self, id: ConnId, happened: Happened, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        match happened {
            Happened::Nothing => {}
            Happened::Barren => self.note_gathered(id, cx),
            Happened::Doubt => self.handle_doubt(id, cx),
            Happened::Unanswered => self.handle_redescribed(id, cx),
            Happened::Described => {
                conn.link.release(cx.out);
                self.note_gathered(id, cx);
                self.handle_ready(id, cx);
            }
            Happened::Late => {
                // An answer may just be lost.
                let both = !matches!(conn.purpose, Purpose::Answer(_)) || conn.link.is_greeted();
                if let Some(peer) = conn.peer.filter(|_| both) {
                    self.pace.slow.insert(peer, cx.now + SLOW);
                }
                cx.effects.push_back(Effect::Slow);
            }
            Happened::Candidate(candidate) => {
                conn.link.release(cx.out);
                if conn.link.is_active() && conn.link.rounds.are_open() {
                    return self.say_round(id, Say::Candidate(candidate), cx);
                }
                cx.effects.push_back(Effect::Candidate(conn.purpose, candidate));
            }
            Happened::Hello(hello) => self.handle_hello(id, &hello, cx),
            Happened::Proven(admitted, linked) => {
                conn.peer = Some(admitted.address);
                conn.admitted = Some(admitted);
                self.admit(id, linked, cx);
            }
            Happened::Packet(packet) => {
                self.handle_first_packet(id, cx);
                let active = self.conns.get(&id).filter(|conn| conn.link.is_active());
                if let Some(from) = active.and_then(|conn| conn.peer) {
                    cx.effects.push_back(Effect::Packet(id, from, packet));
                }
            }
            Happened::Holds(holding) => self.handle_holds(id, holding, cx),
            Happened::Coming(header, bytes) => {
                if let Some(from) = conn.peer {
                    cx.effects.push_back(Effect::Coming(from, header, bytes));
                }
            }
            Happened::Part => {
                if let Some(from) = conn.peer.filter(|_| conn.link.is_active()) {
                    cx.effects.push_back(Effect::Unknown(from));
                }
            }
            Happened::Later => {
                self.handle_first_packet(id, cx);
                if let Some(from) = self.conns.get(&id).and_then(|conn| conn.peer) {
                    cx.effects.push_back(Effect::Unknown(from));
                }
            }
            Happened::Farewell(farewell) => self.handle_farewell(id, farewell, cx),
            Happened::Violation(violation) => self.refuse(id, violation, cx),
        }
    }

    // What goes over links.

    /// Sends a packet to a neighbor, or to one that parts if it arranges links: its size in bytes. `own`: the message of
    /// this peer's own in it; nothing of others goes to one that does not take it.
    pub(crate) fn send(
        &mut self,
        to: &Address,
        packet: &Packet,
        own: Option<MessageId>,
        stats: &mut Stats,
    ) -> Option<usize> {
        let link = self.link_to(to, matches!(packet, Packet::Signalling(_)))?;
        if own.is_none() && link.is_congested() {
            stats.drop_because("neighbor too slow");
            return None;
        }
        Some(link.send(packet, own))
    }

    fn link_to(&mut self, peer: &Address, arranges: bool) -> Option<&mut Link> {
        if let Some(id) = self.neighbors.get(peer) {
            return self.conns.get_mut(id).map(|conn| &mut conn.link);
        }
        let parting = self.partings.iter_mut().find(|parting| arranges && parting.peer == *peer);
        parting.map(|parting| &mut parting.link)
    }

    /// An answer to a sign of life; `true`: the first one, so this link is measured now.
    pub(crate) fn handle_pong(&mut self, id: ConnId, number: u32, now: Instant) -> bool {
        let Some(conn) = self.conns.get_mut(&id) else { return false };
        let first = conn.link.rtt().is_none();
        conn.link.handle_pong(number, now);
        for at in std::mem::take(&mut conn.tried) {
            self.targets.refund(at);
        }
        first && conn.link.rtt().is_some()
    }

    /// Hands to the browser all that was sent, as far as it keeps up; which messages of this peer's own neighbors have taken
    /// since.
    pub(crate) fn flush(&mut self, now: Instant, out: &mut VecDeque<Output>) -> Vec<(MessageId, Address)> {
        self.partings.iter_mut().for_each(|parting| parting.link.flush(now, out));
        let mut taken = Vec::new();
        for conn in self.conns.values_mut() {
            conn.link.flush(now, out);
            if let Some(peer) = conn.peer {
                taken.extend(conn.link.taken.drain(..).map(|id| (id, peer)));
            }
        }
        taken
    }

    /// A large message is taken back: no more of it goes.
    pub(crate) fn withdraw(&mut self, id: &MessageId) {
        self.conns.values_mut().for_each(|conn| conn.link.withdraw(id));
    }

    /// Of large messages of the page's own, how many bytes of the packets that carry them have gone out since this was asked, link
    /// by link.
    pub(crate) fn take_moved(&mut self) -> Vec<(MessageId, usize)> {
        self.conns.values_mut().flat_map(|conn| conn.link.take_moved()).collect()
    }

    // The end.

    /// Takes a link down. `dead`: its peer is gone; otherwise only the link is.
    pub(crate) fn unlink(
        &mut self,
        peer: Address,
        farewell: Option<Farewell>,
        dead: bool,
        cx: &mut Context<'_>,
    ) {
        let Some(id) = self.neighbors.remove(&peer) else { return };
        let name = cx.around.link(&peer).map_or(peer, |link| link.name);
        if let Some(mut conn) = self.conns.remove(&id) {
            if let Some(evicted @ Farewell::Evicted { .. }) = farewell {
                conn.link.send(&Packet::Close(evicted), None);
                self.part(peer, conn, cx);
            } else {
                conn.link.close(farewell, cx.out);
            }
        }
        self.hold_no_more(&peer, cx.now);
        cx.effects.push_back(Effect::Unlinked { peer, name, dead });
    }

    fn handle_farewell(&mut self, id: ConnId, farewell: Farewell, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get(&id) else { return };
        let peer = conn.peer;
        if !conn.link.is_active() {
            let cause = match farewell {
                Farewell::Full => Some(Cause::Full),
                Farewell::Refused => Some(Cause::Banned),
                Farewell::Leaving | Farewell::Duplicate | Farewell::Evicted { .. } => None,
            };
            self.note(id, cause.filter(|_| !conn.trial), "the other side said so", cx);
            return self.fail(id, cx);
        }
        let Some(address) = peer else { return };
        if let Farewell::Evicted { .. } = farewell
            && let Some(conn) = self.conns.remove(&id)
        {
            self.part(address, conn, cx);
        }
        self.unlink(address, None, farewell == Farewell::Leaving, cx);
        if let Farewell::Evicted { hint: Some(hint) } = farewell {
            let via = Some(address).filter(|address| self.is_parting(address));
            cx.effects.push_back(Effect::Successor { hint, via });
        }
    }

    /// Ends a link whose other side broke the rules.
    fn refuse(&mut self, id: ConnId, violation: Violation, cx: &mut Context<'_>) {
        let cause = match violation {
            Violation::Frame(_) => "frame",
            Violation::TooEarly => "packet before admission",
            Violation::Admission(_) => "admission",
        };
        let version = matches!(
            violation,
            Violation::Frame(FrameError::Version(_)) | Violation::Admission(AdmissionError::Version(_))
        );
        let noted = if version { Cause::Version } else { Cause::Admission };
        let early = self.conns.get(&id).is_some_and(|conn| !conn.link.is_active());
        self.note(id, Some(noted).filter(|_| early), &violation.to_string(), cx);
        cx.warn("ERR_NEIGHBOR", format!("a link was closed: {violation}"));
        self.refuse_quietly(id, cause, cx);
    }

    /// ... and whose cause is counted only.
    pub(crate) fn refuse_quietly(&mut self, id: ConnId, cause: &'static str, cx: &mut Context<'_>) {
        cx.drop_because(cause);
        let Some(conn) = self.conns.get_mut(&id) else { return };
        match conn.peer.filter(|_| conn.link.is_active()) {
            Some(address) => {
                self.leave_alone(id, cx);
                self.unlink(address, Some(Farewell::Refused), false, cx);
            }
            // An admission fails for what was said ahead of the channel, too, and that crossed others.
            None => {
                conn.link.close(Some(Farewell::Refused), cx.out);
                self.fail(id, cx);
            }
        }
    }

    // The journal.

    /// What became of the attempts.
    pub(crate) fn attempts(&self) -> Attempts {
        self.journal.attempts()
    }

    /// Whether something may still come of a connection, without anybody doing anything.
    pub(crate) fn is_attempting(&self) -> bool {
        self.conns.values().any(|conn| conn.link.cause().is_some())
    }

    /// Writes down why a connection came to nothing, if there is a cause.
    fn note(&mut self, id: ConnId, cause: Option<Cause>, detail: &str, cx: &mut Context<'_>) {
        let (Some(conn), Some(cause)) = (self.conns.get(&id), cause) else { return };
        let trouble = self.journal.failed(cause, conn.peer, detail, cx.now);
        self.complain(trouble, cx);
    }

    /// Writes down what the browser gathered for a connection.
    fn note_gathered(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let gathered = self.conns.get(&id).and_then(|conn| conn.link.gathered());
        let trouble = gathered.and_then(|(candidates, over)| self.journal.gathered(candidates, over));
        self.complain(trouble, cx);
    }

    /// Who has somebody is in no trouble.
    fn complain(&mut self, trouble: Option<Trouble>, cx: &mut Context<'_>) {
        if self.neighbors.is_empty() {
            trouble.into_iter().for_each(|trouble| cx.emit(Event::Trouble(trouble)));
        } else {
            self.journal.linked();
        }
    }

    /// Asks the neighbors whether they have what the page said lately.
    pub(crate) fn ask_if_taken(&mut self) {
        self.conns.values_mut().for_each(|conn| conn.link.ask_if_taken());
    }

    /// Whether a neighbor has not taken all that the page said.
    pub(crate) fn owe(&self) -> bool {
        self.conns.values().any(|conn| conn.link.owes())
    }

    /// Ends everything that is no link yet.
    pub(crate) fn drop_attempts(&mut self, cx: &mut Context<'_>) {
        let attempts = self.conns.iter().filter(|(_, conn)| !conn.link.is_active()).map(|(&id, _)| id);
        for id in attempts.collect::<Vec<_>>() {
            self.drop_conn(id, cx);
        }
    }

    /// Says goodbye on every link, and closes all.
    pub(crate) fn leave(&mut self, cx: &mut Context<'_>) {
        for address in self.neighbors().collect::<Vec<_>>() {
            self.unlink(address, Some(Farewell::Leaving), false, cx);
        }
        for (_, mut conn) in std::mem::take(&mut self.conns) {
            conn.link.close(None, cx.out);
        }
        self.end_partings(cx);
    }

    /// Ends a connection that is no link.
    fn drop_conn(&mut self, id: ConnId, cx: &mut Context<'_>) {
        if let Some(mut conn) = self.conns.remove(&id) {
            conn.link.close(None, cx.out);
        }
    }
}

#[cfg(any(test, feature = "sim"))]
mod checks;
