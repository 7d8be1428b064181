//! The simulator's own reading of a data directory, written against Kafka's file formats and not with the broker's
//! code: what a broker should recover, and whether every derived file says what the segments say.

use super::metadata::{self, DIR as METADATA};
use super::producers::{self, Signature};
use crate::checkers::{Batch, Metadata, Replayed, Rubbish, Sequenced};
use bytes::Bytes;
use model::{LeaderEpoch, LogEnd, Offset, PartitionIndex, PartitionKey, TopicId, Uuid};
use records::batch::{BatchHeader, HEADER_LEN, check_crc};
use std::collections::BTreeMap;

/// The file that says where logs begin.
pub(super) const LOG_STARTS: &str = "log-start-offset-checkpoint";

/// A directory tree: path relative to its root, with `/`, and contents.
pub type Files = BTreeMap<String, Bytes>;

/// One segment as replayed.
struct Segment<'a> {
    base: i64,
    /// Path without the extension.
    stem: &'a str,
    batches: Vec<Placed>,
    /// Bytes behind the last good batch.
    rest: usize,
}

/// A batch and where it lies.
#[derive(Clone, Copy)]
struct Placed {
    position: u64,
    base: i64,
    last: i64,
    epoch: i32,
    crc: u32,
    max_timestamp: i64,
    producer: Option<Signature>,
    sequenced: Option<Sequenced>,
}

/// One partition as replayed.
struct Log<'a> {
    dir: &'a str,
    segments: Vec<Segment<'a>>,
    start: i64,
    end: i64,
}

/// What a broker that starts from some files should recover.
#[derive(Debug, Default)]
pub struct Replay {
    /// Partition by partition.
    pub logs: BTreeMap<PartitionKey, Replayed>,
    /// What is said of the cluster's metadata.
    pub metadata: Metadata,
}

/// What a broker that starts from these files should recover.
pub fn replay(files: &Files) -> Replay {
    let starts = checkpoint(files, LOG_STARTS);
    let mut replay = Replay::default();
    for log in logs(files, &starts) {
        if log.dir.starts_with(METADATA) {
            replay.metadata = metadata::read(files, log.dir, Offset(log.start), batches(&log));
        }
        if let Some(key) = key(files, log.dir) {
            let batches = batches(&log).into_iter().map(|(batch, ..)| batch).collect();
            let (start, end) = (Offset(log.start), LogEnd(Offset(log.end)));
            let placed = log.segments.iter().flat_map(|segment| &segment.batches);
            let kept = placed.filter(|placed| placed.base >= log.start);
            let sequenced = kept.filter_map(|placed| placed.sequenced).collect();
            replay.logs.insert(key, Replayed { start, end, batches, sequenced });
        }
    }
    replay
}

/// Of a batch that an idempotent producer has sent.
fn sequenced(header: &BatchHeader) -> Option<Sequenced> {
    (header.producer_id.0 >= 0 && !header.is_control()).then(|| Sequenced {
        base: header.base_offset,
        producer: header.producer_id,
        epoch: header.producer_epoch,
        first: header.base_sequence,
        last: header.last_sequence(),
    })
}

/// A log's batches, from its start, each with its segment's path and its position there.
fn batches(log: &Log<'_>) -> Vec<(Batch, String, u64)> {
    let of = |segment: &Segment<'_>| {
        let path = format!("{}.log", segment.stem);
        let batch = move |placed: &Placed| {
            let (base, end) = (Offset(placed.base), Offset(placed.last + 1));
            let batch = Batch { base, end, epoch: LeaderEpoch(placed.epoch), crc: placed.crc };
            (batch, path.clone(), placed.position)
        };
        let kept = segment.batches.iter().filter(|placed| placed.base >= log.start);
        kept.map(batch).collect::<Vec<_>>()
    };
    log.segments.iter().flat_map(of).collect()
}

