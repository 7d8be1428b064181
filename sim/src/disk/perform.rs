//! Operations at the moment when they take effect, and the faults that they meet there.

use super::SECTOR_BYTES;
use super::file::Change;
use super::knobs::DiskOp;
use super::names::Inode;
use super::state::Outcome;
use super::tree::{Refusal, Tree};
use crate::random::Stream;
use crate::runtime::{NodeId, State};
use crate::trace::What;
use ::runtime::{DiskError, DiskErrorKind, Entry, OpenMode};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of a hundred failed syncs so many report a full disk, in parts per million.
const FULL_AT_SYNC_PPM: u32 = 200_000;

/// An open file: keeps it, whatever happens to its name.
#[derive(Clone)]
pub(super) struct FileRef {
    pub(super) inode: Inode,
    pub(super) path: Arc<Path>,
    _open: Arc<()>,
}

/// What is asked of a disk.
#[derive(Clone)]
pub(super) enum Work {
    Read {
        file: FileRef,
        offset: u64,
        len: usize,
    },
    Write {
        file: FileRef,
        offset: u64,
        parts: Vec<Bytes>,
        most: u64,
    },
    SetLen {
        file: FileRef,
        len: u64,
    },
    Len {
        file: FileRef,
    },
    Free,
    /// `below`: per file, the changes that the sync covers (`begin` fills it in).
    Sync {
        files: Vec<FileRef>,
        below: Vec<u64>,
    },
    SyncDir {
        path: PathBuf,
        below: Option<(Inode, u64)>,
    },
    Open {
        path: PathBuf,
        mode: OpenMode,
    },
    Lock {
        path: PathBuf,
    },
    CreateDir {
        path: PathBuf,
    },
    List {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    RemoveFile {
        path: PathBuf,
    },
    RemoveDir {
        path: PathBuf,
    },
}

/// What came of it.
pub(super) enum Done {
    Nothing,
    Data(Bytes),
    Len(u64),
    Free(u64),
    File(FileRef),
    Lock { inode: Inode, number: u64 },
    Entries(Vec<Entry>),
}

impl Work {
    pub(super) fn op(&self) -> DiskOp {
        match self {
            Work::Read { .. } => DiskOp::Read,
            Work::Write { .. } | Work::SetLen { .. } => DiskOp::Write,
            Work::Sync { .. } | Work::SyncDir { .. } => DiskOp::Sync,
            _ => DiskOp::Name,
        }
    }

    pub(super) fn files(&self) -> usize {
        if let Work::Sync { files, .. } = self { files.len() } else { 0 }
    }

    /// The operation starts: a sync covers what was written before this moment.
    pub(super) fn begin(&mut self, tree: &mut Tree) {
        match self {
            Work::Sync { files, below } => {
                *below = files.iter().map(|file| tree.file(file.inode).next_change()).collect();
            }
            Work::SyncDir { path, below } => {
                *below = tree.find_dir(path).ok().map(|inode| (inode, tree.dir(inode).next_change()));
            }
            _ => {}
        }
    }

    /// What is left of it when its process dies halfway: a write may stop anywhere.
    pub(super) fn interrupted(mut self, draws: &mut Stream) -> Work {
        if let Work::Write { most, .. } = &mut self
            && draws.chance(500_000)
        {
            *most = draws.between(0, *most);
        }
        self
    }

    /// Whether it creates what is not there.
    fn names_something_new(&self, tree: &Tree) -> bool {
        match self {
            Work::Open { path, mode: OpenMode::CreateNew | OpenMode::Truncate }
            | Work::Lock { path }
            | Work::CreateDir { path } => tree.find(path).is_err(),
            _ => false,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Work::Read { .. } => "read",
            Work::Write { .. } => "write",
            Work::SetLen { .. } => "set_len",
            Work::Len { .. } => "len",
            Work::Free => "free",
            Work::Sync { .. } => "sync",
            Work::SyncDir { .. } => "sync_dir",
            Work::Open { .. } => "open",
            Work::Lock { .. } => "lock",
            Work::CreateDir { .. } => "create_dir",
            Work::List { .. } => "list",
            Work::Rename { .. } => "rename",
            Work::RemoveFile { .. } => "remove_file",
            Work::RemoveDir { .. } => "remove_dir",
        }
    }

