//! A disk in memory that keeps the crash contract and nothing more: what it need not keep, a crash takes.
//!
//! `power_loss` draws from a seed which unsynced writes, lengths and names survive; writes are torn by sector. A
//! kill is dropping the log: the disk stays. `stop_after` hangs every operation from the n-th on, so that a crash
//! can be put anywhere. Files whose sync failed keep showing what was lost.
#![allow(clippy::disallowed_types, reason = "the state that all handles of a disk share")]

use bytes::{Bytes, BytesMut};
use runtime::{Disk, DiskError, DiskErrorKind, Entry, EntryKind, File, OpenMode};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

const SECTOR: usize = 512;

/// Runs a future whose disk is in memory; `None` when it hangs, which is what a crash looks like from inside.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Runs a future that can't hang.
pub(crate) fn finish<T>(future: impl Future<Output = T>) -> T {
    run(future).expect("nothing on this disk hangs")
}

/// Draws: the same seed, the same faults.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}

#[derive(Clone)]
enum Change {
    Write(usize, Bytes),
    SetLen(usize),
}

#[derive(Clone, Default)]
struct Inode {
    visible: Vec<u8>,
    durable: Vec<u8>,
    /// Changes since the last sync, good or failed.
    dirty: Vec<Change>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    Dir,
    File(u64),
}

type Names = BTreeMap<PathBuf, Node>;

#[derive(Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    next_inode: u64,
    visible: Names,
    durable: Names,
    /// Changes of names since the last `sync_dir` of their parent; each happens as a whole.
    dirty_names: Vec<Vec<(PathBuf, Option<Node>)>>,
    locked: BTreeSet<PathBuf>,
    /// Operations until everything hangs.
    stop_after: Option<u64>,
    /// Bytes that may still be written.
    space: Option<u64>,
    /// Files that may yet be created.
    names: Option<u64>,
    fail_syncs: u64,
    fail_writes: u64,
    fail_removals: u64,
    operations: u64,
    sync_rounds: u64,
    bytes_read: u64,
}

#[derive(Clone, Default)]
pub(crate) struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone)]
pub(crate) struct MemoryFile {
    disk: MemoryDisk,
    inode: u64,
}

pub(crate) struct MemoryLock(MemoryDisk, PathBuf);

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.0.state().locked.remove(&self.1);
    }
}

