//! What a broker may vouch for when it has started.

use super::*;
use model::ClusterId;
use records::metadata::{MetadataRecord, RegisterBrokerRecord};

fn image_of(brokers: &[(i32, i64)]) -> ClusterImage {
    let mut image = ClusterImage::new(ClusterId("c2ltdWxhdGVkY2x1c3RlcQ".into()));
    for (at, (id, epoch)) in brokers.iter().enumerate() {
        let record =
            RegisterBrokerRecord { broker_id: *id, broker_epoch: *epoch, ..RegisterBrokerRecord::default() };
        image.replay(Offset(at as i64), &MetadataRecord::RegisterBroker(record)).expect("a registration");
    }
    image
}

#[test]
fn the_only_broker_vouches_for_what_it_has() {
    assert_eq!(vouched_for(&image_of(&[(1, 5)]), BrokerId(1)), Some(BrokerEpoch(5)));
    assert_eq!(vouched_for(&image_of(&[]), BrokerId(1)), None);
}

#[test]
fn the_only_voter_does_not_vouch_while_other_brokers_are_registered() {
    assert_eq!(vouched_for(&image_of(&[(1, 5), (2, 7)]), BrokerId(1)), None);
    assert_eq!(vouched_for(&image_of(&[(2, 7)]), BrokerId(1)), None);
}
