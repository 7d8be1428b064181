//! Kafka's primitives, record batches, control records and metadata records.
