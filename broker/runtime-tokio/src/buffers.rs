//! Buffers for large reads, used again and again.
//!
//! A fresh megabyte costs more than reading into it: the allocator maps it, the kernel clears it page by page, and
//! both caches are cold. A consumer that reads its way through a segment gets the same few buffers instead.

use bytes::Bytes;
use std::sync::{Arc, Mutex};

/// Shorter reads are left to the allocator, which has such sizes at hand.
pub(crate) const REUSED_FROM: usize = 64 << 10;
/// Longer ones are rare enough to be paid for.
const REUSED_TO: usize = 4 << 20;
/// Buffers kept while nobody reads.
const KEPT_MAX: usize = 4;

/// A few buffers. Every clone is the same few.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers {
    /// Invariant: at most `KEPT_MAX`, all of whose bytes are initialized.
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// A buffer that goes back when it is dropped.
pub(crate) struct Lent {
    bytes: Vec<u8>,
    /// How much of `bytes` is meant.
    used: usize,
    home: Buffers,
}

impl Buffers {
    /// A buffer of `len` bytes, of any content.
    pub(crate) fn lend(&self, len: usize) -> Lent {
        let mut bytes = Vec::new();
        if (REUSED_FROM..=REUSED_TO).contains(&len) {
            let mut free = self.free.lock().expect("nothing panics while holding it");
            bytes = free.pop().unwrap_or_default();
        }
        if bytes.len() < len {
            // Whatever was there is too short: a new one is cleared by the kernel, not by us.
            bytes = vec![0; len];
        }
        Lent { bytes, used: len, home: self.clone() }
    }
}

impl Lent {
    /// All of the buffer.
    pub(crate) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.used]
    }

    /// Its first `used` bytes, shared; the buffer goes back with the last of them.
    pub(crate) fn freeze(mut self, used: usize) -> Bytes {
        assert!(used <= self.used, "{used} bytes of a buffer of {}", self.used);
        self.used = used;
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !(REUSED_FROM..=REUSED_TO).contains(&self.bytes.len()) {
            return;
        }
        let mut free = self.home.free.lock().expect("nothing panics while holding it");
        if free.len() < KEPT_MAX {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
#[path = "buffers_test.rs"]
mod tests;