/// What is wrong with the files of a broker that has stopped in order: each must be what the segments imply.
pub fn scrub(files: &Files) -> Vec<Rubbish> {
    let mut found = Vec::new();
    let starts = checkpoint(files, LOG_STARTS);
    let logs = logs(files, &starts);
    for log in &logs {
        scrub_log(files, log, &mut found);
    }
    for (path, bytes) in files {
        if mark(path).is_some() {
            found.push(rubbish(path, "a log was to be replaced, and was not"));
        }
        if path.ends_with(".checkpoint")
            && let Err(why) = metadata::snapshot(bytes)
        {
            found.push(rubbish(path, why));
        }
    }
    for log in logs.iter().filter(|log| log.dir.starts_with(METADATA) && log.start > 0) {
        let ends = files.keys().filter_map(|path| snapshot_end(path, log.dir));
        let first = ends.min();
        if first != Some(log.start) {
            let why = format!("the log begins at {}, the first snapshot ends at {first:?}", log.start);
            found.push(rubbish(log.dir, why));
        }
    }
    let ends: BTreeMap<&str, i64> = logs.iter().map(|log| (log.dir, log.end)).collect();
    for name in ["recovery-point-offset-checkpoint", LOG_STARTS, "replication-offset-checkpoint"] {
        for (dir, offset) in checkpoint(files, name) {
            match ends.get(dir.as_str()) {
                Some(end) if (0..=*end).contains(&offset) => {}
                Some(end) => {
                    found.push(rubbish(name, format!("{dir} is at {offset}, its log ends at {end}")))
                }
                None => found.push(rubbish(name, format!("{dir} is not there"))),
            }
        }
    }
    found
}

/// Where the snapshot of this path, if it is one in `dir`, ends in the log.
fn snapshot_end(path: &str, dir: &str) -> Option<i64> {
    let name = path.strip_prefix(dir)?.strip_prefix('/')?;
    metadata::snapshot_id(name).map(|(end, _)| end.0)
}

fn rubbish(path: impl Into<String>, why: impl Into<String>) -> Rubbish {
    Rubbish { path: path.into(), why: why.into() }
}

/// The partition's id: topic id from its metadata file, number from its directory's name.
fn key(files: &Files, dir: &str) -> Option<PartitionKey> {
    let text = std::str::from_utf8(files.get(&format!("{dir}/partition.metadata"))?).ok()?;
    let id = text.lines().find_map(|line| line.strip_prefix("topic_id: "))?;
    let id: Uuid = id.trim().parse().ok()?;
    let (_, index) = dir.rsplit_once('-')?;
    Some(PartitionKey { topic: TopicId(id), index: PartitionIndex(index.parse().ok()?) })
}

/// A checkpoint file's offsets by directory name. A line that is none is passed over.
fn checkpoint(files: &Files, name: &str) -> BTreeMap<String, i64> {
    let text = files.get(name).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("");
    text.lines()
        .skip(2)
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (topic, partition, offset) = (words.next()?, words.next()?, words.next()?);
            Some((format!("{topic}-{partition}"), offset.parse().ok()?))
        })
        .collect()
}

fn logs<'a>(files: &'a Files, starts: &BTreeMap<String, i64>) -> Vec<Log<'a>> {
    let mut dirs: BTreeMap<&str, Vec<(i64, &str, &Bytes)>> = BTreeMap::new();
    let mut anew: BTreeMap<&str, i64> = BTreeMap::new();
    for (path, bytes) in files {
        if let Some((dir, at)) = mark(path) {
            anew.insert(dir, at);
        }
        let Some(stem) = path.strip_suffix(".log") else { continue };
        let Some((dir, name)) = stem.rsplit_once('/') else { continue };
        let Ok(base) = name.parse() else { continue };
        if !dir.ends_with("-delete") && !dir.ends_with("-stray") {
            dirs.entry(dir).or_default().push((base, stem, bytes));
        }
    }
    let replay = |(dir, parts)| match anew.get(dir) {
        Some(&at) => Log { dir, segments: Vec::new(), start: at, end: at },
        None => replay_log(dir, parts, starts.get(dir).copied()),
    };
    dirs.into_iter().map(replay).collect()
}

