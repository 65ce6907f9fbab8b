//! One `RTCPeerConnection` with its one data channel.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    MessageEvent, RtcConfiguration, RtcDataChannel, RtcDataChannelInit, RtcDataChannelType,
    RtcIceCandidateInit, RtcIceConnectionState, RtcIceGatheringState, RtcPeerConnection,
    RtcPeerConnectionIceEvent, RtcPeerConnectionState, RtcSdpType, RtcSessionDescriptionInit,
};

use crate::proto::{Bytes, ConnId, Input};

use super::error::{caught, reason};
use super::outcome::Outcome;
use super::rtc::Rtc;

/// Where a peripheral tells what happened to it.
pub(super) type Report = Rc<dyn Fn(Input)>;

/// What the browser calls when something happens.
type Handler = Closure<dyn Fn(JsValue)>;

/// The channel counts as writable again below this many buffered bytes: four of the largest frames, enough to keep
/// the line busy and little enough for a small message to overtake a large one.
const LOW_THRESHOLD: u32 = 64 << 10;

/// A connection from its first description to its end. Dropping it takes the handlers off and closes it, and nothing
/// is reported after.
///
/// Promises of a closed connection never settle, and a task that waits for one would never be freed. So every wait
/// also ends when this is dropped ([`unless_dropped`](Self::unless_dropped)), and tasks hold it weakly: the browser
/// counts connections that are not freed, closed ones too, and makes no more at 500.
pub(super) struct PeerConnection {
    id: ConnId,
    report: Report,
    wires: OnceCell<Wires>,
    /// Remote candidates that came before the remote description, when the browser would refuse them; `None` once it
    /// is set.
    early: RefCell<Option<Vec<String>>>,
    gathered: Cell<bool>,
    /// ICE is in contact.
    in_contact: Cell<bool>,
    /// The channel was open.
    opened: Cell<bool>,
    awaits_writable: Cell<bool>,
    /// The end was reported, and nothing is after it.
    over: Cell<bool>,
    dropped: Outcome,
}

/// What exists once the configuration is known.
struct Wires {
    rtc: RtcPeerConnection,
    channel: RtcDataChannel,
    _handlers: [Handler; 10],
}

impl PeerConnection {
    /// A connection that makes an offer.
    pub(super) fn offer(id: ConnId, rtc: Rc<Rtc>, config: Promise, report: Report) -> Rc<Self> {
        Self::describe(id, rtc, config, None, report)
    }

    /// A connection that answers an offer.
    pub(super) fn answer(
        id: ConnId,
        rtc: Rc<Rtc>,
        config: Promise,
        offer: String,
        report: Report,
    ) -> Rc<Self> {
        Self::describe(id, rtc, config, Some(offer), report)
    }

    fn describe(
        id: ConnId,
        rtc: Rc<Rtc>,
        config: Promise,
        offer: Option<String>,
        report: Report,
    ) -> Rc<Self> {
        let conn = Rc::new(Self {
            id,
            report,
            wires: OnceCell::new(),
            early: RefCell::new(Some(Vec::new())),
            gathered: Cell::default(),
            in_contact: Cell::default(),
            opened: Cell::default(),
            awaits_writable: Cell::default(),
            over: Cell::default(),
            dropped: Outcome::default(),
        });
        let config = conn.unless_dropped(config);
        conn.attempt(async move |conn| {
            let sdp = negotiate(&conn, &rtc, config, offer).await?;
            with(&conn, |conn| conn.tell(Input::ConnDescribed(conn.id, sdp)));
            Ok(())
        });
        conn
    }

    /// Sets the remote answer.
    pub(super) fn accept(self: &Rc<Self>, answer: &str) {
        let answer = description(RtcSdpType::Answer, answer);
        self.attempt(async move |conn| {
            ask(&conn, SET_REMOTE, &answer).await?;
            with(&conn, Self::add_early_candidates);
            Ok(())
        });
    }

    /// Makes another offer, for another path.
    pub(super) fn reoffer(self: &Rc<Self>) {
        self.describe_anew(None);
    }

    /// Answers the other end's.
    pub(super) fn reanswer(self: &Rc<Self>, offer: String) {
        self.early.replace(Some(Vec::new()));
        self.describe_anew(Some(offer));
    }

