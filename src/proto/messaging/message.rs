//! The signed message: what travels, what its proof binds, what its name is.
//!
//! A message is a header and a payload. The header carries a Schnorr proof of knowledge of its maker's key,
//! bound to the swarm, the message's name, sender, recipient, kind, time and the payload's hash, so whoever
//! holds the header alone can verify all of it but the payload, and the payload against the header. What is said at once
//! has one proof: see [`signature`](mod@crate::proto::identity::signature).

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use crate::proto::codec;
use crate::proto::id::{Address, MessageId};
use crate::proto::identity::{Claim, Identity, PublicKey, Roots, Signature};
use crate::proto::secret::SwarmTag;
use crate::proto::time::Instant;

/// What a proof is for; proofs of one domain are worth nothing in another.
const DOMAIN: &str = "easypeers message 4";
/// Bytes that hide what a direct message says from those who see its commitment.
pub(crate) const BLINDING: usize = 32;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// The page's payload.
    Page,
    /// A question for the recipient's key; the acknowledgement answers it.
    KeyQuery,
    /// What its maker says of itself: see [`presence`](mod@crate::proto::presence). A broadcast.
    Presence,
    /// Peers that its maker misses. A broadcast.
    Suspicion,
    /// The name of a message that its maker takes back. A broadcast.
    Withdrawal,
}

/// All of a message but its payload: what travels of it, and what follows from that, hashed once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Fields")]
pub(crate) struct Header {
    fields: Fields,
    id: MessageId,
    maker: Address,
}

/// A header as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fields {
    /// Its maker's key.
    pub(crate) key: PublicKey,
    /// What its maker goes by, when that is not the hash of the key; then it is refused.
    claimed: Option<Address>,
    /// When it was sent, in milliseconds since the UNIX epoch, by what the sender takes for the swarm's time.
    pub(crate) sent_at: u64,
    /// Makes two messages with one payload different.
    nonce: [u8; 16],
    /// The recipient; everybody when `None`.
    pub(crate) to: Option<Address>,
    /// Of a direct message: its maker looks for the recipient in the whole swarm. Nobody else may make a broadcast of it.
    pub(crate) wanted: bool,
    pub(crate) kind: Kind,
    /// Bytes in the payload as it travels.
    pub(crate) size: u32,
    /// BLAKE3 of the payload as it travels.
    digest: [u8; 32],
    /// Of a direct message: what is sealed, see [`Commitment`].
    pub(super) commitment: Option<Commitment>,
    signature: Signature,
}

/// A message as it is held in memory; its payload is shared by every queue it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    /// The hash of its maker's key: who made it, whatever it goes by.
    pub(crate) maker: Address,
    pub(crate) header: Header,
    pub(crate) payload: Payload,
}

/// What its maker signed, and whose proof holds: only a check makes one, or the signing itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verified<T> {
    of: T,
    /// Whether its proof was checked before, for another of its tree.
    pub(crate) along: bool,
}

impl<T> Verified<T> {
    fn new(of: T) -> Self {
        Self { of, along: false }
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.of
    }
}

/// The payload of a message, cheap to share.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload(
    #[serde(serialize_with = "codec::write_bytes", deserialize_with = "codec::read_bytes")]
    pub(crate)  Arc<Vec<u8>>,
);

/// What is large is not copied.
impl<T: Into<Vec<u8>>> From<T> for Payload {
    fn from(bytes: T) -> Self {
        Self(Arc::new(bytes.into()))
    }
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{}b>", self.0.len())
    }
}

/// What a direct message says, hidden: BLAKE3 of random bytes and the plain text. The name of the message is made of it,
/// before the recipient's key is known and the text is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commitment(pub(super) [u8; 32]);

impl Commitment {
    fn new(blinding: &[u8], plain: &[u8]) -> Self {
        Self(blake3::Hasher::new().update(blinding).update(plain).finalize().into())
    }
}

