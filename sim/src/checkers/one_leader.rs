//! I11: an epoch has one leader, and a broker's epochs only grow.
//!
//! The metadata quorum's leader begins each leadership in an epoch of its own, whatever happened to the process before
//! (KAFKA-10527). A partition's leader may be the same broker in the same epoch again once it has started anew, but no other.
//! An election may be won late: a leader may learn of its epoch when another broker leads a later one.

use super::{Checker, Context, Report, Seen};
use ::runtime::Event;
use model::{LeaderEpoch, PartitionKey, TopicId, Uuid};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct OneLeader {
    /// Who led which epoch.
    leaders: BTreeMap<(PartitionKey, LeaderEpoch), i32>,
    /// The latest epoch that each broker has led in.
    latest: BTreeMap<(PartitionKey, i32), LeaderEpoch>,
}

impl Checker for OneLeader {
    fn name(&self) -> &'static str {
        "one_leader"
    }

    fn invariant(&self) -> &'static str {
        "I11"
    }

    fn see(&mut self, seen: &Seen<'_>, context: &Context, report: &mut Report) {
        let Seen::Event { broker, event: Event::BecameLeader { partition, epoch } } = seen else { return };
        let quorum = partition.topic == TopicId(Uuid::METADATA_TOPIC);
        let name = context.name(*partition);
        if let Some(leader) = self.leaders.insert((*partition, *epoch), *broker)
            && (quorum || leader != *broker)
        {
            report.violation(format!(
                "{name}: broker {broker} leads in epoch {epoch}, which broker {leader} has led in"
            ));
        }
        let latest = self.latest.entry((*partition, *broker)).or_insert(*epoch);
        if *latest > *epoch {
            report.violation(format!(
                "{name}: broker {broker} leads in epoch {epoch}, and has led in {latest} before"
            ));
        }
        *latest = (*latest).max(*epoch);
    }
}

#[cfg(test)]
#[path = "one_leader_test.rs"]
mod tests;
