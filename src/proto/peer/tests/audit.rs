//! Attacks that an audit found, and that hold no more: on whom a message is sealed to, what its name binds, what its proof
//! is good for, and what a claimed address is worth.

use std::cell::RefCell;
use std::rc::Rc;

use super::world::{START, World, config, sdp};
use super::*;
use crate::proto::acceptance::Acceptance;
use crate::proto::codec;
use crate::proto::identity::Pairs;
use crate::proto::links::admission::{Abilities, Admission, Binding, Hello};
use crate::proto::links::link::wire::{FRAME, Frame, Read, decode, encode, frame, part};
use crate::proto::messaging::boxes;
use crate::proto::messaging::message::{Kind, Message, Payload};
use crate::proto::offer::kit::unsigned;
use crate::proto::request::Request;
use crate::proto::sdp::Description;
use crate::proto::topology;
use crate::testkit::tell;
use crate::testkit::tracker::Half;

fn thief() -> Identity {
    Identity::from_secret([0xe1; 32])
}

pub(super) fn signed(
    who: &Identity,
    claimed: Option<Address>,
    n: u32,
    to: Option<Address>,
    text: &[u8],
) -> Message {
    signed_at(who, claimed, n, to, text, START + Duration::from_secs(90))
}

pub(super) fn signed_at(
    who: &Identity,
    claimed: Option<Address>,
    n: u32,
    to: Option<Address>,
    text: &[u8],
    at: Instant,
) -> Message {
    let mut nonce = [0xab; 16];
    nonce[..4].copy_from_slice(&n.to_be_bytes());
    let payload = Payload::from(text);
    let (to_claimed, blinding) = (false, [1; 32]);
    let draft = Draft { claimed, to, to_claimed, kind: Kind::Page, nonce, blinding, payload };
    draft.sign(who, &SwarmTag::of_topic("t"), at).into_inner()
}

pub(super) fn data(message: &Message) -> Packet {
    let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
    Packet::Broadcast(broadcast::Packet::Data { hops: 1, header, payload })
}

pub(super) fn dropped(world: &World, peer: usize, cause: &'static str) -> u64 {
    world.peers[peer].stats().dropped.get(&cause).copied().unwrap_or_default()
}

/// Two links each: peers in the order of the ring, so that the second is between the first and the third.
pub(super) fn ring(count: usize) -> (World, Vec<usize>) {
    let mut world = World::of(count, 2);
    world.run(Duration::from_secs(60));
    let mut order: Vec<_> = (0..count).collect();
    order.sort_by_key(|&peer| world.address(peer));
    assert!((0..count).all(|i| world.linked(order[i], order[(i + 1) % count])), "a ring");
    world.events.iter_mut().for_each(Vec::clear);
    (world, order)
}

/// One broadcast of a byte that claims the address of somebody else had what is written to that one sealed to the thief,
/// led to it by the tree of the claim, and acknowledged by it.
#[test]
fn a_claim_has_nothing_sealed_to_it_and_leads_nothing_astray() {
    for heard_before in [false, true] {
        let (mut world, order) = ring(5);
        let [sender, evil, to] = [order[0], order[1], order[2]];
        let recipient = world.address(to);
        if heard_before {
            world.send(to, None, "hello, this is my key");
            world.run(Duration::from_secs(5));
            // Free keys push it out of what was heard.
            for n in 0..2100u32 {
                let message = signed(&Identity::stand_in(5000 + u64::from(n)), None, n, None, b"x");
                world.inject(evil, sender, &data(&message));
                if n % 50 == 0 {
                    world.run(Duration::from_millis(20));
                }
            }
        }
        let claim = signed(&thief(), Some(recipient), 9, None, b"x");
        world.inject(evil, sender, &data(&claim));
        world.run(Duration::from_secs(1));
        let read = Rc::new(RefCell::new(0));
        let count = read.clone();
        world.tap(move |_, to, packet| {
            if let Packet::Direct(direct::Packet::Message { header, payload, .. }) = &packet
                && to == evil
                && thief().open(&header.key, &boxes::context(&header.id(), 0, true), &payload.0).is_some()
            {
                *count.borrow_mut() += 1;
            }
            vec![packet]
        });
        let id = world.send(sender, Some(to), "for your eyes only");
        world.run(Duration::from_secs(10));
        assert_eq!(*read.borrow(), 0);
        assert_eq!(world.texts(to).last().map(String::as_str), Some("for your eyes only"));
        let told = world.deliveries(sender);
        let receipt = told.iter().find_map(|(told, how)| how.ok().filter(|_| *told == id));
        assert_eq!(receipt.and_then(|receipt| receipt.verified), Some(true), "{told:?}");
    }
}

/// Who claims a name is written to on purpose only, and the receipt says that nothing is proven.
#[test]
fn a_claimed_name_is_written_to_on_purpose_only() {
    let name = Address([0x77; 20]);
    let mut world = World::new();
    let a = world.join(config());
    let b = world.join(Config { address: Some(name), ..config() });
    world.run(Duration::from_secs(5));
    let by_address =
        world.with(a, |peer, now| peer.send(Some(name), Bytes(b"no".to_vec()), now)).expect("sent");
    let on_purpose =
        world.with(a, |peer, now| peer.send_to_claimed(name, Bytes(b"yes".to_vec()), now)).expect("sent");
    let nobody = Address([0x78; 20]);
    let unheard =
        world.with(a, |peer, now| peer.send_to_claimed(nobody, Bytes(b"?".to_vec()), now)).expect("sent");
    world.run(Duration::from_secs(60));
    assert_eq!(world.texts(b), ["yes"]);
    let told = |id| world.deliveries(a).into_iter().find_map(|(told, how)| (told == id).then_some(how));
    assert!(told(by_address).expect("it ended").is_err());
    assert_eq!(told(on_purpose).expect("it ended").map(|receipt| receipt.verified), Ok(Some(false)));
    assert_eq!(told(unheard), Some(Err(DeliveryFailure::Unreachable)));
}

