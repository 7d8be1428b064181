//! Who is shown to whom, and what is asked of the wrong listener.

use super::super::shown::tests::image;
use super::*;

fn ask(change: impl FnOnce(&mut DescribeClusterRequest)) -> DescribeClusterResponse {
    let mut request = DescribeClusterRequest::default();
    change(&mut request);
    respond(&image(), BrokerId(1), "PLAINTEXT", &request)
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
fn a_controller_that_is_not_among_the_brokers_is_none() {
    let told = respond(&image(), BrokerId(2), "PLAINTEXT", &DescribeClusterRequest::default());
    assert_eq!(told.controller_id, -1);
}

#[test]
fn this_listener_tells_of_brokers_only() {
    for (endpoint_type, code) in [(2, 114), (0, 115), (3, 115), (-1, 115)] {
        let told = ask(|request| request.endpoint_type = endpoint_type);
        assert_eq!((told.error_code, told.brokers.len()), (code, 0), "{endpoint_type}");
        assert!(told.error_message.is_some());
    }
}
