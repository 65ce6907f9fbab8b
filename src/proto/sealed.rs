//! The sealed box: XChaCha20-Poly1305 with its nonce in front.
//!
//! A box opens only with its key, whole and unaltered, in the context it was sealed for. Its 24-byte nonce is
//! drawn at random: 192 bits are enough for any number of boxes under one key
//! (draft-irtf-cfrg-xchacha-03, section 1; the cipher and tag are those of RFC 8439).

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};

use super::random::Random;

/// Bytes of the nonce, at the front.
pub(super) const NONCE: usize = 24;
/// Bytes of the tag, at the end.
pub(super) const TAG: usize = 16;

/// Seals `plain`, whose length shows, and binds `context`, which is not in the box.
pub(super) fn seal(key: &[u8; 32], context: &[u8], plain: &[u8], random: &mut Random) -> Vec<u8> {
    let nonce: [u8; NONCE] = random.bytes();
    let mut sealed = Vec::with_capacity(NONCE + plain.len() + TAG);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(&XNonce::from(nonce), context, (&mut sealed[NONCE..]).into())
        .expect("a payload is far below the 256 GiB that the cipher can take");
    sealed.extend_from_slice(&tag);
    sealed
}

/// Opens what [`seal`] made with the same key and context; `None` for anything else.
pub(super) fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    let (cipher, tag) = rest.split_last_chunk::<TAG>()?;
    let mut plain = cipher.to_vec();
    XChaCha20Poly1305::new(key.into())
        .decrypt_inout_detached(&XNonce::from(*nonce), context, plain.as_mut_slice().into(), &Tag::from(*tag))
        .ok()?;
    Some(plain)
}
