//! Attacks on a swarm of real peers with real proofs: each is contained, and the honest lose nothing. The
//! figures printed here are those of `simulations/ATTACKS.md`:
//! `cargo test --features sim attacks -- --nocapture --test-threads 1`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::*;
use super::hostile::{description, list, many_ids, request};
use super::world::{World, config};
use crate::proto::io::{Bytes, Received};
use crate::proto::link::wire::Inbox;
use crate::proto::mesh::{self, Goal};
use crate::proto::message::{Kind, Payload};
use crate::proto::{Admission, Binding, broadcast, direct, view};

/// The honest, and the attacker after them.
const HONEST: usize = 8;
const EVIL: usize = HONEST;

/// Honest peers and one that may be told to do evil, three links each: most are not its neighbors.
fn swarm() -> World {
    let world = World::of(HONEST + 1, 4);
    assert!(world.links_agree());
    world
}

/// Every honest peer says so many things to all, and one to each other honest peer; the share that came.
fn honest_traffic(world: &mut World, rounds: usize) -> (usize, usize) {
    world.events.iter_mut().for_each(Vec::clear);
    for round in 0..rounds {
        for from in 0..HONEST {
            world.send(from, None, &format!("all {from} {round}"));
            let to = (from + 1 + round % (HONEST - 1)) % HONEST;
            world.send(from, Some(to), &format!("one {from} {round} {to}"));
            world.run(Duration::from_millis(20));
        }
    }
    world.run(Duration::from_secs(20));
    let mut came = 0;
    for peer in 0..HONEST {
        let mut counts = BTreeMap::new();
        world.texts(peer).into_iter().for_each(|text| *counts.entry(text).or_insert(0) += 1);
        assert!(counts.values().all(|count| *count == 1), "delivered once each: {counts:?}");
        for round in 0..rounds {
            for from in (0..HONEST).filter(|&from| from != peer) {
                came += counts.get(&format!("all {from} {round}")).map_or(0, |_| 1);
                came += counts.get(&format!("one {from} {round} {peer}")).map_or(0, |_| 1);
            }
        }
    }
    (came, rounds * HONEST * HONEST)
}

fn assert_all(name: &str, (came, sent): (usize, usize), note: &str) {
    println!("| {name} | {came} of {sent} | {note} |");
    assert_eq!(came, sent, "{name}");
}

fn dropped(world: &World, cause: &str) -> u64 {
    let of = |peer: usize| world.peers[peer].stats().dropped.get(&cause).copied().unwrap_or_default();
    (0..HONEST).map(of).sum()
}

/// The honest neighbors of the attacker.
fn victims(world: &World) -> Vec<usize> {
    (0..HONEST).filter(|&peer| world.linked(peer, EVIL)).collect()
}

/// What somebody says with this key.
fn said(key: u8, n: u32, to: Option<Address>, text: &[u8], now: Instant) -> (broadcast::Packet, MessageId) {
    let mut nonce = [key; 16];
    nonce[..4].copy_from_slice(&n.to_be_bytes());
    let draft = Draft { claimed: None, to, kind: Kind::Page, nonce, payload: Payload(text.into()) };
    let message = draft.sign(&Identity::from_secret([key; 32]), &SwarmId::of_topic("t"), now);
    let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
    (broadcast::Packet::Data { hops: 1, header, payload }, message.id)
}

/// The attacker says this to a neighbor, if it still is one.
fn say(world: &mut World, to: usize, packet: &Packet) {
    if world.linked(to, EVIL) {
        world.inject(EVIL, to, packet);
    }
}

#[test]
fn a_sender_cannot_be_forged() {
    let mut world = swarm();
    let forged = world.address(0);
    for n in 0..5 {
        for to in victims(&world) {
            // Signed by the attacker, in the name of an honest peer.
            let (packet, _) = said(EVIL as u8 + 1, n, None, b"forged", world.now);
            let broadcast::Packet::Data { hops, mut header, payload } = packet else { panic!("we made it") };
            header.key = world.peers[0].identity.public_key();
            assert_eq!(header.from(), forged);
            say(&mut world, to, &Packet::Broadcast(broadcast::Packet::Data { hops, header, payload }));
        }
    }
    let texts = (0..HONEST).flat_map(|peer| world.texts(peer)).filter(|text| text == "forged").count();
    let (forgeries, bans) = (dropped(&world, "forged"), dropped(&world, "neighbor banned"));
    assert_eq!((texts, victims(&world).len()), (0, 0));
    let share = honest_traffic(&mut world, 4);
    assert_all("forged sender", share, &format!("{forgeries} forgeries dropped, {bans} links closed"));
}

