//! A log against a list of batches, through kills, power cuts, failed syncs, full disks and torn recoveries.
//!
//! What must hold: between the log's start and the durable end nothing is ever lost; what is read is what was appended, in order and
//! without a hole; a search finds what a scan finds; opening twice gives the same log; its producers are those that its
//! batches tell, and of what has been trimmed no more is known than is true.

#[path = "model_steps_prop.rs"]
mod drawn;

use crate::memory_disk::{MemoryDisk, finish, run};
use crate::producers::Producers;
use crate::{AppendBatch, AppendError, Log, LogConfig, Recovery};
use bytes::Bytes;
use drawn::{Step, configs, steps};
use model::{LeaderEpoch, Offset, ProducerId, Timestamp};
use proptest::prelude::*;
use records::batch::{BatchBuilder, BatchHeader, records, split};
use runtime::DiskErrorKind;
use std::path::PathBuf;

#[derive(Clone, Debug)]
struct Stored {
    header: BatchHeader,
    bytes: Bytes,
}

/// The log, the disk below it, and what should be in it.
struct World {
    disk: MemoryDisk,
    config: LogConfig,
    /// Taken while restarting.
    log: Option<Log<MemoryDisk>>,
    /// What was appended, from the batch on that holds the start.
    stored: Vec<Stored>,
    /// What was there before and has been trimmed.
    gone: Vec<BatchHeader>,
    /// All that was written since the log was opened. Beyond what was synced, a crash may leave any of it: also
    /// batches whose append failed half-way, and in the place of later ones.
    written: Vec<Bytes>,
    /// The highest durable end that the log has ever claimed and that no truncation took back.
    durable: Offset,
    /// The recovery point as checkpointed.
    point: Offset,
    /// The log's start.
    start: Offset,
    /// The same as checkpointed: before a trim.
    log_start: Offset,
    /// Where an interrupted `start_over` was to begin the log: next time it begins there, or nothing has changed.
    anew: Option<Offset>,
    epoch: LeaderEpoch,
}

fn dir() -> PathBuf {
    PathBuf::from("t-0")
}

impl World {
    fn new(config: LogConfig) -> World {
        let mut world = World {
            disk: MemoryDisk::default(),
            config,
            log: None,
            stored: Vec::new(),
            gone: Vec::new(),
            written: Vec::new(),
            durable: Offset::ZERO,
            point: Offset::ZERO,
            start: Offset::ZERO,
            log_start: Offset::ZERO,
            anew: None,
            epoch: LeaderEpoch(0),
        };
        world.open(false);
        world
    }

    fn log(&mut self) -> &mut Log<MemoryDisk> {
        self.log.as_mut().expect("open")
    }

    fn end(&self) -> Offset {
        self.stored.last().map_or(self.start, |stored| stored.header.next_offset())
    }

    fn how(&self, clean: bool) -> Recovery {
        Recovery { clean, recovery_point: self.point, log_start: self.log_start }
    }

    /// Opens the log and compares it with what may be left.
    fn open(&mut self, clean: bool) {
        let open = Log::open(self.disk.clone(), dir(), self.config.clone(), self.how(clean));
        let (log, found) = finish(open).expect("the log opens");
        assert_eq!(found.durable_end.0, found.end.0, "recovery syncs what it keeps");
        if let Some(at) = self.anew.take()
            && (found.start, found.end.0) == (at, at)
            // Of a log that was empty there before, or lost all that it had not synced, nobody can tell.
            && (self.start, self.durable) != (at, at)
        {
            self.begins_anew(at);
        }
        assert!(found.end.0 >= self.durable, "durable up to {}, found {found:?}", self.durable);
        assert_eq!(found.start, self.start);
        self.log = Some(log);
        let left = self.read_all();
        let kept = self.stored.iter().zip(&left).take_while(|(stored, left)| stored.bytes == left).count();
        self.stored.truncate(kept);
        assert!(self.end() >= self.durable, "durable up to {}, the same up to {}", self.durable, self.end());
        for bytes in left[kept..].iter() {
            assert!(self.written.contains(bytes), "never written");
            let header = BatchHeader::parse(bytes).expect("a batch");
            self.stored.push(Stored { header, bytes: bytes.clone() });
        }
        self.written.clear();
        assert_eq!(self.end(), found.end.0);
        self.durable = found.durable_end.0;
        self.check_epochs();
        self.check_producers();
    }

