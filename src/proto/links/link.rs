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
//! admission proof succeeds, a link accepts nothing but the proof. While it is active its two descriptions may be made
//! anew, for another path: see [`rounds`].

use std::collections::VecDeque;
use std::time::Duration;

use super::admission::{AdmissionError, Admitted, Binding, Confirm, Hello};
use crate::proto::holding::Holding;
use crate::proto::id::MessageId;
use crate::proto::identity::Identity;
use crate::proto::io::{ConnId, Output};
use crate::proto::journal::Cause;
use crate::proto::messaging::message::Header;
use crate::proto::random::Random;
use crate::proto::sdp::{Candidate, Description, MAX_CANDIDATES, SdpError};
use crate::proto::time::{Instant, soonest};

mod gathering;
mod greeting;
mod heart;
mod outbox;
mod rounds;
pub(crate) mod wire;

use gathering::Gathering;
pub(crate) use greeting::{Ahead, Linked, Member};
use greeting::{Awaits, Greeting};
#[cfg(any(test, feature = "sim"))]
pub(crate) use heart::SILENCE;
use heart::{Beat, Heart};
use outbox::Outbox;
use rounds::Rounds;
pub(crate) use wire::{Farewell, Packet};
use wire::{FrameError, Inbox, Piece, Read};

/// The browser makes a description in milliseconds; a page that was asleep, later.
const DESCRIBE: Duration = Duration::from_secs(8);
/// ICE and DTLS together. Two round trips on a good path, seconds when relays are tried.
const CONNECT: Duration = Duration::from_secs(10);
/// A connection that takes longer than this holds no slot any more: most likely its other side gave up and
/// could not say so. It may still come.
pub(crate) const HOPEFUL: Duration = Duration::from_millis(1000);
/// ... unless the one before with the same peer took longer, too, or those with others did: then the two are far apart,
/// or a page is slow, and attempts that follow each other too soon end each other.
pub(crate) const HOPEFUL_SLOW: Duration = Duration::from_millis(4000);
/// While two greet, each may be told so often that another run of its identity is there: by that one, what it answers, and
/// some more. Each costs a look at a proof, and who says it has proven nothing yet.
const HOLDS: u8 = 4;
/// The number of an answer that nobody asked for: the questions of a link begin with one.
const SIGN_OF_LIFE: u32 = 0;
/// Two packets each way, with room for a far peer and a slow page.
const GREET: Duration = Duration::from_secs(5);

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

/// Something on a link that its peer must know of.
#[derive(Debug)]
pub(crate) enum Happened {
    /// Our description is worth sending.
    Described,
    /// It takes longer than connections do.
    Late,
    /// Another candidate, after the description was sent.
    Candidate(Candidate),
    /// No candidate came so far, and one should have.
    Barren,
    /// A question had no answer: the path may be broken.
    Doubt,
    /// Our offer of another path had no answer so far.
    Unanswered,
    /// They said who they are; [`Link::confirm`] goes on.
    Hello(Hello),
    /// They proved it. `linked`: what each side said of other links.
    Proven(Admitted, Linked),
    /// A packet on an active link, or on one that is proven: then they keep it.
    Packet(Packet),
    /// A part of a packet that is not whole yet, or is left out.
    Part,
    /// ... and so much is here of one that carries a large message with this header.
    Coming(Box<Header>, usize),
    /// A packet that only a later version knows.
    Later,
    /// Another run of an identity says that it is here.
    Holds(Holding),
    /// The last word of the other side.
    Farewell(Farewell),
    /// Something no honest peer says.
    Violation(Violation),
    /// Nothing for the peer.
    Nothing,
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

/// One link.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) conn: ConnId,
    state: State,
    /// When a state that is not Active ends in failure.
    deadline: Option<Instant>,
    /// How long it may take to connect before it is late.
    pub(crate) patience: Duration,
    /// When a connection becomes late.
    hopeful_until: Option<Instant>,
    /// ICE has found a way to the other end.
    pub(crate) reached: bool,
    /// Our description.
    local: Gathering,
    /// Theirs, as the browser knows it.
    remote: Option<Description>,
    /// Candidates of theirs that cannot be reached from where we are, as far as our own show.
    withheld: Vec<Candidate>,
    /// From the descriptions to the admission.
    greeting: Option<Box<Greeting>>,
    /// Words that came ahead, and come once more on the channel.
    repeats: u8,
    /// Holds that may come yet before the admission.
    holds: u8,
    outbox: Outbox,
    inbox: Inbox,
    heart: Heart,
    /// Whether anything waits to go out that must not be lost for long.
    matters: bool,
    pub(super) rounds: Rounds,
    /// Messages that the neighbor has taken since the peer last asked.
    pub(crate) taken: Vec<MessageId>,
    /// Packets and fields of a later version that were ignored since the peer last asked.
    pub(crate) later: u32,
    /// ... and packets larger than what this peer takes.
    pub(crate) too_large: u32,
}

