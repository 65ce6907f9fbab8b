//! What to ask for, and when: better ring links, long links, faster ones.

use super::{COOL, DRAWS, LONG, POLITE, SIDE_PAUSE, STABILIZE, TRIAL, TRIAL_GROWTH, Topology};
use crate::proto::id::Address;
use crate::proto::neighborhood::{Neighborhood, UNSETTLED, closest, reserved};
use crate::proto::random::Random;
use crate::proto::request::{Goal, Plan};
use crate::proto::ring::{self, Known, Side};
use crate::proto::time::{Instant, soonest};

impl Topology {
    /// The requests to make now. Each with an offer takes a slot; the caller makes them in order.
    pub(crate) fn plan(&mut self, around: &Neighborhood, random: &mut Random, now: Instant) -> Vec<Plan> {
        self.expire(now);
        let mut plans = Vec::new();
        if around.links.is_empty() {
            (self.look_at, self.long_at, self.stabilize_at, self.trial_at) = (None, None, None, None);
            self.hints.clear();
            return plans;
        }
        let ring = around.ring();
        if ring != self.ring {
            (self.ring, self.ring_since) = (ring, Some(now));
        }
        if self.look_at.take_if(|at| *at <= now).is_some() {
            // Whoever is left alone now may be asked when the time is over.
            self.look_at = self.cool.values().min().copied();
            plans.extend(self.plan_hint(around, now));
            for side in Side::BOTH {
                plans.extend(self.plan_side(side, around, now));
            }
        }
        if self.stabilize_at.take_if(|at| *at <= now).is_some() {
            for side in Side::BOTH {
                plans.extend(Self::plan_probe(side, around, random));
            }
            self.stabilize_at = Some(now + random.jitter(self.stabilize_pause, 0.1));
            self.stabilize_pause = STABILIZE.1.min(self.stabilize_pause * 2);
        }
        let planned = plans.iter().filter(|plan| !plan.probe).count() as isize;
        let free = around.free - around.asking - planned;
        if free <= 0 {
            self.long_at = None;
            plans.extend(self.plan_trial(around, random, now));
            return plans;
        }
        self.trial_at = None;
        if self.long_at.is_none() {
            self.long_at = Some(now + random.jitter(self.long_pause, 0.3));
        } else if self.long_at.is_some_and(|at| at <= now)
            && free <= reserved(self.ring_since, around.max_peers, now)
        {
            self.long_at = self.ring_since.map(|since| since + UNSETTLED).filter(|&at| at > now);
        } else if self.long_at.is_some_and(|at| at <= now) {
            plans.extend(self.plan_last(around, now).or_else(|| self.plan_long(around, random)));
            let longest = if free >= 2 { LONG.1 } else { LONG.2 };
            self.long_at = Some(now + random.jitter(self.long_pause, 0.3));
            self.long_pause = longest.min(self.long_pause * 2);
        }
        plans
    }

    fn plan_side(&mut self, side: Side, around: &Neighborhood, now: Instant) -> Option<Plan> {
        let usable = |address: &Address| !self.dead.contains_key(address) && !self.cool.contains_key(address);
        let candidates = around.known.iter().filter(|k| k.hops == 1 || usable(&k.address));
        let best = candidates.min_by_key(|k| side.reach(&self.me, &k.address))?;
        if best.hops == 1 || around.is_pending(&best.address) {
            return None;
        }
        let (address, via) = (best.address, best.via);
        let goal = side.goal();
        if around.asked[side as usize] {
            return None;
        }
        let wait = self.side_at[side as usize].filter(|&at| at > now).or_else(|| {
            // Both ends see the gap at once. The one that lacks a successor goes first.
            (side == Side::Predecessor).then_some(())?;
            let since = match self.better_since {
                Some((better, since)) if better == address => since,
                _ => now,
            };
            self.better_since = Some((address, since));
            Some(since + POLITE).filter(|&at| at > now)
        });
        // A slot, or an older link that may give way.
        let wait = wait.or_else(|| {
            let room = around.free > 0 || around.victim(&address, now).is_some();
            (!room).then_some(now + SIDE_PAUSE)
        });
        if let Some(at) = wait {
            self.look_at = soonest(self.look_at, Some(at));
            return None;
        }
        self.side_at[side as usize] = Some(now + SIDE_PAUSE);
        self.cool.insert(address, now + COOL);
        self.look_at = soonest(self.look_at, Some(now + COOL));
        // Not for exactly this one: on the way there may be one that is nearer still.
        Some(Plan { goal, via, probe: false, aim: Some(address), replaces: None })
    }

