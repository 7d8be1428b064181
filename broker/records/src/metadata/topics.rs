//! Records of topics and partitions.

use model::Uuid;

crate::message! {
    /// A topic is created; its partitions follow.
    pub struct TopicRecord("0", flexible "0+") {
        /// Its name.
        name: String, "0+";
        /// Its id.
        topic_id: Uuid, "0+";
    }

    /// A topic is deleted, with its partitions.
    pub struct RemoveTopicRecord("0", flexible "0+") {
        /// Its id.
        topic_id: Uuid, "0+";
    }

    /// A partition, whole. Version 1 added directories (KIP-858), 2 eligible leader replicas (KIP-966).
    pub struct PartitionRecord("0-2", flexible "0+") {
        /// Its number.
        partition_id: i32, "0+", default(-1);
        /// Its topic.
        topic_id: Uuid, "0+";
        /// The brokers that hold it, the preferred leader first.
        replicas: Vec<i32>, "0+";
        /// Those that are in sync.
        isr: Vec<i32>, "0+";
        /// Replicas on their way out.
        removing_replicas: Vec<i32>, "0+";
        /// Replicas on their way in.
        adding_replicas: Vec<i32>, "0+";
        /// Its leader; -1 for none.
        leader: i32, "0+", default(-1);
        /// 1 while an unclean leader recovers.
        leader_recovery_state: i8, "0+", tag(0, "0+");
        /// How many leaders it has had.
        leader_epoch: i32, "0+", default(-1);
        /// How often it has changed.
        partition_epoch: i32, "0+", default(-1);
        /// The log directory of each replica, in their order.
        directories: Vec<Uuid>, "1+";
        /// Replicas out of sync that still have everything acknowledged.
        eligible_leader_replicas: Option<Vec<i32>>, "2+", nullable("2+"), default_null, tag(1, "2+");
        /// The last replicas that could have led.
        last_known_elr: Option<Vec<i32>>, "2+", nullable("2+"), default_null, tag(2, "2+");
    }

    /// A partition changes. Null, and the values named below, mean "as before". Versions as of [`PartitionRecord`].
    pub struct PartitionChangeRecord("0-2", flexible "0+") {
        /// Its number.
        partition_id: i32, "0+", default(-1);
        /// Its topic.
        topic_id: Uuid, "0+";
        /// The replicas in sync.
        isr: Option<Vec<i32>>, "0+", nullable("0+"), default_null, tag(0, "0+");
        /// Its leader; -1 for none, -2 as before.
        leader: i32, "0+", default(-2), tag(1, "0+");
        /// The brokers that hold it.
        replicas: Option<Vec<i32>>, "0+", nullable("0+"), default_null, tag(2, "0+");
        /// Replicas on their way out.
        removing_replicas: Option<Vec<i32>>, "0+", nullable("0+"), default_null, tag(3, "0+");
        /// Replicas on their way in.
        adding_replicas: Option<Vec<i32>>, "0+", nullable("0+"), default_null, tag(4, "0+");
        /// 1 while an unclean leader recovers, 0 when it has; -1 as before.
        leader_recovery_state: i8, "0+", default(-1), tag(5, "0+");
        /// The log directory of each replica.
        directories: Option<Vec<Uuid>>, "1+", nullable("1+"), default_null, tag(8, "1+");
        /// Replicas out of sync that still have everything acknowledged.
        eligible_leader_replicas: Option<Vec<i32>>, "2+", nullable("2+"), default_null, tag(6, "2+");
        /// The last replicas that could have led.
        last_known_elr: Option<Vec<i32>>, "2+", nullable("2+"), default_null, tag(7, "2+");
    }

    /// The eligible leader replicas of a topic's partitions are forgotten.
    pub struct ClearElrRecord("0", flexible "0+") {
        /// The topic; empty for all of them.
        topic_name: String, "0+";
    }
}
