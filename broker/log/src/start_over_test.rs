//! Fresh starts interrupted at each of their operations, by kills and power cuts: the old log is there, or the empty
//! one, and what is appended to that stays.

use crate::memory_disk::{MemoryDisk, finish, run};
use crate::recovery_tests::{TestLog, append, batch, check_records, config, open, point, sync};
use crate::{Log, ReadError, Recovery};
use model::{LeaderEpoch, Offset};
use runtime::DiskErrorKind;
use std::path::PathBuf;

/// Ten batches of one record in segments of three, all of them synced.
fn written() -> (MemoryDisk, TestLog) {
    let disk = MemoryDisk::default();
    let mut log = open(&disk, point(0));
    append(&mut log, 10);
    sync(&disk, &mut log);
    (disk, log)
}

/// The recovery points that may be checkpointed when a log of ten starts over at some offset.
const CASES: [(i64, i64); 6] = [(14, 0), (14, 8), (10, 10), (9, 5), (6, 6), (0, 0)];

/// The log is the old one whole, or the empty one.
fn check_either(log: &TestLog, at: i64) -> bool {
    let anew = log.start() == Offset(at) && log.end().0 == Offset(at);
    if !anew {
        assert_eq!(
            (log.start(), log.end().0),
            (Offset(0), Offset(10)),
            "neither the old log nor the new one"
        );
        check_records(log);
        return false;
    }
    assert_eq!((log.segments(), log.size_bytes()), (1, 0));
    assert_eq!(log.epochs(), []);
    true
}

fn check_appended(log: &TestLog, at: i64) {
    assert_eq!((log.start(), log.end().0), (Offset(at), Offset(at + 2)));
    check_records(log);
    assert_eq!(log.epochs()[0].start, Offset(at), "epochs of the old log");
}

#[test]
fn an_empty_log_takes_the_place_of_another() {
    for (at, _) in CASES {
        let (disk, mut log) = written();
        finish(log.start_over(Offset(at))).expect("starts over");
        assert!(check_either(&log, at), "started over at {at}");
        assert_eq!(log.durable_end().0, Offset(at));
        let files: Vec<String> = disk.paths().into_iter().filter(|path| path.starts_with("t-0/")).collect();
        assert_eq!(files, [format!("t-0/{at:020}.log"), "t-0/leader-epoch-checkpoint".into()]);
        disk.power_loss(0);
        assert!(check_either(&open(&disk, point(0)), at), "not durable at {at}");
        sync(&disk, &mut log);
        let epochs = disk.content("t-0/leader-epoch-checkpoint").expect("the epochs");
        assert_eq!(String::from_utf8(epochs).expect("text"), "0\n0\n");
    }
}

