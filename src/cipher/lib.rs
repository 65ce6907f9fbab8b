//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), in place.
#![no_std]
#![forbid(unsafe_code)]

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};

/// Bytes of a nonce.
pub const NONCE: usize = 24;
/// Bytes of a tag.
pub const TAG: usize = 16;

/// Encrypts `text`, and makes the tag for it and `context`. `None`: the text has more than the 256 GiB that the cipher can take.
pub fn seal(key: &[u8; 32], nonce: [u8; NONCE], context: &[u8], text: &mut [u8]) -> Option<[u8; TAG]> {
    let tag =
        XChaCha20Poly1305::new(key.into()).encrypt_inout_detached(&XNonce::from(nonce), context, text.into());
    tag.ok().map(Into::into)
}

/// Decrypts `text` if the tag is for it and `context`; whether it is.
#[must_use]
pub fn open(key: &[u8; 32], nonce: [u8; NONCE], context: &[u8], text: &mut [u8], tag: [u8; TAG]) -> bool {
    let (cipher, nonce) = (XChaCha20Poly1305::new(key.into()), XNonce::from(nonce));
    cipher.decrypt_inout_detached(&nonce, context, text.into(), &Tag::from(tag)).is_ok()
}
