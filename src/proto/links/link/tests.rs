use super::gathering::GATHER;
use super::heart::{ALIVE, BEAT, BUSY, EXPECT, IDLE, LOOK, OWED, PONG, SILENCE, SLEPT};
use super::wire::{FRAME, Frame, MAX_FRAME, encode, frame, part};
use super::*;
use crate::proto::id::{Address, SwarmId};
use crate::proto::links::admission::{Abilities, Confirm, VERSION};
use crate::proto::messaging::{broadcast, direct};
use crate::proto::offer::kit::unsigned;
use crate::proto::request::{Goal, Reason, Request, RequestId};
use crate::proto::secret::SwarmSecret;
use crate::proto::secret::SwarmTag;
use crate::proto::{signalling, topology};
use crate::testkit::description::End;

const T0: Instant = Instant::from_millis(1_000_000);
const MAX: usize = 1 << 20;

// Before the channel.

#[test]
fn an_offer_is_worth_sending_when_all_candidates_are_gathered() {
    let (mut link, mut out) = offering();
    assert_eq!(out.pop_front(), Some(Output::ConnOffer(ConnId(1))));
    assert!(matches!(link.handle_described(&sdp(1, "actpass"), T0), Ok(Happened::Nothing)));
    assert!(!link.is_offered() && link.description().is_none());
    assert!(matches!(link.handle_gathered(T0), Happened::Described));
    assert!(link.is_offered() && link.description().is_some());
    assert!(!link.is_taken_up(), "it holds no slot until somebody takes it up");
    assert!(matches!(link.handle_gathered(T0), Happened::Nothing), "once");
}

#[test]
fn a_description_that_comes_after_the_last_candidate_waits_for_nothing() {
    let (mut link, _) = offering();
    assert!(matches!(link.handle_gathered(T0), Happened::Nothing));
    assert!(matches!(link.handle_described(&sdp(1, "actpass"), T0), Ok(Happened::Described)));
    assert!(link.is_offered() && link.description().is_some());
}

#[test]
fn a_description_is_not_held_back_by_a_slow_candidate() {
    let (mut link, mut out) = offering();
    link.handle_described(&sdp(1, "actpass"), T0).unwrap();
    assert_eq!(link.poll_timeout(), Some(T0 + GATHER));
    assert!(matches!(link.tick(T0 + GATHER, &mut out), Ok(Happened::Described)));
    // What comes later trickles after, each once.
    assert!(matches!(link.handle_candidate(LATE, T0), Happened::Candidate(_)));
    assert!(matches!(link.handle_candidate(LATE, T0), Happened::Nothing));
    assert!(matches!(link.handle_candidate("candidate:nonsense", T0), Happened::Nothing));
}

#[test]
fn a_description_goes_soon_after_the_best_of_its_candidates() {
    let at = |ms| T0 + Duration::from_millis(ms);
    // The machine's own, and no server will tell of others.
    let (mut link, mut out) = offering();
    link.handle_serverless();
    link.handle_described(&sdp(1, "actpass").replace("a=candidate", "a=x"), T0).unwrap();
    assert_eq!(link.poll_timeout(), Some(T0 + GATHER), "there is none yet");
    link.handle_candidate(LATE, at(50));
    assert_eq!(link.poll_timeout(), Some(at(75)));
    assert!(matches!(link.tick(at(75), &mut out), Ok(Happened::Described)));

    // There are servers: what is the machine's own is not enough, what one of them says is.
    let (mut link, mut out) = offering();
    link.handle_described(&sdp(1, "actpass"), T0).unwrap();
    link.handle_candidate(LATE, at(50));
    assert_eq!(link.poll_timeout(), Some(T0 + GATHER));
    link.handle_candidate("candidate:2 1 udp 1 203.0.113.7 5001 typ srflx raddr 0.0.0.0 rport 0", at(100));
    assert_eq!(link.poll_timeout(), Some(at(125)));
    assert!(matches!(link.tick(at(125), &mut out), Ok(Happened::Described)));

    // It waits for no longer than without.
    let (mut link, _) = offering();
    link.handle_serverless();
    link.handle_described(&sdp(1, "actpass"), T0).unwrap();
    link.handle_candidate(LATE, at(20));
    assert_eq!(link.poll_timeout(), Some(at(25)), "one was there");
}

#[test]
fn a_description_without_a_candidate_waits_for_one() {
    let (mut link, mut out) = offering();
    let bare = sdp(1, "actpass").replace("a=candidate", "a=x");
    link.handle_described(&bare, T0).unwrap();
    assert!(matches!(link.tick(T0 + GATHER, &mut out), Ok(Happened::Nothing)));
    assert!(matches!(link.handle_candidate(LATE, T0), Happened::Nothing));
    assert!(matches!(link.tick(T0 + GATHER * 2, &mut out), Ok(Happened::Described)));
    assert_eq!(link.description().map(|it| it.candidates.len()), Some(1));
}

#[test]
fn an_answer_is_taken_once_and_only_to_an_offer() {
    let (mut link, mut out) = offered();
    assert!(link.accept(description(2, "active"), T0, &mut out));
    assert!(matches!(out.pop_back(), Some(Output::ConnAccept(ConnId(1), _))));
    assert!(link.is_taken_up());
    assert!(!link.accept(description(3, "active"), T0, &mut out));
    let (mut early, mut out) = offering();
    assert!(!early.accept(description(2, "active"), T0, &mut out));
    let (mut answering, mut out) = answering();
    assert!(!answering.accept(description(2, "active"), T0, &mut out));
}

