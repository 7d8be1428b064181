//! Stock clients over real sockets, kill and reopen, golden bytes.

// Tests of the real binary: processes, files, sockets and the wall clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
