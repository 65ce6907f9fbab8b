//! Whoever brings a first offer: the trackers, and other tabs. What they bring is for the mesh to place.

use std::collections::VecDeque;
use std::time::Duration;

use super::config::{Config, MAX_TRACKERS};
use super::context::{Context, Effect, Stranger};
use super::envelope::{Envelope, Half};
use super::id::{Address, OfferId, TrackerPeerId};
use super::io::{Event, Output, TrackerId, TrackerStatus};
use super::links::link::Packet;
use super::map::Map;
use super::neighborhood::Neighborhood;
use super::offer::{Name, Offering};
use super::ring::Side;
use super::sdp::Description;
use super::time::{Instant, soonest};

mod tabs;
pub(crate) mod tracker;

use tabs::{TABS, Tabs};
use tracker::{Heard, Need, Tracker, Urgency};
pub(crate) use tracker::{mark, normal_form};

/// Most offers in one announce of a peer in need. A healthy one only seeks its ring neighbors.
const OFFERS: usize = 3;
const OFFERS_HEALTHY: usize = 2;
/// After this time an announce that waits for offers goes without them.
const WITHOUT_OFFERS: Duration = Duration::from_millis(1500);
/// What trackers take to answer, and attempts have time for.
const USUAL: Duration = Duration::from_millis(500);
/// Pause before an announce when the mesh may have fallen apart.
const CATASTROPHE: Duration = Duration::from_millis(500);

/// A peer that has nobody turns to the reserves when no tracker has answered for this long: longer than a slow one takes.
/// One with neighbors waits for longer, and then newcomers find it there.
const WIDEN: Duration = Duration::from_secs(20);
const WIDEN_LINKED: Duration = Duration::from_secs(60);
/// Reserves are left when another tracker has answered for this long: by then those who wait for it have tried it again.
const NARROW: Duration = Duration::from_secs(120);
/// Neighbors are asked which trackers answer them when none has answered here for this long, and again after that; and what
/// they say counts until they did not say it again.
const ASK: Duration = Duration::from_secs(20);
const ASK_AGAIN: Duration = Duration::from_secs(60);
const VOUCHED: Duration = Duration::from_secs(90);
const ANSWERED: Duration = Duration::from_secs(10);
/// Most marks of trackers that are told at once, or looked at.
const MAX_MARKS: usize = MAX_TRACKERS;
/// Most reserves in use.
const MAX_RESERVES: usize = 3;
/// What the page is told when no tracker can be reached, with what went wrong at some of them.
const BLOCKED: &str = "no tracker can be reached, and without one this page meets nobody. Is it offline? A firewall, a \
    content blocker or the page's Content-Security-Policy (connect-src) may forbid it; a page of https may use wss:// only; \
    a URL may be wrong. It goes on trying";
const MAX_TOLD: usize = 3;

/// The trackers of one peer.
#[derive(Debug, Default)]
pub(crate) struct Introducers {
    trackers: Map<TrackerId, Tracker>,
    next_tracker: u32,
    /// Other tabs of this browser, where there is a way to them.
    tabs: Option<Tabs>,
    /// How much depends on each of them.
    urgency: Urgency,
    /// Whether the reserves are in use, and since when they should not be as they are.
    widened: bool,
    turn_since: Option<Instant>,
    /// When the neighbors are asked which trackers answer them.
    ask_at: Option<Instant>,
    /// Until when their answers are taken.
    asked_until: Option<Instant>,
    /// Marks of trackers on this peer's own list that answer a neighbor, and until when that counts.
    vouched: Map<u32, Instant>,
    /// Whether the page was told that none can be reached, since one last answered.
    complained: bool,
}

/// How many offers a peer in need has out at most: half of its slots, the other half is for the offers of others.
pub(crate) fn most_offers(max_peers: usize) -> usize {
    (max_peers / 2).clamp(OFFERS_HEALTHY, OFFERS)
}

impl Introducers {
    pub(crate) fn add(&mut self, url: &str, cx: &mut Context<'_>) {
        if self.trackers.values().any(|tracker| tracker.url() == url) {
            // A reserve that is in use; `due` sees that it is none any more.
            return;
        }
        let id = TrackerId(self.next_tracker);
        self.next_tracker += 1;
        let every = cx.me.config.announce_every;
        let info_hash = cx.me.secret.info_hash();
        let mut tracker = Tracker::new(id, url.to_owned(), info_hash, every, cx.random.split());
        tracker.set_urgency(self.urgency, cx.now, cx.out);
        tracker.open(cx.now, cx.out);
        self.trackers.insert(id, tracker);
    }

