//! What a request wants.

use super::*;
use controller::ClusterImage;
use model::ClusterId;

fn named(name: &str) -> MetadataRequestTopic {
    MetadataRequestTopic { name: Some(name.to_owned()), topic_id: Uuid::ZERO }
}

fn with_id(id: u8) -> MetadataRequestTopic {
    MetadataRequestTopic { name: None, topic_id: Uuid([id; 16]) }
}

fn name(name: &str) -> Wanted {
    Wanted::Named(name.to_owned())
}

#[test]
fn each_topic_is_wanted_once_in_the_order_of_the_request() {
    let topics = ["b", "a", "b", "c", "a"].map(named);
    assert_eq!(wanted(&topics, 8), Ok(vec![name("b"), name("a"), name("c")]));
    let ids = [with_id(2), with_id(1), with_id(2)];
    let expected = [2, 1].map(|id| Wanted::WithId(TopicId(Uuid([id; 16]))));
    assert_eq!(wanted(&ids, 12), Ok(expected.to_vec()));
    assert_eq!(wanted(&[named("a"), with_id(1)], 12), Ok(expected[1..].to_vec()));
    assert_eq!(wanted(&[], 12), Ok(vec![]));
}

#[test]
fn ids_and_null_names_are_for_version_12_and_up() {
    let null = MetadataRequestTopic { name: None, topic_id: Uuid::ZERO };
    let both = MetadataRequestTopic { name: Some("a".to_owned()), ..with_id(1) };
    for topics in [[named("a"), null], [named("a"), with_id(1)], [named("a"), both]] {
        for version in [10, 11] {
            assert_eq!(wanted(&topics, version), Err(ErrorCode::InvalidRequest));
        }
        assert!(wanted(&topics, 12).is_ok());
        let refused = refuse(&topics, ErrorCode::InvalidRequest);
        assert!(refused.topics.iter().all(|topic| topic.error_code == 42 && topic.name.is_some()));
        assert_eq!((refused.topics.len(), refused.error_code), (2, 42));
    }
}

#[test]
fn names_that_could_be_topics_are_missing_and_internal_ones_are_not() {
    let image = ClusterImage::new(ClusterId("here".into()));
    let wanted = [name("a"), name("no/name"), name("__consumer_offsets"), name("__own")];
    assert_eq!(missing(&image, &wanted), ["a", "__own"]);
    let include = Include { topic: false, cluster: false };
    let told = |wanted| {
        let topic = look_up(&image, wanted, include);
        (topic.error_code, topic.is_internal)
    };
    assert_eq!(told(&wanted[0]), (ErrorCode::UnknownTopicOrPartition as i16, false));
    assert_eq!(told(&wanted[1]), (ErrorCode::InvalidTopicException as i16, false));
    assert_eq!(told(&wanted[2]), (ErrorCode::UnknownTopicOrPartition as i16, true));
    let id = look_up(&image, &Wanted::WithId(TopicId(Uuid([1; 16]))), include);
    assert_eq!((id.error_code, id.name), (ErrorCode::UnknownTopicId as i16, None));
}
