//! Names: directories, renames, removals, locks.

use super::{Corner, content, refused};
use crate::{Disk, DiskErrorKind, Entry, EntryKind, File, OpenMode, Runtime};
use bytes::Bytes;
use std::path::Path;

pub(super) async fn a_directory_is_listed_by_name<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "listed").await;
    assert_eq!(list(rt, &corner.0).await, [], "a new directory is empty");
    for name in ["b", "a10", "a9", "B"] {
        corner.file(rt, name, b"12345").await;
    }
    rt.disk().create_dir(&corner.path("c")).await.expect("a directory can be created");
    rt.disk().create_dir(&corner.path("0")).await.expect("a directory can be created");
    let file = |name: &str| Entry { name: name.to_string(), kind: EntryKind::File { len: 5 } };
    let dir = |name: &str| Entry { name: name.to_string(), kind: EntryKind::Dir };
    let wanted = [dir("0"), file("B"), file("a10"), file("a9"), file("b"), dir("c")];
    assert_eq!(list(rt, &corner.0).await, wanted, "entries are sorted by their names' bytes");
}

pub(super) async fn the_root_is_listed<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "in-the-root").await;
    let root = list(rt, Path::new("")).await;
    let wanted = Entry { name: "in-the-root".to_string(), kind: EntryKind::Dir };
    assert!(root.contains(&wanted), "{} is not in the root's list {root:?}", corner.0.display());
}

pub(super) async fn listing_nothing_is_not_found<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "list-nothing").await;
    let missing = rt.disk().list(&corner.path("none")).await;
    assert_eq!(refused(missing, "listing a missing directory"), DiskErrorKind::NotFound);
}

pub(super) async fn a_directory_exists_once<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "once").await;
    corner.file(rt, "file", b"").await;
    let again = rt.disk().create_dir(&corner.0).await;
    assert_eq!(refused(again, "creating a directory twice"), DiskErrorKind::AlreadyExists);
    let over_a_file = rt.disk().create_dir(&corner.path("file")).await;
    assert_eq!(refused(over_a_file, "creating a directory in a file's place"), DiskErrorKind::AlreadyExists);
}

pub(super) async fn a_parent_must_exist<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "parents").await;
    let path = corner.path("none").join("name");
    assert_eq!(refused(rt.disk().create_dir(&path).await, "a directory in nothing"), DiskErrorKind::NotFound);
    for mode in [OpenMode::CreateNew, OpenMode::Truncate] {
        let opened = rt.disk().open(&path, mode).await;
        assert_eq!(refused(opened, "creating a file in nothing"), DiskErrorKind::NotFound);
    }
    corner.file(rt, "file", b"").await;
    let moved = rt.disk().rename(&corner.path("file"), &path).await;
    assert_eq!(refused(moved, "moving a file into nothing"), DiskErrorKind::NotFound);
}

pub(super) async fn a_rename_replaces<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "replaced").await;
    corner.file(rt, "new", b"new").await;
    let old = corner.file(rt, "place", b"old!").await;
    rt.disk().rename(&corner.path("new"), &corner.path("place")).await.expect("a rename replaces a file");
    let found = rt.disk().open(&corner.path("place"), OpenMode::Read).await.expect("the name is there");
    assert_eq!(content(&found).await, b"new");
    assert_eq!(content(&old).await, b"old!", "who had the replaced file open still has it");
    let wanted = [Entry { name: "place".to_string(), kind: EntryKind::File { len: 3 } }];
    assert_eq!(list(rt, &corner.0).await, wanted, "the old name is gone");
}

pub(super) async fn a_rename_moves_between_directories<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "moved").await;
    rt.disk().create_dir(&corner.path("there")).await.expect("a directory can be created");
    corner.file(rt, "file", b"abc").await;
    let to = corner.path("there").join("file");
    rt.disk().rename(&corner.path("file"), &to).await.expect("a file can be moved");
    let found = rt.disk().open(&to, OpenMode::Read).await.expect("it is there");
    assert_eq!(content(&found).await, b"abc");
}

