//! Records in order, from the offset that was asked for, over gaps and control batches; nothing damaged is handed out.

use super::*;
use model::{Offset, Timestamp};
use records::batch::{BatchBuilder, Compression, HEADER_LEN};

const MAX: usize = 1 << 20;

fn batch(base: i64, epoch: i32, values: &[&str]) -> BatchBuilder {
    let mut builder = BatchBuilder::new(Offset(base), LeaderEpoch(epoch)).compression(Compression::Gzip);
    values.iter().for_each(|value| builder.push(Timestamp(5), None, Some(value.as_bytes())));
    builder
}

/// Values with their offsets.
type Values = Vec<(i64, String)>;

/// Reads everything from an offset on: values with offsets, where it ended, and in which epoch.
fn read(bytes: Vec<Bytes>, from: i64) -> Result<(Values, i64, i32), BatchError> {
    let mut fetched = Fetched::new(bytes.concat().into());
    let (mut read, mut at, mut of) = (Vec::new(), from, LeaderEpoch::UNKNOWN);
    loop {
        match fetched.next(at, MAX)? {
            Next::Record(record, epoch, next) => {
                let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                read.push((record.offset.0, value));
                (at, of) = (next, epoch);
            }
            Next::Passed(epoch, next) => (at, of) = (next, epoch),
            Next::End => {
                assert!(fetched.is_empty());
                return Ok((read, at, of.0));
            }
        }
    }
}

#[test]
fn reading_begins_within_a_batch() {
    let bytes = vec![batch(10, 1, &["a", "b", "c"]).build(), batch(13, 2, &["d"]).build()];
    let (read, at, epoch) = read(bytes, 11).unwrap();
    assert_eq!(read, [(11, "b".into()), (12, "c".into()), (13, "d".into())]);
    assert_eq!((at, epoch), (14, 2));
}

#[test]
fn control_batches_and_gaps_are_passed_over() {
    let control = batch(3, 1, &["marker"]).control().build();
    let (seen, at, epoch) = read(vec![batch(0, 0, &["a"]).build(), control.clone()], 0).unwrap();
    assert_eq!((seen, at, epoch), (vec![(0, "a".into())], 4, 1));
    // Nothing but what consumers don't see: the position moves all the same.
    assert_eq!(read(vec![control], 1).unwrap(), (vec![], 4, 1));
    // Compaction took the last record of a batch: the next one is behind where it was.
    let mut compacted = BatchBuilder::new(Offset(20), LeaderEpoch(3));
    for (offset, value) in [(20, "x"), (22, "y")] {
        let value = Some(Bytes::from(value));
        let (key, headers, timestamp) = (None, Vec::new(), Timestamp(1));
        compacted.push_record(&Record { offset: Offset(offset), timestamp, key, value, headers });
    }
    let whole = compacted.build();
    let mut header = BatchHeader::parse(&whole).unwrap();
    header.last_offset_delta = 4;
    header.crc = header.computed_crc(&whole[HEADER_LEN..]);
    let bytes = [&header.to_bytes()[..], &whole[HEADER_LEN..]].concat();
    assert_eq!(read(vec![bytes.into()], 4).unwrap().1, 25);
}

#[test]
fn half_a_batch_at_the_end_is_left_for_later() {
    let whole = batch(0, 0, &["a"]).build();
    for cut in [1, 17, 60, whole.len() - 1] {
        let half = batch(1, 0, &["b"]).build().slice(..cut.min(whole.len() - 1));
        assert_eq!(read(vec![whole.clone(), half], 0).unwrap().1, 1, "{cut}");
    }
}

#[test]
fn what_is_damaged_is_not_handed_out() {
    let mut bytes = batch(0, 0, &["a", "b"]).build().to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert!(matches!(read(vec![bytes.into()], 0), Err(BatchError::CrcMismatch { .. })));
    let zeroes: String = std::iter::repeat_n('0', MAX + 1).collect();
    assert!(matches!(read(vec![batch(0, 0, &[&zeroes]).build()], 0), Err(BatchError::Compression(_))));
}

/// Records whose batch turns out to be damaged behind them: none of them is handed out, neither now nor after the error.
#[test]
fn nothing_of_a_damaged_batch_is_handed_out_after_its_error() {
    let mut plain = BatchBuilder::new(Offset(0), LeaderEpoch(0));
    ["a", "b"].iter().for_each(|value| plain.push(Timestamp(5), None, Some(value.as_bytes())));
    let whole = plain.build();
    // A record more than there are, under a checksum that is right.
    let mut header = BatchHeader::parse(&whole).unwrap();
    header.record_count += 1;
    header.last_offset_delta += 1;
    header.crc = header.computed_crc(&whole[HEADER_LEN..]);
    let damaged = [&header.to_bytes()[..], &whole[HEADER_LEN..]].concat();
    let bytes = [damaged, batch(3, 0, &["c"]).build().to_vec()].concat();
    let mut fetched = Fetched::new(bytes.into());
    fetched.next(0, MAX).unwrap_err();
    assert!(fetched.is_empty());
    assert_eq!(fetched.next(0, MAX), Ok(Next::End));
}
