//! One machine's disk: its tree, its knobs, and the operations under way.

use super::SECTOR_BYTES;
use super::knobs::{DiskKnobs, DiskOp, NextFailure};
use super::names::Inode;
use super::perform::{Done, Work};
use super::tree::Tree;
use crate::net::Latency;
use crate::random::Stream;
use crate::runtime::{Due, NodeId, State};
use crate::trace::Life;
use ::runtime::DiskError;
use std::collections::BTreeMap;
use std::task::Waker;

/// With fewer bytes left, a disk may have no space for a new name either.
const NAME_BYTES: u64 = SECTOR_BYTES;
/// The chance that it has none, in parts per million.
const NAMELESS_PPM: u32 = 500_000;

/// A disk.
pub(crate) struct DiskState {
    pub(super) knobs: DiskKnobs,
    pub(super) tree: Tree,
    /// Decides how long operations take.
    latencies: Stream,
    /// Decides which operations fail, and what rots.
    pub(super) faults: Stream,
    /// Decides what dying processes and power losses leave behind.
    pub(super) crashes: Stream,
    /// Under way, in order of entry.
    ops: BTreeMap<u64, Op>,
    next_op: u64,
    /// Operations that hang.
    hung: Vec<(DiskOp, u64)>,
    pub(super) failures: Vec<NextFailure>,
    pub(super) misdirect: bool,
    /// Who holds each lock file: the number of the lock.
    pub(super) locks: BTreeMap<Inode, u64>,
    pub(super) next_lock: u64,
}

/// An operation under way.
struct Op {
    work: Option<Work>,
    outcome: Option<Result<Done, DiskError>>,
    waker: Option<Waker>,
    /// Whoever asked no longer waits. The kernel goes on regardless.
    forsaken: bool,
}

impl DiskState {
    pub(crate) fn new(seed: u64, name: &str, knobs: DiskKnobs) -> DiskState {
        let stream = |what: &str| Stream::new(seed, &format!("disk/{name}/{what}"));
        DiskState {
            knobs,
            tree: Tree::new(),
            latencies: stream("latency"),
            faults: stream("fault"),
            crashes: stream("crash"),
            ops: BTreeMap::new(),
            next_op: 1,
            hung: Vec::new(),
            failures: Vec::new(),
            misdirect: false,
            locks: BTreeMap::new(),
            next_lock: 1,
        }
    }

    /// Bytes that a write to `offset` of this file may still put down. `None` when the disk has no bound.
    pub(super) fn room(&mut self, inode: Inode, offset: u64) -> Option<u64> {
        let free = self.free()?;
        let len = self.tree.file(inode).live.len();
        Some((len + free).saturating_sub(offset))
    }

    /// Bytes that nothing holds yet. `None` when the disk has no bound.
    pub(super) fn free(&self) -> Option<u64> {
        let capacity = self.knobs.capacity_bytes;
        (capacity > 0).then(|| capacity.saturating_sub(self.tree.used_bytes()))
    }

    /// Whether there is no space for a new name: a matter of luck once next to nothing is left, as names share blocks.
    pub(super) fn is_out_of_names(&mut self) -> bool {
        self.free().is_some_and(|free| free < NAME_BYTES) && self.faults.chance(NAMELESS_PPM)
    }

    /// How long an operation takes from now, in nanoseconds. `None` when it completes at once.
    fn latency(&mut self, op: DiskOp, files: usize) -> Option<u64> {
        let knobs = &self.knobs;
        let latency: &Latency = match op {
            DiskOp::Read => &knobs.read,
            DiskOp::Write => &knobs.write,
            DiskOp::Sync => &knobs.sync,
            DiskOp::Name => &knobs.name,
        };
        if op != DiskOp::Sync && self.latencies.chance(knobs.instant_ppm) {
            return None;
        }
        // A round of syncs costs one flush, and a little for every file.
        let drawn = latency.draw(&mut self.latencies) + files as u64 * 20_000;
        Some(drawn.saturating_mul(u64::from(knobs.slow_percent)) / 100)
    }
}

