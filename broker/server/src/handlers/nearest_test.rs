//! Which consumers are sent elsewhere, and to whom of those who could serve them.

use super::*;
use crate::handlers::shown::tests::add;
use model::ClusterId;
use records::metadata::RegisterBrokerRecord;

/// Brokers 1 to 5: 1 in rack a, 2, 3 and 4 in b, of which 4 is fenced, and 5 in none.
fn image() -> ClusterImage {
    let mut image = ClusterImage::new(ClusterId("here".into()));
    for (broker_id, rack) in [(1, "a"), (2, "b"), (3, "b"), (4, "b"), (5, "")] {
        let broker_epoch = image.end().0;
        let rack = Some(rack.to_owned()).filter(|rack| !rack.is_empty());
        let fenced = broker_id == 4;
        let record = RegisterBrokerRecord { broker_id, broker_epoch, rack, fenced, ..Default::default() };
        add(&mut image, record.into());
    }
    image
}

#[test]
fn a_consumer_is_sent_to_the_replica_in_its_rack_that_is_furthest() {
    let image = image();
    let all = [(2, 10), (3, 12), (4, 20), (5, 20)].map(|(id, end)| (BrokerId(id), Offset(end)));
    for (leader, rack, followers, expected) in [
        (1, "b", &all[..], Some(3)),
        (1, "b", &all[..1], Some(2)),
        (1, "b", &all[2..], None),
        (1, "a", &all[..], None),
        (1, "c", &all[..], None),
        (1, "b", &[], None),
        // The leader stands there itself.
        (2, "b", &all[1..], None),
        (5, "b", &all[..], Some(3)),
    ] {
        let sent = nearest(&image, BrokerId(leader), rack, followers);
        assert_eq!(sent, expected.map(BrokerId), "{leader} {rack} {followers:?}");
    }
    let level = [(3, 10), (2, 10)].map(|(id, end)| (BrokerId(id), Offset(end)));
    assert_eq!(nearest(&image, BrokerId(1), "b", &level), Some(BrokerId(2)), "the same for all that ask");
}
