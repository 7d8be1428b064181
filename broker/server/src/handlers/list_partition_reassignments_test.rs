//! What is being moved, of what is asked for.

use super::super::shown::tests::image;
use super::*;

fn ask(wanted: Option<&[(&str, &[i32])]>) -> Vec<(String, Vec<i32>)> {
    let topics = wanted.map(|topics| {
        let topic = |(name, indexes): &(&str, &[i32])| ListPartitionReassignmentsTopics {
            name: name.to_string(),
            partition_indexes: indexes.to_vec(),
        };
        topics.iter().map(topic).collect::<Vec<_>>()
    });
    let response = respond(&image(), topics.as_deref());
    assert_eq!((response.error_code, response.error_message), (0, None));
    let indexes = |topic: &OngoingTopicReassignment| {
        topic.partitions.iter().map(|partition| partition.partition_index).collect()
    };
    response.topics.iter().map(|topic| (topic.name.clone(), indexes(topic))).collect()
}

#[test]
fn what_is_being_moved_is_told_and_nothing_else() {
    let moving = [("b".to_owned(), vec![1])];
    assert_eq!(ask(None), moving);
    assert_eq!(ask(Some(&[("a", &[0, 1]), ("b", &[0, 1, 2])])), moving);
    assert_eq!(ask(Some(&[("b", &[0, 2, -1, 9]), ("none", &[0])])), []);
    assert_eq!(ask(Some(&[])), []);
    let told = respond(&image(), None).topics.remove(0).partitions.remove(0);
    assert_eq!((told.replicas, told.adding_replicas, told.removing_replicas), (vec![3, 2], vec![2], vec![]));
}
