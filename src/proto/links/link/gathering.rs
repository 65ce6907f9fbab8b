//! Our own description of a link, while the browser gathers its candidates.

use std::time::Duration;

use crate::proto::place::Zone;
use crate::proto::sdp::{Candidate, CandidateKind, Description, SdpError};
use crate::proto::time::Instant;

/// How long candidates are collected before a description is sent. Host candidates come in milliseconds, a
/// STUN server's in one round trip; what comes later trickles after through the mesh.
pub(super) const GATHER: Duration = Duration::from_millis(250);
/// ... once the best of them are there, and no more come: the machine's own come within milliseconds of each other, and
/// after a server's nothing better comes. Browsers say that they have all a tenth of a second later, or ten seconds, where
/// a server is dead.
const QUIET: Duration = Duration::from_millis(25);
/// ... where it is urgent, for a link that has no path.
const URGENT: Duration = Duration::from_millis(50);
/// ... and looked for in vain before the page may know: a second and a half.
const BARREN: u32 = 6;

/// Our description, and whether it is worth sending.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    description: Option<Description>,
    /// When it is sent although candidates may be missing.
    by: Option<Instant>,
    /// All candidates are gathered. In Node that may be before there is a description.
    complete: bool,
    finished: bool,
    urgent: bool,
    /// There are no servers to ask: all candidates are of the machine itself.
    serverless: bool,
    /// How often it was looked for a candidate in vain.
    waits: u32,
}

impl Gathering {
    /// For a link that has no path: little is waited for.
    pub(super) fn urgent() -> Self {
        Self { urgent: true, ..Self::default() }
    }

    fn pause(&self) -> Duration {
        if self.urgent { URGENT } else { GATHER }
    }

    /// There are no servers to ask.
    pub(super) fn handle_serverless(&mut self) {
        self.serverless = true;
    }

    /// The best candidates are there, or the only ones: no more than a moment is waited for others.
    fn hasten(&mut self, now: Instant) {
        let best = |candidate: &Candidate| self.serverless || candidate.kind() != CandidateKind::Host;
        if self.description.as_ref().is_some_and(|own| own.candidates.iter().any(best)) {
            self.by = self.by.map(|by| by.min(now + QUIET));
        }
    }

    /// What was gathered so far, once there is a description.
    pub(super) fn gathered(&self) -> Option<(&[Candidate], bool)> {
        self.description.as_ref().map(|own| (&own.candidates[..], self.complete))
    }

    /// Whether a candidate should have come by now: those of the machine itself come in milliseconds.
    pub(super) fn is_barren(&self) -> bool {
        self.waits == BARREN
    }

    /// Our description, once it is worth sending.
    pub(super) fn description(&self) -> Option<&Description> {
        self.description.as_ref().filter(|_| self.finished)
    }

    /// Puts into their description what of their candidates can be reached from here.
    pub(super) fn sift(&self, withheld: &mut Vec<Candidate>, theirs: &mut Description) {
        let mut at = 0;
        while let Some(candidate) = withheld.get(at) {
            if self.reaches(candidate) {
                theirs.candidates.push(withheld.remove(at));
            } else {
                at += 1;
            }
        }
    }

    /// What is no farther away than our own machine or wire can be reached if our own candidates are there, too.
    fn reaches(&self, theirs: &Candidate) -> bool {
        let zone = |candidate: &Candidate| candidate.endpoint().map(|(_, zone)| zone);
        match zone(theirs) {
            None => false,
            Some(Zone::Open) => true,
            near => {
                let own = self.description.as_ref();
                own.is_some_and(|own| own.candidates.iter().any(|own| zone(own) == near))
            }
        }
    }

    /// The browser has made the description, once; whether it has all candidates.
    pub(super) fn handle_described(&mut self, sdp: &str, now: Instant) -> Result<bool, SdpError> {
        if self.description.is_some() {
            return Ok(false);
        }
        self.description = Some(Description::parse(sdp)?);
        if !self.complete {
            self.by = Some(now + self.pause());
            self.hasten(now);
        }
        Ok(self.complete)
    }

    /// Another candidate, if it comes too late for the description.
    pub(super) fn handle_candidate(&mut self, text: &str, now: Instant) -> Option<Candidate> {
        let candidate = Candidate::parse(text)?;
        let added = self.description.as_mut()?.add(candidate.clone());
        self.hasten(now);
        (added && self.finished).then_some(candidate)
    }

    /// There are no more candidates; whether there is a description.
    pub(super) fn handle_gathered(&mut self) -> bool {
        self.complete = true;
        self.description.is_some()
    }

    /// The description is worth sending.
    pub(super) fn finish(&mut self) {
        self.finished = true;
        self.stop();
    }

    pub(super) fn stop(&mut self) {
        self.by = None;
    }

    /// Whether the description is sent with the candidates that it has.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        if self.by.is_none_or(|at| at > now) {
            return false;
        }
        // Without a single candidate nobody could reach us; wait for one, up to the deadline.
        let reachable = self.description.as_ref().is_some_and(|own| !own.candidates.is_empty());
        if !reachable {
            self.by = Some(now + self.pause());
            self.waits += 1;
        }
        reachable
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.by
    }
}
