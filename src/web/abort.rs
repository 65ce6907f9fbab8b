//! The page's `AbortSignal`.

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

/// A signal that was given: whatever has the two members of an `AbortSignal` that matter is one, of any frame or library.
#[derive(Debug, Clone)]
pub(super) struct Signal(EventTarget);

impl Signal {
    pub(super) fn read(value: &JsValue) -> Option<Self> {
        let get = |name: &str| Reflect::get(value, &name.into()).unwrap_or_default();
        let is_signal = value.is_object()
            && get("aborted").as_bool().is_some()
            && get("addEventListener").is_instance_of::<Function>()
            && get("removeEventListener").is_instance_of::<Function>();
        is_signal.then(|| Self(value.clone().unchecked_into()))
    }

    pub(super) fn is_aborted(&self) -> bool {
        Reflect::get(&self.0, &"aborted".into()).is_ok_and(|aborted| aborted.is_truthy())
    }

    /// Calls `abort` when it aborts.
    pub(super) fn watch(&self, abort: impl Fn() + 'static) -> Watch {
        let listener = Closure::<dyn Fn()>::new(abort);
        // What is no signal after all never aborts.
        let _ = self.0.add_event_listener_with_callback(ABORT, listener.as_ref().unchecked_ref());
        Watch { signal: self.0.clone(), listener }
    }
}

const ABORT: &str = "abort";

/// Listens until it is dropped: signals outlive what they are for.
#[must_use = "a watch that is dropped hears nothing"]
pub(super) struct Watch {
    signal: EventTarget,
    listener: Closure<dyn Fn()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ =
            self.signal.remove_event_listener_with_callback(ABORT, self.listener.as_ref().unchecked_ref());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn a_signal_is_heard_until_its_watch_is_dropped() {
        for (dropped, times) in [(false, 1), (true, 0)] {
            let controller = js_sys::eval("new AbortController()").expect("JavaScript");
            let get = |name: &str| Reflect::get(&controller, &name.into()).expect("a member");
            let signal = Signal::read(&get("signal")).expect("a signal");
            let heard = Rc::new(Cell::new(0));
            let watch = signal.watch({
                let heard = heard.clone();
                move || heard.set(heard.get() + 1)
            });
            let watch = Some(watch).filter(|_| !dropped);
            get("abort").unchecked_into::<Function>().call0(&controller).expect("it aborts");
            assert_eq!((heard.get(), signal.is_aborted()), (times, true));
            drop(watch);
        }
    }

    #[wasm_bindgen_test]
    fn what_is_no_signal_is_told_from_one() {
        for odd in ["null", "5", "({})", "({ aborted: false })", "new AbortController()", "new EventTarget()"]
        {
            let odd = js_sys::eval(odd).expect("JavaScript");
            assert!(Signal::read(&odd).is_none(), "{odd:?}");
        }
    }
}
