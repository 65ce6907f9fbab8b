//! How far large messages have come, for people to look at: the page's own on their way out, others' on their way in.
//!
//! A message is large when it does not fit one frame. Of one that comes in the page is told when its header is there and its proof
//! holds; of the payload nothing is known before all of it is there.

use std::collections::VecDeque;
use std::time::Duration;

use super::Messaging;
use super::message::{Header, Kind, Verified};
use crate::proto::context::Context;
use crate::proto::id::{Address, MessageId};
use crate::proto::io::Event;
use crate::proto::map::Map;
use crate::proto::time::Instant;

/// Messages that are watched as they come; the one that has stood still for longest gives way. A guess: more than anybody looks at.
const MAX_COMING: usize = 16;
/// One of which nothing came for so long comes no more, as far as the page is told.
const STALLED: Duration = Duration::from_secs(30);
/// Messages taken back that are remembered: what is on its way of them comes later than that word. The first goes first. A guess:
/// more than anybody takes back while it is.
const MAX_WITHDRAWN: usize = 64;

/// What the page was told of large messages under way.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes of the page's own that are out on the fastest way.
    out: Map<MessageId, usize>,
    coming: Map<MessageId, Coming>,
    /// Those that were taken back, and by whom.
    withdrawn: VecDeque<(MessageId, Address)>,
}

#[derive(Debug)]
struct Coming {
    header: Verified<Header>,
    bytes: usize,
    at: Instant,
}

impl Progress {
    /// More of a message of the page's own is out. `false`: no more than was told.
    fn note_out(&mut self, id: MessageId, bytes: usize) -> bool {
        let told = self.out.get(&id).copied().unwrap_or_default();
        self.out.insert(id, bytes.max(told));
        told < bytes
    }

    /// A message of the page's own has ended.
    pub(super) fn end_out(&mut self, id: &MessageId) {
        self.out.remove(id);
    }

    /// The header of a message that is watched, if this is it.
    fn watched(&self, header: &Header) -> Option<Verified<Header>> {
        self.coming
            .get(&header.id())
            .map(|coming| &coming.header)
            .filter(|known| ***known == *header)
            .cloned()
    }

    /// More of another's has come. `false`: no more than was told.
    fn note_coming(&mut self, header: Verified<Header>, bytes: usize, now: Instant) -> bool {
        let id = header.id();
        if self.coming.len() >= MAX_COMING && !self.coming.contains_key(&id) {
            let stalled = self.coming.iter().min_by_key(|(_, coming)| coming.at).map(|(&id, _)| id);
            stalled.map(|id| self.coming.remove(&id));
        }
        let coming = self.coming.entry(id).or_insert(Coming { header, bytes: 0, at: now });
        let told = coming.bytes;
        (coming.bytes, coming.at) = (bytes.max(told), now);
        told < bytes
    }

    /// A message is taken back, by whoever says that it made it.
    fn note_withdrawn(&mut self, id: MessageId, maker: Address) {
        self.withdrawn.push_back((id, maker));
        if self.withdrawn.len() > MAX_WITHDRAWN {
            self.withdrawn.pop_front();
        }
    }

    /// A message is here, or comes no more: its header, if it was watched.
    fn end_coming(&mut self, id: &MessageId) -> Option<Verified<Header>> {
        self.coming.remove(id).map(|coming| coming.header)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.coming.values().map(|coming| coming.at + STALLED).min()
    }

    /// How much it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn sizes(&self) -> [usize; 3] {
        [self.out.len(), self.coming.len(), self.withdrawn.len()]
    }
}

impl Messaging {
    /// More of the page's own went out to neighbors.
    pub(crate) fn handle_moved(&mut self, moved: Vec<(MessageId, usize)>, cx: &mut Context<'_>) {
        for (id, bytes) in moved {
            let direct = self.direct.pending(&id).map(|message| &message.header);
            let under_way = || self.broadcast.header(&id).filter(|_| self.outgoing.is_under_way(&id));
            let Some(header) = direct.or_else(under_way).filter(|header| header.kind == Kind::Page) else {
                continue;
            };
            let (to, size) = (header.to, header.size as usize);
            let bytes = bytes.min(size);
            if self.progress.note_out(id, bytes) {
                cx.emit(Event::Progress { id, from: cx.me.name(), to, bytes: Some(bytes), size });
            }
        }
    }

    /// So much is here of a packet that carries a large message.
    pub(crate) fn handle_coming(
        &mut self,
        from: &Address,
        header: &Header,
        bytes: usize,
        cx: &mut Context<'_>,
    ) {
        let is_ours = header.to.is_none_or(|to| to == cx.me.address);
        if header.kind != Kind::Page
            || !is_ours
            || header.maker() == cx.me.address
            || bytes >= header.size as usize
            || self.is_withdrawn(header)
            || self.broadcast.has(&header.id())
        {
            return;
        }
        let known = self.progress.watched(header).or_else(|| self.broadcast.vouch(header));
        let Some(header) = known.or_else(|| super::check(from, header, cx)) else { return };
        if self.progress.note_coming(header.clone(), bytes, cx.now) {
            tell(&header, Some(bytes), cx);
        }
    }

    /// A message for the page is whole.
    pub(super) fn handle_come(&mut self, id: &MessageId, cx: &mut Context<'_>) {
        if let Some(header) = self.progress.end_coming(id) {
            tell(&header, Some(header.size as usize), cx);
        }
    }

    /// Whether a message was taken back by its maker: what still comes of it is nothing.
    pub(super) fn is_withdrawn(&self, header: &Header) -> bool {
        self.progress.withdrawn.contains(&(header.id(), header.maker()))
    }

    /// A message comes no more, as its maker says; `true`: it was on its way.
    pub(super) fn handle_never(&mut self, id: &MessageId, maker: &Address, cx: &mut Context<'_>) -> bool {
        self.progress.note_withdrawn(*id, *maker);
        if self.progress.coming.get(id).is_none_or(|coming| coming.header.maker() != *maker) {
            return false;
        }
        self.progress.end_coming(id).iter().for_each(|header| tell(header, None, cx));
        true
    }

    /// Of some messages nothing came for long: they were on their way from somebody who is gone.
    pub(super) fn give_up_stalled(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        let stalled = self.progress.coming.extract_if(|_, coming| coming.at + STALLED <= now);
        stalled.for_each(|(_, coming)| tell(&coming.header, None, cx));
    }
}

fn tell(header: &Header, bytes: Option<usize>, cx: &mut Context<'_>) {
    let (id, from, to) = (header.id(), header.from(), header.to.map(|_| cx.me.name()));
    cx.emit(Event::Progress { id, from, to, bytes, size: header.size as usize });
}
