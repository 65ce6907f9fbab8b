//! What tests/vectors/wire.py writes from docs/wire.md, with formulas of its own, is what is written and read here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::proto::acceptance::Acceptance;
use crate::proto::codec;
use crate::proto::envelope::{Envelope, Half};
use crate::proto::hex;
use crate::proto::holding::Holding;
use crate::proto::id::{Address, MessageId, OfferId, SwarmId, TrackerPeerId};
use crate::proto::identity::{Identity, Pairs, Proof};
use crate::proto::introducers::tracker::mark;
use crate::proto::links::admission::{Confirm, Hello};
use crate::proto::messaging::message::{Draft, Header, Kind, Payload, Unsigned};
use crate::proto::messaging::{broadcast, direct};
use crate::proto::offer::kit::{enveloped, signed, unsigned};
use crate::proto::random::Random;
use crate::proto::request::{Goal, OfferOrigin, Reason, Request, RequestId};
use crate::proto::restart::{Say, Session, Word};
use crate::proto::sdp::{AnswerMark, Candidate, Description};
use crate::proto::secret::{SwarmSecret, SwarmTag};
use crate::proto::signalling::{self, Reply, Signal};
use crate::proto::time::Instant;
use crate::proto::{presence, topology};

fn vectors() -> BTreeMap<&'static str, Vec<u8>> {
    let lines = include_str!("../../../../../tests/vectors/wire.txt").lines();
    let line = |line: &'static str| {
        let (name, digits) = line.split_once(' ').expect("a name and digits");
        (name, hex::read(digits).expect("pairs of digits"))
    };
    lines.map(line).collect()
}

fn vector(name: &str) -> Vec<u8> {
    vectors().remove(name).unwrap_or_else(|| panic!("no vector {name}"))
}

fn at(n: u8) -> Address {
    Address([n; 20])
}

fn id(name: &str) -> MessageId {
    MessageId(vector(name).try_into().expect("20 bytes"))
}

/// The packet of a vector, which is written again as it was.
fn packet(name: &str) -> Packet {
    let bytes = vector(name);
    let Ok(Read::Packet { packet, more: false }) = decode(&bytes) else {
        panic!("{name}: {:?}", decode(&bytes))
    };
    assert_eq!(hex::text(&encode(&packet)), hex::text(&bytes), "{name}");
    packet
}

fn hello() -> Hello {
    let key = Identity::from_secret([1; 32]).public_key();
    let (nonce, share, more) = ([3; 16], [4; 32], Vec::new());
    Hello {
        version: VERSION,
        capabilities: 0,
        clock: 1_800_000_000_123,
        nonce,
        key,
        claimed: None,
        share,
        more,
    }
}

fn confirm() -> Confirm {
    Confirm { tag: [5; 32], proof: Proof { commitment: [6; 32], response: [6; 32] } }
}

/// An entry's round trip is its own affair.
fn list(free: u8, entries: &[(u8, u8)]) -> topology::List {
    let entries: Vec<_> = entries.iter().map(|&(n, rtt)| (at(n), rtt)).collect();
    codec::from_bytes(&codec::to_bytes(&(free, entries))).expect("that is how a list is written")
}

fn host() -> Candidate {
    Candidate::parse("candidate:0 1 udp 2113667327 192.168.1.7 54321 typ host").expect("a candidate")
}

fn reflexive() -> Candidate {
    let text = "candidate:1 1 udp 1677729535 203.0.113.9 54321 typ srflx raddr 0.0.0.0 rport 0";
    Candidate::parse(text).expect("a candidate")
}

fn description(setup: &str, candidates: &[Candidate]) -> Description {
    let (pwd, fingerprint) = ("p".repeat(24), vec!["0A"; 32].join(":"));
    let sdp = format!(
        "a=ice-ufrag:abcd\r\na=ice-pwd:{pwd}\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}\r\n"
    );
    let mut description = Description::parse(&sdp).expect("the facts are there");
    candidates.iter().for_each(|candidate| assert!(description.add(candidate.clone())));
    description
}

fn offer() -> Description {
    description("actpass", &[host(), reflexive()])
}

