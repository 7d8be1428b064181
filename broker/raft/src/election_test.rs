//! The file `quorum-state`, against lines that Kafka's own sources show, and there and back for any state.

use super::*;
use proptest::prelude::*;

#[test]
fn a_state_is_written_as_kafka_writes_it_for_static_voters() {
    let state = ElectionState { epoch: LeaderEpoch(2), leader: Some(BrokerId(1)), voted: None };
    let text = r#"{"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":-1,"appliedOffset":0,
        "currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}"#
        .replace("\n        ", "");
    assert_eq!(state.encode([BrokerId(1), BrokerId(2)]), text);
    assert_eq!(ElectionState::decode(&text), Ok(state));
    let text = r#"{"leaderId":-1,"leaderEpoch":2,"votedId":3,"data_version":0}"#;
    let voted = ElectionState::decode(text).unwrap().voted.unwrap();
    assert_eq!(voted, ReplicaKey { id: BrokerId(3), directory: None });
    assert!(voted.is_vote_for(ReplicaKey { id: BrokerId(3), directory: Some(DirectoryId::default()) }));
}

#[test]
fn version_1_is_read_too() {
    let directory = DirectoryId("J8aAPcfLQt2bqs1JT_rMgQ".parse().unwrap());
    let voted = Some(ReplicaKey { id: BrokerId(1), directory: Some(directory) });
    let state = ElectionState { epoch: LeaderEpoch(2), leader: None, voted };
    let text = r#"{"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"J8aAPcfLQt2bqs1JT_rMgQ","data_version":1}"#;
    assert_eq!(ElectionState::decode(text), Ok(state));
}

#[test]
fn what_is_no_quorum_state_is_refused() {
    let decoded = |text: &str| ElectionState::decode(text).unwrap_err();
    assert_eq!(decoded(""), ElectionError::Json(JsonError { at: 0 }));
    assert_eq!(decoded("{}"), ElectionError::Field("data_version"));
    assert_eq!(decoded(r#"{"data_version":2}"#), ElectionError::DataVersion(2));
    assert_eq!(decoded(r#"{"data_version":1}"#), ElectionError::Field("votedDirectoryId"));
    let mut text = ElectionState::NONE.encode([BrokerId(1)]);
    assert_eq!(ElectionState::decode(&text), Ok(ElectionState::NONE));
    text = text.replace("\"leaderEpoch\":0", "\"leaderEpoch\":-5");
    assert_eq!(decoded(&text), ElectionError::Field("leaderEpoch"));
    assert_eq!(decoded(&text.replace("-5", "\"5\"")), ElectionError::Field("leaderEpoch"));
    assert_eq!(decoded(&text.replace("-5", "99999999999")), ElectionError::Field("leaderEpoch"));
    assert!(matches!(decoded(&text.replace("-5", "1.5")), ElectionError::Json(_)));
    assert!(matches!(decoded(&text[..text.len() - 1]), ElectionError::Json(_)));
    assert!(matches!(decoded(&format!("{text}x")), ElectionError::Json(_)));
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    assert!(matches!(decoded(&deep), ElectionError::Json(_)));
    assert_eq!(decoded(&" ".repeat(ELECTION_FILE_BYTES_MAX + 1)), ElectionError::TooLong);
}

proptest! {
    #[test]
    fn any_state_survives_its_text(
        epoch in 0..i32::MAX, leader in prop::option::of(0..i32::MAX), voted in prop::option::of(0..i32::MAX),
        voters in prop::collection::btree_set(0..i32::MAX, 0..10),
    ) {
        let voted = voted.map(|id| ReplicaKey { id: BrokerId(id), directory: None });
        let state = ElectionState { epoch: LeaderEpoch(epoch), leader: leader.map(BrokerId), voted };
        prop_assert_eq!(ElectionState::decode(&state.encode(voters.into_iter().map(BrokerId))), Ok(state));
    }

    #[test]
    fn any_text_is_read_or_refused(text in r#"[{}\[\]",:a-z0-9\\ -]{0,60}"#) {
        let _ = ElectionState::decode(&text);
    }

    #[test]
    fn damage_to_the_file_is_noticed_or_harmless(at: prop::sample::Index, byte in 0..128u8) {
        let mut bytes = ElectionState::NONE.encode([BrokerId(1), BrokerId(2)]).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = ElectionState::decode(&String::from_utf8(bytes).unwrap());
    }
}
