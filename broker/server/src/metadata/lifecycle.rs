//! This broker's place in the cluster: registered when it starts, available when it has caught up.

use super::Handle;
use super::boot::Identity;
use controller::{BrokerRegistration, Heartbeat, Refusal, features};
use model::config::BrokerSettings;
use model::time::Duration;
use model::{BrokerEpoch, Offset, Uuid};
use runtime::Runtime;
use tracing::debug;

/// Registers this incarnation of the broker and makes it available. When this returns, it leads what it is to lead.
pub async fn register<R: Runtime>(
    rt: &R,
    settings: &BrokerSettings,
    identity: Identity,
    metadata: &Handle,
) -> Result<BrokerEpoch, Refusal> {
    let id = settings.node_id;
    let mut request = BrokerRegistration {
        id,
        cluster_id: identity.meta.cluster,
        incarnation: Uuid::from_draws(rt.draw(), rt.draw()),
        endpoints: identity.endpoints,
        features: features::supported(),
        rack: settings.rack.clone(),
        directories: identity.meta.directory.into_iter().collect(),
        previous_epoch: None,
    };
    let register = metadata.decide(move |desk| {
        // A node alone has the only replica of everything: what it has recovered is all there is.
        request.previous_epoch = desk.controller.speculative().broker(id).map(|broker| broker.epoch);
        desk.register_broker(&request)
    });
    let registered = register.await?;
    let epoch = registered.value;
    metadata.applied(registered.end).await;
    let heartbeat = Heartbeat {
        id,
        epoch,
        metadata_offset: Offset(registered.end.0 - 1),
        want_fence: false,
        want_shutdown: false,
    };
    let unfenced = metadata.decide(move |desk| desk.controller.heartbeat(desk.now, &heartbeat)).await?;
    metadata.applied(unfenced.end).await;
    let every = Duration::from_millis(settings.heartbeat_interval_ms);
    rt.spawn_detached("heartbeats", heartbeats(rt.clone(), metadata.clone(), heartbeat, every));
    Ok(epoch)
}

/// Tells the controller now and then that this broker is alive, as long as there is somebody to tell.
async fn heartbeats<R: Runtime>(rt: R, metadata: Handle, mut heartbeat: Heartbeat, every: Duration) {
    loop {
        rt.sleep_until(rt.now() + every).await;
        match metadata.decide(move |desk| desk.controller.heartbeat(desk.now, &heartbeat)).await {
            Ok(committed) => heartbeat.metadata_offset = Offset(committed.end.0 - 1),
            Err(refusal) => {
                debug!(%refusal, "a heartbeat was refused");
                if metadata.is_closed() {
                    return;
                }
            }
        }
    }
}