#[test]
fn a_remote_candidate_is_added_once_and_only_while_connecting() {
    let candidate = Candidate::parse(LATE).unwrap();
    let (mut link, mut out) = offered();
    out.clear();
    link.add_remote(candidate.clone(), &mut out);
    assert_eq!(out, [], "there is no remote yet");
    link.accept(description(2, "active"), T0, &mut out);
    out.clear();
    link.add_remote(candidate.clone(), &mut out);
    link.add_remote(candidate.clone(), &mut out);
    assert_eq!(out, [Output::ConnCandidate(ConnId(1), candidate.to_text())]);
}

#[test]
fn what_only_one_machine_or_wire_reaches_is_tried_by_who_is_on_it() {
    let near = ["127.0.0.1", "169.254.1.1", "fe80::1"];
    let candidate =
        |place: &str| Candidate::parse(&format!("candidate:1 1 udp 1 {place} 6000 typ host")).unwrap();
    let named = |link: &Link, out: &VecDeque<Output>| {
        let text = format!("{out:?}");
        assert!(link.remote.is_some());
        near.map(|place| text.contains(&format!(" {place} 6000 ")))
    };
    let theirs = |setup| {
        let mut theirs = description(2, setup);
        theirs.candidates.extend(near[..2].iter().map(|place| candidate(place)));
        theirs
    };
    for (own, wanted) in [
        (None, [false, false, false]),
        (Some("127.0.0.9"), [true, false, false]),
        (Some("::1"), [true, false, false]),
        (Some("169.254.9.9"), [false, true, true]),
        (Some("fe80::9"), [false, true, true]),
        (Some("203.0.113.9"), [false, false, false]),
    ] {
        let describe = |setup| {
            let own = own.map(|place| format!("a={}\r\n", candidate(place).to_text()));
            sdp(1, setup) + own.as_deref().unwrap_or_default()
        };
        // Our offer was made before their answer came ...
        let (mut link, mut out) = offering();
        link.handle_described(&describe("actpass"), T0).unwrap();
        link.handle_gathered(T0);
        assert!(link.accept(theirs("active"), T0, &mut out));
        link.add_remote(candidate(near[2]), &mut out);
        assert_eq!(named(&link, &out), wanted, "{own:?}");
        // ... and our answer is made when their offer was taken: what is withheld goes out then.
        let mut out = VecDeque::new();
        let mut link = Link::answer(ConnId(1), theirs("actpass"), T0, &mut out);
        link.add_remote(candidate(near[2]), &mut out);
        assert_eq!(named(&link, &out), [false; 3], "{own:?}");
        link.handle_described(&describe("active"), T0).unwrap();
        assert!(matches!(link.handle_gathered(T0), Happened::Described));
        link.release(&mut out);
        assert_eq!(named(&link, &out), wanted, "{own:?}");
        out.clear();
        link.release(&mut out);
        assert_eq!(out, [], "once");
    }
}

#[test]
fn every_state_before_active_has_a_deadline() {
    let too_slow = |mut link: Link, by: Instant| {
        let mut out = VecDeque::new();
        let mut now = T0;
        while now < by {
            assert!(link.tick(now, &mut out).is_ok(), "too early");
            now = now + Duration::from_millis(100);
        }
        assert!(matches!(link.tick(by, &mut out), Err(Expired::TooSlow)));
        assert!(link.poll_timeout().is_some_and(|at| at <= by));
    };
    too_slow(offering().0, T0 + DESCRIBE);
    too_slow(answering().0, T0 + DESCRIBE);
    too_slow(connecting(1, 2).0, T0 + CONNECT);
    too_slow(opened(1, 2).0, T0 + GREET);
    let (mut link, _) = offered();
    link.expire_offer(T0 + Duration::from_secs(50));
    too_slow(link, T0 + Duration::from_secs(50));
}

#[test]
fn a_connection_that_takes_long_is_late_once_and_may_still_come() {
    let (mut link, mut out) = connecting(1, 2);
    assert!(link.is_hopeful());
    assert_eq!(link.poll_timeout(), Some(T0 + HOPEFUL));
    assert!(matches!(link.tick(T0 + HOPEFUL, &mut out), Ok(Happened::Late)));
    assert!(!link.is_hopeful());
    assert!(matches!(link.tick(T0 + HOPEFUL, &mut out), Ok(Happened::Nothing)));
    open(&mut link, 1, T0 + HOPEFUL, &mut out);
    assert!(link.is_greeting() && link.is_hopeful());
}

// Admission.

#[test]
fn two_members_admit_each_other_with_two_packets_each_way() {
    let ([mut a, mut b], [mut to_b, mut to_a]) = pair();
    assert_eq!((to_a.len(), to_b.len()), (1, 1), "a hello each");
    greet(&mut a, 1, &mut to_a, &mut to_b, true);
    greet(&mut b, 2, &mut to_b, &mut to_a, false);
    let (at_a, at_b) = (hear(&mut a, &mut to_a), hear(&mut b, &mut to_b));
    let (Happened::Proven(b_proven, at_a), Happened::Proven(a_proven, at_b)) = (at_a, at_b) else {
        panic!("both are members")
    };
    assert_eq!((a_proven.address, b_proven.address), (member(1).address(), member(2).address()));
    assert_eq!(a_proven.session, b_proven.session);
    assert_eq!((at_a, at_b), (Linked { ours: true, theirs: false }, Linked { ours: false, theirs: true }));
    assert_eq!((to_a.len(), to_b.len()), (0, 0));
}

