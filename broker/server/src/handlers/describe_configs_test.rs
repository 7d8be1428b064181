//! Configs of topics and brokers, from every layer, and what is refused.

use super::super::shown::tests::{image, with_config};
use super::*;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

fn settings() -> BrokerSettings {
    let pairs = [("node.id", "1"), ("log.roll.hours", "24"), ("message.max.bytes", "5000")];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    BrokerSettings::from_pairs(pairs).expect("settings").0
}

fn ask(image: &ClusterImage, resources: &[(i8, &str, Option<&[&str]>)]) -> Vec<DescribeConfigsResult> {
    let resource = |(kind, name, keys): &(i8, &str, Option<&[&str]>)| DescribeConfigsResource {
        resource_type: *kind,
        resource_name: name.to_string(),
        configuration_keys: keys.map(|keys| keys.iter().map(|key| key.to_string()).collect()),
    };
    let resources = resources.iter().map(resource).collect();
    let request = DescribeConfigsRequest { resources, include_synonyms: true, include_documentation: true };
    respond(image, &settings(), request).results
}

/// A config's value, source and synonyms.
type Told = (Option<String>, i8, Vec<(String, String, i8)>);

fn told(result: &DescribeConfigsResult, name: &str) -> Told {
    let config = result.configs.iter().find(|config| config.name == name).expect("it is listed");
    let synonym = |it: &DescribeConfigsSynonym| (it.name.clone(), it.value.clone().unwrap(), it.source);
    (config.value.clone(), config.config_source, config.synonyms.iter().map(synonym).collect())
}

fn expected(value: &str, source: i8, synonyms: &[(&str, &str, i8)]) -> Told {
    let synonyms =
        synonyms.iter().map(|(name, value, source)| (name.to_string(), value.to_string(), *source));
    (Some(value.to_owned()), source, synonyms.collect())
}

#[test]
fn a_topics_configs_come_from_the_first_layer_that_says_something() {
    let image = with_config(image(), TOPIC, "a", "max.message.bytes", "7000");
    let image = with_config(image, BROKER, "", "message.max.bytes", "6000");
    let results = ask(&image, &[(TOPIC, "a", None), (TOPIC, "b", None)]);
    let below = [
        ("message.max.bytes", "6000", 3),
        ("message.max.bytes", "5000", 4),
        ("message.max.bytes", "1048588", 5),
    ];
    let own = [&[("max.message.bytes", "7000", 1)][..], &below[..]].concat();
    assert_eq!(told(&results[0], "max.message.bytes"), expected("7000", 1, &own));
    assert_eq!(told(&results[1], "max.message.bytes"), expected("6000", 3, &below));
    let hours = [("log.roll.hours", "24", 4), ("log.roll.hours", "168", 5)];
    assert_eq!(told(&results[1], "segment.ms"), expected("86400000", 4, &hours));
    assert_eq!(told(&results[1], "remote.log.copy.disable"), expected("false", 5, &[]));
    let config = results[0].configs.iter().find(|config| config.name == "max.message.bytes").unwrap();
    assert_eq!((config.read_only, config.is_sensitive, config.config_type), (false, false, 3));
    assert!(config.documentation.as_ref().is_some_and(|text| text.starts_with("The largest batch")));
    assert!(
        results[0].configs.len() > 30 && results[0].configs.is_sorted_by_key(|config| config.name.clone())
    );
}

#[test]
fn this_brokers_configs_are_told_with_what_only_a_restart_changes() {
    let image = with_config(image(), BROKER, "1", "message.max.bytes", "6000");
    let results = ask(&image, &[(BROKER, "1", None)]);
    let synonyms = [
        ("message.max.bytes", "6000", 2),
        ("message.max.bytes", "5000", 4),
        ("message.max.bytes", "1048588", 5),
    ];
    assert_eq!(told(&results[0], "message.max.bytes"), expected("6000", 2, &synonyms));
    assert_eq!(told(&results[0], "node.id").1, 4);
    assert_eq!(told(&results[0], "log.dirs"), (None, 5, vec![]));
    let read_only =
        |name: &str| results[0].configs.iter().find(|config| config.name == name).unwrap().read_only;
    assert!(read_only("node.id") && !read_only("message.max.bytes"));
}

#[test]
fn the_empty_name_is_what_all_brokers_were_told() {
    let results = ask(&image(), &[(BROKER, "", None)]);
    assert_eq!((results[0].error_code, results[0].configs.len()), (0, 0));
    let image = with_config(image(), BROKER, "", "message.max.bytes", "6000");
    let results = ask(&image, &[(BROKER, "", None)]);
    assert_eq!(results[0].configs.len(), 1);
    assert_eq!(told(&results[0], "message.max.bytes").0.as_deref(), Some("6000"));
}

#[test]
fn keys_choose_and_none_choose_all() {
    let chosen = |keys: Option<&[&str]>| {
        let results = ask(&image(), &[(TOPIC, "a", keys)]);
        results[0].configs.iter().map(|config| config.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        chosen(Some(&["retention.ms", "no.such.config", "cleanup.policy"])),
        ["cleanup.policy", "retention.ms"]
    );
    assert_eq!(chosen(Some(&[])), chosen(None));
}

#[test]
fn what_is_not_there_is_refused_and_the_rest_is_told() {
    let resources: [(i8, &str, Option<&[&str]>); 11] = [
        (TOPIC, "none", None),
        (TOPIC, "no/name", None),
        (TOPIC, "", None),
        (BROKER, "2", None),
        (BROKER, "one", None),
        (8, "1", None),
        (16, "m", None),
        (32, "g", None),
        (0, "", None),
        (TOPIC, "a", None),
        (TOPIC, "a", Some(&["retention.ms"])),
    ];
    let results = ask(&image(), &resources);
    let codes: Vec<i16> = results.iter().map(|result| result.error_code).collect();
    assert_eq!(codes, [3, 17, 17, 42, 42, 42, 42, 42, 42, 0], "the last is a second mention");
    for result in &results {
        assert_eq!(result.error_message.is_some(), result.error_code != 0);
        assert_eq!(result.configs.is_empty(), result.error_code != 0);
    }
    let message = results[3].error_message.as_deref();
    assert_eq!(message, Some("Unexpected broker id, expected 1 or empty string, but received 2"));
}

#[test]
fn synonyms_and_documentation_are_for_those_who_ask() {
    let resource =
        DescribeConfigsResource { resource_type: TOPIC, resource_name: "a".into(), configuration_keys: None };
    let request = DescribeConfigsRequest { resources: vec![resource], ..DescribeConfigsRequest::default() };
    let results = respond(&image(), &settings(), request).results;
    assert!(
        results[0].configs.iter().all(|config| config.synonyms.is_empty() && config.documentation.is_none())
    );
}