/// Signed by who `at(1)` stands for: the origin's key proves its address.
fn asked(request: Request) -> Request {
    let request = Request { offer: Some(unsigned(offer())), ..request };
    let now = Instant::from_millis(1_800_000_000_123);
    signed(request, &Identity::from_secret([1; 32]), &SwarmTag::of_topic("t"), now)
}

fn request(goal: Goal, hops_left: u16) -> Request {
    Request {
        id: RequestId([8; 8]),
        origin: at(1),
        instance: [7; 16],
        goal,
        need: false,
        instead_of: None,
        offer: None,
        brought: None,
        path: Vec::new(),
        hops_left,
    }
}

/// What is made of parts that are open to all.
fn packets() -> Vec<(&'static str, Packet)> {
    let ask = |request: Request| Packet::Signalling(signalling::Packet::Request(Box::new(request)));
    let reply = |signal| {
        let (id, path) = (RequestId([8; 8]), vec![at(2), at(3)]);
        Packet::Signalling(signalling::Packet::Reply(Reply { id, to: at(1), path, hops_left: 32, signal }))
    };
    let forward = |signal| Packet::Signalling(signalling::Packet::Forward { id: RequestId([8; 8]), signal });
    let brought = OfferOrigin {
        mark: mark("wss://tracker.example"),
        to: TrackerPeerId([11; 20]),
        offer: OfferId([12; 20]),
    };
    let exact = asked(Request {
        id: RequestId::of_offer(&OfferId([12; 20]), [8; 8]),
        need: true,
        instead_of: Some(at(4)),
        brought: Some(brought),
        path: vec![at(5)],
        ..request(Goal::Exact(at(2)), 1200)
    });
    let accept = |hello: Option<Hello>| {
        let (who, answer) = (Identity::from_secret([2; 32]), description("active", &[host()]));
        let said = Acceptance {
            request: RequestId([8; 8]),
            offer: offer().hash(),
            answer: &answer,
            hello: hello.as_ref(),
        };
        let (key, proof) = (who.public_key(), said.prove(&who, &SwarmTag::of_topic("t")));
        Signal::Accept { key, answer: Box::new(answer), proof, hello: hello.map(Box::new) }
    };
    let (other, maker) = (RequestId([9; 8]), Identity::from_secret([1; 32]).address());
    let first = |whole: [u8; 20]| u64::from_be_bytes(whole[..8].try_into().expect("8 bytes"));
    let fold = |name| first(id(name).0);
    let digest = broadcast::Packet::Digest {
        bucket: 1_800_000_000_123 / 4000,
        sum: fold("said_id") ^ fold("named_id"),
    };
    let (holder, swarm) = (Identity::from_secret([1; 32]), SwarmTag::of_topic("t"));
    let holding = Holding::prove(&holder, &swarm, [3; 16], [8; 16], Duration::from_secs(60));
    vec![
        ("hello", Packet::Hello(hello())),
        (
            "hello_claimed",
            Packet::Hello(Hello {
                claimed: Some(at(7)),
                capabilities: 300,
                clock: 1_800_000_000_123,
                more: b"later".to_vec(),
                ..hello()
            }),
        ),
        ("confirm", Packet::Confirm { confirm: confirm(), linked: true }),
        ("close_leaving", Packet::Close(Farewell::Leaving)),
        ("close_evicted", Packet::Close(Farewell::Evicted { hint: None })),
        ("close_evicted_hint", Packet::Close(Farewell::Evicted { hint: Some(at(7)) })),
        ("close_duplicate", Packet::Close(Farewell::Duplicate)),
        ("close_full", Packet::Close(Farewell::Full)),
        ("close_refused", Packet::Close(Farewell::Refused)),
        ("ping", Packet::Ping(300)),
        ("pong", Packet::Pong(u32::MAX)),
        ("view_own", Packet::View(topology::Packet::Own(list(4, &[(1, 10), (2, 255)])))),
        (
            "view_relayed",
            Packet::View(topology::Packet::Relayed(vec![
                (at(1), list(0, &[(2, 20)])),
                (at(3), list(6, &[])),
            ])),
        ),
        ("view_nearer", Packet::View(topology::Packet::Nearer(list(0, &[(9, 128)]).links))),
        ("request_exact", ask(exact)),
        ("request_point", ask(asked(request(Goal::Point(at(2)), 5)))),
        ("request_successor", ask(request(Goal::Successor, 5))),
        ("request_predecessor", ask(request(Goal::Predecessor, 5))),
        ("reply_accept", reply(accept(Some(hello())))),
        ("reply_accept_bare", reply(accept(None))),
        ("reply_found", reply(Signal::Found(at(2)))),
        ("reply_reject_full", reply(Signal::Reject(Reason::Full))),
        ("reply_reject_busy", reply(Signal::Reject(Reason::Busy))),
        ("reply_reject_duplicate", reply(Signal::Reject(Reason::Duplicate))),
        ("reply_reject_not_found", reply(Signal::Reject(Reason::NotFound))),
        ("reply_reject_failed", reply(Signal::Reject(Reason::Failed))),
        ("reply_candidate", reply(Signal::Candidate(reflexive()))),
        ("reply_cancel", reply(Signal::Cancel)),
        ("reply_decline", reply(Signal::Decline { origin: at(1), answer: AnswerMark([5; 8]) })),
        (
            "reply_greet",
            reply(Signal::Greet { request: other, hello: Box::new(hello()), confirm: confirm() }),
        ),
        ("reply_later", reply(Signal::Later([&[42][..], b"later"].concat()))),
        ("forward_candidate", forward(Signal::Candidate(host()))),
        ("forward_cancel", forward(Signal::Cancel)),
        ("have", Packet::Broadcast(broadcast::Packet::Have(vec![id("said_id"), id("named_id")]))),
        ("graft", Packet::Broadcast(broadcast::Packet::Graft(id("said_id")))),
        ("prune", Packet::Broadcast(broadcast::Packet::Prune(maker))),
        ("digest", Packet::Broadcast(digest)),
        ("resume", Packet::Broadcast(broadcast::Packet::Resume(maker))),
        ("clock", Packet::Clock { millis: 1_800_000_000_123, asks: true }),
        ("rival", Packet::Rival([8; 16])),
        ("holds", Packet::Holds(holding)),
        ("trackers", Packet::Trackers { marks: vec![7, mark("wss://tracker.example")], asks: true }),
        (
            "presence_sum",
            Packet::Presence(presence::Packet::Sum(first(id("shown_id").0) ^ first(id("said_id").0))),
        ),
        (
            "presence_held",
            Packet::Presence(presence::Packet::Held(vec![(first(maker.0), 1_800_000_000_123)])),
        ),
        ("dropped", Packet::Dropped(200)),
        ("taken", Packet::Direct(direct::Packet::Taken { id: id("sealed_id"), attempt: 2 })),
        ("stuck", Packet::Direct(direct::Packet::Stuck { id: id("sealed_id"), attempt: 2 })),
    ]
}

