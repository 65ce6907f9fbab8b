//! How far a link is with getting another path: see [`restart`](crate::proto::restart).
//!
//! ```text
//! the lower address:  in doubt ──▶ Offering ──described──▶ Offered ──answer──▶ Agreed
//! the other one:      in doubt ──▶ Asked ──offer──▶ Answering ──described──▶ Agreed
//! ```
//!
//! Always the same end offers, so no two offers meet. An end that has an answer on the link takes no offer: it holds it, asks,
//! and takes it if it has none by when it is in doubt itself. So nothing that others held back or told again, and nothing
//! that the other end says, changes a link that works.

use std::collections::VecDeque;
use std::time::Duration;

use super::Link;
use super::gathering::Gathering;
use crate::proto::io::Output;
use crate::proto::sdp::{Candidate, Description};
use crate::proto::time::{Instant, soonest};

/// Without an answer by then a round has come to nothing; so has the link, most likely.
const ROUND: Duration = Duration::from_millis(3500);
/// An offer that had no answer by then is said once more.
const REPEAT: Duration = Duration::from_millis(500);
/// A link whose ends agreed on another path has so much time to show that there is one. SCTP sends what is under way again
/// 2.8 s after it was lost, and then after 6; Chromium stays for 2.5 s with the path that it has, and so may miss the first.
const AGREED: Duration = Duration::from_millis(6500);
/// ... and only then another round may begin. Later: who never answers is dead by then.
const PAUSE: Duration = Duration::from_millis(7000);

/// How far a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// There is none.
    #[default]
    None,
    /// The other end was asked for an offer.
    Asked,
    /// The browser is making our offer.
    Offering,
    /// It went out.
    Offered,
    /// The browser is making our answer.
    Answering,
    /// Both have both descriptions.
    Agreed,
}

/// The rounds of one link.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    stage: Stage,
    /// When the stage ends.
    until: Option<Instant>,
    /// The last one whose offer was made here, or taken.
    last: u32,
    /// The last one whose answer was taken.
    answered: u32,
    /// An offer that waits until this end is in doubt itself.
    held: Option<Box<Description>>,
    held_round: u32,
    /// When our offer is said once more, unless its answer comes before.
    repeat_at: Option<Instant>,
}

impl Rounds {
    /// Whether the browser is making a description.
    pub(super) fn are_describing(&self) -> bool {
        matches!(self.stage, Stage::Offering | Stage::Answering)
    }

    /// Whether the other end's description is there.
    pub(super) fn are_agreeing(&self) -> bool {
        matches!(self.stage, Stage::Answering | Stage::Agreed)
    }

    /// Whether our description of this round is out, or is being made.
    pub(crate) fn are_open(&self) -> bool {
        self.are_describing() || matches!(self.stage, Stage::Offered | Stage::Agreed)
    }

    /// Whether there is one, if only asked for.
    pub(crate) fn are_begun(&self) -> bool {
        self.stage != Stage::None
    }

    /// Whether another one may begin.
    fn are_over(&self) -> bool {
        matches!(self.stage, Stage::None | Stage::Asked)
    }

    /// The number of the round that is under way, or is asked for.
    pub(crate) fn number(&self) -> u32 {
        if self.are_open() { self.last } else { self.last.saturating_add(1) }
    }

    /// Whether this peer made the offer.
    pub(crate) fn are_offered(&self) -> bool {
        self.stage == Stage::Offered
    }

    /// Our description is worth sending; `false`: nobody wants one.
    pub(super) fn handle_described(&mut self, now: Instant) -> bool {
        self.stage = match self.stage {
            Stage::Offering => {
                self.repeat_at = Some(now + REPEAT);
                Stage::Offered
            }
            Stage::Answering => Stage::Agreed,
            Stage::None | Stage::Asked | Stage::Offered | Stage::Agreed => return false,
        };
        true
    }

    fn enter(&mut self, stage: Stage, time: Duration, now: Instant) {
        (self.stage, self.until, self.held, self.repeat_at) = (stage, Some(now + time), None, None);
    }

    /// Whether our offer is to be said once more: its way round may have had another broken link in it.
    pub(super) fn repeats(&mut self, now: Instant) -> bool {
        self.repeat_at.take_if(|at| *at <= now).is_some()
    }

