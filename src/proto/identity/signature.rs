//! One proof for all that is said at once.
//!
//! A proof costs as much time as a hundred hashes. So it is made of the root of a tree whose leaves are the hashes of what is
//! said (R. Merkle, *A digital signature based on a conventional encryption function*, CRYPTO '87), and each statement takes
//! its own way to the root along (C. K. Wong and S. S. Lam, *Digital signatures for flows and multicasts*, ICNP '98): every
//! one can be checked without the others, and whoever checks several of one tree checks its proof once. What is said alone is
//! a tree of one leaf.

use std::collections::VecDeque;
use std::iter::successors;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Identity, Proof, PublicKey};
use crate::proto::map::Set;

/// Most levels of a tree.
const MAX_DEPTH: usize = 8;
/// Most statements of one tree.
pub(crate) const MAX_LEAVES: usize = 1 << MAX_DEPTH;
/// Roots remembered whose proofs hold; the oldest is forgotten. A guess: what a thousand peers say at once.
const MAX_ROOTS: usize = 1024;

/// A node of a tree: the first half of a SHA-256.
///
/// To put another statement under somebody's proof takes a second preimage: 2^128 hashes, as much as to find its key. Who
/// finds two statements with one hash, for 2^64, can sign both anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Node([u8; 16]);

impl Node {
    fn hash(kind: u8, parts: [&[u8]; 2]) -> Self {
        let hash =
            parts.iter().fold(Sha256::new().chain_update([kind]), |hash, part| hash.chain_update(part));
        let mut node = [0; 16];
        node.copy_from_slice(&hash.finalize()[..16]);
        Self(node)
    }

    fn leaf(statement: &[u8]) -> Self {
        Self::hash(0, [statement, &[]])
    }

    fn over(left: Self, right: Self) -> Self {
        Self::hash(1, [&left.0, &right.0])
    }

    /// What stands where there is no statement.
    const NONE: Self = Self([0; 16]);
}

/// The proof of a tree, and the way of one statement to its root.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Signature {
    proof: Proof,
    /// Which leaf it is.
    place: u8,
    /// The nodes beside its way, from the leaf up.
    path: Vec<Node>,
}

impl Identity {
    /// Signs what is said at once: one proof for [`MAX_LEAVES`] statements.
    pub(crate) fn sign_all(&self, domain: &'static str, statements: &[Vec<u8>]) -> Vec<Signature> {
        statements.chunks(MAX_LEAVES).flat_map(|tree| self.sign_tree(domain, tree)).collect()
    }

    /// Signs what is said alone.
    pub(crate) fn sign(&self, domain: &'static str, statement: &[u8]) -> Signature {
        let proof = self.prove(domain, &Node::leaf(statement).0);
        Signature { proof, place: 0, path: Vec::new() }
    }

    fn sign_tree(&self, domain: &'static str, statements: &[Vec<u8>]) -> Vec<Signature> {
        let mut leaves: Vec<_> = statements.iter().map(|statement| Node::leaf(statement)).collect();
        leaves.resize(leaves.len().next_power_of_two(), Node::NONE);
        let above = |level: &Vec<Node>| -> Option<Vec<Node>> {
            (level.len() > 1).then(|| level.chunks(2).map(|pair| Node::over(pair[0], pair[1])).collect())
        };
        let levels: Vec<_> = successors(Some(leaves), above).collect();
        let (root, below) = levels.split_last().expect("the leaves are one level");
        let proof = self.prove(domain, &root[0].0);
        let sign = |place: usize| {
            let path = below.iter().enumerate().map(|(height, level)| level[(place >> height) ^ 1]).collect();
            Signature { proof, place: u8::try_from(place).expect("a tree has 256 leaves at most"), path }
        };
        (0..statements.len()).map(sign).collect()
    }
}

