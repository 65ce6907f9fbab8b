//! Listeners of the page, with the meaning of [Node's EventEmitter](https://nodejs.org/api/events.html).

use std::cell::{Cell, RefCell};

use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;

use super::error::{Error, given, report};

/// One registration; the same function may be registered twice.
#[derive(Debug, Clone)]
struct Listener {
    id: u64,
    event: JsValue,
    call: Function,
    turn: Turn,
}

/// How often a listener is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Always,
    Once,
}

/// All listeners of one instance, in the order of their registration.
///
/// The list is cloned before the first call, and no borrow is alive during a call: a listener may add and
/// remove listeners, and send, and close.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    listeners: RefCell<Vec<Listener>>,
    next_id: Cell<u64>,
    /// `this` of the listeners: the instance that they were registered on.
    this: RefCell<JsValue>,
}

impl Emitter {
    /// Adds a listener behind the others, or before them as the `first`.
    pub(super) fn add(
        &self,
        this: JsValue,
        event: JsValue,
        listener: JsValue,
        turn: Turn,
        first: bool,
    ) -> Result<(), Error> {
        let call = function(listener)?;
        let id = self.next_id.replace(self.next_id.get() + 1);
        self.this.replace(this);
        let mut listeners = self.listeners.borrow_mut();
        let place = if first { 0 } else { listeners.len() };
        listeners.insert(place, Listener { id, event, call, turn });
        Ok(())
    }

    /// `off(event)` or `off(event, listener)`, told apart by their number.
    pub(super) fn off(&self, args: &Array) -> Result<(), Error> {
        match args.length() {
            0 | 1 => self.remove_event(&args.get(0)),
            _ => self.remove(&args.get(0), args.get(1))?,
        }
        Ok(())
    }

    /// Removes the latest registration of a listener, as Node does.
    fn remove(&self, event: &JsValue, listener: JsValue) -> Result<(), Error> {
        let call = function(listener)?;
        let mut listeners = self.listeners.borrow_mut();
        let latest = listeners.iter().rposition(|known| known.event == *event && known.call == call);
        if let Some(latest) = latest {
            listeners.remove(latest);
        }
        Ok(())
    }

    /// Removes all listeners of an event.
    pub(super) fn remove_event(&self, event: &JsValue) {
        self.listeners.borrow_mut().retain(|known| known.event != *event);
    }

    /// Removes all listeners.
    pub(super) fn clear(&self) {
        self.listeners.borrow_mut().clear();
        self.this.replace(JsValue::UNDEFINED);
    }

    /// How many listeners an event has.
    pub(super) fn count(&self, event: &JsValue) -> usize {
        self.listeners.borrow().iter().filter(|known| known.event == *event).count()
    }

    /// Its listeners, in their order.
    pub(super) fn of(&self, event: &JsValue) -> Array {
        self.listeners
            .borrow()
            .iter()
            .filter(|known| known.event == *event)
            .map(|known| &known.call)
            .collect()
    }

    /// The events that have a listener, in the order of their first.
    pub(super) fn events(&self) -> Array {
        let events = Array::new();
        for Listener { event, .. } in self.listeners.borrow().iter() {
            if !events.includes(event, 0) {
                events.push(event);
            }
        }
        events
    }

    /// Calls every listener of an event. What one throws is thrown on and ends it, as in Node.
    pub(super) fn emit(&self, event: &JsValue, args: &Array) -> Result<bool, JsValue> {
        self.call_each(event, args, |result| result.map(drop))
    }

    /// Calls every listener of an event that the page did not ask for in this call stack. What one throws
    /// is reported as an uncaught error, and the next is called.
    pub(super) fn announce(&self, event: &str, arg: &JsValue) -> bool {
        self.call(event, &Array::of1(arg), |result| {
            if let Err(thrown) = result {
                report(&thrown);
            }
        })
    }

    /// The same; what each gives back or throws goes to `heed`.
    pub(super) fn call(&self, event: &str, args: &Array, heed: impl Fn(Result<JsValue, JsValue>)) -> bool {
        let heed = |result| {
            heed(result);
            Ok(())
        };
        self.call_each(&event.into(), args, heed).unwrap_or(true)
    }

    fn call_each(
        &self,
        event: &JsValue,
        args: &Array,
        heed: impl Fn(Result<JsValue, JsValue>) -> Result<(), JsValue>,
    ) -> Result<bool, JsValue> {
        let called: Vec<_> =
            self.listeners.borrow().iter().filter(|known| known.event == *event).cloned().collect();
        for listener in &called {
            if listener.turn == Turn::Once && !self.take(listener.id) {
                continue;
            }
            let this = self.this.borrow().clone();
            heed(listener.call.apply(&this, args))?;
        }
        Ok(!called.is_empty())
    }

    /// Takes a listener off before its one call; false when an inner `emit` was first.
    fn take(&self, id: u64) -> bool {
        let mut listeners = self.listeners.borrow_mut();
        let at = listeners.iter().position(|known| known.id == id);
        at.map(|at| listeners.remove(at)).is_some()
    }
}

fn function(listener: JsValue) -> Result<Function, Error> {
    // `dyn_into` compares by typeof here: functions of other realms are functions too.
    listener
        .dyn_into()
        .map_err(|listener| Error::Type(format!("a listener is a function{}", given(&listener))))
}

#[cfg(test)]
mod tests {
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
        emitter
            .add(JsValue::NULL, event.into(), listener.clone(), Turn::Always, false)
            .expect("a listener is a function");
    }

    #[wasm_bindgen_test]
    fn listeners_are_called_in_order_with_the_argument() {
        let (emitter, heard) = (Emitter::default(), Heard::default());
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
        let (emitter, heard) = (Rc::new(Emitter::default()), Heard::default());
        let nested = {
            let (emitter, heard) = (emitter.clone(), heard.clone());
            Closure::<dyn Fn()>::new(move || {
                heard.borrow_mut().push("once".into());
                emitter.announce("x", &JsValue::NULL);
            })
        };
        emitter
            .add(JsValue::NULL, "x".into(), nested.as_ref().clone(), Turn::Once, false)
            .expect("a listener is a function");
        emitter.announce("x", &JsValue::NULL);
        emitter.announce("x", &JsValue::NULL);
        assert_eq!(*heard.borrow(), ["once"]);
        assert_eq!(emitter.count(&"x".into()), 0);
    }

    #[wasm_bindgen_test]
    fn off_takes_the_latest_registration_and_off_of_an_event_takes_all() {
        let (emitter, heard) = (Emitter::default(), Heard::default());
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
        let (emitter, heard) = (Rc::new(Emitter::default()), Heard::default());
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
        let emitter = Emitter::default();
        let refused = emitter
            .add(JsValue::NULL, "x".into(), 5.into(), Turn::Always, false)
            .expect_err("5 is no function");
        assert_eq!(refused, Error::Type("a listener is a function. Given: 5".into()));
        assert!(emitter.remove(&"x".into(), JsValue::UNDEFINED).is_err());
    }
}
