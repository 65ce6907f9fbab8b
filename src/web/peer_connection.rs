//! One `RTCPeerConnection` with its one data channel. The class `PeerConnection` in peer_connection.js holds it.

use std::rc::Rc;

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use crate::proto::{Bytes, ConnId, Input};

#[wasm_bindgen(module = "/src/web/peer_connection.js")]
extern "C" {
    #[wasm_bindgen(js_name = PeerConnection)]
    type Wires;

    #[wasm_bindgen(constructor, js_class = PeerConnection)]
    fn new(config: &Promise, offer: Option<String>, report: &JsValue) -> Wires;

    #[wasm_bindgen(method)]
    fn accept(this: &Wires, answer: &str);

    #[wasm_bindgen(method, js_name = addCandidate)]
    fn add_candidate(this: &Wires, candidate: &str);

    #[wasm_bindgen(method)]
    fn send(this: &Wires, frame: Uint8Array);

    #[wasm_bindgen(method, js_name = awaitWritable)]
    fn await_writable(this: &Wires);

    #[wasm_bindgen(method)]
    fn close(this: &Wires);
}

/// Where a peripheral tells what happened to it.
pub(super) type Report = Rc<dyn Fn(Input)>;

/// A connection from its first description to its end. Dropping it takes the handlers off and closes it, and
/// nothing is reported after.
pub(super) struct PeerConnection {
    wires: Wires,
    _report: Closure<dyn Fn(String, JsValue)>,
}

impl PeerConnection {
    /// A connection that makes an offer.
    pub(super) fn offer(id: ConnId, config: Promise, report: Report) -> Rc<Self> {
        Self::describe(id, config, None, report)
    }

    /// A connection that answers an offer.
    pub(super) fn answer(id: ConnId, config: Promise, offer: String, report: Report) -> Rc<Self> {
        Self::describe(id, config, Some(offer), report)
    }

    fn describe(id: ConnId, config: Promise, offer: Option<String>, report: Report) -> Rc<Self> {
        let report = Closure::new(move |what: String, value: JsValue| {
            let text = || value.as_string().unwrap_or_default();
            report(match what.as_str() {
                "described" => Input::ConnDescribed(id, text()),
                "candidate" => Input::ConnCandidate(id, text()),
                "gathered" => Input::ConnGathered(id),
                "opened" => Input::ConnOpened(id),
                "frame" => Input::ConnFrame(id, Bytes(Uint8Array::from(value).to_vec())),
                "writable" => Input::ConnWritable(id),
                "interrupted" => Input::ConnInterrupted(id),
                "resumed" => Input::ConnResumed(id),
                _ => Input::ConnClosed(id, text()),
            });
        });
        Rc::new(Self { wires: Wires::new(&config, offer, report.as_ref()), _report: report })
    }

    /// Sets the remote answer.
    pub(super) fn accept(&self, answer: &str) {
        self.wires.accept(answer);
    }

    /// Adds a remote candidate, or keeps it until the remote description is set.
    pub(super) fn add_candidate(&self, candidate: String) {
        self.wires.add_candidate(&candidate);
    }

    /// Sends one frame; a channel that cannot is reported as closed.
    pub(super) fn send(&self, frame: &[u8]) {
        // A copy, because Node's polyfills keep what they are given, and the module's memory moves.
        self.wires.send(Uint8Array::from(frame));
    }

    /// Reports when the channel buffers no more than its threshold.
    pub(super) fn await_writable(&self) {
        self.wires.await_writable();
    }
}