    /// What is reported is the same as for a new connection. If nothing comes of it, nothing is: there is still the path
    /// that was there.
    fn describe_anew(self: &Rc<Self>, offer: Option<String>) {
        self.gathered.set(false);
        let conn = Rc::downgrade(self);
        spawn_local(async move {
            let restart = js_sys::Object::new();
            let _ = Reflect::set(&restart, &"iceRestart".into(), &JsValue::TRUE);
            if let Ok(sdp) = describe(&conn, offer, &restart).await {
                with(&conn, |conn| conn.tell(Input::ConnDescribed(conn.id, sdp)));
            }
            with(&conn, Self::add_early_candidates);
        });
    }

    /// Adds a remote candidate, or keeps it until the remote description is set.
    pub(super) fn add_candidate(&self, candidate: String) {
        if let Some(early) = &mut *self.early.borrow_mut() {
            early.push(candidate);
        } else if let Some(Wires { rtc, .. }) = self.wires.get() {
            let init = RtcIceCandidateInit::new(&candidate);
            init.set_sdp_m_line_index(Some(0));
            init.set_sdp_mid(Some("0"));
            // One bad candidate of several is no reason to give up the connection.
            if let Ok(added) = call(rtc, "addIceCandidate", &init) {
                let added = self.unless_dropped(added);
                spawn_local(async move { drop(added.await) });
            }
        }
    }

    /// Sends one frame; a channel that cannot is reported as closed.
    pub(super) fn send(&self, frame: &[u8]) {
        let Some(Wires { channel, .. }) = self.wires.get() else { return };
        // A copy, because Node's polyfills keep what they are given, and the module's memory moves.
        if let Err(thrown) = channel.send_with_js_u8_array(&Uint8Array::from(frame)) {
            self.end(&reason(&thrown));
        }
    }

    /// Reports when the channel buffers no more than its threshold.
    pub(super) fn await_writable(&self) {
        self.awaits_writable.set(true);
        if self.wires.get().is_some_and(|wires| wires.channel.buffered_amount() <= LOW_THRESHOLD) {
            self.on_low(JsValue::UNDEFINED);
        }
    }

    /// Reports when the transport last heard from the other end.
    pub(super) fn ask_transport(self: &Rc<Self>) {
        let conn = Rc::downgrade(self);
        spawn_local(async move {
            let stats = ask(&conn, "getStats", &JsValue::UNDEFINED).await;
            let heard = stats.ok().and_then(|stats| last_heard(&stats));
            with(&conn, |conn| conn.tell(Input::ConnTransport(conn.id, heard)));
        });
    }

    /// Makes the connection and its channel, and listens to both.
    fn connect(self: &Rc<Self>, maker: &Rc<Rtc>, config: &RtcConfiguration) -> Result<(), JsValue> {
        let rtc = maker.peer_connection(config)?;
        let init = RtcDataChannelInit::new();
        init.set_negotiated(true);
        init.set_id(0);
        init.set_ordered(true);
        let channel = rtc.create_data_channel_with_data_channel_dict("easypeers", &init);
        channel.set_binary_type(RtcDataChannelType::Arraybuffer);
        channel.set_buffered_amount_low_threshold(LOW_THRESHOLD);

        let handlers = [
            self.handler(Self::on_candidate),
            self.handler(Self::on_gathering),
            self.handler(Self::on_ice),
            self.handler(Self::on_state),
            self.handler(Self::on_open),
            self.handler(Self::on_message),
            self.handler(Self::on_low),
            self.handler(|conn, _| conn.end("the data channel was closed")),
            self.handler(Self::on_error),
            refusals(maker),
        ];
        let [candidate, gathering, ice, state, open, message, low, close, error, refused] =
            handlers.each_ref().map(|handler| Some(handler.as_ref().unchecked_ref()));
        rtc.set_onicecandidate(candidate);
        set_onicecandidateerror(&rtc, refused);
        rtc.set_onicegatheringstatechange(gathering);
        rtc.set_oniceconnectionstatechange(ice);
        rtc.set_onconnectionstatechange(state);
        channel.set_onopen(open);
        channel.set_onmessage(message);
        channel.set_onbufferedamountlow(low);
        channel.set_onclose(close);
        channel.set_onerror(error);
        let _ = self.wires.set(Wires { rtc, channel, _handlers: handlers });
        Ok(())
    }

    fn handler(self: &Rc<Self>, call: fn(&Self, JsValue)) -> Handler {
        let conn = Rc::downgrade(self);
        Closure::new(move |event| with(&conn, |conn| call(conn, event)))
    }

    fn on_open(&self, _: JsValue) {
        self.opened.set(true);
        self.tell(Input::ConnOpened(self.id));
    }

