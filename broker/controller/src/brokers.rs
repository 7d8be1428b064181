//! Nodes that register, become available and go.
//!
//! ```text
//!   (unknown) ──register──► fenced ──unfence──► available ──fence──► fenced
//!                             ▲                     │ shut_down (it leaves every ISR) ──► shutting down
//!                             └── register: a new incarnation, first taken out of every ISR
//!   (any) ──unregister──► (unknown)
//! ```
//!
//! A new incarnation gets a new broker epoch, so that requests of the one before it are refused (KIP-631). Unless it
//! vouches for what the one before it left, it leaves every ELR as well: it may lack records that were committed. What it
//! held in a directory that it has no more, it will hold in the one that it has (`directories`).

use crate::broker::{Broker, ControllerNode, FeatureRange, NodeEndpoint};
use crate::controller::Settings;
use crate::decision::{Decision, Reason, Refusal};
use crate::directories;
use crate::election::{self, Event};
use crate::features;
use crate::image::ClusterImage;
use model::{BrokerEpoch, BrokerId, ClusterId, DirectoryId, Offset, Uuid};
use records::metadata::{BrokerRegistrationChangeRecord, MetadataRecord, UnregisterBrokerRecord};
use std::collections::BTreeMap;

/// What a broker says of itself when it registers (BrokerRegistration, key 62).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerRegistration {
    /// Its `node.id`.
    pub id: BrokerId,
    /// The cluster it believes to belong to.
    pub cluster_id: ClusterId,
    /// Drawn when the process started.
    pub incarnation: Uuid,
    /// Where it is reached, by listener.
    pub endpoints: Vec<NodeEndpoint>,
    /// What it supports: [`features::supported`].
    pub features: BTreeMap<String, FeatureRange>,
    /// Its rack.
    pub rack: Option<String>,
    /// Its log directories, at least one.
    pub directories: Vec<DirectoryId>,
    /// The epoch of its last incarnation, if that one left every replica as it was: it shut down cleanly, or what it
    /// hosts was durable and has been recovered whole. None if it may have lost records (KIP-966).
    pub previous_epoch: Option<BrokerEpoch>,
}

/// What a controller says of itself when it registers (ControllerRegistration, key 70).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControllerRegistration {
    /// Its `node.id`.
    pub id: BrokerId,
    /// Drawn when the process started.
    pub incarnation: Uuid,
    /// Where it is reached, by listener.
    pub endpoints: Vec<NodeEndpoint>,
    /// What it supports.
    pub features: BTreeMap<String, FeatureRange>,
}

/// Registers a broker. `next` is the offset that the first record will have, which becomes the broker's epoch unless
/// this is the incarnation that is registered already; `in_session` says whether that one is known to be alive.
pub(crate) fn register(
    image: &ClusterImage,
    request: &BrokerRegistration,
    next: Offset,
    in_session: bool,
    settings: &Settings,
) -> Result<Decision<BrokerEpoch>, Refusal> {
    if request.cluster_id != image.cluster_id {
        let message =
            format!("Expected cluster ID {}, but got cluster ID {}", image.cluster_id, request.cluster_id);
        return Err(Refusal::new(Reason::InconsistentClusterId, message));
    }
    let existing = image.broker(request.id);
    let amends = existing.filter(|broker| broker.incarnation == request.incarnation);
    if existing.is_some() && amends.is_none() && in_session {
        let message = "Another broker is registered with that broker id. If the broker was recently restarted \
                       this should self-resolve once the heartbeat manager expires the broker's session.";
        return Err(Refusal::new(Reason::DuplicateBrokerRegistration, message));
    }
    check_directories(image, request)?;
    check_features(image, &request.features)?;
    let mut records = match amends {
        Some(_) => Vec::new(),
        None if existing.is_some_and(|broker| request.previous_epoch == Some(broker.epoch)) => {
            election::changes(image, Event::Gone(request.id), settings)
        }
        None => election::changes(image, Event::GoneWithLoss(request.id), settings),
    };
    let epoch = amends.map_or(BrokerEpoch(next.0), |broker| broker.epoch);
    let broker = Broker {
        id: request.id,
        epoch,
        incarnation: request.incarnation,
        endpoints: request.endpoints.clone(),
        features: request.features.clone(),
        rack: request.rack.clone(),
        fenced: amends.is_none_or(|broker| broker.fenced),
        in_controlled_shutdown: amends.is_some_and(|broker| broker.in_controlled_shutdown),
        directories: request.directories.clone(),
        cordoned: None,
        migrating_zk: false,
    };
    if amends.is_none() {
        records.extend(directories::moves(image, &records, next, &broker));
    }
    records.push(broker.record().into());
    Ok(Decision::prefixes(records, epoch))
}

/// Makes a fenced broker available, once it has caught up with the log that registered it; partitions that wait for
/// it get a leader. Nothing changes for one that is available.
pub(crate) fn unfence(
    image: &ClusterImage,
    id: BrokerId,
    epoch: BrokerEpoch,
    settings: &Settings,
) -> Result<Decision<()>, Refusal> {
    check_epoch(image, id, epoch)?;
    if image.broker(id).is_some_and(|broker| !broker.fenced) {
        return Ok(Decision::nothing(()));
    }
    let mut records = vec![registration_change(id, epoch, -1, 0)];
    records.extend(election::changes(image, Event::Back(id), settings));
    Ok(Decision::prefixes(records, ()))
}

