//! In a large swarm, the peers handle on all cores what reaches them at nearly the same time, and every run comes out as if
//! they had done so one after the other.
//!
//! What a peer says reaches another no sooner than the shortest way takes. So of what happens within that time, each
//! peer may handle its own part ahead; what comes of it is carried out in the order of the queue. Where what reaches a
//! peer may depend on what it did just before, it is handled when its turn comes.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::happening::Weight;
use super::*;
use crate::proto::Output;
use crate::sim::network::SHORTEST;

/// From so many living peers on.
pub(super) const CROWD: usize = 2000;
/// Fewer peers at once are not worth a thread; the small swarm of a test takes threads all the same.
const WORTH_A_THREAD: usize = if cfg!(test) { 2 } else { 32 };

/// Something that happens, in the order of the queue.
enum Turn {
    /// At no peer that has a job.
    Whole(Happening),
    /// The next that happens at the peer of a job.
    Next(Place),
}

/// Where a job is: whose thread it is for, and which of that thread's. A peer always has the same thread: what it
/// allocates stays together.
pub(super) type Place = (usize, usize);

/// What happens at one peer within the time of the shortest way.
struct Job {
    node: u32,
    peer: Option<Box<Peer>>,
    clock: i64,
    /// When, and whether it is certain what the peer is told, unless it does something about it before.
    what: VecDeque<(u64, Happening, bool)>,
    /// Of the first of them, those that were handled ahead: with which input, if any, and what the peer had to say.
    done: VecDeque<(Deed, Option<Weight>, Said)>,
}

/// What else happens with an input.
enum Deed {
    Nothing,
    Ring,
    Open(EndId),
    Forget(EndId),
}

impl Job {
    fn handle(&mut self, ends: &Ends, sockets: &[Socket]) {
        let Some(peer) = &mut self.peer else { return };
        while let Some((time, what, _)) = self.what.pop_front_if(|(.., certain)| *certain) {
            let now = local(time, self.clock);
            let deed = match &what {
                Happening::Alarm(_) => Deed::Ring,
                Happening::Opened(id) => Deed::Open(*id),
                Happening::RemoteClosed(id) => Deed::Forget(*id),
                _ => Deed::Nothing,
            };
            let rings = !matches!(deed, Deed::Ring) || peer.poll_timeout().is_some_and(|due| due <= now);
            let input = read(what, ends, sockets).filter(|_| rings).map(|(_, input)| input);
            let weight = input.as_ref().map(weigh);
            let said = match input {
                Some(input) => tell(peer, input, now),
                None => Said { outputs: Vec::new(), due: peer.poll_timeout() },
            };
            let next = self.what.front().map(|(next, ..)| local(*next, self.clock));
            // The next may happen at the very end that is gone.
            let goes_on = !matches!(deed, Deed::Forget(_)) && next.is_none_or(|next| is_calm(&said, next));
            self.done.push_back((deed, weight, said));
            if !goes_on {
                return;
            }
        }
    }
}

/// Whether nothing comes of it at the same peer until then.
fn is_calm(said: &Said, until: Instant) -> bool {
    let far =
        |output: &Output| matches!(output, Output::ConnSend(..) | Output::TrackerSend(..) | Output::Event(_));
    said.due.is_none_or(|due| due >= until) && said.outputs.iter().all(far)
}

impl World {
    /// Lets happen what comes next, with all that is too close to it to depend on it. `false`: nothing does until then.
    pub(super) fn step_ahead(&mut self, then: u64) -> bool {
        let Some((first, what)) = self.queue.pop_until(then) else { return false };
        let window = self.params.trackers.latency.min(SHORTEST).as_micros() as u64;
        let mut jobs: Vec<_> = (0..self.threads).map(|_| Vec::new()).collect();
        let mut turns = vec![(first, self.assign(first, what, &mut jobs))];
        while let Some((time, what)) = self.queue.pop_until(then.min(first + window)) {
            turns.push((time, self.assign(time, what, &mut jobs)));
        }
        self.handle_all(&mut jobs);
        for job in jobs.iter_mut().flatten() {
            let node = &mut self.nodes[job.node as usize];
            node.job = None;
            node.peer = job.peer.take();
        }
        for (time, turn) in turns {
            // What came of the turns before at the same peers.
            while time > 0 && self.step(time - 1) {}
            self.begin_step(time);
            match turn {
                Turn::Whole(what) => self.happen(what),
                Turn::Next(job) => self.take_turn(&mut jobs[job.0][job.1]),
            }
        }
        true
    }

    /// Gives what happens to the job of its peer.
    fn assign(&mut self, time: u64, what: Happening, jobs: &mut [Vec<Job>]) -> Turn {
        let owner = what.end().map_or_else(|| what.node(&self.sockets), |id| Some(self.ends.get(id)?.node));
        let Some(owner) = owner else { return Turn::Whole(what) };
        let certain = self.is_certain(time, &what);
        let node = &mut self.nodes[owner as usize];
        // Most of these come to nothing.
        let vain = match what {
            Happening::Alarm(_) => !certain,
            Happening::Failed(id) => {
                self.ends.get(id).is_some_and(|end| !end.severed && end.phase == Phase::Open)
            }
            _ => node.peer.is_none(),
        };
        if vain && node.job.is_none() {
            return Turn::Whole(what);
        }
        let thread = owner as usize % jobs.len();
        let jobs = &mut jobs[thread];
        let job = *node.job.get_or_insert((thread, jobs.len()));
        if job.1 == jobs.len() {
            let (peer, clock) = (node.peer.take(), node.clock);
            let (what, done) = Default::default();
            jobs.push(Job { node: owner, peer, clock, what, done });
        }
        jobs[job.1].what.push_back((time, what, certain));
        Turn::Next(job)
    }

