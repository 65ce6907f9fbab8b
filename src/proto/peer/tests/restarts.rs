//! Links whose path breaks while both their peers live: they are given another one, round the link, and nobody hears of it.
//! Whoever is on that way can lose what is said there, and nothing else.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::world::{World, config, sdp};
use super::*;
use crate::proto::links::admission::Admitted;
use crate::proto::links::link::SILENCE;
use crate::proto::restart::{Say, Session, Word};
use crate::proto::sdp::Description;
use crate::testkit::description::End;

/// By then a link without a path is in doubt, and its end has not come.
const DOUBTED: Duration = Duration::from_millis(4400);
/// By then it has.
const BURIED: Duration = Duration::from_secs(5);

/// Two peers with a link, the lower address first, and a third one that is linked with both.
fn three() -> (World, [usize; 3]) {
    let world = World::of(3, 6);
    let mut pair = [0, 1];
    pair.sort_by_key(|&peer| world.address(peer));
    (world, [pair[0], pair[1], 2])
}

/// What two peers heard of each other.
fn changes(world: &World) -> usize {
    (0..3).map(|peer| world.connects(peer).len() + world.disconnects(peer).len()).sum()
}

fn admitted(world: &World, at: usize, of: usize) -> Admitted {
    let conn = world.peers[at].parts.links.conn_of(&world.address(of)).expect("they are linked");
    world.peers[at].parts.links.conns().get(&conn).expect("it is there").admitted.expect("a link")
}

/// How long until a message of each to the other has arrived.
fn until_heard(world: &mut World, pair: [usize; 2]) -> Duration {
    let since = world.now;
    while pair.iter().any(|&peer| world.texts(peer).is_empty()) {
        world.run(Duration::from_millis(10));
        assert!(world.now - since < Duration::from_secs(60), "never");
    }
    world.now - since
}

/// A word for an end of a link that came round it, by the third peer.
fn told(origin: Address, to: Address, sealed: Vec<u8>) -> Packet {
    let signal = Signal::Restart { origin, sealed };
    let reply = Reply { id: RequestId([7; 8]), to, path: Vec::new(), hops_left: 32, signal };
    Packet::Signalling(signalling::Packet::Reply(reply))
}

/// What the other end says in earnest.
fn genuine(world: &World, from: usize, to: usize, round: u32, say: Say) -> Packet {
    let session = admitted(world, to, from).session;
    let (origin, word) = (world.address(from), Word { round, say });
    told(
        origin,
        world.address(to),
        Session(&session).seal(&origin, &word, &mut Random::new([round as u8; 32])),
    )
}

/// A description of an end of a link, with other credentials.
fn anew(world: &World, at: usize, of: usize, setup: &str) -> Description {
    let conn = world.peers[at].parts.links.conn_of(&world.address(of)).expect("they are linked");
    Description::parse(&End(at as u64, conn.0).anew(9).describe_whole(setup)).expect("a description")
}

#[test]
fn a_link_whose_path_breaks_is_given_another_and_nobody_hears_of_it() {
    let (mut world, [a, b, c]) = three();
    let sessions = [admitted(&world, a, b).session, admitted(&world, b, a).session];
    world.break_path(a, b);
    // Both ways, and to all.
    world.send(a, Some(b), "from a");
    world.send(b, Some(a), "from b");
    world.send(a, None, "to all");
    world.run(Duration::from_secs(8));
    assert!(!world.is_broken(a, b), "there is another path");
    assert_eq!(changes(&world), 0, "the page heard of nothing");
    assert_eq!([world.described_anew(a, b), world.described_anew(b, a)], [1, 1]);
    assert_eq!(
        [admitted(&world, a, b).session, admitted(&world, b, a).session],
        sessions,
        "it is the same link"
    );
    let sorted = |peer: usize| {
        let mut texts = world.texts(peer);
        texts.sort();
        texts
    };
    assert_eq!(sorted(b), ["from a", "to all"], "each once");
    assert_eq!(sorted(a), ["from b"]);
    assert_eq!(sorted(c), ["to all"]);
    for (peer, times) in [(a, 1), (b, 1), (c, 0)] {
        assert_eq!(world.peers[peer].stats().restarts, times);
    }
    // What is said from now on takes the link.
    world.send(a, Some(b), "later");
    world.run(Duration::from_secs(1));
    assert_eq!(world.received(b).last().map(|it| it.hops), Some(1));
}

