//! Directories and files by path: the name operations, and what is reachable.

use super::SECTOR_BYTES;
use super::file::FileNode;
use super::image::Image;
use super::names::{DirNode, Inode, NameChange, Names};
use crate::random::Stream;
use ::runtime::{DiskErrorKind, Entry, EntryKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

const ROOT: Inode = 1;

/// Why a name operation was refused, and in which words.
pub(super) type Refusal = (DiskErrorKind, &'static str);

const NOT_FOUND: Refusal = (DiskErrorKind::NotFound, "no such file or directory");
const EXISTS: Refusal = (DiskErrorKind::AlreadyExists, "file exists");
const NOT_A_DIRECTORY: Refusal = (DiskErrorKind::WrongKind, "not a directory");
const IS_A_DIRECTORY: Refusal = (DiskErrorKind::WrongKind, "is a directory");
const NOT_EMPTY: Refusal = (DiskErrorKind::WrongKind, "directory not empty");

/// So many names may have ceased to stand for something before what they stood for is dropped: finding it takes a walk over
/// everything.
const CEASED_MAX: usize = 64;

/// A directory tree.
pub(super) struct Tree {
    nodes: BTreeMap<Inode, Node>,
    next: Inode,
    /// Names that have ceased to stand for something since the last walk.
    ceased: usize,
}

enum Node {
    File(FileNode),
    Dir(DirNode),
}

impl Tree {
    pub(super) fn new() -> Tree {
        Tree { nodes: BTreeMap::from([(ROOT, Node::Dir(DirNode::default()))]), next: ROOT + 1, ceased: 0 }
    }

    pub(super) fn file(&mut self, inode: Inode) -> &mut FileNode {
        match self.nodes.get_mut(&inode) {
            Some(Node::File(file)) => file,
            _ => panic!("an open file is kept: {inode}"),
        }
    }

    pub(super) fn dir(&mut self, inode: Inode) -> &mut DirNode {
        match self.nodes.get_mut(&inode) {
            Some(Node::Dir(dir)) => dir,
            _ => panic!("not a directory: {inode}"),
        }
    }

    pub(super) fn is_dir(&self, inode: Inode) -> bool {
        self.as_dir(inode).is_some()
    }

    /// A sector that some file certainly has on the device: the file, and the sector's first byte.
    pub(super) fn random_sector(&self, draws: &mut Stream) -> Option<(Inode, u64)> {
        let durable = |(inode, node): (&Inode, &Node)| match node {
            Node::File(file) if file.durable.len() > 0 => Some((*inode, file.durable.len())),
            _ => None,
        };
        let files: Vec<(Inode, u64)> = self.nodes.iter().filter_map(durable).collect();
        let (inode, len) = *draws.pick(&files)?;
        Some((inode, draws.below(len.div_ceil(SECTOR_BYTES)) * SECTOR_BYTES))
    }

    /// The directory at `path`.
    pub(super) fn find_dir(&self, path: &Path) -> Result<Inode, Refusal> {
        let inode = self.find(path)?;
        if self.as_dir(inode).is_some() { Ok(inode) } else { Err(NOT_A_DIRECTORY) }
    }

    /// The file at `path`.
    pub(super) fn find_file(&self, path: &Path) -> Result<Inode, Refusal> {
        let inode = self.find(path)?;
        if self.as_dir(inode).is_none() { Ok(inode) } else { Err(IS_A_DIRECTORY) }
    }

    /// Creates a file that must not exist.
    pub(super) fn create_file(&mut self, path: &Path) -> Result<Inode, Refusal> {
        self.create(path, Node::File(FileNode::new()))
    }

    /// Creates a directory that must not exist.
    pub(super) fn create_dir(&mut self, path: &Path) -> Result<Inode, Refusal> {
        self.create(path, Node::Dir(DirNode::default()))
    }

    /// Puts a file with these contents into a directory that was planted before it.
    pub(super) fn plant(&mut self, path: &Path, image: Image) {
        self.create(path, Node::File(FileNode::from_image(image))).expect("planted once");
    }

    /// Puts a directory into one that was planted before it.
    pub(super) fn plant_dir(&mut self, path: &Path) {
        self.create_dir(path).expect("planted once, after its parent");
    }

    /// Makes every name durable.
    pub(super) fn settle(&mut self) {
        for node in self.nodes.values_mut() {
            if let Node::Dir(dir) = node {
                dir.synced(dir.next_change());
            }
        }
    }

    /// Makes everything durable.
    pub(super) fn store_all(&mut self) {
        self.settle();
        for node in self.nodes.values_mut() {
            if let Node::File(file) = node {
                file.store_all();
            }
        }
    }

    /// The live entries of a directory, by name.
    pub(super) fn list(&self, path: &Path) -> Result<Vec<Entry>, Refusal> {
        let dir = self.as_dir(self.find_dir(path)?).expect("found as one");
        let entry = |(name, inode): (&String, &Inode)| {
            let kind = match &self.nodes[inode] {
                Node::File(file) => EntryKind::File { len: file.live.len() },
                Node::Dir(_) => EntryKind::Dir,
            };
            Entry { name: name.clone(), kind }
        };
        Ok(dir.live.iter().map(entry).collect())
    }

    /// Renames a file or directory, replacing a file or an empty directory of its own kind.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), Refusal> {
        let inode = self.find(from)?;
        let (from_dir, from_name) = self.place(from)?;
        let (to_dir, to_name) = self.place(to)?;
        if inode == ROOT || to.ancestors().skip(1).any(|above| above == from) {
            return Err((DiskErrorKind::Io, "a directory can't move into itself"));
        }
        if let Ok(target) = self.find(to) {
            match (self.as_dir(inode), self.as_dir(target)) {
                _ if target == inode => return Ok(()),
                (None, None) => {}
                (Some(_), Some(old)) if old.live.is_empty() => {}
                (Some(_), Some(_)) => return Err(NOT_EMPTY),
                (None, Some(_)) => return Err(IS_A_DIRECTORY),
                (Some(_), None) => return Err(NOT_A_DIRECTORY),
            }
        }
        if from_dir == to_dir {
            self.dir(to_dir).change(NameChange::Rename { from: from_name, to: to_name, inode });
        } else {
            self.dir(to_dir).change(NameChange::Link { name: to_name, inode });
            self.dir(from_dir).change(NameChange::Unlink { name: from_name, inode });
        }
        Ok(())
    }

    /// Removes a file's name. The file lives on while it is open, or may come back.
    pub(super) fn remove_file(&mut self, path: &Path) -> Result<(), Refusal> {
        let inode = self.find_file(path)?;
        self.unlink(path, inode)
    }

    /// Removes an empty directory.
    pub(super) fn remove_dir(&mut self, path: &Path) -> Result<(), Refusal> {
        let inode = self.find_dir(path)?;
        if !self.as_dir(inode).expect("found as one").live.is_empty() {
            return Err(NOT_EMPTY);
        }
        self.unlink(path, inode)
    }

    /// A sync of a directory, begun when its next change was `below`, has succeeded. `tight`: what no name stands for any
    /// more makes room at once.
    pub(super) fn dir_synced(&mut self, dir: Inode, below: u64, tight: bool) {
        self.ceased += self.dir(dir).synced(below);
        if self.ceased > if tight { 0 } else { CEASED_MAX } {
            self.sweep();
        }
    }

    /// Loses the page cache: every file and directory crashes, and what no name stands for any more is gone.
    pub(super) fn crash(&mut self, draws: &mut Stream) {
        self.sweep();
        for node in self.nodes.values_mut() {
            match node {
                Node::File(file) => file.crash(draws),
                Node::Dir(dir) => dir.crash(draws),
            }
        }
        self.sweep();
    }

    /// Drops what no name may ever stand for again and nobody has open.
    pub(super) fn sweep(&mut self) {
        self.ceased = 0;
        let mut reached = BTreeSet::new();
        let mut ahead = vec![ROOT];
        while let Some(inode) = ahead.pop() {
            if reached.insert(inode)
                && let Some(dir) = self.as_dir(inode)
            {
                ahead.extend(dir.reachable());
            }
        }
        self.nodes.retain(|inode, node| {
            let open = matches!(node, Node::File(file) if Arc::strong_count(&file.handles) > 1);
            open || reached.contains(inode)
        });
    }

    /// Bytes that live files hold, unlinked but open or unsynced ones included.
    pub(super) fn used_bytes(&self) -> u64 {
        let lens =
            self.nodes.values().map(|node| if let Node::File(file) = node { file.live.len() } else { 0 });
        lens.sum()
    }

    /// Handles that processes hold on files, each clone of one counted once.
    pub(super) fn open_files(&self) -> usize {
        let opened = |node: &Node| match node {
            Node::File(file) => Arc::strong_count(&file.handles) - 1,
            _ => 0,
        };
        self.nodes.values().map(opened).sum()
    }

    /// Every file under its path, as readers see it or as it is certainly on the device; and every directory.
    pub(super) fn walk(&self, durable: bool) -> (BTreeMap<PathBuf, Inode>, BTreeSet<PathBuf>) {
        let (mut files, mut dirs) = (BTreeMap::new(), BTreeSet::new());
        let mut ahead = vec![(PathBuf::new(), ROOT)];
        while let Some((path, inode)) = ahead.pop() {
            let Some(dir) = self.as_dir(inode) else {
                files.insert(path, inode);
                continue;
            };
            let names: &Names = if durable { &dir.durable } else { &dir.live };
            ahead.extend(names.iter().map(|(name, inode)| (path.join(name), *inode)));
            dirs.insert(path);
        }
        (files, dirs)
    }

    fn create(&mut self, path: &Path, node: Node) -> Result<Inode, Refusal> {
        if self.find(path).is_ok() {
            return Err(EXISTS);
        }
        let (dir, name) = self.place(path)?;
        let inode = self.next;
        self.next += 1;
        self.nodes.insert(inode, node);
        self.dir(dir).change(NameChange::Link { name, inode });
        Ok(inode)
    }

    fn unlink(&mut self, path: &Path, inode: Inode) -> Result<(), Refusal> {
        let (dir, name) = self.place(path)?;
        self.dir(dir).change(NameChange::Unlink { name, inode });
        Ok(())
    }

    fn as_dir(&self, inode: Inode) -> Option<&DirNode> {
        match self.nodes.get(&inode) {
            Some(Node::Dir(dir)) => Some(dir),
            _ => None,
        }
    }

    pub(super) fn find(&self, path: &Path) -> Result<Inode, Refusal> {
        let mut at = ROOT;
        for name in components(path) {
            let dir = self.as_dir(at).ok_or(NOT_A_DIRECTORY)?;
            at = *dir.live.get(name).ok_or(NOT_FOUND)?;
        }
        Ok(at)
    }

    /// The directory in which the last component of `path` is a name, and that name.
    fn place(&self, path: &Path) -> Result<(Inode, String), Refusal> {
        let mut names: Vec<&str> = components(path).collect();
        let name = names.pop().ok_or((DiskErrorKind::WrongKind, "the root has no name"))?;
        let dir = self.find_dir(&names.iter().collect::<PathBuf>())?;
        Ok((dir, name.to_owned()))
    }
}

/// The names of a path. Panics when it leaves the data directory: that is the caller's bug.
fn components(path: &Path) -> impl Iterator<Item = &str> {
    path.components().filter(|component| *component != Component::CurDir).map(
        move |component| match component {
            Component::Normal(name) => name.to_str().expect("a path in Unicode"),
            _ => panic!("{} leaves the data directory", path.display()),
        },
    )
}
