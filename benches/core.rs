//! What a message costs the peer that handles it: time, and memory that it asks the allocator for.
//!
//! `cargo bench --package benches --bench core --profile sim`, and `-- stand-in` or `-- relay` for some of it. With the
//! simulator's profile, so that both share what is compiled. LTO takes minutes; `CARGO_PROFILE_SIM_LTO=off` in front
//! shows much the same.
//!
//! The peers are those of a simulated swarm that goes on living: its clocks, heartbeats and trees are what they are in
//! a browser. Whenever a frame of the kind in question reaches a peer with six links, one call of [`Peer::handle`] is
//! measured, and what came of it is checked before it counts. Frames are small, as a game's or a chat's are. Each kind
//! is measured with the real proofs and with the simulator's stand-in, which is what all the rest costs.
//!
//! Every allocation is counted here and takes a few nanoseconds longer for it.

use std::alloc::System;
use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use criterion::measurement::{Measurement as _, WallTime};
use easypeers::proto::{Bytes, Event, Peer};
use easypeers::sim::world::Proofs;
use easypeers::sim::{NodeId, Params, World};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Peers in the swarm: more than see each other at six links.
const PEERS: u32 = 24;
const LINKS: usize = 6;
/// What a frame that carries a message ends with, unless it is sealed.
const PAYLOAD: [u8; 100] = [0xee; 100];
/// A frame of a direct message is longer than this; of the question for a key, of an answer or a name it is shorter.
const SEALED: usize = 280;
/// How a frame begins that holds a whole packet, and how a packet about the neighborhood does.
const WHOLE: u8 = 0;
const VIEW: u8 = 5;
/// Frames looked at in vain for one that is measured.
const PATIENCE: usize = 100_000;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The first copy of a broadcast, delivered and passed on whole on all other links.
    Flood,
    /// ... and along its source's tree, where some links get its name.
    Tree,
    /// Another copy of a broadcast.
    Duplicate,
    /// A direct message for another peer, passed on to the next.
    Relay,
    /// A neighbor's word of who is linked with whom that changes the map, and the plans made on it.
    View,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Flood, Self::Tree, Self::Duplicate, Self::Relay, Self::View];

    fn name(self) -> &'static str {
        match self {
            Self::Flood => "forward to 5",
            Self::Tree => "forward in a tree",
            Self::Duplicate => "drop a duplicate",
            Self::Relay => "relay a direct",
            Self::View => "view packet",
        }
    }

    /// At full coverage every link is used and nothing is pruned.
    fn coverage(self) -> f64 {
        match self {
            Self::Flood | Self::Duplicate => 1.0,
            Self::Tree | Self::Relay | Self::View => 0.33,
        }
    }

    /// Whether a frame may be one of this kind.
    fn may_be(self, frame: &[u8]) -> bool {
        match self {
            Self::Flood | Self::Tree | Self::Duplicate => frame.ends_with(&PAYLOAD),
            Self::Relay => frame.len() > SEALED,
            // A length of one or two bytes is between the two.
            Self::View => {
                frame.first() == Some(&WHOLE) && frame.iter().skip(2).take(2).any(|&byte| byte == VIEW)
            }
        }
    }
}

/// What one call did and cost.
#[derive(Debug, Default, Clone, Copy)]
struct Call {
    time: Duration,
    allocations: usize,
    bytes: usize,
    delivered: u64,
    duplicates: u64,
    forwarded: u64,
    /// Frames that went out.
    frames: u64,
    /// Whether the map is another than before.
    moved: bool,
}

impl Call {
    fn is(&self, kind: Kind) -> bool {
        match kind {
            Kind::Flood => self.delivered == 1 && self.forwarded == LINKS as u64 - 1,
            Kind::Tree => self.delivered == 1 && (1..LINKS as u64 - 1).contains(&self.forwarded),
            Kind::Duplicate => self.duplicates == 1,
            Kind::Relay => self.delivered == 0 && self.forwarded == 1,
            Kind::View => self.moved,
        }
    }
}

struct Swarm {
    kind: Kind,
    world: World,
    /// One that comes and goes.
    guest: Option<NodeId>,
    calls: Vec<Call>,
}

impl Swarm {
    fn new(kind: Kind, proofs: Proofs) -> Self {
        let (max_peers, coverage) = (LINKS, kind.coverage());
        let params = Params { max_peers, coverage, proofs, keep_events: true, ..Params::default() };
        let mut world = World::new(params, 1);
        for _ in 0..PEERS {
            world.join();
            world.run_for(Duration::from_millis(100));
        }
        world.run_for(Duration::from_secs(30));
        assert_eq!(world.graph.ring_share(), 1.0, "the swarm is in order");
        let mut swarm = Self { kind, world, guest: None, calls: Vec::new() };
        // Every source carves its tree, and keys are learned.
        for _ in 0..4 * PEERS {
            swarm.stir();
            swarm.world.run_for(Duration::from_millis(300));
        }
        swarm
    }

