//! What a follower does with what it is told, case by case.

use super::*;

const LEADER: BrokerId = BrokerId(2);

fn ends(start: i64, durable: i64, log: i64) -> Ends {
    Ends { start: Offset(start), durable: DurableEnd(Offset(durable)), log: LogEnd(Offset(log)) }
}

fn follower(durability: Durability, ends: Ends, high_watermark: i64) -> Follower {
    Follower::new(LeaderEpoch(4), Some(LEADER), durability, ends, Offset(high_watermark))
}

fn answer(from: i64, high_watermark: i64, start: i64, found: Found) -> Answer {
    Answer { from: Offset(from), high_watermark: Offset(high_watermark), start: Offset(start), found }
}

const RECORDS: Found = Found::Records { any: true };
const NOTHING: Found = Found::Records { any: false };

#[test]
fn in_durable_mode_nothing_is_asked_for_before_what_came_last_is_synced() {
    let mut follower = follower(Durability::Durable, ends(0, 5, 5), 0);
    assert_eq!(follower.position(), Some(Offset(5)));
    assert_eq!(follower.answered(&answer(5, 5, 0, RECORDS)), Todo::Append);
    follower.appended(LogEnd(Offset(8)));
    assert_eq!(follower.position(), None);
    follower.synced(DurableEnd(Offset(8)));
    assert_eq!(follower.position(), Some(Offset(8)));
    follower.durability_changed(Durability::PageCache);
    follower.appended(LogEnd(Offset(9)));
    assert_eq!(follower.position(), Some(Offset(9)));
}

#[test]
fn without_a_leader_there_is_nobody_to_ask() {
    let follower = Follower::new(LeaderEpoch(4), None, Durability::Durable, ends(0, 5, 5), Offset(9));
    assert_eq!((follower.position(), follower.high_watermark()), (None, Offset(5)));
}

#[test]
fn what_is_committed_is_known_as_far_as_it_is_here() {
    let mut follower = follower(Durability::PageCache, ends(0, 5, 5), 2);
    let told = answer(5, 9, 0, NOTHING);
    assert_eq!(follower.learned(&told), (Some(Advance { from: Offset(2), to: Offset(5) }), None));
    // A leader that has just been elected knows less for a while.
    assert_eq!(follower.learned(&answer(5, 1, 0, NOTHING)), (None, None));
    assert_eq!(follower.high_watermark(), Offset(5));
}

#[test]
fn what_the_leader_has_deleted_is_deleted_as_far_as_it_is_committed() {
    let mut follower = follower(Durability::PageCache, ends(0, 5, 5), 2);
    let (_, start) = follower.learned(&answer(5, 4, 3, NOTHING));
    assert_eq!(start, Some(Offset(3)));
    follower.start_moved(Offset(3));
    assert_eq!(follower.learned(&answer(5, 4, 3, NOTHING)), (None, None));
}

#[test]
fn an_answer_to_a_fetch_from_elsewhere_is_old() {
    let follower = follower(Durability::PageCache, ends(0, 5, 5), 0);
    assert_eq!(follower.answered(&answer(4, 9, 0, RECORDS)), Todo::Nothing);
    assert_eq!(follower.answered(&answer(5, 9, 0, NOTHING)), Todo::Nothing);
}

#[test]
fn a_log_that_parts_from_its_leaders_is_cut() {
    let mut follower = follower(Durability::PageCache, ends(0, 9, 9), 3);
    let theirs = EpochEnd { epoch: LeaderEpoch(2), end: Offset(6) };
    let ours = Some(EpochEnd { epoch: LeaderEpoch(2), end: Offset(7) });
    let found = Found::Diverges { theirs, ours };
    assert_eq!(follower.answered(&answer(9, 3, 0, found)), Todo::Cut(Offset(6)));
    assert_eq!(follower.cut(ends(0, 6, 6)), None);
    assert_eq!(follower.position(), Some(Offset(6)));
    // An unclean leader may lack what was committed.
    assert_eq!(follower.cut(ends(0, 2, 2)), Some(Offset(2)));
}

#[test]
fn a_log_of_which_nothing_is_in_its_leaders_starts_over() {
    let mut follower = follower(Durability::PageCache, ends(3, 9, 9), 3);
    let theirs = EpochEnd { epoch: LeaderEpoch(2), end: Offset(1) };
    let found = Found::Diverges { theirs, ours: None };
    assert_eq!(follower.answered(&answer(9, 3, 0, found)), Todo::StartOver(Offset(3)));
    let behind = answer(9, 60, 50, Found::OutOfRange { end: Offset(70) });
    assert_eq!(follower.answered(&behind), Todo::StartOver(Offset(50)));
    follower.started_over(ends(50, 50, 50));
    assert_eq!((follower.position(), follower.high_watermark()), (Some(Offset(50)), Offset(50)));
}

#[test]
fn a_log_that_is_longer_than_its_leaders_is_cut_at_its_end() {
    let follower = follower(Durability::PageCache, ends(3, 9, 9), 3);
    let shorter = |end| answer(9, 0, 0, Found::OutOfRange { end: Offset(end) });
    assert_eq!(follower.answered(&shorter(7)), Todo::Cut(Offset(7)));
    assert_eq!(follower.answered(&shorter(2)), Todo::StartOver(Offset(2)));
    assert_eq!(follower.answered(&shorter(9)), Todo::Nothing);
}
