//! Where others can have a peer's browser look for them: nowhere that is not a peer's, and nowhere again and again.

use super::hostile::{candidate, description, request, stranger};
use super::world::{World, config, sdp};
use super::*;
use crate::proto::links::link::wire::Packet;
use crate::proto::offer::kit::{signed, unsigned};
use crate::proto::sdp::Candidate;
use crate::proto::signalling::Signal;
use crate::testkit::tell;

/// Where nobody's browser is to send anything because somebody says so.
const ASTRAY: [&str; 24] = [
    "victim-7f3a.attacker.example",
    "localhost",
    "printer.local",
    "127.0.0.1",
    "127.1",
    "010.0.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "240.0.0.1",
    "224.0.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::127.0.0.1",
    "fe80::1",
    "ff02::fb",
    "2001:db8::1",
    "64:ff9b::7f00:1",
];

/// A browser's name for an address that it hides.
const HIDDEN: &str = "8a8a8a8a-1234-4abc-8def-0123456789ab.local";

/// How often peer 1 had its browser look at a place and port.
fn tries(world: &World, endpoint: &str) -> usize {
    world.tried[1].iter().filter(|tried| *tried == endpoint).count()
}

/// Peer 0 brings peer 1 a request for a link of somebody who can be reached there.
fn ask(world: &mut World, n: u32, candidates: &[Candidate]) -> RequestId {
    let who = stranger(n);
    let mut request = request(n, who.address(), Goal::Exact(world.address(1)));
    request.offer = Some(unsigned(offer(n, candidates)));
    let request = signed(request, &who, &SwarmTag::of_topic("t"), world.now);
    let id = request.id;
    if world.linked(1, 0) {
        world.inject(0, 1, &Packet::Signalling(signalling::Packet::Request(Box::new(request))));
    }
    id
}

fn offer(n: u32, candidates: &[Candidate]) -> Description {
    let mut offer = description(99, n.into());
    offer.candidates = candidates.to_vec();
    offer
}

/// Peer 0 brings peer 1 one more candidate of the origin of a request.
fn add(world: &mut World, id: RequestId, candidate: Candidate) {
    let packet = signalling::Packet::Forward { id, signal: Signal::Candidate(candidate) };
    world.inject(0, 1, &Packet::Signalling(packet));
}

/// An offer's candidates decided where a browser sent its checks, before anything was proven: to a name, into the local
/// network, to anybody.
#[test]
fn candidates_lead_nowhere_but_to_peers() {
    for (n, place) in ASTRAY.into_iter().enumerate() {
        let mut world = World::of(3, 6);
        let peers = [candidate("10.9.9.9", 6000), candidate(HIDDEN, 6000), candidate("2a01:4f8::1", 6000)];
        let id = ask(&mut world, n as u32, &[&[candidate(place, 6000)], &peers[..]].concat());
        // ... and what comes after the description is no better.
        add(&mut world, id, candidate(place, 6001));
        add(&mut world, id, candidate("10.9.9.9", 6001));
        world.run(Duration::from_millis(500));
        for good in ["10.9.9.9 6000", "10.9.9.9 6001", "2a01:4f8::1 6000", &format!("{HIDDEN} 6000")] {
            assert_eq!(tries(&world, good), 1, "{good} beside {place}");
        }
        assert_eq!(
            (tries(&world, &format!("{place} 6000")), tries(&world, &format!("{place} 6001"))),
            (0, 0)
        );
    }
    // Nor do they reach what is no page's, at whatever address.
    let mut world = World::of(3, 6);
    let ports = [0, 53, 123, 1023, 80, 443, 1024].map(|port| candidate("9.9.9.9", port));
    ask(&mut world, 1, &ports);
    let tried = world.tried[1].iter().filter_map(|it| it.strip_prefix("9.9.9.9 ")).collect::<Vec<_>>();
    assert_eq!(tried, ["80", "443", "1024"]);
}

/// An answer is somebody else's description, too.
#[test]
fn an_answer_leads_nowhere_but_to_peers() {
    let mut world = World::new();
    world.join(config());
    world.run(Duration::from_secs(1));
    let conn = *world.peers[0]
        .parts
        .links
        .conns()
        .iter()
        .find(|(_, conn)| conn.link.is_offered())
        .expect("it offers")
        .0;
    let mut answer = Description::parse(&sdp((9, ConnId(9)), "active")).expect("we wrote it");
    answer.candidates = ASTRAY.iter().take(11).map(|place| candidate(place, 6000)).collect();
    answer.candidates.push(candidate("10.9.9.9", 6000));
    assert!(world.with(0, |peer, now| peer.is_answered(conn, Address([9; 20]), answer, now)));
    assert_eq!(world.tried[0], ["10.9.9.9 6000"]);
}

