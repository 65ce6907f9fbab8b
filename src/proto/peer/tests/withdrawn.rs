//! What the page takes back, or gives no more time.

use super::world::{World, config};
use super::*;

fn aborted(world: &mut World, peer: usize, id: MessageId) {
    world.with(peer, |peer, now| peer.withdraw(id, now));
}

fn expires(world: &mut World, peer: usize, id: MessageId, after: u64) {
    world.with(peer, |peer, now| peer.expire(id, now + Duration::from_millis(after)));
}

#[test]
fn a_message_that_is_held_for_the_first_neighbor_does_not_go_once_it_is_withdrawn() {
    let mut world = World::new();
    let alone = world.join(config());
    let [_, second, _] = ["first", "second", "third"].map(|text| world.send(alone, None, text));
    let bytes = world.peers[alone].parts.messaging.sizes().2;
    aborted(&mut world, alone, second);
    assert_eq!(world.deliveries(alone), [(second, Err(DeliveryFailure::Aborted))]);
    assert!(world.peers[alone].parts.messaging.sizes().2[1] < bytes[1], "it takes no room any more");
    let other = world.join(config());
    world.run(Duration::from_secs(5));
    assert_eq!(world.texts(other), ["first", "third"]);
    aborted(&mut world, alone, second);
    assert_eq!(world.deliveries(alone).len(), 3, "each ends once");
}

#[test]
fn a_message_that_is_held_too_long_for_the_page_does_not_go() {
    let mut world = World::new();
    let alone = world.join(config());
    let [late, soon] = ["late", "soon"].map(|text| world.send(alone, None, text));
    expires(&mut world, alone, late, 60_000);
    expires(&mut world, alone, soon, 1_000);
    world.run(Duration::from_millis(999));
    assert_eq!(world.deliveries(alone), []);
    world.run(Duration::from_millis(1));
    assert_eq!(world.deliveries(alone), [(soon, Err(DeliveryFailure::Timeout))]);
    let other = world.join(config());
    world.run(Duration::from_secs(60));
    assert_eq!(world.texts(other), ["late"]);
    let (_, how) = world.deliveries(alone)[1];
    assert!(how.is_ok() && world.deliveries(alone).len() == 2, "what arrived in time is not late afterwards");
}

#[test]
fn a_direct_message_to_nobody_is_given_up_when_the_page_says_so() {
    for withdrawn in [true, false] {
        let mut world = World::of(3, 6);
        world.kill(2);
        let id = world.send(0, Some(2), "anybody?");
        world.run(Duration::from_millis(100));
        let why = if withdrawn {
            aborted(&mut world, 0, id);
            DeliveryFailure::Aborted
        } else {
            expires(&mut world, 0, id, 500);
            world.run(Duration::from_millis(500));
            DeliveryFailure::Timeout
        };
        assert_eq!(world.deliveries(0), [(id, Err(why))]);
        world.run(Duration::from_secs(60));
        assert_eq!(world.deliveries(0).len(), 1, "nothing of it goes on");
    }
}

#[test]
fn one_of_two_that_wait_for_a_key_is_withdrawn_and_the_other_arrives() {
    let mut world = World::of(9, 2);
    let known = |to: &usize| world.peers[0].commons.keys.get(&world.address(*to)).is_some();
    let to = (1..9).find(|to| !known(to)).expect("a ring of nine");
    let [first, second] = ["first", "second"].map(|text| world.send(0, Some(to), text));
    aborted(&mut world, 0, first);
    world.run(Duration::from_secs(5));
    assert_eq!(world.texts(to), ["second"]);
    let ends: Vec<_> = world.deliveries(0).iter().map(|(id, how)| (*id, how.is_ok())).collect();
    assert_eq!(ends, [(first, false), (second, true)]);
    let [held, held_bytes, awaiting] = world.peers[0].parts.messaging.sizes().2;
    assert_eq!([held, held_bytes, awaiting], [0; 3]);
}
