//! I14: what the metadata quorum has committed is the same on every broker, for ever, and durable on a majority of them
//! before anybody counts it as committed (Kafka's MajorityReachedHighWatermark and ConsistentCommittedData).
//!
//! The checker keeps a copy of each broker's log, as far as the broker's own events tell it: batches by their place, epoch and
//! CRC. A process that starts says how much of it is left. A snapshot is of what is committed, and stands for it: a log that
//! begins with one has all that was committed below.

use super::{Checker, Context, Report, Seen};
use ::runtime::Event;
use model::{LeaderEpoch, Offset, PartitionIndex, PartitionKey, TopicId, Uuid};
use std::collections::BTreeMap;

/// The metadata log's one partition.
pub(crate) const METADATA: PartitionKey =
    PartitionKey { topic: TopicId(Uuid::METADATA_TOPIC), index: PartitionIndex(0) };

/// A batch as events tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Batch {
    base: Offset,
    end: Offset,
    epoch: LeaderEpoch,
    crc: u32,
}

/// One broker's log.
#[derive(Default)]
struct Log {
    /// Ascending, without gaps.
    batches: Vec<Batch>,
    durable: Offset,
    /// So many of the first batches are those that were committed.
    agreed: usize,
    /// The disk holds more than events told: the process ended between a write and its event. Nothing is said of this log
    /// until it is cut below that.
    blind: bool,
}

/// See the file's header.
pub struct Committed {
    /// Brokers that make a majority of the voters.
    majority: usize,
    logs: BTreeMap<i32, Log>,
    committed: Vec<Batch>,
}

impl Committed {
    /// For a quorum of so many voters.
    pub fn new(voters: usize) -> Committed {
        Committed { majority: voters / 2 + 1, logs: BTreeMap::new(), committed: Vec::new() }
    }
}

impl Log {
    fn cut(&mut self, end: Offset) {
        self.batches.truncate(self.batches.partition_point(|batch| batch.end <= end));
        self.durable = self.durable.min(end);
        self.agreed = self.agreed.min(self.batches.len());
        self.blind &= end > self.end();
    }

    fn end(&self) -> Offset {
        self.batches.last().map_or(Offset::ZERO, |last| last.end)
    }

    /// The process that starts has everything below `end`: what was committed is what it can only have.
    fn fill(&mut self, committed: &[Batch], end: Offset) {
        let missing = committed.iter().filter(|batch| batch.end <= end);
        for batch in missing {
            if batch.base == self.end() {
                self.batches.push(*batch);
            }
        }
        self.blind = self.end() != end;
    }

    /// Compares what has not been compared yet. The first batch that is another than was committed, with that one.
    fn agree(&mut self, committed: &[Batch]) -> Option<(Batch, Batch)> {
        while let (Some(own), Some(known)) = (self.batches.get(self.agreed), committed.get(self.agreed)) {
            if own != known {
                return Some((*own, *known));
            }
            self.agreed += 1;
        }
        None
    }

    /// A snapshot stands for everything below `start`: `below` was committed there.
    fn begin(&mut self, below: &[Batch], start: Offset) {
        let own = self.batches.partition_point(|batch| batch.end <= start);
        self.batches.splice(..own, below.iter().copied());
        self.agreed = below.len();
    }
}

/// The batches below `to`, if they end there.
fn below(batches: &[Batch], to: Offset) -> Option<&[Batch]> {
    let batches = &batches[..batches.partition_point(|batch| batch.end <= to)];
    (batches.last().map_or(Offset::ZERO, |last| last.end) == to).then_some(batches)
}

impl Checker for Committed {
    fn name(&self) -> &'static str {
        "committed"
    }

    fn invariant(&self) -> &'static str {
        "I14"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        let Seen::Event { broker, event } = seen else { return };
        let log = self.logs.entry(*broker).or_default();
        match event {
            Event::Recovered { partition: METADATA, start, end, .. } => {
                log.cut(end.0);
                log.durable = Offset::ZERO;
                if *start > Offset::ZERO {
                    match below(&self.committed, *start) {
                        Some(below) => log.begin(below, *start),
                        None => report.violation(format!(
                            "broker {broker}: the metadata log begins at {start}, where no committed batch ends"
                        )),
                    }
                }
                log.fill(&self.committed, end.0);
            }
            Event::SnapshotTaken { partition: METADATA, end, epoch } => {
                self.is_committed(*broker, *end, *epoch, report);
            }
            Event::SnapshotInstalled { partition: METADATA, end, epoch } => {
                if let Some(below) = self.is_committed(*broker, *end, *epoch, report) {
                    let log = self.logs.get_mut(broker).expect("it has just been seen");
                    log.cut(*end);
                    log.begin(&below, *end);
                    log.batches.truncate(below.len());
                    log.durable = *end;
                }
            }
            Event::Trimmed { partition: METADATA, start } if below(&self.committed, *start).is_none() => {
                report.violation(format!(
                    "broker {broker}: the metadata log is trimmed to {start}, where no committed batch ends"
                ));
            }
            Event::Truncated { partition: METADATA, end } => log.cut(end.0),
            Event::Appended { partition: METADATA, epoch, base, end, crc }
                if !log.blind || *base <= log.end() =>
            {
                log.cut(*base);
                log.batches.push(Batch { base: *base, end: end.0, epoch: *epoch, crc: *crc });
            }
            Event::Synced { partition: METADATA, end } => log.durable = log.durable.max(end.0),
            Event::HighWatermark { partition: METADATA, to } => self.advance(*broker, *to, report),
            _ => {}
        }
    }
}

impl Committed {
    /// What is committed below `end`, the end of a snapshot.
    fn is_committed(
        &self,
        broker: i32,
        end: Offset,
        epoch: LeaderEpoch,
        report: &mut Report,
    ) -> Option<Vec<Batch>> {
        let below = below(&self.committed, end);
        let below = below.filter(|below| below.last().is_some_and(|last| last.epoch == epoch));
        if below.is_none() {
            report.violation(format!("broker {broker}: snapshot {end}-{epoch} is not of what was committed"));
        }
        below.map(<[Batch]>::to_vec)
    }

    fn advance(&mut self, broker: i32, to: Offset, report: &mut Report) {
        let log = self.logs.get_mut(&broker).expect("it has just been seen");
        if log.blind {
            return;
        }
        let differs = log.agree(&self.committed);
        let Some(own) = below(&log.batches, to) else {
            report.violation(format!(
                "broker {broker} holds {to} for committed, where no batch of its log ends"
            ));
            return;
        };
        if let Some((other, known)) = differs.filter(|(other, _)| other.end <= to) {
            report.violation(format!(
                "broker {broker} holds {other:?} for committed, where {known:?} was committed"
            ));
            return;
        }
        if own.len() <= self.committed.len() {
            return;
        }
        let news = own[self.committed.len()..].to_vec();
        self.committed.extend(news);
        let mut durable = 0;
        for log in self.logs.values_mut() {
            let same = log.agree(&self.committed).is_none() && log.agreed >= self.committed.len();
            durable += usize::from((same || log.blind) && log.durable >= to);
        }
        if durable < self.majority {
            let majority = self.majority;
            report.violation(format!(
                "broker {broker} holds {to} for committed, and {durable} have it durable where {majority} are a majority"
            ));
        }
    }
}

#[cfg(test)]
#[path = "committed_test.rs"]
mod tests;
