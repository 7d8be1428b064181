//! Who is shown to whom, and what is asked of the wrong listener.

use super::super::shown::tests::{add, image};
use super::*;
use records::metadata::{ControllerEndpoint, RegisterControllerRecord};

fn ask(change: impl FnOnce(&mut DescribeClusterRequest)) -> DescribeClusterResponse {
    let mut request = DescribeClusterRequest::default();
    change(&mut request);
    brokers(&image(), BrokerId(1), "PLAINTEXT", &request)
}

#[test]
fn brokers_that_are_reached_by_the_listener_are_shown() {
    let told = ask(|_| {});
    assert_eq!((told.error_code, &*told.cluster_id, told.controller_id), (0, "here", 1));
    let broker = &told.brokers[0];
    assert_eq!((broker.broker_id, &*broker.host, broker.port), (1, "host1", 9092));
    assert_eq!((broker.rack.as_deref(), broker.is_fenced, told.brokers.len()), (Some("r"), false, 1));
    assert_eq!(told.cluster_authorized_operations, i32::MIN);
    let told = ask(|request| request.include_cluster_authorized_operations = true);
    assert_eq!(told.cluster_authorized_operations, CLUSTER_OPERATIONS);
}

#[test]
fn fenced_brokers_are_shown_to_those_who_ask_for_them() {
    let told = ask(|request| request.include_fenced_brokers = true);
    let brokers: Vec<_> = told.brokers.iter().map(|broker| (broker.broker_id, broker.is_fenced)).collect();
    assert_eq!(brokers, [(1, false), (3, true)]);
}

#[test]
fn the_controller_is_one_of_the_brokers_that_are_not_fenced() {
    for include_fenced_brokers in [false, true] {
        let request = DescribeClusterRequest { include_fenced_brokers, ..DescribeClusterRequest::default() };
        // 2 is not reached by this listener, and 3 is fenced.
        for me in [1, 2, 3] {
            assert_eq!(brokers(&image(), BrokerId(me), "PLAINTEXT", &request).controller_id, 1, "{me}");
        }
        assert_eq!(brokers(&image(), BrokerId(1), "NOWHERE", &request).controller_id, -1);
    }
}

#[test]
fn a_clients_listener_tells_of_brokers_only() {
    for (endpoint_type, code) in [(2, 114), (0, 115), (3, 115), (-1, 115)] {
        let told = ask(|request| request.endpoint_type = endpoint_type);
        assert_eq!((told.error_code, told.brokers.len()), (code, 0), "{endpoint_type}");
        assert!(told.error_message.is_some());
    }
}

#[test]
fn a_controllers_listener_tells_of_controllers_only() {
    let mut image = image();
    for (id, endpoints) in [(11, vec![("C", 9093), ("D", 9094)]), (12, vec![("C", 9095)]), (13, Vec::new())] {
        let end_points = endpoints.into_iter().map(|(name, port)| ControllerEndpoint {
            name: name.into(),
            host: format!("host{id}"),
            port,
            security_protocol: 0,
        });
        let record = RegisterControllerRecord {
            controller_id: id,
            end_points: end_points.collect(),
            ..RegisterControllerRecord::default()
        };
        add(&mut image, record.into());
    }
    let request = DescribeClusterRequest { endpoint_type: 2, ..DescribeClusterRequest::default() };
    let told = controllers(&image, Some(BrokerId(12)), &request);
    let shown: Vec<_> = told.brokers.iter().map(|node| (node.broker_id, &*node.host, node.port)).collect();
    assert_eq!((told.error_code, told.endpoint_type, told.controller_id), (0, 2, 12));
    assert_eq!(shown, [(11, "host11", 9093), (12, "host12", 9095)]);
    assert_eq!(controllers(&image, None, &request).controller_id, -1);
    let told = controllers(&image, Some(BrokerId(12)), &DescribeClusterRequest::default());
    assert_eq!((told.error_code, told.brokers.len()), (114, 0));
}
