//! Rows of three nodes: what they replicate, what happens when one is killed, and what they cost when nothing happens.
//!
//! Every node is broker and controller. Where a killed node can be started again, both clusters stay up and take turns;
//! where that would leave something behind, each run has a cluster of its own.

use super::Programs;
use super::broker::{Broker, Place, Recipe, Who};
use super::machine::{back_page_cache, free_port, settle, wait_until_quiet};
use super::rows::{Load, Loss, Mode};
use super::run::{Measured, WARMUP, bounds, generate};
use super::sample::Sample;

const NODES: usize = 3;
/// A topic has at most so many of the partitions: controllers limit what one request may ask for.
const TOPIC_PARTITIONS: u64 = 1000;
/// After its partitions were created a cluster writes snapshots and checkpoints, and a just-in-time compiler compiles.
const CALM: std::time::Duration = std::time::Duration::from_secs(15);

/// The pairs of a row.
pub(super) fn measure(
    load: Load,
    mode: Mode,
    programs: &Programs,
    pairs: usize,
    measured: &mut Measured,
) -> Result<(), String> {
    let mut both = None;
    if matches!(load, Load::ControllerFailover | Load::Replicated { .. } | Load::LeaderLost(_)) {
        let kafka =
            programs.kafka.is_some().then(|| Cluster::start(Who::Kafka, mode, programs)).transpose()?;
        let mut clusters = (Cluster::start(Who::Tidemark, mode, programs)?, kafka);
        if let Load::Replicated { .. } = load {
            let warm = Load::Replicated { size: 1024, count: WARMUP / 2, partitions: 3 };
            clusters.0.take_turn(warm, 0, &[], programs)?;
            if let Some(kafka) = &mut clusters.1 {
                kafka.take_turn(warm, 0, &[], programs)?;
            }
        }
        both = Some(clusters);
    }
    for pair in 1..=pairs {
        eprint!("pair {pair} of {pairs}\r");
        bounds(load, mode, programs, measured)?;
        match &mut both {
            Some((tidemark, kafka)) => {
                let beside = kafka.as_ref().map_or(Vec::new(), Cluster::pids);
                measured.tidemark.push(tidemark.take_turn(load, pair, &beside, programs)?);
                let beside = tidemark.pids();
                if let Some(kafka) = kafka {
                    measured.kafka.push(kafka.take_turn(load, pair, &beside, programs)?);
                }
            }
            None => {
                measured.tidemark.push(alone(Who::Tidemark, load, mode, programs)?);
                if programs.kafka.is_some() {
                    measured.kafka.push(alone(Who::Kafka, load, mode, programs)?);
                }
            }
        }
    }
    eprintln!();
    Ok(())
}

/// One run of a new cluster.
fn alone(who: Who, load: Load, mode: Mode, programs: &Programs) -> Result<Sample, String> {
    let cluster = Cluster::start(who, mode, programs)?;
    match load {
        Load::LeadersMoved { partitions } => {
            cluster.ready(partitions, 2, programs)?;
            settle();
            wait_until_quiet();
            cluster.generate("moved", &[], programs)
        }
        Load::IdleCluster { partitions } => {
            cluster.ready(partitions, 1, programs)?;
            settle();
            std::thread::sleep(CALM);
            wait_until_quiet();
            cluster.generate("idle", &[("seconds", "10")], programs)
        }
        Load::Rejoin { partitions } => {
            let mut cluster = cluster;
            cluster.ready(partitions, 3, programs)?;
            settle();
            std::thread::sleep(CALM);
            wait_until_quiet();
            // Killed, not stopped: nobody told the others that it goes.
            cluster.nodes[NODES - 1].spawn_again()?;
            cluster.generate("rejoined", &[], programs)
        }
        _ => unreachable!("not a load of clusters that are measured alone"),
    }
}

/// Three nodes that know each other.
struct Cluster {
    nodes: Vec<Broker>,
}

