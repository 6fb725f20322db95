"""What is left of 500 calls in a row and of 100 at once, and whether a burst of 10,000 commands keeps its order.

    python tests/benchmarks/many_calls.py [--sequential 500] [--parallel 100] [--burst 10000]

It starts `active-call serve` with its own plugins alone in a process of its own, in an empty directory. Each call is
invited, speaks a second of audio at once, hears a file of 200 ms and hangs up; every tenth loses its socket instead.
Before and after each part it looks at the server from outside: threads, open files, resident memory, and
how many calls it says it has. What comes first, for what a process makes once, does not count. Exit status 1 when
anything is left, or when memory grew by more than 10 percent.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import websockets

from active_call.audio import FRAME_SAMPLES, RATE_HZ
from active_call.audio.wav import write_wav
from active_call.cli.http import bind

FRAME = (np.random.default_rng(1).normal(0, 3000, FRAME_SAMPLES)).astype("<i2").tobytes()
GROWTH = 1.10


@dataclass(frozen=True)
class Left:
    threads: int
    files: int
    calls: int
    rss_mb: float

    def __str__(self) -> str:
        return f"{self.threads} threads, {self.files} files, {self.calls} calls, {self.rss_mb:.1f} MB"


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[str, int]]:
    """Its address and process id."""
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "active_call.cli", "serve", "--http", f"127.0.0.1:{port}"]
    environ = {**os.environ, "ACTIVE_CALL_LOAD_PLUGINS": "", "ACTIVE_CALL_PATHS__MEDIA": str(folder)}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
        try:
            yield f"127.0.0.1:{port}", process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


async def look(base: str, pid: int) -> Left:
    """At rest: as soon as no call is left, two seconds at most."""
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(40):
            await asyncio.sleep(0.05)
            calls = len((await client.get(f"http://{base}/list")).json()["active_calls"])
            if not calls:
                break
    await asyncio.sleep(0.5)
    return _seen(pid, calls)


def _seen(pid: int, calls: int) -> Left:
    status = Path(f"/proc/{pid}/status").read_text()
    kib = int(status.partition("VmRSS:")[2].split()[0])
    threads = int(status.partition("Threads:")[2].split()[0])
    return Left(threads, len(os.listdir(f"/proc/{pid}/fd")), calls, kib / 1024)


async def one_call(base: str, number: int) -> None:
    async with websockets.connect(f"ws://{base}/call?dump=false", ping_interval=None, max_size=None) as socket:
        await socket.send(json.dumps({"command": "invite", "option": {"codec": "pcm"}}))
        await until(socket, "answer")
        for _ in range(50):
            await socket.send(FRAME)
        await socket.send(json.dumps({"command": "play", "url": "tone.wav"}))
        if number % 10 == 9:
            socket.transport.abort()
            return
        await until(socket, "trackEnd")
        await socket.send('{"command":"hangup"}')
        await until(socket, "hangup")


async def until(socket: websockets.ClientConnection, name: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        async for message in socket:
            if isinstance(message, str) and (event := json.loads(message))["event"] == name:
                return dict(event)
    raise ConnectionError(f"closed before {name}")


async def burst(base: str, count: int) -> float:
    """Seconds; raises AssertionError when one is lost or out of order."""
    async with websockets.connect(f"ws://{base}/call?dump=false", ping_interval=None, max_size=None) as socket:
        began = time.perf_counter()

        async def send() -> None:
            for number in range(count):
                await socket.send(json.dumps({"command": "history", "speaker": "user", "text": str(number)}))
            await socket.send('{"command":"hangup"}')

        sending = asyncio.create_task(send())
        texts = []
        async for message in socket:
            event = json.loads(message)
            if event["event"] == "addHistory":
                texts.append(int(event["text"]))
        await sending
        assert texts == list(range(count)), f"{len(texts)} of {count} came back, or out of order"
        return time.perf_counter() - began


async def measure(base: str, pid: int, sequential: int, parallel: int, commands: int) -> bool:
    for _ in range(3):
        await asyncio.gather(*(one_call(base, number) for number in range(parallel)))
    await burst(base, commands)
    before = await look(base, pid)
    print(f"before                         {before}")
    began = time.perf_counter()
    for number in range(sequential):
        await one_call(base, number)
    one = await look(base, pid)
    print(f"{sequential} calls in {time.perf_counter() - began:.1f} s             {one}")
    await asyncio.gather(*(one_call(base, number) for number in range(parallel)))
    other = await look(base, pid)
    print(f"{parallel} calls at once              {other}")
    seconds = await burst(base, commands)
    last = await look(base, pid)
    print(f"{commands} commands in {seconds:.2f} s, in order  {last}")
    return all(
        (left.threads, left.files, left.calls) == (before.threads, before.files, 0)
        and left.rss_mb <= before.rss_mb * GROWTH
        for left in (one, other, last)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequential", type=int, default=500)
    parser.add_argument("--parallel", type=int, default=100)
    parser.add_argument("--burst", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tone = (np.sin(np.arange(RATE_HZ // 5) * 0.17) * 8000).astype(np.int16)
        write_wav(folder / "tone.wav", tone, rate_hz=RATE_HZ)
        with server(folder) as (base, pid):
            for _ in range(100):
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(f"http://{base}/health", trust_env=False)
                    break
                time.sleep(0.1)
            clean = asyncio.run(measure(base, pid, options.sequential, options.parallel, options.burst))
    print("nothing is left" if clean else "something is left")
    sys.exit(not clean)


if __name__ == "__main__":
    main()
