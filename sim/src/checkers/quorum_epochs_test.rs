//! A node that goes back to an epoch, by its own words or by its disk, and a leader that takes less for committed.

use super::*;
use crate::checkers::forge::Forge;
use crate::checkers::{Checkers, Metadata, Seen};
use model::BrokerId;
use std::collections::BTreeMap;

fn starts(forge: Forge, broker: i32, epoch: Option<i32>) -> Forge {
    let metadata = Metadata { epoch: epoch.map(LeaderEpoch), ..Metadata::default() };
    forge.seen(&Seen::Replayed { broker, logs: &BTreeMap::new(), metadata: &metadata })
}

fn told(forge: Forge, broker: i32, event: Event) -> Forge {
    forge.seen(&Seen::Event { broker, event: &event })
}

fn voted(forge: Forge, epoch: i32) -> Forge {
    let event = Event::Voted { partition: METADATA, epoch: LeaderEpoch(epoch), candidate: BrokerId(2) };
    told(forge, 1, event)
}

fn follows(forge: Forge, epoch: i32) -> Forge {
    let event = Event::BecameFollower { partition: METADATA, epoch: LeaderEpoch(epoch), leader: BrokerId(2) };
    told(forge, 1, event)
}

fn leads(forge: Forge, broker: i32, epoch: i32) -> Forge {
    told(forge, broker, Event::BecameLeader { partition: METADATA, epoch: LeaderEpoch(epoch) })
}

/// What is held for committed, whatever the logs hold.
fn only_epochs() -> Forge {
    Forge::with(Checkers::with(vec![Box::new(QuorumEpochs::default())]))
}

fn committed(forge: Forge, broker: i32, to: i64) -> Forge {
    told(forge, broker, Event::HighWatermark { partition: METADATA, to: Offset(to) })
}

#[test]
fn an_epoch_that_a_node_goes_back_to_is_noticed() {
    let forge = || starts(only_epochs(), 1, Some(3));
    follows(voted(forge(), 3), 3).fires(&[]);
    voted(forge(), 2).fires(&["quorum_epochs"]);
    follows(follows(forge(), 5), 4).fires(&["quorum_epochs"]);
    leads(voted(forge(), 5), 1, 4).fires(&["quorum_epochs"]);
}

#[test]
fn an_epoch_that_a_disk_forgets_is_noticed() {
    let forge = || starts(only_epochs(), 1, Some(3));
    starts(voted(forge(), 5), 1, Some(5)).fires(&[]);
    starts(voted(forge(), 5), 1, Some(4)).fires(&["quorum_epochs"]);
    starts(follows(forge(), 5), 1, Some(3)).fires(&["quorum_epochs"]);
    starts(forge(), 1, None).fires(&["quorum_epochs"]);
}

#[test]
fn a_node_that_knows_of_no_vote_remembers_no_leader_and_an_empty_disk_nothing() {
    let forge = || starts(only_epochs(), 1, None);
    starts(follows(forge(), 5), 1, None).fires(&[]);
    starts(follows(voted(forge(), 5), 6), 1, Some(5)).fires(&["quorum_epochs"]);
    starts(voted(forge(), 5).note(Note::Wiped { broker: 1 }), 1, None).fires(&[]);
}

#[test]
fn a_leader_that_takes_less_for_committed_is_noticed() {
    let first = || committed(leads(only_epochs(), 1, 1), 1, 7);
    committed(leads(first(), 2, 2), 2, 8).fires(&[]);
    committed(leads(first(), 2, 2), 2, 6).fires(&["quorum_epochs"]);
    committed(first(), 1, 6).fires(&["quorum_epochs"]);
    // A follower may be behind, and so may a leader that does not know yet that its epoch is over.
    committed(first(), 3, 2).fires(&[]);
    let both = committed(leads(leads(first(), 3, 2), 2, 3), 2, 9);
    committed(both, 3, 8).fires(&[]);
}
