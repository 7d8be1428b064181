//! `tidemark consume`: a topic's records become lines of standard output.

use crate::arguments::Arguments;
use crate::clients::{self, Bootstrap};
use crate::exit::Exit;
use crate::signals::Signals;
use crate::waits::{Wait, Waits};
use clap::Args;
use client::consumer::{ConsumeError, Consumed, Consumer, ConsumerConfig, Reset, Start, Trouble};
use model::time::{Duration, Instant};
use runtime::Runtime;
use runtime_tokio::TokioRuntime;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, ErrorKind, Write};

/// How long one poll waits: how often somebody looks whether it is over.
const POLL_MAX: Duration = Duration::from_millis(200);

/// What is consumed, and how it is written.
#[derive(Debug, Args)]
pub struct Consume {
    /// The topic.
    pub topic: String,

    #[command(flatten)]
    pub bootstrap: Bootstrap,

    /// Begin with the first record, not with what is written from now on.
    #[arg(long, conflicts_with = "offset")]
    pub from_beginning: bool,

    /// Where to begin: an offset, `earliest` or `latest`.
    #[arg(short, long, value_name = "OFFSET", value_parser = start, allow_hyphen_values = true)]
    pub offset: Option<Start>,

    /// Only this partition; may be given several times.
    #[arg(short, long, value_name = "N")]
    pub partition: Vec<i32>,

    /// End after so many records.
    #[arg(long, value_name = "N")]
    pub max_messages: Option<u64>,

    /// End when everything has been read that there was at the beginning.
    #[arg(short, long)]
    pub exit_at_end: bool,

    /// End when no record has come for so long.
    #[arg(long, value_name = "MS")]
    pub timeout_ms: Option<u64>,

    /// Write the partition first.
    #[arg(long)]
    pub print_partition: bool,

    /// Write the offset before the record.
    #[arg(long)]
    pub print_offset: bool,

    /// Write the key before the value.
    #[arg(long)]
    pub print_key: bool,

    /// What separates a key from its value, and everything else that is written before it.
    #[arg(short = 'K', long, value_name = "TEXT", default_value = "\t")]
    pub key_separator: String,
}

/// Consumes until it is enough, or a signal comes.
pub fn run(arguments: &Arguments, how: &Consume) -> Result<(), Exit> {
    clients::no_settings(arguments)?;
    clients::run(arguments, |rt| consume(rt, how))
}

async fn consume(rt: TokioRuntime, how: &Consume) -> Result<(), Exit> {
    let cluster = how.bootstrap.cluster("tidemark-consume");
    let mut admin = clients::connect(&rt, &cluster).await?;
    let topic = admin.topic(&how.topic);
    let topic = clients::patiently(&rt, || clients::waiting_for(&how.topic), topic).await;
    let topic = topic.map_err(|error| clients::about_topic(&how.topic, &error))?;
    drop(admin);
    let there: Vec<i32> = topic.partitions.iter().map(|partition| partition.index).collect();
    if let Some(missing) = how.partition.iter().find(|wanted| !there.contains(wanted)) {
        let count = there.len();
        return Err(Exit::Client(format!(
            "topic {:?} has {count} partitions, and none {missing}",
            how.topic
        )));
    }
    // Of a topic that is gone none is created by reading it.
    let cluster = client::ClusterConfig { create_topics: false, ..cluster };
    let config = ConsumerConfig { reset: Reset::Error, ..ConsumerConfig::default() };
    let brokers = clients::brokers(&cluster);
    let consumer = Consumer::new(rt.clone(), cluster, config);
    let start = match (how.from_beginning, how.offset) {
        (true, _) => Start::Earliest,
        (false, start) => start.unwrap_or(Start::Latest),
    };
    let wanted = if how.partition.is_empty() { there } else { how.partition.clone() };
    let (signals, began) = (Signals::listen(), rt.now());
    let mut copy = Copy { rt, how, consumer, wanted, signals, last: began, brokers, waits: Waits::default() };
    let mut out = BufWriter::new(io::stdout().lock());
    match copy.run(start, &mut out).await {
        // Whoever read the output has had enough.
        Err(Ended::Output(why)) if why.kind() == ErrorKind::BrokenPipe => {
            // What is left in the buffer has nowhere to go.
            let _ = out.into_parts();
            Ok(())
        }
        Err(Ended::Output(why)) => Err(Exit::Client(format!("standard output: {why}"))),
        Err(Ended::Consumer(why)) => Err(Exit::Client(said(&why))),
        Ok(()) => Ok(()),
    }
}

/// Why nothing more is copied.
enum Ended {
    Output(io::Error),
    Consumer(ConsumeError),
}

/// Records on their way from partitions to the output.
struct Copy<'a> {
    rt: TokioRuntime,
    how: &'a Consume,
    consumer: Consumer<TokioRuntime>,
    /// Partitions that are not read to where they are to be.
    wanted: Vec<i32>,
    signals: Signals,
    /// When a record came last.
    last: Instant,
    /// Where the cluster is, for people.
    brokers: String,
    waits: Waits,
}

