//! Any sequence of decisions, commits, resignations and elections keeps the images what the log says (I15).

use super::*;
use crate::create_topics::ReplicaAssignment;
use crate::scene::{Scene, cluster_id};
use crate::{
    AlterPartition, AlterPartitions, Changes, ConfigResource, ElectionKind, Fate, LeaderRecovery,
    MorePartitions, PartitionChange,
};
use model::{PartitionEpoch, PartitionIndex, PartitionKey, TopicId};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Register { id: i32, lossless: bool },
    Unfence(i32),
    Fence(i32),
    ShutDown(i32),
    Heartbeat { id: i32, applied: u8, want_fence: bool, want_shutdown: bool },
    HeardOf(i32),
    Gone(i32),
    Pass(u64),
    Create { name: usize, partitions: i32, factor: i16, start: u64, unclean: bool },
    Assign { name: usize, brokers: Vec<i32> },
    Remove(usize),
    Grow { name: usize, count: i32, start: u64 },
    Unregister(i32),
    ProducerIds(i32),
    Elect { unclean: bool },
    Alter { name: usize, mask: u8, stale: bool },
    Commit(u8),
    Resign,
    Lead,
}

const NAMES: [&str; 6] = ["a", "b.c", "b_c", "d", "e.f", "__consumer_offsets"];

fn step() -> impl Strategy<Value = Step> {
    let broker = 1..5i32;
    let name = 0..NAMES.len();
    prop_oneof![
        3 => (broker.clone(), any::<bool>()).prop_map(|(id, lossless)| Step::Register { id, lossless }),
        3 => broker.clone().prop_map(Step::Unfence),
        2 => broker.clone().prop_map(Step::Fence),
        1 => broker.clone().prop_map(Step::ShutDown),
        6 => (broker.clone(), any::<u8>(), prop::bool::weighted(0.1), prop::bool::weighted(0.2))
            .prop_map(|(id, applied, want_fence, want_shutdown)| Step::Heartbeat { id, applied, want_fence, want_shutdown }),
        1 => broker.clone().prop_map(Step::HeardOf),
        1 => broker.clone().prop_map(Step::Gone),
        2 => (0..12u64).prop_map(Step::Pass),
        4 => (name.clone(), -1..5i32, -1..4i16, any::<u64>(), any::<bool>())
            .prop_map(|(name, partitions, factor, start, unclean)| Step::Create { name, partitions, factor, start, unclean }),
        1 => (name.clone(), prop::collection::vec(1..6i32, 0..4)).prop_map(|(name, brokers)| Step::Assign { name, brokers }),
        1 => name.clone().prop_map(Step::Remove),
        1 => (name, 0..8i32, any::<u64>()).prop_map(|(name, count, start)| Step::Grow { name, count, start }),
        1 => broker.clone().prop_map(Step::Unregister),
        1 => broker.prop_map(Step::ProducerIds),
        1 => any::<bool>().prop_map(|unclean| Step::Elect { unclean }),
        4 => (0..NAMES.len(), any::<u8>(), prop::bool::weighted(0.1))
            .prop_map(|(name, mask, stale)| Step::Alter { name, mask, stale }),
        4 => any::<u8>().prop_map(Step::Commit),
        1 => Just(Step::Resign),
        2 => Just(Step::Lead),
    ]
}

