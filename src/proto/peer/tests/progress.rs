//! How far large messages have come, and those that are taken back on their way.

use super::*;
use crate::proto::messaging::broadcast;
use crate::proto::messaging::message::{Kind, Message, Payload};

const LARGE: usize = 2_000_000;

/// How far, of how many bytes.
type Step = (Option<usize>, usize);

impl World {
    /// Grown together, on links that take a quarter of a megabyte in a tenth of a second.
    fn slow(count: usize, max_peers: usize) -> Self {
        let mut world = Self::of(count, max_peers);
        world.swallowing = Duration::from_millis(100);
        world
    }

    fn send_large(&mut self, from: usize, to: Option<usize>) -> MessageId {
        let to = to.map(|to| self.address(to));
        self.with(from, |peer, now| peer.send(to, Bytes(vec![7; LARGE]), now)).expect("it may be sent")
    }

    /// What a peer was told of a message.
    fn steps(&self, index: usize, of: MessageId) -> Vec<Step> {
        let steps = self.events[index].iter().filter_map(|(_, event)| match event {
            Event::Progress { id, bytes, size, .. } if *id == of => Some((*bytes, *size)),
            _ => None,
        });
        steps.collect()
    }

    /// Bytes that any link of a peer holds of what comes in, and of what waits to go out.
    fn held(&self, index: usize) -> (usize, usize) {
        let sizes = self.peers[index].parts.links.conns().values().map(|conn| conn.link.sizes());
        sizes.fold((0, 0), |(held, queued), [_, bytes, waits]| (held + bytes, queued + waits))
    }
}

fn assert_whole(steps: &[Step], about: &str) {
    assert!(steps.len() >= 4, "{about}: {steps:?}");
    assert!(steps.is_sorted_by(|a, b| a.0 < b.0), "{about}: {steps:?}");
    let size = steps[0].1;
    assert!(size >= LARGE && steps.iter().all(|step| step.1 == size), "{about}: {steps:?}");
    assert_eq!(steps.last().and_then(|step| step.0), Some(size), "{about}");
}

#[test]
fn both_ends_are_told_how_far_a_large_message_has_come() {
    let mut world = World::slow(4, 2);
    let to_all = world.send_large(0, None);
    world.run(Duration::from_secs(10));
    for peer in 0..4 {
        assert_whole(&world.steps(peer, to_all), &format!("peer {peer}"));
    }
    let far = (1..4).find(|&peer| !world.linked(0, peer)).expect("it is a ring");
    let to_one = world.send_large(0, Some(far));
    world.run(Duration::from_secs(10));
    for peer in 1..4 {
        match peer == far {
            true => assert_whole(&world.steps(peer, to_one), "the recipient"),
            false => assert!(world.steps(peer, to_one).is_empty(), "peer {peer} passes it on, or not"),
        }
    }
    assert_whole(&world.steps(0, to_one), "the sender");
    let told = |event: &Event| match event {
        Event::Progress { id, from, to, .. } if *id == to_one => Some((*from, *to)),
        _ => None,
    };
    let ends = Some((world.address(0), Some(world.address(far))));
    for peer in [0, far] {
        assert_eq!(world.events[peer].iter().find_map(|(_, event)| told(event)), ends);
    }
}

#[test]
fn of_small_messages_nothing_is_told() {
    let mut world = World::slow(3, 2);
    for to in [None, Some(1)] {
        let to = to.map(|to| world.address(to));
        world.with(0, |peer, now| peer.send(to, Bytes(vec![7; 10_000]), now)).expect("it may be sent");
    }
    world.run(Duration::from_secs(5));
    let told =
        |index: usize| world.events[index].iter().any(|(_, event)| matches!(event, Event::Progress { .. }));
    assert!(world.texts(1).len() == 2 && !(0..3).any(told));
}