    /// Takes leave of a tracker.
    pub(crate) fn remove(&mut self, url: &str, out: &mut VecDeque<Output>) {
        self.trackers.retain(|_, tracker| {
            let stays = tracker.url() != url;
            if !stays {
                tracker.close(out);
            }
            stays
        });
    }

    /// Looks for other tabs of this browser.
    pub(crate) fn open_tabs(&mut self, cx: &mut Context<'_>) {
        self.tabs = Some(Tabs::open(cx.me.secret.info_hash(), cx));
    }

    /// Takes leave of all.
    pub(crate) fn close(&mut self, out: &mut VecDeque<Output>) {
        out.extend(self.tabs.take().map(|_| Output::TabsClose));
        self.trackers.values_mut().for_each(|tracker| tracker.close(out));
    }

    /// How each does.
    pub(crate) fn statuses(&self) -> Vec<TrackerStatus> {
        self.trackers.values().map(Tracker::status).collect()
    }

    /// The user's cap on the pause between announces.
    pub(crate) fn set_every(&mut self, every: Duration, now: Instant) {
        self.trackers.values_mut().for_each(|tracker| tracker.set_every(every, now));
    }

    // What they say.

    pub(crate) fn handle_opened(&mut self, id: TrackerId, now: Instant) {
        if let Some(tracker) = self.trackers.get_mut(&id) {
            tracker.handle_opened(now);
        }
    }

    pub(crate) fn handle_closed(&mut self, id: TrackerId, reason: String, now: Instant) {
        if let Some(tracker) = self.trackers.get_mut(&id) {
            tracker.handle_closed(reason, now);
        }
    }

    pub(crate) fn handle_message(&mut self, id: TrackerId, text: &str, cx: &mut Context<'_>) {
        let Some(tracker) = self.trackers.get_mut(&id) else { return };
        let (heard, mark) = (tracker.handle_message(text, cx.now), tracker.mark());
        match heard {
            Some(heard) => self.handle_heard(id, mark, heard, cx),
            None => cx.drop_because("tracker message"),
        }
    }

    /// A word of another tab.
    pub(crate) fn handle_tab(&mut self, word: &[u8], cx: &mut Context<'_>) {
        match self.tabs.as_mut().map(|tabs| tabs.handle(word, cx)) {
            Some(Ok(Some(heard))) => self.handle_heard(TABS, Tabs::mark(), heard, cx),
            Some(Err(())) => cx.drop_because("tab message"),
            Some(Ok(None)) | None => {}
        }
    }

    fn handle_heard(&mut self, id: TrackerId, mark: u32, heard: Heard, cx: &mut Context<'_>) {
        match heard {
            Heard::Offer { from, id: offer, sdp } if cx.allows_stranger(id) => {
                let envelope = Envelope::read(&sdp, Half::Offer, &offer, &cx.me.secret, cx.now);
                let Some(envelope) = envelope else { return cx.drop_because("tracker offer") };
                let stranger = Stranger { tracker: id, mark, from, offer, envelope };
                cx.effects.push_back(Effect::Introduced(stranger));
            }
            Heard::Answer { id: offer, sdp } if cx.allows_stranger(id) => {
                match Envelope::read(&sdp, Half::Answer, &offer, &cx.me.secret, cx.now) {
                    Some(Envelope { from, description: answer, .. }) => {
                        cx.effects.push_back(Effect::Answered { offer, from, answer });
                    }
                    None => cx.drop_because("tracker answer"),
                }
            }
            Heard::Response { .. } | Heard::Failure(_) | Heard::Offer { .. } | Heard::Answer { .. } => {}
        }
    }

    // What they are told.

    /// Answers an offer that a tracker brought here.
    pub(crate) fn answer(
        &mut self,
        tracker: TrackerId,
        to: TrackerPeerId,
        offer: OfferId,
        text: &str,
        cx: &mut Context<'_>,
    ) {
        if tracker == TABS {
            return Tabs::answer(to, offer, text, cx.out);
        }
        match self.trackers.get(&tracker).filter(|tracker| tracker.is_open()) {
            Some(tracker) => tracker.answer(to, offer, text, cx.out),
            None => cx.drop_because("answer without a tracker"),
        }
    }