impl From<Fields> for Header {
    fn from(fields: Fields) -> Self {
        let maker = fields.key.address();
        let content = fields.commitment.map_or(fields.digest, |commitment| commitment.0);
        let id = name(&fields.nonce, &fields.key, &fields.claimed.unwrap_or(maker), &content);
        Self { fields, id, maker }
    }
}

impl Serialize for Header {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fields.serialize(serializer)
    }
}

impl std::ops::Deref for Header {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.fields
    }
}

impl Header {
    /// What the sender goes by: its address, or what it claims in place of it.
    pub(crate) fn from(&self) -> Address {
        self.claimed.unwrap_or(self.maker)
    }

    /// The hash of the key that it was made with.
    pub(crate) fn maker(&self) -> Address {
        self.maker
    }

    /// Whether the sender's address is proven by its key.
    pub(crate) fn is_self_proving(&self) -> bool {
        self.claimed.is_none()
    }

    /// The message's name.
    ///
    /// The payload of a broadcast enters by its hash, so that a header alone has a name; that of a direct message by
    /// what is committed to, because it is sealed only when the recipient's key is known.
    pub(crate) fn id(&self) -> MessageId {
        self.id
    }

    /// The same with changes.
    #[cfg(test)]
    pub(crate) fn altered(&self, alter: impl FnOnce(&mut Fields)) -> Self {
        let mut fields = self.fields.clone();
        alter(&mut fields);
        fields.into()
    }

    /// The same, but for how much payload it promises.
    #[cfg(all(test, feature = "sim"))]
    pub(crate) fn promising(&self, size: u32, identity: &Identity, swarm: &SwarmTag) -> Self {
        let promising = self.altered(|fields| fields.size = size);
        let signature = identity.sign(DOMAIN, &promising.proven(swarm));
        promising.altered(|fields| fields.signature = signature)
    }

    /// What the proof is about.
    fn proven(&self, swarm: &SwarmTag) -> Vec<u8> {
        let mut bytes = self.statement(swarm);
        bytes.push(u8::from(self.wanted));
        bytes
    }

    /// What a receipt is about: all that the proof is, but how the message looks for its recipient. Field after field in
    /// fixed widths.
    fn statement(&self, swarm: &SwarmTag) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(170);
        bytes.extend_from_slice(&swarm.0);
        bytes.extend_from_slice(&self.id().0);
        bytes.extend_from_slice(&self.from().0);
        bytes.push(u8::from(self.to.is_some()));
        bytes.extend_from_slice(&self.to.map_or([0; 20], |to| to.0));
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&self.sent_at.to_le_bytes());
        bytes.extend_from_slice(&self.size.to_le_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes.push(u8::from(self.commitment.is_some()));
        bytes
    }

    /// Names this very header and the payload that it speaks of, for an acknowledgement, whichever way it came.
    pub(crate) fn hash(&self, swarm: &SwarmTag) -> [u8; 32] {
        Sha256::digest(self.statement(swarm)).into()
    }

    /// What is left to check of it: whether the owner of the key made this header for this swarm. `None`: nobody made it.
    pub(crate) fn claim(&self, swarm: &SwarmTag) -> Option<Claim> {
        // What is sealed has a commitment, and nothing else. A claim is of another address than that of the key: two headers
        // would have one statement.
        let sound = self.commitment.is_some() == self.to.is_some()
            && self.claimed != Some(self.maker())
            && (self.to.is_some() || !self.wanted);
        if sound { self.signature.claim(&self.key, DOMAIN, &self.proven(swarm)) } else { None }
    }

    /// Checks that the owner of the key made this header, by its [`claim`](Self::claim).
    pub(crate) fn check(&self, claim: &Claim, roots: &mut Roots) -> Option<Verified<Self>> {
        let along = roots.know(claim);
        (along || roots.check(claim)).then(|| Verified { of: self.clone(), along })
    }

    /// Checks that the owner of the key made this header for this swarm.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn verify(&self, swarm: &SwarmTag) -> Option<Verified<Self>> {
        self.check(&self.claim(swarm)?, &mut Roots::default())
    }

    /// Whether the payload is the one that the header speaks of.
    fn matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.size as usize && digest(payload) == self.digest
    }
}

