//! `cargo xtask tidy`: what a program can check about taste.
//!
//! A rule is a pure function from text, or from `cargo metadata`, to violations, so that each has a unit test in
//! which it is broken on purpose. A rule without a program decays; a rule here holds.
//!
//! What clippy sees better than a text search (banned functions and types) is in `clippy.toml`; tidy makes sure
//! that nobody switches it off.

pub(crate) mod layers;
mod machine;
mod mutants;
mod source;

use crate::{Outcome, cargo};
use std::fmt;
use std::path::Path;
use std::process::Command;

/// A file of the project, as tracked or about to be.
pub(crate) struct File {
    /// Relative to the root, with `/` between the parts.
    pub path: String,
    /// Its contents.
    pub text: String,
}

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The file.
    pub path: String,
    /// Counted from 1; 0 when the whole file is meant.
    pub line: usize,
    /// What is wrong and what would be right.
    pub why: String,
}

impl Violation {
    fn new(path: &str, line: usize, why: impl Into<String>) -> Violation {
        Violation { path: path.to_string(), line, why: why.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.why),
            line => write!(f, "{}:{line}: {}", self.path, self.why),
        }
    }
}

/// Runs every rule over the checkout and prints what is broken.
pub(crate) fn run(_args: &[String]) -> Outcome {
    let root = cargo::root();
    let files = files(&root)?;
    let mut violations = layers::check(&layers::metadata()?);
    violations.extend(mutants::check(&files));
    for file in &files {
        violations.extend(machine::check(file));
        if file.path.ends_with(".rs") {
            violations.extend(source::check(file));
        }
    }
    for violation in &violations {
        eprintln!("{violation}");
    }
    match violations.len() {
        0 => {
            println!("tidy: {} files, no violation", files.len());
            Ok(())
        }
        n => Err(format!("{n} violations in {} files", files.len())),
    }
}

/// Every text file that git tracks, or would if it were added.
fn files(root: &Path) -> Result<Vec<File>, String> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("git ls-files: {e}"))?;
    if !listing.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listing.stderr)));
    }
    let names = String::from_utf8(listing.stdout).map_err(|e| format!("git ls-files: {e}"))?;
    let mut files = Vec::new();
    for path in names.split_terminator('\0') {
        // A file that is tracked and deleted, or not text, has nothing to read.
        if let Ok(text) = std::fs::read_to_string(root.join(path)) {
            files.push(File { path: path.to_string(), text });
        }
    }
    Ok(files)
}