/// A relay put its own message in the place of another, under the same name, and the sender got a genuine receipt.
#[test]
fn a_relay_cannot_put_a_message_in_the_place_of_another() {
    let (mut world, order) = ring(5);
    let [sender, evil, to] = [order[0], order[1], order[2]];
    let (victim, recipient) = (world.address(sender), world.address(to));
    world.send(to, None, "hello all");
    world.run(Duration::from_secs(5));
    let key = world.peers[to].commons.me.identity.public_key();
    let forged = Rc::new(RefCell::new(Vec::new()));
    let made = forged.clone();
    world.tap(move |from, at, packet| match packet {
        Packet::Direct(direct::Packet::Message { ref header, ref path, attempt, .. })
            if from == evil && at == to && header.maker() == victim && header.kind == Kind::Page =>
        {
            let swarm = SwarmTag::of_topic("t");
            let draft = Draft {
                claimed: Some(victim),
                to: Some(recipient),
                to_claimed: false,
                kind: Kind::Page,
                nonce: [7; 16],
                blinding: [1; 32],
                payload: Payload::from(b"send the money to Eve".as_slice()),
            };
            let at = Instant::from_millis(header.sent_at);
            let sealed = draft.named(&thief()).seal(
                &key,
                &mut Pairs::default(),
                &thief(),
                &mut Random::new([7; 32]),
                at,
            );
            let other = sealed.expect("a key").sign(&thief(), &swarm).into_inner();
            made.borrow_mut().push((header.id(), other.id));
            // Under the true header, in the place of its box; and under one of its own.
            let (box_of, path) = (other.payload.clone(), path.clone());
            let swapped = direct::Packet::Message {
                header: header.clone(),
                payload: box_of,
                path: path.clone(),
                attempt,
            };
            let own = Box::new(other.header.clone());
            let own = direct::Packet::Message { header: own, payload: other.payload, path, attempt };
            vec![Packet::Direct(swapped), Packet::Direct(own)]
        }
        packet => vec![packet],
    });
    world.events.iter_mut().for_each(Vec::clear);
    let id = world.send(sender, Some(to), "the true text");
    world.run(Duration::from_secs(30));
    let forged = forged.borrow();
    assert!(!forged.is_empty() && forged.iter().all(|(of, other)| *of == id && *other != id));
    assert!(world.received(to).iter().all(|it| it.payload.0 != b"send the money to Eve" || it.id != id));
    let told: Vec<_> = world.deliveries(sender).into_iter().filter(|(told, _)| *told == id).collect();
    let arrived = world.texts(to).iter().any(|text| text == "the true text");
    assert_eq!(told.iter().any(|(_, how)| how.is_ok()), arrived, "a receipt is for what arrived");
}

/// A relay broadcast the words of another under its own key and the same name: the flag that they were proven was gone, and
/// the true copy was a duplicate.
#[test]
fn a_broadcast_keeps_its_verified_flag() {
    let (mut world, order) = ring(5);
    let [sender, evil, to] = [order[0], order[1], order[2]];
    let victim = world.address(sender);
    world.tap(move |from, at, packet| match packet {
        Packet::Broadcast(broadcast::Packet::Data { ref header, ref payload, .. })
            if from == evil && at == to && header.maker() == victim =>
        {
            let forged = signed(&thief(), Some(victim), 1, None, &payload.0);
            assert_ne!(forged.id, header.id());
            vec![data(&forged), packet]
        }
        packet => vec![packet],
    });
    let id = world.send(sender, None, "mine");
    world.run(Duration::from_secs(10));
    let seen = world.received(to);
    assert!(seen.iter().any(|it| it.id == id && it.from == victim && it.verified), "{seen:?}");
    assert!(seen.iter().all(|it| it.id == id || !it.verified));
}

#[test]
fn what_was_said_in_public_is_void_in_private() {
    let swarm = SwarmId::of_topic("t");
    let private = Config { secret: Some(SwarmSecret::private(swarm, &[9; 32])), ..config() };
    let mut world = World::new();
    let [a, b] = [world.join(private.clone()), world.join(private)];
    world.run(Duration::from_secs(90));
    assert!(world.linked(a, b));
    world.inject(a, b, &data(&signed(&thief(), None, 1, None, b"said in public")));
    assert_eq!((world.texts(b).len(), dropped(&world, b, "forged")), (0, 1));
}

/// A copy made its recipient open and sign it again, each time.
#[test]
fn a_copy_of_a_direct_message_is_acknowledged_from_memory_and_what_was_not_delivered_is_not() {
    let mut world = World::of(3, 6);
    let [sender, to] = [0, 1];
    let caught = Rc::new(RefCell::new((None, Vec::new())));
    let copy = caught.clone();
    world.tap(move |from, _, packet| {
        match &packet {
            Packet::Direct(direct::Packet::Message { header, .. }) if header.kind == Kind::Page => {
                copy.borrow_mut().0.get_or_insert(packet.clone());
            }
            Packet::Direct(direct::Packet::Acknowledgement(word)) if from == to => {
                copy.borrow_mut().1.push(word.clone());
            }
            _ => {}
        }
        vec![packet]
    });
    world.send(sender, Some(to), "once");
    world.run(Duration::from_secs(2));
    let message = caught.borrow().0.clone().expect("it was sent");
    let said = caught.borrow().1.len();
    for _ in 0..5 {
        world.inject(sender, to, &message);
        world.run(Duration::from_millis(100));
    }
    let words = caught.borrow().1.clone();
    assert_eq!((words.len() - said, world.texts(to)), (5, vec!["once".to_owned()]));
    assert!(words[said..].iter().all(|word| word == &words[said - 1]), "word for word");

    // Known to have been here, and no longer what was said of it.
    world.peers[to].parts.messaging.forget_acknowledged();
    world.inject(sender, to, &message);
    world.run(Duration::from_millis(100));
    assert_eq!((caught.borrow().1.len() - said, dropped(&world, to, "replay")), (5, 1));
}

/// Words that came ahead of the channel carried one identity, and the Hello on it another: the second was looked at, and
/// the first admitted.
#[test]
fn the_hello_that_is_admitted_is_looked_at() {
    let mut world = World::of(3, 6);
    let o = 1;
    let other = Identity::from_secret([0xe2; 32]);
    let (me, via, now) = (world.address(o), world.address(0), world.now);
    while !world.peers[o].commons.limits.blame(thief().address(), Fault::Forged, now) {}
    let heard: Rc<RefCell<Vec<signalling::Packet>>> = Rc::default();
    let copy = heard.clone();
    world.tap(move |from, _, packet| match packet {
        Packet::Signalling(packet) if from == o => {
            copy.borrow_mut().push(packet);
            vec![]
        }
        packet => vec![packet],
    });
    let goal = Goal::Exact(other.address());
    let plan = Plan { goal, via, probe: false, aim: None, replaces: None };
    world.with(o, |peer, now| peer.does(Effect::Ask(plan), now));
    world.run(Duration::from_millis(300));
    let ours = heard.borrow().iter().find_map(|packet| match packet {
        signalling::Packet::Request(request) if request.goal == goal => Some((**request).clone()),
        _ => None,
    });
    let ours = ours.expect("it asks");
    let theirs = Description::parse(&sdp((99, ConnId(9)), "active")).expect("we wrote it");
    let remote_fingerprint = &ours.offer.as_ref().expect("it offers").description.fingerprint;
    let binding = Binding { local_fingerprint: &theirs.fingerprint, remote_fingerprint };
    let (secret, abilities) = (SwarmSecret::public(SwarmId::of_topic("t")), Abilities::default());
    let mut random = Random::new([3; 32]);
    let (mut admission, hello) =
        Admission::new(&secret, &thief(), [1; 16], None, &abilities, binding, &mut random);
    let back = |signal| {
        let reply = Reply { id: ours.id, to: me, path: vec![], hops_left: 9, signal };
        Packet::Signalling(signalling::Packet::Reply(reply))
    };
    let (answer, ahead) = (Box::new(theirs), Some(Box::new(hello.clone())));
    let swarm = SwarmTag::of_topic("t");
    let offer = ours.offer.as_ref().expect("it offers").description.hash();
    let said = Acceptance { request: ours.id, offer, answer: &answer, hello: ahead.as_deref() };
    let (key, proof) = (other.public_key(), said.prove(&other, &swarm));
    world.inject(0, o, &back(Signal::Accept { key, answer, proof, hello: ahead }));
    world.run(Duration::from_millis(100));
    let greeted = heard.borrow().iter().find_map(|packet| match packet {
        signalling::Packet::Reply(Reply { signal: Signal::Greet { hello, .. }, .. }) => {
            Some((**hello).clone())
        }
        _ => None,
    });
    let confirm = admission.receive(&greeted.expect("it greets back"), &thief()).expect("a good hello");
    // Now another Hello, of a good name, with the proof of the first.
    let good = Hello { key: other.public_key(), ..hello };
    world.inject(0, o, &back(Signal::Greet { request: ours.id, hello: Box::new(good), confirm }));
    let conns = world.peers[o].parts.links.conns();
    let conn = conns.iter().find(|(_, conn)| conn.is_for(ours.id)).map(|(&id, _)| id).expect("connecting");
    world.with(o, |peer, now| peer.handle(Input::ConnOpened(conn), now));
    assert_eq!((world.peers[o].link_count(), dropped(&world, o, "banned")), (2, 1));
}

