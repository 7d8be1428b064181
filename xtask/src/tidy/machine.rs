//! No path of the machine that a file was written on: it would mean nothing on any other.

use super::{File, Violation};

/// Put together here so that this file doesn't hold what it forbids.
const FORBIDDEN: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot"),
    concat!("/ho", "me/"),
    concat!("/tmp/", "bash_jobs"),
    concat!("/tmp/", "t-"),
];

pub(super) fn check(file: &File) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for forbidden in FORBIDDEN {
            if starts_a_path(line, forbidden) {
                violations.push(Violation::new(
                    &file.path,
                    number + 1,
                    format!("holds a path of one machine: {forbidden}"),
                ));
            }
        }
    }
    violations
}

/// Whether `needle` occurs where a path begins, and ends where a name does: not in the midst of a longer path or name.
fn starts_a_path(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + needle.len()..].chars().next();
        let begins = !before.is_some_and(|c| c.is_alphanumeric() || "._-}$/".contains(c));
        let ends =
            !needle.ends_with(char::is_alphabetic) || !after.is_some_and(|c| c.is_alphanumeric() || c == '_');
        begins && ends
    })
}

#[cfg(test)]
#[path = "machine_test.rs"]
mod tests;
