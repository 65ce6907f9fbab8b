//! Keys, what they prove, and boxes that only one peer can open.
//!
//! A peer is a key pair on ristretto255 (RFC 9496); its address is the SHA-1 of its public key, so the address
//! proves itself. The one key serves three uses, kept apart by the domains of their hashes: proofs
//! ([`Identity::prove`]), the Diffie-Hellman behind sealed boxes ([`Identity::seal`]), and, through a proof,
//! the admission to a link. `docs/security.md` has every transcript byte for byte.

mod schnorr;
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

use super::id::Address;
use super::random::Random;
use super::sealed;

pub(super) use schnorr::element;

/// A public key: the encoding of a group element, or whatever a remote claims to be one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublicKey(pub [u8; 32]);

/// A zero-knowledge proof that its maker knows the secret key of a public key, bound to one statement.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

    /// A cheap identity for simulations; see [`stand_in`].
    #[cfg(feature = "sim")]
    pub fn stand_in(seed: u64) -> Self {
        Self { public: stand_in::key(seed), secret: Secret::StandIn }
    }

    /// Whether this is a [`stand_in`](Self::stand_in).
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
        match &self.secret {
            Secret::Keys(Keys { key, .. }) => {
                Some(sealed::seal(&*box_key(key, to, &self.public, to)?, context, plain, random))
            }
            #[cfg(feature = "sim")]
            Secret::StandIn => {
                stand_in::is_key(to).then(|| stand_in::seal(&self.public, to, context, plain, random))
            }
        }
    }

    /// Opens what `from` sealed for this identity in `context`; `None` for anything else.
    pub fn open(&self, from: &PublicKey, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        match &self.secret {
            Secret::Keys(Keys { key, .. }) => {
                sealed::open(&*box_key(key, from, from, &self.public)?, context, sealed)
            }
            #[cfg(feature = "sim")]
            Secret::StandIn => stand_in::open(from, &self.public, context, sealed),
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

/// The key of boxes in one direction: HKDF-SHA512 (RFC 5869) of the Diffie-Hellman element and both keys.
fn box_key(key: &Scalar, other: &PublicKey, from: &PublicKey, to: &PublicKey) -> Option<Zeroizing<[u8; 32]>> {
    let element = Zeroizing::new(key * element(&other.0)?);
    let shared = Zeroizing::new(element.compress().to_bytes());
    let mut box_key = Zeroizing::new([0; 32]);
    Hkdf::<Sha512>::new(Some(b"easypeers seal 1"), &*shared)
        .expand_multi_info(&[&from.0, &to.0], &mut *box_key)
        .expect("32 bytes are fewer than the 16,320 that HKDF-SHA512 can give");
    Some(box_key)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(")?;
        self.response[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&self.address()).finish()
    }
}
