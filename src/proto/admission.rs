//! Admission to a link: each side proves to the other that it is a member of the swarm, and that it owns the
//! key it goes by.
//!
//! A swarm's secret may be guessable, so it is never shown, hashed or not: both sides run CPace, a balanced
//! password-authenticated key exchange, over it. Whoever does not know the secret, and whoever put itself
//! between two members, gets one guess for each link it opens and nothing to try further guesses on. The
//! exchange is bound to the DTLS fingerprints of both ends: in the middle they differ, and so does the key.
//!
//! Two messages each way, in any order of the sides: [`Hello`] (share, identity key, nonce), then [`Confirm`]
//! (a MAC with the new key, and a Schnorr proof of the identity key over the same transcript).

mod cpace;

use curve25519_dalek::scalar::Scalar;
use hmac::Mac;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::id::Address;
use super::identity::{Identity, Proof, PublicKey};
use super::random::Random;
use super::secret::SwarmSecret;

/// The version of this handshake; a side that speaks another is told so instead of failing its proof.
const VERSION: u8 = 1;

/// CI of CPace: what kind of channel this is.
const CHANNEL: &[u8] = b"easypeers link 1";
/// The domain of the identity proof.
const DOMAIN: &str = "admission";

/// The connection that is being admitted, by the SHA-256 fingerprints of its two DTLS certificates.
#[derive(Debug, Clone, Copy)]
pub struct Binding<'a> {
    /// Of our certificate, as our own description says.
    pub local_fingerprint: &'a [u8],
    /// Of their certificate, as the description that we accepted says.
    pub remote_fingerprint: &'a [u8],
}

/// The first message of each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the handshake that the sender speaks; ours is 1.
    pub version: u8,
    /// Names this run of the peer: an address that comes back after a reload has another.
    pub nonce: [u8; 16],
    /// The sender's identity.
    pub key: PublicKey,
    /// An address claimed in place of the one that the key proves.
    pub claimed: Option<Address>,
    /// The sender's share in CPace.
    pub share: [u8; 32],
}

/// The second message of each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirm {
    /// Proves membership: a MAC, under the key both sides now have, over the sender's [`Hello`].
    pub tag: [u8; 32],
    /// Proves the identity: knowledge of its secret key, bound to this session and the sender's [`Hello`].
    pub proof: Proof,
}

/// Whom we are connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// The address the peer goes by.
    pub address: Address,
    /// Its proven key.
    pub key: PublicKey,
    /// The nonce of its run.
    pub instance: [u8; 16],
    /// Whether the address is the hash of the key, and not merely claimed.
    pub verified: bool,
    /// The name of the connection, the same on both sides and known to nobody else.
    pub session: [u8; 32],
}

/// Why a link was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The remote speaks another version.
    #[error("the remote speaks another version of the handshake")]
    Version(u8),
    /// Our own hello came back.
    #[error("the remote sent our own hello back")]
    OwnHello,
    /// The share or the key of a hello is not a group element.
    #[error("the remote's hello holds no valid point")]
    BadPoint,
    /// A second hello, or a confirmation before the hello.
    #[error("the remote sent a message of the handshake out of order")]
    Order,
    /// The confirmation does not fit: another swarm, another secret, or somebody in the middle.
    #[error("the remote did not prove that it is a member of the swarm")]
    NotMember,
    /// The remote does not own the key it goes by.
    #[error("the remote did not prove that it owns its key")]
    NotOwner,
}

/// Our side of one link.
pub struct Admission {
    /// Our part of the exchange.
    exponent: Exponent,
    /// sid of CPace: the connection.
    sid: [u8; 32],
    hello: Hello,
    /// What follows from the remote's hello, once it is there.
    exchange: Option<Exchange>,
}

#[derive(Zeroize, ZeroizeOnDrop)]
enum Exponent {
    Scalar(Scalar),
    /// Of a stand-in identity: the password takes the place of the scalar, a hash that of the group.
    #[cfg(feature = "sim")]
    StandIn([u8; 32]),
}

