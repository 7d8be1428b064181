"""confluent-kafka (librdkafka) against a broker: create, produce, read back, and what is refused."""

import random
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from checks import DEADLINE_S, check, equal, main, topic, until


def create(bootstrap, name, partitions=1, config=None):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    new = NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})
    for future in admin.create_topics([new], operation_timeout=DEADLINE_S).values():
        future.result(DEADLINE_S)
    return admin


def producer(bootstrap, **config):
    """One request in flight unless told otherwise: a retry, which a topic made a moment ago may cause, keeps order."""
    fixed = {"bootstrap.servers": bootstrap, "acks": "all", "max.in.flight.requests.per.connection": 1}
    return Producer(fixed | {k.replace("_", "."): v for k, v in config.items()})


def consumer(bootstrap, **config):
    """By assignment: the group's name is never sent to a broker."""
    fixed = {"bootstrap.servers": bootstrap, "group.id": "by-assignment", "enable.auto.commit": False}
    fixed |= {"enable.partition.eof": True, "auto.offset.reset": "error", "check.crcs": True}
    return Consumer(fixed | {k.replace("_", "."): v for k, v in config.items()})


def produce(p, name, messages):
    """Sends all, waits for all answers; returns (partition, offset) of each, in the order of `messages`."""
    told = [None] * len(messages)

    def on_delivery(n):
        def deliver(error, message):
            told[n] = error if error is not None else (message.partition(), message.offset())

        return deliver

    for n, message in enumerate(messages):
        while True:
            try:
                p.produce(name, on_delivery=on_delivery(n), **message)
                break
            except BufferError:
                p.poll(0.05)
        p.poll(0)
    equal(p.flush(DEADLINE_S), 0, "messages without an answer")
    for answer in told:
        if not isinstance(answer, tuple):
            raise KafkaException(answer)
    return told


def read(bootstrap, name, partition=0, offset=OFFSET_BEGINNING, **config):
    """Everything from `offset` to the end of the partition."""
    c = consumer(bootstrap, **config)
    try:
        c.assign([TopicPartition(name, partition, offset)])
        messages = []
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            message = c.poll(0.5)
            if message is None:
                continue
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    return messages
                raise KafkaException(message.error())
            messages.append(message)
        raise AssertionError(f"no end of {name}/{partition} within {DEADLINE_S:.0f} s, {len(messages)} messages read")
    finally:
        c.close()


@check
def a_created_topic_is_listed(bootstrap):
    name = topic("listed")
    admin = create(bootstrap, name, partitions=3)
    metadata = admin.list_topics(timeout=DEADLINE_S)
    equal(sorted(metadata.topics[name].partitions), [0, 1, 2], "partitions")
    for partition in metadata.topics[name].partitions.values():
        equal(partition.error, None, "error of a partition")
        equal(partition.leader in metadata.brokers, True, "leader is a broker")
        equal(partition.replicas, [partition.leader], "replicas")
        equal(partition.isrs, [partition.leader], "in-sync replicas")
    equal(len(metadata.cluster_id) > 0, True, "cluster id")


@check
def a_topic_is_created_once(bootstrap):
    name = topic("once")
    create(bootstrap, name)
    try:
        create(bootstrap, name)
    except KafkaException as why:
        equal(why.args[0].code(), KafkaError.TOPIC_ALREADY_EXISTS, "refusal")
        return
    raise AssertionError("created twice")


@check
def a_bad_topic_is_refused(bootstrap):
    cases = [("no/slash", 1, {}, KafkaError.TOPIC_EXCEPTION)]
    cases.append((topic("none"), 0, {}, KafkaError.INVALID_PARTITIONS))
    cases.append((topic("config"), 1, {"no.such.config": "1"}, KafkaError.INVALID_CONFIG))
    cases.append((topic("value"), 1, {"retention.ms": "soon"}, KafkaError.INVALID_CONFIG))
    for name, partitions, config, code in cases:
        try:
            create(bootstrap, name, partitions, config)
        except KafkaException as why:
            equal(why.args[0].code(), code, name)
            continue
        raise AssertionError(f"{name} was created")


@check
def records_come_back_identical(bootstrap):
    name = topic("identical")
    create(bootstrap, name)
    now = int(time.time() * 1000)
    sent = []
    for n in range(1000):
        message = {"value": b"%d " % n + random.randbytes(n % 300), "partition": 0, "timestamp": now - 1000 + n}
        if n % 3 == 0:
            message["key"] = b"key %d" % n
        if n % 5 == 0:
            message["headers"] = [("n", b"%d" % n), ("n", b"again"), ("empty", b""), ("null", None)]
        sent.append(message)
    told = produce(producer(bootstrap), name, sent)
    equal([offset for _, offset in told], list(range(1000)), "offsets told")
    got = read(bootstrap, name)
    equal([m.offset() for m in got], list(range(1000)), "offsets read")
    for message, m in zip(sent, got):
        equal(m.value(), message["value"], "value")
        equal(m.key(), message.get("key"), "key")
        equal(m.headers(), message.get("headers"), "headers")
        equal(m.timestamp()[1], message["timestamp"], "timestamp")


