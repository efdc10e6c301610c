"""The systems that are compared: each is started on core 0 in a folder of its own, and asked for nothing but to carry calls."""

import contextlib
import os
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = "127.0.0.1"
CALLER = "127.0.0.2"
AGENT = "127.0.0.3"
PORT = 5070
CORE = 0
PATIENCE_S = 20

STROWGER = f"""
[sip]
udp = ["{SYSTEM}:{PORT}"]
[media]
# Two pairs a call, each of which rests 2 s after it.
ports = "6000-65535"
workers = 1
[limits]
max_calls = 20000
max_cps = 5000
[log]
level = "warn"
"""

INVENTORY = f"""
[[agents]]
id = "bench"
endpoint = {{ kind = "sip", uri = "sip:bench@{AGENT}:{PORT}" }}

[[trunks]]
id = "bench"
inbound = {{ addresses = ["{CALLER}"], did_country = "US" }}

[[numbers]]
e164 = "+14155550100"
trunk_id = "bench"
agent_id = "bench"
"""


class Peer:
    """A system under test. `command` is run in `folder` once `prepare` has filled it."""

    def __init__(self, name, version):
        self.name = name
        self.version = version
        self.process = None

    def prepare(self, folder):
        raise NotImplementedError

    @contextlib.contextmanager
    def running(self, folder):
        """Its process id, while it runs."""
        os.makedirs(folder, exist_ok=True)
        command = self.prepare(folder)
        with open(os.path.join(folder, "log"), "w") as log:
            process = subprocess.Popen(
                ["taskset", "-c", str(CORE), *command],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )
        try:
            self.await_socket(process, folder)
            yield process.pid
            if process.poll() is not None:
                with open(os.path.join(folder, "log")) as log:
                    raise SystemExit(f"bench: {self.name} ended by itself:\n{log.read()}")
        finally:
            end(process)

    def await_socket(self, process, folder):
        """It listens once its port can't be bound any more."""
        deadline = time.monotonic() + PATIENCE_S
        while is_free():
            if process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(folder, "log")) as log:
                    raise SystemExit(f"bench: {self.name} does not start:\n{log.read()}")
            time.sleep(0.05)
        # What it does of its own after its start is no part of a call.
        time.sleep(0.5)


class Kamailio(Peer):
    """A stateful proxy with Record-Route. It does less than a B2BUA: no second leg, no media, no record."""

    def prepare(self, folder):
        with open(os.path.join(HERE, "kamailio.cfg")) as template:
            text = template.read().replace("AGENT", f"{AGENT}:{PORT}")
        with open(os.path.join(folder, "kamailio.cfg"), "w") as config:
            config.write(text)
        # Its own default socket buffer loses bursts that one core can work off.
        room = ["-m", "2048", "-M", "32", "-b", "8388608"]
        return ["kamailio", "-DD", "-f", "kamailio.cfg", "-l", f"udp:{SYSTEM}:{PORT}", "-Y", folder, *room]


class Strowger(Peer):
    """The B2BUA: both legs and their port pairs, and a call record on disk."""

    inventory = INVENTORY

    def __init__(self, name, version, binary):
        super().__init__(name, version)
        self.binary = binary

    def prepare(self, folder):
        for name in ("strowger.db", "strowger.db-wal", "strowger.db-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(folder, name))
        for name, text in (("strowger.toml", STROWGER), ("inventory.toml", self.inventory)):
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        config = ["--config", "strowger.toml"]
        applied = subprocess.run(
            [self.binary, "apply", "inventory.toml", *config], cwd=folder, capture_output=True, text=True, check=False
        )
        if applied.returncode != 0:
            raise SystemExit(f"bench: strowger apply: {applied.stderr}")
        return [self.binary, "run", *config]


def is_free():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((SYSTEM, PORT))
        except OSError:
            return False
    return True


def end(process):
    """Asks the process and its children to end, and makes them."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while not is_free() and time.monotonic() < deadline:
        time.sleep(0.05)
