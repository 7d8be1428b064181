//! What tests of probes and of suspicion stand on.

use controller::{Broker, NodeEndpoint};
use model::{BrokerEpoch, BrokerId, Uuid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A broker that is registered with `endpoints` and available.
pub(super) fn available(id: i32, endpoints: Vec<NodeEndpoint>) -> Arc<Broker> {
    Arc::new(Broker {
        id: BrokerId(id),
        epoch: BrokerEpoch(7),
        incarnation: Uuid::ZERO,
        endpoints,
        features: BTreeMap::new(),
        rack: None,
        fenced: false,
        in_controlled_shutdown: false,
        directories: Vec::new(),
        cordoned: None,
        migrating_zk: false,
    })
}
