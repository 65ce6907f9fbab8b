//! Both ends of every `RTCPeerConnection`.
//!
//! An end is known to its peer by a [`ConnId`], and to the other end by the ufrag of its description, which
//! here is its place in the simulator (`testkit::description`).

use crate::proto::ConnId;
use crate::testkit::description;

/// Names an end; a freed place gets a new generation, so that what is still under way to the old one is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndId {
    slot: u32,
    generation: u32,
}

/// How far an end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It made an offer and has no answer yet.
    Offered,
    /// It has the remote description.
    Connecting,
    /// ICE found a path; the channel is about to open.
    Opening,
    /// The channel is open.
    Open,
}

/// One end.
#[derive(Debug)]
pub struct End {
    /// Whose it is.
    pub node: u32,
    /// What its peer calls it.
    pub conn: ConnId,
    /// How far it has come.
    pub phase: Phase,
    /// Whether it made the offer.
    pub offered: bool,
    /// The other end, as the remote description named it.
    pub remote: Option<EndId>,
    /// Whether it knows a way to the other end.
    pub knows_candidate: bool,
    /// Whether the network lost it for good: nothing gets through in either direction.
    pub severed: bool,
    /// What waits because the path is broken, though both peers live.
    pub waiting: Option<Vec<Vec<u8>>>,
    /// How often it was described anew.
    pub described: u32,
    /// One-way latency without jitter, in microseconds; set when it opens.
    pub latency: u32,
    /// When the last frame it sent arrives: frames keep their order.
    pub last_arrival: u64,
    /// When all that was handed to it is on the wire.
    pub busy_until: u64,
}

impl End {
    /// Whether frames get here; none does when the channel did not open because the other end died meanwhile.
    pub fn hears(&self) -> bool {
        self.phase == Phase::Open && !self.severed
    }
}

/// All ends.
#[derive(Debug, Default)]
pub struct Ends {
    places: Vec<(u32, Option<End>)>,
    free: Vec<u32>,
}

impl Ends {
    /// Adds an end.
    pub fn insert(&mut self, end: End) -> EndId {
        match self.free.pop() {
            Some(slot) => {
                let place = &mut self.places[slot as usize];
                place.1 = Some(end);
                EndId { slot, generation: place.0 }
            }
            None => {
                let slot = self.places.len() as u32;
                self.places.push((0, Some(end)));
                EndId { slot, generation: 0 }
            }
        }
    }

    /// The end, if it still exists.
    pub fn get(&self, id: EndId) -> Option<&End> {
        let (generation, end) = self.places.get(id.slot as usize)?;
        if *generation == id.generation { end.as_ref() } else { None }
    }

    /// The end, if it still exists.
    pub fn get_mut(&mut self, id: EndId) -> Option<&mut End> {
        let (generation, end) = self.places.get_mut(id.slot as usize)?;
        if *generation == id.generation { end.as_mut() } else { None }
    }

    /// Removes the end.
    pub fn remove(&mut self, id: EndId) -> Option<End> {
        self.get(id)?;
        let place = &mut self.places[id.slot as usize];
        place.0 += 1;
        self.free.push(id.slot);
        place.1.take()
    }

    /// Ends there are.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The local description of an end, without candidates, as a browser gives it before gathering.
pub fn describe(id: EndId, end: &End) -> String {
    let named = description::End(id.slot.into(), id.generation.into()).anew(end.described);
    named.describe(if end.offered { "actpass" } else { "active" })
}

/// A candidate of an end: the address of its machine, or how the world sees it.
pub fn candidate(id: EndId, node: u32, reflexive: bool) -> String {
    let [_, b, c, d] = node.to_be_bytes();
    // Ends that follow each other in a slot are different connections, and have different ports.
    let port = 49152 + id.slot.wrapping_add(id.generation.wrapping_mul(4001)) % 16384;
    if reflexive {
        format!(
            "candidate:2 1 udp 1686052607 20.{b}.{c}.{d} {port} typ srflx raddr 10.{b}.{c}.{d} rport {port} generation 0"
        )
    } else {
        format!("candidate:1 1 udp 2122260223 10.{b}.{c}.{d} {port} typ host generation 0 network-id 1")
    }
}

/// The end that made a description, and whether it brought candidates; what is wrong with it otherwise.
pub fn identify(sdp: &str) -> Result<(EndId, bool), &'static str> {
    let (end, with_candidates) = description::End::read(sdp)?;
    let description::End(slot, generation) = end.first();
    Ok((EndId { slot: slot as u32, generation: generation as u32 }, with_candidates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(offered: bool) -> End {
        End {
            node: 7,
            conn: ConnId(1),
            phase: Phase::Offered,
            offered,
            remote: None,
            knows_candidate: false,
            severed: false,
            waiting: None,
            described: 0,
            latency: 0,
            last_arrival: 0,
            busy_until: 0,
        }
    }

    #[test]
    fn a_description_names_its_end() {
        let mut ends = Ends::default();
        let id = ends.insert(end(true));
        let sdp = describe(id, ends.get(id).unwrap());
        assert_eq!(identify(&sdp), Ok((id, false)));
        assert_eq!(identify(&format!("{sdp}a={}\r\n", candidate(id, 7, false))), Ok((id, true)));
    }

    #[test]
    fn a_freed_place_is_another_end_next_time() {
        let mut ends = Ends::default();
        let first = ends.insert(end(true));
        ends.remove(first);
        let second = ends.insert(end(false));
        assert!(ends.get(first).is_none());
        assert!(ends.remove(first).is_none());
        assert!(ends.get(second).is_some());
        assert_eq!(ends.len(), 1);
    }
}
