//! Sealed offers that were heard lately: a copy is nobody's word but of who recorded it.
//!
//! Whoever announces an offer again seals it anew, and a tracker gives each to one member. So what comes twice to one is
//! replayed. Only what opens is remembered, and so only members can fill this, or who recorded as many offers of theirs
//! within the time that a seal is good for.

use std::collections::VecDeque;

use crate::proto::envelope::Seal;
use crate::proto::map::Set;

/// Seals remembered; the oldest is forgotten. A guess: what trackers bring one member in some hours.
const MAX_SEALS: usize = 1024;

/// The seals of offers heard lately.
#[derive(Debug, Default)]
pub(super) struct Copies {
    heard: Set<Seal>,
    /// In the order in which they came.
    order: VecDeque<Seal>,
}

impl Copies {
    /// Remembers a seal; whether it is none that was heard before.
    pub(super) fn is_first(&mut self, seal: Seal) -> bool {
        if !self.heard.insert(seal) {
            return false;
        }
        self.order.push_back(seal);
        if self.order.len() > MAX_SEALS
            && let Some(oldest) = self.order.pop_front()
        {
            self.heard.remove(&oldest);
        }
        true
    }
}
