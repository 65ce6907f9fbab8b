//! Attempts of two peers to link through the mesh, and words about them that come late, twice or out of order.

use std::cell::RefCell;
use std::rc::Rc;

use super::hostile;
use super::world::{World, config};
use super::*;
use crate::proto::acceptance::Acceptance;
use crate::proto::context::Offered;
use crate::proto::offer::kit::signed;
use crate::proto::request::{Goal, Plan};
use crate::proto::sdp::{Description, DescriptionHash};
use crate::proto::signalling::{self, Reply, Signal};

/// The other end of the attempts; it is not there.
fn absent() -> Identity {
    Identity::from_secret([0x99; 32])
}

fn nobody() -> Address {
    absent().address()
}

/// What was said about links, by whom and to whom, and got lost.
type Said = Rc<RefCell<Vec<(usize, usize, signalling::Packet)>>>;

/// Three peers that are linked, and whose words about other links only the test hears.
fn world() -> (World, Said) {
    let mut world = World::of(3, 6);
    let said = Said::default();
    let heard = said.clone();
    world.tap(move |from, to, packet| match packet {
        Packet::Signalling(packet) => {
            heard.borrow_mut().push((from, to, packet));
            Vec::new()
        }
        packet => vec![packet],
    });
    (world, said)
}

/// Peer 1 asks for a link with [`nobody`].
fn ask(world: &mut World, said: &Said) -> RequestId {
    let via = world.address(0);
    let plan = Plan { goal: Goal::Exact(nobody()), via, probe: false, aim: None, replaces: None };
    said.borrow_mut().clear();
    world.with(1, |peer, now| {
        peer.does(Effect::Ask(plan), now);
    });
    world.run(Duration::from_millis(50));
    let asked = said.borrow().iter().find_map(|(_, _, packet)| match packet {
        signalling::Packet::Request(request) if request.goal == Goal::Exact(nobody()) => Some(request.id),
        _ => None,
    });
    asked.expect("its offer is ready")
}

/// Peer 1 is asked for a link by [`nobody`]; whether it makes one.
fn be_asked(world: &mut World, n: u32) -> (RequestId, bool) {
    let request = hostile::request(n, nobody(), Goal::Exact(world.address(1)));
    let request = signed(request, &absent(), &SwarmTag::of_topic("t"), world.now);
    let id = request.id;
    world.inject(0, 1, &Packet::Signalling(signalling::Packet::Request(Box::new(request))));
    (id, attempts(world).contains(&Purpose::Answer(id)))
}

/// Peer 0 brings peer 1 a word.
fn tell(world: &mut World, id: RequestId, signal: Signal) {
    let reply = Reply { id, to: world.address(1), path: Vec::new(), hops_left: 9, signal };
    world.inject(0, 1, &Packet::Signalling(signalling::Packet::Reply(reply)));
}

/// ... and that is an answer.
fn answer(world: &mut World, id: RequestId, n: u64) {
    let signal = accept(world, id, &absent(), n);
    tell(world, id, signal);
}

fn accept(world: &World, request: RequestId, who: &Identity, n: u64) -> Signal {
    let mut conns = world.peers[1].parts.links.conns().values();
    let offer = conns.find(|conn| conn.is_for(request)).and_then(|conn| conn.link.description());
    let offer = offer.map_or(DescriptionHash([0; 32]), Description::hash);
    let answer = Box::new(hostile::description(99, n));
    let said = Acceptance { request, offer, answer: &answer, hello: None };
    let (key, proof) = (who.public_key(), said.prove(who, &SwarmTag::of_topic("t")));
    Signal::Accept { key, answer, proof, hello: None }
}

/// The connections that peer 1 makes with [`nobody`].
fn attempts(world: &World) -> Vec<Purpose> {
    let with_it = |conn: &&Conn| conn.peer == Some(nobody()) && conn.link.is_taken_up();
    world.peers[1].parts.links.conns().values().filter(with_it).map(|conn| conn.purpose).collect()
}