    pub(super) fn expire(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            self.stop();
        }
    }

    pub(super) fn stop(&mut self) {
        (self.stage, self.until, self.held, self.repeat_at) = (Stage::None, None, None, None);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        soonest(self.until, self.repeat_at)
    }
}

impl Link {
    /// Whether no answer came where one should have, and nothing is done about it yet.
    pub(crate) fn wants_path(&self) -> bool {
        self.is_active() && self.rtt().is_some() && self.heart.is_in_doubt() && self.rounds.are_over()
    }

    /// Whether no answer came where one should have.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.is_active() && self.heart.is_in_doubt()
    }

    /// The browser says that there is no path any more.
    pub(crate) fn doubt(&mut self) {
        self.heart.doubt();
    }

    /// Begins a round.
    pub(crate) fn reoffer(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        self.rounds.last = self.rounds.last.saturating_add(1);
        self.rounds.enter(Stage::Offering, ROUND, now);
        self.local = Gathering::urgent();
        out.push_back(Output::ConnReoffer(self.conn));
    }

    /// Waits for the other end to begin one.
    pub(crate) fn await_offer(&mut self, now: Instant) {
        self.rounds.enter(Stage::Asked, ROUND, now);
    }

    /// Its other end says something of a round that is not over, so it lives, or did when it said that.
    pub(crate) fn handle_heard_round(&mut self, round: u32) {
        if round >= self.rounds.number() {
            self.heart.handle_alive();
        }
    }

    /// Whether this end may be asked for an offer of this round.
    pub(crate) fn is_asked_for(&self, round: u32) -> bool {
        round > self.rounds.answered
    }

    /// Whether an offer or answer is one, and of the end that was admitted.
    fn is_theirs(&self, theirs: &Description) -> bool {
        let admitted = self.remote.as_ref().map(|remote| remote.fingerprint);
        theirs.is_sound() && admitted == Some(theirs.fingerprint)
    }

    /// Whether an offer is theirs and of a new round, and there is none under way.
    pub(crate) fn has_use_for(&self, round: u32, offer: &Description) -> bool {
        round > self.rounds.last && self.rounds.are_over() && self.is_theirs(offer)
    }

    /// Keeps it for [`take_held`](Self::take_held).
    pub(crate) fn hold(&mut self, round: u32, offer: Box<Description>, now: Instant) {
        (self.rounds.held, self.rounds.held_round) = (Some(offer), round);
        self.rounds.until = Some(now + ROUND);
    }

    /// Another candidate of the end whose offer is kept.
    pub(crate) fn hold_candidate(&mut self, round: u32, candidate: &Candidate) {
        let held = self.rounds.held.as_mut().filter(|_| self.rounds.held_round == round);
        if let Some(held) = held.filter(|_| candidate.is_sound()) {
            held.add(candidate.clone());
        }
    }

    /// The offer that was kept, if there is one.
    pub(crate) fn take_held(&mut self) -> Option<Box<Description>> {
        self.rounds.held.take()
    }

    /// Answers it.
    pub(crate) fn reanswer(&mut self, offer: Description, now: Instant, out: &mut VecDeque<Output>) {
        self.rounds.last = self.rounds.held_round;
        self.agree(Stage::Answering, now);
        self.local = Gathering::urgent();
        out.push_back(Output::ConnReanswer(self.conn, self.set_remote(offer)));
    }

    /// Whether this is the answer to our offer.
    pub(crate) fn awaits_answer(&self, round: u32, answer: &Description) -> bool {
        self.rounds.are_offered() && self.rounds.last == round && self.is_theirs(answer)
    }

    /// Takes it.
    pub(crate) fn reaccept(&mut self, answer: Description, now: Instant, out: &mut VecDeque<Output>) {
        self.rounds.answered = self.rounds.last;
        self.agree(Stage::Agreed, now);
        out.push_back(Output::ConnAccept(self.conn, self.set_remote(answer)));
    }

    /// Their description shows that they live.
    fn agree(&mut self, stage: Stage, now: Instant) {
        self.rounds.enter(stage, PAUSE, now);
        self.heart.spare(AGREED, now);
    }

    /// Nothing comes of it.
    pub(crate) fn end_round(&mut self) {
        self.rounds.stop();
        self.local.stop();
    }
}
