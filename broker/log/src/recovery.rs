//! Recovery: what an unclean stop left is checked, cut where it stops making sense, and written again.
//!
//! Below the recovery point everything was synced once: only the framing is followed there, and what does not
//! parse is damage, not a torn write. From the recovery point on each batch is checked whole. The first flaw ends
//! its segment, and a hole between two segments ends the log; what lies beyond can't be told from writes that a
//! power cut tore or reordered.
//!
//! What is kept from above the recovery point may live in memory only, and a sync of it may have failed in the
//! last incarnation, after which the file can't be trusted again: it is copied to new files and synced there
//! (see `rewrite`). So on return the durable end is the end, whatever happened before.
//!
//! A crash in the midst of recovery finds it repeatable: files are replaced by renames of synced ones, and
//! nothing is removed before what precedes it is durable.

use crate::append::GAP_MIN;
use crate::checkpoint::past_retrying;
use crate::epochs::{self, Epochs};
use crate::index::{encode_all, last_on_file};
use crate::names::{self, segment_file};
use crate::offset_index::OffsetEntry;
use crate::open::{Listed, without_records};
use crate::producers::files::Account;
use crate::rewrite::{self, Kept};
use crate::round::Round;
use crate::segment::{Active, Indexes, Sealed, remove_segment};
use crate::start_over::{self, Old};
use crate::sync::Durability;
use crate::walk::{Flaw, Order, Step, Walk};
use crate::{Log, LogConfig, OpenError, Recovered, Recovery};
use model::{DurableEnd, LogEnd, Offset};
use runtime::{Disk, DiskError, File, OpenMode};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// What a check of one segment found.
pub(crate) struct Checked {
    /// The segment's first offset.
    pub(crate) base: Offset,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// Bytes of batches that are valid and belong here.
    pub(crate) valid: u64,
    /// Of those, the bytes of batches that lie below the recovery point as a whole.
    pub(crate) trusted: u64,
    /// Base offset of the first batch behind `trusted`, if there is one.
    pub(crate) suffix_base: Option<Offset>,
    /// Where the log goes on behind the valid batches.
    pub(crate) end: Offset,
    /// What ended the check before the file ended.
    flaw: Option<Flaw>,
    /// Indexes of the trusted batches.
    pub(crate) indexes: Indexes,
}

/// Checks the log, repairs it, and opens it. Those of its producers' `snapshots` that are no longer there are taken out.
pub(crate) async fn recover<D: Disk>(
    disk: D,
    dir: Arc<Path>,
    config: LogConfig,
    how: Recovery,
    segments: Vec<Listed>,
    epochs: Option<Epochs>,
    snapshots: &mut BTreeSet<Offset>,
) -> Result<(Log<D>, Recovered), OpenError> {
    let point = how.recovery_point;
    // A name may live in memory only, since a recovery that was killed. What is cut off below because a segment of
    // that name has it must not come to nothing with the name.
    disk.sync_dir(&dir).await?;
    // Without a usable epoch checkpoint all headers are read: the batches know their epochs.
    let first = match epochs {
        Some(_) => segments.partition_point(|segment| segment.base <= point).saturating_sub(1),
        None => 0,
    };
    let mut repair = Repair::new(&disk, &dir, &config);
    let mut sealed = Vec::new();
    for (segment, next) in segments[..first].iter().zip(&segments[1..]) {
        sealed.push(match segment.believed() {
            Some(sealed) => cut_again(&disk, &dir, sealed, next.base).await?,
            None => index_again(&disk, &dir, &config, segment, next.base, &mut repair.round).await?,
        });
    }
    let stored = epochs.clone();
    let mut epochs = epochs.unwrap_or_default();
    // What begins later is taken from the batches that are kept.
    epochs.truncate_from_end(segments[first].base);
    if first == 0 {
        // Before those there is nothing, unless another log was here: see `start_over`.
        epochs = Epochs::default();
    }

    let mut end = segments[first].base;
    let mut dropped = segments.len();
    for (index, segment) in segments.iter().enumerate().skip(first) {
        if index > first && is_hole(end, segment.base) && segment.base > point {
            dropped = index;
            break;
        }
        let next = segments.get(index + 1).map(|next| next.base);
        let checked = check(&disk, &dir, &config, segment, point, next, &mut epochs).await?;
        end = checked.end;
        if let Some(flaw) = checked.flaw
            && end < point
        {
            let path = segment_file(&dir, segment.base, names::LOG);
            return Err(OpenError::Damaged { path, position: checked.valid, flaw });
        }
        repair.settle(checked).await?;
    }
    if end < point {
        return Err(OpenError::Lost { end, recovery_point: point });
    }
    let Repair { mut round, mut truncated, rewritten, mut kept, .. } = repair;
    round.finish().await?;
    for segment in segments[dropped..].iter().rev() {
        remove_segment(&disk, &dir, segment.base).await?;
        truncated += segment.size;
    }

    if how.log_start > end {
        let bases: Vec<Offset> = sealed.iter().map(|s| s.base).chain(kept.iter().map(|k| k.base)).collect();
        // Everything stored lies below it, having been deleted by its owners.
        let old = Old { segments: &bases, snapshots };
        let active = start_over::replace(&disk, &dir, old, how.log_start).await.map_err(DiskError::from)?;
        snapshots.clear();
        let log = without_records(disk, dir, config, active);
        let found = log.found(false, truncated, rewritten);
        return Ok((log, found));
    }
    let last = kept.pop().expect("a segment at least");
    for Kept { base, size, indexes } in kept {
        sealed.push(store_indexes(&disk, &dir, base, size, indexes, &mut round).await?);
    }
    round.finish().await?;
    let start = how.log_start.max(segments[0].base);
    epochs.truncate_from_start(start);
    let mut durability = Durability::new(DurableEnd(end));
    if stored.as_ref() != Some(&epochs) && !epochs::store(&disk, &dir, epochs.encode()).await? {
        durability.epochs_missing();
    }
    let file = disk.open(&segment_file(&dir, last.base, names::LOG), OpenMode::Write).await?;
    // Garbage that the last incarnation cut off, and segments removed, must not come back; names of segments may
    // have lived in memory only.
    file.sync().await.map_err(past_retrying)?;
    disk.sync_dir(&dir).await?;
    let active =
        Active { base: last.base, size: last.size, torn: false, cut: false, file, indexes: last.indexes };
    let log = Log {
        disk,
        dir,
        config,
        start,
        end: LogEnd(end),
        sealed: Arc::new(sealed),
        active,
        epochs,
        account: Account::default(),
        durability,
    };
    let found = log.found(false, truncated, rewritten);
    Ok((log, found))
}

