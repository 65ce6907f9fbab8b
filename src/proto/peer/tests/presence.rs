//! Who says what of itself, as everybody else knows it.

use std::collections::BTreeMap;

use super::*;
use crate::proto::Random;
use crate::proto::messaging::message::{Kind, Message, Payload};
use crate::proto::presence::{MAX_STATE, Packet as Word};
use crate::proto::report::Estimate;

/// A death is noticed, told and believed within this time.
const MISSED: Duration = Duration::from_secs(15);

impl World {
    fn present(&mut self, index: usize, state: &str) {
        let state = Bytes(state.into());
        assert!(self.with(index, |peer, now| peer.set_presence(state, now)));
    }

    /// Whom a peer knows to be present, by index, and what they say.
    fn knows(&self, index: usize) -> BTreeMap<usize, String> {
        let name = |address| (0..self.peers.len()).find(|&peer| self.address(peer) == address);
        let known = self.peers[index].presences();
        known
            .map(|(address, verified, state)| {
                assert!(verified);
                let state = String::from_utf8(state.to_vec()).expect("texts were said");
                (name(address).expect("it is one of us"), state)
            })
            .collect()
    }

    /// What a peer was told, in order: of whom, and what it says.
    fn told(&self, index: usize, of: usize) -> Vec<Option<String>> {
        let states = self.events[index].iter().filter_map(|(_, event)| match event {
            Event::Presence { address, state, .. } if *address == self.address(of) => Some(state),
            _ => None,
        });
        let text = |state: Bytes| String::from_utf8(state.0).expect("texts were said");
        states.map(|state| state.clone().map(text)).collect()
    }
}

fn told(states: &[&str]) -> Vec<Option<String>> {
    states.iter().map(|state| Some(String::from(*state)).filter(|state| !state.is_empty())).collect()
}

fn known(all: &[(usize, &str)]) -> BTreeMap<usize, String> {
    all.iter().map(|&(index, state)| (index, state.into())).collect()
}

/// Counts how often a peer says its record to neighbors, from now on.
fn words_of(world: &mut World, of: usize) -> Rc<Cell<usize>> {
    let count = Rc::new(Cell::new(0));
    let (counted, maker) = (count.clone(), world.address(of));
    world.tap(move |from, _, packet| {
        if let Packet::Broadcast(broadcast::Packet::Data { header, .. }) = &packet
            && header.kind == Kind::Presence
            && header.maker() == maker
            && from == of
        {
            counted.set(counted.get() + 1);
        }
        vec![packet]
    });
    count
}

/// What somebody says of itself, signed.
fn record(identity: &Identity, state: &[u8], world: &World) -> Message {
    signed(identity, Kind::Presence, state, world)
}

fn signed(identity: &Identity, kind: Kind, payload: &[u8], world: &World) -> Message {
    let mut random = Random::new(identity.address().0[..16].repeat(2).try_into().expect("32 bytes"));
    let draft = Draft {
        claimed: None,
        to: None,
        to_claimed: false,
        kind,
        nonce: random.bytes(),
        blinding: random.bytes(),
        payload: Payload::from(payload),
    };
    let tag = world.peers[0].commons.me.secret.tag();
    draft.sign(identity, &tag, world.now).into_inner()
}

fn records(all: impl IntoIterator<Item = Message>) -> Packet {
    let apart = all.into_iter().map(|message| (message.header, message.payload));
    Packet::Presence(Word::Records(apart.collect()))
}

fn data(message: Message) -> Packet {
    let Message { header, payload, .. } = message;
    Packet::Broadcast(broadcast::Packet::Data { hops: 1, header: Box::new(header), payload })
}

#[test]
fn everybody_knows_what_each_says_of_itself_and_the_last_word_counts() {
    let mut world = World::of(8, 3);
    world.present(0, "Ada");
    world.present(3, "Bob");
    world.run(Duration::from_secs(1));
    world.present(0, "Ada, typing");
    world.present(0, "Ada, away");
    world.run(Duration::from_secs(1));
    for peer in [1, 2, 4, 5, 6, 7] {
        assert_eq!(world.knows(peer), known(&[(0, "Ada, away"), (3, "Bob")]));
        assert_eq!(world.told(peer, 0), told(&["Ada", "Ada, away"]), "what was said at once is one word");
    }
    assert_eq!(world.knows(0), known(&[(3, "Bob")]), "and this peer is not among the others");
    world.present(3, "");
    world.run(Duration::from_secs(1));
    assert_eq!((world.knows(5), world.told(5, 3)), (known(&[(0, "Ada, away")]), told(&["Bob", ""])));
}

