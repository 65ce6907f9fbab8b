//! How much others may ask of this peer, and what it thinks of those who ask for more.
//!
//! What costs us work, checking a proof or passing something on, is paid from token buckets. What is passed on has one
//! that is common to all neighbors, and each has a share of its own beside it, so that nobody can use up what the others
//! need. An honest peer keeps to the same limits, so what it passes on for others never exceeds its own: above that
//! *ceiling* there is only abuse.
//!
//! Proofs are checked by whose they are, as keys are free and every one of a flood may be new: see `makers`. Keys that
//! were never heard get little, so that a flood of them leaves what the others need; of those that were, the ones that
//! were here first have a reserve.
//!
//! Abuse is scored, and the score decays. At [`BAN_AT`] the link is closed and its owner's key refused for a
//! while. Keys are free: a ban costs an attacker its links and the time to get others, no more.

use std::time::Duration;

mod bucket;
mod makers;

use super::config::MAX_TRACKERS;
use super::id::Address;
use super::io::TrackerId;
use super::map::Map;
use super::time::Instant;
pub(crate) use bucket::{Bucket, Rate};
use makers::Makers;
pub(crate) use makers::{check_cost, message_cost};

/// What this peer lets its own page say: below what others take of one key, so that nobody drops it wherever it is bunched up on
/// its way.
pub(crate) const OWN: Rate = Rate(900.0, 3600.0);
/// ... and of that, messages that go along with the proof of another one.
pub(crate) const OWN_ALONG: Rate = Rate(5500.0, 3500.0);
/// What is common to all, for each kind of work. What is passed on has the neighbors' shares beside it, together as much
/// again, and the trackers', as much once more; proofs of messages have the reserves of their makers.
const COMMON: Rate = Rate(1000.0, 4000.0);
/// Messages that come along with proofs that were checked, whoever made them. They are cheap, so what bounds them is that the
/// names of all that is taken within two seconds are remembered for as long (`replay`). Above that each is paid as if it had
/// come alone.
const ALONG: Rate = Rate(6000.0, 4000.0);
/// Messages of keys that were never heard and are not in sight; the neighbors' shares together are as much again. A guess:
/// a crowd that says hello when a page opens, and a newcomer each 5 ms in a swarm of many thousands.
const NEWCOMERS: Rate = Rate(200.0, 2000.0);
/// Offers whose signatures are checked, of those that end here: a check takes a proof's time, and costs a tenth of a
/// millisecond. One bucket is for what trackers bring, one common to the neighbors, and each of both has a share besides. A guess:
/// far above what takes up a slot, and no more than a hundredth of a thread each.
const OFFERS: Rate = Rate(50.0, 200.0);
/// What an honest neighbor asks of us at most: all that it may take on from others, an acknowledgement for each
/// direct message that it gets, and its own; with some slack.
const CEILING: Rate = Rate(5000.0, 20_000.0);
/// Packets of all kinds from one neighbor. A guess: a few for each message below the ceiling.
const PACKETS: Rate = Rate(20_000.0, 40_000.0);

/// A neighbor with this score is banned ...
const BAN_AT: f64 = 100.0;
/// ... for this long. A guess: longer than an attack is fun, shorter than a session.
const BAN: Duration = Duration::from_secs(600);
/// What is taken off a score each second.
const DECAY: f64 = 1.0;
/// Neighbors, former ones included, whose standing is remembered; the best is forgotten first. As many bans, the oldest is
/// forgotten first: they are apart, or who is banned would leave no place for those who are here.
const MAX_STANDINGS: usize = 256;
/// Trackers of which that is remembered: all that are used at once, and some that were. The first added is forgotten first.
const MAX_BROUGHT: usize = 2 * MAX_TRACKERS;

/// What no honest neighbor does, and how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Passed on what its sender did not make: three of these are a ban.
    Forged,
    /// Said something untrue of itself.
    Lied,
    /// Went on above a ceiling.
    Flooded,
}

impl Fault {
    fn weight(self) -> f64 {
        match self {
            Self::Forged => 40.0,
            Self::Lied => 10.0,
            Self::Flooded => 1.0,
        }
    }
}

/// A message that is new here and is to be checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The neighbor that brings it.
    pub(crate) from: Address,
    pub(crate) maker: &'a Address,
    /// Whether its maker is in sight.
    pub(crate) near: bool,
    /// Whether its proof was checked for another one.
    pub(crate) along: bool,
}

