use super::*;
use crate::proto::messaging::message::Draft;
use crate::proto::secret::SwarmTag;

const T0: Instant = Instant::from_millis(1_000_000);
/// This peer, at the top of a ring of 256 places.
const ME: Address = place(0);

// The first hop.

#[test]
fn a_neighbor_gets_its_message_itself() {
    let (mut direct, message) = (Direct::default(), message(40));
    direct.send(message.clone(), paths(&[link(30), link(40), link(50)]), T0);
    assert_eq!(direct.drain(), [(place(40), packet(&message, &[], 1))]);
}

#[test]
fn a_learned_parent_is_preferred_to_what_looks_nearer() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(39), link(100)];
    let learned = Paths { learned: Some(place(100)), ..paths(&known) };
    direct.send(message.clone(), learned, T0);
    assert_eq!(direct.drain(), [(place(100), packet(&message, &[], 1))]);
}

#[test]
fn a_learned_parent_that_is_no_link_any_more_is_not_asked() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(39), beyond(100, 39, 2)];
    let learned = Paths { learned: Some(place(100)), ..paths(&known) };
    direct.send(message.clone(), learned, T0);
    assert_eq!(direct.drain(), [(place(39), packet(&message, &[], 1))]);
}

#[test]
fn otherwise_the_path_goes_through_the_neighbor_whose_view_reaches_nearest() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(60), link(200), beyond(39, 200, 2), beyond(55, 60, 2)];
    direct.send(message.clone(), paths(&known), T0);
    assert_eq!(direct.drain(), [(place(200), packet(&message, &[], 1))]);
}

#[test]
fn of_equal_paths_the_faster_is_taken() {
    let (mut direct, message) = (Direct::default(), message(40));
    let slow = Known { rtt: 900.0, ..link(39) };
    direct.send(message.clone(), paths(&[slow, link(41)]), T0);
    assert_eq!(direct.drain()[0].0, place(41));
}

#[test]
fn at_a_gap_of_the_ring_the_nearest_neighbor_leads_round_it() {
    let (mut direct, message) = (Direct::default(), message(10));
    direct.send(message.clone(), paths(&[link(100), link(220)]), T0);
    assert_eq!(direct.drain(), [(place(220), packet(&message, &[], 1))]);
}

#[test]
fn a_recipient_that_had_all_along_what_was_sent_again_has_longer_the_next_time() {
    for twice in [false, true] {
        let (mut direct, known) = (Direct::default(), [link(39)]);
        let [first, second] = [1, 2].map(|size| sized(40, size));
        direct.send(first.clone(), paths(&known), T0);
        direct.handle_taken(&place(39), first.id, 1, T0);
        assert_eq!(direct.handle_timeout(6, T0 + millis(1600)), [Due::Retry(first.id)]);
        direct.attempt(first.id, paths(&known), T0 + millis(1600));
        let took = direct.handle_acknowledged(&first.id, T0 + millis(3000));
        assert_eq!(took, Some(millis(3000)), "from the first try");
        assert!(direct.retried(&first.id).is_some());
        if twice {
            direct.handle_acknowledged_again(&first.id);
            assert!(direct.retried(&first.id).is_none(), "which counts once");
        }
        let again = T0 + millis(30_000);
        direct.send(second.clone(), paths(&known), again);
        direct.handle_taken(&place(39), second.id, 1, T0);
        let due = again + millis(if twice { 3000 } else { 1500 });
        assert_eq!(direct.handle_timeout(6, due), []);
        assert_eq!(
            direct.handle_timeout(6, due + millis(100)),
            [Due::Retry(second.id)],
            "twice as long, or as ever"
        );
    }
}

// On the way.

#[test]
fn a_relay_confirms_what_it_passes_on_and_adds_itself_to_the_path() {
    let (mut direct, message) = (Direct::default(), message(40));
    direct.relay(place(9), message.clone(), vec![place(7), place(9)], 2, paths(&[link(9), link(40)]), T0);
    let expected =
        [(place(40), packet(&message, &[7, 9], 2)), (place(9), Packet::Taken { id: message.id, attempt: 2 })];
    assert_eq!(direct.drain(), expected);
}

