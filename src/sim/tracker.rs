//! A WebTorrent tracker, on the JSON that real ones speak.
//!
//! It does what bittorrent-tracker, aquatic and wt-tracker agree on, and where they differ it is as strict as
//! the strictest: what any of them would drop or close on is dropped, closed on, or reported as a fault of the
//! client.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;

use super::scenario::span;
use crate::proto::Random;
use crate::testkit::tracker::{Half, Word, response};

/// The largest message that passes every tracker: aquatic's frame limit, less a margin.
pub const MAX_MESSAGE: usize = 16_000;
/// The most offers that aquatic takes in one announce.
pub const MAX_OFFERS: usize = 10;

/// What the trackers are like.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrackerParams {
    /// How many there are; every peer knows them all.
    pub count: usize,
    /// One-way latency to a tracker.
    #[serde(with = "span")]
    pub latency: Duration,
    /// From opening the socket to the open socket.
    #[serde(with = "span")]
    pub connect: Duration,
    /// What they ask clients to wait between announces.
    #[serde(with = "span")]
    pub interval: Duration,
    /// When a member that does not announce is forgotten.
    #[serde(with = "span")]
    pub expiry: Duration,
    /// Whether an answer to a member that is gone closes the socket, as wt-tracker does.
    pub closes_on_late_answer: bool,
}

impl Default for TrackerParams {
    fn default() -> Self {
        Self {
            count: 1,
            latency: Duration::from_millis(50),
            connect: Duration::from_millis(100),
            interval: Duration::from_secs(120),
            expiry: Duration::from_secs(180),
            closes_on_late_answer: false,
        }
    }
}

/// How a tracker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It works.
    #[default]
    Up,
    /// It refuses connections; those it had are closed.
    Down,
    /// It says nothing at all: no refusal, no answer, no close.
    Silent,
    /// Everything takes two seconds longer.
    Slow,
}

/// One tracker. Sockets are numbered by the caller.
#[derive(Debug)]
pub struct Tracker {
    params: TrackerParams,
    swarms: HashMap<String, Swarm>,
    sockets: HashMap<u32, (String, String)>,
    /// Announces it took.
    pub announces: u64,
}

#[derive(Debug, Default)]
struct Swarm {
    members: Vec<Member>,
    places: HashMap<String, u32>,
}

#[derive(Debug)]
struct Member {
    peer_id: String,
    socket: u32,
    last_announce: u64,
}

/// What a tracker does about a message.
#[derive(Debug, Default, PartialEq)]
pub struct Reaction {
    /// Messages to sockets.
    pub messages: Vec<(u32, String)>,
    /// Whether it closes the socket the message came from.
    pub close: bool,
    /// What a stricter tracker would not have taken.
    pub fault: Option<String>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    info_hash: Cow<'a, str>,
    #[serde(borrow, default)]
    peer_id: Cow<'a, str>,
    #[serde(default)]
    numwant: Option<usize>,
    #[serde(borrow, default)]
    offers: Vec<OfferIn<'a>>,
    // The outer level is the presence of the key: an explicit null is a fault.
    #[serde(default, deserialize_with = "present")]
    event: Option<Option<String>>,
    #[serde(default)]
    left: Option<u64>,
    #[serde(borrow, default)]
    to_peer_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    offer_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    answer: Option<Description<'a>>,
}

impl Request<'_> {
    /// What is passed on about one offer.
    fn word<'a>(&'a self, offer_id: &'a str) -> Word<'a> {
        Word { info_hash: &self.info_hash, peer_id: &self.peer_id, offer_id }
    }
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(from).map(Some)
}

#[derive(Deserialize)]
struct OfferIn<'a> {
    #[serde(borrow)]
    offer_id: Cow<'a, str>,
    #[serde(borrow)]
    offer: Description<'a>,
}

#[derive(Deserialize)]
struct Description<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    sdp: Cow<'a, str>,
}

impl Tracker {
    /// A tracker that knows nobody.
    pub fn new(params: TrackerParams) -> Self {
        Self { params, swarms: HashMap::new(), sockets: HashMap::new(), announces: 0 }
    }

