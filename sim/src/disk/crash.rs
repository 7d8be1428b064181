//! What a power loss leaves behind.
//!
//! A device writes sectors in any order, each at any of the versions that the page cache held since the last sync;
//! the length and the names are metadata with fates of their own. Per file and per directory the seed picks a
//! style (everything, nothing, cut in mid-write, any mixture) and then the details: uniform choices alone would
//! almost never give the clean cuts that real crashes mostly are.

use super::SECTOR_BYTES;
use super::file::{Change, Dirty, FileNode};
use super::names::{DirNode, apply};
use crate::random::Stream;
use std::collections::{BTreeMap, BTreeSet};

/// Chance that a change which a failed sync had covered reached the device after all.
const DOOMED_KEPT_PPM: u32 = 250_000;

/// How a crash treats the unsynced changes of one file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Everything,
    Nothing,
    /// The changes before a cut, in order, and a part of the one that it hits.
    Cut,
    /// Most sectors at their last version.
    Most,
    /// Each sector at a version of its own.
    Any,
    /// The final length, and no data.
    LengthOnly,
}

impl Style {
    fn draw(draws: &mut Stream) -> Style {
        const STYLES: [Style; 6] =
            [Style::Everything, Style::Nothing, Style::Cut, Style::Most, Style::Any, Style::LengthOnly];
        STYLES[draws.index(STYLES.len())]
    }
}

impl FileNode {
    /// Loses the page cache.
    pub(super) fn crash(&mut self, draws: &mut Stream) {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.retain(|dirty| !dirty.doomed || draws.chance(DOOMED_KEPT_PPM));
        let image = if dirty.is_empty() { self.durable.clone() } else { self.survivor(&dirty, draws) };
        *self = FileNode::from_image(image);
    }

    fn survivor(&self, dirty: &[Dirty], draws: &mut Stream) -> super::image::Image {
        let style = Style::draw(draws);
        let cut = draws.index(dirty.len() + 1);
        let mut image = self.durable.clone();
        let longest = dirty.iter().map(|dirty| dirty.len_after).max().unwrap_or(0).max(image.len());
        image.set_len(longest);
        let sectors = by_sector(dirty);
        // Within the change that a cut hits, the sectors up to here are new.
        let torn_at = dirty.get(cut).and_then(|dirty| tear(&dirty.change, draws));
        for (sector, changes) in &sectors {
            let versions = match style {
                Style::Everything => changes.len(),
                Style::Nothing | Style::LengthOnly => 0,
                Style::Cut => {
                    let whole = changes.iter().filter(|number| **number < cut).count();
                    let torn = changes.contains(&cut) && torn_at.is_some_and(|at| *sector < at);
                    whole + usize::from(torn)
                }
                Style::Most if draws.chance(900_000) => changes.len(),
                Style::Most | Style::Any => draws.index(changes.len() + 1),
            };
            for number in &changes[..versions] {
                write_sector(&mut image, &dirty[*number].change, *sector);
            }
        }
        let lengths =
            |number: usize| if number == 0 { self.durable.len() } else { dirty[number - 1].len_after };
        image.set_len(match style {
            Style::Everything | Style::LengthOnly => lengths(dirty.len()),
            Style::Nothing => lengths(0),
            Style::Cut => lengths(cut + usize::from(torn_at.is_some() && draws.chance(500_000))),
            Style::Most | Style::Any => lengths(draws.index(dirty.len() + 1)),
        });
        image
    }
}

/// Which changes touch each sector, in order.
fn by_sector(dirty: &[Dirty]) -> BTreeMap<u64, Vec<usize>> {
    let mut sectors: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (number, dirty) in dirty.iter().enumerate() {
        let (from, to) = range(&dirty.change);
        for sector in from / SECTOR_BYTES..to.div_ceil(SECTOR_BYTES) {
            sectors.entry(sector).or_default().push(number);
        }
    }
    sectors
}

/// The bytes that a change alters: what it writes, or what it cuts off.
fn range(change: &Change) -> (u64, u64) {
    match change {
        Change::Write { offset, .. } => (*offset, offset + change.bytes()),
        Change::SetLen { before, after } => (*after, *before.max(after)),
    }
}

/// A sector within a change, before which it is applied and from which on it is not.
fn tear(change: &Change, draws: &mut Stream) -> Option<u64> {
    let (from, to) = range(change);
    let (from, to) = (from / SECTOR_BYTES, to.div_ceil(SECTOR_BYTES));
    if from < to { Some(draws.between(from, to)) } else { None }
}

/// Applies the part of a change that lies within one sector.
fn write_sector(image: &mut super::image::Image, change: &Change, sector: u64) {
    let (start, end) = (sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    match change {
        Change::Write { offset, parts } => {
            let mut at = *offset;
            for part in parts {
                let (from, to) = (at.max(start), (at + part.len() as u64).min(end));
                if from < to {
                    image.write(from, &part[(from - at) as usize..(to - at) as usize]);
                }
                at += part.len() as u64;
            }
        }
        Change::SetLen { before, after } => {
            let (from, to) = (start.max(*after), end.min(*before));
            if from < to {
                image.write(from, &[0; SECTOR_BYTES as usize][..(to - from) as usize]);
            }
        }
    }
}

impl DirNode {
    /// Forgets the names that were not synced, as far as the seed says so. Changes of unrelated names may swap;
    /// one that builds on a change that came undone comes undone with it, for a journal keeps their order.
    pub(super) fn crash(&mut self, draws: &mut Stream) {
        let pending = std::mem::take(&mut self.pending);
        let style = Style::draw(draws);
        let cut = draws.index(pending.len() + 1);
        let mut undone = BTreeSet::new();
        for (number, pending) in pending.iter().enumerate() {
            let kept = match style {
                Style::Everything => true,
                Style::Nothing => false,
                Style::Cut | Style::LengthOnly => number < cut,
                Style::Most => draws.chance(900_000),
                Style::Any => draws.chance(500_000),
            };
            let names = pending.change.names();
            if kept && !names.iter().any(|name| undone.contains(*name)) {
                apply(&mut self.durable, &pending.change);
            } else {
                undone.extend(names);
            }
        }
        self.live = self.durable.clone();
    }
}
