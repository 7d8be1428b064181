//! The clean-shutdown file vouches once.

use super::*;
use crate::memory_disk::{MemoryDisk, finish, run};

#[test]
fn the_file_is_kafkas() {
    let disk = MemoryDisk::default();
    finish(write(&disk, BrokerEpoch(42))).unwrap();
    assert_eq!(disk.content(FILE).unwrap(), br#"{"version":0,"brokerEpoch":42}"#);
    let found = finish(consume(&disk)).unwrap();
    assert_eq!(found, Some(CleanShutdown { broker_epoch: Some(BrokerEpoch(42)) }));
    assert_eq!(finish(consume(&disk)), Ok(None));
}

#[test]
fn its_presence_counts_more_than_its_content() {
    let epoch = |text: &str| decode(text.as_bytes()).map(|epoch| epoch.0);
    assert_eq!(epoch("{ \"brokerEpoch\" : -1 , \"version\":0}\n"), Some(-1));
    assert_eq!(epoch("{\"version\":1,\"brokerEpoch\":7,\"new\":true}"), Some(7));
    for unknown in ["", "{}", "{\"version\":0,\"brokerEpoch\":null}", "\u{feff}", "brokerEpoch"] {
        assert_eq!(epoch(unknown), None, "{unknown:?}");
        let disk = MemoryDisk::default();
        disk.put(FILE, unknown.as_bytes());
        assert_eq!(finish(consume(&disk)), Ok(Some(CleanShutdown { broker_epoch: None })));
    }
}

#[test]
fn once_consumed_no_crash_brings_it_back() {
    for seed in 0..50 {
        let disk = MemoryDisk::default();
        finish(write(&disk, BrokerEpoch(1))).unwrap();
        assert!(finish(consume(&disk)).unwrap().is_some());
        disk.power_loss(seed);
        assert_eq!(finish(consume(&disk)), Ok(None), "seed {seed}");
    }
}

#[test]
fn a_kill_between_removal_and_sync_does_not_bring_it_back_later() {
    for operations in 0..8 {
        let disk = MemoryDisk::default();
        finish(write(&disk, BrokerEpoch(1))).unwrap();
        disk.stop_after(Some(operations));
        let _ = run(consume(&disk));
        disk.stop_after(None);
        let _ = finish(consume(&disk)).unwrap();
        disk.power_loss(0);
        assert_eq!(finish(consume(&disk)), Ok(None), "killed after {operations}");
    }
}
