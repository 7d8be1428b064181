//! Which names a topic may have.

use crate::decision::{Reason, Refusal};

/// The topic that the metadata quorum replicates. It is in no image and can't be created.
pub const METADATA_TOPIC: &str = "__cluster_metadata";

/// Topics that Metadata marks as internal: those that coordinators keep their state in.
pub const INTERNAL_TOPICS: &[&str] = &["__consumer_offsets", "__share_group_state", "__transaction_state"];

/// The longest name: with a partition's number and a suffix it must fit a file name.
const LENGTH_MAX: usize = 249;

/// Checks a name by itself, as Kafka does.
pub fn check_topic_name(name: &str) -> Result<(), Refusal> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let why = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." || name == ".." {
        format!("'{name}' is not allowed")
    } else if name.encode_utf16().count() > LENGTH_MAX {
        format!("the length of '{name}' is longer than the max allowed length {LENGTH_MAX}")
    } else if !name.bytes().all(legal) {
        format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
    } else {
        return Ok(());
    };
    Err(Refusal::new(Reason::InvalidTopic, format!("Topic name is invalid: {why}")))
}

/// What a name becomes where metrics are named: two topics must not become one. None when the name holds neither
/// of the two characters that are taken for each other.
pub(crate) fn folded(name: &str) -> Option<String> {
    name.contains(['.', '_']).then(|| name.replace('.', "_"))
}
