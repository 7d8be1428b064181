//! What is said aloud of a voter's answers.

use super::*;

#[test]
fn another_clusters_voter_is_complained_of_now_and_then() {
    let mut complaint = Complaint::default();
    let at = |seconds| Instant::default() + Duration::from_secs(seconds);
    let other = Senseless::Refused(ErrorCode::InconsistentClusterId);
    assert!(!complaint.is_due(at(1), Senseless::Partition));
    assert!(!complaint.is_due(at(1), Senseless::Refused(ErrorCode::InvalidVoterKey)));
    for (seconds, due) in [(1, true), (2, false), (30, false), (31, true), (32, false), (90, true)] {
        assert_eq!(complaint.is_due(at(seconds), other), due, "{seconds}");
    }
}
