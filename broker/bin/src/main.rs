//! The `tidemark` binary: arguments, logging, signals, exit codes. Everything else is the server's.
//!
//! With no arguments it listens on 127.0.0.1:9092 and stores in ./tidemark-data, which it formats when empty.

// The process's own edge: here real files, threads and clocks are what the code is about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod arguments;
mod clients;
mod consume;
mod exit;
mod format;
mod gaps;
mod local;
mod node;
mod produce;
mod settings;
mod signals;
mod topics;
mod waits;

use arguments::{Arguments, Command};
use clap::Parser;
use exit::Exit;
use model::config::BrokerSettings;
use runtime_tokio::{Threads, TokioRuntime, descriptors_max};
use server::{Broker, Stopped};
use signals::Signals;
use std::io::IsTerminal;
use std::process::ExitCode;
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
        // Whoever read the log may be gone: no reason to end.
        .log_internal_errors(false)
        .init();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => {
            match &exit {
                // What a client has to say is for who called it, and no log.
                Exit::Client(why) => eprintln!("tidemark: {why}"),
                exit => error!("{exit}"),
            }
            exit.code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Exit> {
    match &arguments.command {
        None => broker(settings::read(arguments)?, arguments.supervised),
        Some(Command::Format(how)) => format::format(arguments, how),
        Some(Command::Local(how)) => local::run(arguments, how),
        Some(Command::Produce(how)) => produce::run(arguments, how),
        Some(Command::Consume(how)) => consume::run(arguments, how),
        Some(Command::Topics(how)) => topics::run(arguments, how),
        Some(Command::RandomUuid) => {
            println!("{}", format::random_uuid());
            Ok(())
        }
    }
}

fn broker(settings: BrokerSettings, supervised: bool) -> Result<(), Exit> {
    let data_dir = settings.log_dirs[0].clone();
    let serve = |rt| serve(rt, settings, supervised);
    let served = Threads::default().run(&data_dir, serve);
    served.map_err(|error| Exit::Directory { path: data_dir, why: error.to_string() })?
}

async fn serve(rt: TokioRuntime, settings: BrokerSettings, supervised: bool) -> Result<(), Exit> {
    let data_dir = settings.log_dirs[0].clone();
    let mut signals = if supervised { Signals::and_input() } else { Signals::listen() };
    let broker = tokio::select! { biased;
        () = signals.next() => {
            warn!("stopped before the start was done: the next one recovers");
            return Ok(());
        }
        started = Broker::start(rt, settings, descriptors_max()) => started.map_err(|error| Exit::start(&error, &data_dir))?,
    };
    info!("listening on {}, storing in {}", broker.addr(), data_dir.display());
    if supervised {
        println!("{}", node::READY);
    }
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
