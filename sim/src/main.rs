//! The simulator's binary: see `runner`.

// The simulator's own machinery lives outside the simulated world: threads, files, the wall clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::process::ExitCode;
use tidemark_sim::memory::Counting;
use tidemark_sim::runner;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    runner::main()
}
