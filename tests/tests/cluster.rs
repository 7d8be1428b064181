//! Three nodes, and Apache Kafka's own tools for administrators on them while nodes are killed: topics come and go,
//! partitions are added, brokers are forgotten, the directories follow, and all nodes have the same metadata.

// Runs Java, and waits for other processes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tidemark_tests::{ELECTION, QUORUM, TOPICS, Three, batches, dump, files, until};

#[test]
fn administrators_go_on_when_the_active_controller_is_killed() {
    let settings = ["broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500"];
    let Some(mut three) = Three::start(&settings) else { return };
    three.create("one", "6", "1");
    three.create("all", "6", "3");
    three.tool(TOPICS, &["--alter", "--topic", "one", "--partitions", "9"]).expect("adding partitions");
    assert_eq!(three.leaders("one").len(), 9);
    let elect = ["--election-type", "preferred", "--all-topic-partitions"];
    three.tool(ELECTION, &elect).expect("electing leaders that lead");

    let killed = three.active();
    three.kill(killed);
    three.create("after", "3", "1");
    let successor = three.active();
    assert_ne!(successor, killed);
    until("leaders that live", || {
        three.leaders("all").values().all(|(leader, _)| *leader != 0 && *leader != killed as i32)
    });
    let moved: Vec<i32> = three
        .leaders("all")
        .iter()
        .filter(|(_, (leader, preferred))| leader != preferred)
        .map(|(at, _)| *at)
        .collect();
    assert!(!moved.is_empty(), "node {killed} was nobody's preferred leader");
    let partition = moved[0].to_string();
    let elect = ["--election-type", "preferred", "--topic", "all", "--partition", &partition];
    let refused = three.tool(ELECTION, &elect);
    let told = format!("{}{}", refused.text(), refused.stderr);
    assert!(!refused.success && told.contains("PreferredLeaderNotAvailable"), "{told}");

    three.tool(TOPICS, &["--delete", "--topic", "one"]).expect("deleting");
    assert_eq!(three.topics(), ["after", "all"]);
    for node in three.up() {
        until("the directories of a deleted topic", || three.dirs(node, "one").is_empty());
        assert!(!three.dirs(node, "all").is_empty());
    }
    let id = killed.to_string();
    let gone = three.cluster_tool("unregister", &["--id", &id]).expect("unregistering").text();
    assert!(gone.contains(&format!("Broker {id} is no longer registered.")), "{gone}");
    let again = three.cluster_tool("unregister", &["--id", &id]);
    assert!(
        !again.success && format!("{}{}", again.text(), again.stderr).contains("not currently registered")
    );

    // Back again it finds that what it had of the deleted topic is of no topic.
    assert!(three.dirs(killed, "one").iter().all(|dir| !dir.ends_with("-stray")));
    three.create("one", "3", "1");
    three.start_again();
    let strays = three.dirs(killed, "one").into_iter().filter(|dir| dir.ends_with("-stray")).count();
    assert!(strays > 0, "{:?}", three.dirs(killed, "one"));
    let endpoints = three.cluster_tool("list-endpoints", &[]).expect("listing endpoints").text();
    assert_eq!(endpoints.lines().count(), 4, "{endpoints}");
    // Whoever stops in order has others lead, and leaves nothing to recover.
    let leaver = three.active();
    three.stop(leaver);
    assert!(three.node(leaver).data().join(".kafka_cleanshutdown").exists());
    let leaders = three.leaders("all");
    assert!(leaders.values().all(|(leader, _)| *leader != leaver as i32), "{leaders:?}");
}

/// The names of the snapshots that a node has.
fn snapshots(three: &Three, id: usize) -> BTreeSet<String> {
    let snapshots = files(&three.metadata(id), ".checkpoint");
    snapshots.iter().map(|path| path.file_name().expect("a file").to_string_lossy().into_owned()).collect()
}

/// The snapshots that all nodes have.
fn common_snapshots(three: &Three) -> BTreeSet<String> {
    let mut each = (1..=3).map(|id| snapshots(three, id));
    let first = each.next().expect("three nodes");
    each.fold(first, |common, own| common.intersection(&own).cloned().collect())
}

