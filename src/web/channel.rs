//! `easypeers.channel(name)`: messages of that name only, on the same mesh.
#![expect(missing_debug_implementations, reason = "what is exported to JavaScript is not printed by Rust")]

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

use super::driver::Driver;
use super::easypeers::{Delivery, request, send};
use super::emitter::{Emitter, Turn};
use super::error::Error;

/// What an open channel hears with. Several may have one name.
#[derive(Debug, Default)]
pub(super) struct Ear {
    pub(super) name: String,
    pub(super) page: Rc<Emitter>,
    closed: Cell<bool>,
}

impl Ear {
    pub(super) fn new(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// It hears no more.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.page.clear();
    }
}

/// A channel of an instance.
#[wasm_bindgen(skip_typescript)]
pub struct Channel {
    driver: Rc<Driver>,
    ear: Rc<Ear>,
}

impl Channel {
    pub(super) fn new(driver: &Rc<Driver>, ear: Rc<Ear>) -> Self {
        Self { driver: driver.clone(), ear }
    }

    fn open(&self) -> Result<&Rc<Driver>, Error> {
        match self.ear.closed.get() {
            _ if self.driver.closed() => Err(Error::Closed),
            true => Err(Error::ChannelClosed),
            false => Ok(&self.driver),
        }
    }

    fn add(&self, this: JsValue, args: &Array, turn: Turn) -> Result<(), Error> {
        if self.closed() {
            return Ok(());
        }
        self.ear.page.add(this, args.get(0), args.get(1), turn, false)
    }
}

#[wasm_bindgen]
impl Channel {
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.ear.name.clone()
    }

    #[wasm_bindgen(variadic)]
    pub fn send(&self, args: &Array) -> Result<Delivery, JsValue> {
        send(self.open()?, Some(&self.ear.name), args)
    }

    #[wasm_bindgen(variadic)]
    pub fn request(&self, args: &Array) -> Result<Promise, JsValue> {
        request(self.open()?, Some(&self.ear.name), args)
    }

    // Listeners, as those of the instance.

    pub fn on(&self, this: JsValue, args: &Array) -> Result<(), Error> {
        self.add(this, args, Turn::Always)
    }

    pub fn once(&self, this: JsValue, args: &Array) -> Result<(), Error> {
        self.add(this, args, Turn::Once)
    }

    pub fn off(&self, _this: JsValue, args: &Array) -> Result<(), Error> {
        self.ear.page.off(args)
    }

    #[wasm_bindgen(js_name = listenerCount)]
    pub fn listener_count(&self, event: &JsValue) -> usize {
        self.ear.page.count(event)
    }

    pub fn close(&self) {
        self.driver.close_channel(&self.ear);
    }

    #[wasm_bindgen(getter)]
    pub fn closed(&self) -> bool {
        self.ear.closed.get() || self.driver.closed()
    }
}
