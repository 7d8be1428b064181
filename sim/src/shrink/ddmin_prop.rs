//! What is left fails and has nothing to spare, whatever the predicate; and no more is asked than can be paid for.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Fails as a list of sets says: when all of one of them is there and, to be unlike any order, not the spoiler.
#[derive(Clone, Debug)]
struct Bug {
    causes: Vec<BTreeSet<u8>>,
    spoiler: Option<(u8, u8)>,
}

impl Bug {
    fn fails(&self, parts: &[u8]) -> bool {
        let there = |part: &u8| parts.contains(part);
        // A part that makes it pass unless another is there: failing does not grow with the parts.
        let spoilt = self.spoiler.is_some_and(|(part, unless)| there(&part) && !there(&unless));
        !spoilt && self.causes.iter().any(|cause| cause.iter().all(there))
    }

    fn verdict(&self, parts: &[u8]) -> Verdict {
        if self.fails(parts) { Verdict::Fails } else { Verdict::Passes }
    }
}

fn bugs() -> impl Strategy<Value = Bug> {
    let cause = prop::collection::btree_set(0u8..40, 0..6);
    let causes = prop::collection::vec(cause, 1..3);
    (causes, prop::option::of((0u8..40, 0u8..40))).prop_map(|(causes, spoiler)| Bug { causes, spoiler })
}

proptest! {
    #[test]
    fn what_is_left_fails_and_has_nothing_to_spare(bug in bugs(), len in 0u8..40) {
        let parts: Vec<u8> = (0..len).collect();
        prop_assume!(bug.fails(&parts));
        let mut asked = 0usize;
        let left = ddmin(&parts, |parts| { asked += 1; bug.verdict(parts) });
        prop_assert!(bug.fails(&left));
        for spared in 0..left.len() {
            let rest = [&left[..spared], &left[spared + 1..]].concat();
            prop_assert!(!bug.fails(&rest), "{left:?} can spare {}", left[spared]);
        }
        prop_assert!(left.is_sorted() && left.iter().all(|part| parts.contains(part)));
        prop_assert!(asked <= parts.len() * (parts.len() + 4), "{asked} for {} parts", parts.len());
        prop_assert_eq!(ddmin(&parts, |parts| bug.verdict(parts)), left);
    }

    #[test]
    fn a_budget_that_ends_leaves_what_fails(bug in bugs(), len in 0u8..40, budget in 0usize..30) {
        let parts: Vec<u8> = (0..len).collect();
        prop_assume!(bug.fails(&parts));
        let (mut asked, mut stopped) = (0, false);
        let left = ddmin(&parts, |parts| {
            assert!(!stopped, "asked again after the budget was used up");
            asked += 1;
            stopped = asked > budget;
            if stopped { Verdict::Stop } else { bug.verdict(parts) }
        });
        prop_assert!(bug.fails(&left));
    }

    #[test]
    fn the_least_number_is_found_in_few_questions(low in 0u64..50, least_failing in 0u64..5000, more in 0u64..5000) {
        let least_failing = low.max(least_failing);
        let mut asked = 0u32;
        let found = least(low, least_failing + more, |number| {
            asked += 1;
            if number >= least_failing { Verdict::Fails } else { Verdict::Passes }
        });
        prop_assert_eq!(found, least_failing);
        prop_assert!(asked <= 2 * (u64::BITS - (least_failing - low + 1).leading_zeros()) + 2, "{} questions", asked);
    }
}

#[test]
fn few_causes_among_many_parts_take_few_questions() {
    let parts: Vec<u32> = (0..1000).collect();
    let mut asked = 0;
    let left = ddmin(&parts, |parts| {
        asked += 1;
        if parts.contains(&17) && parts.contains(&600) { Verdict::Fails } else { Verdict::Passes }
    });
    assert_eq!(left, [17, 600]);
    assert!(asked < 60, "{asked}");
}
