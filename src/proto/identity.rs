//! Keys, what they prove, and boxes that only one peer can open.
//!
//! A peer is a key pair on ristretto255 (RFC 9496); its address is the SHA-1 of its public key, so the address
//! proves itself. The one key serves three uses, kept apart by the domains of their hashes: proofs
//! ([`Identity::prove`]), the Diffie-Hellman behind sealed boxes ([`Identity::seal`]), and, through a proof,
//! the admission to a link. `docs/security.md` has every transcript byte for byte.

mod pairs;
mod schnorr;
pub(crate) mod signature;
#[cfg(feature = "sim")]
mod stand_in;

use std::fmt;

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::hex;
use super::id::Address;
use super::random::Random;
use super::sealed;

pub(crate) use pairs::Pairs;
pub(super) use schnorr::element;
pub(crate) use signature::{Claim, Roots, Signature};

/// A public key: the encoding of a group element, or whatever a remote claims to be one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublicKey(pub [u8; 32]);

/// A zero-knowledge proof that its maker knows the secret key of a public key, bound to one statement.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Proof {
    /// The prover's commitment: a group element.
    pub commitment: [u8; 32],
    /// The answer to the challenge: a scalar.
    pub response: [u8; 32],
}

/// A key pair. Its secrets are erased when it is dropped.
#[derive(Clone)]
pub struct Identity {
    public: PublicKey,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Keys(Keys),
    #[cfg(feature = "sim")]
    StandIn,
}

/// What two identities agreed on: the keys of boxes in both directions. Erased when dropped.
enum Agreed {
    Keys {
        to: Zeroizing<[u8; 32]>,
        from: Zeroizing<[u8; 32]>,
    },
    #[cfg(feature = "sim")]
    StandIn(PublicKey),
}

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Keys {
    /// The logarithm of the public key.
    key: Scalar,
    /// Makes the nonces of proofs, as `prefix` does in RFC 8032.
    nonces: [u8; 32],
}

