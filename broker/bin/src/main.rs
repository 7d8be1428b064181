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
use runtime_tokio::{Threads, TokioRuntime, descriptors_max};
use server::{Broker, Stopped};
use std::io::IsTerminal;
use std::process::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};
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
    advertise(&mut settings);
    if settings.log_dirs.len() > 1 || settings.metadata_log_dir != settings.log_dirs[0] {
        return Err(Exit::Usage("one directory in log.dirs is supported, for metadata too".to_owned()));
    }
    Ok(settings)
}

/// Kafka advertises the machine's name for a listener without a host, and so do we. (An address of every interface
/// that is spelled out is refused, as it is there.)
fn advertise(settings: &mut BrokerSettings) {
    let unnamed = settings.listeners.iter().any(|listener| listener.endpoint.host.is_empty());
    if !unnamed || !settings.advertised_listeners.is_empty() {
        return;
    }
    let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") else { return };
    let name = name.trim();
    info!(
        "clients are told to connect to {name}: set advertised.listeners if that is not where they find it"
    );
    settings.advertised_listeners = settings.listeners.clone();
    for listener in settings.advertised_listeners.iter_mut().filter(|l| l.endpoint.host.is_empty()) {
        name.clone_into(&mut listener.endpoint.host);
    }
}

/// What asks the process to end: Ctrl-C and SIGTERM.
struct Signals {
    interrupted: Signal,
    terminated: Signal,
}

impl Signals {
    fn listen() -> Signals {
        let listen = |kind| signal(kind).expect("installing a signal handler");
        Signals { interrupted: listen(SignalKind::interrupt()), terminated: listen(SignalKind::terminate()) }
    }

    async fn next(&mut self) {
        tokio::select! { biased;
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}

async fn serve(rt: TokioRuntime, settings: BrokerSettings) -> Result<(), Exit> {
    let data_dir = settings.log_dirs[0].clone();
    let mut signals = Signals::listen();
    let broker = tokio::select! { biased;
        () = signals.next() => {
            warn!("stopped before the start was done: the next one recovers");
            return Ok(());
        }
        started = Broker::start(rt, settings, descriptors_max()) => started.map_err(|error| Exit::start(&error, &data_dir))?,
    };
    info!("listening on {}, storing in {}", broker.addr(), data_dir.display());
    let stopped = tokio::select! { biased;
        stopped = broker.stopped() => stopped,
        () = signals.next() => tokio::select! { biased;
            stopped = broker.stop() => stopped,
            () = signals.next() => return Err(Exit::Impatient),
        },
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
