"""Producers and a consumer at work while their broker is killed again and again; then everything is read back.

What each of them did and saw goes to a history that the simulator's checkers judge. Two unrelated clients produce,
with acks=all and without retries, so that each record is one attempt whose fate is known or is not. Another producer is
idempotent: whatever becomes of the broker it sends again what was not acknowledged, and each of its records must be there
once. The broker is killed after it has acknowledged so much in its present life, not after a time.

The history names a record by its label, with which its value begins. The rest of the value follows from the label, and
whoever reads a record compares all of it. At the end three unrelated clients read everything, each by itself.
"""

import argparse
import random
import re
import socket
import subprocess
import sys
import threading
import time

import kafka
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from history import History

TOPIC = "tide"
BROKER = 1
DEADLINE_S = 120.0
PRODUCERS = (1, 2, 3, 4)
POLL_MAX = 500
"""Records of one poll."""
UNANSWERED_MAX = 300
"""Records of one producer that wait for an answer: what a kill may leave in doubt."""


class Broker:
    """The process under test, on one port and one directory for all of its lives."""

    def __init__(self, binary, port, directory, history):
        self.command = [binary, "--set", f"listeners=PLAINTEXT://127.0.0.1:{port}", "--set", f"log.dirs={directory}"]
        self.port, self.directory, self.history = port, directory, history
        self.process = None

    def start(self):
        self.history.note({"starting": {"broker": BROKER}})
        with open(f"{self.directory}.out", "ab") as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise SystemExit(f"the broker ended by itself, exit code {self.process.returncode}; see its output")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise SystemExit(f"the broker doesn't listen after {DEADLINE_S:.0f} s")

    def kill(self):
        if self.process.poll() is not None:
            raise SystemExit(f"the broker ended by itself, exit code {self.process.returncode}; see its output")
        self.process.kill()
        self.process.wait()
        self.history.note({"killed": {"broker": BROKER}})

    def stop(self):
        self.process.terminate()
        if self.process.wait(DEADLINE_S) != 0:
            raise SystemExit(f"SIGTERM ended the broker with exit code {self.process.returncode}")
        self.history.note({"stopped": {"broker": BROKER}})


class Count:
    """What all producers got acknowledged."""

    def __init__(self):
        self.lock = threading.Lock()
        self.records = 0

    def add(self):
        with self.lock:
            self.records += 1


class Values:
    """What records hold: a label, and its producer's random bytes, turned so that those near each other differ."""

    def __init__(self, value_bytes):
        self.fillers = {number: random.randbytes(value_bytes // 2).hex().encode() for number in PRODUCERS}

    def value(self, number, counter):
        filler = self.fillers[number]
        turn = counter % len(filler)
        return f"{number}/{counter} ".encode() + filler[turn:] + filler[:turn]

    def label(self, place, value):
        """The label of a value that was read at a place, once all of it has been found to be as it was sent."""
        label = value.split(b" ", 1)[0]
        number, _, counter = label.partition(b"/")
        known = number.isdigit() and counter.isdigit() and int(number) in self.fillers
        if not known or value != self.value(int(number), int(counter)):
            raise SystemExit(f"{place} holds {len(value)} bytes that nobody sent, under the label {label[:40]!r}")
        return label.decode()


class Sender:
    """Operations and the bound on unanswered records: what both kinds of producer share."""

    def __init__(self, number, history, count, values, partitions):
        self.number, self.client = number, f"p{number}"
        self.history, self.count, self.values, self.partitions = history, count, values, partitions
        self.counter = 0
        self.unanswered = threading.Semaphore(UNANSWERED_MAX)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, name=self.client)

    def next(self):
        """Begins an operation; returns its number, the partition and the record's bytes."""
        while not self.unanswered.acquire(timeout=0.1):
            self.idle()
        counter, partition = self.counter, self.counter % self.partitions
        self.counter += 1
        call = {"topic": TOPIC, "partition": partition, "acks": -1, "values": [f"{self.number}/{counter}"]}
        op = self.history.invoke(self.client, {"produce": call})
        return op, partition, self.values.value(self.number, counter)

    def acknowledged(self, op, offset):
        self.history.ok(self.client, op, {"produced": {"base": offset}})
        self.count.add()
        self.unanswered.release()

    def refused(self, op, code, why):
        self.history.failed(self.client, op, code, why)
        self.unanswered.release()

    def idle(self):
        """Called while the bound is reached."""


class Librdkafka(Sender):
    FATES = {"message.send.max.retries": 0, "message.timeout.ms": 10_000}

    def __init__(self, bootstrap, *shared):
        super().__init__(*shared)
        config = {"bootstrap.servers": bootstrap, "acks": "all", "linger.ms": 1, "log_level": 0}
        self.producer = Producer(config | {"reconnect.backoff.max.ms": 200} | self.FATES)

    def run(self):
        while not self.stopping.is_set():
            op, partition, value = self.next()

            def deliver(error, message, op=op):
                if error is None:
                    self.acknowledged(op, message.offset())
                else:
                    self.refused(op, error.code(), error.str())

            self.producer.produce(TOPIC, partition=partition, value=value, on_delivery=deliver)
            self.producer.poll(0)
        if self.producer.flush(DEADLINE_S) != 0:
            raise RuntimeError(f"{self.client}: records without an answer")

    def idle(self):
        self.producer.poll(0.05)


class Idempotent(Librdkafka):
    """Sends again until everything is there."""

    FATES = {"enable.idempotence": True, "message.timeout.ms": int(DEADLINE_S * 1000), "retry.backoff.ms": 50}
    FATES |= {"batch.num.messages": 20}
    trouble = None

    def refused(self, op, code, why):
        self.trouble = self.trouble or why
        super().refused(op, code, why)


class KafkaPython(Sender):
    def __init__(self, bootstrap, *shared):
        super().__init__(*shared)
        self.producer = kafka.KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", retries=0, enable_idempotence=False, linger_ms=1,
            max_in_flight_requests_per_connection=1, request_timeout_ms=10_000, delivery_timeout_ms=11_000,
            max_block_ms=int(DEADLINE_S * 1000), reconnect_backoff_max_ms=200,
        )

    def run(self):
        while not self.stopping.is_set():
            op, partition, value = self.next()
            sent = self.producer.send(TOPIC, value=value, partition=partition)
            sent.add_callback(lambda told, op=op: self.acknowledged(op, told.offset))
            sent.add_errback(lambda why, op=op: self.refused(op, getattr(why, "errno", None), repr(why)))
        self.producer.flush(DEADLINE_S)
        self.producer.close()


