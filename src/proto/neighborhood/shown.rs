//! A part of a peer that the neighborhood shows, and whether it may have changed since.

use std::ops::{Deref, DerefMut};

/// Whoever takes hold of the part to change it, marks it; so the snapshot is made anew when it has to be, and only then.
#[derive(Debug)]
pub(crate) struct Shown<T> {
    part: T,
    touched: bool,
}

impl<T> Shown<T> {
    pub(crate) fn new(part: T) -> Self {
        Self { part, touched: true }
    }

    /// Whether somebody took hold of it since it was [`shown`](Self::show) last.
    pub(crate) fn is_touched(&self) -> bool {
        self.touched
    }

    /// The part, to be shown as it is now.
    pub(crate) fn show(&mut self) -> &mut T {
        self.touched = false;
        &mut self.part
    }

    /// The part, to change what the neighborhood does not show.
    pub(crate) fn aside(&mut self) -> &mut T {
        &mut self.part
    }
}

impl<T> Deref for Shown<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.part
    }
}

impl<T> DerefMut for Shown<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.touched = true;
        &mut self.part
    }
}