/// What kafka-metadata-quorum says about the followers' lag, by node; an observer is none of them.
fn lags(three: &Three) -> BTreeMap<usize, u64> {
    let described = three.tool(QUORUM, &["describe", "--replication"]).expect("describing the quorum").text();
    let lines = described.lines().filter(|line| line.contains("Leader") || line.contains("Follower"));
    let lag = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        Some((words.first()?.parse().ok()?, words.get(3)?.parse().ok()?))
    };
    // NodeId, DirectoryId, LogEndOffset, Lag, ...; the line of headings begins with no number.
    lines.filter_map(lag).collect()
}

#[test]
fn whichever_node_is_killed_tools_go_on_and_all_nodes_keep_the_same_metadata() {
    let settings = [
        // Where nothing happens any more all nodes have a snapshot of everything.
        "metadata.log.max.record.bytes.between.snapshots=1",
        // And no longer the whole log.
        "metadata.max.retention.bytes=48000",
    ];
    let Some(mut three) = Three::start(&settings) else { return };
    let decoder = ["--cluster-metadata-decoder"];
    for victim in 1..=3 {
        let (topic, before) = (format!("round-{victim}"), format!("round-{}", victim - 1));
        three.kill(victim);
        three.create(&topic, "9", "1");
        assert_ne!(three.active(), victim);
        let lags = lags(&three);
        assert_eq!(lags.keys().copied().collect::<Vec<_>>(), [1, 2, 3], "all voters are told of");
        assert!(three.up().all(|id| lags[&id] < 10), "{lags:?}");
        assert_eq!(three.leaders(&topic).len(), 9);
        if victim > 1 {
            three.tool(TOPICS, &["--delete", "--topic", &before]).expect("deleting");
        }
        assert_eq!(three.topics(), std::slice::from_ref(&topic));
        // What was killed can be read before anything has recovered it.
        let left = [".log", ".checkpoint"].map(|end| files(&three.metadata(victim), end)).concat();
        assert!(dump(&decoder, &left).expect("looked for").contains("REGISTER_BROKER_RECORD"));
        three.start_again();
        until("a node that has caught up", || self::lags(&three).get(&victim) == Some(&0));
    }
    until("snapshots on all nodes", || !common_snapshots(&three).is_empty());
    three.stop_all();
    let every =
        |end: &str| -> Vec<PathBuf> { (1..=3).flat_map(|id| files(&three.metadata(id), end)).collect() };
    let dumped = dump(&decoder, &every(".log")).expect("looked for");
    assert!(dumped.contains("\"name\":\"round-3\""), "{dumped}");
    let dumped = dump(&decoder, &every(".checkpoint")).expect("looked for");
    assert_eq!(dumped.matches("SnapshotFooter").count(), every(".checkpoint").len(), "{dumped}");
    agree(&three);
}

/// Whether nodes that have ended have the same bytes wherever more than one has any.
fn agree(three: &Three) {
    let logs: Vec<BTreeMap<u64, Vec<u8>>> = (1..=3).map(|id| batches(&three.metadata(id))).collect();
    let first = |log: &BTreeMap<u64, Vec<u8>>| *log.first_key_value().expect("a log that is not empty").0;
    let last = |log: &BTreeMap<u64, Vec<u8>>| *log.last_key_value().expect("a log that is not empty").0;
    let common = logs.iter().map(first).max().expect("three")..=logs.iter().map(last).min().expect("three");
    let within = |log: &BTreeMap<u64, Vec<u8>>| -> BTreeMap<u64, Vec<u8>> {
        log.range(common.clone()).map(|(offset, bytes)| (*offset, bytes.clone())).collect()
    };
    let one = within(&logs[0]);
    assert!(one.len() > 5, "too little in common to say anything: {common:?}");
    for (at, log) in logs.iter().enumerate() {
        assert!(within(log) == one, "the logs of nodes 1 and {} differ within {common:?}", at + 1);
    }
    let names = common_snapshots(three);
    assert!(!names.is_empty());
    for name in names {
        let read = |id| std::fs::read(three.metadata(id).join(&name)).expect("a snapshot");
        assert!((2..=3).all(|id| read(id) == read(1)), "snapshots {name} differ");
    }
}