    /// Events are never cast with a check: those of Node's polyfills are plain objects.
    fn on_candidate(&self, event: JsValue) {
        let candidate = event.unchecked_ref::<RtcPeerConnectionIceEvent>().candidate();
        match candidate.map(|candidate| candidate.candidate()) {
            Some(text) if !text.is_empty() => self.tell(Input::ConnCandidate(self.id, text)),
            // The end shows as an empty candidate (Firefox), as none (all), or as a state only (Node).
            _ => self.all_gathered(),
        }
    }

    fn on_gathering(&self, _: JsValue) {
        let state = self.wires.get().map(|wires| wires.rtc.ice_gathering_state());
        if state == Some(RtcIceGatheringState::Complete) {
            self.all_gathered();
        }
    }

    fn all_gathered(&self) {
        if !self.gathered.replace(true) {
            self.tell(Input::ConnGathered(self.id));
        }
    }

    fn on_ice(&self, _: JsValue) {
        match self.wires.get().map(|wires| wires.rtc.ice_connection_state()) {
            Some(RtcIceConnectionState::Disconnected) => {
                self.in_contact.set(false);
                self.tell(Input::ConnInterrupted(self.id));
            }
            Some(RtcIceConnectionState::Connected | RtcIceConnectionState::Completed)
                if !self.in_contact.replace(true) =>
            {
                self.tell(Input::ConnResumed(self.id));
            }
            Some(RtcIceConnectionState::Failed) => self.lose(),
            _ => {}
        }
    }

    fn on_state(&self, _: JsValue) {
        match self.wires.get().map(|wires| wires.rtc.connection_state()) {
            Some(RtcPeerConnectionState::Failed) if !self.is_lost() => self.end("the connection failed"),
            Some(RtcPeerConnectionState::Closed) => self.end("the connection was closed"),
            _ => {}
        }
    }

    fn is_lost(&self) -> bool {
        let ice = self.wires.get().map(|wires| wires.rtc.ice_connection_state());
        ice == Some(RtcIceConnectionState::Failed)
    }

    /// Of a connection that was open another path may be found.
    fn lose(&self) {
        const WHY: &str = "ICE failed: no candidate pair of the two works";
        self.in_contact.set(false);
        match self.opened.get() {
            true => self.tell(Input::ConnLost(self.id, WHY.into())),
            false => self.end(WHY),
        }
    }

    fn on_message(&self, event: JsValue) {
        let data = event.unchecked_ref::<MessageEvent>().data();
        // Links speak binary; of a string, `Uint8Array` would make as many bytes as it says.
        if data.is_object() {
            self.tell(Input::ConnFrame(self.id, Bytes(Uint8Array::new(&data).to_vec())));
        }
    }

    fn on_low(&self, _: JsValue) {
        if self.awaits_writable.replace(false) {
            self.tell(Input::ConnWritable(self.id));
        }
    }

    fn on_error(&self, event: JsValue) {
        let error = Reflect::get(&event, &"error".into()).unwrap_or_default();
        self.end(&format!("the data channel failed: {}", reason(&error)));
    }

    fn add_early_candidates(self: &Rc<Self>) {
        let early = self.early.take();
        early.into_iter().flatten().for_each(|candidate| self.add_candidate(candidate));
    }

    /// Runs a task of this connection; its failure is the connection's end.
    fn attempt<F>(self: &Rc<Self>, task: impl FnOnce(Weak<Self>) -> F)
    where
        F: Future<Output = Result<(), JsValue>> + 'static,
    {
        let conn = Rc::downgrade(self);
        let task = task(conn.clone());
        spawn_local(async move {
            if let Err(thrown) = task.await {
                with(&conn, |conn| conn.end(&reason(&thrown)));
            }
        });
    }

    /// What a promise of the browser gives; it settles, with whatever, when this is dropped first.
    fn unless_dropped(&self, promise: Promise) -> Promise {
        Promise::race(&Array::of2(&promise, &self.dropped.promise()))
    }

    fn end(&self, why: &str) {
        if !self.over.replace(true) {
            (self.report)(Input::ConnClosed(self.id, why.into()));
        }
    }

    fn tell(&self, input: Input) {
        if !self.over.get() {
            (self.report)(input);
        }
    }
}