    /// Makes something happen that brings frames of the kind.
    fn stir(&mut self) {
        let world = &mut self.world;
        if self.kind == Kind::View {
            match self.guest.take() {
                Some(guest) => world.leave(guest),
                None => self.guest = Some(world.join()),
            }
            return;
        }
        let (Some(from), Some(to)) = (world.any(), world.any()) else { return };
        let to = (self.kind == Kind::Relay && from != to).then(|| world.address(to));
        let send = |peer: &mut Peer, now| peer.send(to, Bytes(PAYLOAD.to_vec()), now);
        assert!(world.command(from, send).is_some_and(|sent| sent.is_ok()), "the page may speak");
    }

    /// One call of the kind.
    fn one(&mut self) -> Call {
        for _ in 0..PATIENCE {
            let kind = self.kind;
            let wanted = |peer: &Peer, frame: &[u8]| peer.link_count() == LINKS && kind.may_be(frame);
            let Some((node, input)) = self.world.run_to_frame(Duration::from_secs(2), wanted) else {
                self.stir();
                continue;
            };
            drop(self.world.take_events());
            let frames = self.world.counts.frames;
            let call = self.world.command(node, |peer, now| {
                let (before, map) = (peer.stats().clone(), (kind == Kind::View).then(|| peer.topology()));
                let memory = Region::new(ALLOCATOR);
                let start = WallTime.start();
                peer.handle(black_box(input), now);
                let time = WallTime.end(start);
                let memory = memory.change();
                let after = peer.stats();
                Call {
                    time,
                    allocations: memory.allocations + memory.reallocations,
                    bytes: memory.bytes_allocated,
                    delivered: after.delivered - before.delivered,
                    duplicates: after.duplicates - before.duplicates,
                    forwarded: after.forwarded - before.forwarded,
                    frames: 0,
                    moved: map.is_some_and(|map| map.links.len() != peer.topology().links.len()),
                }
            });
            let mut call = call.expect("frames reach the living");
            call.frames = self.world.counts.frames - frames;
            if call.is(kind) {
                self.check(node, &call);
                self.calls.push(call);
                return call;
            }
        }
        panic!("nothing to measure: {}", self.kind.name());
    }

    /// What the counters say went out did go out.
    fn check(&mut self, node: NodeId, call: &Call) {
        let message =
            |(_, who, event): &(_, NodeId, Event)| *who == node && matches!(event, Event::Message(_));
        let heard = self.world.take_events().iter().filter(|event| message(event)).count() as u64;
        assert_eq!(heard, call.delivered, "the page hears what is delivered");
        match self.kind {
            Kind::Flood => assert_eq!(call.frames, call.forwarded, "a copy on each other link"),
            Kind::Tree => assert!(call.frames >= call.forwarded, "copies, and names"),
            Kind::Duplicate => assert_eq!(call.frames, 0, "a duplicate is dropped"),
            Kind::Relay => assert_eq!(call.frames, 2, "the message onwards, and back that it is taken"),
            Kind::View => {}
        }
        assert_eq!(self.world.violations(), [""; 0]);
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(50);
    let mut rows = Vec::new();
    for (proofs, label) in [(Proofs::Real, "real proofs"), (Proofs::StandIn, "stand-in")] {
        let mut group = criterion.benchmark_group(label);
        group.measurement_time(Duration::from_secs(4));
        for kind in Kind::ALL {
            // Made only if it is among those asked for.
            let swarm = RefCell::new(None);
            group.bench_function(kind.name(), |b| {
                let mut swarm = swarm.borrow_mut();
                let swarm = swarm.get_or_insert_with(|| Swarm::new(kind, proofs));
                b.iter_custom(|times| (0..times).map(|_| swarm.one().time).sum());
            });
            rows.extend(swarm.into_inner().map(|swarm| row(label, kind, swarm.calls)));
        }
        group.finish();
    }
    criterion.final_summary();
    println!(
        "{:<12} {:<18} {:>10} {:>10} {:>12} {:>8}",
        "", "", "median us", "calls", "allocations", "bytes"
    );
    rows.iter().for_each(|row| println!("{row}"));
}

fn row(label: &str, kind: Kind, mut calls: Vec<Call>) -> String {
    calls.sort_unstable_by_key(|call| call.time);
    let count = calls.len().max(1);
    let median = calls.get(count / 2).map_or(0.0, |call| call.time.as_secs_f64() * 1e6);
    let mean = |of: fn(&Call) -> usize| calls.iter().map(of).sum::<usize>() as f64 / count as f64;
    let (allocations, bytes) = (mean(|call| call.allocations), mean(|call| call.bytes));
    format!("{label:<12} {:<18} {median:>10.2} {count:>10} {allocations:>12.1} {bytes:>8.0}", kind.name())
}
