//! A peer among those who mean it harm, and in a world that makes no sense.

use std::cell::Cell;

use proptest::prelude::*;

use super::world::{START, World, config, sdp};
use super::*;
use crate::proto::codec;
use crate::proto::envelope::Envelope;
use crate::proto::id::TrackerPeerId;
use crate::proto::identity::{Proof, PublicKey};
use crate::proto::introducers::tracker;
use crate::proto::io::Bytes;
use crate::proto::links::admission::{Confirm, Hello, VERSION};
use crate::proto::links::link::wire::{FRAME, Frame, encode, frame, part};
use crate::proto::messaging::broadcast;
use crate::proto::messaging::direct;
use crate::proto::messaging::message::{Kind, Message, Payload};
use crate::proto::offer::kit::{enveloped, signed, unsigned};
use crate::proto::request::{Goal, OfferOrigin, Request};
use crate::proto::sdp::{Candidate, Description};
use crate::proto::signalling::{self, Signal};
use crate::proto::topology;
use crate::testkit::tracker::{Half, Word};
use crate::testkit::{listen, tell};

/// What any input may cause, at most: a word to every link and event for each, several times over.
const MAX_OUTPUTS: usize = 200;
/// Six slots, one more during a hand-over, three offers that trackers have, and two requests for ring links.
const MOST_CONNS: usize = 12;

#[test]
fn absurd_packets_break_nothing_and_cause_little() {
    let mut world = World::of(3, 6);
    let me = world.address(1);
    for packet in absurdities(&world) {
        if !world.linked(1, 0) {
            world = World::of(3, 6);
        }
        let about = format!("{packet:?}").chars().take(200).collect::<String>();
        let outputs = say(&mut world, &packet);
        assert!(outputs <= MAX_OUTPUTS, "{outputs} outputs after {about}");
        assert!(world.texts(1).is_empty(), "{about}");
    }
    assert!(world.peers[1].address() == me);
}

#[test]
fn a_candidate_cannot_smuggle_lines_into_a_description() {
    let mut world = World::of(3, 6);
    // Whatever text stands in a candidate on the wire, no line of it reaches a browser.
    let mut bytes = codec::to_bytes(&candidate("0123456789ab.local", 5000));
    let at = bytes.windows(4).position(|window| window == b"0123").expect("the name is in there");
    bytes[at..at + 4].copy_from_slice(b"\r\na=");
    let evil: Candidate = codec::from_bytes(&bytes).expect("it looks like any other");
    let mut offer = description(0, 9);
    offer.candidates.push(evil.clone());
    let from = world.address(0);
    let mut outputs = Vec::new();
    for packet in [
        signalling::Packet::Request(Box::new(Request {
            offer: Some(unsigned(offer)),
            ..request(1, from, Goal::Exact(from))
        })),
        signalling::Packet::Forward { id: RequestId([1; 8]), signal: Signal::Candidate(evil.clone()) },
        signalling::Packet::Reply(signalling::Reply {
            id: RequestId([1; 8]),
            to: world.address(1),
            path: Vec::new(),
            hops_left: 9,
            signal: Signal::Candidate(evil),
        }),
    ] {
        outputs.extend(say_raw(&mut world, &Packet::Signalling(packet)));
    }
    let text = format!("{outputs:?}");
    assert!(!text.contains("a=6789"), "{text}");
}

#[test]
fn a_flood_of_requests_makes_no_more_connections_than_there_are_slots() {
    let mut world = World::of(3, 6);
    for n in 0..3000u32 {
        let request = asked(n, Goal::Exact(world.address(1)), world.now);
        let request = Request { need: n % 2 == 0, ..request };
        say_raw(&mut world, &Packet::Signalling(signalling::Packet::Request(Box::new(request))));
    }
    let peer = &world.peers[1];
    assert!(peer.commons.around.free >= -1, "a hand-over takes one more slot for a moment");
    assert!(peer.parts.links.conns().len() > 2, "some were taken up");
    assert!(peer.parts.links.conns().len() <= MOST_CONNS, "{} connections", peer.parts.links.conns().len());
}

