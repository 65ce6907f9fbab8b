//! Answers to requests for a link, on their way back to the origin.

use std::time::Duration;

use super::Peer;
use crate::proto::envelope::Envelope;
use crate::proto::id::{Address, OfferId};
use crate::proto::link::Packet;
use crate::proto::mesh::{self, Answer, Back, Carried, RequestId, Word};
use crate::proto::sdp::Description;
use crate::proto::time::Instant;
use crate::proto::tracker::Tracker;

/// What a step at random costs of the links that an answer may cross: a lie about its origin
/// is passed on at random eight times at most.
const GUESS: u16 = 4;

/// An answer that a neighbor was handed this long ago has arrived there, or the neighbor is gone.
const UNDER_WAY: Duration = Duration::from_millis(400);
/// Answers remembered at once. A guess: four for each neighbor.
pub(super) const MAX_HANDED_BACK: usize = 24;

/// An acceptance under way to a neighbor.
#[derive(Debug)]
pub(super) struct HandedBack {
    to: Address,
    answer: Answer,
    /// Until when; counted from the end of the input that it belongs to.
    until: Option<Instant>,
}

impl Peer {
    /// Says something to the origin of a request that ended here.
    pub(super) fn reply(&mut self, id: RequestId, word: Word) {
        if let Some(route) = self.mesh.route(&id) {
            let (to, path) = (route.origin, route.path.clone());
            self.answer(None, route.back, Answer { id, to, path, hops_left: mesh::MAX_STRAY, word });
        }
    }

    /// Passes on what somebody else says to an origin.
    pub(super) fn pass_back(&mut self, from: &Address, mut answer: Answer) {
        // Who had the request after this peer is no way back, and nor is who just sent this here.
        let path = &mut answer.path;
        path.truncate(path.iter().position(|at| *at == self.address).unwrap_or(path.len()));
        path.truncate(mesh::MAX_PATH);
        path.retain(|at| at != from);
        match self.mesh.route(&answer.id).map(|route| route.back) {
            Some(back) if back != Back::Neighbor(*from) => self.answer(Some(from), back, answer),
            _ => self.stray(Some(from), answer),
        }
    }

    /// Answers where the request came from; `from` is the neighbor that brought the answer, if one did. Requests look
    /// for their goal and take detours, so if this peer sees a shorter way back, the answer takes that.
    pub(super) fn answer(&mut self, from: Option<&Address>, back: Back, mut answer: Answer) {
        if let (Back::Neighbor(_), Some(left)) = (back, answer.hops_left.min(mesh::MAX_STRAY).checked_sub(1))
        {
            let (known, not) = (self.known(), self.tried(&answer.id, from));
            if let Some(next) = mesh::shortcut(&answer.to, &answer.path, &not, &known) {
                answer.hops_left = left;
                return self.hand_back(next, answer);
            }
        }
        let path = &answer.path;
        match back {
            Back::Neighbor(next) if self.reaches(&next) && (path.is_empty() || path.contains(&next)) => {
                self.hand_back(next, answer);
            }
            Back::Neighbor(_) => self.stray(from, answer),
            Back::Tracker(tracker, to, offer) => match answer.word {
                Word::Accept { from, answer: description, hello: _ } => {
                    self.errands.remove(&answer.id);
                    let text = self.envelope(from, *description, &offer);
                    match self.trackers.get(&tracker).filter(|tracker| Tracker::is_open(tracker)) {
                        Some(tracker) => tracker.answer(to, offer, &text, &mut self.out),
                        None => self.drop_because("answer without a tracker"),
                    }
                }
                // A tracker carries nothing but answers: this peer asks again, while the origin waits.
                Word::Reject(reason) => self.handle_errand_refused(&answer.id, reason),
                Word::Found(_)
                | Word::Candidate(_)
                | Word::Cancel
                | Word::Decline { .. }
                | Word::Greet { .. } => {}
            },
        }
    }

    /// Answers an offer that a tracker brought to somebody else: if the tracker passes that on, it is the shorter way.
    pub(super) fn answer_carried(&mut self, id: RequestId, answer: &Description, now: Instant) {
        let carried = self.mesh.route(&id).and_then(|route| route.carried);
        let Some(Carried { mark, to, offer }) = carried else { return };
        let text = self.envelope(self.address, answer.clone(), &offer);
        if let Some(tracker) = self.trackers.values_mut().find(|tracker| tracker.mark() == mark) {
            tracker.answer_anothers(to, offer, &text, now, &mut self.out);
        }
    }

    /// An answer as trackers carry it.
    fn envelope(&mut self, from: Address, description: Description, offer: &OfferId) -> String {
        let envelope = Envelope { from, instance: self.instance, role: 0, instead_of: None, description };
        envelope.write(offer, &self.secret, &mut self.random)
    }

    /// The way back is cut: what is known of the mesh shows another, or a neighbor may know one. While a crowd
    /// joins, a few steps at random meet somebody who sees the origin.
    pub(super) fn stray(&mut self, from: Option<&Address>, mut answer: Answer) {
        let (known, not) = (self.known(), self.tried(&answer.id, from));
        let (next, cost) = match self.mesh.towards(&answer.to, &answer.path, &not, &known) {
            Some(next) => (Some(next), 1),
            None => {
                let others: Vec<_> = self.neighbors.keys().filter(|other| !not.contains(other)).collect();
                (self.random.pick(&others).map(|&&other| other), GUESS)
            }
        };
        let left = answer.hops_left.min(mesh::MAX_STRAY).checked_sub(cost);
        if let (Some(next), Some(left)) = (next, left) {
            answer.hops_left = left;
            return self.hand_back(next, answer);
        }
        self.drop_because("answer without a way");
        // Who gave it keeps a slot for nothing.
        match (answer.word, from) {
            (Word::Accept { .. }, Some(from)) => self.cancel(answer.id, *from),
            (Word::Accept { .. }, None) => self.take_back(answer.id),
            _ => {}
        }
    }

    /// The neighbors that an answer was handed to already, or came from: what they see of the mesh is not true any
    /// more, and would lead it round in a circle.
    fn tried(&self, id: &RequestId, from: Option<&Address>) -> Vec<Address> {
        let mut tried = Vec::from_iter(from.copied());
        for back in &self.handed_back {
            if back.answer.id == *id {
                tried.push(back.to);
            }
        }
        tried
    }

    /// Hands an answer to a neighbor, and remembers it for a moment if much depends on it.
    fn hand_back(&mut self, next: Address, answer: Answer) {
        if matches!(answer.word, Word::Accept { .. }) {
            if self.handed_back.len() >= MAX_HANDED_BACK {
                self.handed_back.remove(0);
            }
            self.handed_back.push(HandedBack { to: next, answer: answer.clone(), until: None });
        }
        self.send_packet(&next, Packet::Mesh(mesh::Packet::Back(answer)), None);
    }

    /// A neighbor ended its link with us: what was under way to it is lost and takes another way.
    pub(super) fn hand_back_again(&mut self, lost: &Address, now: Instant) {
        self.forget_handed_back(now);
        let (again, others) =
            std::mem::take(&mut self.handed_back).into_iter().partition(|back| back.to == *lost);
        self.handed_back = others;
        for HandedBack { answer, .. } in again {
            self.stray(None, answer);
        }
    }

    /// Forgets the answers that have arrived by now.
    pub(super) fn forget_handed_back(&mut self, now: Instant) {
        self.handed_back.retain_mut(|back| *back.until.get_or_insert(now + UNDER_WAY) > now);
    }
}