/// Takes the step where it applies. Refusals are fine; what is decided must be what is described.
fn take(scene: &mut Scene, step: &Step) {
    let registered = |scene: &Scene, id: &i32| scene.image().broker(BrokerId(*id)).is_some();
    match step {
        Step::Lead if scene.controller.active().is_none() => scene.lead(),
        Step::Commit(share) => {
            let from = scene.controller.committed().end().0;
            let to = from + (scene.end.0 - from) * i64::from(*share) / 255;
            scene.controller.committed_to(Offset(to));
        }
        _ if scene.controller.active().is_none() => {}
        Step::Resign => {
            let committed = scene.controller.committed().clone();
            scene.resign();
            assert_eq!(scene.image(), &committed, "speculative reverted is committed");
        }
        Step::Register { id, lossless } => {
            let restarts = *lossless && registered(scene, id);
            let epoch = if restarts { scene.restart(*id) } else { scene.register(*id) };
            let eligible = scene.image().partitions_eligible_on(BrokerId(*id)).count();
            assert!(restarts || eligible == 0, "who may have lost records is not eligible");
            let broker = scene.image().broker(BrokerId(*id)).unwrap();
            assert!(broker.fenced && broker.epoch == epoch);
            assert_eq!(led_by(scene, *id), 0, "a new incarnation leads nothing");
        }
        Step::Unfence(id) if registered(scene, id) => scene.unfence(*id),
        Step::Fence(id) if registered(scene, id) => {
            scene.fence(*id);
            assert_eq!(led_by(scene, *id), 0, "a fenced broker leads nothing");
        }
        Step::ShutDown(id) if registered(scene, id) => {
            scene.shut_down(*id);
            assert_eq!(led_by(scene, *id), 0, "a broker on its way down leads nothing");
        }
        Step::Heartbeat { id, applied, want_fence, want_shutdown } if registered(scene, id) => {
            let end = scene.controller.committed().end().0;
            let reply = scene.heartbeat_with(*id, |request| {
                request.metadata_offset = Offset(end * i64::from(*applied) / 255 - 1);
                (request.want_fence, request.want_shutdown) = (*want_fence, *want_shutdown);
            });
            check_heartbeat(scene, *id, reply);
        }
        Step::HeardOf(id) if registered(scene, id) => {
            scene.controller.heard_of(scene.now, BrokerId(*id), scene.epoch_of(*id));
            assert!(scene.controller.in_session(scene.now, BrokerId(*id)));
        }
        Step::Gone(id) if registered(scene, id) => {
            let decision = scene.controller.gone(BrokerId(*id), scene.epoch_of(*id)).unwrap();
            scene.append(decision);
            assert!(scene.image().broker(BrokerId(*id)).unwrap().fenced);
            assert!(!scene.controller.in_session(scene.now, BrokerId(*id)));
        }
        Step::Pass(seconds) => {
            scene.pass(model::time::Duration::from_secs(*seconds));
            assert!(scene.controller.next_deadline().is_none_or(|deadline| deadline > scene.now));
        }
        Step::Create { name, partitions, factor, start, unclean } => {
            let mut topic = scene.topic(NAMES[*name]);
            (topic.partitions, topic.replication_factor, topic.draws.start) = (*partitions, *factor, *start);
            if *unclean {
                topic.configs = vec![("unclean.leader.election.enable".to_owned(), Some("true".to_owned()))];
            } else {
                let min_isr = start % 3 + 1;
                topic.configs = vec![("min.insync.replicas".to_owned(), Some(min_isr.to_string()))];
            }
            create(scene, topic);
        }
        Step::Assign { name, brokers } => {
            let mut topic = scene.topic(NAMES[*name]);
            topic.assignments = vec![ReplicaAssignment { partition: 0, brokers: brokers.clone() }];
            create(scene, topic);
        }
        Step::Remove(name) => {
            let topic = TopicToDelete { name: Some(NAMES[*name].to_owned()), id: TopicId::default() };
            let existed = scene.image().topic_named(NAMES[*name]).is_some();
            let decision = scene.controller.delete_topics(&[topic]).unwrap();
            assert_eq!(decision.records.len(), usize::from(existed));
            assert_eq!(scene.append(decision)[0].outcome.is_ok(), existed);
            assert!(scene.image().topic_named(NAMES[*name]).is_none());
            assert!(scene.image().overrides(&ConfigResource::topic(NAMES[*name])).is_empty());
        }
        Step::Grow { name, count, start } => {
            let more = MorePartitions {
                name: NAMES[*name].to_owned(),
                count: *count,
                assignments: None,
                start: *start,
            };
            let before = scene.image().clone();
            let request = CreatePartitions { topics: vec![more], validate_only: false };
            let decision = scene.controller.create_partitions(&request).unwrap();
            match scene.append(decision).remove(0).1 {
                Ok(()) => {
                    let topic = scene.image().topic_named(NAMES[*name]).unwrap();
                    assert_eq!(topic.partitions.len() as i32, *count);
                }
                Err(_) => assert_eq!(scene.image(), &before, "a refusal changes nothing"),
            }
        }
        Step::Elect { unclean } => {
            let kind = if *unclean { ElectionKind::Unclean } else { ElectionKind::Preferred };
            let before = scene.image().clone();
            let request = ElectLeaders { kind, partitions: None };
            let decision = scene.controller.elect_leaders(&request).unwrap();
            for (name, outcomes) in scene.append(decision) {
                let (before, after) =
                    (before.topic_named(&name).unwrap(), scene.image().topic_named(&name).unwrap());
                for (index, outcome) in outcomes {
                    let index = PartitionIndex(index);
                    let (before, after) = (before.partition(index).unwrap(), after.partition(index).unwrap());
                    assert_eq!(outcome.is_ok(), before.leader != after.leader);
                    assert!(outcome.is_err() || after.leader.is_some());
                    assert!(
                        *unclean || after.recovery == before.recovery || before.last_known_elr.len() == 1
                    );
                }
            }
        }
        Step::Alter { name, mask, stale } => alter(scene, NAMES[*name], *mask, *stale),
        Step::Unregister(id) if registered(scene, id) => {
            let decision = scene.controller.unregister_broker(BrokerId(*id)).unwrap();
            scene.append(decision);
            assert!(!registered(scene, id));
            assert_eq!(led_by(scene, *id), 0, "an unknown broker leads nothing");
        }
        Step::ProducerIds(id) if registered(scene, id) => {
            let next = scene.image().next_producer_id();
            let epoch = scene.epoch_of(*id);
            let decision = scene.controller.allocate_producer_ids(BrokerId(*id), epoch).unwrap();
            assert_eq!(scene.append(decision).first, next);
            assert_eq!(scene.image().next_producer_id().0, next.0 + 1000);
        }
        Step::Lead
        | Step::Unfence(_)
        | Step::Fence(_)
        | Step::ShutDown(_)
        | Step::Heartbeat { .. }
        | Step::HeardOf(_)
        | Step::Gone(_)
        | Step::Unregister(_)
        | Step::ProducerIds(_) => {}
    }
}

