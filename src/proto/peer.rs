//! The peer: owns the machines, and is the only place where they meet.
//!
//! ```text
//!             page                              trackers            data channels
//!              │ send                              │                      │
//!              ▼                                   ▼                      ▼
//!   peer/messages.rs ──▶ broadcast, direct    peer/joining.rs ──▶ mesh ◀── peer/linking.rs ──▶ link, view
//! ```
//!
//! An input descends through one of these files to one machine; what the machine returns comes back up, and
//! what it wants of the world goes into `out`.

use std::collections::VecDeque;
use std::time::Duration;

use super::admission::Admitted;
use super::broadcast::{Broadcast, Spread};
use super::config::{Config, ConfigError};
use super::direct::{Direct, Paths};
use super::id::{Address, MessageId, OfferId, SwarmId};
use super::identity::Identity;
use super::io::{ConnId, Event, Input, Output, TrackerId, TrackerStatus, Warning};
use super::keys::Keys;
use super::limits::{Allowed, Fault, Limits, Work};
use super::link::{Farewell, HOPEFUL_SLOW, Link, Packet};
use super::map::Map;
use super::mesh::{self, Mesh, Neighbor, RequestId, Scene};
use super::message::Draft;
use super::random::Random;
use super::replay::Recent;
use super::ring::{Known, Side};
use super::secret::SwarmSecret;
use super::time::{Instant, soonest};
use super::tracker::Tracker;
use super::view::{Measured, View};

mod answering;
#[cfg(any(test, feature = "sim"))]
mod bounds;
mod closing;
mod joining;
mod linking;
mod messages;
mod parting;
mod report;
mod requests;
mod waiting;

use answering::HandedBack;
use closing::Stage;
use joining::Errand;
use messages::Outgoing;
use parting::Parting;
pub use report::{Edge, LinkInfo, Stats, Topology};
use waiting::Waiting;

/// One peer of one swarm.
#[derive(Debug)]
pub struct Peer {
    config: Config,
    identity: Identity,
    secret: SwarmSecret,
    address: Address,
    /// Tells this run of the peer from earlier ones with the same identity.
    instance: [u8; 16],
    random: Random,

    trackers: Map<TrackerId, Tracker>,
    conns: Map<ConnId, Conn>,
    /// The active links, by address.
    neighbors: Map<Address, ConnId>,
    /// Links that were evicted, for a moment more; the oldest first.
    partings: Vec<Parting>,
    /// Requests for ring links that wait for a slot; the oldest first.
    waiting: Vec<Waiting>,
    /// How long connections took to be made, the slowest of late.
    connecting: Duration,
    /// How long descriptions took to be made, the slowest of late: on a busy machine, everything takes as long.
    describing: Duration,
    /// Answers under way to neighbors; the oldest first.
    handed_back: Vec<HandedBack>,
    /// Offers that trackers brought here, on their way.
    errands: Map<RequestId, Errand>,
    view: View,
    mesh: Mesh,
    broadcast: Broadcast,
    direct: Direct,
    keys: Keys,
    limits: Limits,
    /// The page's messages on their way.
    outgoing: Outgoing,
    /// Direct messages that were delivered.
    recent: Recent,

    next_tracker: u32,
    next_conn: u64,
    stage: Stage,
    stats: Stats,
    out: VecDeque<Output>,
    /// Forwards nothing, for simulations of peers that do not play along.
    #[cfg(any(test, feature = "sim"))]
    silent: bool,
}

/// A connection and what it is for.
#[derive(Debug)]
struct Conn {
    link: Link,
    purpose: Purpose,
    /// The peer at the other end, as soon as it is known.
    peer: Option<Address>,
    admitted: Option<Admitted>,
    /// Whether this peer chose the other one as a long link.
    chosen: bool,
    /// The slower link that is to end for this one.
    replaces: Option<Address>,
    /// Who then loses a link at the other end, and may have that peer's.
    heir: Option<Address>,
    /// Whether the other end has yet to say that it keeps it: one on trial stays if both find it faster.
    trial: bool,
    /// When trackers last took the offer out.
    announced: Option<Instant>,
    /// Requests that took the offer out and may be answered yet, the newest last: on a busy machine an answer
    /// takes longer than anybody waits for it, and it is as good as a new one.
    asked: Vec<Asked>,
    since: Instant,
    made: Instant,
}

