//! The floors of the house: which crate may depend on which, and on what else.
//!
//! An arrow is a line in a Cargo.toml. One that is not in [`HOUSE`] is an architecture change: it is argued for in
//! ARCHITECTURE.md and added here, or it is not made. The arrows come from `cargo metadata`, so that neither a
//! rename nor a build or development dependency slips by.

use super::Violation;
use crate::cargo;
use serde_json::Value;

/// One crate of the workspace and the arrows that leave it.
struct Floor {
    /// The package, as cargo names it.
    package: &'static str,
    /// Packages of the workspace that it may depend on.
    house: &'static [&'static str],
    /// A core: no runtime, no clock, no I/O. Its libraries come from [`CORE_LIBRARIES`] only.
    pure: bool,
    /// It touches the real world, so any feature of tokio is its own affair.
    adapter: bool,
}

impl Floor {
    const fn pure(package: &'static str, house: &'static [&'static str]) -> Floor {
        Floor { package, house, pure: true, adapter: false }
    }
    const fn shell(package: &'static str, house: &'static [&'static str]) -> Floor {
        Floor { package, house, pure: false, adapter: false }
    }
    const fn adapter(package: &'static str, house: &'static [&'static str]) -> Floor {
        Floor { package, house, pure: false, adapter: true }
    }
}

/// Lowest floor first.
const HOUSE: &[Floor] = &[
    Floor::pure("tidemark-model", &[]),
    Floor::shell("tidemark-runtime", &["tidemark-model"]),
    Floor::shell("tidemark-sync", &[]),
    Floor::pure("tidemark-records", &["tidemark-model"]),
    Floor::pure("tidemark-protocol", &["tidemark-model", "tidemark-records"]),
    Floor::shell("tidemark-log", &["tidemark-model", "tidemark-records", "tidemark-runtime"]),
    Floor::pure("tidemark-raft", &["tidemark-model", "tidemark-records"]),
    Floor::pure("tidemark-replica", &["tidemark-model"]),
    Floor::pure("tidemark-controller", &["tidemark-model", "tidemark-records"]),
    Floor::shell(
        "tidemark-client",
        &["tidemark-model", "tidemark-protocol", "tidemark-records", "tidemark-runtime"],
    ),
    Floor::shell(
        "tidemark-server",
        &[
            "tidemark-client",
            "tidemark-controller",
            "tidemark-log",
            "tidemark-model",
            "tidemark-protocol",
            "tidemark-raft",
            "tidemark-records",
            "tidemark-replica",
            "tidemark-runtime",
            "tidemark-sync",
        ],
    ),
    Floor::adapter("tidemark-runtime-tokio", &["tidemark-model", "tidemark-runtime", "tidemark-sync"]),
    Floor::adapter(
        "tidemark",
        &[
            "tidemark-client",
            "tidemark-model",
            "tidemark-runtime",
            "tidemark-runtime-tokio",
            "tidemark-server",
        ],
    ),
    Floor::adapter(
        "tidemark-sim",
        &[
            "tidemark-client",
            "tidemark-controller",
            "tidemark-log",
            "tidemark-model",
            "tidemark-protocol",
            "tidemark-records",
            "tidemark-runtime",
            "tidemark-server",
        ],
    ),
    Floor::adapter("tidemark-tests", &[]),
    Floor::adapter("tidemark-bench", &[]),
    Floor::adapter("tidemark-chaos", &[]),
    Floor::adapter("tidemark-wire-tests", &["tidemark-model", "tidemark-protocol", "tidemark-records"]),
    Floor::adapter("xtask", &[]),
];

/// Libraries that a core may use: values, bytes and arithmetic.
const CORE_LIBRARIES: &[&str] =
    &["bytes", "crc32c", "flate2", "imbl", "lz4_flex", "snap", "thiserror", "zstd"];

/// What tokio is for above the runtime: channels and traits, not a clock, a scheduler or a socket.
const TOKIO_FEATURES: &[&str] = &["io-util", "macros", "sync"];

/// Libraries that nothing below the adapters may use, whatever for.
const BANNED_LIBRARIES: &[&str] = &[
    "chrono",
    "fastrand",
    "getrandom",
    "hashbrown",
    "libc",
    "madsim",
    "memmap2",
    "parking_lot",
    "rand",
    "rustix",
    "socket2",
];

/// The packages that `cargo check -p` must accept one by one.
pub(crate) fn packages() -> impl Iterator<Item = &'static str> {
    HOUSE.iter().filter(|floor| !floor.adapter).map(|floor| floor.package)
}

/// What cargo knows about the workspace.
pub(super) fn metadata() -> Result<Value, String> {
    let output = cargo::command(&["metadata", "--format-version=1", "--no-deps"])
        .output()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))
}

/// Every arrow that the table does not have.
pub(super) fn check(metadata: &Value) -> Vec<Violation> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let members: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut violations = Vec::new();
    if members.is_empty() {
        violations.push(Violation::new("Cargo.toml", 0, "cargo metadata lists no package"));
    }
    for package in packages {
        let name = package["name"].as_str().unwrap_or("");
        let manifest = manifest(package);
        let Some(floor) = HOUSE.iter().find(|floor| floor.package == name) else {
            let why = format!(
                "{name} has no floor: add it to the table in xtask/src/tidy/layers.rs and to ARCHITECTURE.md"
            );
            violations.push(Violation::new(&manifest, 0, why));
            continue;
        };
        for dependency in package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default() {
            if let Some(why) = refuse(floor, dependency, &members) {
                violations.push(Violation::new(&manifest, 0, why));
            }
        }
    }
    violations
}

/// Why this dependency may not be, if so.
fn refuse(floor: &Floor, dependency: &Value, members: &[&str]) -> Option<String> {
    let name = dependency["name"].as_str().unwrap_or("");
    if members.contains(&name) {
        // A test may look across the hall, never at a higher floor.
        let allowed = floor.house.contains(&name);
        return (!allowed).then(|| format!("{} may not depend on {name}: no such arrow", floor.package));
    }
    if floor.adapter || dependency["kind"].as_str() == Some("dev") {
        return None;
    }
    if BANNED_LIBRARIES.contains(&name) {
        return Some(format!(
            "{} may not depend on {name}: only the adapters touch the real world",
            floor.package
        ));
    }
    if floor.pure && !CORE_LIBRARIES.contains(&name) {
        return Some(format!("{} is a core and may not depend on {name}", floor.package));
    }
    if name == "tokio" {
        let features = dependency["features"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut features = features.iter().filter_map(Value::as_str);
        if let Some(feature) = features.find(|feature| !TOKIO_FEATURES.contains(feature)) {
            return Some(format!("{} may not use tokio's feature {feature:?}", floor.package));
        }
    }
    None
}

/// The package's Cargo.toml, relative to the root.
fn manifest(package: &Value) -> String {
    let path = package["manifest_path"].as_str().unwrap_or("Cargo.toml");
    let root = cargo::root();
    let relative = std::path::Path::new(path).strip_prefix(&root).map(|path| path.display().to_string());
    relative.unwrap_or_else(|_| path.to_string())
}

#[cfg(test)]
#[path = "layers_test.rs"]
mod tests;
