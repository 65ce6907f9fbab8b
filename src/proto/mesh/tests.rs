use super::*;

const T0: Instant = Instant::from_millis(1_000_000);
/// This peer, on a ring of 256 places.
const ME: Address = place(0);

// Where a request goes.

#[test]
fn a_successor_is_looked_for_clockwise_of_its_origin() {
    let known = [link(9), link(120), link(200), beyond(11, 200)];
    assert_eq!(step(Goal::Successor, 10, &known), Step::Forward(place(200)), "11 is the first after 10");
    assert_eq!(
        step(Goal::Successor, 10, &[link(9)]),
        Step::Here,
        "9 is next to 10 and yet the last after it"
    );
    assert_eq!(step(Goal::Successor, 250, &[link(20), link(200)]), Step::Here, "0 is the first after 250");
}

#[test]
fn a_predecessor_is_looked_for_counter_clockwise_of_its_origin() {
    let known = [link(11), link(170), link(200), beyond(9, 200)];
    assert_eq!(step(Goal::Predecessor, 10, &known), Step::Forward(place(200)));
    assert_eq!(step(Goal::Predecessor, 10, &[link(11)]), Step::Here);
    assert_eq!(step(Goal::Predecessor, 5, &[link(20), link(200)]), Step::Here);
}

#[test]
fn a_request_takes_the_quicker_of_two_ways_that_lead_about_as_far() {
    let slow = Known { rtt: 120.0, ..link(12) };
    for goal in [Goal::Successor, Goal::Exact(place(10)), Goal::Point(place(10))] {
        assert_eq!(step(goal, 9, &[slow, link(13)]), Step::Forward(place(13)), "{goal:?}");
        assert_eq!(
            step(goal, 9, &[slow, link(120)]),
            Step::Forward(place(12)),
            "{goal:?}: 120 is too far off"
        );
    }
    let known = [slow, link(13)];
    let links = neighbors(&[12, 13]);
    let two_links = Scene { max_peers: 2, ..scene(&links, &known) };
    let next = Mesh::new(ME).step(&mut request(Goal::Successor, 9), None, &two_links);
    assert_eq!(next, Step::Forward(place(12)), "with few links only the distance counts");
}

#[test]
fn an_exact_goal_is_reached_by_sight_or_by_distance_and_not_by_guessing() {
    assert_eq!(step(Goal::Exact(ME), 10, &[]), Step::Here);
    let known = [link(40), link(60), beyond(50, 60)];
    assert_eq!(step(Goal::Exact(place(50)), 10, &known), Step::Forward(place(60)), "in sight");
    assert_eq!(step(Goal::Exact(place(41)), 10, &known), Step::Forward(place(40)), "nearer");
    let lost = Step::Refuse(Reason::NotFound);
    assert_eq!(step(Goal::Exact(place(5)), 10, &known), lost, "nobody is nearer");
}

#[test]
fn a_point_is_owned_by_the_nearest_with_a_free_slot() {
    let known = [link(40), link(60)];
    let to = |at, origin, free| {
        let mut request = request(Goal::Point(place(at)), origin);
        let links = neighbors(&[40, 60]);
        let scene = Scene { free, ..scene(&links, &known) };
        let step = Mesh::new(ME).step(&mut request, None, &scene);
        (step, request.goal)
    };
    assert_eq!(to(2, 100, 1).0, Step::Here, "near enough and free");
    assert_eq!(to(45, 100, 1).0, Step::Forward(place(40)), "40 is nearer");
    assert_eq!(to(2, 4, 1).0, Step::Here, "nobody is nearer");
    assert_eq!(to(2, 40, 1).0, Step::Here, "a link already: whoever judges will say so");
    assert_eq!(to(2, 100, 0), (Step::Here, Goal::Point(place(2))), "full, and no free slot is known");
}

#[test]
fn the_full_owner_of_a_point_names_the_nearest_peer_with_a_free_slot() {
    let links = neighbors(&[40, 60]);
    let known =
        [link(40), link(60), Known { free: 2, ..beyond(90, 60) }, Known { free: 1, ..beyond(80, 40) }];
    let mut request = request(Goal::Point(place(2)), 100);
    let step = Mesh::new(ME).step(&mut request, None, &Scene { free: 0, ..scene(&links, &known) });
    assert_eq!((step, request.goal), (Step::Forward(place(40)), Goal::Exact(place(80))));
}

