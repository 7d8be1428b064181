//! `tidemark format`: whose a data directory is, said before the first start, once.

// Starts processes and looks at their files.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::path::Path;
use std::process::{Command, Output};
use tidemark_tests::{binary, directory};

const VOTERS: &str = "controller.quorum.voters=1@127.0.0.1:9093,2@127.0.0.1:9094";

fn format(dir: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    command.arg("format");
    command.args(["--set", &format!("log.dirs={}", dir.join("data").display())]);
    for setting in [
        "node.id=1",
        "listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
        "controller.listener.names=CONTROLLER",
    ] {
        command.args(["--set", setting]);
    }
    command.args(arguments);
    printed(&mut command)
}

fn printed(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary under test");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

fn election_state(dir: &Path) -> Option<String> {
    std::fs::read_to_string(dir.join("data/__cluster_metadata-0/quorum-state")).ok()
}

#[test]
fn a_voter_of_a_new_cluster_is_told_that_it_never_voted() {
    let dir = directory();
    let (code, text) = format(dir.path(), &["--set", VOTERS]);
    assert_eq!(code, Some(2), "each node would found a cluster of its own: {text}");
    let (code, text) = format(dir.path(), &["-t", "a-cluster", "--set", VOTERS]);
    assert_eq!(code, Some(0), "{text}");
    let meta = std::fs::read_to_string(dir.path().join("data/meta.properties")).expect("it is formatted");
    assert!(meta.contains("cluster.id=a-cluster") && meta.contains("node.id=1"), "{meta}");
    let voted = election_state(dir.path()).expect("a voter's file");
    assert!(voted.contains("\"leaderEpoch\":0") && voted.contains("\"votedId\":-1"), "{voted}");
}

#[test]
fn a_voter_that_lost_its_disk_does_not_say_that_it_never_voted() {
    let dir = directory();
    // As a formatting leaves it that ended just before its end.
    assert_eq!(format(dir.path(), &["-t", "a-cluster", "--set", VOTERS]).0, Some(0));
    std::fs::remove_file(dir.path().join("data/meta.properties")).expect("it was there");
    let (code, text) = format(dir.path(), &["-t", "a-cluster", "--set", VOTERS, "--replacement"]);
    assert_eq!((code, election_state(dir.path())), (Some(0), None), "{text}");
}

#[test]
fn what_is_formatted_is_not_formatted_again() {
    let dir = directory();
    assert_eq!(format(dir.path(), &["--cluster-id", "a-cluster"]).0, Some(0));
    assert_eq!(election_state(dir.path()), None, "it is alone, and has nobody to vote for");
    let meta = || std::fs::read_to_string(dir.path().join("data/meta.properties")).expect("it is formatted");
    let before = meta();
    for (arguments, wanted) in [
        (vec!["-t", "a-cluster"], 4),
        (vec!["-t", "a-cluster", "--ignore-formatted"], 0),
        (vec!["-g"], 0),
        (vec!["-t", "another", "--ignore-formatted"], 4),
        (vec!["-g", "--set", "node.id=2"], 4),
        (vec!["-t", "a cluster", "-g"], 2),
    ] {
        let (code, text) = format(dir.path(), &arguments);
        assert_eq!((code, meta()), (Some(wanted), before.clone()), "{arguments:?}: {text}");
    }
}

#[test]
fn nobody_takes_over_what_lies_around() {
    let dir = directory();
    std::fs::create_dir_all(dir.path().join("data/orders-0")).expect("a partition of somebody's");
    let (code, text) = format(dir.path(), &["-t", "a-cluster"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("orders-0"), "{text}");
}

#[test]
fn ids_are_drawn_for_clusters() {
    let drawn = || printed(Command::new(binary()).arg("random-uuid"));
    let ((code, one), (_, other)) = (drawn(), drawn());
    assert_eq!((code, one.trim().len()), (Some(0), 22), "{one}");
    assert_ne!(one, other);
}
