//! The channel that all tabs of one origin hear.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use super::peer_connection::Report;
use crate::proto::{Bytes, Input};

/// Longest word that is copied; the peer drops what is above, too.
const MAX_WORD: u32 = 32 << 10;

/// An open channel; dropping it closes it.
#[must_use = "a channel that is dropped hears nothing"]
pub(super) struct Tabs {
    channel: BroadcastChannel,
    _handler: Closure<dyn Fn(MessageEvent)>,
}

impl Tabs {
    /// Whether there may be other tabs: not in Node, where such a channel leads to other threads and keeps a process alive.
    pub(super) fn are_possible() -> bool {
        let there = |name: &str| {
            Reflect::get(&js_sys::global(), &name.into()).is_ok_and(|value| !value.is_undefined())
        };
        there("BroadcastChannel") && (there("document") || there("WorkerGlobalScope"))
    }

    /// Opens it; a page that may not (an opaque origin) has none.
    pub(super) fn open(name: &str, report: Report) -> Option<Self> {
        let channel = BroadcastChannel::new(name).ok()?;
        let handler = Closure::new(move |event: MessageEvent| {
            let data = event.data();
            if let Some(word) = data.dyn_ref::<Uint8Array>().filter(|word| word.length() <= MAX_WORD) {
                report(Input::TabsMessage(Bytes(word.to_vec())));
            }
        });
        channel.set_onmessage(Some(handler.as_ref().unchecked_ref()));
        Some(Self { channel, _handler: handler })
    }

    pub(super) fn say(&self, word: &[u8]) {
        // It throws when the page is gone.
        let _ = self.channel.post_message(&Uint8Array::from(word));
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        self.channel.set_onmessage(None);
        self.channel.close();
    }
}
