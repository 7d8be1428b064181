//! I11: an epoch has one leader, and epochs only grow.
//!
//! The metadata quorum's leader begins each leadership in an epoch of its own, whatever happened to the process before
//! (KAFKA-10527). A partition's leader may be the same broker in the same epoch again once it has started anew, but no other.

use super::{Checker, Context, Report, Seen};
use ::runtime::Event;
use model::{LeaderEpoch, PartitionKey, TopicId, Uuid};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct OneLeader {
    /// Per partition the latest epoch that has had a leader, and who that was.
    latest: BTreeMap<PartitionKey, (LeaderEpoch, i32)>,
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
        if let Some((latest, leader)) = self.latest.get(partition) {
            let again = epoch == latest && broker == leader && !quorum;
            if epoch <= latest && !again {
                let name = context.name(*partition);
                report.violation(format!(
                    "{name}: broker {broker} leads in epoch {epoch}, after broker {leader} led in epoch {latest}"
                ));
            }
        }
        let before = self.latest.get(partition).map(|(latest, _)| *latest);
        if before.is_none_or(|before| before < *epoch) {
            self.latest.insert(*partition, (*epoch, *broker));
        }
    }
}

#[cfg(test)]
#[path = "one_leader_test.rs"]
mod tests;
