//! What the page says of itself, and what others say of themselves: small values, known to everybody.

use std::rc::Rc;

use js_sys::{Object, Reflect};
use wasm_bindgen::JsValue;

use super::convert;
use super::driver::Driver;
use super::error::Error;
use super::snapshot;
use crate::proto::{Address, Bytes, MAX_STATE};

/// What to say of the page; nothing for `null` and `undefined`.
pub(super) fn set(driver: &Rc<Driver>, value: &JsValue) -> Result<(), JsValue> {
    let state = match value {
        none if none.is_null() || none.is_undefined() => Vec::new(),
        value => convert::encode(value, driver.limit(), Vec::new())?,
    };
    let size = state.len();
    if !driver.set_presence(Bytes(state)) {
        let text = format!(
            "a presence has at most {MAX_STATE} bytes, and this one {size}: send the rest as a message"
        );
        return Err(Error::TooLarge(text).into());
    }
    Ok(())
}

/// A copy of what is said of this page.
pub(super) fn own(state: &Bytes) -> JsValue {
    convert::decode(&state.0).unwrap_or_default()
}

/// What each other peer says of itself, by its address. One that is proven comes before others that claim the same.
pub(super) fn all<'a>(known: impl Iterator<Item = (Address, bool, &'a [u8])>) -> JsValue {
    let mut known: Vec<_> = known.collect();
    known.sort_by_key(|&(_, verified, _)| verified);
    let all = Object::new();
    for (address, _, state) in known {
        if let Some(state) = convert::decode(state) {
            Reflect::set(&all, &snapshot::hex(&address), &state).expect("it is an object of ours");
        }
    }
    all.into()
}
