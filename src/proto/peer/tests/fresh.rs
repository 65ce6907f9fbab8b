//! Attacks that were thought of with docs/wire.md and docs/security.md alone: on the last resort of direct messages, on what
//! is remembered and what is missing, on limits that honest relays share, and on who answers what was asked.

use std::cell::RefCell;
use std::rc::Rc;

use super::audit::{data, dropped, ring, signed_at};
use super::world::{World, config};
use super::*;
use crate::proto::acceptance::Acceptance;
use crate::proto::identity::Pairs;
use crate::proto::messaging::message::{Kind, Message, Payload, Unsigned};
use crate::proto::topology;

/// So many peers whose proofs cost next to nothing.
fn stand_ins(count: usize, max_peers: usize) -> World {
    let mut world = World::new();
    for n in 0..count {
        world.join_as(Config { max_peers, ..config() }, Identity::stand_in(n as u64 + 1));
    }
    world.run(Duration::from_secs(20));
    world.events.iter_mut().for_each(Vec::clear);
    world
}

/// One of the free keys of an attacker.
fn key(n: u32) -> Identity {
    Identity::stand_in(10_000 + u64::from(n))
}

/// What it says to all, at this moment.
fn says(world: &World, who: u32, n: u32) -> Message {
    signed_at(&key(who), None, n, None, &[0], world.now)
}

/// A neighbor says it, if it still is one.
fn say(world: &mut World, from: usize, to: usize, packet: &Packet) {
    if world.linked(to, from) {
        world.inject(from, to, packet);
    }
}

/// Keys that are the first to be heard.
const EARLY: u32 = 512;

/// Each of the first keys says something to a peer, and then all are silent for a while.
fn say_early(world: &mut World, from: usize, to: usize) {
    for who in 0..EARLY {
        let packet = data(&says(world, who, who));
        say(world, from, to, &packet);
        world.run(Duration::from_millis(5));
    }
    world.run(Duration::from_secs(60));
    world.events.iter_mut().for_each(Vec::clear);
}

/// Copies that a relay was to pass on were charged to their maker there, and it was not heard behind that relay.
#[test]
fn copies_of_a_direct_message_silence_its_maker_at_no_relay() {
    let mut world = stand_ins(4, 6);
    let [evil, relay, sender, to] = [0, 1, 2, 3];
    world.send(to, None, "my key");
    world.run(Duration::from_secs(2));
    let caught = Rc::new(RefCell::new(None));
    let copy = caught.clone();
    world.tap(move |_, at, packet| {
        if matches!(&packet, Packet::Direct(direct::Packet::Message { .. })) && at == to {
            copy.borrow_mut().get_or_insert(packet.clone());
        }
        vec![packet]
    });
    world.send(sender, Some(to), &"x".repeat(12_000));
    world.run(Duration::from_secs(2));
    let message = caught.borrow().clone().expect("it was sent");
    let Packet::Direct(direct::Packet::Message { header, payload, .. }) = message else { panic!() };
    for n in 0..6000u32 {
        let (header, payload) = (header.clone(), payload.clone());
        let path = vec![world.address(sender), world.address(evil)];
        let copy = direct::Packet::Message { header, payload, path, attempt: n as u8 };
        world.inject(evil, relay, &Packet::Direct(copy));
        if n >= 4500 {
            world.run(Duration::from_millis(1));
        }
        if n >= 4500 && n % 100 == 0 {
            world.send(sender, None, "still heard");
        }
    }
    world.run(Duration::from_millis(50));
    let (above, heard) = (dropped(&world, relay, "maker above its rate"), world.texts(relay).len() - 1);
    println!("{heard} of 15 heard, {above} dropped");
    assert_eq!((heard, above), (15, 0));
}

/// Bans took all places of standings, for good: whoever was not banned had a new one with each packet.
#[test]
fn bans_of_free_keys_free_no_neighbor_of_its_limits() {
    let mut world = stand_ins(4, 6);
    let now = world.now;
    for n in 0..300 {
        while !world.peers[1].commons.limits.blame(key(n).address(), Fault::Forged, now) {}
    }
    world.run(Duration::from_secs(700));
    for _ in 0..41_000 {
        [0, 2].into_iter().for_each(|evil| say(&mut world, evil, 1, &Packet::Pong(7)));
    }
    assert!(!world.linked(1, 0) && !world.linked(1, 2));
}

