//! The data directory: names and locks, all relative to one open directory.

use crate::buffers::Buffers;
use crate::errno::{disk_error, sync_error, uninterrupted};
use crate::file::TokioFile;
use crate::round::{Strategy, dirty_bytes, sync_with};
use crate::threads::done;
use runtime::{Disk, DiskError, Entry, EntryKind, OpenMode};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Handle;

/// The tree below the data directory. Every clone is the same tree.
#[derive(Clone, Debug)]
pub struct TokioDisk {
    /// Opened before anything is written, and never again: [`Strategy::FileSystem`] says why that matters.
    root: Arc<OwnedFd>,
    handle: Handle,
    buffers: Buffers,
}

/// The lock on a data directory: `flock` and a POSIX record lock on the same file.
///
/// `flock` excludes a second Tidemark (or a second opening in this process); Apache Kafka locks its `.lock` by
/// a record lock, so holding one too keeps the two brokers off each other's directories.
#[derive(Debug)]
pub struct TokioLock {
    _fd: OwnedFd,
}

impl TokioDisk {
    pub(crate) fn root_at(data_dir: &Path, handle: Handle) -> io::Result<TokioDisk> {
        create_durably(data_dir)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(data_dir, flags, Mode::empty())?;
        Ok(TokioDisk { root: Arc::new(root), handle, buffers: Buffers::default() })
    }

    /// Syncs `files` by `strategy` in place of the one that measured best. An error is the whole round's: what it
    /// synced besides does not count.
    pub async fn sync_by(&self, strategy: Strategy, files: Vec<TokioFile>) -> Result<(), DiskError> {
        sync_with(strategy, files, &self.root, &self.handle).await
    }

    /// Runs `call` with the root's descriptor on a blocking thread.
    async fn blocking<T: Send + 'static>(
        &self,
        op: &'static str,
        path: &Path,
        call: impl FnOnce(BorrowedFd<'_>, &Path) -> rustix::io::Result<T> + Send + 'static,
    ) -> Result<T, DiskError> {
        let path = inside(path);
        let root = self.root.clone();
        done(
            self.handle.spawn_blocking(move || {
                call(root.as_fd(), &path).map_err(|errno| disk_error(op, &path, errno))
            }),
        )
        .await
    }
}

impl Disk for TokioDisk {
    type File = TokioFile;
    type Lock = TokioLock;

    async fn open(&self, path: &Path, mode: OpenMode) -> Result<TokioFile, DiskError> {
        let flags = match mode {
            OpenMode::Read => OFlags::RDONLY,
            OpenMode::Write => OFlags::RDWR,
            OpenMode::CreateNew => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
            OpenMode::Truncate => OFlags::RDWR | OFlags::CREATE | OFlags::TRUNC,
        };
        let fd = self.blocking("open", path, move |root, path| open_file(root, path, flags)).await?;
        Ok(TokioFile::new(fd, path, self.handle.clone(), self.buffers.clone()))
    }

    async fn lock(&self, path: &Path) -> Result<TokioLock, DiskError> {
        self.blocking("lock", path, |root, path| {
            let fd = open_file(root, path, OFlags::RDWR | OFlags::CREATE)?;
            uninterrupted(|| rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive))?;
            match uninterrupted(|| rustix::fs::fcntl_lock(&fd, FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => Ok(TokioLock { _fd: fd }),
                // POSIX lets a taken record lock be reported either way.
                Err(Errno::ACCESS) => Err(Errno::AGAIN),
                Err(errno) => Err(errno),
            }
        })
        .await
    }

    async fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.blocking("create_dir", path, |root, path| rustix::fs::mkdirat(root, path, Mode::from(0o777)))
            .await
    }

    async fn list(&self, path: &Path) -> Result<Vec<Entry>, DiskError> {
        self.blocking("list", path, list_dir).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        let to = inside(to);
        self.blocking("rename", from, move |root, from| rustix::fs::renameat(root, from, root, &to)).await
    }

    async fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        self.blocking("remove_file", path, |root, path| rustix::fs::unlinkat(root, path, AtFlags::empty()))
            .await
    }

    async fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.blocking("remove_dir", path, |root, path| rustix::fs::unlinkat(root, path, AtFlags::REMOVEDIR))
            .await
    }

    async fn sync_dir(&self, path: &Path) -> Result<(), DiskError> {
        let synced = self.blocking("sync_dir", path, |root, path| {
            let fd = open_dir(root, path)?;
            Ok(uninterrupted(|| rustix::fs::fsync(&fd)).map_err(|errno| sync_error(path, errno)))
        });
        synced.await?
    }

    async fn sync_many(&self, files: Vec<TokioFile>) -> Result<(), DiskError> {
        let strategy = Strategy::for_round(files.len(), dirty_bytes);
        self.sync_by(strategy, files).await
    }

    async fn free(&self) -> Result<u64, DiskError> {
        self.blocking("free", Path::new(""), |root, _| {
            let stat = rustix::fs::fstatvfs(root)?;
            Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
        })
        .await
    }
}

/// `path`, which must name something below the data directory (or, empty, the directory itself).
fn inside(path: &Path) -> PathBuf {
    let leaves = path.components().any(|part| !matches!(part, Component::Normal(_)));
    assert!(!leaves, "{} is not a path inside the data directory", path.display());
    path.to_path_buf()
}

fn open_file(root: BorrowedFd<'_>, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let fd = uninterrupted(|| rustix::fs::openat(root, path, flags | OFlags::CLOEXEC, Mode::from(0o666)))?;
    // Reading a directory's descriptor succeeds at first; the port promises WrongKind here.
    match FileType::from_raw_mode(rustix::fs::fstat(&fd)?.st_mode) {
        FileType::Directory => Err(Errno::ISDIR),
        _ => Ok(fd),
    }
}

fn open_dir(root: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    uninterrupted(|| rustix::fs::openat(root, path, flags, Mode::empty()))
}

/// Files and directories by name; names that are not UTF-8, sockets, pipes and devices are nobody's business here.
fn list_dir(root: BorrowedFd<'_>, path: &Path) -> rustix::io::Result<Vec<Entry>> {
    let fd = open_dir(root, path)?;
    let mut entries = Vec::new();
    for name in Dir::read_from(&fd)? {
        let name = name?;
        let Ok(text) = name.file_name().to_str() else { continue };
        if text == "." || text == ".." {
            continue;
        }
        let stat = match rustix::fs::statat(&fd, name.file_name(), AtFlags::empty()) {
            Ok(stat) => stat,
            // Removed since the directory was read, or a link to nowhere.
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(errno),
        };
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File { len: u64::try_from(stat.st_size).unwrap_or(0) },
            FileType::Directory => EntryKind::Dir,
            _ => continue,
        };
        entries.push(Entry { name: text.to_string(), kind });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Creates a directory and its missing parents, and syncs the name of each into its own parent.
fn create_durably(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_durably(parent)?;
    match std::fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    std::fs::File::open(parent)?.sync_all()
}

#[cfg(test)]
#[path = "disk_test.rs"]
mod tests;
