//! What happens to the page: it goes, comes back from the back/forward cache, wakes, or is online again.

use js_sys::Reflect;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = addEventListener, catch)]
    fn add_listener(event: &str, listener: &JsValue, capture: bool) -> Result<(), JsValue>;
    #[wasm_bindgen(js_name = removeEventListener, catch)]
    fn remove_listener(event: &str, listener: &JsValue, capture: bool) -> Result<(), JsValue>;
}

/// A moment in a page's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The page goes; it may be frozen and come back, or may be gone for good.
    Leaving,
    /// The page is back from the back/forward cache.
    Restored,
    /// The page is seen, thawed or online again.
    Woke,
}

const EVENTS: [&str; 5] = ["pagehide", "pageshow", "online", "visibilitychange", "resume"];

/// Listens until it is dropped; where there is no page (Node), it hears nothing.
#[must_use = "a lifecycle that is dropped hears nothing"]
pub(super) struct Lifecycle {
    listener: Closure<dyn Fn(JsValue)>,
}

impl Lifecycle {
    /// Calls `tell` at each moment.
    pub(super) fn watch(tell: impl Fn(Moment) + 'static) -> Self {
        let listener = Closure::new(move |event: JsValue| moment(&event).into_iter().for_each(&tell));
        // While capturing, the global object also sees what is fired at the document and does not bubble.
        EVENTS.iter().for_each(|event| drop(add_listener(event, listener.as_ref(), true)));
        Self { listener }
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        EVENTS.iter().for_each(|event| drop(remove_listener(event, self.listener.as_ref(), true)));
    }
}

fn moment(event: &JsValue) -> Option<Moment> {
    let get = |of: &JsValue, key: &str| Reflect::get(of, &key.into()).unwrap_or_default();
    match get(event, "type").as_string()?.as_str() {
        "pagehide" => Some(Moment::Leaving),
        "pageshow" => get(event, "persisted").is_truthy().then_some(Moment::Restored),
        "visibilitychange" => {
            let state = get(&get(event, "target"), "visibilityState").as_string();
            (state.as_deref() == Some("visible")).then_some(Moment::Woke)
        }
        _ => Some(Moment::Woke),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen]
    extern "C" {
        type Event;

        #[wasm_bindgen(constructor)]
        fn new(name: &str) -> Event;

        #[wasm_bindgen(method, setter)]
        fn set_persisted(this: &Event, persisted: bool);

        #[wasm_bindgen(js_name = dispatchEvent)]
        fn dispatch(event: &Event);
    }

    fn fire(name: &str, persisted: bool) {
        let event = Event::new(name);
        event.set_persisted(persisted);
        dispatch(&event);
    }

    #[wasm_bindgen_test]
    fn moments_are_told_until_it_is_dropped() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let lifecycle = Lifecycle::watch({
            let heard = heard.clone();
            move |moment| heard.borrow_mut().push(moment)
        });
        fire("pagehide", true);
        fire("pageshow", false);
        fire("pageshow", true);
        fire("online", false);
        drop(lifecycle);
        fire("online", false);
        assert_eq!(*heard.borrow(), [Moment::Leaving, Moment::Restored, Moment::Woke]);
    }
}
