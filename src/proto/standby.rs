//! Waits for an address that another page of the same identity holds, until that page is gone.
//!
//! It asks the mesh now and then who is there. Whoever answers falsely keeps this peer at its other address, where it takes
//! part all the same, or has it ask the holder once more: the pauses between two attempts are its owner's to choose.

use std::time::Duration;

use super::context::{Context, Effect};
use super::id::Address;
use super::io::Event;
use super::neighborhood::closest;
use super::request::{Goal, Plan};
use super::ring::Known;
use super::time::Instant;

/// Nobody there, so often in a row: a request may be lost.
const MISSES: u32 = 2;
/// Pause before it asks again, after a miss or the end of a link.
const AGAIN: Duration = Duration::from_secs(1);

/// The address that is waited for, if one is.
#[derive(Debug, Default)]
pub(crate) struct Standby(Option<Wanted>);

#[derive(Debug)]
struct Wanted {
    address: Address,
    pause: Duration,
    at: Instant,
    missed: u32,
}

impl Standby {
    pub(crate) fn begin(&mut self, address: Address, pause: Duration, now: Instant) {
        self.0 = Some(Wanted { address, pause, at: now + pause, missed: 0 });
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.0.as_ref().map(|wanted| wanted.at)
    }

    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        let Some(wanted) = self.0.as_mut().filter(|wanted| wanted.at <= cx.now) else { return };
        let address = wanted.address;
        wanted.at = cx.now + wanted.pause;
        if cx.around.is_link(&address) {
            wanted.missed = 0;
            return;
        }
        match closest(cx.around.known.iter(), &address) {
            Some(&Known { via, .. }) => {
                let (goal, aim) = (Goal::Exact(address), Some(address));
                cx.effects.push_back(Effect::Ask(Plan { goal, via, probe: true, aim, replaces: None }));
            }
            None => self.handle_missed(&address, cx),
        }
    }

    /// Somebody is there.
    pub(crate) fn handle_found(&mut self, goal: Goal, now: Instant) {
        if let Some(wanted) = self.0.as_mut().filter(|wanted| goal == Goal::Exact(wanted.address)) {
            (wanted.missed, wanted.at) = (0, now + wanted.pause);
        }
    }

    /// Nobody was found there.
    pub(crate) fn handle_missed(&mut self, address: &Address, cx: &mut Context<'_>) {
        let Some(wanted) = self.0.as_mut().filter(|wanted| wanted.address == *address) else { return };
        (wanted.missed, wanted.at) = (wanted.missed + 1, cx.now + AGAIN);
        if wanted.missed >= MISSES {
            self.0 = None;
            cx.emit(Event::AddressFree);
        }
    }

    /// The link with a peer is gone.
    pub(crate) fn handle_unlinked(&mut self, peer: &Address, now: Instant) {
        if let Some(wanted) = self.0.as_mut().filter(|wanted| wanted.address == *peer) {
            wanted.at = now + AGAIN;
        }
    }
}
