//! Random days in the life of a small swarm, held against what is obviously right.
//!
//! A [`Day`] is a seed and steps: peers join, leave and die, say things, change their options, and lose their
//! trackers. It is lived by real peers in virtual time. Beside them runs a [`Truth`] that knows no protocol, only who
//! is alive and what was said to whom, and that is asked after every step and after every [`SLICE`] of time. Then the
//! trackers come back, and what is left must become one quiet mesh in which everybody reaches everybody.
//!
//! Beneath, the world looks through each peer after each of its inputs (`testkit::drive`).
//!
//! A day that breaks a promise is shrunk and printed as one line, which runs again by
//! `DAY='…' cargo test --features sim --test model the_day`, with every event of one peer by `TRACE=3` beside it. It
//! then becomes a line of `model.days`, which is lived first in every run from then on. Unlike the seeds that proptest
//! would store, a line still means the same when the days are drawn in another way.
//!
//! The same days are drawn in each run. Others, and more of them: `PROPTEST_RNG_SEED=7 PROPTEST_CASES=1000`.
#![cfg(feature = "sim")]
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use easypeers::proto::{Address, DeliveryFailure, Event, MessageId, Received};
use easypeers::sim::tracker::Health;
use easypeers::sim::{NodeId, Params, World};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Days in one run: what an unoptimized build lives in some 15 s on one core.
const DAYS: u32 = 28;
/// Peers alive at once.
const CROWD: usize = 16;
/// Time passes in slices this long, and all is checked after each.
const SLICE: Duration = Duration::from_millis(250);
/// With a tracker that answers, a swarm that nobody disturbs is one right ring after this time: the longest pause before
/// a socket is opened again, and the longest between two announces of a peer that has room. In 1,158 days it took 31 s
/// at most.
const SETTLED: Duration = Duration::from_secs(120);
/// ... and what its peers had still to tell each other then is said after this time more.
const QUIET: Duration = Duration::from_secs(5);
/// What is said in a quiet mesh has arrived everywhere after this time.
const ARRIVED: Duration = Duration::from_secs(5);
/// By then a sender has heard how any message ended, after QUIET and ARRIVED: 14 s of tries for the recipient's key, and
/// as many for the message.
const TOLD: Duration = Duration::from_secs(20);

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_random_day_breaks_no_promise(day in day()) {
        live(&day).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn a_day_that_broke_a_promise_once_breaks_none_now() {
    for line in include_str!("model.days").lines().filter(|line| !line.starts_with('#')) {
        assert_eq!(live(&line.parse().unwrap()), Ok(()));
    }
}

#[test]
fn the_day_in_the_environment_breaks_no_promise() {
    let Ok(line) = std::env::var("DAY") else { return };
    assert_eq!(live(&line.parse().unwrap()), Ok(()));
}

#[test]
fn a_day_reads_as_it_is_written() {
    let text = "7: join:3 settle say:1:9 tell:0:2:40 max:1:2 coverage:2:33 every:0:5 trackers:down wait:10 die:0 leave:1";
    assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
}

fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let fixed = matches!(given.rng_seed, RngSeed::Random);
    ProptestConfig {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { DAYS },
        rng_seed: if fixed { RngSeed::Fixed(1) } else { given.rng_seed },
        failure_persistence: None,
        max_shrink_iters: u32::MAX,
        // Milliseconds.
        max_shrink_time: if given.max_shrink_time == 0 { 120_000 } else { given.max_shrink_time },
        ..given
    }
}

// Days.

#[derive(Clone)]
struct Day {
    seed: u16,
    steps: Vec<Step>,
}

/// A peer is named by its place among the living, counted around.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// So many come at once.
    Join(u8),
    Leave(u8),
    Die(u8),
    /// To all, so many bytes.
    Say(u8, u16),
    /// From one to another, so many bytes.
    Tell(u8, u8, u16),
    MaxPeers(u8, u8),
    /// In hundredths.
    Coverage(u8, u8),
    /// The longest pause between announces, in seconds.
    Every(u8, u8),
    Trackers(Health),
    /// Milliseconds.
    Wait(u16),
    /// Waits for a quiet mesh, if there is a tracker.
    Settle,
}