#[test]
fn a_message_never_goes_where_it_has_been() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(9), link(38), link(39), Known { rtt: 1.0, ..beyond(40, 39, 2) }];
    direct.relay(place(9), message.clone(), vec![place(39), place(9)], 1, paths(&known), T0);
    assert_eq!(direct.drain()[0], (place(38), packet(&message, &[39, 9], 1)));
}

#[test]
fn a_relay_that_knows_no_way_gives_the_message_back() {
    let (mut direct, message) = (Direct::default(), message(40));
    let stuck = [(place(9), Packet::Stuck { id: message.id, attempt: 1 })];
    direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&[link(9)]), T0);
    assert_eq!(direct.drain(), stuck);
    assert_eq!(direct.poll_timeout(), None, "and forgets it");

    direct.relay(place(9), message.clone(), vec![place(7); max_hops(6)], 1, paths(&[link(9), link(40)]), T0);
    assert_eq!(direct.drain(), stuck, "it went too far");
}

#[test]
fn a_message_that_comes_round_again_is_given_back() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(9), link(40), link(50)];
    direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&known), T0);
    direct.drain();
    direct.relay(place(50), message.clone(), vec![place(9), place(50)], 1, paths(&known), T0);
    assert_eq!(direct.drain(), [(place(50), Packet::Stuck { id: message.id, attempt: 1 })]);
    direct.relay(place(50), message.clone(), vec![place(50)], 2, paths(&known), T0);
    assert_eq!(direct.drain()[0].0, place(40), "another try is another matter");
}

#[test]
fn a_detour_is_taken_when_the_next_hop_is_stuck() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(9), link(39), link(41)];
    direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&known), T0);
    assert_eq!(direct.drain()[0].0, place(39));
    assert!(!direct.handle_stuck(&place(41), message.id, 1), "nobody asked that one");
    assert!(direct.handle_stuck(&place(39), message.id, 1));
    assert!(!direct.handle_stuck(&place(39), message.id, 1), "once");
    direct.reroute(message.id, 1, paths(&known), T0);
    assert_eq!(direct.drain(), [(place(41), packet(&message, &[9], 1))]);
    assert!(direct.handle_stuck(&place(41), message.id, 1));
    direct.reroute(message.id, 1, paths(&known), T0);
    assert_eq!(direct.drain(), [(place(9), Packet::Stuck { id: message.id, attempt: 1 })]);
}

#[test]
fn a_detour_is_taken_when_the_next_hop_does_not_confirm() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(9), link(39), link(41)];
    direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&known), T0);
    assert_eq!(direct.poll_timeout(), Some(T0 + TAKEN));
    assert_eq!(direct.handle_timeout(6, T0 + millis(249)), []);
    assert_eq!(direct.handle_timeout(6, T0 + TAKEN), [Due::Reroute(message.id, 1)]);
}

/// A page that is busy was sent round by its neighbors, each with a copy, and was busier by that.
#[test]
fn who_confirms_late_is_given_longer_the_next_time_up_to_a_bound() {
    let mut direct = Direct::default();
    let known = [link(9), link(39), link(41)];
    let wait = |direct: &mut Direct, takes: Option<u64>, at: u64| {
        let (message, now) = (sized(40, at as usize % 90), T0 + millis(at));
        direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&known), now);
        let relay = direct.relays.get(&(message.id, 1)).expect("it is under way");
        let (via, until) = relay.waiting.expect("it is to be confirmed");
        assert_eq!(via, place(39));
        if let Some(takes) = takes {
            direct.handle_taken(&place(39), message.id, 1, now + millis(takes));
        }
        direct.relays = Map::new();
        (until - now).as_millis()
    };
    assert_eq!(wait(&mut direct, Some(1000), 1), 250);
    let longer = wait(&mut direct, Some(1000), 2);
    assert!((1000..=4000).contains(&longer), "{longer}");
    // Who says nothing at all has no longer by that.
    assert!(wait(&mut direct, None, 3) <= longer);
    for at in 4..20 {
        wait(&mut direct, Some(60_000), at);
    }
    assert_eq!(wait(&mut direct, None, 20), 250 * u128::from(TAKEN_MOST));
    direct.handle_unlinked(&place(39), T0);
    assert_eq!(wait(&mut direct, None, 21), 250, "another link, another time");
}

