//! A handful of peers in virtual time: one tracker that passes everything on at once, and connections that
//! take the same time for each frame.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::proto::io::{Bytes, Received, TrackerId};
use crate::proto::links::link::wire::{Frame, Inbox, encode, frame};
use crate::proto::time::soonest;
use crate::proto::{DeliveryFailure, Receipt};
use crate::testkit::tracker::{Half, Word, response};
use crate::testkit::{Said, description, drive, listen, tell};

pub(super) const START: Instant = Instant::from_millis(1_800_000_000_000);
const LATENCY: Duration = Duration::from_millis(20);
/// What gets no acknowledgement is sent again after this time, then after twice as long, and so on (RFC 9260, 6.3).
const RESENT: Duration = Duration::from_millis(400);

/// One end of a connection: which peer, and what it calls it.
pub(super) type End = (usize, ConnId);

/// A socket of a peer.
type Socket = (usize, TrackerId);

/// What becomes of a packet on its way from one peer to another.
pub(super) type Tap = Box<dyn FnMut(usize, usize, Packet) -> Vec<Packet>>;

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) peers: Vec<Peer>,
    pub(super) events: Vec<Vec<(Instant, Event)>>,
    /// Where each peer had its browser look for others: places and ports.
    pub(super) tried: Vec<Vec<String>>,
    /// Peers that ended, or fell asleep, without a word.
    dead: Vec<bool>,
    /// Peers whose timers ring no more often than this; whatever comes in is as good as one.
    pub(super) lazy: BTreeMap<usize, Duration>,
    queue: BTreeMap<(Instant, u64), (usize, Input)>,
    queued: u64,
    /// Whose description each end accepted.
    remote: BTreeMap<End, End>,
    /// How often each end was described anew.
    described: BTreeMap<End, u32>,
    /// Ends from which nothing gets through, since when, and what waits there.
    broken: BTreeMap<End, (Instant, Vec<Bytes>)>,
    /// Ends that are closed: browsers hear nothing of them any more.
    closed: BTreeSet<End>,
    /// Whether there is another path for them.
    pub(super) bypass: bool,
    /// Who announces at which tracker, and under which name.
    members: BTreeMap<Socket, String>,
    /// The trackers' URLs.
    sockets: BTreeMap<Socket, String>,
    /// The trackers that refuse every connection.
    pub(super) dead_trackers: BTreeSet<String>,
    /// Peers that a firewall keeps from a tracker.
    pub(super) blocked: BTreeSet<(usize, String)>,
    /// When each peer tried which tracker.
    pub(super) attempts: Vec<Vec<(Instant, String)>>,
    /// How much longer than a frame all that a tracker says takes.
    pub(super) tracker_late: Duration,
    /// Who is on which channel of tabs; there is one browser.
    tabs: BTreeMap<usize, String>,
    /// Announces that the trackers took.
    pub(super) announces: usize,
    tap: Option<Tap>,
    /// Pairs, the lower index first, whose frames take longer than others'.
    pub(super) far: BTreeMap<(usize, usize), Duration>,
    /// What each peer was woken for last, and how often since.
    woken: Vec<(Option<(Instant, &'static str)>, u32)>,
    /// How many milliseconds the clock of each peer is ahead.
    skew: Vec<i64>,
    /// Each frame takes up to so much longer, by chance; those of one connection keep their order.
    pub(super) jitter: Duration,
    dice: Random,
    /// When the last frame of each end arrives.
    last: BTreeMap<End, Instant>,
    /// How long a channel takes to open once both descriptions are there.
    pub(super) opening: Duration,
    /// How long a browser takes to swallow what a link hands it before it asks for more.
    pub(super) swallowing: Duration,
    /// Who has more open connections than `maxPeers`, and since when.
    above: BTreeMap<usize, Instant>,
    /// The processor time that each peer took for what it was told, as far as nothing else runs; what is looked through
    /// after each input is in it.
    pub(super) spent: Vec<Duration>,
    /// Another number, other peers.
    salt: u8,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: START,
            peers: Vec::new(),
            events: Vec::new(),
            tried: Vec::new(),
            dead: Vec::new(),
            lazy: BTreeMap::new(),
            queue: BTreeMap::new(),
            queued: 0,
            remote: BTreeMap::new(),
            described: BTreeMap::new(),
            broken: BTreeMap::new(),
            closed: BTreeSet::new(),
            bypass: true,
            members: BTreeMap::new(),
            sockets: BTreeMap::new(),
            dead_trackers: BTreeSet::new(),
            blocked: BTreeSet::new(),
            attempts: Vec::new(),
            tracker_late: Duration::ZERO,
            tabs: BTreeMap::new(),
            announces: 0,
            tap: None,
            far: BTreeMap::new(),
            woken: Vec::new(),
            skew: Vec::new(),
            jitter: Duration::ZERO,
            dice: Random::new([0xd1; 32]),
            last: BTreeMap::new(),
            opening: LATENCY,
            swallowing: Duration::ZERO,
            above: BTreeMap::new(),
            spent: Vec::new(),
            salt: 0,
        }
    }

    /// So many peers, grown together.
    pub(super) fn of(count: usize, max_peers: usize) -> Self {
        Self::salted(count, max_peers, 0)
    }

    /// ... and others with another number.
    pub(super) fn salted(count: usize, max_peers: usize, salt: u8) -> Self {
        let mut world = Self { salt, ..Self::new() };
        for _ in 0..count {
            world.join(Config { max_peers, ..config() });
        }
        world.run(Duration::from_secs(if count > 3 { 20 } else { 5 }));
        world.events.iter_mut().for_each(Vec::clear);
        world
    }

    pub(super) fn join(&mut self, config: Config) -> usize {
        self.join_as(config, Identity::from_secret([self.peers.len() as u8 + 1 + self.salt; 32]))
    }

    pub(super) fn join_as(&mut self, config: Config, identity: Identity) -> usize {
        self.join_skewed(config, identity, 0)
    }

    /// ... whose clock is so many milliseconds ahead.
    pub(super) fn join_skewed(&mut self, config: Config, identity: Identity, skew: i64) -> usize {
        let index = self.peers.len();
        let random = Random::new([index as u8 + 1; 32]);
        self.skew.push(skew);
        self.woken.push((None, 0));
        let now = self.clock(index);
        self.peers.push(Peer::new(config, identity, random, now).expect("the settings are good"));
        self.events.push(Vec::new());
        self.tried.push(Vec::new());
        self.attempts.push(Vec::new());
        self.dead.push(false);
        let said = listen(&mut self.peers[index], now);
        self.carry_out(index, said);
        index
    }

    /// What the clock of a peer shows.
    pub(super) fn clock(&self, index: usize) -> Instant {
        Instant::from_micros(self.now.as_micros().saturating_add_signed(self.skew[index] * 1000))
    }

    /// The clock of a peer is set on, as its browser sees it: the machine may as well have slept.
    pub(super) fn set_clock(&mut self, index: usize, by: i64) {
        self.skew[index] += by;
        self.with(index, |peer, now| peer.handle(Input::Woke, now));
    }

    pub(super) fn tap(&mut self, tap: impl FnMut(usize, usize, Packet) -> Vec<Packet> + 'static) {
        self.tap = Some(Box::new(tap));
    }

    /// Ends a peer without a word; its connections just fall silent.
    pub(super) fn kill(&mut self, index: usize) {
        self.dead[index] = true;
        self.members.retain(|&(member, _), _| member != index);
    }

    /// The path of a link breaks, and nobody hears of it: what is said on it waits.
    pub(super) fn break_path(&mut self, a: usize, b: usize) {
        let here = (a, self.peers[a].parts.links.conn_of(&self.address(b)).expect("they are linked"));
        for end in [here, self.remote[&here]] {
            self.broken.insert(end, (self.now, Vec::new()));
        }
    }

    /// Whether it is broken still.
    pub(super) fn is_broken(&self, a: usize, b: usize) -> bool {
        let conn = self.peers[a].parts.links.conn_of(&self.address(b));
        conn.is_some_and(|conn| self.broken.contains_key(&(a, conn)))
    }

    /// How often an end of a link was described anew.
    pub(super) fn described_anew(&self, a: usize, b: usize) -> u32 {
        let conn = self.peers[a].parts.links.conn_of(&self.address(b)).expect("they are linked");
        self.described.get(&(a, conn)).copied().unwrap_or_default()
    }

    /// ... and the ends of all links that there were.
    pub(super) fn described_anew_in_all(&self) -> u32 {
        self.described.values().sum()
    }

    /// ... and is whole again: what waits goes out when it is sent again.
    pub(super) fn mend(&mut self, end: End) {
        for end in [end, self.remote[&end]] {
            let Some((since, waiting)) = self.broken.remove(&end) else { continue };
            let mut again = since + RESENT;
            let mut pause = RESENT;
            while again < self.now {
                pause *= 2;
                again = again + pause;
            }
            if !waiting.is_empty() {
                self.last.insert(end, again);
            }
            waiting.into_iter().for_each(|bytes| self.carry(end, bytes));
        }
    }

    /// A peer that fell asleep wakes: its tracker's socket is of no use any more, and what was sent to it meanwhile is lost.
    pub(super) fn wake(&mut self, index: usize) {
        self.dead[index] = false;
        self.with(index, |peer, now| peer.handle(Input::TrackerClosed(TrackerId(0), "slept".into()), now));
        self.with(index, |peer, now| peer.handle(Input::Woke, now));
    }

    /// Lets a caller do something with a peer, and the world what follows from it.
    pub(super) fn with<T>(&mut self, index: usize, act: impl FnOnce(&mut Peer, Instant) -> T) -> T {
        let now = self.clock(index);
        let ((done, spent), said) = drive(&mut self.peers[index], now, |peer, now| timed(|| act(peer, now)));
        self.spend(index, spent);
        self.carry_out(index, said);
        done
    }

    pub(super) fn send(&mut self, from: usize, to: Option<usize>, text: &str) -> MessageId {
        let to = to.map(|to| self.address(to));
        let payload = Bytes(text.into());
        self.with(from, |peer, now| peer.send(to, payload, now)).expect("it may be sent")
    }

    /// Says all of this in one turn.
    pub(super) fn send_all(&mut self, from: usize, to: Option<usize>, texts: &[String]) -> Vec<MessageId> {
        let to = to.map(|to| self.address(to));
        let payloads = texts.iter().map(|text| Bytes(text.as_bytes().to_vec()));
        self.with(from, |peer, now| {
            payloads.map(|payload| peer.send(to, payload, now).expect("it may be sent")).collect()
        })
    }

    /// A frame from `from` reaches `to`, whatever `from` really said.
    pub(super) fn inject(&mut self, from: usize, to: usize, packet: &Packet) {
        let bytes = Bytes(frame(&Frame::Whole(&encode(packet))));
        let conn = self.peers[to].parts.links.conn_of(&self.address(from)).expect("they are linked");
        self.with(to, |peer, now| peer.handle(Input::ConnFrame(conn, bytes), now));
    }

    /// A frame reaches `to` on one of its connections, from whoever is there.
    #[cfg(feature = "sim")]
    pub(super) fn say_on(&mut self, to: usize, conn: ConnId, packet: &Packet) {
        let bytes = Bytes(frame(&Frame::Whole(&encode(packet))));
        self.with(to, |peer, now| peer.handle(Input::ConnFrame(conn, bytes), now));
    }

    pub(super) fn address(&self, index: usize) -> Address {
        self.peers[index].address()
    }

    pub(super) fn linked(&self, a: usize, b: usize) -> bool {
        self.peers[a].parts.links.conn_of(&self.address(b)).is_some()
    }

    /// Whether every link has two ends that agree on the connection.
    pub(super) fn links_agree(&self) -> bool {
        (0..self.peers.len()).filter(|&a| !self.dead[a]).all(|a| {
            self.peers[a].neighbors().all(|address| {
                let conn_of = |peer: usize, other| self.peers[peer].parts.links.conn_of(&other);
                let end = conn_of(a, address).map(|conn| (a, conn));
                let there =
                    end.and_then(|end| self.remote.get(&end)).filter(|&&(b, _)| self.address(b) == address);
                there.is_some_and(|&(b, conn)| conn_of(b, self.address(a)) == Some(conn))
            })
        })
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let timer = |(index, peer): (usize, &Peer)| {
                let at = peer.poll_timeout()?.as_micros().saturating_add_signed(-self.skew[index] * 1000);
                let step = self.lazy.get(&index).map_or(1, Duration::as_micros) as u64;
                Some((Instant::from_micros(at.next_multiple_of(step)), index))
            };
            let alive = self.peers.iter().enumerate().filter(|&(index, _)| !self.dead[index]);
            let timeout = alive.filter_map(timer).min();
            let arrival = self.queue.first_key_value().map(|(&(at, _), _)| at);
            let Some(next) = soonest(timeout.map(|(at, _)| at), arrival).filter(|&at| at <= end) else {
                break;
            };
            self.now = self.now.max(next);
            let (index, input) = match self.queue.first_entry().filter(|entry| entry.key().0 <= next) {
                Some(entry) => entry.remove(),
                None => (timeout.expect("it is the sooner one").1, Input::Timeout),
            };
            if !self.dead[index] {
                let now = self.clock(index);
                self.check_progress(index, &input, now);
                self.hear(index, input, now);
                let due = self.peers[index].poll_timeout().is_some_and(|at| at <= now);
                if due && self.lazy.contains_key(&index) {
                    self.hear(index, Input::Timeout, now);
                }
                self.check_cap(index);
            }
        }
        self.now = end;
    }

    fn hear(&mut self, index: usize, input: Input, now: Instant) {
        let (said, spent) = timed(|| tell(&mut self.peers[index], input, now));
        self.spend(index, spent);
        self.carry_out(index, said);
    }

    fn spend(&mut self, index: usize, spent: Duration) {
        self.spent.resize(self.peers.len(), Duration::ZERO);
        self.spent[index] += spent;
    }

    /// A peer that is woken has something to do, and is not woken for the same again and again.
    fn check_progress(&mut self, index: usize, input: &Input, now: Instant) {
        let due = self.peers[index].next_timeout().filter(|_| matches!(input, Input::Timeout));
        let same = due.is_some() && due == self.woken[index].0;
        self.woken[index] = (due, if same { self.woken[index].1 + 1 } else { 0 });
        assert!(self.woken[index].1 < 100, "woken again and again at {now:?} for {due:?}");
    }

    /// Never more links than `maxPeers`, and for less than two seconds one connection more.
    fn check_cap(&mut self, index: usize) {
        let peer = &self.peers[index];
        let cap = peer.config().max_peers;
        let open = peer.parts.links.count_open();
        assert!(peer.link_count() <= cap && open <= cap + 1, "{open} connections where {cap} are allowed");
        let since = *self.above.entry(index).or_insert(self.now);
        if open <= cap {
            self.above.remove(&index);
        }
        assert!(self.now - since < Duration::from_secs(2), "above the cap for {:?}", self.now - since);
    }

    // What a peer wants of the world.

    fn carry_out(&mut self, index: usize, said: Said) {
        for output in said.outputs {
            match output {
                Output::TrackerOpen(id, url) => self.open_socket((index, id), url),
                Output::TrackerSend(id, text) => self.announce((index, id), &text),
                Output::TrackerClose(id) => drop(self.members.remove(&(index, id))),
                Output::TabsOpen(name) => drop(self.tabs.insert(index, name)),
                Output::TabsSend(word) => self.tell_tabs(index, &word),
                Output::TabsClose => drop(self.tabs.remove(&index)),
                Output::ConnOffer(conn) => self.describe(index, conn, "actpass"),
                Output::ConnReoffer(conn) => self.describe_anew(index, conn, "actpass"),
                Output::ConnReanswer(conn, sdp) => {
                    self.tried[index].extend(candidates(&sdp));
                    assert_eq!(self.remote.get(&(index, conn)), Some(&end_of(&sdp)), "another end");
                    self.describe_anew(index, conn, "active");
                }
                Output::ConnAccept(conn, sdp) if self.described.contains_key(&(index, conn)) => {
                    self.tried[index].extend(candidates(&sdp));
                    let there = end_of(&sdp);
                    assert_eq!(self.remote.get(&(index, conn)), Some(&there), "another end");
                    let (named, _) = description::End::read(&sdp).expect("we wrote it");
                    if self.bypass && self.described.get(&there) == Some(&named.times()) {
                        self.mend(there);
                    }
                }
                Output::ConnAnswer(conn, sdp) => {
                    self.tried[index].extend(candidates(&sdp));
                    self.remote.insert((index, conn), end_of(&sdp));
                    self.describe(index, conn, "active");
                }
                Output::ConnAccept(conn, sdp) => {
                    self.tried[index].extend(candidates(&sdp));
                    let there = end_of(&sdp);
                    self.remote.insert((index, conn), there);
                    if self.remote.get(&there) == Some(&(index, conn)) {
                        self.push(self.now + self.opening, index, Input::ConnOpened(conn));
                        self.push(self.now + self.opening, there.0, Input::ConnOpened(there.1));
                    }
                }
                Output::ConnCandidate(_, text) => self.tried[index].extend(candidates(&text)),
                Output::ConnSend(conn, bytes) => self.carry((index, conn), bytes),
                Output::ConnAwaitWritable(conn) => {
                    self.push(self.now + self.swallowing, index, Input::ConnWritable(conn));
                }
                Output::ConnAskTransport(conn) => {
                    let hears = self.hears((index, conn)).then_some(Duration::ZERO);
                    self.later(index, Input::ConnTransport(conn, hears));
                }
                Output::ConnClose(conn) => {
                    self.closed.insert((index, conn));
                    // Some descriptions are of peers that do not exist, or of an offer that another answer was taken to.
                    let broken = self.broken.remove(&(index, conn)).is_some();
                    let remote = self.remote.get(&(index, conn)).filter(|_| !broken);
                    let back = |there: &&End| self.remote.get(there) == Some(&(index, conn));
                    if let Some(&(there, conn)) = remote.filter(back) {
                        self.later(there, Input::ConnClosed(conn, "closed".into()));
                    }
                }
                Output::Event(event) => self.events[index].push((self.now, event)),
            }
        }
    }

    fn tell_tabs(&mut self, index: usize, word: &Bytes) {
        let name = self.tabs.get(&index).cloned().expect("its channel is open");
        let others = self.tabs.iter().filter(|&(&other, of)| other != index && *of == name);
        for other in others.map(|(&other, _)| other).collect::<Vec<_>>() {
            self.soon(other, Input::TabsMessage(word.clone()));
        }
    }

    fn later(&mut self, index: usize, input: Input) {
        self.push(self.now + LATENCY, index, input);
    }

    fn soon(&mut self, index: usize, input: Input) {
        self.push(self.now, index, input);
    }

    fn push(&mut self, at: Instant, index: usize, input: Input) {
        self.queued += 1;
        self.queue.insert((at, self.queued), (index, input));
    }

    fn describe(&mut self, index: usize, conn: ConnId, setup: &str) {
        self.later(index, Input::ConnDescribed(conn, sdp((index, conn), setup)));
        self.later(index, Input::ConnGathered(conn));
    }

    fn describe_anew(&mut self, index: usize, conn: ConnId, setup: &str) {
        let times = self.described.entry((index, conn)).or_default();
        *times += 1;
        let sdp = description::End(index as u64, conn.0).anew(*times).describe_whole(setup);
        self.later(index, Input::ConnDescribed(conn, sdp));
        self.later(index, Input::ConnGathered(conn));
    }

    fn carry(&mut self, (from, conn): End, bytes: Bytes) {
        if let Some((_, waiting)) = self.broken.get_mut(&(from, conn)) {
            return waiting.push(bytes);
        }
        let Some(&(to, there)) = self.remote.get(&(from, conn)) else { return };
        let latency = self.far.get(&(from.min(to), from.max(to))).copied().unwrap_or(LATENCY);
        let late = self.jitter.mul_f64(self.dice.unit());
        let last = self.last.entry((from, conn)).or_insert(self.now);
        let at = *last.max(&mut (self.now + latency + late));
        *last = at;
        let Some(tap) = &mut self.tap else { return self.push(at, to, Input::ConnFrame(there, bytes)) };
        let packets = Inbox::default().packets(&bytes.0, usize::MAX).expect("peers send good frames");
        assert!(!packets.is_empty(), "no large packets are tapped");
        let passed: Vec<_> = packets.into_iter().flat_map(|packet| tap(from, to, packet)).collect();
        for packet in passed {
            let bytes = Bytes(frame(&Frame::Whole(&encode(&packet))));
            self.push(at, to, Input::ConnFrame(there, bytes));
        }
    }

    /// Whether packets of its other end get to a browser, whatever the page there does.
    fn hears(&self, end: End) -> bool {
        let there = self.remote.get(&end).filter(|_| !self.broken.contains_key(&end));
        there.is_some_and(|there| {
            !self.dead[there.0] && !self.closed.contains(there) && self.remote.get(there) == Some(&end)
        })
    }

    fn open_socket(&mut self, socket: Socket, url: String) {
        let (index, id) = socket;
        self.attempts[index].push((self.now, url.clone()));
        if self.dead_trackers.contains(&url) || self.blocked.contains(&(index, url.clone())) {
            return self.later(index, Input::TrackerClosed(id, "refused".into()));
        }
        self.sockets.insert(socket, url);
        self.soon(index, Input::TrackerOpened(id));
    }

    /// A tracker dies; who had a socket there hears it.
    pub(super) fn kill_tracker(&mut self, url: &str) {
        self.dead_trackers.insert(url.into());
        (0..self.peers.len()).for_each(|index| self.cut(index, url));
    }

    /// A firewall keeps a peer from a tracker from now on.
    pub(super) fn block(&mut self, index: usize, url: &str) {
        self.blocked.insert((index, url.into()));
        self.cut(index, url);
    }

    fn cut(&mut self, index: usize, url: &str) {
        let gone = self.sockets.iter().find(|&(at, there)| at.0 == index && there == url);
        if let Some((&socket, _)) = gone {
            self.sockets.remove(&socket);
            self.members.remove(&socket);
            self.later(index, Input::TrackerClosed(socket.1, "gone".into()));
        }
    }

    /// The trackers: every offer goes to another member of the same one, in turns. They do not care for info hashes.
    fn announce(&mut self, socket: Socket, text: &str) {
        let said: Value = serde_json::from_str(text).expect("peers write good JSON");
        let name = said["peer_id"].as_str().expect("every message has one").to_owned();
        if said["event"] == "stopped" {
            self.members.remove(&socket);
            return;
        }
        let Some(url) = self.sockets.get(&socket) else { return };
        let here = |at: &Socket| self.sockets.get(at) == Some(url);
        // Each hears the info hash of its own swarm.
        let info_hash = |index: usize| self.peers[index].commons.me.secret.info_hash().to_binary();
        if let Some(sdp) = said["answer"]["sdp"].as_str() {
            let to = said["to_peer_id"].as_str();
            let member = self.members.iter().find(|(at, name)| here(at) && Some(name.as_str()) == to);
            if let Some((&to, _)) = member {
                let heard = word(&info_hash(to.0), &name, &said).write(Half::Answer, sdp);
                self.say(to, heard);
            }
            return;
        }
        let others = self.members.keys().copied().filter(|at| *at != socket && here(at)).collect::<Vec<_>>();
        let heard = response(&info_hash(socket.0), 120, others.len() + 1);
        let offers = said["offers"].as_array().into_iter().flatten();
        let mut heard = vec![(socket, heard)];
        for (offer, &to) in offers.zip(others.iter().cycle()) {
            let sdp = offer["offer"]["sdp"].as_str().expect("every offer has one");
            heard.push((to, word(&info_hash(to.0), &name, offer).write(Half::Offer, sdp)));
        }
        self.members.insert(socket, name);
        self.announces += 1;
        heard.into_iter().for_each(|(to, heard)| self.say(to, heard));
    }

    /// A tracker says something.
    fn say(&mut self, (index, id): Socket, text: String) {
        self.push(self.now + LATENCY + self.tracker_late, index, Input::TrackerMessage(id, text));
    }

    // What the page heard.

    pub(super) fn connects(&self, index: usize) -> Vec<Address> {
        self.heard(index, |event| if let Event::Connect(address) = event { Some(*address) } else { None })
    }

    pub(super) fn disconnects(&self, index: usize) -> Vec<Address> {
        self.heard(index, |event| if let Event::Disconnect(address) = event { Some(*address) } else { None })
    }

    pub(super) fn received(&self, index: usize) -> Vec<Received> {
        self.heard(index, |event| if let Event::Message(it) = event { Some(it.clone()) } else { None })
    }

    pub(super) fn texts(&self, index: usize) -> Vec<String> {
        let text = |received: Received| String::from_utf8(received.payload.0).expect("texts were sent");
        self.received(index).into_iter().map(text).collect()
    }

    /// The warnings with this code.
    pub(super) fn warnings(&self, index: usize, code: &str) -> Vec<String> {
        self.heard(index, |event| match event {
            Event::Warning(warning) if warning.code == code => Some(warning.text.clone()),
            _ => None,
        })
    }

    pub(super) fn deliveries(&self, index: usize) -> Vec<(MessageId, Result<Receipt, DeliveryFailure>)> {
        self.heard(index, |event| if let Event::Delivery(id, how) = event { Some((*id, *how)) } else { None })
    }

    fn heard<T>(&self, index: usize, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.events[index].iter().filter_map(|(_, event)| pick(event)).collect()
    }
}

