//! What each config is for, in a sentence or two, as DescribeConfigs tells it to those who ask (KIP-569).
//!
//! A broker's config that gives topics a default is described by that. One that is accepted without effect says so.

use super::entry::{Effect, Entry, Scope, Unit, table};

/// What `entry` is for.
pub fn documentation(entry: &Entry) -> String {
    let mut text = match entry.scope {
        Scope::Topic => sentence(TOPIC, entry.name).map(str::to_owned),
        Scope::Broker => sentence(BROKER, entry.name).map(str::to_owned).or_else(|| default_of(entry.name)),
    }
    .unwrap_or_else(|| panic!("{}: a new config needs a sentence in documentation.rs", entry.name));
    if entry.effect == Effect::AcceptedWithoutEffect {
        text.push_str(" Accepted and checked; it has no effect here.");
    }
    text
}

fn sentence(sentences: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let at = sentences.binary_search_by(|(known, _)| known.cmp(&name)).ok()?;
    Some(sentences[at].1)
}

/// The sentence for a broker's config that gives a topic's config its default.
fn default_of(name: &str) -> Option<String> {
    let synonyms =
        table(Scope::Topic).iter().flat_map(|topic| topic.synonyms.iter().map(move |it| (topic, it)));
    let (topic, synonym) = synonyms.into_iter().find(|(_, synonym)| synonym.name == name)?;
    let first = topic.synonyms[0].name;
    let unit = match synonym.unit {
        Unit::Same => "",
        Unit::Minutes => ", in minutes",
        Unit::Hours => ", in hours",
    };
    let mut text = format!("What {} is for topics that don't set it{unit}", topic.name);
    if first != name {
        text.push_str(&format!(", where {first} does not say"));
    }
    text.push_str(&format!(". {}", sentence(TOPIC, topic.name)?));
    Some(text)
}

#[rustfmt::skip]
const TOPIC: &[(&str, &str)] = &[
    ("cleanup.policy", "What becomes of old segments: delete removes them after retention, compact keeps the last record of every key; both may be given, or neither."),
    ("compression.gzip.level", "The level to compress with where compression.type is gzip; -1 is zlib's own default."),
    ("compression.lz4.level", "The level to compress with where compression.type is lz4."),
    ("compression.type", "How batches are compressed in the log; producer keeps what the producer sent."),
    ("compression.zstd.level", "The level to compress with where compression.type is zstd."),
    ("delete.retention.ms", "How long a tombstone stays in a compacted topic, in milliseconds."),
    ("file.delete.delay.ms", "How long a file that is no longer used stays on the disk, in milliseconds."),
    ("flush.messages", "With 1 a record is acknowledged when it is in stable storage; with anything else, when it is in the page caches of its replicas."),
    ("flush.ms", "The longest time for which records are in the page cache only, in milliseconds."),
    ("follower.replication.throttled.replicas", "Replicas whose fetching is throttled: partition:broker, separated by commas, or * for all."),
    ("index.interval.bytes", "How many bytes of records lie between two entries of the offset index, at least."),
    ("internal.segment.bytes", "The size of a segment in place of segment.bytes, for tests: it may be smaller."),
    ("leader.replication.throttled.replicas", "Replicas whose being fetched from is throttled: partition:broker, separated by commas, or * for all."),
    ("local.retention.bytes", "How many bytes stay on the broker's own disk where older ones are in tiered storage; -2 for retention.bytes."),
    ("local.retention.ms", "How long records stay on the broker's own disk where older ones are in tiered storage, in milliseconds; -2 for retention.ms."),
    ("max.compaction.lag.ms", "The longest time for which a record stays uncompacted, in milliseconds."),
    ("max.message.bytes", "The largest batch that is taken, as it was sent."),
    ("message.timestamp.after.max.ms", "How far a record's timestamp may lie after the broker's clock, in milliseconds."),
    ("message.timestamp.before.max.ms", "How far a record's timestamp may lie before the broker's clock, in milliseconds."),
    ("message.timestamp.type", "Whether a record keeps the timestamp of its producer (CreateTime) or is given the time of its append (LogAppendTime)."),
    ("min.cleanable.dirty.ratio", "The share of a log that must be uncompacted before it is compacted."),
    ("min.compaction.lag.ms", "The shortest time for which a record stays uncompacted, in milliseconds."),
    ("min.insync.replicas", "How many replicas must be in sync for a write with acks=all to be taken."),
    ("preallocate", "Whether a new segment's file gets its full size at once."),
    ("remote.log.copy.disable", "Whether no more segments are copied to tiered storage."),
    ("remote.log.delete.on.disable", "Whether what is in tiered storage is removed when that is turned off."),
    ("remote.storage.enable", "Whether older segments go to tiered storage. There is none here: true is refused."),
    ("retention.bytes", "How large a partition may grow before its oldest segments are removed; -1 for no limit."),
    ("retention.ms", "How long records are kept, in milliseconds; -1 for no limit."),
    ("segment.bytes", "How large a segment grows before the next one begins."),
    ("segment.index.bytes", "How large a segment's index may grow."),
    ("segment.jitter.ms", "How much earlier than segment.ms a segment may end, at random, in milliseconds, so that not all end at once."),
    ("segment.ms", "How old a segment grows before the next one begins, in milliseconds."),
    ("unclean.leader.election.enable", "Whether a replica that is not in sync may lead when no other can, though records are lost."),
];

