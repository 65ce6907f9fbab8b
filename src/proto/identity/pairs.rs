//! What two peers that talk agreed on, so that they do not work it out for each message.
//!
//! The key of a box follows from the keys of its two ends alone, so whoever keeps it gives away nothing that its own key
//! would not, and a box is the same as if it was worked out anew. It saves the time of two proofs.

use super::{Agreed, Identity, PublicKey};
use crate::proto::random::Random;

/// Those that this peer wrote to last, and those that wrote to it, each; the longest silent one is forgotten. Free keys that
/// write push out each other, and nobody that is written to.
const MAX_PAIRS: usize = 64;

/// Keys of boxes, of those that talk.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    written_to: Recent,
    heard: Recent,
}

/// In the order of their last use.
#[derive(Debug, Default)]
struct Recent(Vec<(PublicKey, Agreed)>);

impl Pairs {
    /// Seals a text to the owner of a key; `None` if that is no key.
    pub(crate) fn seal(
        &mut self,
        identity: &Identity,
        to: &PublicKey,
        context: &[u8],
        plain: &[u8],
        random: &mut Random,
    ) -> Option<Vec<u8>> {
        if let Some(known) = self.heard.take(to) {
            self.written_to.put(*to, known);
        }
        let agreed = self.written_to.last(identity, to)?;
        Some(identity.seal_agreed(agreed, context, plain, random))
    }

    /// Opens what the owner of a key sealed; `None` for anything else.
    pub(crate) fn open(
        &mut self,
        identity: &Identity,
        from: &PublicKey,
        context: &[u8],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        let among = if self.written_to.has(from) { &mut self.written_to } else { &mut self.heard };
        let agreed = among.last(identity, from)?;
        identity.open_agreed(agreed, context, sealed)
    }

    /// How many are remembered, of both kinds.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 2] {
        [self.written_to.0.len(), self.heard.0.len()]
    }
}

impl Recent {
    fn has(&self, key: &PublicKey) -> bool {
        self.0.iter().any(|(other, _)| other == key)
    }

    fn take(&mut self, key: &PublicKey) -> Option<Agreed> {
        let at = self.0.iter().position(|(other, _)| other == key)?;
        Some(self.0.remove(at).1)
    }

    fn put(&mut self, key: PublicKey, agreed: Agreed) {
        if self.0.len() >= MAX_PAIRS {
            self.0.remove(0);
        }
        self.0.push((key, agreed));
    }

    /// What was agreed with the owner of a key, who is the last one used from here on.
    fn last(&mut self, identity: &Identity, key: &PublicKey) -> Option<&Agreed> {
        let agreed = match self.take(key) {
            Some(agreed) => agreed,
            None => identity.agree(key)?,
        };
        self.put(*key, agreed);
        self.0.last().map(|(_, agreed)| agreed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(n: u8) -> Identity {
        Identity::from_secret([n; 32])
    }

    #[test]
    fn a_box_is_the_same_whether_its_key_was_kept() {
        let (a, b) = (who(1), who(2));
        let (mut ours, mut theirs) = (Pairs::default(), Pairs::default());
        let random = || Random::new([7; 32]);
        let alone = a.seal(&b.public_key(), b"context", b"plain", &mut random());
        for _ in 0..2 {
            let sealed = ours.seal(&a, &b.public_key(), b"context", b"plain", &mut random());
            assert_eq!(sealed, alone);
            let mut open = |context: &[u8]| theirs.open(&b, &a.public_key(), context, sealed.as_deref()?);
            assert_eq!((open(b"context"), open(b"other")), (Some(b"plain".to_vec()), None));
        }
        let back = theirs.seal(&b, &a.public_key(), b"", b"back", &mut random()).expect("a key");
        assert_eq!(ours.open(&a, &b.public_key(), b"", &back).as_deref(), Some(&b"back"[..]));
        assert_eq!(ours.open(&a, &who(3).public_key(), b"", &back), None);
        assert_eq!((ours.sizes(), theirs.sizes()), ([1, 1], [1, 0]));
        assert_eq!(ours.seal(&a, &PublicKey([0; 32]), b"", b"", &mut random()), None);
    }

    #[test]
    fn free_keys_that_write_push_out_nobody_that_is_written_to() {
        let (a, b) = (who(1), who(2));
        let mut pairs = Pairs::default();
        pairs.seal(&a, &b.public_key(), b"", b"", &mut Random::new([7; 32])).expect("a key");
        for n in 3..=250 {
            assert_eq!(pairs.open(&a, &who(n).public_key(), b"", &[0; 100]), None);
        }
        assert!(pairs.written_to.has(&b.public_key()));
        assert_eq!(pairs.sizes(), [1, MAX_PAIRS]);
    }
}
