//! `tidemark local`: a cluster on one machine, in one terminal.
//!
//! ```text
//! format ─▶ start all ─▶ all serve: ready ─▶ Ctrl-C, SIGTERM, or all have ended ─▶ stop all ─▶ the exit code
//!               └─ one ends before that: the others are stopped
//! ```
//!
//! Nothing is restarted: a node that is killed stays away, which is what one may want to see.

use crate::arguments::{Arguments, Local, NODES_MAX};
use crate::exit::Exit;
use crate::node::{Change, Node};
use crate::settings;
use crate::signals::Signals;
use model::config::BrokerSettings;
use model::{BrokerId, ClusterId};
use runtime::Runtime;
use runtime_tokio::{Threads, TokioRuntime};
use server::{Formatting, random_cluster_id};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use tokio::sync::mpsc;
use tracing::{error, info, warn};

/// What may have happened to nodes and is not looked at yet.
const CHANGES_MAX: usize = 64;

/// Runs the cluster until it is told to stop, or has ended.
pub fn run(arguments: &Arguments, how: &Local) -> Result<(), Exit> {
    let refuse = |why: &str| Exit::Directory { path: how.data.clone(), why: why.to_owned() };
    if how.data.join("meta.properties").exists() {
        return Err(refuse("a node stores there, not a cluster: choose another with --data"));
    }
    let failed = |error: std::io::Error| refuse(&error.to_string());
    // A first start makes the directories of all nodes before it formats any, so that the last one tells how many there are.
    let made = (1..=NODES_MAX).rev().find(|id| dir(&how.data, *id).exists()).unwrap_or(0);
    let formatted = (1..=made).any(|id| dir(&how.data, id).join("meta.properties").exists());
    if made > how.nodes || formatted && made < how.nodes {
        return Err(refuse(&format!(
            "a cluster of {made} nodes stores there, and the controllers of a cluster stay the same: start it with \
             --nodes {made}, or another with --data"
        )));
    }
    let ports = ports(how).map_err(|error| Exit::Address(error.to_string()))?;
    let nodes: Vec<Planned> = (1..=how.nodes).map(|id| Planned::new(arguments, how, &ports, id)).collect();
    Threads { workers: 1, ..Threads::default() }
        .run(&how.data, |rt| supervise(rt, arguments, nodes))
        .map_err(failed)?
}

/// A node that is to be started.
struct Planned {
    id: u16,
    dir: PathBuf,
    /// Where clients connect to.
    port: u16,
    /// Its part of the settings.
    settings: Vec<(String, String)>,
    arguments: Vec<String>,
}

impl Planned {
    fn new(arguments: &Arguments, how: &Local, ports: &[u16], id: u16) -> Planned {
        let (clients, controllers) = ports.split_at(how.nodes.into());
        let at = |ports: &[u16], id: u16| ports[usize::from(id) - 1];
        let voters: Vec<String> =
            (1..=how.nodes).map(|id| format!("{id}@127.0.0.1:{}", at(controllers, id))).collect();
        let (port, controller) = (at(clients, id), at(controllers, id));
        let dir = dir(&how.data, id);
        let own = [
            ("process.roles", "broker,controller".to_owned()),
            ("node.id", id.to_string()),
            ("controller.quorum.voters", voters.join(",")),
            ("listeners", format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}")),
            ("controller.listener.names", "CONTROLLER".to_owned()),
            ("log.dirs", dir.display().to_string()),
        ];
        let mut settings = arguments.set.clone();
        settings.extend(own.map(|(name, value)| (name.to_owned(), value)));
        let mut words = Vec::new();
        if let Some(file) = &arguments.config {
            words.extend(["--config".to_owned(), file.display().to_string()]);
        }
        for (name, value) in &settings {
            words.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        Planned { id, dir, port, settings, arguments: words }
    }

    /// What the node will make of its arguments.
    fn read(&self, arguments: &Arguments) -> Result<BrokerSettings, Exit> {
        settings::of(arguments.config.as_deref(), self.settings.clone())
    }
}

fn dir(data: &Path, id: u16) -> PathBuf {
    data.join(format!("node-{id}"))
}

/// Clients' ports, then those of the controllers.
fn ports(how: &Local) -> std::io::Result<Vec<u16>> {
    let count = 2 * how.nodes;
    if how.port > 0 {
        let beyond = || std::io::Error::other(format!("there are no {count} ports from {} on", how.port));
        let last = how.port.checked_add(count - 1).ok_or_else(beyond)?;
        return Ok((how.port..=last).collect());
    }
    // Held until all are known, so that they differ.
    let bound = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0)));
    let bound: Vec<TcpListener> = bound.collect::<Result<_, _>>()?;
    bound.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

