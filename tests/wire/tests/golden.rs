//! A metadata log and snapshots that Apache Kafka wrote: every record is read, and written again it is Kafka's bytes.
//!
//! `testdata/kafka-4.1.0/metadata.log` are batches of `__cluster_metadata` of a single node of Apache Kafka 4.1.0, those that
//! hold the first record of each type and version that an ordinary life (start, topics, shutdown) wrote.
//! `testdata/kafka-4.3.0/snapshot.checkpoint` is by the `RecordsSnapshotWriter` of 4.3.0, at kraft.version 0: snapshot 4711 of
//! epoch 3, a feature level, a topic and a config. `testdata/kafka-4.1.0/dynamic.checkpoint` is by
//! `kafka-storage format --standalone` of 4.1.0, at kraft.version 1.

// Tests: the log is read from a file.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use model::{LeaderEpoch, Timestamp};
use records::batch::{BatchHeader, check_crc, records, split};
use records::control::ControlRecord;
use records::metadata::MetadataRecord;
use records::snapshot::{self, Part, Reader};

fn stored(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    Bytes::from(std::fs::read(path).unwrap())
}

/// The batches of a whole snapshot, and what they say.
fn snapshot(name: &str) -> (Vec<Bytes>, Vec<ControlRecord>, Vec<MetadataRecord>) {
    let batches: Vec<Bytes> = split(stored(name)).map(Result::unwrap).collect();
    let (mut reader, mut notes, mut records) = (Reader::new(), Vec::new(), Vec::new());
    for batch in &batches {
        match reader.read(batch).unwrap() {
            Part::Control(more) => notes.extend(more),
            Part::Data(batch) => records.extend(snapshot::metadata(&batch).unwrap()),
        }
    }
    reader.finish().unwrap();
    (batches, notes, records)
}

#[test]
fn a_snapshot_of_apache_kafka_is_read_and_written_back() {
    let (batches, notes, records) = snapshot("kafka-4.3.0/snapshot.checkpoint");
    let [ControlRecord::SnapshotHeader(header), ControlRecord::SnapshotFooter(_)] = &notes[..] else {
        panic!("{notes:?}");
    };
    assert_eq!(records.len(), 3);
    for (index, batch) in batches.iter().enumerate() {
        // Kafka stamps each batch with the time at which it was begun.
        let (last, now) =
            (header.last_contained_log_timestamp, BatchHeader::parse(batch).unwrap().max_timestamp);
        let mut written = snapshot::write(records.clone(), LeaderEpoch(3), Timestamp(last), now);
        assert_eq!(written.nth(index), Some(Ok(batch.clone())));
    }
}

#[test]
fn a_snapshot_of_apache_kafka_with_voters_is_read() {
    let (_, notes, records) = snapshot("kafka-4.1.0/dynamic.checkpoint");
    let kinds: Vec<i16> = notes.iter().map(ControlRecord::kind).collect();
    assert_eq!(kinds, [3, 5, 6, 4]);
    assert_eq!(records, []);
}

#[test]
fn a_log_of_apache_kafka_is_read_and_written_back() {
    let mut seen = BTreeSet::new();
    for batch in split(stored("kafka-4.1.0/metadata.log")) {
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
