//! Both ends of every `RTCPeerConnection`.
//!
//! An end is known to its peer by a [`ConnId`], and to the other end by the ufrag of its description, which
//! here is its place in the simulator. The description is a real data-channel SDP, so the core must carry
//! ufrag, password and fingerprint unharmed, however it packs them; the simulator checks.

use std::fmt::Write as _;

use super::network::mix;
use crate::proto::ConnId;

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

/// What of a description names and protects the end that made it.
#[derive(Debug, PartialEq, Eq)]
struct Credentials {
    ufrag: String,
    pwd: String,
    fingerprint: String,
}

impl Credentials {
    fn of(id: EndId) -> Self {
        let hash = |salt: u64| mix((u64::from(id.slot) << 32 | u64::from(id.generation)) ^ mix(salt));
        let mut fingerprint = String::with_capacity(95);
        for byte in (10..14).flat_map(|salt| hash(salt).to_be_bytes()) {
            let _ = write!(fingerprint, "{byte:02X}:");
        }
        fingerprint.pop();
        Self {
            ufrag: format!("{:x}/{:x}", id.slot, id.generation + 0x1000),
            pwd: format!("{:016x}{:08x}", hash(1), hash(2) as u32),
            fingerprint,
        }
    }

    fn read(sdp: &str) -> Option<Self> {
        let value =
            |name: &str| sdp.lines().find_map(|line| line.trim_end().strip_prefix(name)).map(str::to_owned);
        Some(Self {
            ufrag: value("a=ice-ufrag:")?,
            pwd: value("a=ice-pwd:")?,
            fingerprint: value("a=fingerprint:sha-256 ")?,
        })
    }
}

/// The local description of an end, without candidates, as a browser gives it before gathering.
pub fn describe(id: EndId, end: &End) -> String {
    let Credentials { ufrag, pwd, fingerprint } = Credentials::of(id);
    let setup = if end.offered { "actpass" } else { "active" };
    let session = mix(u64::from(id.slot)) >> 1;
    format!(
        "v=0\r\no=- {session} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=extmap-allow-mixed\r\n\
         a=msid-semantic: WMS\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\na=ice-options:trickle\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=setup:{setup}\r\na=mid:0\r\na=sctp-port:5000\r\n\
         a=max-message-size:262144\r\n"
    )
}

/// A candidate of an end: the address of its machine, or how the world sees it.
pub fn candidate(id: EndId, node: u32, reflexive: bool) -> String {
    let [_, b, c, d] = node.to_be_bytes();
    let port = 49152 + id.slot % 16384;
    if reflexive {
        format!(
            "candidate:2 1 udp 1686052607 203.{b}.{c}.{d} {port} typ srflx raddr 10.{b}.{c}.{d} rport {port} generation 0"
        )
    } else {
        format!("candidate:1 1 udp 2122260223 10.{b}.{c}.{d} {port} typ host generation 0 network-id 1")
    }
}

/// The end that made a description, and whether it brought candidates; what is wrong with it otherwise.
pub fn identify(sdp: &str) -> Result<(EndId, bool), &'static str> {
    let read = Credentials::read(sdp).ok_or("a description without ufrag, password or fingerprint")?;
    let id = read
        .ufrag
        .split_once('/')
        .and_then(|(slot, generation)| {
            let slot = u32::from_str_radix(slot, 16).ok()?;
            let generation = u32::from_str_radix(generation, 16).ok()?.checked_sub(0x1000)?;
            Some(EndId { slot, generation })
        })
        .ok_or("a description whose ufrag nobody made")?;
    if Credentials::of(id) != read {
        return Err("a description whose password or fingerprint was altered");
    }
    Ok((id, sdp.contains("a=candidate:")))
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
            latency: 0,
            last_arrival: 0,
            busy_until: 0,
        }
    }

    #[test]
    fn a_description_names_its_end_and_shows_when_it_was_altered() {
        let mut ends = Ends::default();
        let id = ends.insert(end(true));
        let sdp = describe(id, ends.get(id).unwrap());
        assert_eq!(identify(&sdp), Ok((id, false)));
        assert_eq!(identify(&format!("{sdp}a={}\r\n", candidate(id, 7, false))), Ok((id, true)));
        let altered = sdp.replace("a=ice-pwd:", "a=ice-pwd:x");
        assert!(identify(&altered).is_err());
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