impl Copy<'_> {
    async fn run(&mut self, start: Start, out: &mut impl Write) -> Result<(), Ended> {
        let mut ends = BTreeMap::new();
        if self.how.exit_at_end {
            let Some(found) = self.ends().await? else { return Ok(()) };
            ends = found;
        }
        for partition in &self.wanted {
            self.consumer.assign(&self.how.topic, *partition, start);
        }
        let mut left = self.how.max_messages.unwrap_or(u64::MAX);
        while left > 0 && !self.wanted.is_empty() {
            let records = tokio::select! { biased;
                () = self.signals.next() => break,
                polled = self.consumer.poll(self.rt.now() + POLL_MAX) => polled.map_err(Ended::Consumer)?,
            };
            if !records.is_empty() {
                self.last = self.rt.now();
            }
            let within =
                |record: &&Consumed| ends.get(&record.partition).is_none_or(|end| record.offset < *end);
            for record in records.iter().filter(within).take(usize::try_from(left).unwrap_or(usize::MAX)) {
                line(self.how, record, out).map_err(Ended::Output)?;
                left -= 1;
            }
            out.flush().map_err(Ended::Output)?;
            self.let_go(&ends);
            self.speak();
            if self.is_quiet() {
                break;
            }
        }
        Ok(())
    }

    /// Where the partitions end now, as their leaders list it: what comes with a fetch may be an old end when a leader has just
    /// been elected. None: it is over before.
    async fn ends(&mut self) -> Result<Option<BTreeMap<i32, i64>>, Ended> {
        for partition in &self.wanted {
            self.consumer.locate(&self.how.topic, *partition, Start::Latest);
        }
        loop {
            let located = tokio::select! { biased;
                () = self.signals.next() => return Ok(None),
                located = self.consumer.located(self.rt.now() + POLL_MAX) => located.map_err(Ended::Consumer)?,
            };
            if located {
                let end = |partition: &i32| self.consumer.position(&self.how.topic, *partition);
                let ends = self.wanted.iter().map(|partition| (*partition, end(partition).expect("located")));
                return Ok(Some(ends.collect()));
            }
            self.speak();
            if self.is_quiet() {
                return Ok(None);
            }
        }
    }

    /// Reads partitions no more that have been read to their ends.
    fn let_go(&mut self, ends: &BTreeMap<i32, i64>) {
        let Copy { consumer, how: Consume { topic, .. }, wanted, .. } = self;
        wanted.retain(|partition| {
            let (Some(end), Some(at)) = (ends.get(partition), consumer.position(topic, *partition)) else {
                return true;
            };
            // Where it was told to begin behind the end, the broker has to say whether that is a place.
            let done = at == *end || (at > *end && consumer.high_watermark(topic, *partition).is_some());
            if done {
                consumer.unassign(topic, *partition);
            }
            !done
        });
    }

    /// Says what is waited for.
    fn speak(&mut self) {
        let (metadata, topic) = (self.consumer.metadata(), &self.how.topic);
        let mut waits = BTreeSet::new();
        match metadata.topic(topic) {
            _ if !metadata.is_known() => _ = waits.insert(Wait::Broker),
            Some(known) if metadata.unknown_for(topic).is_none() => {
                let led =
                    |index: &i32| known.partitions.get(index).is_some_and(|leader| leader.node.is_some());
                waits
                    .extend(self.wanted.iter().filter(|index| !led(index)).map(|index| Wait::Leader(*index)));
            }
            _ => _ = waits.insert(Wait::Topic),
        }
        for wait in self.waits.look(&waits, self.rt.now()) {
            match wait {
                Wait::Broker => eprintln!("no broker answers at {}: waiting", self.brokers),
                Wait::Topic => eprintln!("{}", clients::waiting_for(topic)),
                Wait::Leader(index) => {
                    eprintln!("partition {index} of topic {topic} has no leader: waiting for one")
                }
            }
        }
    }

    /// Whether no record has come for so long that it is over.
    fn is_quiet(&self) -> bool {
        let most = self.how.timeout_ms.map(Duration::from_millis);
        most.is_some_and(|most| self.rt.now() - self.last >= most)
    }
}

/// An error, and what can be done about it where anything can.
fn said(error: &ConsumeError) -> String {
    match error.trouble {
        Trouble::OutOfRange | Trouble::Truncated { .. } | Trouble::Recreated => {
            format!("{error}: --from-beginning, or --offset, begins elsewhere")
        }
        Trouble::NoTopic | Trouble::Corrupt(_) | Trouble::Refused(_) => error.to_string(),
    }
}

fn line(how: &Consume, record: &Consumed, out: &mut impl Write) -> io::Result<()> {
    let separator = how.key_separator.as_bytes();
    if how.print_partition {
        write!(out, "Partition:{}", record.partition)?;
        out.write_all(separator)?;
    }
    if how.print_offset {
        write!(out, "Offset:{}", record.offset)?;
        out.write_all(separator)?;
    }
    if how.print_key {
        out.write_all(record.key.as_deref().unwrap_or(b"null"))?;
        out.write_all(separator)?;
    }
    // As Kafka's console consumer writes what is not there.
    out.write_all(record.value.as_deref().unwrap_or(b"null"))?;
    out.write_all(b"\n")
}

fn start(text: &str) -> Result<Start, String> {
    match text {
        "earliest" | "beginning" => Ok(Start::Earliest),
        "latest" | "end" => Ok(Start::Latest),
        number => match number.parse::<i64>() {
            Ok(offset) if offset >= 0 => Ok(Start::At(offset)),
            _ => Err("an offset is a number from 0 on, `earliest` or `latest`".to_owned()),
        },
    }
}
