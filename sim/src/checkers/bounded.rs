//! I24: memory, descriptors, tasks and disk stay within the scenario's budget.

use super::{Checker, Context, Report, Seen};
use serde::{Deserialize, Serialize};

/// What a broker uses, or may use at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Bytes allocated by the whole simulation: brokers, clients, disks and checkers together.
    pub memory_bytes: u64,
    /// Open files and connections of one broker.
    pub descriptors: u64,
    /// Live tasks of one broker.
    pub tasks: u64,
    /// Bytes on one broker's disk.
    pub disk_bytes: u64,
}

impl Usage {
    /// The larger of the two, thing by thing.
    pub fn max(&self, other: &Usage) -> Usage {
        Usage {
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
            descriptors: self.descriptors.max(other.descriptors),
            tasks: self.tasks.max(other.tasks),
            disk_bytes: self.disk_bytes.max(other.disk_bytes),
        }
    }
}

/// See the file's header.
pub struct Bounded {
    budget: Usage,
}

impl Bounded {
    /// Watches over this budget.
    pub fn new(budget: Usage) -> Bounded {
        Bounded { budget }
    }
}

impl Checker for Bounded {
    fn name(&self) -> &'static str {
        "bounded"
    }

    fn invariant(&self) -> &'static str {
        "I24"
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Context, report: &mut Report) {
        let Seen::Usage { broker, usage } = seen else { return };
        for (what, used, budget) in [
            ("bytes of memory", usage.memory_bytes, self.budget.memory_bytes),
            ("descriptors", usage.descriptors, self.budget.descriptors),
            ("tasks", usage.tasks, self.budget.tasks),
            ("bytes on disk", usage.disk_bytes, self.budget.disk_bytes),
        ] {
            if used > budget {
                report.violation(format!("broker {broker} uses {used} {what}; its budget is {budget}"));
            }
        }
    }
}

#[cfg(test)]
#[path = "bounded_test.rs"]
mod tests;
