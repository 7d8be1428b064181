//! AlterPartition as transcripts: what a leader says, and what it is told.

use super::*;
use crate::scene::Scene;
use model::{PartitionIndex, TopicId, Uuid};

/// Brokers 1 to 3, and a partition of all three of them with `min.insync.replicas` 2, led by 1.
fn crowd() -> Scene {
    let mut scene = Scene::with_brokers(&[1, 2, 3]);
    let mut topic = scene.topic("orders");
    topic.assignments = vec![crate::ReplicaAssignment { partition: 0, brokers: vec![1, 2, 3] }];
    topic.configs = vec![("min.insync.replicas".to_owned(), Some("2".to_owned()))];
    scene.create(vec![topic]).unwrap().remove(0).1.unwrap();
    scene
}

fn partition(scene: &Scene) -> (PartitionKey, Partition) {
    let topic = scene.image().topic_named("orders").unwrap();
    let key = topic.key(PartitionIndex(0));
    (key, Partition::clone(topic.partition(key.index).unwrap()))
}

/// What the leader asks for with this ISR.
fn wanted(scene: &Scene, isr: &[i32]) -> AlterPartition {
    let (key, partition) = partition(scene);
    AlterPartition {
        key,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        isr: isr.iter().map(|id| (BrokerId(*id), Some(scene.epoch_of(*id)))).collect(),
        recovery: LeaderRecovery::Recovered,
    }
}

fn ask(scene: &mut Scene, leader: i32, partitions: Vec<AlterPartition>) -> Vec<String> {
    let request = AlterPartitions { leader: BrokerId(leader), epoch: scene.epoch_of(leader), partitions };
    let decision = scene.controller.alter_partitions(&request).unwrap();
    let outcomes = scene.append(decision);
    let text = |(_, outcome): AlterOutcome| match outcome {
        Ok(altered) => {
            let isr: Vec<_> = altered.isr.iter().map(|id| id.0).collect();
            format!("{isr:?} at {}", altered.partition_epoch)
        }
        Err(refusal) => format!("{:?}", refusal.reason),
    };
    outcomes.into_iter().map(text).collect()
}

fn alter(scene: &mut Scene, isr: &[i32]) -> String {
    let wanted = wanted(scene, isr);
    ask(scene, 1, vec![wanted]).remove(0)
}

/// ISR, ELR and both epochs.
fn state(scene: &Scene) -> (Vec<i32>, Vec<i32>, i32, i32) {
    let (_, partition) = partition(scene);
    let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect();
    (ids(&partition.isr), ids(&partition.elr), partition.leader_epoch.0, partition.partition_epoch.0)
}

#[test]
fn an_isr_shrinks_and_grows_and_who_left_a_small_one_stays_eligible() {
    let mut scene = crowd();
    assert_eq!(alter(&mut scene, &[1, 2]), "[1, 2] at 1");
    assert_eq!(state(&scene), (vec![1, 2], vec![], 0, 1));
    assert_eq!(alter(&mut scene, &[1]), "[1] at 2");
    assert_eq!(state(&scene), (vec![1], vec![2], 0, 2));
    assert_eq!(alter(&mut scene, &[1]), "[1] at 2", "as it is");
    scene.fence(1);
    assert_eq!(state(&scene), (vec![2], vec![1], 1, 3), "2 has everything committed");
    let mut scene = crowd();
    alter(&mut scene, &[1]);
    assert_eq!(alter(&mut scene, &[1, 3]), "[1, 3] at 2");
    assert_eq!(state(&scene), (vec![1, 3], vec![], 0, 2));
}

#[test]
fn what_is_refused() {
    let refused = |leader: i32, change: &dyn Fn(&mut AlterPartition)| {
        let mut scene = crowd();
        alter(&mut scene, &[1, 2]);
        scene.fence(3);
        let before = scene.image().clone();
        let mut wanted = wanted(&scene, &[1, 2]);
        change(&mut wanted);
        let outcome = ask(&mut scene, leader, vec![wanted]).remove(0);
        match &*outcome {
            // Nothing of the partition changes but its epoch: a copy that comes late is of the past.
            "IneligibleReplica" => assert_eq!(state(&scene), (vec![1, 2], vec![], 0, 2)),
            _ => assert_eq!(scene.image(), &before),
        }
        outcome
    };
    let isr = |ids: &[i32]| -> Vec<_> { ids.iter().map(|id| (BrokerId(*id), None)).collect() };
    assert_eq!(refused(1, &|wanted| wanted.key.topic = TopicId(Uuid::from_draws(9, 9))), "UnknownTopicId");
    assert_eq!(refused(1, &|wanted| wanted.key.index = PartitionIndex(1)), "UnknownTopicOrPartition");
    assert_eq!(refused(1, &|wanted| wanted.leader_epoch = LeaderEpoch(1)), "NotController");
    assert_eq!(refused(1, &|wanted| wanted.partition_epoch = PartitionEpoch(2)), "NotController");
    assert_eq!(refused(1, &|wanted| wanted.leader_epoch = LeaderEpoch(-1)), "FencedLeaderEpoch");
    assert_eq!(refused(2, &|_| {}), "InvalidRequest");
    assert_eq!(refused(1, &|wanted| wanted.partition_epoch = PartitionEpoch(0)), "InvalidUpdateVersion");
    for ids in [&[][..], &[2], &[1, 1], &[1, 4]] {
        assert_eq!(refused(1, &|wanted| wanted.isr = isr(ids)), "InvalidRequest", "{ids:?}");
    }
    assert_eq!(refused(1, &|wanted| wanted.recovery = LeaderRecovery::Recovering), "InvalidRequest");
    assert_eq!(refused(1, &|wanted| wanted.isr = isr(&[1, 3])), "IneligibleReplica", "3 is fenced");
    assert_eq!(refused(1, &|wanted| wanted.isr[1].1 = Some(BrokerEpoch(1))), "IneligibleReplica");
}

