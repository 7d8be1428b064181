//! Options as `--name value`, and after `--` a command to start.

use std::collections::BTreeMap;
use std::str::FromStr;

/// What the command line said.
pub(crate) struct Arguments {
    options: BTreeMap<String, String>,
    /// The words after `--`.
    pub(crate) command: Vec<String>,
}

impl Arguments {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut options = BTreeMap::new();
        while let Some(word) = words.next() {
            if word == "--" {
                break;
            }
            let name = word.strip_prefix("--").ok_or_else(|| format!("{word:?} is no option"))?;
            let value = words.next().ok_or_else(|| format!("--{name} wants a value"))?;
            options.insert(name.to_string(), value);
        }
        Ok(Arguments { options, command: words.collect() })
    }

    /// An option that must be there.
    pub(crate) fn text(&self, name: &str) -> Result<&str, String> {
        self.options.get(name).map(String::as_str).ok_or_else(|| format!("--{name} is missing"))
    }

    /// An option's value, or what holds without it.
    pub(crate) fn or<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        match self.options.get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| format!("--{name} {text:?} can't be understood")),
        }
    }

    /// An option's value when it was given.
    pub(crate) fn maybe<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(text) = self.options.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| format!("--{name} {text:?} can't be understood"))
    }
}
