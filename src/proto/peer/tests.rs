//! A handful of real peers with real proofs, in virtual time.

impl Peer {
    /// Lets a part have asked for something.
    fn does(&mut self, effect: Effect, now: Instant) {
        self.commons.effects.push_back(effect);
        self.settle(now);
    }

    /// Says something to an origin, wherever it is.
    fn reroute(&mut self, reply: Reply, now: Instant) {
        let (parts, mut cx) = self.look(now);
        parts.signalling.reroute(None, reply, &mut cx);
        self.settle(now);
    }

    /// The offers of an announce, as the tracker gets them.
    fn offers(&mut self, wanted: usize, now: Instant) -> Vec<(OfferId, String)> {
        let (parts, mut cx) = self.look(now);
        parts.links.begin_offers(wanted, &mut cx);
        introducers::envelopes(wanted, parts.links.hand_out_offers(wanted, now), &mut cx)
    }

    /// Whether an answer to one of its offers is of use.
    fn is_answered(&mut self, conn: ConnId, from: Address, answer: Description, now: Instant) -> bool {
        let purpose = self.parts.links.conns().get(&conn).expect("it is there").purpose;
        let Purpose::Offer(offer) = purpose else { panic!("{purpose:?}") };
        let (parts, mut cx) = self.look(now);
        parts.links.handle_answered(offer, from, answer, &mut cx)
    }
}

mod altered;
mod asleep;
#[cfg(feature = "sim")]
mod attacks;
mod attempts;
#[cfg(feature = "sim")]
mod audit;
mod candidates;
mod clocks;
mod closing;
#[cfg(feature = "sim")]
mod fresh;
mod hostile;
mod joining;
mod journal;
mod later;
mod limits;
#[cfg(feature = "sim")]
mod offers;
mod presence;
mod progress;
mod restarts;
mod rivals;
#[cfg(feature = "sim")]
mod second;
mod tabs;
#[cfg(feature = "sim")]
mod toil;
mod trackers;
mod withdrawn;
mod world;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use super::*;
use crate::proto::envelope::{Envelope, Half};
use crate::proto::id::{OfferId, SwarmId};
use crate::proto::io::{DeliveryFailure, TrackerId, Warning};
use crate::proto::links::Conn;
use crate::proto::messaging::direct;
use crate::proto::messaging::message::Draft;
use crate::proto::request::{Goal, Plan};
use crate::proto::ring::Side;
use crate::proto::sdp::{AnswerMark, Description};
use crate::proto::secret::SwarmTag;
use crate::proto::signalling::Reply;
use crate::proto::{codec, neighborhood, signalling};
use world::{START, World, config};

// Meeting and leaving.

#[test]
fn two_peers_meet_within_a_second_and_talk() {
    let mut world = World::new();
    let (a, b) = (world.join(config()), world.join(config()));
    world.run(Duration::from_secs(1));
    assert_eq!((world.connects(a), world.connects(b)), (vec![world.address(b)], vec![world.address(a)]));

    let to_all = world.send(a, None, "to all");
    let to_one = world.send(b, Some(a), "to one");
    world.run(Duration::from_secs(1));
    let [broadcast] = &world.received(b)[..] else { panic!("b received {:?}", world.received(b)) };
    assert_eq!((&broadcast.payload.0[..], broadcast.id, broadcast.to), (&b"to all"[..], to_all, None));
    assert_eq!((broadcast.from, broadcast.verified, broadcast.hops), (world.address(a), true, 1));
    assert_eq!(broadcast.has, [world.address(a), world.address(b)]);
    let [direct] = &world.received(a)[..] else { panic!("a received {:?}", world.received(a)) };
    assert_eq!(
        (&direct.payload.0[..], direct.id, direct.to),
        (&b"to one"[..], to_one, Some(world.address(a)))
    );
    assert_eq!((direct.from, direct.verified, direct.hops), (world.address(b), true, 1));
    assert!(matches!(world.deliveries(a)[..], [(id, Ok(_))] if id == to_all));
    assert!(matches!(world.deliveries(b)[..], [(id, Ok(receipt))] if id == to_one && receipt.hops == 1));
}

