//! A segment's sparse index: fixed-size entries in ascending order, in a file of nothing else.
//!
//! The index of the active segment grows in memory and is written out in large pieces and when the segment is
//! closed; of all other segments nothing is kept in memory, and a lookup reads what it needs. Indexes are hints:
//! whoever follows an entry checks what is found there, and recovery rebuilds them from the batches.

use bytes::Bytes;
use model::Offset;
use runtime::{Disk, DiskError, DiskErrorKind, File, OpenMode};
use std::path::Path;

/// Entries of one read when searching a file.
const BLOCK_ENTRIES: u32 = 512;

/// An entry of an index. `key` strictly ascends within a file.
pub(crate) trait IndexEntry: Copy + Send + Sync + 'static {
    /// Bytes of an entry.
    const LEN: usize;
    /// What the index's file name ends with.
    const SUFFIX: &'static str;

    /// Appends the stored form to `out`. `base` is the segment's base offset.
    fn encode(&self, base: Offset, out: &mut Vec<u8>);

    /// Reads the stored form, which is exactly `LEN` bytes. Any bytes are an entry.
    fn decode(base: Offset, bytes: &[u8]) -> Self;
}

/// The index of a segment that is being written.
#[derive(Clone, Debug)]
pub(crate) struct Index<E> {
    base: Offset,
    /// Entries at the beginning of the file.
    persisted: u32,
    /// Entries behind those, in memory only.
    tail: Vec<E>,
    /// The last of all.
    last: Option<E>,
}

impl<E: IndexEntry> Index<E> {
    /// The index of a new segment.
    pub(crate) fn new(base: Offset) -> Index<E> {
        Index { base, persisted: 0, tail: Vec::new(), last: None }
    }

    /// An index whose file begins with `persisted` entries, the last of them `last`.
    pub(crate) fn on_file(base: Offset, persisted: u32, last: Option<E>) -> Index<E> {
        assert_eq!(persisted == 0, last.is_none(), "{persisted} entries without a last one, or the reverse");
        Index { base, persisted, tail: Vec::new(), last }
    }

    /// All entries there are.
    pub(crate) fn entries(&self) -> u32 {
        self.persisted + self.tail.len() as u32
    }

    /// How many of them are in the file.
    pub(crate) fn persisted(&self) -> u32 {
        self.persisted
    }

    /// The last entry.
    pub(crate) fn last(&self) -> Option<E> {
        self.last
    }

    /// Entries that are not in the file.
    pub(crate) fn tail(&self) -> &[E] {
        &self.tail
    }

    /// Adds an entry behind the last one; the caller knows that it belongs there.
    pub(crate) fn push(&mut self, entry: E) {
        self.tail.push(entry);
        self.last = Some(entry);
    }

    /// Writes the tail to the file and forgets it. With `exact` the file is cut to the entries it should have.
    /// On an error nothing is forgotten, and the next call writes the same bytes to the same place. Returns a
    /// handle to the file for a sync, and whether the file is a new one.
    pub(crate) async fn write_out<D: Disk>(
        &mut self,
        disk: &D,
        dir: &Path,
        exact: bool,
    ) -> Result<D::File, DiskError> {
        let path = crate::names::segment_file(dir, self.base, E::SUFFIX);
        // A file whose entries nobody counts is a stranger's or stale.
        let mode = if self.persisted == 0 { OpenMode::Truncate } else { OpenMode::Write };
        let file = disk.open(&path, mode).await?;
        let end = u64::from(self.persisted) * E::LEN as u64;
        if !self.tail.is_empty() {
            file.write_at(end, vec![encode_all(self.base, &self.tail)]).await?;
        }
        if exact {
            file.set_len(end + (self.tail.len() * E::LEN) as u64).await?;
        }
        self.persisted += self.tail.len() as u32;
        self.tail.clear();
        Ok(file)
    }
}

/// The content of an index file.
pub(crate) fn encode_all<E: IndexEntry>(base: Offset, entries: &[E]) -> Bytes {
    let mut out = Vec::with_capacity(entries.len() * E::LEN);
    for entry in entries {
        entry.encode(base, &mut out);
    }
    Bytes::from(out)
}

/// Of the first `entries` entries of a file: how many satisfy `below`, which is true for the first ones only, and
/// the last that does. A missing or shorter file is an index without entries.
pub(crate) async fn partition<D: Disk, E: IndexEntry>(
    disk: &D,
    dir: &Path,
    base: Offset,
    entries: u32,
    below: impl Fn(&E) -> bool + Send,
) -> Result<(u32, Option<E>), DiskError> {
    if entries == 0 {
        return Ok((0, None));
    }
    let path = crate::names::segment_file(dir, base, E::SUFFIX);
    let file = match disk.open(&path, OpenMode::Read).await {
        Ok(file) => file,
        Err(error) if error.kind == DiskErrorKind::NotFound => return Ok((0, None)),
        Err(error) => return Err(error),
    };
    // Entries before `low` satisfy, entries from `high` on don't.
    let (mut low, mut high) = (0, entries);
    while high - low > BLOCK_ENTRIES {
        let middle = low + (high - low) / 2;
        let bytes = file.read_at(u64::from(middle) * E::LEN as u64, E::LEN).await?;
        if bytes.len() < E::LEN {
            return Ok((0, None));
        }
        if below(&E::decode(base, &bytes)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let first = low.saturating_sub(1);
    let len = (high - first) as usize * E::LEN;
    let bytes = file.read_at(u64::from(first) * E::LEN as u64, len).await?;
    if bytes.len() < len {
        return Ok((0, None));
    }
    let block: Vec<E> = bytes.chunks_exact(E::LEN).map(|entry| E::decode(base, entry)).collect();
    let within = block.partition_point(below);
    let last = within.checked_sub(1).map(|index| block[index]);
    Ok((first + within as u32, last))
}

/// The last of the first `entries` entries of a file; `None` when the file is missing or shorter.
pub(crate) async fn last_on_file<D: Disk, E: IndexEntry>(
    disk: &D,
    dir: &Path,
    base: Offset,
    entries: u32,
) -> Result<Option<E>, DiskError> {
    let Some(last) = entries.checked_sub(1) else { return Ok(None) };
    let path = crate::names::segment_file(dir, base, E::SUFFIX);
    let file = match disk.open(&path, OpenMode::Read).await {
        Ok(file) => file,
        Err(error) if error.kind == DiskErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let bytes = file.read_at(u64::from(last) * E::LEN as u64, E::LEN).await?;
    Ok((bytes.len() == E::LEN).then(|| E::decode(base, &bytes)))
}
