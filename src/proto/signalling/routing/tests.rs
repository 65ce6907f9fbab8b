use super::*;
use crate::proto::neighborhood::kit::*;

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
    let two_links = Neighborhood { max_peers: 2, ..around(&links, &known) };
    let next = super::step(&mut request(Goal::Successor, 9), None, &two_links);
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
        let scene = Neighborhood { free, ..around(&links, &known) };
        let step = super::step(&mut request, None, &scene);
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
    let step = super::step(&mut request, None, &Neighborhood { free: 0, ..around(&links, &known) });
    assert_eq!((step, request.goal), (Step::Forward(place(40)), Goal::Exact(place(80))));
}

#[test]
fn a_request_goes_neither_back_nor_to_its_origin_nor_to_the_dead_nor_where_it_must_not() {
    let known = [link(11), link(12), link(13), link(14), link(15), beyond(10, 16)];
    let links = neighbors(&[11, 12, 13, 14, 15]);
    let around = Neighborhood { dead: vec![place(12)], ..around(&links, &known) };
    let mut request = Request { path: vec![place(13)], ..request(Goal::Successor, 10) };
    let next = super::step(&mut request, Some(&place(11)), &around);
    assert_eq!(next, Step::Forward(place(14)));
    request.hops_left = 0;
    let next = super::step(&mut request, Some(&place(11)), &around);
    assert_eq!(next, Step::Refuse(Reason::NotFound), "it has gone far enough");
}

#[test]
fn the_way_of_a_request_is_remembered_once_for_a_while_and_in_bounded_room() {
    let mut routes = Routes::default();
    let request = request(Goal::Successor, 10);
    assert!(routes.remember(&request, ReplyPath::Neighbor(place(1)), Some(place(2)), 6, T0));
    assert!(!routes.remember(&request, ReplyPath::Neighbor(place(3)), None, 6, T0), "it goes in a circle");
    assert_eq!(routes.get(&request.id).map(|route| route.next), Some(Some(place(2))));
    for n in 1..=MAX_ROUTES as u64 {
        let request = Request { id: RequestId(n.to_be_bytes()), ..request.clone() };
        assert!(routes.remember(&request, ReplyPath::Neighbor(place(1)), None, 6, T0 + millis(n)));
    }
    assert_eq!(routes.len(), MAX_ROUTES);
    assert!(routes.get(&request.id).is_none(), "the oldest gave way");
    routes.expire(T0 + ROUTE + millis(MAX_ROUTES as u64));
    assert_eq!(routes.len(), 0);
}

fn step(goal: Goal, origin: u8, known: &[Known]) -> Step {
    let links: Vec<_> = known.iter().filter(|k| k.hops == 1).map(|k| neighbor(k.address.0[0])).collect();
    super::step(&mut request(goal, origin), None, &around(&links, known))
}