/// What a header says of a payload.
fn digest(payload: &[u8]) -> [u8; 32] {
    blake3::hash(payload).into()
}

/// SHA-1 of the nonce, the whole key, what the sender goes by, and the content.
fn name(nonce: &[u8; 16], key: &PublicKey, from: &Address, content: &[u8; 32]) -> MessageId {
    let hash = Sha1::new().chain_update(nonce).chain_update(key.0).chain_update(from.0);
    MessageId(hash.chain_update(content).finalize().into())
}

/// What the sender chooses of a message.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) claimed: Option<Address>,
    pub(crate) to: Option<Address>,
    /// Whether `to` is what the recipient claims to be, and no address that a key proves.
    pub(crate) to_claimed: bool,
    pub(crate) kind: Kind,
    pub(crate) nonce: [u8; 16],
    /// Hides the commitment of a direct message.
    pub(crate) blinding: [u8; BLINDING],
    /// The plain text.
    pub(crate) payload: Payload,
}

impl Draft {
    /// Names it, once and for all: all of it is hashed for that.
    pub(crate) fn named(self, identity: &Identity) -> Named {
        let commitment = self.to.map(|_| Commitment::new(&self.blinding, &self.payload.0));
        let content = commitment.map_or_else(|| digest(&self.payload.0), |it| it.0);
        let from = self.claimed.unwrap_or(identity.address());
        let id = name(&self.nonce, &identity.public_key(), &from, &content);
        Named { id, content, draft: self }
    }

    /// Names the message as it is, and signs it alone.
    pub(crate) fn sign(self, identity: &Identity, swarm: &SwarmTag, now: Instant) -> Verified<Message> {
        self.named(identity).ready(identity, now).sign(identity, swarm)
    }
}

/// A draft with the name that the message will have.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) id: MessageId,
    /// The hash of a broadcast's payload, or what a direct message commits to.
    content: [u8; 32],
    pub(crate) draft: Draft,
}

impl Named {
    /// Bytes of the plain text.
    pub(crate) fn size(&self) -> usize {
        self.draft.payload.0.len()
    }

    /// The message as it is.
    pub(crate) fn ready(self, identity: &Identity, now: Instant) -> Unsigned {
        let payload = self.draft.payload.clone();
        let digest = if self.draft.to.is_none() { self.content } else { digest(&payload.0) };
        self.ready_with(payload, digest, identity, now)
    }

    /// ... with a payload of this digest in place of the plain text.
    pub(super) fn ready_with(
        self,
        payload: Payload,
        digest: [u8; 32],
        identity: &Identity,
        now: Instant,
    ) -> Unsigned {
        let Self { id, content, draft } = self;
        let fields = Fields {
            key: identity.public_key(),
            claimed: draft.claimed,
            sent_at: now.as_millis(),
            nonce: draft.nonce,
            to: draft.to,
            wanted: false,
            kind: draft.kind,
            size: u32::try_from(payload.0.len()).expect("payloads are bounded far below 4 GiB"),
            digest,
            commitment: draft.to.map(|_| Commitment(content)),
            signature: Signature::default(),
        };
        let maker = identity.address();
        Unsigned(Message { id, maker, header: Header { fields, id, maker }, payload })
    }
}

/// A message that lacks nothing but its proof.
#[derive(Debug)]
pub(crate) struct Unsigned(Message);

impl Unsigned {
    /// Signs what is said at once.
    pub(crate) fn sign_all(
        all: Vec<Self>,
        identity: &Identity,
        swarm: &SwarmTag,
    ) -> impl Iterator<Item = Verified<Message>> {
        let statements: Vec<_> = all.iter().map(|Self(message)| message.header.proven(swarm)).collect();
        let signatures = identity.sign_all(DOMAIN, &statements);
        all.into_iter().zip(signatures).map(|(Self(mut message), signature)| {
            message.header.fields.signature = signature;
            Verified::new(message)
        })
    }

