//! Where a topic's config comes from: the first of five layers that says something (KIP-226).

use super::entry::{self, Entry, Kind, Scope, Unit};
use super::value::{ConfigError, Value, trim};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Configs that somebody set, by name: a topic's overrides, a broker's dynamic ones, or those of its file.
pub type Overrides = BTreeMap<Arc<str>, Arc<str>>;

/// Which layer a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Set on the topic.
    Topic,
    /// Set on this broker while it ran.
    Broker,
    /// Set for all brokers while they ran.
    Cluster,
    /// Set in the broker's file or on its command line.
    Static,
    /// Set by nobody.
    Default,
}

impl Source {
    /// The number in CreateTopics and DescribeConfigs responses (field `ConfigSource`).
    pub fn code(self) -> i8 {
        match self {
            Source::Topic => 1,
            Source::Broker => 2,
            Source::Cluster => 3,
            Source::Static => 4,
            Source::Default => 5,
        }
    }
}

/// The layers above the table's own defaults, as one node sees them.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    /// The topic's overrides, by topic config name.
    pub topic: &'a Overrides,
    /// The broker's dynamic configs, by broker config name, as are the following.
    pub broker: &'a Overrides,
    /// The dynamic configs of all brokers.
    pub cluster: &'a Overrides,
    /// The configs of the broker's file: `BrokerSettings::given`.
    pub fixed: &'a Overrides,
}

/// A config as CreateTopics and DescribeConfigs list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The config's name.
    pub name: &'static str,
    /// Its text, or none when it is unset and has no default.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: Source,
    /// Its type.
    pub kind: Kind,
    /// Whether it can't be changed by a request. No topic config is.
    pub read_only: bool,
    /// Whether the value must be hidden. No topic config is.
    pub sensitive: bool,
}

impl<'a> Layers<'a> {
    /// The layers of a topic that says nothing itself, on a broker that only has its file.
    pub fn fixed(fixed: &'a Overrides, none: &'a Overrides) -> Layers<'a> {
        Layers { topic: none, broker: none, cluster: none, fixed }
    }

    /// The text of a topic config and the layer it comes from; no text when it is unset and has no default.
    pub fn resolve(&self, entry: &Entry) -> (Option<Cow<'a, str>>, Source) {
        assert_eq!(entry.scope, Scope::Topic, "{} is no topic config", entry.name);
        if let Some(text) = self.topic.get(entry.name) {
            return (Some(Cow::Borrowed(text)), Source::Topic);
        }
        let broker =
            [(self.broker, Source::Broker), (self.cluster, Source::Cluster), (self.fixed, Source::Static)];
        for (layer, source) in broker {
            for synonym in entry.synonyms {
                if let Some(text) = layer.get(synonym.name) {
                    return (Some(in_topic_unit(text, synonym.unit)), source);
                }
            }
        }
        (entry.default.map(Cow::Borrowed), Source::Default)
    }

    /// The value of a topic config, or none when it is unset and has no default.
    pub(super) fn value(&self, name: &str) -> Result<Option<Value>, ConfigError> {
        let entry = entry::row(Scope::Topic, name);
        self.resolve(entry).0.map(|text| entry.parse(&text)).transpose()
    }

    /// Every topic config by name, as CreateTopics (KIP-525) and DescribeConfigs list them; internal ones only when
    /// the topic sets them.
    pub fn entries(&self) -> Vec<ConfigEntry> {
        let listed = |entry: &&Entry| !entry.internal || self.topic.contains_key(entry.name);
        let describe = |entry: &'static Entry| {
            let (value, source) = self.resolve(entry);
            let value = value.map(Cow::into_owned);
            ConfigEntry {
                name: entry.name,
                value,
                source,
                kind: entry.kind,
                read_only: false,
                sensitive: false,
            }
        };
        entry::table(Scope::Topic).iter().filter(listed).map(describe).collect()
    }
}

/// Hours and minutes as milliseconds. A text that is no number stays as it is, for the check to refuse; negative
/// ones mean "no limit" whatever their size.
fn in_topic_unit(text: &str, unit: Unit) -> Cow<'_, str> {
    let factor = match unit {
        Unit::Same => return Cow::Borrowed(text),
        Unit::Minutes => 60_000,
        Unit::Hours => 3_600_000,
    };
    match trim(text).parse::<i32>() {
        Ok(n) if n < 0 => Cow::Borrowed("-1"),
        Ok(n) => Cow::Owned((i64::from(n) * factor).to_string()),
        Err(_) => Cow::Borrowed(text),
    }
}
