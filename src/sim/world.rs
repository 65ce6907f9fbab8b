//! The peers, the clock and the event loop.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use super::connection::{End, EndId, Ends, Phase};
use super::graph::Graph;
use super::ledger::{Ledger, Purpose};
use super::queue::Queue;
use super::tracker::{Health, Tracker};
use crate::proto::{
    Address, Bytes, Config, ConnId, Event, Identity, Input, Instant, MessageId, Peer, Random, SendError,
    SwarmId, TrackerId,
};
use crate::testkit::{Said, drive, listen, mix, tell};

mod ahead;
mod channels;
mod happening;
mod judgement;
mod machines;
mod outputs;
mod params;
mod parts;
mod sockets;
mod totals;

use happening::{Happening, read, weigh};
pub use machines::Machines;
use machines::Processors;
pub use params::{NodeId, Params, Proofs};
use sockets::{Socket, SocketState};
pub use totals::{Counts, Totals};

/// The worlds' first moment, so that clocks show a believable date.
const BEGINNING: Instant = Instant::from_millis(1_750_000_000_000);

/// A swarm with its network and its trackers.
#[derive(Debug)]
pub struct World {
    params: Params,
    seed: u64,
    now: u64,
    queue: Queue<Happening>,
    random: Random,
    nodes: Vec<Node>,
    addresses: HashMap<Address, u32>,
    ends: Ends,
    trackers: Vec<(Tracker, Health)>,
    sockets: Vec<Socket>,
    partition: Option<(u64, u32)>,
    processors: Processors,
    /// The true mesh.
    pub graph: Graph,
    /// The messages sent through [`World::send`].
    pub ledger: Ledger,
    /// What was counted on the way.
    pub counts: Counts,
    retired: Totals,
    violations: Vec<String>,
    events: Vec<(Duration, NodeId, Event)>,
    hash: u64,
    /// From so many living peers on, they handle things ahead, in shares for so many threads.
    crowd: usize,
    threads: usize,
}

struct Node {
    address: Address,
    /// `None` once it is gone.
    peer: Option<Box<Peer>>,
    joined: u64,
    gone: u64,
    /// The earliest alarm in the queue; later ones are stale when they ring.
    armed: u64,
    conns: Vec<(ConnId, EndId)>,
    sockets: Vec<(TrackerId, u32)>,
    open: u16,
    /// Since when more are open than it keeps links.
    over_cap: Option<u64>,
    /// Microseconds its clock is ahead.
    clock: i64,
    /// Until then its page works on what has reached it.
    busy_until: u64,
    /// Its place among the jobs of the moment.
    job: Option<ahead::Place>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("address", &self.address).field("alive", &self.peer.is_some()).finish()
    }
}

impl World {
    /// An empty world.
    pub fn new(params: Params, seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let trackers =
            (0..params.trackers.count).map(|_| (Tracker::new(params.trackers.clone()), Health::Up)).collect();
        Self {
            params,
            seed,
            now: 0,
            queue: Queue::new(),
            random: Random::new(bytes),
            nodes: Vec::new(),
            addresses: HashMap::new(),
            ends: Ends::default(),
            trackers,
            sockets: Vec::new(),
            partition: None,
            processors: Processors::default(),
            graph: Graph::default(),
            ledger: Ledger::default(),
            counts: Counts::default(),
            retired: Totals::default(),
            violations: Vec::new(),
            events: Vec::new(),
            hash: seed,
            crowd: ahead::CROWD,
            threads: rayon::current_num_threads(),
        }
    }

