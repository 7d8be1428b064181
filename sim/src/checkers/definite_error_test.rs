//! Refused records that are in the log all the same must be noticed, whichever is seen first.

use crate::checkers::forge::{Forge, produce};
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
