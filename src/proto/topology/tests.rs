//! What to ask for.

use super::*;
use crate::proto::neighborhood::Neighbor;
use crate::proto::neighborhood::kit::*;
use crate::proto::random::Random;
use crate::proto::request::{Goal, Plan};
use crate::proto::ring::{self, Known};

#[test]
fn a_peer_without_links_asks_for_nothing_and_waits_for_nothing() {
    let mut mesh = Topology::new(ME);
    mesh.handle_hint(place(9), None, T0);
    mesh.handle_unlinked(place(1), true, T0);
    assert_eq!(plan(&mut mesh, &[], &[], 6, T0), []);
    assert_eq!(mesh.poll_plan(), None);
}

#[test]
fn a_better_successor_is_asked_for_at_once_and_a_better_predecessor_after_its_turn() {
    let (mut mesh, links) = (Topology::new(ME), neighbors(&[20, 200]));
    let known = [link(20), link(200), beyond(5, 20), beyond(250, 200)];
    mesh.handle_linked(place(20), T0);
    let successor =
        Plan { goal: Goal::Successor, via: place(20), probe: false, aim: Some(place(5)), replaces: None };
    assert_eq!(plan(&mut mesh, &links, &known, 4, T0), [successor]);
    let predecessor = Plan {
        goal: Goal::Predecessor,
        via: place(200),
        probe: false,
        aim: Some(place(250)),
        replaces: None,
    };
    assert_eq!(mesh.poll_plan(), Some(T0 + LONG.0.min(POLITE)));
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + POLITE), [predecessor]);
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + POLITE + millis(100)), [], "both are under way");
    let again = ring_plans(&mut mesh, &links, &known, T0 + COOL + millis(1));
    assert_eq!(again, [successor], "nothing came of it");
}

#[test]
fn one_request_is_under_way_on_each_side_unless_its_answer_must_be_lost() {
    let (mut mesh, links) = (Topology::new(ME), neighbors(&[20, 200]));
    let known = [link(20), link(200), beyond(5, 20)];
    mesh.handle_linked(place(20), T0);
    let [successor] = ring_plans(&mut mesh, &links, &known, T0)[..] else { panic!("there is a better one") };
    let nearer = [link(20), link(200), beyond(3, 20), beyond(5, 20)];
    let mut plans = |asked, now| {
        mesh.handle_change(now);
        let around = Neighborhood { free: 4, asked: [asked, false], ..around(&links, &nearer) };
        mesh.plan(&around, &mut Random::new([1; 32]), now).into_iter().filter(is_for_ring).collect::<Vec<_>>()
    };
    assert_eq!(plans(true, T0 + COOL), []);
    assert_eq!(plans(false, T0 + COOL), [Plan { aim: Some(place(3)), ..successor }]);
}

#[test]
fn who_could_not_be_connected_is_left_alone_longer_than_who_said_no() {
    for (reason, pause) in [
        (Some(Reason::Busy), COOL_BUSY),
        (Some(Reason::Full), COOL),
        (Some(Reason::Failed), COOL),
        (None, COOL_FAILED),
    ] {
        let (mut mesh, links) = (Topology::new(ME), neighbors(&[20, 200]));
        let known = [link(20), link(200), beyond(5, 20)];
        let aim =
            Plan { goal: Goal::Successor, via: place(20), probe: false, aim: Some(place(5)), replaces: None };
        match reason {
            Some(reason) => mesh.handle_rejected(place(5), reason, T0),
            None => mesh.handle_failed(place(5), T0),
        }
        mesh.handle_change(T0);
        assert_eq!(ring_plans(&mut mesh, &links, &known, T0), [], "{reason:?}");
        assert_eq!(ring_plans(&mut mesh, &links, &known, just_before(T0 + pause)), [], "{reason:?}");
        assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + pause), [aim], "{reason:?}");
    }
}

#[test]
fn the_dead_are_not_asked_for_whoever_still_knows_them() {
    let (mut mesh, links) = (Topology::new(ME), neighbors(&[20, 200]));
    let known = [link(20), link(200), beyond(5, 20)];
    mesh.handle_unlinked(place(5), true, T0);
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0), []);
    mesh.handle_change(T0 + DEAD);
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + DEAD).len(), 1, "after a while it may be back");
}