/// What these tests look at beside [`packets`].
const OTHERS: [&str; 28] = [
    "acknowledgement",
    "data",
    "data_along",
    "data_claimed",
    "data_presence",
    "data_suspicion",
    "data_withdrawal",
    "envelope_public",
    "envelope_sealed",
    "envelope_sealed_answer",
    "frame_part",
    "frame_part_last",
    "frame_several",
    "frame_whole",
    "header",
    "header_wanted",
    "message",
    "message_query",
    "named_id",
    "presence_near",
    "presence_records",
    "reply_restart_answer",
    "reply_restart_ask",
    "reply_restart_candidate",
    "reply_restart_offer",
    "said_id",
    "sealed_id",
    "shown_id",
];

#[test]
fn packets_are_written_and_read_as_documented() {
    for (name, value) in packets() {
        assert_eq!(packet(name), value, "{name}");
    }
}

#[test]
fn what_peers_say_of_themselves_is_written_and_read_as_documented() {
    let swarm = SwarmTag::of_topic("t");
    let [shown, suspicion] = ["data_presence", "data_suspicion"].map(|name| {
        let (header, payload) = data(name);
        assert!(header.verify(&swarm).is_some_and(|header| header.with(payload.clone()).is_some()), "{name}");
        (header, payload)
    });
    assert_eq!((shown.0.kind, shown.0.id()), (Kind::Presence, id("shown_id")));
    assert_eq!(packet("presence_records"), Packet::Presence(presence::Packet::Records(vec![shown.clone()])));
    assert_eq!(
        packet("presence_near"),
        Packet::Presence(presence::Packet::Near(Box::new(shown.0.clone()), shown.1))
    );
    let suspects: Vec<(Address, u64)> = codec::from_bytes(&suspicion.1.0).expect("whom it suspects");
    assert_eq!((suspicion.0.kind, suspects), (Kind::Suspicion, vec![(shown.0.maker(), shown.0.sent_at)]));
}

