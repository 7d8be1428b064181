//! I14: where a metadata log has no beginning any more, a snapshot stands for it; and who leads has no use for another's
//! (SnapshotAtLogStart and LeaderNeverLoadSnapshot of Kafka's RaftEventSimulationTest).
//!
//! A process may end between the removal of records and that of snapshots that have become superfluous, so at a start the
//! latest must reach the log's beginning. That no older ones are left after a stop in order is the scrub's to see.

use super::{Checker, Context, Report, Seen, committed::METADATA};
use crate::history::Note;
use ::runtime::Event;
use model::{LeaderEpoch, Offset};
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct SnapshotBelow {
    leading: BTreeMap<i32, LeaderEpoch>,
}

impl Checker for SnapshotBelow {
    fn name(&self) -> &'static str {
        "snapshot_below"
    }

    fn invariant(&self) -> &'static str {
        "I14"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        match seen {
            Seen::Replayed { broker, metadata, .. } if metadata.start > Offset::ZERO => {
                let latest = metadata.snapshots.last().map(|snapshot| snapshot.end);
                if latest < Some(metadata.start) {
                    report.violation(format!(
                        "broker {broker}: the metadata log begins at {}, the latest snapshot ends at {latest:?}",
                        metadata.start
                    ));
                }
            }
            Seen::Note(Note::Killed { broker } | Note::PowerLost { broker } | Note::Stopped { broker }) => {
                self.leading.remove(broker);
            }
            Seen::Event { broker, event } => match event {
                Event::BecameLeader { partition: METADATA, epoch } => {
                    self.leading.insert(*broker, *epoch);
                }
                Event::Resigned { partition: METADATA, .. } => _ = self.leading.remove(broker),
                Event::SnapshotInstalled { partition: METADATA, end, .. } => {
                    if let Some(epoch) = self.leading.get(broker) {
                        report.violation(format!(
                            "broker {broker} leads epoch {epoch} and installs the snapshot that ends at {end}"
                        ));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "snapshot_below_test.rs"]
mod tests;
