//! `tidemark produce`: lines of standard input become records of a topic.

use crate::arguments::Arguments;
use crate::clients::{self, Bootstrap};
use crate::exit::Exit;
use crate::gaps::{Gap, Gaps};
use crate::signals::Signals;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use client::producer::{self, Acks, Compression, Delivered, Producer, ProducerConfig, Record, Undelivered};
use model::time::{Duration, Instant};
use runtime::Runtime;
use runtime_tokio::TokioRuntime;
use std::io::BufRead;
use tokio::sync::mpsc;

/// Lines that have been read and not been given to the producer.
const LINES_MAX: usize = 1_024;
/// Records whose fate has been told and not been looked at.
const FATES_MAX: usize = 1_024;
/// How long a topic may take to be created, where the cluster creates topics that are written to.
const TOPIC_MAX: Duration = Duration::from_secs(10);
/// Undelivered records that are spoken of one by one.
const COMPLAINTS_MAX: u64 = 10;
/// A wait for an acknowledgement that is spoken of when it ends.
const GAP_MIN: Duration = Duration::from_millis(200);

/// What is produced, and how.
#[derive(Debug, Args)]
pub struct Produce {
    /// The topic.
    pub topic: String,

    #[command(flatten)]
    pub bootstrap: Bootstrap,

    /// The partition; by the key, or any, where none is given.
    #[arg(short, long, value_name = "N")]
    pub partition: Option<i32>,

    /// What separates a line's key from its value; without it, a line is a value.
    #[arg(short = 'K', long, value_name = "TEXT")]
    pub key_separator: Option<String>,

    /// Who must have a record before it counts as written.
    #[arg(long, value_enum, default_value = "all")]
    pub acks: Acknowledgements,

    /// Records may be written twice, or in another order, when they are sent again (enable.idempotence=false); always so
    /// with --acks 0 or 1.
    #[arg(long)]
    pub no_idempotence: bool,

    /// How records are compressed.
    #[arg(short = 'z', long, value_enum, default_value = "none")]
    pub compression_type: Codec,

    /// How long records wait for others to go with.
    #[arg(long, value_name = "MS", default_value_t = 5)]
    pub linger_ms: u64,

    /// Records of a partition go together up to this size.
    #[arg(long, value_name = "BYTES", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub batch_size: u32,

    /// How long a record is tried to be delivered.
    #[arg(long, value_name = "MS", default_value_t = 120_000)]
    pub delivery_timeout_ms: u64,

    /// Tell how many records were delivered, and the longest time that nothing was acknowledged though something was under
    /// way; each such time above 200 ms also when it ends. A failover shows there.
    #[arg(long)]
    pub report_gaps: bool,
}

/// Kafka's acks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Acknowledgements {
    /// Nobody.
    #[value(name = "0")]
    None,
    /// The partition's leader.
    #[value(name = "1")]
    Leader,
    /// Every replica in sync.
    #[value(name = "all", alias = "-1")]
    All,
}

/// Kafka's compressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Codec {
    /// Not at all.
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Produces until standard input ends, or a signal comes.
pub fn run(arguments: &Arguments, how: &Produce) -> Result<(), Exit> {
    clients::no_settings(arguments)?;
    let separator = how.key_separator.as_deref();
    if separator.is_some_and(str::is_empty) {
        return Err(Exit::Usage("--key-separator may not be empty".to_owned()));
    }
    clients::run(arguments, |rt| produce(rt, how))
}

