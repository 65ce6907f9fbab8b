//! A whole peer with links: arbitrary inputs in arbitrary order, from its page, its browser, its trackers and its
//! neighbors. Neighbors say bytes that mean nothing, and genuine things at wrong times, and too many of them.

use std::time::Duration;

use super::chunks;
use super::station::{Station, description, message};
use crate::proto::codec;
use crate::proto::id::{OfferId, TrackerPeerId};
use crate::proto::links::admission::{Confirm, Hello, VERSION};
use crate::proto::links::link::Farewell;
use crate::proto::links::link::wire::Packet;
use crate::proto::messaging::direct::Acknowledgement;
use crate::proto::messaging::message::Kind;
use crate::proto::messaging::{boxes, broadcast, direct};
use crate::proto::offer::kit::{signed, unsigned};
use crate::proto::request::{Goal, OfferOrigin, Reason, Request, RequestId};
use crate::proto::sdp::AnswerMark;
use crate::proto::signalling::{self, Signal};
use crate::proto::topology;
use crate::proto::{Address, Bytes, ConnId, Identity, Input, MessageId, Stats, TrackerId};

/// Links that are active before the first input.
const LINKS: u8 = 3;
/// What one step of a flood says at most, and all of them together: more than any table holds, and no more, for
/// time's sake.
const FLOOD: u32 = 64;
const FLOODS: u32 = 1200;

/// After a byte of settings, steps: each a byte for its kind, one for the time, two for whom and what it concerns,
/// and what it is made of.
pub fn peer(bytes: &[u8]) {
    run(bytes);
}

/// How far some bytes lead: what was received and acknowledged, and the peer's own counters.
pub fn peer_reaches(bytes: &[u8]) -> (u64, u64, Stats) {
    let station = run(bytes);
    (station.received, station.acknowledged, station.peer.stats().clone())
}

fn run(bytes: &[u8]) -> Station {
    let mut station = Station::new(Identity::stand_in(0), None);
    for n in 1..=LINKS {
        station.offer(&member(n), 2, n);
        let place = station.remotes.len().checked_sub(1).expect("an offer is taken up while slots are free");
        station.shake(place, member(n), 3);
    }
    assert_eq!(station.peer.link_count(), usize::from(LINKS), "the neighbors are admitted");
    let Some((&settings, rest)) = bytes.split_first() else { return station };
    station.browser = settings & 1 == 0;
    let _ = station.peer.set_coverage([0.33, 1.0, 0.1, 0.6][usize::from(settings >> 1) % 4]);
    for chunk in chunks(rest).take(200) {
        let [kind, after, a, b, rest @ ..] = chunk else { continue };
        if *after > 0 {
            station.wait(Duration::from_millis(u64::from(*after) * u64::from(*after)));
        }
        step(&mut station, *kind, *a, *b, rest);
        if station.peer.is_closed() {
            break;
        }
    }
    station
}

