//! Work that takes long, done step by step in tasks of its own: in between, the page lives on.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageChannel;

/// Steps that go on until one says that there are no more, or until this is dropped.
#[must_use = "steps that are dropped do not go on"]
pub(super) struct Steps {
    dropped: Rc<Cell<bool>>,
}

impl Steps {
    /// Calls `step` in a task of its own, soon and again as long as it returns `true`.
    pub(super) fn go_on(mut step: impl FnMut() -> bool + 'static) -> Self {
        let dropped = Rc::<Cell<bool>>::default();
        let steps = Self { dropped: dropped.clone() };
        spawn_local(async move { while next_task().await.is_ok() && !dropped.get() && step() {} });
        steps
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.dropped.set(true);
    }
}

/// Waits for a task of its own, and soon: the timers of a hidden page ring once a second.
async fn next_task() -> Result<(), JsValue> {
    let channel = MessageChannel::new()?;
    let (here, there) = (channel.port1(), channel.port2());
    let message = Promise::new(&mut |resolve, _| here.set_onmessage(Some(&resolve)));
    there.post_message(&JsValue::NULL)?;
    message.await?;
    here.close();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use js_sys::Promise;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn steps_go_on_until_one_is_the_last_or_they_are_dropped() {
        let (counted, dropped) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let step = |count: &Rc<Cell<i32>>| {
            let count = count.clone();
            move || {
                count.set(count.get() + 1);
                count.get() < 3
            }
        };
        let counting = Steps::go_on(step(&counted));
        drop(Steps::go_on(step(&dropped)));
        assert_eq!(counted.get(), 0, "the first step is in a task of its own");
        // Later than any step there may be: each is a task, and each of these waits for one.
        for _ in 0..5 {
            let mut waiting = None;
            Promise::new(&mut |resolve, _| {
                waiting = Some(Steps::go_on(move || {
                    resolve.call0(&JsValue::NULL).expect("resolve never throws");
                    false
                }));
            })
            .await
            .expect("resolves");
        }
        assert_eq!((counted.get(), dropped.get()), (3, 0));
        drop(counting);
    }
}
