//! One run's result, and the statistics over several.

use serde_json::Value;

/// What one run of the load generator printed.
#[derive(Clone, Debug)]
pub(super) struct Sample(pub(super) Value);

/// Above this share of the wall time, other processes disturbed a run too much.
const OTHERS_MAX: f64 = 0.1;

impl Sample {
    fn number(&self, key: &str) -> Option<f64> {
        self.0[key].as_f64()
    }

    /// Whether hardly anybody else used a processor meanwhile.
    pub(super) fn quiet(&self) -> bool {
        match (self.number("other_cpu"), self.number("seconds")) {
            (Some(other), Some(seconds)) => other <= seconds * OTHERS_MAX,
            _ => true,
        }
    }

    /// A figure of the run, derived ones included; `None` when this kind of run does not have it.
    pub(super) fn figure(&self, figure: Figure) -> Option<f64> {
        let per_gigabyte = |key| Some(self.number(key)? / (self.number("bytes")? / 1e9));
        match figure {
            Figure::Megabytes => Some(self.number("bytes")? / 1e6 / self.number("seconds")?),
            Figure::Thousands => Some(self.number("messages")? / 1e3 / self.number("seconds")?),
            Figure::BrokerCost => per_gigabyte("broker_cpu"),
            Figure::ClientCost => per_gigabyte("client_cpu"),
            Figure::BrokerLoad => Some(self.number("broker_cpu")? / self.number("seconds")? * 100.0),
            Figure::Median => self.number("p50_ms"),
            Figure::P99 => self.number("p99_ms"),
            Figure::P999 => self.number("p999_ms"),
            Figure::Listen => self.number("listen_ms"),
            Figure::FirstAck => self.number("first_ack_ms"),
            Figure::Resident => Some(self.number("rss")? / 1e6),
            Figure::ResidentPeak => Some(self.number("rss_peak")? / 1e6),
            Figure::Created => self.number("created_ms"),
            Figure::Moved => self.number("moved_ms"),
            Figure::Gap => self.number("gap_ms"),
            Figure::InSync => self.number("in_sync_ms"),
            Figure::BusiestLoad => Some(self.number("busiest_cpu")? / self.number("seconds")? * 100.0),
        }
    }
}

/// What is read out of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Megabytes,
    Thousands,
    BrokerCost,
    ClientCost,
    BrokerLoad,
    Median,
    P99,
    P999,
    Listen,
    FirstAck,
    Resident,
    ResidentPeak,
    /// From the kill to the topic.
    Created,
    /// From the kill to the last partition's leader.
    Moved,
    /// The longest time without an acknowledgement.
    Gap,
    /// From exec to the last partition's replicas in sync.
    InSync,
    /// Of the node that used most.
    BusiestLoad,
}

impl Figure {
    pub(super) fn label(self) -> &'static str {
        match self {
            Figure::Megabytes => "MB/s",
            Figure::Thousands => "thousand messages/s",
            Figure::BrokerCost => "broker CPU, s/GB",
            Figure::ClientCost => "client CPU, s/GB",
            Figure::BrokerLoad => "broker CPU, % of a core",
            Figure::Median => "p50, ms",
            Figure::P99 => "p99, ms",
            Figure::P999 => "p99.9, ms",
            Figure::Listen => "exec to listening, ms",
            Figure::FirstAck => "exec to first ack, ms",
            Figure::Resident => "resident when idle, MB",
            Figure::ResidentPeak => "resident at most, MB",
            Figure::Created => "kill -9 to a topic created, ms",
            Figure::Moved => "kill -9 to all led again, ms",
            Figure::Gap => "longest time without an acknowledgement, ms",
            Figure::InSync => "exec to all in sync, ms",
            Figure::BusiestLoad => "busiest node's CPU, % of a core",
        }
    }

    /// Whether more is better.
    pub(super) fn rate(self) -> bool {
        matches!(self, Figure::Megabytes | Figure::Thousands)
    }
}

/// Middle, least and greatest of some figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// `None` when no sample has the figure.
    pub(super) fn of(samples: &[Sample], figure: Figure) -> Option<Spread> {
        let mut figures: Vec<f64> = samples.iter().filter_map(|sample| sample.figure(figure)).collect();
        figures.sort_by(f64::total_cmp);
        let (least, most) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = if figures.len() % 2 == 1 {
            figures[middle]
        } else {
            (figures[middle - 1] + figures[middle]) / 2.0
        };
        Some(Spread { median, least, most })
    }
}

#[cfg(test)]
#[path = "sample_test.rs"]
mod tests;
