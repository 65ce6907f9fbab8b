//! The exported class: `new Easypeers(topic, options?)`. `types.d.ts` describes each member to its users.
#![expect(missing_debug_implementations, reason = "what is exported to JavaScript is not printed by Rust")]

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

use crate::proto::MessageId;

use super::channel::Channel;
use super::convert;
use super::driver::{Driver, Sent};
use super::emitter::Turn;
use super::error::Error;
use super::options::{self, Options, SendOptions};
use super::outcome::Outcome;
use super::parcel::{Parcel, Purpose};
use super::presence;
use super::snapshot;

#[wasm_bindgen(module = "/src/web/easypeers.js")]
extern "C" {
    /// The classes that pages see, in front of those here; for whoever loads the module.
    #[wasm_bindgen(reexport)]
    fn facade(classes: &JsValue) -> JsValue;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Promise)]
    type Thenable;
    #[wasm_bindgen(method)]
    fn then(this: &Thenable, fulfilled: &JsValue, rejected: &JsValue) -> Promise;
    #[wasm_bindgen(method)]
    fn catch(this: &Thenable, rejected: &JsValue) -> Promise;
    #[wasm_bindgen(method)]
    fn finally(this: &Thenable, settled: &JsValue) -> Promise;
}

/// One peer of one swarm.
#[wasm_bindgen(skip_typescript)]
pub struct Easypeers {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl Easypeers {
    #[wasm_bindgen(constructor)]
    pub fn new(topic: &JsValue, options: &JsValue) -> Result<Self, Error> {
        Ok(Self { driver: Driver::start(Options::read(topic, options)?)? })
    }

    #[wasm_bindgen(js_name = createIdentity)]
    pub fn create_identity() -> Result<String, Error> {
        options::create_identity()
    }

    // Messages.

    #[wasm_bindgen(variadic)]
    pub fn send(&self, args: &Array) -> Result<Delivery, JsValue> {
        send(self.open()?, None, args)
    }

    /// `request(address, message, options?)`.
    #[wasm_bindgen(variadic)]
    pub fn request(&self, args: &Array) -> Result<Promise, JsValue> {
        request(self.open()?, None, args)
    }

    /// Opens a channel of this mesh.
    pub fn channel(&self, name: &JsValue) -> Result<Channel, Error> {
        let name = options::channel(name)?;
        let driver = self.open()?;
        Ok(Channel::new(driver, driver.open_channel(name)))
    }

    // Listeners. `facade` in easypeers.js hands in `this` and the array of arguments, and returns `this`. Once all is over,
    // these do nothing and throw nothing: pages take their listeners off in whatever order they are taken down.

    pub fn on(&self, this: JsValue, args: &Array) -> Result<(), Error> {
        self.add_to_page(this, args, Turn::Always, false)
    }

    pub fn once(&self, this: JsValue, args: &Array) -> Result<(), Error> {
        self.add_to_page(this, args, Turn::Once, false)
    }

    #[wasm_bindgen(js_name = prependListener)]
    pub fn prepend_listener(&self, this: JsValue, args: &Array) -> Result<(), Error> {
        self.add_to_page(this, args, Turn::Always, true)
    }

    #[wasm_bindgen(js_name = prependOnceListener)]
    pub fn prepend_once_listener(&self, this: JsValue, args: &Array) -> Result<(), Error> {
        self.add_to_page(this, args, Turn::Once, true)
    }

    /// There is no such limit.
    #[wasm_bindgen(js_name = setMaxListeners)]
    pub fn set_max_listeners(&self, _this: JsValue, _args: &Array) {}

    pub fn off(&self, _this: JsValue, args: &Array) -> Result<(), Error> {
        if self.driver.ended() { Ok(()) } else { self.driver.page.off(args) }
    }

    #[wasm_bindgen(js_name = addListener)]
    pub fn add_listener(&self, this: JsValue, args: &Array) -> Result<(), Error> {
        self.on(this, args)
    }

    #[wasm_bindgen(js_name = removeListener)]
    pub fn remove_listener(&self, this: JsValue, args: &Array) -> Result<(), Error> {
        self.off(this, args)
    }