#[test]
fn words_that_come_ahead_make_a_link_as_soon_as_its_channel_is_open() {
    let ((mut a, mut to_b), (mut b, mut to_a)) = (connecting(1, 2), connecting(2, 1));
    to_b.clear();
    to_a.clear();
    let random = || Random::new([9; 32]);
    let hello =
        as_member(2, |me| b.greet(me, &mut Random::new([2; 32]))).expect("both descriptions are here");
    let words = as_member(1, |me| a.greet_back(hello, me, &mut random())).expect("the hello is good");
    b.handle_greeted(words.0, words.1);

    let ahead = as_member(2, |me| b.opens(me, &mut random(), T0, &mut to_a)).expect("both words");
    b.confirm(&ahead.hello, &member(2), false).unwrap();
    b.sends_confirm(&mut to_a);
    let proven = b.handle_confirm(&ahead.confirm.expect("the second word"), false);
    assert!(matches!(proven, Happened::Proven(by, _) if by.address == member(1).address()), "{proven:?}");
    b.activate(false, T0);

    let ahead = as_member(1, |me| a.opens(me, &mut random(), T0, &mut to_b)).expect("their hello");
    assert_eq!(ahead.confirm, None);
    a.confirm(&ahead.hello, &member(1), false).unwrap();
    a.sends_confirm(&mut to_b);
    // On the channel all is said again, for whom it did not reach.
    assert_eq!((to_a.len(), to_b.len()), (2, 2));
    assert!(matches!(hear(&mut a, &mut to_a), Happened::Nothing), "the hello is known");
    let proven = hear(&mut a, &mut to_a);
    assert!(matches!(proven, Happened::Proven(by, _) if by.address == member(2).address()), "{proven:?}");
    assert!(matches!(hear(&mut b, &mut to_b.clone()), Happened::Nothing));
    let last = to_b.pop_back().expect("a confirm");
    assert!(matches!(b.hears(&bytes(&last), MAX, T0), Happened::Nothing));
    let third = b.hears(&bytes(&last), MAX, T0);
    assert!(matches!(third, Happened::Violation(Violation::TooEarly)), "once more, not for ever: {third:?}");
}

#[test]
fn words_that_were_altered_on_their_way_make_no_link() {
    let (mut b, mut out) = connecting(2, 1);
    let hello_of_b = as_member(2, |me| b.greet(me, &mut Random::new([2; 32]))).unwrap();
    let (mut a, _) = connecting(1, 2);
    let (mut hello, forged) =
        as_member(1, |me| a.greet_back(hello_of_b, me, &mut Random::new([1; 32]))).unwrap();
    hello.nonce = [7; 16];
    b.handle_greeted(hello, forged);
    let ahead = as_member(2, |me| b.opens(me, &mut Random::new([2; 32]), T0, &mut out)).unwrap();
    b.confirm(&ahead.hello, &member(2), false).unwrap();
    b.sends_confirm(&mut out);
    let happened = b.handle_confirm(&ahead.confirm.unwrap(), false);
    assert!(matches!(happened, Happened::Violation(Violation::Admission(_))), "{happened:?}");
}

#[test]
fn nothing_but_proofs_is_heard_before_admission() {
    for packet in
        [Packet::Ping(1), Packet::Signalling(cancel()), Packet::Confirm { confirm: confirm(), linked: false }]
    {
        let (mut link, _) = opened(1, 2);
        let happened = link.hears(&whole(&packet), MAX, T0);
        assert!(matches!(happened, Happened::Violation(Violation::TooEarly)), "{packet:?}: {happened:?}");
    }
    let (mut link, _) = connecting(1, 2);
    let happened = link.hears(&whole(&Packet::Ping(1)), MAX, T0);
    assert!(matches!(happened, Happened::Violation(Violation::TooEarly)), "nor before the channel");
}

#[test]
fn a_stranger_cannot_make_us_hold_a_large_packet() {
    let (mut link, _) = opened(1, 2);
    let part = |stream| frame(&Frame::Part { stream, last: false, bytes: &[0; part(FRAME)] });
    assert!(matches!(link.hears(&part(1), MAX, T0), Happened::Part));
    let happened = link.hears(&part(1), MAX, T0);
    assert!(matches!(happened, Happened::Violation(Violation::Frame(FrameError::Size))), "{happened:?}");
}

#[test]
fn a_second_hello_or_a_false_proof_is_a_violation() {
    let ([mut a, _], [_, mut to_a]) = pair();
    let again = to_a[0].clone();
    let mut out = VecDeque::new();
    greet(&mut a, 1, &mut to_a, &mut out, false);
    let happened = a.hears(&bytes(&again), MAX, T0);
    assert!(matches!(happened, Happened::Violation(Violation::TooEarly)), "{happened:?}");
    let forged = Packet::Confirm { confirm: confirm(), linked: false };
    let happened = a.hears(&whole(&forged), MAX, T0);
    assert!(matches!(happened, Happened::Violation(Violation::Admission(AdmissionError::NotMember))));
}

#[test]
fn a_hello_is_confirmed_once() {
    let ([mut a, _], [_, mut to_a]) = pair();
    let Happened::Hello(hello) = hear(&mut a, &mut to_a) else { panic!("that was a hello") };
    let mut out = VecDeque::new();
    assert!(a.confirm(&hello, &member(1), false).is_ok());
    assert_eq!(out.len(), 0, "it goes when it may");
    a.sends_confirm(&mut out);
    let again = a.confirm(&hello, &member(1), false);
    assert_eq!(again, Err(Violation::Admission(AdmissionError::Order)));
    a.sends_confirm(&mut out);
    assert_eq!(out.len(), 1);
    let (mut early, _) = connecting(1, 2);
    assert_eq!(early.confirm(&hello, &member(1), false), Err(Violation::TooEarly));
}

#[test]
fn proofs_on_an_active_link_are_a_violation() {
    let mut link = active();
    let happened = link.hears(&whole(&Packet::Confirm { confirm: confirm(), linked: true }), MAX, T0);
    assert!(matches!(happened, Happened::Violation(Violation::TooEarly)), "{happened:?}");
}

