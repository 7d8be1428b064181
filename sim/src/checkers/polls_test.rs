//! Gaps, steps back and rubbish must be noticed.

use crate::checkers::forge::{Forge, fetch};
use crate::history::{Call, Reply, Step};

fn three() -> Forge {
    Forge::topic(true).acked(1, &[1, 2, 3], 0)
}

#[test]
fn contiguous_polls_are_fine() {
    three().read("c1", 0, &[(0, 1), (1, 2)], 3).read("c1", 2, &[(2, 3)], 3).fires(&[]);
}

#[test]
fn a_gap_is_noticed() {
    three().read("c1", 0, &[(0, 1), (2, 3)], 3).fires(&["polls"]);
    three().read("c1", 0, &[(1, 2)], 3).fires(&["polls"]);
}

#[test]
fn a_step_back_is_noticed() {
    three().read("c1", 0, &[(0, 1), (1, 2)], 3).read("c1", 1, &[(1, 2)], 3).fires(&["polls"]);
}

#[test]
fn a_new_assignment_may_begin_anywhere() {
    let assign = Call::Assign { topic: "t".into(), partition: 0, from: 1 };
    three()
        .read("c1", 0, &[(0, 1), (1, 2)], 3)
        .done("c1", assign, Step::Ok { reply: Reply::Done })
        .read("c1", 1, &[(1, 2)], 3)
        .fires(&[]);
}

#[test]
fn corrupt_bytes_are_noticed() {
    let reply = Reply::Corrupt { from: 0, why: "CRC".into() };
    three().done("c1", fetch(0), Step::Ok { reply }).fires(&["polls"]);
}