/// The answer to a request for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Go on.
    Yes,
    /// Drop it; it may not be the neighbor's fault.
    No,
    /// Drop it: no honest neighbor asks for so much.
    Abuse,
}

impl Allowed {
    fn yes(allowed: bool) -> Self {
        if allowed { Self::Yes } else { Self::No }
    }
}

/// What is known of one neighbor, present or past, by its key.
#[derive(Debug)]
struct Standing {
    /// Its own share of what is passed on, and of the first words of keys.
    relays: Bucket,
    newcomers: Bucket,
    offers: Bucket,
    relay_ceiling: Bucket,
    proof_ceiling: Bucket,
    packets: Bucket,
    score: f64,
    scored_at: Instant,
}

impl Standing {
    fn new(now: Instant) -> Self {
        Self {
            relays: Bucket::new(COMMON, now),
            newcomers: Bucket::new(NEWCOMERS, now),
            offers: Bucket::new(OFFERS, now),
            relay_ceiling: Bucket::new(CEILING, now),
            proof_ceiling: Bucket::new(CEILING, now),
            packets: Bucket::new(PACKETS, now),
            score: 0.0,
            scored_at: now,
        }
    }

    fn score(&self, now: Instant) -> f64 {
        (self.score - DECAY * (now - self.scored_at).as_secs_f64()).max(0.0)
    }
}

/// What one tracker brings, beside what is common to all: one that floods leaves the others theirs.
#[derive(Debug)]
struct Brought {
    words: Bucket,
    offers: Bucket,
}

/// The limits of one peer.
#[derive(Debug)]
pub(crate) struct Limits {
    relays: Bucket,
    proofs: Bucket,
    along: Bucket,
    newcomers: Bucket,
    offers: Bucket,
    offers_of_strangers: Bucket,
    trackers: Map<TrackerId, Brought>,
    standings: Map<Address, Standing>,
    /// Until when links with a key are refused.
    bans: Map<Address, Instant>,
    makers: Makers,
}

