//! Snapshots there and back, and what is not one.

use super::*;
use crate::batch::Compression;
use crate::control::{KRaftVersionRecord, VotersRecord};
use crate::metadata::{ConfigRecord, FeatureLevelRecord, TopicRecord};
use model::Uuid;
use proptest::prelude::*;

const EPOCH: LeaderEpoch = LeaderEpoch(7);

fn sample(topics: usize) -> Vec<MetadataRecord> {
    let level = FeatureLevelRecord { name: "metadata.version".into(), feature_level: 30 };
    let topic =
        |index: usize| TopicRecord { name: format!("topic-{index}"), topic_id: Uuid([index as u8; 16]) };
    let topics = (0..topics).map(|index| topic(index).into());
    [MetadataRecord::from(level)].into_iter().chain(topics).collect()
}

fn written(records: Vec<MetadataRecord>) -> Vec<Bytes> {
    let batches: Result<Vec<Bytes>, WriteError> =
        write(records, EPOCH, Timestamp(99), Timestamp(120)).collect();
    batches.expect("written")
}

fn read(batches: &[Bytes]) -> Result<(Vec<ControlRecord>, Vec<MetadataRecord>), ReadError> {
    let (mut notes, mut records, mut reader) = (Vec::new(), Vec::new(), Reader::new());
    for batch in batches {
        match reader.read(batch)? {
            Part::Control(more) => notes.extend(more),
            Part::Data(batch) => records.extend(metadata(&batch)?),
        }
    }
    reader.finish().map(|()| (notes, records))
}

fn data(base: i64, records: usize) -> Bytes {
    let mut batch = BatchBuilder::new(Offset(base), EPOCH);
    for record in sample(records - 1) {
        batch.push(Timestamp(1), None, Some(&record.encode().expect("encodes")));
    }
    batch.build()
}

fn control(base: i64, notes: &[ControlRecord]) -> Bytes {
    ControlRecord::batch(notes, Offset(base), EPOCH, Timestamp(1)).expect("encodes")
}

fn header() -> ControlRecord {
    ControlRecord::SnapshotHeader(SnapshotHeaderRecord { version: 0, last_contained_log_timestamp: 99 })
}

fn footer() -> ControlRecord {
    ControlRecord::SnapshotFooter(SnapshotFooterRecord { version: 0 })
}

#[test]
fn a_snapshot_is_a_header_records_and_a_footer() {
    let batches = written(sample(3));
    let headers: Vec<BatchHeader> =
        batches.iter().map(|batch| BatchHeader::parse(batch).expect("a batch")).collect();
    let shape: Vec<_> = headers.iter().map(|h| (h.base_offset.0, h.record_count, h.is_control())).collect();
    assert_eq!(shape, [(0, 1, true), (1, 4, false), (5, 1, true)]);
    assert!(
        headers.iter().all(|header| header.leader_epoch == EPOCH && header.max_timestamp == Timestamp(120))
    );
    assert_eq!(read(&batches), Ok((vec![header(), footer()], sample(3))));
}

#[test]
fn a_snapshot_of_nothing_is_one() {
    assert_eq!(read(&written(Vec::new())), Ok((vec![header(), footer()], Vec::new())));
}

#[test]
fn many_records_take_several_batches_of_bounded_size() {
    let value = "v".repeat(30_000);
    let record =
        |index| ConfigRecord { name: format!("{index}"), value: Some(value.clone()), ..Default::default() };
    let records: Vec<MetadataRecord> = (0..100).map(|index| record(index).into()).collect();
    let batches = written(records.clone());
    assert_eq!(batches.len(), 2 + 3);
    assert!(batches.iter().all(|batch| batch.len() <= WRITTEN_BATCH_BYTES));
    assert_eq!(read(&batches).map(|(_, records)| records), Ok(records));
}

