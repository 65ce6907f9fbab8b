//! Who wants a link signs its offer.
//!
//! A request crosses peers that could make one up in anybody's name, and so could a tracker, or whoever knows the topic. The
//! peer that takes it up would make a connection with nobody, and turn away the true owner of the name meanwhile. So an
//! offer says of which key it is, for what, and when it was made, and holds for that alone. Who takes it up looks at it;
//! those on the way do not have to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::{Address, OfferId};
use super::identity::{Identity, Proof, PublicKey};
use super::request::RequestId;
use super::sdp::Description;
use super::secret::SwarmTag;
use super::time::Instant;

/// What its proof is for.
const DOMAIN: &str = "easypeers offer 3";
/// An offer that came through the mesh is good for so long, before and after it was made: both ends know the swarm's time
/// as well as they do for messages.
const FRESH: Duration = Duration::from_secs(600);
/// One that a tracker carried: a newcomer knows no time but its own, and either clock may be wrong by a day.
const FRESH_TO_STRANGERS: Duration = Duration::from_secs(48 * 3600);

/// One half of a connection, and that its maker says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) description: Description,
    pub(crate) signature: Signature,
}

/// That the owner of a key makes an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signature {
    pub(crate) key: PublicKey,
    /// When, by the maker's idea of the swarm's time.
    pub(crate) made: u64,
    pub(crate) proof: Proof,
}

/// What an offer is for: it is of no use for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// A request through the mesh.
    Request(RequestId),
    /// An offer through trackers.
    Offer(OfferId),
}

/// What is signed.
#[derive(Debug)]
pub(crate) struct Offering<'a> {
    pub(crate) name: Name,
    /// Of the run of the maker.
    pub(crate) instance: &'a [u8; 16],
    pub(crate) description: &'a Description,
}

impl Offering<'_> {
    fn statement(&self, swarm: &SwarmTag, made: u64) -> Vec<u8> {
        let (kind, name) = match &self.name {
            Name::Request(id) => (0, &id.0[..]),
            Name::Offer(id) => (1, &id.0[..]),
        };
        [&swarm.0[..], &[kind], name, &made.to_le_bytes(), self.instance, &self.description.hash().0].concat()
    }

    pub(crate) fn sign(&self, identity: &Identity, swarm: &SwarmTag, now: Instant) -> Signature {
        let (key, made) = (identity.public_key(), now.as_millis());
        Signature { key, made, proof: identity.prove(DOMAIN, &self.statement(swarm, made)) }
    }

    /// Whether the owner of an address says so, and has not long ago. `now` is the swarm's time.
    pub(crate) fn is_of(
        &self,
        origin: &Address,
        signature: &Signature,
        swarm: &SwarmTag,
        now: Instant,
    ) -> bool {
        let fresh = match self.name {
            Name::Request(_) => FRESH,
            Name::Offer(_) => FRESH_TO_STRANGERS,
        };
        let Signature { key, made, proof } = signature;
        u128::from(made.abs_diff(now.as_millis())) <= fresh.as_millis()
            && key.address() == *origin
            && key.verify(DOMAIN, &self.statement(swarm, *made), proof)
    }
}

#[cfg(any(test, feature = "sim"))]
pub(crate) mod kit;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::description::End;

    const NOW: Instant = Instant::from_millis(1_800_000_000_123);

    #[test]
    fn a_signature_is_of_one_key_for_one_offer_of_one_run_for_a_while() {
        let describe = |n| Description::parse(&End(n, 0).describe_whole("actpass")).expect("a description");
        let [description, other] = [1, 2].map(describe);
        let [who, thief] = [3, 4].map(|n| Identity::from_secret([n; 32]));
        let [swarm, another] = ["t", "u"].map(SwarmTag::of_topic);
        let (request, offer) = (Name::Request(RequestId([1; 8])), Name::Offer(OfferId([1; 20])));
        for (name, fresh) in [(request, FRESH), (offer, FRESH_TO_STRANGERS)] {
            let said = || Offering { name, instance: &[5; 16], description: &description };
            let (origin, signature) = (who.address(), said().sign(&who, &swarm, NOW));
            let holds = |said: Offering<'_>, at| said.is_of(&origin, &signature, &swarm, at);
            for at in [NOW, NOW + fresh, Instant::from_millis(NOW.as_millis() - fresh.as_millis() as u64)] {
                assert!(holds(said(), at), "{at:?}");
            }
            assert!(!holds(said(), NOW + fresh + Duration::from_millis(1)));
            assert!(!said().is_of(&thief.address(), &signature, &swarm, NOW), "in another's name");
            assert!(!said().is_of(&origin, &signature, &another, NOW), "in another swarm");
            let stolen = Signature { key: thief.public_key(), ..signature };
            assert!(!said().is_of(&origin, &stolen, &swarm, NOW));
            let later = Signature { made: signature.made + 1, ..signature };
            assert!(!said().is_of(&origin, &later, &swarm, NOW));
            let others = [Name::Request(RequestId([2; 8])), Name::Offer(OfferId([2; 20])), request, offer];
            for other in others.into_iter().filter(|other| *other != name) {
                assert!(!holds(Offering { name: other, ..said() }, NOW), "{other:?}");
            }
            assert!(!holds(Offering { instance: &[6; 16], ..said() }, NOW));
            assert!(!holds(Offering { description: &other, ..said() }, NOW));
        }
    }
}