impl Drop for PeerConnection {
    fn drop(&mut self) {
        self.dropped.end(Ok(JsValue::UNDEFINED));
        let Some(Wires { rtc, channel, .. }) = self.wires.get() else { return };
        rtc.set_onicecandidate(None);
        set_onicecandidateerror(rtc, None);
        rtc.set_onicegatheringstatechange(None);
        rtc.set_oniceconnectionstatechange(None);
        rtc.set_onconnectionstatechange(None);
        channel.set_onopen(None);
        channel.set_onmessage(None);
        channel.set_onbufferedamountlow(None);
        channel.set_onclose(None);
        channel.set_onerror(None);
        channel.close();
        rtc.close();
    }
}

/// From a configuration to the local description. No strong reference is held while it waits; an error after the
/// connection was dropped reaches nobody.
async fn negotiate(
    conn: &Weak<PeerConnection>,
    rtc: &Rc<Rtc>,
    config: Promise,
    offer: Option<String>,
) -> Result<String, JsValue> {
    let config: RtcConfiguration = config.await?.unchecked_into();
    let (wanted, rtc) = (conn.upgrade().ok_or(JsValue::UNDEFINED)?, rtc.clone());
    // A stub in the place of WebRTC may throw at any call.
    if is_serverless(&config) {
        wanted.tell(Input::ConnServerless(wanted.id));
    }
    caught(move || wanted.connect(&rtc, &config))?;
    describe(conn, offer, &JsValue::UNDEFINED).await
}

/// How long ago a packet came in on any pair of candidates; checks of ICE are none.
fn last_heard(stats: &JsValue) -> Option<Duration> {
    let ago = |entry: JsValue| {
        let stat = Reflect::get_u32(&entry, 1).unwrap_or_default();
        let get = |name: &str| Reflect::get(&stat, &name.into()).ok()?.as_f64();
        let (at, last) = (get("timestamp")?, get("lastPacketReceivedTimestamp")?);
        Duration::try_from_secs_f64((at - last) / 1000.0).ok()
    };
    js_sys::try_iter(stats).ok()??.filter_map(Result::ok).filter_map(ago).min()
}

/// Whether a configuration names no STUN or TURN server.
fn is_serverless(config: &RtcConfiguration) -> bool {
    let servers = Reflect::get(config, &"iceServers".into()).unwrap_or_default();
    Array::is_array(&servers) && Array::from(&servers).length() == 0 || servers.is_undefined()
}

/// Makes an offer, as `options` say, or an answer to this one, and sets it.
async fn describe(
    conn: &Weak<PeerConnection>,
    offer: Option<String>,
    options: &JsValue,
) -> Result<String, JsValue> {
    let (kind, made) = if let Some(offer) = offer {
        let offer = description(RtcSdpType::Offer, &offer);
        ask(conn, SET_REMOTE, &offer).await?;
        with(conn, PeerConnection::add_early_candidates);
        (RtcSdpType::Answer, ask(conn, "createAnswer", &JsValue::UNDEFINED).await?)
    } else {
        (RtcSdpType::Offer, ask(conn, "createOffer", options).await?)
    };
    let made = made.unchecked_into::<RtcSessionDescriptionInit>().get_sdp().unwrap_or_default();
    ask(conn, "setLocalDescription", &description(kind, &made)).await?;
    // Read back, with what was gathered meanwhile.
    let local = conn.upgrade().and_then(|conn| conn.wires.get()?.rtc.local_description());
    Ok(local.map_or(made, |local| local.sdp()))
}

const SET_REMOTE: &str = "setRemoteDescription";

/// What a connection answers that is wanted, still when the answer is here: the end of a wait is none.
async fn ask(conn: &Weak<PeerConnection>, question: &str, about: &JsValue) -> Result<JsValue, JsValue> {
    let answer = conn.upgrade().and_then(|conn| {
        let answer = call(&conn.wires.get()?.rtc, question, about);
        Some(answer.map(|answer| conn.unless_dropped(answer)))
    });
    let answer = answer.ok_or(JsValue::UNDEFINED)??.await?;
    conn.upgrade().map(|_| answer).ok_or(JsValue::UNDEFINED)
}

/// Calls a method that makes a promise. One of a browser never throws; one that somebody put in its place may.
fn call(rtc: &RtcPeerConnection, method: &str, argument: &JsValue) -> Result<Promise, JsValue> {
    let method: Function = Reflect::get(rtc, &method.into())?.dyn_into()?;
    Ok(Promise::resolve(&method.call1(rtc, argument)?))
}

