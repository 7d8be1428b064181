//! Who gets the process's descriptors: each connection takes one, each partition one for its active segment, and what
//! the broker does beside them must never run out: a sync that can't open a directory ends in the fence.
//!
//! Index files and sealed segments are open only while something is done to them; the reserve is for that.

use std::collections::BTreeSet;

/// Descriptors that neither connections nor partitions get: the process's own (listener, lock, poll, the metadata log),
/// rolls, sync rounds and openings of every shard (three at a time each, sixteen openings), sealed segments that wait
/// for a sync, cold reads.
const RESERVE: u64 = 256;

/// How many may be had of what takes descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// All that the process may have.
    limit: u64,
    /// Connections at a time.
    pub connections_max: u32,
    /// Partitions.
    pub partitions_max: u64,
}

impl Descriptors {
    /// Shares `limit` out: connections get what was asked for but no more than half of what the reserve leaves, and
    /// partitions the rest. Of a very low limit half is the reserve.
    pub fn of(limit: u64, connections_wanted: u32) -> Descriptors {
        let shared = limit - RESERVE.min(limit / 2);
        let half = u32::try_from(shared / 2).unwrap_or(u32::MAX).max(1);
        let connections_max = connections_wanted.min(half);
        let partitions_max = shared.saturating_sub(u64::from(connections_max));
        Descriptors { limit, connections_max, partitions_max }
    }

    /// Which topics, of those `wanted` with so many partitions each, there is no room for beside the `held`
    /// partitions. The first come first.
    pub fn beyond<'a>(
        &self,
        held: usize,
        wanted: impl IntoIterator<Item = (&'a str, i32)>,
    ) -> BTreeSet<String> {
        let mut left = self.partitions_max.saturating_sub(held as u64);
        let mut beyond = BTreeSet::new();
        for (name, partitions) in wanted {
            match left.checked_sub(u64::try_from(partitions).unwrap_or(0)) {
                Some(rest) => left = rest,
                None => drop(beyond.insert(name.to_owned())),
            }
        }
        beyond
    }

    /// Why a topic is refused, for people.
    pub fn refusal(&self, held: usize) -> String {
        let Descriptors { limit, partitions_max, .. } = self;
        format!(
            "The broker may have {limit} files open, which leaves room for {partitions_max} partitions, and has {held}: \
             raise the limit (ulimit -n, LimitNOFILE=) or lower max.connections."
        )
    }
}

#[cfg(test)]
#[path = "descriptors_test.rs"]
mod tests;
