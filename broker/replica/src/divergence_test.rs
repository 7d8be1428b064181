//! Where logs part, case by case.

use super::*;

const NONE: LeaderEpoch = LeaderEpoch::UNKNOWN;

fn end(epoch: i32, end: i64) -> EpochEnd {
    EpochEnd { epoch: LeaderEpoch(epoch), end: Offset(end) }
}

#[test]
fn a_fetch_from_where_both_logs_are_the_same_agrees() {
    assert_eq!(fit(Offset(5), LeaderEpoch(2), Offset(0), Some(end(2, 9))), Fit::Agrees);
    assert_eq!(fit(Offset(9), LeaderEpoch(2), Offset(0), Some(end(2, 9))), Fit::Agrees);
    assert_eq!(fit(Offset(0), NONE, Offset(0), None), Fit::Agrees);
}

#[test]
fn a_fetch_from_beyond_the_epochs_end_or_of_an_unknown_epoch_diverges() {
    assert_eq!(fit(Offset(10), LeaderEpoch(2), Offset(0), Some(end(2, 9))), Fit::Diverges(end(2, 9)));
    assert_eq!(fit(Offset(5), LeaderEpoch(3), Offset(0), Some(end(2, 9))), Fit::Diverges(end(2, 9)));
}

#[test]
fn a_fetch_from_before_the_log_or_of_an_epoch_to_come_is_out_of_range() {
    assert_eq!(fit(Offset(2), LeaderEpoch(2), Offset(3), Some(end(2, 1))), Fit::OutOfRange);
    assert_eq!(fit(Offset(2), NONE, Offset(3), None), Fit::OutOfRange);
    assert_eq!(fit(Offset(5), LeaderEpoch(9), Offset(0), None), Fit::OutOfRange);
}

#[test]
fn a_log_is_cut_where_the_shorter_one_of_a_common_epoch_ends() {
    assert_eq!(cut(end(2, 6), Some(end(2, 9)), Offset(12)), Offset(6));
    assert_eq!(cut(end(2, 9), Some(end(2, 6)), Offset(12)), Offset(6));
}

#[test]
fn a_log_without_the_leaders_epoch_is_cut_where_its_epoch_before_that_ends() {
    assert_eq!(cut(end(2, 9), Some(end(1, 4)), Offset(12)), Offset(4));
    assert_eq!(cut(end(2, 9), None, Offset(12)), Offset(9));
    assert_eq!(cut(end(2, 9), None, Offset(7)), Offset(7));
}
