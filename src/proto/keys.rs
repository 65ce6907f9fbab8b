//! Whose key is whose.
//!
//! An address that is the hash of a key proves itself: its key is remembered for those who write to it, and may
//! be asked for again. One that its user claimed belongs to the first key that was seen with it, until a key
//! turns up that the address proves. Such a pin cannot be had again, so claims are kept apart, where free keys
//! cannot push them out: a full table takes no new claim before one of it was silent for a while.

use std::collections::VecDeque;
use std::time::Duration;

use super::id::Address;
use super::identity::PublicKey;
use super::map::Map;
use super::time::Instant;

/// Keys that prove their address; the one learned first is forgotten first.
const MAX_PROVEN: usize = 2048;
/// Claimed addresses.
const MAX_PINS: usize = 1024;
/// A claim that was silent for this long may give way to another.
const PIN: Duration = Duration::from_secs(1800);

/// Keys that were proven in a handshake, a message or an acknowledgement.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    proven: Map<Address, PublicKey>,
    order: VecDeque<Address>,
    /// Claims, and when they were used last.
    pins: Map<Address, (PublicKey, Instant)>,
}

impl Keys {
    pub(crate) fn get(&self, address: &Address) -> Option<PublicKey> {
        let pinned = || self.pins.get(address).map(|(key, _)| *key);
        self.proven.get(address).copied().or_else(pinned)
    }

    /// Whether an address may belong to this key, once that is proven.
    pub(crate) fn allows(&self, address: &Address, key: &PublicKey) -> bool {
        key.address() == *address || self.get(address).is_none_or(|known| known == *key)
    }

    /// Whether an address is known to belong to this key: it proves that, or is pinned to it. A first claim
    /// that comes over others is not enough: a relay would claim any address it is asked for.
    pub(crate) fn knows(&self, address: &Address, key: &PublicKey) -> bool {
        key.address() == *address || self.get(address) == Some(*key)
    }

    /// Learns a proven key. `false`: the address belongs to another one.
    pub(crate) fn learn(&mut self, address: Address, key: PublicKey, now: Instant) -> bool {
        if key.address() == address {
            self.pins.remove(&address);
            if self.proven.insert(address, key).is_none() {
                self.order.push_back(address);
            }
            if self.order.len() > MAX_PROVEN {
                self.order.pop_front().map(|oldest| self.proven.remove(&oldest));
            }
            return true;
        }
        if !self.allows(&address, &key) {
            return false;
        }
        if self.pins.len() >= MAX_PINS && !self.pins.contains_key(&address) {
            let oldest = self.pins.iter().min_by_key(|(_, (_, used))| *used);
            let Some((&oldest, _)) = oldest.filter(|(_, (_, used))| now - *used > PIN) else { return true };
            self.pins.remove(&oldest);
        }
        self.pins.insert(address, (key, now));
        true
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 3] {
        [self.proven.len(), self.order.len(), self.pins.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Identity;

    const START: Instant = Instant::from_millis(1_800_000_000_000);

    fn numbered(n: u32) -> Address {
        let mut address = Address([0; 20]);
        address.0[..4].copy_from_slice(&n.to_be_bytes());
        address
    }

    #[test]
    fn a_claimed_address_stays_with_its_first_key_unless_it_proves_another() {
        let [a, b] = [1, 2].map(|n| Identity::from_secret([n; 32]));
        let mut keys = Keys::default();
        let claimed = Address([9; 20]);
        assert!(keys.learn(claimed, a.public_key(), START));
        assert!(keys.learn(claimed, a.public_key(), START));
        assert!(!keys.learn(claimed, b.public_key(), START));
        assert!(keys.learn(b.address(), a.public_key(), START), "claimed by a first");
        assert!(keys.learn(b.address(), b.public_key(), START), "but it is b's");
        assert!(!keys.learn(b.address(), a.public_key(), START));
        assert_eq!(keys.get(&b.address()), Some(b.public_key()));
    }

    #[test]
    fn free_keys_and_free_claims_push_no_claim_out() {
        let mut keys = Keys::default();
        let [a, thief] = [1, 2].map(|n| Identity::from_secret([n; 32]).public_key());
        let claimed = Address([9; 20]);
        assert!(keys.learn(claimed, a, START));
        for n in 0..5000 {
            assert!(keys.learn(numbered(n), thief, START), "an address of nobody may be claimed");
            let key =
                PublicKey([[n as u8; 28].as_slice(), &n.to_be_bytes()].concat().try_into().expect("32"));
            assert!(keys.learn(key.address(), key, START));
        }
        assert!(!keys.learn(claimed, thief, START));
        assert_eq!(
            (keys.proven.len(), keys.order.len(), keys.pins.len()),
            (MAX_PROVEN, MAX_PROVEN, MAX_PINS)
        );
    }

    #[test]
    fn a_claim_that_fell_silent_gives_way() {
        let mut keys = Keys::default();
        let key = Identity::from_secret([1; 32]).public_key();
        for n in 0..MAX_PINS as u32 {
            keys.learn(numbered(n), key, START);
        }
        let later = START + PIN;
        keys.learn(numbered(0), key, later);
        let (late, more) = (numbered(1_000_000), later + Duration::from_secs(1));
        keys.learn(late, key, later);
        assert_eq!(keys.get(&late), None);
        keys.learn(late, key, more);
        assert_eq!((keys.get(&late), keys.get(&numbered(0))), (Some(key), Some(key)));
    }
}
