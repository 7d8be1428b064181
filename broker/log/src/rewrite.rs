//! The surgery of recovery: segment files replaced by new, synced ones.
//!
//! ```text
//! before   base.log  [ trusted | suffix | garbage ]
//! after    base.log  [ trusted ]   suffix-base.log  [ suffix ]        something is trusted
//!          base.log  [ suffix ]                                       nothing is
//! ```
//!
//! A new file is written as `.cleaned`, synced, and renamed. Until the rename is durable the old file has all of
//! the bytes; after it, the old file's copy of them is recognised by the next segment's name and cut off. Before
//! it, the old segment loses its indexes, durably: a segment that has both indexes has nothing to be cut off.

use crate::checkpoint::past_retrying;
use crate::names::{self, UNFINISHED, segment_file};
use crate::recovery::Checked;
use crate::round::Round;
use crate::segment::{Indexes, remove_files};
use crate::walk::{Flaw, Step, Walk};
use crate::{LogConfig, OpenError};
use bytes::Bytes;
use model::Offset;
use runtime::{Disk, DiskError, File, OpenMode};
use std::path::{Path, PathBuf};

/// Bytes of one write.
const WRITE_LEN: usize = 1 << 20;

/// A segment that recovery keeps.
pub(crate) struct Kept {
    pub(crate) base: Offset,
    pub(crate) size: u64,
    /// Its indexes, all in memory.
    pub(crate) indexes: Indexes,
}

/// Copies the valid batches above the recovery point to a file of their own and makes it a segment: with the round
/// if it takes the old file's place, at once and durably if it takes over a part of it. The copy is checked once
/// more while it is made: what was read before need not be what is read now.
pub(crate) async fn copy_suffix<D: Disk>(
    disk: &D,
    dir: &Path,
    config: &LogConfig,
    checked: &Checked,
    suffix_base: Offset,
    round: &mut Round<'_, D>,
) -> Result<Kept, OpenError> {
    // Nothing before it: the new file takes the segment's place, and its name.
    let base = if checked.trusted == 0 { checked.base } else { suffix_base };
    let source_path = segment_file(dir, checked.base, names::LOG);
    let source = disk.open(&source_path, OpenMode::Read).await?;
    let unfinished = unfinished(dir, base, names::LOG);
    let target = disk.open(&unfinished, OpenMode::Truncate).await?;

    let mut walk = Walk::new(source, checked.trusted, checked.valid);
    let mut indexes = Indexes::new(base);
    let (mut size, mut pending, mut pending_len) = (0, Vec::new(), 0);
    loop {
        let position = walk.position();
        let damaged = |flaw| OpenError::Damaged { path: source_path.clone(), position, flaw };
        let at = match walk.next().await? {
            Step::Batch(at) => at,
            Step::End => break,
            Step::Flaw(flaw) => return Err(damaged(flaw)),
        };
        let batch = walk.checked(&at).await?.map_err(|error| damaged(Flaw::Batch(error)))?;
        indexes.note(&at.header, size + pending_len as u64, config);
        pending_len += batch.len();
        pending.push(batch);
        if pending_len >= WRITE_LEN {
            target.write_at(size, std::mem::take(&mut pending)).await?;
            size += std::mem::take(&mut pending_len) as u64;
        }
    }
    if pending_len > 0 {
        target.write_at(size, pending).await?;
        size += pending_len as u64;
    }
    assert_eq!(size, checked.valid - checked.trusted, "a copy of another length");
    if checked.trusted > 0 {
        remove_indexes(disk, dir, checked.base).await?;
    }
    round.add(target, unfinished, segment_file(dir, base, names::LOG)).await?;
    if checked.trusted > 0 {
        round.finish().await?;
    }
    Ok(Kept { base, size, indexes })
}

async fn remove_indexes<D: Disk>(disk: &D, dir: &Path, base: Offset) -> Result<(), DiskError> {
    remove_files(disk, dir, base, &[names::OFFSET_INDEX, names::TIME_INDEX]).await?;
    disk.sync_dir(dir).await
}

/// Cuts a segment behind its trusted batches, durably: neither garbage nor a moved suffix comes back.
pub(crate) async fn trim<D: Disk>(disk: &D, dir: &Path, checked: &Checked) -> Result<(), DiskError> {
    let file = disk.open(&segment_file(dir, checked.base, names::LOG), OpenMode::Write).await?;
    file.set_len(checked.trusted).await?;
    file.sync().await.map_err(past_retrying)
}

/// Replaces an index file, with the round.
pub(crate) async fn replace_index<D: Disk>(
    disk: &D,
    dir: &Path,
    base: Offset,
    content: Bytes,
    suffix: &str,
    round: &mut Round<'_, D>,
) -> Result<(), DiskError> {
    let unfinished = unfinished(dir, base, suffix);
    let file = disk.open(&unfinished, OpenMode::Truncate).await?;
    if !content.is_empty() {
        file.write_at(0, vec![content]).await?;
    }
    round.add(file, unfinished, segment_file(dir, base, suffix)).await
}

fn unfinished(dir: &Path, base: Offset, suffix: &str) -> PathBuf {
    segment_file(dir, base, &format!("{suffix}{UNFINISHED}"))
}
