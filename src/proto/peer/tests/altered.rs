//! No bit of what is signed can be altered, and what is written is what is read.

use std::cell::RefCell;
use std::rc::Rc;

use super::hostile::absurdities;
use super::world::World;
use super::*;
use crate::proto::links::link::wire::{Read, decode, encode};
use crate::proto::messaging::direct;

/// The first packet from one peer to the other that is wanted, and does not arrive.
fn caught(world: &mut World, wanted: fn(&Packet) -> bool) -> Rc<RefCell<Option<Packet>>> {
    let caught = Rc::<RefCell<Option<Packet>>>::default();
    let copy = caught.clone();
    world.tap(move |_, _, packet| {
        if wanted(&packet) {
            copy.borrow_mut().get_or_insert(packet);
            return Vec::new();
        }
        vec![packet]
    });
    caught
}

/// Every packet that one flipped bit makes of this one, if it can still be read.
fn altered(packet: &Packet) -> impl Iterator<Item = (usize, Packet)> {
    let bytes = encode(packet);
    (0..bytes.len() * 8).filter_map(move |bit| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        Some((bit, known(decode(&bytes).ok()?)?))
    })
}

#[test]
fn no_bit_of_a_direct_message_can_be_altered_but_its_way() {
    let mut world = World::of(2, 6);
    let caught =
        caught(&mut world, |packet| matches!(packet, Packet::Direct(direct::Packet::Message { .. })));
    world.send(0, Some(1), "hello");
    world.run(Duration::from_millis(50));
    let packet = caught.take().expect("they are linked");
    let same = |other: &Packet| match (&packet, other) {
        (
            Packet::Direct(direct::Packet::Message { header, payload, .. }),
            Packet::Direct(direct::Packet::Message { header: h, payload: p, .. }),
        ) => (header, payload) == (h, p),
        _ => false,
    };
    let mut tried = 0;
    for (bit, other) in
        altered(&packet).filter(|(_, other)| !same(other) && !matches!(other, Packet::Close(_)))
    {
        world.inject(0, 1, &other);
        assert_eq!(world.received(1), [], "bit {bit}");
        // Or a third forgery would end the link.
        world.peers[1].commons.limits = Limits::new(world.now);
        tried += 1;
    }
    assert!(tried > 1500, "{tried}");
    world.inject(0, 1, &packet);
    assert_eq!(world.texts(1), ["hello"]);
}

#[test]
fn no_bit_of_an_acknowledgement_can_be_altered_but_its_way() {
    let mut world = World::of(2, 6);
    let wanted = |packet: &Packet| matches!(packet, Packet::Direct(direct::Packet::Acknowledgement(_)));
    let caught = caught(&mut world, wanted);
    world.send(0, Some(1), "hello");
    world.run(Duration::from_millis(100));
    let packet = caught.take().expect("it was acknowledged");
    let Packet::Direct(direct::Packet::Acknowledgement(word)) = &packet else { panic!("that was wanted") };
    let same = |other: &Packet| match other {
        Packet::Direct(direct::Packet::Acknowledgement(other)) => {
            let mut other = other.clone();
            (other.path, other.hops_left) = (word.path.clone(), word.hops_left);
            *word == other
        }
        _ => false,
    };
    for (bit, other) in
        altered(&packet).filter(|(_, other)| !same(other) && !matches!(other, Packet::Close(_)))
    {
        world.inject(1, 0, &other);
        assert_eq!(world.deliveries(0), [], "bit {bit}");
        world.peers[0].commons.limits = Limits::new(world.now);
    }
    world.inject(1, 0, &packet);
    assert_eq!(world.deliveries(0).len(), 1);
}

#[test]
fn what_is_written_is_what_is_read() {
    let world = World::of(3, 6);
    for packet in absurdities(&world) {
        assert_eq!(decode(&encode(&packet)), Ok(Read::Packet { packet, more: false }));
    }
}

fn known(read: Read) -> Option<Packet> {
    if let Read::Packet { packet, .. } = read { Some(packet) } else { None }
}
