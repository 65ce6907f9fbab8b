//! How much others may ask of this peer, and what it thinks of those who ask for more.
//!
//! What costs us work, checking a proof or passing something on, is paid from token buckets. One is common to
//! all neighbors and each has a share of its own beside it, so that nobody can use up what the others need.
//! An honest peer keeps to the same limits, so what it passes on for others never exceeds its own: above that
//! *ceiling* there is only abuse. Each key has a bucket for what it says itself, whoever passes it on.
//!
//! Abuse is scored, and the score decays. At [`BAN_AT`] the link is closed and its owner's key refused for a
//! while. Keys are free: a ban costs an attacker its links and the time to get others, no more.

use std::time::Duration;

use super::id::Address;
use super::map::Map;
use super::time::Instant;

/// How fast a bucket fills, per second, and how much it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate(f64, f64);

/// What one key may say: sixteen times what a game says that updates 60 times a second, and some seconds of it
/// at once. Verifying that much takes a sixth of a page's thread. See [`message_cost`] for the unit.
const MAKER: Rate = Rate(1000.0, 4000.0);
/// What this peer lets its own page say: below [`MAKER`], so that nobody drops it wherever it is bunched up on
/// its way.
pub(crate) const OWN: Rate = Rate(800.0, 3200.0);
/// What is common to all neighbors, for each kind of work; their shares together are as much again.
const COMMON: Rate = Rate(1000.0, 4000.0);
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
/// Origins whose buckets are remembered; the fullest is forgotten first.
const MAX_MAKERS: usize = 1024;
/// Neighbors, former ones included, whose standing is remembered; the best is forgotten first.
const MAX_STANDINGS: usize = 256;

/// What a neighbor can ask of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// To check the proof of a message that is new here.
    Proof,
    /// To pass something on, or take it up, that cannot be checked.
    Relay,
}

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

/// Tokens that fill up with time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.1, at: now }
    }

    fn level(&self, rate: Rate, now: Instant) -> f64 {
        (self.tokens + rate.0 * (now - self.at).as_secs_f64()).min(rate.1)
    }

    /// Whether there is a token. The last one may pay for more than it is worth, or what costs more than the
    /// bucket holds would never pass.
    fn has(&self, rate: Rate, now: Instant) -> bool {
        self.level(rate, now) >= 1.0
    }

    /// Takes tokens, be there enough or not.
    pub(crate) fn charge(&mut self, cost: f64, rate: Rate, now: Instant) {
        (self.tokens, self.at) = (self.level(rate, now) - cost, now);
    }

    /// Takes tokens if there are any.
    pub(crate) fn take(&mut self, cost: f64, rate: Rate, now: Instant) -> bool {
        let has = self.has(rate, now);
        if has {
            self.charge(cost, rate, now);
        }
        has
    }
}

/// What a message costs its origin: one, and one more for each 64 KiB.
pub(crate) fn message_cost(bytes: usize) -> f64 {
    1.0 + bytes as f64 / 65_536.0
}

/// What is known of one neighbor, present or past, by its key.
#[derive(Debug)]
struct Standing {
    shares: [Bucket; 2],
    ceilings: [Bucket; 2],
    packets: Bucket,
    score: f64,
    scored_at: Instant,
    banned_until: Option<Instant>,
}

impl Standing {
    fn new(now: Instant) -> Self {
        Self {
            shares: [Bucket::new(COMMON, now); 2],
            ceilings: [Bucket::new(CEILING, now); 2],
            packets: Bucket::new(PACKETS, now),
            score: 0.0,
            scored_at: now,
            banned_until: None,
        }
    }

    fn score(&self, now: Instant) -> f64 {
        (self.score - DECAY * (now - self.scored_at).as_secs_f64()).max(0.0)
    }
}

/// The limits of one peer.
#[derive(Debug)]
pub(crate) struct Limits {
    common: [Bucket; 2],
    standings: Map<Address, Standing>,
    makers: Map<Address, Bucket>,
}

impl Limits {
    pub(crate) fn new(now: Instant) -> Self {
        Self { common: [Bucket::new(COMMON, now); 2], standings: Map::new(), makers: Map::new() }
    }

    /// A packet of any kind from a neighbor; `cost` is one and more for those that ask for much at once.
    pub(crate) fn allows_packet(&mut self, from: Address, cost: f64, now: Instant) -> bool {
        self.standing(from, now).packets.take(cost, PACKETS, now)
    }

    /// A neighbor, one of so many, asks for work.
    pub(crate) fn allows_work(&mut self, from: Address, work: Work, links: usize, now: Instant) -> Allowed {
        let kind = work as usize;
        let links = links.max(1) as f64;
        let share = Rate(COMMON.0 / links, COMMON.1 / links);
        let standing = self.standing(from, now);
        if !standing.ceilings[kind].take(1.0, CEILING, now) {
            return Allowed::Abuse;
        }
        let allowed = standing.shares[kind].take(1.0, share, now) || self.allows_stranger(work, now);
        if allowed { Allowed::Yes } else { Allowed::No }
    }

