//! Attacks on a swarm of real peers with real proofs: each is contained, and the honest lose nothing. The
//! figures printed here are those of `simulations/ATTACKS.md`: `cargo test --features sim attacks -- --nocapture
//! --test-threads 1`, and `cargo test --profile sim --features sim attacks -- --nocapture --test-threads 1 --ignored`
//! for a larger swarm with several attackers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::hostile::{asked, description, list, list_naming, many_ids, tracker_offer};
use super::world::{World, config};
use super::*;
use crate::proto::io::{Bytes, Received};
use crate::proto::links::link::wire::Inbox;
use crate::proto::messaging::message::{Kind, Message, Payload, Unsigned, Verified};
use crate::proto::messaging::{broadcast, direct};
use crate::proto::request::{Goal, Request};
use crate::proto::signalling;
use crate::proto::{Abilities, Admission, Binding, topology};

/// How large a swarm is attacked, and by how many.
#[derive(Debug, Clone, Copy)]
struct Size {
    honest: usize,
    evil: usize,
    max_peers: usize,
    /// How often every honest peer says something to all and to one.
    rounds: usize,
    /// Messages a second on each link: one key may say 1,000.
    floods: &'static [u32],
}

/// Four links each: most are not the attacker's neighbors.
const SMALL: Size = Size { honest: 8, evil: 1, max_peers: 4, rounds: 4, floods: &[2000, 10_000] };
/// One in ten attacks, and all of them at once.
const LARGE: Size = Size { honest: 40, evil: 4, max_peers: 6, rounds: 2, floods: &[2000] };

/// A world whose first peers are honest; those after them may be told to do evil.
struct Arena {
    world: World,
    size: Size,
    /// When the attack began, and what the peers had spent and heard by then.
    begun: (Instant, Vec<Duration>, Vec<u64>),
}

impl Deref for Arena {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Arena {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Arena {
    fn new(size: Size) -> Self {
        Self::salted(size, 0)
    }

    fn salted(size: Size, salt: u8) -> Self {
        let count = size.honest + size.evil;
        let mut world = World::salted(count, size.max_peers, salt);
        // From 20 to 120 ms on one link and another, and up to 30 more for each frame.
        world.jitter = Duration::from_millis(30);
        world.far = (0..count)
            .flat_map(|a| (a + 1..count).map(move |b| (a, b)))
            .map(|(a, b)| ((a, b), Duration::from_millis(20 + (37 * a as u64 + 61 * b as u64) % 101)))
            .collect();
        world.run(Duration::from_secs(20));
        assert!(world.links_agree());
        let heard = world.peers.iter().map(|peer| peer.stats().bytes_in).collect();
        let begun = (world.now, world.spent.clone(), heard);
        Self { world, size, begun }
    }

    /// What the attack, and what the honest said meanwhile, cost the honest peer that it cost most.
    fn cost(&self) -> String {
        let (at, spent, heard) = &self.begun;
        let seconds = (self.now - *at).as_secs_f64();
        let spent = self.honest().map(|peer| self.spent[peer] - spent[peer]).max().unwrap_or_default();
        let heard = self.honest().map(|peer| self.peers[peer].stats().bytes_in - heard[peer]).max();
        let (spent, heard) = (spent.as_secs_f64() * 1000.0, heard.unwrap_or_default() as f64 / 1000.0);
        format!("at most {spent:.0} ms of processor time and {heard:.0} kB heard in {seconds:.0} s")
    }

    fn honest(&self) -> std::ops::Range<usize> {
        0..self.size.honest
    }

    fn evil(&self) -> std::ops::Range<usize> {
        self.size.honest..self.size.honest + self.size.evil
    }

    /// Every attacker with every honest neighbor it has.
    fn fronts(&self) -> Vec<(usize, usize)> {
        let pairs = self.evil().flat_map(|evil| self.honest().map(move |to| (evil, to)));
        pairs.filter(|&(evil, to)| self.linked(to, evil)).collect()
    }

    /// An attacker says this to a neighbor, if it still is one.
    fn say(&mut self, (evil, to): (usize, usize), packet: &Packet) {
        if self.linked(to, evil) {
            self.inject(evil, to, packet);
        }
    }

    fn forget(&mut self) {
        self.events.iter_mut().for_each(Vec::clear);
    }

    fn dropped(&self, cause: &str) -> u64 {
        let of = |peer: usize| self.peers[peer].stats().dropped.get(&cause).copied().unwrap_or_default();
        self.honest().map(of).sum()
    }

    /// Every honest peer says something to all and something to one other honest peer, some times; what came of
    /// how much.
    fn honest_traffic(&mut self) -> (usize, usize) {
        let lost = self.lost_of_honest_traffic().len();
        let Size { honest, rounds, .. } = self.size;
        let sent = rounds * honest * honest;
        (sent - lost, sent)
    }

