//! The browser around the core.
