//! CreateTopics as transcripts: what is asked, and what is answered and written.

use super::*;
use crate::scene::Scene;
use model::PartitionIndex;
use records::metadata::{METADATA_VERSION, PartitionRecord};

/// What one topic's refusal says, after a request for it alone on brokers 1 to 3 of which 3 is fenced.
fn refusal(change: impl FnOnce(&mut NewTopic)) -> String {
    let mut scene = crowd();
    let mut topic = scene.topic("orders");
    change(&mut topic);
    let outcomes = scene.create(vec![topic]).unwrap();
    assert_eq!(scene.log.last(), crowd().log.last(), "a refusal writes nothing");
    outcomes[0].1.as_ref().unwrap_err().to_string()
}

fn crowd() -> Scene {
    let mut scene = Scene::with_brokers(&[1, 2, 3]);
    scene.fence(3);
    let mut existing = scene.topic("taken.name");
    existing.partitions = 1;
    scene.create(vec![existing]).unwrap();
    scene.commit();
    scene
}

fn assignments(partitions: &[(i32, &[i32])]) -> Vec<ReplicaAssignment> {
    let assignment = |(partition, brokers): &(i32, &[i32])| ReplicaAssignment {
        partition: *partition,
        brokers: brokers.to_vec(),
    };
    partitions.iter().map(assignment).collect()
}

#[test]
fn names() {
    let long = "x".repeat(250);
    for (name, expected) in [
        ("", "InvalidTopic: Topic name is invalid: the empty string is not allowed"),
        (".", "InvalidTopic: Topic name is invalid: '.' is not allowed"),
        ("..", "InvalidTopic: Topic name is invalid: '..' is not allowed"),
        (
            "a/b",
            "InvalidTopic: Topic name is invalid: 'a/b' contains one or more characters other than ASCII \
             alphanumerics, '.', '_' and '-'",
        ),
        (
            long.as_str(),
            &format!(
                "InvalidTopic: Topic name is invalid: the length of '{long}' is longer than the max allowed length \
                 249"
            ),
        ),
        ("taken.name", "TopicExists: Topic 'taken.name' already exists."),
        ("taken_name", "InvalidTopic: Topic 'taken_name' collides with existing topic: taken.name"),
        (
            "__cluster_metadata",
            "InvalidRequest: Creation of internal topic __cluster_metadata is prohibited.",
        ),
    ] {
        assert_eq!(refusal(|topic| topic.name = name.to_owned()), expected);
    }
    let mut scene = crowd();
    let longest = scene.topic(&"x".repeat(249));
    assert!(scene.create(vec![longest]).unwrap()[0].1.is_ok());
}

#[test]
fn numbers() {
    let factor = |factor| refusal(|topic| topic.replication_factor = factor);
    let why =
        "InvalidReplicationFactor: Replication factor must be larger than 0, or -1 to use the default value.";
    assert_eq!((factor(0), factor(-2)), (why.to_owned(), why.to_owned()));
    assert_eq!(
        factor(4),
        "InvalidReplicationFactor: Unable to replicate the partition 4 time(s): The target replication factor of 4 \
         cannot be reached because only 3 broker(s) are registered or some brokers have all their log directories \
         cordoned."
    );
    let partitions = |count| refusal(|topic| topic.partitions = count);
    let why = "InvalidPartitions: Number of partitions was set to an invalid non-positive value.";
    assert_eq!((partitions(0), partitions(-2)), (why.to_owned(), why.to_owned()));
}

#[test]
fn manual_assignments() {
    let assigned =
        |partitions: &[(i32, &[i32])]| refusal(|topic| topic.assignments = assignments(partitions));
    for (partitions, expected) in [
        (&[(0, &[1][..]), (0, &[2])][..], "Found multiple manual partition assignments for partition 0"),
        (&[(0, &[1]), (2, &[2])], "partitions should be a consecutive 0-based integer sequence"),
        (&[(0, &[])], "The manual partition assignment includes an empty replica list."),
        (
            &[(0, &[1, 9])],
            "The manual partition assignment includes broker 9, but no such broker is registered.",
        ),
        (&[(0, &[2, 2])], "The manual partition assignment includes the broker 2 more than once."),
        (
            &[(0, &[1, 2]), (1, &[1])],
            "The manual partition assignment includes a partition with 1 replica(s), but this is not consistent \
             with previous partitions, which have 2 replica(s).",
        ),
        (
            &[(0, &[3])],
            "All brokers specified in the manual partition assignment for partition 0 are fenced or in controlled \
             shutdown.",
        ),
    ] {
        assert_eq!(assigned(partitions), format!("InvalidReplicaAssignment: {expected}"));
    }
    let both = refusal(|topic| {
        topic.assignments = assignments(&[(0, &[1])]);
        topic.partitions = 1;
    });
    let why =
        "InvalidRequest: A manual partition assignment was specified, but numPartitions was not set to -1.";
    assert_eq!(both, why);
    let both = refusal(|topic| {
        topic.assignments = assignments(&[(0, &[1])]);
        topic.replication_factor = 1;
    });
    let why = "InvalidRequest: A manual partition assignment was specified, but replication factor was not set to -1.";
    assert_eq!(both, why);
}

