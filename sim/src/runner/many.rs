//! Many seeds, over worker processes, and what they add up to.

use super::one::Ran;
use super::worker::{HEAVY_SEED_MAX, SEED_MAX, Worker};
use crate::checkers::Usage;
use crate::scenario::Scenario;
use crate::scenario::distribution::Distribution;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How many to run, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// From the first to the last but one.
    pub seeds: Range<u64>,
    /// Stop when so many minutes of processor time are used, if it is some.
    pub minutes: Option<f64>,
    /// Workers at a time.
    pub jobs: usize,
    /// Each seed in two processes, which must agree: one of its own, and one that runs many.
    pub twice: bool,
    /// Print seed and hash of every seed.
    pub hashes: bool,
    /// Stop at the first seed in which one of these invariants (or checkers) fires; none: at the first that fails at
    /// all, if `until_failure`.
    pub until: Vec<String>,
    /// Stop at the first failure.
    pub until_failure: bool,
    /// Where failing scenarios are kept.
    pub keep: PathBuf,
}

/// What the seeds of a scenario add up to.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// Seeds run.
    pub seeds: u64,
    /// Those in which something did not hold.
    pub failed: Vec<(u64, String)>,
    /// Simulated nanoseconds.
    pub sim_nanos: u64,
    /// Processor time, in nanoseconds.
    pub cpu_nanos: u64,
    /// The most that a broker used of each thing.
    pub peak: Usage,
    /// Operations: succeeded, certainly without effect, nobody knows.
    pub operations: (u64, u64, u64),
    /// Wall time, in seconds.
    pub wall_s: f64,
}

struct Progress {
    next: u64,
    stop: bool,
    sum: Sum,
    hashes: BTreeMap<u64, String>,
    printed: u64,
}

/// Runs a plan over a distribution. Failures are printed as they come.
pub fn run(distribution: &Distribution, plan: &Plan) -> Result<Sum, String> {
    let began = Instant::now();
    let progress = Mutex::new(Progress {
        next: plan.seeds.start,
        stop: false,
        sum: Sum::default(),
        hashes: BTreeMap::new(),
        printed: plan.seeds.start,
    });
    let results: Vec<Result<(), String>> = std::thread::scope(|scope| {
        let jobs: Vec<_> =
            (0..plan.jobs.max(1)).map(|_| scope.spawn(|| work(distribution, plan, &progress))).collect();
        jobs.into_iter().map(|job| job.join().unwrap_or_else(|_| Err("a job panicked".into()))).collect()
    });
    results.into_iter().collect::<Result<(), String>>()?;
    let mut sum = progress.into_inner().unwrap_or_else(PoisonError::into_inner).sum;
    sum.failed.sort();
    sum.wall_s = began.elapsed().as_secs_f64();
    Ok(sum)
}

fn work(distribution: &Distribution, plan: &Plan, progress: &Mutex<Progress>) -> Result<(), String> {
    let lock = || progress.lock().unwrap_or_else(PoisonError::into_inner);
    let longest = if distribution.heavy { HEAVY_SEED_MAX } else { SEED_MAX };
    let (mut worker, mut second) = (Worker::fresh().within(longest), Worker::lasting().within(longest));
    loop {
        let seed = {
            let mut progress = lock();
            if progress.stop || progress.next >= plan.seeds.end {
                return Ok(());
            }
            progress.next += 1;
            progress.next - 1
        };
        let scenario = distribution.draw(seed);
        let mut ran = worker.run(&scenario)?;
        if plan.twice {
            let again = second.run(&scenario)?;
            if again.hash != ran.hash {
                let what = format!("two processes disagree: {} and {}", ran.hash, again.hash);
                ran.violations.push(super::one::panicked(what));
            }
            ran.cpu_nanos += again.cpu_nanos;
        }
        lock().take(&scenario, ran, plan)?;
    }
}

impl Progress {
    fn take(&mut self, scenario: &Scenario, ran: Ran, plan: &Plan) -> Result<(), String> {
        let sum = &mut self.sum;
        sum.seeds += 1;
        sum.sim_nanos += ran.sim_nanos;
        sum.cpu_nanos += ran.cpu_nanos;
        sum.peak = sum.peak.max(&ran.peak);
        sum.operations.0 += ran.ok;
        sum.operations.1 += ran.fail;
        sum.operations.2 += ran.info;
        let unexpected: Vec<_> =
            ran.violations.iter().filter(|v| !scenario.expected.contains(&v.invariant)).collect();
        if let Some(first) = unexpected.first() {
            let path = keep(scenario, &plan.keep)?;
            println!("FAILED {} seed {}", ran.name, ran.seed);
            for violation in &unexpected {
                let at = violation.time as f64 / 1e9;
                println!("  {} ({}) at {at:.6}: {}", violation.invariant, violation.checker, violation.what);
            }
            println!("  replay: cargo xtask simulate {} --seed {}", ran.name, ran.seed);
            println!("  scenario: {}", path.display());
            sum.failed.push((ran.seed, first.invariant.clone()));
            let wanted = |v: &&crate::checkers::Violation| {
                plan.until.is_empty() || plan.until.contains(&v.invariant) || plan.until.contains(&v.checker)
            };
            if plan.until_failure && unexpected.iter().any(wanted) {
                println!("KILLED by seed {} after {} seeds", ran.seed, sum.seeds);
                self.stop = true;
            }
        }
        let minutes = sum.cpu_nanos as f64 / 60e9;
        self.stop |= plan.minutes.is_some_and(|most| minutes >= most);
        self.hashes.insert(ran.seed, ran.hash);
        while let Some(hash) = self.hashes.remove(&self.printed) {
            if plan.hashes {
                println!("{} {hash}", self.printed);
            }
            self.printed += 1;
        }
        Ok(())
    }
}

/// Writes a concrete scenario to where it can be replayed from.
fn keep(scenario: &Scenario, dir: &Path) -> Result<PathBuf, String> {
    let path = dir.join(format!("{}-{}.json", scenario.name, scenario.seed));
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&path, scenario.to_json()))
        .map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}