    #[wasm_bindgen(js_name = removeAllListeners)]
    pub fn remove_all_listeners(&self, _this: JsValue, args: &Array) {
        let page = &self.driver.page;
        match args.get(0) {
            _ if self.driver.ended() => {}
            event if event.is_undefined() => page.clear(),
            event => page.remove_event(&event),
        }
    }

    #[wasm_bindgen(js_name = listenerCount)]
    pub fn listener_count(&self, event: &JsValue) -> usize {
        self.driver.page.count(event)
    }

    #[wasm_bindgen(js_name = eventNames)]
    pub fn event_names(&self) -> Array {
        self.driver.page.events()
    }

    pub fn listeners(&self, event: &JsValue) -> Array {
        self.driver.page.of(event)
    }

    #[wasm_bindgen(js_name = rawListeners)]
    pub fn raw_listeners(&self, event: &JsValue) -> Array {
        self.driver.page.of(event)
    }

    #[wasm_bindgen(variadic)]
    pub fn emit(&self, event: &JsValue, args: &Array) -> Result<bool, JsValue> {
        if self.driver.ended() { Ok(false) } else { self.driver.page.emit(event, args) }
    }

    // Leaving.

    pub fn close(&self) {
        self.driver.close();
    }

    pub fn destroy(&self) {
        self.driver.close();
    }

    #[wasm_bindgen(getter)]
    pub fn closed(&self) -> bool {
        self.driver.closed()
    }

    #[wasm_bindgen(getter)]
    pub fn ready(&self) -> Promise {
        self.driver.ready().promise()
    }

    // Settings.

    #[wasm_bindgen(getter)]
    pub fn identifier(&self) -> String {
        self.driver.peer(|peer| peer.swarm()).to_string()
    }

    #[wasm_bindgen(setter)]
    pub fn set_identifier(&self, value: &JsValue) -> Result<(), Error> {
        let swarm = options::identifier(value)?;
        self.open()?.rejoin(|config| config.swarm = swarm)
    }

    #[wasm_bindgen(getter)]
    pub fn address(&self) -> String {
        self.driver.peer(|peer| peer.address()).to_string()
    }

    #[wasm_bindgen(setter)]
    pub fn set_address(&self, value: &JsValue) -> Result<(), Error> {
        let address = options::address("address", value)?;
        self.open()?.rejoin(|config| config.address = Some(address))
    }

    #[wasm_bindgen(getter, js_name = maxPeers)]
    pub fn max_peers(&self) -> usize {
        self.driver.peer(|peer| peer.config().max_peers)
    }

    #[wasm_bindgen(setter, js_name = maxPeers)]
    pub fn set_max_peers(&self, value: &JsValue) -> Result<(), Error> {
        let max_peers = options::max_peers(value)?;
        Ok(self.open()?.change(|peer, now| peer.set_max_peers(max_peers, now))?)
    }

    #[wasm_bindgen(getter)]
    pub fn coverage(&self) -> f64 {
        self.driver.peer(|peer| peer.config().coverage)
    }

    #[wasm_bindgen(setter)]
    pub fn set_coverage(&self, value: &JsValue) -> Result<(), Error> {
        let coverage = options::coverage(value)?;
        Ok(self.open()?.change(|peer, _| peer.set_coverage(coverage))?)
    }

    #[wasm_bindgen(getter)]
    pub fn timeout(&self) -> f64 {
        self.driver.peer(|peer| peer.config().announce_every.as_secs_f64() * 1000.0)
    }

    #[wasm_bindgen(setter)]
    pub fn set_timeout(&self, value: &JsValue) -> Result<(), Error> {
        let every = options::timeout(value)?;
        self.open()?.change(|peer, now| peer.set_announce_every(every, now));
        Ok(())
    }

    // What this peer knows.

    #[wasm_bindgen(getter, js_name = wireCount)]
    pub fn wire_count(&self) -> usize {
        self.driver.peer(|peer| peer.link_count())
    }

    #[wasm_bindgen(getter, js_name = peerCount)]
    pub fn peer_count(&self) -> usize {
        self.driver.peer(|peer| peer.known_peers().len())
    }

    #[wasm_bindgen(getter)]
    pub fn wires(&self) -> JsValue {
        snapshot::wires(&self.driver.peer(|peer| peer.links()))
    }

    #[wasm_bindgen(getter)]
    pub fn peers(&self) -> JsValue {
        snapshot::addresses(&self.driver.peer(|peer| peer.known_peers()))
    }