/// Whoever claimed an address first kept its owner out, and a page with `address` and no `identity` its own reload.
#[test]
fn a_claim_keeps_nobody_out() {
    let owner = Identity::from_secret([7; 32]);
    for claimed in [Address([0x77; 20]), owner.address()] {
        let claim = || Config { address: Some(claimed), ..config() };
        let mut world = World::of(3, 6);
        let first = world.join(claim());
        world.run(Duration::from_secs(5));
        let second = world.join(claim());
        let owner = world.join_as(config(), owner.clone());
        world.run(Duration::from_secs(20));
        for peer in [first, second, owner] {
            assert_eq!(world.peers[peer].link_count(), 5, "{claimed}");
            world.send(peer, None, &format!("I am {peer}"));
        }
        world.run(Duration::from_secs(5));
        let verified: Vec<_> = world.received(0).into_iter().map(|it| (it.from, it.verified)).collect();
        let owned = (world.address(owner), true);
        assert!(verified.len() == 3 && verified.contains(&owned), "{verified:?}");
        assert_eq!(verified.iter().filter(|it| **it == (claimed, false)).count(), 2, "{verified:?}");
        assert!(
            world.connects(0).iter().filter(|it| **it == claimed).count() >= 2,
            "it goes by what it claims"
        );
    }
}

/// What claims to be our own went round the bound of what waits for a neighbor that reads nothing.
#[test]
fn what_claims_to_be_our_own_is_bounded_as_what_is_not() {
    for own in [false, true] {
        let mut world = World::of(3, 6);
        let [evil, p, slow] = [0, 1, 2];
        let claimed = own.then_some(world.address(p));
        let [from, to] = [evil, slow]
            .map(|of| world.peers[p].parts.links.conn_of(&world.address(of)).expect("they are linked"));
        let (now, peer) = (world.now, &mut world.peers[p]);
        for n in 0..100u32 {
            let message = signed(&thief(), claimed, n, None, &vec![n as u8; 1 << 20]);
            feed(peer, from, n, &data(&message), now);
            if n == 0 {
                // The slow one pulls the first: then it gets the others whole. It never reads any of it.
                feed(peer, to, 0, &Packet::Broadcast(broadcast::Packet::Graft(message.id)), now);
            }
            while peer.poll_output().is_some() {}
        }
        let conn = peer.parts.links.conns().get(&to).expect("they are linked");
        let [_, _, queued] = conn.link.sizes();
        assert!((30 << 20..40 << 20).contains(&queued), "{queued}");
    }
}

/// A packet of any size reaches a peer on a connection; its outputs stay where they are.
fn feed(peer: &mut Peer, conn: ConnId, stream: u32, packet: &Packet, now: Instant) {
    let bytes = encode(packet);
    let parts: Vec<_> = bytes.chunks(part(FRAME)).collect();
    for (i, part) in parts.iter().enumerate() {
        let part = frame(&Frame::Part { stream, last: i + 1 == parts.len(), bytes: part });
        peer.handle(Input::ConnFrame(conn, Bytes(part)), now);
    }
}

/// With free keys whose stamps lie ahead a swarm was silenced for good, and direct messages were acknowledged and lost.
#[test]
fn a_flood_of_free_keys_with_stamps_ahead_silences_nobody() {
    let mut world = World::new();
    for n in 0..4 {
        world.join_as(Config { max_peers: 6, ..config() }, Identity::stand_in(n + 1));
    }
    world.run(Duration::from_secs(20));
    world.events.iter_mut().for_each(Vec::clear);
    world.opening = Duration::from_millis(80);
    let (evil, honest) = (0, [1, 2, 3]);
    let mut n = 0;
    let mut flood = |world: &mut World, count: u32, pause: u64| {
        for _ in 0..count {
            n += 1;
            let who = Identity::stand_in(10_000 + u64::from(n));
            let message = signed_at(&who, None, n, None, b"x", world.now + Duration::from_secs(590));
            if world.linked(1, evil) {
                world.inject(evil, 1, &data(&message));
            }
            world.run(Duration::from_millis(pause));
        }
    };
    flood(&mut world, 21_000, 1);
    let mut sent = Vec::new();
    for round in 0..20 {
        for from in honest {
            world.send(from, None, &format!("to all {round}"));
        }
        sent.push(world.send(1, Some(2), &format!("to one {round}")));
        flood(&mut world, 5, 20);
    }
    world.run(Duration::from_secs(2));
    let heard = |peer: usize, text: &str| world.texts(peer).iter().filter(|it| it.starts_with(text)).count();
    let broadcasts: usize = honest.iter().map(|&peer| heard(peer, "to all")).sum();
    assert_eq!((broadcasts, heard(2, "to one")), (120, 20));
    let receipts = world.deliveries(1);
    assert!(sent.iter().all(|id| receipts.iter().any(|(told, how)| told == id && how.is_ok())));
}

