use super::*;

const T0: Instant = Instant::from_millis(1_000_000);
const HASH: InfoHash = InfoHash([9; 20]);

fn tracker() -> Tracker {
    let every = Duration::from_secs(30);
    Tracker::new(TrackerId(1), "ws://t".into(), HASH, every, Random::new([1; 32]))
}

fn open(tracker: &mut Tracker) -> VecDeque<Output> {
    let mut out = VecDeque::new();
    tracker.open(T0, &mut out);
    assert_eq!(out.pop_front(), Some(Output::TrackerOpen(TrackerId(1), "ws://t".into())));
    tracker.handle_opened(T0);
    out
}

fn respond(tracker: &mut Tracker, now: Instant) {
    let json = serde_json::json!({"action": "announce", "info_hash": HASH.to_binary(), "interval": 120});
    tracker.handle_message(&json.to_string(), now);
}

#[test]
fn announces_without_a_pause_are_not_due_for_ever() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    tracker.set_every(Duration::ZERO, T0);
    tracker.announce(&mut Vec::new(), T0, &mut out);
    assert!(tracker.poll_timeout() > Some(T0));
}

#[test]
fn an_open_socket_announces_at_once_even_without_offers() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    assert!(tracker.wants_announce(T0));
    tracker.announce(&mut Vec::new(), T0, &mut out);
    assert!(matches!(&out[0], Output::TrackerSend(_, text) if text.contains(r#""event":"started""#)));
    assert!(!tracker.wants_announce(T0));
    tracker.announce(&mut Vec::new(), T0, &mut out);
    assert!(matches!(&out[1], Output::TrackerSend(_, text) if !text.contains("event")));
}

#[test]
fn announces_of_a_lonely_peer_slow_down_to_the_users_cap() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    let mut now = T0;
    let mut pauses = Vec::new();
    for _ in 0..8 {
        tracker.announce(&mut Vec::new(), now, &mut out);
        respond(&mut tracker, now);
        let next = tracker.poll_timeout().unwrap();
        pauses.push((next - now).as_secs_f64());
        now = next;
    }
    assert!((1.6..=2.4).contains(&pauses[0]), "{pauses:?}");
    assert!(pauses[1..].iter().zip(&pauses).take(3).all(|(b, a)| b > a), "{pauses:?}");
    assert!(pauses.iter().all(|&p| p <= 36.0) && pauses[7] >= 24.0, "{pauses:?}");
}

#[test]
fn a_shorter_cap_brings_the_next_announce_forward_and_those_after_it() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    let mut now = T0;
    for _ in 0..8 {
        tracker.announce(&mut Vec::new(), now, &mut out);
        respond(&mut tracker, now);
        now = tracker.poll_timeout().expect("it announces again");
    }
    tracker.announce(&mut Vec::new(), now, &mut out);
    respond(&mut tracker, now);
    tracker.set_every(Duration::from_secs(5), now);
    for _ in 0..3 {
        let next = tracker.poll_timeout().expect("it announces again");
        assert!((4.0..=6.0).contains(&(next - now).as_secs_f64()), "{:?}", next - now);
        now = next;
        assert!(tracker.wants_announce(now));
        tracker.announce(&mut Vec::new(), now, &mut out);
        respond(&mut tracker, now);
    }
}

#[test]
fn sudden_need_is_announced_within_half_a_second() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    tracker.announce(&mut Vec::new(), T0, &mut out);
    respond(&mut tracker, T0);
    tracker.set_need(Need::Healthy, T0);
    assert!(tracker.poll_timeout().unwrap() >= T0 + Duration::from_secs(48));
    tracker.set_need(Need::Lonely, T0);
    assert!(tracker.poll_timeout().unwrap() <= T0 + Duration::from_millis(500));
}

#[test]
fn a_silent_tracker_is_left_and_tried_again_under_another_name() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    let before = tracker.peer_id;
    tracker.announce(&mut Vec::new(), T0, &mut out);
    out.clear();
    let late = T0 + RESPONSE;
    tracker.handle_timeout(late, &mut out);
    assert_eq!(out, [Output::TrackerClose(TrackerId(1))]);
    let again = tracker.poll_timeout().unwrap();
    assert!(again > late && again <= late + Duration::from_secs(1));
    tracker.handle_timeout(again, &mut out);
    assert_eq!(out[1], Output::TrackerOpen(TrackerId(1), "ws://t".into()));
    assert_ne!(tracker.peer_id, before);
}

