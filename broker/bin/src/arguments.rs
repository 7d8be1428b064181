//! The command line: a file of settings, settings that override it, and what there is to do besides being a broker.

use crate::consume::Consume;
use crate::produce::Produce;
use crate::topics::Topics;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// The most nodes that a cluster on one machine can have.
pub const NODES_MAX: u16 = 9;

/// A Kafka-compatible broker. With no arguments: listens on 127.0.0.1:9092, stores in ./tidemark-data.
///
/// Settings have Kafka's names. Logging is set by the environment variable TIDEMARK_LOG (`debug`, `warn`,
/// `server=trace`).
#[derive(Debug, Parser)]
#[command(name = "tidemark", version)]
pub struct Arguments {
    /// What to do; without it: run a node.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// A file of settings, in the format of Kafka's server.properties.
    #[arg(short, long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,

    /// One setting; may be given several times, and overrides the file.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, global = true)]
    pub set: Vec<(String, String)>,

    /// Stop, as on SIGTERM, when standard input ends or says so; say on standard output when clients are served.
    #[arg(long, hide = true)]
    pub supervised: bool,
}

/// What to do besides running a node.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Format a node's data directory, as kafka-storage does.
    Format(Format),
    /// Run a cluster on this machine, for trying things out: a process per node, on loopback.
    ///
    /// The nodes are brokers and controllers alike, and store in ./tidemark-data/node-N. Ctrl-C stops them. Settings that
    /// are given hold for all of them.
    Local(Local),
    /// Write lines of standard input into a topic, a record each.
    Produce(Produce),
    /// Write a topic's records to standard output, a line each.
    Consume(Consume),
    /// List topics, or create, describe or delete one.
    Topics(Topics),
    /// Print an id for a new cluster.
    RandomUuid,
}

/// How a data directory is formatted.
#[derive(Debug, Args)]
pub struct Format {
    /// The cluster's id, the same for all of its nodes; drawn where the node is a cluster by itself.
    #[arg(short = 't', long, value_name = "ID")]
    pub cluster_id: Option<String>,

    /// Leave a directory as it is that is formatted already, for this node of this cluster.
    #[arg(short = 'g', long)]
    pub ignore_formatted: bool,

    /// The cluster is not new: this node was a part of it and has lost its disk. A controller then takes no part in
    /// elections before it has what was committed.
    #[arg(long)]
    pub replacement: bool,
}

/// A cluster on this machine.
#[derive(Debug, Args)]
pub struct Local {
    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=i64::from(NODES_MAX)))]
    pub nodes: u16,

    /// Clients connect to this port and those that follow, nodes to the ports above; 0: to any free ports.
    #[arg(long, default_value_t = 9092)]
    pub port: u16,

    /// The directory that the nodes' directories are in.
    #[arg(long, value_name = "DIR", default_value = "tidemark-data")]
    pub data: PathBuf,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
