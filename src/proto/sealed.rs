//! The sealed box: XChaCha20-Poly1305 with its nonce in front.
//!
//! A box opens only with its key, whole and unaltered, in the context it was sealed for. Its 24-byte nonce is
//! drawn at random: 192 bits are enough for any number of boxes under one key
//! (draft-irtf-cfrg-xchacha-03, section 1; the cipher and tag are those of RFC 8439).

/// Bytes of the nonce, at the front, and of the tag, at the end.
pub(super) use cipher_of_boxes::{NONCE, TAG};

use super::random::Random;

/// Bytes that a box is longer than what is in it.
pub(super) const SEALED: usize = NONCE + TAG;

/// Seals `plain`, whose length shows, and binds `context`, which is not in the box.
pub(super) fn seal(key: &[u8; 32], context: &[u8], plain: &[u8], random: &mut Random) -> Vec<u8> {
    let nonce: [u8; NONCE] = random.bytes();
    let mut sealed = Vec::with_capacity(NONCE + plain.len() + TAG);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plain);
    let tag = cipher_of_boxes::seal(key, nonce, context, &mut sealed[NONCE..])
        .expect("a payload is far below the 256 GiB that the cipher can take");
    sealed.extend_from_slice(&tag);
    sealed
}

/// Opens what [`seal`] made with the same key and context; `None` for anything else.
pub(super) fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    let (cipher, tag) = rest.split_last_chunk::<TAG>()?;
    let mut plain = cipher.to_vec();
    cipher_of_boxes::open(key, *nonce, context, &mut plain, *tag).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::hex::{bytes, text};

    #[test]
    fn the_cipher_is_that_of_the_draft() {
        // draft-irtf-cfrg-xchacha-03, appendix A.3.1.
        let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
                      future, sunscreen would be it.";
        let key: [u8; 32] = bytes("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        let sealed = "404142434445464748494a4b4c4d4e4f5051525354555657\
                      bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
                      731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
                      2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
                      21f9664c97637da9768812f615c68b13b52e\
                      c0875924c1c7987947deafd8780acf49";
        let context: [u8; 12] = bytes("50515253c0c1c2c3c4c5c6c7");
        let sealed: [u8; 154] = bytes(sealed);
        assert_eq!(open(&key, &context, &sealed).as_deref(), Some(&plain[..]));
    }

    #[test]
    fn a_box_is_forty_bytes_longer_and_never_the_same_twice() {
        let mut random = Random::new([1; 32]);
        let mut seal = || seal(&[7; 32], b"context", b"plain", &mut random);
        let (first, second) = (seal(), seal());
        assert_eq!(first.len(), 5 + NONCE + TAG);
        assert_ne!(text(&first), text(&second));
        assert_eq!(open(&[7; 32], b"context", &first), open(&[7; 32], b"context", &second));
    }
}
