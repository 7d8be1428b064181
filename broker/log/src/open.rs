//! Opening a log: surveying the directory, and believing it or not.
//!
//! ```text
//! no segments                   -> an empty log
//! clean file, ends fit together -> believed; only the end of the last segment is read
//! otherwise                     -> recovery, from the recovery point on
//! ```

use crate::epochs::{self, Epochs};
use crate::index::IndexEntry;
use crate::names::{self, FileName, segment_file};
use crate::offset_index::OffsetEntry;
use crate::producers::files::{self, Account};
use crate::recovery;
use crate::segment::{Active, Sealed};
use crate::start_over::{self, Old};
use crate::sync::Durability;
use crate::time_index::TimeEntry;
use crate::walk::Flaw;
use crate::{Log, LogConfig, Recovery};
use model::{DurableEnd, LogEnd, Offset};
use runtime::{Disk, DiskError, DiskErrorKind, EntryKind};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A log could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The disk failed.
    Disk(DiskError),
    /// Below the recovery point, where everything had been synced, the bytes are not a log. Cutting them off
    /// would lose acknowledged records.
    Damaged {
        /// The segment's file.
        path: PathBuf,
        /// Where in it.
        position: u64,
        /// What is wrong.
        flaw: Flaw,
    },
    /// The log ends below the recovery point: acknowledged records are gone.
    Lost {
        /// Where it ends.
        end: Offset,
        /// Where it ended at the least.
        recovery_point: Offset,
    },
    /// Kafka's log cleaner was replacing segments when it was killed. Only Kafka can finish that.
    InterruptedSwap {
        /// A file that shows it.
        path: PathBuf,
    },
}

impl From<DiskError> for OpenError {
    fn from(error: DiskError) -> OpenError {
        OpenError::Disk(error)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Disk(error) => error.fmt(f),
            OpenError::Damaged { path, position, flaw } => {
                write!(f, "{} at byte {position}, below the recovery point: {flaw}", path.display())
            }
            OpenError::Lost { end, recovery_point } => {
                write!(f, "the log ends at {end}, below its recovery point {recovery_point}")
            }
            OpenError::InterruptedSwap { path } => {
                write!(f, "{}: start Kafka once more to finish cleaning the log", path.display())
            }
        }
    }
}

impl std::error::Error for OpenError {}

/// What opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// First offset that readers may have.
    pub start: Offset,
    /// Where the log goes on.
    pub end: LogEnd,
    /// What survives a power cut from now on. Equal to `end`: recovery syncs what it keeps.
    pub durable_end: DurableEnd,
    /// Whether the clean-shutdown file vouched, and the files bore it out.
    pub clean: bool,
    /// Bytes cut off behind the last whole batch, removed segments included.
    pub truncated_bytes: u64,
    /// Bytes written again, to a new file, because an earlier incarnation may have failed to sync them.
    pub rewritten_bytes: u64,
}

/// A segment as the directory lists it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    pub(crate) base: Offset,
    pub(crate) size: u64,
    /// Lengths of its index files, where there are any.
    pub(crate) offset_index: Option<u64>,
    pub(crate) time_index: Option<u64>,
}

impl Listed {
    /// As it is, if its indexes have whole entries.
    pub(crate) fn believed(&self) -> Option<Sealed> {
        let entries = |len: Option<u64>, entry_len: usize| {
            let (len, entry_len) = (len?, entry_len as u64);
            (len % entry_len == 0).then(|| (len / entry_len) as u32)
        };
        Some(Sealed {
            base: self.base,
            size: self.size,
            offset_entries: entries(self.offset_index, OffsetEntry::LEN)?,
            time_entries: entries(self.time_index, TimeEntry::LEN)?,
        })
    }
}

impl<D: Disk> Log<D> {
    /// Opens the log in `dir`, creating it when it is missing. On return everything in it is durable, and so is
    /// the directory's name.
    pub async fn open(
        disk: D,
        dir: PathBuf,
        config: LogConfig,
        how: Recovery,
    ) -> Result<(Log<D>, Recovered), OpenError> {
        let created = create(&disk, &dir).await?;
        if created || !how.clean {
            // Also when it was there: its name may live in memory only, since before a kill.
            disk.sync_dir(dir.parent().unwrap_or(Path::new(""))).await?;
        }
        let Survey { mut segments, mut snapshots, marks } = survey(&disk, &dir).await?;
        let dir: Arc<Path> = dir.into();
        for at in marks {
            let bases: Vec<Offset> = segments.iter().map(|segment| segment.base).collect();
            let old = Old { segments: &bases, snapshots: &snapshots };
            start_over::finish(&disk, &dir, old, at).await?;
            snapshots.clear();
            segments = vec![Listed { base: at, size: 0, offset_index: None, time_index: None }];
        }
        if segments.is_empty() {
            for snapshot in snapshots {
                files::remove(&disk, &dir, snapshot).await?;
            }
            return fresh(disk, dir, config, how).await;
        }
        let mut epochs = epochs::load(&disk, &dir).await?;
        if segments.iter().all(|segment| segment.size == 0) {
            // Those of another log, which was here before (see `start_over`), are written over.
            let others = epochs.as_ref().and_then(|epochs| epochs.entries().first());
            let others = others.is_some_and(|first| first.start < segments[0].base);
            epochs = (!others).then(Epochs::default);
        }
        if how.clean
            && let Some(epochs) = epochs.clone()
            && let Some(mut log) = believe(&disk, &dir, &config, &how, &segments, epochs).await?
        {
            log.load_producers(snapshots).await?;
            let found = log.found(true, 0, 0);
            return Ok((log, found));
        }
        let recovered = recovery::recover(disk, dir, config, how, segments, epochs, &mut snapshots).await;
        let (mut log, found) = recovered?;
        log.load_producers(snapshots).await?;
        Ok((log, found))
    }

