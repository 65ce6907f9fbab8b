//! Why nobody is there, for who asks: what came of the attempts at connections, and what the browser gathered for them.
//!
//! Nothing but the page reads it, so whoever makes attempts fail moves nothing by it. It takes the last failures and a count
//! of each cause: who fails on purpose pushes the older ones out, at the price of a connection each.

use std::collections::VecDeque;

use super::id::Address;
use super::map::Map;
use super::sdp::{Candidate, CandidateKind};
use super::time::Instant;

/// Failures that are kept: enough for each cause to be among them, few enough to read.
const MAX_FAILURES: usize = 16;
/// What is kept of what a browser said of one, in bytes.
const MAX_DETAIL: usize = 160;
/// Failures of a kind before the page is told that something is wrong with this machine or its network: one or two may be
/// peers that left a moment ago, and whom the tracker still counts.
const TOO_MANY: u64 = 3;

/// Why an attempt came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The browser made no description, or no connection at all.
    Description,
    /// Nothing was gathered at which this peer could be reached.
    Candidates,
    /// ICE: no way from one to the other works.
    Ice,
    /// There is a way, and the data channel did not open on it.
    Channel,
    /// The channel opened, and the other side fell silent or hung up before it was admitted.
    Greeting,
    /// The other side did not prove that it is a member.
    Admission,
    /// The other side speaks another version.
    Version,
    /// Either side has no slot left.
    Full,
    /// This peer refused it, for what it did before; or it refused this peer.
    Banned,
}

/// One attempt that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When, in milliseconds since the UNIX epoch.
    pub at: u64,
    /// The other side, as far as it was known by then. Nothing proves it.
    pub peer: Option<Address>,
    /// Why.
    pub cause: Cause,
    /// What the browser or the link said.
    pub detail: String,
}

/// How many candidates of each kind were gathered for one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Candidates {
    /// Addresses of this machine.
    pub host: u32,
    /// ... behind a name that only its own network can resolve.
    pub mdns: u32,
    /// Its address as a STUN server saw it.
    pub srflx: u32,
    /// An address at a TURN server.
    pub relay: u32,
}

/// What the page must know, for nobody else can mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The browser makes no connections: what it said last.
    NoDescription(String),
    /// It finds no address at which this peer could be reached. `over`: and it has given up to look.
    NoCandidates {
        /// Whether it has given up.
        over: bool,
    },
    /// So many attempts failed, and none led to anybody.
    NoWay(u64),
}

/// What a peer remembers of its attempts.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    failures: VecDeque<Failure>,
    counts: Map<Cause, u64>,
    /// Since the last link, or the last time that the opposite was seen.
    since: Map<Cause, u64>,
    candidates: Option<Candidates>,
    /// What the page was told since.
    told: [bool; 4],
}

/// What a page may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempts {
    /// The last failures, the oldest first.
    pub failures: Vec<Failure>,
    /// How many there were of each cause.
    pub counts: Map<Cause, u64>,
    /// What was gathered last; `None`: nothing was asked for yet, or nothing came of it.
    pub candidates: Option<Candidates>,
}

impl Journal {
    /// An attempt came to nothing: what the page must know of it.
    pub(crate) fn failed(
        &mut self,
        cause: Cause,
        peer: Option<Address>,
        detail: &str,
        now: Instant,
    ) -> Option<Trouble> {
        if self.failures.len() >= MAX_FAILURES {
            self.failures.pop_front();
        }
        let end = (0..=MAX_DETAIL.min(detail.len())).rev().find(|&end| detail.is_char_boundary(end));
        let detail: String = detail[..end.unwrap_or_default()].into();
        *self.counts.entry(cause).or_default() += 1;
        let since = self.since.entry(cause).or_default();
        *since += 1;
        let since = *since;
        self.failures.push_back(Failure { at: now.as_millis(), peer, cause, detail: detail.clone() });
        match cause {
            // Several are begun at once, and one may just come in between.
            Cause::Description if since > 1 => self.tell(0, Trouble::NoDescription(detail)),
            Cause::Candidates => self.tell(2, Trouble::NoCandidates { over: true }),
            Cause::Ice if since >= TOO_MANY => self.tell(3, Trouble::NoWay(since)),
            _ => None,
        }
    }

