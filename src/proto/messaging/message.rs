//! The signed message: what travels, what its proof binds, what its name is.
//!
//! A message is a header and a payload. The header carries a Schnorr proof of knowledge of the sender's key,
//! bound to the swarm, the message's name, sender, recipient, kind, time and the payload's hash, so whoever
//! holds the header alone can verify all of it but the payload, and the payload against the header.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::proto::codec;
use crate::proto::id::{Address, MessageId, SwarmId};
use crate::proto::identity::{Identity, Proof, PublicKey};
use crate::proto::time::Instant;

/// What a proof is for; proofs of one domain are worth nothing in another.
const DOMAIN: &str = "easypeers message 1";

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The page's payload.
    Page,
    /// A question for the recipient's key; the acknowledgement answers it.
    KeyQuery,
}

/// All of a message but its payload. What is derived from it is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The sender's key.
    pub(crate) key: PublicKey,
    /// The sender's address, when it is not the hash of the key.
    claimed: Option<Address>,
    /// When it was sent, in milliseconds since the UNIX epoch by the sender's clock.
    pub(crate) sent_at: u64,
    /// Makes two messages with one payload different.
    nonce: [u8; 16],
    /// The recipient; everybody when `None`.
    pub(crate) to: Option<Address>,
    pub(crate) kind: Kind,
    /// Bytes in the payload as it travels.
    pub(crate) size: u32,
    /// SHA-256 of the payload as it travels.
    digest: [u8; 32],
    proof: Proof,
}

/// A message as it is held in memory; its payload is shared by every queue it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) from: Address,
    pub(crate) header: Header,
    pub(crate) payload: Payload,
}

/// What its maker signed, and whose proof holds: only a check makes one, or the signing itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified<T>(T);

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The payload of a message, cheap to share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload(
    #[serde(serialize_with = "codec::write_bytes", deserialize_with = "codec::read_bytes")]
    pub(crate)  Arc<[u8]>,
);

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{}b>", self.0.len())
    }
}

impl Header {
    /// The sender's address.
    pub(crate) fn from(&self) -> Address {
        self.claimed.unwrap_or_else(|| self.key.address())
    }

    /// Whether the sender's address is proven by its key.
    pub(crate) fn is_self_proving(&self) -> bool {
        self.claimed.is_none_or(|claimed| claimed == self.key.address())
    }

    /// The message's name: SHA-1 of its nonce, sender and payload.
    ///
    /// The payload enters by its hash, so that a header alone has a name; that of a direct message does not
    /// enter, because it is sealed anew when the recipient's key is learned after the name was given out.
    pub(crate) fn id(&self) -> MessageId {
        name(&self.nonce, &self.from(), self.to.is_none().then_some(&self.digest))
    }

    /// What the proof is about, field after field in fixed widths.
    fn statement(&self, swarm: &SwarmId) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(&swarm.0);
        bytes.extend_from_slice(&self.id().0);
        bytes.extend_from_slice(&self.from().0);
        bytes.push(u8::from(self.to.is_some()));
        bytes.extend_from_slice(&self.to.map_or([0; 20], |to| to.0));
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&self.sent_at.to_le_bytes());
        bytes.extend_from_slice(&self.size.to_le_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes
    }

    /// Checks that the owner of the key made this header for this swarm.
    pub(crate) fn verify(&self, swarm: &SwarmId) -> Option<Verified<Self>> {
        let holds = self.key.verify(DOMAIN, &self.statement(swarm), &self.proof);
        holds.then(|| Verified(self.clone()))
    }

    /// Whether the payload is the one that the header speaks of.
    fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.size as usize && <[u8; 32]>::from(Sha256::digest(payload)) == self.digest
    }
}

fn name(nonce: &[u8; 16], from: &Address, digest: Option<&[u8; 32]>) -> MessageId {
    let hash = Sha1::new().chain_update(nonce).chain_update(from.0);
    MessageId(hash.chain_update(digest.map_or(&[][..], |digest| digest)).finalize().into())
}

/// What the sender chooses of a message.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) claimed: Option<Address>,
    pub(crate) to: Option<Address>,
    pub(crate) kind: Kind,
    pub(crate) nonce: [u8; 16],
    pub(crate) payload: Payload,
}

