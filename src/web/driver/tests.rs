use js_sys::{JSON, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::web::emitter::Turn;
use crate::web::lifecycle::Moment;

/// A driver that meets nobody.
fn alone(options: &str) -> Rc<Driver> {
    let options = JSON::parse(options).expect("JSON");
    let options = Options::read(&"nobody".into(), &options);
    options.and_then(Driver::start).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The next argument of an event.
fn next(driver: &Driver, event: &str) -> Promise {
    Promise::new(&mut |resolve, _| {
        driver.page.add(JsValue::NULL, event.into(), resolve.into(), Turn::Once, false).expect("a function");
    })
}

fn code(error: &JsValue) -> Option<String> {
    Reflect::get(error, &"code".into()).ok().and_then(|code| code.as_string())
}

#[wasm_bindgen_test]
async fn a_warning_from_the_constructor_waits_for_the_listeners() {
    let driver = alone(r#"{"trackers":[],"rtcConfig":{"iceServers":[{"urls":"nonsense"}]}}"#);
    let warning = next(&driver, "warning").await.expect("resolves");
    assert_eq!(code(&warning).as_deref(), Some("ERR_ICE_URL"));
    driver.close();
}

#[wasm_bindgen_test]
async fn a_driver_lives_until_it_is_closed_and_then_lets_go_of_everything() {
    let driver = alone(r#"{"trackers":["ws://127.0.0.1:1"]}"#);
    next(&driver, "tracker").await.expect("resolves");
    let weak = Rc::downgrade(&driver);
    drop(driver);
    let driver = weak.upgrade().expect("it lives without the page's object");
    let (closed, ready) = (next(&driver, "close"), driver.ready().promise());
    driver.close();
    driver.close();
    closed.await.expect("resolves");
    assert_eq!(code(&ready.await.expect_err("closed first")).as_deref(), Some("ERR_CLOSED"));
    assert!(driver.trackers.is_empty() && driver.alarm.borrow().is_none());
    drop(driver);
    assert!(weak.upgrade().is_none(), "nothing holds it any more");
}

#[wasm_bindgen_test]
async fn what_is_held_for_the_first_neighbor_fails_when_it_is_closed() {
    let driver = alone(r#"{"trackers":[]}"#);
    let sent = driver.send(None, vec![1], &SendOptions::default()).expect("held");
    driver.close();
    let error = sent.outcome.promise().await.expect_err("never delivered");
    assert_eq!(code(&error).as_deref(), Some("ERR_CLOSED"));
}

#[wasm_bindgen_test]
async fn a_listener_may_rejoin_and_close_while_the_driver_runs() {
    let driver = alone(r#"{"trackers":["ws://127.0.0.1:1"]}"#);
    let listener = {
        let driver = driver.clone();
        Closure::<dyn Fn()>::new(move || {
            driver.page.remove_event(&"tracker".into());
            let swarm = crate::proto::SwarmId::of_topic("elsewhere");
            driver.rejoin(|config| config.swarm = swarm).expect("good settings");
            assert_eq!(driver.peer(|peer| peer.swarm()), swarm);
            assert_eq!(driver.peer(|peer| peer.trackers().len()), 1, "the trackers are kept");
            driver.close();
        })
    };
    driver
        .page
        .add(JsValue::NULL, "tracker".into(), listener.as_ref().clone(), Turn::Always, false)
        .expect("a function");
    next(&driver, "close").await.expect("resolves");
    assert!(driver.closed());
}

#[wasm_bindgen_test]
async fn an_instance_may_be_closed_while_its_page_is_away() {
    let driver = alone(r#"{"trackers":[]}"#);
    driver.page_life(Moment::Leaving { for_good: false });
    let closed = next(&driver, "close");
    driver.close();
    closed.await.expect("resolves");
    driver.page_life(Moment::Restored);
    assert!(driver.peer(|peer| peer.is_closed()) && driver.closed());
}

#[wasm_bindgen_test]
async fn a_page_that_goes_leaves_the_swarm_and_joins_again_when_it_is_restored() {
    let driver = alone(r#"{"trackers":["ws://127.0.0.1:1"]}"#);
    next(&driver, "tracker").await.expect("resolves");
    assert!(!driver.trackers.is_empty() && !driver.conns.is_empty());
    driver.page_life(Moment::Leaving { for_good: false });
    assert!(driver.trackers.is_empty() && driver.conns.is_empty() && !driver.closed());
    let held = driver.send(None, vec![1], &SendOptions::default()).expect("it waits for the page to be back");
    driver.page_life(Moment::Woke);
    assert!(driver.trackers.is_empty(), "it is away still");
    driver.page_life(Moment::Restored);
    assert!(!driver.trackers.is_empty() && !driver.closed());
    driver.close();
    assert!(held.outcome.promise().await.is_err());
}

#[wasm_bindgen_test]
async fn a_page_that_goes_for_good_closes() {
    let driver = alone(r#"{"trackers":[]}"#);
    let (closed, ready) = (next(&driver, "close"), driver.ready().promise());
    driver.page_life(Moment::Leaving { for_good: true });
    closed.await.expect("resolves");
    assert!(driver.closed() && ready.await.is_err());
    assert!(matches!(driver.send(None, vec![1], &SendOptions::default()), Err(Error::Closed)));
}

#[wasm_bindgen_test]
async fn settings_that_change_while_the_page_is_away_are_for_when_it_is_back() {
    let driver = alone(r#"{"trackers":["ws://127.0.0.1:1"]}"#);
    driver.page_life(Moment::Leaving { for_good: false });
    let swarm = crate::proto::SwarmId::of_topic("elsewhere");
    driver.rejoin(|config| config.swarm = swarm).expect("good settings");
    assert!(driver.trackers.is_empty() && driver.peer(|peer| peer.swarm()) == swarm);
    driver.page_life(Moment::Restored);
    assert!(!driver.trackers.is_empty() && driver.peer(|peer| peer.swarm()) == swarm);
    driver.close();
}

#[wasm_bindgen_test]
async fn who_withdraws_by_a_signal_hears_of_it_and_the_signal_is_let_go_of() {
    let driver = alone(r#"{"trackers":[]}"#);
    let controller = js_sys::eval("new AbortController()").expect("JavaScript");
    let get = |name: &str| Reflect::get(&controller, &name.into()).expect("a member");
    let options = || SendOptions { signal: abort::Signal::read(&get("signal")), ..SendOptions::default() };
    let [first, second] = [(); 2].map(|()| driver.send(None, vec![1], &options()).expect("held"));
    get("abort").unchecked_into::<js_sys::Function>().call0(&controller).expect("it aborts");
    for sent in [first, second, driver.send(None, vec![1], &options()).expect("not sent")] {
        let error = sent.outcome.promise().await.expect_err("withdrawn");
        assert_eq!(code(&error).as_deref(), Some("ERR_ABORTED"));
    }
    assert!(driver.deliveries.is_empty());
    driver.close();
}

fn received(from: u8, verified: bool, payload: Vec<u8>) -> Received {
    let (from, id) = (Address([from; 20]), MessageId([1; 20]));
    Received {
        payload: Bytes(payload),
        from,
        id,
        to: Some(Address([9; 20])),
        has: Vec::new(),
        verified,
        hops: 1,
    }
}

fn text(purpose: Purpose, text: &str) -> Vec<u8> {
    convert::encode(&text.into(), 100, Parcel::head(None, purpose)).expect("text")
}

#[wasm_bindgen_test]
async fn an_answer_counts_from_whom_was_asked_and_proven() {
    let driver = alone(r#"{"trackers":[]}"#);
    let options = SendOptions::default();
    let answer = driver.request(None, Address([1; 20]), &"?".into(), options).expect("held");
    let number = driver.requests.pending()[0];
    for (from, verified, number) in [(2, true, number), (1, false, number), (1, true, !number)] {
        driver.tell_message(&received(from, verified, text(Purpose::Answer(number), "wrong")));
    }
    let to_all = Received { to: None, ..received(1, true, text(Purpose::Answer(number), "wrong")) };
    driver.tell_message(&to_all);
    assert_eq!(driver.requests.pending(), [number]);
    driver.tell_message(&received(1, true, text(Purpose::Answer(number), "right")));
    driver.tell_message(&received(1, true, text(Purpose::Answer(number), "late")));
    assert_eq!(answer.await.expect("an answer"), "right");
    driver.close();
}

#[wasm_bindgen_test]
fn that_nobody_listens_is_not_said_as_often_as_others_ask() {
    let driver = alone(r#"{"trackers":[]}"#);
    for number in 0..100 {
        driver.tell_message(&received(1, true, text(Purpose::Request(number), "?")));
    }
    assert_eq!(driver.deliveries.keys().len(), 1);
    driver.close();
}