/// They took the room of names, and what a tree lost was healed no more for minutes.
#[test]
fn headers_of_payloads_that_never_come_keep_no_name_out() {
    let mut world = stand_ins(4, 6);
    let (evil, victim, sender) = (0, 3, 2);
    let grafted = Rc::new(RefCell::new(false));
    let asked = grafted.clone();
    let maker = world.address(sender);
    world.tap(move |from, to, packet| match &packet {
        Packet::Broadcast(broadcast::Packet::Header { .. }) if (from, to) == (evil, victim) => vec![],
        Packet::Broadcast(broadcast::Packet::Graft(_)) if from == victim => {
            *asked.borrow_mut() = true;
            vec![packet]
        }
        // What the tree brings gets lost; only what is asked for comes.
        Packet::Broadcast(broadcast::Packet::Data { header, .. })
            if to == victim && header.maker() == maker && !*asked.borrow() =>
        {
            vec![]
        }
        _ => vec![packet],
    });
    for n in 0..4300u32 {
        let who = key(n % 500);
        let message = says(&world, n % 500, n);
        let header = message.header.promising(16 << 20, &who, &SwarmTag::of_topic("t"));
        let packet = Packet::Broadcast(broadcast::Packet::Header { hops: 1, header: Box::new(header) });
        world.inject(evil, 1 + n as usize % 2, &packet);
        world.run(Duration::from_millis(4));
    }
    world.run(Duration::from_secs(40));
    let missing = world.peers[victim].parts.messaging.sizes().0[3];
    *grafted.borrow_mut() = false;
    world.send(sender, None, "named");
    world.run(Duration::from_secs(25));
    assert_eq!((missing, world.texts(victim)), (4096, vec!["named".to_owned()]));
}

/// All that a peer takes at once was more than it remembers: the floor for what is forgotten rose above the present, and
/// everybody was silent for two seconds. It was more than the next peer takes of an honest neighbor, too.
#[test]
fn the_most_that_is_passed_on_at_once_silences_nobody_and_is_no_abuse() {
    let mut world = stand_ins(5, 6);
    let (evil, relay, victim) = ([0, 3, 4], 1, 2);
    world.tap(move |from, to, packet| match &packet {
        Packet::Broadcast(_) if evil.contains(&from) && to == victim => vec![],
        _ => vec![packet],
    });
    say_early(&mut world, evil[0], relay);
    for n in EARLY..35_000 {
        // What is in reserve; what is common; and what is for keys that were never heard.
        let who = if n < 30_000 { n % EARLY } else { n };
        let packet = data(&says(&world, who, n));
        say(&mut world, evil[n as usize % 3], relay, &packet);
    }
    let passed = world.texts(relay).len();
    world.run(Duration::from_millis(100));
    world.send(relay, None, "honest");
    world.run(Duration::from_secs(1));
    let heard = world.texts(victim);
    println!("{passed} of 34,488 passed on at once, {} heard", heard.len());
    assert!(passed > 10_000 && world.linked(victim, relay));
    assert_eq!(heard.last().map(String::as_str), Some("honest"));
}

