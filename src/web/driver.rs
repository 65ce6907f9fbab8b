//! The driver: one [`Peer`], the objects of the browser that it works with, and the page that listens.
//!
//! Everything happens in [`Driver::run`]: while there is an output, carry it out; while there is an input,
//! hand it in; then set the alarm. An input that arrives meanwhile (a browser may call back at once) is
//! queued. No borrow is alive while a listener of the page runs: it may send, change settings, or close. When listeners have
//! taken a moment, the rest goes on in another task: a page that takes its time for each message still draws.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use crate::proto::{
    Address, Bytes, ConnId, DeliveryFailure, Event, Input, Instant, MessageId, Output, Peer, Received,
    TrackerId,
};

use super::abort;
use super::channel::Ear;
use super::clock::{Brief, Clock};
use super::convert;
use super::emitter::Emitter;
use super::error::Error;
use super::lifecycle::Lifecycle;
use super::log::Log;
use super::notice::{Notice, Notices, Tell};
use super::options::{self, Options, Secret, SendOptions};
use super::outcome::Outcome;
use super::parcel::{Parcel, Purpose};
use super::peer_connection::{PeerConnection, Report};
use super::policy::Policy;
use super::rtc::Rtc;
use super::rtc_config::RtcConfig;
use super::snapshot;
use super::steps::Steps;
use super::table::Table;
use super::tabs::Tabs;
use super::timer::Alarm;
use super::trouble;
use super::websocket::WebSocket;

mod diagnose;
mod life;
mod requests;
mod tenure;

use tenure::Tenure;

/// A tracker, or what is between, forgets a silent socket after a minute or more.
const SOCKETS_LIVE: Duration = Duration::from_secs(60);

/// One instance of Easypeers, as long as it lives.
pub(super) struct Driver {
    peer: RefCell<Peer>,
    tenure: Tenure,
    /// Of a private swarm, as it was typed: each swarm makes something else of it.
    secret: Option<Secret>,
    clock: Clock,
    log: Log,
    /// The listeners of the page.
    pub(super) page: Rc<Emitter>,
    /// The channels that are open, in the order in which they were opened.
    channels: RefCell<Vec<Rc<Ear>>>,
    requests: requests::Requests,
    /// What the page says of itself, whatever peer says it.
    presence: RefCell<Bytes>,
    /// The first neighbor of this swarm.
    ready: RefCell<Rc<Outcome>>,

    trackers: Table<TrackerId, WebSocket>,
    tabs: RefCell<Option<Tabs>>,
    conns: Table<ConnId, PeerConnection>,
    /// Messages of the page whose end is not known yet.
    deliveries: Table<MessageId, Sending>,
    /// Who waits for a diagnosis.
    diagnoses: RefCell<Vec<diagnose::Waiting>>,
    rtc_config: RtcConfig,
    rtc: Rc<Rtc>,
    alarm: RefCell<Option<Alarm>>,
    /// The secret of a locked peer is being stretched.
    unlocking: RefCell<Option<Steps>>,
    lifecycle: RefCell<Option<Lifecycle>>,
    policy: RefCell<Option<Policy>>,

    /// Where peripherals report; it holds the driver weakly.
    report: Report,
    /// Where the shell itself says something; told where the peer's warnings are.
    tell: Tell,
    notices: Rc<Notices>,
    inputs: RefCell<VecDeque<Input>>,
    running: Cell<bool>,
    /// What was left for another task.
    rest: RefCell<Option<Steps>>,
    /// Whether what the page says in this turn goes at its end.
    said: Cell<bool>,
    /// The page is gone for now: the swarm was left, and is joined again when the page is restored.
    away: Cell<bool>,
    closed: Cell<bool>,
    /// The swarm lives until `close`, whether or not the page keeps its object.
    alive: RefCell<Option<Rc<Driver>>>,
}

