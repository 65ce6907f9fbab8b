//! A network in parts.

use super::*;

impl World {
    /// Cuts the network into parts: nothing gets from one to another, and channels between them are lost.
    pub fn partition(&mut self, parts: u32) {
        self.note(6, parts, 0);
        let salt = u64::from_le_bytes(self.random.bytes());
        self.partition = Some((salt, parts));
        for index in 0..self.nodes.len() {
            for place in 0..self.nodes[index].conns.len() {
                let (_, id) = self.nodes[index].conns[place];
                let remote =
                    self.ends.get(id).and_then(|end| self.ends.get(end.remote?)).map(|remote| remote.node);
                if remote.is_some_and(|remote| !self.reachable(index as u32, remote)) {
                    self.sever(id);
                }
            }
        }
    }

    /// Makes the network whole again; what was lost stays lost.
    pub fn merge(&mut self) {
        self.note(7, 0, 0);
        self.partition = None;
    }

    /// Which part of the partitioned network a peer is in.
    pub fn part(&self, node: NodeId) -> u32 {
        self.partition.map_or(0, |(salt, parts)| (mix(salt ^ u64::from(node.0)) % u64::from(parts)) as u32)
    }

    pub(super) fn reachable(&self, a: u32, b: u32) -> bool {
        self.part(NodeId(a)) == self.part(NodeId(b)) && self.params.network.connectable(self.seed, a, b)
    }
}
