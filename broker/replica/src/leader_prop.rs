//! Whatever happens in whatever order, the watermark promises only what the ISR has.

use super::*;
use proptest::prelude::*;

const ME: BrokerId = BrokerId(0);

#[derive(Clone, Copy, Debug)]
enum Step {
    Append(i64),
    /// Syncs this share of what is not durable, in percent.
    Sync(i64),
    /// A follower fetches from this share of the log's end, in percent.
    Fetch(i32, i64),
    /// The followers in this set of bits are in sync.
    Isr(u8, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..50i64).prop_map(Step::Append),
        (0..=100i64).prop_map(Step::Sync),
        (1..3i32, 0..=100i64).prop_map(|(follower, share)| Step::Fetch(follower, share)),
        (0..4u8, 0..4usize).prop_map(|(members, min)| Step::Isr(members, min)),
    ]
}

fn isr(members: u8, min: usize) -> Isr {
    let all = [ME, BrokerId(1), BrokerId(2)];
    let members: Vec<_> = all.into_iter().filter(|id| *id == ME || members >> (id.0 - 1) & 1 == 1).collect();
    Isr::new(&all, &members, min)
}

fn durability() -> impl Strategy<Value = Durability> {
    prop_oneof![Just(Durability::Durable), Just(Durability::PageCache)]
}

fn apply(leader: &mut Leader, step: Step) -> Option<Advance> {
    let Ends { durable, log, .. } = leader.ends();
    match step {
        Step::Append(records) => leader.local_appended(LogEnd(log.0.plus(records))),
        Step::Sync(share) => {
            let records = (log.0.0 - durable.0.0) * share / 100;
            leader.local_synced(DurableEnd(durable.0.plus(records)))
        }
        Step::Fetch(follower, share) => {
            leader.follower_fetched(BrokerId(follower), Offset(log.0.0 * share / 100))
        }
        Step::Isr(members, min) => leader.isr_changed(isr(members, min)),
    }
}

proptest! {
    #[test]
    fn the_watermark_never_goes_back_and_tells_every_move(
        durability in durability(), steps in prop::collection::vec(step(), 0..60), recovered in 0..50i64,
    ) {
        let ends = Ends { start: Offset(0), durable: DurableEnd(Offset(0)), log: LogEnd(Offset(recovered)) };
        let mut leader = Leader::new(ME, LeaderEpoch(0), durability, isr(0, 1), ends);
        for step in steps {
            let before = leader.high_watermark();
            let told = apply(&mut leader, step);
            let after = leader.high_watermark();
            prop_assert!(after >= before);
            prop_assert_eq!(told, (after > before).then_some(Advance { from: before, to: after }));
        }
    }

    #[test]
    fn in_durable_mode_nothing_is_acknowledged_beyond_the_durable_end(
        steps in prop::collection::vec(step(), 0..60), durable in 0..50i64, read_back in 0..50i64,
    ) {
        let log = LogEnd(Offset(durable + read_back));
        let ends = Ends { start: Offset(0), durable: DurableEnd(Offset(durable)), log };
        let mut leader = Leader::new(ME, LeaderEpoch(0), Durability::Durable, isr(0, 1), ends);
        prop_assert!(leader.high_watermark() <= ends.durable.0);
        for step in steps {
            let _ = apply(&mut leader, step);
            prop_assert!(leader.high_watermark() <= leader.ends().durable.0);
            prop_assert!(leader.acknowledged_below(Acks::Leader) <= leader.ends().durable.0);
            prop_assert!(leader.acknowledged_below(Acks::All) <= leader.acknowledged_below(Acks::Leader));
        }
    }

    #[test]
    fn an_advance_means_that_enough_replicas_are_in_sync_and_have_it(
        durability in durability(), steps in prop::collection::vec(step(), 0..60),
    ) {
        let ends = Ends { start: Offset(0), durable: DurableEnd(Offset(0)), log: LogEnd(Offset(0)) };
        let mut leader = Leader::new(ME, LeaderEpoch(0), durability, isr(0, 1), ends);
        let mut fetched = [0i64; 3];
        for step in steps {
            if let Step::Fetch(follower, share) = step {
                fetched[follower as usize] = leader.ends().log.0.0 * share / 100;
            }
            if let Some(Advance { to, .. }) = apply(&mut leader, step) {
                prop_assert!(!leader.isr().is_short());
                for member in leader.isr().members().filter(|member| *member != ME) {
                    prop_assert!(fetched[member.0 as usize] >= to.0);
                }
            }
        }
    }
}
