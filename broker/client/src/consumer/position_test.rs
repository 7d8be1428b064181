//! Each arrow of the table, and what stops a partition.

use super::*;
use bytes::Bytes;
use model::Uuid;
use model::time::Duration;

fn config(reset: Reset) -> ConsumerConfig {
    ConsumerConfig { reset, ..ConsumerConfig::default() }
}

fn leader(node: i32, epoch: i32) -> Leader {
    Leader { node: Some(node), epoch: LeaderEpoch(epoch) }
}

const NOW: Instant = Instant(1_000_000_000);

/// At offset 10, the record before of epoch 3, in which broker 1 leads.
fn fetching() -> Position {
    let mut position = Position::new(Start::At(10));
    assert_eq!(position.task(leader(1, 3), NOW), Some(Task::Fetch(10)));
    position.advance(10, LeaderEpoch(3));
    position
}

/// One that has met a leader of epoch 4.
fn validating() -> Position {
    let mut position = fetching();
    assert_eq!(position.task(leader(2, 4), NOW), Some(Task::Validate(LeaderEpoch(3))));
    position.asked(1, 2);
    assert!(position.is_answer(1));
    position
}

#[test]
fn it_begins_where_it_is_told_to() {
    let task = |start| Position::new(start).task(leader(1, 0), NOW);
    assert_eq!(task(Start::Earliest), Some(Task::List(-2)));
    assert_eq!(task(Start::Latest), Some(Task::List(-1)));
    assert_eq!(task(Start::Time(7)), Some(Task::List(7)));
    assert_eq!(task(Start::At(7)), Some(Task::Fetch(7)));
}

#[test]
fn an_offset_that_is_listed_is_fetched_from() {
    let mut position = Position::new(Start::Time(5));
    assert_eq!(position.offset(), None);
    position.listed(None, LeaderEpoch::UNKNOWN);
    assert_eq!(position.task(leader(1, 0), NOW), Some(Task::List(-1)), "nothing is as late: the end");
    position.listed(Some(8), LeaderEpoch(0));
    assert_eq!((position.offset(), position.task(leader(1, 0), NOW)), (Some(8), Some(Task::Fetch(8))));
}

#[test]
fn one_thing_is_asked_at_a_time_unless_another_leads() {
    let mut position = fetching();
    position.asked(7, 1);
    assert_eq!(position.task(leader(1, 3), NOW), None);
    // The same broker in a later epoch will answer in its time.
    assert_eq!(position.task(leader(1, 4), NOW), None);
    assert_eq!(position.task(leader(2, 4), NOW), Some(Task::Validate(LeaderEpoch(3))));
    assert!(!position.is_answer(7), "given up");
}

#[test]
fn a_newer_epoch_is_validated_before_anything_is_fetched() {
    let mut position = validating();
    position.validated(Some((LeaderEpoch(3), 10)), &config(Reset::Error)).unwrap();
    assert_eq!(position.task(leader(2, 4), NOW), Some(Task::Fetch(10)));
    // Where nothing has been read there is nothing to validate.
    let mut fresh = Position::new(Start::At(0));
    assert_eq!(fresh.task(leader(1, 0), NOW), Some(Task::Fetch(0)));
    assert_eq!(fresh.task(leader(2, 1), NOW), Some(Task::Fetch(0)));
}

/// What was fetched before the leader changed is validated when it has been handed out, though nothing had been until then.
#[test]
fn what_was_fetched_from_another_leader_is_validated_afterwards() {
    let mut position = Position::new(Start::At(0));
    assert_eq!(position.task(leader(1, 3), NOW), Some(Task::Fetch(0)));
    position.fetch_answered(Fetched::new(Bytes::from_static(b"left")), 9);
    assert_eq!(position.task(leader(2, 4), NOW), None);
    *position.fetched() = Fetched::default();
    position.advance(5, LeaderEpoch(3));
    assert_eq!(position.task(leader(2, 4), NOW), Some(Task::Validate(LeaderEpoch(3))));
}

#[test]
fn a_log_that_was_truncated_is_read_from_where_it_diverges() {
    let mut position = validating();
    position.validated(Some((LeaderEpoch(2), 6)), &config(Reset::Latest)).unwrap();
    assert_eq!(position.task(leader(2, 4), NOW), Some(Task::Fetch(6)));
    let mut unknown = validating();
    unknown.validated(None, &config(Reset::Earliest)).unwrap();
    assert_eq!(unknown.task(leader(2, 4), NOW), Some(Task::List(-2)));
    for end in [Some((LeaderEpoch(2), 6)), None] {
        let mut stopped = validating();
        let diverges_at = end.map(|(_, at)| at);
        assert_eq!(stopped.validated(end, &config(Reset::Error)), Err(Trouble::Truncated { diverges_at }));
        assert_eq!((stopped.task(leader(2, 5), NOW), stopped.wake()), (None, None));
    }
}

