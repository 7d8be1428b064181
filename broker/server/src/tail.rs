//! The tail cache: the newest batches of a shard's partitions, as the bytes that went to the segment.
//!
//! Consumers that keep up never touch a file. All shards share one byte budget, charged by the memory that an
//! entry really keeps alive (a batch sliced out of a request keeps the whole request alive), not by its length, and by
//! what it costs to remember it, which for the shortest batches is several times as much.
//! When the budget is spent, a shard lets go of its own oldest entries; a batch that still finds no room is not
//! cached, and then nothing older of that partition is kept either: a tail has no holes.

use bytes::Bytes;
use model::{Offset, PartitionKey};
use std::collections::{BTreeMap, VecDeque};
use std::mem::size_of;
use std::sync::Arc;
use sync::Budget;

/// One batch as it was appended.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Offset of its first record.
    pub base: Offset,
    /// One past its last record.
    pub end: Offset,
    /// Its bytes, in order.
    pub pieces: [Bytes; 2],
    /// Bytes of memory that stay allocated while this entry lives.
    pub keeps_alive: usize,
}

impl Entry {
    fn len(&self) -> usize {
        self.pieces[0].len() + self.pieces[1].len()
    }

    /// What it takes of the budget, in bytes.
    fn charge(&self) -> u64 {
        (self.keeps_alive + ENTRY_BYTES) as u64
    }
}

/// Batches of one partition that follow each other.
#[derive(Debug)]
pub struct Slice {
    /// Their bytes.
    pub pieces: Vec<Bytes>,
    /// How many bytes.
    pub bytes: usize,
    /// One past the last record; where the slice was asked to begin if it is empty.
    pub to: Offset,
}

/// The tails of one shard's partitions.
#[derive(Debug)]
pub struct TailCache {
    budget: Arc<Budget>,
    /// Each tail is contiguous: an entry's `base` is at or above the `end` of the one before it.
    tails: BTreeMap<PartitionKey, VecDeque<Entry>>,
    /// One element per entry, oldest first: whose front goes next. Elements of forgotten tails stay behind
    /// until they come up or outnumber the living: `entries <= order.len() <= 2 * entries + STALE_MAX`.
    order: VecDeque<(PartitionKey, Offset)>,
    entries: usize,
}

/// How many elements of `order` may be stale before it is swept, beyond one for each that is not.
const STALE_MAX: usize = 64;

/// Memory of an entry besides its bytes: its places in two queues, which grow by doubling (the second holds up to two
/// elements for each entry), and what its two buffers cost in the allocator.
const ENTRY_BYTES: usize =
    2 * size_of::<Entry>() + 4 * size_of::<(PartitionKey, Offset)>() + 2 * BUFFER_BYTES;

/// Memory of a shared buffer besides its bytes: a count of its owners, and two allocations' heads.
const BUFFER_BYTES: usize = 3 * size_of::<usize>() + 2 * 16;

/// A queue gives memory back when it uses less than one place in so many.
const SLACK: usize = 4;

impl TailCache {
    /// An empty cache that charges `budget`.
    pub fn new(budget: Arc<Budget>) -> TailCache {
        TailCache { budget, tails: BTreeMap::new(), order: VecDeque::new(), entries: 0 }
    }

    /// Adds the batch that was just appended to `partition`.
    pub fn push(&mut self, partition: PartitionKey, entry: Entry) {
        while !self.budget.try_charge(entry.charge()) {
            if !self.evict_oldest() {
                self.forget(partition);
                return;
            }
        }
        let tail = self.tails.entry(partition).or_default();
        if let Some(last) = tail.back() {
            assert!(last.end <= entry.base, "the tail of {partition} goes back");
        }
        self.order.push_back((partition, entry.base));
        tail.push_back(entry);
        self.entries += 1;
        if self.order.len() > 2 * self.entries + STALE_MAX {
            self.sweep();
        }
    }

    /// The batches from the one that holds `from` on, none of which reaches past `below`, at most `bytes_max`
    /// long together; when `at_least_one`, the first of them even if it is longer. `None` when `from` lies
    /// before the cached tail, or behind it.
    pub fn slice(
        &self,
        partition: PartitionKey,
        from: Offset,
        below: Offset,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Option<Slice> {
        let tail = self.tails.get(&partition)?;
        let first = tail.partition_point(|entry| entry.end <= from);
        if first == 0 && tail.front()?.base > from {
            return None;
        }
        let mut slice = Slice { pieces: Vec::new(), bytes: 0, to: from };
        for entry in tail.range(first..) {
            let fits = slice.bytes + entry.len() <= bytes_max || (slice.bytes == 0 && at_least_one);
            if entry.end > below || !fits {
                break;
            }
            slice.bytes += entry.len();
            slice.to = entry.end;
            slice.pieces.extend(entry.pieces.iter().filter(|piece| !piece.is_empty()).cloned());
        }
        (first < tail.len()).then_some(slice)
    }

    /// Drops the tail of `partition`: it was truncated, closed, or an append went round the cache.
    pub fn forget(&mut self, partition: PartitionKey) {
        for entry in self.tails.remove(&partition).into_iter().flatten() {
            self.entries -= 1;
            self.budget.release(entry.charge());
        }
    }

    fn sweep(&mut self) {
        let tails = &self.tails;
        self.order.retain(|(partition, base)| {
            let Some(tail) = tails.get(partition) else { return false };
            tail.binary_search_by_key(base, |entry| entry.base).is_ok()
        });
        give_back(&mut self.order);
    }

    /// Lets the oldest entry go. False when there is none.
    fn evict_oldest(&mut self) -> bool {
        while let Some((partition, base)) = self.order.pop_front() {
            let Some(tail) = self.tails.get_mut(&partition) else { continue };
            if tail.front().is_none_or(|entry| entry.base != base) {
                continue;
            }
            let entry = tail.pop_front().expect("checked above");
            if tail.is_empty() {
                self.tails.remove(&partition);
            } else {
                give_back(tail);
            }
            give_back(&mut self.order);
            self.entries -= 1;
            self.budget.release(entry.charge());
            return true;
        }
        false
    }
}

/// Frees places that a queue has stopped using, seldom enough that it costs each element nothing.
fn give_back<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() > SLACK * queue.len() + STALE_MAX {
        queue.shrink_to(2 * queue.len());
    }
}

impl Drop for TailCache {
    fn drop(&mut self) {
        for entry in self.tails.values().flatten() {
            self.budget.release(entry.charge());
        }
    }
}

#[cfg(test)]
#[path = "tail_test.rs"]
mod tests;
