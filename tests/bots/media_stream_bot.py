#!/usr/bin/python3
"""A Twilio Media Streams bot, written from the protocol page alone.

Nothing here was taken from, or checked against, the code of the server it is
used to test: its author read only the description of the protocol (section C1
of agent-protocols.md). Where the two disagree, one of them has misread the page.

    media_stream_bot.py --port 0 --folder DIR [--host 127.0.0.1]

The first line printed is `listening on PORT`. Each stream leaves two files in
the folder: CALLSID.ulaw, all audio received, and after it CALLSID.json, a list
of what happened, in order:

    {"at": seconds, "direction": "received" or "sent", "message": {...}}
    {"at": seconds, "direction": "violation", "message": "what was wrong"}

`at` is time.monotonic(); a media payload is replaced by its length in bytes. A
message is noted as sent just before it is handed to the socket, so that no
answer can come before it. A stream which never gave a usable callSid is called
unidentified-N.

What the bot does is chosen by start.customParameters.behaviour:

    listen   only record (also when no behaviour is given)
    echo     send each media payload straight back
    marks    send 2 s of tone at once and the mark "first"; when that returns,
             10 s of tone unpaced and the mark "second"; 0.3 s later, clear
    hangup   send 1 s of tone and the mark "bye"; when that returns, close

It needs Debian 12's python3 and python3-websockets.
"""

import argparse
import asyncio
import base64
import itertools
import json
import math
import os
import pathlib
import re
import signal
import time

import websockets

MEDIA_FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
BEHAVIOURS = ("listen", "echo", "marks", "hangup")
unidentified = itertools.count(1)


