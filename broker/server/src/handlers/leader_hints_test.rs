//! Whom answers name that refuse, and whom they don't.

use super::*;
use crate::handlers::shown::tests::image;
use model::{PartitionIndex, TopicId, Uuid};

fn key(topic: u8, index: i32) -> PartitionKey {
    PartitionKey { topic: TopicId(Uuid([topic; 16])), index: PartitionIndex(index) }
}

#[test]
fn leaders_are_named_with_their_epochs_and_told_once() {
    let image = image();
    let mut hints = LeaderHints::new(&image, "PLAINTEXT");
    for (topic, index) in [(10, 0), (10, 2), (11, 1)] {
        assert_eq!(hints.leader(key(topic, index)), Some((BrokerId(1), LeaderEpoch(7))), "{topic}-{index}");
    }
    let broker = Node { id: BrokerId(1), host: "host1".into(), port: 9092, rack: Some("r".into()) };
    assert_eq!(hints.nodes().collect::<Vec<_>>(), [broker]);
}

#[test]
fn nobody_is_named_who_can_not_be_reached_or_does_not_lead() {
    let image = image();
    for (listener, topic, index) in
        [("OTHER", 10, 0), ("PLAINTEXT", 10, 1), ("PLAINTEXT", 10, 9), ("PLAINTEXT", 99, 0)]
    {
        let mut hints = LeaderHints::new(&image, listener);
        assert_eq!(hints.leader(key(topic, index)), None, "{listener} {topic}-{index}");
        assert_eq!(hints.nodes().count(), 0);
    }
}
