//! What a peer knows of the mesh around it: its links, its neighbors' links, and theirs.
//!
//! Every peer tells its neighbors whom it is linked to (at once after a change, debounced) and passes on what
//! its neighbors told it (a little later). So everyone sees three links far: at six links a peer at most 186
//! addresses, whatever the size of the swarm. Ring upkeep and routing look ahead in this view; a mesh of
//! 1,000 gets its ring four times sooner with it than without (docs/mesh.md, View).
//!
//! One link farther it sees what matters most: whom a neighbor sees at the edge of its own view that is nearer on the
//! ring than any link of this peer, that neighbor tells it of ([`Packet::Nearer`], after T-Man, Jelasity et al. 2009).

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::proto::id::Address;
use crate::proto::map::{Map, Set};
use crate::proto::ring::{Known, Side};
use crate::proto::time::{Instant, soonest};

/// Changes within this time go out as one list.
const PUBLISH: Duration = Duration::from_millis(50);
/// Lists of neighbors are passed on after this time.
const RELAY: Duration = Duration::from_millis(120);
/// ... and whom we see next to them on the ring, if they do not, after this one.
const TELL: Duration = Duration::from_millis(120);
/// Links that a list may name; the largest `maxPeers`.
const MAX_LINKS: usize = crate::proto::config::MAX_MAX_PEERS;
/// With more links than this a peer does not pass lists on: two links far it sees enough already. So no more are taken of one.
const RELAY_UP_TO: usize = 8;

/// One link of a neighbor's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) address: Address,
    /// Round trip in units of 4 ms, capped.
    rtt: u8,
}

/// One peer's links.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct List {
    /// Slots that are free.
    pub(crate) free: u8,
    pub(crate) links: Vec<Entry>,
}

impl List {
    fn contains(&self, address: &Address) -> bool {
        self.links.iter().any(|entry| entry.address == *address)
    }
}

/// What neighbors tell each other of the mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Packet {
    /// The sender's own links.
    Own(List),
    /// What the sender's neighbors said of theirs.
    Relayed(Vec<(Address, List)>),
    /// Whom the sender sees, and the receiver does not, next to the receiver on the ring: one on each side at most.
    Nearer(Vec<Entry>),
}

/// One neighbor and what it told.
#[derive(Debug, Default)]
struct Told {
    own: List,
    /// The lists of its neighbors, as far as it passed them on.
    beyond: Map<Address, List>,
    /// Whom it sees next to us on the ring.
    nearer: Vec<Entry>,
    /// Whom we told it of in the same way.
    told: Vec<Address>,
}

/// The view of one peer.
#[derive(Debug)]
pub(crate) struct View {
    me: Address,
    near: Map<Address, Told>,
    /// Everyone a path leads to, by address; worked out anew from `near` when `stale`.
    known: Arc<[Known]>,
    stale: bool,
    publish_at: Option<Instant>,
    relay_at: Option<Instant>,
    tell_at: Option<Instant>,
    /// Neighbors whose lists changed since we last passed lists on.
    changed: Set<Address>,
}

/// A neighbor as its link knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) address: Address,
    pub(crate) rtt: Option<Duration>,
}

/// A round trip in milliseconds as lists give it.
fn in_units(rtt: f32) -> u8 {
    (rtt / 4.0) as u8
}

/// Until a link is measured we take it for the median of the simulated network (docs/mesh.md, Model).
const UNMEASURED: Duration = Duration::from_millis(80);

impl View {
    pub(crate) fn new(me: Address) -> Self {
        Self {
            me,
            near: Map::new(),
            known: Arc::new([]),
            stale: false,
            publish_at: None,
            relay_at: None,
            tell_at: None,
            changed: Set::new(),
        }
    }

    /// A link became active; the packets to greet it with follow from [`View::own`] and [`View::relayed`].
    pub(crate) fn add(&mut self, neighbor: Address, now: Instant) {
        self.near.entry(neighbor).or_default();
        self.touch(now);
    }

    /// A link is gone.
    pub(crate) fn remove(&mut self, neighbor: &Address, now: Instant) {
        self.near.remove(neighbor);
        self.changed.remove(neighbor);
        self.touch(now);
    }

    /// Something in our own list changed.
    pub(crate) fn touch(&mut self, now: Instant) {
        self.spoil(now);
        self.publish_at = self.publish_at.or(Some(now + PUBLISH));
    }

    fn spoil(&mut self, now: Instant) {
        self.stale = true;
        self.tell_at = self.tell_at.or(Some(now + TELL));
    }