impl Identity {
    /// The key pair of 32 secret bytes: the same bytes, the same address.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        let key = Scalar::from_hash(Sha512::new().chain_update("easypeers identity 1").chain_update(*secret));
        let mut wide = Zeroizing::new([0; 64]);
        Sha512::new()
            .chain_update("easypeers nonces 1")
            .chain_update(*secret)
            .finalize_into((&mut *wide).into());
        let mut nonces = [0; 32];
        nonces.copy_from_slice(&wide[..32]);
        let public = PublicKey(RistrettoPoint::mul_base(&key).compress().to_bytes());
        Self { public, secret: Secret::Keys(Keys { key, nonces }) }
    }

    /// A cheap identity for simulations, which proves what it says to honest code and protects nothing.
    #[cfg(feature = "sim")]
    pub fn stand_in(seed: u64) -> Self {
        Self { public: stand_in::key(seed), secret: Secret::StandIn }
    }

    /// Whether this is a [stand-in](Self::stand_in).
    #[cfg(feature = "sim")]
    pub(super) fn is_stand_in(&self) -> bool {
        matches!(self.secret, Secret::StandIn)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// SHA-1 of the public key.
    pub fn address(&self) -> Address {
        self.public.address()
    }

    /// Proves knowledge of this key, for one statement in one domain.
    ///
    /// The nonce is a hash of a secret, the domain and the statement (RFC 8032, section 5.1.6): it takes no
    /// dice, and a generator that repeats itself cannot give the key away.
    pub fn prove(&self, domain: &'static str, statement: &[u8]) -> Proof {
        match &self.secret {
            Secret::Keys(Keys { key, nonces }) => {
                let hash = length_first(Sha512::new().chain_update(nonces), domain)
                    .chain_update(self.public.0)
                    .chain_update(statement);
                let nonce = Zeroizing::new(Scalar::from_hash(hash));
                schnorr::prove(key, &self.public.0, &nonce, context(domain), statement)
            }
            #[cfg(feature = "sim")]
            Secret::StandIn => stand_in::prove(&self.public, domain, statement),
        }
    }

    /// Seals `plain` so that only `to` can open it, and sees that it comes from this identity, in `context`.
    /// The box is 40 bytes longer than `plain`. `None` if `to` is not a public key.
    pub fn seal(&self, to: &PublicKey, context: &[u8], plain: &[u8], random: &mut Random) -> Option<Vec<u8>> {
        Some(self.seal_agreed(&self.agree(to)?, context, plain, random))
    }

    /// The same, with what was agreed before.
    fn seal_agreed(&self, agreed: &Agreed, context: &[u8], plain: &[u8], random: &mut Random) -> Vec<u8> {
        match agreed {
            Agreed::Keys { to: key, .. } => sealed::seal(key, context, plain, random),
            #[cfg(feature = "sim")]
            Agreed::StandIn(to) => stand_in::seal(&self.public, to, context, plain, random),
        }
    }

    /// Opens what `from` sealed for this identity in `context`; `None` for anything else.
    pub fn open(&self, from: &PublicKey, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.open_agreed(&self.agree(from)?, context, sealed)
    }

    /// The same, with what was agreed before.
    fn open_agreed(&self, agreed: &Agreed, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        match agreed {
            Agreed::Keys { from: key, .. } => sealed::open(key, context, sealed),
            #[cfg(feature = "sim")]
            Agreed::StandIn(from) => stand_in::open(from, &self.public, context, sealed),
        }
    }

    /// The keys of boxes in both directions: HKDF-SHA512 (RFC 5869) of the Diffie-Hellman element and both keys. `None` if
    /// that is no key.
    fn agree(&self, other: &PublicKey) -> Option<Agreed> {
        match &self.secret {
            Secret::Keys(Keys { key, .. }) => {
                let element = Zeroizing::new(key * element(&other.0)?);
                let shared = Zeroizing::new(element.compress().to_bytes());
                let root = Hkdf::<Sha512>::new(Some(b"easypeers seal 1"), &*shared);
                let derive = |from: &PublicKey, to: &PublicKey| {
                    let mut key = Zeroizing::new([0; 32]);
                    root.expand_multi_info(&[&from.0, &to.0], &mut *key)
                        .expect("32 bytes are fewer than the 16,320 that HKDF-SHA512 can give");
                    key
                };
                Some(Agreed::Keys { to: derive(&self.public, other), from: derive(other, &self.public) })
            }
            #[cfg(feature = "sim")]
            Secret::StandIn => stand_in::is_key(other).then_some(Agreed::StandIn(*other)),
        }
    }
}

impl PublicKey {
    /// SHA-1 of the key.
    pub fn address(&self) -> Address {
        Address(Sha1::digest(self.0).into())
    }

    /// Whether this encodes a group element other than the identity, as every key of a peer does.
    pub fn is_valid(&self) -> bool {
        #[cfg(feature = "sim")]
        if stand_in::is_key(self) {
            return true;
        }
        element(&self.0).is_some()
    }

    /// Whether `proof` was made with this key for this statement in this domain. Strict: only the canonical
    /// encoding of each part is accepted, and never the identity element.
    pub fn verify(&self, domain: &'static str, statement: &[u8], proof: &Proof) -> bool {
        #[cfg(feature = "sim")]
        if stand_in::is_key(self) {
            return *proof == stand_in::prove(self, domain, statement);
        }
        schnorr::verify(&self.0, context(domain), statement, proof)
    }
}

/// Whether every proof of a batch holds, at less than half the price of one by one.
pub fn verify_batch(
    items: &[(PublicKey, Vec<u8>, Proof)],
    domain: &'static str,
    random: &mut Random,
) -> bool {
    let items = items.iter();
    #[cfg(feature = "sim")]
    let (stand_ins, items) = {
        let (stand_ins, items): (Vec<_>, Vec<_>) = items.partition(|(key, ..)| stand_in::is_key(key));
        (stand_ins, items.into_iter())
    };
    #[cfg(feature = "sim")]
    if !stand_ins.into_iter().all(|(key, statement, proof)| key.verify(domain, statement, proof)) {
        return false;
    }
    let items = items.map(|(key, statement, proof)| (&key.0, statement.as_slice(), proof));
    schnorr::verify_all(items, &context(domain), random)
}

