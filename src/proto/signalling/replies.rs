//! Replies to requests for a link, on their way back to the origin.

use std::time::Duration;

use super::{MAX_PATH, MAX_REROUTES, Packet, Reply, ReplyPath, Signal, Signalling};
use crate::proto::acceptance::Acceptance;
use crate::proto::context::{Context, Effect};
use crate::proto::envelope::{Envelope, Half};
use crate::proto::id::{Address, OfferId};
use crate::proto::links::link;
use crate::proto::neighborhood::{Neighborhood, closest};
use crate::proto::request::{OfferOrigin, RequestId};
use crate::proto::ring::{self, Known};
use crate::proto::sdp::Description;
use crate::proto::time::Instant;

/// What a step at random costs of the links that a reply may cross: a lie about its origin
/// is passed on at random eight times at most.
const GUESS: u16 = 4;
/// Ways that are tried round a link.
const WAYS_ROUND: usize = 2;
/// A reply that a neighbor was handed this long ago has arrived there, or the neighbor is gone.
const UNDER_WAY: Duration = Duration::from_millis(400);
/// Replies remembered at once. A guess: four for each neighbor.
pub(crate) const MAX_UNDER_WAY: usize = 24;

/// An acceptance under way to a neighbor.
#[derive(Debug)]
pub(super) struct UnderWay {
    to: Address,
    reply: Reply,
    /// Until when; counted from the end of the input that it belongs to.
    until: Option<Instant>,
}

impl Signalling {
    /// Says something to the origin of a request that ended here.
    pub(crate) fn reply(&mut self, id: RequestId, signal: Signal, cx: &mut Context<'_>) {
        if let Some(route) = self.routes.get(&id) {
            let (to, path, back) = (route.origin, route.path.clone(), route.back);
            self.send_back(None, back, Reply { id, to, path, hops_left: MAX_REROUTES, signal }, cx);
        }
    }

    /// Passes on what somebody else says to an origin.
    pub(super) fn pass_back(&mut self, from: &Address, mut reply: Reply, cx: &mut Context<'_>) {
        // Who had the request after this peer is no way back, and nor is who just sent this here.
        let path = &mut reply.path;
        path.truncate(path.iter().position(|at| *at == cx.me.address).unwrap_or(path.len()));
        path.truncate(MAX_PATH);
        path.retain(|at| at != from);
        match self.routes.get(&reply.id).map(|route| route.back) {
            Some(back) if back != ReplyPath::Neighbor(*from) => self.send_back(Some(from), back, reply, cx),
            _ => self.reroute(Some(from), reply, cx),
        }
    }

    /// Answers where the request came from; `from` is the neighbor that brought the reply, if one did. Requests look
    /// for their goal and take detours, so if this peer sees a shorter way back, the reply takes that.
    pub(super) fn send_back(
        &mut self,
        from: Option<&Address>,
        back: ReplyPath,
        mut reply: Reply,
        cx: &mut Context<'_>,
    ) {
        let left = reply.hops_left.min(MAX_REROUTES).checked_sub(1);
        if let (ReplyPath::Neighbor(_), Some(left)) = (back, left) {
            let not = self.tried(&reply.id, from, cx.around);
            if let Some(next) = shortcut(&reply.to, &reply.path, &not, &cx.around.known) {
                reply.hops_left = left;
                return self.hand_back(next, reply, cx);
            }
        }
        let path = &reply.path;
        match back {
            ReplyPath::Neighbor(next)
                if cx.around.reaches(&next) && (path.is_empty() || path.contains(&next)) =>
            {
                self.hand_back(next, reply, cx);
            }
            ReplyPath::Neighbor(_) => self.reroute(from, reply, cx),
            ReplyPath::Tracker(tracker, to, offer) => match reply.signal {
                // Whoever told us may have made it up: the tracker would end our socket for one that is too large.
                Signal::Accept { answer, .. } if !answer.is_sound() => cx.drop_because("answer"),
                Signal::Accept { key, answer, .. } => {
                    self.introductions.remove(&reply.id);
                    let text = envelope(key.address(), *answer, &offer, cx);
                    cx.effects.push_back(Effect::AnswerTracker { tracker, to, offer, text });
                }
                // A tracker carries nothing but answers: this peer asks again, while the origin waits.
                Signal::Reject(reason) => self.handle_introduction_refused(&reply.id, reason),
                Signal::Found(_)
                | Signal::Candidate(_)
                | Signal::Cancel
                | Signal::Decline { .. }
                | Signal::Greet { .. }
                | Signal::Restart { .. }
                | Signal::Later(_) => {}
            },
        }
    }

    /// Our answer to a request is made. To an offer that a tracker brought to somebody else it also goes through that
    /// tracker: if it passes that on, it is the shorter way.
    pub(crate) fn send_answer(
        &mut self,
        id: RequestId,
        answer: Description,
        hello: Option<crate::proto::links::admission::Hello>,
        cx: &mut Context<'_>,
    ) {
        let route = self.routes.get(&id).and_then(|route| Some((route.brought, route.offer?)));
        let Some((brought, offered)) = route else { return };
        if let Some(OfferOrigin { mark, to, offer }) = brought {
            let text = envelope(cx.me.address, answer.clone(), &offer, cx);
            cx.effects.push_back(Effect::AnswerAnothers { mark, to, offer, text });
        }
        let acceptance = Acceptance { request: id, offer: offered, answer: &answer, hello: hello.as_ref() };
        let proof = acceptance.prove(&cx.me.identity, &cx.me.secret.tag());
        let key = cx.me.identity.public_key();
        let (answer, hello) = (Box::new(answer), hello.map(Box::new));
        self.reply(id, Signal::Accept { key, answer, proof, hello }, cx);
    }

