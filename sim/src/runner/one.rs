//! One scenario, one fresh thread, one result.

use crate::checkers::{Usage, Violation};
use crate::harness::{self, Completions};
use crate::runtime::run_seed;
use crate::scenario::Scenario;
use crate::story::Story;
use crate::system;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What came of a seed, as a worker tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// The distribution's name.
    pub name: String,
    /// Which seed.
    pub seed: u64,
    /// The hash over events and history: equal wherever and whenever the same code runs the same scenario.
    pub hash: String,
    /// What did not hold.
    pub violations: Vec<Violation>,
    /// Simulated nanoseconds.
    pub sim_nanos: u64,
    /// Processor time, in nanoseconds.
    pub cpu_nanos: u64,
    /// The most that a broker used of each thing.
    pub peak: Usage,
    /// Operations that succeeded.
    pub ok: u64,
    /// Operations that certainly had no effect.
    pub fail: u64,
    /// Operations of which nobody knows.
    pub info: u64,
}

/// Runs it. A panic becomes a violation where panics unwind; where they abort it ends the process.
pub fn run(scenario: &Scenario, story: Option<Story>) -> Ran {
    let (cpu, wall) = (process_cpu_nanos(), Instant::now());
    let (name, seed, knobs) = (scenario.name.clone(), scenario.seed, harness::world_knobs(scenario));
    let owned = scenario.clone();
    let run = run_seed(seed, knobs, move |world| harness::run(world, owned, system::broker, story));
    let cpu_nanos = match (cpu, process_cpu_nanos()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => wall.elapsed().as_nanos() as u64,
    };
    match run {
        Ok(finished) => {
            let Completions { ok, fail, info } = finished.value.completions;
            Ran {
                hash: format!("{}-{}", finished.hash, finished.value.history),
                violations: finished.value.violations,
                sim_nanos: finished.sim_nanos,
                cpu_nanos,
                peak: finished.value.peak,
                ok,
                fail,
                info,
                ..Ran::of(name, seed)
            }
        }
        Err(failure) => {
            let violations = vec![panicked(failure.message)];
            Ran { violations, cpu_nanos, ..Ran::of(name, seed) }
        }
    }
}

impl Ran {
    /// Nothing is known yet but which seed it is.
    pub fn of(name: String, seed: u64) -> Ran {
        Ran {
            name,
            seed,
            hash: String::new(),
            violations: Vec::new(),
            sim_nanos: 0,
            cpu_nanos: 0,
            peak: Usage::default(),
            ok: 0,
            fail: 0,
            info: 0,
        }
    }
}

/// A panic, or another sudden death, as a violation.
pub fn panicked(what: String) -> Violation {
    Violation { invariant: "panic".into(), checker: "panic".into(), time: 0, what }
}

/// Processor time that this process has used, where the system tells.
fn process_cpu_nanos() -> Option<u64> {
    // Fields 14 and 15 of `stat`, in ticks of 10 ms; the name in parentheses may hold spaces.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 10_000_000)
}
