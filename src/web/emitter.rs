//! Listeners of the page, with the meaning of [Node's EventEmitter](https://nodejs.org/api/events.html). They are
//! kept by the class `Emitter` in easypeers.js.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/web/easypeers.js")]
extern "C" {
    /// All listeners of one instance, in the order of their registration.
    #[derive(Debug, Clone)]
    pub(super) type Emitter;

    #[wasm_bindgen(constructor)]
    pub(super) fn new() -> Emitter;

    /// Calls every listener of an event that the page did not ask for in this call stack; whether there was one.
    /// What one throws is reported as an uncaught error, and the next is called.
    #[wasm_bindgen(method)]
    pub(super) fn announce(this: &Emitter, event: &str, value: &JsValue) -> bool;

    /// Removes all listeners.
    #[wasm_bindgen(method)]
    pub(super) fn clear(this: &Emitter);

    /// Hands something thrown to the page's error reporting.
    pub(super) fn report(thrown: &JsValue);

    /// Adds a listener, for one event or for all to come.
    #[cfg(test)]
    #[wasm_bindgen(method, catch)]
    pub(super) fn add(
        this: &Emitter,
        target: JsValue,
        event: JsValue,
        call: JsValue,
        once: bool,
    ) -> Result<(), JsValue>;

    /// Removes the latest registration of a listener, as Node does.
    #[cfg(test)]
    #[wasm_bindgen(method, catch)]
    pub(super) fn remove(this: &Emitter, event: &JsValue, call: JsValue) -> Result<(), JsValue>;

    /// Removes all listeners of an event.
    #[cfg(test)]
    #[wasm_bindgen(method, js_name = removeEvent)]
    pub(super) fn remove_event(this: &Emitter, event: &JsValue);

    /// How many listeners an event has.
    #[cfg(test)]
    #[wasm_bindgen(method)]
    pub(super) fn count(this: &Emitter, event: &JsValue) -> usize;
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    type Heard = Rc<RefCell<Vec<String>>>;

    fn listener(heard: &Heard, name: &str) -> Closure<dyn Fn(JsValue)> {
        let (heard, name) = (heard.clone(), name.to_string());
        Closure::new(move |arg: JsValue| {
            heard.borrow_mut().push([&name, " ", &arg.as_string().unwrap_or_default()].concat())
        })
    }

    fn on(emitter: &Emitter, event: &str, listener: &JsValue) {
        emitter.add(JsValue::NULL, event.into(), listener.clone(), false).expect("a listener is a function");
    }

    #[wasm_bindgen_test]
    fn listeners_are_called_in_order_with_the_argument() {
        let (emitter, heard) = (Emitter::new(), Heard::default());
        let (a, b) = (listener(&heard, "a"), listener(&heard, "b"));
        on(&emitter, "x", a.as_ref());
        on(&emitter, "y", a.as_ref());
        on(&emitter, "x", b.as_ref());
        assert!(emitter.announce("x", &"1".into()));
        assert!(!emitter.announce("z", &"2".into()));
        assert_eq!(*heard.borrow(), ["a 1", "b 1"]);
    }

    #[wasm_bindgen_test]
    fn once_is_called_once_even_when_it_emits_itself() {
        let (emitter, heard) = (Rc::new(Emitter::new()), Heard::default());
        let nested = {
            let (emitter, heard) = (emitter.clone(), heard.clone());
            Closure::<dyn Fn()>::new(move || {
                heard.borrow_mut().push("once".into());
                emitter.announce("x", &JsValue::NULL);
            })
        };
        emitter
            .add(JsValue::NULL, "x".into(), nested.as_ref().clone(), true)
            .expect("a listener is a function");
        emitter.announce("x", &JsValue::NULL);
        emitter.announce("x", &JsValue::NULL);
        assert_eq!(*heard.borrow(), ["once"]);
        assert_eq!(emitter.count(&"x".into()), 0);
    }

    #[wasm_bindgen_test]
    fn off_takes_the_latest_registration_and_off_of_an_event_takes_all() {
        let (emitter, heard) = (Emitter::new(), Heard::default());
        let (a, b) = (listener(&heard, "a"), listener(&heard, "b"));
        for known in [&a, &b, &a] {
            on(&emitter, "x", known.as_ref());
        }
        emitter.remove(&"x".into(), a.as_ref().clone()).expect("a listener is a function");
        emitter.announce("x", &"1".into());
        assert_eq!(*heard.borrow(), ["a 1", "b 1"]);
        emitter.remove_event(&"x".into());
        assert!(!emitter.announce("x", &"2".into()));
    }

    #[wasm_bindgen_test]
    fn off_inside_a_listener_leaves_the_current_round_as_it_was() {
        let (emitter, heard) = (Rc::new(Emitter::new()), Heard::default());
        let a = {
            let emitter = emitter.clone();
            Closure::<dyn Fn()>::new(move || emitter.clear())
        };
        let b = listener(&heard, "b");
        on(&emitter, "x", a.as_ref());
        on(&emitter, "x", b.as_ref());
        emitter.announce("x", &"1".into());
        emitter.announce("x", &"2".into());
        assert_eq!(*heard.borrow(), ["b 1"]);
    }

    #[wasm_bindgen_test]
    fn what_is_not_a_function_is_refused() {
        let emitter = Emitter::new();
        let refused = emitter.add(JsValue::NULL, "x".into(), 5.into(), false).expect_err("5 is no function");
        assert_eq!(js_sys::Error::from(refused).message(), "a listener is a function. Given: 5");
        assert!(emitter.remove(&"x".into(), JsValue::UNDEFINED).is_err());
    }
}
