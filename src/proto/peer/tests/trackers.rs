//! Trackers that are dead, come back, or take their time, and what a peer with and without neighbors makes of it.

use super::world::{START, World, config};
use super::*;
use crate::proto::io::TrackerState;
use crate::testkit::listen;

const DEAD: &str = "ws://dead";
const LIVE: &str = "ws://t";

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A peer's settings with these trackers.
fn with(trackers: &[&str]) -> Config {
    Config { trackers: trackers.iter().map(ToString::to_string).collect(), ..config() }
}

/// Two that are linked by the live one of two trackers.
fn linked() -> World {
    let mut world = World::new();
    world.dead_trackers.insert(DEAD.into());
    for _ in 0..2 {
        world.join(with(&[DEAD, LIVE]));
    }
    world.run(seconds(5));
    assert!(world.linked(0, 1));
    world
}

fn attempts(world: &World, index: usize, url: &str) -> usize {
    world.attempts[index].iter().filter(|(_, tried)| tried == url).count()
}

/// The states of one tracker that a page was told of, one after the other.
fn told(world: &World, index: usize, url: &str) -> Vec<TrackerState> {
    let events = world.events[index].iter();
    let told = events.filter_map(|(_, event)| match event {
        Event::Tracker(status) if status.url == url => Some(status.state),
        _ => None,
    });
    told.collect()
}

#[test]
fn who_is_linked_leaves_a_dead_tracker_alone_for_ever_longer() {
    let mut world = linked();
    world.run(seconds(3600));
    for index in 0..2 {
        // Before they were linked, and then after pauses of up to 30, 60, ... 600 seconds.
        let tries = attempts(&world, index, DEAD);
        assert!((6..=24).contains(&tries), "{tries}: {:?}", world.attempts[index]);
        let at_first =
            world.attempts[index].iter().filter(|(at, url)| url == DEAD && *at < START + seconds(10));
        assert!(at_first.count() <= 3, "{:?}", world.attempts[index]);
    }
}

#[test]
fn who_is_linked_where_no_tracker_answers_is_there_again_within_a_minute_of_its_return() {
    let mut world = linked();
    world.kill_tracker(LIVE);
    world.run(seconds(1800));
    assert!(attempts(&world, 0, LIVE) < 120, "{}", attempts(&world, 0, LIVE));
    world.dead_trackers.remove(LIVE);
    world.run(seconds(61));
    assert!((0..2).all(|index| world.peers[index].trackers().iter().any(|t| t.state == TrackerState::Ready)));
}

#[test]
fn who_loses_its_last_neighbor_tries_its_dead_trackers_at_once() {
    let mut world = linked();
    world.run(seconds(600));
    let before = attempts(&world, 0, DEAD);
    world.kill(1);
    while world.peers[0].link_count() > 0 {
        world.run(Duration::from_millis(100));
    }
    world.run(Duration::from_millis(100));
    assert_eq!(attempts(&world, 0, DEAD), before + 1);
}

#[test]
fn who_wakes_tries_its_dead_trackers_at_once_but_with_neighbors_not_at_every_stir() {
    let mut alone = World::new();
    alone.dead_trackers.insert(DEAD.into());
    alone.join(with(&[DEAD]));
    alone.run(seconds(600));
    let mut linked = linked();
    linked.run(seconds(600));
    for (world, tries) in [(&mut alone, 5), (&mut linked, 1)] {
        let before = attempts(world, 0, DEAD);
        for _ in 0..5 {
            world.with(0, |peer, now| peer.handle(Input::Woke, now));
            world.run(Duration::from_millis(100));
        }
        assert_eq!(attempts(world, 0, DEAD) - before, tries);
    }
}

