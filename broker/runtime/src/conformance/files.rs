//! One file: how it opens, what it holds, what happens to it while it is open.

use super::{Corner, content, refused};
use crate::{Disk, DiskErrorKind, File, OpenMode, Runtime};
use bytes::Bytes;

pub(super) async fn open_read_wants_a_file<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "open-read").await;
    let missing = rt.disk().open(&corner.path("none"), OpenMode::Read).await;
    assert_eq!(refused(missing, "opening a missing file"), DiskErrorKind::NotFound);
    corner.file(rt, "some", b"abc").await;
    let file = rt.disk().open(&corner.path("some"), OpenMode::Read).await.expect("an existing file opens");
    assert_eq!(content(&file).await, b"abc");
}

pub(super) async fn open_write_wants_a_file<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "open-write").await;
    let missing = rt.disk().open(&corner.path("none"), OpenMode::Write).await;
    assert_eq!(refused(missing, "opening a missing file"), DiskErrorKind::NotFound);
    corner.file(rt, "some", b"abc").await;
    let file = rt.disk().open(&corner.path("some"), OpenMode::Write).await.expect("an existing file opens");
    file.write_at(1, vec![Bytes::from_static(b"X")]).await.expect("it can be written");
    assert_eq!(content(&file).await, b"aXc", "Write keeps what was there");
}

pub(super) async fn open_create_new_wants_none<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "open-create-new").await;
    let file = corner.file(rt, "some", b"").await;
    assert_eq!(file.len().await.expect("a file has a length"), 0);
    let again = rt.disk().open(&corner.path("some"), OpenMode::CreateNew).await;
    assert_eq!(refused(again, "creating a file twice"), DiskErrorKind::AlreadyExists);
    rt.disk().create_dir(&corner.path("dir")).await.expect("a directory can be created");
    let taken = rt.disk().open(&corner.path("dir"), OpenMode::CreateNew).await;
    assert_eq!(refused(taken, "creating a file in a directory's place"), DiskErrorKind::AlreadyExists);
}

pub(super) async fn open_truncate_empties<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "open-truncate").await;
    let old = corner.file(rt, "some", b"abc").await;
    let file =
        rt.disk().open(&corner.path("some"), OpenMode::Truncate).await.expect("an existing file opens");
    assert_eq!(file.len().await.expect("a file has a length"), 0);
    assert_eq!(old.len().await.expect("a file has a length"), 0, "it is the same file, not another one");
    let new =
        rt.disk().open(&corner.path("new"), OpenMode::Truncate).await.expect("a missing file is created");
    new.write_at(0, vec![Bytes::from_static(b"n")]).await.expect("it can be written");
    assert_eq!(content(&new).await, b"n");
}

pub(super) async fn what_was_written_is_read<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "write-read").await;
    let file = corner.file(rt, "some", b"0123456789").await;
    file.write_at(3, vec![Bytes::from_static(b"abc")]).await.expect("a write inside");
    file.write_at(9, vec![Bytes::from_static(b"xyz")]).await.expect("a write across the end");
    file.write_at(2, Vec::new()).await.expect("a write of nothing");
    file.write_at(99, vec![Bytes::new()]).await.expect("a write of an empty part");
    assert_eq!(content(&file).await, b"012abc678xyz");
    assert_eq!(file.len().await.expect("a file has a length"), 12, "a write of nothing grows nothing");
    assert_eq!(&file.read_at(2, 4).await.expect("a read inside")[..], b"2abc");
    assert_eq!(&file.read_at(5, 0).await.expect("a read of nothing")[..], b"");
}

pub(super) async fn parts_are_written_in_order<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "parts").await;
    let file = corner.file(rt, "some", b"....").await;
    let parts = ["one", "", "two", "three", ""].map(|part| Bytes::from_static(part.as_bytes()));
    file.write_at(4, parts.to_vec()).await.expect("parts can be written");
    assert_eq!(content(&file).await, b"....onetwothree");
}

pub(super) async fn a_thousand_and_more_parts<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "many-parts").await;
    let file = corner.file(rt, "some", b"").await;
    // More than one system call takes.
    let parts: Vec<Bytes> = (0..2500u32).map(|n| Bytes::copy_from_slice(&n.to_be_bytes())).collect();
    file.write_at(0, parts.clone()).await.expect("many parts can be written");
    assert_eq!(content(&file).await, parts.concat());
}

