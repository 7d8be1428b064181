//! What commits, what is acknowledged, and who is taken for in sync, case by case.

use super::*;

const ME: BrokerId = BrokerId(1);
const OTHER: BrokerId = BrokerId(2);
const THIRD: BrokerId = BrokerId(3);
const NOW: Instant = Instant(1_000_000_000);
const LAG_MAX: Duration = Duration::from_secs(30);

fn ends(start: i64, durable: i64, log: i64) -> Ends {
    Ends { start: Offset(start), durable: DurableEnd(Offset(durable)), log: LogEnd(Offset(log)) }
}

fn leader(durability: Durability, isr: Isr, ends: Ends) -> Leader {
    let leadership = Leadership { epoch: LeaderEpoch(1), isr, partition_epoch: PartitionEpoch(5) };
    Leader::new(ME, leadership, Rules { durability, lag_max: LAG_MAX }, ends, Offset(0), NOW)
}

fn alone(durability: Durability, ends: Ends) -> Leader {
    leader(durability, Isr::new(&[ME], &[ME], 1), ends)
}

fn moved(from: i64, to: i64) -> Option<Advance> {
    Some(Advance { from: Offset(from), to: Offset(to) })
}

fn at(from: i64) -> Fetched {
    Fetched { from: Offset(from), start: Offset(0), broker: Some(BrokerEpoch(7)), eligible: true }
}

fn proposed(step: &Step) -> Option<Vec<i32>> {
    step.propose.as_ref().map(|proposal| proposal.isr.iter().map(|(id, _)| id.0).collect())
}

fn later(ms: u64) -> Instant {
    NOW + Duration::from_millis(ms)
}

#[test]
fn a_durable_leader_commits_what_is_synced() {
    let mut leader = alone(Durability::Durable, ends(0, 0, 0));
    assert_eq!(leader.local_appended(LogEnd(Offset(5)), NOW).advance, None);
    assert_eq!(leader.acknowledged_below(Acks::Leader), Offset(0));
    assert_eq!(leader.local_synced(DurableEnd(Offset(3)), NOW).advance, moved(0, 3));
    assert_eq!(leader.acknowledged_below(Acks::Leader), Offset(3));
    assert_eq!(leader.acknowledged_below(Acks::All), Offset(3));
}

#[test]
fn a_page_cache_leader_commits_what_is_appended() {
    let mut leader = alone(Durability::PageCache, ends(0, 0, 0));
    assert_eq!(leader.local_appended(LogEnd(Offset(5)), NOW).advance, moved(0, 5));
    assert_eq!(leader.local_synced(DurableEnd(Offset(5)), NOW).advance, None);
}

#[test]
fn what_was_read_back_after_a_restart_is_not_committed_until_it_is_synced() {
    let mut leader = alone(Durability::Durable, ends(10, 20, 30));
    assert_eq!(leader.high_watermark(), Offset(20));
    assert_eq!(leader.local_synced(DurableEnd(Offset(30)), NOW).advance, moved(20, 30));
    let leader = alone(Durability::PageCache, ends(10, 20, 30));
    assert_eq!(leader.high_watermark(), Offset(30));
}

#[test]
fn a_log_whose_start_is_not_known_to_be_durable_starts_there() {
    assert_eq!(alone(Durability::Durable, ends(10, 0, 30)).high_watermark(), Offset(10));
}

#[test]
fn followers_in_sync_that_have_what_is_asked_for_could_serve_it() {
    let isr = Isr::new(&[ME, OTHER, THIRD], &[ME, OTHER], 1);
    let mut leader = leader(Durability::PageCache, isr, ends(0, 9, 9));
    let who = |leader: &Leader, from| leader.who_has(Offset(from)).collect::<Vec<_>>();
    assert_eq!(who(&leader, 3), [], "nobody has been heard of");
    _ = leader.follower_fetched(OTHER, &Fetched { start: Offset(2), ..at(5) }, NOW).unwrap();
    _ = leader.follower_fetched(THIRD, &at(4), NOW).unwrap();
    assert_eq!(who(&leader, 2), [(OTHER, Offset(5))], "the third is not in sync");
    assert_eq!(who(&leader, 5), [(OTHER, Offset(5))]);
    assert_eq!((who(&leader, 1), who(&leader, 6)), (Vec::new(), Vec::new()));
}

