//! Recovery interrupted at each of its operations, by each of many power cuts.

use crate::memory_disk::{MemoryDisk, finish, run};
use crate::producers::Kept;
use crate::{AppendBatch, Log, LogConfig, Recovery};
use model::{LeaderEpoch, Offset, ProducerId, Timestamp};
use records::batch::{BatchBuilder, BatchHeader, split};
use std::path::PathBuf;

pub(crate) type TestLog = Log<MemoryDisk>;

pub(crate) fn config() -> LogConfig {
    LogConfig { index_interval_bytes: 0, segment_bytes: 2000, ..LogConfig::default() }
}

pub(crate) fn point(recovery_point: i64) -> Recovery {
    Recovery { recovery_point: Offset(recovery_point), ..Recovery::default() }
}

pub(crate) fn open(disk: &MemoryDisk, how: Recovery) -> TestLog {
    finish(Log::open(disk.clone(), PathBuf::from("t-0"), config(), how)).expect("opens").0
}

/// Producers that take turns.
const PRODUCERS: i64 = 2;

/// Batches of one record and 571 bytes: three to a segment.
pub(crate) fn batch(base: i64) -> AppendBatch {
    let builder = BatchBuilder::new(Offset(base), LeaderEpoch(base as i32 / 4));
    let mut builder = builder.producer(ProducerId(base % PRODUCERS), 0, (base / PRODUCERS) as i32);
    builder.push(Timestamp(base), None, Some(&[b'0' + base as u8; 500]));
    let bytes = builder.build();
    AppendBatch::whole(BatchHeader::parse(&bytes).expect("just built"), bytes)
}

pub(crate) fn append(log: &mut TestLog, count: usize) {
    for _ in 0..count {
        let next = batch(log.end().0.0);
        finish(log.append(&[next])).expect("appends");
    }
}

pub(crate) fn sync(disk: &MemoryDisk, log: &mut TestLog) {
    let done = finish(log.begin_sync().expect("dirty").run(disk)).expect("syncs");
    log.finish_sync(done);
}

fn check(log: &TestLog, durable: i64) {
    assert!(log.end().0 >= Offset(durable), "durable up to {durable}, found {}", log.end());
    let bytes: usize = (0..log.end().0.0).map(|base| batch(base).head.len()).sum();
    assert_eq!(log.size_bytes(), bytes as u64, "segments that hold no more than their batches");
    check_records(log);
}

/// Whoever has a batch in the log is known by it. Of what was there before, no more is known than is true.
pub(crate) fn check_producers(log: &TestLog) {
    for id in 0..PRODUCERS {
        let kept = |base| Kept {
            last_sequence: (base / PRODUCERS) as i32,
            last_offset: Offset(base),
            offset_delta: 0,
            timestamp: Timestamp(base),
        };
        let all: Vec<Kept> = (0..log.end().0.0).filter(|base| base % PRODUCERS == id).map(kept).collect();
        let found = log.producers().get(ProducerId(id)).map_or(&[][..], |producer| producer.batches());
        assert!(found.iter().all(|found| all.contains(found)), "{id}: {found:?}");
        let within = |kept: &&Kept| kept.last_offset >= log.start();
        let last: Vec<&Kept> = all.iter().rev().take(5).rev().filter(within).collect();
        assert_eq!(
            found.iter().filter(within).collect::<Vec<_>>(),
            last,
            "{id} in {}..{}",
            log.start(),
            log.end()
        );
    }
}

/// Reads and searches all from the log's start on.
pub(crate) fn check_records(log: &TestLog) {
    check_producers(log);
    let mut from = log.start();
    while from < log.end().0 {
        let bytes = finish(log.slice(from, log.end().0, 1, true).read()).expect("reads");
        let found = split(bytes).next().expect("a batch").expect("a whole one");
        assert_eq!(found, batch(from.0).head, "at {from}");
        let search = log.offset_for_timestamp(Timestamp(from.0)).read();
        assert_eq!(finish(search).expect("reads").expect("found").offset, from);
        assert_eq!(log.epoch_at(from), Some(LeaderEpoch(from.0 as i32 / 4)));
        from = from.plus(1);
    }
}

