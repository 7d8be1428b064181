//! Which broker leads a partition when brokers come and go: the records that change leaders and ISRs.
//!
//! ```text
//!   broker gone ─► it leaves every ISR, unless it is the last member;  its partitions elect, or have no leader
//!   broker back ─► partitions without a leader whose ISR it is in (or, where unclean election is allowed,
//!                  that it has any replica of) elect it
//! ```
//!
//! Kafka's rules without eligible leader replicas: a leader comes from the ISR, the current one if it may stay, else
//! the first of the replicas. The last member of an ISR stays in it when it goes, as nobody else may have its
//! records.

use crate::controller::Settings;
use crate::image::ClusterImage;
use crate::replay::LEADER_UNCHANGED;
use crate::topic::{LeaderRecovery, Partition};
use model::{BrokerId, PartitionKey, TopicId};
use records::metadata::{MetadataRecord, PartitionChangeRecord};

/// What is happening to a broker. The image still shows it as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It is no longer available, for whatever reason.
    Gone(BrokerId),
    /// It has become available.
    Back(BrokerId),
}

/// The changes of partitions that `event` calls for. `settings` are for the topics' configs.
pub(crate) fn changes(image: &ClusterImage, event: Event, settings: &Settings) -> Vec<MetadataRecord> {
    let affected: Vec<PartitionKey> = match event {
        Event::Gone(broker) => image.partitions_in_sync_on(broker).collect(),
        Event::Back(_) => image.partitions_without_leader().collect(),
    };
    let mut records = Vec::new();
    // Partitions come ordered by topic: its configs are looked up once.
    let mut unclean: Option<(TopicId, bool)> = None;
    for key in affected {
        let topic = image.topic(key.topic).expect("indexed partitions exist");
        let allowed = match unclean {
            Some((id, allowed)) if id == key.topic => allowed,
            _ => image
                .topic_config(&topic.name, settings.node, &settings.fixed)
                .is_ok_and(|config| config.unclean_leader_election),
        };
        unclean = Some((key.topic, allowed));
        let partition = topic.partition(key.index).expect("indexed partitions exist");
        records.extend(change(image, key, partition, event, allowed).map(MetadataRecord::PartitionChange));
    }
    records
}

/// The change of one partition, or none when nothing changes.
fn change(
    image: &ClusterImage,
    key: PartitionKey,
    partition: &Partition,
    event: Event,
    unclean: bool,
) -> Option<PartitionChangeRecord> {
    let available = |id: BrokerId| match event {
        Event::Gone(gone) if gone == id => false,
        Event::Back(back) if back == id => true,
        _ => image.broker(id).is_some_and(|broker| broker.is_active()),
    };
    let stays = |id: &BrokerId| event != Event::Gone(*id);
    let mut isr: Vec<BrokerId> = partition.isr.iter().copied().filter(stays).collect();
    let eligible = |id: BrokerId| isr.contains(&id) && available(id);
    let stay = partition.leader.filter(|leader| eligible(*leader));
    let clean = stay.or_else(|| partition.replicas.iter().copied().find(|id| eligible(*id)));
    let chosen = match clean {
        None if unclean => partition.replicas.iter().copied().find(|id| available(*id)),
        clean => clean,
    };
    let mut recovery = partition.recovery;
    if let (None, Some(leader)) = (clean, chosen) {
        isr = vec![leader];
        recovery = LeaderRecovery::Recovering;
    }
    if isr.is_empty() {
        isr.clone_from(&partition.isr);
    }
    if isr == partition.isr && chosen == partition.leader {
        return None;
    }
    let ids = |brokers: &[BrokerId]| brokers.iter().map(|broker| broker.0).collect();
    Some(PartitionChangeRecord {
        topic_id: key.topic.0,
        partition_id: key.index.0,
        isr: (isr != partition.isr).then(|| ids(&isr)),
        leader: if chosen == partition.leader {
            LEADER_UNCHANGED
        } else {
            chosen.map_or(-1, |leader| leader.0)
        },
        leader_recovery_state: if recovery == partition.recovery { -1 } else { 1 },
        ..PartitionChangeRecord::default()
    })
}
