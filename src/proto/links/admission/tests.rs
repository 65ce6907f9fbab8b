use proptest::prelude::*;

use super::*;
use crate::proto::codec;
use crate::proto::hex::text;
use crate::proto::id::SwarmId;
use crate::proto::identity::{Proof, PublicKey};

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
        let (admission, hello) = Admission::new(
            password,
            &identity,
            [seed; 16],
            claimed,
            &Abilities::default(),
            binding,
            &mut random,
        );
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
            assert_eq!(admitted.claimed, None);
        }
    }
}

#[test]
fn the_transcript_is_as_documented() {
    // Computed by tests/vectors/admission.py from docs/security.md.
    let (mut a, mut b) = pair(|seed| Identity::from_secret([seed; 32]));
    (a.admission.hello.capabilities, a.admission.hello.more) = (5, b"later".to_vec());
    a.admission.hello.clock = 1_800_000_000_123;
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
    assert_eq!(text(&admitted.session), "258212bebf83581e28dd940918fba3733ae09699bca0292768cff8d7cbdb85f8");
    assert_eq!(text(&confirm.tag), "6a23201ee17a1160b5b853bfea2e116af8c1bef7be22277884f9d5a5b4bf0f5c");
    let proof = [confirm.proof.commitment, confirm.proof.response].concat();
    assert_eq!(
        text(&proof),
        concat!(
            "9050c0de8f7ef13c61b260a010c6f169de5a8b4bbbd50fbb2d376f15d23fe05e",
            "272fe8aa875addef64b9a9834865b89c431b9865b471292258d3d17854896501"
        )
    );
}

#[test]
fn every_link_of_the_same_two_has_its_own_session() {
    for kind in kinds() {
        let (mut a, mut b) = pair(kind);
        let (mut c, mut d) = (End::new(kind(1), &public(), A, B, 3), End::new(kind(2), &public(), B, A, 4));
        let [first, _] = shake(&mut a, &mut b);
        let [second, _] = shake(&mut c, &mut d);
        assert_ne!(first.expect("both are members").session, second.expect("both are members").session);
    }
}

#[test]
fn who_claims_an_address_is_admitted_under_the_one_that_its_key_proves() {
    for kind in kinds() {
        let claimed = Address([7; 20]);
        let mut a = End::claiming(kind(1), Some(claimed), &public(), A, B, 1);
        let mut b = End::new(kind(2), &public(), B, A, 2);
        let [_, at_b] = shake(&mut a, &mut b);
        let admitted = at_b.expect("both are members");
        assert_eq!((admitted.address, admitted.claimed), (kind(1).address(), Some(claimed)));
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
        let newer = Hello { version: VERSION + 1, ..b.hello };
        assert_eq!(a.receive(&newer), Err(AdmissionError::Version(VERSION + 1)));
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
    let hello = Hello { clock: 1_800_000_000_123, ..b.hello.clone() };
    assert_eq!(size(&hello), 90);
    assert_eq!(size(&Hello { claimed: Some(Address([7; 20])), ..hello }), 110);
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
