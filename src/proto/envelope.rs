//! What we write into the SDP that a tracker carries: who offers, and what for.
//!
//! The `sdp` field is the only one that every tracker passes on untouched, so the sender's address, its
//! instance, the role of the offer and the signature on it travel in a session attribute within it, which browsers would
//! ignore (RFC 8866 section 6). In a private swarm the whole text is sealed: for one offer, as an offer or as an answer to
//! it, and for two days.

use serde::{Deserialize, Serialize};

use super::codec;
use super::hex;
use super::id::{Address, OfferId};
use super::identity::{Proof, PublicKey};
use super::offer::Signature;
use super::random::Random;
use super::sdp::Description;
use super::secret::SwarmSecret;
use super::time::Instant;

const ATTRIBUTE: &str = "x-easypeers:1 ";
const SEALED: &str = "x-easypeers-sealed:3 ";
/// Longest SDP accepted from a tracker; real ones have 1 to 2 kB.
const MAX_SDP: usize = 16 << 10;
/// A sealed text is good for so many hours before and after it was made, by the clocks of its two ends: each may be wrong
/// by a day.
const HOURS: u32 = 48;

/// Which half of a connection a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    Offer,
    Answer,
}

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
    /// That its sender makes the offer. An answer has none: the member that the offer reached writes it for whoever took the
    /// offer up.
    pub(crate) signature: Option<Signature>,
}

impl Envelope {
    /// Writes the text for the tracker: an offer, or the answer to it.
    pub(crate) fn write(
        &self,
        half: Half,
        offer: &OfferId,
        secret: &SwarmSecret,
        random: &mut Random,
        now: Instant,
    ) -> String {
        if secret.is_private() {
            let plain = codec::to_bytes(&(hour(now), self));
            let sealed = secret.seal_description(&context(half, offer), &plain, random);
            return format!("{SEALED}{}", hex::text(&sealed));
        }
        let (from, role, instance) = (self.from, self.role, hex::text(&self.instance));
        let bound = self.instead_of.map(|bound| bound.to_string()).unwrap_or_default();
        let signature = self.signature.as_ref().map(signature_text).unwrap_or_default();
        let attribute = format!("{ATTRIBUTE}{from} {instance} {role} {bound}{signature}");
        self.description.to_sdp(Some(&attribute))
    }

    /// Reads a tracker's text: an offer, or the answer to it; `None` when it is not of this swarm.
    pub(crate) fn read(
        text: &str,
        half: Half,
        offer: &OfferId,
        secret: &SwarmSecret,
        now: Instant,
    ) -> Option<Self> {
        if text.len() > MAX_SDP {
            return None;
        }
        if !secret.is_private() {
            return Self::read_public(text);
        }
        let sealed = hex::read(text.strip_prefix(SEALED)?)?;
        let plain = secret.open_description(&context(half, offer), &sealed)?;
        let (made, envelope): (u32, Self) = codec::from_bytes(&plain)?;
        let fresh = made.abs_diff(hour(now)) <= HOURS;
        (fresh && envelope.description.is_sound()).then_some(envelope)
    }

    fn read_public(text: &str) -> Option<Self> {
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
            signature: read_signature(&mut words),
            description: Description::parse(text).ok()?,
        })
    }
}

/// Three words more.
fn signature_text(Signature { key, made, proof }: &Signature) -> String {
    let [key, commitment, response] =
        [key.0, proof.commitment, proof.response].map(|bytes| hex::text(&bytes));
    format!(" {key} {made} {commitment}{response}")
}

fn read_signature<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Signature> {
    let (key, made, proof) = (words.next()?, words.next()?, words.next()?);
    let (commitment, response) = proof.split_at_checked(64)?;
    let proof = Proof { commitment: hex::array(commitment)?, response: hex::array(response)? };
    Some(Signature { key: PublicKey(hex::array(key)?), made: made.parse().ok()?, proof })
}

/// What a sealed text belongs to: one offer, whose id is drawn at random, and one half of its connection.
fn context(half: Half, offer: &OfferId) -> [u8; 21] {
    let mut context = [half as u8; 21];
    context[..20].copy_from_slice(&offer.0);
    context
}

