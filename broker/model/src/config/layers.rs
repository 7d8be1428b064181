//! Where a topic's config comes from: the first of five layers that says something (KIP-226).

use super::entry::{self, Change, Entry, Kind, Scope, Unit};
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
    /// Whether only a restart changes it. No topic config is.
    pub read_only: bool,
    /// Whether the value must be hidden. Nothing in the table is a secret.
    pub sensitive: bool,
}

/// What a config falls back to, as DescribeConfigs lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// The name under which it is set: the config's own, or that of a broker's config which gives its default.
    pub name: &'static str,
    /// Its text there, in that one's own unit.
    pub value: String,
    /// The layer where it is set.
    pub source: Source,
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
        for (layer, source) in self.broker_layers() {
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

    /// Everything that says something about a config, what counts first. Below its topic, a topic's config goes by the
    /// names of the broker's configs that give its default; one without such names has none.
    pub fn synonyms(&self, entry: &'static Entry) -> Vec<ConfigSynonym> {
        let (own, names): (Option<&Arc<str>>, Vec<&'static str>) = match entry.scope {
            Scope::Broker => (None, vec![entry.name]),
            Scope::Topic => {
                let names = entry.synonyms.iter().map(|synonym| synonym.name).collect();
                (self.topic.get(entry.name), names)
            }
        };
        let own = own.map(|text| ConfigSynonym {
            name: entry.name,
            value: text.to_string(),
            source: Source::Topic,
        });
        let set = self.broker_layers().into_iter().flat_map(|(layer, source)| {
            let set = move |name: &&'static str| {
                Some(ConfigSynonym { name, value: layer.get(*name)?.to_string(), source })
            };
            names.iter().filter_map(set).collect::<Vec<_>>()
        });
        let default = names.iter().filter_map(|name| {
            let value = entry::row(Scope::Broker, name).default?.to_owned();
            Some(ConfigSynonym { name, value, source: Source::Default })
        });
        own.into_iter().chain(set).chain(default).collect()
    }

    fn broker_layers(&self) -> [(&'a Overrides, Source); 3] {
        [(self.broker, Source::Broker), (self.cluster, Source::Cluster), (self.fixed, Source::Static)]
    }

    /// Every config of the broker by name, as DescribeConfigs lists them.
    pub fn broker_entries(&self) -> Vec<ConfigEntry> {
        let listed = |entry: &&'static Entry| !entry.internal || !self.synonyms(entry).is_empty();
        let describe = |entry: &'static Entry| {
            let first = self.synonyms(entry).into_iter().next();
            let (value, source) = first.map_or((None, Source::Default), |it| (Some(it.value), it.source));
            broker_entry(entry, value, source)
        };
        entry::table(Scope::Broker).iter().filter(listed).map(describe).collect()
    }

    /// The configs that are set for all brokers while they run, by name, as DescribeConfigs lists them.
    pub fn cluster_entries(&self) -> Vec<ConfigEntry> {
        let set = |entry: &'static Entry| Some((entry, self.cluster.get(entry.name)?.to_string()));
        let set = entry::table(Scope::Broker).iter().filter_map(set);
        set.map(|(entry, value)| broker_entry(entry, Some(value), Source::Cluster)).collect()
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

fn broker_entry(entry: &'static Entry, value: Option<String>, source: Source) -> ConfigEntry {
    let read_only = entry.change == Change::Restart;
    ConfigEntry { name: entry.name, value, source, kind: entry.kind, read_only, sensitive: false }
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

#[cfg(test)]
#[path = "layers_test.rs"]
mod tests;