struct Exchange {
    /// ISK of CPace.
    key: Zeroizing<[u8; 64]>,
    session: [u8; 32],
    theirs: Hello,
}

impl Admission {
    /// Begins: the hello is for the remote.
    pub fn new(
        password: &SwarmSecret,
        identity: &Identity,
        instance: [u8; 16],
        claimed: Option<Address>,
        binding: Binding<'_>,
        random: &mut Random,
    ) -> (Self, Hello) {
        let sid = binding.sid();
        let (exponent, share) = Exponent::new(password, identity, &sid, random);
        let hello = Hello { version: VERSION, nonce: instance, key: identity.public_key(), claimed, share };
        (Self { exponent, sid, hello: hello.clone(), exchange: None }, hello)
    }

    /// Our hello, for the remote.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Takes the remote's hello; the confirmation is for the remote.
    pub fn receive(&mut self, hello: &Hello, identity: &Identity) -> Result<Confirm, AdmissionError> {
        if self.exchange.is_some() {
            return Err(AdmissionError::Order);
        }
        if hello.version != VERSION {
            return Err(AdmissionError::Version(hello.version));
        }
        if hello.share == self.hello.share {
            return Err(AdmissionError::OwnHello);
        }
        if !hello.key.is_valid() {
            return Err(AdmissionError::BadPoint);
        }
        let shared = self.exponent.shared(&self.hello.share, &hello.share, &self.sid);
        let shared = shared.ok_or(AdmissionError::BadPoint)?;
        let (ours, theirs) = (self.hello.message(), hello.message());
        let key = cpace::session_key(&self.sid, &shared, &cpace::transcript(&ours, &theirs));
        let session = first(&cpace::hash(&[b"easypeers session 1", &self.sid, &*key]));
        let tag = cpace::confirmation(&self.sid, &key, &ours).finalize().into_bytes();
        let proof = identity.prove(DOMAIN, &statement(&session, &ours));
        self.exchange = Some(Exchange { key, session, theirs: hello.clone() });
        Ok(Confirm { tag: first(&tag.into()), proof })
    }

    /// Takes the remote's confirmation: from here on the link counts.
    pub fn finish(&self, confirm: &Confirm) -> Result<Admitted, AdmissionError> {
        let Exchange { key, session, theirs } = self.exchange.as_ref().ok_or(AdmissionError::Order)?;
        let message = theirs.message();
        cpace::confirmation(&self.sid, key, &message)
            .verify_truncated_left(&confirm.tag)
            .map_err(|_| AdmissionError::NotMember)?;
        if !theirs.key.verify(DOMAIN, &statement(session, &message), &confirm.proof) {
            return Err(AdmissionError::NotOwner);
        }
        let proven = theirs.key.address();
        let address = theirs.claimed.unwrap_or(proven);
        Ok(Admitted {
            address,
            key: theirs.key,
            instance: theirs.nonce,
            verified: address == proven,
            session: *session,
        })
    }
}

impl Binding<'_> {
    /// The same for both ends of one connection, another for any other connection.
    fn sid(&self) -> [u8; 32] {
        let (ours, theirs) = (self.local_fingerprint, self.remote_fingerprint);
        let fingerprints = if ours < theirs { [ours, theirs] } else { [theirs, ours] };
        first(&cpace::hash(&[b"easypeers binding 1", &cpace::lv_cat(&fingerprints)]))
    }
}

impl Hello {
    /// All of it, as CPace takes it: the share, and the rest as associated data.
    fn message(&self) -> Vec<u8> {
        let claimed = self.claimed.as_ref().map_or(&[][..], |address| &address.0);
        cpace::message(&self.share, &[&[self.version], &self.nonce[..], &self.key.0, claimed].concat())
    }
}

