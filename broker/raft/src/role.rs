//! The roles of a replica in the quorum. Each is a file with what only that role knows; the transitions between
//! them are [`crate::Quorum`]'s.

mod candidate;
mod leader;
mod resigned;
mod unattached;

pub(crate) use candidate::Candidate;
pub(crate) use leader::Leader;
pub(crate) use resigned::Resigned;
pub(crate) use unattached::Unattached;

use std::fmt;

/// A role with its state.
#[derive(Clone, Debug)]
pub(crate) enum Role {
    Unattached(Unattached),
    Candidate(Candidate),
    Leader(Leader),
    Resigned(Resigned),
}

/// A role by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleName {
    /// Knows an epoch, follows nobody.
    Unattached,
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
            Role::Candidate(_) => RoleName::Candidate,
            Role::Leader(_) => RoleName::Leader,
            Role::Resigned(_) => RoleName::Resigned,
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RoleName::Unattached => "unattached",
            RoleName::Candidate => "candidate",
            RoleName::Leader => "leader",
            RoleName::Resigned => "resigned",
        })
    }
}
