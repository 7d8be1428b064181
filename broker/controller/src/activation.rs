//! What a new leader of the metadata quorum writes before anything else.
//!
//! Into an empty log: the bootstrap records, as one metadata transaction (KIP-868). Into one whose last leader
//! stopped inside a transaction: its abort, and the bootstrap records again when it was theirs. Otherwise nothing.

use crate::decision::Decision;
use crate::features;
use crate::image::ClusterImage;
use records::metadata::{
    AbortTransactionRecord, BeginTransactionRecord, EndTransactionRecord, FeatureLevelRecord, MetadataRecord,
};

/// The records that make `image` one that decisions can be made on.
pub fn activate(image: &ClusterImage) -> Decision<()> {
    let mut records = Vec::new();
    if image.transaction().is_some() {
        let reason = Some("Controller failover".to_owned());
        records.push(MetadataRecord::AbortTransaction(AbortTransactionRecord { reason }));
    }
    if !image.is_bootstrapped() {
        let name = Some("Bootstrap records".to_owned());
        records.push(MetadataRecord::BeginTransaction(BeginTransactionRecord { name }));
        for (name, level) in features::bootstrap() {
            let record = FeatureLevelRecord { name: (*name).to_owned(), feature_level: *level };
            records.push(MetadataRecord::FeatureLevel(record));
        }
        records.push(MetadataRecord::EndTransaction(EndTransactionRecord {}));
    }
    Decision::whole(records, ())
}
