//! Messages: the page's on their way out ([`outgoing`]), everybody's on their way through and in ([`incoming`]).

use super::clock::Shift;
use super::context::{Context, Effect};
use super::id::{Address, MessageId};
use super::io::DeliveryFailure;
use super::limits::{self, Bucket};
use super::links::link::Packet;
use super::neighborhood::Neighborhood;
use super::time::{Instant, soonest};

mod acknowledged;
pub(crate) mod boxes;
pub(crate) mod broadcast;
pub(crate) mod direct;
mod incoming;
pub(crate) mod message;
mod outgoing;
mod progress;
pub(crate) mod replay;
mod toil;

use acknowledged::Acknowledged;
use broadcast::{Broadcast, Spread};
use direct::{Acknowledgement, Direct, Due, Paths};
pub(crate) use incoming::{assemble, check};
use outgoing::Outgoing;
use progress::Progress;
use replay::Recent;
use toil::Toil;

/// All messages of one peer, and of others through it.
#[derive(Debug)]
pub(crate) struct Messaging {
    broadcast: Broadcast,
    direct: Direct,
    /// The page's messages on their way.
    outgoing: Outgoing,
    /// Direct messages that were delivered.
    recent: Recent,
    /// What was said of them.
    acknowledged: Acknowledged,
    /// What is to be said of those that arrived since, and the hashes of their headers.
    to_acknowledge: Vec<(Acknowledgement, [u8; 32])>,
    /// When, if not at once.
    acknowledge_at: Option<Instant>,
    /// How many proofs may be made for that.
    proofs: Bucket,
    progress: Progress,
    /// Large messages that are sealed and opened.
    toil: Toil,
}

