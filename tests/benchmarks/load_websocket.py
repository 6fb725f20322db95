"""What K WebSocket calls cost the server: CPU per stream-second, memory per session, and the evenness of its frames.

    python tests/benchmarks/load_websocket.py                           audio in only
    python tests/benchmarks/load_websocket.py --vad --play --sessions 25,100,300 --seconds 15

It starts `active-call serve` in a process of its own. Each session invites with codec pcm and sends one frame of 20 ms
every 20 ms (noise bursts that a detector takes for speech now and then, or `--speech` looped); with `--play` the
server plays a file of 60 s, so that audio flows both ways. On a shared machine trust ratios, and run it twice.
Needs picows and psutil.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from active_call.audio import RATE_HZ
from active_call.audio.wav import load_mono, write_wav

FRAME_BYTES = 640
SETTLE_S = 4
PLAYED_S = 60


class Session(WSListener):  # type: ignore[misc]  # a compiled class
    """One caller: counts what it hears."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.gaps: list[float] = []
        self.frames = 0
        self.measuring = False
        self.lost = False
        self._last = 0.0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.lost = True

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            now = time.perf_counter()
            if self.measuring and self._last:
                self.gaps.append(now - self._last)
                self.frames += 1
            self._last = now
        elif frame.msg_type == WSMsgType.TEXT:
            event = json.loads(frame.get_payload_as_utf8_text())
            self.events[event["event"] if event["event"] != "error" else f"error: {event['error']}"] += 1
        elif frame.msg_type == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())

    def say(self, **command: Any) -> None:
        self.transport.send(WSMsgType.TEXT, json.dumps(command).encode())


@contextlib.contextmanager
def serving(directory: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server of its own; it may play what is in `directory`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "active_call.cli", "serve", "--http", f"127.0.0.1:{port}"]
    with (directory / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None:
                raise SystemExit((directory / "server.log").read_text())
            time.sleep(0.1)
        yield f"ws://127.0.0.1:{port}/call", psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


async def invite(url: str, count: int, option: dict[str, Any]) -> list[Session]:
    sessions = []
    for number in range(count):
        _, session = await ws_connect(Session, f"{url}?id=load-{count}-{number}-{time.time_ns()}&dump=false")
        session.say(command="invite", option=option)
        sessions.append(session)
        await asyncio.sleep(0.005)
    return sessions


async def microphones(sessions: list[Session], frames: list[bytes], late: list[float]) -> None:
    """20 ms of audio from every session every 20 ms, spread over those 20 ms as independent callers would be.

    `late` gets one entry per 20 ms: how much too late they were, seconds.
    """
    began, turn = time.perf_counter(), 0
    while True:
        for number, session in enumerate(sessions):
            if not session.lost:
                session.transport.send(WSMsgType.BINARY, frames[(turn + number * 7) % len(frames)])
            if number % 25 == 24:
                due = began + (turn + (number + 1) / len(sessions)) * 0.02
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
        turn += 1
        wait = began + turn * 0.02 - time.perf_counter()
        late.append(max(0.0, -wait))
        await asyncio.sleep(max(0.0, wait))


async def measure(url: str, server: psutil.Process, count: int, args: argparse.Namespace, frames: list[bytes]) -> Any:
    before_mb = server.memory_info().rss / 1e6
    option: dict[str, Any] = {"codec": "pcm"}
    if args.vad:
        option["vad"] = {"type": "silero"}
    idle = sum(server.cpu_times()[:2])
    await asyncio.sleep(2)
    idle = (sum(server.cpu_times()[:2]) - idle) / 2
    sessions = await invite(url, count, option)
    await asyncio.sleep(1)
    if args.play:
        for session in sessions:
            session.say(command="play", url="played.wav")
            await asyncio.sleep(0.02 / count)
    late: list[float] = []
    feeding = asyncio.create_task(microphones(sessions, frames, late))
    await asyncio.sleep(SETTLE_S)
    for session in sessions:
        session.measuring = True
    cpu, wall = sum(server.cpu_times()[:2]), time.perf_counter()
    mine, turns = time.process_time(), len(late)
    await asyncio.sleep(args.seconds)
    cpu, wall = sum(server.cpu_times()[:2]) - cpu, time.perf_counter() - wall
    mine, turns = time.process_time() - mine, len(late) - turns
    rss_mb = server.memory_info().rss / 1e6
    feeding.cancel()
    gaps = np.concatenate([np.array(session.gaps) for session in sessions if session.gaps] or [np.zeros(1)]) * 1000
    events: Counter[str] = sum((session.events for session in sessions), Counter())
    for session in sessions:
        if not session.lost:
            session.say(command="hangup")
            session.transport.disconnect()
    await asyncio.sleep(2)
    return {
        "sessions": count,
        "cpu_ms_per_stream_s": round(cpu / wall / count * 1000, 2),
        "server_core": round(cpu / wall, 3),
        "server_core_idle": round(idle, 3),
        "rss_mb": round(rss_mb, 1),
        "rss_mb_per_session": round((rss_mb - before_mb) / count, 3),
        "sent_per_stream_s": round(turns / wall, 2),
        "heard_per_stream_s": round(sum(session.frames for session in sessions) / wall / count, 2),
        "gap_ms_p50_p99_max": [round(float(np.percentile(gaps, at)), 1) for at in (50, 99, 100)],
        "client_core": round(mine / wall, 2),
        "client_late_ms_p99": round(float(np.percentile(late, 99)) * 1000, 1),
        "events": dict(events),
        "load1": round(os.getloadavg()[0], 1),
    }


def audio(path: Path | None) -> bytes:
    """What a caller sends: a recording, or 8 s in which half-second bursts of a buzzing voice alternate with hush."""
    if path is not None:
        return load_mono(path, RATE_HZ).tobytes()
    at = np.arange(8 * RATE_HZ) / RATE_HZ
    voice = sum(np.sin(2 * np.pi * 120 * harmonic * at) / harmonic for harmonic in range(1, 20))
    return (voice * 3000 * (at % 1 < 0.5)).astype("<i2").tobytes()


async def run(args: argparse.Namespace) -> None:
    data = audio(args.speech)
    frames = [data[at : at + FRAME_BYTES] for at in range(0, len(data) - FRAME_BYTES + 1, FRAME_BYTES)]
    with tempfile.TemporaryDirectory() as name:
        played = np.frombuffer(data, "<i2")
        repeats = -(-PLAYED_S * RATE_HZ // len(played))
        write_wav(Path(name) / "played.wav", np.tile(played, repeats)[: PLAYED_S * RATE_HZ], RATE_HZ)
        with serving(Path(name)) as (url, server):
            await asyncio.sleep(3)
            print(json.dumps({"idle_rss_mb": round(server.memory_info().rss / 1e6, 1), "pid": server.pid}), flush=True)
            for count in map(int, args.sessions.split(",")):
                print(json.dumps(await measure(url, server, count, args, frames)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", default="25,100,300", help="how many at once, e.g. 25,100,300")
    parser.add_argument("--seconds", type=float, default=15, help="measured time per number of sessions")
    parser.add_argument("--vad", action="store_true", help="with voice activity detection (silero)")
    parser.add_argument("--play", action="store_true", help="the server plays a file to each session")
    parser.add_argument("--speech", type=Path, help="a WAV file that the callers send in a loop")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
