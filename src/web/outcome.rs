//! How something ended, for whoever asks: a promise that is made only when somebody wants it.

use std::cell::RefCell;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;

use super::error::Error;

/// Ends once. A failure that nobody asked about is never an unhandled rejection, because no promise exists.
#[derive(Debug)]
pub(super) struct Outcome(RefCell<State>);

#[derive(Debug)]
enum State {
    /// Not ended; each who asked left `resolve` and `reject`.
    Waiting(Vec<(Function, Function)>),
    /// The error becomes one of JavaScript for each who asks: such an error remembers the calls it was made
    /// in and their objects, and would keep the instance that keeps it.
    Ended(Result<JsValue, Error>),
}

impl Default for Outcome {
    fn default() -> Self {
        Self(RefCell::new(State::Waiting(Vec::new())))
    }
}

impl Outcome {
    /// Ends it; the first end counts.
    pub(super) fn end(&self, result: Result<JsValue, Error>) {
        if let State::Waiting(asked) = &mut *self.0.borrow_mut() {
            let asked = std::mem::take(asked);
            asked.iter().for_each(|(resolve, reject)| tell(&result, resolve, reject));
        } else {
            return;
        }
        self.0.replace(State::Ended(result));
    }

    /// Whether it has ended.
    pub(super) fn ended(&self) -> bool {
        matches!(*self.0.borrow(), State::Ended(_))
    }

    /// A promise of the end.
    pub(super) fn promise(&self) -> Promise {
        Promise::new(&mut |resolve, reject| match &mut *self.0.borrow_mut() {
            State::Waiting(asked) => asked.push((resolve, reject)),
            State::Ended(result) => tell(result, &resolve, &reject),
        })
    }
}

fn tell(result: &Result<JsValue, Error>, resolve: &Function, reject: &Function) {
    let (call, value) = match result.clone() {
        Ok(value) => (resolve, value),
        Err(error) => (reject, error.into()),
    };
    // The functions that a promise hands out never throw, and run no code of the page.
    let _ = call.call1(&JsValue::UNDEFINED, &value);
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn who_asks_before_and_who_asks_after_hear_the_same() {
        let outcome = Outcome::default();
        let before = outcome.promise();
        outcome.end(Ok(1.into()));
        outcome.end(Err(Error::Closed));
        assert_eq!(before.await, Ok(1.into()));
        assert_eq!(outcome.promise().await, Ok(1.into()));
    }

    #[wasm_bindgen_test]
    async fn a_failure_rejects() {
        let outcome = Outcome::default();
        let before = outcome.promise();
        outcome.end(Err(Error::Closed));
        assert!(outcome.ended());
        assert!(before.await.is_err());
        assert!(outcome.promise().await.is_err());
    }
}