#[test]
fn a_flood_of_offers_from_a_tracker_makes_no_more_connections_than_there_are_slots() {
    let mut world = World::new();
    world.join(config());
    world.run(Duration::from_secs(1));
    for n in 0..3000u32 {
        let text = tracker_offer(&world.peers[0], n, (n % 4) as u8, world.now);
        world.with(0, |peer, now| peer.handle(Input::TrackerMessage(TrackerId(0), text), now));
        let conns = world.peers[0].parts.links.conns().len();
        assert!(conns <= MOST_CONNS, "{conns} connections");
    }
    assert!(world.peers[0].parts.links.conns().len() > 3, "some were taken up");
}

#[test]
fn lists_of_neighbors_that_lie_are_bounded() {
    let mut world = World::of(3, 6);
    for round in 0..50u8 {
        let list = list(round, 64);
        let beyond = list_addresses(round).map(|address| (address, self::list(round ^ 0x80, 64))).collect();
        say_raw(&mut world, &Packet::View(topology::Packet::Nearer(list.links[..2].to_vec())));
        say_raw(&mut world, &Packet::View(topology::Packet::Own(list)));
        say_raw(&mut world, &Packet::View(topology::Packet::Relayed(beyond)));
    }
    let known = world.peers[1].known_peers().len();
    assert!(known <= 64 * 64 + 64 + 2 + 2, "{known}");
    world.run(Duration::from_secs(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_on_a_link_break_nothing(
        frames in prop::collection::vec((any::<bool>(), 0..9u8, prop::collection::vec(any::<u8>(), 0..200)), 1..4),
    ) {
        thread_local!(static WORLD: Cell<Option<World>> = const { Cell::new(None) });
        let mut world = WORLD.take().unwrap_or_else(|| World::of(3, 6));
        for (shaped, kind, bytes) in frames {
            if !world.linked(1, 0) {
                world = World::of(3, 6);
            }
            let bytes = if shaped { frame(&Frame::Whole(&[&[kind], &bytes[..]].concat())) } else { bytes };
            let outputs = raw(&mut world, bytes).len();
            prop_assert!(outputs <= MAX_OUTPUTS, "{outputs}");
            prop_assert!(world.texts(1).is_empty());
        }
        world.run(Duration::from_secs(1));
        WORLD.set(Some(world));
    }

    #[test]
    fn arbitrary_inputs_in_arbitrary_order_break_nothing(
        steps in prop::collection::vec((input(), 0..4000u64), 1..120),
    ) {
        let identity = Identity::from_secret([1; 32]);
        let mut peer = Peer::new(config(), identity, Random::new([1; 32]), START).expect("good settings");
        let mut now = START;
        for (step, after) in steps {
            now = now + Duration::from_millis(after);
            match step {
                Step::Input(input) => peer.handle(input, now),
                Step::Offer(n, role) => {
                    let text = tracker_offer(&peer, n, role, now);
                    peer.handle(Input::TrackerMessage(TrackerId(0), text), now);
                }
                Step::Send(to, size) => drop(peer.send(to, Bytes(vec![0; size]), now)),
                Step::MaxPeers(max) => drop(peer.set_max_peers(max, now)),
                Step::AddTracker(n) => peer.add_tracker(&format!("ws://{n}"), now),
                Step::RemoveTracker(n) => peer.remove_tracker(&format!("ws://{n}"), now),
                Step::Close => peer.close(now),
            }
            let said = listen(&mut peer, now);
            prop_assert!(said.outputs.len() <= MAX_OUTPUTS, "{}", said.outputs.len());
            if said.due.is_some_and(|at| at <= now) {
                tell(&mut peer, Input::Timeout, now);
            }
        }
    }
}

// Helpers.

#[derive(Debug, Clone)]
enum Step {
    Input(Input),
    /// A tracker brings an offer of this origin, in this role.
    Offer(u32, u8),
    Send(Option<Address>, usize),
    MaxPeers(usize),
    AddTracker(u8),
    RemoveTracker(u8),
    Close,
}

fn input() -> impl Strategy<Value = Step> {
    let conn = || (0..12u64).prop_map(ConnId);
    let tracker = || (0..3u32).prop_map(TrackerId);
    let text = || {
        prop_oneof![
            Just(String::new()),
            Just(sdp((1, ConnId(1)), "active")),
            Just(sdp((2, ConnId(1)), "actpass")),
            Just("candidate:1 1 udp 1 10.0.0.7 5000 typ host".to_owned()),
            Just(r#"{"failure reason":"no"}"#.to_owned()),
            ".*",
        ]
    };
    prop_oneof![
        4 => Just(Step::Input(Input::Timeout)),
        1 => Just(Step::Input(Input::Woke)),
        2 => tracker().prop_map(|id| Step::Input(Input::TrackerOpened(id))),
        1 => (tracker(), text()).prop_map(|(id, text)| Step::Input(Input::TrackerMessage(id, text))),
        1 => (tracker(), text()).prop_map(|(id, text)| Step::Input(Input::TrackerClosed(id, text))),
        4 => (conn(), text()).prop_map(|(id, text)| Step::Input(Input::ConnDescribed(id, text))),
        2 => (conn(), text()).prop_map(|(id, text)| Step::Input(Input::ConnCandidate(id, text))),
        4 => conn().prop_map(|id| Step::Input(Input::ConnGathered(id))),
        4 => conn().prop_map(|id| Step::Input(Input::ConnOpened(id))),
        2 => (conn(), prop::collection::vec(any::<u8>(), 0..50))
            .prop_map(|(id, bytes)| Step::Input(Input::ConnFrame(id, Bytes(bytes)))),
        1 => conn().prop_map(|id| Step::Input(Input::ConnWritable(id))),
        1 => (conn(), prop::option::of(0..20_000u64))
            .prop_map(|(id, ago)| Step::Input(Input::ConnTransport(id, ago.map(Duration::from_millis)))),
        1 => conn().prop_map(|id| Step::Input(Input::ConnInterrupted(id))),
        1 => conn().prop_map(|id| Step::Input(Input::ConnResumed(id))),
        2 => (conn(), text()).prop_map(|(id, text)| Step::Input(Input::ConnClosed(id, text))),
        6 => (any::<u32>(), 0..5u8).prop_map(|(n, role)| Step::Offer(n, role)),
        1 => (prop::option::of(any::<[u8; 20]>().prop_map(Address)), 0..100usize)
            .prop_map(|(to, size)| Step::Send(to, size)),
        1 => (0..70usize).prop_map(Step::MaxPeers),
        1 => (0..3u8).prop_map(Step::AddTracker),
        1 => (0..3u8).prop_map(Step::RemoveTracker),
        1 => prop::bool::weighted(0.05)
            .prop_map(|close| if close { Step::Close } else { Step::Input(Input::Timeout) }),
    ]
}

/// 0 says something to 1; how much 1 does about it.
fn say(world: &mut World, packet: &Packet) -> usize {
    say_raw(world, packet).len()
}

fn say_raw(world: &mut World, packet: &Packet) -> Vec<Output> {
    let bytes = encode(packet);
    if bytes.len() <= part(FRAME) {
        return raw(world, frame(&Frame::Whole(&bytes)));
    }
    let parts = bytes.chunks(part(FRAME)).collect::<Vec<_>>();
    let frames = parts.iter().enumerate();
    let frames =
        frames.map(|(i, bytes)| frame(&Frame::Part { stream: 7, last: i + 1 == parts.len(), bytes }));
    frames.flat_map(|bytes| raw(world, bytes)).collect()
}

fn raw(world: &mut World, bytes: Vec<u8>) -> Vec<Output> {
    let Some(conn) = world.peers[1].parts.links.conn_of(&world.address(0)) else { return Vec::new() };
    tell(&mut world.peers[1], Input::ConnFrame(conn, Bytes(bytes)), world.now).outputs
}

pub(super) fn description(index: usize, conn: u64) -> Description {
    Description::parse(&sdp((index, ConnId(conn)), "actpass")).expect("we wrote it")
}

pub(super) fn candidate(place: &str, port: u16) -> Candidate {
    Candidate::parse(&format!("candidate:1 1 udp 1 {place} {port} typ host")).expect("we wrote it")
}

/// An answer whose proof is none.
pub(super) fn accept(key: PublicKey, n: u64, hello: Option<Box<Hello>>) -> Signal {
    let proof = Proof { commitment: [0; 32], response: [0; 32] };
    Signal::Accept { key, answer: Box::new(description(99, n)), proof, hello }
}

/// A key that costs nothing.
pub(super) fn stranger(n: u32) -> Identity {
    let mut secret = [0x66; 32];
    secret[..4].copy_from_slice(&n.to_be_bytes());
    Identity::from_secret(secret)
}

/// A request that a [`stranger`] makes, and signs.
pub(super) fn asked(n: u32, goal: Goal, now: Instant) -> Request {
    let who = stranger(n);
    signed(request(n, who.address(), goal), &who, &SwarmTag::of_topic("t"), now)
}

/// A request in a name that nobody proves.
pub(super) fn request(n: u32, origin: Address, goal: Goal) -> Request {
    let offer = OfferId([n as u8; 20]);
    let mut random = [1; 8];
    random[..3].copy_from_slice(&n.to_be_bytes()[1..]);
    Request {
        id: RequestId::of_offer(&offer, random),
        origin,
        instance: [n as u8; 16],
        goal,
        need: false,
        instead_of: None,
        offer: Some(unsigned(description(99, n.into()))),
        brought: Some(OfferOrigin { mark: tracker::mark("ws://t"), to: TrackerPeerId([n as u8; 20]), offer }),
        path: Vec::new(),
        hops_left: signalling::MAX_HOPS,
    }
}

fn message(to: Option<Address>, size: usize) -> Message {
    let payload = Payload::from(vec![1; size]);
    let draft = Draft {
        to_claimed: false,
        blinding: [0; 32],
        claimed: None,
        to,
        kind: Kind::Page,
        nonce: [size as u8; 16],
        payload,
    };
    draft
        .sign(&Identity::from_secret([77; 32]), &SwarmTag::of_topic("t"), START + Duration::from_secs(20))
        .into_inner()
}

/// What a tracker would say that brings an offer of a [`stranger`].
pub(super) fn tracker_offer(peer: &Peer, n: u32, role: u8, now: Instant) -> String {
    let (who, id) = (stranger(n), OfferId([b'o'; 20]));
    let envelope = Envelope { role, ..answer(who.address(), description(99, u64::from(n))) };
    let envelope = enveloped(envelope, id, &who, &peer.commons.me.secret.tag(), now);
    tracker_word(peer, &id, &envelope, Half::Offer, Half::Offer, now)
}

/// What a tracker would say that brings an answer.
pub(super) fn tracker_answer(peer: &Peer, from: Address, offer: &OfferId, now: Instant) -> String {
    tracker_word(peer, offer, &answer(from, description(99, 7)), Half::Answer, Half::Answer, now)
}

pub(super) fn answer(from: Address, description: Description) -> Envelope {
    Envelope { from, instance: [1; 16], role: 0, instead_of: None, description, signature: None }
}

/// What is written as one half, and told as one.
pub(super) fn tracker_word(
    peer: &Peer,
    offer: &OfferId,
    envelope: &Envelope,
    written: Half,
    told: Half,
    now: Instant,
) -> String {
    let secret = &peer.commons.me.secret;
    let (info_hash, offer_id) = (&secret.info_hash().to_binary(), &offer.to_binary());
    let word = Word { info_hash, peer_id: &"b".repeat(20), offer_id };
    let mut seed = [1; 32];
    seed[..20].copy_from_slice(&envelope.from.0);
    word.write(told, &envelope.write(written, offer, secret, &mut Random::new(seed), now))
}

fn list_addresses(mark: u8) -> impl Iterator<Item = Address> + Clone {
    (0..64u8).map(move |n| {
        let mut address = [mark; 20];
        address[0] = n.wrapping_mul(37);
        Address(address)
    })
}

pub(super) fn list(mark: u8, count: usize) -> topology::List {
    list_naming(&list_addresses(mark).cycle().take(count).collect::<Vec<_>>())
}

pub(super) fn list_naming(links: &[Address]) -> topology::List {
    // An entry's round trip is its own affair: one byte after the address.
    let entries: Vec<_> = links.iter().map(|address| (*address, 1u8)).collect();
    let bytes = codec::to_bytes(&(1u8, entries));
    codec::from_bytes(&bytes).expect("that is how a list is written")
}

pub(super) fn absurdities(world: &World) -> Vec<Packet> {
    let [them, me, third] = [0, 1, 2].map(|peer| world.address(peer));
    let nobody = Address([9; 20]);
    let (id, many) = (MessageId([3; 20]), (0..10_000u32).map(many_ids).collect::<Vec<_>>());
    let mut packets = vec![Packet::Ping(0), Packet::Pong(u32::MAX)];
    packets.extend([true, false].map(|asks| Packet::Trackers { marks: (0..1000).collect(), asks }));
    packets.extend(
        [
            broadcast::Packet::Have(many),
            broadcast::Packet::Have(Vec::new()),
            broadcast::Packet::Graft(id),
            broadcast::Packet::Prune(me),
            broadcast::Packet::Prune(nobody),
            broadcast::Packet::Resume(me),
            broadcast::Packet::Resume(nobody),
            broadcast::Packet::Digest { bucket: u64::MAX, sum: 0 },
            broadcast::Packet::Digest { bucket: 0, sum: u64::MAX },
        ]
        .map(Packet::Broadcast),
    );
    for size in [0, 1, 5000] {
        for to in [None, Some(me), Some(them), Some(nobody)] {
            let message = message(to, size);
            for hops in [0, 255] {
                let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
                packets.push(Packet::Broadcast(broadcast::Packet::Header { hops, header: header.clone() }));
                // A broadcast of a stranger is delivered if its proof is good; here the payload never fits.
                let payload = Payload::from([&payload.0[..], b"x"].concat());
                packets.push(Packet::Broadcast(broadcast::Packet::Data { hops, header, payload }));
            }
            for path in [vec![], vec![me; 3], vec![them, third, them, third], vec![nobody; 300]] {
                let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
                packets.push(Packet::Direct(direct::Packet::Message { header, payload, path, attempt: 255 }));
            }
        }
    }
    packets.push(Packet::Direct(direct::Packet::Taken { id, attempt: 0 }));
    packets.push(Packet::Direct(direct::Packet::Stuck { id, attempt: 255 }));
    for goal in [Goal::Successor, Goal::Predecessor, Goal::Point(me), Goal::Exact(me), Goal::Exact(nobody)] {
        for origin in [me, them, third, nobody] {
            for hops_left in [0, 1, u16::MAX] {
                let n = packets.len() as u32;
                let asked = Request { hops_left, ..request(n, origin, goal) };
                let probe = Request { offer: None, ..request(n + 1_000_000, origin, goal) };
                let long = Request { path: vec![nobody; 5000], ..request(n + 2_000_000, origin, goal) };
                packets.extend(
                    [asked, probe, long]
                        .map(|r| Packet::Signalling(signalling::Packet::Request(Box::new(r)))),
                );
            }
        }
    }
    for signal in [
        Signal::Found(me),
        Signal::Found(nobody),
        Signal::Reject(Reason::Busy),
        Signal::Cancel,
        Signal::Decline { origin: me, answer: AnswerMark([1; 8]) },
        Signal::Decline { origin: nobody, answer: AnswerMark([2; 8]) },
        accept(Identity::from_secret([2; 32]).public_key(), 1, None),
        accept(PublicKey([9; 32]), 1, Some(Box::new(greeting().0))),
        Signal::Greet { request: RequestId([7; 8]), hello: Box::new(greeting().0), confirm: greeting().1 },
        Signal::Candidate(candidate("x.local", 5000)),
    ] {
        let id = RequestId([7; 8]);
        for to in [me, them, nobody] {
            let signal = signal.clone();
            let reply = signalling::Reply { id, to, path: Vec::new(), hops_left: u16::MAX, signal };
            packets.push(Packet::Signalling(signalling::Packet::Reply(reply)));
        }
        packets.push(Packet::Signalling(signalling::Packet::Forward { id, signal }));
    }
    let long = vec![(nobody, list(1, 64)); 64];
    packets.extend([
        Packet::View(topology::Packet::Own(list(0, 0))),
        Packet::View(topology::Packet::Own(list(0, 64))),
        Packet::View(topology::Packet::Relayed(long)),
        Packet::View(topology::Packet::Nearer(list(2, 2).links)),
        Packet::View(topology::Packet::Own(list(0, 65))),
        Packet::Close(Farewell::Evicted { hint: Some(me) }),
        Packet::Close(Farewell::Full),
    ]);
    packets
}

/// Words of a greeting that fit no link.
pub(super) fn greeting() -> (Hello, Confirm) {
    let someone = Identity::from_secret([77; 32]);
    let hello = Hello {
        version: VERSION,
        capabilities: 0,
        clock: 0,
        nonce: [1; 16],
        key: someone.public_key(),
        claimed: None,
        share: [3; 32],
        more: Vec::new(),
    };
    (hello, Confirm { tag: [4; 32], proof: someone.prove("test", b"") })
}

pub(super) fn many_ids(n: u32) -> MessageId {
    let mut id = [4; 20];
    id[..4].copy_from_slice(&n.to_be_bytes());
    MessageId(id)
}
