//! A round of new files: written under other names, synced together, and only then put in the place of old ones.

use crate::checkpoint::past_retrying;
use runtime::{Disk, DiskError};
use std::path::{Path, PathBuf};

/// Files that one round has at the most: so many descriptors does an opening log take at a time. A disk that takes
/// long for a sync takes hardly longer for a few.
const FILES_MAX: usize = 8;

/// Files that are written but neither durable nor in their places.
///
/// Until `finish` returns, a crash may leave any of the places with its old file or the new one, whatever the order
/// in which they came: only what is as good either way belongs in one round.
pub(crate) struct Round<'a, D: Disk> {
    disk: &'a D,
    dir: &'a Path,
    written: Vec<Written<D::File>>,
}

struct Written<F> {
    file: F,
    from: PathBuf,
    to: PathBuf,
}

impl<'a, D: Disk> Round<'a, D> {
    /// Of files in `dir`.
    pub(crate) fn new(disk: &'a D, dir: &'a Path) -> Round<'a, D> {
        Round { disk, dir, written: Vec::new() }
    }

    /// Takes a file that is written whole as `from` and shall take the place `to`.
    pub(crate) async fn add(&mut self, file: D::File, from: PathBuf, to: PathBuf) -> Result<(), DiskError> {
        self.written.push(Written { file, from, to });
        if self.written.len() == FILES_MAX { self.finish().await } else { Ok(()) }
    }

    /// Puts what was added in its places, durably.
    pub(crate) async fn finish(&mut self) -> Result<(), DiskError> {
        let written = std::mem::take(&mut self.written);
        if written.is_empty() {
            return Ok(());
        }
        self.disk
            .sync_many(written.iter().map(|written| written.file.clone()).collect())
            .await
            .map_err(past_retrying)?;
        for Written { from, to, .. } in &written {
            self.disk.rename(from, to).await?;
        }
        self.disk.sync_dir(self.dir).await
    }
}
