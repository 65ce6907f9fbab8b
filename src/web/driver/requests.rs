//! Requests to other pages, and theirs to this one: direct messages both ways, which belong together by a number.
//!
//! An answer counts when it comes from whom was asked, with that number, once. A remote's request costs this peer an
//! acknowledgement, as any message, and what the page's listeners do; where nobody listens it is told so, but no more often
//! than [`REFUSE_EVERY`], for what it is told takes from what the page may say.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::{Driver, Sent, Table, with};
use crate::proto::{Address, DeliveryFailure, Instant, MessageId, Received};
use crate::web::abort::Watch;
use crate::web::convert;
use crate::web::error::{self, Error, Unanswered};
use crate::web::options::{self, SendOptions};
use crate::web::outcome::Outcome;
use crate::web::parcel::{Parcel, Purpose};
use crate::web::snapshot;
use crate::web::timer::Alarm;

/// How long an answer is waited for, unless the page says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);
/// At most so often it is said that nobody listens.
const REFUSE_EVERY: Duration = Duration::from_millis(50);

#[wasm_bindgen(module = "/src/web/easypeers.js")]
extern "C" {
    /// The function that a listener is given to answer with.
    fn responder(question: Question) -> Function;
}

/// A request of this page that has no answer yet.
pub(super) struct Asked {
    of: Address,
    /// The page asks whoever claims to be that one.
    claimed: bool,
    /// The message that carries it, and whether that arrived.
    id: Rc<Cell<MessageId>>,
    sent: Rc<Outcome>,
    outcome: Outcome,
    until: Instant,
    alarm: RefCell<Option<Alarm>>,
    _watch: Option<Watch>,
}

/// What is kept for requests.
#[derive(Default)]
pub(super) struct Requests {
    asked: Table<u64, Asked>,
    /// When it was last said that nobody listens.
    refused_at: Cell<Option<Instant>>,
}

#[cfg(test)]
impl Requests {
    /// The numbers of those that have no answer yet.
    pub(super) fn pending(&self) -> Vec<u64> {
        self.asked.keys()
    }
}

impl Driver {
    /// Asks another page, of a channel if there is one, and promises its answer.
    pub(in crate::web) fn request(
        self: &Rc<Self>,
        channel: Option<&str>,
        to: Address,
        message: &JsValue,
        options: SendOptions,
    ) -> Result<Promise, JsValue> {
        let number = u64::from_le_bytes(options::random()?.bytes());
        let head = Parcel::head(channel, Purpose::Request(number));
        let payload = convert::encode(message, self.limit(), head)?;
        let timeout = options.timeout.unwrap_or(PATIENCE);
        let options = SendOptions { timeout: Some(timeout), ..options };
        let Sent { id, outcome: sent } = self.send(Some(to), payload, &options)?;
        if sent.ended() {
            return Ok(sent.promise());
        }
        let this = Rc::downgrade(self);
        let abort = move || with(&this, |driver| driver.give_up(number, DeliveryFailure::Aborted.into()));
        let asked = Rc::new(Asked {
            of: to,
            claimed: options.claimed,
            id,
            sent,
            outcome: Outcome::default(),
            until: self.now() + timeout,
            alarm: RefCell::default(),
            _watch: options.signal.as_ref().map(|signal| signal.watch(abort)),
        });
        self.requests.asked.insert(number, asked.clone());
        self.await_answer(number);
        Ok(asked.outcome.promise())
    }

    /// Gives a request up when its time is over; a long one has more than one alarm.
    fn await_answer(self: &Rc<Self>, number: u64) {
        let Some(asked) = self.requests.asked.get(number) else { return };
        let now = self.now();
        if now >= asked.until {
            let arrived = asked.sent.ended();
            let late = || Error::Request(Unanswered::Late);
            return self.give_up(number, if arrived { late() } else { DeliveryFailure::Timeout.into() });
        }
        let this = Rc::downgrade(self);
        let ring = move || with(&this, |driver| driver.await_answer(number));
        drop(asked.alarm.replace(Some(Alarm::set(asked.until, now, ring))));
    }

    fn give_up(&self, number: u64, why: Error) {
        if let Some(asked) = self.requests.asked.take(number) {
            asked.outcome.end(Err(why));
        }
    }

    /// A message of this page did not arrive: neither did the request that it carried, if it did.
    pub(super) fn handle_undelivered(&self, id: MessageId, why: DeliveryFailure) {
        let carries =
            |number: &u64| self.requests.asked.get(*number).is_some_and(|asked| asked.id.get() == id);
        if let Some(number) = self.requests.asked.keys().into_iter().find(carries) {
            self.give_up(number, if self.closed() { Error::Closed } else { why.into() });
        }
    }

    /// Nobody answers any more.
    pub(super) fn end_requests(&self) {
        for (_, asked) in self.requests.asked.take_all() {
            asked.outcome.end(Err(Error::Closed));
        }
    }

    /// What came of a request, if it is from whom was asked.
    pub(super) fn handle_answer(&self, received: &Received, number: u64, value: &[u8], refused: bool) {
        let Some(asked) = self.requests.asked.get(number) else { return };
        if asked.of != received.from || !(received.verified || asked.claimed) {
            return;
        }
        let result = match refused {
            true if value.is_empty() => Err(Unanswered::NoListener),
            true => {
                let Some(why) = self.decode(received, value) else { return };
                Err(Unanswered::Refused { name: error::name(&why), message: error::reason(&why) })
            }
            false => {
                let Some(value) = self.decode(received, value) else { return };
                Ok(value)
            }
        };
        drop(self.requests.asked.take(number));
        asked.outcome.end(result.map_err(Error::Request));
    }

