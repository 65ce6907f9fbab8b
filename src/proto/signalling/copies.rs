//! Offers that were taken up lately: a copy is nobody's word but of who recorded it.
//!
//! Whoever offers once more signs anew, and a connection takes one answer. So what is to be taken up twice is told again.
//! Only what is proven and has a slot is remembered, so pushing one out takes as many connections as fit in here.

use std::collections::VecDeque;

use crate::proto::identity::Proof;
use crate::proto::map::Set;

/// Offers remembered; the oldest is forgotten. A guess: what one member takes up in some hours.
const MAX_COPIES: usize = 1024;

/// The proofs of offers taken up lately; nobody but their makers can make another for the same.
#[derive(Debug, Default)]
pub(super) struct Copies {
    taken: Set<Proof>,
    /// In the order in which they came.
    order: VecDeque<Proof>,
}

impl Copies {
    /// Whether an offer was taken up before.
    pub(super) fn has(&self, proof: &Proof) -> bool {
        self.taken.contains(proof)
    }

    /// An offer is taken up.
    pub(super) fn remember(&mut self, proof: Proof) {
        if self.taken.insert(proof) {
            self.order.push_back(proof);
        }
        if self.order.len() > MAX_COPIES {
            self.order.pop_front().map(|oldest| self.taken.remove(&oldest));
        }
    }

    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}
