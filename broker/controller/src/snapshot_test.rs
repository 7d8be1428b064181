//! Snapshots: the order of their records, and what they leave out.

use super::*;
use crate::scene::{Scene, cluster_id};
use crate::{ControllerRegistration, ResourceKind, features};
use records::metadata::BeginTransactionRecord;

/// The image that a snapshot gives, at the offset that the snapshot is of.
fn loaded(image: &ClusterImage) -> ClusterImage {
    let mut copy = ClusterImage::new(cluster_id());
    for record in image.records() {
        let record = MetadataRecord::decode(record.encode().unwrap()).unwrap();
        copy.replay(copy.end(), &record).unwrap();
    }
    copy.end = image.visible().end();
    copy
}

/// Two brokers, a controller, topics with configs, a block of producer ids.
fn crowd() -> Scene {
    let mut scene = Scene::with_brokers(&[1, 2]);
    let controller = ControllerRegistration {
        id: BrokerId(1),
        incarnation: Uuid::from_draws(1, 2),
        endpoints: Vec::new(),
        features: features::supported(),
    };
    let decision = scene.controller.register_controller(&controller).unwrap();
    scene.append(decision);
    let mut topic = scene.topic("a.b");
    (topic.partitions, topic.replication_factor) = (2, 2);
    topic.configs = vec![("segment.ms".to_owned(), Some("5".to_owned()))];
    scene.create(vec![topic]).unwrap();
    let config = ConfigRecord {
        resource_type: ResourceKind::Broker.code(),
        resource_name: String::new(),
        name: "min.insync.replicas".to_owned(),
        value: Some("2".to_owned()),
    };
    let ids = ProducerIdsRecord { broker_id: 1, broker_epoch: 1, next_producer_id: 1000 };
    scene.append(crate::Decision::whole(vec![config.into(), ids.into()], ()));
    scene.fence(2);
    scene.commit();
    scene
}

#[test]
fn records_come_in_kafkas_order_and_give_the_image_again() {
    let scene = crowd();
    let image = scene.controller.committed();
    let types: Vec<_> = image.records().map(|record| record.record_type()).collect();
    assert_eq!(types, [12, 12, 0, 0, 27, 2, 3, 3, 4, 4, 15]);
    let Some(MetadataRecord::FeatureLevel(version)) = image.records().next() else {
        panic!("a snapshot begins with a feature");
    };
    assert_eq!(version.name, features::METADATA_VERSION);
    assert_eq!(&loaded(image), image);
}

#[test]
fn a_transaction_in_progress_is_left_out() {
    let scene = crowd();
    let before = scene.image().clone();
    let mut image = before.clone();
    let begin = BeginTransactionRecord { name: None };
    image.replay(image.end(), &begin.into()).unwrap();
    let topic = TopicRecord { name: "c".to_owned(), topic_id: Uuid::from_draws(3, 3) };
    image.replay(image.end(), &topic.into()).unwrap();
    assert_eq!(loaded(&image), before);
}

#[test]
fn the_image_of_an_empty_log_has_no_records() {
    assert_eq!(ClusterImage::new(cluster_id()).records().count(), 0);
}