    /// Answers an offer that a tracker brought to somebody else, if this peer is there, too.
    pub(crate) fn answer_anothers(
        &mut self,
        mark: u32,
        to: TrackerPeerId,
        offer: OfferId,
        text: &str,
        cx: &mut Context<'_>,
    ) {
        if self.tabs.is_some() && mark == Tabs::mark() {
            return Tabs::answer(to, offer, text, cx.out);
        }
        if let Some(tracker) = self.trackers.values_mut().find(|tracker| tracker.mark() == mark) {
            tracker.answer_anothers(to, offer, text, cx.now, cx.out);
        }
    }

    /// An offer is ready: announces that wait for one may go, a little later, when others are ready too.
    pub(crate) fn offers_ready(&mut self, all: bool, now: Instant) {
        self.trackers.values_mut().for_each(|tracker| tracker.offers_ready(now, all));
    }

    /// A connection came to nothing: who has no neighbor asks for another at once.
    pub(crate) fn retry(&mut self, now: Instant) {
        self.trackers.values_mut().for_each(|tracker| tracker.retry(now));
    }

    /// The neighborhood changed: what a tracker may know of it is worth asking again.
    pub(crate) fn reconsider(&mut self, now: Instant) {
        self.trackers.values_mut().for_each(|tracker| tracker.reconsider(now));
    }

    /// The mesh may have fallen apart: only the trackers can mend that.
    pub(crate) fn call_for_help(&mut self, now: Instant) {
        self.trackers.values_mut().for_each(|tracker| tracker.hasten(now + CATASTROPHE));
        self.tabs.iter_mut().for_each(|tabs| tabs.hasten(now));
    }

    /// The page is awake again.
    pub(crate) fn handle_woke(&mut self, cx: &mut Context<'_>) {
        for tracker in self.trackers.values_mut() {
            tracker.hasten(cx.now);
            tracker.handle_timeout(cx.now, cx.out);
        }
        if let Some(tabs) = &mut self.tabs {
            tabs.hasten(cx.now);
            tabs.handle_timeout(cx);
        }
    }

    /// How long the tracker that brought somebody an offer takes to bring an answer back, as far as it is known here, and no
    /// time at all if that is as usual.
    pub(crate) fn delay_of(&self, mark: u32) -> Duration {
        let tracker = self.trackers.values().find(|tracker| tracker.mark() == mark);
        tracker.map(Tracker::delay).filter(|delay| *delay > USUAL).unwrap_or_default()
    }

    // Announces.

    /// Adapts the cadence to the neighborhood; the trackers that want an announce now.
    pub(crate) fn due(&mut self, cx: &mut Context<'_>) -> Vec<TrackerId> {
        self.ask(cx);
        self.turn(cx);
        let (around, now) = (cx.around, cx.now);
        let (need, known) = (need(around), around.known.len());
        let urgency = match need {
            Need::Lonely => Urgency::Alone,
            _ if self.is_served(cx) => Urgency::Spare,
            _ => Urgency::Hidden,
        };
        // With two links the view is no sample of the swarm: a ring that winds round twice looks right to
        // every one of its peers, and only a stranger's request shows that it is not.
        let blind = around.max_peers == 2;
        let changed = std::mem::replace(&mut self.urgency, urgency) != urgency;
        for tracker in self.trackers.values_mut() {
            // A full set of links among a few, while the tracker counts more: the swarm has another part.
            let small = blind || known < around.capacity() / 2;
            let apart = small && known + 1 < tracker.peers();
            tracker.set_need(if apart { need.max(Need::Growing) } else { need }, now);
            if changed {
                tracker.set_urgency(urgency, now, cx.out);
            }
            cx.out.extend(tracker.news().map(|status| Output::Event(Event::Tracker(status))));
        }
        self.complain(cx);
        let due = self.trackers.iter().filter(|(_, tracker)| tracker.wants_announce(now));
        let mut due: Vec<_> = due.map(|(&id, _)| id).collect();
        if let Some(tabs) = &mut self.tabs {
            tabs.set_need(need, now);
            tabs.handle_timeout(cx);
            due.extend((tabs.wanted() > 0).then_some(TABS));
        }
        due
    }

