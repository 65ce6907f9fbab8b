//! Ordered maps and sets for the few entries that a peer holds: sorted vectors.
//!
//! They are used in the words of `BTreeMap` and `BTreeSet` and iterate in the same order. Those would do, but
//! each pair of types costs 8 kB of code there and 1 kB here, and every visitor downloads some thirty pairs.
//! Past some thousand entries moving them begins to cost more than a tree would: those are on
//! [`shelves`](mod@super::shelves). The crate litemap in place of [`Map`]
//! is 4.9 kB more, compressed, and has no sets, no `values_mut`, no `extract_if` and no `retain` that changes values.

/// A map, ordered by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map<K, V>(Vec<(K, V)>);

/// The entries of a [`Map`]. A type with a name may be borrowed from for less long than an `impl Iterator`.
pub(crate) type Iter<'a, K, V> =
    std::iter::Map<std::slice::Iter<'a, (K, V)>, fn(&'a (K, V)) -> (&'a K, &'a V)>;

impl<K: Ord, V> Map<K, V> {
    /// An empty map.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Where a key is, or where it belongs.
    fn find(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(at, _)| at.cmp(key))
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is an entry of this key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.find(key).is_ok()
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.find(key).ok().map(|at| &mut self.0[at].1)
    }

    /// The place of a key, with a value or without.
    pub fn entry(&mut self, key: K) -> Entry<'_, K, V> {
        Entry { place: self.find(&key), key, map: self }
    }

    /// Puts an entry in; the value that gave way to it.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    /// Keeps the entries that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    /// Takes out the entries that `take` says.
    pub fn extract_if(&mut self, mut take: impl FnMut(&K, &mut V) -> bool) -> impl Iterator<Item = (K, V)> {
        self.0.extract_if(.., move |(key, value)| take(key, value))
    }

    /// The entries.
    pub fn iter(&self) -> Iter<'_, K, V> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The entries, their values to be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&K, &mut V)> {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// The keys.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

/// The place of a key in a [`Map`].
#[derive(Debug)]
pub struct Entry<'a, K, V> {
    map: &'a mut Map<K, V>,
    key: K,
    place: Result<usize, usize>,
}

impl<'a, K, V> Entry<'a, K, V> {
    /// Changes the value, if there is one.
    pub fn and_modify(self, change: impl FnOnce(&mut V)) -> Self {
        if let Ok(at) = self.place {
            change(&mut self.map.0[at].1);
        }
        self
    }

    /// The value, this one where there is none.
    pub fn or_insert(self, value: V) -> &'a mut V {
        let at = self.place.unwrap_or_else(|at| {
            self.map.0.insert(at, (self.key, value));
            at
        });
        &mut self.map.0[at].1
    }

    /// The value, the default where there is none.
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert(V::default())
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        entries.into_iter().for_each(|(key, value)| {
            self.insert(key, value);
        });
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A set, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set<K>(Vec<K>);

impl<K: Ord> Set<K> {
    /// An empty set.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many there are.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no element.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this is an element.
    pub(crate) fn contains(&self, key: &K) -> bool {
        self.0.binary_search(key).is_ok()
    }

    /// Puts an element in; `false` if it was there.
    pub(crate) fn insert(&mut self, key: K) -> bool {
        let place = self.0.binary_search(&key);
        if let Err(at) = place {
            self.0.insert(at, key);
        }
        place.is_err()
    }

    /// Takes an element out; `false` if it was not there.
    pub(crate) fn remove(&mut self, key: &K) -> bool {
        let place = self.0.binary_search(key);
        if let Ok(at) = place {
            self.0.remove(at);
        }
        place.is_ok()
    }

    /// Takes all elements out.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The elements.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, K> {
        self.0.iter()
    }
}

impl<K> Default for Set<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord> FromIterator<K> for Set<K> {
    fn from_iter<I: IntoIterator<Item = K>>(keys: I) -> Self {
        let mut set = Self::new();
        set.extend(keys);
        set
    }
}

impl<K: Ord> Extend<K> for Set<K> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        keys.into_iter().for_each(|key| {
            self.insert(key);
        });
    }
}

impl<K> IntoIterator for Set<K> {
    type Item = K;
    type IntoIter = std::vec::IntoIter<K>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K> IntoIterator for &'a Set<K> {
    type Item = &'a K;
    type IntoIter = std::slice::Iter<'a, K>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// What may be done with an entry; keys are few, so that they meet.
    #[derive(Debug, Clone)]
    enum Step {
        Insert(u8),
        Remove(u8),
        Add(u8),
        Clear,
        Retain(u8),
        Extract(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let key = 0..32u8;
        let step = prop_oneof![
            4 => key.clone().prop_map(Step::Insert),
            2 => key.clone().prop_map(Step::Remove),
            2 => key.clone().prop_map(Step::Add),
            1 => Just(Step::Clear),
            1 => (1..8u8).prop_map(Step::Retain),
            1 => (1..8u8).prop_map(Step::Extract),
        ];
        prop::collection::vec(step, 0..100)
    }

    proptest! {
        #[test]
        fn a_map_does_what_a_btree_map_does(steps in steps()) {
            let (mut map, mut model) = (Map::new(), BTreeMap::new());
            for (time, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert(key) => prop_assert_eq!(map.insert(key, time), model.insert(key, time)),
                    Step::Remove(key) => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                    Step::Add(key) => {
                        *map.entry(key).and_modify(|value| *value += 7).or_default() += 1;
                        *model.entry(key).and_modify(|value| *value += 7).or_default() += 1;
                    }
                    Step::Clear => {
                        map.retain(|_, _| false);
                        model.clear();
                    }
                    Step::Retain(by) => {
                        map.retain(|key, _| key % by == 0);
                        model.retain(|key, _| key % by == 0);
                    }
                    Step::Extract(by) => prop_assert!(
                        map.extract_if(|key, _| key % by == 0).eq(model.extract_if(.., |key, _| key % by == 0))
                    ),
                }
                prop_assert!(map.iter().eq(model.iter()));
                prop_assert!((0..32).all(|key| map.get(&key) == model.get(&key)));
            }
        }

        #[test]
        fn a_set_does_what_a_btree_set_does(steps in steps()) {
            let (mut set, mut model) = (Set::new(), BTreeSet::new());
            for step in steps {
                match step {
                    Step::Insert(key) | Step::Add(key) => prop_assert_eq!(set.insert(key), model.insert(key)),
                    Step::Remove(key) => prop_assert_eq!(set.remove(&key), model.remove(&key)),
                    Step::Retain(by) | Step::Extract(by) => {
                        set.extend((0..32).filter(|key| key % by == 0));
                        model.extend((0..32).filter(|key| key % by == 0));
                    }
                    Step::Clear => {
                        set.clear();
                        model.clear();
                    }
                }
                prop_assert!(set.iter().eq(model.iter()));
                prop_assert!((0..32).all(|key| set.contains(&key) == model.contains(&key)));
            }
        }
    }
}
