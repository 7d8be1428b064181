//! What the harness may do to the network.

use super::connection::Handshake;
use super::knobs::{LinkKnobs, NetKnobs};
use crate::runtime::{NodeId, World};

/// The network's controls. Cheap to make; changes act at once.
pub struct NetControl {
    world: World,
}

impl NetControl {
    pub(crate) fn new(world: World) -> NetControl {
        NetControl { world }
    }

    /// The knobs in force.
    pub fn knobs(&self) -> NetKnobs {
        self.world.shared.lock().net.knobs
    }

    /// Replaces the knobs.
    pub fn set_knobs(&self, knobs: NetKnobs) {
        self.world.shared.lock().net.knobs = knobs;
    }

    /// Gives one direction of one link knobs of its own, or takes them away.
    pub fn set_link(&self, from: NodeId, to: NodeId, knobs: Option<LinkKnobs>) {
        self.world.shared.lock().link(from, to).knobs = knobs;
    }

    /// The knobs in force on one direction of one link.
    pub fn link(&self, from: NodeId, to: NodeId) -> LinkKnobs {
        self.world.shared.lock().link_knobs(from, to)
    }

    /// From now on nothing passes from `from` to `to`, what is already under way included.
    pub fn block(&self, from: NodeId, to: NodeId) {
        assert_ne!(from, to, "the loopback can't be cut");
        self.world.shared.lock().link(from, to).blocked = true;
    }

    /// Takes a `block` back. What was held up is sent again when its timer fires.
    pub fn unblock(&self, from: NodeId, to: NodeId) {
        self.world.shared.lock().link(from, to).blocked = false;
    }

    /// Blocks both directions between every pair of the two groups.
    pub fn partition(&self, left: &[NodeId], right: &[NodeId]) {
        for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b))) {
            if a != b {
                self.block(a, b);
                self.block(b, a);
            }
        }
    }

    /// Takes every `block` back. Links keep their knobs.
    pub fn heal(&self) {
        self.world.shared.lock().unblock_links();
    }

    /// Whether nothing passes from `from` to `to`.
    pub fn is_blocked(&self, from: NodeId, to: NodeId) -> bool {
        self.world.shared.lock().link(from, to).blocked
    }

    /// Resets every established connection between two machines, at both ends and at once, as a middlebox does.
    /// Returns how many.
    pub fn reset(&self, a: NodeId, b: NodeId) -> usize {
        let ids = self.between(a, b);
        let mut state = self.world.shared.lock();
        ids.iter().for_each(|id| state.tear(*id));
        ids.len()
    }

    /// Makes a middlebox forget every established connection between two machines: nothing passes on them any
    /// more, and nobody is told. New connections work. Returns how many.
    pub fn forget(&self, a: NodeId, b: NodeId) -> usize {
        let ids = self.between(a, b);
        let mut state = self.world.shared.lock();
        for id in &ids {
            if let Some(connection) = state.net.connections.get_mut(id) {
                connection.forgotten = true;
            }
        }
        ids.len()
    }

    /// Connections that any kernel still knows of.
    pub fn connections(&self) -> usize {
        self.world.shared.lock().net.connections.len()
    }

    fn between(&self, a: NodeId, b: NodeId) -> Vec<u64> {
        let state = self.world.shared.lock();
        let wanted = [(a, b), (b, a)];
        let all = state.net.connections.iter();
        let established = all.filter(|(_, c)| matches!(c.handshake, Handshake::Established));
        established
            .filter(|(_, c)| wanted.contains(&(c.ends[0].node, c.ends[1].node)))
            .map(|(id, _)| *id)
            .collect()
    }
}
