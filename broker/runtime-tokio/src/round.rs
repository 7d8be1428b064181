//! Syncing many files as one round, by the strategy that measured best for their number.

use crate::errno::{disk_error, sync_error, uninterrupted};
use crate::file::TokioFile;
use crate::threads::done;
use runtime::DiskError;
use rustix::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Handle;

/// A way to sync a round of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// `fdatasync` of one file after the other, on one blocking thread.
    InTurn,
    /// `fdatasync` on so many blocking threads at once.
    AtOnce(usize),
    /// `syncfs` of the data directory's file system, and `fdatasync` of what a link has led to another one.
    ///
    /// Since Linux 5.8 it fails when the writeback of any inode has failed; which one is unknown, which is just what a
    /// round's all-or-nothing needs. It also waits for data that others wrote to the same file system.
    ///
    /// Whom the kernel tells of a failure is decided by the descriptor. A file system has one `errseq_t`: the last
    /// error, a counter, and whether anybody has seen it. A descriptor remembers the value from when it was opened,
    /// `syncfs` reports an error if the value has changed since, and remembers the new one: each descriptor is told
    /// of each error once, whoever was told before. But one that is opened after an error that somebody has seen
    /// starts from there, and is never told. A segment opened a moment ago would so miss that older pages of its
    /// neighbour are lost, because a process beside us has called `syncfs` in between. Therefore every round uses one
    /// descriptor, the data directory's, which is opened before anything is written. An error of long ago fails the
    /// first round after it, which is the safe side.
    ///
    /// `fdatasync` goes by a value of each file, kept likewise by its descriptors, which the log keeps open from the
    /// first write to the sync.
    FileSystem,
}

/// From so many files on, `syncfs` saves more than asking the kernel whether it is safe costs.
const FILE_SYSTEM_FROM: usize = 128;

/// Foreign dirty bytes per file of the round at which `syncfs` stops paying: it saves about 20 µs a file, in
/// which this device writes about 16 KiB.
const DIRTY_PER_FILE: u64 = 16 << 10;

impl Strategy {
    /// What measured best for a round of `files` while `dirty_bytes` of the whole machine's page cache wait for
    /// their writeback.
    ///
    /// Milliseconds per round, median, on ext4 without a journal, virtio, two cores, 4 KiB appended to each file
    /// first; in brackets beside somebody who dirties the page cache flat out (`cargo xtask bench sync-many`):
    ///
    /// ```text
    ///  files      in turn   16 at once   64 at once        syncfs
    ///      1   0.19  (0.2)   0.19 (0.2)   0.19 (0.2)   0.20   (0.7)
    ///      8   1.4   (1.7)   0.47 (0.9)   0.47 (0.8)   0.40   (2.2)
    ///     64  10.9  (21)     2.9  (4.8)   2.9  (5.5)   1.6  (220)
    ///    256  48    (57)    11   (18)     9.2 (13)     4.7  (206)
    ///   1000 185   (174)    47   (63)    39   (46)    17.5  (205)
    /// ```
    ///
    /// `syncfs` halves large rounds and ruins them in bad company, so it is taken only where little is dirty.
    pub fn for_round(files: usize, dirty_bytes: impl FnOnce() -> u64) -> Strategy {
        match files {
            0 | 1 => Strategy::InTurn,
            2..FILE_SYSTEM_FROM => Strategy::AtOnce(16),
            _ if dirty_bytes() <= files as u64 * DIRTY_PER_FILE => Strategy::FileSystem,
            _ => Strategy::AtOnce(64),
        }
    }
}

/// How much of the machine's page cache is dirty or being written back. Everything, when the kernel won't say.
pub(crate) fn dirty_bytes() -> u64 {
    std::fs::read_to_string("/proc/meminfo").map_or(u64::MAX, |text| dirty_in(&text))
}

fn dirty_in(meminfo: &str) -> u64 {
    let kibibytes = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    };
    match (kibibytes("Dirty:"), kibibytes("Writeback:")) {
        (Some(dirty), Some(writeback)) => dirty.saturating_add(writeback).saturating_mul(1024),
        _ => u64::MAX,
    }
}

/// Syncs `files` by `strategy`, `root` being the data directory, opened before any of them was written to. An error is
/// the whole round's: what it synced besides does not count.
pub(crate) async fn sync_with(
    strategy: Strategy,
    files: Vec<TokioFile>,
    root: &Arc<OwnedFd>,
    handle: &Handle,
) -> Result<(), DiskError> {
    match strategy {
        Strategy::InTurn => at_once(files, 1, handle).await,
        Strategy::AtOnce(threads) => at_once(files, threads, handle).await,
        Strategy::FileSystem => {
            let root = root.clone();
            done(handle.spawn_blocking(move || file_system(&root, files))).await
        }
    }
}

async fn at_once(files: Vec<TokioFile>, threads: usize, handle: &Handle) -> Result<(), DiskError> {
    let share = files.len().div_ceil(threads.max(1)).max(1);
    let mut running = Vec::with_capacity(threads);
    for share in files.chunks(share) {
        let share = share.to_vec();
        running.push(handle.spawn_blocking(move || all_of(&share)));
    }
    let mut outcome = Ok(());
    for share in running {
        outcome = outcome.and(done(share).await);
    }
    outcome
}

fn all_of(files: &[TokioFile]) -> Result<(), DiskError> {
    files.iter().try_for_each(TokioFile::sync_here)
}

fn file_system(root: &OwnedFd, files: Vec<TokioFile>) -> Result<(), DiskError> {
    let root_path = Path::new("");
    let here = rustix::fs::fstat(root).map_err(|errno| disk_error("stat", root_path, errno))?.st_dev;
    let mut elsewhere = Vec::new();
    for file in files {
        if file.device()? != here {
            elsewhere.push(file);
        }
    }
    uninterrupted(|| rustix::fs::syncfs(root)).map_err(|errno| sync_error(root_path, errno))?;
    all_of(&elsewhere)
}

#[cfg(test)]
#[path = "round_test.rs"]
mod tests;