#[test]
fn configs() {
    let config = |name: &str, value: Option<&str>| {
        refusal(|topic| topic.configs = vec![(name.to_owned(), value.map(str::to_owned))])
    };
    assert_eq!(config("colour", Some("blue")), "InvalidConfig: Unknown topic config name: colour");
    assert_eq!(
        config("retention.ms", None),
        "InvalidConfig: Null value not supported for topic configs: retention.ms"
    );
    assert_eq!(
        config("flush.messages", Some("0")),
        "InvalidConfig: Invalid value 0 for configuration flush.messages: Value must be at least 1"
    );
    assert_eq!(
        config("cleanup.policy", Some(&"x".repeat(32768))),
        "InvalidConfig: The configuration value cannot be added because it exceeds the maximum value size of 32767 \
         bytes."
    );
}

#[test]
fn a_request_is_answered_topic_by_topic() {
    let mut scene = crowd();
    let names = ["twice", "good", "taken.name", "twice", "__cluster_metadata", "new.name", "new_name"];
    let topics = names.map(|name| scene.topic(name)).to_vec();
    let outcomes = scene.create(topics).unwrap();
    let text = |(name, outcome): &TopicOutcome| match outcome {
        Ok(created) => format!("{name}: {} x {}", created.partitions, created.replication_factor),
        Err(refusal) => format!("{name}: {refusal}"),
    };
    assert_eq!(
        outcomes.iter().map(text).collect::<Vec<_>>(),
        [
            "good: 2 x 1",
            "taken.name: TopicExists: Topic 'taken.name' already exists.",
            "new.name: 2 x 1",
            "new_name: InvalidTopic: Topic 'new_name' collides with existing topic: another one of this request",
            "twice: InvalidRequest: Duplicate topic name.",
            "__cluster_metadata: InvalidRequest: Creation of internal topic __cluster_metadata is prohibited.",
        ]
    );
    let names: Vec<&str> = scene.image().topics().map(|topic| &*topic.name).collect();
    assert_eq!(names, ["good", "new.name", "taken.name"]);
}

#[test]
fn too_much_for_one_request_is_refused_as_a_whole() {
    let mut scene = crowd();
    let mut many = scene.topic("many");
    many.partitions = 9_999;
    let two = scene.topic("two");
    let refusal = scene.create(vec![many.clone(), two]).unwrap_err();
    assert_eq!(refusal.to_string(), "PolicyViolation: Excessively large number of partitions per request.");
    assert!(
        scene.create(vec![many]).unwrap()[0].1.is_ok(),
        "9,999 partitions and a topic are 10,000 records"
    );
    let mut huge = scene.topic("huge");
    huge.partitions = i32::MAX;
    assert_eq!(scene.create(vec![huge]).unwrap_err().reason, Reason::PolicyViolation);
    let mut full = scene.topic("full");
    full.partitions = 10_000;
    assert_eq!(scene.create(vec![full]).unwrap_err().reason, Reason::PolicyViolation);
}

#[test]
fn what_is_written_is_what_kafka_writes() {
    let mut scene = crowd();
    let before = scene.log.len();
    let mut topic = scene.topic("orders");
    topic.assignments = assignments(&[(1, &[3, 2]), (0, &[1, 2])]);
    topic.configs = vec![
        ("segment.ms".to_owned(), Some("60000".to_owned())),
        ("flush.messages".to_owned(), Some("9223372036854775807".to_owned())),
    ];
    let outcomes = scene.create(vec![topic]).unwrap();
    let created = outcomes[0].1.as_ref().unwrap();
    let config = |name: &str, value: &str| {
        MetadataRecord::Config(ConfigRecord {
            resource_type: 2,
            resource_name: "orders".to_owned(),
            name: name.to_owned(),
            value: Some(value.to_owned()),
        })
    };
    let partition = |index, replicas: &[i32], isr: &[i32]| {
        let record = PartitionRecord {
            partition_id: index,
            topic_id: created.id.0,
            replicas: replicas.to_vec(),
            isr: isr.to_vec(),
            leader: isr[0],
            leader_epoch: 0,
            partition_epoch: 0,
            directories: replicas.iter().map(|id| crate::scene::directory(*id).0).collect(),
            ..PartitionRecord::default()
        };
        MetadataRecord::Partition(record)
    };
    let records: Vec<_> = scene.log[before..].iter().map(|(_, record)| record.clone()).collect();
    assert_eq!(
        records,
        [
            MetadataRecord::Topic(TopicRecord { name: "orders".to_owned(), topic_id: created.id.0 }),
            config("flush.messages", "9223372036854775807"),
            config("segment.ms", "60000"),
            partition(0, &[1, 2], &[1, 2]),
            partition(1, &[3, 2], &[2]),
        ]
    );
    assert_eq!(
        records[3].encode().unwrap()[..3],
        [1, 3, 2],
        "PartitionRecord version 2 at {METADATA_VERSION}"
    );
    let topic = scene.image().topic_named("orders").unwrap();
    assert_eq!(topic.partition(PartitionIndex(1)).unwrap().leader, Some(BrokerId(2)));
}