#[test]
fn a_payload_cannot_be_altered_on_its_way() {
    let mut world = swarm();
    world.tap(|from, _, packet| match packet {
        Packet::Broadcast(broadcast::Packet::Data { hops, header, payload }) if from == EVIL => {
            let mut bytes = payload.0.to_vec();
            bytes[0] ^= 1;
            vec![Packet::Broadcast(broadcast::Packet::Data { hops, header, payload: Payload(bytes.into()) })]
        }
        packet => vec![packet],
    });
    let share = honest_traffic(&mut world, 4);
    let note = format!(
        "{} dropped, {} links closed",
        dropped(&world, "payload"),
        dropped(&world, "neighbor banned")
    );
    assert!(dropped(&world, "payload") > 0);
    assert_all("altered payload", share, &note);
}

#[test]
fn what_was_recorded_is_not_delivered_again_minutes_later() {
    let mut world = swarm();
    let recorded: Rc<RefCell<Vec<Packet>>> = Rc::default();
    let copy = recorded.clone();
    world.tap(move |_, to, packet| {
        if to == EVIL && matches!(packet, Packet::Broadcast(broadcast::Packet::Data { .. })) {
            copy.borrow_mut().push(packet.clone());
        }
        vec![packet]
    });
    let share = honest_traffic(&mut world, 4);
    let recorded = recorded.take();
    let mut again = 0;
    for wait in [0, 120, 400, 100, 600, 1200] {
        world.run(Duration::from_secs(wait));
        world.events.iter_mut().for_each(Vec::clear);
        for packet in &recorded {
            for to in victims(&world) {
                say(&mut world, to, packet);
            }
        }
        world.run(Duration::from_secs(2));
        again += (0..HONEST).map(|peer| world.texts(peer).len()).sum::<usize>();
    }
    assert!(recorded.len() > 10);
    assert_eq!(again, 0);
    assert_all(
        "replay",
        share,
        &format!("{} messages replayed six times in 40 minutes, {again} delivered", recorded.len()),
    );
}

#[test]
fn acknowledgements_cannot_be_made_by_a_relay() {
    let mut world = swarm();
    let victim = victims(&world)[0];
    let to = (0..HONEST).find(|&peer| world.linked(victim, peer)).expect("it has other neighbors");
    // Nothing gets through to the recipient: only a lie could acknowledge.
    world.tap(|_, _, packet| match packet {
        Packet::Direct(direct::Packet::Message { .. }) => Vec::new(),
        packet => vec![packet],
    });
    let id = world.send(victim, Some(to), "x");
    // Signed by the attacker: in the recipient's name, in its own, and altered.
    let (identity, swarm) = (&world.peers[EVIL].identity, SwarmId::of_topic("t"));
    let recipient = world.address(to);
    let payload = Payload(Vec::new().into());
    let draft = Draft { claimed: None, to: Some(recipient), kind: Kind::Page, nonce: [1; 16], payload };
    let mut message = draft.sign(identity, &swarm, world.now);
    (message.id, message.from) = (id, world.address(victim));
    let sign = |claimed| direct::Acknowledgement::sign(&message, claimed, Vec::new(), 1, identity, &swarm);
    let words = [
        sign(Some(recipient)),
        sign(None),
        direct::Acknowledgement::sign(&message, Some(recipient), Vec::new(), 9, identity, &swarm),
    ];
    for word in words {
        say(&mut world, victim, &Packet::Direct(direct::Packet::Acknowledgement(Box::new(word))));
    }
    assert_eq!((world.deliveries(victim), dropped(&world, "acknowledgement")), (vec![], 3));
    world.tap(|_, _, packet| vec![packet]);
    let share = honest_traffic(&mut world, 4);
    assert_all("spoofed acknowledgement", share, "3 of 3 dropped");
}

