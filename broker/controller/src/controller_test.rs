//! Activation, registrations, elections, and the two images.

use super::*;
use crate::scene::{Scene, registration};
use crate::{AlterPartition, AlterPartitions, Atomicity, Fate, LeaderRecovery, NodeEndpoint, features};
use model::{LeaderEpoch, PartitionEpoch, PartitionIndex, Uuid};
use records::metadata::{
    AbortTransactionRecord, BeginTransactionRecord, ConfigRecord, EndTransactionRecord, FeatureLevelRecord,
    RegisterControllerRecord,
};

fn replicated(scene: &mut Scene, name: &str, factor: i16) {
    let mut topic = scene.topic(name);
    (topic.partitions, topic.replication_factor) = (1, factor);
    scene.create(vec![topic]).unwrap().remove(0).1.unwrap();
}

/// Leader, leader epoch, partition epoch and ISR of partition 0.
fn state(scene: &Scene, name: &str) -> (Option<i32>, i32, i32, Vec<i32>) {
    let partition = scene.image().topic_named(name).unwrap().partition(PartitionIndex(0)).unwrap();
    let isr = partition.isr.iter().map(|id| id.0).collect();
    (partition.leader.map(|id| id.0), partition.leader_epoch.0, partition.partition_epoch.0, isr)
}

/// The eligible leader replicas of partition 0.
fn eligible(scene: &Scene, name: &str) -> Vec<i32> {
    let partition = scene.image().topic_named(name).unwrap().partition(PartitionIndex(0)).unwrap();
    partition.elr.iter().map(|id| id.0).collect()
}

#[test]
fn the_first_leader_writes_the_bootstrap_records_in_a_transaction() {
    let scene = Scene::new();
    let records: Vec<_> = scene.log.iter().map(|(_, record)| record.clone()).collect();
    let begin = BeginTransactionRecord { name: Some("Bootstrap records".to_owned()) };
    let level = |name: &str, feature_level| {
        MetadataRecord::FeatureLevel(FeatureLevelRecord { name: name.to_owned(), feature_level })
    };
    let config = ConfigRecord {
        resource_type: 4,
        resource_name: String::new(),
        name: "min.insync.replicas".to_owned(),
        value: Some("1".to_owned()),
    };
    assert_eq!(
        records,
        [
            MetadataRecord::BeginTransaction(begin),
            level("metadata.version", 30),
            level("eligible.leader.replicas.version", 1),
            MetadataRecord::Config(config),
            MetadataRecord::EndTransaction(EndTransactionRecord {}),
        ]
    );
    let image = scene.controller.committed();
    let finalized: Vec<_> = image.finalized_features().collect();
    assert_eq!(finalized, [("eligible.leader.replicas.version", 1), ("metadata.version", 30)]);
    assert_eq!(image.finalized_features_epoch(), 5);
    for (name, level) in image.finalized_features() {
        assert!(features::supported()[name].contains(level));
    }
}

#[test]
fn a_later_leader_writes_nothing_and_one_after_a_crash_aborts() {
    let mut scene = Scene::new();
    scene.resign();
    scene.end = scene.end.plus(1);
    scene.controller.follow_to(scene.end);
    assert_eq!(scene.controller.became_leader(Instant(0), LeaderEpoch(2)).records, []);

    let mut scene = Scene::standby();
    let begin = MetadataRecord::BeginTransaction(BeginTransactionRecord { name: None });
    let level = FeatureLevelRecord { name: "metadata.version".to_owned(), feature_level: 30 };
    scene.controller.follow(Offset(1), &[begin.clone(), level.into()]).unwrap();
    assert!(!scene.controller.committed().is_bootstrapped(), "a transaction is not seen before its end");
    let records = scene.controller.became_leader(Instant(0), LeaderEpoch(2)).records;
    let abort = AbortTransactionRecord { reason: Some("Controller failover".to_owned()) };
    assert_eq!(records[0], MetadataRecord::AbortTransaction(abort));
    assert_eq!(records[1..], Scene::new().log.into_iter().map(|(_, record)| record).collect::<Vec<_>>());
    scene.controller.appended(Offset(3), &records).unwrap();
    scene.controller.committed_to(Offset(9));
    assert!(
        scene.controller.committed().is_bootstrapped()
            && scene.controller.committed().transaction().is_none()
    );
}