impl Cluster {
    fn start(who: Who, mode: Mode, programs: &Programs) -> Result<Cluster, String> {
        let controllers: Vec<u16> = (0..NODES).map(|_| free_port()).collect::<Result<_, _>>()?;
        let mut nodes = Vec::new();
        for id in 1..=NODES {
            let place = Place { id, port: free_port()?, controllers: controllers.clone() };
            nodes.push(Broker::spawn(Recipe::at(&place, who, mode, programs)?)?);
        }
        let mut cluster = Cluster { nodes };
        cluster.nodes.iter_mut().try_for_each(Broker::wait)?;
        cluster.ready(0, 1, programs)?;
        Ok(cluster)
    }

    /// Waits until all nodes are there, and creates partitions.
    fn ready(&self, partitions: u64, replicas: u64, programs: &Programs) -> Result<(), String> {
        let topics = partitions.div_ceil(TOPIC_PARTITIONS);
        let each = partitions.checked_div(topics).unwrap_or(1);
        let (topics, each, replicas) = (topics.to_string(), each.to_string(), replicas.to_string());
        let options = [("topics", &*topics), ("partitions", &*each), ("replicas", &*replicas)];
        self.generate("ready", &options, programs).map(drop)
    }

    /// One run, while the other cluster is idle.
    fn take_turn(
        &mut self,
        load: Load,
        pair: usize,
        beside: &[u32],
        programs: &Programs,
    ) -> Result<Sample, String> {
        settle();
        wait_until_quiet();
        let beside: Vec<String> = beside.iter().map(u32::to_string).collect();
        let (topic, beside) = (format!("pair-{pair}"), beside.join(","));
        let mut options = vec![("topic", &*topic), ("beside", &*beside)];
        match load {
            Load::Replicated { size, count, partitions } => {
                let [size, count, partitions] = [size, count, partitions].map(|number| number.to_string());
                back_page_cache(&programs.scratch);
                // One topic for all: what is created here is led by whoever the draw says, and stays.
                options[0] = ("topic", "bench");
                options.extend([("size", &*size), ("count", &*count), ("partitions", &*partitions)]);
                self.generate("replicated", &options, programs)
            }
            Load::LeaderLost(loss) => {
                let program = programs.tidemark.display().to_string();
                options.extend(match loss {
                    Loss::Killed => vec![("signal", "KILL")],
                    Loss::Stopped => vec![("signal", "STOP"), ("client", &*program)],
                });
                let sample = self.generate("lost", &options, programs)?;
                self.mend(&sample, loss == Loss::Killed, programs)?;
                Ok(sample)
            }
            _ => {
                let sample = self.generate("failover", &options, programs)?;
                self.mend(&sample, true, programs)?;
                Ok(sample)
            }
        }
    }

    /// Starts the victim again if it was killed, and waits until all nodes are there.
    fn mend(&mut self, sample: &Sample, killed: bool, programs: &Programs) -> Result<(), String> {
        let victim = sample.0["victim"].as_u64().ok_or("nobody was killed")? as usize;
        let node = &mut self.nodes[victim - 1];
        if killed {
            node.spawn_again()?;
        }
        node.wait()?;
        self.ready(0, 1, programs)
    }

    fn generate(&self, what: &str, options: &[(&str, &str)], programs: &Programs) -> Result<Sample, String> {
        let node = |(at, node): (usize, &Broker)| format!("{}={}={}", at + 1, node.addr(), node.pid());
        let nodes: Vec<String> = self.nodes.iter().enumerate().map(node).collect();
        let mut words = vec![what.to_string(), "--nodes".to_string(), nodes.join(",")];
        for (name, value) in options {
            words.extend([format!("--{name}"), value.to_string()]);
        }
        generate(programs, &words)
    }

    fn pids(&self) -> Vec<u32> {
        self.nodes.iter().map(Broker::pid).collect()
    }
}