    /// Whether it is certain that this happens, and what its peer is told, unless that peer changes it.
    fn is_certain(&self, time: u64, what: &Happening) -> bool {
        match what {
            Happening::Alarm(node) => {
                let node = &self.nodes[*node as usize];
                node.job.is_none() && node.armed == time
            }
            Happening::Frame(id, _) => self.ends.get(*id).is_some_and(End::hears),
            Happening::Opened(id) => self.ends.get(*id).is_some_and(|end| {
                // The other peer may just be giving it up.
                let remote = end.remote.and_then(|remote| self.ends.get(remote));
                !end.severed && remote.is_some_and(|remote| self.nodes[remote.node as usize].job.is_none())
            }),
            Happening::FromTracker(socket, _) => self.sockets[*socket as usize].state == SocketState::Open,
            Happening::Described(_)
            | Happening::Candidate(..)
            | Happening::Gathered(_)
            | Happening::Writable(_)
            | Happening::Transport(..)
            | Happening::RemoteClosed(_) => true,
            Happening::Failed(_)
            | Happening::Refused(..)
            | Happening::SocketOpen(_)
            | Happening::ToTracker(..)
            | Happening::SocketClosed(_)
            | Happening::TrackerSees(_)
            | Happening::Answer(..)
            | Happening::Done(_) => false,
        }
    }

    fn handle_all(&self, jobs: &mut [Vec<Job>]) {
        let handle = |jobs: &mut Vec<Job>| {
            for job in jobs {
                job.handle(&self.ends, &self.sockets);
            }
        };
        if jobs.iter().map(Vec::len).sum::<usize>() < WORTH_A_THREAD {
            return jobs.iter_mut().for_each(handle);
        }
        jobs.par_iter_mut().for_each(handle);
    }

    fn take_turn(&mut self, job: &mut Job) {
        let Some((deed, weight, said)) = job.done.pop_front() else {
            return job.what.pop_front().map_or((), |(_, what, _)| self.happen(what));
        };
        self.counts.ahead += 1;
        match deed {
            Deed::Ring => self.nodes[job.node as usize].armed = u64::MAX,
            Deed::Open(id) => self.open_end(id),
            Deed::Forget(id) => drop(self.forget_end(id)),
            Deed::Nothing => {}
        }
        // An alarm that rang too soon is set again.
        let Some((kind, size)) = weight else { return self.arm(job.node, said.due) };
        self.note(if let Deed::Ring = deed { 8 } else { 16 + kind }, job.node, size);
        self.carry_out_all(job.node, said);
        if let Deed::Open(_) = deed {
            self.count_channels(job.node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::network::Network;

    /// A crowd, messages, deaths, goodbyes and newcomers, where much happens within a millisecond.
    fn day(crowd: usize, threads: usize) -> World {
        let median = Duration::from_millis(3);
        let network = Network { median, bandwidth: 1 << 20, ..Network::default() };
        let mut world = World::new(Params { network, ..Params::default() }, 7);
        (world.crowd, world.threads) = (crowd, threads);
        for _ in 0..40 {
            world.join();
            world.run_for(Duration::from_millis(7));
        }
        // Too rare to wait for: a channel opens just when its other end is given up.
        let opening = |world: &World| {
            let mut ends = world.nodes.iter().flat_map(|node| &node.conns).map(|(_, id)| *id);
            ends.find(|id| world.ends.get(*id).is_some_and(|end| end.phase == Phase::Opening))
        };
        world.run_until(Duration::from_secs(1), Duration::from_millis(1), |world| opening(world).is_some());
        let end = opening(&world).expect("one is about to open");
        let other = world.ends.get(end).and_then(|end| end.remote).expect("it opens towards another");
        world.queue.push(world.now + 1, Happening::RemoteClosed(other));
        world.queue.push(world.now + 2, Happening::Opened(end));
        for round in 0..10 {
            world.run_for(Duration::from_millis(300));
            let (from, to) = (world.any().expect("many live"), world.any().expect("many live"));
            let _ = world.send(from, (round % 2 == 0 && from != to).then_some(to), vec![round; 3000]);
            match round % 5 {
                0 => world.kill(from),
                1 => world.leave(to),
                _ => drop(world.join()),
            }
        }
        world.run_for(Duration::from_secs(2));
        world
    }

    #[test]
    fn what_is_handled_ahead_comes_out_as_if_it_were_not() {
        let alone = day(usize::MAX, 1);
        assert_eq!((alone.counts.ahead, alone.violations()), (0, &[][..]));
        for threads in [1, 3] {
            let ahead = day(0, threads);
            assert_eq!(ahead.trace_hash(), alone.trace_hash());
            assert_eq!(ahead.counts.steps, alone.counts.steps);
            assert!(ahead.counts.ahead > ahead.counts.steps / 2, "{:?}", ahead.counts);
        }
    }
}
