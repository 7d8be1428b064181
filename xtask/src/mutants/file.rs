//! Mutants as files: a few keys of TOML, `key = "text"`, `key = 123` or `key = '''` and lines up to `'''`.
//!
//! Read by hand: a TOML library would take longer to build than all of this program.

use std::collections::BTreeMap;
use std::path::Path;

/// A bug to plant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// The file's name without `.toml`.
    pub(crate) id: String,
    /// Where the bug is known from.
    pub(crate) source: String,
    /// The file to edit, from the root.
    pub(crate) file: String,
    /// What to find in it, exactly once.
    pub(crate) find: String,
    /// What to put there.
    pub(crate) replace: String,
    /// The invariant (or checker) that must fire.
    pub(crate) invariant: String,
    /// The scenario that exposes it.
    pub(crate) scenario: String,
    /// How many seeds it may take.
    pub(crate) seeds_max: u64,
    /// Why it can't be planted yet.
    pub(crate) not_applicable: Option<String>,
}

impl Mutant {
    /// The text with the edit made.
    pub(crate) fn planted(&self, text: &str) -> Result<String, String> {
        match text.matches(self.find.as_str()).count() {
            1 => Ok(text.replacen(&self.find, &self.replace, 1)),
            count => Err(format!("its text is {count} times in {}", self.file)),
        }
    }
}

/// All mutants of a folder, by id.
pub(crate) fn all(folder: &Path) -> Result<Vec<Mutant>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text =
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let id = path.file_stem().unwrap_or_default().to_string_lossy();
            parse(&id, &text).map_err(|why| format!("{}: {why}", path.display()))
        })
        .collect()
}

/// Reads one.
pub(crate) fn parse(id: &str, text: &str) -> Result<Mutant, String> {
    let mut keys = keys(text)?;
    let not_applicable = keys.remove("not_applicable");
    let optional = not_applicable.is_some();
    let mut take = |key: &str| match keys.remove(key) {
        Some(value) => Ok(value),
        None if optional => Ok(String::new()),
        None => Err(format!("{key} is missing")),
    };
    let mutant = Mutant {
        id: id.to_string(),
        source: take("source")?,
        file: take("file")?,
        find: take("find")?,
        replace: take("replace")?,
        invariant: take("invariant")?,
        scenario: take("scenario")?,
        seeds_max: match take("seeds_max")?.as_str() {
            "" => 0,
            number => number.parse().map_err(|_| format!("seeds_max: {number}"))?,
        },
        not_applicable,
    };
    match keys.keys().next() {
        Some(key) => Err(format!("{key} means nothing")),
        None => Ok(mutant),
    }
}

fn keys(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut keys = BTreeMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').ok_or_else(|| format!("not a key: {line}"))?;
        let value = value.trim();
        let value = if let Some(rest) = value.strip_prefix("'''") {
            long(rest, &mut lines)?
        } else if let Some(rest) = value.strip_prefix('"') {
            rest.strip_suffix('"').ok_or_else(|| format!("no end of text: {line}"))?.to_string()
        } else {
            value.to_string()
        };
        keys.insert(key.trim().to_string(), value);
    }
    Ok(keys)
}

/// A literal of several lines; a line break right after its beginning is not part of it.
fn long<'a>(rest: &str, lines: &mut impl Iterator<Item = &'a str>) -> Result<String, String> {
    if let Some(whole) = rest.strip_suffix("'''") {
        return Ok(whole.to_string());
    }
    let mut parts = Vec::new();
    if !rest.is_empty() {
        parts.push(rest.to_string());
    }
    for line in lines {
        if let Some(last) = line.strip_suffix("'''") {
            parts.push(last.to_string());
            return Ok(parts.join("\n"));
        }
        parts.push(line.to_string());
    }
    Err("a text that begins with ''' has no end".to_string())
}

#[cfg(test)]
#[path = "file_test.rs"]
mod tests;