/// Its own word of it may be behind the timer, and the others of its machine are as busy.
#[test]
fn a_page_whose_timers_ring_late_waits_longer_and_not_for_ever() {
    let (mut direct, known) = (Direct::default(), [link(9), link(39), link(41)]);
    let wait = |direct: &mut Direct, size: usize, now: Instant| {
        let message = sized(40, size);
        direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&known), now);
        let (_, until) =
            direct.relays.get(&(message.id, 1)).and_then(|relay| relay.waiting).expect("to be confirmed");
        until - now - transfer_time(message.header.size)
    };
    assert_eq!(wait(&mut direct, 1, T0), TAKEN);
    let due = direct.poll_timeout().expect("it is to be confirmed");
    direct.handle_timeout(6, due + millis(500));
    assert_eq!(wait(&mut direct, 2, T0 + millis(800)), TAKEN + millis(500) * LATENESS);
    direct.handle_timeout(6, T0 + millis(20_000));
    assert_eq!(wait(&mut direct, 3, T0 + millis(20_001)), TAKEN_LONGEST);
    assert_eq!(wait(&mut direct, 4, T0 + millis(20_001) + LATELY), TAKEN, "that was long ago");
}

#[test]
fn a_neighbor_that_has_its_message_is_not_sent_it_again_while_its_link_lives() {
    for ends in [false, true] {
        let (mut direct, message) = (Direct::default(), message(40));
        direct.send(message.clone(), paths(&[link(39), link(40)]), T0);
        direct.drain();
        direct.handle_taken(&place(40), message.id, 1, T0 + millis(50));
        assert_eq!(direct.handle_timeout(6, T0 + ACKNOWLEDGED), []);
        let later = T0 + millis(9000);
        assert_eq!(direct.handle_timeout(6, later), []);
        if ends {
            direct.handle_unlinked(&place(40), later);
            assert_eq!(direct.handle_timeout(6, later), [Due::Retry(message.id)]);
            continue;
        }
        let end = T0 + ACKNOWLEDGED * 2 + ACKNOWLEDGED * 4 + LAST_RESORT;
        assert_eq!(direct.handle_timeout(6, just_before(end)), []);
        let failed = Due::Failed { message: Box::new(message), stuck: false };
        assert_eq!(direct.handle_timeout(6, end), [failed], "as late as ever");
    }
}

#[test]
fn a_hop_that_confirms_is_trusted_and_in_the_end_forgotten() {
    let (mut direct, message) = (Direct::default(), message(40));
    direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&[link(9), link(39)]), T0);
    direct.handle_taken(&place(41), message.id, 1, T0);
    assert_eq!(direct.poll_timeout(), Some(T0 + TAKEN), "that was another's word");
    direct.handle_taken(&place(39), message.id, 1, T0);
    assert_eq!(direct.poll_timeout(), Some(T0 + RELAY));
    assert_eq!(direct.handle_timeout(6, T0 + RELAY), []);
    assert_eq!(direct.poll_timeout(), None);
}

#[test]
fn a_slow_link_has_longer_to_confirm() {
    let (mut direct, message) = (Direct::default(), message(40));
    let slow = Known { rtt: 400.0, ..link(40) };
    direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&[link(9), slow]), T0);
    assert_eq!(direct.poll_timeout(), Some(T0 + millis(800)));
}