    /// The browser gathered these for a connection, or nothing yet. `over`: and there is no more to come.
    pub(crate) fn gathered(&mut self, candidates: &[Candidate], over: bool) -> Option<Trouble> {
        let mut kinds = Candidates::default();
        for candidate in candidates {
            *match candidate.kind() {
                CandidateKind::Host if candidate.is_hidden() => &mut kinds.mdns,
                CandidateKind::Host => &mut kinds.host,
                CandidateKind::ServerReflexive | CandidateKind::PeerReflexive => &mut kinds.srflx,
                CandidateKind::Relay => &mut kinds.relay,
            } += 1;
        }
        self.since.remove(&Cause::Description);
        self.candidates = Some(kinds);
        if candidates.is_empty() {
            return self.tell(if over { 2 } else { 1 }, Trouble::NoCandidates { over });
        }
        self.since.remove(&Cause::Candidates);
        (self.told[1], self.told[2]) = (false, false);
        None
    }

    /// A link is there: what was wrong is not any more.
    pub(crate) fn linked(&mut self) {
        self.since = Map::new();
        self.told = Default::default();
    }

    pub(crate) fn attempts(&self) -> Attempts {
        Attempts {
            failures: self.failures.iter().cloned().collect(),
            counts: self.counts.clone(),
            candidates: self.candidates,
        }
    }

    fn tell(&mut self, which: usize, trouble: Trouble) -> Option<Trouble> {
        (!std::mem::replace(&mut self.told[which], true)).then_some(trouble)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Instant = Instant::from_millis(1000);

    fn fail(journal: &mut Journal, cause: Cause) -> Option<Trouble> {
        journal.failed(cause, None, "", T0)
    }

    fn candidate(text: &str) -> Candidate {
        Candidate::parse(&format!("candidate:1 1 udp 1 {text}")).expect("a candidate")
    }

    #[test]
    fn whoever_fails_without_end_fills_no_more_than_its_bound() {
        let mut journal = Journal::default();
        for _ in 0..1000 {
            journal.failed(Cause::Admission, Some(Address([7; 20])), &"é".repeat(1000), T0);
        }
        let Attempts { failures, counts, .. } = journal.attempts();
        assert_eq!((failures.len(), counts.get(&Cause::Admission)), (MAX_FAILURES, Some(&1000)));
        assert!(failures.iter().all(|failure| failure.detail.len() <= MAX_DETAIL));
    }

    #[test]
    fn the_page_is_told_once_when_no_way_leads_to_anybody_and_again_after_a_link() {
        let mut journal = Journal::default();
        let told =
            |journal: &mut Journal| (0..9).filter_map(|_| fail(journal, Cause::Ice)).collect::<Vec<_>>();
        assert_eq!(told(&mut journal), [Trouble::NoWay(TOO_MANY)]);
        journal.linked();
        assert_eq!(told(&mut journal), [Trouble::NoWay(TOO_MANY)]);
    }

    #[test]
    fn a_browser_that_makes_no_description_is_told_of_unless_the_next_one_comes() {
        let mut journal = Journal::default();
        assert_eq!(fail(&mut journal, Cause::Description), None);
        assert_eq!(journal.gathered(&[candidate("10.0.0.1 5000 typ host")], false), None);
        assert_eq!(fail(&mut journal, Cause::Description), None);
        let told = journal.failed(Cause::Description, None, "blocked", T0);
        assert_eq!(told, Some(Trouble::NoDescription("blocked".into())));
    }

    #[test]
    fn no_candidates_are_told_of_when_they_are_late_and_when_there_are_none_to_come() {
        let mut journal = Journal::default();
        let told = [false, false, true, true].map(|over| journal.gathered(&[], over));
        let both = [false, true].map(|over| Some(Trouble::NoCandidates { over }));
        assert_eq!(told, [both[0].clone(), None, both[1].clone(), None]);
        assert_eq!(fail(&mut journal, Cause::Candidates), None, "that was said");
    }

    #[test]
    fn the_kinds_of_candidates_are_told_apart() {
        let mut journal = Journal::default();
        let gathered = [
            "10.0.0.1 5000 typ host",
            "7c1e3d3a-1c2b-4f5e-8a9b-0c1d2e3f4a5b.local 5000 typ host",
            "8.8.8.8 5000 typ srflx",
            "8.8.4.4 5000 typ relay",
            "8.8.4.4 5001 typ relay",
        ];
        assert_eq!(journal.gathered(&gathered.map(candidate), true), None);
        let kinds = Candidates { host: 1, mdns: 1, srflx: 1, relay: 2 };
        assert_eq!(journal.attempts().candidates, Some(kinds));
    }
}
