//! What the members of a swarm know and others do not.
//!
//! Of a public swarm that is its identifier: whoever knows the topic is a member. Of a private swarm it is a
//! secret too, which people choose and others may guess. Whoever sees the info hash or a sealed description,
//! a tracker for one, can try guesses on them; so the secret goes through a slow function first ([`Stretch`]).
//! Links give nothing to try guesses on (see [`admission`](super::links::admission)).

mod scrypt;

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::id::{InfoHash, SwarmId};
use super::random::Random;
use super::sealed;
use scrypt::Scrypt;

/// Everything that follows from what the members of a swarm know. Erased when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SwarmSecret {
    /// What a member proves to know when a link is admitted.
    password: [u8; 32],
    /// Seals descriptions on their way through a tracker.
    descriptions: [u8; 32],
    /// What proofs of messages are bound to.
    messages: [u8; 32],
    /// What the trackers see.
    #[zeroize(skip)]
    info_hash: InfoHash,
    /// Whether it takes more than the topic to be a member.
    #[zeroize(skip)]
    private: bool,
}

/// Stands for a swarm, its secret included, in what its members sign: what was said in one is void in any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwarmTag(pub(super) [u8; 32]);

#[cfg(any(test, feature = "sim"))]
impl SwarmTag {
    /// Of a public swarm.
    pub(crate) fn of_topic(topic: &str) -> Self {
        SwarmSecret::public(SwarmId::of_topic(topic)).tag()
    }
}

impl SwarmSecret {
    /// Of a swarm that whoever knows its topic may join.
    pub fn public(swarm: SwarmId) -> Self {
        Self { info_hash: swarm.info_hash(), ..Self::derive(&swarm.0, false) }
    }

    /// Of a swarm with a secret, [stretched](Stretch).
    pub fn private(swarm: SwarmId, stretched: &[u8; 32]) -> Self {
        let mut material = Zeroizing::new([0; 52]);
        material[..20].copy_from_slice(&swarm.0);
        material[20..].copy_from_slice(stretched);
        Self::derive(&*material, true)
    }

    fn derive(material: &[u8], private: bool) -> Self {
        let root = Hkdf::<Sha512>::new(Some(b"easypeers swarm 1"), material);
        let expand = |info: &[u8], output: &mut [u8]| {
            root.expand(info, output).expect("a few bytes are fewer than HKDF-SHA512 can give");
        };
        let mut secret = Self {
            password: [0; 32],
            descriptions: [0; 32],
            messages: [0; 32],
            info_hash: InfoHash([0; 20]),
            private,
        };
        expand(b"admission", &mut secret.password);
        expand(b"descriptions", &mut secret.descriptions);
        expand(b"messages", &mut secret.messages);
        expand(b"info hash", &mut secret.info_hash.0);
        secret
    }

    /// What the trackers know the swarm by.
    pub fn info_hash(&self) -> InfoHash {
        self.info_hash
    }

    /// Whether it takes more than the topic to be a member.
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// What proofs of messages are bound to.
    pub fn tag(&self) -> SwarmTag {
        SwarmTag(self.messages)
    }

    /// PRS of CPace.
    pub(super) fn password(&self) -> &[u8; 32] {
        &self.password
    }

    /// Seals a session description for any member, in a context such as the offer it belongs to.
    pub fn seal_description(&self, context: &[u8], plain: &[u8], random: &mut Random) -> Vec<u8> {
        sealed::seal(&self.descriptions, context, plain, random)
    }

    /// Opens what a member sealed in the same context; `None` for anything else.
    pub fn open_description(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        sealed::open(&self.descriptions, context, sealed)
    }
}

impl fmt::Debug for SwarmSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SwarmSecret").field(&self.info_hash).finish()
    }
}

/// The slow function between a secret that people chose and the keys of a private swarm: scrypt (RFC 7914),
/// which costs memory as well as time, in slices short enough for the thread of a page.
#[derive(Debug)]
pub struct Stretch(Scrypt);

impl Stretch {
    /// N, r and p of scrypt: 16 MiB, five times over. One of the settings of equal strength that OWASP's
    /// Password Storage Cheat Sheet lists; the one whose memory a phone's page can spare.
    const COST: (usize, usize, usize) = (1 << 14, 8, 5);

    /// Steps in the whole, so that a share of it can be shown.
    pub const STEPS: usize = Self::COST.0 * (2 * Self::COST.2 + 1);

    /// Steps at a time, between two looks at a clock: 0.3 ms as WebAssembly on a desktop (measured, 5 µs a step),
    /// so that even a machine a hundred times slower notices in time that its user waits.
    pub const SLICE: usize = 64;

    /// Begins. The same secret gives different results in different swarms.
    pub fn new(secret: &str, swarm: SwarmId) -> Self {
        Self::with_cost(secret, swarm, Self::COST)
    }