#[test]
fn a_lonely_peer_does_not_seek_the_same_side_of_the_ring_first_each_time() {
    let mut world = World::new();
    let a = world.join(config());
    world.run(Duration::from_secs(1));
    let mut firsts = BTreeSet::new();
    for _ in 0..20 {
        let offers = world.with(a, |peer, now| peer.offers(3, now));
        let role = |(id, text): &(OfferId, String)| {
            Envelope::read(text, Half::Offer, id, &world.peers[a].commons.me.secret, world.now)
                .map(|it| it.role)
        };
        let roles: Vec<_> = offers.iter().filter_map(role).collect();
        firsts.insert(roles[0]);
        assert_eq!(BTreeSet::from_iter(roles), BTreeSet::from([0, 1, 2]), "three are for all three");
    }
    assert_eq!(
        firsts,
        BTreeSet::from([0, 1, 2]),
        "and one, where only one is ready, is for another each time"
    );
}

#[test]
fn a_strangers_offer_that_comes_to_nothing_is_brought_into_the_mesh_again() {
    let mut world = World::of(3, 2);
    let origin = hostile::stranger(1).address();
    let members = || (0..3).map(|peer| (world.address(peer), peer));
    let goal = members().filter(|(at, _)| *at > origin).min().or_else(|| members().min()).expect("three");
    let entry = (goal.1 + 1) % 3;
    // Whatever is asked for it is lost on its way, and so is every refusal.
    let asked = Rc::new(Cell::new(0));
    let counted = asked.clone();
    world.tap(move |_, _, packet| match &packet {
        Packet::Signalling(signalling::Packet::Request(request)) if request.origin == origin => {
            counted.set(counted.get() + 1);
            Vec::new()
        }
        _ => vec![packet],
    });
    let text = hostile::tracker_offer(&world.peers[entry], 1, 0, world.now);
    world.with(entry, |peer, now| peer.handle(Input::TrackerMessage(TrackerId(0), text), now));
    world.run(Duration::from_millis(900));
    assert_eq!(asked.get(), 1);
    world.run(neighborhood::patient(Duration::from_secs(10), 2));
    let left = world.peers[entry].parts.signalling.introduces(&origin);
    assert_eq!((asked.get(), left), (2, false), "once more, and then no more");
}

#[test]
fn an_offer_that_trackers_just_took_out_is_left_to_its_answer() {
    let mut world = World::new();
    let peer = world.join(config());
    let announced = |world: &World| {
        world.peers[peer].parts.links.conns().values().filter_map(|conn| conn.announced).max()
    };
    while announced(&world).is_none() {
        world.run(Duration::from_millis(10));
    }
    let taken_out = announced(&world).expect("just now");
    let peer = &mut world.peers[peer];
    assert!(peer.parts.links.conns().values().all(|conn| conn.is_spare() && conn.link.is_offered()));
    assert_eq!(
        peer.parts.links.ready_offer(taken_out + Duration::from_millis(1999)),
        None,
        "an answer may be on its way"
    );
    assert!(peer.parts.links.ready_offer(taken_out + Duration::from_millis(2000)).is_some());
    let recycled = *peer.parts.links.conns().keys().next().expect("it has offers");
    peer.parts.links.conns_mut().get_mut(&recycled).expect("the same").announced = None;
    assert_eq!(peer.parts.links.ready_offer(taken_out), Some(recycled), "one that no tracker has");
}

#[test]
fn an_answer_whose_way_is_cut_looks_for_its_origin_and_gives_up() {
    let mut world = World::of(5, 2);
    let steps = Rc::new(Cell::new(0));
    let counted = steps.clone();
    world.tap(move |_, _, packet| {
        counted.set(
            counted.get() + u32::from(matches!(&packet, Packet::Signalling(signalling::Packet::Reply(_)))),
        );
        vec![packet]
    });
    // Nobody of this address is there, and nobody is nearer to it than who sends this.
    let to = Address(world.address(0).0.map(|byte| byte ^ 1));
    let answer = signalling::Reply {
        id: RequestId([7; 8]),
        to,
        path: Vec::new(),
        hops_left: signalling::MAX_REROUTES,
        signal: Signal::Decline { origin: world.address(0), answer: AnswerMark([1; 8]) },
    };
    world.with(0, |peer, now| peer.reroute(answer, now));
    world.run(Duration::from_secs(5));
    let most = u32::from(signalling::MAX_REROUTES);
    assert!((2..=most).contains(&steps.get()), "{} steps", steps.get());
}