fn step(station: &mut Station, kind: u8, a: u8, b: u8, rest: &[u8]) {
    let (conn, tracker) = (ConnId(u64::from(a % 16)), TrackerId(u32::from(a % 2)));
    let text = || String::from_utf8_lossy(rest).into_owned();
    match kind % 26 {
        // The browser and the trackers.
        0 => station.feed(Input::Woke),
        1 => station.feed(Input::TrackerOpened(tracker)),
        2 => station.feed(Input::TrackerMessage(tracker, text())),
        3 => station.feed(Input::TrackerClosed(tracker, text())),
        4 => station.feed(Input::ConnDescribed(conn, text())),
        5 => station.feed(Input::ConnCandidate(conn, text())),
        6 => station.feed(Input::ConnGathered(conn)),
        7 => station.feed(Input::ConnOpened(conn)),
        8 => station.feed(Input::ConnFrame(conn, Bytes(rest.to_vec()))),
        9 => station.feed(match b % 4 {
            0 if b >= 128 => Input::ConnTransport(
                conn,
                (!b.is_multiple_of(8)).then(|| Duration::from_millis(u64::from(b) * 100)),
            ),
            0 => Input::ConnWritable(conn),
            1 => Input::ConnInterrupted(conn),
            2 => Input::ConnResumed(conn),
            _ if b >= 128 => Input::ConnLost(conn, text()),
            _ => Input::ConnClosed(conn, text()),
        }),
        // Somebody comes.
        10 => station.offer(&member(a), b, a),
        11 => {
            let offer = station.offers.get(usize::from(b % 8)).copied();
            if let Some(offer) = offer {
                station.answer(offer, member(a).address(), a);
            }
        }
        12 => {
            let newest = station.remotes.len().checked_sub(1 + usize::from(b / 4));
            if let Some(place) = newest {
                station.shake(place, member(a), b % 4);
            }
        }
        // The page.
        13 => {
            let to = (!b.is_multiple_of(4)).then(|| address(station, b));
            station.act(|peer, now| {
                let _ = peer.send(to, Bytes(rest.to_vec()), now);
            });
        }
        14 => station.act(|peer, now| {
            let _ = peer.set_max_peers(a.into(), now);
        }),
        15 => station.act(|peer, now| match b % 3 {
            0 => peer.add_tracker(&text(), now),
            1 => peer.remove_tracker(&text(), now),
            _ => peer.set_announce_every(Duration::from_secs(u64::from(a)), now),
        }),
        16 if a == b => station.act(|peer, now| peer.close(now)),
        // Neighbors.
        _ => {
            let Some((conn, from)) = station.link(a) else { return };
            match kind % 26 {
                16 | 17 => station.say_bytes(conn, rest),
                18..=24 => {
                    let packet = genuine(station, kind % 26, from, b, rest);
                    if let Some(packet) = packet {
                        station.say(conn, &packet);
                    }
                }
                _ => flood(station, conn, from, b, rest),
            }
        }
    }
}