def ulaw(sample):
    """One 16-bit linear sample as a G.711 mu-law octet."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    mantissa = magnitude >> (exponent + 3) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


# 25 ms: exactly 11 waves of 440 Hz, so that repeating it is seamless.
TONE = bytes(ulaw(round(8000 * math.sin(2 * math.pi * 11 * n / 200))) for n in range(200))


def tone(seconds):
    return TONE * round(seconds * 40)


def part(message, name):
    """The object at `name`, or an empty one, whose fields will then be found missing."""
    value = message.get(name)
    return value if isinstance(value, dict) else {}


def matches(pattern, value):
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def is_sid(prefix, value):
    return matches(prefix + "[0-9a-fA-F]{32}", value)


def is_digits(value):
    return matches("[0-9]+", value)


def decoded(payload):
    """The octets of a base64 payload, or None if it is not one."""
    try:
        return base64.b64decode(payload, validate=True) if isinstance(payload, str) else None
    except ValueError:
        return None


def bare_numbers(value, path=""):
    """The paths of all JSON numbers in `value`, but for those of the media format."""
    if path == ".start.mediaFormat":
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from bare_numbers(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from bare_numbers(inner, f"{path}[{index}]")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def is_format(value):
    """Whether this is the media format; compared as JSON, for Python has 1 == 1.0 == True."""
    return json.dumps(value, sort_keys=True) == json.dumps(MEDIA_FORMAT, sort_keys=True)


class Stream:
    """One WebSocket connection, which carries one stream."""

    def __init__(self, socket, folder):
        self.socket = socket
        self.folder = folder
        self.transcript = []
        self.audio = bytearray()
        self.start = {}
        self.stream_sid = None
        self.behaviour = "listen"
        self.pending_marks = []
        self.messages = 0
        self.later = None

    async def run(self):
        try:
            async for frame in self.socket:
                message = self.receive(frame)
                if message is None:
                    continue
                await self.behave(message)
                if message.get("event") == "stop":
                    break
        except websockets.ConnectionClosed:
            pass
        finally:
            if self.later:
                self.later.cancel()
            self.write()

    # The transcript

    def note(self, direction, message):
        self.transcript.append({"at": time.monotonic(), "direction": direction, "message": message})

    def note_message(self, direction, message):
        audio = decoded(part(message, "media").get("payload"))
        if audio is not None:
            message = {**message, "media": {**message["media"], "payload": len(audio)}}
        self.note(direction, message)

    def write(self):
        name = self.start.get("callSid")
        if not matches("[0-9A-Za-z_-]+", name):
            name = f"unidentified-{next(unidentified)}"
        (self.folder / f"{name}.ulaw").write_bytes(self.audio)
        unfinished = self.folder / f"{name}.json.unfinished"
        unfinished.write_text(json.dumps(self.transcript, indent=1) + "\n")
        os.replace(unfinished, self.folder / f"{name}.json")

    # What comes in

    def receive(self, frame):
        """Notes a frame and all that is wrong with it; returns its message, if it is one."""
        if not isinstance(frame, str):
            return self.note("violation", f"a binary frame of {len(frame)} bytes")
        try:
            message = json.loads(frame)
        except ValueError:
            return self.note("violation", f"not JSON: {frame[:200]}")
        if not isinstance(message, dict):
            return self.note("violation", f"not a JSON object: {frame[:200]}")

        self.note_message("received", message)
        event = message.get("event")
        if event == "start" and not self.start:
            self.start = part(message, "start")
            self.stream_sid = self.start.get("streamSid")
            self.behaviour = part(self.start, "customParameters").get("behaviour", "listen")
        for fault in self.faults(message):
            self.note("violation", f"message {self.messages + 1}, {event}: {fault}")
        if event == "media":
            self.audio += decoded(part(message, "media").get("payload")) or b""
        if event == "mark" and part(message, "mark").get("name") in self.pending_marks:
            self.pending_marks.remove(message["mark"]["name"])
        self.messages += 1
        return message

    def faults(self, message):
        event = message.get("event")
        due = {0: "connected", 1: "start"}.get(self.messages)
        if due and event != due:
            yield f"{due} was due"
        if not due and event in ("connected", "start"):
            yield "comes only once, at the beginning"
        for path in bare_numbers(message):
            yield f"{path} is a number, not a string"

        if event != "connected":
            if not is_digits(message.get("sequenceNumber")):
                yield "sequenceNumber is not a string of digits"
            if not is_sid("MZ", message.get("streamSid")):
                yield "streamSid is not MZ and 32 hexadecimal digits"
            if message.get("streamSid") != self.stream_sid:
                yield "streamSid is not that of the start"

        check = {
            "connected": self.connected_faults,
            "start": self.start_faults,
            "media": self.media_faults,
            "dtmf": self.dtmf_faults,
            "mark": self.mark_faults,
            "stop": self.stop_faults,
        }.get(event) if isinstance(event, str) else None
        if check is None:
            yield "unknown event"
        elif event == "connected":
            yield from check(message)
        elif not isinstance(message.get(event), dict):
            yield f"has no object named {event}"
        else:
            yield from check(message[event])

    def connected_faults(self, connected):
        if connected.get("protocol") != "Call":
            yield "protocol is not Call"
        if connected.get("version") != "1.0.0":
            yield "version is not 1.0.0"

    def start_faults(self, start):
        for name, prefix in (("accountSid", "AC"), ("streamSid", "MZ"), ("callSid", "CA")):
            if not is_sid(prefix, start.get(name)):
                yield f"start.{name} is not {prefix} and 32 hexadecimal digits"
        if start.get("tracks") != ["inbound"]:
            yield 'start.tracks is not ["inbound"]'
        if not is_format(start.get("mediaFormat")):
            yield f"start.mediaFormat is not {json.dumps(MEDIA_FORMAT)}"
        if not isinstance(start.get("customParameters"), dict):
            yield "start.customParameters is not an object"
        for name, value in part(start, "customParameters").items():
            if not isinstance(value, str):
                yield f"start.customParameters.{name} is not a string"
        if self.behaviour not in BEHAVIOURS:
            yield f"this bot has no behaviour {self.behaviour}"

    def media_faults(self, media):
        if media.get("track") != "inbound":
            yield "media.track is not inbound"
        for name in ("chunk", "timestamp"):
            if not is_digits(media.get(name)):
                yield f"media.{name} is not a string of digits"
        if not decoded(media.get("payload")):
            yield "media.payload is not audio in base64"

    def dtmf_faults(self, dtmf):
        if dtmf.get("track") != "inbound_track":
            yield "dtmf.track is not inbound_track"
        if not matches("[0-9*#A-D]", dtmf.get("digit")):
            yield "dtmf.digit is not a key"

    def mark_faults(self, mark):
        if mark.get("name") not in self.pending_marks:
            yield f"mark {mark.get('name')} is not one this bot waits for"

    def stop_faults(self, stop):
        for name in ("accountSid", "callSid"):
            if not stop.get(name) or stop.get(name) != self.start.get(name):
                yield f"stop.{name} is not that of the start"

    # What goes out

    async def send(self, event, **rest):
        message = {"event": event, "streamSid": self.stream_sid, **rest}
        await self.socket.ensure_open()
        self.note_message("sent", message)
        await self.socket.send(json.dumps(message))

    async def send_audio(self, audio):
        await self.send("media", media={"payload": base64.b64encode(audio).decode()})

    async def send_mark(self, name):
        self.pending_marks.append(name)
        await self.send("mark", mark={"name": name})

    async def behave(self, message):
        event = message.get("event")
        returned = part(message, "mark").get("name") if event == "mark" else None

        if self.behaviour == "echo" and event == "media":
            await self.send_audio(decoded(part(message, "media").get("payload")) or b"")

        elif self.behaviour == "marks" and event == "start":
            await self.send_audio(tone(2))
            await self.send_mark("first")
        elif self.behaviour == "marks" and returned == "first" and not self.later:
            self.later = asyncio.create_task(self.speak_at_length_and_clear())

        elif self.behaviour == "hangup" and event == "start":
            await self.send_audio(tone(1))
            await self.send_mark("bye")
        elif self.behaviour == "hangup" and returned == "bye":
            await self.socket.close()

    async def speak_at_length_and_clear(self):
        try:
            for _ in range(20):
                await self.send_audio(tone(0.5))
            await self.send_mark("second")
            await asyncio.sleep(0.3)
            await self.send("clear")
        except websockets.ConnectionClosed:
            pass


async def main():
    parser = argparse.ArgumentParser(description="A Twilio Media Streams bot, for tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="0: any free one")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)

    terminated = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, terminated.set)

    async def handle(socket):
        await Stream(socket, arguments.folder).run()

    # Leaving the block closes the open streams, which then write their files.
    async with websockets.serve(handle, arguments.host, arguments.port, close_timeout=1) as server:
        print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
        await terminated.wait()


if __name__ == "__main__":
    asyncio.run(main())
