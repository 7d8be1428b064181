//! Acknowledged records that are gone must be missed, and only those that were promised.

use crate::checkers::forge::Forge;

#[test]
fn a_record_lost_to_a_power_cut_is_missed() {
    Forge::topic(true).acked(1, &[1, 2], 0).power_lost().read_all(1, &[(0, 1)]).fires(&["acked_durable"]);
}

#[test]
fn a_record_that_another_took_the_place_of_is_missed() {
    Forge::topic(true).acked(1, &[1], 0).acked(1, &[2], 1).read_all(1, &[(0, 1)]).fires(&["acked_durable"]);
}

#[test]
fn everything_there_is_fine() {
    Forge::topic(true).acked(1, &[1, 2], 0).power_lost().read_all(1, &[(0, 1), (1, 2)]).fires(&[]);
}

#[test]
fn page_cache_may_lose_to_a_power_cut_what_was_acknowledged_before() {
    Forge::topic(false).acked(1, &[1, 2], 0).power_lost().read_all(1, &[(0, 1)]).fires(&[]);
}

#[test]
fn page_cache_may_not_lose_what_was_acknowledged_since() {
    Forge::topic(false)
        .power_lost()
        .acked(1, &[1, 2], 0)
        .note(crate::history::Note::Killed { broker: 1 })
        .read_all(1, &[(0, 1)])
        .fires(&["acked_durable"]);
}

#[test]
fn a_partition_that_was_not_read_at_all_has_lost_everything() {
    use crate::history::Note;
    Forge::topic(true)
        .acked(1, &[1], 0)
        .note(Note::ReadAll { round: 1 })
        .note(Note::ReadDone { round: 1 })
        .fires(&["acked_durable"]);
}

#[test]
fn a_topic_that_is_gone_is_missed() {
    use crate::history::{Call, Note, Reply, Step};
    let listed = |topics: &[(&str, i32)]| {
        let topics = topics.iter().map(|(name, partitions)| (name.to_string(), *partitions)).collect();
        let step = Step::Ok { reply: Reply::Topics { topics } };
        Forge::topic(true).note(Note::ReadAll { round: 1 }).done("reader-1", Call::Metadata, step)
    };
    listed(&[("t", 2)]).fires(&[]);
    listed(&[]).fires(&["acked_durable"]);
    listed(&[("t", 1)]).fires(&["acked_durable"]);
}

#[test]
fn a_topic_that_was_deleted_is_not_expected_and_not_to_be_listed() {
    use crate::history::{Call, Note, Reply, Step};
    let after = |step: Step, topics: &[(&str, i32)]| {
        let topics = topics.iter().map(|(name, partitions)| (name.to_string(), *partitions)).collect();
        Forge::topic(true)
            .done("creator", Call::DeleteTopic { topic: "t".into() }, step)
            .note(Note::ReadAll { round: 1 })
            .done("reader-1", Call::Metadata, Step::Ok { reply: Reply::Topics { topics } })
    };
    let deleted = || Step::Ok { reply: Reply::Done };
    after(deleted(), &[]).fires(&[]);
    after(deleted(), &[("t", 2)]).fires(&["acked_durable"]);
    let unknown = || Step::Info { error: "no answer".into() };
    after(unknown(), &[]).fires(&[]);
    after(unknown(), &[("t", 2)]).fires(&[]);
}

#[test]
fn a_lost_record_is_missed_though_its_offset_was_acknowledged_again() {
    Forge::topic(true)
        .acked(1, &[1], 0)
        .power_lost()
        .acked(1, &[2], 0)
        .read_all(1, &[(0, 2)])
        .fires(&["one_record", "acked_durable"]);
}

#[test]
fn a_record_that_was_acknowledged_without_a_place_is_somewhere() {
    Forge::topic(true).acked(1, &[2], 0).acked(1, &[1], -1).read_all(1, &[(0, 2), (1, 1)]).fires(&[]);
    Forge::topic(true).acked(1, &[2], 0).acked(1, &[1], -1).read_all(1, &[(0, 2)]).fires(&["acked_durable"]);
}

#[test]
fn one_that_comes_again_is_where_it_was_told_to_be_before() {
    let both = || Forge::topic(true).acked(1, &[1], 0).acked(1, &[1], -1);
    both().read_all(1, &[(0, 1)]).fires(&[]);
    both().read_all(1, &[(1, 1)]).fires(&["acked_offset", "acked_durable"]);
}

#[test]
fn what_any_reader_of_the_round_has_read_is_there_and_what_others_have_is_not() {
    use crate::history::Note;
    let read_by = |clients: [&str; 2]| {
        Forge::topic(true)
            .acked(1, &[1, 2], 0)
            .note(Note::ReadAll { round: 1 })
            .read(clients[0], 0, &[(0, 1)], 2)
            .read(clients[1], 1, &[(1, 2)], 2)
            .note(Note::ReadDone { round: 1 })
    };
    read_by(["reader-1.1", "reader-1.2"]).fires(&[]);
    read_by(["reader-1", "reader-1.50"]).fires(&[]);
    read_by(["reader-1", "reader-11.1"]).fires(&["acked_durable"]);
    read_by(["reader-1", "c1"]).fires(&["acked_durable"]);
}