#[test]
fn the_ring_is_probed_ever_more_slowly_until_something_changes() {
    let (mut mesh, links) = (Topology::new(ME), neighbors(&[20, 200]));
    let known = [link(20), link(200)];
    let mut random = Random::new([1; 32]);
    mesh.handle_linked(place(20), T0);
    let (mut probed, mut now) = (Vec::new(), T0);
    while probed.len() < 9 {
        let full = Neighborhood { free: 0, ..around(&links, &known) };
        let plans = mesh.plan(&full, &mut random, now);
        if !plans.is_empty() {
            assert!(plans.iter().all(|plan| plan.probe));
            assert_eq!([plans[0].goal, plans[1].goal], [Goal::Successor, Goal::Predecessor]);
            probed.push(now);
        }
        now = mesh.poll_plan().expect("there is always a next probe");
    }
    let pauses: Vec<_> = probed.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    assert_eq!(probed[0], T0 + STABILIZE.0);
    assert!(pauses.windows(2).take(4).all(|pair| pair[1] > 1.5 * pair[0]), "{pauses:?}");
    assert!(pauses.iter().all(|&pause| pause <= 66.0) && pauses[7] >= 54.0, "{pauses:?}");
    mesh.handle_unlinked(place(9), false, now);
    assert!(mesh.poll_plan().is_some_and(|at| at <= now + STABILIZE.0));
}

#[test]
fn a_probe_that_found_a_better_neighbor_leads_to_a_request() {
    let mut mesh = Topology::new(ME);
    let links = neighbors(&[20, 200]);
    let around = Neighborhood { free: 2, ..around(&links, &[]) };
    let better =
        Plan { goal: Goal::Successor, via: place(200), probe: false, aim: Some(place(5)), replaces: None };
    assert_eq!(
        mesh.handle_found(Goal::Successor, place(200), place(5), &around, T0),
        Some(better),
        "the way that the probe went"
    );
    assert_eq!(mesh.handle_found(Goal::Successor, place(200), place(30), &around, T0), None, "20 is nearer");
    assert_eq!(mesh.handle_found(Goal::Successor, place(200), ME, &around, T0), None);
    let pending = Neighborhood { pending: vec![place(5)], ..around.clone() };
    assert_eq!(
        mesh.handle_found(Goal::Successor, place(200), place(5), &pending, T0),
        None,
        "it is coming already"
    );
    mesh.handle_failed(place(5), T0);
    assert_eq!(
        mesh.handle_found(Goal::Successor, place(200), place(5), &around, T0),
        None,
        "it could not be connected"
    );
}

#[test]
fn a_settled_peer_with_free_slots_asks_for_long_links_and_a_full_one_does_not() {
    let (mut mesh, links) = settled(&[1, 255]);
    let known = [link(1), link(255), beyond(100, 1)];
    let mut now = settled_at();
    plan(&mut mesh, &links, &known, 4, now);
    let mut plans = Vec::new();
    while plans.is_empty() {
        now = mesh.poll_plan().expect("a slot is free");
        plans = plan(&mut mesh, &links, &known, 4, now).into_iter().filter(|plan| !plan.probe).collect();
    }
    assert!(now - settled_at() < Duration::from_secs(2));
    assert!(matches!(plans[..], [Plan { goal: Goal::Point(_), probe: false, aim: None, .. }]), "{plans:?}");

    let (mut mesh, links) = settled(&[1, 255]);
    mesh.handle_linked(place(50), T0);
    let mut now = settled_at();
    for _ in 0..10 {
        let plans = plan(&mut mesh, &links, &known, 0, now);
        assert!(plans.iter().all(|plan| plan.probe), "{plans:?}");
        now = mesh.poll_plan().expect("there is always a next probe");
    }
}

#[test]
fn where_everyone_in_sight_fits_into_the_slots_each_is_asked_for_by_address() {
    // 100 is as far away as 156, to which there is a link: no draw of scales would come to it.
    let places = [1, 255, 156];
    let (mut mesh, links) = settled(&places);
    let lacked = Known { free: 2, ..beyond(100, 1) };
    let known = [link(1), lacked, link(156), link(255)];
    let mut asked = |known: &[Known], now| {
        mesh.long_at = Some(now);
        let around = Neighborhood { max_peers: 5, free: 2, ..around(&links, known) };
        let mut plans = mesh.plan(&around, &mut Random::new([1; 32]), now);
        plans.retain(|plan| !plan.probe);
        plans
    };
    let now = settled_at();
    let exactly = Plan {
        goal: Goal::Exact(place(100)),
        via: place(1),
        probe: false,
        aim: Some(place(100)),
        replaces: None,
    };
    assert_eq!(asked(&known, now), [exactly]);
    let full = [link(1), Known { free: 0, ..lacked }, link(156), link(255)];
    assert!(asked(&full, now + COOL).iter().all(|plan| plan.goal != exactly.goal), "it has no slot");
    let more: Vec<_> = known.into_iter().chain([beyond(120, 1), beyond(140, 1)]).collect();
    assert!(asked(&more, now + COOL).iter().all(|plan| plan.goal != exactly.goal), "not all fit");
}

