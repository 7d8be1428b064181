//! Running cargo and finding the workspace: the two things every command needs.
//!
//! The simulator compiles only with `--cfg madsim`. `.cargo/config.toml` sets it, but an environment `RUSTFLAGS`
//! replaces that file's flags instead of adding to them, so the flag is appended here when the variable is set.

use std::path::{Path, PathBuf};
use std::process::Command;

const FLAG: &str = "--cfg madsim";

/// The root of the workspace: the folder above this crate's own.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).parent().map(Path::to_path_buf).expect("xtask lives one folder below the root")
}

/// Where cargo puts what it builds: `CARGO_TARGET_DIR`, else `target` below the root.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A cargo invocation in the root of the workspace, the simulator's flag kept whatever the environment says.
pub(crate) fn command(args: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(root());
    for name in ["RUSTFLAGS", "RUSTDOCFLAGS"] {
        if let Ok(flags) = std::env::var(name) {
            command.env(name, with_flag(&flags));
        }
    }
    command
}

/// `flags` with the simulator's flag in it, once.
pub(crate) fn with_flag(flags: &str) -> String {
    match flags {
        "" => FLAG.to_string(),
        flags if flags.contains(FLAG) => flags.to_string(),
        flags => format!("{flags} {FLAG}"),
    }
}

#[cfg(test)]
#[path = "cargo_test.rs"]
mod tests;
