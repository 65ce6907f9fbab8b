//! What a peer remembers of the attempts that came to nothing, and what of it the page must know.

use super::world::{START, World, config, sdp};
use super::*;
use crate::proto::io::TrackerId;
use crate::proto::{Candidates, Cause, Trouble};
use crate::testkit::listen;

/// A peer whose browser was just asked for offers.
fn newcomer() -> (Peer, Vec<ConnId>) {
    let identity = Identity::from_secret([9; 32]);
    let mut peer = Peer::new(config(), identity, Random::new([1; 32]), START).expect("good settings");
    let outputs = listen(&mut peer, START).outputs.into_iter();
    let offers =
        outputs.filter_map(|output| if let Output::ConnOffer(conn) = output { Some(conn) } else { None });
    let offers = offers.collect();
    (peer, offers)
}

/// What the page is told, until so long after the start.
fn troubles(peer: &mut Peer, millis: u64) -> Vec<Trouble> {
    let mut told = Vec::new();
    let end = START + Duration::from_millis(millis);
    loop {
        told.extend(listen(peer, START).outputs.into_iter().filter_map(|output| match output {
            Output::Event(Event::Trouble(trouble)) => Some(trouble),
            _ => None,
        }));
        let Some(at) = peer.poll_timeout().filter(|at| *at <= end) else { return told };
        peer.handle(Input::Timeout, at);
    }
}

fn causes(peer: &Peer) -> Vec<Cause> {
    peer.attempts().failures.iter().map(|failure| failure.cause).collect()
}

fn without_candidates(conn: ConnId) -> String {
    let whole = sdp((0, conn), "actpass");
    whole
        .lines()
        .filter(|line| !line.starts_with("a=candidate:"))
        .map(|line| [line, "\r\n"].concat())
        .collect()
}

#[test]
fn a_browser_that_gathers_nothing_is_told_of_within_two_seconds_and_again_when_it_has_given_up() {
    let (mut peer, offers) = newcomer();
    for &conn in &offers {
        peer.handle(Input::ConnDescribed(conn, without_candidates(conn)), START);
    }
    assert_eq!(troubles(&mut peer, 1000), []);
    assert_eq!(troubles(&mut peer, 2000), [Trouble::NoCandidates { over: false }]);
    assert_eq!(troubles(&mut peer, 9000), [Trouble::NoCandidates { over: true }]);
    assert_eq!(causes(&peer), vec![Cause::Candidates; offers.len()]);
    assert_eq!(peer.attempts().candidates, Some(Candidates::default()));
}

#[test]
fn a_browser_that_says_at_once_that_there_is_nothing_is_told_of_at_once() {
    let (mut peer, offers) = newcomer();
    peer.handle(Input::ConnDescribed(offers[0], without_candidates(offers[0])), START);
    peer.handle(Input::ConnGathered(offers[0]), START);
    assert_eq!(troubles(&mut peer, 0), [Trouble::NoCandidates { over: true }]);
}

#[test]
fn a_browser_that_makes_no_connections_is_told_of_with_what_it_said() {
    let (mut peer, offers) = newcomer();
    for &conn in &offers {
        peer.handle(Input::ConnClosed(conn, "blocked".into()), START);
    }
    assert_eq!(troubles(&mut peer, 0), [Trouble::NoDescription("blocked".into())]);
    assert_eq!(causes(&peer), vec![Cause::Description; offers.len()]);
}

#[test]
fn a_browser_that_says_nothing_is_told_of_when_its_time_is_over() {
    let (mut peer, offers) = newcomer();
    assert!(peer.is_searching());
    let told = troubles(&mut peer, 8000);
    assert!(matches!(told[..], [Trouble::NoDescription(_)]), "{told:?}");
    assert_eq!(causes(&peer), vec![Cause::Description; offers.len()]);
    peer.handle(Input::TrackerClosed(TrackerId(0), "down".into()), START + Duration::from_secs(8));
    assert!(!peer.is_searching(), "there is nothing to wait for");
}

#[test]
fn two_networks_that_cannot_connect_are_told_of_and_a_link_ends_that() {
    let mut world = World::new();
    world.opening = Duration::from_secs(3600);
    for _ in 0..2 {
        world.join(config());
    }
    world.run(Duration::from_secs(120));
    for peer in [0, 1] {
        let told =
            world.events[peer].iter().filter(|(_, event)| matches!(event, Event::Trouble(Trouble::NoWay(3))));
        assert_eq!(told.count(), 1, "once, however often it goes wrong");
        assert!(causes(&world.peers[peer]).iter().all(|cause| *cause == Cause::Ice));
    }
    let (_, cx) = world.peers[0].look(world.now);
    assert!(cx.around.links.is_empty());
    world.opening = Duration::from_millis(20);
    world.run(Duration::from_secs(120));
    assert!(world.linked(0, 1));
    // What fails while somebody is there is nothing; alone again, it is told again.
    world.opening = Duration::from_secs(3600);
    world.join(config());
    world.run(Duration::from_secs(120));
    let told = |world: &World, peer: usize| {
        let is_no_way = |(_, event): &&(Instant, Event)| matches!(event, Event::Trouble(Trouble::NoWay(_)));
        world.events[peer].iter().filter(is_no_way).count()
    };
    assert_eq!([told(&world, 0), told(&world, 2)], [1, 1]);
    world.kill(1);
    world.run(Duration::from_secs(240));
    assert_eq!(told(&world, 0), 2);
}

#[test]
fn a_channel_that_does_not_open_is_told_from_a_way_that_is_not_there() {
    let mut world = World::new();
    world.opening = Duration::from_secs(3600);
    for _ in 0..2 {
        world.join(config());
    }
    world.run(Duration::from_secs(1));
    for conn in 1..9 {
        world.with(0, |peer, now| peer.handle(Input::ConnResumed(ConnId(conn)), now));
    }
    world.run(Duration::from_secs(11));
    assert!(causes(&world.peers[0]).contains(&Cause::Channel));
    assert_eq!(causes(&world.peers[1]).first(), Some(&Cause::Ice));
}
