//! The machines on which pages run: what a page does takes processor time, and the pages of one machine share its
//! processors.
//!
//! Whatever reaches a page waits until its thread and a processor are free, in the order in which it came, and has happened
//! when the work is done. WebRTC has threads of its own in a browser; here it works on the page's. The figures are those of
//! Chromium, where a page of a crowd takes them (docs/scale.md); no machine has any by default.

use std::time::Duration;

use serde::Deserialize;

use super::World;
use super::happening::Happening;
use crate::sim::scenario::span;

/// What machines are like.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Machines {
    /// Processors of each; 0: work takes no time.
    pub cores: usize,
    /// Pages on each, in the order of joining.
    pub pages: u32,
    /// So many times as long does everything take.
    pub slow: f64,
    /// To begin: the module is compiled where it runs, and its hot parts once more.
    #[serde(with = "span")]
    pub beginning: Duration,
    /// To make a connection and to describe it.
    #[serde(with = "span")]
    pub describing: Duration,
    /// ICE and DTLS, at each end.
    #[serde(with = "span")]
    pub connecting: Duration,
    /// To hear a frame, and to say what comes of it.
    #[serde(with = "span")]
    pub frame: Duration,
    /// Whatever else.
    #[serde(with = "span")]
    pub turn: Duration,
}

impl Default for Machines {
    fn default() -> Self {
        Self {
            cores: 0,
            pages: 1,
            slow: 1.0,
            beginning: Duration::from_millis(150),
            describing: Duration::from_millis(10),
            connecting: Duration::from_millis(25),
            frame: Duration::from_micros(700),
            turn: Duration::from_micros(300),
        }
    }
}

impl Machines {
    /// How long a page works on something.
    fn cost(&self, what: &Happening) -> u64 {
        let time = match what {
            Happening::Described(_) => self.describing,
            Happening::Opened(_) => self.connecting,
            Happening::Frame(..) => self.frame,
            _ => self.turn,
        };
        time.mul_f64(self.slow).as_micros() as u64
    }
}

/// When the processors of all machines are free.
#[derive(Debug, Default)]
pub(super) struct Processors(Vec<Vec<u64>>);

impl Processors {
    /// The processor of a machine that is free first.
    fn of(&mut self, machine: usize, cores: usize) -> Option<&mut u64> {
        if self.0.len() <= machine {
            self.0.resize(machine + 1, vec![0; cores]);
        }
        self.0.get_mut(machine)?.iter_mut().min()
    }
}

impl World {
    /// A page begins: what reaches it waits until it has.
    pub(super) fn begin_page(&mut self, index: u32) {
        let Machines { beginning, slow, .. } = self.params.machines;
        self.take_time(index, beginning.mul_f64(slow).as_micros() as u64);
    }

    /// Has a page work on what reached it, if work takes time here; otherwise it has happened already.
    pub(super) fn work(&mut self, what: Happening) -> Option<Happening> {
        if self.params.machines.cores == 0 {
            return Some(what);
        }
        let owner = what.end().map_or_else(|| what.node(&self.sockets), |id| Some(self.ends.get(id)?.node));
        let Some(owner) = owner else { return Some(what) };
        if let Happening::Alarm(_) = what {
            // It rings for a page that is busy, too, and is looked at later.
            if self.nodes[owner as usize].armed != self.now {
                return None;
            }
        }
        let done = self.take_time(owner, self.params.machines.cost(&what));
        if let Happening::Alarm(_) = what {
            self.nodes[owner as usize].armed = done;
        }
        self.queue.push(done, Happening::Done(Box::new(what)));
        None
    }

    /// When a page is done with so much work that is asked of it now.
    fn take_time(&mut self, owner: u32, cost: u64) -> u64 {
        let Machines { cores, pages, .. } = self.params.machines;
        if cores == 0 {
            return self.now;
        }
        let machine = (owner / pages.max(1)) as usize;
        let node = &mut self.nodes[owner as usize];
        let Some(free) = self.processors.of(machine, cores) else { return self.now };
        let done = self.now.max(node.busy_until).max(*free) + cost;
        (node.busy_until, *free) = (done, done);
        self.counts.processor += cost;
        done
    }
}