#[test]
fn a_message_is_taken_back_as_documented() {
    let (header, payload) = data("data_withdrawal");
    assert!(
        header.verify(&SwarmTag::of_topic("t")).is_some_and(|header| header.with(payload.clone()).is_some())
    );
    assert_eq!((header.kind, &payload.0[..]), (Kind::Withdrawal, &id("said_id").0[..]));
}

#[test]
fn no_vector_is_left_out() {
    let mut names: Vec<_> = packets().into_iter().map(|(name, _)| name).chain(OTHERS).collect();
    names.sort_unstable();
    assert_eq!(names, vectors().into_keys().collect::<Vec<_>>());
}

#[test]
fn frames_are_written_and_read_as_documented() {
    let whole = vector("frame_whole");
    assert_eq!(Inbox::default().packets(&whole, FRAME), Ok(vec![Packet::Ping(300)]));
    assert_eq!(frame(&Frame::Whole(&encode(&Packet::Ping(300)))), whole);
    let (mut bundle, both) = (Bundle::default(), [Packet::Ping(300), Packet::Pong(300)]);
    both.iter().for_each(|packet| bundle.push(encode(packet)));
    assert_eq!(bundle.into_frame(), Some(vector("frame_several")));
    assert_eq!(Inbox::default().packets(&vector("frame_several"), FRAME), Ok(both.to_vec()));
    for (name, last) in [("frame_part", false), ("frame_part_last", true)] {
        assert_eq!(frame(&Frame::Part { stream: 200, last, bytes: b"part" }), vector(name));
    }
}

fn data(name: &str) -> (Header, Payload) {
    match packet(name) {
        Packet::Broadcast(broadcast::Packet::Data { hops: 1, header, payload }) => (*header, payload),
        packet => panic!("{packet:?}"),
    }
}

#[test]
fn messages_are_named_and_proven_as_documented() {
    let (swarm, who) = (SwarmTag::of_topic("t"), Identity::from_secret([1; 32]));
    let maker = who.address();
    for (name, of, from) in [("data", "said_id", maker), ("data_claimed", "named_id", at(7))] {
        let (header, payload) = data(name);
        assert_eq!((header.id(), header.maker(), header.from()), (id(of), maker, from));
        let verified = header.verify(&swarm).expect("the proof holds");
        assert!(verified.with(payload).is_some(), "and so does the hash");
        assert_eq!((header.sent_at, header.to, header.size), (1_800_000_000_123, None, 5));
    }
    // The third of five that were said at once.
    let (header, _) = data("data_along");
    let claim = header.claim(&swarm).expect("a way to the root");
    assert!(claim.holds() && header.verify(&swarm).is_some());
    let said = |n: u8, claimed: Option<Address>| {
        let draft = Draft {
            claimed,
            to: None,
            to_claimed: false,
            kind: Kind::Page,
            nonce: [n; 16],
            blinding: [0; 32],
            payload: Payload::from(b"hello".as_slice()),
        };
        draft.named(&who).ready(&who, Instant::from_millis(1_800_000_000_123))
    };
    let five = vec![said(1, None), said(2, Some(at(7))), said(3, None), said(4, None), said(5, None)];
    let third = Unsigned::sign_all(five, &who, &swarm).nth(2).expect("there are five");
    assert_eq!(third.header, header, "and they are made as documented");
    let announced = broadcast::Packet::Header { hops: 3, header: Box::new(data("data").0) };
    assert_eq!(packet("header"), Packet::Broadcast(announced));
}

