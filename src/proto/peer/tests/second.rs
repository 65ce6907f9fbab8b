//! What a second look found: words that are told again, said in another's name, or in part.

use super::audit::dropped;
use super::hostile::{self, asked, description, stranger};
use super::world::{World, config};
use super::*;
use crate::proto::holding::Holding;
use crate::proto::identity::PublicKey;
use crate::proto::links::admission::Hello;
use crate::proto::offer::kit::{signed, unsigned};
use crate::proto::request::Request;
use crate::proto::signalling::Signal;
use crate::testkit::tracker::{Half, Word};

fn swarm() -> SwarmTag {
    SwarmTag::of_topic("t")
}

fn ask(world: &mut World, from: usize, to: usize, request: &Request) {
    let packet = Packet::Signalling(signalling::Packet::Request(Box::new(request.clone())));
    world.inject(from, to, &packet);
}

/// A key of nobody has a connection with a peer, whose channel is open: it asked by one neighbor of it.
fn connect(world: &mut World, by: usize, to: usize, n: u32) -> Option<ConnId> {
    let (who, goal) = (stranger(n), Goal::Exact(world.address(to)));
    let offer = Some(unsigned(description(by, 9000 + u64::from(n))));
    let request = Request { offer, ..hostile::request(n, who.address(), goal) };
    let request = signed(request, &who, &swarm(), world.now);
    ask(world, by, to, &request);
    world.run(Duration::from_millis(50));
    let conns = world.peers[to].parts.links.conns();
    let conn = conns.iter().find(|(_, conn)| conn.is_for(request.id)).map(|(&id, _)| id)?;
    world.with(to, |peer, now| peer.handle(Input::ConnOpened(conn), now));
    Some(conn)
}

/// A Hello with the key of somebody else.
fn hello_of(key: PublicKey) -> Packet {
    let (hello, _) = hostile::greeting();
    Packet::Hello(Hello { key, share: stranger(1).public_key().0, ..hello })
}

/// Who asks by a key of its own, and greets by another's, would be in that one's place until the greeting is over.
#[test]
fn who_greets_in_the_name_of_another_keeps_nobody_out() {
    let linked_after = |attack: bool| {
        let mut world = World::of(5, 6);
        let (evil, honest) = (4, 0..4);
        let newcomer = Identity::from_secret([0x77; 32]);
        let name = newcomer.public_key();
        // The attacker makes no link with the newcomer.
        world.tap(|from, to, packet| match packet {
            Packet::Hello(_) | Packet::Confirm { .. }
                if [from, to].contains(&4) && [from, to].contains(&5) =>
            {
                vec![]
            }
            packet => vec![packet],
        });
        let mut n = 0;
        let mut greet = |world: &mut World| {
            for to in honest.clone() {
                n += 1;
                if attack && let Some(conn) = connect(world, evil, to, n) {
                    world.say_on(to, conn, &hello_of(name));
                }
            }
        };
        greet(&mut world);
        let newcomer = world.join_as(config(), newcomer);
        let since = world.now;
        for ms in (0..30_000).step_by(100) {
            if ms % 4500 == 4400 {
                greet(&mut world);
            }
            world.run(Duration::from_millis(100));
            if honest.clone().any(|peer| world.linked(peer, newcomer)) {
                break;
            }
        }
        world.now - since
    };
    let [calm, stormy] = [false, true].map(linked_after);
    println!("a newcomer has a link after {calm:?}, under attack after {stormy:?}");
    assert!(stormy <= calm + Duration::from_millis(500), "{stormy:?} where {calm:?} are usual");
}

/// Whoever has a channel, a member or not, could have proofs looked at for as long as it does not greet.
#[test]
fn who_has_not_greeted_has_few_proofs_looked_at() {
    let mut world = World::of(3, 6);
    let conn = connect(&mut world, 0, 1, 1).expect("it is taken up");
    let instance = world.peers[1].commons.me.instance;
    world.spent.iter_mut().for_each(|spent| *spent = Duration::ZERO);
    for n in 0..2000u64 {
        let held = Duration::from_millis(n);
        let holding = Holding::prove(&stranger(1), &swarm(), [7; 16], instance, held);
        if world.peers[1].parts.links.conns().contains_key(&conn) {
            world.say_on(1, conn, &Packet::Holds(holding));
        }
    }
    println!("{} of 2000 proofs were looked at, in {:?}", dropped(&world, 1, "holds"), world.spent[1]);
    assert!(dropped(&world, 1, "holds") <= 4, "{}", dropped(&world, 1, "holds"));
}

