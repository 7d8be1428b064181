//! Making appended records durable, while appends go on.
//!
//! ```text
//! begin_sync   what is dirty now   ->  SyncTicket    one at a time
//! run          files, then names   ->  SyncDone      no lock on the log is needed
//! finish_sync  SyncDone            ->  DurableEnd
//! fail_sync    DiskError           ->  fenced: no retry, ever
//! ```
//!
//! A ticket covers the active segment, every sealed segment not yet synced, the directory's names when files were
//! created, and the epochs when they changed; a disk without space for those loses the file that holds them. Only one ticket is out at a time: with two, a failure of the first
//! might be papered over by the success of the second.

use crate::Log;
use crate::checkpoint::past_retrying;
use crate::epochs::{self, Epochs};
use bytes::Bytes;
use model::{DurableEnd, LogEnd};
use runtime::{Disk, DiskError, File};
use std::path::Path;
use std::sync::Arc;

/// What has been made durable of one log, and what has not.
pub(crate) struct Durability<D: Disk> {
    end: DurableEnd,
    /// Sealed segments that no finished sync has covered, oldest first. Their indexes were synced when sealed.
    sealed: Vec<D::File>,
    /// Counts files created; names are durable up to `names_synced`.
    names: u64,
    names_synced: u64,
    /// Counts changes of the epochs; the checkpoint holds `epochs_synced`.
    epochs: u64,
    epochs_synced: u64,
    /// Whether there was no space for the checkpoint, and it is missing since. The next ticket tries again.
    epochs_missing: bool,
    /// Counts truncations and fresh starts: a sync that was begun before one proves nothing about what was appended after it.
    truncations: u64,
    /// Whether a ticket is out.
    out: bool,
    /// Why nothing may be written any more.
    fence: Option<DiskError>,
}

impl<D: Disk> Durability<D> {
    /// Of a log that is durable up to `end`, names and epochs included.
    pub(crate) fn new(end: DurableEnd) -> Durability<D> {
        Durability {
            end,
            sealed: Vec::new(),
            names: 0,
            names_synced: 0,
            epochs: 0,
            epochs_synced: 0,
            epochs_missing: false,
            truncations: 0,
            out: false,
            fence: None,
        }
    }

    pub(crate) fn end(&self) -> DurableEnd {
        self.end
    }

    pub(crate) fn fence(&self) -> Option<&DiskError> {
        self.fence.as_ref()
    }

    pub(crate) fn is_fenced(&self) -> bool {
        self.fence.is_some()
    }

    pub(crate) fn assert_idle(&self) {
        assert!(!self.out, "a sync is under way");
    }

    /// Nothing may be written any more, because of this.
    pub(crate) fn set_fence(&mut self, why: &DiskError) {
        self.fence.get_or_insert_with(|| why.clone());
    }

    /// A segment was sealed: it stays dirty until a ticket that names it is done.
    pub(crate) fn segment_sealed(&mut self, file: D::File) {
        self.sealed.push(file);
    }

    /// A file was created.
    pub(crate) fn file_created(&mut self) {
        self.names += 1;
    }

    /// The epochs changed.
    pub(crate) fn epochs_changed(&mut self) {
        self.epochs += 1;
    }

    /// There is no checkpoint of the epochs: its content waits for space.
    pub(crate) fn epochs_missing(&mut self) {
        self.epochs_missing = true;
    }

    /// The log was cut to `end`, durably.
    pub(crate) fn truncated(&mut self, end: LogEnd) {
        self.truncations += 1;
        self.end = self.end.min(DurableEnd(end.0));
    }

    /// The log was replaced by an empty one that ends at `end`, durably but for its epochs.
    pub(crate) fn started_over(&mut self, end: LogEnd) {
        self.truncations += 1;
        self.end = DurableEnd(end.0);
        self.sealed.clear();
        self.epochs_changed();
    }

    /// A missing checkpoint alone is no reason for a sync: on a disk that stays full there would be no end to them.
    fn is_dirty(&self, end: LogEnd) -> bool {
        self.end.0 < end.0
            || !self.sealed.is_empty()
            || self.names_synced < self.names
            || self.epochs_synced < self.epochs
    }