#[test]
fn a_transaction_is_seen_at_its_end_and_an_aborted_one_never() {
    let topic = |name: &str, id| {
        let record =
            records::metadata::TopicRecord { name: name.to_owned(), topic_id: Uuid::from_draws(id, id) };
        MetadataRecord::Topic(record)
    };
    let begin = MetadataRecord::BeginTransaction(BeginTransactionRecord { name: None });
    let mut image = Scene::with_brokers(&[1]).image().clone();
    let before = image.clone();
    let replay = |image: &mut ClusterImage, record: MetadataRecord| {
        let at = image.end();
        image.replay(at, &record).unwrap();
    };
    replay(&mut image, begin.clone());
    replay(&mut image, topic("a", 1));
    assert_eq!(image.visible(), &before);
    assert_eq!(image.transaction().unwrap().start, before.end());
    replay(&mut image, AbortTransactionRecord { reason: None }.into());
    let mut skipped = before.clone();
    skipped.skip_to(image.end());
    assert_eq!(image, skipped, "nothing is left of what was aborted but its offsets");
    replay(&mut image, begin.clone());
    replay(&mut image, topic("b", 2));
    replay(&mut image, EndTransactionRecord {}.into());
    assert!(image.visible().topic_named("a").is_none() && image.visible().topic_named("b").is_some());
    replay(&mut image, begin.clone());
    assert_eq!(image.replay(image.end(), &begin), Err(ReplayError::Transaction));
}

#[test]
fn decisions_are_for_the_active_controller_only() {
    let mut scene = Scene::with_brokers(&[1]);
    let topic = scene.topic("orders");
    scene.resign();
    assert_eq!(scene.create(vec![topic]).unwrap_err().reason, Reason::NotController);
    let mut scene = Scene::standby();
    let request = scene.registration(1);
    let refusal = scene.controller.register_broker(&request, scene.end, false).unwrap_err();
    assert_eq!(refusal.to_string(), "NotController: Node 1 is not the active controller.");
}

#[test]
fn committed_trails_speculative_batch_by_batch() {
    let mut scene = Scene::with_brokers(&[1]);
    let committed = scene.controller.committed().clone();
    replicated(&mut scene, "first", 1);
    let after_first = scene.end;
    replicated(&mut scene, "second", 1);
    assert_eq!(scene.controller.committed(), &committed);
    assert_eq!(scene.controller.pending(), 2);
    assert!(!scene.controller.committed_to(Offset(after_first.0 - 1)));
    assert!(scene.controller.committed_to(after_first));
    assert!(scene.controller.committed().topic_named("first").is_some());
    assert!(scene.controller.committed().topic_named("second").is_none());
    scene.resign();
    assert!(scene.image().topic_named("second").is_none(), "a resignation takes back what is not committed");
    assert_eq!(scene.image(), scene.controller.committed());
    assert_eq!(scene.image(), &scene.replayed());
}

#[test]
fn a_restarted_broker_is_led_again_in_a_new_epoch() {
    let mut scene = Scene::with_brokers(&[1]);
    replicated(&mut scene, "orders", 1);
    assert_eq!(state(&scene, "orders"), (Some(1), 0, 0, vec![1]));
    let first = scene.epoch_of(1);
    let second = scene.restart(1);
    assert!(second > first, "a new incarnation has a new epoch");
    assert!(scene.image().broker(BrokerId(1)).unwrap().fenced);
    assert_eq!(state(&scene, "orders"), (None, 1, 1, vec![]));
    assert_eq!(eligible(&scene, "orders"), [1], "it has everything");
    let stale = scene.controller.gone(BrokerId(1), first).unwrap_err();
    let why = format!("StaleBrokerEpoch: Expected broker epoch {second}, but got broker epoch {first}");
    assert_eq!(stale.to_string(), why);
    scene.unfence(1);
    assert_eq!(state(&scene, "orders"), (Some(1), 2, 2, vec![1]));
    let records = scene.log.len();
    scene.unfence(1);
    assert_eq!(scene.log.len(), records, "nothing changes for one that is available");
}

