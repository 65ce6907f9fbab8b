//! Pages whose clocks are wrong, or jump, take part all the same; and nobody else sets the time.

use super::world::{START, World, config};
use super::*;
use crate::proto::links::link::wire::encode;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn joined(skews: &[i64]) -> World {
    let mut world = World::new();
    for (n, &skew) in skews.iter().enumerate() {
        world.join_skewed(config(), Identity::from_secret([n as u8 + 1; 32]), skew);
    }
    world.run(Duration::from_secs(20));
    world
}

/// Each says something to all and something to each; all of it comes.
fn talk(world: &mut World, mark: &str) {
    let count = world.peers.len();
    for from in 0..count {
        world.send(from, None, &format!("{mark}: {from} to all"));
        for to in (0..count).filter(|&to| to != from) {
            world.send(from, Some(to), &format!("{mark}: {from} to {to}"));
        }
    }
    world.run(Duration::from_secs(5));
    for to in 0..count {
        let texts = world.texts(to);
        for from in (0..count).filter(|&from| from != to) {
            for text in [format!("{mark}: {from} to all"), format!("{mark}: {from} to {to}")] {
                assert_eq!(texts.iter().filter(|it| **it == text).count(), 1, "{text}, at {to}");
            }
        }
    }
}

fn warnings(world: &World, peer: usize) -> Vec<String> {
    let of = |event: &Event| match event {
        Event::Warning(warning) if warning.code == "ERR_CLOCK" => Some(warning.text.clone()),
        _ => None,
    };
    world.events[peer].iter().filter_map(|(_, event)| of(event)).collect()
}

#[test]
fn two_pages_talk_however_far_apart_their_clocks_are() {
    for skew in [DAY, -DAY, 11 * MINUTE, -11 * MINUTE, 2 * DAY] {
        let mut world = joined(&[0, skew]);
        talk(&mut world, "hello");
        assert!((0..2).all(|peer| warnings(&world, peer).is_empty()), "who knows which clock is wrong?");
    }
}

#[test]
fn a_page_with_a_wrong_clock_takes_part_in_a_swarm_of_right_ones() {
    for skew in [DAY, -DAY, 20 * MINUTE] {
        let mut world = joined(&[0, 0, 0, 0, 0, 0, 0, skew]);
        talk(&mut world, "hello");
        assert_eq!(warnings(&world, 7).len(), 1);
        assert!(warnings(&world, 7)[0].contains(if skew == 20 * MINUTE {
            "0 h 20 min"
        } else {
            "24 h 0 min"
        }));
        assert!((0..7).all(|peer| warnings(&world, peer).is_empty()));
    }
}

#[test]
fn a_page_whose_clock_nearly_is_right_is_not_told() {
    let mut world = joined(&[0, 4 * MINUTE, -4 * MINUTE, 0, 1000]);
    talk(&mut world, "hello");
    assert!((0..5).all(|peer| warnings(&world, peer).is_empty()));
}

/// It stayed deaf, both ways, after a jump of an hour for three seconds.
#[test]
fn a_clock_that_jumps_interrupts_nothing_for_long() {
    let mut world = joined(&[0, 0, 0, 0, 0]);
    for (n, jump) in [60, 24 * 60, 11].into_iter().enumerate() {
        world.set_clock(2, jump * MINUTE);
        world.run(Duration::from_secs(3));
        talk(&mut world, &format!("jump {n}"));
    }
    assert_eq!(world.peers[2].link_count(), 4);
}

/// What was deaf before is found again: a page alone with one whose clock is wrong meets others.
#[test]
fn a_swarm_that_began_with_a_wrong_clock_goes_by_the_right_ones_when_they_come() {
    let mut world = joined(&[DAY, 0]);
    talk(&mut world, "two");
    world.join(config());
    world.join(config());
    world.run(Duration::from_secs(20));
    talk(&mut world, "four");
    let now = START.as_millis() + (world.now - START).as_millis() as u64;
    for peer in 0..4 {
        let shift = world.peers[peer].commons.clock.shift();
        let theirs = shift.theirs(world.clock(peer)).as_millis();
        assert!(theirs.abs_diff(now) < 1000, "{theirs} in place of {now} at {peer}");
    }
}

#[test]
fn neighbors_that_lie_set_nobodys_time() {
    let mut world = joined(&[0; 7]);
    let victim = 0;
    for liar in [5, 6] {
        for millis in [0, 1, u64::MAX, START.as_millis() + DAY as u64, START.as_millis() - DAY as u64] {
            for asks in [true, false] {
                world.inject(liar, victim, &Packet::Clock { millis, asks });
            }
            world.run(Duration::from_millis(100));
        }
    }
    talk(&mut world, "hello");
    assert!(warnings(&world, victim).is_empty());
}

#[test]
fn who_asks_for_the_time_again_and_again_gets_no_more_than_it_sends() {
    let mut world = joined(&[0, 0, 0]);
    let before = world.peers[0].stats().bytes_out;
    let mut said = 0;
    for n in 0..1000 {
        for liar in [1, 2] {
            let millis = START.as_millis() + (1 + n % 3) * DAY as u64;
            let packet = Packet::Clock { millis, asks: true };
            world.inject(liar, 0, &packet);
            said += encode(&packet).len() as u64 + 4;
        }
    }
    let spent = world.peers[0].stats().bytes_out - before;
    assert!(spent <= said, "{spent} of {said}");
    assert_eq!(warnings(&world, 0).len(), 1, "once a minute at most");
}
