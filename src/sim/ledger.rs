//! Every message sent, where it arrived and when, against what was possible.

use std::collections::HashMap;
use std::time::Duration;

use super::graph::{Graph, UNREACHED};
use crate::proto::{DeliveryFailure, MessageId, Receipt, Received};
use crate::testkit::mix;

/// The latency factor of the flooding optimum: the mean of the jitter (docs/mesh.md, Model).
const OPTIMUM_FACTOR: f64 = 1.05;

/// The messages that are being watched.
#[derive(Debug, Default)]
pub struct Ledger {
    places: HashMap<MessageId, u32>,
    messages: Vec<Message>,
}

/// One message.
#[derive(Debug)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// Who sent it.
    pub from: u32,
    /// Its recipient; nobody, on a broadcast.
    pub to: Option<u32>,
    /// When it was sent, in microseconds since the world began.
    pub sent: u64,
    payload: u64,
    /// When a flood would have reached each peer, in microseconds after the sending.
    pub optimum: Vec<u32>,
    /// When it reached each peer, in microseconds after the sending.
    pub arrivals: Vec<u32>,
    /// Links it crossed to its recipient.
    pub hops: Option<u8>,
    /// The fewest links to its recipient when it was sent.
    pub shortest: Option<u32>,
    /// What its sender was told.
    pub outcome: Option<Result<Receipt, DeliveryFailure>>,
    /// What it is, where its sender waits for more than a receipt.
    pub purpose: Purpose,
    /// When the answer to it was there, in microseconds after the sending.
    pub answered: Option<u64>,
}

/// What pages make of messages, as `src/web/parcel.rs` writes it before the value.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing else.
    #[default]
    Message,
    /// Its recipient is to answer it.
    Request,
    /// The answer to that message.
    Answer(MessageId),
}

impl Ledger {
    /// Writes down a message that was just sent.
    pub fn sent(
        &mut self,
        id: MessageId,
        from: u32,
        to: Option<u32>,
        payload: &[u8],
        graph: &Graph,
        now: u64,
    ) {
        let message = Message {
            id,
            from,
            to,
            sent: now,
            payload: digest(payload),
            optimum: if to.is_none() { graph.fastest(from, OPTIMUM_FACTOR) } else { Vec::new() },
            arrivals: Vec::new(),
            hops: None,
            shortest: to.and_then(|to| graph.hops(from, to)),
            outcome: None,
            purpose: Purpose::default(),
            answered: None,
        };
        self.places.insert(id, self.messages.len() as u32);
        self.messages.push(message);
    }

    /// Says what a message is that was just sent.
    pub fn is_for(&mut self, id: MessageId, purpose: Purpose) {
        if let Some(&place) = self.places.get(&id) {
            self.messages[place as usize].purpose = purpose;
        }
    }

    /// Writes down an arrival. What must not happen is the error.
    pub fn arrived(&mut self, node: u32, received: &Received, now: u64) -> Result<(), &'static str> {
        let Some(&place) = self.places.get(&received.id) else { return Ok(()) };
        let message = &mut self.messages[place as usize];
        if message.from == node {
            return Err("a message came back to its sender's page");
        }
        if message.to.is_some_and(|to| to != node) {
            return Err("a direct message reached another page than its recipient's");
        }
        if digest(&received.payload.0) != message.payload {
            return Err("a payload changed on its way");
        }
        let arrival = &mut message.arrivals;
        if arrival.len() <= node as usize {
            arrival.resize(node as usize + 1, UNREACHED);
        }
        if arrival[node as usize] != UNREACHED {
            return Err("a message was delivered twice");
        }
        arrival[node as usize] = (now - message.sent).min(u64::from(UNREACHED - 1)) as u32;
        if message.to.is_some() {
            message.hops = Some(received.hops);
        }
        if let Purpose::Answer(question) = message.purpose {
            self.answered(question, now);
        }
        Ok(())
    }

    /// Whoever was told that its request did not arrive waits for no answer.
    fn answered(&mut self, question: MessageId, now: u64) {
        let Some(&place) = self.places.get(&question) else { return };
        let question = &mut self.messages[place as usize];
        if question.outcome.is_none_or(|outcome| outcome.is_ok()) {
            question.answered = Some(now - question.sent);
        }
    }

    /// Writes down what the sender was told. What must not happen is the error.
    pub fn outcome(
        &mut self,
        id: MessageId,
        outcome: Result<Receipt, DeliveryFailure>,
    ) -> Result<(), &'static str> {
        let Some(&place) = self.places.get(&id) else { return Ok(()) };
        let message = &mut self.messages[place as usize];
        if message.outcome.is_some() {
            return Err("a sender was told twice how its message ended");
        }
        let arrived = message.to.is_none_or(|to| message.arrival(to).is_some());
        message.outcome = Some(outcome);
        if outcome.is_ok() && !arrived {
            Err("a message was acknowledged that never arrived")
        } else {
            Ok(())
        }
    }

    /// Takes out all messages: what arrives of them from now on is no longer watched.
    pub fn take(&mut self) -> Vec<Message> {
        self.places.clear();
        std::mem::take(&mut self.messages)
    }

    /// The messages being watched.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// One message being watched.
    pub fn get(&self, id: MessageId) -> Option<&Message> {
        self.places.get(&id).map(|&place| &self.messages[place as usize])
    }
}

