//! Large messages are sealed and opened a piece at a time.

use super::audit::{data, dropped, signed_at};
use super::*;
use crate::proto::identity::Pairs;
use crate::proto::links::link::wire::{Frame, MAX_FRAME, encode, frame, part};
use crate::proto::messaging::boxes::PIECE;
use crate::proto::messaging::message::{BLINDING, Kind, Message, Payload};

const LARGE: usize = 2_000_000;
const PIECES: usize = LARGE.div_ceil(PIECE);
/// From one piece to the next.
const MOMENT: Duration = Duration::from_micros(1);

impl World {
    fn send_bytes(&mut self, from: usize, to: usize, size: usize) -> MessageId {
        let to = self.address(to);
        self.with(from, |peer, now| peer.send(Some(to), Bytes(vec![7; size]), now)).expect("it may be sent")
    }

    /// A message of a stranger to the second peer.
    fn sealed(&self, n: u8, size: usize) -> Message {
        let (maker, key) = (Identity::from_secret([99; 32]), self.peers[1].commons.me.identity.public_key());
        let (nonce, blinding, payload) = ([n; 16], [n; BLINDING], Payload::from(vec![n; size]));
        let to = Some(key.address());
        let draft =
            Draft { claimed: None, to, to_claimed: false, kind: Kind::Page, nonce, blinding, payload };
        let (pairs, random) = (&mut Pairs::default(), &mut Random::new([n; 32]));
        let sealed = draft.named(&maker).seal(&key, pairs, &maker, random, self.now).expect("a key");
        sealed.sign(&maker, &SwarmTag::of_topic("t")).into_inner()
    }

    /// Brings it there from the first one, in frames of one moment.
    fn bring(&mut self, message: &Message) {
        let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
        let path = vec![message.maker, self.address(0)];
        let packet = encode(&Packet::Direct(direct::Packet::Message { header, payload, path, attempt: 0 }));
        let conn = self.peers[1].parts.links.conn_of(&self.address(0)).expect("they are linked");
        let parts = packet.chunks(part(MAX_FRAME));
        let last = parts.len() - 1;
        for (at, bytes) in parts.enumerate() {
            let bytes = Bytes(frame(&Frame::Part { stream: 7, last: at == last, bytes }));
            self.with(1, |peer, now| peer.handle(Input::ConnFrame(conn, bytes), now));
        }
    }

    fn toil(&self, index: usize) -> [usize; 2] {
        self.peers[index].parts.messaging.toil_sizes()
    }
}

#[test]
fn a_large_message_is_sealed_a_piece_at_a_time() {
    let mut world = World::of(2, 2);
    world.send_bytes(0, 1, LARGE);
    let out = world.peers[0].stats().bytes_out;
    // The first was sealed at once.
    for piece in 2..PIECES {
        world.run(MOMENT);
        assert_eq!((world.toil(0), world.peers[0].stats().bytes_out), ([1, 0], out), "piece {piece}");
    }
    world.run(Duration::from_secs(1));
    let sizes: Vec<_> = world.received(1).iter().map(|received| received.payload.0.len()).collect();
    assert_eq!((sizes, world.toil(0), world.toil(1)), (vec![LARGE], [0, 0], [0, 0]));
}

#[test]
fn a_large_message_is_opened_a_piece_at_a_time_and_others_do_not_wait_for_it() {
    let mut world = World::of(2, 2);
    let large = world.sealed(1, LARGE);
    world.bring(&large);
    for piece in 2..PIECES {
        assert!(world.received(1).is_empty(), "piece {piece}");
        world.run(MOMENT);
    }
    let small = signed_at(&Identity::from_secret([9; 32]), None, 1, None, b"small", world.now);
    world.inject(0, 1, &data(&small));
    let ids = |world: &World| world.received(1).iter().map(|received| received.id).collect::<Vec<_>>();
    assert_eq!(ids(&world), [small.id]);
    world.run(MOMENT * 2);
    assert_eq!((ids(&world), world.toil(1)), (vec![small.id, large.id], [0, 0]));
}

#[test]
fn a_copy_that_comes_while_a_message_is_opened_is_nothing() {
    let mut world = World::of(2, 2);
    let message = world.sealed(1, LARGE);
    for _ in 0..3 {
        world.bring(&message);
        assert!(world.toil(1)[1] > LARGE && world.toil(1)[1] < 2 * LARGE);
    }
    world.run(Duration::from_secs(1));
    assert_eq!(world.received(1).len(), 1);
    assert_eq!(dropped(&world, 1, "replay"), 0, "it was opened once");
}

#[test]
fn what_is_taken_back_while_it_is_sealed_never_goes() {
    let mut world = World::of(2, 2);
    let id = world.send_bytes(0, 1, LARGE);
    let out = world.peers[0].stats().bytes_out;
    world.run(MOMENT);
    world.with(0, |peer, now| peer.withdraw(id, now));
    assert_eq!(world.toil(0), [0, 0]);
    world.run(Duration::from_millis(100));
    assert_eq!(world.peers[0].stats().bytes_out, out);
    assert!(matches!(world.deliveries(0)[..], [(of, Err(DeliveryFailure::Aborted))] if of == id));
}

#[test]
fn who_is_brought_more_than_it_can_open_holds_no_more_than_so_much_and_loses_nothing() {
    const COUNT: u8 = 6;
    let mut world = World::of(2, 2);
    for n in 1..=COUNT {
        let message = world.sealed(n, 15 << 20);
        world.bring(&message);
        world.run(MOMENT);
        assert!(world.toil(1)[1] <= 64 << 20, "{:?}", world.toil(1));
    }
    assert!(world.received(1).len() < COUNT.into(), "some are opened still");
    world.run(Duration::from_secs(1));
    assert_eq!(world.received(1).len(), usize::from(COUNT));
}
