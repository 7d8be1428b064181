//! The suite that every Runtime passes.
