//! Who is asked where, and what an address says of whom.

use super::*;
use crate::metadata::scene_test::available;

fn at(name: &str, host: &str, port: u16) -> NodeEndpoint {
    NodeEndpoint { name: name.to_owned(), host: host.to_owned(), port, security_protocol: 0 }
}

fn watched(id: i32, endpoints: Vec<NodeEndpoint>) -> (BrokerId, Watched) {
    (BrokerId(id), Watched { broker: available(id, endpoints), heard: None, fetched: None })
}

#[test]
fn brokers_that_are_behind_one_address_are_told_apart_by_nothing_that_answers_there() {
    let all = BTreeMap::from([
        watched(1, vec![at("PLAINTEXT", "localhost", 9092)]),
        watched(2, vec![at("OTHER", "a", 1), at("PLAINTEXT", "localhost", 9092)]),
        watched(3, vec![at("PLAINTEXT", "localhost", 9093)]),
        watched(4, vec![at("OTHER", "b", 9092)]),
        watched(5, Vec::new()),
    ]);
    for (id, shared) in [(1, true), (2, true), (3, false), (4, false)] {
        let id = BrokerId(id);
        let own = endpoint(&all[&id].broker, "PLAINTEXT").unwrap();
        assert_eq!(is_shared(&all, id, &own, "PLAINTEXT"), shared, "{id}");
    }
    assert_eq!(endpoint(&all[&BrokerId(5)].broker, "PLAINTEXT"), None);
}
