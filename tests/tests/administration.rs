//! Apache Kafka's own tools for administrators against the broker: kafka-topics, kafka-configs, kafka-cluster and
//! kafka-reassign-partitions.

// Runs Java.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::time::SystemTime;
use tidemark_tests::{Broker, Output, kafka_tools, run};

/// A broker, and a topic of this test's own with three partitions and a config.
struct Stage {
    broker: Broker,
    topic: String,
}

impl Stage {
    /// None where the tools are missing.
    fn set(stem: &str) -> Option<Stage> {
        kafka_tools()?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
        let stage = Stage { broker: Broker::start(&[]), topic: format!("{stem}-{}", now.as_nanos()) };
        let created = stage.create().expect("creating").text();
        assert!(created.contains(&format!("Created topic {}.", stage.topic)), "{created}");
        Some(stage)
    }

    fn create(&self) -> Output {
        self.topics(&[
            "--create",
            "--topic",
            &self.topic,
            "--partitions",
            "3",
            "--config",
            "retention.ms=1000000",
        ])
    }

    fn topics(&self, arguments: &[&str]) -> Output {
        self.tool("org.apache.kafka.tools.TopicCommand", arguments)
    }

    fn tool(&self, class: &str, arguments: &[&str]) -> Output {
        let mut java = kafka_tools().expect("looked for before");
        java.arg(class).args(arguments).args(["--bootstrap-server", &self.broker.address()]);
        run(&mut java, b"")
    }
}

#[test]
fn kafka_topics_creates_lists_and_describes() {
    let Some(stage) = Stage::set("created") else { return };
    let again = stage.create();
    assert!(!again.success && again.text().contains("already exists"), "{again:?}");
    let listed = stage.topics(&["--list"]).expect("listing").text();
    assert!(listed.lines().any(|line| line == stage.topic), "{listed}");

    let described = stage.topics(&["--describe", "--topic", &stage.topic]).expect("describing").text();
    let lines: Vec<&str> = described.lines().collect();
    assert_eq!(lines.len(), 4, "{described}");
    assert!(
        lines[0].contains("PartitionCount: 3") && lines[0].contains("ReplicationFactor: 1"),
        "{described}"
    );
    assert!(lines[0].contains("retention.ms=1000000"), "{described}");
    for (partition, line) in lines[1..].iter().enumerate() {
        assert!(line.contains(&format!("Partition: {partition}")), "{described}");
        let told = |name: &str| line.split(name).nth(1).and_then(|rest| rest.split_whitespace().next());
        let leader = told("Leader: ").expect("a leader");
        assert!(leader.parse::<i32>().is_ok(), "{described}");
        assert_eq!((told("Replicas: "), told("Isr: ")), (Some(leader), Some(leader)), "{described}");
    }
    let pages = ["--describe", "--topic", &stage.topic, "--partition-size-limit-per-response", "2"];
    assert_eq!(stage.topics(&pages).expect("describing page by page").text(), described);

    let unknown = stage.topics(&["--describe", "--topic", "no-such-topic"]);
    assert!(!unknown.success && unknown.text().contains("does not exist"), "{unknown:?}");
}

#[test]
fn kafka_configs_cluster_and_reassign_partitions_find_what_they_ask_for() {
    let Some(stage) = Stage::set("configured") else { return };
    let configs = |arguments: &[&str]| {
        let described = stage.tool("kafka.admin.ConfigCommand", &[&["--describe"], arguments].concat());
        described.expect("describing configs").text()
    };
    let of_topic = ["--entity-type", "topics", "--entity-name", &stage.topic];
    let set = configs(&of_topic);
    assert!(set.contains("retention.ms=1000000") && !set.contains("segment.bytes="), "{set}");
    assert!(set.contains("DYNAMIC_TOPIC_CONFIG:retention.ms=1000000"), "{set}");
    let all = configs(&[&["--all"], &of_topic[..]].concat());
    assert!(all.contains("segment.bytes=1073741824"), "{all}");
    assert!(all.contains("DEFAULT_CONFIG:log.segment.bytes=1073741824"), "{all}");
    let of_broker = configs(&["--all", "--entity-type", "brokers", "--entity-name", "1"]);
    assert!(of_broker.contains("node.id=1") && of_broker.contains(&stage.broker.address()), "{of_broker}");

    let cluster = "org.apache.kafka.tools.ClusterTool";
    let id = stage.tool(cluster, &["cluster-id"]).expect("asking for the cluster's id").text();
    assert!(id.starts_with("Cluster ID: "), "{id}");
    let nodes = stage.tool(cluster, &["list-endpoints", "--include-fenced-brokers"]);
    let nodes = nodes.expect("listing endpoints").text();
    assert!(nodes.lines().count() == 2 && nodes.contains("unfenced"), "{nodes}");

    let moved = stage.tool("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", &["--list"]);
    let moved = moved.expect("listing reassignments").text();
    assert!(moved.contains("No partition reassignments found."), "{moved}");
}