    /// The same; from whom to whom something was lost.
    fn lost_of_honest_traffic(&mut self) -> Vec<(usize, usize)> {
        self.forget();
        let Size { honest, rounds, .. } = self.size;
        let mut sent = Vec::new();
        for round in 0..rounds {
            for from in self.honest() {
                let text = format!("all {from} {round}");
                self.send(from, None, &text);
                sent.extend(self.honest().filter(|&to| to != from).map(|to| (from, to, text.clone())));
                let to = (from + 1 + round % (honest - 1)) % honest;
                let text = format!("one {from} {round} {to}");
                self.send(from, Some(to), &text);
                sent.push((from, to, text));
                self.run(Duration::from_millis(20));
            }
        }
        self.run(Duration::from_secs(20));
        let came: Vec<_> = self
            .honest()
            .map(|peer| {
                let mut counts = BTreeMap::new();
                self.texts(peer).into_iter().for_each(|text| *counts.entry(text).or_insert(0) += 1);
                assert!(counts.values().all(|count| *count == 1), "delivered once each: {counts:?}");
                counts
            })
            .collect();
        sent.retain(|(_, to, text)| !came[*to].contains_key(text));
        if !sent.is_empty() {
            println!("lost, from, to, what: {sent:?}");
        }
        sent.into_iter().map(|(from, to, _)| (from, to)).collect()
    }

