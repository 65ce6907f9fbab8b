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

use curve25519_dalek::scalar::Scalar;
use hmac::Mac;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::proto::id::Address;
use crate::proto::identity::Identity;
use crate::proto::random::Random;
use crate::proto::secret::SwarmSecret;

mod cpace;
mod words;

pub use words::{Abilities, AdmissionError, Admitted, Confirm, Hello};

/// The version of the protocol: see `docs/wire.md` for what changes it. Peers of two versions share no swarm, and say so.
pub(crate) const VERSION: u8 = 5;

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
        abilities: &Abilities,
        binding: Binding<'_>,
        random: &mut Random,
    ) -> (Self, Hello) {
        let sid = binding.sid();
        let (exponent, share) = Exponent::new(password, identity, &sid, random);
        let Abilities { clock, capabilities, more } = abilities.clone();
        let (version, key) = (VERSION, identity.public_key());
        let hello = Hello { version, capabilities, clock, nonce: instance, key, claimed, share, more };
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
        Ok(Admitted {
            address: theirs.key.address(),
            claimed: theirs.claimed,
            key: theirs.key,
            instance: theirs.nonce,
            clock: theirs.clock,
            capabilities: self.hello.capabilities & theirs.capabilities,
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
mod tests;
