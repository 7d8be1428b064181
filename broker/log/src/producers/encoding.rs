//! A table of producers as bytes: Kafka's `ProducerSnapshot`, version 1.
//!
//! ```text
//! 0 version i16 (1) | 2 CRC-32C u32 of all from 6 on | 6 count i32 | entries of 46 bytes
//! entry: producer id i64 | epoch i16 | last sequence i32 | last offset i64 | offset delta i32 | timestamp i64
//!        | coordinator epoch i32 | first offset of the open transaction i64, or -1
//! ```
//!
//! Kafka stores the last batch of each producer and forgets the others with each restart, so that a batch that is sent
//! again afterwards may be appended a second time. Here the earlier ones stand before the last one, as entries of their own
//! of the same producer: of those Kafka's reader keeps the last.

use super::{BATCHES_MAX, Kept, Producer, Producers};
use bytes::Bytes;
use model::{Offset, ProducerId, Timestamp};
use records::batch::crc32c;
use std::collections::BTreeMap;

const VERSION: i16 = 1;
const CRC_AT: usize = 2;
const COUNT_AT: usize = 6;
const ENTRIES_AT: usize = 10;
const ENTRY_LEN: usize = 46;

/// The file of a table.
pub(super) fn encode(table: &Producers) -> Bytes {
    let mut bytes = vec![0; ENTRIES_AT];
    let mut count = 0i32;
    for (id, producer) in table.iter() {
        let (last, earlier) = match producer.batches.split_last() {
            Some((last, earlier)) => (Some(Kept { timestamp: producer.timestamp, ..*last }), earlier),
            None => (None, &[][..]),
        };
        for kept in earlier.iter().copied().map(Some).chain([last]) {
            put(&mut bytes, id, producer, kept);
            count += 1;
        }
    }
    bytes[..CRC_AT].copy_from_slice(&VERSION.to_be_bytes());
    bytes[COUNT_AT..ENTRIES_AT].copy_from_slice(&count.to_be_bytes());
    let crc = crc32c(&bytes[COUNT_AT..]);
    bytes[CRC_AT..COUNT_AT].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

fn put(bytes: &mut Vec<u8>, id: ProducerId, producer: &Producer, kept: Option<Kept>) {
    let none =
        Kept { last_sequence: -1, last_offset: Offset(-1), offset_delta: 0, timestamp: producer.timestamp };
    let kept = kept.unwrap_or(none);
    bytes.extend_from_slice(&id.0.to_be_bytes());
    bytes.extend_from_slice(&producer.epoch.to_be_bytes());
    bytes.extend_from_slice(&kept.last_sequence.to_be_bytes());
    bytes.extend_from_slice(&kept.last_offset.0.to_be_bytes());
    bytes.extend_from_slice(&kept.offset_delta.to_be_bytes());
    bytes.extend_from_slice(&kept.timestamp.0.to_be_bytes());
    bytes.extend_from_slice(&producer.coordinator_epoch.to_be_bytes());
    bytes.extend_from_slice(&producer.transaction.map_or(-1, |first| first.0).to_be_bytes());
}

/// Reads the file of a table of a log that ended at `end`; `None` when it is none, or not whole.
pub(super) fn decode(bytes: &[u8], end: Offset) -> Option<Producers> {
    let entries = bytes.get(ENTRIES_AT..)?;
    let count = usize::try_from(i32::from_be_bytes(field(bytes, COUNT_AT))).ok()?;
    let whole = i16::from_be_bytes(field(bytes, 0)) == VERSION
        && u32::from_be_bytes(field(bytes, CRC_AT)) == crc32c(&bytes[COUNT_AT..])
        && count.checked_mul(ENTRY_LEN).is_some_and(|len| len <= entries.len());
    if !whole {
        return None;
    }
    let mut producers: BTreeMap<ProducerId, Producer> = BTreeMap::new();
    for entry in entries.chunks_exact(ENTRY_LEN).take(count) {
        let (id, mut producer) = read(entry);
        let last = producer.batches.first().copied();
        if let (Some(before), Some(last)) = (producers.remove(&id), last)
            && before.epoch == producer.epoch
            && before.last_offset() < last.first_offset()
        {
            (producer.batches, producer.run) = (before.batches, before.run);
            producer.remember(last);
        }
        producers.insert(id, producer);
    }
    Some(Producers::of(producers, end))
}

fn read(entry: &[u8]) -> (ProducerId, Producer) {
    let timestamp = Timestamp(i64::from_be_bytes(field(entry, 26)));
    let kept = Kept {
        last_sequence: i32::from_be_bytes(field(entry, 10)),
        last_offset: Offset(i64::from_be_bytes(field(entry, 14))),
        offset_delta: i32::from_be_bytes(field(entry, 22)),
        timestamp,
    };
    let transaction = Offset(i64::from_be_bytes(field(entry, 38)));
    let mut producer = Producer {
        epoch: i16::from_be_bytes(field(entry, 8)),
        batches: Vec::new(),
        run: 0,
        coordinator_epoch: i32::from_be_bytes(field(entry, 34)),
        timestamp,
        transaction: (transaction >= Offset::ZERO).then_some(transaction),
    };
    if kept.last_offset >= Offset::ZERO {
        producer.batches.reserve_exact(BATCHES_MAX);
        producer.remember(kept);
    }
    (ProducerId(i64::from_be_bytes(field(entry, 0))), producer)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("as many bytes as a field has")
}

#[cfg(test)]
#[path = "encoding_test.rs"]
mod tests;
