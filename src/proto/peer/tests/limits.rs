//! A peer and those who ask too much of it.

use super::world::{START, World, config, sdp};
use super::*;
use crate::proto::io::Bytes;
use crate::proto::links::link::wire::{Frame, encode, frame};
use crate::proto::messaging::broadcast;
use crate::proto::messaging::direct;
use crate::proto::messaging::message::{Kind, Message, Payload};
use crate::proto::sdp::Description;
use crate::proto::secret::SwarmTag;

/// A message that somebody made who is not here.
fn made_by(identity: &Identity, n: u32, to: Option<Address>, now: Instant) -> Message {
    let mut nonce = [0; 16];
    nonce[..4].copy_from_slice(&n.to_be_bytes());
    let draft = Draft {
        to_claimed: false,
        blinding: [0; 32],
        claimed: None,
        to,
        kind: Kind::Page,
        nonce,
        payload: Payload::from(Vec::from("text")),
    };
    draft.sign(identity, &SwarmTag::of_topic("t"), now).into_inner()
}

fn data(message: &Message) -> Packet {
    let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
    Packet::Broadcast(broadcast::Packet::Data { hops: 1, header, payload })
}

fn dropped(world: &World, peer: usize, cause: &str) -> u64 {
    world.peers[peer].stats().dropped.get(&cause).copied().unwrap_or_default()
}

fn warnings(world: &World, peer: usize) -> Vec<Warning> {
    let warning =
        |(_, event): &(_, Event)| if let Event::Warning(it) = event { Some(it.clone()) } else { None };
    world.events[peer].iter().filter_map(warning).collect()
}

#[test]
fn whoever_passes_forgeries_on_is_warned_of_and_then_banned() {
    let mut world = World::of(3, 6);
    let (somebody, thief) = (Identity::from_secret([50; 32]), world.address(0));
    for n in 0..3 {
        assert!(world.linked(1, 0), "{n} forgeries are not enough");
        let mut message = made_by(&somebody, n, None, world.now);
        message.header = message.header.altered(|h| h.sent_at += 1);
        world.inject(0, 1, &data(&message));
    }
    assert!(!world.linked(1, 0));
    assert_eq!((dropped(&world, 1, "forged"), dropped(&world, 1, "neighbor banned")), (3, 1));
    let warnings = warnings(&world, 1);
    assert_eq!(
        warnings.iter().map(|it| it.code).collect::<Vec<_>>(),
        ["ERR_NEIGHBOR", "ERR_NEIGHBOR", "ERR_NEIGHBOR_BANNED"]
    );
    for (warning, n) in warnings.iter().zip(0..) {
        let mut message = made_by(&somebody, n, None, START);
        message.header = message.header.altered(|h| h.sent_at += 1);
        for part in [thief, somebody.address()] {
            assert!(warning.text.contains(&part.to_string()), "{}", warning.text);
        }
        assert!(warning.text.contains(&message.header.id().to_string()), "{}", warning.text);
    }
    world.run(Duration::from_secs(120));
    assert!(!world.linked(1, 0), "and it stays banned");
    assert!(world.linked(2, 0) && world.linked(1, 2), "the others go on");
    world.run(Duration::from_secs(600));
    assert!(world.linked(1, 0), "for a while");
}

#[test]
fn what_honest_peers_may_disagree_about_costs_nobody_its_link() {
    let mut world = World::of(2, 6);
    let somebody = Identity::from_secret([50; 32]);
    world.run(Duration::from_secs(700));
    for n in 0..100 {
        for time in [START, world.now + Duration::from_secs(700)] {
            world.inject(0, 1, &data(&made_by(&somebody, n, None, time)));
        }
    }
    assert!(world.linked(1, 0));
    assert_eq!((warnings(&world, 1).len(), dropped(&world, 1, "clock")), (0, 200));
}

#[test]
fn a_path_that_cannot_be_true_is_refused() {
    let mut world = World::of(3, 6);
    let [me, them, third] = [1, 0, 2].map(|peer| world.address(peer));
    let somebody = Identity::from_secret([50; 32]);
    let message = made_by(&somebody, 1, Some(me), world.now);
    let say = |world: &mut World, path: Vec<Address>| {
        let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
        let packet = direct::Packet::Message { header, payload, path, attempt: 1 };
        world.inject(0, 1, &Packet::Direct(packet));
    };
    let from = somebody.address();
    for path in [
        vec![],
        vec![them],
        vec![from],
        vec![from, third],
        [vec![from], vec![third; 511], vec![them]].concat(),
    ] {
        say(&mut world, path);
    }
    assert_eq!(dropped(&world, 1, "path"), 5);
    // A path that can be true leads on; this box is none.
    say(&mut world, vec![from, third, them]);
    assert_eq!((dropped(&world, 1, "path"), dropped(&world, 1, "sealed box")), (5, 1));
    // So does one that goes round a ring of peers with two links each.
    say(&mut world, [vec![from], vec![third; 100], vec![them]].concat());
    assert_eq!((dropped(&world, 1, "path"), dropped(&world, 1, "sealed box")), (5, 2));
}

