//! What happened, for people: one line after the other, in the order of time.
//!
//! ```text
//!   12.003417  b1       Appended t0-1 [40, 45)
//!   12.003420  harness  fault f0.1: PowerLoss of b1
//!   12.003420  b1       the power is gone
//!   12.104119  p2       #812 unknown: connection lost: connection reset
//! ```

use crate::history::{Call, Entry, Reply, Step};
use crate::runtime::NodeId;
use crate::trace::{Life, Record, What};
use ::runtime::Event;
use model::{PartitionKey, TopicId};
use std::collections::BTreeMap;

/// Writes the story as it happens, so that a run that dies tells how far it came.
pub struct Story {
    write: Box<dyn FnMut(&str) + Send>,
    /// Names of machines.
    names: BTreeMap<NodeId, String>,
    /// Names of topics.
    topics: BTreeMap<TopicId, String>,
}

impl Story {
    /// A story whose lines go to `write`.
    pub fn new(write: impl FnMut(&str) + Send + 'static) -> Story {
        Story { write: Box::new(write), names: BTreeMap::new(), topics: BTreeMap::new() }
    }

    /// Says what a machine is called.
    pub fn name(&mut self, node: NodeId, name: &str) {
        self.names.insert(node, name.to_string());
    }

    /// Says what a topic is called.
    pub fn learn(&mut self, id: TopicId, name: &str) {
        self.topics.insert(id, name.to_string());
    }

    /// A record of the world.
    pub fn record(&mut self, record: &Record) {
        let text = match &record.what {
            What::Event(event) => match self.told(event) {
                Some(text) => text,
                None => return,
            },
            What::Process(life) => match life {
                Life::Booted => format!("the process starts, incarnation {}", record.incarnation),
                Life::Exited => "the process ends".to_string(),
                Life::Killed => "the process is killed".to_string(),
                Life::PowerLost => "the power is gone".to_string(),
                Life::Paused => "the process is stopped in its tracks".to_string(),
                Life::Resumed => "the process goes on".to_string(),
            },
            What::Wire(wire) => format!("{wire:?}"),
            What::Note(note) => note.clone(),
        };
        let who = match self.names.get(&record.node) {
            Some(name) => name.clone(),
            None if record.node == NodeId::WORLD => "harness".to_string(),
            None => format!("n{}", record.node.0),
        };
        self.line(record.at_nanos, &who, &text);
    }

    /// A line of history.
    pub fn entry(&mut self, entry: &Entry) {
        let text = match &entry.step {
            Step::Invoke { call } => format!("#{} {}", entry.op, asked(call)),
            Step::Ok { reply } => format!("#{} {}", entry.op, answered(reply)),
            Step::Fail { error } => format!("#{} refused: {error}", entry.op),
            Step::Info { error } => format!("#{} unknown: {error}", entry.op),
            // The world has told it.
            Step::Note { .. } => return,
        };
        self.line(entry.time, &entry.client, &text);
    }

    /// Any other line.
    pub fn line(&mut self, nanos: u64, who: &str, text: &str) {
        let line = format!("{:>5}.{:06}  {who:<9} {text}", nanos / 1_000_000_000, nanos / 1000 % 1_000_000);
        (self.write)(&line);
    }