#[test]
fn a_relay_cannot_have_a_message_sealed_to_its_own_key() {
    let mut world = swarm();
    let stranger = |&(from, to): &(usize, usize)| from != to && !world.linked(from, to);
    let pairs = victims(&world).into_iter().flat_map(|from| (0..HONEST).map(move |to| (from, to)));
    let (victim, to) = pairs.into_iter().find(stranger).expect("three links each do not reach all");
    let query = Rc::new(RefCell::new(None));
    let heard = query.clone();
    world.tap(move |_, _, packet| match packet {
        Packet::Direct(direct::Packet::Message { ref header, .. }) if header.kind == Kind::KeyQuery => {
            heard.replace(Some(header.id()));
            Vec::new()
        }
        packet => vec![packet],
    });
    let recipient = world.address(to);
    // They may have been neighbors while the swarm grew.
    world.peers[victim].keys = Keys::default();
    world.send(victim, Some(to), "for your eyes only");
    world.run(Duration::from_millis(100));
    let id = query.borrow().expect("a stranger's key is asked for");
    let (identity, swarm) = (&world.peers[EVIL].identity, SwarmId::of_topic("t"));
    let draft = Draft {
        claimed: None,
        to: Some(recipient),
        kind: Kind::KeyQuery,
        nonce: [1; 16],
        payload: Payload(Vec::new().into()),
    };
    let mut message = draft.sign(identity, &swarm, world.now);
    (message.id, message.from) = (id, world.address(victim));
    let word = direct::Acknowledgement::sign(&message, Some(recipient), Vec::new(), 1, identity, &swarm);
    say(&mut world, victim, &Packet::Direct(direct::Packet::Acknowledgement(Box::new(word))));
    assert_eq!((dropped(&world, "acknowledgement"), dropped(&world, "sealed box")), (1, 0));
    world.tap(|_, _, packet| vec![packet]);
    world.run(Duration::from_secs(20));
    assert_eq!(world.texts(to), ["for your eyes only"]);
}

#[test]
fn lists_of_neighbors_that_lie_lead_nobody_astray() {
    let mut world = swarm();
    for round in 0..60u8 {
        for to in victims(&world) {
            say(&mut world, to, &Packet::View(view::Packet::Own(list(round, 64))));
            // The peers next to the victim on the ring, by the liar's word.
            let mut near = world.address(to);
            near.0[19] = near.0[19].wrapping_add(round | 1);
            say(&mut world, to, &Packet::View(view::Packet::Relayed(vec![(near, list(round ^ 0x80, 64))])));
        }
        world.run(Duration::from_secs(1));
    }
    let known = (0..HONEST).map(|peer| world.peers[peer].known_peers().len()).max().unwrap_or_default();
    let share = honest_traffic(&mut world, 4);
    assert_all("false neighbor lists", share, &format!("at most {known} addresses believed"));
}

#[test]
fn names_of_messages_that_do_not_exist_hide_none_that_do() {
    let mut world = swarm();
    for round in 0..100u32 {
        for to in victims(&world) {
            let ids = (0..512).map(|n| many_ids(round * 512 + n)).collect();
            say(&mut world, to, &Packet::Broadcast(broadcast::Packet::Have(ids)));
        }
        if round % 10 == 0 {
            world.run(Duration::from_millis(10));
        }
    }
    let missing = (0..HONEST).map(|peer| world.peers[peer].broadcast.sizes()[3]).max().unwrap_or_default();
    assert!(missing <= 512, "{missing}");
    let share = honest_traffic(&mut world, 4);
    assert_all("IHAVE liar", share, &format!("51,200 names, {missing} believed at once"));
}

#[test]
fn a_storm_of_grafts_is_answered_once() {
    let mut world = swarm();
    let to = victims(&world)[0];
    let (packet, id) = said(77, 1, None, &[0; 1000], world.now);
    say(&mut world, to, &Packet::Broadcast(packet));
    let before = world.peers[to].stats().bytes_out;
    for _ in 0..10_000 {
        say(&mut world, to, &Packet::Broadcast(broadcast::Packet::Graft(id)));
        let bucket = world.now.as_millis() / 4000;
        say(&mut world, to, &Packet::Broadcast(broadcast::Packet::Digest { bucket, sum: 1 }));
    }
    let answered = world.peers[to].stats().bytes_out - before;
    assert!(answered < 10_000, "{answered}");
    let share = honest_traffic(&mut world, 4);
    assert_all("GRAFT and digest storm", share, &format!("20,000 packets answered with {answered} bytes"));
}

