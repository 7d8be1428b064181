//! Segments: the one that is appended to, with the heads of its indexes in memory, and the sealed ones before it,
//! of which no more is kept than a reader needs to find its way.

use crate::LogConfig;
use crate::index::{Index, last_on_file};
use crate::names::{self, segment_file};
use crate::offset_index::OffsetEntry;
use crate::time_index::TimeEntry;
use crate::walk::{Order, Step, Walk};
use model::{Offset, Timestamp};
use records::batch::{BatchHeader, HEADER_LEN};
use runtime::{Disk, DiskError, DiskErrorKind, File, OpenMode};
use std::path::Path;

/// A segment that will not grow any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Its first offset.
    pub(crate) base: Offset,
    /// Bytes of batches.
    pub(crate) size: u64,
    /// Entries of its offset index.
    pub(crate) offset_entries: u32,
    /// Entries of its time index, the last of which tells its highest timestamp.
    pub(crate) time_entries: u32,
}

/// What is remembered of the batches of one segment while it is written, by a producer's append or by recovery.
#[derive(Clone, Debug)]
pub(crate) struct Indexes {
    pub(crate) offsets: Index<OffsetEntry>,
    pub(crate) times: Index<TimeEntry>,
    /// Bytes of batches since the last entry.
    since_entry: u64,
    /// The highest timestamp, and the last offset of the first batch that had it.
    pub(crate) highest: Option<TimeEntry>,
    /// The first batch's highest timestamp: the segment's age counts from there.
    pub(crate) first_timestamp: Option<Timestamp>,
}

impl Indexes {
    /// Of an empty segment.
    pub(crate) fn new(base: Offset) -> Indexes {
        Indexes {
            offsets: Index::new(base),
            times: Index::new(base),
            since_entry: 0,
            highest: None,
            first_timestamp: None,
        }
    }

    /// Takes note of the batch at `position`, in Kafka's order: a batch is indexed when more than the interval
    /// lies between it and the batch indexed last.
    pub(crate) fn note(&mut self, header: &BatchHeader, position: u64, config: &LogConfig) {
        self.first_timestamp.get_or_insert(header.max_timestamp);
        self.raise(header);
        if self.since_entry > u64::from(config.index_interval_bytes) && !self.full(config) {
            let position = u32::try_from(position).expect("a segment is less than 2 GiB");
            self.offsets.push(OffsetEntry { offset: header.last_offset(), position });
            self.note_time();
            self.since_entry = 0;
        }
        self.since_entry += header.total_len() as u64;
    }

    /// Ends the time index with the highest timestamp of all: what tells when a sealed segment expires.
    pub(crate) fn complete(&mut self) {
        self.note_time();
    }

    /// Adds the highest timestamp to the time index, unless it is there.
    fn note_time(&mut self) {
        let Some(highest) = self.highest else { return };
        if self.times.last().is_none_or(|last| highest.timestamp > last.timestamp) {
            self.times.push(highest);
        }
    }

    fn raise(&mut self, header: &BatchHeader) {
        let timestamp = header.max_timestamp;
        let higher = self.highest.is_none_or(|highest| timestamp > highest.timestamp);
        if timestamp > Timestamp::NONE && higher {
            self.highest = Some(TimeEntry { timestamp, offset: header.last_offset() });
        }
    }

    /// Whether an index has no room for another entry. One slot of the time index is kept for the segment's end.
    pub(crate) fn full(&self, config: &LogConfig) -> bool {
        let room = config.segment_index_bytes;
        self.offsets.entries() >= room / 8 || self.times.entries() + 1 >= room / 12
    }

    /// Completes the indexes for good and writes them out. Returns their files, to be synced.
    pub(crate) async fn seal<D: Disk>(&mut self, disk: &D, dir: &Path) -> Result<[D::File; 2], DiskError> {
        self.complete();
        let offsets = self.offsets.write_out(disk, dir, true).await?;
        let times = self.times.write_out(disk, dir, true).await?;
        Ok([offsets, times])
    }
}

/// The segment that is appended to.
pub(crate) struct Active<D: Disk> {
    /// Its first offset.
    pub(crate) base: Offset,
    /// Bytes of whole, valid batches. What the file has beyond is garbage.
    pub(crate) size: u64,
    /// Whether a failed write may have left garbage beyond `size`.
    pub(crate) torn: bool,
    /// Whether garbage has been cut off: until a sync it may come back.
    pub(crate) cut: bool,
    /// Its file.
    pub(crate) file: D::File,
    pub(crate) indexes: Indexes,
}

