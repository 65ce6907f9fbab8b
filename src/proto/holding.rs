//! Who holds an address, told to another run of the same identity.
//!
//! Two pages may have one identity, and with it one place in the mesh; only one can be there. Who was there first and
//! answers keeps it. The other one has to be shown that by somebody with its own key, and for its own run: a word of anybody
//! else would be a way to drive a page from its address.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::identity::{Identity, Proof, PublicKey};
use super::secret::SwarmTag;

/// What its proof is for.
const DOMAIN: &str = "easypeers holding 2";
/// Two that came this soon after each other came at the same time: a word on its way makes its sender look younger.
const TOGETHER: Duration = Duration::from_millis(500);

/// "I am here, and have been for so long", said to one other run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Holding {
    /// The run that says so.
    pub(crate) instance: [u8; 16],
    /// The run that it is said to.
    pub(crate) rival: [u8; 16],
    /// For how many milliseconds it has been here.
    pub(crate) held: u64,
    proof: Proof,
}

impl Holding {
    /// Says so.
    pub(crate) fn prove(
        identity: &Identity,
        swarm: &SwarmTag,
        instance: [u8; 16],
        rival: [u8; 16],
        held: Duration,
    ) -> Self {
        let held = u64::try_from(held.as_millis()).unwrap_or(u64::MAX);
        let proof = identity.prove(DOMAIN, &statement(swarm, &instance, &rival, held));
        Self { instance, rival, held, proof }
    }

    /// Whether the owner of a key says so.
    pub(crate) fn is_of(&self, key: &PublicKey, swarm: &SwarmTag) -> bool {
        key.verify(DOMAIN, &statement(swarm, &self.instance, &self.rival, self.held), &self.proof)
    }

    /// Whether it goes before a run that has been here for so long. Of two that came together the lower one does, so that
    /// both say the same.
    pub(crate) fn goes_before(&self, instance: &[u8; 16], held: Duration) -> bool {
        let theirs = Duration::from_millis(self.held);
        if theirs.abs_diff(held) <= TOGETHER { self.instance < *instance } else { theirs > held }
    }
}

fn statement(swarm: &SwarmTag, instance: &[u8; 16], rival: &[u8; 16], held: u64) -> Vec<u8> {
    [&swarm.0[..], instance, rival, &held.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_by_one_key_in_one_swarm_of_one_run_to_another() {
        let [who, thief] = [3, 4].map(|n| Identity::from_secret([n; 32]));
        let [swarm, another] = ["t", "u"].map(SwarmTag::of_topic);
        let said = Holding::prove(&who, &swarm, [1; 16], [2; 16], Duration::from_secs(9));
        assert!(said.is_of(&who.public_key(), &swarm));
        assert!(!said.is_of(&thief.public_key(), &swarm));
        assert!(!said.is_of(&who.public_key(), &another));
        for altered in [
            Holding { instance: [9; 16], ..said },
            Holding { rival: [9; 16], ..said },
            Holding { held: said.held + 1, ..said },
        ] {
            assert!(!altered.is_of(&who.public_key(), &swarm), "{altered:?}");
        }
    }

    #[test]
    fn of_two_runs_one_goes_before_the_other() {
        let seconds = Duration::from_secs;
        let who = Identity::from_secret([3; 32]);
        let said =
            |instance, held| Holding::prove(&who, &SwarmTag::of_topic("t"), [instance; 16], [0; 16], held);
        for (a, b) in [
            (seconds(60), seconds(1)),
            (seconds(1), seconds(60)),
            (seconds(9), seconds(9)),
            (seconds(9), Duration::from_millis(8600)),
        ] {
            let (first, second) = (said(1, a).goes_before(&[2; 16], b), said(2, b).goes_before(&[1; 16], a));
            assert_ne!(first, second, "{a:?} {b:?}");
        }
        assert!(said(2, seconds(60)).goes_before(&[1; 16], seconds(1)), "who is here for longer");
    }
}
