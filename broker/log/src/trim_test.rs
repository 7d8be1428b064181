//! Trims interrupted at each of their operations, by kills and power cuts; readers that meet them.

use crate::memory_disk::{MemoryDisk, finish, run};
use crate::recovery_tests::{TestLog, append, batch, check_records, config, open, point, sync};
use crate::{Log, ReadError, Recovery};
use bytes::Bytes;
use model::{LeaderEpoch, Offset};
use std::path::PathBuf;

/// Eleven batches of one record in segments of three, nine of them synced.
fn written() -> (MemoryDisk, TestLog) {
    let disk = MemoryDisk::default();
    let mut log = open(&disk, point(0));
    append(&mut log, 9);
    sync(&disk, &mut log);
    append(&mut log, 2);
    (disk, log)
}

fn with_start(log_start: i64, recovery_point: i64) -> Recovery {
    Recovery { log_start: Offset(log_start), ..point(recovery_point) }
}

#[test]
fn whole_segments_below_the_start_go_and_the_rest_stays() {
    let (disk, mut log) = written();
    for (to, first, epochs) in [(2, 0, 3), (3, 3, 3), (5, 3, 2), (9, 9, 1), (7, 9, 1)] {
        finish(log.trim_to(Offset(to))).expect("trims");
        let paths = disk.paths();
        let logs: Vec<&String> = paths.iter().filter(|path| path.ends_with(".log")).collect();
        assert_eq!(*logs[0], format!("t-0/{first:020}.log"), "trimmed to {to}");
        assert_eq!(paths.iter().filter(|path| path.ends_with(".index")).count(), logs.len() - 1);
        assert_eq!(log.segments(), logs.len());
        assert_eq!(log.epochs().len(), epochs);
        assert_eq!(log.epochs()[0].start, log.start());
        check_records(&log);
    }
    assert_eq!(log.start(), Offset(9));
    sync(&disk, &mut log);
    let stored = disk.content("t-0/leader-epoch-checkpoint").expect("the epochs");
    assert_eq!(String::from_utf8(stored).expect("text"), "0\n1\n2 9\n");
    let closed = finish(log.close()).expect("closes");
    let log = open(&disk, Recovery { clean: true, ..with_start(9, closed.0) });
    assert_eq!((log.start(), log.end().0, log.latest_epoch()), (Offset(9), Offset(11), Some(LeaderEpoch(2))));
}

#[test]
fn a_crash_at_any_operation_of_a_trim_loses_no_record_above_it() {
    for (to, recovery_point, log_start) in [(8, 0, 0), (8, 0, 8), (8, 4, 8), (9, 9, 9), (9, 5, 0), (7, 9, 0)]
    {
        for operations in 0.. {
            let mut finished = false;
            for seed in 0..20 {
                let (disk, mut log) = written();
                disk.stop_after(Some(operations));
                finished = run(log.trim_to(Offset(to))).is_some();
                drop(log);
                disk.power_loss(seed);
                let how = with_start(log_start, recovery_point);
                let mut log = open(&disk, how);
                check_trimmed(&log, to, log_start, 9);
                if log_start == 0 {
                    continue;
                }
                // What the crash has saved goes with the next trim.
                finish(log.trim_to(Offset(to))).expect("trims");
                let second = log.sealed.get(1).map(|second| second.base);
                assert!(second.is_none_or(|second| second > log.start()), "a segment below the start");
                append(&mut log, 1);
                sync(&disk, &mut log);
                let end = log.end().0.0;
                drop(log);
                disk.power_loss(seed + 1);
                check_trimmed(&open(&disk, how), to, log_start, end);
            }
            if finished {
                break;
            }
        }
    }
}

