//! What is bound, what is told, and what is refused.

use super::*;

fn settings(pairs: &[(&str, &str)]) -> BrokerSettings {
    let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    BrokerSettings::from_pairs(pairs).expect("settings that parse").0
}

fn told_at(settings: &BrokerSettings, bound: &str) -> Vec<String> {
    let bound = bound.parse().expect("an address");
    let text = |at: NodeEndpoint| format!("{}://{}:{}", at.name, at.host, at.port);
    told(settings, bound).into_iter().map(text).collect()
}

#[test]
fn what_is_bound_is_told_when_nothing_else_is_advertised() {
    let settings = settings(&[("listeners", "PLAINTEXT://localhost:0")]);
    assert_eq!(check(&settings), Ok(()));
    assert_eq!(told_at(&settings, "127.0.0.1:4000"), ["PLAINTEXT://127.0.0.1:4000"]);
}

#[test]
fn what_is_advertised_is_told_without_the_controllers() {
    let settings = settings(&[
        ("listeners", "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ("advertised.listeners", "PLAINTEXT://tide.example:0,CONTROLLER://localhost:9093"),
    ]);
    assert_eq!(check(&settings), Ok(()));
    assert_eq!(told_at(&settings, "0.0.0.0:9092"), ["PLAINTEXT://tide.example:9092"]);
}

#[test]
fn an_address_that_nobody_can_connect_to_is_not_told() {
    for wildcard in ["PLAINTEXT://0.0.0.0:9092", "PLAINTEXT://[::]:9092", "PLAINTEXT://:9092"] {
        let why = check(&settings(&[("listeners", wildcard)])).expect_err(wildcard);
        assert!(why.contains("advertised.listeners"), "{why}");
    }
}

#[test]
fn an_advertised_listener_must_be_one() {
    let named = |advertised| {
        check(&settings(&[
            ("listeners", "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"),
            ("advertised.listeners", advertised),
        ]))
    };
    assert!(named("OUTSIDE://tide.example:9092").expect_err("another name").contains("OUTSIDE"));
    assert!(named("CONTROLLER://tide.example:9093").is_err(), "none for clients");
    assert_eq!(named("PLAINTEXT://tide.example:9092"), Ok(()));
}

#[test]
fn names_are_not_resolved() {
    let at = |host: &str| bind(&Endpoint { host: host.to_owned(), port: 1 });
    assert_eq!(at("localhost").map(|at| at.to_string()), Ok("127.0.0.1:1".to_owned()));
    assert_eq!(at("::1").map(|at| at.to_string()), Ok("[::1]:1".to_owned()));
    assert!(at("tide.example").is_err());
}
