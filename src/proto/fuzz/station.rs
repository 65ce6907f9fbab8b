//! A peer in the hands of a fuzzer, with whatever is at the other ends of its connections: a browser that does
//! as it is told, and remotes that are members and may say anything.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use super::{MAX_OUTPUTS, START};
use crate::proto::envelope::Envelope;
use crate::proto::links::link::wire::{Frame, Inbox, Packet, encode, frame};
use crate::proto::messaging::message::{Draft, Kind, Message, Payload};
use crate::proto::messaging::{broadcast, direct};
use crate::proto::offer::kit::enveloped;
use crate::proto::request::RequestId;
use crate::proto::sdp::Description;
use crate::proto::secret::SwarmTag;
use crate::proto::signalling;
use crate::proto::{
    Abilities, Address, Admission, Admitted, Binding, Bytes, Config, ConnId, Event, Hello, Identity, Input,
    Instant, MessageId, OfferId, Output, Peer, Random, SwarmId, SwarmSecret, TrackerId,
};
use crate::testkit::description::End;
use crate::testkit::tracker::{Half, Word};
use crate::testkit::{Said, drive, tell};

/// A connection as its remote sees it.
pub(super) struct Remote {
    pub(super) conn: ConnId,
    /// What the peer was told of the remote's certificate.
    fingerprint: [u8; 32],
    inbox: Inbox,
    /// What the peer said first.
    pub(super) hello: Option<Hello>,
    /// Whether it said anything but the handshake.
    pub(super) said_more: bool,
    /// Whom the remote was admitted as.
    pub(super) identity: Option<Identity>,
}

pub(super) struct Station {
    pub(super) peer: Peer,
    pub(super) secret: SwarmSecret,
    pub(super) now: Instant,
    /// Connections that both sides have described, the newest last.
    pub(super) remotes: Vec<Remote>,
    /// Whether the browser describes and gathers by itself.
    pub(super) browser: bool,
    /// What the peer offered last, through a tracker and through the mesh.
    pub(super) offers: Vec<OfferId>,
    pub(super) requests: Vec<RequestId>,
    /// Messages that the peer was told of, or said itself.
    pub(super) messages: Vec<MessageId>,
    /// Direct messages of the peer's own.
    pub(super) directs: Vec<Message>,
    /// Messages that the page received.
    pub(super) received: u64,
    /// Direct messages of the page that were acknowledged.
    pub(super) acknowledged: u64,
    fresh: u32,
    todo: VecDeque<Input>,
}

impl Station {
    pub(super) fn new(identity: Identity, secret: Option<SwarmSecret>) -> Self {
        let config = Config {
            trackers: vec!["ws://t".into()],
            reserves: Vec::new(),
            secret: secret.clone(),
            max_peers: 4,
            ..Config::new(SwarmId::of_topic("t"))
        };
        let secret = secret.unwrap_or_else(|| SwarmSecret::public(config.swarm));
        let peer = Peer::new(config, identity, Random::new([1; 32]), START).expect("the settings are good");
        let mut station = Self {
            peer,
            secret,
            now: START,
            remotes: Vec::new(),
            browser: true,
            offers: Vec::new(),
            requests: Vec::new(),
            messages: Vec::new(),
            directs: Vec::new(),
            received: 0,
            acknowledged: 0,
            fresh: 0,
            todo: VecDeque::new(),
        };
        station.act(|_, _| {});
        station.feed(Input::TrackerOpened(TrackerId(0)));
        station
    }

    /// Gives the peer an input, does what it wants, and sees to it that it holds no more than it may.
    pub(super) fn feed(&mut self, input: Input) {
        self.act(|peer, now| peer.handle(input, now));
    }

    pub(super) fn act(&mut self, act: impl FnOnce(&mut Peer, Instant)) {
        let ((), said) = drive(&mut self.peer, self.now, act);
        self.carry_out(said);
        while let Some(input) = self.todo.pop_front() {
            let said = tell(&mut self.peer, input, self.now);
            self.carry_out(said);
        }
        if self.peer.poll_timeout().is_some_and(|at| at <= self.now) {
            let said = tell(&mut self.peer, Input::Timeout, self.now);
            self.carry_out(said);
        }
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.feed(Input::Timeout);
    }

    /// A number that was not used before.
    pub(super) fn fresh(&mut self) -> u32 {
        self.fresh += 1;
        self.fresh
    }

