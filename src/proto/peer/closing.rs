//! The end of a peer: what the page handed over goes out first.
//!
//! [`Peer::close`] begins it. From then on this peer takes no message of its page, makes no link and is gone from its
//! trackers, but goes on with its neighbors: what was held goes as fast as it may, neighbors pull what they were
//! offered, recipients say their keys. When all of it is with the neighbors, or [`CLOSING`] is over, it says goodbye and
//! ends by itself, with [`Event::Closed`].

use std::time::Duration;

use super::{Parts, Peer};
use crate::proto::io::{Event, Output};
use crate::proto::time::Instant;

/// What was handed over has this long to get out. A guess: 250 kB at a megabit a second, or all that a page may send in
/// that time; and no longer than somebody who closes a page's swarm waits for the end.
const CLOSING: Duration = Duration::from_millis(2000);

/// How far a peer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is in its swarm, or on its way there.
    Open,
    /// It leaves when all is out, by then at the latest.
    Closing { until: Instant },
    /// It has left.
    Closed,
}

impl Peer {
    /// Begins to leave the swarm, and leaves as soon as all that was handed over is out: at once, in this call, if it
    /// is already, and within two seconds in any case. [`Event::Closed`] is the last output. Idempotent.
    ///
    /// What was said so far is out when each neighbor that a broadcast concerns has taken it, and the first one on the
    /// way of a direct message. Deliveries end as they otherwise do; those that have not at the end, with
    /// [`DeliveryFailure::Closed`](crate::proto::DeliveryFailure::Closed).
    pub fn close(&mut self, now: Instant) {
        if self.stage != Stage::Open {
            return;
        }
        self.end_presence(now);
        self.stage = Stage::Closing { until: now + CLOSING };
        if self.has_to_say() {
            let (parts, mut cx) = self.look(now);
            parts.links.drop_attempts(&mut cx);
            parts.introducers.close(cx.out);
        }
        self.settle(now);
    }

    /// Leaves the swarm at once, with whatever was handed over: says goodbye on every link and to every tracker, and
    /// closes all. For a page that is about to be frozen or gone. Idempotent.
    pub fn leave(&mut self, now: Instant) {
        if self.stage == Stage::Closed {
            return;
        }
        self.end_presence(now);
        let (parts, mut cx) = self.look(now);
        parts.messaging.release_held(&mut cx);
        parts.messaging.acknowledge_now(&mut cx);
        parts.messaging.flush(&mut cx);
        self.run(now);
        self.flush(now);
        self.stage = Stage::Closed;
        let (parts, mut cx) = self.look(now);
        parts.messaging.fail_all(&mut cx);
        parts.links.leave(&mut cx);
        parts.presence.end_all(&mut cx);
        parts.introducers.close(cx.out);
        self.run(now);
        self.commons.out.push_back(Output::Event(Event::Closed));
    }

    /// Who knows of this peer is told that it goes.
    fn end_presence(&mut self, now: Instant) {
        let (parts, mut cx) = self.look(now);
        parts.presence.leave(&mut cx);
        self.run(now);
    }

    /// Whether this peer has left the swarm.
    pub fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// Leaves, if nothing is left to say, or no time to say it.
    pub(super) fn end_when_out(&mut self, now: Instant) {
        let over = matches!(self.stage, Stage::Closing { until } if until <= now);
        if over || !self.has_to_say() {
            self.leave(now);
        }
    }

    /// Whether something that was handed over can still get out, and is not.
    fn has_to_say(&self) -> bool {
        let Parts { links, messaging, .. } = &self.parts;
        !links.is_empty() && (messaging.has_to_send() || links.owe())
    }
}