/// Writes down which STUN and TURN servers did not do what they are for. Weakly: connections outlive the driver by a task.
fn refusals(maker: &Rc<Rtc>) -> Handler {
    let maker = Rc::downgrade(maker);
    Closure::new(move |event: JsValue| {
        let get = |name: &str| Reflect::get(&event, &name.into()).unwrap_or_default();
        if let (Some(maker), Some(url)) = (maker.upgrade(), get("url").as_string()) {
            let text = get("errorText").as_string().unwrap_or_default();
            // A whole number: what writes others is large.
            maker.refused(url, format!("{} {text}", get("errorCode").as_f64().unwrap_or_default() as u32));
        }
    })
}

/// Not all browsers have it, and no binding has.
fn set_onicecandidateerror(rtc: &RtcPeerConnection, handler: Option<&Function>) {
    let _ = Reflect::set(rtc, &"onicecandidateerror".into(), &handler.into());
}

fn with(conn: &Weak<PeerConnection>, call: impl FnOnce(&Rc<PeerConnection>)) {
    if let Some(conn) = conn.upgrade() {
        call(&conn);
    }
}

fn description(kind: RtcSdpType, sdp: &str) -> RtcSessionDescriptionInit {
    let description = RtcSessionDescriptionInit::new(kind);
    description.set_sdp(sdp);
    description
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

        /// The next, but for what is told of a configuration.
        async fn next(&self) -> Input {
            loop {
                match self.first().await {
                    Input::ConnServerless(_) => {}
                    input => return input,
                }
            }
        }

        async fn first(&self) -> Input {
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

    fn rtc() -> Rc<Rtc> {
        Rc::new(Rtc::find(None).expect("a page has WebRTC"))
    }

    const A: ConnId = ConnId(1);
    const B: ConnId = ConnId(2);

    /// Two connections of one page, open on both sides, with candidates trickled.
    async fn pair(inbox: &Rc<Inbox>) -> (Rc<PeerConnection>, Rc<PeerConnection>) {
        let a = PeerConnection::offer(A, rtc(), config(), inbox.report());
        let Input::ConnDescribed(A, offer) = inbox.next().await else { panic!("an offer comes first") };
        assert!(offer.contains("a=ice-ufrag"), "{offer}");
        let b = PeerConnection::answer(B, rtc(), config(), offer, inbox.report());
        let mut open = 0;
        while open < 2 {
            match inbox.next().await {
                Input::ConnDescribed(B, answer) => a.accept(&answer),
                Input::ConnCandidate(A, candidate) => b.add_candidate(candidate),
                Input::ConnCandidate(B, candidate) => a.add_candidate(candidate),
                Input::ConnOpened(_) => open += 1,
                Input::ConnGathered(_) | Input::ConnResumed(_) => {}
                other => panic!("{other:?}"),
            }
        }
        (a, b)
    }

    #[wasm_bindgen_test]
    async fn an_open_connection_is_given_another_path_by_either_end_and_loses_nothing() {
        let inbox = Rc::new(Inbox::default());
        let (a, b) = pair(&inbox).await;
        for (offers, answers, ids) in [(&a, &b, (A, B)), (&b, &a, (B, A))] {
            offers.send(b"before");
            offers.reoffer();
            let (mut described, mut frames) = (Vec::new(), Vec::new());
            while frames.len() < 2 || described.len() < 2 {
                match inbox.next().await {
                    Input::ConnDescribed(id, sdp) if id == ids.0 => {
                        answers.reanswer(sdp.clone());
                        described.push(sdp);
                    }
                    Input::ConnDescribed(_, sdp) => {
                        offers.accept(&sdp);
                        offers.send(b"after");
                        described.push(sdp);
                    }
                    Input::ConnCandidate(id, candidate) if id == ids.0 => answers.add_candidate(candidate),
                    Input::ConnCandidate(_, candidate) => offers.add_candidate(candidate),
                    Input::ConnFrame(_, frame) => frames.push(frame.0),
                    Input::ConnGathered(_) | Input::ConnResumed(_) => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(frames, [&b"before"[..], b"after"]);
            let facts = |name| described.iter().map(move |sdp| value(sdp, name)).collect::<Vec<_>>();
            assert!(facts("a=ice-ufrag:").iter().all(|ufrag| !ufrag.is_empty()));
            assert_ne!(facts("a=ice-ufrag:")[0], facts("a=ice-ufrag:")[1]);
        }
    }

    fn value(sdp: &str, name: &str) -> String {
        sdp.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().into()
    }

    async fn next_frame(inbox: &Inbox) -> Input {
        loop {
            match inbox.next().await {
                Input::ConnGathered(_) | Input::ConnCandidate(..) | Input::ConnResumed(_) => {}
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

    /// Lets so many microtasks pass, and those that they begin.
    async fn let_pass(microtasks: usize) {
        for _ in 0..microtasks {
            Promise::resolve(&JsValue::UNDEFINED).await.expect("resolves");
        }
    }

    #[wasm_bindgen_test]
    async fn a_connection_may_be_dropped_at_any_moment_of_its_making() {
        let uncaught = Rc::new(Cell::new(0));
        let page: web_sys::EventTarget = js_sys::global().unchecked_into();
        let count = {
            let uncaught = uncaught.clone();
            Closure::<dyn Fn(JsValue)>::new(move |_| uncaught.set(uncaught.get() + 1))
        };
        for event in ["error", "unhandledrejection"] {
            page.add_event_listener_with_callback(event, count.as_ref().unchecked_ref()).expect("a page");
        }
        let inbox = Rc::new(Inbox::default());
        for moment in 0..40 {
            let a = PeerConnection::offer(A, rtc(), config(), inbox.report());
            let_pass(moment).await;
            drop(a);
        }
        // What is under way in the browser has come to its end when that of a later one has.
        let _pair = pair(&Rc::default()).await;
        for event in ["error", "unhandledrejection"] {
            page.remove_event_listener_with_callback(event, count.as_ref().unchecked_ref()).expect("a page");
        }
        assert_eq!(uncaught.get(), 0);
    }

    #[wasm_bindgen_test]
    async fn that_there_are_no_servers_to_ask_is_told_before_the_description() {
        for (config, serverless) in [
            ("{}", true),
            ("{ iceServers: [] }", true),
            ("{ iceServers: [{ urls: 'stun:127.0.0.1:9' }] }", false),
        ] {
            let inbox = Rc::new(Inbox::default());
            let given = js_sys::eval(&format!("({config})")).expect("JavaScript");
            let _a = PeerConnection::offer(A, rtc(), Promise::resolve(&given), inbox.report());
            let told = inbox.first().await;
            let expected = if serverless {
                told == Input::ConnServerless(A)
            } else {
                matches!(told, Input::ConnDescribed(A, _))
            };
            assert!(expected, "{config}: {told:?}");
        }
    }

    #[wasm_bindgen_test]
    async fn nonsense_for_an_offer_is_reported_as_closed() {
        let inbox = Rc::new(Inbox::default());
        let _b = PeerConnection::answer(B, rtc(), config(), "nonsense".into(), inbox.report());
        assert!(matches!(inbox.next().await, Input::ConnClosed(B, _)));
    }

    #[wasm_bindgen_test]
    async fn a_browser_whose_webrtc_is_a_stub_or_throws_is_reported_as_closed() {
        for stub in [
            "class {}",
            "class { constructor () { throw new Error('blocked') } }",
            "class { createDataChannel () { throw 'blocked' } }",
            "class { createDataChannel () {} }",
        ] {
            let inbox = Rc::new(Inbox::default());
            let option = js_sys::eval(&format!("({{ RTCPeerConnection: {stub} }})")).expect("JavaScript");
            let rtc = Rtc::find(Some(&option)).unwrap_or_else(|error| panic!("{error:?}"));
            let _a = PeerConnection::offer(A, Rc::new(rtc), config(), inbox.report());
            assert!(matches!(inbox.next().await, Input::ConnClosed(A, _)), "{stub}");
        }
    }

    #[wasm_bindgen_test]
    async fn a_refused_configuration_is_reported_as_closed() {
        let inbox = Rc::new(Inbox::default());
        let _a = PeerConnection::offer(A, rtc(), Promise::reject(&"no credentials".into()), inbox.report());
        assert_eq!(inbox.next().await, Input::ConnClosed(A, "no credentials".into()));
    }

    #[wasm_bindgen_test]
    async fn a_frame_before_the_channel_opens_is_reported_as_closed_and_only_once() {
        let inbox = Rc::new(Inbox::default());
        let a = PeerConnection::offer(A, rtc(), config(), inbox.report());
        assert!(matches!(inbox.next().await, Input::ConnDescribed(A, _)));
        a.send(&[1]);
        a.send(&[2]);
        let ends = std::iter::from_fn(|| inbox.inputs.borrow_mut().pop_front())
            .filter(|input| matches!(input, Input::ConnClosed(..)));
        assert_eq!(ends.count(), 1);
    }
}