#[test]
fn whom_an_eviction_told_of_is_asked_as_soon_as_a_slot_is_free() {
    let (mut mesh, links) = settled(&[1, 255, 50]);
    let known = [link(1), link(255), link(50)];
    let now = settled_at();
    for hint in [ME, place(50), place(60), place(60)] {
        mesh.handle_hint(hint, None, now);
    }
    let asked = Plan {
        goal: Goal::Exact(place(60)),
        via: place(50),
        probe: false,
        aim: Some(place(60)),
        replaces: None,
    };
    let exact = |plans: Vec<Plan>| plans.into_iter().filter(|plan| !plan.probe).collect::<Vec<_>>();
    assert_eq!(exact(plan(&mut mesh, &links, &known, 0, now)), [], "no slot is free");
    mesh.handle_change(now);
    assert_eq!(exact(plan(&mut mesh, &links, &known, 1, now)), [asked]);
    mesh.handle_change(now);
    assert_eq!(exact(plan(&mut mesh, &links, &known, 1, now)), [], "once");
    for n in 0..20 {
        mesh.handle_hint(place(100 + n), None, now);
    }
    assert_eq!(mesh.hints.len(), MAX_HINTS);
}

#[test]
fn who_lost_its_place_on_the_ring_asks_for_it_through_the_peer_that_gave_it_away() {
    let (mut mesh, links) = settled(&[250, 50]);
    let known = [link(250), link(50), beyond(20, 50)];
    // 10 took the place of this peer beside its former successor, 11, which still passes on what it is sent.
    mesh.handle_hint(place(10), Some(place(11)), settled_at());
    let asked =
        Plan { goal: Goal::Successor, via: place(11), probe: false, aim: Some(place(10)), replaces: None };
    assert_eq!(ring_plans(&mut mesh, &links, &known, settled_at()), [asked], "and 20 waits for its turn");
}

#[test]
fn a_full_peer_tries_to_replace_its_slowest_long_link_now_and_then() {
    let (mut mesh, mut links) = settled(&[1, 255, 50, 80]);
    (links[2].rtt, links[3].rtt) = (Some(millis(90)), Some(millis(70)));
    let known = [link(1), link(255), link(50), link(80)];
    let mut trials = Vec::new();
    let mut now = settled_at();
    while now < settled_at() + Duration::from_secs(5000) {
        let plans = plan(&mut mesh, &links, &known, 0, now);
        trials.extend(plans.into_iter().filter(|plan| !plan.probe).map(|plan| (now, plan)));
        now = mesh.poll_plan().expect("there is always a next probe");
    }
    assert!((4..=8).contains(&trials.len()), "{trials:?}");
    for (at, trial) in &trials {
        assert!(*at >= settled_at() + TRIAL.0.mul_f64(0.5));
        assert_eq!(trial.replaces, Some(place(50)));
        let Goal::Point(point) = trial.goal else { panic!("{trial:?}") };
        let share = ring::distance(&ME, &point).share() * 256.0;
        assert!((50.0 / 1.7..50.0 * 1.7).contains(&share), "about as far away as 50: {share}");
    }
    assert_eq!(plan(&mut mesh, &links, &known, 1, now).len(), 0, "a free slot comes first");
}

#[test]
fn two_deaths_in_ten_seconds_that_leave_half_the_links_are_a_catastrophe() {
    let deaths = |gap, links, dead| {
        let mut mesh = Topology::new(ME);
        mesh.handle_unlinked(place(1), dead, T0);
        mesh.handle_unlinked(place(2), dead, T0 + gap);
        mesh.is_catastrophe(&around(&neighbors(&[7, 8, 9, 10][..links]), &[]), T0 + gap)
    };
    assert!(deaths(CATASTROPHE, 3, true));
    assert!(!deaths(CATASTROPHE, 4, true), "enough links are left");
    assert!(!deaths(CATASTROPHE + millis(1), 3, true), "too far apart");
    assert!(!deaths(millis(1), 3, false), "those left, or moved on");
}

/// A peer whose ring links have been the same for long enough, at `settled_at`.
fn settled(places: &[u8]) -> (Topology, Vec<Neighbor>) {
    let (mut mesh, links) = (Topology::new(ME), neighbors(places));
    mesh.plan(&around(&links, &[]), &mut Random::new([1; 32]), T0);
    (mesh, links)
}

fn plan(mesh: &mut Topology, links: &[Neighbor], known: &[Known], free: isize, now: Instant) -> Vec<Plan> {
    mesh.plan(&Neighborhood { free, ..around(links, known) }, &mut Random::new([1; 32]), now)
}

/// The requests for ring links that a peer with free slots would make.
fn ring_plans(mesh: &mut Topology, links: &[Neighbor], known: &[Known], now: Instant) -> Vec<Plan> {
    plan(mesh, links, known, 4, now).into_iter().filter(is_for_ring).collect()
}

fn is_for_ring(plan: &Plan) -> bool {
    !plan.probe && plan.goal.side().is_some()
}
