"""The machine that a benchmark runs on: who uses its cores, what it is, and a lock so that only one benchmark does."""

import contextlib
import fcntl
import os
import platform
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


def processes(root):
    """`root` and all its descendants that are alive."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}/stat") as stat:
                parent = int(stat.read().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(name))
    found, rest = [], [root]
    while rest:
        process = rest.pop()
        found.append(process)
        rest += children.get(process, [])
    return found


def seconds_of(root):
    """CPU seconds that a process, its threads and its descendants have used."""
    used = 0
    for process in processes(root):
        with contextlib.suppress(OSError):
            with open(f"/proc/{process}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            used += int(fields[11]) + int(fields[12])
    return used / TICKS


def resident(root):
    """MiB of memory of a process and its descendants; what they share is counted once (Pss)."""
    kilobytes = 0
    for process in processes(root):
        with contextlib.suppress(OSError):
            with open(f"/proc/{process}/smaps_rollup") as rollup:
                kilobytes += sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    return kilobytes / 1024


def idle():
    """Seconds that each core was idle since the start. What the host took away was not.

    The kernel counts idleness exactly, and the rest by what it finds at its ticks: short work between them escapes it."""
    cores = []
    with open("/proc/stat") as stat:
        for line in stat:
            if line.startswith("cpu") and line[3].isdigit():
                cores.append(sum(map(int, line.split()[4:6])) / TICKS)
    return cores


class Window:
    """CPU between its making and `close`."""

    def __init__(self, roots):
        self.roots = roots
        self.start = time.monotonic()
        self.idle = idle()
        self.used = {name: seconds_of(root) for name, root in roots.items()}
        self.seconds = 0.0

    def close(self, ended):
        """`ended`: CPU seconds of processes that came and went within the window, by name.

        Gives CPU seconds by name, busy seconds of each core, and what was nobody's of ours, as a share of one core."""
        self.seconds = time.monotonic() - self.start
        cores = [max(0.0, self.seconds - (now - before)) for now, before in zip(idle(), self.idle)]
        ours = {name: seconds_of(root) - self.used[name] for name, root in self.roots.items()} | ended
        foreign = max(0.0, sum(cores) - sum(ours.values())) / self.seconds
        return ours, cores, foreign


@contextlib.contextmanager
def alone():
    """Held while a benchmark runs; a second one is told so and ends."""
    path = os.path.join(tempfile.gettempdir(), "strowger-bench.lock")
    with open(path, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"bench: another benchmark is running ({path} is locked); wait for it to end") from None
        yield


def description():
    """What a reader must know of the machine to read its figures."""
    with open("/proc/cpuinfo") as cpuinfo:
        models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    with open("/proc/meminfo") as meminfo:
        gigabytes = int(meminfo.readline().split()[1]) / 1024 / 1024
    with open("/etc/os-release") as release:
        system = dict(line.rstrip().split("=", 1) for line in release if "=" in line)
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(gigabytes, 1),
        "system": system.get("PRETTY_NAME", "").strip('"'),
        "kernel": platform.release(),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def first_line(*command):
    """The first line that a program says of itself, or nothing."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in (said.stdout + said.stderr).splitlines() if line.strip()), "")


def install(packages):
    """Debian packages by the program that each brings, where one is absent. No daemon of theirs is started."""
    absent = sorted(package for program, package in packages.items() if not first_line("which", program))
    if not absent:
        return
    print(f"bench: installing {' '.join(absent)}", flush=True)
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    policy = "/usr/sbin/policy-rc.d"
    ours = not os.path.exists(policy)
    if ours:
        write = f"printf '#!/bin/sh\\nexit 101\\n' > {policy} && chmod 755 {policy}"
        subprocess.run([*sudo, "sh", "-c", write], check=True)
    try:
        quiet = {"stdout": subprocess.DEVNULL, "check": True}
        subprocess.run([*sudo, "apt-get", "update", "-q"], **quiet)
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y", "--no-install-recommends"]
        subprocess.run([*sudo, *apt, *absent], **quiet)
    finally:
        if ours:
            subprocess.run([*sudo, "rm", "-f", policy], check=True)