    /// Whether a tracker answers that is no reserve: here, or at a neighbor that says so, for then strangers find the swarm.
    fn is_served(&self, cx: &Context<'_>) -> bool {
        let linked = !cx.around.links.is_empty();
        let mut own = self.trackers.values().filter(|tracker| cx.me.config.uses(tracker.url()));
        own.any(|tracker| tracker.is_ready() || linked && self.is_vouched(tracker.mark(), cx.now))
    }

    fn is_vouched(&self, mark: u32, now: Instant) -> bool {
        self.vouched.get(&mark).is_some_and(|until| *until > now)
    }

    /// Asks the neighbors, now and then, which trackers answer them, while none of this peer's own does.
    fn ask(&mut self, cx: &mut Context<'_>) {
        let config = &cx.me.config;
        let mut own = self.trackers.values().filter(|tracker| config.uses(tracker.url()));
        if config.trackers.is_empty() || cx.around.links.is_empty() || own.any(Tracker::is_ready) {
            self.ask_at = None;
        } else if *self.ask_at.get_or_insert(cx.now + ASK) <= cx.now {
            (self.ask_at, self.asked_until) = (Some(cx.now + ASK_AGAIN), Some(cx.now + ANSWERED));
            for link in &cx.around.links {
                let ask = Packet::Trackers { marks: Vec::new(), asks: true };
                cx.effects.push_back(Effect::Send(link.address, ask, None));
            }
        }
    }

    /// A neighbor asks, or says, which trackers answer. What it says leads nowhere but to trackers on this peer's own list.
    pub(crate) fn handle_trackers(&mut self, from: Address, marks: &[u32], asks: bool, cx: &mut Context<'_>) {
        if asks {
            let ready = self.trackers.values().filter(|tracker| tracker.is_ready());
            let marks = ready.map(Tracker::mark).take(MAX_MARKS).collect();
            return cx.send(from, Packet::Trackers { marks, asks: false });
        }
        if self.asked_until.is_none_or(|until| until <= cx.now) {
            return cx.drop_because("trackers not asked for");
        }
        let Config { trackers, reserves, .. } = &cx.me.config;
        let known: Vec<_> = trackers.iter().chain(reserves).map(|url| mark(url)).collect();
        let known = marks.iter().take(MAX_MARKS).filter(|mark| known.contains(mark));
        self.vouched.extend(known.map(|&mark| (mark, cx.now + VOUCHED)));
    }

    /// Turns to the reserves where no other tracker answers for long, and from them when one does again. All peers that
    /// find the others silent turn to the same ones, so that they meet there.
    fn turn(&mut self, cx: &mut Context<'_>) {
        let me = cx.me;
        let Config { trackers, reserves, .. } = &me.config;
        // Who uses no tracker wants no other either.
        let none = trackers.is_empty() || reserves.is_empty();
        let served = self.is_served(cx);
        if served != self.widened || none && !self.widened {
            self.turn_since = None;
        } else if *self.turn_since.get_or_insert(cx.now) + self.turn_after(cx.around.links.is_empty())
            <= cx.now
        {
            (self.turn_since, self.widened) = (None, !self.widened);
            if self.widened {
                let mut order: Vec<_> = reserves.iter().collect();
                order.sort_by_key(|url| !self.is_vouched(mark(url), cx.now));
                order.into_iter().take(MAX_RESERVES).for_each(|url| self.add(url, cx));
            } else {
                let left = self.trackers.values().map(Tracker::url).filter(|url| !me.config.uses(url));
                let left: Vec<String> = left.map(str::to_owned).collect();
                left.iter().for_each(|url| self.remove(url, cx.out));
            }
        }
    }

    /// How long the trackers must be silent, or speak again, before that.
    fn turn_after(&self, alone: bool) -> Duration {
        match self.widened {
            true => NARROW,
            false if alone => WIDEN,
            false => WIDEN_LINKED,
        }
    }

