//! What two browsers must tell each other to connect: the 200 bytes that matter of an SDP.
//!
//! An SDP for one data channel is 1 to 2 kB of text, all but five facts of it fixed. We read those five out
//! (RFC 8866 for the lines, RFC 8839 for ICE, RFC 8122 for the fingerprint), send them in binary through the
//! mesh, and write a whole SDP again at the far end and for trackers.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::codec;
use super::hex;
use super::place::{Endpoint, Zone};

/// Most candidates of one end, those that come after its description among them. A browser gathers about four: it hides
/// the addresses of its machine behind one or two names, and adds what its STUN and TURN servers see. In Node, libjuice
/// gathers 14 addresses of a machine at most and one from each of four servers; who has so many can spare some.
pub(crate) const MAX_CANDIDATES: usize = 12;
/// Longest ICE user name fragment or password (RFC 8839 section 5.4).
const MAX_CREDENTIAL: usize = 256;

/// Why an SDP is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SdpError {
    /// No usable ICE user name fragment and password.
    #[error("session description without usable ICE credentials")]
    Credentials,
    /// No SHA-256 fingerprint.
    #[error("session description without a SHA-256 fingerprint")]
    Fingerprint,
    /// A DTLS role that does not fit.
    #[error("session description without a DTLS role")]
    Setup,
}

/// What the mark of an answer is for.
const MARK: &[u8] = b"easypeers answer 2";

/// Who opens the DTLS session (RFC 8842).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Setup {
    /// Either; what an offer says.
    ActPass,
    /// The one who says so.
    Active,
    /// The other one.
    Passive,
}

/// The facts of one session description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Description {
    ufrag: String,
    pwd: String,
    /// SHA-256 of the DTLS certificate.
    pub(crate) fingerprint: [u8; 32],
    setup: Setup,
    /// Where the peer can be reached.
    pub(crate) candidates: Vec<Candidate>,
}

/// How a candidate was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CandidateKind {
    /// An address of the machine itself.
    Host,
    /// The machine's address as a STUN server saw it.
    ServerReflexive,
    /// The machine's address as the other peer saw it.
    PeerReflexive,
    /// An address at a TURN server.
    Relay,
}

/// One ICE candidate over UDP. Candidates over TCP are left out: two browsers cannot use them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Candidate {
    kind: CandidateKind,
    priority: u32,
    /// An address, or the mDNS name behind which browsers hide one.
    place: String,
    port: u16,
}

fn is_ice_chars(text: &str, least: usize) -> bool {
    (least..=MAX_CREDENTIAL).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_' | b'='))
}

/// Names an answer to those who have seen it, and to nobody else: it is made of its ICE password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnswerMark(pub(crate) [u8; 8]);

/// SHA-256 of a description as it travels in packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DescriptionHash(pub(crate) [u8; 32]);

impl Description {
    /// Its hash, candidates and all.
    pub(crate) fn hash(&self) -> DescriptionHash {
        DescriptionHash(Sha256::digest(codec::to_bytes(self)).into())
    }

    /// The mark of an answer.
    pub(crate) fn mark(&self) -> AnswerMark {
        let hash = Sha256::new().chain_update(MARK).chain_update(&self.pwd).finalize();
        AnswerMark(std::array::from_fn(|i| hash[i]))
    }

    /// Reads the facts out of an SDP.
    pub(crate) fn parse(sdp: &str) -> Result<Self, SdpError> {
        let value = |name: &str| sdp.lines().find_map(|line| line.trim_end().strip_prefix(name));
        let ufrag = value("a=ice-ufrag:").unwrap_or_default();
        let pwd = value("a=ice-pwd:").unwrap_or_default();
        if !is_ice_chars(ufrag, 4) || !is_ice_chars(pwd, 22) {
            return Err(SdpError::Credentials);
        }
        let fingerprint = value("a=fingerprint:").and_then(parse_fingerprint).ok_or(SdpError::Fingerprint)?;
        let setup = match value("a=setup:") {
            Some("actpass") => Setup::ActPass,
            Some("active") => Setup::Active,
            Some("passive") => Setup::Passive,
            _ => return Err(SdpError::Setup),
        };
        let mut description =
            Self { ufrag: ufrag.into(), pwd: pwd.into(), fingerprint, setup, candidates: Vec::new() };
        for line in sdp.lines() {
            if let Some(candidate) = line.trim_end().strip_prefix("a=").and_then(Candidate::parse) {
                description.add(candidate);
            }
        }
        Ok(description)
    }