impl Driver {
    /// Makes a peer that joins right after the current call stack, when the page has its listeners on.
    pub(super) fn start(options: Options) -> Result<Rc<Self>, Error> {
        let Options { config, identity, given, secret, rtc_config, rtc, debug, unknown } = options;
        let clock = Clock::new();
        let peer = Peer::new(config, identity.clone(), options::random()?, clock.read().now)?;
        let driver = Rc::new_cyclic(|this| {
            let notices = Rc::default();
            let tell = tell(this, &notices);
            Self {
                peer: RefCell::new(peer),
                tenure: Tenure::new(identity, given),
                secret,
                clock,
                log: Log::new(debug),
                page: Rc::default(),
                channels: RefCell::default(),
                requests: requests::Requests::default(),
                presence: RefCell::default(),
                ready: RefCell::default(),
                trackers: Table::default(),
                tabs: RefCell::default(),
                conns: Table::default(),
                deliveries: Table::default(),
                diagnoses: RefCell::default(),
                rtc_config: RtcConfig::new(&rtc_config, &tell),
                rtc: Rc::new(rtc),
                alarm: RefCell::default(),
                unlocking: RefCell::default(),
                lifecycle: RefCell::default(),
                policy: RefCell::new(Some(Policy::watch())),
                report: report(this),
                tell,
                notices,
                inputs: RefCell::default(),
                running: Cell::default(),
                rest: RefCell::default(),
                said: Cell::default(),
                away: Cell::default(),
                closed: Cell::default(),
                alive: RefCell::default(),
            }
        });
        driver.alive.replace(Some(driver.clone()));
        let this = Rc::downgrade(&driver);
        driver
            .lifecycle
            .replace(Some(Lifecycle::watch(move |moment| with(&this, |driver| driver.page_life(moment)))));
        let this = Rc::downgrade(&driver);
        spawn_local(async move {
            with(&this, |driver| {
                driver.begin();
                driver.run();
            });
        });
        unknown.into_iter().for_each(|text| driver.notices.push(Notice::warning("ERR_UNKNOWN_OPTION", text)));
        Ok(driver)
    }

    /// Looks at the peer, which may keep what it finds out for the next look.
    pub(super) fn peer<T>(&self, look: impl FnOnce(&mut Peer) -> T) -> T {
        look(&mut self.peer.borrow_mut())
    }

    /// Changes a setting of the peer, and carries out what follows.
    pub(super) fn change<T>(self: &Rc<Self>, change: impl FnOnce(&mut Peer, Instant) -> T) -> T {
        let now = self.now();
        let result = change(&mut self.peer.borrow_mut(), now);
        self.run();
        result
    }

    /// Sends a payload; the outcome ends when the core tells how the delivery did.
    pub(super) fn send(
        self: &Rc<Self>,
        to: Option<Address>,
        payload: Vec<u8>,
        options: &SendOptions,
    ) -> Result<Sent, Error> {
        let outcome = Rc::<Outcome>::default();
        let name = |id| Rc::new(Cell::new(id));
        if options.signal.as_ref().is_some_and(abort::Signal::is_aborted) {
            outcome.end(Err(DeliveryFailure::Aborted.into()));
            return Ok(Sent { id: name(MessageId(options::random()?.bytes())), outcome });
        }
        let (now, payload) = (self.now(), Bytes(payload));
        let mut peer = self.peer.borrow_mut();
        let sent = match to.filter(|_| options.claimed) {
            Some(name) => peer.send_to_claimed(name, payload, now),
            None => peer.send(to, payload, now),
        };
        let id = sent?;
        let named = name(id);
        if let Some(timeout) = options.timeout {
            peer.expire(id, now + timeout);
        }
        drop(peer);
        let (this, of) = (Rc::downgrade(self), named.clone());
        let abort = move || with(&this, |driver| driver.change(|peer, now| peer.withdraw(of.get(), now)));
        let watch = options.signal.as_ref().map(|signal| signal.watch(abort));
        let sending = Sending { id: named.clone(), outcome: outcome.clone(), _watch: watch };
        self.deliveries.insert(id, Rc::new(sending));
        if !self.said.replace(true) {
            self.later(|driver| {
                driver.said.set(false);
                driver.run();
            });
        }
        Ok(Sent { id: named, outcome })
    }

    /// How the wait for the first neighbor ends.
    pub(super) fn ready(&self) -> Rc<Outcome> {
        self.ready.borrow().clone()
    }

    /// Whether `close` was called: what was handed over before may still be on its way out.
    pub(super) fn closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether it has left for good, and the page was told.
    pub(super) fn ended(&self) -> bool {
        self.alive.borrow().is_none()
    }

    fn input(self: &Rc<Self>, input: Input) {
        self.inputs.borrow_mut().push_back(input);
        self.run();
    }

    fn run(self: &Rc<Self>) {
        if self.running.replace(true) {
            return;
        }
        let (mut rung, brief) = (false, Brief::begin());
        loop {
            if !self.perform_all(&brief) {
                self.go_on();
                break;
            }
            let Some(input) = self.next_input().or_else(|| self.overdue(&mut rung)) else { break };
            self.let_go_of_ended(&input);
            let now = self.now();
            self.peer.borrow_mut().handle(input, now);
        }
        self.running.set(false);
        self.set_alarm();
        self.answer_diagnoses();
    }

