//! Which power cuts may have taken something that page caches held: those by which as many in-sync replicas of a partition as
//! `min.insync.replicas` asks for, or all of them, have lost their power since they were taken into the ISR. A topic survives
//! fewer at a time than it has everything wait for.
//!
//! Who is in sync is what leaders tell. Of a broker that lost its power nothing is counted until it is taken in anew: it
//! leaves the ISR before that, as it was not stopped in order (KIP-966). Without any word of a leader nothing is counted.

use model::{LeaderEpoch, PartitionKey, TopicId};
use std::collections::{BTreeMap, BTreeSet};

/// See the file's header.
#[derive(Debug, Default)]
pub(super) struct Exposure {
    partitions: BTreeMap<PartitionKey, Copies>,
    /// How often too many copies of a partition had lost something, by topic.
    losses: BTreeMap<TopicId, u32>,
}

#[derive(Debug, Default)]
struct Copies {
    /// Of the leader that told.
    epoch: LeaderEpoch,
    in_sync: BTreeSet<i32>,
    /// Those of them that have lost what they had not synced.
    without: BTreeSet<i32>,
}

impl Exposure {
    /// The leader of a partition tells who is in sync. Who learns late that it led in an earlier epoch is not heard.
    pub(super) fn in_sync(
        &mut self,
        partition: PartitionKey,
        epoch: LeaderEpoch,
        members: impl Iterator<Item = i32>,
    ) {
        let copies = self.partitions.entry(partition).or_default();
        if epoch < copies.epoch {
            return;
        }
        copies.epoch = epoch;
        let members: BTreeSet<i32> = members.collect();
        copies.without.retain(|broker| members.contains(broker) && copies.in_sync.contains(broker));
        copies.in_sync = members;
    }

    /// A broker has lost its power. `min`: a topic's `min.insync.replicas`.
    pub(super) fn power_lost(&mut self, broker: i32, min: impl Fn(TopicId) -> usize) {
        let of_broker = |(_, copies): &(&PartitionKey, &mut Copies)| copies.in_sync.contains(&broker);
        for (key, copies) in self.partitions.iter_mut().filter(of_broker) {
            copies.without.insert(broker);
            if copies.without == copies.in_sync || copies.without.len() >= min(key.topic) {
                // What is left counts from here on.
                copies.without.clear();
                *self.losses.entry(key.topic).or_default() += 1;
            }
        }
    }

    /// How often something of this topic may have been lost.
    pub(super) fn losses(&self, topic: TopicId) -> u32 {
        self.losses.get(&topic).copied().unwrap_or(0)
    }
}

#[cfg(test)]
#[path = "exposure_test.rs"]
mod tests;
