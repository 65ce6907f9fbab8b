//! Offers in names that nobody proves, altered, told again, or too many to be looked at.

use super::audit::dropped;
use super::hostile::{self, asked, stranger};
use super::world::{World, config};
use super::*;
use crate::proto::hex;
use crate::proto::id::OfferId;
use crate::proto::offer::kit::{enveloped, signed, unsigned};
use crate::proto::request::{Goal, OfferOrigin, Plan, Request, RequestId};
use crate::proto::signalling;
use crate::testkit::tracker::Half;

/// Peer 0 brings peer 1 a request; whether it makes a connection for it.
fn is_taken_up(world: &mut World, request: &Request) -> bool {
    let packet = Packet::Signalling(signalling::Packet::Request(Box::new(request.clone())));
    world.inject(0, 1, &packet);
    answers(world, 1).contains(&request.id)
}

/// The requests that a peer makes connections for.
fn answers(world: &World, peer: usize) -> Vec<RequestId> {
    let conns = world.peers[peer].parts.links.conns().values();
    let purposes = conns.map(|conn| conn.purpose);
    purposes.filter_map(|purpose| if let Purpose::Answer(id) = purpose { Some(id) } else { None }).collect()
}

fn swarm() -> SwarmTag {
    SwarmTag::of_topic("t")
}

#[test]
fn only_what_its_origin_signed_is_taken_up() {
    let mut world = World::of(3, 6);
    let me = world.address(1);
    let good = asked(1, Goal::Exact(me), world.now);
    let another = asked(2, Goal::Exact(me), world.now);
    let before = Instant::from_millis(world.now.as_millis() - 601_000);
    let bare = Request { brought: None, ..good.clone() };
    let late = signed(bare, &stranger(1), &swarm(), before);
    let elsewhere = signed(good.clone(), &stranger(1), &SwarmTag::of_topic("u"), world.now);
    let forged = [
        ("by nobody", hostile::request(1, stranger(1).address(), Goal::Exact(me))),
        ("in another's name", Request { origin: another.origin, ..good.clone() }),
        ("for another's offer", Request { offer: another.offer.clone(), ..good.clone() }),
        ("as another run", Request { instance: [99; 16], ..good.clone() }),
        ("for another request", Request { brought: None, ..good.clone() }),
        ("under an id of another offer", Request { id: RequestId([9; 8]), ..good.clone() }),
        ("long ago", late),
        ("in another swarm", elsewhere),
    ];
    for (what, request) in &forged {
        assert!(!is_taken_up(&mut world, request), "{what}");
    }
    assert_eq!(dropped(&world, 1, "forged request"), forged.len() as u64);
    assert!(is_taken_up(&mut world, &good));
}

#[test]
fn an_offer_told_again_is_taken_up_once_at_each_peer() {
    let mut world = World::of(3, 6);
    let request = asked(1, Goal::Exact(world.address(1)), world.now);
    assert!(is_taken_up(&mut world, &request));
    // The attempt ends, and the way of the request is forgotten.
    world.run(Duration::from_secs(30));
    assert!(!answers(&world, 1).contains(&request.id));
    assert!(!is_taken_up(&mut world, &request));
    assert_eq!(dropped(&world, 1, "copy of an offer"), 1);
    // Who makes it anew signs it anew.
    let brought = request.brought.expect("a tracker did");
    let anew = Request { id: RequestId::of_offer(&brought.offer, [2; 8]), ..request };
    let anew = signed(anew, &stranger(1), &swarm(), world.now);
    assert!(is_taken_up(&mut world, &anew));
}

/// Of two peers that ask for each other at once one yields; it did for whoever said to be the other.
#[test]
fn a_request_in_the_name_of_whom_we_ask_for_ends_no_request_of_ours() {
    for forged in [true, false] {
        let mut world = World::of(3, 6);
        let at = world.address(1);
        let higher = (0..).map(stranger).find(|who| who.address() > at).expect("there are some");
        let (via, goal) = (world.address(0), Goal::Exact(higher.address()));
        let asks = |world: &World| {
            let conns = world.peers[1].parts.links.conns().values();
            conns.filter(|conn| matches!(conn.purpose, Purpose::Request(..))).count()
        };
        world.tap(|_, _, packet| match packet {
            Packet::Signalling(_) => vec![],
            packet => vec![packet],
        });
        let plan = Plan { goal, via, probe: false, aim: None, replaces: None };
        world.with(1, |peer, now| peer.does(Effect::Ask(plan), now));
        world.run(Duration::from_millis(50));
        assert_eq!(asks(&world), 1);
        let request = hostile::request(1, higher.address(), Goal::Exact(at));
        let request = if forged { request } else { signed(request, &higher, &swarm(), world.now) };
        is_taken_up(&mut world, &request);
        assert_eq!(asks(&world), usize::from(forged));
    }
}

