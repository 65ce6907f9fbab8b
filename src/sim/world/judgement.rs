//! What peers tell their pages, against what is true; what should never have happened.

use super::*;
use crate::proto::SILENCE;
use crate::sim::graph::Link;
use crate::sim::network::SHORTEST;

/// How long a link may be known to one end only: until its neighbor's death is noticed; the rest is slack for the
/// way of a notice.
const ONE_SIDED_LIMIT: Duration = SILENCE.saturating_add(Duration::from_millis(2500));
/// Violations kept; one bug makes many.
const MAX_VIOLATIONS: usize = 20;

impl World {
    pub(super) fn on_event(&mut self, index: u32, event: Event) {
        match &event {
            Event::Connect(address) => match self.addresses.get(address).copied() {
                Some(to) => {
                    let latency = self.params.network.latency(self.seed, index, to);
                    if !self.graph.connect(index, Link { to, latency }, self.now) {
                        self.violation(format_args!("{} connects to {} twice", NodeId(index), NodeId(to)));
                    }
                }
                None => self.violation(format_args!("{} connects to nobody", NodeId(index))),
            },
            Event::Disconnect(address) => match self.addresses.get(address).copied() {
                Some(to) => {
                    if !self.graph.disconnect(index, to, self.now) {
                        let (a, b) = (NodeId(index), NodeId(to));
                        self.violation(format_args!("{a} disconnects from {b} without a link"));
                    }
                    let gone = self.nodes[to as usize].gone;
                    if gone <= self.now {
                        self.counts.noticed.push((self.now - gone) as u32);
                    }
                }
                None => self.violation(format_args!("{} disconnects from nobody", NodeId(index))),
            },
            Event::Message(received) => {
                self.note(9, index, u64::from_le_bytes(received.id.0[..8].try_into().unwrap_or_default()));
                if let Err(what) = self.ledger.arrived(index, received, self.now) {
                    self.violation(format_args!("{what}: {:?} at {}", received.id, NodeId(index)));
                }
                if self.ledger.get(received.id).is_some_and(|message| message.purpose == Purpose::Request) {
                    let then = self.now + SHORTEST.as_micros() as u64;
                    self.queue.push(then, Happening::Answer(index, received.id));
                }
            }
            Event::Delivery(id, outcome) => {
                if let Err(what) = self.ledger.outcome(*id, *outcome) {
                    self.violation(format_args!("{what}: {id:?} of {}", NodeId(index)));
                }
            }
            Event::AddressInUse | Event::AddressFree => {
                self.violation(format_args!("{} is told of another one", NodeId(index)));
            }
            Event::Presence { .. }
            | Event::Progress { .. }
            | Event::Tracker(_)
            | Event::Warning(_)
            | Event::Trouble(_)
            | Event::Closed => {}
        }
        if self.params.keep_events {
            self.events.push((self.now(), NodeId(index), event));
        }
    }

    // Judgement.

    pub(super) fn check_symmetry(&mut self) {
        let limit = ONE_SIDED_LIMIT.as_micros() as u64;
        let Some(before) = self.now.checked_sub(limit) else { return };
        let found: Vec<_> = self.graph.one_sided_since(before).take(3).collect();
        for (a, b, since) in found {
            self.violation(format_args!(
                "{} has believed alone in a link to {} since {:.3} s",
                NodeId(a),
                NodeId(b),
                since as f64 / 1e6
            ));
        }
    }

    pub(super) fn violation(&mut self, what: fmt::Arguments<'_>) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(format!("seed {} at {:.6} s: {what}", self.seed, self.now as f64 / 1e6));
        }
    }

    /// In words: what two neighbors on the ring that are not linked know of each other.
    pub fn explain_gap(&mut self, a: NodeId, b: NodeId) -> String {
        let mut describe = |one: NodeId, other: NodeId| {
            let links: Vec<u32> = self.graph.links(one.0).iter().map(|link| link.to).collect();
            let conns = self.nodes[one.0 as usize].conns.len();
            let channels = self.nodes[one.0 as usize].open;
            let address = self.nodes[other.0 as usize].address;
            let knows = self.nodes[one.0 as usize]
                .peer
                .as_mut()
                .is_some_and(|peer| peer.known_peers().contains(&address));
            let knows = if knows { "knows" } else { "does not know" };
            format!("{one} {knows} of {other}, has links {links:?}, {conns} connections, {channels} channels")
        };
        let (first, second) = (describe(a, b), describe(b, a));
        let far =
            self.graph.hops(a.0, b.0).map_or("no path".to_owned(), |hops| format!("{hops} links apart"));
        format!("{first}; {second}; {far}")
    }
}