/// What a neighbor could say in earnest, somewhere, once.
fn genuine(station: &mut Station, kind: u8, from: Address, b: u8, rest: &[u8]) -> Option<Packet> {
    let [hops, what, rest @ ..] = rest else { return None };
    let maker = member(*what);
    let heard = || station.messages.get(usize::from(b % 8)).copied().unwrap_or(MessageId([b; 20]));
    let request = || station.requests.get(usize::from(b % 8)).copied().unwrap_or(RequestId([b; 8]));
    Some(match kind {
        18 => {
            let claimed = (*hops == 77).then(|| address(station, b));
            let to = (b.is_multiple_of(8)).then(|| address(station, b / 8));
            let message = message(&maker, claimed, to, Kind::Page, b.into(), rest.to_vec(), station.now);
            station.messages.push(message.id);
            station.messages.truncate(8);
            let (header, payload, hops) = (Box::new(message.header), message.payload, *hops);
            Packet::Broadcast(match b % 3 {
                0 => broadcast::Packet::Header { hops, header },
                _ => broadcast::Packet::Data { hops, header, payload },
            })
        }
        19 => {
            let to = address(station, b);
            let id = if b.is_multiple_of(2) { Kind::Page } else { Kind::KeyQuery };
            let mut message = message(&maker, None, Some(to), id, b.into(), rest.to_vec(), station.now);
            if to == station.peer.address() && id == Kind::Page {
                // Sealed to the peer, so that it reaches the page.
                let key = Identity::stand_in(0).public_key();
                let random = &mut crate::proto::Random::new([b; 32]);
                let sealed = maker.seal(&key, &boxes::context(&message.id, 0, true), rest, random)?;
                message = super::station::message(&maker, None, Some(to), id, b.into(), sealed, station.now);
            }
            let mut path = vec![message.maker];
            path.extend((0..*hops % 70).map(|n| address(station, n)));
            path.extend((message.maker != from || path.len() > 1).then_some(from));
            let (header, payload) = (Box::new(message.header), message.payload);
            Packet::Direct(direct::Packet::Message { header, payload, path, attempt: *hops })
        }
        20 => {
            // The recipient's word, or somebody else's.
            let message = station.directs.get(usize::from(b % 8))?;
            let to = message.header.to?;
            let recipient = (0..=u8::MAX).map(member).find(|member| member.address() == to);
            let maker = recipient.filter(|_| *what % 4 != 0).unwrap_or(maker);
            let path = rest.iter().map(|n| address(station, *n)).collect();
            let swarm = &crate::proto::secret::SwarmTag::of_topic("t");
            let word = Acknowledgement::sign(message, path, *hops, &maker, swarm);
            Packet::Direct(direct::Packet::Acknowledgement(Box::new(word)))
        }
        21 => match what % 7 {
            0 => Packet::Broadcast(broadcast::Packet::Graft(heard())),
            1 => Packet::Broadcast(broadcast::Packet::Have(vec![heard(), MessageId([*hops; 20])])),
            2 => Packet::Broadcast(broadcast::Packet::Prune(address(station, b))),
            3 => {
                let bucket = station.now.as_millis() / 4000 - u64::from(b % 4);
                Packet::Broadcast(broadcast::Packet::Digest { bucket, sum: (*hops).into() })
            }
            4 => Packet::Direct(direct::Packet::Taken { id: heard(), attempt: *hops }),
            5 => Packet::Broadcast(broadcast::Packet::Resume(address(station, b))),
            _ => Packet::Direct(direct::Packet::Stuck { id: heard(), attempt: *hops }),
        },
        22 => {
            let goal = match what % 4 {
                0 => Goal::Successor,
                1 => Goal::Predecessor,
                2 => Goal::Point(address(station, b)),
                _ => Goal::Exact(address(station, b)),
            };
            let number = [hops, what].map(|byte| u32::from(*byte)).iter().sum();
            let origin = rest.first().map_or(from, |n| address(station, *n));
            let path = rest.iter().map(|n| address(station, *n)).collect();
            let instead_of = (hops % 2 == 0).then(|| address(station, *what));
            let mut request = Request { goal, path, instead_of, ..request_of(number, origin, *hops) };
            // Of a member, or in anybody's name.
            if what % 4 != 3 {
                request = signed(request, &member(*what % 8), &station.secret.tag(), station.now);
            }
            Packet::Signalling(signalling::Packet::Request(Box::new(request)))
        }
        23 => {
            let whom = rest.first().map_or(from, |n| address(station, *n));
            let signal = match what % 8 {
                0 | 1 => {
                    let who = member(*what);
                    let (key, proof) = (who.public_key(), who.prove("admission", b""));
                    Signal::Accept { key, answer: Box::new(description(*what)), proof, hello: None }
                }
                2 => Signal::Found(whom),
                3 => Signal::Reject([Reason::Full, Reason::Busy, Reason::NotFound][usize::from(hops % 3)]),
                4 => Signal::Candidate(description(*what).candidates.into_iter().next()?),
                5 => Signal::Cancel,
                6 => {
                    let (key, share) = (member(*what).public_key(), [*hops; 32]);
                    let hello = Hello {
                        version: VERSION,
                        capabilities: 0,
                        clock: 0,
                        nonce: [*what; 16],
                        key,
                        claimed: None,
                        share,
                        more: Vec::new(),
                    };
                    let proof = member(*what).prove("fuzz", &[*hops]);
                    Signal::Greet {
                        request: request(),
                        hello: Box::new(hello),
                        confirm: Confirm { tag: [*hops; 32], proof },
                    }
                }
                _ if hops.is_multiple_of(3) => Signal::Restart { origin: whom, sealed: rest.to_vec() },
                _ => Signal::Decline { origin: whom, answer: AnswerMark([*hops; 8]) },
            };
            let id = request();
            if hops.is_multiple_of(5) {
                return Some(Packet::Signalling(signalling::Packet::Forward { id, signal }));
            }
            let to = if hops.is_multiple_of(4) { whom } else { station.peer.address() };
            let path = rest.iter().map(|n| address(station, *n)).collect();
            Packet::Signalling(signalling::Packet::Reply(signalling::Reply {
                id,
                to,
                path,
                hops_left: (*hops).into(),
                signal,
            }))
        }
        _ => match what % 6 {
            0 => Packet::View(topology::Packet::Own(list(station, rest))),
            1 => {
                let of = |n: &u8| (address(station, *n), list(station, rest));
                Packet::View(topology::Packet::Relayed(rest.iter().map(of).collect()))
            }
            2 => Packet::View(topology::Packet::Nearer(list(station, rest).links)),
            3 => Packet::Pong((*hops).into()),
            4 => Packet::Close(Farewell::Evicted { hint: rest.first().map(|n| address(station, *n)) }),
            _ => {
                Packet::Close([Farewell::Leaving, Farewell::Duplicate, Farewell::Full][usize::from(hops % 3)])
            }
        },
    })
}

