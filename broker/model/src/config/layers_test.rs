//! What a config falls back to agrees with what it is.

use super::*;
use crate::config::{Lookup, lookup};

fn overrides(pairs: &[(&str, &str)]) -> Overrides {
    pairs.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))).collect()
}

fn entry(scope: Scope, name: &str) -> &'static Entry {
    let Lookup::Known(entry) = lookup(scope, name) else { panic!("{name}") };
    entry
}

/// For every config of every scope, whichever layers set it: what counts first is what the config is.
#[test]
fn the_first_synonym_is_where_the_value_comes_from() {
    for scope in [Scope::Topic, Scope::Broker] {
        for entry in entry::table(scope) {
            let names: Vec<&str> = match scope {
                Scope::Broker => vec![entry.name],
                Scope::Topic => entry.synonyms.iter().map(|synonym| synonym.name).collect(),
            };
            for which in 0..16u32 {
                let set = |bit: u32, names: &[&str]| match which >> bit & 1 {
                    1 => overrides(&names.iter().map(|name| (*name, "1")).collect::<Vec<_>>()),
                    _ => Overrides::new(),
                };
                let last = &names[names.len().saturating_sub(1)..];
                let (topic, broker, cluster, fixed) =
                    (set(0, &[entry.name]), set(1, &names), set(2, last), set(3, last));
                let layers = Layers { topic: &topic, broker: &broker, cluster: &cluster, fixed: &fixed };
                let first = layers.synonyms(entry).into_iter().next();
                let listed = match scope {
                    Scope::Topic => layers.entries(),
                    Scope::Broker => layers.broker_entries(),
                };
                let listed = listed.into_iter().find(|config| config.name == entry.name);
                let Some(listed) = listed else { continue };
                let source = first.as_ref().map_or(Source::Default, |synonym| synonym.source);
                assert_eq!(listed.source, source, "{} {which:04b}", entry.name);
                if let Some(first) = first.filter(|first| listed.value.as_deref() != Some(&first.value)) {
                    let of = entry.synonyms.iter().find(|synonym| synonym.name == first.name);
                    assert_ne!(of.expect("a synonym").unit, Unit::Same, "{} {which:04b}", entry.name);
                }
            }
        }
    }
}

#[test]
fn synonyms_come_layer_by_layer_and_within_one_as_they_count() {
    let none = Overrides::new();
    let topic = overrides(&[("retention.ms", "5")]);
    let broker = overrides(&[("log.retention.minutes", "7")]);
    let fixed = overrides(&[("log.retention.hours", "9"), ("log.retention.ms", "8")]);
    let layers = Layers { topic: &topic, broker: &broker, cluster: &none, fixed: &fixed };
    let told = layers.synonyms(entry(Scope::Topic, "retention.ms"));
    let told: Vec<_> = told.iter().map(|it| (it.name, it.value.as_str(), it.source)).collect();
    let expected = [
        ("retention.ms", "5", Source::Topic),
        ("log.retention.minutes", "7", Source::Broker),
        ("log.retention.ms", "8", Source::Static),
        ("log.retention.hours", "9", Source::Static),
        ("log.retention.hours", "168", Source::Default),
    ];
    assert_eq!(told, expected);
}

#[test]
fn only_what_all_brokers_were_told_is_the_clusters() {
    let none = Overrides::new();
    let cluster = overrides(&[("message.max.bytes", "6000"), ("no.such.config", "1")]);
    let fixed = overrides(&[("log.roll.hours", "1")]);
    let layers = Layers { topic: &none, broker: &none, cluster: &cluster, fixed: &fixed };
    let entries = layers.cluster_entries();
    assert_eq!(entries.len(), 1);
    let told = (entries[0].name, entries[0].value.as_deref(), entries[0].source, entries[0].read_only);
    assert_eq!(told, ("message.max.bytes", Some("6000"), Source::Cluster, false));
}
