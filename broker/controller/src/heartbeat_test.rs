//! Heartbeats as stories: what a broker says, and what becomes of it.

use super::*;
use crate::Reason;
use crate::scene::Scene;
use model::PartitionIndex;

const AVAILABLE: HeartbeatReply = HeartbeatReply { caught_up: true, fenced: false, should_shut_down: false };
const FENCED: HeartbeatReply = HeartbeatReply { caught_up: true, fenced: true, should_shut_down: false };
const TOLD: HeartbeatReply = HeartbeatReply { caught_up: true, fenced: true, should_shut_down: true };

fn want_shutdown(request: &mut Heartbeat) {
    request.want_shutdown = true;
}

/// Who leads partition 0 of a topic, and in which ISR.
fn leader(scene: &Scene, name: &str) -> (Option<i32>, Vec<i32>) {
    let partition = scene.image().topic_named(name).unwrap().partition(PartitionIndex(0)).unwrap();
    (partition.leader.map(|id| id.0), partition.isr.iter().map(|id| id.0).collect())
}

fn topic(scene: &mut Scene, name: &str, factor: i16) {
    let mut topic = scene.topic(name);
    (topic.partitions, topic.replication_factor) = (1, factor);
    scene.create(vec![topic]).unwrap().remove(0).1.unwrap();
    scene.commit();
}

fn fenced(scene: &Scene, id: i32) -> bool {
    scene.image().broker(BrokerId(id)).unwrap().fenced
}

#[test]
fn a_broker_is_available_once_it_has_applied_its_registration() {
    let mut scene = Scene::with_brokers(&[1]);
    topic(&mut scene, "orders", 1);
    // A new incarnation: the epoch is the offset of the first record, the registration is the last of them.
    let epoch = scene.restart(1);
    let registration = scene.end.0 - 1;
    assert!(epoch.0 < registration);
    scene.commit();
    let behind = scene.heartbeat_with(1, |request| request.metadata_offset = Offset(registration - 1));
    assert_eq!(behind, HeartbeatReply { caught_up: false, fenced: true, should_shut_down: false });
    let unwilling = scene.heartbeat_with(1, |request| request.want_fence = true);
    assert_eq!(unwilling, FENCED);
    assert_eq!(leader(&scene, "orders"), (None, vec![]));
    assert_eq!(scene.heartbeat(1), AVAILABLE);
    assert_eq!(leader(&scene, "orders"), (Some(1), vec![1]));
    let records = scene.log.len();
    assert_eq!(scene.heartbeat(1), AVAILABLE);
    assert_eq!(scene.log.len(), records, "nothing changes, nothing is written");
}

#[test]
fn after_a_failover_a_broker_catches_up_with_the_new_controllers_log() {
    let mut scene = Scene::new();
    scene.register(1);
    scene.commit();
    let registration = Offset(scene.end.0 - 1);
    scene.resign();
    scene.lead();
    let reply = scene.heartbeat_with(1, |request| request.metadata_offset = registration);
    assert!(!reply.caught_up && reply.fenced);
    assert_eq!(scene.heartbeat(1), AVAILABLE);
}

#[test]
fn a_broker_is_fenced_when_it_asks_for_it() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    topic(&mut scene, "orders", 2);
    assert_eq!(scene.heartbeat_with(1, |request| request.want_fence = true), FENCED);
    assert_eq!(leader(&scene, "orders"), (Some(2), vec![2]));
    assert!(fenced(&scene, 1));
}

#[test]
fn a_shutdown_waits_until_the_others_know_the_new_leaders() {
    let mut scene = Scene::with_brokers(&[1, 2, 3]);
    topic(&mut scene, "orders", 3);
    for id in 1..=3 {
        scene.heartbeat(id);
    }
    assert_eq!(scene.heartbeat_with(1, want_shutdown), AVAILABLE);
    assert!(scene.image().broker(BrokerId(1)).unwrap().in_controlled_shutdown && !fenced(&scene, 1));
    assert_eq!(leader(&scene, "orders"), (Some(2), vec![2, 3]));
    let moved = Offset(scene.end.0 - 1);
    scene.commit();
    assert_eq!(scene.heartbeat_with(1, want_shutdown), AVAILABLE, "nobody has applied it");
    scene.heartbeat(2);
    scene.heartbeat_with(3, |request| request.metadata_offset = Offset(moved.0 - 1));
    assert_eq!(scene.heartbeat_with(1, want_shutdown), AVAILABLE, "3 has not");
    scene.heartbeat_with(3, |request| request.metadata_offset = moved);
    assert_eq!(scene.heartbeat_with(1, want_shutdown), TOLD);
    assert!(fenced(&scene, 1));
    assert!(!scene.controller.in_session(scene.now, BrokerId(1)), "its next incarnation need not wait");
    assert_eq!(scene.heartbeat_with(1, want_shutdown), TOLD);
}