/// The mark that replaces a log by an empty one, whatever is left of its segments, and where that begins.
fn mark(path: &str) -> Option<(&str, i64)> {
    let (dir, name) = path.strip_suffix(".start-over")?.rsplit_once('/')?;
    Some((dir, name.parse().ok()?))
}

/// Batch by batch until the first that does not fit: everything from there on is not part of the log.
fn replay_log<'a>(dir: &'a str, mut parts: Vec<(i64, &'a str, &Bytes)>, checkpoint: Option<i64>) -> Log<'a> {
    parts.sort_unstable_by_key(|(base, ..)| *base);
    let first = parts.first().map_or(0, |(base, ..)| *base);
    let mut end = first;
    let mut whole = true;
    let mut segments = Vec::new();
    for (n, (base, stem, bytes)) in parts.iter().copied().enumerate() {
        whole &= base == end;
        let next = parts.get(n + 1);
        let mut segment = Segment { base, stem, batches: Vec::new(), rest: bytes.len() };
        while whole && segment.rest > 0 {
            let position = bytes.len() - segment.rest;
            if next.is_some_and(|(base, _, next)| *base == end && was_moved(&bytes[position..], next)) {
                break;
            }
            match batch_at(&bytes[position..]) {
                Some((header, len)) if header.base_offset.0 == end => {
                    let last = header.last_offset().0;
                    segment.batches.push(Placed {
                        position: position as u64,
                        base: end,
                        last,
                        epoch: header.leader_epoch.0,
                        crc: header.crc,
                        max_timestamp: header.max_timestamp.0,
                        producer: producers::signature(&header),
                        sequenced: sequenced(&header),
                    });
                    segment.rest -= len;
                    end = last + 1;
                }
                _ => whole = false,
            }
        }
        segments.push(segment);
    }
    let start = checkpoint.unwrap_or(first).max(first).min(end);
    Log { dir, segments, start, end }
}

/// Whether the `rest` of a segment is what the `next` one begins with: a recovery that was interrupted had moved it there. A
/// power cut may have left nothing of it but its length.
fn was_moved(rest: &[u8], next: &[u8]) -> bool {
    !next.is_empty()
        && rest.iter().zip(next).take(HEADER_LEN).all(|(left, moved)| left == moved || *left == 0)
}

fn batch_at(bytes: &[u8]) -> Option<(BatchHeader, usize)> {
    let header = BatchHeader::parse(bytes).ok()?;
    let len = header.total_len();
    check_crc(bytes.get(..len)?).ok()?;
    Some((header, len))
}

fn scrub_log(files: &Files, log: &Log<'_>, found: &mut Vec<Rubbish>) {
    for segment in &log.segments {
        if segment.rest > 0 {
            let why = format!("{} bytes are no part of the log, which ends at {}", segment.rest, log.end);
            found.push(rubbish(format!("{}.log", segment.stem), why));
        }
        let path = format!("{}.index", segment.stem);
        if let Some(why) = files.get(&path).and_then(|bytes| offset_index(segment, bytes)) {
            found.push(rubbish(path, why));
        }
        let path = format!("{}.timeindex", segment.stem);
        if let Some(why) = files.get(&path).and_then(|bytes| time_index(segment, bytes)) {
            found.push(rubbish(path, why));
        }
    }
    let path = format!("{}/leader-epoch-checkpoint", log.dir);
    if let Some(why) = files.get(&path).and_then(|bytes| epochs(log, bytes)) {
        found.push(rubbish(path, why));
    }
    scrub_producers(files, log, found);
}

fn scrub_producers(files: &Files, log: &Log<'_>, found: &mut Vec<Rubbish>) {
    let inside = format!("{}/", log.dir);
    for (path, bytes) in files.range(inside.clone()..).take_while(|(path, _)| path.starts_with(&inside)) {
        let name = path.strip_prefix(&inside);
        let Some(at) = name.and_then(|name| name.strip_suffix(".snapshot")?.parse::<i64>().ok()) else {
            continue;
        };
        let first = log.segments.first().map_or(log.end, |segment| segment.base);
        let batches = log.segments.iter().flat_map(|segment| &segment.batches);
        let below: Vec<Signature> =
            batches.filter(|batch| batch.last < at).filter_map(|batch| batch.producer).collect();
        if at > log.end {
            found.push(rubbish(path, format!("of a log that ends beyond {}", log.end)));
        } else if let Some(why) = producers::wrong(bytes, first, &below) {
            found.push(rubbish(path, why));
        }
    }
}

/// Entries of relative offset and position, both u32: each names a batch by its place and its last offset.
fn offset_index(segment: &Segment<'_>, bytes: &[u8]) -> Option<String> {
    if !bytes.len().is_multiple_of(8) {
        return Some(format!("{} bytes are not entries of 8", bytes.len()));
    }
    let mut before = None;
    for entry in bytes.chunks_exact(8) {
        let offset = segment.base + i64::from(u32::from_be_bytes(entry[..4].try_into().expect("4 bytes")));
        let position = u64::from(u32::from_be_bytes(entry[4..].try_into().expect("4 bytes")));
        if before.is_some_and(|(o, p)| offset <= o || position <= p) {
            return Some(format!("offset {offset} at {position} does not ascend"));
        }
        before = Some((offset, position));
        let at = segment.batches.binary_search_by_key(&position, |b| b.position);
        if !at.is_ok_and(|n| (segment.batches[n].base..=segment.batches[n].last).contains(&offset)) {
            return Some(format!("offset {offset} is not in a batch that begins at {position}"));
        }
    }
    None
}

/// Entries of timestamp (i64) and relative offset (u32): no record up to that offset is younger, and it has that
/// timestamp.
fn time_index(segment: &Segment<'_>, bytes: &[u8]) -> Option<String> {
    if !bytes.len().is_multiple_of(12) {
        return Some(format!("{} bytes are not entries of 12", bytes.len()));
    }
    let mut before = None;
    for entry in bytes.chunks_exact(12) {
        let timestamp = i64::from_be_bytes(entry[..8].try_into().expect("8 bytes"));
        let offset = segment.base + i64::from(u32::from_be_bytes(entry[8..].try_into().expect("4 bytes")));
        if before.is_some_and(|(t, o)| timestamp <= t || offset < o) {
            return Some(format!("timestamp {timestamp} at {offset} does not ascend"));
        }
        before = Some((timestamp, offset));
        let Some(at) = segment.batches.iter().position(|b| (b.base..=b.last).contains(&offset)) else {
            return Some(format!("offset {offset} is not in this segment"));
        };
        let oldest = segment.batches[..=at].iter().map(|b| b.max_timestamp).max().unwrap_or(-1);
        if segment.batches[at].max_timestamp != timestamp || oldest != timestamp {
            return Some(format!(
                "offset {offset} is told to have timestamp {timestamp}; its batch has {}, the youngest so far {oldest}",
                segment.batches[at].max_timestamp
            ));
        }
    }
    None
}

/// Lines of epoch and start offset: one where the batches' epoch changes, and perhaps one more for an epoch that has
/// not written yet.
fn epochs(log: &Log<'_>, bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let told: Vec<(i32, i64)> = text
        .lines()
        .skip(2)
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(epoch, start)| Some((epoch.parse().ok()?, start.parse().ok()?)))
        .collect();
    let mut derived: Vec<(i32, i64)> = Vec::new();
    for batch in log.segments.iter().flat_map(|s| &s.batches).filter(|b| b.last >= log.start) {
        if derived.last().is_none_or(|(epoch, _)| *epoch != batch.epoch) {
            derived.push((batch.epoch, batch.base.max(log.start)));
        }
    }
    let written: Vec<(i32, i64)> = told.iter().copied().filter(|(_, start)| *start < log.end).collect();
    let unwritten: Vec<(i32, i64)> = told.iter().copied().filter(|(_, start)| *start >= log.end).collect();
    if written != derived || unwritten.iter().any(|(_, start)| *start > log.end) || unwritten.len() > 1 {
        return Some(format!(
            "epochs {told:?} where the batches have {derived:?} and the log ends at {}",
            log.end
        ));
    }
    None
}

#[cfg(test)]
#[path = "replay_test.rs"]
mod tests;