#[test]
fn a_large_message_that_is_taken_back_goes_no_further_and_nobody_waits_for_the_rest() {
    for direct in [false, true] {
        let mut world = World::slow(4, 2);
        let far = (1..4).find(|&peer| !world.linked(0, peer)).expect("it is a ring");
        let id = world.send_large(0, direct.then_some(far));
        world.run(Duration::from_millis(300));
        let begun = (1..4).filter(|&peer| !world.steps(peer, id).is_empty()).count();
        assert!(direct || begun > 0, "it is on its way");
        world.with(0, |peer, now| peer.withdraw(id, now));
        world.run(Duration::from_secs(10));
        for peer in 1..4 {
            assert!(world.received(peer).iter().all(|received| received.id != id), "{peer}");
            let steps = world.steps(peer, id);
            assert!(
                steps.is_empty() || steps.last().is_some_and(|step| step.0.is_none()),
                "{peer}: {steps:?}"
            );
        }
        for peer in 0..4 {
            assert_eq!(world.held(peer), (0, 0), "{peer}");
            let come = world.peers[peer].stats().bytes_in;
            assert!(come < LARGE as u64 * 3 / 4, "{peer}, direct: {direct}: {come} bytes");
        }
        assert!(matches!(world.deliveries(0)[..], [(of, Err(DeliveryFailure::Aborted))] if of == id));
        // And the links are as good as before.
        let next = world.send_large(0, direct.then_some(far));
        world.run(Duration::from_secs(10));
        assert_eq!(world.received(far).last().map(|received| received.id), Some(next));
        assert_whole(&world.steps(far, next), "the next one");
    }
}

#[test]
fn what_a_relay_has_whole_of_a_message_that_is_taken_back_it_passes_on_no_more() {
    let mut world = World::slow(4, 2);
    let far = (1..4).find(|&peer| !world.linked(0, peer)).expect("it is a ring");
    let id = world.send_large(0, Some(far));
    // The one on the way has all of it by then, and has just begun.
    while world.received(far).is_empty() && world.steps(far, id).is_empty() {
        world.run(Duration::from_millis(10));
    }
    assert!(world.received(far).is_empty());
    world.with(0, |peer, now| peer.withdraw(id, now));
    world.run(Duration::from_secs(10));
    let come = world.peers[far].stats().bytes_in;
    assert!(world.received(far).is_empty() && come < LARGE as u64 * 3 / 4, "{come} bytes");
    assert_eq!(world.steps(far, id).last().map(|step| step.0), Some(None));
}

#[test]
fn what_still_comes_of_a_message_after_it_was_taken_back_is_nothing() {
    let mut world = World::slow(3, 3);
    // The word that it is taken back comes sooner over the third peer than what is on its way on the link.
    world.far.insert((0, 1), Duration::from_millis(500));
    let id = world.send_large(0, Some(1));
    while world.steps(1, id).is_empty() {
        world.run(Duration::from_millis(10));
    }
    world.with(0, |peer, now| peer.withdraw(id, now));
    world.run(Duration::from_secs(60));
    let steps = world.steps(1, id);
    assert_eq!(steps.iter().filter(|step| step.0.is_none()).count(), 1, "{steps:?}");
    assert_eq!(steps.last().map(|step| step.0), Some(None), "{steps:?}");
    assert!(world.received(1).is_empty() && world.held(1) == (0, 0));
}

#[test]
fn a_message_of_which_nothing_more_comes_is_told_to_come_no_more() {
    let mut world = World::slow(2, 3);
    let id = world.send_large(0, Some(1));
    while world.steps(1, id).is_empty() {
        world.run(Duration::from_millis(10));
    }
    world.kill(0);
    world.run(Duration::from_secs(60));
    let steps = world.steps(1, id);
    assert!(steps.len() > 1 && steps.last().is_some_and(|step| step.0.is_none()), "{steps:?}");
    assert_eq!(steps.iter().filter(|step| step.0.is_none()).count(), 1, "{steps:?}");
}

#[test]
fn nobody_takes_back_what_another_said() {
    let mut world = World::slow(4, 2);
    let id = world.send_large(0, None);
    let thief = hostile::stranger(1);
    let draft = Draft {
        claimed: None,
        to: None,
        to_claimed: false,
        kind: Kind::Withdrawal,
        nonce: [1; 16],
        blinding: [0; 32],
        payload: Payload::from(id.0.as_slice()),
    };
    let tag = world.peers[0].commons.me.secret.tag();
    let Message { header, payload, .. } = draft.sign(&thief, &tag, world.now).into_inner();
    let word = Packet::Broadcast(broadcast::Packet::Data { hops: 1, header: Box::new(header), payload });
    world.run(Duration::from_millis(400));
    let neighbor = (1..4).find(|&peer| world.linked(0, peer)).expect("a neighbor");
    world.inject(0, neighbor, &word);
    world.run(Duration::from_secs(10));
    for peer in 1..4 {
        assert_whole(&world.steps(peer, id), &format!("peer {peer}"));
    }
}