    pub(crate) fn found(&self, clean: bool, truncated_bytes: u64, rewritten_bytes: u64) -> Recovered {
        self.assert_invariants();
        Recovered {
            start: self.start,
            end: self.end,
            durable_end: self.durable_end(),
            clean,
            truncated_bytes,
            rewritten_bytes,
        }
    }
}

async fn create<D: Disk>(disk: &D, dir: &Path) -> Result<bool, DiskError> {
    match disk.create_dir(dir).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind == DiskErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// What a partition's directory holds.
struct Survey {
    /// Ascending.
    segments: Vec<Listed>,
    /// Of producers.
    snapshots: BTreeSet<Offset>,
    /// Where the log is to begin anew, before anything else: none, or one.
    marks: Vec<Offset>,
}

/// Lists the segments, removing what unfinished work has left.
async fn survey<D: Disk>(disk: &D, dir: &Path) -> Result<Survey, OpenError> {
    let mut marks = Vec::new();
    let mut logs = BTreeMap::new();
    let (mut offset_indexes, mut time_indexes) = (BTreeMap::new(), BTreeMap::new());
    let mut snapshots = BTreeSet::new();
    for entry in disk.list(dir).await? {
        let EntryKind::File { len } = entry.kind else { continue };
        match FileName::parse(&entry.name) {
            FileName::Log(base) => drop(logs.insert(base, len)),
            FileName::OffsetIndex(base) => drop(offset_indexes.insert(base, len)),
            FileName::TimeIndex(base) => drop(time_indexes.insert(base, len)),
            FileName::Producers(end) => drop(snapshots.insert(end)),
            FileName::StartOver(at) => marks.push(at),
            FileName::Leftover => disk.remove_file(&dir.join(entry.name)).await?,
            FileName::Swap => return Err(OpenError::InterruptedSwap { path: dir.join(entry.name) }),
            FileName::Other => {}
        }
    }
    for (suffix, indexes) in [(names::OFFSET_INDEX, &offset_indexes), (names::TIME_INDEX, &time_indexes)] {
        for base in indexes.keys().filter(|base| !logs.contains_key(base)) {
            disk.remove_file(&segment_file(dir, *base, suffix)).await?;
        }
    }
    let listed = logs.into_iter().map(|(base, size)| Listed {
        base,
        size,
        offset_index: offset_indexes.remove(&base),
        time_index: time_indexes.remove(&base),
    });
    Ok(Survey { segments: listed.collect(), snapshots, marks })
}

/// A log without records.
async fn fresh<D: Disk>(
    disk: D,
    dir: Arc<Path>,
    config: LogConfig,
    how: Recovery,
) -> Result<(Log<D>, Recovered), OpenError> {
    let base = how.log_start;
    if base < how.recovery_point {
        return Err(OpenError::Lost { end: base, recovery_point: how.recovery_point });
    }
    let log = empty(disk, dir, config, base).await?;
    let found = log.found(how.clean, 0, 0);
    Ok((log, found))
}

/// A log without records that begins at `base`. The first segment's name is made durable at once: were it lost and
/// a later one kept, the log would seem to begin there.
async fn empty<D: Disk>(
    disk: D,
    dir: Arc<Path>,
    config: LogConfig,
    base: Offset,
) -> Result<Log<D>, DiskError> {
    let active = Active::create(&disk, &dir, base).await?;
    disk.sync_dir(&dir).await?;
    Ok(without_records(disk, dir, config, active))
}

/// A log that begins and ends where `active` begins, durably.
pub(crate) fn without_records<D: Disk>(
    disk: D,
    dir: Arc<Path>,
    config: LogConfig,
    active: Active<D>,
) -> Log<D> {
    let start = active.base;
    let durability = Durability::new(DurableEnd(start));
    let (epochs, sealed, account) = (Epochs::default(), Arc::default(), Account::default());
    Log { disk, dir, config, start, end: LogEnd(start), sealed, active, epochs, account, durability }
}

/// Takes the directory as it is, which the clean-shutdown file vouches for. `None` when it does not bear that out.
async fn believe<D: Disk>(
    disk: &D,
    dir: &Arc<Path>,
    config: &LogConfig,
    how: &Recovery,
    segments: &[Listed],
    mut epochs: Epochs,
) -> Result<Option<Log<D>>, OpenError> {
    let sealed: Option<Vec<Sealed>> = segments.iter().map(Listed::believed).collect();
    let Some(mut sealed) = sealed else { return Ok(None) };
    let last = sealed.pop().expect("a segment at least");
    let Some((active, end)) = Active::load(disk, dir, last, config).await? else { return Ok(None) };
    if end < how.recovery_point || end < how.log_start {
        return Ok(None);
    }
    let start = how.log_start.max(segments[0].base);
    epochs.truncate_from_end(end);
    epochs.truncate_from_start(start);
    Ok(Some(Log {
        disk: disk.clone(),
        dir: dir.clone(),
        config: config.clone(),
        start,
        end: LogEnd(end),
        sealed: Arc::new(sealed),
        active,
        epochs,
        account: Account::default(),
        durability: Durability::new(DurableEnd(end)),
    }))
}
