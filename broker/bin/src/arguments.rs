//! The command line: a file of settings, and settings that override it.

use clap::Parser;
use std::path::PathBuf;

/// A Kafka-compatible broker. With no arguments: listens on 127.0.0.1:9092, stores in ./tidemark-data.
///
/// Settings have Kafka's names. Logging is set by the environment variable TIDEMARK_LOG (`debug`, `warn`,
/// `server=trace`).
#[derive(Debug, Parser)]
#[command(name = "tidemark", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// A file of settings, in the format of Kafka's server.properties.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// One setting; may be given several times, and overrides the file.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
