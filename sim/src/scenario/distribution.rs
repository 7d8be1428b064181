//! Named distributions of scenarios: what `scenarios/*.toml` says, and the draw of one scenario by a seed.
//!
//! Swarm testing: a seed draws not only numbers but also which features are on at all, so that rare combinations
//! (one codec only, no consumers, every fault at once) come up by themselves. Numbers are ranges, `[low, high]` or
//! a single one; where small and large are both interesting they are drawn uniformly in the logarithm. Each part
//! draws from a stream of its own name.

use super::fault_draw::{FaultDraw, Whom};
use super::workload::{ClientKind, ClientSpec, Codec, Hostility, StartAt};
use super::{Knobs, Scenario, TopicSpec, Topology};
use crate::checkers::Usage;
use crate::disk::DiskKnobs;
use crate::net::{Latency, LinkKnobs, NetKnobs};
use crate::random::Stream;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A named distribution: a file of `scenarios/`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// The file's name: a claim in snake case.
    pub name: String,
    /// The claim in words.
    pub claim: String,
    /// A seed takes minutes of a core: it is run when it is asked for by name, and not with all.
    #[serde(default)]
    pub heavy: bool,
    /// Length of the chaos.
    #[serde(default = "range::<20, 60>")]
    duration_s: Range,
    /// How long after the last fault has healed everything must be readable again.
    #[serde(default = "quiesce_s")]
    quiesce_s: u64,
    #[serde(default)]
    topics: Topics,
    #[serde(default)]
    brokers: Brokers,
    #[serde(default)]
    load: Load,
    #[serde(default)]
    rough: Rough,
    #[serde(default)]
    faults: Vec<FaultDraw>,
    #[serde(default = "budget")]
    budget: Usage,
}

