//! One identity in two pages: who is there first and answers keeps its address, and nobody else hears of the other one.

use super::world::{START, World, config};
use super::*;
use crate::proto::holding::Holding;

/// The identity of peer `n` of a world.
fn identity(n: u8) -> Identity {
    Identity::from_secret([n + 1; 32])
}

/// Whether a peer was told to take another identity.
fn is_told(world: &World, peer: usize) -> bool {
    world.events[peer].iter().any(|(_, event)| *event == Event::AddressInUse)
}

/// ... and how long after the start of the world.
fn linked_after(world: &World, peer: usize, since: Instant) -> Duration {
    let linked = world.events[peer].iter().find(|(_, event)| matches!(event, Event::Connect(_)));
    linked.expect("it is linked").0 - since
}

#[test]
fn the_second_page_of_an_identity_is_told_and_the_first_one_keeps_its_links() {
    for others in [1, 2, 5, 12] {
        let mut world = World::of(others + 1, 6);
        let second = world.join_as(config(), identity(1));
        world.run(Duration::from_secs(30));
        assert!(is_told(&world, second) && !is_told(&world, 1), "{others} others");
        let heard = (0..=others).map(|peer| world.disconnects(peer).len() + world.connects(peer).len());
        assert_eq!(heard.sum::<usize>(), 0, "{others} others: nobody sees a link come or go");
    }
}

#[test]
fn two_pages_of_an_identity_find_out_though_nobody_else_is_there() {
    let mut world = World::new();
    let first = world.join_as(config(), identity(0));
    world.run(Duration::from_secs(60));
    let second = world.join_as(config(), identity(0));
    world.run(Duration::from_secs(5));
    assert!(is_told(&world, second) && !is_told(&world, first));
    assert_eq!(
        world.connects(first).len() + world.connects(second).len(),
        0,
        "they are no link of each other"
    );
}

#[test]
fn of_two_pages_that_come_at_the_same_time_one_is_told() {
    for others in [0, 1, 4] {
        let mut world = World::of(others, 6);
        let both = [0, 1].map(|_| world.join_as(config(), identity(40)));
        world.run(Duration::from_secs(20));
        let told = both.map(|peer| is_told(&world, peer));
        assert_ne!(told[0], told[1], "{others} others");
    }
}

#[test]
fn a_page_that_was_reloaded_has_its_address_within_a_second_though_its_ghost_is_linked() {
    for others in [1, 5] {
        let mut world = World::of(others + 1, 6);
        world.kill(1);
        let since = world.now;
        let again = world.join_as(config(), identity(1));
        world.run(Duration::from_secs(5));
        assert!(!is_told(&world, again));
        assert!(
            linked_after(&world, again, since) <= Duration::from_secs(1),
            "{:?}",
            linked_after(&world, again, since)
        );
        assert_eq!(world.disconnects(0), [world.address(1)], "its ghost's link, once");
    }
}

#[test]
fn a_page_that_said_goodbye_leaves_its_address_at_once() {
    let mut world = World::of(3, 6);
    world.with(1, |peer, now| peer.leave(now));
    let since = world.now;
    let again = world.join_as(config(), identity(1));
    world.run(Duration::from_secs(5));
    assert!(!is_told(&world, again));
    assert!(linked_after(&world, again, since) <= Duration::from_millis(400));
}

/// A machine that slept while another one took its place.
#[test]
fn who_answers_keeps_the_address_and_who_comes_back_is_told() {
    let mut world = World::of(4, 6);
    let asleep = Rc::new(Cell::new(true));
    let sleeps = asleep.clone();
    // Nothing reaches peer 1, and nothing comes from it.
    world.tap(
        move |from, to, packet| {
            if sleeps.get() && (from == 1 || to == 1) { Vec::new() } else { vec![packet] }
        },
    );
    let second = world.join_as(config(), identity(1));
    world.run(Duration::from_secs(3));
    assert!(!is_told(&world, second) && !world.connects(second).is_empty());
    asleep.set(false);
    world.with(1, |peer, now| peer.handle(Input::Woke, now));
    world.run(Duration::from_secs(20));
    assert!(is_told(&world, 1) || is_told(&world, second));
    assert!(!(is_told(&world, 1) && is_told(&world, second)), "one of them stays");
}

/// Nobody but the owner of a key can drive a page from its address.
#[test]
fn a_page_believes_nobody_but_its_own_key() {
    let mut world = World::of(3, 6);
    let (me, tag) = (world.peers[1].commons.me.instance, SwarmTag::of_topic("t"));
    let says =
        |who: u8, tag, rival| Holding::prove(&identity(who), tag, [7; 16], rival, Duration::from_secs(999));
    let another = SwarmTag::of_topic("u");
    for holding in [says(0, &tag, me), says(1, &another, me), says(1, &tag, [8; 16])] {
        world.inject(0, 1, &Packet::Holds(holding));
        assert!(!is_told(&world, 1), "{holding:?}");
    }
    world.inject(0, 1, &Packet::Holds(says(1, &tag, me)));
    assert!(is_told(&world, 1));
}

/// What a neighbor can make a page prove is bounded by its rate.
#[test]
fn a_neighbor_that_asks_and_asks_is_answered_fifty_times_a_second_at_most() {
    let mut world = World::of(2, 6);
    let answers = Rc::new(Cell::new(0));
    let count = answers.clone();
    world.tap(move |from, _, packet| {
        count.set(count.get() + u32::from(from == 1 && matches!(packet, Packet::Holds(_))));
        vec![packet]
    });
    let until = world.now + Duration::from_secs(4);
    while world.now < until {
        for _ in 0..20 {
            if world.linked(1, 0) {
                world.inject(0, 1, &Packet::Rival([world.now.as_millis() as u8; 16]));
            }
        }
        world.run(Duration::from_millis(50));
    }
    assert!((1..=50 * 5).contains(&answers.get()), "{}", answers.get());
    assert!(world.now > START);
}

/// The second page of an identity as its shell has it: under another one.
fn stand_by(world: &mut World, of: usize) -> usize {
    let other = world.join_as(config(), identity(77));
    let (address, pause) = (world.address(of), Duration::from_secs(15));
    world.with(other, |peer, now| peer.stand_by(address, pause, now));
    other
}

fn is_free(world: &World, peer: usize) -> bool {
    world.events[peer].iter().any(|(_, event)| *event == Event::AddressFree)
}

#[test]
fn who_waits_for_its_address_is_told_when_its_holder_has_gone_and_not_before() {
    for others in [1, 12] {
        let mut world = World::of(others + 1, 4);
        let waits = stand_by(&mut world, 1);
        world.run(Duration::from_secs(120));
        assert!(!is_free(&world, waits), "{others} others");
        world.with(1, |peer, now| peer.leave(now));
        world.run(Duration::from_secs(22));
        assert!(is_free(&world, waits), "{others} others");
    }
}

#[test]
fn who_waits_alone_does_not_wait_for_ever() {
    let mut world = World::of(1, 6);
    world.with(0, |peer, now| peer.stand_by(identity(5).address(), Duration::from_secs(15), now));
    world.run(Duration::from_secs(20));
    assert!(is_free(&world, 0));
}