#[test]
fn a_crash_at_any_operation_leaves_the_old_log_or_the_empty_one() {
    let mut seen = [0, 0];
    for (at, recovery_point) in CASES {
        for operations in 0.. {
            let mut finished = false;
            for seed in 0..20 {
                let (disk, mut log) = written();
                disk.stop_after(Some(operations));
                finished = run(log.start_over(Offset(at))).is_some();
                drop(log);
                disk.power_loss(seed);
                let mut log = open(&disk, point(recovery_point));
                let anew = check_either(&log, at);
                assert!(anew || !finished, "the old log is back");
                seen[usize::from(anew)] += 1;
                if !anew {
                    continue;
                }
                let epochs = disk.content("t-0/leader-epoch-checkpoint").expect("the epochs");
                let below = Offset(at) > Offset(0);
                assert!(!below || epochs == b"0\n0\n", "epochs of the old log: {epochs:?}");
                append(&mut log, 2);
                sync(&disk, &mut log);
                drop(log);
                disk.power_loss(seed + 1);
                check_appended(&open(&disk, point(recovery_point)), at);
                disk.power_loss(seed + 2);
                check_appended(&open(&disk, point(at + 2)), at);
            }
            if finished {
                break;
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "crashes that left the old log and the new one: {seen:?}");
}

#[test]
fn a_power_cut_in_a_recovery_after_a_killed_fresh_start_leaves_one_or_the_other() {
    for (at, recovery_point) in CASES {
        let how = point(recovery_point);
        for killed in 0.. {
            let mut finished = false;
            for cut in 0.. {
                let (disk, mut log) = written();
                disk.stop_after(Some(killed));
                finished = run(log.start_over(Offset(at))).is_some();
                drop(log);
                disk.stop_after(Some(cut));
                let all = run(Log::open(disk.clone(), PathBuf::from("t-0"), config(), how)).is_some();
                disk.stop_after(None);
                disk.power_loss(killed * 100 + cut);
                let mut log = open(&disk, how);
                if check_either(&log, at) {
                    append(&mut log, 2);
                    sync(&disk, &mut log);
                    drop(log);
                    disk.power_loss(cut);
                    check_appended(&open(&disk, how), at);
                }
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
fn appends_after_a_kill_survive_although_the_mark_may_have_stayed() {
    for operations in 0..40 {
        let (disk, mut log) = written();
        disk.stop_after(Some(operations));
        drop(run(log.start_over(Offset(14))));
        drop(log);
        disk.stop_after(None);
        let mut log = open(&disk, point(0));
        let at = log.end().0.0;
        append(&mut log, 2);
        sync(&disk, &mut log);
        drop(log);
        disk.power_loss(operations);
        let log = open(&disk, point(0));
        assert_eq!(log.end().0, Offset(at + 2), "killed at operation {operations}");
        check_records(&log);
    }
}

#[test]
fn a_log_whose_records_were_all_deleted_starts_over_whatever_interrupts_it() {
    let how = Recovery { log_start: Offset(14), ..point(10) };
    for operations in 0.. {
        let mut finished = false;
        for seed in 0..10 {
            let (disk, log) = written();
            drop(log);
            disk.stop_after(Some(operations));
            finished = run(Log::open(disk.clone(), PathBuf::from("t-0"), config(), how)).is_some();
            disk.power_loss(seed);
            let log = open(&disk, how);
            assert_eq!((log.start(), log.end().0, log.segments()), (Offset(14), Offset(14), 1));
        }
        if finished {
            break;
        }
    }
}

#[test]
fn a_ticket_drawn_before_proves_nothing() {
    let (disk, mut log) = written();
    append(&mut log, 1);
    let ticket = log.begin_sync().expect("dirty");
    finish(log.start_over(Offset(14))).expect("starts over");
    append(&mut log, 1);
    let done = finish(ticket.run(&disk)).expect("syncs");
    assert_eq!(log.finish_sync(done).0, Offset(14));
    sync(&disk, &mut log);
    drop(log);
    disk.power_loss(0);
    let log = open(&disk, point(15));
    assert_eq!(
        (log.start(), log.end().0, log.latest_epoch()),
        (Offset(14), Offset(15), Some(LeaderEpoch(3)))
    );
}

#[test]
fn slices_of_the_old_log_read_what_was_there_or_nothing() {
    let (_, mut log) = written();
    let slice = |log: &TestLog, from| log.slice(Offset(from), Offset(10), 1, true);
    let (sealed, active) = (slice(&log, 2), slice(&log, 9));
    finish(log.start_over(Offset(14))).expect("starts over");
    assert_eq!(finish(sealed.read()), Err(ReadError::Gone));
    let read = finish(active.read());
    assert!(read == Ok(batch(9).head) || read == Err(ReadError::Gone), "read {read:?}");
}

#[test]
fn only_the_mark_needs_space() {
    for (at, _) in CASES {
        let (disk, mut log) = written();
        disk.set_names_left(Some(0));
        let refused = finish(log.start_over(Offset(at))).expect_err("no space");
        assert_eq!(refused.kind, DiskErrorKind::NoSpace);
        assert!(!check_either(&log, at), "begun without the mark");
        disk.set_names_left(Some(1));
        finish(log.start_over(Offset(at))).expect("as if nothing had happened");
        assert!(check_either(&log, at), "started over at {at}");
    }
}

#[test]
fn a_failure_fences_the_log() {
    let (disk, mut log) = written();
    disk.fail_removals(1);
    let error = finish(log.start_over(Offset(14))).expect_err("fails");
    assert!(log.is_fenced());
    assert_eq!(finish(log.start_over(Offset(15))), Err(error));
}
