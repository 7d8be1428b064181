//! The bytes of a file as chunks that images share until one of them is written to.

use bytes::{Bytes, BytesMut};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes per chunk: a page.
const CHUNK: u64 = 4096;

/// A file's bytes. What was never written reads as zeros and takes no memory. Cloning shares.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    len: u64,
    /// By chunk number. A chunk may be shorter than a page (zeros follow) and never reaches beyond `len`.
    chunks: BTreeMap<u64, Arc<Vec<u8>>>,
}

impl Image {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Overwrites, growing the file as needed.
    pub(super) fn write(&mut self, mut offset: u64, mut data: &[u8]) {
        while !data.is_empty() {
            let (number, within) = (offset / CHUNK, (offset % CHUNK) as usize);
            let take = data.len().min(CHUNK as usize - within);
            let chunk = Arc::make_mut(self.chunks.entry(number).or_default());
            if chunk.len() < within + take {
                chunk.resize(within + take, 0);
            }
            chunk[within..within + take].copy_from_slice(&data[..take]);
            offset += take as u64;
            data = &data[take..];
            self.len = self.len.max(offset);
        }
    }

    /// Up to `len` bytes from `offset` on; fewer only where the file ends.
    pub(super) fn read(&self, offset: u64, len: u64) -> Bytes {
        let end = offset.saturating_add(len).min(self.len);
        if offset >= end {
            return Bytes::new();
        }
        let mut data = BytesMut::zeroed((end - offset) as usize);
        for (number, chunk) in self.chunks.range(offset / CHUNK..=(end - 1) / CHUNK) {
            let start = number * CHUNK;
            let from = offset.max(start);
            let to = end.min(start + chunk.len() as u64);
            if from < to {
                let source = &chunk[(from - start) as usize..(to - start) as usize];
                data[(from - offset) as usize..(to - offset) as usize].copy_from_slice(source);
            }
        }
        data.freeze()
    }

    /// Truncates, or extends with zeros.
    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.chunks.split_off(&len.div_ceil(CHUNK));
            if let Some(last) = self.chunks.get_mut(&(len / CHUNK)) {
                Arc::make_mut(last).truncate((len % CHUNK) as usize);
            }
        }
        self.len = len;
    }

    /// Shares the pages of `range` with `other` where both hold the same bytes: memory is paid once.
    pub(super) fn share(&mut self, other: &Image, from: u64, to: u64) {
        for number in from / CHUNK..to.div_ceil(CHUNK) {
            if let (Some(mine), Some(theirs)) = (self.chunks.get_mut(&number), other.chunks.get(&number)) {
                let full = mine.len() as u64 == CHUNK;
                if full && !Arc::ptr_eq(mine, theirs) && mine == theirs {
                    *mine = theirs.clone();
                }
            }
        }
    }

    /// Inverts one bit. Nothing beyond the end.
    pub(super) fn flip(&mut self, offset: u64, bit: u8) {
        if offset < self.len {
            let byte = self.read(offset, 1)[0];
            self.write(offset, &[byte ^ (1 << bit)]);
        }
    }
}

impl PartialEq for Image {
    fn eq(&self, other: &Image) -> bool {
        self.len == other.len && self.read(0, self.len) == other.read(0, other.len)
    }
}