#[test]
fn an_acceptance_that_was_under_way_on_a_link_that_ends_takes_another() {
    for (later, again) in [(Duration::ZERO, true), (Duration::from_millis(401), false)] {
        let mut world = World::of(5, 2);
        let sent = Rc::new(RefCell::new(Vec::new()));
        let seen = sent.clone();
        world.tap(move |from, to, packet| {
            if from == 0 && matches!(&packet, Packet::Signalling(signalling::Packet::Reply(_))) {
                seen.borrow_mut().push(to);
            }
            vec![packet]
        });
        let origin = (1..5).find(|&other| !world.linked(0, other)).expect("the ring has five");
        let answer = signalling::Reply {
            id: RequestId([7; 8]),
            to: world.address(origin),
            path: Vec::new(),
            hops_left: signalling::MAX_REROUTES,
            signal: hostile::accept(Identity::from_secret([1; 32]).public_key(), 1, None),
        };
        world.with(0, |peer, now| {
            peer.reroute(answer, now);
        });
        let next = sent.borrow()[0];
        world.run(later);
        let (address, before) = (world.address(next), sent.borrow().len());
        world.with(0, |peer, now| {
            let conn = peer.parts.links.conn_of(&address).expect("a neighbor");
            peer.handle(Input::ConnClosed(conn, "gone".to_owned()), now);
        });
        assert_eq!(sent.borrow().len() > before, again, "after {later:?}");
        assert!(sent.borrow()[1..].iter().all(|&to| to != next), "not to one that is gone");
    }
}

#[test]
fn messages_reach_peers_that_are_no_neighbors() {
    let mut world = World::of(5, 2);
    assert!(world.links_agree());
    for a in 0..5 {
        assert_eq!(world.peers[a].link_count(), 2, "two links each make a ring");
        world.send(a, None, &format!("from {a}"));
        for b in (0..5).filter(|&b| b != a) {
            world.send(a, Some(b), &format!("from {a} to {b}"));
        }
    }
    world.run(Duration::from_secs(10));
    for b in 0..5 {
        let mut expected = Vec::new();
        for a in (0..5).filter(|&a| a != b) {
            expected.extend([format!("from {a}"), format!("from {a} to {b}")]);
        }
        let mut found = world.texts(b);
        found.sort();
        assert_eq!(found, expected, "each exactly once");
        let deliveries = world.deliveries(b);
        assert_eq!(deliveries.len(), 5);
        assert!(deliveries.iter().all(|(_, how)| how.is_ok()), "{deliveries:?}");
        assert!(deliveries.iter().any(|(_, how)| how.is_ok_and(|receipt| receipt.hops == 2)));
    }
}

#[test]
fn peers_of_another_topic_or_another_secret_never_link() {
    let (t, u) = (SwarmId::of_topic("t"), SwarmId::of_topic("u"));
    let secret = |n| Some(SwarmSecret::private(t, &[n; 32]));
    // The tracker mixes them all up.
    let strangers = [
        Config { swarm: u, ..config() },
        Config { secret: secret(1), ..config() },
        Config { secret: secret(2), ..config() },
    ];
    for stranger in strangers {
        let mut world = World::new();
        let (a, b) = (world.join(config()), world.join(stranger));
        world.run(Duration::from_secs(60));
        assert_eq!((world.connects(a), world.connects(b)), (vec![], vec![]));
    }
    let mut world = World::new();
    let [a, b] = [1, 1].map(|n| world.join(Config { secret: secret(n), ..config() }));
    world.run(Duration::from_secs(1));
    assert!(world.linked(a, b), "those of one secret do");
}

