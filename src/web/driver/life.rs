//! A swarm is joined, left for a while, joined again with other settings, and left for good.

use std::rc::Rc;

use wasm_bindgen::JsValue;

use super::{Driver, with};
use crate::proto::{Config, DeliveryFailure, Input, Peer, Stretch, SwarmSecret};
use crate::web::clock;
use crate::web::error::Error;
use crate::web::lifecycle::Moment;
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
        if self.secret.is_some() && config.swarm != self.peer(|peer| peer.swarm()) {
            (config.secret, config.locked) = (None, true);
        }
        self.leave();
        // A listener that heard of the leaving may have closed.
        if self.closed.get() {
            return Ok(());
        }
        let now = self.now();
        self.peer.replace(Peer::new(config, self.identity.clone(), options::random()?, now)?);
        if self.ready().ended() {
            self.ready.take();
        }
        self.unlock();
        self.run();
        Ok(())
    }

    /// Leaves the swarm for good, once what was handed over is out: at once if it is, and within two seconds in any
    /// case. Idempotent.
    pub(in crate::web) fn close(self: &Rc<Self>) {
        if self.closed.replace(true) {
            return;
        }
        self.ready().end(Err(Error::Closed));
        if self.away.get() {
            return self.end();
        }
        self.change(Peer::close);
    }

    /// Says goodbye at once, and drops every object of the browser.
    fn leave(&self) {
        let now = self.now();
        self.peer.borrow_mut().leave(now);
        self.perform_all();
        self.let_go();
    }

    /// This peer has left for good.
    pub(super) fn end(&self) {
        // Until here nothing else may hold it.
        let _kept = self.alive.take();
        drop(self.lifecycle.take());
        self.let_go();
        self.page.announce("close", &JsValue::UNDEFINED);
        self.page.clear();
    }

    fn let_go(&self) {
        self.inputs.take();
        drop((self.trackers.take_all(), self.conns.take_all(), self.alarm.take(), self.unlocking.take()));
        let ended = self.deliveries.take_all();
        ended.iter().for_each(|(_, outcome)| outcome.end(Err(DeliveryFailure::Closed.into())));
    }

    pub(super) fn page_life(self: &Rc<Self>, moment: Moment) {
        match moment {
            Moment::Leaving => {
                self.away.set(true);
                self.leave();
            }
            Moment::Restored if self.away.replace(false) => {
                self.rejoin(|_| ()).unwrap_or_else(|error| self.fail(&error.into()));
            }
            Moment::Restored | Moment::Woke => self.input(Input::Woke),
        }
    }
}
