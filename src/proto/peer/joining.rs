//! The peer and its trackers: offers kept ready, announces, and offers of others that enter the mesh here.

use std::time::Duration;

use super::closing::Stage;
use super::{Conn, Peer, Purpose};
use crate::proto::envelope::Envelope;
use crate::proto::id::{OfferId, TrackerPeerId};
use crate::proto::io::{ConnId, TrackerId};
use crate::proto::limits::Work;
use crate::proto::link::Link;
use crate::proto::mesh::{Back, Carried, Goal, Reason, Request, RequestId};
use crate::proto::ring::{self, Side};
use crate::proto::time::Instant;
use crate::proto::tracker::{Heard, Need};
use crate::proto::view;

/// Most offers in one announce of a peer in need. A healthy one only seeks its ring neighbors.
const OFFERS: usize = 3;
const OFFERS_HEALTHY: usize = 2;
/// An offer is taken back when nobody took it up for this long: NAT bindings of its candidates fade.
pub(super) const OFFER_LIFE: Duration = Duration::from_secs(50);
/// After this time an announce that waits for offers goes without them.
const WITHOUT_OFFERS: Duration = Duration::from_millis(1500);
/// Pause before an announce when the mesh may have fallen apart.
const CATASTROPHE: Duration = Duration::from_millis(500);

/// A stranger's offer is brought into the mesh a second time, this long after a refusal. More often would find ever more
/// acceptors for an offer that is taken.
const AGAIN: Duration = Duration::from_millis(300);
/// Strangers whose offers are remembered at once.
const MAX_ERRANDS: usize = 64;

/// A stranger's offer on its way through the mesh.
#[derive(Debug)]
pub(super) struct Errand {
    back: Back,
    pub(super) request: Request,
    /// When it is repeated once it is refused, and when in any case.
    refused_at: Instant,
    pub(super) again_at: Instant,
}

impl Peer {
    pub(super) fn handle_tracker_opened(&mut self, id: TrackerId, now: Instant) {
        if let Some(tracker) = self.trackers.get_mut(&id) {
            tracker.handle_opened(now);
            let status = tracker.status();
            self.report_tracker(status);
        }
    }

    pub(super) fn handle_tracker_closed(&mut self, id: TrackerId, reason: String, now: Instant) {
        if let Some(tracker) = self.trackers.get_mut(&id) {
            tracker.handle_closed(reason, now);
            let status = tracker.status();
            self.report_tracker(status);
        }
    }

    pub(super) fn handle_tracker_message(&mut self, id: TrackerId, text: &str, now: Instant) {
        let Some(tracker) = self.trackers.get_mut(&id) else { return };
        let before = tracker.status();
        let heard = tracker.handle_message(text, now);
        let after = tracker.status();
        if (before.state, before.peers, &before.last_error) != (after.state, after.peers, &after.last_error) {
            self.report_tracker(after);
        }
        match heard {
            Some(Heard::Offer { from, id: offer, sdp }) => self.handle_offer(id, from, offer, &sdp, now),
            Some(Heard::Answer { id: offer, sdp }) => self.handle_answer(offer, &sdp, now),
            Some(Heard::Response { .. } | Heard::Failure(_)) => {}
            None => self.drop_because("tracker message"),
        }
    }

    /// Somebody's offer reached us by chance: it travels to the member that should take it up.
    fn handle_offer(
        &mut self,
        tracker: TrackerId,
        from: TrackerPeerId,
        offer: OfferId,
        sdp: &str,
        now: Instant,
    ) {
        if !self.limits.allows_stranger(Work::Errand, now) {
            return self.drop_because("trackers above their rate");
        }
        let Some(envelope) = Envelope::read(sdp, &offer, &self.secret) else {
            return self.drop_because("tracker offer");
        };
        let origin = envelope.from;
        let goal = match envelope.role {
            0 => Goal::Successor,
            1 => Goal::Predecessor,
            // In need: here, or at the nearest peer with a free slot, or by splitting an edge here.
            2 => Goal::Point(self.address),
            _ if self.free_slots() > 0 => Goal::Point(self.address),
            _ => {
                // Log-uniform around the origin: its long links should cover all scales.
                let known = self.known();
                let scale = ring::any_scale(&self.address, &known, &mut self.random);
                Goal::Point(ring::around(&origin, scale, &mut self.random))
            }
        };
        let carried =
            self.trackers.get(&tracker).map(|tracker| Carried { mark: tracker.mark(), to: from, offer });
        let request = Request {
            id: RequestId::of_offer(&offer, self.random.bytes()),
            origin,
            instance: envelope.instance,
            goal,
            need: envelope.role == 2,
            instead_of: envelope.instead_of.filter(|_| envelope.role < 2),
            offer: Some(envelope.description),
            carried,
            path: Vec::new(),
            hops_left: crate::proto::mesh::MAX_HOPS,
        };
        let back = Back::Tracker(tracker, from, offer);
        // A tracker carries no refusals, and the stranger would wait for its next announce.
        if self.errands.len() < MAX_ERRANDS {
            let again_at = now + self.lost();
            let errand = Errand { back, request: request.clone(), refused_at: now + AGAIN, again_at };
            self.errands.insert(request.id, errand);
        }
        self.handle_request(back, request, now);
    }

