//! `diagnose()`: waits until there is something to say, but not for long.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use js_sys::Promise;

use super::{Driver, with};
use crate::web::diagnosis::{self, Findings};
use crate::web::outcome::Outcome;

/// No peer that is there takes longer to be met, and nobody who asks waits longer.
const PATIENCE_MS: u32 = 8_000;

/// Who waits for a diagnosis, until then at the latest.
pub(super) struct Waiting {
    outcome: Rc<Outcome>,
    _until: Timeout,
}

impl Driver {
    pub(in crate::web) fn diagnose(self: &Rc<Self>) -> Promise {
        let outcome = Rc::<Outcome>::default();
        let promise = outcome.promise();
        let this = Rc::downgrade(self);
        let until = Timeout::new(PATIENCE_MS, move || with(&this, |driver| driver.answer(|_| true)));
        self.diagnoses.borrow_mut().push(Waiting { outcome, _until: until });
        self.answer_diagnoses();
        promise
    }

    /// Answers who waits for a diagnosis, if there is nothing to wait for any more.
    pub(super) fn answer_diagnoses(&self) {
        if !self.diagnoses.borrow().is_empty() {
            self.answer(|driver| {
                driver.closed.get() || driver.away.get() || !driver.peer(|peer| peer.is_searching())
            });
        }
    }

    fn answer(&self, is_due: impl FnOnce(&Self) -> bool) {
        if is_due(self) {
            let waiting = self.diagnoses.take();
            let findings = self.findings();
            waiting.iter().for_each(|waiting| waiting.outcome.end(Ok(diagnosis::shown(&findings))));
        }
    }

    fn findings(&self) -> Findings<'_> {
        let refused: Vec<_> = {
            let policy = self.policy.borrow();
            let urls = self.peer(|peer| peer.trackers()).into_iter().map(|tracker| tracker.url);
            urls.filter(|url| policy.as_ref().is_some_and(|policy| policy.refuses(url))).collect()
        };
        let webrtc_refused = self.policy.borrow().as_ref().is_some_and(|policy| policy.refuses_webrtc());
        self.peer(|peer| Findings {
            closed: self.closed.get(),
            locked: peer.config().locked && !self.away.get(),
            private: self.secret.is_some(),
            neighbors: peer.link_count(),
            known: peer.known_peers().len(),
            trackers: peer.trackers(),
            attempts: peer.attempts(),
            clock_shift: peer.clock_shift(),
            refused,
            webrtc_refused,
            config: self.rtc_config.facts(),
            refusals: self.rtc.refusals.borrow().clone(),
        })
    }
}