class Reading:
    """What one consumer reads, by assignment, from the start of every partition: compared and written down."""

    def __init__(self, client, history, partitions, values):
        self.client, self.history, self.values = client, history, values
        self.next = {partition: 0 for partition in range(partitions)}
        for partition in self.next:
            place = {"topic": TOPIC, "partition": partition, "from": 0}
            history.ok(client, history.invoke(client, {"assign": place}), "done")

    def polled(self, partition, records, start, end):
        """Notes a poll's offsets and values, and the ends of the partition that the client was told."""
        places = ((offset, f"{self.client}: {TOPIC}-{partition} at {offset}", value) for offset, value in records)
        labels = [[offset, self.values.label(place, value)] for offset, place, value in places]
        call = {"topic": TOPIC, "partition": partition, "from": self.next[partition]}
        op = self.history.invoke(self.client, {"fetch": call})
        self.history.ok(self.client, op, {"fetched": {"high_watermark": end, "log_start": start, "records": labels}})
        if labels:
            self.next[partition] = labels[-1][0] + 1


class Reader:
    """A consumer of librdkafka."""

    def __init__(self, bootstrap, reading):
        self.reading = reading
        config = {"bootstrap.servers": bootstrap, "group.id": reading.client, "enable.auto.commit": False}
        config |= {"auto.offset.reset": "error", "enable.partition.eof": True, "check.crcs": True, "log_level": 0}
        self.consumer = Consumer(config | {"reconnect.backoff.max.ms": 200})
        self.consumer.assign([TopicPartition(TOPIC, partition, 0) for partition in reading.next])

    def poll(self):
        """Takes what has arrived; returns the partitions whose end was reached."""
        ends, batches = set(), {}
        for message in self.consumer.consume(POLL_MAX, 0.1):
            error = message.error()
            if error is None:
                batches.setdefault(message.partition(), []).append(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ends.add(message.partition())
            elif not error.retriable() and error.code() not in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN):
                raise KafkaException(error)
        for partition, messages in batches.items():
            self.polled(partition, [(m.offset(), m.value()) for m in messages], cached=True)
        return ends

    def polled(self, partition, records, cached):
        place = TopicPartition(TOPIC, partition)
        start, end = self.consumer.get_watermark_offsets(place, timeout=DEADLINE_S, cached=cached)
        self.reading.polled(partition, records, max(start, 0), end)
        return end

    def read_all(self):
        """Reads until every partition has ended, each at the high watermark that the broker tells."""
        left = set(self.reading.next)
        end = time.monotonic() + DEADLINE_S * 5
        while left:
            if time.monotonic() > end:
                raise SystemExit(f"{self.reading.client}: partitions {left} have no end")
            for partition in self.poll() & left:
                if self.polled(partition, [], cached=False) == self.reading.next[partition]:
                    left.discard(partition)
        self.consumer.close()


