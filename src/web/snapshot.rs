//! What the page is shown: plain objects, made fresh for each look.

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::proto::{
    Address, LinkInfo, Receipt, Received, Stats, Topology, TrackerState, TrackerStatus, Warning,
};

/// A plain object of these properties, in this order.
fn object<const N: usize>(properties: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    properties.iter().for_each(|(key, value)| set(&object, key, value));
    object.into()
}

fn set(object: &Object, key: &str, value: &JsValue) {
    // A plain object just made takes any property.
    let _ = Reflect::set(object, &key.into(), value);
}

/// An address as the page sees it.
pub(super) fn hex(address: &Address) -> JsValue {
    address.to_string().into()
}

/// An array of addresses.
pub(super) fn addresses(addresses: &[Address]) -> JsValue {
    addresses.iter().map(hex).collect::<Array>().into()
}

/// The argument of `message`. `to` is there on a direct message only.
pub(super) fn message(received: &Received, value: &JsValue) -> JsValue {
    let shown = Object::new();
    set(&shown, "message", value);
    set(&shown, "from", &hex(&received.from));
    set(&shown, "id", &received.id.to_string().into());
    if let Some(to) = received.to {
        set(&shown, "to", &addresses(&[to]));
    }
    set(&shown, "has", &addresses(&received.has));
    set(&shown, "verified", &received.verified.into());
    set(&shown, "hops", &received.hops.into());
    shown.into()
}

/// What a `Delivery` resolves to.
pub(super) fn receipt(id: &str, receipt: Receipt) -> JsValue {
    let rtt = receipt.rtt.as_secs_f64() * 1000.0;
    object([("id", id.into()), ("hops", receipt.hops.into()), ("rtt", rtt.into())])
}

/// One tracker: the argument of `tracker`, and an entry of `trackers`.
pub(super) fn tracker(status: &TrackerStatus) -> JsValue {
    let state = match status.state {
        TrackerState::Connecting => "connecting",
        TrackerState::Open => "open",
        TrackerState::Ready => "ready",
        TrackerState::Waiting => "waiting",
    };
    object([
        ("url", status.url.as_str().into()),
        ("state", state.into()),
        ("peers", status.peers.into()),
        ("lastError", status.last_error.as_deref().map_or(JsValue::NULL, JsValue::from)),
        ("nextAttempt", status.next_attempt.map_or(JsValue::NULL, count)),
    ])
}

/// The argument of `warning`.
pub(super) fn warning(warning: &Warning) -> JsValue {
    object([("code", warning.code.into()), ("message", warning.text.as_str().into())])
}

/// The neighbors by address.
pub(super) fn wires(links: &[LinkInfo]) -> JsValue {
    let wires = Object::new();
    for link in links {
        let shown = object([
            ("address", hex(&link.address)),
            ("rtt", link.rtt.map_or(JsValue::NULL, JsValue::from)),
            ("since", count(link.since)),
            ("role", link.role.into()),
        ]);
        set(&wires, &link.address.to_string(), &shown);
    }
    wires.into()
}

/// What this peer knows of the mesh.
pub(super) fn topology(topology: &Topology, own: &[LinkInfo]) -> JsValue {
    let links = topology.links.iter().map(|edge| {
        let own = own.iter().find(|link| link.address == edge.a || link.address == edge.b);
        let self_end = topology.nodes.first().is_some_and(|this| *this == edge.a || *this == edge.b);
        object([
            ("a", hex(&edge.a)),
            ("b", hex(&edge.b)),
            ("rtt", edge.rtt.map_or(JsValue::NULL, JsValue::from)),
            ("role", own.filter(|_| self_end).map_or(JsValue::NULL, |link| link.role.into())),
        ])
    });
    object([("nodes", addresses(&topology.nodes)), ("links", links.collect::<Array>().into())])
}

/// Counters since the start.
pub(super) fn stats(stats: &Stats, links: &[LinkInfo]) -> JsValue {
    let dropped = Object::new();
    stats.dropped.iter().for_each(|(cause, number)| set(&dropped, cause, &count(*number)));
    object([
        ("delivered", count(stats.delivered)),
        ("sent", count(stats.sent)),
        ("forwarded", count(stats.forwarded)),
        ("duplicates", count(stats.duplicates)),
        ("packetsIn", count(stats.packets_in)),
        ("bytesIn", count(stats.bytes_in)),
        ("packetsOut", count(stats.packets_out)),
        ("bytesOut", count(stats.bytes_out)),
        ("dropped", dropped.into()),
        ("links", wires(links)),
    ])
}

/// A number of JavaScript: exact up to 2^53, where no counter of ours ever gets.
fn count(number: u64) -> JsValue {
    JsValue::from_f64(number as f64)
}

#[cfg(test)]
mod tests {
    use js_sys::JSON;
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
