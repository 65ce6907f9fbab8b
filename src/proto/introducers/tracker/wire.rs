//! The JSON of the WebTorrent tracker protocol, as bittorrent-tracker, aquatic, wt-tracker and the
//! OpenWebTorrent tracker speak it.
//!
//! What we send keeps to the strictest of the four; what we read is taken apart field by field, because a
//! parse error of one tracker carries neither `action` nor `info_hash`.

use super::json::{Json, object, quote};
use crate::proto::id::{InfoHash, OfferId, TrackerPeerId};
use crate::proto::io::MAX_TRACKER_TEXT;

/// Which moment an announce marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The first on this socket.
    Started,
    /// Any later one: the key must be absent.
    Regular,
    /// The last.
    Stopped,
}

/// A description inside an offer or an answer.
fn description(kind: &str, sdp: &str) -> String {
    object(&[("type", quote(kind)), ("sdp", quote(sdp))])
}

/// Writes an announce. `numwant` equals the number of offers: two trackers forward none without it.
pub(crate) fn announce(
    info_hash: InfoHash,
    peer_id: TrackerPeerId,
    moment: Moment,
    offers: &[(OfferId, String)],
    tracker_id: Option<&str>,
) -> String {
    let mut members = vec![
        ("action", quote("announce")),
        ("info_hash", quote(&info_hash.to_binary())),
        ("peer_id", quote(&peer_id.to_binary())),
        ("numwant", offers.len().to_string()),
        ("uploaded", "0".into()),
        ("downloaded", "0".into()),
        ("left", "1".into()),
    ];
    match moment {
        Moment::Started => members.push(("event", quote("started"))),
        Moment::Regular => {}
        Moment::Stopped => members.push(("event", quote("stopped"))),
    }
    if !offers.is_empty() {
        let offer = |(id, sdp): &(OfferId, String)| {
            object(&[("offer_id", quote(&id.to_binary())), ("offer", description("offer", sdp))])
        };
        let offers: Vec<_> = offers.iter().map(offer).collect();
        members.push(("offers", format!("[{}]", offers.join(","))));
    }
    members.extend(tracker_id.map(|id| ("trackerid", quote(id))));
    object(&members)
}

/// Writes an answer to one offer.
pub(crate) fn answer(
    info_hash: InfoHash,
    peer_id: TrackerPeerId,
    to: TrackerPeerId,
    offer_id: OfferId,
    sdp: &str,
) -> String {
    object(&[
        ("action", quote("announce")),
        ("info_hash", quote(&info_hash.to_binary())),
        ("peer_id", quote(&peer_id.to_binary())),
        ("to_peer_id", quote(&to.to_binary())),
        ("offer_id", quote(&offer_id.to_binary())),
        ("answer", description("answer", sdp)),
    ])
}

/// What a tracker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It took an announce.
    Response {
        /// Seconds until it wants the next one.
        interval: Option<u64>,
        /// Members it counts.
        peers: u32,
        /// To be echoed in later announces.
        tracker_id: Option<String>,
        /// A word to the user.
        warning: Option<String>,
    },
    /// A member offers a connection.
    Offer {
        /// Its name at the tracker.
        from: TrackerPeerId,
        /// The offer's name.
        id: OfferId,
        /// Its description.
        sdp: String,
    },
    /// A member answers one of our offers.
    Answer {
        /// The offer's name.
        id: OfferId,
        /// The member's description.
        sdp: String,
    },
    /// It refuses.
    Failure(String),
}

