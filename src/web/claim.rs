//! A name that one page of a browser holds at a time: the Web Locks API.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

#[wasm_bindgen]
extern "C" {
    /// `web-sys` has it behind a flag of the compiler.
    type LockManager;
    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, granted: &JsValue) -> Result<Promise, JsValue>;
}

/// How far a claim is.
enum State {
    /// Another page holds the name; this is called when it is free.
    Waiting(Box<dyn FnOnce()>),
    /// This page holds it until this is called.
    Held(Option<Function>),
    /// Nobody wants it any more.
    Dropped,
}

/// A claim to a name, which waits its turn. Dropping it gives the name to the next page.
#[must_use = "a claim that is dropped is none"]
pub(super) struct Claim(Rc<RefCell<State>>);

impl Claim {
    /// Claims a name; `granted` is called as soon as no other page holds it, and never within this call. `None`: there are no
    /// such names here, which is so in Node, on pages of `http:` and in frames of an opaque origin.
    pub(super) fn of(name: &str, granted: impl FnOnce() + 'static) -> Option<Self> {
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
        let locks = Reflect::get(&navigator, &"locks".into()).ok().filter(JsValue::is_object)?;
        let state = Rc::new(RefCell::new(State::Waiting(Box::new(granted))));
        let held = state.clone();
        let call = Closure::once_into_js(move || hold(&held));
        let asked = locks.unchecked_ref::<LockManager>().request(name, &call).ok()?;
        // Where it is forbidden, nobody else has it either.
        let refused = state.clone();
        spawn_local(async move {
            if JsFuture::from(asked).await.is_err() {
                let _none = hold(&refused);
            }
        });
        Some(Self(state))
    }
}

/// The name is this page's: a promise that ends when it is no more.
fn hold(state: &Rc<RefCell<State>>) -> JsValue {
    let before = state.replace(State::Held(None));
    let State::Waiting(granted) = before else {
        state.replace(before);
        return JsValue::UNDEFINED;
    };
    let promise = Promise::new(&mut |release, _| drop(state.replace(State::Held(Some(release)))));
    granted();
    promise.into()
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let State::Held(Some(release)) = self.0.replace(State::Dropped) {
            // What ends a promise never throws.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// A claim, and a promise that it is granted.
    fn claim(name: &str) -> (Claim, Promise, Rc<Cell<bool>>) {
        let granted = Rc::<Cell<bool>>::default();
        let mut claim = None;
        let promise = Promise::new(&mut |resolve, _| {
            let granted = granted.clone();
            claim = Claim::of(name, move || {
                granted.set(true);
                resolve.call0(&JsValue::UNDEFINED).expect("resolve never throws");
            });
        });
        (claim.expect("the tests run where there are locks"), promise, granted)
    }

    #[wasm_bindgen_test]
    async fn a_name_is_held_by_one_and_goes_to_the_next_that_still_wants_it() {
        let (first, granted, _) = claim("a name");
        JsFuture::from(granted).await.expect("it is free");
        let (second, _, second_granted) = claim("a name");
        let (_third, third_granted, _) = claim("a name");
        let (_other, granted, _) = claim("another name");
        JsFuture::from(granted).await.expect("it is free");
        assert!(!second_granted.get(), "the first one holds it");
        drop(second);
        drop(first);
        JsFuture::from(third_granted).await.expect("it is free");
        assert!(!second_granted.get(), "it wants it no more");
    }
}
