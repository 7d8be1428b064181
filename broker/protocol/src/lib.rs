//! Frames, headers and one file per request and response pair of Kafka's protocol.
