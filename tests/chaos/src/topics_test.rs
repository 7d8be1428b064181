//! What the command prints, as it prints it.

use super::*;

const TOLD: &str = "Topic: tide\tTopicId: AAAA\tPartitionCount: 3\tReplicationFactor: 3\tConfigs: flush.messages=1\n\
                    \tTopic: tide\tPartition: 0\tLeader: 2\tReplicas: 2,3,1\tIsr: 2,3,1\n\
                    \tTopic: tide\tPartition: 1\tLeader: none\tReplicas: 3,1,2\tIsr: 1\n\
                    \tTopic: tide\tPartition: 2\tLeader: 1\tReplicas: 1,2,3\tIsr: 1,2\n";

#[test]
fn partitions_are_read() {
    let partitions = parse(TOLD).expect("as it is printed");
    assert_eq!(partitions.len(), 3);
    assert_eq!((partitions[0].leader, partitions[0].index), (Some(2), 0));
    assert_eq!(partitions[0].replicas, [2, 3, 1]);
    assert_eq!((partitions[1].leader, partitions[1].in_sync.as_slice()), (None, &[1][..]));
    assert_eq!(partitions.iter().map(Partition::is_whole).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn what_is_no_partition_is_refused() {
    assert!(parse("\tTopic: tide\tPartition: x\tLeader: 2\tReplicas: 2\tIsr: 2\n").is_err());
    assert!(parse("\tTopic: tide\tPartition: 1\n").is_err());
    assert_eq!(parse("").expect("nothing"), []);
}