/// Whatever tells one of them only: ICE, the network, or that it was asked and the other one was not.
#[test]
fn it_is_enough_that_one_end_notices() {
    for notices in [0, 1] {
        for what in ["ice", "network", "failed"] {
            let (mut world, pair) = three();
            world.break_path(pair[0], pair[1]);
            let (here, there) = (pair[notices], pair[1 - notices]);
            let conn = world.peers[here].parts.links.conn_of(&world.address(there)).expect("they are linked");
            let input = match what {
                "ice" => Input::ConnInterrupted(conn),
                "network" => Input::Woke,
                _ => Input::ConnLost(conn, "ICE failed".into()),
            };
            let since = world.now;
            world.with(here, |peer, now| peer.handle(input, now));
            while world.is_broken(here, there) {
                world.run(Duration::from_millis(10));
                assert!(world.now - since < Duration::from_secs(2), "{what} at {notices}");
            }
            world.run(Duration::from_secs(10));
            assert_eq!(changes(&world), 0, "{what} at {notices}");
            assert_eq!([world.described_anew(here, there), world.described_anew(there, here)], [1, 1]);
        }
    }
}

#[test]
fn a_link_that_breaks_again_and_again_is_given_another_path_each_time() {
    let (mut world, [a, b, _]) = three();
    for times in 1..=5 {
        world.break_path(a, b);
        world.run(Duration::from_secs(12));
        assert!(!world.is_broken(a, b) && world.described_anew(a, b) == times, "{times}");
    }
    assert_eq!(changes(&world), 0);
}

/// The peer at the other end is gone, or no other one leads there, or it cannot do that: then all is as ever.
#[test]
fn what_cannot_be_given_another_path_ends_and_is_joined_anew() {
    // Nobody else is there.
    let mut world = World::of(2, 6);
    world.break_path(0, 1);
    world.run(BURIED);
    // Who is the first to notice may be back before the other one does.
    assert!(!world.is_broken(0, 1) && world.disconnects(0).len() + world.disconnects(1).len() > 0);
    assert_eq!(world.peers[0].stats().restarts + world.peers[1].stats().restarts, 0);
    world.run(Duration::from_secs(40));
    assert!(world.linked(0, 1) && !world.is_broken(0, 1), "joined anew");

    // An end is gone: not a moment later than ever.
    let (mut world, [a, b, _]) = three();
    world.kill(b);
    world.run(BURIED);
    assert_eq!(world.disconnects(a), [world.address(b)]);

    // One of them cannot.
    let mut world = World::new();
    let peers = [0, 1, 2].map(|n| world.join(Config { restarts: n != 0, ..config() }));
    world.run(Duration::from_secs(5));
    world.events.iter_mut().for_each(Vec::clear);
    world.break_path(0, 1);
    world.run(Duration::from_secs(20));
    assert!(world.linked(0, 1) && !world.is_broken(0, 1), "joined anew");
    assert_eq!(peers.map(|peer| world.disconnects(peer).len()), [1, 1, 0]);
    assert_eq!(peers.map(|peer| world.peers[peer].stats().restarts), [0; 3]);
}

/// Both agree, and the network has no path for them: they do not wait for ever.
#[test]
fn a_path_that_is_none_keeps_a_dead_link_for_a_few_seconds_only() {
    let (mut world, [a, b, _]) = three();
    world.bypass = false;
    world.break_path(a, b);
    world.run(Duration::from_millis(2500 + 6500 + 500));
    assert_eq!([world.disconnects(a), world.disconnects(b)], [[world.address(b)], [world.address(a)]]);
    assert_eq!(world.described_anew_in_all(), 2, "once each");
    world.run(Duration::from_secs(20));
    assert!(world.linked(a, b) && world.links_agree(), "joined anew");
}

