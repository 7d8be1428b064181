//! The load generator of cargo xtask bench.

// A load generator: threads, sockets and the wall clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