/// Tiny packets about the mesh are worked out anew, each: they took all of a page's time.
#[test]
fn packets_about_the_mesh_are_taken_at_the_rate_of_an_honest_neighbor() {
    let mut world = World::of(3, 6);
    let packet = Packet::View(topology::Packet::Nearer(Vec::new()));
    for _ in 0..10_000 {
        if world.linked(1, 0) {
            world.inject(0, 1, &packet);
        }
    }
    assert!(dropped(&world, 1, "neighbor above its rate") >= 99, "a hundred at once, and no more");
    assert!(dropped(&world, 1, "neighbor banned") == 1, "and who goes on is banned");
}

/// Parts of packets cost their receiver as much as packets, and were free.
#[test]
fn parts_of_packets_are_taken_at_the_rate_of_packets() {
    let mut world = World::of(3, 6);
    let (evil, now) = (world.address(0), world.now);
    let conn = world.peers[1].parts.links.conn_of(&evil).expect("they are linked");
    for _ in 0..42_000 {
        let part = frame(&Frame::Part { stream: 1, last: false, bytes: &[1] });
        world.peers[1].handle(Input::ConnFrame(conn, Bytes(part)), now);
    }
    assert_eq!((dropped(&world, 1, "neighbor banned"), world.peers[1].link_count()), (1, 1));
}

/// Packets that arrange links had no size of their own: megabytes were passed on for the price of one.
#[test]
fn only_what_a_page_said_may_be_larger_than_a_frame() {
    let mut world = World::of(3, 6);
    let conn = world.peers[1].parts.links.conn_of(&world.address(0)).expect("they are linked");
    let path = vec![Address([7; 20]); 10_000];
    let signal = Signal::Later(vec![42; 20]);
    let reply = Reply { id: RequestId([1; 8]), to: Address([9; 20]), path, hops_left: 9, signal };
    let packet = Packet::Signalling(signalling::Packet::Reply(reply));
    let now = world.now;
    world.with(1, |peer, _| feed(peer, conn, 1, &packet, now));
    assert_eq!((world.linked(1, 0), dropped(&world, 1, "frame")), (false, 1));
}

/// A neighbor that takes larger messages than this peer lost its link with the first of them.
#[test]
fn another_max_message_size_ends_no_link() {
    let mut world = World::new();
    let a = world.join(config());
    let b = world.join(Config { max_message_size: 1 << 20, ..config() });
    let c = world.join(config());
    world.run(Duration::from_secs(10));
    world.events.iter_mut().for_each(Vec::clear);
    let to = world.address(b);
    let large = Bytes(vec![1; 3 << 20]);
    world.with(a, |peer, now| peer.send(None, large.clone(), now)).expect("a takes it");
    world.with(a, |peer, now| peer.send(Some(to), large, now)).expect("a takes it");
    world.run(Duration::from_secs(30));
    world.send(a, Some(b), "small");
    world.run(Duration::from_secs(1));
    assert!(world.linked(a, b) && world.disconnects(b).is_empty());
    assert_eq!((world.texts(b), world.received(c).len()), (vec!["small".to_owned()], 1));
    assert!(dropped(&world, b, "size") > 0);
}

/// One direct message of a victim, said again and again, used up what the victim may say.
#[test]
fn copies_of_a_direct_message_are_not_charged_to_its_maker() {
    let mut world = World::of(3, 6);
    let [evil, sender, to] = [0, 1, 2];
    let caught = Rc::new(RefCell::new(None));
    let copy = caught.clone();
    world.tap(move |_, at, packet| {
        if matches!(&packet, Packet::Direct(direct::Packet::Message { .. })) && at == to {
            copy.borrow_mut().get_or_insert(packet.clone());
        }
        vec![packet]
    });
    world.send(sender, Some(to), "once");
    world.run(Duration::from_secs(2));
    let message = caught.borrow().clone().expect("it was sent");
    let Packet::Direct(direct::Packet::Message { header, payload, attempt, .. }) = message else { panic!() };
    let path = vec![world.address(sender), world.address(evil)];
    let copy = Packet::Direct(direct::Packet::Message { header, payload, path, attempt });
    for n in 0..6000 {
        world.inject(evil, to, &copy);
        if n % 4 == 0 {
            world.run(Duration::from_millis(1));
        }
    }
    world.send(sender, None, "still heard");
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts(to), ["once", "still heard"]);
}

/// Requests in names that nobody proved ended true links, once a second and wherever the attacker was.
#[test]
fn requests_of_nobody_end_no_true_link() {
    let honest = 12;
    let mut world = World::of(honest + 1, 4);
    world.run(Duration::from_secs(40));
    world.events.iter_mut().for_each(Vec::clear);
    let evil = honest;
    let links = |world: &World| (0..honest).map(|peer| world.peers[peer].link_count()).sum::<usize>();
    let before = links(&world);
    let mut n = 0;
    for _ in 0..240 {
        for to in 0..honest {
            n += 1;
            let at = world.address(to);
            // Next to the victim on the ring, on one side or the other.
            let share = f64::from(n % 97 + 1) * 1e-12 * if n % 2 == 0 { 1.0 } else { -1.0 };
            let origin = crate::proto::ring::offset(&at, share);
            let forged = hostile::request(n, origin, Goal::Exact(at));
            // Every third by somebody who is there as little, but has a key.
            let free = hostile::asked(n, Goal::Exact(at), world.now);
            let request = if n.is_multiple_of(3) { free } else { forged };
            let gate = (0..honest).find(|&peer| world.linked(peer, evil));
            if let Some(gate) = gate {
                let packet = Packet::Signalling(signalling::Packet::Request(Box::new(request)));
                world.inject(evil, gate, &packet);
            }
        }
        world.run(Duration::from_millis(250));
        assert!(links(&world) + 2 >= before, "{} of {before} links", links(&world));
    }
    let ended: usize = (0..honest).map(|peer| world.disconnects(peer).len()).sum();
    assert!(ended <= 4, "{ended} links ended");
}

/// A word that ends an attempt needed to know nothing of it, and kept a newcomer out for as long as it was said.
#[test]
fn forged_declines_keep_nobody_out() {
    let mut world = World::of(5, 6);
    let (evil, honest) = (4, 0..4);
    let newcomer = Identity::from_secret([0x77; 32]);
    let origin = newcomer.address();
    // A channel takes as long to open as among browsers.
    world.opening = Duration::from_millis(300);
    // The attacker makes no link with the newcomer.
    world.tap(|from, to, packet| match packet {
        Packet::Hello(_) | Packet::Confirm { .. } if [from, to].contains(&4) && [from, to].contains(&5) => {
            vec![]
        }
        packet => vec![packet],
    });
    let newcomer = world.join_as(config(), newcomer);
    let mut n = 0u8;
    for _ in 0..100 {
        for to in honest.clone().filter(|&to| world.linked(to, evil)).collect::<Vec<_>>() {
            n = n.wrapping_add(1);
            let signal = Signal::Decline { origin, answer: AnswerMark([n; 8]) };
            let to_them = world.address(to);
            let reply = Reply { id: RequestId([n; 8]), to: to_them, path: Vec::new(), hops_left: 32, signal };
            world.inject(evil, to, &Packet::Signalling(signalling::Packet::Reply(reply)));
        }
        world.run(Duration::from_millis(50));
    }
    assert!(honest.clone().all(|peer| world.linked(peer, newcomer)));
}