#[test]
fn a_shutdown_that_was_not_appended_counts_from_when_it_is() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    topic(&mut scene, "orders", 2);
    scene.heartbeat(2);
    // The registration's change gets into the log; the partition's does not, as the disk is full.
    let mut request = Heartbeat {
        id: BrokerId(1),
        epoch: scene.epoch_of(1),
        metadata_offset: Offset(scene.end.0 - 1),
        want_fence: false,
        want_shutdown: true,
    };
    let mut decision = scene.controller.heartbeat(scene.now, &request).unwrap();
    decision.records.truncate(1);
    scene.append(decision);
    for name in ["a", "b", "c"] {
        topic(&mut scene, name, 1);
    }
    scene.commit();
    scene.heartbeat(2);
    request.metadata_offset = Offset(scene.end.0 - 1);
    let moved = scene.controller.heartbeat(scene.now, &request).unwrap();
    assert_eq!((moved.reply, moved.records.is_empty()), (AVAILABLE, false));
    scene.append(moved);
    scene.commit();
    assert_eq!(scene.heartbeat_with(1, want_shutdown), AVAILABLE, "2 has not applied it");
    scene.heartbeat(2);
    assert_eq!(scene.heartbeat_with(1, want_shutdown), TOLD);
}

#[test]
fn a_shutdown_goes_on_under_a_new_controller() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    topic(&mut scene, "a", 2);
    topic(&mut scene, "b", 2);
    let leads = scene.image().leads_any(BrokerId(1));
    assert!(leads);
    // The first batch of two is committed: the registration's change, and one partition.
    scene.heartbeat(2);
    let before = scene.end;
    scene.heartbeat_with(1, want_shutdown);
    scene.controller.committed_to(before.plus(2));
    scene.resign();
    scene.lead();
    assert!(scene.image().leads_any(BrokerId(1)), "it still leads the other one");
    assert_eq!(scene.heartbeat_with(1, want_shutdown), AVAILABLE);
    assert!(!scene.image().leads_any(BrokerId(1)));
    scene.commit();
    assert_eq!(scene.heartbeat_with(1, want_shutdown), AVAILABLE, "2 has not told this controller anything");
    scene.heartbeat(2);
    assert_eq!(scene.heartbeat_with(1, want_shutdown), TOLD);
}

#[test]
fn who_leads_nothing_or_is_fenced_shuts_down_at_once() {
    let mut scene = Scene::with_brokers(&[1, 2]);
    assert_eq!(scene.heartbeat_with(2, want_shutdown), TOLD);
    assert!(fenced(&scene, 2));
    let mut scene = Scene::with_brokers(&[1, 2]);
    topic(&mut scene, "orders", 1);
    assert_eq!(
        scene.heartbeat_with(1, |request| (request.want_fence, request.want_shutdown) = (true, true)),
        TOLD
    );
    assert_eq!(leader(&scene, "orders"), (None, vec![]));
}

#[test]
fn the_last_broker_may_go_although_nobody_takes_over() {
    let mut scene = Scene::with_brokers(&[1]);
    topic(&mut scene, "orders", 1);
    assert_eq!(scene.heartbeat_with(1, want_shutdown), AVAILABLE);
    assert_eq!(leader(&scene, "orders"), (None, vec![]));
    assert_eq!(scene.heartbeat_with(1, want_shutdown), TOLD);
}

#[test]
fn heartbeats_of_the_past_are_refused() {
    let mut scene = Scene::with_brokers(&[1]);
    let past = scene.epoch_of(1);
    scene.register(1);
    let mut request = Heartbeat {
        id: BrokerId(1),
        epoch: past,
        metadata_offset: Offset(99),
        want_fence: false,
        want_shutdown: false,
    };
    let refusal = scene.controller.heartbeat(scene.now, &request).unwrap_err();
    assert_eq!(refusal.reason, Reason::StaleBrokerEpoch);
    request.id = BrokerId(7);
    let refusal = scene.controller.heartbeat(scene.now, &request).unwrap_err();
    assert_eq!(refusal.to_string(), "StaleBrokerEpoch: No broker registration found for broker id 7");
    scene.resign();
    let refusal = scene.controller.heartbeat(scene.now, &request).unwrap_err();
    assert_eq!(refusal.reason, Reason::NotController);
}
