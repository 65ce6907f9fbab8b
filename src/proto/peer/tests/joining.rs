//! What a peer says to its trackers before it has met anybody.

use serde_json::Value;

use super::world::{START, config, sdp};
use crate::proto::io::{ConnId, TrackerId};
use crate::proto::{Identity, Input, Output, Peer, Random};
use crate::testkit::listen;

/// A peer whose tracker has not opened its socket yet.
fn newcomer() -> Peer {
    Peer::new(config(), Identity::from_secret([9; 32]), Random::new([1; 32]), START).expect("good settings")
}

/// The offers that the browser is asked for, and how many are in each announce.
fn outputs(peer: &mut Peer) -> (Vec<ConnId>, Vec<usize>) {
    let (mut asked, mut announced) = (Vec::new(), Vec::new());
    for output in listen(peer, START).outputs {
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
    make_as(peer, conn, "actpass");
}

fn make_as(peer: &mut Peer, conn: ConnId, setup: &str) {
    peer.handle(Input::ConnDescribed(conn, sdp((0, conn), setup)), START);
    peer.handle(Input::ConnGathered(conn), START);
}

fn said_to_tracker(peer: &mut Peer) -> Vec<Value> {
    listen(peer, START)
        .outputs
        .into_iter()
        .filter_map(|output| match output {
            Output::TrackerSend(_, text) => serde_json::from_str(&text).ok(),
            _ => None,
        })
        .collect()
}

fn hear(peer: &mut Peer, said: &Value) {
    peer.handle(Input::TrackerMessage(TrackerId(0), said.to_string()), START);
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

#[test]
fn who_has_nobody_announces_again_at_once_when_its_only_attempt_fails_but_not_twice() {
    let mut peer = newcomer();
    let (asked, _) = outputs(&mut peer);
    asked.iter().for_each(|&conn| make(&mut peer, conn));
    peer.handle(Input::TrackerOpened(TrackerId(0)), START);
    let announce = said_to_tracker(&mut peer).pop().expect("it announces");
    for (attempt, again) in [(0, 1), (1, 0)] {
        // Somebody answers this offer.
        let identity = Identity::from_secret([7 + attempt as u8; 32]);
        let mut other = Peer::new(config(), identity, Random::new([7; 32]), START).expect("good settings");
        other.handle(Input::TrackerOpened(TrackerId(0)), START);
        let mut offer = announce.clone();
        offer["offer"] = offer["offers"][attempt]["offer"].clone();
        offer["offer_id"] = offer["offers"][attempt]["offer_id"].clone();
        hear(&mut other, &offer);
        let answering = listen(&mut other, START).outputs.into_iter().find_map(|output| match output {
            Output::ConnAnswer(conn, _) => Some(conn),
            _ => None,
        });
        make_as(&mut other, answering.expect("it takes the offer up"), "active");
        let mut said = said_to_tracker(&mut other);
        said.retain(|said| !said["answer"].is_null());
        hear(&mut peer, &said[0]);
        let accepted = listen(&mut peer, START).outputs.into_iter().find_map(|output| match output {
            Output::ConnAccept(conn, _) => Some(conn),
            _ => None,
        });

        peer.handle(Input::ConnClosed(accepted.expect("it takes the answer"), "DTLS".into()), START);
        assert_eq!(outputs(&mut peer).1.len(), again);
    }
}
