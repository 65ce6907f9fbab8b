//! Pages that die, sleep, or whose timers ring once in a while.

use super::world::World;
use super::*;

#[test]
fn a_death_without_a_goodbye_is_missed_within_five_seconds() {
    for salt in 0..8 {
        let mut world = World::salted(4, 6, salt * 10);
        world.run(Duration::from_millis(u64::from(salt) * 217));
        world.kill(3);
        world.run(Duration::from_secs(5));
        let gone = world.address(3);
        assert!((0..3).all(|peer| world.disconnects(peer) == [gone]), "{salt}");
    }
}

#[test]
fn who_slept_is_a_member_again_within_two_seconds_of_waking_and_nobody_keeps_a_ghost() {
    for (salt, count, slept) in
        [(0, 2, 10), (10, 3, 60), (20, 4, 3600), (30, 9, 3600), (40, 2, 86_400), (50, 3, 5)]
    {
        let mut world = World::salted(count, 6, salt);
        world.kill(0);
        world.run(Duration::from_secs(slept));
        let address = world.address(0);
        assert!((1..count).all(|peer| world.peers[peer].neighbors().all(|neighbor| neighbor != address)));
        world.events.iter_mut().for_each(Vec::clear);
        world.wake(0);
        world.run(Duration::from_secs(2));
        let alive = (1..count).filter(|&peer| world.linked(0, peer) && world.linked(peer, 0)).count();
        assert!(alive > 0, "{count} peers, slept {slept} s");
        world.run(Duration::from_secs(20));
        assert!(world.links_agree(), "{count} peers, slept {slept} s");
        let met = world.connects(1).iter().filter(|met| **met == address).count();
        assert!(met <= 1, "met {met} times");
    }
}

#[test]
fn who_sleeps_for_a_moment_loses_nobody() {
    let mut world = World::of(3, 6);
    world.kill(0);
    world.run(Duration::from_secs(2));
    world.wake(0);
    world.run(Duration::from_secs(20));
    assert!((0..3).all(|peer| world.disconnects(peer).is_empty()));
}

#[test]
fn who_wakes_again_and_again_is_never_a_member_twice() {
    let mut world = World::of(4, 6);
    for _ in 0..10 {
        world.kill(0);
        world.run(Duration::from_secs(30));
        world.wake(0);
        world.run(Duration::from_secs(10));
        assert!(world.links_agree() && world.peers[0].link_count() == 3);
    }
    let address = world.address(0);
    for peer in 1..4 {
        let times = |met: Vec<Address>| met.iter().filter(|met| **met == address).count();
        assert_eq!((times(world.connects(peer)), times(world.disconnects(peer))), (10, 10));
    }
}

#[test]
fn a_page_whose_timers_ring_once_a_minute_stays_a_member_and_misses_the_dead_in_time() {
    let mut world = World::of(4, 6);
    world.lazy.insert(0, Duration::from_secs(60));
    world.run(Duration::from_secs(600));
    assert!(
        (0..4).all(|peer| world.disconnects(peer).is_empty()),
        "nobody takes it for dead, nor it anybody"
    );
    world.kill(3);
    world.run(Duration::from_secs(10));
    assert_eq!(world.disconnects(0), [world.address(3)], "what others send is as good as a timer");
    world.send(1, Some(0), "direct");
    world.send(0, None, "broadcast");
    world.run(Duration::from_secs(1));
    assert_eq!((world.texts(0).len(), world.texts(2).len()), (1, 1));
}
