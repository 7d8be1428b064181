//! Chaos on real processes: several release binaries, each on a host of its own, stock clients on another, and faults drawn
//! from a seed. What the clients did and saw goes to the simulator's own checkers.
//!
//! A host is a network namespace, and the network between hosts is a switch in this program (`switch`, `fabric`, `link`),
//! whose links can be cut, slowed and made lossy, each direction by itself. A disk is a file system of its own (`disk`). `run`
//! tells the phases. `cargo xtask chaos` builds all that is needed and calls this.

// Processes, devices, files and the wall clock are what this program is about.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod arguments;
mod clients;
mod cluster;
mod disk;
mod fabric;
mod fault;
mod gaps;
mod history;
mod host;
mod interrupt;
mod link;
mod machine;
mod node;
mod notes;
mod plan;
mod random;
mod replicas;
mod report;
mod run;
mod strike;
mod switch;
mod tools;
mod topics;
mod traces;

use arguments::Arguments;
use clap::Parser;
use interrupt::Interrupt;
use report::Report;
use run::Run;
use std::process::ExitCode;
use traces::Traces;

fn main() -> ExitCode {
    match go(&Arguments::parse()) {
        Ok(report) => {
            println!("\n{report}");
            if report.failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("tidemark-chaos: {why}");
            ExitCode::FAILURE
        }
    }
}

fn go(arguments: &Arguments) -> Result<Report, String> {
    machine::check()?;
    let interrupt = Interrupt::install()?;
    let traces = Traces::begin(&arguments.keep)?;
    let files = arguments.keep.join(arguments.seed.to_string());
    let files = std::path::absolute(&files).map_err(|why| tools::about(&files, why))?;
    Run::new(arguments, interrupt, files)?.go(&traces)
}