#[test]
fn a_flood_ends_with_its_link_and_a_burst_does_not() {
    let mut world = World::of(3, 6);
    let somebody = Identity::from_secret([50; 32]);
    let message = made_by(&somebody, 1, None, world.now);
    for _ in 0..10_000 {
        world.inject(0, 1, &data(&message));
    }
    assert!(world.linked(1, 0), "copies cost little");
    let mut sent = 10_000;
    while world.linked(1, 0) {
        world.inject(0, 1, &Packet::Pong(7));
        sent += 1;
        assert!(sent < 50_000);
    }
    assert_eq!(dropped(&world, 1, "neighbor banned"), 1);
    assert!(sent > 40_000, "{sent}");
}

#[test]
fn a_key_that_says_too_much_is_not_heard_and_not_passed_on() {
    let mut world = World::of(3, 6);
    let (loud, quiet) = (Identity::from_secret([50; 32]), Identity::from_secret([51; 32]));
    let mut said = 0;
    while dropped(&world, 1, "maker above its rate") == 0 {
        said += 1;
        world.inject(0, 1, &data(&made_by(&loud, said, None, world.now)));
    }
    assert_eq!(said, 4000, "each costs one and a little more");
    world.inject(0, 1, &data(&made_by(&quiet, 1, None, world.now)));
    assert_eq!(world.texts(1).len(), 4000, "another key is heard");
    assert_eq!(warnings(&world, 1).len(), 0, "the neighbor only passed on what it might");
}

#[test]
fn a_page_that_sends_too_fast_is_slowed_down_and_loses_nothing() {
    let mut world = World::of(3, 6);
    // All that is said at once goes along with few proofs: 3,500 messages, and 5,500 more each second.
    let texts: Vec<_> = (0..24_000).map(|n| format!("{n}")).collect();
    world.send_all(0, None, &texts);
    world.run(Duration::from_millis(1500));
    let early = world.texts(1).len();
    assert!((11_000..13_000).contains(&early), "{early}");
    world.run(Duration::from_secs(4));
    for peer in [1, 2] {
        assert_eq!(world.texts(peer), texts);
        assert_eq!(dropped(&world, peer, "maker above its rate"), 0);
        assert_eq!(dropped(&world, peer, "neighbor above its rate"), 0);
    }
    assert_eq!(world.deliveries(0).len(), 24_000);
}

#[test]
fn an_old_message_is_refused_however_many_came_since() {
    let mut world = World::of(2, 6);
    let somebody = Identity::from_secret([50; 32]);
    let first = made_by(&somebody, 0, None, world.now);
    world.inject(0, 1, &data(&first));
    for n in 1..=34_000 {
        if n % 10 == 0 {
            world.run(Duration::from_millis(10));
        }
        world.inject(0, 1, &data(&made_by(&somebody, n, None, world.now)));
    }
    assert_eq!(world.texts(1).len(), 34_001);
    world.inject(0, 1, &data(&first));
    assert_eq!((world.texts(1).len(), dropped(&world, 1, "replay")), (34_001, 1));
}

#[test]
fn a_neighbor_that_does_not_read_fills_no_memory() {
    let mut world = World::of(2, 6);
    let them = world.address(0);
    let peer = &mut world.peers[1];
    // Nothing says that the channel is writable again, as when the other side reads nothing.
    let big = Payload::from(vec![0; 1 << 20]);
    for n in 0..100 {
        let mut message = made_by(&Identity::from_secret([50; 32]), n, None, world.now);
        message.payload = big.clone();
        peer.send_packet(&them, &data(&message), None);
    }
    let queued = peer.stats().bytes_out;
    assert!((32 << 20..35 << 20).contains(&queued), "{queued}");
    assert!(dropped(&world, 1, "neighbor too slow") > 60);
}

#[test]
fn whoever_only_claims_an_address_keeps_nobody_from_it() {
    let victim = Address([0x44; 20]);
    let mut world = World::new();
    let a = world.join(config());
    world.run(Duration::from_secs(1));
    // A stranger answers an offer in the victim's name, and says nonsense as soon as the channel opens.
    let id = *world.peers[a].parts.links.conns().keys().next().expect("offers are kept ready");
    let answer = Description::parse(&sdp((9, ConnId(9)), "active")).expect("we wrote it");
    world.with(a, |peer, now| assert!(peer.is_answered(id, victim, answer, now)));
    world.with(a, |peer, now| peer.handle(Input::ConnOpened(id), now));
    let nonsense = Bytes(frame(&Frame::Whole(&encode(&Packet::Ping(1)))));
    world.with(a, |peer, now| peer.handle(Input::ConnFrame(id, nonsense), now));
    assert_eq!(dropped(&world, a, "packet before admission"), 1);
    let cool = world.peers[a].parts.topology.sizes()[0];
    assert_eq!(cool, 0, "the victim is not to suffer for it");
}
