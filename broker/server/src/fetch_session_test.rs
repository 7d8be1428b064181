//! Sessions, case by case.

use super::*;
use bytes::Bytes;
use protocol::messages::fetch::{EpochEndOffset, FetchTopic, ForgottenTopic};
use records::RecordBytes;

const VERSION: i16 = 12;

fn topic(name: &str) -> TopicName {
    TopicName { name: name.to_owned(), id: Uuid::ZERO }
}

fn request(session_id: i32, session_epoch: i32, named: &[(&str, i32, i64)]) -> FetchRequest {
    let one = |(name, partition, fetch_offset): &(&str, i32, i64)| FetchTopic {
        topic: (*name).to_owned(),
        partitions: vec![FetchPartition {
            partition: *partition,
            fetch_offset: *fetch_offset,
            ..FetchPartition::default()
        }],
        ..FetchTopic::default()
    };
    FetchRequest {
        session_id,
        session_epoch,
        topics: named.iter().map(one).collect(),
        ..FetchRequest::default()
    }
}

fn forgetting(mut request: FetchRequest, name: &str, partition: i32) -> FetchRequest {
    let forgotten =
        ForgottenTopic { topic: name.to_owned(), partitions: vec![partition], ..ForgottenTopic::default() };
    request.forgotten_topics_data.push(forgotten);
    request
}

fn asked(ask: &Ask) -> Vec<(&str, i32, i64)> {
    ask.partitions.iter().map(|(topic, at)| (&*topic.name, at.partition, at.fetch_offset)).collect()
}

fn begun() -> Session {
    let ask = ask(None, &mut request(0, 0, &[("a", 0, 5), ("b", 1, 7)]), VERSION, 9).unwrap();
    assert_eq!(asked(&ask), [("a", 0, 5), ("b", 1, 7)]);
    match ask.keep {
        Keep::Begin(session) => session,
        other => panic!("{other:?}"),
    }
}

fn continued(ask: Ask) -> Session {
    match ask.keep {
        Keep::Continue(session) => session,
        other => panic!("{other:?}"),
    }
}

fn data(partition_index: i32, high_watermark: i64, records: &'static [u8]) -> PartitionData {
    PartitionData {
        partition_index,
        high_watermark,
        log_start_offset: 0,
        records: RecordBytes::from(Bytes::from_static(records)),
        ..PartitionData::default()
    }
}

#[test]
fn a_client_says_what_has_changed() {
    let session = begun();
    assert_eq!((session.id(), session.len()), (9, 2));
    let next = ask(Some(session), &mut request(9, 1, &[("a", 0, 6)]), VERSION, 0).unwrap();
    assert_eq!(asked(&next), [("a", 0, 6), ("b", 1, 7)]);
    let next = forgetting(request(9, 2, &[("c", 0, 0)]), "a", 0);
    let next = ask(Some(continued(ask_of(next, begun_at(2)))), &mut request(9, 3, &[]), VERSION, 0).unwrap();
    assert_eq!(asked(&next), [("b", 1, 7), ("c", 0, 0)]);
}

#[test]
fn what_a_client_knows_of_leaders_epochs_is_kept() {
    let epochs = |ask: &Ask| {
        let epochs = ask.partitions.iter().map(|(_, at)| (at.current_leader_epoch, at.last_fetched_epoch));
        epochs.collect::<Vec<_>>()
    };
    let of = |session_epoch, known: i32| {
        let mut request = request(9, session_epoch, &[("a", 0, 5)]);
        let partition = &mut request.topics[0].partitions[0];
        (partition.current_leader_epoch, partition.last_fetched_epoch) = (known, known - 1);
        request
    };
    let named = ask_of(of(1, 4), begun());
    assert_eq!(epochs(&named), [(4, 3), (-1, -1)]);
    let unnamed = ask_of(request(9, 2, &[]), continued(named));
    assert_eq!(epochs(&unnamed), [(4, 3), (-1, -1)], "KAFKA-9338");
    assert_eq!(epochs(&ask_of(of(3, 6), continued(unnamed))), [(6, 5), (-1, -1)]);
}

/// A session whose next request has this epoch.
fn begun_at(epoch: i32) -> Session {
    Session { epoch, ..begun() }
}

fn ask_of(mut request: FetchRequest, session: Session) -> Ask {
    ask(Some(session), &mut request, VERSION, 0).unwrap()
}

#[test]
fn what_is_new_is_sent_and_whoever_got_records_is_last_in_line() {
    let mut session = begun();
    assert!(session.answered(&topic("a"), &data(0, 5, b"")), "nothing was told before");
    assert!(!session.answered(&topic("a"), &data(0, 5, b"")));
    assert!(session.answered(&topic("a"), &data(0, 6, b"")), "the watermark has moved");
    let moved = PartitionData { log_start_offset: 3, ..data(0, 6, b"") };
    assert!(session.answered(&topic("a"), &moved), "the log's start has moved");
    assert!(session.answered(&topic("a"), &PartitionData { error_code: 6, ..data(0, -1, b"") }));
    assert!(session.answered(&topic("a"), &PartitionData { error_code: 6, ..data(0, -1, b"") }));
    assert!(session.answered(&topic("a"), &moved), "the error is over");
    let diverging_epoch = EpochEndOffset { epoch: 1, end_offset: 2 };
    assert!(session.answered(&topic("a"), &PartitionData { diverging_epoch, ..moved.clone() }));
    assert!(!session.answered(&topic("a"), &moved));
    assert!(session.answered(&topic("a"), &PartitionData { log_start_offset: 3, ..data(0, 6, b"x") }));
    let next = ask_of(request(9, 1, &[]), session);
    assert_eq!(asked(&next), [("b", 1, 7), ("a", 0, 5)]);
}

#[test]
fn a_session_is_continued_where_it_is_and_in_turn() {
    let refused = |session, id, epoch| {
        let (code, kept) = ask(session, &mut request(id, epoch, &[]), VERSION, 0).unwrap_err();
        (code, kept.is_some())
    };
    assert_eq!(refused(None, 9, 1), (ErrorCode::FetchSessionIdNotFound, false));
    assert_eq!(refused(Some(begun()), 8, 1), (ErrorCode::FetchSessionIdNotFound, false));
    assert_eq!(refused(Some(begun()), 9, 2), (ErrorCode::InvalidFetchSessionEpoch, true));
    let (code, _) = ask(Some(begun()), &mut request(9, 1, &[]), 13, 0).unwrap_err();
    assert_eq!(code, ErrorCode::FetchSessionTopicIdError);
    let last = ask_of(request(9, i32::MAX, &[]), begun_at(i32::MAX));
    assert_eq!(asked(&ask_of(request(9, 1, &[]), continued(last))).len(), 2, "epochs begin anew");
}

#[test]
fn a_session_ends_when_it_is_given_up_or_nothing_is_left_of_it() {
    let given_up = ask_of(request(9, -1, &[("a", 0, 5)]), begun());
    assert!(matches!(given_up.keep, Keep::Nothing));
    assert_eq!(asked(&given_up), [("a", 0, 5)]);
    let empty = forgetting(forgetting(request(9, 1, &[]), "a", 0), "b", 1);
    assert!(matches!(ask_of(empty, begun()).keep, Keep::Nothing));
    let another = ask_of(request(9, 0, &[("c", 0, 0)]), begun());
    assert!(matches!(another.keep, Keep::Begin(session) if session.len() == 1));
    assert!(matches!(ask(None, &mut request(0, 0, &[]), VERSION, 9).unwrap().keep, Keep::Nothing));
}
