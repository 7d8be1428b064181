"""The history of what clients did and saw, written for the simulator's checkers (sim/src/history.rs tells the form)."""

import json
import threading
import time

DEFINITE = {2, 3, 10, 17, 18, 19, 21, 32, 35, 42, 43, 76, 87, 100}
"""Error codes after which a record is certainly not in the log; the table of sim/src/history.rs."""


class History:
    """Lines of one file, sorted by one clock. Safe to share between threads. Each line is written out at once: a program
    that is killed leaves what it saw.

    Times count from `began` on the monotonic clock: by default from now. Where several programs write a history each, to
    be merged, all of them count from 0.
    """

    def __init__(self, path, began=None):
        self.file = open(path, "w", encoding="ascii", buffering=1)
        self.lock = threading.Lock()
        self.began = time.monotonic_ns() if began is None else began
        self.operations = 0

    def _line(self, client, op, step):
        line = {"t": time.monotonic_ns() - self.began, "client": client, "op": op, **step}
        self.file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def invoke(self, client, call):
        """Begins an operation and returns its number."""
        with self.lock:
            self.operations += 1
            self._line(client, self.operations, {"is": "invoke", "call": call})
            return self.operations

    def ok(self, client, op, reply):
        with self.lock:
            self._line(client, op, {"is": "ok", "reply": reply})

    def failed(self, client, op, code, error):
        """A client's error: `fail` where the broker's code is definite, else `info`."""
        with self.lock:
            self._line(client, op, {"is": "fail" if code in DEFINITE else "info", "error": str(error)})

    def note(self, note):
        with self.lock:
            self._line("nemesis", 0, {"is": "note", "note": note})

    def close(self):
        with self.lock:
            self.file.close()