/// What comes along with a proof costs an eighth of it, and so it was more again.
#[test]
fn the_most_that_comes_along_with_proofs_silences_nobody_and_is_no_abuse() {
    let mut world = stand_ins(5, 6);
    let (evil, relay, victim) = ([0, 3, 4], 1, 2);
    world.tap(move |from, to, packet| match &packet {
        Packet::Broadcast(_) if evil.contains(&from) && to == victim => vec![],
        _ => vec![packet],
    });
    say_early(&mut world, evil[0], relay);
    let swarm = SwarmTag::of_topic("t");
    let said = 240 * 256;
    for tree in 0..240u32 {
        let who = key(tree % EARLY);
        let draft = |n: u32| {
            let mut nonce = [0xac; 16];
            nonce[..4].copy_from_slice(&(tree << 8 | n).to_be_bytes());
            let payload = Payload::from(b"x".as_slice());
            let (claimed, to, to_claimed, blinding) = (None, None, false, [0; 32]);
            Draft { claimed, to, to_claimed, kind: Kind::Page, nonce, blinding, payload }
        };
        let tree = (0..256).map(|n| draft(n).named(&who).ready(&who, world.now)).collect();
        for (n, message) in Unsigned::sign_all(tree, &who, &swarm).enumerate() {
            say(&mut world, evil[n % 3], relay, &data(&message.into_inner()));
        }
    }
    let passed = world.texts(relay).len();
    world.run(Duration::from_millis(100));
    world.send(relay, None, "honest");
    world.run(Duration::from_secs(1));
    let heard = world.texts(victim);
    println!("{passed} of {said} passed on at once, {} heard", heard.len());
    assert!(passed > 9000 && world.linked(victim, relay));
    assert_eq!(heard.last().map(String::as_str), Some("honest"));
    // Nor does what lies behind the relay think ill of it, or of its own memory.
    world.send(victim, None, "and back");
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts(relay).last().map(String::as_str), Some("and back"));
}

/// ... and so it was with direct messages, whose tries all have the stamp of the first.
#[test]
fn the_most_that_is_said_to_one_at_once_keeps_no_message_out() {
    let mut world = stand_ins(4, 6);
    let (evil, victim, sender) = ([0, 3], 1, 2);
    world.send(victim, None, "my key");
    say_early(&mut world, evil[0], victim);
    let recipient = world.peers[victim].commons.me.identity.public_key();
    let (mut random, swarm) = (Random::new([3; 32]), SwarmTag::of_topic("t"));
    for n in EARLY..20_000u32 {
        let mut nonce = [0xab; 16];
        nonce[..4].copy_from_slice(&n.to_be_bytes());
        let (to, payload) = (Some(recipient.address()), Payload::from(b"x".as_slice()));
        let (to_claimed, blinding) = (false, [1; 32]);
        let draft = Draft { claimed: None, to, to_claimed, kind: Kind::Page, nonce, blinding, payload };
        let who = key(n % EARLY);
        let it = draft
            .named(&who)
            .seal(&recipient, &mut Pairs::default(), &who, &mut random, world.now)
            .expect("a key")
            .sign(&who, &swarm)
            .into_inner();
        let from = evil[n as usize % 2];
        let path = vec![who.address(), world.address(from)];
        let packet = direct::Packet::Message {
            header: Box::new(it.header.clone()),
            payload: it.payload.clone(),
            path,
            attempt: 1,
        };
        say(&mut world, from, victim, &Packet::Direct(packet));
    }
    let flood = world.texts(victim).len();
    let id = world.send(sender, Some(victim), "honest");
    world.run(Duration::from_secs(5));
    println!("{flood} of 19,488 taken at once");
    assert_eq!(world.texts(victim).last().map(String::as_str), Some("honest"));
    assert!(world.deliveries(sender).iter().any(|(told, how)| *told == id && how.is_ok()));
}