#[test]
fn direct_messages_are_sealed_and_acknowledged_as_documented() {
    let swarm = SwarmTag::of_topic("t");
    let [sender, recipient] = [1, 2].map(|n| Identity::from_secret([n; 32]));
    let path = vec![sender.address(), at(3)];
    let Packet::Direct(direct::Packet::Message { header, payload, path: way, attempt: 2 }) =
        packet("message")
    else {
        panic!("a message")
    };
    assert_eq!((header.id(), header.to, &way), (id("sealed_id"), Some(recipient.address()), &path));
    let Packet::Broadcast(broadcast::Packet::Header { hops: 0, header: wanted }) = packet("header_wanted")
    else {
        panic!("a header")
    };
    assert!(wanted.verify(&swarm).is_some_and(|wanted| wanted.wanted && wanted.id() == header.id()));
    let message = header.verify(&swarm).and_then(|header| header.with(payload)).expect("the proof holds");
    assert_eq!(message.open(&mut Pairs::default(), &recipient), Some(b"only you".to_vec()));
    assert_eq!(message.open(&mut Pairs::default(), &sender), None);

    let Packet::Direct(direct::Packet::Acknowledgement(word)) = packet("acknowledgement") else {
        panic!("an acknowledgement")
    };
    assert!(word.verify(&message, &swarm));
    assert_eq!((word.id, word.to, word.from()), (message.id, sender.address(), recipient.address()));
    assert_eq!((word.hops, &word.path, word.hops_left), (2, &path, 512));

    let Packet::Direct(direct::Packet::Message { header, payload, .. }) = packet("message_query") else {
        panic!("a question for a key")
    };
    assert!(header.verify(&swarm).and_then(|header| header.with(payload)).is_some());
}

#[test]
fn words_that_go_round_a_link_are_sealed_as_documented() {
    let answer = description("active", &[host()]);
    for (name, say) in [
        ("reply_restart_ask", Say::Ask),
        ("reply_restart_offer", Say::Offer(Box::new(offer()))),
        ("reply_restart_answer", Say::Answer(Box::new(answer))),
        ("reply_restart_candidate", Say::Candidate(reflexive())),
    ] {
        let Packet::Signalling(signalling::Packet::Reply(reply)) = packet(name) else { panic!("{name}") };
        let Signal::Restart { origin, sealed } = reply.signal else { panic!("{name}") };
        let word = Word { round: 300, say };
        assert_eq!((origin, Session(&[13; 32]).open(&origin, &sealed)), (at(2), Some(word)), "{name}");
    }
}

#[test]
fn envelopes_are_written_and_read_as_documented() {
    let (swarm, brought) = (SwarmId::of_topic("t"), OfferId([12; 20]));
    let (public, private) = (SwarmSecret::public(swarm), SwarmSecret::private(swarm, &[7; 32]));
    let (from, instance, instead_of) = (at(1), [7; 16], Some(at(4)));
    let bare = Envelope { from, instance, role: 1, instead_of, description: offer(), signature: None };
    let text = |name| String::from_utf8(vector(name)).expect("text");
    let now = Instant::from_millis(1_800_000_000_123);
    let who = Identity::from_secret([1; 32]);
    let signed = |secret: &SwarmSecret| enveloped(bare.clone(), brought, &who, &secret.tag(), now);
    let written = signed(&public).write(Half::Offer, &brought, &public, &mut Random::new([1; 32]), now);
    assert_eq!(written, text("envelope_public"));
    let halves = [
        ("envelope_public", Half::Offer, &public, signed(&public)),
        ("envelope_sealed", Half::Offer, &private, signed(&private)),
        ("envelope_sealed_answer", Half::Answer, &private, bare.clone()),
    ];
    for (name, half, secret, envelope) in halves {
        assert_eq!(Envelope::read(&text(name), half, &brought, secret, now), Some(envelope), "{name}");
    }
}
