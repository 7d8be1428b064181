//! One open file: what runs on a worker and what never does.

use crate::buffers::{Buffers, Lent};
use crate::errno::{disk_error, sync_error, uninterrupted};
use crate::threads::done;
use bytes::Bytes;
use runtime::{DiskError, File};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, ReadWriteFlags};
use std::io::{IoSlice, IoSliceMut};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;

/// Operations on at most so many bytes of page cache run on the worker that asks; larger ones go to the pool.
///
/// Handing an append to a blocking thread and back costs 20 to 30 µs of latency and as much processor time.
/// Microseconds per append, median (99th percentile), on ext4 with two cores (`cargo xtask bench inline-write`):
///
/// ```text
///            on the worker      through the pool
///   1 KiB      0.9   (5.4)       22    (68)
///  64 KiB       16    (25)       57    (96)
/// 256 KiB       53    (82)       95   (140)
///   1 MiB      180   (250)      260  (2500)
///   4 MiB      700  (1000)      900 (10000)
/// ```
///
/// So the worker always wins; the bound keeps one task from holding it for milliseconds.
const INLINE_BYTES_MAX: usize = 1 << 20;

/// Reads of at most so many bytes are tried on the worker that asks. A consumer's usual megabyte per partition
/// comes with what is read ahead of it to find its first batch.
const INLINE_READ_BYTES_MAX: usize = 2 << 20;

/// Parts per `pwritev`: the kernel's UIO_MAXIOV.
const PARTS_MAX: usize = 1024;

/// A file of the data directory. Every clone is the same open file.
#[derive(Clone, Debug)]
pub struct TokioFile {
    open: Arc<Open>,
}

#[derive(Debug)]
struct Open {
    fd: OwnedFd,
    path: PathBuf,
    handle: Handle,
    buffers: Buffers,
}

impl Drop for Open {
    /// Closing a removed file frees its blocks, which takes a large segment tens of milliseconds: not here.
    fn drop(&mut self) {
        let removed = rustix::fs::fstat(&self.fd).is_ok_and(|stat| stat.st_nlink == 0);
        if removed && let Ok(last) = rustix::io::fcntl_dupfd_cloexec(&self.fd, 0) {
            drop(self.handle.spawn_blocking(move || drop(last)));
        }
    }
}

impl TokioFile {
    pub(crate) fn new(fd: OwnedFd, path: &Path, handle: Handle, buffers: Buffers) -> TokioFile {
        TokioFile { open: Arc::new(Open { fd, path: path.to_path_buf(), handle, buffers }) }
    }

    /// Runs `call` on a blocking thread.
    async fn blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Open) -> Result<T, DiskError> + Send + 'static,
    ) -> Result<T, DiskError> {
        let open = self.open.clone();
        done(self.open.handle.spawn_blocking(move || call(&open))).await
    }

    /// Syncs on the calling thread.
    pub(crate) fn sync_here(&self) -> Result<(), DiskError> {
        self.open.sync()
    }

    /// The device that the file is on.
    pub(crate) fn device(&self) -> Result<u64, DiskError> {
        let stat = rustix::fs::fstat(&self.open.fd).map_err(|errno| self.open.error("stat", errno))?;
        Ok(stat.st_dev)
    }
}

impl File for TokioFile {
    async fn write_at(&self, offset: u64, parts: Vec<Bytes>) -> Result<(), DiskError> {
        let bytes: usize = parts.iter().map(Bytes::len).sum();
        if bytes <= INLINE_BYTES_MAX {
            return self.open.write(offset, &parts);
        }
        self.blocking(move |open| open.write(offset, &parts)).await
    }

    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, DiskError> {
        if len > INLINE_READ_BYTES_MAX {
            return self
                .blocking(move |open| open.read_on(offset, open.buffers.lend(open.bounded(offset, len)?), 0))
                .await;
        }
        match self.open.read_cached(offset, len)? {
            Cached::Whole(bytes) => Ok(bytes),
            Cached::Part(lent, got) => self.blocking(move |open| open.read_on(offset, lent, got)).await,
        }
    }

