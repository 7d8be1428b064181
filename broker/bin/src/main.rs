//! The `tidemark` binary: arguments, logging, signals, exit codes. Everything else is the server's.
//!
//! With no arguments it listens on 127.0.0.1:9092 and stores in ./tidemark-data, which it formats when empty.

// The process's own edge: here real files, threads and clocks are what the code is about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod arguments;
mod exit;

use arguments::Arguments;
use clap::Parser;
use exit::Exit;
use model::config::{BrokerSettings, properties};
use runtime_tokio::{Threads, TokioRuntime};
use server::{Broker, Stopped};
use std::io::IsTerminal;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("TIDEMARK_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            error!("{exit}");
            exit.code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Exit> {
    let settings = settings(arguments)?;
    let data_dir = settings.log_dirs[0].clone();
    let serve = |rt| serve(rt, settings);
    let served = Threads::default().run(&data_dir, serve);
    served.map_err(|error| Exit::Directory { path: data_dir, why: error.to_string() })?
}

/// The file's pairs, then the command line's, on top of the defaults.
fn settings(arguments: &Arguments) -> Result<BrokerSettings, Exit> {
    let mut pairs = Vec::new();
    if let Some(path) = &arguments.config {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Exit::Usage(format!("{}: {error}", path.display())))?;
        let parsed = properties::parse(&text);
        pairs = parsed.map_err(|error| Exit::Usage(format!("{}: {error}", path.display())))?;
    }
    pairs.extend(arguments.set.iter().cloned());
    let (mut settings, notices) =
        BrokerSettings::from_pairs(pairs).map_err(|error| Exit::Usage(error.to_string()))?;
    for notice in notices {
        warn!("{notice}");
    }
    if settings.shards == 0 {
        settings.shards = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    }
    if settings.log_dirs.len() > 1 || settings.metadata_log_dir != settings.log_dirs[0] {
        return Err(Exit::Usage("one directory in log.dirs is supported, for metadata too".to_owned()));
    }
    Ok(settings)
}

async fn serve(rt: TokioRuntime, settings: BrokerSettings) -> Result<(), Exit> {
    let data_dir = settings.log_dirs[0].clone();
    let mut interrupted = signal(SignalKind::interrupt()).expect("installing a signal handler");
    let mut terminated = signal(SignalKind::terminate()).expect("installing a signal handler");
    let broker = Broker::start(rt, settings).await.map_err(|error| Exit::start(&error, &data_dir))?;
    info!("listening on {}, storing in {}", broker.addr(), data_dir.display());
    let stopped = tokio::select! { biased;
        stopped = broker.stopped() => stopped,
        _ = interrupted.recv() => broker.stop().await,
        _ = terminated.recv() => broker.stop().await,
    };
    match stopped {
        Stopped::Clean => {
            info!("stopped");
            Ok(())
        }
        Stopped::Unclean => {
            warn!("stopped; the clean-shutdown file could not be written, so the next start recovers");
            Ok(())
        }
        Stopped::Fenced(why) => Err(Exit::Fenced(why)),
    }
}