#[test]
fn of_two_answers_of_one_peer_the_one_to_the_newer_request_stands() {
    for newer_first in [false, true] {
        let (mut world, said) = world();
        let via = world.address(0);
        let (older, newer) = (ask(&mut world, &said), ask(&mut world, &said));
        let [first, second] = if newer_first { [newer, older] } else { [older, newer] };
        answer(&mut world, first, 1);
        assert_eq!(attempts(&world), [Purpose::Request(first, via)]);
        said.borrow_mut().clear();
        answer(&mut world, second, 2);
        assert_eq!(attempts(&world), [Purpose::Request(newer, via)], "newer first: {newer_first}");
        let declined = said.borrow().iter().any(
            |(_, _, packet)| matches!(packet, signalling::Packet::Forward { id, signal: Signal::Cancel } if *id == older),
        );
        assert_eq!(declined, newer_first, "who answered the older request last is told");
    }
}

/// Its relays may take the offer out of a request: who is found then has made no connection.
#[test]
fn a_request_for_a_link_does_not_end_because_somebody_was_found() {
    let (mut world, said) = world();
    let id = ask(&mut world, &said);
    tell(&mut world, id, Signal::Found(nobody()));
    answer(&mut world, id, 1);
    assert_eq!(attempts(&world).len(), 1, "the answer finds its offer");
}

/// Two that can never connect are not to try without end; but who did not say that it answered is not to blame.
#[test]
fn who_answered_and_could_not_be_connected_is_left_alone() {
    for proven in [true, false] {
        let (mut world, said) = world();
        let id = ask(&mut world, &said);
        let key = absent().public_key();
        let signal = if proven { accept(&world, id, &absent(), 1) } else { hostile::accept(key, 1, None) };
        tell(&mut world, id, signal);
        assert_eq!(attempts(&world).len(), usize::from(proven));
        world.run(Duration::from_secs(11));
        let avoids = world.peers[1].parts.topology.avoids(&nobody(), world.now + Duration::from_secs(15));
        assert_eq!(avoids, proven);
    }
}

/// On a busy machine answers take longer than their requests: turned away, each would cost both ends a connection.
#[test]
fn an_answer_that_comes_after_its_request_is_taken_while_the_offer_is_open() {
    let long = Duration::from_secs(3);
    for asked_again in [false, true] {
        let (mut world, said) = world();
        let via = world.address(0);
        let first = ask(&mut world, &said);
        world.run(long);
        if asked_again {
            ask(&mut world, &said);
        }
        answer(&mut world, first, 1);
        assert_eq!(attempts(&world), [Purpose::Request(first, via)]);
        world.run(long);
        assert_eq!(attempts(&world), [Purpose::Request(first, via)], "the newer request does not end it");
    }
}

/// Whoever was on the way of an old request could end the newer one by answering it.
#[test]
fn a_late_answer_of_no_use_leaves_the_offer_to_what_it_is_out_for() {
    let (mut world, said) = world();
    let via = world.address(0);
    let first = ask(&mut world, &said);
    let asking = |world: &World, id| {
        let mut conns = world.peers[1].parts.links.conns().iter();
        conns.find(|(_, conn)| conn.purpose == Purpose::Request(id, via)).map(|(&conn, _)| conn)
    };
    let offer = asking(&world, first).expect("it asks");
    world.run(Duration::from_secs(3));
    // It goes out again with the same offer.
    let second = RequestId([5; 8]);
    world.with(1, |peer, now| {
        let plan = Plan { goal: Goal::Exact(nobody()), via, probe: false, aim: None, replaces: None };
        let conn = peer.parts.links.conns_mut().get_mut(&offer).expect("it is kept");
        conn.purpose = Purpose::Request(second, via);
        let description = conn.link.description().cloned().expect("it is made");
        let (parts, mut cx) = peer.look(now);
        parts.signalling.begin(second, plan, Some(offer), &mut cx);
        peer.does(Effect::RequestReady(second, Offered { via, description, replaces: None }), now);
    });
    let neighbor = Identity::from_secret([3; 32]);
    assert_eq!(neighbor.address(), world.address(2));
    let useless = accept(&world, first, &neighbor, 1);
    tell(&mut world, first, useless);
    assert_eq!(asking(&world, second), Some(offer));
    answer(&mut world, second, 2);
    assert_eq!(attempts(&world), [Purpose::Request(second, via)]);
}