    /// What this world is like.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Time since the beginning.
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.now)
    }

    /// The dice of the experiment; what is thrown is part of the run.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// A value that two runs share only if everything in them happened alike.
    pub fn trace_hash(&self) -> u64 {
        self.hash
    }

    /// What should never have happened.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Everything the pages heard since the last call; only with [`Params::keep_events`].
    pub fn take_events(&mut self) -> Vec<(Duration, NodeId, Event)> {
        std::mem::take(&mut self.events)
    }

    /// A new peer joins now, with a configuration that the caller may change.
    pub fn join_with(&mut self, change: impl FnOnce(&mut Config)) -> NodeId {
        let index = self.nodes.len() as u32;
        let mut config = Config::new(SwarmId::of_topic("simulated"));
        config.max_peers = self.params.max_peers;
        config.coverage = self.params.coverage;
        config.trackers = (0..self.trackers.len()).map(tracker_url).collect();
        config.reserves.clear();
        change(&mut config);
        let identity = identity(self.params.proofs, self.random.bytes());
        let random = self.random.split();
        let error = self.params.clock_error.as_micros() as f64;
        let clock = ((self.random.unit() * 2.0 - 1.0) * error) as i64;
        let now = local(self.now, clock);
        let mut peer = Peer::new(config, identity, random, now).expect("the scenario's settings are valid");
        let said = listen(&mut peer, now);
        let address = peer.address();
        self.graph.add(index, address);
        self.addresses.insert(address, index);
        self.nodes.push(Node {
            address,
            peer: Some(Box::new(peer)),
            joined: self.now,
            gone: u64::MAX,
            armed: u64::MAX,
            conns: Vec::new(),
            sockets: Vec::new(),
            open: 0,
            over_cap: None,
            clock,
            busy_until: 0,
            job: None,
        });
        self.note(1, index, 0);
        self.begin_page(index);
        self.carry_out_all(index, said);
        NodeId(index)
    }

    /// A new peer joins now.
    pub fn join(&mut self) -> NodeId {
        self.join_with(|_| {})
    }

    /// A peer dies without a word.
    pub fn kill(&mut self, node: NodeId) {
        self.note(2, node.0, 0);
        for (_, end) in std::mem::take(&mut self.nodes[node.0 as usize].conns) {
            self.ends.remove(end);
        }
        for (_, socket) in std::mem::take(&mut self.nodes[node.0 as usize].sockets) {
            self.sockets[socket as usize].state = SocketState::Closed;
            // The operating system closes the sockets of a process that died.
            self.pass_to_tracker(Happening::TrackerSees(socket), socket);
        }
        self.bury(node.0);
    }

    /// A peer says goodbye and leaves.
    pub fn leave(&mut self, node: NodeId) {
        self.command(node, Peer::leave);
        self.kill(node);
    }

    fn bury(&mut self, index: u32) {
        let node = &mut self.nodes[index as usize];
        if let Some(peer) = node.peer.take() {
            self.retired.add(&peer);
            node.gone = self.now;
            self.graph.remove(index, node.address, self.now);
        }
    }

    /// Calls a method of a living peer, as its page would, and carries out what comes of it.
    pub fn command<T>(&mut self, node: NodeId, act: impl FnOnce(&mut Peer, Instant) -> T) -> Option<T> {
        let now = self.local_now(node.0);
        let (result, said) = drive(self.nodes[node.0 as usize].peer.as_mut()?, now, act);
        self.note(3, node.0, 0);
        self.carry_out_all(node.0, said);
        Some(result)
    }

    /// A living peer sends a payload to all, or to one; the ledger watches what becomes of it.
    pub fn send(
        &mut self,
        from: NodeId,
        to: Option<NodeId>,
        payload: Vec<u8>,
    ) -> Result<MessageId, SendError> {
        let address = to.map(|to| self.address(to));
        let copy = payload.clone();
        let now = self.local_now(from.0);
        let Some(peer) = self.nodes[from.0 as usize].peer.as_mut() else { return Err(SendError::Closed) };
        let (id, said) = drive(peer, now, |peer, now| peer.send(address, Bytes(payload), now));
        let id = id?;
        self.ledger.sent(id, from.0, to.map(|to| to.0), &copy, &self.graph, self.now);
        self.note(4, from.0, copy.len() as u64);
        self.carry_out_all(from.0, said);
        Ok(id)
    }

    /// A living peer sends a request to one, whose page answers it a moment after it has come.
    pub fn ask(&mut self, from: NodeId, to: NodeId, payload: Vec<u8>) -> Result<MessageId, SendError> {
        let id = self.send(from, Some(to), payload)?;
        self.ledger.is_for(id, Purpose::Request);
        Ok(id)
    }

    fn answer(&mut self, node: NodeId, question: MessageId) {
        let Some(asker) = self.ledger.get(question).map(|question| NodeId(question.from)) else { return };
        // As long as what is asked in scenarios. A page that is gone, or may say no more, says nothing.
        if let Ok(id) = self.send(node, Some(asker), question.0.repeat(5)) {
            self.ledger.is_for(id, Purpose::Answer(question));
        }
    }

    /// A living peer.
    pub fn peer(&self, node: NodeId) -> Option<&Peer> {
        self.nodes[node.0 as usize].peer.as_deref()
    }

    /// A peer's address, also after its end.
    pub fn address(&self, node: NodeId) -> Address {
        self.nodes[node.0 as usize].address
    }

    /// When a peer joined.
    pub fn joined(&self, node: NodeId) -> Duration {
        Duration::from_micros(self.nodes[node.0 as usize].joined)
    }

    /// How many peers ever joined.
    pub fn population(&self) -> u32 {
        self.nodes.len() as u32
    }

    /// The living, in the order of joining.
    pub fn living(&self) -> impl Iterator<Item = NodeId> {
        let alive = |&(_, node): &(usize, &Node)| node.peer.is_some();
        self.nodes.iter().enumerate().filter(alive).map(|(index, _)| NodeId(index as u32))
    }

    /// What all peers counted since the beginning.
    pub fn totals(&self) -> Totals {
        let mut totals = self.retired;
        self.nodes.iter().filter_map(|node| node.peer.as_deref()).for_each(|peer| totals.add(peer));
        totals
    }

    /// A random living peer.
    pub fn any(&mut self) -> Option<NodeId> {
        if self.graph.living() == 0 {
            return None;
        }
        loop {
            let index = self.random.below(self.nodes.len());
            if self.nodes[index].peer.is_some() {
                return Some(NodeId(index as u32));
            }
        }
    }

    /// One-way latency between two peers without jitter.
    pub fn latency(&self, a: NodeId, b: NodeId) -> Duration {
        Duration::from_micros(u64::from(self.params.network.latency(self.seed, a.0, b.0)))
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_to(self.now() + duration);
    }

    /// Lets time pass until a moment since the beginning.
    pub fn run_to(&mut self, then: Duration) {
        let then = then.as_micros() as u64;
        let plain = self.params.trace.is_none() && self.params.machines.cores == 0;
        let crowded = self.graph.living() >= self.crowd && plain;
        while if crowded { self.step_ahead(then) } else { self.step(then) } {}
        self.now = self.now.max(then);
        self.check_symmetry();
    }

    /// Lets happen what comes next; `false`: nothing does until then.
    fn step(&mut self, then: u64) -> bool {
        let next = self.queue.pop_until(then);
        let any = next.is_some();
        if let Some((time, what)) = next {
            self.begin_step(time);
            if let Some(what) = self.work(what) {
                self.happen(what);
            }
        }
        any
    }

    fn begin_step(&mut self, time: u64) {
        self.now = time;
        self.counts.steps += 1;
    }

    /// Lets time pass until something is true, looking at it every so often; how long that took, or `None`
    /// if it was not true within the limit.
    pub fn run_until(
        &mut self,
        limit: Duration,
        every: Duration,
        mut done: impl FnMut(&Self) -> bool,
    ) -> Option<Duration> {
        let start = self.now();
        loop {
            if done(self) {
                return Some(self.now() - start);
            }
            if self.now() - start >= limit {
                return None;
            }
            self.run_for(every);
        }
    }

    /// Lets time pass, up to a limit, until a frame is about to reach a peer that `wanted` picks. That one is the
    /// caller's to hand over, by [`World::command`].
    pub fn run_to_frame(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&Peer, &[u8]) -> bool,
    ) -> Option<(NodeId, Input)> {
        let then = (self.now() + limit).as_micros() as u64;
        while let Some((time, what)) = self.queue.pop_until(then) {
            self.now = time;
            if let Happening::Frame(id, frame) = &what
                && let Some(&End { node, conn, .. }) = self.ends.get(*id).filter(|end| end.hears())
                && self.peer(NodeId(node)).is_some_and(|peer| wanted(peer, frame))
            {
                return Some((NodeId(node), Input::ConnFrame(conn, Bytes(frame.clone()))));
            }
            self.begin_step(time);
            self.happen(what);
        }
        self.now = self.now.max(then);
        None
    }

    // What happens.

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Alarm(node) => self.on_alarm(node),
            Happening::Described(_)
            | Happening::Candidate(..)
            | Happening::Gathered(_)
            | Happening::Frame(..)
            | Happening::Writable(_)
            | Happening::Transport(..)
            | Happening::Refused(..)
            | Happening::FromTracker(..) => {
                if let Some((node, input)) = read(what, &self.ends, &self.sockets) {
                    self.input(node, input);
                }
            }
            Happening::Opened(id) => self.on_opened(id),
            Happening::Failed(id) => {
                if self.ends.get(id).is_some_and(|end| end.severed || end.phase != Phase::Open) {
                    self.on_closed(id, what);
                }
            }
            Happening::RemoteClosed(id) => self.on_closed(id, what),
            Happening::SocketOpen(socket) => self.on_socket_open(socket),
            Happening::ToTracker(socket, text) => self.on_tracker_request(socket, &text),
            Happening::SocketClosed(socket) => self.on_socket_closed(socket),
            Happening::TrackerSees(socket) => {
                let tracker = self.sockets[socket as usize].tracker as usize;
                self.trackers[tracker].0.closed(socket);
            }
            Happening::Answer(node, question) => self.answer(NodeId(node), question),
            Happening::Done(what) => self.happen(*what),
        }
    }

    fn on_alarm(&mut self, index: u32) {
        let node = &mut self.nodes[index as usize];
        if node.armed != self.now {
            return;
        }
        node.armed = u64::MAX;
        let Some(peer) = &mut node.peer else { return };
        let now = local(self.now, node.clock);
        match peer.poll_timeout() {
            Some(due) if due <= now => {
                self.note(8, index, 0);
                self.trace(index, &"Timeout");
                self.tell(index, Input::Timeout, now);
            }
            due => self.arm(index, due),
        }
    }

    fn arm(&mut self, index: u32, due: Option<Instant>) {
        let Some(due) = due else { return };
        let wait = due.since(self.local_now(index)).as_micros() as u64;
        let node = &mut self.nodes[index as usize];
        let then = self.now.saturating_add(wait);
        if then < node.armed {
            node.armed = then;
            self.queue.push(then, Happening::Alarm(index));
        }
    }

    // The peers.

    fn local_now(&self, index: u32) -> Instant {
        local(self.now, self.nodes[index as usize].clock)
    }

    fn input(&mut self, index: u32, input: Input) {
        if self.nodes[index as usize].peer.is_none() {
            return;
        }
        let (kind, size) = weigh(&input);
        self.note(16 + kind, index, size);
        self.trace(index, &input);
        let now = self.local_now(index);
        self.tell(index, input, now);
    }

    fn tell(&mut self, index: u32, input: Input, now: Instant) {
        if let Some(peer) = &mut self.nodes[index as usize].peer {
            let said = tell(peer, input, now);
            self.carry_out_all(index, said);
        }
    }

    // The trace.

    fn note(&mut self, kind: u64, index: u32, value: u64) {
        self.hash =
            mix(self.hash ^ mix(self.now) ^ (kind << 56) ^ (u64::from(index) << 24) ^ value.rotate_left(7));
    }

    fn trace(&self, index: u32, what: &dyn fmt::Debug) {
        if self.params.trace == Some(index) {
            eprintln!("{:>12.6} {} {what:?}", self.now as f64 / 1e6, NodeId(index));
        }
    }
}

fn tracker_url(tracker: usize) -> String {
    format!("wss://tracker-{tracker}.example")
}

fn local(now: u64, clock: i64) -> Instant {
    Instant::from_micros((BEGINNING.as_micros() + now).saturating_add_signed(clock))
}

fn identity(proofs: Proofs, secret: [u8; 32]) -> Identity {
    match proofs {
        Proofs::Real => Identity::from_secret(secret),
        Proofs::StandIn => Identity::stand_in(u64::from_le_bytes(secret[..8].try_into().unwrap_or_default())),
    }
}