#[test]
fn a_state_has_its_length() {
    let mut world = World::of(2, 3);
    let set = |world: &mut World, length| {
        world.with(0, |peer, now| peer.set_presence(Bytes(vec![b'x'; length]), now))
    };
    assert!(!set(&mut world, MAX_STATE + 1) && set(&mut world, MAX_STATE));
    world.run(Duration::from_secs(1));
    assert_eq!(world.knows(1), known(&[(0, "x".repeat(MAX_STATE).as_str())]));
}

#[test]
fn a_newcomer_is_told_by_a_neighbor_who_is_here_and_tells_who_it_is() {
    let mut world = World::of(6, 2);
    (0..6).for_each(|peer| world.present(peer, &format!("peer {peer}")));
    world.run(Duration::from_secs(30));
    let newcomer = world.join(Config { max_peers: 2, ..config() });
    world.present(newcomer, "new");
    world.run(Duration::from_secs(5));
    let all = |but: usize| {
        (0..7)
            .filter(move |peer| *peer != but)
            .map(|peer| (peer, if peer == 6 { "new".into() } else { format!("peer {peer}") }))
    };
    for peer in 0..7 {
        assert_eq!(world.knows(peer), all(peer).collect(), "{peer}");
    }
}

#[test]
fn who_leaves_is_gone_at_once_and_who_dies_when_it_was_missed() {
    let mut world = World::of(8, 3);
    (0..8).for_each(|peer| world.present(peer, "here"));
    world.run(Duration::from_secs(20));
    world.with(0, Peer::close);
    world.run(Duration::from_secs(1));
    assert!((1..8).all(|peer| !world.knows(peer).contains_key(&0)), "it said so");
    world.kill(1);
    world.run(MISSED);
    for peer in 2..8 {
        let others: Vec<_> = (2..8).filter(|other| *other != peer).collect();
        assert_eq!(world.knows(peer).into_keys().collect::<Vec<_>>(), others, "{peer}");
        assert_eq!(world.told(peer, 1), told(&["here", ""]));
        assert!(
            others.iter().all(|&other| world.told(peer, other) == told(&["here"])),
            "nobody else was gone"
        );
    }
    world.run(Duration::from_secs(900));
    assert!((2..8).all(|peer| world.knows(peer).len() == 5), "and those who are here stay");
}

#[test]
fn who_has_lost_everybody_knows_of_nobody_until_it_is_back() {
    let mut world = World::of(2, 3);
    (0..2).for_each(|peer| world.present(peer, "here"));
    world.run(Duration::from_secs(1));
    world.kill(1);
    world.run(Duration::from_secs(20));
    assert_eq!(world.told(0, 1), told(&["here", ""]));
    world.wake(1);
    world.run(Duration::from_secs(20));
    assert!(world.linked(0, 1));
    assert_eq!((world.knows(0), world.knows(1)), (known(&[(1, "here")]), known(&[(0, "here")])));
}

#[test]
fn who_has_lost_everybody_takes_those_who_were_no_neighbors_for_gone_too() {
    let mut world = World::of(4, 2);
    (0..4).for_each(|peer| world.present(peer, "here"));
    world.run(Duration::from_secs(20));
    let far = (1..4).find(|&peer| !world.linked(0, peer)).expect("it is a ring");
    (1..4).for_each(|peer| world.kill(peer));
    world.run(Duration::from_secs(20));
    assert_eq!(world.told(0, far), told(&["here", ""]));
}

#[test]
fn a_state_that_changes_all_the_time_is_said_ten_times_a_second() {
    let mut world = World::of(2, 3);
    let words = words_of(&mut world, 0);
    for n in 0..100 {
        world.present(0, &format!("at {n}"));
        world.run(Duration::from_millis(10));
    }
    world.run(Duration::from_secs(1));
    assert!((9..=11).contains(&words.get()), "{} words", words.get());
    assert_eq!(world.knows(1), known(&[(0, "at 99")]), "the last one");
}

