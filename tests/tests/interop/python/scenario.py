"""What the Python clients share: each argument names a scenario, and a line of the output tells how it ended.

The files beside the working directory's `data` are described in `mod.rs`.
"""

import os
import signal
import sys
import traceback

PORT = int(os.environ["PORT"])
USER, PASSWORD = "bob", "secret"


# Seconds for one scenario: not all clients have a time limit of their own.
LIMIT = {"rekey": 100, "channels": 100}


class Unknown(Exception):
    """The client does not have what the scenario is about."""


def read(path):
    with open(path, "rb") as file:
        return file.read()


def assert_same(a, b):
    """Two local files hold the same; the second one is removed."""
    assert read(a) == read(b), "%s came back changed" % a
    os.remove(b)


def too_late(signal_number, frame):
    raise TimeoutError("the client hangs")


def main(run):
    """Calls `run` with both parts of each scenario's name, `cipher` and `aes128-ctr`."""
    failed = False
    signal.signal(signal.SIGALRM, too_late)
    for name in sys.argv[1:]:
        kind, _, detail = name.partition(":")
        signal.alarm(LIMIT.get(kind, 15))
        try:
            run(kind, detail)
            print("ok", name, flush=True)
        except Unknown:
            print("unknown", name, flush=True)
        except BaseException as error:
            failed = True
            print("failed %s: %r" % (name, error), flush=True)
            traceback.print_exc()
    # Threads of a client that hangs do not keep the process.
    sys.stderr.flush()
    os._exit(failed)