/// Who is linked with many, and fast, brings most headers first. If it has no payload to give, others have.
#[test]
fn who_brings_headers_and_no_payload_swallows_no_last_resort() {
    let honest = 12;
    let mut world = stand_ins(honest + 2, 5);
    world.run(Duration::from_secs(40));
    let honest_links =
        |world: &World, a: usize| (0..honest).filter(|&b| world.linked(a, b)).collect::<Vec<_>>();
    for a in 0..honest {
        world.far.extend((a + 1..honest).map(|b| ((a, b), Duration::from_millis(100))));
        world.send(a, None, "my key");
    }
    world.run(Duration::from_secs(10));
    world.tap(move |from, _, packet| match &packet {
        Packet::Direct(direct::Packet::Message { .. }) => vec![],
        Packet::Direct(direct::Packet::Acknowledgement(_)) if from >= honest => vec![],
        Packet::Broadcast(broadcast::Packet::Data { .. }) if from >= honest => vec![],
        _ => vec![packet],
    });
    world.events.iter_mut().for_each(Vec::clear);
    // Links, by honest peers alone.
    let far_from = |world: &World, from: usize| {
        let mut far = vec![usize::MAX; honest];
        far[from] = 0;
        for n in 0..honest {
            for a in (0..honest).filter(|&a| far[a] == n).collect::<Vec<_>>() {
                honest_links(world, a).into_iter().for_each(|b| far[b] = far[b].min(n + 1));
            }
        }
        far
    };
    let mut sent = Vec::new();
    for from in 0..honest {
        let far = far_from(&world, from);
        for (to, &links) in far.iter().enumerate() {
            if links > 1 && links < usize::MAX {
                world.send(from, Some(to), &format!("{from} to {to}"));
                sent.push((from, to));
            }
        }
    }
    world.run(Duration::from_secs(40));
    let came = |from, to: usize| world.texts(to).contains(&format!("{from} to {to}"));
    let lost: Vec<_> = sent.iter().filter(|(from, to)| !came(*from, *to)).collect();
    let good = |peer: usize| world.deliveries(peer).iter().filter(|(_, how)| how.is_ok()).count();
    let receipts: usize = (0..honest).map(good).sum();
    println!("{} messages, {receipts} receipts, lost: {lost:?}", sent.len());
    assert!(sent.len() > 50 && receipts == sent.len() && lost.is_empty());
}

/// Those who were asked for a payload that never came forgot its header, and one that came again went to the whole swarm
/// again; or they asked each other for ever.
#[test]
fn what_looks_for_its_recipient_goes_to_all_once_whoever_repeats_it() {
    let evil = 16;
    let mut world = stand_ins(evil + 1, 5);
    let counts = Rc::new(RefCell::new([0, 0]));
    let count = counts.clone();
    world.tap(move |_, _, packet| {
        let [headers, grafts] = &mut *count.borrow_mut();
        match &packet {
            Packet::Broadcast(broadcast::Packet::Header { .. }) => *headers += 1,
            Packet::Broadcast(broadcast::Packet::Graft(_)) => *grafts += 1,
            _ => {}
        }
        vec![packet]
    });
    // It promises a payload that nobody has.
    let (to, payload) = (Some(world.address(3)), Payload::from([0; 2000].as_slice()));
    let (to_claimed, nonce, blinding) = (false, [5; 16], [1; 32]);
    let draft = Draft { claimed: None, to, to_claimed, kind: Kind::Page, nonce, blinding, payload };
    let swarm = SwarmTag::of_topic("t");
    let wanted = draft.sign(&key(1), &swarm, world.now).wanted(&key(1), &swarm);
    let header = Box::new(wanted.header.clone());
    let packet = Packet::Broadcast(broadcast::Packet::Header { hops: 1, header });
    let mut first = None;
    for _ in 0..3 {
        (0..evil).for_each(|to| say(&mut world, evil, to, &packet));
        world.run(Duration::from_secs(10));
        assert_eq!(*first.get_or_insert(*counts.borrow()), *counts.borrow());
    }
    let links: usize = world.peers.iter().map(Peer::link_count).sum();
    println!("headers, grafts: {:?} on {} links", counts.borrow(), links / 2);
    assert!(counts.borrow().iter().all(|count| *count <= 2 * links));
}

