//! Carries out a scenario and measures.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::ledger::{Message, Purpose};
use super::report::{Metrics, Run, mean, percentile};
use super::scenario::{Scenario, Step};
use super::world::{NodeId, Totals, World};
use crate::proto::Bytes;

/// A peer counts for a broadcast's delivery if it had joined so long before (docs/mesh.md, Model).
const GROWN_UP: Duration = Duration::from_secs(2);
/// A direct message that is acknowledged within this time was not sent twice by its sender.
const FIRST_TRY: Duration = Duration::from_millis(1500);
/// How long a page waits for an answer (`PATIENCE` in src/web/driver/requests.rs).
const ANSWER: Duration = Duration::from_secs(30);
/// What is asked of the mesh while it settles.
const FULL: f64 = 0.95;
/// How often a newcomer is looked at; what it has reached counts from the look after.
const LOOK: Duration = Duration::from_millis(5);

/// Runs a scenario once.
pub fn run(scenario: &Scenario, peers: usize, seed: u64, trace: Option<u32>) -> Run {
    let mut params = scenario.world.clone();
    params.trace = trace;
    let mut runner = Runner {
        world: World::new(params, seed),
        peers,
        metrics: Metrics::new(),
        notes: Vec::new(),
        change: Change::default(),
    };
    for step in &scenario.steps {
        runner.step(step);
    }
    let Runner { world, mut metrics, notes, .. } = runner;
    metrics.insert("all.most_channels_over_cap".into(), world.counts.most_over_cap as f64);
    let mut dropped = BTreeMap::<&str, u64>::new();
    for peer in world.living().filter_map(|node| world.peer(node)) {
        peer.stats().dropped.iter().for_each(|(&cause, count)| *dropped.entry(cause).or_default() += count);
    }
    for (cause, count) in dropped {
        let name = format!("dropped_per_peer.{}", cause.replace(' ', "_"));
        metrics.insert(name, count as f64 / world.graph.living() as f64);
    }
    Run {
        seed,
        trace: format!("{:016x}", world.trace_hash()),
        metrics,
        violations: world.violations().to_vec(),
        notes,
    }
}

struct Runner {
    world: World,
    peers: usize,
    metrics: Metrics,
    notes: Vec<String>,
    change: Change,
}

/// The last thing that disturbed the mesh.
#[derive(Default)]
struct Change {
    at: Duration,
    opened: u64,
    connections: u64,
    processor: u64,
    totals: Totals,
    noticed: usize,
}

impl Runner {
    fn step(&mut self, step: &Step) {
        match step {
            Step::Join { count, within } => self.join(count.unwrap_or(self.peers), *within),
            Step::Settle { name, limit } => self.settle(name, *limit),
            Step::Wait { time } => self.world.run_for(*time),
            Step::Idle { name, time } => self.idle(name, *time),
            Step::Estimate { name } => self.estimate(name),
            Step::Present {} => {
                for node in self.world.living().collect::<Vec<_>>() {
                    let state = Bytes(format!("{{\"name\":\"{node}\"}}").into_bytes());
                    let said = self.world.command(node, |peer, now| peer.set_presence(state, now));
                    assert!(said != Some(false), "a name is no long state");
                }
            }
            Step::Presence { name } => self.presence(name),
            Step::Singles { name, count, watch } => self.singles(name, *count, *watch),
            Step::Broadcast { name, sources, rounds, every, size, settle } => {
                let sources = self.pick(*sources);
                for round in 0..*rounds {
                    // The first message of a source finds no tree yet: it is measured apart.
                    let name = if round == 0 { format!("{name}.first") } else { format!("{name}.later") };
                    self.broadcast(&name, &sources, *every, *size, *settle, round.max(1));
                }
            }
            Step::Send { sources } => {
                for source in self.pick(*sources) {
                    let payload = self.payload(small());
                    let _ = self.world.send(source, None, payload);
                }
            }
            Step::Judge { name } => {
                let messages = self.world.ledger.take();
                for (metric, value) in self.judge(&messages) {
                    self.put(name, metric, value);
                }
            }
            Step::Direct { .. } => self.direct(step),
            Step::Churn { .. } => self.churn(step),
            Step::Kill { share } => {
                self.changed();
                self.pick_share(*share).into_iter().for_each(|node| self.world.kill(node));
            }
            Step::Leave { share } => {
                self.changed();
                self.pick_share(*share).into_iter().for_each(|node| self.world.leave(node));
            }
            Step::Silence { share } => {
                for node in self.pick_share(*share) {
                    self.world.command(node, |peer, _| peer.set_silent(true));
                }
            }
            Step::Set { max_peers, coverage } => {
                self.changed();
                for node in self.world.living().collect::<Vec<_>>() {
                    self.world.command(node, |peer, now| {
                        let set = max_peers.map_or(Ok(()), |max_peers| peer.set_max_peers(max_peers, now));
                        set.and_then(|()| coverage.map_or(Ok(()), |coverage| peer.set_coverage(coverage)))
                            .expect("the scenario's settings are valid");
                    });
                }
            }
            Step::Trackers { state } => self.world.set_trackers(*state),
            Step::Partition { parts } => {
                self.changed();
                self.world.partition(*parts);
            }
            Step::Merge {} => {
                self.changed();
                self.world.merge();
            }
        }
    }

