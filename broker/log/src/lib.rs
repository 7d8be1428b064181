//! One partition's log on a Disk: segments, indexes, recovery, checkpoints, snapshots.
//!
//! Everything is in Kafka's file formats, byte for byte, and every line that writes is written against the crash
//! contract in `runtime`'s `disk.rs`. Where to begin: [`Log`] is one partition, [`Directory`] the data directory
//! around all of them.

mod append;
mod boot;
mod checkpoint;
mod clean_shutdown;
mod config;
mod directory;
mod epochs;
mod index;
mod log;
mod meta_properties;
mod names;
mod offset_index;
mod open;
pub mod partition_metadata;
pub mod producers;
mod properties;
mod read;
mod recovery;
mod rewrite;
mod round;
mod search;
mod segment;
pub mod snapshot;
mod start_over;
mod sync;
mod time_index;
mod trim;
mod truncate;
mod walk;

pub use append::{AppendBatch, AppendError};
pub use checkpoint::{CheckpointError, OffsetCheckpoint, read_text, replace};
pub use clean_shutdown::CleanShutdown;
pub use config::{LogConfig, Recovery};
pub use directory::{Directory, DirectoryError};

pub use log::Log;
pub use meta_properties::MetaProperties;
pub use names::{Aside, PartitionName, is_deleted_dir};
pub use open::{OpenError, Recovered};
pub use read::{ReadError, Slice};
pub use search::{TimedOffset, TimestampSearch};
pub use sync::{SyncDone, SyncTicket, sync_round};
pub use truncate::TruncateError;
pub use walk::Flaw;

#[cfg(test)]
#[path = "golden_test.rs"]
mod golden;
#[cfg(test)]
#[path = "log_test.rs"]
mod log_tests;
#[cfg(test)]
#[path = "memory_disk_test.rs"]
mod memory_disk;
#[cfg(test)]
#[path = "model_prop.rs"]
mod model_properties;
#[cfg(test)]
#[path = "recovery_test.rs"]
mod recovery_tests;
