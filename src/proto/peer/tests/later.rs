//! Peers of a later version in one swarm with those of today: see docs/wire.md.

use super::world::{World, config};
use super::*;
use crate::proto::links::admission::Abilities;
use crate::proto::links::link::wire::{Frame, Read, decode, encode, frame};

/// A peer that can do more, and says so.
fn join_later(world: &mut World) -> usize {
    let peer = world.join(config());
    world.peers[peer].commons.me.abilities =
        Abilities { clock: 0, capabilities: 1 << 31 | 4, more: b"a field of later".to_vec() };
    peer
}

/// What a peer of a later version makes of a packet: it has more fields.
fn extended(packet: &Packet) -> Vec<u8> {
    [&encode(packet)[..], b"more"].concat()
}

/// ... and packets that nobody knows here: of a kind of their own, and within each kind that has some.
const UNKNOWN: [&[u8]; 5] = [&[99, 1, 2, 3], &[5, 9, 1], &[6, 9, 1], &[7, 9, 1], &[8, 9, 1]];

#[test]
fn a_later_version_and_todays_share_a_swarm() {
    let mut world = World::new();
    let (today, later) =
        ([world.join(config()), world.join(config())], [(); 2].map(|()| join_later(&mut world)));
    world.run(Duration::from_secs(20));
    let everybody = [today, later].concat();
    let linked = |world: &World| everybody.iter().all(|&peer| world.peers[peer].link_count() == 3);
    assert!(linked(&world), "admission proves what the others cannot read");
    for (from, others) in [(later[0], today), (later[1], today)] {
        for to in others {
            let conn = world.peers[to].parts.links.conn_of(&world.address(from)).expect("they are linked");
            let shared = world.peers[to].parts.links.conns().get(&conn).and_then(|conn| conn.capabilities());
            assert_eq!(shared, Some(0), "what only one of them can do is not done");
            let ping = extended(&Packet::Ping(7));
            for bytes in UNKNOWN.into_iter().chain([&ping[..]]) {
                let frame = Bytes(frame(&Frame::Whole(bytes)));
                world.with(to, |peer, now| peer.handle(Input::ConnFrame(conn, frame), now));
            }
            let ignored = world.peers[to].stats().dropped.get(&"of a later version").copied();
            assert!(ignored >= Some(6), "they are counted: {ignored:?}");
        }
    }
    let message = world.send(later[0], None, "to all");
    world.send(later[1], Some(today[0]), "to one");
    world.run(Duration::from_secs(2));
    assert_eq!(world.texts(today[1]), ["to all"]);
    let texts = world.texts(today[0]);
    assert!(texts.contains(&"to all".into()) && texts.contains(&"to one".into()), "{texts:?}");
    assert!(world.deliveries(later[0]).iter().any(|(id, how)| *id == message && how.is_ok()));
    assert!(linked(&world), "and nobody left");
}

#[test]
fn a_signal_of_a_later_version_passes_through_todays_peers() {
    let mut world = World::of(5, 2);
    let origin = (1..5).find(|&other| !world.linked(0, other)).expect("the ring has five");
    let signal = Signal::Later(vec![42, 1, 2, 3]);
    let reply = Reply {
        id: RequestId([7; 8]),
        to: world.address(origin),
        path: Vec::new(),
        hops_left: signalling::MAX_REROUTES,
        signal,
    };
    let packet = Packet::Signalling(signalling::Packet::Reply(reply.clone()));
    assert_eq!(decode(&encode(&packet)), Ok(Read::Packet { packet, more: false }));
    world.with(0, |peer, now| peer.reroute(reply, now));
    world.run(Duration::from_secs(1));
    let dropped = |peer: usize| world.peers[peer].stats().dropped.get(&"of a later version").copied();
    assert_eq!(dropped(origin), Some(1), "it arrived");
    assert!(
        (0..5).filter(|&peer| peer != origin).all(|peer| dropped(peer).is_none()),
        "and passed the others"
    );
}
