//! Tabs of one browser meet without a tracker.

use super::world::{World, config};
use super::*;
use crate::proto::Stretch;

fn tab() -> Config {
    Config { tabs: true, trackers: Vec::new(), ..config() }
}

#[test]
fn two_tabs_meet_within_half_a_second_and_no_tracker_knows() {
    let mut world = World::new();
    let [a, b] = [0, 1].map(|_| world.join(tab()));
    world.run(Duration::from_millis(500));
    assert_eq!(world.connects(a), [world.address(b)]);
    world.send(a, None, "hello");
    world.run(Duration::from_secs(1));
    assert_eq!(world.texts(b), ["hello"]);
}

#[test]
fn a_tab_that_opens_later_meets_one_that_was_there() {
    let mut world = World::new();
    let tabs: Vec<_> = (0..12)
        .map(|_| {
            let tab = world.join(tab());
            world.run(Duration::from_secs(7));
            assert!(world.peers[tab].link_count() > 0 || tab == 0);
            tab
        })
        .collect();
    world.send(tabs[11], None, "all");
    world.run(Duration::from_secs(5));
    assert!(tabs[..11].iter().all(|&tab| world.texts(tab) == ["all"]));
}

/// One tab is on the tracker as well: through it the others are part of the whole swarm.
#[test]
fn tabs_join_the_swarm_of_a_tab_that_is_in_it() {
    let mut world = World::of(5, 6);
    let _bridge = world.join(Config { tabs: true, ..config() });
    let alone = world.join(tab());
    world.run(Duration::from_secs(5));
    world.send(0, None, "from afar");
    world.run(Duration::from_secs(5));
    assert_eq!(world.texts(alone), ["from afar"]);
}

#[test]
fn tabs_of_another_topic_or_secret_do_not_meet() {
    let mut world = World::new();
    let public = tab();
    let other = Config { swarm: SwarmId::of_topic("u"), ..tab() };
    let swarm = public.swarm;
    let mut stretch = Stretch::new("secret", swarm);
    let stretched = loop {
        if let Some(stretched) = stretch.step(Stretch::SLICE) {
            break stretched;
        }
    };
    let private = Config { secret: Some(SwarmSecret::private(swarm, &stretched)), ..tab() };
    let peers = [public, other, private].map(|config| world.join(config));
    world.run(Duration::from_secs(60));
    assert!(peers.iter().all(|&peer| world.connects(peer).is_empty()));
}

#[test]
fn a_tab_without_room_says_hello_no_more_and_one_that_loses_its_links_does() {
    let mut world = World::new();
    let tabs: Vec<_> = (0..3).map(|_| world.join(Config { max_peers: 2, ..tab() })).collect();
    world.run(Duration::from_secs(20));
    assert!(tabs.iter().all(|&tab| world.peers[tab].link_count() == 2));
    world.with(1, |peer, now| peer.leave(now));
    world.with(2, |peer, now| peer.leave(now));
    let again = world.join(tab());
    world.run(Duration::from_secs(3));
    assert!(world.linked(0, again));
}

#[test]
fn nonsense_on_the_channel_is_counted_and_dropped() {
    let mut world = World::new();
    let peer = world.join(tab());
    for word in [&b""[..], b"\x09", b"\x02garbage", &[0; 30_000]] {
        world.with(peer, |peer, now| peer.handle(Input::TabsMessage(Bytes(word.to_vec())), now));
    }
    let dropped = world.peers[peer].stats().dropped.clone();
    assert_eq!(dropped.iter().find(|(cause, _)| **cause == "tab message").map(|(_, count)| *count), Some(4));
}
