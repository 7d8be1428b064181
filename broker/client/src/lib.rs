//! A small Kafka client generic over Runtime.
