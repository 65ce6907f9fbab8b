//! What two sides say to each other, and what comes of it.

use serde::{Deserialize, Serialize};

use super::cpace;
use crate::proto::codec;
use crate::proto::id::Address;
use crate::proto::identity::{Proof, PublicKey};

/// The first message of each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The version of the protocol that the sender speaks. It comes first in every version.
    pub version: u8,
    /// What the sender can do beyond its version, a bit each; unknown bits mean nothing.
    pub capabilities: u32,
    /// What the sender's clock shows, in milliseconds since the UNIX epoch.
    pub clock: u64,
    /// Names this run of the peer: an address that comes back after a reload has another.
    pub nonce: [u8; 16],
    /// The sender's identity.
    pub key: PublicKey,
    /// An address claimed in place of the one that the key proves.
    pub claimed: Option<Address>,
    /// The sender's share in CPace.
    pub share: [u8; 32],
    /// What a later version adds. Both sides prove it, whether they can read it or not.
    #[serde(serialize_with = "codec::write_bytes")]
    pub more: Vec<u8>,
}

/// What a peer can do beyond its version, and what time it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Abilities {
    /// See [`Hello::clock`].
    pub clock: u64,
    /// See [`Hello::capabilities`].
    pub capabilities: u32,
    /// See [`Hello::more`].
    pub more: Vec<u8>,
}

impl Hello {
    /// All of it, as CPace takes it: the share, and the rest as associated data.
    pub(super) fn message(&self) -> Vec<u8> {
        let claimed = self.claimed.as_ref().map_or(&[][..], |address| &address.0);
        let variable = cpace::lv_cat(&[claimed, &self.more]);
        let (capabilities, clock) = (self.capabilities.to_le_bytes(), self.clock.to_le_bytes());
        let rest: [&[u8]; 6] = [&[self.version], &capabilities, &clock, &self.nonce, &self.key.0, &variable];
        cpace::message(&self.share, &rest.concat())
    }
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
    /// The hash of its proven key.
    pub address: Address,
    /// What it claims to be called in place of that.
    pub claimed: Option<Address>,
    /// Its proven key.
    pub key: PublicKey,
    /// The nonce of its run.
    pub instance: [u8; 16],
    /// What its clock showed when it said Hello, in milliseconds since the UNIX epoch.
    pub clock: u64,
    /// What both can do beyond the version.
    pub capabilities: u32,
    /// The name of the connection, the same on both sides and known to nobody else.
    pub session: [u8; 32],
}

impl Admitted {
    /// What the peer goes by for the page.
    pub(crate) fn name(&self) -> Address {
        self.claimed.unwrap_or(self.address)
    }
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
