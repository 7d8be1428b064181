//! Names of things: brokers, topics, partitions, directories, clusters, producers.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A node of the cluster, Kafka's `node.id`. Zero or more for real nodes; -1 is "none" on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrokerId(pub i32);

impl BrokerId {
    /// No broker: a partition without a leader, a consumer's replica id.
    pub const NONE: BrokerId = BrokerId(-1);
}

/// The number of a partition within its topic, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionIndex(pub i32);

/// The id of a producer (KIP-98); -1 when the producer is not idempotent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerId(pub i64);

/// Kafka's UUID: sixteen bytes, printed as 22 characters of unpadded URL-safe base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uuid(pub [u8; 16]);

/// Identity of a topic across delete and recreate (KIP-516).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TopicId(pub Uuid);

/// Identity of one log directory (KIP-858).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DirectoryId(pub Uuid);

/// The cluster's id, a string in Kafka's protocol and files. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub Arc<str>);

/// One partition of one incarnation of a topic: what shards, logs, events and checkers key by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionKey {
    /// The topic's id, not its name: a recreated topic is another partition.
    pub topic: TopicId,
    /// The partition's number.
    pub index: PartitionIndex,
}

impl DirectoryId {
    /// The directory of a replica that was placed before directories had ids (KIP-858).
    pub const MIGRATING: DirectoryId = DirectoryId(Uuid([0; 16]));
    /// One of the broker's directories, which it has yet to choose.
    pub const UNASSIGNED: DirectoryId = DirectoryId(Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
    /// A directory that is offline.
    pub const LOST: DirectoryId = DirectoryId(Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]));

    /// Whether this is one of the hundred ids that no directory may have.
    pub fn is_reserved(self) -> bool {
        u128::from_be_bytes(self.0.0) < 100
    }
}

impl Uuid {
    /// All zero bytes: "absent" wherever Kafka's schemas carry a UUID.
    pub const ZERO: Uuid = Uuid([0; 16]);
    /// Kafka's `Uuid.METADATA_TOPIC_ID`, the id of `__cluster_metadata` (also called `ONE_UUID`).
    pub const METADATA_TOPIC: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// A random (version 4) UUID from 128 drawn bits. As in Kafka, the caller draws again when the text form
    /// would begin with `-`, which command lines take for an option.
    pub fn from_draws(high: u64, low: u64) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&high.to_be_bytes());
        bytes[8..].copy_from_slice(&low.to_be_bytes());
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Uuid(bytes)
    }
}

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        // 128 bits are 21 groups of six and a last group of two, padded with four zero bits.
        for group in 0..22 {
            let value = if group == 21 { (bits << 4) & 0x3f } else { (bits >> (122 - 6 * group)) & 0x3f };
            fmt::Write::write_char(f, BASE64_URL[value as usize] as char)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a UUID in Kafka's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UuidError;

impl fmt::Display for UuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a UUID: 22 characters of URL-safe base64 expected")
    }
}

impl std::error::Error for UuidError {}

impl FromStr for Uuid {
    type Err = UuidError;

    fn from_str(text: &str) -> Result<Uuid, UuidError> {
        let text = text.trim_end_matches('=').as_bytes();
        if text.len() != 22 {
            return Err(UuidError);
        }
        let mut bits = 0u128;
        for (group, c) in text.iter().enumerate() {
            let value = BASE64_URL.iter().position(|b| b == c).ok_or(UuidError)? as u128;
            if group == 21 {
                bits = (bits << 2) | (value >> 4);
            } else {
                bits = (bits << 6) | value;
            }
        }
        Ok(Uuid(bits.to_be_bytes()))
    }
}

impl fmt::Display for BrokerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PartitionIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DirectoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PartitionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.index)
    }
}

#[cfg(test)]
#[path = "ids_test.rs"]
mod tests;
