//! The data directory, and the crash contract that every line of `log` is written against.
//!
//! # The crash contract
//!
//! * A write is visible to every reader at once and durable only after a successful `sync` of that file. Until
//!   then a crash may keep it, drop it, tear it (by 512-byte sector), reorder it against other writes, or keep
//!   the file's new length without the data (the gap reads as zeros, or as whatever was there before).
//! * `set_len`, creation, `remove_file`, `remove_dir` and `rename` obey the same rule. They are durable only
//!   after `sync` of the file (its data and length) *and* `sync_dir` of the parent (its name). Truncated data
//!   may come back. A rename within one directory is atomic: after a crash either name, never a mixture of the
//!   two files and, if the target existed and both files were synced, never neither.
//! * A kill of the process (not of the machine) loses nothing that was written. A power loss is a crash.
//! * **After a failed `sync` nothing written to that file since its last good one may be trusted**, though it
//!   reads back fine and a second `sync` may succeed. There is no retry on that file: the directory is fenced,
//!   and the recovery of the next start rewrites the suffix to a new file.
//! * **Read back is not durable.** What recovery finds after a kill may live in the page cache only: it counts
//!   as durable once it has been synced in this incarnation.
//! * Reads may return corrupt bytes or an error; writes may hit a full disk, having written any part of what
//!   was asked; any call may take seconds.
//! * Dropping the future of an operation does not undo it: it may have happened, not have happened, or happen
//!   later, while the process lives. Whoever must know awaits it.
//!
//! Paths are relative to the data directory and may not leave it (no `..`, no absolute path: implementations
//! assert). All handles stay usable after their file was renamed or removed, as on Unix.

use bytes::Bytes;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};

/// A directory tree that survives the process. Cheap to clone.
pub trait Disk: Clone + Send + Sync + 'static {
    /// An open file.
    type File: File;
    /// Proof that no other process has the directory open; released when dropped, or when the process dies.
    type Lock: Send + Sync + 'static;

    /// Opens a file. Its parent must exist.
    fn open(&self, path: &Path, mode: OpenMode)
    -> impl Future<Output = Result<Self::File, DiskError>> + Send;

    /// Takes the exclusive lock kept in the file `path`, creating that file when it is missing.
    /// `DiskErrorKind::Locked` when another process holds it.
    fn lock(&self, path: &Path) -> impl Future<Output = Result<Self::Lock, DiskError>> + Send;

    /// Creates a directory. `AlreadyExists` when something has that name. Its parent must exist.
    fn create_dir(&self, path: &Path) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// The entries of a directory, sorted by name. `path` may be empty: the root.
    fn list(&self, path: &Path) -> impl Future<Output = Result<Vec<Entry>, DiskError>> + Send;

    /// Renames a file or directory, replacing a file of the new name.
    fn rename(&self, from: &Path, to: &Path) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Makes the names in a directory durable. `path` may be empty: the root.
    fn sync_dir(&self, path: &Path) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Syncs several files as one round, the cheapest way the platform has. All or nothing: an error means
    /// that every file of the round counts as failed.
    fn sync_many(&self, files: Vec<Self::File>) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Bytes that may still be written, as far as the platform knows: what others write, a quota or a file that gives back
    /// what it held may prove it wrong the next moment.
    fn free(&self) -> impl Future<Output = Result<u64, DiskError>> + Send;
}

/// An open file. Cheap to clone; every clone is the same file.
#[allow(clippy::len_without_is_empty)]
pub trait File: Clone + Send + Sync + 'static {
    /// Writes the parts one after the other from `offset` on, growing the file as needed. On an error any part
    /// of them may have been written.
    fn write_at(&self, offset: u64, parts: Vec<Bytes>) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Reads up to `len` bytes from `offset` on; fewer only where the file ends.
    fn read_at(&self, offset: u64, len: usize) -> impl Future<Output = Result<Bytes, DiskError>> + Send;

    /// The file's length in bytes.
    fn len(&self) -> impl Future<Output = Result<u64, DiskError>> + Send;

    /// Truncates or extends (with zeros).
    fn set_len(&self, len: u64) -> impl Future<Output = Result<(), DiskError>> + Send;

    /// Makes the file's data and length durable. See the crash contract for what a failure means.
    fn sync(&self) -> impl Future<Output = Result<(), DiskError>> + Send;
}

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Reading only. `NotFound` when it is missing.
    Read,
    /// Reading and writing. `NotFound` when it is missing.
    Write,
    /// Reading and writing a file that must not exist yet. `AlreadyExists` otherwise.
    CreateNew,
    /// Reading and writing; created when missing, emptied when not.
    Truncate,
}

/// One name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last component of its path.
    pub name: String,
    /// File or directory.
    pub kind: EntryKind,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file of `len` bytes.
    File {
        /// Length in bytes.
        len: u64,
    },
    /// A directory.
    Dir,
}

/// A disk operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskError {
    /// What went wrong, as far as callers may care.
    pub kind: DiskErrorKind,
    /// The operation, for people: `write`, `sync`.
    pub op: &'static str,
    /// What it was about, relative to the data directory.
    pub path: PathBuf,
    /// The platform's own words.
    pub detail: String,
}

/// The failures that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskErrorKind {
    /// No such file or directory.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// The disk, a quota, or the table of open files is full: there may be room later. No sync fails with this: what
    /// it could not write is lost.
    NoSpace,
    /// Another process holds the lock.
    Locked,
    /// The directory is not empty, or a file was met where a directory should be.
    WrongKind,
    /// Anything else: the device failed, or permission was refused.
    Io,
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.op, self.path.display(), self.detail)
    }
}

impl std::error::Error for DiskError {}
