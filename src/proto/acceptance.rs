//! Who takes an offer up says so with its key.
//!
//! A request crosses peers that could answer it in the name of whom it is for, with a connection to nowhere; the
//! connection fails, and the peer that asked would leave the true one alone. So who answers proves that it made this answer
//! to this offer, both as they are, and its first word on the link with it. What does not hold is no answer.

use sha2::{Digest as _, Sha256};

use super::codec;
use super::identity::{Identity, Proof, PublicKey};
use super::links::admission::Hello;
use super::request::RequestId;
use super::sdp::{Description, DescriptionHash};
use super::secret::SwarmTag;

/// What its proof is for.
const DOMAIN: &str = "easypeers acceptance 2";

/// What is accepted, and with what.
#[derive(Debug)]
pub(crate) struct Acceptance<'a> {
    pub(crate) request: RequestId,
    /// Of the offer in the request.
    pub(crate) offer: DescriptionHash,
    pub(crate) answer: &'a Description,
    pub(crate) hello: Option<&'a Hello>,
}

impl Acceptance<'_> {
    /// What the proof is about.
    fn statement(&self, swarm: &SwarmTag) -> [u8; 136] {
        let hello = Sha256::digest(codec::to_bytes(&self.hello));
        let parts = [&swarm.0[..], &self.request.0, &self.offer.0, &self.answer.hash().0, &hello];
        parts.concat().try_into().expect("four hashes and eight bytes")
    }

    pub(crate) fn prove(&self, identity: &Identity, swarm: &SwarmTag) -> Proof {
        identity.prove(DOMAIN, &self.statement(swarm))
    }

    /// Whether the owner of a key says so.
    pub(crate) fn is_of(&self, key: &PublicKey, proof: &Proof, swarm: &SwarmTag) -> bool {
        key.verify(DOMAIN, &self.statement(swarm), proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::description::End;

    #[test]
    fn a_proof_is_of_one_key_for_one_answer_to_one_offer() {
        let describe = |n| Description::parse(&End(n, 0).describe_whole("actpass")).expect("a description");
        let [offer, answer, other] = [1, 2, 3].map(describe);
        let [who, thief] = [3, 4].map(|n| Identity::from_secret([n; 32]));
        let [swarm, another] = ["t", "u"].map(SwarmTag::of_topic);
        let (request, hello) = (RequestId([1; 8]), None);
        let said = || Acceptance { request, offer: offer.hash(), answer: &answer, hello };
        let (key, proof) = (who.public_key(), said().prove(&who, &swarm));
        assert!(said().is_of(&key, &proof, &swarm));
        assert!(!said().is_of(&thief.public_key(), &proof, &swarm));
        assert!(!said().is_of(&key, &proof, &another));
        let (nonce, share, more) = ([3; 16], [4; 32], Vec::new());
        let hello = Hello { version: 2, capabilities: 0, clock: 0, nonce, key, claimed: None, share, more };
        for altered in [
            Acceptance { request: RequestId([2; 8]), ..said() },
            Acceptance { offer: other.hash(), ..said() },
            Acceptance { answer: &other, ..said() },
            Acceptance { hello: Some(&hello), ..said() },
        ] {
            assert!(!altered.is_of(&key, &proof, &swarm), "{altered:?}");
        }
    }
}