/// Of two that ask for each other at once one yields; it did for whoever told an old request of the other one again.
#[test]
fn a_request_told_again_ends_no_request_of_ours() {
    let mut world = World::of(3, 6);
    let at = world.address(1);
    let n = (0..).find(|&n| stranger(n).address() > at).expect("there are some");
    let (via, higher) = (world.address(0), stranger(n).address());
    let asks = |world: &World| {
        let conns = world.peers[1].parts.links.conns().values();
        let to_it = conns.filter(|conn| conn.peer == Some(higher));
        to_it.filter(|conn| matches!(conn.purpose, Purpose::Request(..))).count()
    };
    world.tap(|_, _, packet| match packet {
        Packet::Signalling(_) => vec![],
        packet => vec![packet],
    });
    let old = asked(n, Goal::Exact(at), world.now);
    ask(&mut world, 0, 1, &old);
    // The attempt ends, and the way of the request is forgotten.
    world.run(Duration::from_secs(30));
    let plan = Plan { goal: Goal::Exact(higher), via, probe: false, aim: None, replaces: None };
    world.with(1, |peer, now| peer.does(Effect::Ask(plan), now));
    world.run(Duration::from_millis(50));
    assert_eq!(asks(&world), 1);
    for _ in 0..3 {
        ask(&mut world, 0, 1, &old);
        assert_eq!(asks(&world), 1, "it goes on");
    }
}

/// Who is on the way round a broken link can lose the answer only: then one end waits for the link, and the other does not.
#[test]
fn a_relay_that_loses_the_answer_only_costs_no_more_than_one_that_loses_all() {
    let back_after = |keeps_offers: bool| {
        let mut world = World::of(3, 6);
        let mut pair = [0, 1];
        pair.sort_by_key(|&peer| world.address(peer));
        let [a, b] = pair;
        let higher = world.address(b);
        world.tap(move |_, _, packet| match &packet {
            Packet::Signalling(signalling::Packet::Reply(Reply {
                signal: Signal::Restart { origin, .. },
                ..
            })) if !keeps_offers || *origin == higher => vec![],
            _ => vec![packet],
        });
        world.break_path(a, b);
        let since = world.now;
        while world.linked(a, b) && world.is_broken(a, b) || !world.linked(a, b) || !world.linked(b, a) {
            world.run(Duration::from_millis(10));
            assert!(world.now - since < Duration::from_secs(60), "never");
        }
        world.now - since
    };
    let [all, answer] = [false, true].map(back_after);
    println!("without any word a link is back after {all:?}, without the answer after {answer:?}");
    assert!(answer <= all + Duration::from_millis(500), "{answer:?} where {all:?} are usual");
}

/// Trackers are there for each other: one that says too much is no reason to hear less of the rest.
#[test]
fn a_tracker_that_floods_keeps_nobody_from_those_that_another_one_brings() {
    const EVIL: &str = "ws://evil";
    let linked_after = |at_once: u64| {
        let mut world = World::new();
        let both = vec![EVIL.into(), "ws://t".into()];
        let flooded = world.join(Config { trackers: both, ..config() });
        world.run(Duration::from_secs(5));
        let info_hash = world.peers[0].commons.me.secret.info_hash().to_binary();
        let [peer_id, offer_id] = ["b", "o"].map(|letter| letter.repeat(20));
        let word = Word { info_hash: &info_hash, peer_id: &peer_id, offer_id: &offer_id };
        let text = word.write(Half::Offer, "no description");
        let flood = |world: &mut World| {
            for _ in 0..at_once {
                let heard = Input::TrackerMessage(TrackerId(0), text.clone());
                world.with(flooded, |peer, now| peer.handle(heard, now));
            }
            world.run(Duration::from_micros(700));
        };
        (0..3000).for_each(|_| flood(&mut world));
        world.join(config());
        let since = world.now;
        while world.peers[flooded].link_count() == 0 {
            flood(&mut world);
            if world.now - since > Duration::from_secs(20) {
                break;
            }
        }
        world.now - since
    };
    let [calm, stormy] = [0, 14].map(linked_after);
    println!("two have a link after {calm:?}, while another tracker of one floods after {stormy:?}");
    assert!(stormy <= calm + Duration::from_millis(500), "{stormy:?} where {calm:?} are usual");
}