    /// Carries out all that there is; `false`: the page's listeners have taken the moment, and the rest is for another task.
    fn perform_all(&self, brief: &Brief) -> bool {
        while let Some(output) = self.next_output() {
            let told = matches!(output, Output::Event(_));
            self.perform(output);
            // Who leaves has no other task.
            if told && brief.is_over() && !self.peer(|peer| peer.is_closed()) {
                return false;
            }
        }
        while let Some(notice) = self.notices.next() {
            self.announce(&notice);
        }
        true
    }

    /// Runs again in a task of its own.
    fn go_on(self: &Rc<Self>) {
        let this = Rc::downgrade(self);
        let again = move || {
            with(&this, |driver| {
                drop(driver.rest.take());
                driver.run();
            });
            false
        };
        self.rest.borrow_mut().get_or_insert_with(|| Steps::go_on(again));
    }

    /// Every side effect of the program.
    fn perform(&self, output: Output) {
        match output {
            Output::TrackerOpen(id, url) => self.open_tracker(id, &url),
            Output::TrackerSend(id, text) => self.tracker(id, |tracker| tracker.send(&text)),
            Output::TrackerClose(id) => drop(self.trackers.take(id)),

            Output::TabsOpen(name) => drop(self.tabs.replace(Tabs::open(&name, self.report.clone()))),
            Output::TabsSend(word) => self.tabs.borrow().iter().for_each(|tabs| tabs.say(&word.0)),
            Output::TabsClose => drop(self.tabs.take()),

            Output::ConnOffer(id) => {
                let conn = PeerConnection::offer(id, self.rtc(), self.rtc_config(), self.report.clone());
                self.conns.insert(id, conn);
            }
            Output::ConnAnswer(id, offer) => {
                let conn =
                    PeerConnection::answer(id, self.rtc(), self.rtc_config(), offer, self.report.clone());
                self.conns.insert(id, conn);
            }
            Output::ConnReoffer(id) => self.conn(id, PeerConnection::reoffer),
            Output::ConnReanswer(id, offer) => self.conn(id, |conn| conn.reanswer(offer)),
            Output::ConnAccept(id, answer) => self.conn(id, |conn| conn.accept(&answer)),
            Output::ConnCandidate(id, candidate) => self.conn(id, |conn| conn.add_candidate(candidate)),
            Output::ConnSend(id, frame) => self.conn(id, |conn| conn.send(&frame.0)),
            Output::ConnAwaitWritable(id) => self.conn(id, |conn| conn.await_writable()),
            Output::ConnAskTransport(id) => self.conn(id, PeerConnection::ask_transport),
            Output::ConnClose(id) => drop(self.conns.take(id)),

            Output::Event(Event::Connect(address)) => {
                self.log.info("connected to", address.to_string());
                self.ready().end(Ok(snapshot::hex(&address)));
                self.page.announce("connect", &snapshot::hex(&address));
            }
            Output::Event(Event::Disconnect(address)) => {
                self.log.info("disconnected from", address.to_string());
                self.page.announce("disconnect", &snapshot::hex(&address));
            }
            Output::Event(Event::Message(received)) => self.tell_message(&received),
            Output::Event(Event::Presence { address, verified, state }) => {
                self.tell_presence(&address, verified, state)
            }
            Output::Event(Event::Progress { id, from, to, bytes, size }) => {
                self.page.announce("progress", &snapshot::progress(&id, &from, to.as_ref(), bytes, size));
            }
            Output::Event(Event::Delivery(id, result)) => {
                if let Err(why) = result {
                    self.handle_undelivered(id, why);
                }
                let receipt = result.map(|receipt| snapshot::receipt(&id.to_string(), receipt));
                let outcome = self.deliveries.take(id);
                outcome.iter().for_each(|sending| sending.outcome.end(receipt.clone().map_err(Error::from)));
            }
            Output::Event(Event::Tracker(status)) => {
                self.log.debug("tracker", snapshot::tracker(&status));
                self.page.announce("tracker", &snapshot::tracker(&status));
            }
            // For now only: with other settings, or until the page is back.
            Output::Event(Event::Closed) if !self.closed.get() => {}
            Output::Event(Event::Closed) => self.end(),
            Output::Event(Event::AddressInUse) => self.later(Driver::handle_address_in_use),
            Output::Event(Event::AddressFree) => self.later(Driver::take_back),
            Output::Event(Event::Warning(warning)) => self.announce(&warning.into()),
            Output::Event(Event::Trouble(trouble)) => {
                let notice = trouble::notice(&trouble, &self.rtc_config, &self.rtc);
                notice.iter().for_each(|notice| self.announce(notice));
            }
        }
    }

