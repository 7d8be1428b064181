//! Runs one scenario: chaos, healing, and the questions asked afterwards.
//!
//! ```text
//! start and create the topics → chaos (clients at work, faults strike) → heal everything, clients finish
//!   → read everything within 30 simulated s → rest → cut the power everywhere → start → read everything
//!   → stop in order → scrub the disks → start → read everything → stop in order → scrub
//! ```

mod broker;
mod chaos;
mod faults;
mod hub;
mod metadata;
mod producers;
mod readback;
pub mod replay;

pub use broker::{BrokerSpec, CONTROLLER_PORT, FORWARDED_PORT, Format, Main, PORT, Stop};
pub use hub::{Completions, Hub};

use crate::checkers::{Checkers, Expected, Usage, Violation};
use crate::history::Note;
use crate::runtime::{NodeHandle, World, WorldKnobs};
use crate::scenario::{Fault, Scenario};
use crate::story::Story;
use crate::trace::TraceHash;
use crate::workload::{self, Client, Created, LAST_WORDS, Session, Surroundings};
use broker::Broker;
use chaos::Chaos;
use faults::Triggers;
use model::time::Duration;
use model::{TopicId, Uuid};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// Simulated seconds after which a run that has not come to its end fails.
const LIMIT_S: u64 = 3_600;
/// How often what brokers use is looked at, where so many are looked at; where there are more, as much more seldom: it takes a
/// walk over their disks.
const USAGE_EVERY: Duration = Duration::from_secs(1);
const USAGES: u32 = 10;

/// Once everything works again, a follower may wait so long for an answer that was lost.
const SETTLING: Duration = Duration::from_secs(10);
/// How long nothing is done to anybody: some terms of a leader that hears no majority.
const REST: Duration = Duration::from_secs(20);

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What did not hold.
    pub violations: Vec<Violation>,
    /// How clients' operations ended.
    pub completions: Completions,
    /// The most that a broker ever used of each thing.
    pub peak: Usage,
    /// The hash over the history; the world's own, over the events, comes with the end of the world.
    pub history: TraceHash,
}

/// How the world of a scenario begins.
pub fn world_knobs(scenario: &Scenario) -> WorldKnobs {
    WorldKnobs { net: scenario.net, disk: scenario.disk, limit_s: LIMIT_S, ..WorldKnobs::default() }
}

/// Runs a scenario in a fresh world.
pub async fn run(world: World, scenario: Scenario, main: Main, story: Option<Story>) -> Outcome {
    let (triggers, timed) = Triggers::new(&scenario.faults);
    let checkers = Checkers::of_simulation(&Expected {
        budget: scenario.budget,
        voters: scenario.topology.voters().len(),
        calm: scenario.is_calm(),
        sound: scenario.has_sound_disks(),
    });
    let hub = Hub::new(&world, checkers, triggers, story);
    hub.learn(TopicId(Uuid::METADATA_TOPIC), "__cluster_metadata");
    let run = Run::new(world, hub, scenario, main);
    if run.play(timed).await.is_err() {
        run.world.note("the run ends early");
    }
    Outcome {
        violations: run.hub.violations(),
        completions: run.hub.completions(),
        peak: run.hub.peak(),
        history: run.hub.hash(),
    }
}

/// Faults by the time at which they strike, in milliseconds since the chaos began.
type Timed = BTreeMap<u64, Vec<Fault>>;

/// A phase failed: the hub has been told why.
struct Failed;

struct Run {
    world: World,
    hub: Arc<Hub>,
    scenario: Scenario,
    brokers: Vec<Broker>,
    addrs: Arc<Vec<SocketAddr>>,
    clients: Vec<NodeHandle>,
    harness: NodeHandle,
}

