//! One link, from the first description to the last word.
//!
//! ```text
//! Offering ──described──▶ Offered ──answer──▶ Connecting ──channel opens──▶ Greeting ──▶ Active
//! Answering ─described──────────────────────▶ Connecting      (Hello, Confirm)          (everything else)
//! ```
//!
//! The proofs need nothing but both descriptions. Those who arrange a link through the mesh send them ahead, each
//! with the next word that it has for the other one, and the link is active as soon as its channel is open.
//!
//! Every state but Active has a deadline, and Active has a heartbeat: no link waits for ever. Before the
//! admission proof succeeds, a link accepts nothing but the proof.

use std::collections::VecDeque;
use std::time::Duration;

use super::admission::{Admission, AdmissionError, Admitted, Binding, Confirm, Hello};
use super::id::{Address, MessageId};
use super::identity::Identity;
use super::io::{ConnId, Output};
use super::random::Random;
use super::sdp::{Candidate, Description, SdpError};
use super::secret::SwarmSecret;
use super::time::{Instant, soonest};

mod outbox;
pub(crate) mod wire;

use outbox::Outbox;
pub(crate) use wire::{Farewell, Packet};
use wire::{FrameError, Inbox};

/// The browser makes a description in milliseconds; a page that was asleep, later.
const DESCRIBE: Duration = Duration::from_secs(8);
/// How long candidates are collected before a description is sent. Host candidates come in milliseconds, a
/// STUN server's in one round trip; what comes later trickles after through the mesh.
const GATHER: Duration = Duration::from_millis(250);
/// ICE and DTLS together. Two round trips on a good path, seconds when relays are tried.
const CONNECT: Duration = Duration::from_secs(10);
/// A connection that takes longer than this holds no slot any more: most likely its other side gave up and
/// could not say so. It may still come.
pub(crate) const HOPEFUL: Duration = Duration::from_millis(1000);
/// ... unless the one before with the same peer took longer, too, or those with others did: then the two are far apart,
/// or a page is slow, and attempts that follow each other too soon end each other.
pub(crate) const HOPEFUL_SLOW: Duration = Duration::from_millis(4000);
/// Two packets each way, with room for a far peer and a slow page.
const GREET: Duration = Duration::from_secs(5);
/// A link that was silent this long is asked for a sign of life.
const IDLE: Duration = Duration::from_millis(1500);
/// ... and has this long to give one: a death is noticed within IDLE + ANSWER < 5 s.
const ANSWER: Duration = Duration::from_millis(3000);
/// A neighbor is silent no longer than this, or believed dead.
#[cfg(feature = "sim")]
pub(crate) const SILENCE: Duration = IDLE.saturating_add(ANSWER);
/// A timer that comes this late means that this peer slept, not the neighbor.
const SLEPT: Duration = Duration::from_secs(1);

/// How far a link has come.
#[derive(Debug)]
enum State {
    /// The browser is making our offer.
    Offering,
    /// Our offer is made; nobody has answered yet.
    Offered,
    /// The browser is making our answer.
    Answering,
    /// Both have both descriptions since then.
    Connecting(Instant),
    /// The channel is open since then; the proofs are exchanged.
    Greeting(Instant),
    /// Both are members.
    Active,
    /// Over.
    Closed,
}

/// What two members say to each other before anything else.
#[derive(Debug)]
struct Greeting {
    admission: Admission,
    /// Our answer to the Hello that came ahead.
    ready: Option<Confirm>,
    /// What came ahead of the channel.
    ahead: Option<Ahead>,
    /// Their Hello is here and our Confirm is out.
    confirmed: bool,
    /// Their Confirm is here and good: what is left is whether both keep the link.
    proven: bool,
    /// What we said of other links with them.
    linked: bool,
}

/// Words of a greeting that came through the mesh.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub(crate) hello: Hello,
    /// Theirs is here if ours was there.
    pub(crate) confirm: Option<Confirm>,
}

/// Something on a link that its peer must know of.
#[derive(Debug)]
pub(crate) enum Happened {
    /// Our description is worth sending.
    Described,
    /// It takes longer than connections do.
    Late,
    /// Another candidate, after the description was sent.
    Candidate(Candidate),
    /// They said who they are; [`Link::confirm`] goes on.
    Hello(Hello),
    /// They proved it. `linked`: what each side said of other links.
    Proven(Admitted, Linked),
    /// A packet on an active link, or on one that is proven: then they keep it.
    Packet(Packet),
    /// The last word of the other side.
    Farewell(Farewell),
    /// Something no honest peer says.
    Violation(Violation),
    /// Nothing for the peer.
    Nothing,
}