    /// What an event says; nothing of those that only count.
    fn told(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Started { .. } => "serves".to_string(),
            Event::Stopped { .. } => "has stopped in order".to_string(),
            Event::Recovered { partition, start, end, truncated_bytes, clean } => {
                let how =
                    if *clean { "clean".to_string() } else { format!("{truncated_bytes} bytes cut off") };
                format!("recovered {} [{start}, {end}), {how}", self.place(*partition))
            }
            Event::BecameLeader { partition, epoch } => {
                format!("leads {} in epoch {epoch}", self.place(*partition))
            }
            Event::BecameFollower { partition, epoch, leader } => {
                format!("follows b{leader} of {} in epoch {epoch}", self.place(*partition))
            }
            Event::InSync { partition, epoch, members } => {
                let members: Vec<_> = members.iter().map(|id| format!("b{id}")).collect();
                format!("{} in epoch {epoch}: in sync are {}", self.place(*partition), members.join(" "))
            }
            Event::Voted { partition, epoch, candidate } => {
                format!("votes for b{candidate} in epoch {epoch} of {}", self.place(*partition))
            }
            Event::Resigned { partition, epoch } => {
                format!("gives up {} of epoch {epoch}", self.place(*partition))
            }
            Event::Truncated { partition, end } => format!("cut {} at {end}", self.place(*partition)),
            Event::SnapshotTaken { partition, end, epoch } => {
                format!("took snapshot {end}-{epoch} of {}", self.place(*partition))
            }
            Event::SnapshotInstalled { partition, end, epoch } => {
                format!("replaced {} by snapshot {end}-{epoch}", self.place(*partition))
            }
            Event::Trimmed { partition, start } => {
                format!("{} begins at {start}", self.place(*partition))
            }
            Event::Appended { partition, base, end, .. } => {
                format!("appended {} [{base}, {end})", self.place(*partition))
            }
            Event::Synced { partition, end } => format!("synced {} up to {end}", self.place(*partition)),
            Event::HighWatermark { partition, to } => {
                format!("high watermark of {} is {to}", self.place(*partition))
            }
            Event::Rolled { partition, base } => {
                format!("new segment of {} at {base}", self.place(*partition))
            }
            Event::Acknowledged { partition, base, end, acks } => {
                format!("acknowledges {} [{base}, {end}), acks {acks:?}", self.place(*partition))
            }
            Event::Served { partition, from, to, high_watermark } => {
                format!("serves {} [{from}, {to}) of {high_watermark}", self.place(*partition))
            }
            Event::BrokerFenced { broker, sign, .. } => format!("fences b{broker}: {sign:?}"),
            Event::Fenced(why) => format!("gives up its log directory: {why:?}"),
            Event::Answered(_) | Event::Connected | Event::Disconnected => return None,
        })
    }

    fn place(&self, key: PartitionKey) -> String {
        match self.topics.get(&key.topic) {
            Some(name) => format!("{name}-{}", key.index),
            None => key.to_string(),
        }
    }
}

fn asked(call: &Call) -> String {
    match call {
        Call::Produce { topic, partition, acks, values } => {
            let first = values.first().map_or("nothing".to_string(), |v| v.to_string());
            format!("produce {topic}-{partition} {} from {first}, acks {acks}", values.len())
        }
        Call::Fetch { topic, partition, from } => format!("fetch {topic}-{partition} from {from}"),
        Call::Assign { topic, partition, from } => format!("assigned {topic}-{partition} from {from}"),
        Call::ListOffsets { topic, partition, timestamp } => {
            format!("offset of {topic}-{partition} at {timestamp}")
        }
        Call::CreateTopic { topic, partitions, durable, replicas, min_insync } => {
            let promise = if *durable { "durable" } else { "page cache" };
            let replicated = if *replicas == 1 {
                String::new()
            } else {
                format!(" times {replicas}, {min_insync} in sync")
            };
            format!("create {topic}, {partitions} partitions{replicated}, {promise}")
        }
        Call::GrowTopic { topic, partitions } => format!("grow {topic} to {partitions} partitions"),
        Call::DeleteTopic { topic } => format!("delete {topic}"),
        Call::Metadata => "list topics".to_string(),
    }
}

fn answered(reply: &Reply) -> String {
    match reply {
        Reply::Produced { base: ..0 } => "somewhere".to_string(),
        Reply::Produced { base } => format!("at {base}"),
        Reply::Fetched { high_watermark, records, .. } => match (records.first(), records.last()) {
            (Some((first, _)), Some((last, _))) => format!("got {first}..={last} of {high_watermark}"),
            _ => format!("got nothing of {high_watermark}"),
        },
        Reply::Corrupt { why, .. } => format!("got rubbish: {why}"),
        Reply::Offset { offset } => format!("offset {offset}"),
        Reply::Topics { topics } => format!("{} topics", topics.len()),
        Reply::Done => "done".to_string(),
    }
}
