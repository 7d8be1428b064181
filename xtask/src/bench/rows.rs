//! What is measured, as data.

use super::sample::Figure;

/// One line of the benchmark.
pub(super) struct Row {
    /// What the command line and BENCHMARKS.md call it.
    pub(super) name: &'static str,
    /// When an answer may leave.
    pub(super) mode: Mode,
    /// What is done to the broker.
    pub(super) load: Load,
}

/// What an acknowledgement stands for. Every figure is labelled with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The record is in stable storage: Tidemark's default, Kafka with `log.flush.interval.messages=1`.
    Durable,
    /// The record is in the page cache: Kafka's default.
    PageCache,
}

/// What is done to the broker. Messages go to one topic of one partition, uncompressed, with acks=all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// `count` messages of `size` bytes, as fast as they are acknowledged.
    Produce { size: u64, count: u64 },
    /// The same messages read back.
    Consume { size: u64, count: u64 },
    /// `count` messages at `rate` a second, producer to consumer.
    Latency { rate: u64, count: u64 },
    /// From exec to the first acknowledged message, then three idle seconds.
    Start,
    /// Of three nodes the active controller is killed, and a topic created.
    ControllerFailover,
    /// Of three nodes one is killed that leads a third of so many partitions of two replicas.
    LeadersMoved { partitions: u64 },
    /// Three nodes have so many partitions, and ten idle seconds.
    IdleCluster { partitions: u64 },
    /// `count` messages of `size` bytes into partitions of three replicas, two of which must have a message before it is
    /// acknowledged.
    Replicated { size: u64, count: u64, partitions: u64 },
    /// The leader of a partition of three replicas is killed or stopped while 500 messages a second are produced to it.
    LeaderLost(Loss),
    /// Of three nodes, all of which have so many partitions, one is killed and started again.
    Rejoin { partitions: u64 },
}

/// What becomes of a leader, and who produces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// `kill -9`; librdkafka.
    Killed,
    /// `kill -STOP`; `tidemark produce`, for both clusters: librdkafka waits for as long as a request may take.
    Stopped,
}

impl Load {
    /// Pairs, unless told otherwise.
    pub(super) fn pairs(self) -> usize {
        match self {
            Load::ControllerFailover => 10,
            Load::LeadersMoved { .. } | Load::IdleCluster { .. } | Load::Rejoin { .. } => 3,
            _ => 5,
        }
    }

    /// Whether it is done to three nodes.
    pub(super) fn is_of_three(self) -> bool {
        use Load::*;
        match self {
            Produce { .. } | Consume { .. } | Latency { .. } | Start => false,
            ControllerFailover | LeadersMoved { .. } | IdleCluster { .. } => true,
            Replicated { .. } | LeaderLost(_) | Rejoin { .. } => true,
        }
    }

    /// What the project wants of a figure, in its unit, at most.
    pub(super) fn goal(self, figure: Figure) -> Option<f64> {
        match (self, figure) {
            (Load::ControllerFailover, Figure::Created) => Some(500.0),
            (Load::LeadersMoved { .. }, Figure::Moved) => Some(1000.0),
            (Load::IdleCluster { .. }, Figure::BusiestLoad) => Some(3.0),
            (Load::LeaderLost(Loss::Killed), Figure::Gap) => Some(500.0),
            (Load::LeaderLost(Loss::Stopped), Figure::Gap) => Some(1500.0),
            (Load::Rejoin { .. }, Figure::InSync) => Some(2000.0),
            _ => None,
        }
    }
}

impl Mode {
    pub(super) fn label(self) -> &'static str {
        match self {
            Mode::Durable => "durable",
            Mode::PageCache => "page cache",
        }
    }

    /// `log.flush.interval.messages` as both brokers understand it.
    pub(super) fn flush_interval(self) -> &'static str {
        match self {
            Mode::Durable => "1",
            Mode::PageCache => "9223372036854775807",
        }
    }
}

const REPLICATED: Load = Load::Replicated { size: 1024, count: 500_000, partitions: 3 };

/// Every row, in the order that they are measured and printed.
pub(super) const ROWS: &[Row] = &[
    Row { name: "produce-1k", mode: Mode::PageCache, load: Load::Produce { size: 1024, count: 1_000_000 } },
    Row {
        name: "produce-1k-durable",
        mode: Mode::Durable,
        load: Load::Produce { size: 1024, count: 1_000_000 },
    },
    Row { name: "produce-100b", mode: Mode::PageCache, load: Load::Produce { size: 100, count: 5_000_000 } },
    Row { name: "consume-1k", mode: Mode::PageCache, load: Load::Consume { size: 1024, count: 2_000_000 } },
    Row { name: "end-to-end", mode: Mode::PageCache, load: Load::Latency { rate: 1000, count: 10_000 } },
    Row {
        name: "end-to-end-durable",
        mode: Mode::Durable,
        // At 1,000 a second Kafka's sync per message falls behind on a busy machine, and a queue is measured.
        load: Load::Latency { rate: 500, count: 5_000 },
    },
    Row { name: "start", mode: Mode::Durable, load: Load::Start },
    Row { name: "controller-failover", mode: Mode::Durable, load: Load::ControllerFailover },
    Row { name: "leaders-moved", mode: Mode::Durable, load: Load::LeadersMoved { partitions: 10_000 } },
    Row { name: "idle-cluster", mode: Mode::Durable, load: Load::IdleCluster { partitions: 1_000 } },
    Row { name: "replicated-1k", mode: Mode::PageCache, load: REPLICATED },
    Row { name: "replicated-1k-durable", mode: Mode::Durable, load: REPLICATED },
    Row { name: "leader-killed", mode: Mode::Durable, load: Load::LeaderLost(Loss::Killed) },
    Row { name: "leader-stopped", mode: Mode::Durable, load: Load::LeaderLost(Loss::Stopped) },
    Row { name: "rejoin", mode: Mode::Durable, load: Load::Rejoin { partitions: 1_000 } },
];
