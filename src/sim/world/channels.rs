//! Connections between peers: their making, their frames, their end.

use super::*;

impl World {
    /// Makes an end and has it described.
    pub(super) fn begin(&mut self, index: u32, conn: ConnId, remote: Option<(EndId, bool)>) -> EndId {
        if self.end(index, conn).is_some() {
            self.violation(format_args!("{} used {conn:?} twice", NodeId(index)));
        }
        self.counts.connections += 1;
        let id = self.ends.insert(End {
            node: index,
            conn,
            phase: if remote.is_some() { Phase::Connecting } else { Phase::Offered },
            offered: remote.is_none(),
            remote: remote.map(|(id, _)| id),
            knows_candidate: remote.is_some_and(|(_, with_candidates)| with_candidates),
            severed: false,
            waiting: None,
            described: 0,
            latency: 0,
            last_arrival: 0,
            busy_until: 0,
        });
        self.nodes[index as usize].conns.push((conn, id));
        self.gather(id);
        id
    }

    /// Has an end described, and its candidates gathered.
    fn gather(&mut self, id: EndId) {
        let gathered = self.now + self.params.network.gathering.as_micros() as u64;
        self.queue.push(self.now, Happening::Described(id));
        self.queue.push(self.now, Happening::Candidate(id, false));
        if gathered > self.now {
            self.queue.push(gathered, Happening::Candidate(id, true));
        }
        self.queue.push(gathered, Happening::Gathered(id));
    }

    /// Has an open end described anew, for another path. `remote`: whose offer it answers.
    pub(super) fn describe_anew(&mut self, index: u32, conn: ConnId, remote: Option<EndId>) {
        let Some(id) = self.end(index, conn) else { return };
        let Some(end) = self.ends.get_mut(id) else { return };
        if end.phase != Phase::Open || remote.is_some() && remote != end.remote {
            return self.violation(format_args!("{} gives {conn:?} a path to elsewhere", NodeId(index)));
        }
        end.described += 1;
        self.gather(id);
    }

    /// Breaks the path of a link while both peers live, and nobody hears of it: what is said on it waits.
    pub fn break_path(&mut self, a: NodeId, b: NodeId) {
        self.note(8, a.0, b.0.into());
        let conns = self.nodes[a.0 as usize].conns.iter().map(|&(_, id)| id);
        let here = conns.filter(|&id| {
            let remote = self.ends.get(id).filter(|end| end.phase == Phase::Open).and_then(|end| end.remote);
            remote.and_then(|remote| self.ends.get(remote)).is_some_and(|remote| remote.node == b.0)
        });
        for id in here.collect::<Vec<_>>() {
            let remote = self.ends.get(id).and_then(|end| end.remote);
            for id in [Some(id), remote].into_iter().flatten() {
                if let Some(end) = self.ends.get_mut(id) {
                    end.waiting = Some(Vec::new());
                }
            }
        }
    }

    /// Both ends have each other's new description: there is another path, and what waits goes out.
    fn mend(&mut self, id: EndId) {
        let Some(remote) = self.ends.get(id).and_then(|end| end.remote) else { return };
        for id in [id, remote] {
            let Some(end) = self.ends.get_mut(id) else { continue };
            let (node, conn) = (end.node, end.conn);
            for frame in end.waiting.take().into_iter().flatten() {
                self.send_frame(node, conn, frame);
            }
        }
    }

    pub(super) fn accept(&mut self, index: u32, id: EndId, remote: EndId, with_candidates: bool) {
        let Some(end) = self.ends.get_mut(id) else { return };
        if end.phase == Phase::Open && end.described > 0 && end.remote == Some(remote) {
            return self.mend(id);
        }
        if end.phase != Phase::Offered {
            self.violation(format_args!("{} accepts a second answer", NodeId(index)));
            return;
        }
        end.phase = Phase::Connecting;
        end.remote = Some(remote);
        end.knows_candidate |= with_candidates;
        self.queue.push(self.now + self.ice_timeout(), Happening::Failed(id));
        self.try_path(id);
    }

    /// Lets ICE find a path, if both ends know of each other and one knows a way.
    pub(super) fn try_path(&mut self, id: EndId) {
        let Some(end) = self.ends.get(id) else { return };
        let Some(remote_id) = end.remote else { return };
        let Some(remote) = self.ends.get(remote_id) else { return };
        let agreed =
            remote.remote == Some(id) && end.phase == Phase::Connecting && remote.phase == Phase::Connecting;
        if !agreed || !(end.knows_candidate || remote.knows_candidate) {
            return;
        }
        if !self.reachable(end.node, remote.node) {
            return; // Both ends time out.
        }
        let latency = self.params.network.latency(self.seed, end.node, remote.node);
        let (offerer, answerer) = if end.offered { (id, remote_id) } else { (remote_id, id) };
        for id in [offerer, answerer] {
            if let Some(end) = self.ends.get_mut(id) {
                end.phase = Phase::Opening;
                end.latency = latency;
            }
        }
        // The answerer is the DTLS client: it knows first.
        let ice = self.params.network.ice.as_micros() as u64;
        let first: u64 = (0..3).map(|_| self.params.network.transit(latency, &mut self.random)).sum();
        self.queue.push(self.now + ice + first, Happening::Opened(answerer));
        self.queue.push(self.now + ice + first + u64::from(latency), Happening::Opened(offerer));
    }