#[test]
fn a_locked_peer_says_nothing_before_its_secret_is_there() {
    let t = SwarmId::of_topic("t");
    let secret = || SwarmSecret::private(t, &[1; 32]);
    let mut world = World::new();
    let open = world.join(Config { secret: Some(secret()), ..config() });
    let locked = world.join(Config { locked: true, ..config() });
    world.with(locked, |peer, now| peer.add_tracker("ws://t", now));
    assert_eq!(world.peers[locked].trackers().len(), 1);
    world.send(locked, None, "held meanwhile");
    world.run(Duration::from_secs(30));
    let peer = &world.peers[locked];
    assert_eq!((peer.stats().attempts, peer.poll_timeout(), world.connects(locked)), (0, None, vec![]));
    assert_eq!(world.events[locked], []);

    world.with(locked, |peer, now| peer.unlock(secret(), now));
    world.run(Duration::from_secs(5));
    assert!(world.linked(open, locked));
    assert_eq!(world.texts(open), ["held meanwhile"]);
}

#[test]
fn a_goodbye_is_heard_at_once() {
    let mut world = World::of(2, 6);
    world.with(1, |peer, now| peer.close(now));
    world.run(Duration::from_millis(21));
    assert_eq!(world.disconnects(0), [world.address(1)]);
    assert_eq!(world.disconnects(1), [world.address(0)]);
}

#[test]
fn a_death_without_a_word_is_noticed_within_five_seconds() {
    for idle in [0, 700, 1400, 2100, 2800] {
        let mut world = World::of(2, 6);
        world.run(Duration::from_millis(idle));
        world.kill(1);
        world.run(Duration::from_millis(1400));
        assert_eq!(world.disconnects(0), [], "too soon to tell");
        world.run(Duration::from_millis(3600));
        assert_eq!(world.disconnects(0), [world.address(1)]);
    }
}

#[test]
fn silence_of_the_page_is_no_death() {
    let mut world = World::of(3, 6);
    world.run(Duration::from_secs(300));
    assert!((0..3).all(|peer| world.disconnects(peer).is_empty()));
}

#[test]
fn a_peer_that_comes_back_is_welcome() {
    let mut world = World::of(2, 6);
    world.kill(1);
    // The same identity, a new run, before the death was noticed.
    let again = world.join_as(config(), Identity::from_secret([2; 32]));
    world.run(Duration::from_secs(2));
    assert_eq!(world.address(again), world.address(1));
    assert_eq!(world.connects(again), [world.address(0)]);
    assert_eq!(world.disconnects(0), [world.address(1)]);
    assert_eq!(world.connects(0), [world.address(1)]);
    world.send(0, None, "again");
    world.run(Duration::from_secs(6));
    assert_eq!(world.texts(again), ["again"]);
    assert_eq!(world.disconnects(0).len(), 1);
}

#[test]
fn what_is_sent_before_the_first_neighbor_is_held_and_sent_in_order() {
    let mut world = World::new();
    let a = world.join(config());
    world.run(Duration::from_secs(5));
    let texts: Vec<_> = (0..20).map(|n| format!("{n}")).collect();
    for text in &texts {
        world.send(a, None, text);
    }
    world.run(Duration::from_secs(5));
    assert_eq!(world.deliveries(a), []);
    let b = world.join(config());
    world.run(Duration::from_secs(5));
    assert_eq!(world.texts(b), texts);
    assert_eq!(world.deliveries(a).len(), 20);
}

#[test]
fn no_more_is_held_than_allowed() {
    let mut world = World::new();
    let a = world.join(Config { max_held: 10, max_message_size: 8, ..config() });
    let mut send = |size| world.with(a, |peer, now| peer.send(None, Bytes(vec![0; size]), now).err());
    assert_eq!(send(9), Some(SendError::TooLarge { size: 9, limit: 8 }));
    assert_eq!(send(8), None);
    assert_eq!(send(3), Some(SendError::Full { held: 8 }));
    assert_eq!(send(2), None);
}

