//! The tidemark binary.

// The process around the broker: environment, signals and the real runtime.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]
fn main() {}
