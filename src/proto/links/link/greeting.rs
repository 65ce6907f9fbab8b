//! What two members say to each other before anything else: a Hello and a Confirm each.
//!
//! The words go through the channel, and those that were ready earlier came ahead of it, through the mesh.

use crate::proto::id::Address;
use crate::proto::identity::Identity;
use crate::proto::links::admission::{
    Abilities, Admission, AdmissionError, Admitted, Binding, Confirm, Hello,
};
use crate::proto::random::Random;
use crate::proto::secret::SwarmSecret;
use crate::proto::time::Instant;

/// What this peer proves and says of itself on a new link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) secret: &'a SwarmSecret,
    pub(crate) identity: &'a Identity,
    pub(crate) instance: [u8; 16],
    /// What it claims to be called in place of its address.
    pub(crate) claimed: Option<Address>,
    pub(crate) abilities: &'a Abilities,
    /// What time it has.
    pub(crate) now: Instant,
}

/// Words of a greeting that came through the mesh.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub(crate) hello: Hello,
    /// Theirs is here if ours was there.
    pub(crate) confirm: Option<Confirm>,
}

/// What the two ends of a new link said of other links between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) ours: bool,
    pub(crate) theirs: bool,
}

/// What the other side has to say next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaits {
    Hello,
    /// Their Hello is here and our Confirm is out.
    Confirm,
    /// They are proven: what is left is whether both keep the link.
    Nothing,
}

/// A greeting, from the descriptions to the admission.
#[derive(Debug)]
pub(super) struct Greeting {
    admission: Admission,
    awaits: Awaits,
    /// Our answer to the Hello that came ahead.
    ready: Option<Confirm>,
    /// What came ahead of the channel.
    ahead: Option<Ahead>,
    /// What we said of other links with them.
    linked: bool,
    /// Our answer to the Hello on the channel, until it goes.
    confirm: Option<Confirm>,
}

impl Greeting {
    pub(super) fn new(me: Member<'_>, binding: Binding<'_>, random: &mut Random) -> Self {
        let abilities = Abilities { clock: me.now.as_millis(), ..me.abilities.clone() };
        let (admission, _) =
            Admission::new(me.secret, me.identity, me.instance, me.claimed, &abilities, binding, random);
        Self { admission, awaits: Awaits::Hello, ready: None, ahead: None, linked: false, confirm: None }
    }

    /// Our first word.
    pub(super) fn hello(&self) -> &Hello {
        self.admission.hello()
    }

    pub(super) fn awaits(&self) -> Awaits {
        self.awaits
    }

    /// Their first word came ahead; our second one, which may go ahead, too.
    pub(super) fn answer_ahead(&mut self, hello: Hello, identity: &Identity) -> Option<Confirm> {
        let confirm = self.admission.receive(&hello, identity).ok()?;
        self.ready = Some(confirm.clone());
        self.ahead = Some(Ahead { hello, confirm: None });
        Some(confirm)
    }

    /// Both of their words came ahead.
    pub(super) fn handle_ahead(&mut self, hello: Hello, confirm: Confirm) {
        self.ahead = Some(Ahead { hello, confirm: Some(confirm) });
    }

    /// Whether words of theirs wait for the channel.
    pub(super) fn is_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    pub(super) fn take_ahead(&mut self) -> Option<Ahead> {
        self.ahead.take()
    }

    /// Makes our answer to their Hello. `linked`: what we say of other links with them.
    pub(super) fn confirm(
        &mut self,
        hello: &Hello,
        identity: &Identity,
        linked: bool,
    ) -> Result<(), AdmissionError> {
        let confirm = match self.ready.take() {
            Some(ready) => ready,
            None => self.admission.receive(hello, identity)?,
        };
        (self.awaits, self.linked, self.confirm) = (Awaits::Confirm, linked, Some(confirm));
        Ok(())
    }

    /// That answer, and what we say of other links with them, once.
    pub(super) fn take_confirm(&mut self) -> Option<(Confirm, bool)> {
        self.confirm.take().map(|confirm| (confirm, self.linked))
    }

    /// Their answer to our Hello. `linked`: what they say of other links with us.
    pub(super) fn finish(
        &mut self,
        confirm: &Confirm,
        linked: bool,
    ) -> Result<(Admitted, Linked), AdmissionError> {
        let admitted = self.admission.finish(confirm)?;
        self.awaits = Awaits::Nothing;
        Ok((admitted, Linked { ours: self.linked, theirs: linked }))
    }
}