impl Signature {
    /// The root above a statement. `None`: its way is none.
    fn root(&self, statement: &[u8]) -> Option<Node> {
        let depth = self.path.len();
        if depth > MAX_DEPTH || usize::from(self.place) >> depth != 0 {
            return None;
        }
        let up = |node, (height, &beside): (usize, &Node)| match self.place >> height & 1 {
            0 => Node::over(node, beside),
            _ => Node::over(beside, node),
        };
        Some(self.path.iter().enumerate().fold(Node::leaf(statement), up))
    }

    /// What is left to check: whether the owner of a key proved the root above a statement in this domain.
    pub(crate) fn claim(&self, key: &PublicKey, domain: &'static str, statement: &[u8]) -> Option<Claim> {
        let root = self.root(statement)?;
        Some(Claim { domain, root, key: *key, proof: self.proof, shared: !self.path.is_empty() })
    }
}

/// That the owner of a key proved a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Claim {
    domain: &'static str,
    root: Node,
    key: PublicKey,
    proof: Proof,
    /// Whether there may be others of the same root.
    shared: bool,
}

impl Claim {
    /// Checks the proof.
    pub(crate) fn holds(&self) -> bool {
        self.key.verify(self.domain, &self.root.0, &self.proof)
    }
}

/// Claims that hold, for the next statements under the same roots.
///
/// Whoever wants to push one out has as many proofs of its own checked, within its budgets, as fit in here; and then the next
/// statement under that root costs a proof again, and no more.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    held: Set<Claim>,
    /// In the order in which they came.
    order: VecDeque<Claim>,
}

impl Roots {
    /// Whether a claim was checked before, and holds.
    pub(crate) fn know(&self, claim: &Claim) -> bool {
        self.held.contains(claim)
    }

    /// Checks a claim, once.
    pub(crate) fn check(&mut self, claim: &Claim) -> bool {
        if self.know(claim) {
            return true;
        }
        let holds = claim.holds();
        if holds && claim.shared && self.held.insert(*claim) {
            self.order.push_back(*claim);
            if self.order.len() > MAX_ROOTS {
                self.order.pop_front().map(|oldest| self.held.remove(&oldest));
            }
        }
        holds
    }

    /// How many it holds.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn len(&self) -> usize {
        assert_eq!(self.held.len(), self.order.len());
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: &str = "test";

    fn who(n: u8) -> Identity {
        Identity::from_secret([n; 32])
    }