/// Makes a broker unavailable whose session ended or that asked for it.
pub(crate) fn fence(
    image: &ClusterImage,
    id: BrokerId,
    epoch: BrokerEpoch,
    settings: &Settings,
) -> Result<Decision<()>, Refusal> {
    check_epoch(image, id, epoch)?;
    if image.broker(id).is_some_and(|broker| broker.fenced) {
        return Ok(Decision::nothing(()));
    }
    let mut records = election::changes(image, Event::Gone(id), settings);
    records.push(registration_change(id, epoch, 1, 0));
    Ok(Decision::prefixes(records, ()))
}

/// Begins a controlled shutdown: the broker's partitions move elsewhere where there is an elsewhere.
pub(crate) fn shut_down(
    image: &ClusterImage,
    id: BrokerId,
    epoch: BrokerEpoch,
    settings: &Settings,
) -> Result<Decision<()>, Refusal> {
    check_epoch(image, id, epoch)?;
    let mut records = Vec::new();
    if image.broker(id).is_some_and(|broker| !broker.in_controlled_shutdown) {
        records.push(registration_change(id, epoch, 0, 1));
    }
    records.extend(election::changes(image, Event::Gone(id), settings));
    Ok(Decision::prefixes(records, ()))
}

/// Ends a broker's registration. Its partitions move elsewhere first, where there is an elsewhere.
pub(crate) fn unregister(
    image: &ClusterImage,
    id: BrokerId,
    settings: &Settings,
) -> Result<Decision<()>, Refusal> {
    let Some(broker) = image.broker(id) else {
        let message = format!("Broker ID {id} is not currently registered");
        return Err(Refusal::new(Reason::BrokerIdNotRegistered, message));
    };
    let mut records = election::changes(image, Event::Gone(id), settings);
    records.push(UnregisterBrokerRecord { broker_id: id.0, broker_epoch: broker.epoch.0 }.into());
    Ok(Decision::prefixes(records, ()))
}

/// Registers a controller; nothing changes when it is registered like that already.
pub(crate) fn register_controller(image: &ClusterImage, request: &ControllerRegistration) -> Decision<()> {
    let same = image.controller(request.id).is_some_and(|known| {
        known.incarnation == request.incarnation
            && known.endpoints == request.endpoints
            && known.features == request.features
    });
    if same {
        return Decision::nothing(());
    }
    let controller = ControllerNode {
        id: request.id,
        incarnation: request.incarnation,
        endpoints: request.endpoints.clone(),
        features: request.features.clone(),
    };
    Decision::whole(vec![controller.record().into()], ())
}

pub(crate) fn check_epoch(image: &ClusterImage, id: BrokerId, epoch: BrokerEpoch) -> Result<(), Refusal> {
    let message = match image.broker(id) {
        Some(broker) if broker.epoch == epoch => return Ok(()),
        Some(broker) => format!("Expected broker epoch {}, but got broker epoch {epoch}", broker.epoch),
        None => format!("No broker registration found for broker id {id}"),
    };
    Err(Refusal::new(Reason::StaleBrokerEpoch, message))
}

fn check_directories(image: &ClusterImage, request: &BrokerRegistration) -> Result<(), Refusal> {
    let refuse = |message: String| Err(Refusal::new(Reason::InvalidRegistration, message));
    if request.directories.is_empty() {
        return refuse("No directories specified in request".to_owned());
    }
    if request.directories.iter().any(|directory| directory.is_reserved()) {
        return refuse("Reserved directory ID in request".to_owned());
    }
    let mut sorted = request.directories.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != request.directories.len() {
        return refuse("Duplicate directory ID in request".to_owned());
    }
    for other in image.brokers().filter(|other| other.id != request.id) {
        if let Some(taken) =
            request.directories.iter().find(|directory| other.directories.contains(directory))
        {
            return refuse(format!("Broker {} is already registered with directory {taken}", other.id));
        }
    }
    Ok(())
}

/// Every finalized feature must be one that the node supports, at its level.
fn check_features(image: &ClusterImage, ranges: &BTreeMap<String, FeatureRange>) -> Result<(), Refusal> {
    if !ranges.contains_key(features::METADATA_VERSION) {
        let message = format!("Request features do not contain '{}'", features::METADATA_VERSION);
        return Err(Refusal::new(Reason::InvalidRegistration, message));
    }
    let lacking = FeatureRange { min: 0, max: 0 };
    let finalized = image.finalized_features();
    let offered = ranges.keys().map(|name| (name.as_str(), image.feature_level(name)));
    for (name, level) in finalized.chain(offered) {
        let range = ranges.get(name).copied().unwrap_or(lacking);
        if !range.contains(level) {
            let message = format!(
                "Unable to register because the broker does not support finalized version {level} of {name}. The \
                 broker wants a version between {} and {}, inclusive.",
                range.min, range.max
            );
            return Err(Refusal::new(Reason::UnsupportedVersion, message));
        }
    }
    Ok(())
}

fn registration_change(id: BrokerId, epoch: BrokerEpoch, fenced: i8, shutting_down: i8) -> MetadataRecord {
    MetadataRecord::BrokerRegistrationChange(BrokerRegistrationChangeRecord {
        broker_id: id.0,
        broker_epoch: epoch.0,
        fenced,
        in_controlled_shutdown: shutting_down,
        ..BrokerRegistrationChangeRecord::default()
    })
}
