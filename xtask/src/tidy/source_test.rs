//! Every rule on one file's text, broken on purpose and kept on purpose.

use super::*;

fn file(path: &str, text: &str) -> File {
    File { path: path.to_string(), text: text.to_string() }
}

/// The lines that a rule flags in a file of the core.
fn flagged(rule: fn(&File) -> Vec<Violation>, text: &str) -> Vec<usize> {
    flagged_in("broker/raft/src/quorum.rs", rule, text)
}

fn flagged_in(path: &str, rule: fn(&File) -> Vec<Violation>, text: &str) -> Vec<usize> {
    rule(&file(path, text)).into_iter().map(|violation| violation.line).collect()
}

const NONE: [usize; 0] = [];

#[test]
fn a_file_says_why_it_exists() {
    assert_eq!(flagged(header, "//! One partition's epochs, and why they grow.\nfn x() {}"), NONE);
    assert_eq!(flagged(header, "fn x() {}"), [1]);
    assert_eq!(flagged(header, "// A plain comment that is long enough.\n//! Too late for a header."), [1]);
    assert_eq!(flagged(header, "//! Epochs.\n"), [1]);
    assert_eq!(flagged(header, ""), [1]);
}

#[test]
fn a_file_ends_at_600_lines() {
    assert_eq!(flagged(size, &"x\n".repeat(600)), NONE);
    assert_eq!(flagged(size, &"x\n".repeat(601)), [0]);
}

#[test]
fn tests_live_in_sibling_files() {
    let sibling = "#[cfg(test)]\n#[path = \"quorum_test.rs\"]\nmod tests;\n";
    assert_eq!(flagged(tests_beside, sibling), NONE);
    assert_eq!(flagged(tests_beside, "#[cfg(test)]\nmod quorum_test;\n"), NONE);
    assert_eq!(
        flagged(tests_beside, "#[cfg(test)]\n#[path = \"quorum_prop.rs\"]\npub(crate) mod props;\n"),
        NONE
    );

    let loom = "#[cfg(all(test, loom))]\n#[path = \"budget_loom.rs\"]\nmod loom_tests;\n";
    assert_eq!(flagged(tests_beside, loom), NONE);

    assert_eq!(flagged(tests_beside, "#[cfg(test)]\nmod tests {\n    #[test]\n    fn x() {}\n}\n"), [1, 3]);
    assert_eq!(flagged(tests_beside, "#[cfg(test)]\nmod tests;\n"), [1]);
    assert_eq!(flagged(tests_beside, "#[cfg(test)]\n#[path = \"quorum_fake.rs\"]\nmod fake;\n"), [1]);
    assert_eq!(flagged(tests_beside, "#[cfg(test)]\nimpl Quorum {}\n"), [1]);
    assert_eq!(flagged(tests_beside, "#[cfg(not(test))]\nfn x() {}\n"), [1]);
    assert_eq!(flagged(tests_beside, "#[cfg_attr(test, derive(Default))]\nstruct X;\n"), [1]);
    assert_eq!(flagged(tests_beside, "if cfg!(test) {}\n"), [1]);
    assert_eq!(flagged(tests_beside, "proptest! {\n"), [1]);

    assert_eq!(flagged_in("broker/raft/src/quorum_test.rs", tests_beside, "#[test]\nfn x() {}"), NONE);
    assert_eq!(flagged_in("broker/raft/tests/transcripts.rs", tests_beside, "#[test]\nfn x() {}"), NONE);
    assert_eq!(flagged_in("sim/src/checkers/mod.rs", tests_beside, "#[cfg(test)]\nmod forge;\n"), NONE);
    assert_eq!(
        flagged_in("sim/src/net.rs", tests_beside, "#[cfg(test)]\nfn len() {}\n#[test]\nfn x() {}\n"),
        [3]
    );
    assert_eq!(flagged(tests_beside, "#[cfg(feature = \"latest\")]\nfn x() {}"), NONE);
}

