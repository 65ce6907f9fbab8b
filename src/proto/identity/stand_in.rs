//! A stand-in for keys and proofs in simulations: same shapes, same sizes, same answers, no curve.
//!
//! It protects nothing: whoever knows a public key can make its proofs and open its boxes. It refuses what
//! honest code and crude attackers get wrong: another key, another statement, another context, altered bytes.

use sha2::{Digest, Sha256};

use super::{Proof, PublicKey};
use crate::proto::random::Random;
use crate::proto::sealed::{NONCE, TAG};

/// Every stand-in key begins with this. The encoding of a group element is even (RFC 9496, section 4.3.1)
/// and `e` is odd: no true key looks like this, and true code refuses a stand-in as it refuses any nonsense.
const MARK: [u8; 18] = *b"easypeers stand-in";
const COMMITMENT: [u8; 32] = *b"easypeers stand-in: proof of 1+1";

pub(super) fn key(seed: u64) -> PublicKey {
    let mut key: [u8; 32] = Sha256::digest(seed.to_le_bytes()).into();
    key[..MARK.len()].copy_from_slice(&MARK);
    PublicKey(key)
}

pub(super) fn is_key(key: &PublicKey) -> bool {
    key.0.starts_with(&MARK)
}

pub(super) fn prove(key: &PublicKey, domain: &str, statement: &[u8]) -> Proof {
    let hash =
        Sha256::new().chain_update(key.0).chain_update(domain).chain_update([0]).chain_update(statement);
    Proof { commitment: COMMITMENT, response: hash.finalize().into() }
}

pub(super) fn seal(
    from: &PublicKey,
    to: &PublicKey,
    context: &[u8],
    plain: &[u8],
    random: &mut Random,
) -> Vec<u8> {
    let nonce: [u8; NONCE] = random.bytes();
    let mut sealed = [&nonce, plain].concat();
    let tag = tag(from, to, context, &sealed);
    sealed.extend_from_slice(&tag);
    sealed
}

pub(super) fn open(from: &PublicKey, to: &PublicKey, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (body, found) = sealed.split_last_chunk::<TAG>()?;
    let plain = body.get(NONCE..)?;
    (tag(from, to, context, body) == *found).then(|| plain.to_vec())
}

fn tag(from: &PublicKey, to: &PublicKey, context: &[u8], body: &[u8]) -> [u8; TAG] {
    let hash = Sha256::new()
        .chain_update(from.0)
        .chain_update(to.0)
        .chain_update((context.len() as u64).to_le_bytes())
        .chain_update(context)
        .chain_update(body)
        .finalize();
    std::array::from_fn(|i| hash[i])
}
