//! Who should be linked with whom: what a peer sees of the mesh, and what it asks for.
//!
//! Every peer is linked to its successor and predecessor on the address ring, and fills its other slots with long
//! links: see [`neighborhood`](mod@super::neighborhood). What it lacks of these it asks for through the mesh; a newcomer is
//! never turned away because everybody is full, for the peer next to it on the ring, or one that it asks in need,
//! hands one of its links over.
//!
//! This part decides; it owns no links. It is shown the [`Neighborhood`] and says what to ask for.

use std::time::Duration;

use super::id::Address;
use super::map::Map;
use super::neighborhood::Neighborhood;
use super::report::Estimate;
use super::request::Reason;
use super::time::{Instant, soonest};

mod density;
mod plan;
mod view;

#[cfg(any(test, feature = "sim"))]
pub(crate) use view::List;
pub(crate) use view::Packet;
use view::{Measured, View};

/// One request per side of the ring in this time.
const SIDE_PAUSE: Duration = Duration::from_millis(800);
/// The peer that wants a predecessor lets the other one, which wants a successor, go first.
const POLITE: Duration = Duration::from_millis(250);
/// A peer that did not accept is left alone for this long.
const COOL: Duration = Duration::from_millis(1500);
/// ... and one that was just handing a link over for this long.
const COOL_BUSY: Duration = Duration::from_millis(400);
/// A peer that could not be connected (NAT, most likely) is left alone for this long.
const COOL_FAILED: Duration = Duration::from_secs(20);
/// A peer known to be gone is not believed alive for this long, whoever says so.
const DEAD: Duration = Duration::from_secs(10);
/// Pauses between probes of the ring: first after a change, then doubling up to the last.
const STABILIZE: (Duration, Duration) = (Duration::from_millis(1500), Duration::from_secs(60));
/// Pauses between attempts at long links: first, longest with two or more free slots, longest with one.
const LONG: (Duration, Duration, Duration) =
    (Duration::from_millis(350), Duration::from_secs(4), Duration::from_secs(30));
/// Pauses between attempts to replace a slow long link: the first, the longest, and how much longer each is than the
/// one before. An attempt costs its neighborhood some 27 kB: 0.07 kB/s.
const TRIAL: (Duration, Duration) = (Duration::from_secs(400), Duration::from_secs(3600));
const TRIAL_GROWTH: f64 = 1.5;
/// Draws for one long link; the one that fills the widest gap wins (docs/mesh.md, Long links).
const DRAWS: usize = 8;
/// Two deaths within this time and half the links gone are a catastrophe: see [`Topology::is_catastrophe`].
const CATASTROPHE: Duration = Duration::from_secs(10);
/// Successors of evicted links that are remembered.
const MAX_HINTS: usize = 8;

/// The deciding part of the mesh.
#[derive(Debug)]
pub(crate) struct Topology {
    me: Address,
    view: View,
    /// Peers not to ask again before the time.
    cool: Map<Address, Instant>,
    /// Peers known to be gone.
    dead: Map<Address, Instant>,
    /// When each side of the ring may be asked for again.
    side_at: [Option<Instant>; 2],
    /// Since when a predecessor better than the linked one is known.
    better_since: Option<(Address, Instant)>,
    /// The ring links, and since when they are.
    ring: [Option<Address>; 2],
    ring_since: Option<Instant>,
    stabilize_at: Option<Instant>,
    stabilize_pause: Duration,
    long_at: Option<Instant>,
    long_pause: Duration,
    trial_at: Option<Instant>,
    trial_pause: Duration,
    /// Peers to link with as soon as a slot is free: those an eviction told us of, and who told.
    hints: Vec<(Address, Option<Address>)>,
    /// When the neighborhood changed such that the ring may be better.
    look_at: Option<Instant>,
    deaths: Vec<Instant>,
}

impl Topology {
    pub(crate) fn new(me: Address) -> Self {
        Self {
            me,
            view: View::new(me),
            cool: Map::new(),
            dead: Map::new(),
            side_at: [None; 2],
            better_since: None,
            ring: [None; 2],
            ring_since: None,
            stabilize_at: None,
            stabilize_pause: STABILIZE.0,
            long_at: None,
            long_pause: LONG.0,
            trial_at: None,
            trial_pause: TRIAL.0,
            hints: Vec::new(),
            look_at: None,
            deaths: Vec::new(),
        }
    }

    // What this peer sees.

    /// Adds to a neighborhood whose links are there what this part knows of it.
    pub(crate) fn survey(&mut self, around: &mut Neighborhood) {
        if self.view.is_stale() {
            let measure =
                |link: &super::neighborhood::Neighbor| Measured { address: link.address, rtt: link.rtt };
            let measured: Vec<_> = around.links.iter().map(measure).collect();
            self.view.refresh(&measured);
        }
        around.known = self.view.known();
        for link in &mut around.links {
            link.degree = self.view.degree_of(&link.address);
        }
        around.dead.clear();
        around.dead.extend(self.dead.keys());
        around.ring_since = self.ring_since;
        around.finds_no_slots = self.long_pause >= LONG.1;
    }

    /// The links that this peer knows of, for a map: each once, the lower address first.
    pub(crate) fn edges(&self) -> super::map::Set<(Address, Address)> {
        self.view.edges()
    }

    /// How large the swarm is, by what is known of it.
    pub(crate) fn estimate(&self) -> Estimate {
        density::estimate(self.me, &self.view.edges(), &self.view.whole())
    }

    /// What a neighbor told of the mesh. `false`: no honest peer says that.
    pub(crate) fn handle_view(&mut self, from: &Address, packet: Packet, now: Instant) -> bool {
        let sound = self.view.handle(from, packet, now);
        if sound {
            self.handle_change(now);
        }
        sound
    }

