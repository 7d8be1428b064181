//! The files of a small log, byte for byte.
//!
//! Apache Kafka 4.1 read these very files with `DumpLogSegments`, and rebuilt the same indexes from the `.log`.

use crate::memory_disk::{MemoryDisk, finish};
use crate::*;
use model::{LeaderEpoch, Offset, Timestamp};
use records::batch::{BatchBuilder, BatchHeader};
use std::path::PathBuf;

/// Two segments: nine batches of two records, 87 bytes each, a third timestamp that goes back, two epochs.
fn write(disk: &MemoryDisk) -> Offset {
    let config = LogConfig { segment_bytes: 600, index_interval_bytes: 150, ..LogConfig::default() };
    let open = Log::open(disk.clone(), PathBuf::from("golden-0"), config, Recovery::default());
    let (mut log, _) = finish(open).unwrap();
    for index in 0..9i64 {
        let epoch = LeaderEpoch(if index < 4 { 0 } else { 3 });
        let mut builder = BatchBuilder::new(log.end().0, epoch);
        let timestamp = Timestamp(1_700_000_000_000 + if index == 3 { 0 } else { 1000 * index });
        builder.push(timestamp, Some(b"k"), Some(b"first"));
        builder.push(timestamp, None, Some(b"second"));
        let bytes = builder.build();
        let header = BatchHeader::parse(&bytes).unwrap();
        finish(log.append(&[AppendBatch::whole(header, bytes)])).unwrap();
    }
    finish(log.close()).unwrap()
}

fn offset_index(entries: &[(i32, i32)]) -> Vec<u8> {
    entries
        .iter()
        .flat_map(|(offset, position)| [offset.to_be_bytes(), position.to_be_bytes()].concat())
        .collect()
}

fn time_index(entries: &[(i64, i32)]) -> Vec<u8> {
    let entry = |(seconds, offset): &(i64, i32)| {
        [&(1_700_000_000_000 + 1000 * seconds).to_be_bytes()[..], &offset.to_be_bytes()].concat()
    };
    entries.iter().flat_map(entry).collect()
}

#[test]
fn the_files_are_what_kafka_would_have_written() {
    let disk = MemoryDisk::default();
    assert_eq!(write(&disk), Offset(18));
    let file = |name: &str| disk.content(PathBuf::from("golden-0").join(name)).expect(name);
    assert_eq!(file("leader-epoch-checkpoint"), b"0\n2\n0 0\n3 8\n");

    assert_eq!(file("00000000000000000000.log").len(), 6 * 87);
    // More than 150 bytes lie before the batches at 174 and 348. The fourth batch's timestamp goes back, so
    // that batch 2 still has the highest until batch 4, which is indexed at 348.
    assert_eq!(file("00000000000000000000.index"), offset_index(&[(5, 174), (9, 348)]));
    assert_eq!(file("00000000000000000000.timeindex"), time_index(&[(2, 5), (4, 9), (5, 11)]));

    assert_eq!(file("00000000000000000012.log").len(), 3 * 87);
    assert_eq!(file("00000000000000000012.index"), offset_index(&[(5, 174)]));
    assert_eq!(file("00000000000000000012.timeindex"), time_index(&[(8, 5)]));
    let names: Vec<String> = disk.paths().into_iter().filter(|path| path.ends_with("index")).collect();
    assert_eq!(names.len(), 4, "{names:?}");
}