    /// Somebody who is no neighbor asks for work, over a tracker.
    pub(crate) fn allows_stranger(&mut self, work: Work, now: Instant) -> bool {
        self.common[work as usize].take(1.0, COMMON, now)
    }

    /// Whether a key may say more at present. Nothing is paid yet: a forger must not spend what is another's.
    pub(crate) fn allows_maker(&self, key: &Address, now: Instant) -> bool {
        self.makers.get(key).is_none_or(|bucket| bucket.has(MAKER, now))
    }

    /// A key said something, which is proven.
    pub(crate) fn charge_maker(&mut self, key: Address, bytes: usize, now: Instant) {
        if self.makers.len() >= MAX_MAKERS && !self.makers.contains_key(&key) {
            let level = |bucket: &Bucket| bucket.level(MAKER, now);
            let fullest = self.makers.iter().max_by(|(_, a), (_, b)| level(a).total_cmp(&level(b)));
            fullest.map(|(&key, _)| key).map(|key| self.makers.remove(&key));
        }
        let bucket = self.makers.entry(key).or_insert(Bucket::new(MAKER, now));
        bucket.charge(message_cost(bytes), MAKER, now);
    }

    /// Scores a neighbor; `true`: that was too much, and it is banned.
    pub(crate) fn blame(&mut self, who: Address, fault: Fault, now: Instant) -> bool {
        let standing = self.standing(who, now);
        (standing.score, standing.scored_at) = (standing.score(now) + fault.weight(), now);
        let banned = standing.score >= BAN_AT;
        if banned {
            standing.banned_until = Some(now + BAN);
        }
        banned
    }

    /// Whether links with this key are refused.
    pub(crate) fn is_banned(&self, who: &Address, now: Instant) -> bool {
        self.standings.get(who).and_then(|standing| standing.banned_until).is_some_and(|until| until > now)
    }

    fn standing(&mut self, who: Address, now: Instant) -> &mut Standing {
        if self.standings.len() >= MAX_STANDINGS && !self.standings.contains_key(&who) {
            let rank = |standing: &Standing| (standing.banned_until, standing.score(now));
            let best = self.standings.iter().min_by(|(_, a), (_, b)| {
                let ((a_ban, a_score), (b_ban, b_score)) = (rank(a), rank(b));
                a_ban.cmp(&b_ban).then(a_score.total_cmp(&b_score))
            });
            best.map(|(&who, _)| who).map(|who| self.standings.remove(&who));
        }
        self.standings.entry(who).or_insert(Standing::new(now))
    }

    /// How much it holds, table by table.
    #[cfg(any(test, feature = "sim"))]
    pub(crate) fn sizes(&self) -> [usize; 2] {
        [self.standings.len(), self.makers.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::from_millis(1_800_000_000_000);
    const A: Address = Address([1; 20]);
    const B: Address = Address([2; 20]);

    fn numbered(n: u32) -> Address {
        let mut address = [0; 20];
        address[..4].copy_from_slice(&n.to_be_bytes());
        Address(address)
    }

    /// How many of a neighbor's requests are granted that come so often for so long.
    fn granted(limits: &mut Limits, who: &[Address], per_second: u64, time: Duration) -> Vec<[u64; 3]> {
        let mut counts = vec![[0; 3]; who.len()];
        let total = per_second * time.as_millis() as u64 / 1000;
        for n in 0..total {
            let now = START + Duration::from_micros(n * 1_000_000 / per_second);
            for (who, counts) in who.iter().zip(&mut counts) {
                counts[limits.allows_work(*who, Work::Proof, 6, now) as usize] += 1;
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
            limits.charge_maker(player, 200, now);
            // All of it through one neighbor.
            assert_eq!(limits.allows_work(A, Work::Proof, 6, now), Allowed::Yes);
            assert!(limits.allows_packet(A, 1.0, now));
        }
    }

    #[test]
    fn a_key_says_its_burst_and_then_its_rate() {
        let mut limits = Limits::new(START);
        let mut said = 0;
        for n in 0..100_000u64 * 10 {
            let now = START + Duration::from_micros(n * 10);
            if limits.allows_maker(&A, now) {
                limits.charge_maker(A, 0, now);
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
            limits.charge_maker(A, 16 << 20, START);
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
                limits.allows_work(A, Work::Proof, 6, now);
            }
            if n % 10 == 0 {
                assert_eq!(limits.allows_work(B, Work::Proof, 6, now), Allowed::Yes, "{n}");
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
            let taken =
                from_others.filter(|who| relay.allows_work(*who, Work::Proof, 6, now) == Allowed::Yes);
            let count = taken.count() + usize::from(own.take(1.0, OWN, now));
            for _ in 0..count {
                assert_ne!(downstream.allows_work(A, Work::Proof, 6, now), Allowed::Abuse, "at {n} ms");
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
            limits.charge_maker(who, 10, START);
            limits.allows_packet(who, 1.0, START);
            limits.blame(who, Fault::Lied, START);
        }
        assert_eq!(limits.sizes(), [MAX_STANDINGS, MAX_MAKERS]);
        assert!(limits.is_banned(&A, START));
    }
}
