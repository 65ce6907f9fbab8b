//! Offers as their makers sign them, and as nobody did.

use crate::proto::envelope::Envelope;
use crate::proto::id::OfferId;
use crate::proto::identity::{Identity, Proof, PublicKey};
use crate::proto::offer::{Name, Offer, Offering, Signature};
use crate::proto::request::Request;
use crate::proto::sdp::Description;
use crate::proto::secret::SwarmTag;
use crate::proto::time::Instant;

/// A description with a signature that is none.
pub(crate) fn unsigned(description: Description) -> Offer {
    let proof = Proof { commitment: [1; 32], response: [2; 32] };
    Offer { description, signature: Signature { key: PublicKey([3; 32]), made: 0, proof } }
}

/// A request, as this one makes it.
pub(crate) fn signed(mut request: Request, who: &Identity, swarm: &SwarmTag, now: Instant) -> Request {
    request.origin = who.address();
    let name = request.brought.map_or(Name::Request(request.id), |brought| Name::Offer(brought.offer));
    if let Some(Offer { description, signature }) = &mut request.offer {
        let said = Offering { name, instance: &request.instance, description };
        *signature = said.sign(who, swarm, now);
    }
    request
}

/// An offer for trackers, as this one makes it.
pub(crate) fn enveloped(
    mut envelope: Envelope,
    id: OfferId,
    who: &Identity,
    swarm: &SwarmTag,
    now: Instant,
) -> Envelope {
    envelope.from = who.address();
    let (instance, description) = (&envelope.instance, &envelope.description);
    let signature = Offering { name: Name::Offer(id), instance, description }.sign(who, swarm, now);
    Envelope { signature: Some(signature), ..envelope }
}
