//! Requests for ring links that wait here until a slot is free or may be handed over.
//!
//! While a crowd joins, every third of them meets a peer whose slots are all promised to connections that are being
//! made, for a quarter of a second more. Turned away, it would come back half a second later, by the same way.

use std::time::Duration;

use super::{ReplyPath, Signalling};
use crate::proto::context::{Context, Effect};
use crate::proto::request::{Reason, Request};
use crate::proto::ring;
use crate::proto::time::Instant;

/// How long one waits. Its origin asks again after a second: see [`Neighborhood::lost`](crate::proto::neighborhood).
const PATIENCE: Duration = Duration::from_millis(700);
/// How many do, at most: two for each side.
pub(crate) const MAX_WAITING: usize = 4;

/// One such request, and where it came from.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) from: ReplyPath,
    pub(super) request: Request,
    pub(super) until: Instant,
    /// Its origin's signature was looked at, and holds.
    pub(super) proven: bool,
}

impl Signalling {
    /// A request for a link, from a neighbor or from a tracker.
    pub(super) fn handle_request(&mut self, from: ReplyPath, request: Request, cx: &mut Context<'_>) {
        self.route(Waiting { from, request, until: cx.now + PATIENCE, proven: false }, cx);
    }

    /// Lets a request that was turned away wait, if that may help it. What trackers brought is tried again anyway.
    pub(super) fn may_wait(&self, waiting: &Waiting, reason: Reason, cx: &Context<'_>) -> bool {
        let request = &waiting.request;
        matches!(reason, Reason::Busy | Reason::Full)
            && matches!(waiting.from, ReplyPath::Neighbor(_))
            && waiting.until > cx.now
            && self.waiting.len() < MAX_WAITING
            && request.goal.side().is_some()
            && cx.around.improves_ring(&request.origin)
    }

    pub(super) fn wait(&mut self, waiting: Waiting, cx: &mut Context<'_>) {
        self.waiting.push(waiting);
        self.await_waiting(cx);
    }

    /// Looks at those that wait once more: links have changed, or the time of one is over. One link is handed over at a
    /// time, so the nearest on the ring comes first: it would have to follow otherwise.
    pub(crate) fn reconsider_waiting(&mut self, cx: &mut Context<'_>) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|waiting| ring::distance(&cx.me.address, &waiting.request.origin));
        for waiting in waiting {
            self.route(waiting, cx);
        }
    }

    /// They are looked at when the mesh is: in time for the one that came first.
    pub(crate) fn await_waiting(&mut self, cx: &mut Context<'_>) {
        if let Some(first) = self.waiting.first() {
            cx.effects.push_back(Effect::LookAgain(first.until));
        }
    }
}
