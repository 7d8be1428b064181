//! Who votes. A voter is a node together with its metadata directory (KIP-853): a node that comes back with an
//! empty disk must not be able to vote twice in an epoch.

use model::{BrokerId, DirectoryId};
use std::collections::BTreeSet;
use std::fmt;

/// A node and the incarnation of its metadata directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaKey {
    /// The node.
    pub id: BrokerId,
    /// Its directory; `None` where the voters are configured by id alone (`kraft.version` 0).
    pub directory: Option<DirectoryId>,
}

impl ReplicaKey {
    /// Whether a vote recorded for `self` is a vote for `replica`: a vote without a directory is for the id.
    pub fn is_vote_for(&self, replica: ReplicaKey) -> bool {
        self.id == replica.id && (self.directory.is_none() || self.directory == replica.directory)
    }
}

impl fmt::Display for ReplicaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)
    }
}

/// The set of voters. Not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voters {
    members: BTreeSet<ReplicaKey>,
}

impl Voters {
    /// A set of voters. Panics when there is none, or the same id twice.
    pub fn new(members: impl IntoIterator<Item = ReplicaKey>) -> Voters {
        let members: BTreeSet<ReplicaKey> = members.into_iter().collect();
        let ids: BTreeSet<BrokerId> = members.iter().map(|member| member.id).collect();
        assert!(!members.is_empty(), "a quorum without voters");
        assert_eq!(ids.len(), members.len(), "two voters with the same id: {members:?}");
        Voters { members }
    }

    /// The voters, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = ReplicaKey> + '_ {
        self.members.iter().copied()
    }

    /// Whether `replica` votes: under the same directory, where the set names directories.
    pub fn contains(&self, replica: ReplicaKey) -> bool {
        self.iter().any(|voter| voter.is_vote_for(replica))
    }

    /// Whether `replica` is the only voter.
    pub fn is_only(&self, replica: ReplicaKey) -> bool {
        self.members.len() == 1 && self.contains(replica)
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// How many make a majority.
    pub fn majority(&self) -> usize {
        self.members.len() / 2 + 1
    }
}
