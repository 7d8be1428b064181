//! Two leaders of an epoch, and epochs that go back, must be noticed.

use super::OneLeader;
use crate::checkers::forge::{Forge, T0};
use crate::checkers::{Checkers, Seen};
use ::runtime::Event;
use model::{LeaderEpoch, PartitionIndex, PartitionKey, TopicId, Uuid};

const QUORUM: PartitionKey = PartitionKey { topic: TopicId(Uuid::METADATA_TOPIC), index: PartitionIndex(0) };

/// Brokers become leaders, one after the other, each with the power gone before it.
#[track_caller]
fn lead(partition: PartitionKey, leaders: &[(i32, i32)], fires: &[&str]) {
    let mut forge = Forge::with(Checkers::with(vec![Box::new(OneLeader::default())]));
    for (broker, epoch) in leaders {
        let event = Event::BecameLeader { partition, epoch: LeaderEpoch(*epoch) };
        forge = forge.power_lost().seen(&Seen::Event { broker: *broker, event: &event });
    }
    forge.fires(fires);
}

#[test]
fn a_second_leader_of_an_epoch_is_noticed() {
    lead(T0, &[(1, 0), (2, 0)], &["one_leader"]);
    lead(QUORUM, &[(1, 3), (2, 3)], &["one_leader"]);
    lead(T0, &[(1, 0), (2, 1), (1, 2)], &[]);
}

#[test]
fn an_epoch_that_goes_back_is_noticed() {
    lead(T0, &[(1, 4), (1, 3)], &["one_leader"]);
    lead(QUORUM, &[(1, 4), (2, 5), (1, 3)], &["one_leader"]);
}

#[test]
fn an_election_may_be_won_late() {
    lead(QUORUM, &[(1, 4), (2, 3), (2, 5)], &[]);
}

#[test]
fn only_the_quorum_needs_an_epoch_for_each_start() {
    lead(T0, &[(1, 4), (1, 4)], &[]);
    lead(QUORUM, &[(1, 4), (1, 4)], &["one_leader"]);
}