#[test]
fn a_broker_on_its_way_down_and_one_of_the_past_are_refused() {
    let mut scene = crowd();
    scene.shut_down(2);
    assert_eq!(alter(&mut scene, &[1, 2, 3]), "IneligibleReplica");
    let request = AlterPartitions {
        leader: BrokerId(1),
        epoch: BrokerEpoch(0),
        partitions: vec![wanted(&scene, &[1])],
    };
    let refusal = scene.controller.alter_partitions(&request).unwrap_err();
    assert_eq!(refusal.reason, Reason::StaleBrokerEpoch);
}

#[test]
fn a_partition_is_altered_once_per_request() {
    let mut scene = crowd();
    let twice = vec![wanted(&scene, &[1, 2]), wanted(&scene, &[1, 3])];
    assert_eq!(ask(&mut scene, 1, twice), ["[1, 2] at 1", "InvalidUpdateVersion"]);
}

#[test]
fn a_leader_that_was_elected_uncleanly_recovers_alone() {
    let mut scene = crowd();
    scene.fence(2);
    scene.fence(3);
    scene.register(1);
    scene.unfence(1);
    assert_eq!(partition(&scene).1.leader, None, "3 has everything committed");
    let request = crate::ElectLeaders { kind: crate::ElectionKind::Unclean, partitions: None };
    let decision = scene.controller.elect_leaders(&request).unwrap();
    scene.append(decision);
    scene.unfence(2);
    assert_eq!(partition(&scene).1.recovery, LeaderRecovery::Recovering);
    let recovering = |scene: &mut Scene, isr: &[i32]| {
        let wanted = AlterPartition { recovery: LeaderRecovery::Recovering, ..wanted(scene, isr) };
        ask(scene, 1, vec![wanted]).remove(0)
    };
    assert_eq!(recovering(&mut scene, &[1, 2]), "InvalidRequest");
    let version = state(&scene).3;
    assert_eq!(recovering(&mut scene, &[1]), format!("[1] at {version}"), "as it is");
    assert_eq!(alter(&mut scene, &[1, 2]), format!("[1, 2] at {}", version + 1));
    assert_eq!(partition(&scene).1.recovery, LeaderRecovery::Recovered);
    assert_eq!(recovering(&mut scene, &[1]), "InvalidRequest", "it has recovered");
}

#[test]
fn a_copy_that_comes_when_another_was_refused_takes_nobody_in() {
    let mut scene = crowd();
    alter(&mut scene, &[1, 2]);
    let copy = wanted(&scene, &[1, 2, 3]);
    scene.fence(3);
    assert_eq!(ask(&mut scene, 1, vec![copy.clone()]), ["IneligibleReplica"]);
    scene.unfence(3);
    assert_eq!(ask(&mut scene, 1, vec![copy]), ["InvalidUpdateVersion"]);
    assert_eq!(alter(&mut scene, &[1, 2, 3]), "[1, 2, 3] at 3");
}

#[test]
fn whoever_is_in_sync_again_leads_from_the_directory_that_it_has() {
    let mut scene = crowd();
    alter(&mut scene, &[1, 2]);
    scene.fence(2);
    let mut request = scene.registration(1);
    request.directories = vec![crate::scene::directory(7)];
    let decision = scene.controller.register_broker(&request, scene.end, false).unwrap();
    scene.append(decision);
    scene.unfence(1);
    assert_eq!(state(&scene).0, [], "the last leader's records are gone");
    scene.unfence(2);
    assert_eq!(state(&scene).0, [2], "it has everything");
    let wanted = wanted(&scene, &[2, 1]);
    ask(&mut scene, 2, vec![wanted]);
    scene.fence(2);
    let orders = scene.image().topics().next().unwrap();
    assert_eq!(orders.partition(PartitionIndex(0)).unwrap().leader, Some(BrokerId(1)));
}
