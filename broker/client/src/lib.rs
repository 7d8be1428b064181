//! A small Kafka client, generic over Runtime: for peers, the simulator's workloads, the load generator.
//!
//! It does one thing: a [`Connection`] carries typed calls, and tells apart how they end. It has no retries, no
//! metadata cache and no batching: those who need them know better when.

mod connection;
mod error;
pub mod several;
pub mod single;

pub use connection::{Connection, Pending};
pub use error::{CallError, ConnectError, Ending};