/// The other end may be dead to us and alive for others: words that do not come back keep nothing.
#[test]
fn a_relay_that_loses_what_it_is_told_costs_what_was_there_before() {
    let (mut world, [a, b, _]) = three();
    world.tap(|_, _, packet| match is_restart(&packet) {
        true => vec![],
        false => vec![packet],
    });
    world.break_path(a, b);
    world.run(BURIED);
    assert_eq!([world.disconnects(a).len(), world.disconnects(b).len()], [1, 1]);
    world.run(Duration::from_secs(20));
    assert!(world.linked(a, b), "joined anew");
}

/// ... and nothing if there is another one.
#[test]
fn one_of_two_relays_is_enough() {
    for loses in [2, 3] {
        let mut world = World::of(4, 6);
        world.tap(move |from, _, packet| match from == loses && is_restart(&packet) {
            true => vec![],
            false => vec![packet],
        });
        world.break_path(0, 1);
        world.run(Duration::from_secs(10));
        assert!(world.linked(0, 1) && !world.is_broken(0, 1), "{loses} loses what it is told");
        assert_eq!([0, 1].map(|peer| world.disconnects(peer).len()), [0, 0]);
    }
}

#[test]
fn an_offer_that_was_lost_is_said_once_more() {
    let (mut world, [a, b, c]) = three();
    let lost = Cell::new(false);
    world.tap(move |from, to, packet| {
        match (from, to) == (c, b) && is_restart(&packet) && !lost.replace(true) {
            true => vec![],
            false => vec![packet],
        }
    });
    world.break_path(a, b);
    world.run(Duration::from_secs(10));
    assert!(!world.is_broken(a, b));
    assert_eq!([a, b].map(|peer| world.disconnects(peer).len()), [0, 0]);
    assert_eq!(world.described_anew(a, b), 1, "the same one");
}

fn is_restart(packet: &Packet) -> bool {
    let Packet::Signalling(signalling::Packet::Reply(reply)) = packet else { return false };
    matches!(reply.signal, Signal::Restart { .. })
}

/// Nobody changes a link that works: not who forges, nor who held something back, nor the other end itself.
#[test]
fn a_link_that_works_is_never_given_another_path() {
    let (mut world, [a, b, c]) = three();
    let offer = |world: &World| Say::Offer(Box::new(anew(world, a, b, "actpass")));
    for round in 1..40 {
        let [ask, offer] =
            [genuine(&world, b, a, round, Say::Ask), genuine(&world, a, b, round, offer(&world))];
        world.inject(c, a, &ask);
        world.inject(c, b, &offer);
        world.run(Duration::from_millis(if round % 2 == 0 { 10 } else { 3000 }));
    }
    world.run(Duration::from_secs(10));
    assert_eq!(world.described_anew_in_all(), 0);
    assert_eq!(changes(&world), 0);
}

/// Who is on the way alters, repeats, reverses, and makes up.
#[test]
fn what_a_hostile_relay_says_does_nothing_to_the_link() {
    let (mut world, [a, b, c]) = three();
    let kept = Rc::new(RefCell::new(Vec::new()));
    let loses = Rc::new(Cell::new(false));
    let (keep, lose) = (kept.clone(), loses.clone());
    world.tap(move |_, _, packet| {
        if !is_restart(&packet) {
            return vec![packet];
        }
        keep.borrow_mut().push(packet.clone());
        if lose.get() { vec![] } else { vec![packet] }
    });
    world.break_path(a, b);
    world.run(Duration::from_secs(9));
    assert!(!world.is_broken(a, b) && world.described_anew_in_all() == 2);
    let heard = kept.borrow().clone();
    assert!(heard.len() >= 4, "an offer and an answer, over one relay each: {heard:?}");
    // All of it again, to either end, on a link that works and on one that does not.
    for broken in [false, true] {
        if broken {
            loses.set(true);
            world.break_path(a, b);
            world.run(Duration::from_millis(2600));
            assert_eq!(world.described_anew_in_all(), 3, "an offer that nobody hears of");
        }
        let before = world.described_anew_in_all();
        for packet in &heard {
            let Packet::Signalling(signalling::Packet::Reply(reply)) = packet else { continue };
            let Signal::Restart { origin, sealed } = &reply.signal else { continue };
            for to in [a, b] {
                for origin in [*origin, world.address(a), world.address(b), world.address(c)] {
                    let mut altered = sealed.clone();
                    altered[30] ^= 1;
                    for sealed in [sealed.clone(), altered, Vec::new(), vec![0; 16_000]] {
                        world.inject(c, to, &told(origin, world.address(to), sealed));
                    }
                }
            }
        }
        if !broken {
            world.run(Duration::from_secs(9));
        }
        assert_eq!(world.described_anew_in_all(), before, "broken: {broken}");
    }
    assert_eq!(changes(&world), 0);
}

