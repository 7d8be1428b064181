//! Which gaps count for which faults.

use super::*;

const MS: u64 = 1_000_000;

fn fault(begin_ms: u64, end_ms: u64) -> Struck {
    let (told, kind) = Default::default();
    Struck { told, kind, begin_ns: begin_ms * MS, end_ns: end_ms * MS, calm: true }
}

/// Acknowledgements: of which producer, on which partition, when (in ms).
fn gaps(faults: &[Struck], acknowledged: &[(&str, i32, u64)]) -> Gaps {
    let mut gaps = Gaps::new(faults);
    for (op, (client, partition, ms)) in (1u64..).zip(acknowledged) {
        let lines = [
            format!(
                r#"{{"t":0,"client":"{client}","op":{op},"is":"invoke","call":{{"produce":{{"topic":"a","partition":{partition}}}}}}}"#
            ),
            format!(r#"{{"t":{},"client":"{client}","op":{op},"is":"ok","reply":"done"}}"#, ms * MS),
        ];
        lines.iter().for_each(|line| gaps.look(&serde_json::from_str(line).expect("a line")));
    }
    assert!(gaps.open.is_empty());
    gaps
}

fn longest_ms(gaps: &Gaps) -> Vec<u64> {
    gaps.longest().map(|gap| gap.ns / MS).collect()
}

#[test]
fn a_gap_belongs_to_the_fault_in_whose_time_it_began() {
    let faults = [fault(100, 200), fault(400, 500)];
    let gaps =
        gaps(&faults, &[("p1", 0, 90), ("p1", 0, 390), ("p1", 0, 410), ("p1", 0, 450), ("p1", 0, 800)]);
    assert_eq!(longest_ms(&gaps), [300, 350]);
    assert_eq!((gaps.elsewhere_ns, gaps.acknowledged), (0, 5));
}

#[test]
fn a_gap_that_was_long_already_is_not_the_next_faults() {
    let gaps = gaps(&[fault(100, 200), fault(300, 400)], &[("p1", 0, 150), ("p1", 0, 350), ("p1", 0, 360)]);
    assert_eq!(longest_ms(&gaps), [200, 10]);
}

#[test]
fn partitions_and_producers_have_gaps_of_their_own() {
    let busy = [("p1", 0, 100), ("p1", 1, 150), ("p2", 0, 160), ("p1", 1, 200), ("p1", 0, 300)];
    let gaps = gaps(&[fault(90, 400)], &busy);
    let longest = Gap { ns: 200 * MS, producer: "p1".to_string(), partition: 0 };
    assert_eq!(gaps.longest().collect::<Vec<_>>(), [longest]);
}

#[test]
fn what_began_in_no_faults_time_is_told_apart() {
    let gaps = gaps(&[fault(500, 600)], &[("p1", 0, 100), ("p1", 0, 300), ("p1", 0, 700), ("p1", 0, 710)]);
    assert_eq!(longest_ms(&gaps), [0]);
    assert_eq!(gaps.elsewhere_ns, 400 * MS);
}