/// The same, and again, each a little different.
fn flood(station: &mut Station, conn: ConnId, from: Address, b: u8, rest: &[u8]) {
    let times = rest.first().map_or(FLOOD, |byte| u32::from(*byte) + 1);
    for _ in 0..times.min(FLOOD) {
        let n = station.fresh();
        if n > FLOODS {
            return;
        }
        let stranger = Identity::stand_in(1000 + u64::from(n));
        let now = station.now;
        let packet = match b % 9 {
            0 => {
                let ids = (0..512u32).map(|i| numbered(n * 512 + i)).map(MessageId).collect();
                Packet::Broadcast(broadcast::Packet::Have(ids))
            }
            1 => {
                let request = request_of(n, stranger.address(), rest.get(1).copied().unwrap_or(9));
                let request = signed(request, &stranger, &station.secret.tag(), now);
                Packet::Signalling(signalling::Packet::Request(Box::new(request)))
            }
            2 | 3 => {
                let claimed = (b % 9 == 3).then_some(Address(numbered(n)));
                let said = message(&stranger, claimed, None, Kind::Page, n, rest.to_vec(), now);
                let (header, payload) = (Box::new(said.header), said.payload);
                Packet::Broadcast(broadcast::Packet::Data { hops: 3, header, payload })
            }
            4 => {
                let to = address(station, rest.get(1).copied().unwrap_or(200));
                let said = message(&stranger, None, Some(to), Kind::Page, n, rest.to_vec(), now);
                let (path, header) = (vec![said.maker, from], Box::new(said.header));
                Packet::Direct(direct::Packet::Message { header, payload: said.payload, path, attempt: 0 })
            }
            5 => {
                let links = (0..64u8).flat_map(|i| [numbered(n * 64 + u32::from(i)), [0; 20]]);
                let links: Vec<_> = links.step_by(2).map(Address).collect();
                Packet::View(topology::Packet::Own(list_of(&links)))
            }
            6 => {
                let bucket = now.as_millis() / 4000 - u64::from(n % 3);
                Packet::Broadcast(broadcast::Packet::Digest { bucket, sum: n.into() })
            }
            7 => {
                station.offer(&stranger, rest.get(1).copied().unwrap_or(2), n as u8);
                continue;
            }
            _ => Packet::Broadcast(broadcast::Packet::Graft(
                *station.messages.get(n as usize % 8).unwrap_or(&MessageId(numbered(n))),
            )),
        };
        if station.link(0).is_none() {
            return;
        }
        station.say(conn, &packet);
    }
}

fn member(n: u8) -> Identity {
    Identity::stand_in(n.into())
}

/// The peer itself, one that could be a neighbor, or one that is nowhere.
fn address(station: &Station, n: u8) -> Address {
    match n {
        0 => station.peer.address(),
        1..=99 => member(n % 8).address(),
        _ => Address(numbered(n.into())),
    }
}

fn numbered(n: u32) -> [u8; 20] {
    let mut bytes = [0x55; 20];
    bytes[..4].copy_from_slice(&n.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes
}

fn request_of(n: u32, origin: Address, what: u8) -> Request {
    let (id, offer) = (n.to_be_bytes(), OfferId(numbered(n)));
    let id = [id, [1; 4]].concat().try_into().expect("four bytes and four");
    let brought = what % 7 == 1;
    Request {
        id: if brought { RequestId::of_offer(&offer, id) } else { RequestId(id) },
        origin,
        instance: [1; 16],
        goal: [Goal::Successor, Goal::Predecessor, Goal::Point(origin)][usize::from(what % 3)],
        need: what.is_multiple_of(2),
        instead_of: None,
        offer: (!what.is_multiple_of(5)).then(|| unsigned(description(n as u8))),
        brought: brought.then(|| OfferOrigin { mark: n, to: TrackerPeerId(numbered(n)), offer }),
        path: Vec::new(),
        hops_left: what.into(),
    }
}

fn list(station: &Station, links: &[u8]) -> topology::List {
    list_of(&links.iter().take(70).map(|n| address(station, *n)).collect::<Vec<_>>())
}

fn list_of(links: &[Address]) -> topology::List {
    // An entry's round trip is its own affair: one byte after the address.
    let entries: Vec<_> = links.iter().map(|address| (*address, 1u8)).collect();
    let bytes = codec::to_bytes(&(1u8, entries));
    codec::from_bytes(&bytes).expect("that is how a list is written")
}