fn day() -> impl Strategy<Value = Day> {
    let who = || 0..CROWD as u8;
    // Small, sent as its header first, and in parts.
    let size = || prop_oneof![8 => 0..200u16, 1 => 1025..3000u16, 1 => 16_000..40_000u16];
    let health = prop_oneof![2 => Just(Health::Up), 2 => Just(Health::Down), 1 => Just(Health::Silent)];
    let step = prop_oneof![
        8 => (1..=5u8).prop_map(Step::Join),
        3 => who().prop_map(Step::Leave),
        4 => who().prop_map(Step::Die),
        8 => (who(), size()).prop_map(|(from, size)| Step::Say(from, size)),
        6 => (who(), who(), size()).prop_map(|(from, to, size)| Step::Tell(from, to, size)),
        3 => (who(), 2..=20u8).prop_map(|(who, max)| Step::MaxPeers(who, max)),
        1 => (who(), 2..=3u8).prop_map(|(who, max)| Step::MaxPeers(who, max)),
        3 => (who(), 1..=100u8).prop_map(|(who, share)| Step::Coverage(who, share)),
        1 => (who(), 1..=60u8).prop_map(|(who, every)| Step::Every(who, every)),
        2 => health.prop_map(Step::Trackers),
        8 => (1..400u16).prop_map(Step::Wait),
        4 => (400..12_000u16).prop_map(Step::Wait),
        2 => Just(Step::Settle),
    ];
    (any::<u16>(), prop::collection::vec(step, 1..40)).prop_map(|(seed, steps)| Day { seed, steps })
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seed)?;
        self.steps.iter().try_for_each(|step| match step {
            Step::Join(count) => write!(f, " join:{count}"),
            Step::Leave(who) => write!(f, " leave:{who}"),
            Step::Die(who) => write!(f, " die:{who}"),
            Step::Say(from, size) => write!(f, " say:{from}:{size}"),
            Step::Tell(from, to, size) => write!(f, " tell:{from}:{to}:{size}"),
            Step::MaxPeers(who, max) => write!(f, " max:{who}:{max}"),
            Step::Coverage(who, share) => write!(f, " coverage:{who}:{share}"),
            Step::Every(who, every) => write!(f, " every:{who}:{every}"),
            Step::Trackers(health) => write!(f, " trackers:{}", format!("{health:?}").to_lowercase()),
            Step::Wait(millis) => write!(f, " wait:{millis}"),
            Step::Settle => write!(f, " settle"),
        })
    }
}

/// What proptest prints.
impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (seed, steps) = line.split_once(':').ok_or("a day begins with its seed")?;
        let seed = seed.trim().parse().map_err(|_| format!("{seed} is no seed"))?;
        let step = |word| read(word).ok_or_else(|| format!("{word} is no step"));
        Ok(Self { seed, steps: steps.split_whitespace().map(step).collect::<Result<_, _>>()? })
    }
}

fn read(word: &str) -> Option<Step> {
    let mut parts = word.split(':');
    let name = parts.next()?;
    let mut next = || parts.next();
    Some(match name {
        "join" => Step::Join(next()?.parse().ok()?),
        "leave" => Step::Leave(next()?.parse().ok()?),
        "die" => Step::Die(next()?.parse().ok()?),
        "say" => Step::Say(next()?.parse().ok()?, next()?.parse().ok()?),
        "tell" => Step::Tell(next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?),
        "max" => Step::MaxPeers(next()?.parse().ok()?, next()?.parse().ok()?),
        "coverage" => Step::Coverage(next()?.parse().ok()?, next()?.parse().ok()?),
        "every" => Step::Every(next()?.parse().ok()?, next()?.parse().ok()?),
        "trackers" => Step::Trackers(match next()? {
            "up" => Health::Up,
            "down" => Health::Down,
            "silent" => Health::Silent,
            "slow" => Health::Slow,
            _ => return None,
        }),
        "wait" => Step::Wait(next()?.parse().ok()?),
        "settle" => Step::Settle,
        _ => return None,
    })
}

