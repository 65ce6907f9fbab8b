//! The `debug` option: one line on the console per thing that happens, with its level in front.

use wasm_bindgen::JsValue;
use web_sys::console;

/// Writes to the console when `debug` is on; warnings and errors have their own events besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    on: bool,
}

impl Log {
    pub(super) fn new(on: bool) -> Self {
        Self { on }
    }

    pub(super) fn is_on(self) -> bool {
        self.on
    }

    /// What the machinery does.
    pub(super) fn debug(self, what: &str, about: impl Into<JsValue>) {
        if self.on {
            console::debug_3(&"easypeers DEBUG".into(), &what.into(), &about.into());
        }
    }

    /// What a user of the swarm would call an event.
    pub(super) fn info(self, what: &str, about: impl Into<JsValue>) {
        if self.on {
            console::info_3(&"easypeers INFO".into(), &what.into(), &about.into());
        }
    }

    /// What was refused or dropped.
    pub(super) fn warn(self, what: &str, about: impl Into<JsValue>) {
        if self.on {
            console::warn_3(&"easypeers WARN".into(), &what.into(), &about.into());
        }
    }
}