    // What the peer wants.

    fn carry_out(&mut self, said: Said) {
        assert!(said.outputs.len() < MAX_OUTPUTS, "an input caused {} outputs", said.outputs.len());
        for output in said.outputs {
            match output {
                Output::ConnOffer(conn) | Output::ConnReoffer(conn) | Output::ConnReanswer(conn, _) => {
                    self.describe(conn)
                }
                Output::ConnAnswer(conn, theirs) => {
                    self.meet(conn, &theirs);
                    self.describe(conn);
                }
                Output::ConnAccept(conn, theirs) => self.meet(conn, &theirs),
                Output::ConnSend(conn, bytes) => self.hear(conn, &bytes),
                Output::ConnClose(conn) => self.remotes.retain(|remote| remote.conn != conn),
                Output::TrackerSend(_, text) => self.announced(&text),
                Output::Event(Event::Message(_)) => self.received += 1,
                Output::Event(Event::Delivery(id, Ok(_))) => {
                    self.acknowledged += u64::from(self.directs.iter().any(|message| message.id == id));
                }
                Output::Event(_)
                | Output::TrackerOpen(..)
                | Output::TrackerClose(_)
                | Output::TabsOpen(_)
                | Output::TabsSend(_)
                | Output::TabsClose
                | Output::ConnCandidate(..)
                | Output::ConnAwaitWritable(_)
                | Output::ConnAskTransport(_) => {}
            }
        }
    }

    fn describe(&mut self, conn: ConnId) {
        if self.browser {
            self.todo.push_back(Input::ConnDescribed(conn, End(0, conn.0).describe_whole("actpass")));
            self.todo.push_back(Input::ConnGathered(conn));
        }
    }

    fn meet(&mut self, conn: ConnId, theirs: &str) {
        let theirs = Description::parse(theirs).expect("the peer wrote it");
        self.remotes.retain(|remote| remote.conn != conn);
        self.remotes.push(Remote {
            conn,
            fingerprint: theirs.fingerprint,
            inbox: Inbox::default(),
            hello: None,
            said_more: false,
            identity: None,
        });
    }

    fn announced(&mut self, text: &str) {
        let said: Value = serde_json::from_str(text).expect("the peer writes good JSON");
        for offer in said["offers"].as_array().into_iter().flatten() {
            let id = offer["offer_id"].as_str().expect("every offer has one");
            let mut bytes = [0; 20];
            bytes.iter_mut().zip(id.chars()).for_each(|(byte, c)| *byte = c as u8);
            note(&mut self.offers, OfferId(bytes));
        }
    }

    fn hear(&mut self, conn: ConnId, bytes: &Bytes) {
        let Some(remote) = self.remotes.iter_mut().find(|remote| remote.conn == conn) else { return };
        let packets = remote.inbox.packets(&bytes.0, 1 << 26).expect("the peer writes good frames");
        let mut more = Vec::new();
        for packet in packets {
            match packet {
                Packet::Confirm { .. } | Packet::Close(_) => {}
                Packet::Hello(hello) => remote.hello = Some(hello),
                packet => more.push(packet),
            }
        }
        remote.said_more |= !more.is_empty();
        more.into_iter().for_each(|packet| self.learn(packet));
    }

    fn learn(&mut self, packet: Packet) {
        match packet {
            Packet::Signalling(signalling::Packet::Request(request)) => note(&mut self.requests, request.id),
            Packet::Broadcast(broadcast::Packet::Data { header, .. }) => {
                note(&mut self.messages, header.id())
            }
            Packet::Direct(direct::Packet::Message { header, payload, .. }) => {
                note(&mut self.messages, header.id());
                if header.from() == self.peer.address() {
                    note(&mut self.directs, Message::new(*header, payload));
                }
            }
            _ => {}
        }
    }

    // What remotes do.

    /// The tracker brings an offer of this one.
    pub(super) fn offer(&mut self, who: &Identity, role: u8, mark: u8) {
        let id = OfferId([mark; 20]);
        let envelope = Envelope { role, ..answer(who.address(), mark) };
        let envelope = enveloped(envelope, id, who, &self.secret.tag(), self.now);
        self.tracker_says(&id, &envelope, Half::Offer);
    }