// Heartbeat.

#[test]
fn a_new_link_is_measured_at_once() {
    let (mut link, mut out) = (active(), VecDeque::new());
    assert_eq!(link.poll_timeout(), Some(T0));
    link.tick(T0, &mut out).unwrap();
    assert_eq!(asked(&mut out), [1]);
    link.hears(&whole(&Packet::Pong(1)), MAX, at(40));
    link.handle_pong(1, at(40));
    assert_eq!(link.rtt(), Some(Duration::from_millis(40)));
}

#[test]
fn the_round_trip_is_smoothed_and_only_answers_count() {
    let (mut link, mut out) = (measured(40), VecDeque::new());
    link.asks_now(at(1000), &mut out);
    let [number] = asked(&mut out)[..] else { panic!("it asks once") };
    link.handle_pong(number + 1, at(1010));
    assert_eq!(link.rtt(), Some(Duration::from_millis(40)), "nobody asked that");
    link.handle_pong(number, at(1090));
    assert_eq!(link.rtt(), Some(Duration::from_millis(50)), "a fifth of the difference");
    link.handle_pong(number, at(9000));
    assert_eq!(link.rtt(), Some(Duration::from_millis(50)), "an answer counts once");
}

#[test]
fn who_said_nothing_for_a_while_gives_a_sign_of_life_and_who_did_gives_none() {
    let (mut link, mut out) = (measured(40), VecDeque::new());
    // The first ones measure the link, most others are no question.
    let mut questions = 0;
    for n in 1..=30 {
        let now = at(n * 3100);
        link.hears(&whole(&Packet::Pong(0)), MAX, now);
        assert_eq!(link.poll_timeout(), Some(now));
        link.tick(now, &mut out).unwrap();
        let said: Vec<_> = out.drain(..).flat_map(|output| packets(&output)).collect();
        match said[..] {
            [Packet::Pong(0)] => {}
            [Packet::Ping(number)] => {
                questions += 1;
                link.handle_pong(number, now);
            }
            _ => panic!("{said:?}"),
        }
    }
    assert_eq!(questions, 3 + 3);
    let now = at(94_000);
    link.send(&Packet::Ping(9), None);
    link.flush(now, &mut out);
    link.hears(&whole(&Packet::Pong(0)), MAX, now);
    assert_eq!(link.poll_timeout(), Some(now + BEAT), "whatever it says is one");
}

#[test]
fn a_silent_neighbor_is_asked_and_after_its_time_to_answer_dead() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    let (idle, end) = (at(40) + IDLE, at(40) + SILENCE);
    assert!(link.tick(idle, &mut out).is_ok());
    assert_eq!(asked(&mut out).len(), 1);
    // It may live, and its path be broken, or its page be busy: that is looked into first, and once.
    let doubt = idle + Duration::from_millis(250);
    assert_eq!(link.poll_timeout(), Some(doubt));
    assert!(matches!(link.tick(doubt, &mut out), Ok(Happened::Nothing)));
    assert_eq!(out.pop_front(), Some(Output::ConnAskTransport(link.conn)));
    let heard = link.handle_transport(Some(Duration::from_millis(251)), doubt, &mut out);
    assert!(matches!(heard, Ok(Happened::Doubt)), "nothing came since it was asked: {heard:?}");
    assert!(link.wants_path());
    assert_eq!(link.poll_timeout(), Some(end));
    assert!(link.tick(end, &mut out).is_ok());
    assert_eq!(out.pop_front(), Some(Output::ConnAskTransport(link.conn)));
    assert!(matches!(link.handle_transport(None, end, &mut out), Err(Expired::Dead)));
    assert!(SILENCE < Duration::from_secs(5));
}

#[test]
fn who_does_not_react_to_what_matters_is_asked_sooner() {
    let (mut link, mut out) = (measured(40), VecDeque::new());
    let id = MessageId([1; 20]);
    for packet in [broadcast::Packet::Digest { bucket: 1, sum: 2 }, broadcast::Packet::Have(vec![id])] {
        link.send(&Packet::Broadcast(packet), None);
        link.flush(at(100), &mut out);
        assert_eq!(link.poll_timeout(), Some(at(100) + BEAT));
    }
    for time in [200, 900] {
        link.send(&Packet::Broadcast(broadcast::Packet::Graft(id)), None);
        link.flush(at(time), &mut out);
        assert_eq!(link.poll_timeout(), Some(at(200) + EXPECT), "the first counts");
    }
    link.hears(&whole(&Packet::Pong(0)), MAX, at(1000));
    assert_eq!(link.poll_timeout(), Some(at(900) + BEAT), "any word of theirs will do");
}

#[test]
fn who_hears_what_matters_gives_a_sign_of_life_before_it_is_asked() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    link.heart.handle_said(false, at(100));
    link.hears(&whole(&Packet::Broadcast(broadcast::Packet::Digest { bucket: 1, sum: 2 })), MAX, at(200));
    assert_eq!(link.poll_timeout(), Some(at(100) + BEAT));
    let graft = whole(&Packet::Broadcast(broadcast::Packet::Graft(MessageId([1; 20]))));
    link.hears(&graft, MAX, at(220));
    link.heart.handle_said(false, at(250));
    assert_eq!(link.poll_timeout(), Some(at(250) + BEAT), "who said anything since owes nothing");
    for time in [300, 900] {
        link.hears(&graft, MAX, at(time));
        assert_eq!(link.poll_timeout(), Some(at(300) + OWED), "the first counts");
    }
    assert!(matches!(link.tick(at(300) + OWED, &mut out), Ok(Happened::Nothing)));
    link.flush(at(300) + OWED, &mut out);
    assert_eq!(asked(&mut out).len(), 1, "the first ones are questions");
    assert!(OWED < EXPECT);
}

