//! `meta.properties` as Kafka writes and reads it.

use super::*;
use crate::memory_disk::{MemoryDisk, finish};

#[test]
fn kafkas_file_is_read() {
    let text = "#\n#Sat Aug 01 12:00:00 UTC 2026\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\n\
                directory.id=4KxO0tFoTvGBqnfwlKnXLw\nnode.id=7\nversion=1\n";
    let meta = decode(text).unwrap();
    assert_eq!(&*meta.cluster.0, "MkU3OEVBNTcwNTJENDM2Qk");
    assert_eq!(meta.node, BrokerId(7));
    assert_eq!(meta.directory.unwrap().to_string(), "4KxO0tFoTvGBqnfwlKnXLw");
    assert_eq!(decode(&encode(&meta)), Ok(meta));
}

#[test]
fn what_is_missing_is_named() {
    let error = |text: &str| decode(text).unwrap_err();
    assert!(error("broker.id=1\ncluster.id=x\n").contains("ZooKeeper"));
    assert!(error("version=2\n").contains("\"2\""));
    assert!(error("version=1\nnode.id=1\n").contains("cluster.id"));
    assert!(error("version=1\ncluster.id=x\n").contains("node.id"));
    assert!(error("version=1\ncluster.id=x\nnode.id=one\n").contains("one"));
    assert!(error("version=1\ncluster.id=x\nnode.id=1\ndirectory.id=?\n").contains("directory.id"));
    assert_eq!(decode("version=1\ncluster.id=x\nnode.id=1\n").unwrap().directory, None);
}

#[test]
fn what_is_written_survives_a_power_cut() {
    let disk = MemoryDisk::default();
    assert_eq!(finish(MetaProperties::read(&disk)), Ok(None));
    let meta = MetaProperties { cluster: ClusterId("c:=1".into()), node: BrokerId(0), directory: None };
    finish(write(&disk, &meta)).unwrap();
    disk.power_loss(0);
    assert_eq!(finish(MetaProperties::read(&disk)), Ok(Some(meta)));
}
