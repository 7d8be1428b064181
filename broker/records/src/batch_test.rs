//! Batches against bytes worked out by hand from the format's description, and every refusal of a produced batch.

use super::*;
use bytes::{Bytes, BytesMut};
use model::{LeaderEpoch, Offset, ProducerId, Timestamp};

fn one_record() -> Bytes {
    let mut builder = BatchBuilder::new(Offset(7), LeaderEpoch(3));
    builder.push_with_headers(Timestamp(1000), Some(b"k"), Some(b"vv"), &[("h", None)]);
    builder.build()
}

#[test]
fn a_batch_has_kafkas_layout() {
    let batch = one_record();
    let mut expected = Vec::new();
    expected.extend_from_slice(&7i64.to_be_bytes());
    expected.extend_from_slice(&(49i32 + 13).to_be_bytes());
    expected.extend_from_slice(&3i32.to_be_bytes());
    expected.push(2);
    let crc_at = expected.len();
    expected.extend_from_slice(&[0; 4]);
    expected.extend_from_slice(&0i16.to_be_bytes());
    expected.extend_from_slice(&0i32.to_be_bytes());
    expected.extend_from_slice(&1000i64.to_be_bytes());
    expected.extend_from_slice(&1000i64.to_be_bytes());
    expected.extend_from_slice(&(-1i64).to_be_bytes());
    expected.extend_from_slice(&(-1i16).to_be_bytes());
    expected.extend_from_slice(&(-1i32).to_be_bytes());
    expected.extend_from_slice(&1i32.to_be_bytes());
    // length 12, attributes, timestamp delta, offset delta, key, value, one header with a null value.
    expected.extend_from_slice(&[24, 0, 0, 0, 2, b'k', 4, b'v', b'v', 2, 2, b'h', 1]);
    let crc = crc32c(&expected[21..]);
    expected[crc_at..crc_at + 4].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(batch, expected);
}

#[test]
fn crc_is_castagnoli() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    assert_eq!(crc32c_append(crc32c(b"1234"), b"56789"), 0xe306_9283);
}

#[test]
fn placing_a_batch_leaves_its_crc_alone() {
    let batch = one_record();
    let mut header = BatchHeader::parse(&batch).unwrap();
    header.place(Offset(1 << 40), LeaderEpoch(9));
    let (head, body) = header.pieces(&batch);
    let placed = [head, body].concat();
    assert_eq!(check_crc(&placed), Ok(()));
    let record = records(&Bytes::from(placed)).next().unwrap().unwrap();
    assert_eq!(record.offset, Offset(1 << 40));
}

#[test]
fn log_append_time_needs_a_new_crc_and_gets_it() {
    let batch = one_record();
    let mut header = BatchHeader::parse(&batch).unwrap();
    header.stamp_log_append_time(Timestamp(5000), &batch[HEADER_LEN..]);
    let stamped = Bytes::from([&header.to_bytes()[..], &batch[HEADER_LEN..]].concat());
    assert_eq!(check_crc(&stamped), Ok(()));
    assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(records(&stamped).next().unwrap().unwrap().timestamp, Timestamp(5000));
}

#[test]
fn split_hands_out_whole_batches_and_one_error() {
    let batch = one_record();
    let mut bytes = BytesMut::from(&batch[..]);
    bytes.extend_from_slice(&batch);
    bytes.extend_from_slice(&batch[..30]);
    let items: Vec<_> = split(bytes.freeze()).collect();
    let needed = batch.len();
    assert_eq!(items, [Ok(batch.clone()), Ok(batch), Err(BatchError::Truncated { needed, have: 30 })]);
}

#[test]
fn old_formats_are_named_before_their_length_is_judged() {
    let mut bytes = vec![0u8; 26];
    bytes[11] = 14;
    bytes[16] = 1;
    assert_eq!(frame(&bytes), Err(BatchError::UnsupportedMagic(1)));
    assert_eq!(BatchHeader::parse(&bytes), Err(BatchError::UnsupportedMagic(1)));
}

