//! What commits and what is acknowledged, case by case.

use super::*;

const ME: BrokerId = BrokerId(1);
const OTHER: BrokerId = BrokerId(2);

fn ends(start: i64, durable: i64, log: i64) -> Ends {
    Ends { start: Offset(start), durable: DurableEnd(Offset(durable)), log: LogEnd(Offset(log)) }
}

fn alone(durability: Durability, ends: Ends) -> Leader {
    Leader::new(ME, LeaderEpoch(1), durability, Isr::new(&[ME], &[ME], 1), ends)
}

fn moved(from: i64, to: i64) -> Option<Advance> {
    Some(Advance { from: Offset(from), to: Offset(to) })
}

#[test]
fn a_durable_leader_commits_what_is_synced() {
    let mut leader = alone(Durability::Durable, ends(0, 0, 0));
    assert_eq!(leader.local_appended(LogEnd(Offset(5))), None);
    assert_eq!(leader.acknowledged_below(Acks::Leader), Offset(0));
    assert_eq!(leader.local_synced(DurableEnd(Offset(3))), moved(0, 3));
    assert_eq!(leader.acknowledged_below(Acks::Leader), Offset(3));
    assert_eq!(leader.acknowledged_below(Acks::All), Offset(3));
}

#[test]
fn a_page_cache_leader_commits_what_is_appended() {
    let mut leader = alone(Durability::PageCache, ends(0, 0, 0));
    assert_eq!(leader.local_appended(LogEnd(Offset(5))), moved(0, 5));
    assert_eq!(leader.local_synced(DurableEnd(Offset(5))), None);
}

#[test]
fn what_was_read_back_after_a_restart_is_not_committed_until_it_is_synced() {
    let mut leader = alone(Durability::Durable, ends(10, 20, 30));
    assert_eq!(leader.high_watermark(), Offset(20));
    assert_eq!(leader.local_synced(DurableEnd(Offset(30))), moved(20, 30));
    let leader = alone(Durability::PageCache, ends(10, 20, 30));
    assert_eq!(leader.high_watermark(), Offset(30));
}

#[test]
fn a_log_whose_start_is_not_known_to_be_durable_starts_there() {
    assert_eq!(alone(Durability::Durable, ends(10, 0, 30)).high_watermark(), Offset(10));
}

#[test]
fn more_in_sync_replicas_than_there_are_replicas_means_all_of_them() {
    let leader =
        Leader::new(ME, LeaderEpoch(1), Durability::Durable, Isr::new(&[ME], &[ME], 3), ends(0, 4, 4));
    assert_eq!(leader.admit(Acks::All), Ok(()));
    assert_eq!(leader.high_watermark(), Offset(4));
}

#[test]
fn too_few_in_sync_replicas_commit_nothing_and_take_only_acks_1() {
    let isr = Isr::new(&[ME, OTHER], &[ME], 2);
    let mut leader = Leader::new(ME, LeaderEpoch(1), Durability::Durable, isr, ends(0, 4, 4));
    assert_eq!(leader.high_watermark(), Offset(0));
    assert_eq!(leader.admit(Acks::All), Err(Refusal::NotEnoughReplicas { have: 1, need: 2 }));
    assert_eq!(leader.admit(Acks::Leader), Ok(()));
    assert_eq!(leader.acknowledged_below(Acks::Leader), Offset(4));
    assert_eq!(leader.isr_changed(Isr::new(&[ME, OTHER], &[ME], 1)), moved(0, 4));
}

#[test]
fn an_in_sync_follower_holds_the_watermark_until_it_has_the_records() {
    let isr = Isr::new(&[ME, OTHER], &[ME, OTHER], 1);
    let mut leader = Leader::new(ME, LeaderEpoch(1), Durability::Durable, isr, ends(0, 4, 9));
    assert_eq!(leader.high_watermark(), Offset(0));
    assert_eq!(leader.follower_fetched(OTHER, Offset(3)), moved(0, 3));
    assert_eq!(leader.follower_fetched(OTHER, Offset(9)), moved(3, 4));
    // It restarted and fell behind: what is committed stays committed.
    assert_eq!(leader.follower_fetched(OTHER, Offset(1)), None);
    assert_eq!(leader.high_watermark(), Offset(4));
    assert_eq!(leader.follower_fetched(OTHER, Offset(99)), None);
}

#[test]
fn another_mode_or_epoch_takes_nothing_back_that_was_committed() {
    let mut leader = alone(Durability::PageCache, ends(0, 2, 5));
    assert_eq!(leader.durability_changed(Durability::Durable), None);
    assert_eq!((leader.high_watermark(), leader.acknowledged_below(Acks::Leader)), (Offset(5), Offset(2)));
    leader.lead_on(LeaderEpoch(4));
    assert_eq!((leader.epoch(), leader.high_watermark()), (LeaderEpoch(4), Offset(5)));
    assert_eq!(leader.local_appended(LogEnd(Offset(7))), None);
    assert_eq!(leader.durability_changed(Durability::PageCache), moved(5, 7));
}
