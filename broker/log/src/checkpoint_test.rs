//! Checkpoint files: Kafka's bytes, and a crash leaves the old or the new.

use super::*;
use crate::memory_disk::{MemoryDisk, finish, run};

fn offsets(entries: &[(&str, i32, i64)]) -> OffsetCheckpoint {
    let entry = |(topic, index, offset): &(&str, i32, i64)| {
        (PartitionName::new(*topic, PartitionIndex(*index)), Offset(*offset))
    };
    entries.iter().map(entry).collect()
}

#[test]
fn the_file_is_kafkas() {
    let disk = MemoryDisk::default();
    let written = offsets(&[("a.b-c", 0, 17), ("a.b-c", 11, 0), ("z", 3, 1 << 40)]);
    finish(write_offsets(&disk, "x", &written)).unwrap();
    assert_eq!(disk.content("x").unwrap(), b"0\n3\na.b-c 0 17\na.b-c 11 0\nz 3 1099511627776\n");
    assert_eq!(finish(read_offsets(&disk, Path::new("x"))), Ok(written));
}

#[test]
fn what_is_not_a_checkpoint_is_refused() {
    let disk = MemoryDisk::default();
    assert_eq!(finish(read_offsets(&disk, Path::new("x"))), Ok(offsets(&[])));
    disk.put("x", b"");
    assert_eq!(finish(read_offsets(&disk, Path::new("x"))), Ok(offsets(&[])));
    for bad in [
        &b"1\n0\n"[..],
        b"0\n1\n",
        b"0\n1\nt 0\n",
        b"0\n1\nt 0 1 2\n",
        b"0\nx\n",
        b"\xff\n",
        b"0\n1\nt x 1\n",
    ] {
        disk.put("x", bad);
        let read = finish(read_offsets(&disk, Path::new("x")));
        assert!(matches!(read, Err(CheckpointError::Malformed { .. })), "{bad:?}: {read:?}");
    }
}

#[test]
fn a_crash_anywhere_leaves_the_old_content_or_the_new() {
    for operations in 0..8 {
        for seed in 0..50 {
            let disk = MemoryDisk::default();
            finish(replace(&disk, Path::new(""), "x", Bytes::from_static(b"old"))).unwrap();
            disk.stop_after(Some(operations));
            let done = run(replace(&disk, Path::new(""), "x", Bytes::from_static(b"new content"))).is_some();
            disk.power_loss(seed);
            let left = disk.content("x").expect("never neither");
            assert!(
                left == b"new content" || (left == b"old" && !done),
                "{left:?} after {operations}, {seed}"
            );
        }
    }
}