    fn paths(&self) -> Vec<&Path> {
        match self {
            Work::Read { file, .. } | Work::Write { file, .. } => vec![&file.path],
            Work::SetLen { file, .. } | Work::Len { file } => vec![&file.path],
            Work::Sync { files, .. } => files.iter().map(|file| &*file.path).collect(),
            Work::SyncDir { path, .. } | Work::Open { path, .. } | Work::Lock { path } => vec![path],
            Work::CreateDir { path } | Work::List { path } => vec![path],
            Work::RemoveFile { path } | Work::RemoveDir { path } => vec![path],
            Work::Rename { from, to } => vec![from, to],
            Work::Free => Vec::new(),
        }
    }

    fn error(&self, kind: DiskErrorKind, detail: &str) -> DiskError {
        let path = self.paths().first().map(|path| path.to_path_buf()).unwrap_or_default();
        DiskError { kind, op: self.name(), path, detail: detail.to_owned() }
    }
}

impl State {
    /// Carries an operation out, now.
    pub(super) fn disk_perform(&mut self, node: NodeId, work: Work) -> Outcome {
        let now = self.agenda.now();
        self.roll.mix(now);
        self.roll.mix(u64::from(node.0) << 8 ^ work.op() as u64);
        let fails = self.disk_fails(node, &work);
        let disk = &mut self.machine_mut(node).disk;
        let io = |work: &Work| Err(work.error(DiskErrorKind::Io, "injected input/output error"));
        match &work {
            Work::Read { .. } | Work::Len { .. } if fails => io(&work),
            Work::Read { file, offset, len } => {
                Ok(Done::Data(disk.tree.file(file.inode).live.read(*offset, *len as u64)))
            }
            Work::Len { file } => Ok(Done::Len(disk.tree.file(file.inode).live.len())),
            Work::Free => Ok(Done::Free(disk.free().unwrap_or(u64::MAX))),
            Work::Write { file, offset, parts, most } => {
                let mut most = *most;
                let mut result = Ok(Done::Nothing);
                if fails {
                    most = disk.faults.between(0, most);
                    result = io(&work);
                }
                if let Some(room) = disk.room(file.inode, *offset)
                    && room < most
                {
                    most = disk.faults.between(0, room);
                    result = Err(work.error(DiskErrorKind::NoSpace, "no space left on device"));
                }
                let dirty_bytes = disk.knobs.dirty_bytes;
                disk.tree.file(file.inode).write(*offset, parts.clone(), most, dirty_bytes);
                result
            }
            Work::SetLen { .. } if fails => io(&work),
            Work::SetLen { file, len } => {
                disk.tree.file(file.inode).set_len(*len);
                Ok(Done::Nothing)
            }
            Work::Sync { files, .. } if fails => {
                for file in files {
                    disk.tree.file(file.inode).sync_failed();
                }
                // Where blocks are given out late, a full disk shows no earlier than here. The writes are lost as ever.
                if disk.faults.chance(FULL_AT_SYNC_PPM) {
                    return Err(work.error(DiskErrorKind::NoSpace, "no space left on device"));
                }
                io(&work)
            }
            Work::Sync { .. } | Work::SyncDir { .. } if !fails && disk.knobs.lies => Ok(Done::Nothing),
            Work::Sync { files, below } => {
                for (file, below) in files.iter().zip(below) {
                    self.disk_sync_file(node, file, *below);
                }
                Ok(Done::Nothing)
            }
            _ if fails => io(&work),
            _ => self.disk_names(node, &work).map_err(|(kind, detail)| work.error(kind, detail)),
        }
    }

