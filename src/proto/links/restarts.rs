//! Links that do not answer, and are given another path.
//!
//! ```text
//! A ◀══════ link, broken ══════▶ B                A offers: its address is the lower one
//! │ no answer                    │ no answer
//! ├─ Offer ──▶ C ──▶ Offer ─────▶│                round the link, sealed
//! │◀──────── C ◀──── Answer ─────┤
//! ◀══════ the same link ═════════▶
//! ```
//!
//! Where B is the first to notice, it asks A. The connection, its channel and all that is under way on it stay; nobody
//! hears of it. Without a way round, or without a word back, the link ends as it would have.

use std::collections::VecDeque;

use super::link::Link;
use super::{ConnId, Context, Links};
use crate::proto::context::Effect;
use crate::proto::id::Address;
use crate::proto::io::Output;
use crate::proto::restart::{CAPABILITY, Say, Session, Word};
use crate::proto::sdp::{Candidate, Description};
use crate::proto::time::Instant;

impl Links {
    /// A link has no answer where it should: what can be done for it.
    pub(super) fn handle_doubt(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(peer) = self.restartable(id).filter(|_| cx.around.open) else { return };
        let way_round = self.neighbors.iter().any(|(_, other)| {
            self.conns.get(other).is_some_and(|conn| *other != id && !conn.link.is_in_doubt())
        });
        let Some(conn) = self.conns.get_mut(&id).filter(|conn| conn.link.wants_path()) else { return };
        if let Some(offer) = conn.link.take_held() {
            return self.agree(id, *offer, Link::reanswer, cx);
        }
        if !way_round {
            return;
        }
        if cx.me.address < peer {
            conn.link.reoffer(cx.now, cx.out);
        } else {
            conn.link.await_offer(cx.now);
            self.say_round(id, Say::Ask, cx);
        }
    }

    /// The neighbor at the other end of a connection that can be given another path.
    fn restartable(&self, id: ConnId) -> Option<Address> {
        let conn = self.conns.get(&id).filter(|conn| conn.link.is_active())?;
        conn.peer.filter(|_| conn.can(CAPABILITY))
    }

    /// ICE gave a connection up; `false`: nothing can be done for it.
    pub(super) fn revives(&mut self, id: ConnId, cx: &mut Context<'_>) -> bool {
        if self.restartable(id).is_none() {
            return false;
        }
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.link.doubt();
        }
        self.handle_doubt(id, cx);
        self.conns.get(&id).is_some_and(|conn| conn.link.rounds.are_begun())
    }

    // What this end says.

    /// Our description is made anew.
    pub(super) fn handle_redescribed(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get(&id) else { return };
        let Some(description) = conn.link.description().cloned().map(Box::new) else { return };
        let say =
            if conn.link.rounds.are_offered() { Say::Offer(description) } else { Say::Answer(description) };
        self.say_round(id, say, cx);
    }

    /// Says something to the other end of a link, round it.
    pub(super) fn say_round(&mut self, id: ConnId, say: Say, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get(&id) else { return };
        let (Some(to), Some(admitted)) = (conn.peer, &conn.admitted) else { return };
        let word = Word { round: conn.link.rounds.number(), say };
        let sealed = Session(&admitted.session).seal(&cx.me.address, &word, cx.random);
        cx.effects.push_back(Effect::TellRound { to, sealed });
    }

    // What the other end says.

    /// Something came round a link, from its other end if it is sealed as that does.
    pub(crate) fn handle_restart(&mut self, from: Address, sealed: &[u8], cx: &mut Context<'_>) {
        let id = self.neighbors.get(&from).copied().filter(|&id| self.restartable(id).is_some());
        let conn = id.and_then(|id| Some((id, self.conns.get_mut(&id)?)));
        let Some((id, conn)) = conn else { return cx.drop_because("restart of no link") };
        let session = conn.admitted.as_ref().map(|admitted| admitted.session);
        let word = session.and_then(|session| Session(&session).open(&from, sealed));
        let Some(Word { round, say }) = word else { return cx.drop_because("forged restart") };
        let offers = cx.me.address < from;
        conn.link.handle_heard_round(round);
        match say {
            Say::Ask if offers && conn.link.is_asked_for(round) => self.reconsider_path(id, cx),
            Say::Offer(offer) if !offers && conn.link.has_use_for(round, &offer) => {
                conn.link.hold(round, offer, cx.now);
                self.reconsider_path(id, cx);
            }
            Say::Answer(answer) if offers && conn.link.awaits_answer(round, &answer) => {
                self.agree(id, *answer, Link::reaccept, cx);
            }
            Say::Candidate(candidate) => self.handle_new_candidate(id, round, candidate, cx),
            Say::Ask | Say::Offer(_) | Say::Answer(_) => cx.drop_because("restart of no use"),
        }
    }

    /// The other end has no answer; this one has, or will know in a moment.
    fn reconsider_path(&mut self, id: ConnId, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if !conn.link.is_in_doubt() {
            return conn.link.ask_warned(cx.now);
        }
        self.handle_doubt(id, cx);
    }

    /// Takes the offer of the other end, or its answer.
    fn agree(
        &mut self,
        id: ConnId,
        mut theirs: Description,
        take: fn(&mut Link, Description, Instant, &mut VecDeque<Output>),
        cx: &mut Context<'_>,
    ) {
        let tried = self.sift(&mut theirs, cx);
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.tried = tried;
            take(&mut conn.link, theirs, cx.now, cx.out);
            cx.stats.restarts += 1;
        }
    }

    fn handle_new_candidate(&mut self, id: ConnId, round: u32, candidate: Candidate, cx: &mut Context<'_>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        match conn.link.rounds.are_open() && conn.link.rounds.number() == round {
            true => self.try_candidate(id, candidate, cx),
            false => conn.link.hold_candidate(round, &candidate),
        }
    }
}
