//! A swarm is joined, left for a while, joined again with other settings, and left for good.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::{Driver, with};
use crate::proto::{
    Config, DeliveryFailure, Event, Input, Instant, Output, Peer, Stretch, SwarmSecret, Waiting,
};
use crate::web::clock;
use crate::web::error::Error;
use crate::web::lifecycle::Moment;
use crate::web::notice::Notice;
use crate::web::options;
use crate::web::steps::Steps;

impl Driver {
    /// Stretches the secret of a locked peer, a slice at a time, and lets the peer join.
    pub(super) fn unlock(self: &Rc<Self>) {
        let Some(secret) = self.secret.clone().filter(|_| self.peer(|peer| peer.config().locked)) else {
            return;
        };
        let (this, swarm) = (Rc::downgrade(self), self.peer(|peer| peer.swarm()));
        let mut stretch = None;
        self.unlocking.replace(Some(Steps::go_on(move || {
            let begun = stretch.get_or_insert_with(|| Stretch::new(&secret, swarm));
            let Some(stretched) = clock::briefly(|| begun.step(Stretch::SLICE)) else { return true };
            // Its memory is large.
            stretch = None;
            with(&this, |driver| {
                driver.change(|peer, now| peer.unlock(SwarmSecret::private(swarm, &stretched), now));
            });
            false
        })));
    }

    /// Leaves the swarm and joins with other settings.
    pub(in crate::web) fn rejoin(self: &Rc<Self>, change: impl FnOnce(&mut Config)) -> Result<(), Error> {
        let mut config = self.peer(|peer| peer.config().clone());
        change(&mut config);
        let other = config.swarm != self.peer(|peer| peer.swarm());
        if other {
            config.secret = None;
            self.tenure.begin_anew();
        }
        self.renew(config)?;
        if other {
            self.begin()
        } else {
            self.join()
        }
        Ok(())
    }

    /// Says goodbye at once, drops every object of the browser, and begins anew with a peer that joins nothing yet. What has
    /// not gone yet in the same swarm is for that one, and so is what a listener that hears of the goodbye says.
    pub(super) fn renew(&self, config: Config) -> Result<(), Error> {
        let now = self.now();
        let config = Config { locked: true, ..config };
        let same = config.swarm == self.peer(|peer| peer.swarm());
        let mut fresh = Peer::new(config, self.tenure.identity(), options::random()?, now)?;
        fresh.set_presence(self.presence(), now);
        let mut old = self.peer.replace(fresh);
        if same {
            self.hand_on(old.take_waiting(), now);
        }
        if self.ready().ended() {
            self.ready.take();
        }
        old.leave(now);
        while let Some(output) = old.poll_output() {
            if output != Output::Event(Event::Closed) {
                self.perform(output);
            }
        }
        self.let_go();
        Ok(())
    }

    /// What another peer has not said is for this one to say.
    fn hand_on(&self, waiting: Vec<Waiting>, now: Instant) {
        for waiting in waiting {
            let Some(sending) = self.deliveries.take(waiting.id) else { continue };
            match self.peer(|peer| peer.say(waiting, now)) {
                Ok(id) => {
                    sending.id.set(id);
                    self.deliveries.insert(id, sending);
                }
                // To this peer itself, as it is called now.
                Err(_) => sending.outcome.end(Err(DeliveryFailure::Unreachable.into())),
            }
        }
    }

    /// Joins, unless the page is away, a listener closed, or another page may have the identity.
    pub(super) fn join(self: &Rc<Self>) {
        if self.away.get() || self.closed.get() || self.tenure.is_waiting() {
            return;
        }
        if self.secret.is_some() && self.peer(|peer| peer.config().secret.is_none()) {
            self.unlock();
        } else {
            let now = self.now();
            self.peer(|peer| peer.open(now));
        }
        self.run();
    }

    /// Leaves the swarm for good, once what was handed over is out: at once if it is, and within two seconds in any
    /// case. Idempotent.
    pub(in crate::web) fn close(self: &Rc<Self>) {
        if self.closed.replace(true) {
            return;
        }
        self.ready().end(Err(Error::Closed));
        if self.away.get() {
            // There is nobody to whom anything could get out.
            return self.change(Peer::leave);
        }
        self.change(Peer::close);
    }

    /// This peer has left for good.
    pub(super) fn end(&self) {
        // Until here nothing else may hold it.
        let _kept = self.alive.take();
        drop((self.lifecycle.take(), self.policy.take()));
        self.tenure.end();
        self.let_go();
        let ended = self.deliveries.take_all();
        ended.iter().for_each(|(_, sending)| sending.outcome.end(Err(DeliveryFailure::Closed.into())));
        self.end_requests();
        self.answer_diagnoses();
        self.channels.take().iter().for_each(|ear| ear.close());
        self.page.announce("close", &JsValue::UNDEFINED);
        self.page.clear();
    }

    fn let_go(&self) {
        self.inputs.take();
        drop((self.trackers.take_all(), self.conns.take_all(), self.alarm.take(), self.unlocking.take()));
        drop(self.tabs.take());
    }

    pub(super) fn page_life(self: &Rc<Self>, moment: Moment) {
        match moment {
            Moment::Leaving { for_good } => self.go_away(for_good),
            Moment::Restored if self.away.replace(false) => self.begin(),
            Moment::Restored | Moment::Woke => self.input(Input::Woke),
        }
    }

    /// Says goodbye while the page still can: its connections do not outlive it. What it says from here on waits until it
    /// is back, or is refused if it goes for good.
    fn go_away(self: &Rc<Self>, for_good: bool) {
        if for_good || self.closed.get() {
            self.closed.set(true);
            self.ready().end(Err(Error::Closed));
            return self.change(Peer::leave);
        }
        if self.away.replace(true) {
            return;
        }
        let config = self.peer(|peer| peer.config().clone());
        self.tenure.begin_anew();
        if self.renew(config).is_err() {
            let text = "there is no crypto.getRandomValues here any more: this page takes part no more";
            self.announce(&Notice::error("ERR_UNSUPPORTED", text.into()));
        }
    }
}