#[test]
fn a_text_too_long_for_a_record_is_refused_and_ends_the_snapshot() {
    let long = ConfigRecord { name: "n".repeat(40_000), ..Default::default() };
    let records = [sample(1), vec![long.into()], sample(1)].concat();
    let mut batches = write(records, EPOCH, Timestamp(99), Timestamp(120));
    assert!(batches.next().expect("the header").is_ok());
    assert!(matches!(batches.next(), Some(Err(WriteError::Encode(_)))));
    assert!(batches.next().is_none());
}

#[test]
fn what_a_later_quorum_notes_is_read() {
    let version = ControlRecord::KRaftVersion(KRaftVersionRecord { version: 0, k_raft_version: 1 });
    let notes = vec![header(), version, ControlRecord::Voters(VotersRecord::default())];
    let read = read(&[control(0, &notes), data(3, 2), control(5, &[footer()])]);
    assert_eq!(read, Ok(([notes, vec![footer()]].concat(), sample(1))));
}

#[test]
fn what_is_cut_short_or_out_of_order_is_no_snapshot() {
    let (begin, end) = (control(0, &[header()]), |base| control(base, &[footer()]));
    for (batches, why) in [
        (vec![], ReadError::NotWhole),
        (vec![begin.clone()], ReadError::NotWhole),
        (vec![begin.clone(), data(1, 3)], ReadError::NotWhole),
        (vec![data(0, 3), end(3)], ReadError::Header),
        (vec![end(0)], ReadError::Header),
        (vec![control(0, &[header(), header()]), end(2)], ReadError::Header),
        (vec![begin.clone(), control(1, &[header()]), end(2)], ReadError::Header),
        (vec![begin.clone(), end(1), data(2, 1)], ReadError::Footer),
        (vec![begin.clone(), end(1), end(2)], ReadError::Footer),
        (
            vec![control(0, &[header(), footer(), ControlRecord::Voters(VotersRecord::default())])],
            ReadError::Footer,
        ),
        (vec![begin.clone(), data(2, 1)], ReadError::Offset { found: Offset(2), expected: Offset(1) }),
        (vec![begin.clone(), data(0, 1)], ReadError::Offset { found: Offset(0), expected: Offset(1) }),
    ] {
        assert_eq!(read(&batches), Err(why));
    }
}

#[test]
fn what_decompresses_to_more_than_a_batch_may_hold_is_refused() {
    let mut batch = BatchBuilder::new(Offset(1), EPOCH).compression(Compression::Zstd);
    batch.push(Timestamp(1), None, Some(&vec![0; BATCH_BYTES_MAX]));
    let batch = batch.build();
    assert!(batch.len() < 10_000);
    assert!(matches!(metadata(&batch), Err(ReadError::Batch(BatchError::Compression(_)))));
    let mut reader = Reader::new();
    let vast = Bytes::from(vec![0; BATCH_BYTES_MAX + 1]);
    assert_eq!(reader.read(&vast), Err(ReadError::TooLarge(BATCH_BYTES_MAX + 1)));
}

proptest! {
    #[test]
    fn a_flipped_bit_is_noticed_or_harmless(topics in 0usize..4, at: prop::sample::Index, bit in 0..8u8) {
        let batches = written(sample(topics));
        let mut bytes = batches.concat();
        // Outside the checksum are the offset, which is checked, and the epoch, which says nothing.
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let mut from = 0;
        let epoch = batches.iter().any(|batch| {
            let start = from;
            from += batch.len();
            (start + 12..start + 16).contains(&at)
        });
        let split: Result<Vec<Bytes>, BatchError> = crate::batch::split(bytes.into()).collect();
        let whole = split.is_ok_and(|batches| read(&batches).is_ok());
        prop_assert_eq!(whole, epoch);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), batches in 0usize..3) {
        let whole = written(sample(2));
        let mut reader = Reader::new();
        for batch in &whole[..batches] {
            prop_assert!(reader.read(batch).is_ok());
        }
        let bytes = Bytes::from(bytes);
        prop_assert!(reader.read(&bytes).is_err());
        prop_assert!(metadata(&bytes).is_err());
    }
}
