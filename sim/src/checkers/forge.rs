//! Small histories for the checkers' own tests: each says in a line or two what a broken broker would do.

use super::{Checkers, Expected, Seen, Usage};
use crate::history::{Call, Entry, Note, Reply, Step, Value};
use ::runtime::{Acks, Event};
use model::{DurableEnd, LogEnd, Offset, PartitionIndex, PartitionKey, TopicId, Uuid};

/// The id of the topic that `Forge` creates under the name `t`.
pub const TOPIC: TopicId = TopicId(Uuid([7; 16]));
/// Its partition 0.
pub const T0: PartitionKey = PartitionKey { topic: TOPIC, index: PartitionIndex(0) };

/// Feeds all checkers with one forged line after the other. Client `p<n>` is producer `n`.
pub struct Forge {
    checkers: Checkers,
    time: u64,
    op: u64,
}

impl Forge {
    /// A history that begins with the creation of the topic `t`.
    pub fn topic(durable: bool) -> Forge {
        Forge::of(durable, true)
    }

    /// As [`Forge::topic`], of a scenario that is calm or not.
    pub fn of(durable: bool, calm: bool) -> Forge {
        Forge::expecting(calm, true).created(durable, 1)
    }

    /// A history on disks that may fail, or not.
    pub fn on_disks(sound: bool) -> Forge {
        Forge::expecting(true, sound)
    }

    fn expecting(calm: bool, sound: bool) -> Forge {
        let budget = Usage { memory_bytes: 10, descriptors: 10, tasks: 10, disk_bytes: 10 };
        Forge::with(Checkers::of_simulation(&Expected { budget, voters: 3, calm, sound }))
    }

    /// The topic `t` is created.
    pub fn created(mut self, durable: bool, replicas: i16) -> Forge {
        self.checkers.learn(TOPIC, "t");
        let call = Call::CreateTopic { topic: "t".into(), partitions: 2, durable, replicas, min_insync: 1 };
        self.done("admin", call, Step::Ok { reply: Reply::Done })
    }

    /// Some checkers only, and no topic.
    pub fn with(checkers: Checkers) -> Forge {
        Forge { checkers, time: 0, op: 0 }
    }

    fn line(&mut self, client: &str, op: u64, step: Step) {
        self.time += 1;
        self.checkers.entry(&Entry { time: self.time, client: client.into(), op, step });
    }

    /// Begins an operation; `finish` ends it.
    pub fn begin(&mut self, client: &str, call: Call) -> u64 {
        self.op += 1;
        let op = self.op;
        self.line(client, op, Step::Invoke { call });
        op
    }

    /// Ends an operation.
    pub fn finish(mut self, client: &str, op: u64, step: Step) -> Forge {
        self.line(client, op, step);
        self
    }

    /// An operation and its end.
    pub fn done(mut self, client: &str, call: Call, step: Step) -> Forge {
        let op = self.begin(client, call);
        self.finish(client, op, step)
    }

    /// `producer` sends `counters` to `t-0` and is told `base`.
    pub fn acked(self, producer: u32, counters: &[u64], base: i64) -> Forge {
        let step = Step::Ok { reply: Reply::Produced { base } };
        self.done(&format!("p{producer}"), produce(producer, counters), step)
    }

    /// `producer` sends `counters` to `t-0` and is told no.
    pub fn refused(self, producer: u32, counters: &[u64]) -> Forge {
        let step = Step::Fail { error: "CORRUPT_MESSAGE".into() };
        self.done(&format!("p{producer}"), produce(producer, counters), step)
    }

    /// `client` reads from `from` on `t-0` and gets `records` of producer 1.
    pub fn read(self, client: &str, from: i64, records: &[(i64, u64)], high_watermark: i64) -> Forge {
        let records = records.iter().map(|(o, c)| (*o, Value { client: 1, counter: *c })).collect();
        let step = Step::Ok { reply: Reply::Fetched { high_watermark, log_start: 0, records } };
        self.done(client, fetch(from), step)
    }

    /// Everything is read: `records` of producer 1 are there.
    pub fn read_all(self, round: u32, records: &[(i64, u64)]) -> Forge {
        let end = records.last().map_or(0, |(o, _)| o + 1);
        self.note(Note::ReadAll { round })
            .read(&format!("reader-{round}"), records.first().map_or(0, |(o, _)| *o), records, end)
            .note(Note::ReadDone { round })
    }

    /// Something is done to a broker.
    pub fn note(mut self, note: Note) -> Forge {
        self.line("harness", 0, Step::Note { note });
        self
    }

    /// Broker 1's power goes.
    pub fn power_lost(self) -> Forge {
        self.note(Note::PowerLost { broker: 1 })
    }

    /// Time passes.
    pub fn later(mut self, seconds: u64) -> Forge {
        self.time += seconds * 1_000_000_000;
        self
    }

    /// Something else is seen.
    pub fn seen(mut self, seen: &Seen<'_>) -> Forge {
        self.time += 1;
        self.checkers.observe(self.time, seen);
        self
    }

    /// Broker 1 tells an event.
    pub fn event(self, event: Event) -> Forge {
        self.seen(&Seen::Event { broker: 1, event: &event })
    }

    /// The names of the checkers that fired.
    #[track_caller]
    pub fn fires(self, expected: &[&str]) {
        let mut fired: Vec<&str> = self.checkers.violations().iter().map(|v| v.checker.as_str()).collect();
        fired.dedup();
        assert_eq!(fired, expected, "{:#?}", self.checkers.violations());
    }
}

/// A produce to `t-0`.
pub fn produce(producer: u32, counters: &[u64]) -> Call {
    let values = counters.iter().map(|c| Value { client: producer, counter: *c }).collect();
    Call::Produce { topic: "t".into(), partition: 0, acks: -1, values }
}

/// A fetch from `t-0`.
pub fn fetch(from: i64) -> Call {
    Call::Fetch { topic: "t".into(), partition: 0, from }
}

/// `Synced` of `t-0`.
pub fn synced(end: i64) -> Event {
    Event::Synced { partition: T0, end: DurableEnd(Offset(end)) }
}

/// `HighWatermark` of `t-0`.
pub fn high_watermark(to: i64) -> Event {
    Event::HighWatermark { partition: T0, to: Offset(to) }
}

/// `Acknowledged` of `t-0` with acks=all.
pub fn acknowledged(base: i64, end: i64) -> Event {
    Event::Acknowledged { partition: T0, base: Offset(base), end: Offset(end), acks: Acks::All }
}

/// `Recovered` of `t-0`.
pub fn recovered(start: i64, end: i64) -> Event {
    Event::Recovered {
        partition: T0,
        start: Offset(start),
        end: LogEnd(Offset(end)),
        truncated_bytes: 0,
        clean: false,
    }
}