    /// Whether a description that came over the wire can be written as SDP without breaking its lines.
    pub(crate) fn is_sound(&self) -> bool {
        is_ice_chars(&self.ufrag, 4)
            && is_ice_chars(&self.pwd, 22)
            && self.candidates.len() <= MAX_CANDIDATES
            && self.candidates.iter().all(Candidate::is_sound)
    }

    /// Adds a candidate; more than a dozen, or one twice, are left out.
    pub(crate) fn add(&mut self, candidate: Candidate) -> bool {
        let new = self.candidates.len() < MAX_CANDIDATES && !self.candidates.contains(&candidate);
        if new {
            self.candidates.push(candidate);
        }
        new
    }

    /// Writes a whole SDP, with session attributes of ours (`a=` lines without the `a=`) if given.
    pub(crate) fn to_sdp(&self, attribute: Option<&str>) -> String {
        let mut sdp = String::with_capacity(640);
        sdp.push_str("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n");
        if let Some(attribute) = attribute {
            sdp.extend(["a=", attribute, "\r\n"]);
        }
        sdp.push_str("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n");
        for candidate in &self.candidates {
            sdp.extend(["a=", &candidate.to_text(), "\r\n"]);
        }
        sdp.extend(["a=ice-ufrag:", &self.ufrag, "\r\na=ice-pwd:", &self.pwd]);
        sdp.push_str("\r\na=ice-options:trickle\r\na=fingerprint:sha-256 ");
        sdp.push_str(&self.fingerprint.map(|byte| format!("{byte:02X}")).join(":"));
        let setup = match self.setup {
            Setup::ActPass => "actpass",
            Setup::Active => "active",
            Setup::Passive => "passive",
        };
        sdp.extend(["\r\na=setup:", setup]);
        sdp.push_str("\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n");
        sdp
    }
}

fn parse_fingerprint(text: &str) -> Option<[u8; 32]> {
    let (hash, digits) = text.split_once(' ')?;
    if !hash.eq_ignore_ascii_case("sha-256") {
        return None;
    }
    let mut bytes = [0; 32];
    let mut pairs = digits.trim().split(':');
    for byte in &mut bytes {
        [*byte] = hex::array(pairs.next()?)?;
    }
    pairs.next().is_none().then_some(bytes)
}