#[test]
fn closing_says_what_was_not_delivered_and_leaves_nothing_to_wait_for() {
    let mut world = World::of(2, 6);
    world.kill(1);
    let to_one = world.send(0, Some(1), "to one");
    let nobody = Address([9; 20]);
    let to_nobody = world.with(0, |peer, now| peer.send(Some(nobody), Bytes(vec![1]), now)).expect("sent");
    world.with(0, |peer, now| peer.leave(now));
    let mut failed = world.deliveries(0);
    failed.sort_by_key(|(id, _)| *id);
    let mut expected = [to_one, to_nobody].map(|id| (id, Err(DeliveryFailure::Closed)));
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!(failed, expected);
    assert_eq!(world.peers[0].poll_timeout(), None);

    world.events[0].clear();
    world.with(0, |peer, now| peer.close(now));
    world.with(0, |peer, now| peer.handle(Input::Woke, now));
    let refused = world.with(0, |peer, now| peer.send(None, Bytes(vec![]), now));
    assert_eq!((refused, world.events[0].len()), (Err(SendError::Closed), 0), "nothing is said twice");

    let mut world = World::new();
    let a = world.join(config());
    let held = world.send(a, None, "held");
    world.with(a, |peer, now| peer.close(now));
    assert_eq!(world.deliveries(a), [(held, Err(DeliveryFailure::Closed))]);
}

#[test]
fn nobody_answers_for_a_peer_that_is_not_there() {
    let mut world = World::of(3, 6);
    let nobody = Address([9; 20]);
    let id = world.with(0, |peer, now| peer.send(Some(nobody), Bytes(vec![1]), now)).expect("it may be sent");
    world.run(Duration::from_secs(30));
    let deliveries = world.deliveries(0);
    assert!(matches!(deliveries[..], [(failed, Err(_))] if failed == id), "{deliveries:?}");
}

// Links.

#[test]
fn two_peers_that_call_each_other_at_once_agree_on_one_connection() {
    for after in (0..400).step_by(10) {
        let mut world = World::new();
        let a = world.join(config());
        world.run(Duration::from_millis(after));
        let b = world.join(config());
        world.run(Duration::from_secs(10));
        assert!(world.linked(a, b) && world.links_agree(), "after {after} ms");
        assert_eq!((world.connects(a).len(), world.connects(b).len()), (1, 1), "after {after} ms");
        assert_eq!((world.disconnects(a), world.disconnects(b)), (vec![], vec![]), "after {after} ms");
    }
}

#[test]
fn a_large_message_outlives_the_connection_that_gives_way_to_another() {
    let mut swapped = 0;
    // So long that the two try again, and both connections open.
    for opening in (1800..2000).step_by(50) {
        let mut world = World::new();
        (world.opening, world.swallowing) = (Duration::from_millis(opening), Duration::from_secs(2));
        let (a, b) = (world.join(config()), world.join(config()));
        let text = "x".repeat(1 << 20);
        world.send(a, None, &text);
        let mut links = BTreeSet::new();
        for _ in 0..1000 {
            world.run(Duration::from_millis(5));
            links.extend(world.peers[a].parts.links.conn_of(&world.address(b)));
        }
        swapped += usize::from(links.len() > 1);
        world.run(Duration::from_secs(15));
        assert!(world.disconnects(a).is_empty() && world.links_agree());
        assert!(world.texts(b) == [&*text], "opening takes {opening} ms");
        assert_eq!(world.deliveries(a).len(), 1, "opening takes {opening} ms, on {links:?}");
    }
    assert!(swapped > 0, "sometimes a second connection takes the place of the first");
}

#[test]
fn a_smaller_max_peers_sheds_links_and_leaves_a_swarm_that_hangs_together() {
    let mut world = World::of(6, 5);
    assert_eq!(world.peers[0].link_count(), 5);
    world.with(0, |peer, now| peer.set_max_peers(2, now)).expect("a good number");
    assert_eq!(world.peers[0].link_count(), 2);
    assert_eq!(world.disconnects(0).len(), 3);
    world.run(Duration::from_secs(20));
    assert!(world.links_agree());
    world.send(0, None, "still here");
    world.run(Duration::from_secs(2));
    assert!((1..6).all(|peer| world.texts(peer) == ["still here"]));
}

