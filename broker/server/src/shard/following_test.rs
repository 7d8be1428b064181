//! Where a fetcher goes on.

use super::*;
use model::LeaderEpoch;

#[test]
fn a_fetcher_that_comes_from_where_the_log_ended_before_is_told_where_it_ends() {
    let at =
        |from| Position { epoch: LeaderEpoch(1), from: Offset(from), last: LeaderEpoch(1), start: Offset(0) };
    // A want of the old end was heard after the answer that had moved it.
    assert_eq!(next(Todo::Nothing, Offset(5), Some(at(9))), Next::From(at(9)));
    assert_eq!(next(Todo::Nothing, Offset(9), Some(at(5))), Next::From(at(5)));
    assert_eq!(next(Todo::Nothing, Offset(9), Some(at(9))), Next::Same);
    assert_eq!(next(Todo::Append, Offset(9), Some(at(12))), Next::From(at(12)));
    assert_eq!(next(Todo::Nothing, Offset(5), None), Next::Later);
}
