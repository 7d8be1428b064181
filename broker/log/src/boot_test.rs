//! What the file says, and what says nothing.

use super::*;
use crate::memory_disk::{MemoryDisk, finish};

#[test]
fn what_was_written_is_read_until_it_is_removed() {
    let disk = MemoryDisk::default();
    assert_eq!(finish(read(&disk)), Ok(None));
    for epoch in [3, 4] {
        finish(write(&disk, "1f0c-7", BrokerEpoch(epoch))).unwrap();
        let boot = Boot { boot: "1f0c-7".into(), epoch: BrokerEpoch(epoch) };
        assert_eq!(finish(read(&disk)), Ok(Some(boot)));
    }
    finish(remove(&disk)).unwrap();
    assert_eq!(finish(read(&disk)), Ok(None));
    finish(remove(&disk)).unwrap();
}

#[test]
fn what_can_not_be_read_says_nothing() {
    for content in [
        "",
        "version=0\n",
        "version=0\nboot=\nbroker.epoch=3\n",
        "version=0\nboot=a\n",
        "version=0\nboot=a\nbroker.epoch=x\n",
        "version=0\nboot=a\nbroker.epoch=-1\n",
        "version=1\nboot=a\nbroker.epoch=3\n",
    ] {
        assert_eq!(decode(content.as_bytes()), None, "{content:?}");
    }
}
