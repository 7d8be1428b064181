//! Records of the cluster as a whole: configurations, features, quotas, producer ids, transactions of records.

crate::message! {
    /// A configuration is set, or deleted.
    pub struct ConfigRecord("0", flexible "0+") {
        /// What is configured, as a number of `ConfigResource.Type`: 2 a topic, 4 a broker.
        resource_type: i8, "0+";
        /// Its name; empty for the default of all brokers.
        resource_name: String, "0+";
        /// The configuration's name.
        name: String, "0+";
        /// Its value; null when it is deleted. Not null by default: name it.
        value: Option<String>, "0+", nullable("0+");
    }

    /// A feature's level changes. The first record of a log and of a snapshot gives `metadata.version`.
    pub struct FeatureLevelRecord("0", flexible "0+") {
        /// The feature's name.
        name: String, "0+";
        /// Its level; 0 when it is no longer supported.
        feature_level: i16, "0+";
    }

    /// A quota is set, or removed.
    pub struct ClientQuotaRecord("0", flexible "0+") {
        /// Whom it binds.
        entity: Vec<EntityData>, "0+";
        /// Which quota.
        key: String, "0+";
        /// How much, unless it is removed.
        value: f64, "0+";
        /// It is removed.
        remove: bool, "0+";
    }

    /// A part of the name of whom a quota binds.
    pub struct EntityData {
        /// `user`, `client-id` or `ip`.
        entity_type: String, "0+";
        /// Its name; null for the default.
        entity_name: Option<String>, "0+", nullable("0+");
    }

    /// A block of producer ids is given out.
    pub struct ProducerIdsRecord("0", flexible "0+") {
        /// The broker that got it.
        broker_id: i32, "0+";
        /// That broker's epoch.
        broker_epoch: i64, "0+", default(-1);
        /// The first id of the next block.
        next_producer_id: i64, "0+";
    }

    /// Nothing: an idle controller writes it so that the log's end moves.
    pub struct NoOpRecord("0", flexible "0+") {}

    /// Records that count only together begin (KIP-868).
    pub struct BeginTransactionRecord("0", flexible "0+") {
        /// What for, in words.
        name: Option<String>, "0+", nullable("0+"), default_null, tag(0, "0+");
    }

    /// They count.
    pub struct EndTransactionRecord("0", flexible "0+") {}

    /// They don't.
    pub struct AbortTransactionRecord("0", flexible "0+") {
        /// Why, in words.
        reason: Option<String>, "0+", nullable("0+"), default_null, tag(0, "0+");
    }

    /// Where the migration from ZooKeeper stands. Read from logs that began before Kafka 4.0.
    pub struct ZkMigrationStateRecord("0", flexible "0+") {
        /// 0 none, 1 migration, 2 before it, 3 after it.
        zk_migration_state: i8, "0+";
    }
}
