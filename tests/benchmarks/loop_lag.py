"""How long the event loop is kept from its next 5 ms during spoken conversations with the embedded stack.

    python tests/benchmarks/loop_lag.py [--calls 4] [--turns 4]

The server is in this process, on the loop that `serve` uses; the callers are another one and speak real recorded
sentences (Debian's pocketsphinx-testdata). A probe wakes every 5 ms. "late" is how late it woke: the machine, the
interpreter's lock held by an inference thread, and our code together. "blocked" is the CPU time that the loop's own
thread used up within that lateness, so it is our code alone: the aim is 5 ms at most. With
`--who 5` it is printed what ran when the loop was 5 ms late.
"""

import argparse
import asyncio
import itertools
import os
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from active_call.audio.wav import load_mono
from active_call.cli.http import bind, listening
from active_call.cli.runtime import Paths, Runtime
from active_call.server.app import application
from active_call.testing.caller import Caller

CLIPS = Path("/usr/share/pocketsphinx/test/data/librivox")
PERIOD_S = 0.005
LOOKED_AT = 12
"""Frames of a stack that are printed."""
PLAYBOOK = """---
greeting: Hello.
script:
  fallback: ["I see, and what then?", "Really? Please go on.", "That is interesting."]
---
You listen to a story.
"""


class Probe:
    """Wakes every 5 ms and notes what kept it."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self.blocked_ms: list[float] = []
        self.woke = time.perf_counter()
        self._loop = asyncio.get_running_loop()
        self._cpu = time.thread_time()
        self._due = self.woke + PERIOD_S
        self._loop.call_later(PERIOD_S, self._wake)

    def _wake(self) -> None:
        self.woke, cpu = time.perf_counter(), time.thread_time()
        late = max(0.0, self.woke - self._due)
        self.late_ms.append(late * 1000)
        self.blocked_ms.append(min(late, cpu - self._cpu) * 1000)
        self._cpu = time.thread_time()
        self._due = time.perf_counter() + PERIOD_S
        self._loop.call_later(PERIOD_S, self._wake)


@contextmanager
def witness(probe: Probe, limit_ms: float | None) -> Iterator[Counter[str]]:
    """A thread that looks at the loop's stack whenever the probe is later than `limit_ms`; it costs time itself."""
    seen: Counter[str] = Counter()
    stop = threading.Event()
    watched = threading.get_ident()

    def watch() -> None:
        while not stop.wait(0.001):
            if limit_ms is not None and (time.perf_counter() - probe.woke - PERIOD_S) * 1000 > limit_ms:
                calls = itertools.islice(traceback.walk_stack(sys._current_frames()[watched]), LOOKED_AT)
                seen[
                    " < ".join(f"{Path(f.f_code.co_filename).name}:{line} {f.f_code.co_name}" for f, line in calls)
                ] += 1

    thread = threading.Thread(target=watch, daemon=True)
    if limit_ms is not None:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()


async def serve(calls: int, turns: int, who_ms: float | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime(Paths(playbooks=[Path(folder)], media=[Path(folder)]))
        missing = runtime.missing_models()
        if missing:
            raise SystemExit(f"missing models: {', '.join(missing)}; run `active-call models pull embedded`")
        async with runtime.running() as manager:
            await runtime.preload(manager.services.pool)
            listener = bind("127.0.0.1", 0)
            base = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with listening(application(manager), listener):
                arguments = ["--callers", base, "--calls", str(calls), "--turns", str(turns)]
                process = await asyncio.create_subprocess_exec(sys.executable, __file__, *arguments)
                probe = Probe()
                with witness(probe, who_ms) as seen:
                    if await process.wait():
                        raise SystemExit("the callers failed")
                report(probe, seen)


def report(probe: Probe, seen: Counter[str]) -> None:
    print(f"load average {os.getloadavg()[0]:.2f}; {len(probe.late_ms)} wake-ups; milliseconds:")
    for name, values in (("late", probe.late_ms), ("blocked by our code", probe.blocked_ms)):
        p50, p99, p999 = np.percentile(values, [50, 99, 99.9])
        print(f"{name:22} p50 {p50:6.2f}  p99 {p99:6.2f}  p99.9 {p999:6.2f}  max {max(values):6.2f}")
    for stack, count in seen.most_common(5):
        print(f"  seen {count} times: {stack}")


async def hold(base: str, number: int, turns: int, clips: list[np.ndarray]) -> int:
    """One caller's conversation; how many replies it heard."""
    async with httpx.AsyncClient(base_url=base) as client:
        answer = await client.post("/api/playbook/run", json={"content": PLAYBOOK})
    async with Caller(base, f"/call?id={answer.json()['session_id']}") as caller:
        await caller.invite()
        await caller.quiet(1.0, 10)
        replies = 0
        for turn in range(turns):
            await caller.say(clips[(number + turn) % len(clips)])
            replies += await caller.replied(30)
        await caller.hang_up()
        await caller.until_closed(5)
    return replies


async def callers(base: str, calls: int, turns: int, clips: list[np.ndarray]) -> None:
    replies = await asyncio.gather(*(hold(base, number, turns, clips) for number in range(calls)))
    print(f"{calls} calls of {turns} turns, {sum(replies)} replies heard")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=4)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--who", type=float, metavar="MS", help="say what ran when the loop was this late")
    parser.add_argument("--callers", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not any(CLIPS.glob("*.wav")):
        raise SystemExit(f"no clips in {CLIPS}: apt-get install pocketsphinx-testdata")
    if options.callers:
        clips = [load_mono(path) for path in sorted(CLIPS.glob("*.wav"))]
        asyncio.run(callers(options.callers, options.calls, options.turns, clips))
        return
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(options.calls, options.turns, options.who))
    else:
        uvloop.run(serve(options.calls, options.turns, options.who))


if __name__ == "__main__":
    main()