#[test]
fn a_tracker_that_opens_and_says_nothing_is_tried_ever_more_slowly_too() {
    let mut peer = Peer::new(config(), Identity::from_secret([9; 32]), Random::new([1; 32]), START)
        .expect("the settings are good");
    let (mut opened, mut now) = (Vec::new(), START);
    while now < START + seconds(600) {
        for output in listen(&mut peer, now).outputs {
            if let Output::TrackerOpen(id, _) = output {
                opened.push(now);
                peer.handle(Input::TrackerOpened(id), now);
                peer.handle(Input::TrackerClosed(id, "closed at once".into()), now);
            }
        }
        now = peer.poll_timeout().expect("it tries again").max(now);
        peer.handle(Input::Timeout, now);
    }
    assert!((10..40).contains(&opened.len()), "{}", opened.len());
}

#[test]
fn spellings_of_one_url_are_one_tracker_to_add_to_remove_and_in_the_list() {
    let mut world = World::new();
    world.join(with(&["ws://t:80/", "WS://T", "ws://t"]));
    let urls = |world: &World| world.peers[0].trackers().into_iter().map(|t| t.url).collect::<Vec<_>>();
    assert_eq!(urls(&world), [LIVE]);
    world.with(0, |peer, now| peer.add_tracker("ws://T/", now));
    world.with(0, |peer, now| peer.add_tracker("wss://Other:443", now));
    assert_eq!(urls(&world), [LIVE, "wss://other"]);
    world.with(0, |peer, now| peer.remove_tracker("WS://t:80", now));
    world.with(0, |peer, now| peer.remove_tracker("wss://other/", now));
    assert_eq!(urls(&world), [""; 0]);
    assert_eq!(world.attempts[0].len(), 2);
}

const BLOCKED: &str = "ERR_ALL_TRACKERS_BLOCKED";

#[test]
fn who_has_nobody_and_reaches_no_tracker_tells_its_page_why_once() {
    let mut world = World::new();
    world.dead_trackers.extend([DEAD.into(), LIVE.into()]);
    world.join(with(&[DEAD, LIVE]));
    assert!(world.warnings(0, BLOCKED).is_empty(), "one failure may be an accident");
    world.run(seconds(600));
    let said = world.warnings(0, BLOCKED);
    assert_eq!(said.len(), 1, "{said:?}");
    for word in ["ws://dead: refused", "ws://t: refused", "offline", "content blocker", "connect-src"] {
        assert!(said[0].contains(word), "{said:?}");
    }
    // One is back, and gone again: that is news.
    world.dead_trackers.remove(LIVE);
    world.run(seconds(61));
    world.kill_tracker(LIVE);
    world.run(seconds(600));
    assert_eq!(world.warnings(0, BLOCKED).len(), 2);
}

#[test]
fn who_has_a_tracker_that_answers_or_a_neighbor_or_no_tracker_at_all_is_told_nothing() {
    let mut world = linked();
    world.kill_tracker(LIVE);
    world.join(with(&[]));
    world.run(seconds(600));
    assert!((0..3).all(|index| world.warnings(index, BLOCKED).is_empty()));
}

#[test]
fn a_page_is_told_of_every_state_and_when_the_next_attempt_is() {
    use TrackerState::{Connecting, Open, Ready, Waiting};
    let mut world = World::new();
    world.dead_trackers.insert(LIVE.into());
    world.join(with(&[LIVE]));
    let status = |world: &World| world.peers[0].trackers().remove(0);
    assert_eq!((status(&world).state, status(&world).next_attempt), (Connecting, None));
    world.run(Duration::from_millis(20));
    let waiting = status(&world);
    assert_eq!((waiting.state, waiting.last_error.as_deref()), (Waiting, Some("refused")));
    assert!(waiting.next_attempt.is_some_and(|at| (0..=1000).contains(&(at - world.now.as_millis()))));
    world.dead_trackers.clear();
    world.run(seconds(2));
    assert_eq!(told(&world, 0, LIVE), [Connecting, Waiting, Connecting, Open, Ready]);
    let ready = status(&world);
    assert_eq!((ready.state, ready.peers, ready.last_error), (Ready, 1, None));
    assert!(ready.next_attempt.is_some_and(|at| at > world.now.as_millis()), "the next announce");
}