#[test]
fn a_request_goes_neither_back_nor_to_its_origin_nor_to_the_dead_nor_where_it_must_not() {
    let known = [link(11), link(12), link(13), link(14), link(15), beyond(10, 16)];
    let links = neighbors(&[11, 12, 13, 14, 15]);
    let mut mesh = Mesh::new(ME);
    mesh.handle_unlinked(place(12), true, T0);
    let mut request = Request { path: vec![place(13)], ..request(Goal::Successor, 10) };
    let next = mesh.step(&mut request, Some(&place(11)), &scene(&links, &known));
    assert_eq!(next, Step::Forward(place(14)));
    request.hops_left = 0;
    let next = mesh.step(&mut request, Some(&place(11)), &scene(&links, &known));
    assert_eq!(next, Step::Refuse(Reason::NotFound), "it has gone far enough");
}

#[test]
fn the_way_of_a_request_is_remembered_once_for_a_while_and_in_bounded_room() {
    let mut mesh = Mesh::new(ME);
    let request = request(Goal::Successor, 10);
    assert!(mesh.remember(&request, Back::Neighbor(place(1)), Some(place(2)), 6, T0));
    assert!(!mesh.remember(&request, Back::Neighbor(place(3)), None, 6, T0), "it goes in a circle");
    assert_eq!(mesh.route(&request.id).map(|route| route.forth), Some(Some(place(2))));
    for n in 1..=MAX_ROUTES as u64 {
        let request = Request { id: RequestId(n.to_be_bytes()), ..request.clone() };
        assert!(mesh.remember(&request, Back::Neighbor(place(1)), None, 6, T0 + millis(n)));
    }
    assert_eq!(mesh.routes.len(), MAX_ROUTES);
    assert!(mesh.route(&request.id).is_none(), "the oldest gave way");
    mesh.expire(T0 + ROUTE + millis(MAX_ROUTES as u64));
    assert_eq!(mesh.routes.len(), 0);
}

// Whether to accept.

#[test]
fn a_free_slot_is_given_to_whoever_asks_once_the_ring_has_settled() {
    let (mut mesh, links) = settled(&[1, 255, 50]);
    assert_eq!(judge(&mut mesh, &links, 1, 100, false), Ok(()));
}

#[test]
fn while_the_ring_is_forming_slots_are_kept_for_it_and_for_those_in_need() {
    let links = neighbors(&[1, 255, 50]);
    for (free, verdict) in [(3, Ok(())), (2, Err(Reason::Full)), (1, Err(Reason::Full))] {
        let around = Scene { free, ..scene(&links, &[]) };
        let of = |goal| Mesh::new(ME).judge(&request(goal, 100), &around, settled_at());
        assert_eq!(of(Goal::Point(ME)), verdict, "{free}");
        assert_eq!(of(Goal::Exact(ME)), Ok(()), "an eviction sent it here");
    }
    let links = neighbors(&[3, 255]);
    assert_eq!(judge(&mut Mesh::new(ME), &links, 1, 2, false), Ok(()), "a better successor");
    assert_eq!(judge(&mut Mesh::new(ME), &links, 1, 100, true), Ok(()), "one in need");
}

#[test]
fn whoever_is_linked_or_about_to_be_is_turned_away() {
    let (mut mesh, links) = settled(&[1, 255]);
    assert_eq!(judge(&mut mesh, &links, 3, 255, true), Err(Reason::Duplicate));
    let scene = Scene { pending: &[place(100)], free: 3, ..scene(&links, &[]) };
    let verdict = mesh.judge(&request(Goal::Exact(ME), 100), &scene, T0);
    assert_eq!(verdict, Err(Reason::Duplicate));
}

#[test]
fn a_full_peer_hands_a_link_over_for_a_better_ring_link_only() {
    let (mut mesh, links) = settled(&[3, 250, 50, 60, 70, 80]);
    assert_eq!(judge(&mut mesh, &links, 0, 2, false), Ok(()), "a better successor");
    assert_eq!(judge(&mut mesh, &links, 0, 252, false), Ok(()), "a better predecessor");
    assert_eq!(judge(&mut mesh, &links, 0, 100, false), Err(Reason::Full));
    assert_eq!(judge(&mut mesh, &links, -1, 2, false), Ok(()), "and a second one, for the ring");
    assert_eq!(judge(&mut mesh, &links, -1, 100, true), Err(Reason::Busy), "but not for one in need");
}

