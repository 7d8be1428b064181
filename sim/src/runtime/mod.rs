//! The simulated world: one clock, one network, a disk per machine, and processes that are born and die.

mod agenda;
mod process;
mod seed;
mod sleep;
mod state;
mod world;

pub use process::{SimRuntime, SimTask};
pub use seed::{Finished, SeedFailure, run_seed};
pub use world::{ClockControl, NodeHandle, NodeId, World, WorldKnobs};

pub(crate) use agenda::{Agenda, Key};
pub(crate) use process::Process;
pub(crate) use state::{Due, State};
pub(crate) use world::Shared;

#[cfg(test)]
#[path = "determinism_test.rs"]
mod determinism;
#[cfg(test)]
#[path = "runtime_test.rs"]
mod tests;
