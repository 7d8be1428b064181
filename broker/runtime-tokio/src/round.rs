//! Syncing many files as one round, by the strategy that measured best for their number.

use crate::file::TokioFile;
use crate::threads::done;
use runtime::DiskError;
use std::collections::BTreeMap;
use tokio::runtime::Handle;

/// A way to sync a round of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// `fdatasync` of one file after the other, on one blocking thread.
    InTurn,
    /// `fdatasync` on so many blocking threads at once.
    AtOnce(usize),
    /// `syncfs` of each file system that the files are on.
    ///
    /// Since Linux 5.8 it fails when the writeback of any inode failed since the descriptor's last report;
    /// which file that was is unknown, which is just what a round's all-or-nothing needs. It also waits for
    /// data that others wrote to the same file system.
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

/// Syncs `files` by `strategy`. An error is the whole round's: what it synced besides does not count.
pub async fn sync_with(strategy: Strategy, files: Vec<TokioFile>, handle: &Handle) -> Result<(), DiskError> {
    match strategy {
        Strategy::InTurn => at_once(files, 1, handle).await,
        Strategy::AtOnce(threads) => at_once(files, threads, handle).await,
        Strategy::FileSystem => done(handle.spawn_blocking(move || file_systems(&files))).await,
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

fn file_systems(files: &[TokioFile]) -> Result<(), DiskError> {
    let mut devices = BTreeMap::new();
    for file in files {
        devices.entry(file.device()?).or_insert(file);
    }
    devices.values().try_for_each(|file| file.sync_file_system_here())
}

#[cfg(test)]
#[path = "round_test.rs"]
mod tests;
