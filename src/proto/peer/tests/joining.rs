//! What a peer says to its trackers before it has met anybody.

use serde_json::Value;

use super::world::{START, config, sdp};
use crate::proto::io::{ConnId, TrackerId};
use crate::proto::{Identity, Input, Output, Peer, Random};

/// A peer whose tracker has not opened its socket yet.
fn newcomer() -> Peer {
    Peer::new(config(), Identity::from_secret([9; 32]), Random::new([1; 32]), START).expect("good settings")
}

/// The offers that the browser is asked for, and how many are in each announce.
fn outputs(peer: &mut Peer) -> (Vec<ConnId>, Vec<usize>) {
    let (mut asked, mut announced) = (Vec::new(), Vec::new());
    while let Some(output) = peer.poll_output() {
        match output {
            Output::ConnOffer(conn) => asked.push(conn),
            Output::TrackerSend(_, text) => {
                let said: Value = serde_json::from_str(&text).expect("peers write good JSON");
                announced.push(said["offers"].as_array().map_or(0, Vec::len));
            }
            _ => {}
        }
    }
    (asked, announced)
}

fn make(peer: &mut Peer, conn: ConnId) {
    peer.handle(Input::ConnDescribed(conn, sdp((0, conn), "actpass")), START);
    peer.handle(Input::ConnGathered(conn), START);
}

#[test]
fn offers_are_made_while_the_socket_of_a_tracker_opens() {
    let mut peer = newcomer();
    let (asked, announced) = outputs(&mut peer);
    assert_eq!((asked.len(), announced), (3, vec![]));
    for conn in asked {
        make(&mut peer, conn);
    }
    peer.handle(Input::TrackerOpened(TrackerId(0)), START);
    assert_eq!(outputs(&mut peer), (vec![], vec![3]), "the first announce has them all");
}

#[test]
fn the_first_announce_neither_waits_for_offers_nor_leaves_any_behind() {
    let mut peer = newcomer();
    let (asked, _) = outputs(&mut peer);
    make(&mut peer, asked[0]);
    peer.handle(Input::TrackerOpened(TrackerId(0)), START);
    assert_eq!(outputs(&mut peer), (vec![], vec![0]), "others' offers can reach it from here on");
    for &conn in &asked[1..] {
        make(&mut peer, conn);
    }
    peer.handle(Input::Timeout, START);
    assert_eq!(outputs(&mut peer), (vec![], vec![3]));
}
