//! CPace on ristretto255 with SHA-512: two sides that hold the same password get the same key, and a side that
//! does not learns only that one guess was wrong.
//!
//! draft-irtf-cfrg-cpace, suite CPACE-RISTR255-SHA512, in the symmetric setting: neither side is the
//! initiator, so the transcript is ordered by value (`o_cat`). Names follow the draft.
//!
//! No crate has it: `cpace` and `pake-cpace` follow the draft's first versions, with other generators and transcripts. Here
//! are the draft's own strings; curve, hash and MAC are in crates.

use curve25519_dalek::ristretto::RistrettoPoint;
use curve25519_dalek::scalar::Scalar;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

/// G.DSI.
const DSI: &[u8] = b"CPaceRistretto255";
/// H.s_in_bytes: the block of SHA-512.
const BLOCK: usize = 128;

/// G.calculate_generator(H, PRS, CI, sid).
pub(super) fn generator(password: &[u8], channel: &[u8], sid: &[u8]) -> RistrettoPoint {
    RistrettoPoint::hash_from_bytes::<Sha512>(&generator_string(password, channel, sid))
}

fn generator_string(password: &[u8], channel: &[u8], sid: &[u8]) -> Zeroizing<Vec<u8>> {
    // Fills the first block, so that the time to hash does not depend on the length of a short password.
    let padding = (BLOCK - 1).saturating_sub(lv_cat(&[password]).len() + lv_cat(&[DSI]).len());
    Zeroizing::new(lv_cat(&[DSI, password, &[0; BLOCK][..padding], channel, sid]))
}

/// G.scalar_mult(y, g).
pub(super) fn share(scalar: &Scalar, generator: &RistrettoPoint) -> [u8; 32] {
    (scalar * generator).compress().to_bytes()
}

/// G.scalar_mult_vfy(y, X): `None` where the draft returns G.I.
pub(super) fn shared(scalar: &Scalar, share: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let share = crate::proto::identity::element(share)?;
    let element = Zeroizing::new(scalar * share);
    Some(Zeroizing::new(element.compress().to_bytes()))
}

/// What one side has sent: its share and its associated data.
pub(super) fn message(share: &[u8; 32], associated: &[u8]) -> Vec<u8> {
    lv_cat(&[share, associated])
}

/// transcript_oc of the two sides' [`message`]s: the same whoever is asked.
pub(super) fn transcript(ours: &[u8], theirs: &[u8]) -> Vec<u8> {
    let (first, second) = if ours > theirs { (ours, theirs) } else { (theirs, ours) };
    [b"oc", first, second].concat()
}

/// ISK, the intermediate session key.
pub(super) fn session_key(sid: &[u8], shared: &[u8; 32], transcript: &[u8]) -> Zeroizing<[u8; 64]> {
    let head = Zeroizing::new(lv_cat(&[&[DSI, b"_ISK"].concat(), sid, shared]));
    hash(&[&head, transcript])
}

/// The code that confirms the key: a MAC over the [`message`] of the side that sends it.
pub(super) fn confirmation(sid: &[u8], session_key: &[u8; 64], message: &[u8]) -> Hmac<Sha512> {
    let mac_key = hash(&[b"CPaceMac", sid, session_key]);
    Hmac::<Sha512>::new_from_slice(&*mac_key).expect("HMAC takes keys of any length").chain_update(message)
}

/// H.hash of the parts, one after the other.
pub(super) fn hash(parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| hash.update(part));
    let mut output = Zeroizing::new([0; 64]);
    hash.finalize_into((&mut *output).into());
    output
}