#[test]
fn a_browser_that_says_nothing_of_a_transport_leaves_nobody_waiting() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    let (idle, end) = (at(40) + IDLE, at(40) + SILENCE);
    for time in [idle, idle + Duration::from_millis(250), end] {
        assert!(link.tick(time, &mut out).is_ok());
    }
    assert_eq!(link.poll_timeout(), Some(end + LOOK));
    assert!(matches!(link.tick(end + LOOK, &mut out), Err(Expired::Dead)));
}

#[test]
fn a_page_whose_browser_lives_may_be_busy_for_some_seconds_and_not_for_ever() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    let heard = at(40);
    let ended = loop {
        let now = link.poll_timeout().unwrap();
        let mut said = link.tick(now, &mut out);
        if out.iter().any(|output| matches!(output, Output::ConnAskTransport(_))) {
            // What was asked is acknowledged by the browser over there.
            said = link.handle_transport(Some(Duration::from_millis(100)), now, &mut out);
            link.flush(now, &mut out);
        }
        assert!(!link.is_in_doubt(), "its path is good");
        match said {
            Ok(Happened::Nothing) => out.clear(),
            Err(Expired::Dead) => break now - heard,
            other => panic!("{other:?}"),
        }
    };
    assert!(ended >= BUSY && ended < BUSY + PONG, "{ended:?}");
}

#[test]
fn a_word_that_comes_while_the_browser_is_asked_counts() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    let (idle, end) = (at(40) + IDLE, at(40) + SILENCE);
    assert!(link.tick(idle, &mut out).is_ok());
    assert!(link.tick(end, &mut out).is_ok());
    link.hears(&whole(&Packet::Ping(7)), MAX, end);
    let told = link.handle_transport(None, end, &mut out);
    assert!(matches!(told, Ok(Happened::Nothing)), "{told:?}");
    // What nobody asked for is of no use.
    let mut link = quiet(40);
    assert!(matches!(link.handle_transport(None, at(50), &mut out), Ok(Happened::Nothing)));
    assert!(!link.is_in_doubt());
}

#[test]
fn an_answer_that_waited_for_another_path_is_no_measure_of_one() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    let asked = at(40) + IDLE;
    link.tick(asked, &mut out).unwrap();
    let doubt = asked + Duration::from_millis(250);
    link.tick(doubt, &mut out).unwrap();
    link.handle_transport(None, doubt, &mut out).unwrap();
    assert!(link.is_in_doubt());
    link.handle_pong(2, asked + Duration::from_secs(3));
    assert_eq!((link.rtt(), link.is_in_doubt()), (Some(Duration::from_millis(40)), false));
}

#[test]
fn who_is_heard_round_a_link_gets_a_little_more_time_once() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    link.tick(at(40) + IDLE, &mut out).unwrap();
    for _ in 0..3 {
        link.handle_heard_round(1);
    }
    let ended = loop {
        let now = link.poll_timeout().unwrap();
        let said = match link.tick(now, &mut out) {
            Ok(_) if out.iter().any(|output| matches!(output, Output::ConnAskTransport(_))) => {
                link.handle_transport(None, now, &mut out)
            }
            said => said,
        };
        out.clear();
        if said.is_err() {
            break now - at(40);
        }
    };
    assert_eq!(ended, SILENCE + ALIVE);
}

#[test]
fn an_answer_to_the_latest_question_ends_a_doubt_and_other_words_do_not() {
    let (mut link, mut out) = (measured(40), VecDeque::new());
    link.asks_now(at(100), &mut out);
    let [first] = asked(&mut out)[..] else { panic!("one question") };
    assert!(link.tick(at(350), &mut out).is_ok());
    assert!(matches!(link.handle_transport(None, at(350), &mut out), Ok(Happened::Doubt)));
    out.clear();
    link.asks_now(at(400), &mut out);
    let [second] = asked(&mut out)[..] else { panic!("one question") };
    link.hears(&whole(&Packet::Ping(7)), MAX, at(410));
    link.handle_pong(first, at(420));
    assert!(link.wants_path(), "its path to us is good, and ours to it may not be");
    link.handle_pong(second, at(430));
    assert!(!link.is_in_doubt() && !link.wants_path());
    // Where a timer rings late the answer may be waiting behind it, and comes before that of the browser.
    link.asks_now(at(500), &mut out);
    let [third] = asked(&mut out)[..] else { panic!("one question") };
    assert!(matches!(link.tick(at(1600), &mut out), Ok(Happened::Nothing)));
    link.handle_pong(third, at(1600));
    assert!(matches!(link.handle_transport(None, at(1601), &mut out), Ok(Happened::Nothing)));
    assert!(!link.is_in_doubt());
}

#[test]
fn a_neighbor_that_talks_is_neither_asked_nor_dead() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    for n in 1..100 {
        let now = at(40 + n * 1400);
        link.hears(&whole(&Packet::Ping(7)), MAX, now);
        link.send(&Packet::Pong(7), None);
        link.flush(now, &mut out);
        assert!(link.poll_timeout().is_some_and(|at| at > now));
    }
    assert!(out.drain(..).flat_map(|output| packets(&output)).all(|packet| packet == Packet::Pong(7)));
    // One that says other things than the answer is alive too.
    let mut now = link.poll_timeout().unwrap();
    link.tick(now, &mut out).unwrap();
    for _ in 0..100 {
        now = now + Duration::from_millis(700);
        link.hears(&whole(&Packet::Ping(7)), MAX, now);
        assert!(link.poll_timeout().unwrap() > now || link.tick(now, &mut out).is_ok());
    }
}