#[test]
fn whoever_is_suspected_and_lives_is_never_gone_and_says_so_no_more_often_for_many_suspicions() {
    let mut world = World::of(8, 3);
    (0..8).for_each(|peer| world.present(peer, "here"));
    world.run(Duration::from_secs(30));
    let words = words_of(&mut world, 0);
    let neighbors = world.peers[0].link_count();
    // Everybody lies about it, with free keys, for a quarter of a minute.
    let from = (1..8).find(|&peer| world.linked(peer, 1)).expect("somebody is linked");
    for n in 0..150u8 {
        let suspects = codec::to_bytes(&vec![(world.address(0), u64::MAX)]);
        let liar = Identity::from_secret([100 + n % 100; 32]);
        let suspicion = signed(&liar, Kind::Suspicion, &suspects, &world);
        world.inject(from, 1, &data(suspicion));
        world.run(Duration::from_millis(100));
    }
    world.run(Duration::from_secs(10));
    for peer in 1..8 {
        assert_eq!(world.told(peer, 0), told(&["here"]), "{peer}");
    }
    assert!(words.get() >= 2, "it heard, and answered");
    assert!(words.get() <= 8 * neighbors, "{} words", words.get());
}

#[test]
fn who_is_gone_is_not_shown_again_by_whoever_kept_its_record() {
    let mut world = World::of(3, 3);
    let gone = record(&hostile::stranger(1), b"here", &world);
    let there = || gone.maker;
    world.inject(0, 1, &records([gone.clone()]));
    assert_eq!(world.peers[1].presences().count(), 1);
    world.run(Duration::from_secs(1));
    world.inject(0, 1, &data(record(&hostile::stranger(1), b"", &world)));
    assert!(world.peers[1].presences().all(|(address, ..)| address != there()), "it said goodbye");
    for _ in 0..10 {
        world.inject(0, 1, &records([gone.clone()]));
        assert_eq!(world.peers[1].presences().count(), 0);
        world.run(Duration::from_secs(70));
    }
    let [held, _] = world.peers[1].parts.presence.sizes();
    assert_eq!(held, 0, "and is forgotten when its record is too old for anybody");
}

#[test]
fn nobody_makes_anothers_record_or_an_older_one_count() {
    let mut world = World::of(3, 3);
    world.present(0, "first");
    world.run(Duration::from_secs(1));
    let old = record(&Identity::from_secret([1; 32]), b"older", &world);
    assert_eq!(old.maker, world.address(0), "it was made by its key");
    world.run(Duration::from_secs(1));
    world.present(0, "second");
    world.run(Duration::from_secs(1));
    world.inject(2, 1, &records([old.clone()]));
    assert_eq!(world.knows(1), known(&[(0, "second")]));

    let new = record(&Identity::from_secret([1; 32]), b"newer", &world);
    let forged = Message { payload: Payload::from(b"forge".as_slice()), ..new.clone() };
    world.inject(2, 1, &records([forged]));
    let another = Message { header: new.header.altered(|header| header.sent_at += 1), ..new.clone() };
    world.inject(2, 1, &records([another]));
    assert_eq!(world.knows(1), known(&[(0, "second")]), "what is not signed is nothing");
    assert_eq!(world.warnings(1, "ERR_NEIGHBOR").len(), 2);
    world.inject(2, 1, &records([new]));
    assert_eq!(world.knows(1), known(&[(0, "newer")]), "whoever hands it on");
}

#[test]
fn what_is_for_neighbors_alone_goes_no_further_and_ends_with_the_link() {
    let mut world = World::of(3, 2);
    let near = |state: &[u8], world: &World| {
        let Message { header, payload, .. } = record(&Identity::from_secret([1; 32]), state, world);
        Packet::Presence(Word::Near(Box::new(header), payload))
    };
    let first = near(b"near", &world);
    world.inject(0, 1, &first);
    assert_eq!(world.knows(1), known(&[(0, "near")]));
    let newcomer = world.join(Config { max_peers: 2, ..config() });
    world.run(Duration::from_secs(5));
    assert!(world.knows(2).is_empty() && world.knows(newcomer).is_empty(), "it is not handed on");

    let mut world = World::of(3, 2);
    let [first, none] = [b"near".as_slice(), b""].map(|state| {
        world.run(Duration::from_secs(1));
        near(state, &world)
    });
    world.inject(0, 1, &first);
    world.inject(0, 1, &none);
    assert_eq!(world.told(1, 0), told(&["near", ""]), "a neighbor takes its word back");
    world.run(Duration::from_secs(1));
    let again = near(b"again", &world);
    world.inject(0, 1, &again);
    world.kill(0);
    world.run(MISSED);
    assert_eq!(world.told(1, 0), told(&["near", "", "again", ""]));
}

