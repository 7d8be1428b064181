//! The Runtime on madsim, with simulated disk, network and clocks; harness, checkers, reports.

// The simulator's own machinery lives outside the simulated world: threads, files, the wall clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

#[cfg(not(madsim))]
compile_error!(
    "the simulator needs `--cfg madsim`: .cargo/config.toml sets it, and an environment RUSTFLAGS (even an empty \
     one) replaces that. Unset RUSTFLAGS, or build through `cargo xtask`, which appends the flag."
);

pub mod checkers;
pub mod clock;
pub mod disk;
pub mod harness;
pub mod history;
pub mod memory;
pub mod net;
pub mod random;
pub mod runner;
pub mod runtime;
pub mod scenario;
pub mod shrink;
pub mod story;
pub mod system;
pub mod trace;
pub mod workload;
