//! One identity in two pages: at a neighbor of one of them the other one greets.
//!
//! ```text
//! holder            neighbor            newcomer of the same key
//!   │ ◀══ link ════▶ │ ◀── Hello, Confirm ── │   it is who it says it is; no Confirm goes back yet
//!   │ ◀── Rival ──── │                       │
//!   ├─── Holds ────▶ ├─────── Holds ───────▶ │   it goes by another address, or
//!   │ ◀── Holds ──── │ ◀────── Holds ─────── │   is here for longer: then the first one goes
//! ```
//!
//! Silence means that the holder is gone: a page that was reloaded, or a machine that was closed. Then the newcomer has its
//! link. None of this costs an outsider's victim anything: who greets has proven the key before anybody is asked.

use std::time::Duration;

use super::Links;
use super::admission::Admitted;
use super::link::{Linked, Packet};
use crate::proto::context::Context;
use crate::proto::holding::Holding;
use crate::proto::id::Address;
use crate::proto::io::{ConnId, Event};
use crate::proto::time::Instant;

/// A holder that answers does so within this time: three times what the link takes, within these bounds. A page that was
/// reloaded waits no longer.
const ANSWER: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(600));
/// Within the call in which a link ended no other one begins.
const AT_ONCE: Duration = Duration::from_millis(1);
/// Who was told has this long to go, or to say that it was here first.
const TOLD: Duration = Duration::from_millis(1000);

/// Connections of runs whose address another one may hold.
#[derive(Debug, Default)]
pub(super) struct Rivals {
    waiting: Vec<Rival>,
    /// Whether this peer was told to take another identity.
    gave_way: bool,
}

/// One such connection.
#[derive(Debug)]
struct Rival {
    conn: ConnId,
    instance: [u8; 16],
    until: Instant,
    /// Whether the holder answered.
    told: bool,
    /// Whether this one answered that.
    replied: bool,
}

impl Rivals {
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.waiting.iter().map(|rival| rival.until).min()
    }

    /// How many wait.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

impl Links {
    /// Another run of a neighbor has proven itself: whether it waits for what that neighbor says.
    pub(super) fn waits_for_holder(
        &mut self,
        id: ConnId,
        holder: ConnId,
        newcomer: &Admitted,
        cx: &mut Context<'_>,
    ) -> bool {
        if let Some(place) = self.rivals.waiting.iter().position(|rival| rival.conn == id) {
            let waits = self.rivals.waiting[place].until > cx.now;
            if !waits {
                self.rivals.waiting.remove(place);
            }
            return waits;
        }
        let Some(conn) = self.conns.get_mut(&holder) else { return false };
        conn.link.send(&Packet::Rival(newcomer.instance), None);
        let (least, most) = ANSWER;
        let until = cx.now + conn.link.rtt().map_or(most, |rtt| (rtt * 3).clamp(least, most));
        let instance = newcomer.instance;
        self.rivals.waiting.push(Rival { conn: id, instance, until, told: false, replied: false });
        true
    }

    /// Another run of this peer's own identity has proven itself: it is told that this one is here, and tells the same.
    pub(super) fn meet(&mut self, id: ConnId, other: &Admitted, cx: &mut Context<'_>) {
        self.say_holding(id, other.instance, cx);
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.limit_greeting(cx.now + TOLD);
        }
    }

    /// Tells another run of this peer's identity that this one is here.
    pub(crate) fn say_holding(&mut self, id: ConnId, rival: [u8; 16], cx: &mut Context<'_>) {
        let me = cx.me;
        let holding = Holding::prove(&me.identity, &me.secret.tag(), me.instance, rival, cx.now - me.since);
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.send(&Packet::Holds(holding), None);
        }
    }

    /// Somebody says that it holds an address: this peer's own, or that of a neighbor to one that greets.
    pub(crate) fn handle_holds(&mut self, id: ConnId, holding: Holding, cx: &mut Context<'_>) {
        let me = cx.me;
        if holding.rival == me.instance {
            let other = holding.instance != me.instance;
            return match holding.is_of(&me.identity.public_key(), &me.secret.tag()) && other {
                true if holding.goes_before(&me.instance, cx.now - me.since) => self.give_way(cx),
                true => self.say_holding(id, holding.instance, cx),
                false => cx.drop_because("holds"),
            };
        }
        let Self { conns, neighbors, rivals, .. } = self;
        let Some(from) = conns.get(&id).and_then(|conn| conn.peer) else { return };
        let holder = neighbors.get(&from).copied();
        let rival = rivals.waiting.iter_mut().find(|rival| {
            let of = conns.get(&rival.conn).and_then(|conn| conn.peer);
            let ends = [Some(rival.conn), holder];
            of == Some(from)
                && ends.contains(&Some(id))
                && [holding.rival, holding.instance].contains(&rival.instance)
        });
        // Each says it once.
        let to = rival.and_then(|rival| match holder == Some(id) {
            true if rival.told => None,
            true => {
                (rival.told, rival.until) = (true, cx.now + TOLD);
                Some(rival.conn)
            }
            false => holder.filter(|_| !std::mem::replace(&mut rival.replied, true)),
        });
        match to.and_then(|to| conns.get_mut(&to)) {
            Some(conn) => drop(conn.link.send(&Packet::Holds(holding), None)),
            None => cx.drop_because("holds"),
        }
    }

    /// Tells the page, once.
    fn give_way(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.rivals.gave_way, true) {
            cx.emit(Event::AddressInUse);
        }
    }

    /// The link to a holder is gone: who waits for its answer has its place.
    pub(super) fn hold_no_more(&mut self, holder: &Address, now: Instant) {
        let Self { conns, rivals, .. } = self;
        let of_it =
            |rival: &&mut Rival| conns.get(&rival.conn).is_some_and(|conn| conn.peer == Some(*holder));
        for rival in rivals.waiting.iter_mut().filter(of_it) {
            (rival.until, rival.told) = (now + AT_ONCE, false);
        }
    }

    /// Who waited long enough has a link, or none if the holder is there.
    pub(super) fn expire_rivals(&mut self, cx: &mut Context<'_>) {
        let Self { conns, rivals, .. } = self;
        rivals.waiting.retain(|rival| conns.contains_key(&rival.conn));
        let due = rivals.waiting.iter().filter(|rival| rival.until <= cx.now);
        for (conn, told) in due.map(|rival| (rival.conn, rival.told)).collect::<Vec<_>>() {
            match told {
                true => self.refuse_quietly(conn, "address in use", cx),
                false => self.admit(conn, Linked { ours: false, theirs: false }, cx),
            }
        }
        self.rivals.waiting.retain(|rival| rival.until > cx.now);
    }
}
