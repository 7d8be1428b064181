//! What a new leader of the metadata quorum writes before anything else.
//!
//! Into an empty log: the bootstrap records, as one metadata transaction (KIP-868). Into one whose last leader
//! stopped inside a transaction: its abort, and the bootstrap records again when it was theirs. Otherwise nothing.
//!
//! The bootstrap records are the features of a new cluster, and `min.insync.replicas` for all brokers, as the first
//! leader's file has it: which replicas are eligible leaders depends on it, so that brokers must not differ (KIP-966).

use crate::configs::ResourceKind;
use crate::controller::Settings;
use crate::decision::Decision;
use crate::features;
use crate::image::ClusterImage;
use model::config::ElectionConfig;
use records::metadata::{
    AbortTransactionRecord, BeginTransactionRecord, ConfigRecord, EndTransactionRecord, FeatureLevelRecord,
    MetadataRecord,
};

const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";

/// The records that make `image` one that decisions can be made on.
pub(crate) fn activate(image: &ClusterImage, settings: &Settings) -> Decision<()> {
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
        let layers = image.layers_below(settings.node, &settings.fixed);
        records.push(MetadataRecord::Config(ConfigRecord {
            resource_type: ResourceKind::Broker.code(),
            resource_name: String::new(),
            name: MIN_INSYNC_REPLICAS.to_owned(),
            value: Some(ElectionConfig::resolve(&layers).min_insync_replicas.to_string()),
        }));
        records.push(MetadataRecord::EndTransaction(EndTransactionRecord {}));
    }
    Decision::whole(records, ())
}
