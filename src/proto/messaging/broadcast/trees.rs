//! The tree of each source, as this peer sees it: who brings its messages, and who wants them from here.
//!
//! Who has said nothing of a source yet is sent everything: so the first message floods. A prune leaves a neighbor
//! the names, a graft asks for the messages.

use super::seen::KEEP;
use super::wire::{Packet, Packets};
use crate::proto::id::Address;
use crate::proto::map::{Map, Set};
use crate::proto::time::Instant;

/// Sources whose trees are remembered; the least recently heard is forgotten and floods once more.
pub(super) const MAX_SOURCES: usize = 256;
/// Who lost the neighbor that brings a source's messages asks so many others for them: all of them cost 2.1 copies at
/// 10 % churn a minute, two cost 1.8, and the last peer hears as soon.
const RESUMED: usize = 2;

/// What a neighbor wants of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// It asked for messages.
    Messages,
    /// Only the names.
    Names,
    /// It has not said.
    Unsaid,
}

/// The tree of one source.
#[derive(Debug, Default)]
struct Source {
    /// The neighbor that brings its messages.
    parent: Option<Address>,
    /// Neighbors that want only names.
    lazy: Set<Address>,
    /// Neighbors that asked for messages.
    eager: Set<Address>,
    used_at: Instant,
}

/// The trees, by source.
#[derive(Debug, Default)]
pub(super) struct Trees {
    sources: Map<Address, Source>,
}

impl Trees {
    /// The neighbor that brings a source's messages.
    pub(super) fn parent(&self, source: &Address) -> Option<Address> {
        self.sources.get(source)?.parent
    }

    pub(super) fn set_parent(&mut self, source: Address, parent: Address, now: Instant) {
        let tree = self.touch(source, now);
        tree.parent = Some(parent);
        tree.lazy.remove(&parent);
    }

    /// A source is heard.
    pub(super) fn heard(&mut self, source: Address, now: Instant) {
        self.touch(source, now);
    }

    fn touch(&mut self, source: Address, now: Instant) -> &mut Source {
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains_key(&source) {
            let oldest = self.sources.iter().min_by_key(|(_, tree)| tree.used_at).map(|(&source, _)| source);
            oldest.map(|source| self.sources.remove(&source));
        }
        let tree = self.sources.entry(source).or_default();
        tree.used_at = now;
        tree
    }

    pub(super) fn wish(&self, source: &Address, neighbor: &Address) -> Wish {
        match self.sources.get(source) {
            Some(tree) if tree.lazy.contains(neighbor) => Wish::Names,
            Some(tree) if tree.eager.contains(neighbor) => Wish::Messages,
            Some(_) | None => Wish::Unsaid,
        }
    }

    /// A neighbor sent one copy too many: whether to prune it. Never the one that the tree hangs on: both sides would
    /// let go at once.
    pub(super) fn cut(&mut self, source: &Address, neighbor: Address) -> bool {
        let Some(tree) = self.sources.get_mut(source) else { return false };
        let cut = tree.parent != Some(neighbor) && tree.lazy.insert(neighbor);
        if cut {
            tree.eager.remove(&neighbor);
        }
        cut
    }

    /// A neighbor wants only the names of a source's messages.
    pub(super) fn handle_prune(&mut self, from: Address, source: &Address) {
        if let Some(tree) = self.sources.get_mut(source) {
            tree.eager.remove(&from);
            tree.lazy.insert(from);
        }
    }

    /// A neighbor wants more of a source.
    pub(super) fn handle_graft(&mut self, from: Address, source: &Address, now: Instant) {
        if let Some(tree) = self.sources.get_mut(source) {
            tree.lazy.remove(&from);
            tree.eager.insert(from);
            tree.used_at = now;
        }
    }

    /// A neighbor wants the messages of a source again.
    pub(super) fn handle_resume(&mut self, from: &Address, source: &Address) {
        if let Some(tree) = self.sources.get_mut(source) {
            tree.lazy.remove(from);
        }
    }

    pub(super) fn handle_unlinked(&mut self, neighbor: &Address, now: Instant, out: &mut Packets) {
        for (&source, tree) in self.sources.iter_mut() {
            tree.lazy.remove(neighbor);
            tree.eager.remove(neighbor);
            // The next message need not wait until it is missed: whoever brings it first takes the place.
            if tree.parent.take_if(|parent| parent == neighbor).is_some() && now - tree.used_at < KEEP.1 {
                let asked: Vec<_> = tree.lazy.iter().take(RESUMED).copied().collect();
                for to in asked {
                    // No longer told not to send: of those asked, all but the first can be pruned again.
                    tree.lazy.remove(&to);
                    out.push((to, Packet::Resume(source)));
                }
            }
        }
    }

    /// How many it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(super) fn len(&self) -> usize {
        self.sources.len()
    }
}
