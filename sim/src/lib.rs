//! The Runtime on madsim, with simulated disk, network and clocks; harness, checkers, reports.

// The simulator's own machinery lives outside the simulated world: threads, files, the wall clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod checkers;
pub mod history;
