//! Who a peer is: its settings, its keys, and the name it goes by.

use super::config::Config;
use super::id::Address;
use super::identity::Identity;
use super::links::admission::Abilities;
use super::links::link::Member;
use super::links::link::wire::TAKES_MORE;
use super::messaging::message::{Draft, Kind, Payload};
use super::random::Random;
use super::restart;
use super::secret::SwarmSecret;
use super::time::Instant;

/// This peer, to itself and to others.
#[derive(Debug)]
pub(crate) struct Me {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) secret: SwarmSecret,
    /// The hash of its key, and its place in the mesh.
    pub(crate) address: Address,
    /// Tells this run of the peer from earlier ones with the same identity.
    pub(crate) instance: [u8; 16],
    /// When it began.
    pub(crate) since: Instant,
    /// What it can do beyond the version.
    pub(crate) abilities: Abilities,
}

impl Me {
    pub(crate) fn new(config: Config, identity: Identity, random: &mut Random, since: Instant) -> Self {
        let address = identity.address();
        let secret = config.secret.clone().unwrap_or_else(|| SwarmSecret::public(config.swarm));
        let capabilities = TAKES_MORE | if config.restarts { restart::CAPABILITY } else { 0 };
        let abilities = Abilities { capabilities, ..Abilities::default() };
        Self { config, identity, secret, address, instance: random.bytes(), since, abilities }
    }

    /// What it proves and says of itself on a new link.
    pub(crate) fn member(&self, now: Instant) -> Member<'_> {
        let (secret, identity, instance) = (&self.secret, &self.identity, self.instance);
        Member { secret, identity, instance, claimed: self.claimed(), abilities: &self.abilities, now }
    }

    /// What it claims to be called, where that is not its address.
    pub(crate) fn claimed(&self) -> Option<Address> {
        self.config.address.filter(|claimed| *claimed != self.address)
    }

    /// What it goes by for the page and its messages.
    pub(crate) fn name(&self) -> Address {
        self.claimed().unwrap_or(self.address)
    }

    /// A message that is not signed yet.
    pub(crate) fn draft(
        &self,
        to: Option<Address>,
        kind: Kind,
        payload: Vec<u8>,
        random: &mut Random,
    ) -> Draft {
        let payload = Payload::from(payload);
        let (claimed, nonce, blinding) = (self.claimed(), random.bytes(), random.bytes());
        Draft { claimed, to, to_claimed: false, kind, nonce, blinding, payload }
    }
}
