//! Apache Kafka's DumpLogSegments reads what the broker wrote: segments, both indexes, the metadata log.

// Runs Java on files that the broker left.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::path::PathBuf;
use tidemark_tests::{Broker, dump, files, kafka_tools, kcat, run};

const RECORDS: usize = 4000;

#[test]
fn kafkas_own_tool_reads_segments_indexes_and_the_metadata_log() {
    if kafka_tools().is_none() || kcat("", &[]).is_none() {
        return;
    }
    let Some(mut broker) = Broker::start_own(&["log.segment.bytes=1048576", "num.partitions=1"]) else {
        return;
    };
    let lines: String = (0..RECORDS).map(|n| format!("k{n}:value {n} {}\n", "x".repeat(1000))).collect();
    for codec in ["none", "gzip", "zstd"] {
        let arguments = ["-P", "-t", "dumped", "-p", "0", "-K:", "-z", codec, "-X", "batch.num.messages=100"];
        run(&mut kcat(&broker.address(), &arguments).expect("looked for"), lines.as_bytes())
            .expect("producing");
    }
    // An orderly end trims the indexes; a running broker's may hold room for entries to come.
    broker.stop();

    let partition = broker.data().join("dumped-0");
    let segments = files(&partition, ".log");
    assert!(segments.len() > 3, "{segments:?}");
    let dumped = dump(&["--print-data-log", "--deep-iteration"], &segments).expect("looked for");
    for codec in ["none", "gzip", "zstd"] {
        assert!(dumped.contains(&format!("compresscodec: {codec}")), "{codec}");
    }
    let mut next = 0;
    for line in dumped.lines().filter_map(|line| line.strip_prefix("| offset: ")) {
        let n = next % RECORDS;
        assert!(line.starts_with(&format!("{next} ")), "{line}");
        assert!(line.contains(&format!(" key: k{n} payload: value {n} x")), "{line}");
        next += 1;
    }
    assert_eq!(next, 3 * RECORDS);

    // Each entry is compared with the log that it points into.
    let indexes = [files(&partition, ".index"), files(&partition, ".timeindex")].concat();
    assert_eq!(indexes.len(), 2 * segments.len(), "{indexes:?}");
    let dumped = dump(&[], &indexes).expect("looked for");
    assert!(dumped.lines().filter(|line| line.starts_with("offset: ")).count() > segments.len(), "{dumped}");
    assert!(
        dumped.lines().filter(|line| line.starts_with("timestamp: ")).count() >= segments.len(),
        "{dumped}"
    );

    let metadata = files(&broker.data().join("__cluster_metadata-0"), ".log");
    let dumped = dump(&["--cluster-metadata-decoder"], &metadata).expect("looked for");
    for record in ["FEATURE_LEVEL_RECORD", "REGISTER_BROKER_RECORD", "TOPIC_RECORD", "PARTITION_RECORD"] {
        assert!(dumped.contains(&format!("\"type\":\"{record}\"")), "{record}:\n{dumped}");
    }
    assert!(dumped.contains("LeaderChange"), "{dumped}");
    assert!(dumped.contains("\"name\":\"dumped\""), "{dumped}");
}

/// Creates topics until the broker has taken snapshots, and stops it.
fn with_snapshots(keep_all: bool) -> Option<(Broker, PathBuf)> {
    kafka_tools()?;
    kcat("", &[])?;
    let retention = format!("metadata.max.retention.bytes={}", if keep_all { -1 } else { 1 });
    let every = "metadata.log.max.record.bytes.between.snapshots=500";
    let mut broker = Broker::start_own(&[every, &retention, "num.partitions=2"])?;
    for topic in 0..12 {
        let arguments = ["-P", "-t", &format!("topic-{topic}"), "-p", "0"];
        run(&mut kcat(&broker.address(), &arguments)?, b"x\n").expect("producing");
    }
    broker.stop();
    let directory = broker.data().join("__cluster_metadata-0");
    Some((broker, directory))
}

/// Whether the broker, started again, knows all the topics.
fn knows_its_topics(broker: &mut Broker) {
    broker.start_again();
    let listed =
        run(&mut kcat(&broker.address(), &["-L"]).expect("looked for"), b"").expect("listing").text();
    for topic in 0..12 {
        assert!(listed.contains(&format!("\"topic-{topic}\"")), "{listed}");
    }
    broker.stop();
}

#[test]
fn kafkas_own_tool_reads_snapshots_and_a_start_needs_nothing_else() {
    let Some((mut broker, directory)) = with_snapshots(false) else { return };
    let snapshots = files(&directory, ".checkpoint");
    assert_eq!(snapshots.len(), 1, "the others are too many: {snapshots:?}");
    let dumped = dump(&["--cluster-metadata-decoder"], &snapshots).expect("looked for");
    for record in ["FEATURE_LEVEL_RECORD", "REGISTER_BROKER_RECORD", "TOPIC_RECORD", "PARTITION_RECORD"] {
        assert!(dumped.contains(&format!("\"type\":\"{record}\"")), "{record}:\n{dumped}");
    }
    assert!(dumped.contains("SnapshotHeader") && dumped.contains("SnapshotFooter"), "{dumped}");
    assert!(!directory.join("00000000000000000000.log").exists(), "the log is trimmed");
    knows_its_topics(&mut broker);
}

#[test]
fn an_older_snapshot_will_do_when_the_latest_is_damaged() {
    let Some((mut broker, directory)) = with_snapshots(true) else { return };
    let snapshots = files(&directory, ".checkpoint");
    assert!(snapshots.len() > 2, "{snapshots:?}");
    let latest = snapshots.last().expect("a snapshot");
    let mut bytes = std::fs::read(latest).expect("the latest snapshot");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(latest, bytes).expect("damaging it");
    knows_its_topics(&mut broker);
    // What a crash has left of one that was being written.
    let part = directory.join("00000000000000099999-0000000001.checkpoint.part");
    std::fs::write(&part, b"half").expect("a file");
    knows_its_topics(&mut broker);
    assert!(!part.exists());
}
