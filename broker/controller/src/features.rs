//! Which features exist here, which of them are finalized in a new cluster, and at which levels.
//!
//! A feature is listed once its code is here. Advertising or finalizing one earlier would make clients rely on it:
//! with `transaction.version` 2, for one, producers stop sending AddPartitionsToTxn.

use crate::broker::FeatureRange;
use std::collections::BTreeMap;

/// The feature that says how metadata records are written.
pub const METADATA_VERSION: &str = "metadata.version";

/// Kafka's 4.3-IV0, the level at which `records` writes.
pub const METADATA_VERSION_4_3: i16 = records::metadata::METADATA_VERSION;

/// The feature that says whether eligible leader replicas are known (KIP-966).
pub const ELIGIBLE_LEADER_REPLICAS: &str = "eligible.leader.replicas.version";

/// They are.
const ELIGIBLE_LEADER_REPLICAS_KNOWN: i16 = 1;

/// The feature whose level is in the quorum's control records and never in a FeatureLevelRecord that counts.
pub const KRAFT_VERSION: &str = "kraft.version";

/// What this software supports, for registrations and ApiVersions. Records are written for one metadata version
/// only, so that one is all it supports.
pub fn supported() -> BTreeMap<String, FeatureRange> {
    let metadata = FeatureRange { min: METADATA_VERSION_4_3, max: METADATA_VERSION_4_3 };
    let eligible = FeatureRange { min: 0, max: ELIGIBLE_LEADER_REPLICAS_KNOWN };
    BTreeMap::from([(METADATA_VERSION.to_owned(), metadata), (ELIGIBLE_LEADER_REPLICAS.to_owned(), eligible)])
}

/// What the first leader of a new cluster finalizes, in the order in which it is written.
pub fn bootstrap() -> &'static [(&'static str, i16)] {
    &[(METADATA_VERSION, METADATA_VERSION_4_3), (ELIGIBLE_LEADER_REPLICAS, ELIGIBLE_LEADER_REPLICAS_KNOWN)]
}