/// Below all ceilings, one attacker with a free key for each message took a third of what honest peers broadcast.
#[test]
fn a_flood_of_free_keys_below_all_ceilings_drowns_nobody() {
    // Keys that were never heard; and such that all said something before.
    for keys in [None, Some(1000)] {
        let honest = 8;
        let mut world = World::new();
        for n in 0..=honest as u64 {
            world.join_as(config(), Identity::stand_in(n + 1));
        }
        world.run(Duration::from_secs(30));
        for from in 0..honest {
            world.send(from, None, "hello");
        }
        world.run(Duration::from_secs(1));
        let (evil, mut n, mut said) = (honest, 0, 0);
        for ms in 0..3500u32 {
            for to in 0..honest {
                n += 1;
                let key = keys.map_or(n, |keys| n % keys);
                let message =
                    signed_at(&Identity::stand_in(10_000 + u64::from(key)), None, n, None, &[0], world.now);
                if world.linked(to, evil) {
                    world.inject(evil, to, &data(&message));
                }
            }
            if ms >= 1500 && ms % 250 == 0 {
                for from in 0..honest {
                    world.send(from, None, &format!("honest {ms}"));
                    said += 1;
                }
            }
            world.run(Duration::from_millis(1));
        }
        world.run(Duration::from_secs(1));
        let honest_texts = |peer| world.texts(peer).iter().filter(|it| it.starts_with("honest")).count();
        let heard: usize = (0..honest).map(honest_texts).sum();
        let flood: usize = (0..honest).map(|peer| world.texts(peer).len() - honest_texts(peer)).sum();
        println!(
            "{keys:?} keys: {heard} of {} honest broadcasts, {} of the flood",
            said * (honest - 1),
            flood / honest
        );
        assert_eq!(heard, said * (honest - 1), "{keys:?} keys");
    }
}

/// They filled the table of what is missing, and no large message of anybody found room for minutes.
#[test]
fn headers_of_payloads_that_never_come_keep_no_large_message_out() {
    let mut world = World::new();
    for n in 0..5 {
        world.join_as(config(), Identity::stand_in(n + 1));
    }
    world.run(Duration::from_secs(20));
    world.events.iter_mut().for_each(Vec::clear);
    let evil = 0;
    let flood = |world: &mut World, n: u32, size: u32| {
        let who = Identity::stand_in(10_000 + u64::from(n % 500));
        let message = signed_at(&who, None, n, None, &[0], world.now);
        let packet = match size {
            1 => data(&message),
            _ => {
                let header = message.header.promising(size, &who, &SwarmTag::of_topic("t"));
                Packet::Broadcast(broadcast::Packet::Header { hops: 1, header: Box::new(header) })
            }
        };
        for to in 1..5 {
            if world.linked(to, evil) {
                world.inject(evil, to, &packet);
            }
        }
        world.run(Duration::from_millis(1));
    };
    // Keys that were heard before may say more.
    (0..500).for_each(|n| flood(&mut world, n, 1));
    world.run(Duration::from_secs(5));
    let mut heard = 0;
    for n in 500..9000 {
        flood(&mut world, n, 16 << 20);
        if n >= 6000 && n % 500 == 0 {
            let (from, payload) = (1 + n as usize / 500 % 4, Bytes(vec![7; 3000]));
            world.with(from, |peer, now| peer.send(None, payload, now)).expect("it may be sent");
            heard += 3;
        }
    }
    world.run(Duration::from_secs(5));
    let missing: Vec<_> = (1..5).map(|peer| world.peers[peer].parts.messaging.sizes().0[3]).collect();
    let large = |peer| world.received(peer).iter().filter(|it| it.payload.0.len() == 3000).count();
    let got = (1..5).map(large).sum::<usize>();
    println!("{got} of {heard} messages; {missing:?}");
    assert_eq!(got, heard);
}

/// What each packet with a payload of a direct message was, and from whom to whom.
type Copies = Rc<RefCell<Vec<(bool, usize, usize)>>>;

/// Notes who hands the payload of a direct message to whom, in a broadcast or by itself, and drops what `drops` says.
fn watch(world: &mut World, drops: impl Fn(usize, &direct::Packet) -> bool + 'static) -> Copies {
    let copies = Copies::default();
    let noted = copies.clone();
    world.tap(move |from, to, packet| {
        match &packet {
            Packet::Direct(it) if drops(from, it) => return Vec::new(),
            Packet::Direct(direct::Packet::Message { payload, .. }) if !payload.0.is_empty() => {
                noted.borrow_mut().push((false, from, to));
            }
            Packet::Broadcast(broadcast::Packet::Data { header, payload, .. })
                if header.to.is_some() && !payload.0.is_empty() =>
            {
                noted.borrow_mut().push((true, from, to));
            }
            _ => {}
        }
        vec![packet]
    });
    copies
}

/// It had its sender broadcast what it was sent, payload and all: 10 kB became 260.
#[test]
fn a_recipient_that_does_not_acknowledge_is_looked_for_by_the_header_only() {
    let mut world = World::of(12, 4);
    let from = 0;
    // A neighbor that has it is not looked for: its link leads to nobody else.
    let to = (1..12).find(|&to| !world.linked(from, to)).expect("not all are neighbors");
    world.send(from, Some(to), "so that its key is known");
    world.run(Duration::from_secs(2));
    let copies = watch(&mut world, move |sender, packet| {
        sender == to && matches!(packet, direct::Packet::Acknowledgement(_))
    });
    let bytes = |world: &World| world.peers.iter().map(|peer| peer.stats().bytes_in).sum::<u64>();
    let before = bytes(&world);
    world.send(from, Some(to), &"x".repeat(10_000));
    world.run(Duration::from_secs(40));
    assert_eq!((world.texts(to).len(), world.deliveries(from).len()), (2, 2));
    assert_eq!(copies.borrow().iter().filter(|(by_broadcast, ..)| *by_broadcast).count(), 0);
    let spent = bytes(&world) - before;
    println!("{spent} bytes, {} copies of 10,000 by paths", copies.borrow().len());
    let idle = {
        let before = bytes(&world);
        world.run(Duration::from_secs(40));
        bytes(&world) - before
    };
    let of_the_search = spent - idle - 10_000 * copies.borrow().len() as u64;
    assert!(of_the_search < 10_000 * 3, "{of_the_search} bytes beside the tries");
}