#[test]
fn what_a_follower_knew_to_be_committed_its_leadership_begins_with() {
    let isr = Isr::new(&[ME, OTHER], &[ME, OTHER], 1);
    let leadership = Leadership { epoch: LeaderEpoch(1), isr, partition_epoch: PartitionEpoch(5) };
    let rules = Rules { durability: Durability::Durable, lag_max: LAG_MAX };
    let mut leader = Leader::new(ME, leadership, rules, ends(0, 9, 9), Offset(4), NOW);
    assert_eq!((leader.high_watermark(), leader.knows_what_is_committed()), (Offset(4), false));
    assert_eq!(leader.follower_fetched(OTHER, &at(9), NOW).unwrap().advance, moved(4, 9));
    assert!(leader.knows_what_is_committed());
}

#[test]
fn more_in_sync_replicas_than_there_are_replicas_means_all_of_them() {
    let leader = leader(Durability::Durable, Isr::new(&[ME], &[ME], 3), ends(0, 4, 4));
    assert_eq!(leader.admit(Acks::All), Ok(()));
    assert_eq!(leader.high_watermark(), Offset(4));
}

#[test]
fn too_few_in_sync_replicas_commit_nothing_and_take_only_acks_1() {
    let mut leader = leader(Durability::Durable, Isr::new(&[ME, OTHER], &[ME], 2), ends(0, 4, 4));
    assert_eq!(leader.high_watermark(), Offset(0));
    assert_eq!(leader.admit(Acks::All), Err(Refusal::NotEnoughReplicas { have: 1, need: 2 }));
    assert_eq!(leader.admit(Acks::Leader), Ok(()));
    assert_eq!(leader.acknowledged_below(Acks::Leader), Offset(4));
    // min.insync.replicas is changed.
    let step = leader.isr_told(Isr::new(&[ME, OTHER], &[ME], 1), PartitionEpoch(5), NOW);
    assert_eq!(step.advance, moved(0, 4));
}

#[test]
fn an_in_sync_follower_holds_the_watermark_until_it_has_the_records() {
    let isr = Isr::new(&[ME, OTHER], &[ME, OTHER], 1);
    let mut leader = leader(Durability::Durable, isr, ends(0, 4, 9));
    assert_eq!(leader.high_watermark(), Offset(0));
    assert_eq!(leader.follower_fetched(OTHER, &at(3), NOW).unwrap().advance, moved(0, 3));
    assert_eq!(leader.follower_fetched(OTHER, &at(9), NOW).unwrap().advance, moved(3, 4));
    // It restarted and fell behind: what is committed stays committed.
    assert_eq!(leader.follower_fetched(OTHER, &at(1), NOW).unwrap().advance, None);
    assert_eq!(leader.high_watermark(), Offset(4));
}

#[test]
fn another_mode_or_epoch_takes_nothing_back_that_was_committed() {
    let mut leader = alone(Durability::PageCache, ends(0, 2, 5));
    assert_eq!(leader.durability_changed(Durability::Durable, NOW).advance, None);
    assert_eq!((leader.high_watermark(), leader.acknowledged_below(Acks::Leader)), (Offset(5), Offset(2)));
    let isr = Isr::new(&[ME], &[ME], 1);
    let leadership = Leadership { epoch: LeaderEpoch(4), isr, partition_epoch: PartitionEpoch(6) };
    assert_eq!(leader.lead_on(leadership, NOW), Step::default());
    assert_eq!((leader.epoch(), leader.high_watermark()), (LeaderEpoch(4), Offset(5)));
    assert_eq!(leader.local_appended(LogEnd(Offset(7)), NOW).advance, None);
    assert_eq!(leader.durability_changed(Durability::PageCache, NOW).advance, moved(5, 7));
}

#[test]
fn a_later_epoch_believes_no_follower_by_what_it_said_in_the_one_before() {
    let isr = Isr::new(&[ME, OTHER], &[ME, OTHER], 1);
    let mut leader = leader(Durability::PageCache, isr.clone(), ends(0, 5, 5));
    assert_eq!(leader.follower_fetched(OTHER, &at(5), NOW).unwrap().advance, moved(0, 5));
    let leadership = Leadership { epoch: LeaderEpoch(2), isr, partition_epoch: PartitionEpoch(6) };
    assert_eq!(leader.lead_on(leadership, NOW), Step::default());
    assert_eq!(leader.local_appended(LogEnd(Offset(9)), NOW).advance, None);
    assert_eq!(leader.epoch_start(), Offset(5));
    assert_eq!(leader.follower_fetched(OTHER, &at(8), NOW).unwrap().advance, moved(5, 8));
}

