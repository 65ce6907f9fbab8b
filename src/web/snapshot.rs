//! What the page is shown: plain objects, made fresh for each look. Each struct here is one of the shapes in
//! `types.d.ts`, its fields in that order.

use std::fmt::Display;

use serde::{Serialize, Serializer};
use wasm_bindgen::JsValue;

use crate::proto::{
    Address, Estimate, LinkInfo, MessageId, Receipt, Received, Stats, Topology, TrackerState, TrackerStatus,
};

/// An address as the page sees it.
pub(super) fn hex(address: &Address) -> JsValue {
    address.to_string().into()
}

/// An array of addresses.
pub(super) fn addresses(addresses: &[Address]) -> JsValue {
    plain(&addresses.iter().map(Hex).collect::<Vec<_>>())
}

/// The argument of `message`. `to` is there on a direct message only.
pub(super) fn message(received: &Received, value: &JsValue) -> JsValue {
    #[derive(Serialize)]
    struct Message<'a> {
        #[serde(with = "serde_wasm_bindgen::preserve")]
        message: JsValue,
        from: Hex<'a, Address>,
        id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<[Hex<'a, Address>; 1]>,
        has: Vec<Hex<'a, Address>>,
        verified: bool,
        hops: u8,
    }
    plain(&Message {
        message: value.clone(),
        from: Hex(&received.from),
        id: received.id.to_string(),
        to: received.to.as_ref().map(|to| [Hex(to)]),
        has: received.has.iter().map(Hex).collect(),
        verified: received.verified,
        hops: received.hops,
    })
}

/// The argument of `progress`.
pub(super) fn progress(
    id: &MessageId,
    from: &Address,
    to: Option<&Address>,
    bytes: Option<usize>,
    size: usize,
) -> JsValue {
    #[derive(Serialize)]
    struct Progress<'a> {
        id: String,
        from: Hex<'a, Address>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<Hex<'a, Address>>,
        bytes: Option<usize>,
        size: usize,
    }
    plain(&Progress { id: id.to_string(), from: Hex(from), to: to.map(Hex), bytes, size })
}

/// The argument of `presence`.
pub(super) fn presence(address: &Address, state: &JsValue, verified: bool) -> JsValue {
    #[derive(Serialize)]
    struct Presence<'a> {
        address: Hex<'a, Address>,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        state: JsValue,
        verified: bool,
    }
    plain(&Presence { address: Hex(address), state: state.clone(), verified })
}

/// What a `Delivery` resolves to.
pub(super) fn receipt(id: &str, receipt: Receipt) -> JsValue {
    #[derive(Serialize)]
    struct Shown<'a> {
        id: &'a str,
        hops: u8,
        rtt: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        verified: Option<bool>,
    }
    let rtt = receipt.rtt.as_secs_f64() * 1000.0;
    plain(&Shown { id, hops: receipt.hops, rtt, verified: receipt.verified })
}

/// One tracker: the argument of `tracker`.
pub(super) fn tracker(status: &TrackerStatus) -> JsValue {
    plain(&Tracker::of(status))
}

/// All trackers.
pub(super) fn trackers(statuses: &[TrackerStatus]) -> JsValue {
    plain(&statuses.iter().map(Tracker::of).collect::<Vec<_>>())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tracker<'a> {
    url: &'a str,
    state: &'static str,
    peers: u32,
    last_error: Option<&'a str>,
    next_attempt: Option<f64>,
}

impl<'a> Tracker<'a> {
    fn of(status: &'a TrackerStatus) -> Self {
        let state = match status.state {
            TrackerState::Connecting => "connecting",
            TrackerState::Open => "open",
            TrackerState::Ready => "ready",
            TrackerState::Waiting => "waiting",
        };
        Self {
            url: &status.url,
            state,
            peers: status.peers,
            last_error: status.last_error.as_deref(),
            next_attempt: status.next_attempt.map(number),
        }
    }
}

/// How large the swarm is, in whole peers.
pub(super) fn estimate(estimate: &Estimate) -> JsValue {
    #[derive(Serialize)]
    struct Shown {
        peers: f64,
        low: f64,
        high: f64,
    }
    let Estimate { peers, low, high } = *estimate;
    plain(&Shown { peers: libm::round(peers), low: libm::floor(low), high: libm::ceil(high) })
}