#[test]
fn a_timer_that_comes_late_asks_again_instead_of_burying() {
    let (mut link, mut out) = (quiet(40), VecDeque::new());
    let (idle, end) = (at(40) + IDLE, at(40) + SILENCE);
    link.tick(idle, &mut out).unwrap();
    out.clear();
    let late = end + SLEPT;
    assert!(link.tick(late, &mut out).is_ok(), "we slept, not they");
    assert_eq!(asked(&mut out).len(), 1);
    assert!(link.tick(late + PONG, &mut out).is_ok());
    let told = link.handle_transport(None, late + PONG, &mut out);
    assert!(matches!(told, Err(Expired::Dead)), "but only once");
}

// Packets.

#[test]
fn every_truncation_of_every_packet_is_refused_and_what_follows_it_ignored() {
    for packet in every_kind() {
        let bytes = encode(&packet);
        let read = |bytes: &[u8]| Inbox::default().packets(&frame(&Frame::Whole(bytes)), MAX);
        assert_eq!(read(&bytes), Ok(vec![packet.clone()]));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Err(FrameError::Packet), "{length} bytes of {packet:?}");
        }
        let more = frame(&Frame::Whole(&[&bytes[..], &[0]].concat()));
        assert_eq!(
            super::tests::read(&more),
            Ok(Read::Packet { packet: packet.clone(), more: true }),
            "a later version adds fields"
        );
        let whole = whole(&packet);
        for length in 0..whole.len() {
            assert!(Inbox::default().packets(&whole[..length], MAX).is_err(), "{length} bytes of its frame");
        }
    }
}

#[test]
fn a_packet_of_a_later_version_is_ignored_and_a_hello_of_another_is_named() {
    let read = |bytes: &[u8]| read(&frame(&Frame::Whole(bytes)));
    // An unknown kind of packet, and an unknown kind within each kind that has some.
    for unknown in [&[15][..], &[200, 1, 7, 7], &[5, 3, 1], &[6, 9], &[7, 7, 0], &[8, 4], &[2, 5], &[13, 4]] {
        assert_eq!(read(unknown), Ok(Read::Later), "{unknown:?}");
    }
    assert_eq!(read(&[5]), Err(FrameError::Packet));
    assert_eq!(
        read(&[0, VERSION + 1, 9, 9, 9]),
        Err(FrameError::Version(VERSION + 1)),
        "all that can be read"
    );
    let hello = encode(&Packet::Hello(Hello { version: VERSION - 1, ..hello() }));
    let numbered_at_length = [&[0x80, 0][..], &hello[1..]].concat();
    assert_eq!(read(&numbered_at_length), Err(FrameError::Version(VERSION - 1)));
}

#[test]
fn frames_larger_than_allowed_are_refused_and_packets_left_out() {
    let mut link = active();
    let happened = link.hears(&[0; MAX_FRAME + 1], MAX, T0);
    assert!(matches!(happened, Happened::Violation(Violation::Frame(FrameError::Size))), "{happened:?}");
    let part = frame(&Frame::Part { stream: 1, last: false, bytes: &[0; 1000] });
    for _ in 0..10 {
        assert!(matches!(link.hears(&part, 10_000, T0), Happened::Part));
    }
    let happened = link.hears(&part, 10_000, T0);
    assert!(matches!(happened, Happened::Part), "the other end may take larger ones: {happened:?}");
    assert_eq!((link.too_large, link.sizes()[..2].to_vec()), (1, vec![1, 0]), "nothing of it is held");
    let last = frame(&Frame::Part { stream: 1, last: true, bytes: &[0; 1000] });
    assert!(matches!(link.hears(&last, 10_000, T0), Happened::Part));
    assert_eq!((link.too_large, link.sizes()[0]), (1, 0));
    assert!(matches!(link.hears(&whole(&Packet::Ping(1)), MAX, T0), Happened::Packet(_)));
}

#[test]
fn no_more_packets_are_under_way_at_once_than_allowed() {
    let mut link = active();
    let part = |stream| frame(&Frame::Part { stream, last: false, bytes: &[0; 10] });
    for stream in 0..8 {
        assert!(matches!(link.hears(&part(stream), MAX, T0), Happened::Part));
    }
    let happened = link.hears(&part(8), MAX, T0);
    assert!(matches!(happened, Happened::Violation(Violation::Frame(FrameError::Streams))), "{happened:?}");
}

#[test]
fn empty_parts_do_not_hold_a_stream_for_ever() {
    let mut inbox = Inbox::default();
    let end = frame(&Frame::Part { stream: 1, last: true, bytes: &[] });
    assert_eq!(inbox.packets(&end, MAX), Err(FrameError::Packet));
    let bytes = encode(&Packet::Ping(7));
    for (last, bytes) in [(false, &bytes[..1]), (true, &bytes[1..])] {
        let read = inbox.packets(&frame(&Frame::Part { stream: 1, last, bytes }), MAX);
        assert_eq!(read, Ok(last.then_some(Packet::Ping(7)).into_iter().collect()));
    }
}

// The end.

#[test]
fn a_link_says_goodbye_where_it_can_and_closes_once() {
    let (mut link, mut out) = (active(), VecDeque::new());
    link.close(Some(Farewell::Leaving), &mut out);
    let [Output::ConnSend(_, last), Output::ConnClose(ConnId(1))] = out.make_contiguous() else {
        panic!("{out:?}")
    };
    assert_eq!(last.0, whole(&Packet::Close(Farewell::Leaving)));
    out.clear();
    link.close(Some(Farewell::Leaving), &mut out);
    assert_eq!((out.len(), link.poll_timeout()), (0, None));
    assert!(matches!(link.hears(&whole(&Packet::Ping(1)), MAX, T0), Happened::Nothing));

    let (mut link, mut out) = connecting(1, 2);
    out.clear();
    link.close(Some(Farewell::Leaving), &mut out);
    assert_eq!(out, [Output::ConnClose(ConnId(1))], "there is no channel to say it on");
}

