//! Who asks to be fenced for want of space.

use super::*;
use model::{ClusterId, Offset, Uuid};
use records::metadata::{MetadataRecord, PartitionRecord, RegisterBrokerRecord, TopicRecord};

/// One partition: its replicas, who is in sync, who else may lead, who leads.
type Of = (&'static [i32], &'static [i32], &'static [i32], i32);

/// An image of brokers 1 to 3, of which some are fenced, with these partitions.
fn image(fenced: &[i32], partitions: &[Of]) -> ClusterImage {
    let mut image = ClusterImage::new(ClusterId("here".into()));
    let mut add = |record: MetadataRecord| {
        let end = image.end();
        image.replay(end, &record).expect("a record that fits");
    };
    for broker_id in 1..=3 {
        let fenced = fenced.contains(&broker_id);
        let broker_epoch = i64::from(broker_id) - 1;
        add(RegisterBrokerRecord { broker_id, broker_epoch, fenced, ..RegisterBrokerRecord::default() }
            .into());
    }
    let topic_id = Uuid([7; 16]);
    add(TopicRecord { name: "t".into(), topic_id }.into());
    for (partition_id, &(replicas, isr, elr, leader)) in (0..).zip(partitions) {
        add(PartitionRecord {
            partition_id,
            topic_id,
            replicas: replicas.to_vec(),
            directories: vec![Uuid::ZERO; replicas.len()],
            isr: isr.to_vec(),
            eligible_leader_replicas: Some(elr.to_vec()),
            leader,
            ..PartitionRecord::default()
        }
        .into());
    }
    image
}

#[track_caller]
fn check(expected: bool, fenced: &[i32], partitions: &[Of]) {
    let image = image(fenced, partitions);
    assert_eq!(gives_way(&image, BrokerId(1)), expected, "{fenced:?}, {partitions:?}");
    assert!(image.end() > Offset(0));
}

const SHARED: Of = (&[1, 2, 3], &[1, 2], &[], 1);
const FOLLOWED: Of = (&[2, 1], &[2, 1], &[], 2);
const OTHERS: Of = (&[2, 1], &[2], &[], 2);
const MINE: Of = (&[1], &[1], &[], 1);
const LAST: Of = (&[1, 2], &[1], &[], 1);

#[test]
fn whoever_shares_what_it_holds_gives_way() {
    check(true, &[], &[SHARED]);
    check(true, &[], &[OTHERS, FOLLOWED]);
    check(true, &[], &[MINE, SHARED]);
}

#[test]
fn nobody_gives_way_for_nothing() {
    check(false, &[], &[]);
    check(false, &[], &[MINE]);
    check(false, &[], &[OTHERS]);
}

#[test]
fn what_is_here_alone_can_still_be_read() {
    check(false, &[], &[SHARED, LAST]);
    check(false, &[1], &[(&[1, 2], &[1], &[], -1)]);
    // Nobody is in sync: the first of these to be available leads.
    check(false, &[1, 2], &[(&[1, 2], &[], &[1, 2], -1)]);
}

#[test]
fn whoever_is_fenced_stays_it_while_others_lead() {
    check(true, &[1], &[OTHERS]);
    check(true, &[1], &[OTHERS, (&[1], &[1], &[], -1)]);
    // Nobody leads, but not for want of this one.
    check(true, &[1, 3], &[(&[1, 3], &[3], &[], -1)]);
}

#[test]
fn a_broker_that_is_not_registered_gives_no_way() {
    assert!(!gives_way(&image(&[], &[SHARED]), BrokerId(9)));
}
