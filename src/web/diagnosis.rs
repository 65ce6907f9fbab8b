//! Why peers do or do not connect: what the machines wrote down, as plain data and in words. The one place where these are
//! found.

use serde::Serialize;
use wasm_bindgen::JsValue;
use web_sys::Url;

use crate::proto::{Attempts, Cause, TrackerState, TrackerStatus};

use super::rtc_config::Facts;
use super::snapshot;
use super::trouble::{self, is_online};

/// What is known.
pub(super) struct Findings<'a> {
    pub(super) closed: bool,
    /// The secret is still being stretched.
    pub(super) locked: bool,
    pub(super) private: bool,
    pub(super) neighbors: usize,
    pub(super) known: usize,
    pub(super) trackers: Vec<TrackerStatus>,
    pub(super) attempts: Attempts,
    pub(super) clock_shift: i64,
    /// Trackers that a Content-Security-Policy keeps away.
    pub(super) refused: Vec<String>,
    pub(super) webrtc_refused: bool,
    pub(super) config: &'a Facts,
    /// What STUN and TURN servers did not do.
    pub(super) refusals: Vec<(String, String)>,
}

/// One thing that is so, and what to do about it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Finding {
    /// Stable, for programs.
    code: &'static str,
    message: String,
    /// What to do; nothing, where nothing is wrong.
    advice: &'static str,
}

/// For the page.
pub(super) fn shown(known: &Findings<'_>) -> JsValue {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown<'a> {
        text: String,
        findings: Vec<Finding>,
        neighbors: usize,
        online: Option<bool>,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        trackers: JsValue,
        candidates: Option<Kinds>,
        attempts: Vec<Attempt<'a>>,
        servers: Vec<Refusal<'a>>,
        clock_shift: i32,
    }
    #[derive(Serialize)]
    struct Kinds {
        host: u32,
        mdns: u32,
        srflx: u32,
        relay: u32,
    }
    #[derive(Serialize)]
    struct Attempt<'a> {
        at: f64,
        peer: Option<String>,
        cause: &'static str,
        message: &'a str,
    }
    #[derive(Serialize)]
    struct Refusal<'a> {
        url: &'a str,
        message: &'a str,
    }
    let findings = find(known);
    let attempts = known.attempts.failures.iter().map(|failure| Attempt {
        at: failure.at as f64,
        peer: failure.peer.map(|peer| peer.to_string()),
        cause: name(failure.cause),
        message: &failure.detail,
    });
    snapshot::plain(&Shown {
        text: paragraph(&findings),
        findings,
        neighbors: known.neighbors,
        online: is_online(),
        trackers: snapshot::trackers(&known.trackers),
        candidates: known.attempts.candidates.map(|kinds| Kinds {
            host: kinds.host,
            mdns: kinds.mdns,
            srflx: kinds.srflx,
            relay: kinds.relay,
        }),
        attempts: attempts.collect(),
        servers: known.refusals.iter().map(|(url, message)| Refusal { url, message }).collect(),
        clock_shift: known.clock_shift.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
    })
}

fn paragraph(findings: &[Finding]) -> String {
    let sentence = |finding: &Finding| [&finding.message, " ", finding.advice].concat();
    findings.iter().map(|finding| sentence(finding).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::Description => "no description",
        Cause::Candidates => "no candidates",
        Cause::Ice => "ice",
        Cause::Channel => "channel",
        Cause::Greeting => "greeting",
        Cause::Admission => "admission",
        Cause::Version => "version",
        Cause::Full => "full",
        Cause::Banned => "banned",
    }
}

