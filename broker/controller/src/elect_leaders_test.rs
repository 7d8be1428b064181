//! Elections on request and by the clock, as transcripts.

use super::*;
use crate::create_topics::ReplicaAssignment;
use crate::scene::Scene;
use model::BrokerId;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A topic whose partitions have these replicas.
fn assign(scene: &mut Scene, name: &str, partitions: &[&[i32]]) {
    let mut topic = scene.topic(name);
    let assignment =
        |(partition, ids): (i32, &&[i32])| ReplicaAssignment { partition, brokers: ids.to_vec() };
    topic.assignments = (0..).zip(partitions).map(assignment).collect();
    scene.create(vec![topic]).unwrap().remove(0).1.unwrap();
}

fn leaders(scene: &Scene, name: &str) -> Vec<Option<i32>> {
    let topic = scene.image().topic_named(name).unwrap();
    topic.partitions.values().map(|partition| partition.leader.map(|id| id.0)).collect()
}

fn elect(scene: &mut Scene, kind: ElectionKind, partitions: Option<&[(&str, &[i32])]>) -> Vec<String> {
    let named = |(name, indexes): &(&str, &[i32])| ((*name).to_owned(), indexes.to_vec());
    let partitions = partitions.map(|topics| topics.iter().map(named).collect());
    let decision = scene.controller.elect_leaders(&ElectLeaders { kind, partitions }).unwrap();
    let mut lines = Vec::new();
    for (name, outcomes) in scene.append(decision) {
        for (index, outcome) in outcomes {
            let outcome = outcome.map_or_else(|refusal| refusal.to_string(), |()| "elected".to_owned());
            lines.push(format!("{name}-{index} {outcome}"));
        }
    }
    lines
}

/// Everybody is in sync again, as followers would make it with AlterPartition.
fn all_in_sync(scene: &mut Scene, name: &str) {
    let topic = scene.image().topic_named(name).unwrap().clone();
    let record = |(index, partition): (&PartitionIndex, &std::sync::Arc<Partition>)| {
        MetadataRecord::from(PartitionChangeRecord {
            topic_id: topic.id.0,
            partition_id: index.0,
            isr: Some(partition.replicas.iter().map(|id| id.0).collect()),
            eligible_leader_replicas: Some(Vec::new()),
            ..Default::default()
        })
    };
    let records = topic.partitions.iter().map(record).collect();
    scene.append(Decision::whole(records, ()));
}

/// Brokers 1 and 2, and partitions that 2 leads, all of whose replicas are in sync; 1 is preferred for the first two.
fn moved() -> Scene {
    let mut scene = Scene::with_brokers(&[1, 2]);
    assign(&mut scene, "a", &[&[1, 2], &[1, 2], &[2, 1]]);
    scene.fence(1);
    scene.unfence(1);
    assert_eq!(leaders(&scene, "a"), [Some(2); 3]);
    scene
}

#[test]
fn preferred_leaders_lead_again_when_they_are_in_sync() {
    let mut scene = moved();
    let preferred = ElectionKind::Preferred;
    assert_eq!(
        elect(&mut scene, preferred, Some(&[("a", &[0, 2, 3]), ("b", &[0])])),
        [
            "a-0 PreferredLeaderNotAvailable: The preferred leader was not available.",
            "a-2 ElectionNotNeeded: Leader election not needed for topic partition.",
            "a-3 UnknownTopicOrPartition: No such partition as a-3",
            "b-0 UnknownTopicOrPartition: No such topic as b",
        ]
    );
    all_in_sync(&mut scene, "a");
    assert_eq!(elect(&mut scene, preferred, Some(&[("a", &[0])])), ["a-0 elected"]);
    assert_eq!(leaders(&scene, "a"), [Some(1), Some(2), Some(2)]);
    assert_eq!(elect(&mut scene, preferred, None), ["a-1 elected"], "what needs no election is not listed");
    assert_eq!(leaders(&scene, "a"), [Some(1), Some(1), Some(2)]);
}