    async fn len(&self) -> Result<u64, DiskError> {
        self.open.len()
    }

    async fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.blocking(move |open| {
            uninterrupted(|| rustix::fs::ftruncate(&open.fd, len))
                .map_err(|errno| open.error("set_len", errno))
        })
        .await
    }

    async fn sync(&self) -> Result<(), DiskError> {
        self.blocking(Open::sync).await
    }
}

/// What the page cache had of a read.
enum Cached {
    /// All of it, up to where the file ends.
    Whole(Bytes),
    /// The first so many bytes; the rest needs the device.
    Part(Lent, usize),
}

impl Open {
    fn error(&self, op: &'static str, errno: Errno) -> DiskError {
        disk_error(op, &self.path, errno)
    }

    fn len(&self) -> Result<u64, DiskError> {
        let stat = rustix::fs::fstat(&self.fd).map_err(|errno| self.error("len", errno))?;
        Ok(u64::try_from(stat.st_size).expect("a file's length is not negative"))
    }

    /// Data and length: `fdatasync` flushes the inode too when its size changed, either way.
    fn sync(&self) -> Result<(), DiskError> {
        uninterrupted(|| rustix::fs::fdatasync(&self.fd)).map_err(|errno| sync_error(&self.path, errno))
    }

    fn write(&self, offset: u64, parts: &[Bytes]) -> Result<(), DiskError> {
        let mut slices: Vec<IoSlice<'_>> =
            parts.iter().filter(|part| !part.is_empty()).map(|part| IoSlice::new(part)).collect();
        let mut rest = &mut slices[..];
        let mut at = offset;
        while !rest.is_empty() {
            let round = &rest[..rest.len().min(PARTS_MAX)];
            let written = uninterrupted(|| rustix::io::pwritev(self.fd.as_fd(), round, at))
                .map_err(|errno| self.error("write", errno))?;
            if written == 0 {
                return Err(self.error("write", Errno::IO));
            }
            at += written as u64;
            IoSlice::advance_slices(&mut rest, written);
        }
        Ok(())
    }

    /// Reads what can be had without waiting for the device.
    fn read_cached(&self, offset: u64, len: usize) -> Result<Cached, DiskError> {
        let mut lent = self.buffers.lend(self.bounded(offset, len)?);
        let mut got = 0;
        while got < lent.as_ref().len() {
            let at = offset + got as u64;
            let mut slice = [IoSliceMut::new(&mut lent.as_mut()[got..])];
            let read = uninterrupted(|| {
                rustix::io::preadv2(self.fd.as_fd(), &mut slice, at, ReadWriteFlags::NOWAIT)
            });
            match read {
                Ok(0) => break,
                Ok(read) => got += read,
                // Not in the page cache, or a file system that can't tell.
                Err(Errno::AGAIN | Errno::OPNOTSUPP) => return Ok(Cached::Part(lent, got)),
                Err(errno) => return Err(self.error("read", errno)),
            }
        }
        Ok(Cached::Whole(lent.freeze(got)))
    }

    /// Reads on, after the first `got` bytes of `lent`, until it is full or the file ends.
    fn read_on(&self, offset: u64, mut lent: Lent, mut got: usize) -> Result<Bytes, DiskError> {
        while got < lent.as_ref().len() {
            let at = offset + got as u64;
            let read = uninterrupted(|| rustix::io::pread(&self.fd, &mut lent.as_mut()[got..], at))
                .map_err(|errno| self.error("read", errno))?;
            if read == 0 {
                break;
            }
            got += read;
        }
        Ok(lent.freeze(got))
    }

    /// How much of `len` the file can fill: small reads are taken at their word, large ones are not paid for
    /// before the file has shown its length.
    fn bounded(&self, offset: u64, len: usize) -> Result<usize, DiskError> {
        if len <= 64 << 10 {
            return Ok(len);
        }
        let available = self.len()?.saturating_sub(offset);
        Ok(len.min(usize::try_from(available).unwrap_or(usize::MAX)))
    }
}
