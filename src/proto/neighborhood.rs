//! The neighborhood of a peer at one moment: what every part of it is shown, and what follows from that alone.
//!
//! Every peer is linked to its successor and predecessor on the address ring, which makes routing certain,
//! and fills its other slots with *long links* whose distances it spreads evenly over all scales, which makes
//! routing and broadcasts fast (Kleinberg 2000; Symphony, Manku et al. 2003).

use std::sync::Arc;
use std::time::Duration;

use super::id::Address;
use super::identity::PublicKey;
use super::map::Set;
use super::ring::{self, Known, Side};
use super::time::Instant;

pub(crate) use shown::Shown;

/// An answer to a request for a ring link that is not here after this time is lost, most likely: answers get lost while
/// links change hands.
const LOST: Duration = Duration::from_millis(1000);
/// A neighbor that says it has few links is believed for this long: an honest one has filled its slots by then.
const FILLING: Duration = Duration::from_secs(5);
/// While the ring links of a peer are younger than this they may still change, and slots are kept for them.
pub(crate) const UNSETTLED: Duration = Duration::from_millis(1500);
/// With two links each there are no shortcuts, so everything that crosses the mesh takes so much longer.
const PATIENCE: u32 = 8;

/// How long to wait for what takes this long where peers have more than two links.
pub(crate) fn patient(time: Duration, max_peers: usize) -> Duration {
    if max_peers > 2 { time } else { time * PATIENCE }
}

/// One active link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neighbor {
    /// The hash of its proven key.
    pub(crate) address: Address,
    pub(crate) key: PublicKey,
    /// What it goes by for the page: its address, or what it claims in place of it.
    pub(crate) name: Address,
    /// Tells this run of it from earlier ones.
    pub(crate) instance: [u8; 16],
    /// Links that it has by its own word.
    pub(crate) degree: usize,
    /// Whether this peer chose it as a long link.
    pub(crate) chosen: bool,
    pub(crate) since: Instant,
    pub(crate) rtt: Option<Duration>,
}

/// A peer and what it sees of the mesh.
#[derive(Debug, Clone)]
pub(crate) struct Neighborhood {
    pub(crate) me: Address,
    pub(crate) max_peers: usize,
    /// The active links, by address.
    pub(crate) links: Vec<Neighbor>,
    /// Neighbors that have not answered when they should have: what is handed to them may go nowhere.
    pub(crate) in_doubt: Vec<Address>,
    /// Links that were evicted and still carry what arranges others.
    pub(crate) parting: Vec<Address>,
    /// Peers to which a connection is just being made.
    pub(crate) pending: Vec<Address>,
    /// Slots that hold neither a link nor a connection being made; below zero during a hand-over.
    pub(crate) free: isize,
    /// Requests of this peer that nobody has answered yet.
    pub(crate) asking: isize,
    /// How long the other end of an attempt may well need, if it is as busy as this one.
    pub(crate) pace: Duration,
    /// Sides of the ring that open requests of this peer are about.
    pub(crate) asked: [bool; 2],
    /// Everyone a path leads to, by address.
    pub(crate) known: Arc<[Known]>,
    /// Peers known to be gone, whoever says otherwise.
    pub(crate) dead: Vec<Address>,
    /// Since when the ring links are what they are.
    pub(crate) ring_since: Option<Instant>,
    /// Whether this peer has looked for long links in vain for seconds: everybody else is full.
    pub(crate) finds_no_slots: bool,
    /// Whether this peer makes links at all: not any more while it leaves.
    pub(crate) open: bool,
}

impl Neighborhood {
    pub(crate) fn new(me: Address, max_peers: usize) -> Self {
        Self {
            me,
            max_peers,
            links: Vec::new(),
            in_doubt: Vec::new(),
            parting: Vec::new(),
            pending: Vec::new(),
            free: max_peers as isize,
            asking: 0,
            asked: [false; 2],
            pace: Duration::ZERO,
            known: Arc::new([]),
            dead: Vec::new(),
            ring_since: None,
            finds_no_slots: false,
            open: true,
        }
    }

    /// How many peers are within three links where every peer has as many as this one may.
    pub(crate) fn capacity(&self) -> usize {
        let others = self.max_peers.saturating_sub(1);
        self.max_peers * (1 + others + others * others)
    }

    pub(crate) fn link(&self, address: &Address) -> Option<&Neighbor> {
        self.links.iter().find(|link| link.address == *address)
    }

    pub(crate) fn is_link(&self, address: &Address) -> bool {
        self.link(address).is_some()
    }

    /// Whether a path leads to a peer.
    pub(crate) fn sees(&self, peer: &Address) -> bool {
        self.known.binary_search_by(|known| known.address.cmp(peer)).is_ok()
    }

    pub(crate) fn is_pending(&self, address: &Address) -> bool {
        self.pending.contains(address)
    }

    /// The same without one of its links, as after that ended.
    pub(crate) fn without(&self, peer: &Address) -> Self {
        let mut rest = self.clone();
        rest.links.retain(|link| link.address != *peer);
        rest
    }

    /// Whether a packet that arranges links can be handed to this peer.
    pub(crate) fn reaches(&self, peer: &Address) -> bool {
        self.is_link(peer) || self.parting.contains(peer)
    }