/// No try by a path gets through, and the payload goes to the recipient alone, the way that its header came.
#[test]
fn the_last_resort_leads_the_payload_to_its_recipient_only() {
    let (mut world, order) = ring(9);
    let [from, to] = [order[0], order[4]];
    world.send(from, Some(to), "so that its key is known");
    world.run(Duration::from_secs(5));
    let copies = watch(&mut world, |_, packet| matches!(packet, direct::Packet::Message { .. }));
    let text = "x".repeat(10_000);
    let id = world.send(from, Some(to), &text);
    world.run(Duration::from_secs(30));
    assert_eq!(world.texts(to).pop(), Some(text));
    assert!(matches!(world.deliveries(from).pop(), Some((of, Ok(_))) if of == id));
    let way: Vec<_> = order[..=4].windows(2).map(|pair| (true, pair[0], pair[1])).collect();
    assert_eq!(*copies.borrow(), way, "four links between them, and a copy on each");
    assert!((0..9).all(|peer| warnings(&world, peer) == 0));
}

/// All saw who writes to whom, when and how much, and carried it.
#[test]
fn a_relay_makes_no_broadcast_of_a_direct_message() {
    let (mut world, order) = ring(7);
    let [from, relay, next, to] = [order[0], order[1], order[2], order[3]];
    let caught = Rc::new(RefCell::new(Vec::new()));
    let copy = caught.clone();
    world.tap(move |_, at, packet| {
        if let Packet::Direct(direct::Packet::Message { header, payload, .. }) = &packet
            && (at, header.kind) == (relay, Kind::Page)
        {
            copy.borrow_mut().push((header.clone(), payload.clone()));
        }
        vec![packet]
    });
    world.send(from, Some(to), "only you");
    world.run(Duration::from_secs(5));
    assert_eq!(world.texts(to), ["only you"]);
    let spread = Rc::new(RefCell::new(0));
    let count = spread.clone();
    world.tap(move |_, _, packet| {
        if let Packet::Broadcast(
            broadcast::Packet::Header { header, .. } | broadcast::Packet::Data { header, .. },
        ) = &packet
        {
            *count.borrow_mut() += u32::from(header.to.is_some());
        }
        vec![packet]
    });
    let (header, payload) = caught.borrow().first().cloned().expect("it came by the relay");
    let flipped = Box::new(header.altered(|h| h.wanted = true));
    for header in [header, flipped] {
        for packet in [
            broadcast::Packet::Header { hops: 1, header: header.clone() },
            broadcast::Packet::Data { hops: 1, header, payload: payload.clone() },
        ] {
            world.inject(relay, next, &Packet::Broadcast(packet));
            world.run(Duration::from_secs(1));
        }
    }
    assert_eq!(*spread.borrow(), 0);
    assert_eq!(dropped(&world, next, "direct message as a broadcast"), 2);
    assert_eq!((dropped(&world, next, "forged"), warnings(&world, next)), (2, 4));
}

/// A direct message with a path as long as just fits came to the relay, which adds itself: the next neighbor ended its link
/// with the relay, later it left the message out.
#[test]
fn a_path_that_grows_makes_no_packet_that_the_next_neighbor_refuses() {
    let max = 1 << 16;
    let mut world = World::new();
    for _ in 0..5 {
        world.join(Config { max_message_size: max, max_peers: 2, ..config() });
    }
    world.run(Duration::from_secs(60));
    let mut order: Vec<_> = (0..5).collect();
    order.sort_by_key(|&peer| world.address(peer));
    let [e, p, q, far] = [order[0], order[1], order[2], order[3]];
    assert!(world.linked(e, p) && world.linked(p, q) && world.linked(q, far));
    world.events.iter_mut().for_each(Vec::clear);
    let evil = Identity::from_secret([e as u8 + 1; 32]);
    let (at, to) = (world.address(e), world.address(far));
    let conn = world.peers[p].parts.links.conn_of(&at).expect("they are linked");
    let lengths = [1, 100, 180, 185, 190, 195, 200, 300, 509];
    for (n, length) in (0..).zip(lengths) {
        let message = signed(&evil, None, n, Some(to), &vec![0; max + 72]);
        let (header, payload) = (Box::new(message.header), message.payload);
        let path = vec![at; length];
        let packet = Packet::Direct(direct::Packet::Message { header, payload, path, attempt: 1 });
        let now = world.now;
        world.with(p, |peer, _| feed(peer, conn, n, &packet, now));
        world.run(Duration::from_secs(2));
    }
    assert!(world.linked(e, p) && world.linked(p, q) && world.linked(q, far));
    assert!((0..5).all(|peer| dropped(&world, peer, "size") == 0 && warnings(&world, peer) == 0));
    // Nothing is sealed in it.
    assert_eq!(dropped(&world, far, "sealed box"), lengths.len() as u64);
}

/// Everything else that is passed on with something added, or put together of what others said, at its largest.
#[test]
fn what_is_passed_on_is_never_more_than_a_neighbor_takes() {
    let (mut world, order) = ring(5);
    let [e, p, far] = [order[0], order[1], order[3]];
    let (at, to) = (world.address(e), world.address(far));
    let place = "x".repeat(253);
    let candidates = vec![(3u32, u32::MAX, place, u16::MAX); 12];
    let (ufrag, pwd) = ("u".repeat(256), "p".repeat(256));
    let largest = codec::to_bytes(&(ufrag, pwd, [0xffu8; 32], 0u32, candidates));
    let largest: Description = codec::from_bytes(&largest).expect("that is how a description is written");
    assert!(largest.is_sound());
    let request = Request {
        offer: Some(unsigned(largest)),
        instead_of: Some(at),
        path: (10..26).map(|n| Address([n; 20])).collect(),
        hops_left: u16::MAX,
        ..hostile::request(1, at, Goal::Exact(to))
    };
    let reply = |path, size| {
        let signal = Signal::Later(vec![42; size]);
        let reply = Reply { id: RequestId([2; 8]), to, path, hops_left: u16::MAX, signal };
        Packet::Signalling(signalling::Packet::Reply(reply))
    };
    let long = vec![Address([7; 20]); 700];
    let wide = 16_380 - encode(&reply(vec![], 300)).len() + 300 - 1;
    let packets = [
        Packet::Signalling(signalling::Packet::Request(Box::new(request))),
        reply(long, 300),
        reply(vec![], wide),
    ];
    for packet in packets {
        assert!(encode(&packet).len() <= 16_380);
        world.inject(e, p, &packet);
        world.run(Duration::from_secs(1));
    }
    assert!((0..5).all(|i| world.linked(order[i], order[(i + 1) % 5])));
    assert!((0..5).all(|peer| dropped(&world, peer, "frame") == 0 && warnings(&world, peer) == 0));

    // A neighbor's list is passed on with those of the others.
    let mut world = World::of(9, 8);
    let relay = (0..9).find(|&peer| world.peers[peer].link_count() == 8).expect("one is linked with all");
    for other in (0..9).filter(|&other| other != relay) {
        world.inject(other, relay, &Packet::View(topology::Packet::Own(hostile::list(other as u8, 64))));
    }
    world.run(Duration::from_secs(1));
    assert!((0..9).all(|peer| dropped(&world, peer, "frame") + dropped(&world, peer, "view") == 0));
}

