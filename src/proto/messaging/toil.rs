//! Large messages that are sealed and opened: a piece at a time, and in between the page lives on.

use std::collections::VecDeque;
use std::time::Duration;

use super::Messaging;
use super::boxes::{Opening, Sealing};
use crate::proto::context::Context;
use crate::proto::id::{Address, MessageId};
use crate::proto::io::DeliveryFailure;
use crate::proto::time::Instant;

/// Bytes that wait to be opened, at most, or two of the largest messages. Above that the first one is opened at once: it blocks
/// the page, and is not lost. A guess: neighbors that bring more than a page can open, or many large messages at once.
const MAX_OPENING: usize = 64 << 20;
/// From one piece to the next: whatever else there is comes first.
const NEXT: Duration = Duration::from_micros(1);

/// The work that is left.
#[derive(Debug, Default)]
pub(super) struct Toil {
    sealing: VecDeque<Sealing>,
    opening: VecDeque<Arriving>,
    /// When the next piece is done, if there is some.
    at: Option<Instant>,
}

/// A message that has reached its recipient.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) opening: Opening,
    /// The way it came, and how many links that was.
    pub(super) path: Vec<Address>,
    pub(super) hops: u8,
}

impl Toil {
    pub(super) fn seal(&mut self, sealing: Sealing, now: Instant) {
        self.sealing.push_back(sealing);
        self.at = Some(now + NEXT);
    }

    fn open(&mut self, arriving: Arriving, now: Instant) {
        self.opening.push_back(arriving);
        self.at = Some(now + NEXT);
    }

    /// Whether a message is opened at present.
    pub(super) fn opens(&self, id: &MessageId) -> bool {
        self.opening.iter().any(|arriving| arriving.opening.id() == *id)
    }

    /// Whether something of the page's is not sealed yet.
    pub(super) fn is_sealing(&self) -> bool {
        !self.sealing.is_empty()
    }

    /// Takes out a message that is not sealed yet; whether it was there.
    pub(super) fn withdraw(&mut self, id: &MessageId) -> bool {
        let count = self.sealing.len();
        self.sealing.retain(|sealing| sealing.id() != *id);
        self.sealing.len() < count
    }

    /// Takes out all that is not sealed yet.
    pub(super) fn take_sealing(&mut self) -> impl Iterator<Item = Sealing> + use<> {
        std::mem::take(&mut self.sealing).into_iter()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.at
    }

    fn bytes_opening(&self) -> usize {
        self.opening.iter().map(|arriving| arriving.opening.size()).sum()
    }

    /// Messages that are sealed, and bytes that wait to be opened.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn sizes(&self) -> [usize; 2] {
        [self.sealing.len(), self.bytes_opening()]
    }
}

impl Messaging {
    /// A message of which only the first piece is opened. If there are too many, the first ones are opened now.
    pub(super) fn open_later(&mut self, arriving: Arriving, cx: &mut Context<'_>) {
        self.toil.open(arriving, cx.now);
        let most = MAX_OPENING.max(2 * cx.me.config.max_message_size);
        while self.toil.bytes_opening() > most {
            self.open_piece(cx);
        }
    }

    /// Does a piece of the work, when it is time for it.
    pub(super) fn toil(&mut self, cx: &mut Context<'_>) {
        if self.toil.at.is_none_or(|at| at > cx.now) {
            return;
        }
        self.seal_piece(cx);
        self.open_piece(cx);
        let toil = &mut self.toil;
        let left = !(toil.sealing.is_empty() && toil.opening.is_empty());
        toil.at = left.then_some(cx.now + NEXT);
    }

    fn seal_piece(&mut self, cx: &mut Context<'_>) {
        let Some(mut sealing) = self.toil.sealing.pop_front() else { return };
        match sealing.step(&mut cx.keys.pairs, &cx.me.identity, cx.random) {
            Some(false) => self.toil.sealing.push_front(sealing),
            Some(true) => {
                let message = sealing.ready(&cx.me.identity, cx.swarm_now());
                self.say(vec![message], cx);
            }
            None => self.end(sealing.id(), Err(DeliveryFailure::Unreachable), cx),
        }
    }

    fn open_piece(&mut self, cx: &mut Context<'_>) {
        let Some(mut arriving) = self.toil.opening.pop_front() else { return };
        match arriving.opening.step(&mut cx.keys.pairs, &cx.me.identity) {
            Some(false) => self.toil.opening.push_front(arriving),
            Some(true) => self.handle_opened(arriving, cx),
            None => cx.drop_because("sealed box"),
        }
    }
}
