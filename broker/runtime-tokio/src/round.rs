//! Syncing many files as one round, by the strategy that measured best for their number.

use crate::file::TokioFile;
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

impl Strategy {
    /// What measured best for a round of `files`.
    pub fn for_files(files: usize) -> Strategy {
        match files {
            0 | 1 => Strategy::InTurn,
            2..=64 => Strategy::AtOnce(16),
            _ => Strategy::FileSystem,
        }
    }
}

/// Syncs `files` by `strategy`. The first error is the round's; the other files are still synced.
pub async fn sync_with(strategy: Strategy, files: Vec<TokioFile>, handle: &Handle) -> Result<(), DiskError> {
    match strategy {
        Strategy::InTurn => at_once(files, 1, handle).await,
        Strategy::AtOnce(threads) => at_once(files, threads, handle).await,
        Strategy::FileSystem => {
            let ran = handle.spawn_blocking(move || file_systems(&files));
            ran.await.expect("the runtime outlives a round")
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
        outcome = outcome.and(share.await.expect("the runtime outlives a round"));
    }
    outcome
}

fn all_of(files: &[TokioFile]) -> Result<(), DiskError> {
    files.iter().fold(Ok(()), |outcome, file| outcome.and(file.sync_here()))
}

fn file_systems(files: &[TokioFile]) -> Result<(), DiskError> {
    let mut devices = BTreeMap::new();
    for file in files {
        devices.entry(file.device()?).or_insert(file);
    }
    devices.values().fold(Ok(()), |outcome, file| outcome.and(file.sync_file_system_here()))
}
