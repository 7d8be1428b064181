//! The roles of a replica in the quorum. Each is a file with what only that role knows; the transitions between
//! them are [`crate::Quorum`]'s.

mod candidate;
mod follower;
mod leader;
mod prospective;
mod resigned;
mod unattached;

pub(crate) use candidate::Candidate;
pub(crate) use follower::{Download, Fetching, Follower};
pub(crate) use leader::{Leader, Parked};
pub(crate) use prospective::Prospective;
pub(crate) use resigned::Resigned;
pub(crate) use unattached::Unattached;

pub use leader::Progress;

use crate::canvass::Canvass;
use crate::voters::ReplicaKey;
use model::{BrokerId, Instant};
use std::fmt;

/// A role with its state.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    Unattached(Unattached),
    Follower(Follower),
    Prospective(Prospective),
    Candidate(Candidate),
    Leader(Leader),
    Resigned(Resigned),
}

/// A role by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleName {
    /// Knows an epoch, follows nobody; may have voted.
    Unattached,
    /// Follows the epoch's leader.
    Follower,
    /// Asks whether it would be elected (KIP-996).
    Prospective,
    /// Has stood for election in the epoch and waits for votes.
    Candidate,
    /// Leads the epoch.
    Leader,
    /// Led the epoch and will not again, nor vote in it.
    Resigned,
}

impl Role {
    pub(crate) fn name(&self) -> RoleName {
        match self {
            Role::Unattached(_) => RoleName::Unattached,
            Role::Follower(_) => RoleName::Follower,
            Role::Prospective(_) => RoleName::Prospective,
            Role::Candidate(_) => RoleName::Candidate,
            Role::Leader(_) => RoleName::Leader,
            Role::Resigned(_) => RoleName::Resigned,
        }
    }

    /// Whom `me`, in this role, voted for in its epoch.
    pub(crate) fn voted(&self, me: ReplicaKey) -> Option<ReplicaKey> {
        match self {
            Role::Unattached(role) => role.voted,
            Role::Follower(role) => role.voted,
            Role::Prospective(role) => role.voted,
            Role::Candidate(_) | Role::Leader(_) | Role::Resigned(_) => Some(me),
        }
    }

    /// Who leads, or led, the role's epoch as far as `me`, in this role, must remember.
    pub(crate) fn elected(&self, me: ReplicaKey) -> Option<BrokerId> {
        match self {
            Role::Unattached(_) | Role::Candidate(_) => None,
            Role::Follower(role) => Some(role.leader),
            Role::Prospective(role) => role.leader,
            Role::Leader(_) | Role::Resigned(_) => Some(me.id),
        }
    }

    /// When the role ends by itself.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Role::Unattached(role) => role.deadline,
            Role::Follower(role) => Some(role.deadline),
            Role::Prospective(role) => Some(role.deadline),
            Role::Candidate(role) => Some(role.deadline),
            Role::Leader(role) => role.check_quorum,
            Role::Resigned(role) => role.deadline,
        }
    }

    /// Questions that the role puts to several others.
    pub(crate) fn asked(&self) -> Option<&Canvass> {
        match self {
            Role::Unattached(role) => Some(&role.discovery),
            Role::Prospective(role) => Some(&role.canvass),
            Role::Candidate(role) => Some(&role.canvass),
            Role::Leader(role) => Some(&role.begin),
            Role::Resigned(role) => Some(&role.end),
            Role::Follower(_) => None,
        }
    }

    /// The same, to note what was asked and answered.
    pub(crate) fn canvass(&mut self) -> Option<&mut Canvass> {
        match self {
            Role::Unattached(role) => Some(&mut role.discovery),
            Role::Prospective(role) => Some(&mut role.canvass),
            Role::Candidate(role) => Some(&mut role.canvass),
            Role::Leader(role) => Some(&mut role.begin),
            Role::Resigned(role) => Some(&mut role.end),
            Role::Follower(_) => None,
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RoleName::Unattached => "unattached",
            RoleName::Follower => "follower",
            RoleName::Prospective => "prospective",
            RoleName::Candidate => "candidate",
            RoleName::Leader => "leader",
            RoleName::Resigned => "resigned",
        })
    }
}
