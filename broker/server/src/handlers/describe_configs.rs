//! DescribeConfigs (key 32): the configs of topics and of this broker, and where each comes from.
//!
//! * Versions 1 to 4. Types from version 3 on (KIP-569), and documentation for those who ask for it.
//! * Topics, and brokers: this one by its number, and by the empty name what is set for all brokers while they run.
//!   Another broker describes itself: it is an INVALID_REQUEST here, as in Kafka. So are loggers, client metrics and
//!   groups, of which there are none.
//! * No keys, as null or as an empty list, means all of them; keys that are not configs are left out.
//! * Values are texts as they were set. Of a broker's configs those are told that it knows, not whatever else its file says.
//! * Synonyms, for those who ask for them, are all that say something about a config, what counts first. Kafka leaves
//!   out hours and minutes where milliseconds are not set; here they are told.
//! * Something that is named twice is answered once, as it was named first.

use super::{Asked, Outcome, when_leaving};
use crate::context::Context;
use controller::{ClusterImage, ResourceKind, check_topic_name};
use model::config::{BrokerSettings, ConfigEntry, Layers, Lookup, Scope, documentation, lookup};
use protocol::ErrorCode;
use protocol::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym,
};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn apply(
    context: &Arc<Context>,
    asked: Asked,
    request: DescribeConfigsRequest,
) -> Result<Outcome, String> {
    let keys = |resource: &DescribeConfigsResource| resource.configuration_keys.as_ref().map_or(0, Vec::len);
    super::check_named(request.resources.iter().map(keys))?;
    Ok(when_leaving(context, asked, move |context| respond(&context.image(), &context.settings, request)))
}

/// What is told of each config.
#[derive(Clone, Copy)]
struct Include {
    synonyms: bool,
    documentation: bool,
}

fn respond(
    image: &ClusterImage,
    settings: &BrokerSettings,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let include =
        Include { synonyms: request.include_synonyms, documentation: request.include_documentation };
    let mut seen = BTreeSet::new();
    let mut results = Vec::new();
    for resource in request.resources {
        let DescribeConfigsResource { resource_type, resource_name, configuration_keys } = resource;
        if !seen.insert((resource_type, resource_name.clone())) {
            continue;
        }
        let described = describe(image, settings, resource_type, &resource_name);
        let (error_code, error_message, configs) = match described {
            Ok(Described { layers, scope, entries }) => {
                let keys: BTreeSet<String> = configuration_keys.into_iter().flatten().collect();
                let wanted = entries.into_iter().filter(|entry| keys.is_empty() || keys.contains(entry.name));
                (ErrorCode::None, None, wanted.map(|entry| tell(&layers, scope, entry, include)).collect())
            }
            Err((code, message)) => (code, Some(message), Vec::new()),
        };
        let error_code = error_code as i16;
        results.push(DescribeConfigsResult {
            error_code,
            error_message,
            resource_type,
            resource_name,
            configs,
        });
    }
    DescribeConfigsResponse { results, ..DescribeConfigsResponse::default() }
}

/// The configs of one thing, and what they come from.
struct Described<'a> {
    layers: Layers<'a>,
    scope: Scope,
    entries: Vec<ConfigEntry>,
}

fn describe<'a>(
    image: &'a ClusterImage,
    settings: &'a BrokerSettings,
    kind: i8,
    name: &str,
) -> Result<Described<'a>, (ErrorCode, String)> {
    let BrokerSettings { node_id: me, given, .. } = settings;
    match ResourceKind::from_code(kind) {
        Some(ResourceKind::Topic) => {
            check_topic_name(name).map_err(|error| (ErrorCode::InvalidTopicException, error.message))?;
            if image.topic_named(name).is_none() {
                let code = ErrorCode::UnknownTopicOrPartition;
                return Err((code, code.description().to_owned()));
            }
            let layers = image.layers(name, *me, given);
            Ok(Described { layers, scope: Scope::Topic, entries: layers.entries() })
        }
        Some(ResourceKind::Broker) => {
            let layers = image.layers_below(*me, given);
            let entries = match name {
                "" => layers.cluster_entries(),
                name => {
                    check_broker(name, me.0).map_err(|message| (ErrorCode::InvalidRequest, message))?;
                    layers.broker_entries()
                }
            };
            Ok(Described { layers, scope: Scope::Broker, entries })
        }
        Some(ResourceKind::ClientMetrics | ResourceKind::Group) | None => {
            Err((ErrorCode::InvalidRequest, format!("Unsupported resource type: {kind}")))
        }
    }
}

fn check_broker(name: &str, me: i32) -> Result<(), String> {
    let id: i32 = name.parse().map_err(|_| format!("Broker id must be an integer, but it is: {name}"))?;
    if id != me {
        return Err(format!("Unexpected broker id, expected {me} or empty string, but received {name}"));
    }
    Ok(())
}

fn tell(
    layers: &Layers<'_>,
    scope: Scope,
    config: ConfigEntry,
    include: Include,
) -> DescribeConfigsResourceResult {
    let Lookup::Known(entry) = lookup(scope, config.name) else { unreachable!("listed from the table") };
    let mut synonyms = Vec::new();
    if include.synonyms {
        synonyms.extend(layers.synonyms(entry).into_iter().map(|synonym| DescribeConfigsSynonym {
            name: synonym.name.to_owned(),
            value: Some(synonym.value),
            source: synonym.source.code(),
        }));
    }
    DescribeConfigsResourceResult {
        name: config.name.to_owned(),
        value: config.value,
        read_only: config.read_only,
        config_source: config.source.code(),
        is_sensitive: config.sensitive,
        synonyms,
        config_type: config.kind.code(),
        documentation: include.documentation.then(|| documentation(entry)),
    }
}

#[cfg(test)]
#[path = "describe_configs_test.rs"]
mod tests;