    // Presence.

    #[wasm_bindgen(getter)]
    pub fn presence(&self) -> JsValue {
        presence::own(&self.driver.presence())
    }

    #[wasm_bindgen(setter)]
    pub fn set_presence(&self, value: &JsValue) -> Result<(), JsValue> {
        presence::set(self.open()?, value)
    }

    #[wasm_bindgen(getter)]
    pub fn presences(&self) -> JsValue {
        self.driver.peer(|peer| presence::all(peer.presences()))
    }

    pub fn estimate(&self) -> JsValue {
        snapshot::estimate(&self.driver.peer(|peer| peer.estimate()))
    }

    pub fn topology(&self) -> JsValue {
        self.driver.peer(|peer| snapshot::topology(&peer.topology(), &peer.links()))
    }

    pub fn stats(&self) -> JsValue {
        let links = self.driver.peer(|peer| peer.links());
        self.driver.peer(|peer| snapshot::stats(peer.stats(), &links))
    }

    /// Why peers do or do not connect.
    pub fn diagnose(&self) -> Promise {
        self.driver.diagnose()
    }

    // Trackers.

    #[wasm_bindgen(getter)]
    pub fn trackers(&self) -> JsValue {
        snapshot::trackers(&self.driver.peer(|peer| peer.trackers()))
    }

    #[wasm_bindgen(js_name = addTracker)]
    pub fn add_tracker(&self, url: &JsValue) -> Result<(), Error> {
        let url = options::tracker(url)?;
        self.open()?.change(|peer, now| peer.add_tracker(&url, now));
        Ok(())
    }

    #[wasm_bindgen(js_name = removeTracker)]
    pub fn remove_tracker(&self, url: &JsValue) -> Result<(), Error> {
        let url = options::tracker(url)?;
        self.open()?.change(|peer, now| peer.remove_tracker(&url, now));
        Ok(())
    }

    fn add_to_page(&self, this: JsValue, args: &Array, turn: Turn, first: bool) -> Result<(), Error> {
        if self.driver.ended() {
            return Ok(());
        }
        self.driver.page.add(this, args.get(0), args.get(1), turn, first)
    }

    fn open(&self) -> Result<&Rc<Driver>, Error> {
        if self.driver.closed() { Err(Error::Closed) } else { Ok(&self.driver) }
    }
}

/// `send(message)`, `send(address, message)` or `send(address, message, options)`, told apart by their number; in a channel, if
/// there is one.
pub(super) fn send(driver: &Rc<Driver>, channel: Option<&str>, args: &Array) -> Result<Delivery, JsValue> {
    let (to, message) = match args.length() {
        0 | 1 => (None, args.get(0)),
        _ => (options::recipient(&args.get(0), &args.get(2))?, args.get(1)),
    };
    let options = SendOptions::read(&args.get(2))?;
    let head = Parcel::head(channel, Purpose::Message);
    let payload = convert::encode(&message, driver.limit(), head)?;
    let Sent { id, outcome } = driver.send(to, payload, &options)?;
    Ok(Delivery { id, outcome })
}

/// `request(address, message, options?)`.
pub(super) fn request(driver: &Rc<Driver>, channel: Option<&str>, args: &Array) -> Result<Promise, JsValue> {
    let to = options::address("the address of whom to ask", &args.get(0))?;
    driver.request(channel, to, &args.get(1), SendOptions::read(&args.get(2))?)
}

/// What `send` returns: it has an `id`, and may be awaited. No promise exists until somebody asks for one.
#[wasm_bindgen(skip_typescript)]
pub struct Delivery {
    id: Rc<Cell<MessageId>>,
    outcome: Rc<Outcome>,
}

#[wasm_bindgen]
impl Delivery {
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> String {
        self.id.get().to_string()
    }

    pub fn then(&self, fulfilled: &JsValue, rejected: &JsValue) -> Promise {
        self.promise().then(fulfilled, rejected)
    }

    pub fn catch(&self, rejected: &JsValue) -> Promise {
        self.promise().catch(rejected)
    }

    pub fn finally(&self, settled: &JsValue) -> Promise {
        self.promise().finally(settled)
    }

    fn promise(&self) -> Thenable {
        self.outcome.promise().unchecked_into()
    }
}