    fn estimate(&mut self, name: &str) {
        let size = self.world.graph.living() as f64;
        let living = || self.world.living().filter_map(|node| self.world.peer(node));
        let estimates: Vec<_> = living().map(|peer| peer.estimate()).collect();
        let mut errors: Vec<_> = estimates.iter().map(|it| (it.peers / size - 1.0).abs()).collect();
        let sure = estimates.iter().filter(|it| (it.low..=it.high).contains(&size)).count();
        let (half, most) = (percentile(&mut errors, 0.5), percentile(&mut errors, 0.95));
        self.put(name, "error_p50", half);
        self.put(name, "error_p95", most);
        self.put(name, "mean", mean(&estimates.iter().map(|it| it.peers / size).collect::<Vec<_>>()));
        self.put(name, "within_bounds", sure as f64 / estimates.len() as f64);
    }

    fn presence(&mut self, name: &str) {
        let living = || self.world.living().filter_map(|node| self.world.peer(node));
        let here: BTreeSet<_> = living().map(|peer| peer.address()).collect();
        let others = (here.len() - 1) as f64;
        let shares = living().map(|peer| {
            let known: Vec<_> = peer.presences().map(|(address, ..)| address).collect();
            let present = known.iter().filter(|address| here.contains(address)).count();
            (present as f64 / others, (known.len() - present) as f64 / others)
        });
        let (known, ghosts): (Vec<_>, Vec<_>) = shares.unzip();
        self.put(name, "known", mean(&known));
        self.put(name, "known_least", known.iter().copied().fold(1.0, f64::min));
        self.put(name, "ghosts", mean(&ghosts));
    }

    fn put(&mut self, name: &str, metric: &str, value: impl Into<Option<f64>>) {
        if let Some(value) = value.into() {
            self.metrics.insert(format!("{name}.{metric}"), value);
        }
    }

    fn changed(&mut self) {
        self.change = Change {
            at: self.world.now(),
            opened: self.world.counts.opened,
            connections: self.world.counts.connections,
            processor: self.world.counts.processor,
            totals: self.world.totals(),
            noticed: self.world.counts.noticed.len(),
        };
    }

    /// Some distinct living peers.
    fn pick(&mut self, count: usize) -> Vec<NodeId> {
        let count = count.min(self.world.graph.living());
        let mut picked = BTreeSet::new();
        while picked.len() < count {
            picked.extend(self.world.any());
        }
        picked.into_iter().collect()
    }

    fn pick_share(&mut self, share: f64) -> Vec<NodeId> {
        let count = (share * self.world.graph.living() as f64).round() as usize;
        let mut living: Vec<NodeId> = self.world.living().collect();
        for place in 0..count {
            let other = place + self.world.random().below(living.len() - place);
            living.swap(place, other);
        }
        living.truncate(count);
        living
    }

    fn join(&mut self, count: usize, within: Duration) {
        self.changed();
        let start = self.world.now();
        let mut moments: Vec<Duration> =
            (0..count).map(|_| within.mul_f64(self.world.random().unit())).collect();
        moments.sort_unstable();
        for moment in moments {
            self.world.run_to(start + moment);
            self.world.join();
        }
        self.world.run_to(start + within);
    }

