//! What README.md says is offered is what the broker's table offers.
//!
//! Whoever chooses a client reads the page, and the client itself reads the table: an API that one of them lacks is a
//! promise that nobody keeps, or a feature that nobody finds.

// README.md is read from the file.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

#[test]
fn the_readme_lists_the_apis_that_are_offered() {
    let text = std::fs::read_to_string(README).expect("README.md");
    let rows: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("| APIs | ")).collect();
    let [row] = rows[..] else { panic!("one row of README.md lists the APIs, not {}", rows.len()) };
    let (names, _) = row.split_once(", at every version").expect("the versions, behind the names");
    let told: Vec<String> = names.split(", ").map(str::to_owned).collect();
    let offered: BTreeSet<String> =
        protocol::supported().iter().map(|supported| format!("{:?}", supported.key)).collect();
    assert_eq!(told.iter().cloned().collect::<BTreeSet<_>>(), offered);
    assert_eq!(told.len(), offered.len(), "each once: {told:?}");
}
