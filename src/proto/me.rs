//! Who a peer is: its settings, its keys, and the name it goes by.

use super::config::Config;
use super::id::Address;
use super::identity::Identity;
use super::links::admission::Abilities;
use super::links::link::Member;
use super::messaging::message::{Draft, Kind, Payload};
use super::random::Random;
use super::secret::SwarmSecret;

/// This peer, to itself and to others.
#[derive(Debug)]
pub(crate) struct Me {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) secret: SwarmSecret,
    pub(crate) address: Address,
    /// Tells this run of the peer from earlier ones with the same identity.
    pub(crate) instance: [u8; 16],
    /// What it can do beyond the version: nothing yet.
    pub(crate) abilities: Abilities,
}

impl Me {
    pub(crate) fn new(config: Config, identity: Identity, random: &mut Random) -> Self {
        let address = config.address.unwrap_or(identity.address());
        let secret = config.secret.clone().unwrap_or_else(|| SwarmSecret::public(config.swarm));
        let abilities = Abilities::default();
        Self { config, identity, secret, address, instance: random.bytes(), abilities }
    }

    /// What it proves and says of itself on a new link.
    pub(crate) fn member(&self) -> Member<'_> {
        let (secret, identity, instance) = (&self.secret, &self.identity, self.instance);
        Member { secret, identity, instance, address: self.address, abilities: &self.abilities }
    }

    /// Its address, where that is not the one that its key proves.
    pub(crate) fn claimed(&self) -> Option<Address> {
        self.config.address.filter(|claimed| *claimed != self.identity.address())
    }

    /// A message that is not signed yet.
    pub(crate) fn draft(
        &self,
        to: Option<Address>,
        kind: Kind,
        payload: Vec<u8>,
        random: &mut Random,
    ) -> Draft {
        let payload = Payload(payload.into());
        Draft { claimed: self.claimed(), to, kind, nonce: random.bytes(), payload }
    }
}