/// Hours since the UNIX epoch.
fn hour(now: Instant) -> u32 {
    u32::try_from(now.as_millis() / 3_600_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::proto::id::SwarmId;
    use crate::testkit::description::End;

    const OFFER: OfferId = OfferId([5; 20]);
    const NOW: Instant = Instant::from_millis(1_800_000_000_123);

    fn write(half: Half, secret: &SwarmSecret) -> String {
        envelope().write(half, &OFFER, secret, &mut Random::new([1; 32]), NOW)
    }

    fn read(text: &str, half: Half, offer: u8, secret: &SwarmSecret, now: Instant) -> Option<Envelope> {
        Envelope::read(text, half, &OfferId([offer; 20]), secret, now)
    }

    fn envelope() -> Envelope {
        let sdp = End(1, 0).describe_whole("actpass");
        let description = Description::parse(&sdp).expect("a whole description");
        Envelope {
            from: Address([0xab; 20]),
            instance: [7; 16],
            role: 3,
            instead_of: Some(Address([0xcd; 20])),
            description,
            signature: Some(Signature {
                key: PublicKey([0x11; 32]),
                made: NOW.as_millis(),
                proof: Proof { commitment: [0x22; 32], response: [0x33; 32] },
            }),
        }
    }

    #[test]
    fn a_public_envelope_is_an_sdp_with_one_more_line() {
        let secret = SwarmSecret::public(SwarmId::of_topic("t"));
        let text = write(Half::Offer, &secret);
        assert!(text.starts_with("v=0\r\n") && text.contains("a=x-easypeers:1 abab"));
        assert_eq!(read(&text, Half::Offer, 5, &secret, NOW), Some(envelope()));
    }

    #[test]
    fn a_private_envelope_shows_a_tracker_nothing_and_fits_its_offer_only() {
        let secret = SwarmSecret::private(SwarmId::of_topic("t"), &[1; 32]);
        let text = write(Half::Offer, &secret);
        assert!(!text.contains("10.0.0.1") && !text.contains("abab"));
        assert_eq!(read(&text, Half::Offer, 5, &secret, NOW), Some(envelope()));
        assert_eq!(read(&text, Half::Offer, 6, &secret, NOW), None);
        let other = SwarmSecret::private(SwarmId::of_topic("t"), &[2; 32]);
        assert_eq!(read(&text, Half::Offer, 5, &other, NOW), None);
    }

    #[test]
    fn a_sealed_half_is_no_other_half_and_fresh_for_two_days() {
        let secret = SwarmSecret::private(SwarmId::of_topic("t"), &[1; 32]);
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        for (half, other) in [(Half::Offer, Half::Answer), (Half::Answer, Half::Offer)] {
            let text = write(half, &secret);
            assert_eq!(read(&text, other, 5, &secret, NOW), None);
            assert_eq!(read(&text, half, 5, &secret, NOW + hours(48)), Some(envelope()));
            assert_eq!(read(&text, half, 5, &secret, NOW + hours(49)), None);
        }
        let ahead =
            envelope().write(Half::Offer, &OFFER, &secret, &mut Random::new([1; 32]), NOW + hours(49));
        assert_eq!(read(&ahead, Half::Offer, 5, &secret, NOW), None);
    }

    #[test]
    fn what_nobody_signed_is_read_as_that() {
        let secret = SwarmSecret::public(SwarmId::of_topic("t"));
        let unsigned = Envelope { signature: None, ..envelope() };
        for instead_of in [None, Some(Address([0xcd; 20]))] {
            let answer = Envelope { instead_of, ..unsigned.clone() };
            let text = answer.write(Half::Answer, &OFFER, &secret, &mut Random::new([1; 32]), NOW);
            assert_eq!(read(&text, Half::Answer, 5, &secret, NOW), Some(answer));
            let offer = Envelope { instead_of, ..envelope() };
            let text = offer.write(Half::Offer, &OFFER, &secret, &mut Random::new([1; 32]), NOW);
            assert_eq!(read(&text, Half::Offer, 5, &secret, NOW), Some(offer));
            for (word, other) in [("1111", "111g"), (" 1800000000123", ""), (" 1800", " x"), ("33\r", "\r")] {
                let bad = text.replace(word, other);
                let read = read(&bad, Half::Offer, 5, &secret, NOW).expect("the rest is there");
                assert!(bad != text && read.signature.is_none(), "{bad}");
            }
        }
    }

    #[test]
    fn other_applications_and_nonsense_are_not_read() {
        let secret = SwarmSecret::public(SwarmId::of_topic("t"));
        let good = write(Half::Offer, &secret);
        for bad in [
            String::new(),
            envelope().description.to_sdp(None),
            good.replace(" 3 cd", " x cd"),
            good.replace("abab", "zzzz"),
            good.replace("ice-pwd", "ice-dwp"),
            "a=x-easypeers:1 \r\n".into(),
        ] {
            assert_eq!(read(&bad, Half::Offer, 5, &secret, NOW), None, "{bad}");
        }
    }
}
