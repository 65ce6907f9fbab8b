//! The end of a message and the end of a peer: what was handed over gets out first.

use super::world::{World, config};
use super::*;
use crate::proto::io::Bytes;
use crate::proto::{DeliveryFailure, SendError};

#[test]
fn a_broadcast_is_delivered_once_the_neighbors_have_it_and_closing_then_loses_nothing() {
    for size in [10, 2000, 200_000, 5 << 20] {
        let mut world = World::of(3, 6);
        let text = "x".repeat(size);
        let id = world.send(0, None, &text);
        for _ in 0..100 {
            if world.deliveries(0).is_empty() {
                world.run(Duration::from_millis(20));
            }
        }
        assert!(matches!(world.deliveries(0)[..], [(of, Ok(_))] if of == id), "{size} bytes");
        world.with(0, |peer, now| peer.close(now));
        assert!(world.peers[0].is_closed(), "nothing is left to wait for");
        world.run(Duration::from_secs(5));
        for peer in [1, 2] {
            assert!(world.texts(peer) == [&*text], "{size} bytes to {peer}");
        }
    }
}

#[test]
fn closing_gets_out_what_was_said_before() {
    for size in [10, 2000, 200_000, 5 << 20] {
        let mut world = World::of(3, 6);
        let text = "x".repeat(size);
        world.send(0, None, &text);
        world.send(0, Some(2), &text);
        world.with(0, |peer, now| peer.close(now));
        world.run(Duration::from_secs(5));
        assert_eq!((world.texts(1).len(), world.texts(2).len()), (1, 2), "{size} bytes");
        assert!(world.texts(1)[0] == text && world.texts(2).iter().all(|heard| *heard == text));
        assert!(world.peers[0].is_closed());
    }
}

#[test]
fn closing_gets_out_many_messages() {
    let mut world = World::of(3, 6);
    for n in 0..4000 {
        world.send(0, None, &format!("{n}"));
    }
    assert!(world.peers[0].parts.messaging.sizes().2[0] > 0, "some are held: they are too many at once");
    world.with(0, |peer, now| peer.close(now));
    world.run(Duration::from_secs(5));
    assert!(world.peers[0].is_closed());
    assert_eq!([world.texts(1).len(), world.texts(2).len()], [4000; 2]);
}

#[test]
fn closing_waits_for_a_recipients_key() {
    let mut world = World::of(9, 2);
    let known = |to: &usize| world.peers[0].commons.keys.get(&world.address(*to)).is_some();
    let to = (1..9).find(|to| !known(to)).expect("a ring of nine");
    world.send(0, Some(to), "goodbye");
    world.with(0, |peer, now| peer.close(now));
    world.run(Duration::from_secs(5));
    assert_eq!(world.texts(to), ["goodbye"]);
}

#[test]
fn closing_ends_in_time_whoever_does_not_answer() {
    let mut world = World::of(2, 6);
    world.kill(1);
    let id = world.send(0, None, &"x".repeat(2000));
    world.with(0, |peer, now| peer.close(now));
    assert_eq!(world.deliveries(0), [], "somebody may still ask for it");
    let refused = world.with(0, |peer, now| peer.send(None, Bytes(vec![]), now));
    assert_eq!(refused, Err(SendError::Closed));
    world.run(Duration::from_secs(2));
    assert!(world.peers[0].is_closed());
    assert_eq!(world.peers[0].poll_timeout(), None);
    assert_eq!(world.deliveries(0).len(), 1, "{id}");
}

#[test]
fn leaving_is_at_once_and_the_last_word_is_said_once() {
    let mut world = World::of(2, 6);
    let id = world.send(0, None, &"x".repeat(2000));
    world.with(0, |peer, now| peer.close(now));
    assert!(!world.peers[0].is_closed());
    world.with(0, |peer, now| peer.leave(now));
    assert!(world.peers[0].is_closed());
    let closed = (world.now, Event::Closed);
    assert_eq!(world.events[0].last(), Some(&closed));
    assert_eq!(world.deliveries(0), [(id, Err(DeliveryFailure::Closed))]);
    world.with(0, |peer, now| peer.leave(now));
    world.with(0, |peer, now| peer.close(now));
    world.run(Duration::from_secs(5));
    assert_eq!(world.events[0].iter().filter(|event| **event == closed).count(), 1);
    assert_eq!(world.events[0].last(), Some(&closed), "nothing is said after it");
}

#[test]
fn what_was_gathering_goes_before_a_peer_that_leaves_at_once() {
    let mut world = World::of(2, 6);
    world.send(0, Some(1), "its key is known");
    world.run(Duration::from_secs(1));
    // More than may have a proof each: what is said next waits for what is said after it.
    for n in 0..40 {
        world.send(0, Some(1), &format!("{n}"));
    }
    world.send(0, None, "last");
    assert!(world.peers[0].parts.messaging.sizes().2[0] > 0, "it waits");
    world.with(0, |peer, now| peer.leave(now));
    world.run(Duration::from_secs(1));
    assert!(world.texts(1).contains(&"last".to_string()), "{:?}", world.texts(1));
}

#[test]
fn who_closes_makes_no_new_link() {
    let mut world = World::of(2, 6);
    world.kill(1);
    world.send(0, None, &"x".repeat(2000));
    world.with(0, |peer, now| peer.close(now));
    let newcomer = world.join(config());
    world.run(Duration::from_millis(1900));
    assert!(!world.peers[0].is_closed());
    assert_eq!((world.connects(0), world.connects(newcomer)), (vec![], vec![]));
}
