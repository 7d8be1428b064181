"""A client of a chaos run, on librdkafka: it produces, reads along or reads everything, and writes down what it did and saw.

    librdkafka.py MODE --bootstrap H:P,H:P,H:P --topic T --partitions N --number K --history FILE --value-bytes B [--rate R]

    produce   an idempotent producer, called pK in the history, until standard input ends and all is answered
    watch     a consumer of every partition from 0, called wK, until standard input ends
    read      reads every partition from 0 to its end, as reader-K

Java.java and franz-go do the same with unrelated libraries. Exit code 1: something was seen that nobody may ever see.

A record's value is its label, `K/COUNTER `, again and again, cut at B bytes: who reads a record compares all of it.
"""

import argparse
import os
import re
import sys
import threading
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

sys.path.append(str(Path(__file__).resolve().parents[2] / "clients"))
from history import History  # noqa: E402

DEADLINE_S = 120.0
"""An unanswered record is given up after this time, and so is a reading that makes no progress."""
UNANSWERED_MAX = 300
"""Records that wait for an answer: what a producer may leave in doubt."""
POLL_MAX = 500
"""Records of one poll."""
POLL_S = 0.1
ERRORS_SHOWN = 5
VALUE_BYTES_MIN = 32
"""The longest label fits in."""


def value_of(label, value_bytes):
    piece = label.encode() + b" "
    return (piece * (value_bytes // len(piece) + 1))[:value_bytes]


def label_of(place, value, value_bytes):
    """The label of a value that was read at a place, once all of it has been found to be as it was sent."""
    label = re.match(rb"(0|[1-9]\d*)/(0|[1-9]\d*) ", value)
    text = label[0].decode()[:-1] if label else ""
    if not label or value != value_of(text, value_bytes):
        raise SystemExit(f"{place} holds {len(value)} bytes that nobody sent: {value[:40]!r}...")
    return text


class Producing:
    """Sends records, round robin over the partitions. Answers are served by `poll`: all of it runs in one thread."""

    def __init__(self, options, history):
        self.options, self.history, self.client = options, history, f"p{options.number}"
        self.counter, self.unanswered, self.errors = 0, 0, []
        config = {"bootstrap.servers": options.bootstrap, "enable.idempotence": True, "acks": "all", "linger.ms": 1}
        config |= {"message.timeout.ms": int(DEADLINE_S * 1000), "reconnect.backoff.max.ms": 200, "log_level": 0}
        self.producer = Producer(config)

    def run(self, stopping):
        interval = 1 / self.options.rate if self.options.rate > 0 else 0
        due = time.monotonic()
        while not stopping.is_set():
            wait = due - time.monotonic()
            if wait > 0 or self.unanswered == UNANSWERED_MAX:
                self.producer.poll(min(max(wait, 0.001), POLL_S))
                continue
            # What was missed while nothing was answered is not made up for.
            due = max(due + interval, time.monotonic())
            self.send()
            self.producer.poll(0)
        self.producer.flush(2 * DEADLINE_S)
        if self.unanswered != 0:
            raise SystemExit(f"{self.client}: {self.unanswered} records without an answer")
        print(f"errors: {len(self.errors)}", *self.errors[:ERRORS_SHOWN], sep="\n")

    def send(self):
        label, partition = f"{self.options.number}/{self.counter}", self.counter % self.options.partitions
        self.counter += 1
        call = {"topic": self.options.topic, "partition": partition, "acks": -1, "values": [label]}
        op = self.history.invoke(self.client, {"produce": call})

        def deliver(error, message):
            self.unanswered -= 1
            if error is None:
                self.history.ok(self.client, op, {"produced": {"base": message.offset()}})
            else:
                # Whatever the last answer was: nobody knows what became of those before it.
                self.history.failed(self.client, op, None, error.str())
                self.errors.append(f"{label}: {error.str()}")

        self.unanswered += 1
        value = value_of(label, self.options.value_bytes)
        self.producer.produce(self.options.topic, partition=partition, value=value, on_delivery=deliver)


class Reading:
    """A consumer by assignment, from the start of every partition: what it reads is compared and written down."""

    def __init__(self, options, history, client):
        self.options, self.history, self.client = options, history, client
        self.next = {partition: 0 for partition in range(options.partitions)}
        self.told = dict(self.next)
        config = {"bootstrap.servers": options.bootstrap, "group.id": client, "enable.auto.commit": False}
        config |= {"auto.offset.reset": "error", "check.crcs": True, "reconnect.backoff.max.ms": 200, "log_level": 0}
        self.consumer = Consumer(config)
        for partition in self.next:
            call = {"topic": options.topic, "partition": partition, "from": 0}
            history.ok(client, history.invoke(client, {"assign": call}), "done")
        self.consumer.assign([TopicPartition(options.topic, partition, 0) for partition in self.next])

    def watch(self, stopping):
        while not stopping.is_set():
            self.poll()
        self.consumer.close()

    def read_all(self):
        ends = {partition: self.end(partition) for partition in self.next}
        progress = time.monotonic()
        while any(self.next[partition] < end for partition, end in ends.items()):
            if self.poll():
                progress = time.monotonic()
            elif time.monotonic() - progress > DEADLINE_S:
                raise SystemExit(f"{self.client}: read up to {self.next} of {ends}")
        for partition, end in ends.items():
            self.polled(partition, [], end)
        self.consumer.close()

    def poll(self):
        """Takes what has arrived; returns how many records."""
        batches = {}
        for message in self.consumer.consume(POLL_MAX, POLL_S):
            if message.error() is None:
                batches.setdefault(message.partition(), []).append(message)
            elif message.error().code() not in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                # A truncated log among them: there is nothing that a consumer may be reset to.
                raise SystemExit(f"{self.client}: {message.error()}")
        for partition, messages in batches.items():
            place = TopicPartition(self.options.topic, partition)
            _, told = self.consumer.get_watermark_offsets(place, cached=True)
            self.polled(partition, [(message.offset(), message.value()) for message in messages], told)
        return sum(map(len, batches.values()))

    def polled(self, partition, records, told):
        """Notes a poll's records. The high watermark is the highest that the consumer was told: a new leader may tell of
        less at first (KIP-207), but what is committed stays so. The log starts at 0, or nobody could read from there."""
        topic, value_bytes = self.options.topic, self.options.value_bytes
        places = ((offset, f"{self.client}: {topic}-{partition} at {offset}", value) for offset, value in records)
        labels = [[offset, label_of(place, value or b"", value_bytes)] for offset, place, value in places]
        call = {"topic": topic, "partition": partition, "from": self.next[partition]}
        op = self.history.invoke(self.client, {"fetch": call})
        if labels:
            self.next[partition] = labels[-1][0] + 1
        self.told[partition] = max(self.told[partition], told, self.next[partition])
        reply = {"high_watermark": self.told[partition], "log_start": 0, "records": labels}
        self.history.ok(self.client, op, {"fetched": reply})

    def end(self, partition):
        """The end that a partition's leader tells. One that was elected just now may not know it yet."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                return self.consumer.get_watermark_offsets(TopicPartition(self.options.topic, partition), DEADLINE_S)[1]
            except KafkaException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)


def input_ended():
    """An event that is set at the end of standard input."""
    ended = threading.Event()

    def wait():
        while os.read(0, 4096):
            pass
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    return ended


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["produce", "watch", "read"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, required=True)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--history", required=True)
    parser.add_argument("--value-bytes", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0, help="records a second at most; 0: as many as it can")
    options = parser.parse_args()
    if options.value_bytes < VALUE_BYTES_MIN:
        parser.error(f"--value-bytes: at least {VALUE_BYTES_MIN}")

    history = History(options.history, began=0)
    if options.mode == "produce":
        Producing(options, history).run(input_ended())
    elif options.mode == "watch":
        Reading(options, history, f"w{options.number}").watch(input_ended())
    else:
        Reading(options, history, f"reader-{options.number}").read_all()
    history.close()


if __name__ == "__main__":
    main()