fn error(kind: DiskErrorKind, op: &'static str, path: &Path) -> DiskError {
    DiskError { kind, op, path: path.to_owned(), detail: format!("{kind:?}") }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn apply(data: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(at, bytes) => {
            if data.len() < at + bytes.len() {
                data.resize(at + bytes.len(), 0);
            }
            data[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        Change::SetLen(len) => data.resize(*len, 0),
    }
}

/// A crash's way with one unsynced change.
fn survive(data: &mut Vec<u8>, change: &Change, draws: &mut Draws) {
    match (change, draws.below(5)) {
        (_, 0) => {}
        (Change::Write(at, bytes), 1) => {
            // The length without the data.
            if data.len() < at + bytes.len() {
                data.resize(at + bytes.len(), 0);
            }
        }
        (Change::Write(at, bytes), 2) => {
            let mut within = 0;
            while within < bytes.len() {
                let sector_end = ((at + within) / SECTOR + 1) * SECTOR - at;
                let end = sector_end.min(bytes.len());
                if draws.below(2) == 0 {
                    apply(data, &Change::Write(at + within, bytes.slice(within..end)));
                }
                within = end;
            }
        }
        (change, _) => apply(data, change),
    }
}

impl State {
    fn set_names(&mut self, change: Vec<(PathBuf, Option<Node>)>) {
        apply_names(&mut self.visible, &change);
        self.dirty_names.push(change);
    }

    fn file(&self, path: &Path) -> Option<u64> {
        match self.visible.get(path) {
            Some(Node::File(inode)) => Some(*inode),
            _ => None,
        }
    }

    fn has_dir(&self, path: &Path) -> bool {
        path == Path::new("") || self.visible.get(path) == Some(&Node::Dir)
    }

    fn sync(&mut self, inode: u64) -> bool {
        let fails = self.fail_syncs > 0;
        self.fail_syncs = self.fail_syncs.saturating_sub(1);
        let inode = self.inodes.get_mut(&inode).expect("an inode");
        let dirty = std::mem::take(&mut inode.dirty);
        if !fails {
            dirty.iter().for_each(|change| apply(&mut inode.durable, change));
        }
        // A failed sync forgets what was dirty: it reads back fine and will never be durable.
        !fails
    }

    fn write(&mut self, inode: u64, at: u64, bytes: Bytes) -> Result<(), DiskErrorKind> {
        if self.fail_writes > 0 {
            self.fail_writes -= 1;
            return Err(DiskErrorKind::Io);
        }
        let room = self.space.map_or(bytes.len(), |space| bytes.len().min(space as usize));
        if let Some(space) = &mut self.space {
            *space -= room as u64;
        }
        let full = room < bytes.len();
        let change = Change::Write(at as usize, bytes.slice(..room));
        self.change(inode, change);
        if full { Err(DiskErrorKind::NoSpace) } else { Ok(()) }
    }

    fn change(&mut self, inode: u64, change: Change) {
        let inode = self.inodes.get_mut(&inode).expect("an inode");
        apply(&mut inode.visible, &change);
        inode.dirty.push(change);
    }
}

fn apply_names(names: &mut Names, change: &[(PathBuf, Option<Node>)]) {
    for (path, node) in change {
        match node {
            Some(node) => drop(names.insert(path.clone(), *node)),
            None => drop(names.remove(path)),
        }
    }
}

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked")
    }

    /// Counts an operation; hangs from the chosen one on.
    async fn step(&self) {
        let stopped = {
            let mut state = self.state();
            state.operations += 1;
            match &mut state.stop_after {
                Some(0) => true,
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => false,
            }
        };
        if stopped {
            std::future::poll_fn(|_| match self.state().stop_after {
                Some(0) => Poll::Pending,
                _ => Poll::Ready(()),
            })
            .await;
        }
    }

    /// Cuts the power: of what was not synced, the seed decides what is left. Seed 0 leaves nothing, seed 1 all.
    pub(crate) fn power_loss(&self, seed: u64) {
        let mut state = self.state();
        let state = &mut *state;
        let mut draws = Draws(seed);
        for inode in state.inodes.values_mut() {
            let dirty = std::mem::take(&mut inode.dirty);
            for change in &dirty {
                match seed {
                    0 => {}
                    1 => apply(&mut inode.durable, change),
                    _ => survive(&mut inode.durable, change, &mut draws),
                }
            }
            inode.visible = inode.durable.clone();
        }
        for change in std::mem::take(&mut state.dirty_names) {
            if seed == 1 || (seed > 1 && draws.below(2) == 0) {
                apply_names(&mut state.durable, &change);
            }
        }
        let names = state.durable.clone();
        let rooted = |path: &Path| {
            let above = parent(path);
            above == Path::new("") || names.get(above) == Some(&Node::Dir)
        };
        state.durable.retain(|path, _| rooted(path));
        state.visible = state.durable.clone();
        state.stop_after = None;
        state.space = None;
        state.names = None;
        state.fail_syncs = 0;
        state.fail_writes = 0;
        state.fail_removals = 0;
    }

    /// Hangs every operation after the next `operations`; `None` ends that, and what hangs goes on when it is polled.
    pub(crate) fn stop_after(&self, operations: Option<u64>) {
        self.state().stop_after = operations;
    }

    /// Lets so many bytes be written; `None`: any number. Without any left no file is created either.
    pub(crate) fn set_space(&self, bytes: Option<u64>) {
        self.state().space = bytes;
    }

    /// Lets so many files be created; `None`: any number.
    pub(crate) fn set_names_left(&self, left: Option<u64>) {
        self.state().names = left;
    }

    /// Fails the next syncs.
    pub(crate) fn fail_syncs(&self, count: u64) {
        self.state().fail_syncs = count;
    }

    /// Fails the next writes, not for want of space.
    pub(crate) fn fail_writes(&self, count: u64) {
        self.state().fail_writes = count;
    }

    /// Fails the next removals of files.
    pub(crate) fn fail_removals(&self, count: u64) {
        self.state().fail_removals = count;
    }

    /// Rounds of `sync` and `sync_many` so far.
    pub(crate) fn sync_rounds(&self) -> u64 {
        self.state().sync_rounds
    }

    /// Bytes read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.state().bytes_read
    }

    /// What a file shows.
    pub(crate) fn content(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let state = self.state();
        state.file(path.as_ref()).map(|inode| state.inodes[&inode].visible.clone())
    }

    /// Puts a file there, durably.
    pub(crate) fn put(&self, path: impl AsRef<Path>, content: &[u8]) {
        let mut state = self.state();
        let inode = state.next_inode;
        state.next_inode += 1;
        let data = content.to_vec();
        state.inodes.insert(inode, Inode { visible: data.clone(), durable: data, dirty: Vec::new() });
        for names in [parent(path.as_ref()), path.as_ref()] {
            let node = if names == path.as_ref() { Node::File(inode) } else { Node::Dir };
            if names != Path::new("") {
                state.visible.insert(names.to_owned(), node);
                state.durable.insert(names.to_owned(), node);
            }
        }
    }

    /// The paths there are.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.state().visible.keys().map(|path| path.display().to_string()).collect()
    }
}

