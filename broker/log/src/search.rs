//! Finding records by timestamp (ListOffsets), outside the log's task like every other read.
//!
//! To find a record within a compressed batch is to decompress it, and a client decides what it decompresses to. So
//! records are streamed, in fixed memory, and a search decompresses [`DECOMPRESSED_BYTES_MAX`] in all. Where that is
//! spent, and where a batch's records can't be read at all (nobody opens a compressed batch before it is appended),
//! its header's word is taken: the batch holds a record late enough, and its first offset is the answer. Whoever reads
//! from there on misses nothing. An error instead would be one for every earlier time as well, and for good.

use crate::Log;
use crate::index::{self, last_on_file};
use crate::names::{self, segment_file};
use crate::offset_index::Start;
use crate::read::{ReadError, View};
use crate::time_index::TimeEntry;
use crate::walk::{Flaw, Step, Walk};
use model::{LeaderEpoch, Offset, Timestamp};
use records::batch::{BatchError, BatchHeader, Compression, Timeline};
use runtime::Disk;

/// Bytes to which one search decompresses batches: many times what a batch of `max.message.bytes` by default really
/// holds, and a fraction of a second's work.
pub(crate) const DECOMPRESSED_BYTES_MAX: u64 = 64 << 20;

/// A record found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOffset {
    /// The record's timestamp, or the batch's highest if the record was not looked for.
    pub timestamp: Timestamp,
    /// The record's offset, or one of the same batch before it if the record was not looked for.
    pub offset: Offset,
    /// The epoch it was written in.
    pub epoch: LeaderEpoch,
}

/// A planned search. Holds no data.
pub struct TimestampSearch<D: Disk> {
    view: View<D>,
    /// `None`: the highest there is.
    target: Option<Timestamp>,
    from: Offset,
    /// The highest timestamp of the active segment.
    active_highest: Option<TimeEntry>,
    /// Where to start in the active segment, should it come to that.
    active_start: ActiveStart,
}

/// Where to start looking for a timestamp in the active segment.
#[derive(Clone, Copy)]
enum ActiveStart {
    /// At the batch of this offset, which the offset index finds so.
    At(Offset, Start),
    /// Where the files say: entries of the time index, entries of the offset index.
    AskFiles(u32, u32),
}

impl<D: Disk> Log<D> {
    /// Plans a search, without I/O: the first record, from the log's start on, whose timestamp is `target` or
    /// later.
    pub fn offset_for_timestamp(&self, target: Timestamp) -> TimestampSearch<D> {
        self.search(Some(target))
    }

    /// Plans a search, without I/O: the first record that has the highest timestamp of all (KIP-734). Nothing is
    /// found, as in Kafka, when that record lies below the log's start, but in a segment that is still there.
    pub fn max_timestamp(&self) -> TimestampSearch<D> {
        self.search(None)
    }

    fn search(&self, target: Option<Timestamp>) -> TimestampSearch<D> {
        let indexes = &self.active.indexes;
        let highest = indexes.highest;
        let wanted = target.or(highest.map(|highest| highest.timestamp)).unwrap_or(Timestamp::NONE);
        let within = indexes.times.tail().partition_point(|entry| entry.timestamp <= wanted);
        let active_start = match within.checked_sub(1).map(|index| indexes.times.tail()[index]) {
            Some(entry) => ActiveStart::At(entry.offset, indexes.offsets.start_for(entry.offset)),
            None => ActiveStart::AskFiles(indexes.times.persisted(), indexes.offsets.persisted()),
        };
        TimestampSearch { view: self.view(), target, from: self.start, active_highest: highest, active_start }
    }
}

impl<D: Disk> TimestampSearch<D> {
    /// Searches. `None` when no record is that late, or none has a timestamp.
    pub async fn read(self) -> Result<Option<TimedOffset>, ReadError> {
        let target = match self.target {
            Some(target) => target,
            None => match self.highest().await? {
                Some(highest) => highest,
                None => return Ok(None),
            },
        };
        let mut decompress = DECOMPRESSED_BYTES_MAX;
        for (segment, next_base) in self.view.sealed_from(self.from) {
            let (base, entries) = (segment.base, segment.time_entries);
            let last = last_on_file::<D, TimeEntry>(&self.view.disk, &self.view.dir, base, entries).await?;
            if last.is_some_and(|last| last.timestamp < target) {
                continue;
            }
            let file = self.view.open(base).await?;
            let start = self.start_on_files(base, target, entries, segment.offset_entries).await?;
            let walk = Walk::new(file, start, segment.size);
            if let Some(found) = self.scan(walk, base, next_base, target, &mut decompress).await? {
                return Ok(Some(found));
            }
        }
        if self.active_highest.is_none_or(|highest| highest.timestamp < target) {
            return Ok(None);
        }
        let base = self.view.active_base;
        let start = match self.active_start {
            ActiveStart::At(offset, start) => {
                self.view.find(base, start, offset).await?.map_or(0, |entry| entry.position.into())
            }
            ActiveStart::AskFiles(times, offsets) => {
                self.start_on_files(base, target, times, offsets).await?
            }
        };
        let walk = Walk::new(self.view.active_file.clone(), start, self.view.active_size);
        self.scan(walk, base, Offset(i64::MAX), target, &mut decompress).await
    }

