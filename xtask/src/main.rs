//! The project's commands, behind the cargo alias `cargo xtask`.
//!
//! One hand-written dispatch table and one module per command, so that this program builds in seconds: it depends
//! on no broker crate and on nothing that compiles C. What a command needs of the broker it runs through cargo.

// A build tool: files, processes and the wall clock are its trade.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod bench;
mod cargo;
mod chaos;
mod ci;
mod mutants;
mod shrink;
mod simulate;
mod tidy;

use std::process::ExitCode;

/// What a command ends with: nothing to say, or why it failed (printed on stderr, exit code 1).
pub(crate) type Outcome = Result<(), String>;

/// One command of `cargo xtask`.
struct Command {
    name: &'static str,
    help: &'static str,
    /// Gets the arguments after the name.
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command { name: "ci", help: "every check, the quick ones first; STAGE… runs only those", run: ci::run },
    Command { name: "tidy", help: "the house rules: layers, headers, sizes, banned calls", run: tidy::run },
    Command {
        name: "simulate",
        help: "the deterministic simulator: scenarios and seeds",
        run: simulate::run,
    },
    Command { name: "shrink", help: "makes a failing scenario small and keeps it", run: shrink::run },
    Command {
        name: "mutants",
        help: "plants known bugs and counts seeds to their discovery",
        run: mutants::run,
    },
    Command {
        name: "chaos",
        help: "real processes, stock clients, faults drawn from a seed",
        run: chaos::run,
    },
    Command { name: "bench", help: "throughput and latency of the release binary", run: bench::run },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (name, rest) = match args.split_first() {
        Some((name, rest)) if name != "help" && name != "--help" && name != "-h" => (name.as_str(), rest),
        _ => {
            print!("{}", usage());
            return ExitCode::SUCCESS;
        }
    };
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("xtask: there is no command {name:?}\n\n{}", usage());
        return ExitCode::from(2);
    };
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask {name}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask COMMAND [ARGUMENT…]\n\n");
    for Command { name, help, .. } in COMMANDS {
        text.push_str(&format!("  {name:<10} {help}\n"));
    }
    text
}