/// Else a flood of requests from nobody takes all the links of a peer.
#[test]
fn a_link_is_ended_for_one_that_is_still_being_made_once_in_a_while_only() {
    let (mut mesh, links) = settled(&[3, 250, 50, 60, 70, 80]);
    let scene = Scene { free: -1, ..scene(&links, &[]) };
    let mut at = |pause| mesh.judge(&request(Goal::Exact(ME), 2), &scene, settled_at() + pause);
    assert_eq!(at(Duration::ZERO), Ok(()));
    assert_eq!(at(BREAK_PAUSE / 2), Err(Reason::Busy));
    assert_eq!(at(BREAK_PAUSE), Ok(()));
}

/// Else the first of a crowd all promise all their slots to each other, and nobody can take an answer.
#[test]
fn a_lonely_peer_keeps_half_its_slots_for_the_answers_to_its_own_offers() {
    let mut mesh = Mesh::new(ME);
    assert_eq!(judge(&mut mesh, &[], 4, 2, true), Ok(()));
    assert_eq!(judge(&mut mesh, &[], 3, 2, true), Err(Reason::Full));
}

#[test]
fn whoever_is_no_instead_of_the_link_that_the_origin_has_does_not_take_its_offer_up() {
    let (mut mesh, links) = settled(&[20, 250]);
    let scene = scene(&links, &[]);
    let mut of = |goal, bound| {
        let request = Request { instead_of: Some(place(bound)), ..request(goal, 240) };
        mesh.judge(&request, &Scene { free: 2, ..scene }, settled_at())
    };
    // ME is 0: after 240 come 250, 0 and 20.
    assert_eq!(of(Goal::Successor, 20), Ok(()));
    assert_eq!(of(Goal::Successor, 250), Err(Reason::Duplicate));
    assert_eq!(of(Goal::Predecessor, 250), Ok(()), "0 is nearer than 250 on the other side");
    assert_eq!(of(Goal::Predecessor, 20), Err(Reason::Duplicate));
    assert_eq!(of(Goal::Exact(ME), 250), Ok(()), "not on the ring");
}

#[test]
fn a_full_peer_splits_an_edge_for_one_in_need_but_not_for_many_at_once() {
    let (mut mesh, links) = settled(&[3, 250, 50, 60, 70, 80]);
    assert_eq!(judge(&mut mesh, &links, 0, 100, true), Ok(()));
    assert_eq!(judge(&mut mesh, &links, 0, 110, true), Err(Reason::Full));
    let scene = Scene { free: 0, ..scene(&links, &[]) };
    let later = settled_at() + SPLIT_PAUSE;
    assert_eq!(mesh.judge(&Request { need: true, ..request(Goal::Exact(ME), 110) }, &scene, later), Ok(()));
}

#[test]
fn a_peer_whose_links_are_all_on_the_ring_has_none_to_give() {
    let (mut mesh, links) = settled(&[3, 250]);
    assert_eq!(judge_of(&mut mesh, &links, 2, 0, 100, true), Err(Reason::Full));
    assert_eq!(judge_of(&mut mesh, &links, 2, 0, 2, false), Ok(()), "3 would no longer be on it");
}

// Which link gives way.

#[test]
fn ring_links_and_the_first_two_chosen_ones_never_give_way() {
    let mesh = Mesh::new(ME);
    let chosen = |n, since| Neighbor { chosen: true, since: T0 + millis(since), degree: 9, ..neighbor(n) };
    let mut links = neighbors(&[1, 255]);
    links.extend([chosen(50, 2), chosen(60, 1)]);
    assert_eq!(mesh.victim(&place(100), &scene(&links, &[]), T0), None);
    links.push(chosen(70, 3));
    assert_eq!(mesh.victim(&place(100), &scene(&links, &[]), T0), Some(place(70)), "the third");
    links.push(neighbor(80));
    assert_eq!(mesh.victim(&place(100), &scene(&links, &[]), T0), Some(place(70)), "the one with more links");
    links[4].degree = 1;
    assert_eq!(mesh.victim(&place(100), &scene(&links, &[]), T0), Some(place(80)));
}