async fn produce(rt: TokioRuntime, how: &Produce) -> Result<(), Exit> {
    let cluster = how.bootstrap.cluster("tidemark-produce");
    let mut admin = clients::connect(&rt, &cluster).await?;
    let topic = admin.topic_or_created(&how.topic, TOPIC_MAX);
    let topic = clients::patiently(&rt, || clients::waiting_for(&how.topic), topic).await;
    let topic = topic.map_err(|error| clients::about_topic(&how.topic, &error))?;
    if let Some(partition) =
        how.partition.filter(|wanted| !topic.partitions.iter().any(|p| p.index == *wanted))
    {
        let count = topic.partitions.len();
        return Err(Exit::Client(format!(
            "topic {:?} has {count} partitions, and none {partition}",
            how.topic
        )));
    }
    drop(admin);
    let producer =
        Producer::start(&rt, cluster, how.config()).map_err(|error| Exit::Usage(error.to_string()))?;
    let (tell, fates) = mpsc::channel(FATES_MAX);
    let mut feed = Feed { rt, how, producer, signals: Signals::listen(), fates, report: Report::new(how) };
    let trouble = feed.run(tell).await;
    feed.flush(trouble).await
}

/// What has become of a record.
type Fate = Result<Delivered, Undelivered>;

/// Records on their way to a producer. While anything is waited for, fates are taken in and signals obeyed.
struct Feed<'a> {
    rt: TokioRuntime,
    how: &'a Produce,
    producer: Producer,
    signals: Signals,
    fates: mpsc::Receiver<Fate>,
    report: Report,
}

impl Feed<'_> {
    /// Gives lines to the producer until they end, a signal comes, or one is no record: why, then.
    async fn run(&mut self, tell: mpsc::Sender<Fate>) -> Option<String> {
        let mut lines = lines();
        let mut number = 0_u64;
        loop {
            let line = tokio::select! { biased;
                Some(fate) = self.fates.recv() => {
                    self.report.told(fate, self.rt.now());
                    continue;
                }
                line = lines.recv() => line?,
                () = self.signals.next() => return None,
            };
            number += 1;
            match record(self.how, line) {
                Ok(record) => match self.give(record, &tell).await {
                    true => {}
                    false => return None,
                },
                Err(why) => return Some(format!("line {number}: {why}")),
            }
        }
    }

    /// Gives a record to the producer when there is room for it; its fate is told later. False: a signal came before.
    async fn give(&mut self, record: Record, tell: &mpsc::Sender<Fate>) -> bool {
        let mut giving = std::pin::pin!(self.producer.send(record));
        let delivery = loop {
            tokio::select! { biased;
                Some(fate) = self.fates.recv() => self.report.told(fate, self.rt.now()),
                delivery = &mut giving => break delivery,
                () = self.signals.next() => return false,
            }
        };
        self.report.given(self.rt.now());
        let tell = tell.clone();
        self.rt.spawn_detached("delivery", async move {
            let fate = delivery.await;
            // The command has ended.
            let _ = tell.send(fate).await;
        });
        true
    }

    /// Waits until everything that was given has been told of, or a signal comes, which is the second one then.
    async fn flush(mut self, trouble: Option<String>) -> Result<(), Exit> {
        let mut flushing = std::pin::pin!(self.producer.flush());
        let mut flushed = false;
        loop {
            tokio::select! { biased;
                fate = self.fates.recv() => match fate {
                    Some(fate) => self.report.told(fate, self.rt.now()),
                    None => return self.report.end(trouble),
                },
                () = &mut flushing, if !flushed => flushed = true,
                () = self.signals.next() => return Err(Exit::Cut(self.report.cut())),
            }
        }
    }
}

/// Lines of standard input, without what ends them, as they come.
fn lines() -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, lines) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().split(b'\n') {
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                return;
            }
        }
    });
    lines
}

/// A line as a record, or why it is none.
fn record(how: &Produce, line: std::io::Result<Vec<u8>>) -> Result<Record, String> {
    let line = Bytes::from(line.map_err(|why| format!("standard input: {why}"))?);
    let (key, value) = match how.key_separator.as_deref().map(str::as_bytes) {
        None => (None, line),
        Some(separator) => {
            let at = line.windows(separator.len()).position(|window| window == separator);
            let at = at.ok_or("there is no key separator in it")?;
            (Some(line.slice(..at)), line.slice(at + separator.len()..))
        }
    };
    Ok(Record {
        topic: how.topic.clone(),
        partition: how.partition,
        key,
        value: Some(value),
        ..Record::default()
    })
}