// The truth.

/// Everything that must hold, seen from outside: steps on one side, what the pages heard on the other.
#[derive(Default)]
struct Truth {
    living: BTreeMap<NodeId, Member>,
    said: BTreeMap<MessageId, Said>,
    trackers: Health,
    /// Whether nobody disturbed the mesh since it settled.
    quiet: bool,
}

struct Member {
    max_peers: usize,
    links: BTreeSet<NodeId>,
}

struct Said {
    from: NodeId,
    to: Option<NodeId>,
    size: usize,
    at: Duration,
    /// Who must hear it, as long as nobody disturbs the mesh in which it was said.
    due: BTreeSet<NodeId>,
    /// Who must hear it in the end, as long as it and the sender live and the trackers work.
    owed: BTreeSet<NodeId>,
    heard: BTreeSet<NodeId>,
    told: Option<bool>,
}

/// How the day goes wrong.
type Verdict = Result<(), String>;

macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => { if !$holds { return Err(format!($($what)+)); } };
}

impl Truth {
    fn nth(&self, place: u8) -> Option<NodeId> {
        let count = self.living.len();
        (count > 0).then(|| *self.living.keys().nth(usize::from(place) % count).unwrap())
    }

    /// Somebody comes or goes, or wants another number of links: what is on its way may be lost.
    fn disturb(&mut self) {
        self.quiet = false;
        self.said.values_mut().for_each(|said| said.due.clear());
    }

    fn gone(&mut self, who: NodeId) {
        self.disturb();
        self.living.remove(&who);
        for said in self.said.values_mut() {
            said.owed.remove(&who);
            if said.from == who {
                said.owed.clear();
            }
        }
    }

    fn say(&mut self, id: MessageId, from: NodeId, to: Option<NodeId>, size: usize, at: Duration) {
        let others = self.living.keys().copied().filter(|&who| who != from);
        let meant: BTreeSet<_> = others.filter(|&who| to.is_none_or(|to| to == who)).collect();
        let due = if self.quiet { meant.clone() } else { BTreeSet::new() };
        let owed = if self.trackers == Health::Up && to.is_none() { meant } else { BTreeSet::new() };
        let said = Said { from, to, size, at, due, owed, heard: BTreeSet::new(), told: None };
        assert!(self.said.insert(id, said).is_none(), "ids are unique");
    }

    fn hear(&mut self, who: NodeId, event: &Event, name: impl Fn(&Address) -> NodeId) -> Verdict {
        match event {
            Event::Connect(other) => {
                let member = self.living.get_mut(&who).ok_or("the dead connect")?;
                ensure!(member.links.insert(name(other)), "{who} connects to a neighbor");
                let (links, max) = (member.links.len(), member.max_peers);
                ensure!(links <= max, "{who} has {links} links, {max} allowed");
            }
            Event::Disconnect(other) => {
                let had = self.living.get_mut(&who).is_none_or(|member| member.links.remove(&name(other)));
                ensure!(had, "{who} disconnects from no neighbor");
            }
            Event::Message(received) => self.receive(who, received, name)?,
            Event::Delivery(id, outcome) => {
                let said = self.said.get_mut(id).ok_or("a sender is told of what it never said")?;
                ensure!(said.from == who, "{who} is told of what {} said", said.from);
                ensure!(said.told.is_none(), "{who} is told twice how a message ended");
                let arrived = said.to.is_none_or(|to| said.heard.contains(&to));
                ensure!(outcome.is_err() || arrived, "{who} is told of an arrival that never was");
                let left = matches!(outcome, Err(DeliveryFailure::Closed));
                ensure!(!left || !self.living.contains_key(&who), "{who} is told that it left");
                said.told = Some(outcome.is_ok());
            }
            Event::AddressInUse | Event::AddressFree => {
                return Err(format!("{who} is told of another one of its identity"));
            }
            Event::Presence { .. }
            | Event::Progress { .. }
            | Event::Tracker(_)
            | Event::Trouble(_)
            | Event::Closed => {}
            Event::Warning(warning) => {
                ensure!(
                    !warning.code.starts_with("ERR_NEIGHBOR"),
                    "{who} blames an honest peer: {}",
                    warning.text
                );
            }
        }
        Ok(())
    }