#[test]
fn a_broker_that_may_have_lost_records_is_no_longer_eligible() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    replicated(&mut scene, "orders", 2);
    replicated(&mut scene, "alone", 1);
    let of = |scene: &Scene, name| {
        let (leader, _, _, isr) = state(scene, name);
        (leader, isr, eligible(scene, name))
    };
    scene.fence(2);
    scene.fence(1);
    assert_eq!(of(&scene, "orders"), (None, vec![], vec![1]));
    scene.register(1);
    assert_eq!(of(&scene, "orders"), (None, vec![], vec![]));
    scene.unfence(2);
    assert_eq!(of(&scene, "orders"), (None, vec![], vec![]), "nobody knows what 2 lacks");
    scene.unfence(1);
    assert_eq!(of(&scene, "orders"), (Some(1), vec![1], vec![]), "1 has led last");
    let partition = scene.image().topic_named("orders").unwrap().partition(PartitionIndex(0)).unwrap();
    assert_eq!(partition.recovery, LeaderRecovery::Recovering);
    assert_eq!(partition.last_known_elr, []);
    let (leader, isr, elr) = of(&scene, "alone");
    assert!(leader == Some(1) || leader == Some(2));
    assert_eq!((isr.len(), elr.len()), (1, 0));
}

#[test]
fn a_log_without_eligible_leader_replicas_goes_on_without_them() {
    let mut scene = Scene::with_brokers(&[1]);
    let level = FeatureLevelRecord { name: features::ELIGIBLE_LEADER_REPLICAS.to_owned(), feature_level: 0 };
    scene.append(Decision::whole(vec![level.into()], ()));
    replicated(&mut scene, "orders", 1);
    scene.register(1);
    assert_eq!(state(&scene, "orders"), (None, 1, 1, vec![1]), "the last of the ISR stays in it");
    scene.unfence(1);
    assert_eq!(state(&scene, "orders"), (Some(1), 2, 2, vec![1]));
}

#[test]
fn a_replica_whose_directory_is_gone_does_not_lead() {
    let mut scene = Scene::with_brokers(&[1]);
    replicated(&mut scene, "orders", 1);
    let mut request = scene.registration(1);
    request.previous_epoch = Some(scene.epoch_of(1));
    request.directories = vec![crate::scene::directory(7)];
    let decision = scene.controller.register_broker(&request, scene.end, false).unwrap();
    scene.append(decision);
    scene.unfence(1);
    assert_eq!(state(&scene, "orders"), (None, 1, 1, vec![]));
    assert_eq!(eligible(&scene, "orders"), [1]);
}

#[test]
fn a_replica_that_was_filled_anew_in_another_directory_leads() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    replicated(&mut scene, "orders", 2);
    let mut request = scene.registration(1);
    request.directories = vec![crate::scene::directory(7)];
    let decision = scene.controller.register_broker(&request, scene.end, false).unwrap();
    scene.append(decision);
    let directories = |scene: &Scene| {
        let topic = scene.image().topic_named("orders").unwrap();
        let partition = topic.partition(PartitionIndex(0)).unwrap();
        [BrokerId(1), BrokerId(2)].map(|id| partition.directory(id).unwrap())
    };
    assert_eq!(directories(&scene), [7, 2].map(crate::scene::directory));
    scene.unfence(1);
    assert_eq!(state(&scene, "orders"), (Some(2), 1, 2, vec![2]));
    let alter = AlterPartition {
        key: scene.image().topic_named("orders").unwrap().key(PartitionIndex(0)),
        leader_epoch: LeaderEpoch(1),
        partition_epoch: PartitionEpoch(2),
        isr: [2, 1].map(|id| (BrokerId(id), None)).to_vec(),
        recovery: LeaderRecovery::Recovered,
    };
    let epoch = scene.epoch_of(2);
    let alter = AlterPartitions { leader: BrokerId(2), epoch, partitions: vec![alter] };
    let decision = scene.controller.alter_partitions(&alter).unwrap();
    scene.append(decision);
    scene.fence(2);
    assert_eq!(state(&scene, "orders"), (Some(1), 2, 4, vec![1]), "filled anew, it has everything");
}

