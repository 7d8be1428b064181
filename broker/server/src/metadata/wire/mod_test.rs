//! Refusals that every message shares, and the codes of rejections.

use super::*;
use model::ClusterId;

pub(super) const PORTIONS: Portions = Portions { log: 4000, snapshot: 3000 };

pub(super) fn local(id: i32, directory: Option<u8>) -> Local {
    let directory = directory.map(|byte| DirectoryId(Uuid([byte; 16])));
    let me = ReplicaKey { id: BrokerId(id), directory };
    let endpoint =
        NodeEndpoint { name: "CONTROLLER".into(), host: "c1".into(), port: 9093, security_protocol: 0 };
    Local { cluster: ClusterId("this".into()), me, endpoints: vec![endpoint], portions: PORTIONS }
}

#[test]
fn another_cluster_is_refused_and_none_is_not() {
    let here = local(1, None);
    assert_eq!(here.check_cluster(None), Ok(()));
    assert_eq!(here.check_cluster(Some("this")), Ok(()));
    for named in ["", "that", "this "] {
        assert_eq!(here.check_cluster(Some(named)), Err(ErrorCode::InconsistentClusterId));
    }
}

#[test]
fn a_request_for_another_voter_is_refused() {
    let refused = Err(ErrorCode::InvalidVoterKey);
    let (none, mine, other) = (Uuid::ZERO, Uuid([7; 16]), Uuid([8; 16]));
    let here = local(1, Some(7));
    for (id, directory, expected) in [
        (-1, none, Ok(())),
        (-1, other, Ok(())),
        (1, none, Ok(())),
        (1, mine, Ok(())),
        (1, other, refused),
        (2, none, refused),
        (2, mine, refused),
    ] {
        assert_eq!(here.check_voter(id, directory), expected, "{id} {directory}");
    }
    assert_eq!(local(1, None).check_voter(1, none), Ok(()));
    assert_eq!(local(1, None).check_voter(1, other), refused);
}

#[test]
fn nobody_can_ask() {
    assert_eq!(asker(-1, Uuid::ZERO), Err(ErrorCode::InvalidRequest));
    let replica = ReplicaKey { id: BrokerId(0), directory: None };
    assert_eq!(asker(0, Uuid::ZERO), Ok(replica));
}

#[test]
fn each_rejection_has_the_code_that_its_documentation_names() {
    for (rejected, code) in [
        (Rejection::FencedEpoch, 74),
        (Rejection::UnknownEpoch, 75),
        (Rejection::NotLeader, 6),
        (Rejection::NotVoter, 94),
        (Rejection::Invalid, 42),
        (Rejection::SnapshotNotFound, 98),
        (Rejection::PositionOutOfRange, 99),
    ] {
        assert_eq!(rejection_code::<()>(&Err(rejected)), code);
        assert_eq!(rejection(code), Ok(Err(rejected)));
    }
    assert_eq!(rejection_code(&Ok(())), 0);
    assert_eq!(rejection(0), Ok(Ok(())));
}

#[test]
fn another_code_is_no_answer_of_a_quorum() {
    // BROKER_NOT_AVAILABLE, INVALID_VOTER_KEY, INCONSISTENT_CLUSTER_ID, UNKNOWN_TOPIC_OR_PARTITION, and one that is unknown.
    for code in [8, 125, 104, 3, 12_345] {
        let refused = Senseless::Refused(ErrorCode::from_code(code));
        assert_eq!(rejection(code), Err(refused));
        assert_eq!(check_top(code), Err(refused));
    }
    assert_eq!(check_top(0), Ok(()));
}

#[test]
fn any_negative_leader_is_none_and_a_negative_epoch_can_not_be() {
    assert_eq!(standing(-1, 0), Ok((LeaderEpoch(0), None)));
    assert_eq!(standing(-2, 3), Ok((LeaderEpoch(3), None)));
    assert_eq!(standing(0, 3), Ok((LeaderEpoch(3), Some(BrokerId(0)))));
    assert_eq!(standing(1, -1), Err(Senseless::Number("leader epoch")));
}

#[test]
fn one_is_neither_none_nor_several() {
    assert_eq!(only::<u8>(vec![]), None);
    assert_eq!(only(vec![1]), Some(1));
    assert_eq!(only(vec![1, 1]), None);
}