impl Run {
    fn new(world: World, hub: Arc<Hub>, scenario: Scenario, main: Main) -> Run {
        let mut knobs = scenario.knobs.clone();
        let configs = &mut knobs.configs;
        configs.insert("tidemark.shards".into(), scenario.knobs.shards.to_string());
        let ids = &scenario.topology.brokers;
        let nodes: Vec<NodeHandle> = ids.iter().map(|id| world.node(&format!("b{id}"))).collect();
        if ids.len() > 1 {
            let at = |(id, node): (&i32, &NodeHandle)| format!("{id}@{}:{CONTROLLER_PORT}", node.ip());
            let voting = scenario.topology.voters().iter();
            let voters: Vec<String> = voting.zip(&nodes).map(at).collect();
            configs.insert("controller.quorum.voters".into(), voters.join(","));
            configs.insert("controller.listener.names".into(), "CONTROLLER".into());
            configs.insert("tidemark.cluster.id".into(), "c2ltdWxhdGVkY2x1c3RlcQ".into());
        }
        let brokers: Vec<Broker> = ids
            .iter()
            .zip(nodes)
            .map(|(id, node)| {
                let mut knobs = knobs.clone();
                if knobs.unreachable.contains(id) {
                    let advertised = format!("PLAINTEXT://{}:{FORWARDED_PORT}", node.ip());
                    knobs.configs.insert("advertised.listeners".into(), advertised);
                }
                Broker::new(&world, &hub, *id, node, &knobs, &scenario.budget, main)
            })
            .collect();
        let addrs = Arc::new(brokers.iter().map(Broker::addr).collect());
        let clients = scenario.clients.iter().map(|client| world.node(&client.name)).collect();
        let harness = world.node("harness");
        hub.name_machines();
        Run { world, hub, scenario, brokers, addrs, clients, harness }
    }

    async fn play(&self, timed: Timed) -> Result<(), Failed> {
        self.start_brokers();
        self.watch_usage();
        self.create_topics().await?;
        self.chaos(timed).await;
        self.read_all(1).await?;
        self.rest().await;
        self.world.note("the power goes everywhere");
        self.brokers.iter().for_each(Broker::power_off);
        self.start_brokers();
        self.read_all(2).await?;
        self.stop_and_scrub().await?;
        self.start_brokers();
        self.read_all(3).await?;
        // What a start did by itself was mended by no recovery since.
        self.stop_and_scrub().await
    }

    fn start_brokers(&self) {
        self.brokers.iter().for_each(Broker::start);
    }

    /// What clients know; those of the harness have the scenario's time to quiesce.
    fn around(&self, until: u64) -> Surroundings {
        Surroundings {
            world: self.world.clone(),
            hub: self.hub.clone(),
            brokers: self.addrs.clone(),
            topics: Arc::new(self.scenario.topology.topics.clone()),
            wiped: Arc::new(self.scenario.wiped()),
            until,
        }
    }

    fn in_quiesce_time(&self) -> Surroundings {
        self.around(self.world.now_nanos() + self.scenario.quiesce_ms * 1_000_000)
    }

    async fn create_topics(&self) -> Result<(), Failed> {
        self.world.note("the topics are created");
        let around = self.in_quiesce_time();
        let until = around.until;
        let topics = self.scenario.topology.topics.clone();
        self.harness.boot(move |runtime| async move {
            let mut client = Client::of_harness("admin", around, runtime);
            let mut left = topics.iter();
            let mut topic = left.next();
            while let (Some(spec), Some(mut session)) = (topic, Session::open(&mut client).await) {
                match workload::create(&client, &mut session, spec).await {
                    Created::Yes | Created::Exists => topic = left.next(),
                    Created::No | Created::Broken => client.rest_ms(100).await,
                }
                // The next session learns the ids.
            }
            let _ = Session::open(&mut client).await;
        });
        self.harness.ended().await;
        if self.world.now_nanos() >= until {
            self.hub.stuck("the topics could not be created");
            return Err(Failed);
        }
        Ok(())
    }

