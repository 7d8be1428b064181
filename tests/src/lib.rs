//! The real binary, driven by clients that others wrote: over real sockets, on a real file system.
//!
//! What the simulator can't show is that the world agrees with us: that kcat, confluent-kafka and kafka-python get
//! along with the broker unmodified, that Apache Kafka's own tools read its files, and that a process that is
//! killed for good comes back with what it acknowledged. Each file of `tests/tests` is one such party; the Python
//! scripts that they run are in `tests/clients`.
//!
//! * `TIDEMARK_BIN` names the binary under test; without it, the development build is built and used.
//! * `TIDEMARK_PEER` (`127.0.0.1:19092`) names a running Apache Kafka that is tested instead, to show that a check
//!   asks for nothing that Kafka doesn't do. What needs a process of its own is skipped then.
//! * `TIDEMARK_FULL=1` makes it a gigabyte and a long loop of kills, instead of megabytes and three.
//! * `CI=true` turns what is skipped for want of a tool into a failure.

// Tests of the real binary: processes, files, sockets and the wall clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod broker;
mod cluster;
mod storage;
mod tools;

pub use broker::{Broker, binary, directory};
pub use cluster::{ELECTION, QUORUM, TOPICS, Three, until};
pub use storage::{batches, dump, files};
pub use tools::{History, Output, full, kafka_tools, kcat, python, root, run, script};
