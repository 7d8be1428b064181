//! Three nodes, and Apache Kafka's own tools for administrators on them while the active controller is killed: topics come
//! and go, partitions are added, brokers are forgotten, and the directories follow.

// Runs Java, and waits for other processes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tidemark_tests::{Broker, Output, kafka_tools, run};

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const QUORUM: &str = "org.apache.kafka.tools.MetadataQuorumCommand";
const ELECTION: &str = "org.apache.kafka.tools.LeaderElectionCommand";
const CLUSTER: &str = "org.apache.kafka.tools.ClusterTool";

/// How long anything may take before it counts as stuck.
const DEADLINE: Duration = Duration::from_secs(60);

/// Three nodes, some of which may be down.
struct Three {
    nodes: Vec<Broker>,
    down: Option<usize>,
}

impl Three {
    fn up(&self) -> impl Iterator<Item = &Broker> {
        self.nodes.iter().enumerate().filter(|(at, _)| Some(*at) != self.down).map(|(_, node)| node)
    }

    fn tool(&self, class: &str, arguments: &[&str]) -> Output {
        let addresses: Vec<String> = self.up().map(Broker::address).collect();
        let mut java = kafka_tools().expect("looked for before");
        java.arg(class).args(["--bootstrap-server", &addresses.join(",")]).args(arguments);
        run(&mut java, b"")
    }

    /// As [`Three::tool`] of a tool that has a command of its own before everything else.
    fn cluster_tool(&self, command: &str, arguments: &[&str]) -> Output {
        let address = self.up().next().expect("one is up").address();
        let mut java = kafka_tools().expect("looked for before");
        java.args([CLUSTER, command, "--bootstrap-server", &address]).args(arguments);
        run(&mut java, b"")
    }

    /// The leader of each partition of a topic, and its preferred one; none as 0.
    fn leaders(&self, topic: &str) -> BTreeMap<i32, (i32, i32)> {
        let described = self.tool(TOPICS, &["--describe", "--topic", topic]).expect("describing").text();
        let lines = described.lines().filter(|line| line.contains("Partition: "));
        let told = |line: &str, name: &str| {
            let word = line.split(name).nth(1).and_then(|rest| rest.split_whitespace().next());
            word.and_then(|word| word.split(',').next()?.parse().ok()).unwrap_or(0)
        };
        let partition =
            |line: &str| (told(line, "Partition: "), (told(line, "Leader: "), told(line, "Replicas: ")));
        lines.map(partition).collect()
    }

    /// The id of the active controller.
    fn active(&self) -> usize {
        let status = self.tool(QUORUM, &["describe", "--status"]).expect("describing the quorum").text();
        let leader = status.lines().find_map(|line| line.strip_prefix("LeaderId:"));
        leader.and_then(|id| id.trim().parse().ok()).unwrap_or_else(|| panic!("no leader:\n{status}"))
    }

    /// The directories of a topic's partitions on a node, whatever they are called by now.
    fn dirs(&self, node: usize, topic: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.nodes[node].data()).expect("the data directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        names.filter(|name| name.starts_with(&format!("{topic}-"))).collect()
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < end, "{what}: not after {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn administrators_go_on_when_the_active_controller_is_killed() {
    if kafka_tools().is_none() {
        return;
    }
    let settings = ["broker.session.timeout.ms=3000", "broker.heartbeat.interval.ms=500"];
    let Some(nodes) = Broker::start_cluster(3, &settings) else { return };
    let mut three = Three { nodes, down: None };
    let create = |three: &Three, topic: &str, partitions: &str, replicas: &str| {
        let arguments = ["--partitions", partitions, "--replication-factor", replicas];
        let created = three.tool(TOPICS, &[&["--create", "--topic", topic], &arguments[..]].concat());
        assert!(created.expect("creating").text().contains(&format!("Created topic {topic}.")));
    };
    create(&three, "one", "6", "1");
    create(&three, "all", "6", "3");
    three.tool(TOPICS, &["--alter", "--topic", "one", "--partitions", "9"]).expect("adding partitions");
    assert_eq!(three.leaders("one").len(), 9);
    let elect = ["--election-type", "preferred", "--all-topic-partitions"];
    three.tool(ELECTION, &elect).expect("electing leaders that lead");

    let killed = three.active();
    three.nodes[killed - 1].kill();
    three.down = Some(killed - 1);
    create(&three, "after", "3", "1");
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
    let listed = three.tool(TOPICS, &["--list"]).expect("listing").text();
    assert_eq!(listed.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(), ["after", "all"]);
    for node in (0..3).filter(|node| Some(*node) != three.down) {
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
    assert!(three.dirs(killed - 1, "one").iter().all(|dir| !dir.ends_with("-stray")));
    create(&three, "one", "3", "1");
    three.nodes[killed - 1].start_again();
    three.down = None;
    let strays = three.dirs(killed - 1, "one").into_iter().filter(|dir| dir.ends_with("-stray")).count();
    assert!(strays > 0, "{:?}", three.dirs(killed - 1, "one"));
    let endpoints = three.cluster_tool("list-endpoints", &[]).expect("listing endpoints").text();
    assert_eq!(endpoints.lines().count(), 4, "{endpoints}");
    // Whoever stops in order has others lead, and leaves nothing to recover.
    let leaver = three.active();
    three.nodes[leaver - 1].stop();
    three.down = Some(leaver - 1);
    assert!(three.nodes[leaver - 1].data().join(".kafka_cleanshutdown").exists());
    let leaders = three.leaders("all");
    assert!(leaders.values().all(|(leader, _)| *leader != leaver as i32), "{leaders:?}");
}
