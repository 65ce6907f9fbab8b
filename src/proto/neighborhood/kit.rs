//! A ring of 256 places for tests of the mesh.

use super::*;
use crate::proto::request::{Goal, Request, RequestId};

pub(crate) const T0: Instant = Instant::from_millis(1_000_000);
/// This peer.
pub(crate) const ME: Address = place(0);

/// One of the places.
pub(crate) const fn place(n: u8) -> Address {
    let mut address = [0; 20];
    address[0] = n;
    Address(address)
}

pub(crate) fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn just_before(at: Instant) -> Instant {
    Instant::from_micros(at.as_micros() - 1)
}

pub(crate) fn link(n: u8) -> Known {
    Known { address: place(n), via: place(n), hops: 1, rtt: 40.0, free: 0 }
}

pub(crate) fn beyond(n: u8, via: u8) -> Known {
    Known { address: place(n), via: place(via), hops: 2, rtt: 80.0, free: 0 }
}

pub(crate) fn neighbor(n: u8) -> Neighbor {
    let (address, key) = (place(n), PublicKey([n; 32]));
    Neighbor {
        address,
        key,
        name: address,
        instance: [n; 16],
        degree: 3,
        chosen: false,
        since: T0,
        rtt: None,
    }
}

pub(crate) fn neighbors(places: &[u8]) -> Vec<Neighbor> {
    places.iter().map(|&n| neighbor(n)).collect()
}

/// A neighborhood with no slot free, whose ring links have been the same for long enough at [`settled_at`].
pub(crate) fn around(links: &[Neighbor], known: &[Known]) -> Neighborhood {
    let (links, known) = (links.to_vec(), known.into());
    Neighborhood { links, known, free: 0, ring_since: Some(T0), ..Neighborhood::new(ME, 6) }
}

pub(crate) fn settled_at() -> Instant {
    T0 + UNSETTLED
}

pub(crate) fn request(goal: Goal, origin: u8) -> Request {
    Request {
        id: RequestId([0; 8]),
        origin: place(origin),
        instance: [origin; 16],
        goal,
        need: false,
        instead_of: None,
        offer: None,
        brought: None,
        path: Vec::new(),
        hops_left: 100,
    }
}