    /// Takes a message from a socket at a time in microseconds.
    pub fn receive(&mut self, socket: u32, text: &str, now: u64, random: &mut Random) -> Reaction {
        let mut reaction = Reaction::default();
        if text.len() > MAX_MESSAGE {
            return refuse(reaction, format!("a message of {} bytes", text.len()));
        }
        let request: Request<'_> = match serde_json::from_str(text) {
            Ok(request) => request,
            Err(error) => return refuse(reaction, format!("not a request: {error}")),
        };
        match &*request.action {
            "announce" => {}
            "scrape" => {
                let count = self.swarms.get(&*request.info_hash).map_or(0, |swarm| swarm.members.len());
                let counts = serde_json::json!({ "complete": 0, "incomplete": count, "downloaded": 0 });
                let files = serde_json::json!({ &*request.info_hash: counts });
                let answer = serde_json::json!({ "action": "scrape", "files": files });
                reaction.messages.push((socket, answer.to_string()));
                return reaction;
            }
            other => return refuse(reaction, format!("action {other:?}")),
        }
        if !is_binary(&request.info_hash) || !is_binary(&request.peer_id) {
            return refuse(reaction, "an info_hash or peer_id that is not 20 code points below 256".into());
        }
        match &request.event {
            None => {}
            Some(Some(event)) if matches!(event.as_str(), "started" | "stopped" | "completed") => {}
            Some(event) => return refuse(reaction, format!("event {event:?}")),
        }
        match (&request.answer, &request.to_peer_id, &request.offer_id) {
            (Some(answer), Some(to), Some(offer_id)) => {
                self.answer(socket, &request, answer, to, offer_id, &mut reaction);
            }
            (None, None, _) => self.announce(socket, &request, now, random, &mut reaction),
            _ => return refuse(reaction, "an answer without recipient, offer or description".into()),
        }
        reaction
    }

    fn announce(
        &mut self,
        socket: u32,
        request: &Request<'_>,
        now: u64,
        random: &mut Random,
        reaction: &mut Reaction,
    ) {
        self.announces += 1;
        if request.event.as_ref().is_some_and(|event| event.as_deref() == Some("stopped")) {
            if !request.offers.is_empty() {
                reaction.fault = Some("offers in a stopped announce".into());
            }
            self.closed(socket);
            return;
        }
        let hash = request.info_hash.to_string();
        let peer_id = request.peer_id.to_string();
        match self.sockets.get(&socket) {
            Some((known_hash, known_id)) if *known_hash != hash || *known_id != peer_id => {
                reaction.fault = Some("a second peer_id or info_hash on one socket".into());
                reaction.close = true;
                return;
            }
            Some(_) => {}
            None => {
                self.sockets.insert(socket, (hash.clone(), peer_id.clone()));
            }
        }
        if request.left.is_none() {
            reaction.fault = Some("an announce without left".into());
        }
        let swarm = self.swarms.entry(hash).or_default();
        swarm.put(Member { peer_id, socket, last_announce: now });

        if request.offers.len() > MAX_OFFERS {
            reaction.fault = Some(format!("{} offers in one announce", request.offers.len()));
        }
        if request.numwant != Some(request.offers.len()) {
            reaction.fault = Some(format!("numwant {:?}, {} offers", request.numwant, request.offers.len()));
        }
        let wanted = request.numwant.unwrap_or(0).min(request.offers.len()).min(MAX_OFFERS);
        let expired = now.saturating_sub(self.params.expiry.as_micros() as u64);
        let chosen = swarm.choose(wanted, &request.peer_id, expired, random);
        for (place, entry) in chosen.into_iter().zip(&request.offers) {
            if entry.offer.kind != "offer" || !is_binary(&entry.offer_id) {
                reaction.fault = Some("an offer of another type, or with a bad offer_id".into());
            }
            let word = request.word(&entry.offer_id);
            reaction.messages.push((swarm.members[place].socket, word.write(Half::Offer, &entry.offer.sdp)));
        }
        let interval = self.params.interval.as_secs();
        reaction.messages.push((socket, response(&request.info_hash, interval, swarm.members.len())));
    }

    fn answer(
        &self,
        socket: u32,
        request: &Request<'_>,
        answer: &Description<'_>,
        to: &str,
        offer_id: &str,
        reaction: &mut Reaction,
    ) {
        if answer.kind != "answer" || request.event.is_some() || !request.offers.is_empty() {
            reaction.fault = Some("an answer of another type, or with event or offers".into());
        }
        if self.sockets.get(&socket).is_none_or(|(_, id)| *id != request.peer_id) {
            reaction.fault = Some("an answer from a peer_id that never announced on this socket".into());
        }
        let swarm = self.swarms.get(&*request.info_hash);
        let member = swarm.and_then(|swarm| Some(&swarm.members[*swarm.places.get(to)? as usize]));
        let Some(member) = member else {
            reaction.close = self.params.closes_on_late_answer;
            return;
        };
        reaction.messages.push((member.socket, request.word(offer_id).write(Half::Answer, &answer.sdp)));
    }

    /// A socket is gone, and its member with it.
    pub fn closed(&mut self, socket: u32) {
        if let Some((hash, peer_id)) = self.sockets.remove(&socket)
            && let Some(swarm) = self.swarms.get_mut(&hash)
        {
            swarm.remove(&peer_id);
        }
    }

    /// Forgets everything, as after a restart.
    pub fn restart(&mut self) {
        self.swarms.clear();
        self.sockets.clear();
    }
}

