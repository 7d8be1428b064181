//! The simulator's own reading of a snapshot of producers (Kafka's `ProducerSnapshot`, version 1): whether it says what the
//! batches below it say.
//!
//! Whoever has produced below it must be there with the last batch, and whatever is there of the batches that are still in the log must be
//! one of them. No run lasts so long that a broker forgets who is silent.

use records::batch::{BatchHeader, crc32c};
use std::collections::BTreeMap;

const ENTRIES_AT: usize = 10;
const ENTRY_LEN: usize = 46;

/// What a batch says of who has produced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    id: i64,
    epoch: i16,
    last_sequence: i32,
    last_offset: i64,
}

/// Of a batch that an idempotent producer has sent.
pub(super) fn signature(header: &BatchHeader) -> Option<Signature> {
    (header.producer_id.0 >= 0 && !header.is_control()).then(|| Signature {
        id: header.producer_id.0,
        epoch: header.producer_epoch,
        last_sequence: header.last_sequence(),
        last_offset: header.last_offset().0,
    })
}

/// What is wrong with the snapshot of a log's first offsets, up to `at`. The log begins, on the disk, at `first`; these are the signatures
/// of its batches below `at`, in order.
pub(super) fn wrong(bytes: &[u8], first: i64, below: &[Signature]) -> Option<String> {
    let Some(entries) = entries(bytes) else { return Some("not a snapshot of producers".to_owned()) };
    let last = |of: &[Signature]| of.iter().map(|one| (one.id, *one)).collect::<BTreeMap<_, _>>();
    let (told, true_ones) = (last(&entries), last(below));
    for (id, signature) in &true_ones {
        if told.get(id) != Some(signature) {
            return Some(format!(
                "producer {id} is told to be at {:?}; it is at {signature:?}",
                told.get(id)
            ));
        }
    }
    let invented = |entry: &&Signature| entry.last_offset >= first && !below.contains(entry);
    entries.iter().find(invented).map(|entry| format!("there is no batch of {entry:?}"))
}

fn entries(bytes: &[u8]) -> Option<Vec<Signature>> {
    let entries = bytes.get(ENTRIES_AT..)?;
    let version = i16::from_be_bytes(field(bytes, 0));
    let crc = u32::from_be_bytes(field(bytes, 2));
    let count = i32::from_be_bytes(field(bytes, 6));
    let whole = version == 1
        && crc == crc32c(&bytes[6..])
        && entries.len() == usize::try_from(count).ok()? * ENTRY_LEN;
    let entry = |entry: &[u8]| Signature {
        id: i64::from_be_bytes(field(entry, 0)),
        epoch: i16::from_be_bytes(field(entry, 8)),
        last_sequence: i32::from_be_bytes(field(entry, 10)),
        last_offset: i64::from_be_bytes(field(entry, 14)),
    };
    whole.then(|| entries.chunks_exact(ENTRY_LEN).map(entry).collect())
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("as many bytes as a field has")
}