impl Drop for PeerConnection {
    fn drop(&mut self) {
        self.wires.close();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use js_sys::Object;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Inputs of both ends, with a promise for whoever waits for the next.
    #[derive(Default)]
    struct Inbox {
        inputs: RefCell<VecDeque<Input>>,
        wake: RefCell<Option<js_sys::Function>>,
    }

    impl Inbox {
        fn report(self: &Rc<Self>) -> Report {
            let inbox = self.clone();
            Rc::new(move |input| {
                inbox.inputs.borrow_mut().push_back(input);
                if let Some(wake) = inbox.wake.take() {
                    wake.call0(&JsValue::NULL).expect("resolve never throws");
                }
            })
        }

        async fn next(&self) -> Input {
            loop {
                if let Some(input) = self.inputs.borrow_mut().pop_front() {
                    return input;
                }
                Promise::new(&mut |resolve, _| drop(self.wake.replace(Some(resolve)))).await.expect("woken");
            }
        }
    }

    fn config() -> Promise {
        Promise::resolve(&JsValue::from(Object::new()))
    }

    const A: ConnId = ConnId(1);
    const B: ConnId = ConnId(2);

    /// Two connections of one page, open on both sides, with candidates trickled.
    async fn pair(inbox: &Rc<Inbox>) -> (Rc<PeerConnection>, Rc<PeerConnection>) {
        let a = PeerConnection::offer(A, config(), inbox.report());
        let Input::ConnDescribed(A, offer) = inbox.next().await else { panic!("an offer comes first") };
        assert!(offer.contains("a=ice-ufrag"), "{offer}");
        let b = PeerConnection::answer(B, config(), offer, inbox.report());
        let mut open = 0;
        while open < 2 {
            match inbox.next().await {
                Input::ConnDescribed(B, answer) => a.accept(&answer),
                Input::ConnCandidate(A, candidate) => b.add_candidate(candidate),
                Input::ConnCandidate(B, candidate) => a.add_candidate(candidate),
                Input::ConnOpened(_) => open += 1,
                Input::ConnGathered(_) => {}
                other => panic!("{other:?}"),
            }
        }
        (a, b)
    }

    async fn next_frame(inbox: &Inbox) -> Input {
        loop {
            match inbox.next().await {
                Input::ConnGathered(_) | Input::ConnCandidate(..) => {}
                other => return other,
            }
        }
    }

    #[wasm_bindgen_test]
    async fn two_connections_of_one_page_exchange_a_frame() {
        let inbox = Rc::new(Inbox::default());
        let (a, b) = pair(&inbox).await;
        a.send(&[1, 2, 3]);
        assert_eq!(next_frame(&inbox).await, Input::ConnFrame(B, Bytes(vec![1, 2, 3])));
        b.await_writable();
        assert_eq!(next_frame(&inbox).await, Input::ConnWritable(B));
    }

    #[wasm_bindgen_test]
    async fn a_last_word_before_the_end_arrives_and_then_the_end() {
        let inbox = Rc::new(Inbox::default());
        let (a, _b) = pair(&inbox).await;
        a.send(b"goodbye");
        drop(a);
        assert_eq!(next_frame(&inbox).await, Input::ConnFrame(B, Bytes(b"goodbye".to_vec())));
        assert!(matches!(next_frame(&inbox).await, Input::ConnClosed(B, _)));
    }

    #[wasm_bindgen_test]
    async fn a_channel_above_its_threshold_reports_when_it_is_below_again() {
        let inbox = Rc::new(Inbox::default());
        let (a, _b) = pair(&inbox).await;
        let frame = vec![7; 16 << 10];
        (0..32).for_each(|_| a.send(&frame));
        a.await_writable();
        let mut frames = 0;
        loop {
            match next_frame(&inbox).await {
                Input::ConnFrame(B, _) => frames += 1,
                Input::ConnWritable(A) => break,
                other => panic!("{other:?}"),
            }
        }
        while frames < 32 {
            assert!(matches!(next_frame(&inbox).await, Input::ConnFrame(B, _)));
            frames += 1;
        }
    }

    #[wasm_bindgen_test]
    async fn nonsense_for_an_offer_is_reported_as_closed() {
        let inbox = Rc::new(Inbox::default());
        let _b = PeerConnection::answer(B, config(), "nonsense".into(), inbox.report());
        assert!(matches!(inbox.next().await, Input::ConnClosed(B, _)));
    }

    #[wasm_bindgen_test]
    async fn a_refused_configuration_is_reported_as_closed() {
        let inbox = Rc::new(Inbox::default());
        let _a = PeerConnection::offer(A, Promise::reject(&"no credentials".into()), inbox.report());
        assert_eq!(inbox.next().await, Input::ConnClosed(A, "no credentials".into()));
    }

    #[wasm_bindgen_test]
    async fn a_frame_before_the_channel_opens_is_reported_as_closed_and_only_once() {
        let inbox = Rc::new(Inbox::default());
        let a = PeerConnection::offer(A, config(), inbox.report());
        assert!(matches!(inbox.next().await, Input::ConnDescribed(A, _)));
        a.send(&[1]);
        a.send(&[2]);
        let ends = std::iter::from_fn(|| inbox.inputs.borrow_mut().pop_front())
            .filter(|input| matches!(input, Input::ConnClosed(..)));
        assert_eq!(ends.count(), 1);
    }
}
