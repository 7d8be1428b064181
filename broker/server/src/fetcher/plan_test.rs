//! What is asked after what has happened.

use super::*;
use model::time::Duration;
use model::{LeaderEpoch, Offset, PartitionIndex, TopicId, Uuid};

fn key(index: i32) -> PartitionKey {
    PartitionKey { topic: TopicId(Uuid::ZERO), index: PartitionIndex(index) }
}

fn at(from: i64) -> Position {
    Position { epoch: LeaderEpoch(1), from: Offset(from), last: LeaderEpoch(0), start: Offset(0) }
}

fn asked(plan: &mut Plan) -> (i32, i32, Vec<(i32, i64)>, Vec<i32>) {
    let Ask { session, epoch, wanted, forgotten, .. } = plan.ask().expect("something is wanted");
    let wanted = wanted.into_iter().map(|(key, position)| (key.index.0, position.from.0)).collect();
    (session, epoch, wanted, forgotten.into_iter().map(|key| key.index.0).collect())
}

fn begun() -> Plan {
    let mut plan = Plan::default();
    plan.want(key(1), at(5));
    plan.want(key(2), at(7));
    assert_eq!(asked(&mut plan), (0, 0, vec![(1, 5), (2, 7)], vec![]));
    plan.begun(9);
    plan
}

#[test]
fn what_has_not_moved_is_not_said_again() {
    let mut plan = begun();
    assert!(!plan.has_news());
    assert_eq!(asked(&mut plan), (9, 1, vec![], vec![]));
    plan.want(key(1), at(6));
    plan.want(key(3), at(0));
    assert!(plan.has_news());
    assert_eq!(asked(&mut plan), (9, 2, vec![(1, 6), (3, 0)], vec![]));
}

#[test]
fn what_is_in_hand_is_out_until_it_is_wanted_again() {
    let mut plan = begun();
    plan.in_hand(key(1));
    assert_eq!(asked(&mut plan), (9, 1, vec![], vec![1]));
    plan.want(key(1), at(6));
    assert_eq!(asked(&mut plan), (9, 2, vec![(1, 6)], vec![]));
    plan.in_hand(key(1));
    plan.want(key(1), at(8));
    assert_eq!(asked(&mut plan), (9, 3, vec![(1, 8)], vec![]), "wanted again before the next request");
}

#[test]
fn what_could_not_be_taken_rests() {
    let mut plan = begun();
    let until = Instant(1000) + Duration::from_millis(20);
    plan.rest(key(2), at(7), until);
    assert_eq!(plan.next_deadline(), Some(until));
    assert_eq!(asked(&mut plan), (9, 1, vec![], vec![2]));
    plan.wake(until);
    assert_eq!(asked(&mut plan), (9, 2, vec![(2, 7)], vec![]));
    plan.leave(key(1));
    plan.leave(key(2));
    assert!(plan.is_empty() && plan.ask().is_none());
}

#[test]
fn what_is_refused_again_and_again_is_counted_until_it_moves_on() {
    let mut plan = begun();
    let refused = |plan: &mut Plan, from| plan.refused(key(1), at(from));
    assert_eq!([refused(&mut plan, 5), refused(&mut plan, 5), refused(&mut plan, 5)], [0, 1, 2]);
    plan.want(key(1), at(5));
    assert_eq!(refused(&mut plan, 5), 3, "the same is wanted");
    plan.want(key(1), at(6));
    assert_eq!([refused(&mut plan, 6), refused(&mut plan, 7)], [0, 0]);
    plan.leave(key(1));
    assert_eq!(refused(&mut plan, 7), 0);
}

#[test]
fn a_lost_session_is_begun_anew_with_everything() {
    let mut plan = begun();
    plan.want(key(1), at(6));
    plan.lost();
    assert_eq!(plan.asked(key(1), 1), None);
    assert_eq!(asked(&mut plan), (0, 0, vec![(1, 6), (2, 7)], vec![]));
    plan.begun(0);
    assert_eq!(
        asked(&mut plan),
        (0, 0, vec![(1, 6), (2, 7)], vec![]),
        "without a session everything is said"
    );
}

#[test]
fn an_answer_is_about_what_its_request_asked() {
    let mut plan = begun();
    assert_eq!(plan.asked(key(1), 1), Some(at(5)));
    plan.want(key(1), at(8));
    assert_eq!(plan.asked(key(1), 1), None, "it has gone on");
    let Ask { number, .. } = plan.ask().unwrap();
    assert_eq!(plan.asked(key(1), 1), None, "an answer that comes late is about what was before");
    assert_eq!(plan.asked(key(1), number), Some(at(8)));
    assert_eq!(plan.asked(key(2), 1), Some(at(7)));
    assert_eq!(plan.asked(key(2), number), Some(at(7)));
}
