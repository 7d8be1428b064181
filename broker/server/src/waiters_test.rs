//! The purgatory against a model that checks every wait at every step.

use super::*;
use model::{PartitionIndex, TopicId};
use proptest::prelude::*;

fn partition(index: i32) -> PartitionKey {
    PartitionKey { topic: TopicId::default(), index: PartitionIndex(index) }
}

fn wait(index: i32, line: Line, at: i64) -> Wait {
    Wait { partition: partition(index), line, at: Offset(at) }
}

#[test]
fn any_returns_at_the_first_line_and_all_at_the_last() {
    let mut waiters = Waiters::new(10);
    let waits = vec![wait(0, Line::Committed, 5), wait(1, Line::Committed, 7)];
    waiters.park("any", Until::Any, waits.clone(), Instant(100)).unwrap();
    waiters.park("all", Until::All, waits, Instant(100)).unwrap();
    let mut freed = Vec::new();
    waiters.passed(partition(0), Line::Committed, Offset(4), &mut freed);
    assert!(freed.is_empty());
    waiters.passed(partition(0), Line::Committed, Offset(5), &mut freed);
    assert_eq!(freed, ["any"]);
    waiters.passed(partition(1), Line::Local, Offset(9), &mut freed);
    assert_eq!(freed, ["any"], "another line of the same partition frees nothing");
    waiters.passed(partition(1), Line::Committed, Offset(9), &mut freed);
    assert_eq!(freed, ["any", "all"]);
    assert!(waiters.parked() == 0 && waiters.lines.is_empty() && waiters.deadlines.is_empty());
}

#[test]
fn a_full_house_gives_back_what_it_was_brought() {
    let mut waiters = Waiters::new(1);
    waiters.park(1, Until::Any, vec![wait(0, Line::Local, 1)], Instant(1)).unwrap();
    assert_eq!(waiters.park(2, Until::Any, vec![wait(0, Line::Local, 1)], Instant(1)), Err(2));
}

#[test]
fn a_partition_that_goes_away_frees_whoever_waits_for_it() {
    let mut waiters = Waiters::new(10);
    let both = vec![wait(0, Line::Local, 1), wait(1, Line::Local, 1)];
    waiters.park("both", Until::All, both.clone(), Instant(1)).unwrap();
    waiters.park("other", Until::All, vec![wait(1, Line::Local, 1)], Instant(1)).unwrap();
    assert_eq!(waiters.evict(partition(0), &[Line::Local, Line::Committed]), [("both", both)]);
    assert_eq!(waiters.parked(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Park { any: bool, waits: Vec<(i32, bool, i64)>, deadline: u64 },
    Pass { index: i32, local: bool, by: i64 },
    Expire { by: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<bool>(), prop::collection::vec((0..3i32, any::<bool>(), 1..6i64), 1..4), 1..20u64)
            .prop_map(|(any, waits, deadline)| Step::Park { any, waits, deadline }),
        (0..3i32, any::<bool>(), 0..4i64).prop_map(|(index, local, by)| Step::Pass { index, local, by }),
        (0..6u64).prop_map(|by| Step::Expire { by }),
    ]
}

fn line(local: bool) -> Line {
    if local { Line::Local } else { Line::Committed }
}

proptest! {
    /// Whatever happens, a waiter is still parked exactly when the model says that its condition does not hold.
    #[test]
    fn nobody_waits_in_vain_and_nobody_leaves_early(steps in prop::collection::vec(step(), 1..60)) {
        let mut waiters = Waiters::new(1000);
        let mut now = 0u64;
        let mut lines: BTreeMap<(i32, bool), i64> = BTreeMap::new();
        // The model: id -> (any, waits, deadline).
        type Model = BTreeMap<usize, (bool, Vec<(i32, bool, i64)>, u64)>;
        let mut model: Model = BTreeMap::new();
        for (id, step) in steps.into_iter().enumerate() {
            let mut freed = Vec::new();
            match step {
                Step::Park { any, waits, deadline } => {
                    let waits: Vec<_> = waits
                        .into_iter()
                        .map(|(i, local, ahead)| (i, local, lines.get(&(i, local)).unwrap_or(&0) + ahead))
                        .collect();
                    let asked = waits.iter().map(|(i, local, at)| wait(*i, line(*local), *at)).collect();
                    let until = if any { Until::Any } else { Until::All };
                    waiters.park(id, until, asked, Instant(now + deadline)).unwrap();
                    model.insert(id, (any, waits, now + deadline));
                }
                Step::Pass { index, local, by } => {
                    let at = lines.entry((index, local)).or_insert(0);
                    *at += by;
                    waiters.passed(partition(index), line(local), Offset(*at), &mut freed);
                }
                Step::Expire { by } => {
                    now += by;
                    freed.extend(waiters.expire(Instant(now)).into_iter().map(|(id, _)| id));
                }
            }
            let due: Vec<usize> = model
                .iter()
                .filter(|(_, (any, waits, deadline))| {
                    let mut passed = waits.iter().map(|(i, l, at)| lines.get(&(*i, *l)).unwrap_or(&0) >= at);
                    *deadline <= now || if *any { passed.any(|p| p) } else { passed.all(|p| p) }
                })
                .map(|(id, _)| *id)
                .collect();
            for id in due {
                prop_assert!(freed.contains(&id), "waiter {} waits in vain", id);
                model.remove(&id);
            }
            prop_assert_eq!(waiters.parked(), model.len());
            prop_assert_eq!(waiters.deadlines.len(), model.len());
        }
    }
}