#[test]
fn replicas_go_round_from_the_drawn_broker_and_fenced_ones_come_last() {
    let mut scene = Scene::with_brokers(&[1, 2, 3, 4]);
    scene.fence(4);
    let mut topic = scene.topic("spread");
    (topic.partitions, topic.replication_factor, topic.draws.start) = (4, 2, 1);
    let mut wide = scene.topic("wide");
    (wide.partitions, wide.replication_factor) = (1, 4);
    scene.create(vec![topic, wide]).unwrap();
    let replicas = |name: &str| -> Vec<Vec<i32>> {
        let topic = scene.image().topic_named(name).unwrap();
        topic
            .partitions
            .values()
            .map(|partition| partition.replicas.iter().map(|id| id.0).collect())
            .collect()
    };
    assert_eq!(replicas("spread"), [[2, 3], [1, 2], [3, 1], [1, 2]]);
    assert_eq!(replicas("wide"), [[1, 2, 3, 4]]);
    let wide = scene.image().topic_named("wide").unwrap().partition(PartitionIndex(0)).unwrap().clone();
    assert_eq!(wide.isr, [1, 2, 3].map(BrokerId));
}

#[test]
fn nothing_can_be_created_without_an_available_broker() {
    let mut scene = Scene::with_brokers(&[1]);
    scene.shut_down(1);
    let topic = scene.topic("orders");
    let outcomes = scene.create(vec![topic.clone()]).unwrap();
    let why = "InvalidReplicationFactor: Unable to replicate the partition 1 time(s): All brokers are currently \
               fenced, or have all their log directories cordoned.";
    assert_eq!(outcomes[0].1.as_ref().unwrap_err().to_string(), why);
    scene.fence(1);
    let outcomes = scene.create(vec![topic]).unwrap();
    assert_eq!(outcomes[0].1.as_ref().unwrap_err().to_string(), why);
}

#[test]
fn validate_only_answers_the_same_and_writes_nothing() {
    let mut scene = crowd();
    let mut request =
        CreateTopics { topics: vec![scene.topic("orders"), scene.topic("..")], validate_only: true };
    let tried = scene.controller.create_topics(&request).unwrap();
    assert_eq!(tried.records, []);
    request.validate_only = false;
    let done = scene.controller.create_topics(&request).unwrap();
    assert_eq!(tried.reply, done.reply);
    assert_eq!(done.records.len(), 3);
}

#[test]
fn the_answer_lists_every_config_with_its_source() {
    let mut scene = crowd();
    let mut topic = scene.topic("orders");
    topic.configs = vec![("retention.ms".to_owned(), Some("1".to_owned()))];
    let outcomes = scene.create(vec![topic]).unwrap();
    let created = outcomes[0].1.as_ref().unwrap();
    let entry = |name: &str| created.configs.iter().find(|entry| entry.name == name).unwrap();
    assert_eq!((entry("retention.ms").value.as_deref(), entry("retention.ms").source.code()), (Some("1"), 1));
    assert_eq!(
        (entry("flush.messages").value.as_deref(), entry("flush.messages").source.code()),
        (Some("1"), 5)
    );
    let image = scene.image();
    assert_eq!(image.topic_config_entries("orders", BrokerId(1), &Overrides::new()), created.configs);
    assert_eq!(image.topic_config("orders", BrokerId(1), &Overrides::new()).unwrap().retention_ms, Some(1));
}

#[test]
fn an_id_never_looks_like_an_option() {
    let scene = crowd();
    let id = topic_id(scene.image(), [u64::MAX << 1, 5]);
    assert!(Uuid::from_draws(u64::MAX << 1, 5).to_string().starts_with('_'));
    let dashed = 0b111110 << 58;
    assert!(Uuid::from_draws(dashed, 5).to_string().starts_with('-'));
    assert!(!topic_id(scene.image(), [dashed, 5]).to_string().starts_with('-'));
    assert!(id.to_string().starts_with('_'));
}