@check
def every_codec_comes_back(bootstrap):
    name = topic("codec")
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    create(bootstrap, name, partitions=len(codecs))
    for partition, codec in enumerate(codecs):
        p = producer(bootstrap, compression_type=codec, linger_ms=50)
        sent = [{"value": (b"%d " % n) * 50, "partition": partition} for n in range(500)]
        produce(p, name, sent)
        got = read(bootstrap, name, partition)
        equal([m.value() for m in got], [message["value"] for message in sent], codec)


@check
def nulls_and_empties_are_kept_apart(bootstrap):
    name = topic("tombstone")
    create(bootstrap, name)
    sent = [
        {"key": b"k", "value": None, "partition": 0},
        {"key": b"k", "value": b"", "partition": 0},
        {"key": b"", "value": b"v", "partition": 0},
        {"value": b"v", "partition": 0},
    ]
    produce(producer(bootstrap), name, sent)
    got = [(m.key(), m.value()) for m in read(bootstrap, name)]
    equal(got, [(b"k", None), (b"k", b""), (b"", b"v"), (None, b"v")], "key and value")


@check
def a_large_message_passes_and_a_larger_one_does_not(bootstrap):
    name = topic("large")
    create(bootstrap, name)
    large = random.randbytes(1_000_000)
    p = producer(bootstrap, message_max_bytes=4_000_000)
    produce(p, name, [{"value": large, "partition": 0}])
    try:
        produce(p, name, [{"value": random.randbytes(2_000_000), "partition": 0}])
    except KafkaException as why:
        equal(why.args[0].code(), KafkaError.MSG_SIZE_TOO_LARGE, "refusal")
    else:
        raise AssertionError("2 MB taken")
    equal(produce(p, name, [{"value": b"after", "partition": 0}]), [(0, 1)], "the next record")
    equal([m.value() for m in read(bootstrap, name)], [large, b"after"], "what is there")


@check
def a_message_larger_than_a_fetch_is_still_fetched(bootstrap):
    name = topic("progress")
    create(bootstrap, name)
    sent = [{"value": random.randbytes(100_000), "partition": 0} for _ in range(5)]
    p = producer(bootstrap, linger_ms=0, batch_num_messages=1)
    produce(p, name, sent)
    got = read(bootstrap, name, fetch_message_max_bytes=1000, max_partition_fetch_bytes=1000)
    equal([m.value() for m in got], [message["value"] for message in sent], "values")


@check
def acks_0_and_1_arrive(bootstrap):
    name = topic("acks")
    create(bootstrap, name, partitions=2)
    for partition, acks in enumerate(["0", "1"]):
        sent = [{"value": b"%d" % n, "partition": partition} for n in range(100)]
        # With acks=0 a partition that isn't ready yet, because its topic is new, would swallow records.
        produce(producer(bootstrap), name, sent[:1])
        produce(producer(bootstrap, acks=acks), name, sent[1:])
        probe = lambda: True if len(read(bootstrap, name, partition)) >= 100 else None
        until(probe, f"acks={acks}")
        equal([m.value() for m in read(bootstrap, name, partition)], [m["value"] for m in sent], f"acks={acks}")


@check
def pipelined_requests_keep_their_order(bootstrap):
    name = topic("pipelined")
    create(bootstrap, name)
    config = {"max_in_flight_requests_per_connection": 1000, "batch_num_messages": 1, "linger_ms": 0}
    p = producer(bootstrap, **config)
    produce(p, name, [{"value": b"first", "partition": 0}])
    told = produce(p, name, [{"value": b"%d" % n, "partition": 0} for n in range(2000)])
    equal([offset for _, offset in told], list(range(1, 2001)), "offsets told")
    equal([m.value() for m in read(bootstrap, name)[1:]], [b"%d" % n for n in range(2000)], "values")


@check
def keys_decide_the_partition(bootstrap):
    name = topic("keys")
    create(bootstrap, name, partitions=4)
    sent = [{"key": b"%d" % (n % 20), "value": b"%d" % n} for n in range(400)]
    told = produce(producer(bootstrap), name, sent)
    homes = {}
    for message, (partition, _) in zip(sent, told):
        equal(homes.setdefault(message["key"], partition), partition, "partition of a key")
    seen = {}
    for partition in range(4):
        for m in read(bootstrap, name, partition):
            seen.setdefault(m.key(), []).append(int(m.value()))
    for key, values in seen.items():
        equal(values, sorted(values), f"order of key {key}")
    equal(sum(len(values) for values in seen.values()), 400, "records")