def read_with_kafka_python(bootstrap, reading):
    """Reads everything with a client that shares no code with librdkafka. Its checksums are Python, minutes of it for a
    gigabyte: the others check those, and here too each value is compared."""
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="none", check_crcs=False, max_poll_records=POLL_MAX
    )
    places = {kafka.TopicPartition(TOPIC, partition): partition for partition in reading.next}
    consumer.assign(list(places))
    for place in places:
        consumer.seek(place, 0)
    starts, ends = consumer.beginning_offsets(list(places)), consumer.end_offsets(list(places))
    deadline = time.monotonic() + DEADLINE_S * 5
    while any(reading.next[partition] < ends[place] for place, partition in places.items()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{reading.client}: read up to {reading.next} of {ends}")
        for place, messages in consumer.poll(timeout_ms=500).items():
            records = [(message.offset, message.value) for message in messages]
            reading.polled(places[place], records, starts[place], ends[place])
    consumer.close()


def read_with_kcat(kcat, bootstrap, reading):
    """Reads everything with kcat, whose librdkafka is another version: a partition after the other, up to its end."""
    for partition in reading.next:
        command = [kcat, "-b", bootstrap, "-C", "-t", TOPIC, "-p", str(partition), "-o", "beginning", "-e"]
        command += ["-X", "check.crcs=true", "-f", "%o %s\n"]
        ran = subprocess.run(command, capture_output=True, timeout=DEADLINE_S * 5)
        told = re.search(rb"Reached end of topic \S+ \[\d+\] at offset (\d+)", ran.stderr)
        if ran.returncode != 0 or told is None:
            raise SystemExit(f"{reading.client}: kcat ended with {ran.returncode}: {ran.stderr[-500:]!r}")
        lines = (line.partition(b" ") for line in ran.stdout.splitlines())
        records = [(int(offset), value) for offset, _, value in lines]
        for at in range(0, len(records), POLL_MAX):
            reading.polled(partition, records[at : at + POLL_MAX], 0, int(told[1]))
        if reading.next[partition] != int(told[1]):
            raise SystemExit(f"{reading.client}: read up to {reading.next[partition]} of {int(told[1])}")


class Watcher:
    """A consumer that reads along while the broker dies and returns."""

    def __init__(self, reader):
        self.reader, self.stopping, self.trouble = reader, threading.Event(), None
        self.thread = threading.Thread(target=self.run, name="watcher")

    def run(self):
        try:
            while not self.stopping.is_set():
                self.reader.poll()
        except BaseException as why:
            self.trouble = why
        finally:
            self.reader.consumer.close()


def create(bootstrap, history, partitions):
    call = {"topic": TOPIC, "partitions": partitions, "durable": True}
    op = history.invoke("admin", {"create_topic": call})
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(TOPIC, num_partitions=partitions, replication_factor=1)]).values():
        future.result(DEADLINE_S)
    history.ok("admin", op, "done")


def read_round(number, history, partitions, values, read):
    """Has a client read everything; the checkers know it by its round's number."""
    history.note({"read_all": {"round": number}})
    read(Reading(f"reader-{number}", history, partitions, values))
    history.note({"read_done": {"round": number}})


def wait_for(probe, what):
    end = time.monotonic() + DEADLINE_S
    while not probe():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {DEADLINE_S:.0f} s")
        time.sleep(0.005)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--history", required=True)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--records-per-life", type=int, default=500, help="acknowledged before the kill, at least")
    parser.add_argument("--value-bytes", type=int, default=1024)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--kcat", help="this program reads everything, too")
    options = parser.parse_args()

    history, count, values = History(options.history), Count(), Values(options.value_bytes)
    bootstrap = f"127.0.0.1:{options.port}"
    broker = Broker(options.binary, options.port, options.directory, history)
    try:
        broker.start()
        create(bootstrap, history, options.partitions)
        shared = (history, count, values, options.partitions)
        idempotent = Idempotent(bootstrap, 4, *shared)
        senders = [Librdkafka(bootstrap, 1, *shared), Librdkafka(bootstrap, 2, *shared)]
        senders += [KafkaPython(bootstrap, 3, *shared), idempotent]
        watcher = Watcher(Reader(bootstrap, Reading("watcher", history, options.partitions, values)))
        threads = [*(sender.thread for sender in senders), watcher.thread]
        for thread in threads:
            thread.start()
        try:
            for _ in range(options.kills):
                goal = count.records + options.records_per_life + random.randrange(options.records_per_life)
                wait_for(lambda: count.records >= goal, "acknowledgements")
                broker.kill()
                broker.start()
            goal = count.records + options.records_per_life
            wait_for(lambda: count.records >= goal, "acknowledgements after the last kill")
        finally:
            for stopping in [*(sender.stopping for sender in senders), watcher.stopping]:
                stopping.set()
            for thread in threads:
                thread.join()
        if watcher.trouble is not None:
            raise SystemExit(f"the consumer that read along: {watcher.trouble!r}")
        if idempotent.trouble is not None:
            raise SystemExit(f"the idempotent producer: {idempotent.trouble}")
        round_of = (history, options.partitions, values)
        read_round(1, *round_of, lambda reading: Reader(bootstrap, reading).read_all())
        broker.stop()
        broker.start()
        read_round(2, *round_of, lambda reading: Reader(bootstrap, reading).read_all())
        read_round(3, *round_of, lambda reading: read_with_kafka_python(bootstrap, reading))
        if options.kcat:
            read_round(4, *round_of, lambda reading: read_with_kcat(options.kcat, bootstrap, reading))
        broker.stop()
    finally:
        if broker.process is not None and broker.process.poll() is None:
            broker.process.kill()
            broker.process.wait()
        history.close()
    sent = sum(sender.counter for sender in senders)
    print(f"{options.kills} kills, {sent} records sent, {count.records} acknowledged")


if __name__ == "__main__":
    sys.exit(main())
