//! Whether the replicas of a partition are the same bytes, once all of their nodes have stopped.
//!
//! Compared is the log as a whole, whatever files it is cut into, from the highest start of all replicas on.

use crate::tools::about;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes that are compared at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The head of a batch: its first offset, and the length of what follows the head.
const HEAD_BYTES: usize = 12;

/// Compares the logs in these directories, all of which have to be there; how many bytes each has.
pub fn compare(directories: &[PathBuf]) -> Result<u64, String> {
    let mut logs: Vec<Log> =
        directories.iter().map(|directory| Log::open(directory)).collect::<Result<_, _>>()?;
    let start = logs.iter().map(|log| log.start).max().ok_or("a partition without replicas")?;
    for log in &mut logs {
        log.skip_to(start)?;
    }
    let (mut at, mut first, mut other) = (0u64, vec![0; PIECE_BYTES], vec![0; PIECE_BYTES]);
    loop {
        let bytes = logs[0].fill(&mut first)?;
        for log in &mut logs[1..] {
            let others = log.fill(&mut other)?;
            if first[..bytes] != other[..others] {
                let same = first[..bytes].iter().zip(&other[..others]).take_while(|(a, b)| a == b).count();
                return Err(format!(
                    "{} and {} differ {} bytes behind offset {start}",
                    directories[0].display(),
                    log.directory.display(),
                    at + same as u64
                ));
            }
        }
        if bytes == 0 {
            return Ok(at);
        }
        at += bytes as u64;
    }
}

/// A log, read from its start on.
struct Log {
    directory: PathBuf,
    /// The first offset of the first segment.
    start: u64,
    bytes: Box<dyn Read>,
}

impl Log {
    fn open(directory: &Path) -> Result<Log, String> {
        let entries = std::fs::read_dir(directory).map_err(|why| about(directory, why))?;
        let paths = entries.flatten().map(|entry| entry.path());
        let mut segments: Vec<(u64, PathBuf)> = paths
            .filter(|path| path.extension().is_some_and(|end| end == "log"))
            .filter_map(|path| Some((path.file_stem()?.to_str()?.parse().ok()?, path)))
            .collect();
        segments.sort_unstable();
        let start = segments.first().ok_or_else(|| about(directory, "no segments"))?.0;
        let mut bytes: Box<dyn Read> = Box::new(std::io::empty());
        for (_, path) in segments {
            let file = File::open(&path).map_err(|why| about(&path, why))?;
            bytes = Box::new(bytes.chain(BufReader::new(file)));
        }
        Ok(Log { directory: directory.to_owned(), start, bytes })
    }

    /// Skips the batches below an offset.
    fn skip_to(&mut self, start: u64) -> Result<(), String> {
        if start <= self.start {
            return Ok(());
        }
        loop {
            let mut head = [0; HEAD_BYTES];
            let read = self.fill(&mut head)?;
            let offset = u64::from_be_bytes(head[..8].try_into().expect("eight bytes"));
            let length = u32::from_be_bytes(head[8..].try_into().expect("four bytes"));
            if read < HEAD_BYTES || offset >= start {
                let rest = std::mem::replace(&mut self.bytes, Box::new(std::io::empty()));
                let head = std::io::Cursor::new(head).take(read as u64);
                self.bytes = Box::new(head.chain(rest));
                return Ok(());
            }
            let skipped = std::io::copy(&mut (&mut self.bytes).take(length.into()), &mut std::io::sink());
            skipped.map_err(|why| about(&self.directory, why))?;
        }
    }

    /// Reads as much as there is room for, less at the end only.
    fn fill(&mut self, room: &mut [u8]) -> Result<usize, String> {
        let mut filled = 0;
        while filled < room.len() {
            match self.bytes.read(&mut room[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(about(&self.directory, why)),
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
#[path = "replicas_test.rs"]
mod tests;