/// Pages and programs of one machine meet there, if that is where their own candidates are.
#[test]
fn who_is_on_the_same_machine_is_tried_there() {
    let loopback = "candidate:1 1 udp 1 127.0.0.9 7000 typ host";
    for in_description in [true, false] {
        let mut world = World::of(3, 6);
        let id = ask(&mut world, 1, &[candidate("127.0.0.1", 6000), candidate("169.254.1.1", 6000)]);
        let conns = world.peers[1].parts.links.conns();
        let conn = conns.iter().find(|(_, conn)| conn.is_for(id)).map(|(&id, _)| id).expect("an attempt");
        if in_description {
            let sdp = format!("{}a={loopback}\r\n", sdp((1, conn), "active"));
            world.with(1, |peer, now| peer.handle(Input::ConnDescribed(conn, sdp), now));
        }
        assert_eq!(tries(&world, "127.0.0.1 6000"), 0, "where it is itself it does not know yet");
        world.run(Duration::from_millis(100));
        assert_eq!(tries(&world, "127.0.0.1 6000"), usize::from(in_description));
        world.with(1, |peer, now| peer.handle(Input::ConnCandidate(conn, loopback.into()), now));
        assert_eq!((tries(&world, "127.0.0.1 6000"), tries(&world, "169.254.1.1 6000")), (1, 0));
    }
}

/// Requests in as many names as somebody likes, all of which say that they are at one place, made peers send it checks
/// without end.
#[test]
fn a_flood_of_offers_that_name_one_target_is_a_few_attempts() {
    let mut world = World::of(3, 6);
    for n in 0..600 {
        ask(&mut world, n, &[candidate("9.9.9.9", 6000)]);
        world.run(Duration::from_millis(100));
    }
    let at_it = tries(&world, "9.9.9.9 6000");
    assert!((1..=4).contains(&at_it), "{at_it} attempts in a minute");
    // Another port is another peer, and so is the same one when nothing was heard of it for a while.
    ask(&mut world, 1000, &[candidate("9.9.9.9", 6001)]);
    assert_eq!(tries(&world, "9.9.9.9 6001"), 1);
    world.run(Duration::from_secs(130));
    ask(&mut world, 1001, &[candidate("9.9.9.9", 6000)]);
    assert_eq!(tries(&world, "9.9.9.9 6000"), at_it + 1);
}

/// However many others are named between, a target stays out until the record is full of what came later.
#[test]
fn a_target_is_not_forgotten_for_a_few_other_targets() {
    let mut world = World::of(3, 6);
    for n in 0..300u32 {
        let mut named = vec![candidate("9.9.9.9", 6000)];
        named.extend((0..11).map(|i| candidate(&format!("9.1.{}.{i}", n % 256), 6000)));
        ask(&mut world, n, &named);
        world.run(Duration::from_millis(100));
    }
    assert!((1..=4).contains(&tries(&world, "9.9.9.9 6000")), "{}", tries(&world, "9.9.9.9 6000"));
}

/// Candidates that come one by one are as few as those that come at once.
#[test]
fn candidates_that_trickle_in_count_to_the_same_bound() {
    let mut world = World::of(3, 6);
    let first = (0..5).map(|i| candidate("9.9.9.9", 6000 + i)).collect::<Vec<_>>();
    let id = ask(&mut world, 1, &first);
    for i in 5..100 {
        add(&mut world, id, candidate("9.9.9.9", 6000 + i));
    }
    world.run(Duration::from_millis(500));
    assert_eq!(world.tried[1].iter().filter(|it| it.starts_with("9.9.9.9")).count(), 12);
}

/// What opened a channel is a peer, and may be tried as often as it is needed.
#[test]
fn a_place_where_peers_are_is_tried_again() {
    let mut world = World::of(3, 6);
    for n in 0..20 {
        let id = ask(&mut world, n, &[candidate("9.9.9.9", 6000)]);
        world.run(Duration::from_millis(100));
        let conns = world.peers[1].parts.links.conns();
        let conn = conns.iter().find(|(_, conn)| conn.is_for(id)).map(|(&id, _)| id).expect("an attempt");
        for input in [Input::ConnOpened(conn), Input::ConnClosed(conn, "left".into())] {
            let now = world.now;
            tell(&mut world.peers[1], input, now);
        }
        world.run(Duration::from_millis(100));
    }
    assert_eq!(tries(&world, "9.9.9.9 6000"), 20);
}