pub(super) async fn a_renamed_directory_takes_its_files_along<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "dir-renamed").await;
    rt.disk().create_dir(&corner.path("old")).await.expect("a directory can be created");
    let inner = Corner(corner.path("old"));
    let file = inner.file(rt, "file", b"abc").await;
    rt.disk().rename(&corner.path("old"), &corner.path("new")).await.expect("a directory can be renamed");
    file.write_at(3, vec![Bytes::from_static(b"d")]).await.expect("its file can still be written");
    let found = rt.disk().open(&corner.path("new").join("file"), OpenMode::Read).await;
    assert_eq!(content(&found.expect("the file moved along")).await, b"abcd");
    let gone = rt.disk().list(&corner.path("old")).await;
    assert_eq!(refused(gone, "listing the old name"), DiskErrorKind::NotFound);
}

pub(super) async fn renaming_nothing_is_not_found<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "rename-nothing").await;
    let renamed = rt.disk().rename(&corner.path("none"), &corner.path("new")).await;
    assert_eq!(refused(renamed, "renaming a missing file"), DiskErrorKind::NotFound);
}

pub(super) async fn a_removed_file_is_gone<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "gone").await;
    corner.file(rt, "file", b"abc").await;
    rt.disk().remove_file(&corner.path("file")).await.expect("a file can be removed");
    let opened = rt.disk().open(&corner.path("file"), OpenMode::Read).await;
    assert_eq!(refused(opened, "opening a removed file"), DiskErrorKind::NotFound);
    assert_eq!(list(rt, &corner.0).await, []);
}

pub(super) async fn removing_nothing_is_not_found<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "remove-nothing").await;
    let file = rt.disk().remove_file(&corner.path("none")).await;
    assert_eq!(refused(file, "removing a missing file"), DiskErrorKind::NotFound);
    let dir = rt.disk().remove_dir(&corner.path("none")).await;
    assert_eq!(refused(dir, "removing a missing directory"), DiskErrorKind::NotFound);
}

pub(super) async fn only_an_empty_directory_is_removed<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "only-empty").await;
    let dir = corner.path("dir");
    rt.disk().create_dir(&dir).await.expect("a directory can be created");
    let inner = Corner(dir.clone());
    inner.file(rt, "file", b"").await;
    assert_eq!(
        refused(rt.disk().remove_dir(&dir).await, "removing a full directory"),
        DiskErrorKind::WrongKind
    );
    rt.disk().remove_file(&inner.path("file")).await.expect("a file can be removed");
    rt.disk().remove_dir(&dir).await.expect("an empty directory can be removed");
    assert_eq!(list(rt, &corner.0).await, []);
}

pub(super) async fn a_file_is_no_directory<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "kinds").await;
    let file = corner.path("file");
    corner.file(rt, "file", b"").await;
    assert_eq!(refused(rt.disk().list(&file).await, "listing a file"), DiskErrorKind::WrongKind);
    assert_eq!(refused(rt.disk().remove_dir(&file).await, "remove_dir of a file"), DiskErrorKind::WrongKind);
    let below = rt.disk().open(&file.join("name"), OpenMode::CreateNew).await;
    assert_eq!(refused(below, "a file in a file"), DiskErrorKind::WrongKind);
    for mode in [OpenMode::Read, OpenMode::Write, OpenMode::Truncate] {
        let opened = rt.disk().open(&corner.0, mode).await;
        assert_eq!(refused(opened, "opening a directory"), DiskErrorKind::WrongKind);
    }
    let unlinked = rt.disk().remove_file(&corner.0).await;
    assert_eq!(refused(unlinked, "remove_file of a directory"), DiskErrorKind::WrongKind);
}

pub(super) async fn a_lock_excludes<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "lock").await;
    let held = rt.disk().lock(&corner.path("lock")).await.expect("a free lock is taken");
    let second = rt.disk().lock(&corner.path("lock")).await;
    assert_eq!(refused(second, "taking a lock twice"), DiskErrorKind::Locked);
    let names: Vec<String> = list(rt, &corner.0).await.into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["lock"], "the lock lives in a file of its name");
    let third = rt.disk().lock(&corner.path("lock")).await;
    assert_eq!(refused(third, "taking a lock after a refusal"), DiskErrorKind::Locked);
    drop(held);
}

pub(super) async fn a_dropped_lock_is_free<R: Runtime>(rt: &R) {
    let corner = Corner::new(rt, "unlock").await;
    let held = rt.disk().lock(&corner.path("lock")).await.expect("a free lock is taken");
    drop(held);
    rt.disk().lock(&corner.path("lock")).await.expect("a dropped lock is free again");
}

async fn list<R: Runtime>(rt: &R, path: &Path) -> Vec<Entry> {
    rt.disk().list(path).await.unwrap_or_else(|error| panic!("a directory can be listed: {error}"))
}