    pub(crate) fn begin(
        &mut self,
        dir: &Arc<Path>,
        end: LogEnd,
        active: &D::File,
        epochs: &Epochs,
    ) -> Option<SyncTicket<D>> {
        if self.out || self.is_fenced() || !self.is_dirty(end) {
            return None;
        }
        self.out = true;
        let mut files = self.sealed.clone();
        files.push(active.clone());
        Some(SyncTicket {
            files,
            names: self.names_synced < self.names,
            epochs: (self.epochs_missing || self.epochs_synced < self.epochs).then(|| epochs.encode()),
            done: SyncDone {
                dir: dir.clone(),
                end,
                sealed: self.sealed.len(),
                names: self.names,
                epochs: self.epochs,
                epochs_missing: None,
                truncations: self.truncations,
            },
        })
    }

    fn finish(&mut self, done: SyncDone) -> DurableEnd {
        assert!(self.out, "a sync ended that was not begun");
        self.out = false;
        // After a truncation the ticket speaks of bytes that are gone; the next one covers everything again.
        if done.truncations == self.truncations && !self.is_fenced() {
            self.end = DurableEnd(done.end.0);
            self.sealed.drain(..done.sealed);
            self.names_synced = done.names;
            self.epochs_synced = done.epochs;
        }
        // Also of a ticket that proves nothing: the file is what it is.
        if let Some(missing) = done.epochs_missing {
            self.epochs_missing = missing;
        }
        self.end
    }
}

/// Files to be synced so that a log is durable up to where it ended when the ticket was drawn.
#[must_use = "nothing becomes durable until the ticket has run and come back"]
pub struct SyncTicket<D: Disk> {
    files: Vec<D::File>,
    /// Whether names in the directory are dirty.
    names: bool,
    /// New content of the epoch checkpoint.
    epochs: Option<Bytes>,
    done: SyncDone,
}

/// Proof that a ticket has run.
#[must_use = "hand it to Log::finish_sync"]
#[derive(Debug)]
pub struct SyncDone {
    dir: Arc<Path>,
    end: LogEnd,
    /// How many sealed segments it covered.
    sealed: usize,
    names: u64,
    epochs: u64,
    /// Whether there is no checkpoint of the epochs, if it was written.
    epochs_missing: Option<bool>,
    truncations: u64,
}

impl<D: Disk> SyncTicket<D> {
    /// The files, at least one.
    pub fn files(&self) -> &[D::File] {
        &self.files
    }

    /// Where the log ended when the ticket was drawn.
    pub fn end(&self) -> LogEnd {
        self.done.end
    }

    /// Syncs. After an error the log must be told ([`Log::fail_sync`]) and its directory fenced.
    pub async fn run(self, disk: &D) -> Result<SyncDone, DiskError> {
        let mut done = sync_round(disk, vec![self]).await?;
        Ok(done.pop().expect("as many as tickets"))
    }
}

/// Runs the tickets of many logs as one round. An error means that every one of them failed.
pub async fn sync_round<D: Disk>(disk: &D, tickets: Vec<SyncTicket<D>>) -> Result<Vec<SyncDone>, DiskError> {
    let files: Vec<D::File> = tickets.iter().flat_map(|ticket| ticket.files.iter().cloned()).collect();
    match &files[..] {
        [] => {}
        [file] => file.sync().await.map_err(past_retrying)?,
        _ => disk.sync_many(files).await.map_err(past_retrying)?,
    }
    let mut round = Vec::with_capacity(tickets.len());
    for mut ticket in tickets {
        if ticket.names {
            disk.sync_dir(&ticket.done.dir).await.map_err(past_retrying)?;
        }
        if let Some(content) = ticket.epochs {
            let stored = epochs::store(disk, &ticket.done.dir, content).await?;
            ticket.done.epochs_missing = Some(!stored);
        }
        round.push(ticket.done);
    }
    Ok(round)
}

impl<D: Disk> Log<D> {
    /// Takes back a ticket that has run. Returns the new durable end.
    pub fn finish_sync(&mut self, done: SyncDone) -> DurableEnd {
        assert_eq!(done.dir, self.dir, "the ticket of another log");
        let end = self.durability.finish(done);
        self.assert_invariants();
        end
    }

    /// A ticket of this log failed: nothing written since the last good one may be trusted, though it reads back
    /// fine. The log is fenced; so must be its directory.
    pub fn fail_sync(&mut self, error: &DiskError) {
        self.durability.set_fence(error);
    }
}