/// What a broker is told is what is appended, and whoever is told to go leads nothing and is fenced.
fn check_heartbeat(scene: &Scene, id: i32, reply: HeartbeatReply) {
    let broker = scene.image().broker(BrokerId(id)).unwrap();
    assert_eq!(reply.fenced, broker.fenced);
    assert!(!reply.should_shut_down || broker.fenced);
    assert!(broker.fenced || scene.controller.in_session(scene.now, BrokerId(id)));
    assert!(broker.is_active() || led_by(scene, id) == 0);
    assert!(broker.fenced || scene.controller.next_deadline().is_some(), "who is available is watched");
}

/// The leader of a topic's first partition wants the replicas of the mask in sync, and itself.
fn alter(scene: &mut Scene, name: &str, mask: u8, stale: bool) {
    let Some(topic) = scene.image().topic_named(name).cloned() else { return };
    let key = topic.key(PartitionIndex(0));
    let before = topic.partition(key.index).unwrap().clone();
    let Some(leader) = before.leader else { return };
    let wanted = before.replicas.iter().filter(|id| **id == leader || mask & (1 << id.0) != 0);
    let isr: Vec<_> = wanted.map(|id| (*id, scene.image().broker(*id).map(|broker| broker.epoch))).collect();
    let version = before.partition_epoch.0 - i32::from(stale);
    let partition = AlterPartition {
        key,
        leader_epoch: before.leader_epoch,
        partition_epoch: PartitionEpoch(version),
        isr,
        recovery: LeaderRecovery::Recovered,
    };
    let active = |id: &BrokerId| scene.image().broker(*id).is_some_and(|broker| broker.is_active());
    let possible = !stale && partition.isr.iter().all(|(id, _)| active(id));
    let epoch = scene.epoch_of(leader.0);
    let request = AlterPartitions { leader, epoch, partitions: vec![partition] };
    let decision = scene.controller.alter_partitions(&request).unwrap();
    let outcome = scene.append(decision).remove(0).1;
    assert_eq!(outcome.is_ok(), possible, "{outcome:?}");
    let after = scene.image().partition(key).unwrap();
    assert_eq!((after.leader, after.leader_epoch), (before.leader, before.leader_epoch));
    if let Ok(altered) = outcome {
        assert_eq!((&altered.isr, altered.partition_epoch), (&after.isr, after.partition_epoch));
        assert_eq!(after.recovery, LeaderRecovery::Recovered);
    }
}