#[test]
fn a_farewell_is_heard_in_every_state() {
    for mut link in [opened(1, 2).0, active()] {
        let happened = link.hears(&whole(&Packet::Close(Farewell::Full)), MAX, T0);
        assert!(matches!(happened, Happened::Farewell(Farewell::Full)), "{happened:?}");
    }
}

// Helpers.

const LATE: &str = "candidate:9 1 udp 9 20.0.113.9 6000 typ host";

fn at(millis: u64) -> Instant {
    T0 + Duration::from_millis(millis)
}

fn sdp(mark: u8, setup: &str) -> String {
    End(mark.into(), 0).describe_whole(setup)
}

fn description(mark: u8, setup: &str) -> Description {
    Description::parse(&sdp(mark, setup)).unwrap()
}

fn member(seed: u8) -> Identity {
    Identity::from_secret([seed; 32])
}

fn offering() -> (Link, VecDeque<Output>) {
    let mut out = VecDeque::new();
    (Link::offer(ConnId(1), T0, &mut out), out)
}

fn answering() -> (Link, VecDeque<Output>) {
    let mut out = VecDeque::new();
    (Link::answer(ConnId(1), description(2, "actpass"), T0, &mut out), out)
}

fn offered() -> (Link, VecDeque<Output>) {
    described(1)
}

fn described(mark: u8) -> (Link, VecDeque<Output>) {
    let (mut link, out) = offering();
    link.handle_described(&sdp(mark, "actpass"), T0).unwrap();
    assert!(matches!(link.handle_gathered(T0), Happened::Described));
    (link, out)
}

fn connecting(own: u8, other: u8) -> (Link, VecDeque<Output>) {
    let (mut link, mut out) = described(own);
    assert!(link.accept(description(other, "active"), T0, &mut out));
    (link, out)
}

/// What each does, and what it says then.
impl Link {
    fn tick(&mut self, now: Instant, out: &mut VecDeque<Output>) -> Result<Happened, Expired> {
        let happened = self.handle_timeout(now, out);
        self.flush(now, out);
        happened
    }

    fn asks_now(&mut self, now: Instant, out: &mut VecDeque<Output>) {
        self.ask_now(now);
        self.flush(now, out);
    }

    fn sends_confirm(&mut self, out: &mut VecDeque<Output>) {
        self.send_confirm();
        self.flush(T0, out);
    }

    fn opens(
        &mut self,
        me: Member<'_>,
        random: &mut Random,
        now: Instant,
        out: &mut VecDeque<Output>,
    ) -> Option<Ahead> {
        let ahead = self.handle_opened(me, random, now);
        self.flush(now, out);
        ahead
    }

    /// ... with a frame of one packet, or none.
    fn hears(&mut self, frame: &[u8], max_packet: usize, now: Instant) -> Happened {
        match wire::open(frame) {
            Ok(mut pieces) => self.handle_piece(pieces.remove(0), max_packet, now),
            Err(error) => Happened::Violation(error.into()),
        }
    }
}

/// What a frame of one packet holds.
fn read(frame: &[u8]) -> Result<Read, FrameError> {
    Inbox::default().push(wire::open(frame)?.remove(0), MAX)
}

fn open(link: &mut Link, own: u8, now: Instant, out: &mut VecDeque<Output>) {
    as_member(own, |me| link.opens(me, &mut Random::new([own; 32]), now, out));
}