#[test]
fn settings_out_of_range_change_nothing() {
    let mut world = World::of(2, 6);
    assert!(world.with(0, |peer, now| peer.set_max_peers(1, now)).is_err());
    assert!(world.with(0, |peer, _| peer.set_coverage(0.0)).is_err());
    assert_eq!((world.peers[0].config().max_peers, world.peers[0].config().coverage), (6, 0.33));
}

// Trials of faster links. A word on any other link takes 20 ms.

#[test]
fn a_trial_that_both_ends_find_faster_takes_the_place_of_a_link_at_both_once_both_said_so() {
    let Trial { mut world, ends, slow } = Trial::new([60, 90]);
    let said: Rc<RefCell<Vec<_>>> = Rc::default();
    let copy = said.clone();
    world.tap(move |from, to, packet| {
        copy.borrow_mut().push((from, to, packet.clone()));
        vec![packet]
    });
    Trial::ask(&mut world, ends, slow);
    world.run(Duration::from_secs(10));
    let [one, other] = ends;
    assert!(world.linked(one, other) && world.links_agree());
    assert!(!world.linked(one, slow[0]) && !world.linked(other, slow[1]));
    assert!(world.peers.iter().all(|peer| peer.link_count() == 4), "nobody has fewer links");

    let said = said.borrow();
    let first = |wanted: &dyn Fn(usize, usize, &Packet) -> bool| {
        said.iter().position(|(from, to, packet)| wanted(*from, *to, packet)).expect("it was said")
    };
    let proof = |packet: &Packet| matches!(packet, Packet::Hello(_) | Packet::Confirm { .. });
    let word = |a, b| first(&|from, to, packet| (from, to) == (a, b) && !proof(packet));
    let close = first(&|_, _, packet| matches!(packet, Packet::Close(_)));
    assert!(close > word(one, other) && close > word(other, one), "no link ends before");
}

#[test]
fn a_trial_that_one_end_finds_slower_costs_neither_its_link() {
    for old in [[60, 20], [20, 60]] {
        let Trial { mut world, ends, slow } = Trial::new(old);
        let attempts = ends.map(|end| world.peers[end].stats().attempts);
        Trial::ask(&mut world, ends, slow);
        world.run(Duration::from_secs(10));
        assert!(world.peers[ends[1]].stats().attempts > attempts[1], "it was made");
        for end in ends {
            assert_eq!((world.connects(end), world.disconnects(end)), (vec![], vec![]), "{old:?}");
        }
        assert!(world.links_agree());
    }
}

#[test]
fn an_end_of_a_trial_that_hears_nothing_of_the_other_keeps_its_link() {
    let Trial { mut world, ends, slow } = Trial::new([60, 60]);
    world.tap(move |from, to, packet| {
        let lost = [to, from] == ends && !matches!(packet, Packet::Hello(_) | Packet::Confirm { .. });
        if lost { Vec::new() } else { vec![packet] }
    });
    Trial::ask(&mut world, ends, slow);
    world.run(Duration::from_secs(10));
    assert!(world.linked(ends[0], slow[0]));
    assert_eq!((world.connects(ends[0]), world.disconnects(ends[0])), (vec![], vec![]));
}

/// Ten peers with four links each. Two of them that are no neighbors have a link to give, each to somebody else.
struct Trial {
    world: World,
    ends: [usize; 2],
    slow: [usize; 2],
}

