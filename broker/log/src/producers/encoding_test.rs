//! The file's bytes, Kafka's own among them; what is damaged is not read.

use super::*;
use proptest::prelude::*;

fn kept(last_sequence: i32, last_offset: i64, offset_delta: i32, timestamp: i64) -> Kept {
    Kept { last_sequence, last_offset: Offset(last_offset), offset_delta, timestamp: Timestamp(timestamp) }
}

fn table(producers: impl IntoIterator<Item = (i64, Producer)>) -> Producers {
    let producers = producers.into_iter().map(|(id, producer)| (ProducerId(id), producer));
    Producers::of(producers.collect(), Offset(1000))
}

fn listed(table: &Producers) -> Vec<(ProducerId, Producer)> {
    table.iter().map(|(id, producer)| (id, producer.clone())).collect()
}

/// A producer of these batches.
fn of(epoch: i16, batches: &[Kept]) -> Producer {
    let timestamp = batches.last().map_or(Timestamp::NONE, |last| last.timestamp);
    let mut producer = Producer { epoch, timestamp, ..Producer::default() };
    batches.iter().for_each(|batch| producer.remember(*batch));
    producer
}

/// Three producers: one of a batch, one in a transaction, one of whom only a marker is known.
fn golden() -> Producers {
    let simple = Producer {
        epoch: 3,
        batches: vec![kept(41, 170, 4, 1_700_000_000_123)],
        timestamp: Timestamp(1_700_000_000_123),
        ..Producer::default()
    };
    let open = Producer {
        epoch: 0,
        batches: vec![kept(i32::MAX, 5_000_000_000, 0, 77)],
        coordinator_epoch: 9,
        timestamp: Timestamp(77),
        transaction: Some(Offset(4_999_999_990)),
        ..Producer::default()
    };
    let marked =
        Producer { epoch: i16::MAX, coordinator_epoch: 2, timestamp: Timestamp(88), ..Producer::default() };
    table([(1000, simple), (1001, open), (i64::MAX, marked)])
}

#[test]
fn the_file_is_kafkas() {
    // What `ProducerStateManager.writeSnapshot` of Apache Kafka 4.1.0 writes for these producers.
    let golden_file = include_str!("golden.hex").trim();
    let bytes: String = encode(&golden()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(bytes, golden_file);
}

#[test]
fn earlier_batches_stand_before_the_last_one() {
    let producer = of(1, &[kept(0, 5, 0, 10), kept(3, 8, 2, 12), kept(4, 20, 0, 11)]);
    let before = table([(6, Producer::default()), (7, producer)]);
    let bytes = encode(&before);
    assert_eq!(bytes.len(), ENTRIES_AT + 4 * ENTRY_LEN);
    assert_eq!(listed(&decode(&bytes, Offset(21)).expect("whole")), listed(&before));
    // Of the entries of one producer the last has the last batch: the one that Kafka's reader keeps.
    let last = read(&bytes[bytes.len() - ENTRY_LEN..]);
    assert_eq!((last.0, last.1.last_sequence()), (ProducerId(7), 4));
}

#[test]
fn a_later_entry_that_does_not_follow_takes_the_earlier_ones_place() {
    let one = |epoch, batch: Kept| of(epoch, &[batch]);
    for (first, second) in [
        (one(0, kept(5, 5, 0, 1)), one(1, kept(0, 6, 0, 2))),
        (one(0, kept(5, 50, 0, 1)), one(0, kept(6, 50, 0, 2))),
    ] {
        let mut bytes = encode(&table([(1, first)])).to_vec();
        bytes.extend_from_slice(&encode(&table([(1, second.clone())]))[ENTRIES_AT..]);
        bytes[COUNT_AT..ENTRIES_AT].copy_from_slice(&2i32.to_be_bytes());
        let crc = crc32c(&bytes[COUNT_AT..]);
        bytes[CRC_AT..COUNT_AT].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(listed(&decode(&bytes, Offset(60)).expect("whole")), [(ProducerId(1), second)]);
    }
}

#[test]
fn nobody_is_a_file_of_ten_bytes() {
    let bytes = encode(&Producers::default());
    assert_eq!(bytes.len(), ENTRIES_AT);
    assert!(decode(&bytes, Offset(3)).expect("whole").is_empty());
}

#[test]
fn what_is_damaged_is_not_read() {
    let bytes = encode(&golden()).to_vec();
    for len in 0..bytes.len() {
        assert!(decode(&bytes[..len], Offset(0)).is_none(), "cut to {len}");
    }
    for at in 0..bytes.len() {
        let mut spoilt = bytes.clone();
        spoilt[at] ^= 0x10;
        assert!(decode(&spoilt, Offset(0)).is_none(), "at {at}");
    }
    assert!(decode(&vec![0; bytes.len()], Offset(0)).is_none(), "a length without its data");
    // A count that the entries don't bear out, under a right checksum.
    let mut spoilt = bytes;
    spoilt[COUNT_AT..ENTRIES_AT].copy_from_slice(&4i32.to_be_bytes());
    let crc = crc32c(&spoilt[COUNT_AT..]);
    spoilt[CRC_AT..COUNT_AT].copy_from_slice(&crc.to_be_bytes());
    assert!(decode(&spoilt, Offset(0)).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), right in any::<bool>()) {
        let mut bytes = bytes;
        if right && bytes.len() >= ENTRIES_AT {
            let count = ((bytes.len() - ENTRIES_AT) / ENTRY_LEN) as i32;
            bytes[COUNT_AT..ENTRIES_AT].copy_from_slice(&count.to_be_bytes());
            let crc = crc32c(&bytes[COUNT_AT..]);
            bytes[CRC_AT..COUNT_AT].copy_from_slice(&crc.to_be_bytes());
            bytes[..CRC_AT].copy_from_slice(&VERSION.to_be_bytes());
        }
        let read = decode(&bytes, Offset(0));
        prop_assert_eq!(read.is_some(), right && bytes.len() >= ENTRIES_AT);
        if let Some(table) = read {
            // Whatever it is, it can be written and read again.
            let again = decode(&encode(&table), Offset(0)).expect("just written");
            prop_assert_eq!(encode(&again), encode(&table));
        }
    }
}
