//! Schnorr's proof of knowledge of a discrete logarithm on ristretto255, made non-interactive with SHA-512.
//!
//! The prover knows `x` with `X = x B`. It commits to `R = r B`, hashes the challenge
//! `c = SHA-512(context, R, X, statement)` and answers `z = r + c x`; the verifier checks `z B = R + c X`.
//! This is `prime_order_sign` / `prime_order_verify` of RFC 9591, appendix B, with the challenge of its suite
//! FROST(ristretto255, SHA-512); only the context differs, and it is an argument here so that the vectors of
//! the RFC run through the same lines.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity as _, IsIdentity, VartimeMultiscalarMul};
use sha2::{Digest, Sha512};

use super::Proof;
use crate::proto::random::Random;

/// Answers for `key`. The nonce must be secret, uniform and never used for two challenges.
pub(super) fn prove(
    key: &Scalar,
    public: &[u8; 32],
    nonce: &Scalar,
    context: Sha512,
    statement: &[u8],
) -> Proof {
    let commitment = RistrettoPoint::mul_base(nonce).compress().to_bytes();
    let challenge = challenge(context, &commitment, public, statement);
    Proof { commitment, response: (nonce + challenge * key).to_bytes() }
}

/// Checks one proof.
pub(super) fn verify(public: &[u8; 32], context: Sha512, statement: &[u8], proof: &Proof) -> bool {
    let (Some(point), Some(response)) = (element(public), scalar(&proof.response)) else {
        return false;
    };
    let challenge = challenge(context, &proof.commitment, public, statement);
    let commitment = RistrettoPoint::vartime_double_scalar_mul_basepoint(&-challenge, &point, &response);
    // Comparing encodings refuses every commitment that is not canonical, and spares its decoding.
    !commitment.is_identity() && commitment.compress().as_bytes() == &proof.commitment
}

/// Checks many proofs at once: true if all hold.
///
/// The equations are summed with random 128-bit weights, so that a false one survives with a chance of
/// 2^-128. The group has prime order: there is no cofactor for which one by one and all at once could differ.
pub(super) fn verify_all<'a>(
    items: impl Iterator<Item = (&'a [u8; 32], &'a [u8], &'a Proof)>,
    context: &Sha512,
    random: &mut Random,
) -> bool {
    let mut scalars = vec![Scalar::ZERO];
    let mut points = vec![curve25519_dalek::constants::RISTRETTO_BASEPOINT_POINT];
    for (public, statement, proof) in items {
        let (Some(point), Some(commitment), Some(response)) =
            (element(public), element(&proof.commitment), scalar(&proof.response))
        else {
            return false;
        };
        let weight = Scalar::from(u128::from_le_bytes(random.bytes()));
        scalars[0] -= weight * response;
        scalars.extend([weight, weight * challenge(context.clone(), &proof.commitment, public, statement)]);
        points.extend([commitment, point]);
    }
    RistrettoPoint::vartime_multiscalar_mul(&scalars, &points).is_identity()
}

/// A canonical encoding of a group element other than the identity.
pub(in crate::proto) fn element(bytes: &[u8; 32]) -> Option<RistrettoPoint> {
    let encoding = CompressedRistretto(*bytes);
    if encoding == CompressedRistretto::identity() { None } else { encoding.decompress() }
}

fn scalar(bytes: &[u8; 32]) -> Option<Scalar> {
    Scalar::from_canonical_bytes(*bytes).into_option()
}

fn challenge(context: Sha512, commitment: &[u8; 32], public: &[u8; 32], statement: &[u8]) -> Scalar {
    Scalar::from_hash(context.chain_update(commitment).chain_update(public).chain_update(statement))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::hex::{bytes, text};

    /// RFC 9591, appendix E.3: FROST(ristretto255, SHA-512). The group's signature is a plain Schnorr proof
    /// with the group's key.
    const SECRET: &str = "1b25a55e463cfd15cf14a5d3acc3d15053f08da49c8afcf3ab265f2ebc4f970b";
    const PUBLIC: &str = "e2a62f39eede11269e3bd5a7d97554f5ca384f9f6d3dd9c3c0d05083c7254f57";
    const COMMITMENT: &str = "fc45655fbc66bbffad654ea4ce5fdae253a49a64ace25d9adb62010dd9fb2555";
    const RESPONSE: &str = "2164141787162e5b4cab915b4aa45d94655dbb9ed7c378a53b980a0be220a802";
    const MESSAGE: &[u8] = b"test";

    fn rfc_context() -> Sha512 {
        Sha512::new().chain_update("FROST-RISTRETTO255-SHA512-v1").chain_update("chal")
    }

    fn rfc_proof() -> Proof {
        Proof { commitment: bytes(COMMITMENT), response: bytes(RESPONSE) }
    }

    #[test]
    fn the_signature_of_rfc_9591_holds_and_nothing_next_to_it() {
        let public = bytes(PUBLIC);
        assert!(verify(&public, rfc_context(), MESSAGE, &rfc_proof()));
        assert!(!verify(&public, rfc_context(), b"Test", &rfc_proof()));
        assert!(!verify(&public, Sha512::new(), MESSAGE, &rfc_proof()));
        let item = [(&public, MESSAGE, &rfc_proof())];
        assert!(verify_all(item.into_iter(), &rfc_context(), &mut Random::new([1; 32])));
    }

    #[test]
    fn the_prover_makes_the_signature_of_rfc_9591_from_its_nonces() {
        // The group's nonce: of participants 1 and 3, the hiding nonce and the binding nonce times its factor.
        let parts = [
            (
                "214f2cabb86ed71427ea7ad4283b0fae26b6746c801ce824b83ceb2b99278c03",
                "c9b8f5e16770d15603f744f8694c44e335e8faef00dad182b8d7a34a62552f0c",
                "8967fd70fa06a58e5912603317fa94c77626395a695a0e4e4efc4476662eba0c",
            ),
            (
                "3f7927872b0f9051dd98dd73eb2b91494173bbe0feb65a3e7e58d3e2318fa40f",
                "ffd79445fb8030f0a3ddd3861aa4b42b618759282bfe24f1f9304c7009728305",
                "f2c1bb7c33a10511158c2f1766a4a5fadf9f86f2a92692ed333128277cc31006",
            ),
        ];
        let scalar = |hex| scalar(&bytes(hex)).unwrap();
        let nonce = parts.map(|(hiding, binding, factor)| scalar(hiding) + scalar(binding) * scalar(factor));
        let key = scalar(SECRET);
        assert_eq!(text(RistrettoPoint::mul_base(&key).compress().as_bytes()), PUBLIC);
        let proof = prove(&key, &bytes(PUBLIC), &(nonce[0] + nonce[1]), rfc_context(), MESSAGE);
        assert_eq!(proof, rfc_proof());
    }
}