#[test]
fn a_power_cut_in_a_recovery_after_a_killed_trim_loses_no_record_above_it() {
    for log_start in [0, 8] {
        for killed in 0.. {
            let mut finished = false;
            for cut in 0.. {
                let (disk, mut log) = written();
                disk.stop_after(Some(killed));
                finished = run(log.trim_to(Offset(8))).is_some();
                drop(log);
                disk.stop_after(Some(cut));
                let how = with_start(log_start, 5);
                let all = run(Log::open(disk.clone(), PathBuf::from("t-0"), config(), how)).is_some();
                disk.stop_after(None);
                disk.power_loss(killed * 100 + cut);
                check_trimmed(&open(&disk, how), 8, log_start, 9);
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
fn segments_begun_since_the_last_sync_are_not_orphaned_by_a_crash() {
    for operations in 0.. {
        let mut finished = false;
        for seed in 0..40 {
            let disk = MemoryDisk::default();
            let mut log = open(&disk, point(0));
            append(&mut log, 3);
            sync(&disk, &mut log);
            for _ in 0..3 {
                append(&mut log, 1);
                finish(log.roll()).expect("rolls");
            }
            disk.stop_after(Some(operations));
            finished = run(log.trim_to(Offset(3))).is_some();
            drop(log);
            disk.power_loss(seed);
            check_trimmed(&open(&disk, with_start(3, 0)), 3, 3, 3);
        }
        if finished {
            break;
        }
    }
}

/// The log begins where the checkpoint says or, should that be lost, with a segment that a trim to `to` may have left.
fn check_trimmed(log: &TestLog, to: i64, log_start: i64, durable: i64) {
    assert!(log.end().0 >= Offset(durable), "durable up to {durable}, found {}", log.end());
    match log_start {
        0 => assert!(log.start() <= Offset(to) && log.start().0 % 3 == 0, "begins at {}", log.start()),
        _ => assert_eq!(log.start(), Offset(to)),
    }
    check_records(log);
}

#[test]
fn a_slice_of_a_removed_segment_is_told_so_and_others_read_on() {
    let (_, mut log) = written();
    let slice = |log: &TestLog, from| log.slice(Offset(from), Offset(11), 1, true);
    let (removed, kept, active) = (slice(&log, 2), slice(&log, 5), slice(&log, 10));
    finish(log.trim_to(Offset(5))).expect("trims");
    assert_eq!(finish(removed.read()), Err(ReadError::Gone));
    assert_eq!(finish(kept.read()), Ok(batch(5).head));
    assert_eq!(finish(active.read()), Ok(batch(10).head));
}

#[test]
fn a_slice_that_is_being_read_gives_what_was_there_or_an_error() {
    for operations in 0..10 {
        let (disk, mut log) = written();
        let mut slice = Box::pin(log.slice(Offset(2), Offset(11), 1, true).read());
        // The read hangs where it is when the segment goes, and then goes on.
        disk.stop_after(Some(operations));
        let early = run(slice.as_mut());
        disk.stop_after(None);
        finish(log.trim_to(Offset(8))).expect("trims");
        let read: Result<Bytes, ReadError> = early.unwrap_or_else(|| finish(slice));
        assert!(read == Ok(batch(2).head) || read == Err(ReadError::Gone), "read {read:?}");
    }
}

#[test]
fn a_ticket_drawn_before_a_trim_keeps_its_word() {
    let (disk, mut log) = written();
    let ticket = log.begin_sync().expect("dirty");
    finish(log.trim_to(Offset(8))).expect("trims");
    let done = finish(ticket.run(&disk)).expect("syncs");
    assert_eq!(log.finish_sync(done).0, Offset(11));
    sync(&disk, &mut log);
    drop(log);
    disk.power_loss(0);
    let log = open(&disk, with_start(8, 11));
    assert_eq!((log.start(), log.end().0), (Offset(8), Offset(11)));
    assert_eq!(log.epochs()[0].start, Offset(8), "the ticket's epochs were the old ones");
}

#[test]
fn a_trim_that_fails_fences_the_log() {
    let (disk, mut log) = written();
    disk.fail_removals(1);
    let error = finish(log.trim_to(Offset(8))).expect_err("fails");
    assert!(log.is_fenced());
    assert_eq!(finish(log.trim_to(Offset(9))), Err(error));
}

#[test]
#[should_panic(expected = "trimmed to 10, durable up to 9")]
fn what_is_not_durable_is_not_trimmed() {
    let (_, mut log) = written();
    let _ = finish(log.trim_to(Offset(10)));
}