    /// Signs what is said alone.
    pub(crate) fn sign(self, identity: &Identity, swarm: &SwarmTag) -> Verified<Message> {
        let Self(mut message) = self;
        message.header.fields.signature = identity.sign(DOMAIN, &message.header.proven(swarm));
        Verified::new(message)
    }
}

impl Verified<Message> {
    /// The same direct message, whose header may go to the whole swarm: by its maker's word.
    pub(crate) fn wanted(self, identity: &Identity, swarm: &SwarmTag) -> Self {
        let mut message = self.of;
        message.header.fields.wanted = true;
        Unsigned(message).sign(identity, swarm)
    }
}

impl Verified<Header> {
    /// The whole message, if this is its payload.
    pub(crate) fn with(&self, payload: Payload) -> Option<Verified<Message>> {
        let Self { of: header, along } = self;
        let message = || Message::new(header.clone(), payload.clone());
        self.matches(&payload.0).then(|| Verified { of: message(), along: *along })
    }
}

impl Message {
    /// A message that nobody has checked.
    pub(crate) fn new(header: Header, payload: Payload) -> Self {
        Self { id: header.id(), maker: header.maker(), header, payload }
    }

    /// What the sender goes by.
    pub(crate) fn from(&self) -> Address {
        self.header.from()
    }
}

/// For those that say what is not so.
#[cfg(any(test, feature = "sim"))]
impl Verified<Message> {
    /// The message, to be altered and sent as it should not be.
    pub(crate) fn into_inner(self) -> Message {
        self.of
    }

    /// The header alone.
    #[cfg(test)]
    pub(crate) fn header(&self) -> Verified<Header> {
        Verified::new(self.header.clone())
    }

