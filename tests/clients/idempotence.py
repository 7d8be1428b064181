"""Requests of an idempotent producer, byte by byte: what no client sends in time, a broker must answer all the same.

    idempotence.py ADDRESS TOPIC STATE begin     a producer's first batches, what is sent again, and what is refused
    idempotence.py ADDRESS TOPIC STATE unheard   batches that can't be committed now, the first again: none is acknowledged
    idempotence.py ADDRESS TOPIC STATE heard     the same batches, when they can
    idempotence.py ADDRESS TOPIC STATE forgotten a producer that is silent is not known any more, sooner or later
    idempotence.py ADDRESS TOPIC STATE go-on     the same after a restart, or of another leader: it knows what was sent before

Only what Apache Kafka answers too is asked of it, but for two things: `go-on` needs a broker that knows more than a
producer's last batch when it has restarted, and `heard` one that knows what is there though its place is forgotten.
"""

import json
import socket
import struct
import sys
import time

PRODUCE, METADATA, INIT_PRODUCER_ID = 0, 3, 22
PRODUCE_VERSION = 8
UNKNOWN_TOPIC, NO_LEADER, NOT_LEADER = 3, 5, 6
TIMED_OUT = 7
OUT_OF_ORDER, DUPLICATE, STALE_EPOCH, NOT_ALLOWED, INVALID_REQUEST = 45, 46, 47, 53, 42
RECORDS = 2
"""Records of each batch."""
NOW = int(time.time() * 1000)


def crc32c_table():
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        yield n