impl Produce {
    fn config(&self) -> ProducerConfig {
        let acks = match self.acks {
            Acknowledgements::None => Acks::None,
            Acknowledgements::Leader => Acks::Leader,
            Acknowledgements::All => Acks::All,
        };
        let compression = match self.compression_type {
            Codec::None => Compression::None,
            Codec::Gzip => Compression::Gzip,
            Codec::Snappy => Compression::Snappy,
            Codec::Lz4 => Compression::Lz4,
            Codec::Zstd => Compression::Zstd,
        };
        ProducerConfig {
            acks,
            idempotent: acks == Acks::All && !self.no_idempotence,
            linger: Duration::from_millis(self.linger_ms),
            batch_bytes: self.batch_size as usize,
            compression,
            delivery_timeout: Duration::from_millis(self.delivery_timeout_ms),
            ..ProducerConfig::default()
        }
    }
}

/// What the command has to say.
struct Report {
    wanted: bool,
    gaps: Gaps,
    given: u64,
    delivered: u64,
    /// Certainly not written.
    undelivered: u64,
    /// Nobody knows.
    unknown: u64,
}

impl Report {
    fn new(how: &Produce) -> Report {
        let (wanted, gaps) = (how.report_gaps, Gaps::default());
        Report { wanted, gaps, given: 0, delivered: 0, undelivered: 0, unknown: 0 }
    }

    fn given(&mut self, now: Instant) {
        self.given += 1;
        self.gaps.given(now);
    }

    fn told(&mut self, fate: Fate, now: Instant) {
        let gap = self.gaps.told(fate.is_ok(), now);
        match fate {
            Ok(_) => self.delivered += 1,
            Err(why) => self.complain(&why),
        }
        if let Some(gap) = gap.filter(|gap| self.wanted && gap.length >= GAP_MIN) {
            eprintln!("nothing was acknowledged for {}", shown(gap));
        }
    }

    fn complain(&mut self, why: &Undelivered) {
        let said = self.undelivered + self.unknown;
        if said < COMPLAINTS_MAX {
            eprintln!("a record was not delivered: {why}");
        } else if said == COMPLAINTS_MAX {
            eprintln!("and more");
        }
        match why.definite {
            true => self.undelivered += 1,
            false => self.unknown += 1,
        }
        if matches!(why.cause, producer::Cause::NoProducerId(_)) && said == 0 {
            eprintln!("(this cluster has no idempotent producers: --no-idempotence does without)");
        }
    }

    /// What there is to say when nothing more is waited for.
    fn cut(&self) -> String {
        let Report { given, delivered, undelivered, .. } = self;
        let unknown = given - delivered - undelivered;
        format!(
            "a second signal: of {given} records {delivered} are told as delivered, {undelivered} as not, of {unknown} nobody knows"
        )
    }

    fn end(self, trouble: Option<String>) -> Result<(), Exit> {
        let Report { wanted, gaps, delivered, undelivered, unknown, .. } = self;
        if wanted {
            eprintln!("{delivered} records delivered");
            if let Some(gap) = gaps.longest() {
                eprintln!("the longest time without an acknowledgement: {}", shown(gap));
            }
        }
        if undelivered + unknown == 0 && trouble.is_none() {
            return Ok(());
        }
        let trouble = trouble.map_or(String::new(), |trouble| trouble + "; ");
        let undelivered = match undelivered + unknown {
            0 => String::new(),
            _ => format!(", {undelivered} were not"),
        };
        let unknown = match unknown {
            0 => String::new(),
            unknown => format!(", and of {unknown} nobody knows"),
        };
        Err(Exit::Client(format!("{trouble}{delivered} records were delivered{undelivered}{unknown}")))
    }
}

fn shown(gap: Gap) -> String {
    let (length, at) = (gap.length.as_millis(), gap.at.as_secs_f64());
    format!("{length} ms, {at:.1} s after the first record")
}