impl Candidate {
    /// Reads `candidate:foundation 1 udp priority address port typ kind ...`; `None` when it is not one, or
    /// of no use to another browser.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.trim_end().strip_prefix("candidate:")?.split_ascii_whitespace();
        let (_foundation, component, protocol) = (words.next()?, words.next()?, words.next()?);
        if component != "1" || !protocol.eq_ignore_ascii_case("udp") {
            return None;
        }
        let priority = words.next()?.parse().ok()?;
        let place = words.next()?.into();
        let port = words.next()?.parse().ok()?;
        if words.next()? != "typ" {
            return None;
        }
        let kind = match words.next()? {
            "host" => CandidateKind::Host,
            "srflx" => CandidateKind::ServerReflexive,
            "prflx" => CandidateKind::PeerReflexive,
            "relay" => CandidateKind::Relay,
            _ => return None,
        };
        Some(Self { kind, priority, place, port }).filter(Self::is_sound)
    }

    /// Writes the text that begins `candidate:`.
    pub(crate) fn to_text(&self) -> String {
        let kind = match self.kind {
            CandidateKind::Host => "host",
            CandidateKind::ServerReflexive => "srflx raddr 0.0.0.0 rport 0",
            CandidateKind::PeerReflexive => "prflx raddr 0.0.0.0 rport 0",
            CandidateKind::Relay => "relay raddr 0.0.0.0 rport 0",
        };
        // The foundation only groups candidates of one kind and base; a number per kind is enough for both.
        let Self { priority, place, port, .. } = self;
        format!("candidate:{} 1 udp {priority} {place} {port} typ {kind}", self.kind as u8)
    }

    /// Where it leads, and from where that can be reached; `None`: to no peer.
    pub(crate) fn endpoint(&self) -> Option<(Endpoint, Zone)> {
        Endpoint::read(&self.place, self.port)
    }

    /// How it was found.
    pub(crate) fn kind(&self) -> CandidateKind {
        self.kind
    }

    /// Whether a name stands for the address, which only its own network can resolve.
    pub(crate) fn is_hidden(&self) -> bool {
        self.place.ends_with(".local")
    }

    /// Whether it can stand in an SDP: its place has the letters of an address or a host name, no others.
    pub(crate) fn is_sound(&self) -> bool {
        (1..=253).contains(&self.place.len())
            && self.place.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b':'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::codec;

    const CHROMIUM: &str = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
        a=candidate:2113667327 1 udp 2113667327 192.168.1.7 54321 typ host generation 0 network-cost 999\r\n\
        a=candidate:1 1 tcp 1518280447 192.168.1.7 9 typ host tcptype active generation 0\r\n\
        a=candidate:842163049 1 udp 1677729535 203.0.113.9 54321 typ srflx raddr 0.0.0.0 rport 0\r\n\
        a=candidate:3 1 udp 2113937151 8a8a8a8a-1234-4abc-8def-0123456789ab.local 50000 typ host\r\n\
        a=ice-ufrag:0Ab/\r\na=ice-pwd:asd88fgpdd777uzjYhagZg01\r\na=ice-options:trickle\r\n\
        a=fingerprint:sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:FF\r\n\
        a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";

    #[test]
    fn a_browsers_sdp_shrinks_to_its_facts_and_grows_back() {
        let description = Description::parse(CHROMIUM).expect("a real SDP");
        assert_eq!(description.candidates.len(), 3, "TCP is left out");
        assert_eq!(description.fingerprint[31], 0xff);
        assert!(description.is_sound());
        let again = Description::parse(&description.to_sdp(Some("x-easypeers:1"))).expect("our own SDP");
        assert_eq!(again, description);
        let bytes = crate::proto::codec::to_bytes(&description);
        assert!(bytes.len() < 200, "{} bytes", bytes.len());
    }

    #[test]
    fn every_missing_fact_is_named() {
        let without = |line: &str| {
            Description::parse(
                &CHROMIUM.lines().filter(|l| !l.starts_with(line)).collect::<Vec<_>>().join("\r\n"),
            )
        };
        assert_eq!(without("a=ice-ufrag"), Err(SdpError::Credentials));
        assert_eq!(without("a=ice-pwd"), Err(SdpError::Credentials));
        assert_eq!(without("a=fingerprint"), Err(SdpError::Fingerprint));
        assert_eq!(without("a=setup"), Err(SdpError::Setup));
        assert_eq!(Description::parse(""), Err(SdpError::Credentials));
    }

    #[test]
    fn a_remote_description_cannot_smuggle_lines() {
        let mut description = Description::parse(CHROMIUM).expect("a real SDP");
        description.candidates[0].place = "x\r\na=evil".into();
        assert!(!description.is_sound());
        description.candidates.clear();
        description.ufrag = "abcd\r\n".into();
        assert!(!description.is_sound());
    }

    #[test]
    fn odd_candidates_are_refused() {
        for bad in [
            "",
            "candidate:",
            "candidate:1 2 udp 1 1.2.3.4 5 typ host",
            "candidate:1 1 udp 1 1.2.3.4 99999 typ host",
            "candidate:1 1 udp 1 a\u{7f}b 5 typ host",
            "candidate:1 1 udp 1 1.2.3.4 5 typ martian",
        ] {
            assert_eq!(Candidate::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_a_description_or_not(bytes: Vec<u8>, text in ".*", port: u16, at in 0usize..400) {
            // By itself, in the place of what a peer said, and in the middle of it.
            let mut description = Description::parse(CHROMIUM).expect("a real SDP");
            let mut candidate = description.candidates[0].clone();
            (candidate.place, candidate.port) = (text.clone(), port);
            description.candidates[0] = candidate.clone();
            let good = codec::to_bytes(&description);
            let (before, after) = good.split_at(at.min(good.len()));
            for bytes in [bytes.clone(), good.clone(), before.to_vec(), [before, &bytes, after].concat()] {
                if let Some(read) = codec::from_bytes::<Description>(&bytes) {
                    let places = read.candidates.iter().filter_map(Candidate::endpoint).count();
                    prop_assert!(places <= read.candidates.len());
                    // What is sound is read again as it was.
                    prop_assert!(!read.is_sound() || Description::parse(&read.to_sdp(None)).as_ref() == Ok(&read));
                }
                let _ = codec::from_bytes::<Candidate>(&bytes);
            }
            let _ = Candidate::parse(&text);
            let _ = Candidate::parse(&candidate.to_text());
            let _ = Description::parse(&text);
            let _ = Description::parse(&CHROMIUM.replace("192.168.1.7", &text));
        }
    }
}