/// The argument of `warning`.
pub(super) fn warning(code: &str, message: &str) -> JsValue {
    #[derive(Serialize)]
    struct Shown<'a> {
        code: &'a str,
        message: &'a str,
    }
    plain(&Shown { code, message })
}

/// The neighbors by address.
pub(super) fn wires(links: &[LinkInfo]) -> JsValue {
    plain(&Wires(links))
}

struct Wires<'a>(&'a [LinkInfo]);

impl Serialize for Wires<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            address: Hex<'a, Address>,
            rtt: Option<f64>,
            since: f64,
            role: &'static str,
        }
        serializer.collect_map(self.0.iter().map(|link| {
            let address = Hex(&link.address);
            (address, Wire { address, rtt: link.rtt, since: number(link.since), role: link.role })
        }))
    }
}

/// What this peer knows of the mesh. A link has a role when one of its ends is this peer.
pub(super) fn topology(topology: &Topology, own: &[LinkInfo]) -> JsValue {
    #[derive(Serialize)]
    struct Shown<'a> {
        nodes: Vec<Hex<'a, Address>>,
        links: Vec<Edge<'a>>,
    }
    #[derive(Serialize)]
    struct Edge<'a> {
        a: Hex<'a, Address>,
        b: Hex<'a, Address>,
        rtt: Option<f64>,
        role: Option<&'static str>,
    }
    let this = topology.nodes.first();
    let links = topology.links.iter().map(|edge| {
        let is_own = this.is_some_and(|this| *this == edge.a || *this == edge.b);
        let own = own.iter().find(|link| link.address == edge.a || link.address == edge.b);
        let role = own.filter(|_| is_own).map(|link| link.role);
        Edge { a: Hex(&edge.a), b: Hex(&edge.b), rtt: edge.rtt, role }
    });
    plain(&Shown { nodes: topology.nodes.iter().map(Hex).collect(), links: links.collect() })
}

/// Counters since the start.
pub(super) fn stats(stats: &Stats, links: &[LinkInfo]) -> JsValue {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown<'a> {
        delivered: f64,
        sent: f64,
        forwarded: f64,
        duplicates: f64,
        packets_in: f64,
        bytes_in: f64,
        packets_out: f64,
        bytes_out: f64,
        restarts: f64,
        dropped: Dropped<'a>,
        links: Wires<'a>,
    }
    plain(&Shown {
        delivered: number(stats.delivered),
        sent: number(stats.sent),
        forwarded: number(stats.forwarded),
        duplicates: number(stats.duplicates),
        packets_in: number(stats.packets_in),
        bytes_in: number(stats.bytes_in),
        packets_out: number(stats.packets_out),
        bytes_out: number(stats.bytes_out),
        restarts: number(stats.restarts),
        dropped: Dropped(stats),
        links: Wires(links),
    })
}

/// What was dropped, by cause.
struct Dropped<'a>(&'a Stats);

impl Serialize for Dropped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.dropped.iter().map(|(cause, count)| (cause, number(*count))))
    }
}

/// An id as 40 hex digits.
#[derive(Clone, Copy)]
struct Hex<'a, T>(&'a T);

impl<T: Display> Serialize for Hex<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

/// A number of JavaScript: exact up to 2^53, where no counter of ours ever gets.
fn number(count: u64) -> f64 {
    count as f64
}

/// Objects for maps and structs, `null` for nothing.
pub(super) fn plain(shown: &impl Serialize) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    shown.serialize(&serializer).expect("texts, numbers and names for keys are values of JavaScript")
}

#[cfg(test)]
mod tests {
    use js_sys::{JSON, Object};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::proto::{Bytes, MessageId};

    #[wasm_bindgen_test]
    fn a_message_shows_exactly_what_is_documented() {
        let mut received = Received {
            payload: Bytes::default(),
            from: Address([1; 20]),
            id: MessageId([2; 20]),
            to: None,
            has: vec![Address([1; 20])],
            verified: true,
            hops: 3,
        };
        let keys = |received: &Received| {
            let shown = message(received, &"hi".into());
            Object::keys(&shown.into()).join(" ").as_string().expect("a string")
        };
        assert_eq!(keys(&received), "message from id has verified hops");
        received.to = Some(Address([3; 20]));
        assert_eq!(keys(&received), "message from id to has verified hops");
        let shown = JSON::stringify(&message(&received, &"hi".into())).expect("JSON");
        let to = ["\"to\":[\"", &"03".repeat(20), "\"]"].concat();
        assert!(String::from(shown).contains(&to));
    }
}