/// What the two ends of a new link said of other links between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) ours: bool,
    pub(crate) theirs: bool,
}

/// How a remote broke the rules of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("spoke before it was admitted")]
    TooEarly,
    #[error(transparent)]
    Admission(#[from] AdmissionError),
}

/// Why a link came to its end on our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expired {
    /// Never became active.
    TooSlow,
    /// No sign of life.
    Dead,
}

/// What this peer proves and says of itself on a new link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) secret: &'a SwarmSecret,
    pub(crate) identity: &'a Identity,
    pub(crate) instance: [u8; 16],
    /// The address it goes by.
    pub(crate) address: Address,
}

/// One link.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) conn: ConnId,
    state: State,
    /// When a state that is not Active ends in failure.
    deadline: Option<Instant>,
    /// When our description is sent although candidates may be missing.
    gather_by: Option<Instant>,
    /// All candidates are gathered. In Node that may be before there is a description.
    gathered: bool,
    /// How long it may take to connect before it is late.
    pub(crate) patience: Duration,
    /// When a connection becomes late.
    hopeful_until: Option<Instant>,
    described: bool,
    local: Option<Description>,
    remote: Option<Description>,
    /// From the descriptions to the admission.
    greeting: Option<Box<Greeting>>,
    /// Words that came ahead, and come once more on the channel.
    repeats: u8,
    outbox: Outbox,
    inbox: Inbox,
    heart: Heart,
    /// Messages that the neighbor has taken since the peer last asked.
    pub(crate) taken: Vec<MessageId>,
}

#[derive(Debug, Default)]
struct Heart {
    /// When anything came in last.
    heard_at: Instant,
    /// When we next act: ask, or give up.
    beat_at: Option<Instant>,
    /// The question under way: its number and when it was asked.
    asked: Option<(u32, Instant)>,
    next: u32,
    /// Smoothed round trip.
    rtt: Option<Duration>,
}

impl Link {
    fn new(conn: ConnId, state: State, now: Instant) -> Self {
        Self {
            conn,
            state,
            deadline: Some(now + DESCRIBE),
            gather_by: None,
            gathered: false,
            patience: HOPEFUL,
            hopeful_until: None,
            described: false,
            local: None,
            remote: None,
            greeting: None,
            repeats: 0,
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            heart: Heart::default(),
            taken: Vec::new(),
        }
    }

    /// A link that we offer.
    pub(crate) fn offer(conn: ConnId, now: Instant, out: &mut VecDeque<Output>) -> Self {
        out.push_back(Output::ConnOffer(conn));
        Self::new(conn, State::Offering, now)
    }

    /// A link that was offered to us.
    pub(crate) fn answer(
        conn: ConnId,
        remote: Description,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Self {
        out.push_back(Output::ConnAnswer(conn, remote.to_sdp(None)));
        Self { remote: Some(remote), ..Self::new(conn, State::Answering, now) }
    }

    /// Our description, once [`Happened::Described`].
    pub(crate) fn description(&self) -> Option<&Description> {
        self.local.as_ref().filter(|_| self.described)
    }

    /// Whether our offer can still be handed to someone.
    pub(crate) fn is_offered(&self) -> bool {
        matches!(self.state, State::Offered)
    }

    pub(crate) fn is_active(&self) -> bool {
        matches!(self.state, State::Active)
    }

    /// Whether somebody took up the offer, or the link was offered to us.
    pub(crate) fn is_taken(&self) -> bool {
        !matches!(self.state, State::Offering | State::Offered | State::Closed)
    }

    /// Whether it is likely to become a link.
    pub(crate) fn is_hopeful(&self) -> bool {
        !matches!(self.state, State::Connecting(_)) || self.hopeful_until.is_some()
    }

    /// Whether the proofs are being exchanged.
    pub(crate) fn is_greeting(&self) -> bool {
        matches!(self.state, State::Greeting(_))
    }

    /// Gives the offer this long to be answered.
    pub(crate) fn expire_offer(&mut self, at: Instant) {
        if matches!(self.state, State::Offering | State::Offered) {
            self.deadline = Some(at);
        }
    }

    /// When the two ends must have greeted each other, while they do.
    pub(crate) fn greets_until(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.is_greeting())
    }

    /// Gives the greeting, while it lasts, no longer than this.
    pub(crate) fn limit_greeting(&mut self, until: Instant) {
        if self.is_greeting() {
            self.deadline = self.deadline.map(|deadline| deadline.min(until));
        }
    }