    /// Then the honest talk, and all of it comes.
    fn assert_all(&mut self, name: &str, note: &str) {
        let during = self.cost();
        let (came, sent) = self.honest_traffic();
        println!("| {name} | {came} of {sent} | {note}; {during} |");
        assert_eq!(came, sent, "{name}");
    }
}

/// What somebody says with this key.
fn said(key: u8, n: u32, to: Option<Address>, text: &[u8], now: Instant) -> (broadcast::Packet, MessageId) {
    said_by(&Identity::from_secret([key; 32]), n, to, text, now)
}

fn said_by(
    who: &Identity,
    n: u32,
    to: Option<Address>,
    text: &[u8],
    now: Instant,
) -> (broadcast::Packet, MessageId) {
    let mut nonce = [0xfa; 16];
    nonce[..4].copy_from_slice(&n.to_be_bytes());
    let draft = Draft {
        to_claimed: false,
        blinding: [0; 32],
        claimed: None,
        to,
        kind: Kind::Page,
        nonce,
        payload: Payload::from(text),
    };
    let message = draft.sign(who, &SwarmTag::of_topic("t"), now).into_inner();
    let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
    (broadcast::Packet::Data { hops: 1, header, payload }, message.id)
}

/// What somebody says with as few proofs as can be.
fn said_along(seed: u8, now: Instant) -> impl Iterator<Item = broadcast::Packet> {
    let tree = move |number: u32| {
        let who = Identity::from_secret([seed; 32]);
        let draft = |n: u32| {
            let mut nonce = [0xfb; 16];
            nonce[..4].copy_from_slice(&(number << 8 | n).to_be_bytes());
            let payload = Payload::from(b"flood".as_slice());
            let (claimed, to, to_claimed, blinding) = (None, None, false, [0; 32]);
            Draft { claimed, to, to_claimed, kind: Kind::Page, nonce, blinding, payload }
        };
        let tree = (0..256).map(|n| draft(n).named(&who).ready(&who, now)).collect();
        let whole = |message: Verified<Message>| {
            let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
            broadcast::Packet::Data { hops: 1, header, payload }
        };
        Unsigned::sign_all(tree, &who, &SwarmTag::of_topic("t")).map(whole).collect::<Vec<_>>()
    };
    (0..).flat_map(tree)
}

/// A key of nobody in the world.
fn stranger(n: usize) -> Identity {
    Identity::stand_in(1000 + n as u64)
}

/// The key of a peer of the world.
fn key(index: usize) -> u8 {
    index as u8 + 1
}

/// Each attack in a small swarm, and in a larger one when there is time; the `long` ones when there is time alone. Of their
/// kinds there are others in `audit`, for every day.
macro_rules! in_both_sizes {
    ($($name:ident)*; long: $($long:ident)*) => {
        mod in_a_small_swarm {
            $(#[test] fn $name() { super::$name(super::SMALL); })*
            $(#[test] #[ignore = "takes a minute without optimization"] fn $long() { super::$long(super::SMALL); })*
        }
        mod in_a_larger_swarm {
            $(#[test] #[ignore = "takes minutes without optimization"] fn $name() { super::$name(super::LARGE); })*
            $(#[test] #[ignore = "takes minutes without optimization"] fn $long() { super::$long(super::LARGE); })*
        }
    };
}

in_both_sizes! {
    a_sender_cannot_be_forged
    a_payload_cannot_be_altered_on_its_way
    what_was_recorded_is_not_delivered_again_minutes_later
    acknowledgements_cannot_be_made_by_a_relay
    a_relay_cannot_have_a_message_sealed_to_its_own_key
    lists_of_neighbors_that_lie_lead_nobody_astray
    names_of_messages_that_do_not_exist_hide_none_that_do
    a_storm_of_grafts_is_answered_once
    a_flood_of_joins_leaves_the_swarm_as_it_is
    a_flooder_at_a_hundred_times_the_limit_is_cut_off
    those_who_forward_nothing_and_vouch_for_each_other_swallow_nothing
    who_does_not_acknowledge_costs_others_little
    a_flood_of_offers_from_trackers_keeps_nobody_out;
    long:
    many_keys_around_one_peer_leave_the_others_most_of_what_they_say
    floods_below_at_and_above_the_limits_drown_nobody
    headers_of_payloads_that_never_come_keep_no_large_message_out
}

fn a_sender_cannot_be_forged(size: Size) {
    let mut arena = Arena::new(size);
    let forged = arena.address(0);
    for n in 0..5 {
        for (evil, to) in arena.fronts() {
            // Signed by the attacker, in the name of an honest peer.
            let (packet, _) = said(key(evil), n, None, b"forged", arena.now);
            let broadcast::Packet::Data { hops, mut header, payload } = packet else { panic!("we made it") };
            *header = header.altered(|h| h.key = arena.peers[0].commons.me.identity.public_key());
            assert_eq!(header.from(), forged);
            arena.say((evil, to), &Packet::Broadcast(broadcast::Packet::Data { hops, header, payload }));
        }
    }
    let texts = arena.honest().flat_map(|peer| arena.texts(peer)).filter(|text| text == "forged").count();
    let (forgeries, bans) = (arena.dropped("forged"), arena.dropped("neighbor banned"));
    assert_eq!((texts, arena.fronts()), (0, vec![]));
    arena.assert_all("forged sender", &format!("{forgeries} forgeries dropped, {bans} links closed"));
}

fn a_payload_cannot_be_altered_on_its_way(size: Size) {
    let mut arena = Arena::new(size);
    arena.tap(move |from, _, packet| match packet {
        Packet::Broadcast(broadcast::Packet::Data { hops, header, payload }) if from >= size.honest => {
            let mut bytes = payload.0.to_vec();
            bytes[0] ^= 1;
            vec![Packet::Broadcast(broadcast::Packet::Data { hops, header, payload: Payload::from(bytes) })]
        }
        packet => vec![packet],
    });
    let (came, sent) = arena.honest_traffic();
    let (altered, bans) = (arena.dropped("payload"), arena.dropped("neighbor banned"));
    assert!(altered > 0);
    let cost = arena.cost();
    println!("| altered payload | {came} of {sent} | {altered} dropped, {bans} links closed; {cost} |");
    assert_eq!(came, sent);
}

fn what_was_recorded_is_not_delivered_again_minutes_later(size: Size) {
    let mut arena = Arena::new(size);
    let recorded: Rc<RefCell<Vec<Packet>>> = Rc::default();
    let copy = recorded.clone();
    arena.tap(move |_, to, packet| {
        let wanted = to >= size.honest && matches!(packet, Packet::Broadcast(broadcast::Packet::Data { .. }));
        if wanted && copy.borrow().len() < 100 {
            copy.borrow_mut().push(packet.clone());
        }
        vec![packet]
    });
    let (came, sent) = arena.honest_traffic();
    let recorded = recorded.take();
    let mut again = 0;
    for wait in [0, 120, 400, 100, 600, 1200] {
        arena.run(Duration::from_secs(wait));
        arena.forget();
        for packet in &recorded {
            for front in arena.fronts() {
                arena.say(front, packet);
            }
        }
        arena.run(Duration::from_secs(2));
        again += arena.honest().map(|peer| arena.texts(peer).len()).sum::<usize>();
    }
    assert!(recorded.len() > 10);
    assert_eq!(again, 0);
    let count = recorded.len();
    let cost = arena.cost();
    println!("| replay | {came} of {sent} | {count} messages, six times, {again} delivered; {cost} |");
    assert_eq!(came, sent);
}

fn acknowledgements_cannot_be_made_by_a_relay(size: Size) {
    let mut arena = Arena::new(size);
    let (evil, victim) = arena.fronts()[0];
    let to = arena.honest().find(|&peer| arena.linked(victim, peer)).expect("it has other neighbors");
    // Nothing gets through to the recipient: only a lie could acknowledge.
    arena.tap(|_, _, packet| match packet {
        Packet::Direct(direct::Packet::Message { .. }) => Vec::new(),
        packet => vec![packet],
    });
    let id = arena.send(victim, Some(to), "x");
    arena.run(Duration::ZERO);
    // Signed by the attacker, in its own name and in the recipient's.
    let (identity, swarm) = (arena.peers[evil].commons.me.identity.clone(), SwarmTag::of_topic("t"));
    let recipient = arena.address(to);
    let payload = Payload::from(Vec::new());
    let draft = Draft {
        to_claimed: false,
        blinding: [0; 32],
        claimed: None,
        to: Some(recipient),
        kind: Kind::Page,
        nonce: [1; 16],
        payload,
    };
    let mut message = draft.sign(&identity, &swarm, arena.now).into_inner();
    (message.id, message.maker) = (id, arena.address(victim));
    let sign = |hops| direct::Acknowledgement::sign(&message, Vec::new(), hops, &identity, &swarm);
    let mut altered = sign(1);
    altered.key = arena.peers[to].commons.me.identity.public_key();
    for word in [sign(1), sign(9), altered] {
        arena.say((evil, victim), &Packet::Direct(direct::Packet::Acknowledgement(Box::new(word))));
    }
    assert_eq!((arena.deliveries(victim), arena.dropped("acknowledgement")), (vec![], 3));
    arena.tap(|_, _, packet| vec![packet]);
    arena.assert_all("spoofed acknowledgement", "3 of 3 dropped");
}

fn a_relay_cannot_have_a_message_sealed_to_its_own_key(size: Size) {
    let mut arena = Arena::new(size);
    let stranger = |&(_, from, to): &(usize, usize, usize)| {
        arena.peers[from].commons.keys.get(&arena.address(to)).is_none()
    };
    let pairs = arena.fronts().into_iter();
    let pairs = pairs.flat_map(|(evil, from)| arena.honest().map(move |to| (evil, from, to)));
    let mut pairs = pairs.filter(|(_, from, to)| from != to);
    let (evil, victim, to) = pairs.find(stranger).expect("not everybody was linked with everybody");
    let query = Rc::new(RefCell::new(None));
    let heard = query.clone();
    arena.tap(move |_, _, packet| match packet {
        Packet::Direct(direct::Packet::Message { ref header, .. }) if header.kind == Kind::KeyQuery => {
            heard.replace(Some(header.id()));
            Vec::new()
        }
        packet => vec![packet],
    });
    let recipient = arena.address(to);
    arena.send(victim, Some(to), "for your eyes only");
    arena.run(Duration::from_millis(100));
    let id = query.borrow().expect("a stranger's key is asked for");
    let (identity, swarm) = (arena.peers[evil].commons.me.identity.clone(), SwarmTag::of_topic("t"));
    let draft = Draft {
        to_claimed: false,
        blinding: [0; 32],
        claimed: None,
        to: Some(recipient),
        kind: Kind::KeyQuery,
        nonce: [1; 16],
        payload: Payload::from(Vec::new()),
    };
    let mut message = draft.sign(&identity, &swarm, arena.now).into_inner();
    (message.id, message.maker) = (id, arena.address(victim));
    let word = direct::Acknowledgement::sign(&message, Vec::new(), 1, &identity, &swarm);
    arena.say((evil, victim), &Packet::Direct(direct::Packet::Acknowledgement(Box::new(word))));
    assert_eq!((arena.dropped("acknowledgement"), arena.dropped("sealed box")), (1, 0));
    arena.tap(|_, _, packet| vec![packet]);
    arena.run(Duration::from_secs(20));
    assert_eq!(arena.texts(to), ["for your eyes only"]);
}

fn lists_of_neighbors_that_lie_lead_nobody_astray(size: Size) {
    let mut arena = Arena::new(size);
    for round in 0..60u8 {
        for (evil, to) in arena.fronts() {
            arena.say((evil, to), &Packet::View(topology::Packet::Own(list(round, 64))));
            // The peers next to the victim on the ring, by the liar's word.
            let mut near = arena.address(to);
            near.0[19] = near.0[19].wrapping_add(round | 1);
            let relayed = topology::Packet::Relayed(vec![(near, list(round ^ 0x80, 64))]);
            arena.say((evil, to), &Packet::View(relayed));
        }
        arena.run(Duration::from_secs(1));
    }
    let known = arena.honest().map(|peer| arena.peers[peer].known_peers().len()).max().unwrap_or_default();
    arena.assert_all("false neighbor lists", &format!("at most {known} addresses believed"));
}

fn names_of_messages_that_do_not_exist_hide_none_that_do(size: Size) {
    let mut arena = Arena::new(size);
    for round in 0..100u32 {
        for (evil, to) in arena.fronts() {
            let first = (round + 100 * evil as u32) * 512;
            let ids = (first..first + 512).map(many_ids).collect();
            arena.say((evil, to), &Packet::Broadcast(broadcast::Packet::Have(ids)));
        }
        if round % 10 == 0 {
            arena.run(Duration::from_millis(10));
        }
    }
    let missing =
        arena.honest().map(|peer| arena.peers[peer].parts.messaging.sizes().0[3]).max().unwrap_or_default();
    assert!(missing <= 512 * size.evil, "{missing}");
    arena.assert_all("IHAVE liar", &format!("51,200 names on each link, {missing} believed at once"));
}

fn a_storm_of_grafts_is_answered_once(size: Size) {
    let mut arena = Arena::new(size);
    let fronts = arena.fronts();
    let (packet, id) = said(77, 1, None, &[0; 1000], arena.now);
    arena.say(fronts[0], &Packet::Broadcast(packet));
    arena.run(Duration::from_secs(1));
    let out = |arena: &Arena| arena.honest().map(|peer| arena.peers[peer].stats().bytes_out).sum::<u64>();
    let before = out(&arena);
    for _ in 0..10_000 {
        for front in &fronts {
            arena.say(*front, &Packet::Broadcast(broadcast::Packet::Graft(id)));
            let bucket = arena.now.as_millis() / 4000;
            arena.say(*front, &Packet::Broadcast(broadcast::Packet::Digest { bucket, sum: 1 }));
        }
    }
    let answered = (out(&arena) - before) / fronts.len() as u64;
    assert!(answered < 10_000, "{answered}");
    arena.assert_all(
        "GRAFT and digest storm",
        &format!("20,000 packets on each of {} links, answered with {answered} bytes each", fronts.len()),
    );
}

fn a_flood_of_joins_leaves_the_swarm_as_it_is(size: Size) {
    let mut arena = Arena::new(size);
    for n in 0..5000u32 {
        for (evil, to) in arena.fronts() {
            let n = n + 5000 * evil as u32;
            let origin = hostile::stranger(n).address();
            let goal = [Goal::Successor, Goal::Predecessor, Goal::Point(origin)][n as usize % 3];
            let request = Request { need: true, ..asked(n, goal, arena.now) };
            arena.say((evil, to), &Packet::Signalling(signalling::Packet::Request(Box::new(request))));
        }
        if n % 100 == 0 {
            arena.run(Duration::from_millis(20));
        }
    }
    let refused = arena.dropped("neighbor above its rate");
    let conns =
        arena.honest().map(|peer| arena.peers[peer].parts.links.conns().len()).max().unwrap_or_default();
    assert!(conns <= size.max_peers + 6, "{conns}");
    // In the same second, hand-overs are still under way.
    let (came, sent) = arena.honest_traffic();
    println!("| join flood | {came} of {sent} | the moment after |");
    assert_eq!(came, sent);
    arena.assert_all(
        "twenty seconds later",
        &format!("5,000 requests on each link, {refused} refused, at most {conns} connections"),
    );
    let newcomer = arena.join(Config { max_peers: size.max_peers, ..config() });
    arena.run(Duration::from_secs(10));
    assert!(!arena.connects(newcomer).is_empty(), "who really wants to join still can");
}

/// 100,000 messages a second: a hundred times what one key may say.
fn a_flooder_at_a_hundred_times_the_limit_is_cut_off(size: Size) {
    let mut arena = Arena::new(size);
    arena.forget();
    let began = arena.now;
    // Made once, for time's sake: each neighbor gets the same 6,000 and then copies that it must look at, too.
    let flood = |evil| (0..6000).map(|n| said(key(evil), n, None, b"flood", began).0).collect();
    let floods: Vec<Vec<_>> = arena.evil().map(flood).collect();
    let mut sent = 0u64;
    let cut_off = loop {
        let fronts = arena.fronts();
        if fronts.is_empty() {
            break arena.now - began;
        }
        for _ in 0..100 {
            for &(evil, to) in &fronts {
                let packet = floods[evil - size.honest][sent as usize % 6000].clone();
                arena.say((evil, to), &Packet::Broadcast(packet));
            }
            sent += 1;
        }
        if sent.is_multiple_of(10_000) {
            for from in arena.honest() {
                arena.send(from, None, &format!("{from} at {sent}"));
            }
        }
        arena.run(Duration::from_millis(1));
        assert!(arena.now - began < Duration::from_secs(10), "never cut off");
    };
    // What was let through is passed on no faster than anything else: until it is, it is heard.
    let heard = |arena: &Arena, peer: usize| {
        arena.received(peer).into_iter().filter(|it: &Received| it.payload.0 == b"flood").count()
    };
    let all_heard = |arena: &Arena| arena.honest().map(|peer| heard(arena, peer)).sum::<usize>();
    let mut before = None;
    while before != Some(all_heard(&arena)) {
        before = Some(all_heard(&arena));
        arena.run(Duration::from_secs(10));
        assert!(arena.now - began < Duration::from_secs(120), "the flood never ends");
    }
    let flooded = arena.honest().map(|peer| heard(&arena, peer)).max().unwrap_or_default();
    let (mut came, mut expected) = (0, 0);
    for peer in arena.honest() {
        let texts: std::collections::BTreeSet<_> = arena.texts(peer).into_iter().collect();
        for mark in (10_000..=sent / 10_000 * 10_000).step_by(10_000) {
            for from in arena.honest().filter(|&from| from != peer) {
                expected += 1;
                came += usize::from(texts.contains(&format!("{from} at {mark}")));
            }
        }
    }
    println!(
        "| flooders at 100 times the limit | {came} of {expected} during the flood | cut off after {:.2} s and {sent} \
         messages on each link; {flooded} delivered at most; {} |",
        cut_off.as_secs_f64(),
        arena.cost()
    );
    assert!(came * 1000 >= expected * 999 && expected > 0, "{came} of {expected}");
    assert!(flooded <= size.evil * (4000 + 1000 * (cut_off.as_secs() as usize + 1)));
    arena.assert_all("after the flood", "the flooders have no link");
}

/// Whose keys a flood is of.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Keys {
    /// The attackers' own.
    Own,
    /// A hundred of each attacker that said something before.
    Known,
    /// Another one for each message.
    New,
    /// The attackers' own, with one proof for 256 messages.
    Along,
}

/// What the attackers say in two seconds, at so many messages a second on each link, as the honest go on talking.
fn floods_below_at_and_above_the_limits_drown_nobody(size: Size) {
    for keys in [Keys::Own, Keys::Known, Keys::New, Keys::Along] {
        for &per_second in size.floods {
            flood(size, keys, per_second);
        }
    }
}

fn flood(size: Size, keys: Keys, per_second: u32) {
    let mut arena = Arena::new(size);
    let speak = |evil: usize, n: u32, at: Instant| {
        let number = match keys {
            Keys::Own | Keys::Along => return said(key(evil), n, None, b"flood", at).0,
            Keys::Known => n % 100,
            Keys::New => n,
        };
        said_by(&stranger(100_000 * evil + number as usize), n, None, b"flood", at).0
    };
    // Everybody has said something.
    for from in arena.honest() {
        arena.send(from, None, "hello");
    }
    if keys == Keys::Known {
        for n in 0..100 {
            for (evil, to) in arena.fronts() {
                let packet = speak(evil, u32::MAX - n, arena.now);
                arena.say((evil, to), &Packet::Broadcast(packet));
            }
        }
    }
    arena.run(Duration::from_secs(5));
    arena.forget();
    let bytes = |arena: &Arena| arena.honest().map(|peer| arena.peers[peer].stats().bytes_in).sum::<u64>();
    let (began, before) = (arena.now, bytes(&arena));
    let mut trees: Vec<_> = arena.evil().map(|evil| said_along(key(evil), began)).collect();
    let mut sent = Vec::new();
    let mut n = 0;
    for ms in 0..2000u32 {
        while n < (ms + 1) * per_second / 1000 {
            n += 1;
            let mut speak = |evil: usize| match keys {
                Keys::Along => trees[evil - size.honest].next().expect("there is always more"),
                Keys::Own | Keys::Known | Keys::New => speak(evil, n, began),
            };
            let packets: Vec<_> = arena.evil().map(&mut speak).collect();
            for (evil, to) in arena.fronts() {
                arena.say((evil, to), &Packet::Broadcast(packets[evil - size.honest].clone()));
            }
        }
        if ms % 500 == 499 {
            for from in arena.honest() {
                let text = format!("{from} at {ms}");
                arena.send(from, None, &text);
                sent.extend(arena.honest().filter(|&to| to != from).map(|to| (to, text.clone())));
                let to = (from + 1) % size.honest;
                let text = format!("{from} at {ms}, only you");
                arena.send(from, Some(to), &text);
                sent.push((to, text));
            }
        }
        arena.run(Duration::from_millis(1));
    }
    let left = arena.fronts().len();
    let spent = (bytes(&arena) - before) / (2 * size.honest as u64);
    arena.run(Duration::from_secs(20));
    let texts: Vec<Vec<String>> = (0..size.honest).map(|peer| arena.texts(peer)).collect();
    let came = sent.iter().filter(|(to, text)| texts[*to].contains(text)).count();
    let heard = texts.iter().map(|texts| texts.iter().filter(|it| *it == "flood").count()).max();
    println!(
        "| flood of {per_second} messages/s on each link, keys: {keys:?} | {came} of {} | {left} links left at its end; at \
         most {} heard; {} kB/s for each honest peer; {} |",
        sent.len(),
        heard.unwrap_or_default(),
        spent / 1000,
        arena.cost()
    );
    assert_eq!(came, sent.len(), "{keys:?} at {per_second}/s");
}

/// Each attacker promises sixteen megabytes, again and again, by keys that were heard before, and has nothing.
fn headers_of_payloads_that_never_come_keep_no_large_message_out(size: Size) {
    let mut arena = Arena::new(size);
    let swarm = SwarmTag::of_topic("t");
    let promised = |n: u32, at| {
        let who = stranger(n as usize % 500);
        let broadcast::Packet::Data { header, .. } = said_by(&who, n, None, b"", at).0 else {
            panic!("that is what it makes")
        };
        let header = header.promising(16 << 20, &who, &swarm);
        Packet::Broadcast(broadcast::Packet::Header { hops: 1, header: Box::new(header) })
    };
    for n in 0..6500 {
        let packet = match n {
            0..500 => Packet::Broadcast(said_by(&stranger(n as usize), n, None, b"hello", arena.now).0),
            _ => promised(n, arena.now),
        };
        for front in arena.fronts() {
            arena.say(front, &packet);
        }
        arena.run(Duration::from_millis(1));
    }
    arena.forget();
    for from in arena.honest() {
        let payload = Bytes(vec![from as u8; 3000]);
        arena.with(from, |peer, now| peer.send(None, payload, now)).expect("it may be sent");
        arena.run(Duration::from_millis(20));
    }
    arena.run(Duration::from_secs(10));
    let large = |peer| arena.received(peer).iter().filter(|it| it.payload.0.len() == 3000).count();
    let came = arena.honest().map(large).sum::<usize>();
    let missing =
        arena.honest().map(|peer| arena.peers[peer].parts.messaging.sizes().0[3]).max().unwrap_or_default();
    let due = size.honest * (size.honest - 1);
    println!(
        "| headers without payloads | {came} of {due} of 3 kB | at most {missing} promises kept in mind; {} |",
        arena.cost()
    );
    assert_eq!(came, due);
    arena.assert_all("after them", "6,000 on each link");
}

/// Ten kilobytes to somebody who takes them and says nothing.
fn who_does_not_acknowledge_costs_others_little(size: Size) {
    let mut arena = Arena::new(size);
    let to = size.honest;
    arena.send(0, Some(to), "so that its key is known");
    arena.run(Duration::from_secs(3));
    arena.tap(move |from, _, packet| match packet {
        Packet::Direct(direct::Packet::Acknowledgement(_)) if from == to => Vec::new(),
        packet => vec![packet],
    });
    let bytes = |arena: &Arena| arena.honest().map(|peer| arena.peers[peer].stats().bytes_in).sum::<u64>();
    let in_40_s = |arena: &mut Arena, text: Option<&str>| {
        let before = bytes(arena);
        text.map(|text| arena.send(0, Some(to), text));
        arena.run(Duration::from_secs(40));
        bytes(arena) - before
    };
    let idle = in_40_s(&mut arena, None);
    let spent = in_40_s(&mut arena, Some(&"x".repeat(10_000))) - idle;
    println!(
        "| a recipient that does not acknowledge 10 kB | | {spent} bytes in all, on {} peers |",
        size.honest
    );
    // Four tries, at most four links long in the small swarm and six in the larger, and the search.
    assert!(spent < 10_500 * 4 * 6 + 400 * (size.honest * size.max_peers) as u64, "{spent}");
}

/// They pass nothing on, and say that they are next to everybody, each other included, to be sent more.
fn those_who_forward_nothing_and_vouch_for_each_other_swallow_nothing(size: Size) {
    let mut arena = Arena::new(size);
    let everybody: Vec<_> = (0..arena.peers.len()).map(|peer| arena.address(peer)).collect();
    for evil in arena.evil() {
        arena.peers[evil].set_silent(true);
    }
    let lie = move |from: usize, packet: Packet| match packet {
        Packet::View(topology::Packet::Own(_)) if from >= size.honest => {
            Packet::View(topology::Packet::Own(list_naming(&everybody)))
        }
        packet => packet,
    };
    arena.tap(move |from, _, packet| vec![lie(from, packet)]);
    // What they say of themselves is heard now, not at the next change.
    let everybody: Vec<_> = (0..arena.peers.len()).map(|peer| arena.address(peer)).collect();
    for front in arena.fronts() {
        arena.say(front, &Packet::View(topology::Packet::Own(list_naming(&everybody))));
    }
    arena.run(Duration::from_secs(1));
    let fronts = arena.fronts().len();
    arena.assert_all("silent, and vouching for each other", &format!("{fronts} links led to them"));
}

/// One attacker with as many keys as there are honest peers, half of them chosen to be next to its victim on the
/// ring; they pass nothing on. Nothing keeps them from taking all of the victim's links: that is an eclipse.
fn many_keys_around_one_peer_leave_the_others_most_of_what_they_say(size: Size) {
    let swarms = if size.honest > 10 { 2 } else { 40 };
    let all: Vec<_> = (0..swarms).map(|n| surrounded(Arena::salted(size, n * 5))).collect();
    let total = size.rounds * size.honest.pow(2);
    let mean = |of: fn(&Surrounded) -> usize| all.iter().map(of).sum::<usize>() / all.len();
    let others = mean(|swarm| swarm.lost_of_others);
    println!(
        "| as many false keys as honest peers, half of them around one, {swarms} swarms | {} of {total} on average; \
         {others} lost where the victim is neither end | {} of {} links of the honest lead to each other, {} of the \
         victims |",
        mean(|swarm| swarm.arrived),
        mean(|swarm| swarm.honest_links),
        mean(|swarm| swarm.links),
        mean(|swarm| swarm.at_victim),
    );
    assert!(others * 10 <= total, "{others} of {total}");
}

struct Surrounded {
    arrived: usize,
    lost_of_others: usize,
    honest_links: usize,
    links: usize,
    at_victim: usize,
}

fn surrounded(mut arena: Arena) -> Surrounded {
    let size = arena.size;
    let victim = arena.address(0);
    let mut keys: Vec<_> = (0..2000u32)
        .map(|n| {
            let mut secret = [0xee; 32];
            secret[..4].copy_from_slice(&n.to_be_bytes());
            Identity::from_secret(secret)
        })
        .collect();
    keys.sort_by(|a, b| crate::proto::ring::nearer(&victim, &a.address(), &b.address()));
    let elsewhere = keys.split_off(size.honest / 2).into_iter().step_by(40).take(size.honest / 2);
    for identity in keys.into_iter().chain(elsewhere) {
        let sybil = arena.join_as(Config { max_peers: size.max_peers, ..config() }, identity);
        arena.peers[sybil].set_silent(true);
    }
    for evil in arena.evil() {
        arena.peers[evil].set_silent(true);
    }
    arena.run(Duration::from_secs(60));
    let is_honest =
        |arena: &Arena, address: &Address| arena.honest().any(|peer| arena.address(peer) == *address);
    let honest_links = |arena: &Arena, peer: usize| {
        arena.peers[peer].neighbors().filter(|address| is_honest(arena, address)).count()
    };
    let at_victim = honest_links(&arena, 0);
    let all: usize = arena.honest().map(|peer| honest_links(&arena, peer)).sum();
    let links: usize = arena.honest().map(|peer| arena.peers[peer].link_count()).sum();
    let lost = arena.lost_of_honest_traffic();
    let total = size.rounds * size.honest.pow(2);
    Surrounded {
        arrived: total - lost.len(),
        lost_of_others: lost.iter().filter(|(a, b)| a.min(b) > &0).count(),
        honest_links: all,
        links,
        at_victim,
    }
}

/// Trackers bring a hundred offers a second to every peer, of newcomers that do not exist, before a true one comes
/// and after.
fn a_flood_of_offers_from_trackers_keeps_nobody_out(size: Size) {
    let mut n = 0;
    let mut flood = |arena: &mut Arena, offers: u32| {
        for to in 0..arena.peers.len() {
            for _ in 0..offers {
                n += 1;
                let text = tracker_offer(&arena.peers[to], n, 2, arena.now);
                arena.with(to, |peer, now| peer.handle(Input::TrackerMessage(TrackerId(0), text), now));
            }
        }
        arena.run(Duration::from_millis(100));
    };
    let mut join = |arena: &mut Arena, offers: u32| {
        (0..30).for_each(|_| flood(arena, offers));
        let peer = arena.join(Config { max_peers: size.max_peers, ..config() });
        let began = arena.now;
        while arena.connects(peer).is_empty() {
            flood(arena, offers);
            assert!(arena.now - began < Duration::from_secs(60), "kept out");
        }
        (arena.now - began).as_secs_f64()
    };
    let mut arena = Arena::new(size);
    let (calm, stormy) = (join(&mut arena, 0), join(&mut arena, 10));
    let conns =
        arena.honest().map(|peer| arena.peers[peer].parts.links.conns().len()).max().unwrap_or_default();
    assert!(conns <= size.max_peers + 6, "{conns}");
    arena.assert_all(
        "offers from trackers",
        &format!(
            "100 false offers a second to each peer; at most {conns} connections; a newcomer has its first link after \
             {stormy:.1} s, without the flood after {calm:.1} s",
        ),
    );
}

/// A tracker that sits between two peers: it gives each its own certificate.
#[test]
fn a_tracker_in_the_middle_gets_no_link() {
    let mut world = World::new();
    let a = world.join(config());
    world.run(Duration::from_secs(1));
    let id = *world.peers[a].parts.links.conns().keys().next().expect("offers are kept ready");
    let elsewhere = Identity::from_secret([90; 32]);
    // The middle answers with its own certificate and passes the Hello of another peer on, made for another link.
    let answer = description(99, 9);
    world.with(a, |peer, now| assert!(peer.is_answered(id, elsewhere.address(), answer, now)));
    let now = world.now;
    world.peers[a].handle(Input::ConnOpened(id), now);
    let ours = std::iter::from_fn(|| world.peers[a].poll_output()).find_map(|output| match output {
        Output::ConnSend(_, Bytes(frame)) => {
            Inbox::default().packets(&frame, usize::MAX).expect("a good frame").pop()
        }
        _ => None,
    });
    let Some(Packet::Hello(ours)) = ours else { panic!("both say hello first") };
    let secret = SwarmSecret::public(SwarmId::of_topic("t"));
    let binding = Binding { local_fingerprint: &[1; 32], remote_fingerprint: &[2; 32] };
    let (mut there, hello) = Admission::new(
        &secret,
        &elsewhere,
        [1; 16],
        None,
        &Abilities::default(),
        binding,
        &mut Random::new([3; 32]),
    );
    world.say_on(a, id, &Packet::Hello(hello));
    // The other peer is a member and proves it, over the certificates that it sees.
    let confirm = there.receive(&ours, &elsewhere).expect("a good hello");
    world.say_on(a, id, &Packet::Confirm { confirm, linked: false });
    assert_eq!(world.connects(a), []);
    assert_eq!(world.peers[a].stats().dropped.get(&"admission"), Some(&1));
    println!("| tracker in the middle, replayed handshake | no link | counted as `admission` |");
}

/// Two swarms whose descriptions reach each other all the same: another topic, another secret, and none.
#[test]
fn another_secret_or_topic_makes_no_link_and_is_counted() {
    let private = |secret: u8, topic| {
        let swarm = SwarmId::of_topic(topic);
        Config { secret: Some(SwarmSecret::private(swarm, &[secret; 32])), ..config() }
    };
    let public = |topic| Config { swarm: SwarmId::of_topic(topic), ..config() };
    for (name, ours, theirs, cause) in [
        ("wrong secret", private(1, "t"), private(2, "t"), "tracker offer"),
        ("no secret", private(1, "t"), public("t"), "tracker offer"),
        // Everybody can read descriptions of a public swarm, but they are signed for that one.
        ("wrong topic", public("t"), public("u"), "forged request"),
    ] {
        let mut world = World::new();
        let (a, b) = (world.join(ours), world.join(theirs));
        world.run(Duration::from_secs(20));
        assert_eq!((world.connects(a), world.connects(b)), (vec![], vec![]), "{name}");
        let of = |peer: usize| world.peers[peer].stats().dropped.get(&cause).copied().unwrap_or_default();
        assert!(of(a) > 0 && of(b) > 0, "{name}: {:?}", world.peers[a].stats().dropped);
        println!("| {name} | no link | counted as `{cause}` by both |");
    }
}
