//! Batches written by Kafka 4.3 itself (`testdata/Golden.java`): we read what they hold, and where no compressor
//! has a say we write the same bytes.

use super::*;
use crate::control::*;
use bytes::Bytes;
use model::{LeaderEpoch, Offset, ProducerId, Timestamp};

const BY_COMPRESSION: [(Compression, &[u8]); 5] = [
    (Compression::None, include_bytes!("../testdata/none.batch")),
    (Compression::Gzip, include_bytes!("../testdata/gzip.batch")),
    (Compression::Snappy, include_bytes!("../testdata/snappy.batch")),
    (Compression::Lz4, include_bytes!("../testdata/lz4.batch")),
    (Compression::Zstd, include_bytes!("../testdata/zstd.batch")),
];

/// The records that Golden.java writes with every compression.
fn expected() -> Vec<Record> {
    let header =
        |key: String, value: Option<Vec<u8>>| Header { key: key.into(), value: value.map(Bytes::from) };
    let record = |i: i64| Record {
        offset: Offset(1000 + i),
        timestamp: Timestamp(1_700_000_000_000 + i * 37 % 50),
        key: Some(format!("key-{i}").into()),
        value: (i != 7).then(|| format!("value of record {i} ").repeat(4).into()),
        headers: match i % 5 {
            0 => vec![header(format!("h{i}"), Some(vec![i as u8])), header("n".into(), None)],
            _ => vec![],
        },
    };
    (0..50).map(record).collect()
}

#[test]
fn kafkas_batches_are_read_with_every_compression() {
    for (how, bytes) in BY_COMPRESSION {
        let batch = Bytes::from_static(bytes);
        assert_eq!(check_crc(&batch), Ok(()), "{}", how.name());
        let header = BatchHeader::parse(&batch).unwrap();
        assert_eq!(header.compression(), how);
        assert_eq!((header.base_offset, header.last_offset()), (Offset(1000), Offset(1049)));
        assert_eq!((header.base_sequence, header.last_sequence()), (41, 90));
        assert_eq!((header.producer_id, header.producer_epoch), (ProducerId(77), 3));
        assert_eq!(header.max_timestamp, Timestamp(1_700_000_000_049));
        assert!(header.is_transactional() && !header.is_control());
        let read: Result<Vec<_>, _> = records(&batch).collect();
        assert_eq!(read, Ok(expected()), "{}", how.name());
    }
}

#[test]
fn the_same_records_give_kafkas_bytes() {
    let mut builder =
        BatchBuilder::new(Offset(1000), LeaderEpoch(9)).producer(ProducerId(77), 3, 41).transactional();
    expected().iter().for_each(|record| builder.push_record(record));
    assert_eq!(builder.build(), BY_COMPRESSION[0].1);

    let mut builder = BatchBuilder::new(Offset(5), LeaderEpoch(0)).log_append_time(Timestamp(1_234_567));
    builder.push(Timestamp(55), None, Some(b"v"));
    assert_eq!(builder.build(), &include_bytes!("../testdata/log_append_time.batch")[..]);
}

#[test]
fn the_same_control_records_give_kafkas_bytes() {
    let voter = |voter_id| LeaderChangeVoter { voter_id, ..Default::default() };
    let control = [
        ControlRecord::LeaderChange(LeaderChangeMessage {
            version: 0,
            leader_id: 1,
            voters: vec![voter(1), voter(2)],
            granting_voters: vec![voter(1)],
        }),
        ControlRecord::SnapshotHeader(SnapshotHeaderRecord { version: 0, last_contained_log_timestamp: 98 }),
        ControlRecord::SnapshotFooter(SnapshotFooterRecord { version: 0 }),
        ControlRecord::KRaftVersion(KRaftVersionRecord { version: 0, k_raft_version: 1 }),
        ControlRecord::Voters(VotersRecord {
            version: 0,
            voters: vec![Voter {
                voter_id: 1,
                voter_directory_id: "J8aAPcfLQt2bqs1JT_rMgQ".parse().unwrap(),
                endpoints: vec![VoterEndpoint {
                    name: "CONTROLLER".into(),
                    host: "localhost".into(),
                    port: 65000,
                }],
                k_raft_version_feature: KRaftVersionFeature {
                    min_supported_version: 0,
                    max_supported_version: 1,
                },
            }],
        }),
    ];
    let batch = ControlRecord::batch(&control, Offset(12), LeaderEpoch(4), Timestamp(99)).unwrap();
    assert_eq!(batch, &include_bytes!("../testdata/control.batch")[..]);
}

#[test]
fn a_transaction_marker_gives_kafkas_bytes() {
    let marker = ControlRecord::Commit(EndTxnMarker { coordinator_epoch: 21 });
    let mut builder = BatchBuilder::new(Offset(30), LeaderEpoch(6))
        .producer(ProducerId(77), 3, -1)
        .transactional()
        .control();
    builder.push(Timestamp(99), Some(&marker.key()), Some(&marker.value().unwrap()));
    assert_eq!(builder.build(), &include_bytes!("../testdata/commit_marker.batch")[..]);
}