#[test]
fn a_flood_of_joins_leaves_the_swarm_as_it_is() {
    let mut world = swarm();
    for n in 0..5000u32 {
        for to in victims(&world) {
            let mut origin = [0x55; 20];
            origin[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
            let goal = [Goal::Successor, Goal::Predecessor, Goal::Point(Address(origin))][n as usize % 3];
            let request = mesh::Request { need: true, ..request(n, Address(origin), goal) };
            say(&mut world, to, &Packet::Mesh(mesh::Packet::Request(Box::new(request))));
        }
        if n % 100 == 0 {
            world.run(Duration::from_millis(20));
        }
    }
    let refused = dropped(&world, "neighbor above its rate");
    let conns = (0..HONEST).map(|peer| world.peers[peer].conns.len()).max().unwrap_or_default();
    assert!(conns <= 10, "{conns}");
    let share = honest_traffic(&mut world, 4);
    let newcomer = world.join(Config { max_peers: 4, ..config() });
    world.run(Duration::from_secs(10));
    assert!(!world.connects(newcomer).is_empty(), "who really wants to join still can");
    assert_all(
        "join flood",
        share,
        &format!("5,000 requests a neighbor, {refused} refused, at most {conns} connections"),
    );
}

/// 100,000 messages a second: a hundred times what one key may say.
#[test]
fn a_flooder_at_a_hundred_times_the_limit_is_cut_off() {
    let mut world = swarm();
    world.events.iter_mut().for_each(Vec::clear);
    let began = world.now;
    // Made once, for time's sake: each neighbor gets the same 6,000 and then copies that it must look at, too.
    let flood: Vec<_> = (0..6000).map(|n| said(EVIL as u8 + 1, n, None, b"flood", began).0).collect();
    let mut sent = 0u64;
    let cut_off = loop {
        let to = victims(&world);
        if to.is_empty() {
            break world.now - began;
        }
        for packet in flood.iter().cycle().skip(sent as usize % 6000).take(100) {
            for &to in &to {
                say(&mut world, to, &Packet::Broadcast(packet.clone()));
            }
            sent += 1;
        }
        if sent.is_multiple_of(10_000) {
            for from in 0..HONEST {
                world.send(from, None, &format!("{from} at {sent}"));
            }
        }
        world.run(Duration::from_millis(1));
        assert!(world.now - began < Duration::from_secs(10), "never cut off");
    };
    world.run(Duration::from_secs(20));
    let heard = |peer: usize| {
        world.received(peer).into_iter().filter(|it: &Received| it.payload.0 == b"flood").count()
    };
    let flooded = (0..HONEST).map(heard).max().unwrap_or_default();
    let (mut came, mut expected) = (0, 0);
    for peer in 0..HONEST {
        let texts = world.texts(peer);
        for mark in (10_000..=sent / 10_000 * 10_000).step_by(10_000) {
            for from in (0..HONEST).filter(|&from| from != peer) {
                expected += 1;
                came += usize::from(texts.contains(&format!("{from} at {mark}")));
            }
        }
    }
    println!(
        "| flooder at 100 times the limit | {came} of {expected} during the flood | cut off after {:.2} s and {sent} \
         messages; {flooded} of them delivered at most |",
        cut_off.as_secs_f64()
    );
    assert!(came * 1000 >= expected * 999 && expected > 0, "{came} of {expected}");
    assert!(flooded <= 4000 + 1000 * (cut_off.as_secs() as usize + 1));
    let share = honest_traffic(&mut world, 4);
    assert_all("after the flood", share, "the flooder has no link");
}

/// A tracker that sits between two peers: it gives each its own certificate.
#[test]
fn a_tracker_in_the_middle_gets_no_link() {
    let mut world = World::new();
    let a = world.join(config());
    world.run(Duration::from_secs(1));
    let id = *world.peers[a].conns.keys().next().expect("offers are kept ready");
    let elsewhere = Identity::from_secret([90; 32]);
    // The middle answers with its own certificate and passes the Hello of another peer on, made for another link.
    let answer = description(9, 9);
    world.with(a, |peer, now| assert!(peer.take_answer(id, elsewhere.address(), answer, now)));
    let now = world.now;
    world.peers[a].handle(Input::ConnOpened(id), now);
    let ours = std::iter::from_fn(|| world.peers[a].poll_output()).find_map(|output| match output {
        Output::ConnSend(_, Bytes(frame)) => Inbox::default().push(&frame, usize::MAX).expect("a good frame"),
        _ => None,
    });
    let Some(Packet::Hello(ours)) = ours else { panic!("both say hello first") };
    let secret = SwarmSecret::public(SwarmId::of_topic("t"));
    let binding = Binding { local_fingerprint: &[1; 32], remote_fingerprint: &[2; 32] };
    let (mut there, hello) =
        Admission::new(&secret, &elsewhere, [1; 16], None, binding, &mut Random::new([3; 32]));
    world.say_on(a, id, &Packet::Hello(hello));
    // The other peer is a member and proves it, over the certificates that it sees.
    let confirm = there.receive(&ours, &elsewhere).expect("a good hello");
    world.say_on(a, id, &Packet::Confirm { confirm, linked: false });
    assert_eq!(world.connects(a), []);
    assert_eq!(world.peers[a].stats().dropped.get(&"admission"), Some(&1));
    println!("| tracker in the middle, replayed handshake | no link | counted as `admission` |");
}