impl Exponent {
    fn new(password: &SwarmSecret, identity: &Identity, sid: &[u8], random: &mut Random) -> (Self, [u8; 32]) {
        #[cfg(feature = "sim")]
        if identity.is_stand_in() {
            return (Self::StandIn(*password.password()), random.bytes());
        }
        let _ = identity;
        let scalar = Scalar::from_bytes_mod_order_wide(&Zeroizing::new(random.bytes()));
        let generator = Zeroizing::new(cpace::generator(password.password(), CHANNEL, sid));
        let share = cpace::share(&scalar, &generator);
        (Self::Scalar(scalar), share)
    }

    /// What both sides and nobody else can compute from the two shares.
    #[cfg_attr(
        not(feature = "sim"),
        expect(unused_variables, reason = "only the stand-in needs our own share")
    )]
    fn shared(&self, ours: &[u8; 32], theirs: &[u8; 32], sid: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        match self {
            Self::Scalar(scalar) => cpace::shared(scalar, theirs),
            #[cfg(feature = "sim")]
            Self::StandIn(password) => {
                let shares = cpace::transcript(ours, theirs);
                Some(Zeroizing::new(first(&cpace::hash(&[password, sid, &shares]))))
            }
        }
    }
}

/// What an identity proof says: in this session, this hello is mine.
fn statement(session: &[u8; 32], message: &[u8]) -> Vec<u8> {
    [session, message].concat()
}

/// The first half of a hash.
fn first(hash: &[u8; 64]) -> [u8; 32] {
    std::array::from_fn(|i| hash[i])
}

