//! The simulator's flag survives an environment that sets flags of its own.

use super::*;

#[test]
fn the_flag_is_appended_once() {
    assert_eq!(with_flag(""), "--cfg madsim");
    assert_eq!(with_flag("-D warnings"), "-D warnings --cfg madsim");
    assert_eq!(with_flag("--cfg madsim -C debuginfo=0"), "--cfg madsim -C debuginfo=0");
}

#[test]
fn the_root_holds_the_workspace() {
    assert!(root().join("Cargo.toml").is_file());
    assert!(root().join("broker").is_dir());
}
