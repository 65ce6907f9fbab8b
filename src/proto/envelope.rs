//! What we write into the SDP that a tracker carries: who offers, and what for.
//!
//! The `sdp` field is the only one that every tracker passes on untouched, so the sender's address, its
//! instance and the role of the offer travel in a session attribute within it, which browsers would ignore
//! (RFC 8866 section 6). In a private swarm the whole text is sealed.

use serde::{Deserialize, Serialize};

use super::codec;
use super::hex;
use super::id::{Address, OfferId};
use super::random::Random;
use super::sdp::Description;
use super::secret::SwarmSecret;

const ATTRIBUTE: &str = "x-easypeers:1 ";
const SEALED: &str = "x-easypeers-sealed:1 ";
/// Longest SDP accepted from a tracker; real ones have 1 to 2 kB.
const MAX_SDP: usize = 16 << 10;

/// A description and who it is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) from: Address,
    pub(crate) instance: [u8; 16],
    /// Which of its sender's offers this is: 0 seeks the successor, 1 the predecessor, others any peer.
    pub(crate) role: u8,
    /// Who its sender is linked with on that side of the ring: only one that is nearer may take it up.
    pub(crate) instead_of: Option<Address>,
    pub(crate) description: Description,
}

impl Envelope {
    /// Writes the text for the tracker, about one offer.
    pub(crate) fn write(&self, offer: &OfferId, secret: &SwarmSecret, random: &mut Random) -> String {
        if secret.is_private() {
            let plain = codec::to_bytes(self);
            let sealed = secret.seal_description(&offer.0, &plain, random);
            return format!("{SEALED}{}", hex::text(&sealed));
        }
        let (from, role, instance) = (self.from, self.role, hex::text(&self.instance));
        let bound = self.instead_of.map(|bound| bound.to_string()).unwrap_or_default();
        let attribute = format!("{ATTRIBUTE}{from} {instance} {role} {bound}");
        self.description.to_sdp(Some(&attribute))
    }

    /// Reads a tracker's text about one offer; `None` when it is not of this swarm.
    pub(crate) fn read(text: &str, offer: &OfferId, secret: &SwarmSecret) -> Option<Self> {
        if text.len() > MAX_SDP {
            return None;
        }
        if secret.is_private() {
            let sealed = hex::read(text.strip_prefix(SEALED)?)?;
            let envelope: Self = codec::from_bytes(&secret.open_description(&offer.0, &sealed)?)?;
            return envelope.description.is_sound().then_some(envelope);
        }
        let line =
            text.lines().find_map(|line| line.trim_end().strip_prefix("a=")?.strip_prefix(ATTRIBUTE))?;
        let mut words = line.split(' ');
        let from = Address::from_hex(words.next()?).ok()?;
        let instance = hex::array(words.next()?)?;
        let role = words.next()?.parse().ok()?;
        Some(Self {
            from,
            instance,
            role,
            instead_of: words.next().and_then(|word| Address::from_hex(word).ok()),
            description: Description::parse(text).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::id::SwarmId;
    use crate::testkit::description::End;

    const OFFER: OfferId = OfferId([5; 20]);

    fn envelope() -> Envelope {
        let sdp = End(1, 0).describe_whole("actpass");
        let description = Description::parse(&sdp).expect("a whole description");
        Envelope {
            from: Address([0xab; 20]),
            instance: [7; 16],
            role: 3,
            instead_of: Some(Address([0xcd; 20])),
            description,
        }
    }

    #[test]
    fn a_public_envelope_is_an_sdp_with_one_more_line() {
        let secret = SwarmSecret::public(SwarmId::of_topic("t"));
        let text = envelope().write(&OFFER, &secret, &mut Random::new([1; 32]));
        assert!(text.starts_with("v=0\r\n") && text.contains("a=x-easypeers:1 abab"));
        assert_eq!(Envelope::read(&text, &OFFER, &secret), Some(envelope()));
    }

    #[test]
    fn a_private_envelope_shows_a_tracker_nothing_and_fits_its_offer_only() {
        let secret = SwarmSecret::private(SwarmId::of_topic("t"), &[1; 32]);
        let text = envelope().write(&OFFER, &secret, &mut Random::new([1; 32]));
        assert!(!text.contains("10.0.0.1") && !text.contains("abab"));
        assert_eq!(Envelope::read(&text, &OFFER, &secret), Some(envelope()));
        assert_eq!(Envelope::read(&text, &OfferId([6; 20]), &secret), None);
        let other = SwarmSecret::private(SwarmId::of_topic("t"), &[2; 32]);
        assert_eq!(Envelope::read(&text, &OFFER, &other), None);
    }

    #[test]
    fn other_applications_and_nonsense_are_not_read() {
        let secret = SwarmSecret::public(SwarmId::of_topic("t"));
        let good = envelope().write(&OFFER, &secret, &mut Random::new([1; 32]));
        for bad in [
            String::new(),
            envelope().description.to_sdp(None),
            good.replace(" 3 cd", " x cd"),
            good.replace("abab", "zzzz"),
            good.replace("ice-pwd", "ice-dwp"),
            "a=x-easypeers:1 \r\n".into(),
        ] {
            assert_eq!(Envelope::read(&bad, &OFFER, &secret), None, "{bad}");
        }
    }
}