    async fn chaos(&self, timed: Timed) {
        self.world.note("chaos");
        let begin = self.world.now_nanos();
        let end = begin + self.scenario.duration_ms * 1_000_000;
        let around = self.around(end);
        for (spec, node) in self.scenario.clients.iter().zip(&self.clients) {
            let (spec, around) = (spec.clone(), around.clone());
            node.boot(move |runtime| workload::run(spec, around, runtime));
        }
        let clients = self.clients.iter().map(NodeHandle::id).collect();
        let Scenario { disk, net, .. } = &self.scenario;
        let chaos = Chaos::new(&self.world, &self.hub, &self.brokers, clients, *disk, net.link);
        let striking = chaos.clone();
        self.hub.arm(Arc::new(move |fault| striking.due(fault)));
        for (ms, faults) in timed {
            self.world.sleep_until(end.min(begin + ms * 1_000_000)).await;
            faults.into_iter().for_each(|fault| chaos.due(fault));
        }
        self.world.sleep_until(end).await;
        self.hub.disarm();
        self.world.note("everything heals");
        chaos.heal();
        let patience = self.world.now_nanos() + LAST_WORDS.as_nanos() as u64;
        while self.clients.iter().any(NodeHandle::is_up) && self.world.now_nanos() < patience {
            self.world.sleep(Duration::from_millis(100)).await;
        }
        self.clients.iter().for_each(NodeHandle::kill);
        // A broker that was still stopping when everything healed is down by now, and is started again.
        chaos.heal();
    }

    async fn read_all(&self, round: u32) -> Result<(), Failed> {
        self.world.note(format!("everything is read, round {round}"));
        readback::read_all(&self.harness, &self.in_quiesce_time(), round).await.map_err(|why| {
            let limit_s = self.scenario.quiesce_ms / 1000;
            self.hub.stuck(&format!("not within {limit_s} s, round {round}: {why}"));
            Failed
        })
    }

    /// Does nothing for a while. Not where there is no leadership to change, or where messages get lost all the time.
    async fn rest(&self) {
        let Scenario { topology, net, .. } = &self.scenario;
        if topology.voters().len() > 1 && net.link.loss_ppm == 0 {
            self.world.sleep(SETTLING).await;
            self.hub.note(Note::RestBegins);
            self.world.sleep(REST).await;
            self.hub.note(Note::RestEnds);
        }
    }

    async fn stop_and_scrub(&self) -> Result<(), Failed> {
        // Those that don't vote first: whoever stops is let go by the controller, as long as there is one.
        let voters = self.scenario.topology.voters();
        let (last, first): (Vec<_>, Vec<_>) =
            self.brokers.iter().partition(|broker| voters.contains(&broker.id));
        for broker in first.into_iter().chain(last) {
            if !broker.stopped().await {
                self.hub.stuck(&format!("broker {} did not stop", broker.id));
                return Err(Failed);
            }
            self.hub.scrubbed(broker.id, &replay::scrub(&broker.files()));
        }
        Ok(())
    }

    fn watch_usage(&self) {
        let (world, hub, brokers) = (self.world.clone(), self.hub.clone(), self.brokers.clone());
        let every = USAGE_EVERY * (brokers.len() as u32 / USAGES).max(1);
        self.world.spawn(async move {
            loop {
                world.sleep(every).await;
                // What is told of the whole world takes a walk over everything: once is enough.
                let tasks = madsim::runtime::Handle::current().metrics().num_tasks_by_node();
                let (memory_bytes, connections) = (crate::memory::in_use(), world.net().connections());
                for broker in &brokers {
                    let disk = broker.node.disk();
                    let usage = Usage {
                        memory_bytes,
                        descriptors: (disk.open_files() + connections) as u64,
                        tasks: tasks.get(&broker.node.name()).copied().unwrap_or(0) as u64,
                        disk_bytes: disk.used_bytes(),
                    };
                    hub.usage(broker.id, &usage);
                }
            }
        });
    }
}

#[cfg(test)]
#[path = "harness_test.rs"]
mod tests;