#[test]
fn a_link_that_is_gone_is_not_waited_for() {
    let (mut direct, message) = (Direct::default(), message(40));
    direct.relay(place(9), message.clone(), vec![place(9)], 1, paths(&[link(9), link(39)]), T0);
    direct.handle_unlinked(&place(39), T0 + millis(10));
    assert_eq!(direct.handle_timeout(6, T0 + millis(10)), [Due::Reroute(message.id, 1)]);
}

#[test]
fn no_more_messages_are_under_way_through_here_than_allowed() {
    let mut direct = Direct::default();
    let one = message(40);
    for n in 0..MAX_RELAYED as u32 + 10 {
        let mut id = [1; 20];
        id[..4].copy_from_slice(&n.to_be_bytes());
        let message = one.clone().altered(|message| message.id = MessageId(id));
        direct.relay(
            place(9),
            message,
            vec![place(9)],
            1,
            paths(&[link(9), link(40)]),
            T0 + millis(n.into()),
        );
    }
    assert_eq!(direct.relays.len(), MAX_RELAYED);
    assert!(direct.relays.keys().all(|(id, _)| id.0[..4] >= 10u32.to_be_bytes()[..]), "the oldest gave way");
}

// Tries.

#[test]
fn every_try_goes_through_another_neighbor_until_the_whole_swarm_is_asked() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(38), link(39), link(41), link(42)];
    direct.send(message.clone(), paths(&known), T0);
    let mut first_hops = vec![direct.drain()[0].0];
    let mut now = T0;
    for (attempt, pause) in [(2, 1500), (3, 1500), (4, 3000)] {
        direct.handle_taken(&first_hops[first_hops.len() - 1], message.id, attempt - 1, T0);
        now = now + millis(pause);
        assert_eq!(direct.handle_timeout(6, now), [Due::Retry(message.id)]);
        direct.attempt(message.id, paths(&known), now);
        let [(first, sent)] = &direct.drain()[..] else { panic!("one packet a try") };
        assert_eq!(*sent, packet(&message, &[], attempt));
        first_hops.push(*first);
    }
    direct.handle_taken(&first_hops[3], message.id, 4, T0);
    first_hops.sort();
    assert_eq!(first_hops, [38, 39, 41, 42].map(place));

    now = now + millis(3000);
    assert_eq!(direct.handle_timeout(6, now), [Due::LastResort(Box::new(message.clone()))]);
    assert!(direct.pending(&message.id).is_some(), "it may still be acknowledged");
    assert_eq!(direct.handle_timeout(6, just_before(now + LAST_RESORT)), []);
    let failed = Due::Failed { message: Box::new(message.clone()), stuck: false };
    assert_eq!(direct.handle_timeout(6, now + LAST_RESORT), [failed]);
    assert!(direct.pending(&message.id).is_none());
}

#[test]
fn without_any_way_the_tries_follow_each_other_quickly_and_the_failure_says_so() {
    let (mut direct, message) = (Direct::default(), message(40));
    direct.send(message.clone(), paths(&[]), T0);
    let mut now = T0;
    for _ in 1..TRIES {
        now = now + TAKEN;
        assert_eq!(direct.handle_timeout(6, now), [Due::Retry(message.id)]);
        direct.attempt(message.id, paths(&[]), now);
    }
    now = now + TAKEN;
    assert_eq!(direct.handle_timeout(6, now), [Due::LastResort(Box::new(message.clone()))]);
    let failed = Due::Failed { message: Box::new(message), stuck: true };
    assert_eq!(direct.handle_timeout(6, now + LAST_RESORT), [failed]);
    assert_eq!(direct.drain(), []);
}

