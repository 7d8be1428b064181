//! Which partition a record goes to, as Kafka's Java client decides it.
//!
//! A key's partition is its hash modulo their number, whoever leads them. Records without a key stay with one partition
//! until a batch of it is full, and then go on with another one that has a leader (KIP-480, KIP-794): full batches cost
//! less than many, and nobody is waited for.

use crate::metadata::Topic;
use std::collections::BTreeMap;

/// Where records without a key go for now.
#[derive(Clone, Debug, Default)]
pub(super) struct Partitioner {
    sticky: BTreeMap<String, Sticky>,
}

#[derive(Clone, Copy, Debug)]
struct Sticky {
    partition: i32,
    /// Since the partition was chosen.
    bytes: usize,
}

impl Partitioner {
    /// The partition of a record with this key, of so many bytes; `draw` is random. None: the topic has no partitions.
    pub(super) fn place(
        &mut self,
        (name, topic): (&str, &Topic),
        key: Option<&[u8]>,
        bytes: usize,
        batch_bytes: usize,
        draw: u64,
    ) -> Option<i32> {
        let count = topic.partitions.len();
        if count == 0 {
            return None;
        }
        if let Some(key) = key {
            return Some(murmur2(key) as i32 % count as i32);
        }
        if let Some(sticky) = self.sticky.get_mut(name)
            && sticky.bytes + bytes <= batch_bytes
            && topic.partitions.get(&sticky.partition).is_some_and(|leader| leader.node.is_some())
        {
            sticky.bytes += bytes;
            return Some(sticky.partition);
        }
        let led: Vec<i32> = topic
            .partitions
            .iter()
            .filter(|(_, leader)| leader.node.is_some())
            .map(|(index, _)| *index)
            .collect();
        let all: Vec<i32> = topic.partitions.keys().copied().collect();
        let choice = if led.is_empty() { &all } else { &led };
        let partition = choice[(draw % choice.len() as u64) as usize];
        self.sticky.insert(name.to_string(), Sticky { partition, bytes });
        Some(partition)
    }
}

/// Kafka's hash of a key: MurmurHash2 with Kafka's seed, its sign bit cleared.
pub fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut hash = SEED ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        for (at, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * at);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    (hash ^ (hash >> 15)) & 0x7fff_ffff
}

#[cfg(test)]
#[path = "partitioner_test.rs"]
mod tests;