impl<D: Disk> Active<D> {
    /// Creates the file of a new segment, which is not durable before the file and the directory are synced.
    pub(crate) async fn create(disk: &D, dir: &Path, base: Offset) -> Result<Active<D>, DiskError> {
        // Truncate: an earlier attempt may have failed half-way.
        let file = disk.open(&segment_file(dir, base, names::LOG), OpenMode::Truncate).await?;
        Ok(Active { base, size: 0, torn: false, cut: false, file, indexes: Indexes::new(base) })
    }

    /// Describes it as it will be once sealed; its indexes must have been.
    pub(crate) fn sealed(&self) -> Sealed {
        assert!(self.indexes.offsets.tail().is_empty(), "sealed with entries in memory");
        self.on_file()
    }

    /// Describes it by the entries that its index files have.
    pub(crate) fn on_file(&self) -> Sealed {
        Sealed {
            base: self.base,
            size: self.size,
            offset_entries: self.indexes.offsets.persisted(),
            time_entries: self.indexes.times.persisted(),
        }
    }

    /// Opens a segment that can be believed up to `sealed.size`, reading its end only: from the last batch that
    /// the index knows. `None` when what is there does not fit together. Also tells where the log goes on.
    pub(crate) async fn load(
        disk: &D,
        dir: &Path,
        sealed: Sealed,
        config: &LogConfig,
    ) -> Result<Option<(Active<D>, Offset)>, DiskError> {
        let Sealed { base, size, offset_entries, time_entries } = sealed;
        let file = disk.open(&segment_file(dir, base, names::LOG), OpenMode::Write).await?;
        let last_offset = last_on_file::<D, OffsetEntry>(disk, dir, base, offset_entries).await?;
        let last_time = last_on_file::<D, TimeEntry>(disk, dir, base, time_entries).await?;
        if (last_offset.is_none() && offset_entries > 0) || (last_time.is_none() && time_entries > 0) {
            return Ok(None);
        }
        let mut indexes = Indexes {
            offsets: Index::on_file(base, offset_entries, last_offset),
            times: Index::on_file(base, time_entries, last_time),
            since_entry: 0,
            highest: last_time,
            first_timestamp: None,
        };
        if size > 0 {
            let bytes = file.read_at(0, HEADER_LEN).await?;
            let Ok(first) = BatchHeader::parse(&bytes) else { return Ok(None) };
            indexes.first_timestamp = Some(first.max_timestamp);
        }
        let from = last_offset.map_or(0, |entry| u64::from(entry.position));
        let mut walk = Walk::new(file.clone(), from, size);
        let mut order = Order::new(base);
        loop {
            let at = match walk.next().await? {
                Step::Batch(at) => at,
                Step::End => break,
                Step::Flaw(_) => return Ok(None),
            };
            if order.admit(&at.header, at.position).is_err() || walk.checked(&at).await?.is_err() {
                return Ok(None);
            }
            match last_offset {
                Some(entry) if at.position == from => {
                    if at.header.last_offset() != entry.offset {
                        return Ok(None);
                    }
                    indexes.raise(&at.header);
                    indexes.since_entry = at.header.total_len() as u64;
                }
                _ => indexes.note(&at.header, at.position, config),
            }
        }
        if walk.position() != size {
            return Ok(None);
        }
        let active = Active { base, size, torn: false, cut: false, file, indexes };
        Ok(Some((active, order.expected)))
    }
}

/// Removes the files of a segment, the batches first. Durable after a sync of the directory.
pub(crate) async fn remove_segment<D: Disk>(disk: &D, dir: &Path, base: Offset) -> Result<(), DiskError> {
    remove_files(disk, dir, base, &[names::LOG, names::OFFSET_INDEX, names::TIME_INDEX]).await
}

/// Removes those of a segment's files that are there.
pub(crate) async fn remove_files<D: Disk>(
    disk: &D,
    dir: &Path,
    base: Offset,
    suffixes: &[&str],
) -> Result<(), DiskError> {
    for suffix in suffixes {
        match disk.remove_file(&segment_file(dir, base, suffix)).await {
            Ok(()) => {}
            Err(error) if error.kind == DiskErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
