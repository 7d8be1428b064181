//! `partition.metadata`, byte for byte.

use super::*;
use crate::memory_disk::{MemoryDisk, finish};

#[test]
fn the_file_is_kafkas() {
    let disk = MemoryDisk::default();
    let dir = Path::new("t-0");
    disk.put("t-0/other", b"");
    assert_eq!(finish(read(&disk, dir)), Ok(None));
    let topic = TopicId("4KxO0tFoTvGBqnfwlKnXLw".parse().unwrap());
    finish(write(&disk, dir, topic)).unwrap();
    disk.power_loss(0);
    let content = disk.content("t-0/partition.metadata").unwrap();
    assert_eq!(content, b"version: 0\ntopic_id: 4KxO0tFoTvGBqnfwlKnXLw");
    assert_eq!(finish(read(&disk, dir)), Ok(Some(topic)));
}

#[test]
fn other_content_is_refused() {
    for bad in [
        "",
        "version: 0",
        "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA",
        "version: x\ntopic_id: 4KxO0tFoTvGBqnfwlKnXLw",
        "version: -1\ntopic_id: 4KxO0tFoTvGBqnfwlKnXLw",
        "version: 0\ntopic_id: short",
    ] {
        assert_eq!(decode(bad), None, "{bad:?}");
    }
    assert!(decode("version: 1\ntopic_id: 4KxO0tFoTvGBqnfwlKnXLw\nmore: 1\n").is_some(), "a later version");
}
