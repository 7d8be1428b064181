//! A scenario: everything that one simulated run is, as data.
//!
//! `seed → Scenario` happens in [`distribution`], outside of the simulation; the runner accepts nothing but a
//! Scenario, and prints one for each failure. So a run can be stored, read by people, edited and shrunk: take out a
//! fault, a client, a topic, and run it again. For that to leave the rest unchanged, every random choice made
//! while it runs comes from a stream named after the thing that chooses (a client, a link, a disk), seeded by
//! `seed` and that name; and faults fire on a time or on an event, never on "the next" of something else.

pub mod distribution;
pub mod fault;
mod fault_draw;
pub mod workload;

pub use fault::{Action, ClockFault, DiskFault, EventKind, Fault, LinkFault, Trigger};
pub use workload::{ClientKind, ClientSpec, Codec, Hostility, StartAt};

use crate::checkers::Usage;
use crate::disk::DiskKnobs;
use crate::net::NetKnobs;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The distribution it was drawn from.
    pub name: String,
    /// Seeds every named stream of randomness of the run.
    pub seed: u64,
    /// Brokers and topics.
    pub topology: Topology,
    /// How the brokers are configured and scheduled.
    pub knobs: Knobs,
    /// The network when nothing is wrong with it.
    pub net: NetKnobs,
    /// Every disk when nothing is wrong with it.
    pub disk: DiskKnobs,
    /// Who does what.
    pub clients: Vec<ClientSpec>,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// Length of the chaos, in simulated milliseconds.
    pub duration_ms: u64,
    /// How long after the last fault has healed everything must be readable again, in simulated milliseconds.
    pub quiesce_ms: u64,
    /// What a broker may use at most.
    pub budget: Usage,
    /// Invariants that are known to break here: empty, but for the regressions of bugs not yet mended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
}

impl Scenario {
    /// Brokers whose disks may be replaced by empty ones, or be empty after a power cut though they were synced.
    pub fn wiped(&self) -> Vec<i32> {
        self.faults.iter().filter(|fault| fault.empties()).map(|fault| fault.broker).collect()
    }

    /// Whether processes end and connections break, and nothing else goes wrong: then whoever lives can always answer.
    pub fn is_calm(&self) -> bool {
        self.faults.iter().all(|fault| match fault.action {
            Action::Kill { .. }
            | Action::PowerLoss { .. }
            | Action::Wipe { .. }
            | Action::Stop { .. }
            | Action::Clock { fault: ClockFault::Jump(_), .. } => true,
            Action::Link { fault, .. } | Action::Peers { fault, .. } => fault == LinkFault::Reset,
            // Whoever has to write down another's epoch waits for its disk before it tells that one that it lives: only where there
            // is no other, all others can.
            Action::Disk { fault: disk, .. } => {
                self.topology.voters() == [fault.broker]
                    && matches!(disk, DiskFault::HungSync | DiskFault::HungWrite)
            }
            Action::Pause { .. } | Action::Clock { .. } => false,
        })
    }

    /// Whether no disk fails: one that is full, slow or empty, or holds calls up, does not.
    pub fn has_sound_disks(&self) -> bool {
        let DiskKnobs { read_error_ppm, write_error_ppm, sync_error_ppm, lies, .. } = self.disk;
        let healthy = read_error_ppm.max(write_error_ppm).max(sync_error_ppm) == 0 && !lies;
        healthy
            && self.faults.iter().all(|fault| match fault.action {
                Action::Disk { fault: disk, .. } => !matches!(
                    disk,
                    DiskFault::SyncErrors(_)
                        | DiskFault::WriteErrors(_)
                        | DiskFault::ReadErrors(_)
                        | DiskFault::Lies
                ),
                _ => true,
            })
    }
}