    /// Takes in what a neighbor told. `false`: no honest peer says that.
    pub(crate) fn handle(&mut self, from: &Address, packet: Packet, now: Instant) -> bool {
        let Some(near) = self.near.get_mut(from) else { return true };
        match packet {
            Packet::Own(list) => {
                if list.links.len() > MAX_LINKS {
                    return false;
                }
                near.beyond.retain(|address, _| list.contains(address));
                near.own = list;
                self.changed.insert(*from);
                self.relay_at = self.relay_at.or(Some(now + RELAY));
            }
            Packet::Relayed(lists) => {
                if lists.len() > MAX_LINKS || lists.iter().any(|(_, list)| list.links.len() > MAX_LINKS) {
                    return false;
                }
                for (address, list) in lists {
                    let room = near.beyond.len() < RELAY_UP_TO || near.beyond.contains_key(&address);
                    if room && address != self.me && near.own.contains(&address) {
                        near.beyond.insert(address, list);
                    }
                }
            }
            // What others saw is not told again: it would outlive the peer itself.
            Packet::Nearer(entries) => {
                if entries.len() > Side::BOTH.len() {
                    return false;
                }
                near.nearer = entries;
                self.stale = true;
                return true;
            }
        }
        self.spoil(now);
        true
    }

    /// Our own list.
    pub(crate) fn own(links: impl Iterator<Item = Measured>, free: usize) -> Packet {
        let entry = |link: Measured| Entry {
            address: link.address,
            rtt: in_units(link.rtt.unwrap_or(UNMEASURED).as_secs_f32() * 1000.0),
        };
        Packet::Own(List { free: u8::try_from(free).unwrap_or(u8::MAX), links: links.map(entry).collect() })
    }

    /// All our neighbors' lists, for a neighbor that is new.
    pub(crate) fn relayed(&self, to: &Address) -> Option<Packet> {
        self.relay(to, self.near.keys())
    }