#[test]
fn on_a_ring_of_two_links_each_a_message_may_cross_more_links_and_has_more_time() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(9), link(39)];
    let ring = Paths { max_peers: 2, ..paths(&known) };
    direct.relay(place(9), message.clone(), vec![place(7); max_hops(6)], 1, ring, T0);
    assert_eq!(direct.drain()[0].0, place(39), "where others have more links it would have gone too far");
    direct.relay(place(9), message.clone(), vec![place(7); max_hops(2)], 2, ring, T0);
    assert_eq!(direct.drain(), [(place(9), Packet::Stuck { id: message.id, attempt: 2 })]);

    let (mut direct, mut now) = (Direct::default(), T0);
    direct.send(message.clone(), ring, T0);
    for (attempt, wait) in (1..).zip([1, 1, 2, 2]) {
        let next = direct.drain()[0].0;
        direct.handle_taken(&next, message.id, attempt, T0);
        let wait = patient(ACKNOWLEDGED * wait, 2);
        assert_eq!(direct.handle_timeout(2, just_before(now + wait)), []);
        now = now + wait;
        match &direct.handle_timeout(2, now)[..] {
            [Due::Retry(id)] => direct.attempt(*id, ring, now),
            due => assert_eq!(due, [Due::LastResort(Box::new(message.clone()))]),
        }
    }
    assert_eq!(direct.handle_timeout(2, just_before(now + patient(LAST_RESORT, 2))), []);
}

#[test]
fn a_try_that_comes_to_its_end_early_is_followed_by_the_next_at_once() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(39)];
    direct.send(message.clone(), paths(&known), T0);
    assert!(direct.handle_stuck(&place(39), message.id, 1));
    direct.reroute(message.id, 1, paths(&known), T0);
    assert_eq!(direct.handle_timeout(6, T0 + TAKEN), [Due::Retry(message.id)]);
}

#[test]
fn a_large_message_has_longer_to_arrive() {
    let (mut direct, message) = (Direct::default(), sized(40, 100_000));
    direct.send(message.clone(), paths(&[link(40)]), T0);
    assert_eq!(direct.poll_timeout(), Some(T0 + TAKEN + Duration::from_secs(1)));
    direct.handle_taken(&place(40), message.id, 1, T0);
    assert_eq!(direct.poll_timeout(), Some(T0 + ACKNOWLEDGED + Duration::from_secs(3)));
}

#[test]
fn an_acknowledged_message_is_over() {
    let (mut direct, message) = (Direct::default(), message(40));
    direct.send(message.clone(), paths(&[link(40)]), T0);
    assert_eq!(direct.handle_acknowledged(&message.id, T0 + millis(70)), Some(millis(70)));
    assert_eq!(direct.handle_acknowledged(&message.id, T0 + millis(80)), None, "once");
    assert_eq!(direct.poll_timeout(), None);
    assert_eq!(direct.handle_timeout(6, T0 + Duration::from_secs(60)), []);
}

#[test]
fn what_is_given_up_is_named_but_not_the_questions_for_keys() {
    let mut direct = Direct::default();
    let (page, query) = (message(40), signed(41, 1, Kind::KeyQuery));
    for message in [&page, &query] {
        direct.send(message.clone(), paths(&[link(40)]), T0);
    }
    assert_eq!(direct.take_pending(), [page.id]);
    assert_eq!(direct.take_pending(), []);
}

#[test]
fn a_neighbor_whose_paths_came_to_nothing_is_passed_over_for_a_while() {
    let mut direct = Direct::default();
    let known = [link(39), link(42)];
    for n in 1..=5 {
        let message = sized(40, n);
        direct.send(message.clone(), paths(&[link(39)]), T0);
        direct.handle_taken(&place(39), message.id, 1, T0);
    }
    assert_eq!(direct.handle_timeout(6, T0 + ACKNOWLEDGED + millis(1)).len(), 5);
    direct.drain();
    direct.send(message(40), paths(&known), T0);
    assert_eq!(direct.drain()[0].0, place(42));
}

