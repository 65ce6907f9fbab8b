//! Whose key is whose.
//!
//! An address that is the hash of a key proves itself. One that its user claimed belongs to the first key
//! that was seen with it, until a key turns up that the address proves.

use std::collections::VecDeque;

use super::id::Address;
use super::identity::PublicKey;
use super::map::Map;

/// Keys remembered; the one learned first is forgotten first.
const MAX_KEYS: usize = 2048;

/// Keys that were proven in a handshake, a message or an acknowledgement.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    keys: Map<Address, PublicKey>,
    order: VecDeque<Address>,
}

impl Keys {
    pub(crate) fn get(&self, address: &Address) -> Option<PublicKey> {
        self.keys.get(address).copied()
    }

    /// Whether an address may belong to this key, once that is proven.
    pub(crate) fn allows(&self, address: &Address, key: &PublicKey) -> bool {
        self.keys.get(address).is_none_or(|known| known == key || key.address() == *address)
    }

    /// Learns a proven key. `false`: the address belongs to another one.
    pub(crate) fn learn(&mut self, address: Address, key: PublicKey) -> bool {
        if !self.allows(&address, &key) {
            return false;
        }
        if !self.keys.contains_key(&address) {
            if self.order.len() >= MAX_KEYS {
                self.order.pop_front().map(|oldest| self.keys.remove(&oldest));
            }
            self.order.push_back(address);
        }
        self.keys.insert(address, key);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Identity;

    #[test]
    fn a_claimed_address_stays_with_its_first_key_unless_it_proves_another() {
        let (a, b) = (Identity::from_secret([1; 32]), Identity::from_secret([2; 32]));
        let mut keys = Keys::default();
        let claimed = Address([9; 20]);
        assert!(keys.learn(claimed, a.public_key()));
        assert!(keys.learn(claimed, a.public_key()));
        assert!(!keys.learn(claimed, b.public_key()));
        assert!(keys.learn(b.address(), a.public_key()), "claimed by a first");
        assert!(keys.learn(b.address(), b.public_key()), "but it is b's");
        assert!(!keys.learn(b.address(), a.public_key()));
    }

    #[test]
    fn no_more_keys_are_kept_than_allowed() {
        let mut keys = Keys::default();
        let key = Identity::from_secret([1; 32]).public_key();
        for i in 0..MAX_KEYS as u32 + 10 {
            let mut address = Address([0; 20]);
            address.0[..4].copy_from_slice(&i.to_be_bytes());
            keys.learn(address, key);
        }
        assert_eq!((keys.keys.len(), keys.order.len()), (MAX_KEYS, MAX_KEYS));
    }
}
