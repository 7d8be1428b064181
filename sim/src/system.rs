//! The system under test: the production broker, as a simulated machine boots it.

use crate::harness::{BrokerSpec, CONTROLLER_PORT, Format, Stop};
use crate::runtime::SimRuntime;
use model::config::BrokerSettings;
use server::{Broker, Formatting, Stopped};
use std::future::Future;
use std::pin::Pin;

/// A broker's process, from its start to its end: the same calls that the `tidemark` binary makes.
pub fn broker(
    runtime: SimRuntime,
    spec: BrokerSpec,
    stop: Stop,
) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> {
    Box::pin(serve(runtime, spec, stop))
}

async fn serve(runtime: SimRuntime, spec: BrokerSpec, mut stop: Stop) -> Result<(), String> {
    let mut pairs = spec.configs;
    pairs.insert("node.id".into(), spec.id.to_string());
    let mut listeners = format!("PLAINTEXT://{}", spec.listen);
    if let Some(voters) = pairs.get("controller.quorum.voters") {
        if voters.split(',').any(|voter| voter.starts_with(&format!("{}@", spec.id))) {
            listeners += &format!(",CONTROLLER://{}:{CONTROLLER_PORT}", spec.listen.ip());
        } else {
            pairs.insert("process.roles".into(), "broker".into());
        }
    }
    pairs.insert("listeners".into(), listeners);
    let (settings, _) = BrokerSettings::from_pairs(pairs).map_err(|e| e.to_string())?;
    if let Some(format) = spec.format
        && server::identity(&runtime).await.map_err(|e| e.to_string())?.is_none()
    {
        let formatting = Formatting { replacement: format == Format::Replacement, ..Formatting::default() };
        server::format(&runtime, &settings, formatting).await.map_err(|e| e.to_string())?;
    }
    let broker = Broker::start(runtime, settings, spec.descriptors_max).await.map_err(|e| e.to_string())?;
    let stopped = tokio::select! {
        biased;
        stopped = broker.stopped() => stopped,
        () = stop.asked() => broker.stop().await,
    };
    match stopped {
        Stopped::Clean => Ok(()),
        Stopped::Unclean => Err("stopped, but the clean-shutdown file was not written".to_owned()),
        Stopped::Fenced(why) => Err(format!("fenced: {why:?}")),
    }
}

#[cfg(test)]
#[path = "system_test.rs"]
mod tests;

#[cfg(test)]
#[path = "deletion_test.rs"]
mod deletions;

#[cfg(test)]
#[path = "failover_test.rs"]
mod failovers;

#[cfg(test)]
#[path = "unregistered_test.rs"]
mod unregistered;
