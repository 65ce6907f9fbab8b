//! What the page hears though it asked for nothing: a `warning`, or an `error` that no call could throw.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::console;

use crate::proto::Warning;

/// A warning or an error, by its code and in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    /// Nothing connects as long as it is so: `error`, and not `warning`.
    pub(super) grave: bool,
    pub(super) code: &'static str,
    pub(super) text: String,
}

impl Notice {
    pub(super) fn warning(code: &'static str, text: String) -> Self {
        Self { grave: false, code, text }
    }

    pub(super) fn error(code: &'static str, text: String) -> Self {
        Self { grave: true, code, text }
    }
}

impl From<Warning> for Notice {
    fn from(Warning { code, text }: Warning) -> Self {
        Self::warning(code, text)
    }
}

/// Where the shell itself says something.
pub(super) type Tell = Rc<dyn Fn(Notice)>;

/// What waits to be told, and what the console was told already.
#[derive(Debug, Default)]
pub(super) struct Notices {
    waiting: RefCell<VecDeque<Notice>>,
    logged: RefCell<Vec<&'static str>>,
}

impl Notices {
    pub(super) fn push(&self, notice: Notice) {
        self.waiting.borrow_mut().push_back(notice);
    }

    pub(super) fn next(&self) -> Option<Notice> {
        self.waiting.borrow_mut().pop_front()
    }

    /// Writes to the console what nobody listened to: of each kind the first, for it may come again and again.
    pub(super) fn log(&self, grave: bool, code: &'static str, shown: &JsValue) {
        if self.logged.borrow().contains(&code) {
            return;
        }
        self.logged.borrow_mut().push(code);
        match grave {
            true => console::error_3(&"easypeers ERROR".into(), &code.into(), shown),
            false => console::warn_3(&"easypeers WARN".into(), &code.into(), shown),
        }
    }
}