/// Reads what a tracker sent about one swarm; `None` is to be ignored, and the socket kept.
pub(crate) fn read(text: &str, info_hash: InfoHash, own: TrackerPeerId) -> Option<Heard> {
    if text.len() > MAX_TRACKER_TEXT {
        return None;
    }
    // Some servers put a byte order mark in front, as files of Windows have it.
    let json = Json::read(text.strip_prefix('\u{feff}').unwrap_or(text))?;
    let string = |key: &str| json.get(key).and_then(Json::text);
    let about = string("info_hash").map(InfoHash::from_binary);
    if about.is_some_and(|hash| hash != Ok(info_hash)) {
        return None;
    }
    if let Some(reason) = string("failure reason") {
        return Some(Heard::Failure(reason.chars().take(200).collect()));
    }
    if about.is_none() || string("action") != Some("announce") {
        return None;
    }
    let sdp = |kind: &str| {
        let description = json.get(kind)?;
        let matches = description.get("type").and_then(Json::text) == Some(kind);
        description.get("sdp").and_then(Json::text).filter(|_| matches).map(str::to_owned)
    };
    let id = || string("offer_id").and_then(|id| OfferId::from_binary(id).ok());
    if json.get("offer").is_some_and(|offer| *offer != Json::Null) {
        let from = string("peer_id").and_then(|id| TrackerPeerId::from_binary(id).ok())?;
        return (from != own).then_some(Heard::Offer { from, id: id()?, sdp: sdp("offer")? });
    }
    if json.get("answer").is_some_and(|answer| *answer != Json::Null) {
        return Some(Heard::Answer { id: id()?, sdp: sdp("answer")? });
    }
    let number = |key: &str| json.get(key).and_then(Json::count);
    let count = |key: &str| u32::try_from(number(key).unwrap_or(0)).unwrap_or(u32::MAX);
    Some(Heard::Response {
        interval: number("interval"),
        peers: count("complete").saturating_add(count("incomplete")),
        tracker_id: string("tracker id").filter(|id| id.len() <= 256).map(str::to_owned),
        warning: string("warning message").map(|text| text.chars().take(200).collect()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const HASH: InfoHash = InfoHash([0xc3; 20]);
    const OWN: TrackerPeerId = TrackerPeerId([1; 20]);

    #[test]
    fn an_announce_has_what_the_strictest_tracker_wants() {
        let offers = [(OfferId([0x80; 20]), "v=0\r\n".to_owned())];
        let json: Value = serde_json::from_str(&announce(HASH, OWN, Moment::Started, &offers, None)).unwrap();
        assert_eq!(json["event"], "started");
        assert_eq!(json["numwant"], 1);
        assert_eq!(json["left"], 1);
        assert_eq!(json["info_hash"], "Ã".repeat(20));
        assert_eq!(json["offers"][0]["offer"], serde_json::json!({"type": "offer", "sdp": "v=0\r\n"}));
        assert!(json.get("trackerid").is_none());
        let json: Value =
            serde_json::from_str(&announce(HASH, OWN, Moment::Regular, &[], Some("t"))).unwrap();
        assert!(json.get("event").is_none(), "null or update would close two trackers' sockets");
        assert!(json.get("offers").is_none());
        assert_eq!(json["trackerid"], "t");
    }

    #[test]
    fn what_the_other_side_writes_is_read_back() {
        let sent = answer(HASH, TrackerPeerId([2; 20]), OWN, OfferId([7; 20]), "sdp");
        assert_eq!(read(&sent, HASH, OWN), Some(Heard::Answer { id: OfferId([7; 20]), sdp: "sdp".into() }));
        let offer = serde_json::json!({"action": "announce", "info_hash": HASH.to_binary(), "peer_id": "b".repeat(20),
            "offer_id": "c".repeat(20), "offer": {"type": "offer", "sdp": "x"}});
        let heard =
            Heard::Offer { from: TrackerPeerId([b'b'; 20]), id: OfferId([b'c'; 20]), sdp: "x".into() };
        assert_eq!(read(&offer.to_string(), HASH, OWN), Some(heard));
    }

    #[test]
    fn a_failure_without_action_or_info_hash_is_understood() {
        let heard = read(r#"{"failure reason":"Invalid request"}"#, HASH, OWN);
        assert_eq!(heard, Some(Heard::Failure("Invalid request".into())));
    }

    #[test]
    fn a_byte_order_mark_in_front_is_passed_over() {
        let json = serde_json::json!({"action": "announce", "info_hash": HASH.to_binary(), "interval": 120});
        let heard = read(&json.to_string(), HASH, OWN);
        assert!(heard.is_some());
        assert_eq!(read(&format!("\u{feff}{json}"), HASH, OWN), heard);
        assert_eq!(read(&format!("{json}\u{feff}"), HASH, OWN), None);
    }

    #[test]
    fn a_response_carries_the_interval_and_the_count() {
        let json = serde_json::json!({"action": "announce", "info_hash": HASH.to_binary(), "interval": 120,
            "complete": 1, "incomplete": 4, "answer": null});
        let heard = Heard::Response { interval: Some(120), peers: 5, tracker_id: None, warning: None };
        assert_eq!(read(&json.to_string(), HASH, OWN), Some(heard));
    }

    #[test]
    fn nonsense_is_ignored() {
        let hash = HASH.to_binary();
        let own = OWN.to_binary();
        for text in [
            String::new(),
            "{".into(),
            "[]".into(),
            "null".into(),
            r#"{"action":"announce"}"#.into(),
            serde_json::json!({"action": "announce", "info_hash": "other".repeat(4), "interval": 1}).to_string(),
            serde_json::json!({"action": 7, "info_hash": hash}).to_string(),
            serde_json::json!({"action": "announce", "info_hash": hash, "peer_id": own, "offer_id": "c".repeat(20),
                "offer": {"type": "offer", "sdp": "our own"}}).to_string(),
            serde_json::json!({"action": "announce", "info_hash": hash, "peer_id": "b".repeat(20),
                "offer_id": "c".repeat(20), "offer": "a string"}).to_string(),
            serde_json::json!({"action": "announce", "info_hash": hash, "offer_id": 3, "answer": {"sdp": 1}}).to_string(),
            "[".repeat(1000),
            "x".repeat(10 << 20),
        ] {
            assert_eq!(read(&text, HASH, OWN), None, "{:.60}", text);
        }
    }
}
