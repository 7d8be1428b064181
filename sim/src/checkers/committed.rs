//! I14: what the metadata quorum has committed is the same on every broker, for ever, and durable on a majority of them
//! before anybody counts it as committed (Kafka's MajorityReachedHighWatermark and ConsistentCommittedData).
//!
//! The checker keeps a copy of each broker's log: batches by their place, epoch and CRC. Events tell what is written, and when a
//! process starts, the simulator's own reading of its disk takes their place: a process may end between a write and its
//! event. A snapshot is of what is committed, and stands for it: a log that begins with one has all that was committed below.
//!
//! What is committed leaves a log by trimming only: no leader has anybody cut it off, no crash takes what was durable of it.
//! (Kafka's simulation assumes this: truncation below the high watermark is not permitted.)

use super::{Checker, Context, Report, Seen};
use crate::history::Note;
use ::runtime::Event;
use model::{LeaderEpoch, Offset, PartitionIndex, PartitionKey, TopicId, Uuid};
use std::collections::{BTreeMap, BTreeSet};

/// The metadata log's one partition.
pub(crate) const METADATA: PartitionKey =
    PartitionKey { topic: TopicId(Uuid::METADATA_TOPIC), index: PartitionIndex(0) };

/// A batch of the metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Offset of its first record.
    pub base: Offset,
    /// One past its last.
    pub end: Offset,
    /// The epoch stamped on it.
    pub epoch: LeaderEpoch,
    /// CRC-32C, as stored.
    pub crc: u32,
}

/// One broker's log.
#[derive(Default)]
struct Log {
    /// Ascending, without gaps.
    batches: Vec<Batch>,
    durable: Offset,
    /// So many of the first batches are those that were committed.
    agreed: usize,
    /// What is on the disk that the next process starts from.
    disk: Vec<Batch>,
}

/// See the file's header.
pub struct Committed {
    /// Brokers that make a majority of the voters.
    majority: usize,
    logs: BTreeMap<i32, Log>,
    /// What disks held that were replaced by empty ones: the leader may have been told, truly, and count it later.
    gone: Vec<(i32, Log)>,
    committed: Vec<Batch>,
}

impl Committed {
    /// For a quorum of so many voters.
    pub fn new(voters: usize) -> Committed {
        Committed { majority: voters / 2 + 1, logs: BTreeMap::new(), gone: Vec::new(), committed: Vec::new() }
    }
}

impl Log {
    fn cut(&mut self, end: Offset) {
        self.batches.truncate(self.batches.partition_point(|batch| batch.end <= end));
        self.durable = self.durable.min(end);
        self.agreed = self.agreed.min(self.batches.len());
    }

    /// The process that starts has what is on the disk, and behind a snapshot what was committed `below`.
    fn open(&mut self, below: &[Batch]) {
        self.batches = below.to_vec();
        self.batches.append(&mut self.disk);
        (self.durable, self.agreed) = (Offset::ZERO, below.len());
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

    /// Nothing that is committed may go when only what is below `end` stays.
    fn keeps(&mut self, broker: i32, end: Offset, committed: &[Batch], how: &str, report: &mut Report) {
        self.agree(committed);
        if let Some(last) = self.batches[..self.agreed].last().filter(|last| last.end > end) {
            report.violation(format!("broker {broker} {how} at {end}, and has {last:?}, which is committed"));
        }
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
        let (broker, event) = match seen {
            Seen::Event { broker, event } => (broker, event),
            Seen::Replayed { broker, metadata, .. } => {
                self.logs.entry(*broker).or_default().disk = metadata.batches.clone();
                return;
            }
            Seen::Note(Note::Wiped { broker } | Note::DiskLied { broker }) => {
                self.gone.extend(self.logs.remove(broker).map(|log| (*broker, log)));
                return;
            }
            _ => return,
        };
        let log = self.logs.entry(*broker).or_default();
        match event {
            Event::Recovered { partition: METADATA, start, end, .. } => {
                log.agree(&self.committed);
                let safe = log.batches[..log.agreed].iter().rposition(|batch| batch.end <= log.durable);
                let safe: Vec<Batch> = safe.map_or(Vec::new(), |last| log.batches[..=last].to_vec());
                let below = below(&self.committed, *start).unwrap_or_else(|| {
                    report.violation(format!(
                        "broker {broker}: the metadata log begins at {start}, where no committed batch ends"
                    ));
                    &[]
                });
                log.open(below);
                log.cut(end.0);
                if let Some((had, _)) =
                    safe.iter().zip(0..).find(|(had, at)| log.batches.get(*at) != Some(had))
                {
                    report.violation(format!(
                        "broker {broker} recovers {start}..{end} without {had:?}, which was committed and durable there"
                    ));
                }
            }
            Event::SnapshotTaken { partition: METADATA, end, epoch } => {
                self.is_committed(*broker, *end, *epoch, report);
            }
            Event::SnapshotInstalled { partition: METADATA, end, epoch } => {
                if let Some(below) = self.is_committed(*broker, *end, *epoch, report) {
                    let log = self.logs.get_mut(broker).expect("it has just been seen");
                    log.keeps(*broker, *end, &self.committed, "installs a snapshot that ends", report);
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
            Event::Truncated { partition: METADATA, end } => {
                log.keeps(*broker, end.0, &self.committed, "cuts its log", report);
                log.cut(end.0);
            }
            Event::Appended { partition: METADATA, epoch, base, end, crc } => {
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
        let mut having = BTreeSet::new();
        let gone = self.gone.iter_mut().map(|(broker, log)| (*broker, log));
        for (broker, log) in self.logs.iter_mut().map(|(broker, log)| (*broker, log)).chain(gone) {
            let same = log.agree(&self.committed).is_none() && log.agreed >= self.committed.len();
            if same && log.durable >= to {
                having.insert(broker);
            }
        }
        if having.len() < self.majority {
            let (majority, durable) = (self.majority, having.len());
            report.violation(format!(
                "broker {broker} holds {to} for committed, and {durable} have it durable where {majority} are a majority"
            ));
        }
    }
}

#[cfg(test)]
#[path = "committed_test.rs"]
mod tests;
