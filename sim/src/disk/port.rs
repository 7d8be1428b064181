//! `runtime::Disk` and `runtime::File` of a simulated process.

use super::call::Call;
use super::names::Inode;
use super::perform::{Done, FileRef, Work};
use crate::runtime::Process;
use ::runtime::{Disk, DiskError, DiskErrorKind, Entry, File, OpenMode};
use bytes::Bytes;
use std::path::Path;

/// The disk of a simulated process's machine.
#[derive(Clone)]
pub struct SimDisk {
    process: Process,
}

/// An open file of a simulated process.
#[derive(Clone)]
pub struct SimFile {
    process: Process,
    file: FileRef,
    writable: bool,
}

/// A held lock. Released when dropped, or when its process dies.
pub struct SimLock {
    process: Process,
    inode: Inode,
    number: u64,
}

impl SimDisk {
    pub(crate) fn new(process: Process) -> SimDisk {
        SimDisk { process }
    }

    async fn nothing(&self, work: Work) -> Result<(), DiskError> {
        Call::new(&self.process, work).await.map(Done::nothing)
    }
}

impl Disk for SimDisk {
    type File = SimFile;
    type Lock = SimLock;

    async fn open(&self, path: &Path, mode: OpenMode) -> Result<SimFile, DiskError> {
        let work = Work::Open { path: path.to_owned(), mode };
        match Call::new(&self.process, work).await? {
            Done::File(file) => {
                Ok(SimFile { process: self.process.clone(), file, writable: mode != OpenMode::Read })
            }
            _ => unreachable!("an open gives a file"),
        }
    }

    async fn lock(&self, path: &Path) -> Result<SimLock, DiskError> {
        match Call::new(&self.process, Work::Lock { path: path.to_owned() }).await? {
            Done::Lock { inode, number } => Ok(SimLock { process: self.process.clone(), inode, number }),
            _ => unreachable!("a lock gives a lock"),
        }
    }

    async fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.nothing(Work::CreateDir { path: path.to_owned() }).await
    }

    async fn list(&self, path: &Path) -> Result<Vec<Entry>, DiskError> {
        match Call::new(&self.process, Work::List { path: path.to_owned() }).await? {
            Done::Entries(entries) => Ok(entries),
            _ => unreachable!("a list gives entries"),
        }
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.nothing(Work::Rename { from: from.to_owned(), to: to.to_owned() }).await
    }

    async fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        self.nothing(Work::RemoveFile { path: path.to_owned() }).await
    }

    async fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.nothing(Work::RemoveDir { path: path.to_owned() }).await
    }

    async fn sync_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.nothing(Work::SyncDir { path: path.to_owned(), below: None }).await
    }

    async fn sync_many(&self, files: Vec<SimFile>) -> Result<(), DiskError> {
        let files = files.into_iter().map(|file| file.file).collect();
        self.nothing(Work::Sync { files, below: Vec::new() }).await
    }

    async fn free(&self) -> Result<u64, DiskError> {
        match Call::new(&self.process, Work::Free).await? {
            Done::Free(bytes) => Ok(bytes),
            _ => unreachable!("free space is told in bytes"),
        }
    }
}

impl SimFile {
    async fn nothing(&self, work: Work) -> Result<(), DiskError> {
        Call::new(&self.process, work).await.map(Done::nothing)
    }

    fn writable(&self, op: &'static str) -> Result<(), DiskError> {
        if self.writable {
            return Ok(());
        }
        let detail = "opened for reading only".to_owned();
        Err(DiskError { kind: DiskErrorKind::Io, op, path: self.file.path.to_path_buf(), detail })
    }
}

impl File for SimFile {
    async fn write_at(&self, offset: u64, parts: Vec<Bytes>) -> Result<(), DiskError> {
        self.writable("write")?;
        let most = parts.iter().map(|part| part.len() as u64).sum();
        self.nothing(Work::Write { file: self.file.clone(), offset, parts, most }).await
    }

    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, DiskError> {
        match Call::new(&self.process, Work::Read { file: self.file.clone(), offset, len }).await? {
            Done::Data(data) => Ok(data),
            _ => unreachable!("a read gives data"),
        }
    }

    async fn len(&self) -> Result<u64, DiskError> {
        match Call::new(&self.process, Work::Len { file: self.file.clone() }).await? {
            Done::Len(len) => Ok(len),
            _ => unreachable!("a length is asked for"),
        }
    }

    async fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.writable("set_len")?;
        self.nothing(Work::SetLen { file: self.file.clone(), len }).await
    }

    async fn sync(&self) -> Result<(), DiskError> {
        self.nothing(Work::Sync { files: vec![self.file.clone()], below: Vec::new() }).await
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.process.shared.lock();
        if state.lives(self.process.node, self.process.incarnation) {
            let locks = &mut state.machine_mut(self.process.node).disk.locks;
            if locks.get(&self.inode) == Some(&self.number) {
                locks.remove(&self.inode);
            }
        }
    }
}