#[test]
fn what_is_out_of_range_is_reset_or_stops() {
    for (reset, task) in [(Reset::Earliest, -2), (Reset::Latest, -1)] {
        let mut position = fetching();
        position.out_of_range(&config(reset)).unwrap();
        assert_eq!(position.task(leader(1, 3), NOW), Some(Task::List(task)));
    }
    let mut position = fetching();
    assert_eq!(position.out_of_range(&config(Reset::Error)), Err(Trouble::OutOfRange));
    assert_eq!(position.task(leader(1, 3), NOW), None);
}

/// A position whose topic has just been replaced by another one of the same name.
fn replaced(mut position: Position, reset: Reset) -> (Position, Result<(), Trouble>) {
    let (old, new) = (TopicId(Uuid([1; 16])), TopicId(Uuid([2; 16])));
    assert_eq!(position.meets(old, &config(reset)), Ok(()));
    position.asked(7, 1);
    let met = position.meets(new, &config(reset));
    assert_eq!(position.meets(new, &config(reset)), Ok(()), "told once");
    (position, met)
}

#[test]
fn a_topic_that_was_created_anew_is_begun_anew_or_stops() {
    for (reset, name) in [(Reset::Earliest, -2), (Reset::Latest, -1)] {
        let (mut position, met) = replaced(fetching(), reset);
        assert_eq!((met, position.is_answer(7)), (Ok(()), false), "the old topic's");
        assert_eq!(position.task(leader(2, 0), NOW), Some(Task::List(name)));
        assert_eq!(position.epoch(), LeaderEpoch(0), "epochs count anew");
    }
    let (mut stopped, met) = replaced(fetching(), Reset::Error);
    assert_eq!((met, stopped.task(leader(2, 0), NOW)), (Err(Trouble::Recreated), None));
    // One that has read nothing begins where it was told to.
    let (mut fresh, met) = replaced(Position::new(Start::Time(5)), Reset::Error);
    assert_eq!((met, fresh.task(leader(2, 0), NOW)), (Ok(()), Some(Task::List(5))));
}

/// What was fetched of the old topic is handed out before; an id that nobody tells says nothing.
#[test]
fn a_new_topic_waits_for_what_is_left_of_the_old_one() {
    let mut position = fetching();
    position.fetch_answered(Fetched::new(Bytes::from_static(b"left")), 12);
    let (mut position, met) = replaced(position, Reset::Error);
    assert_eq!((met, position.has_fetched()), (Ok(()), true));
    *position.fetched() = Fetched::default();
    assert_eq!(position.meets(TopicId::default(), &config(Reset::Error)), Ok(()));
    assert_eq!(position.meets(TopicId(Uuid([2; 16])), &config(Reset::Error)), Err(Trouble::Recreated));
}

#[test]
fn nothing_is_asked_while_something_is_left_or_before_its_time() {
    let mut position = fetching();
    position.fetch_answered(Fetched::new(Bytes::from_static(b"left")), 12);
    assert_eq!((position.task(leader(1, 3), NOW), position.is_at_end()), (None, false));
    // A failure is waited out, unless another leads.
    let mut failed = fetching();
    failed.failed(NOW, &config(Reset::Error), 200);
    assert_eq!(failed.task(leader(1, 3), NOW), None);
    assert_eq!(failed.wake(), Some(NOW + Duration::from_millis(50)));
    assert_eq!(failed.task(leader(1, 3), NOW + Duration::from_millis(50)), Some(Task::Fetch(10)));
    failed.failed(NOW, &config(Reset::Error), 200);
    assert_eq!(failed.task(leader(2, 4), NOW), Some(Task::Validate(LeaderEpoch(3))));
}

#[test]
fn the_end_is_where_nothing_was_left() {
    let mut position = fetching();
    assert!(!position.is_at_end());
    position.fetch_answered(Fetched::new(Bytes::new()), 10);
    assert!(position.is_at_end());
    position.fetch_answered(Fetched::new(Bytes::new()), 11);
    assert!(!position.is_at_end());
}

#[test]
fn a_broker_that_does_not_validate_is_believed() {
    let mut position = validating();
    assert!(position.not_validated());
    assert_eq!(position.task(leader(2, 4), NOW), Some(Task::Fetch(10)));
    assert!(!Position::new(Start::Latest).not_validated());
}

/// Of a leader that has just been elected, only what it lists counts: what comes with a fetch may be an old end.
#[test]
fn a_position_that_is_only_located_reads_nothing() {
    let mut position = Position::locating(Start::Latest);
    assert_eq!(position.task(leader(1, 0), NOW), Some(Task::List(-1)));
    position.failed(NOW, &config(Reset::Error), 200);
    let later = NOW + Duration::from_millis(50);
    assert_eq!(position.task(leader(1, 0), later), Some(Task::List(-1)), "OFFSET_NOT_AVAILABLE: again");
    position.listed(Some(8), LeaderEpoch(0));
    assert_eq!((position.offset(), position.task(leader(1, 0), later)), (Some(8), None));
    assert_eq!((position.task(leader(2, 1), later), position.wake()), (None, None));
}