#[test]
fn a_follower_joins_when_it_has_what_is_committed_and_is_waited_for_from_then_on() {
    let mut leader = leader(Durability::PageCache, Isr::new(&[ME, OTHER], &[ME], 1), ends(0, 4, 4));
    assert_eq!(leader.high_watermark(), Offset(4));
    assert_eq!(proposed(&leader.follower_fetched(OTHER, &at(3), NOW).unwrap()), None);
    let step = leader.follower_fetched(OTHER, &at(4), NOW).unwrap();
    assert_eq!(proposed(&step), Some(vec![1, 2]));
    assert_eq!(step.propose.unwrap().isr, vec![(ME, None), (OTHER, Some(BrokerEpoch(7)))]);
    assert_eq!(leader.local_appended(LogEnd(Offset(6)), NOW).advance, None);
    // One change at a time; the answer is lost, and it is asked for again.
    assert_eq!(proposed(&leader.follower_fetched(OTHER, &at(5), NOW).unwrap()), None);
    let again = leader.proposal_answered(PartitionEpoch(5), &Verdict::Unheard, NOW);
    assert_eq!(proposed(&again), Some(vec![1, 2]));
    // It was written the first time: what is proposed holds until the metadata log tells.
    assert_eq!(leader.proposal_answered(PartitionEpoch(5), &Verdict::Outdated, NOW), Step::default());
    assert_eq!(leader.high_watermark(), Offset(5));
    let _ = leader.isr_told(Isr::new(&[ME, OTHER], &[ME, OTHER], 1), PartitionEpoch(6), NOW);
    assert_eq!((leader.proposal(), leader.isr().len()), (None, 2));
}

#[test]
fn a_proposal_that_is_refused_is_void_and_one_of_the_past_has_no_answer() {
    let mut leader = leader(Durability::PageCache, Isr::new(&[ME, OTHER], &[ME], 2), ends(0, 4, 4));
    assert_eq!(proposed(&leader.follower_fetched(OTHER, &at(4), NOW).unwrap()), Some(vec![1, 2]));
    assert_eq!(leader.high_watermark(), Offset(0), "proposed is not in sync");
    assert_eq!(leader.proposal_answered(PartitionEpoch(5), &Verdict::Refused, NOW), Step::default());
    assert_eq!((leader.isr().len(), leader.proposal()), (1, None));
    let written = Verdict::Written { partition_epoch: PartitionEpoch(6) };
    assert_eq!(leader.proposal_answered(PartitionEpoch(5), &written, NOW), Step::default());
    assert_eq!(leader.isr().len(), 1);
    assert_eq!(proposed(&leader.follower_fetched(OTHER, &at(4), NOW).unwrap()), Some(vec![1, 2]));
    assert_eq!(leader.proposal_answered(PartitionEpoch(5), &written, NOW).advance, moved(0, 4));
    assert_eq!((leader.isr().len(), leader.partition_epoch()), (2, PartitionEpoch(6)));
    // The metadata log comes later, and may be at an earlier record still.
    let _ = leader.isr_told(Isr::new(&[ME, OTHER], &[ME], 2), PartitionEpoch(5), NOW);
    assert_eq!(leader.isr().len(), 2);
}

#[test]
fn a_follower_that_lacks_what_an_earlier_leader_may_have_committed_does_not_join() {
    // The watermark that this leader knew as a follower is behind.
    let mut leader =
        leader(Durability::PageCache, Isr::new(&[ME, OTHER, THIRD], &[ME, OTHER], 1), ends(0, 8, 8));
    assert_eq!(leader.high_watermark(), Offset(0));
    assert_eq!(proposed(&leader.follower_fetched(THIRD, &at(2), NOW).unwrap()), None);
    assert_eq!(proposed(&leader.follower_fetched(THIRD, &at(8), NOW).unwrap()), Some(vec![1, 2, 3]));
}

#[test]
fn a_broker_that_is_fenced_or_has_been_replaced_does_not_join() {
    let mut leader = leader(Durability::PageCache, Isr::new(&[ME, OTHER], &[ME], 1), ends(0, 4, 4));
    let fenced = Fetched { eligible: false, ..at(4) };
    assert_eq!(proposed(&leader.follower_fetched(OTHER, &fenced, NOW).unwrap()), None);
    let next = Fetched { broker: Some(BrokerEpoch(8)), ..at(2) };
    assert_eq!(leader.follower_fetched(OTHER, &next, NOW), Ok(Step::default()));
    assert_eq!(leader.follower_fetched(OTHER, &at(4), NOW), Err(Stranger::Replaced));
    assert_eq!(leader.follower_fetched(THIRD, &at(4), NOW), Err(Stranger::NotAReplica));
    // Whoever says that it is the leader itself is none of its followers.
    assert_eq!(leader.follower_fetched(ME, &at(4), NOW), Err(Stranger::NotAReplica));
}