#[test]
fn a_swarm_is_large_when_that_is_certain() {
    let all = Presence::default();
    let size = |peers, low, high| all.is_for_all(b"here", &Estimate { peers, low, high });
    assert!(size(200.0, 150.0, 260.0) && size(280.0, 210.0, 370.0) && !size(1000.0, 740.0, 1300.0));
}

#[test]
fn what_is_no_record_is_dropped() {
    let mut world = World::of(3, 3);
    let stranger = hostile::stranger(1);
    let page = signed(&stranger, Kind::Page, b"hello", &world);
    let gone = record(&stranger, b"", &world);
    let near = record(&stranger, b"not its own", &world);
    for nonsense in [
        records([page.clone()]),
        records([gone]),
        records((0..9).map(|_| page.clone())),
        Packet::Presence(Word::Near(Box::new(near.header), near.payload)),
        Packet::Presence(Word::Held(vec![(0, 0); 514])),
        data(signed(&stranger, Kind::KeyQuery, b"", &world)),
        data(signed(&stranger, Kind::Suspicion, b"nonsense", &world)),
        data(signed(
            &hostile::stranger(2),
            Kind::Suspicion,
            &codec::to_bytes(&vec![(world.address(1), 0u64); 17]),
            &world,
        )),
    ] {
        let before = world.peers[1].stats().dropped.values().sum::<u64>();
        world.inject(0, 1, &nonsense);
        assert!(world.peers[1].stats().dropped.values().sum::<u64>() > before, "{nonsense:?}");
        world.run(Duration::from_secs(1));
    }
    assert!(world.knows(1).is_empty() && world.texts(1).is_empty());
}

#[test]
fn free_keys_fill_the_table_and_push_out_nobody_in_sight() {
    let mut world = World::of(6, 3);
    world.present(0, "here");
    world.run(Duration::from_secs(1));
    let crowd = |world: &World, range: std::ops::Range<u16>| {
        let stranger = |n: u16| {
            let mut secret = [77; 32];
            secret[..2].copy_from_slice(&n.to_le_bytes());
            Identity::from_secret(secret)
        };
        range.map(|n| record(&stranger(n), b"free", world)).collect::<Vec<_>>()
    };
    let from = (0..6).find(|&peer| peer != 5 && world.linked(peer, 5)).expect("a neighbor");
    for start in (0..600).step_by(8) {
        let crowd = crowd(&world, start..start + 8);
        world.inject(from, 5, &records(crowd));
        world.run(Duration::from_millis(100));
    }
    let [held, _] = world.peers[5].parts.presence.sizes();
    assert_eq!(held, 512, "it is full");
    world.present(1, "late");
    world.run(Duration::from_secs(1));
    let address = |index| world.address(index);
    let knows = |of| world.peers[5].presences().any(|(address, ..)| address == of);
    assert!(knows(address(0)) && knows(address(1)), "those in sight are known");
}

#[test]
fn what_is_held_is_told_and_sent_once_in_a_while_however_often_a_neighbor_asks() {
    let mut world = World::of(3, 3);
    (0..3).for_each(|peer| world.present(peer, "here"));
    world.run(Duration::from_secs(60));
    let sent = |world: &World| world.peers[1].stats().bytes_out;
    let before = sent(&world);
    for _ in 0..1000 {
        world.inject(0, 1, &Packet::Presence(Word::Sum(7)));
        world.inject(0, 1, &Packet::Presence(Word::Held(Vec::new())));
    }
    world.run(Duration::from_millis(100));
    let more = sent(&world) - before;
    assert!((100..3000).contains(&more), "{more} bytes");
}
