//! The Runtime in production: tokio, sockets, files.

// The real clock, threads, files and sockets are this crate's trade.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