#[test]
fn of_what_trackers_carry_in_public_only_what_is_signed_is_taken_up_and_once() {
    let mut world = World::new();
    let peer = world.join(config());
    world.run(Duration::from_secs(1));
    let hear = |world: &mut World, text: &str| {
        let heard = Input::TrackerMessage(TrackerId(0), text.to_owned());
        world.with(peer, |peer, now| peer.handle(heard, now));
        world.run(Duration::from_millis(100));
        answers(world, peer).len()
    };
    let (who, id) = (stranger(1), OfferId([b'p'; 20]));
    let bare = hostile::answer(who.address(), hostile::description(99, 1));
    let word = |world: &World, envelope: &Envelope| {
        hostile::tracker_word(&world.peers[peer], &id, envelope, Half::Offer, Half::Offer, world.now)
    };
    let good = enveloped(bare.clone(), id, &who, &swarm(), world.now);
    let of_another = enveloped(bare.clone(), OfferId([b'q'; 20]), &who, &swarm(), world.now);
    let stolen = Envelope { from: stranger(2).address(), ..good.clone() };
    for forged in [bare, of_another, stolen] {
        let text = word(&world, &forged);
        assert_eq!(hear(&mut world, &text), 0, "{forged:?}");
    }
    let text = word(&world, &good);
    assert_eq!(hear(&mut world, &text), 1);
    world.run(Duration::from_secs(30));
    assert_eq!(hear(&mut world, &text), 0, "a copy");
}

/// What a neighbor brings uses up what is looked at of it, and not what is of others, or of trackers.
#[test]
fn offers_without_number_keep_no_true_one_from_being_looked_at() {
    let mut world = World::of(4, 12);
    let at = world.address(1);
    let forge = |n: u32| hostile::request(n, stranger(n).address(), Goal::Exact(at));
    for n in 0..5000 {
        if world.linked(0, 1) {
            is_taken_up(&mut world, &forge(n));
        }
    }
    let looked_at = dropped(&world, 1, "forged request");
    assert!((200..300).contains(&looked_at), "{looked_at} of 5,000");
    assert!(dropped(&world, 1, "offers above their rate") > 1000);
    let mine = asked(6000, Goal::Exact(at), world.now);
    world.inject(2, 1, &Packet::Signalling(signalling::Packet::Request(Box::new(mine.clone()))));
    assert!(answers(&world, 1).contains(&mine.id), "another neighbor brings it");
    let before = answers(&world, 1).len();
    let text = hostile::tracker_offer(&world.peers[1], 7000, 2, world.now);
    world.with(1, |peer, now| peer.handle(Input::TrackerMessage(TrackerId(0), text), now));
    assert_eq!(answers(&world, 1).len(), before + 1, "a tracker does");
}

/// The texts of a public swarm are open, so a word more or less in them must not matter.
#[test]
fn a_public_offer_is_read_as_it_was_signed() {
    let (secret, id) = (SwarmSecret::public(SwarmId::of_topic("t")), OfferId([b'p'; 20]));
    let (who, now) = (stranger(1), Instant::from_millis(1_800_000_000_123));
    let bare = hostile::answer(who.address(), hostile::description(99, 1));
    let envelope = enveloped(bare, id, &who, &secret.tag(), now);
    let half = crate::proto::envelope::Half::Offer;
    let text = envelope.write(half, &id, &secret, &mut Random::new([1; 32]), now);
    let key = hex::text(&who.public_key().0);
    assert!(text.contains(&format!(" 0  {key} ")), "{text}");
    let read = Envelope::read(&text, half, &id, &secret, now).expect("it is whole");
    let Envelope { from, instance, description, signature, .. } = read;
    let offer = unsigned(description);
    let offer = crate::proto::offer::Offer { signature: signature.expect("it is signed"), ..offer };
    let request = Request { instance, offer: Some(offer), ..hostile::request(1, from, Goal::Successor) };
    let brought = request.brought.map(|brought| OfferOrigin { offer: id, ..brought });
    let request = Request { id: RequestId::of_offer(&id, [0; 8]), brought, ..request };
    assert!(request.is_signed(&secret.tag(), now));
}
