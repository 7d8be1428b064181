//! A metadata log that Apache Kafka wrote: every record is read, and written again it is Kafka's bytes.
//!
//! `testdata/kafka-4.1.0/metadata.log` are batches of `__cluster_metadata` of a single node of Apache Kafka 4.1.0, those that
//! hold the first record of each type and version that an ordinary life (start, topics, shutdown) wrote.

// Tests: the log is read from a file.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use records::batch::{BatchHeader, check_crc, records, split};
use records::control::ControlRecord;
use records::metadata::MetadataRecord;

#[test]
fn a_log_of_apache_kafka_is_read_and_written_back() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/kafka-4.1.0/metadata.log");
    let mut seen = BTreeSet::new();
    for batch in split(Bytes::from(std::fs::read(path).unwrap())) {
        let batch = batch.unwrap();
        check_crc(&batch).unwrap();
        let control = BatchHeader::parse(&batch).unwrap().is_control();
        for record in records(&batch) {
            let record = record.unwrap();
            let value = record.value.clone().unwrap();
            if control {
                let decoded = ControlRecord::decode(&record).unwrap();
                assert_eq!(decoded.key()[..], record.key.unwrap()[..]);
                assert_eq!(decoded.value().unwrap(), value, "{decoded:?}");
                continue;
            }
            let decoded = MetadataRecord::decode(value.clone()).unwrap();
            let version = i16::from(value[2]);
            assert_eq!(decoded.encode_at(version).unwrap(), value, "{decoded:?}");
            // Kafka 4.1 has no cordoned directories: it registers brokers at version 3, where 4.3 does at 4.
            let register = matches!(decoded, MetadataRecord::RegisterBroker(_));
            assert_eq!(decoded.version(), if register { 4 } else { version }, "{decoded:?}");
            seen.insert((decoded.record_type(), version));
        }
    }
    let expected = [
        (0, 3),
        (2, 0),
        (3, 2),
        (4, 0),
        (5, 2),
        (12, 0),
        (17, 0),
        (17, 1),
        (20, 0),
        (23, 0),
        (24, 0),
        (27, 0),
    ];
    assert_eq!(seen, BTreeSet::from(expected));
}
