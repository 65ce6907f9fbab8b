//! Whose key is whose, for those who write to others.
//!
//! An address is the hash of a key and proves it, so there is nothing to believe: what is kept here only spares a question
//! (see [`Kind::KeyQuery`](super::messaging::message::Kind)). Keys of neighbors are with their links. Those that answered this
//! peer are kept apart from those that were merely heard, of which anybody can make as many as it likes.
//!
//! What somebody *claims* to be called lives in a namespace of its own. Anybody may claim any name, so nothing is routed or
//! sealed by one unless the page asks for just that.

use std::collections::VecDeque;

use super::id::Address;
use super::identity::{Pairs, PublicKey, Roots};
use super::map::Map;

/// Keys of those that answered, and of those that were heard: the ones learned first are forgotten first.
const MAX_ANSWERED: usize = 1024;
const MAX_HEARD: usize = 2048;
/// Claimed names.
const MAX_NAMES: usize = 1024;

/// Keys that were proven in an admission, a message or an acknowledgement.
#[derive(Debug)]
pub(crate) struct Keys {
    answered: Table,
    heard: Table,
    /// Who goes by a name, by the last that was heard of it.
    names: Table,
    /// What was agreed with those that this peer talks with.
    pub(crate) pairs: Pairs,
    /// What others proved, for what they say along with it.
    pub(crate) roots: Roots,
}

#[derive(Debug)]
struct Table {
    keys: Map<Address, PublicKey>,
    order: VecDeque<Address>,
    most: usize,
}

impl Table {
    fn new(most: usize) -> Self {
        Self { keys: Map::new(), order: VecDeque::new(), most }
    }

    fn insert(&mut self, address: Address, key: PublicKey) {
        if self.keys.insert(address, key).is_none() {
            self.order.push_back(address);
        }
        if self.order.len() > self.most {
            self.order.pop_front().map(|oldest| self.keys.remove(&oldest));
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            answered: Table::new(MAX_ANSWERED),
            heard: Table::new(MAX_HEARD),
            names: Table::new(MAX_NAMES),
            pairs: Pairs::default(),
            roots: Roots::default(),
        }
    }
}

impl Keys {
    /// The key of an address.
    pub(crate) fn get(&self, address: &Address) -> Option<PublicKey> {
        self.answered.keys.get(address).or_else(|| self.heard.keys.get(address)).copied()
    }

    /// The key of somebody who claims a name.
    pub(crate) fn named(&self, name: &Address) -> Option<PublicKey> {
        self.names.keys.get(name).copied()
    }

    /// A key acknowledged what this peer sent it.
    pub(crate) fn answered(&mut self, key: PublicKey) {
        self.answered.insert(key.address(), key);
    }

    /// A key said something, under this name.
    pub(crate) fn heard(&mut self, key: PublicKey, name: Address) {
        let address = key.address();
        if name != address {
            self.names.insert(name, key);
        }
        if !self.answered.keys.contains_key(&address) {
            self.heard.insert(address, key);
        }
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 3] {
        assert!(self.roots.len() <= 1024, "{} roots", self.roots.len());
        [&self.answered, &self.heard, &self.names].map(|table| {
            assert_eq!(table.keys.len(), table.order.len());
            table.keys.len()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Identity;

    fn numbered(n: u32) -> PublicKey {
        PublicKey([[n as u8; 28].as_slice(), &n.to_be_bytes()].concat().try_into().expect("32"))
    }

    #[test]
    fn free_keys_push_out_nobody_that_answered() {
        let mut keys = Keys::default();
        let friend = Identity::from_secret([1; 32]).public_key();
        keys.answered(friend);
        for n in 0..5000 {
            keys.heard(numbered(n), numbered(n).address());
        }
        assert_eq!(keys.get(&friend.address()), Some(friend));
        assert_eq!(keys.sizes(), [1, MAX_HEARD, 0]);
        assert_eq!(keys.get(&numbered(0).address()), None);
        assert_eq!(keys.get(&numbered(4999).address()), Some(numbered(4999)));
    }

    #[test]
    fn a_claimed_name_is_no_address_whatever_it_is() {
        let mut keys = Keys::default();
        let [victim, thief] = [1, 2].map(|n| Identity::from_secret([n; 32]).public_key());
        keys.heard(thief, victim.address());
        assert_eq!(keys.get(&victim.address()), None);
        assert_eq!(keys.named(&victim.address()), Some(thief), "for those who ask for just that");
        keys.heard(victim, victim.address());
        assert_eq!(keys.get(&victim.address()), Some(victim));
        assert_eq!(keys.named(&victim.address()), Some(thief), "its own address is no claim");
        for n in 0..5000 {
            keys.heard(thief, numbered(n).address());
        }
        assert_eq!(keys.sizes()[2], MAX_NAMES);
    }
}
