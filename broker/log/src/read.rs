//! Reading batches: a slice is drawn from the log without I/O and read by whoever asked, outside the log's task.
//!
//! Nothing holds the log still meanwhile. Segments may be sealed, cut or removed; a slice keeps what it needs to
//! find its way and checks each header it meets, so that it gives whole batches in order or an error.

use crate::Log;
use crate::index;
use crate::names::{self, segment_file};
use crate::offset_index::{OffsetEntry, Start};
use crate::segment::Sealed;
use crate::walk::Flaw;
use bytes::Bytes;
use model::Offset;
use records::batch::{BatchError, BatchHeader, HEADER_LEN};
use runtime::{Disk, DiskError, DiskErrorKind, File, OpenMode};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Read beyond what was asked for: the search from an index entry passes over so many bytes at the default
/// interval, give or take a batch.
const SEARCH_LEN: usize = 8 << 10;

/// Batches could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The disk failed.
    Disk(DiskError),
    /// The segment has been removed since: the offset is below the log's start now.
    Gone,
    /// What is there is not the next batch.
    Corrupt {
        /// The segment's file.
        path: PathBuf,
        /// Where in it.
        position: u64,
        /// What is wrong.
        flaw: Flaw,
    },
}

impl From<DiskError> for ReadError {
    fn from(error: DiskError) -> ReadError {
        match error.kind {
            DiskErrorKind::NotFound => ReadError::Gone,
            _ => ReadError::Disk(error),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Disk(error) => error.fmt(f),
            ReadError::Gone => f.write_str("the segment has been removed"),
            ReadError::Corrupt { path, position, flaw } => {
                write!(f, "{} at byte {position}: {flaw}", path.display())
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// The segments of a log at one moment, for readers outside its task.
pub(crate) struct View<D: Disk> {
    pub(crate) disk: D,
    pub(crate) dir: Arc<Path>,
    pub(crate) sealed: Arc<Vec<Sealed>>,
    pub(crate) active_base: Offset,
    pub(crate) active_size: u64,
    pub(crate) active_file: D::File,
}

impl<D: Disk> Log<D> {
    /// Plans a read, without I/O: whole batches, the first one that contains `from` (or follows it, where `from`
    /// has been compacted away), none that reaches `below` or the end of the log, all of one segment, at most
    /// `max_bytes` together; with `at_least_one` the first one whatever its size.
    pub fn slice(&self, from: Offset, below: Offset, max_bytes: usize, at_least_one: bool) -> Slice<D> {
        Slice {
            view: self.view(),
            start: self.active.indexes.offsets.start_for(from),
            from,
            below: below.min(self.end.0),
            max_bytes,
            at_least_one,
        }
    }

    pub(crate) fn view(&self) -> View<D> {
        View {
            disk: self.disk.clone(),
            dir: self.dir.clone(),
            sealed: self.sealed.clone(),
            active_base: self.active.base,
            active_size: self.active.size,
            active_file: self.active.file.clone(),
        }
    }
}

/// A planned read. Holds no data.
pub struct Slice<D: Disk> {
    view: View<D>,
    /// Where to start should `from` be in the active segment.
    start: Start,
    from: Offset,
    below: Offset,
    max_bytes: usize,
    at_least_one: bool,
}

/// Which batches of a file are a segment's.
#[derive(Clone, Copy)]
struct Range {
    /// Offset of the first.
    base: Offset,
    /// None is at or above it.
    next_base: Offset,
    /// Bytes of the file.
    size: u64,
}

/// What one segment had to say.
enum Found {
    /// The batches; none when the first is too large or beyond the bound.
    Batches(Bytes),
    /// All its batches are below: ask the next segment.
    Below,
}

impl<D: Disk> Slice<D> {
    /// Reads it. Empty when there is nothing to be had within the bounds.
    pub async fn read(self) -> Result<Bytes, ReadError> {
        if self.from >= self.below || (self.max_bytes == 0 && !self.at_least_one) {
            return Ok(Bytes::new());
        }
        for (segment, next_base) in self.view.sealed_from(self.from) {
            if segment.base >= self.below {
                return Ok(Bytes::new());
            }
            let file = self.view.open(segment.base).await?;
            let start = Start::AskFile(segment.offset_entries);
            let range = Range { base: segment.base, next_base, size: segment.size };
            if let Found::Batches(bytes) = self.read_segment(&file, range, start).await? {
                return Ok(bytes);
            }
        }
        let View { active_base, active_size, ref active_file, .. } = self.view;
        let range = Range { base: active_base, next_base: Offset(i64::MAX), size: active_size };
        match self.read_segment(active_file, range, self.start).await? {
            Found::Batches(bytes) => Ok(bytes),
            Found::Below => Ok(Bytes::new()),
        }
    }

    async fn read_segment(&self, file: &D::File, range: Range, start: Start) -> Result<Found, ReadError> {
        let Range { base, size, .. } = range;
        let start = self.view.find(base, start, self.from).await?;
        if let Some(entry) = start
            && u64::from(entry.position) < size
        {
            let window = Window::open(file, entry.position.into(), size, self.first_read_len()).await?;
            // An index is a hint. One that points elsewhere than at its batch is not followed.
            if window.header().is_ok_and(|header| header.last_offset() == entry.offset) {
                return self.read_from(window, range).await;
            }
        }
        let window = Window::open(file, 0, size, self.first_read_len()).await?;
        self.read_from(window, range).await
    }

    fn first_read_len(&self) -> usize {
        self.max_bytes.saturating_add(SEARCH_LEN).max(HEADER_LEN)
    }

    /// Passes over batches below `from`, then takes as many as the bounds allow.
    async fn read_from(&self, mut window: Window<'_, D::File>, range: Range) -> Result<Found, ReadError> {
        let corrupt = |window: &Window<'_, D::File>, flaw| ReadError::Corrupt {
            path: segment_file(&self.view.dir, range.base, names::LOG),
            position: window.position(),
            flaw,
        };
        let mut expected = range.base;
        let first = loop {
            if window.at_end() || expected >= range.next_base {
                return Ok(Found::Below);
            }
            let header = match window.header() {
                Ok(header) => header,
                // The window ends within the header, or the file does, having been cut meanwhile.
                Err(BatchError::Truncated { .. }) => match window.advance(self.first_read_len()).await? {
                    true => continue,
                    false => return Ok(Found::Batches(Bytes::new())),
                },
                Err(error) => return Err(corrupt(&window, Flaw::Batch(error))),
            };
            if header.base_offset < expected {
                return Err(corrupt(&window, Flaw::Offset { found: header.base_offset, expected }));
            }
            if header.base_offset >= range.next_base {
                return Ok(Found::Below);
            }
            // Within the segment nothing is cut short: its size counts whole batches.
            let (needed, have) = (header.total_len(), (window.size - window.position()) as usize);
            if needed > have {
                return Err(corrupt(&window, Flaw::Batch(BatchError::Truncated { needed, have })));
            }
            if header.last_offset() >= self.from {
                break header;
            }
            expected = header.next_offset();
            window.skip(header.total_len());
        };
        let wanted = first.total_len() <= self.max_bytes || self.at_least_one;
        if !wanted || first.next_offset() > self.below {
            return Ok(Found::Batches(Bytes::new()));
        }
        let len = first.total_len().max(self.max_bytes);
        if window.rest().len() < first.total_len() {
            window.advance(len).await?;
        }
        Ok(Found::Batches(self.take(window.rest(), range.next_base)))
    }

    /// The batches that `bytes` begins with, as many as whole ones are there and the bounds allow.
    fn take(&self, bytes: Bytes, next_base: Offset) -> Bytes {
        let mut end = 0;
        let mut expected = Offset::ZERO;
        while let Ok(header) = BatchHeader::parse(&bytes[end..]) {
            let after = end.saturating_add(header.total_len());
            let fits = after <= self.max_bytes || (end == 0 && self.at_least_one);
            let whole = after <= bytes.len();
            let in_order = header.base_offset >= expected && header.base_offset < next_base;
            if !fits || !whole || !in_order || header.next_offset() > self.below {
                break;
            }
            expected = header.next_offset();
            end = after;
        }
        bytes.slice(..end)
    }
}

impl<D: Disk> View<D> {
    /// The sealed segments from the one on that may hold `from`, each with the base of the next one, active or
    /// sealed, at which it ends: what its file has of later offsets, recovery has moved on, and the cut that was to
    /// take it away may have come undone (see `rewrite`).
    pub(crate) fn sealed_from(&self, from: Offset) -> impl Iterator<Item = (Sealed, Offset)> + '_ {
        let after = match from >= self.active_base {
            true => self.sealed.len(),
            false => self.sealed.partition_point(|segment| segment.base <= from).saturating_sub(1),
        };
        let segments = &self.sealed[after..];
        let next_bases = segments.iter().skip(1).map(|next| next.base).chain([self.active_base]);
        segments.iter().copied().zip(next_bases)
    }

    /// Opens the file of a sealed segment.
    pub(crate) async fn open(&self, base: Offset) -> Result<D::File, DiskError> {
        self.disk.open(&segment_file(&self.dir, base, names::LOG), OpenMode::Read).await
    }

    /// Where to start looking for an offset; `None`: at the segment's beginning.
    pub(crate) async fn find(
        &self,
        base: Offset,
        start: Start,
        offset: Offset,
    ) -> Result<Option<OffsetEntry>, DiskError> {
        match start {
            Start::At(entry) => Ok(Some(entry)),
            Start::Beginning => Ok(None),
            Start::AskFile(entries) => {
                let below = |entry: &OffsetEntry| entry.offset <= offset;
                Ok(index::partition(&self.disk, &self.dir, base, entries, below).await?.1)
            }
        }
    }
}

/// A piece of a segment file, and a place in it.
struct Window<'a, F> {
    file: &'a F,
    /// Bytes of the segment.
    size: u64,
    /// First byte of `bytes` in the file.
    start: u64,
    bytes: Bytes,
    /// The place, within `bytes` or just behind.
    at: usize,
}

impl<'a, F: File> Window<'a, F> {
    async fn open(file: &'a F, start: u64, size: u64, len: usize) -> Result<Window<'a, F>, DiskError> {
        let mut window = Window { file, size, start, bytes: Bytes::new(), at: 0 };
        window.advance(len).await?;
        Ok(window)
    }

    fn position(&self) -> u64 {
        self.start + self.at as u64
    }

    fn at_end(&self) -> bool {
        self.position() >= self.size
    }

    fn rest(&self) -> Bytes {
        self.bytes.slice(self.at.min(self.bytes.len())..)
    }

    fn header(&self) -> Result<BatchHeader, BatchError> {
        BatchHeader::parse(self.bytes.get(self.at..).unwrap_or_default())
    }

    /// Moves the place behind a batch.
    fn skip(&mut self, len: usize) {
        self.at += len;
    }

    /// Reads up to `len` bytes from the place on. False when that gives nothing new.
    async fn advance(&mut self, len: usize) -> Result<bool, DiskError> {
        let had = self.rest().len();
        self.start = self.position();
        self.at = 0;
        let room = self.size.saturating_sub(self.start);
        self.bytes = self.file.read_at(self.start, room.min(len as u64) as usize).await?;
        Ok(self.bytes.len() > had)
    }
}
