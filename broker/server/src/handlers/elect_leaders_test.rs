//! Which election a request means, and what is told of a request that is refused as a whole.

use super::*;

#[test]
fn the_kind_is_told_from_version_1_on() {
    assert_eq!(kind(1, 0), Some(ElectionKind::Preferred));
    assert_eq!(kind(0, 1), Some(ElectionKind::Preferred));
    assert_eq!(kind(1, 1), Some(ElectionKind::Unclean));
    assert_eq!((kind(2, 2), kind(-1, 1)), (None, None));
}

#[test]
fn a_refused_request_is_refused_for_each_partition_that_it_names() {
    let refusal = Refusal { reason: Reason::NotController, message: "elsewhere".to_owned() };
    let outcomes = for_each(vec![("a".to_owned(), vec![0, 3]), ("b".to_owned(), vec![])], &refusal);
    let told: Vec<ReplicaElectionResult> = outcomes.into_iter().map(of_topic).collect();
    let codes = |topic: &ReplicaElectionResult| -> Vec<(i32, i16)> {
        topic.partition_result.iter().map(|of| (of.partition_id, of.error_code)).collect()
    };
    let code = ErrorCode::NotController as i16;
    assert_eq!((told[0].topic.as_str(), codes(&told[0])), ("a", vec![(0, code), (3, code)]));
    assert_eq!((told[1].topic.as_str(), codes(&told[1])), ("b", vec![]));
}