/// A request that took an offer out: to which neighbor, and when.
#[derive(Debug, Clone, Copy)]
struct Asked {
    id: RequestId,
    via: Address,
    at: Instant,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Offered through trackers, or kept ready to be.
    Offer(OfferId),
    /// Offered through the mesh, handed to this neighbor.
    Request(RequestId, Address),
    /// Our answer to somebody's offer.
    Reply(RequestId),
}

impl Conn {
    fn new(link: Link, purpose: Purpose, now: Instant) -> Self {
        Self {
            link,
            purpose,
            peer: None,
            admitted: None,
            chosen: false,
            replaces: None,
            heir: None,
            trial: false,
            announced: None,
            asked: Vec::new(),
            since: now,
            made: now,
        }
    }

    /// The hash of the other side's proven key.
    fn key(&self) -> Option<Address> {
        let admitted = self.admitted.as_ref()?;
        Some(if admitted.verified { admitted.address } else { admitted.key.address() })
    }

    /// Whether it takes a slot: everything but an offer that nobody has taken up. Our own requests take none
    /// until they are answered, or two full peers that ask for each other would both be busy for ever.
    fn holds_slot(&self) -> bool {
        self.link.is_taken() && self.link.is_hopeful()
    }

    /// Whether it stands for this request, or for our answer to it.
    fn is_for(&self, request: RequestId) -> bool {
        let present = match self.purpose {
            Purpose::Offer(offer) => request.is_of(&offer),
            Purpose::Request(id, _) | Purpose::Reply(id) => id == request,
        };
        present || self.asked.iter().any(|asked| asked.id == request)
    }

    /// This request, if it took the offer out before what the offer is out for now.
    fn asked_before(&self, request: RequestId) -> Option<Asked> {
        let present = matches!(self.purpose, Purpose::Request(id, _) if id == request);
        self.asked.iter().find(|asked| asked.id == request && !present).copied()
    }

    /// Whether it is an offer that stands for no request.
    fn is_spare(&self) -> bool {
        matches!(self.purpose, Purpose::Offer(_)) && !self.link.is_taken()
    }
}

/// The neighborhood at one moment, for decisions.
struct Surroundings {
    links: Vec<Neighbor>,
    known: std::sync::Arc<[Known]>,
    pending: Vec<Address>,
    max_peers: usize,
    free: isize,
    asking: isize,
    lost: Duration,
}

impl Surroundings {
    fn scene(&self) -> Scene<'_> {
        Scene {
            links: &self.links,
            known: &self.known,
            pending: &self.pending,
            max_peers: self.max_peers,
            free: self.free,
            asking: self.asking,
            lost: self.lost,
        }
    }
}

impl Peer {
    /// A peer that begins to join its swarm at once: call [`poll_output`](Self::poll_output).
    pub fn new(
        config: Config,
        identity: Identity,
        random: Random,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut random = random;
        let address = config.address.unwrap_or(identity.address());
        let secret = config.secret.clone().unwrap_or_else(|| SwarmSecret::public(config.swarm));
        let mut peer = Self {
            secret,
            address,
            instance: random.bytes(),
            trackers: Map::new(),
            conns: Map::new(),
            neighbors: Map::new(),
            partings: Vec::new(),
            waiting: Vec::new(),
            connecting: Duration::ZERO,
            describing: Duration::ZERO,
            handed_back: Vec::new(),
            errands: Map::new(),
            view: View::new(address),
            mesh: Mesh::new(address),
            broadcast: Broadcast::new(now),
            direct: Direct::default(),
            keys: Keys::default(),
            limits: Limits::new(now),
            outgoing: Outgoing::new(now),
            recent: Recent::default(),
            next_tracker: 0,
            next_conn: 0,
            stage: Stage::Open,
            stats: Stats::default(),
            out: VecDeque::new(),
            #[cfg(any(test, feature = "sim"))]
            silent: false,
            config,
            identity,
            random,
        };
        peer.open_trackers(now);
        Ok(peer)
    }

    /// The secret of a private swarm is ready: joins it. What the page said meanwhile was held.
    pub fn unlock(&mut self, secret: SwarmSecret, now: Instant) {
        (self.config.secret, self.config.locked) = (Some(secret.clone()), false);
        self.secret = secret;
        self.open_trackers(now);
    }

    fn open_trackers(&mut self, now: Instant) {
        for url in std::mem::take(&mut self.config.trackers) {
            self.add_tracker(&url, now);
        }
    }