/// Five batches and a stop in order; three more, synced; two more, not.
fn left_behind() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let mut log = open(&disk, point(0));
    append(&mut log, 5);
    finish(log.close()).expect("closes");
    let mut log = open(&disk, Recovery { clean: true, ..point(5) });
    append(&mut log, 3);
    sync(&disk, &mut log);
    append(&mut log, 2);
    disk
}

#[test]
fn a_crash_at_any_operation_of_recovery_loses_nothing_durable() {
    for recovery_point in [0, 5, 7] {
        for operations in 0.. {
            let mut finished = false;
            for seed in 0..10 {
                let disk = left_behind();
                disk.stop_after(Some(operations));
                let interrupted =
                    Log::open(disk.clone(), PathBuf::from("t-0"), config(), point(recovery_point));
                finished = run(interrupted).is_some();
                disk.power_loss(seed);
                let mut log = open(&disk, point(recovery_point));
                check(&log, 8);
                append(&mut log, 1);
                sync(&disk, &mut log);
                let end = log.end().0.0;
                drop(log);
                disk.power_loss(seed + 2);
                check(&open(&disk, point(recovery_point)), end);
                check(&open(&disk, point(end)), end);
            }
            if finished {
                break;
            }
        }
    }
}

#[test]
fn a_power_cut_in_a_recovery_after_a_killed_recovery_loses_nothing_durable() {
    let recover = |disk: &MemoryDisk, recovery_point, operations| {
        disk.stop_after(Some(operations));
        let opened =
            run(Log::open(disk.clone(), PathBuf::from("t-0"), config(), point(recovery_point))).is_some();
        disk.stop_after(None);
        opened
    };
    for recovery_point in [0, 5, 7] {
        for killed in 0.. {
            let mut finished = false;
            for cut in 0.. {
                let disk = left_behind();
                finished = recover(&disk, recovery_point, killed);
                let all = recover(&disk, recovery_point, cut);
                disk.power_loss(killed * 100 + cut);
                check(&open(&disk, point(recovery_point)), 8);
                if all {
                    break;
                }
            }
            if finished {
                break;
            }
        }
    }
}

#[test]
fn garbage_cut_off_before_a_roll_does_not_come_back() {
    for seed in 0..2000 {
        let disk = MemoryDisk::default();
        let mut log = open(&disk, point(0));
        append(&mut log, 2);
        sync(&disk, &mut log);
        disk.set_space(Some(100));
        finish(log.append(&[batch(2)])).expect_err("full");
        disk.set_space(None);
        finish(log.roll()).expect("rolls");
        drop(log);
        disk.power_loss(seed);
        // The recovery point is where the next segment begins: the first one is believed by its length.
        let log = open(&disk, point(2));
        check(&log, 2);
    }
}

#[test]
fn garbage_cut_off_before_a_kill_does_not_come_back() {
    for seed in 0..200 {
        let disk = MemoryDisk::default();
        let mut log = open(&disk, point(0));
        disk.set_space(Some(600));
        finish(log.append(&[batch(0), batch(1)])).expect_err("full");
        disk.set_space(None);
        drop(log);
        assert_eq!(open(&disk, point(0)).end().0, Offset(0));
        disk.power_loss(seed);
        assert_eq!(open(&disk, point(0)).end().0, Offset(0), "whole, but its append had failed: seed {seed}");
    }
}

#[test]
fn a_segment_begun_before_a_kill_is_durable_after_recovery() {
    let disk = MemoryDisk::default();
    let mut log = open(&disk, point(0));
    append(&mut log, 3);
    sync(&disk, &mut log);
    finish(log.roll()).expect("rolls");
    drop(log);
    let mut log = open(&disk, point(3));
    append(&mut log, 1);
    sync(&disk, &mut log);
    drop(log);
    disk.power_loss(0);
    check(&open(&disk, point(3)), 4);
}