    /// The same with changes.
    #[cfg(test)]
    pub(crate) fn altered(self, alter: impl FnOnce(&mut Message)) -> Self {
        let mut message = self.of;
        alter(&mut message);
        Verified::new(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::id::SwarmId;
    use crate::proto::identity::Pairs;
    use crate::proto::messaging::boxes;
    use crate::proto::random::Random;
    use crate::proto::secret::SwarmSecret;

    fn tag(topic: &str) -> SwarmTag {
        SwarmSecret::public(SwarmId::of_topic(topic)).tag()
    }

    fn draft(payload: &[u8], to: Option<Address>) -> Draft {
        let payload = Payload::from(payload);
        let (nonce, blinding) = ([7; 16], [8; BLINDING]);
        Draft { claimed: None, to, to_claimed: false, kind: Kind::Page, nonce, blinding, payload }
    }

    fn sign(payload: &[u8], to: Option<Address>) -> (Verified<Message>, SwarmTag) {
        let identity = Identity::from_secret([3; 32]);
        (draft(payload, to).sign(&identity, &tag("t"), Instant::from_millis(5)), tag("t"))
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
        assert!(message.header.verify(&tag("u")).is_none());
        for alter in [
            |h: &mut Fields| h.to = None,
            |h: &mut Fields| h.to = Some(Address([2; 20])),
            |h: &mut Fields| h.sent_at += 1,
            |h: &mut Fields| h.nonce[0] ^= 1,
            |h: &mut Fields| h.kind = Kind::KeyQuery,
            |h: &mut Fields| h.digest[0] ^= 1,
            |h: &mut Fields| h.size += 1,
            |h: &mut Fields| h.commitment = None,
            |h: &mut Fields| h.commitment = Some(Commitment([1; 32])),
            |h: &mut Fields| h.claimed = Some(Address([9; 20])),
            |h: &mut Fields| h.key = Identity::from_secret([4; 32]).public_key(),
        ] {
            let header = message.header.altered(alter);
            assert!(header.verify(&swarm).is_none(), "{header:?}");
            assert_ne!(header.hash(&swarm), message.header.hash(&swarm), "{header:?}");
        }
        assert!(!message.header.matches(b"hellO"));
        assert!(!message.header.matches(b"hello "));
    }

    #[test]
    fn only_its_maker_can_have_the_whole_swarm_look_for_the_recipient_and_the_receipt_is_the_same() {
        let (message, swarm) = sign(b"hello", Some(Address([1; 20])));
        let forged = message.header.altered(|h| h.wanted = true);
        assert!(forged.verify(&swarm).is_none());
        let wanted = message.clone().wanted(&Identity::from_secret([3; 32]), &swarm).header.clone();
        assert!(wanted.verify(&swarm).is_some());
        assert_eq!((wanted.id(), wanted.hash(&swarm)), (message.id, message.header.hash(&swarm)));
        let calmed = wanted.altered(|h| h.wanted = false);
        assert!(calmed.verify(&swarm).is_none());

        let everybody = sign(b"hello", None).0.header.altered(|h| h.wanted = true);
        let signature = Identity::from_secret([3; 32]).sign(DOMAIN, &everybody.proven(&swarm));
        let everybody = everybody.altered(|h| h.signature = signature);
        assert!(everybody.verify(&swarm).is_none(), "a broadcast has nobody to look for");
    }

    #[test]
    fn what_was_said_in_a_public_swarm_is_void_in_a_private_one_of_its_topic_and_after_the_secret_changed() {
        let swarm = SwarmId::of_topic("t");
        let tags = [
            tag("t"),
            SwarmSecret::private(swarm, &[1; 32]).tag(),
            SwarmSecret::private(swarm, &[2; 32]).tag(),
        ];
        let identity = Identity::from_secret([3; 32]);
        for said_in in &tags {
            let message = draft(b"x", None).sign(&identity, said_in, Instant::from_millis(5));
            for swarm in &tags {
                assert_eq!(message.header.verify(swarm).is_some(), swarm == said_in);
            }
        }
    }

    #[test]
    fn the_same_payload_sent_twice_has_two_names() {
        let (a, _) = sign(b"x", None);
        assert_ne!(a.header.altered(|h| h.nonce = [8; 16]).id(), a.id);
    }

    #[test]
    fn a_name_belongs_to_one_key_and_one_content() {
        let swarm = tag("t");
        let [a, thief, b] = [3, 4, 5].map(|n| Identity::from_secret([n; 32]));
        let (to, now) = (Some(b.address()), Instant::from_millis(5));
        let id = draft(b"yes", to).named(&a).id;
        let stolen = Draft { claimed: Some(a.address()), ..draft(b"yes", to) };
        assert_ne!(stolen.named(&thief).id, id, "the key, whatever address it claims");
        assert_ne!(draft(b"no", to).named(&a).id, id, "what is sealed");
        let (mut random, pairs) = (Random::new([1; 32]), Pairs::default);
        let mut seal = |draft: Draft| {
            let sealed =
                draft.named(&a).seal(&b.public_key(), &mut pairs(), &a, &mut random, now).expect("a key");
            sealed.sign(&a, &swarm)
        };
        let yes = seal(draft(b"yes", to));
        assert_eq!(
            (yes.id, yes.open(&mut pairs(), &b)),
            (id, Some(b"yes".to_vec())),
            "known before it is sealed"
        );
        assert_eq!(yes.open(&mut pairs(), &thief), None);
        // Its maker seals another text under the same name.
        let (context, inside) = (boxes::context(&id, 0, true), [&[8; BLINDING][..], b"no"].concat());
        let no = a.seal(&b.public_key(), &context, &inside, &mut random);
        let other = yes.altered(|message| message.payload = Payload::from(no.expect("a key")));
        assert_eq!(other.open(&mut pairs(), &b), None, "is not what the name says");
    }
}
