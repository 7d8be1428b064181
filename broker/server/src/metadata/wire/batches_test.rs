//! Fetched bytes that fit, and each way in which they don't.

use super::*;
use model::Timestamp;
use records::batch::{BatchBuilder, HEADER_LEN};
use records::batch::{BatchError, BatchHeader};

fn batch(base: i64, epoch: i32, records: usize) -> Vec<u8> {
    let mut batch = BatchBuilder::new(Offset(base), LeaderEpoch(epoch));
    (0..records).for_each(|_| batch.push(Timestamp(0), None, Some(b"value")));
    batch.build().to_vec()
}

/// `bytes` fetched from offset 10, after a record of epoch 2, from a leader in epoch 4.
fn fetched(bytes: Vec<u8>) -> Result<Option<Batches>, Unfit> {
    let place = Batched { from: Offset(10), epochs: LeaderEpoch(2)..=LeaderEpoch(4) };
    check(Bytes::from(bytes), place)
}

#[test]
fn batches_that_follow_each_other_are_taken_together() {
    let bytes = [batch(10, 2, 3), batch(13, 2, 1), batch(14, 4, 2), batch(16, 4, 1)].concat();
    let taken = fetched(bytes.clone()).unwrap().unwrap();
    let start = |epoch, start| EpochStart { epoch: LeaderEpoch(epoch), start: Offset(start) };
    let expected = Batches {
        bytes: Bytes::from(bytes),
        base: Offset(10),
        end: Offset(17),
        epochs: vec![start(2, 10), start(4, 14)],
    };
    assert_eq!(taken, expected);
    assert_eq!(fetched(Vec::new()), Ok(None));
}

#[test]
fn a_last_batch_cut_short_is_left_out_wherever_it_is_cut() {
    let (first, second) = (batch(10, 3, 2), batch(12, 3, 2));
    for kept in 0..second.len() {
        let bytes = [&first[..], &second[..kept]].concat();
        let taken = fetched(bytes).unwrap().unwrap();
        assert_eq!((&taken.bytes[..], taken.end), (&first[..], Offset(12)), "{kept} bytes of the second");
    }
}

/// A leader sends at least one whole batch. To take less for "nothing new" would ask it again at once, for ever.
#[test]
fn a_first_batch_cut_short_is_not_nothing() {
    let whole = batch(10, 3, 2);
    for kept in 1..whole.len() {
        assert_eq!(fetched(whole[..kept].to_vec()), Err(Unfit::NoWholeBatch), "{kept} bytes");
    }
}

#[test]
fn a_gap_or_an_overlap_is_refused() {
    for base in [0, 9, 11, 1000] {
        let gap = Unfit::Gap { expected: Offset(10), found: Offset(base) };
        assert_eq!(fetched(batch(base, 3, 1)), Err(gap));
    }
    for base in [10, 11, 13] {
        let gap = Unfit::Gap { expected: Offset(12), found: Offset(base) };
        assert_eq!(fetched([batch(10, 3, 2), batch(base, 3, 1)].concat()), Err(gap));
    }
}

#[test]
fn epochs_ascend_from_the_last_record_to_the_leader() {
    for epoch in [-1, 1, 5, i32::MAX] {
        assert_eq!(fetched(batch(10, epoch, 1)), Err(Unfit::Epoch(LeaderEpoch(epoch))));
    }
    let back = [batch(10, 3, 1), batch(11, 2, 1)].concat();
    assert_eq!(fetched(back), Err(Unfit::Epoch(LeaderEpoch(2))));
}

#[test]
fn any_flipped_bit_under_the_checksum_is_found() {
    let whole = [batch(10, 3, 2), batch(12, 3, 1)].concat();
    let second = batch(10, 3, 2).len();
    for at in second + 17..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        assert!(matches!(fetched(bytes), Err(Unfit::Damaged(_))), "byte {at}");
    }
}

#[test]
fn another_format_is_refused() {
    let mut bytes = batch(10, 3, 1);
    bytes[16] = 1;
    assert_eq!(fetched(bytes), Err(Unfit::Damaged(BatchError::UnsupportedMagic(1))));
    let mut bytes = batch(10, 3, 1);
    bytes[8..12].copy_from_slice(&(-1i32).to_be_bytes());
    assert_eq!(fetched(bytes), Err(Unfit::Damaged(BatchError::LengthTooSmall(-1))));
}

/// Compaction leaves such batches; this log is never compacted.
#[test]
fn a_batch_with_fewer_records_than_offsets_is_refused() {
    let whole = batch(10, 3, 2);
    let mut header = BatchHeader::parse(&whole).unwrap();
    header.last_offset_delta = 5;
    header.crc = header.computed_crc(&whole[HEADER_LEN..]);
    let bytes = [&header.to_bytes()[..], &whole[HEADER_LEN..]].concat();
    assert_eq!(fetched(bytes), Err(Unfit::Holes(Offset(10))));
}