#[test]
fn an_unclean_election_on_request_needs_no_config() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    assign(&mut scene, "a", &[&[1, 2], &[2, 1]]);
    scene.fence(2);
    scene.fence(1);
    let unclean = ElectionKind::Unclean;
    assert_eq!(
        elect(&mut scene, unclean, Some(&[("a", &[0])])),
        ["a-0 EligibleLeadersNotAvailable: Eligible topic partition leaders are not available."]
    );
    scene.unfence(2);
    assert_eq!(leaders(&scene, "a"), [None, None]);
    assert_eq!(elect(&mut scene, unclean, None), ["a-0 elected", "a-1 elected"]);
    assert_eq!(leaders(&scene, "a"), [Some(2), Some(2)]);
    let topic = scene.image().topic_named("a").unwrap();
    assert!(topic.partitions.values().all(|partition| {
        partition.isr == [BrokerId(2)]
            && partition.elr.is_empty()
            && partition.recovery == crate::LeaderRecovery::Recovering
    }));
    assert_eq!(
        elect(&mut scene, unclean, Some(&[("a", &[0])])),
        ["a-0 ElectionNotNeeded: Leader election not needed for topic partition."]
    );
}

#[test]
fn an_election_that_finds_nobody_takes_nobody_away() {
    let mut scene = moved();
    scene.commit();
    // 2 is on its way down, and the batch that moves its leaderships is lost.
    scene.batch_max = 1;
    let before = scene.end;
    scene.shut_down(2);
    scene.controller.committed_to(before.plus(1));
    scene.resign();
    scene.lead();
    assert!(scene.image().leads_any(BrokerId(2)));
    let outcomes = elect(&mut scene, ElectionKind::Preferred, None);
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.iter().all(|outcome| outcome.contains("PreferredLeaderNotAvailable")), "{outcomes:?}");
    assert_eq!(leaders(&scene, "a"), [Some(2); 3]);
}

#[test]
fn the_controller_restores_preferred_leaders_by_the_clock() {
    let mut scene = moved();
    all_in_sync(&mut scene, "a");
    scene.heartbeat(1);
    scene.heartbeat(2);
    let mut waits = 0;
    while leaders(&scene, "a")[0] == Some(2) {
        scene.heartbeat(1);
        scene.heartbeat(2);
        assert_eq!(scene.pass(seconds(5)), []);
        waits += 5;
    }
    assert_eq!((waits, leaders(&scene, "a")), (300, vec![Some(1), Some(1), Some(2)]));
    scene.resign();
    assert_eq!(scene.controller.next_deadline(), None);
}

#[test]
fn a_round_is_bounded_and_the_next_one_follows_soon() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    assign(&mut scene, "a", &[&[1, 2][..]; BALANCE_MAX + 1]);
    scene.batch_max = usize::MAX;
    scene.fence(1);
    scene.unfence(1);
    all_in_sync(&mut scene, "a");
    let mut settings = Scene::settings();
    settings.leader_balance = None;
    let mut never = Balance::new(None);
    never.begin(scene.now);
    assert_eq!((never.due(), never.round(Instant(u64::MAX), scene.image(), &settings)), (None, None));
    let mut balance = Balance::new(Some(seconds(300)));
    balance.begin(scene.now);
    scene.now = scene.now + seconds(300);
    let mut round = |scene: &mut Scene| {
        let records = balance.round(scene.now, scene.image(), &settings)?;
        let count = records.len();
        scene.append(Decision::prefixes(records, ()));
        Some(count)
    };
    assert_eq!([round(&mut scene), round(&mut scene)], [Some(BALANCE_MAX), None]);
    scene.now = scene.now + BALANCE_AGAIN;
    assert_eq!([round(&mut scene), round(&mut scene)], [Some(1), None]);
    assert_eq!(balance.due(), Some(scene.now + seconds(300)));
}
