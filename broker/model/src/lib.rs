//! The vocabulary of Tidemark: identifiers, offsets, epochs and time, as plain values.
//!
//! Everything here is `Copy` or cheap to clone, has no behaviour beyond its own arithmetic, and knows nothing
//! of wire formats, disks or tasks. A fact that two crates must agree on is a type here, so that a leader
//! epoch cannot be passed where a broker epoch is meant.

pub mod config;
mod epochs;
mod ids;
mod offsets;
mod snapshot_id;
pub mod time;

pub use epochs::{BrokerEpoch, EpochEnd, EpochStart, LeaderEpoch, PartitionEpoch};
pub use ids::{
    BrokerId, ClusterId, DirectoryId, PartitionIndex, PartitionKey, ProducerId, TopicId, Uuid, UuidError,
};
pub use offsets::{DurableEnd, LogEnd, Offset};
pub use snapshot_id::SnapshotId;
pub use time::{Instant, Timestamp};