pub(super) fn config() -> Config {
    Config { trackers: vec!["ws://t".into()], reserves: Vec::new(), ..Config::new(SwarmId::of_topic("t")) }
}

fn word<'a>(info_hash: &'a str, peer_id: &'a str, about: &'a Value) -> Word<'a> {
    Word { info_hash, peer_id, offer_id: about["offer_id"].as_str().expect("every offer has one") }
}

/// A description that says which end it is of.
pub(super) fn sdp((index, conn): End, setup: &str) -> String {
    description::End(index as u64, conn.0).describe_whole(setup)
}

/// Places and ports in an SDP, or of one candidate.
fn candidates(sdp: &str) -> impl Iterator<Item = String> {
    let words = sdp.lines().filter(|line| line.contains("candidate:")).map(str::split_ascii_whitespace);
    words.map(|words| words.skip(4).take(2).collect::<Vec<_>>().join(" "))
}

fn end_of(sdp: &str) -> End {
    let (description::End(index, conn), _) = description::End::read(sdp).expect("we wrote it");
    (index as usize, ConnId(conn & u64::from(u32::MAX)))
}

/// What something took. For tables of what attacks cost; no test asserts it.
#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a figure to be read, not a time of the world"
)]
fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let begun = std::time::Instant::now();
    (act(), begun.elapsed())
}
