//! The data directory: locked, remembered, and clean only once.

use super::*;
use crate::memory_disk::{MemoryDisk, finish};
use model::{BrokerId, ClusterId, PartitionIndex};

fn open(disk: &MemoryDisk) -> Directory<MemoryDisk> {
    finish(Directory::open(disk.clone())).expect("opens")
}

fn name(index: i32) -> PartitionName {
    PartitionName::new("t", PartitionIndex(index))
}

#[test]
fn only_one_process_has_it() {
    let disk = MemoryDisk::default();
    let first = open(&disk);
    assert!(matches!(finish(Directory::open(disk.clone())), Err(DirectoryError::InUse)));
    drop(first);
    open(&disk);
}

#[test]
fn a_stop_in_order_vouches_for_the_next_start_alone() {
    let disk = MemoryDisk::default();
    let mut directory = open(&disk);
    assert_eq!(directory.meta(), None);
    let meta = MetaProperties { cluster: ClusterId("c".into()), node: BrokerId(1), directory: None };
    finish(directory.format(meta.clone())).unwrap();
    let offsets: OffsetCheckpoint = [(name(0), Offset(7)), (name(1), Offset(9))].into();
    finish(directory.write_recovery_points(&offsets)).unwrap();
    finish(directory.write_log_starts(&[(name(1), Offset(2))].into())).unwrap();
    finish(directory.close(BrokerEpoch(5))).unwrap();
    disk.power_loss(0);

    let mut directory = open(&disk);
    assert_eq!(directory.meta(), Some(&meta));
    assert_eq!(directory.clean_shutdown().unwrap().broker_epoch, Some(BrokerEpoch(5)));
    let recovery = directory.recovery(&name(1));
    assert_eq!(recovery, Recovery { clean: true, recovery_point: Offset(9), log_start: Offset(2) });
    assert_eq!(directory.recovery(&name(2)), Recovery { clean: true, ..Recovery::default() });
    directory.forget(&name(1));
    assert_eq!(directory.recovery(&name(1)), Recovery { clean: true, ..Recovery::default() });
    assert_eq!(directory.recovery(&name(0)).recovery_point, Offset(7), "nobody else is forgotten");
    drop(directory);
    disk.power_loss(0);
    assert_eq!(open(&disk).clean_shutdown(), None, "killed since");
}

#[test]
fn damaged_checkpoints_are_empty_ones() {
    let disk = MemoryDisk::default();
    disk.put(RECOVERY_POINTS, b"0\n5\n");
    disk.put(LOG_STARTS, b"what?");
    let directory = open(&disk);
    assert_eq!(directory.recovery(&name(0)), Recovery::default());
    assert_eq!(directory.damage().len(), 2);
}

#[test]
fn partitions_are_found_by_their_directories() {
    let disk = MemoryDisk::default();
    for path in ["t-0/x", "t-10/x", "a-b-3/x", "t-1.0123-delete/x", "other/x"] {
        disk.put(path, b"");
    }
    disk.put("t-9", b"a file");
    let found = finish(open(&disk).partitions()).unwrap();
    assert_eq!(found, [PartitionName::new("a-b", PartitionIndex(3)), name(0), name(10)]);
}