/// From the first number to the second, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RangeForm")]
pub(super) struct Range(pub(super) u64, pub(super) u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum RangeForm {
    One(u64),
    Two([u64; 2]),
}

impl From<RangeForm> for Range {
    fn from(form: RangeForm) -> Range {
        match form {
            RangeForm::One(n) => Range(n, n),
            RangeForm::Two([low, high]) => Range(low.min(high), high),
        }
    }
}

pub(super) const fn range<const LOW: u64, const HIGH: u64>() -> Range {
    Range(LOW, HIGH)
}

impl Range {
    pub(super) fn draw(self, stream: &mut Stream) -> u64 {
        stream.between(self.0, self.1)
    }

    /// Uniform in the number of bits: orders of magnitude are equally likely.
    pub(super) fn draw_log(self, stream: &mut Stream) -> u64 {
        let bits = |n: u64| u64::from(u64::BITS - n.leading_zeros());
        let width = stream.between(bits(self.0), bits(self.1));
        let (low, high) = match width {
            0 => (0, 0),
            64 => (1 << 63, u64::MAX),
            width => (1 << (width - 1), (1 << width) - 1),
        };
        stream.between(low.max(self.0), high.min(self.1))
    }
}

/// One in a hundred, in parts per million.
pub(super) const PERCENT: u32 = 10_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Topics {
    count: Range,
    partitions: Range,
    /// Replicas of each partition, and how many of them have to be in sync.
    replicas: Range,
    min_insync: Range,
    /// How many of a hundred topics promise durability.
    durable_percent: u32,
    segment_bytes: Range,
    /// Further configs of every topic.
    configs: BTreeMap<String, String>,
}

impl Default for Topics {
    fn default() -> Topics {
        Topics {
            count: Range(1, 3),
            partitions: Range(1, 4),
            replicas: Range(1, 1),
            min_insync: Range(1, 1),
            durable_percent: 70,
            segment_bytes: Range(1 << 14, 1 << 20),
            configs: BTreeMap::new(),
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Brokers {
    /// How many.
    count: Range,
    /// How many of them vote in the metadata quorum; all without it.
    voters: Option<usize>,
    shards: Range,
    configs: BTreeMap<String, String>,
    /// Of a hundred seeds, how many have brokers whose advertised addresses lead other nodes nowhere.
    unreachable_percent: u32,
}

impl Default for Brokers {
    fn default() -> Brokers {
        Brokers {
            count: Range(1, 1),
            voters: None,
            shards: Range(1, 4),
            configs: BTreeMap::new(),
            unreachable_percent: 0,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Load {
    /// Operations a second, of all clients together.
    per_s: Range,
    producers: Range,
    /// Idempotent producers, which send again.
    writers: Range,
    /// Idempotent producers, which send again long after, too: when many later batches have been written.
    repeaters: Range,
    /// Consumers that follow their partitions' leaders.
    readers: Range,
    consumers: Range,
    listers: Range,
    creators: Range,
    hostile: Range,
    batch_records: Range,
    value_bytes: Range,
    timeout_ms: Range,
    /// How long an idempotent producer tries to deliver a record, each of its requests half as long.
    delivery_ms: Range,
    /// Of a hundred seeds, how many have producers that sometimes send rubbish.
    broken_percent: u32,
    /// Topics that a creator creates at most, and the time between two of its operations on average.
    creator_topics: Range,
    creator_gap_ms: Range,
    /// How many of its operations delete a topic.
    creator_deletes_percent: u32,
    /// How many of its operations add a partition to a topic.
    creator_grows_percent: u32,
}

impl Default for Load {
    fn default() -> Load {
        Load {
            per_s: Range(100, 100),
            producers: Range(1, 4),
            writers: Range(0, 0),
            repeaters: Range(0, 0),
            readers: Range(0, 0),
            consumers: Range(1, 4),
            listers: Range(0, 1),
            creators: Range(0, 1),
            hostile: Range(0, 0),
            batch_records: Range(1, 30),
            value_bytes: Range(1, 2000),
            timeout_ms: Range(500, 10_000),
            delivery_ms: Range(1_000, 10_000),
            broken_percent: 40,
            creator_topics: Range(1, 10),
            creator_gap_ms: Range(500, 3000),
            creator_deletes_percent: 0,
            creator_grows_percent: 0,
        }
    }
}

/// How often, of a hundred seeds, the healthy world is rougher than usual.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rough {
    /// The network loses segments all the time.
    lossy_percent: u32,
    /// Syncs are slow all the time: what is appended waits long to be durable.
    slow_sync_percent: u32,
    /// Files are large beside what the kernel keeps dirty: it writes back on its own.
    writeback_percent: u32,
    /// The machines are far apart.
    far_percent: u32,
}

impl Default for Rough {
    fn default() -> Rough {
        Rough { lossy_percent: 20, slow_sync_percent: 30, writeback_percent: 30, far_percent: 0 }
    }
}

fn quiesce_s() -> u64 {
    30
}

fn budget() -> Usage {
    Usage { memory_bytes: 128 << 20, descriptors: 250, tasks: 250, disk_bytes: 64 << 20 }
}

impl Distribution {
    /// The distribution that a file of `scenarios/` describes.
    pub fn from_toml(text: &str) -> Result<Distribution, String> {
        let distribution: Distribution = toml::from_str(text).map_err(|e| e.to_string())?;
        for (n, fault) in distribution.faults.iter().enumerate() {
            fault.validate().map_err(|why| format!("fault {n}: {why}"))?;
        }
        Ok(distribution)
    }

    /// The scenario of a seed: a function of the two.
    pub fn draw(&self, seed: u64) -> Scenario {
        let stream = |part: &str| Stream::new(seed, &format!("scenario/{}/{part}", self.name));
        let count = self.brokers.count.draw(&mut stream("brokers")).max(1);
        let brokers: Vec<i32> = (1..=count as i32).collect();
        let duration_ms = 1000 * self.duration_s.draw(&mut stream("duration"));
        let mut faults = Vec::new();
        for (n, draw) in self.faults.iter().enumerate() {
            let voters = self.brokers.voters.unwrap_or(brokers.len()).clamp(1, brokers.len());
            let whom = Whom::new(&brokers, voters, stream(&format!("fault/{n}/brokers")));
            draw.draw(&mut stream(&format!("fault/{n}")), &format!("f{n}"), whom, duration_ms, &mut faults);
        }
        let mut stream_of_shards = stream("shards");
        let formatted = brokers.len() > 1 && stream("formatted").chance(50 * PERCENT);
        let unreachable = self.brokers.unreachable(&brokers, &mut stream("unreachable"));
        let scenario = Scenario {
            name: self.name.clone(),
            seed,
            topology: Topology {
                brokers,
                voters: self.brokers.voters,
                topics: self.topics.draw(&mut stream("topics")),
            },
            knobs: Knobs {
                shards: self.brokers.shards.draw(&mut stream_of_shards) as u32,
                configs: self.brokers.configs(&stream),
                formatted,
                unreachable,
            },
            net: self.rough.net(&mut stream("net")),
            disk: self.rough.disk(&mut stream("disk")),
            clients: self.load.draw(&stream),
            faults,
            duration_ms,
            quiesce_ms: 1000 * self.quiesce_s,
            budget: self.budget,
            expected: Vec::new(),
        };
        debug_assert_eq!(scenario.validate(), Ok(()));
        scenario
    }
}

impl Brokers {
    /// Configs. In half of the seeds the tail cache is too small for what a run writes: else nobody who keeps up
    /// would ever read a file, and no batch would leave the cache. In half of them replicas of the metadata ask for little at
    /// once: else whoever is behind catches up in one fetch, and nothing can happen in the midst of it.
    fn configs(&self, stream: &dyn Fn(&str) -> Stream) -> BTreeMap<String, String> {
        let mut configs = self.configs.clone();
        let mut draw = |part: &str, keys: &[(&str, Range)]| {
            let mut stream = stream(part);
            if stream.chance(50 * PERCENT) {
                for (key, range) in keys {
                    let bytes = range.draw_log(&mut stream).to_string();
                    configs.entry(key.to_string()).or_insert(bytes);
                }
            }
        };
        draw("tail cache", &[("tidemark.tail.cache.bytes", Range(1 << 10, 1 << 20))]);
        if self.count.1 > 1 {
            let log = ("controller.quorum.fetch.max.bytes", Range(1, 1 << 20));
            let snapshot = ("controller.quorum.fetch.snapshot.max.bytes", Range(1 << 10, 1 << 20));
            draw("quorum fetches", &[log, snapshot]);
        }
        configs
    }

    /// Which of them other nodes don't reach.
    fn unreachable(&self, brokers: &[i32], stream: &mut Stream) -> Vec<i32> {
        if stream.chance(self.unreachable_percent * PERCENT) { some_of(stream, brokers) } else { Vec::new() }
    }
}

impl Topics {
    fn draw(&self, stream: &mut Stream) -> Vec<TopicSpec> {
        (0..self.count.draw(stream))
            .map(|n| {
                let mut configs = self.configs.clone();
                // `segment.bytes` begins at 1 MiB, too much for a run of a minute.
                let mut set = |key: &str, value: u64| configs.insert(key.to_string(), value.to_string());
                set("internal.segment.bytes", self.segment_bytes.draw_log(stream));
                set("index.interval.bytes", Range(1, 8192).draw_log(stream));
                if stream.chance(20 * PERCENT) {
                    set("segment.index.bytes", 12 * Range(20, 500).draw_log(stream));
                }
                if stream.chance(20 * PERCENT) {
                    set("segment.ms", Range(1_000, 20_000).draw_log(stream));
                }
                let mut replicas = 1;
                if self.replicas.1 > 1 {
                    replicas = self.replicas.draw(stream) as i16;
                    let min = self.min_insync.draw(stream).min(replicas as u64);
                    configs.insert("min.insync.replicas".to_string(), min.to_string());
                }
                TopicSpec {
                    name: format!("t{n}"),
                    partitions: self.partitions.draw(stream) as i32,
                    replicas,
                    durable: stream.chance(self.durable_percent * PERCENT),
                    configs,
                }
            })
            .collect()
    }
}

impl Rough {
    fn net(&self, stream: &mut Stream) -> NetKnobs {
        let usual = NetKnobs::default();
        let lossy = stream.chance(self.lossy_percent * PERCENT);
        let loss_ppm = if lossy { stream.between(1, 5 * u64::from(PERCENT)) as u32 } else { 0 };
        let mut latency = usual.link.latency;
        if stream.chance(self.far_percent * PERCENT) {
            let least_us = stream.between(2_000, 60_000);
            latency = Latency::uniform(least_us, least_us + least_us / 10);
        }
        NetKnobs { link: LinkKnobs { latency, loss_ppm, ..usual.link }, ..usual }
    }

    fn disk(&self, stream: &mut Stream) -> DiskKnobs {
        let mut disk = DiskKnobs::default();
        if stream.chance(self.slow_sync_percent * PERCENT) {
            disk.sync.max_us = stream.between(5_000, 40_000);
            disk.sync.tail_us = 2 * disk.sync.max_us;
        }
        if stream.chance(self.writeback_percent * PERCENT) {
            disk.dirty_bytes = Range(4096, 1 << 20).draw_log(stream);
        }
        disk
    }
}

impl Load {
    fn draw(&self, stream: &dyn Fn(&str) -> Stream) -> Vec<ClientSpec> {
        let mut counts = stream("clients");
        let per_s = self.per_s.draw(&mut counts).max(1);
        let mut kinds = vec![
            ("p", self.producers.draw(&mut counts)),
            ("c", self.consumers.draw(&mut counts)),
            ("l", self.listers.draw(&mut counts)),
            ("n", self.creators.draw(&mut counts)),
            ("h", self.hostile.draw(&mut counts)),
        ];
        let broken = counts.chance(self.broken_percent * PERCENT);
        kinds.push(("w", self.writers.draw(&mut counts)));
        kinds.push(("r", self.readers.draw(&mut counts)));
        kinds.push(("a", self.repeaters.draw(&mut counts)));
        // Producers and consumers share the stated load; the others are slow beside it.
        let busy = (kinds[0].1 + kinds[1].1 + kinds[5].1 + kinds[6].1).max(1);
        let gap_us = 1_000_000 * busy / per_s;
        let mut clients = Vec::new();
        for (prefix, count) in kinds {
            for n in 1..=count {
                let name = format!("{prefix}{n}");
                let mut own = stream(&format!("client/{name}"));
                let kind = self.kind(prefix, n as u32, broken, &mut own);
                let gap_us = match prefix {
                    "p" | "c" | "w" | "r" => gap_us,
                    "a" => own.between(5_000, 50_000),
                    "n" => own.between(1000 * self.creator_gap_ms.0, 1000 * self.creator_gap_ms.1),
                    _ => own.between(500_000, 3_000_000),
                };
                let burst = [1, 1, 4, 20][own.index(4)];
                clients.push(ClientSpec { name, gap_us, burst, operations_max: None, kind });
            }
        }
        clients
    }

    fn kind(&self, prefix: &str, number: u32, broken: bool, own: &mut Stream) -> ClientKind {
        let one_of = |own: &mut Stream, items: &[u64]| *own.pick(items).expect("items are given");
        match prefix {
            "p" => ClientKind::Producer {
                number,
                acks: [-1, -1, -1, 1, 0][own.index(5)],
                in_flight: one_of(own, &[1, 1, 2, 5]) as u32,
                partitions: one_of(own, &[1, 1, 3]) as u32,
                batch_records: self.batch_records.draw_log(own) as u32,
                value_bytes: self.value_bytes.draw_log(own) as u32,
                codecs: some_of(
                    own,
                    &[Codec::None, Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd],
                ),
                broken_ppm: if broken { own.between(1, 10 * u64::from(PERCENT)) as u32 } else { 0 },
                timeout_ms: self.timeout_ms.draw_log(own),
            },
            "w" => ClientKind::Writer {
                number: WRITERS_FROM + number,
                in_flight: one_of(own, &[1, 2, 5, 5]) as u32,
                unanswered: Range(1, 200).draw_log(own) as u32,
                batch_bytes: Range(1, 16_384).draw_log(own) as u32,
                linger_ms: one_of(own, &[0, 0, 5, 50]),
                value_bytes: self.value_bytes.draw_log(own) as u32,
                codec: [Codec::None, Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd]
                    [own.index(6)],
                delivery_ms: self.delivery_ms.draw_log(own),
            },
            "a" => ClientKind::Repeater {
                number: REPEATERS_FROM + number,
                unanswered: one_of(own, &[1, 5, 12, 30]) as u32,
                late_percent: Range(5, 50).draw(own) as u32,
                batch_records: Range(1, 4).draw(own) as u32,
                value_bytes: Range(1, 200).draw_log(own) as u32,
                timeout_ms: self.timeout_ms.draw_log(own),
            },
            "r" => ClientKind::Reader {
                partitions: Range(1, 6).draw(own) as u32,
                max_bytes: Range(1, 1 << 20).draw_log(own) as u32,
                max_wait_ms: one_of(own, &[0, 10, 500]) as u32,
                poll_records: Range(1, 500).draw_log(own) as u32,
            },
            "c" => ClientKind::Consumer {
                start: [StartAt::Any, StartAt::Earliest, StartAt::Latest, StartAt::Random][own.index(4)],
                max_bytes: Range(1, 1 << 20).draw_log(own) as u32,
                max_wait_ms: one_of(own, &[0, 10, 500, 2000]) as u32,
                polls: Range(1, 200).draw_log(own) as u32,
                partitions: one_of(own, &[1, 1, 3]) as u32,
            },
            "l" => ClientKind::Lister,
            "n" => ClientKind::Creator {
                topics: self.creator_topics.draw(own) as u32,
                deletes_percent: self.creator_deletes_percent,
                grows_percent: self.creator_grows_percent,
            },
            _ => ClientKind::Hostile {
                tricks: some_of(
                    own,
                    &[
                        Hostility::Silence,
                        Hostility::Noise,
                        Hostility::HalfFrame,
                        Hostility::HugeLength,
                        Hostility::RandomBody,
                        Hostility::NeverReads,
                        Hostility::HangUp,
                    ],
                ),
            },
        }
    }
}

/// Writers' numbers begin here: values tell them from producers.
const WRITERS_FROM: u32 = 1_000;

/// As do repeaters' here.
const REPEATERS_FROM: u32 = 2_000;

/// A random selection of the items, at least one.
fn some_of<T: Copy + PartialEq>(stream: &mut Stream, items: &[T]) -> Vec<T> {
    let mut chosen: Vec<T> = items.iter().copied().filter(|_| stream.chance(50 * PERCENT)).collect();
    chosen.dedup();
    if chosen.is_empty() { vec![items[stream.index(items.len())]] } else { chosen }
}

#[cfg(test)]
#[path = "distribution_test.rs"]
mod tests;
