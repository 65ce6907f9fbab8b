//! What the worlds that drive peers in virtual time share: how a peer is driven and looked through, and what connections
//! and trackers look like to it.
//!
//! There are three. `sim` has thousands of peers on a network with latency, loss and limits. The tests of `proto::peer`
//! have a handful, and lay hands on all that passes between them. `proto::fuzz` has one, and remotes that may say
//! anything. Networks, clocks and what a tracker does with an announce are theirs.
//!
//! Nothing of this is in a build for the web.

pub(crate) mod description;
pub(crate) mod tracker;

use crate::proto::{Input, Instant, Output, Peer};

/// A peer that says more than this in one breath talks for ever.
const MAX_OUTPUTS: usize = 1_000_000;

/// What a peer has to say.
pub(crate) struct Said {
    /// What its world must do, in order.
    pub(crate) outputs: Vec<Output>,
    /// When it wants to be woken.
    pub(crate) due: Option<Instant>,
}

/// Tells a peer what its world did.
pub(crate) fn tell(peer: &mut Peer, input: Input, now: Instant) -> Said {
    let wakes = input == Input::Timeout;
    let ((), said) = drive(peer, now, |peer, now| peer.handle(input, now));
    let rests = said.due.is_none_or(|due| due > now);
    let what = peer.next_timeout().map(|(_, what)| what);
    assert!(rests || !wakes, "{} wants to be woken again at the same moment for {what:?}", peer.address());
    said
}

/// Lets a caller do something with a peer, and takes down what it has to say.
pub(crate) fn drive<T>(
    peer: &mut Peer,
    now: Instant,
    act: impl FnOnce(&mut Peer, Instant) -> T,
) -> (T, Said) {
    let done = act(peer, now);
    (done, listen(peer, now))
}

/// Takes down what a peer has to say, and looks through all that it holds: in an optimized build, which is for large
/// swarms, not whether every table is bounded.
pub(crate) fn listen(peer: &mut Peer, now: Instant) -> Said {
    let mut outputs = Vec::new();
    while let Some(output) = peer.poll_output() {
        assert!(outputs.len() < MAX_OUTPUTS, "{} does not stop talking", peer.address());
        outputs.push(output);
    }
    peer.assert_consistent(now);
    if cfg!(debug_assertions) {
        peer.assert_bounded();
    }
    let (due, config) = (peer.poll_timeout(), peer.config());
    let seeks = !peer.is_closed() && !config.locked && !config.trackers.is_empty();
    assert!(due.is_some() || !seeks, "{} waits for nothing", peer.address());
    Said { outputs, due }
}

/// A good scrambler of 64 bits (splitmix64's finalizer).
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