    /// Does something that begins anew when all that is to be done now is done.
    fn later(&self, what: fn(&Rc<Self>)) {
        let this = self.weak();
        spawn_local(async move { with(&this, what) });
    }

    /// It, as long as it is not closed.
    fn weak(&self) -> Weak<Self> {
        self.alive.borrow().as_ref().map(Rc::downgrade).unwrap_or_default()
    }

    fn open_tracker(&self, id: TrackerId, url: &str) {
        match WebSocket::open(id, url, &self.rtc, self.report.clone()) {
            Ok(socket) => self.trackers.insert(id, socket),
            Err(why) => (self.report)(Input::TrackerClosed(id, why)),
        }
    }

    /// Most bytes of what the page may send at once.
    pub(super) fn limit(&self) -> usize {
        self.peer(|peer| peer.config().max_message_size) - convert::BESIDE
    }

    /// Tells the page what came, if anybody there listens.
    fn tell_message(&self, received: &Received) {
        let Some(parcel) = Parcel::read(&received.payload.0) else { return self.warn_of_nonsense(received) };
        match parcel.purpose {
            Purpose::Message => {
                let ears = self.ears(parcel.channel);
                if ears.is_empty() {
                    return;
                }
                let Some(value) = self.decode(received, parcel.value) else { return };
                for ear in ears {
                    ear.announce("message", &snapshot::message(received, &value));
                }
            }
            // These are between two.
            _ if received.to.is_none() => self.warn_of_nonsense(received),
            Purpose::Request(number) => self.handle_request(received, number, &parcel),
            Purpose::Answer(number) => self.handle_answer(received, number, parcel.value, false),
            Purpose::Refusal(number) => self.handle_answer(received, number, parcel.value, true),
        }
    }

    /// The value in what came. The page is told if it is none.
    fn decode(&self, received: &Received, value: &[u8]) -> Option<JsValue> {
        let decoded = convert::decode(value);
        if decoded.is_none() {
            self.warn_of_nonsense(received);
        }
        decoded
    }

    fn tell_presence(&self, address: &Address, verified: bool, state: Option<Bytes>) {
        match state.map_or(Some(JsValue::UNDEFINED), |state| convert::decode(&state.0)) {
            Some(state) => {
                self.page.announce("presence", &snapshot::presence(address, &state, verified));
            }
            None => self.warn_of_nonsense_of(address),
        }
    }

    /// What is known of this page from now on. `false`: that is too much.
    pub(super) fn set_presence(self: &Rc<Self>, state: Bytes) -> bool {
        let set = self.change(|peer, now| peer.set_presence(state.clone(), now));
        if set {
            self.presence.replace(state);
        }
        set
    }

    /// ... as it was set.
    pub(super) fn presence(&self) -> Bytes {
        self.presence.borrow().clone()
    }

    fn warn_of_nonsense(&self, received: &Received) {
        self.warn_of_nonsense_of(&received.from);
    }

    fn warn_of_nonsense_of(&self, from: &Address) {
        (self.tell)(Notice::warning(
            "ERR_MESSAGE_MALFORMED",
            format!("a message of {from} is no value that Easypeers sends"),
        ));
    }

    /// Where what is for a channel, or for none, is told.
    fn ears(&self, channel: Option<&str>) -> Vec<Rc<Emitter>> {
        let Some(name) = channel else { return vec![self.page.clone()] };
        let channels = self.channels.borrow();
        channels.iter().filter(|ear| ear.name == name).map(|ear| ear.page.clone()).collect()
    }

    pub(super) fn open_channel(&self, name: String) -> Rc<Ear> {
        let ear = Rc::new(Ear::new(name));
        self.channels.borrow_mut().push(ear.clone());
        ear
    }

    pub(super) fn close_channel(&self, ear: &Rc<Ear>) {
        ear.close();
        self.channels.borrow_mut().retain(|open| !Rc::ptr_eq(open, ear));
    }

    fn rtc(&self) -> Rc<Rtc> {
        self.rtc.clone()
    }

    fn rtc_config(&self) -> js_sys::Promise {
        self.rtc_config.get(self.now())
    }

    /// Calls a tracker's socket that is still there, with no borrow alive.
    fn tracker(&self, id: TrackerId, call: impl FnOnce(&WebSocket)) {
        if let Some(tracker) = self.trackers.get(id) {
            call(&tracker);
        }
    }