impl Messaging {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            broadcast: Broadcast::new(now),
            direct: Direct::default(),
            outgoing: Outgoing::new(now),
            recent: Recent::default(),
            acknowledged: Acknowledged::default(),
            to_acknowledge: Vec::new(),
            acknowledge_at: None,
            proofs: Bucket::new(incoming::PROOFS, now),
            progress: Progress::default(),
            toil: Toil::default(),
        }
    }

    /// The swarm's time is another than was believed.
    pub(crate) fn set_shift(&mut self, shift: Shift) {
        self.broadcast.set_shift(shift);
    }

    // Neighbors come and go.

    pub(crate) fn handle_linked(&mut self, neighbor: Address, cx: &mut Context<'_>) {
        self.broadcast.handle_linked(neighbor, cx.now);
    }

    /// The link to a neighbor gave way to another: what the old one had not brought is offered on the new one.
    pub(crate) fn handle_relinked(&mut self, neighbor: Address, cx: &mut Context<'_>) {
        self.broadcast.handle_linked(neighbor, cx.now);
        self.broadcast.handle_relinked(neighbor, cx.now);
        for id in self.outgoing.owed_to(&neighbor) {
            self.broadcast.send_header_again(id, neighbor, cx.now);
        }
    }

    pub(crate) fn handle_unlinked(&mut self, neighbor: &Address, cx: &mut Context<'_>) {
        self.broadcast.handle_unlinked(neighbor, cx.now);
        self.direct.handle_unlinked(neighbor, cx.now);
        self.outgoing.handle_unlinked(neighbor);
    }

    /// Hands the machines' packets to the links.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) {
        self.acknowledge(cx);
        let me = cx.me.address;
        for (to, packet) in self.broadcast.drain() {
            let own = match &packet {
                broadcast::Packet::Data { header, .. } if header.maker() == me => Some(header.id()),
                _ => None,
            };
            cx.effects.push_back(Effect::Send(to, Packet::Broadcast(packet), own));
        }
        for (to, packet) in self.direct.drain() {
            let own = match &packet {
                direct::Packet::Message { header, .. } if header.maker() == me => Some(header.id()),
                _ => None,
            };
            cx.effects.push_back(Effect::Send(to, Packet::Direct(packet), own));
        }
    }

    // Time.

    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.expire(cx);
        self.give_up_stalled(cx);
        self.toil(cx);
        let (links, now) = (addresses(cx.around), cx.now);
        self.broadcast.handle_timeout(spread(&links, cx), cx.random, now);
        for due in self.direct.handle_timeout(cx.around.max_peers, cx.now) {
            match due {
                Due::Reroute(id, attempt) => self.reroute(id, attempt, cx),
                Due::Retry(id) => {
                    // A try more is a message more to those on its way.
                    self.outgoing.pace.charge(1.0, limits::OWN, cx.now);
                    self.direct.attempt(id, self.paths(None, cx.around), cx.now);
                }
                Due::LastResort(message) => {
                    let message = message.wanted(&cx.me.identity, &cx.me.secret.tag());
                    self.broadcast.publish(&message, spread(&links, cx), cx.now);
                }
                Due::Failed { message, stuck } => {
                    let failure = if stuck { DeliveryFailure::Unreachable } else { DeliveryFailure::Timeout };
                    self.handle_failed(&message, failure, cx);
                }
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let parts = [self.broadcast.poll_timeout(), self.direct.poll_timeout(), self.outgoing.poll_timeout()];
        let rest = [self.acknowledge_at, self.progress.poll_timeout(), self.toil.poll_timeout()];
        parts.into_iter().chain(rest).fold(None, soonest)
    }

    fn reroute(&mut self, id: MessageId, attempt: u8, cx: &mut Context<'_>) {
        let to = self.direct.destination(&id, attempt);
        self.direct.reroute(id, attempt, self.paths(to.as_ref(), cx.around), cx.now);
    }

    /// What a direct message to this peer may take.
    fn paths<'a>(&self, to: Option<&Address>, around: &'a Neighborhood) -> Paths<'a> {
        Paths {
            me: around.me,
            known: &around.known,
            max_peers: around.max_peers,
            learned: to.and_then(|to| self.broadcast.parent(to)),
        }
    }

    /// Forgets what was said of direct messages.
    #[cfg(all(test, feature = "sim"))]
    pub(crate) fn forget_acknowledged(&mut self) {
        self.acknowledged = Acknowledged::default();
    }

    /// Messages that are being sealed, and bytes that are being opened.
    #[cfg(all(test, feature = "sim"))]
    pub(crate) fn toil_sizes(&self) -> [usize; 2] {
        self.toil.sizes()
    }

    /// How much it holds, machine by machine.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> ([usize; 6], [usize; 3], [usize; 3], usize) {
        assert!(self.to_acknowledge.len() <= 65_536, "{} to acknowledge", self.to_acknowledge.len());
        let [out, coming, withdrawn] = self.progress.sizes();
        assert!(out <= 1 << 16 && coming <= 16, "{out} messages go out, {coming} come in");
        assert!(withdrawn <= 64, "{withdrawn} messages taken back");
        let [_, opening] = self.toil.sizes();
        assert!(opening <= 64 << 20, "{opening} bytes to open");
        assert!(self.acknowledged.len() <= 16_384, "{} acknowledgements", self.acknowledged.len());
        let floors = [self.recent.count_floors(), self.broadcast.count_floors()];
        assert!(floors.iter().all(|count| *count <= 8192), "{floors:?} floors");
        (self.broadcast.sizes(), self.direct.sizes(), self.outgoing.sizes(), self.recent.len())
    }
}

/// The active links, for a [`Spread`].
fn addresses(around: &Neighborhood) -> Vec<Address> {
    around.links.iter().map(|link| link.address).collect()
}

/// How a broadcast spreads from this peer.
fn spread<'a>(links: &'a [Address], cx: &Context<'_>) -> Spread<'a> {
    let (ring, max_peers) = (cx.around.ring(), cx.around.max_peers);
    Spread { own: cx.me.address, links, ring, fanout: cx.me.config.fanout(), max_peers }
}
