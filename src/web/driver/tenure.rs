//! Whose address it is: one identity may be in several pages, and one of them goes by it.
//!
//! Pages of one browser agree by a [`Claim`] before they join. Pages of several browsers are told by the swarm: who was there
//! first and answers stays. The other one goes by an identity of its own until the address is free.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::{Driver, with};
use crate::proto::Identity;
use crate::web::claim::Claim;
use crate::web::error::Error;
use crate::web::notice::Notice;
use crate::web::options;
use crate::web::snapshot;
use crate::web::timer::Alarm;

/// A page that is being reloaded gives its claim up within this time.
const RELOADED: Duration = Duration::from_millis(300);
/// After this time it is asked whether the address is free: the first time, and at most. Each time that it was not after all,
/// the links were given up for nothing.
const PAUSE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(600));

/// The identity of a page.
pub(super) struct Tenure {
    /// What it was given, which others may have been given, too.
    wanted: Option<Identity>,
    /// What it goes by.
    current: RefCell<Identity>,
    claim: RefCell<Option<Claim>>,
    /// Rings when the claim takes too long to join by it.
    patience: RefCell<Option<Alarm>>,
    /// How often others had the address.
    lost: Cell<u32>,
}

impl Tenure {
    pub(super) fn new(identity: Identity, given: bool) -> Self {
        Self {
            wanted: given.then(|| identity.clone()),
            current: RefCell::new(identity),
            claim: RefCell::default(),
            patience: RefCell::default(),
            lost: Cell::default(),
        }
    }

    pub(super) fn identity(&self) -> Identity {
        self.current.borrow().clone()
    }

    /// Whether another page of this browser may go by it.
    pub(super) fn is_waiting(&self) -> bool {
        self.patience.borrow().is_some()
    }

    /// Goes by what it was given, whoever else may: the swarm is another, or the page was away.
    pub(super) fn begin_anew(&self) {
        self.end();
        if let Some(wanted) = &self.wanted {
            self.current.replace(wanted.clone());
        }
    }

    /// Leaves it to others.
    pub(super) fn end(&self) {
        drop((self.claim.take(), self.patience.take()));
    }
}

impl Driver {
    /// Joins as soon as no other page of this browser has the identity that this one was given.
    pub(super) fn begin(self: &Rc<Self>) {
        if self.away.get() || self.closed.get() {
            return;
        }
        let tenure = &self.tenure;
        let Some(wanted) = &tenure.wanted else { return self.join() };
        let name = format!("easypeers {} {}", self.peer(|peer| peer.swarm()), wanted.address());
        let this = Rc::downgrade(self);
        let Some(claim) = Claim::of(&name, move || with(&this, Driver::handle_claimed)) else {
            return self.join();
        };
        tenure.claim.replace(Some(claim));
        let (this, now) = (Rc::downgrade(self), self.now());
        let patience = Alarm::set(now + RELOADED, now, move || {
            with(&this, |driver| {
                drop(driver.tenure.patience.take());
                driver.give_way("in this browser");
            });
        });
        tenure.patience.replace(Some(patience));
    }

    /// No other page of this browser has it, or has it any more.
    fn handle_claimed(self: &Rc<Self>) {
        match self.tenure.patience.take() {
            Some(_) => self.join(),
            None => self.take_back(),
        }
    }

    /// Goes by another identity: somebody else has this one, and had it first.
    fn give_way(self: &Rc<Self>, at: &str) {
        let before = self.tenure.identity().address();
        let moved = options::fresh_identity().and_then(|identity| self.go_by(identity));
        let told = match moved {
            Ok(()) => {
                let now = self.tenure.identity().address();
                let text = format!(
                    "another page {at} has the address {before}: this one goes by {now} until it is free"
                );
                Notice::warning("ERR_ADDRESS_IN_USE", text)
            }
            Err(_) => no_chance(),
        };
        (self.tell)(told);
    }

    /// The swarm says that another page has the address.
    pub(super) fn handle_address_in_use(self: &Rc<Self>) {
        let Tenure { wanted, current, lost, .. } = &self.tenure;
        let current = current.borrow().address();
        self.give_way("in this swarm");
        // One that was drawn by chance is not worth the wait.
        if let Some(wanted) = wanted.as_ref().filter(|wanted| wanted.address() == current) {
            let pause = PAUSE.1.min(PAUSE.0 * (1 << lost.get().min(6)));
            lost.set(lost.get() + 1);
            self.change(|peer, now| peer.stand_by(wanted.address(), pause, now));
        }
    }

    /// The address is free, as far as anybody can tell.
    pub(super) fn take_back(self: &Rc<Self>) {
        let Some(wanted) = self.tenure.wanted.clone() else { return };
        if wanted.address() != self.tenure.identity().address() && !self.closed.get() {
            self.go_by(wanted).unwrap_or_else(|_| (self.tell)(no_chance()));
        }
    }

    fn go_by(self: &Rc<Self>, identity: Identity) -> Result<(), Error> {
        self.tenure.current.replace(identity);
        let config = self.peer(|peer| peer.config().clone());
        self.renew(config)?;
        self.page.announce("address", &snapshot::hex(&self.peer(|peer| peer.address())));
        self.join();
        Ok(())
    }
}

fn no_chance() -> Notice {
    Notice::error("ERR_UNSUPPORTED", "there is no crypto.getRandomValues here any more".into())
}
