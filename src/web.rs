//! The browser around the core.
//!
//! The [`driver`] owns one [`Peer`](crate::proto::Peer) and the objects of the browser that it works with.
//! Whatever a peripheral hears becomes an [`Input`](crate::proto::Input); whatever the peer wants becomes a
//! call on a peripheral, in the one match over [`Output`](crate::proto::Output) that `driver` holds. Nothing
//! here decides anything about the protocol.
//!
//! ```text
//! easypeers   the exported class ─┐                    ┌─ websocket, peer_connection   peripherals: they
//! options, parcel, convert        │                    │  rtc, rtc_config, lifecycle   report by a closure
//! emitter, channel, outcome       ├── driver ── Peer ──┼─ policy, abort                and know no driver
//! snapshot, error, notice, ...   ─┘                    └─ timer, clock, steps
//! ```
//!
//! JavaScript is only what a Rust struct cannot say: see `easypeers.js`.
//!
//! Nothing here touches `window`: the same module runs in Node, where `rtc` is brought by the entry of the package.

mod abort;
mod channel;
mod claim;
mod clock;
mod convert;
mod diagnosis;
mod driver;
mod easypeers;
mod emitter;
mod error;
mod lifecycle;
mod log;
mod notice;
mod options;
mod outcome;
mod parcel;
mod peer_connection;
mod policy;
mod presence;
mod rtc;
mod rtc_config;
mod snapshot;
mod steps;
mod table;
mod tabs;
mod timer;
mod trouble;
mod websocket;

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