#[test]
fn the_neighbor_that_led_there_gets_the_credit_and_the_one_before_it_does_not() {
    let (mut direct, message) = (Direct::default(), message(40));
    let known = [link(39), link(42)];
    direct.send(message.clone(), paths(&known), T0);
    assert_eq!(direct.drain()[0].0, place(39));
    assert_eq!(direct.handle_timeout(6, T0 + TAKEN), [Due::Reroute(message.id, 1)]);
    direct.reroute(message.id, 1, paths(&known), T0 + TAKEN);
    assert_eq!(direct.drain()[0].0, place(42));
    direct.handle_acknowledged(&message.id, T0 + millis(400));
    let standing = |n| direct.reputation.get(&place(n)).copied();
    assert!(standing(42) > Some(REPUTATION.0), "{:?}", standing(42));
    assert!(standing(39) < Some(REPUTATION.0), "{:?}", standing(39));
}

#[test]
fn no_neighbor_gets_the_credit_when_it_took_the_whole_swarm() {
    let (mut direct, message) = (Direct::default(), message(40));
    let mut now = T0;
    direct.send(message.clone(), paths(&[link(39)]), now);
    for (attempt, pause) in (1..TRIES).zip([1, 1, 2]) {
        direct.handle_taken(&place(39), message.id, attempt, T0);
        now = now + ACKNOWLEDGED * pause;
        direct.handle_timeout(6, now);
        direct.attempt(message.id, paths(&[link(39)]), now);
    }
    now = now + ACKNOWLEDGED * 2;
    let due = direct.handle_timeout(6, now);
    assert!(due.contains(&Due::LastResort(Box::new(message.clone()))), "{due:?}");
    let before = direct.reputation.get(&place(39)).copied();
    direct.handle_acknowledged(&message.id, now);
    assert_eq!(direct.reputation.get(&place(39)).copied(), before);
    assert!(before < Some(REPUTATION.0));
}

#[test]
fn nothing_is_remembered_of_a_neighbor_that_is_gone() {
    let (mut direct, message) = (Direct::default(), message(40));
    direct.send(message.clone(), paths(&[link(39)]), T0);
    direct.handle_unlinked(&place(39), T0);
    direct.handle_timeout(6, T0 + ACKNOWLEDGED);
    assert_eq!(direct.sizes()[2], 0, "{:?}", direct.reputation);
}

// Back.

#[test]
fn an_acknowledgement_returns_along_the_path_and_shortens_it_where_it_can() {
    let known = [link(2), link(5), link(9)];
    let mut path = [1, 2, 3, 4, 9].map(place).to_vec();
    assert_eq!(Direct::return_hop(&mut path, &place(1), paths(&known)), Some(place(2)));
    assert_eq!(path, [place(1)], "3, 4 and 9 are skipped");
}

#[test]
fn an_acknowledgement_whose_path_is_cut_goes_towards_the_sender() {
    let known = [link(100), link(60), beyond(45, 60, 2)];
    let mut path = [40, 41].map(place).to_vec();
    assert_eq!(Direct::return_hop(&mut path, &place(40), paths(&known)), Some(place(60)));
    assert_eq!(path, []);
    let far = [link(200)];
    assert_eq!(Direct::return_hop(&mut Vec::new(), &place(40), paths(&far)), None, "nobody is nearer");
    let seen = [link(200), beyond(40, 200, 3)];
    assert_eq!(Direct::return_hop(&mut Vec::new(), &place(40), paths(&seen)), Some(place(200)));
}

#[test]
fn an_acknowledgement_without_a_path_goes_where_the_senders_broadcasts_come_from() {
    let known = [link(100), link(39)];
    let from = |learned| Paths { learned: Some(place(learned)), ..paths(&known) };
    assert_eq!(Direct::return_hop(&mut Vec::new(), &place(40), from(100)), Some(place(100)));
    assert_eq!(Direct::return_hop(&mut Vec::new(), &place(40), from(7)), Some(place(39)), "7 is no link");
}