#[test]
fn a_decline_ends_the_attempt_that_it_names_and_no_other() {
    let (mut world, _) = world();
    let (first, taken_up) = be_asked(&mut world, 1);
    assert!(taken_up);
    let (other, taken_up) = be_asked(&mut world, 2);
    assert!(!taken_up, "one attempt at a time");

    world.run(Duration::from_millis(100));
    let conns = world.peers[1].parts.links.conns();
    let conn = conns.values().find(|conn| conn.is_for(first)).expect("it is being made");
    let answer = conn.link.description().expect("it is out").mark();
    let decline = |answer| Signal::Decline { origin: nobody(), answer };
    let _ = other;
    tell(&mut world, RequestId([7; 8]), decline(AnswerMark([7; 8])));
    assert_eq!(attempts(&world), [Purpose::Answer(first)], "who has not seen it cannot end it");
    tell(&mut world, RequestId([8; 8]), decline(answer));
    assert_eq!(attempts(&world), []);
    assert!(be_asked(&mut world, 3).1, "it may be asked again at once");
}

#[test]
fn an_attempt_with_a_peer_that_was_late_before_has_more_time_if_both_were_making_it() {
    let late = Duration::from_millis(1100);
    for greeted in [false, true] {
        let (mut world, _) = world();
        let (id, taken_up) = be_asked(&mut world, 1);
        assert!(taken_up);
        if greeted {
            world.run(Duration::from_millis(100));
            let (hello, confirm) = hostile::greeting();
            tell(
                &mut world,
                RequestId([7; 8]),
                Signal::Greet { request: id, hello: Box::new(hello), confirm },
            );
        }
        world.run(late);
        assert!(be_asked(&mut world, 2).1, "a late one gives way to the next");
        world.run(late);
        assert_eq!(be_asked(&mut world, 3).1, !greeted, "the answer may just have been lost");
    }

    let (mut world, said) = world();
    let (first, second) = (ask(&mut world, &said), ask(&mut world, &said));
    answer(&mut world, first, 1);
    world.run(late);
    answer(&mut world, second, 2);
    world.run(late);
    assert!(world.peers[1].parts.links.conns().values().any(|conn| conn.is_for(second) && conn.holds_slot()));
}

#[test]
fn who_greets_for_an_attempt_that_was_given_up_is_told() {
    let (mut world, said) = world();
    let (id, _) = be_asked(&mut world, 1);
    let (hello, confirm) = hostile::greeting();
    let greet = || Signal::Greet { request: id, hello: Box::new(hello.clone()), confirm: confirm.clone() };
    let told = |said: &Said| {
        said.borrow().iter().any(|(from, _, packet)| match packet {
            signalling::Packet::Reply(reply) => {
                *from == 1 && reply.id == id && reply.signal == Signal::Cancel
            }
            _ => false,
        })
    };
    tell(&mut world, RequestId([7; 8]), greet());
    assert!(!told(&said), "the attempt is on");
    world.with(1, |peer, now| peer.does(Effect::TakeBack(id), now));
    tell(&mut world, RequestId([8; 8]), greet());
    assert!(told(&said));

    // The other end hears that, and keeps no slot for it.
    let id = ask(&mut world, &said);
    answer(&mut world, id, 1);
    assert_eq!(attempts(&world).len(), 1);
    tell(&mut world, id, Signal::Cancel);
    assert_eq!(attempts(&world), []);
}