impl Swarm {
    fn put(&mut self, member: Member) {
        match self.places.get(&member.peer_id) {
            Some(&place) => self.members[place as usize] = member,
            None => {
                self.places.insert(member.peer_id.clone(), self.members.len() as u32);
                self.members.push(member);
            }
        }
    }

    fn remove(&mut self, peer_id: &str) {
        if let Some(place) = self.places.remove(peer_id) {
            self.members.swap_remove(place as usize);
            if let Some(moved) = self.members.get(place as usize) {
                self.places.insert(moved.peer_id.clone(), place);
            }
        }
    }

    /// Distinct random members other than one, forgetting on the way those that are overdue.
    fn choose(&mut self, count: usize, but: &str, expired: u64, random: &mut Random) -> Vec<usize> {
        let mut chosen = Vec::with_capacity(count);
        // Members leave only before the first is chosen, so that the places stay right.
        let mut overdue: Vec<String> = Vec::new();
        let mut tries = 4 * count + 8;
        while chosen.len() < count && chosen.len() + 1 + overdue.len() < self.members.len() && tries > 0 {
            let place = random.below(self.members.len());
            let member = &self.members[place];
            if member.last_announce < expired {
                if !overdue.contains(&member.peer_id) {
                    overdue.push(member.peer_id.clone());
                }
            } else if member.peer_id != but && !chosen.contains(&place) {
                chosen.push(place);
                continue;
            }
            // In a small swarm random picks repeat: walk on from the last one instead of trying for ever.
            tries -= 1;
            if tries == 0 {
                let all = (0..self.members.len()).map(|step| (place + step) % self.members.len());
                for place in all {
                    let member = &self.members[place];
                    let fit =
                        member.last_announce >= expired && member.peer_id != but && !chosen.contains(&place);
                    if fit && chosen.len() < count {
                        chosen.push(place);
                    }
                }
            }
        }
        if !overdue.is_empty() {
            let ids: Vec<String> = chosen.iter().map(|&place| self.members[place].peer_id.clone()).collect();
            for peer_id in overdue {
                self.remove(&peer_id);
            }
            return ids.iter().map(|id| self.places[id] as usize).collect();
        }
        chosen
    }
}

fn refuse(mut reaction: Reaction, fault: String) -> Reaction {
    reaction.fault = Some(fault);
    reaction.close = true;
    reaction
}