    /// After this time an answer is lost, most likely.
    pub(crate) fn lost(&self) -> Duration {
        patient(LOST.max(self.pace), self.max_peers)
    }

    /// The link on one side of the ring: the closest one.
    pub(crate) fn ring_link(&self, side: Side) -> Option<Address> {
        side.next(&self.me, self.links.iter().map(|link| &link.address)).copied()
    }

    /// Both of them, the successor first.
    pub(crate) fn ring(&self) -> [Option<Address>; 2] {
        Side::BOTH.map(|side| self.ring_link(side))
    }

    /// The link on one side of the ring that a new one there must beat. With a slot free there is none: others may
    /// be dead without being missed yet, as when half of a swarm dies at once.
    pub(crate) fn bound(&self, side: Side) -> Option<Address> {
        self.ring_link(side).filter(|_| self.links.len() >= self.max_peers)
    }

    /// Whether a link with this peer would be a better ring link on either side.
    pub(crate) fn improves_ring(&self, peer: &Address) -> bool {
        Side::BOTH.into_iter().any(|side| self.improves(side, peer))
    }

    /// ... and on this one.
    pub(crate) fn improves(&self, side: Side, peer: &Address) -> bool {
        let nearer = |old| side.reach(&self.me, peer) < side.reach(&self.me, &old);
        self.ring_link(side).is_none_or(nearer)
    }

    /// What a link is for, in a word for the page.
    pub(crate) fn role(&self, neighbor: &Address) -> &'static str {
        match self.ring() {
            [Some(successor), _] if successor == *neighbor => "successor",
            [_, Some(predecessor)] if predecessor == *neighbor => "predecessor",
            _ => "long",
        }
    }

    /// The slowest of some of the long links.
    pub(crate) fn slowest(&self, of: impl Fn(&Neighbor) -> bool) -> Option<Address> {
        let ring = self.ring();
        let long = self.links.iter().filter(|link| !ring.contains(&Some(link.address)) && of(link));
        long.max_by_key(|link| link.rtt).map(|link| link.address)
    }

    /// The two long links that this peer chose first: neither a newcomer nor a faster peer takes their place, so nobody
    /// can surround a peer (eclipse).
    pub(crate) fn protected(&self) -> Vec<Address> {
        let chosen = self.links.iter().filter(|link| link.chosen);
        let chosen: Set<_> = chosen.map(|link| (link.since, link.address)).collect();
        let most = self.max_peers.saturating_sub(2).min(2);
        chosen.into_iter().take(most).map(|(_, address)| address).collect()
    }

    /// Which link gives way to a newcomer (or to a smaller `maxPeers`, when there is none).
    ///
    /// Never a link that is on the ring once the newcomer is in, and never one that is [`protected`](Self::protected).
    /// Of the others the peer with the most links, then the one whose distance is best covered by another link.
    ///
    /// How many links a peer has, only it can say, and whoever says none is spared. So that is believed while its
    /// link is new: it keeps a crowd together, where many have few, and nobody stays for a lie.
    pub(crate) fn victim(&self, newcomer: &Address, now: Instant) -> Option<Address> {
        let degree = |link: &Neighbor| if now - link.since < FILLING { link.degree } else { self.max_peers };
        let with =
            || self.links.iter().map(|link| &link.address).chain([newcomer]).filter(|&a| *a != self.me);
        let ring: Vec<_> = Side::BOTH.into_iter().filter_map(|side| side.next(&self.me, with())).collect();
        let protected = self.protected();
        let scales: Vec<f64> = self.links.iter().map(|link| self.scale(&link.address)).collect();
        self.links
            .iter()
            .enumerate()
            .filter(|(_, link)| !ring.contains(&&link.address))
            .filter(|(_, link)| !protected.contains(&link.address))
            .map(|(i, link)| {
                let others = scales.iter().enumerate().filter(|&(j, _)| j != i);
                let gap = others.map(|(_, other)| (other - scales[i]).abs()).fold(f64::INFINITY, f64::min);
                (link, gap)
            })
            .min_by(|(a, a_gap), (b, b_gap)| {
                degree(b).cmp(&degree(a)).then(a_gap.total_cmp(b_gap)).then(a.address.cmp(&b.address))
            })
            .map(|(link, _)| link.address)
    }

    /// The logarithm of a peer's distance: long links are spread evenly on this scale.
    pub(crate) fn scale(&self, address: &Address) -> f64 {
        libm::log(ring::distance(&self.me, address).share().max(1e-30))
    }
}

/// Slots kept for ring links while the ring around a peer is still forming.
pub(crate) fn reserved(ring_since: Option<Instant>, max_peers: usize, now: Instant) -> isize {
    let settled = ring_since.is_some_and(|since| now - since >= UNSETTLED);
    if settled { 0 } else { max_peers.saturating_sub(2).min(2) as isize }
}

/// The one of some peers that is nearest to a point.
pub(crate) fn closest<'a>(mut among: impl Iterator<Item = &'a Known>, to: &Address) -> Option<&'a Known> {
    let among: &mut dyn Iterator<Item = &'a Known> = &mut among;
    among.min_by(|a, b| ring::nearer(to, &a.address, &b.address))
}

#[cfg(test)]
pub(crate) mod kit;
mod shown;
#[cfg(test)]
mod tests;