#[test]
fn an_answer_to_an_offer_that_trackers_took_out_may_come_through_the_mesh() {
    let (mut world, said) = world();
    let offered = |world: &World| {
        world.peers[1].parts.links.conns().values().find_map(|conn| match conn.purpose {
            Purpose::Offer(offer) if conn.link.is_offered() => Some(offer),
            _ => None,
        })
    };
    let offer = offered(&world).expect("it has free slots, and offers out");
    said.borrow_mut().clear();
    answer(&mut world, RequestId::of_offer(&offer, [5; 8]), 1);
    assert_eq!(attempts(&world), [Purpose::Offer(offer)]);

    // It comes once more through the tracker.
    let from_tracker = hostile::tracker_answer(&world.peers[1], nobody(), &offer, world.now);
    world.with(1, |peer, now| peer.handle(Input::TrackerMessage(TrackerId(0), from_tracker), now));
    assert_eq!(attempts(&world), [Purpose::Offer(offer)]);
    assert_eq!(said.borrow().len(), 0, "nothing is declined");

    let unknown = RequestId::of_offer(&OfferId([0x42; 20]), [5; 8]);
    said.borrow_mut().clear();
    answer(&mut world, unknown, 2);
    assert_eq!(attempts(&world).len(), 1);
    let declined = |packet: &signalling::Packet| match packet {
        signalling::Packet::Reply(reply) => {
            let answer = hostile::description(99, 2).mark();
            reply.signal == Signal::Decline { origin: world.address(1), answer }
        }
        _ => false,
    };
    assert!(said.borrow().iter().any(|(from, _, packet)| *from == 1 && declined(packet)));
}

#[test]
fn an_answer_is_handed_to_each_neighbor_once() {
    let (mut world, said) = world();
    let answer = Reply {
        id: RequestId([7; 8]),
        to: nobody(),
        path: Vec::new(),
        hops_left: 40,
        signal: hostile::accept(absent().public_key(), 1, None),
    };
    world.with(1, |peer, now| {
        peer.reroute(answer.clone(), now);
    });
    // Whoever gets it knows no way and sends it back.
    for _ in 0..4 {
        let last = said.borrow().iter().rev().find_map(|(from, to, packet)| match packet {
            signalling::Packet::Reply(reply) if *from == 1 && reply.id == RequestId([7; 8]) => Some(*to),
            _ => None,
        });
        world.inject(
            last.expect("handed on"),
            1,
            &Packet::Signalling(signalling::Packet::Reply(answer.clone())),
        );
    }
    let mut handed: Vec<_> = said
        .borrow()
        .iter()
        .filter(|(_, _, packet)| matches!(packet, signalling::Packet::Reply(_)))
        .map(|(_, to, _)| *to)
        .collect();
    handed.sort_unstable();
    assert_eq!(handed, [0, 2], "no circles");
}

#[test]
fn a_link_that_the_mesh_arranged_needs_no_hello_on_its_channel() {
    let mut world = World::of(4, 2);
    // As ICE and DTLS take.
    world.opening = Duration::from_millis(100);
    let greets = Rc::new(std::cell::Cell::new(0));
    let counted = greets.clone();
    world.tap(move |_, _, packet| match &packet {
        Packet::Hello(_) => Vec::new(),
        Packet::Signalling(signalling::Packet::Reply(Reply { signal: Signal::Greet { .. }, .. })) => {
            counted.set(counted.get() + 1);
            vec![packet]
        }
        _ => vec![packet],
    });
    let (a, b) = (0, (1..4).find(|&other| !world.linked(0, other)).expect("a ring of four"));
    for peer in [a, b] {
        world.with(peer, |peer, now| peer.set_max_peers(config().max_peers, now)).expect("six are allowed");
    }
    world.run(Duration::from_secs(3));
    assert!(world.linked(a, b) && world.links_agree());
    assert!(greets.get() > 0);
}