    /// Takes in what the world did.
    pub fn handle(&mut self, input: Input, now: Instant) {
        match self.stage {
            Stage::Open => {}
            Stage::Closing { .. } if input.is_of_tracker() => return,
            Stage::Closing { .. } => {}
            Stage::Closed => return,
        }
        match input {
            Input::Timeout => self.handle_timeout(now),
            Input::Woke => self.handle_woke(now),
            Input::TrackerOpened(id) => self.handle_tracker_opened(id, now),
            Input::TrackerMessage(id, text) => self.handle_tracker_message(id, &text, now),
            Input::TrackerClosed(id, reason) => self.handle_tracker_closed(id, reason, now),
            Input::ConnDescribed(conn, sdp) => self.handle_described(conn, &sdp, now),
            Input::ConnCandidate(conn, text) => self.handle_candidate(conn, &text, now),
            Input::ConnGathered(conn) => self.handle_gathered(conn, now),
            Input::ConnOpened(conn) => self.handle_opened(conn, now),
            Input::ConnFrame(conn, bytes) => self.handle_frame(conn, &bytes.0, now),
            Input::ConnWritable(conn) => self.handle_writable(conn),
            Input::ConnInterrupted(conn) | Input::ConnResumed(conn) => self.handle_contact(conn, now),
            Input::ConnClosed(conn, reason) => self.handle_conn_closed(conn, &reason, now),
        }
        self.settle(now);
    }