    /// The member that a stranger's offer reached does not want it; an origin that is linked needs no more.
    pub(super) fn handle_errand_refused(&mut self, id: &RequestId, reason: Reason) {
        match reason {
            Reason::Duplicate => drop(self.errands.remove(id)),
            Reason::Full | Reason::Busy | Reason::NotFound | Reason::Failed => {
                if let Some(errand) = self.errands.get_mut(id) {
                    errand.again_at = errand.refused_at;
                }
            }
        }
    }

    /// Errands that came to nothing.
    pub(super) fn repeat_errands(&mut self, now: Instant) {
        let due: Vec<_> = self.errands.iter().filter(|(_, e)| e.again_at <= now).map(|(&id, _)| id).collect();
        for id in due {
            if let Some(Errand { back, request, .. }) = self.errands.remove(&id) {
                let Back::Tracker(_, _, offer) = &back else { continue };
                let id = RequestId::of_offer(offer, self.random.bytes());
                let request = Request { id, ..request };
                self.handle_request(back, request, now);
            }
        }
    }

    /// Somebody took up one of our offers.
    fn handle_answer(&mut self, offer: OfferId, sdp: &str, now: Instant) {
        if !self.limits.allows_stranger(Work::Errand, now) {
            return self.drop_because("trackers above their rate");
        }
        let Some(Envelope { from, description, .. }) = Envelope::read(sdp, &offer, &self.secret) else {
            return self.drop_because("tracker answer");
        };
        let for_it = |conn: &Conn| conn.purpose == Purpose::Offer(offer);
        if self.conns.values().any(|conn| for_it(conn) && conn.peer == Some(from)) {
            // It came on two ways.
            return;
        }
        let open = self.conns.iter().find(|(_, conn)| for_it(conn) && conn.link.is_offered());
        let open = open.map(|(&id, _)| id);
        if open.is_none() {
            self.drop_because("late answer");
        }
        if !open.is_some_and(|conn| self.take_answer(conn, None, from, description, now)) {
            self.decline(from, None);
        }
    }

    /// How much this peer needs its trackers.
    fn need(&self) -> Need {
        match self.neighbors.len() {
            0 => Need::Lonely,
            1 => Need::Hungry,
            links if links < self.config.max_peers => Need::Growing,
            _ => Need::Healthy,
        }
    }

    /// Announces wherever it is due.
    pub(super) fn announce(&mut self, now: Instant) {
        let need = self.need();
        let known = self.view.known().len();
        // With two links the view is no sample of the swarm: a ring that winds round twice looks right to
        // every one of its peers, and only a stranger's request shows that it is not.
        let blind = self.config.max_peers == 2;
        for tracker in self.trackers.values_mut() {
            // A full set of links among a few, while the tracker counts more: the swarm has another part.
            let small = blind || known < view::capacity(self.config.max_peers) / 2;
            let apart = small && known + 1 < tracker.peers();
            tracker.set_need(if apart { need.max(Need::Growing) } else { need }, now);
        }
        let due: Vec<_> = self
            .trackers
            .iter()
            .filter(|(_, tracker)| tracker.wants_announce(now))
            .map(|(&id, _)| id)
            .collect();
        for id in due {
            let wanted = if need >= Need::Hungry { self.most_offers() } else { OFFERS_HEALTHY };
            // The first announce is not to wait, and what is not ready for it would have to wait for the next.
            let first = self.trackers.get(&id).is_some_and(|tracker| !tracker.is_started());
            let mut offers =
                if first && !self.are_offers_ready() { Vec::new() } else { self.offers(wanted, now) };
            let missing = offers.is_empty();
            let Some(tracker) = self.trackers.get_mut(&id) else { continue };
            if missing && tracker.can_wait() {
                // Offers are being made; when the first is ready, `offers_ready` comes.
                tracker.postpone(now + WITHOUT_OFFERS);
                continue;
            }
            tracker.announce(&mut offers, now, &mut self.out);
            if missing {
                tracker.hasten(now + WITHOUT_OFFERS);
            }
        }
    }