    /// A link was measured for the first time: others should know.
    pub(crate) fn handle_measured(&mut self, now: Instant) {
        self.view.touch(now);
    }

    /// What a new neighbor is told of the mesh. The link is in the neighborhood already.
    pub(crate) fn introduce(&self, to: &Address, around: &Neighborhood) -> impl Iterator<Item = Packet> {
        [Some(own_list(around)), self.view.relayed(to)].into_iter().flatten()
    }

    /// What is due to be told of the mesh, and to whom.
    pub(crate) fn publish(&mut self, around: &Neighborhood, now: Instant) -> Vec<(Address, Packet)> {
        let (publish, relays) = self.view.handle_timeout(now);
        let mut told = Vec::new();
        if publish {
            let own = own_list(around);
            told.extend(around.links.iter().map(|link| (link.address, own.clone())));
        }
        told.extend(relays);
        if self.view.is_to_tell(now) {
            told.extend(self.view.tell());
        }
        told
    }

    // What happened.

    /// A link became active.
    pub(crate) fn handle_linked(&mut self, neighbor: Address, now: Instant) {
        self.view.add(neighbor, now);
        self.dead.remove(&neighbor);
        self.cool.remove(&neighbor);
        self.hints.retain(|(hint, _)| *hint != neighbor);
        self.begin_anew(now);
    }

    /// The link to a neighbor gave way to another.
    pub(crate) fn handle_relinked(&mut self, neighbor: Address, now: Instant) {
        self.view.add(neighbor, now);
    }

    /// A link is gone. `dead`: so is its peer.
    pub(crate) fn handle_unlinked(&mut self, neighbor: Address, dead: bool, now: Instant) {
        self.view.remove(&neighbor, now);
        if dead {
            self.dead.insert(neighbor, now + DEAD);
            self.deaths.push(now);
        }
        self.begin_anew(now);
    }

    fn begin_anew(&mut self, now: Instant) {
        self.side_at = [None; 2];
        self.handle_change(now);
        self.long_pause = LONG.0;
        self.long_at = soonest(self.long_at, Some(now + LONG.0));
        self.stabilize_pause = STABILIZE.0;
        self.stabilize_at = soonest(self.stabilize_at, Some(now + STABILIZE.0));
    }

    /// The neighborhood changed: look for better ring links soon.
    pub(crate) fn handle_change(&mut self, now: Instant) {
        self.look_at = soonest(self.look_at, Some(now));
    }

    /// This peer keeps more links than before, or fewer.
    pub(crate) fn handle_resized(&mut self, now: Instant) {
        self.view.touch(now);
        self.handle_change(now);
    }

    /// A neighbor gave our slot away and named who took it. `via`: the neighbor itself, if it still passes on
    /// what arranges links.
    pub(crate) fn handle_hint(&mut self, hint: Address, via: Option<Address>, now: Instant) {
        let known = self.hints.iter().any(|(known, _)| *known == hint);
        if hint != self.me && !known && self.hints.len() < MAX_HINTS {
            self.hints.push((hint, via));
            self.handle_change(now);
        }
    }

    /// A connection to a peer could not be made.
    pub(crate) fn handle_failed(&mut self, peer: Address, now: Instant) {
        self.leave_alone(peer, COOL_FAILED, now);
        self.handle_change(now);
    }

    /// A request that was meant for a peer was turned away.
    pub(crate) fn handle_rejected(&mut self, aim: Address, reason: Reason, now: Instant) {
        let pause = match reason {
            Reason::Busy | Reason::Duplicate => COOL_BUSY,
            // Hearsay, and no reason for more.
            Reason::Full | Reason::NotFound | Reason::Failed => COOL,
        };
        self.leave_alone(aim, pause, now);
    }

    /// A connection with a peer, that was being made, is given up by its other end.
    pub(crate) fn handle_given_up(&mut self, peer: &Address, now: Instant) {
        self.cool.remove(peer);
        self.side_at = [None; 2];
        self.handle_change(now);
    }

    fn leave_alone(&mut self, peer: Address, pause: Duration, now: Instant) {
        self.cool.insert(peer, now + pause);
        self.look_at = soonest(self.look_at, Some(now + pause));
    }

    /// Two neighbors died within seconds and at most half the slots are filled: the mesh may have fallen
    /// apart, and only the trackers can mend that.
    pub(crate) fn is_catastrophe(&mut self, around: &Neighborhood, now: Instant) -> bool {
        self.deaths.retain(|&at| now - at <= CATASTROPHE);
        self.deaths.len() >= 2 && around.links.len() <= around.max_peers.div_ceil(2)
    }

    // Time.

    /// When this peer tells of the mesh what it knows.
    pub(crate) fn poll_publish(&self) -> Option<Instant> {
        self.view.poll_timeout()
    }

    /// When this peer looks for links.
    pub(crate) fn poll_plan(&self) -> Option<Instant> {
        soonest(soonest(self.look_at, self.stabilize_at), soonest(self.long_at, self.trial_at))
    }

    /// Whether a peer is left alone now.
    #[cfg(test)]
    pub(crate) fn avoids(&self, peer: &Address, now: Instant) -> bool {
        self.cool.get(peer).is_some_and(|until| *until > now)
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 4] {
        [self.cool.len(), self.dead.len(), self.hints.len(), self.deaths.len()]
    }
}

/// What a peer tells of its own links.
fn own_list(around: &Neighborhood) -> Packet {
    let free = around.max_peers.saturating_sub(around.links.len());
    View::own(around.links.iter().map(|link| Measured { address: link.address, rtt: link.rtt }), free)
}

#[cfg(test)]
mod tests;