#[test]
fn sockets_that_close_again_and_again_are_opened_ever_more_slowly() {
    let mut tracker = tracker();
    let mut out = VecDeque::new();
    let (mut now, mut pauses) = (T0, Vec::new());
    for _ in 0..9 {
        tracker.open(now, &mut out);
        tracker.handle_opened(now);
        tracker.handle_closed("gone".into(), now);
        let next = tracker.poll_timeout().unwrap();
        pauses.push(next - now);
        now = next;
    }
    assert!(pauses[8] >= Duration::from_secs(30) && pauses[8] <= Duration::from_secs(60), "{pauses:?}");
    assert_eq!(tracker.status().last_error.as_deref(), Some("gone"));
}

#[test]
fn a_tracker_that_refuses_an_answer_to_anothers_offer_gets_no_more_of_them() {
    let venture = |tracker: &mut Tracker, now| {
        let mut out = VecDeque::new();
        tracker.answer_anothers(TrackerPeerId([1; 20]), OfferId([2; 20]), "sdp", now, &mut out);
        out.len()
    };
    let refusal = r#"{"failure reason":"Could not find the offer"}"#;
    for (closes, after, learns) in [(false, 2000, true), (true, 2000, true), (false, 2001, false)] {
        let mut tracker = tracker();
        let mut out = open(&mut tracker);
        tracker.announce(&mut Vec::new(), T0, &mut out);
        assert_eq!(venture(&mut tracker, T0), 1);
        let (now, planned) = (T0 + Duration::from_millis(after), tracker.cadence.due_at());
        if closes {
            tracker.handle_closed("late answer".into(), now);
            tracker.open(now, &mut out);
            tracker.handle_opened(now);
        } else {
            // Several answers may be under way before the first is refused.
            tracker.handle_message(refusal, now);
            tracker.handle_message(refusal, now);
            assert_eq!(tracker.cadence.due_at() == planned, learns, "the announce was not refused");
            assert_eq!(tracker.status().last_error.is_none(), learns);
        }
        assert_eq!(venture(&mut tracker, now), usize::from(!learns), "closes: {closes}, after {after}");
    }
}

#[test]
fn what_comes_while_the_socket_is_not_open_is_ignored() {
    let mut tracker = tracker();
    let mut out = VecDeque::new();
    tracker.open(T0, &mut out);
    let before = tracker.poll_timeout();
    assert_eq!(tracker.handle_message(r#"{"failure reason":"no"}"#, T0), None);
    assert_eq!((tracker.poll_timeout(), tracker.status().last_error), (before, None));
}

#[test]
fn an_announce_never_exceeds_the_strictest_trackers_frame() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    let mut offers: Vec<_> = (0..10).map(|i| (OfferId([b'a' + i; 20]), "x".repeat(3000))).collect();
    tracker.announce(&mut offers, T0, &mut out);
    assert_eq!(offers.len(), 5);
    assert!(matches!(&out[0], Output::TrackerSend(_, text) if text.len() <= MAX_ANNOUNCE));
}

#[test]
fn closing_says_stopped_and_leaves_no_deadline() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    tracker.announce(&mut Vec::new(), T0, &mut out);
    out.clear();
    tracker.close(&mut out);
    assert!(matches!(&out[0], Output::TrackerSend(_, text) if text.contains("stopped")));
    assert_eq!(out[1], Output::TrackerClose(TrackerId(1)));
    assert_eq!(tracker.poll_timeout(), None);
}

/// Else everybody whose tracker fell over would meet it again at the same moment.
#[test]
fn offers_that_are_ready_after_the_socket_closed_do_not_bring_the_next_one_forward() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    tracker.announce(&mut Vec::new(), T0, &mut out);
    tracker.handle_closed("gone".into(), T0);
    let later = tracker.poll_timeout();
    tracker.offers_ready(T0, true);
    assert_eq!(tracker.poll_timeout(), later);
}

#[test]
fn a_tracker_that_falls_silent_is_left_however_often_it_is_announced_to() {
    let mut tracker = tracker();
    let mut out = open(&mut tracker);
    tracker.announce(&mut Vec::new(), T0, &mut out);
    respond(&mut tracker, T0);
    for second in 0..=15 {
        let now = T0 + Duration::from_secs(second);
        tracker.handle_timeout(now, &mut out);
        assert_eq!(tracker.is_open(), second < 15, "after {second} s");
        if tracker.is_open() {
            tracker.announce(&mut Vec::new(), now, &mut out);
        }
    }
}
