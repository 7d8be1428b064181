//! Control records against bytes worked out from Kafka's schemas, and there and back.

use super::*;
use crate::batch::{BatchHeader, check_crc, records};
use model::Uuid;
use proptest::prelude::*;

fn sample() -> Vec<ControlRecord> {
    let voter = LeaderChangeVoter { voter_id: 1, ..Default::default() };
    vec![
        ControlRecord::Abort(EndTxnMarker { coordinator_epoch: 7 }),
        ControlRecord::Commit(EndTxnMarker { coordinator_epoch: -1 }),
        ControlRecord::LeaderChange(LeaderChangeMessage {
            version: 0,
            leader_id: 1,
            voters: vec![voter.clone(), LeaderChangeVoter { voter_id: 2, ..Default::default() }],
            granting_voters: vec![voter],
        }),
        ControlRecord::SnapshotHeader(SnapshotHeaderRecord { version: 0, last_contained_log_timestamp: 99 }),
        ControlRecord::SnapshotFooter(SnapshotFooterRecord { version: 0 }),
        ControlRecord::KRaftVersion(KRaftVersionRecord { version: 0, k_raft_version: 1 }),
        ControlRecord::Voters(VotersRecord {
            version: 0,
            voters: vec![Voter {
                voter_id: 1,
                voter_directory_id: Uuid([9; 16]),
                endpoints: vec![VoterEndpoint { name: "C".into(), host: "localhost".into(), port: 65535 }],
                k_raft_version_feature: KRaftVersionFeature {
                    min_supported_version: 0,
                    max_supported_version: 1,
                },
            }],
        }),
    ]
}

#[test]
fn control_records_survive_a_control_batch() {
    let batch = ControlRecord::batch(&sample(), Offset(40), LeaderEpoch(3), Timestamp(5)).unwrap();
    assert_eq!(check_crc(&batch), Ok(()));
    let header = BatchHeader::parse(&batch).unwrap();
    assert!(header.is_control() && !header.is_transactional());
    assert_eq!((header.base_offset, header.leader_epoch), (Offset(40), LeaderEpoch(3)));
    let read: Vec<_> =
        records(&batch).map(|record| ControlRecord::decode(&record.unwrap()).unwrap()).collect();
    assert_eq!(read, sample());
}

#[test]
fn values_are_kafkas_bytes() {
    let [abort, _, leader, header, footer, kraft, voters] = &sample()[..] else { panic!() };
    assert_eq!(abort.key(), [0, 0, 0, 0]);
    assert_eq!(&abort.value().unwrap()[..], [0, 0, 0, 0, 0, 7]);
    assert_eq!(leader.key(), [0, 0, 0, 2]);
    // Version, leader, two voters, one granting voter (each an id and no tagged fields), no tagged fields.
    let expected = [0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 1, 0, 0];
    assert_eq!(&leader.value().unwrap()[..], expected);
    assert_eq!(&header.value().unwrap()[..], [0, 0, 0, 0, 0, 0, 0, 0, 0, 99, 0]);
    assert_eq!(&footer.value().unwrap()[..], [0, 0, 0]);
    assert_eq!(&kraft.value().unwrap()[..], [0, 0, 0, 1, 0]);
    let mut expected = vec![0, 0, 2, 0, 0, 0, 1];
    expected.extend_from_slice(&[9; 16]);
    expected.extend_from_slice(&[2, 2, b'C', 10]);
    expected.extend_from_slice(b"localhost");
    expected.extend_from_slice(&[0xff, 0xff, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(voters.value().unwrap(), expected);
}

#[test]
fn a_type_from_the_future_is_passed_over() {
    let mut record = decoded(&[0, 0, 0, 9], Some(b""));
    assert_eq!(ControlRecord::decode(&record), Ok(ControlRecord::Unknown(9)));
    record.key = Some(Bytes::from_static(&[0, 0, 0xff, 0xff]));
    assert_eq!(ControlRecord::decode(&record), Ok(ControlRecord::Unknown(-1)));
}

#[test]
fn a_higher_version_is_read_as_the_highest_known() {
    let record = decoded(&[0, 3, 0, 1], Some(&[0, 5, 0, 0, 0, 7, 1, 2, 3]));
    let marker = EndTxnMarker { coordinator_epoch: 7 };
    assert_eq!(ControlRecord::decode(&record), Ok(ControlRecord::Commit(marker)));
}

#[test]
fn what_is_no_control_record_is_refused() {
    let refused = |key: &[u8], value| ControlRecord::decode(&decoded(key, value)).unwrap_err();
    assert_eq!(refused(&[0, 0, 0], Some(b"")), ControlError::Key);
    assert_eq!(refused(&[0xff, 0xff, 0, 1], Some(b"")), ControlError::Version(-1));
    assert_eq!(refused(&[0, 0, 0, 1], None), ControlError::NoValue);
    assert_eq!(refused(&[0, 0, 0, 1], Some(&[0xff, 0xfe])), ControlError::Version(-2));
    assert_eq!(refused(&[0, 0, 0, 4], Some(&[0])), ControlError::Value(DecodeError::Truncated));
}

fn decoded(key: &[u8], value: Option<&[u8]>) -> Record {
    Record {
        offset: Offset(0),
        timestamp: Timestamp(0),
        key: Some(Bytes::copy_from_slice(key)),
        value: value.map(Bytes::copy_from_slice),
        headers: Vec::new(),
    }
}

proptest! {
    #[test]
    fn arbitrary_values_never_panic(kind in -1..8i16, value in prop::collection::vec(any::<u8>(), 0..100)) {
        let key = [[0, 0], kind.to_be_bytes()].concat();
        let _ = ControlRecord::decode(&decoded(&key, Some(&value)));
    }
}