    fn settle(&mut self, name: &str, limit: Duration) {
        let living = self.world.graph.living();
        let every = Duration::from_millis(if living > 2000 { 250 } else { 50 });
        let full = FULL * (self.world.params().max_peers.min(living.saturating_sub(1))) as f64;
        let (mut whole, mut ring, mut filled, mut last_gap) = (None, None, None, None);
        let mut shares = [(0.9, "ring_90_s", None), (0.99, "ring_99_s", None)];
        loop {
            let graph = &self.world.graph;
            let time = (self.world.now() - self.change.at).as_secs_f64();
            if whole.is_none() && graph.components().len() == 1 {
                whole = Some(time);
            }
            let share = graph.ring_share();
            for (_, _, reached) in shares.iter_mut().filter(|(least, _, at)| at.is_none() && share >= *least)
            {
                *reached = Some(time);
            }
            if ring.is_none() {
                let gap = graph.gaps().next();
                ring = gap.is_none().then_some(time);
                last_gap = gap.or(last_gap);
            }
            if filled.is_none() && graph.degrees().1 >= full {
                filled = Some(time);
            }
            if (whole.is_some() && ring.is_some() && filled.is_some()) || time >= limit.as_secs_f64() {
                break;
            }
            self.world.run_for(every);
        }
        if let (Some(time), Some((a, b))) = (ring, last_gap) {
            let (a, b) = (NodeId(a), NodeId(b));
            self.notes.push(format!("{name}: the last gap, from {a} to {b}, closed at {time:.2} s"));
        }
        let gaps: Vec<_> =
            if ring.is_none() { self.world.graph.gaps().take(5).collect() } else { Vec::new() };
        for (a, b) in gaps {
            let gap = self.world.explain_gap(NodeId(a), NodeId(b));
            self.notes.push(format!("{name}: the ring has a gap: {gap}"));
        }
        let (least, average, most) = self.world.graph.degrees();
        let components = self.world.graph.components();
        self.put(name, "connected_s", whole);
        self.put(name, "ring_s", ring);
        for (_, metric, reached) in shares {
            self.put(name, metric, reached);
        }
        self.put(name, "full_s", filled);
        self.put(name, "ring_share", self.world.graph.ring_share());
        self.put(name, "components", components.len() as f64);
        self.put(name, "largest_component", components.first().map_or(0.0, |&n| n as f64 / living as f64));
        self.put(name, "degree_min", least as f64);
        self.put(name, "degree_avg", average);
        self.put(name, "degree_max", most as f64);
        let spent = self.world.totals() - self.change.totals;
        let opened = self.world.counts.opened - self.change.opened;
        self.put(name, "connects_per_peer", opened as f64 / living as f64);
        let made = self.world.counts.connections - self.change.connections;
        let ends = average * living as f64;
        self.put(name, "connections_per_link", (ends > 0.0).then(|| made as f64 / ends));
        let worked = self.world.counts.processor - self.change.processor;
        self.put(name, "processor_s", (worked > 0).then(|| worked as f64 / 1e6));
        self.put(name, "control_packets_per_peer", spent.control_packets as f64 / living as f64);
        self.put(name, "control_kB_per_peer", spent.control_bytes as f64 / 1000.0 / living as f64);
        let mut noticed: Vec<f64> = self.world.counts.noticed[self.change.noticed..]
            .iter()
            .map(|&micros| f64::from(micros) / 1e6)
            .collect();
        self.put(name, "death_noticed_p50_s", percentile(&mut noticed, 0.5));
        self.put(name, "death_noticed_max_s", percentile(&mut noticed, 1.0));
    }

    fn idle(&mut self, name: &str, time: Duration) {
        let (before, announces) = (self.world.totals(), self.world.announces());
        self.world.run_for(time);
        let spent = self.world.totals() - before;
        let share = 1.0 / (self.world.graph.living() as f64 * time.as_secs_f64());
        self.put_traffic(name, spent, share);
        self.put(name, "announces_per_peer_min", (self.world.announces() - announces) as f64 * share * 60.0);
    }

    /// Traffic of each peer in each second; control is all but payloads and signs of life.
    fn put_traffic(&mut self, name: &str, spent: Totals, share: f64) {
        self.put(name, "control_packets_per_peer_s", spent.control_packets as f64 * share);
        self.put(name, "control_kB_per_peer_s", spent.control_bytes as f64 / 1000.0 * share);
        self.put(name, "all_packets_per_peer_s", spent.packets as f64 * share);
        self.put(name, "all_kB_per_peer_s", spent.bytes as f64 / 1000.0 * share);
    }

