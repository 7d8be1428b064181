//! Any batch survives its bytes; any flipped bit under the CRC is noticed; no bytes make a reader panic.

use super::*;
use bytes::Bytes;
use model::{LeaderEpoch, Offset, ProducerId, Timestamp};
use proptest::prelude::*;

fn bytes_max(max: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

fn header() -> impl Strategy<Value = Header> {
    (bytes_max(12), prop::option::of(bytes_max(12))).prop_map(|(key, value)| Header { key, value })
}

fn compression() -> impl Strategy<Value = Compression> {
    (0u8..5).prop_map(|id| Compression::from_id(id).unwrap())
}

/// Records at ascending offsets from `base`, with gaps as compaction leaves them.
fn some_records(base: i64) -> impl Strategy<Value = Vec<Record>> {
    let one = (
        1..5i64,
        -1..i64::MAX / 2,
        prop::option::of(bytes_max(40)),
        prop::option::of(bytes_max(300)),
        prop::collection::vec(header(), 0..4),
    );
    prop::collection::vec(one, 1..20).prop_map(move |parts| {
        let mut next = base;
        let mut out = Vec::new();
        for (gap, timestamp, key, value, headers) in parts {
            let offset = Offset(next + gap - 1);
            next = offset.0 + 1;
            out.push(Record { offset, timestamp: Timestamp(timestamp), key, value, headers });
        }
        out
    })
}

fn built(base: i64, how: Compression, from: &[Record]) -> Bytes {
    let mut builder = BatchBuilder::new(Offset(base), LeaderEpoch(5)).compression(how);
    from.iter().for_each(|record| builder.push_record(record));
    builder.build()
}

proptest! {
    #[test]
    fn any_batch_survives_its_bytes(how in compression(), from in some_records(1 << 33)) {
        let batch = built(1 << 33, how, &from);
        prop_assert_eq!(check_crc(&batch), Ok(()));
        let read: Result<Vec<Record>, _> = records(&batch).collect();
        prop_assert_eq!(read.as_ref(), Ok(&from));
        let header = BatchHeader::parse(&batch).unwrap();
        prop_assert_eq!(header.total_len(), batch.len());
        prop_assert_eq!(header.last_offset(), from.last().unwrap().offset);
        prop_assert_eq!(header.max_timestamp, from.iter().map(|r| r.timestamp).max().unwrap());
        prop_assert_eq!(&header.to_bytes()[..], &batch[..HEADER_LEN]);
    }

    #[test]
    fn any_header_survives_its_bytes(
        base_offset in 0..i64::MAX / 2, leader_epoch: i32, crc: u32, bits in 0..0x1000i16, delta in 0..i32::MAX,
        times: (i64, i64), producer: (i64, i16, i32), length in 49..i32::MAX, share in 0.0..1.0f64,
    ) {
        let attributes = Attributes::from_bits(bits & !4);
        let header = BatchHeader {
            base_offset: Offset(base_offset), length, leader_epoch: LeaderEpoch(leader_epoch), crc,
            attributes: attributes.unwrap(), last_offset_delta: delta, base_timestamp: Timestamp(times.0),
            max_timestamp: Timestamp(times.1), producer_id: ProducerId(producer.0), producer_epoch: producer.1,
            base_sequence: producer.2, record_count: (f64::from(delta) * share) as i32,
        };
        prop_assert_eq!(BatchHeader::parse(&header.to_bytes()), Ok(header));
    }

    #[test]
    fn a_flipped_bit_is_noticed(how in compression(), from in some_records(0), at: prop::sample::Index, bit in 0..8u8) {
        let batch = built(0, how, &from);
        let at = at.index(batch.len());
        let mut bytes = batch.to_vec();
        bytes[at] ^= 1 << bit;
        // The base offset and the leader epoch are outside the CRC: they are the log's to check.
        let covered = (8..12).contains(&at) || at >= 16;
        prop_assert_eq!(check_crc(&bytes).is_err(), covered, "byte {} bit {}", at, bit);
    }

    #[test]
    fn arbitrary_records_under_a_valid_header_never_panic(
        how in compression(), count in 0..100i32, body in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let template = built(0, Compression::None, &[Record {
            offset: Offset(0), timestamp: Timestamp(1), key: None, value: None, headers: vec![],
        }]);
        let mut header = BatchHeader::parse(&template).unwrap();
        header.attributes = header.attributes.with_compression(how);
        (header.record_count, header.last_offset_delta) = (count, count.max(1) - 1);
        header.length = 49 + body.len() as i32;
        header.crc = header.computed_crc(&body);
        let batch = Bytes::from([&header.to_bytes()[..], &body].concat());
        let read = records_capped(&batch, 1 << 16).take_while(Result::is_ok).count();
        prop_assert!(read <= count as usize);
        let _ = check_produced(&batch, &ProduceRules {
            now: Timestamp(0), batch_bytes_max: 1 << 20, timestamp_type: TimestampType::CreateTime,
            before_max_ms: i64::MAX, after_max_ms: i64::MAX, zstd: true, keys: true,
        });
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), like_a_batch: bool) {
        let mut bytes = bytes;
        if like_a_batch && bytes.len() > 20 {
            bytes[16] = 2;
            let length = (bytes.len() - 12) as i32;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
        }
        let bytes = Bytes::from(bytes);
        if let Ok(header) = BatchHeader::parse(&bytes) {
            prop_assert!(header.next_offset() > header.base_offset);
        }
        let whole: usize = split(bytes.clone()).map_while(Result::ok).map(|batch| batch.len()).sum();
        prop_assert!(whole <= bytes.len());
        let _ = records_capped(&bytes, 1 << 16).count();
    }

    #[test]
    fn damage_within_a_record_is_an_error_or_another_record(
        from in some_records(0), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = built(0, Compression::None, &from).to_vec();
        let at = HEADER_LEN + at.index(bytes.len() - HEADER_LEN);
        bytes[at] = byte;
        let batch = Bytes::from(bytes);
        let read = records(&batch).map_while(Result::ok).count();
        prop_assert!(read <= from.len());
    }
}