/// Whether something is missing between the end of a segment and the beginning of the next. A log begins a
/// segment where the last one ended, unless the gap is too wide for an index: see `Log::append`.
fn is_hole(end: Offset, next_base: Offset) -> bool {
    next_base != end && next_base.0 - end.0 < GAP_MIN
}

/// Repairs segments, one after the other, as their checks say.
struct Repair<'a, D: Disk> {
    disk: &'a D,
    dir: &'a Path,
    config: &'a LogConfig,
    /// Copies that take the place of what they are copies of: as good before as after.
    round: Round<'a, D>,
    kept: Vec<Kept>,
    truncated: u64,
    rewritten: u64,
}

impl<'a, D: Disk> Repair<'a, D> {
    fn new(disk: &'a D, dir: &'a Path, config: &'a LogConfig) -> Repair<'a, D> {
        Repair {
            disk,
            dir,
            config,
            round: Round::new(disk, dir),
            kept: Vec::new(),
            truncated: 0,
            rewritten: 0,
        }
    }

    /// Leaves of a segment what is valid, all of it durable.
    async fn settle(&mut self, checked: Checked) -> Result<(), OpenError> {
        self.truncated += checked.size - checked.valid;
        let suffix = checked.suffix_base;
        if let Some(suffix_base) = suffix {
            let round = &mut self.round;
            let new =
                rewrite::copy_suffix(self.disk, self.dir, self.config, &checked, suffix_base, round).await?;
            self.rewritten += new.size;
            if checked.trusted > 0 {
                rewrite::trim(self.disk, self.dir, &checked).await?;
                self.kept.push(Kept { base: checked.base, size: checked.trusted, indexes: checked.indexes });
            }
            self.kept.push(new);
            return Ok(());
        }
        if checked.size > checked.trusted {
            rewrite::trim(self.disk, self.dir, &checked).await?;
        }
        self.kept.push(Kept { base: checked.base, size: checked.trusted, indexes: checked.indexes });
        Ok(())
    }
}

/// Reads a segment: the headers below the recovery point, everything from there on, and takes note of the epochs.
async fn check<D: Disk>(
    disk: &D,
    dir: &Path,
    config: &LogConfig,
    segment: &Listed,
    point: Offset,
    next_base: Option<Offset>,
    epochs: &mut Epochs,
) -> Result<Checked, OpenError> {
    let file = disk.open(&segment_file(dir, segment.base, names::LOG), OpenMode::Read).await?;
    let mut walk = Walk::new(file, 0, segment.size);
    let mut order = Order::new(segment.base);
    let mut checked = Checked {
        base: segment.base,
        size: segment.size,
        valid: 0,
        trusted: 0,
        suffix_base: None,
        end: segment.base,
        flaw: None,
        indexes: Indexes::new(segment.base),
    };
    loop {
        let at = match walk.next().await? {
            Step::Batch(at) => at,
            Step::End => return Ok(checked),
            Step::Flaw(flaw) => {
                checked.flaw = Some(flaw);
                return Ok(checked);
            }
        };
        // Truncated bytes that came back, or what an interrupted rewrite had moved on: the next segment's.
        if next_base.is_some_and(|next| at.header.base_offset >= next) {
            return Ok(checked);
        }
        let trusted = at.header.next_offset() <= point;
        if let Err(flaw) = order.admit(&at.header, at.position) {
            checked.flaw = Some(flaw);
            return Ok(checked);
        }
        if !trusted && let Err(error) = walk.checked(&at).await? {
            checked.flaw = Some(Flaw::Batch(error));
            return Ok(checked);
        }
        checked.valid = walk.position();
        checked.end = at.header.next_offset();
        if trusted {
            checked.trusted = checked.valid;
            checked.indexes.note(&at.header, at.position, config);
        } else {
            checked.suffix_base.get_or_insert(at.header.base_offset);
        }
        let epoch = at.header.leader_epoch;
        if epoch.0 >= 0 && epochs.latest().is_none_or(|latest| epoch > latest) {
            epochs.assign(epoch, at.header.base_offset);
        }
    }
}

/// Cuts a segment where the next one begins, should it go on beyond: an earlier recovery has moved what is there, and the
/// sync of its cut may have proved nothing, because an older one had failed on that file (see `rewrite`).
async fn cut_again<D: Disk>(
    disk: &D,
    dir: &Path,
    sealed: Sealed,
    next_base: Offset,
) -> Result<Sealed, OpenError> {
    let Sealed { base, size, offset_entries, .. } = sealed;
    let last = last_on_file::<D, OffsetEntry>(disk, dir, base, offset_entries).await?;
    let from = last.map_or(0, |entry| u64::from(entry.position));
    let file = disk.open(&segment_file(dir, base, names::LOG), OpenMode::Write).await?;
    let mut walk = Walk::new(file.clone(), from, size);
    let end = loop {
        match walk.next().await? {
            Step::Batch(at) if at.header.base_offset >= next_base => break at.position,
            Step::Batch(at) if at.header.next_offset() >= next_base => break walk.position(),
            Step::Batch(_) => {}
            // Damage, if it is any, is told to whoever reads there.
            Step::End | Step::Flaw(_) => return Ok(sealed),
        }
    };
    if end < size {
        file.set_len(end).await?;
        file.sync().await.map_err(past_retrying)?;
    }
    Ok(Sealed { size: end, ..sealed })
}

/// Builds the missing indexes of a segment that lies below the recovery point; a rewrite that was interrupted may
/// have left there what is the next segment's by now.
async fn index_again<D: Disk>(
    disk: &D,
    dir: &Path,
    config: &LogConfig,
    segment: &Listed,
    next_base: Offset,
    round: &mut Round<'_, D>,
) -> Result<Sealed, OpenError> {
    let mut nowhere = Epochs::default();
    let all = Offset(i64::MAX);
    let checked = check(disk, dir, config, segment, all, Some(next_base), &mut nowhere).await?;
    if let Some(flaw) = checked.flaw
        && checked.end < next_base
    {
        let path = segment_file(dir, segment.base, names::LOG);
        return Err(OpenError::Damaged { path, position: checked.valid, flaw });
    }
    if checked.size > checked.valid {
        rewrite::trim(disk, dir, &checked).await?;
    }
    Ok(store_indexes(disk, dir, segment.base, checked.valid, checked.indexes, round).await?)
}

/// Completes the indexes of a segment that will not grow any more and replaces its files, with the round.
async fn store_indexes<D: Disk>(
    disk: &D,
    dir: &Path,
    base: Offset,
    size: u64,
    mut indexes: Indexes,
    round: &mut Round<'_, D>,
) -> Result<Sealed, DiskError> {
    indexes.complete();
    let (offsets, times) = (indexes.offsets.tail(), indexes.times.tail());
    rewrite::replace_index(disk, dir, base, encode_all(base, offsets), names::OFFSET_INDEX, round).await?;
    rewrite::replace_index(disk, dir, base, encode_all(base, times), names::TIME_INDEX, round).await?;
    Ok(Sealed { base, size, offset_entries: offsets.len() as u32, time_entries: times.len() as u32 })
}
