use super::*;
use crate::proto::neighborhood::kit::*;

#[test]
fn a_packet_whose_way_is_cut_goes_to_whom_it_is_for_or_nearer() {
    let known = [link(40), link(60), beyond(50, 60)];
    assert_eq!(towards(&ME, &place(50), &[], &[], &known), Some(place(60)), "in sight");
    assert_eq!(towards(&ME, &place(38), &[], &[], &known), Some(place(40)), "nearer");
    assert_eq!(towards(&ME, &place(5), &[], &[], &known), None, "nobody is nearer");
    assert_eq!(towards(&ME, &place(5), &[place(60)], &[], &known), Some(place(60)), "one on its way");
    assert_eq!(towards(&ME, &place(5), &[place(60)], &[place(60)], &known), None, "never back");
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