/// Each part behind its length in LEB128. Sized once, so that no copy of a secret part stays behind.
pub(super) fn lv_cat(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + size_of::<u64>() + 2).sum());
    for part in parts {
        let mut length = part.len();
        while length > 0x7f {
            joined.push(length as u8 | 0x80);
            length >>= 7;
        }
        joined.push(length as u8);
        joined.extend_from_slice(part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::hex::{bytes, text};

    /// Appendix "Test vector for CPace using group ristretto255 and hash SHA-512".
    const PASSWORD: &[u8] = b"Password";
    const CHANNEL: &[u8] = b"\x0bA_initiator\x0bB_responder";
    const SID: &str = "7e4b4791d6a8ef019b936c79fb7f2c57";
    const Y_A: &str = "da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08";
    const SHARE_A: &str = "d6bac480f2c386c394efc7c47adb9925dcd2630b64f240c50f8d0eec482b9157";
    const Y_B: &str = "d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d";
    const SHARE_B: &str = "3ea7e0b19560d7c0b0f5734f63b955286dfa8232b5ebe63324e2d9e7433f7258";
    const SHARED: &str = "80b69a8a76457ab6a4d7f887a4bf6b55a2f80ac19c333f917a05fc9887c8b40f";

    fn scalar(hex: &str) -> Scalar {
        Scalar::from_bytes_mod_order(bytes(hex))
    }

    #[test]
    fn the_generator_is_that_of_the_draft() {
        let sid: [u8; 16] = bytes(SID);
        assert_eq!(
            text(&generator_string(PASSWORD, CHANNEL, &sid)),
            format!(
                "11435061636552697374726574746f3235350850617373776f726464{}180b415f696e69746961746f\
                 720b425f726573706f6e646572107e4b4791d6a8ef019b936c79fb7f2c57",
                "00".repeat(100)
            )
        );
        assert_eq!(
            text(generator(PASSWORD, CHANNEL, &sid).compress().as_bytes()),
            "222b6b195fe84b1652badb6f6a3ae3d24341e7306967f0b8115b40d5698c7e56"
        );
    }

    #[test]
    fn shares_and_what_is_shared_are_those_of_the_draft() {
        let generator = generator(PASSWORD, CHANNEL, &bytes::<16>(SID));
        assert_eq!(text(&share(&scalar(Y_A), &generator)), SHARE_A);
        assert_eq!(text(&share(&scalar(Y_B), &generator)), SHARE_B);
        assert_eq!(text(&*shared(&scalar(Y_A), &bytes(SHARE_B)).unwrap()), SHARED);
        assert_eq!(text(&*shared(&scalar(Y_B), &bytes(SHARE_A)).unwrap()), SHARED);
    }

    #[test]
    fn the_session_key_is_that_of_the_draft_on_both_sides() {
        let (ours, theirs) = (message(&bytes(SHARE_A), b"ADa"), message(&bytes(SHARE_B), b"ADb"));
        let transcript_oc = transcript(&ours, &theirs);
        assert_eq!(transcript_oc, transcript(&theirs, &ours));
        assert_eq!(text(&transcript_oc), format!("6f6320{SHARE_A}0341446120{SHARE_B}03414462"));
        assert_eq!(
            text(&*session_key(&bytes::<16>(SID), &bytes(SHARED), &transcript_oc)),
            "544199d71f62f8d9a1fee55727e24fe4a45844593c2b6013c4fa3969d0e5debb\
             2244675c0b43397cbb68d342b01fc0f98fc961469a25134de9f0f813c1a57476"
        );
        assert_eq!(
            text(&*hash(&[b"CPaceSidOutput", &transcript_oc])),
            "10d5941d4933497fe31b9188d690b84465e2a2d158332a7267284a071a8d0876\
             fc5c8c329dc735d59a9f8ef6623ee23924704a2f929dd631ca981227ee82fff2"
        );
    }

    /// What tests/vectors/cpace.py computes, on integers and by other formulas, for words that are short, long and none.
    #[test]
    fn another_implementation_comes_to_the_same() {
        let scalars =
            [b"a", b"b"].map(|seed| Scalar::from_bytes_mod_order_wide(&Sha512::digest(seed).into()));
        let cases: [Case; 3] = [
            (
                (vec![], vec![], vec![], &b""[..], &b""[..]),
                [
                    "0e57eaafa8ea1d3605ede460322f6621ffd782671410750967971821df6c0e03",
                    "e4ff8a0cc2e7427d057be4759de6e267f09b9d07a1ef5a9dc75c5707f4bceb73",
                    "feff45072af4fa0a8a1e7c7f39c51b517f1dce7ae9731df2f08b8c1e6640dc0a",
                    "88e7e00998976d9b68d0fd01f4b380909e5a167324b066daaed84126a3eb387c",
                    "2adfaad0cfb163383ccfc52696b2229d26f705096dc91a1aa94dd5cf6e7513bb\
                     46b3a625adf04b1e35e67bb5349c0253e96eb29e7fa9d1bbe1e5b5c33c60194b",
                ],
            ),
            (
                (vec![b'p'; 200], vec![b'c'; 130], vec![b's'; 16], b"ADa", b"ADb"),
                [
                    "9e84fe1b2d7918d86bdc81277d6bb3d3e3610bc6c6b3394d54abfdafc96bda17",
                    "d6b2f300e2d5b1146f138dc39ef57e51389ef9ee102a9a2e13bafe3ba5f7ec7c",
                    "e4e1439981564984d2f9b44774bfe859934242f75995d8530e7aaa61904aec40",
                    "3c19cbcd920aa43822a75d622911e98e08d1084e9ba7020db2f2e7a5af0fcb26",
                    "bc4d60d27a001787bd14c73d5b4a6a59cdc30b07cb9c2ed0629af50663e0c36f\
                     3cf1243a0e963206d596ddd03a4530282cd7eef391b7a37d9a4c13f983397195",
                ],
            ),
            (
                ((0..32).collect(), b"easypeers".to_vec(), (0..64).collect(), &[b'x'; 300], b""),
                [
                    "a8e1e9e15e1f7f25e3ad620896bff26ce8a10706bcebf8995046e8ebd68f666a",
                    "b069d7aa05107333c21e4e0ab3bb165edb00b472bff6c16b70e745f997ccc823",
                    "d02af62b8ca31bb5fa3dbf12461a893fea07c044af964e08776968247aedd06e",
                    "aa23d399683ba501ccfcfd5cdf9217c0513dfdde9310f356d03602f0149bae13",
                    "71e69274c7041b58c429696b9510d4a55516443fe611118ca893d099bbaaa557\
                     25ccc7cc9f39e75388fdf1f233beb7b863eb81cad2b3677dcaef8e8ada25b681",
                ],
            ),
        ];
        for ((password, channel, sid, ad_a, ad_b), expected) in cases {
            let generator = generator(&password, &channel, &sid);
            let [a, b] = scalars.map(|scalar| share(&scalar, &generator));
            let element = shared(&scalars[0], &b).expect("a good share");
            assert_eq!(shared(&scalars[1], &a), Some(element.clone()));
            let key = session_key(&sid, &element, &transcript(&message(&a, ad_a), &message(&b, ad_b)));
            let found = [generator.compress().to_bytes(), a, b, *element].map(|bytes| text(&bytes));
            assert!(found.iter().eq(&expected[..4]), "{found:?}");
            assert_eq!(text(&*key), expected[4]);
        }
    }

    /// Password, channel, sid and the associated data of both; generator, both shares, what is shared, session key.
    type Case = ((Vec<u8>, Vec<u8>, Vec<u8>, &'static [u8], &'static [u8]), [&'static str; 5]);

    #[test]
    fn points_that_are_none_are_refused_as_in_the_draft() {
        let s = scalar("7cd0e075fa7955ba52c02759a6c90dbbfc10e6d40aea8d283e407d88cf538a05");
        let good = bytes("2c3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c");
        let product = "7c13645fe790a468f62c39beb7388e541d8405d1ade69d1778c5fe3e7f6b600e";
        assert_eq!(text(&*shared(&s, &good).unwrap()), product);
        let bad = bytes("2b3c6b8c4f3800e7aef6864025b4ed79bd599117e427c41bd47d93d654b4a51c");
        assert_eq!(shared(&s, &bad), None);
        assert_eq!(shared(&s, &[0; 32]), None);
    }

    #[test]
    fn lengths_and_order_are_encoded_as_in_the_draft() {
        assert_eq!(lv_cat(&[b"1234", b"5", b"", b"678"]), b"\x041234\x015\x00\x03678");
        let long: Vec<u8> = (0..128).map(|i| i as u8).collect();
        assert_eq!(lv_cat(&[&long[..127]])[..2], [0x7f, 0]);
        assert_eq!(lv_cat(&[&long])[..3], [0x80, 0x01, 0]);
        assert_eq!(transcript(b"ABCD", b"BCD"), b"ocBCDABCD");
        assert_eq!(transcript(b"BCD", b"ABCDE"), b"ocBCDABCDE");
    }
}
