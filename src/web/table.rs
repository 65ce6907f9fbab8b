//! Objects by name, which may call back at any time.

use std::cell::RefCell;
use std::rc::Rc;

/// Things by name, in the order of their making: the oldest is wanted first, and there are few.
pub(super) struct Table<K, V>(RefCell<Vec<(K, Rc<V>)>>);

impl<K: Copy + PartialEq, V> Table<K, V> {
    /// Puts a thing in.
    pub(super) fn insert(&self, key: K, value: Rc<V>) {
        self.0.borrow_mut().push((key, value));
    }

    /// A thing, to be called with no borrow alive.
    pub(super) fn get(&self, key: K) -> Option<Rc<V>> {
        self.0.borrow().iter().find(|(known, _)| *known == key).map(|(_, value)| value.clone())
    }

    /// Takes a thing out, to be dropped with no borrow alive: what its `Drop` calls may look at the table again.
    pub(super) fn take(&self, key: K) -> Option<Rc<V>> {
        let at = self.0.borrow().iter().position(|(known, _)| *known == key)?;
        Some(self.0.borrow_mut().remove(at).1)
    }

    /// Takes all things out, the oldest first.
    pub(super) fn take_all(&self) -> Vec<(K, Rc<V>)> {
        self.0.take()
    }

    /// The names, the oldest first.
    pub(super) fn keys(&self) -> Vec<K> {
        self.0.borrow().iter().map(|&(key, _)| key).collect()
    }

    /// Whether nothing is there.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}
