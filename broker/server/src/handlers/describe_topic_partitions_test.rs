//! Pages: where they end, where the next begins, and what has no place on one.

use super::super::shown::tests::{image, with_topic};
use super::*;
use protocol::messages::describe_topic_partitions::TopicRequest;

fn ask(topics: &[&str], limit: i32, cursor: Option<(&str, i32)>) -> DescribeTopicPartitionsResponse {
    let topics = topics.iter().map(|name| TopicRequest { name: name.to_string() }).collect();
    let cursor = cursor
        .map(|(topic, partition_index)| RequestedCursor { topic_name: topic.to_owned(), partition_index });
    let request = DescribeTopicPartitionsRequest { topics, response_partition_limit: limit, cursor };
    respond(&image(), request)
}

/// Topics with their errors and partitions, and where the next page begins.
type Told = (Vec<(String, i16, Vec<i32>)>, Option<(String, i32)>);

fn told(response: DescribeTopicPartitionsResponse) -> Told {
    let indexes = |topic: &DescribeTopicPartitionsResponseTopic| {
        topic.partitions.iter().map(|partition| partition.partition_index).collect()
    };
    let topics = response.topics.iter();
    let topics = topics.map(|topic| (topic.name.clone().unwrap(), topic.error_code, indexes(topic)));
    let next = response.next_cursor.map(|cursor| (cursor.topic_name, cursor.partition_index));
    (topics.collect(), next)
}

fn topic(name: &str, partitions: &[i32]) -> (String, i16, Vec<i32>) {
    (name.to_owned(), 0, partitions.to_vec())
}

#[test]
fn a_partition_is_told_with_its_eligible_leaders() {
    let response = ask(&["b"], 2000, None);
    let b = &response.topics[0];
    assert_eq!(
        (b.topic_id.0[0], b.is_internal, b.topic_authorized_operations),
        (10, false, TOPIC_OPERATIONS)
    );
    let (led, leaderless) = (&b.partitions[0], &b.partitions[1]);
    assert_eq!((led.error_code, led.leader_id, led.leader_epoch), (0, 1, 7));
    assert_eq!(
        (&*led.replica_nodes, &*led.isr_nodes, &*led.offline_replicas),
        (&[1, 3][..], &[1][..], &[3][..])
    );
    assert_eq!((leaderless.error_code, leaderless.leader_id), (0, -1));
    assert_eq!(leaderless.eligible_leader_replicas.as_deref(), Some(&[3][..]));
    assert_eq!(leaderless.last_known_elr.as_deref(), Some(&[][..]));
}

#[test]
fn topics_come_by_name_and_once() {
    let all = vec![topic("a", &[0, 1]), topic("b", &[0, 1, 2]), topic("c", &[0])];
    assert_eq!(told(ask(&[], 2000, None)), (all.clone(), None));
    assert_eq!(told(ask(&["c", "b", "a", "b"], 2000, None)), (all, None));
}

#[test]
fn a_page_ends_where_it_is_full_and_the_next_goes_on_there() {
    for names in [&[][..], &["a", "b", "c"][..]] {
        let first = told(ask(names, 3, None));
        assert_eq!(first, (vec![topic("a", &[0, 1]), topic("b", &[0])], Some(("b".into(), 1))));
        let second = told(ask(names, 2, Some(("b", 1))));
        assert_eq!(second, (vec![topic("b", &[1, 2])], Some(("c".into(), 0))));
        assert_eq!(told(ask(names, 2, Some(("c", 0)))), (vec![topic("c", &[0])], None));
    }
    for limit in [0, -5, i32::MIN] {
        assert_eq!(told(ask(&[], limit, None)), (vec![topic("a", &[0])], Some(("a".into(), 1))));
    }
}

#[test]
fn a_page_holds_no_more_than_the_limit_whatever_is_asked_for() {
    let image = with_topic(image(), "large", 2003);
    let request = DescribeTopicPartitionsRequest {
        topics: vec![TopicRequest { name: "large".into() }],
        response_partition_limit: i32::MAX,
        cursor: None,
    };
    let response = respond(&image, request);
    let next = response.next_cursor.expect("there is more");
    assert_eq!((response.topics[0].partitions.len(), next.partition_index), (2000, 2000));
}

/// Whatever the pages' size, each partition is on one of them.
#[test]
fn pages_leave_nothing_out_and_tell_nothing_twice() {
    for limit in 1..8 {
        let (mut partitions, mut cursor) = (Vec::new(), None);
        for page in 0.. {
            assert!(page < 8, "pages of {limit} come to no end");
            let at = cursor.as_ref().map(|(name, index): &(String, i32)| (name.as_str(), *index));
            let (topics, next) = told(ask(&[], limit, at));
            for (name, _, indexes) in topics {
                partitions.extend(indexes.into_iter().map(|index| (name.clone(), index)));
            }
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        let all = [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("b", 2), ("c", 0)];
        assert_eq!(partitions, all.map(|(name, index)| (name.to_owned(), index)), "pages of {limit}");
    }
}

#[test]
fn a_cursor_lies_among_the_topics_asked_for() {
    for cursor in [("a", -1), ("b", 0), ("", 0)] {
        let (topics, next) = told(ask(&["c", "a"], 2000, Some(cursor)));
        assert_eq!((topics[0].1, topics[1].1, topics.len(), next), (42, 42, 2, None), "{cursor:?}");
    }
    // Where all are asked for it need not be there: it may have been deleted between two pages.
    assert_eq!(told(ask(&[], 2000, Some(("aa", 4)))).0, [topic("b", &[0, 1, 2]), topic("c", &[0])]);
    assert_eq!(told(ask(&["b", "c"], 2000, Some(("b", i32::MAX)))).0, [topic("b", &[]), topic("c", &[0])]);
}

#[test]
fn unknown_topics_take_no_room() {
    let (topics, next) = told(ask(&["a", "aa", "no/name", "__consumer_offsets", "c"], 3, None));
    let errors: Vec<_> = topics.iter().map(|(name, code, _)| (name.as_str(), *code)).collect();
    let expected = [("__consumer_offsets", 3), ("a", 0), ("aa", 3), ("c", 0), ("no/name", 17)];
    assert_eq!((&errors[..4], next), (&expected[..4], Some(("no/name".into(), 0))));
    let rest = told(ask(&["no/name", "c"], 3, None)).0;
    assert_eq!((&*rest[1].0, rest[1].1), ("no/name", 17));
    assert!(ask(&["__consumer_offsets"], 1, None).topics[0].is_internal);
}