    fn begins_anew(&mut self, at: Offset) {
        self.stored.clear();
        self.gone.clear();
        self.written.clear();
        (self.start, self.durable) = (at, at);
    }

    /// Writes the checkpoint that comes before a trim.
    fn trims(&mut self, share: u8) -> Offset {
        let room = self.durable.0 - self.start.0;
        self.start = self.start.plus(i64::from(share) % (room + 1));
        self.log_start = self.start;
        let gone = self.stored.iter().take_while(|stored| stored.header.next_offset() <= self.log_start);
        self.gone.extend(gone.map(|stored| stored.header));
        self.stored.retain(|stored| stored.header.next_offset() > self.log_start);
        self.start
    }

    /// Writes the checkpoint that comes before a fresh start.
    fn starts_over(&mut self, at: i16) -> Offset {
        let at = Offset((self.end().0 + i64::from(at)).max(self.start.0));
        self.point = self.point.min(at);
        at
    }

    fn read_all(&mut self) -> Vec<Bytes> {
        let mut all = Vec::new();
        let mut from = self.start;
        let end = self.log().end().0;
        while from < end {
            let bytes = finish(self.log().slice(from, end, 700, true).read()).expect("readable");
            assert!(!bytes.is_empty(), "nothing at {from}, which is below {end}");
            for batch in split(bytes) {
                let batch = batch.expect("whole batches");
                records::batch::check_crc(&batch).expect("an intact batch");
                let header = BatchHeader::parse(&batch).expect("a batch");
                let first = all.is_empty() && header.base_offset < from;
                assert!(first || header.base_offset == from, "a hole");
                from = header.next_offset();
                all.push(batch);
            }
        }
        all
    }

    fn check_epochs(&mut self) {
        let mut expected: Vec<(LeaderEpoch, Offset)> = Vec::new();
        for Stored { header, .. } in &self.stored {
            if expected.last().is_none_or(|(epoch, _)| *epoch != header.leader_epoch) {
                expected.push((header.leader_epoch, header.base_offset.max(self.start)));
            }
        }
        // Of a log that was trimmed to its end, the last epoch may be remembered there.
        let end = self.end();
        let found = self.log().epochs().iter().filter(|entry| entry.start < end);
        let found: Vec<_> = found.map(|entry| (entry.epoch, entry.start)).collect();
        assert_eq!(found, expected, "epochs");
    }

    fn check_producers(&mut self) {
        let all: Vec<BatchHeader> =
            self.gone.iter().copied().chain(self.stored.iter().map(|stored| stored.header)).collect();
        let first = self.stored.first().map_or(self.end(), |first| first.header.base_offset);
        let mut told = Producers::default();
        all.iter().for_each(|header| told.apply(header, None));
        let found = self.log.as_ref().expect("open").producers();
        for (id, told) in told.iter() {
            let within = |kept: &&crate::producers::Kept| kept.last_offset >= first;
            let expected: Vec<_> = told.batches().iter().filter(within).collect();
            let found = found.get(id).map_or(&[][..], |found| found.batches());
            assert_eq!(found.iter().filter(within).collect::<Vec<_>>(), expected, "{id:?}");
        }
        for (id, found) in found.iter() {
            for kept in found.batches() {
                let is = |header: &&BatchHeader| {
                    header.producer_id == id && header.last_offset() == kept.last_offset
                };
                let header = all.iter().find(is).expect("a batch that was here");
                assert_eq!(
                    (header.last_sequence(), header.max_timestamp),
                    (kept.last_sequence, kept.timestamp)
                );
            }
        }
        if self.gone.is_empty() {
            let list =
                |table: &Producers| table.iter().map(|(id, known)| (id, known.clone())).collect::<Vec<_>>();
            assert_eq!(list(found), list(&told));
        }
    }

