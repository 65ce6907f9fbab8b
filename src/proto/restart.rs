//! What the two ends of a link tell each other, through the mesh, to give it another path.
//!
//! A link whose path breaks while both its peers live (a laptop changes its network, a NAT forgets a mapping) needs no new
//! admission, only new candidates: an offer and an answer with new ICE credentials for the same connection (RFC 8445,
//! section 9). They cannot go over the link, so they go round it, over peers that may be anybody. So each word is sealed
//! under a key that only the two ends of this one link can derive, names the round that it is of, and who says it. Whoever
//! is between can lose it, and nothing else.

use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha512;
use zeroize::Zeroizing;

use super::codec;
use super::id::Address;
use super::random::Random;
use super::sdp::{Candidate, Description};
use super::sealed;

/// The bit of [`Hello::capabilities`](super::links::admission::Hello::capabilities) that says: the sender's connections
/// can be given another path.
pub(crate) const CAPABILITY: u32 = 1;
/// What the key is for.
const SALT: &[u8] = b"easypeers restart 1";

/// One such word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Word {
    /// Rounds of one link are counted, and none comes twice.
    pub(crate) round: u32,
    pub(crate) say: Say,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Say {
    /// The end that does not offer has no answer on the link, and asks the other one to.
    Ask,
    /// A description with new credentials.
    Offer(Box<Description>),
    /// Its answer.
    Answer(Box<Description>),
    /// Another candidate, after one's own description.
    Candidate(Candidate),
}

/// What the two ends of a link share, and nobody else has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session<'a>(pub(crate) &'a [u8; 32]);

impl Session<'_> {
    fn key(self) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha512>::new(Some(SALT), self.0).expand(&[], &mut *key).expect("HKDF gives up to 16 kB");
        key
    }

    /// Seals what one end says: it opens as no word of the other one, and on no other link.
    pub(crate) fn seal(self, from: &Address, word: &Word, random: &mut Random) -> Vec<u8> {
        sealed::seal(&self.key(), &from.0, &codec::to_bytes(word), random)
    }

    /// What the other end says; `None` if it did not, or says what is not known here.
    pub(crate) fn open(self, from: &Address, sealed: &[u8]) -> Option<Word> {
        codec::from_bytes(&sealed::open(&self.key(), &from.0, sealed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_said_by_one_end_of_one_link_and_as_it_is() {
        let [a, b] = [1, 2].map(|n| Address([n; 20]));
        let [link, other] = [[7; 32], [8; 32]];
        let word = Word { round: 3, say: Say::Ask };
        let sealed = Session(&link).seal(&a, &word, &mut Random::new([1; 32]));
        assert_eq!(Session(&link).open(&a, &sealed), Some(word));
        assert_eq!(Session(&other).open(&a, &sealed), None, "another link, or another run of it");
        assert_eq!(Session(&link).open(&b, &sealed), None, "the other end");
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Session(&link).open(&a, &altered), None, "bit {bit}");
        }
        assert_eq!(Session(&link).open(&a, &sealed[..sealed.len() - 1]), None);
        assert_eq!(Session(&link).open(&a, &[]), None);
    }

    #[test]
    fn what_is_no_word_of_this_version_is_none() {
        let (a, link) = (Address([1; 20]), [7; 32]);
        let seal = |plain: &[u8]| sealed::seal(&Session(&link).key(), &a.0, plain, &mut Random::new([1; 32]));
        assert!(Session(&link).open(&a, &seal(&[3, 0])).is_some());
        for plain in [&[][..], &[3], &[3, 9], &[3, 0, 1], &[3, 1, 0]] {
            assert_eq!(Session(&link).open(&a, &seal(plain)), None, "{plain:?}");
        }
    }
}
