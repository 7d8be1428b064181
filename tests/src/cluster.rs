//! Three nodes under test, and Apache Kafka's own tools for administrators on those that are up.

use crate::broker::Broker;
use crate::tools::{Output, kafka_tools, run};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// kafka-topics.
pub const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
/// kafka-metadata-quorum.
pub const QUORUM: &str = "org.apache.kafka.tools.MetadataQuorumCommand";
/// kafka-leader-election.
pub const ELECTION: &str = "org.apache.kafka.tools.LeaderElectionCommand";
const CLUSTER: &str = "org.apache.kafka.tools.ClusterTool";

/// How long anything may take before it counts as stuck.
const DEADLINE: Duration = Duration::from_secs(60);

/// Three nodes, each of them broker and controller, one of which may be down. Their ids are 1, 2 and 3.
pub struct Three {
    nodes: Vec<Broker>,
    /// The id of the one that is.
    down: Option<usize>,
}

impl Three {
    /// Starts them, or None where the broker is a peer's, or there is no Java.
    pub fn start(settings: &[&str]) -> Option<Three> {
        kafka_tools()?;
        Some(Three { nodes: Broker::start_cluster(3, settings)?, down: None })
    }

    /// The node with this id.
    pub fn node(&self, id: usize) -> &Broker {
        &self.nodes[id - 1]
    }

    /// The ids of those that are up.
    pub fn up(&self) -> impl Iterator<Item = usize> {
        (1..=self.nodes.len()).filter(|id| Some(*id) != self.down)
    }

    /// SIGKILL; the others stay up.
    pub fn kill(&mut self, id: usize) {
        assert_eq!(self.down.replace(id), None);
        self.nodes[id - 1].kill();
    }

    /// SIGTERM; the others stay up.
    pub fn stop(&mut self, id: usize) {
        assert_eq!(self.down.replace(id), None);
        self.nodes[id - 1].stop();
    }

    /// SIGTERM to all, one after the other.
    pub fn stop_all(&mut self) {
        self.nodes.iter_mut().for_each(Broker::stop);
    }

    /// Starts the one that is down.
    pub fn start_again(&mut self) {
        let id = self.down.take().expect("one is down");
        self.nodes[id - 1].start_again();
    }

    /// What a tool has to say about the nodes that are up.
    pub fn tool(&self, class: &str, arguments: &[&str]) -> Output {
        let addresses: Vec<String> = self.up().map(|id| self.node(id).address()).collect();
        let mut java = kafka_tools().expect("looked for before");
        java.arg(class).args(["--bootstrap-server", &addresses.join(",")]).args(arguments);
        run(&mut java, b"")
    }

    /// As [`Three::tool`] of a tool that has a command of its own before everything else.
    pub fn cluster_tool(&self, command: &str, arguments: &[&str]) -> Output {
        let address = self.node(self.up().next().expect("one is up")).address();
        let mut java = kafka_tools().expect("looked for before");
        java.args([CLUSTER, command, "--bootstrap-server", &address]).args(arguments);
        run(&mut java, b"")
    }

    /// The leader of each partition of a topic, and its preferred one; none as 0.
    pub fn leaders(&self, topic: &str) -> BTreeMap<i32, (i32, i32)> {
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
    pub fn active(&self) -> usize {
        let status = self.tool(QUORUM, &["describe", "--status"]).expect("describing the quorum").text();
        let leader = status.lines().find_map(|line| line.strip_prefix("LeaderId:"));
        leader.and_then(|id| id.trim().parse().ok()).unwrap_or_else(|| panic!("no leader:\n{status}"))
    }

    /// kafka-topics --create.
    pub fn create(&self, topic: &str, partitions: &str, replicas: &str) {
        let arguments = ["--partitions", partitions, "--replication-factor", replicas];
        let created = self.tool(TOPICS, &[&["--create", "--topic", topic], &arguments[..]].concat());
        assert!(created.expect("creating").text().contains(&format!("Created topic {topic}.")));
    }

    /// The names of all topics, in order.
    pub fn topics(&self) -> Vec<String> {
        let listed = self.tool(TOPICS, &["--list"]).expect("listing").text();
        listed.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The directory of a node's replica of the metadata.
    pub fn metadata(&self, id: usize) -> PathBuf {
        self.node(id).data().join("__cluster_metadata-0")
    }

    /// The directories of a topic's partitions on a node, whatever they are called by now.
    pub fn dirs(&self, id: usize, topic: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.node(id).data()).expect("the data directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        names.filter(|name| name.starts_with(&format!("{topic}-"))).collect()
    }
}

/// Waits for something to come true.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < end, "{what}: not after {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
