//! The 20-byte names of things: peers, swarms, messages, offers.
//!
//! Each is a newtype, so that the compiler keeps them apart; all print as 40 hex digits, and in `{:?}` as
//! the first eight. Trackers want them as a JSON string of twenty code points U+0000..U+00FF, the
//! "binary string" of bittorrent-tracker.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::hex;

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not exactly 40 hexadecimal digits.
    #[error("expected 40 hexadecimal digits")]
    NotHex,
    /// Not exactly 20 code points below U+0100.
    #[error("expected a binary string of 20 characters")]
    NotBinary,
}

fn from_binary(text: &str) -> Result<[u8; 20], IdError> {
    let mut bytes = [0; 20];
    let mut chars = text.chars();
    for byte in &mut bytes {
        let code = chars.next().ok_or(IdError::NotBinary)?;
        *byte = u8::try_from(u32::from(code)).map_err(|_| IdError::NotBinary)?;
    }
    if chars.next().is_some() { Err(IdError::NotBinary) } else { Ok(bytes) }
}

/// An id as a number of 160 bits.
pub(crate) fn number(bytes: &[u8; 20]) -> (u128, u32) {
    let (high, low) = bytes.split_at(16);
    let (high, low) = (high.try_into().unwrap_or_default(), low.try_into().unwrap_or_default());
    (u128::from_be_bytes(high), u32::from_be_bytes(low))
}

/// The order of the arrays. Comparing numbers is faster, a sixth of what a simulation takes, and costs visitors a
/// kilobyte.
fn order(a: &[u8; 20], b: &[u8; 20]) -> Ordering {
    if cfg!(feature = "sim") { number(a).cmp(&number(b)) } else { a.cmp(b) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; 20]);

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                order(&self.0, &other.0)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// Reads 40 hexadecimal digits, upper or lower case.
            pub fn from_hex(text: &str) -> Result<Self, IdError> {
                hex::array(text).map(Self).ok_or(IdError::NotHex)
            }

            /// Reads a tracker's binary string: 20 code points, each one byte.
            pub fn from_binary(text: &str) -> Result<Self, IdError> {
                from_binary(text).map(Self)
            }

            /// Writes a tracker's binary string.
            pub fn to_binary(self) -> String {
                self.0.iter().map(|&byte| char::from(byte)).collect()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::text(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::text(&self.0[..4]))
            }
        }
    };
}

id! {
    /// A peer's address: SHA-1 of its public key, a point on the address ring. Or what its user claims in place of it, which is no
    /// point of anything.
    Address
}
id! {
    /// A swarm's identifier: SHA-1 of `easypeers-` and the topic. Known to members, not to trackers.
    SwarmId
}
id! {
    /// What the trackers know a swarm by: a one-way function of its identifier.
    InfoHash
}
id! {
    /// A message's name: SHA-1 of its nonce, its maker's key, what that goes by, and its content.
    MessageId
}
id! {
    /// The name of one offer handed to a tracker.
    OfferId
}
id! {
    /// The name a peer uses towards one tracker, fresh for each socket; not its address.
    TrackerPeerId
}

impl SwarmId {
    /// The identifier of a topic.
    pub fn of_topic(topic: &str) -> Self {
        Self(Sha1::new().chain_update("easypeers-").chain_update(topic).finalize().into())
    }

    /// What the trackers see. It has a domain of its own, so a tracker cannot tell the identifier, and
    /// swarms of other WebTorrent applications on the same topic never meet ours.
    pub fn info_hash(&self) -> InfoHash {
        InfoHash(Sha1::new().chain_update("easypeers info hash 1").chain_update(self.0).finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_their_bytes() {
        let arrays = [0, 7, 8, 15, 16, 19]
            .map(|at| std::array::from_fn(|i| if i == at { 1 } else { 0x80 * u8::from(i > at) }));
        for a in arrays {
            for b in arrays {
                assert_eq!(Address(a).cmp(&Address(b)), a.cmp(&b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn an_identifier_is_the_sha1_of_the_prefixed_topic() {
        // printf 'easypeers-Some unique topic' | sha1sum
        assert_eq!(
            SwarmId::of_topic("Some unique topic").to_string(),
            "4addf5878b491bc384c5a6597db498ab4a83a4e7"
        );
    }

    #[test]
    fn an_info_hash_does_not_show_the_identifier() {
        let swarm = SwarmId::of_topic("t");
        assert_ne!(swarm.info_hash().0, swarm.0);
        assert_ne!(swarm.info_hash(), SwarmId::of_topic("u").info_hash());
    }

    #[test]
    fn hex_round_trips_and_refuses_everything_else() {
        let id = Address(std::array::from_fn(|i| i as u8 * 13));
        assert_eq!(Address::from_hex(&id.to_string()), Ok(id));
        assert_eq!(Address::from_hex(&id.to_string().to_uppercase()), Ok(id));
        for bad in ["", "12", &"g".repeat(40), &"0".repeat(41), &"é".repeat(20)] {
            assert_eq!(Address::from_hex(bad), Err(IdError::NotHex), "{bad}");
        }
    }

    #[test]
    fn binary_strings_round_trip_every_byte() {
        for start in 0..=255u8 {
            let id = OfferId(std::array::from_fn(|i| start.wrapping_add(i as u8)));
            assert_eq!(OfferId::from_binary(&id.to_binary()), Ok(id));
        }
        for bad in ["", &"a".repeat(19), &"a".repeat(21), &"\u{100}".repeat(20)] {
            assert_eq!(OfferId::from_binary(bad), Err(IdError::NotBinary), "{bad}");
        }
    }
}
