"""kafka-python, which shares no code with librdkafka, against a broker: create, produce, read back, refuse."""

import random
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import MessageSizeTooLargeError, TopicAlreadyExistsError

from checks import DEADLINE_S, check, equal, main, topic, until


def create(bootstrap, name, partitions=1):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
    admin.close()


def producer(bootstrap, **config):
    fixed = {"bootstrap_servers": bootstrap, "acks": "all", "enable_idempotence": False}
    fixed |= {"max_in_flight_requests_per_connection": 1, "max_block_ms": int(DEADLINE_S * 1000)}
    return KafkaProducer(**(fixed | config))


def consumer(bootstrap, **config):
    fixed = {"bootstrap_servers": bootstrap, "group_id": None, "auto_offset_reset": "earliest", "check_crcs": True}
    return KafkaConsumer(**(fixed | config))


def produce(p, name, messages):
    """Sends all, waits for all answers; returns (partition, offset) of each."""
    futures = [p.send(name, **message) for message in messages]
    p.flush(DEADLINE_S)
    return [(told.partition, told.offset) for told in (future.get(DEADLINE_S) for future in futures)]


def read(bootstrap, name, partition=0, **config):
    """Everything of one partition, up to the end that the broker tells."""
    c = consumer(bootstrap, **config)
    try:
        where = TopicPartition(name, partition)
        c.assign([where])
        c.seek_to_beginning(where)
        end = c.end_offsets([where])[where]
        messages = []
        deadline = time.monotonic() + DEADLINE_S
        while c.position(where) < end and time.monotonic() < deadline:
            for batch in c.poll(timeout_ms=500).values():
                messages.extend(batch)
        equal(c.position(where), end, f"how far {name}/{partition} was read")
        return messages
    finally:
        c.close()


@check
def a_created_topic_is_listed(bootstrap):
    name = topic("listed")
    create(bootstrap, name, partitions=3)
    c = consumer(bootstrap)
    equal(name in c.topics(), True, "listed")
    equal(c.partitions_for_topic(name), {0, 1, 2}, "partitions")
    c.close()


@check
def a_topic_is_created_once(bootstrap):
    name = topic("once")
    create(bootstrap, name)
    try:
        create(bootstrap, name)
    except TopicAlreadyExistsError:
        return
    raise AssertionError("created twice")


@check
def records_come_back_identical(bootstrap):
    name = topic("identical")
    create(bootstrap, name)
    now = int(time.time() * 1000)
    sent = []
    for n in range(1000):
        message = {"value": b"%d " % n + random.randbytes(n % 300), "partition": 0, "timestamp_ms": now - 1000 + n}
        message["key"] = b"key %d" % n if n % 3 == 0 else None
        message["headers"] = [("n", b"%d" % n), ("n", b"again"), ("empty", b"")] if n % 5 == 0 else []
        sent.append(message)
    p = producer(bootstrap)
    told = produce(p, name, sent)
    p.close()
    equal([offset for _, offset in told], list(range(1000)), "offsets told")
    got = read(bootstrap, name)
    equal([m.offset for m in got], list(range(1000)), "offsets read")
    for message, m in zip(sent, got):
        equal(m.value, message["value"], "value")
        equal(m.key, message["key"], "key")
        equal(list(m.headers), message["headers"], "headers")
        equal(m.timestamp, message["timestamp_ms"], "timestamp")


@check
def gzip_comes_back(bootstrap):
    # Its other codecs need libraries that it doesn't bring along; librdkafka's checks cover them.
    name = topic("gzip")
    create(bootstrap, name)
    p = producer(bootstrap, compression_type="gzip", linger_ms=50)
    sent = [{"value": (b"%d " % n) * 50, "partition": 0} for n in range(500)]
    produce(p, name, sent)
    p.close()
    equal([m.value for m in read(bootstrap, name)], [message["value"] for message in sent], "values")


@check
def a_tombstone_is_kept(bootstrap):
    name = topic("tombstone")
    create(bootstrap, name)
    p = producer(bootstrap)
    produce(p, name, [{"key": b"k", "value": None, "partition": 0}, {"key": b"k", "value": b"", "partition": 0}])
    p.close()
    equal([(m.key, m.value) for m in read(bootstrap, name)], [(b"k", None), (b"k", b"")], "key and value")


@check
def a_message_too_large_is_refused(bootstrap):
    name = topic("large")
    create(bootstrap, name)
    p = producer(bootstrap, max_request_size=4_000_000)
    large = random.randbytes(1_000_000)
    produce(p, name, [{"value": large, "partition": 0}])
    try:
        produce(p, name, [{"value": random.randbytes(2_000_000), "partition": 0}])
    except MessageSizeTooLargeError:
        pass
    else:
        raise AssertionError("2 MB taken")
    equal(produce(p, name, [{"value": b"after", "partition": 0}]), [(0, 1)], "the next record")
    p.close()
    equal([m.value for m in read(bootstrap, name)], [large, b"after"], "what is there")


@check
def offsets_are_listed(bootstrap):
    name = topic("offsets")
    create(bootstrap, name)
    where = TopicPartition(name, 0)
    base = int(time.time() * 1000) - 100_000
    p = producer(bootstrap)
    produce(p, name, [{"value": b"%d" % n, "partition": 0, "timestamp_ms": base + 10 * n} for n in range(100)])
    p.close()
    c = consumer(bootstrap)
    equal(c.beginning_offsets([where])[where], 0, "beginning")
    equal(c.end_offsets([where])[where], 100, "end")
    found = c.offsets_for_times({where: base + 495})[where]
    equal((found.offset, found.timestamp), (50, base + 500), "between two timestamps")
    equal(c.offsets_for_times({where: base + 1_000_000})[where], None, "after the last timestamp")
    c.close()


@check
def acks_0_and_1_arrive(bootstrap):
    name = topic("acks")
    create(bootstrap, name, partitions=2)
    for partition, acks in enumerate([0, 1]):
        # With acks=0 a partition that isn't ready yet, because its topic is new, would swallow records.
        p = producer(bootstrap)
        produce(p, name, [{"value": b"0", "partition": partition}])
        p.close()
        p = producer(bootstrap, acks=acks)
        for n in range(1, 100):
            p.send(name, value=b"%d" % n, partition=partition)
        p.flush(DEADLINE_S)
        p.close()
        probe = lambda: True if len(read(bootstrap, name, partition)) >= 100 else None
        until(probe, f"acks={acks}")
        equal([m.value for m in read(bootstrap, name, partition)], [b"%d" % n for n in range(100)], f"acks={acks}")


@check
def producing_to_an_unknown_topic_creates_it(bootstrap):
    name = topic("auto")
    p = producer(bootstrap)
    equal(produce(p, name, [{"value": b"first", "partition": 0}]), [(0, 0)], "offset")
    p.close()
    equal([m.value for m in read(bootstrap, name)], [b"first"], "what is there")


@check
def a_waiting_consumer_is_woken(bootstrap):
    name = topic("woken")
    create(bootstrap, name)
    c = consumer(bootstrap, fetch_max_wait_ms=10_000)
    c.assign([TopicPartition(name, 0)])
    equal(c.poll(timeout_ms=1000), {}, "an empty partition")
    p = producer(bootstrap)
    produce(p, name, [{"value": b"wake", "partition": 0}])
    p.close()
    batches = until(lambda: c.poll(timeout_ms=500) or None, "the record")
    equal([m.value for batch in batches.values() for m in batch], [b"wake"], "values")
    c.close()


if __name__ == "__main__":
    main()
