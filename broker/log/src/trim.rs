//! Moving a log's start: records that are no longer wanted (DeleteRecords, retention), or that a snapshot stands for
//! (KIP-630).
//!
//! Whoever moves the start writes it into the log-start checkpoint first, durably: a start that somebody was told
//! does not go back in a crash then, whatever has become of the files. Without it a log begins, when it is opened,
//! with its first segment. A segment that the checkpoint has put below the start and a crash has saved is removed by
//! the next trim.

use crate::Log;
use crate::segment::remove_segment;
use model::Offset;
use runtime::{Disk, DiskError};
use std::sync::Arc;

impl<D: Disk> Log<D> {
    /// Moves the log's start up to `to`, which is durable here (and in the log-start checkpoint: see above), and
    /// removes the sealed segments that lie wholly below it. Those are gone, durably, on return. The active segment
    /// stays, whatever is in it: roll first to be rid of it. A start that is there or beyond does not move.
    ///
    /// Slices that are out read what they were planned for, or are told that it is gone. On an error the log is
    /// fenced; the future must be driven to its end.
    pub async fn trim_to(&mut self, to: Offset) -> Result<(), DiskError> {
        if let Some(failure) = self.durability.fence() {
            return Err(failure.clone());
        }
        assert!(to <= self.durable_end().0, "trimmed to {to}, durable up to {}", self.durable_end());
        self.start = self.start.max(to);
        if self.epochs.truncate_from_start(self.start) {
            self.durability.epochs_changed();
        }
        // A segment ends where the next one begins, or before that.
        let next_bases = self.sealed.iter().skip(1).map(|next| next.base).chain([self.active.base]);
        let below = self.sealed.iter().zip(next_bases).take_while(|(_, next_base)| *next_base <= self.start);
        let below = below.count();
        if below > 0 {
            let removed = self.remove_first(below).await;
            removed.inspect_err(|error| self.durability.set_fence(error))?;
            self.sealed = Arc::new(self.sealed[below..].to_vec());
            let first = self.sealed.first().map_or(self.active.base, |segment| segment.base);
            let removed = self.account.remove_before(&self.disk, &self.dir, first).await;
            removed.inspect_err(|error| self.durability.set_fence(error))?;
        }
        self.assert_invariants();
        Ok(())
    }

    /// Removes the first segments. Names are lost and kept in any order, and behind a hole everything would be taken
    /// for damage: so each goes when those before it are gone for good and those behind it are there for good.
    async fn remove_first(&self, count: usize) -> Result<(), DiskError> {
        for segment in &self.sealed[..count] {
            self.disk.sync_dir(&self.dir).await?;
            remove_segment(&self.disk, &self.dir, segment.base).await?;
        }
        self.disk.sync_dir(&self.dir).await
    }
}

#[cfg(test)]
#[path = "trim_test.rs"]
mod tests;