    /// The way back is cut: what is known of the mesh shows another, or a neighbor may know one. While a crowd
    /// joins, a few steps at random meet somebody who sees the origin.
    pub(crate) fn reroute(&mut self, from: Option<&Address>, mut reply: Reply, cx: &mut Context<'_>) {
        let not = self.tried(&reply.id, from, cx.around);
        if let Some((next, left)) = another_way(&reply, &not, cx) {
            reply.hops_left = left;
            return self.hand_back(next, reply, cx);
        }
        cx.drop_because("reply without a way");
        // Who gave it keeps a slot for nothing.
        match (reply.signal, from) {
            (Signal::Accept { .. }, Some(from)) => self.cancel(reply.id, *from, cx),
            (Signal::Accept { .. }, None) => cx.effects.push_back(Effect::TakeBack(reply.id)),
            _ => {}
        }
    }

    /// Says something to the other end of a link by other ways than over it, as if it had come from there. By two, if there are
    /// as many: what broke this link may have broken others.
    pub(crate) fn tell_round(&mut self, to: Address, sealed: Vec<u8>, cx: &mut Context<'_>) {
        let (id, signal) = (RequestId(cx.random.bytes()), Signal::Restart { origin: cx.me.address, sealed });
        let reply = Reply { id, to, path: Vec::new(), hops_left: MAX_REROUTES, signal };
        let mut not = self.tried(&id, Some(&to), cx.around);
        for way in 0..WAYS_ROUND {
            let Some((next, hops_left)) = another_way(&reply, &not, cx) else {
                if way == 0 {
                    cx.drop_because("reply without a way");
                }
                break;
            };
            not.push(next);
            self.hand_back(next, Reply { hops_left, ..reply.clone() }, cx);
        }
    }

    /// The neighbors that a reply was handed to already, or came from: what they see of the mesh is not true any
    /// more, and would lead it round in a circle. And those that do not answer.
    fn tried(&self, id: &RequestId, from: Option<&Address>, around: &Neighborhood) -> Vec<Address> {
        let mut tried = Vec::from_iter(from.copied());
        tried.extend(&around.in_doubt);
        tried.extend(self.under_way.iter().filter(|under_way| under_way.reply.id == *id).map(|it| it.to));
        tried
    }

    /// Hands a reply to a neighbor, and remembers it for a moment if much depends on it.
    fn hand_back(&mut self, next: Address, reply: Reply, cx: &mut Context<'_>) {
        if matches!(reply.signal, Signal::Accept { .. }) {
            if self.under_way.len() >= MAX_UNDER_WAY {
                self.under_way.remove(0);
            }
            self.under_way.push(UnderWay { to: next, reply: reply.clone(), until: None });
        }
        cx.send(next, link::Packet::Signalling(Packet::Reply(reply)));
    }

    /// A neighbor ended its link with us: what was under way to it is lost and takes another way.
    pub(crate) fn handle_cut(&mut self, lost: &Address, cx: &mut Context<'_>) {
        self.forget_arrived(cx.now);
        let (again, others) = std::mem::take(&mut self.under_way).into_iter().partition(|it| it.to == *lost);
        self.under_way = others;
        for UnderWay { reply, .. } in again {
            self.reroute(None, reply, cx);
        }
    }

    /// Forgets the replies that have arrived by now.
    pub(crate) fn forget_arrived(&mut self, now: Instant) {
        self.under_way.retain_mut(|it| *it.until.get_or_insert(now + UNDER_WAY) > now);
    }
}

/// The neighbor that a reply goes to when its way is cut, `not` one of these, and how many links it may cross from there.
fn another_way(reply: &Reply, not: &[Address], cx: &mut Context<'_>) -> Option<(Address, u16)> {
    let (next, cost) = match towards(&cx.me.address, &reply.to, &reply.path, not, &cx.around.known) {
        Some(next) => (next, 1),
        None => {
            let links = cx.around.links.iter().map(|link| link.address);
            let others: Vec<_> = links.filter(|other| !not.contains(other)).collect();
            (cx.random.pick(&others).copied()?, GUESS)
        }
    };
    Some((next, reply.hops_left.min(MAX_REROUTES).checked_sub(cost)?))
}

/// An answer as trackers carry it.
fn envelope(from: Address, description: Description, offer: &OfferId, cx: &mut Context<'_>) -> String {
    let envelope =
        Envelope { from, instance: cx.me.instance, role: 0, instead_of: None, description, signature: None };
    envelope.write(Half::Answer, offer, &cx.me.secret, cx.random, cx.now)
}

/// The neighbor that a packet goes to when its way is cut: towards its goal, or towards the one of those on
/// its way that is nearest to the goal; at last to whoever is nearest on the ring.
fn towards(
    me: &Address,
    to: &Address,
    path: &[Address],
    not: &[Address],
    known: &[Known],
) -> Option<Address> {
    shortcut(to, path, not, known).or_else(|| {
        let own = ring::distance(me, to);
        let nearest = closest(known.iter().filter(|k| !not.contains(&k.via)), to);
        nearest.filter(|k| ring::distance(&k.address, to) < own).map(|k| k.via)
    })
}

/// The neighbor on a way that is in sight, to a goal or to the first in sight of those on a path from it; `not` by
/// these.
fn shortcut(to: &Address, path: &[Address], not: &[Address], known: &[Known]) -> Option<Address> {
    let open = known.iter().filter(|k| !not.contains(&k.via));
    let via = |address: &Address| open.clone().find(|k| k.address == *address).map(|k| k.via);
    via(to).or_else(|| path.iter().find_map(via))
}

#[cfg(test)]
mod tests;
