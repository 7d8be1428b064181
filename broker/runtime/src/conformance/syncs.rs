//! Syncs that succeed. What a crash leaves is the simulator's to try.

use super::{Corner, content, refused};
use crate::{Disk, DiskErrorKind, File, OpenMode, Runtime};
use bytes::Bytes;
use std::path::Path;

pub(super) async fn a_file_syncs<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "sync").await;
    let file = corner.file(rt, "file", b"abc").await;
    file.sync().await.expect("a written file syncs");
    file.write_at(3, vec![Bytes::from_static(b"def")]).await.expect("it can be written again");
    file.sync().await.expect("and synced again");
    file.set_len(2).await.expect("it can be cut");
    file.sync().await.expect("and synced once more");
    assert_eq!(content(&file).await, b"ab");
}

pub(super) async fn an_untouched_file_syncs<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "sync-untouched").await;
    corner.file(rt, "file", b"abc").await;
    let file = rt.disk().open(&corner.path("file"), OpenMode::Read).await.expect("an existing file opens");
    file.sync().await.expect("a file that was only read syncs");
}

pub(super) async fn a_directory_syncs<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "sync-dir").await;
    corner.file(rt, "file", b"").await;
    rt.disk().sync_dir(&corner.0).await.expect("a directory syncs");
    rt.disk().sync_dir(Path::new("")).await.expect("the root syncs");
}

pub(super) async fn syncing_no_directory_is_not_found<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "sync-nothing").await;
    let missing = rt.disk().sync_dir(&corner.path("none")).await;
    assert_eq!(refused(missing, "syncing a missing directory"), DiskErrorKind::NotFound);
    corner.file(rt, "file", b"").await;
    let file = rt.disk().sync_dir(&corner.path("file")).await;
    assert_eq!(refused(file, "sync_dir of a file"), DiskErrorKind::WrongKind);
}

pub(super) async fn many_files_sync_as_one_round<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "sync-many").await;
    // Around every count at which an implementation might change its ways.
    for round in [1, 2, 3, 8, 64, 65, 200] {
        let mut files = Vec::new();
        for n in 0..round {
            files.push(corner.file(rt, &format!("{round}-{n}"), b"dirty").await);
        }
        let synced = rt.disk().sync_many(files.clone()).await;
        synced.unwrap_or_else(|error| panic!("a round of {round} files syncs: {error}"));
        assert_eq!(content(&files[0]).await, b"dirty");
    }
}

pub(super) async fn an_empty_round_is_fine<R: Runtime>(rt: &R) {
    rt.disk().sync_many(Vec::new()).await.expect("a round of no files syncs");
}

pub(super) async fn writes_go_on_while_a_sync_runs<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "sync-and-write").await;
    let file = corner.file(rt, "file", b"").await;
    let syncing = file.clone();
    let syncs = rt.spawn("sync", async move {
        for _ in 0..10 {
            syncing.sync().await.expect("a file syncs while it is written");
        }
    });
    for n in 0..100u64 {
        file.write_at(n * 8, vec![Bytes::copy_from_slice(&n.to_be_bytes())])
            .await
            .expect("a write during a sync");
    }
    syncs.await.expect("nobody aborts it");
    let wanted: Vec<u8> = (0..100u64).flat_map(u64::to_be_bytes).collect();
    assert_eq!(content(&file).await, wanted);
}
