"""What every client script shares: named checks, one line each, and `N passed, N failed` last.

A script registers functions with @check and ends with `main()`. It is given the broker's address as its first
argument. Names of topics are fresh in each run, so that a script can be repeated against a broker that lives on:
Apache Kafka too, which is how a script is shown to ask for nothing that Kafka itself doesn't do.
"""

import os
import random
import sys
import time
import traceback

CHECKS = []

DEADLINE_S = 60.0
"""How long a check polls for what must come. Generous: it is a hang that is to be noticed, not slowness."""


def check(function):
    """Registers a check; it passes by returning."""
    CHECKS.append(function)
    return function


def topic(stem):
    """A topic name that no run has used before."""
    return f"{stem}-{os.getpid()}-{random.getrandbits(32):08x}"


def equal(got, wanted, what):
    """Fails with both sides, cut to a readable length."""
    if got != wanted:
        raise AssertionError(f"{what}: got {str(got)[:400]}, wanted {str(wanted)[:400]}")


def until(probe, what):
    """Calls `probe` until it returns something other than None, which is returned."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = probe()
        if found is not None:
            return found
    raise AssertionError(f"{what}: nothing within {DEADLINE_S:.0f} s")


def main():
    """Runs the checks named after the address, else all of them."""
    bootstrap, names = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    for function in CHECKS:
        name = function.__name__
        if names and name not in names:
            continue
        try:
            function(bootstrap)
            passed += 1
            print(f"ok   {name}", flush=True)
        except BaseException as why:  # a client's fatal error is a finding as well
            if isinstance(why, KeyboardInterrupt):
                raise
            failed += 1
            print(f"FAIL {name}: {type(why).__name__}: {why}", flush=True)
            traceback.print_exc(limit=4, file=sys.stdout)
    print(f"{passed} passed, {failed} failed", flush=True)
    sys.exit(0 if failed == 0 and passed > 0 else 1)
