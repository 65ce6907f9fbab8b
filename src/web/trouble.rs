//! What it means that nobody can be reached, in words: what the core knows of its connections, and what the shell knows of the
//! configuration they were made with.

use js_sys::Reflect;

use crate::proto::Trouble;

use super::notice::Notice;
use super::rtc::Rtc;
use super::rtc_config::RtcConfig;

/// What the page should hear of it; `None`: it has heard it already.
pub(super) fn notice(trouble: &Trouble, config: &RtcConfig, rtc: &Rtc) -> Option<Notice> {
    let facts = config.facts();
    match trouble {
        Trouble::NoDescription(_) if facts.pending.get() => Some(Notice::error(
            "ERR_RTC_CONFIG",
            "rtcConfig has given no RTCConfiguration so far, and nothing connects without: its promise does not settle"
                .into(),
        )),
        Trouble::NoDescription(_) if facts.failure.borrow().is_some() => None,
        Trouble::NoDescription(why) if rtc.refuses_config.get() => Some(Notice::error(
            "ERR_RTC_CONFIG",
            format!("this browser makes no connection by this rtcConfig, and nothing connects without: {why}"),
        )),
        Trouble::NoDescription(why) => Some(Notice::error(
            "ERR_NO_WEBRTC",
            format!(
                "WebRTC is here and makes no connections: {why}. A privacy extension or a setting of the browser may \
                 block it"
            ),
        )),
        // A relay is asked over the network, which takes its time; that there is none was said at once.
        Trouble::NoCandidates { over } if facts.relay_only.get() => (*over && facts.has_turn.get()).then(|| {
            let text = format!(
                "iceTransportPolicy is 'relay', and no TURN server gave an address{}: nothing can connect. Is it up, and \
                 are URL and login right?",
                refusals(&rtc.refusals.borrow())
            );
            Notice::error("ERR_ICE", text)
        }),
        Trouble::NoCandidates { .. } if is_online() == Some(false) => {
            Some(Notice::error("ERR_ICE", "this machine is offline: nobody can be reached".into()))
        }
        Trouble::NoCandidates { .. } => Some(Notice::error(
            "ERR_NO_WEBRTC",
            "WebRTC is here and finds no address of this machine, so nobody can reach it: the machine is in no network, or a \
             privacy extension, a setting or a policy of the browser blocks it"
                .into(),
        )),
        Trouble::NoWay(attempts) => {
            let help = match facts.has_turn.get() {
                true => format!("and the TURN server in rtcConfig did not help{}", refusals(&rtc.refusals.borrow())),
                false => "and a TURN server in rtcConfig, which relays, would help".into(),
            };
            Some(Notice::error(
                "ERR_ICE",
                format!(
                    "{attempts} connections were tried and none came about: unless these peers were just closed, the networks \
                     let nothing through, {help}"
                ),
            ))
        }
    }
}

/// What STUN and TURN servers did not do, in parentheses.
pub(super) fn refusals(refusals: &[(String, String)]) -> String {
    let said: Vec<_> = refusals.iter().map(|(url, why)| [url, ": ", why.trim_end()].concat()).collect();
    if said.is_empty() { String::new() } else { format!(" ({})", said.join("; ")) }
}

/// Whether there is a network, as far as the browser knows and where there is a browser.
pub(super) fn is_online() -> Option<bool> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    Reflect::get(&navigator, &"onLine".into()).ok()?.as_bool()
}
