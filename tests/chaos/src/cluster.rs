//! The nodes together with the network between them: who is disturbed, who leads what, and how all of it is healed.

use crate::disk::Disk;
use crate::fabric::HostId;
use crate::fault::Whom;
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::link::Condition;
use crate::node::{Node, PORTS};
use crate::notes::Notes;
use crate::switch::Switch;
use crate::tools::run;
use crate::topics::{Partition, parse};
use crate::traces::Traces;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// The host that clients and tools are on.
pub const CLIENTS: HostId = 200;

/// The links that a fault is on, and what they do.
type Disturbance = (Vec<(HostId, HostId)>, Condition);

/// The cluster.
pub struct Cluster {
    nodes: BTreeMap<HostId, Mutex<Node>>,
    clients: Host,
    addresses: BTreeMap<HostId, String>,
    binary: PathBuf,
    topics: Vec<String>,
    switch: Switch,
    /// What was done to nodes.
    pub notes: Notes,
    /// Nodes that something is done to.
    disturbed: Mutex<BTreeSet<HostId>>,
    /// What is done to links, by a number.
    weather: Mutex<(u64, BTreeMap<u64, Disturbance>)>,
}

/// A node that something is done to, by one fault at a time. Dropped, it is left in peace.
pub struct Claim<'a> {
    /// Which one.
    pub node: HostId,
    of: &'a Cluster,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        lock(&self.of.disturbed).remove(&self.node);
    }
}

impl Cluster {
    /// Hosts, their network, and nodes that are formatted and do not run.
    pub fn new(
        traces: &Traces,
        nodes: u8,
        seed: u64,
        binary: &Path,
        topics: &[&str],
        files: &Path,
    ) -> Result<Cluster, String> {
        // A network that other runs don't have: addresses are in namespaces, and this is for who reads along.
        let pid = std::process::id();
        let network = [10, (pid >> 8) as u8, pid as u8];
        let mut hosts = Vec::new();
        let mut devices = BTreeMap::new();
        for id in (1..=nodes).chain([CLIENTS]) {
            let (host, device) = Host::new(traces, network, id)?;
            devices.insert(id, device);
            hosts.push(host);
        }
        let switch = Switch::start(network, devices, seed);
        let clients = hosts.pop().expect("the last one is the clients'");
        let mut made = BTreeMap::new();
        for host in &hosts {
            let disk = Disk::new(&traces.directory(), host.id)?;
            made.insert(host.id, Mutex::new(Node::new(host, &hosts, disk, binary, files)?));
        }
        let address = |host: &Host| (host.id, format!("{}:{}", host.address, PORTS.0));
        Ok(Cluster {
            nodes: made,
            clients,
            addresses: hosts.iter().map(address).collect(),
            binary: binary.to_owned(),
            topics: topics.iter().map(|topic| topic.to_string()).collect(),
            switch,
            notes: Notes::new(&files.join("nodes.jsonl"))?,
            disturbed: Mutex::default(),
            weather: Mutex::default(),
        })
    }