impl Message {
    /// How long it took to a peer; `None` if it did not arrive.
    pub fn arrival(&self, node: u32) -> Option<Duration> {
        let micros = *self.arrivals.get(node as usize)?;
        (micros != UNREACHED).then(|| Duration::from_micros(u64::from(micros)))
    }

    /// How long a flood would have taken to a peer; `None` if no path led there when it was sent.
    pub fn optimum(&self, node: u32) -> Option<Duration> {
        let micros = *self.optimum.get(node as usize)?;
        (micros != UNREACHED).then(|| Duration::from_micros(u64::from(micros)))
    }
}

fn digest(payload: &[u8]) -> u64 {
    payload.chunks(8).fold(payload.len() as u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(hash ^ u64::from_le_bytes(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Address, Bytes};

    fn received(id: MessageId, payload: &[u8]) -> Received {
        Received {
            payload: Bytes(payload.to_vec()),
            from: Address([0; 20]),
            id,
            to: None,
            has: Vec::new(),
            verified: true,
            hops: 1,
        }
    }

    #[test]
    fn a_second_delivery_a_changed_payload_and_a_wrong_recipient_are_found() {
        let (mut ledger, mut graph) = (Ledger::default(), Graph::default());
        (0..3).for_each(|node| graph.add(node, Address([node as u8; 20])));
        let (all, one) = (MessageId([1; 20]), MessageId([2; 20]));
        ledger.sent(all, 0, None, b"all", &graph, 100);
        ledger.sent(one, 0, Some(1), b"one", &graph, 100);
        assert_eq!(ledger.arrived(1, &received(all, b"all"), 350), Ok(()));
        assert!(ledger.arrived(1, &received(all, b"all"), 360).is_err());
        assert!(ledger.arrived(2, &received(all, b"alt"), 360).is_err());
        assert!(ledger.arrived(2, &received(one, b"one"), 360).is_err());
        assert_eq!(ledger.get(all).unwrap().arrival(1), Some(Duration::from_micros(250)));
        let receipt = Receipt { hops: 1, rtt: Duration::ZERO, verified: None };
        assert!(ledger.outcome(one, Ok(receipt)).is_err());
    }

    #[test]
    fn an_answer_counts_when_it_is_there_and_not_for_whom_was_told_that_the_request_is_lost() {
        let (mut ledger, mut graph) = (Ledger::default(), Graph::default());
        (0..2).for_each(|node| graph.add(node, Address([node as u8; 20])));
        let [asked, lost] = [MessageId([1; 20]), MessageId([2; 20])];
        for (question, answer) in [(asked, MessageId([3; 20])), (lost, MessageId([4; 20]))] {
            ledger.sent(question, 0, Some(1), b"?", &graph, 100);
            ledger.is_for(question, Purpose::Request);
            ledger.sent(answer, 1, Some(0), b"!", &graph, 200);
            ledger.is_for(answer, Purpose::Answer(question));
        }
        assert_eq!(ledger.outcome(lost, Err(DeliveryFailure::Timeout)), Ok(()));
        for answer in [3, 4] {
            assert_eq!(ledger.get(asked).unwrap().answered, (answer == 4).then_some(250));
            assert_eq!(ledger.arrived(0, &received(MessageId([answer; 20]), b"!"), 350), Ok(()));
        }
        assert_eq!(ledger.get(lost).unwrap().answered, None);
    }
}
