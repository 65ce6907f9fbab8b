//! Endpoints of others that this peer had its browser try of late.
//!
//! Requests and keys are free, and any number of them can name one endpoint, which need not be that of a peer. So an
//! endpoint is tried a few times and then left alone for a while. A connection is charged to all endpoints that its
//! remote names as soon as the browser hears of them, for many can be under way at once; it takes its own charge back when
//! its channel opens, and no other: which of them led to the peer cannot be seen, and who is one may name others beside
//! its own. Browsers have a port for each connection and a new name for each page, so of an honest peer an endpoint is
//! named again only while one of its offers goes round, or where it keeps one port for all, as a server may.

use std::time::Duration;

use crate::proto::place::Endpoint;
use crate::proto::sdp::Candidate;
use crate::proto::time::Instant;

/// Attempts at one endpoint that opened no channel ...
const TRIES: usize = 4;
/// ... in this time. An attempt sends checks for ten seconds at most (`CONNECT`). Guesses, both: an offer that goes
/// round for its 50 seconds is answered by one peer once, or a second time when the answer was lost.
const WINDOW: Duration = Duration::from_secs(60);
/// Charges that are remembered; the oldest is forgotten first. To have one forgotten before its time takes as many others,
/// and each attempt makes twelve at most: that is 341 attempts of ours for four more at one endpoint. Where attempts hold
/// their slots it takes as long as the window; those that are taken back at once are as short as they are many. To be full
/// is no reason to refuse: then whoever fills it would keep all out.
const MAX_CHARGES: usize = 4096;

/// What was tried of late, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Targets(Vec<(Instant, Endpoint)>);

impl Targets {
    /// Whether a connection that has tried these endpoints may have the browser look there, too, and once; then it is one
    /// of them.
    pub(super) fn try_at(&mut self, candidate: &Candidate, tried: &mut Vec<Endpoint>, now: Instant) -> bool {
        let Some((at, _)) = candidate.endpoint() else { return false };
        let may = !tried.contains(&at) && self.charge(at, now);
        if may {
            tried.push(at);
        }
        may
    }

    /// Whether an endpoint may be tried now; then it counts as tried.
    fn charge(&mut self, at: Endpoint, now: Instant) -> bool {
        self.0.retain(|(since, _)| now - *since < WINDOW);
        let may = self.0.iter().filter(|(_, tried)| *tried == at).count() < TRIES;
        if may {
            if self.0.len() >= MAX_CHARGES {
                self.0.remove(0);
            }
            self.0.push((now, at));
        }
        may
    }

    /// An attempt at it opened a channel.
    pub(super) fn refund(&mut self, at: Endpoint) {
        if let Some(last) = self.0.iter().rposition(|(_, tried)| *tried == at) {
            self.0.remove(last);
        }
    }

    /// How many charges are remembered.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Instant = Instant::from_millis(1_000_000);

    fn endpoint(n: u32) -> Endpoint {
        let [a, b, c, d] = n.to_be_bytes();
        Endpoint::read(&format!("2a01::{a:x}{b:02x}:{c:x}{d:02x}"), 5000).expect("a peer may be there").0
    }

    #[test]
    fn an_endpoint_is_tried_a_few_times_and_then_left_alone_for_a_while() {
        let mut targets = Targets::default();
        let tried = (0..100).filter(|_| targets.charge(endpoint(1), T0)).count();
        assert_eq!(tried, TRIES);
        assert!(targets.charge(endpoint(2), T0), "another one");
        assert!(!targets.charge(endpoint(1), T0 + (WINDOW - Duration::from_millis(1))));
        assert!(targets.charge(endpoint(1), T0 + WINDOW));
    }

    #[test]
    fn an_attempt_that_opens_its_channel_takes_back_its_own_charge_and_no_other() {
        let mut targets = Targets::default();
        for _ in 1..TRIES {
            assert!(targets.charge(endpoint(1), T0));
        }
        for _ in 0..100 {
            assert!(targets.charge(endpoint(1), T0));
            targets.refund(endpoint(1));
        }
        assert!(targets.charge(endpoint(1), T0) && !targets.charge(endpoint(1), T0));
        targets.refund(endpoint(2));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_gives_way() {
        let mut targets = Targets::default();
        let most = MAX_CHARGES as u32;
        for n in 0..most {
            assert!(targets.charge(endpoint(n), T0 + Duration::from_millis(n.into())));
        }
        let later = T0 + Duration::from_secs(5);
        assert!(targets.charge(endpoint(most), later));
        let remembered = |n| targets.0.iter().any(|(_, at)| *at == endpoint(n));
        assert!(targets.len() == MAX_CHARGES && !remembered(0) && remembered(1) && remembered(most));
        // All that is out of its window goes at once.
        assert!(targets.charge(endpoint(most + 1), later + WINDOW));
        assert_eq!(targets.len(), 1);
    }
}
