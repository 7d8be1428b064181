//! One history out of many files: a line at a time, in the order of time, with numbers of operations that no two files share.
//!
//! The form is that of `sim/src/history.rs`, which says what it means; here only time, client and number are looked at.

use crate::tools::about;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A line, as far as it is of interest.
#[derive(Debug, Deserialize, Serialize)]
pub struct Line {
    /// Nanoseconds of the clock that all files share.
    pub t: u64,
    /// Who.
    pub client: String,
    /// Which operation; 0 for none.
    #[serde(default)]
    pub op: u64,
    /// `invoke`, `ok`, `fail`, `info` or `note`.
    pub is: String,
    /// What is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Box<RawValue>>,
}

/// A file that is being read.
struct Source {
    path: PathBuf,
    lines: BufReader<File>,
    number: usize,
    /// The next line.
    head: Option<Line>,
}

impl Source {
    fn open(path: &Path) -> Result<Source, String> {
        let file = File::open(path).map_err(|why| about(path, why))?;
        let lines = BufReader::new(file);
        let mut source = Source { path: path.to_owned(), lines, number: 0, head: None };
        source.step()?;
        Ok(source)
    }

    /// Takes the next line, and reads the one behind it.
    fn step(&mut self) -> Result<Option<Line>, String> {
        self.number += 1;
        let wrong = |why: String| format!("{}, line {}: {why}", self.path.display(), self.number);
        let mut text = String::new();
        self.lines.read_line(&mut text).map_err(|why| wrong(why.to_string()))?;
        // Without its end: its client was killed while it wrote it.
        let next: Option<Line> = match text.strip_suffix('\n') {
            None => None,
            Some(line) => Some(serde_json::from_str(line).map_err(|why| wrong(why.to_string()))?),
        };
        if let (Some(before), Some(after)) = (&self.head, &next)
            && before.t > after.t
        {
            return Err(wrong("it is earlier than the line before".to_string()));
        }
        Ok(std::mem::replace(&mut self.head, next))
    }
}

/// Merges files into one, and shows each line to `look` on its way.
pub fn merge(from: &[PathBuf], to: &Path, mut look: impl FnMut(&Line)) -> Result<(), String> {
    let mut sources: Vec<Source> = from.iter().map(|path| Source::open(path)).collect::<Result<_, _>>()?;
    let mut out = BufWriter::new(File::create(to).map_err(|why| about(to, why))?);
    let due = |(at, source): (usize, &Source)| Some(Reverse((source.head.as_ref()?.t, at)));
    let mut heap: BinaryHeap<_> = sources.iter().enumerate().filter_map(due).collect();
    let count = sources.len() as u64;
    while let Some(Reverse((_, at))) = heap.pop() {
        let mut line = sources[at].step()?.expect("its time was known");
        // 0 is nobody's number: it stays.
        if line.op > 0 {
            line.op = line.op * count + at as u64;
        }
        look(&line);
        serde_json::to_writer(&mut out, &line).map_err(|why| about(to, why))?;
        out.write_all(b"\n").map_err(|why| about(to, why))?;
        heap.extend(due((at, &sources[at])));
    }
    out.flush().map_err(|why| about(to, why))
}

#[cfg(test)]
#[path = "history_test.rs"]
mod tests;