    fn receive(&mut self, who: NodeId, received: &Received, name: impl Fn(&Address) -> NodeId) -> Verdict {
        let said = self.said.get_mut(&received.id).ok_or("what nobody said is heard")?;
        ensure!(self.living.contains_key(&who), "{who} hears after its end");
        ensure!(name(&received.from) == said.from, "{who} hears it from another than said it");
        ensure!(said.from != who, "{who} hears itself");
        ensure!(said.to.is_none_or(|to| to == who), "{who} hears what was said to another");
        ensure!(received.payload.0 == payload(said.size), "{who} hears what was not said");
        ensure!(said.heard.insert(who), "{who} hears the same twice");
        Ok(())
    }

    /// What must have happened by now.
    fn overdue(&self, now: Duration) -> Verdict {
        for said in self.said.values() {
            let late = said.due.difference(&said.heard).next().filter(|_| now >= said.at + ARRIVED);
            if let Some(who) = late {
                return Err(format!(
                    "{who} does not hear what {} said at {:?} in a quiet mesh",
                    said.from, said.at
                ));
            }
        }
        Ok(())
    }
}

fn payload(size: usize) -> Vec<u8> {
    (0..size).map(|i| i as u8).collect()
}

// The life.

struct Life {
    world: World,
    truth: Truth,
}

/// Lives a day, and says what broke.
fn live(day: &Day) -> Verdict {
    let trace = std::env::var("TRACE").ok().and_then(|who| who.parse().ok());
    let params = Params { keep_events: true, trace, ..Params::default() };
    let mut life = Life { world: World::new(params, day.seed.into()), truth: Truth::default() };
    let verdict = life.run(day);
    let now = life.world.now();
    verdict.map_err(|what| {
        format!("at {now:?}: {what}\nagain: DAY='{day}' cargo test --features sim --test model the_day\n")
    })
}

impl Life {
    fn run(&mut self, day: &Day) -> Verdict {
        for &step in &day.steps {
            self.take(step)?;
            self.check()?;
        }
        self.evening()
    }

    fn take(&mut self, step: Step) -> Verdict {
        let Self { world, truth } = self;
        match step {
            Step::Join(count) => {
                for _ in 0..usize::from(count).min(CROWD - truth.living.len()) {
                    truth.disturb();
                    let max_peers = world.params().max_peers;
                    truth.living.insert(world.join(), Member { max_peers, links: BTreeSet::new() });
                }
            }
            Step::Leave(who) => {
                if let Some(who) = truth.nth(who) {
                    truth.gone(who);
                    world.leave(who);
                }
            }
            Step::Die(who) => {
                if let Some(who) = truth.nth(who) {
                    truth.gone(who);
                    world.kill(who);
                }
            }
            Step::Say(from, size) => {
                if let Some(from) = truth.nth(from) {
                    self.speak(from, None, size.into())?;
                }
            }
            Step::Tell(from, to, size) => {
                if let (Some(from), Some(to)) = (truth.nth(from), truth.nth(to))
                    && from != to
                {
                    self.speak(from, Some(to), size.into())?;
                }
            }
            Step::MaxPeers(who, max) => {
                if let Some(who) = truth.nth(who) {
                    truth.disturb();
                    let max_peers = usize::from(max);
                    world.command(who, |peer, now| peer.set_max_peers(max_peers, now).unwrap());
                    self.listen()?;
                    let member = self.truth.living.get_mut(&who).unwrap();
                    member.max_peers = max_peers;
                    let links = member.links.len();
                    ensure!(links <= max_peers, "{who} keeps {links} links, {max_peers} allowed");
                }
            }
            Step::Coverage(who, share) => {
                if let Some(who) = truth.nth(who) {
                    world.command(who, |peer, _| peer.set_coverage(f64::from(share) / 100.0).unwrap());
                }
            }
            Step::Every(who, every) => {
                if let Some(who) = truth.nth(who) {
                    let every = Duration::from_secs(every.into());
                    world.command(who, |peer, now| peer.set_announce_every(every, now));
                }
            }
            Step::Trackers(health) => {
                truth.trackers = health;
                if health != Health::Up {
                    truth.said.values_mut().for_each(|said| said.owed.clear());
                }
                world.set_trackers(health);
            }
            Step::Wait(millis) => self.wait(Duration::from_millis(millis.into()))?,
            Step::Settle if truth.trackers == Health::Up => self.settle()?,
            Step::Settle => {}
        }
        Ok(())
    }

