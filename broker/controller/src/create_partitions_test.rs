//! CreatePartitions as transcripts: what is asked, and what is answered and written.

use super::*;
use crate::scene::Scene;
use model::PartitionIndex;

fn more(count: i32, assignments: Option<&[&[i32]]>) -> MorePartitions {
    let assignments = assignments.map(|partitions| partitions.iter().map(|ids| ids.to_vec()).collect());
    MorePartitions { name: "orders".to_owned(), count, assignments, start: 0 }
}

/// Brokers 1 to 3, of which 3 is fenced, and a topic of two partitions with two replicas.
fn crowd() -> Scene {
    let mut scene = Scene::with_brokers(&[1, 2, 3]);
    scene.fence(3);
    let mut topic = scene.topic("orders");
    topic.replication_factor = 2;
    scene.create(vec![topic]).unwrap();
    scene
}

fn ask(scene: &mut Scene, topics: Vec<MorePartitions>, validate_only: bool) -> Vec<String> {
    let request = CreatePartitions { topics, validate_only };
    let decision = scene.controller.create_partitions(&request).unwrap();
    let text = |(name, outcome): PartitionsOutcome| match outcome {
        Ok(()) => format!("{name} ok"),
        Err(refusal) => format!("{name} {refusal}"),
    };
    scene.append(decision).into_iter().map(text).collect()
}

fn replicas(scene: &Scene, index: i32) -> Vec<i32> {
    let topic = scene.image().topic_named("orders").unwrap();
    topic.partition(PartitionIndex(index)).unwrap().replicas.iter().map(|id| id.0).collect()
}

fn count(scene: &Scene) -> usize {
    scene.image().topic_named("orders").unwrap().partitions.len()
}

#[test]
fn partitions_are_added_where_there_is_room_or_where_they_are_wanted() {
    let mut scene = crowd();
    assert_eq!(ask(&mut scene, vec![more(4, None)], true), ["orders ok"]);
    assert_eq!(count(&scene), 2, "only asked");
    assert_eq!(ask(&mut scene, vec![more(4, None)], false), ["orders ok"]);
    assert_eq!(count(&scene), 4);
    assert_ne!(replicas(&scene, 2)[0], replicas(&scene, 3)[0], "leaders are spread");
    assert_eq!(ask(&mut scene, vec![more(6, Some(&[&[3, 1], &[2, 3]]))], false), ["orders ok"]);
    assert_eq!((replicas(&scene, 4), replicas(&scene, 5)), (vec![3, 1], vec![2, 3]));
    let topic = scene.image().topic_named("orders").unwrap();
    let led_by_1 = topic.partition(PartitionIndex(4)).unwrap();
    assert_eq!((led_by_1.leader, led_by_1.isr.as_slice()), (Some(BrokerId(1)), &[BrokerId(1)][..]));
}

#[test]
fn what_is_refused() {
    let refused = |request: MorePartitions| {
        let mut scene = crowd();
        let answer = ask(&mut scene, vec![request], false).remove(0);
        assert_eq!(count(&scene), 2);
        answer
    };
    assert_eq!(refused(more(2, None)), "orders InvalidPartitions: Topic already has 2 partition(s).");
    assert_eq!(
        refused(more(-1, None)),
        "orders InvalidPartitions: The topic orders currently has 2 partition(s); -1 would not be an increase."
    );
    let unknown = MorePartitions { name: "none".to_owned(), ..more(i32::MAX, None) };
    assert_eq!(
        refused(unknown),
        "none UnknownTopicOrPartition: This server does not host this topic-partition."
    );
    assert_eq!(
        refused(more(4, Some(&[&[1, 2]]))),
        "orders InvalidReplicaAssignment: Attempted to add 2 additional partition(s), but only 1 assignment(s) were \
         specified."
    );
    assert_eq!(
        refused(more(3, Some(&[&[1]]))),
        "orders InvalidReplicaAssignment: The manual partition assignment includes a partition with 1 replica(s), \
         but this is not consistent with previous partitions, which have 2 replica(s)."
    );
    let mut scene = crowd();
    scene.fence(2);
    assert_eq!(
        ask(&mut scene, vec![more(3, Some(&[&[2, 3]]))], false),
        [
            "orders InvalidReplicaAssignment: All brokers specified in the manual partition assignment for partition 2 \
          are fenced or in controlled shutdown."
        ]
    );
    let twice = vec![more(3, None), more(4, None)];
    assert_eq!(ask(&mut scene, twice, false), ["orders InvalidRequest: Duplicate topic name."]);
    scene.shut_down(1);
    assert_eq!(
        ask(&mut scene, vec![more(3, None)], false),
        [
            "orders InvalidReplicationFactor: All brokers are currently fenced, or have all their log directories cordoned."
        ]
    );
    let request = CreatePartitions { topics: vec![more(i32::MAX, None)], validate_only: true };
    let refusal = scene.controller.create_partitions(&request).unwrap_err();
    assert_eq!(refusal.reason, Reason::PolicyViolation);
}
