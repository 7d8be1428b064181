//! The conformance suite on the machine's own file system and loopback.

use super::*;

#[test]
fn it_conforms() {
    let dir = tempfile::tempdir().unwrap();
    Threads::default().run(dir.path(), |rt| async move { runtime::conformance::all(&rt).await }).unwrap();
}

#[test]
fn a_missing_data_directory_is_created() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("a/b");
    Threads::default().run(&data, |_| async {}).unwrap();
    assert!(data.is_dir());
}
