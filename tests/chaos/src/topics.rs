//! What the binary's own command line tells of topics: who leads each partition, who holds it, who is in sync.

use crate::fabric::HostId;

/// One partition as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its topic.
    pub topic: String,
    /// Which of the topic's.
    pub index: u32,
    /// Who leads it.
    pub leader: Option<HostId>,
    /// Who holds it.
    pub replicas: Vec<HostId>,
    /// Who of them is in sync.
    pub in_sync: Vec<HostId>,
}

impl Partition {
    /// It is led, and nobody is behind.
    pub fn is_whole(&self) -> bool {
        self.leader.is_some() && self.in_sync.len() == self.replicas.len()
    }
}

/// Reads what `tidemark topics describe` prints.
pub fn parse(told: &str) -> Result<Vec<Partition>, String> {
    let lines = told.lines().filter(|line| line.starts_with('\t'));
    lines.map(|line| partition(line).ok_or_else(|| format!("not a partition: {line}"))).collect()
}

fn partition(line: &str) -> Option<Partition> {
    let field = |name: &str| line.split('\t').find_map(|field| field.strip_prefix(name)?.strip_prefix(": "));
    let brokers = |name: &str| -> Option<Vec<HostId>> {
        field(name)?.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().ok()).collect()
    };
    let leader = match field("Leader")? {
        "none" => None,
        id => Some(id.parse().ok()?),
    };
    Some(Partition {
        topic: field("Topic")?.to_string(),
        index: field("Partition")?.parse().ok()?,
        leader,
        replicas: brokers("Replicas")?,
        in_sync: brokers("Isr")?,
    })
}

#[cfg(test)]
#[path = "topics_test.rs"]
mod tests;