    /// Makes offers while the socket of a tracker opens: both take a tenth of a second or more.
    pub(super) fn prepare_offers(&mut self, now: Instant) {
        self.begin_offers(self.most_offers(), now);
    }

    /// Half of the slots: the other half is for the offers of others.
    fn most_offers(&self) -> usize {
        (self.config.max_peers / 2).clamp(OFFERS_HEALTHY, OFFERS)
    }

    /// Begins offers if there are fewer than wanted.
    fn begin_offers(&mut self, wanted: usize, now: Instant) {
        let open = self.conns.values().filter(|conn| conn.is_spare()).count();
        for _ in open..wanted {
            self.begin_offer(now);
        }
    }

    /// Whether no offer is still being made.
    fn are_offers_ready(&self) -> bool {
        self.conns.values().filter(|conn| conn.is_spare()).all(|conn| conn.link.is_offered())
    }

    /// The offers that can go out now; more are begun if there are fewer than wanted.
    pub(super) fn offers(&mut self, wanted: usize, now: Instant) -> Vec<(OfferId, String)> {
        self.begin_offers(wanted, now);
        let mut offers = Vec::with_capacity(wanted);
        let bounds = Side::BOTH.map(|side| self.bound(side));
        // Where only one is ready it is not for the same side each time: who is there may be out of reach.
        let first = self.random.below(wanted);
        let ready = self.conns.values_mut().filter(|conn| conn.is_spare() && conn.link.is_offered());
        for (turn, conn) in (first..first + wanted).zip(ready) {
            let role = turn % wanted;
            conn.announced = Some(now);
            let (Purpose::Offer(id), Some(description)) = (conn.purpose, conn.link.description()) else {
                continue;
            };
            let envelope = Envelope {
                instead_of: bounds.get(role).copied().flatten(),
                from: self.address,
                instance: self.instance,
                role: role as u8,
                description: description.clone(),
            };
            offers.push((id, envelope.write(&id, &self.secret, &mut self.random)));
        }
        offers
    }

    pub(super) fn begin_offer(&mut self, now: Instant) -> ConnId {
        let id = self.next_conn_id();
        let purpose = Purpose::Offer(OfferId(self.random.bytes()));
        let link = Link::offer(id, now, &mut self.out);
        self.stats.attempts += 1;
        self.conns.insert(id, Conn::new(link, purpose, now));
        id
    }

    /// An offer is ready: announces that wait for one may go, a little later, when others are ready too.
    pub(super) fn offers_ready(&mut self, conn: ConnId, now: Instant) {
        if let Some(conn) = self.conns.get_mut(&conn) {
            conn.link.expire_offer(now + OFFER_LIFE);
        }
        let all = self.are_offers_ready();
        for tracker in self.trackers.values_mut() {
            tracker.offers_ready(now, all);
        }
    }

    /// The neighborhood changed: what a tracker may know of it is worth asking again.
    pub(super) fn reconsider_trackers(&mut self, now: Instant) {
        for tracker in self.trackers.values_mut() {
            tracker.reconsider(now);
        }
    }

    /// The mesh may have fallen apart: only the trackers can mend that.
    pub(super) fn call_for_help(&mut self, now: Instant) {
        let trackers = self.trackers.values_mut().filter(|_| self.stage == Stage::Open);
        trackers.for_each(|tracker| tracker.hasten(now + CATASTROPHE));
    }

    pub(super) fn next_conn_id(&mut self) -> ConnId {
        self.next_conn += 1;
        ConnId(self.next_conn)
    }

    /// Ends a connection that is no link.
    pub(super) fn drop_conn(&mut self, id: ConnId) {
        if let Some(mut conn) = self.conns.remove(&id) {
            conn.link.close(None, &mut self.out);
        }
    }
}
