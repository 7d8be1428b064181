//! The way to the active controller, whichever node that is.

use super::{Handle, Link, Replicas};
use controller::NodeEndpoint;
use model::BrokerId;
use runtime::Runtime;
use std::collections::BTreeMap;

/// Where the active controller is asked.
pub enum Controller<'a, R: Runtime> {
    /// In this very process.
    Here(&'a Handle),
    /// On another node.
    There(&'a mut Link<R>),
}

/// Finds the active controller. It keeps the connection to whoever that was last.
pub struct Way<R: Runtime> {
    rt: R,
    me: BrokerId,
    metadata: Handle,
    voters: BTreeMap<BrokerId, NodeEndpoint>,
    client_id: String,
    link: Option<(BrokerId, Link<R>)>,
    /// How many were asked in vain while this node may not know who leads.
    turn: usize,
}

impl<R: Runtime> Way<R> {
    /// A way that nobody has gone; `client_id` is what the other end is told.
    pub fn new(rt: R, me: BrokerId, metadata: Handle, replicas: &Replicas, client_id: String) -> Way<R> {
        Way { rt, me, metadata, voters: replicas.voters.clone(), client_id, link: None, turn: 0 }
    }

    /// The active controller; `None` while this node knows of none.
    pub fn controller(&mut self) -> Option<Controller<'_, R>> {
        let leader = self.in_turn()?;
        if leader == self.me {
            return Some(Controller::Here(&self.metadata));
        }
        if self.link.as_ref().is_none_or(|(to, _)| *to != leader) {
            let at = self.voters.get(&leader)?.clone();
            self.link = Some((leader, Link::new(self.rt.clone(), at, self.client_id.clone())));
        }
        self.link.as_mut().map(|(_, link)| Controller::There(link))
    }

    /// Whom to ask while this node may not know who leads: without space it can't note an election, hears of none, and would be
    /// out of touch until there is some. First the leader that it knows of; whoever does not lead refuses, and it is another
    /// voter's turn.
    fn in_turn(&mut self) -> Option<BrokerId> {
        let known = self.metadata.leadership().leader;
        if !self.metadata.is_held_up() || known == Some(self.me) {
            self.turn = 0;
            return known;
        }
        let others = self.voters.keys().copied().filter(|voter| *voter != self.me && Some(*voter) != known);
        let turns: Vec<BrokerId> = known.into_iter().chain(others).collect();
        turns.get(self.turn % turns.len().max(1)).copied()
    }

    /// Whoever was asked did not answer, or does not lead.
    pub fn missed(&mut self) {
        self.turn += 1;
    }

    /// Whether it is known to be this node.
    pub fn leads_here(&self) -> bool {
        self.metadata.leadership().leader == Some(self.me)
    }
}