impl Disk for MemoryDisk {
    type File = MemoryFile;
    type Lock = MemoryLock;

    async fn open(&self, path: &Path, mode: OpenMode) -> Result<MemoryFile, DiskError> {
        self.step().await;
        let mut state = self.state();
        if !state.has_dir(parent(path)) {
            return Err(error(DiskErrorKind::NotFound, "open", path));
        }
        let found = state.file(path);
        let inode = match (mode, found) {
            (OpenMode::Read | OpenMode::Write, None) => {
                return Err(error(DiskErrorKind::NotFound, "open", path));
            }
            (OpenMode::CreateNew, Some(_)) => return Err(error(DiskErrorKind::AlreadyExists, "open", path)),
            (OpenMode::Truncate, Some(inode)) => {
                state.change(inode, Change::SetLen(0));
                inode
            }
            (_, Some(inode)) => inode,
            (_, None) if state.space == Some(0) || state.names == Some(0) => {
                return Err(error(DiskErrorKind::NoSpace, "open", path));
            }
            (_, None) => {
                let inode = state.next_inode;
                state.next_inode += 1;
                state.names = state.names.map(|left| left - 1);
                state.inodes.insert(inode, Inode::default());
                state.set_names(vec![(path.to_owned(), Some(Node::File(inode)))]);
                inode
            }
        };
        Ok(MemoryFile { disk: self.clone(), inode })
    }

    async fn lock(&self, path: &Path) -> Result<MemoryLock, DiskError> {
        self.step().await;
        if !self.state().locked.insert(path.to_owned()) {
            return Err(error(DiskErrorKind::Locked, "lock", path));
        }
        Ok(MemoryLock(self.clone(), path.to_owned()))
    }