    fn plan_hint(&mut self, around: &Neighborhood, now: Instant) -> Option<Plan> {
        while !self.hints.is_empty() && around.free > 0 {
            let (hint, via) = self.hints[0];
            let nearest = closest(around.known.iter(), &hint).map(|k| k.via);
            let side = Side::BOTH.into_iter().find(|side| around.improves(*side, &hint));
            if side.is_none() && around.free <= around.asking {
                return None;
            }
            self.hints.remove(0);
            let linked = around.is_link(&hint) || around.is_pending(&hint) || self.dead.contains_key(&hint);
            let Some(via) = via.or(nearest).filter(|_| !linked) else { continue };
            self.cool.insert(hint, now + COOL);
            // It took our place on the ring; on the way to it there may be one that is nearer.
            let goal = side.map_or(Goal::Exact(hint), |side| {
                self.side_at[side as usize] = Some(now + SIDE_PAUSE);
                side.goal()
            });
            return Some(Plan { goal, via, probe: false, aim: Some(hint), replaces: None });
        }
        None
    }

    /// Asks through a random link who is next to us on a side: what our own view cannot show, a ring that grew past us,
    /// shows there.
    fn plan_probe(side: Side, around: &Neighborhood, random: &mut Random) -> Option<Plan> {
        let via = random.pick(&around.links)?.address;
        Some(Plan { goal: side.goal(), via, probe: true, aim: None, replaces: None })
    }

    /// Once all slots are full: looks for a faster peer than the one at the slowest long link, about as far away on
    /// the ring, so that routes stay as short in links and become shorter in time.
    ///
    /// What takes its place was chosen by this peer: so in time it has long links that nobody can push out.
    fn plan_trial(&mut self, around: &Neighborhood, random: &mut Random, now: Instant) -> Option<Plan> {
        let at = *self.trial_at.get_or_insert_with(|| now + random.jitter(self.trial_pause, 0.5));
        if at > now {
            return None;
        }
        self.trial_pause = TRIAL.1.min(self.trial_pause.mul_f64(TRIAL_GROWTH));
        self.trial_at = Some(now + random.jitter(self.trial_pause, 0.5));
        let protected = around.protected();
        let slowest = around.slowest(|link| !protected.contains(&link.address))?;
        let scale = around.scale(&slowest) + random.unit() - 0.5;
        let plan = self.plan_point(scale.min(libm::log(0.5)), around, random)?;
        Some(Plan { replaces: Some(slowest), ..plan })
    }

    /// A probe found out who is next to us on the ring; a plan when that is better than what we have. `via`: the neighbor
    /// that was asked.
    pub(crate) fn handle_found(
        &self,
        goal: Goal,
        via: Address,
        found: Address,
        around: &Neighborhood,
        now: Instant,
    ) -> Option<Plan> {
        let side = goal.side()?;
        let room = around.free > 0 || around.victim(&found, now).is_some();
        let better = room
            && found != self.me
            && !around.is_pending(&found)
            && !self.cool.contains_key(&found)
            && around.improves(side, &found);
        let via = if around.is_link(&via) { via } else { closest(around.known.iter(), &found)?.via };
        better.then_some(Plan { goal, via, probe: false, aim: Some(found), replaces: None })
    }

    fn expire(&mut self, now: Instant) {
        for peers in [&mut self.cool, &mut self.dead] {
            peers.retain(|_, until| *until > now);
        }
    }

    /// Where everyone in sight fits into the slots: one who is not linked yet. No draw of scales may ever come to one that
    /// is as far away as a neighbor.
    fn plan_last(&mut self, around: &Neighborhood, now: Instant) -> Option<Plan> {
        let left = |address: &Address| self.dead.contains_key(address) || self.cool.contains_key(address);
        let lacked =
            |k: &&Known| k.hops > 1 && k.free > 0 && !around.is_pending(&k.address) && !left(&k.address);
        let fits = around.known.len() <= around.max_peers;
        let &Known { address, via, .. } = around.known.iter().filter(|_| fits).find(lacked)?;
        self.cool.insert(address, now + COOL);
        Some(Plan { goal: Goal::Exact(address), via, probe: false, aim: Some(address), replaces: None })
    }

    /// A point at a distance that our links cover worst, log-uniform between the nearest peers and half the
    /// ring.
    fn plan_long(&self, around: &Neighborhood, random: &mut Random) -> Option<Plan> {
        let scales: Vec<f64> = around.links.iter().map(|link| around.scale(&link.address)).collect();
        let gap = |scale: f64| scales.iter().map(|other| (other - scale).abs()).fold(f64::INFINITY, f64::min);
        let draws = (0..DRAWS).map(|_| ring::any_scale(&self.me, &around.known, random));
        let widest = draws.max_by(|a, b| gap(*a).total_cmp(&gap(*b)))?;
        self.plan_point(widest, around, random)
    }

    /// A link with whoever has a slot about this far away.
    fn plan_point(&self, scale: f64, around: &Neighborhood, random: &mut Random) -> Option<Plan> {
        let at = ring::around(&self.me, scale, random);
        let target = closest(around.known.iter().filter(|k| !self.dead.contains_key(&k.via)), &at)?;
        Some(Plan { goal: Goal::Point(at), via: target.via, probe: false, aim: None, replaces: None })
    }
}
