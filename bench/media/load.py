"""One run of calls with audio, and what came of it."""

import contextlib
import dataclasses
import json
import os
import subprocess

import machine

CORE = 1
LOST = 0.001
DELAY_MS = 20
GENERATOR = 0.85


@dataclasses.dataclass
class Run:
    """`packets_s` is what the generator sent in a second; all of it should come out again. `kib_a_call` is what the process grew by."""

    calls: int
    packets_s: float
    lost: float
    damaged: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    us_a_packet: float
    system_core: float
    generator_core: float
    foreign: float
    late_ms: float
    kib_a_call: float
    setup_s: float

    def faults(self):
        """What keeps it from having passed, in words."""
        found = []
        if self.lost >= LOST:
            found.append(f"{self.lost:.2%} lost")
        if self.p99_ms >= DELAY_MS:
            found.append(f"p99 {self.p99_ms:.1f} ms")
        if self.damaged:
            found.append(f"{self.damaged} packets damaged")
        return found

    def is_generator_limited(self):
        return self.generator_core > GENERATOR

    def words(self):
        verdict = ", ".join(self.faults()) or "passed"
        limited = "; the generator is near its limit" if self.is_generator_limited() else ""
        return (
            f"{self.calls:5} calls: {verdict}; {self.us_a_packet:.2f} µs CPU a packet, delay p50 {self.p50_ms:.2f} p99 {self.p99_ms:.2f} ms, "
            f"core {self.system_core:.0%}, generator {self.generator_core:.0%}, foreign {self.foreign:.0%}, "
            f"{self.kib_a_call:.0f} KiB a call{limited}"
        )


def run(peer, folder, generator, calls, seconds, meanwhile=contextlib.nullcontext):
    """Calls through a peer that is started for them. `meanwhile(process)` is entered while packets are counted."""
    peer.calls = calls
    with peer.running(folder) as process:
        idle = machine.resident(process)
        command = ["taskset", "-c", str(CORE), generator, "--by", peer.by, "--system", peer.address(), "--calls", str(calls)]
        command += ["--seconds", str(seconds), "--sealed", peer.sealed]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
            up = heard(load, "up", folder)
            heard(load, "begin", folder)
            script = os.times()
            window = machine.Window({"system": process, "generator": load.pid})
            with meanwhile(process):
                heard(load, "end", folder)
            now = os.times()
            ours, cores, foreign = window.close({"script": now.user + now.system - script.user - script.system})
            told = heard(load, "told", folder)
            grown = machine.resident(process) - idle
            load.stdin.write("\n")
            load.stdin.close()
            load.wait()
        if load.returncode != 0:
            raise SystemExit(f"bench: the calls through {peer.name} do not end; see {folder}/log")
    return Run(
        calls=calls,
        packets_s=told["sent"] / seconds,
        lost=told["lost"] / max(told["sent"], 1),
        damaged=told["damaged"] + told["astray"] + told["renumbered"] + told["repeated"],
        p50_ms=told["p50_ms"] or float("inf"),
        p99_ms=told["p99_ms"] or float("inf"),
        p999_ms=told["p999_ms"] or float("inf"),
        us_a_packet=ours["system"] * 1e6 / max(told["received"], 1),
        system_core=cores[0] / window.seconds,
        generator_core=ours["generator"] / window.seconds,
        foreign=foreign,
        late_ms=told["late_ms"],
        kib_a_call=grown * 1024 / calls,
        setup_s=up["setup_s"],
    )


def heard(load, event, folder):
    """The next line of the generator, which must be of that event."""
    line = load.stdout.readline()
    told = json.loads(line) if line else {}
    if told.get("event") != event:
        raise SystemExit(f"bench: the generator ended before `{event}`; see {folder}/log for what the system said")
    return told
