//! What happens to the page: it goes, is frozen, comes back, wakes, or is online again.

use js_sys::Reflect;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{Document, Event, EventTarget, PageTransitionEvent, VisibilityState};

/// A moment in a page's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The page goes, or is frozen. It may come back, unless it is gone for good.
    Leaving { for_good: bool },
    /// The page is back from the back/forward cache, or thawed.
    Restored,
    /// The page is seen, online again, or on another network.
    Woke,
}

/// What tells of the page, but for [`GOES`].
const EVENTS: [&str; 6] = ["pageshow", "online", "visibilitychange", "freeze", "resume", "beforeunload"];
/// What a page says while it goes is to get out: that it goes is to be told after all listeners of the page, and they are
/// called in the order in which they were added. So this one's is added again when the page may soon go.
const GOES: &str = "pagehide";
/// ... and of its network.
const CHANGE: &str = "change";

/// While capturing, the global object also sees what is fired at the document and does not bubble.
const CAPTURE: bool = true;

/// Listens until it is dropped; where there is no page (Node), it hears nothing.
#[must_use = "a lifecycle that is dropped hears nothing"]
pub(super) struct Lifecycle {
    page: EventTarget,
    network: Option<EventTarget>,
    listener: Closure<dyn Fn(Event)>,
    last: Rc<Closure<dyn Fn(Event)>>,
}

impl Lifecycle {
    /// Calls `tell` at each moment.
    pub(super) fn watch(tell: impl Fn(Moment) + 'static) -> Self {
        let page: EventTarget = js_sys::global().unchecked_into();
        let tell = Rc::new(tell);
        let last = Rc::new(Closure::<dyn Fn(Event)>::new({
            let tell = tell.clone();
            move |event: Event| tell(leaving(&event))
        }));
        let listener = Closure::new({
            let (page, last) = (page.clone(), last.clone());
            move |event: Event| {
                listen_last(&page, &last);
                moment(&event).into_iter().for_each(&*tell);
            }
        });
        listen_last(&page, &last);
        let call = listener.as_ref().unchecked_ref();
        // Where there is no page, there is no such method either.
        for event in EVENTS {
            let _ = page.add_event_listener_with_callback_and_bool(event, call, CAPTURE);
        }
        let network = network();
        if let Some(network) = &network {
            let _ = network.add_event_listener_with_callback_and_bool(CHANGE, call, CAPTURE);
        }
        Self { page, network, listener, last }
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        let call = self.listener.as_ref().unchecked_ref();
        for event in EVENTS {
            let _ = self.page.remove_event_listener_with_callback_and_bool(event, call, CAPTURE);
        }
        let last = (*self.last).as_ref().unchecked_ref();
        let _ = self.page.remove_event_listener_with_callback(GOES, last);
        if let Some(network) = &self.network {
            let _ = network.remove_event_listener_with_callback_and_bool(CHANGE, call, CAPTURE);
        }
    }
}

/// Where there is no page, there is no such method either.
fn listen_last(page: &EventTarget, last: &Closure<dyn Fn(Event)>) {
    let last = last.as_ref().unchecked_ref();
    let _ = page.remove_event_listener_with_callback(GOES, last);
    let _ = page.add_event_listener_with_callback(GOES, last);
}

/// The Network Information API, where a browser has it: from Wi-Fi to the carrier there is not always a moment offline.
fn network() -> Option<EventTarget> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let network = Reflect::get(&navigator, &"connection".into()).ok()?;
    network.is_object().then(|| network.unchecked_into())
}

fn leaving(event: &Event) -> Moment {
    // What a page or a test fires itself does not end the page.
    let persisted = event.unchecked_ref::<PageTransitionEvent>().persisted();
    Moment::Leaving { for_good: event.is_trusted() && !persisted }
}

fn moment(event: &Event) -> Option<Moment> {
    match event.type_().as_str() {
        "beforeunload" => None,
        "freeze" => Some(Moment::Leaving { for_good: false }),
        "resume" => Some(Moment::Restored),
        "pageshow" => event.unchecked_ref::<PageTransitionEvent>().persisted().then_some(Moment::Restored),
        "visibilitychange" => {
            let document = event.target()?.unchecked_into::<Document>();
            (document.visibility_state() == VisibilityState::Visible).then_some(Moment::Woke)
        }
        _ => Some(Moment::Woke),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::PageTransitionEventInit;

    use super::*;

    fn page() -> EventTarget {
        js_sys::global().unchecked_into()
    }

    fn fire(name: &str, persisted: bool) {
        let init = PageTransitionEventInit::new();
        init.set_persisted(persisted);
        let event = PageTransitionEvent::new_with_event_init_dict(name, &init).expect("an event");
        page().dispatch_event(&event).expect("dispatched");
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
        fire("freeze", false);
        fire("resume", false);
        drop(lifecycle);
        fire("online", false);
        fire("pagehide", true);
        let leaving = Moment::Leaving { for_good: false };
        assert_eq!(*heard.borrow(), [leaving, Moment::Restored, Moment::Woke, leaving, Moment::Restored]);
    }

    #[wasm_bindgen_test]
    fn that_the_page_goes_is_told_after_all_its_listeners_once_it_may_soon_go() {
        let heard = Rc::new(RefCell::new(Vec::new()));
        let listener = |name: &'static str| {
            let heard = heard.clone();
            let listener = Closure::<dyn Fn()>::new(move || heard.borrow_mut().push(name));
            page().add_event_listener_with_callback(GOES, listener.as_ref().unchecked_ref()).expect("added");
            listener
        };
        let before = listener("before");
        let lifecycle = Lifecycle::watch({
            let heard = heard.clone();
            move |_| heard.borrow_mut().push("told")
        });
        let after = listener("after");
        for _ in 0..2 {
            fire("beforeunload", false);
            fire(GOES, true);
        }
        drop(lifecycle);
        fire(GOES, true);
        assert_eq!(
            *heard.borrow(),
            ["before", "after", "told", "before", "after", "told", "before", "after"]
        );
        for listener in [before, after] {
            page()
                .remove_event_listener_with_callback(GOES, listener.as_ref().unchecked_ref())
                .expect("removed");
        }
    }
}