/// What is so, the gravest first.
fn find(known: &Findings<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |code, message: String, advice| found.push(Finding { code, message, advice });
    let count = |cause| known.attempts.counts.get(&cause).copied().unwrap_or_default();
    let alone = known.neighbors == 0;

    if known.closed {
        say("closed", "This Easypeers is closed.".into(), "Make a new one to join again.");
    } else if !alone {
        say(
            "connected",
            format!("Connected to {} of {} known peers.", known.neighbors, known.known.max(known.neighbors)),
            "",
        );
    }
    if is_online() == Some(false) {
        say(
            "offline",
            "The browser says that this machine is offline.".into(),
            "Go online: it joins by itself.",
        );
    }
    if known.locked {
        say("locked", "The secret is still being prepared.".into(), "Wait a second.");
    }

    // Can it be introduced?
    let is_wrong = |tracker: &&TrackerStatus| !is_tracker_url(&tracker.url);
    let is_refused = |tracker: &&TrackerStatus| known.refused.contains(&tracker.url);
    let is_down = |tracker: &&TrackerStatus| {
        let trying = matches!(tracker.state, TrackerState::Connecting | TrackerState::Open);
        tracker.state == TrackerState::Waiting || trying && tracker.last_error.is_some()
    };
    let trackers = &known.trackers;
    let wrong: Vec<_> = trackers.iter().filter(is_wrong).collect();
    let refused: Vec<_> = trackers.iter().filter(is_refused).collect();
    let down = trackers.iter().filter(is_down);
    let down: Vec<_> = down.filter(|tracker| !is_wrong(tracker) && !is_refused(tracker)).collect();
    if !wrong.is_empty() {
        say(
            "tracker-url",
            list(&wrong, "is no address of a tracker"),
            "It begins with wss://, or on http: pages ws://.",
        );
    }
    if !refused.is_empty() {
        say(
            "csp",
            list(&refused, "is kept away by this page's Content-Security-Policy"),
            "Name it in connect-src.",
        );
    }
    if known.webrtc_refused {
        say(
            "csp",
            "This page's Content-Security-Policy forbids WebRTC.".into(),
            "Take webrtc 'block' out of it.",
        );
    }
    if trackers.is_empty() {
        say(
            "no-trackers",
            "There is no tracker, and so nobody who could introduce this peer to others.".into(),
            "Give the option trackers, or leave it out for the public ones.",
        );
    } else if !down.is_empty() && down.len() == trackers.len() {
        say(
            "trackers-unreachable",
            list(&down, "does not answer"),
            "None does: is there a network, a firewall or a content blocker? Try another browser without extensions, \
             another network, or a tracker of your own.",
        );
    } else if !down.is_empty() && !known.locked {
        say(
            "tracker-unreachable",
            list(&down, "does not answer"),
            "It may be down, or blocked here. One that answers is enough, if the others are there, too.",
        );
    }

    // Can it be reached?
    let (config, kinds) = (known.config, known.attempts.candidates);
    let is_barren = kinds == Some(crate::proto::Candidates::default());
    if config.pending.get() {
        say(
            "rtc-config",
            "rtcConfig has given no RTCConfiguration yet.".into(),
            "Its promise has to settle.",
        );
    } else if let Some(why) = &*config.failure.borrow() {
        say("rtc-config", format!("rtcConfig gave no RTCConfiguration: {why}."), "Nothing connects without.");
    } else if count(Cause::Description) > 0 && kinds.is_none() {
        let said = known.attempts.failures.iter().rev().find(|failure| failure.cause == Cause::Description);
        let said = said.map_or("", |failure| &failure.detail);
        say(
            "no-webrtc",
            format!("WebRTC makes no connections here: {said}."),
            "A privacy extension, a setting or a policy of the browser may block it.",
        );
    } else if is_barren && config.relay_only.get() {
        say(
            "no-candidates",
            format!(
                "Only relays may be used, and no TURN server gave an address{}.",
                trouble::refusals(&known.refusals)
            ),
            "Check the TURN server's URL and login, and whether it is up.",
        );
    } else if is_barren {
        say(
            "no-candidates",
            "WebRTC finds no address at which this machine could be reached.".into(),
            "Is it online? A privacy extension, a setting or a policy of the browser may hide its addresses.",
        );
    }

    // What came of the attempts?
    if alone {
        let tried = |count: u64, what: &str| {
            format!("{count} connection{} {what}.", if count == 1 { "" } else { "s" })
        };
        for (cause, code, what, advice) in ATTEMPTS {
            if count(cause) > 0 && !is_barren {
                say(code, tried(count(cause), what), advice);
            }
        }
        let answers = trackers.iter().filter(|tracker| tracker.state == TrackerState::Ready);
        let counted = answers.clone().map(|tracker| tracker.peers).max();
        let failed = !known.attempts.failures.is_empty();
        match counted {
            Some(0 | 1) if known.private => say(
                "alone-in-private",
                "The trackers know nobody else with this topic and this secret.".into(),
                "Topic and secret must be the same on both sides, letter by letter, and one tracker in common.",
            ),
            Some(0 | 1) => say(
                "alone",
                "The trackers know nobody else with this topic.".into(),
                "Is anybody else there? The topic must be the same on both sides, and one tracker in common.",
            ),
            Some(others) if !failed && !is_barren => say(
                "searching",
                format!("The trackers count {} others, and none has been met so far.", others - 1),
                "Wait a little: some of them may be pages that were just closed.",
            ),
            _ => {}
        }
    }
    let minutes = known.clock_shift.unsigned_abs().saturating_add(30_000) / 60_000;
    if known.clock_shift != 0 {
        let which = if known.clock_shift > 0 { "behind" } else { "ahead of" };
        let text = format!("The clock of this machine is {minutes} minutes {which} those of its neighbors.");
        say("clock", text, "It takes part all the same. Set the clock.");
    }
    found
}

/// Each cause, what it is called, and what to do.
const ATTEMPTS: [(Cause, &str, &str, &str); 7] = [
    (
        Cause::Version,
        "version",
        "failed because the other side runs another version of Easypeers",
        "Reload the older page, and serve the same version to all.",
    ),
    (
        Cause::Admission,
        "admission",
        "failed because the other side did not prove that it is a member",
        "It may have another secret, or be no Easypeers at all.",
    ),
    (
        Cause::Full,
        "full",
        "failed because the other side had no slot left",
        "Raise maxPeers, or wait: others are asked.",
    ),
    (
        Cause::Banned,
        "banned",
        "were refused, because one side holds something against the other",
        "That ends after a while; a reload begins anew.",
    ),
    (
        Cause::Ice,
        "no-way",
        "failed because nothing came through from one network to the other",
        "Either the peer was gone, or the networks let no direct connection through: a TURN server in rtcConfig relays for \
         them.",
    ),
    (
        Cause::Channel,
        "channel",
        "found a way, and no channel opened on it",
        "A firewall may look into what passes: a TURN server over TLS (turns:) helps.",
    ),
    (
        Cause::Greeting,
        "greeting",
        "opened, and the other side fell silent or hung up",
        "It may just have been closed, or be very slow.",
    ),
];

/// "wss://a (why), wss://b (why): each does not answer."
fn list(trackers: &[&TrackerStatus], what: &str) -> String {
    let one = |tracker: &&TrackerStatus| match &tracker.last_error {
        Some(why) => format!("{} {what} ({why}).", tracker.url),
        None => format!("{} {what}.", tracker.url),
    };
    trackers.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn is_tracker_url(url: &str) -> bool {
    Url::new(url).is_ok_and(|url| matches!(&*url.protocol(), "ws:" | "wss:"))
}
