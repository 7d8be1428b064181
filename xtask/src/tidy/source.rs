//! Rules on the text of one Rust file: its header, its size, where its tests are, and what it must not switch off.

use super::{File, Violation};

/// Lines a file may have. Beyond that it is split by sub-noun.
const LINES_MAX: usize = 600;

/// A header shorter than this says nothing.
const HEADER_CHARS_MIN: usize = 20;

/// Crates that touch the real world on purpose: clippy's bans may be lifted at their root.
const ADAPTERS: &[&str] =
    &["broker/bin/", "broker/runtime-tokio/", "broker/sync/", "sim/", "tests/", "scenarios/", "xtask/"];

/// Paths of the real world. clippy.toml bans what these hold one by one, and may lack one; here it is all of them.
const WORLD: &[&str] = &[
    "std::env::",
    "std::fs::",
    "std::net::Tcp",
    "std::net::Udp",
    "std::os::",
    "std::process::",
    "std::sync::atomic",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio::fs",
    "tokio::net",
    "tokio::process",
    "tokio::runtime",
    "tokio::signal",
    "tokio::spawn",
    "tokio::task",
    "tokio::time",
];

/// Suffixes of files that hold tests.
const TEST_SUFFIXES: &[&str] = &["_golden.rs", "_loom.rs", "_prop.rs", "_test.rs"];

/// How the module of such a file is declared to be for tests only.
const TEST_CFGS: &[&str] = &["#[cfg(test)]", "#[cfg(all(test, loom))]", "#[cfg(all(test, not(loom)))]"];

pub(super) fn check(file: &File) -> Vec<Violation> {
    let rules: [fn(&File) -> Vec<Violation>; 7] =
        [header, size, tests_beside, bans_on, ported, biased, one_binary];
    rules.iter().flat_map(|rule| rule(file)).collect()
}

/// The file opens by saying why it exists.
fn header(file: &File) -> Vec<Violation> {
    let header: String = file.text.lines().map_while(|line| line.strip_prefix("//!")).collect();
    if header.trim().len() < HEADER_CHARS_MIN {
        return vec![Violation::new(&file.path, 1, "opens with no `//!` header saying why it exists")];
    }
    Vec::new()
}

fn size(file: &File) -> Vec<Violation> {
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        return vec![Violation::new(
            &file.path,
            0,
            format!("{lines} lines, {LINES_MAX} at most: split it by noun"),
        )];
    }
    Vec::new()
}

/// Tests live in sibling files, so that a production file holds production code only.
fn tests_beside(file: &File) -> Vec<Violation> {
    if is_test_file(&file.path) {
        return Vec::new();
    }
    // Beside the broker, in the simulator for one, a function that only tests call does no harm.
    let production = file.path.starts_with("broker/");
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let mut violations = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        if ["#[test]", "#[tokio::test", "#[madsim::test", "proptest!"]
            .iter()
            .any(|test| line.starts_with(test))
        {
            violations.push(Violation::new(
                &file.path,
                number,
                "a test outside a `_test.rs` or `_prop.rs` file",
            ));
        }
        if production && is_code(line) && names_test_cfg(line) && !declares_sibling(&lines[index..]) {
            let why = "`cfg(test)` on anything but `#[path = \"x_test.rs\"] mod …;`";
            violations.push(Violation::new(&file.path, number, why));
        }
    }
    violations
}

/// Nobody lifts clippy's bans but an adapter at its root, or a file of tests.
fn bans_on(file: &File) -> Vec<Violation> {
    if is_adapter(&file.path) || is_test_file(&file.path) {
        return Vec::new();
    }
    flag(file, "lifts clippy's bans outside the adapters", |line| {
        (line.contains("allow(") || line.contains("expect("))
            && line.contains(concat!("clippy::", "disallowed"))
    })
}

/// Time, threads, files and sockets come through the ports.
fn ported(file: &File) -> Vec<Violation> {
    if !file.path.starts_with("broker/") || is_adapter(&file.path) || is_test_file(&file.path) {
        return Vec::new();
    }
    flag(file, "reaches for the real world: it comes through the ports of broker/runtime", |line| {
        WORLD.iter().any(|path| line.contains(path))
    })
}

/// An unbiased `select!` polls its branches in an order that no seed decides.
fn biased(file: &File) -> Vec<Violation> {
    if file.path.starts_with("xtask/") {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let mut violations = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((_, after)) = line.split_once("select!") else { continue };
        if !is_code(line) || !after.trim_start().starts_with(['{', '(']) {
            continue;
        }
        let body = after.trim_start()[1..].trim();
        let first = if body.is_empty() { lines.get(index + 1).copied().unwrap_or("") } else { body };
        if !first.starts_with("biased;") {
            violations.push(Violation::new(&file.path, index + 1, "`select!` without `biased;`"));
        }
    }
    violations
}

/// What is simulated is what is shipped: no code of the broker knows the simulator's flag.
fn one_binary(file: &File) -> Vec<Violation> {
    if file.path.starts_with("sim/") || file.path.starts_with("xtask/") {
        return Vec::new();
    }
    flag(file, "code that only the simulator, or only production, would run", |line| {
        line.contains("cfg") && line.contains("madsim")
    })
}

fn flag(file: &File, why: &str, broken: impl Fn(&str) -> bool) -> Vec<Violation> {
    let lines = file.text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| is_code(line) && broken(line))
        .map(|(index, _)| Violation::new(&file.path, index + 1, why))
        .collect()
}

fn is_code(line: &str) -> bool {
    !line.starts_with("//")
}

fn is_adapter(path: &str) -> bool {
    ADAPTERS.iter().any(|adapter| path.starts_with(adapter))
}

fn is_test_file(path: &str) -> bool {
    let integration = path.split('/').any(|part| part == "tests" || part == "benches");
    integration || TEST_SUFFIXES.iter().any(|suffix| path.ends_with(suffix))
}

/// Whether the line compiles something for tests only, or for everything but tests.
fn names_test_cfg(line: &str) -> bool {
    let Some(at) = line.find("cfg(").or_else(|| line.find("cfg!(")).or_else(|| line.find("cfg_attr(")) else {
        return false;
    };
    let opens = line.starts_with("#[") || line.starts_with("#![") || line[at..].starts_with("cfg!(");
    opens && line[at..].split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "test")
}

/// `#[cfg(test)]`, then attributes of which one names a sibling test file, then `mod name;`. Without the path
/// attribute the module's own name must carry the suffix.
fn declares_sibling(lines: &[&str]) -> bool {
    if !TEST_CFGS.contains(&lines[0]) {
        return false;
    }
    let mut path_names_tests = false;
    for line in &lines[1..] {
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            path_names_tests = is_test_file(path);
        } else if let Some(declaration) = line.strip_suffix(';').and_then(|line| line.split_once("mod ")) {
            let file = format!("{}.rs", declaration.1);
            return path_names_tests || is_test_file(&file);
        } else if !line.starts_with("#[") {
            return false;
        }
    }
    false
}

#[cfg(test)]
#[path = "source_test.rs"]
mod tests;
