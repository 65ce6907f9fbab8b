//! The slots of a peer: `maxPeers` of them, each of a link or of a connection that is being made. Here and nowhere else
//! is decided who gets one, and who gives one up for it.

use std::time::Duration;

use super::Links;
use super::link::Farewell;
use crate::proto::context::Context;
use crate::proto::id::Address;
use crate::proto::io::ConnId;
use crate::proto::neighborhood::{Neighbor, Neighborhood, reserved};
use crate::proto::request::{Goal, Reason, Request};
use crate::proto::time::Instant;

/// A peer splits an edge for a newcomer in need at most once in this time.
const SPLIT_PAUSE: Duration = Duration::from_secs(1);
/// A hand-over, from the channel that opens to the one that ends. Connections may exceed the cap for 2 s: what is left is
/// for pages that are slow to tell and to be told. Whose greeting takes longer is too far away for a link that another
/// one has to end for.
const HAND_OVER: Duration = Duration::from_millis(1200);

/// A new link is worth the change when its round trip is below this share of the old one's: links jitter by a tenth.
const FASTER: f64 = 0.8;

/// When links were last given up for others.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    split_at: Option<Instant>,
}

impl Slots {
    /// Whether to accept a request that ended here: a slot is free, or the link is worth a hand-over.
    pub(crate) fn judge(
        &mut self,
        request: &Request,
        around: &Neighborhood,
        now: Instant,
    ) -> Result<(), Reason> {
        let origin = &request.origin;
        if around.is_link(origin) || around.is_pending(origin) {
            return Err(Reason::Duplicate);
        }
        if let (Some(side), Some(bound)) = (request.goal.side(), &request.instead_of)
            && side.reach(origin, &around.me) >= side.reach(origin, bound)
        {
            return Err(Reason::Duplicate);
        }
        let ring = around.improves_ring(origin);
        // Who asks for this very peer lost a link for it.
        let sent_here = matches!(request.goal, Goal::Exact(_));
        // Half of the slots of a lonely peer are for the answers to its own offers: when all of a crowd promise
        // all their slots to each other's offers, nobody can take an answer.
        let reserve = match around.links.is_empty() {
            true => around.max_peers as isize / 2,
            false if ring || request.need || sent_here => 0,
            false => reserved(around.ring_since, around.max_peers, now),
        };
        if around.free > reserve {
            return Ok(());
        }
        if around.victim(origin, now).is_none() {
            return Err(if around.free < 0 { Reason::Busy } else { Reason::Full });
        }
        // One hand-over at a time: a link ends when its successor is admitted, and not for one that is still to come.
        if around.free < 0 {
            return Err(Reason::Busy);
        }
        if ring {
            return Ok(());
        }
        if (request.need || tried_against(request, around).is_some())
            && self.split_at.is_none_or(|at| at <= now)
        {
            self.split_at = Some(now + SPLIT_PAUSE);
            return Ok(());
        }
        Err(Reason::Full)
    }
}

/// The link that gives way here if one that its origin tries is faster. Never one that this peer chose: whoever
/// is fast cannot surround it.
pub(crate) fn tried_against(request: &Request, around: &Neighborhood) -> Option<Address> {
    request.is_trial().then(|| around.slowest(|link| !link.chosen)).flatten()
}

/// The neighborhood as a request should be judged by: what is left of a page that was reloaded, or another peer of its
/// address, must not keep its origin out, nor a link without an answer, which its origin has lost if it asks for another.
/// Admission shows who is who, and which link stays.
fn seen_by(request: &Request, around: &Neighborhood) -> Option<Neighborhood> {
    let lost =
        |link: &&Neighbor| link.instance != request.instance || around.in_doubt.contains(&request.origin);
    let other = around.link(&request.origin).filter(lost)?;
    Some(around.without(&other.address))
}

impl Links {
    /// Slots that hold neither a link nor an attempt at one; below zero during a hand-over.
    pub(super) fn free_slots(&self, max_peers: usize) -> isize {
        let taken = self.conns.values().filter(|conn| conn.holds_slot()).count();
        max_peers as isize - taken as isize
    }

    /// Whether to accept a request that ended here.
    pub(crate) fn judge(&mut self, request: &Request, cx: &Context<'_>) -> Result<(), Reason> {
        // It would lose its link at once.
        if !cx.around.open {
            return Err(Reason::NotFound);
        }
        // Another run of this peer's identity: nothing gives way to it.
        if request.origin == cx.me.address && cx.around.free <= 0 {
            return Err(Reason::Full);
        }
        match seen_by(request, cx.around) {
            Some(around) => self.slots.judge(request, &around, cx.now),
            None => self.slots.judge(request, cx.around, cx.now),
        }
    }

    /// A slot is about to be taken, or handed over. Connections exceed the cap by one at most: late ones that gave their
    /// slots back may come yet, and make room. No link does before its successor is admitted.
    pub(super) fn make_room(&mut self, cx: &mut Context<'_>) {
        let taken = self.conns.values().filter(|conn| conn.link.is_taken_up()).count();
        let late = self.conns.iter().filter(|(_, conn)| !conn.link.is_hopeful()).map(|(&id, _)| id);
        let late: Vec<_> = late.take(taken.saturating_sub(cx.around.max_peers)).collect();
        for id in late {
            self.drop_conn(id, cx);
        }
    }

