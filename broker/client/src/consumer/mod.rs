//! A consumer of partitions that its owner assigns: no groups.
//!
//! ```text
//! poll ── handle ── core ┬ position   one per partition: where it is, and whether that is still in the log
//!                        ├ reading    batches into records: checked, control batches and gaps passed over
//!                        └ requests   one fetch under way per broker
//! ```
//!
//! Everything but `handle` is pure. What has been fetched and not been polled yet bounds what is fetched: a partition is
//! asked for again when nothing of it is left, so that there is at most one answer's worth of each broker in memory.
//! Fetches are full ones, outside of fetch sessions (KIP-227).

mod core;
mod handle;
mod position;
mod reading;
mod requests;
mod rules;

pub use handle::Consumer;
pub use reading::Consumed;
pub use rules::{ConsumeError, ConsumerConfig, Reset, Start, Trouble};
