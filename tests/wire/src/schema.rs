//! Kafka's JSON schemas, read.