    /// How long the two have been connecting, or greeting each other: with both words of theirs here, a greeting takes a
    /// round trip and a little more.
    pub(crate) fn attempt_age(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Connecting(since) | State::Greeting(since) => Some(now - since),
            _ => None,
        }
    }

    /// Smoothed round trip.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.heart.rtt
    }

    pub(crate) fn handle_described(&mut self, sdp: &str, now: Instant) -> Result<Happened, SdpError> {
        if self.local.is_some() || !matches!(self.state, State::Offering | State::Answering) {
            return Ok(Happened::Nothing);
        }
        self.local = Some(Description::parse(sdp)?);
        if self.gathered {
            return Ok(self.finish_gathering(now));
        }
        self.gather_by = Some(now + GATHER);
        Ok(Happened::Nothing)
    }

    pub(crate) fn handle_candidate(&mut self, text: &str) -> Happened {
        let (Some(local), Some(candidate)) = (&mut self.local, Candidate::parse(text)) else {
            return Happened::Nothing;
        };
        if local.add(candidate.clone()) && self.described {
            Happened::Candidate(candidate)
        } else {
            Happened::Nothing
        }
    }

    pub(crate) fn handle_gathered(&mut self, now: Instant) -> Happened {
        self.gathered = true;
        if self.local.is_some() { self.finish_gathering(now) } else { Happened::Nothing }
    }

    fn finish_gathering(&mut self, now: Instant) -> Happened {
        self.gather_by = None;
        match self.state {
            State::Offering => {
                self.state = State::Offered;
                self.described = true;
                Happened::Described
            }
            State::Answering => {
                self.connect(now);
                self.described = true;
                Happened::Described
            }
            State::Offered | State::Connecting(_) | State::Greeting(_) | State::Active | State::Closed => {
                Happened::Nothing
            }
        }
    }

    /// Takes the answer to our offer; `false` when it is too late for one.
    pub(crate) fn accept(&mut self, answer: Description, now: Instant, out: &mut VecDeque<Output>) -> bool {
        if !self.is_offered() {
            return false;
        }
        out.push_back(Output::ConnAccept(self.conn, answer.to_sdp(None)));
        self.remote = Some(answer);
        self.connect(now);
        true
    }

    fn connect(&mut self, now: Instant) {
        self.state = State::Connecting(now);
        self.deadline = Some(now + CONNECT);
        self.hopeful_until = Some(now + self.patience);
    }

    /// A candidate of theirs that came after their description.
    pub(crate) fn add_remote(&mut self, candidate: Candidate, out: &mut VecDeque<Output>) {
        let Some(remote) = &mut self.remote else { return };
        if matches!(self.state, State::Answering | State::Connecting(_)) && remote.add(candidate.clone()) {
            out.push_back(Output::ConnCandidate(self.conn, candidate.to_text()));
        }
    }

    /// Both descriptions are here: who we are, and our half of the membership proof.
    pub(crate) fn greet(&mut self, me: Member<'_>, random: &mut Random) -> Option<Hello> {
        let (Some(local), Some(remote), State::Connecting(_)) = (&self.local, &self.remote, &self.state)
        else {
            return None;
        };
        if self.greeting.is_none() {
            let binding =
                Binding { local_fingerprint: &local.fingerprint, remote_fingerprint: &remote.fingerprint };
            let claimed = Some(me.address).filter(|address| *address != me.identity.address());
            let (admission, _) =
                Admission::new(me.secret, me.identity, me.instance, claimed, binding, random);
            let (ready, ahead, confirmed, proven, linked) = (None, None, false, false, false);
            let greeting = Greeting { admission, ready, ahead, confirmed, proven, linked };
            self.greeting = Some(Box::new(greeting));
        }
        self.greeting.as_ref().map(|greeting| greeting.admission.hello().clone())
    }

    /// Their Hello came with their answer: both of our words are for them.
    pub(crate) fn greet_back(
        &mut self,
        hello: Hello,
        me: Member<'_>,
        random: &mut Random,
    ) -> Option<(Hello, Confirm)> {
        let ours = self.greet(me, random)?;
        let greeting = self.greeting.as_mut()?;
        let confirm = greeting.admission.receive(&hello, me.identity).ok()?;
        greeting.ready = Some(confirm.clone());
        greeting.ahead = Some(Ahead { hello, confirm: None });
        Some((ours, confirm))
    }

    /// Both of their words came through the mesh; they wait for the channel.
    pub(crate) fn handle_greeted(&mut self, hello: Hello, confirm: Confirm) {
        if let (State::Connecting(_), Some(greeting)) = (&self.state, &mut self.greeting) {
            greeting.ahead = Some(Ahead { hello, confirm: Some(confirm) });
        }
    }

    /// Whether words of theirs are here, ahead of the channel.
    pub(crate) fn is_greeted(&self) -> bool {
        self.greeting.as_ref().is_some_and(|greeting| greeting.ahead.is_some())
    }

    /// The channel is open: say who we are. What came ahead is for [`Link::confirm`] and
    /// [`Link::handle_confirm`].
    pub(crate) fn handle_opened(
        &mut self,
        me: Member<'_>,
        random: &mut Random,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Option<Ahead> {
        let hello = self.greet(me, random)?;
        self.state = State::Greeting(now);
        self.deadline = Some(now + GREET);
        self.hopeful_until = None;
        self.heart.heard_at = now;
        self.send(&Packet::Hello(hello), None, out);
        let ahead = self.greeting.as_mut()?.ahead.take()?;
        self.repeats = 1 + u8::from(ahead.confirm.is_some());
        Some(ahead)
    }

    pub(crate) fn handle_frame(&mut self, frame: &[u8], max_packet: usize, now: Instant) -> Happened {
        self.heart.heard_at = now;
        if self.is_active() && self.heart.rtt.is_some() {
            // Whatever they say is a sign of life, an answer or not.
            self.heart.beat_at = Some(now + IDLE);
        }
        let limit = if self.is_active() { max_packet } else { wire::FRAME };
        let packet = match self.inbox.push(frame, limit) {
            Ok(Some(packet)) => packet,
            Ok(None) => return Happened::Nothing,
            Err(error) => return Happened::Violation(error.into()),
        };
        let greeting = self.greeting.as_ref().filter(|_| matches!(self.state, State::Greeting(_)));
        let (confirmed, proven) =
            greeting.map_or((false, false), |greeting| (greeting.confirmed, greeting.proven));
        match (&self.state, packet) {
            (State::Closed, _) => Happened::Nothing,
            (_, Packet::Close(farewell)) => Happened::Farewell(farewell),
            (State::Greeting(_), Packet::Hello(hello)) if !confirmed => Happened::Hello(hello),
            (State::Greeting(_), Packet::Confirm { confirm, linked }) if confirmed && !proven => {
                self.handle_confirm(&confirm, linked)
            }
            (_, Packet::Hello(_) | Packet::Confirm { .. }) => match self.repeats.checked_sub(1) {
                Some(left) => {
                    self.repeats = left;
                    Happened::Nothing
                }
                None => Happened::Violation(Violation::TooEarly),
            },
            (State::Active, packet) => Happened::Packet(packet),
            (_, packet) if proven => Happened::Packet(packet),
            _ => Happened::Violation(Violation::TooEarly),
        }
    }

    /// Answers their Hello with our proof. `linked`: whether we have another link with them.
    pub(crate) fn confirm(
        &mut self,
        hello: &Hello,
        identity: &Identity,
        linked: bool,
        out: &mut VecDeque<Output>,
    ) -> Result<(), Violation> {
        let greeting = self.greeting.as_mut().filter(|_| matches!(self.state, State::Greeting(_)));
        let greeting = greeting.ok_or(Violation::TooEarly)?;
        let confirm = match greeting.ready.take() {
            Some(ready) => ready,
            None => greeting.admission.receive(hello, identity)?,
        };
        (greeting.confirmed, greeting.linked) = (true, linked);
        self.send(&Packet::Confirm { confirm, linked }, None, out);
        Ok(())
    }

    /// Their proof, after our [`confirm`](Self::confirm). `linked`: whether they have another link with us.
    pub(crate) fn handle_confirm(&mut self, confirm: &Confirm, linked: bool) -> Happened {
        let Some(greeting) = self.greeting.as_mut().filter(|greeting| greeting.confirmed) else {
            return Happened::Nothing;
        };
        match greeting.admission.finish(confirm) {
            Ok(admitted) => {
                greeting.proven = true;
                Happened::Proven(admitted, Linked { ours: greeting.linked, theirs: linked })
            }
            Err(error) => Happened::Violation(error.into()),
        }
    }

    /// Both are proven and there is room: from here on the link carries everything.
    pub(crate) fn activate(&mut self, now: Instant) {
        self.state = State::Active;
        (self.greeting, self.deadline) = (None, None);
        // The first question at once: the mesh wants to know the round trip.
        self.heart.beat_at = Some(now);
    }

    /// Sends a packet; its size in bytes.
    pub(crate) fn send(
        &mut self,
        packet: &Packet,
        of: Option<MessageId>,
        out: &mut VecDeque<Output>,
    ) -> usize {
        self.outbox.push(self.conn, packet, of, &mut self.taken, out)
    }

    /// Whether the neighbor takes so long to read that no more should be queued for it.
    pub(crate) fn is_congested(&self) -> bool {
        self.outbox.is_congested()
    }

    pub(crate) fn handle_writable(&mut self, out: &mut VecDeque<Output>) {
        self.outbox.handle_writable(self.conn, &mut self.taken, out);
    }

    /// Asks whether the neighbor has what the page said lately, if that was much.
    pub(crate) fn prove(&mut self, out: &mut VecDeque<Output>) {
        if self.is_active() {
            self.outbox.prove(self.conn, &mut self.taken, out);
        }
    }

    /// Whether the neighbor has not taken all that the page said.
    pub(crate) fn owes(&self) -> bool {
        self.outbox.owes()
    }

    /// A sign of life with the number of a question.
    pub(crate) fn handle_pong(&mut self, number: u32, now: Instant) {
        self.outbox.handle_answer(number, &mut self.taken);
        if let Some((_, at)) = self.heart.asked.take_if(|(asked, _)| *asked == number) {
            let sample = now - at;
            self.heart.rtt =
                Some(self.heart.rtt.map_or(sample, |rtt| rtt.mul_f64(0.8) + sample.mul_f64(0.2)));
            self.heart.beat_at = Some(now + IDLE);
        }
    }

    /// Asks for a sign of life now: ICE lost contact, or this peer was asleep.
    pub(crate) fn probe(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        if self.is_active() {
            self.ask(now, out);
        }
    }

    fn ask(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        self.heart.next = self.heart.next.wrapping_add(1);
        let number = self.heart.next;
        self.heart.asked = Some((number, now));
        self.heart.beat_at = Some(now + ANSWER);
        self.send(&Packet::Ping(number), None, out);
    }

    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Result<Happened, Expired> {
        if self.deadline.is_some_and(|at| at <= now) {
            return Err(Expired::TooSlow);
        }
        if self.gather_by.is_some_and(|at| at <= now) {
            // Without a single candidate nobody could reach us; wait for one, up to the deadline.
            if self.local.as_ref().is_some_and(|local| !local.candidates.is_empty()) {
                return Ok(self.finish_gathering(now));
            }
            self.gather_by = Some(now + GATHER);
        }
        if self.hopeful_until.take_if(|at| *at <= now).is_some() && matches!(self.state, State::Connecting(_))
        {
            return Ok(Happened::Late);
        }
        if let Some(at) = self.heart.beat_at.filter(|&at| at <= now && self.is_active()) {
            let silent = self.heart.asked.is_some_and(|(_, asked)| self.heart.heard_at <= asked);
            match self.heart.asked {
                // The timer itself came late: we slept, and their answer may be waiting behind it.
                Some(_) if silent && now - at < SLEPT => return Err(Expired::Dead),
                Some(_) => self.ask(now, out),
                None => {
                    let idle_until = self.heart.heard_at + IDLE;
                    if idle_until <= now || self.heart.rtt.is_none() {
                        self.ask(now, out);
                    } else {
                        self.heart.beat_at = Some(idle_until);
                    }
                }
            }
        }
        Ok(Happened::Nothing)
    }

    /// How much it holds: streams coming in, their bytes, and bytes that wait to go out.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 3] {
        let [streams, bytes] = self.inbox.sizes();
        [streams, bytes, self.outbox.queued()]
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        soonest(soonest(self.deadline, self.hopeful_until), soonest(self.gather_by, self.heart.beat_at))
    }

    /// Ends the link, with a last word if the channel can carry one.
    pub(crate) fn close(&mut self, farewell: Option<Farewell>, out: &mut VecDeque<Output>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        if let (State::Greeting(_) | State::Active, Some(farewell)) = (&self.state, farewell) {
            self.send(&Packet::Close(farewell), None, out);
        }
        self.state = State::Closed;
        self.greeting = None;
        (self.deadline, self.hopeful_until) = (None, None);
        (self.gather_by, self.heart.beat_at) = (None, None);
        out.push_back(Output::ConnClose(self.conn));
    }
}

#[cfg(test)]
mod tests;
