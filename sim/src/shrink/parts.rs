//! What a scenario is made of, as far as it can be taken apart: lists of things with names, kind by kind.
//!
//! What fires on a time or an event, and draws from a stream of its own name, is not changed by what else is taken
//! away: that is why this works.

use crate::scenario::Scenario;
use std::fmt;

/// One thing that may be taken away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A fault, by its name.
    Fault(String),
    /// A client, by its name.
    Client(String),
    /// A broker, with the faults that happen to it.
    Broker(i32),
    /// A topic, by its name.
    Topic(String),
    /// A config of a topic: topic and key.
    TopicConfig(String, String),
    /// A config of the brokers.
    Config(String),
}

/// A kind of part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What goes wrong.
    Faults,
    /// Who does something.
    Clients,
    /// Nodes.
    Brokers,
    /// Topics.
    Topics,
    /// Configs, of topics and of brokers.
    Configs,
}

impl Kind {
    /// In the order in which it pays: what runs shortest without it first.
    pub const ALL: [Kind; 5] = [Kind::Faults, Kind::Clients, Kind::Brokers, Kind::Topics, Kind::Configs];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Faults => "faults",
            Kind::Clients => "clients",
            Kind::Brokers => "brokers",
            Kind::Topics => "topics",
            Kind::Configs => "configs",
        })
    }
}

/// The parts of one kind, in the scenario's order.
pub fn of(scenario: &Scenario, kind: Kind) -> Vec<Part> {
    match kind {
        Kind::Faults => scenario.faults.iter().map(|fault| Part::Fault(fault.name.clone())).collect(),
        Kind::Clients => scenario.clients.iter().map(|client| Part::Client(client.name.clone())).collect(),
        Kind::Brokers => scenario.topology.brokers.iter().map(|id| Part::Broker(*id)).collect(),
        Kind::Topics => {
            scenario.topology.topics.iter().map(|topic| Part::Topic(topic.name.clone())).collect()
        }
        Kind::Configs => {
            let topics = scenario.topology.topics.iter();
            let of_topics = topics.flat_map(|topic| {
                topic.configs.keys().map(|key| Part::TopicConfig(topic.name.clone(), key.clone()))
            });
            of_topics.chain(scenario.knobs.configs.keys().cloned().map(Part::Config)).collect()
        }
    }
}

/// The scenario with those parts of a kind only.
pub fn keep(scenario: &Scenario, kind: Kind, kept: &[Part]) -> Scenario {
    let mut left = scenario.clone();
    let keeps = |part: Part| kept.contains(&part);
    match kind {
        Kind::Faults => left.faults.retain(|fault| keeps(Part::Fault(fault.name.clone()))),
        Kind::Clients => left.clients.retain(|client| keeps(Part::Client(client.name.clone()))),
        Kind::Brokers => {
            left.topology.brokers.retain(|id| keeps(Part::Broker(*id)));
            left.faults.retain(|fault| keeps(Part::Broker(fault.broker)));
        }
        Kind::Topics => left.topology.topics.retain(|topic| keeps(Part::Topic(topic.name.clone()))),
        Kind::Configs => {
            for topic in &mut left.topology.topics {
                let name = topic.name.clone();
                topic.configs.retain(|key, _| keeps(Part::TopicConfig(name.clone(), key.clone())));
            }
            left.knobs.configs.retain(|key, _| keeps(Part::Config(key.clone())));
        }
    }
    left
}

/// How large a scenario is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Faults.
    pub faults: usize,
    /// Clients.
    pub clients: usize,
    /// Most operations of all clients together, if each has a limit.
    pub operations: Option<u64>,
    /// Brokers.
    pub brokers: usize,
    /// Partitions of the topics that are there from the start.
    pub partitions: i32,
    /// Configs, of topics and of brokers.
    pub configs: usize,
    /// Milliseconds of chaos.
    pub duration_ms: u64,
}

impl Size {
    /// Measures a scenario.
    pub fn of(scenario: &Scenario) -> Size {
        Size {
            faults: scenario.faults.len(),
            clients: scenario.clients.len(),
            operations: scenario.clients.iter().map(|client| client.operations_max).sum(),
            brokers: scenario.topology.brokers.len(),
            partitions: scenario.topology.topics.iter().map(|topic| topic.partitions).sum(),
            configs: of(scenario, Kind::Configs).len(),
            duration_ms: scenario.duration_ms,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} faults, {} clients", self.faults, self.clients)?;
        match self.operations {
            Some(operations) => write!(f, " with {operations} operations")?,
            None => f.write_str(" without a limit of operations")?,
        }
        write!(
            f,
            ", {} brokers, {} partitions, {} configs, {} ms",
            self.brokers, self.partitions, self.configs, self.duration_ms
        )
    }
}

#[cfg(test)]
#[path = "parts_test.rs"]
mod tests;
