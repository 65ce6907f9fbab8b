//! What this peer has acknowledged, to say the same again: a copy of a message is acknowledged from memory and not signed
//! anew, and nothing is acknowledged that was not delivered.

use std::collections::VecDeque;

use super::direct::Acknowledgement;
use super::message::Header;
use crate::proto::id::MessageId;
use crate::proto::secret::SwarmTag;
use crate::proto::shelves::Shelves;

/// Acknowledgements remembered, the oldest forgotten first: many more than come while one message is tried.
const MAX: usize = 16_384;

/// The acknowledgements of late.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    words: Shelves<Box<([u8; 32], Acknowledgement)>>,
    order: VecDeque<MessageId>,
}

/// What is known of a message that arrived.
#[derive(Debug, PartialEq)]
pub(super) enum Known {
    /// It was delivered, and this was said.
    Delivered(Box<Acknowledgement>),
    /// Another one of this name was.
    Other,
    /// Nothing.
    New,
}

impl Acknowledged {
    /// What is known of a message, by its name and, where that is known, the hash of its header.
    pub(super) fn of(&self, header: &Header, swarm: &SwarmTag) -> Known {
        match self.words.get(&header.id()) {
            Some(said) if said.0 == header.hash(swarm) => Known::Delivered(Box::new(said.1.clone())),
            Some(_) => Known::Other,
            None => Known::New,
        }
    }

    /// A message was delivered, and this is said.
    pub(super) fn remember(&mut self, hash: [u8; 32], word: Acknowledgement) {
        if self.order.len() >= MAX {
            self.order.pop_front().map(|oldest| self.words.remove(&oldest));
        }
        self.order.push_back(word.id);
        // The way back is that of each copy.
        let mut word = word;
        word.path = Vec::new();
        self.words.insert(word.id, Box::new((hash, word)));
    }

    /// How many it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }
}