    /// Somebody asks this page.
    pub(super) fn handle_request(&self, received: &Received, number: u64, parcel: &Parcel<'_>) {
        let ears = self.ears(parcel.channel);
        let asker = Rc::new(Asker {
            driver: self.weak(),
            channel: parcel.channel.map(str::to_owned),
            from: received.from,
            claimed: !received.verified,
            number,
            open: Cell::new(true),
        });
        if ears.iter().all(|ear| ear.count(&REQUEST.into()) == 0) {
            let now = self.now();
            if self.requests.refused_at.get().is_none_or(|at| now - at >= REFUSE_EVERY) {
                self.requests.refused_at.set(Some(now));
                asker.send(Parcel::head(parcel.channel, Purpose::Refusal(number)));
            }
            return;
        }
        let Some(value) = self.decode(received, parcel.value) else { return };
        let data = snapshot::message(received, &value);
        let respond = responder(Question(asker.clone()));
        for ear in ears {
            ear.call(REQUEST, &Array::of2(&data, &respond), |result| asker.heed(result));
        }
    }
}

const REQUEST: &str = "request";

/// Who asks this page, and is to be answered once. It keeps no instance alive.
struct Asker {
    driver: Weak<Driver>,
    channel: Option<String>,
    from: Address,
    claimed: bool,
    number: u64,
    open: Cell<bool>,
}

/// The same for JavaScript.
#[wasm_bindgen(skip_typescript)]
#[expect(missing_debug_implementations, reason = "what is exported to JavaScript is not printed by Rust")]
pub struct Question(Rc<Asker>);

#[wasm_bindgen]
impl Question {
    /// Answers with a value; with what a promise becomes; or, by an error, that there is no answer.
    pub fn respond(&self, value: &JsValue) -> Result<(), JsValue> {
        self.0.respond(value)
    }
}

impl Asker {
    fn respond(self: &Rc<Self>, value: &JsValue) -> Result<(), JsValue> {
        if !self.open.get() {
            let text = "this request was answered already, or what its listener threw was";
            return Err(Error::Told("ERR_ANSWERED", text.into()).into());
        }
        let Some(driver) = self.driver.upgrade().filter(|driver| !driver.closed()) else {
            return Err(Error::Closed.into());
        };
        if is_promise(value) {
            self.open.set(false);
            let (this, promise) = (self.clone(), Promise::resolve(value));
            spawn_local(async move {
                match JsFuture::from(promise).await {
                    Ok(value) => this.answer(&value),
                    Err(thrown) => this.send_refusal(&thrown),
                }
            });
            return Ok(());
        }
        if convert::is_error(value) {
            self.refuse(value);
            return Ok(());
        }
        // What cannot be sent is thrown, and another answer may follow.
        let payload = convert::encode(value, driver.limit(), self.head(Purpose::Answer(self.number)))?;
        self.open.set(false);
        self.send(payload);
        Ok(())
    }

    /// What a listener gives back or throws: what it throws is an uncaught error here as well, and so is what a promise of
    /// it becomes.
    fn heed(self: &Rc<Self>, result: Result<JsValue, JsValue>) {
        match result {
            Err(thrown) => self.fail(&thrown),
            Ok(value) if is_promise(&value) => {
                let (this, promise) = (self.clone(), Promise::resolve(&value));
                spawn_local(async move {
                    if let Err(thrown) = JsFuture::from(promise).await {
                        this.fail(&thrown);
                    }
                });
            }
            Ok(_) => {}
        }
    }

    fn fail(&self, thrown: &JsValue) {
        error::report(thrown);
        self.refuse(thrown);
    }

    fn refuse(&self, why: &JsValue) {
        if self.open.replace(false) {
            self.send_refusal(why);
        }
    }

    /// Answers with what a promise became, for the one time.
    fn answer(&self, value: &JsValue) {
        let Some(driver) = self.driver.upgrade() else { return };
        match convert::encode(value, driver.limit(), self.head(Purpose::Answer(self.number))) {
            Ok(payload) => self.send(payload),
            Err(thrown) => {
                error::report(&thrown);
                self.send_refusal(&thrown);
            }
        }
    }

    fn send_refusal(&self, why: &JsValue) {
        let Some(driver) = self.driver.upgrade() else { return };
        let encode = |why: &JsValue| {
            convert::encode(why, driver.limit(), self.head(Purpose::Refusal(self.number))).ok()
        };
        let told = Some(why).filter(|why| convert::is_error(why)).and_then(encode);
        // What is no error, or one that cannot be sent, in words.
        let told = told.or_else(|| encode(&js_sys::Error::new(&error::reason(why))));
        told.into_iter().for_each(|payload| self.send(payload));
    }

    fn head(&self, purpose: Purpose) -> Vec<u8> {
        Parcel::head(self.channel.as_deref(), purpose)
    }

    /// Whether it arrives is up to whoever asks: it asks again.
    fn send(&self, payload: Vec<u8>) {
        let Some(driver) = self.driver.upgrade().filter(|driver| !driver.closed()) else { return };
        let options = SendOptions { claimed: self.claimed, ..SendOptions::default() };
        if let Err(error) = driver.send(Some(self.from), payload, &options) {
            error::report(&error.into());
        }
    }
}

fn is_promise(value: &JsValue) -> bool {
    value.is_object() && Reflect::get(value, &"then".into()).is_ok_and(|then| then.is_function())
}
