"""One stretch of calls by SIPp at one rate, and what came of it."""

import contextlib
import csv
import dataclasses
import glob
import os
import resource
import signal
import subprocess
import time

import machine
from peers import AGENT, CALLER, HERE, PORT, SYSTEM

CORE = 1
HOLD_S = 0.5
SETTLE_S = 1.0
NUMBER = "14155550100"

FAILED = 0.001
RETRANSMITTED = 0.001
SETUP_MS = 100
GENERATOR = 0.85
SLOWER = 0.95


@dataclasses.dataclass
class Stretch:
    """`setup_ms` is the bound below which 99 % of the setups, INVITE to 200, stayed."""

    rate: float
    calls: int
    failed: int
    retransmitted: int
    setup_ms: float
    attained: float
    cpu_ms_a_call: float
    system_core: float
    generator_core: float
    foreign: float

    def faults(self):
        """What keeps it from being clean, in words."""
        found = []
        if self.failed >= FAILED * self.calls:
            found.append(f"{self.failed} failed")
        if self.retransmitted >= RETRANSMITTED * self.calls:
            found.append(f"{self.retransmitted} sent again")
        if self.setup_ms >= SETUP_MS:
            found.append(f"setup p99 up to {self.setup_ms:.0f} ms")
        if self.attained < SLOWER * self.rate:
            found.append(f"only {self.attained:.0f} calls/s offered")
        return found

    def is_generator_limited(self):
        return self.generator_core > GENERATOR

    def words(self):
        verdict = ", ".join(self.faults()) or "clean"
        limited = "; the generator is near its limit" if self.is_generator_limited() else ""
        return (
            f"{self.rate:6.0f} calls/s: {verdict}; p99 < {self.setup_ms:.0f} ms, {self.cpu_ms_a_call:.3f} ms CPU a call, "
            f"core {self.system_core:.0%}, generator {self.generator_core:.0%}, foreign {self.foreign:.0%}{limited}"
        )


def stretch(system, folder, rate, seconds):
    """Calls at `rate` through the process `system`, for `seconds`."""
    calls = max(1, round(rate * seconds))
    for old in glob.glob(os.path.join(folder, "sipp-*")):
        os.remove(old)
    before = children()
    window = machine.Window({"system": system})
    agent = sipp(folder, "agent", "uas.xml", AGENT, [])
    try:
        limits = ["-m", str(calls), "-r", f"{rate:.3f}", "-l", "1000000", "-s", NUMBER]
        patience = ["-timeout", f"{seconds + 12:.0f}", "-max_invite_retrans", "3", "-max_non_invite_retrans", "3"]
        caller = sipp(folder, "caller", "uac.xml", CALLER, [*limits, *patience, f"{SYSTEM}:{PORT}"])
        caller.wait()
        time.sleep(SETTLE_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            agent.send_signal(signal.SIGUSR1)
        try:
            agent.wait(timeout=5)
        except subprocess.TimeoutExpired:
            agent.kill()
            agent.wait()
    ours, cores, foreign = window.close({"generator": children() - before, "script": 0.0})
    told = last_row(folder, "caller")
    answered = last_row(folder, "agent")
    completed = int(told["SuccessfulCall(C)"])
    offered_s = max(clock(told["ElapsedTime(C)"]) - HOLD_S, 0.001)
    return Stretch(
        rate=rate,
        calls=calls,
        failed=calls - completed,
        retransmitted=int(told["Retransmissions(C)"]) + int(answered["Retransmissions(C)"]),
        setup_ms=bound(told, 0.99),
        attained=int(told["TotalCallCreated"]) / offered_s,
        cpu_ms_a_call=ours["system"] * 1000 / calls,
        system_core=cores[0] / window.seconds,
        generator_core=cores[CORE] / window.seconds,
        foreign=foreign,
    )


def sipp(folder, name, scenario, address, rest):
    files = ["-trace_stat", "-stf", f"sipp-{name}.csv", "-trace_err", "-error_file", f"sipp-{name}.err", "-fd", "1"]
    command = ["taskset", "-c", str(CORE), "sipp", "-sf", os.path.join(HERE, scenario), "-i", address, "-p", str(PORT)]
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options = ["-nostdin", "-buff_size", "2097152", *files]
    return subprocess.Popen([*command, *options, *rest], cwd=folder, **silent)


def children():
    """CPU seconds of the generators that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def last_row(folder, name):
    path = os.path.join(folder, f"sipp-{name}.csv")
    try:
        with open(path, newline="") as file:
            rows = list(csv.reader(file, delimiter=";"))
    except FileNotFoundError:
        raise SystemExit(f"bench: SIPp does not start as {name}; see {folder}") from None
    if len(rows) < 2:
        raise SystemExit(f"bench: SIPp told nothing as {name}; see {folder}")
    return dict(zip(rows[0], rows[-1]))


def clock(text):
    """`00:00:05` or `00:00:05:123456` as seconds."""
    hours, minutes, seconds, *fraction = text.split(":")
    whole = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return whole + (int(fraction[0]) / 1e6 if fraction else 0)


def bound(told, share):
    """The upper end of the bucket of response times within which `share` of the calls is."""
    counts = [(name.partition("_")[2], int(count)) for name, count in told.items()
              if name.startswith("ResponseTimeRepartition1_")]
    total, seen = sum(count for _, count in counts), 0
    for name, count in counts:
        seen += count
        if total and seen >= share * total and name.startswith("<"):
            return float(name[1:])
    return float("inf")
