//! The few shared-memory primitives that tasks may use between each other.
//!
//! State belongs to one task; tasks talk through channels. What is left for memory that several of them touch:
//! a value that one publishes and many read ([`Snapshot`]), a number that only grows ([`Counter`]), and a bound
//! that all of them keep together ([`Budget`]). Mutex, RwLock and atomics are banned outside this crate. What is
//! written by hand here is explored by loom: `RUSTFLAGS="--cfg loom" cargo test -p tidemark-sync --release`.

// The one place where atomics may be used.
#![allow(clippy::disallowed_types)]

mod budget;
mod counter;
mod snapshot;

pub use budget::Budget;
pub use counter::Counter;
pub use snapshot::Snapshot;