#[test]
fn the_last_leader_stays_where_its_records_were() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    replicated(&mut scene, "orders", 2);
    scene.fence(2);
    let mut request = scene.registration(1);
    request.directories = vec![crate::scene::directory(7)];
    let decision = scene.controller.register_broker(&request, scene.end, false).unwrap();
    scene.append(decision);
    scene.unfence(1);
    assert_eq!(state(&scene, "orders"), (None, 1, 2, vec![]), "an empty disk has nothing to lead with");
    scene.unfence(2);
    assert_eq!(state(&scene, "orders"), (None, 1, 2, vec![]));
}

#[test]
fn leaders_move_within_the_isr() {
    let mut scene = Scene::with_brokers(&[1, 2, 3]);
    replicated(&mut scene, "orders", 3);
    scene.fence(1);
    assert_eq!(state(&scene, "orders"), (Some(2), 1, 1, vec![2, 3]));
    scene.fence(3);
    assert_eq!(state(&scene, "orders"), (Some(2), 1, 2, vec![2]), "an ISR that shrinks is no new epoch");
    scene.shut_down(2);
    assert_eq!(state(&scene, "orders"), (None, 2, 3, vec![]));
    scene.unfence(1);
    assert_eq!(state(&scene, "orders"), (None, 2, 3, vec![]), "1 may lack records");
    let epoch = scene.restart(2);
    scene.unfence(2);
    assert_eq!(scene.epoch_of(2), epoch);
    assert_eq!(state(&scene, "orders"), (Some(2), 3, 4, vec![2]));
}

#[test]
fn a_fence_cut_short_by_a_resignation_is_finished_by_the_next_leader() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    for name in ["a", "b", "c"] {
        replicated(&mut scene, name, 2);
    }
    scene.commit();
    let before = scene.end;
    let decision = scene.controller.gone(BrokerId(1), scene.epoch_of(1)).unwrap();
    let sizes: Vec<_> = decision.batches(3).map(<[_]>::len).collect();
    assert_eq!((sizes, decision.atomicity), (vec![3, 1], Atomicity::Prefixes));
    scene.append(decision);
    scene.controller.committed_to(before.plus(2));
    scene.resign();
    let leads = |scene: &Scene, id| -> usize {
        ["a", "b", "c"].iter().filter(|name| state(scene, name).0 == Some(id)).count()
    };
    assert_eq!((leads(&scene, 1), scene.image().broker(BrokerId(1)).unwrap().fenced), (1, false));
    scene.lead();
    scene.fence(1);
    assert_eq!((leads(&scene, 1), leads(&scene, 2)), (0, 3));
    assert!(scene.image().broker(BrokerId(1)).unwrap().fenced);
}

#[test]
fn an_unclean_election_needs_permission() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    let mut topic = scene.topic("careless");
    (topic.partitions, topic.replication_factor) = (1, 2);
    topic.configs = vec![("unclean.leader.election.enable".to_owned(), Some("true".to_owned()))];
    scene.create(vec![topic]).unwrap();
    scene.fence(2);
    scene.fence(1);
    assert_eq!(state(&scene, "careless"), (None, 1, 2, vec![]));
    scene.unfence(2);
    assert_eq!(state(&scene, "careless"), (Some(2), 2, 3, vec![2]));
    let partition = scene.image().topic_named("careless").unwrap().partition(PartitionIndex(0)).unwrap();
    assert_eq!(partition.recovery, LeaderRecovery::Recovering);
}

