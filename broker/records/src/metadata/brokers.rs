//! Records of nodes: brokers and controllers.

use model::Uuid;

crate::message! {
    /// A broker registers. Version 1 added controlled shutdown (KIP-841), 2 the migration from ZooKeeper (KIP-866),
    /// 3 directories (KIP-858), 4 cordoned ones (KIP-1066).
    pub struct RegisterBrokerRecord("0-4", flexible "0+") {
        /// Its id.
        broker_id: i32, "0+";
        /// It migrates from ZooKeeper.
        is_migrating_zk_broker: bool, "2+";
        /// Its process.
        incarnation_id: Uuid, "0+";
        /// Its epoch: the offset of this record.
        broker_epoch: i64, "0+";
        /// Where it listens.
        end_points: Vec<BrokerEndpoint>, "0+";
        /// The features that it knows.
        features: Vec<BrokerFeature>, "0+";
        /// Its rack, null when it has none. Not null by default: name it.
        rack: Option<String>, "0+", nullable("0+");
        /// It may not lead.
        fenced: bool, "0+", default_true;
        /// It is on its way down.
        in_controlled_shutdown: bool, "1+";
        /// Its log directories that work.
        log_dirs: Vec<Uuid>, "3+", tag(0, "3+");
        /// Those that take no new partitions; null before the broker has said so.
        cordoned_log_dirs: Option<Vec<Uuid>>, "4+", nullable("4+"), default_null, tag(1, "4+");
    }

    /// A listener of a broker.
    pub struct BrokerEndpoint {
        /// The listener's name.
        name: String, "0+";
        /// Its host name.
        host: String, "0+";
        /// Its port.
        port: u16, "0+";
        /// Its security protocol, as a number.
        security_protocol: i16, "0+";
    }

    /// A feature that a broker knows.
    pub struct BrokerFeature {
        /// Its name.
        name: String, "0+";
        /// Its lowest level.
        min_supported_version: i16, "0+";
        /// Its highest level.
        max_supported_version: i16, "0+";
    }

    /// A broker's registration ends.
    pub struct UnregisterBrokerRecord("0", flexible "0+") {
        /// Its id.
        broker_id: i32, "0+";
        /// Its epoch.
        broker_epoch: i64, "0+";
    }

    /// A broker's registration changes. Version 1 added controlled shutdown, 2 directories, 3 cordoned ones.
    pub struct BrokerRegistrationChangeRecord("0-3", flexible "0+") {
        /// Its id.
        broker_id: i32, "0+";
        /// Its epoch.
        broker_epoch: i64, "0+";
        /// 1 it is fenced, -1 it is no longer, 0 as before.
        fenced: i8, "0+", tag(0, "0+");
        /// 1 it is on its way down, 0 as before.
        in_controlled_shutdown: i8, "1+", tag(1, "1+");
        /// Its log directories that work; empty when as before.
        log_dirs: Vec<Uuid>, "2+", tag(2, "2+");
        /// Those that take no new partitions; null when as before.
        cordoned_log_dirs: Option<Vec<Uuid>>, "3+", nullable("3+"), default_null, tag(3, "3+");
    }

    /// A broker is fenced. No longer written since 3.3.
    pub struct FenceBrokerRecord("0", flexible "0+") {
        /// Its id.
        id: i32, "0+";
        /// Its epoch.
        epoch: i64, "0+";
    }

    /// A broker is unfenced. No longer written since 3.3.
    pub struct UnfenceBrokerRecord("0", flexible "0+") {
        /// Its id.
        id: i32, "0+";
        /// Its epoch.
        epoch: i64, "0+";
    }

    /// A controller registers (KIP-919).
    pub struct RegisterControllerRecord("0", flexible "0+") {
        /// Its id.
        controller_id: i32, "0+";
        /// Its process.
        incarnation_id: Uuid, "0+";
        /// It is ready for the migration from ZooKeeper.
        zk_migration_ready: bool, "0+";
        /// Where it listens.
        end_points: Vec<ControllerEndpoint>, "0+";
        /// The features that it knows.
        features: Vec<ControllerFeature>, "0+";
    }

    /// A listener of a controller.
    pub struct ControllerEndpoint {
        /// The listener's name.
        name: String, "0+";
        /// Its host name.
        host: String, "0+";
        /// Its port.
        port: u16, "0+";
        /// Its security protocol, as a number.
        security_protocol: i16, "0+";
    }

    /// A feature that a controller knows.
    pub struct ControllerFeature {
        /// Its name.
        name: String, "0+";
        /// Its lowest level.
        min_supported_version: i16, "0+";
        /// Its highest level.
        max_supported_version: i16, "0+";
    }

    /// A controller's registration ends (KIP-1312). From 4.4-IV2 on: read, never written at 4.3.
    pub struct UnregisterControllerRecord("0", flexible "0+") {
        /// Its id.
        controller_id: i32, "0+";
    }
}

impl BrokerRegistrationChangeRecord {
    /// The lowest version that carries what the record says, as Kafka's controller writes it.
    pub fn version(&self) -> i16 {
        if self.cordoned_log_dirs.is_some() {
            3
        } else if !self.log_dirs.is_empty() {
            2
        } else {
            i16::from(self.in_controlled_shutdown != 0)
        }
    }
}
