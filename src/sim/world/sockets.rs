//! The peers' sockets, and the trackers at their other end.

use super::*;

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) node: u32,
    pub(super) id: TrackerId,
    pub(super) tracker: u32,
    pub(super) state: SocketState,
    /// Its tracker went down: what is under way to it is lost.
    pub(super) lost: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SocketState {
    Opening,
    Open,
    Closed,
}

impl World {
    pub(super) fn open_socket(&mut self, index: u32, id: TrackerId, url: &str) {
        let tracker = (0..self.trackers.len()).find(|&tracker| tracker_url(tracker) == url);
        let socket = self.sockets.len() as u32;
        let state = SocketState::Opening;
        let opening = Socket { node: index, id, tracker: tracker.unwrap_or(0) as u32, state, lost: false };
        self.sockets.push(opening);
        self.nodes[index as usize].sockets.push((id, socket));
        let then = self.now + self.params.trackers.connect.as_micros() as u64;
        match tracker {
            Some(tracker) if self.trackers[tracker].1 == Health::Slow => {
                self.queue.push(then + 2_000_000, Happening::SocketOpen(socket));
            }
            Some(_) => self.queue.push(then, Happening::SocketOpen(socket)),
            None => self.queue.push(then, Happening::SocketClosed(socket)),
        }
    }

    pub(super) fn socket(&self, index: u32, id: TrackerId) -> Option<u32> {
        let sockets = &self.nodes[index as usize].sockets;
        sockets.iter().find(|(other, _)| *other == id).map(|&(_, socket)| socket)
    }

    pub(super) fn on_socket_open(&mut self, socket: u32) {
        let Socket { node, id, tracker, state, .. } = self.sockets[socket as usize];
        if state != SocketState::Opening {
            return;
        }
        match self.trackers[tracker as usize].1 {
            Health::Up | Health::Slow => {
                self.sockets[socket as usize].state = SocketState::Open;
                self.input(node, Input::TrackerOpened(id));
            }
            Health::Down => self.on_socket_closed(socket),
            Health::Silent => {}
        }
    }

    pub(super) fn on_socket_closed(&mut self, socket: u32) {
        let Socket { node, id, state, .. } = self.sockets[socket as usize];
        if state == SocketState::Closed {
            return;
        }
        self.sockets[socket as usize].state = SocketState::Closed;
        self.nodes[node as usize].sockets.retain(|&(other, _)| other != id);
        self.input(node, Input::TrackerClosed(id, "the socket was closed".to_owned()));
    }

    pub(super) fn on_tracker_request(&mut self, socket: u32, text: &str) {
        let tracker = self.sockets[socket as usize].tracker as usize;
        let down = !matches!(self.trackers[tracker].1, Health::Up | Health::Slow);
        if down || self.sockets[socket as usize].lost {
            return;
        }
        let latency = self.tracker_latency(tracker);
        let reaction = self.trackers[tracker].0.receive(socket, text, self.now, &mut self.random);
        for (to, message) in reaction.messages {
            self.queue.push(self.now + latency, Happening::FromTracker(to, message));
        }
        if let Some(fault) = reaction.fault {
            let node = self.sockets[socket as usize].node;
            self.violation(format_args!("{} sent a tracker {fault}", NodeId(node)));
        }
        if reaction.close {
            self.trackers[tracker].0.closed(socket);
            self.queue.push(self.now + latency, Happening::SocketClosed(socket));
        }
    }

    fn tracker_latency(&self, tracker: usize) -> u64 {
        let slow = if self.trackers[tracker].1 == Health::Slow { 2_000_000 } else { 0 };
        self.params.trackers.latency.as_micros() as u64 + slow
    }

    pub(super) fn pass_to_tracker(&mut self, what: Happening, socket: u32) {
        let tracker = self.sockets[socket as usize].tracker as usize;
        self.queue.push(self.now + self.tracker_latency(tracker), what);
    }

    /// Changes how every tracker does.
    pub fn set_trackers(&mut self, health: Health) {
        for tracker in 0..self.trackers.len() {
            self.set_tracker(tracker, health);
        }
    }

    /// Changes how one tracker does.
    pub fn set_tracker(&mut self, tracker: usize, health: Health) {
        self.note(5, tracker as u32, health as u64);
        self.trackers[tracker].1 = health;
        if health == Health::Down {
            self.trackers[tracker].0.restart();
            let latency = self.tracker_latency(tracker);
            for (index, socket) in self.sockets.iter_mut().enumerate() {
                if socket.tracker as usize == tracker && socket.state != SocketState::Opening {
                    socket.lost = true;
                    if socket.state == SocketState::Open {
                        self.queue.push(self.now + latency, Happening::SocketClosed(index as u32));
                    }
                }
            }
        }
    }

    /// Announces that a tracker took, over all trackers.
    pub fn announces(&self) -> u64 {
        self.trackers.iter().map(|(tracker, _)| tracker.announces).sum()
    }
}