fn warnings(world: &World, peer: usize) -> usize {
    world.events[peer].iter().filter(|(_, event)| matches!(event, Event::Warning(_))).count()
}

/// Numbers may be written longer than they must be: a relay can write a message in other bytes, and that is all.
#[test]
fn other_bytes_for_the_same_numbers_are_the_same_message() {
    let mut world = World::of(3, 6);
    let (evil, to, third) = (0, 1, 2);
    let said: Rc<RefCell<Vec<(usize, Packet)>>> = Rc::default();
    let heard = said.clone();
    world.tap(move |from, _, packet| {
        heard.borrow_mut().push((from, packet.clone()));
        vec![packet]
    });
    let message = signed_at(&thief(), None, 1, None, b"once", world.now);
    let bytes = encode(&data(&message));
    let longer = |at: usize| {
        let rest = bytes.get(at + 1..)?;
        let bytes = [&bytes[..at], &[bytes[at] | 0x80, 0], rest].concat();
        let same = decode(&bytes) == Ok(Read::Packet { packet: data(&message), more: false });
        same.then_some(bytes)
    };
    let mut encodings: Vec<_> = (0..bytes.len()).filter_map(longer).collect();
    // The two numbers of the packet, time, kind, size, and the lengths of the path and the payload.
    assert_eq!(encodings.len(), 7);
    encodings.push(bytes.clone());
    for bytes in &encodings {
        let conn = world.peers[to].parts.links.conn_of(&world.address(evil)).expect("they are linked");
        let frame = Bytes(frame(&Frame::Whole(bytes)));
        world.with(to, |peer, now| peer.handle(Input::ConnFrame(conn, frame), now));
        world.run(Duration::from_millis(100));
    }
    world.run(Duration::from_secs(12));
    for peer in [to, third] {
        let ids: Vec<_> = world.received(peer).into_iter().map(|it| it.id).collect();
        assert_eq!(ids, [message.id]);
        assert_eq!((dropped(&world, peer, "forged"), dropped(&world, peer, "replay")), (0, 0));
    }
    let bucket = message.header.sent_at / 4000;
    let sums: Vec<_> = said
        .borrow()
        .iter()
        .filter_map(|(from, packet)| match packet {
            Packet::Broadcast(broadcast::Packet::Digest { bucket: of, sum }) if *of == bucket => {
                Some((*from, *sum))
            }
            _ => None,
        })
        .collect();
    // Who was told the number that it has itself says nothing more.
    assert!(sums.iter().any(|(from, _)| [to, third].contains(from)), "{sums:?}");
    assert!(sums.windows(2).all(|pair| pair[0].1 == pair[1].1), "{sums:?}");
}

/// Who claims the very hash of its key says what no claim says: a relay could write either, under one name and one proof.
#[test]
fn a_claim_of_ones_own_hash_is_refused() {
    let mut world = World::of(3, 6);
    let plain = signed(&thief(), None, 1, None, b"x");
    let claimed = signed(&thief(), Some(thief().address()), 1, None, b"x");
    assert_eq!(plain.id, claimed.id);
    world.inject(0, 1, &data(&claimed));
    world.run(Duration::from_secs(1));
    assert_eq!((world.received(1).len(), dropped(&world, 1, "forged")), (0, 1));
    world.inject(0, 1, &data(&plain));
    world.run(Duration::from_secs(1));
    assert_eq!((world.received(1).len(), world.received(2).len()), (1, 1), "and the true one is heard");
}

