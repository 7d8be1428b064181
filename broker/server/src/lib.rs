//! The broker's shell: connections, handlers, shards and the metadata task, around the cores of lower floors.
//!
//! ```text
//! broker.rs       start and stop: the order in which everything comes up and goes down
//! connection/     one client: frames in, answers out, in order
//! handlers/       one file per API; error codes are decided here and in the shards
//! context.rs      what every connection shares
//! shard/          the tasks that own partitions: append, sync, fetch, wait
//! waiters.rs      the only purgatory
//! tail.rs         the newest batches in memory, under one budget
//! metadata/       the task that owns quorum, controller and metadata log
//! format.rs       whose data directory it is
//! checkpoints.rs  the task that owns the data directory's own files
//! aside.rs        directories that are renamed because their partition is gone
//! removals.rs     the task that removes them
//! descriptors.rs  what connections and partitions get of the process's descriptors
//! doubts.rs       leaders that may be dead, before anybody has said so
//! endpoints.rs    where the broker listens, and where clients are told to find it
//! forwarder.rs    the way to the active controller where that is another node
//! fence.rs        nothing is written after a failed write or sync
//! full.rs         what is told of a disk without space, which is no failure
//! space.rs        whether others should lead while it has none
//! refusal.rs      what lower floors refuse, as error codes
//! ```
//!
//! Everything is generic over the [`runtime::Runtime`] at its rim only: handlers are concrete.

mod alterations;
mod aside;
mod broker;
mod checkpoints;
mod connection;
mod context;
mod descriptors;
mod doubts;
mod endpoints;
mod fence;
mod fetch_session;
mod fetcher;
mod format;
mod forwarder;
mod full;
mod handlers;
mod metadata;
mod producer_ids;
mod refusal;
mod removals;
mod shard;
mod space;
mod tail;
mod waiters;

pub use broker::{Broker, StartError, Stopped};
pub use format::{Formatted, Formatting, format, identity, random_cluster_id};