    fn singles(&mut self, name: &str, count: usize, watch: Duration) {
        let opened = self.world.counts.opened;
        const REACHED: [&str; 4] = ["first_link", "ring_links", "all_but_one", "all_links"];
        let mut times = REACHED.map(|_| Vec::new());
        for _ in 0..count {
            let start = self.world.now();
            let node = self.world.join();
            let most = self.world.params().max_peers.min(self.world.graph.living() - 1);
            let (before, after) = self.world.graph.ring_neighbors(self.world.address(node));
            let neighbors: Vec<u32> = before.into_iter().chain(after).collect();
            let mut reached = REACHED.map(|_| None);
            while reached.contains(&None) && self.world.now() - start < watch {
                self.world.run_for(LOOK);
                let graph = &self.world.graph;
                let links = graph.links(node.0).len();
                let on_ring = neighbors.iter().all(|&other| graph.linked(node.0, other));
                let time = (self.world.now() - start).as_secs_f64();
                let now = [links > 0, on_ring, links + 1 >= most, links >= most];
                for (reached, now) in reached.iter_mut().zip(now) {
                    *reached = reached.or(now.then_some(time));
                }
            }
            for (times, time) in times.iter_mut().zip(reached) {
                times.extend(time);
            }
        }
        for (metric, mut times) in REACHED.into_iter().zip(times) {
            self.put(name, &format!("{metric}_share"), times.len() as f64 / count as f64);
            self.put(name, &format!("{metric}_p50_s"), percentile(&mut times, 0.5));
            self.put(name, &format!("{metric}_p95_s"), percentile(&mut times, 0.95));
        }
        let opened = self.world.counts.opened - opened;
        self.put(name, "connects_per_join", opened as f64 / 2.0 / count as f64);
    }