    fn with_cost(secret: &str, swarm: SwarmId, cost: (usize, usize, usize)) -> Self {
        let salt = [b"easypeers secret 1", &swarm.0[..]].concat();
        Self(Scrypt::new(secret.as_bytes(), &salt, cost))
    }

    /// Does up to so many of the [`STEPS`](Self::STEPS); the result once all are done.
    pub fn step(&mut self, steps: usize) -> Option<Zeroizing<[u8; 32]>> {
        self.0.step(steps).then(|| self.0.output())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::hex::text;

    fn random() -> Random {
        Random::new([1; 32])
    }

    #[test]
    fn a_public_swarm_has_the_info_hash_of_its_identifier_and_a_private_one_does_not() {
        let swarm = SwarmId::of_topic("t");
        assert_eq!(SwarmSecret::public(swarm).info_hash(), swarm.info_hash());
        let private = SwarmSecret::private(swarm, &[7; 32]);
        assert_ne!(private.info_hash(), swarm.info_hash());
        assert_ne!(private.info_hash(), SwarmSecret::private(swarm, &[8; 32]).info_hash());
        assert_ne!(private.info_hash(), SwarmSecret::private(SwarmId::of_topic("u"), &[7; 32]).info_hash());
    }

    #[test]
    fn passwords_differ_by_swarm_and_by_secret() {
        let (t, u) = (SwarmId::of_topic("t"), SwarmId::of_topic("u"));
        let secrets = [
            SwarmSecret::public(t),
            SwarmSecret::public(u),
            SwarmSecret::private(t, &[7; 32]),
            SwarmSecret::private(t, &[8; 32]),
            SwarmSecret::private(u, &[7; 32]),
        ];
        let passwords: std::collections::BTreeSet<_> =
            secrets.iter().map(|secret| *secret.password()).collect();
        assert_eq!(passwords.len(), secrets.len());
    }

    #[test]
    fn everything_is_derived_as_documented() {
        // Python, with HKDF of hmac.digest(..., 'sha512').
        let swarm = SwarmId::of_topic("t");
        let (public, private) = (SwarmSecret::public(swarm), SwarmSecret::private(swarm, &[7; 32]));
        assert!(!public.is_private() && private.is_private());
        for (found, documented) in [
            (&public.password[..], "2c3ac2460d53b03643882c19377c0a936f8c8d1ac539ad37e98dbe834bf3bee2"),
            (&private.password, "6f3f01d432a0048f9c9ed46c3f98e2213e17c7ebed0860f5dc5dd069f1321b76"),
            (&private.descriptions, "fc23d76b06b0e8b9bf17c54e58b5e5339a0bc3785c176e2b20121e3f69777f14"),
            (&private.info_hash.0, "ce4432faed15ea8a1e18518731a4227c2fd8b437"),
        ] {
            assert_eq!(text(found), documented);
        }
    }

    #[test]
    fn a_secret_is_stretched_as_documented() {
        // Python: hashlib.scrypt('geheim ☂'.encode(), n=16, r=8, p=5, dklen=32,
        //     salt=b'easypeers secret 1' + hashlib.sha1(b'easypeers-t').digest())
        let mut stretch = Stretch::with_cost("geheim ☂", SwarmId::of_topic("t"), (16, 8, 5));
        assert!(stretch.step(16 * (2 * 5 + 1) - 1).is_none());
        let stretched = stretch.step(1).expect("all steps are done");
        assert_eq!(text(&*stretched), "16c074c8103cc7cbc2468c9573497847f8112042f4df0f2ce26d7c888f2b9a9f");
        // The true cost takes seconds in an unoptimised build.
        assert_eq!((Stretch::COST, Stretch::STEPS), ((1 << 14, 8, 5), 180_224));
    }

    #[test]
    fn members_open_descriptions_and_nobody_else_does() {
        let swarm = SwarmId::of_topic("t");
        let member = SwarmSecret::private(swarm, &[7; 32]);
        let sealed = member.seal_description(b"offer 1", b"v=0", &mut random());
        assert_eq!(member.open_description(b"offer 1", &sealed).as_deref(), Some(&b"v=0"[..]));
        assert_eq!(member.open_description(b"offer 2", &sealed), None);
        assert_eq!(SwarmSecret::private(swarm, &[8; 32]).open_description(b"offer 1", &sealed), None);
        assert_eq!(SwarmSecret::public(swarm).open_description(b"offer 1", &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(member.open_description(b"offer 1", &altered), None, "{bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(member.open_description(b"offer 1", &sealed[..length]), None, "{length}");
        }
    }

    #[test]
    fn debug_shows_the_info_hash_and_no_secret() {
        let secret = SwarmSecret::private(SwarmId::of_topic("t"), &[7; 32]);
        assert_eq!(format!("{secret:?}"), format!("SwarmSecret({:?})", secret.info_hash()));
        assert_eq!(
            format!("{:?}", Stretch::new("geheim", SwarmId::of_topic("t"))),
            "Stretch(Scrypt(0 of 180224))"
        );
    }
}