    pub(super) fn send_frame(&mut self, index: u32, conn: ConnId, frame: Vec<u8>) {
        let open =
            self.end(index, conn).and_then(|id| self.ends.get_mut(id)).filter(|end| end.phase == Phase::Open);
        let Some(end) = open else {
            self.violation(format_args!("{} sent on {conn:?}, which is not open", NodeId(index)));
            return;
        };
        if let Some(waiting) = &mut end.waiting {
            return waiting.push(frame);
        }
        let network = &self.params.network;
        self.counts.frames += 1;
        self.counts.frame_bytes += frame.len() as u64;
        let mut start = self.now;
        if let Some(time) = (frame.len() as u64 * 1_000_000).checked_div(network.bandwidth) {
            start = end.busy_until.max(start) + time;
            end.busy_until = start;
        }
        // A channel keeps the order: nothing overtakes.
        end.last_arrival = end.last_arrival.max(start + network.transit(end.latency, &mut self.random));
        if let (Some(remote), false) = (end.remote, end.severed) {
            self.queue.push(end.last_arrival, Happening::Frame(remote, frame));
        }
    }

    /// The transport of an end hears from the other one whatever its page does, as long as there is one and a path to it.
    pub(super) fn ask_transport(&mut self, index: u32, conn: ConnId) {
        let Some(id) = self.end(index, conn) else { return };
        let here = self.ends.get(id).filter(|end| end.hears() && end.waiting.is_none());
        let lives = here.and_then(|end| self.ends.get(end.remote?)).is_some_and(End::hears);
        self.queue.push(self.now, Happening::Transport(id, lives));
    }

    pub(super) fn close(&mut self, index: u32, conn: ConnId) {
        let Some(end) = self.end(index, conn).and_then(|id| self.forget_end(id)) else { return };
        let lost = end.severed || end.waiting.is_some();
        let (true, false, Some(remote)) =
            (matches!(end.phase, Phase::Open | Phase::Opening), lost, end.remote)
        else {
            return; // Nobody could be told.
        };
        let transit = self.params.network.transit(end.latency, &mut self.random);
        let then = end.last_arrival.max(self.now + transit);
        self.queue.push(then, Happening::RemoteClosed(remote));
    }

    pub(super) fn refuse(&mut self, index: u32, conn: ConnId, why: &'static str) {
        self.violation(format_args!("{} was given {why}", NodeId(index)));
        self.queue.push(self.now, Happening::Refused(index, conn, why));
    }

    pub(super) fn ice_timeout(&self) -> u64 {
        self.params.network.ice_timeout.as_micros() as u64
    }

    pub(super) fn sever(&mut self, id: EndId) {
        if let Some(end) = self.ends.get_mut(id)
            && !std::mem::replace(&mut end.severed, true)
        {
            self.queue
                .push(self.now + self.params.network.ice_timeout.as_micros() as u64, Happening::Failed(id));
        }
    }

    pub(super) fn on_opened(&mut self, id: EndId) {
        let Some(end) = self.ends.get(id) else { return };
        if end.severed || end.remote.and_then(|remote| self.ends.get(remote)).is_none() {
            return; // The other end died meanwhile: ICE will time out.
        }
        let (node, conn) = (end.node, end.conn);
        self.open_end(id);
        self.input(node, Input::ConnOpened(conn));
        self.count_channels(node);
    }

    pub(super) fn open_end(&mut self, id: EndId) {
        let Some(end) = self.ends.get_mut(id) else { return };
        end.phase = Phase::Open;
        self.counts.opened += 1;
        self.nodes[end.node as usize].open += 1;
    }

    pub(super) fn count_channels(&mut self, node: u32) {
        let owner = &self.nodes[node as usize];
        if let Some(peer) = &owner.peer {
            let over = usize::from(owner.open).saturating_sub(peer.config().max_peers);
            self.counts.most_over_cap = self.counts.most_over_cap.max(over);
        }
        self.time_over_cap(node);
    }

    fn time_over_cap(&mut self, node: u32) {
        let owner = &mut self.nodes[node as usize];
        let over = owner.peer.as_ref().is_some_and(|peer| usize::from(owner.open) > peer.config().max_peers);
        if over {
            owner.over_cap.get_or_insert(self.now);
        } else if let Some(since) = owner.over_cap.take() {
            self.counts.longest_over_cap = self.counts.longest_over_cap.max(self.now - since);
        }
    }

    pub(super) fn on_closed(&mut self, id: EndId, what: Happening) {
        let told = read(what, &self.ends, &self.sockets);
        self.forget_end(id);
        if let Some((node, input)) = told {
            self.input(node, input);
        }
    }

    /// Removes an end here and from its node.
    pub(super) fn forget_end(&mut self, id: EndId) -> Option<End> {
        let end = self.ends.remove(id)?;
        let owner = &mut self.nodes[end.node as usize];
        owner.conns.retain(|&(_, other)| other != id);
        if end.phase == Phase::Open {
            owner.open -= 1;
            self.time_over_cap(end.node);
        }
        Some(end)
    }

    pub(super) fn end(&self, index: u32, conn: ConnId) -> Option<EndId> {
        self.nodes[index as usize].conns.iter().find(|(other, _)| *other == conn).map(|&(_, id)| id)
    }
}
