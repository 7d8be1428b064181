//! DeleteTopics as transcripts: what is asked, and what is answered and written.

use super::*;
use crate::ConfigResource;
use crate::scene::Scene;
use model::Uuid;

fn by_name(name: &str) -> TopicToDelete {
    TopicToDelete { name: Some(name.to_owned()), id: ZERO }
}

fn by_id(id: TopicId) -> TopicToDelete {
    TopicToDelete { name: None, id }
}

fn create(scene: &mut Scene, name: &str) -> TopicId {
    let mut topic = scene.topic(name);
    topic.configs = vec![("segment.ms".to_owned(), Some("5".to_owned()))];
    scene.create(vec![topic]).unwrap().remove(0).1.unwrap().id
}

/// Names, ids and outcomes, as text.
fn delete(scene: &mut Scene, topics: &[TopicToDelete]) -> Vec<String> {
    let decision = scene.controller.delete_topics(topics).unwrap();
    let outcomes = scene.append(decision);
    let text = |deleted: DeletedTopic| {
        let outcome = deleted.outcome.map_or_else(|refusal| refusal.to_string(), |()| "gone".to_owned());
        let id = if deleted.id == ZERO { "-".to_owned() } else { "id".to_owned() };
        format!("{} {id} {outcome}", deleted.name.as_deref().unwrap_or("-"))
    };
    outcomes.into_iter().map(text).collect()
}

#[test]
fn topics_go_by_name_and_by_id_and_come_again() {
    let mut scene = Scene::with_brokers(&[1]);
    let (a, b) = (create(&mut scene, "a"), create(&mut scene, "b.c"));
    assert_eq!(delete(&mut scene, &[by_name("a"), by_id(b)]).len(), 2);
    assert_eq!(scene.image().topic_count(), 0);
    assert!(scene.image().overrides(&ConfigResource::topic("a")).is_empty());
    assert_eq!(scene.image().partitions_in_sync_on(model::BrokerId(1)).count(), 0);
    let again = create(&mut scene, "a");
    assert_ne!(a, again, "another topic of the same name");
    create(&mut scene, "b_c");
    assert_eq!(
        delete(&mut scene, &[by_id(a)]),
        ["- id UnknownTopicId: This server does not host this topic ID."]
    );
    assert_eq!(scene.image().topic_named("a").unwrap().id, again);
}

#[test]
fn what_is_refused_is_told_by_name_or_id() {
    let mut scene = Scene::with_brokers(&[1]);
    let ids = ["a", "b", "c"].map(|name| create(&mut scene, name));
    let unknown = TopicId(Uuid::from_draws(9, 9));
    let request = [
        by_name("a"),
        by_name("a"),
        by_id(ids[1]),
        by_name("b"),
        TopicToDelete { name: Some("c".to_owned()), id: ids[2] },
        by_id(ZERO),
        by_id(unknown),
        by_name("d"),
    ];
    let records = scene.log.len();
    assert_eq!(
        delete(&mut scene, &request),
        [
            "c id InvalidRequest: You may not specify both topic name and topic id.",
            "- - InvalidRequest: Neither topic name nor id were specified.",
            "a - InvalidRequest: Duplicate topic name.",
            "- id UnknownTopicId: This server does not host this topic ID.",
            "b id InvalidRequest: The provided topic name maps to an ID that was already supplied.",
            "d - UnknownTopicOrPartition: This server does not host this topic-partition.",
        ]
    );
    assert_eq!(delete(&mut scene, &[by_id(ids[1]), by_id(ids[1]), by_name("b")]).len(), 2);
    assert_eq!((scene.image().topic_count(), scene.log.len()), (3, records), "nothing is written");
    assert_eq!(delete(&mut scene, &[by_name("c"), by_name("d")])[1], "c id gone");
}

#[test]
fn deletion_may_be_disabled() {
    let mut settings = Scene::settings();
    settings.delete_topics = false;
    let scene = Scene::with_brokers(&[1]);
    let refusal = delete_topics(scene.image(), &[by_name("a")], &settings).unwrap_err();
    assert_eq!(refusal.to_string(), "TopicDeletionDisabled: Topic deletion is disabled.");
}