/// What a tracker saw of a private swarm was good for ever, as an offer and as an answer.
#[test]
fn a_sealed_word_is_good_once_for_two_days_and_for_what_it_was_said() {
    let secret = SwarmSecret::private(SwarmId::of_topic("t"), &[9; 32]);
    let private = || Config { secret: Some(secret.clone()), ..config() };
    let mut world = World::new();
    let a = world.join(private());
    world.run(Duration::from_secs(1));
    let answers = |world: &World, peer: usize| {
        let conns = world.peers[peer].parts.links.conns().values();
        conns.filter(|conn| matches!(conn.purpose, Purpose::Answer(_))).count()
    };
    let hear = |world: &mut World, peer: usize, text: &str| {
        let heard = Input::TrackerMessage(TrackerId(0), text.to_owned());
        world.with(peer, |peer, now| peer.handle(heard, now));
        world.run(Duration::from_millis(100));
    };
    let now = world.now;
    let offer = hostile::tracker_offer(&world.peers[a], 1, 0, now);
    hear(&mut world, a, &offer);
    assert_eq!(answers(&world, a), 1, "the first is good");
    world.run(Duration::from_secs(30));
    assert_eq!(answers(&world, a), 0, "nobody is there");
    hear(&mut world, a, &offer);
    assert_eq!(answers(&world, a), 0, "a copy");

    // Its own offer comes back to its maker, as the answer to it.
    let ours = |world: &World| {
        let conns = world.peers[a].parts.links.conns().values();
        conns
            .filter_map(|conn| match conn.purpose {
                Purpose::Offer(offer) if conn.link.is_offered() => {
                    Some((offer, conn.link.description()?.clone()))
                }
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let before = ours(&world);
    let (id, description) = before.first().cloned().expect("it offers");
    let (from, now) = (world.address(a), world.now);
    let envelope = hostile::answer(from, description);
    let reflected = hostile::tracker_word(&world.peers[a], &id, &envelope, Half::Offer, Half::Answer, now);
    hear(&mut world, a, &reflected);
    assert_eq!(ours(&world).len(), before.len(), "no answer");

    // An answer comes to another member as an offer.
    let envelope = hostile::answer(hostile::stranger(2).address(), hostile::description(99, 2));
    let (id, now) = (OfferId([b'q'; 20]), world.now);
    let reflected = hostile::tracker_word(&world.peers[a], &id, &envelope, Half::Answer, Half::Offer, now);
    hear(&mut world, a, &reflected);
    assert_eq!(answers(&world, a), 0, "no offer");

    // Days later, to a page that has not heard it before.
    let recorded = hostile::tracker_offer(&world.peers[a], 3, 0, world.now);
    let mut later = World::new();
    later.now = world.now + Duration::from_secs(50 * 3600);
    let b = later.join(private());
    later.run(Duration::from_secs(1));
    hear(&mut later, b, &recorded);
    assert_eq!(answers(&later, b), 0, "too old");
    let (now, peer) = (later.now + Duration::from_secs(46 * 3600), &later.peers[b]);
    let slow = hostile::tracker_offer(peer, 4, 0, now);
    hear(&mut later, b, &slow);
    assert_eq!(answers(&later, b), 1, "each clock may be off by a day");
}

/// A relay answered a request in the name of whom it was for, with a connection to nowhere: the peer that asked took that
/// for the answer, ended the true one, and left that peer alone for 20 s.
#[test]
fn an_answer_in_anothers_name_is_no_answer() {
    let (mut world, order) = ring(5);
    let [asks, evil, named] = [order[0], order[1], order[2]];
    let forged = Rc::new(RefCell::new(0));
    let count = forged.clone();
    world.tap(move |from, at, packet| match packet {
        Packet::Signalling(signalling::Packet::Reply(ref reply)) if from == evil && at == asks => {
            let mut before = reply.clone();
            if let Signal::Accept { answer, .. } = &mut before.signal {
                **answer = hostile::description(99, 1);
                *count.borrow_mut() += 1;
                return vec![Packet::Signalling(signalling::Packet::Reply(before)), packet];
            }
            vec![packet]
        }
        packet => vec![packet],
    });
    for peer in [asks, named] {
        world.with(peer, |peer, now| peer.set_max_peers(3, now)).expect("three are allowed");
    }
    let (via, goal) = (world.address(evil), Goal::Exact(world.address(named)));
    let plan = Plan { goal, via, probe: false, aim: None, replaces: None };
    world.with(asks, |peer, now| peer.does(Effect::Ask(plan), now));
    world.run(Duration::from_millis(600));
    assert!(*forged.borrow() > 0);
    assert!(world.linked(asks, named));
}

/// What a relay says of a request is hearsay, and one word of it kept two peers apart for 20 s.
#[test]
fn a_refusal_that_nobody_proved_keeps_two_peers_apart_for_a_moment_only() {
    let (mut world, order) = ring(5);
    let [asks, evil, named] = [order[0], order[1], order[2]];
    let mut spoiled = 0;
    world.tap(move |from, at, packet| match packet {
        Packet::Signalling(signalling::Packet::Reply(mut reply)) if from == evil && at == asks => {
            if matches!(reply.signal, Signal::Accept { .. }) && spoiled == 0 {
                spoiled += 1;
                reply.signal = Signal::Reject(Reason::Failed);
            }
            vec![Packet::Signalling(signalling::Packet::Reply(reply))]
        }
        packet => vec![packet],
    });
    for peer in [asks, named] {
        world.with(peer, |peer, now| peer.set_max_peers(3, now)).expect("three are allowed");
    }
    let (via, to) = (world.address(evil), world.address(named));
    let ask = |world: &mut World| {
        let plan = Plan { goal: Goal::Exact(to), via, probe: false, aim: Some(to), replaces: None };
        world.with(asks, |peer, now| peer.does(Effect::Ask(plan), now));
        world.run(Duration::from_millis(200));
    };
    ask(&mut world);
    let topology = &world.peers[asks].parts.topology;
    assert!(topology.avoids(&to, world.now));
    assert!(!topology.avoids(&to, world.now + Duration::from_secs(2)));
}

/// An answer that a member made up was passed on to a tracker, whatever it was and however large.
#[test]
fn an_answer_out_of_bounds_goes_to_no_tracker() {
    let mut world = World::of(3, 6);
    let asked: Rc<RefCell<Vec<(usize, RequestId, Address)>>> = Rc::default();
    let heard = asked.clone();
    world.tap(move |from, to, packet| match packet {
        Packet::Signalling(signalling::Packet::Request(request))
            if from == 1 && request.brought.is_some() =>
        {
            heard.borrow_mut().push((to, request.id, request.origin));
            vec![]
        }
        packet => vec![packet],
    });
    for n in 0..20 {
        let text = hostile::tracker_offer(&world.peers[1], n * 0x0c00_0000, 0, world.now);
        world.with(1, |peer, now| peer.handle(Input::TrackerMessage(TrackerId(0), text), now));
        world.run(Duration::from_millis(50));
    }
    let (evil, id, to) = asked.borrow().first().copied().expect("one is for somebody else");
    let mut written = 0;
    for size in [100, 8000] {
        let long = codec::to_bytes(&("ufrag", "p".repeat(size), [1u8; 32], 1u32, Vec::<u8>::new()));
        let answer = Box::new(codec::from_bytes(&long).expect("that is how a description is written"));
        let signal = accept(&thief(), answer);
        let reply = Reply { id, to, path: vec![], hops_left: 9, signal };
        let frame = frame(&Frame::Whole(&encode(&Packet::Signalling(signalling::Packet::Reply(reply)))));
        let conn = world.peers[1].parts.links.conn_of(&world.address(evil)).expect("they are linked");
        let said = tell(&mut world.peers[1], Input::ConnFrame(conn, Bytes(frame)), world.now);
        written += said.outputs.iter().filter(|output| matches!(output, Output::TrackerSend(..))).count();
    }
    assert_eq!(written, 1, "the sound one");
}

/// A relay altered what came ahead of the channel: the admission failed, and the peer that asked left the true one alone.
#[test]
fn a_greeting_that_a_relay_spoiled_keeps_nobody_apart() {
    for altered in ["hello", "greet"] {
        let (mut world, order) = ring(5);
        world.opening = Duration::from_millis(300);
        let [asks, evil, named] = [order[0], order[1], order[2]];
        let spoiled = Rc::new(RefCell::new(0));
        let count = spoiled.clone();
        world.tap(move |from, _, mut packet| {
            let Packet::Signalling(signalling::Packet::Reply(Reply { signal, .. })) = &mut packet else {
                return vec![packet];
            };
            match signal {
                Signal::Accept { hello: Some(hello), .. } if from == evil && altered == "hello" => {
                    hello.nonce[0] ^= 1;
                    *count.borrow_mut() += 1;
                }
                Signal::Greet { hello, .. } if from == evil && altered == "greet" => {
                    hello.nonce[0] ^= 1;
                    *count.borrow_mut() += 1;
                }
                _ => {}
            }
            vec![packet]
        });
        for peer in [asks, named] {
            world.with(peer, |peer, now| peer.set_max_peers(3, now)).expect("three are allowed");
        }
        let (via, to) = (world.address(evil), world.address(named));
        let plan = Plan { goal: Goal::Exact(to), via, probe: false, aim: Some(to), replaces: None };
        world.with(asks, |peer, now| peer.does(Effect::Ask(plan), now));
        for _ in 0..40 {
            world.run(Duration::from_millis(100));
            let topology = &world.peers[asks].parts.topology;
            assert!(!topology.avoids(&to, world.now + Duration::from_secs(2)), "{altered}");
        }
        assert!(*spoiled.borrow() > 0, "{altered}");
    }
}

/// An answer by this key, with a proof of another one.
fn accept(who: &Identity, answer: Box<Description>) -> Signal {
    let (key, proof) = (who.public_key(), who.prove("admission", b""));
    Signal::Accept { key, answer, proof, hello: None }
}
