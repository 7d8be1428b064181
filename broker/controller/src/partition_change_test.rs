//! Changes of one partition as a table: what it was, who is available, and what becomes of it.

use super::*;
use model::{DirectoryId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId};

fn ids(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

/// A partition on brokers 1 to 3, with this ISR, ELR and last leader, led by the first of the ISR.
fn partition(isr: &[i32], elr: &[i32], last: &[i32]) -> Partition {
    Partition {
        replicas: ids(&[1, 2, 3]),
        directories: vec![DirectoryId::UNASSIGNED; 3],
        isr: ids(isr),
        removing: Vec::new(),
        adding: Vec::new(),
        elr: ids(elr),
        last_known_elr: ids(last),
        leader: isr.first().copied().map(BrokerId),
        recovery: LeaderRecovery::Recovered,
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(0),
    }
}

const ELR: Rules = Rules { elr: true, min_isr: 2, unclean: false };

/// What is left of the ISR and what changes, as text.
fn becomes(
    before: &Partition,
    rules: Rules,
    available: &[i32],
    change_of: impl FnOnce(&mut Target),
) -> String {
    let mut target = Target::of(before, Election::Online);
    change_of(&mut target);
    let key = PartitionKey { topic: TopicId::default(), index: PartitionIndex(0) };
    let may_lead = |id: BrokerId| available.contains(&id.0);
    let Some(record) = change(key, before, target, rules, &may_lead) else {
        return "nothing".to_owned();
    };
    let mut words = Vec::new();
    let mut list =
        |name: &str, ids: &Option<Vec<i32>>| words.extend(ids.as_ref().map(|ids| format!("{name} {ids:?}")));
    list("isr", &record.isr);
    list("elr", &record.eligible_leader_replicas);
    list("last", &record.last_known_elr);
    match record.leader {
        LEADER_UNCHANGED => {}
        leader => words.push(format!("leader {leader}")),
    }
    match record.leader_recovery_state {
        -1 => {}
        state => words.push(format!("recovery {state}")),
    }
    words.join(", ")
}

fn without(id: i32) -> impl FnOnce(&mut Target) {
    move |target| target.isr.retain(|member| *member != BrokerId(id))
}

fn lost(id: i32) -> impl FnOnce(&mut Target) {
    move |target| {
        target.isr.retain(|member| *member != BrokerId(id));
        target.lost = Some(BrokerId(id));
    }
}

#[test]
fn who_leaves_a_large_isr_is_forgotten_and_who_leaves_a_small_one_stays_eligible() {
    let becomes = |isr: &[i32], elr: &[i32], gone: i32, available: &[i32]| {
        becomes(&partition(isr, elr, &[]), ELR, available, without(gone))
    };
    assert_eq!(becomes(&[1, 2, 3], &[], 3, &[1, 2]), "isr [1, 2]");
    assert_eq!(becomes(&[1, 2], &[], 2, &[1]), "isr [1], elr [2]");
    assert_eq!(becomes(&[1, 2], &[], 1, &[2, 3]), "isr [2], elr [1], leader 2");
    assert_eq!(becomes(&[1], &[2], 1, &[3]), "isr [], elr [1, 2], last [1], leader -1");
    assert_eq!(becomes(&[1], &[2], 1, &[2, 3]), "isr [2], elr [1], leader 2", "2 has everything committed");
}

#[test]
fn who_lost_records_is_not_eligible() {
    let becomes = |isr: &[i32], elr: &[i32], gone: i32, available: &[i32]| {
        becomes(&partition(isr, elr, &[]), ELR, available, lost(gone))
    };
    assert_eq!(becomes(&[1, 2], &[], 2, &[1]), "isr [1]");
    assert_eq!(becomes(&[1], &[2, 3], 2, &[1]), "elr [3]");
    assert_eq!(becomes(&[1], &[], 1, &[2, 3]), "isr [], last [1], leader -1");
}

#[test]
fn who_comes_back_leads_if_he_may() {
    let becomes = |elr: &[i32], last: &[i32], available: &[i32]| {
        becomes(&partition(&[], elr, last), ELR, available, |_| {})
    };
    assert_eq!(becomes(&[1, 2], &[1], &[3]), "nothing");
    assert_eq!(becomes(&[1, 2], &[1], &[2, 3]), "isr [2], elr [1], last [], leader 2");
    assert_eq!(becomes(&[2], &[1], &[1, 3]), "nothing", "2 may have what 1 lacks");
    assert_eq!(becomes(&[], &[1], &[2, 3]), "nothing", "nobody knows whether 2 and 3 have everything");
    assert_eq!(becomes(&[], &[1], &[1, 2]), "isr [1], last [], leader 1, recovery 1");
    assert_eq!(
        becomes(&[], &[1, 2], &[1, 2]),
        "nothing",
        "of another controller: which of them is not known"
    );
}

#[test]
fn an_isr_that_is_large_enough_again_needs_nobody_eligible() {
    let grown = |isr: &[i32], rules: Rules| {
        becomes(&partition(&[1], &[2, 3], &[]), rules, &[1, 2, 3], |target| target.isr = ids(isr))
    };
    assert_eq!(grown(&[1, 2], ELR), "isr [1, 2], elr []");
    assert_eq!(grown(&[1, 2], Rules { min_isr: 3, ..ELR }), "isr [1, 2], elr [3]");
}

#[test]
fn without_the_feature_the_last_of_the_isr_stays() {
    let rules = Rules { elr: false, ..ELR };
    let becomes = |isr: &[i32], gone: i32, available: &[i32]| {
        becomes(&partition(isr, &[], &[]), rules, available, without(gone))
    };
    assert_eq!(becomes(&[1, 2], 1, &[2]), "isr [2], leader 2");
    assert_eq!(becomes(&[1], 1, &[2, 3]), "leader -1");
    assert_eq!(self::becomes(&partition(&[1, 2], &[3], &[]), rules, &[1], without(2)), "isr [1], elr []");
}

#[test]
fn an_unclean_election_is_the_last_resort() {
    let unclean = |isr: &[i32], elr: &[i32], gone: i32, available: &[i32]| {
        becomes(&partition(isr, elr, &[]), Rules { unclean: true, ..ELR }, available, |target| {
            without(gone)(target);
            target.election = Election::Unclean;
        })
    };
    assert_eq!(unclean(&[1, 2], &[], 1, &[2, 3]), "isr [2], elr [1], leader 2");
    assert_eq!(unclean(&[1], &[2], 1, &[2, 3]), "isr [2], elr [1], leader 2");
    assert_eq!(unclean(&[1], &[2], 1, &[3]), "isr [3], elr [], leader 3, recovery 1");
    assert_eq!(unclean(&[1], &[], 1, &[]), "isr [], elr [1], last [1], leader -1");
}

#[test]
fn the_preferred_leader_leads_when_it_is_in_sync() {
    let preferred = |isr: &[i32], elr: &[i32], available: &[i32]| {
        becomes(&partition(isr, elr, &[]), ELR, available, |target| target.election = Election::Preferred)
    };
    assert_eq!(preferred(&[2, 1, 3], &[], &[1, 2, 3]), "leader 1");
    assert_eq!(preferred(&[2, 1, 3], &[], &[2, 3]), "nothing", "it is not available");
    assert_eq!(preferred(&[2, 3], &[], &[1, 2, 3]), "nothing", "it is not in sync");
    assert_eq!(preferred(&[], &[3], &[1, 3]), "isr [3], elr [], leader 3");
}

/// Numbers between commas.
fn numbers(text: &str) -> Vec<i32> {
    text.split(',').filter(|number| !number.is_empty()).map(|number| number.parse().unwrap()).collect()
}

/// The record of a line of `testdata/partition_changes.txt`, as its last field has it.
fn answer(fields: &[&str]) -> String {
    let [
        replicas,
        isr,
        elr,
        leader,
        last,
        available,
        target,
        lost,
        election,
        recovers,
        to_recover,
        known,
        min_isr,
    ] = *fields
    else {
        panic!("a line of {} fields", fields.len());
    };
    let recovery = |text| if text == "1" { LeaderRecovery::Recovering } else { LeaderRecovery::Recovered };
    let id = |text: &str| Some(BrokerId(text.parse().unwrap())).filter(|id| *id != BrokerId::NONE);
    let before = Partition {
        replicas: ids(&numbers(replicas)),
        directories: vec![DirectoryId::UNASSIGNED; numbers(replicas).len()],
        leader: id(leader),
        recovery: recovery(recovers),
        ..partition(&numbers(isr), &numbers(elr), &numbers(last))
    };
    let elections = [Election::Preferred, Election::Online, Election::Unclean];
    let target = Target {
        isr: ids(&numbers(target)),
        recovery: recovery(to_recover),
        lost: id(lost),
        election: elections[election.parse::<usize>().unwrap()],
    };
    let rules = Rules { elr: known == "1", min_isr: min_isr.parse().unwrap(), unclean: false };
    let key = PartitionKey { topic: TopicId::default(), index: PartitionIndex(0) };
    let available = numbers(available);
    let Some(record) = change(key, &before, target, rules, &|id| available.contains(&id.0)) else {
        return "none".to_owned();
    };
    let list =
        |ids: Option<Vec<i32>>| ids.map_or("null".to_owned(), |ids| format!("{ids:?}").replace(' ', ""));
    let [isr, elr, last] = [record.isr, record.eligible_leader_replicas, record.last_known_elr].map(list);
    format!("{isr};{elr};{last};{};{}", record.leader, record.leader_recovery_state)
}

#[test]
fn kafka_answers_the_same() {
    let lines = include_str!("../testdata/partition_changes.txt").lines();
    let mut cases = 0;
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (fields, expected) = line.rsplit_once('|').unwrap();
        assert_eq!(answer(&fields.split('|').collect::<Vec<_>>()), expected, "{line}");
        cases += 1;
    }
    assert_eq!(cases, 500);
}