#[test]
fn all_are_linked_by_a_tracker_that_takes_its_time_as_soon_as_its_words_allow() {
    for (count, late, gap) in
        [(2, 3, 0), (2, 3, 1500), (3, 3, 750), (3, 5, 2000), (6, 3, 0), (6, 4, 800), (6, 5, 300), (6, 7, 300)]
    {
        let mut world = World::new();
        world.tracker_late = seconds(late);
        for _ in 0..count {
            world.join(with(&[LIVE]));
            world.run(Duration::from_millis(gap));
        }
        let alone = |world: &World| (0..count).any(|index| world.peers[index].link_count() == 0);
        let began = world.now;
        while alone(&world) {
            world.run(Duration::from_millis(100));
            // An offer, an answer, and now and then another offer, for both had answered each other.
            let took = world.now - began;
            assert!(took <= seconds(3 * late + 1), "{count} peers, {late} s late, {gap} ms apart: {took:?}");
        }
    }
}

#[test]
fn a_tracker_that_takes_its_time_is_not_asked_again_before_it_has_answered() {
    let mut world = World::new();
    world.tracker_late = seconds(5);
    world.join(with(&[LIVE]));
    world.run(seconds(5));
    let heard = |world: &World| world.announces;
    assert_eq!(heard(&world), 2, "that it is there, and its offers");
    world.run(seconds(60));
    assert!((5..=8).contains(&heard(&world)), "{}", heard(&world));
}

const RESERVES: [&str; 4] = ["ws://reserve-1", "ws://reserve-2", "ws://reserve-3", "ws://reserve-4"];

/// ... and reserves.
fn with_reserves(trackers: &[&str]) -> Config {
    Config { reserves: RESERVES.map(str::to_owned).into(), ..with(trackers) }
}

fn in_use(world: &World, index: usize) -> Vec<String> {
    world.peers[index].trackers().into_iter().map(|status| status.url).collect()
}

#[test]
fn who_has_nobody_turns_to_the_first_reserves_when_no_tracker_answers_for_long_and_meets_others_there() {
    let mut world = World::new();
    world.dead_trackers.insert(DEAD.into());
    for _ in 0..2 {
        world.join(with_reserves(&[DEAD]));
    }
    world.run(seconds(19));
    assert_eq!(in_use(&world, 0), [DEAD]);
    world.run(seconds(3));
    assert_eq!(in_use(&world, 0), [DEAD, RESERVES[0], RESERVES[1], RESERVES[2]], "and not all of them");
    assert!(world.linked(0, 1));
}

#[test]
fn a_swarm_whose_trackers_are_gone_waits_at_the_reserves_for_newcomers_and_leaves_them_after() {
    let mut world = World::new();
    for _ in 0..2 {
        world.join(with_reserves(&[LIVE]));
    }
    world.run(seconds(5));
    world.kill_tracker(LIVE);
    world.run(seconds(59));
    assert_eq!(in_use(&world, 0), [LIVE], "it may just be started anew");
    world.run(seconds(3));
    let newcomer = world.join(with_reserves(&[LIVE]));
    world.run(seconds(30));
    assert!(world.peers[newcomer].link_count() > 0);
    // Who waits for the tracker tries it again within a minute; until then it finds the others at a reserve.
    world.dead_trackers.clear();
    world.run(seconds(120));
    assert_eq!(in_use(&world, 0).len(), 4);
    world.run(seconds(120));
    assert!((0..3).all(|index| in_use(&world, index) == [LIVE]));
    world.kill_tracker(LIVE);
    world.run(seconds(65));
    assert_eq!(in_use(&world, 0).len(), 4);
}

#[test]
fn a_tracker_that_answers_or_a_list_without_reserves_is_enough() {
    let mut world = World::new();
    world.dead_trackers.insert(DEAD.into());
    world.join(with_reserves(&[DEAD, LIVE]));
    world.join(with(&[DEAD]));
    world.join(with_reserves(&[]));
    world.run(seconds(1));
    world.with(2, |peer, now| peer.handle(Input::Woke, now));
    world.run(seconds(600));
    assert_eq!(in_use(&world, 0), [DEAD, LIVE]);
    assert_eq!(in_use(&world, 1), [DEAD]);
    // A page that named none wants none.
    assert_eq!(in_use(&world, 2), [""; 0]);
}

