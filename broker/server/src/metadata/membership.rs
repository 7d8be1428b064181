//! This controller's entry in the cluster's metadata: where it listens, what it supports, which process it is (KIP-919).
//!
//! The active controller is told when this process has started. The entry is of the log, so that another active
//! controller knows it too: nothing is told twice unless it got lost, or somebody else has taken the entry over.

use super::{Controller, Handle, Replicas, Way};
use controller::{ClusterImage, ControllerRegistration, NodeEndpoint, features};
use model::Uuid;
use model::config::BrokerSettings;
use model::time::Duration;
use protocol::ErrorCode;
use protocol::messages::controller_registration::{ControllerRegistrationRequest, Feature, Listener};
use runtime::Runtime;
use std::ops::RangeInclusive;
use std::sync::Arc;
use sync::Snapshot;
use tracing::{debug, info};

/// Between two looks while the entry is not there.
const PAUSE: Duration = Duration::from_millis(100);
/// Versions of ControllerRegistration.
const REGISTRATION: RangeInclusive<i16> = 0..=0;

/// The task's state.
pub struct Membership<R: Runtime> {
    rt: R,
    /// Between two looks while it is there.
    every: Duration,
    patience: Duration,
    registration: ControllerRegistration,
    published: Arc<Snapshot<ClusterImage>>,
    way: Way<R>,
}

impl<R: Runtime> Membership<R> {
    /// Of a controller that others can reach; none of one that is alone and has no listener for others.
    pub fn of(
        rt: R,
        settings: &BrokerSettings,
        metadata: Handle,
        published: Arc<Snapshot<ClusterImage>>,
        replicas: &Replicas,
    ) -> Option<Membership<R>> {
        let endpoints = replicas.local.endpoints.clone();
        if !settings.roles.controller || endpoints.is_empty() {
            return None;
        }
        let registration = ControllerRegistration {
            id: settings.node_id,
            incarnation: Uuid::from_draws(rt.draw(), rt.draw()),
            endpoints,
            features: features::supported(),
        };
        let id = settings.node_id;
        let way = Way::new(rt.clone(), id, metadata, replicas, format!("controller-{id}-registration"));
        Some(Membership {
            rt,
            every: Duration::from_millis(settings.heartbeat_interval_ms),
            patience: Duration::from_millis(settings.quorum.request_timeout_ms),
            registration,
            published,
            way,
        })
    }

    /// Sees to the entry for as long as the process lives.
    pub async fn run(mut self) {
        loop {
            let pause = match self.is_known() {
                true => self.every,
                false => {
                    match self.register().await {
                        Ok(()) => info!("registered as a controller"),
                        Err(why) => debug!(why, "not registered as a controller yet"),
                    }
                    PAUSE
                }
            };
            self.rt.sleep_until(self.rt.now() + pause).await;
        }
    }

    fn is_known(&self) -> bool {
        let image = self.published.load();
        let known = image.controller(self.registration.id);
        known.is_some_and(|known| known.incarnation == self.registration.incarnation)
    }

    async fn register(&mut self) -> Result<(), String> {
        let link = match self.way.controller().ok_or("there is no active controller")? {
            Controller::Here(metadata) => {
                let registered = metadata.register_controller(self.registration.clone()).await;
                return registered.map_err(|refusal| refusal.to_string());
            }
            Controller::There(link) => link,
        };
        let deadline = self.rt.now() + self.patience;
        let request = request(&self.registration);
        let answer = link.call(REGISTRATION, deadline, |_| Some(request)).await;
        let (_, answer) = answer.map_err(|error| format!("{error:?}"))?;
        match ErrorCode::from_code(answer.error_code) {
            ErrorCode::None => Ok(()),
            code => Err(code.to_string()),
        }
    }
}

fn request(registration: &ControllerRegistration) -> ControllerRegistrationRequest {
    let listener = |at: &NodeEndpoint| Listener {
        name: at.name.clone(),
        host: at.host.clone(),
        port: at.port,
        security_protocol: at.security_protocol,
    };
    let features = registration.features.iter().map(|(name, range)| Feature {
        name: name.clone(),
        min_supported_version: range.min,
        max_supported_version: range.max,
    });
    ControllerRegistrationRequest {
        controller_id: registration.id.0,
        incarnation_id: registration.incarnation,
        zk_migration_ready: false,
        listeners: registration.endpoints.iter().map(listener).collect(),
        features: features.collect(),
    }
}
