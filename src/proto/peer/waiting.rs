//! Requests for ring links that wait here until a slot is free or may be handed over.
//!
//! While a crowd joins, every third of them meets a peer whose slots are all promised to connections that are being
//! made, for a quarter of a second more. Turned away, it would come back half a second later, by the same way.

use std::time::Duration;

use super::Peer;
use crate::proto::mesh::{Back, Request};
use crate::proto::time::Instant;

/// How long one waits. Its origin asks again after a second: see [`LOST`](crate::proto::mesh::LOST).
const PATIENCE: Duration = Duration::from_millis(700);
/// How many do, at most: two for each side.
pub(super) const MAX_WAITING: usize = 4;

/// One such request, and where it came from.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) back: Back,
    pub(super) request: Request,
    pub(super) until: Instant,
}

impl Peer {
    /// A request for a link, from a neighbor or from a tracker.
    pub(super) fn handle_request(&mut self, back: Back, request: Request, now: Instant) {
        self.consider(Waiting { back, request, until: now + PATIENCE }, now);
    }

    /// Looks at those that wait once more: links have changed, or the time of one is over.
    pub(super) fn reconsider_waiting(&mut self, now: Instant) {
        for waiting in std::mem::take(&mut self.waiting) {
            self.consider(waiting, now);
        }
    }

    /// They are looked at when the mesh is: in time for the one that came first.
    pub(super) fn await_waiting(&mut self) {
        if let Some(first) = self.waiting.first() {
            self.mesh.handle_change(first.until);
        }
    }
}