#[test]
fn registrations_are_checked() {
    let scene = Scene::with_brokers(&[1, 2]);
    let refused = |change: &dyn Fn(&mut BrokerRegistration), in_session| {
        let mut request = registration(1, Uuid::from_draws(1, 1));
        change(&mut request);
        scene.controller.register_broker(&request, scene.end, in_session).unwrap_err().to_string()
    };
    let other = ClusterId("ebb".into());
    assert_eq!(
        refused(&|request| request.cluster_id = other.clone(), false),
        "InconsistentClusterId: Expected cluster ID tide, but got cluster ID ebb"
    );
    assert!(refused(&|_| {}, true).starts_with("DuplicateBrokerRegistration: Another broker is registered"));
    assert_eq!(
        refused(&|request| request.directories.clear(), false),
        "InvalidRegistration: No directories specified in request"
    );
    assert_eq!(
        refused(&|request| request.directories = vec![crate::scene::directory(2)], false),
        format!(
            "InvalidRegistration: Broker 2 is already registered with directory {}",
            crate::scene::directory(2)
        )
    );
    assert_eq!(
        refused(&|request| request.directories.push(request.directories[0]), false),
        "InvalidRegistration: Duplicate directory ID in request"
    );
    assert_eq!(
        refused(&|request| request.directories = vec![model::DirectoryId::LOST], false),
        "InvalidRegistration: Reserved directory ID in request"
    );
    assert_eq!(
        refused(&|request| request.features.clear(), false),
        "InvalidRegistration: Request features do not contain 'metadata.version'"
    );
    let old = crate::FeatureRange { min: 7, max: 29 };
    assert_eq!(
        refused(&|request| _ = request.features.insert("metadata.version".to_owned(), old), false),
        "UnsupportedVersion: Unable to register because the broker does not support finalized version 30 of \
         metadata.version. The broker wants a version between 7 and 29, inclusive."
    );
}

#[test]
fn the_same_incarnation_amends_its_registration() {
    let mut scene = Scene::with_brokers(&[1]);
    replicated(&mut scene, "orders", 1);
    let known = scene.image().broker(BrokerId(1)).unwrap().clone();
    let mut request = registration(1, known.incarnation);
    request.rack = Some("r1".to_owned());
    let decision = scene.controller.register_broker(&request, scene.end, true).unwrap();
    assert_eq!((decision.records.len(), decision.reply), (1, known.epoch));
    scene.append(decision);
    let amended = scene.image().broker(BrokerId(1)).unwrap();
    assert_eq!((amended.rack.as_deref(), amended.fenced), (Some("r1"), false));
    assert_eq!(state(&scene, "orders"), (Some(1), 0, 0, vec![1]));
}

#[test]
fn a_controller_registers_once() {
    let mut scene = Scene::new();
    let endpoint = NodeEndpoint {
        name: "CONTROLLER".to_owned(),
        host: "b1".to_owned(),
        port: 9093,
        security_protocol: 0,
    };
    let request = ControllerRegistration {
        id: BrokerId(1),
        incarnation: Uuid::from_draws(1, 2),
        endpoints: vec![endpoint],
        features: features::supported(),
    };
    let decision = scene.controller.register_controller(&request).unwrap();
    let [MetadataRecord::RegisterController(RegisterControllerRecord { controller_id: 1, .. })] =
        &decision.records[..]
    else {
        panic!("{decision:?}");
    };
    scene.append(decision);
    assert_eq!(scene.controller.register_controller(&request).unwrap(), Decision::nothing(()));
}

#[test]
fn a_broker_that_is_unregistered_leads_nothing_and_comes_back_as_a_stranger() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    replicated(&mut scene, "orders", 2);
    let past = scene.epoch_of(1);
    let decision = scene.controller.unregister_broker(BrokerId(1)).unwrap();
    scene.append(decision);
    assert_eq!(state(&scene, "orders"), (Some(2), 1, 1, vec![2]));
    let partition = scene.image().topic_named("orders").unwrap().partition(PartitionIndex(0)).unwrap();
    assert!(partition.is_replica(BrokerId(1)));
    let refusal = scene.controller.unregister_broker(BrokerId(1)).unwrap_err();
    assert_eq!(refusal.to_string(), "BrokerIdNotRegistered: Broker ID 1 is not currently registered");
    let refusal = scene.controller.gone(BrokerId(1), past).unwrap_err();
    assert_eq!(refusal.reason, Reason::StaleBrokerEpoch);
    assert!(scene.register(1) > past);
}

