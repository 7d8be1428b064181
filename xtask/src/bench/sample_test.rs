//! Medians, derived figures and the judgement of quiet.

use super::*;
use serde_json::json;

fn run(seconds: f64, other: f64) -> Sample {
    Sample(json!({
        "bytes": 2_000_000_000u64, "messages": 4_000_000, "seconds": seconds,
        "broker_cpu": 3.0, "client_cpu": 5.0, "other_cpu": other,
    }))
}

#[test]
fn figures_are_derived() {
    let sample = run(4.0, 0.0);
    assert_eq!(sample.figure(Figure::Megabytes), Some(500.0));
    assert_eq!(sample.figure(Figure::Thousands), Some(1000.0));
    assert_eq!(sample.figure(Figure::BrokerCost), Some(1.5));
    assert_eq!(sample.figure(Figure::BrokerLoad), Some(75.0));
    assert_eq!(sample.figure(Figure::P99), None);
}

#[test]
fn medians_of_odd_and_even_counts() {
    let samples: Vec<Sample> = [4.0, 1.0, 2.0].into_iter().map(|seconds| run(seconds, 0.0)).collect();
    let spread = Spread::of(&samples, Figure::Megabytes);
    assert_eq!(spread, Some(Spread { median: 1000.0, least: 500.0, most: 2000.0 }));
    let spread = Spread::of(&samples[..2], Figure::Megabytes).expect("two samples");
    assert_eq!(spread.median, 1250.0);
    assert_eq!(Spread::of(&[], Figure::Megabytes), None);
}

#[test]
fn a_tenth_of_a_core_is_too_much_company() {
    assert!(run(2.0, 0.2).quiet());
    assert!(!run(2.0, 0.21).quiet());
}