impl Trial {
    /// A word on the old link of each end takes so many milliseconds, and both know it.
    fn new(old: [u64; 2]) -> Self {
        let full = |world: &World| world.peers.iter().all(|peer| peer.link_count() == 4);
        let givers = |world: &World| {
            let pairs = (0..10).flat_map(|one| (0..10).map(move |other| [one, other]));
            let mut strangers = pairs.filter(|&[one, other]| one != other && !world.linked(one, other));
            strangers.find_map(|ends| {
                let [Some(one), Some(other)] = ends.map(|end| given(world, end)) else { return None };
                (one != other && !world.linked(one, other)).then_some((ends, [one, other]))
            })
        };
        let mut worlds = (0..20).map(|salt| World::salted(10, 4, salt)).filter(full);
        let found = worlds.find_map(|world| givers(&world).map(|(ends, slow)| (world, ends, slow)));
        let (mut world, ends, slow) = found.expect("two in most swarms");
        for ((end, slow), millis) in ends.into_iter().zip(slow).zip(old) {
            world.far.insert((end.min(slow), end.max(slow)), Duration::from_millis(millis));
        }
        world.run(Duration::from_secs(60));
        assert_eq!(ends.map(|end| given(&world, end)), slow.map(Some), "as before");
        world.events.iter_mut().for_each(Vec::clear);
        Self { world, ends, slow }
    }

    /// One end asks for a link with the other in place of its slow one.
    fn ask(world: &mut World, [one, other]: [usize; 2], [slow, _]: [usize; 2]) {
        let (to, slow) = (world.address(other), world.address(slow));
        world.with(one, |peer, now| {
            let via = peer
                .look(now)
                .1
                .around
                .known
                .iter()
                .find(|known| known.address == to)
                .expect("it is in sight")
                .via;
            let goal = Goal::Point(to);
            peer.does(Effect::Ask(Plan { goal, via, probe: false, aim: None, replaces: Some(slow) }), now);
        });
    }
}

/// The neighbor that a peer would give up for a faster one: its only long link that it did not choose.
fn given(world: &World, peer: usize) -> Option<usize> {
    let around = &world.peers[peer].commons.around;
    let ring = around.ring();
    let long = around.links.iter().filter(|link| !ring.contains(&Some(link.address)));
    let given: Vec<_> = long.filter(|link| !link.chosen).map(|link| link.address).collect();
    let [given] = given[..] else { return None };
    (0..world.peers.len()).find(|&other| world.address(other) == given)
}

// Addresses.

#[test]
fn a_claimed_address_is_not_verified() {
    let mut world = World::new();
    let claimed = Address([0x77; 20]);
    let a = world.join(Config { address: Some(claimed), ..config() });
    let b = world.join(config());
    world.run(Duration::from_secs(1));
    assert_eq!(world.connects(b), [claimed]);
    world.send(a, None, "who am I");
    world.send(a, Some(b), "and now");
    world.run(Duration::from_secs(1));
    assert!(world.received(b).iter().all(|received| received.from == claimed && !received.verified));
    assert_eq!(world.received(b).len(), 2);
}

// Forgers.

#[test]
fn a_message_that_was_altered_on_its_way_stops_there() {
    let mut world = World::of(3, 6);
    world.tap(|from, _, packet| match packet {
        Packet::Broadcast(broadcast::Packet::Data { hops, header, payload }) if from == 0 => {
            let mut bytes = payload.0.to_vec();
            bytes[0] ^= 1;
            let payload = crate::proto::messaging::message::Payload::from(bytes);
            vec![Packet::Broadcast(broadcast::Packet::Data { hops, header, payload })]
        }
        packet => vec![packet],
    });
    world.send(0, None, "hello");
    world.run(Duration::from_millis(100));
    for peer in [1, 2] {
        assert_eq!(world.received(peer), []);
        assert_eq!(world.peers[peer].stats().dropped.get(&"payload"), Some(&1));
        assert_eq!(world.peers[peer].stats().forwarded, 0);
    }
}

#[test]
fn no_byte_of_a_message_can_be_altered_but_its_hops() {
    let mut world = World::of(2, 6);
    let (data, expected) = captured(&mut world, "hello");
    for index in 0..data.len() {
        for bit in [0, 6] {
            let mut altered = data.clone();
            altered[index] ^= 1 << bit;
            let Some(packet) = codec::from_bytes::<Packet>(&altered) else { continue };
            let Packet::Broadcast(broadcast::Packet::Data { header, payload, .. }) = &packet else {
                continue;
            };
            if (header, payload) == (&expected.0, &expected.1) {
                continue;
            }
            world.inject(0, 1, &packet);
            assert_eq!(world.received(1), [], "bit {bit} of byte {index}");
            // Or a third forgery would end the link.
            world.peers[1].commons.limits = Limits::new(world.now);
        }
    }
    world.inject(0, 1, &codec::from_bytes(&data).expect("as it was sent"));
    assert_eq!(world.texts(1), ["hello"]);
}