#[test]
fn producer_ids_are_given_in_blocks_to_brokers_of_the_present() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    let mut next = |id| {
        let epoch = scene.epoch_of(id);
        let decision = scene.controller.allocate_producer_ids(BrokerId(id), epoch).unwrap();
        scene.append(decision)
    };
    let block = |first| ProducerIdBlock { first: model::ProducerId(first), size: 1000 };
    assert_eq!([next(1), next(2), next(1)], [block(0), block(1000), block(2000)]);
    let refusal = scene.controller.allocate_producer_ids(BrokerId(1), BrokerEpoch(0)).unwrap_err();
    assert_eq!(refusal.reason, Reason::StaleBrokerEpoch);
    let last =
        records::metadata::ProducerIdsRecord { next_producer_id: i64::MAX - 999, ..Default::default() };
    scene.append(Decision::whole(vec![last.into()], ()));
    let epoch = scene.epoch_of(1);
    let refusal = scene.controller.allocate_producer_ids(BrokerId(1), epoch).unwrap_err();
    assert_eq!(refusal.reason, Reason::Unexpected);
}

#[test]
fn changes_tell_a_broker_what_to_do() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    replicated(&mut scene, "kept", 2);
    replicated(&mut scene, "untouched", 1);
    let before = scene.image().clone();
    assert!(scene.image().changes_since(&before).is_empty());
    let mut topic = scene.topic("new");
    topic.partitions = 2;
    topic.configs = vec![("segment.ms".to_owned(), Some("5".to_owned()))];
    let new = scene.create(vec![topic]).unwrap().remove(0).1.unwrap().id;
    scene.fence(2);
    let changes = scene.image().changes_since(&before);
    assert_eq!((changes.topics_created.as_slice(), changes.topics_removed.len()), (&[new][..], 0));
    assert_eq!(changes.configs, [crate::ConfigResource::topic("new")]);
    assert_eq!((changes.brokers.as_slice(), changes.features), (&[BrokerId(2)][..], false));
    let fates = |broker| -> Vec<(Fate, String)> {
        let mut fates: Vec<_> = changes
            .of(BrokerId(broker))
            .map(|(fate, change)| (fate, format!("{}-{}", change.topic, change.key.index)))
            .collect();
        fates.sort_by(|a, b| a.1.cmp(&b.1));
        fates
    };
    assert_eq!(fates(1), [(Fate::Changed, "kept-0".to_owned()), (Fate::Gained, "new-0".to_owned())]);
    assert_eq!(fates(2), [(Fate::Changed, "kept-0".to_owned()), (Fate::Gained, "new-1".to_owned())]);
    let back = before.changes_since(scene.image());
    assert_eq!(back.topics_removed, [new]);
    assert_eq!(back.of(BrokerId(1)).filter(|(fate, _)| *fate == Fate::Lost).count(), 1);
}

#[test]
fn records_that_do_not_fit_are_errors_and_change_nothing() {
    let scene = Scene::with_brokers(&[1]);
    let end = scene.end;
    let refused = |record: MetadataRecord| {
        let mut image = scene.image().clone();
        let error = image.replay(end, &record).unwrap_err();
        assert_eq!(&image, scene.image());
        error.to_string()
    };
    let nobody = Uuid::ZERO;
    assert_eq!(
        refused(records::metadata::RemoveTopicRecord { topic_id: nobody }.into()),
        format!("no topic has the id {nobody}")
    );
    let partition = records::metadata::PartitionRecord {
        partition_id: 0,
        topic_id: nobody,
        replicas: vec![1],
        directories: vec![nobody; 2],
        ..Default::default()
    };
    let why = format!("partition {nobody}-0 has not one directory for each replica");
    assert_eq!(refused(partition.into()), why);
    let level = FeatureLevelRecord { name: "metadata.version".to_owned(), feature_level: 31 };
    assert_eq!(
        refused(level.into()),
        "feature metadata.version is finalized at level 31, which is not supported"
    );
    assert_eq!(refused(EndTransactionRecord {}.into()), "a metadata transaction begins or ends out of turn");
    let acl = records::metadata::AccessControlEntryRecord::default();
    assert_eq!(refused(acl.into()), "AccessControlEntryRecord is not supported");
}