    /// The tracker brings this one's answer to an offer of the peer.
    pub(super) fn answer(&mut self, offer: OfferId, from: Address, mark: u8) {
        self.tracker_says(&offer, &answer(from, mark), Half::Answer);
    }

    fn tracker_says(&mut self, offer: &OfferId, envelope: &Envelope, half: Half) {
        let (info_hash, offer_id) = (&self.secret.info_hash().to_binary(), &offer.to_binary());
        let word = Word { info_hash, peer_id: &"b".repeat(20), offer_id };
        let sdp = envelope.write(half, offer, &self.secret, &mut Random::new([1; 32]), self.now);
        self.feed(Input::TrackerMessage(TrackerId(0), word.write(half, &sdp)));
    }

    /// The remote's half of the handshake on this connection, after the peer's hello.
    pub(super) fn begin(&self, place: usize, identity: &Identity) -> Option<(Admission, Hello)> {
        let remote = self.remotes.get(place)?;
        let ours = End(0, remote.conn.0).fingerprint();
        let binding = Binding { local_fingerprint: &remote.fingerprint, remote_fingerprint: &ours };
        let mut random = Random::new([remote.conn.0 as u8 + 2; 32]);
        let abilities = Abilities { clock: self.now.as_millis(), ..Abilities::default() };
        Some(Admission::new(&self.secret, identity, [1; 16], None, &abilities, binding, &mut random))
    }

    /// The connection opens and its remote goes through the handshake, or stops after some steps of it.
    pub(super) fn shake(&mut self, place: usize, identity: Identity, steps: u8) -> Option<Admitted> {
        let conn = self.remotes.get(place).filter(|remote| remote.identity.is_none())?.conn;
        self.feed(Input::ConnOpened(conn));
        let place = self.remotes.iter().position(|remote| remote.conn == conn)?;
        let ours = self.remotes[place].hello.clone()?;
        let (mut admission, hello) = self.begin(place, &identity)?;
        if steps == 0 {
            return None;
        }
        self.say(conn, &Packet::Hello(hello));
        let confirm = admission.receive(&ours, &identity).ok()?;
        if steps == 1 {
            return None;
        }
        self.remotes.get_mut(place).filter(|remote| remote.conn == conn)?.identity = Some(identity);
        self.say(conn, &Packet::Confirm { confirm, linked: steps == 2 });
        None
    }

    pub(super) fn say(&mut self, conn: ConnId, packet: &Packet) {
        self.say_bytes(conn, &encode(packet));
    }

    /// Whatever its size: no frame of an honest sender is larger than the largest.
    pub(super) fn say_bytes(&mut self, conn: ConnId, bytes: &[u8]) {
        self.feed(Input::ConnFrame(conn, Bytes(frame(&Frame::Whole(bytes)))));
    }

    /// A link by number: those that are active, if any.
    pub(super) fn link(&self, number: u8) -> Option<(ConnId, Address)> {
        let linked: Vec<_> = self.peer.neighbors().collect();
        let active = self.remotes.iter().filter_map(|remote| {
            let address = remote.identity.as_ref()?.address();
            linked.contains(&address).then_some((remote.conn, address))
        });
        let active: Vec<_> = active.collect();
        active.get(usize::from(number).checked_rem(active.len())?).copied()
    }
}

/// Remembers the last few.
fn note<T>(list: &mut Vec<T>, item: T) {
    if list.len() == 8 {
        list.remove(0);
    }
    list.push(item);
}

pub(super) fn description(mark: u8) -> Description {
    Description::parse(&End(1, mark.into()).describe_whole("actpass")).expect("we wrote it")
}

/// A message with a good proof.
pub(super) fn message(
    maker: &Identity,
    claimed: Option<Address>,
    to: Option<Address>,
    kind: Kind,
    nonce: u32,
    payload: Vec<u8>,
    now: Instant,
) -> Message {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&nonce.to_be_bytes());
    let draft = Draft {
        to_claimed: false,
        blinding: [0; 32],
        claimed,
        to,
        kind,
        nonce: bytes,
        payload: Payload::from(payload),
    };
    draft.sign(maker, &SwarmTag::of_topic("t"), now).into_inner()
}

fn answer(from: Address, mark: u8) -> Envelope {
    let description = description(mark);
    Envelope { from, instance: [1; 16], role: 0, instead_of: None, description, signature: None }
}
