//! Whom a client means, and how it may call itself.

use super::*;

fn request(cluster_id: Option<&str>, node_id: i32) -> ApiVersionsRequest {
    ApiVersionsRequest {
        client_software_name: "some-client".to_owned(),
        client_software_version: "1.0".to_owned(),
        cluster_id: cluster_id.map(str::to_owned),
        node_id,
    }
}

#[test]
fn a_client_names_cluster_and_node_or_neither() {
    let judged = |cluster, node| check(&request(cluster, node), 5, "here", 7);
    assert_eq!(judged(None, -1), Ok(()));
    assert_eq!(judged(Some("here"), 7), Ok(()));
    assert_eq!(judged(Some("here"), 8), Err(ErrorCode::RebootstrapRequired));
    assert_eq!(judged(Some("there"), 7), Err(ErrorCode::RebootstrapRequired));
    assert_eq!(judged(Some("here"), -1), Err(ErrorCode::InvalidRequest));
    assert_eq!(judged(None, 7), Err(ErrorCode::InvalidRequest));
}

#[test]
fn names_are_asked_of_clients_from_version_3_on() {
    for (name, good) in
        [("a", true), ("a-b.c", true), ("", false), ("-a", false), ("a.", false), ("a b", false)]
    {
        let request = ApiVersionsRequest { client_software_name: name.to_owned(), ..request(None, -1) };
        assert_eq!(check(&request, 3, "here", 7).is_ok(), good, "{name:?}");
        assert_eq!(check(&request, 2, "here", 7), Ok(()));
    }
}
