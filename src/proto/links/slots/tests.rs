use super::*;
use crate::proto::neighborhood::kit::*;
use crate::proto::neighborhood::{Neighbor, Neighborhood};

#[test]
fn a_free_slot_is_given_to_whoever_asks_once_the_ring_has_settled() {
    let (mut slots, links) = (Slots::default(), neighbors(&[1, 255, 50]));
    assert_eq!(judge(&mut slots, &links, 1, 100, false), Ok(()));
}

#[test]
fn while_the_ring_is_forming_slots_are_kept_for_it_and_for_those_in_need() {
    let links = neighbors(&[1, 255, 50]);
    for (free, verdict) in [(3, Ok(())), (2, Err(Reason::Full)), (1, Err(Reason::Full))] {
        let scene = Neighborhood { free, ring_since: None, ..around(&links, &[]) };
        let of = |goal| Slots::default().judge(&request(goal, 100), &scene, settled_at());
        assert_eq!(of(Goal::Point(ME)), verdict, "{free}");
        assert_eq!(of(Goal::Exact(ME)), Ok(()), "an eviction sent it here");
    }
    let links = neighbors(&[3, 255]);
    assert_eq!(judge(&mut Slots::default(), &links, 1, 2, false), Ok(()), "a better successor");
    assert_eq!(judge(&mut Slots::default(), &links, 1, 100, true), Ok(()), "one in need");
}

#[test]
fn whoever_is_linked_or_about_to_be_is_turned_away() {
    let (mut slots, links) = (Slots::default(), neighbors(&[1, 255]));
    assert_eq!(judge(&mut slots, &links, 3, 255, true), Err(Reason::Duplicate));
    let scene = Neighborhood { pending: vec![place(100)], free: 3, ..around(&links, &[]) };
    let verdict = slots.judge(&request(Goal::Exact(ME), 100), &scene, T0);
    assert_eq!(verdict, Err(Reason::Duplicate));
}

#[test]
fn a_full_peer_hands_a_link_over_for_a_better_ring_link_only() {
    let (mut slots, links) = (Slots::default(), neighbors(&[3, 250, 50, 60, 70, 80]));
    assert_eq!(judge(&mut slots, &links, 0, 2, false), Ok(()), "a better successor");
    assert_eq!(judge(&mut slots, &links, 0, 252, false), Ok(()), "a better predecessor");
    assert_eq!(judge(&mut slots, &links, 0, 100, false), Err(Reason::Full));
    assert_eq!(judge(&mut slots, &links, -1, 2, false), Err(Reason::Busy), "one at a time");
    assert_eq!(judge(&mut slots, &links, -1, 100, true), Err(Reason::Busy));
}

/// Else the first of a crowd all promise all their slots to each other, and nobody can take an answer.
#[test]
fn a_lonely_peer_keeps_half_its_slots_for_the_answers_to_its_own_offers() {
    let mut slots = Slots::default();
    assert_eq!(judge(&mut slots, &[], 4, 2, true), Ok(()));
    assert_eq!(judge(&mut slots, &[], 3, 2, true), Err(Reason::Full));
}

#[test]
fn whoever_is_no_instead_of_the_link_that_the_origin_has_does_not_take_its_offer_up() {
    let (mut slots, links) = (Slots::default(), neighbors(&[20, 250]));
    let scene = around(&links, &[]);
    let mut of = |goal, bound| {
        let request = Request { instead_of: Some(place(bound)), ..request(goal, 240) };
        slots.judge(&request, &Neighborhood { free: 2, ..scene.clone() }, settled_at())
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
    let (mut slots, links) = (Slots::default(), neighbors(&[3, 250, 50, 60, 70, 80]));
    assert_eq!(judge(&mut slots, &links, 0, 100, true), Ok(()));
    assert_eq!(judge(&mut slots, &links, 0, 110, true), Err(Reason::Full));
    let scene = Neighborhood { free: 0, ..around(&links, &[]) };
    let later = settled_at() + SPLIT_PAUSE;
    assert_eq!(slots.judge(&Request { need: true, ..request(Goal::Exact(ME), 110) }, &scene, later), Ok(()));
}

#[test]
fn a_peer_whose_links_are_all_on_the_ring_has_none_to_give() {
    let (mut slots, links) = (Slots::default(), neighbors(&[3, 250]));
    assert_eq!(judge_of(&mut slots, &links, 2, 0, 100, true), Err(Reason::Full));
    assert_eq!(judge_of(&mut slots, &links, 2, 0, 2, false), Ok(()), "3 would no longer be on it");
}

#[test]
fn a_full_peer_takes_a_trial_for_a_link_that_it_did_not_choose() {
    let (mut slots, mut links) = (Slots::default(), neighbors(&[1, 255, 50, 80]));
    (links[2].chosen, links[2].rtt, links[3].rtt) = (true, Some(millis(90)), Some(millis(70)));
    let trial = Request { instead_of: Some(place(9)), ..request(Goal::Point(place(3)), 100) };
    let full = Neighborhood { free: 0, ..around(&links, &[]) };
    assert_eq!(tried_against(&trial, &full), Some(place(80)), "50 is slower, and chosen");
    assert_eq!(slots.judge(&trial, &full, settled_at()), Ok(()));
    assert_eq!(slots.judge(&trial, &full, settled_at()), Err(Reason::Full), "one in a while");
    let plain = request(Goal::Point(place(3)), 100);
    assert_eq!(tried_against(&plain, &full), None);
    links[3].chosen = true;
    let chosen = Neighborhood { free: 0, ..around(&links, &[]) };
    assert_eq!(slots.judge(&trial, &chosen, settled_at() + SPLIT_PAUSE), Err(Reason::Full));
}

fn judge(slots: &mut Slots, links: &[Neighbor], free: isize, origin: u8, need: bool) -> Result<(), Reason> {
    judge_of(slots, links, 6, free, origin, need)
}

fn judge_of(
    slots: &mut Slots,
    links: &[Neighbor],
    max_peers: usize,
    free: isize,
    origin: u8,
    need: bool,
) -> Result<(), Reason> {
    let scene = Neighborhood { free, max_peers, ..around(links, &[]) };
    slots.judge(&Request { need, ..request(Goal::Exact(ME), origin) }, &scene, settled_at())
}