impl Draft {
    /// The name that the message will have.
    pub(crate) fn id(&self, identity: &Identity) -> MessageId {
        let from = self.claimed.unwrap_or(identity.address());
        let digest = self.to.is_none().then(|| Sha256::digest(&self.payload.0).into());
        name(&self.nonce, &from, digest.as_ref())
    }

    /// Proves and names the message.
    pub(crate) fn sign(self, identity: &Identity, swarm: &SwarmId, now: Instant) -> Verified<Message> {
        let mut header = Header {
            key: identity.public_key(),
            claimed: self.claimed,
            sent_at: now.as_millis(),
            nonce: self.nonce,
            to: self.to,
            kind: self.kind,
            size: u32::try_from(self.payload.0.len()).expect("payloads are bounded far below 4 GiB"),
            digest: Sha256::digest(&self.payload.0).into(),
            proof: Proof { commitment: [0; 32], response: [0; 32] },
        };
        header.proof = identity.prove(DOMAIN, &header.statement(swarm));
        Verified(Message::new(header, self.payload))
    }
}

impl Verified<Header> {
    /// The whole message, if this is its payload.
    pub(crate) fn with(&self, payload: Payload) -> Option<Verified<Message>> {
        self.matches(&payload.0).then(|| Verified(Message::new(self.0.clone(), payload)))
    }
}

impl Message {
    /// A message that nobody has checked.
    pub(crate) fn new(header: Header, payload: Payload) -> Self {
        Self { id: header.id(), from: header.from(), header, payload }
    }
}

/// For those that say what is not so.
#[cfg(any(test, feature = "sim"))]
impl Verified<Message> {
    /// The message, to be altered and sent as it should not be.
    pub(crate) fn into_inner(self) -> Message {
        self.0
    }

    /// The header alone.
    #[cfg(test)]
    pub(crate) fn header(&self) -> Verified<Header> {
        Verified(self.header.clone())
    }

    /// The same with changes.
    #[cfg(test)]
    pub(crate) fn altered(self, alter: impl FnOnce(&mut Message)) -> Self {
        let mut message = self.0;
        alter(&mut message);
        Self(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::codec;

    fn sign(payload: &[u8], to: Option<Address>) -> (Verified<Message>, SwarmId) {
        let swarm = SwarmId::of_topic("t");
        let identity = Identity::from_secret([3; 32]);
        let draft =
            Draft { claimed: None, to, kind: Kind::Page, nonce: [7; 16], payload: Payload(payload.into()) };
        (draft.sign(&identity, &swarm, Instant::from_millis(5)), swarm)
    }

    #[test]
    fn a_message_survives_the_wire() {
        let (message, swarm) = sign(b"hello", None);
        let bytes = codec::to_bytes(&(message.header.clone(), message.payload.clone()));
        let (header, payload): (Header, Payload) = codec::from_bytes(&bytes).unwrap();
        let header = header.verify(&swarm).expect("it was signed for this swarm");
        assert_eq!(header.with(payload), Some(message));
    }

    #[test]
    fn a_proof_holds_for_its_swarm_recipient_and_payload_only() {
        let (message, swarm) = sign(b"hello", Some(Address([1; 20])));
        assert!(message.header.verify(&swarm).is_some());
        assert!(message.header.verify(&SwarmId::of_topic("u")).is_none());
        for alter in [
            |h: &mut Header| h.to = None,
            |h: &mut Header| h.to = Some(Address([2; 20])),
            |h: &mut Header| h.sent_at += 1,
            |h: &mut Header| h.nonce[0] ^= 1,
            |h: &mut Header| h.kind = Kind::KeyQuery,
            |h: &mut Header| h.digest[0] ^= 1,
            |h: &mut Header| h.size += 1,
            |h: &mut Header| h.claimed = Some(Address([9; 20])),
            |h: &mut Header| h.key = Identity::from_secret([4; 32]).public_key(),
        ] {
            let mut header = message.header.clone();
            alter(&mut header);
            assert!(header.verify(&swarm).is_none(), "{header:?}");
        }
        assert!(!message.header.matches(b"hellO"));
        assert!(!message.header.matches(b"hello "));
    }

    #[test]
    fn the_same_payload_sent_twice_has_two_names() {
        let (a, _) = sign(b"x", None);
        let mut header = a.header.clone();
        header.nonce = [8; 16];
        assert_ne!(header.id(), a.id);
    }
}