impl State {
    /// Starts an operation. Its outcome at once, or its number.
    pub(super) fn disk_submit(
        &mut self,
        node: NodeId,
        mut work: Work,
        waker: &Waker,
    ) -> Result<u64, Outcome> {
        let now = self.agenda.now();
        let disk = &mut self.machine_mut(node).disk;
        work.begin(&mut disk.tree);
        let (op, files) = (work.op(), work.files());
        let Some(wait) = disk.latency(op, files) else { return Err(self.disk_perform(node, work)) };
        let number = disk.next_op;
        disk.next_op += 1;
        let op = Op { work: Some(work), outcome: None, waker: Some(waker.clone()), forsaken: false };
        disk.ops.insert(number, op);
        self.agenda.insert(now.saturating_add(wait), Due::Disk(node, number));
        Ok(number)
    }

    /// The outcome of an operation, once; or whom to wake when there is one.
    pub(super) fn disk_poll(&mut self, node: NodeId, number: u64, waker: &Waker) -> Option<Outcome> {
        let ops = &mut self.machine_mut(node).disk.ops;
        let op = ops.get_mut(&number).expect("polled until its outcome is taken");
        if op.outcome.is_none() {
            op.waker = Some(waker.clone());
            return None;
        }
        ops.remove(&number).and_then(|op| op.outcome)
    }

    /// Nobody waits for this operation any more.
    pub(super) fn disk_forsake(&mut self, node: NodeId, number: u64) {
        let ops = &mut self.machine_mut(node).disk.ops;
        let Some(op) = ops.get_mut(&number) else { return };
        op.forsaken = true;
        op.waker = None;
        if op.outcome.is_some() {
            ops.remove(&number);
        }
    }

    pub(crate) fn disk_due(&mut self, node: NodeId, number: u64) {
        let disk = &mut self.machine_mut(node).disk;
        let Some(op) = disk.ops.get_mut(&number) else { return };
        let work = op.work.take().expect("due once");
        let kind = work.op();
        if disk.knobs.hangs(kind) {
            op.work = Some(work);
            disk.hung.push((kind, number));
            return;
        }
        let outcome = self.disk_perform(node, work);
        let ops = &mut self.machine_mut(node).disk.ops;
        let op = ops.get_mut(&number).expect("still under way");
        if op.forsaken {
            ops.remove(&number);
            return;
        }
        op.outcome = Some(outcome);
        let waker = op.waker.take();
        self.wakes.extend(waker);
    }

    /// New knobs. What hangs goes on when they no longer say so.
    pub(super) fn disk_set_knobs(&mut self, node: NodeId, knobs: DiskKnobs) {
        let now = self.agenda.now();
        let disk = &mut self.machine_mut(node).disk;
        if disk.knobs.lies && !knobs.lies {
            // The drive has had time for what it had confirmed.
            disk.tree.store_all();
        }
        disk.knobs = knobs;
        let (hung, freed) = std::mem::take(&mut disk.hung).into_iter().partition(|(op, _)| knobs.hangs(*op));
        disk.hung = hung;
        for (op, number) in freed {
            let disk = &mut self.machine_mut(node).disk;
            let wait = disk.latency(op, 1).unwrap_or(0);
            self.agenda.insert(now + wait, Due::Disk(node, number));
        }
    }

    /// The process died. What it had asked for was done already, or in part, or not at all; then, if the power
    /// went too, the page cache goes.
    pub(crate) fn disk_process_ended(&mut self, node: NodeId, life: Life) {
        let disk = &mut self.machine_mut(node).disk;
        let ops = std::mem::take(&mut disk.ops);
        disk.hung.clear();
        disk.locks.clear();
        for work in ops.into_values().filter_map(|op| op.work) {
            let disk = &mut self.machine_mut(node).disk;
            let sync = work.op() == DiskOp::Sync;
            let power = life == Life::PowerLost;
            if (sync && power) || !disk.crashes.chance(500_000) {
                continue;
            }
            let work = work.interrupted(&mut disk.crashes);
            drop(self.disk_perform(node, work));
        }
        let disk = &mut self.machine_mut(node).disk;
        if life == Life::PowerLost {
            disk.tree.crash(&mut disk.crashes);
            disk.failures.clear();
        }
        // A lock taken by what was just finished died as well.
        disk.locks.clear();
    }
}

/// What an operation came to.
pub(super) type Outcome = Result<Done, DiskError>;