    /// Tells the page why it meets nobody: once, and once more if one answered in between.
    fn complain(&mut self, cx: &mut Context<'_>) {
        if self.trackers.values().any(Tracker::is_ready) {
            self.complained = false;
        }
        let blocked = !self.trackers.is_empty() && self.trackers.values().all(Tracker::is_blocked);
        if blocked && cx.around.links.is_empty() && !std::mem::replace(&mut self.complained, true) {
            let told =
                |status: TrackerStatus| format!("{}: {}", status.url, status.last_error.unwrap_or_default());
            let told: Vec<_> =
                self.trackers.values().take(MAX_TOLD).map(|tracker| told(tracker.status())).collect();
            cx.warn("ERR_ALL_TRACKERS_BLOCKED", format!("{BLOCKED} ({})", told.join("; ")));
        }
    }

    /// How many offers an announce should have. `ready`: whether none is still being made. The first announce is not to
    /// wait, and what is not ready for it would have to wait for the next.
    pub(crate) fn wanted(&self, id: TrackerId, ready: bool, around: &Neighborhood) -> usize {
        let tabs = self.tabs.as_ref().filter(|_| id == TABS).map_or(usize::MAX, Tabs::wanted);
        let first = self.trackers.get(&id).is_some_and(|tracker| !tracker.is_started());
        tabs.min(match need(around) {
            _ if first && !ready => 0,
            Need::Healthy | Need::Growing => OFFERS_HEALTHY,
            Need::Hungry | Need::Lonely => most_offers(around.max_peers),
        })
    }

    /// Announces, with some of these offers; so many were wanted.
    pub(crate) fn announce(
        &mut self,
        id: TrackerId,
        wanted: usize,
        offers: Vec<(OfferId, Description)>,
        cx: &mut Context<'_>,
    ) {
        let mut offers = envelopes(wanted, offers, cx);
        if let Some(tabs) = self.tabs.as_mut().filter(|_| id == TABS) {
            // Offers are being made; when the first is ready, this comes again.
            if !offers.is_empty() {
                tabs.offer(offers, cx.out);
            }
            return;
        }
        let Some(tracker) = self.trackers.get_mut(&id) else { return };
        let missing = offers.is_empty();
        if missing && tracker.can_wait() {
            // Offers are being made; when the first is ready, `offers_ready` comes.
            return tracker.postpone(cx.now + WITHOUT_OFFERS);
        }
        tracker.announce(&mut offers, cx.now, cx.out);
        if missing {
            tracker.hasten(cx.now + WITHOUT_OFFERS);
        }
    }

    // Time.

    pub(crate) fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.trackers.values_mut().for_each(|tracker| tracker.handle_timeout(cx.now, cx.out));
        self.tabs.iter_mut().for_each(|tabs| tabs.handle_timeout(cx));
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let turn = self.turn_since.map(|since| since + self.turn_after(self.urgency == Urgency::Alone));
        let tabs = self.tabs.as_ref().and_then(Tabs::poll_timeout);
        let trackers = self.trackers.values().filter_map(Tracker::poll_timeout).min();
        soonest(soonest(soonest(turn, self.ask_at), tabs), trackers)
    }
}

/// How much a peer needs its trackers.
fn need(around: &Neighborhood) -> Need {
    match around.links.len() {
        0 => Need::Lonely,
        1 => Need::Hungry,
        links if links < around.max_peers => Need::Growing,
        _ => Need::Healthy,
    }
}

/// Offers as trackers carry them: one for each side of the ring, others for anybody.
pub(crate) fn envelopes(
    wanted: usize,
    offers: Vec<(OfferId, Description)>,
    cx: &mut Context<'_>,
) -> Vec<(OfferId, String)> {
    if wanted == 0 {
        return Vec::new();
    }
    let bounds = Side::BOTH.map(|side| cx.around.bound(side));
    // Where only one is ready it is not for the same side each time: who is there may be out of reach.
    let first = cx.random.below(wanted);
    let write = |(turn, (id, description)): (usize, (OfferId, Description))| {
        let role = turn % wanted;
        let (me, name) = (&cx.me, Name::Offer(id));
        let said = Offering { name, instance: &me.instance, description: &description };
        let envelope = Envelope {
            signature: Some(said.sign(&me.identity, &me.secret.tag(), cx.swarm_now())),
            instead_of: bounds.get(role).copied().flatten(),
            from: cx.me.address,
            instance: cx.me.instance,
            role: role as u8,
            description,
        };
        (id, envelope.write(Half::Offer, &id, &cx.me.secret, cx.random, cx.now))
    };
    (first..first + wanted).zip(offers).map(write).collect()
}