    async fn create_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.step().await;
        let mut state = self.state();
        if state.visible.contains_key(path) {
            return Err(error(DiskErrorKind::AlreadyExists, "create_dir", path));
        }
        state.set_names(vec![(path.to_owned(), Some(Node::Dir))]);
        Ok(())
    }

    async fn list(&self, path: &Path) -> Result<Vec<Entry>, DiskError> {
        self.step().await;
        let state = self.state();
        let within = state.visible.iter().filter(|(name, _)| parent(name) == path);
        Ok(within
            .map(|(name, node)| Entry {
                name: name.file_name().expect("a name").to_string_lossy().into_owned(),
                kind: match node {
                    Node::Dir => EntryKind::Dir,
                    Node::File(inode) => EntryKind::File { len: state.inodes[inode].visible.len() as u64 },
                },
            })
            .collect())
    }

    async fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.step().await;
        let mut state = self.state();
        let Some(node) = state.visible.get(from).copied() else {
            return Err(error(DiskErrorKind::NotFound, "rename", from));
        };
        state.set_names(vec![(from.to_owned(), None), (to.to_owned(), Some(node))]);
        Ok(())
    }

    async fn remove_file(&self, path: &Path) -> Result<(), DiskError> {
        self.step().await;
        let mut state = self.state();
        if state.file(path).is_none() {
            return Err(error(DiskErrorKind::NotFound, "remove_file", path));
        }
        if state.fail_removals > 0 {
            state.fail_removals -= 1;
            return Err(error(DiskErrorKind::Io, "remove_file", path));
        }
        state.set_names(vec![(path.to_owned(), None)]);
        Ok(())
    }

    async fn remove_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.step().await;
        self.state().set_names(vec![(path.to_owned(), None)]);
        Ok(())
    }

    async fn sync_dir(&self, path: &Path) -> Result<(), DiskError> {
        self.step().await;
        let mut state = self.state();
        let state = &mut *state;
        let (synced, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut state.dirty_names)
            .into_iter()
            .partition(|change| parent(&change[0].0) == path);
        synced.iter().for_each(|change| apply_names(&mut state.durable, change));
        state.dirty_names = rest;
        Ok(())
    }

    async fn sync_many(&self, files: Vec<MemoryFile>) -> Result<(), DiskError> {
        self.step().await;
        let mut state = self.state();
        state.sync_rounds += 1;
        let failed = files.iter().filter(|file| !state.sync(file.inode)).count();
        if failed == 0 { Ok(()) } else { Err(error(DiskErrorKind::Io, "sync_many", Path::new(""))) }
    }

    async fn free(&self) -> Result<u64, DiskError> {
        self.step().await;
        Ok(self.state().space.unwrap_or(u64::MAX))
    }
}

impl File for MemoryFile {
    async fn write_at(&self, offset: u64, parts: Vec<Bytes>) -> Result<(), DiskError> {
        self.disk.step().await;
        let whole: BytesMut = parts.iter().flat_map(|part| part.iter()).collect();
        let outcome = self.disk.state().write(self.inode, offset, whole.freeze());
        outcome.map_err(|kind| error(kind, "write", Path::new("")))
    }

    async fn read_at(&self, offset: u64, len: usize) -> Result<Bytes, DiskError> {
        self.disk.step().await;
        let mut state = self.disk.state();
        let data = &state.inodes[&self.inode].visible;
        let from = data.len().min(offset as usize);
        let bytes = Bytes::copy_from_slice(&data[from..data.len().min(from + len)]);
        state.bytes_read += bytes.len() as u64;
        Ok(bytes)
    }

    async fn len(&self) -> Result<u64, DiskError> {
        self.disk.step().await;
        Ok(self.disk.state().inodes[&self.inode].visible.len() as u64)
    }

    async fn set_len(&self, len: u64) -> Result<(), DiskError> {
        self.disk.step().await;
        self.disk.state().change(self.inode, Change::SetLen(len as usize));
        Ok(())
    }

    async fn sync(&self) -> Result<(), DiskError> {
        self.disk.step().await;
        let mut state = self.disk.state();
        state.sync_rounds += 1;
        match state.sync(self.inode) {
            true => Ok(()),
            false => Err(error(DiskErrorKind::Io, "sync", Path::new(""))),
        }
    }
}