#[test]
fn sequence_numbers_wrap_to_zero() {
    let mut header = BatchHeader::parse(&one_record()).unwrap();
    assert_eq!(header.last_sequence(), -1);
    header.base_sequence = i32::MAX - 1;
    header.last_offset_delta = 1;
    assert_eq!(header.last_sequence(), i32::MAX);
    header.last_offset_delta = 3;
    assert_eq!(header.last_sequence(), 1);
}

#[test]
fn a_header_whose_records_were_all_compacted_away_reads_as_no_records() {
    let mut header = BatchHeader::parse(&one_record()).unwrap();
    header.length = 49;
    header.record_count = 0;
    header.attributes = header.attributes.with_compression(Compression::Zstd);
    header.crc = header.computed_crc(&[]);
    let batch = Bytes::copy_from_slice(&header.to_bytes());
    assert_eq!(check_crc(&batch), Ok(()));
    assert_eq!(records(&batch).count(), 0);
}

fn rules() -> ProduceRules {
    ProduceRules {
        now: Timestamp(10_000),
        batch_bytes_max: 1 << 20,
        timestamp_type: TimestampType::CreateTime,
        before_max_ms: i64::MAX,
        after_max_ms: 3_600_000,
        zstd: true,
        keys: false,
    }
}

fn produced(count: usize) -> Bytes {
    let mut builder = BatchBuilder::produced();
    for index in 0..count {
        builder.push(Timestamp(1000 + index as i64), None, Some(b"value"));
    }
    builder.build()
}

/// A produced batch of two records with its header changed and the CRC right again.
fn changed(change: impl FnOnce(&mut BatchHeader)) -> Bytes {
    let batch = produced(2);
    let mut header = BatchHeader::parse(&batch).unwrap();
    change(&mut header);
    header.crc = header.computed_crc(&batch[HEADER_LEN..]);
    Bytes::from([&header.to_bytes()[..], &batch[HEADER_LEN..]].concat())
}

#[test]
fn a_clients_batch_is_accepted_as_it_is() {
    let batch = produced(3);
    let accepted = check_produced(&batch, &rules()).unwrap();
    assert_eq!(accepted.header, BatchHeader::parse(&batch).unwrap());
    assert_eq!(accepted.batch, batch);
}

#[test]
fn a_wrong_max_timestamp_is_corrected() {
    for wrong in [-1, 0, 900_000] {
        let accepted = check_produced(&changed(|h| h.max_timestamp = Timestamp(wrong)), &rules()).unwrap();
        assert_eq!(accepted.header.max_timestamp, Timestamp(1001));
        let (head, body) = accepted.header.pieces(&accepted.batch);
        assert_eq!(check_crc(&[head, body].concat()), Ok(()));
    }
}

