//! The kernel's error numbers as the port's kinds.

use runtime::{DiskError, DiskErrorKind};
use rustix::io::Errno;
use std::path::Path;

/// The port's error for `errno` from the operation `op` on `path` (relative to the data directory).
pub(crate) fn disk_error(op: &'static str, path: &Path, errno: Errno) -> DiskError {
    DiskError { kind: kind(errno), op, path: path.to_path_buf(), detail: errno.to_string() }
}

/// The port's error for a sync of `path` that failed with `errno`. It is never a lack of space: what a sync could not
/// write is lost for whatever reason, and nothing may be tried again on that file.
pub(crate) fn sync_error(path: &Path, errno: Errno) -> DiskError {
    match disk_error("sync", path, errno) {
        error if error.kind == DiskErrorKind::NoSpace => DiskError { kind: DiskErrorKind::Io, ..error },
        error => error,
    }
}

fn kind(errno: Errno) -> DiskErrorKind {
    match errno {
        Errno::NOENT => DiskErrorKind::NotFound,
        Errno::EXIST => DiskErrorKind::AlreadyExists,
        Errno::NOSPC | Errno::DQUOT => DiskErrorKind::NoSpace,
        // Nothing was written, and there may be room again: what a full disk means too.
        Errno::MFILE | Errno::NFILE => DiskErrorKind::NoSpace,
        // Nothing here is opened non-blocking, so only a taken lock says this.
        Errno::AGAIN => DiskErrorKind::Locked,
        Errno::NOTEMPTY | Errno::NOTDIR | Errno::ISDIR => DiskErrorKind::WrongKind,
        _ => DiskErrorKind::Io,
    }
}

/// Repeats a system call until no signal interrupts it.
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

#[cfg(test)]
#[path = "errno_test.rs"]
mod tests;
