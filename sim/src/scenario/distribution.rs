//! Named distributions of scenarios: what `scenarios/*.toml` says, and the draw of one scenario by a seed.
//!
//! Swarm testing: a seed draws not only numbers but also which features are on at all, so that rare combinations
//! (one codec only, no consumers, every fault at once) come up by themselves. Numbers are ranges, `[low, high]` or
//! a single one; where small and large are both interesting they are drawn uniformly in the logarithm. Each part
//! draws from a stream of its own name.

use super::fault::{Action, DiskFault, EventKind, Fault, LinkFault, Trigger};
use super::workload::{ClientKind, ClientSpec, Codec, Hostility, StartAt};
use super::{Knobs, Scenario, TopicSpec, Topology};
use crate::checkers::Usage;
use crate::disk::DiskKnobs;
use crate::net::{LinkKnobs, NetKnobs};
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
    /// Length of the chaos.
    #[serde(default = "range::<20, 60>")]
    duration_s: Range,
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
struct Range(u64, u64);

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

const fn range<const LOW: u64, const HIGH: u64>() -> Range {
    Range(LOW, HIGH)
}

impl Range {
    fn draw(self, stream: &mut Stream) -> u64 {
        stream.between(self.0, self.1)
    }

    /// Uniform in the number of bits: orders of magnitude are equally likely.
    fn draw_log(self, stream: &mut Stream) -> u64 {
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
const PERCENT: u32 = 10_000;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Topics {
    count: Range,
    partitions: Range,
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
}

impl Default for Brokers {
    fn default() -> Brokers {
        Brokers { count: Range(1, 1), voters: None, shards: Range(1, 4), configs: BTreeMap::new() }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Load {
    /// Operations a second, of all clients together.
    per_s: Range,
    producers: Range,
    consumers: Range,
    listers: Range,
    creators: Range,
    hostile: Range,
    batch_records: Range,
    value_bytes: Range,
    timeout_ms: Range,
    /// Of a hundred seeds, how many have producers that sometimes send rubbish.
    broken_percent: u32,
    /// Topics that a creator creates at most, and the time between two of its operations on average.
    creator_topics: Range,
    creator_gap_ms: Range,
    /// How many of its operations delete a topic.
    creator_deletes_percent: u32,
}

impl Default for Load {
    fn default() -> Load {
        Load {
            per_s: Range(100, 100),
            producers: Range(1, 4),
            consumers: Range(1, 4),
            listers: Range(0, 1),
            creators: Range(0, 1),
            hostile: Range(0, 0),
            batch_records: Range(1, 30),
            value_bytes: Range(1, 2000),
            timeout_ms: Range(500, 10_000),
            broken_percent: 40,
            creator_topics: Range(1, 10),
            creator_gap_ms: Range(500, 3000),
            creator_deletes_percent: 0,
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
}

impl Default for Rough {
    fn default() -> Rough {
        Rough { lossy_percent: 20, slow_sync_percent: 30, writeback_percent: 30 }
    }
}

/// A kind of fault and how often it comes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultDraw {
    /// Of a hundred seeds, how many have this kind at all.
    #[serde(default = "always")]
    on_percent: u32,
    #[serde(default = "range::<1, 3>")]
    count: Range,
    action: ActionDraw,
    /// Which events may trigger it; none: a time.
    #[serde(default)]
    events: Vec<EventKind>,
    /// Of a hundred, how many wait for an event if there are any.
    #[serde(default = "half")]
    event_percent: u32,
    #[serde(default = "range::<1, 50>")]
    nth: Range,
    #[serde(default = "range::<0, 2000>")]
    after_us: Range,
    /// When it strikes, or begins to count events; none: at any time.
    #[serde(default)]
    from_ms: Option<Range>,
    /// It strikes every broker at the same time.
    #[serde(default)]
    everywhere: bool,
    /// What follows once it has healed: each waits for an event of its own.
    #[serde(default)]
    then: Vec<FaultDraw>,
    /// What strikes while it is at work: each waits for an event of its own.
    #[serde(default)]
    meanwhile: Vec<FaultDraw>,
}

fn always() -> u32 {
    100
}

fn half() -> u32 {
    50
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum ActionDraw {
    Kill { down_ms: Range },
    PowerLoss { down_ms: Range },
    Stop { down_ms: Range },
    Pause { for_ms: Range },
    SyncErrors { ppm: Range, for_ms: Range },
    WriteErrors { ppm: Range, for_ms: Range },
    ReadErrors { ppm: Range, for_ms: Range },
    Full { left_bytes: Range, for_ms: Range },
    Slow { times: Range, for_ms: Range },
    HungSync { for_ms: Range },
    Cut { for_ms: Range },
    CutInbound { for_ms: Range },
    CutOutbound { for_ms: Range },
    Loss { ppm: Range, for_ms: Range },
    Delay { ms: Range, for_ms: Range },
    Reset {},
    Forget {},
    CutPeers { for_ms: Range },
    CutPeersInbound { for_ms: Range },
    CutPeersOutbound { for_ms: Range },
    LosePeers { ppm: Range, for_ms: Range },
    DelayPeers { ms: Range, for_ms: Range },
    ResetPeers {},
    ForgetPeers {},
}

fn budget() -> Usage {
    Usage { memory_bytes: 128 << 20, descriptors: 250, tasks: 250, disk_bytes: 64 << 20 }
}

impl Distribution {
    /// The distribution that a file of `scenarios/` describes.
    pub fn from_toml(text: &str) -> Result<Distribution, String> {
        toml::from_str(text).map_err(|e| e.to_string())
    }

    /// The scenario of a seed: a function of the two.
    pub fn draw(&self, seed: u64) -> Scenario {
        let stream = |part: &str| Stream::new(seed, &format!("scenario/{}/{part}", self.name));
        let count = self.brokers.count.draw(&mut stream("brokers")).max(1);
        let brokers: Vec<i32> = (1..=count as i32).collect();
        let duration_ms = 1000 * self.duration_s.draw(&mut stream("duration"));
        let mut faults = Vec::new();
        for (n, draw) in self.faults.iter().enumerate() {
            let whom = Whom { brokers: &brokers, stream: stream(&format!("fault/{n}/brokers")) };
            draw.draw(&mut stream(&format!("fault/{n}")), &format!("f{n}"), whom, duration_ms, &mut faults);
        }
        let mut stream_of_shards = stream("shards");
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
                configs: self.brokers.configs(&mut stream("tail cache")),
            },
            net: self.rough.net(&mut stream("net")),
            disk: self.rough.disk(&mut stream("disk")),
            clients: self.load.draw(&stream),
            faults,
            duration_ms,
            quiesce_ms: 30_000,
            budget: self.budget,
            expected: Vec::new(),
        };
        debug_assert_eq!(scenario.validate(), Ok(()));
        scenario
    }
}

impl Brokers {
    /// Configs, in half of the seeds with a tail cache that is too small for what a run writes: else nobody who keeps up
    /// would ever read a file, and no batch would leave the cache.
    fn configs(&self, stream: &mut Stream) -> BTreeMap<String, String> {
        let mut configs = self.configs.clone();
        if stream.chance(50 * PERCENT) {
            let bytes = Range(1 << 10, 1 << 20).draw_log(stream).to_string();
            configs.entry("tidemark.tail.cache.bytes".into()).or_insert(bytes);
        }
        configs
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
                TopicSpec {
                    name: format!("t{n}"),
                    partitions: self.partitions.draw(stream) as i32,
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
        NetKnobs { link: LinkKnobs { loss_ppm, ..usual.link }, ..usual }
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
        let kinds = [
            ("p", self.producers.draw(&mut counts)),
            ("c", self.consumers.draw(&mut counts)),
            ("l", self.listers.draw(&mut counts)),
            ("n", self.creators.draw(&mut counts)),
            ("h", self.hostile.draw(&mut counts)),
        ];
        let broken = counts.chance(self.broken_percent * PERCENT);
        // Producers and consumers share the stated load; the others are slow beside it.
        let busy = (kinds[0].1 + kinds[1].1).max(1);
        let gap_us = 1_000_000 * busy / per_s;
        let mut clients = Vec::new();
        for (prefix, count) in kinds {
            for n in 1..=count {
                let name = format!("{prefix}{n}");
                let mut own = stream(&format!("client/{name}"));
                let kind = self.kind(prefix, n as u32, broken, &mut own);
                let gap_us = match prefix {
                    "p" | "c" => gap_us,
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

/// A random selection of the items, at least one.
fn some_of<T: Copy + PartialEq>(stream: &mut Stream, items: &[T]) -> Vec<T> {
    let mut chosen: Vec<T> = items.iter().copied().filter(|_| stream.chance(50 * PERCENT)).collect();
    chosen.dedup();
    if chosen.is_empty() { vec![items[stream.index(items.len())]] } else { chosen }
}

/// Whom faults happen to.
struct Whom<'a> {
    brokers: &'a [i32],
    stream: Stream,
}

impl Whom<'_> {
    fn draw(&mut self) -> i32 {
        *self.stream.pick(self.brokers).expect("a scenario has a broker")
    }
}

impl FaultDraw {
    /// Draws the faults of this kind; `name` is the prefix of their names.
    fn draw(
        &self,
        stream: &mut Stream,
        name: &str,
        mut whom: Whom<'_>,
        duration_ms: u64,
        into: &mut Vec<Fault>,
    ) {
        if !stream.chance(self.on_percent * PERCENT) {
            return;
        }
        for n in 0..self.count.draw(stream) {
            let name = format!("{name}.{n}");
            let broker = whom.draw();
            let waits = !self.events.is_empty() && stream.chance(self.event_percent * PERCENT);
            let from_ms = self.from_ms.unwrap_or(Range(0, duration_ms)).draw(stream);
            let trigger = if waits { self.wait(stream, from_ms) } else { Trigger::At(from_ms) };
            let action = self.action.draw(stream);
            if self.everywhere {
                let strike = |broker: &i32| Fault {
                    name: format!("{name}.b{broker}"),
                    broker: *broker,
                    trigger: trigger.clone(),
                    action: action.clone(),
                };
                into.extend(whom.brokers.iter().map(strike));
                continue;
            }
            into.push(Fault { name: name.clone(), broker, trigger, action });
            self.draw_others(stream, &name, broker, into);
        }
    }

    /// Draws what follows the fault `of`, and what strikes while it is at work.
    fn draw_others(&self, stream: &mut Stream, of: &str, broker: i32, into: &mut Vec<Fault>) {
        let then = self.then.iter().map(|draw| ("then", draw));
        let meanwhile = self.meanwhile.iter().map(|draw| ("meanwhile", draw));
        for (n, (how, draw)) in then.enumerate().chain(meanwhile.enumerate()) {
            if stream.chance(draw.on_percent * PERCENT) {
                let name = format!("{of}.{how}{n}");
                let mut trigger = draw.wait(stream, 0);
                if let Trigger::Event { since, during, .. } = &mut trigger {
                    let waits_for = if how == "then" { since } else { during };
                    *waits_for = Some(of.to_string());
                }
                let action = draw.action.draw(stream);
                into.push(Fault { name: name.clone(), broker, trigger, action });
                draw.draw_others(stream, &name, broker, into);
            }
        }
    }

    fn wait(&self, stream: &mut Stream, from_ms: u64) -> Trigger {
        Trigger::Event {
            since: None,
            during: None,
            from_ms,
            kind: stream.pick(&self.events).copied().unwrap_or(EventKind::Started),
            nth: self.nth.draw_log(stream).max(1) as u32,
            after_us: self.after_us.draw_log(stream),
        }
    }
}

impl ActionDraw {
    fn draw(&self, stream: &mut Stream) -> Action {
        let mut log = |range: &Range| range.draw_log(stream);
        match self {
            ActionDraw::Kill { down_ms } => Action::Kill { down_ms: log(down_ms) },
            ActionDraw::PowerLoss { down_ms } => Action::PowerLoss { down_ms: log(down_ms) },
            ActionDraw::Stop { down_ms } => Action::Stop { down_ms: log(down_ms) },
            ActionDraw::Pause { for_ms } => Action::Pause { for_ms: log(for_ms) },
            ActionDraw::SyncErrors { ppm, for_ms } => {
                disk(DiskFault::SyncErrors(log(ppm) as u32), log(for_ms))
            }
            ActionDraw::WriteErrors { ppm, for_ms } => {
                disk(DiskFault::WriteErrors(log(ppm) as u32), log(for_ms))
            }
            ActionDraw::ReadErrors { ppm, for_ms } => {
                disk(DiskFault::ReadErrors(log(ppm) as u32), log(for_ms))
            }
            ActionDraw::Full { left_bytes, for_ms } => disk(DiskFault::Full(log(left_bytes)), log(for_ms)),
            ActionDraw::Slow { times, for_ms } => disk(DiskFault::Slow(log(times) as u32), log(for_ms)),
            ActionDraw::HungSync { for_ms } => disk(DiskFault::HungSync, log(for_ms)),
            ActionDraw::Cut { for_ms } => link(LinkFault::Cut, log(for_ms)),
            ActionDraw::CutInbound { for_ms } => link(LinkFault::CutInbound, log(for_ms)),
            ActionDraw::CutOutbound { for_ms } => link(LinkFault::CutOutbound, log(for_ms)),
            ActionDraw::Loss { ppm, for_ms } => link(LinkFault::Loss(log(ppm) as u32), log(for_ms)),
            ActionDraw::Delay { ms, for_ms } => link(LinkFault::Delay(log(ms)), log(for_ms)),
            ActionDraw::Reset {} => link(LinkFault::Reset, 0),
            ActionDraw::Forget {} => link(LinkFault::Forget, 0),
            ActionDraw::CutPeers { for_ms } => peers(LinkFault::Cut, log(for_ms)),
            ActionDraw::CutPeersInbound { for_ms } => peers(LinkFault::CutInbound, log(for_ms)),
            ActionDraw::CutPeersOutbound { for_ms } => peers(LinkFault::CutOutbound, log(for_ms)),
            ActionDraw::LosePeers { ppm, for_ms } => peers(LinkFault::Loss(log(ppm) as u32), log(for_ms)),
            ActionDraw::DelayPeers { ms, for_ms } => peers(LinkFault::Delay(log(ms)), log(for_ms)),
            ActionDraw::ResetPeers {} => peers(LinkFault::Reset, 0),
            ActionDraw::ForgetPeers {} => peers(LinkFault::Forget, 0),
        }
    }
}

fn disk(fault: DiskFault, for_ms: u64) -> Action {
    Action::Disk { fault, for_ms }
}

fn link(fault: LinkFault, for_ms: u64) -> Action {
    Action::Link { fault, for_ms }
}

fn peers(fault: LinkFault, for_ms: u64) -> Action {
    Action::Peers { fault, for_ms }
}

#[cfg(test)]
#[path = "distribution_test.rs"]
mod tests;