    fn disk_names(&mut self, node: NodeId, work: &Work) -> Result<Done, Refusal> {
        let disk = &mut self.machine_mut(node).disk;
        if work.names_something_new(&disk.tree) && disk.is_out_of_names() {
            return Err((DiskErrorKind::NoSpace, "no space left on device"));
        }
        let tree = &mut disk.tree;
        match work {
            Work::Open { path, mode } => {
                let inode = match mode {
                    OpenMode::Read | OpenMode::Write => tree.find_file(path)?,
                    OpenMode::CreateNew => tree.create_file(path)?,
                    OpenMode::Truncate => match tree.find_file(path) {
                        Err((DiskErrorKind::NotFound, _)) => tree.create_file(path)?,
                        found => found?,
                    },
                };
                let file = tree.file(inode);
                if *mode == OpenMode::Truncate {
                    file.set_len(0);
                }
                let open = file.handles.clone();
                return Ok(Done::File(FileRef { inode, path: path.as_path().into(), _open: open }));
            }
            Work::Lock { path } => {
                let inode = match tree.find_file(path) {
                    Err((DiskErrorKind::NotFound, _)) => tree.create_file(path)?,
                    found => found?,
                };
                if disk.locks.contains_key(&inode) {
                    return Err((DiskErrorKind::Locked, "another process holds the lock"));
                }
                let number = disk.next_lock;
                disk.next_lock += 1;
                disk.locks.insert(inode, number);
                return Ok(Done::Lock { inode, number });
            }
            Work::SyncDir { path, below } => {
                // The directory may have been moved or removed since the sync began; the sync was of the directory.
                let (inode, below) = match below {
                    Some(covered) => *covered,
                    None => (tree.find_dir(path)?, 0),
                };
                if tree.is_dir(inode) {
                    let tight = disk.knobs.capacity_bytes > 0;
                    tree.dir_synced(inode, below, tight);
                }
            }
            Work::List { path } => return Ok(Done::Entries(tree.list(path)?)),
            Work::CreateDir { path } => {
                tree.create_dir(path)?;
            }
            Work::Rename { from, to } => tree.rename(from, to)?,
            Work::RemoveFile { path } => tree.remove_file(path)?,
            Work::RemoveDir { path } => tree.remove_dir(path)?,
            _ => unreachable!("not about names"),
        }
        Ok(Done::Nothing)
    }

    /// Whether the operation meets an injected failure.
    fn disk_fails(&mut self, node: NodeId, work: &Work) -> bool {
        let disk = &mut self.machine_mut(node).disk;
        let op = work.op();
        let wanted = disk.failures.iter().position(|next| {
            let contains = |path: &&Path| path.to_string_lossy().contains(&next.path_contains);
            next.op == op && work.paths().iter().any(contains)
        });
        if let Some(place) = wanted {
            disk.failures.remove(place);
            return true;
        }
        let ppm = match op {
            DiskOp::Read => disk.knobs.read_error_ppm,
            DiskOp::Write => disk.knobs.write_error_ppm,
            DiskOp::Sync => disk.knobs.sync_error_ppm,
            DiskOp::Name => 0,
        };
        disk.faults.chance(ppm)
    }

    /// A sync reaches the device, which may put one of the sectors in the wrong place.
    fn disk_sync_file(&mut self, node: NodeId, file: &FileRef, below: u64) {
        let disk = &mut self.machine_mut(node).disk;
        let node_file = disk.tree.file(file.inode);
        let written =
            node_file.dirty.iter().filter(|dirty| !dirty.doomed).find_map(|dirty| match dirty.change {
                Change::Write { offset, .. } => Some(offset / SECTOR_BYTES * SECTOR_BYTES),
                Change::SetLen { .. } => None,
            });
        let (Some(at), true) = (written, disk.misdirect) else {
            node_file.synced(below, &mut disk.faults);
            return;
        };
        disk.misdirect = false;
        let before = node_file.durable.read(at, SECTOR_BYTES);
        node_file.synced(below, &mut disk.faults);
        let data = node_file.durable.read(at, SECTOR_BYTES);
        let mut hole = before.to_vec();
        hole.resize(data.len(), 0);
        node_file.durable.write(at, &hole);
        let victim = disk.tree.random_sector(&mut disk.faults);
        if let Some((inode, sector)) = victim {
            let victim = disk.tree.file(inode);
            let room = (victim.durable.len() - sector).min(data.len() as u64);
            victim.durable.write(sector, &data[..room as usize]);
            // Whether readers still find the old bytes in the page cache is a matter of luck.
            if disk.faults.chance(500_000) {
                let room = victim.live.len().saturating_sub(sector).min(room);
                victim.live.write(sector, &data[..room as usize]);
            }
        }
        let path = file.path.display();
        self.record(node, What::Note(format!("misdirected write of {path} at {at}")));
    }
}
