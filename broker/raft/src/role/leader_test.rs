//! The rule for what is committed, and who is asked to take over.

use super::*;
use crate::Timeouts;
use model::DirectoryId;
use model::time::Duration;

fn key(id: i32) -> ReplicaKey {
    ReplicaKey { id: BrokerId(id), directory: Some(DirectoryId::default()) }
}

fn leader(voters: &[i32], start: i64) -> (Leader, Config) {
    let voters = Voters::new(voters.iter().copied().map(key));
    let config = Config { me: key(1), voters, timeouts: Timeouts::DEFAULT };
    let leader = Leader::new(LeaderEpoch(4), Offset(start), vec![BrokerId(1)], &config, Instant(0));
    (leader, config)
}

fn committed(leader: &Leader, config: &Config, own: i64) -> Option<i64> {
    leader.committed_end(DurableEnd(Offset(own)), &config.voters, BrokerId(1)).map(|end| end.0)
}

#[test]
fn nothing_is_committed_before_the_epochs_first_record() {
    let (leader, config) = leader(&[1], 10);
    assert_eq!(committed(&leader, &config, 10), None);
    assert_eq!(committed(&leader, &config, 11), Some(11));
}

#[test]
fn a_majority_commits() {
    let (mut leader, config) = leader(&[1, 2, 3], 10);
    assert_eq!(committed(&leader, &config, 30), None);
    leader.heard_of(key(2), Offset(20), Offset(30), &config, Instant(0));
    assert_eq!(committed(&leader, &config, 30), Some(20));
    leader.heard_of(key(3), Offset(25), Offset(30), &config, Instant(0));
    assert_eq!(committed(&leader, &config, 30), Some(25));
    assert_eq!(leader.successors(&config), [BrokerId(3), BrokerId(2)]);
}

#[test]
fn half_of_the_voters_is_no_majority_and_an_observer_no_voter() {
    let (mut leader, config) = leader(&[1, 2, 3, 4], 0);
    leader.heard_of(key(2), Offset(30), Offset(30), &config, Instant(0));
    leader.heard_of(key(9), Offset(30), Offset(30), &config, Instant(0));
    assert_eq!(committed(&leader, &config, 30), None);
    leader.heard_of(key(4), Offset(7), Offset(30), &config, Instant(0));
    assert_eq!(committed(&leader, &config, 30), Some(7));
}

#[test]
fn a_voter_with_another_directory_does_not_commit() {
    let (mut leader, config) = leader(&[1, 2, 3], 10);
    let replaced = ReplicaKey { directory: Some(DirectoryId(model::Uuid([9; 16]))), ..key(2) };
    leader.heard_of(replaced, Offset(30), Offset(30), &config, Instant(0));
    assert_eq!(committed(&leader, &config, 30), None);
}

#[test]
fn a_majority_is_heard_when_its_last_member_was() {
    let (mut leader, config) = leader(&[1, 2, 3, 4, 5], 0);
    let at = |ms| Instant(0) + Duration::from_millis(ms);
    assert_eq!(leader.majority_heard(&config), None);
    leader.heard_of(key(2), Offset(0), Offset(1), &config, at(5));
    assert_eq!(leader.majority_heard(&config), None);
    leader.heard_of(key(3), Offset(0), Offset(1), &config, at(3));
    assert_eq!(leader.majority_heard(&config), Some(at(3)));
    leader.heard_of(key(4), Offset(0), Offset(1), &config, at(9));
    assert_eq!(leader.majority_heard(&config), Some(at(5)));
}

#[test]
fn a_replica_is_caught_up_when_it_has_what_there_was_at_its_fetch_before() {
    let (mut leader, config) = leader(&[1, 2, 3], 0);
    let caught_up = |leader: &Leader| leader.voters()[&BrokerId(2)].caught_up;
    leader.heard_of(key(2), Offset(5), Offset(10), &config, Instant(1));
    assert_eq!(caught_up(&leader), None);
    leader.heard_of(key(2), Offset(10), Offset(20), &config, Instant(2));
    assert_eq!(caught_up(&leader), Some(Instant(1)));
    leader.heard_of(key(2), Offset(15), Offset(30), &config, Instant(3));
    assert_eq!(caught_up(&leader), Some(Instant(1)));
    leader.heard_of(key(2), Offset(30), Offset(30), &config, Instant(4));
    assert_eq!(caught_up(&leader), Some(Instant(4)));
}

#[test]
fn observers_are_bounded() {
    let (mut leader, config) = leader(&[1], 0);
    for id in 0..OBSERVERS_MAX as i32 + 10 {
        leader.heard_of(key(100 + id), Offset(0), Offset(0), &config, Instant(id as u64));
    }
    assert_eq!(leader.observers().len(), OBSERVERS_MAX);
    assert!(!leader.observers().contains_key(&key(109)) && leader.observers().contains_key(&key(110)));
}