#[test]
fn a_leader_is_alone_when_all_others_in_sync_are_silent() {
    let after = Duration::from_secs(3);
    let mut led =
        leader(Durability::PageCache, Isr::new(&[ME, OTHER, THIRD], &[ME, OTHER, THIRD], 1), ends(0, 4, 4));
    assert!(!led.is_alone(later(3000), after), "nobody has had the time");
    assert!(led.is_alone(later(3001), after));
    let _step = led.follower_fetched(OTHER, &at(1), later(3000)).unwrap();
    assert!(!led.is_alone(later(6000), after), "one is enough, however far behind");
    assert!(led.is_alone(later(6001), after));
    let only = leader(Durability::PageCache, Isr::new(&[ME, OTHER], &[ME], 1), ends(0, 4, 4));
    assert!(!only.is_alone(later(9000), after), "it needs nobody");
}

#[test]
fn whoever_is_about_to_join_is_waited_for_until_it_does_not_go_on_or_is_fenced() {
    let mut leader = leader(Durability::PageCache, Isr::new(&[ME, OTHER], &[ME], 1), ends(0, 4, 4));
    assert_eq!(leader.follower_fetched(OTHER, &at(1), NOW).unwrap().advance, None);
    assert_eq!(leader.local_appended(LogEnd(Offset(6)), NOW).advance, moved(4, 6), "it is far behind");
    assert_eq!(leader.follower_fetched(OTHER, &at(4), later(1)).unwrap().advance, None);
    assert_eq!(
        leader.local_appended(LogEnd(Offset(9)), NOW).advance,
        None,
        "it has what there was a fetch ago"
    );
    assert_eq!(proposed(&leader.follower_fetched(OTHER, &at(6), later(2)).unwrap()), Some(vec![1, 2]));
    assert_eq!(leader.proposal_answered(PartitionEpoch(5), &Verdict::Refused, NOW).advance, None);
    assert_eq!(leader.next_deadline(), Some(later(1_002)));
    assert_eq!(leader.clone().tick(later(1_001)).advance, None);
    assert_eq!(leader.clone().tick(later(1_002)).advance, moved(6, 9), "it has not gone on");
    assert_eq!(leader.brokers_changed(|_, _| false, later(3)).advance, moved(6, 9));
}

#[test]
fn a_follower_that_is_behind_for_too_long_leaves_and_is_waited_for_until_that_is_written() {
    let isr = Isr::new(&[ME, OTHER, THIRD], &[ME, OTHER, THIRD], 1);
    let mut leader = leader(Durability::PageCache, isr, ends(0, 4, 4));
    let _ = leader.follower_fetched(OTHER, &at(4), NOW).unwrap();
    let _ = leader.follower_fetched(THIRD, &at(4), NOW).unwrap();
    let _ = leader.local_appended(LogEnd(Offset(8)), NOW);
    assert_eq!(leader.follower_fetched(OTHER, &at(8), later(29_000)).unwrap().advance, None);
    assert_eq!(proposed(&leader.tick(later(30_000))), None);
    // As long as it asks for what came after its last fetch, it was caught up at that time.
    assert_eq!(proposed(&leader.tick(later(30_001))), Some(vec![1, 2]));
    assert_eq!(leader.high_watermark(), Offset(4));
    let written = Verdict::Written { partition_epoch: PartitionEpoch(6) };
    assert_eq!(leader.proposal_answered(PartitionEpoch(5), &written, later(30_002)).advance, moved(4, 8));
    // One that has everything stays, however long nothing comes.
    assert_eq!(proposed(&leader.tick(later(3_000_000))), None);
}

#[test]
fn what_all_replicas_have_deleted_is_known() {
    let isr = Isr::new(&[ME, OTHER], &[ME, OTHER], 1);
    let mut leader = leader(Durability::PageCache, isr, ends(3, 9, 9));
    assert_eq!(leader.lowest_start(), Offset(3));
    let _ = leader.follower_fetched(OTHER, &Fetched { start: Offset(1), ..at(9) }, NOW).unwrap();
    assert_eq!(leader.lowest_start(), Offset(1));
    leader.start_moved(Offset(5));
    let _ = leader.follower_fetched(OTHER, &Fetched { start: Offset(5), ..at(9) }, NOW).unwrap();
    assert_eq!(leader.lowest_start(), Offset(5));
}