#[test]
fn a_reserve_that_the_page_adds_is_none_any_more_and_what_it_removes_is_not_turned_to() {
    let mut world = World::new();
    world.dead_trackers.insert(DEAD.into());
    world.join(with_reserves(&[DEAD]));
    world.run(seconds(25));
    world.with(0, |peer, now| peer.add_tracker("WS://Reserve-2/", now));
    world.with(0, |peer, now| peer.remove_tracker("ws://reserve-1", now));
    world.run(seconds(200));
    assert_eq!(in_use(&world, 0), [DEAD, RESERVES[1]], "it answers, and the others are left");
    world.kill_tracker(RESERVES[1]);
    world.run(seconds(65));
    assert_eq!(in_use(&world, 0), [DEAD, RESERVES[1], RESERVES[2], RESERVES[3]]);
}

#[test]
fn of_more_trackers_than_are_good_for_anybody_the_first_are_used_and_the_others_are_reserves() {
    let mut world = World::new();
    let named: Vec<_> = (0..20).map(|n| format!("ws://t-{n}")).collect();
    world.dead_trackers.extend(named[..8].iter().cloned());
    world.join(Config { trackers: named.clone(), ..config() });
    assert_eq!(in_use(&world, 0), named[..8]);
    world.run(seconds(25));
    assert_eq!(in_use(&world, 0), named[..11]);
}

#[test]
fn who_is_kept_from_a_tracker_that_answers_its_neighbor_needs_no_reserve_and_tries_it_rarely() {
    let mut world = World::new();
    for _ in 0..2 {
        world.join(with_reserves(&[LIVE]));
    }
    world.run(seconds(5));
    world.block(0, LIVE);
    let before = attempts(&world, 0, LIVE);
    world.run(seconds(1800));
    assert_eq!(in_use(&world, 0), [LIVE], "newcomers find the swarm by the neighbor");
    let tries = attempts(&world, 0, LIVE) - before;
    assert!((3..30).contains(&tries), "{tries}");
    // The neighbor's word is worth no more than the tracker.
    world.kill_tracker(LIVE);
    world.run(seconds(160));
    assert!((0..2).all(|index| in_use(&world, index).len() == 4));
}

#[test]
fn a_reserve_that_answers_a_neighbor_is_turned_to_first() {
    let mut world = World::new();
    world.join(with_reserves(&[LIVE]));
    world.join(with(&[LIVE, RESERVES[3]]));
    world.run(seconds(5));
    world.kill_tracker(LIVE);
    world.run(seconds(70));
    assert_eq!(in_use(&world, 0), [LIVE, RESERVES[3], RESERVES[0], RESERVES[1]]);
}

#[test]
fn a_neighbor_can_name_no_tracker_that_is_not_on_the_list_nor_say_anything_unasked() {
    let mut world = World::new();
    for _ in 0..2 {
        world.join(with_reserves(&[LIVE]));
    }
    world.run(seconds(5));
    let marks: Vec<u32> = (0..2_000).chain(RESERVES.map(introducers::mark)).collect();
    let lie = Packet::Trackers { marks, asks: false };
    world.inject(1, 0, &lie);
    assert_eq!(world.peers[0].stats().dropped.get(&"trackers not asked for"), Some(&1));
    world.tap(move |from, _, packet| match packet {
        Packet::Trackers { asks: false, .. } if from == 1 => vec![lie.clone(); 50],
        packet => vec![packet],
    });
    world.block(0, LIVE);
    world.run(seconds(1800));
    // The first eight of its marks are of nothing that is known here, and no more are looked at.
    assert_eq!(in_use(&world, 0), [LIVE, RESERVES[0], RESERVES[1], RESERVES[2]]);
    let tried: BTreeSet<_> = world.attempts[0].iter().map(|(_, url)| url.as_str()).collect();
    assert_eq!(tried, BTreeSet::from([LIVE, RESERVES[0], RESERVES[1], RESERVES[2]]));
}