fn as_member<T>(own: u8, then: impl FnOnce(Member<'_>) -> T) -> T {
    let (secret, identity) = (SwarmSecret::public(SwarmId::of_topic("t")), member(own));
    let (instance, abilities) = ([own; 16], &Abilities::default());
    then(Member { secret: &secret, identity: &identity, instance, claimed: None, abilities, now: T0 })
}

/// A link whose channel is open; what it says.
fn opened(own: u8, other: u8) -> (Link, VecDeque<Output>) {
    let (mut link, mut out) = connecting(own, other);
    out.clear();
    open(&mut link, own, T0, &mut out);
    (link, out)
}

/// Both ends of a connection that has just opened, and what each says: to the second, and to the first.
fn pair() -> ([Link; 2], [VecDeque<Output>; 2]) {
    let ((a, to_b), (b, to_a)) = (opened(1, 2), opened(2, 1));
    ([a, b], [to_b, to_a])
}

fn bytes(output: &Output) -> Vec<u8> {
    let Output::ConnSend(_, bytes) = output else { panic!("{output:?} is no frame") };
    bytes.0.clone()
}

fn hear(link: &mut Link, from: &mut VecDeque<Output>) -> Happened {
    link.hears(&bytes(&from.pop_front().expect("something was said")), MAX, T0)
}

/// Hears a hello and confirms it.
fn greet(link: &mut Link, own: u8, from: &mut VecDeque<Output>, out: &mut VecDeque<Output>, linked: bool) {
    let Happened::Hello(hello) = hear(link, from) else { panic!("that was a hello") };
    link.confirm(&hello, &member(own), linked).unwrap();
    link.sends_confirm(out);
}

fn active() -> Link {
    let (mut link, _) = opened(1, 2);
    link.activate(false, T0);
    link
}

/// An active link whose first question was answered after this time.
fn measured(millis: u64) -> Link {
    let (mut link, mut out) = (active(), VecDeque::new());
    link.tick(T0, &mut out).unwrap();
    link.hears(&whole(&Packet::Pong(1)), MAX, at(millis));
    link.handle_pong(1, at(millis));
    link
}

/// ... that says nothing of itself while a test runs: what is told of the neighbor alone counts.
fn quiet(millis: u64) -> Link {
    let mut link = measured(millis);
    link.heart.handle_said(false, at(3_600_000));
    link
}

/// The numbers of the questions that went out.
fn asked(out: &mut VecDeque<Output>) -> Vec<u32> {
    let number = |packet: Packet| match packet {
        Packet::Ping(number) => number,
        other => panic!("{other:?} is no question"),
    };
    out.drain(..).flat_map(|output| packets(&output)).map(number).collect()
}

/// What is in a frame that went out.
fn packets(output: &Output) -> Vec<Packet> {
    Inbox::default().packets(&bytes(output), MAX).unwrap()
}

fn whole(packet: &Packet) -> Vec<u8> {
    frame(&Frame::Whole(&encode(packet)))
}

fn hello() -> Hello {
    let (key, share) = (member(1).public_key(), member(2).public_key().0);
    let claimed = Some(Address([5; 20]));
    Hello {
        version: VERSION,
        capabilities: 0,
        clock: 0,
        nonce: [1; 16],
        key,
        claimed,
        share,
        more: Vec::new(),
    }
}

fn confirm() -> Confirm {
    let proof = member(9).prove("test", b"");
    Confirm { tag: [1; 32], proof }
}

fn cancel() -> signalling::Packet {
    signalling::Packet::Forward { id: RequestId([1; 8]), signal: signalling::Signal::Cancel }
}

fn every_kind() -> Vec<Packet> {
    use crate::proto::messaging::message::{Draft, Kind, Payload};
    let payload = Payload::from(vec![1, 2, 3]);
    let draft = Draft {
        claimed: Some(Address([4; 20])),
        to: None,
        to_claimed: false,
        kind: Kind::Page,
        nonce: [1; 16],
        blinding: [2; 32],
        payload,
    };
    let swarm = SwarmTag::of_topic("t");
    let message = draft.sign(&member(3), &swarm, T0);
    let (header, payload) = (Box::new(message.header.clone()), message.payload.clone());
    let (id, to, path) = (message.id, Address([5; 20]), vec![Address([6; 20]); 2]);
    let word = direct::Acknowledgement::sign(&message, path.clone(), 2, &member(3), &swarm);
    let request = Request {
        id: RequestId([1; 8]),
        origin: to,
        instance: [2; 16],
        goal: Goal::Exact(to),
        need: true,
        instead_of: None,
        offer: Some(unsigned(description(1, "actpass"))),
        brought: None,
        path: path.clone(),
        hops_left: 300,
    };
    let back = |signal| {
        let id = RequestId([1; 8]);
        signalling::Packet::Reply(signalling::Reply { id, to, path: path.clone(), hops_left: 3, signal })
    };
    let candidate = Candidate::parse("candidate:1 1 udp 1 abc.local 5000 typ host").unwrap();
    let answer = Box::new(description(2, "active"));
    let list = || topology::List { free: 2, links: Vec::new() };
    vec![
        Packet::Hello(hello()),
        Packet::Confirm { confirm: confirm(), linked: true },
        Packet::Close(Farewell::Evicted { hint: Some(to) }),
        Packet::Close(Farewell::Refused),
        Packet::Ping(u32::MAX),
        Packet::Pong(300),
        Packet::View(topology::Packet::Own(list())),
        Packet::View(topology::Packet::Relayed(vec![(to, list())])),
        Packet::Signalling(signalling::Packet::Request(Box::new(request))),
        Packet::Signalling(back(signalling::Signal::Accept {
            key: member(3).public_key(),
            answer,
            proof: confirm().proof,
            hello: Some(Box::new(hello())),
        })),
        Packet::Signalling(back(signalling::Signal::Found(to))),
        Packet::Signalling(back(signalling::Signal::Reject(Reason::Busy))),
        Packet::Signalling(back(signalling::Signal::Decline {
            origin: to,
            answer: crate::proto::sdp::AnswerMark([1; 8]),
        })),
        Packet::Signalling(signalling::Packet::Forward {
            id: RequestId([1; 8]),
            signal: signalling::Signal::Greet {
                request: RequestId([1; 8]),
                hello: Box::new(hello()),
                confirm: confirm(),
            },
        }),
        Packet::Signalling(signalling::Packet::Forward {
            id: RequestId([1; 8]),
            signal: signalling::Signal::Candidate(candidate),
        }),
        Packet::Signalling(cancel()),
        Packet::Broadcast(broadcast::Packet::Data {
            hops: 255,
            header: header.clone(),
            payload: payload.clone(),
        }),
        Packet::Broadcast(broadcast::Packet::Header { hops: 1, header: header.clone() }),
        Packet::Broadcast(broadcast::Packet::Have(vec![id; 3])),
        Packet::Broadcast(broadcast::Packet::Graft(id)),
        Packet::Broadcast(broadcast::Packet::Prune(to)),
        Packet::Broadcast(broadcast::Packet::Resume(to)),
        Packet::Broadcast(broadcast::Packet::Digest { bucket: 1 << 40, sum: u64::MAX }),
        Packet::Direct(direct::Packet::Message { header, payload, path, attempt: 3 }),
        Packet::Direct(direct::Packet::Taken { id, attempt: 1 }),
        Packet::Direct(direct::Packet::Stuck { id, attempt: 1 }),
        Packet::Direct(direct::Packet::Acknowledgement(Box::new(word))),
    ]
}
