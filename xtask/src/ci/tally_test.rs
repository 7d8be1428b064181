//! The counts are those that the test runner told.

use super::*;

#[test]
fn reads_the_lines_of_the_test_runner() {
    let mut tally = Tally::default();
    tally.read("running 21 tests");
    tally.read(
        "test result: ok. 18 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s",
    );
    tally.read(
        "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s",
    );
    tally.count(true);
    assert_eq!(tally.to_string(), "22 passed, 2 failed");
}