#[test]
fn a_replay_is_delivered_once() {
    let mut world = World::of(2, 6);
    let (data, _) = captured(&mut world, "hello");
    let packet = codec::from_bytes(&data).expect("as it was sent");
    for after in [0, 1, 30, 500, 100, 600] {
        world.run(Duration::from_secs(after));
        // Old names are forgotten when new ones come; then the time stamp must tell.
        world.send(1, None, "something else");
        world.inject(0, 1, &packet);
        assert_eq!(world.texts(1), ["hello"], "{} s later", world.now.since(START).as_secs());
    }
}

#[test]
fn a_direct_message_is_delivered_once_and_acknowledged_every_time() {
    let mut world = World::of(2, 6);
    let log: std::rc::Rc<std::cell::RefCell<Vec<_>>> = std::rc::Rc::default();
    let copy = log.clone();
    world.tap(move |_, _, packet| {
        copy.borrow_mut().push(packet.clone());
        vec![packet]
    });
    world.send(0, Some(1), "hello");
    world.run(Duration::from_secs(1));
    let is_message = |packet: &Packet| matches!(packet, Packet::Direct(direct::Packet::Message { .. }));
    let is_word = |packet: &Packet| matches!(packet, Packet::Direct(direct::Packet::Acknowledgement(_)));
    let message = log.borrow().iter().find(|packet| is_message(packet)).cloned().expect("it was sent");
    let words = log.borrow().iter().filter(|packet| is_word(packet)).count();
    for _ in 0..3 {
        world.inject(0, 1, &message);
    }
    assert_eq!(world.texts(1), ["hello"]);
    assert_eq!(log.borrow().iter().filter(|packet| is_word(packet)).count(), words + 3);
}

#[test]
fn a_verified_header_does_not_vouch_for_another_one_of_its_name() {
    let mut world = World::of(2, 6);
    let (data, _) = captured(&mut world, "hello");
    let Some(Packet::Broadcast(broadcast::Packet::Data { hops, header, payload })) = codec::from_bytes(&data)
    else {
        panic!("that is what was captured")
    };
    // Header first, as large messages go; then the payload with a header of the same name but another time.
    world.inject(0, 1, &Packet::Broadcast(broadcast::Packet::Header { hops, header: header.clone() }));
    let forged = Box::new(header.altered(|h| h.sent_at += 1));
    assert_eq!(forged.id(), header.id());
    let forged = broadcast::Packet::Data { hops, header: forged, payload: payload.clone() };
    world.inject(0, 1, &Packet::Broadcast(forged));
    assert_eq!(world.received(1), []);
    world.inject(0, 1, &Packet::Broadcast(broadcast::Packet::Data { hops, header, payload }));
    assert_eq!(world.texts(1), ["hello"]);
}

/// What 0 sends to 1 when it broadcasts this, which does not arrive.
fn captured(
    world: &mut World,
    text: &str,
) -> (Vec<u8>, (Box<crate::proto::messaging::message::Header>, crate::proto::messaging::message::Payload)) {
    let caught: std::rc::Rc<std::cell::RefCell<Option<_>>> = std::rc::Rc::default();
    let copy = caught.clone();
    world.tap(move |_, _, packet| match packet {
        Packet::Broadcast(broadcast::Packet::Data { ref header, ref payload, .. }) => {
            let bytes = crate::proto::links::link::wire::encode(&packet);
            *copy.borrow_mut() = Some((bytes, (header.clone(), payload.clone())));
            Vec::new()
        }
        packet => vec![packet],
    });
    world.send(0, None, text);
    world.run(Duration::from_millis(50));
    caught.take().expect("0 and 1 are linked")
}