impl Limits {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            relays: Bucket::new(COMMON, now),
            proofs: Bucket::new(COMMON, now),
            along: Bucket::new(ALONG, now),
            newcomers: Bucket::new(NEWCOMERS, now),
            offers: Bucket::new(OFFERS, now),
            offers_of_strangers: Bucket::new(OFFERS, now),
            trackers: Map::new(),
            standings: Map::new(),
            bans: Map::new(),
            makers: Makers::default(),
        }
    }

    /// A packet of any kind from a neighbor; `cost` is one and more for those that ask for much at once.
    pub(crate) fn allows_packet(&mut self, from: Address, cost: f64, now: Instant) -> bool {
        self.standing(from, now).packets.take(cost, PACKETS, now)
    }

    /// A neighbor, one of so many, asks this peer to pass something on, or to take up what cannot be checked.
    pub(crate) fn allows_relay(&mut self, from: Address, cost: f64, links: usize, now: Instant) -> Allowed {
        let standing = self.standing(from, now);
        if !standing.relay_ceiling.take(cost, CEILING, now) {
            return Allowed::Abuse;
        }
        Allowed::yes(
            standing.relays.take(cost, COMMON.share(links), now) || self.relays.take(cost, COMMON, now),
        )
    }

    /// Somebody who is no neighbor asks for that, over a tracker.
    pub(crate) fn allows_stranger(&mut self, tracker: TrackerId, now: Instant) -> bool {
        self.brought(tracker, now).words.take(1.0, COMMON.share(MAX_TRACKERS), now)
            || self.relays.take(1.0, COMMON, now)
    }

    /// A neighbor, one of so many, brings an offer that ends here and whose signature must be checked.
    pub(crate) fn allows_offer(&mut self, from: Address, links: usize, now: Instant) -> bool {
        self.standing(from, now).offers.take(1.0, OFFERS.share(links), now)
            || self.offers.take(1.0, OFFERS, now)
    }

    /// ... and a tracker does.
    pub(crate) fn allows_offer_of_stranger(&mut self, tracker: TrackerId, now: Instant) -> bool {
        self.brought(tracker, now).offers.take(1.0, OFFERS.share(MAX_TRACKERS), now)
            || self.offers_of_strangers.take(1.0, OFFERS, now)
    }

    /// A neighbor, one of so many, brings a message that is new here and must be checked.
    pub(crate) fn allows_proof(&mut self, asked: Asked<'_>, links: usize, now: Instant) -> Allowed {
        let Asked { from, maker, near, along } = asked;
        let standing = self.standing(from, now);
        if !standing.proof_ceiling.take(check_cost(along), CEILING, now) {
            return Allowed::Abuse;
        }
        if along && self.along.take(1.0, ALONG, now) || self.makers.takes_reserve(maker, now) {
            return Allowed::Yes;
        }
        if near || self.makers.knows(maker) {
            return Allowed::yes(self.proofs.take(1.0, COMMON, now));
        }
        let share = self.standing(from, now).newcomers.take(1.0, NEWCOMERS.share(links), now);
        Allowed::yes(share || self.newcomers.take(1.0, NEWCOMERS, now))
    }

    /// Whether a key may say more at present. Nothing is paid yet: a forger must not spend what is another's.
    pub(crate) fn allows_maker(&self, key: &Address, now: Instant) -> bool {
        self.makers.allows(key, now)
    }

    /// A key said something, which is proven.
    pub(crate) fn charge_maker(&mut self, key: Address, bytes: usize, along: bool, now: Instant) {
        self.makers.charge(key, message_cost(bytes, along), now);
    }

    /// A key said something to others that passes here, perhaps again: whoever repeats it is no reason to hear less of it.
    pub(crate) fn note_maker(&mut self, key: Address, now: Instant) {
        self.makers.charge(key, 0.0, now);
    }

    /// Scores a neighbor; `true`: that was too much, and it is banned.
    pub(crate) fn blame(&mut self, who: Address, fault: Fault, now: Instant) -> bool {
        let standing = self.standing(who, now);
        (standing.score, standing.scored_at) = (standing.score(now) + fault.weight(), now);
        let banned = standing.score >= BAN_AT;
        if banned {
            self.bans.insert(who, now + BAN);
            if self.bans.len() > MAX_STANDINGS {
                let oldest = self.bans.iter().min_by_key(|(_, until)| **until).map(|(&who, _)| who);
                oldest.map(|who| self.bans.remove(&who));
            }
        }
        banned
    }

    /// Whether links with this key are refused.
    pub(crate) fn is_banned(&self, who: &Address, now: Instant) -> bool {
        self.bans.get(who).is_some_and(|until| *until > now)
    }

    fn brought(&mut self, tracker: TrackerId, now: Instant) -> &mut Brought {
        if self.trackers.len() >= MAX_BROUGHT && !self.trackers.contains_key(&tracker) {
            let oldest = self.trackers.keys().next().copied();
            oldest.map(|oldest| self.trackers.remove(&oldest));
        }
        let full = Brought { words: Bucket::new(COMMON, now), offers: Bucket::new(OFFERS, now) };
        self.trackers.entry(tracker).or_insert(full)
    }

    fn standing(&mut self, who: Address, now: Instant) -> &mut Standing {
        if self.standings.len() >= MAX_STANDINGS && !self.standings.contains_key(&who) {
            let score = |standing: &Standing| standing.score(now);
            let best = self.standings.iter().min_by(|(_, a), (_, b)| score(a).total_cmp(&score(b)));
            best.map(|(&who, _)| who).map(|who| self.standings.remove(&who));
        }
        self.standings.entry(who).or_insert(Standing::new(now))
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 2] {
        [self.standings.len().max(self.bans.len()), self.makers.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::messaging::replay::MAX_NAMES;

    const START: Instant = Instant::from_millis(1_800_000_000_000);
    const A: Address = Address([1; 20]);
    const B: Address = Address([2; 20]);

    fn numbered(n: u32) -> Address {
        let mut address = [0; 20];
        address[..4].copy_from_slice(&n.to_be_bytes());
        Address(address)
    }

    fn asked(from: Address, maker: &Address, near: bool) -> Asked<'_> {
        Asked { from, maker, near, along: false }
    }

    /// How many of a neighbor's requests are granted that come so often for so long.
    fn granted(limits: &mut Limits, who: &[Address], per_second: u64, time: Duration) -> Vec<[u64; 3]> {
        let mut counts = vec![[0; 3]; who.len()];
        let total = per_second * time.as_millis() as u64 / 1000;
        for n in 0..total {
            let now = START + Duration::from_micros(n * 1_000_000 / per_second);
            for (who, counts) in who.iter().zip(&mut counts) {
                counts[limits.allows_relay(*who, 1.0, 6, now) as usize] += 1;
            }
        }
        counts
    }

    #[test]
    fn a_chat_and_a_game_of_sixteen_pass() {
        let mut limits = Limits::new(START);
        for n in 0..60 * 60 * 16u64 {
            let now = START + Duration::from_micros(n * 1_000_000 / (60 * 16));
            let player = numbered((n % 16) as u32);
            assert!(limits.allows_maker(&player, now));
            limits.charge_maker(player, 200, false, now);
            // All of it through one neighbor.
            assert_eq!(limits.allows_proof(asked(A, &player, false), 6, now), Allowed::Yes);
            assert!(limits.allows_packet(A, 1.0, now));
        }
    }

    #[test]
    fn what_comes_along_with_proofs_has_room_of_its_own_and_is_paid_in_full_above_that() {
        let granted = |along: bool| {
            let mut limits = Limits::new(START);
            let asked = Asked { along, ..asked(A, &B, true) };
            (0..).take_while(|_| limits.allows_proof(asked, 6, START) == Allowed::Yes).count() as f64
        };
        assert_eq!((granted(false), granted(true)), (COMMON.1, ALONG.1 + COMMON.1));
        assert_eq!((message_cost(65_536, false), message_cost(65_536, true)), (2.0, 1.125));
    }

    /// Or a floor would rise above the present, and silence everybody.
    #[test]
    fn all_that_is_taken_within_two_seconds_is_remembered_by_its_name() {
        let within = |rate: Rate| rate.1 + 2.0 * rate.0;
        let reserves = makers::MAX_RESERVES as f64 * within(makers::RESERVE);
        let most = within(COMMON) + within(ALONG) + 2.0 * within(NEWCOMERS) + reserves;
        assert!(most < MAX_NAMES as f64, "{most}");
    }

    #[test]
    fn a_key_says_its_burst_and_then_its_rate() {
        let mut limits = Limits::new(START);
        let mut said = 0;
        for n in 0..100_000u64 * 10 {
            let now = START + Duration::from_micros(n * 10);
            if limits.allows_maker(&A, now) {
                limits.charge_maker(A, 0, false, now);
                said += 1;
            }
        }
        assert!((13_900..=14_100).contains(&said), "{said}");
        assert!(limits.allows_maker(&B, START + Duration::from_secs(10)), "others are not concerned");
    }

    #[test]
    fn large_messages_cost_more_and_the_largest_still_passes() {
        let mut limits = Limits::new(START);
        let mut sent = 0;
        while limits.allows_maker(&A, START) {
            limits.charge_maker(A, 16 << 20, false, START);
            sent += 1;
        }
        assert_eq!(sent, 16, "256 MiB at once");
        assert!(!limits.allows_maker(&A, START + Duration::from_millis(50)));
        assert!(limits.allows_maker(&A, START + Duration::from_secs(1)));
    }

    #[test]
    fn a_neighbor_that_asks_for_much_leaves_the_others_their_share() {
        let mut limits = Limits::new(START);
        let counts = granted(&mut limits, &[A, B], 100, Duration::from_secs(60));
        assert!(counts.iter().all(|[yes, _, _]| *yes == 6000), "{counts:?}");
        let mut limits = Limits::new(START);
        for n in 0..60_000u64 {
            // A asks for 1,000 each millisecond before B asks for one each tenth.
            let now = START + Duration::from_millis(n);
            for _ in 0..4 {
                limits.allows_relay(A, 1.0, 6, now);
            }
            if n % 10 == 0 {
                assert_eq!(limits.allows_relay(B, 1.0, 6, now), Allowed::Yes, "{n}");
            }
        }
    }

    #[test]
    fn what_an_honest_neighbor_passes_on_is_below_the_ceiling() {
        // It takes all that its own limits allow, from six neighbors that flood it, and adds its own.
        let mut relay = Limits::new(START);
        let mut downstream = Limits::new(START);
        let mut own = Bucket::new(OWN, START);
        let crowd: Vec<_> = (0..6).map(numbered).collect();
        let mut passed = 0u64;
        for n in 0..20_000u64 {
            let now = START + Duration::from_millis(n);
            let from_others = crowd.iter().flat_map(|who| [*who; 3]);
            let taken = from_others.filter(|who| relay.allows_relay(*who, 1.0, 6, now) == Allowed::Yes);
            let count = taken.count() + usize::from(own.take(1.0, OWN, now));
            for _ in 0..count {
                assert_ne!(downstream.allows_relay(A, 1.0, 6, now), Allowed::Abuse, "at {n} ms");
                passed += 1;
            }
        }
        assert!(passed > 40_000, "{passed}");
    }

    #[test]
    fn three_forgeries_are_a_ban_and_one_a_minute_is_none() {
        let mut limits = Limits::new(START);
        let mut now = START;
        for _ in 0..100 {
            assert!(!limits.blame(A, Fault::Forged, now));
            now = now + Duration::from_secs(60);
        }
        assert!(!limits.blame(B, Fault::Forged, now) && !limits.blame(B, Fault::Forged, now));
        assert!(limits.blame(B, Fault::Forged, now));
        assert!(limits.is_banned(&B, now) && !limits.is_banned(&A, now));
        assert!(limits.is_banned(&B, now + Duration::from_secs(599)));
        assert!(!limits.is_banned(&B, now + Duration::from_secs(600)));
    }

    #[test]
    fn free_keys_fill_no_table_and_wash_off_no_ban() {
        let mut limits = Limits::new(START);
        while !limits.blame(A, Fault::Forged, START) {}
        for n in 0..10_000 {
            let who = numbered(n);
            limits.charge_maker(who, 10, false, START);
            limits.allows_packet(who, 1.0, START);
            limits.blame(who, Fault::Lied, START);
        }
        assert_eq!(limits.sizes(), [MAX_STANDINGS, 512 + 1024]);
        assert!(limits.is_banned(&A, START));
    }

    #[test]
    fn keys_that_were_never_heard_leave_what_others_need() {
        let mut limits = Limits::new(START);
        let (early, player, bystander) = (numbered(1), numbered(2), numbered(3));
        limits.charge_maker(early, 10, false, START);
        limits.charge_maker(player, 10, false, START);
        let mut passed = 0u64;
        for n in 0..30_000u32 {
            let now = START + Duration::from_millis(n.into());
            // A new key each time, by one neighbor and by others.
            for (i, from) in [A, A, B].into_iter().enumerate() {
                let key = numbered(1000 + n * 3 + i as u32);
                if limits.allows_proof(asked(from, &key, false), 6, now) == Allowed::Yes {
                    passed += 1;
                    limits.charge_maker(key, 10, false, now);
                }
            }
            if n % 500 == 0 {
                assert_eq!(limits.allows_proof(asked(B, &early, false), 6, now), Allowed::Yes, "at {n} ms");
                assert_eq!(
                    limits.allows_proof(asked(B, &bystander, true), 6, now),
                    Allowed::Yes,
                    "in sight, at {n} ms"
                );
            }
            if n % 16 == 0 {
                assert_eq!(limits.allows_proof(asked(B, &player, false), 6, now), Allowed::Yes, "at {n} ms");
            }
        }
        assert!((6000..16_000).contains(&passed), "{passed} of 30 s");
    }

    #[test]
    fn keys_that_were_heard_before_cannot_use_up_the_reserve_of_the_first() {
        let mut limits = Limits::new(START);
        let early = numbered(1);
        limits.charge_maker(early, 10, false, START);
        let flood: Vec<_> = (1000..2500).map(numbered).collect();
        flood.iter().for_each(|key| limits.charge_maker(*key, 10, false, START));
        for n in 0..20_000u32 {
            let now = START + Duration::from_millis(n.into());
            for i in 0..4 {
                let key = flood[(n as usize * 4 + i) % flood.len()];
                if limits.allows_proof(asked(A, &key, false), 6, now) == Allowed::Yes {
                    limits.charge_maker(key, 10, false, now);
                }
            }
            if n % 500 == 0 {
                assert_eq!(limits.allows_proof(asked(B, &early, false), 6, now), Allowed::Yes, "at {n} ms");
            }
        }
        assert!(limits.makers.knows(&early));
    }
}