fn is_binary(text: &str) -> bool {
    let mut count = 0;
    text.chars().all(|c| {
        count += 1;
        u32::from(c) < 256
    }) && count == 20
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn id(n: u8) -> String {
        std::iter::repeat_n(char::from(n), 20).collect()
    }

    fn announce(from: u8, offers: usize) -> String {
        let offers: Vec<Value> = (0..offers)
            .map(|i| json!({"offer_id": id(200 + i as u8), "offer": {"type": "offer", "sdp": "x"}}))
            .collect();
        let numwant = offers.len();
        json!({"action": "announce", "info_hash": id(1), "peer_id": id(from), "numwant": numwant,
               "offers": offers, "left": 1, "event": "started"})
        .to_string()
    }

    fn tracker_with(members: u8) -> (Tracker, Random) {
        let (mut tracker, mut random) = (Tracker::new(TrackerParams::default()), Random::new([3; 32]));
        for member in 0..members {
            let reaction = tracker.receive(u32::from(member), &announce(100 + member, 0), 0, &mut random);
            assert_eq!((reaction.close, reaction.fault), (false, None));
        }
        (tracker, random)
    }

    #[test]
    fn each_offer_goes_to_a_different_other_member_and_a_response_follows() {
        let (mut tracker, mut random) = tracker_with(4);
        let reaction = tracker.receive(0, &announce(100, 5), 0, &mut random);
        let mut sockets: Vec<u32> = reaction.messages.iter().map(|(socket, _)| *socket).collect();
        assert_eq!(sockets.pop(), Some(0));
        sockets.sort_unstable();
        assert_eq!(sockets, [1, 2, 3]);
        let response: Value = serde_json::from_str(&reaction.messages[3].1).unwrap();
        assert_eq!(
            response,
            json!({"action": "announce", "info_hash": id(1), "interval": 120, "complete": 0, "incomplete": 4})
        );
    }

    #[test]
    fn an_answer_goes_to_the_one_it_names_without_its_name() {
        let (mut tracker, mut random) = tracker_with(2);
        let answer = json!({"action": "announce", "info_hash": id(1), "peer_id": id(101), "to_peer_id": id(100),
                            "offer_id": id(9), "answer": {"type": "answer", "sdp": "y"}});
        let reaction = tracker.receive(1, &answer.to_string(), 0, &mut random);
        assert_eq!(reaction.messages.len(), 1);
        assert_eq!(reaction.messages[0].0, 0);
        let forwarded: Value = serde_json::from_str(&reaction.messages[0].1).unwrap();
        assert_eq!(
            forwarded,
            json!({"action": "announce", "info_hash": id(1), "peer_id": id(101), "offer_id": id(9),
                   "answer": {"type": "answer", "sdp": "y"}})
        );
    }

    #[test]
    fn what_a_strict_tracker_closes_on_is_closed_on() {
        let (mut tracker, mut random) = tracker_with(1);
        let long = "x".repeat(MAX_MESSAGE + 1);
        let null = announce(100, 0).replace("\"started\"", "null");
        let odd = announce(100, 0).replace("\"started\"", "\"update\"");
        let other_id = announce(101, 0);
        for bad in [long.as_str(), "{", &null, &odd, &other_id] {
            assert!(tracker.receive(0, bad, 0, &mut random).close, "{bad:.60}");
        }
    }

    #[test]
    fn members_that_left_or_are_overdue_get_no_offers() {
        let (mut tracker, mut random) = tracker_with(3);
        tracker.closed(2);
        let late = 181_000_000;
        tracker.receive(1, &announce(101, 0), late, &mut random);
        let reaction = tracker.receive(5, &announce(105, 5), late, &mut random);
        let sockets: Vec<u32> = reaction.messages.iter().map(|(socket, _)| *socket).collect();
        assert_eq!(sockets, [1, 5]);
    }

    #[test]
    fn a_stopped_member_is_gone_at_once() {
        let (mut tracker, mut random) = tracker_with(2);
        let stopped = announce(100, 0).replace("started", "stopped");
        tracker.receive(0, &stopped, 0, &mut random);
        let reaction = tracker.receive(1, &announce(101, 1), 0, &mut random);
        assert_eq!(reaction.messages.len(), 1, "only the response");
    }
}