    /// The next thing that the world must do; `None` when all is said.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Input::Timeout`] is due; `None` means never.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let seeking = match self.stage {
            Stage::Open => {
                let trackers = self.trackers.values().filter_map(Tracker::poll_timeout).min();
                let errand = self.errands.values().map(|errand| errand.again_at).min();
                soonest(soonest(trackers, errand), self.mesh.poll_timeout())
            }
            Stage::Closing { until } => Some(until),
            Stage::Closed => return None,
        };
        let links = self.conns.values().filter_map(|conn| conn.link.poll_timeout()).min();
        let parting = self.partings.first().map(|parting| parting.until);
        let links = soonest(soonest(links, parting), self.view.poll_timeout());
        let messages = soonest(self.broadcast.poll_timeout(), self.direct.poll_timeout());
        let messages = soonest(messages, self.outgoing.poll_timeout());
        soonest(seeking, soonest(links, messages))
    }

    /// Changes how many links this peer keeps; surplus links are handed over.
    pub fn set_max_peers(&mut self, max_peers: usize, now: Instant) -> Result<(), ConfigError> {
        let before = std::mem::replace(&mut self.config.max_peers, max_peers);
        self.config.validate().inspect_err(|_| self.config.max_peers = before)?;
        self.shed(now);
        self.view.touch(now);
        self.mesh.handle_change(now);
        self.settle(now);
        Ok(())
    }

    /// Changes the share of links that carry a broadcast onwards.
    pub fn set_coverage(&mut self, coverage: f64) -> Result<(), ConfigError> {
        let before = std::mem::replace(&mut self.config.coverage, coverage);
        self.config.validate().inspect_err(|_| self.config.coverage = before)?;
        Ok(())
    }

    /// Changes the longest time between two announces.
    pub fn set_announce_every(&mut self, every: Duration, now: Instant) {
        self.config.announce_every = every;
        for tracker in self.trackers.values_mut() {
            tracker.set_every(every, now);
        }
    }

    /// Adds a tracker by its WebSocket URL; one that is already there stays as it is.
    pub fn add_tracker(&mut self, url: &str, now: Instant) {
        let url = url.trim_end_matches('/');
        if self.stage != Stage::Open || self.config.trackers.iter().any(|known| known == url) {
            return;
        }
        self.config.trackers.push(url.to_owned());
        if self.config.locked {
            return;
        }
        let id = TrackerId(self.next_tracker);
        self.next_tracker += 1;
        let every = self.config.announce_every;
        let mut tracker =
            Tracker::new(id, url.to_owned(), self.secret.info_hash(), every, self.random.split());
        tracker.open(now, &mut self.out);
        self.report_tracker(tracker.status());
        self.trackers.insert(id, tracker);
        if self.neighbors.is_empty() {
            self.prepare_offers(now);
        }
        self.settle(now);
    }

    /// Takes leave of a tracker.
    pub fn remove_tracker(&mut self, url: &str, now: Instant) {
        let url = url.trim_end_matches('/');
        self.config.trackers.retain(|known| known != url);
        let out = &mut self.out;
        self.trackers.retain(|_, tracker| {
            let stays = tracker.url() != url;
            if !stays {
                tracker.close(out);
            }
            stays
        });
        self.settle(now);
    }

    /// The settings in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The swarm's identifier.
    pub fn swarm(&self) -> SwarmId {
        self.config.swarm
    }

    /// This peer's address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Every tracker and how it does.
    pub fn trackers(&self) -> Vec<TrackerStatus> {
        if self.config.locked {
            return self.config.trackers.iter().map(|url| TrackerStatus::waiting(url.clone())).collect();
        }
        self.trackers.values().map(Tracker::status).collect()
    }

    /// Makes this peer forward nothing that is not its own.
    #[cfg(any(test, feature = "sim"))]
    pub fn set_silent(&mut self, silent: bool) {
        self.silent = silent;
    }

    // Time.

    fn handle_timeout(&mut self, now: Instant) {
        self.beat(now);
        self.expire_partings(now);
        if self.stage == Stage::Open {
            for tracker in self.trackers.values_mut() {
                tracker.handle_timeout(now, &mut self.out);
            }
            self.expire_requests(now);
            self.repeat_errands(now);
        }
        self.publish_view(now);
        self.tick_messages(now);
    }

    fn handle_woke(&mut self, now: Instant) {
        for conn in self.conns.values_mut() {
            conn.link.probe(now, &mut self.out);
        }
        if self.stage != Stage::Open {
            return;
        }
        for tracker in self.trackers.values_mut() {
            tracker.hasten(now);
            tracker.handle_timeout(now, &mut self.out);
        }
        self.mesh.handle_change(now);
    }

    /// After every input: let the mesh plan, the trackers announce, and the machines' packets go.
    fn settle(&mut self, now: Instant) {
        if self.stage == Stage::Closed {
            return;
        }
        self.forget_handed_back(now);
        self.flush_messages(now);
        if self.stage != Stage::Open {
            return self.end_when_out(now);
        }
        if self.mesh.poll_timeout().is_some_and(|at| at <= now) {
            self.reconsider_waiting(now);
            self.plan(now);
            self.await_waiting();
        }
        self.limit_hand_overs(now);
        self.announce(now);
    }

    // What the machines are shown of each other.

    fn measured(&self) -> Vec<Measured> {
        let measure = |(address, conn): (&Address, &ConnId)| Measured {
            address: *address,
            rtt: self.conns.get(conn).and_then(|conn| conn.link.rtt()),
        };
        self.neighbors.iter().map(measure).collect()
    }

    fn known(&mut self) -> std::sync::Arc<[Known]> {
        if self.view.is_stale() {
            let measured = self.measured();
            self.view.refresh(&measured);
        }
        self.view.known()
    }

    fn surroundings(&mut self) -> Surroundings {
        let known = self.known();
        let links = self.neighbors.iter().filter_map(|(address, conn)| {
            let conn = self.conns.get(conn)?;
            let degree = self.view.degree_of(address);
            Some(Neighbor {
                address: *address,
                degree,
                chosen: conn.chosen,
                since: conn.since,
                rtt: conn.link.rtt(),
            })
        });
        let pending = self.conns.values().filter(|conn| !conn.link.is_active() && conn.holds_slot());
        let asking = self.conns.values().filter(|conn| !conn.link.is_taken() && !conn.is_spare());
        Surroundings {
            links: links.collect(),
            known,
            pending: pending.filter_map(|conn| conn.peer).collect(),
            max_peers: self.config.max_peers,
            free: self.free_slots(),
            asking: asking.count() as isize,
            lost: self.lost(),
        }
    }

    /// After this time an answer is lost, most likely.
    fn lost(&self) -> Duration {
        mesh::patient(mesh::LOST.max(self.pace()), self.config.max_peers)
    }

    /// How long the other end of an attempt may well need, if it is as busy as this one: an answer is a description, too,
    /// and more work than that.
    fn pace(&self) -> Duration {
        HOPEFUL_SLOW.min(self.describing * 3)
    }

    /// Slots that hold neither a link nor an attempt at one; below zero during a hand-over.
    fn free_slots(&self) -> isize {
        let taken = self.conns.values().filter(|conn| conn.holds_slot()).count();
        self.config.max_peers as isize - taken as isize
    }

    fn paths<'a>(&self, known: &'a [Known], to: Option<&Address>) -> Paths<'a> {
        Paths {
            me: self.address,
            known,
            max_peers: self.config.max_peers,
            learned: to.and_then(|to| self.broadcast.parent(to)),
        }
    }

    /// The link on one side of the ring: the closest one.
    fn ring_link(&self, side: Side) -> Option<Address> {
        side.next(&self.address, self.neighbors.keys()).copied()
    }

    /// The link on one side of the ring that a new one there must beat. With a slot free there is none: others may
    /// be dead without being missed yet, as when half of a swarm dies at once.
    fn bound(&self, side: Side) -> Option<Address> {
        self.ring_link(side).filter(|_| self.neighbors.len() >= self.config.max_peers)
    }

    fn with_spread<T>(&mut self, act: impl FnOnce(&mut Broadcast, Spread<'_>, &mut Random) -> T) -> T {
        let links: Vec<Address> = self.neighbors.keys().copied().collect();
        let ring = Side::BOTH.map(|side| self.ring_link(side));
        let spread =
            Spread { links: &links, ring, fanout: self.config.fanout(), max_peers: self.config.max_peers };
        act(&mut self.broadcast, spread, &mut self.random)
    }

    // Limits.

    /// The hash of a neighbor's proven key: what it is judged by, whatever address it claims.
    fn key_of(&self, neighbor: &Address) -> Option<Address> {
        match self.neighbors.get(neighbor) {
            Some(id) => self.conns.get(id)?.key(),
            None => self.partings.iter().find(|parting| parting.peer == *neighbor)?.key,
        }
    }

    /// Whether a neighbor may ask for work; what it may not is counted, and scored if no honest one would.
    fn allows_work(&mut self, from: Address, work: Work, now: Instant) -> bool {
        let Some(key) = self.key_of(&from) else { return false };
        let allowed = self.limits.allows_work(key, work, self.neighbors.len(), now);
        if allowed == Allowed::Abuse {
            self.blame(from, Fault::Flooded, "sent more than any honest peer would", now);
        }
        if allowed != Allowed::Yes {
            self.drop_because("neighbor above its rate");
        }
        allowed == Allowed::Yes
    }

    /// Scores a neighbor for what no honest one does; too much of it ends the link. `evidence` goes on from
    /// "the neighbor so-and-so".
    fn blame(&mut self, neighbor: Address, fault: Fault, evidence: &str, now: Instant) {
        let Some(key) = self.key_of(&neighbor) else { return };
        let banned = self.limits.blame(key, fault, now);
        if banned || fault != Fault::Flooded {
            let end = if banned { ": its link is closed, and refused for a while" } else { "" };
            let text = format!("the neighbor {neighbor} {evidence}{end}");
            self.warn(if banned { "ERR_NEIGHBOR_BANNED" } else { "ERR_NEIGHBOR" }, text);
        }
        if banned {
            self.drop_because("neighbor banned");
            self.unlink(neighbor, Some(Farewell::Refused), false, now);
        }
    }

    // Outputs.

    fn send_packet(&mut self, to: &Address, packet: Packet, of: Option<MessageId>) {
        #[cfg(any(test, feature = "sim"))]
        if self.silent && messages::is_others(&packet, &self.address) {
            return;
        }
        let mut out = std::mem::take(&mut self.out);
        let link = self.link_to(to, matches!(packet, Packet::Mesh(_)));
        // Nothing of others for one that does not take it.
        let sent =
            link.map(|link| (of.is_some() || !link.is_congested()).then(|| link.send(&packet, of, &mut out)));
        self.out = out;
        let Some(sent) = sent else { return };
        let Some(size) = sent else { return self.drop_because("neighbor too slow") };
        self.stats.count_out(&packet, size);
    }

    fn emit(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    fn report_tracker(&mut self, status: TrackerStatus) {
        self.emit(Event::Tracker(status));
    }

    fn warn(&mut self, code: &'static str, text: String) {
        self.emit(Event::Warning(Warning { code, text }));
    }

    /// Counts something of a remote that was dropped.
    fn drop_because(&mut self, cause: &'static str) {
        *self.stats.dropped.entry(cause).or_default() += 1;
    }

    fn draft(&mut self, to: Option<Address>, kind: super::message::Kind, payload: Vec<u8>) -> Draft {
        Draft {
            claimed: self.config.address.filter(|claimed| *claimed != self.identity.address()),
            to,
            kind,
            nonce: self.random.bytes(),
            payload: super::message::Payload(payload.into()),
        }
    }
}

#[cfg(test)]
mod tests;
