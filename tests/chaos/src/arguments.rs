//! The command line, as `cargo xtask chaos` fills it in.

use crate::clients::Library;
use clap::Parser;
use std::path::PathBuf;

/// Several release binaries on hosts of their own, stock clients, and faults drawn from a seed.
#[derive(Debug, Parser)]
#[command(name = "tidemark-chaos")]
pub struct Arguments {
    /// The binary under test.
    #[arg(long)]
    pub binary: PathBuf,

    /// The simulator's binary, which judges the history.
    #[arg(long)]
    pub checker: PathBuf,

    /// How many minutes of faults.
    #[arg(long, default_value_t = 5.0)]
    pub minutes: f64,

    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(3..=5))]
    pub nodes: u8,

    /// What the faults are drawn from.
    #[arg(long)]
    pub seed: u64,

    /// Which clients.
    #[arg(long, value_delimiter = ',', default_value = "librdkafka,java,franz-go")]
    pub clients: Vec<Library>,

    /// Records a second of each producer.
    #[arg(long, default_value_t = 100)]
    pub rate: u32,

    /// Whether disks are filled, too: yes or no.
    #[arg(long, default_value = "yes", value_parser = ["yes", "no"])]
    pub full_disks: String,

    /// Where the files of runs are kept, each in a folder named for its seed.
    #[arg(long)]
    pub keep: PathBuf,

    /// The folder of the clients' sources.
    #[arg(long)]
    pub sources: PathBuf,

    /// A Python with confluent-kafka, for librdkafka.
    #[arg(long)]
    pub python: Option<PathBuf>,

    /// The folder of Apache Kafka's jars, for java.
    #[arg(long)]
    pub jars: Option<PathBuf>,

    /// The program built of the clients' franz-go.
    #[arg(long)]
    pub franz_go: Option<PathBuf>,
}