#[test]
fn each_mistake_of_a_client_has_its_own_refusal() {
    let refused = |bytes: Bytes| check_produced(&bytes, &rules()).unwrap_err();
    assert_eq!(refused(Bytes::new()), ProduceRefusal::NoBatch);
    let two = Bytes::from([produced(1), produced(1)].concat());
    assert_eq!(refused(two), ProduceRefusal::MoreThanOneBatch);
    let trailing = Bytes::from([&produced(1)[..], &[0; 5]].concat());
    assert_eq!(refused(trailing), ProduceRefusal::Corrupt(BatchError::TrailingBytes { extra: 5 }));

    let mismatch = ProduceRefusal::CountMismatch { count: 2, last_offset_delta: 7 };
    assert_eq!(refused(changed(|h| h.last_offset_delta = 7)), mismatch);
    let mismatch = ProduceRefusal::CountMismatch { count: 3, last_offset_delta: 1 };
    assert_eq!(refused(changed(|h| h.record_count = 3)), mismatch);
    assert_eq!(refused(changed(|h| h.record_count = 0)), ProduceRefusal::NoRecords);
    let claim = changed(|h| (h.record_count, h.last_offset_delta) = (i32::MAX, i32::MAX - 1));
    assert_eq!(refused(claim), ProduceRefusal::TooManyRecords { count: i32::MAX });
    assert_eq!(refused(changed(|h| h.base_offset = Offset(4))), ProduceRefusal::BaseOffset(4));

    let control = changed(|h| h.attributes = h.attributes.with_control(true));
    assert_eq!(refused(control), ProduceRefusal::ControlBatch);
    let horizon = changed(|h| h.attributes = h.attributes.with_delete_horizon(true));
    assert_eq!(refused(horizon), ProduceRefusal::DeleteHorizon);
    let append = changed(|h| h.attributes = h.attributes.with_timestamp_type(TimestampType::LogAppendTime));
    assert_eq!(refused(append), ProduceRefusal::LogAppendTime);
    let transaction = changed(|h| h.attributes = h.attributes.with_transactional(true));
    assert_eq!(refused(transaction), ProduceRefusal::TransactionWithoutProducer);
    let unsigned = changed(|h| h.producer_id = ProducerId(5));
    assert_eq!(refused(unsigned), ProduceRefusal::Sequence { epoch: -1, base_sequence: -1 });

    assert_eq!(refused(changed(|h| h.base_timestamp = Timestamp(-2))), ProduceRefusal::Timestamp(-2));
    let future = changed(|h| h.max_timestamp = Timestamp(3_610_001));
    assert_eq!(refused(future.clone()), ProduceRefusal::Timestamp(3_610_001));
    let broker_clock = ProduceRules { timestamp_type: TimestampType::LogAppendTime, ..rules() };
    assert!(check_produced(&future, &broker_clock).is_ok());
    let old = ProduceRules { before_max_ms: 10, ..rules() };
    assert_eq!(check_produced(&produced(1), &old), Err(ProduceRefusal::Timestamp(1000)));
}

#[test]
fn the_requests_version_and_the_topics_configuration_count() {
    let batch = produced(2);
    let small = ProduceRules { batch_bytes_max: batch.len() - 1, ..rules() };
    let too_large = ProduceRefusal::TooLarge { bytes: batch.len(), max: batch.len() - 1 };
    assert_eq!(check_produced(&batch, &small), Err(too_large));
    let keys = ProduceRules { keys: true, ..rules() };
    assert_eq!(check_produced(&batch, &keys), Err(ProduceRefusal::NoKey { index: 0 }));

    let mut builder = BatchBuilder::produced().compression(Compression::Zstd);
    builder.push(Timestamp(1), None, None);
    let zstd = builder.build();
    assert!(check_produced(&zstd, &rules()).is_ok());
    let early = ProduceRules { zstd: false, ..rules() };
    assert_eq!(check_produced(&zstd, &early), Err(ProduceRefusal::ZstdTooEarly));
}

#[test]
fn uncompressed_records_are_walked() {
    let batch = produced(2);
    let header = BatchHeader::parse(&batch).unwrap();
    let damaged = |at: usize, byte: u8| {
        let mut body = batch[HEADER_LEN..].to_vec();
        body[at] = byte;
        let mut header = header;
        header.crc = header.computed_crc(&body);
        let bytes = Bytes::from([&header.to_bytes()[..], &body].concat());
        match check_produced(&bytes, &rules()) {
            Err(ProduceRefusal::Corrupt(BatchError::Record { index, problem })) => (index, problem),
            other => panic!("{other:?}"),
        }
    };
    // Byte 0 is the first record's length (11), byte 3 its offset delta, 10 its header count; 12 begins the second.
    assert_eq!(batch[HEADER_LEN], 22);
    assert_eq!(damaged(0, 0x7f), (0, RecordProblem::Length));
    assert_eq!(damaged(0, 0x7e), (0, RecordProblem::Truncated));
    assert_eq!(damaged(3, 2), (0, RecordProblem::Offset));
    assert_eq!(damaged(11, 2), (0, RecordProblem::Headers));
    assert_eq!(damaged(12, 20), (1, RecordProblem::Length));
}