    /// Calls a connection that is still there, with no borrow alive.
    fn conn(&self, id: ConnId, call: impl FnOnce(&Rc<PeerConnection>)) {
        if let Some(conn) = self.conns.get(id) {
            call(&conn);
        }
    }

    /// Of what reported its end nothing more comes: free it, whatever the peer makes of it.
    fn let_go_of_ended(&self, input: &Input) {
        match input {
            Input::ConnClosed(id, why) => {
                self.log.debug("connection ended", why.as_str());
                drop(self.conns.take(*id));
            }
            Input::TrackerClosed(id, why) => {
                self.log.debug("tracker ended", why.as_str());
                drop(self.trackers.take(*id));
            }
            _ => {}
        }
    }

    fn next_output(&self) -> Option<Output> {
        self.peer.borrow_mut().poll_output()
    }

    fn next_input(&self) -> Option<Input> {
        self.inputs.borrow_mut().pop_front()
    }

    /// A timer that is due, once: those of a hidden page ring late, and whatever else comes in is as good as one.
    fn overdue(&self, rung: &mut bool) -> Option<Input> {
        let due = || self.peer(|peer| peer.poll_timeout()).is_some_and(|at| at <= self.clock.read().now);
        (!std::mem::replace(rung, true) && due()).then_some(Input::Timeout)
    }

    fn now(&self) -> Instant {
        let reading = self.clock.read();
        if reading.slept > Duration::ZERO {
            // In such a time a tracker gave up on the sockets, and this machine would notice only when it asks.
            if reading.slept >= SOCKETS_LIVE {
                let dead = self.trackers.keys().into_iter();
                let dead = dead.map(|id| Input::TrackerClosed(id, "this machine slept".into()));
                self.inputs.borrow_mut().extend(dead);
            }
            self.inputs.borrow_mut().push_back(Input::Woke);
        }
        reading.now
    }

    /// Keeps one alarm, never later than the peer's deadline. An earlier one stays and rings for nothing:
    /// cheaper than a new one for every packet.
    fn set_alarm(self: &Rc<Self>) {
        let deadline = self.peer(|peer| peer.poll_timeout());
        let armed = self.alarm.borrow().as_ref().map(Alarm::at);
        match deadline {
            None => drop(self.alarm.take()),
            // Work that is left. The timers of a hidden page would ring once a second.
            Some(at) if at <= self.clock.read().now => self.go_on(),
            Some(at) if armed.is_some_and(|armed| armed <= at) => {}
            Some(at) => {
                let this = Rc::downgrade(self);
                let alarm = Alarm::set(at, self.clock.read().now, move || with(&this, Driver::ring));
                drop(self.alarm.replace(Some(alarm)));
            }
        }
    }

    fn ring(self: &Rc<Self>) {
        drop(self.alarm.take());
        let now = self.now();
        if self.peer(|peer| peer.poll_timeout()).is_some_and(|deadline| deadline <= now) {
            self.inputs.borrow_mut().push_back(Input::Timeout);
        }
        self.run();
    }

    /// Tells what no call of the page can throw; the console, if nobody listens.
    fn announce(&self, notice: &Notice) {
        let &Notice { grave, code, ref text } = notice;
        let (event, shown) = match grave {
            true => ("error", Error::Told(code, text.clone()).into()),
            false => ("warning", snapshot::warning(code, text)),
        };
        self.log.warn(code, text.as_str());
        if !self.page.announce(event, &shown) && !self.log.is_on() {
            self.notices.log(grave, code, &text.into());
        }
    }
}

/// A message whose end is not known yet, and the signal that may take it back.
struct Sending {
    /// Its name: another one when it has not gone yet and this page has to go by another address.
    id: Rc<Cell<MessageId>>,
    outcome: Rc<Outcome>,
    _watch: Option<abort::Watch>,
}

/// A message on its way.
pub(super) struct Sent {
    pub(super) id: Rc<Cell<MessageId>>,
    pub(super) outcome: Rc<Outcome>,
}

fn with(driver: &Weak<Driver>, call: impl FnOnce(&Rc<Driver>)) {
    if let Some(driver) = driver.upgrade() {
        call(&driver);
    }
}

fn report(driver: &Weak<Driver>) -> Report {
    let driver = driver.clone();
    Rc::new(move |input| with(&driver, |driver| driver.input(input)))
}

fn tell(driver: &Weak<Driver>, notices: &Rc<Notices>) -> Tell {
    let (driver, notices) = (driver.clone(), notices.clone());
    Rc::new(move |notice| {
        notices.push(notice);
        with(&driver, Driver::run);
    })
}

#[cfg(test)]
mod tests;