#[test]
fn an_acknowledgement_is_worth_its_signature_only() {
    let (message, swarm, recipient) = (message(40), SwarmTag::of_topic("t"), Identity::from_secret([8; 32]));
    let message = message
        .altered(|message| message.header = message.header.altered(|h| h.to = Some(recipient.address())));
    let word = Acknowledgement::sign(&message, vec![place(1)], 3, &recipient, &swarm);
    assert!(word.verify(&message, &swarm) && word.from() == recipient.address());
    assert!(
        Acknowledgement { path: Vec::new(), ..word.clone() }.verify(&message, &swarm),
        "the way back is not signed"
    );
    for forged in [
        Acknowledgement { hops: 4, ..word.clone() },
        Acknowledgement { key: Identity::from_secret([9; 32]).public_key(), ..word.clone() },
    ] {
        assert!(!forged.verify(&message, &swarm), "{forged:?}");
    }
    assert!(!word.verify(&message, &SwarmTag::of_topic("u")));
    for other in [
        message.clone().altered(|message| message.header = message.header.altered(|h| h.sent_at += 1)),
        sized(40, 1)
            .altered(|message| message.header = message.header.altered(|h| h.to = Some(recipient.address()))),
        message
            .clone()
            .altered(|message| message.header = message.header.altered(|h| h.to = Some(place(40)))),
    ] {
        assert!(!word.verify(&other, &swarm), "it is about one header and its box: {other:?}");
    }
}

// Helpers.

/// One of 256 places on the ring.
const fn place(n: u8) -> Address {
    let mut address = [0; 20];
    address[0] = n;
    Address(address)
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn just_before(at: Instant) -> Instant {
    Instant::from_micros(at.as_micros() - 1)
}

fn link(n: u8) -> Known {
    Known { address: place(n), via: place(n), hops: 1, rtt: 40.0, free: 0 }
}

fn beyond(n: u8, via: u8, hops: u8) -> Known {
    Known { address: place(n), via: place(via), hops, rtt: 40.0 * f32::from(hops), free: 0 }
}

fn paths(known: &[Known]) -> Paths<'_> {
    Paths { me: ME, known, max_peers: 6, learned: None }
}

fn message(to: u8) -> Verified<Message> {
    sized(to, 0)
}

fn sized(to: u8, size: usize) -> Verified<Message> {
    signed(to, size, Kind::Page)
}

fn signed(to: u8, size: usize, kind: Kind) -> Verified<Message> {
    let payload = Payload::from(vec![to; size]);
    let draft = Draft {
        to_claimed: false,
        blinding: [0; 32],
        claimed: None,
        to: Some(place(to)),
        kind,
        nonce: [size as u8; 16],
        payload,
    };
    draft.sign(&Identity::from_secret([7; 32]), &SwarmTag::of_topic("t"), T0)
}

/// A message as it leaves this peer, after these.
fn packet(message: &Message, path: &[u8], attempt: u8) -> Packet {
    let path = path.iter().map(|&n| place(n)).chain([ME]).collect();
    let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
    Packet::Message { header, payload, path, attempt }
}

#[test]
fn the_payloads_under_way_through_here_take_bounded_room() {
    let mut direct = Direct::default();
    let payload = Payload::from(vec![0; MAX_RELAYED_BYTES / 4]);
    let large = message(40).altered(|message| message.payload = payload);
    for n in 0..20u8 {
        let message = large.clone().altered(|message| message.id = MessageId([n; 20]));
        let later = T0 + millis(n.into());
        direct.relay(place(9), message, vec![place(9)], 1, paths(&[link(9), link(40)]), later);
    }
    let held: usize = direct.relays.values().map(|relay| relay.message.payload.0.len()).sum();
    assert!((MAX_RELAYED_BYTES..MAX_RELAYED_BYTES * 3 / 2).contains(&held), "{held}");
    assert!(direct.relays.contains_key(&(MessageId([19; 20]), 1)), "the oldest gave way");
}