    async fn highest(&self) -> Result<Option<Timestamp>, ReadError> {
        let mut highest = self.active_highest.map(|entry| entry.timestamp);
        for segment in self.view.sealed.iter() {
            let (base, entries) = (segment.base, segment.time_entries);
            let last = last_on_file::<D, TimeEntry>(&self.view.disk, &self.view.dir, base, entries).await?;
            highest = highest.max(last.map(|last| last.timestamp));
        }
        Ok(highest)
    }

    /// The position of a batch at or before the first one that is as late as `target`.
    async fn start_on_files(
        &self,
        base: Offset,
        target: Timestamp,
        times: u32,
        offsets: u32,
    ) -> Result<u64, ReadError> {
        let below = |entry: &TimeEntry| entry.timestamp <= target;
        let entry = index::partition(&self.view.disk, &self.view.dir, base, times, below).await?.1;
        let Some(entry) = entry else { return Ok(0) };
        let start = self.view.find(base, Start::AskFile(offsets), entry.offset).await?;
        Ok(start.map_or(0, |entry| entry.position.into()))
    }

    async fn scan(
        &self,
        mut walk: Walk<D::File>,
        base: Offset,
        next_base: Offset,
        target: Timestamp,
        decompress: &mut u64,
    ) -> Result<Option<TimedOffset>, ReadError> {
        let mut expected = base;
        let corrupt = |position, flaw| ReadError::Corrupt {
            path: segment_file(&self.view.dir, base, names::LOG),
            position,
            flaw,
        };
        while expected < next_base {
            let at = match walk.next().await? {
                Step::Batch(at) if at.header.base_offset >= next_base => break,
                Step::Batch(at) => at,
                Step::End => break,
                Step::Flaw(_) if walk.misled() => {
                    walk.restart();
                    continue;
                }
                Step::Flaw(flaw) => return Err(corrupt(walk.position(), flaw)),
            };
            expected = at.header.next_offset();
            if at.header.max_timestamp < target || at.header.last_offset() < self.from {
                continue;
            }
            let batch = walk.checked(&at).await?.map_err(|error| corrupt(at.position, Flaw::Batch(error)))?;
            let late = self.late(&at.header, &batch, target, decompress);
            if let Some(found) = late.map_err(|error| corrupt(at.position, Flaw::Batch(error)))? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The first record of a batch that is as late as `target`. What is decompressed is taken off `decompress`.
    fn late(
        &self,
        header: &BatchHeader,
        batch: &[u8],
        target: Timestamp,
        decompress: &mut u64,
    ) -> Result<Option<TimedOffset>, BatchError> {
        let epoch = header.leader_epoch;
        let mut timeline = match Timeline::new(batch, *decompress) {
            Ok(timeline) => timeline,
            Err(_) if header.compression() != Compression::None => return Ok(Some(self.by_header(header))),
            Err(error) => return Err(error),
        };
        let from = self.from;
        let found = timeline.find(|record| match record {
            Ok((offset, timestamp)) => *timestamp >= target && *offset >= from,
            Err(_) => true,
        });
        if header.compression() != Compression::None {
            *decompress -= timeline.read_bytes();
        }
        match found {
            None => Ok(None),
            Some(Ok((offset, timestamp))) => Ok(Some(TimedOffset { timestamp, offset, epoch })),
            Some(Err(_)) if header.compression() != Compression::None => Ok(Some(self.by_header(header))),
            Some(Err(error)) => Err(error),
        }
    }

    /// What the header says about a batch whose records can't be looked at.
    fn by_header(&self, header: &BatchHeader) -> TimedOffset {
        let offset = header.base_offset.max(self.from);
        TimedOffset { timestamp: header.max_timestamp, offset, epoch: header.leader_epoch }
    }
}
