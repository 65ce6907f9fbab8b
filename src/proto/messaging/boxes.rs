//! What a direct message says, sealed to its recipient and opened again piece by piece, so that a large one blocks no page.
//!
//! ```text
//! blinding, plain text                     cut after each PIECE bytes
//! box of piece 0 | box of piece 1 | ...    the payload
//! ```
//!
//! Each box is sealed in the context of its place: the message's name, the number of the piece (u32), and 1 if it is the last
//! one, or 0. So no piece can stand for another, be left out, or follow the last one (as in STREAM: V. T. Hoang, R.
//! Reyhanitabar, P. Rogaway, D. Vizár, 2015). The digest in the header, which all on the way check, is of all boxes.

use blake3::Hasher;

use super::message::{BLINDING, Commitment, Message, Named, Payload, Unsigned, Verified};
use crate::proto::id::MessageId;
use crate::proto::identity::{Identity, Pairs, PublicKey};
use crate::proto::random::Random;
use crate::proto::sealed::SEALED;
use crate::proto::time::Instant;

/// Bytes in a box: some milliseconds of a slow phone.
pub(crate) const PIECE: usize = 256 << 10;

/// Bytes of the payload that carries so much of a text.
pub(crate) const fn sealed_size(plain: usize) -> usize {
    let inside = BLINDING + plain;
    inside + SEALED * inside.div_ceil(PIECE)
}

/// What a piece is sealed in.
pub(crate) fn context(id: &MessageId, number: usize, last: bool) -> [u8; 25] {
    let mut context = [0; 25];
    context[..20].copy_from_slice(&id.0);
    context[20..24].copy_from_slice(&(number as u32).to_le_bytes());
    context[24] = last.into();
    context
}

/// A message on its way into its boxes.
#[derive(Debug)]
pub(crate) struct Sealing {
    named: Named,
    to: PublicKey,
    /// Bytes of the blinding and the text that are sealed.
    at: usize,
    sealed: Vec<u8>,
    digest: Hasher,
}

impl Sealing {
    /// A message to the owner of a key, who is its recipient.
    pub(crate) fn new(named: Named, to: PublicKey) -> Self {
        let sealed = Vec::with_capacity(sealed_size(named.size()));
        Self { named, to, at: 0, sealed, digest: Hasher::new() }
    }

    pub(super) fn id(&self) -> MessageId {
        self.named.id
    }

    /// The message as it was before.
    pub(super) fn into_named(self) -> Named {
        self.named
    }

    /// Seals the next piece. `true`: it was the last one. `None`: there is no such key.
    pub(crate) fn step(
        &mut self,
        pairs: &mut Pairs,
        identity: &Identity,
        random: &mut Random,
    ) -> Option<bool> {
        let (blinding, plain) = (&self.named.draft.blinding, &self.named.draft.payload.0);
        let (at, whole) = (self.at, BLINDING + plain.len());
        let (end, number) = (whole.min(at + PIECE), at / PIECE);
        let context = context(&self.named.id, number, end == whole);
        let mut seal = |piece: &[u8]| pairs.seal(identity, &self.to, &context, piece, random);
        let sealed = match at {
            0 => seal(&[&blinding[..], &plain[..end - BLINDING]].concat()),
            _ => seal(&plain[at - BLINDING..end - BLINDING]),
        }?;
        self.digest.update(&sealed);
        self.sealed.extend_from_slice(&sealed);
        self.at = end;
        Some(end == whole)
    }

    /// The message, sealed.
    pub(crate) fn ready(mut self, identity: &Identity, now: Instant) -> Unsigned {
        self.named.draft.to = Some(self.to.address());
        self.named.ready_with(Payload::from(self.sealed), self.digest.finalize().into(), identity, now)
    }
}

/// A message that is opened.
#[derive(Debug)]
pub(crate) struct Opening {
    message: Verified<Message>,
    /// Bytes of the payload that are opened.
    at: usize,
    plain: Vec<u8>,
    commitment: Hasher,
}

impl Opening {
    pub(crate) fn new(message: Verified<Message>) -> Self {
        let plain = Vec::with_capacity(message.payload.0.len());
        Self { message, at: 0, plain, commitment: Hasher::new() }
    }

    pub(super) fn id(&self) -> MessageId {
        self.message.id
    }

    /// Bytes that it holds.
    pub(super) fn size(&self) -> usize {
        self.message.payload.0.len()
    }