/// The other end itself may not put another certificate, or what is no description, in the place of what was admitted.
#[test]
fn only_the_certificate_that_was_admitted_is_taken() {
    let (mut world, [a, b, c]) = three();
    world.bypass = false;
    world.tap(|_, _, packet| if is_restart(&packet) { vec![] } else { vec![packet] });
    world.break_path(a, b);
    world.run(DOUBTED);
    assert_eq!(world.described_anew(a, b), 1, "its offer was lost");
    let other = Description::parse(&sdp((7, ConnId(7)), "actpass")).expect("a description");
    let mut unsound = anew(&world, a, b, "actpass");
    unsound.candidates = vec![unsound.candidates[0].clone(); 13];
    for offer in [other.clone(), unsound] {
        let packet = genuine(&world, a, b, 1, Say::Offer(Box::new(offer)));
        world.inject(c, b, &packet);
    }
    let packet = genuine(&world, b, a, 1, Say::Answer(Box::new(other)));
    world.inject(c, a, &packet);
    let packet = genuine(&world, b, a, 2, Say::Answer(Box::new(anew(&world, b, a, "active"))));
    world.inject(c, a, &packet);
    assert_eq!(world.described_anew(b, a), 0);
    assert_eq!(world.peers[a].stats().restarts + world.peers[b].stats().restarts, 0);
    // And the true one is.
    let packet = genuine(&world, a, b, 1, Say::Offer(Box::new(anew(&world, a, b, "actpass"))));
    world.inject(c, b, &packet);
    assert_eq!(world.peers[b].stats().restarts, 1);
}

/// The other end goes on and on without a link that works: it keeps its slot no longer for that.
#[test]
fn an_end_that_is_heard_round_its_link_only_loses_it() {
    for pause in [100, 30, 1000] {
        let (mut world, [a, b, c]) = three();
        world.bypass = false;
        world.break_path(a, b);
        let since = world.now;
        let (offer, mut round) = (anew(&world, a, b, "actpass"), 1);
        while world.is_broken(b, a) && world.now - since < Duration::from_secs(30) {
            let packet = genuine(&world, a, b, round, Say::Offer(Box::new(offer.clone())));
            world.inject(c, b, &packet);
            world.run(Duration::from_millis(pause));
            round += 1;
        }
        assert!(world.now - since < Duration::from_secs(10), "every {pause} ms: {:?}", world.now - since);
    }
}

/// docs/mesh.md has these figures.
#[test]
fn a_link_is_back_sooner_than_one_that_is_joined_anew() {
    let measure = |restarts: bool, woke: bool| {
        let mut world = World::new();
        for _ in 0..3 {
            world.join(Config { restarts, ..config() });
        }
        world.run(Duration::from_secs(5));
        world.break_path(0, 1);
        let since = world.now;
        world.run(Duration::from_millis(300));
        if woke {
            world.with(0, |peer, now| peer.handle(Input::Woke, now));
        }
        while !world.linked(0, 1) || world.is_broken(0, 1) {
            world.run(Duration::from_millis(10));
        }
        let back = world.now - since;
        world.events.iter_mut().for_each(Vec::clear);
        world.send(0, None, "a");
        world.send(1, None, "b");
        until_heard(&mut world, [0, 1]);
        back
    };
    let [anew, back, soon] = [measure(false, false), measure(true, false), measure(true, true)];
    println!("joined anew after {anew:?}; another path after {back:?}, after {soon:?} where the page knew");
    assert!(back < SILENCE && soon < Duration::from_millis(1500));
    assert!(back + Duration::from_millis(1000) < anew);
}
