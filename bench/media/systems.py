"""The systems whose media path is compared. Each listens on core 0; what it is started with is all that it is asked for."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "signalling")]

from peers import AGENT, CALLER, PORT, SYSTEM, Peer, Strowger  # noqa: E402

RTP = 4000
FIRST = 9000
LAST = 65535


class Ours(Strowger):
    """Strowger with one media worker. Both legs are there in full: record, traces, reports of its own."""

    by = "sip"

    def __init__(self, name, version, binary, backend, sealed="none"):
        super().__init__(name, version, binary)
        self.backend = backend
        self.sealed = sealed
        if sealed != "none":
            self.inventory = self.inventory.replace(f":{PORT}\" }}", f":{PORT}\", media_encryption = \"required\" }}")
        if sealed == "both":
            self.inventory = self.inventory.replace('did_country = "US" }', 'did_country = "US", media_encryption = "required" }')

    def prepare(self, folder):
        settings = {"MEDIA__BACKEND": self.backend, "NODE__DRAIN_S": "0"}
        return ["env", *(f"STROWGER__{name}={value}" for name, value in settings.items()), *super().prepare(folder)]

    def address(self):
        return f"{SYSTEM}:{PORT}"


class Rtpengine(Peer):
    """The relay that most proxies use, in userspace: its kernel module would move the work out of the process."""

    by = "ng"

    def __init__(self, name, version, sealed="none"):
        super().__init__(name, version)
        self.sealed = sealed

    def prepare(self, folder):
        ports = [f"--port-min={FIRST}", f"--port-max={LAST}"]
        silent = ["--foreground", "--log-stderr", "--log-level=3", f"--pidfile={folder}/pid"]
        return [
            "rtpengine", "--config-file=none", "--table=-1", "--num-threads=1", f"--interface={SYSTEM}",
            f"--listen-ng={SYSTEM}:{PORT}", *ports, *silent,
        ]

    def address(self):
        return f"{SYSTEM}:{PORT}"


class Floor(Peer):
    """Two sockets a call and epoll, nothing else. `calls` is how many it is opened for."""

    by = "floor"
    sealed = "none"

    def __init__(self, name, version, binary):
        super().__init__(name, version)
        self.binary = binary
        self.calls = 0

    def prepare(self, folder):
        return [self.binary, str(self.calls), str(FIRST), f"{CALLER}:{RTP}", f"{AGENT}:{RTP}", f"{SYSTEM}:{PORT}"]

    def address(self):
        return f"{SYSTEM}:{FIRST}"
