//! What peers have to say, carried out.

use super::*;
use crate::proto::Output;
use crate::sim::connection;

/// A browser reports `bufferedamountlow` at this many bytes.
const LOW_THRESHOLD: u64 = 64 * 1024;

impl World {
    /// Carries out all that a peer has to say, then sets its alarm.
    pub(super) fn carry_out_all(&mut self, index: u32, said: Said) {
        for output in said.outputs {
            self.trace(index, &output);
            self.carry_out(index, output);
        }
        self.arm(index, said.due);
    }

    fn carry_out(&mut self, index: u32, output: Output) {
        match output {
            Output::TrackerOpen(id, url) => self.open_socket(index, id, &url),
            Output::TrackerSend(id, text) => {
                self.counts.tracker_messages += 1;
                self.counts.tracker_bytes += text.len() as u64;
                match self.socket(index, id) {
                    Some(socket) if self.sockets[socket as usize].state == SocketState::Open => {
                        self.pass_to_tracker(Happening::ToTracker(socket, text), socket);
                    }
                    _ => self.violation(format_args!("{} sent on a socket that is not open", NodeId(index))),
                }
            }
            Output::TrackerClose(id) => {
                if let Some(socket) = self.socket(index, id) {
                    self.sockets[socket as usize].state = SocketState::Closed;
                    self.nodes[index as usize].sockets.retain(|&(other, _)| other != id);
                    self.pass_to_tracker(Happening::TrackerSees(socket), socket);
                }
            }
            Output::TabsOpen(_) | Output::TabsSend(_) | Output::TabsClose => {
                self.violation(format_args!("{} speaks to tabs", NodeId(index)));
            }
            Output::ConnOffer(conn) => {
                self.begin(index, conn, None);
            }
            Output::ConnAnswer(conn, sdp) => match connection::identify(&sdp) {
                Ok(remote) => {
                    let id = self.begin(index, conn, Some(remote));
                    self.queue.push(self.now + self.ice_timeout(), Happening::Failed(id));
                }
                Err(why) => self.refuse(index, conn, why),
            },
            Output::ConnReoffer(conn) => self.describe_anew(index, conn, None),
            Output::ConnReanswer(conn, sdp) => match connection::identify(&sdp) {
                Ok((remote, _)) => self.describe_anew(index, conn, Some(remote)),
                Err(why) => self.refuse(index, conn, why),
            },
            Output::ConnAccept(conn, sdp) => match (self.end(index, conn), connection::identify(&sdp)) {
                (Some(id), Ok((remote, with_candidates))) => self.accept(index, id, remote, with_candidates),
                (Some(id), Err(why)) => {
                    self.forget_end(id);
                    self.refuse(index, conn, why);
                }
                (None, _) => self.violation(format_args!("{} accepts an answer to nothing", NodeId(index))),
            },
            Output::ConnCandidate(conn, _) => {
                if let Some(id) = self.end(index, conn) {
                    if let Some(end) = self.ends.get_mut(id) {
                        end.knows_candidate = true;
                    }
                    self.try_path(id);
                }
            }
            Output::ConnSend(conn, frame) => self.send_frame(index, conn, frame.0),
            Output::ConnAwaitWritable(conn) => {
                let Some(id) = self.end(index, conn) else { return };
                let Some(end) = self.ends.get(id) else { return };
                let low = (LOW_THRESHOLD * 1_000_000).checked_div(self.params.network.bandwidth).unwrap_or(0);
                let then = end.busy_until.saturating_sub(low).max(self.now);
                self.queue.push(then, Happening::Writable(id));
            }
            Output::ConnAskTransport(conn) => self.ask_transport(index, conn),
            Output::ConnClose(conn) => self.close(index, conn),
            Output::Event(event) => self.on_event(index, event),
        }
    }
}
