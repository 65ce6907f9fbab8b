//! Which link gives way.

use super::kit::*;
use super::*;

#[test]
fn ring_links_and_the_first_two_chosen_ones_never_give_way() {
    let chosen = |n, since| Neighbor { chosen: true, since: T0 + millis(since), degree: 9, ..neighbor(n) };
    let mut links = neighbors(&[1, 255]);
    links.extend([chosen(50, 2), chosen(60, 1)]);
    assert_eq!(around(&links, &[]).victim(&place(100), T0), None);
    links.push(chosen(70, 3));
    assert_eq!(around(&links, &[]).victim(&place(100), T0), Some(place(70)), "the third");
    links.push(neighbor(80));
    assert_eq!(around(&links, &[]).victim(&place(100), T0), Some(place(70)), "the one with more links");
    links[4].degree = 1;
    assert_eq!(around(&links, &[]).victim(&place(100), T0), Some(place(80)));
}

#[test]
fn a_ring_link_that_a_newcomer_replaces_may_give_way() {
    let links = neighbors(&[3, 255]);
    assert_eq!(around(&links, &[]).victim(&place(2), T0), Some(place(3)));
    assert_eq!(around(&links, &[]).victim(&place(4), T0), None);
}

#[test]
fn of_equal_links_the_one_gives_way_whose_distance_another_covers() {
    let links = neighbors(&[1, 255, 20, 80, 85]);
    assert_eq!(around(&links, &[]).victim(&place(120), T0), Some(place(80)));
}

#[test]
fn whoever_says_that_it_has_few_links_is_spared_only_while_it_is_new() {
    let mut links = neighbors(&[1, 255, 20, 80, 85]);
    links[3].degree = 0;
    let at = |after| around(&links, &[]).victim(&place(120), T0 + after);
    assert_eq!(at(FILLING - millis(1)), Some(place(85)));
    assert_eq!(at(FILLING), Some(place(80)), "as if it had said nothing");
}

#[test]
fn with_few_slots_fewer_chosen_links_are_protected() {
    let chosen = |n| Neighbor { chosen: true, ..neighbor(n) };
    let links = [neighbor(1), neighbor(255), chosen(50), chosen(60)];
    let of = |max_peers| Neighborhood { max_peers, ..around(&links, &[]) }.victim(&place(100), T0);
    assert_eq!((of(4), of(3), of(2)), (None, Some(place(60)), Some(place(50))));
}
