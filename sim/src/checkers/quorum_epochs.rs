//! I11: in the metadata quorum, no node goes back to an epoch that it has left, and no leader to a high watermark before that of
//! the epochs before (MonotonicEpoch and MonotonicHighWatermark of Kafka's RaftEventSimulationTest).
//!
//! What a node has remembered on disk binds it for good, until its disk is replaced by an empty one: votes, leaderships and what
//! `quorum-state` says at a start. A voter that doesn't know whether it ever voted remembers nothing, and is bound by what it
//! has seen as long as its process runs.

use super::{Checker, Context, Report, Seen, committed::METADATA};
use crate::history::Note;
use ::runtime::Event;
use model::{LeaderEpoch, Offset};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct QuorumEpochs {
    nodes: BTreeMap<i32, Node>,
    /// How far the leader of each epoch has told that everything is committed.
    committed: BTreeMap<LeaderEpoch, Offset>,
}

#[derive(Default)]
struct Node {
    /// The latest epoch that its process is known to be in.
    seen: LeaderEpoch,
    /// The latest that its disk holds.
    remembered: LeaderEpoch,
    /// Whether its process has a `quorum-state`, and so remembers whatever it says that it is in.
    remembers: bool,
    leading: Option<LeaderEpoch>,
}

impl Checker for QuorumEpochs {
    fn name(&self) -> &'static str {
        "quorum_epochs"
    }

    fn invariant(&self) -> &'static str {
        "I11"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        match seen {
            Seen::Replayed { broker, metadata, .. } => {
                let node = self.nodes.entry(*broker).or_default();
                let found = metadata.epoch.unwrap_or_default();
                if found < node.remembered {
                    report.violation(format!(
                        "broker {broker} starts from a quorum-state of epoch {found}, and was in {} before",
                        node.remembered
                    ));
                }
                *node = Node {
                    seen: found,
                    remembered: found.max(node.remembered),
                    remembers: metadata.epoch.is_some(),
                    leading: None,
                };
            }
            Seen::Note(Note::Wiped { broker } | Note::DiskLied { broker }) => _ = self.nodes.remove(broker),
            Seen::Event { broker, event } => self.event(*broker, event, report),
            _ => {}
        }
    }
}

impl QuorumEpochs {
    fn event(&mut self, broker: i32, event: &Event, report: &mut Report) {
        let node = self.nodes.entry(broker).or_default();
        let (epoch, durable) = match event {
            Event::BecameLeader { partition: METADATA, epoch }
            | Event::Voted { partition: METADATA, epoch, .. } => (*epoch, true),
            Event::BecameFollower { partition: METADATA, epoch, .. } => (*epoch, node.remembers),
            Event::Resigned { partition: METADATA, .. } => {
                node.leading = None;
                return;
            }
            Event::HighWatermark { partition: METADATA, to } => {
                let Some(epoch) = node.leading else { return };
                let before = self.committed.range(..=epoch).next_back();
                if let Some((known, at)) = before.filter(|(_, at)| *at > to) {
                    report.violation(format!(
                        "broker {broker} leads epoch {epoch} and holds {to} for committed, where the leader of \
                         epoch {known} held {at}"
                    ));
                }
                self.committed.insert(epoch, *to);
                return;
            }
            _ => return,
        };
        if epoch < node.seen {
            report.violation(format!("broker {broker} is in epoch {epoch}, and was in {} before", node.seen));
        }
        node.seen = epoch;
        node.remembers |= durable;
        if durable {
            node.remembered = node.remembered.max(epoch);
        }
        node.leading = matches!(event, Event::BecameLeader { .. }).then_some(epoch);
    }
}

#[cfg(test)]
#[path = "quorum_epochs_test.rs"]
mod tests;
