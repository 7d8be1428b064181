//! What the harness may do to a disk, and how checkers look at it.

use super::image::Image;
use super::knobs::{DiskKnobs, NextFailure};
use super::tree::Tree;
use crate::runtime::{NodeId, World};
use crate::trace::What;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// The controls of one machine's disk, and its contents.
pub struct DiskControl {
    world: World,
    node: NodeId,
}

/// The files of a disk at one moment. Cheap: it shares its bytes with the disk.
#[derive(Clone, Default, PartialEq)]
pub struct Snapshot {
    files: BTreeMap<PathBuf, Image>,
    dirs: BTreeSet<PathBuf>,
}

/// A bit that rotted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rot {
    /// In which file.
    pub path: PathBuf,
    /// At which byte.
    pub offset: u64,
    /// Which bit of it, from the least significant.
    pub bit: u8,
}

impl DiskControl {
    pub(crate) fn new(world: World, node: NodeId) -> DiskControl {
        DiskControl { world, node }
    }

    /// The knobs in force.
    pub fn knobs(&self) -> DiskKnobs {
        self.world.shared.lock().machine(self.node).disk.knobs
    }

    /// Replaces the knobs, for operations that start from now on. Clearing `hung_sync` or `hung_write` lets
    /// what hangs go on.
    pub fn set_knobs(&self, knobs: DiskKnobs) {
        self.world.shared.lock().disk_set_knobs(self.node, knobs);
    }

    /// Changes some of the knobs.
    pub fn adjust(&self, change: impl FnOnce(&mut DiskKnobs)) {
        let mut knobs = self.knobs();
        change(&mut knobs);
        self.set_knobs(knobs);
    }

    /// Makes the next operation that fits fail, once. Several may wait; the oldest that fits goes first.
    pub fn fail_next(&self, failure: NextFailure) {
        self.world.shared.lock().machine_mut(self.node).disk.failures.push(failure);
    }

    /// The next sync of written data puts one sector where it does not belong. A note in the trace tells when.
    pub fn misdirect_next_sync(&self) {
        self.world.shared.lock().machine_mut(self.node).disk.misdirect = true;
    }

    /// Inverts a random bit of a random file that is on the device and whose path contains `path_contains`, as
    /// readers see it and as it is stored. `None` when there is no such file with a byte in it.
    pub fn rot(&self, path_contains: &str) -> Option<Rot> {
        let mut state = self.world.shared.lock();
        let disk = &mut state.machine_mut(self.node).disk;
        let (files, _) = disk.tree.walk(true);
        let mut candidates = Vec::new();
        for (path, inode) in files {
            let len = disk.tree.file(inode).durable.len();
            if len > 0 && path.to_string_lossy().contains(path_contains) {
                candidates.push((path, inode, len));
            }
        }
        let (path, inode, len) = disk.faults.pick(&candidates)?.clone();
        let (offset, bit) = (disk.faults.below(len), disk.faults.below(8) as u8);
        let file = disk.tree.file(inode);
        file.durable.flip(offset, bit);
        file.live.flip(offset, bit);
        let rot = Rot { path, offset, bit };
        state.record(self.node, What::Note(rot.to_string()));
        Some(rot)
    }

    /// Puts an empty disk in place of this one. Panics while a process runs.
    pub fn wipe(&self) {
        self.load(&Snapshot::default());
    }

    /// Puts a disk with these files, all durable, in place of this one. Panics while a process runs.
    pub fn load(&self, snapshot: &Snapshot) {
        let mut state = self.world.shared.lock();
        let machine = state.machine_mut(self.node);
        assert!(!machine.alive, "{} runs", machine.name);
        let mut tree = Tree::new();
        for dir in snapshot.dirs.iter().filter(|dir| !dir.as_os_str().is_empty()) {
            tree.plant_dir(dir);
        }
        for (path, image) in &snapshot.files {
            tree.plant(path, image.clone());
        }
        tree.settle();
        machine.disk.tree = tree;
    }

    /// What certainly survives a power loss now: synced data under synced names. No side effect.
    pub fn durable(&self) -> Snapshot {
        self.snapshot(true)
    }

    /// What a process would read now. No side effect.
    pub fn live(&self) -> Snapshot {
        self.snapshot(false)
    }

    /// Bytes that live files hold.
    pub fn used_bytes(&self) -> u64 {
        let mut state = self.world.shared.lock();
        let tree = &mut state.machine_mut(self.node).disk.tree;
        tree.sweep();
        tree.used_bytes()
    }

    /// Files that processes have open, each as often as it was opened.
    pub fn open_files(&self) -> usize {
        self.world.shared.lock().machine(self.node).disk.tree.open_files()
    }

    fn snapshot(&self, durable: bool) -> Snapshot {
        let mut state = self.world.shared.lock();
        let tree = &mut state.machine_mut(self.node).disk.tree;
        let (files, dirs) = tree.walk(durable);
        let mut image = |inode| {
            let file = tree.file(inode);
            if durable { file.durable.clone() } else { file.live.clone() }
        };
        Snapshot { files: files.into_iter().map(|(path, inode)| (path, image(inode))).collect(), dirs }
    }
}

impl Snapshot {
    /// Every file and its length, by path.
    pub fn files(&self) -> impl Iterator<Item = (&Path, u64)> {
        self.files.iter().map(|(path, image)| (path.as_path(), image.len()))
    }

    /// Every directory, by path; the root is the empty path.
    pub fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.dirs.iter().map(PathBuf::as_path)
    }

    /// A file's bytes; `None` when there is no such file.
    pub fn read(&self, path: &Path) -> Option<Bytes> {
        self.files.get(path).map(|image| image.read(0, image.len()))
    }

    /// A part of a file's bytes, shorter where the file ends; `None` when there is no such file.
    pub fn read_at(&self, path: &Path, offset: u64, len: u64) -> Option<Bytes> {
        self.files.get(path).map(|image| image.read(offset, len))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.files()).finish()
    }
}

impl fmt::Display for Rot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bit {} of byte {} of {} rotted", self.bit, self.offset, self.path.display())
    }
}
