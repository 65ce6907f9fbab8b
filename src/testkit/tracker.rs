//! What a tracker says, as JSON.

use serde::Serialize;

pub(crate) use crate::proto::Half;

/// What a tracker passes on of a member, about one offer.
pub(crate) struct Word<'a> {
    pub(crate) info_hash: &'a str,
    /// The member.
    pub(crate) peer_id: &'a str,
    pub(crate) offer_id: &'a str,
}

#[derive(Serialize)]
struct Forwarded<'a> {
    action: &'a str,
    info_hash: &'a str,
    peer_id: &'a str,
    offer_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer: Option<Description<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Description<'a>>,
}

#[derive(Serialize)]
struct Description<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    sdp: &'a str,
}

#[derive(Serialize)]
struct Response<'a> {
    action: &'a str,
    info_hash: &'a str,
    interval: u64,
    complete: usize,
    incomplete: usize,
}

impl Word<'_> {
    pub(crate) fn write(&self, half: Half, sdp: &str) -> String {
        let Self { info_hash, peer_id, offer_id } = *self;
        let (offer, answer) = match half {
            Half::Offer => (Some(Description { kind: "offer", sdp }), None),
            Half::Answer => (None, Some(Description { kind: "answer", sdp })),
        };
        json(&Forwarded { action: "announce", info_hash, peer_id, offer_id, offer, answer })
    }
}

/// An announce was taken; the next one is wanted after so many seconds, and so many members are there.
pub(crate) fn response(info_hash: &str, interval: u64, members: usize) -> String {
    json(&Response { action: "announce", info_hash, interval, complete: 0, incomplete: members })
}

fn json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("only strings and numbers, which JSON can hold")
}
