//! I15: the image of the metadata that a node serves from is what its log says: the latest snapshot and all records behind it,
//! whatever happened in between.
//!
//! What a process has in memory shows in the snapshots that it takes: nobody else writes them but the leader that a far-behind
//! node fetches one from. Disks are looked at when a snapshot has been taken, before the log is trimmed behind it, and at
//! each start. Each snapshot found on a disk must be, record by record, what a replay gives of the log beside it
//! from the snapshot before (or from nothing) up to its end; and snapshots of one end are the same on every node.
//!
//! The replay is the controller's own: a record that it takes for something else it takes so in both. What this notices are
//! records left out, applied twice, or applied in another order, and images loaded from something else than the log.

use super::{Checker, Context, Metadata, Report, Seen};
use ::controller::ClusterImage;
use model::{ClusterId, Offset};
use records::metadata::MetadataRecord;
use std::collections::BTreeMap;

/// See the file's header.
#[derive(Default)]
pub struct Image {
    /// Snapshots by their ends, each with whose was seen first.
    first: BTreeMap<Offset, (i32, Vec<MetadataRecord>)>,
    /// Those that a replay has confirmed. Another's of the same end need only be the same.
    confirmed: BTreeMap<Offset, ()>,
}

impl Checker for Image {
    fn name(&self) -> &'static str {
        "image"
    }

    fn invariant(&self) -> &'static str {
        "I15"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        let (Seen::Replayed { broker, metadata, .. } | Seen::Snapshotted { broker, metadata }) = seen else {
            return;
        };
        let mut before = (metadata.start == Offset::ZERO).then_some((Offset::ZERO, &[][..]));
        for snapshot in &metadata.snapshots {
            let (whose, first) =
                self.first.entry(snapshot.end).or_insert_with(|| (*broker, snapshot.records.clone()));
            if *first != snapshot.records {
                report.violation(format!(
                    "broker {broker}: snapshot {} is another than broker {whose}'s: {}",
                    snapshot.end,
                    difference(&snapshot.records, first)
                ));
            }
            if let Some((from, base)) = before
                && !self.confirmed.contains_key(&snapshot.end)
                && let Some(replayed) = replay(base, from, metadata, snapshot.end)
            {
                match replayed {
                    Ok(records) if records == snapshot.records => {
                        self.confirmed.insert(snapshot.end, ());
                    }
                    Ok(records) => report.violation(format!(
                        "broker {broker}: snapshot {} is not what the log from {from} on gives: {}",
                        snapshot.end,
                        difference(&snapshot.records, &records)
                    )),
                    Err(why) => report.violation(format!("broker {broker}: the log from {from} on: {why}")),
                }
            }
            before = Some((snapshot.end, &snapshot.records));
        }
    }
}

/// The records of the image that begins with a snapshot, or with nothing, and goes on with the log. None where the log does not
/// have them all, or where what it says is of no end yet.
fn replay(
    base: &[MetadataRecord],
    from: Offset,
    metadata: &Metadata,
    to: Offset,
) -> Option<Result<Vec<MetadataRecord>, String>> {
    let behind = metadata.between(from, to)?;
    let mut image = ClusterImage::new(ClusterId("simulated".into()));
    let told = |error: ::controller::ReplayError| error.to_string();
    for record in base {
        if let Err(error) = image.replay(image.end(), record) {
            return Some(Err(told(error)));
        }
    }
    image.skip_to(from.max(image.end()));
    for (offset, record) in behind {
        if let Err(error) = image.replay(offset.max(image.end()), record) {
            return Some(Err(told(error)));
        }
    }
    image.transaction().is_none().then(|| Ok(image.records().collect()))
}

/// The first record that differs.
fn difference(found: &[MetadataRecord], expected: &[MetadataRecord]) -> String {
    let at = found.iter().zip(expected).take_while(|(left, right)| left == right).count();
    format!(
        "{} records instead of {}, from number {at} on: {:?} instead of {:?}",
        found.len(),
        expected.len(),
        found.get(at),
        expected.get(at)
    )
}

#[cfg(test)]
#[path = "image_test.rs"]
mod tests;