    fn statements(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| format!("statement {n}").into_bytes()).collect()
    }

    fn holds(signature: &Signature, of: &Identity, statement: &[u8]) -> bool {
        signature.claim(&of.public_key(), DOMAIN, statement).is_some_and(|claim| claim.holds())
    }

    #[test]
    fn each_statement_of_a_tree_holds_alone_and_no_other_in_its_place() {
        for count in [1, 2, 3, 5, 8, 256] {
            let (said, me) = (statements(count), who(1));
            let signatures = me.sign_all(DOMAIN, &said);
            assert_eq!(signatures.len(), count);
            for at in [0, count / 2, count - 1] {
                assert!(holds(&signatures[at], &me, &said[at]), "{at} of {count}");
                assert!(!holds(&signatures[at], &who(2), &said[at]), "another key");
                assert!(!holds(&signatures[at], &me, b"another"), "another statement");
                let moved = &signatures[(at + 1) % count];
                assert!(count == 1 || !holds(moved, &me, &said[at]), "another place");
                assert!(
                    !signatures[at]
                        .claim(&me.public_key(), "tes", &said[at])
                        .is_some_and(|claim| claim.holds())
                );
            }
            let depth = count.next_power_of_two().ilog2() as usize;
            assert!(signatures.iter().all(|signature| signature.path.len() == depth));
        }
    }

    #[test]
    fn more_than_one_tree_takes_are_several() {
        let (said, me) = (statements(MAX_LEAVES + 1), who(1));
        let signatures = me.sign_all(DOMAIN, &said);
        assert!(said.iter().zip(&signatures).all(|(said, signature)| holds(signature, &me, said)));
        assert_ne!(signatures[0].proof, signatures[MAX_LEAVES].proof);
        assert_eq!(signatures[0].proof, signatures[MAX_LEAVES - 1].proof);
    }

    #[test]
    fn what_is_said_alone_is_a_tree_of_one() {
        assert_eq!(who(1).sign(DOMAIN, b"x"), who(1).sign_all(DOMAIN, &[b"x".to_vec()])[0]);
    }

    #[test]
    fn no_bit_of_a_signature_can_be_changed() {
        let (said, me) = (statements(5), who(1));
        let whole = me.sign_all(DOMAIN, &said)[2].clone();
        for bit in 0..8 {
            let place = whole.place ^ 1 << bit;
            assert!(!holds(&Signature { place, ..whole.clone() }, &me, &said[2]), "bit {bit} of its place");
        }
        for (node, bit) in (0..3).flat_map(|node| (0..128).map(move |bit| (node, bit))) {
            let mut path = whole.path.clone();
            path[node].0[bit / 8] ^= 1 << (bit % 8);
            assert!(!holds(&Signature { path, ..whole.clone() }, &me, &said[2]), "bit {bit} of node {node}");
        }
        let shorter = Signature { path: whole.path[..2].to_vec(), ..whole.clone() };
        let longer = Signature { path: [&whole.path[..], &[Node::NONE]].concat(), ..whole.clone() };
        assert!(!holds(&shorter, &me, &said[2]) && !holds(&longer, &me, &said[2]));
        let endless = Signature { path: vec![Node::NONE; MAX_DEPTH + 1], ..whole };
        assert_eq!(endless.claim(&me.public_key(), DOMAIN, &said[2]), None);
    }

    /// A node above two leaves is no leaf, whatever is said.
    #[test]
    fn what_is_inside_a_tree_is_no_statement() {
        let (said, me) = (statements(4), who(1));
        let whole = me.sign_all(DOMAIN, &said)[0].clone();
        let inside = [Node::leaf(&said[0]).0, Node::leaf(&said[1]).0].concat();
        let above = Signature { path: whole.path[1..].to_vec(), ..whole };
        assert!(!holds(&above, &me, &inside));
    }

    #[test]
    fn the_proof_of_a_tree_is_checked_once_and_only_as_it_is() {
        let (said, me, mut roots) = (statements(3), who(1), Roots::default());
        let signatures = me.sign_all(DOMAIN, &said);
        let claim = |at: usize| signatures[at].claim(&me.public_key(), DOMAIN, &said[at]).expect("a way");
        assert!(!roots.know(&claim(1)) && roots.check(&claim(0)) && roots.know(&claim(1)));
        // Another proof of the same root is not known: it would be passed on to those who do not know the root.
        let mut forged = signatures[1].clone();
        forged.proof.response[0] ^= 1;
        let forged = forged.claim(&me.public_key(), DOMAIN, &said[1]).expect("a way");
        assert!(!roots.know(&forged) && !roots.check(&forged));
        let alone = me.sign(DOMAIN, b"x").claim(&me.public_key(), DOMAIN, b"x").expect("a way");
        assert!(roots.check(&alone) && !roots.know(&alone), "nothing more comes under that root");
    }

    #[test]
    fn the_oldest_roots_are_forgotten() {
        let mut roots = Roots::default();
        let claim = |n: usize| {
            let (me, said) = (who(1), [format!("{n}").into_bytes(), Vec::new()]);
            me.sign_all(DOMAIN, &said)[0].claim(&me.public_key(), DOMAIN, &said[0]).expect("a way")
        };
        (0..=MAX_ROOTS).for_each(|n| assert!(roots.check(&claim(n))));
        assert_eq!(roots.len(), MAX_ROOTS);
        assert!(!roots.know(&claim(0)) && roots.know(&claim(1)) && roots.know(&claim(MAX_ROOTS)));
    }
}
