//! The frame around metadata records, and the versions that a cluster at 4.3-IV0 writes.

use bytes::Bytes;
use model::Uuid;

use super::*;

/// Frame version 1, type 12, version 0, `metadata.version` at level 30.
#[test]
fn a_record_is_its_frame_and_its_fields() {
    let record = FeatureLevelRecord { name: "metadata.version".into(), feature_level: METADATA_VERSION };
    let value = MetadataRecord::from(record.clone()).encode().unwrap();
    assert_eq!(value, [&[1, 12, 0, 17][..], b"metadata.version", &[0, 30, 0]].concat());
    assert_eq!(MetadataRecord::decode(value), Ok(MetadataRecord::FeatureLevel(record)));
}

#[test]
fn records_are_written_at_the_versions_of_4_3() {
    let version = |record: MetadataRecord| (record.record_type(), record.version());
    assert_eq!(version(RegisterBrokerRecord::default().into()), (0, 4));
    assert_eq!(version(PartitionRecord::default().into()), (3, 2));
    assert_eq!(version(PartitionChangeRecord::default().into()), (5, 2));
    assert_eq!(version(RegisterControllerRecord::default().into()), (27, 0));
    assert_eq!(version(TopicRecord::default().into()), (2, 0));
}

/// As Kafka's controller: fencing is said in version 0, so that followers of any release understand it.
#[test]
fn a_registration_change_is_written_at_the_lowest_version_that_carries_it() {
    let fenced = BrokerRegistrationChangeRecord { broker_id: 1, fenced: 1, ..Default::default() };
    let down = BrokerRegistrationChangeRecord { in_controlled_shutdown: 1, ..fenced.clone() };
    let directories = BrokerRegistrationChangeRecord { log_dirs: vec![Uuid([1; 16])], ..down.clone() };
    let cordoned = BrokerRegistrationChangeRecord { cordoned_log_dirs: Some(vec![]), ..directories.clone() };
    for (version, record) in [fenced, down, directories, cordoned].into_iter().enumerate() {
        let record = MetadataRecord::from(record);
        assert_eq!(usize::try_from(record.version()), Ok(version));
        assert_eq!(MetadataRecord::decode(record.encode().unwrap()), Ok(record));
    }
}

#[test]
fn a_change_of_a_partition_says_only_what_changed() {
    let record = PartitionChangeRecord {
        partition_id: 1,
        topic_id: Uuid([2; 16]),
        isr: Some(vec![3]),
        directories: Some(vec![]),
        last_known_elr: Some(vec![]),
        ..PartitionChangeRecord::default()
    };
    let value = MetadataRecord::from(record).encode().unwrap();
    let fixed = [&[1, 5, 2][..], &[0, 0, 0, 1], &[2; 16]].concat();
    // Tags 0, 7 and 8 in this order, though 8 is declared before 7.
    assert_eq!(value, [&fixed[..], &[3, 0, 5, 2, 0, 0, 0, 3, 7, 1, 1, 8, 1, 1]].concat());
}

#[test]
fn what_is_not_one_whole_known_record_is_refused() {
    let decode = |bytes: &[u8]| MetadataRecord::decode(Bytes::copy_from_slice(bytes)).unwrap_err();
    assert_eq!(decode(&[]), RecordError::Frame(DecodeError::Truncated));
    assert_eq!(decode(&[0, 20, 0, 0]), RecordError::FrameVersion(0));
    assert_eq!(decode(&[2, 20, 0, 0]), RecordError::FrameVersion(2));
    assert_eq!(decode(&[1, 6, 0, 0]), RecordError::UnknownType(6));
    assert_eq!(decode(&[1, 20, 0, 0, 0]), RecordError::Garbage(1));
    let body = |record, version, field, cause| RecordError::Body { record, version, field, cause };
    assert_eq!(decode(&[1, 20, 1, 0]), body("NoOpRecord", 1, "", DecodeError::UnsupportedVersion));
    assert_eq!(
        decode(&[1, 20, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        body("NoOpRecord", i16::MAX, "", DecodeError::UnsupportedVersion)
    );
    assert_eq!(decode(&[1, 2, 0, 2]), body("TopicRecord", 0, "name", DecodeError::Truncated));
}

#[test]
fn a_text_that_no_request_could_carry_is_refused() {
    let record = ConfigRecord { value: Some("x".repeat(40_000)), ..ConfigRecord::default() };
    assert_eq!(MetadataRecord::from(record).encode(), Err(EncodeError::TooLong { field: "value" }));
}