    fn speak(&mut self, from: NodeId, to: Option<NodeId>, size: usize) -> Verdict {
        let said = self.world.send(from, to, payload(size));
        let id = said.map_err(|error| format!("{from} may not speak: {error}"))?;
        self.truth.say(id, from, to, size, self.world.now());
        self.listen()
    }

    /// Lets the truth hear what the pages heard.
    fn listen(&mut self) -> Verdict {
        for (_, who, event) in self.world.take_events() {
            let names = |address: &_| {
                let all = (0..self.world.population()).map(NodeId);
                all.into_iter()
                    .find(|&node| self.world.address(node) == *address)
                    .expect("an address of a peer")
            };
            self.truth.hear(who, &event, names)?;
        }
        Ok(())
    }

    fn check(&mut self) -> Verdict {
        self.listen()?;
        ensure!(self.world.violations().is_empty(), "{:#?}", self.world.violations());
        self.truth.overdue(self.world.now())
    }

    fn wait(&mut self, time: Duration) -> Verdict {
        let until = self.world.now() + time;
        while self.world.now() < until {
            self.world.run_to(until.min(self.world.now() + SLICE));
            self.check()?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Verdict {
        let begin = self.world.now();
        loop {
            let graph = &self.world.graph;
            let parts = graph.components();
            if parts.len() <= 1 && graph.ring_share() == 1.0 {
                break;
            }
            let ring = graph.ring_share();
            ensure!(
                self.world.now() < begin + SETTLED,
                "a swarm in parts of {parts:?}, its ring {ring:.3} right"
            );
            self.wait(SLICE)?;
        }
        if std::env::var_os("TIMES").is_some() {
            eprintln!("settled after {:?}, {} peers", self.world.now() - begin, self.truth.living.len());
        }
        self.wait(QUIET)?;
        self.truth.quiet = true;
        Ok(())
    }

    /// With its trackers back, what is left is one mesh, and everybody in it reaches everybody.
    fn evening(&mut self) -> Verdict {
        self.take(Step::Trackers(Health::Up))?;
        self.settle()?;
        let living: Vec<_> = self.truth.living.keys().copied().collect();
        for (place, &from) in living.iter().enumerate() {
            self.speak(from, None, 10 + place)?;
            let to = living[(place + 1 + self.world.random().below(living.len())) % living.len()];
            if to != from {
                self.speak(from, Some(to), 10)?;
            }
            self.wait(SLICE)?;
        }
        self.wait(ARRIVED)?;
        self.check()?;
        let told = |said: &Said| said.told == Some(true) || said.due.is_empty();
        let untold = self.truth.said.values().find(|said| !told(said));
        ensure!(untold.is_none(), "{} is not told of an arrival", untold.unwrap().from);
        self.wait(TOLD)?;
        for said in self.truth.said.values() {
            if let Some(who) = said.owed.difference(&said.heard).next() {
                return Err(format!("{who} never hears what {} said at {:?}", said.from, said.at));
            }
        }
        if living.len() > 1 {
            let open = |said: &&Said| said.told.is_none() && self.truth.living.contains_key(&said.from);
            let open = self.truth.said.values().find(open);
            ensure!(open.is_none(), "{} never hears how a message ended", open.unwrap().from);
        }
        Ok(())
    }
}
