//! Which strategy a round gets, and that each of them syncs.

use super::*;
use crate::Threads;
use crate::buffers::Buffers;
use crate::tests::directory;
use bytes::Bytes;
use runtime::{Disk, DiskErrorKind, File, OpenMode, Runtime};
use std::path::Path;

#[test]
fn small_rounds_do_not_ask_what_is_dirty() {
    let never = || panic!("asked");
    assert_eq!(Strategy::for_round(1, never), Strategy::InTurn);
    assert_eq!(Strategy::for_round(127, never), Strategy::AtOnce(16));
}

#[test]
fn large_rounds_avoid_syncfs_in_bad_company() {
    assert_eq!(Strategy::for_round(1000, || 16_000 << 10), Strategy::FileSystem);
    assert_eq!(Strategy::for_round(1000, || (16_000 << 10) + 1), Strategy::AtOnce(64));
    assert_eq!(Strategy::for_round(128, || u64::MAX), Strategy::AtOnce(64));
}

#[test]
fn dirty_bytes_are_read_from_meminfo() {
    let text = "MemTotal:       24576000 kB\nDirty:              1200 kB\nWriteback:            34 kB\n";
    assert_eq!(dirty_in(text), 1234 * 1024);
    assert_eq!(dirty_in("MemTotal: 1 kB\n"), u64::MAX, "what is not known is not little");
    assert!(dirty_bytes() < u64::MAX, "this kernel tells");
}

#[test]
fn every_strategy_syncs() {
    let dir = directory();
    Threads::default()
        .run(dir.path(), |rt| async move {
            let mut files = Vec::new();
            for n in 0..20 {
                let file = rt.disk().open(Path::new(&n.to_string()), OpenMode::CreateNew).await.unwrap();
                file.write_at(0, vec![Bytes::from_static(b"dirty")]).await.unwrap();
                files.push(file);
            }
            for strategy in
                [Strategy::InTurn, Strategy::AtOnce(3), Strategy::AtOnce(64), Strategy::FileSystem]
            {
                rt.disk().sync_by(strategy, files.clone()).await.unwrap();
            }
        })
        .unwrap();
}

#[test]
fn one_failed_file_fails_the_round() {
    let dir = directory();
    Threads::default()
        .run(dir.path(), |rt| async move {
            let good = rt.disk().open(Path::new("good"), OpenMode::CreateNew).await.unwrap();
            // A pipe's end can be written but not synced: EINVAL. Nor is it on the data directory's file system, so
            // that a sync of that does not pass over it.
            let (_reader, writer) = rustix::pipe::pipe().unwrap();
            let bad = TokioFile::new(writer, Path::new("bad"), Handle::current(), Buffers::default());
            for strategy in [Strategy::InTurn, Strategy::AtOnce(4), Strategy::FileSystem] {
                let files = vec![good.clone(), bad.clone(), good.clone()];
                let error = rt.disk().sync_by(strategy, files).await.unwrap_err();
                assert_eq!((error.kind, error.op), (DiskErrorKind::Io, "sync"));
            }
        })
        .unwrap();
}