#[test]
fn only_adapters_lift_the_bans() {
    let lifted = concat!("#![allow(clippy::", "disallowed_methods)]\n");
    assert_eq!(flagged(bans_on, lifted), [1]);
    assert_eq!(flagged_in("broker/server/src/lib.rs", bans_on, lifted), [1]);
    assert_eq!(flagged_in("broker/runtime-tokio/src/lib.rs", bans_on, lifted), NONE);
    assert_eq!(flagged_in("sim/src/disk.rs", bans_on, lifted), NONE);
    assert_eq!(flagged_in("broker/records/src/message_test.rs", bans_on, lifted), NONE);
    assert_eq!(flagged(bans_on, concat!("#[expect(clippy::", "disallowed_types, reason = \"x\")]")), [1]);
}

#[test]
fn the_world_comes_through_the_ports() {
    for path in WORLD {
        assert_eq!(flagged(ported, &format!("use {path}x;")), [1], "{path}");
        assert_eq!(flagged_in("broker/runtime-tokio/src/disk.rs", ported, &format!("use {path}x;")), NONE);
        assert_eq!(flagged_in("broker/log/src/golden_test.rs", ported, &format!("use {path}x;")), NONE);
    }
    assert_eq!(flagged(ported, "use std::net::SocketAddr;"), NONE);
    assert_eq!(flagged(ported, "use model::time::Instant; // not std::time::Duration"), NONE);
}

/// The list that clippy reads may grow; these were seen to fire, and must stay.
#[test]
fn clippy_bans_what_the_design_bans() {
    let list = std::fs::read_to_string(crate::cargo::root().join("clippy.toml")).expect("clippy.toml");
    for banned in [
        "std::time::Instant::now",
        "std::time::SystemTime::now",
        "std::thread::spawn",
        "std::fs::read",
        "std::fs::File",
        "std::net::TcpStream",
        "std::net::TcpListener",
        "std::collections::HashMap",
        "std::collections::HashSet",
        "std::sync::Mutex",
        "std::sync::RwLock",
        "std::sync::atomic::AtomicU64",
        "tokio::spawn",
        "tokio::time::sleep",
        "tokio::task::spawn_blocking",
        "tokio::fs::File",
        "tokio::net::TcpStream",
        "tokio::sync::Mutex",
    ] {
        assert!(list.contains(&format!("path = \"{banned}\"")), "{banned}");
    }
}

#[test]
fn every_select_is_biased() {
    assert_eq!(flagged(biased, "tokio::select! {\n    biased;\n    x = y => {}\n}"), NONE);
    assert_eq!(flagged(biased, "select! { biased; x = y => {} }"), NONE);
    assert_eq!(flagged(biased, "// an unbiased select! { a } is banned"), NONE);
    assert_eq!(flagged(biased, "fn x() {\n    tokio::select! {\n        x = y => {}\n    }\n}"), [2]);
    assert_eq!(flagged(biased, "select!(x = y => {})"), [1]);
}

#[test]
fn the_broker_does_not_know_that_it_is_simulated() {
    assert_eq!(flagged(one_binary, "#[cfg(madsim)]\nfn x() {}"), [1]);
    assert_eq!(flagged(one_binary, "if cfg!(not(madsim)) {}"), [1]);
    assert_eq!(flagged(one_binary, "// cfg(madsim) is not for the broker"), NONE);
    assert_eq!(flagged_in("sim/src/lib.rs", one_binary, "#[cfg(not(madsim))]\ncompile_error!(\"\");"), NONE);
}

#[test]
fn a_broken_file_is_flagged_by_the_whole_set() {
    let broken =
        file("broker/raft/src/x.rs", "fn x() { tokio::select! { a = b => {} } }\n#[test]\nfn y() {}\n");
    assert_eq!(check(&broken).len(), 3);
}