#[test]
fn a_ring_link_that_a_newcomer_replaces_may_give_way() {
    let mesh = Mesh::new(ME);
    let links = neighbors(&[3, 255]);
    assert_eq!(mesh.victim(&place(2), &scene(&links, &[]), T0), Some(place(3)));
    assert_eq!(mesh.victim(&place(4), &scene(&links, &[]), T0), None);
}

#[test]
fn of_equal_links_the_one_gives_way_whose_distance_another_covers() {
    let mesh = Mesh::new(ME);
    let links = neighbors(&[1, 255, 20, 80, 85]);
    assert_eq!(mesh.victim(&place(120), &scene(&links, &[]), T0), Some(place(80)));
}

#[test]
fn whoever_says_that_it_has_few_links_is_spared_only_while_it_is_new() {
    let mesh = Mesh::new(ME);
    let mut links = neighbors(&[1, 255, 20, 80, 85]);
    links[3].degree = 0;
    let at = |after| mesh.victim(&place(120), &scene(&links, &[]), T0 + after);
    assert_eq!(at(FILLING - millis(1)), Some(place(85)));
    assert_eq!(at(FILLING), Some(place(80)), "as if it had said nothing");
}

#[test]
fn with_few_slots_fewer_chosen_links_are_protected() {
    let mesh = Mesh::new(ME);
    let chosen = |n| Neighbor { chosen: true, ..neighbor(n) };
    let links = [neighbor(1), neighbor(255), chosen(50), chosen(60)];
    let of = |max_peers| mesh.victim(&place(100), &Scene { max_peers, ..scene(&links, &[]) }, T0);
    assert_eq!((of(4), of(3), of(2)), (None, Some(place(60)), Some(place(50))));
}

// What to ask for.

#[test]
fn a_peer_without_links_asks_for_nothing_and_waits_for_nothing() {
    let mut mesh = Mesh::new(ME);
    mesh.handle_hint(place(9), None, T0);
    mesh.handle_unlinked(place(1), true, T0);
    assert_eq!(plan(&mut mesh, &[], &[], 6, T0), []);
    assert_eq!(mesh.poll_timeout(), None);
}

#[test]
fn a_better_successor_is_asked_for_at_once_and_a_better_predecessor_after_its_turn() {
    let (mut mesh, links) = (Mesh::new(ME), neighbors(&[20, 200]));
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
    assert_eq!(mesh.poll_timeout(), Some(T0 + LONG.0.min(POLITE)));
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + POLITE), [predecessor]);
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + POLITE + millis(100)), [], "both are under way");
    let again = ring_plans(&mut mesh, &links, &known, T0 + COOL + millis(1));
    assert_eq!(again, [successor], "nothing came of it");
}

#[test]
fn one_request_is_under_way_on_each_side_unless_its_answer_must_be_lost() {
    let (mut mesh, links) = (Mesh::new(ME), neighbors(&[20, 200]));
    let known = [link(20), link(200), beyond(5, 20)];
    mesh.handle_linked(place(20), T0);
    let [successor] = ring_plans(&mut mesh, &links, &known, T0)[..] else { panic!("there is a better one") };
    let nearer = [link(20), link(200), beyond(3, 20), beyond(5, 20)];
    let id = RequestId([1; 8]);
    mesh.begin(id, Some(ConnId(1)), successor, T0);
    let unsent = T0 + LOST * 2;
    mesh.handle_change(unsent);
    assert_eq!(ring_plans(&mut mesh, &links, &nearer, unsent), [], "its offer is still being made");
    mesh.handle_sent(&id, 6, LOST, T0);
    let soon = T0 + (LOST - millis(1));
    mesh.handle_linked(place(200), soon);
    assert_eq!(ring_plans(&mut mesh, &links, &nearer, soon), []);
    mesh.handle_change(T0 + LOST);
    let better = Plan { aim: Some(place(3)), ..successor };
    assert_eq!(ring_plans(&mut mesh, &links, &nearer, T0 + LOST), [better]);
    mesh.finish(&id);
    mesh.handle_change(T0 + LOST + COOL);
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + LOST + COOL), [successor]);
}