@check
def offsets_are_listed(bootstrap):
    name = topic("offsets")
    admin = create(bootstrap, name)
    where = TopicPartition(name, 0)

    def offset_of(spec):
        future = admin.list_offsets({where: spec}, request_timeout=DEADLINE_S)[where]
        return future.result(DEADLINE_S).offset

    equal(offset_of(OffsetSpec.earliest()), 0, "earliest of an empty log")
    equal(offset_of(OffsetSpec.latest()), 0, "latest of an empty log")
    base = int(time.time() * 1000) - 100_000
    p = producer(bootstrap, batch_num_messages=7, linger_ms=0)
    produce(p, name, [{"value": b"%d" % n, "partition": 0, "timestamp": base + 10 * n} for n in range(100)])
    equal(offset_of(OffsetSpec.earliest()), 0, "earliest")
    equal(offset_of(OffsetSpec.latest()), 100, "latest")
    equal(offset_of(OffsetSpec.for_timestamp(base)), 0, "at the first timestamp")
    equal(offset_of(OffsetSpec.for_timestamp(base + 495)), 50, "between two timestamps")
    equal(offset_of(OffsetSpec.for_timestamp(base + 990)), 99, "at the last timestamp")
    equal(offset_of(OffsetSpec.for_timestamp(base + 1_000_000)), -1, "after the last timestamp")
    equal(offset_of(OffsetSpec.max_timestamp()), 99, "of the largest timestamp")
    c = consumer(bootstrap)
    equal(c.get_watermark_offsets(where, timeout=DEADLINE_S), (0, 100), "watermarks")
    c.close()


@check
def an_offset_out_of_range_is_told(bootstrap):
    name = topic("range")
    create(bootstrap, name)
    produce(producer(bootstrap), name, [{"value": b"x", "partition": 0}])
    c = consumer(bootstrap)
    c.assign([TopicPartition(name, 0, 1000)])
    try:
        message = until(lambda: c.poll(0.5), "an error")
        equal(message.error() and message.error().code(), KafkaError._AUTO_OFFSET_RESET, "error")
    except KafkaException as why:
        equal(why.args[0].code(), KafkaError._AUTO_OFFSET_RESET, "error")
    finally:
        c.close()
    equal([m.offset() for m in read(bootstrap, name, offset=1000, auto_offset_reset="earliest")], [0], "after the reset")


@check
def producing_to_an_unknown_topic_creates_it(bootstrap):
    name = topic("auto")
    p = producer(bootstrap)
    equal(until(lambda: produce(p, name, [{"value": b"first"}]), "creation")[0][1], 0, "offset")
    partitions = AdminClient({"bootstrap.servers": bootstrap}).list_topics(name, timeout=DEADLINE_S).topics[name].partitions
    got = [m.value() for partition in partitions for m in read(bootstrap, name, partition)]
    equal(got, [b"first"], "what is there")


@check
def asking_for_an_unknown_topic_does_not_create_it(bootstrap):
    name = topic("unknown")
    c = consumer(bootstrap, allow_auto_create_topics=False)
    for _ in range(2):
        found = c.list_topics(name, timeout=DEADLINE_S).topics[name]
        equal(found.error and found.error.code(), KafkaError.UNKNOWN_TOPIC_OR_PART, "error")
        equal(len(found.partitions), 0, "partitions")
    c.close()
    equal(name in AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=DEADLINE_S).topics, False, "listed")


@check
def a_waiting_consumer_is_woken(bootstrap):
    name = topic("woken")
    create(bootstrap, name)
    c = consumer(bootstrap, enable_partition_eof=False, fetch_wait_max_ms=30_000)
    c.assign([TopicPartition(name, 0, OFFSET_BEGINNING)])
    equal(c.poll(1.0), None, "an empty partition")
    produce(producer(bootstrap), name, [{"value": b"wake", "partition": 0}])
    message = until(lambda: c.poll(0.5), "the record")
    equal(message.value(), b"wake", "value")
    c.close()


@check
def many_partitions_at_once(bootstrap):
    name = topic("many")
    create(bootstrap, name, partitions=50)
    p = producer(bootstrap)
    produce(p, name, [{"value": b"%d" % n, "partition": n % 50} for n in range(5000)])
    c = consumer(bootstrap)
    c.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for partition in range(50)])
    got = {partition: [] for partition in range(50)}
    end = time.monotonic() + DEADLINE_S
    while sum(map(len, got.values())) < 5000 and time.monotonic() < end:
        for m in c.consume(1000, 0.5):
            if not m.error():
                got[m.partition()].append(int(m.value()))
    c.close()
    for partition, values in got.items():
        equal(values, list(range(partition, 5000, 50)), f"partition {partition}")


if __name__ == "__main__":
    main()