    fn payload(&mut self, size: usize) -> Vec<u8> {
        let mut payload = vec![0; size];
        for chunk in payload.chunks_mut(32) {
            let random: [u8; 32] = self.world.random().bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        payload
    }

    /// One message of each source; `weight` is the round, so that later rounds average.
    fn broadcast(
        &mut self,
        name: &str,
        sources: &[NodeId],
        every: Duration,
        size: usize,
        settle: Duration,
        weight: usize,
    ) {
        self.world.ledger.take();
        let before = self.world.totals();
        let bytes_before = self.bytes_out();
        for &source in sources {
            let payload = self.payload(size);
            // A source that died meanwhile, or has no link yet and no room, sends nothing.
            let _ = self.world.send(source, None, payload);
            self.world.run_for(every);
        }
        self.world.run_for(settle);
        let spent = self.world.totals() - before;
        let messages = self.world.ledger.take();
        let mut measured = self.judge(&messages);
        let pairs = messages.len() as f64 * (self.world.graph.living() as f64 - 1.0);
        if pairs > 0.0 {
            measured.push(("copies", spent.copies as f64 / pairs));
            measured.push(("haves_per_peer", spent.haves as f64 / pairs));
        }
        let load: Vec<f64> = self
            .bytes_out()
            .iter()
            .zip(&bytes_before)
            .map(|(after, before)| (after - before) as f64)
            .collect();
        if let Some(mean) = mean(&load).filter(|mean| *mean > 0.0) {
            measured.push(("load_max_to_mean", load.iter().copied().fold(0.0, f64::max) / mean));
        }
        for (metric, value) in measured {
            let average = self
                .metrics
                .get(&format!("{name}.{metric}"))
                .map_or(value, |old| if weight < 2 { value } else { old + (value - old) / weight as f64 });
            self.put(name, metric, average);
        }
    }

    fn bytes_out(&self) -> Vec<u64> {
        let living = self.world.living().filter_map(|node| self.world.peer(node));
        living.map(|peer| peer.stats().bytes_out).collect()
    }

    /// What became of broadcasts, over peers alive now that were grown up then.
    fn judge(&self, messages: &[Message]) -> Vec<(&'static str, f64)> {
        let (mut due, mut got, mut due_in_part, mut got_in_part, mut complete) = (0, 0, 0, 0, 0);
        let (mut ratio, mut mesh_ratio, mut last) = (Vec::new(), Vec::new(), Vec::new());
        for message in messages {
            let (mut missed, mut latest, mut latest_in_part, mut best, mut direct) =
                (0, Duration::ZERO, Duration::ZERO, Duration::ZERO, Duration::ZERO);
            let sent = Duration::from_micros(message.sent);
            for node in self.world.living() {
                if node.0 == message.from || self.world.joined(node) + GROWN_UP > sent {
                    continue;
                }
                let (arrival, optimum) = (message.arrival(node.0), message.optimum(node.0));
                due += 1;
                due_in_part += usize::from(optimum.is_some());
                let Some(arrival) = arrival else {
                    missed += 1;
                    continue;
                };
                got += 1;
                latest = latest.max(arrival);
                direct = direct.max(self.world.latency(NodeId(message.from), node));
                if let Some(optimum) = optimum {
                    got_in_part += 1;
                    latest_in_part = latest_in_part.max(arrival);
                    best = best.max(optimum);
                }
            }
            complete += usize::from(missed == 0);
            if latest > Duration::ZERO {
                last.push(latest.as_secs_f64() * 1000.0);
                mesh_ratio.push(latest.as_secs_f64() / direct.as_secs_f64());
            }
            if best > Duration::ZERO {
                ratio.push(latest_in_part.as_secs_f64() / best.as_secs_f64());
            }
        }
        let share = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
        let mut measured = vec![
            ("messages", messages.len() as f64),
            ("delivered", share(got, due)),
            ("delivered_in_part", share(got_in_part, due_in_part)),
            ("complete", share(complete, messages.len())),
        ];
        let optional = [
            ("last_to_optimum", mean(&ratio)),
            ("last_to_full_mesh", mean(&mesh_ratio)),
            ("last_p50_ms", percentile(&mut last, 0.5)),
            ("last_p95_ms", percentile(&mut last, 0.95)),
        ];
        measured.extend(optional.into_iter().filter_map(|(metric, value)| Some((metric, value?))));
        measured
    }

    fn direct(&mut self, step: &Step) {
        let &Step::Direct { ref name, count, every, size, settle, answered } = step else { return };
        self.world.ledger.take();
        let before = self.world.totals();
        for _ in 0..count {
            self.send_direct(size, answered);
            self.world.run_for(every);
        }
        self.world.run_for(settle);
        let spent = self.world.totals() - before;
        let messages = self.world.ledger.take();
        for (metric, value) in self.judge_direct(&messages) {
            self.put(name, metric, value);
        }
        self.put(name, "hand_overs_per_message", spent.payloads as f64 / count as f64);
    }

    fn send_direct(&mut self, size: usize, answered: bool) {
        let pair = self.pick(2);
        let payload = self.payload(size);
        if let [a, b] = pair[..] {
            // Picked in the order of joining: let either be the sender.
            let (from, to) = if self.world.random().unit() < 0.5 { (a, b) } else { (b, a) };
            let _ = if answered {
                self.world.ask(from, to, payload)
            } else {
                self.world.send(from, Some(to), payload)
            };
        }
    }

    /// What became of direct messages whose both ends live, answers apart: of these it counts when they were there.
    fn judge_direct(&self, messages: &[Message]) -> Vec<(&'static str, f64)> {
        let alive = |node: u32| self.world.peer(NodeId(node)).is_some();
        let (mut due, mut arrived, mut acknowledged, mut first_try, mut unreachable) = (0, 0, 0, 0, 0);
        let (mut hops, mut shortest, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let (mut asked, mut answers) = (0, Vec::new());
        for message in messages.iter().filter(|message| !matches!(message.purpose, Purpose::Answer(_))) {
            let Some(to) = message.to.filter(|&to| alive(to) && alive(message.from)) else { continue };
            due += 1;
            unreachable += usize::from(message.shortest.is_none());
            asked += u32::from(message.purpose == Purpose::Request);
            let in_time = message.answered.filter(|&micros| Duration::from_micros(micros) <= ANSWER);
            answers.extend(in_time.map(|micros| micros as f64 / 1000.0));
            if let Some(Ok(receipt)) = message.outcome {
                acknowledged += 1;
                first_try += usize::from(receipt.rtt < FIRST_TRY);
            }
            if let Some(time) = message.arrival(to) {
                arrived += 1;
                times.push(time.as_secs_f64() * 1000.0);
                if let (Some(taken), Some(least)) = (message.hops, message.shortest) {
                    hops.push(f64::from(taken));
                    shortest.push(f64::from(least));
                }
            }
        }
        let share = |part: usize| if due == 0 { 1.0 } else { f64::from(part as u32) / f64::from(due) };
        let mut measured = vec![
            ("direct_messages", f64::from(due)),
            ("arrived", share(arrived)),
            ("acknowledged", share(acknowledged)),
            ("first_try", share(first_try)),
            ("no_path_when_sent", share(unreachable)),
        ];
        let (taken, least) = (mean(&hops), mean(&shortest));
        let optional = [
            ("hops", taken),
            ("hops_p99", percentile(&mut hops, 0.99)),
            ("hops_shortest", least),
            ("hops_to_shortest", taken.zip(least).map(|(taken, least)| taken / least)),
            ("time_p50_ms", percentile(&mut times, 0.5)),
            ("time_p99_ms", percentile(&mut times, 0.99)),
            ("answered", (asked > 0).then(|| answers.len() as f64 / f64::from(asked))),
            ("answer_p50_ms", percentile(&mut answers, 0.5)),
            ("answer_p99_ms", percentile(&mut answers, 0.99)),
            ("answer_max_ms", percentile(&mut answers, 1.0)),
        ];
        measured.extend(optional.into_iter().filter_map(|(metric, value)| Some((metric, value?))));
        measured
    }

    fn churn(&mut self, step: &Step) {
        let Step::Churn {
            name,
            rate,
            time,
            graceful,
            replace,
            broadcast_every,
            direct_every,
            answered,
            sources,
        } = step
        else {
            return;
        };
        self.changed();
        self.world.ledger.take();
        let (before, start) = (self.world.totals(), self.world.now());
        let living = self.world.graph.living() as f64;
        let mean_gap = Duration::from_secs_f64(60.0 / (rate * living).max(1e-9));
        let mut sources = self.pick(*sources);
        let (mut rings, mut turn) = (Vec::new(), 0);
        let end = start + *time;
        let mut next_death = if *rate > 0.0 { start } else { end };
        let [mut next_broadcast, mut next_direct, mut next_look] = [start; 3];
        loop {
            let next = next_death.min(next_broadcast).min(next_direct).min(next_look);
            if next >= end {
                break;
            }
            self.world.run_to(next);
            if next == next_death {
                // Deaths come as a Poisson process.
                next_death += mean_gap.mul_f64(-(1.0 - self.world.random().unit()).ln());
                if let Some(node) = self.world.any() {
                    if self.world.random().unit() < *graceful {
                        self.world.leave(node);
                    } else {
                        self.world.kill(node);
                    }
                    if *replace {
                        self.world.join();
                    }
                }
            } else if next == next_broadcast {
                next_broadcast += *broadcast_every;
                turn = (turn + 1) % sources.len();
                while self.world.peer(sources[turn]).is_none_or(|peer| peer.link_count() == 0) {
                    let Some(node) = self.world.any() else { return };
                    sources[turn] = node;
                }
                let payload = self.payload(small());
                let _ = self.world.send(sources[turn], None, payload);
            } else if next == next_direct {
                next_direct += *direct_every;
                self.send_direct(small(), *answered);
            } else {
                next_look += Duration::from_secs(1);
                rings.push(self.world.graph.ring_share());
            }
        }
        self.world.run_to(end);
        let spent = self.world.totals() - before;
        let share = 1.0 / (living * time.as_secs_f64());
        self.put(name, "ring_share_mean", mean(&rings));
        self.put(name, "ring_share_min", percentile(&mut rings, 0.0));
        self.put_traffic(name, spent, share);
        self.world.run_for(if *answered { ANSWER } else { Duration::from_secs(15) });
        let (direct, broadcasts): (Vec<_>, Vec<_>) =
            self.world.ledger.take().into_iter().partition(|message| message.to.is_some());
        if !broadcasts.is_empty() {
            self.put(name, "copies", spent.copies as f64 / (broadcasts.len() as f64 * living));
        }
        for (metric, value) in self.judge(&broadcasts).into_iter().chain(self.judge_direct(&direct)) {
            self.put(name, metric, value);
        }
        let mut noticed: Vec<f64> = self.world.counts.noticed[self.change.noticed..]
            .iter()
            .map(|&micros| f64::from(micros) / 1e6)
            .collect();
        self.put(name, "death_noticed_p50_s", percentile(&mut noticed, 0.5));
        self.put(name, "death_noticed_max_s", percentile(&mut noticed, 1.0));
    }
}

/// Bytes of payload of the messages sent during churn.
fn small() -> usize {
    100
}
