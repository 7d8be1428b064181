//! Every interleaving of tasks that share a budget.

use super::Budget;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering};
use loom::thread;

#[test]
fn two_charges_never_exceed_the_limit_together() {
    loom::model(|| {
        let budget = Arc::new(Budget::new(10));
        let held = Arc::new(AtomicU64::new(0));
        let tasks: Vec<_> = [6, 7]
            .into_iter()
            .map(|amount| {
                let (budget, held) = (budget.clone(), held.clone());
                thread::spawn(move || {
                    if !budget.try_charge(amount) {
                        return false;
                    }
                    let together = held.fetch_add(amount, Ordering::SeqCst) + amount;
                    assert!(together <= 10, "{together} of 10 held at once");
                    held.fetch_sub(amount, Ordering::SeqCst);
                    budget.release(amount);
                    true
                })
            })
            .collect();
        let done: Vec<bool> = tasks.into_iter().map(|task| task.join().unwrap()).collect();
        assert!(done.contains(&true), "a charge that fits alone was refused to both");
        assert_eq!(budget.used(), 0);
    });
}

#[test]
fn what_is_released_can_be_charged_again() {
    loom::model(|| {
        let budget = Arc::new(Budget::new(1));
        assert!(budget.try_charge(1));
        let other = {
            let budget = budget.clone();
            thread::spawn(move || budget.release(1))
        };
        let early = budget.try_charge(1);
        other.join().unwrap();
        assert!(early || budget.try_charge(1));
        assert_eq!(budget.used(), 1);
    });
}

#[test]
fn a_reader_never_sees_more_than_the_limit() {
    loom::model(|| {
        let budget = Arc::new(Budget::new(4));
        let tasks: Vec<_> = (0..2)
            .map(|_| {
                let budget = budget.clone();
                thread::spawn(move || {
                    if budget.try_charge(3) {
                        budget.release(3);
                    }
                })
            })
            .collect();
        assert!(budget.used() <= 4);
        for task in tasks {
            task.join().unwrap();
        }
    });
}