#[test]
fn who_could_not_be_connected_is_left_alone_longer_than_who_said_no() {
    for (reason, pause) in [(Reason::Busy, COOL_BUSY), (Reason::Full, COOL), (Reason::Failed, COOL_FAILED)] {
        let (mut mesh, links) = (Mesh::new(ME), neighbors(&[20, 200]));
        let known = [link(20), link(200), beyond(5, 20)];
        let aim =
            Plan { goal: Goal::Successor, via: place(20), probe: false, aim: Some(place(5)), replaces: None };
        let id = RequestId([1; 8]);
        mesh.begin(id, None, aim, T0);
        let mine = mesh.finish(&id).expect("it was begun");
        mesh.handle_reject(&mine, reason, T0);
        mesh.handle_change(T0);
        assert_eq!(ring_plans(&mut mesh, &links, &known, T0), [], "{reason:?}");
        assert_eq!(ring_plans(&mut mesh, &links, &known, just_before(T0 + pause)), [], "{reason:?}");
        assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + pause), [aim], "{reason:?}");
    }
}

#[test]
fn the_dead_are_not_asked_for_whoever_still_knows_them() {
    let (mut mesh, links) = (Mesh::new(ME), neighbors(&[20, 200]));
    let known = [link(20), link(200), beyond(5, 20)];
    mesh.handle_unlinked(place(5), true, T0);
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0), []);
    mesh.handle_change(T0 + DEAD);
    assert_eq!(ring_plans(&mut mesh, &links, &known, T0 + DEAD).len(), 1, "after a while it may be back");
}

#[test]
fn the_ring_is_probed_ever_more_slowly_until_something_changes() {
    let (mut mesh, links) = (Mesh::new(ME), neighbors(&[20, 200]));
    let known = [link(20), link(200)];
    let mut random = Random::new([1; 32]);
    mesh.handle_linked(place(20), T0);
    let (mut probed, mut now) = (Vec::new(), T0);
    while probed.len() < 9 {
        let full = Scene { free: 0, ..scene(&links, &known) };
        let plans = mesh.plan(&full, &mut random, now);
        if !plans.is_empty() {
            assert!(plans.iter().all(|plan| plan.probe));
            assert_eq!([plans[0].goal, plans[1].goal], [Goal::Successor, Goal::Predecessor]);
            probed.push(now);
        }
        now = mesh.poll_timeout().expect("there is always a next probe");
    }
    let pauses: Vec<_> = probed.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    assert_eq!(probed[0], T0 + STABILIZE.0);
    assert!(pauses.windows(2).take(4).all(|pair| pair[1] > 1.5 * pair[0]), "{pauses:?}");
    assert!(pauses.iter().all(|&pause| pause <= 66.0) && pauses[7] >= 54.0, "{pauses:?}");
    mesh.handle_unlinked(place(9), false, now);
    assert!(mesh.poll_timeout().is_some_and(|at| at <= now + STABILIZE.0));
}

#[test]
fn a_probe_that_found_a_better_neighbor_leads_to_a_request() {
    let mut mesh = Mesh::new(ME);
    let links = neighbors(&[20, 200]);
    let probe = Plan { goal: Goal::Successor, via: place(200), probe: true, aim: None, replaces: None };
    let id = RequestId([1; 8]);
    mesh.begin(id, None, probe, T0);
    let mine = mesh.finish(&id).expect("it was begun");
    let around = Scene { free: 2, ..scene(&links, &[]) };
    let better =
        Plan { goal: Goal::Successor, via: place(200), probe: false, aim: Some(place(5)), replaces: None };
    assert_eq!(mesh.handle_found(&mine, place(5), &around, T0), Some(better), "the way that the probe went");
    assert_eq!(mesh.handle_found(&mine, place(30), &around, T0), None, "20 is nearer");
    assert_eq!(mesh.handle_found(&mine, ME, &around, T0), None);
    let pending = Scene { pending: &[place(5)], ..scene(&links, &[]) };
    assert_eq!(mesh.handle_found(&mine, place(5), &pending, T0), None, "it is coming already");
    mesh.handle_failed(place(5), T0);
    assert_eq!(mesh.handle_found(&mine, place(5), &around, T0), None, "it could not be connected");
}

