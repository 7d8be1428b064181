//! One file: what readers see, what would survive, and the changes between the two.

use super::image::Image;
use crate::random::Stream;
use bytes::Bytes;
use std::sync::Arc;

/// A file's contents.
pub(super) struct FileNode {
    /// What readers see: the page cache.
    pub(super) live: Image,
    /// What is certainly on the device.
    pub(super) durable: Image,
    /// Changes on top of `durable` that lead to `live`, in order.
    pub(super) dirty: Vec<Dirty>,
    /// Bytes in `dirty` that the kernel may still write back.
    dirty_bytes: u64,
    next: u64,
    /// A sync has failed since the file was made or last lost its page cache.
    tainted: bool,
    /// Cloned by every handle: how many are open.
    pub(super) handles: Arc<()>,
}

/// One change that a crash may undo.
#[derive(Clone, Debug)]
pub(super) struct Dirty {
    /// Order of entry.
    number: u64,
    pub(super) change: Change,
    /// The file's length after it.
    pub(super) len_after: u64,
    /// A sync that covered it has failed: the kernel believes it clean and will never write it.
    pub(super) doomed: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: u64, parts: Vec<Bytes> },
    SetLen { before: u64, after: u64 },
}

impl FileNode {
    pub(super) fn new() -> FileNode {
        FileNode::from_image(Image::default())
    }

    /// A file that is durable as it is.
    pub(super) fn from_image(image: Image) -> FileNode {
        FileNode {
            live: image.clone(),
            durable: image,
            dirty: Vec::new(),
            dirty_bytes: 0,
            next: 0,
            tainted: false,
            handles: Arc::new(()),
        }
    }

    /// Writes the first `most` bytes of the parts.
    pub(super) fn write(&mut self, offset: u64, parts: Vec<Bytes>, most: u64, dirty_bytes: u64) {
        let mut kept = Vec::with_capacity(parts.len());
        let mut written = 0;
        for part in parts {
            let take = (part.len() as u64).min(most - written);
            if take > 0 {
                let part = part.slice(..take as usize);
                self.live.write(offset + written, &part);
                written += take;
                kept.push(part);
            }
        }
        if written > 0 {
            self.dirty_bytes += written;
            self.enter(Change::Write { offset, parts: kept });
            self.write_back(dirty_bytes);
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        let before = self.live.len();
        if before != len {
            self.live.set_len(len);
            self.enter(Change::SetLen { before, after: len });
        }
    }

    /// Changes entered from now on are not below this number: what a sync that starts now covers.
    pub(super) fn next_change(&self) -> u64 {
        self.next
    }

    /// A sync that began when `next_change` was `below` has succeeded. After a failed one, success means little:
    /// the seed decides whether it carried anything over.
    pub(super) fn synced(&mut self, below: u64, draws: &mut Stream) {
        if self.tainted && draws.chance(500_000) {
            self.doom(below);
        } else {
            self.carry_over(|dirty| dirty.number < below);
        }
    }

    /// Everything that was written reaches the device.
    pub(super) fn store_all(&mut self) {
        self.carry_over(|_| true);
    }

    /// A sync failed: nothing written since the last good one may be trusted, though it reads back fine.
    pub(super) fn sync_failed(&mut self) {
        self.tainted = true;
        self.doom(u64::MAX);
    }

    fn doom(&mut self, below: u64) {
        for dirty in self.dirty.iter_mut().filter(|dirty| dirty.number < below && !dirty.doomed) {
            dirty.doomed = true;
            self.dirty_bytes -= dirty.change.bytes();
        }
    }

    fn enter(&mut self, change: Change) {
        let dirty = Dirty { number: self.next, change, len_after: self.live.len(), doomed: false };
        self.next += 1;
        self.dirty.push(dirty);
    }

    /// The kernel does not keep dirty pages for ever: beyond `most` it writes the oldest half back on its own.
    fn write_back(&mut self, most: u64) {
        if self.dirty_bytes <= most {
            return;
        }
        let mut left = self.dirty_bytes;
        let mut below = 0;
        for dirty in self.dirty.iter().filter(|dirty| !dirty.doomed) {
            if left <= most / 2 {
                break;
            }
            left -= dirty.change.bytes();
            below = dirty.number + 1;
        }
        self.carry_over(|dirty| dirty.number < below);
    }

    /// Makes the changes that are `chosen` and not doomed durable, in order.
    fn carry_over(&mut self, chosen: impl Fn(&Dirty) -> bool) {
        let (durable, live, bytes) = (&mut self.durable, &self.live, &mut self.dirty_bytes);
        self.dirty.retain(|dirty| {
            if dirty.doomed || !chosen(dirty) {
                return true;
            }
            *bytes -= dirty.change.bytes();
            match &dirty.change {
                Change::Write { offset, parts } => {
                    let mut at = *offset;
                    for part in parts {
                        durable.write(at, part);
                        at += part.len() as u64;
                    }
                    durable.share(live, *offset, at);
                }
                Change::SetLen { .. } => {}
            }
            // The length is the inode's, whatever became of doomed changes before this one.
            durable.set_len(dirty.len_after);
            false
        });
    }
}

impl Change {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Change::Write { parts, .. } => parts.iter().map(|part| part.len() as u64).sum(),
            Change::SetLen { .. } => 0,
        }
    }
}
