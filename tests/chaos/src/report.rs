//! What a run has shown, as a table for people.

use crate::gaps::Gap;
use crate::strike::Struck;
use std::collections::BTreeMap;
use std::fmt;

/// What was measured.
#[derive(Debug, Default)]
pub struct Report {
    /// Which run it was: seed, nodes, minutes, clients.
    pub title: String,
    /// Records acknowledged to all producers.
    pub acknowledged: u64,
    /// Records that producers have given up on.
    pub client_errors: u64,
    /// Bytes of which all replicas are the same.
    pub compared_bytes: u64,
    /// The longest gap that began in no fault's time, in nanoseconds.
    pub elsewhere_ns: u64,
    /// Each fault, and its longest gap.
    pub faults: Vec<(Struck, Gap)>,
    /// Which producer is whose, a line each.
    pub producers: Vec<String>,
    /// What the checkers said.
    pub verdict: String,
    /// Why the run has failed, if it has.
    pub failure: Option<String>,
}

impl Report {
    /// Every fault in the order in which they began, with its longest gap; then who the producers are.
    pub fn timeline(&self) -> String {
        let mut faults: Vec<_> = self.faults.iter().collect();
        faults.sort_by_key(|(fault, _)| fault.begin_ns);
        let line = |(fault, gap): &(Struck, Gap)| {
            let Gap { ns, producer, partition } = gap;
            format!("{}; longest gap {} ms ({producer}, partition {partition})\n", fault.told, ms(*ns))
        };
        let producers = self.producers.iter().map(|producer| format!("{producer}\n"));
        faults.into_iter().map(line).chain(producers).collect()
    }
}

fn ms(ns: u64) -> u64 {
    (ns + 500_000) / 1_000_000
}

/// Median and maximum of gaps, in whole milliseconds.
fn figures(mut gaps_ns: Vec<u64>) -> String {
    gaps_ns.sort_unstable();
    match gaps_ns.last() {
        None => format!("{:>4} {:>10} {:>10}", 0, "-", "-"),
        Some(max) => {
            let median = gaps_ns[(gaps_ns.len() - 1) / 2];
            format!("{:>4} {:>7} ms {:>7} ms", gaps_ns.len(), ms(median), ms(*max))
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        writeln!(f, "records acknowledged      {:>12}", self.acknowledged)?;
        writeln!(f, "client errors             {:>12}", self.client_errors)?;
        writeln!(f, "bytes alike in all copies {:>12}", self.compared_bytes)?;
        writeln!(f, "faults                    {:>12}\n", self.faults.len())?;
        writeln!(
            f,
            "The longest gap between two acknowledgements of a producer on a partition, of each fault the one that"
        )?;
        writeln!(f, "began in its time; on the right only faults before which every replica was in sync:\n")?;
        writeln!(
            f,
            "{:<44} {:>4} {:>10} {:>10}   {:>4} {:>10} {:>10}",
            "fault", "n", "median", "max", "n", "median", "max"
        )?;
        let mut kinds: BTreeMap<&str, (Vec<u64>, Vec<u64>)> = BTreeMap::new();
        for (fault, gap) in &self.faults {
            let (all, calmly) = kinds.entry(&fault.kind).or_default();
            all.push(gap.ns);
            calmly.extend(fault.calm.then_some(gap.ns));
        }
        for (kind, (all, calmly)) in kinds {
            writeln!(f, "{kind:<44} {}   {}", figures(all), figures(calmly))?;
        }
        writeln!(f, "{:<44} {:>4} {:>10} {:>7} ms\n", "none", "", "", ms(self.elsewhere_ns))?;
        writeln!(f, "{}", self.verdict.trim_end())?;
        match &self.failure {
            None => writeln!(f, "nothing acknowledged was lost, doubled or out of order"),
            Some(why) => writeln!(f, "FAILED: {why}"),
        }
    }
}

#[cfg(test)]
#[path = "report_test.rs"]
mod tests;
