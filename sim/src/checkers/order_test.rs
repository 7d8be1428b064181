//! Sends of one producer that lie in the wrong order must be noticed.

use crate::checkers::forge::Forge;

#[test]
fn a_later_send_at_an_earlier_offset_is_noticed() {
    Forge::topic(true).acked(1, &[1], 5).acked(1, &[2], 3).fires(&["order"]);
}

#[test]
fn an_earlier_send_acknowledged_late_is_compared_too() {
    Forge::topic(true).acked(1, &[2], 3).acked(1, &[1], 5).fires(&["order"]);
}

#[test]
fn two_producers_owe_each_other_nothing() {
    Forge::topic(true).acked(1, &[1], 5).acked(2, &[2], 3).fires(&[]);
}

#[test]
fn a_power_cut_of_a_page_cache_topic_begins_anew() {
    Forge::topic(false).acked(1, &[1], 5).power_lost().acked(1, &[2], 3).fires(&[]);
}
