//! What is particular to a real directory: paths, foreign locks, errors of the kernel.

use crate::tests::directory;
use crate::{Threads, TokioRuntime};
use bytes::Bytes;
use runtime::{Disk, DiskErrorKind, Entry, EntryKind, File, OpenMode, Runtime};
use rustix::fs::FlockOperation;
use std::future::Future;
use std::path::Path;

fn on_disk<F: Future>(main: impl FnOnce(TokioRuntime, std::path::PathBuf) -> F) {
    let dir = directory();
    let path = dir.path().to_path_buf();
    Threads::default().run(dir.path(), |rt| main(rt, path)).unwrap();
}

#[test]
#[should_panic(expected = "is not a path inside the data directory")]
fn a_path_may_not_climb_out() {
    on_disk(|rt, _| async move { drop(rt.disk().open(Path::new("a/../../b"), OpenMode::Read).await) });
}

#[test]
#[should_panic(expected = "is not a path inside the data directory")]
fn a_path_may_not_be_absolute() {
    on_disk(|rt, _| async move { drop(rt.disk().create_dir(Path::new("/tmp/elsewhere")).await) });
}

#[test]
#[should_panic(expected = "is not a path inside the data directory")]
fn a_rename_may_not_lead_out() {
    on_disk(|rt, _| async move { drop(rt.disk().rename(Path::new("a"), Path::new("../a")).await) });
}

#[test]
fn another_opening_of_the_lock_file_is_seen() {
    on_disk(|rt, dir| async move {
        // Another broker, as far as the kernel can tell: a descriptor of its own with the lock on it.
        let file = std::fs::File::create(dir.join(".lock")).unwrap();
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        let error = rt.disk().lock(Path::new(".lock")).await.unwrap_err();
        assert_eq!(error.kind, DiskErrorKind::Locked);
        drop(file);
        rt.disk().lock(Path::new(".lock")).await.unwrap();
    });
}

#[test]
fn a_full_disk_is_told_apart() {
    on_disk(|rt, dir| async move {
        std::os::unix::fs::symlink("/dev/full", dir.join("full")).unwrap();
        let file = rt.disk().open(Path::new("full"), OpenMode::Write).await.unwrap();
        let error = file.write_at(0, vec![Bytes::from_static(b"x")]).await.unwrap_err();
        assert_eq!(
            (error.kind, error.op, error.path.as_path()),
            (DiskErrorKind::NoSpace, "write", Path::new("full"))
        );
    });
}

#[test]
fn a_cold_read_comes_from_the_device() {
    on_disk(|rt, dir| async move {
        let file = rt.disk().open(Path::new("file"), OpenMode::CreateNew).await.unwrap();
        let content: Vec<u8> = (0..300_000u32).map(|n| (n % 255) as u8).collect();
        file.write_at(0, vec![Bytes::from(content.clone())]).await.unwrap();
        file.sync().await.unwrap();
        let handle = std::fs::File::open(dir.join("file")).unwrap();
        rustix::fs::fadvise(&handle, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        assert_eq!(file.read_at(100_000, 150_000).await.unwrap(), content[100_000..250_000]);
        assert_eq!(file.read_at(0, 1 << 30).await.unwrap(), content, "partly cached, and beyond the end");
    });
}

#[test]
fn a_link_to_nowhere_is_not_listed() {
    on_disk(|rt, dir| async move {
        std::os::unix::fs::symlink("nowhere", dir.join("link")).unwrap();
        std::fs::write(dir.join("file"), b"abc").unwrap();
        let wanted = [Entry { name: "file".to_string(), kind: EntryKind::File { len: 3 } }];
        assert_eq!(rt.disk().list(Path::new("")).await.unwrap(), wanted);
    });
}