#[rustfmt::skip]
const BROKER: &[(&str, &str)] = &[
    ("advertised.listeners", "Where clients are told to find the broker; what is bound when it is not set."),
    ("auto.create.topics.enable", "Whether a topic is created when somebody asks for it that is not there."),
    ("auto.leader.rebalance.enable", "Whether the controller lets preferred leaders lead again by the clock."),
    ("background.threads", "Threads for work in the background."),
    ("broker.heartbeat.interval.ms", "How often a broker tells the controller that it lives, in milliseconds."),
    ("broker.id", "The older name of node.id; -1 when that is set."),
    ("broker.rack", "Where the broker stands: the replicas of a partition are spread over racks."),
    ("broker.session.timeout.ms", "How long the controller waits to hear of a broker before it fences it, in milliseconds."),
    ("connections.max.idle.ms", "How long a connection may be idle before it is closed, in milliseconds."),
    ("controlled.shutdown.enable", "Whether a broker that stops hands its partitions to others before."),
    ("controller.listener.names", "The names of the listeners that controllers use, separated by commas."),
    ("controller.quorum.append.linger.ms", "How long the leader of the metadata quorum gathers records before it appends them, in milliseconds."),
    ("controller.quorum.bootstrap.servers", "Where to look for the metadata quorum: host:port, separated by commas."),
    ("controller.quorum.election.backoff.max.ms", "The longest pause between a lost election and the next, in milliseconds."),
    ("controller.quorum.election.timeout.ms", "How long a voter of the metadata quorum is without a leader before it stands for election, in milliseconds."),
    ("controller.quorum.fetch.max.bytes", "How much of the metadata log a replica asks its leader for at once, in bytes; a first batch comes whole."),
    ("controller.quorum.fetch.snapshot.max.bytes", "How much of a snapshot of the metadata a replica asks its leader for at once, in bytes."),
    ("controller.quorum.fetch.timeout.ms", "How long a voter waits to hear of its leader, or a leader of a majority, before it gives them up, in milliseconds."),
    ("controller.quorum.request.timeout.ms", "How long a request to another voter may take, in milliseconds."),
    ("controller.quorum.retry.backoff.ms", "The pause before a request to another voter is tried again, in milliseconds."),
    ("controller.quorum.voters", "The voters of the metadata quorum: id@host:port, separated by commas; empty for a quorum of this node alone."),
    ("default.replication.factor", "How many replicas a topic's partitions have when nobody says."),
    ("delete.topic.enable", "Whether topics can be deleted."),
    ("fetch.max.bytes", "The most that the answer to a Fetch carries, but for a first batch, which comes whole."),
    ("inter.broker.listener.name", "The listener by which brokers reach each other; the first one when it is not set."),
    ("leader.imbalance.check.interval.seconds", "How often the controller looks for partitions whose preferred leader does not lead, in seconds."),
    ("listener.security.protocol.map", "Which protocol each listener speaks: NAME:PROTOCOL, separated by commas."),
    ("listeners", "Where the broker listens: NAME://host:port, separated by commas."),
    ("log.dir", "The data directory, where log.dirs does not say."),
    ("log.dirs", "The data directory."),
    ("log.flush.offset.checkpoint.interval.ms", "How often recovery points are written, in milliseconds."),
    ("log.flush.start.offset.checkpoint.interval.ms", "How often the first offsets of logs are written, in milliseconds."),
    ("log.retention.check.interval.ms", "How often logs are looked at for segments to remove, in milliseconds."),
    ("max.connections", "How many connections the broker has at once; further ones wait."),
    ("max.connections.per.ip", "How many connections one address has at once."),
    (
        "max.incremental.fetch.session.cache.slots",
        "How many fetch sessions of consumers are kept at once; further consumers name everything in each fetch.",
    ),
    ("metadata.log.dir", "Where the metadata log is; in the data directory when it is not set."),
    ("metadata.log.max.record.bytes.between.snapshots", "How many bytes of the metadata log come between two snapshots of the metadata at the most."),
    ("metadata.log.max.snapshot.interval.ms", "How long after a change of the metadata a snapshot is taken of it at the latest, in milliseconds; 0 for never."),
    ("metadata.log.segment.bytes", "How large a file of the metadata log gets before the next one is begun, in bytes."),
    ("metadata.log.segment.ms", "How old a file of the metadata log gets, by its records, before the next one is begun, in milliseconds. -1 for no limit."),
    ("metadata.max.retention.bytes", "How many bytes the metadata log and its snapshots may have together; then all but the latest snapshot, and the log below it, are removed, oldest first. -1 for no limit."),
    ("metadata.max.retention.ms", "How long a snapshot of the metadata, and the log below the next one, are kept, in milliseconds; the latest one stays. -1 for no limit."),
    ("node.id", "The number of this node in its cluster."),
    ("num.io.threads", "Threads that serve requests."),
    ("num.network.threads", "Threads that read and write sockets."),
    ("num.partitions", "How many partitions a topic has when nobody says."),
    ("num.recovery.threads.per.data.dir", "Threads that open a directory's logs at a start."),
    ("num.replica.fetchers", "Connections by which a follower fetches from one leader."),
    ("offsets.topic.num.partitions", "How many partitions the topic of committed offsets has."),
    ("offsets.topic.replication.factor", "How many replicas the topic of committed offsets has."),
    ("process.roles", "What this process is: broker, controller, or both."),
    (
        "producer.id.expiration.check.interval.ms",
        "How often a broker looks for producers that have been silent for long, in milliseconds.",
    ),
    (
        "producer.id.expiration.ms",
        "How long a partition knows an idempotent producer that is silent, in milliseconds.",
    ),
    ("queued.max.request.bytes", "The most bytes of requests that are being served, over all connections; -1 leaves it to the broker."),
    ("queued.max.requests", "How many requests wait for a thread."),
    ("replica.fetch.max.bytes", "The most of one partition that a follower fetches at once."),
    ("replica.fetch.min.bytes", "How many bytes a follower's fetch waits for."),
    ("replica.fetch.response.max.bytes", "The most that a follower fetches at once."),
    ("replica.fetch.wait.max.ms", "How long a follower's fetch waits for new records, in milliseconds."),
    ("replica.high.watermark.checkpoint.interval.ms", "How often it is written down how far partitions are committed, in milliseconds."),
    ("replica.lag.time.max.ms", "How long a follower may lag before it is not in sync any more, in milliseconds."),
    ("replica.selector.class", "Whether consumers are sent to a replica in their own rack: RackAwareReplicaSelector or LeaderSelector of org.apache.kafka.common.replica."),
    ("request.timeout.ms", "How long a broker waits for an answer to a request of its own, in milliseconds."),
    ("share.coordinator.state.topic.min.isr", "How many replicas of the share groups' topic must be in sync for a write to be taken."),
    ("share.coordinator.state.topic.replication.factor", "How many replicas the share groups' topic has."),
    ("socket.listen.backlog.size", "How many connections wait to be accepted."),
    ("socket.receive.buffer.bytes", "A socket's buffer for what comes; -1 for the system's default."),
    ("socket.request.max.bytes", "The longest request: a longer one ends its connection."),
    ("socket.send.buffer.bytes", "A socket's buffer for what goes; -1 for the system's default."),
    ("tidemark.cluster.id", "The id that a new data directory is formatted with; drawn when it is not set."),
    ("tidemark.shards", "Tasks that own partitions; 0 for as many as the machine has cores."),
    ("tidemark.tail.cache.bytes", "How many bytes of the newest records are kept in memory for consumers."),
    ("transaction.state.log.min.isr", "How many replicas of the transactions' topic must be in sync for a write to be taken."),
    ("transaction.state.log.replication.factor", "How many replicas the transactions' topic has."),
];

#[cfg(test)]
#[path = "documentation_test.rs"]
mod tests;