impl std::fmt::Debug for Admission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admission").field("hello", &self.hello).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::codec;
    use crate::proto::hex::text;
    use crate::proto::id::SwarmId;

    const A: &[u8] = &[0xaa; 32];
    const B: &[u8] = &[0xbb; 32];
    const C: &[u8] = &[0xcc; 32];

    /// One end of a link, with all that it starts from.
    struct End {
        identity: Identity,
        admission: Admission,
        hello: Hello,
    }

    impl End {
        fn new(identity: Identity, password: &SwarmSecret, local: &[u8], remote: &[u8], seed: u8) -> Self {
            Self::claiming(identity, None, password, local, remote, seed)
        }

        fn claiming(
            identity: Identity,
            claimed: Option<Address>,
            password: &SwarmSecret,
            local: &[u8],
            remote: &[u8],
            seed: u8,
        ) -> Self {
            let binding = Binding { local_fingerprint: local, remote_fingerprint: remote };
            let mut random = Random::new([seed; 32]);
            let (admission, hello) =
                Admission::new(password, &identity, [seed; 16], claimed, binding, &mut random);
            Self { identity, admission, hello }
        }

        fn receive(&mut self, hello: &Hello) -> Result<Confirm, AdmissionError> {
            self.admission.receive(hello, &self.identity)
        }
    }

    /// Makes the identities of each kind that this build has.
    fn kinds() -> Vec<fn(u8) -> Identity> {
        vec![
            |seed| Identity::from_secret([seed; 32]),
            #[cfg(feature = "sim")]
            |seed| Identity::stand_in(seed.into()),
        ]
    }

    fn public() -> SwarmSecret {
        SwarmSecret::public(SwarmId::of_topic("t"))
    }

    /// Two members on one connection.
    fn pair(kind: fn(u8) -> Identity) -> (End, End) {
        (End::new(kind(1), &public(), A, B, 1), End::new(kind(2), &public(), B, A, 2))
    }

    /// Both hellos, then both confirmations; what each side makes of it.
    fn shake(a: &mut End, b: &mut End) -> [Result<Admitted, AdmissionError>; 2] {
        let (hello_a, hello_b) = (a.hello.clone(), b.hello.clone());
        let from_a = a.receive(&hello_b).expect("the hello is good");
        let from_b = b.receive(&hello_a).expect("the hello is good");
        [a.admission.finish(&from_b), b.admission.finish(&from_a)]
    }

    #[test]
    fn two_members_learn_each_other_and_agree_on_the_session() {
        for kind in kinds() {
            let (mut a, mut b) = pair(kind);
            let [at_a, at_b] = shake(&mut a, &mut b).map(|admitted| admitted.expect("both are members"));
            assert_eq!(at_a.session, at_b.session);
            for (admitted, remote, seed) in [(at_a, b, 2), (at_b, a, 1)] {
                assert_eq!(admitted.key, remote.identity.public_key());
                assert_eq!(admitted.address, remote.identity.address());
                assert_eq!(admitted.instance, [seed; 16]);
                assert!(admitted.verified);
            }
        }
    }

    #[test]
    fn the_transcript_is_as_documented() {
        // Computed from docs/security.md by a separate implementation of ristretto255, CPace and the proofs.
        let (mut a, mut b) = pair(|seed| Identity::from_secret([seed; 32]));
        b.admission.hello.claimed = Some(Address([7; 20]));
        for (end, scalar) in [(&mut a, 3u8), (&mut b, 5)] {
            let scalar = Scalar::from(scalar);
            let generator = cpace::generator(public().password(), CHANNEL, &end.admission.sid);
            end.admission.hello.share = cpace::share(&scalar, &generator);
            end.admission.exponent = Exponent::Scalar(scalar);
            end.hello = end.admission.hello.clone();
        }
        let confirm = a.receive(&b.hello).expect("the hello is good");
        b.receive(&a.hello).expect("the hello is good");
        let admitted = b.admission.finish(&confirm).expect("both are members");
        assert_eq!(text(&a.hello.share), "884cee71a455466cf36eebf94c4e2ddc7cf658a9b54c53d2b391aa717a8d6f0f");
        assert_eq!(
            text(&admitted.session),
            "4479fc28b416ae7aaa1110964d99489f0e737dcb72462034c7c28b0d3fd3b3d3"
        );
        assert_eq!(text(&confirm.tag), "47cc1df1cfb932aaf62af2a8547aba9bf50873100551c771b49cf251380ebe96");
        assert_eq!(
            text(&[confirm.proof.commitment, confirm.proof.response].concat()),
            "90aa455e5e76b64b7cb4538fe856233d0a5754c3255fda4569144f59cdd13548\
             9550b5f83474906f25e2f1222e4f2e470d939cc22b4d1593174290649ce4f803"
        );
    }

    #[test]
    fn every_link_of_the_same_two_has_its_own_session() {
        for kind in kinds() {
            let (mut a, mut b) = pair(kind);
            let (mut c, mut d) =
                (End::new(kind(1), &public(), A, B, 3), End::new(kind(2), &public(), B, A, 4));
            let [first, _] = shake(&mut a, &mut b);
            let [second, _] = shake(&mut c, &mut d);
            assert_ne!(first.expect("both are members").session, second.expect("both are members").session);
        }
    }

    #[test]
    fn a_claimed_address_is_verified_only_if_it_is_the_hash_of_the_key() {
        for kind in kinds() {
            for (claimed, verified) in [(Address([7; 20]), false), (kind(1).address(), true)] {
                let mut a = End::claiming(kind(1), Some(claimed), &public(), A, B, 1);
                let mut b = End::new(kind(2), &public(), B, A, 2);
                let [_, at_b] = shake(&mut a, &mut b);
                let admitted = at_b.expect("both are members");
                assert_eq!((admitted.address, admitted.verified), (claimed, verified));
            }
        }
    }

    #[test]
    fn another_swarm_or_another_secret_is_no_member() {
        let swarm = SwarmId::of_topic("t");
        let secrets = [
            SwarmSecret::public(SwarmId::of_topic("u")),
            SwarmSecret::private(swarm, &[7; 32]),
            SwarmSecret::private(swarm, &[8; 32]),
        ];
        for kind in kinds() {
            for wrong in &secrets {
                let mut a = End::new(kind(1), &public(), A, B, 1);
                let mut b = End::new(kind(2), wrong, B, A, 2);
                assert_eq!(shake(&mut a, &mut b), [Err(AdmissionError::NotMember); 2]);
            }
        }
    }

    #[test]
    fn somebody_in_the_middle_who_passes_everything_on_is_found_out() {
        for kind in kinds() {
            // Each member has a connection to the middle, whose certificate is C.
            let mut a = End::new(kind(1), &public(), A, C, 1);
            let mut b = End::new(kind(2), &public(), B, C, 2);
            assert_eq!(shake(&mut a, &mut b), [Err(AdmissionError::NotMember); 2]);
        }
    }

    #[test]
    fn our_own_hello_is_refused_whatever_name_it_bears() {
        for kind in kinds() {
            let (mut a, b) = pair(kind);
            let own = a.hello.clone();
            assert_eq!(a.receive(&own), Err(AdmissionError::OwnHello));
            let renamed = Hello { key: b.identity.public_key(), nonce: [9; 16], ..own };
            assert_eq!(a.receive(&renamed), Err(AdmissionError::OwnHello));
        }
    }

    #[test]
    fn our_own_confirmation_is_no_proof_of_membership() {
        for kind in kinds() {
            let (mut a, b) = pair(kind);
            let own = a.receive(&b.hello).expect("the hello is good");
            assert_eq!(a.admission.finish(&own), Err(AdmissionError::NotMember));
        }
    }

    #[test]
    fn what_was_recorded_on_one_link_is_worthless_on_the_next() {
        for kind in kinds() {
            let (mut a, mut b) = pair(kind);
            let hello = b.hello.clone();
            let recorded = b.receive(&a.hello).expect("the hello is good");
            assert!(shake(&mut a, &mut End::new(kind(2), &public(), B, A, 2))[0].is_ok());
            // The same two, the same certificates, a new link.
            let mut again = End::new(kind(1), &public(), A, B, 5);
            again.receive(&hello).expect("a recorded hello looks like any other");
            assert_eq!(again.admission.finish(&recorded), Err(AdmissionError::NotMember));
        }
    }

    #[test]
    fn a_member_cannot_go_by_the_key_of_another() {
        for kind in kinds() {
            let (mut a, mut thief) = pair(kind);
            thief.admission.hello.key = kind(3).public_key();
            thief.hello = thief.admission.hello.clone();
            assert_eq!(shake(&mut a, &mut thief)[0], Err(AdmissionError::NotOwner));
        }
    }

    #[test]
    fn a_proof_of_another_session_does_not_own_the_key_in_this_one() {
        for kind in kinds() {
            let (mut a, mut b) = pair(kind);
            let (c, mut b_with_c) =
                (End::new(kind(3), &public(), C, B, 3), End::new(kind(2), &public(), B, C, 4));
            let elsewhere = b_with_c.receive(&c.hello).expect("the hello is good");
            let here = b.receive(&a.hello).expect("the hello is good");
            a.receive(&b.hello).expect("the hello is good");
            let mixed = Confirm { proof: elsewhere.proof, ..here };
            assert_eq!(a.admission.finish(&mixed), Err(AdmissionError::NotOwner));
        }
    }

    #[test]
    fn messages_out_of_order_are_refused() {
        for kind in kinds() {
            let (mut a, mut b) = pair(kind);
            let confirm = b.receive(&a.hello).expect("the hello is good");
            assert_eq!(a.admission.finish(&confirm), Err(AdmissionError::Order));
            a.receive(&b.hello).expect("the hello is good");
            assert_eq!(a.receive(&b.hello), Err(AdmissionError::Order));
            assert!(a.admission.finish(&confirm).is_ok(), "a refused message changes nothing");
        }
    }

    #[test]
    fn another_version_is_named() {
        for kind in kinds() {
            let (mut a, b) = pair(kind);
            let newer = Hello { version: 2, ..b.hello };
            assert_eq!(a.receive(&newer), Err(AdmissionError::Version(2)));
        }
    }

    #[test]
    fn a_share_or_a_key_that_is_no_point_is_refused() {
        let (mut a, b) = pair(|seed| Identity::from_secret([seed; 32]));
        for bad in [[0; 32], [0xff; 32], [1; 32]] {
            assert_eq!(a.receive(&Hello { share: bad, ..b.hello.clone() }), Err(AdmissionError::BadPoint));
            let key = PublicKey(bad);
            assert_eq!(a.receive(&Hello { key, ..b.hello.clone() }), Err(AdmissionError::BadPoint));
        }
    }

    #[test]
    fn the_messages_are_as_short_as_documented() {
        let (mut a, b) = pair(|seed| Identity::from_secret([seed; 32]));
        let size = |hello: &Hello| codec::to_bytes(hello).len();
        assert_eq!(size(&b.hello), 82);
        assert_eq!(size(&Hello { claimed: Some(Address([7; 20])), ..b.hello.clone() }), 102);
        let confirm = a.receive(&b.hello).expect("the hello is good");
        assert_eq!(codec::to_bytes(&confirm).len(), 96);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_flipped_bit_of_a_hello_is_refused(bit in any::<prop::sample::Index>(), claims in any::<bool>()) {
            for kind in kinds() {
                let mut a = End::new(kind(1), &public(), A, B, 1);
                let claimed = claims.then_some(Address([7; 20]));
                let mut b = End::claiming(kind(2), claimed, &public(), B, A, 2);
                let mut bytes = codec::to_bytes(&b.hello);
                let bit = bit.index(8 * bytes.len());
                bytes[bit / 8] ^= 1 << (bit % 8);
                let from_b = b.receive(&a.hello).expect("the hello is good");
                let Some(altered) = codec::from_bytes::<Hello>(&bytes) else { continue };
                if let Ok(from_a) = a.receive(&altered) {
                    prop_assert_eq!(a.admission.finish(&from_b), Err(AdmissionError::NotMember));
                    prop_assert_eq!(b.admission.finish(&from_a), Err(AdmissionError::NotMember));
                }
            }
        }

        #[test]
        fn any_flipped_bit_of_a_confirmation_is_refused(bit in 0..8 * 96usize) {
            for kind in kinds() {
                let (mut a, mut b) = pair(kind);
                let from_b = b.receive(&a.hello).expect("the hello is good");
                a.receive(&b.hello).expect("the hello is good");
                let mut bytes = codec::to_bytes(&from_b);
                bytes[bit / 8] ^= 1 << (bit % 8);
                let altered = codec::from_bytes(&bytes).expect("any 96 bytes are a confirmation");
                let error = if bit < 8 * 32 { AdmissionError::NotMember } else { AdmissionError::NotOwner };
                prop_assert_eq!(a.admission.finish(&altered), Err(error));
            }
        }

        #[test]
        fn members_always_agree(
            swarm in any::<[u8; 20]>(),
            fingerprints in any::<[[u8; 32]; 2]>(),
            seeds in any::<[u8; 2]>(),
        ) {
            prop_assume!(seeds[0] != seeds[1]);
            let secret = SwarmSecret::public(SwarmId(swarm));
            let [f, g] = &fingerprints;
            for kind in kinds() {
                let mut a = End::new(kind(seeds[0]), &secret, f, g, seeds[0]);
                let mut b = End::new(kind(seeds[1]), &secret, g, f, seeds[1]);
                let [at_a, at_b] = shake(&mut a, &mut b);
                prop_assert!(at_a.is_ok());
                prop_assert_eq!(at_a.map(|it| it.session), at_b.map(|it| it.session));
            }
        }

        #[test]
        fn nonsense_is_refused_and_breaks_nothing(
            hello in prop::collection::vec(any::<u8>(), 0..120),
            key in any::<[u8; 32]>(),
            share in any::<[u8; 32]>(),
            tag in any::<[u8; 32]>(),
            response in any::<[u8; 32]>(),
        ) {
            for kind in kinds() {
                let (mut a, b) = pair(kind);
                if let Some(hello) = codec::from_bytes::<Hello>(&hello) {
                    let _ = a.receive(&hello);
                }
                let _ = a.receive(&Hello { key: PublicKey(key), share, ..b.hello });
                let confirm = Confirm { tag, proof: Proof { commitment: key, response } };
                prop_assert!(a.admission.finish(&confirm).is_err());
            }
        }
    }
}