    fn build(&self, batches: &[(u8, u16, i16, i8)]) -> Vec<Stored> {
        let mut end = self.end();
        let mut built = Vec::new();
        for (records, len, timestamp, producer) in batches {
            let mut builder = BatchBuilder::new(end, self.epoch);
            if *producer >= 0 {
                let epoch = (end.0 / 40) as i16;
                builder = builder.producer(ProducerId((*producer).into()), epoch, end.0 as i32);
            }
            for index in 0..*records {
                let value = vec![b'a' + index; usize::from(*len)];
                builder.push(Timestamp(i64::from(*timestamp)), None, Some(&value));
            }
            let bytes = builder.build();
            let header = BatchHeader::parse(&bytes).expect("just built");
            end = header.next_offset();
            built.push(Stored { header, bytes });
        }
        built
    }

    fn append(&mut self, batches: Vec<Stored>) -> Result<(), AppendError> {
        let calls: Vec<AppendBatch> = batches
            .iter()
            .map(|stored| AppendBatch {
                header: stored.header,
                head: stored.bytes.slice(..61),
                rest: stored.bytes.slice(61..),
            })
            .collect();
        self.written.extend(batches.iter().map(|stored| stored.bytes.clone()));
        let before = self.log().end();
        let outcome = finish(self.log().append(&calls));
        match &outcome {
            Ok(()) => self.stored.extend(batches),
            Err(_) => assert_eq!(self.log().end(), before, "a failed append moved the end"),
        }
        assert_eq!(self.log().end().0, self.end());
        self.check_producers();
        outcome
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append { batches, epoch_up } => {
                if epoch_up {
                    self.epoch = self.epoch.next();
                }
                let batches = self.build(&batches);
                self.append(batches).expect("room enough");
            }
            Step::Sync { room } => {
                let disk = self.disk.clone();
                if let Some(ticket) = self.log().begin_sync() {
                    self.disk.set_space(room.map(u64::from));
                    let done = finish(ticket.run(&disk)).expect("what is written needs no space");
                    self.disk.set_space(None);
                    self.durable = self.log().finish_sync(done).0;
                }
                assert_eq!(self.durable, self.end());
            }
            Step::SyncDuringAppend => {
                let ticket = self.log().begin_sync();
                let covered = self.end();
                let batches = self.build(&[(2, 300, 7, 1), (1, 2000, 9, 2)]);
                self.append(batches).expect("room enough");
                assert!(self.log().begin_sync().is_none_or(|_| ticket.is_none()), "two tickets out");
                if let Some(ticket) = ticket {
                    let disk = self.disk.clone();
                    let done = finish(ticket.run(&disk)).expect("syncs");
                    self.durable = self.log().finish_sync(done).0;
                    assert_eq!(self.durable, covered);
                } else {
                    // The ticket drawn above is lost with its log.
                    self.restart(Some(1));
                }
            }
            Step::FailedSync => {
                let Some(ticket) = self.log().begin_sync() else { return };
                self.disk.fail_syncs(1);
                let error = finish(ticket.run(&self.disk.clone())).expect_err("fails");
                self.log().fail_sync(&error);
                let batches = self.build(&[(1, 1, 1, 0)]);
                assert!(matches!(self.append(batches), Err(AppendError::Fenced(_))));
                assert!(self.log().begin_sync().is_none());
                self.restart(None);
                // What recovery called durable must be, although those syncs failed once.
                self.restart(Some(0));
            }
            Step::Full { room, names } => {
                self.disk.set_space(Some(room.into()));
                self.disk.set_names_left(names.map(u64::from));
                let batches = self.build(&[(1, 300, 3, 0), (3, 300, 2, -1), (1, 100, 5, 3)]);
                match self.append(batches) {
                    Ok(()) => {}
                    Err(AppendError::NoSpace(error)) => assert_eq!(error.kind, DiskErrorKind::NoSpace),
                    Err(other) => panic!("a full disk fences nothing: {other}"),
                }
                self.disk.set_space(None);
                self.disk.set_names_left(None);
            }
            Step::Roll => finish(self.log().roll()).expect("rolls"),
            Step::Checkpoint => self.point = self.log().recovery_point(),
            Step::Truncate { back, room } => {
                let to = Offset((self.end().0 - i64::from(back)).max(self.start.0));
                let first = self.stored.first().map_or(self.start, |first| first.header.base_offset);
                self.point = self.point.min(to);
                self.disk.set_space(room.map(u64::from));
                let end = finish(self.log().truncate(to)).expect("truncates").0;
                self.disk.set_space(None);
                if to < self.end() {
                    self.written
                        .retain(|bytes| BatchHeader::parse(bytes).expect("a batch").next_offset() <= to);
                }
                self.stored.retain(|stored| stored.header.next_offset() <= to);
                if self.stored.is_empty() {
                    self.start = self.start.min(first);
                    self.log_start = self.log_start.min(first);
                }
                assert_eq!(end, self.end());
                assert_eq!(self.log().start(), self.start);
                self.point = self.point.min(end);
                self.durable = self.durable.min(end);
                self.epoch = self.stored.last().map_or(self.epoch, |last| last.header.leader_epoch);
                self.check_epochs();
                self.check_producers();
            }
            Step::Trim { share } => {
                let to = self.trims(share);
                finish(self.log().trim_to(to)).expect("trims");
                assert_eq!(self.log().start(), to);
                let second = self.log().sealed.get(1).map(|second| second.base);
                assert!(second.is_none_or(|second| second > to), "a segment below the start");
                self.check_epochs();
                self.check_producers();
            }
            Step::CrashInTrim { share, after, cut } => {
                let to = self.trims(share);
                self.disk.stop_after(Some(after.into()));
                drop(run(self.log().trim_to(to)));
                self.disk.stop_after(None);
                self.restart(cut);
            }
            Step::StartOver { at, room } => {
                let at = self.starts_over(at);
                self.disk.set_space(room.map(u64::from));
                let begun = finish(self.log().start_over(at));
                self.disk.set_space(None);
                if room == Some(0) {
                    assert_eq!(begun.map_err(|error| error.kind), Err(DiskErrorKind::NoSpace));
                    finish(self.log().start_over(at)).expect("as if nothing had happened");
                } else {
                    begun.expect("starts over");
                }
                self.begins_anew(at);
                assert_eq!((self.log().start(), self.log().end().0, self.log().segments()), (at, at, 1));
                assert_eq!(self.log().durable_end().0, at);
                self.check_epochs();
            }
            Step::CrashInStartOver { at, after, again, cut } => {
                let at = self.starts_over(at);
                self.anew = Some(at);
                self.disk.stop_after(Some(after.into()));
                drop(run(self.log().start_over(at)));
                self.disk.stop_after(None);
                if let Some(again) = again {
                    self.log = None;
                    self.disk.stop_after(Some(again.into()));
                    let how = self.how(false);
                    drop(run(Log::open(self.disk.clone(), dir(), self.config.clone(), how)));
                    self.disk.stop_after(None);
                }
                self.restart(cut);
            }
            Step::Kill => self.restart(None),
            Step::PowerLoss { seed } => self.restart(Some(seed)),
            Step::CleanRestart => {
                let log = self.log.take().expect("open");
                self.point = finish(log.close()).expect("closes");
                self.durable = self.end();
                self.written.clear();
                self.disk.power_loss(0);
                let read = self.disk.bytes_read();
                let (log, found) =
                    finish(Log::open(self.disk.clone(), dir(), self.config.clone(), self.how(true))).unwrap();
                assert!(found.clean, "a clean log was not believed");
                // The epochs, two index entries and the end of a segment: not the log.
                assert!(self.disk.bytes_read() - read < 8000);
                self.log = Some(log);
                assert_eq!(self.read_all().len(), self.stored.len());
                self.check_epochs();
                self.check_producers();
            }
            Step::CrashInRecovery { after, seed } => {
                self.log = None;
                self.disk.stop_after(Some(u64::from(after) % 60));
                let open = Log::open(self.disk.clone(), dir(), self.config.clone(), self.how(false));
                drop(run(open));
                self.disk.stop_after(None);
                self.restart(Some(seed));
            }
            Step::Read { from, max_bytes, at_least_one } => {
                let end = self.end();
                let from = self.start.plus(i64::from(from) % (end.0 - self.start.0 + 1));
                self.check_read(from, end, usize::from(max_bytes), at_least_one);
            }
            Step::Search { timestamp } => self.check_search(Timestamp(timestamp.into())),
        }
    }

    fn restart(&mut self, power_loss: Option<u64>) {
        self.log = None;
        if let Some(seed) = power_loss {
            self.disk.power_loss(seed);
        }
        self.open(false);
        if power_loss.is_none() {
            // What a kill left must be good enough to go on from.
            return;
        }
        // Again: nothing is left to repair, and nothing comes back.
        self.log = None;
        self.disk.power_loss(0);
        let end = self.end();
        self.open(false);
        assert_eq!(end, self.end(), "opened twice, found two logs");
    }

    fn check_read(&mut self, from: Offset, below: Offset, max_bytes: usize, at_least_one: bool) {
        let bytes = finish(self.log().slice(from, below, max_bytes, at_least_one).read()).expect("readable");
        let mut following = self.stored.iter().skip_while(|stored| stored.header.last_offset() < from);
        let mut total = 0;
        for batch in split(bytes) {
            let batch = batch.expect("whole batches");
            assert_eq!(Some(&batch), following.next().map(|stored| &stored.bytes));
            total += batch.len();
            assert!(total <= max_bytes || (total == batch.len() && at_least_one));
        }
        if total == 0
            && let Some(next) = following.next()
        {
            assert!(!at_least_one && next.bytes.len() > max_bytes || from >= below, "nothing at {from}");
        }
    }

    fn check_search(&mut self, target: Timestamp) {
        let all = self.stored.iter().flat_map(|stored| records(&stored.bytes).map(|r| r.expect("a record")));
        let all = all.filter(|record| record.offset >= self.start);
        let all: Vec<_> = all.map(|record| (record.timestamp, record.offset)).collect();
        let first = |wanted: Timestamp| all.iter().find(|(timestamp, _)| *timestamp >= wanted).copied();
        let found = finish(self.log().offset_for_timestamp(target).read()).expect("readable");
        if target > Timestamp::NONE {
            assert_eq!(found.map(|found| (found.timestamp, found.offset)), first(target));
        }
        let highest = all.iter().map(|(timestamp, _)| *timestamp).max().filter(|t| *t > Timestamp::NONE);
        let found = finish(self.log().max_timestamp().read()).expect("readable");
        let sealed = self.log().sealed.first().map(|segment| segment.base);
        let first_base = sealed.unwrap_or(self.log().active_base());
        let hidden = self.start > first_base;
        if found.is_some() || !hidden {
            assert_eq!(found.map(|found| (found.timestamp, found.offset)), highest.and_then(first));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_its_batches(config in configs(), steps in steps()) {
        let mut world = World::new(config);
        for step in steps {
            world.step(step);
        }
        world.restart(Some(0));
        let end = world.end();
        for from in world.start.0..=end.0 {
            world.check_read(Offset(from), end, 1, true);
        }
    }
}

/// Not what begins anew: the log that was to begin anew there has lost the one batch that it had.
#[test]
fn a_log_that_has_lost_all_is_no_other_log() {
    let config = LogConfig { segment_bytes: 400, producers: true, ..LogConfig::default() };
    let mut world = World::new(config);
    let append = |batches| Step::Append { batches, epoch_up: false };
    world.step(append(vec![(3, 377, 0, 0), (3, 0, 0, 0), (3, 220, 0, 0)]));
    world.step(Step::Sync { room: None });
    world.step(Step::CrashInTrim { share: 9, after: 0, cut: None });
    assert_eq!((world.start, world.end()), (Offset(9), Offset(9)));
    world.step(append(vec![(1, 0, 0, 0)]));
    world.step(Step::CrashInStartOver { at: -1, after: 0, again: None, cut: Some(2) });
}
