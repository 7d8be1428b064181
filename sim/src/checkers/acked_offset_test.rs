//! A record elsewhere than acknowledged, or at two places, must be noticed.

use crate::checkers::forge::Forge;

#[test]
fn a_record_stored_elsewhere_than_acknowledged_is_noticed() {
    Forge::topic(true).acked(1, &[1, 2], 0).read("c1", 3, &[(3, 2)], 4).fires(&["acked_offset"]);
}

#[test]
fn a_duplicate_is_noticed() {
    Forge::topic(true).acked(1, &[1], -1).read("c1", 0, &[(0, 1), (1, 1)], 2).fires(&["acked_offset"]);
}

#[test]
fn the_same_place_twice_is_fine() {
    Forge::topic(true).acked(1, &[1], 0).read("c1", 0, &[(0, 1)], 1).read("c2", 0, &[(0, 1)], 1).fires(&[]);
}