TABLE = list(crc32c_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(n):
    n = (n << 1) ^ (n >> 63)
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def batch(producer, epoch, sequence, transactional=False):
    """A record batch of format 2."""
    records = b""
    for delta in range(RECORDS):
        value = f"{producer}/{epoch}/{sequence + delta}".encode()
        record = b"\0" + varint(0) + varint(delta) + varint(-1) + varint(len(value)) + value + varint(0)
        records += varint(len(record)) + record
    attributes = 0x10 if transactional else 0
    body = struct.pack(">hiqqqhii", attributes, RECORDS - 1, NOW, NOW, producer, epoch, sequence, RECORDS) + records
    tail = struct.pack(">ibI", -1, 2, crc32c(body)) + body
    return struct.pack(">qi", 0, len(tail)) + tail


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


class Answer:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def string(self):
        length = self.take("h")
        if length >= 0:
            self.at += length


class Client:
    def __init__(self, address, topic):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 60)
        self.stream = self.socket.makefile("rb")
        self.topic = topic
        self.correlation = 0

    def frame(self, api, version, body):
        self.correlation += 1
        request = struct.pack(">hhi", api, version, self.correlation) + string("idempotence") + body
        return struct.pack(">i", len(request)) + request

    def answer(self):
        (length,) = struct.unpack(">i", self.stream.read(4))
        answer = Answer(self.stream.read(length))
        answer.take("i")
        return answer

    def ask(self, api, version, body):
        self.socket.sendall(self.frame(api, version, body))
        return self.answer()

    def wait_for_topic(self):
        """Has the topic created, and waits until it has a leader."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            answer = self.ask(METADATA, 4, struct.pack(">i", 1) + string(self.topic) + b"\1")
            answer.take("i")
            for _ in range(answer.take("i")):
                answer.take("i"), answer.string(), answer.take("i"), answer.string()
            answer.string(), answer.take("i"), answer.take("i")
            error = answer.take("h")
            answer.string(), answer.take("b")
            if error == 0 and answer.take("i") > 0 and answer.take("h") == 0:
                return
            time.sleep(0.1)
        raise SystemExit(f"{self.topic} has no leader")

    def init(self, version=1, transactional_id=None, producer=-1, epoch=-1):
        """Error, id and epoch."""
        if version >= 3:
            text = b"\0" if transactional_id is None else bytes([len(transactional_id) + 1]) + transactional_id.encode()
            # Header version 2 ends with its tagged fields.
            body = b"\0" + text + struct.pack(">iqh", 60_000, producer, epoch) + b"\0"
        else:
            body = string(transactional_id) + struct.pack(">i", 60_000)
        end = time.monotonic() + 60
        while True:
            answer = self.ask(INIT_PRODUCER_ID, version, body)
            if version >= 3:
                answer.take("b")
            _throttle, error, producer, epoch = answer.take("ihqh")
            # 14 to 16: there is no coordinator yet, says Kafka.
            if error not in (14, 15, 16) or time.monotonic() > end:
                return error, producer, epoch
            time.sleep(0.1)

    def produce_frame(self, *batches, timeout_ms=30_000):
        body = b"".join(batches)
        head = string(None) + struct.pack(">hii", -1, timeout_ms, 1) + string(self.topic) + struct.pack(">iii", 1, 0, len(body))
        return self.frame(PRODUCE, PRODUCE_VERSION, head + body)

    def produced(self):
        """Error, first offset and timestamp of the one partition of an answer."""
        answer = self.answer()
        answer.take("i"), answer.string(), answer.take("i")
        _index, error, base, timestamp, _start = answer.take("ihqqq")
        return error, base, timestamp

    def produce(self, *args, **kwargs):
        self.socket.sendall(self.produce_frame(batch(*args, **kwargs)))
        return self.produced()

    def wait_for_leader(self, *args):
        """Produces until whoever is asked leads."""
        end = time.monotonic() + 60
        while self.produce(*args)[0] in (UNKNOWN_TOPIC, NO_LEADER, NOT_LEADER) and time.monotonic() < end:
            time.sleep(0.05)


def expect(what, found, expected):
    if found != expected:
        raise SystemExit(f"{what}: {found}, expected {expected}")
    print(f"ok: {what}")


def begin(client, state):
    client.wait_for_topic()
    error, producer, epoch = client.init()
    expect("a producer is given epoch 0", (error, epoch), (0, 0))
    others = [client.init(version=4), client.init(version=4, producer=producer, epoch=3), client.init()]
    expect("others are given others", len({producer} | {other for _, other, _ in others}), 4)
    expect("all of epoch 0", {(error, epoch) for error, _, epoch in others}, {(0, 0)})
    expect("an epoch without an id", client.init(version=4, epoch=3)[0], INVALID_REQUEST)
    expect("a transactional id without letters", client.init(transactional_id="")[0], INVALID_REQUEST)

    first = [client.produce(producer, 0, RECORDS * n) for n in range(6)]
    base = first[0][1]
    expect("six batches follow each other", first, [(0, base + RECORDS * n, -1) for n in range(6)])
    for n in range(1, 6):
        expect(f"batch {n} again", client.produce(producer, 0, RECORDS * n), (0, base + RECORDS * n, NOW))
    sixth = client.produce(producer, 0, 0)[:2]
    # As Kafka says, or that it is there.
    expect("the sixth from behind is nowhere", sixth in ((OUT_OF_ORDER, -1), (DUPLICATE, -1)), True)
    expect("a gap", client.produce(producer, 0, RECORDS * 7)[:2], (OUT_OF_ORDER, -1))
    # As a client sends them that has lost its connection: without waiting, some again.
    again = [5, 6, 6, 7, 6, 7, 9, 8]
    frames = [client.produce_frame(batch(producer, 0, RECORDS * n)) for n in again]
    client.socket.sendall(b"".join(frames))
    found = [client.produced()[:2] for _ in again]
    expected = [(OUT_OF_ORDER, -1) if n == 9 else (0, base + RECORDS * n) for n in again]
    expect("eight on their way at a time", found, expected)

    expect("a later epoch that goes on", client.produce(producer, 1, RECORDS * 9)[0], OUT_OF_ORDER)
    expect("a later epoch", client.produce(producer, 1, 0)[:2], (0, base + RECORDS * 9))
    expect("the epoch before", client.produce(producer, 0, RECORDS * 9)[0], STALE_EPOCH)
    expect("the epoch before, again", client.produce(producer, 0, RECORDS * 8)[0], STALE_EPOCH)
    expect("of a transaction, in none", client.produce(producer, 1, RECORDS, transactional=True)[0], NOT_ALLOWED)
    unknown = others[0][1]
    found = client.produce(unknown, 0, 77)
    expect("an unknown producer begins anywhere", found[:2], (0, base + RECORDS * 10))
    later = [client.produce(producer, 1, RECORDS * n)[:2] for n in range(1, 5)]
    expect("and others go on", later, [(0, base + RECORDS * (10 + n)) for n in range(1, 5)])
    offsets = {0: base + RECORDS * 9} | {RECORDS * n: base + RECORDS * (10 + n) for n in range(1, 5)}
    save(state, producer, 1, offsets)


def go_on(client, state):
    """Batches of `state` again, then one more."""
    with open(state) as file:
        known = json.load(file)
    producer, epoch = known["producer"], known["epoch"]
    client.wait_for_topic()
    offsets = {int(sequence): offset for sequence, offset in known["offsets"].items()}
    client.wait_for_leader(producer, epoch, max(offsets))
    for sequence, offset in list(offsets.items())[-5:]:
        expect(f"sequence {sequence} again", client.produce(producer, epoch, sequence)[:2], (0, offset))
    last = max(offsets)
    expect("a gap", client.produce(producer, epoch, last + 2 * RECORDS)[0], OUT_OF_ORDER)
    expect("the epoch before", client.produce(producer, epoch - 1, 0)[0], STALE_EPOCH)
    error, offset, _ = client.produce(producer, epoch, last + RECORDS)
    expect("what comes next, at the log's end", (error, offset), (0, max(offsets.values()) + RECORDS))
    error, other, _ = client.init()
    expect("an id that is not its", (error, other == producer), (0, False))
    save(state, producer, epoch, offsets | {last + RECORDS: offset})


def unheard(client, state):
    with open(state) as file:
        known = json.load(file)
    sequence = max(int(sequence) for sequence in known["offsets"]) + RECORDS
    # The last time it is the sixth from behind: there, with a place that is not remembered, and not committed.
    # (A leader that hears nothing of its followers for seconds sends its clients away.)
    for n in [0, 0, 1, 2, 3, 4, 5, 0]:
        frame = client.produce_frame(batch(known["producer"], known["epoch"], sequence + RECORDS * n), timeout_ms=200)
        client.socket.sendall(frame)
        expect("it is appended and not committed", client.produced()[0], TIMED_OUT)


def forgotten(client, _state):
    client.wait_for_topic()
    _, producer, _ = client.init()
    expect("its first batch", client.produce(producer, 0, 0)[0], 0)
    end = time.monotonic() + 60
    while (error := client.produce(producer, 0, 1000)[0]) == OUT_OF_ORDER and time.monotonic() < end:
        time.sleep(0.05)
    expect("an unknown producer begins anywhere", error, 0)


def heard(client, state):
    with open(state) as file:
        known = json.load(file)
    offsets = {int(sequence): offset for sequence, offset in known["offsets"].items()}
    last = max(offsets)
    expect("it is there, somewhere", client.produce(known["producer"], known["epoch"], last + RECORDS)[:2], (DUPLICATE, -1))
    later = {last + RECORDS * n: offsets[last] + RECORDS * n for n in range(2, 7)}
    for sequence, offset in later.items():
        again = client.produce(known["producer"], known["epoch"], sequence)
        expect("it is where it was appended first", again[:2], (0, offset))
        expect("with its timestamp, as what comes again", again[2] > 0, True)
    save(state, known["producer"], known["epoch"], offsets | later)


def save(state, producer, epoch, offsets):
    with open(state, "w") as file:
        json.dump({"producer": producer, "epoch": epoch, "offsets": offsets}, file)


def main():
    address, topic, state, how = sys.argv[1:]
    {"begin": begin, "go-on": go_on, "unheard": unheard, "heard": heard, "forgotten": forgotten}[how](Client(address, topic), state)


main()
