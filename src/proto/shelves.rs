//! A map of the many messages that a peer remembers, by their names: some [`Map`]s in place of one.
//!
//! To put one more into a sorted vector of 32,768 moves half of it, 60 µs in a page; here it is a sixty-fourth of that. Names are
//! hashes, so they spread over all by themselves. Whoever picks its own can put all of them on one shelf, at the price of 64
//! hashes each, and then it is as slow as one map.

use super::id::MessageId;
use super::map::Map;

/// How many maps there are, once there is an entry.
const SHELVES: usize = 64;

/// The map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shelves<V>(Vec<Map<MessageId, V>>);

impl<V> Default for Shelves<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Shelves<V> {
    fn place(name: &MessageId) -> usize {
        usize::from(name.0[0]) % SHELVES
    }

    pub(crate) fn contains_key(&self, name: &MessageId) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn get(&self, name: &MessageId) -> Option<&V> {
        self.0.get(Self::place(name))?.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &MessageId) -> Option<&mut V> {
        self.0.get_mut(Self::place(name))?.get_mut(name)
    }

    pub(crate) fn insert(&mut self, name: MessageId, value: V) -> Option<V> {
        if self.0.is_empty() {
            self.0.resize_with(SHELVES, Map::new);
        }
        self.0[Self::place(&name)].insert(name, value)
    }

    pub(crate) fn remove(&mut self, name: &MessageId) -> Option<V> {
        self.0.get_mut(Self::place(name))?.remove(name)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&MessageId, &mut V) -> bool) {
        self.0.iter_mut().for_each(|shelf| shelf.retain(&mut keep));
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().flat_map(Map::values_mut)
    }

    #[cfg(test)]
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().flat_map(Map::values)
    }

    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(Map::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_does_what_one_map_does(steps in prop::collection::vec((any::<bool>(), 0u8..80, any::<u8>()), 0..300)) {
            let (mut shelves, mut map) = (Shelves::default(), Map::new());
            for (inserts, name, value) in steps {
                let name = MessageId([name; 20]);
                if inserts {
                    prop_assert_eq!(shelves.insert(name, value), map.insert(name, value));
                } else {
                    prop_assert_eq!(shelves.remove(&name), map.remove(&name));
                }
                prop_assert_eq!(shelves.get(&name), map.get(&name));
                prop_assert_eq!(shelves.len(), map.len());
            }
            let odd = |_: &MessageId, value: &mut u8| *value % 2 == 1;
            shelves.retain(odd);
            map.retain(odd);
            let (mut here, mut there): (Vec<_>, Vec<_>) = (shelves.values().collect(), map.values().collect());
            here.sort_unstable();
            there.sort_unstable();
            prop_assert_eq!(here, there);
        }
    }
}
