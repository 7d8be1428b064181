//! The Runtime in production: tokio, sockets, files.
