//! The conformance suite on the machine's own file system and loopback, and the place where it is.

use super::*;
use std::env::current_exe;
use tempfile::TempDir;

/// A directory on the file system that the build is on, and no temporary one: that may be memory, where a sync has
/// nothing to prove. Removed when dropped.
pub(crate) fn directory() -> TempDir {
    let test = current_exe().unwrap();
    tempfile::tempdir_in(test.parent().expect("cargo's folder of tests")).unwrap()
}

#[test]
fn it_conforms() {
    let dir = directory();
    Threads::default().run(dir.path(), |rt| async move { runtime::conformance::all(&rt).await }).unwrap();
}

#[test]
fn a_missing_data_directory_is_created() {
    let dir = directory();
    let data = dir.path().join("a/b");
    Threads::default().run(&data, |_| async {}).unwrap();
    assert!(data.is_dir());
}
