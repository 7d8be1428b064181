//! The rule for what is committed, with more voters than a quorum has so far.

use super::*;
use model::DirectoryId;

fn key(id: i32) -> ReplicaKey {
    ReplicaKey { id: BrokerId(id), directory: Some(DirectoryId::default()) }
}

fn leader(voters: &[i32], start: i64) -> (Leader, Voters) {
    let config = Config { me: key(1), voters: Voters::new(voters.iter().copied().map(key)) };
    let candidate = Candidate::new(LeaderEpoch(4), &config);
    (Leader::new(&candidate, Offset(start)), config.voters)
}

fn end(offset: i64) -> DurableEnd {
    DurableEnd(Offset(offset))
}

#[test]
fn nothing_is_committed_before_the_epochs_first_record() {
    let (mut leader, voters) = leader(&[1], 10);
    assert_eq!(leader.committed_end(&voters), None);
    leader.heard_of(BrokerId(1), end(10));
    assert_eq!(leader.committed_end(&voters), None);
    leader.heard_of(BrokerId(1), end(11));
    assert_eq!(leader.committed_end(&voters), Some(Offset(11)));
}

#[test]
fn a_majority_commits() {
    let (mut leader, voters) = leader(&[1, 2, 3], 10);
    leader.heard_of(BrokerId(1), end(30));
    assert_eq!(leader.committed_end(&voters), None);
    leader.heard_of(BrokerId(2), end(20));
    assert_eq!(leader.committed_end(&voters), Some(Offset(20)));
    leader.heard_of(BrokerId(3), end(25));
    assert_eq!(leader.committed_end(&voters), Some(Offset(25)));
}

#[test]
fn half_of_the_voters_is_no_majority_and_an_observer_no_voter() {
    let (mut leader, voters) = leader(&[1, 2, 3, 4], 0);
    leader.heard_of(BrokerId(1), end(30));
    leader.heard_of(BrokerId(2), end(30));
    leader.heard_of(BrokerId(9), end(30));
    assert_eq!(leader.committed_end(&voters), None);
    leader.heard_of(BrokerId(4), end(7));
    assert_eq!(leader.committed_end(&voters), Some(Offset(7)));
}
