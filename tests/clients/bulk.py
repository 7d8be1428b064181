"""A lot of data through one client, and back: every record identical, in order, once."""

import random
import sys
import time

import kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from checks import DEADLINE_S, topic

VALUE_BYTES = 1024
PARTITIONS = 4
POOL = random.Random(1).randbytes(1 << 20)


def value(n):
    """The record number `n`: its number, then bytes that compress badly and repeat in no other record's place."""
    at = n * 7919 % (len(POOL) - VALUE_BYTES)
    return b"%016d" % n + POOL[at : at + VALUE_BYTES - 16]


class ConfluentKafka:
    def __init__(self, bootstrap, name):
        self.name, self.bootstrap, self.trouble = name, bootstrap, None
        self.producer = Producer(
            {"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 5, "max.in.flight.requests.per.connection": 1}
        )

    def send(self, n):
        def deliver(error, _):
            self.trouble = error or self.trouble

        while True:
            try:
                self.producer.produce(self.name, partition=n % PARTITIONS, value=value(n), on_delivery=deliver)
                break
            except BufferError:
                self.producer.poll(0.1)
        if n % 1000 == 0:
            self.producer.poll(0)

    def finish(self):
        left = self.producer.flush(600)
        if left or self.trouble is not None:
            raise SystemExit(f"{left} records without an answer; {self.trouble}")

    def receive(self, records):
        config = {"bootstrap.servers": self.bootstrap, "group.id": "by-assignment", "enable.auto.commit": False}
        consumer = Consumer(config | {"enable.partition.eof": True, "auto.offset.reset": "error", "check.crcs": True})
        consumer.assign([TopicPartition(self.name, partition, 0) for partition in range(PARTITIONS)])
        ended, quiet_since = 0, time.monotonic()
        while ended < PARTITIONS:
            for message in consumer.consume(10_000, 1):
                quiet_since = time.monotonic()
                if message.error() is None:
                    yield message.partition(), message.offset(), message.value()
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    ended += 1
                else:
                    raise KafkaException(message.error())
            if time.monotonic() - quiet_since > DEADLINE_S:
                raise SystemExit(f"nothing came for {DEADLINE_S:.0f} s")
        consumer.close()


class KafkaPython:
    def __init__(self, bootstrap, name):
        self.name, self.bootstrap, self.sent = name, bootstrap, []
        self.producer = kafka.KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", enable_idempotence=False, linger_ms=5, batch_size=256 * 1024,
            max_in_flight_requests_per_connection=1, max_block_ms=int(DEADLINE_S * 1000),
        )

    def send(self, n):
        self.sent.append(self.producer.send(self.name, value=value(n), partition=n % PARTITIONS))
        if len(self.sent) >= 10_000:
            self.finish()

    def finish(self):
        self.producer.flush(600)
        for future in self.sent:
            future.get(DEADLINE_S)
        self.sent = []

    def receive(self, records):
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None, check_crcs=True)
        places = [kafka.TopicPartition(self.name, partition) for partition in range(PARTITIONS)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        seen, quiet_since = 0, time.monotonic()
        while seen < records:
            for messages in consumer.poll(timeout_ms=1000).values():
                quiet_since = time.monotonic()
                for message in messages:
                    seen += 1
                    yield message.partition, message.offset, message.value
            if time.monotonic() - quiet_since > DEADLINE_S:
                raise SystemExit(f"nothing came for {DEADLINE_S:.0f} s")
        ends = consumer.end_offsets(places)
        if sum(ends.values()) != records:
            raise SystemExit(f"{records} records sent, the ends are {ends}")
        consumer.close()


CLIENTS = {"confluent-kafka": ConfluentKafka, "kafka-python": KafkaPython}


def main():
    bootstrap, client, megabytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
    name = topic("bulk")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)]).values():
        future.result(DEADLINE_S)
    records = megabytes * (1 << 20) // VALUE_BYTES
    client = CLIENTS[client](bootstrap, name)
    for n in range(records):
        client.send(n)
    client.finish()
    following = [0] * PARTITIONS
    for partition, offset, found in client.receive(records):
        if offset != following[partition]:
            raise SystemExit(f"partition {partition}: offset {offset} where {following[partition]} was due")
        if found != value(offset * PARTITIONS + partition):
            raise SystemExit(f"partition {partition}: other bytes at offset {offset} than were sent")
        following[partition] += 1
    if sum(following) != records:
        raise SystemExit(f"{records} records sent, {sum(following)} came back")
    print(f"ok   {records} records, {megabytes} MiB, came back identical through {sys.argv[2]}")


if __name__ == "__main__":
    main()
