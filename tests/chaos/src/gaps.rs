//! How long nothing was acknowledged, and during which fault that began.
//!
//! A gap is the time between two acknowledgements of one producer on one partition: what a producer gets acknowledged on
//! other partitions meanwhile doesn't make it shorter. It belongs to each fault in whose time it began. The last
//! acknowledgement before a fault lies before it: so a gap counts that was still short when the fault began.

use crate::history::Line;
use crate::strike::Struck;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A gap that was longer when a fault began is not of that fault's making.
const BEFORE_MAX_NS: u64 = 100_000_000;

/// A time without acknowledgements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// How long, in nanoseconds; 0 where there was none.
    pub ns: u64,
    /// Which producer's.
    pub producer: String,
    /// On which partition.
    pub partition: i32,
}

/// The longest gap of each fault.
#[derive(Debug, Default)]
pub struct Gaps {
    /// Of each fault, begin and end in nanoseconds, and the longest gap.
    faults: Vec<(u64, u64, Gap)>,
    /// The longest gap that no fault has to answer for.
    pub elsewhere_ns: u64,
    /// Records acknowledged.
    pub acknowledged: u64,
    /// What was sent and is not answered: by operation, to which partition.
    open: BTreeMap<u64, i32>,
    /// Of each producer and partition, when a record was acknowledged last.
    last: BTreeMap<(String, i32), u64>,
}

/// As much of a call as says which partition a record is sent to.
#[derive(Deserialize)]
struct Call {
    produce: Option<Produce>,
}

#[derive(Deserialize)]
struct Produce {
    partition: i32,
}

impl Gaps {
    /// For these faults.
    pub fn new(faults: &[Struck]) -> Gaps {
        let faults = faults.iter().map(|fault| (fault.begin_ns, fault.end_ns, Gap::default())).collect();
        Gaps { faults, ..Gaps::default() }
    }

    /// Looks at a line of the history, all of which come in order.
    pub fn look(&mut self, line: &Line) {
        match (line.is.as_str(), &line.call) {
            ("invoke", Some(call)) if line.client.starts_with('p') => {
                if let Ok(Call { produce: Some(Produce { partition }) }) = serde_json::from_str(call.get()) {
                    self.open.insert(line.op, partition);
                }
            }
            ("ok", _) => {
                if let Some(partition) = self.open.remove(&line.op) {
                    self.acknowledged(&line.client, partition, line.t);
                }
            }
            ("fail" | "info", _) => drop(self.open.remove(&line.op)),
            _ => {}
        }
    }

    fn acknowledged(&mut self, producer: &str, partition: i32, now: u64) {
        self.acknowledged += 1;
        let Some(last) = self.last.insert((producer.to_string(), partition), now) else { return };
        let mut answered_for = false;
        for (begin, end, longest) in &mut self.faults {
            if now > *begin && last < *end && begin.saturating_sub(last) <= BEFORE_MAX_NS {
                answered_for = true;
                if longest.ns < now - last {
                    *longest = Gap { ns: now - last, producer: producer.to_string(), partition };
                }
            }
        }
        if !answered_for {
            self.elsewhere_ns = self.elsewhere_ns.max(now - last);
        }
    }

    /// The longest gap of each fault, in the order in which they were given.
    pub fn longest(&self) -> impl Iterator<Item = Gap> + '_ {
        self.faults.iter().map(|(_, _, longest)| longest.clone())
    }
}

#[cfg(test)]
#[path = "gaps_test.rs"]
mod tests;
