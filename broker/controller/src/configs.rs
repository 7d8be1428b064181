//! Config overrides in the metadata log, and what they make of a topic.

use crate::decision::{Reason, Refusal};
use crate::image::ClusterImage;
use model::BrokerId;
use model::config::{ConfigEntry, ConfigError, Layers, Overrides, TopicConfig};
use std::sync::Arc;

/// What kind of thing a config is set on, with Kafka's numbers (`ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// A topic, by name.
    Topic,
    /// A broker by its id in decimal, or all brokers by the empty name.
    Broker,
    /// A subscription to clients' metrics (KIP-714).
    ClientMetrics,
    /// A group (KIP-848).
    Group,
}

/// What a config is set on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// The kind.
    pub kind: ResourceKind,
    /// The name within the kind.
    pub name: Arc<str>,
}

impl ResourceKind {
    /// The number in requests and in ConfigRecord.
    pub fn code(self) -> i8 {
        match self {
            ResourceKind::Topic => 2,
            ResourceKind::Broker => 4,
            ResourceKind::ClientMetrics => 16,
            ResourceKind::Group => 32,
        }
    }

    /// The kind of a number; none for those that no record may have.
    pub fn from_code(code: i8) -> Option<ResourceKind> {
        match code {
            2 => Some(ResourceKind::Topic),
            4 => Some(ResourceKind::Broker),
            16 => Some(ResourceKind::ClientMetrics),
            32 => Some(ResourceKind::Group),
            _ => None,
        }
    }
}

impl ConfigResource {
    /// A topic.
    pub fn topic(name: &str) -> ConfigResource {
        ConfigResource { kind: ResourceKind::Topic, name: Arc::from(name) }
    }

    /// One broker.
    pub fn broker(id: BrokerId) -> ConfigResource {
        ConfigResource { kind: ResourceKind::Broker, name: Arc::from(id.to_string()) }
    }

    /// All brokers.
    pub fn cluster() -> ConfigResource {
        ConfigResource { kind: ResourceKind::Broker, name: Arc::from("") }
    }
}

static NONE: Overrides = Overrides::new();

impl ClusterImage {
    /// The overrides set on a resource; empty when there are none.
    pub fn overrides(&self, resource: &ConfigResource) -> &Overrides {
        self.configs.get(resource).map_or(&NONE, |configs| configs)
    }

    /// The layers that a topic's configs come from, as `node` sees them: its dynamic configs, and `fixed` from
    /// its file (`BrokerSettings::given`).
    pub fn layers<'a>(&'a self, topic: &str, node: BrokerId, fixed: &'a Overrides) -> Layers<'a> {
        Layers { topic: self.overrides(&ConfigResource::topic(topic)), ..self.layers_below(node, fixed) }
    }

    /// The layers below a topic's own: what a broker's configs come from.
    pub fn layers_below<'a>(&'a self, node: BrokerId, fixed: &'a Overrides) -> Layers<'a> {
        let broker = self.overrides(&ConfigResource::broker(node));
        Layers { topic: &NONE, broker, cluster: self.overrides(&ConfigResource::cluster()), fixed }
    }

    /// A topic's configs, typed. An error names an override in the log that this software does not take: it was
    /// accepted by another one, or by an older table.
    pub fn topic_config(
        &self,
        topic: &str,
        node: BrokerId,
        fixed: &Overrides,
    ) -> Result<TopicConfig, ConfigError> {
        TopicConfig::resolve(&self.layers(topic, node, fixed))
    }

    /// Every config of a topic with its source, by name, as DescribeConfigs and CreateTopics (KIP-525) list them.
    pub fn topic_config_entries(&self, topic: &str, node: BrokerId, fixed: &Overrides) -> Vec<ConfigEntry> {
        self.layers(topic, node, fixed).entries()
    }
}

/// The overrides of a new topic, checked; `layers` are those below it.
pub(crate) fn overrides_of_new_topic(
    configs: &[(String, Option<String>)],
    layers: Layers<'_>,
) -> Result<Overrides, Refusal> {
    let unset: Vec<&str> =
        configs.iter().filter(|(_, value)| value.is_none()).map(|(name, _)| name.as_str()).collect();
    if !unset.is_empty() {
        let message = format!("Null value not supported for topic configs: {}", unset.join(","));
        return Err(Refusal::new(Reason::InvalidConfig, message));
    }
    let set = |(name, value): &(String, Option<String>)| {
        Some((Arc::from(name.as_str()), Arc::from(value.as_deref()?)))
    };
    let overrides: Overrides = configs.iter().filter_map(set).collect();
    if overrides.values().any(|value| value.len() > VALUE_BYTES_MAX) {
        let message = format!(
            "The configuration value cannot be added because it exceeds the maximum value size of \
             {VALUE_BYTES_MAX} bytes."
        );
        return Err(Refusal::new(Reason::InvalidConfig, message));
    }
    TopicConfig::validate(&overrides, layers)
        .map_err(|error| Refusal::new(Reason::InvalidConfig, error.to_string()))?;
    Ok(overrides)
}

/// The longest value of a config that is stored, in bytes.
const VALUE_BYTES_MAX: usize = i16::MAX as usize;