#[test]
fn a_newcomer_gets_its_ring_links_though_no_answer_comes_back_through_the_mesh() {
    for salt in 0..8 {
        let mut world = World::salted(8, 4, 10 * salt);
        world.tap(|_, _, packet| match packet {
            Packet::Signalling(signalling::Packet::Reply(Reply {
                signal: Signal::Accept { .. }, ..
            })) => Vec::new(),
            packet => vec![packet],
        });
        let newcomer = world.join(Config { max_peers: 4, ..config() });
        world.run(Duration::from_millis(500));
        let others: Vec<_> = (0..newcomer).map(|peer| world.address(peer)).collect();
        for side in Side::BOTH {
            let next = side.next(&world.address(newcomer), &others).expect("there are eight");
            assert!(world.connects(newcomer).contains(next), "swarm {salt}, {side:?}");
        }
    }
}

#[test]
fn a_hand_over_to_a_peer_that_is_slow_to_greet_ends_in_time() {
    for salt in 0..4 {
        for slow in [550, 1000] {
            let mut world = World::salted(8, 4, 10 * salt);
            world.far = (0..8).map(|peer| ((peer, 8), Duration::from_millis(slow))).collect();
            let newcomer = world.join(Config { max_peers: 4, ..config() });
            // The world checks the cap at each step.
            world.run(Duration::from_secs(20));
            // Where nobody has a slot left, there is no place for who needs seconds for a word.
            assert!(slow == 1000 || !world.connects(newcomer).is_empty(), "{slow} ms");
        }
    }
}

/// Peer 1 is asked by peers that come ever nearer to it on the ring, until it neither takes one up nor turns it away:
/// those that it takes up, and the one that waits.
fn crowd(world: &mut World, said: &Said) -> (Vec<RequestId>, RequestId) {
    let (mut taken, at) = (Vec::new(), world.address(1));
    let far = |n: &u32| Side::Predecessor.reach(&at, &hostile::stranger(*n).address());
    let mut strangers = Vec::from_iter(0..400);
    strangers.sort_by_key(far);
    for &n in strangers[..9].iter().rev() {
        let request = hostile::asked(n, Goal::Successor, world.now);
        let id = request.id;
        said.borrow_mut().clear();
        world.inject(0, 1, &Packet::Signalling(signalling::Packet::Request(Box::new(request))));
        if is_taken_up(world, id) {
            taken.push(id);
        } else if !is_rejected(said, id) {
            return (taken, id);
        }
    }
    panic!("{} were taken up, and none waits", taken.len());
}

fn is_taken_up(world: &World, id: RequestId) -> bool {
    world.peers[1].parts.links.conns().values().any(|conn| conn.is_for(id))
}

fn is_rejected(said: &Said, id: RequestId) -> bool {
    let rejects = |packet: &signalling::Packet| matches!(packet, signalling::Packet::Reply(Reply { id: of, signal: Signal::Reject(_), .. }) if *of == id);
    said.borrow().iter().any(|(_, _, packet)| rejects(packet))
}

#[test]
fn a_request_for_a_ring_link_waits_for_a_slot() {
    let (mut world, said) = world();
    let (taken, waits) = crowd(&mut world, &said);
    world.run(Duration::from_millis(300));
    assert!(!is_rejected(&said, waits) && !is_taken_up(&world, waits));
    for id in taken {
        world.inject(0, 1, &Packet::Signalling(signalling::Packet::Forward { id, signal: Signal::Cancel }));
    }
    assert!(is_taken_up(&world, waits));
}

#[test]
fn a_request_for_a_ring_link_does_not_wait_for_ever() {
    let (mut world, said) = world();
    let (_, waits) = crowd(&mut world, &said);
    world.run(Duration::from_secs(1));
    assert!(is_rejected(&said, waits) && !is_taken_up(&world, waits));
}