    /// The nodes' ids.
    pub fn ids(&self) -> impl Iterator<Item = HostId> + '_ {
        self.nodes.keys().copied()
    }

    /// A node, as soon as nobody else is busy with it.
    pub fn node(&self, id: HostId) -> MutexGuard<'_, Node> {
        lock(&self.nodes[&id])
    }

    /// An error if a node has ended by itself. Those that somebody is busy with are watched by that one.
    pub fn check(&self) -> Result<(), String> {
        self.nodes.values().filter_map(|node| node.try_lock().ok()).try_for_each(|mut node| node.check())
    }

    /// A command on the clients' host.
    pub fn command(&self, program: &Path) -> Command {
        self.clients.command(program)
    }

    /// Kills all that run, and keeps their disks.
    pub fn keep(&self, directory: &Path) -> Result<(), String> {
        for id in self.ids() {
            let mut node = self.node(id);
            if node.is_up() {
                let _ = node.kill(&self.notes);
            }
            node.disk.keep(directory)?;
        }
        Ok(())
    }

    /// Where clients begin: all nodes, those first that nothing is done to.
    pub fn bootstrap(&self) -> String {
        let disturbed = lock(&self.disturbed);
        let mut ids: Vec<HostId> = self.ids().collect();
        ids.sort_by_key(|id| disturbed.contains(id));
        ids.iter().map(|id| self.addresses[id].as_str()).collect::<Vec<_>>().join(",")
    }

    /// Starts those that are down, and waits until all serve.
    pub fn start(&self) -> Result<(), String> {
        for id in self.ids() {
            let mut node = self.node(id);
            if !node.is_up() {
                node.start(&self.notes)?;
            }
        }
        self.ids().try_for_each(|id| self.node(id).wait_until_it_serves())
    }

    /// Stops all of them in order.
    pub fn stop(&self) -> Result<(), String> {
        self.ids().try_for_each(|id| self.node(id).stop(&self.notes))
    }

    /// Creates a topic. It is tried until all nodes that are to hold it are known to the controller, at most so long.
    pub fn create(
        &self,
        (topic, durable): (&str, bool),
        partitions: u32,
        at_most: Duration,
        interrupt: &Interrupt,
    ) -> Result<(), String> {
        let (replicas, min_insync) = (3, 2);
        let call = json!({"create_topic": {
            "topic": topic, "partitions": partitions, "durable": durable,
            "replicas": replicas, "min_insync": min_insync,
        }});
        let mut create = self.command(&self.binary);
        create.args(["topics", "create", topic, "--if-not-exists", "-b", &self.bootstrap()]);
        create.args(["--partitions", &partitions.to_string()]);
        create.args(["--replication-factor", &replicas.to_string()]);
        let flush = if durable { 1 } else { i64::MAX };
        create.args(["--set", &format!("min.insync.replicas={min_insync}")]);
        create.args(["--set", &format!("flush.messages={flush}")]);
        let number = self.notes.invoke(&call);
        let mut told = Ok(String::new());
        let created = interrupt.until(&format!("creating {topic}"), at_most, || {
            self.check()?;
            told = run(&mut create);
            Ok(told.is_ok())
        });
        created.map_err(|why| format!("{why}: {told:?}"))?;
        self.notes.done(number);
        Ok(())
    }

    /// What the cluster says about its partitions.
    pub fn partitions(&self) -> Result<Vec<Partition>, String> {
        let mut describe = self.command(&self.binary);
        parse(&run(describe.args(["topics", "describe", "-b", &self.bootstrap()]))?)
    }

    /// Who is meant, as far as it can be told, and as whom.
    pub fn find(&self, whom: Whom, partitions: &[Partition]) -> (HostId, Whom) {
        let found = match whom {
            Whom::Node(id) => Some(id),
            Whom::Controller => self.controller(),
            Whom::Leader { topic, partition } => {
                let name = &self.topics[topic as usize % self.topics.len()];
                let found = partitions.iter().find(|told| told.topic == *name && told.index == partition);
                found.and_then(|told| told.leader)
            }
        };
        match found {
            Some(id) => (id, whom),
            None => (1, Whom::Node(1)),
        }
    }

    /// Who leads the metadata quorum, by what the nodes have written down of it.
    fn controller(&self) -> Option<HostId> {
        let states = self.nodes.values().filter_map(|node| {
            let path = lock(node).disk.data().join("__cluster_metadata-0").join("quorum-state");
            let state: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
            let leader = state["leaderId"].as_i64().and_then(|id| HostId::try_from(id).ok())?;
            Some((state["leaderEpoch"].as_i64()?, leader))
        });
        states.max().map(|(_, leader)| leader)
    }

    /// Takes a node to do something to: this one, or the next one that nothing is done to.
    pub fn claim(&self, node: HostId) -> Claim<'_> {
        let mut disturbed = lock(&self.disturbed);
        let free = self.ids().filter(|id| *id >= node).chain(self.ids()).find(|id| !disturbed.contains(id));
        let node = free.expect("fewer than half are disturbed at once");
        disturbed.insert(node);
        Claim { node, of: self }
    }

    /// As [`Cluster::claim`], of this node and no other; None while something is done to it.
    pub fn claim_only(&self, node: HostId) -> Option<Claim<'_>> {
        lock(&self.disturbed).insert(node).then_some(Claim { node, of: self })
    }

    /// All links between a node and others, both ways; clients' too, if they are to suffer.
    pub fn links_of(&self, node: HostId, with_clients: bool) -> Vec<(HostId, HostId)> {
        let others = self.ids().chain(with_clients.then_some(CLIENTS)).filter(|id| *id != node);
        others.flat_map(|other| [(node, other), (other, node)]).collect()
    }

    /// Disturbs links; the number is for [`Cluster::calm`].
    pub fn disturb(&self, links: Vec<(HostId, HostId)>, condition: Condition) -> u64 {
        let mut weather = lock(&self.weather);
        weather.0 += 1;
        let number = weather.0;
        weather.1.insert(number, (links.clone(), condition));
        self.apply(&weather.1, &links);
        number
    }

    /// Ends one disturbance of links. Others stay.
    pub fn calm(&self, number: u64) {
        let mut weather = lock(&self.weather);
        let (links, _) = weather.1.remove(&number).expect("a disturbance ends once");
        self.apply(&weather.1, &links);
    }

    /// Each of these links suffers what all disturbances together make of it.
    fn apply(&self, weather: &BTreeMap<u64, Disturbance>, links: &[(HostId, HostId)]) {
        for link in links {
            let own = weather.values().filter(|(links, _)| links.contains(link));
            let condition = own.fold(Condition::default(), |sum, (_, condition)| sum.and(condition));
            self.switch.set(link.0, link.1, condition);
        }
    }

    /// The directories of a partition, on all nodes that hold it.
    pub fn directories(&self, partition: &Partition) -> Vec<PathBuf> {
        let name = format!("{}-{}", partition.topic, partition.index);
        partition.replicas.iter().map(|id| self.node(*id).disk.data().join(&name)).collect()
    }
}

/// Its value. A thread that panics ends the process, so that no lock is poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a thread that panics ends the process")
}
