//! Strangers' offers: a tracker hands them to a member by chance, and they travel from here to the member that should take
//! them up.

use std::time::Duration;

use super::{MAX_HOPS, ReplyPath, Signalling};
use crate::proto::context::{Context, Stranger};
use crate::proto::offer::Offer;
use crate::proto::request::{Goal, OfferOrigin, Reason, Request, RequestId};
use crate::proto::ring;
use crate::proto::time::Instant;

/// A stranger's offer is brought into the mesh a second time, this long after a refusal. More often would find ever more
/// acceptors for an offer that is taken.
const AGAIN: Duration = Duration::from_millis(300);
/// Strangers whose offers are remembered at once.
pub(crate) const MAX_INTRODUCTIONS: usize = 64;

/// A stranger's offer on its way through the mesh.
#[derive(Debug)]
pub(super) struct Introduction {
    back: ReplyPath,
    pub(super) request: Request,
    /// When it is repeated once it is refused, and when in any case.
    refused_at: Instant,
    pub(super) again_at: Instant,
}

impl Signalling {
    /// Somebody's offer reached us by chance: it travels to the member that should take it up.
    pub(crate) fn introduce(&mut self, stranger: Stranger, cx: &mut Context<'_>) {
        let Stranger { tracker, mark, from, offer, envelope } = stranger;
        let Some(signature) = envelope.signature else { return cx.drop_because("tracker offer") };
        let (me, origin) = (cx.me.address, envelope.from);
        let goal = match envelope.role {
            0 => Goal::Successor,
            1 => Goal::Predecessor,
            // In need: here, or at the nearest peer with a free slot, or by splitting an edge here.
            2 => Goal::Point(me),
            _ if cx.around.free > 0 => Goal::Point(me),
            _ => {
                // Log-uniform around the origin: its long links should cover all scales.
                let scale = ring::any_scale(&me, &cx.around.known, cx.random);
                Goal::Point(ring::around(&origin, scale, cx.random))
            }
        };
        let request = Request {
            id: RequestId::of_offer(&offer, cx.random.bytes()),
            origin,
            instance: envelope.instance,
            goal,
            need: envelope.role == 2,
            instead_of: envelope.instead_of.filter(|_| envelope.role < 2),
            offer: Some(Offer { description: envelope.description, signature }),
            brought: Some(OfferOrigin { mark, to: from, offer }),
            path: Vec::new(),
            hops_left: MAX_HOPS,
        };
        let back = ReplyPath::Tracker(tracker, from, offer);
        // A tracker carries no refusals, and the stranger would wait for its next announce.
        if self.introductions.len() < MAX_INTRODUCTIONS {
            let (refused_at, again_at) = (cx.now + AGAIN, cx.now + cx.around.lost());
            let introduction = Introduction { back, request: request.clone(), refused_at, again_at };
            self.introductions.insert(request.id, introduction);
        }
        self.handle_request(back, request, cx);
    }

    /// The member that a stranger's offer reached does not want it; an origin that is linked needs no more.
    pub(super) fn handle_introduction_refused(&mut self, id: &RequestId, reason: Reason) {
        match reason {
            Reason::Duplicate => drop(self.introductions.remove(id)),
            Reason::Full | Reason::Busy | Reason::NotFound | Reason::Failed => {
                if let Some(introduction) = self.introductions.get_mut(id) {
                    introduction.again_at = introduction.refused_at;
                }
            }
        }
    }

    /// Introductions that came to nothing.
    pub(crate) fn introduce_again(&mut self, cx: &mut Context<'_>) {
        let due = self.introductions.iter().filter(|(_, introduction)| introduction.again_at <= cx.now);
        for id in due.map(|(&id, _)| id).collect::<Vec<_>>() {
            if let Some(Introduction { back, request, .. }) = self.introductions.remove(&id) {
                let ReplyPath::Tracker(_, _, offer) = &back else { continue };
                let id = RequestId::of_offer(offer, cx.random.bytes());
                self.handle_request(back, Request { id, ..request }, cx);
            }
        }
    }
}
