//! A row says what was run and what it found.

use super::*;

#[test]
fn a_row_has_the_columns_of_the_head() {
    let sum = Sum {
        seeds: 10,
        failed: vec![(3, "I1".into()), (5, "I2".into())],
        sim_nanos: 7_200_000_000_000,
        cpu_nanos: 90_000_000_000,
        operations: (1, 2, 3),
        peak: Default::default(),
        wall_s: 1.0,
    };
    assert_eq!(row("abc", "slow_disk", &sum), "| abc | slow_disk | 10 | 1.5 | 2.0 | 6 | I1 at 3 I2 at 5 |\n");
    assert_eq!(row("abc", "x", &Sum::default()).matches('|').count(), 8);
}