    /// Opens the next piece. `true`: it was the last one. `None`: it was not sealed to this identity, in this place.
    pub(crate) fn step(&mut self, pairs: &mut Pairs, identity: &Identity) -> Option<bool> {
        let (from, sealed) = (&self.message.header.key, &self.message.payload.0);
        let end = sealed.len().min(self.at + PIECE + SEALED);
        let last = end == sealed.len();
        let context = context(&self.message.id, self.at / (PIECE + SEALED), last);
        let opened = pairs.open(identity, from, &context, &sealed[self.at..end])?;
        self.commitment.update(&opened);
        let hidden = if self.at == 0 { BLINDING } else { 0 };
        self.plain.extend_from_slice(opened.get(hidden..)?);
        self.at = end;
        Some(last)
    }

    /// The message, and its text if that is what its name says.
    pub(crate) fn opened(self) -> Option<(Verified<Message>, Vec<u8>)> {
        let commitment = Commitment(self.commitment.finalize().into());
        (self.message.header.commitment == Some(commitment)).then_some((self.message, self.plain))
    }
}

/// All pieces at once.
#[cfg(test)]
impl Named {
    pub(crate) fn seal(
        self,
        to: &PublicKey,
        pairs: &mut Pairs,
        identity: &Identity,
        random: &mut Random,
        now: Instant,
    ) -> Option<Unsigned> {
        let mut sealing = Sealing::new(self, *to);
        while !sealing.step(pairs, identity, random)? {}
        Some(sealing.ready(identity, now))
    }
}

#[cfg(test)]
impl Verified<Message> {
    pub(crate) fn open(&self, pairs: &mut Pairs, identity: &Identity) -> Option<Vec<u8>> {
        let mut opening = Opening::new(self.clone());
        while !opening.step(pairs, identity)? {}
        opening.opened().map(|(_, plain)| plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::messaging::message::{Draft, Kind};
    use crate::proto::secret::SwarmTag;

    fn who(n: u8) -> Identity {
        Identity::from_secret([n; 32])
    }

    fn text(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at / 1000) as u8).collect()
    }

    fn sealed(plain: &[u8]) -> Verified<Message> {
        let (a, b) = (who(1), who(2));
        let (nonce, blinding, payload) = ([7; 16], [8; BLINDING], Payload::from(plain));
        let to = Some(b.address());
        let draft =
            Draft { claimed: None, to, to_claimed: false, kind: Kind::Page, nonce, blinding, payload };
        let (random, pairs, now) =
            (&mut Random::new([1; 32]), &mut Pairs::default(), Instant::from_millis(5));
        let sealed = draft.named(&a).seal(&b.public_key(), pairs, &a, random, now).expect("a key");
        sealed.sign(&a, &SwarmTag::of_topic("t"))
    }

    fn open(message: &Verified<Message>) -> Option<Vec<u8>> {
        message.open(&mut Pairs::default(), &who(2))
    }

    #[test]
    fn a_text_of_any_length_is_opened_as_it_was_and_is_as_large_as_promised() {
        for bytes in
            [0, 1, PIECE - BLINDING - 1, PIECE - BLINDING, PIECE - BLINDING + 1, 3 * PIECE, 3 * PIECE + 7]
        {
            let message = sealed(&text(bytes));
            assert!(message.header().with(message.payload.clone()).is_some(), "the digest is of all of it");
            assert_eq!(message.payload.0.len(), sealed_size(bytes), "{bytes} bytes");
            assert_eq!(open(&message), Some(text(bytes)), "{bytes} bytes");
        }
    }

    /// By the box that stands where it should not, before the commitment is looked at.
    #[test]
    fn pieces_cannot_be_left_out_swapped_added_or_cut() {
        let message = sealed(&text(3 * PIECE - BLINDING));
        let boxes: Vec<_> = message.payload.0.chunks(PIECE + SEALED).collect();
        let [first, second, third] = boxes[..] else { panic!("three boxes") };
        let opens = |order: &[&[u8]]| {
            let altered = message.clone().altered(|message| message.payload = Payload::from(order.concat()));
            let (mut opening, mut pairs) = (Opening::new(altered), Pairs::default());
            while let Some(last) = opening.step(&mut pairs, &who(2)) {
                if last {
                    return true;
                }
            }
            false
        };
        assert!(opens(&[first, second, third]));
        for order in [
            &[first, second][..],
            &[first, third],
            &[second, third],
            &[second, first, third],
            &[first, second, second, third],
            &[first, second, third, third],
            &[third],
            &[],
            &[first, second, &third[1..]],
        ] {
            assert!(!opens(order), "{:?}", order.iter().map(|sealed| sealed.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn whoever_has_the_key_cannot_make_another_text_of_it() {
        let message = sealed(b"yes");
        let inside = [&[8; BLINDING][..], b"no!"].concat();
        let context = context(&message.id, 0, true);
        let other = who(1).seal(&who(2).public_key(), &context, &inside, &mut Random::new([1; 32]));
        assert_eq!(
            open(&message.altered(|message| message.payload = Payload::from(other.expect("a key")))),
            None
        );
    }
}