    /// Whether an answer to one of our offers, which held no slot until now, may have one. `late`: it is to an older request
    /// than the one that the offer is out for.
    pub(super) fn has_slot_for_answer(
        &self,
        offer: ConnId,
        from: &Address,
        late: bool,
        cx: &Context<'_>,
    ) -> bool {
        let free = self.free_slots(cx.around.max_peers);
        let trial = !late && self.replaced_by(offer, cx.around).is_some() && free == 0;
        // One hand-over at a time: a link ends when its successor is admitted.
        let hand_over =
            || free == 0 && cx.around.improves_ring(from) && cx.around.victim(from, cx.now).is_some();
        free > 0 || trial || hand_over()
    }

    /// Whether a greeting may end in a link: there is room, or somebody would give way.
    pub(super) fn has_room_for(&self, id: ConnId, peer: &Address, cx: &Context<'_>) -> bool {
        self.neighbors.contains_key(peer)
            || self.neighbors.len() < cx.around.max_peers
            || self.replaced_by(id, cx.around).is_some()
            || cx.around.victim(peer, cx.now).is_some()
    }

    /// The link that is to end for a new one, if it still is a long one.
    pub(super) fn replaced_by(&self, id: ConnId, around: &Neighborhood) -> Option<Address> {
        let slow = self.conns.get(&id)?.replaces?;
        (self.neighbors.contains_key(&slow) && !around.ring().contains(&Some(slow))).then_some(slow)
    }

    /// Whether a link on trial stays: it is faster than the one it is to replace, or needed anyway.
    pub(super) fn passes_trial(
        &self,
        id: ConnId,
        peer: &Address,
        around: &Neighborhood,
        now: Instant,
    ) -> bool {
        let full = self.neighbors.len() >= around.max_peers;
        let slow = self.replaced_by(id, around).filter(|_| full);
        !full || slow.is_some_and(|slow| self.is_faster(id, &slow, now)) || around.improves_ring(peer)
    }

    /// Whether a new connection is faster than a link by more than chance.
    fn is_faster(&self, id: ConnId, than: &Address, now: Instant) -> bool {
        let rtt = self.neighbors.get(than).and_then(|conn| self.conns.get(conn)?.link.rtt());
        let new = self.conns.get(&id).and_then(|conn| conn.link.attempt_age(now));
        new.zip(rtt).is_some_and(|(new, old)| new < old.mul_f64(FASTER))
    }

    /// Gives a proven connection the slot of a link, where all are taken by others; `false`: none gives way.
    pub(super) fn give_slot(
        &mut self,
        id: ConnId,
        peer: &Address,
        around: &Neighborhood,
        cx: &mut Context<'_>,
    ) -> bool {
        if self.neighbors.len() < around.max_peers {
            return true;
        }
        let mut around = around.clone();
        if let Some(slow) = self.replaced_by(id, &around) {
            // The two that lose a link by this become neighbors, and every peer has as many links as before.
            let hint = self.conns.get(&id).and_then(|conn| conn.successor_hint);
            self.unlink(slow, Some(Farewell::Evicted { hint }), false, cx);
            around = around.without(&slow);
        }
        while self.neighbors.len() >= around.max_peers {
            let Some(victim) = around.victim(peer, cx.now) else { return false };
            self.unlink(victim, Some(Farewell::Evicted { hint: Some(*peer) }), false, cx);
            around = around.without(&victim);
        }
        true
    }

    /// Hands links over until no more are left than `maxPeers` allows.
    pub(crate) fn shed(&mut self, cx: &mut Context<'_>) {
        let mut around = cx.around.clone();
        let mut hint = None;
        while self.neighbors.len() > around.max_peers {
            let victim =
                around.victim(&around.me, cx.now).or_else(|| self.neighbors.keys().next_back().copied());
            let Some(victim) = victim else { return };
            // Those who lose a link here are told of each other.
            self.unlink(victim, Some(Farewell::Evicted { hint }), false, cx);
            around = around.without(&victim);
            hint = Some(victim);
        }
    }

    /// Whether there may be more connections than the cap.
    pub(crate) fn may_exceed(&self, max_peers: usize) -> bool {
        !self.partings.is_empty() || self.conns.values().filter(|conn| conn.is_open()).count() > max_peers
    }

    /// Ends partings until there are no more connections than the cap and one, those being made among them: any of
    /// them may be connected before this peer hears of it. With one above the cap, greetings have to be short.
    pub(crate) fn limit_hand_overs(&mut self, cx: &mut Context<'_>) {
        let max_peers = cx.around.max_peers;
        let taken = self.conns.values().filter(|conn| conn.link.is_taken_up()).count();
        while !self.partings.is_empty() && taken + self.partings.len() > max_peers + 1 {
            self.end_parting(0, cx);
        }
        if self.conns.values().filter(|conn| conn.is_open()).count() + self.partings.len() > max_peers {
            let until = cx.now + HAND_OVER;
            self.conns.values_mut().for_each(|conn| conn.link.limit_greeting(until));
        }
    }
}

#[cfg(test)]
mod tests;