impl Link {
    fn new(conn: ConnId, state: State, now: Instant) -> Self {
        Self {
            conn,
            state,
            deadline: Some(now + DESCRIBE),
            patience: HOPEFUL,
            hopeful_until: None,
            reached: false,
            local: Gathering::default(),
            remote: None,
            withheld: Vec::new(),
            greeting: None,
            repeats: 0,
            holds: HOLDS,
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            heart: Heart::default(),
            matters: false,
            rounds: Rounds::default(),
            taken: Vec::new(),
            later: 0,
            too_large: 0,
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
        let mut link = Self::new(conn, State::Answering, now);
        out.push_back(Output::ConnAnswer(conn, link.set_remote(remote)));
        link
    }

    /// Takes their description, and gives what the browser is told of it.
    fn set_remote(&mut self, mut theirs: Description) -> String {
        self.withheld = std::mem::take(&mut theirs.candidates);
        self.local.sift(&mut self.withheld, &mut theirs);
        let sdp = theirs.to_sdp(None);
        self.remote = Some(theirs);
        sdp
    }

    /// Our description, once [`Happened::Described`].
    pub(crate) fn description(&self) -> Option<&Description> {
        self.local.description()
    }

    /// What our browser gathered so far, and whether that is all.
    pub(crate) fn gathered(&self) -> Option<(&[Candidate], bool)> {
        self.local.gathered()
    }

    /// What it means that the link ends where it stands; `None`: nothing, nobody had taken it up.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.state {
            State::Offering | State::Answering if self.local.gathered().is_none() => Some(Cause::Description),
            State::Offering | State::Answering => Some(Cause::Candidates),
            State::Connecting(_) if self.reached => Some(Cause::Channel),
            State::Connecting(_) => Some(Cause::Ice),
            State::Greeting(_) => Some(Cause::Greeting),
            State::Offered | State::Active | State::Closed => None,
        }
    }

    /// Whether our offer can still be handed to someone.
    pub(crate) fn is_offered(&self) -> bool {
        matches!(self.state, State::Offered)
    }

    pub(crate) fn is_active(&self) -> bool {
        matches!(self.state, State::Active)
    }

    /// Whether somebody took up the offer, or the link was offered to us.
    pub(crate) fn is_taken_up(&self) -> bool {
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
        self.heart.rtt()
    }

    pub(crate) fn handle_described(&mut self, sdp: &str, now: Instant) -> Result<Happened, SdpError> {
        if !matches!(self.state, State::Offering | State::Answering) && !self.rounds.are_describing() {
            return Ok(Happened::Nothing);
        }
        let complete = self.local.handle_described(sdp, now)?;
        Ok(if complete { self.finish_gathering(now) } else { Happened::Nothing })
    }

    /// Our browser has no servers to ask.
    pub(crate) fn handle_serverless(&mut self) {
        self.local.handle_serverless();
    }

    pub(crate) fn handle_candidate(&mut self, text: &str, now: Instant) -> Happened {
        self.local.handle_candidate(text, now).map_or(Happened::Nothing, Happened::Candidate)
    }

    pub(crate) fn handle_gathered(&mut self, now: Instant) -> Happened {
        if self.local.handle_gathered() { self.finish_gathering(now) } else { Happened::Nothing }
    }

    fn finish_gathering(&mut self, now: Instant) -> Happened {
        match self.state {
            State::Offering => self.state = State::Offered,
            State::Answering => self.connect(now),
            State::Active if self.rounds.handle_described(now) => {}
            State::Offered | State::Connecting(_) | State::Greeting(_) | State::Active | State::Closed => {
                return Happened::Nothing;
            }
        }
        self.local.finish();
        Happened::Described
    }

    /// Takes the answer to our offer; `false` when it is too late for one.
    pub(crate) fn accept(&mut self, answer: Description, now: Instant, out: &mut VecDeque<Output>) -> bool {
        if !self.is_offered() {
            return false;
        }
        out.push_back(Output::ConnAccept(self.conn, self.set_remote(answer)));
        self.connect(now);
        true
    }

    fn connect(&mut self, now: Instant) {
        self.state = State::Connecting(now);
        self.deadline = Some(now + CONNECT.max(self.patience));
        self.hopeful_until = Some(now + self.patience);
    }

    /// Whether a candidate of theirs that comes after their description is of use.
    pub(crate) fn takes(&self, candidate: &Candidate) -> bool {
        let Some(remote) = &self.remote else { return false };
        self.tries_candidates()
            && candidate.is_sound()
            && remote.candidates.len() + self.withheld.len() < MAX_CANDIDATES
            && !remote.candidates.contains(candidate)
            && !self.withheld.contains(candidate)
    }

    /// A candidate of theirs that came after their description.
    pub(crate) fn add_remote(&mut self, candidate: Candidate, out: &mut VecDeque<Output>) {
        if self.takes(&candidate) {
            self.withheld.push(candidate);
            self.release(out);
        }
    }

    /// What was withheld goes to the browser, as far as our candidates now show that we are there, too.
    pub(crate) fn release(&mut self, out: &mut VecDeque<Output>) {
        let tries = self.tries_candidates();
        let Some(remote) = self.remote.as_mut().filter(|_| tries) else { return };
        let told = remote.candidates.len();
        self.local.sift(&mut self.withheld, remote);
        let new = remote.candidates.iter().skip(told);
        out.extend(new.map(|candidate| Output::ConnCandidate(self.conn, candidate.to_text())));
    }

    /// Whether the browser looks for a way to the other end.
    fn tries_candidates(&self) -> bool {
        matches!(self.state, State::Answering | State::Connecting(_)) || self.rounds.are_agreeing()
    }

    /// Both descriptions are here: who we are, and our half of the membership proof.
    pub(crate) fn greet(&mut self, me: Member<'_>, random: &mut Random) -> Option<Hello> {
        let (Some(local), Some(remote), State::Connecting(_)) =
            (self.local.description(), &self.remote, &self.state)
        else {
            return None;
        };
        let greeting = self.greeting.get_or_insert_with(|| {
            let binding =
                Binding { local_fingerprint: &local.fingerprint, remote_fingerprint: &remote.fingerprint };
            Box::new(Greeting::new(me, binding, random))
        });
        Some(greeting.hello().clone())
    }

    /// Their Hello came with their answer: both of our words are for them.
    pub(crate) fn greet_back(
        &mut self,
        hello: Hello,
        me: Member<'_>,
        random: &mut Random,
    ) -> Option<(Hello, Confirm)> {
        let ours = self.greet(me, random)?;
        let confirm = self.greeting.as_mut()?.answer_ahead(hello, me.identity)?;
        Some((ours, confirm))
    }

    /// Both of their words came through the mesh; they wait for the channel.
    pub(crate) fn handle_greeted(&mut self, hello: Hello, confirm: Confirm) {
        if let (State::Connecting(_), Some(greeting)) = (&self.state, &mut self.greeting) {
            greeting.handle_ahead(hello, confirm);
        }
    }

    /// Whether words of theirs are here, ahead of the channel.
    pub(crate) fn is_greeted(&self) -> bool {
        self.greeting.as_ref().is_some_and(|greeting| greeting.is_ahead())
    }

    /// The channel is open: say who we are. What came ahead is for [`Link::confirm`] and
    /// [`Link::handle_confirm`].
    pub(crate) fn handle_opened(
        &mut self,
        me: Member<'_>,
        random: &mut Random,
        now: Instant,
    ) -> Option<Ahead> {
        let hello = self.greet(me, random)?;
        self.state = State::Greeting(now);
        self.deadline = Some(now + GREET);
        self.hopeful_until = None;
        self.heart.handle_heard(now);
        self.send(&Packet::Hello(hello), None);
        let ahead = self.greeting.as_mut()?.take_ahead()?;
        self.repeats = 1 + u8::from(ahead.confirm.is_some());
        Some(ahead)
    }

    /// A packet, or a part of one.
    pub(crate) fn handle_piece(&mut self, piece: Piece<'_>, max_packet: usize, now: Instant) -> Happened {
        self.heart.handle_heard(now);
        let limit = if self.is_active() { max_packet } else { wire::FRAME };
        let awaits = self.greeting.as_ref().filter(|_| self.is_greeting()).map(|greeting| greeting.awaits());
        let packet = match self.inbox.push(piece, limit) {
            Ok(Read::Packet { packet, more }) => {
                self.later += u32::from(more);
                packet
            }
            Ok(Read::Part) => return Happened::Part,
            Ok(Read::Coming(header, bytes)) if self.is_active() => return Happened::Coming(header, bytes),
            Ok(Read::Coming(..)) => return Happened::Part,
            Ok(Read::TooLarge) if self.is_active() => {
                self.too_large += 1;
                return Happened::Part;
            }
            Ok(Read::TooLarge) => return Happened::Violation(FrameError::Size.into()),
            Ok(Read::Later) if self.is_active() || awaits == Some(Awaits::Nothing) => {
                self.later += 1;
                return Happened::Later;
            }
            Ok(Read::Later) => return Happened::Violation(Violation::TooEarly),
            Err(error) => return Happened::Violation(error.into()),
        };
        match (&self.state, packet) {
            (State::Closed, _) => Happened::Nothing,
            (_, Packet::Close(farewell)) => Happened::Farewell(farewell),
            (_, Packet::Hello(hello)) if awaits == Some(Awaits::Hello) => Happened::Hello(hello),
            (_, Packet::Confirm { confirm, linked }) if awaits == Some(Awaits::Confirm) => {
                self.handle_confirm(&confirm, linked)
            }
            (_, Packet::Hello(_) | Packet::Confirm { .. }) => match self.repeats.checked_sub(1) {
                Some(left) => {
                    self.repeats = left;
                    Happened::Nothing
                }
                None => Happened::Violation(Violation::TooEarly),
            },
            (State::Greeting(_), Packet::Holds(holding)) => match self.holds.checked_sub(1) {
                Some(left) => {
                    self.holds = left;
                    Happened::Holds(holding)
                }
                None => Happened::Violation(Violation::TooEarly),
            },
            (State::Active, Packet::Dropped(stream)) => {
                self.inbox.drop_stream(stream);
                Happened::Part
            }
            (State::Active, packet) => {
                if packet.matters() {
                    self.heart.handle_matter(now);
                }
                Happened::Packet(packet)
            }
            (_, packet) if awaits == Some(Awaits::Nothing) => Happened::Packet(packet),
            _ => Happened::Violation(Violation::TooEarly),
        }
    }

    /// Takes their Hello; our proof is for [`send_confirm`](Self::send_confirm). `linked`: whether we have another link
    /// with them.
    pub(crate) fn confirm(
        &mut self,
        hello: &Hello,
        identity: &Identity,
        linked: bool,
    ) -> Result<(), Violation> {
        let greeting = self.greeting.as_mut().filter(|_| matches!(self.state, State::Greeting(_)));
        Ok(greeting.ok_or(Violation::TooEarly)?.confirm(hello, identity, linked)?)
    }

    /// Answers their Hello with our proof, if it has not gone yet: from here on they may take the link for one.
    pub(crate) fn send_confirm(&mut self) {
        let said = self.greeting.as_mut().and_then(|greeting| greeting.take_confirm());
        if let Some((confirm, linked)) = said {
            self.send(&Packet::Confirm { confirm, linked }, None);
        }
    }

    /// Their proof, after our [`confirm`](Self::confirm). `linked`: whether they have another link with us.
    pub(crate) fn handle_confirm(&mut self, confirm: &Confirm, linked: bool) -> Happened {
        let Some(greeting) = self.greeting.as_mut().filter(|greeting| greeting.awaits() != Awaits::Hello)
        else {
            return Happened::Nothing;
        };
        match greeting.finish(confirm, linked) {
            Ok((admitted, linked)) => Happened::Proven(admitted, linked),
            Err(error) => Happened::Violation(error.into()),
        }
    }

    /// Both are proven and there is room: from here on the link carries everything. `large_frames`: both take those.
    pub(crate) fn activate(&mut self, large_frames: bool, now: Instant) {
        self.state = State::Active;
        if large_frames {
            self.outbox.use_large_frames();
        }
        (self.greeting, self.deadline) = (None, None);
        self.heart.start(now);
    }

    /// Sends a packet, with the next [`flush`](Self::flush); its size in bytes.
    pub(crate) fn send(&mut self, packet: &Packet, of: Option<MessageId>) -> usize {
        self.matters |= packet.matters();
        self.outbox.push(packet, of)
    }

    /// Hands to the browser what was sent, as far as it keeps up.
    pub(crate) fn flush(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        if self.outbox.flush(self.conn, &mut self.taken, out) {
            self.heart.handle_said(std::mem::take(&mut self.matters), now);
        }
    }

    /// A message is taken back: no more of it goes.
    pub(crate) fn withdraw(&mut self, id: &MessageId) {
        self.outbox.withdraw(id);
    }

    /// How far large messages of the page's own have come since this was asked.
    pub(crate) fn take_moved(&mut self) -> Vec<(MessageId, usize)> {
        self.outbox.take_moved()
    }

    /// Whether the neighbor takes so long to read that no more should be queued for it.
    pub(crate) fn is_congested(&self) -> bool {
        self.outbox.is_congested()
    }

    pub(crate) fn handle_writable(&mut self) {
        self.outbox.handle_writable();
    }

    /// Asks whether the neighbor has what the page said lately, if that was much.
    pub(crate) fn ask_if_taken(&mut self) {
        if self.is_active() {
            self.outbox.ask_if_taken();
        }
    }

    /// Whether the neighbor has not taken all that the page said.
    pub(crate) fn owes(&self) -> bool {
        self.outbox.owes()
    }

    /// A sign of life with the number of a question.
    pub(crate) fn handle_pong(&mut self, number: u32, now: Instant) {
        self.outbox.handle_pong(number, &mut self.taken);
        self.heart.handle_pong(number, now);
        if !self.heart.is_in_doubt() {
            // It works: an offer of another path that was kept is of no use.
            drop(self.take_held());
        }
    }

    /// Asks for a sign of life now: ICE lost contact or found it again, or something tells that the path may be broken.
    pub(crate) fn ask_now(&mut self, now: Instant) {
        if self.is_active() {
            let number = self.heart.ask(now);
            self.send(&Packet::Ping(number), None);
        }
    }

    /// ... or the other end says so.
    pub(crate) fn ask_warned(&mut self, now: Instant) {
        if self.is_active() {
            let number = self.heart.ask_warned(now);
            if let Some(number) = number {
                self.send(&Packet::Ping(number), None);
            }
        }
    }

    /// ... or this peer was asleep.
    pub(crate) fn ask_awoken(&mut self, now: Instant) {
        if self.is_active() {
            let number = self.heart.ask_awoken(now);
            self.send(&Packet::Ping(number), None);
        }
    }

    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Result<Happened, Expired> {
        if self.deadline.is_some_and(|at| at <= now) {
            return Err(Expired::TooSlow);
        }
        if self.local.handle_timeout(now) {
            return Ok(self.finish_gathering(now));
        }
        self.rounds.expire(now);
        if self.rounds.repeats(now) {
            return Ok(Happened::Unanswered);
        }
        if self.local.is_barren() && !self.is_active() {
            return Ok(Happened::Barren);
        }
        if self.hopeful_until.take_if(|at| *at <= now).is_some() && matches!(self.state, State::Connecting(_))
        {
            return Ok(Happened::Late);
        }
        let beat = self.heart.handle_timeout(now);
        self.act(beat, now, out)
    }

    /// What the browser says of the transport, when it was asked.
    pub(crate) fn handle_transport(
        &mut self,
        heard: Option<Duration>,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Result<Happened, Expired> {
        let beat = self.heart.handle_transport(heard, now);
        self.act(beat, now, out)
    }

    fn act(&mut self, beat: Beat, now: Instant, out: &mut VecDeque<Output>) -> Result<Happened, Expired> {
        match beat {
            Beat::Nothing => {}
            Beat::Show => drop(self.send(&Packet::Pong(SIGN_OF_LIFE), None)),
            Beat::Ask => self.ask_now(now),
            Beat::Look => out.push_back(Output::ConnAskTransport(self.conn)),
            Beat::Doubt => return Ok(Happened::Doubt),
            Beat::Dead => return Err(Expired::Dead),
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
        let described = soonest(self.deadline, self.local.poll_timeout());
        let alive = soonest(self.heart.poll_timeout(), self.rounds.poll_timeout());
        soonest(soonest(described, self.hopeful_until), alive)
    }

    /// Ends the link, with a last word if the channel can carry one.
    pub(crate) fn close(&mut self, farewell: Option<Farewell>, out: &mut VecDeque<Output>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        if let (State::Greeting(_) | State::Active, Some(farewell)) = (&self.state, farewell) {
            self.send(&Packet::Close(farewell), None);
            self.outbox.flush(self.conn, &mut self.taken, out);
        }
        self.state = State::Closed;
        self.greeting = None;
        (self.deadline, self.hopeful_until) = (None, None);
        self.local.stop();
        self.heart.stop();
        self.rounds.stop();
        out.push_back(Output::ConnClose(self.conn));
    }
}

#[cfg(test)]
mod tests;
