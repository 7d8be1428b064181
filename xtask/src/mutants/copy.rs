//! A copy of the tree that cargo can build again and again: only what differs is written, so that only what was edited
//! is compiled anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes `to` a copy of what git tracks, or would track, in `from`.
pub(crate) fn refresh(from: &Path, to: &Path) -> Result<(), String> {
    let files = files(from)?;
    for file in &files {
        let Ok(wanted) = std::fs::read(from.join(file)) else { continue };
        let target = to.join(file);
        if std::fs::read(&target).is_ok_and(|there| there == wanted) {
            continue;
        }
        let folder = target.parent().unwrap_or(to);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&target, wanted))
            .map_err(|error| format!("{}: {error}", target.display()))?;
    }
    remove_others(to, to, &files)
}

/// Files that git tracks or would track, from the root.
fn files(root: &Path) -> Result<BTreeSet<PathBuf>, String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let listed: BTreeSet<PathBuf> =
        String::from_utf8_lossy(&output.stdout).lines().map(PathBuf::from).collect();
    Ok(listed.into_iter().filter(|file| root.join(file).is_file()).collect())
}

/// What has left the tree leaves the copy.
fn remove_others(root: &Path, folder: &Path, files: &BTreeSet<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            remove_others(root, &path, files)?;
        } else if path.strip_prefix(root).is_ok_and(|relative| !files.contains(relative)) {
            std::fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}