/// What a challenge's hash begins with: the version of this transcript, and the domain.
fn context(domain: &str) -> Sha512 {
    length_first(Sha512::new().chain_update("easypeers proof 1"), domain)
}

fn length_first(hash: Sha512, text: &str) -> Sha512 {
    hash.chain_update((text.len() as u64).to_le_bytes()).chain_update(text)
}

impl fmt::Debug for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Agreed")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::text(&self.0[..4]))
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(")?;
        f.write_str(&hex::text(&self.response[..4]))?;
        f.write_str(")")
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.address()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::codec;
    use crate::proto::hex::{bytes, text};

    const DOMAIN: &str = "test";

    /// One identity of each kind that this build has.
    fn kinds(seed: u8) -> Vec<Identity> {
        vec![
            Identity::from_secret([seed; 32]),
            #[cfg(feature = "sim")]
            Identity::stand_in(seed.into()),
        ]
    }

    fn random() -> Random {
        Random::new([9; 32])
    }

    fn flip(bytes: &mut [u8], bit: usize) {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }

    #[test]
    fn the_same_secret_gives_the_same_key_as_ever() {
        // These, and the values of the tests that say "as documented", were computed from docs/security.md
        // by a separate implementation.
        let identity = Identity::from_secret([7; 32]);
        assert_eq!(
            text(&identity.public_key().0),
            "7095404fa2c7b52eab6ab43acf35d535c62f8207723b1015d21c24bc8b4db357"
        );
        assert_eq!(identity.address().to_string(), "1cfb97cf6e6ee748d62934a4b542f7a193ab9d56");
        assert_ne!(identity.address(), Identity::from_secret([8; 32]).address());
    }

    #[test]
    fn a_proof_is_made_as_documented() {
        let proof = Identity::from_secret([7; 32]).prove("message", b"statement");
        assert_eq!(
            text(&proof.commitment),
            "c4af0ce0028b69a4c6a2e50eccc9348536bf82fa9faea9e406c1753b726c5f7f"
        );
        assert_eq!(text(&proof.response), "a51311cc83f707cf0ea6e51f001d3bf66381fc383848ecb759cd51fb28e92a03");
    }

    #[test]
    fn a_proof_holds_for_its_key_domain_and_statement_only() {
        for (identity, other) in kinds(1).iter().zip(kinds(2)) {
            let key = identity.public_key();
            let proof = identity.prove(DOMAIN, b"statement");
            assert!(key.verify(DOMAIN, b"statement", &proof));
            assert!(!key.verify(DOMAIN, b"statemenT", &proof));
            assert!(!key.verify(DOMAIN, b"", &proof));
            assert!(!key.verify("tes", b"tstatement", &proof));
            assert!(!key.verify("tests", b"tatement", &proof));
            assert!(!other.public_key().verify(DOMAIN, b"statement", &proof));
        }
    }

    #[test]
    fn no_two_challenges_share_a_nonce() {
        let identity = Identity::from_secret([1; 32]);
        let proofs = [
            identity.prove("a", b"bc"),
            identity.prove("ab", b"c"),
            identity.prove("a", b"bd"),
            Identity::from_secret([2; 32]).prove("a", b"bc"),
        ];
        for (i, proof) in proofs.iter().enumerate() {
            assert!(proofs[..i].iter().all(|other| other.commitment != proof.commitment));
        }
        assert_eq!(identity.prove("a", b"bc"), proofs[0]);
    }

    #[test]
    fn only_canonical_encodings_are_accepted() {
        let identity = Identity::from_secret([1; 32]);
        let key = identity.public_key();
        let proof = identity.prove(DOMAIN, b"statement");
        // The order of the group, little-endian; response + order is the same number modulo the order.
        let order: [u8; 32] = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let mut response = proof.response;
        let mut carry = 0;
        for (byte, add) in response.iter_mut().zip(order) {
            carry += u16::from(*byte) + u16::from(add);
            *byte = carry as u8;
            carry >>= 8;
        }
        let twin = Proof { response, ..proof };
        assert!(!key.verify(DOMAIN, b"statement", &twin));
        assert!(!verify_batch(&[(key, b"statement".to_vec(), twin)], DOMAIN, &mut random()));
    }

    #[test]
    fn the_identity_element_is_no_key_and_no_commitment() {
        // With X = 0 any z and R = z B would do.
        let z = Scalar::from(5u8);
        let commitment = RistrettoPoint::mul_base(&z).compress().to_bytes();
        let zero = (PublicKey([0; 32]), Proof { commitment, response: z.to_bytes() });
        // With R = 0 the answer c x gives the key away; no honest prover sends it.
        let identity = Identity::from_secret([1; 32]);
        let keys = keys(&identity);
        let key = identity.public_key();
        let lazy = (key, schnorr::prove(&keys.key, &key.0, &Scalar::ZERO, context(DOMAIN), b"statement"));
        for (key, proof) in [zero, lazy] {
            assert!(!key.verify(DOMAIN, b"statement", &proof));
            assert!(!verify_batch(&[(key, b"statement".to_vec(), proof)], DOMAIN, &mut random()));
        }
        assert!(!PublicKey([0; 32]).is_valid());
        assert_eq!(identity.seal(&PublicKey([0; 32]), b"", b"plain", &mut random()), None);
    }

    #[test]
    fn a_batch_holds_when_every_proof_does() {
        let items: Vec<_> = (0..6)
            .flat_map(kinds)
            .map(|identity| {
                let statement = identity.address().0.to_vec();
                let proof = identity.prove(DOMAIN, &statement);
                (identity.public_key(), statement, proof)
            })
            .collect();
        assert!(verify_batch(&[], DOMAIN, &mut random()));
        assert!(verify_batch(&items, DOMAIN, &mut random()));
        assert!(!verify_batch(&items, "other", &mut random()));
        for i in 0..items.len() {
            let mut items = items.clone();
            items[i].1.push(0);
            assert!(!verify_batch(&items, DOMAIN, &mut random()), "{i}");
        }
        // Two errors that would cancel if the equations were summed without weights.
        let mut items = items;
        items.retain(|(_, _, proof)| items_response(proof).is_some());
        for (i, error) in [(0, Scalar::ONE), (1, -Scalar::ONE)] {
            let response = items_response(&items[i].2).expect("only those were kept") + error;
            items[i].2.response = response.to_bytes();
        }
        assert!(!verify_batch(&items, DOMAIN, &mut random()));
    }

    fn items_response(proof: &Proof) -> Option<Scalar> {
        Scalar::from_canonical_bytes(proof.response).into_option()
    }

    #[test]
    fn a_box_opens_for_its_recipient_in_its_direction_and_context_only() {
        for ((from, to), other) in kinds(1).iter().zip(kinds(2)).zip(kinds(3)) {
            let (from_key, to_key) = (from.public_key(), to.public_key());
            let sealed = from.seal(&to_key, b"context", b"plain", &mut random()).expect("the key is good");
            assert_eq!(sealed.len(), b"plain".len() + 40);
            assert_eq!(to.open(&from_key, b"context", &sealed).as_deref(), Some(&b"plain"[..]));
            assert_eq!(to.open(&from_key, b"contexT", &sealed), None);
            assert_eq!(to.open(&other.public_key(), b"context", &sealed), None);
            assert_eq!(other.open(&from_key, b"context", &sealed), None);
            assert_eq!(from.open(&to_key, b"context", &sealed), None, "it was sealed the other way");
            for length in 0..sealed.len() {
                assert_eq!(to.open(&from_key, b"context", &sealed[..length]), None, "{length}");
            }
        }
    }

    #[test]
    fn the_key_of_a_box_is_made_as_documented() {
        let [from, to] = [1, 2].map(|seed| Identity::from_secret([seed; 32]));
        let Some(Agreed::Keys { to: key, .. }) = from.agree(&to.public_key()) else {
            panic!("both are keys")
        };
        assert_eq!(text(&*key), "45ecf8bd74c8ed11adf63628806e34d7a898b841ca84e200f7f4303f58683c51");
    }

    #[test]
    fn keys_and_proofs_are_32_and_64_bytes_on_the_wire() {
        for identity in kinds(1) {
            let (key, proof) = (identity.public_key(), identity.prove(DOMAIN, b"statement"));
            assert_eq!(codec::to_bytes(&key), key.0.to_vec());
            assert_eq!(codec::to_bytes(&proof), [proof.commitment, proof.response].concat());
        }
    }

    #[test]
    fn debug_shows_the_address_and_no_secret() {
        let identity = Identity::from_secret([7; 32]);
        assert_eq!(format!("{identity:?}"), format!("Identity({:?})", identity.address()));
    }

    #[cfg(feature = "sim")]
    #[test]
    fn true_keys_and_stand_ins_never_take_each_other() {
        let [real, stand_in] = &kinds(1)[..] else { unreachable!("this build has both kinds") };
        assert!(element(&stand_in.public_key().0).is_none());
        assert_eq!(real.seal(&stand_in.public_key(), b"", b"plain", &mut random()), None);
        assert_eq!(stand_in.seal(&real.public_key(), b"", b"plain", &mut random()), None);
        assert!(!real.public_key().verify(DOMAIN, b"", &stand_in.prove(DOMAIN, b"")));
        assert!(!stand_in.public_key().verify(DOMAIN, b"", &real.prove(DOMAIN, b"")));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_of_a_proof_its_statement_or_its_key_is_refused(
            statement in prop::collection::vec(any::<u8>(), 1..80),
            bit in any::<prop::sample::Index>(),
        ) {
            for identity in kinds(1) {
                let key = identity.public_key();
                let proof = identity.prove(DOMAIN, &statement);
                let mut all = [&key.0, &proof.commitment, &proof.response, &statement[..]].concat();
                prop_assert!(key.verify(DOMAIN, &statement, &proof));
                flip(&mut all, bit.index(8 * (96 + statement.len())));
                let part = |i: usize| -> [u8; 32] { std::array::from_fn(|j| all[32 * i + j]) };
                let (key, proof) = (PublicKey(part(0)), Proof { commitment: part(1), response: part(2) });
                prop_assert!(!key.verify(DOMAIN, &all[96..], &proof));
                prop_assert!(!verify_batch(&[(key, all[96..].to_vec(), proof)], DOMAIN, &mut random()));
            }
        }

        #[test]
        fn what_is_sealed_opens_and_any_flipped_bit_is_refused(
            plain in prop::collection::vec(any::<u8>(), 0..200),
            bit in any::<prop::sample::Index>(),
        ) {
            for (from, to) in kinds(1).iter().zip(kinds(2)) {
                let mut sealed = from.seal(&to.public_key(), b"", &plain, &mut random()).expect("the key is good");
                prop_assert_eq!(to.open(&from.public_key(), b"", &sealed), Some(plain.clone()));
                let bits = 8 * sealed.len();
                flip(&mut sealed, bit.index(bits));
                prop_assert_eq!(to.open(&from.public_key(), b"", &sealed), None);
            }
        }

        #[test]
        fn nonsense_is_refused_and_breaks_nothing(
            key in any::<[u8; 32]>(),
            commitment in any::<[u8; 32]>(),
            response in any::<[u8; 32]>(),
            sealed in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let (key, proof) = (PublicKey(key), Proof { commitment, response });
            prop_assert!(!key.verify(DOMAIN, b"statement", &proof));
            for identity in kinds(1) {
                prop_assert_eq!(identity.open(&key, b"", &sealed), None);
            }
            let sealed = Identity::from_secret([1; 32]).seal(&key, b"", b"plain", &mut random());
            prop_assert_eq!(sealed.is_some(), key.is_valid());
        }
    }

    fn keys(identity: &Identity) -> &Keys {
        match &identity.secret {
            Secret::Keys(keys) => keys,
            #[cfg(feature = "sim")]
            Secret::StandIn => unreachable!("it came from a secret"),
        }
    }
}
