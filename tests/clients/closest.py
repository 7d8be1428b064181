"""Consumers that tell their rack fetch from the replica that stands there (KIP-392).

The brokers' racks are `rack-<id>`, one broker in each.
"""

import json

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from checks import DEADLINE_S, check, equal, main, topic, until

RECORDS = 200


def created(bootstrap):
    """A topic of three replicas, all of them in sync, and its records."""
    name = topic("closest")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=3)]).values():
        future.result(DEADLINE_S)

    def in_sync():
        partition = admin.list_topics(name, timeout=DEADLINE_S).topics[name].partitions.get(0)
        return True if partition and len(partition.isrs) == 3 else None

    until(in_sync, "three replicas in sync")
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    values = [b"%d" % n for n in range(RECORDS)]
    for value in values:
        producer.produce(name, partition=0, value=value)
    equal(producer.flush(DEADLINE_S), 0, "records that are not delivered")
    return name, values


def served(bootstrap, name, rack):
    """What a consumer in a rack reads, and the broker that it ends up with."""
    told = {}

    def note(text):
        partitions = json.loads(text)["topics"].get(name, {}).get("partitions", {})
        told.update({"broker": partitions.get("0", {}).get("broker")})

    config = {"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False, "client.rack": rack}
    config |= {"statistics.interval.ms": 100, "stats_cb": note, "check.crcs": True}
    consumer = Consumer(config)
    consumer.assign([TopicPartition(name, 0, 0)])
    read = []

    def all_read_there():
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            read.append(message.value())
        wanted = int(rack.rpartition("-")[2])
        return True if len(read) >= RECORDS and told.get("broker") == wanted else None

    until(all_read_there, f"{RECORDS} records in {rack}, of its own broker; {len(read)} came, of {told}")
    consumer.close()
    return read


@check
def every_rack_is_served_by_its_own_replica(bootstrap):
    name, values = created(bootstrap)
    for node in (1, 2, 3):
        equal(served(bootstrap, name, f"rack-{node}"), values, f"read in rack-{node}")


if __name__ == "__main__":
    main()
