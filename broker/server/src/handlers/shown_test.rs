//! Brokers that are there and that are not, and an image with some of everything for the handlers' tests.

use super::*;
use model::{ClusterId, PartitionIndex, Uuid};
use records::metadata::{
    BrokerEndpoint, ConfigRecord, MetadataRecord, PartitionRecord, RegisterBrokerRecord, TopicRecord,
};

/// Brokers 1 and 2, and 3, which is fenced; broker 2 listens elsewhere only. Topics a, b and c with 2, 3 and 1
/// partitions, led by broker 1 and held by 1 and 3; partition 1 of b is being moved to 2 and has no leader.
pub fn image() -> ClusterImage {
    let mut image = ClusterImage::new(ClusterId("here".into()));
    for (id, listener, fenced) in [(1, "PLAINTEXT", false), (2, "OTHER", false), (3, "PLAINTEXT", true)] {
        let end_points = vec![BrokerEndpoint {
            name: listener.into(),
            host: format!("host{id}"),
            port: 9092,
            security_protocol: 0,
        }];
        let rack = (id == 1).then(|| "r".to_owned());
        let broker_epoch = image.end().0;
        let record = RegisterBrokerRecord {
            broker_id: id,
            broker_epoch,
            end_points,
            rack,
            fenced,
            ..RegisterBrokerRecord::default()
        };
        add(&mut image, record.into());
    }
    for (topic, name, partitions) in [(10, "b", 3), (11, "a", 2), (12, "c", 1)] {
        let topic_id = Uuid([topic; 16]);
        add(&mut image, TopicRecord { name: name.into(), topic_id }.into());
        for partition_id in 0..partitions {
            let moving = (name, partition_id) == ("b", 1);
            let partition = PartitionRecord {
                partition_id,
                topic_id,
                replicas: if moving { vec![3, 2] } else { vec![1, 3] },
                isr: if moving { vec![3] } else { vec![1] },
                adding_replicas: if moving { vec![2] } else { Vec::new() },
                leader: if moving { -1 } else { 1 },
                leader_epoch: 7,
                partition_epoch: 8,
                directories: vec![Uuid::ZERO; 2],
                eligible_leader_replicas: Some(if moving { vec![3] } else { Vec::new() }),
                ..PartitionRecord::default()
            };
            add(&mut image, partition.into());
        }
    }
    image
}

#[test]
fn a_broker_names_itself_as_the_controller_or_one_that_it_shows() {
    for (me, online, named) in
        [(2, vec![1, 2, 3], 2), (2, vec![1, 3, 4], 3), (4, vec![2, 1], 1), (1, vec![1], 1), (1, vec![], -1)]
    {
        assert_eq!(controller(BrokerId(me), online.clone()), named, "{me} of {online:?}");
    }
}

/// An image with one more topic, of so many partitions on broker 1.
pub fn with_topic(mut image: ClusterImage, name: &str, partitions: i32) -> ClusterImage {
    let topic_id = Uuid([99; 16]);
    add(&mut image, TopicRecord { name: name.into(), topic_id }.into());
    for partition_id in 0..partitions {
        let partition = PartitionRecord {
            partition_id,
            topic_id,
            replicas: vec![1],
            isr: vec![1],
            leader: 1,
            directories: vec![Uuid::ZERO],
            ..PartitionRecord::default()
        };
        add(&mut image, partition.into());
    }
    image
}

/// An image after one more config was set.
pub fn with_config(
    mut image: ClusterImage,
    kind: i8,
    resource: &str,
    name: &str,
    value: &str,
) -> ClusterImage {
    let record = ConfigRecord {
        resource_type: kind,
        resource_name: resource.into(),
        name: name.into(),
        value: Some(value.into()),
    };
    add(&mut image, record.into());
    image
}

pub fn add(image: &mut ClusterImage, record: MetadataRecord) {
    image.replay(image.end(), &record).expect("a record that fits");
}

#[test]
fn fenced_and_unknown_brokers_are_not_there() {
    let image = image();
    let online: Vec<i32> = (0..5).filter(|id| is_online(&image, BrokerId(*id))).collect();
    assert_eq!(online, [1, 2]);
    let b = image.topic_named("b").unwrap();
    let (led, leaderless) =
        (b.partition(PartitionIndex(0)).unwrap(), b.partition(PartitionIndex(1)).unwrap());
    assert_eq!((leader(&image, led), leader(&image, leaderless)), (Some(BrokerId(1)), None));
    assert_eq!(offline_replicas(&image, led), [3]);
    assert_eq!(ids(&leaderless.replicas), [3, 2]);
}
