//! Names tell whose they are.

use super::*;

#[test]
fn a_name_tells_its_owner() {
    assert_eq!(owner(&name(4711)), Some(4711));
    assert_eq!(owner("tidemark-chaos-4711-2"), Some(4711));
    assert_eq!(owner("tidemark-chaos-2x"), None);
    assert_eq!(owner("tidemark-4711"), None);
}

#[test]
fn what_a_process_has_left_that_is_gone_is_found() {
    let parent = tempfile::tempdir().expect("a directory");
    // Beyond what the kernel gives out.
    let gone = u32::MAX;
    for name in [name(gone), name(std::process::id()), "else".to_string()] {
        std::fs::create_dir(parent.path().join(name)).expect("a directory");
    }
    let found = left_behind(parent.path());
    assert!(found.contains(&gone) && !found.contains(&std::process::id()), "{found:?}");
    sweep(parent.path(), gone);
    assert_eq!(left_behind(parent.path()).iter().find(|pid| **pid == gone), None);
}

#[test]
fn only_a_run_is_taken_for_a_run() {
    // This test's own process has another name.
    assert!(!runs(std::process::id()) && !runs(1) && !runs(u32::MAX));
}
