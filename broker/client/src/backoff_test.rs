//! Waits double up to their most, give or take a fifth, and no number of failures overflows.

use super::*;

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(100), most: Duration::from_millis(1_000) };

fn bounds_ms(failures: u32) -> (u128, u128) {
    let waits: Vec<u128> = (0..=400).map(|draw| BACKOFF.after(failures, draw).as_millis()).collect();
    (*waits.iter().min().unwrap(), *waits.iter().max().unwrap())
}

#[test]
fn waits_double_up_to_the_most() {
    let bounds: Vec<(u128, u128)> = (1..=6).map(bounds_ms).collect();
    assert_eq!(bounds, [(80, 120), (160, 240), (320, 480), (640, 960), (800, 1200), (800, 1200)]);
}

#[test]
fn absurd_arguments_are_waits_too() {
    let never = Backoff { first: Duration::MAX, most: Duration::MAX };
    assert!(never.after(u32::MAX, u64::MAX) > Duration::from_secs(1_000_000));
    assert_eq!(Backoff { first: Duration::ZERO, ..never }.after(7, 3), Duration::ZERO);
}