async fn supervise(rt: TokioRuntime, arguments: &Arguments, planned: Vec<Planned>) -> Result<(), Exit> {
    format(&rt, arguments, &planned).await?;
    let mut signals = Signals::listen();
    let (changes, changed) = mpsc::channel(CHANGES_MAX);
    let mut cluster = Cluster {
        serving: BTreeMap::new(),
        nodes: BTreeMap::new(),
        changed,
        failed: Vec::new(),
        stopping: false,
    };
    for node in &planned {
        cluster.serving.insert(node.id, false);
        match Node::start(node.id, &node.arguments, &changes) {
            Ok(started) => drop(cluster.nodes.insert(node.id, started)),
            Err(error) => {
                cluster.failed.push(format!("node {} could not be started: {error}", node.id));
                cluster.stop();
                break;
            }
        }
    }
    let addresses: Vec<String> = planned.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    cluster.run(&mut signals, &addresses.join(",")).await
}

/// Makes the directories the nodes'. One that has lost what it stored comes back as a replacement.
async fn format(rt: &TokioRuntime, arguments: &Arguments, nodes: &[Planned]) -> Result<(), Exit> {
    let failed = |node: &Planned, why: String| Exit::Directory { path: node.dir.clone(), why };
    let mut known: BTreeMap<u16, (TokioRuntime, Option<ClusterId>)> = BTreeMap::new();
    for node in nodes {
        let disk = TokioRuntime::new(&node.dir).map_err(|error| failed(node, error.to_string()))?;
        let meta = server::identity(&disk).await.map_err(|error| Exit::start(&error, &node.dir))?;
        known.insert(node.id, (disk, meta.map(|meta| meta.cluster)));
    }
    let old = known.values().find_map(|(_, cluster)| cluster.clone());
    let replacement = old.is_some();
    let cluster = old.unwrap_or_else(|| random_cluster_id(|| rt.draw()));
    for node in nodes {
        let (disk, found) = &known[&node.id];
        let mut settings = node.read(arguments)?;
        assert_eq!(settings.node_id, BrokerId(node.id.into()), "the node's own settings come last");
        if let Some(found) = found {
            if *found != cluster {
                return Err(failed(node, format!("it belongs to cluster {found}, others to {cluster}")));
            }
            continue;
        }
        settings.cluster_id = Some(cluster.clone());
        let formatted =
            server::format(disk, &settings, Formatting { replacement, ignore_formatted: false }).await;
        formatted.map_err(|error| Exit::start(&error, &node.dir))?;
    }
    Ok(())
}

/// The nodes that run.
struct Cluster {
    /// Whether clients are served, of all nodes.
    serving: BTreeMap<u16, bool>,
    nodes: BTreeMap<u16, Node>,
    changed: mpsc::Receiver<(u16, Change)>,
    /// What went wrong, in words.
    failed: Vec<String>,
    stopping: bool,
}

impl Cluster {
    /// Until none runs any more.
    async fn run(mut self, signals: &mut Signals, addresses: &str) -> Result<(), Exit> {
        while !self.nodes.is_empty() {
            tokio::select! { biased;
                () = signals.next() => {
                    if self.stopping {
                        return self.cut_short().await;
                    }
                    self.stop();
                }
                changed = self.changed.recv() => {
                    let (id, change) = changed.expect("nodes that run tell of their end");
                    self.take(id, change, addresses);
                }
            }
        }
        match self.failed.is_empty() {
            true => Ok(()),
            false => Err(Exit::Node(self.failed.join("; "))),
        }
    }

    fn take(&mut self, id: u16, change: Change, addresses: &str) {
        match change {
            Change::Ready => {
                self.serving.insert(id, true);
                if self.serving.values().all(|serves| *serves) && !self.stopping {
                    info!(
                        "{} nodes are ready: connect to {addresses}; Ctrl-C stops them",
                        self.serving.len()
                    );
                }
            }
            Change::Ended(status) => {
                self.nodes.remove(&id);
                self.ended(id, status);
            }
        }
    }

    fn ended(&mut self, id: u16, status: ExitStatus) {
        if self.stopping && status.success() {
            return;
        }
        let why = format!("node {id} ended: {status}");
        if self.serving.values().all(|serves| *serves) || self.stopping {
            warn!("{why}; it is not started again");
        } else {
            error!("{why}, before the cluster was ready");
            self.stop();
        }
        self.failed.push(why);
    }

    fn stop(&mut self) {
        self.stopping = true;
        self.nodes.values_mut().for_each(Node::stop);
    }

    /// Ends what has not ended yet.
    async fn cut_short(mut self) -> Result<(), Exit> {
        self.nodes.values_mut().for_each(Node::cut_short);
        while !self.nodes.is_empty() {
            let changed = self.changed.recv().await;
            if let Some((id, Change::Ended(_))) = changed {
                self.nodes.remove(&id);
            }
        }
        Err(Exit::Impatient)
    }
}