/// A relay took the place of whom a request was for, with another of its keys.
#[test]
fn a_relay_cannot_answer_as_itself_what_was_asked_of_another() {
    let (mut world, order) = ring(5);
    let [asks, evil, named] = [order[0], order[1], order[2]];
    let other = Identity::from_secret([0xe3; 32]);
    let me = world.address(asks);
    let heard = Rc::new(RefCell::new(None));
    let request = heard.clone();
    world.tap(move |from, to, packet| match packet {
        Packet::Signalling(signalling::Packet::Request(it)) if from == asks && to == evil => {
            if matches!(it.goal, Goal::Exact(_)) {
                request.borrow_mut().get_or_insert(*it);
            }
            vec![]
        }
        packet => vec![packet],
    });
    for peer in [asks, named] {
        world.with(peer, |peer, now| peer.set_max_peers(3, now)).expect("three are allowed");
    }
    let (via, goal) = (world.address(evil), Goal::Exact(world.address(named)));
    let plan = Plan { goal, via, probe: false, aim: None, replaces: None };
    world.with(asks, |peer, now| peer.does(Effect::Ask(plan), now));
    world.run(Duration::from_millis(50));
    let request = heard.borrow().clone().expect("it asks");
    let answer = Box::new(hostile::description(99, 1));
    let offer = request.offer.as_ref().expect("it offers").description.hash();
    let said = Acceptance { request: request.id, offer, answer: &answer, hello: None };
    let (key, proof) = (other.public_key(), said.prove(&other, &SwarmTag::of_topic("t")));
    let signal = Signal::Accept { key, answer, proof, hello: None };
    let reply = Reply { id: request.id, to: me, path: vec![], hops_left: 9, signal };
    world.inject(evil, asks, &Packet::Signalling(signalling::Packet::Reply(reply)));
    let taken = world.peers[asks].parts.links.conns().values().any(|conn| conn.peer == Some(other.address()));
    assert!(!taken);
}

/// One neighbor's lists named 4,096 peers, all of which are looked at for each message and request.
#[test]
fn a_neighbor_shows_no_more_of_the_mesh_than_an_honest_one_sees() {
    let mut world = World::of(3, 6);
    let at = |n: u32| {
        let mut address = [7; 20];
        address[..4].copy_from_slice(&n.wrapping_mul(0x9e37_79b9).to_be_bytes());
        Address(address)
    };
    let own: Vec<_> = (0..64).map(at).collect();
    world.inject(0, 1, &Packet::View(topology::Packet::Own(hostile::list_naming(&own))));
    for (n, &peer) in own.iter().enumerate() {
        let beyond: Vec<_> =
            (0..63).map(|m| at(1000 + n as u32 * 64 + m)).chain([world.address(0)]).collect();
        let lists = vec![(peer, hostile::list_naming(&beyond))];
        world.inject(0, 1, &Packet::View(topology::Packet::Relayed(lists)));
        world.run(Duration::from_millis(100));
    }
    let known = world.peers[1].known_peers().len();
    println!("{known} known");
    assert!(known <= 3 + 64 + 8 * 64, "{known}");
}

/// Nobody signed a request, and who was said to be the origin of one that was answered was turned away meanwhile: ten a
/// second to each of four peers kept a newcomer out for 14 s.
#[test]
fn requests_in_the_name_of_a_newcomer_cost_it_nothing() {
    let linked_after = |pause: Option<u64>| {
        let mut world = World::of(5, 6);
        let (evil, honest) = (4, 0..4);
        let newcomer = Identity::from_secret([0x77; 32]);
        let origin = newcomer.address();
        world.opening = Duration::from_millis(300);
        // The attacker makes no link with the newcomer.
        world.tap(|from, to, packet| match packet {
            Packet::Hello(_) | Packet::Confirm { .. }
                if [from, to].contains(&4) && [from, to].contains(&5) =>
            {
                vec![]
            }
            packet => vec![packet],
        });
        let newcomer = world.join_as(config(), newcomer);
        let (mut n, mut linked_at) = (0, Vec::new());
        for ms in (0..20_000).step_by(100) {
            for to in honest.clone().filter(|_| pause.is_some_and(|pause| ms % pause == 0)) {
                n += 1;
                let request = hostile::request(n, origin, Goal::Exact(world.address(to)));
                let packet = Packet::Signalling(signalling::Packet::Request(Box::new(request)));
                say(&mut world, evil, to, &packet);
            }
            world.run(Duration::from_millis(100));
            let links = honest.clone().filter(|&peer| world.linked(peer, newcomer)).count();
            linked_at.resize(links, ms + 100);
        }
        linked_at
    };
    let unharmed = linked_after(None);
    assert!(!unharmed.is_empty());
    for pause in [1000, 100] {
        assert_eq!(linked_after(Some(pause)), unharmed, "one each {pause} ms to each");
    }
}
