//! A Kafka client, generic over Runtime: for peers, the simulator's workloads, the command line.
//!
//! On its lowest floor a [`Connection`] carries typed calls, and tells apart how they end: brokers among themselves use
//! nothing else. Above it:
//!
//! ```text
//! Producer      batches, sequences, retries      producer/core is pure: what to send, what an answer means
//! Consumer      positions, validation, resets    consumer/position is pure
//! admin         topics: list, describe, create, delete
//!   └─ Cluster  connections by broker, answers as events
//!        └─ Metadata   pure: who leads what, and when to ask again
//! ```
//!
//! Apache Kafka's own clients are the model of behaviour, their configurations' names are in the documentation of ours.

pub mod admin;
mod backoff;
mod cluster;
mod connection;
pub mod consumer;
mod endpoint;
mod error;
mod link;
mod metadata;
pub mod producer;
mod round;
pub mod several;
pub mod single;
#[cfg(test)]
#[path = "stage_test.rs"]
mod stage;

pub use backoff::Backoff;
pub use cluster::{Cluster, ClusterConfig, Event, Peer};
pub use connection::{Connection, Pending, share};
pub use endpoint::{Endpoint, EndpointError};
pub use error::{CallError, ConnectError, Ending};
pub use link::{Link, LinkError};
pub use metadata::{Freshness, Leader, Metadata, Topic};
pub use round::Round;