pub(super) async fn a_large_write_arrives_whole<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "large").await;
    let file = corner.file(rt, "some", b"").await;
    let large: Vec<u8> = (0..5_000_000u32).map(|n| (n % 253) as u8).collect();
    let (front, back) = large.split_at(1_234_567);
    let parts = vec![Bytes::copy_from_slice(front), Bytes::copy_from_slice(back)];
    file.write_at(10, parts).await.expect("a large write succeeds");
    assert_eq!(file.len().await.expect("a file has a length"), 5_000_010);
    let read = file.read_at(10, large.len()).await.expect("a large read succeeds");
    assert!(read[..] == large[..], "a large write came back changed");
    let inner = file.read_at(4_000_000, 70_000).await.expect("a read inside");
    assert!(inner[..] == large[3_999_990..4_069_990], "a part of a large write came back changed");
}

pub(super) async fn a_write_past_the_end_leaves_zeros<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "sparse").await;
    let file = corner.file(rt, "some", b"ab").await;
    file.write_at(10_000, vec![Bytes::from_static(b"z")]).await.expect("a write past the end");
    let mut wanted = vec![0; 10_001];
    wanted[..2].copy_from_slice(b"ab");
    wanted[10_000] = b'z';
    assert!(content(&file).await == wanted, "the gap does not read as zeros");
}

pub(super) async fn reads_end_where_the_file_ends<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "ends").await;
    let file = corner.file(rt, "some", b"0123456789").await;
    assert_eq!(&file.read_at(7, 100).await.expect("a read across the end")[..], b"789");
    assert_eq!(&file.read_at(10, 5).await.expect("a read at the end")[..], b"");
    assert_eq!(&file.read_at(1 << 40, 5).await.expect("a read past the end")[..], b"");
    // Whoever allocates what it is asked for, and not what there is, fails here.
    assert_eq!(&file.read_at(8, 1 << 40).await.expect("a read of far too much")[..], b"89");
}

pub(super) async fn set_len_cuts_and_extends<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "set-len").await;
    let file = corner.file(rt, "some", b"0123456789").await;
    file.set_len(4).await.expect("a file can be cut");
    assert_eq!(content(&file).await, b"0123");
    file.set_len(8).await.expect("a file can be extended");
    assert_eq!(content(&file).await, b"0123\0\0\0\0", "what was cut came back");
    file.set_len(0).await.expect("a file can be emptied");
    assert_eq!(file.len().await.expect("a file has a length"), 0);
}

pub(super) async fn two_handles_see_one_file<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "two-handles").await;
    let one = corner.file(rt, "some", b"abc").await;
    let other = rt.disk().open(&corner.path("some"), OpenMode::Write).await.expect("a file opens twice");
    let clone = one.clone();
    one.write_at(0, vec![Bytes::from_static(b"A")]).await.expect("written by one");
    other.write_at(1, vec![Bytes::from_static(b"B")]).await.expect("written by the other");
    for handle in [&one, &other, &clone] {
        assert_eq!(content(handle).await, b"ABc", "a write is visible to every handle at once");
    }
}

pub(super) async fn a_renamed_file_stays_open<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "renamed").await;
    let file = corner.file(rt, "old", b"abc").await;
    rt.disk().rename(&corner.path("old"), &corner.path("new")).await.expect("a file can be renamed");
    file.write_at(3, vec![Bytes::from_static(b"def")]).await.expect("it can still be written");
    file.sync().await.expect("it can still be synced");
    let found = rt.disk().open(&corner.path("new"), OpenMode::Read).await.expect("it has its new name");
    assert_eq!(content(&found).await, b"abcdef");
}

pub(super) async fn a_removed_file_stays_open<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "removed").await;
    let file = corner.file(rt, "some", b"abc").await;
    rt.disk().remove_file(&corner.path("some")).await.expect("a file can be removed");
    file.write_at(3, vec![Bytes::from_static(b"d")]).await.expect("it can still be written");
    file.sync().await.expect("it can still be synced");
    assert_eq!(content(&file).await, b"abcd");
    let other = corner.file(rt, "some", b"other").await;
    assert_eq!(content(&file).await, b"abcd", "the name's next file is another one");
    assert_eq!(content(&other).await, b"other");
}

pub(super) async fn a_reader_may_not_write<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "reader").await;
    corner.file(rt, "some", b"abc").await;
    let file = rt.disk().open(&corner.path("some"), OpenMode::Read).await.expect("an existing file opens");
    let written = file.write_at(0, vec![Bytes::from_static(b"X")]).await;
    assert_eq!(refused(written, "writing through Read"), DiskErrorKind::Io);
    assert_eq!(refused(file.set_len(0).await, "cutting through Read"), DiskErrorKind::Io);
    assert_eq!(content(&file).await, b"abc");
}

pub(super) async fn free_space_is_told<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "free-space").await;
    let free = rt.disk().free().await.expect("a disk says what is free");
    // What was just measured can be used, unless others use the disk too: so only the smallest claim is tried.
    assert!(free > 1, "this suite needs some space");
    corner.file(rt, "some", b"a").await;
}
