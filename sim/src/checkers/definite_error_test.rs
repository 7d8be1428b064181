//! Refused records that are in the log all the same must be noticed, whichever is seen first.

use crate::checkers::forge::{Forge, produce, recovered};
use crate::history::Step;

#[test]
fn a_refused_record_that_is_read_is_noticed() {
    Forge::topic(true).refused(1, &[1]).read("c1", 0, &[(0, 1)], 1).fires(&["definite_error"]);
}

#[test]
fn so_it_is_when_the_refusal_comes_later() {
    let mut forge = Forge::topic(true);
    let op = forge.begin("p1", produce(1, &[1]));
    let fail = Step::Fail { error: "INVALID_RECORD".into() };
    forge.read("c1", 0, &[(0, 1)], 1).finish("p1", op, fail).fires(&["definite_error"]);
}

#[test]
fn an_unknown_end_allows_both() {
    let info = || Step::Info { error: "timed out".into() };
    Forge::topic(true).done("p1", produce(1, &[1]), info()).read("c1", 0, &[(0, 1)], 1).fires(&[]);
    Forge::topic(true).done("p1", produce(1, &[1]), info()).read("c1", 0, &[], 0).fires(&[]);
}

#[test]
fn a_batch_that_is_there_and_comes_again_is_not_refused() {
    Forge::topic(true)
        .acked(1, &[1], 0)
        .refused(1, &[1])
        .read("c1", 0, &[(0, 1)], 1)
        .fires(&["definite_error"]);
}

#[test]
fn but_by_one_that_was_started_since() {
    Forge::topic(true)
        .acked(1, &[1], 0)
        .event(recovered(0, 1))
        .refused(1, &[1])
        .read("c1", 0, &[(0, 1)], 1)
        .fires(&[]);
    // It was sent later.
    Forge::topic(true)
        .event(recovered(0, 0))
        .acked(1, &[1], 0)
        .refused(1, &[1])
        .read("c1", 0, &[(0, 1)], 1)
        .fires(&["definite_error"]);
    // It does not come again.
    let mut forge = Forge::topic(true);
    let op = forge.begin("p1", produce(1, &[1]));
    forge
        .event(recovered(0, 0))
        .finish("p1", op, Step::Fail { error: "INVALID_RECORD".into() })
        .read("c1", 0, &[(0, 1)], 1)
        .fires(&["definite_error"]);
}