fn create(scene: &mut Scene, topic: crate::NewTopic) {
    let before = scene.image().clone();
    let Ok(outcomes) = scene.create(vec![topic.clone()]) else {
        panic!("an active controller answers");
    };
    match &outcomes[0].1 {
        Ok(created) => {
            let made = scene.image().topic_named(&topic.name).unwrap();
            assert_eq!((made.id, made.partitions.len() as i32), (created.id, created.partitions));
            assert_eq!(made.replication_factor() as i16, created.replication_factor);
            assert!(made.partitions.values().all(|partition| partition.leader.is_some()));
        }
        Err(_) => assert_eq!(scene.image(), &before, "a refusal changes nothing"),
    }
}

fn led_by(scene: &Scene, id: i32) -> usize {
    let partitions = scene.image().topics().flat_map(|topic| topic.partitions.values());
    partitions.filter(|partition| partition.leader == Some(BrokerId(id))).count()
}

/// All partitions of an image.
fn partitions(image: &ClusterImage) -> BTreeMap<PartitionKey, crate::Partition> {
    let of = |topic: &std::sync::Arc<crate::Topic>| -> Vec<_> {
        topic.partitions.iter().map(|(index, partition)| (topic.key(*index), (**partition).clone())).collect()
    };
    image.topics().flat_map(of).collect()
}

/// Applying the changes to the partitions of the older image gives those of the newer one.
fn check_changes(older: &ClusterImage, newer: &ClusterImage) {
    let changes: Changes = newer.changes_since(older);
    let mut built = partitions(older);
    for PartitionChange { key, before, after, .. } in &changes.partitions {
        assert_ne!(before, after, "only what changed is listed");
        assert_eq!(built.remove(key), before.as_deref().cloned());
        built.extend(after.as_deref().map(|after| (*key, after.clone())));
    }
    assert_eq!(built, partitions(newer));
    for broker in (1..5).map(BrokerId) {
        for (fate, change) in changes.of(broker) {
            let held = older.partition(change.key).is_some_and(|partition| partition.is_replica(broker));
            assert_eq!(held, fate != Fate::Gained);
        }
    }
    assert_eq!(changes.features, older.finalized_features().ne(newer.finalized_features()));
}

/// Epochs only grow, a partition's with every change and a leader's with every other leader.
fn check_epochs(older: &ClusterImage, newer: &ClusterImage) {
    for PartitionChange { before, after, .. } in newer.changes_since(older).partitions {
        let (Some(before), Some(after)) = (before, after) else { continue };
        assert!(before.partition_epoch < after.partition_epoch);
        assert!(before.leader_epoch <= after.leader_epoch);
        assert!(before.leader == after.leader || before.leader_epoch < after.leader_epoch);
    }
}

/// The records of a snapshot give the image again.
fn check_snapshot(image: &ClusterImage) {
    let mut copy = ClusterImage::new(cluster_id());
    for (at, record) in (0..).zip(image.records()) {
        copy.replay(Offset(at), &record).unwrap();
    }
    let mut image = image.visible().clone();
    let end = image.end().max(copy.end());
    image.skip_to(end);
    copy.skip_to(end);
    assert_eq!(copy, image);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn images_are_what_the_log_says(crowd in 0..4i32, steps in prop::collection::vec(step(), 1..100)) {
        let mut scene = Scene::standby();
        scene.lead();
        for id in 1..=crowd {
            scene.register(id);
            scene.unfence(id);
        }
        let mut seen = scene.controller.committed().clone();
        for step in &steps {
            let before = scene.image().clone();
            take(&mut scene, step);
            if !matches!(step, Step::Resign) {
                check_epochs(&before, scene.image());
            }
            scene.image().assert_invariants();
            let committed = scene.controller.committed();
            committed.assert_invariants();
            check_changes(&seen, committed);
            check_snapshot(scene.image());
            seen = committed.clone();
        }
        let mut replayed = scene.replayed();
        replayed.skip_to(scene.image().end());
        prop_assert_eq!(&replayed, scene.image());

        // A standby that follows batch by batch, in whatever batches, ends with the same image.
        let mut standby = Scene::standby().controller;
        for (offset, record) in &scene.log {
            standby.follow(*offset, std::slice::from_ref(record)).unwrap();
        }
        standby.follow_to(scene.image().end());
        prop_assert_eq!(standby.committed(), scene.image());
    }
}
