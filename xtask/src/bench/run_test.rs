//! Which pairs count: a disturbed one is discarded whole, but not when too few would be left.

use super::*;
use serde_json::json;

fn measured(others: &[(f64, f64)]) -> Measured {
    let run = |other: f64| Sample(json!({ "seconds": 1.0, "other_cpu": other }));
    Measured {
        tidemark: others.iter().map(|(tidemark, _)| run(*tidemark)).collect(),
        kafka: others.iter().map(|(_, kafka)| run(*kafka)).collect(),
        ..Measured::default()
    }
}

#[test]
fn a_pair_is_discarded_whole() {
    let mut measured = measured(&[(0.0, 0.0), (0.0, 0.5), (0.5, 0.0), (0.05, 0.05)]);
    measured.keep_quiet_pairs();
    assert_eq!((measured.tidemark.len(), measured.kafka.len()), (2, 2));
    assert_eq!((measured.discarded, measured.noisy), (2, false));
}

#[test]
fn a_row_that_is_mostly_disturbed_keeps_all_and_says_so() {
    let mut measured = measured(&[(0.0, 0.0), (0.0, 0.5), (0.5, 0.0)]);
    measured.keep_quiet_pairs();
    assert_eq!((measured.tidemark.len(), measured.discarded, measured.noisy), (3, 0, true));
}

#[test]
fn a_row_without_a_peer_is_judged_alone() {
    let mut measured = measured(&[(0.0, 0.0), (0.5, 0.0), (0.0, 0.0)]);
    measured.kafka.clear();
    measured.keep_quiet_pairs();
    assert_eq!((measured.tidemark.len(), measured.discarded), (2, 1));
}
