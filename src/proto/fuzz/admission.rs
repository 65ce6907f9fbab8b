//! A peer in the middle of a handshake, and everything that could be said to it then. Whatever it hears, it says
//! nothing beyond the handshake before the remote has proven itself, and only its own proof, unaltered, does.

use std::time::Duration;

use super::chunks;
use super::station::Station;
use crate::proto::links::link::wire::{Frame, Inbox, Packet, encode, frame};
use crate::proto::{Abilities, Bytes, Identity, Input, Random, SwarmId, SwarmSecret};

/// After a byte of settings, steps: each a byte for its kind, and what it is made of.
pub fn admission(bytes: &[u8]) {
    let Some((&settings, rest)) = bytes.split_first() else { return };
    let [private, cheap] = [1, 2].map(|bit| settings & bit != 0);
    let secret = private.then(|| SwarmSecret::private(SwarmId::of_topic("t"), &[7; 32]));
    let identity = |n: u8| match cheap {
        true => Identity::stand_in(n.into()),
        false => Identity::from_secret([n; 32]),
    };
    let (us, them) = (identity(1), identity(2));
    let mut station = Station::new(us, secret);
    station.offer(&them, 2, 200);
    let conn = station.remotes.first().expect("a stranger's offer is taken up by a lonely peer").conn;
    station.feed(Input::ConnOpened(conn));
    let theirs = station.remotes[0].hello.clone().expect("both say hello first");
    // The genuine transcript.
    let (mut half, hello) = station.begin(0, &them).expect("it is the first remote");
    let confirm = half.receive(&theirs, &them).expect("a good hello");
    let random = &mut Random::new([9; 32]);
    let elsewhere = crate::proto::Binding { local_fingerprint: &[8; 32], remote_fingerprint: &[9; 32] };
    let (mut other, other_hello) = crate::proto::Admission::new(
        &station.secret,
        &them,
        [1; 16],
        None,
        &Abilities::default(),
        elsewhere,
        random,
    );
    let genuine = [
        Packet::Hello(hello.clone()),
        Packet::Confirm { confirm: confirm.clone(), linked: false },
        Packet::Confirm { confirm: confirm.clone(), linked: true },
        // Replayed: what is said on another connection of the same two, and what the peer itself said here.
        Packet::Hello(other_hello),
        Packet::Confirm { confirm: other.receive(&theirs, &them).expect("a good hello"), linked: false },
        Packet::Hello(theirs),
    ];
    let genuine = genuine.map(|packet| frame(&Frame::Whole(&encode(&packet))));
    // What the peer reads, as it reads it.
    let mut inbox = Inbox::default();
    let (mut said_hello, mut proven) = (false, false);
    for chunk in chunks(rest).take(40) {
        let [kind, rest @ ..] = chunk else { continue };
        let said = match kind % 9 {
            kind @ 0..=5 => altered(&genuine[usize::from(kind)], rest),
            6 => rest.to_vec(),
            7 => frame(&Frame::Whole(rest)),
            _ => {
                let time = rest.first().map_or(0, |byte| u64::from(*byte) * 20);
                station.act(|peer, now| {
                    let _ = peer.send(None, Bytes(b"for members".to_vec()), now);
                });
                station.wait(Duration::from_millis(time));
                continue;
            }
        };
        if station.remotes.is_empty() {
            break;
        }
        for packet in inbox.packets(&said, 1 << 20).unwrap_or_default() {
            match packet {
                Packet::Hello(said) => said_hello |= said == hello,
                Packet::Confirm { confirm: said, .. } => proven |= said_hello && said == confirm,
                _ => {}
            }
        }
        let linked = station.peer.link_count();
        station.feed(Input::ConnFrame(conn, Bytes(said)));
        if linked == 0 && station.peer.link_count() > 0 {
            assert!(proven, "admitted without a proof");
            assert_eq!(station.peer.neighbors().next(), Some(them.address()));
        }
        let more = station.remotes.first().is_some_and(|remote| remote.said_more);
        assert!(!more || proven, "a stranger was told something");
        assert!(station.received == 0 || proven, "a stranger was heard");
    }
}

/// Bytes with some of them changed: a place in two bytes and what is flipped there, again and again.
fn altered(bytes: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]]));
        match bytes.get_mut(at) {
            Some(byte) => *byte ^= edit[2],
            None if edit[2] % 2 == 0 => bytes.truncate(bytes.len().saturating_sub(1)),
            None => bytes.push(edit[2]),
        }
    }
    bytes
}
