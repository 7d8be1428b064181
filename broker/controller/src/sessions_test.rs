//! Sessions as stories: who is fenced when, and who may take whose place.

use crate::scene::{Scene, registration};
use crate::{Decision, Due, Reason};
use model::time::Duration;
use model::{BrokerEpoch, BrokerId, Instant, Uuid};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn fenced(scene: &Scene, id: i32) -> bool {
    scene.image().broker(BrokerId(id)).unwrap().fenced
}

/// Brokers 1 to 3, available since their heartbeats at time zero.
fn crowd() -> Scene {
    let mut scene = Scene::new();
    for id in 1..=3 {
        scene.register(id);
        scene.commit();
        assert!(!scene.heartbeat(id).fenced);
    }
    scene.commit();
    scene
}

#[test]
fn a_broker_that_falls_silent_is_fenced_when_its_session_ends() {
    let mut scene = crowd();
    assert_eq!(scene.controller.next_deadline(), Some(Instant(0) + seconds(9)));
    assert_eq!(scene.pass(seconds(5)), []);
    scene.heartbeat(1);
    scene.controller.heard_of(scene.now, BrokerId(2), scene.epoch_of(2));
    assert_eq!(scene.pass(Duration::from_millis(3999)), []);
    assert_eq!(scene.pass(Duration::from_millis(1)), [3]);
    assert!(fenced(&scene, 3) && !fenced(&scene, 1) && !fenced(&scene, 2));
    assert_eq!(scene.controller.next_deadline(), Some(Instant(0) + seconds(14)));
    assert_eq!(scene.pass(seconds(60)), [1, 2]);
    let balance = Instant(0) + seconds(300);
    assert_eq!(scene.controller.next_deadline(), Some(balance), "nobody is left to be watched");
    scene.commit();
    assert!(!scene.heartbeat(3).fenced, "a broker that is heard of again is available again");
}

#[test]
fn a_controller_that_was_held_up_fences_nobody_for_what_it_could_not_hear() {
    let mut scene = crowd();
    scene.now = scene.now + seconds(20);
    scene.controller.held_up(scene.now);
    assert_eq!(scene.controller.expire(scene.now), None);
    assert_eq!(scene.controller.next_deadline(), Some(scene.now + seconds(9)));
    scene.heartbeat(2);
    assert_eq!(scene.pass(Duration::from_millis(8999)), []);
    scene.heartbeat(1);
    assert_eq!(scene.pass(Duration::from_millis(1)), [2, 3]);
    scene.controller.held_up(scene.now);
    assert!(fenced(&scene, 3), "who is fenced stays so");
}

#[test]
fn brokers_are_fenced_one_after_the_other_the_longest_silent_first() {
    let mut scene = crowd();
    let mut topic = scene.topic("orders");
    (topic.partitions, topic.replication_factor) = (1, 3);
    scene.create(vec![topic]).unwrap();
    scene.now = scene.now + seconds(1);
    scene.heartbeat(1);
    assert_eq!(scene.pass(seconds(30)), [2, 3, 1]);
    let topic = scene.image().topic_named("orders").unwrap();
    let partition = topic.partitions.values().next().unwrap();
    assert_eq!((partition.leader, partition.elr.as_slice()), (None, &[BrokerId(1)][..]));
}

#[test]
fn a_fencing_that_was_not_appended_is_decided_again() {
    let mut scene = crowd();
    scene.now = scene.now + seconds(9);
    let decision = scene.controller.expire(scene.now).unwrap();
    assert!(matches!(decision.reply, Due::Fenced(BrokerId(1), _)));
    scene.heartbeat(2);
    scene.heartbeat(3);
    assert_eq!(scene.controller.expire(scene.now), None, "not at once");
    assert_eq!(scene.controller.next_deadline(), Some(scene.now + seconds(1)));
    assert_eq!(scene.pass(seconds(1)), [1]);
}

#[test]
fn a_new_controller_gives_everybody_a_fresh_session() {
    let mut scene = crowd();
    scene.fence(3);
    scene.commit();
    scene.now = scene.now + seconds(8);
    scene.resign();
    assert_eq!(scene.controller.next_deadline(), None);
    assert!(!scene.controller.in_session(scene.now, BrokerId(1)));
    assert_eq!(scene.pass(seconds(100)), []);
    scene.lead();
    assert!(scene.controller.in_session(scene.now, BrokerId(1)));
    assert!(!scene.controller.in_session(scene.now, BrokerId(3)), "nothing is known of a fenced one");
    assert_eq!(scene.controller.next_deadline(), Some(scene.now + seconds(9)));
    assert_eq!(scene.pass(seconds(9)), [1, 2]);
}

#[test]
fn a_living_broker_keeps_its_place_and_a_dead_one_does_not() {
    let mut scene = crowd();
    let refused = |scene: &mut Scene| {
        let request = registration(1, Uuid::from_draws(scene.draw(), 1));
        let alive = scene.controller.in_session(scene.now, request.id);
        let decided = scene.controller.register_broker(&request, scene.end, alive);
        decided.err().map(|refusal| refusal.reason)
    };
    assert_eq!(refused(&mut scene), Some(Reason::DuplicateBrokerRegistration));
    let epoch = scene.epoch_of(1);
    let gone = scene.controller.gone(BrokerId(1), epoch).unwrap();
    scene.append(gone);
    assert!(fenced(&scene, 1));
    assert_eq!(refused(&mut scene), None, "found dead");
    let again = scene.controller.gone(BrokerId(1), epoch).unwrap();
    assert_eq!(again, Decision::nothing(()));
    scene.heartbeat(1);
    assert_eq!(refused(&mut scene), Some(Reason::DuplicateBrokerRegistration), "it was not dead");
    scene.now = scene.now + seconds(9);
    assert_eq!(refused(&mut scene), None, "silent for too long");
}

#[test]
fn what_is_said_of_a_past_incarnation_changes_nothing() {
    let mut scene = crowd();
    let past = scene.epoch_of(1);
    scene.register(1);
    scene.commit();
    assert!(!scene.controller.in_session(scene.now, BrokerId(1)), "a new incarnation has yet to be heard of");
    scene.controller.heard_of(scene.now, BrokerId(1), past);
    assert!(!scene.controller.in_session(scene.now, BrokerId(1)));
    scene.heartbeat(1);
    let refusal = scene.controller.gone(BrokerId(1), past).unwrap_err();
    assert_eq!(refusal.reason, Reason::StaleBrokerEpoch);
    assert!(scene.controller.in_session(scene.now, BrokerId(1)) && !fenced(&scene, 1));
    let refusal = scene.controller.gone(BrokerId(9), BrokerEpoch(1)).unwrap_err();
    assert_eq!(refusal.to_string(), "StaleBrokerEpoch: No broker registration found for broker id 9");
}
