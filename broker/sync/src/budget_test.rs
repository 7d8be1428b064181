//! A budget against the arithmetic it stands for, one task at a time.

use super::Budget;
use proptest::prelude::*;

#[test]
fn a_charge_that_does_not_fit_is_refused_whole() {
    let budget = Budget::new(10);
    assert!(budget.try_charge(7));
    assert!(!budget.try_charge(4));
    assert!(budget.try_charge(3));
    assert!(budget.try_charge(0));
    assert_eq!(budget.used(), 10);
    budget.release(10);
    assert_eq!(budget.used(), 0);
}

#[test]
fn an_absurd_charge_does_not_wrap() {
    let budget = Budget::new(u64::MAX - 1);
    assert!(budget.try_charge(5));
    assert!(!budget.try_charge(u64::MAX));
    assert_eq!(budget.used(), 5);
}

#[test]
#[should_panic(expected = "released 2 of a budget with 1 charged")]
fn giving_back_more_than_was_taken_is_a_bug() {
    let budget = Budget::new(10);
    assert!(budget.try_charge(1));
    budget.release(2);
}

proptest! {
    #[test]
    fn it_agrees_with_a_list_of_charges(limit in 0u64..100, amounts in prop::collection::vec((any::<bool>(), 0u64..60), 0..60)) {
        let budget = Budget::new(limit);
        let mut held: Vec<u64> = Vec::new();
        for (charge, amount) in amounts {
            if charge {
                let fits = held.iter().sum::<u64>() + amount <= limit;
                prop_assert_eq!(budget.try_charge(amount), fits);
                if fits {
                    held.push(amount);
                }
            } else if let Some(amount) = held.pop() {
                budget.release(amount);
            }
            prop_assert_eq!(budget.used(), held.iter().sum::<u64>());
        }
    }
}