/// Brokers and topics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// The nodes' ids. All of them are brokers.
    pub brokers: Vec<i32>,
    /// How many of them, the first ones, are controllers too and vote in the metadata quorum; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voters: Option<usize>,
    /// Topics that exist from the start.
    pub topics: Vec<TopicSpec>,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions.
    pub partitions: i32,
    /// Replicas of each.
    #[serde(default = "one_replica", skip_serializing_if = "is_one")]
    pub replicas: i16,
    /// Whether it promises durability (`flush.messages=1`) or is left to the page cache.
    pub durable: bool,
    /// Further configs, Kafka's keys: `segment.bytes`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configs: BTreeMap<String, String>,
}

impl TopicSpec {
    /// A topic of one replica, with defaults for what is not said.
    pub fn plain(name: &str, partitions: i32, durable: bool) -> TopicSpec {
        TopicSpec { name: name.to_string(), partitions, replicas: 1, durable, configs: BTreeMap::new() }
    }
}

fn one_replica() -> i16 {
    1
}

fn is_one(replicas: &i16) -> bool {
    *replicas == 1
}

/// How brokers are configured and scheduled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knobs {
    /// Shards of each broker: how many tasks own its partitions.
    pub shards: u32,
    /// Broker configs, Kafka's keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub configs: BTreeMap<String, String>,
    /// Whether data directories are formatted before the first start, as by `tidemark format`. Without that, no voter of
    /// several knows at first whether it ever voted.
    #[serde(default)]
    pub formatted: bool,
    /// Brokers whose advertised addresses clients reach and other nodes don't, as behind a forwarded port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<i32>,
}

impl Topology {
    /// The nodes that vote in the metadata quorum.
    pub fn voters(&self) -> &[i32] {
        &self.brokers[..self.voters.unwrap_or(usize::MAX).clamp(1, self.brokers.len())]
    }
}

impl Scenario {
    /// Its JSON, for people and for the runner.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a scenario is plain data")
    }

    /// The scenario that some JSON describes.
    pub fn from_json(text: &str) -> Result<Scenario, String> {
        let scenario: Scenario = serde_json::from_str(text).map_err(|e| e.to_string())?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// Whether a fault may strike another broker than its own: it follows, at whatever distance, one that strikes whoever
    /// tells an event, or is one itself.
    fn strikes_whoever(&self, fault: &Fault) -> bool {
        let mut fault = Some(fault);
        // No chain is longer than there are faults: one that goes round strikes nobody.
        for _ in 0..self.faults.len() {
            let Some(Fault { trigger: Trigger::Event { since, during, whoever, .. }, .. }) = fault else {
                break;
            };
            if *whoever {
                return true;
            }
            let before = since.as_ref().or(during.as_ref());
            fault = self.faults.iter().find(|other| Some(&other.name) == before);
        }
        false
    }

    /// What makes no sense in it, if anything.
    pub fn validate(&self) -> Result<(), String> {
        if self.topology.brokers.is_empty() {
            return Err("no broker".into());
        }
        let mut names: Vec<&str> = self.clients.iter().map(|c| c.name.as_str()).collect();
        names.extend(self.faults.iter().map(|f| f.name.as_str()));
        names.extend(self.topology.topics.iter().map(|t| t.name.as_str()));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        if names.len() != count {
            return Err("two clients, faults or topics share a name, and with it their randomness".into());
        }
        let brokers = self.topology.brokers.len();
        if let Some(topic) = self.topology.topics.iter().find(|topic| topic.replicas as usize > brokers) {
            return Err(format!("{}: {} replicas on {brokers} brokers", topic.name, topic.replicas));
        }
        for fault in &self.faults {
            if !self.topology.brokers.contains(&fault.broker) {
                return Err(format!("{}: there is no broker {}", fault.name, fault.broker));
            }
            if matches!(&fault.trigger, Trigger::Event { nth: 0, .. }) {
                return Err(format!("{}: events are counted from 1", fault.name));
            }
            if fault.empties() && self.strikes_whoever(fault) {
                return Err(format!("{}: wipes of different brokers lose what was committed", fault.name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "scenario_test.rs"]
mod tests;