#[test]
fn a_settled_peer_with_free_slots_asks_for_long_links_and_a_full_one_does_not() {
    let (mut mesh, links) = settled(&[1, 255]);
    let known = [link(1), link(255), beyond(100, 1)];
    let mut now = settled_at();
    plan(&mut mesh, &links, &known, 4, now);
    let mut plans = Vec::new();
    while plans.is_empty() {
        now = mesh.poll_timeout().expect("a slot is free");
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
        now = mesh.poll_timeout().expect("there is always a next probe");
    }
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
    assert_eq!(mesh.hints.len(), 8);
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
        now = mesh.poll_timeout().expect("there is always a next probe");
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
fn a_full_peer_takes_a_trial_for_a_link_that_it_did_not_choose() {
    let (mut mesh, mut links) = settled(&[1, 255, 50, 80]);
    (links[2].chosen, links[2].rtt, links[3].rtt) = (true, Some(millis(90)), Some(millis(70)));
    let trial = Request { instead_of: Some(place(9)), ..request(Goal::Point(place(3)), 100) };
    let full = Scene { free: 0, ..scene(&links, &[]) };
    assert_eq!(mesh.tried_against(&trial, &full), Some(place(80)), "50 is slower, and chosen");
    assert_eq!(mesh.judge(&trial, &full, settled_at()), Ok(()));
    assert_eq!(mesh.judge(&trial, &full, settled_at()), Err(Reason::Full), "one in a while");
    let plain = request(Goal::Point(place(3)), 100);
    assert_eq!(mesh.tried_against(&plain, &full), None);
    links[3].chosen = true;
    let chosen = Scene { free: 0, ..scene(&links, &[]) };
    assert_eq!(mesh.judge(&trial, &chosen, settled_at() + SPLIT_PAUSE), Err(Reason::Full));
}

// What becomes of requests, and of the mesh.

#[test]
fn a_request_that_nobody_answers_expires_and_one_whose_neighbor_is_gone_at_once() {
    let mut mesh = Mesh::new(ME);
    let plan = |via| Plan { goal: Goal::Successor, via: place(via), probe: true, aim: None, replaces: None };
    let [a, b] = [1, 2].map(|n| RequestId([n; 8]));
    mesh.begin(a, None, plan(20), T0);
    mesh.begin(b, None, plan(30), T0);
    for id in [a, b] {
        mesh.handle_sent(&id, 6, LOST, T0);
    }
    let expired =
        |mesh: &mut Mesh, now| mesh.take_expired(now).into_iter().map(|mine| mine.via).collect::<Vec<_>>();
    assert_eq!(expired(&mut mesh, just_before(T0 + REQUEST)), []);
    mesh.handle_unlinked(place(20), false, T0 + millis(5));
    assert_eq!(expired(&mut mesh, T0 + millis(5)), [], "an evicted link still brings answers");
    mesh.handle_unlinked(place(30), true, T0 + millis(5));
    assert_eq!(expired(&mut mesh, T0 + millis(5)), [place(30)]);
    assert_eq!(expired(&mut mesh, T0 + REQUEST), [place(20)]);
    assert!(mesh.mine(&a).is_none());
}

#[test]
fn two_deaths_in_ten_seconds_that_leave_half_the_links_are_a_catastrophe() {
    let deaths = |gap, links, dead| {
        let mut mesh = Mesh::new(ME);
        mesh.handle_unlinked(place(1), dead, T0);
        mesh.handle_unlinked(place(2), dead, T0 + gap);
        mesh.is_catastrophe(links, 6, T0 + gap)
    };
    assert!(deaths(CATASTROPHE, 3, true));
    assert!(!deaths(CATASTROPHE, 4, true), "enough links are left");
    assert!(!deaths(CATASTROPHE + millis(1), 3, true), "too far apart");
    assert!(!deaths(millis(1), 3, false), "those left, or moved on");
}

#[test]
fn a_packet_whose_way_is_cut_goes_to_whom_it_is_for_or_nearer() {
    let mesh = Mesh::new(ME);
    let known = [link(40), link(60), beyond(50, 60)];
    assert_eq!(mesh.towards(&place(50), &[], &[], &known), Some(place(60)), "in sight");
    assert_eq!(mesh.towards(&place(38), &[], &[], &known), Some(place(40)), "nearer");
    assert_eq!(mesh.towards(&place(5), &[], &[], &known), None, "nobody is nearer");
    assert_eq!(mesh.towards(&place(5), &[place(60)], &[], &known), Some(place(60)), "one on its way");
    assert_eq!(mesh.towards(&place(5), &[place(60)], &[place(60)], &known), None, "never back");
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

fn beyond(n: u8, via: u8) -> Known {
    Known { address: place(n), via: place(via), hops: 2, rtt: 80.0, free: 0 }
}

fn neighbor(n: u8) -> Neighbor {
    Neighbor { address: place(n), degree: 3, chosen: false, since: T0, rtt: None }
}

fn neighbors(places: &[u8]) -> Vec<Neighbor> {
    places.iter().map(|&n| neighbor(n)).collect()
}

#[test]
fn an_answer_takes_the_shortest_way_in_sight() {
    let known = [link(40), link(60), beyond(80, 60), beyond(90, 40)];
    let way = |to: u8, path: &[u8], from: Option<u8>| {
        let path: Vec<_> = path.iter().map(|&n| place(n)).collect();
        shortcut(&place(to), &path, &from.map(place).into_iter().collect::<Vec<_>>(), &known)
    };
    assert_eq!(way(80, &[90, 40], None), Some(place(60)), "the goal itself");
    assert_eq!(way(70, &[75, 90, 60], None), Some(place(40)), "the first on its way that is in sight");
    assert_eq!(way(80, &[90, 60], Some(60)), Some(place(40)), "never back to where it came from");
    assert_eq!(way(70, &[75], None), None);
}

/// A scene with no slot free.
fn scene<'a>(links: &'a [Neighbor], known: &'a [Known]) -> Scene<'a> {
    Scene { links, known, pending: &[], max_peers: 6, free: 0, asking: 0, lost: LOST }
}

fn request(goal: Goal, origin: u8) -> Request {
    Request {
        id: RequestId([0; 8]),
        origin: place(origin),
        instance: [origin; 16],
        goal,
        need: false,
        instead_of: None,
        offer: None,
        carried: None,
        path: Vec::new(),
        hops_left: MAX_HOPS,
    }
}

fn step(goal: Goal, origin: u8, known: &[Known]) -> Step {
    let links: Vec<_> = known.iter().filter(|k| k.hops == 1).map(|k| neighbor(k.address.0[0])).collect();
    Mesh::new(ME).step(&mut request(goal, origin), None, &scene(&links, known))
}

/// A peer whose ring links have been the same for long enough, at `settled_at`.
fn settled(places: &[u8]) -> (Mesh, Vec<Neighbor>) {
    let (mut mesh, links) = (Mesh::new(ME), neighbors(places));
    mesh.plan(&scene(&links, &[]), &mut Random::new([1; 32]), T0);
    (mesh, links)
}

fn settled_at() -> Instant {
    T0 + UNSETTLED
}

fn judge(mesh: &mut Mesh, links: &[Neighbor], free: isize, origin: u8, need: bool) -> Result<(), Reason> {
    judge_of(mesh, links, 6, free, origin, need)
}

fn judge_of(
    mesh: &mut Mesh,
    links: &[Neighbor],
    max_peers: usize,
    free: isize,
    origin: u8,
    need: bool,
) -> Result<(), Reason> {
    let scene = Scene { free, max_peers, ..scene(links, &[]) };
    mesh.judge(&Request { need, ..request(Goal::Exact(ME), origin) }, &scene, settled_at())
}

fn plan(mesh: &mut Mesh, links: &[Neighbor], known: &[Known], free: isize, now: Instant) -> Vec<Plan> {
    mesh.plan(&Scene { free, ..scene(links, known) }, &mut Random::new([1; 32]), now)
}

/// The requests for ring links that a peer with free slots would make.
fn ring_plans(mesh: &mut Mesh, links: &[Neighbor], known: &[Known], now: Instant) -> Vec<Plan> {
    let ring = |plan: &Plan| !plan.probe && matches!(plan.goal, Goal::Successor | Goal::Predecessor);
    plan(mesh, links, known, 4, now).into_iter().filter(ring).collect()
}