    fn relay<'a>(&self, to: &Address, of: impl IntoIterator<Item = &'a Address>) -> Option<Packet> {
        if self.near.len() > RELAY_UP_TO {
            return None;
        }
        let lists: Vec<_> = of
            .into_iter()
            .filter(|&neighbor| neighbor != to)
            .filter_map(|neighbor| Some((*neighbor, self.near.get(neighbor)?.own.clone())))
            .collect();
        (!lists.is_empty()).then_some(Packet::Relayed(lists))
    }

    /// What is due: whether our own list must go to all, and what must be passed on to whom.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> (bool, Vec<(Address, Packet)>) {
        let publish = self.publish_at.take_if(|at| *at <= now).is_some();
        let mut relays = Vec::new();
        if self.relay_at.take_if(|at| *at <= now).is_some() {
            let changed = std::mem::take(&mut self.changed);
            relays = self.near.keys().filter_map(|to| Some((*to, self.relay(to, &changed)?))).collect();
        }
        (publish, relays)
    }

    /// Whether it is time for [`View::tell`].
    pub(crate) fn is_to_tell(&self, now: Instant) -> bool {
        self.tell_at.is_some_and(|at| at <= now)
    }

    /// Whom to tell our neighbors of, where that changed. [`View::refresh`] must come before.
    pub(crate) fn tell(&mut self) -> Vec<(Address, Packet)> {
        self.tell_at = None;
        // So far away that our own lists do not show them.
        let edge = if self.near.len() > RELAY_UP_TO { 2 } else { 3 };
        let mut packets = Vec::new();
        for (to, near) in self.near.iter_mut() {
            let seen = self.known.iter().filter(|known| known.address != *to && known.hops < 4);
            let nearest = |side: Side| seen.clone().min_by_key(|known| side.reach(to, &known.address));
            let new = |side: Side| {
                let known = nearest(side)?;
                let reach = side.reach(to, &known.address);
                let better = near.own.links.iter().all(|link| reach < side.reach(to, &link.address));
                (known.hops == edge && known.via != *to && better)
                    .then_some(Entry { address: known.address, rtt: in_units(known.rtt) })
            };
            let entries: Vec<_> = Side::BOTH.into_iter().filter_map(new).collect();
            let told: Vec<_> = entries.iter().map(|entry| entry.address).collect();
            if told != near.told {
                near.told = told;
                packets.push((*to, Packet::Nearer(entries)));
            }
        }
        packets
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        soonest(soonest(self.publish_at, self.relay_at), self.tell_at)
    }

    /// How many links a neighbor has by its own word.
    pub(crate) fn degree_of(&self, neighbor: &Address) -> usize {
        self.near.get(neighbor).map_or(0, |near| near.own.links.len())
    }

    /// Whether [`View::refresh`] must come before [`View::known`].
    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Everyone a path leads to, in the order of their addresses; the best path to each.
    pub(crate) fn known(&self) -> Arc<[Known]> {
        self.known.clone()
    }

    /// The links we know of, for a map: each once, the lower address first.
    pub(crate) fn edges(&self) -> Set<(Address, Address)> {
        let pair = |a: Address, b: Address| (a.min(b), a.max(b));
        let mut edges = Set::new();
        for (neighbor, near) in self.near.iter() {
            edges.insert(pair(self.me, *neighbor));
            let lists = near.beyond.iter().chain([(neighbor, &near.own)]);
            for (address, list) in lists {
                edges.extend(list.links.iter().map(|entry| pair(*address, entry.address)));
            }
        }
        edges
    }

    /// The peers all of whose links we know, this one among them.
    pub(crate) fn whole(&self) -> Set<Address> {
        let near = self.near.iter().filter(|(_, near)| !near.own.links.is_empty());
        let beyond = self.near.values().flat_map(|near| near.beyond.keys());
        near.map(|(address, _)| *address).chain(beyond.copied()).chain([self.me]).collect()
    }

    /// Works out the paths anew, with the links' round trips of this moment.
    pub(crate) fn refresh(&mut self, links: &[Measured]) {
        self.stale = false;
        let mut paths = Vec::with_capacity(self.known.len() + 32);
        // A list that we can see says who its peer is linked to; an edge that its other end, visible too,
        // does not know of is stale or a lie.
        let mut visible: Map<Address, &List> = Map::new();
        for near in self.near.values() {
            visible.extend(near.beyond.iter().map(|(address, list)| (*address, list)));
        }
        visible.extend(self.near.iter().map(|(address, near)| (*address, &near.own)));
        let agreed = |a: &Address, b: &Address| visible.get(b).is_none_or(|list| list.contains(a));

        for link in links {
            let Some(near) = self.near.get(&link.address) else { continue };
            let via = link.address;
            let rtt = link.rtt.unwrap_or(UNMEASURED).as_secs_f32() * 1000.0;
            paths.push(Known { address: via, via, hops: 1, rtt, free: near.own.free });
            for second in &near.own.links {
                let fresh = second.address != self.me && second.address != via;
                if !fresh || !agreed(&via, &second.address) {
                    continue;
                }
                let rtt = rtt + f32::from(second.rtt) * 4.0;
                let list = near.beyond.get(&second.address);
                paths.push(Known {
                    address: second.address,
                    via,
                    hops: 2,
                    rtt,
                    free: list.map_or(0, |l| l.free),
                });
                for third in list.map_or(&[][..], |list| &list.links) {
                    let fresh = third.address != self.me && third.address != via;
                    if fresh && agreed(&second.address, &third.address) {
                        let rtt = rtt + f32::from(third.rtt) * 4.0;
                        paths.push(Known { address: third.address, via, hops: 3, rtt, free: 0 });
                    }
                }
            }
            let fresh = near.nearer.iter().filter(|entry| entry.address != self.me);
            paths.extend(fresh.map(|fourth| {
                let rtt = rtt + f32::from(fourth.rtt) * 4.0;
                Known { address: fourth.address, via, hops: 4, rtt, free: 0 }
            }));
        }
        // One path to each: the shortest, and of those the fastest.
        paths.sort_unstable_by(|a, b| {
            let by_links = a.address.cmp(&b.address).then(a.hops.cmp(&b.hops));
            by_links.then(a.rtt.total_cmp(&b.rtt)).then(a.via.cmp(&b.via))
        });
        paths.dedup_by(|worse, best| {
            let same = worse.address == best.address;
            best.free = if same { best.free.max(worse.free) } else { best.free };
            same
        });
        self.known = paths.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Instant = Instant::from_millis(1_000_000);

    fn at(n: u8) -> Address {
        Address([n; 20])
    }

    fn list(links: &[u8]) -> List {
        List { free: 1, links: links.iter().map(|&n| Entry { address: at(n), rtt: 10 }).collect() }
    }

    fn link(n: u8) -> Measured {
        Measured { address: at(n), rtt: Some(Duration::from_millis(40)) }
    }

    /// 1 (me) - 2 - 3 - 4, and 2 - 5.
    fn chain() -> View {
        let mut view = View::new(at(1));
        view.add(at(2), T0);
        assert!(view.handle(&at(2), Packet::Own(list(&[1, 3, 5])), T0));
        assert!(view.handle(&at(2), Packet::Relayed(vec![(at(3), list(&[2, 4]))]), T0));
        view
    }

    #[test]
    fn a_peer_sees_three_links_far() {
        let mut view = chain();
        view.refresh(&[link(2)]);
        let known: Vec<_> = view.known().iter().map(|k| (k.address.0[0], k.via.0[0], k.hops)).collect();
        assert_eq!(known, [(2, 2, 1), (3, 2, 2), (4, 2, 3), (5, 2, 2)]);
    }

    #[test]
    fn an_edge_that_only_one_end_claims_is_not_believed() {
        let mut view = chain();
        // 3 is visible and does not know of 6, which 2 claims to be linked with both ways.
        view.handle(&at(2), Packet::Own(list(&[1, 3, 6])), T0);
        view.handle(&at(2), Packet::Relayed(vec![(at(3), list(&[4])), (at(6), list(&[2]))]), T0);
        view.refresh(&[link(2)]);
        let known: Vec<_> = view.known().iter().map(|k| k.address.0[0]).collect();
        assert_eq!(known, [2, 6], "3 does not list 2");
    }

    #[test]
    fn a_lost_neighbor_takes_its_paths_with_it() {
        let mut view = chain();
        view.remove(&at(2), T0);
        view.refresh(&[]);
        assert!(view.known().is_empty());
    }

    #[test]
    fn changes_go_out_once_after_the_debounce() {
        let mut view = chain();
        assert_eq!(view.poll_timeout(), Some(T0 + PUBLISH));
        assert_eq!(view.handle_timeout(T0 + PUBLISH), (true, vec![]));
        view.add(at(9), T0);
        let (publish, relays) = view.handle_timeout(T0 + RELAY);
        assert!(publish);
        assert_eq!(relays, [(at(9), Packet::Relayed(vec![(at(2), list(&[1, 3, 5]))]))]);
        view.tell();
        assert_eq!(view.poll_timeout(), None);
    }

    /// What is told once lists have gone out.
    fn told(view: &mut View, links: &[Measured]) -> Vec<(u8, Vec<u8>)> {
        let now = T0 + TELL;
        assert!(view.is_to_tell(now));
        view.refresh(links);
        let nearer = |packet| match packet {
            Packet::Nearer(entries) => entries.iter().map(|entry| entry.address.0[0]).collect(),
            packet => panic!("{packet:?}"),
        };
        let told = view.tell().into_iter().map(|(to, packet)| (to.0[0], nearer(packet))).collect();
        assert!(!view.is_to_tell(now), "until something changes");
        told
    }

    #[test]
    fn a_neighbor_is_told_of_who_is_next_to_it_and_out_of_its_sight() {
        let mut view = chain();
        let links = [link(2), link(6)];
        view.add(at(6), T0);
        view.handle(&at(6), Packet::Own(list(&[1, 9])), T0);
        // 5 is nearer to 6 than its link 1, and two links from here: 6 sees it, too.
        assert_eq!(told(&mut view, &links), []);
        view.handle(&at(2), Packet::Own(list(&[1, 3])), T0);
        // Without 5 there is 4, three links from here: one too far.
        assert_eq!(told(&mut view, &links), [(6, vec![4])]);
        view.touch(T0);
        assert_eq!(told(&mut view, &links), [], "it knows that already");
        view.handle(&at(6), Packet::Own(list(&[1, 4, 9])), T0);
        assert_eq!(told(&mut view, &links), [(6, vec![])], "it is linked with it now");
    }

    #[test]
    fn whom_a_neighbor_tells_of_is_four_links_away_and_is_not_told_again() {
        let mut view = chain();
        let links = [link(2), link(6)];
        view.add(at(6), T0);
        view.handle(&at(6), Packet::Own(list(&[1])), T0);
        told(&mut view, &links);
        let entry = Entry { address: at(7), rtt: 10 };
        assert!(view.handle(&at(2), Packet::Nearer(vec![entry]), T0));
        view.refresh(&links);
        let known = view.known();
        let seven = known.iter().find(|known| known.address == at(7)).expect("it is known now");
        assert_eq!((seven.via, seven.hops, seven.rtt), (at(2), 4, 80.0));
        view.touch(T0);
        assert_eq!(told(&mut view, &links), [], "7 is next to 6, but 2 may be wrong");
        assert!(view.handle(&at(2), Packet::Nearer(vec![]), T0));
        view.refresh(&links);
        assert!(view.known().iter().all(|known| known.address != at(7)), "2 takes it back");
        assert!(!view.handle(&at(2), Packet::Nearer(vec![entry; 3]), T0), "a ring has two sides");
    }

    #[test]
    fn lists_of_impossible_length_are_refused() {
        let mut view = chain();
        let long = List { free: 0, links: vec![Entry { address: at(7), rtt: 0 }; MAX_LINKS + 1] };
        assert!(!view.handle(&at(2), Packet::Own(long.clone()), T0));
        assert!(!view.handle(&at(2), Packet::Relayed(vec![(at(3), long)]), T0));
    }
}
