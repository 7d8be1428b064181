//! What is an endpoint and what is none.

use super::*;

#[test]
fn hosts_have_ports_and_lists_have_hosts() {
    let shown = |text: &str| text.parse::<Endpoint>().map(|endpoint| endpoint.to_string());
    assert_eq!(shown("localhost"), Ok("localhost:9092".into()));
    assert_eq!(shown("10.0.0.1:9093"), Ok("10.0.0.1:9093".into()));
    assert_eq!(shown("[::1]:9093"), Ok("[::1]:9093".into()));
    assert_eq!(shown("[::1]"), Ok("[::1]:9092".into()));
    for wrong in ["", ":9092", "a:b", "a:0", "a:70000", "::1", "[::1", "[::1]9092", "a b:1"] {
        assert_eq!(shown(wrong), Err(EndpointError(wrong.into())), "{wrong}");
    }
    assert_eq!(Endpoint::parse_list("a:1, b:2,").unwrap().len(), 2);
    assert!(Endpoint::parse_list(" ,").is_err());
    assert!(Endpoint::parse_list("a:1,b:x").is_err());
}

#[test]
fn a_broker_without_a_port_is_nowhere() {
    assert_eq!(Endpoint::told("a", 9092), "a:9092".parse().ok());
    for (host, port) in [("", 1), ("a", 0), ("a", -1), ("a", 65_536)] {
        assert_eq!(Endpoint::told(host, port), None);
    }
}
